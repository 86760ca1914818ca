/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create.c - storing what a scan sees.
 *
 * Per frame, in whichever worker reads it: zeros cost nothing; a frame that a
 * pack already has is used again if that copy is known to be good; anything
 * else is compressed and appended.  "Known to be good" means written in this
 * run, or in a pack verified within a week; an older copy is read, and compared
 * byte for byte, before anything relies on it.  So one rotten frame does not
 * quietly become part of every later snapshot.
 *
 * s->lock guards the pack being written, the totals and the list of scratch
 * buffers; it is never held while compressing or reading.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "lib/base/mem.h"
#include "lib/io/fd.h"
#include "lib/seal/outfile.h"
#include "lib/snapshot/internal.h"

static const int64_t trust_ns = (int64_t)7 * 24 * 3600 * 1000000000;

struct scratch {
	struct scratch *next;
	ZSTD_CCtx *zstd;
	uint8_t *out, *raw;
};

struct darn_snapshotter {
	struct darn_repo *repo;
	struct darn_pack_writer *packs;
	struct darn_recorder *recorder;
	struct darn_snapshot_totals totals;
	struct scratch *free;
	bool live;
	char id[33];
	char *tmp; /* directory of the manifests until they are all there */
	pthread_mutex_t lock;
};

static void scratch_destroy(struct scratch *x)
{
	(void)ZSTD_freeCCtx(x->zstd);
	free(x->out);
	free(x->raw);
	free(x);
}

static struct scratch *scratch_make(struct darn_error *err)
{
	struct scratch *x = darn_calloc(1, sizeof(*x), err);

	if (!x)
		return NULL;
	x->zstd = ZSTD_createCCtx();
	x->out = darn_calloc(1, ZSTD_compressBound(REPO_FRAME_MAX), err);
	x->raw = darn_calloc(1, REPO_FRAME_MAX, err);
	if (x->zstd && x->out && x->raw) {
		(void)ZSTD_CCtx_setParameter(x->zstd, ZSTD_c_compressionLevel,
					     REPO_LEVEL);
		(void)ZSTD_CCtx_setParameter(x->zstd, ZSTD_c_checksumFlag, 1);
		return x;
	}
	darn_fail(err, DARN_ENOMEM, 0, "out of memory");
	scratch_destroy(x);
	return NULL;
}

static struct scratch *scratch_take(struct darn_snapshotter *s,
				    struct darn_error *err)
{
	struct scratch *x;

	(void)pthread_mutex_lock(&s->lock);
	x = s->free;
	if (x)
		s->free = x->next;
	(void)pthread_mutex_unlock(&s->lock);
	return x ? x : scratch_make(err);
}

static void scratch_give(struct darn_snapshotter *s, struct scratch *x)
{
	(void)pthread_mutex_lock(&s->lock);
	x->next = s->free;
	s->free = x;
	(void)pthread_mutex_unlock(&s->lock);
}

static bool recently_verified(const struct darn_pack_info *p)
{
	int64_t age = darn_now_ns() - p->verified_ns;

	return p->verified_ns > 0 && age >= 0 && age < trust_ns;
}

/* May what we hold be replaced by the copy at @at? */
static bool is_good(struct darn_snapshotter *s, const struct darn_hash128 *id,
		    const struct darn_frame_place *at, const uint8_t *buf,
		    size_t len, struct scratch *x)
{
	struct darn_pack_info pack =
		darn_catalog_pack(s->repo->catalog, at->pack);
	struct darn_index_entry e = {
		.id = *id,
		.off = at->off,
		.stored = at->stored,
		.len = at->len,
	};
	struct darn_error bad = DARN_ERROR_INIT;

	if (at->len != len)
		return false;
	if (at->state == DARN_FRAME_TRUSTED || recently_verified(&pack))
		return true;
	return darn_frame_read_at(s->repo, pack.id, &e, x->raw, &bad) ==
		       DARN_OK &&
	       memcmp(x->raw, buf, len) == 0;
}

static void count(struct darn_snapshotter *s, uint64_t *what, uint64_t n)
{
	(void)pthread_mutex_lock(&s->lock);
	*what += n;
	(void)pthread_mutex_unlock(&s->lock);
}

