/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pool.c - the pool runs everything once, in parallel, and cleans up.
 *
 * Nothing here measures time: where a test claims that things overlap, they
 * wait for each other and hang if they do not, and Check ends the hang.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "tests/unit/pool_check.h"

static const unsigned job_counts[] = {0, 1, 2, 16};

static enum darn_rc meet(void *barrier, unsigned worker, struct darn_error *err)
{
	(void)worker;
	(void)err;
	pthread_barrier_wait(barrier);
	return DARN_OK;
}

/* N tasks on N workers are all asleep at the same moment, again and again. */
START_TEST(sleeping_tasks_overlap)
{
	enum {
		N = 8,
		ROUNDS = 200
	};
	struct darn_pool *p = pool_make(N, 0);
	pthread_barrier_t barrier;
	int i, round;

	pthread_barrier_init(&barrier, NULL, N);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < N; i++)
			pool_submit(p, (struct darn_task){.run = meet,
							  .arg = &barrier});
		if (round % 2)
			pool_wait_ok(p);
	}
	pool_wait_ok(p);
	darn_pool_destroy(p);
	pthread_barrier_destroy(&barrier);
}
END_TEST

struct fan {
	struct darn_pool *p;
	pthread_barrier_t *barrier;
	int n;
};

static enum darn_rc fan_out(void *arg, unsigned worker, struct darn_error *err)
{
	struct fan *fan = arg;
	struct darn_task t = {.run = meet, .arg = fan->barrier};
	int i;

	(void)worker;
	for (i = 0; i < fan->n; i++) {
		enum darn_rc rc = darn_pool_submit(fan->p, t, err);

		if (rc)
			return rc;
	}
	return DARN_OK;
}

/* What one task leaves on its own deque is stolen by all the others. */
START_TEST(tasks_from_one_task_overlap)
{
	enum {
		N = 4,
		ROUNDS = 200
	};
	struct darn_pool *p = pool_make(N, 0);
	pthread_barrier_t barrier;
	struct fan fan = {p, &barrier, N};
	int round;

	pthread_barrier_init(&barrier, NULL, N);
	for (round = 0; round < ROUNDS; round++) {
		pool_submit(p, (struct darn_task){.run = fan_out, .arg = &fan});
		pool_wait_ok(p);
	}
	darn_pool_destroy(p);
	pthread_barrier_destroy(&barrier);
}
END_TEST

START_TEST(reader_jobs_overlap)
{
	enum {
		N = 8
	};
	unsigned workers = job_counts[_i];
	struct darn_pool *p = pool_make(workers, N);
	pthread_barrier_t barrier;
	int i;

	pthread_barrier_init(&barrier, NULL, N);
	for (i = 0; i < N * 50; i++)
		ck_assert_int_eq(
			darn_pool_read(p,
				       (struct darn_task){.run = meet,
							  .arg = &barrier},
				       NULL),
			DARN_OK);
	pool_wait_ok(p);
	darn_pool_destroy(p);
	pthread_barrier_destroy(&barrier);
}
END_TEST

struct once {
	_Atomic unsigned char *runs;
	uint64_t n;
	unsigned slots;
	_Atomic uint64_t ran;
	_Atomic int done;
};

static enum darn_rc tick(void *arg, uint64_t i, unsigned worker,
			 struct darn_error *err)
{
	struct once *o = arg;

	(void)err;
	if (i >= o->n || worker >= o->slots || atomic_load(&o->done))
		abort();
	atomic_fetch_add(&o->runs[i], 1);
	atomic_fetch_add(&o->ran, 1);
	return DARN_OK;
}

static void all_ticked(void *arg)
{
	struct once *o = arg;

	if (atomic_load(&o->ran) != o->n)
		abort();
	atomic_fetch_add(&o->done, 1);
}

