/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.c - the writing half of a spool: memory, runs and their merging.
 *
 * A record lies in memory and on disk as its length (8 bytes) and its bytes,
 * filled up to a multiple of 8.  The file is private to this process, so it
 * has no version and no checksum.
 */
#include "lib/scan/spool_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io/fd.h"

enum {
	FAN = 16,
	OUT_BUF = 1 << 18,
};

struct out {
	uint8_t *buf;
	size_t n;
	uint64_t off; /* in the file */
};

enum darn_rc darn_spool_create(darn_spool_cmp cmp, const char *dir,
			       size_t budget, struct darn_spool **out,
			       struct darn_error *err)
{
	struct darn_spool *s = darn_calloc(1, sizeof(*s), err);

	if (!s)
		return DARN_ENOMEM;
	s->fd = -1;
	s->cmp = cmp;
	s->budget = budget;
	pthread_mutex_init(&s->lock, NULL);
	s->dir = darn_strdup(dir ? dir : "/var/tmp", err);
	if (!s->dir) {
		darn_spool_destroy(s);
		return DARN_ENOMEM;
	}
	*out = s;
	return DARN_OK;
}

void darn_spool_destroy(struct darn_spool *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s->data);
	free(s->index);
	free(s->runs);
	free(s);
}

size_t darn_spool_runs(const struct darn_spool *s)
{
	return s->nruns;
}

static enum darn_rc open_file(struct darn_spool *s, struct darn_error *err)
{
	char name[PATH_MAX];
	int len;

	if (s->fd >= 0)
		return DARN_OK;
	s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd >= 0)
		return DARN_OK;
	len = snprintf(name, sizeof(name), "%s/darn-spill-XXXXXX", s->dir);
	if (len > 0 && (size_t)len < sizeof(name)) {
		s->fd = mkostemp(name, O_CLOEXEC);
		if (s->fd >= 0)
			(void)unlink(name);
	}
	if (s->fd < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot make a temporary file in '%s'",
				 s->dir);
	return DARN_OK;
}

static int compare(const void *a, const void *b, void *spool)
{
	const struct darn_spool *s = spool;
	const uint8_t *x = s->data + *(const size_t *)a;
	const uint8_t *y = s->data + *(const size_t *)b;

	return s->cmp(x + DARN_SPOOL_HEAD, darn_spool_len(x),
		      y + DARN_SPOOL_HEAD, darn_spool_len(y));
}

void darn_spool_sort(struct darn_spool *s)
{
	if (!s->sorted && s->n > 1)
		qsort_r(s->index, s->n, sizeof(*s->index), compare, s);
	s->sorted = true;
}

static enum darn_rc flush_out(struct darn_spool *s, struct out *o,
			      struct darn_error *err)
{
	uint64_t off = o->off;
	int error = darn_fd_write(s->fd, o->buf, o->n, &off);

	o->off = off;
	if (error)
		return darn_fail(err, DARN_EIO, error,
				 "cannot write a temporary file in '%s'",
				 s->dir);
	o->n = 0;
	return DARN_OK;
}

/* @rec: head and bytes, filled up. */
static enum darn_rc put(struct darn_spool *s, struct out *o, const uint8_t *rec,
			size_t len, struct darn_error *err)
{
	while (len > 0) {
		size_t part = DARN_MIN(len, OUT_BUF - o->n);

		memcpy(o->buf + o->n, rec, part);
		o->n += part;
		rec += part;
		len -= part;
		if (o->n == OUT_BUF) {
			enum darn_rc rc = flush_out(s, o, err);

			if (rc)
				return rc;
		}
	}
	return DARN_OK;
}

