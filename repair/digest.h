/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - a digest of a whole file in one pass and in bounded memory.
 *
 * h = 0; for every MiB: h = XXH3-64(h, XXH3-64(the MiB)), both as eight
 * little-endian bytes.
 */
#ifndef DARN_REPAIR_DIGEST_H
#define DARN_REPAIR_DIGEST_H

#include "lib/io/io.h"

enum {
	DARN_DIGEST_CHUNK = 1 << 20
};

/* Starts at 0; every call but the last one gets DARN_DIGEST_CHUNK bytes. */
uint64_t darn_digest_add(uint64_t h, const void *buf, size_t len);

/* The digest of everything in @io, and how long it is. */
DARN_MUST_CHECK
enum darn_rc darn_digest_io(struct darn_io *io, enum darn_read_how how,
			    uint64_t *digest, uint64_t *size,
			    struct darn_error *err);

#endif
