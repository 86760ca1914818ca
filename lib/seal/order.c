/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/seal/order.h"

#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/scan/report.h"
#include "lib/seal/layout.h"

struct item {
	uint64_t off;
	char *path;
};

static int by_path(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return darn_path_cmp(x->path, y->path);
}

static enum darn_rc load_path(struct darn_outfile *f, struct item *it,
			      struct darn_error *err)
{
	uint8_t rec[SEAL_RECORD];
	enum darn_rc rc;
	size_t len;

	rc = darn_outfile_read(f, rec, sizeof(rec), it->off, err);
	if (rc)
		return rc;
	len = darn_get_le32(rec + 96);
	if (len > SEAL_PATH_MAX)
		return darn_fail(err, DARN_EIO, 0, "'%s' changed meanwhile",
				 f->path);
	it->path = darn_calloc(1, len + 1, err);
	if (!it->path)
		return DARN_ENOMEM;
	return darn_outfile_read(f, it->path, len, it->off + SEAL_RECORD, err);
}

static enum darn_rc load(struct darn_outfile *f, const uint64_t *top,
			 size_t ntop, struct item *items, uint64_t entries,
			 struct darn_error *err)
{
	uint8_t block[SEAL_INDEX];
	uint64_t n = 0;

	for (size_t b = 0; b < ntop; b++) {
		enum darn_rc rc =
			darn_outfile_read(f, block, sizeof(block), top[b], err);

		for (size_t i = 0;
		     rc == DARN_OK && i < SEAL_FANOUT && n < entries; i++) {
			items[n].off = darn_get_le64(block + 8 * i);
			rc = load_path(f, &items[n++], err);
		}
		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc store(struct darn_outfile *f, const uint64_t *top,
			  size_t ntop, const struct item *items,
			  uint64_t entries, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;
	uint64_t n = 0;

	for (size_t b = 0; rc == DARN_OK && b < ntop; b++) {
		uint8_t block[SEAL_INDEX] = {0};

		for (size_t i = 0; i < SEAL_FANOUT && n < entries; i++)
			darn_put_le64(block + 8 * i, items[n++].off);
		darn_put_le64(block + SEAL_INDEX - 8,
			      darn_seal_check(block, SEAL_INDEX - 8, top[b]));
		rc = darn_outfile_write(f, block, sizeof(block), top[b], err);
	}
	return rc;
}

enum darn_rc darn_seal_sort_index(struct darn_outfile *f, const uint64_t *top,
				  size_t ntop, uint64_t entries,
				  struct darn_error *err)
{
	struct item *items = darn_calloc((size_t)entries, sizeof(*items), err);
	enum darn_rc rc;

	if (!items)
		return DARN_ENOMEM;
	rc = load(f, top, ntop, items, entries, err);
	if (rc == DARN_OK) {
		qsort(items, (size_t)entries, sizeof(*items), by_path);
		rc = store(f, top, ntop, items, entries, err);
	}
	for (uint64_t i = 0; i < entries; i++)
		free(items[i].path);
	free(items);
	return rc;
}
