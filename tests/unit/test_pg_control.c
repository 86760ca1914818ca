/* SPDX-License-Identifier: Apache-2.0 */
/* test_pg_control.c - the files of which every bit is known. */
#include "tests/unit/pg_check.h"

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"

enum {
	MAX = DARN_PG_CONTROL_LEN + 64
};

static const struct {
	const struct darn_format *format;
	const char *file, *path;
	size_t len;
} vectors[] = {
	{&darn_pg_format_control, "pg15_pg_control.bin", "global/pg_control",
	 DARN_PG_CONTROL_LEN},
	{&darn_pg_format_control, "pg15_pg_control_crashed.bin",
	 "global/pg_control", DARN_PG_CONTROL_LEN},
	{&darn_pg_format_relmap, "pg15_pg_filenode.map",
	 "base/5/pg_filenode.map", DARN_PG_RELMAP_LEN},
	{&darn_pg_format_version, NULL, "PG_VERSION", 3},
	{&darn_pg_format_state, NULL, "pg_twophase/000002F1", 236},
	{&darn_pg_format_state, NULL, "pg_replslot/s1/state", 200},
	{&darn_pg_format_state, NULL, "pg_logical/replorigin_checkpoint", 40},
};

/* As the server lays them out. */
static void load_state(int i, uint8_t *buf)
{
	size_t len = vectors[i].len;

	for (size_t k = 0; k < len; k++)
		buf[k] = (uint8_t)(k * 7);
	if (strncmp(vectors[i].path, "pg_replslot", 11) == 0) {
		darn_put_le32(buf, 0x1051ca1);
		darn_put_le32(buf + 12, (uint32_t)len - 16);
		darn_put_le32(buf + 4, darn_crc32c(0, buf + 8, len - 8));
		return;
	}
	if (strncmp(vectors[i].path, "pg_twophase", 11) == 0) {
		darn_put_le32(buf, 0x57f94534);
		darn_put_le32(buf + 4, (uint32_t)len);
	} else {
		darn_put_le32(buf, 0x1257dade);
	}
	darn_put_le32(buf + len - 4, darn_crc32c(0, buf, len - 4));
}

static void load(int i, uint8_t *buf)
{
	memset(buf, 0, MAX);
	if (vectors[i].format == &darn_pg_format_state)
		load_state(i, buf);
	else if (vectors[i].file)
		ck_assert_uint_eq(pg_vector(vectors[i].file, buf, MAX),
				  vectors[i].len);
	else
		memcpy(buf, "15\n", 3);
}

static struct pg_told run(int i, const uint8_t *buf, size_t len)
{
	return pg_run(vectors[i].format, NULL, vectors[i].path, len, 0, buf,
		      len);
}

START_TEST(intact)
{
	uint8_t buf[MAX];
	struct pg_told t;

	load(_i, buf);
	t = run(_i, buf, vectors[_i].len);
	ck_assert_uint_eq(t.nfindings, 0);
	ck_assert(t.verified);
}
END_TEST

