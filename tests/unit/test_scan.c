/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan.c - roots, stores, stray files, coverage and exit bits.
 */
#include "tests/unit/fake_scan.h"

START_TEST(clean_store)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.blk", 3000, '.');
	fake_blocks("db/b.blk", 1, '.');
	fake_text("db/c.txt", "hello");
	sum = fake_expect_text(
		"db", "store db fake stopped clean\n"
		      "file db/FAKE [] v0 d0 u0 s0 \n"
		      "file db/a.blk [blk] v1536000 d0 u0 s0 \n"
		      "file db/b.blk [blk] v512 d0 u0 s0 \n"
		      "file db/c.txt [] v0 d0 u5 s0 no sum in such files\n");
	ck_assert_uint_eq(sum.exit, 0);
	ck_assert_uint_eq(sum.files, 4);
	ck_assert_uint_eq(sum.stores, 1);
	ck_assert_uint_eq(sum.bytes.total, 1536517);
}
END_TEST

/* Damage at the borders of chunks, of the file, and of every severity. */
START_TEST(damage)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_blocks("db/a.blk", 4100, '.');
	fake_flip("db/a.blk", 0);
	fake_flip("db/a.blk", (1 << 20) - 1);
	fake_flip("db/a.blk", 1 << 20);
	fake_flip("db/a.blk", 4099 * 512 + 100);
	fake_blocks("db/s.blk", 2, 's');
	fake_blocks("db/t.blk", 2, '.');
	ck_assert_int_eq(truncate("db/t.blk", 700), 0);
	sum = fake_expect_text(
		"db",
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"finding db/a.blk:0+512 damaged fake/block-sum unit 0 "
		"{\"stored\":\"0x940bd5bb\"}\n"
		"finding db/a.blk:1048064+512 damaged fake/block-sum unit 2047 "
		"{\"stored\":\"0x6ab30c0c\"}\n"
		"finding db/a.blk:1048576+512 damaged fake/block-sum unit 2048 "
		"{\"stored\":\"0x753b3d8f\"}\n"
		"finding db/a.blk:2098688+512 damaged fake/block-sum unit 4099 "
		"{\"stored\":\"0x7ea1aa59\"}\n"
		"file db/a.blk [blk] v2097152 d2048 u0 s0 \n"
		"finding db/s.blk:0+512 suspicious fake/block-odd unit 0 {}\n"
		"finding db/s.blk:512+512 suspicious fake/block-odd unit 1 {}\n"
		"file db/s.blk [blk] v1024 d0 u0 s0 \n"
		"finding db/t.blk:512+188 torn fake/tail-torn unit 1 {}\n"
		"file db/t.blk [blk] v512 d0 u188 s0 \n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_SUSPICIOUS | DARN_EXIT_DAMAGED);
	ck_assert_uint_eq(sum.findings, 7);
	ck_assert_uint_eq(sum.damaged, 4);
	ck_assert_uint_eq(sum.suspicious, 2);
	ck_assert_uint_eq(sum.torn, 1);
}
END_TEST

/* What open() says about a range holds although its blocks have good sums. */
START_TEST(damage_from_open)
{
	fake_make("db", "");
	fake_blocks("db/h.blk", 4, 'h');
	ck_assert_int_eq(truncate("db/h.blk", 6 * FAKE_BLOCK), 0);
	fake_blocks("db/x.blk", 4, 'x');
	fake_expect_text(
		"db",
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"finding db/h.blk:0+1024 damaged fake/header-bad unit 0 {}\n"
		"file db/h.blk [blk] v1024 d1024 u1024 s0 zero blocks have no "
		"sum\n"
		"error db/x.blk: version x of the fake format\n"
		"file db/x.blk [] v0 d0 u0 s2048 could not be checked\n");
}
END_TEST

START_TEST(one_unit)
{
	uint8_t buf[100] = {0};

	darn_put_le32(buf, darn_crc32c(0, buf + 4, sizeof(buf) - 4));
	fake_make("db", "");
	fake_write("db/a.one", buf, sizeof(buf));
	fake_write("db/b.one", buf, sizeof(buf) - 1);
	fake_write("db/c.one", "", 0);
	fake_write("db/d.one", "", 0);
	ck_assert_int_eq(truncate("db/d.one", (1 << 20) + 1), 0);
	fake_expect_text("db",
			 "store db fake stopped clean\n"
			 "file db/FAKE [] v0 d0 u0 s0 \n"
			 "file db/a.one [one] v100 d0 u0 s0 \n"
			 "finding db/b.one:0+99 damaged fake/block-sum unit -1 "
			 "{}\n"
			 "file db/b.one [one] v0 d99 u0 s0 \n"
			 "finding db/c.one:0+0 damaged fake/block-sum unit -1 "
			 "{}\n"
			 "file db/c.one [one] v0 d0 u0 s0 \n"
			 "file db/d.one [] v0 d0 u1048577 s0 far larger than "
			 "files of this kind\n");
}
END_TEST

