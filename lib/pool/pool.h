/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - the work-stealing pool.  Only this folder creates threads.
 *
 * Workers: each has a deque of its own.  It takes its newest task first; one
 * with nothing to do steals the oldest task of another.  A *range* task is a
 * run of numbered chunks: its worker runs them in order and, as long as others
 * are hungry, leaves the upper half of what is left on its deque for them.  So
 * one huge file keeps every worker busy and many small ones cost nothing.
 *
 * Readers: a second, independent set of threads that only wait for a medium.
 * darn_pool_read() queues a job for them, first in first out; such a job ends
 * by submitting a task with what it read.
 *
 * Cancellation: the first failure of a task, or darn_pool_cancel(), makes the
 * pool drop every task not yet started; drop() releases what such a task owns.
 * The first error is kept and returned by darn_pool_wait().
 *
 * With no workers (@workers == 0) and no readers nothing creates a thread: the
 * tasks run on the same path inside darn_pool_wait() and
 * darn_pool_throttle(), in the calling thread.
 */
#ifndef DARN_LIB_POOL_POOL_H
#define DARN_LIB_POOL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct darn_pool;

struct darn_task {
	/*
	 * @worker: 0 .. darn_pool_slots() - 1; no two calls at one time get
	 * the same one, so that it may pick a scratch buffer
	 */
	enum darn_rc (*run)(void *arg, unsigned worker, struct darn_error *err);
	/* Releases @arg of a task never run; or NULL. */
	void (*drop)(void *arg);
	void *arg; /* owned by the task from submit() on */
};

struct darn_range {
	/* Runs chunk @i.  Called once for each i in [0, n), any order. */
	enum darn_rc (*run)(void *arg, uint64_t i, unsigned worker,
			    struct darn_error *err);
	/* Called exactly once, after the last chunk has run or been dropped. */
	void (*done)(void *arg);
	void *arg;
	uint64_t n;   /* number of chunks; 0 is allowed: done() is called */
	bool inorder; /* never split: one stream, for rotational disks */
};

/*
 * Counters of one worker since the pool was made.  Every chunk of a range is
 * a task here.
 */
struct darn_pool_stats {
	uint64_t tasks, steals, failed_steals, bytes;
};

/*
 * @workers: 0 = no threads.  @readers: threads for darn_pool_read(); 0 = the
 * jobs are run as tasks.  Fails if a thread cannot be made.
 */
DARN_MUST_CHECK
enum darn_rc darn_pool_create(unsigned workers, unsigned readers,
			      struct darn_pool **out, struct darn_error *err);

/* Cancels what is left, joins every thread.  NULL and half-built are fine. */
void darn_pool_destroy(struct darn_pool *p);

/*
 * Number of different @worker values that tasks may see (at least 1).  The
 * workers come first, max(@workers, 1) of them; each reader has one too.
 */
unsigned darn_pool_slots(const struct darn_pool *p);

/*
 * Queues a task; from inside a task or reader job, or from outside.  On
 * failure (no memory) the caller keeps @t.arg.  After cancellation the task is
 * dropped at once, which is a success.
 */
DARN_MUST_CHECK
enum darn_rc darn_pool_submit(struct darn_pool *p, struct darn_task t,
			      struct darn_error *err);

DARN_MUST_CHECK
enum darn_rc darn_pool_submit_range(struct darn_pool *p, struct darn_range r,
				    struct darn_error *err);

/* Queues a job for the reader threads.  Rules as for darn_pool_submit(). */
DARN_MUST_CHECK
enum darn_rc darn_pool_read(struct darn_pool *p, struct darn_task t,
			    struct darn_error *err);

/* Adds to the byte counter of @worker.  Call it from that worker's task. */
void darn_pool_count_bytes(struct darn_pool *p, unsigned worker,
			   uint64_t bytes);

/*
 * Waits (or, without threads, works) until fewer than @max tasks, ranges and
 * reader jobs are unfinished.  Not from inside a task.  Never fails: errors
 * are kept for darn_pool_wait().
 */
void darn_pool_throttle(struct darn_pool *p, uint64_t max);

/*
 * Waits for everything submitted so far; the first error, if any.
 * DARN_ECANCELED after darn_pool_cancel().  Not from inside a task.
 */
DARN_MUST_CHECK
enum darn_rc darn_pool_wait(struct darn_pool *p, struct darn_error *err);

/*
 * Drops what has not started: the threads call drop() and done() instead of
 * run() from now on.  Safe from any thread, not from a signal handler.
 */
void darn_pool_cancel(struct darn_pool *p);
bool darn_pool_canceled(const struct darn_pool *p);

/* Counters of worker @i; for -v, after darn_pool_wait(). */
struct darn_pool_stats darn_pool_stats(const struct darn_pool *p, unsigned i);

/* Processors that this process may use (its affinity mask), at least 1. */
unsigned darn_pool_cpus(void);

#endif
