/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pg_wal_walk.c - reading the log in order, and the blocks that it
 * mentions.
 */
#include "tests/unit/pg_wal.h"

static struct wal w;
static struct darn_pg pg;

static void setup(void)
{
	wal_setup();
	w = wal_new(3);
	pg = wal_cluster(w.start + 40, w.start + 40);
}

static void teardown(void)
{
	free(w.buf);
	wal_teardown();
}

/* ---- the walk ---- */

struct seen {
	uint64_t n, first, last;
	uint32_t longest;
	bool truncated;
};

static enum darn_rc see(const struct darn_pg_record *r, void *payload,
			struct darn_error *err)
{
	struct seen *s = payload;

	(void)err;
	ck_assert(r->understood);
	ck_assert_uint_ge(r->end_lsn, r->lsn + r->length);
	if (s->n++ == 0)
		s->first = r->lsn;
	else
		ck_assert_uint_eq(r->prev, s->last);
	s->last = r->lsn;
	s->longest = DARN_MAX(s->longest, r->length);
	s->truncated |= r->truncated;
	if (r->main_data && r->rmid == 21)
		ck_assert_uint_eq(r->main_data[0], (uint8_t)(5 * 7 + 1));
	return DARN_OK;
}

static struct seen walk_from(uint64_t lsn, uint32_t segsize)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct seen s = {.n = 0};

	ck_assert_int_eq(
		darn_pg_wal_walk(wal_tree, 1, lsn, segsize, see, &s, &err),
		DARN_OK);
	return s;
}

START_TEST(walk_sees_all)
{
	uint64_t lsn[2000], n = 0;
	struct seen s;

	while (w.lsn < w.start + 2 * SEG + 9 * PAGE)
		lsn[n] = wal_filler(&w, 29 + (n * 977) % 5000), n++;
	wal_save(&w);
	s = walk_from(w.start, SEG);
	ck_assert_uint_eq(s.n, n);
	ck_assert_uint_eq(s.first, lsn[0]);
	ck_assert_uint_eq(s.last, lsn[n - 1]);
	/* from any record on, and from between two */
	for (size_t i = 0; i < n; i += 41) {
		s = walk_from(lsn[i], 0);
		ck_assert_uint_eq(s.n, n - i);
		ck_assert_uint_eq(s.first, lsn[i]);
	}
	s = walk_from(lsn[77] + 8, SEG);
	ck_assert_uint_eq(s.first, lsn[78]);
	/* from where the log ends, and from nowhere */
	ck_assert_uint_eq(walk_from(w.lsn, SEG).n, 0);
	ck_assert_uint_eq(walk_from(w.start + 50 * SEG, SEG).n, 0);
	ck_assert_uint_eq(walk_from(UINT64_MAX - 3, SEG).n, 0);
	/* up to damage */
	*wal_at(&w, lsn[n / 2] + 25) ^= 1;
	wal_save(&w);
	ck_assert_uint_eq(walk_from(w.start, SEG).n, n / 2);
}
END_TEST

START_TEST(walk_long_records)
{
	struct seen s;

	wal_filler(&w, 1000);
	wal_filler(&w, DARN_PG_WAL_BODY + 24);
	s.longest = 0;
	wal_save(&w);
	s = walk_from(w.start, SEG);
	ck_assert_uint_eq(s.n, 2);
	ck_assert(!s.truncated);
	wal_filler(&w, DARN_PG_WAL_BODY + 25);
	wal_save(&w);
	s = walk_from(w.start, SEG);
	ck_assert_uint_eq(s.n, 3);
	ck_assert(s.truncated);
	ck_assert_uint_eq(s.longest, DARN_PG_WAL_BODY + 25);
}
END_TEST

START_TEST(oldest_run)
{
	struct darn_error err = DARN_ERROR_INIT;
	uint64_t lsn;

	wal_fill(&w, w.start + 2 * SEG + SEG / 2);
	wal_save(&w);
	ck_assert_int_eq(darn_pg_wal_oldest(wal_tree, 1, SEG, &lsn, &err),
			 DARN_OK);
	ck_assert_uint_eq(lsn, w.start);
	wal_remove(wal_name(w.start + SEG, 1));
	ck_assert_int_eq(darn_pg_wal_oldest(wal_tree, 1, 0, &lsn, &err),
			 DARN_OK);
	ck_assert_uint_eq(lsn, w.start + 2 * SEG);
	/* a file that is kept for later use does not count */
	wal_put_file(wal_name(w.start + 9 * SEG, 1), w.buf, SEG);
	ck_assert_int_eq(darn_pg_wal_oldest(wal_tree, 1, SEG, &lsn, &err),
			 DARN_OK);
	ck_assert_uint_eq(lsn, w.start + 2 * SEG);
	ck_assert_int_eq(darn_pg_wal_oldest(wal_tree, 7, SEG, &lsn, &err),
			 DARN_OK);
	ck_assert_uint_eq(lsn, 0);
}
END_TEST

