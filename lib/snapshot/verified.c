/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verified.c - when each pack was last read whole and found good.
 *
 *      0  8  "DARNVRFY"   8 4 version   12 4 number of packs
 *     16     per pack: id (16), time (8)
 *            check (8)
 *
 * Losing this file costs time, never safety: frames are then read before
 * anything is deduplicated onto them.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/snapshot/internal.h"

#define VERIFIED_MAGIC "DARNVRFY"

enum {
	HEAD = 16,
	ENTRY = 24
};

enum darn_rc darn_verified_read(const char *repo, struct darn_verified **out,
				size_t *n, struct darn_error *err)
{
	char *path = darn_path_join(repo, "verified", err);
	struct darn_error lost = DARN_ERROR_INIT;
	struct darn_verified *v;
	uint8_t *buf;
	size_t len, count;
	enum darn_rc rc;

	if (!path)
		return DARN_ENOMEM;
	*out = NULL;
	*n = 0;
	rc = darn_small_get(path, VERIFIED_MAGIC, &buf, &len, &lost);
	free(path);
	if (rc)
		return DARN_OK;
	count = (len - 12) / ENTRY;
	v = darn_calloc(count + 1, sizeof(*v), err);
	if (!v) {
		free(buf);
		return DARN_ENOMEM;
	}
	for (size_t i = 0; HEAD + (i + 1) * ENTRY <= len; i++) {
		const uint8_t *p = buf + HEAD + i * ENTRY;

		memcpy(v[i].pack, p, REPO_ID);
		v[i].when_ns = (int64_t)darn_get_le64(p + REPO_ID);
		*n = i + 1;
	}
	free(buf);
	*out = v;
	return DARN_OK;
}

enum darn_rc darn_verified_write(const char *repo,
				 const struct darn_verified *v, size_t n,
				 struct darn_error *err)
{
	char *path = darn_path_join(repo, "verified", err);
	uint8_t *buf = darn_calloc(1, HEAD + n * ENTRY + 8, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (path && buf) {
		memcpy(buf, VERIFIED_MAGIC, 8);
		darn_put_le32(buf + 8, REPO_VERSION);
		darn_put_le32(buf + 12, (uint32_t)n);
		for (size_t i = 0; i < n; i++) {
			uint8_t *p = buf + HEAD + i * ENTRY;

			memcpy(p, v[i].pack, REPO_ID);
			darn_put_le64(p + REPO_ID, (uint64_t)v[i].when_ns);
		}
		rc = darn_small_put(path, buf, HEAD + n * ENTRY, err);
	}
	free(buf);
	free(path);
	return rc;
}
