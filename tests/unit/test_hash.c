/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hash.c - lib/hash against published vectors, against plain
 * bit-by-bit definitions, and against pages that PostgreSQL wrote.
 */
#include "lib/hash/hash.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#define XXH_STATIC_LINKING_ONLY /* for XXH3_generateSecret_fromSeed() */
#include <xxhash.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

Suite *darn_suite(void);

#define DATA "tests/unit/data/postgresql/"

enum {
	PAGE = 8192,
	PAGE_BITS = PAGE * 8,
	PD_CHECKSUM = 8
};

static uint64_t random_state;

/* Deterministic: the multiplier is Knuth's MMIX. */
static uint64_t next_random(void)
{
	random_state =
		random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> 24;
}

static void fill_random(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)next_random();
}

static void read_file(const char *path, uint8_t *buf, size_t len)
{
	FILE *f = fopen(path, "rb");

	ck_assert_msg(f != NULL, "cannot open %s", path);
	ck_assert_uint_eq(fread(buf, 1, len, f), len);
	(void)fclose(f);
}

static void setup(void)
{
	random_state = 1;
}

/*
 * ---- CRCs ----
 */

/* Every CRC of hash.h as one function type, and its definition. */
static uint64_t crc32c(uint64_t crc, const void *p, size_t len)
{
	return darn_crc32c((uint32_t)crc, p, len);
}

static uint64_t crc32(uint64_t crc, const void *p, size_t len)
{
	return darn_crc32((uint32_t)crc, p, len);
}

static const struct crc_kind {
	uint64_t (*run)(uint64_t crc, const void *p, size_t len);
	uint64_t poly;	/* reflected */
	uint64_t flip;	/* xored into the start and the result */
	uint64_t check; /* of "123456789" */
} crcs[] = {
	{crc32c, 0x82f63b78, 0xffffffff, 0xe3069283},
	{crc32, 0xedb88320, 0xffffffff, 0xcbf43926},
	{darn_crc64_jones, 0x95ac9329ac4bc9b5, 0, 0xe9c6d914c4b8d9ca},
	{darn_crc64_xz, 0xc96c5795d7870f42, UINT64_MAX, 0x995dc9bbdf1939fa},
};

static uint64_t crc_by_bits(const struct crc_kind *kind, uint64_t crc,
			    const uint8_t *p, size_t len)
{
	crc ^= kind->flip;
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? kind->poly : 0);
	}
	return crc ^ kind->flip;
}

START_TEST(crc_check_values)
{
	for (size_t i = 0; i < DARN_ARRAY_SIZE(crcs); i++) {
		ck_assert_uint_eq(crcs[i].run(0, "123456789", 9),
				  crcs[i].check);
		ck_assert_uint_eq(crcs[i].run(0, "", 0), 0);
		ck_assert_uint_eq(crcs[i].run(0x1234, NULL, 0), 0x1234);
	}
}
END_TEST

/* RFC 3720, B.4 */
START_TEST(crc32c_rfc3720)
{
	static const uint8_t read_command[48] = {
		0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
		0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
		0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0,
	};
	uint8_t zeros[32], ones[32], up[32], down[32];

	for (int i = 0; i < 32; i++) {
		zeros[i] = 0;
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	ck_assert_uint_eq(darn_crc32c(0, zeros, 32), 0x8a9136aa);
	ck_assert_uint_eq(darn_crc32c(0, ones, 32), 0x62a8ab43);
	ck_assert_uint_eq(darn_crc32c(0, up, 32), 0x46dd794e);
	ck_assert_uint_eq(darn_crc32c(0, down, 32), 0x113fdb5c);
	ck_assert_uint_eq(darn_crc32c(0, read_command, 48), 0xd9963a56);
}
END_TEST

/*
 * Each length up to 700 and each alignment, right after and right before
 * memory that cannot be read.
 */
START_TEST(crc_equals_definition)
{
	size_t os_page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 3 * os_page, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct crc_kind *kind = &crcs[_i];
	uint8_t *p = map + os_page;

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(p, os_page, PROT_READ | PROT_WRITE), 0);
	fill_random(p, os_page);
	for (size_t len = 0; len <= 700; len++) {
		uint8_t *last = p + os_page - len;
		uint64_t start = kind->run(0, p, 99);

		ck_assert_uint_eq(kind->run(start, p, len),
				  crc_by_bits(kind, start, p, len));
		ck_assert_uint_eq(kind->run(0, last, len),
				  crc_by_bits(kind, 0, last, len));
	}
	for (size_t shift = 0; shift < 64; shift++)
		ck_assert_uint_eq(kind->run(0, p + shift, 1000),
				  crc_by_bits(kind, 0, p + shift, 1000));
	(void)munmap(map, 3 * os_page);
}
END_TEST

