/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.h - the checksums that on-disk formats use, each named after its
 * standard.
 *
 * All functions are pure and thread-safe.  The fastest code that the
 * processor has is chosen at run time; every choice gives the same values.
 * @crc arguments are the value returned for the bytes before, 0 at the start:
 * darn_crc32c(darn_crc32c(0, a, n), b, m) is the CRC of a followed by b.
 * Lengths are in bytes and may exceed 2 GiB.
 */
#ifndef DARN_LIB_HASH_HASH_H
#define DARN_LIB_HASH_HASH_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli), RFC 3720 B.4: "123456789" gives e3069283. */
uint32_t darn_crc32c(uint32_t crc, const void *buf, size_t len);

/* CRC-32 of ISO 3309, gzip and zip: "123456789" gives cbf43926. */
uint32_t darn_crc32(uint32_t crc, const void *buf, size_t len);

/* CRC-64 Jones, reflected, as in Redis: "123456789" gives e9c6d914c4b8d9ca. */
uint64_t darn_crc64_jones(uint64_t crc, const void *buf, size_t len);

/* CRC-64/XZ (ECMA-182 reflected): "123456789" gives 995dc9bbdf1939fa. */
uint64_t darn_crc64_xz(uint64_t crc, const void *buf, size_t len);

/* The CRC of A followed by B, from the CRCs of A and B and B's length. */
uint32_t darn_crc32c_combine(uint32_t a, uint32_t b, uint64_t len_b);
uint32_t darn_crc32_combine(uint32_t a, uint32_t b, uint64_t len_b);

uint64_t darn_xxh3_64(const void *buf, size_t len);

struct darn_hash128 {
	uint8_t bytes[16]; /* canonical (big-endian) form of XXH */
};

/*
 * XXH3-128 under a secret of DARN_XXH_SECRET_LEN random bytes, which makes it
 * hard to choose data that collide without knowing the secret; it is not a
 * cryptographic hash, and no proof against who can read the secret.
 * xxhash's documentation of XXH3_128bits_withSecret is the definition.
 */
enum {
	DARN_XXH_SECRET_LEN = 192
};
struct darn_hash128 darn_xxh3_128(const void *buf, size_t len,
				  const uint8_t secret[DARN_XXH_SECRET_LEN]);

/*
 * PostgreSQL's page checksum, before it is stored in pd_checksum: @page has
 * 8192 bytes, the two of pd_checksum count as zero, @block is the number of
 * the block within its relation fork (all segments).  Never 0.
 * Source: src/include/storage/checksum_impl.h of PostgreSQL 9.3 and later.
 */
uint16_t darn_pg_page_sum(const uint8_t page[8192], uint32_t block);

/* The code for processors without AVX2: the same values, for comparison. */
uint16_t darn_pg_page_sum_portable(const uint8_t page[8192], uint32_t block);

/* What was chosen at run time, one word each ("isal", "avx2"), for -V. */
const char *darn_hash_impl_xxh3(void);
const char *darn_hash_impl_pg_page(void);

#endif
