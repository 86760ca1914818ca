/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pg_wal.c - the format "wal": every bit and every cut of a real segment's
 * start, and the ways in which a log ends or breaks, on segments made by hand.
 *
 * Bits that no check can cover: the flag 0x04 in the header of each page ("may
 * be removed"), and the bytes of a last record whose end is not there.
 */
#include "tests/unit/pg_wal.h"

enum {
	REAL_LEN = 16384,
	REAL_SEG = 16 << 20,
	FLAG_REMOVABLE = 0x04,
};

static uint8_t real[REAL_LEN];
static struct darn_pg real_pg;
static struct darn_sink *sink;

#define REAL_NAME "pg_wal/000000010000000000000001"

static void setup(void)
{
	struct darn_error err = DARN_ERROR_INIT;
	FILE *f =
		fopen("tests/unit/data/postgresql/pg15_wal_first16k.bin", "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(real, 1, REAL_LEN, f), REAL_LEN);
	ck_assert_int_eq(fclose(f), 0);
	wal_setup();
	real_pg = wal_cluster(REAL_SEG, REAL_SEG + REAL_LEN);
	real_pg.control.wal_segment_size = REAL_SEG;
	real_pg.control.sysid = darn_get_le64(real + 24);
	sink = darn_sink_create(&err);
	ck_assert_ptr_nonnull(sink);
}

static void teardown(void)
{
	darn_sink_destroy(sink);
	wal_teardown();
}

static void check_real(size_t len, size_t step)
{
	darn_sink_clear(sink);
	wal_check_as(&real_pg, REAL_NAME, real, len, step, sink);
}

/* ---- a real segment's first two pages ---- */

START_TEST(real_is_good)
{
	check_real(REAL_LEN, REAL_LEN);
	ck_assert_uint_eq(wal_count(sink, "wal-cut"), 1);
	ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	/* all but the start of the record that runs into the third page */
	ck_assert_uint_gt(darn_sink_verified_len(sink), PAGE);
}
END_TEST

START_TEST(real_every_bit)
{
	size_t covered, uncovered = 0;

	check_real(REAL_LEN, REAL_LEN);
	covered = (size_t)darn_sink_verified_len(sink);
	ck_assert(darn_sink_covers(sink, 0, covered));
	for (size_t bit = 0; bit < covered * 8; bit++) {
		size_t at = bit / 8;

		real[at] ^= (uint8_t)(1u << (bit % 8));
		check_real(REAL_LEN, REAL_LEN);
		real[at] ^= (uint8_t)(1u << (bit % 8));
		if (at % PAGE == 2 && 1u << (bit % 8) == FLAG_REMOVABLE) {
			uncovered++;
			continue;
		}
		if (!wal_damaged(sink, at))
			ck_abort_msg("byte %zu bit %zu: not found", at,
				     bit % 8);
	}
	ck_assert_uint_eq(uncovered, 2);
}
END_TEST

START_TEST(real_every_cut)
{
	for (size_t len = 0; len <= REAL_LEN; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, real, len);
		darn_sink_clear(sink);
		wal_check_as(&real_pg, REAL_NAME, copy, len, REAL_LEN, sink);
		ck_assert_uint_eq(wal_count(sink, "wal-cut"), 1);
		ck_assert_uint_le(darn_sink_verified_len(sink), len);
		free(copy);
	}
}
END_TEST

/* Chunks that are no whole pages change nothing. */
START_TEST(real_any_chunk)
{
	uint64_t verified;

	check_real(REAL_LEN, REAL_LEN);
	verified = darn_sink_verified_len(sink);
	for (size_t step = 1; step < REAL_LEN; step += step / 3 + 1) {
		check_real(REAL_LEN, step);
		ck_assert_uint_eq(darn_sink_verified_len(sink), verified);
		ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	}
}
END_TEST

START_TEST(probe_knows_it)
{
	uint8_t zero[64] = {0};

	ck_assert_uint_ge(darn_pg_format_wal.probe(real, 4096, REAL_SEG), 80);
	for (size_t len = 0; len < 40; len++)
		ck_assert_uint_eq(darn_pg_format_wal.probe(real, len, REAL_SEG),
				  0);
	ck_assert_uint_eq(darn_pg_format_wal.probe(zero, 64, REAL_SEG), 0);
}
END_TEST

/* ---- how a log ends ---- */

static struct wal w;

static void setup_made(void)
{
	setup();
	w = wal_new(1);
}

static void teardown_made(void)
{
	free(w.buf);
	teardown();
}

/* The only segment of a server that was killed. */
static void check_made(void)
{
	struct darn_pg pg = wal_cluster(w.start + 40, w.start + 40);
	struct darn_sink *one[1];
	struct darn_sink *joined;
	struct darn_error err = DARN_ERROR_INIT;

	wal_save(&w);
	joined = darn_sink_create(&err);
	wal_check_all(&w, &pg, one, joined);
	/* one sink for both: what the join says is about this segment too */
	darn_sink_destroy(sink);
	sink = one[0];
	for (size_t i = 0; i < darn_sink_nfound(joined); i++) {
		struct darn_found f = darn_sink_found(joined, i);

		darn_sink_report(
			sink, f.code,
			(struct darn_place){.off = f.off, .len = f.len}, NULL);
	}
	darn_sink_destroy(joined);
}

START_TEST(end_in_zeroes)
{
	wal_fill(&w, w.start + 40 * PAGE + 3000);
	check_made();
	ck_assert_uint_eq(darn_sink_nfound(sink), 0);
	ck_assert_uint_eq(darn_sink_verified_len(sink), w.lsn - w.start);
	ck_assert_ptr_nonnull(darn_sink_first_reason(sink));
}
END_TEST

/* What follows is an older use of the file: other addresses. */
START_TEST(end_in_recycled)
{
	struct wal old = wal_new(1);
	size_t used;

	old.start -= 3 * (uint64_t)SEG;
	old.lsn = old.start;
	wal_fill(&old, old.start + SEG - 2000);
	wal_fill(&w, w.start + 40 * PAGE + 3000);
	used = (size_t)(w.lsn - w.start + PAGE - 1) / PAGE * PAGE;
	memcpy(w.buf + used, old.buf + used, SEG - used);
	check_made();
	ck_assert_uint_eq(darn_sink_nfound(sink), 0);
	ck_assert_uint_eq(darn_sink_verified_len(sink), w.lsn - w.start);
	free(old.buf);
}
END_TEST

START_TEST(end_torn)
{
	uint64_t lsn;

	wal_fill(&w, w.start + 40 * PAGE + 3000);
	lsn = wal_filler(&w, 3 * PAGE);
	memset(wal_at(&w, (lsn / PAGE + 2) * PAGE), 0, 3 * PAGE);
	check_made();
	ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	ck_assert_uint_eq(wal_count(sink, "wal-torn-tail"), 1);
	ck_assert_uint_eq(darn_sink_found(sink, 0).off, lsn - w.start);
}
END_TEST

/* A record that was never copied into the page, with good ones behind it. */
START_TEST(end_with_hole)
{
	uint64_t lsn;

	wal_fill(&w, w.start + 40 * PAGE + 3000);
	lsn = wal_filler(&w, 300);
	wal_filler(&w, 100);
	memset(wal_at(&w, lsn) + 100, 0, 200);
	check_made();
	ck_assert_uint_eq(wal_count(sink, "wal-hole"), 1);
	ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	/* but a flipped bit in its middle is no such hole */
	memset(wal_at(&w, lsn), 0, 400);
	w.lsn = lsn;
	w.prev = darn_get_le64(wal_at(&w, w.prev) + 8);
	wal_filler(&w, 300);
	wal_filler(&w, 100);
	*(wal_at(&w, lsn) + 100) ^= 1;
	check_made();
	ck_assert_uint_eq(wal_count(sink, "wal-record"), 1);
	ck_assert(wal_damaged(sink, lsn + 100 - w.start));
}
END_TEST

/* ---- how it breaks ---- */

START_TEST(zeroed_pages)
{
	wal_fill(&w, w.start + SEG / 2);
	memset(w.buf + 20 * PAGE, 0, 3 * PAGE);
	check_made();
	ck_assert_uint_eq(wal_count(sink, "wal-page"), 1);
	ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	for (size_t p = 20; p < 23; p++)
		ck_assert(wal_damaged(sink, p * PAGE));
	ck_assert(!wal_damaged(sink, 24 * PAGE));
	/* resynchronised: nearly all the rest is verified */
	ck_assert_uint_gt(darn_sink_verified_len(sink),
			  w.lsn - w.start - 5 * PAGE);
}
END_TEST

/* 512 zeroed bytes anywhere, also in the last page and over its records. */
START_TEST(zeroed_sectors)
{
	uint8_t saved[512];
	size_t used;

	wal_fill(&w, w.start + 3 * PAGE + 5000);
	used = (size_t)(w.lsn - w.start);
	for (size_t off = 0; off + 512 + 800 < used; off += 512) {
		memcpy(saved, w.buf + off, 512);
		memset(w.buf + off, 0, 512);
		check_made();
		memcpy(w.buf + off, saved, 512);
		if (!darn_sink_bad(sink))
			ck_abort_msg("zeroes at %zu: not found", off);
	}
}
END_TEST

START_TEST(all_damage_in_one_run)
{
	unsigned planted = 0;

	wal_fill(&w, w.start + SEG - 2 * PAGE);
	for (size_t page = 3; page < 120; page += 4, planted++)
		w.buf[page * PAGE + 4321] ^= 0x10;
	check_made();
	ck_assert_uint_eq(darn_sink_nfound(sink), planted);
	for (size_t page = 3; page < 120; page += 4)
		ck_assert(wal_damaged(sink, page * PAGE + 4321));
	ck_assert_uint_gt(darn_sink_verified_len(sink),
			  w.lsn - w.start - planted * 1500);
}
END_TEST

/* A length that lies loses no more than the page. */
START_TEST(length_lies)
{
	static const uint32_t lengths[] = {
		0,	   1,	 23,	  24,	   25,
		4096,	   8192, 1 << 20, 1 << 30, (1 << 30) + 1,
		UINT32_MAX};
	uint64_t lsn;

	wal_fill(&w, w.start + 9 * PAGE + 100);
	lsn = wal_filler(&w, 123);
	wal_fill(&w, w.start + 20 * PAGE);
	for (size_t i = 0; i < DARN_ARRAY_SIZE(lengths); i++) {
		darn_put_le32(wal_at(&w, lsn), lengths[i]);
		check_made();
		ck_assert(wal_damaged(sink, lsn - w.start));
		ck_assert(!wal_damaged(sink, 11 * PAGE));
		ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	}
}
END_TEST

START_TEST(remaining_length_lies)
{
	static const uint32_t rems[] = {0, 1, 7, 8, 4096, 1 << 30, UINT32_MAX};

	wal_fill(&w, w.start + 20 * PAGE);
	for (size_t i = 0; i < DARN_ARRAY_SIZE(rems); i++) {
		uint8_t *p = w.buf + 9 * PAGE;
		uint32_t was = darn_get_le32(p + 16);

		darn_put_le32(p + 16, rems[i]);
		check_made();
		darn_put_le32(p + 16, was);
		ck_assert(wal_damaged(sink, 9 * PAGE + 16));
		ck_assert(!wal_damaged(sink, 11 * PAGE));
	}
}
END_TEST

/* A page of the right place from another time: good records, wrong link. */
START_TEST(stale_page)
{
	struct wal other = wal_new(1);

	wal_fill(&w, w.start + 9 * PAGE);
	other.lsn = other.start;
	wal_filler(&other, 500);
	wal_fill(&other, other.start + 9 * PAGE);
	wal_fill(&w, w.start + 20 * PAGE);
	memcpy(w.buf + 5 * PAGE, other.buf + 5 * PAGE, PAGE);
	check_made();
	ck_assert(darn_sink_bad(sink));
	ck_assert(wal_damaged(sink, 5 * PAGE));
	free(other.buf);
}
END_TEST

START_TEST(padding_not_zero)
{
	uint64_t lsn = 0;

	wal_fill(&w, w.start + 9 * PAGE + 100);
	lsn = wal_filler(&w, 121);
	wal_fill(&w, w.start + 20 * PAGE);
	*(wal_at(&w, lsn) + 125) = 1;
	check_made();
	ck_assert_uint_eq(wal_count(sink, "wal-padding"), 1);
	ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	ck_assert(wal_damaged(sink, lsn + 125 - w.start));
}
END_TEST

/* After a switch of segments the rest is zero, and nothing else. */
START_TEST(switched)
{
	wal_fill(&w, w.start + 9 * PAGE + 100);
	wal_record(&w, 0, 0x40, "", 0);
	check_made();
	ck_assert_uint_eq(darn_sink_nfound(sink), 0);
	ck_assert_uint_eq(darn_sink_verified_len(sink), SEG);
	w.buf[15 * PAGE + 5] = 1;
	w.buf[9 * PAGE + 8000] = 1;
	check_made();
	ck_assert_uint_eq(wal_count(sink, "wal-padding"), 2);
	ck_assert(wal_damaged(sink, 15 * PAGE + 5));
	ck_assert(wal_damaged(sink, 9 * PAGE + 8000));
}
END_TEST

/* A record that a crash cut short and a recovery gave up. */
static uint64_t make_given_up(void)
{
	uint8_t body[2 + 16] = {255, 16};
	uint64_t lsn, prev;

	wal_fill(&w, w.start + 9 * PAGE + 100);
	prev = w.prev;
	lsn = wal_filler(&w, 5 * PAGE);
	/* two of its pages were written */
	memset(w.buf + 11 * PAGE, 0, SEG - 11 * PAGE);
	w.lsn = w.start + 11 * PAGE;
	w.prev = prev;
	wal_page_header(&w, 8, 0);
	darn_put_le64(body + 2, lsn);
	wal_record(&w, 0, 0xD0, body, sizeof(body));
	wal_fill(&w, w.start + 20 * PAGE);
	return lsn;
}

START_TEST(given_up_record)
{
	uint64_t lsn = make_given_up();

	check_made();
	ck_assert_uint_eq(darn_sink_nfound(sink), 0);
	ck_assert(!darn_sink_covers(sink, lsn - w.start, 1));
	ck_assert(darn_sink_covers(sink, 11 * PAGE, PAGE));
	/* the flag alone is not enough: the record must name the one */
	w.buf[11 * PAGE + 24 + 24 + 2] ^= 8;
	check_made();
	ck_assert(wal_damaged(sink, 11 * PAGE + 24 + 24 + 2));
}
END_TEST

START_TEST(flag_of_no_given_up_record)
{
	wal_fill(&w, w.start + 20 * PAGE);
	for (size_t page = 0; page < 19; page++) {
		w.buf[page * PAGE + 2] ^= 8;
		check_made();
		w.buf[page * PAGE + 2] ^= 8;
		if (!wal_damaged(sink, page * PAGE + 2))
			ck_abort_msg("flag of page %zu: not found", page);
	}
}
END_TEST

START_TEST(too_long_a_file)
{
	uint8_t *big = calloc(1, SEG + 512);
	struct darn_pg pg = wal_cluster(w.start + 40, w.start + 40);

	ck_assert_ptr_nonnull(big);
	wal_fill(&w, w.start + 20 * PAGE);
	memcpy(big, w.buf, SEG);
	wal_check_as(&pg, wal_name(w.start, 1), big, SEG + 512, SEG, sink);
	ck_assert_uint_eq(wal_count(sink, "wal-long"), 1);
	ck_assert_uint_eq(darn_sink_nfound(sink), 1);
	free(big);
}
END_TEST

/* A size that the first page and the file do not agree on. */
START_TEST(segment_size_lies)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		wal_fill(&w, w.start + 3 * PAGE);
		darn_put_le32(w.buf + 32, (uint32_t)SEG ^ 1u << bit);
		check_made();
		ck_assert(wal_damaged(sink, 32));
		darn_sink_clear(sink);
		/* and with nothing but the file itself to go by */
		wal_check_as(NULL, "stray", w.buf, SEG, SEG, sink);
	}
}
END_TEST

