/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expect_rel.c - the catalogue against the files: a row of pg_class names a
 * file, and the number of pages that the last VACUUM, ANALYZE or CREATE INDEX
 * counted in it.
 *
 * Relations grow without telling the catalogue, so a longer file says nothing.
 * A shorter one was cut: VACUUM, the one command that shortens a file, counts
 * after it has done so, and TRUNCATE begins a new file.  Two ways remain to
 * a healthy file that is too short: a crash between these two steps, and a
 * table that was made, counted and truncated in one transaction.  Both leave a
 * record in the log, which is asked before anything is said.
 *
 * pg_class (the same columns since PostgreSQL 12):
 *	0 u32 oid, 4 name of 64, 88 u32 file number (0: see the map),
 *	92 u32 tablespace (0: the database's), 96 i32 pages, 113 bool shared,
 *	114 char persistence, 115 char kind
 * pg_database:
 *	0 u32 oid, 4 name of 64, 80 i32 connection limit (-2: half dropped),
 *	92 u32 tablespace
 */
#include "scanners/postgresql/expect.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/catalog.h"
#include "scanners/postgresql/codes.h"

enum {
	CLASS_LEN = 118,
	DATABASE_LEN = 96,
	HALF_DROPPED = -2,
	MAX_WALKS = 16,
	MAX_GAPS = 64, /* missing segments of one relation that are named */
	RM_SMGR = 2,   /* src/include/access/rmgrlist.h */
	SMGR_TRUNCATE = 0x20,
};

struct relations {
	const struct darn_pg_expect *x;
	/* of the database at work */
	struct darn_pg_database db;
	struct darn_pg_relmap map, shared;
	bool has_map, has_shared, with_shared;
	unsigned walks;
	bool blind; /* damage hides what should be there */
};

/* ---- was it cut by the server itself? ---- */

struct cut {
	struct darn_pg_rel rel;
	bool found;
};

static enum darn_rc on_record(const struct darn_pg_record *r, void *payload,
			      struct darn_error *err)
{
	struct cut *cut = payload;

	(void)err;
	if (r->rmid == RM_SMGR && (r->info & 0xf0) == SMGR_TRUNCATE &&
	    r->main_data && r->main_len >= 16 &&
	    darn_get_le32(r->main_data + 4) == cut->rel.spc &&
	    darn_get_le32(r->main_data + 8) == cut->rel.db &&
	    darn_get_le32(r->main_data + 12) == cut->rel.node)
		cut->found = true;
	return DARN_OK;
}

static enum darn_rc cut_by_server(struct relations *r,
				  const struct darn_pg_rel *rel, bool *yes,
				  struct darn_error *err)
{
	const struct darn_pg *pg = r->x->pg;
	struct cut cut = {.rel = *rel};
	uint64_t from = 0;
	enum darn_rc rc;

	*yes = false;
	if (!pg->log.known || r->walks >= MAX_WALKS)
		return DARN_OK;
	r->walks++;
	rc = darn_pg_wal_oldest(r->x->t, pg->log.tli,
				pg->start.wal_segment_size, &from, err);
	if (rc == DARN_OK && from != 0)
		rc = darn_pg_wal_walk(r->x->t, pg->log.tli, from,
				      pg->start.wal_segment_size, on_record,
				      &cut, err);
	*yes = cut.found;
	return rc;
}

/* ---- one relation ---- */

static enum darn_rc report_short(struct relations *r,
				 const struct darn_pg_rel *rel,
				 const char *path, uint64_t size, uint64_t want,
				 struct darn_error *err)
{
	struct darn_place where = {.path = path};
	bool cut;
	enum darn_rc rc = cut_by_server(r, rel, &cut, err);

	if (rc || cut)
		return rc;
	where.off = darn_pg_pages_end(size);
	where.len = want - where.off;
	where.missing = where.len;
	darn_pg_report(r->x->sink, DARN_PG_FILE_SHORT, where,
		       DARN_DETAILS(DARN_DEC("pages", size / DARN_PG_PAGE),
				    DARN_DEC("relpages", want / DARN_PG_PAGE)));
	return DARN_OK;
}

static void rel_path(char *buf, size_t size, const struct darn_pg_rel *rel)
{
	char dir[DARN_PG_PATH_MAX];

	darn_pg_rel_dir(dir, sizeof(dir), rel->spc, rel->db);
	(void)snprintf(buf, size, rel->segment ? "%s/%u.%u" : "%s/%u", dir,
		       rel->node, rel->segment);
}

/* True if the segment behind @rel's holds something. */
static bool goes_on(const struct relations *r, struct darn_pg_rel rel)
{
	char path[DARN_PG_PATH_MAX + 32];
	uint64_t size;

	rel.segment++;
	rel_path(path, sizeof(path), &rel);
	size = darn_pg_file_size(r->x->t, path);
	return size != DARN_PG_NO_FILE && size != DARN_PG_NOT_KNOWN &&
	       size != 0;
}

/* A file behind a link to nowhere is missing, not just out of sight. */
static bool in_dead_tablespace(const struct darn_pg *pg, uint32_t spc)
{
	for (unsigned i = 0; i < pg->ndead; i++)
		if (pg->dead[i] == spc)
			return true;
	return false;
}

/* One segment, of which @n pages are known; a gap is the segments' rule. */
static enum darn_rc check_segment(struct relations *r,
				  const struct darn_pg_rel *rel, uint32_t n,
				  bool *whole, struct darn_error *err)
{
	char path[DARN_PG_PATH_MAX + 32];
	uint64_t want = (uint64_t)n * DARN_PG_PAGE, size;

	rel_path(path, sizeof(path), rel);
	size = darn_pg_file_size(r->x->t, path);
	if (in_dead_tablespace(r->x->pg, rel->spc))
		size = DARN_PG_NO_FILE;
	/* That a file ends within a page is the page's finding. */
	if (size == DARN_PG_NOT_KNOWN ||
	    (size != DARN_PG_NO_FILE && darn_pg_pages_end(size) >= want) ||
	    goes_on(r, *rel))
		return DARN_OK;
	*whole = false;
	if (size == DARN_PG_NO_FILE &&
	    (rel->segment == 0 || darn_pg_rel_settled(r->x->pg, rel)))
		darn_pg_report_missing(r->x, path, want);
	else if (size != DARN_PG_NO_FILE && darn_pg_rel_settled(r->x->pg, rel))
		return report_short(r, rel, path, size, want, err);
	return DARN_OK;
}

/* The segments that @pages pages fill, the first one even if there are none. */
static enum darn_rc check_files(struct relations *r, struct darn_pg_rel rel,
				uint32_t pages, struct darn_error *err)
{
	uint32_t left = pages;
	unsigned gaps = 0;
	enum darn_rc rc;

	/* A row that counts billions must not be followed for ever. */
	do {
		uint32_t n = DARN_MIN(left, r->x->pg->segment_blocks);
		bool whole = true;

		rc = check_segment(r, &rel, n, &whole, err);
		gaps += !whole;
		left -= n;
		rel.segment++;
	} while (rc == DARN_OK && left > 0 && gaps < MAX_GAPS);
	return rc;
}

static bool has_file(char kind, char persistence)
{
	return kind != '\0' && strchr("rtmiS", kind) && persistence != 't';
}

static enum darn_rc on_class(const uint8_t *row, size_t len, void *payload,
			     struct darn_error *err)
{
	struct relations *r = payload;
	struct darn_pg_rel rel = {.fork = DARN_PG_MAIN};
	uint32_t pages;
	bool shared, logged;

	if (len < CLASS_LEN || !has_file((char)row[115], (char)row[114]))
		return DARN_OK;
	shared = row[113] != 0;
	logged = row[114] == 'p';
	if (shared && !r->with_shared)
		return DARN_OK;
	rel.node = darn_get_le32(row + 88);
	if (rel.node == 0 && shared && r->has_shared)
		rel.node = darn_pg_relmap_find(&r->shared, darn_get_le32(row));
	else if (rel.node == 0 && !shared && r->has_map)
		rel.node = darn_pg_relmap_find(&r->map, darn_get_le32(row));
	rel.spc = darn_get_le32(row + 92);
	if (rel.spc == 0)
		rel.spc = r->db.spc;
	rel.db = shared ? 0 : r->db.oid;
	/* A backup leaves out what a crash would empty; a standby has none. */
	if (rel.node == 0 ||
	    (!logged && (r->x->pg->base_backup || r->x->pg->standby)))
		return DARN_OK;
	pages = darn_get_le32(row + 96);
	/* A crash empties an unlogged table and leaves the count. */
	if (pages > INT32_MAX || !logged)
		pages = 0;
	return check_files(r, rel, pages, err);
}

/* ---- the databases ---- */

static enum darn_rc on_pg_database(const uint8_t *row, size_t len,
				   void *payload, struct darn_error *err)
{
	struct darn_pg_expect *x = payload;
	enum darn_rc rc;

	if (len < DATABASE_LEN ||
	    (int32_t)darn_get_le32(row + 80) == HALF_DROPPED)
		return DARN_OK;
	rc = darn_grow((void **)&x->dbs, x->ndbs, &x->dbs_cap, sizeof(*x->dbs),
		       err);
	if (rc == DARN_OK)
		x->dbs[x->ndbs++] = (struct darn_pg_database){
			.oid = darn_get_le32(row),
			.spc = darn_get_le32(row + 92),
		};
	return rc;
}

/*
 * The catalogue in @dir could not be read as a whole: one line for each, and
 * one error for the store where it is damage that hides what is missing.
 */
static void tell_unseen(struct relations *r, const char *dir,
			enum darn_pg_seen seen)
{
	const struct darn_pg_expect *x = r->x;

	if (seen == DARN_PG_SEEN_ALL)
		return;
	darn_pg_report(x->sink, DARN_PG_CATALOG_UNREADABLE,
		       (struct darn_place){.path = dir}, NULL);
	if (seen != DARN_PG_SEEN_DAMAGED || r->blind)
		return;
	r->blind = true;
	darn_sink_error(x->sink, x->pg->control.valid ? dir : "",
			x->pg->control.valid
				? "whether all files are there cannot be "
				  "checked: the catalogue, its map or the "
				  "commit log is damaged"
				: "whether all files are there cannot be "
				  "checked: pg_control is damaged");
}

static enum darn_rc check_database(struct relations *r,
				   struct darn_pg_database db,
				   struct darn_error *err)
{
	struct darn_pg_rel where = {.spc = db.spc, .db = db.oid};
	const struct darn_pg_expect *x = r->x;
	char dir[DARN_PG_PATH_MAX];
	enum darn_pg_seen seen;
	enum darn_rc rc;

	darn_pg_rel_dir(dir, sizeof(dir), db.spc, db.oid);
	if (darn_pg_file_size(x->t, dir) == DARN_PG_NO_FILE) {
		darn_pg_report_missing(x, dir, 0);
		return DARN_OK;
	}
	darn_pg_need_in(x, dir, "PG_VERSION", 3);
	darn_pg_need_in(x, dir, "pg_filenode.map", DARN_PG_RELMAP_LEN);
	r->db = db;
	r->has_map = darn_pg_relmap_read(x->t, dir, &r->map);
	rc = darn_pg_catalog_each(x->pg, x->t, dir, where, DARN_PG_OID_CLASS,
				  on_class, r, &seen, err);
	/* Every database lists the shared ones; once is enough. */
	r->with_shared = false;
	if (rc == DARN_OK)
		tell_unseen(r, dir, seen);
	return rc;
}

enum darn_rc darn_pg_expect_databases(struct darn_pg_expect *x,
				      struct darn_error *err)
{
	struct darn_pg_rel shared = {.spc = DARN_PG_SPC_GLOBAL};

	return darn_pg_catalog_each(x->pg, x->t, "global", shared,
				    DARN_PG_OID_DATABASE, on_pg_database, x,
				    &x->dbs_seen, err);
}

enum darn_rc darn_pg_expect_relations(const struct darn_pg_expect *x,
				      struct darn_error *err)
{
	struct relations r = {.x = x, .with_shared = true};
	enum darn_rc rc = DARN_OK;

	r.has_shared = darn_pg_relmap_read(x->t, "global", &r.shared);
	tell_unseen(&r, "global", x->dbs_seen);
	for (size_t i = 0; rc == DARN_OK && i < x->ndbs; i++)
		rc = check_database(&r, x->dbs[i], err);
	return rc;
}

/* ---- files without a relation ---- */

struct owner {
	const struct darn_pg_rel *rel;
	bool found;
};

static enum darn_rc on_owner(const uint8_t *row, size_t len, void *payload,
			     struct darn_error *err)
{
	struct owner *o = payload;

	(void)err;
	if (len >= CLASS_LEN && darn_get_le32(row + 88) == o->rel->node)
		o->found = true;
	return DARN_OK;
}

static bool map_has(const struct darn_pg_relmap *m, uint32_t node)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->map[i].node == node)
			return true;
	return false;
}

