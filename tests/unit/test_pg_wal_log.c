/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pg_wal_log.c - the log as a whole: several segments, and where it ends.
 */
#include "tests/unit/pg_wal.h"

static struct wal w;
static struct darn_pg pg;
static struct darn_sink *seg[MAX_SEGMENTS], *joined;

static void setup_with(unsigned segments)
{
	wal_setup();
	w = wal_new(segments);
	pg = wal_cluster(w.start + 40, w.start + 40);
}

static void setup(void)
{
	setup_with(3);
}

static void setup_long(void)
{
	setup_with(20);
}

static void drop_sinks(void)
{
	for (size_t i = 0; i < MAX_SEGMENTS; i++) {
		darn_sink_destroy(seg[i]);
		seg[i] = NULL;
	}
	darn_sink_destroy(joined);
	joined = NULL;
}

static void teardown(void)
{
	drop_sinks();
	free(w.buf);
	wal_teardown();
}

/* Checks what is on disk, each segment and all together. */
static void check(void)
{
	struct darn_error err = DARN_ERROR_INIT;

	drop_sinks();
	joined = darn_sink_create(&err);
	ck_assert_ptr_nonnull(joined);
	wal_check_all(&w, &pg, seg, joined);
}

static size_t found_in_all(void)
{
	size_t n = darn_sink_nfound(joined);

	for (size_t i = 0; i < w.size / SEG; i++)
		n += darn_sink_nfound(seg[i]);
	return n;
}

/* Fills all but the last few pages; a record crosses each border. */
static void fill(void)
{
	for (size_t i = 1; i < w.size / SEG; i++) {
		wal_fill(&w, w.start + i * SEG - 900);
		wal_filler(&w, 3000);
	}
	wal_fill(&w, w.start + w.size - 5 * PAGE);
}

/* ---- across segments ---- */

START_TEST(all_verified)
{
	uint64_t sum = 0;

	fill();
	wal_save(&w);
	check();
	ck_assert_uint_eq(found_in_all(), 0);
	for (size_t i = 0; i < 3; i++)
		sum += darn_sink_verified_len(seg[i]);
	ck_assert_uint_eq(sum, w.lsn - w.start);
}
END_TEST

/* A record in two segments: damage in either is told in both. */
START_TEST(record_across)
{
	fill();
	for (int side = -1; side <= 1; side += 2) {
		size_t at = (size_t)(SEG + side * 400);

		w.buf[at] ^= 4;
		wal_save(&w);
		check();
		ck_assert_uint_eq(wal_count(seg[0], "wal-record"), 1);
		ck_assert_uint_eq(wal_count(seg[1], "wal-record"), 1);
		ck_assert(wal_damaged(seg[side < 0 ? 0 : 1], at % SEG));
		ck_assert_uint_eq(found_in_all(), 2);
		w.buf[at] ^= 4;
	}
}
END_TEST

/* Only the header of the page between is wrong: the record itself holds. */
START_TEST(header_across)
{
	fill();
	w.buf[SEG + 16] ^= 4;
	wal_save(&w);
	check();
	ck_assert_uint_eq(darn_sink_nfound(seg[0]), 0);
	ck_assert_uint_eq(wal_count(seg[1], "wal-page"), 1);
	ck_assert(wal_damaged(seg[1], 16));
	ck_assert_uint_eq(found_in_all(), 1);
}
END_TEST

/* The tail of a segment, or all of it, with a good one behind it. */
START_TEST(later_segment_tells)
{
	fill();
	memset(w.buf + SEG - 3 * PAGE, 0, 3 * PAGE);
	wal_save(&w);
	check();
	ck_assert(wal_damaged(seg[0], SEG - PAGE));
	ck_assert_uint_eq(darn_sink_nfound(seg[1]), 0);
	/* here the next one is no help, but the one after it */
	memset(w.buf + SEG, 0, SEG);
	wal_save(&w);
	check();
	ck_assert_uint_eq(wal_count(seg[1], "wal-page"), 1);
	ck_assert_uint_eq(darn_sink_found(seg[1], 0).len, SEG);
	ck_assert_uint_eq(wal_count(joined, "wal-page"), 1);
	ck_assert_str_eq(darn_sink_found(joined, 0).path, wal_name(w.start, 1));
	ck_assert_uint_eq(found_in_all(), 2);
}
END_TEST

/* The control file knows that the log went further. */
START_TEST(control_tells)
{
	wal_fill(&w, w.start + 20 * PAGE);
	wal_save(&w);
	check();
	ck_assert_uint_eq(found_in_all(), 0);
	/* a standby that replayed all of it */
	pg.control.min_recovery_lsn = w.lsn;
	check();
	ck_assert_uint_eq(found_in_all(), 0);
	pg.control.min_recovery_lsn = w.lsn + 8;
	check();
	ck_assert(wal_damaged(seg[0], w.lsn - w.start));
	/* which says nothing where it is about the next timeline */
	pg.control.raw_len = DARN_PG_CONTROL_LEN;
	darn_put_le32(pg.control.raw + 144, 2);
	check();
	ck_assert_uint_eq(found_in_all(), 0);
	pg.control.min_recovery_lsn = 0;
	pg.control.checkpoint_lsn = w.lsn + 3 * PAGE;
	check();
	ck_assert(wal_damaged(seg[0], w.lsn - w.start));
	/* but not about another timeline */
	pg.control.tli = 2;
	check();
	ck_assert_uint_eq(darn_sink_nfound(seg[0]), 0);
}
END_TEST