/* Several ranges at once: each chunk once, done() once and after all. */
START_TEST(each_chunk_runs_once)
{
	static const uint64_t sizes[] = {0, 1, 2, 3, 64, 1000, 100000};
	struct once once[DARN_ARRAY_SIZE(sizes)];
	struct darn_pool *p = pool_make(job_counts[_i / 2], 0);
	struct darn_pool_stats sum = {0};
	uint64_t total = 0;
	unsigned i, k;

	for (i = 0; i < DARN_ARRAY_SIZE(sizes); i++) {
		struct once *o = &once[i];

		*o = (struct once){.runs = calloc(sizes[i] + 1, 1),
				   .n = sizes[i],
				   .slots = darn_pool_slots(p)};
		total += sizes[i];
		ck_assert_int_eq(darn_pool_submit_range(
					 p,
					 (struct darn_range){.run = tick,
							     .done = all_ticked,
							     .arg = o,
							     .n = sizes[i],
							     .inorder = _i % 2},
					 NULL),
				 DARN_OK);
	}
	pool_wait_ok(p);
	for (i = 0; i < DARN_ARRAY_SIZE(sizes); i++) {
		ck_assert_int_eq(once[i].done, 1);
		for (k = 0; k < sizes[i]; k++)
			ck_assert_int_eq(once[i].runs[k], 1);
		free((void *)once[i].runs);
	}
	for (i = 0; i < darn_pool_slots(p); i++)
		sum.tasks += darn_pool_stats(p, i).tasks;
	ck_assert_uint_eq(sum.tasks, total);
	darn_pool_destroy(p);
}
END_TEST

struct sequence {
	uint64_t next;
	_Atomic int inside;
	int wrong;
};

static enum darn_rc in_sequence(void *arg, uint64_t i, unsigned worker,
				struct darn_error *err)
{
	struct sequence *s = arg;

	(void)worker;
	(void)err;
	if (atomic_fetch_add(&s->inside, 1) || i != s->next)
		s->wrong++;
	s->next++;
	if (i % 64 == 0)
		usleep(10); /* give thieves the time to be hungry */
	atomic_fetch_sub(&s->inside, 1);
	return DARN_OK;
}

START_TEST(inorder_keeps_the_order)
{
	struct darn_pool *p = pool_make(job_counts[_i], 0);
	struct sequence s = {0};

	ck_assert_int_eq(
		darn_pool_submit_range(p,
				       (struct darn_range){.run = in_sequence,
							   .arg = &s,
							   .n = 5000,
							   .inorder = true},
				       NULL),
		DARN_OK);
	pool_wait_ok(p);
	ck_assert_uint_eq(s.next, 5000);
	ck_assert_int_eq(s.wrong, 0);
	darn_pool_destroy(p);
}
END_TEST

struct seen {
	_Atomic unsigned workers; /* a bit each */
	_Atomic uint64_t ran;
};

static enum darn_rc be_seen(void *arg, uint64_t i, unsigned worker,
			    struct darn_error *err)
{
	struct seen *seen = arg;

	(void)i;
	(void)err;
	atomic_fetch_or(&seen->workers, 1u << worker);
	atomic_fetch_add(&seen->ran, 1);
	if (__builtin_popcount(atomic_load(&seen->workers)) < 4)
		usleep(1000); /* until everybody has come to help */
	return DARN_OK;
}

/* One huge range reaches all the workers long before its end. */
START_TEST(huge_range_is_shared)
{
	enum {
		N = 10000
	};
	struct darn_pool *p = pool_make(4, 0);
	struct seen seen = {0};
	uint64_t steals = 0;
	unsigned i;

	ck_assert_int_eq(darn_pool_submit_range(
				 p,
				 (struct darn_range){
					 .run = be_seen, .arg = &seen, .n = N},
				 NULL),
			 DARN_OK);
	pool_wait_ok(p);
	ck_assert_uint_eq(seen.workers, 0xf);
	ck_assert_uint_eq(seen.ran, N);
	for (i = 0; i < 4; i++)
		steals += darn_pool_stats(p, i).steals;
	ck_assert_uint_ge(steals, 3);
	darn_pool_destroy(p);
}
END_TEST

struct counts {
	struct darn_pool *p;
	pthread_mutex_t gate;
	_Atomic uint64_t ran, dropped, done;
	_Atomic int inside, most;
};

static enum darn_rc count_run(void *arg, unsigned worker,
			      struct darn_error *err)
{
	struct counts *c = arg;

	(void)worker;
	(void)err;
	atomic_fetch_add(&c->ran, 1);
	return DARN_OK;
}

static void count_drop(void *arg)
{
	struct counts *c = arg;

	atomic_fetch_add(&c->dropped, 1);
}

static enum darn_rc count_chunk(void *arg, uint64_t i, unsigned worker,
				struct darn_error *err)
{
	(void)i;
	return count_run(arg, worker, err);
}

static void count_done(void *arg)
{
	struct counts *c = arg;

	atomic_fetch_add(&c->done, 1);
}

/* Holds its thread until the test opens the gate. */
static enum darn_rc pass_gate(void *arg, unsigned worker,
			      struct darn_error *err)
{
	struct counts *c = arg;

