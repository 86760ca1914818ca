/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.c - global/pg_control of PostgreSQL 13 to 16 (pg_control_version
 * 1300), little-endian:
 *
 *	0	u64	system identifier
 *	8	u32	pg_control_version
 *	12	u32	catalogue version (202209061: PostgreSQL 15)
 *	16	u32	state, enum darn_pg_state
 *	32	u64	LSN of the latest checkpoint record
 *	40	u64	redo LSN of that checkpoint
 *	48	u32	timeline
 *	64	u64	next transaction id, with its epoch
 *	136	u64	minimum recovery ending LSN
 *	172	i32	wal_level
 *	204	u32	maximum data alignment: 8
 *	216	u32	page size
 *	220	u32	blocks of a segment
 *	224	u32	page size of the WAL
 *	228	u32	segment size of the WAL
 *	252	u32	version of the page checksums, 0: none
 *	288	u32	CRC-32C of the bytes before
 *	292	zeros up to 8192
 *
 * (src/include/catalog/pg_control.h.)  The CRC and the zeros cover every bit.
 */
#include "scanners/postgresql/control.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"

enum {
	CRC_AT = 288,
	USED = 292,
	MIN_WAL_SEGMENT = 1 << 20,
	MAX_WAL_SEGMENT = 1 << 30,
};

enum control_code {
	CHECKSUM,
	VALUES,
	LENGTH
};
static const struct darn_code codes[] = {
	[CHECKSUM] = {"postgresql/control-checksum", DARN_DAMAGED,
		      DARN_HINT_RESTORE_FILE,
		      "the checksum of the control file is wrong"},
	[VALUES] = {"postgresql/control-values", DARN_DAMAGED,
		    DARN_HINT_RESTORE_FILE,
		    "the control file has values that the server never "
		    "writes"},
	[LENGTH] = {"postgresql/control-length", DARN_DAMAGED,
		    DARN_HINT_RESTORE_FILE,
		    "the control file does not have its 8192 bytes"},
};

