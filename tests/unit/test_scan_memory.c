/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_memory.c - memory does not grow with the data or the findings.
 *
 * The limit is the promise of the architecture: 64 MiB, and 2 MiB for each
 * worker and each read in flight.  The sanitizers keep memory of their own, so
 * with them only the results are looked at.
 */
#include "tests/unit/fake_scan.h"

#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum {
	JOBS = 4,
	DEPTH = 8
};

static uint64_t peak_kib(void)
{
	struct rusage ru;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &ru), 0);
	return (uint64_t)ru.ru_maxrss;
}

static void check_peak(void)
{
	uint64_t limit = (64 + 2 * (JOBS + DEPTH)) * 1024;

	ck_assert_msg(SANITIZED || peak_kib() < limit,
		      "%" PRIu64 " KiB of %" PRIu64, peak_kib(), limit);
}

START_TEST(large_sparse_file)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;
	uint64_t size = SANITIZED ? (uint64_t)256 << 20 : (uint64_t)2 << 30;

	o.jobs = JOBS;
	o.io_depth = DEPTH;
	fake_make("db", "");
	fake_blocks("db/a.blk", 1000, '.');
	ck_assert_int_eq(truncate("db/a.blk", (off_t)size), 0);
	r = fake_scan("db", &o);
	ck_assert_uint_eq(r.sum.bytes.verified, 512000);
	ck_assert_uint_eq(r.sum.bytes.unverified, size - 512000);
	ck_assert_ptr_nonnull(strstr(r.text, "zero blocks have no sum"));
	free(r.text);
	check_peak();
}
END_TEST

static enum darn_rc count_findings(const struct darn_record *r, void *n,
				   struct darn_error *err)
{
	(void)err;
	if (r->kind == DARN_REC_FINDING)
		(*(uint64_t *)n)++;
	return DARN_OK;
}

/* Every block of it is bad: 300000 findings, and as many notes. */
START_TEST(many_findings)
{
	struct darn_scan_options o = fake_options();
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_report *report;
	struct darn_summary sum;
	const char *root = "db";
	uint64_t n = 0;

	o.jobs = JOBS;
	o.io_depth = DEPTH;
	o.spill_dir = fake_dir;
	fake_make("db", "");
	fake_blocks("db/a.blk", 300000, 's');
	fake_blocks("db/n.blk", 300000, 'n');
	ck_assert_int_eq(darn_scan(&root, 1, &o, &report, &err), DARN_OK);
	ck_assert_int_eq(darn_report_each(report, count_findings, &n, &err),
			 DARN_OK);
	sum = darn_report_summary(report);
	ck_assert_uint_eq(n, 300002); /* and what join() says */
	ck_assert_uint_eq(sum.suspicious, 300000);
	ck_assert_uint_eq(sum.damaged, 1);
	ck_assert_uint_eq(sum.bytes.verified, 2 * 300000 * 512 - 512);
	darn_report_destroy(report);
	check_peak();
}
END_TEST

/* Nowhere to spill: the run fails and says where. */
START_TEST(no_room_to_spill)
{
	struct darn_scan_options o = fake_options();
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_report *report;
	const char *root = "db";

	o.spill_dir = "/nonexistent";
	fake_make("db", "");
	fake_blocks("db/a.blk", 100000, 's');
	ck_assert_int_eq(darn_scan(&root, 1, &o, &report, &err), DARN_EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "'/nonexistent'"));
}
END_TEST

/* As many files as make the queue and the descriptors run short. */
START_TEST(many_files)
{
	static const unsigned jobs[] = {0, 16};
	struct rlimit limit = {400, 400};
	char path[64];

	fake_make("db", "");
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(path, sizeof(path), "db/%u.%s", i,
			       i % 2 ? "blk" : "str");
		fake_blocks(path, i % 5, '.');
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < DARN_ARRAY_SIZE(jobs); i++) {
		struct darn_scan_options o = fake_options();
		struct fake_result r;

		o.jobs = jobs[i];
		o.io_depth = 4;
		r = fake_scan("db", &o);
		ck_assert_uint_eq(r.sum.exit, 0);
		ck_assert_uint_eq(r.sum.files, 3001);
		ck_assert_uint_eq(r.sum.bytes.verified, 3000 * 2 * 512);
		free(r.text);
	}
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("scan_memory");
	TCase *t = tcase_create("scan_memory");

	tcase_add_checked_fixture(t, fake_setup, fake_teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, large_sparse_file);
	tcase_add_test(t, many_findings);
	tcase_add_test(t, no_room_to_spill);
	tcase_add_test(t, many_files);
	suite_add_tcase(s, t);
	return s;
}
