/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/seal/layout.h"

uint64_t darn_seal_check(const void *buf, size_t len, uint64_t off)
{
	/* Any odd number spreads offsets over the 64 bits: 2^64 / phi. */
	return darn_xxh3_64(buf, len) ^ (off * 0x9e3779b97f4a7c15u);
}

size_t darn_seal_group_size(uint32_t block, uint32_t frame, uint64_t len)
{
	uint64_t n = darn_seal_parts(len, block);

	if (frame)
		n += darn_seal_parts(len, frame);
	return SEAL_GROUP + (size_t)n * sizeof(struct darn_hash128);
}

uint64_t darn_seal_groups_size(uint32_t block, uint32_t frame, uint64_t size)
{
	uint64_t rest = size % SEAL_CHUNK;
	uint64_t n = size / SEAL_CHUNK *
		     darn_seal_group_size(block, frame, SEAL_CHUNK);

	return rest ? n + darn_seal_group_size(block, frame, rest) : n;
}