static enum darn_rc put_memory(struct darn_spool *s, struct out *o,
			       struct darn_error *err)
{
	darn_spool_sort(s);
	for (size_t i = 0; i < s->n; i++) {
		const uint8_t *rec = s->data + s->index[i];
		enum darn_rc rc = put(
			s, o, rec, darn_spool_room(darn_spool_len(rec)), err);

		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc put_merged(struct darn_spool *s, size_t first,
			       struct out *o, struct darn_error *err)
{
	struct darn_spool_reader *r = NULL;
	enum darn_rc rc = darn_spool_read_runs(s, first, false, &r, err);

	while (rc == DARN_OK) {
		const void *rec;
		size_t len;

		rc = darn_spool_next(r, &rec, &len, err);
		if (rc == DARN_OK)
			rc = put(s, o, (const uint8_t *)rec - DARN_SPOOL_HEAD,
				 darn_spool_room(len), err);
	}
	darn_spool_reader_close(r);
	return rc == DARN_ENOENT ? DARN_OK : rc;
}

/* Writes a run: the memory, or the merged runs from @first on. */
static enum darn_rc write_run(struct darn_spool *s, bool memory, size_t first,
			      unsigned level, struct darn_error *err)
{
	struct out o = {.off = s->end};
	enum darn_rc rc = open_file(s, err);

	if (rc)
		return rc;
	rc = darn_grow((void **)&s->runs, s->nruns, &s->cap_runs,
		       sizeof(*s->runs), err);
	if (rc)
		return rc;
	o.buf = malloc(OUT_BUF);
	if (!o.buf)
		return darn_fail(err, DARN_ENOMEM, errno,
				 "cannot allocate memory");
	rc = memory ? put_memory(s, &o, err) : put_merged(s, first, &o, err);
	if (rc == DARN_OK)
		rc = flush_out(s, &o, err);
	free(o.buf);
	if (rc)
		return rc;
	if (!memory) {
		/* The place that the old runs took; only a kindness. */
		(void)fallocate(s->fd,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)s->runs[first].off,
				(off_t)(s->end - s->runs[first].off));
		s->nruns = first;
	}
	s->runs[s->nruns++] = (struct darn_spool_run){
		.off = s->end, .len = o.off - s->end, .level = level};
	s->end = o.off;
	return DARN_OK;
}

/* Where the last FAN runs are of one level: the first of them, else nruns. */
static size_t full_level(const struct darn_spool *s)
{
	size_t first = s->nruns;

	while (first > 0 &&
	       s->runs[first - 1].level == s->runs[s->nruns - 1].level)
		first--;
	return s->nruns - first >= FAN ? first : s->nruns;
}

static enum darn_rc spill(struct darn_spool *s, struct darn_error *err)
{
	enum darn_rc rc = write_run(s, true, 0, 0, err);

	while (rc == DARN_OK) {
		size_t first = full_level(s);

		if (first == s->nruns)
			break;
		rc = write_run(s, false, first, s->runs[first].level + 1, err);
	}
	s->used = 0;
	s->n = 0;
	s->sorted = false;
	return rc;
}

static enum darn_rc make_room(struct darn_spool *s, size_t need,
			      struct darn_error *err)
{
	size_t want = DARN_MAX(s->size * 2, (size_t)4096);
	uint8_t *p;

	while (want - s->used < need)
		want *= 2;
	p = realloc(s->data, want);
	if (!p)
		return darn_fail(err, DARN_ENOMEM, errno,
				 "cannot allocate memory");
	s->data = p;
	s->size = want;
	return DARN_OK;
}

static enum darn_rc add(struct darn_spool *s, const void *rec, size_t len,
			struct darn_error *err)
{
	size_t need = darn_spool_room(len);
	uint64_t head = len;
	enum darn_rc rc = DARN_OK;

	if (s->n && s->used + need > s->budget)
		rc = spill(s, err);
	if (rc == DARN_OK && s->size - s->used < need)
		rc = make_room(s, need, err);
	if (rc == DARN_OK)
		rc = darn_grow((void **)&s->index, s->n, &s->cap_index,
			       sizeof(*s->index), err);
	if (rc)
		return rc;
	memset(s->data + s->used + need - DARN_SPOOL_HEAD, 0, DARN_SPOOL_HEAD);
	memcpy(s->data + s->used, &head, sizeof(head));
	memcpy(s->data + s->used + DARN_SPOOL_HEAD, rec, len);
	s->index[s->n++] = s->used;
	s->used += need;
	s->sorted = false;
	return DARN_OK;
}

enum darn_rc darn_spool_add(struct darn_spool *s, const void *rec, size_t len,
			    struct darn_error *err)
{
	enum darn_rc rc;

	pthread_mutex_lock(&s->lock);
	rc = add(s, rec, len, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}
