/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c - a snapshot as a tree to read from.
 *
 * Directories that have no entry of their own (the scan was of a single file)
 * are there all the same where something lies below them.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/seal/manifest.h"
#include "lib/snapshot/internal.h"

struct snap_tree {
	struct darn_tree base;
	struct darn_repo *repo;
	struct darn_manifest *m;
};

/*
 * A file of it.  The frame read last is kept: readers ask for units smaller
 * than a frame, one after the other.  f->lock guards it.
 */
struct snap_file {
	struct darn_io base;
	struct snap_tree *tree; /* borrowed: the tree outlives its files */
	struct darn_sealed_entry e;
	char *name;
	uint64_t cached; /* number of the frame, UINT64_MAX: none */
	size_t cached_len;
	uint8_t *frame;
	pthread_mutex_t lock;
};

static enum darn_rc load(struct snap_file *f, uint64_t i,
			 struct darn_error *err)
{
	uint64_t size = f->tree->repo->frame;
	uint64_t off = i * size;
	size_t len = (size_t)DARN_MIN(f->e.st.size - off, size);
	struct darn_error bad = DARN_ERROR_INIT;
	struct darn_hash128 id;
	enum darn_rc rc;

	if (f->cached == i)
		return DARN_OK;
	f->cached = UINT64_MAX;
	rc = darn_manifest_frames(f->tree->m, &f->e, i, 1, &id, &bad);
	if (rc == DARN_OK)
		rc = darn_frame_read(f->tree->repo, &id, f->frame, len, &bad);
	if (rc)
		return darn_fail(err, rc, bad.sys_errno,
				 "cannot read '%s' at %" PRIu64 ": %s", f->name,
				 off, bad.msg);
	f->cached = i;
	f->cached_len = len;
	return DARN_OK;
}

static enum darn_rc file_read(struct darn_io *io, void *buf, size_t len,
			      uint64_t off, enum darn_read_how how, size_t *got,
			      struct darn_error *err)
{
	struct snap_file *f = (struct snap_file *)io;
	uint64_t size = f->tree->repo->frame;
	enum darn_rc rc = DARN_OK;
	uint8_t *p = buf;

	*got = 0;
	if (how == DARN_READ_CACHED || off >= f->e.st.size)
		return DARN_OK;
	len = (size_t)DARN_MIN(len, f->e.st.size - off);
	(void)pthread_mutex_lock(&f->lock);
	while (len > 0) {
		size_t skip = (size_t)(off % size), n;

		rc = load(f, off / size, err);
		if (rc)
			break;
		n = DARN_MIN(len, f->cached_len - skip);
		memcpy(p, f->frame + skip, n);
		p += n;
		off += n;
		len -= n;
		*got += n;
	}
	(void)pthread_mutex_unlock(&f->lock);
	return rc;
}

static enum darn_rc file_stat(struct darn_io *io, struct darn_stat *st,
			      struct darn_error *err)
{
	(void)err;
	*st = ((struct snap_file *)io)->e.st;
	/* Not this machine's numbers: nothing is a hard link of it. */
	st->dev = st->ino = st->nlink = 0;
	return DARN_OK;
}

static void file_close(struct darn_io *io)
{
	struct snap_file *f = (struct snap_file *)io;

	if (f->e.path)
		darn_sealed_entry_release(&f->e);
	(void)pthread_mutex_destroy(&f->lock);
	free(f->frame);
	free(f->name);
	free(f);
}

static const struct darn_io_ops file_ops = {
	.read = file_read,
	.stat = file_stat,
	.close = file_close,
};

static enum darn_rc tree_open(struct darn_tree *base, const char *path,
			      struct darn_io **out, struct darn_error *err)
{
	struct snap_tree *t = (struct snap_tree *)base;
	struct snap_file *f = darn_calloc(1, sizeof(*f), err);
	enum darn_rc rc;

	if (!f)
		return DARN_ENOMEM;
	(void)pthread_mutex_init(&f->lock, NULL);
	f->base.ops = &file_ops;
	f->tree = t;
	f->cached = UINT64_MAX;
	rc = darn_manifest_find(t->m, path, &f->e, err);
	if (rc == DARN_OK && f->e.st.type != DARN_FT_FILE)
		rc = darn_fail(err, DARN_EINVAL, 0, "'%s' is no regular file",
			       path);
	if (rc == DARN_OK) {
		f->name = darn_asprintf(err, "%s:%s", t->base.name, path);
		f->base.name = f->name;
		f->frame = darn_calloc(1, t->repo->frame, err);
		if (!f->name || !f->frame)
			rc = DARN_ENOMEM;
	}
	if (rc) {
		file_close(&f->base);
		return rc;
	}
	*out = &f->base;
	return DARN_OK;
}

static const struct darn_stat directory = {.type = DARN_FT_DIR, .mode = 0755};

/* A directory is what the tree shows, also where a link led there. */
static struct darn_stat plain(const struct darn_sealed_entry *e)
{
	struct darn_stat st = e->st;

	st.dev = st.ino = st.nlink = 0;
	return st;
}

static enum darn_rc tree_stat(struct darn_tree *base, const char *path,
			      struct darn_stat *st, struct darn_error *err)
{
	struct snap_tree *t = (struct snap_tree *)base;
	struct darn_error bad = DARN_ERROR_INIT;
	struct darn_sealed_entry e;
	uint64_t from = 0, to = 0;
	enum darn_rc rc = darn_manifest_find(t->m, path, &e, &bad);

