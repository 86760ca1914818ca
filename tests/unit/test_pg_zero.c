/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pg_zero.c - where pages of zeros may be, and what else is asked of
 * pages that lie around: access methods, the free-space map, transactions.
 */
#include "tests/unit/pg_cluster.h"

#include "scanners/postgresql/am.h"
#include "scanners/postgresql/blockmap.h"
#include "scanners/postgresql/fsm.h"
#include "scanners/postgresql/xact.h"
#include "scanners/postgresql/zero.h"

enum {
	LEAF_AT = 24 + 4 + 4095
};

static struct pg_home home;

static void setup(void)
{
	pg_home_make(&home);
}

static void teardown(void)
{
	pg_home_remove(&home);
}

/*
 * A relation of @n blocks that are in use where @used has an 'x' and all zero
 * elsewhere.
 */
static void make_relation(const char *path, const char *used, unsigned special,
			  uint16_t mark)
{
	size_t n = strlen(used);
	uint8_t *all = calloc(n, DARN_PG_PAGE);

	ck_assert_ptr_nonnull(all);
	for (size_t i = 0; i < n; i++) {
		uint8_t *page = all + i * DARN_PG_PAGE;

		if (used[i] != 'x')
			continue;
		pg_empty_page(page, (uint32_t)i, 1000, special);
		if (special)
			darn_put_le16(page + DARN_PG_PAGE - 2, mark);
		darn_put_le16(page + 8, darn_pg_page_sum(page, (uint32_t)i));
	}
	pg_write(&home, path, all, n * DARN_PG_PAGE);
	free(all);
}

/* Tells the rule of zeros at [block, block + n) of @path, as a check would. */
static void zeros(const char *path, uint32_t block, uint32_t n)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_note note = {
		.path = path,
		.off = (uint64_t)block * DARN_PG_PAGE,
		.value = {(uint64_t)n * DARN_PG_PAGE},
		.kind = DARN_PG_NOTE_ZERO,
	};
	struct darn_pg_zero *z;

	pg_home_open(&home);
	ck_assert_int_eq(
		darn_pg_zero_create(home.ctx, home.tree, &home.sink, &z, &err),
		DARN_OK);
	ck_assert_int_eq(darn_pg_zero_note(z, &note, &err), DARN_OK);
	ck_assert_int_eq(darn_pg_zero_end(z, &err), DARN_OK);
	darn_pg_zero_destroy(z);
}

START_TEST(in_the_middle)
{
	static const struct {
		unsigned special;
		uint16_t mark;
		const char *id;
	} kinds[] = {
		{0, 0, "postgresql/page-zeroed"},
		{16, 0, "postgresql/page-zeroed"},	/* btree */
		{16, 0xff81, "postgresql/page-zeroed"}, /* GiST */
		{8, 0, "postgresql/page-zeroed"},	/* GIN */
		{16, 0xff80, "postgresql/page-empty"},	/* hash */
		{8, 0xff82, "postgresql/page-empty"},	/* SP-GiST */
		{24, 0, "postgresql/page-empty"},	/* not known */
	};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(kinds); i++) {
		make_relation("base/5/20000", "xx.x", kinds[i].special,
			      kinds[i].mark);
		zeros("base/5/20000", 2, 1);
		ck_assert_uint_eq(home.sink.nitems, 1);
		ck_assert_uint_eq(pg_heard(&home, kinds[i].id, "base/5/20000"),
				  1);
		ck_assert_uint_eq(home.sink.items[0].where.off,
				  2 * DARN_PG_PAGE);
		pg_home_close(&home);
	}
}
END_TEST

START_TEST(at_the_end)
{
	make_relation("base/5/20000", ".x....", 0, 0);
	zeros("base/5/20000", 2, 4);
	ck_assert_uint_eq(home.sink.nitems, 1);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-empty", NULL), 1);
	ck_assert_uint_eq(home.sink.items[0].where.len, 4 * DARN_PG_PAGE);
	pg_home_close(&home);
	/* Not the end where another segment follows. */
	make_relation("base/5/20000.1", "x", 0, 0);
	zeros("base/5/20000", 2, 4);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-zeroed", NULL), 4);
	pg_home_close(&home);
}
END_TEST

