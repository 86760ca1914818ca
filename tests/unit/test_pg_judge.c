/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pg_judge.c - which pages and files of a source may be put back.
 *
 * There is no log in these clusters; what it proves is tested on real ones.
 */
#include "scanners/postgresql/manifest.h"
#include "tests/unit/pg_cluster.h"

static struct pg_home target, source;
static uint8_t now[DARN_PG_PAGE], then[DARN_PG_PAGE];
static struct darn_evidence why;

static void setup(void)
{
	pg_home_make(&target);
	pg_home_make(&source);
	pg_empty_page(now, 3, 5000, 0);
	memcpy(then, now, sizeof(then));
	now[4000] ^= 1; /* the damage */
	pg_write(&target, "base/5/20000", then, sizeof(then));
}

static void teardown(void)
{
	pg_home_remove(&target);
	pg_home_remove(&source);
}

/* Changes a field of a control file, and its CRC. */
static void control(const struct pg_home *h, size_t at, uint64_t value)
{
	uint8_t buf[DARN_PG_CONTROL_LEN];

	pg_vector("pg15_pg_control.bin", buf, sizeof(buf));
	darn_put_le64(buf + at, value);
	darn_put_le32(buf + 288, darn_crc32c(0, buf, 288));
	pg_write(h, "global/pg_control", buf, sizeof(buf));
}

/* The source was stopped at an earlier checkpoint. */
static void make_older(void)
{
	control(&source, 40, 1000);
}

static void open_both(void)
{
	pg_home_open(&target);
	pg_home_open(&source);
}

/* As if the log of the target were known to end at @end. */
static void log_ends(uint64_t end)
{
	struct darn_pg *pg = target.ctx;

	pg->log.known = true;
	pg->log.tli = 1;
	pg->log.end_lsn = end;
}

static enum darn_verdict judge(const char *path,
			       const struct darn_format *format, bool whole)
{
	struct darn_unit u = {
		.path = path,
		.off = whole ? 0 : 3 * DARN_PG_PAGE,
		.len = DARN_PG_PAGE,
		.format = format,
		.whole_file = whole,
		.buf = now,
		.buf_len = whole ? 0 : sizeof(now),
	};
	struct darn_candidate c = {
		.source_ctx = source.ctx,
		.source = "SOURCE",
		.buf = whole ? NULL : then,
		.len = sizeof(then),
	};
	enum darn_verdict v;

	memset(&why, 0, sizeof(why));
	v = darn_pg_judge(target.ctx, &u, &c, &why);
	ck_assert_msg(why.text[0] && !strchr(why.text, '\n'),
		      "one line of evidence, not '%s'", why.text);
	return v;
}

static enum darn_verdict judge_page(const char *path)
{
	return judge(path, &darn_pg_format_page, false);
}

static void close_both(void)
{
	pg_home_close(&target);
	pg_home_close(&source);
}

START_TEST(same_moment)
{
	static const char *const files[] = {"base/5/20000", "base/5/20000_fsm",
					    "base/5/20000_vm", "base/5/20000.1",
					    "global/1262"};

	open_both();
	for (size_t i = 0; i < DARN_ARRAY_SIZE(files); i++) {
		ck_assert_int_eq(judge_page(files[i]), DARN_EXACT);
		ck_assert_ptr_nonnull(strstr(why.text, "same moment"));
	}
	ck_assert_int_eq(judge("pg_xact/0000", NULL, true), DARN_EXACT);
	ck_assert_int_eq(
		judge("base/5/pg_filenode.map", &darn_pg_format_relmap, true),
		DARN_EXACT);
	close_both();
}
END_TEST

/* A copy that was cut at a page passes every check, but not its catalogue. */
START_TEST(whole_file)
{
	pg_one_database(&source, 5);
	pg_one_table(&source, 20001, 2);
	pg_resize(&source, "base/5/20001", 2 * DARN_PG_PAGE);
	open_both();
	ck_assert_int_eq(judge("base/5/20001", NULL, true), DARN_EXACT);
	ck_assert_ptr_nonnull(strstr(why.text, "same moment"));
	close_both();
	pg_resize(&source, "base/5/20001", DARN_PG_PAGE);
	open_both();
	ck_assert_int_eq(judge("base/5/20001", NULL, true), DARN_UNKNOWN);
	ck_assert_int_eq(judge("base/5/20002", NULL, true), DARN_EXACT);
	close_both();
	/* a segment before a later one is full */
	pg_one_table(&source, 20002, 0);
	pg_resize(&source, "base/5/20001.1", DARN_PG_PAGE);
	open_both();
	ck_assert_int_eq(judge("base/5/20001", NULL, true), DARN_UNKNOWN);
	close_both();
	/* nobody knows */
	pg_remove(&source, "base/5/1259");
	pg_remove(&source, "base/5/20001.1");
	open_both();
	ck_assert_int_eq(judge("base/5/20001", NULL, true), DARN_PROBABLE);
	close_both();
}
END_TEST