	if (rc == DARN_OK) {
		*st = plain(&e);
		darn_sealed_entry_release(&e);
		return DARN_OK;
	}
	if (rc == DARN_ENOENT && path[0]) {
		rc = darn_manifest_lower(t->m, path, false, &from, err);
		if (rc == DARN_OK)
			rc = darn_manifest_lower(t->m, path, true, &to, err);
		if (rc)
			return rc;
		rc = from < to ? DARN_OK : DARN_ENOENT;
	} else if (rc == DARN_ENOENT) {
		rc = DARN_OK; /* the root itself */
	}
	if (rc)
		return darn_fail(err, rc, bad.sys_errno, "%s", bad.msg);
	*st = directory;
	return DARN_OK;
}

/*
 * The child of @dir at or above the entry @index; *next is where the child
 * after it is looked for.
 */
static enum darn_rc list_one(struct snap_tree *t, const char *dir,
			     uint64_t index, darn_entry_fn fn, void *payload,
			     struct darn_error *err)
{
	size_t skip = dir[0] ? strlen(dir) + 1 : 0;
	struct darn_entry out = {.st = directory};
	struct darn_sealed_entry e;
	enum darn_rc rc = darn_manifest_get(t->m, index, &e, err);
	char *child;

	if (rc)
		return rc;
	child = strndup(e.path, skip + strcspn(e.path + skip, "/"));
	out.path = child;
	if (child && strcmp(child, e.path) == 0) {
		out.st = plain(&e);
		if (e.st.type == DARN_FT_LINK)
			out.link = e.link;
	}
	rc = child ? fn(&out, payload, err)
		   : darn_fail(err, DARN_ENOMEM, 0, "out of memory");
	free(child);
	darn_sealed_entry_release(&e);
	return rc;
}

/* The first entry that is not within the child of @dir at @index. */
static enum darn_rc next_child(struct snap_tree *t, const char *dir,
			       uint64_t index, uint64_t *next,
			       struct darn_error *err)
{
	size_t skip = dir[0] ? strlen(dir) + 1 : 0;
	struct darn_sealed_entry e;
	enum darn_rc rc = darn_manifest_get(t->m, index, &e, err);
	char *child;

	if (rc)
		return rc;
	*next = index + 1;
	if (e.st.type == DARN_FT_DIR || strchr(e.path + skip, '/')) {
		child = strndup(e.path, skip + strcspn(e.path + skip, "/"));
		rc = child ? darn_manifest_lower(t->m, child, true, next, err)
			   : darn_fail(err, DARN_ENOMEM, 0, "out of memory");
		free(child);
	}
	darn_sealed_entry_release(&e);
	return rc;
}

static enum darn_rc tree_list(struct darn_tree *base, const char *dir,
			      darn_entry_fn fn, void *payload,
			      struct darn_error *err)
{
	struct snap_tree *t = (struct snap_tree *)base;
	struct darn_sealed_entry e;
	uint64_t i = 0, end = 0;
	enum darn_rc rc = darn_manifest_lower(t->m, dir, false, &i, err);

	if (rc == DARN_OK)
		rc = darn_manifest_lower(t->m, dir, true, &end, err);
	if (rc)
		return rc;
	if (i == end && dir[0])
		return darn_fail(err, DARN_ENOENT, 0, "no directory '%s'", dir);
	if (i < end) { /* the directory's own entry, if it has one */
		rc = darn_manifest_get(t->m, i, &e, err);
		if (rc)
			return rc;
		i += strcmp(e.path, dir) == 0;
		darn_sealed_entry_release(&e);
	}
	while (rc == DARN_OK && i < end) {
		rc = list_one(t, dir, i, fn, payload, err);
		if (rc == DARN_OK)
			rc = next_child(t, dir, i, &i, err);
	}
	return rc;
}

static enum darn_rc tree_follow(struct darn_tree *base, const char *link,
				struct darn_error *err)
{
	(void)base;
	(void)link;
	(void)err;
	return DARN_OK; /* what the link led to was kept in its place */
}

static void tree_close(struct darn_tree *base)
{
	struct snap_tree *t = (struct snap_tree *)base;

	darn_manifest_close(t->m);
	free((char *)(uintptr_t)t->base.name);
	free(t);
}

static const struct darn_tree_ops tree_ops = {
	.list = tree_list,
	.stat = tree_stat,
	.open = tree_open,
	.follow = tree_follow,
	.close = tree_close,
};

enum darn_rc darn_tree_open_snapshot(struct darn_repo *r,
				     struct darn_manifest *m, const char *id,
				     struct darn_tree **out,
				     struct darn_error *err)
{
	struct snap_tree *t = darn_calloc(1, sizeof(*t), err);

	if (t) {
		t->base.ops = &tree_ops;
		t->base.name = darn_asprintf(err, "%s/%.8s", r->path, id);
		t->repo = r;
		t->m = m;
	}
	if (!t || !t->base.name) {
		darn_manifest_close(m);
		free(t);
		return DARN_ENOMEM;
	}
	*out = &t->base;
	return DARN_OK;
}
