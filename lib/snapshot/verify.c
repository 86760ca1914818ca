/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - is everything that the snapshots need still there and right?
 *
 * Every pack is read once, its frames by all workers; then every manifest is
 * read, and each frame that it names is looked up in the catalog, which knows
 * by then which ones are rotten.  So a rotten frame is told twice: where it
 * lies, and which bytes of which file it was.  For one snapshot alone its
 * frames are read as its files name them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/pool/pool.h"
#include "lib/snapshot/codes.h"
#include "lib/snapshot/internal.h"

struct verify {
	struct darn_repo *repo;
	const struct darn_verify_options *o;
	struct darn_verify_totals *t;
	struct darn_pool *pool;
	struct darn_verified *good; /* packs without a rotten frame */
	size_t ngood, capgood;
};

static bool canceled(const struct verify *v)
{
	return v->o->progress && atomic_load(&v->o->progress->cancel);
}

/* For the bar: bytes that are met, bytes that are done. */
static void advance(const struct verify *v, uint64_t seen, uint64_t done)
{
	struct darn_progress *p = v->o->progress;

	if (!p)
		return;
	atomic_fetch_add(&p->bytes_seen, seen);
	atomic_fetch_add(&p->bytes_done, done);
}

static enum darn_rc tell(struct verify *v, int code, const char *path,
			 uint64_t off, uint64_t len, const char *message,
			 struct darn_error *err)
{
	struct darn_repo_finding f = {
		.code = &darn_repo_codes[code],
		.path = path,
		.off = off,
		.len = len,
		.message = message,
	};

	v->t->damaged += f.code->severity >= DARN_DAMAGED;
	if (v->o->progress && f.code->severity > DARN_INFO)
		atomic_fetch_add(&v->o->progress->findings, 1);
	return v->o->fn(v->o->arg, &f, err);
}

/* ---- packs ---- */

/* A pack under check: workers fill in @bad, one thread reads it afterwards. */
struct pack_check {
	struct verify *v;
	struct darn_index x;
	uint8_t *bad; /* per frame */
};

static enum darn_rc check_frame(void *arg, uint64_t i, unsigned worker,
				struct darn_error *err)
{
	struct pack_check *p = arg;
	const struct darn_index_entry *x = &p->x.entries[i];
	struct darn_error bad = DARN_ERROR_INIT;
	uint8_t *buf;

	if (canceled(p->v))
		return darn_fail(err, DARN_ECANCELED, 0, "stopped");
	buf = darn_calloc(1, p->v->repo->frame, err);
	if (!buf)
		return DARN_ENOMEM;
	p->bad[i] = darn_frame_read_at(p->v->repo, p->x.pack, x, buf, &bad) !=
		    DARN_OK;
	free(buf);
	darn_pool_count_bytes(p->v->pool, worker, x->len);
	advance(p->v, 0, x->len);
	return DARN_OK;
}

static void check_done(void *arg)
{
	(void)arg;
}

/* Is the copy at @x the one that is used? */
static enum darn_rc frame_verdict(struct verify *v, uint32_t number,
				  const struct darn_index_entry *x,
				  bool *superseded, struct darn_error *err)
{
	struct darn_frame_place at;
	enum darn_rc rc = darn_catalog_find(v->repo->catalog, &x->id, &at, err);

	*superseded = false;
	if (rc)
		return rc;
	if (at.pack != number || at.off != x->off) {
		*superseded = true;
		return DARN_OK;
	}
	at.state = DARN_FRAME_ROTTEN;
	return darn_catalog_put(v->repo->catalog, &x->id, &at, err);
}

static enum darn_rc tell_frames(struct verify *v, uint32_t number,
				const struct pack_check *p, const char *path,
				bool *clean, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0; rc == DARN_OK && i < p->x.n; i++) {
		const struct darn_index_entry *x = &p->x.entries[i];
		bool superseded;
		char id[40];

		v->t->frames++;
		v->t->bytes += x->len;
		if (!p->bad[i])
			continue;
		*clean = false;
		(void)snprintf(id, sizeof(id), "frame ");
		darn_hex_id(id + 6, x->id.bytes);
		rc = frame_verdict(v, number, x, &superseded, err);
		if (rc == DARN_OK)
			rc = tell(v,
				  superseded ? REPO_FRAME_SUPERSEDED
					     : REPO_FRAME_ROTTEN,
				  path, x->off, x->stored, id, err);
	}
	return rc;
}