/* The size of a file in the manifest of a base backup, and of nothing else. */
START_TEST(manifest)
{
	static const char text[] =
		"{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n"
		"{ \"Path\": \"base/5/20001\", \"Size\": 16384, \"Last-M\": 1 "
		"},\n"
		"{ \"Path\": \"base/5/20002\", \"Last-M\": 1 },\n"
		"{ \"Path\": \"base/5/20003\", \"Size\": 8192, \"Last-M\": 1 "
		"},\n"
		"{ \"Path\": \"base/5/20004\", \"Size\": 8192";
	uint64_t size = 0;

	pg_text(&source, "backup_manifest", text);
	pg_home_open(&source);
	ck_assert(!darn_pg_manifest_size(source.ctx, "base/5/20001", &size));
	pg_home_close(&source);
	pg_text(&source, "backup_label", "START WAL LOCATION: 0/1000\n");
	pg_home_open(&source);
	ck_assert(darn_pg_manifest_size(source.ctx, "base/5/20001", &size));
	ck_assert_uint_eq(size, 16384);
	ck_assert(!darn_pg_manifest_size(source.ctx, "base/5/20002", &size));
	ck_assert(!darn_pg_manifest_size(source.ctx, "base/5/20004", &size));
	ck_assert(!darn_pg_manifest_size(source.ctx, "base/5/2000", &size));
	pg_home_close(&source);
}
END_TEST

/* Equal control files of a base backup, or of running servers, prove nothing.
 */
START_TEST(not_the_same_moment)
{
	uint8_t buf[DARN_PG_CONTROL_LEN];

	pg_text(&source, "backup_label", "START WAL LOCATION: 0/1000\n");
	open_both();
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_EXACT);
	close_both();
	pg_remove(&source, "backup_label");
	pg_vector("pg15_pg_control_crashed.bin", buf, sizeof(buf));
	pg_write(&source, "global/pg_control", buf, sizeof(buf));
	pg_write(&target, "global/pg_control", buf, sizeof(buf));
	open_both();
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_EXACT);
	ck_assert_int_ne(judge("pg_xact/0000", NULL, true), DARN_EXACT);
	close_both();
}
END_TEST

START_TEST(another_cluster)
{
	control(&source, 0, 4711);
	open_both();
	ck_assert_int_eq(judge_page("base/5/20000"), DARN_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(why.text, "another cluster"));
	ck_assert_int_eq(judge("pg_xact/0000", NULL, true), DARN_UNKNOWN);
	close_both();
}
END_TEST

/* Equal LSN and stored checksum: the damage may hide a newer rest. */
START_TEST(equal_lsn)
{
	make_older();
	open_both();
	ck_assert_int_eq(judge_page("base/5/20000"), DARN_PROBABLE);
	/* The checksum field itself is hit, and nothing else. */
	memcpy(now, then, sizeof(now));
	now[8] ^= 1;
	ck_assert_int_eq(judge_page("base/5/20000"), DARN_PROBABLE);
	/* More than that. */
	now[4000] ^= 1;
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_PROBABLE);
	/* What is there already does not help. */
	memcpy(now, then, sizeof(now));
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_PROBABLE);
	close_both();
}
END_TEST

START_TEST(lsn_differs)
{
	make_older();
	open_both();
	log_ends(10000);
	pg_empty_page(now, 3, 6000, 0);
	now[4000] ^= 1;
	ck_assert_int_eq(judge_page("base/5/20000"), DARN_STALE);
	ck_assert_ptr_nonnull(strstr(why.text, "0/1770"));
	ck_assert_ptr_nonnull(strstr(why.text, "0/1388"));
	/* Beyond the end of the log the damaged header is not believed. */
	log_ends(5500);
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_PROBABLE);
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_EXACT);
	/* No LSN, no comparison. */
	pg_empty_page(now, 3, 0, 0);
	pg_empty_page(then, 3, 0, 0);
	now[4000] ^= 1;
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_PROBABLE);
	ck_assert_int_ne(judge_page("base/5/20000"), DARN_EXACT);
	close_both();
}
END_TEST

