/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_spool.c - spools and reports that are larger than their memory.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/scan/report_add.h"

static int compare(const void *a, size_t alen, const void *b, size_t blen)
{
	size_t len = DARN_MIN(alen, blen);
	int diff = memcmp(a, b, len);

	return diff ? diff : (alen > blen) - (alen < blen);
}

static struct darn_spool *make(size_t budget)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_spool *s = NULL;

	ck_assert_msg(darn_spool_create(compare, "/tmp", budget, &s, &err) ==
			      DARN_OK,
		      "%s", err.msg);
	return s;
}

/* The i-th of @n records, in a scattered order; length varies. */
static size_t record(uint64_t i, uint64_t n, char *buf, size_t size)
{
	uint64_t k = i * 7919 % n;
	int len =
		snprintf(buf, size, "%010" PRIu64 "%*s", k, (int)(k % 50), "");

	return (size_t)len;
}

static void check_sorted(struct darn_spool *s, uint64_t n)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_spool_reader *r;
	uint64_t i = 0;
	const void *rec;
	size_t len;
	enum darn_rc rc;

	ck_assert_int_eq(darn_spool_read(s, &r, &err), DARN_OK);
	while ((rc = darn_spool_next(r, &rec, &len, &err)) == DARN_OK) {
		char want[16];

		(void)snprintf(want, sizeof(want), "%010" PRIu64, i);
		ck_assert_int_eq(memcmp(rec, want, 10), 0);
		ck_assert_uint_eq(len, 10 + i % 50);
		i++;
	}
	ck_assert_int_eq(rc, DARN_ENOENT);
	ck_assert_uint_eq(i, n);
	ck_assert_int_eq(darn_spool_next(r, &rec, &len, &err), DARN_ENOENT);
	darn_spool_reader_close(r);
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* From "all in memory" to hundreds of runs on several levels. */
START_TEST(any_budget)
{
	static const size_t budgets[] = {1 << 24, 100000, 4096, 200, 1};
	static const uint64_t counts[] = {0, 1, 2, 5003};
	char buf[128];

	for (size_t b = 0; b < DARN_ARRAY_SIZE(budgets); b++) {
		for (size_t c = 0; c < DARN_ARRAY_SIZE(counts); c++) {
			struct darn_spool *s = make(budgets[b]);
			unsigned fds = count_fds();
			uint64_t n = counts[c];

			for (uint64_t i = 0; i < n; i++) {
				size_t len = record(i, n, buf, sizeof(buf));

				ck_assert_int_eq(
					darn_spool_add(s, buf, len, NULL),
					DARN_OK);
			}
			ck_assert_uint_le(darn_spool_runs(s), 15 * 4);
			ck_assert_uint_le(count_fds(), fds + 1);
			check_sorted(s, n);
			check_sorted(s, n); /* again */
			darn_spool_destroy(s);
		}
	}
}
END_TEST

START_TEST(large_records)
{
	struct darn_spool *s = make(1000);
	struct darn_spool_reader *r;
	char *buf = malloc(100000);
	const void *rec;
	size_t len;

	for (int i = 9; i >= 0; i--) {
		memset(buf, '0' + i, 100000);
		ck_assert_int_eq(
			darn_spool_add(s, buf, 100000 - (size_t)i, NULL),
			DARN_OK);
	}
	ck_assert_int_eq(darn_spool_read(s, &r, NULL), DARN_OK);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(darn_spool_next(r, &rec, &len, NULL), DARN_OK);
		ck_assert_uint_eq(len, 100000 - (size_t)i);
		ck_assert_int_eq(((const char *)rec)[len - 1], '0' + i);
	}
	darn_spool_reader_close(r);
	darn_spool_destroy(s);
	free(buf);
}
END_TEST

struct adder {
	struct darn_spool *s;
	uint64_t from, n;
};

static void *add_some(void *arg)
{
	const struct adder *a = arg;
	char buf[128];

	for (uint64_t i = a->from; i < a->n; i += 4) {
		size_t len = record(i, a->n, buf, sizeof(buf));

		if (darn_spool_add(a->s, buf, len, NULL))
			return (void *)1;
	}
	return NULL;
}

