/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebuild.c - an index made anew from its pack.
 *
 * A pack is zstd frames one after the other, each of which says how long it
 * is, and a frame's name is the digest of its bytes.  So an index that is
 * damaged or lost costs a reading of the pack and no data.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/base/mem.h"
#include "lib/snapshot/internal.h"

struct walk {
	const struct darn_repo *repo;
	struct darn_io *io;
	struct darn_index *x;
	size_t cap;
	uint8_t *stored, *raw;
};

/*
 * The frame at @off, of which @got bytes (perhaps more than it has) are in
 * w->stored.  *n: its length, 0 where no frame can be told.
 */
static enum darn_rc take_frame(struct walk *w, uint64_t off, size_t got,
			       size_t *n, struct darn_error *err)
{
	struct darn_index_entry e = {.off = off};
	unsigned long long len;
	enum darn_rc rc;

	*n = ZSTD_findFrameCompressedSize(w->stored, got);
	if (ZSTD_isError(*n)) {
		*n = 0;
		return DARN_OK;
	}
	len = ZSTD_getFrameContentSize(w->stored, *n);
	if (len == 0 || len > w->repo->frame ||
	    ZSTD_decompress(w->raw, (size_t)len, w->stored, *n) != len)
		return DARN_OK; /* rotten: nobody can say which one it was */
	e.stored = (uint32_t)*n;
	e.len = (uint32_t)len;
	e.id = darn_xxh3_128(w->raw, (size_t)len, w->repo->secret);
	rc = darn_grow((void **)&w->x->entries, w->x->n, &w->cap,
		       sizeof(*w->x->entries), err);
	if (rc == DARN_OK)
		w->x->entries[w->x->n++] = e;
	return rc;
}

static enum darn_rc walk_pack(struct walk *w, struct darn_error *err)
{
	size_t max = ZSTD_compressBound(w->repo->frame);
	enum darn_rc rc = DARN_OK;
	uint64_t off = 0;

	while (rc == DARN_OK && w->x->n < REPO_PACK_FRAMES) {
		size_t got = 0, n = 0;

		rc = darn_io_read(w->io, w->stored, max, off, DARN_READ_NORMAL,
				  &got, err);
		if (rc == DARN_OK && got > 0)
			rc = take_frame(w, off, got, &n, err);
		if (n == 0)
			break;
		off += n;
	}
	return rc;
}

static enum darn_rc rebuild(const struct darn_repo *r, const char *pack,
			    struct darn_index *out, struct darn_error *err)
{
	struct darn_index x = {.made_ns = 1}; /* any other copy is newer */
	struct walk w = {.repo = r, .x = &x};
	char *path = darn_pack_path(r->path, pack, err);
	struct darn_stat st;
	enum darn_rc rc;

	if (!path)
		return DARN_ENOMEM;
	memcpy(x.pack, pack, sizeof(x.pack));
	rc = darn_io_open_posix(AT_FDCWD, path, path, false, &w.io, err);
	free(path);
	if (rc)
		return rc;
	rc = darn_io_stat(w.io, &st, err);
	w.stored = darn_calloc(1, ZSTD_compressBound(r->frame), err);
	w.raw = darn_calloc(1, r->frame, err);
	if (rc == DARN_OK)
		rc = w.stored && w.raw ? walk_pack(&w, err) : DARN_ENOMEM;
	darn_io_close(w.io);
	free(w.stored);
	free(w.raw);
	if (rc) {
		darn_index_release(&x);
		return rc;
	}
	x.size = st.size;
	*out = x;
	return DARN_OK;
}

enum darn_rc darn_index_load(const struct darn_repo *r, const char *pack,
			     struct darn_index *out, char why[512],
			     struct darn_error *err)
{
	struct darn_error bad = DARN_ERROR_INIT;
	enum darn_rc rc = darn_index_read(r->path, pack, out, &bad);

	why[0] = '\0';
	if (rc == DARN_OK || rc == DARN_ENOMEM)
		return rc ? darn_fail(err, rc, 0, "%s", bad.msg) : DARN_OK;
	(void)snprintf(why, 512, "%s", bad.msg);
	rc = rebuild(r, pack, out, &bad);
	return rc ? darn_fail(err, rc, bad.sys_errno, "%s", bad.msg) : DARN_OK;
}

static enum darn_rc add_name(void *arg, const char *path, bool tmp,
			     struct darn_error *err)
{
	struct darn_names *l = arg;
	const char *name = strrchr(path, '/');
	enum darn_rc rc;

	if (tmp || !name || strlen(name) != 37)
		return DARN_OK;
	rc = darn_grow((void **)&l->v, l->n, &l->cap, sizeof(*l->v), err);
	if (rc)
		return rc;
	l->v[l->n] = strndup(name + 1, 32);
	return l->v[l->n++] ? DARN_OK
			    : darn_fail(err, DARN_ENOMEM, 0, "out of memory");
}

enum darn_rc darn_pack_names(const char *repo, struct darn_names *out,
			     struct darn_error *err)
{
	struct darn_names l = {NULL, 0, 0};
	enum darn_rc rc = darn_repo_names(repo, "index", &l.v, &l.n, err);

	l.cap = l.n;
	if (rc == DARN_OK)
		rc = darn_leftovers(repo, add_name, &l, err);
	if (rc) {
		darn_names_release(l.v, l.n);
		return rc;
	}
	*out = l;
	return DARN_OK;
}

enum darn_rc darn_indexes_mend(const struct darn_repo *r,
			       struct darn_error *err)
{
	struct darn_names l;
	enum darn_rc rc = darn_pack_names(r->path, &l, err);

	if (rc)
		return rc;
	for (size_t i = 0; rc == DARN_OK && i < l.n; i++) {
		struct darn_error bad = DARN_ERROR_INIT;
		struct darn_index x;
		char why[512];

		/* A pack that is gone is verify's to tell, not ours. */
		if (darn_index_load(r, l.v[i], &x, why, &bad))
			continue;
		if (why[0])
			rc = darn_index_write(r->path, &x, err);
		darn_index_release(&x);
	}
	darn_names_release(l.v, l.n);
	return rc;
}
