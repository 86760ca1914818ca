/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pending.h - which blocks crash recovery will write anew.
 *
 * A server that was not stopped in good order replays its log from the redo
 * point.  A block whose first record there holds the whole page, or makes it
 * from nothing, gets its content from the log whatever the file holds: a torn
 * page of this kind is no damage.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_PENDING_H
#define DARN_SCANNERS_POSTGRESQL_PENDING_H

#include "scanners/postgresql/blockmap.h"

/* All zero: nothing is known.  Immutable after darn_pg_pending_build(). */
struct darn_pg_pending {
	struct darn_pg_blockmap blocks; /* 1: the first record is whole */
	bool complete; /* every block that the log names is here */
};

/* Walks the log of @t from @redo_lsn.  @out is empty on failure. */
DARN_MUST_CHECK
enum darn_rc darn_pg_pending_build(struct darn_tree *t,
				   const struct darn_pg_control *c,
				   uint32_t tli, uint64_t redo_lsn,
				   struct darn_pg_pending *out,
				   struct darn_error *err);

/* True if recovery writes the whole block.  @rel->segment is not asked. */
bool darn_pg_pending_writes(const struct darn_pg_pending *p,
			    const struct darn_pg_rel *rel, uint32_t block);

/* True if the log names the block behind the redo point. */
bool darn_pg_pending_names(const struct darn_pg_pending *p,
			   const struct darn_pg_rel *rel, uint32_t block);

void darn_pg_pending_release(struct darn_pg_pending *p);

#endif
