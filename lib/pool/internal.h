/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - what pool.c, worker.c and stats.c share.  Nobody else includes
 * it.
 *
 * Promises.  An item is pushed on a deque first and announced afterwards: the
 * counter @ready goes up by one under idle_lock.  Whoever wants work takes one
 * off @ready and only then looks for an item; there are always at least as many
 * items in the deques as promises taken and not yet kept, so the search ends.
 * Every announcement signals one sleeper, if any sleeps: no wake-up is lost and
 * none is withheld because the queue "was not empty".  Reader jobs have the
 * same with @jobs_ready.
 *
 * Lock order: a deque lock is never held while another lock is taken, and
 * idle_lock is taken last.  No callback is called under a lock.
 *
 * One condition variable per predicate:
 *   work_cv      @ready > 0 or @stop		workers sleep on it
 *   job_cv       @jobs_ready > 0 or @stop	readers sleep on it
 *   progress_cv  @unfinished < @wake_below, or, without workers, @ready > 0
 *		  and slot 0 is free		callers sleep on it; broadcast
 */
#ifndef DARN_LIB_POOL_INTERNAL_H
#define DARN_LIB_POOL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/pool/deque.h"

/* A range on its way through the pool, shared by its pieces. */
struct darn_range_run {
	struct darn_range r;
	_Atomic uint64_t pieces;
};

struct darn_worker {
	struct darn_pool *pool;
	unsigned slot;
	pthread_t thread;
	struct darn_deque deque; /* unused by readers */
	_Atomic uint64_t tasks, steals, failed_steals, bytes;
};

struct darn_pool {
	unsigned nworkers, nreaders;
	/*
	 * The workers come first; where there are none, slot 0 is lent to the
	 * caller of darn_pool_wait() or darn_pool_throttle().  Readers follow.
	 */
	struct darn_worker *slots;
	unsigned nown;	  /* slots with a deque in use: workers, at least 1 */
	unsigned nslots;  /* nown + nreaders */
	unsigned started; /* threads that exist, as counted from workers on */
	struct darn_deque inject; /* tasks from outside, first in first out */
	struct darn_deque jobs;	  /* for the readers, likewise */

	pthread_mutex_t idle_lock; /* covers the rest; atomics: see there */
	pthread_cond_t work_cv, job_cv, progress_cv;
	_Atomic uint64_t ready; /* written under the lock, read by hungry() */
	_Atomic uint64_t idle;	/* workers asleep; likewise */
	uint64_t jobs_ready;
	_Atomic uint64_t unfinished; /* goes up outside of the lock */
	uint64_t wake_below;	     /* largest bound that somebody waits for */
	bool lent, stop;
	_Atomic bool canceled;
	struct darn_error err; /* the first one */
};

void *darn_worker_main(void *worker);
void *darn_reader_main(void *worker);

/* The worker (or lent slot) of @p that the calling thread is, or NULL. */
struct darn_worker *darn_worker_self(const struct darn_pool *p);

/* Finds the item that @w was promised, and runs or drops it. */
void darn_worker_step(struct darn_worker *w);

/* Queues an item as described above; @it is counted as unfinished already. */
DARN_MUST_CHECK
enum darn_rc darn_pool_push(struct darn_pool *p, const struct darn_item *it,
			    struct darn_error *err);

/* One task, range or reader job less is unfinished. */
void darn_pool_finish(struct darn_pool *p);

/* Keeps the first error and cancels. */
void darn_pool_fail(struct darn_pool *p, enum darn_rc rc,
		    const struct darn_error *err);

#endif
