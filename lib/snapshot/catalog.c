/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - where every frame is.
 *
 * A temporary SQLite database in the state directory, unlinked as soon as it
 * is open: about a million frames a second go in, memory stays at the cache's
 * 8 MiB however large the repository is, and nothing has to be trusted or
 * cleaned up later.  c->lock guards everything.
 */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/snapshot/internal.h"
#include "lib/state/state.h"

struct darn_catalog {
	sqlite3 *db;
	sqlite3_stmt *find, *put;
	struct darn_pack_info *packs;
	size_t npacks, cappacks;
	char trouble[512];
	pthread_mutex_t lock;
};

static enum darn_rc sql_fail(const struct darn_catalog *c,
			     struct darn_error *err)
{
	return darn_fail(err, DARN_EIO, 0,
			 "cannot use the catalog in the state directory: %s",
			 c->db ? sqlite3_errmsg(c->db) : "out of memory");
}

static const char schema[] =
	"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
	"PRAGMA cache_size=-8192; PRAGMA locking_mode=EXCLUSIVE;"
	"CREATE TABLE frame(id BLOB PRIMARY KEY, pack INTEGER, off INTEGER,"
	" stored INTEGER, len INTEGER, state INTEGER) WITHOUT ROWID;";

static enum darn_rc prepare(struct darn_catalog *c, struct darn_error *err)
{
	static const char find[] = "SELECT pack, off, stored, len, state"
				   " FROM frame WHERE id = ?";
	static const char put[] = "INSERT OR REPLACE INTO frame"
				  " VALUES(?, ?, ?, ?, ?, ?)";

	if (sqlite3_exec(c->db, schema, NULL, NULL, NULL) ||
	    sqlite3_prepare_v2(c->db, find, -1, &c->find, NULL) ||
	    sqlite3_prepare_v2(c->db, put, -1, &c->put, NULL))
		return sql_fail(c, err);
	return DARN_OK;
}

/* The database has no name from here on: nobody else can meet it. */
static enum darn_rc open_db(struct darn_catalog *c, struct darn_error *err)
{
	enum darn_rc rc;
	char *dir, *path;
	int fd;

	rc = darn_state_dir("tmp", &dir, err);
	if (rc)
		return rc;
	path = darn_asprintf(err, "%s/catalog-XXXXXX", dir);
	free(dir);
	if (!path)
		return DARN_ENOMEM;
	fd = mkstemp(path);
	if (fd < 0) {
		rc = darn_fail(err, DARN_EIO, errno, "cannot create '%s'",
			       path);
	} else {
		(void)close(fd);
		if (sqlite3_open_v2(path, &c->db,
				    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				    NULL))
			rc = sql_fail(c, err);
		else
			rc = prepare(c, err);
		(void)unlink(path);
	}
	free(path);
	return rc;
}

