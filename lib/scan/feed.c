/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.c - how the bytes of a file get to a worker.
 *
 * A worker first asks for what is in the page cache, into its own buffer, and
 * checks that on the spot.  What would have to wait for a medium is handed to
 * the readers, with a buffer from a fixed ring; a chunk that has been read
 * waits in the list "ready".  Before a worker takes up a new chunk it checks
 * one that is ready, and each ready chunk has a task in the pool as well, for
 * workers that have nothing else to do; so the ring keeps turning while a
 * single worker walks through a single file.  When no buffer is free, the
 * worker reads for itself: one more read in flight.
 *
 * Where there are no readers (-j 0), the worker always reads for itself.
 */
#include "lib/scan/engine.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum darn_rc darn_slot_buffer(uint8_t **buf, struct darn_error *err)
{
	void *p;

	if (*buf)
		return DARN_OK;
	if (posix_memalign(&p, DARN_BUF_ALIGN, DARN_CHUNK))
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	*buf = p;
	return DARN_OK;
}

enum darn_rc darn_feed_init(struct darn_feed *feed, unsigned njobs,
			    struct darn_error *err)
{
	pthread_mutex_init(&feed->lock, NULL);
	feed->ready_end = &feed->ready;
	feed->jobs = darn_calloc(njobs, sizeof(*feed->jobs), err);
	if (!feed->jobs)
		return DARN_ENOMEM;
	feed->njobs = njobs;
	for (unsigned i = njobs; i-- > 0;) {
		feed->jobs[i].next = feed->idle;
		feed->idle = &feed->jobs[i];
	}
	return DARN_OK;
}

void darn_feed_release(struct darn_feed *feed)
{
	if (!feed->ready_end)
		return;
	if (feed->jobs)
		for (unsigned i = 0; i < feed->njobs; i++)
			free(feed->jobs[i].read.buf);
	free(feed->jobs);
	pthread_mutex_destroy(&feed->lock);
}

static struct darn_job *take_idle(struct darn_feed *feed)
{
	struct darn_job *job;

	pthread_mutex_lock(&feed->lock);
	job = feed->idle;
	if (job)
		feed->idle = job->next;
	pthread_mutex_unlock(&feed->lock);
	return job;
}

static void give_back(struct darn_feed *feed, struct darn_job *job)
{
	pthread_mutex_lock(&feed->lock);
	job->next = feed->idle;
	feed->idle = job;
	pthread_mutex_unlock(&feed->lock);
}

static void push_ready(struct darn_feed *feed, struct darn_job *job)
{
	pthread_mutex_lock(&feed->lock);
	job->next = NULL;
	*feed->ready_end = job;
	feed->ready_end = &job->next;
	pthread_mutex_unlock(&feed->lock);
}

static struct darn_job *pop_ready(struct darn_feed *feed)
{
	struct darn_job *job;

	pthread_mutex_lock(&feed->lock);
	job = feed->ready;
	if (job) {
		feed->ready = job->next;
		if (!feed->ready)
			feed->ready_end = &feed->ready;
	}
	pthread_mutex_unlock(&feed->lock);
	return job;
}

/* The buffer first: finishing the file may take its time. */
static void job_end(struct darn_feed *feed, struct darn_job *job)
{
	struct darn_scan_file *f = job->file;

	give_back(feed, job);
	darn_file_unref(f);
}

enum darn_rc darn_feed_read(struct darn_scan_file *f, struct darn_chunk_read *r,
			    struct darn_error *err)
{
	struct darn_bad_list bad = {r->bad, DARN_MAX_BAD, 0};
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	r->got = 0;
	r->nbad = 0;
	rc = darn_io_read_salvage(f->f.io, r->buf, r->want, r->off, &bad,
				  &r->got, &why);
	r->nbad = bad.n;
	r->failed = rc != DARN_OK;
	return rc ? darn_file_excuse(f, rc, &why, err) : DARN_OK;
}

