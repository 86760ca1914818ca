/* SPDX-License-Identifier: Apache-2.0 */
/* expect.h - what the parts of the completeness rules share. */
#ifndef DARN_SCANNERS_POSTGRESQL_EXPECT_H
#define DARN_SCANNERS_POSTGRESQL_EXPECT_H

#include "scanners/postgresql/catalog.h"
#include "scanners/postgresql/cluster.h"

enum {
	DARN_PG_PATH_MAX = 512,
	DARN_PG_CATALOG_VERSION = 202209061, /* of PostgreSQL 15 */
};

#define DARN_PG_NO_FILE UINT64_MAX
#define DARN_PG_NOT_KNOWN (UINT64_MAX - 1)

struct darn_pg_database {
	uint32_t oid, spc;
};

struct darn_pg_expect {
	const struct darn_pg *pg;
	struct darn_tree *t;
	struct darn_sink *sink;
	/* Those of pg_database as far as it can be read, in its order. */
	struct darn_pg_database *dbs;
	size_t ndbs, dbs_cap;
	enum darn_pg_seen dbs_seen;
};

/* The size of @path, or one of the two answers above. */
uint64_t darn_pg_file_size(struct darn_tree *t, const char *path);

/* @size, up to the end of the page that it ends in. */
static inline uint64_t darn_pg_pages_end(uint64_t size)
{
	return (size + DARN_PG_PAGE - 1) / DARN_PG_PAGE * DARN_PG_PAGE;
}

/* The directory of the relations of @db in the tablespace @spc. */
void darn_pg_rel_dir(char *buf, size_t size, uint32_t spc, uint32_t db);

/* The file is not there; it should have @len bytes. */
void darn_pg_report_missing(const struct darn_pg_expect *x, const char *path,
			    uint64_t len);

/* Reports @dir/@name where it is not there. */
void darn_pg_need_in(const struct darn_pg_expect *x, const char *dir,
		     const char *name, uint64_t len);

/* True if neither recovery nor a backup's copying changes the relation. */
bool darn_pg_rel_settled(const struct darn_pg *pg,
			 const struct darn_pg_rel *rel);

/* Fills @x->dbs, which free() releases, also after a failure. */
DARN_MUST_CHECK
enum darn_rc darn_pg_expect_databases(struct darn_pg_expect *x,
				      struct darn_error *err);

/*
 * True if no relation has the main fork @rel for certain: left by a crash.
 * Reads the whole catalogue of its database.
 */
bool darn_pg_is_orphan(const struct darn_pg *pg, struct darn_tree *t,
		       const struct darn_pg_rel *rel);

/* Compares the catalogue of every database with its files. */
DARN_MUST_CHECK
enum darn_rc darn_pg_expect_relations(const struct darn_pg_expect *x,
				      struct darn_error *err);

#endif