	pthread_mutex_lock(&c->gate);
	pthread_mutex_unlock(&c->gate);
	return count_run(arg, worker, err);
}

static void fill(struct counts *c, unsigned n)
{
	struct darn_task t = {.run = count_run, .drop = count_drop, .arg = c};
	struct darn_range r = {
		.run = count_chunk, .done = count_done, .arg = c, .n = 10};

	while (n-- > 0) {
		pool_submit(c->p, t);
		ck_assert_int_eq(darn_pool_read(c->p, t, NULL), DARN_OK);
		ck_assert_int_eq(darn_pool_submit_range(c->p, r, NULL),
				 DARN_OK);
	}
}

/* Every thread is held, so that all that follows is dropped by the cancel. */
START_TEST(cancel_drops_everything)
{
	unsigned workers = job_counts[_i / 2], readers = _i % 2 ? 2 : 0;
	struct counts c = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct darn_task hold = {.run = pass_gate, .arg = &c};
	struct darn_error err = DARN_ERROR_INIT;
	uint64_t ran;
	unsigned i;

	c.p = pool_make(workers, readers);
	pthread_mutex_lock(&c.gate);
	for (i = 0; i < workers; i++)
		pool_submit(c.p, hold);
	for (i = 0; i < readers; i++)
		ck_assert_int_eq(darn_pool_read(c.p, hold, NULL), DARN_OK);
	fill(&c, 100);
	ck_assert(!darn_pool_canceled(c.p));
	darn_pool_cancel(c.p);
	ck_assert(darn_pool_canceled(c.p));
	fill(&c, 10);
	pthread_mutex_unlock(&c.gate);
	ck_assert_int_eq(darn_pool_wait(c.p, &err), DARN_ECANCELED);
	ck_assert_int_eq(err.rc, DARN_ECANCELED);
	ran = c.ran; /* holders that had not been taken yet are dropped too */
	ck_assert_uint_le(ran, workers + readers);
	ck_assert_uint_eq(c.dropped, 220);
	ck_assert_uint_eq(c.done, 110);
	darn_pool_destroy(c.p);
}
END_TEST

/* Destroying a busy pool drops what has not started, and loses nothing. */
START_TEST(destroy_drops_everything)
{
	struct counts c = {.gate = PTHREAD_MUTEX_INITIALIZER};

	c.p = pool_make(job_counts[_i / 2], _i % 2 ? 2 : 0);
	fill(&c, 50);
	darn_pool_destroy(c.p);
	ck_assert_uint_eq(c.done, 50);
	ck_assert_uint_ge(c.ran + c.dropped, 100);
	ck_assert_uint_le(c.ran, 600);
}
END_TEST

static enum darn_rc fail_task(void *arg, unsigned worker,
			      struct darn_error *err)
{
	(void)worker;
	return darn_fail(err, DARN_EIO, 0, "%s", (const char *)arg);
}

static enum darn_rc fail_silently(void *arg, unsigned worker,
				  struct darn_error *err)
{
	(void)arg;
	(void)worker;
	(void)err;
	return DARN_EINVAL;
}

START_TEST(first_error_wins)
{
	struct counts c = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_task after = {
		.run = count_run, .drop = count_drop, .arg = &c};
	char first[] = "the first", second[] = "the second";

	c.p = pool_make(job_counts[_i], 0);
	pool_submit(c.p, (struct darn_task){.run = fail_task, .arg = first});
	darn_ignore(darn_pool_wait(c.p, NULL));
	pool_submit(c.p, (struct darn_task){.run = fail_task, .arg = second});
	pool_submit(c.p, after);
	darn_pool_cancel(c.p);
	ck_assert_int_eq(darn_pool_wait(c.p, &err), DARN_EIO);
	ck_assert_str_eq(err.msg, "the first");
	ck_assert_uint_eq(c.ran, 0);
	ck_assert_uint_eq(c.dropped, 1);
	darn_pool_destroy(c.p);

	darn_error_clear(&err);
	c.p = pool_make(job_counts[_i], 0);
	pool_submit(c.p, (struct darn_task){.run = fail_silently});
	ck_assert_int_eq(darn_pool_wait(c.p, &err), DARN_EINVAL);
	ck_assert_str_ne(err.msg, "");
	darn_pool_destroy(c.p);
}
END_TEST

static enum darn_rc fail_at_500(void *arg, uint64_t i, unsigned worker,
				struct darn_error *err)
{
	enum darn_rc rc = count_run(arg, worker, err);