static enum darn_rc remember_good(struct verify *v, const char *pack,
				  struct darn_error *err)
{
	enum darn_rc rc = darn_grow((void **)&v->good, v->ngood, &v->capgood,
				    sizeof(*v->good), err);

	if (rc)
		return rc;
	(void)darn_unhex_id(v->good[v->ngood].pack, pack);
	v->good[v->ngood++].when_ns = darn_now_ns();
	return DARN_OK;
}

static enum darn_rc check_size(struct verify *v, const struct pack_check *p,
			       const char *rel, bool *clean,
			       struct darn_error *err)
{
	char *full = darn_path_join(v->repo->path, rel, err);
	char what[80];
	struct stat st;
	int failed;

	if (!full)
		return DARN_ENOMEM;
	failed = lstat(full, &st);
	free(full);
	if (failed < 0) {
		*clean = false;
		return tell(v, REPO_PACK_MISSING, rel, 0, p->x.size, "", err);
	}
	if ((uint64_t)st.st_size == p->x.size)
		return DARN_OK;
	*clean = false;
	(void)snprintf(what, sizeof(what),
		       "%" PRIu64 " bytes where %" PRIu64 " were written",
		       (uint64_t)st.st_size, p->x.size);
	return tell(v, REPO_PACK_SIZE, rel,
		    DARN_MIN((uint64_t)st.st_size, p->x.size), 0, what, err);
}

static enum darn_rc check_frames(struct verify *v, struct pack_check *p,
				 struct darn_error *err)
{
	struct darn_range r = {
		.run = check_frame,
		.done = check_done,
		.arg = p,
		.n = p->x.n,
	};
	enum darn_rc rc;

	p->bad = darn_calloc(p->x.n + 1, 1, err);
	if (!p->bad)
		return DARN_ENOMEM;
	for (size_t i = 0; i < p->x.n; i++)
		advance(v, p->x.entries[i].len, 0);
	rc = darn_pool_submit_range(v->pool, r, err);
	return rc ? rc : darn_pool_wait(v->pool, err);
}

static enum darn_rc verify_pack(struct verify *v, uint32_t number,
				struct darn_error *err)
{
	struct darn_pack_info info =
		darn_catalog_pack(v->repo->catalog, number);
	struct pack_check p = {.v = v};
	bool clean = true;
	char rel[64], why[512];
	enum darn_rc rc = darn_index_load(v->repo, info.id, &p.x, why, err);

	if (rc)
		return rc;
	(void)snprintf(rel, sizeof(rel), "packs/%.2s/%s.zst", info.id, info.id);
	v->t->packs++;
	rc = check_size(v, &p, rel, &clean, err);
	if (rc == DARN_OK)
		rc = check_frames(v, &p, err);
	if (rc == DARN_OK)
		rc = tell_frames(v, number, &p, rel, &clean, err);
	if (rc == DARN_OK && clean)
		rc = remember_good(v, info.id, err);
	free(p.bad);
	darn_index_release(&p.x);
	return rc;
}

static enum darn_rc verify_indexes(struct verify *v, struct darn_error *err)
{
	char **names;
	size_t n;
	enum darn_rc rc =
		darn_repo_names(v->repo->path, "index", &names, &n, err);

	if (rc)
		return rc;
	for (size_t i = 0; rc == DARN_OK && i < n; i++) {
		struct darn_error bad = DARN_ERROR_INIT;
		struct darn_index x;
		char rel[64];

		(void)snprintf(rel, sizeof(rel), "index/%s", names[i]);
		if (darn_index_read(v->repo->path, names[i], &x, &bad))
			rc = tell(v, REPO_INDEX_DAMAGED, rel, 0, 0, bad.msg,
				  err);
		else
			darn_index_release(&x);
	}
	darn_names_release(names, n);
	return rc;
}

