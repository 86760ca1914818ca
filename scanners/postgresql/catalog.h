/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - reading a system catalogue straight from its heap pages.
 *
 * Only rows that are certainly current are shown: their page verifies, their
 * inserting transaction committed and no other one may have removed them.
 * Whatever is in doubt is left out, so a rule that says "a row without its
 * file" cannot be wrong about the row.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_CATALOG_H
#define DARN_SCANNERS_POSTGRESQL_CATALOG_H

#include "scanners/postgresql/cluster.h"

/* The catalogues read, by their fixed numbers. */
enum {
	DARN_PG_OID_DATABASE = 1262,
	DARN_PG_OID_CLASS = 1259,
};

/* @row: the columns of one row, @len bytes; no null bitmap before them. */
typedef enum darn_rc (*darn_pg_row_fn)(const uint8_t *row, size_t len,
				       void *payload, struct darn_error *err);

/* How much of a catalogue could be read; the larger, the worse. */
enum darn_pg_seen {
	DARN_PG_SEEN_ALL,
	DARN_PG_SEEN_PART,    /* recovery, or a server, writes the rest anew */
	DARN_PG_SEEN_DAMAGED, /* it, its map or the control file is damaged */
};

/*
 * Calls @fn for each current row of the catalogue @oid that lies in the
 * directory @dir (spc and db as in the log).
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_catalog_each(const struct darn_pg *pg, struct darn_tree *t,
				  const char *dir, struct darn_pg_rel where,
				  uint32_t oid, darn_pg_row_fn fn,
				  void *payload, enum darn_pg_seen *seen,
				  struct darn_error *err);

/* Reads @dir/pg_filenode.map; false: missing or damaged. */
bool darn_pg_relmap_read(struct darn_tree *t, const char *dir,
			 struct darn_pg_relmap *out);

#endif
