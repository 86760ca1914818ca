/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am.h - which access method wrote a relation, told by its pages.
 *
 * The catalogue knows too, but it may be damaged, and it is as large as the
 * cluster.  Every access method marks the end of its pages in its own way.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_AM_H
#define DARN_SCANNERS_POSTGRESQL_AM_H

#include "scanners/postgresql/cluster.h"

enum darn_pg_am {
	DARN_PG_AM_UNKNOWN,
	DARN_PG_AM_HEAP, /* tables, TOAST, materialised views */
	DARN_PG_AM_SEQUENCE,
	DARN_PG_AM_BTREE,
	DARN_PG_AM_HASH,
	DARN_PG_AM_GIST,
	DARN_PG_AM_SPGIST,
	DARN_PG_AM_GIN,
	DARN_PG_AM_BRIN,
};

/* By one page of 8192 bytes of a main fork. */
enum darn_pg_am darn_pg_am_of_page(const uint8_t *page);

/* By the first used pages of the relation's first segment @path. */
enum darn_pg_am darn_pg_am_of_file(const struct darn_pg *pg,
				   struct darn_tree *t, const char *path);

/* "btree index"; static. */
const char *darn_pg_am_name(enum darn_pg_am am);

/* True for indexes: REINDEX makes them anew. */
static inline bool darn_pg_am_is_index(enum darn_pg_am am)
{
	return am >= DARN_PG_AM_BTREE;
}

#endif
