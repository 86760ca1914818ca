/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expect.c - what must be there: a checksum cannot tell that a file is gone.
 *
 * Three rules.  A few files and directories that every cluster has.  Relations
 * are cut into segments, and all but the last are full.  And each row of
 * pg_class names a file, and has counted its pages (relpages_rule.c).
 *
 * The second and third hold for a stopped server.  After a crash, or in a
 * backup that was taken while the server ran, the log explains differences,
 * so that they are asked only of relations that it does not name.
 */
#include "scanners/postgresql/expect.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "scanners/postgresql/codes.h"

enum {
	MAX_GAP = 64, /* missing segments in a row that are named each */
	XIDS_PER_FILE = 32 * 4 * DARN_PG_PAGE,
	FIRST_NORMAL_XID = 3,
};

uint64_t darn_pg_file_size(struct darn_tree *t, const char *path)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_stat st;
	enum darn_rc rc = darn_tree_stat(t, path, &st, &why);

	if (rc == DARN_OK)
		return st.size;
	return rc == DARN_ENOENT ? DARN_PG_NO_FILE : DARN_PG_NOT_KNOWN;
}

void darn_pg_rel_dir(char *buf, size_t size, uint32_t spc, uint32_t db)
{
	if (spc == DARN_PG_SPC_GLOBAL)
		(void)snprintf(buf, size, "global");
	else if (spc == DARN_PG_SPC_DEFAULT)
		(void)snprintf(buf, size, "base/%u", db);
	else
		(void)snprintf(buf, size, "pg_tblspc/%u/PG_%d_%d/%u", spc,
			       DARN_PG_MAJOR, DARN_PG_CATALOG_VERSION, db);
}

bool darn_pg_is_unlogged(struct darn_tree *t, const struct darn_pg_rel *rel)
{
	char dir[DARN_PG_PATH_MAX], path[DARN_PG_PATH_MAX + 32];

	darn_pg_rel_dir(dir, sizeof(dir), rel->spc, rel->db);
	(void)snprintf(path, sizeof(path), "%s/%u_init", dir, rel->node);
	return darn_pg_file_size(t, path) != DARN_PG_NO_FILE;
}

void darn_pg_report_missing(const struct darn_pg_expect *x, const char *path,
			    uint64_t len)
{
	darn_pg_report(
		x->sink, DARN_PG_FILE_MISSING,
		(struct darn_place){.path = path, .len = len, .missing = len},
		NULL);
}

static void need(const struct darn_pg_expect *x, const char *path, uint64_t len)
{
	if (darn_pg_file_size(x->t, path) == DARN_PG_NO_FILE)
		darn_pg_report_missing(x, path, len);
}