/* Sectors that the medium would not give. */
START_TEST(unreadable_holes)
{
	struct darn_pg pg = wal_cluster(w.start + 40, w.start + 40);
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_file f = {.path = wal_name(w.start, 1),
			      .tree = wal_tree,
			      .st = {.type = DARN_FT_FILE, .size = SEG}};
	static const size_t cuts[] = {
		0, 9 * PAGE + 1024, 9 * PAGE + 1536, 30 * PAGE, 31 * PAGE, SEG};
	void *ctx, *stream;

	wal_fill(&w, w.start + 60 * PAGE);
	ck_assert_int_eq(darn_io_open_memory(w.buf, SEG, "wal", &f.io, &err),
			 DARN_OK);
	ck_assert_int_eq(darn_pg_format_wal.open(&f, &pg, sink, &ctx, &err),
			 DARN_OK);
	ck_assert_int_eq(darn_pg_format_wal.begin(ctx, &stream, &err), DARN_OK);
	for (size_t i = 0; i + 1 < DARN_ARRAY_SIZE(cuts); i++) {
		struct darn_chunk c = {.buf = i % 2 ? NULL : w.buf + cuts[i],
				       .off = cuts[i],
				       .len = cuts[i + 1] - cuts[i],
				       .file_size = SEG};

		ck_assert_int_eq(
			darn_pg_format_wal.feed(stream, &c, sink, &err),
			DARN_OK);
	}
	ck_assert_int_eq(darn_pg_format_wal.end(stream, sink, &err), DARN_OK);
	darn_pg_format_wal.close(ctx);
	darn_io_close(f.io);
	ck_assert_uint_eq(darn_sink_nfound(sink), 2);
	ck_assert(wal_damaged(sink, 9 * PAGE + 1024));
	ck_assert(wal_damaged(sink, 30 * PAGE));
	ck_assert(darn_sink_covers(sink, 40 * PAGE, 19 * PAGE));
}
END_TEST

