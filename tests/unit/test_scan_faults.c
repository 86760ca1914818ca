/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_faults.c - media and memory that fail while a store is scanned.
 *
 * The faults are those of lib/io/fault.h, planted by DARN_FAULT.
 */
#include "tests/unit/fake_scan.h"

#include <unistd.h>

static const unsigned job_counts[] = {0, 1, 2, 16};

static void fault(const char *spec)
{
	ck_assert_int_eq(setenv("DARN_FAULT", spec, 1), 0);
}

/* The same text whatever the threads. */
static struct darn_summary expect_all(const char *root, const char *text)
{
	struct darn_scan_options o = fake_options();
	struct darn_summary sum = {0};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(job_counts); i++) {
		struct fake_result r;

		o.jobs = job_counts[i];
		r = fake_scan(root, &o);
		ck_assert_msg(strcmp(r.text, text) == 0, "-j %u:\n%s", o.jobs,
			      r.text);
		free(r.text);
		sum = r.sum;
	}
	return sum;
}

START_TEST(unreadable_sectors)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.blk", 4096, '.');
	/* one sector, and two that touch the border of chunks */
	fault("eio:a.blk:51200+512,eio:a.blk:1048064+1024");
	sum = expect_all(
		"db",
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"finding db/a.blk:51200+512 unreadable io/unreadable unit 100 "
		"{}\n"
		"finding db/a.blk:1048064+512 unreadable io/unreadable unit "
		"2047 {}\n"
		"finding db/a.blk:1048576+512 unreadable io/unreadable unit "
		"2048 {}\n"
		"file db/a.blk [blk] v2095616 d1536 u0 s0 \n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_DAMAGED);
	ck_assert_uint_eq(sum.unreadable, 3);
}
END_TEST

/* Damage beside a bad sector is found all the same. */
START_TEST(unreadable_and_damaged)
{
	fake_make("db", "");
	fake_blocks("db/a.blk", 64, '.');
	fake_flip("db/a.blk", 1000);
	fault("eio:a.blk:1024+512");
	expect_all("db",
		   "store db fake stopped clean\n"
		   "file db/FAKE [] v0 d0 u0 s0 \n"
		   "finding db/a.blk:512+512 damaged fake/block-sum unit 1 "
		   "{\"stored\":\"0x73b2b0dd\"}\n"
		   "finding db/a.blk:1024+512 unreadable io/unreadable unit 2 "
		   "{}\n"
		   "file db/a.blk [blk] v31744 d1024 u0 s0 \n");
}
END_TEST

/* open() needs the bad sector: the rest cannot be checked, but is read. */
START_TEST(unreadable_header)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;

	fake_make("db", "");
	fake_blocks("db/strict.blk", 64, '.');
	fault("eio:strict.blk:0+512");
	r = fake_scan("db", &o);
	ck_assert_ptr_nonnull(strstr(r.text, "error db/strict.blk: "));
	ck_assert_ptr_nonnull(strstr(r.text, "finding db/strict.blk:0+512 "
					     "unreadable io/unreadable"));
	ck_assert_ptr_nonnull(strstr(r.text, "file db/strict.blk [] v0 d512 "
					     "u32256 s0 could not be "
					     "checked\n"));
	ck_assert_uint_eq(r.sum.exit, DARN_EXIT_DAMAGED | DARN_EXIT_INCOMPLETE);
	free(r.text);
}
END_TEST

START_TEST(unreadable_one_unit)
{
	uint8_t buf[2048] = {0};

	darn_put_le32(buf, darn_crc32c(0, buf + 4, sizeof(buf) - 4));
	fake_make("db", "");
	fake_write("db/a.one", buf, sizeof(buf));
	fault("eio:a.one:512+512");
	expect_all("db",
		   "store db fake stopped clean\n"
		   "file db/FAKE [] v0 d0 u0 s0 \n"
		   "finding db/a.one:512+512 unreadable io/unreadable unit -1 "
		   "{}\n"
		   "file db/a.one [one] v0 d512 u1536 s0 in a unit with "
		   "unreadable bytes\n");
}
END_TEST