void darn_pg_need_in(const struct darn_pg_expect *x, const char *dir,
		     const char *name, uint64_t len)
{
	char path[DARN_PG_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	need(x, path, len);
}

/* Directories without which the server does not start or loses data. */
static void need_cluster(const struct darn_pg_expect *x)
{
	static const char *const dirs[] = {
		"base",
		"global",
		"pg_multixact/members",
		"pg_multixact/offsets",
		"pg_tblspc",
		"pg_wal",
		"pg_xact",
	};
	const struct darn_pg_control *c = &x->pg->control;
	char path[32];

	for (size_t i = 0; i < DARN_ARRAY_SIZE(dirs); i++)
		need(x, dirs[i], 0);
	need(x, "PG_VERSION", 3);
	need(x, "global/pg_control", DARN_PG_CONTROL_LEN);
	need(x, "global/pg_filenode.map", DARN_PG_RELMAP_LEN);
	if (!c->valid || (uint32_t)c->next_xid <= FIRST_NORMAL_XID)
		return;
	/* The latest transaction's fate is in it. */
	(void)snprintf(path, sizeof(path), "pg_xact/%04X",
		       ((uint32_t)c->next_xid - 1) / XIDS_PER_FILE);
	need(x, path, 0);
}

/* ---- segments ---- */

bool darn_pg_rel_settled(const struct darn_pg *pg,
			 const struct darn_pg_rel *rel)
{
	if (darn_pg_clean(&pg->start))
		return true;
	return pg->pending.complete &&
	       !darn_pg_blockmap_touches(&pg->pending.blocks, rel);
}

/* "16384.2" of "16384.3"; false: no room, which no real name needs. */
static bool segment_name(char *buf, size_t size, const char *path,
			 uint32_t segment)
{
	const char *dot = strrchr(path, '.');
	int stem = dot ? (int)(dot - path) : (int)strlen(path);
	int n;

	if (segment == 0)
		n = snprintf(buf, size, "%.*s", stem, path);
	else
		n = snprintf(buf, size, "%.*s.%u", stem, path, segment);
	return n > 0 && (size_t)n < size;
}

static void report_gap(const struct darn_pg_expect *x, const char *path,
		       uint64_t size, uint64_t full)
{
	struct darn_place where = {.path = path, .len = full, .missing = full};

	if (size == DARN_PG_NO_FILE) {
		darn_pg_report(x->sink, DARN_PG_SEGMENT_MISSING, where, NULL);
		return;
	}
	where.off = darn_pg_pages_end(size);
	where.len = full - where.off;
	where.missing = where.len;
	darn_pg_report(x->sink, DARN_PG_SEGMENT_SHORT, where,
		       DARN_DETAILS(DARN_DEC("size", size)));
}

/* The segments before one that holds something. */
static void check_before(const struct darn_pg_expect *x, const char *path,
			 const struct darn_pg_rel *rel)
{
	uint64_t full = (uint64_t)x->pg->segment_blocks * DARN_PG_PAGE;
	char before[DARN_PG_PATH_MAX];
	uint32_t segment = rel->segment;

	for (unsigned gap = 0; segment > 0 && gap < MAX_GAP; gap++) {
		uint64_t size;

		if (!segment_name(before, sizeof(before), path, --segment))
			return;
		size = darn_pg_file_size(x->t, before);
		if (size == DARN_PG_NOT_KNOWN ||
		    (size != DARN_PG_NO_FILE &&
		     darn_pg_pages_end(size) >= full) ||
		    !darn_pg_rel_settled(x->pg, rel))
			return;
		report_gap(x, before, size, full);
		if (size != DARN_PG_NO_FILE)
			return;
	}
}

/* A crash of CREATE DATABASE leaves files of a database that never was. */
static bool known_database(const struct darn_pg_expect *x, uint32_t db)
{
	if (db == 0)
		return true;
	for (size_t i = 0; i < x->ndbs; i++)
		if (x->dbs[i].oid == db)
			return true;
	return false;
}

/*
 * A map without its table.  The server removes a table's maps at once and its
 * main file later, so a crash does not leave one.
 */
static void check_main(const struct darn_pg_expect *x, const char *path,
		       const struct darn_pg_rel *rel)
{
	char main[DARN_PG_PATH_MAX];
	const char *fork = strrchr(path, '_');

	(void)snprintf(main, sizeof(main), "%.*s", (int)(fork - path), path);
	if (!x->pg->base_backup && known_database(x, rel->db) &&
	    darn_pg_file_size(x->t, main) == DARN_PG_NO_FILE &&
	    darn_pg_rel_settled(x->pg, rel))
		darn_pg_report(x->sink, DARN_PG_FORK_ALONE,
			       (struct darn_place){.path = path}, NULL);
}

static enum darn_rc on_file(const struct darn_entry *e, void *payload,
			    struct darn_error *err)
{
	const struct darn_pg_expect *x = payload;
	struct darn_pg_rel rel;

	(void)err;
	if (e->st.type != DARN_FT_FILE || !darn_pg_rel_parse(e->path, &rel))
		return DARN_OK;
	/* A relation that became shorter leaves empty segments behind. */
	if (rel.segment > 0 && e->st.size > 0)
		check_before(x, e->path, &rel);
	if (rel.segment == 0 &&
	    (rel.fork == DARN_PG_FSM || rel.fork == DARN_PG_VM))
		check_main(x, e->path, &rel);
	return DARN_OK;
}

static enum darn_rc list(const struct darn_pg_expect *x, const char *dir,
			 darn_entry_fn fn, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_pg_expect copy = *x;
	enum darn_rc rc = darn_tree_list(x->t, dir, fn, &copy, &why);

	/* A directory that cannot be listed shows elsewhere. */
	if (rc == DARN_ENOMEM || rc == DARN_ECANCELED)
		return darn_fail(err, rc, 0, "%s", why.msg);
	return DARN_OK;
}

static enum darn_rc on_database(const struct darn_entry *e, void *payload,
				struct darn_error *err)
{
	const struct darn_pg_expect *x = payload;

	return e->st.type == DARN_FT_DIR ? list(x, e->path, on_file, err)
					 : DARN_OK;
}

static enum darn_rc on_tablespace(const struct darn_entry *e, void *payload,
				  struct darn_error *err)
{
	const struct darn_pg_expect *x = payload;
	char dir[DARN_PG_PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "%s/PG_%d_%d", e->path, DARN_PG_MAJOR,
		       DARN_PG_CATALOG_VERSION);
	return list(x, dir, on_database, err);
}

enum darn_rc darn_pg_expect(const void *ctx, struct darn_tree *t,
			    struct darn_sink *sink, struct darn_error *err)
{
	struct darn_pg_expect x = {.pg = ctx, .t = t, .sink = sink};
	enum darn_rc rc;

	if (!x.pg->checked)
		return DARN_OK;
	need_cluster(&x);
	rc = darn_pg_expect_databases(&x, err);
	if (rc == DARN_OK)
		rc = list(&x, "global", on_file, err);
	if (rc == DARN_OK)
		rc = list(&x, "base", on_database, err);
	if (rc == DARN_OK)
		rc = list(&x, "pg_tblspc", on_tablespace, err);
	if (rc == DARN_OK)
		rc = darn_pg_expect_relations(&x, err);
	free(x.dbs);
	return rc;
}
