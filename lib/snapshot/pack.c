/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.c - writing packs: a file grows until it is large enough, is made
 * durable, and then its index is.  Memory: the index of one pack.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/mem.h"
#include "lib/io/fd.h"
#include "lib/seal/outfile.h"
#include "lib/snapshot/internal.h"

struct darn_pack_writer {
	const char *repo;
	struct darn_catalog *catalog;
	struct darn_outfile out;
	struct darn_index index;
	size_t cap;
	uint32_t number; /* in the catalog */
};

int64_t darn_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

enum darn_rc darn_pack_writer_create(const char *repo, struct darn_catalog *c,
				     struct darn_pack_writer **out,
				     struct darn_error *err)
{
	struct darn_pack_writer *w = darn_calloc(1, sizeof(*w), err);

	if (!w)
		return DARN_ENOMEM;
	w->repo = repo;
	w->catalog = c;
	w->out = (struct darn_outfile)DARN_OUTFILE_INIT;
	*out = w;
	return DARN_OK;
}

static enum darn_rc make_fan(const char *repo, const char *pack,
			     struct darn_error *err)
{
	char *packs = darn_path_join(repo, "packs", err);
	char *dir = darn_asprintf(err, "%s/packs/%.2s", repo, pack);
	enum darn_rc rc = DARN_OK;

	if (!packs || !dir)
		rc = DARN_ENOMEM;
	else if (mkdir(dir, 0700) == 0)
		rc = darn_sync_dir(packs, err);
	else if (errno != EEXIST)
		rc = darn_fail(err, DARN_EIO, errno, "cannot create '%s'", dir);
	free(packs);
	free(dir);
	return rc;
}

static enum darn_rc start(struct darn_pack_writer *w, struct darn_error *err)
{
	struct darn_pack_info info = {.made_ns = darn_now_ns()};
	uint8_t id[REPO_ID];
	enum darn_rc rc = darn_random(id, sizeof(id), err);
	char *path;

	if (rc)
		return rc;
	darn_hex_id(info.id, id);
	rc = make_fan(w->repo, info.id, err);
	if (rc)
		return rc;
	path = darn_pack_path(w->repo, info.id, err);
	if (!path)
		return DARN_ENOMEM;
	rc = darn_outfile_create(&w->out, path, err);
	free(path);
	if (rc)
		return rc;
	memcpy(w->index.pack, info.id, sizeof(info.id));
	w->index.made_ns = info.made_ns;
	w->index.size = 0;
	w->index.n = 0;
	return darn_catalog_add_pack(w->catalog, &info, &w->number, err);
}

enum darn_rc darn_pack_finish(struct darn_pack_writer *w,
			      struct darn_error *err)
{
	enum darn_rc rc;

	if (w->out.fd < 0)
		return DARN_OK;
	rc = darn_outfile_commit(&w->out, err);
	return rc ? rc : darn_index_write(w->repo, &w->index, err);
}

enum darn_rc darn_pack_append(struct darn_pack_writer *w,
			      const struct darn_hash128 *id,
			      const uint8_t *stored, size_t n, size_t len,
			      struct darn_error *err)
{
	struct darn_index *x = &w->index;
	struct darn_frame_place at = {.state = DARN_FRAME_TRUSTED};
	enum darn_rc rc = w->out.fd < 0 ? start(w, err) : DARN_OK;

	if (rc == DARN_OK)
		rc = darn_grow((void **)&x->entries, x->n, &w->cap,
			       sizeof(*x->entries), err);
	if (rc == DARN_OK)
		rc = darn_outfile_write(&w->out, stored, n, x->size, err);
	if (rc)
		return rc;
	at.pack = w->number;
	at.off = x->size;
	at.stored = (uint32_t)n;
	at.len = (uint32_t)len;
	x->entries[x->n++] = (struct darn_index_entry){
		.id = *id,
		.off = at.off,
		.stored = at.stored,
		.len = at.len,
	};
	x->size += n;
	rc = darn_catalog_put(w->catalog, id, &at, err);
	if (rc == DARN_OK && (x->size >= REPO_PACK || x->n >= REPO_PACK_FRAMES))
		rc = darn_pack_finish(w, err);
	return rc;
}

void darn_pack_writer_destroy(struct darn_pack_writer *w)
{
	if (!w)
		return;
	darn_outfile_release(&w->out);
	darn_index_release(&w->index);
	free(w);
}