/* ---- the shutdown that the control file tells of ---- */

START_TEST(clean_end)
{
	struct darn_pg pg;
	uint64_t last;

	wal_fill(&w, w.start + 20 * PAGE);
	last = wal_checkpoint(&w, 0x00);
	pg = wal_cluster(last, last);
	pg.control.state = DARN_PG_SHUTDOWNED;
	wal_check_as(&pg, wal_name(w.start, 1), w.buf, SEG, SEG, sink);
	ck_assert_uint_eq(darn_sink_nfound(sink), 0);
	ck_assert_uint_eq(darn_sink_verified_len(sink), w.lsn - w.start);
	/* its last record must be good */
	*(wal_at(&w, last) + 40) ^= 1;
	wal_check_as(&pg, wal_name(w.start, 1), w.buf, SEG, SEG, sink);
	ck_assert_uint_eq(wal_count(sink, "wal-record"), 1);
	*(wal_at(&w, last) + 40) ^= 1;
	/* and the last */
	darn_sink_clear(sink);
	wal_filler(&w, 100);
	wal_check_as(&pg, wal_name(w.start, 1), w.buf, SEG, SEG, sink);
	ck_assert_uint_eq(wal_count(sink, "wal-after-shutdown"), 1);
}
END_TEST

/* ---- nonsense ---- */

