/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.c - small files of state that carry a CRC-32C, little-endian:
 *
 *	pg_twophase/XID			0 u32 magic 0x57f94534, 4 u32 length of
 *					the file; last u32: CRC of all before
 *	pg_replslot/NAME/state		0 u32 magic 0x1051ca1, 4 u32 CRC of all
 *					behind it, 12 u32 length behind 16
 *	pg_logical/replorigin_checkpoint	0 u32 magic 0x1257dade; last
 *					u32: CRC of all before
 *
 * (src/backend/access/transam/twophase.c, replication/slot.c,
 * replication/logical/origin.c.)  CRC, magic and lengths cover every bit.
 */
#include "scanners/postgresql/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"

enum {
	TWOPHASE_MAGIC = 0x57f94534,
	SLOT_MAGIC = 0x1051ca1,
	ORIGIN_MAGIC = 0x1257dade,
	SLOT_HEAD = 16,
	MIN_LEN = 8,
};

static const struct darn_code codes[] = {
	{"postgresql/state-checksum", DARN_DAMAGED, DARN_HINT_RESTORE_FILE,
	 "the checksum of a prepared transaction, replication slot or "
	 "replication origin is wrong"},
};

static void report(struct darn_sink *sink, uint64_t size)
{
	darn_sink_report(sink, &codes[0], (struct darn_place){.len = size},
			 DARN_DETAILS(DARN_DEC("size", size)));
}

/* The checksum is in the last four bytes. */
static bool trailer_holds(const uint8_t *buf, size_t len)
{
	return darn_crc32c(0, buf, len - 4) == darn_get_le32(buf + len - 4);
}

static bool slot_holds(const uint8_t *buf, size_t len)
{
	return len >= SLOT_HEAD && darn_get_le32(buf) == SLOT_MAGIC &&
	       len - SLOT_HEAD == darn_get_le32(buf + 12) &&
	       darn_crc32c(0, buf + 8, len - 8) == darn_get_le32(buf + 4);
}

static bool holds(const char *path, const uint8_t *buf, size_t len)
{
	if (len < MIN_LEN)
		return false;
	if (strncmp(path, "pg_replslot/", strlen("pg_replslot/")) == 0)
		return slot_holds(buf, len);
	if (strncmp(path, "pg_logical/", strlen("pg_logical/")) == 0)
		return darn_get_le32(buf) == ORIGIN_MAGIC &&
		       trailer_holds(buf, len);
	return darn_get_le32(buf) == TWOPHASE_MAGIC &&
	       darn_get_le32(buf + 4) == len && trailer_holds(buf, len);
}

/* The path decides how a file is read; an empty file has no chunk. */
static enum darn_rc open_state(const struct darn_file *f, const void *store_ctx,
			       struct darn_sink *sink, void **file_ctx,
			       struct darn_error *err)
{
	char *path = darn_strdup(f->path, err);

	(void)store_ctx;
	if (!path)
		return DARN_ENOMEM;
	if (f->st.size == 0)
		report(sink, 0);
	*file_ctx = path;
	return DARN_OK;
}

static enum darn_rc check(const void *file_ctx, const struct darn_chunk *c,
			  struct darn_sink *sink, struct darn_error *err)
{
	(void)err;
	if (c->off != 0 || c->len < c->file_size) {
		darn_sink_reason(sink, "a state file of more than 1 MiB");
		return DARN_OK;
	}
	if (holds(file_ctx, c->buf, c->len))
		darn_sink_verified(sink, 0, c->len);
	else
		report(sink, c->file_size);
	return DARN_OK;
}

const struct darn_format darn_pg_format_state = {
	.name = "state",
	.title = "PostgreSQL state file",
	.covers = "every byte: CRC-32C, magic and length",
	.blind = "an intact file of another time; files over 1 MiB",
	.codes = codes,
	.ncodes = DARN_ARRAY_SIZE(codes),
	.open = open_state,
	.close = free,
	.check = check,
};