START_TEST(every_bit)
{
	uint8_t buf[MAX];

	load(_i, buf);
	for (size_t bit = 0; bit < 8 * vectors[_i].len; bit++) {
		struct pg_told t;

		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		t = run(_i, buf, vectors[_i].len);
		ck_assert_msg(
			t.nfindings == 1 && t.code->severity == DARN_DAMAGED &&
				t.where.len == vectors[_i].len && !t.verified,
			"bit %zu of %s", bit, vectors[_i].path);
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

/* Also the empty file, and one that is too long. */
START_TEST(every_length)
{
	uint8_t buf[MAX];

	load(_i, buf);
	for (size_t len = 0; len <= vectors[_i].len + 64; len++) {
		struct pg_told t;

		if (len == vectors[_i].len)
			continue;
		t = run(_i, buf, len);
		ck_assert_msg(t.nfindings == 1 && !t.verified, "%s of %zu",
			      vectors[_i].path, len);
		/* These may have any length, so none is missing. */
		if (vectors[_i].format == &darn_pg_format_state)
			continue;
		ck_assert_uint_eq(t.where.len, DARN_MAX(len, vectors[_i].len));
		ck_assert_uint_eq(t.where.missing,
				  len < vectors[_i].len ? vectors[_i].len - len
							: 0);
	}
}
END_TEST

START_TEST(fields)
{
	struct darn_pg_control c;
	uint8_t buf[MAX];

	load(0, buf);
	darn_pg_control_parse(buf, DARN_PG_CONTROL_LEN, &c);
	ck_assert(c.valid && darn_pg_clean(&c));
	ck_assert_uint_eq(c.control_version, DARN_PG_CONTROL_VERSION);
	ck_assert_uint_eq(c.catalog_version, 202209061);
	ck_assert_uint_eq(c.blcksz, DARN_PG_PAGE);
	ck_assert_uint_eq(c.relseg_size, DARN_PG_SEG_BLOCKS);
	ck_assert_uint_eq(c.wal_segment_size, 16 << 20);
	ck_assert_uint_eq(c.data_checksum_version, 1);
	ck_assert_uint_eq(c.tli, 1);
	load(1, buf);
	darn_pg_control_parse(buf, DARN_PG_CONTROL_LEN, &c);
	ck_assert(c.valid && !darn_pg_clean(&c));
	ck_assert_str_eq(darn_pg_state_name(c.state), "in production");
	ck_assert_str_eq(darn_pg_state_name(4711), "unknown");
}
END_TEST

/* Under a right checksum too. */
START_TEST(values_that_no_server_writes)
{
	static const struct {
		size_t at;
		uint32_t value;
	} bad[] = {
		{8, 1299},    {16, 7},	{48, 0},   {216, 8191},
		{216, 65536}, {220, 0}, {224, 17}, {228, 100000},
		{252, 2},     {292, 1}, {8188, 1},
	};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(bad); i++) {
		uint8_t buf[MAX];
		struct pg_told t;

		load(0, buf);
		darn_put_le32(buf + bad[i].at, bad[i].value);
		darn_put_le32(buf + 288, darn_crc32c(0, buf, 288));
		t = run(0, buf, DARN_PG_CONTROL_LEN);
		ck_assert_msg(pg_told_id(&t, "postgresql/control-values"),
			      "%zu", i);
	}
}
END_TEST

START_TEST(relation_map)
{
	struct darn_pg_relmap map;
	uint8_t buf[MAX];

	load(2, buf);
	ck_assert(darn_pg_relmap_parse(buf, DARN_PG_RELMAP_LEN, &map));
	ck_assert_uint_gt(map.n, 0);
	ck_assert_uint_eq(darn_pg_relmap_find(&map, map.map[0].oid),
			  map.map[0].node);
	ck_assert_uint_eq(darn_pg_relmap_find(&map, 4711), 0);
	/* More pairs than there is room for. */
	darn_put_le32(buf + 4, DARN_PG_RELMAP_MAX + 1);
	darn_put_le32(buf + 504, darn_crc32c(0, buf, 504));
	ck_assert(!darn_pg_relmap_parse(buf, DARN_PG_RELMAP_LEN, &map));
}
END_TEST

START_TEST(probes)
{
	uint8_t buf[MAX];

	for (int i = 0; i < 3; i++) {
		load(i, buf);
		ck_assert_uint_gt(vectors[i].format->probe(buf, vectors[i].len,
							   vectors[i].len),
				  80);
		ck_assert_uint_eq(vectors[i].format->probe(buf, 3, 3), 0);
		ck_assert_uint_eq(vectors[i].format->probe(buf, 0, 0), 0);
	}
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_control");
	TCase *t = tcase_create("small files");
	int n = (int)DARN_ARRAY_SIZE(vectors);

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, intact, 0, n);
	tcase_add_loop_test(t, every_bit, 0, n);
	tcase_add_loop_test(t, every_length, 0, n);
	tcase_add_test(t, fields);
	tcase_add_test(t, values_that_no_server_writes);
	tcase_add_test(t, relation_map);
	tcase_add_test(t, probes);
	suite_add_tcase(s, t);
	return s;
}