static bool power_of_two(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

static bool sane(const struct darn_pg_control *c, uint32_t wal_page)
{
	return c->control_version == DARN_PG_CONTROL_VERSION &&
	       c->state < DARN_PG_NSTATES && power_of_two(c->blcksz) &&
	       c->blcksz >= 1024 && c->blcksz <= 32768 && c->relseg_size != 0 &&
	       power_of_two(wal_page) && power_of_two(c->wal_segment_size) &&
	       c->wal_segment_size >= MIN_WAL_SEGMENT &&
	       c->wal_segment_size <= MAX_WAL_SEGMENT &&
	       c->redo_lsn <= c->checkpoint_lsn &&
	       c->data_checksum_version <= 1 && c->tli != 0;
}

static bool crc_holds(const uint8_t *buf)
{
	return darn_crc32c(0, buf, CRC_AT) == darn_get_le32(buf + CRC_AT);
}

void darn_pg_control_parse(const uint8_t *buf, size_t len,
			   struct darn_pg_control *out)
{
	struct darn_pg_control c = {.present = true};

	c.raw_len = DARN_MIN(len, sizeof(c.raw));
	if (c.raw_len)
		memcpy(c.raw, buf, c.raw_len);
	if (len == DARN_PG_CONTROL_LEN && crc_holds(buf)) {
		c.sysid = darn_get_le64(buf);
		c.control_version = darn_get_le32(buf + 8);
		c.catalog_version = darn_get_le32(buf + 12);
		c.state = darn_get_le32(buf + 16);
		c.checkpoint_lsn = darn_get_le64(buf + 32);
		c.redo_lsn = darn_get_le64(buf + 40);
		c.tli = darn_get_le32(buf + 48);
		c.next_xid = darn_get_le64(buf + 64);
		c.min_recovery_lsn = darn_get_le64(buf + 136);
		c.wal_level = darn_get_le32(buf + 172);
		c.blcksz = darn_get_le32(buf + 216);
		c.relseg_size = darn_get_le32(buf + 220);
		c.wal_segment_size = darn_get_le32(buf + 228);
		c.data_checksum_version = darn_get_le32(buf + 252);
		c.valid = sane(&c, darn_get_le32(buf + 224)) &&
			  darn_all_zero(buf + USED, len - USED);
	}
	if (!c.valid) {
		c = (struct darn_pg_control){.present = true,
					     .raw_len = c.raw_len};
		if (c.raw_len)
			memcpy(c.raw, buf, c.raw_len);
	}
	*out = c;
}

enum darn_rc darn_pg_control_read(struct darn_tree *t,
				  struct darn_pg_control *out,
				  struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	uint8_t *buf = NULL;
	size_t len = 0;
	enum darn_rc rc;

	memset(out, 0, sizeof(*out));
	rc = darn_tree_slurp(t, "global/pg_control", 1 << 20, &buf, &len, &why);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	if (rc == DARN_OK)
		darn_pg_control_parse(buf, len, out);
	free(buf);
	return DARN_OK;
}

const char *darn_pg_state_name(uint32_t state)
{
	static const char *const names[DARN_PG_NSTATES] = {
		"starting up",	 "shut down",	      "shut down in recovery",
		"shutting down", "in crash recovery", "in archive recovery",
		"in production",
	};

	return state < DARN_PG_NSTATES ? names[state] : "unknown";
}

static unsigned probe(const uint8_t *head, size_t len, uint64_t size)
{
	struct darn_pg_control c;

	if (len < DARN_PG_CONTROL_LEN || size != DARN_PG_CONTROL_LEN)
		return 0;
	darn_pg_control_parse(head, DARN_PG_CONTROL_LEN, &c);
	return c.valid ? 95 : 0;
}

static void report(struct darn_sink *sink, enum control_code code, uint64_t len,
		   const struct darn_detail *details)
{
	darn_sink_report(sink, &codes[code], (struct darn_place){.len = len},
			 details);
}

static void report_short(struct darn_sink *sink, uint64_t size)
{
	darn_sink_report(
		sink, &codes[LENGTH],
		(struct darn_place){.len = DARN_PG_CONTROL_LEN,
				    .missing = DARN_PG_CONTROL_LEN - size},
		DARN_DETAILS(DARN_DEC("size", size)));
}

/* An empty file has no chunk to check. */
static enum darn_rc open_control(const struct darn_file *f,
				 const void *store_ctx, struct darn_sink *sink,
				 void **file_ctx, struct darn_error *err)
{
	(void)store_ctx;
	(void)file_ctx;
	(void)err;
	if (f->st.size == 0)
		report_short(sink, 0);
	return DARN_OK;
}

static enum darn_rc check(const void *file_ctx, const struct darn_chunk *c,
			  struct darn_sink *sink, struct darn_error *err)
{
	struct darn_pg_control control;
	uint64_t size = c->file_size;

	(void)file_ctx;
	(void)err;
	if (c->off != 0)
		return DARN_OK; /* only of a file that is far too long */
	if (size < DARN_PG_CONTROL_LEN) {
		report_short(sink, size);
		return DARN_OK;
	}
	if (size != DARN_PG_CONTROL_LEN) {
		report(sink, LENGTH, size,
		       DARN_DETAILS(DARN_DEC("size", size)));
		return DARN_OK;
	}
	darn_pg_control_parse(c->buf, c->len, &control);
	if (control.valid)
		darn_sink_verified(sink, 0, size);
	else if (!crc_holds(c->buf))
		report(sink, CHECKSUM, size,
		       DARN_DETAILS(DARN_HEX("stored", 8,
					     darn_get_le32(c->buf + CRC_AT)),
				    DARN_HEX("computed", 8,
					     darn_crc32c(0, c->buf, CRC_AT))));
	else
		report(sink, VALUES, size, NULL);
	return DARN_OK;
}

const struct darn_format darn_pg_format_control = {
	.name = "control",
	.title = "PostgreSQL control file",
	.covers = "every byte: CRC-32C, values and zeros",
	.blind = "an intact control file of another time",
	.codes = codes,
	.ncodes = DARN_ARRAY_SIZE(codes),
	.probe = probe,
	.open = open_control,
	.check = check,
};