START_TEST(crc_continues_at_every_split)
{
	const struct crc_kind *kind = &crcs[_i];
	uint8_t buf[1500];
	uint64_t whole;

	fill_random(buf, sizeof(buf));
	whole = kind->run(0, buf, sizeof(buf));
	for (size_t cut = 0; cut <= sizeof(buf); cut++) {
		uint64_t crc = kind->run(0, buf, cut);

		crc = kind->run(crc, buf + cut, sizeof(buf) - cut);
		ck_assert_uint_eq(crc, whole);
	}
}
END_TEST

/*
 * ---- combination of CRCs ----
 */

static const struct combine_kind {
	uint32_t (*run)(uint32_t crc, const void *p, size_t len);
	uint32_t (*combine)(uint32_t a, uint32_t b, uint64_t len_b);
} combines[] = {
	{darn_crc32c, darn_crc32c_combine},
	{darn_crc32, darn_crc32_combine},
};

static void check_combine(const struct combine_kind *kind, const uint8_t *p,
			  size_t len_a, size_t len_b)
{
	uint32_t a = kind->run(0, p, len_a);
	uint32_t b = kind->run(0, p + len_a, len_b);

	ck_assert_msg(kind->combine(a, b, len_b) ==
			      kind->run(0, p, len_a + len_b),
		      "lengths %zu and %zu", len_a, len_b);
}

START_TEST(combine_equals_direct)
{
	const struct combine_kind *kind = &combines[_i];
	size_t len = 1 << 20;
	uint8_t *p = malloc(len);

	ck_assert_ptr_nonnull(p);
	fill_random(p, len);
	for (size_t len_b = 0; len_b <= 600; len_b++)
		check_combine(kind, p, 600 - len_b, len_b);
	for (int i = 0; i < 200; i++) {
		size_t len_a = next_random() % (len / 2);

		check_combine(kind, p, len_a, next_random() % (len / 2));
	}
	check_combine(kind, p, 0, len);
	check_combine(kind, p, len, 0);
	free(p);
}
END_TEST

/* Lengths that nobody can read in a test: (A B) C must equal A (B C). */
START_TEST(combine_is_associative)
{
	const struct combine_kind *kind = &combines[_i];

	for (int i = 0; i < 1000; i++) {
		uint32_t a = (uint32_t)next_random();
		uint32_t b = (uint32_t)next_random();
		uint32_t c = (uint32_t)next_random();
		uint64_t len_b = next_random();
		uint64_t len_c = next_random() << 23 | next_random();
		uint32_t ab = kind->combine(a, b, len_b);
		uint32_t bc = kind->combine(b, c, len_c);

		ck_assert_uint_eq(kind->combine(ab, c, len_c),
				  kind->combine(a, bc, len_b + len_c));
	}
}
END_TEST

