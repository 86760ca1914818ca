/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zero.h - which pages of zeros may be there.
 *
 * create, then note() for every DARN_PG_NOTE_ZERO in the order in which they
 * come, then end(), which reports what is left.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_ZERO_H
#define DARN_SCANNERS_POSTGRESQL_ZERO_H

#include "scanners/postgresql/cluster.h"

struct darn_pg_zero;

DARN_MUST_CHECK
enum darn_rc darn_pg_zero_create(const struct darn_pg *pg, struct darn_tree *t,
				 struct darn_sink *sink,
				 struct darn_pg_zero **out,
				 struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_zero_note(struct darn_pg_zero *z,
			       const struct darn_note *note,
			       struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_zero_end(struct darn_pg_zero *z, struct darn_error *err);
void darn_pg_zero_destroy(struct darn_pg_zero *z); /* NULL is fine */

#endif