/* ---- snapshots ---- */

struct root_check {
	struct verify *v;
	struct darn_manifest *m;
	const char *root;
	bool read; /* read frames instead of believing the catalog */
	uint8_t *buf;
};

/* What is wrong with frame @id; -1: nothing. */
static enum darn_rc judge_frame(const struct root_check *c,
				const struct darn_hash128 *id, size_t len,
				int *code, struct darn_error *err)
{
	struct darn_repo *r = c->v->repo;
	struct darn_error bad = DARN_ERROR_INIT;
	struct darn_frame_place at;
	enum darn_rc rc;

	*code = -1;
	if (darn_frame_is_zeros(id))
		return DARN_OK;
	if (darn_digest_is_none(id)) {
		*code = REPO_FILE_PARTIAL;
		return DARN_OK;
	}
	rc = darn_catalog_find(r->catalog, id, &at, err);
	if (rc == DARN_ENOENT || (rc == DARN_OK && at.len != len)) {
		*code = REPO_FRAME_MISSING;
		return DARN_OK;
	}
	if (rc)
		return rc;
	darn_catalog_use_pack(r->catalog, at.pack);
	if (at.state == DARN_FRAME_ROTTEN ||
	    (c->read && darn_frame_read(r, id, c->buf, len, &bad) != DARN_OK))
		*code = REPO_FILE_DAMAGED;
	c->v->t->frames += c->read;
	c->v->t->bytes += c->read ? len : 0;
	return DARN_OK;
}

static enum darn_rc verify_file(const struct root_check *c,
				const struct darn_sealed_entry *e,
				struct darn_error *err)
{
	uint32_t frame = c->v->repo->frame;
	char *path = darn_path_join(c->root, e->path, err);
	enum darn_rc rc = path ? DARN_OK : DARN_ENOMEM;

	for (uint64_t off = 0; rc == DARN_OK && off < e->st.size;
	     off += frame) {
		size_t len = (size_t)DARN_MIN(e->st.size - off, frame);
		struct darn_hash128 id;
		int code = -1;

		rc = darn_manifest_frames(c->m, e, off / frame, 1, &id, err);
		if (rc == DARN_OK)
			rc = judge_frame(c, &id, len, &code, err);
		if (rc == DARN_OK && code >= 0)
			rc = tell(c->v, code, path, off, len, "", err);
		if (canceled(c->v))
			rc = darn_fail(err, DARN_ECANCELED, 0, "stopped");
	}
	c->v->t->files++;
	free(path);
	return rc;
}

static enum darn_rc verify_manifest(const struct root_check *c,
				    struct darn_error *err)
{
	uint64_t n = darn_manifest_entries(c->m);
	enum darn_rc rc = darn_manifest_verify(c->m, err);

	for (uint64_t i = 0; rc == DARN_OK && i < n; i++) {
		struct darn_sealed_entry e;

		rc = darn_manifest_get(c->m, i, &e, err);
		if (rc)
			break;
		if (e.st.type == DARN_FT_FILE)
			rc = verify_file(c, &e, err);
		darn_sealed_entry_release(&e);
	}
	return rc;
}

/* A manifest that is damaged is a finding; the next one is looked at. */
static enum darn_rc verify_root(struct verify *v,
				const struct darn_snapshot_head *h, unsigned i,
				struct darn_error *err)
{
	struct darn_error bad = DARN_ERROR_INIT;
	struct root_check c = {
		.v = v, .root = h->roots[i].path, .read = v->o->snapshot};
	enum darn_rc rc;
	char rel[64];

	c.buf = darn_calloc(1, v->repo->frame, err);
	if (!c.buf)
		return DARN_ENOMEM;
	rc = darn_repo_manifest(v->repo, h, i, &c.m, &bad);
	if (rc == DARN_OK)
		rc = verify_manifest(&c, &bad);
	darn_manifest_close(c.m);
	free(c.buf);
	(void)snprintf(rel, sizeof(rel), "snapshots/%s/%u", h->info.id, i);
	if (rc == DARN_ECORRUPT || rc == DARN_ENOENT || rc == DARN_EIO)
		return tell(v, REPO_SNAPSHOT_DAMAGED, rel, 0, 0, bad.msg, err);
	return rc ? darn_fail(err, rc, bad.sys_errno, "%s", bad.msg) : DARN_OK;
}

