/* SPDX-License-Identifier: Apache-2.0 */
/*
 * small.c - the repository's small files: magic (8 bytes), version (4), what
 * they say, and a 64-bit XXH3 of all that.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/seal/outfile.h"
#include "lib/snapshot/internal.h"

enum {
	SMALL_MAX = 64 << 20 /* none of ours comes near */
};

enum darn_rc darn_small_put(const char *path, uint8_t *buf, size_t len,
			    struct darn_error *err)
{
	darn_put_le64(buf + len, darn_xxh3_64(buf, len));
	return darn_outfile_put(path, buf, len + 8, err);
}

static enum darn_rc slurp(const char *path, uint8_t **out, size_t *len,
			  struct darn_error *err)
{
	struct darn_stat st;
	struct darn_io *io;
	uint8_t *buf = NULL;
	enum darn_rc rc;

	rc = darn_io_open_posix(AT_FDCWD, path, path, false, &io, err);
	if (rc)
		return rc;
	rc = darn_io_stat(io, &st, err);
	if (rc == DARN_OK && st.size > SMALL_MAX)
		rc = darn_fail(err, DARN_ECORRUPT, 0,
			       "'%s' is damaged: %" PRIu64
			       " bytes are too many",
			       path, st.size);
	if (rc == DARN_OK) {
		buf = darn_calloc(1, (size_t)st.size + 1, err);
		rc = buf ? darn_io_read_full(io, buf, (size_t)st.size, 0, err)
			 : DARN_ENOMEM;
	}
	darn_io_close(io);
	if (rc) {
		free(buf);
		return rc;
	}
	*out = buf;
	*len = (size_t)st.size;
	return DARN_OK;
}

enum darn_rc darn_small_get(const char *path, const char *magic, uint8_t **out,
			    size_t *len, struct darn_error *err)
{
	uint8_t *buf;
	size_t n;
	enum darn_rc rc = slurp(path, &buf, &n, err);

	if (rc)
		return rc;
	if (n < 20 || memcmp(buf, magic, 8) != 0)
		rc = darn_fail(err, DARN_ECORRUPT, 0,
			       "'%s' is damaged at offset 0: it does not begin "
			       "with %.8s",
			       path, magic);
	else if (darn_get_le64(buf + n - 8) != darn_xxh3_64(buf, n - 8))
		rc = darn_fail(err, DARN_ECORRUPT, 0,
			       "'%s' is damaged: the check at offset %zu does "
			       "not match what stands before",
			       path, n - 8);
	else if (darn_get_le32(buf + 8) != REPO_VERSION)
		rc = darn_fail(err, DARN_EUNSUPPORTED, 0,
			       "'%s' has version %" PRIu32
			       ", this darn knows %d",
			       path, darn_get_le32(buf + 8), REPO_VERSION);
	if (rc) {
		free(buf);
		return rc;
	}
	*out = buf;
	*len = n - 8;
	return DARN_OK;
}

void darn_hex_id(char out[33], const uint8_t id[REPO_ID])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < REPO_ID; i++) {
		out[2 * i] = digits[id[i] >> 4];
		out[2 * i + 1] = digits[id[i] & 15];
	}
	out[32] = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool darn_unhex_id(uint8_t id[REPO_ID], const char *hex)
{
	if (strlen(hex) != 2 * REPO_ID)
		return false;
	for (int i = 0; i < REPO_ID; i++) {
		int hi = digit(hex[2 * i]), lo = digit(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		id[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