/* Checks a chunk that is ready, if there is one. */
static enum darn_rc check_ready(struct darn_engine *e, unsigned worker,
				struct darn_error *err)
{
	struct darn_job *job = pop_ready(&e->feed);
	enum darn_rc rc = DARN_OK;

	if (!job)
		return DARN_OK;
	if (!darn_engine_canceled(e))
		rc = darn_check_chunk(job->file, &job->read, worker, err);
	job_end(&e->feed, job);
	return rc;
}

static enum darn_rc ready_run(void *engine, unsigned worker,
			      struct darn_error *err)
{
	return check_ready(engine, worker, err);
}

static void ready_drop(void *engine)
{
	struct darn_engine *e = engine;
	struct darn_job *job = pop_ready(&e->feed);

	if (job)
		job_end(&e->feed, job);
}

static void read_drop(void *arg)
{
	struct darn_job *job = arg;

	job_end(&job->file->d->e->feed, job);
}

/* In a reader. */
static enum darn_rc read_run(void *arg, unsigned worker, struct darn_error *err)
{
	struct darn_job *job = arg;
	struct darn_engine *e = job->file->d->e;
	enum darn_rc rc;

	(void)worker;
	rc = darn_feed_read(job->file, &job->read, err);
	if (rc) {
		read_drop(job);
		return rc;
	}
	push_ready(&e->feed, job);
	rc = darn_pool_submit(
		e->pool, (struct darn_task){ready_run, ready_drop, e}, err);
	if (rc)
		ready_drop(e);
	return rc;
}

/* *handed: a reader has it now. */
static enum darn_rc hand_over(struct darn_scan_file *f,
			      const struct darn_chunk_read *what, bool *handed,
			      struct darn_error *err)
{
	struct darn_engine *e = f->d->e;
	struct darn_job *job = take_idle(&e->feed);
	enum darn_rc rc;

	*handed = false;
	if (!job)
		return DARN_OK;
	rc = darn_slot_buffer(&job->read.buf, err);
	if (rc) {
		give_back(&e->feed, job);
		return rc;
	}
	job->file = f;
	job->read.off = what->off;
	job->read.want = what->want;
	darn_file_ref(f);
	rc = darn_pool_read(e->pool,
			    (struct darn_task){read_run, read_drop, job}, err);
	if (rc)
		job_end(&e->feed, job);
	*handed = rc == DARN_OK;
	return rc;
}

/* All of it is in the page cache, and in the buffer now. */
static bool cached(struct darn_scan_file *f, struct darn_chunk_read *r)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	if (f->d->e->opts->direct)
		return false;
	rc = darn_io_read(f->f.io, r->buf, r->want, r->off, DARN_READ_CACHED,
			  &r->got, &why);
	return rc == DARN_OK && r->got == r->want;
}

enum darn_rc darn_feed_chunk(void *file, uint64_t i, unsigned worker,
			     struct darn_error *err)
{
	struct darn_scan_file *f = file;
	struct darn_engine *e = f->d->e;
	struct darn_slot *slot = &e->slots[worker];
	struct darn_chunk_read r = {.off = i * DARN_CHUNK};
	bool handed = false;
	enum darn_rc rc;

	if (darn_engine_canceled(e))
		return DARN_OK;
	r.want = (size_t)DARN_MIN((uint64_t)DARN_CHUNK,
				  f->f.st.size - DARN_MIN(r.off, f->f.st.size));
	rc = darn_slot_buffer(&slot->buf, err);
	if (rc == DARN_OK && e->feed.njobs)
		rc = check_ready(e, worker, err);
	if (rc)
		return rc;
	r.buf = slot->buf;
	if (!cached(f, &r)) {
		if (e->feed.njobs)
			rc = hand_over(f, &r, &handed, err);
		if (rc || handed)
			return rc;
		rc = darn_feed_read(f, &r, err);
	}
	if (rc == DARN_OK)
		rc = darn_check_chunk(f, &r, worker, err);
	slot->buf = r.buf; /* a second look may have exchanged it */
	return rc;
}