START_TEST(derived_data)
{
	struct darn_unit u = {.off = 3 * DARN_PG_PAGE,
			      .len = DARN_PG_PAGE,
			      .format = &darn_pg_format_page,
			      .buf = now,
			      .buf_len = sizeof(now)};
	static const struct {
		const char *path;
		enum darn_verdict verdict;
		const char *word;
	} units[] = {
		{"base/5/20000_fsm", DARN_REBUILDABLE, "VACUUM"},
		{"base/5/20000_vm", DARN_REBUILDABLE, "VACUUM"},
		{"base/5/20001", DARN_REBUILDABLE,
		 "REINDEX INDEX after the table is good; its name"},
		{"base/5/2662", DARN_REBUILDABLE, "postgres -P"},
		{"base/5/20000", DARN_UNKNOWN, "no source"},
	};
	uint8_t page[DARN_PG_PAGE];

	pg_empty_page(page, 0, 1000, 16); /* a btree */
	pg_write(&target, "base/5/20001", page, sizeof(page));
	pg_write(&target, "base/5/2662", page, sizeof(page));
	make_older();
	open_both();
	for (size_t i = 0; i < DARN_ARRAY_SIZE(units); i++) {
		memset(&why, 0, sizeof(why));
		u.path = units[i].path;
		ck_assert_int_eq(darn_pg_judge(target.ctx, &u, NULL, &why),
				 units[i].verdict);
		ck_assert_msg(strstr(why.text, units[i].word) != NULL, "%s",
			      why.text);
	}
	/* Equal LSN or not: the maps do not follow it. */
	ck_assert_int_eq(judge_page("base/5/20000_fsm"), DARN_REBUILDABLE);
	ck_assert_int_eq(judge_page("base/5/20000_vm"), DARN_REBUILDABLE);
	close_both();
}
END_TEST

START_TEST(other_files)
{
	make_older();
	open_both();
	ck_assert_int_eq(
		judge("base/5/PG_VERSION", &darn_pg_format_version, true),
		DARN_EXACT);
	ck_assert_int_eq(
		judge("global/pg_control", &darn_pg_format_control, true),
		DARN_UNKNOWN);
	ck_assert_int_eq(
		judge("global/pg_filenode.map", &darn_pg_format_relmap, true),
		DARN_UNKNOWN);
	ck_assert_int_eq(judge("pg_xact/0000", NULL, true), DARN_UNKNOWN);
	ck_assert_int_eq(judge("base/5/20001", NULL, true), DARN_UNKNOWN);
	/* Provably older. */
	log_ends(UINT64_C(1) << 60);
	ck_assert_int_eq(
		judge("global/pg_control", &darn_pg_format_control, true),
		DARN_STALE);
	ck_assert_int_eq(judge("pg_xact/0000", NULL, true), DARN_STALE);
	ck_assert_int_eq(judge("base/5/20001", NULL, true), DARN_STALE);
	close_both();
}
END_TEST

/* A source that is just a file, in no cluster at all. */
START_TEST(bare_file)
{
	pg_home_open(&target);
	ck_assert_int_eq(judge_page("base/5/20000"), DARN_PROBABLE);
	ck_assert_int_eq(judge("base/5/20001", NULL, true), DARN_UNKNOWN);
	pg_home_close(&target);
}
END_TEST

/* The log would have to end with the checkpoint of the source. */
START_TEST(lost_control_file)
{
	pg_remove(&target, "global/pg_control");
	open_both();
	ck_assert_int_ne(
		judge("global/pg_control", &darn_pg_format_control, true),
		DARN_EXACT);
	ck_assert_int_ne(judge("base/5/20001", NULL, true), DARN_EXACT);
	close_both();
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_judge");
	TCase *t = tcase_create("verdicts");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, same_moment);
	tcase_add_test(t, whole_file);
	tcase_add_test(t, manifest);
	tcase_add_test(t, not_the_same_moment);
	tcase_add_test(t, another_cluster);
	tcase_add_test(t, equal_lsn);
	tcase_add_test(t, lsn_differs);
	tcase_add_test(t, derived_data);
	tcase_add_test(t, other_files);
	tcase_add_test(t, bare_file);
	tcase_add_test(t, lost_control_file);
	suite_add_tcase(s, t);
	return s;
}