/* Rules across files: a missing file, damage found after all checks. */
START_TEST(expect_and_join)
{
	struct darn_summary sum;

	fake_make("db", "must");
	fake_blocks("db/n.blk", 10, 'n');
	sum = fake_expect_text(
		"db",
		"store db fake stopped clean\n"
		"finding db/FAKE:0+0 info fake/stream-count unit -1 "
		"{\"notes\":10}\n"
		"file db/FAKE [] v0 d0 u4 s0 no sum in such files\n"
		"finding db/must.blk:0+1024 damaged fake/file-missing unit -1 "
		"{}\n"
		"finding db/n.blk:3584+512 damaged fake/join-rule unit -1 {}\n"
		"file db/n.blk [blk] v4608 d512 u0 s0 \n");
	ck_assert_uint_eq(sum.bytes.missing, 1024);
	ck_assert_uint_eq(sum.exit, DARN_EXIT_DAMAGED);
	ck_assert_uint_eq(sum.info, 1);
	ck_assert_uint_eq(sum.findings, 2);
}
END_TEST

/* A live store: no rules across files. */
START_TEST(live_store)
{
	struct darn_summary sum;

	fake_make("db", "live must");
	fake_blocks("db/n.blk", 10, 'n');
	sum = fake_expect_text(
		"db", "store db fake live clean\n"
		      "file db/FAKE [] v0 d0 u9 s0 no sum in such files\n"
		      "file db/n.blk [blk] v5120 d0 u0 s0 \n");
	ck_assert_uint_eq(sum.exit, 0);
}
END_TEST

START_TEST(store_that_refuses)
{
	struct darn_summary sum;

	fake_make("db", "refuse");
	fake_blocks("db/n.blk", 1, 'n');
	sum = fake_expect_text(
		"db", "store db fake unknown unknown\n"
		      "error db: version 99 of the fake store\n"
		      "file db/FAKE [] v0 d0 u0 s6 its store could not be "
		      "opened\n"
		      "file db/n.blk [] v0 d0 u0 s512 its store could not be "
		      "opened\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
}
END_TEST

/* A part of a store, a file of it, a store below the root. */
START_TEST(places)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;
	char abs[128];

	ck_assert_int_eq(mkdir("x", 0755), 0);
	fake_make("x/db", "must");
	ck_assert_int_eq(mkdir("x/db/sub", 0755), 0);
	fake_blocks("x/db/sub/a.blk", 2, '.');
	fake_blocks("x/db/b.blk", 2, '.');
	fake_blocks("x/stray", 2, '.');
	(void)snprintf(abs, sizeof(abs), "store %s/x/db fake stopped clean\n",
		       fake_dir);

	r = fake_scan("x/db/sub/", &o);
	ck_assert_int_eq(strncmp(r.text, abs, strlen(abs)), 0);
	ck_assert_str_eq(r.text + strlen(abs),
			 "file x/db/sub/a.blk [blk] v1024 d0 u0 s0 \n");
	free(r.text);
	r = fake_scan("x/db/b.blk", &o);
	ck_assert_str_eq(r.text + strlen(abs),
			 "file x/db/b.blk [blk] v1024 d0 u0 s0 \n");
	free(r.text);
	fake_expect_text(
		"x", "store x/db fake stopped clean\n"
		     "file x/db/FAKE [] v0 d0 u4 s0 no sum in such files\n"
		     "file x/db/b.blk [blk] v1024 d0 u0 s0 \n"
		     "finding x/db/must.blk:0+1024 damaged fake/file-missing "
		     "unit -1 {}\n"
		     "file x/db/sub/a.blk [blk] v1024 d0 u0 s0 \n"
		     "file x/stray [blk] v1024 d0 u0 s0 \n");
}
END_TEST

