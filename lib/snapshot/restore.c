/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore.c - puts a snapshot, or a part of one, into a directory.
 *
 * Directories come first, open to their owner alone; then the files, whose
 * chunks all workers share; then the modes and times of the directories, from
 * the last to the first, so that filling them does not undo their times.
 * A frame that is lost leaves zeros in its place and is reported.
 *
 * Nothing follows a symbolic link below the target: a snapshot that was
 * tampered with cannot write elsewhere.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/fd.h"
#include "lib/seal/layout.h"
#include "lib/snapshot/codes.h"
#include "lib/snapshot/internal.h"
#include "lib/snapshot/target.h"

enum {
	OPEN_FILES = 64 /* at most, at one time */
};

struct lost {
	uint64_t off, len;
};

struct restore {
	struct darn_repo *repo;
	const struct darn_restore_options *o;
	struct darn_restore_totals *t;
	struct darn_manifest *m;
	struct darn_target *target;
	const char *prefix; /* of what is wanted; "" = everything */
	size_t strip;	    /* bytes of a path that are left out */
	struct darn_pool *pool;
	pthread_mutex_t lock; /* guards the totals and the reporting */
};

/* A file being written. */
struct out {
	struct restore *r;
	struct darn_sealed_entry e;
	char *to; /* relative to the target */
	int fd;
};

static bool canceled(const struct restore *r)
{
	return r->o->progress && atomic_load(&r->o->progress->cancel);
}

