/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - reading frames: nothing leaves a pack that does not have the
 * digest it is named by.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/base/mem.h"
#include "lib/snapshot/internal.h"

bool darn_frame_is_zeros(const struct darn_hash128 *id)
{
	for (size_t i = 0; i < sizeof(id->bytes); i++)
		if (id->bytes[i] != 0xff)
			return false;
	return true;
}

static enum darn_rc bad_frame(const char *path,
			      const struct darn_index_entry *x,
			      const char *what, struct darn_error *err)
{
	char id[33];

	darn_hex_id(id, x->id.bytes);
	return darn_fail(err, DARN_EIO, 0,
			 "frame %s in pack '%s' at offset %" PRIu64 " %s", id,
			 path, x->off, what);
}

static enum darn_rc read_stored(const char *path, uint8_t *buf,
				const struct darn_index_entry *x, size_t *got,
				struct darn_error *err)
{
	struct darn_io *io;
	enum darn_rc rc =
		darn_io_open_posix(AT_FDCWD, path, path, false, &io, err);

	if (rc)
		return rc;
	rc = darn_io_read(io, buf, x->stored, x->off, DARN_READ_NORMAL, got,
			  err);
	darn_io_close(io);
	return rc;
}

enum darn_rc darn_frame_read_at(struct darn_repo *r, const char *pack,
				const struct darn_index_entry *x, uint8_t *buf,
				struct darn_error *err)
{
	char *path = darn_pack_path(r->path, pack, err);
	struct darn_hash128 is;
	uint8_t *stored = NULL;
	size_t got = 0, n = 0;
	enum darn_rc rc = DARN_ENOMEM;

	if (!path)
		return rc;
	if (x->len > r->frame ||
	    x->stored > ZSTD_compressBound(REPO_FRAME_MAX)) {
		rc = bad_frame(path, x, "has an impossible length", err);
		goto out;
	}
	stored = darn_calloc(1, (size_t)x->stored + 1, err);
	if (!stored)
		goto out;
	rc = read_stored(path, stored, x, &got, err);
	if (rc)
		goto out;
	if (got == x->stored)
		n = ZSTD_decompress(buf, x->len, stored, got);
	is = darn_xxh3_128(buf, x->len, r->secret);
	if (got != x->stored)
		rc = bad_frame(path, x, "is cut", err);
	else if (ZSTD_isError(n) || n != x->len)
		rc = bad_frame(path, x, "cannot be decompressed", err);
	else if (memcmp(&is, &x->id, sizeof(is)) != 0)
		rc = bad_frame(path, x, "does not match its id", err);
out:
	free(stored);
	free(path);
	return rc;
}

enum darn_rc darn_repo_catalog(struct darn_repo *r, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	(void)pthread_mutex_lock(&r->mutex);
	if (!r->catalog)
		rc = darn_catalog_open(r, &r->catalog, err);
	(void)pthread_mutex_unlock(&r->mutex);
	return rc;
}

enum darn_rc darn_frame_read(struct darn_repo *r, const struct darn_hash128 *id,
			     uint8_t *buf, size_t len, struct darn_error *err)
{
	struct darn_frame_place at;
	struct darn_index_entry x = {.id = *id};
	struct darn_pack_info pack;
	char hex[33];
	enum darn_rc rc;

	if (darn_frame_is_zeros(id)) {
		memset(buf, 0, len);
		return DARN_OK;
	}
	if (darn_digest_is_none(id))
		return darn_fail(err, DARN_EIO, 0,
				 "these bytes could not be read when the "
				 "snapshot was made");
	rc = darn_repo_catalog(r, err);
	if (rc)
		return rc;
	darn_hex_id(hex, id->bytes);
	rc = darn_catalog_find(r->catalog, id, &at, err);
	if (rc == DARN_ENOENT)
		return darn_fail(err, DARN_EIO, 0,
				 "frame %s is in no pack of '%s'%s%s", hex,
				 r->path,
				 *darn_catalog_trouble(r->catalog) ? "; " : "",
				 darn_catalog_trouble(r->catalog));
	if (rc)
		return rc;
	if (at.len != len)
		return darn_fail(err, DARN_EIO, 0,
				 "frame %s has %" PRIu32
				 " bytes where %zu belong",
				 hex, at.len, len);
	pack = darn_catalog_pack(r->catalog, at.pack);
	x.off = at.off;
	x.stored = at.stored;
	x.len = at.len;
	return darn_frame_read_at(r, pack.id, &x, buf, err);
}
