/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - the recorder: a scan that is written down.
 *
 * r->lock guards the totals; entries and begins come from one thread.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/seal/layout.h"
#include "lib/seal/outfile.h"
#include "lib/seal/seal.h"
#include "lib/seal/write.h"

enum {
	/*
	 * Block size for files that no scanner knows.  Torn sectors and
	 * pages of most engines are 4 KiB or a multiple, so that a repair
	 * replaces no more than what broke; the digests are 0.4 % of the data.
	 */
	BLOCK_UNKNOWN = 4096,
	SETTLED_NS = 2000000000 /* as darn-seal(5) says */
};

struct root {
	char *path, *manifest;
	struct darn_manifest_writer *writer;
};

struct darn_recorder {
	struct darn_witness base;
	struct darn_recorder_options o;
	struct root *roots;
	size_t nroots, caproots;
	struct darn_recorded totals;
	int64_t start_ns;
	pthread_mutex_t lock;
};

struct recording {
	struct darn_sealing *sealing;
	struct darn_stat st;
	char *path;
	bool quiet; /* not written in the two seconds before */
};

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct root *current(struct darn_recorder *r)
{
	return &r->roots[r->nroots - 1];
}

static enum darn_rc new_root(struct darn_recorder *r, struct root *root,
			     const char *path, const char *store,
			     struct darn_error *err)
{
	struct darn_manifest_head *head = darn_calloc(1, sizeof(*head), err);
	enum darn_rc rc = DARN_OK;

	if (!head)
		return DARN_ENOMEM;
	if ((size_t)snprintf(head->root, sizeof(head->root), "%s", path) >=
	    sizeof(head->root))
		rc = darn_fail(err, DARN_EUNSUPPORTED, ENAMETOOLONG,
			       "cannot record '%.64s...'", path);
	(void)snprintf(head->store, sizeof(head->store), "%s", store);
	if (r->o.secret)
		memcpy(head->secret, r->o.secret, sizeof(head->secret));
	else if (rc == DARN_OK)
		rc = darn_random(head->secret, sizeof(head->secret), err);
	if (rc == DARN_OK)
		rc = darn_manifest_create(root->manifest, head,
					  r->o.store ? r->o.frame : 0,
					  &root->writer, err);
	free(head);
	return rc;
}

static enum darn_rc rec_root(struct darn_witness *w, const char *path,
			     const char *store, struct darn_error *err)
{
	struct darn_recorder *r = (struct darn_recorder *)w;
	struct root *root;
	enum darn_rc rc = darn_grow((void **)&r->roots, r->nroots, &r->caproots,
				    sizeof(*r->roots), err);

	if (rc)
		return rc;
	root = &r->roots[r->nroots];
	*root = (struct root){.path = darn_strdup(path, err)};
	root->manifest = r->o.place(r->o.arg, path, r->nroots, err);
	r->nroots++;
	r->totals.roots++;
	if (!root->path || !root->manifest)
		return err->rc ? err->rc : DARN_ENOMEM;
	return new_root(r, root, path, store, err);
}

/* The moment before anything of a store is read. */
static enum darn_rc rec_store(struct darn_witness *w, const char *path,
			      const struct darn_store *store,
			      enum darn_liveness liveness,
			      struct darn_error *err)
{
	struct darn_recorder *r = (struct darn_recorder *)w;

	if (liveness != DARN_STOPPED && !r->o.live)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' (%s) %s: stop it first, or --live makes "
				 "a fuzzy one, good for single units only",
				 path, store->title,
				 liveness == DARN_LIVE
					 ? "is in use"
					 : "may be in use (see 'liveness' in a "
					   "scan of it)");
	return DARN_OK;
}

/*
 * The engine shows a link that the store follows as the directory behind it;
 * where it points is worth keeping too.  To be freed; NULL: not a link.
 */
static char *followed_link(const struct darn_recorder *r, const char *path)
{
	char buf[4096];
	char *full = darn_path_join(r->roots[r->nroots - 1].path, path, NULL);
	ssize_t n = full ? readlink(full, buf, sizeof(buf) - 1) : -1;

	free(full);
	return n > 0 ? strndup(buf, (size_t)n) : NULL;
}

static enum darn_rc rec_entry(struct darn_witness *w,
			      const struct darn_entry *e,
			      struct darn_error *err)
{
	struct darn_recorder *r = (struct darn_recorder *)w;
	struct darn_entry copy = *e;
	char *link = NULL;
	enum darn_rc rc;

	if (e->st.type == DARN_FT_DIR && !e->link && e->path[0]) {
		link = followed_link(r, e->path);
		copy.link = link;
	}
	rc = darn_manifest_add(current(r)->writer, &copy, err);
	free(link);
	return rc;
}

/*
 * A file written a moment ago may be written again within the same tick of
 * its time stamp.  Waiting out the rest of the two seconds makes its seal
 * worth something; it costs at most two seconds in all, since everything
 * older is settled by then.
 */
static bool wait_until_quiet(const struct darn_recorder *r, int64_t mtime_ns)
{
	int64_t left = mtime_ns + SETTLED_NS - now_ns();
	struct timespec t;

	if (left <= 0)
		return true;
	if (mtime_ns > r->start_ns || r->o.live)
		return false;
	t.tv_sec = left / 1000000000;
	t.tv_nsec = left % 1000000000;
	return nanosleep(&t, NULL) == 0;
}

static void recording_destroy(struct recording *h)
{
	free(h->path);
	free(h);
}