/* The library below takes the length as an int in one of the functions. */
START_TEST(crc_over_2_gib)
{
	const struct combine_kind *kind = &combines[_i];
	size_t half = 1u << 31, len = half + 12345;
	void *zeros = mmap(NULL, len, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t crc, want;

	ck_assert_ptr_ne(zeros, MAP_FAILED);
	want = kind->run(0, zeros, 1);
	for (uint64_t n = 1; n < half; n *= 2)
		want = kind->combine(want, want, n);
	want = kind->combine(want, kind->run(0, zeros, 12345), 12345);
	crc = kind->run(0, zeros, len);
	(void)munmap(zeros, len);
	ck_assert_uint_eq(crc, want);
}
END_TEST

/*
 * ---- XXH3 ----
 */

/*
 * The vectors of xxHash's cli/xsum_sanity_check.c, seed 0: one length for
 * each path through the algorithm.
 */
static const struct xxh_vector {
	size_t len;
	uint64_t xxh3_64, low, high;
} xxh_vectors[] = {
	{0, 0x2d06800538d394c2, 0x6001c324468d497f, 0x99aa06d3014798d8},
	{1, 0xc44bdff4074eecdb, 0xc44bdff4074eecdb, 0xa6cd5e9392000f6a},
	{6, 0x27b56a84cd2d7325, 0x3e7039bdda43cfc6, 0x082afe0b8162d12a},
	{12, 0xa713daf0dfbb77e7, 0x061a192713f69ad9, 0x6e3efd8fc7802b18},
	{24, 0xa3fe70bf9d3510eb, 0x1e7044d28b1b901d, 0x0ce966e4678d3761},
	{48, 0x397da259ecba1f11, 0xf942219aed80f67b, 0xa002ac4e5478227e},
	{403, 0xcdeb804d65c6dea4, 0xcdeb804d65c6dea4, 0x1b6de21e332dd73d},
	{512, 0x617e49599013cb6b, 0x617e49599013cb6b, 0x18d2d110dcc9bca1},
	{2048, 0xdd59e2c3a5f038e0, 0xdd59e2c3a5f038e0, 0xf736557fd47073a5},
	{2240, 0x6e73a90539cf2948, 0x6e73a90539cf2948, 0xccb134fbfa7ce49d},
	{2367, 0xcb37aeb9e5d361ed, 0xcb37aeb9e5d361ed, 0xe89c0f6ff369b427},
};

/* The buffer that those vectors are about. */
static void fill_sanity(uint8_t *p, size_t len)
{
	uint64_t x = 2654435761u;

	for (size_t i = 0; i < len; i++) {
		p[i] = (uint8_t)(x >> 56);
		x *= 11400714785074694797u;
	}
}

static uint64_t get_be64(const uint8_t *p)
{
	return __builtin_bswap64(darn_get_le64(p));
}

START_TEST(xxh3_vectors)
{
	uint8_t secret[DARN_XXH_SECRET_LEN], buf[2367];

	/* seed 0 gives the secret that is built into xxHash */
	XXH3_generateSecret_fromSeed(secret, 0);
	fill_sanity(buf, sizeof(buf));
	for (size_t i = 0; i < DARN_ARRAY_SIZE(xxh_vectors); i++) {
		const struct xxh_vector *v = &xxh_vectors[i];
		struct darn_hash128 h = darn_xxh3_128(buf, v->len, secret);

		ck_assert_uint_eq(darn_xxh3_64(buf, v->len), v->xxh3_64);
		ck_assert_uint_eq(get_be64(h.bytes), v->high);
		ck_assert_uint_eq(get_be64(h.bytes + 8), v->low);
	}
}
END_TEST

/* xxHash's streaming functions take another path to the same value. */
static struct darn_hash128 stream_128(XXH3_state_t *state, const uint8_t *p,
				      size_t len, const uint8_t *secret)
{
	XXH128_canonical_t canonical;
	struct darn_hash128 h;

	XXH3_128bits_reset_withSecret(state, secret, DARN_XXH_SECRET_LEN);
	XXH3_128bits_update(state, p, len / 3);
	XXH3_128bits_update(state, p + len / 3, len - len / 3);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	memcpy(h.bytes, canonical.digest, sizeof(h.bytes));
	return h;
}

START_TEST(xxh3_128_equals_streaming)
{
	uint8_t secret[DARN_XXH_SECRET_LEN], buf[70000];
	XXH3_state_t *state = XXH3_createState();

	ck_assert_ptr_nonnull(state);
	fill_random(secret, sizeof(secret));
	fill_random(buf, sizeof(buf));
	for (size_t len = 0; len <= sizeof(buf); len += len / 50 + 1) {
		struct darn_hash128 h = darn_xxh3_128(buf, len, secret);
		struct darn_hash128 s = stream_128(state, buf, len, secret);

		ck_assert_msg(memcmp(&h, &s, sizeof(h)) == 0, "length %zu",
			      len);
	}
	XXH3_freeState(state);
}
END_TEST

START_TEST(xxh3_128_needs_the_secret)
{
	uint8_t secret[DARN_XXH_SECRET_LEN], buf[4096];
	struct darn_hash128 right, wrong;

	fill_random(secret, sizeof(secret));
	fill_random(buf, sizeof(buf));
	right = darn_xxh3_128(buf, sizeof(buf), secret);
	for (size_t i = 0; i < sizeof(secret); i++) {
		secret[i] ^= 1;
		wrong = darn_xxh3_128(buf, sizeof(buf), secret);
		secret[i] ^= 1;
		ck_assert(memcmp(&right, &wrong, sizeof(right)) != 0);
	}
}
END_TEST

/*
 * ---- PostgreSQL ----
 */

static const struct pg_vector {
	const char *path;
	uint32_t block;
	uint16_t sum;
} pg_vectors[] = {
	{DATA "pg15_heap_b1000.bin", 1000, 0xf1ef},
	{DATA "pg15_btree_b200.bin", 200, 0x5689},
	{DATA "pg15_fsm_b0.bin", 0, 0x3c66},
	{DATA "pg15_vm_b0.bin", 0, 0xfcc4},
	{DATA "pg15_seg1_b131072.bin", 131072, 0xe47c},
};

START_TEST(pg_page_vectors)
{
	const struct pg_vector *v = &pg_vectors[_i];
	uint8_t buf[PAGE + 64], copy[PAGE];

	read_file(v->path, copy, PAGE);
	ck_assert_uint_eq(darn_get_le16(copy + PD_CHECKSUM), v->sum);
	for (size_t shift = 0; shift < 64; shift += 7) {
		uint8_t *page = buf + shift;

		memcpy(page, copy, PAGE);
		ck_assert_uint_eq(darn_pg_page_sum(page, v->block), v->sum);
		ck_assert_uint_eq(darn_pg_page_sum_portable(page, v->block),
				  v->sum);
		ck_assert_mem_eq(page, copy, PAGE);
	}
}
END_TEST

/* A page in the place of another is found, but for 1 in 65535. */
START_TEST(pg_page_wrong_block)
{
	const struct pg_vector *v = &pg_vectors[0];
	uint8_t page[PAGE];
	uint32_t b;

	read_file(v->path, page, PAGE);
	for (b = 0; b < 2000; b++)
		ck_assert((darn_pg_page_sum(page, b) == v->sum) ==
			  (b == v->block));
}
END_TEST

/*
 * Flips each bit of a page.  pd_checksum's own 16 bits are not summed: the
 * comparison with the stored value finds those.  A flip elsewhere is missed
 * with odds of 1 in 65535; of the 65520 on this page, 2 are: bit 7 of byte
 * 2072 and bit 6 of byte 3498.
 */
static const size_t missed_bits[] = {2072 * 8 + 7, 3498 * 8 + 6};

static bool flip_is_missed(size_t bit)
{
	for (size_t i = 0; i < DARN_ARRAY_SIZE(missed_bits); i++)
		if (missed_bits[i] == bit)
			return true;
	return bit / 8 == PD_CHECKSUM || bit / 8 == PD_CHECKSUM + 1;
}

START_TEST(pg_page_every_bit)
{
	const struct pg_vector *v = &pg_vectors[0];
	uint8_t page[PAGE];

	read_file(v->path, page, PAGE);
	for (size_t bit = 0; bit < PAGE_BITS; bit++) {
		uint8_t mask = (uint8_t)(1u << bit % 8);
		bool same;

		page[bit / 8] ^= mask;
		same = darn_pg_page_sum(page, v->block) == v->sum;
		page[bit / 8] ^= mask;
		ck_assert_msg(same == flip_is_missed(bit), "bit %zu", bit);
	}
}
END_TEST

START_TEST(pg_page_same_by_every_code)
{
	uint8_t page[PAGE];

	for (int i = 0; i < 500; i++) {
		uint32_t block = (uint32_t)next_random();
		uint16_t sum;

		fill_random(page, PAGE);
		sum = darn_pg_page_sum(page, block);
		ck_assert_uint_eq(sum, darn_pg_page_sum_portable(page, block));
		ck_assert_uint_ne(sum, 0);
	}
}
END_TEST

START_TEST(pg_crcs)
{
	uint8_t buf[512];
	uint32_t crc;

	read_file(DATA "pg15_pg_control.bin", buf, 292);
	ck_assert_uint_eq(darn_crc32c(0, buf, 288), 0x6ed56f11);
	ck_assert_uint_eq(darn_get_le32(buf + 288), 0x6ed56f11);
	read_file(DATA "pg15_pg_control_crashed.bin", buf, 292);
	ck_assert_uint_eq(darn_crc32c(0, buf, 288), 0x12fb4ecc);
	read_file(DATA "pg15_pg_filenode.map", buf, 512);
	ck_assert_uint_eq(darn_crc32c(0, buf, 504), 0x7d1d9009);
	read_file(DATA "pg15_wal_first16k.bin", buf, 512);
	crc = darn_crc32c(0, buf + 64, 90);
	ck_assert_uint_eq(darn_crc32c(crc, buf + 40, 20), 0x7f00966f);
}
END_TEST

START_TEST(implementations_are_named)
{
	ck_assert_uint_gt(strlen(darn_hash_impl_xxh3()), 0);
	ck_assert_uint_gt(strlen(darn_hash_impl_pg_page()), 0);
}
END_TEST

static TCase *crc_case(void)
{
	TCase *tc = tcase_create("crc");
	int ncrcs = DARN_ARRAY_SIZE(crcs);
	int ncombines = DARN_ARRAY_SIZE(combines);

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, crc_check_values);
	tcase_add_test(tc, crc32c_rfc3720);
	tcase_add_loop_test(tc, crc_equals_definition, 0, ncrcs);
	tcase_add_loop_test(tc, crc_continues_at_every_split, 0, ncrcs);
	tcase_add_loop_test(tc, combine_equals_direct, 0, ncombines);
	tcase_add_loop_test(tc, combine_is_associative, 0, ncombines);
	tcase_add_loop_test(tc, crc_over_2_gib, 0, ncombines);
	return tc;
}

static TCase *xxh_case(void)
{
	TCase *tc = tcase_create("xxh");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, xxh3_vectors);
	tcase_add_test(tc, xxh3_128_equals_streaming);
	tcase_add_test(tc, xxh3_128_needs_the_secret);
	tcase_add_test(tc, implementations_are_named);
	return tc;
}

static TCase *pg_case(void)
{
	TCase *tc = tcase_create("postgresql");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, pg_page_vectors, 0,
			    DARN_ARRAY_SIZE(pg_vectors));
	tcase_add_test(tc, pg_page_wrong_block);
	tcase_add_test(tc, pg_page_every_bit);
	tcase_add_test(tc, pg_page_same_by_every_code);
	tcase_add_test(tc, pg_crcs);
	return tc;
}

Suite *darn_suite(void)
{
	Suite *s = suite_create("hash");

	suite_add_tcase(s, crc_case());
	suite_add_tcase(s, xxh_case());
	suite_add_tcase(s, pg_case());
	return s;
}
