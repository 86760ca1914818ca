/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/digest.h"

#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/hash/hash.h"

uint64_t darn_digest_add(uint64_t h, const void *buf, size_t len)
{
	uint8_t pair[16];

	darn_put_le64(pair, h);
	darn_put_le64(pair + 8, darn_xxh3_64(buf, len));
	return darn_xxh3_64(pair, sizeof(pair));
}

enum darn_rc darn_digest_io(struct darn_io *io, enum darn_read_how how,
			    uint64_t *digest, uint64_t *size,
			    struct darn_error *err)
{
	uint8_t *buf = aligned_alloc(4096, DARN_DIGEST_CHUNK);
	uint64_t h = 0, off = 0;
	enum darn_rc rc;
	size_t got;

	if (!buf)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	do {
		rc = darn_io_read(io, buf, DARN_DIGEST_CHUNK, off, how, &got,
				  err);
		if (rc || got == 0)
			break;
		h = darn_digest_add(h, buf, got);
		off += got;
	} while (got == DARN_DIGEST_CHUNK);
	free(buf);
	if (rc)
		return rc;
	*digest = h;
	*size = off;
	return DARN_OK;
}
