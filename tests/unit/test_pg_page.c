/* SPDX-License-Identifier: Apache-2.0 */
/* test_pg_page.c - pages written by a real server, and every damage to one. */
#include "tests/unit/pg_check.h"

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "scanners/postgresql/am.h"

static const struct {
	const char *file, *path;
	uint64_t block; /* within the segment */
} vectors[] = {
	{"pg15_heap_b1000.bin", "base/5/16384", 1000},
	{"pg15_btree_b200.bin", "base/5/16385", 200},
	{"pg15_fsm_b0.bin", "base/5/16384_fsm", 0},
	{"pg15_vm_b0.bin", "base/5/16384_vm", 0},
	{"pg15_seg1_b131072.bin", "base/5/16384.1", 0},
};

static const struct darn_pg cluster = {
	.sums = DARN_PG_SUMS_ON,
	.checked = true,
	.segment_blocks = DARN_PG_SEG_BLOCKS,
	.max_lsn = UINT64_MAX,
};

static struct pg_told run(const struct darn_pg *pg, int i, const uint8_t *page,
			  size_t len)
{
	uint64_t off = vectors[i].block * DARN_PG_PAGE;

	return pg_run(&darn_pg_format_page, pg, vectors[i].path, off + len, off,
		      page, len);
}

START_TEST(intact)
{
	uint8_t page[DARN_PG_PAGE];
	struct pg_told t;

	ck_assert_uint_eq(pg_vector(vectors[_i].file, page, sizeof(page)),
			  sizeof(page));
	t = run(&cluster, _i, page, sizeof(page));
	ck_assert_uint_eq(t.nfindings, 0);
	ck_assert(t.verified);
}
END_TEST

/*
 * A 16-bit checksum over 65536 bits: by chance about one flipped bit of each
 * page leaves it as it was.  These are the ones; the server does not see them
 * either.
 */
static const struct {
	int vector;
	size_t bit;
} unseen[] = {
	{0, 16583}, {0, 27990}, {3, 61548}, {4, 2971}, {4, 55694},
};

static bool is_unseen(int vector, size_t bit)
{
	for (size_t i = 0; i < DARN_ARRAY_SIZE(unseen); i++)
		if (unseen[i].vector == vector && unseen[i].bit == bit)
			return true;
	return false;
}

