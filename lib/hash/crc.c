/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc.c - the CRCs of hash.h by ISA-L, which picks its code at run time
 * (AVX-512, PCLMUL, SSE 4.2, tables), and the combination of two CRCs.
 *
 * ISA-L's conventions differ: crc32_iscsi() inverts neither its start nor its
 * result, the others invert both.  Redis' CRC-64 inverts neither, hence the
 * complements in darn_crc64_jones() that look the wrong way round.
 *
 * Combination: CRCs with the inversions above satisfy
 *	crc(A B) = crc(A) * x^(8 * |B|) + crc(B)  modulo the polynomial,
 * because the inversions of A's end and of B's start cancel.  Polynomials are
 * held reflected: bit 31 is x^0, bit 0 is x^31.
 */
#include "lib/hash/hash.h"

#include <isa-l/crc.h>
#include <isa-l/crc64.h>

#include "lib/base/mem.h"

enum {
	ISCSI_STEP = 1 << 30 /* crc32_iscsi() takes the length as an int */
};

#define POLY_CRC32 0xedb88320u
#define POLY_CRC32C 0x82f63b78u
#define X_POW_0 0x80000000u
#define X_POW_8 0x00800000u

uint32_t darn_crc32c(uint32_t crc, const void *buf, size_t len)
{
	/* declared without const, but only read */
	unsigned char *p = (unsigned char *)buf;

	crc = ~crc;
	while (len > 0) {
		size_t n = DARN_MIN(len, (size_t)ISCSI_STEP);

		crc = crc32_iscsi(p, (int)n, crc);
		p += n;
		len -= n;
	}
	return ~crc;
}

uint32_t darn_crc32(uint32_t crc, const void *buf, size_t len)
{
	return len ? crc32_gzip_refl(crc, buf, len) : crc;
}

uint64_t darn_crc64_jones(uint64_t crc, const void *buf, size_t len)
{
	return len ? ~crc64_jones_refl(~crc, buf, len) : crc;
}

uint64_t darn_crc64_xz(uint64_t crc, const void *buf, size_t len)
{
	return len ? crc64_ecma_refl(crc, buf, len) : crc;
}

/* a * b modulo @poly, all reflected. */
static uint32_t multiply(uint32_t poly, uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a != 0; a <<= 1) {
		if (a & X_POW_0)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? poly : 0); /* b * x */
	}
	return product;
}

static uint32_t combine(uint32_t poly, uint32_t a, uint32_t b, uint64_t len_b)
{
	uint32_t square = X_POW_8;

	for (; len_b != 0; len_b >>= 1) {
		if (len_b & 1)
			a = multiply(poly, a, square);
		square = multiply(poly, square, square);
	}
	return a ^ b;
}

uint32_t darn_crc32c_combine(uint32_t a, uint32_t b, uint64_t len_b)
{
	return combine(POLY_CRC32C, a, b, len_b);
}

uint32_t darn_crc32_combine(uint32_t a, uint32_t b, uint64_t len_b)
{
	return combine(POLY_CRC32, a, b, len_b);
}
