/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pool_threads.c - a pool has the threads that it was asked for, and none
 * is left when it is gone or could not be made.
 */
#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "tests/unit/pool_check.h"

/* How many threads may still be made; -1: any number. */
static int creations_left = -1;

/* Stands before the C library's, to make it fail at a chosen thread. */
int pthread_create(pthread_t *restrict thread,
		   const pthread_attr_t *restrict attr, void *(*start)(void *),
		   void *restrict arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *);

	if (creations_left == 0)
		return EAGAIN;
	if (creations_left > 0)
		creations_left--;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, start, arg);
}

static unsigned count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;
	struct dirent *e;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* A joined thread may be listed for a moment yet. */
static void ck_assert_threads(unsigned want)
{
	int i;

	for (i = 0; i < 1000 && count_threads() != want; i++)
		usleep(1000);
	ck_assert_uint_eq(count_threads(), want);
}

/* Threads that are there when no pool is: a sanitizer may add its own. */
static unsigned count_others(void)
{
	unsigned n = count_threads();

	darn_pool_destroy(pool_make(1, 0));
	usleep(10000);
	return DARN_MAX(n, count_threads());
}

struct where {
	pthread_t thread;
	int runs;
};

static enum darn_rc note_thread(void *arg, unsigned worker,
				struct darn_error *err)
{
	struct where *w = arg;

	(void)err;
	w->thread = pthread_self();
	w->runs += worker == 0;
	return DARN_OK;
}

START_TEST(no_workers_no_threads)
{
	unsigned before = count_others();
	struct where where = {0};
	struct darn_pool *p;

	p = pool_make(0, 0);
	ck_assert_threads(before);
	ck_assert_uint_eq(darn_pool_slots(p), 1);
	pool_submit(p, (struct darn_task){.run = note_thread, .arg = &where});
	ck_assert_int_eq(where.runs, 0); /* nothing runs inside submit */
	pool_wait_ok(p);
	ck_assert_int_eq(where.runs, 1);
	ck_assert(pthread_equal(where.thread, pthread_self()));
	ck_assert_threads(before);
	darn_pool_destroy(p);
	p = pool_make(3, 2);
	ck_assert_threads(before + 5);
	ck_assert_uint_eq(darn_pool_slots(p), 5);
	darn_pool_destroy(p);
}
END_TEST

/* Whichever thread cannot be made: an error, no thread left, no leak. */
START_TEST(creation_fails_half_way)
{
	unsigned before = count_others(), workers = _i % 2 ? 4 : 0;
	struct darn_pool *p = NULL;
	int n;

	for (n = 0; n < (int)workers + 3; n++) {
		struct darn_error err = DARN_ERROR_INIT;

		creations_left = n;
		ck_assert_int_eq(darn_pool_create(workers, 3, &p, &err),
				 DARN_ENOMEM);
		ck_assert_ptr_null(p);
		ck_assert_int_eq(err.sys_errno, EAGAIN);
		ck_assert_threads(before);
	}
	creations_left = -1;
}
END_TEST

START_TEST(bytes_are_counted)
{
	struct darn_pool *p = pool_make(2, 0);

	darn_pool_count_bytes(p, 1, UINT32_MAX);
	darn_pool_count_bytes(p, 1, 1);
	ck_assert_uint_eq(darn_pool_stats(p, 0).bytes, 0);
	ck_assert_uint_eq(darn_pool_stats(p, 1).bytes, UINT64_C(1) << 32);
	darn_pool_destroy(p);
	darn_pool_destroy(NULL);
	ck_assert_uint_ge(darn_pool_cpus(), 1);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("pool threads");
	TCase *t = tcase_create("pool threads");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, no_workers_no_threads);
	tcase_add_loop_test(t, creation_fails_half_way, 0, 2);
	tcase_add_test(t, bytes_are_counted);
	suite_add_tcase(s, t);
	return s;
}