/* Is there no row for @rel in the catalogue of @db, all of which was seen? */
static bool has_no_owner(const struct darn_pg_expect *x,
			 struct darn_pg_database db,
			 const struct darn_pg_rel *rel)
{
	struct darn_pg_rel where = {.spc = db.spc, .db = db.oid};
	struct darn_error why = DARN_ERROR_INIT;
	struct owner o = {.rel = rel};
	struct darn_pg_relmap map;
	char dir[DARN_PG_PATH_MAX];
	enum darn_pg_seen seen;

	darn_pg_rel_dir(dir, sizeof(dir), db.spc, db.oid);
	return darn_pg_relmap_read(x->t, dir, &map) &&
	       !map_has(&map, rel->node) &&
	       darn_pg_catalog_each(x->pg, x->t, dir, where, DARN_PG_OID_CLASS,
				    on_owner, &o, &seen, &why) == DARN_OK &&
	       seen == DARN_PG_SEEN_ALL && !o.found;
}

bool darn_pg_is_orphan(const struct darn_pg *pg, struct darn_tree *t,
		       const struct darn_pg_rel *rel)
{
	struct darn_pg_expect x = {.pg = pg, .t = t};
	struct darn_error why = DARN_ERROR_INIT;
	bool orphan = false;

	/* After a crash the row may be in the log only. */
	if (rel->db == 0 || !darn_pg_clean(&pg->start))
		return false;
	if (darn_pg_expect_databases(&x, &why) == DARN_OK)
		for (size_t i = 0; i < x.ndbs; i++)
			if (x.dbs[i].oid == rel->db)
				orphan = has_no_owner(&x, x.dbs[i], rel);
	free(x.dbs);
	return orphan;
}