static enum darn_rc verify_snapshot(struct verify *v, const char *id,
				    struct darn_error *err)
{
	struct darn_error bad = DARN_ERROR_INIT;
	struct darn_snapshot_head h;
	enum darn_rc rc = darn_head_read(v->repo->path, id, &h, &bad);
	char rel[64];

	v->t->snapshots++;
	if (rc) {
		(void)snprintf(rel, sizeof(rel), "snapshots/%s/head", id);
		return tell(v, REPO_SNAPSHOT_DAMAGED, rel, 0, 0, bad.msg, err);
	}
	for (unsigned i = 0; rc == DARN_OK && i < h.info.nroots; i++)
		rc = verify_root(v, &h, i, err);
	darn_head_release(&h);
	return rc;
}

static enum darn_rc verify_snapshots(struct verify *v, struct darn_error *err)
{
	char **names;
	size_t n;
	enum darn_rc rc =
		darn_repo_names(v->repo->path, "snapshots", &names, &n, err);

	if (rc)
		return rc;
	for (size_t i = 0; rc == DARN_OK && i < n; i++)
		rc = verify_snapshot(v, names[i], err);
	darn_names_release(names, n);
	return rc;
}

/* ---- all of it ---- */

static enum darn_rc tell_leftover(void *arg, const char *path, bool tmp,
				  struct darn_error *err)
{
	return tell(arg, tmp ? REPO_LEFTOVER : REPO_UNINDEXED, path, 0, 0, "",
		    err);
}

static enum darn_rc tell_unused(struct verify *v, struct darn_error *err)
{
	size_t n = darn_catalog_packs(v->repo->catalog);
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0; rc == DARN_OK && i < n; i++) {
		struct darn_pack_info p =
			darn_catalog_pack(v->repo->catalog, (uint32_t)i);
		char rel[64];

		(void)snprintf(rel, sizeof(rel), "packs/%.2s/%s.zst", p.id,
			       p.id);
		if (!p.used)
			rc = tell(v, REPO_UNUSED, rel, 0, 0, "", err);
	}
	return rc;
}

static enum darn_rc verify_all(struct verify *v, struct darn_error *err)
{
	struct darn_repo *r = v->repo;
	enum darn_rc rc = DARN_OK;
	size_t n = darn_catalog_packs(r->catalog);

	if (r->copy_used)
		rc = tell(v, REPO_CONFIG_DAMAGED, "config", 0, 0, "", err);
	if (rc == DARN_OK)
		rc = verify_indexes(v, err);
	for (size_t i = 0; rc == DARN_OK && i < n; i++)
		rc = verify_pack(v, (uint32_t)i, err);
	if (rc == DARN_OK)
		rc = verify_snapshots(v, err);
	if (rc == DARN_OK)
		rc = tell_unused(v, err);
	if (rc == DARN_OK)
		rc = darn_leftovers(r->path, tell_leftover, v, err);
	/* On a read-only medium there is nowhere to note it: no harm. */
	if (rc == DARN_OK)
		darn_ignore(
			darn_verified_write(r->path, v->good, v->ngood, NULL));
	return rc;
}

enum darn_rc darn_repo_verify(struct darn_repo *r,
			      const struct darn_verify_options *o,
			      struct darn_verify_totals *totals,
			      struct darn_error *err)
{
	struct verify v = {.repo = r, .o = o, .t = totals};
	enum darn_rc rc;

	memset(totals, 0, sizeof(*totals));
	rc = darn_repo_catalog(r, err);
	if (rc == DARN_OK)
		rc = darn_pool_create(o->jobs, 0, &v.pool, err);
	if (rc)
		return rc;
	rc = o->snapshot ? verify_snapshot(&v, o->snapshot, err)
			 : verify_all(&v, err);
	darn_pool_destroy(v.pool);
	free(v.good);
	return rc;
}