START_TEST(missing_segment)
{
	fill();
	wal_save(&w);
	wal_remove(wal_name(w.start + SEG, 1));
	check();
	ck_assert_uint_eq(wal_count(joined, "wal-missing"), 1);
	ck_assert_uint_eq(darn_sink_found(joined, 0).missing, SEG);
	ck_assert_str_eq(darn_sink_found(joined, 0).path,
			 wal_name(w.start + SEG, 1));
	/* before the redo point nobody needs it */
	pg.control.redo_lsn = w.start + 2 * SEG + 40;
	check();
	ck_assert_uint_eq(wal_count(joined, "wal-missing"), 0);
}
END_TEST

/* In an archive the end of the last record may be in a segment to come. */
START_TEST(stray_segments)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sink *s = darn_sink_create(&err);

	fill();
	wal_save(&w);
	for (size_t i = 0; i < 2; i++) {
		wal_check_as(NULL, wal_name(w.start + i * SEG, 1),
			     w.buf + i * SEG, SEG, SEG, s);
		ck_assert_uint_eq(darn_sink_verified_len(s), SEG);
		darn_sink_clear(s);
	}
	wal_remove(wal_name(w.start + SEG, 1));
	wal_check_as(NULL, wal_name(w.start, 1), w.buf, SEG, SEG, s);
	ck_assert_uint_eq(darn_sink_nfound(s), 0);
	ck_assert_uint_lt(darn_sink_verified_len(s), SEG);
	ck_assert_ptr_nonnull(darn_sink_first_reason(s));
	darn_sink_destroy(s);
}
END_TEST

/* The first segment's last records are from another life of the server. */
START_TEST(chain_across)
{
	uint8_t *other = malloc(SEG);

	ck_assert_ptr_nonnull(other);
	wal_fill(&w, w.start + SEG - 2 * PAGE);
	wal_record(&w, 0, 0x40, "", 0);
	memcpy(other, w.buf, SEG);
	memset(w.buf, 0, SEG);
	w.lsn = w.start;
	w.prev = 0;
	wal_fill(&w, w.start + SEG / 2);
	wal_record(&w, 0, 0x40, "", 0);
	w.lsn = w.start + SEG;
	wal_fill(&w, w.start + SEG + SEG / 2);
	wal_save(&w);
	check();
	ck_assert_uint_eq(found_in_all(), 0);
	memcpy(w.buf, other, SEG);
	wal_save(&w);
	check();
	ck_assert_uint_eq(wal_count(joined, "wal-chain"), 1);
	free(other);
}
END_TEST

/* More segments than a check reads: the join reads them all. */
START_TEST(very_long_record)
{
	uint64_t lsn;
	size_t at;

	wal_fill(&w, w.start + 20 * PAGE);
	lsn = wal_filler(&w, (size_t)18 * SEG);
	wal_fill(&w, w.start + 19 * SEG + 9 * PAGE);
	wal_save(&w);
	check();
	ck_assert_uint_eq(found_in_all(), 0);
	at = (size_t)9 * SEG + 12345;
	w.buf[at] ^= 1;
	wal_save(&w);
	check();
	ck_assert_uint_eq(wal_count(joined, "wal-record"), 1);
	ck_assert_uint_eq(darn_sink_found(joined, 0).off, lsn - w.start);
	w.buf[at] ^= 1;
	/* a page header in its middle */
	w.buf[9 * SEG + 5 * PAGE + 16] ^= 1;
	wal_save(&w);
	check();
	ck_assert(wal_damaged(seg[9], 5 * PAGE + 16));
}
END_TEST

/* ---- timelines ---- */

/* The first segment of a new timeline begins with the old one's pages. */
START_TEST(ancestor_pages)
{
	static const char history[] = "1\t0/80E000\tno recovery target\n";
	size_t page;

	wal_fill(&w, w.start + 7 * PAGE - 1000);
	wal_filler(&w, (size_t)(w.start + 7 * PAGE - w.lsn));
	w.tli = 2;
	wal_fill(&w, w.start + 2 * SEG);
	pg.control.tli = 2;
	wal_put_file("pg_wal/00000002.history", history, sizeof(history) - 1);
	wal_save(&w);
	check();
	ck_assert_uint_eq(found_in_all(), 0);
	for (page = 0; page < 20; page++) {
		w.buf[page * PAGE + 4] ^= 3; /* 1 becomes 2, 2 becomes 1 */
		wal_save(&w);
		check();
		w.buf[page * PAGE + 4] ^= 3;
		if (!wal_damaged(seg[0], page * PAGE + 4))
			ck_abort_msg("timeline of page %zu: not found", page);
	}
}
END_TEST

/* ---- the end of the log ---- */