/* ---- blocks ---- */

static void put_rel(uint8_t *p, uint32_t db, uint32_t node)
{
	darn_put_le32(p, 1663);
	darn_put_le32(p + 4, db);
	darn_put_le32(p + 8, node);
}

/* A heap insert into a block of the main fork. */
static uint64_t put_change(uint32_t node, uint32_t block)
{
	uint8_t body[1 + 3 + 12 + 4 + 2 + 8 + 3] = {0, 0x20, 8, 0};

	put_rel(body + 4, 5, node);
	darn_put_le32(body + 16, block);
	body[20] = 255;
	body[21] = 3;
	return wal_record(&w, 10, 0, body, 22 + 8 + 3);
}

static uint64_t answer(uint32_t node, uint32_t block)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_pg_mention m[3] = {
		{.spc = 1663, .db = 5, .node = node, .block = block},
		{.spc = 1663, .db = 5, .node = 1, .block = 0},
		{.spc = 1663, .db = 5, .node = 99999, .block = 9}};

	wal_save(&w);
	ck_assert_int_eq(
		darn_pg_wal_mentions(wal_tree, &pg.control, m, 3, &err),
		DARN_OK);
	for (size_t i = 0; i < 3; i++)
		if (m[i].node == node)
			return m[i].lsn;
	ck_abort_msg("lost");
}

START_TEST(mentions)
{
	uint8_t truncate[2 + 4 + 12 + 4] = {255, 20};
	uint8_t commit[2 + 8 + 4 + 8 + 4 + 8 + 4 + 12] = {255, 48};
	uint8_t create[2 + 12 + 4] = {255, 16};
	uint8_t drop[2 + 12] = {255, 12};

	wal_fill(&w, w.start + 2 * SEG + SEG / 2);
	put_change(16384, 7);
	ck_assert_uint_eq(answer(16384, 7), w.lsn);
	ck_assert_uint_eq(answer(16384, 8), 0);
	ck_assert_uint_eq(answer(16385, 7), 0);

	darn_put_le32(truncate + 2, 8);
	put_rel(truncate + 6, 5, 16384);
	darn_put_le32(truncate + 18, 7);
	wal_record(&w, 2, 0x20, truncate, sizeof(truncate));
	ck_assert_uint_ne(answer(16384, 7), 0);
	darn_put_le32(truncate + 2, 7);
	wal_record(&w, 2, 0x20, truncate, sizeof(truncate));
	ck_assert_uint_eq(answer(16384, 7), 0);

	put_change(16384, 7);
	put_change(16385, 3);
	/* xinfo: database, two subtransactions, one relation */
	darn_put_le32(commit + 10, 1 | 2 | 4);
	darn_put_le32(commit + 22, 2);
	darn_put_le32(commit + 34, 1);
	put_rel(commit + 38, 5, 16384);
	wal_record(&w, 1, 0x80, commit, sizeof(commit));
	ck_assert_uint_eq(answer(16384, 7), 0);
	ck_assert_uint_ne(answer(16385, 3), 0);

	put_rel(create + 2, 5, 16385);
	wal_record(&w, 2, 0x10, create, sizeof(create));
	ck_assert_uint_eq(answer(16385, 3), 0);

	put_change(16386, 0);
	ck_assert_uint_ne(answer(16386, 0), 0);
	darn_put_le32(drop + 2, 5);
	wal_record(&w, 4, 0x20, drop, sizeof(drop));
	ck_assert_uint_eq(answer(16386, 0), 0);
}
END_TEST

/* Behind a break the walk goes on, but nothing from before it counts. */
START_TEST(mentions_over_a_break)
{
	size_t at;

	wal_fill(&w, w.start + 9 * PAGE);
	put_change(16384, 1);
	wal_fill(&w, w.start + 20 * PAGE);
	at = (size_t)(w.lsn - w.start);
	wal_fill(&w, w.start + 30 * PAGE);
	put_change(16384, 2);
	ck_assert_uint_ne(answer(16384, 1), 0);
	w.buf[at + 40] ^= 1;
	ck_assert_uint_eq(answer(16384, 1), 0);
	ck_assert_uint_ne(answer(16384, 2), 0);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_wal_walk");
	TCase *t = tcase_create("walk");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, walk_sees_all);
	tcase_add_test(t, walk_long_records);
	tcase_add_test(t, oldest_run);
	tcase_add_test(t, mentions);
	tcase_add_test(t, mentions_over_a_break);
	suite_add_tcase(s, t);
	return s;
}
