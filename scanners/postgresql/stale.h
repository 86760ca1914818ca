/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stale.h - pages that are older than the log says.
 *
 * While a file is checked, a page whose LSN is below the one of the last
 * record that named the block leaves a DARN_PG_NOTE_OLD.  The join asks the
 * log about these, because a truncation may have come in between.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_STALE_H
#define DARN_SCANNERS_POSTGRESQL_STALE_H

#include "scanners/postgresql/cluster.h"

/*
 * Fills in pg->written: for each block the LSN behind the last record that is
 * certainly in the files.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_written_build(struct darn_pg *pg, struct darn_tree *t,
				   struct darn_error *err);

/* As for zero.h. */
struct darn_pg_stale;
DARN_MUST_CHECK
enum darn_rc darn_pg_stale_create(const struct darn_pg *pg, struct darn_tree *t,
				  struct darn_sink *sink,
				  struct darn_pg_stale **out,
				  struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_stale_note(struct darn_pg_stale *s,
				const struct darn_note *note,
				struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_stale_end(struct darn_pg_stale *s, struct darn_error *err);
void darn_pg_stale_destroy(struct darn_pg_stale *s); /* NULL is fine */

#endif
