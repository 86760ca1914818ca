/* SPDX-License-Identifier: Apache-2.0 */
/*
 * covered.h - what the log says of a source's pages since the source was taken.
 *
 * Where the log of the cluster reaches back, unbroken, to the moment from
 * which the source would recover, it names every block that was changed since.
 * A block that it does not name is in the source as it should be here.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_COVERED_H
#define DARN_SCANNERS_POSTGRESQL_COVERED_H

#include "scanners/postgresql/cluster.h"

enum darn_pg_since {
	DARN_PG_SINCE_UNKNOWN,	 /* the log does not reach, or cannot tell */
	DARN_PG_SINCE_UNTOUCHED, /* nothing changed it */
	DARN_PG_SINCE_CHANGED,	 /* *lsn: behind the last change */
};

/*
 * What happened to @block of @rel, or to the whole relation file where @whole,
 * since @src was taken?  Walks the log once for each source and remembers.
 * @why (of @why_size bytes) gets the reason for UNKNOWN.
 */
enum darn_pg_since darn_pg_since(const struct darn_pg *pg,
				 const struct darn_pg *src,
				 const struct darn_pg_rel *rel, uint32_t block,
				 bool whole, uint64_t *lsn, char *why,
				 size_t why_size);

/* darn_pg_parted() of all that both logs hold, remembered. */
bool darn_pg_has_parted(const struct darn_pg *pg, const struct darn_pg *src,
			uint64_t *at);

/*
 * Do the rules of what must be in a cluster find nothing wrong with the file
 * @path of @src?  Asks them once for each source and remembers.  *known is
 * false where they cannot tell.
 */
bool darn_pg_source_holds(const struct darn_pg *pg, const struct darn_pg *src,
			  const char *path, bool *known);

/* The memory behind it, in the context of the cluster: one thread at a time. */
DARN_MUST_CHECK
enum darn_rc darn_pg_covers_create(struct darn_pg_covers **out,
				   struct darn_error *err);
void darn_pg_covers_destroy(struct darn_pg_covers *c); /* NULL is fine */

#endif
