/* SPDX-License-Identifier: Apache-2.0 */
/* xact.h - was a row there when the server stopped? */
#ifndef DARN_SCANNERS_POSTGRESQL_XACT_H
#define DARN_SCANNERS_POSTGRESQL_XACT_H

#include "scanners/postgresql/cluster.h"

/* The page of pg_xact asked last. */
struct darn_pg_xact {
	const struct darn_pg *pg;
	struct darn_tree *t;
	bool loaded;
	bool lost;     /* a page of the commit log could not be read */
	uint32_t page; /* number within pg_xact */
	uint8_t buf[DARN_PG_PAGE];
};

/*
 * Is the heap tuple @tuple of @len bytes certainly current?  Its columns
 * begin at *columns.
 */
bool darn_pg_tuple_current(struct darn_pg_xact *x, const uint8_t *tuple,
			   size_t len, size_t *columns);

#endif