/* What the page cache has is wrong, the medium is right: nobody is accused. */
START_TEST(wrong_in_memory)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.blk", 4096, '.');
	fault("cache:a.blk:1000.3");
	sum = expect_all("db",
			 "store db fake stopped clean\n"
			 "file db/FAKE [] v0 d0 u0 s0 \n"
			 "error db/a.blk: bytes in memory differ from those on "
			 "the medium: look at the memory and the page cache\n"
			 "file db/a.blk [blk] v2097152 d0 u0 s0 \n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
	ck_assert_uint_eq(sum.findings, 0);
}
END_TEST

/* Wrong in memory at one place, wrong on the medium at another. */
START_TEST(wrong_in_both)
{
	fake_make("db", "");
	fake_blocks("db/a.blk", 16, '.');
	fake_flip("db/a.blk", 3000);
	fault("cache:a.blk:1000.3");
	expect_all("db",
		   "store db fake stopped clean\n"
		   "file db/FAKE [] v0 d0 u0 s0 \n"
		   "finding db/a.blk:2560+512 damaged fake/block-sum unit 5 "
		   "{\"stored\":\"0xe363be16\"}\n"
		   "file db/a.blk [blk] v7680 d512 u0 s0 \n");
}
END_TEST

START_TEST(live_transient)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;

	fake_make("db", "live");
	fake_blocks("db/a.blk", 16, '.');
	fake_flip("db/a.blk", 3000);
	/* Being written during the first read: not damage. */
	fault("flip:a.blk:1000.3x1");
	o.jobs = 0;
	r = fake_scan("db", &o);
	ck_assert_str_eq(
		r.text,
		"store db fake live clean\n"
		"file db/FAKE [] v0 d0 u4 s0 no sum in such files\n"
		"finding db/a.blk:2560+512 damaged fake/block-sum unit 5 "
		"{\"stored\":\"0xe363be16\"}\n"
		"file db/a.blk [blk] v7680 d512 u0 s0 \n");
	free(r.text);
}
END_TEST

/* Bad both times, but not the same: somebody is writing it. */
START_TEST(live_changing)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;

	fake_make("db", "live");
	fake_blocks("db/a.blk", 16, '.');
	fake_flip("db/a.blk", 3000);
	fault("flip:a.blk:3001.3x1");
	o.jobs = 0;
	r = fake_scan("db", &o);
	ck_assert_str_eq(r.text,
			 "store db fake live clean\n"
			 "file db/FAKE [] v0 d0 u4 s0 no sum in such files\n"
			 "file db/a.blk [blk] v7680 d0 u512 s0 changed while "
			 "it was checked\n");
	free(r.text);
}
END_TEST

START_TEST(shrinks)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.blk", 4, '.');
	fault("shrink:a.blk:1300@2"); /* read 1: the format's open() */
	sum = expect_all(
		"db",
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"error db/a.blk: shrank while it was read\n"
		"file db/a.blk [blk] v1024 d0 u0 s1024 shrank while it was "
		"read\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
	fake_text("db/FAKE", "live");
	sum = expect_all(
		"db", "store db fake live clean\n"
		      "file db/FAKE [] v0 d0 u4 s0 no sum in such files\n"
		      "file db/a.blk [blk] v1024 d0 u0 s1024 shrank while it "
		      "was read\n");
	ck_assert_uint_eq(sum.exit, 0);
}
END_TEST

/* ---- streams ---- */

START_TEST(stream_clean_and_damaged)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.str", 5000, '.');
	fake_blocks("db/b.str", 5000, '.');
	fake_flip("db/b.str", (1 << 20) + 600);
	fake_flip("db/b.str", 2000000);
	fake_blocks("db/c.str", 0, '.');
	sum = expect_all(
		"db",
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"finding db/a.str:0+0 info fake/stream-count unit 0 "
		"{\"blocks\":5000,\"holes\":0}\n"
		"file db/a.str [str] v2560000 d0 u0 s0 \n"
		"finding db/b.str:0+0 info fake/stream-count unit 0 "
		"{\"blocks\":5000,\"holes\":0}\n"
		"finding db/b.str:1049088+512 damaged fake/block-sum unit 2049 "
		"{}\n"
		"finding db/b.str:1999872+512 damaged fake/block-sum unit 3906 "
		"{}\n"
		"file db/b.str [str] v2558976 d1024 u0 s0 \n"
		"finding db/c.str:0+0 info fake/stream-count unit -1 "
		"{\"blocks\":0,\"holes\":0}\n"
		"file db/c.str [str] v0 d0 u0 s0 \n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_DAMAGED);
}
END_TEST