START_TEST(several_threads)
{
	struct darn_spool *s = make(3000);
	struct adder a[4];
	pthread_t t[4];

	for (unsigned i = 0; i < 4; i++) {
		a[i] = (struct adder){s, i, 5003};
		ck_assert_int_eq(pthread_create(&t[i], NULL, add_some, &a[i]),
				 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		void *failed;

		ck_assert_int_eq(pthread_join(t[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
	check_sorted(s, 5003);
	darn_spool_destroy(s);
}
END_TEST

/* No place to spill is an error that names the place. */
START_TEST(no_room)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_spool *s = NULL;
	enum darn_rc rc = DARN_OK;

	ck_assert_int_eq(
		darn_spool_create(compare, "/nonexistent", 100, &s, &err),
		DARN_OK);
	for (int i = 0; i < 100 && rc == DARN_OK; i++)
		rc = darn_spool_add(s, "some bytes", 10, &err);
	ck_assert_int_eq(rc, DARN_EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "'/nonexistent'"));
	darn_spool_destroy(s);
}
END_TEST

/* ---- reports ---- */

struct seen {
	uint64_t n;
	char last_path[64];
	uint64_t last_off;
};

static enum darn_rc see(const struct darn_record *r, void *payload,
			struct darn_error *err)
{
	struct seen *s = payload;
	int diff = darn_path_cmp(s->last_path, r->path);

	(void)err;
	ck_assert(diff < 0 || (diff == 0 && s->last_off <= r->off) ||
		  r->kind == DARN_REC_FILE);
	ck_assert_str_eq(r->root, "root");
	ck_assert_str_eq(r->store, "");
	(void)snprintf(s->last_path, sizeof(s->last_path), "%s", r->path);
	s->last_off = r->off;
	s->n++;
	return DARN_OK;
}

START_TEST(hundred_thousand_findings)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_report *rep;
	struct darn_summary sum;
	struct seen s = {0};
	char path[32];

	ck_assert_int_eq(darn_report_create("/tmp", 65536, 0, &rep, &err),
			 DARN_OK);
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t k = i * 7919 % 100000;

		(void)snprintf(path, sizeof(path), "f%" PRIu64, k / 1000);
		ck_assert_int_eq(
			darn_report_add(rep,
					(struct darn_record){
						.kind = DARN_REC_FINDING,
						.path = path,
						.root = "root",
						.id = "a/b",
						.severity = DARN_DAMAGED,
						/* each overlaps the next */
						.off = k % 1000 * 100,
						.len = 150},
					&err),
			DARN_OK);
	}
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "f%u", i);
		ck_assert_int_eq(
			darn_report_add(
				rep,
				(struct darn_record){
					.kind = DARN_REC_FILE,
					.path = path,
					.root = "root",
					.bytes = {.total = 200000,
						  .verified = 60000,
						  .unverified = 140000}},
				&err),
			DARN_OK);
	}
	ck_assert_uint_gt(darn_report_runs(rep), 0);
	ck_assert_int_eq(darn_report_finish(rep, false, 1.0, &err), DARN_OK);
	ck_assert_int_eq(darn_report_each(rep, see, &s, &err), DARN_OK);
	ck_assert_uint_eq(s.n, 100100);
	sum = darn_report_summary(rep);
	ck_assert_uint_eq(sum.findings, 100000);
	ck_assert_uint_eq(sum.files, 100);
	/* 1000 overlapping ranges are 999 * 100 + 150 bytes. */
	ck_assert_uint_eq(sum.bytes.damaged, 100 * 100050);
	ck_assert_uint_eq(sum.bytes.unverified, 100 * (140000 - 100050));
	ck_assert_uint_eq(sum.bytes.verified, 100 * 60000);
	ck_assert_uint_eq(sum.exit, DARN_EXIT_DAMAGED);
	darn_report_destroy(rep);
}
END_TEST

START_TEST(path_order)
{
	static const char *const sorted[] = {
		"", "a", "a/b", "a/b/c", "a/c", "a b", "a.b", "ab", "b/\xff"};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < DARN_ARRAY_SIZE(sorted); k++) {
			int diff = darn_path_cmp(sorted[i], sorted[k]);

			ck_assert_int_eq((diff > 0) - (diff < 0),
					 (i > k) - (i < k));
		}
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("spool");
	TCase *t = tcase_create("spool");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, any_budget);
	tcase_add_test(t, large_records);
	tcase_add_test(t, several_threads);
	tcase_add_test(t, no_room);
	tcase_add_test(t, hundred_thousand_findings);
	tcase_add_test(t, path_order);
	suite_add_tcase(s, t);
	return s;
}