static enum darn_rc tell_lost(struct out *f, uint64_t off, size_t len,
			      const char *why, struct darn_error *err)
{
	struct restore *r = f->r;
	struct darn_repo_finding found = {
		.code = &darn_repo_codes[REPO_FILE_DAMAGED],
		.path = f->e.path,
		.off = off,
		.len = len,
		.message = why,
	};
	enum darn_rc rc;

	(void)pthread_mutex_lock(&r->lock);
	r->t->lost += len;
	rc = r->o->fn(r->o->arg, &found, err);
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

static enum darn_rc write_all(const struct out *f, const uint8_t *p, size_t len,
			      uint64_t off, struct darn_error *err)
{
	int error = darn_fd_write(f->fd, p, len, &off);

	if (error)
		return darn_fail(err, DARN_EIO, error,
				 "cannot write '%s/%s' at %" PRIu64,
				 f->r->o->to, f->to, off);
	return DARN_OK;
}

static enum darn_rc put_frame(struct out *f, uint64_t off, uint8_t *buf,
			      struct darn_error *err)
{
	uint32_t frame = f->r->repo->frame;
	size_t len = (size_t)DARN_MIN(f->e.st.size - off, frame);
	struct darn_error bad = DARN_ERROR_INIT;
	struct darn_hash128 id;
	enum darn_rc rc =
		darn_manifest_frames(f->r->m, &f->e, off / frame, 1, &id, err);

	if (rc || darn_frame_is_zeros(&id))
		return rc; /* the file was made with a hole there */
	if (darn_frame_read(f->r->repo, &id, buf, len, &bad))
		return tell_lost(f, off, len, bad.msg, err);
	return write_all(f, buf, len, off, err);
}

static enum darn_rc put_chunk(void *arg, uint64_t i, unsigned worker,
			      struct darn_error *err)
{
	struct out *f = arg;
	uint32_t frame = f->r->repo->frame;
	uint64_t end = DARN_MIN((i + 1) * SEAL_CHUNK, f->e.st.size);
	uint8_t *buf = darn_calloc(1, frame, err);
	enum darn_rc rc = buf ? DARN_OK : DARN_ENOMEM;

	(void)worker;
	for (uint64_t off = i * SEAL_CHUNK; rc == DARN_OK && off < end;
	     off += frame) {
		rc = put_frame(f, off, buf, err);
		if (canceled(f->r))
			rc = darn_fail(err, DARN_ECANCELED, 0, "stopped");
	}
	free(buf);
	return rc;
}

static void close_out(void *arg)
{
	struct out *f = arg;
	bool owner = true;

	if (f->fd >= 0)
		owner = darn_target_settle(f->fd, &f->e.st);
	(void)pthread_mutex_lock(&f->r->lock);
	f->r->t->files++;
	f->r->t->bytes += f->e.st.size;
	if (f->r->o->progress) {
		atomic_fetch_add(&f->r->o->progress->files_done, 1);
		atomic_fetch_add(&f->r->o->progress->bytes_done, f->e.st.size);
	}
	f->r->t->owners += !owner;
	(void)pthread_mutex_unlock(&f->r->lock);
	darn_sealed_entry_release(&f->e);
	free(f->to);
	free(f);
}

/* Takes over what @e holds. */
static enum darn_rc put_file(struct restore *r, struct darn_sealed_entry *e,
			     const char *to, struct darn_error *err)
{
	struct out *f = darn_calloc(1, sizeof(*f), err);
	struct darn_range range = {
		.run = put_chunk, .done = close_out, .arg = f};
	enum darn_rc rc = DARN_ENOMEM;

	if (!f) {
		darn_sealed_entry_release(e);
		return rc;
	}
	f->r = r;
	f->e = *e;
	f->fd = -1;
	f->to = darn_strdup(to, err);
	range.n = darn_seal_parts(e->st.size, SEAL_CHUNK);
	if (f->to)
		rc = darn_target_file(r->target, to, e->st.size, r->o->force,
				      &f->fd, err);
	if (rc == DARN_OK) {
		darn_pool_throttle(r->pool, OPEN_FILES);
		rc = darn_pool_submit_range(r->pool, range, err);
	}
	if (rc) {
		if (f->fd >= 0)
			(void)close(f->fd);
		darn_sealed_entry_release(&f->e);
		free(f->to);
		free(f);
	}
	return rc;
}

/* One entry on the first pass.  Takes over what @e holds. */
static enum darn_rc put_entry(struct restore *r, struct darn_sealed_entry *e,
			      struct darn_error *err)
{
	const char *to = e->path + r->strip;
	enum darn_rc rc = DARN_OK;

	to += *to == '/';
	switch (e->st.type) {
	case DARN_FT_FILE:
		return put_file(r, e, to, err);
	case DARN_FT_DIR:
		r->t->links += e->link != NULL;
		rc = darn_target_dir(r->target, to, err);
		break;
	case DARN_FT_LINK:
		rc = darn_target_link(r->target, to, e->link ? e->link : "",
				      &e->st, r->o->force, err);
		break;
	case DARN_FT_OTHER:
		break; /* sockets and pipes belong to who runs */
	}
	darn_sealed_entry_release(e);
	return rc;
}

static enum darn_rc put_all(struct restore *r, uint64_t from, uint64_t to,
			    struct darn_error *err)
{
	enum darn_rc rc = DARN_OK, waited;

	if (r->o->progress)
		atomic_fetch_add(
			&r->o->progress->bytes_seen,
			darn_repo_info(r->repo, r->o->snapshot)->bytes);
	for (uint64_t i = from; rc == DARN_OK && i < to; i++) {
		struct darn_sealed_entry e;

		if (darn_pool_canceled(r->pool))
			break;
		rc = darn_manifest_get(r->m, i, &e, err);
		if (rc == DARN_OK)
			rc = put_entry(r, &e, err);
	}
	if (rc)
		darn_pool_cancel(r->pool);
	waited = darn_pool_wait(r->pool, err);
	return rc ? rc : waited;
}

/* Modes and times of the directories, the innermost first. */
static enum darn_rc settle_dirs(struct restore *r, uint64_t from, uint64_t to,
				struct darn_error *err)
{
	for (uint64_t i = to; i-- > from;) {
		struct darn_sealed_entry e;
		enum darn_rc rc = darn_manifest_get(r->m, i, &e, err);
		const char *rel;

		if (rc)
			return rc;
		rel = e.path + r->strip;
		rel += *rel == '/';
		if (e.st.type == DARN_FT_DIR)
			r->t->owners +=
				!darn_target_settle_dir(r->target, rel, &e.st);
		darn_sealed_entry_release(&e);
	}
	return DARN_OK;
}

/* A single file keeps its name; a directory's content goes in directly. */
static enum darn_rc choose_strip(struct restore *r, uint64_t first,
				 struct darn_error *err)
{
	struct darn_sealed_entry e;
	const char *slash = strrchr(r->prefix, '/');
	enum darn_rc rc = darn_manifest_get(r->m, first, &e, err);

	if (rc)
		return rc;
	r->strip = strlen(r->prefix);
	if (r->prefix[0] && e.st.type != DARN_FT_DIR &&
	    strcmp(e.path, r->prefix) == 0)
		r->strip = slash ? (size_t)(slash - r->prefix) : 0;
	darn_sealed_entry_release(&e);
	return DARN_OK;
}

static enum darn_rc restore_root(struct restore *r, const char *below,
				 struct darn_error *err)
{
	uint64_t from = 0, end = 0;
	enum darn_rc rc =
		darn_manifest_lower(r->m, r->prefix, false, &from, err);

	if (rc == DARN_OK)
		rc = darn_manifest_lower(r->m, r->prefix, true, &end, err);
	if (rc == DARN_OK && from == end && r->prefix[0])
		rc = darn_fail(err, DARN_ENOENT, 0,
			       "the snapshot does not hold '%s'", r->prefix);
	if (rc == DARN_OK && from < end)
		rc = choose_strip(r, from, err);
	if (rc == DARN_OK)
		rc = darn_target_open(r->o->to, below, r->o->force, &r->target,
				      err);
	if (rc)
		return rc;
	rc = put_all(r, from, end, err);
	if (rc == DARN_OK)
		rc = settle_dirs(r, from, end, err);
	if (rc == DARN_OK)
		rc = darn_target_sync(r->target, err);
	darn_target_close(r->target);
	return rc;
}

/* Does root @i hold the path that is asked for?  Which part of it is it? */
static bool holds(const struct restore *r, const char *root,
		  const char **prefix)
{
	const char *p = r->o->path;

	*prefix = "";
	if (!p)
		return true;
	if (p[0] != '/') {
		*prefix = p;
		return true;
	}
	*prefix = darn_path_below(p, root);
	return *prefix != NULL;
}

/* Several roots at once go below the target under their own paths. */
static enum darn_rc restore_one(struct restore *r, size_t i, bool alone,
				struct darn_error *err)
{
	const char *root = darn_repo_root(r->repo, r->o->snapshot, i);
	enum darn_rc rc = darn_repo_open_root(r->repo, r->o->snapshot, i, NULL,
					      &r->m, err);

	if (rc == DARN_OK) {
		rc = restore_root(r, alone ? "" : root, err);
		darn_manifest_close(r->m);
	}
	return rc;
}

static enum darn_rc restore_all(struct restore *r, struct darn_error *err)
{
	size_t n = darn_repo_info(r->repo, r->o->snapshot)->nroots;
	enum darn_rc rc = DARN_OK;
	size_t done = 0, hit = 0;

	for (size_t i = 0; i < n; i++)
		done += holds(r, darn_repo_root(r->repo, r->o->snapshot, i),
			      &r->prefix);
	if (done == 0)
		return darn_fail(err, DARN_ENOENT, 0,
				 "the snapshot does not hold '%s'", r->o->path);
	if (r->o->path && r->o->path[0] != '/' && n > 1)
		return darn_fail(err, DARN_EINVAL, 0,
				 "the snapshot has %zu roots: '%s' must be an "
				 "absolute path",
				 n, r->o->path);
	for (; rc == DARN_OK && hit < n; hit++)
		if (holds(r, darn_repo_root(r->repo, r->o->snapshot, hit),
			  &r->prefix))
			rc = restore_one(r, hit, done == 1, err);
	return rc;
}

enum darn_rc darn_repo_restore(struct darn_repo *r,
			       const struct darn_restore_options *o,
			       struct darn_restore_totals *totals,
			       struct darn_error *err)
{
	struct restore x = {.repo = r, .o = o, .t = totals, .prefix = ""};
	enum darn_rc rc;

	memset(totals, 0, sizeof(*totals));
	rc = darn_pool_create(o->jobs, 0, &x.pool, err);
	if (rc)
		return rc;
	(void)pthread_mutex_init(&x.lock, NULL);
	rc = restore_all(&x, err);
	darn_pool_destroy(x.pool);
	(void)pthread_mutex_destroy(&x.lock);
	return rc;
}
