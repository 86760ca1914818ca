/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc.c - CRC-32C by ISA-L, which picks its code at run time (AVX-512,
 * PCLMUL, SSE 4.2, tables).
 *
 * crc32_iscsi() inverts neither its start nor its result, hence the
 * complements.
 */
#include "lib/hash/hash.h"

#include <isa-l/crc.h>

#include "lib/base/mem.h"

enum {
	ISCSI_STEP = 1 << 30 /* crc32_iscsi() takes the length as an int */
};

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
