/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xxh.c - XXH3 by libxxhash.
 *
 * On x86-64 the plain entry points are compiled for SSE2; those of
 * xxh_x86dispatch.h choose AVX2 or AVX-512 at run time and are 3 to 4 times
 * as fast.  The choice is made by the first call and stored as one pointer,
 * the same whichever thread stores it.
 */
#include "lib/hash/hash.h"

#ifdef __x86_64__
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

_Static_assert((int)DARN_XXH_SECRET_LEN >= XXH3_SECRET_SIZE_MIN,
	       "a shorter secret is refused by XXH3");

uint64_t darn_xxh3_64(const void *buf, size_t len)
{
	return XXH3_64bits(buf, len);
}

struct darn_hash128 darn_xxh3_128(const void *buf, size_t len,
				  const uint8_t secret[DARN_XXH_SECRET_LEN])
{
	XXH128_canonical_t canonical;
	struct darn_hash128 hash;

	XXH128_canonicalFromHash(
		&canonical,
		XXH3_128bits_withSecret(buf, len, secret, DARN_XXH_SECRET_LEN));
	_Static_assert(sizeof(hash.bytes) == sizeof(canonical.digest),
		       "both hold 128 bits");
	for (size_t i = 0; i < sizeof(hash.bytes); i++)
		hash.bytes[i] = canonical.digest[i];
	return hash;
}

/* libxxhash does not tell what it chose; this asks what it asks. */
const char *darn_hash_impl_xxh3(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		return "avx512";
	return __builtin_cpu_supports("avx2") ? "avx2" : "sse2";
#else
	return "portable";
#endif
}
