/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - what the threads of a pool do.
 *
 * A worker looks in its own deque (newest first), then among the tasks that
 * came from outside (oldest first), then steals the oldest of another worker.
 * internal.h describes promises, locks and condition variables.
 */
#include "lib/pool/internal.h"

#include <sched.h>
#include <stdlib.h>

/* Which slot of which pool this thread runs a task for, if any. */
static _Thread_local struct darn_worker *self;

struct darn_worker *darn_worker_self(const struct darn_pool *p)
{
	return self && self->pool == p ? self : NULL;
}

static void bump(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool find(struct darn_worker *w, struct darn_item *it)
{
	struct darn_pool *p = w->pool;
	unsigned i;

	if (darn_deque_pop_new(&w->deque, it) ||
	    darn_deque_pop_old(&p->inject, it))
		return true;
	for (i = 1; i < p->nown; i++) {
		struct darn_worker *victim = &p->slots[(w->slot + i) % p->nown];

		if (darn_deque_pop_old(&victim->deque, it)) {
			bump(&w->steals);
			return true;
		}
	}
	bump(&w->failed_steals);
	return false;
}

static void run_task(struct darn_worker *w, const struct darn_task *t)
{
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc;

	if (darn_pool_canceled(w->pool)) {
		if (t->drop)
			t->drop(t->arg);
	} else {
		bump(&w->tasks);
		rc = t->run(t->arg, w->slot, &err);
		if (rc)
			darn_pool_fail(w->pool, rc, &err);
	}
	darn_pool_finish(w->pool);
}

/* More workers sleep than there are items on offer. */
static bool hungry(const struct darn_pool *p)
{
	return atomic_load_explicit(&p->idle, memory_order_relaxed) >
	       atomic_load_explicit(&p->ready, memory_order_relaxed);
}

/* Puts the upper half of what is left of a piece up for stealing. */
static void share(struct darn_worker *w, struct darn_item *it)
{
	struct darn_item upper = *it;

	upper.lo = it->lo + (it->hi - it->lo) / 2;
	atomic_fetch_add(&it->range->pieces, 1);
	if (darn_pool_push(w->pool, &upper, NULL) == DARN_OK)
		it->hi = upper.lo;
	else /* no memory: nothing is lost but help */
		atomic_fetch_sub(&it->range->pieces, 1);
}

/* Lets go of one piece of a range; the last one calls done(). */
static void release(struct darn_pool *p, struct darn_range_run *run)
{
	if (atomic_fetch_sub(&run->pieces, 1) > 1)
		return;
	if (run->r.done)
		run->r.done(run->r.arg);
	free(run);
	darn_pool_finish(p);
}

static void run_piece(struct darn_worker *w, struct darn_item *it)
{
	const struct darn_range *r = &it->range->r;
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc;

	for (; it->lo < it->hi && !darn_pool_canceled(w->pool); it->lo++) {
		while (!r->inorder && it->hi - it->lo > 1 && hungry(w->pool)) {
			uint64_t hi = it->hi;

			share(w, it);
			if (it->hi == hi)
				break;
		}
		bump(&w->tasks);
		rc = r->run(r->arg, it->lo, w->slot, &err);
		if (rc) {
			darn_pool_fail(w->pool, rc, &err);
			break;
		}
	}
	release(w->pool, it->range);
}

void darn_worker_step(struct darn_worker *w)
{
	struct darn_worker *outer = self;
	struct darn_item it;

	while (!find(w, &it))
		(void)sched_yield();
	self = w;
	if (it.range)
		run_piece(w, &it);
	else
		run_task(w, &it.task);
	self = outer;
}

/* Sleeps until there is an item to promise; false at the end. */
static bool claim_item(struct darn_pool *p)
{
	bool got;

	pthread_mutex_lock(&p->idle_lock);
	p->idle++;
	while (!p->ready && !p->stop)
		pthread_cond_wait(&p->work_cv, &p->idle_lock);
	p->idle--;
	got = p->ready > 0;
	if (got)
		p->ready--;
	pthread_mutex_unlock(&p->idle_lock);
	return got;
}

void *darn_worker_main(void *worker)
{
	struct darn_worker *w = worker;

	while (claim_item(w->pool))
		darn_worker_step(w);
	return NULL;
}

static bool claim_job(struct darn_pool *p)
{
	bool got;

	pthread_mutex_lock(&p->idle_lock);
	while (!p->jobs_ready && !p->stop)
		pthread_cond_wait(&p->job_cv, &p->idle_lock);
	got = p->jobs_ready > 0;
	if (got)
		p->jobs_ready--;
	pthread_mutex_unlock(&p->idle_lock);
	return got;
}

/* A reader is no worker: what it submits comes "from outside". */
void *darn_reader_main(void *worker)
{
	struct darn_worker *w = worker;
	struct darn_item it;

	while (claim_job(w->pool))
		if (darn_deque_pop_old(&w->pool->jobs, &it))
			run_task(w, &it.task);
	return NULL;
}