static enum darn_rc append(struct darn_snapshotter *s,
			   const struct darn_hash128 *id, const uint8_t *stored,
			   size_t n, size_t len, struct darn_error *err)
{
	struct darn_frame_place at;
	enum darn_rc rc;

	(void)pthread_mutex_lock(&s->lock);
	/* Another worker may have stored the same bytes meanwhile. */
	rc = darn_catalog_find(s->repo->catalog, id, &at, err);
	if (rc == DARN_OK && at.state == DARN_FRAME_TRUSTED) {
		s->totals.reused += len;
	} else if (rc == DARN_OK || rc == DARN_ENOENT) {
		s->totals.rotten += rc == DARN_OK;
		rc = darn_pack_append(s->packs, id, stored, n, len, err);
		s->totals.fresh += len;
		s->totals.stored += n;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

static enum darn_rc store_with(struct darn_snapshotter *s, const uint8_t *buf,
			       size_t len, const struct darn_hash128 *id,
			       struct scratch *x, struct darn_error *err)
{
	struct darn_frame_place at;
	enum darn_rc rc = darn_catalog_find(s->repo->catalog, id, &at, err);
	size_t n;

	if (rc == DARN_OK && is_good(s, id, &at, buf, len, x)) {
		count(s, &s->totals.reused, len);
		if (at.state == DARN_FRAME_TRUSTED)
			return DARN_OK;
		at.state = DARN_FRAME_TRUSTED;
		return darn_catalog_put(s->repo->catalog, id, &at, err);
	}
	if (rc && rc != DARN_ENOENT)
		return rc;
	n = ZSTD_compress2(x->zstd, x->out, ZSTD_compressBound(REPO_FRAME_MAX),
			   buf, len);
	if (ZSTD_isError(n))
		return darn_fail(err, DARN_EIO, 0, "cannot compress: %s",
				 ZSTD_getErrorName(n));
	return append(s, id, x->out, n, len, err);
}

static enum darn_rc store(void *arg, const uint8_t *buf, size_t len,
			  struct darn_hash128 *id, struct darn_error *err)
{
	struct darn_snapshotter *s = arg;
	struct scratch *x = scratch_take(s, err);
	enum darn_rc rc;

	if (!x)
		return DARN_ENOMEM;
	*id = darn_xxh3_128(buf, len, s->repo->secret);
	rc = store_with(s, buf, len, id, x, err);
	scratch_give(s, x);
	return rc;
}

static char *place(void *arg, const char *root, size_t i,
		   struct darn_error *err)
{
	struct darn_snapshotter *s = arg;

	(void)root;
	return darn_asprintf(err, "%s/%zu", s->tmp, i);
}

/*
 * What killed runs left is cleared away, and indexes that were lost are made
 * anew, where nobody else is here; the lock ends up shared again in any case.
 */
static enum darn_rc clear_up(struct darn_repo *r, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (r->lock < 0)
		return darn_fail(err, DARN_EIO, EROFS, "cannot write '%s'",
				 r->path);
	if (flock(r->lock, LOCK_EX | LOCK_NB) == 0) {
		rc = darn_leftovers_remove(r->path, err);
		if (rc == DARN_OK)
			rc = darn_indexes_mend(r, err);
	}
	while (rc == DARN_OK && flock(r->lock, LOCK_SH) < 0)
		if (errno != EINTR)
			rc = darn_fail(err, DARN_EIO, errno, "cannot lock '%s'",
				       r->path);
	return rc;
}

static enum darn_rc prepare(struct darn_snapshotter *s, bool live,
			    struct darn_error *err)
{
	struct darn_recorder_options o = {
		.place = place,
		.store = store,
		.arg = s,
		.frame = s->repo->frame,
		.secret = s->repo->secret,
		.live = live,
	};
	uint8_t id[REPO_ID];
	enum darn_rc rc = darn_random(id, sizeof(id), err);

	if (rc == DARN_OK)
		rc = darn_repo_catalog(s->repo, err);
	if (rc == DARN_OK)
		rc = darn_pack_writer_create(s->repo->path, s->repo->catalog,
					     &s->packs, err);
	if (rc == DARN_OK)
		rc = darn_recorder_create(&o, &s->recorder, err);
	if (rc)
		return rc;
	darn_hex_id(s->id, id);
	s->tmp = darn_asprintf(err, "%s/snapshots/%s" DARN_OUTFILE_TMP,
			       s->repo->path, s->id);
	if (!s->tmp)
		return DARN_ENOMEM;
	if (mkdir(s->tmp, 0700) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot create '%s'",
			       s->tmp);
	return rc;
}

enum darn_rc darn_snapshot_begin(const char *repo, bool live,
				 struct darn_snapshotter **out,
				 struct darn_error *err)
{
	struct darn_snapshotter *s = darn_calloc(1, sizeof(*s), err);
	enum darn_rc rc = DARN_OK;

	if (!s)
		return DARN_ENOMEM;
	s->live = live;
	(void)pthread_mutex_init(&s->lock, NULL);
	if (!darn_repo_is(repo))
		rc = darn_config_make(repo, err);
	if (rc == DARN_OK)
		rc = darn_repo_open(repo, &s->repo, err);
	if (rc == DARN_OK)
		rc = clear_up(s->repo, err);
	if (rc == DARN_OK)
		rc = prepare(s, live, err);
	if (rc) {
		darn_snapshot_end(s);
		return rc;
	}
	*out = s;
	return DARN_OK;
}

struct darn_witness *darn_snapshot_witness(struct darn_snapshotter *s)
{
	return darn_recorder_witness(s->recorder);
}

static enum darn_rc write_head(struct darn_snapshotter *s,
			       struct darn_error *err)
{
	struct darn_recorded seen = darn_recorder_totals(s->recorder);
	struct darn_snapshot_head h = {.info = {.made_ns = darn_now_ns(),
						.fuzzy = s->live,
						.files = seen.files,
						.bytes = seen.bytes,
						.stored = s->totals.stored}};
	enum darn_rc rc = DARN_OK;

	memcpy(h.info.id, s->id, sizeof(s->id));
	h.roots = darn_calloc(seen.roots + 1, sizeof(*h.roots), err);
	if (!h.roots)
		return DARN_ENOMEM;
	for (size_t i = 0; rc == DARN_OK && i < seen.roots; i++) {
		const char *manifest;
		const char *root =
			darn_recorder_root(s->recorder, i, &manifest);

		rc = darn_head_stamp(manifest, &h.roots[i], err);
		h.roots[i].path = darn_strdup(root, err);
		h.info.nroots++;
		if (!h.roots[i].path)
			rc = DARN_ENOMEM;
	}
	if (rc == DARN_OK)
		rc = darn_head_write(s->tmp, &h, err);
	darn_head_release(&h);
	return rc;
}

/* The rename is what makes the snapshot exist. */
static enum darn_rc publish(struct darn_snapshotter *s, struct darn_error *err)
{
	char *all = darn_path_join(s->repo->path, "snapshots", err);
	char *final =
		darn_asprintf(err, "%s/snapshots/%s", s->repo->path, s->id);
	enum darn_rc rc = DARN_ENOMEM;

	if (!all || !final)
		goto out;
	rc = darn_sync_dir(s->tmp, err);
	if (rc == DARN_OK && rename(s->tmp, final) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot rename '%s'",
			       s->tmp);
	if (rc)
		goto out;
	free(s->tmp);
	s->tmp = NULL;
	rc = darn_sync_dir(all, err);
out:
	free(all);
	free(final);
	return rc;
}

enum darn_rc darn_snapshot_commit(struct darn_snapshotter *s, char id[33],
				  struct darn_error *err)
{
	enum darn_rc rc = darn_pack_finish(s->packs, err);

	if (rc == DARN_OK)
		rc = darn_recorder_commit(s->recorder, err);
	if (rc == DARN_OK)
		rc = write_head(s, err);
	if (rc == DARN_OK)
		rc = publish(s, err);
	if (rc == DARN_OK)
		memcpy(id, s->id, sizeof(s->id));
	return rc;
}

struct darn_snapshot_totals darn_snapshot_totals(struct darn_snapshotter *s)
{
	struct darn_snapshot_totals t;

	(void)pthread_mutex_lock(&s->lock);
	t = s->totals;
	(void)pthread_mutex_unlock(&s->lock);
	t.seen = darn_recorder_totals(s->recorder);
	if (t.seen.bytes > t.fresh + t.reused)
		t.zeros = t.seen.bytes - t.fresh - t.reused;
	return t;
}

void darn_snapshot_end(struct darn_snapshotter *s)
{
	struct scratch *x;

	if (!s)
		return;
	darn_recorder_destroy(s->recorder);
	if (s->tmp)
		darn_ignore(darn_leftover_remove(s->tmp, NULL));
	darn_pack_writer_destroy(s->packs);
	darn_repo_close(s->repo);
	while ((x = s->free) != NULL) {
		s->free = x->next;
		scratch_destroy(x);
	}
	(void)pthread_mutex_destroy(&s->lock);
	free(s->tmp);
	free(s);
}