START_TEST(garbage)
{
	struct darn_pg pg = wal_cluster(w.start + 40, w.start + 40);
	uint32_t seed = 7;

	for (unsigned round = 0; round < 60; round++) {
		size_t len = (seed >> 8) % (5 * PAGE);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525u + 1013904223u;
			w.buf[i] = (uint8_t)(seed >> 24);
		}
		if (round % 2) /* garbage behind a right header */
			for (size_t p = 0; p * PAGE + 40 < len; p++) {
				w.lsn = w.start + p * PAGE;
				wal_page_header(&w, 0, seed >> 16);
			}
		darn_sink_clear(sink);
		wal_check_as(round % 3 ? &pg : NULL, wal_name(w.start, 1),
			     w.buf, len, SEG, sink);
		ck_assert_uint_eq(wal_count(sink, "wal-cut"), 1);
	}
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_wal");
	TCase *t = tcase_create("real");

	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, real_is_good);
	tcase_add_test(t, real_every_bit);
	tcase_add_test(t, real_every_cut);
	tcase_add_test(t, real_any_chunk);
	tcase_add_test(t, probe_knows_it);
	suite_add_tcase(s, t);

	t = tcase_create("made");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup_made, teardown_made);
	tcase_add_test(t, end_in_zeroes);
	tcase_add_test(t, end_in_recycled);
	tcase_add_test(t, end_torn);
	tcase_add_test(t, end_with_hole);
	tcase_add_test(t, zeroed_pages);
	tcase_add_test(t, zeroed_sectors);
	tcase_add_test(t, all_damage_in_one_run);
	tcase_add_test(t, length_lies);
	tcase_add_test(t, remaining_length_lies);
	tcase_add_test(t, stale_page);
	tcase_add_test(t, padding_not_zero);
	tcase_add_test(t, switched);
	tcase_add_test(t, given_up_record);
	tcase_add_test(t, flag_of_no_given_up_record);
	tcase_add_test(t, too_long_a_file);
	tcase_add_test(t, segment_size_lies);
	tcase_add_test(t, unreadable_holes);
	tcase_add_test(t, clean_end);
	tcase_add_test(t, garbage);
	suite_add_tcase(s, t);
	return s;
}