START_TEST(every_bit)
{
	uint8_t page[DARN_PG_PAGE];

	pg_vector(vectors[_i].file, page, sizeof(page));
	for (size_t bit = 0; bit < 8 * sizeof(page); bit++) {
		struct pg_told t;
		bool seen;

		page[bit / 8] ^= (uint8_t)(1u << bit % 8);
		t = run(&cluster, _i, page, sizeof(page));
		seen = t.nfindings == 1 && t.code->severity == DARN_DAMAGED &&
		       t.where.len == DARN_PG_PAGE && !t.verified;
		ck_assert_msg(seen == !is_unseen(_i, bit), "bit %zu of %s: %s",
			      bit, vectors[_i].file,
			      seen ? "seen" : "not seen");
		page[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

/* A file may end anywhere. */
START_TEST(every_cut)
{
	uint8_t two[2 * DARN_PG_PAGE];

	pg_vector(vectors[_i].file, two, DARN_PG_PAGE);
	memcpy(two + DARN_PG_PAGE, two, DARN_PG_PAGE);
	for (size_t len = 1; len < DARN_PG_PAGE; len++) {
		struct pg_told t = run(&cluster, _i, two, len);

		ck_assert_uint_eq(t.nfindings, 1);
		ck_assert(pg_told_id(&t, "postgresql/page-cut"));
		ck_assert_uint_eq(t.where.off,
				  vectors[_i].block * DARN_PG_PAGE);
		ck_assert_uint_eq(t.where.len, DARN_PG_PAGE);
		ck_assert_uint_eq(t.where.missing, DARN_PG_PAGE - len);
		ck_assert(!t.verified);
	}
}
END_TEST

/* The block number is mixed into the checksum, also that of a segment. */
START_TEST(wrong_place)
{
	uint8_t page[DARN_PG_PAGE];
	struct pg_told t;

	pg_vector("pg15_seg1_b131072.bin", page, sizeof(page));
	t = pg_run(&darn_pg_format_page, &cluster, "base/5/16384", DARN_PG_PAGE,
		   0, page, sizeof(page));
	ck_assert(pg_told_id(&t, "postgresql/page-checksum"));
	ck_assert_ptr_nonnull(strstr(t.detail, "\"block\":0"));
	t = pg_run(&darn_pg_format_page, &cluster, "base/5/16384.2",
		   DARN_PG_PAGE, 0, page, sizeof(page));
	ck_assert(pg_told_id(&t, "postgresql/page-checksum"));
	ck_assert_ptr_nonnull(strstr(t.detail, "\"block\":262144"));
	/* A stray copy keeps its segment in its name. */
	t = pg_run(&darn_pg_format_page, NULL, "copies/16384.1", DARN_PG_PAGE,
		   0, page, sizeof(page));
	ck_assert(t.verified);
}
END_TEST

/* The last segment that 2^32 blocks need, and names that are none. */
START_TEST(last_segment)
{
	uint8_t page[DARN_PG_PAGE];
	struct darn_pg_rel rel;
	struct pg_told t;

	pg_vector("pg15_heap_b1000.bin", page, sizeof(page));
	darn_put_le16(page + 8, darn_pg_page_sum(page, 32767u * 131072));
	t = pg_run(&darn_pg_format_page, &cluster, "base/5/16384.32767",
		   DARN_PG_PAGE, 0, page, sizeof(page));
	ck_assert(t.verified);
	ck_assert(!darn_pg_rel_parse("base/5/16384.32768", &rel));
}
END_TEST

static void stamp(uint8_t *page)
{
	darn_put_le16(page + 8, darn_pg_page_sum(page, 1000));
}

START_TEST(header_under_a_right_checksum)
{
	static const struct {
		size_t at;
		uint16_t value;
	} bad[] = {
		{10, 0x0008}, {12, 23},	  {12, 0xffff}, {14, 1},
		{14, 0xffff}, {16, 8193}, {16, 0},	{16, 8190},
		{18, 0x2003}, {18, 0},
	};
	uint8_t page[DARN_PG_PAGE];

	for (size_t i = 0; i < DARN_ARRAY_SIZE(bad); i++) {
		struct pg_told t;

		pg_vector(vectors[0].file, page, sizeof(page));
		darn_put_le16(page + bad[i].at, bad[i].value);
		stamp(page);
		t = run(&cluster, 0, page, sizeof(page));
		ck_assert_msg(pg_told_id(&t, "postgresql/page-header"), "%zu",
			      i);
		ck_assert(!t.verified);
	}
}
END_TEST

/* "Never used" must mean all zero, whatever the checksum says. */
START_TEST(zeros)
{
	uint8_t page[DARN_PG_PAGE] = {0};
	struct pg_told t = run(&cluster, 0, page, sizeof(page));

	ck_assert_uint_eq(t.nfindings, 0);
	ck_assert(!t.verified);
	ck_assert_uint_eq(t.nnotes, 1);
	ck_assert_uint_eq(t.note.kind, DARN_PG_NOTE_ZERO);
	ck_assert_uint_eq(t.note.off, 1000 * DARN_PG_PAGE);
	ck_assert_uint_eq(t.note.value[0], DARN_PG_PAGE);
	for (size_t bit = 0; bit < 8 * sizeof(page); bit++) {
		page[bit / 8] ^= (uint8_t)(1u << bit % 8);
		t = run(&cluster, 0, page, sizeof(page));
		ck_assert_uint_eq(t.nfindings, 1);
		ck_assert_uint_eq(t.nnotes, 0);
		page[bit / 8] = 0;
	}
	pg_vector(vectors[0].file, page, sizeof(page));
	darn_put_le16(page + 14, 0);
	stamp(page);
	t = run(&cluster, 0, page, sizeof(page));
	ck_assert(pg_told_id(&t, "postgresql/page-new-not-empty"));
}
END_TEST

/* A whole chunk: good, zero, bad, zero, zero, good. */
START_TEST(chunk_of_many)
{
	static uint8_t chunk[6 * DARN_PG_PAGE];
	struct darn_file f = {.path = "base/5/16384",
			      .st = {.size = sizeof(chunk)}};
	struct darn_chunk c = {
		.buf = chunk, .len = sizeof(chunk), .file_size = sizeof(chunk)};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sink sink;
	void *ctx = NULL;

	pg_vector(vectors[0].file, chunk, DARN_PG_PAGE);
	memcpy(chunk + 5 * DARN_PG_PAGE, chunk, DARN_PG_PAGE);
	memcpy(chunk + 2 * DARN_PG_PAGE, chunk, DARN_PG_PAGE);
	darn_put_le16(chunk + 8, darn_pg_page_sum(chunk, 0));
	darn_put_le16(chunk + 5 * DARN_PG_PAGE + 8,
		      darn_pg_page_sum(chunk + 5 * DARN_PG_PAGE, 5));
	darn_sink_init(&sink);
	ck_assert_int_eq(
		darn_pg_format_page.open(&f, &cluster, &sink, &ctx, &err),
		DARN_OK);
	ck_assert_int_eq(darn_pg_format_page.check(ctx, &c, &sink, &err),
			 DARN_OK);
	ck_assert_uint_eq(sink.nitems, 1);
	ck_assert_uint_eq(sink.items[0].where.off, 2 * DARN_PG_PAGE);
	ck_assert_uint_eq(sink.nnotes, 2);
	ck_assert_uint_eq(sink.notes[0].note.off, DARN_PG_PAGE);
	ck_assert_uint_eq(sink.notes[1].note.off, 3 * DARN_PG_PAGE);
	ck_assert_uint_eq(sink.notes[1].note.value[0], 2 * DARN_PG_PAGE);
	ck_assert_uint_eq(darn_spans_len(&sink.verified), 2 * DARN_PG_PAGE);
	darn_pg_format_page.close(ctx);
	darn_sink_release(&sink);
}
END_TEST

START_TEST(lsn_beyond_the_log)
{
	uint8_t page[DARN_PG_PAGE];
	struct darn_pg pg = cluster;
	struct pg_told t;
	uint64_t lsn;

	pg_vector(vectors[0].file, page, sizeof(page));
	lsn = (uint64_t)darn_get_le32(page) << 32 | darn_get_le32(page + 4);
	pg.max_lsn = lsn;
	t = run(&pg, 0, page, sizeof(page));
	ck_assert_uint_eq(t.nfindings, 0);
	pg.max_lsn = lsn - 1;
	t = run(&pg, 0, page, sizeof(page));
	ck_assert(pg_told_id(&t, "postgresql/page-lsn-future"));
	ck_assert_int_eq(t.code->severity, DARN_SUSPICIOUS);
	ck_assert(t.verified); /* its bits are as they were written */
}
END_TEST

/* Without checksums nothing is verified, and only the header is looked at. */
START_TEST(without_checksums)
{
	uint8_t page[DARN_PG_PAGE];
	struct darn_pg pg = cluster;
	struct pg_told t;

	pg.sums = DARN_PG_SUMS_OFF;
	pg_vector(vectors[0].file, page, sizeof(page));
	page[8] ^= 0xff;
	page[5000] ^= 0xff;
	t = run(&pg, 0, page, sizeof(page));
	ck_assert_uint_eq(t.nfindings, 0);
	ck_assert(!t.verified);
	page[18] ^= 0xff;
	t = run(&pg, 0, page, sizeof(page));
	ck_assert(pg_told_id(&t, "postgresql/page-header"));
}
END_TEST

START_TEST(too_long)
{
	uint8_t page[DARN_PG_PAGE] = {1};
	uint64_t full = (uint64_t)DARN_PG_SEG_BLOCKS * DARN_PG_PAGE;
	struct pg_told t = pg_run(&darn_pg_format_page, &cluster,
				  "base/5/16384", full + 100, full, page, 100);

	ck_assert_uint_eq(t.nfindings, 1);
	ck_assert(pg_told_id(&t, "postgresql/segment-too-long"));
	ck_assert_uint_eq(t.where.off, full);
	ck_assert_uint_eq(t.where.len, 100);
}
END_TEST

START_TEST(access_methods)
{
	static const struct {
		unsigned special;
		uint16_t mark;
		uint32_t first;
		enum darn_pg_am am;
	} pages[] = {
		{0, 0, 0, DARN_PG_AM_HEAP},
		{16, 0, 0, DARN_PG_AM_BTREE},
		{16, 0xff7f, 0, DARN_PG_AM_BTREE},
		{16, 0xff80, 0, DARN_PG_AM_HASH},
		{16, 0xff81, 0, DARN_PG_AM_GIST},
		{16, 0xffff, 0, DARN_PG_AM_UNKNOWN},
		{8, 0xff82, 0, DARN_PG_AM_SPGIST},
		{8, 0xf091, 0, DARN_PG_AM_BRIN},
		{8, 0xf093, 0, DARN_PG_AM_BRIN},
		{8, 0, 0x1717, DARN_PG_AM_SEQUENCE},
		{8, 1, 0xffffffff, DARN_PG_AM_GIN},
		{24, 0, 0, DARN_PG_AM_UNKNOWN},
	};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(pages); i++) {
		uint16_t special = (uint16_t)(DARN_PG_PAGE - pages[i].special);
		uint8_t page[DARN_PG_PAGE] = {0};

		darn_put_le16(page + 12, 24);
		darn_put_le16(page + 14, special);
		darn_put_le16(page + 16, special);
		darn_put_le16(page + 18, 0x2004);
		if (pages[i].special == 8)
			darn_put_le32(page + special, pages[i].first);
		if (pages[i].mark)
			darn_put_le16(page + DARN_PG_PAGE - 2, pages[i].mark);
		ck_assert_msg(darn_pg_am_of_page(page) == pages[i].am, "%zu",
			      i);
	}
}
END_TEST

START_TEST(probe)
{
	uint8_t page[DARN_PG_PAGE];
	const struct darn_format *f = &darn_pg_format_page;

	pg_vector("pg15_fsm_b0.bin", page, sizeof(page));
	ck_assert_uint_gt(f->probe(page, sizeof(page), 3 * DARN_PG_PAGE), 50);
	for (size_t len = 0; len < sizeof(page); len++)
		ck_assert_uint_eq(f->probe(page, len, len), 0);
	page[100] ^= 1;
	ck_assert_uint_eq(f->probe(page, sizeof(page), DARN_PG_PAGE), 0);
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_page");
	TCase *t = tcase_create("page");
	int n = (int)DARN_ARRAY_SIZE(vectors);

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, intact, 0, n);
	tcase_add_loop_test(t, every_bit, 0, n);
	tcase_add_loop_test(t, every_cut, 0, n);
	tcase_add_test(t, wrong_place);
	tcase_add_test(t, last_segment);
	tcase_add_test(t, header_under_a_right_checksum);
	tcase_add_test(t, zeros);
	tcase_add_test(t, chunk_of_many);
	tcase_add_test(t, lsn_beyond_the_log);
	tcase_add_test(t, without_checksums);
	tcase_add_test(t, too_long);
	tcase_add_test(t, access_methods);
	tcase_add_test(t, probe);
	suite_add_tcase(s, t);
	return s;
}