START_TEST(stream_unreadable)
{
	fake_make("db", "");
	fake_blocks("db/a.str", 5000, '.');
	fault("eio:a.str:1536+512");
	expect_all("db",
		   "store db fake stopped clean\n"
		   "file db/FAKE [] v0 d0 u0 s0 \n"
		   "finding db/a.str:0+0 info fake/stream-count unit 0 "
		   "{\"blocks\":5000,\"holes\":1}\n"
		   "finding db/a.str:1536+512 unreadable io/unreadable unit 3 "
		   "{}\n"
		   "file db/a.str [str] v2559488 d512 u0 s0 \n");
}
END_TEST

/* Notes of the first pass are not repeated by the second. */
START_TEST(stream_wrong_in_memory)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.str", 5000, 'n');
	fault("cache:a.str:1500000.3");
	sum = expect_all(
		"db",
		"store db fake stopped clean\n"
		"finding db/FAKE:0+0 info fake/stream-count unit -1 "
		"{\"notes\":5000}\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"error db/a.str: bytes in memory differ from those on the "
		"medium: look at the memory and the page cache\n"
		"finding db/a.str:0+0 info fake/stream-count unit 0 "
		"{\"blocks\":5000,\"holes\":0}\n"
		"file db/a.str [str] v2560000 d0 u0 s0 \n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
}
END_TEST

START_TEST(stream_shrinks)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.str", 5000, '.');
	fault("shrink:a.str:1500000@2");
	sum = expect_all(
		"db",
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"error db/a.str: shrank while it was read\n"
		"file db/a.str [str] v1048576 d0 u0 s1511424 shrank while it "
		"was read\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
}
END_TEST

/* ---- what may not be opened ---- */

START_TEST(permission)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;

	fake_make("db", "");
	fake_blocks("db/a.blk", 2, '.');
	ck_assert_int_eq(mkdir("db/d", 0), 0);
	ck_assert_int_eq(chmod("db/a.blk", 0), 0);
	ck_assert_int_eq(chmod(fake_dir, 0755), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 0), 0);
	r = fake_scan("db", &o);
	if (geteuid() != 0 && getuid() == 65534)
		ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_ptr_nonnull(strstr(r.text, "error db/a.blk: "));
	ck_assert_ptr_nonnull(strstr(r.text, "error db/d: "));
	ck_assert_ptr_nonnull(strstr(r.text, "Permission denied"));
	ck_assert_ptr_nonnull(strstr(r.text, "file db/a.blk [blk] v0 d0 u0 "
					     "s1024 could not be opened"));
	ck_assert_uint_eq(r.sum.exit, DARN_EXIT_INCOMPLETE);
	free(r.text);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("scan_faults");
	TCase *t = tcase_create("scan_faults");

	tcase_add_checked_fixture(t, fake_setup, fake_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, unreadable_sectors);
	tcase_add_test(t, unreadable_and_damaged);
	tcase_add_test(t, unreadable_header);
	tcase_add_test(t, unreadable_one_unit);
	tcase_add_test(t, wrong_in_memory);
	tcase_add_test(t, wrong_in_both);
	tcase_add_test(t, live_transient);
	tcase_add_test(t, live_changing);
	tcase_add_test(t, shrinks);
	tcase_add_test(t, stream_clean_and_damaged);
	tcase_add_test(t, stream_unreadable);
	tcase_add_test(t, stream_wrong_in_memory);
	tcase_add_test(t, stream_shrinks);
	tcase_add_test(t, permission);
	suite_add_tcase(s, t);
	return s;
}
