/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thrash_pool.c - thousands of short lives of a pool, for the thread sanitizer.
 *
 * Each round makes a pool of some shape, has several outside threads and the
 * tasks themselves hand in tasks, ranges and reader jobs, cancels or fails at
 * some point or never, and destroys it, waited for or not.  The round's number
 * decides everything.  Checked at the end of each: whatever was accepted has
 * run or been dropped, exactly once.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/pool/pool.h"

enum {
	ROUNDS = 2000,
	SUBMITTERS = 3,
	PER_SUBMITTER = 12,
	CHUNKS = 40,
};

struct round {
	struct darn_pool *p;
	unsigned seed, fail_at;
	_Atomic unsigned accepted, ended; /* tasks and reader jobs */
	_Atomic unsigned ranges, done;
	_Atomic unsigned chunks;
};

struct unit {
	struct round *r;
	unsigned depth;
};

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static void hand_in(struct round *r, unsigned how, unsigned depth);

static void end_unit(void *arg)
{
	struct unit *u = arg;

	atomic_fetch_add(&u->r->ended, 1);
	free(u);
}

static enum darn_rc run_unit(void *arg, unsigned worker, struct darn_error *err)
{
	struct unit *u = arg;
	struct round *r = u->r;
	unsigned n = atomic_load(&r->ended), depth = u->depth;

	if (worker >= darn_pool_slots(r->p))
		abort();
	if (depth > 0) {
		hand_in(r, n, depth - 1);
		hand_in(r, n + 1, depth - 1);
	}
	end_unit(u);
	if (r->fail_at && n == r->fail_at)
		return darn_fail(err, DARN_EIO, 0, "planned");
	return DARN_OK;
}

static enum darn_rc run_chunk(void *arg, uint64_t i, unsigned worker,
			      struct darn_error *err)
{
	struct round *r = arg;

	(void)err;
	if (i >= CHUNKS || worker >= darn_pool_slots(r->p))
		abort();
	atomic_fetch_add(&r->chunks, 1);
	if (i == CHUNKS / 2)
		hand_in(r, 0, 0);
	return DARN_OK;
}

static void end_range(void *arg)
{
	struct round *r = arg;

	atomic_fetch_add(&r->done, 1);
}

static void hand_in(struct round *r, unsigned how, unsigned depth)
{
	struct unit *u;
	struct darn_task t = {.run = run_unit, .drop = end_unit};
	enum darn_rc rc;

	if (how % 3 == 2) {
		struct darn_range range = {.run = run_chunk,
					   .done = end_range,
					   .arg = r,
					   .n = CHUNKS,
					   .inorder = how % 2};

		atomic_fetch_add(&r->ranges, 1);
		if (darn_pool_submit_range(r->p, range, NULL))
			abort();
		return;
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		abort();
	*u = (struct unit){r, depth};
	t.arg = u;
	atomic_fetch_add(&r->accepted, 1);
	rc = how % 3 ? darn_pool_read(r->p, t, NULL)
		     : darn_pool_submit(r->p, t, NULL);
	if (rc)
		abort();
}

static void *submitter(void *arg)
{
	struct round *r = arg;
	unsigned i;

	for (i = 0; i < PER_SUBMITTER; i++) {
		hand_in(r, i, 2);
		if (r->seed % 5 == 0 && i == r->seed % PER_SUBMITTER)
			darn_pool_cancel(r->p);
	}
	return NULL;
}

static void hand_in_from_threads(struct round *r)
{
	pthread_t threads[SUBMITTERS];
	unsigned i;

	for (i = 0; i < SUBMITTERS; i++)
		if (pthread_create(&threads[i], NULL, submitter, r))
			abort();
	for (i = 0; i < PER_SUBMITTER; i++) {
		hand_in(r, i, 1);
		darn_pool_throttle(r->p, 1 + r->seed % 7);
	}
	for (i = 0; i < SUBMITTERS; i++)
		(void)pthread_join(threads[i], NULL);
}

static int run_round(unsigned number)
{
	unsigned seed = number;
	struct round r = {.seed = next(&seed)};
	unsigned workers = next(&seed) % 6, readers = next(&seed) % 4;
	enum darn_rc rc = DARN_OK;

	r.fail_at = next(&seed) % 4 ? 0 : next(&seed) % 100;
	if (darn_pool_create(workers, readers, &r.p, NULL))
		abort();
	if (number % 16)
		hand_in_from_threads(&r);
	if (number % 3)
		rc = darn_pool_wait(r.p, NULL);
	darn_pool_destroy(r.p);
	if (r.accepted != r.ended || r.ranges != r.done)
		return 1;
	if (number % 3 && rc == DARN_OK && r.chunks != r.ranges * CHUNKS)
		return 1;
	return 0;
}

int main(void)
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++)
		if (run_round(i)) {
			(void)fprintf(stderr, "thrash_pool: round %u failed\n",
				      i);
			return EXIT_FAILURE;
		}
	return EXIT_SUCCESS;
}
