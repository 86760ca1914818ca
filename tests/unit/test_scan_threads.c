/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_threads.c - the same report whatever the threads; stopping.
 */
#include "tests/unit/fake_scan.h"

#include <pthread.h>

static const unsigned job_counts[] = {0, 1, 2, 16};

/* A tree with a bit of everything. */
static void make_zoo(void)
{
	char path[64];

	ck_assert_int_eq(mkdir("zoo", 0755), 0);
	fake_make("zoo/db", "must");
	fake_make("zoo/db2", "");
	ck_assert_int_eq(mkdir("zoo/db.d", 0755), 0);
	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path), "zoo/db/%u.%s", i,
			       i % 3 ? "blk" : "str");
		fake_blocks(path, i * 300, i % 4 ? '.' : 'n');
		for (unsigned k = 0; i > 5 && k < i; k += 2)
			fake_flip(path, k * 4096 + i);
	}
	fake_blocks("zoo/db.d/stray", 5000, 's');
	fake_blocks("zoo/db2/large.blk", 20000, '.');
	fake_flip("zoo/db2/large.blk", 5 << 20);
}

START_TEST(same_whatever_the_threads)
{
	static const unsigned depths[] = {1, 3, 32};
	struct darn_scan_options o = fake_options();
	struct fake_result first;

	make_zoo();
	o.jobs = 0;
	first = fake_scan("zoo", &o);
	ck_assert_uint_gt(first.sum.findings, 5000);
	for (size_t i = 0; i < DARN_ARRAY_SIZE(job_counts); i++) {
		for (size_t k = 0; k < DARN_ARRAY_SIZE(depths); k++) {
			struct fake_result r;

			o.jobs = job_counts[i];
			o.io_depth = depths[k];
			o.direct = k == 1; /* past the cache: the readers */
			r = fake_scan("zoo", &o);
			ck_assert_msg(strcmp(r.text, first.text) == 0,
				      "-j %u --io-depth %u differs", o.jobs,
				      o.io_depth);
			free(r.text);
		}
	}
	free(first.text);
}
END_TEST

static enum darn_rc stop_soon(const struct darn_record *r, void *n,
			      struct darn_error *err)
{
	(void)r;
	if (++*(int *)n == 3)
		return darn_fail(err, DARN_EIO, 0, "enough");
	return DARN_OK;
}

START_TEST(each_again_and_stopped)
{
	struct darn_scan_options o = fake_options();
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_report *report;
	const char *root = "zoo";
	int n = 0;

	make_zoo();
	ck_assert_int_eq(darn_scan(&root, 1, &o, &report, &err), DARN_OK);
	ck_assert_int_eq(darn_report_each(report, stop_soon, &n, &err),
			 DARN_EIO);
	ck_assert_int_eq(n, 3);
	darn_report_destroy(report);
}
END_TEST

START_TEST(canceled_before)
{
	struct darn_progress progress = {0};
	struct darn_scan_options o = fake_options();
	struct fake_result r;

	make_zoo();
	o.progress = &progress;
	atomic_store(&progress.cancel, true);
	r = fake_scan("zoo", &o);
	ck_assert_uint_eq(r.sum.exit & DARN_EXIT_INTERRUPTED,
			  DARN_EXIT_INTERRUPTED);
	ck_assert(r.sum.interrupted);
	free(r.text);
}
END_TEST

static void *cancel_when_some(void *arg)
{
	struct darn_progress *p = arg;

	while (atomic_load(&p->bytes_done) < 3 << 20)
		continue;
	atomic_store(&p->cancel, true);
	return NULL;
}

/* In the middle: whatever was not checked is skipped, and it adds up. */
START_TEST(canceled_meanwhile)
{
	struct darn_progress progress = {0};
	struct darn_scan_options o = fake_options();
	struct fake_result r;
	pthread_t thread;

	fake_make("db", "");
	fake_blocks("db/a.blk", 200000, '.');
	fake_blocks("db/a.str", 20000, '.');
	o.progress = &progress;
	ck_assert_int_eq(
		pthread_create(&thread, NULL, cancel_when_some, &progress), 0);
	r = fake_scan("db", &o);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(r.sum.interrupted);
	ck_assert_uint_gt(r.sum.bytes.skipped, 0);
	ck_assert_uint_ge(r.sum.bytes.verified, 3 << 20);
	ck_assert_uint_eq(r.sum.exit, DARN_EXIT_INTERRUPTED);
	free(r.text);
}
END_TEST

START_TEST(progress_counts)
{
	struct darn_progress progress = {0};
	struct darn_scan_options o = fake_options();
	struct fake_result r;

	fake_make("db", "");
	fake_blocks("db/a.blk", 3000, '.');
	fake_blocks("db/b.str", 3000, '.');
	fake_flip("db/a.blk", 77);
	o.progress = &progress;
	r = fake_scan("db", &o);
	ck_assert_uint_eq(atomic_load(&progress.files_seen), 3);
	ck_assert_uint_eq(atomic_load(&progress.files_done), 3);
	ck_assert_uint_eq(atomic_load(&progress.bytes_seen), 2 * 3000 * 512);
	ck_assert_uint_eq(atomic_load(&progress.bytes_done), 2 * 3000 * 512);
	ck_assert_uint_eq(atomic_load(&progress.findings), 1);
	free(r.text);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("scan_threads");
	TCase *t = tcase_create("scan_threads");

	tcase_add_checked_fixture(t, fake_setup, fake_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, same_whatever_the_threads);
	tcase_add_test(t, each_again_and_stopped);
	tcase_add_test(t, canceled_before);
	tcase_add_test(t, canceled_meanwhile);
	tcase_add_test(t, progress_counts);
	suite_add_tcase(s, t);
	return s;
}
