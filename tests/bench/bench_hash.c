/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_hash.c - GB/s (10^9 bytes) of each hash of lib/hash on one thread,
 * one line per hash: in the cache (256 KiB) and from memory (64 MiB).
 *
 * The best of several rounds counts; what disturbs a round only slows it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"

enum {
	SMALL = 256 << 10,
	LARGE = 64 << 20,
	PAGE = 8192,
	MIN_ROUNDS = 8
};

static const uint8_t secret[DARN_XXH_SECRET_LEN];

static uint64_t run_crc32c(const uint8_t *p, size_t len)
{
	return darn_crc32c(0, p, len);
}

static uint64_t run_crc32(const uint8_t *p, size_t len)
{
	return darn_crc32(0, p, len);
}

static uint64_t run_crc64_jones(const uint8_t *p, size_t len)
{
	return darn_crc64_jones(0, p, len);
}

static uint64_t run_crc64_xz(const uint8_t *p, size_t len)
{
	return darn_crc64_xz(0, p, len);
}

static uint64_t run_xxh3_64(const uint8_t *p, size_t len)
{
	return darn_xxh3_64(p, len);
}

static uint64_t run_xxh3_128(const uint8_t *p, size_t len)
{
	return darn_xxh3_128(p, len, secret).bytes[0];
}

static uint64_t run_pg_page(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t off = 0; off < len; off += PAGE)
		sum += darn_pg_page_sum(p + off, (uint32_t)(off / PAGE));
	return sum;
}

static uint64_t run_pg_page_portable(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t off = 0; off < len; off += PAGE)
		sum += darn_pg_page_sum_portable(p + off,
						 (uint32_t)(off / PAGE));
	return sum;
}

static const struct kind {
	const char *name;
	uint64_t (*run)(const uint8_t *p, size_t len);
} kinds[] = {
	{"crc32c", run_crc32c},
	{"crc32", run_crc32},
	{"crc64-jones", run_crc64_jones},
	{"crc64-xz", run_crc64_xz},
	{"xxh3-64", run_xxh3_64},
	{"xxh3-128", run_xxh3_128},
	{"pg-page", run_pg_page},
	{"pg-page-portable", run_pg_page_portable},
};

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* GB/s of the best round; at least 0.25 s and MIN_ROUNDS rounds. */
static double measure(const struct kind *kind, const uint8_t *p, size_t len)
{
	volatile uint64_t keep; /* the result is used: nothing is left out */
	double start = now(), best = 1e9;

	for (int round = 0; round < MIN_ROUNDS || now() - start < 0.25;
	     round++) {
		double took = now();

		keep = kind->run(p, len);
		took = now() - took;
		best = DARN_MIN(best, took);
	}
	(void)keep;
	return (double)len / best / 1e9;
}

int main(void)
{
	uint8_t *p = malloc(LARGE);
	uint64_t x = 1;

	if (!p)
		return EXIT_FAILURE;
	for (size_t i = 0; i < LARGE; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(x >> 56);
	}
	printf("# xxh3: %s, pg-page: %s\n", darn_hash_impl_xxh3(),
	       darn_hash_impl_pg_page());
	printf("%-18s%10s%10s  (GB/s)\n", "# hash", "256 KiB", "64 MiB");
	for (size_t i = 0; i < DARN_ARRAY_SIZE(kinds); i++)
		printf("%-18s%10.1f%10.1f\n", kinds[i].name,
		       measure(&kinds[i], p, SMALL),
		       measure(&kinds[i], p, LARGE));
	free(p);
	return EXIT_SUCCESS;
}