START_TEST(in_maps)
{
	make_relation("base/5/20000_fsm", "x.x", 0, 0);
	zeros("base/5/20000_fsm", 1, 1);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-empty", NULL), 1);
	ck_assert_uint_eq(home.sink.nitems, 1);
	pg_home_close(&home);
}
END_TEST

/* A leaf of the map for each block; 254 and 255 mean all free. */
START_TEST(called_free)
{
	uint8_t map[3 * DARN_PG_PAGE];

	make_relation("base/5/20000", "xx....x", 0, 0);
	for (uint32_t i = 0; i < 3; i++)
		pg_empty_page(map + i * DARN_PG_PAGE, i, 0, 0);
	map[2 * DARN_PG_PAGE + LEAF_AT + 2] = 255;
	map[2 * DARN_PG_PAGE + LEAF_AT + 3] = 253;
	map[2 * DARN_PG_PAGE + LEAF_AT + 4] = 254;
	darn_put_le16(map + 2 * DARN_PG_PAGE + 8,
		      darn_pg_page_sum(map + 2 * DARN_PG_PAGE, 2));
	pg_write(&home, "base/5/20000_fsm", map, sizeof(map));
	zeros("base/5/20000", 2, 4);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-zeroed", NULL), 2);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-empty", NULL), 2);
	pg_home_close(&home);
	/* A damaged map says nothing. */
	map[2 * DARN_PG_PAGE + 5000] ^= 1;
	pg_write(&home, "base/5/20000_fsm", map, sizeof(map));
	zeros("base/5/20000", 2, 4);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-zeroed", NULL), 4);
	pg_home_close(&home);
}
END_TEST

START_TEST(map_beyond_its_first_page)
{
	static uint8_t map[4 * DARN_PG_PAGE];
	struct darn_pg_fsm fsm = {.path = ""};

	for (uint32_t i = 0; i < 4; i++)
		pg_empty_page(map + i * DARN_PG_PAGE, i, 0, 0);
	map[3 * DARN_PG_PAGE + LEAF_AT] = 255;
	darn_put_le16(map + 3 * DARN_PG_PAGE + 8,
		      darn_pg_page_sum(map + 3 * DARN_PG_PAGE, 3));
	pg_write(&home, "base/5/20000_fsm", map, sizeof(map));
	pg_home_open(&home);
	ck_assert(darn_pg_fsm_all_free(&fsm, home.ctx, home.tree,
				       "base/5/20000", 4069));
	ck_assert(!darn_pg_fsm_all_free(&fsm, home.ctx, home.tree,
					"base/5/20000", 4068));
	ck_assert(!darn_pg_fsm_all_free(&fsm, home.ctx, home.tree,
					"base/5/20000", UINT32_MAX));
	pg_home_close(&home);
}
END_TEST

/* No row of pg_class names the file: a crash left it half made. */
START_TEST(orphan)
{
	pg_one_database(&home, 5);
	pg_one_table(&home, 20000, 1);
	make_relation("base/5/20000", "xx.x", 16, 0);
	make_relation("base/5/20001", "xx.x", 16, 0);
	zeros("base/5/20000", 2, 1);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-zeroed", NULL), 1);
	pg_home_close(&home);
	zeros("base/5/20001", 2, 1);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-zeroed", NULL), 0);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-empty", NULL), 1);
	pg_home_close(&home);
	/* Its row may be on a page that is lost, or damaged. */
	pg_resize(&home, "base/5/1259", 2 * DARN_PG_PAGE);
	zeros("base/5/20001", 2, 1);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-zeroed", NULL), 1);
	pg_home_close(&home);
	pg_write(&home, "base/5/1259", "rubbish", 7);
	pg_resize(&home, "base/5/1259", DARN_PG_PAGE);
	zeros("base/5/20001", 2, 1);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/page-zeroed", NULL), 1);
	pg_home_close(&home);
}
END_TEST