	return i == 500 ? darn_fail(err, DARN_EIO, 0, "chunk 500") : rc;
}

START_TEST(failing_chunk_ends_its_range)
{
	struct counts c = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct darn_error err = DARN_ERROR_INIT;

	c.p = pool_make(job_counts[_i], 0);
	ck_assert_int_eq(
		darn_pool_submit_range(c.p,
				       (struct darn_range){.run = fail_at_500,
							   .done = count_done,
							   .arg = &c,
							   .n = UINT64_MAX},
				       NULL),
		DARN_OK);
	ck_assert_int_eq(darn_pool_wait(c.p, &err), DARN_EIO);
	ck_assert_str_eq(err.msg, "chunk 500");
	ck_assert_uint_eq(c.done, 1);
	darn_pool_destroy(c.p);
}
END_TEST

static enum darn_rc leave(void *arg, unsigned worker, struct darn_error *err)
{
	struct counts *c = arg;

	atomic_fetch_sub(&c->inside, 1);
	return count_run(arg, worker, err);
}

/* throttle(max) returns with fewer than max things unfinished. */
START_TEST(throttle_keeps_its_bound)
{
	struct counts c = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct darn_task t = {.run = leave, .arg = &c};
	int i;

	c.p = pool_make(job_counts[_i / 2], _i % 2 ? 3 : 0);
	for (i = 0; i < 3000; i++) {
		int inside = atomic_fetch_add(&c.inside, 1) + 1;

		if (i % 3)
			pool_submit(c.p, t);
		else
			ck_assert_int_eq(darn_pool_read(c.p, t, NULL), DARN_OK);
		if (inside > c.most)
			c.most = inside;
		darn_pool_throttle(c.p, 5);
	}
	ck_assert_int_le(c.most, 5);
	darn_pool_throttle(c.p, 0); /* is one: all is finished */
	ck_assert_uint_eq(c.ran, 3000);
	pool_wait_ok(c.p);
	darn_pool_destroy(c.p);
}
END_TEST

struct node {
	struct counts *c;
	int depth;
};

/* Reads, then submits; submits, then reads: a tree of 2^13 - 1 nodes. */
static enum darn_rc grow_tree(void *arg, unsigned worker,
			      struct darn_error *err)
{
	struct node *n = arg;
	enum darn_rc rc = count_run(n->c, worker, err);
	int k;

	for (k = 0; rc == DARN_OK && n->depth > 0 && k < 2; k++) {
		struct darn_task t = {.run = grow_tree,
				      .drop = free,
				      .arg = malloc(sizeof(*n))};

		*(struct node *)t.arg = (struct node){n->c, n->depth - 1};
		rc = k ? darn_pool_submit(n->c->p, t, err)
		       : darn_pool_read(n->c->p, t, err);
	}
	free(n);
	return rc;
}

START_TEST(tasks_may_submit)
{
	struct counts c = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct node *root = malloc(sizeof(*root));

	c.p = pool_make(job_counts[_i / 2], _i % 2 ? 3 : 0);
	*root = (struct node){&c, 12};
	pool_submit(c.p, (struct darn_task){.run = grow_tree, .arg = root});
	pool_wait_ok(c.p);
	ck_assert_uint_eq(c.ran, (1 << 13) - 1);
	darn_pool_destroy(c.p);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("pool");
	int n = DARN_ARRAY_SIZE(job_counts);

	tcase_set_timeout(t, 60);
	tcase_add_test(t, sleeping_tasks_overlap);
	tcase_add_test(t, tasks_from_one_task_overlap);
	tcase_add_loop_test(t, reader_jobs_overlap, 0, n);
	tcase_add_loop_test(t, each_chunk_runs_once, 0, 2 * n);
	tcase_add_loop_test(t, inorder_keeps_the_order, 0, n);
	tcase_add_test(t, huge_range_is_shared);
	tcase_add_loop_test(t, cancel_drops_everything, 0, 2 * n);
	tcase_add_loop_test(t, destroy_drops_everything, 0, 2 * n);
	tcase_add_loop_test(t, first_error_wins, 0, n);
	tcase_add_loop_test(t, failing_chunk_ends_its_range, 0, n);
	tcase_add_loop_test(t, throttle_keeps_its_bound, 0, 2 * n);
	tcase_add_loop_test(t, tasks_may_submit, 0, 2 * n);
	suite_add_tcase(s, t);
	return s;
}
