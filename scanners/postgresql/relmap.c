/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relmap.c - pg_filenode.map of PostgreSQL 15, little-endian:
 *
 *	0	u32	magic 0x592717
 *	4	u32	number of pairs, at most 62
 *	8	pairs of u32: relation, file number; unused ones are zero
 *	504	u32	CRC-32C of the bytes before
 *	508	u32	zero
 *
 * (src/backend/utils/cache/relmapper.c.)  The CRC and the zeros cover every
 * bit.  PG_VERSION is here as well: its whole content is known.
 */
#include "scanners/postgresql/control.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"

enum {
	MAGIC = 0x592717,
	CRC_AT = 504
};

enum relmap_code {
	CHECKSUM,
	VALUES,
	LENGTH
};
static const struct darn_code codes[] = {
	[CHECKSUM] = {"postgresql/relmap-checksum", DARN_DAMAGED,
		      DARN_HINT_RESTORE_FILE,
		      "the checksum of the relation map is wrong"},
	[VALUES] = {"postgresql/relmap-values", DARN_DAMAGED,
		    DARN_HINT_RESTORE_FILE,
		    "the relation map has values that the server never "
		    "writes"},
	[LENGTH] = {"postgresql/relmap-length", DARN_DAMAGED,
		    DARN_HINT_RESTORE_FILE,
		    "the relation map does not have its 512 bytes"},
};

static const struct darn_code version_codes[] = {
	{"postgresql/version-file", DARN_DAMAGED, DARN_HINT_RESTORE,
	 "PG_VERSION does not hold the version of the cluster"},
};

static bool crc_holds(const uint8_t *buf)
{
	return darn_crc32c(0, buf, CRC_AT) == darn_get_le32(buf + CRC_AT);
}

bool darn_pg_relmap_parse(const uint8_t *buf, size_t len,
			  struct darn_pg_relmap *out)
{
	uint32_t n;

	if (len != DARN_PG_RELMAP_LEN || !crc_holds(buf) ||
	    darn_get_le32(buf) != MAGIC)
		return false;
	n = darn_get_le32(buf + 4);
	if (n > DARN_PG_RELMAP_MAX || darn_get_le32(buf + CRC_AT + 4) != 0)
		return false;
	out->n = n;
	for (uint32_t i = 0; i < n; i++) {
		out->map[i].oid = darn_get_le32(buf + 8 + 8 * i);
		out->map[i].node = darn_get_le32(buf + 12 + 8 * i);
	}
	return true;
}

uint32_t darn_pg_relmap_find(const struct darn_pg_relmap *m, uint32_t oid)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->map[i].oid == oid)
			return m->map[i].node;
	return 0;
}

static unsigned probe(const uint8_t *head, size_t len, uint64_t size)
{
	return len >= 4 && size == DARN_PG_RELMAP_LEN &&
			       darn_get_le32(head) == MAGIC
		       ? 90
		       : 0;
}

static void report_length(struct darn_sink *sink, const struct darn_code *code,
			  uint64_t size, uint64_t want)
{
	struct darn_place where = {.len = DARN_MAX(size, want)};

	if (size < want)
		where.missing = want - size;
	darn_sink_report(sink, code, where,
			 DARN_DETAILS(DARN_DEC("size", size)));
}

/* An empty file has no chunk to check. */
static enum darn_rc open_map(const struct darn_file *f, const void *store_ctx,
			     struct darn_sink *sink, void **file_ctx,
			     struct darn_error *err)
{
	(void)store_ctx;
	(void)file_ctx;
	(void)err;
	if (f->st.size == 0)
		report_length(sink, &codes[LENGTH], 0, DARN_PG_RELMAP_LEN);
	return DARN_OK;
}

static enum darn_rc check(const void *file_ctx, const struct darn_chunk *c,
			  struct darn_sink *sink, struct darn_error *err)
{
	struct darn_place all = {.len = c->file_size};
	struct darn_pg_relmap map;

	(void)file_ctx;
	(void)err;
	if (c->off != 0)
		return DARN_OK;
	if (c->file_size != DARN_PG_RELMAP_LEN)
		report_length(sink, &codes[LENGTH], c->file_size,
			      DARN_PG_RELMAP_LEN);
	else if (darn_pg_relmap_parse(c->buf, c->len, &map))
		darn_sink_verified(sink, 0, c->file_size);
	else if (!crc_holds(c->buf))
		darn_sink_report(
			sink, &codes[CHECKSUM], all,
			DARN_DETAILS(DARN_HEX("stored", 8,
					      darn_get_le32(c->buf + CRC_AT)),
				     DARN_HEX("computed", 8,
					      darn_crc32c(0, c->buf, CRC_AT))));
	else
		darn_sink_report(sink, &codes[VALUES], all, NULL);
	return DARN_OK;
}

const struct darn_format darn_pg_format_relmap = {
	.name = "relmap",
	.title = "PostgreSQL relation map",
	.covers = "every byte: CRC-32C, values and zeros",
	.blind = "an intact map of another time or database",
	.codes = codes,
	.ncodes = DARN_ARRAY_SIZE(codes),
	.probe = probe,
	.open = open_map,
	.check = check,
};

enum {
	VERSION_LEN = 3
};

static enum darn_rc open_version(const struct darn_file *f,
				 const void *store_ctx, struct darn_sink *sink,
				 void **file_ctx, struct darn_error *err)
{
	(void)store_ctx;
	(void)file_ctx;
	(void)err;
	if (f->st.size == 0)
		report_length(sink, &version_codes[0], 0, VERSION_LEN);
	return DARN_OK;
}

static enum darn_rc check_version(const void *file_ctx,
				  const struct darn_chunk *c,
				  struct darn_sink *sink,
				  struct darn_error *err)
{
	static const char want[VERSION_LEN] = {'0' + DARN_PG_MAJOR / 10,
					       '0' + DARN_PG_MAJOR % 10, '\n'};

	(void)file_ctx;
	(void)err;
	if (c->off != 0)
		return DARN_OK;
	if (c->file_size == sizeof(want) &&
	    memcmp(c->buf, want, sizeof(want)) == 0)
		darn_sink_verified(sink, 0, sizeof(want));
	else
		report_length(sink, &version_codes[0], c->file_size,
			      sizeof(want));
	return DARN_OK;
}

const struct darn_format darn_pg_format_version = {
	.name = "version",
	.title = "PostgreSQL version file",
	.covers = "every byte: the content is fixed",
	.blind = "nothing",
	.codes = version_codes,
	.ncodes = DARN_ARRAY_SIZE(version_codes),
	.open = open_version,
	.check = check_version,
};