enum darn_rc darn_catalog_add_pack(struct darn_catalog *c,
				   const struct darn_pack_info *p,
				   uint32_t *number, struct darn_error *err)
{
	enum darn_rc rc;

	(void)pthread_mutex_lock(&c->lock);
	rc = darn_grow((void **)&c->packs, c->npacks, &c->cappacks,
		       sizeof(*c->packs), err);
	if (rc == DARN_OK) {
		*number = (uint32_t)c->npacks;
		c->packs[c->npacks++] = *p;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

static enum darn_rc load_pack(struct darn_catalog *c, const struct darn_repo *r,
			      uint32_t number, struct darn_error *err)
{
	struct darn_index x;
	char why[512];
	enum darn_rc rc = darn_index_load(r, c->packs[number].id, &x, why, err);

	if (rc)
		return rc;
	for (size_t i = 0; rc == DARN_OK && i < x.n; i++) {
		struct darn_frame_place at = {
			.pack = number,
			.off = x.entries[i].off,
			.stored = x.entries[i].stored,
			.len = x.entries[i].len,
		};

		rc = darn_catalog_put(c, &x.entries[i].id, &at, err);
	}
	darn_index_release(&x);
	return rc;
}

static int by_age(const void *a, const void *b)
{
	const struct darn_pack_info *x = a, *y = b;

	if (x->made_ns != y->made_ns)
		return x->made_ns < y->made_ns ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int64_t verified_at(const struct darn_verified *v, size_t n,
			   const char *pack)
{
	uint8_t id[REPO_ID];

	if (!darn_unhex_id(id, pack))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (memcmp(v[i].pack, id, REPO_ID) == 0)
			return v[i].when_ns;
	return 0;
}

static enum darn_rc list_pack(struct darn_catalog *c, const struct darn_repo *r,
			      struct darn_pack_info *p, struct darn_error *err)
{
	struct darn_error bad = DARN_ERROR_INIT;
	struct darn_index x;
	uint32_t number;
	char why[512];

	if (darn_index_load(r, p->id, &x, why, &bad)) {
		(void)snprintf(c->trouble, sizeof(c->trouble), "%s", bad.msg);
		return DARN_OK;
	}
	p->made_ns = x.made_ns;
	darn_index_release(&x);
	return darn_catalog_add_pack(c, p, &number, err);
}

/* Names and ages of all packs. */
static enum darn_rc list_packs(struct darn_catalog *c,
			       const struct darn_repo *r,
			       struct darn_error *err)
{
	struct darn_verified *v = NULL;
	struct darn_names l = {NULL, 0, 0};
	size_t nv = 0;
	enum darn_rc rc = darn_pack_names(r->path, &l, err);

	if (rc == DARN_OK)
		rc = darn_verified_read(r->path, &v, &nv, err);
	for (size_t i = 0; rc == DARN_OK && i < l.n; i++) {
		struct darn_pack_info p = {.made_ns = 0};

		memcpy(p.id, l.v[i], sizeof(p.id));
		p.verified_ns = verified_at(v, nv, p.id);
		rc = list_pack(c, r, &p, err);
	}
	free(v);
	darn_names_release(l.v, l.n);
	return rc;
}

enum darn_rc darn_catalog_open(const struct darn_repo *r,
			       struct darn_catalog **out,
			       struct darn_error *err)
{
	struct darn_catalog *c = darn_calloc(1, sizeof(*c), err);
	enum darn_rc rc;

	if (!c)
		return DARN_ENOMEM;
	(void)pthread_mutex_init(&c->lock, NULL);
	rc = open_db(c, err);
	if (rc == DARN_OK)
		rc = list_packs(c, r, err);
	if (rc == DARN_OK && c->npacks)
		qsort(c->packs, c->npacks, sizeof(*c->packs), by_age);
	if (rc == DARN_OK && sqlite3_exec(c->db, "BEGIN", NULL, NULL, NULL))
		rc = sql_fail(c, err);
	/* Oldest first, so that the newest copy of a frame wins. */
	for (size_t i = 0; rc == DARN_OK && i < c->npacks; i++)
		rc = load_pack(c, r, (uint32_t)i, err);
	if (rc) {
		darn_catalog_close(c);
		return rc;
	}
	*out = c;
	return DARN_OK;
}

void darn_catalog_close(struct darn_catalog *c)
{
	if (!c)
		return;
	(void)sqlite3_finalize(c->find);
	(void)sqlite3_finalize(c->put);
	(void)sqlite3_close(c->db);
	(void)pthread_mutex_destroy(&c->lock);
	free(c->packs);
	free(c);
}

enum darn_rc darn_catalog_find(struct darn_catalog *c,
			       const struct darn_hash128 *id,
			       struct darn_frame_place *out,
			       struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;
	int step;

	(void)pthread_mutex_lock(&c->lock);
	(void)sqlite3_bind_blob(c->find, 1, id, sizeof(*id), SQLITE_STATIC);
	step = sqlite3_step(c->find);
	if (step == SQLITE_ROW) {
		out->pack = (uint32_t)sqlite3_column_int64(c->find, 0);
		out->off = (uint64_t)sqlite3_column_int64(c->find, 1);
		out->stored = (uint32_t)sqlite3_column_int64(c->find, 2);
		out->len = (uint32_t)sqlite3_column_int64(c->find, 3);
		out->state =
			(enum darn_frame_state)sqlite3_column_int(c->find, 4);
	} else if (step == SQLITE_DONE) {
		rc = DARN_ENOENT;
	} else {
		rc = sql_fail(c, err);
	}
	(void)sqlite3_reset(c->find);
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

enum darn_rc darn_catalog_put(struct darn_catalog *c,
			      const struct darn_hash128 *id,
			      const struct darn_frame_place *at,
			      struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	(void)pthread_mutex_lock(&c->lock);
	(void)sqlite3_bind_blob(c->put, 1, id, sizeof(*id), SQLITE_STATIC);
	(void)sqlite3_bind_int64(c->put, 2, at->pack);
	(void)sqlite3_bind_int64(c->put, 3, (sqlite3_int64)at->off);
	(void)sqlite3_bind_int64(c->put, 4, at->stored);
	(void)sqlite3_bind_int64(c->put, 5, at->len);
	(void)sqlite3_bind_int(c->put, 6, (int)at->state);
	if (sqlite3_step(c->put) != SQLITE_DONE)
		rc = sql_fail(c, err);
	(void)sqlite3_reset(c->put);
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

size_t darn_catalog_packs(struct darn_catalog *c)
{
	return c->npacks;
}

struct darn_pack_info darn_catalog_pack(struct darn_catalog *c, uint32_t i)
{
	struct darn_pack_info p;

	(void)pthread_mutex_lock(&c->lock);
	p = c->packs[i];
	(void)pthread_mutex_unlock(&c->lock);
	return p;
}

void darn_catalog_use_pack(struct darn_catalog *c, uint32_t i)
{
	(void)pthread_mutex_lock(&c->lock);
	c->packs[i].used = true;
	(void)pthread_mutex_unlock(&c->lock);
}

const char *darn_catalog_trouble(const struct darn_catalog *c)
{
	return c->trouble;
}
