/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_read.c - the reading half of a spool: a merge by a heap of sources.
 *
 * A source is a run on disk behind a buffer, or the sorted memory.  The
 * source at the top of the heap has the smallest record; next() moves it on
 * only at the following call, so that the record stays where it is meanwhile.
 */
#include "lib/scan/spool_run.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/io/fd.h"

enum {
	IN_BUF = 1 << 15
};

struct source {
	const uint8_t *rec; /* the current one, head included */
	/* a run */
	uint8_t *buf;
	size_t pos, have, size;
	uint64_t off, end; /* what is not in @buf yet */
	/* the memory, where @buf is NULL */
	size_t i;
};

struct darn_spool_reader {
	struct darn_spool *s;
	struct source *sources;
	size_t n; /* of the heap */
	struct source **heap;
	size_t nsources;
	bool advance; /* the top was given away by the last call */
};

static bool before(const struct darn_spool_reader *r, const struct source *a,
		   const struct source *b)
{
	return r->s->cmp(a->rec + DARN_SPOOL_HEAD, darn_spool_len(a->rec),
			 b->rec + DARN_SPOOL_HEAD, darn_spool_len(b->rec)) < 0;
}

static void sift_down(struct darn_spool_reader *r, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < r->n; c++)
			if (before(r, r->heap[c], r->heap[least]))
				least = c;
		if (least == i)
			return;
		struct source *tmp = r->heap[i];

		r->heap[i] = r->heap[least];
		r->heap[least] = tmp;
		i = least;
	}
}

/* Has at least @need bytes of the run at src->pos of its buffer. */
static enum darn_rc fill(const struct darn_spool *s, struct source *src,
			 size_t need, struct darn_error *err)
{
	size_t len, got = 0;
	int error;

	if (src->have - src->pos >= need)
		return DARN_OK;
	memmove(src->buf, src->buf + src->pos, src->have - src->pos);
	src->have -= src->pos;
	src->pos = 0;
	if (need > src->size) {
		uint8_t *p = realloc(src->buf, need);

		if (!p)
			return darn_fail(err, DARN_ENOMEM, errno,
					 "cannot allocate memory");
		src->buf = p;
		src->size = need;
	}
	len = (size_t)DARN_MIN((uint64_t)(src->size - src->have),
			       src->end - src->off);
	error = darn_fd_read(s->fd, src->buf + src->have, len, src->off, &got);
	if (error || got < need - src->have)
		return darn_fail(err, DARN_EIO, error,
				 "cannot read a temporary file in '%s'",
				 s->dir);
	src->have += got;
	src->off += got;
	return DARN_OK;
}

/* Moves on to the next record; rec = NULL at the end. */
static enum darn_rc step(const struct darn_spool *s, struct source *src,
			 struct darn_error *err)
{
	enum darn_rc rc;
	size_t len;

	if (!src->buf) {
		src->rec = src->i < s->n ? s->data + s->index[src->i] : NULL;
		src->i++;
		return DARN_OK;
	}
	if (src->rec)
		src->pos += darn_spool_room(darn_spool_len(src->rec));
	src->rec = NULL;
	if (src->pos == src->have && src->off == src->end)
		return DARN_OK;
	rc = fill(s, src, DARN_SPOOL_HEAD, err);
	if (rc)
		return rc;
	len = darn_spool_room(darn_spool_len(src->buf + src->pos));
	rc = fill(s, src, len, err);
	if (rc == DARN_OK)
		src->rec = src->buf + src->pos;
	return rc;
}

static enum darn_rc open_sources(struct darn_spool_reader *r, size_t first,
				 bool memory, struct darn_error *err)
{
	struct darn_spool *s = r->s;

	for (size_t i = 0; i < r->nsources; i++) {
		struct source *src = &r->sources[i];
		bool run = i + (memory ? 1 : 0) < r->nsources;
		enum darn_rc rc;

		if (run) {
			src->off = s->runs[first + i].off;
			src->end = src->off + s->runs[first + i].len;
			src->size = IN_BUF;
			src->buf = malloc(IN_BUF);
			if (!src->buf)
				return darn_fail(err, DARN_ENOMEM, errno,
						 "cannot allocate memory");
		}
		rc = step(s, src, err);
		if (rc)
			return rc;
		if (src->rec)
			r->heap[r->n++] = src;
	}
	for (size_t i = r->n; i-- > 0;)
		sift_down(r, i);
	return DARN_OK;
}

enum darn_rc darn_spool_read_runs(struct darn_spool *s, size_t first,
				  bool memory, struct darn_spool_reader **out,
				  struct darn_error *err)
{
	struct darn_spool_reader *r = darn_calloc(1, sizeof(*r), err);
	enum darn_rc rc = DARN_ENOMEM;

	if (!r)
		return DARN_ENOMEM;
	r->s = s;
	r->sources =
		darn_calloc(s->nruns - first + 1, sizeof(*r->sources), err);
	r->heap =
		darn_calloc(s->nruns - first + 1, sizeof(struct source *), err);
	if (r->sources && r->heap) {
		r->nsources = s->nruns - first + (memory ? 1 : 0);
		rc = open_sources(r, first, memory, err);
	}
	if (rc) {
		darn_spool_reader_close(r);
		return rc;
	}
	*out = r;
	return DARN_OK;
}

enum darn_rc darn_spool_read(struct darn_spool *s,
			     struct darn_spool_reader **out,
			     struct darn_error *err)
{
	darn_spool_sort(s);
	return darn_spool_read_runs(s, 0, true, out, err);
}

enum darn_rc darn_spool_next(struct darn_spool_reader *r, const void **rec,
			     size_t *len, struct darn_error *err)
{
	if (r->advance) {
		enum darn_rc rc = step(r->s, r->heap[0], err);

		if (rc)
			return rc;
		if (!r->heap[0]->rec)
			r->heap[0] = r->heap[--r->n];
		sift_down(r, 0);
		r->advance = false;
	}
	if (r->n == 0)
		return DARN_ENOENT;
	*rec = r->heap[0]->rec + DARN_SPOOL_HEAD;
	*len = darn_spool_len(r->heap[0]->rec);
	r->advance = true;
	return DARN_OK;
}

void darn_spool_reader_close(struct darn_spool_reader *r)
{
	if (!r)
		return;
	if (r->sources)
		for (size_t i = 0; i < r->nsources; i++)
			free(r->sources[i].buf);
	free(r->sources);
	free(r->heap);
	free(r);
}