/*
 * More than can be asked: @rounds times a hash index, and a block of a table
 * that the same question has room for, where @table.
 */
static void many_zeros(unsigned rounds, bool table)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_note hash = {
		.path = "base/5/20000",
		.value = {(DARN_PG_MENTIONS_MAX - UINT64_C(1)) * DARN_PG_PAGE},
		.kind = DARN_PG_NOTE_ZERO,
	};
	struct darn_note one = {
		.path = table ? "base/5/20001" : "base/5/20000",
		.off = 2 * DARN_PG_PAGE,
		.value = {DARN_PG_PAGE},
		.kind = DARN_PG_NOTE_ZERO,
	};
	struct darn_pg_zero *z;

	pg_home_open(&home);
	((struct darn_pg *)home.ctx)->log.known = true;
	ck_assert_int_eq(
		darn_pg_zero_create(home.ctx, home.tree, &home.sink, &z, &err),
		DARN_OK);
	for (unsigned i = 0; i < rounds; i++) {
		ck_assert_int_eq(darn_pg_zero_note(z, &hash, &err), DARN_OK);
		ck_assert_int_eq(darn_pg_zero_note(z, &one, &err), DARN_OK);
	}
	ck_assert_int_eq(darn_pg_zero_end(z, &err), DARN_OK);
	darn_pg_zero_destroy(z);
}

START_TEST(too_many_to_ask)
{
	make_relation("base/5/20000", "xx.x", 16, 0xff80);
	make_relation("base/5/20001", "xx.x", 0, 0);
	many_zeros(20, true);
	ck_assert_uint_eq(darn_sink_nerrors(&home.sink), 1);
	pg_home_close(&home);
	many_zeros(20, false);
	ck_assert_uint_eq(darn_sink_nerrors(&home.sink), 0);
	pg_home_close(&home);
}
END_TEST

/* ---- blocks ---- */

START_TEST(block_map)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_pg_blockmap m = {0};
	struct darn_pg_rel rel = {.spc = 1663, .db = 5, .node = 7};
	struct darn_pg_wal_block b = {.spc = 1663, .db = 5, .node = 7};
	uint64_t v = 0;

	ck_assert(!darn_pg_blockmap_get(&m, &rel, 0, &v));
	ck_assert(!darn_pg_blockmap_touches(&m, &rel));
	for (b.block = 0; b.block < 300000; b.block++)
		ck_assert_int_eq(
			darn_pg_blockmap_put(&m, &b, b.block + 1, false, &err),
			DARN_OK);
	ck_assert(m.full); /* and what it has is right */
	for (uint32_t i = 0; i < 300000; i++)
		if (darn_pg_blockmap_get(&m, &rel, i, &v))
			ck_assert_uint_eq(v, i + 1);
	ck_assert(darn_pg_blockmap_get(&m, &rel, 0, &v));
	ck_assert(darn_pg_blockmap_touches(&m, &rel));
	rel.fork = DARN_PG_VM;
	ck_assert(!darn_pg_blockmap_get(&m, &rel, 0, &v));
	rel.fork = DARN_PG_MAIN;
	b.block = 0;
	ck_assert_int_eq(darn_pg_blockmap_put(&m, &b, 99, true, &err), DARN_OK);
	ck_assert(darn_pg_blockmap_get(&m, &rel, 0, &v) && v == 1);
	ck_assert_int_eq(darn_pg_blockmap_put(&m, &b, 99, false, &err),
			 DARN_OK);
	ck_assert(darn_pg_blockmap_get(&m, &rel, 0, &v) && v == 99);
	rel.node = 8;
	ck_assert(!darn_pg_blockmap_get(&m, &rel, 0, &v));
	darn_pg_blockmap_release(&m);
}
END_TEST

