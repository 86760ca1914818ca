/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.c - making and ending a pool, handing work in, waiting for its end.
 *
 * internal.h describes promises, locks and condition variables; worker.c is
 * what the threads do.
 */
#include "lib/pool/internal.h"

#include <signal.h>
#include <stdlib.h>

#include "lib/base/mem.h"

static void init_slots(struct darn_pool *p)
{
	unsigned i;

	for (i = 0; i < p->nslots; i++) {
		p->slots[i].pool = p;
		p->slots[i].slot = i;
		darn_deque_init(&p->slots[i].deque);
	}
	darn_deque_init(&p->inject);
	darn_deque_init(&p->jobs);
	p->idle_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	p->work_cv = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	p->job_cv = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	p->progress_cv = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

/* The slot of the @i-th thread: without workers, slot 0 has none. */
static struct darn_worker *thread_slot(struct darn_pool *p, unsigned i)
{
	return &p->slots[p->nworkers ? i : i + 1];
}

/* Signals are for the thread that made the pool, so ours block them all. */
static enum darn_rc start_threads(struct darn_pool *p, struct darn_error *err)
{
	unsigned n = p->nworkers + p->nreaders;
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	for (; rc == 0 && p->started < n; p->started += rc == 0) {
		struct darn_worker *w = thread_slot(p, p->started);

		rc = pthread_create(&w->thread, NULL,
				    p->started < p->nworkers ? darn_worker_main
							     : darn_reader_main,
				    w);
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return darn_fail(err, DARN_ENOMEM, rc,
				 "cannot start thread %u of %u", p->started + 1,
				 n);
	return DARN_OK;
}

enum darn_rc darn_pool_create(unsigned workers, unsigned readers,
			      struct darn_pool **out, struct darn_error *err)
{
	struct darn_pool *p = darn_calloc(1, sizeof(*p), err);
	enum darn_rc rc;

	if (!p)
		return DARN_ENOMEM;
	p->nworkers = workers;
	p->nreaders = readers;
	p->nown = DARN_MAX(workers, 1u);
	p->nslots = p->nown + readers;
	p->slots = darn_calloc(p->nslots, sizeof(*p->slots), err);
	if (!p->slots) {
		free(p);
		return DARN_ENOMEM;
	}
	init_slots(p);
	rc = start_threads(p, err);
	if (rc) {
		darn_pool_destroy(p);
		return rc;
	}
	*out = p;
	return DARN_OK;
}

/*
 * Waits until fewer than @max things are unfinished.  Without workers the
 * caller borrows slot 0, one caller at a time, and runs what is ready.
 */
static void wait_below(struct darn_pool *p, uint64_t max)
{
	pthread_mutex_lock(&p->idle_lock);
	while (p->unfinished >= max) {
		if (p->nworkers || !p->ready || p->lent) {
			p->wake_below = DARN_MAX(p->wake_below, max);
			pthread_cond_wait(&p->progress_cv, &p->idle_lock);
			continue;
		}
		p->ready--;
		p->lent = true;
		pthread_mutex_unlock(&p->idle_lock);
		darn_worker_step(&p->slots[0]);
		pthread_mutex_lock(&p->idle_lock);
		p->lent = false;
		pthread_cond_broadcast(&p->progress_cv);
	}
	pthread_mutex_unlock(&p->idle_lock);
}

void darn_pool_destroy(struct darn_pool *p)
{
	unsigned i;

	if (!p)
		return;
	darn_pool_cancel(p);
	wait_below(p, 1);
	pthread_mutex_lock(&p->idle_lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work_cv);
	pthread_cond_broadcast(&p->job_cv);
	pthread_mutex_unlock(&p->idle_lock);
	for (i = 0; i < p->started; i++)
		(void)pthread_join(thread_slot(p, i)->thread, NULL);
	for (i = 0; i < p->nslots; i++)
		darn_deque_release(&p->slots[i].deque);
	darn_deque_release(&p->inject);
	darn_deque_release(&p->jobs);
	free(p->slots);
	free(p);
}

unsigned darn_pool_slots(const struct darn_pool *p)
{
	return p->nslots;
}

void darn_pool_finish(struct darn_pool *p)
{
	pthread_mutex_lock(&p->idle_lock);
	if (--p->unfinished < p->wake_below) {
		p->wake_below = 0; /* whoever still waits asks again */
		pthread_cond_broadcast(&p->progress_cv);
	}
	pthread_mutex_unlock(&p->idle_lock);
}

enum darn_rc darn_pool_push(struct darn_pool *p, const struct darn_item *it,
			    struct darn_error *err)
{
	struct darn_worker *w = darn_worker_self(p);
	enum darn_rc rc = darn_deque_push(w ? &w->deque : &p->inject, it, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&p->idle_lock);
	p->ready++;
	if (p->idle)
		pthread_cond_signal(&p->work_cv);
	if (p->nworkers == 0)
		pthread_cond_broadcast(&p->progress_cv);
	pthread_mutex_unlock(&p->idle_lock);
	return DARN_OK;
}

enum darn_rc darn_pool_submit(struct darn_pool *p, struct darn_task t,
			      struct darn_error *err)
{
	struct darn_item it = {.task = t};
	enum darn_rc rc;

	if (darn_pool_canceled(p)) {
		if (t.drop)
			t.drop(t.arg);
		return DARN_OK;
	}
	atomic_fetch_add(&p->unfinished, 1);
	rc = darn_pool_push(p, &it, err);
	if (rc)
		darn_pool_finish(p);
	return rc;
}

enum darn_rc darn_pool_submit_range(struct darn_pool *p, struct darn_range r,
				    struct darn_error *err)
{
	struct darn_range_run *run;
	struct darn_item it = {.hi = r.n};
	enum darn_rc rc;

	if (darn_pool_canceled(p)) {
		if (r.done)
			r.done(r.arg);
		return DARN_OK;
	}
	run = darn_calloc(1, sizeof(*run), err);
	if (!run)
		return DARN_ENOMEM;
	run->r = r;
	atomic_init(&run->pieces, 1);
	it.range = run;
	atomic_fetch_add(&p->unfinished, 1);
	rc = darn_pool_push(p, &it, err);
	if (rc) {
		free(run);
		darn_pool_finish(p);
	}
	return rc;
}

enum darn_rc darn_pool_read(struct darn_pool *p, struct darn_task t,
			    struct darn_error *err)
{
	struct darn_item it = {.task = t};
	enum darn_rc rc;

	if (p->nreaders == 0 || darn_pool_canceled(p))
		return darn_pool_submit(p, t, err);
	atomic_fetch_add(&p->unfinished, 1);
	rc = darn_deque_push(&p->jobs, &it, err);
	if (rc) {
		darn_pool_finish(p);
		return rc;
	}
	pthread_mutex_lock(&p->idle_lock);
	p->jobs_ready++;
	pthread_cond_signal(&p->job_cv);
	pthread_mutex_unlock(&p->idle_lock);
	return DARN_OK;
}

void darn_pool_throttle(struct darn_pool *p, uint64_t max)
{
	wait_below(p, DARN_MAX(max, 1u));
}

enum darn_rc darn_pool_wait(struct darn_pool *p, struct darn_error *err)
{
	enum darn_rc rc;

	wait_below(p, 1);
	pthread_mutex_lock(&p->idle_lock);
	rc = p->err.rc;
	if (rc && err && err->rc == DARN_OK)
		*err = p->err;
	pthread_mutex_unlock(&p->idle_lock);
	return rc;
}

void darn_pool_fail(struct darn_pool *p, enum darn_rc rc,
		    const struct darn_error *err)
{
	pthread_mutex_lock(&p->idle_lock);
	if (p->err.rc == DARN_OK && err->rc)
		p->err = *err;
	darn_fail(&p->err, rc, 0, "a task failed");
	pthread_mutex_unlock(&p->idle_lock);
	atomic_store(&p->canceled, true);
}

void darn_pool_cancel(struct darn_pool *p)
{
	struct darn_error err = DARN_ERROR_INIT;

	darn_fail(&err, DARN_ECANCELED, 0, "stopped on request");
	darn_pool_fail(p, DARN_ECANCELED, &err);
}

bool darn_pool_canceled(const struct darn_pool *p)
{
	return atomic_load_explicit(&p->canceled, memory_order_relaxed);
}