static struct darn_pg_log find_log(void)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_pg_log log;

	ck_assert_int_eq(darn_pg_log_find(wal_tree, &pg.control, &log, &err),
			 DARN_OK);
	ck_assert_str_ne(log.why, "");
	return log;
}

START_TEST(end_after_crash)
{
	struct darn_pg_log log;

	fill();
	wal_save(&w);
	log = find_log();
	ck_assert(log.known && log.intact);
	ck_assert_uint_eq(log.end_lsn, w.lsn);
	ck_assert_uint_eq(log.last_record_lsn, w.prev);
	/* damage with log behind it is not its end */
	w.buf[SEG + 77777] ^= 1;
	wal_save(&w);
	log = find_log();
	ck_assert(!log.known && !log.intact);
	w.buf[SEG + 77777] ^= 1;
	/* nor is one before the checkpoint */
	pg.control.checkpoint_lsn = w.lsn + 1000;
	wal_save(&w);
	log = find_log();
	ck_assert(!log.known && !log.intact);
	/* without the redo point nothing is known */
	wal_remove(wal_name(w.start, 1));
	log = find_log();
	ck_assert(!log.known && !log.intact);
}
END_TEST

START_TEST(end_after_shutdown)
{
	struct darn_pg_log log;
	uint64_t last;

	wal_fill(&w, w.start + SEG + 9 * PAGE);
	last = wal_checkpoint(&w, 0x00);
	pg.control.state = DARN_PG_SHUTDOWNED;
	pg.control.checkpoint_lsn = pg.control.redo_lsn = last;
	wal_save(&w);
	log = find_log();
	ck_assert(log.known && log.intact);
	ck_assert_uint_eq(log.end_lsn, w.lsn);
	ck_assert_uint_eq(log.last_record_lsn, last);
	/* a record behind it: the control file is an old one */
	wal_filler(&w, 200);
	wal_save(&w);
	log = find_log();
	ck_assert(log.known && !log.intact);
	ck_assert_uint_eq(log.end_lsn, w.lsn);
	/* no checkpoint there */
	pg.control.checkpoint_lsn = w.prev;
	log = find_log();
	ck_assert(!log.known && !log.intact);
}
END_TEST

START_TEST(end_without_control)
{
	struct darn_pg_log log;

	fill();
	wal_save(&w);
	wal_put_file(wal_name(w.start + 5 * SEG, 1), w.buf, SEG);
	pg.control = (struct darn_pg_control){.valid = false};
	log = find_log();
	ck_assert(log.known && !log.intact);
	ck_assert_uint_eq(log.end_lsn, w.lsn);
	ck_assert_uint_eq(log.tli, 1);
}
END_TEST

START_TEST(end_without_wal)
{
	struct darn_pg_log log = find_log();

	ck_assert(!log.known && !log.intact);
	pg.control = (struct darn_pg_control){.valid = false};
	log = find_log();
	ck_assert(!log.known && !log.intact);
}
END_TEST

static bool last_is(const struct darn_pg_control *c)
{
	struct darn_error err = DARN_ERROR_INIT;
	char why[160];
	bool yes;

	ck_assert_int_eq(
		darn_pg_log_last_is(wal_tree, c, &yes, why, sizeof(why), &err),
		DARN_OK);
	ck_assert_str_ne(why, "");
	return yes;
}

START_TEST(same_moment)
{
	struct darn_pg_control c;

	wal_fill(&w, w.start + SEG + 9 * PAGE);
	c = pg.control;
	c.state = DARN_PG_SHUTDOWNED;
	c.checkpoint_lsn = wal_checkpoint(&w, 0x00);
	c.raw_len = DARN_PG_CONTROL_LEN;
	memcpy(c.raw + 40, wal_at(&w, c.checkpoint_lsn) + 24 + 2, 88);
	wal_save(&w);
	ck_assert(last_is(&c));
	c.raw[100] ^= 1;
	ck_assert(!last_is(&c));
	c.raw[100] ^= 1;
	c.sysid++;
	ck_assert(!last_is(&c));
	c.sysid--;
	c.state = DARN_PG_IN_PRODUCTION;
	ck_assert(!last_is(&c));
	c.state = DARN_PG_SHUTDOWNED;
	ck_assert(last_is(&c));
	wal_filler(&w, 100);
	wal_save(&w);
	ck_assert(!last_is(&c));
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_wal_log");
	TCase *t = tcase_create("log");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_verified);
	tcase_add_test(t, record_across);
	tcase_add_test(t, header_across);
	tcase_add_test(t, later_segment_tells);
	tcase_add_test(t, control_tells);
	tcase_add_test(t, missing_segment);
	tcase_add_test(t, stray_segments);
	tcase_add_test(t, chain_across);
	tcase_add_test(t, ancestor_pages);
	tcase_add_test(t, end_after_crash);
	tcase_add_test(t, end_after_shutdown);
	tcase_add_test(t, end_without_control);
	tcase_add_test(t, end_without_wal);
	tcase_add_test(t, same_moment);
	suite_add_tcase(s, t);

	t = tcase_create("long");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup_long, teardown);
	tcase_add_test(t, very_long_record);
	suite_add_tcase(s, t);
	return s;
}