START_TEST(stray_files)
{
	struct darn_scan_options o = fake_options();
	struct darn_summary sum;
	struct fake_result r;

	ck_assert_int_eq(mkdir("x", 0755), 0);
	fake_blocks("x/a", 2, '.');
	fake_text("x/b", "2same");
	fake_text("x/c", "what");
	sum = fake_expect_text(
		"x", "file x/a [blk] v1024 d0 u0 s0 \n"
		     "file x/b [] v0 d0 u5 s0 two scanners claim this file: "
		     "say which with --format\n"
		     "file x/c [] v0 d0 u4 s0 no scanner knows this file\n");
	ck_assert_uint_eq(sum.exit, 0);
	sum = fake_expect_text("x/c",
			       "error x/c: nothing was checked: no scanner "
			       "knows any of these files\n"
			       "file x/c [] v0 d0 u4 s0 no scanner knows this "
			       "file\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
	o.format = "twin/twin";
	r = fake_scan("x/b", &o);
	ck_assert_str_eq(r.text, "finding x/b:0+5 torn fake/tail-torn unit 0 "
				 "{}\nfile x/b [twin] v0 d0 u5 s0 \n");
	free(r.text);
}
END_TEST

START_TEST(unknown_format)
{
	struct darn_scan_options o = fake_options();
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_report *report;
	const char *root = ".";

	o.format = "nonsense";
	ck_assert_int_eq(darn_scan(&root, 1, &o, &report, &err), DARN_EINVAL);
	ck_assert_str_eq(err.msg, "there is no format 'nonsense'");
}
END_TEST

/* Roots that are not there, or nothing to check, or the same twice. */
START_TEST(strange_roots)
{
	struct darn_scan_options o = fake_options();
	const char *twice[] = {"db", "./db", "db/a.blk", "link"};
	struct darn_summary sum;
	struct fake_result r;

	ck_assert_int_eq(mkdir("empty", 0755), 0);
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	ck_assert_int_eq(symlink("loop", "loop"), 0);
	sum = fake_expect_text("nix", "error nix: there is no such file or "
				      "directory\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
	sum = fake_expect_text("empty", "error empty: nothing was checked: no "
					"file here\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
	sum = fake_expect_text("fifo", "error fifo: neither a file nor a "
				       "directory\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
	fake_expect_text("loop",
			 "error loop: symbolic links lead in a circle\n");

	fake_make("db", "");
	fake_blocks("db/a.blk", 1, '.');
	ck_assert_int_eq(symlink("db", "link"), 0);
	fake_expect_text("link", "store link fake stopped clean\n"
				 "file link/FAKE [] v0 d0 u0 s0 \n"
				 "file link/a.blk [blk] v512 d0 u0 s0 \n");
	r = fake_scan_roots(twice, 4, &o);
	ck_assert_str_eq(r.text, "store db fake stopped clean\n"
				 "file db/FAKE [] v0 d0 u0 s0 \n"
				 "file db/a.blk [blk] v512 d0 u0 s0 \n");
	free(r.text);
}
END_TEST

START_TEST(ambiguous_store)
{
	struct darn_summary sum;

	fake_make("db", "");
	fake_text("db/TWIN", "");
	sum = fake_expect_text("db", "error db: ambiguous: it looks like a "
				     "fake store and like a twin store\n");
	ck_assert_uint_eq(sum.exit, DARN_EXIT_INCOMPLETE);
}
END_TEST

/* Each inode counts once; links in a tree are not followed. */
START_TEST(hard_links)
{
	fake_make("db", "");
	fake_blocks("db/a.blk", 2, '.');
	ck_assert_int_eq(link("db/a.blk", "db/b.blk"), 0);
	ck_assert_int_eq(symlink("a.blk", "db/c.blk"), 0);
	ck_assert_int_eq(symlink("..", "db/up"), 0);
	fake_expect_text("db", "store db fake stopped clean\n"
			       "file db/FAKE [] v0 d0 u0 s0 \n"
			       "file db/a.blk [blk] v1024 d0 u0 s0 \n");
}
END_TEST

START_TEST(patterns)
{
	struct darn_scan_options o = fake_options();
	const char *include[] = {"*.blk", "nothing", NULL};
	const char *exclude[] = {"sub", "b.*", NULL};
	struct fake_result r;

	fake_make("db", "must");
	ck_assert_int_eq(mkdir("db/sub", 0755), 0);
	fake_blocks("db/a.blk", 1, '.');
	fake_blocks("db/b.blk", 1, '.');
	fake_blocks("db/sub/c.blk", 1, '.');
	o.include = include;
	o.exclude = exclude;
	r = fake_scan("db", &o);
	ck_assert_str_eq(r.text, "store db fake stopped clean\n"
				 "error db: the pattern 'nothing' matches "
				 "nothing\n"
				 "file db/a.blk [blk] v512 d0 u0 s0 \n");
	ck_assert_uint_eq(r.sum.exit, DARN_EXIT_INCOMPLETE);
	free(r.text);
}
END_TEST

START_TEST(error_budget)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;

	fake_make("db", "");
	fake_blocks("db/a.blk", 4, '.');
	fake_blocks("db/b.blk", 4, 's');
	fake_blocks("db/c.blk", 4, '.');
	fake_flip("db/c.blk", 100);
	o.max_errors = 2;
	r = fake_scan("db", &o);
	ck_assert_str_eq(
		r.text,
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"file db/a.blk [blk] v2048 d0 u0 s0 \n"
		"finding db/b.blk:0+512 suspicious fake/block-odd unit 0 {}\n"
		"finding db/b.blk:512+512 suspicious fake/block-odd unit 1 {}\n"
		"file db/b.blk [blk] v2048 d0 u0 s0 \n"
		"file db/c.blk [blk] v0 d0 u0 s2048 \n");
	/* A budget does not clear the bit of what it hides. */
	ck_assert_uint_eq(r.sum.exit, DARN_EXIT_SUSPICIOUS | DARN_EXIT_DAMAGED);
	ck_assert_uint_eq(r.sum.findings, 2);
	ck_assert_uint_eq(r.sum.bytes.skipped, 2048);
	free(r.text);
}
END_TEST

START_TEST(find_store)
{
	struct darn_error err = DARN_ERROR_INIT;
	const struct darn_store *store;
	char *root, *rel, want[128];

	fake_make("db", "");
	ck_assert_int_eq(mkdir("db/a", 0755), 0);
	ck_assert_int_eq(mkdir("db/a/b", 0755), 0);
	ck_assert_int_eq(darn_find_store("db/a/b", fake_stores, &store, &root,
					 &rel, &err),
			 DARN_OK);
	(void)snprintf(want, sizeof(want), "%s/db", fake_dir);
	ck_assert_str_eq(root, want);
	ck_assert_str_eq(rel, "a/b");
	ck_assert_ptr_eq(store, &fake_store);
	free(root);
	free(rel);
	ck_assert_int_eq(
		darn_find_store(".", fake_stores, &store, &root, &rel, &err),
		DARN_ENOENT);
}
END_TEST

START_TEST(verify_file)
{
	struct darn_error err = DARN_ERROR_INIT;
	uint8_t buf[4 * FAKE_BLOCK];
	struct darn_file f = {.path = "a"};
	bool good, verified;

	for (uint32_t i = 0; i < 4; i++)
		fake_block(buf + i * FAKE_BLOCK, i, '.');
	buf[2 * FAKE_BLOCK + 9] ^= 1;
	f.st.size = sizeof(buf);
	ck_assert_int_eq(
		darn_io_open_memory(buf, sizeof(buf), "a", &f.io, &err),
		DARN_OK);
	for (unsigned i = 0; i < 2; i++) {
		const struct darn_format *format = i ? &fake_str : &fake_blk;

		ck_assert_int_eq(darn_verify_file(format, NULL, &f, &good,
						  &verified, &err),
				 DARN_OK);
		ck_assert(!good && !verified);
		buf[2 * FAKE_BLOCK + 9] ^= 1;
		ck_assert_int_eq(darn_verify_file(format, NULL, &f, &good,
						  &verified, &err),
				 DARN_OK);
		ck_assert(good && verified);
		buf[2 * FAKE_BLOCK + 9] ^= 1;
	}
	darn_io_close(f.io);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("scan");
	TCase *t = tcase_create("scan");

	tcase_add_checked_fixture(t, fake_setup, fake_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, clean_store);
	tcase_add_test(t, damage);
	tcase_add_test(t, damage_from_open);
	tcase_add_test(t, one_unit);
	tcase_add_test(t, expect_and_join);
	tcase_add_test(t, live_store);
	tcase_add_test(t, store_that_refuses);
	tcase_add_test(t, places);
	tcase_add_test(t, stray_files);
	tcase_add_test(t, unknown_format);
	tcase_add_test(t, strange_roots);
	tcase_add_test(t, ambiguous_store);
	tcase_add_test(t, hard_links);
	tcase_add_test(t, patterns);
	tcase_add_test(t, error_budget);
	tcase_add_test(t, find_store);
	tcase_add_test(t, verify_file);
	suite_add_tcase(s, t);
	return s;
}