/* ---- rows ---- */

enum {
	COMMITTED_XID = 701,
	ABORTED_XID = 702,
	DEAD_XID = 703, /* neither: its server died */
	SUB_XID = 704,
};

START_TEST(rows)
{
	static const struct {
		uint32_t xmin, xmax;
		uint16_t flags;
		bool current;
	} tuples[] = {
		{COMMITTED_XID, 0, 0x0800, true},
		{ABORTED_XID, 0, 0x0800, false},
		{DEAD_XID, 0, 0x0800, false},
		{SUB_XID, 0, 0x0800, false},
		{2, 0, 0x0800, true},		/* frozen long ago */
		{ABORTED_XID, 0, 0x0b00, true}, /* frozen */
		{ABORTED_XID, 0, 0x0900, true}, /* hinted */
		{COMMITTED_XID, 0, 0x0a00, false},
		{COMMITTED_XID, COMMITTED_XID, 0, false},
		{COMMITTED_XID, ABORTED_XID, 0, true},
		{COMMITTED_XID, DEAD_XID, 0, true},
		{COMMITTED_XID, SUB_XID, 0, false},
		{COMMITTED_XID, COMMITTED_XID, 0x0400, false},
		{COMMITTED_XID, COMMITTED_XID, 0x0080, true},  /* lock */
		{COMMITTED_XID, COMMITTED_XID, 0x0040, true},  /* lock */
		{COMMITTED_XID, COMMITTED_XID, 0x1000, false}, /* multi */
		{COMMITTED_XID, COMMITTED_XID, 0x1080, true},
		{2000000000, 0, 0x0800, false}, /* not used yet */
	};
	struct darn_pg_xact x = {.loaded = false};
	uint8_t page[DARN_PG_PAGE] = {0};
	uint8_t tuple[32] = {0};
	size_t columns = 0;

	page[COMMITTED_XID / 4] |= 1 << COMMITTED_XID % 4 * 2;
	page[ABORTED_XID / 4] |= 2 << ABORTED_XID % 4 * 2;
	page[SUB_XID / 4] |= 3 << SUB_XID % 4 * 2;
	pg_write(&home, "pg_xact/0000", page, sizeof(page));
	pg_home_open(&home);
	x.pg = home.ctx;
	x.t = home.tree;
	ck_assert_uint_gt(x.pg->control.next_xid, SUB_XID);
	for (size_t i = 0; i < DARN_ARRAY_SIZE(tuples); i++) {
		darn_put_le32(tuple, tuples[i].xmin);
		darn_put_le32(tuple + 4, tuples[i].xmax);
		darn_put_le16(tuple + 20, tuples[i].flags);
		tuple[22] = 24;
		ck_assert_msg(darn_pg_tuple_current(&x, tuple, sizeof(tuple),
						    &columns) ==
				      tuples[i].current,
			      "%zu", i);
		ck_assert_uint_eq(columns, 24);
	}
	/* Hostile offsets. */
	darn_put_le32(tuple, 2);
	darn_put_le16(tuple + 20, 0x0800);
	tuple[22] = 33;
	ck_assert(!darn_pg_tuple_current(&x, tuple, 32, &columns));
	tuple[22] = 22;
	ck_assert(!darn_pg_tuple_current(&x, tuple, 32, &columns));
	for (size_t len = 0; len < 23; len++)
		ck_assert(!darn_pg_tuple_current(&x, tuple, len, &columns));
	pg_home_close(&home);
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_zero");
	TCase *t = tcase_create("rules");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, in_the_middle);
	tcase_add_test(t, at_the_end);
	tcase_add_test(t, in_maps);
	tcase_add_test(t, called_free);
	tcase_add_test(t, map_beyond_its_first_page);
	tcase_add_test(t, orphan);
	tcase_add_test(t, too_many_to_ask);
	tcase_add_test(t, block_map);
	tcase_add_test(t, rows);
	suite_add_tcase(s, t);
	return s;
}