static enum darn_rc rec_begin(struct darn_witness *w, const struct darn_file *f,
			      uint32_t unit, void **handle,
			      struct darn_error *err)
{
	struct darn_recorder *r = (struct darn_recorder *)w;
	struct darn_entry e = {.path = f->path, .st = f->st};
	struct recording *h = darn_calloc(1, sizeof(*h), err);
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	if (!h)
		return DARN_ENOMEM;
	if (!darn_seal_pow2(unit, SEAL_BLOCK_MIN))
		unit = BLOCK_UNKNOWN;
	h->st = f->st;
	h->quiet = wait_until_quiet(r, f->st.mtime_ns) &&
		   (r->o.live || darn_io_settle(f->io, &why) == DARN_OK);
	h->path = darn_strdup(f->path, err);
	rc = h->path ? darn_manifest_begin(current(r)->writer, &e, unit,
					   &h->sealing, err)
		     : DARN_ENOMEM;
	if (rc) {
		recording_destroy(h);
		return rc;
	}
	*handle = h;
	return DARN_OK;
}

/*
 * Stores every frame that [off, off + len) holds whole; the others keep the
 * id zero, "not stored".
 */
static enum darn_rc store_frames(const struct darn_recorder *r,
				 const struct recording *h,
				 const struct darn_chunk *c,
				 struct darn_hash128 *ids,
				 struct darn_error *err)
{
	uint64_t end = DARN_MIN(c->off + c->len, h->st.size);
	enum darn_rc rc = DARN_OK;
	uint64_t off = c->off;

	for (size_t i = 0; rc == DARN_OK && off < end; i++) {
		uint64_t stop = DARN_MIN((off / r->o.frame + 1) * r->o.frame,
					 h->st.size);
		const uint8_t *p = c->buf + (off - c->off);

		if (stop > end)
			break;
		if (off % r->o.frame == 0) {
			if (darn_all_zero(p, (size_t)(stop - off)))
				memset(&ids[i], 0xff, sizeof(ids[i]));
			else
				rc = r->o.store(r->o.arg, p,
						(size_t)(stop - off), &ids[i],
						err);
		}
		off = stop;
	}
	return rc;
}

static enum darn_rc rec_chunk(struct darn_witness *w, void *handle,
			      const struct darn_chunk *c, unsigned worker,
			      struct darn_sink *sink, struct darn_error *err)
{
	struct darn_recorder *r = (struct darn_recorder *)w;
	struct recording *h = handle;
	struct darn_hash128 ids[SEAL_CHUNK / SEAL_FRAME_MIN] = {0};
	enum darn_rc rc = DARN_OK;

	(void)worker;
	(void)sink;
	if (c->nbad)
		return DARN_OK; /* what never comes is written as unreadable */
	if (r->o.store)
		rc = store_frames(r, h, c, ids, err);
	if (rc)
		return rc;
	return darn_manifest_put(h->sealing, c->off, c->buf, c->len,
				 r->o.store ? ids : NULL, err);
}

static enum darn_rc rec_end(struct darn_witness *w, void *handle,
			    const struct darn_stat *now, bool complete,
			    struct darn_sink *sink, struct darn_error *err)
{
	struct darn_recorder *r = (struct darn_recorder *)w;
	struct recording *h = handle;
	bool same = now->size == h->st.size && now->mtime_ns == h->st.mtime_ns;
	enum darn_rc rc;

	if (!sink) {
		darn_manifest_drop(h->sealing);
		recording_destroy(h);
		return DARN_OK;
	}
	if (!same && !r->o.live)
		darn_sink_error(sink, h->path,
				"the file changed while it was being read");
	(void)pthread_mutex_lock(&r->lock);
	r->totals.files++;
	r->totals.bytes += h->st.size;
	r->totals.unsettled += !same || !h->quiet;
	r->totals.incomplete += !complete;
	(void)pthread_mutex_unlock(&r->lock);
	rc = darn_manifest_end(h->sealing, same && h->quiet, err);
	recording_destroy(h);
	return rc;
}

static enum darn_rc rec_finish(struct darn_witness *w, struct darn_sink *sink,
			       struct darn_error *err)
{
	(void)w;
	(void)sink;
	(void)err;
	return DARN_OK;
}

static const struct darn_witness_ops recorder_ops = {
	.root = rec_root,
	.store = rec_store,
	.entry = rec_entry,
	.begin = rec_begin,
	.chunk = rec_chunk,
	.end = rec_end,
	.finish = rec_finish,
};

enum darn_rc darn_recorder_create(const struct darn_recorder_options *o,
				  struct darn_recorder **out,
				  struct darn_error *err)
{
	struct darn_recorder *r = darn_calloc(1, sizeof(*r), err);

	if (!r)
		return DARN_ENOMEM;
	r->base.ops = &recorder_ops;
	r->o = *o;
	r->start_ns = now_ns();
	(void)pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return DARN_OK;
}

struct darn_witness *darn_recorder_witness(struct darn_recorder *r)
{
	return &r->base;
}

struct darn_recorded darn_recorder_totals(struct darn_recorder *r)
{
	struct darn_recorded t;

	(void)pthread_mutex_lock(&r->lock);
	t = r->totals;
	(void)pthread_mutex_unlock(&r->lock);
	return t;
}

const char *darn_recorder_root(const struct darn_recorder *r, size_t i,
			       const char **manifest)
{
	if (i >= r->nroots)
		return NULL;
	if (manifest)
		*manifest = r->roots[i].manifest;
	return r->roots[i].path;
}

enum darn_rc darn_recorder_commit(struct darn_recorder *r,
				  struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0; rc == DARN_OK && i < r->nroots; i++)
		rc = darn_manifest_commit(r->roots[i].writer, r->o.live, err);
	return rc;
}

void darn_recorder_destroy(struct darn_recorder *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nroots; i++) {
		darn_manifest_destroy(r->roots[i].writer);
		free(r->roots[i].path);
		free(r->roots[i].manifest);
	}
	free(r->roots);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}
