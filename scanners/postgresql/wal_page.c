/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_page.c - the headers of pages, and records in pieces; see wal_parse.h.
 */
#include "scanners/postgresql/wal_parse.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"

/* ---- page headers ---- */

static bool timeline_fits(const struct darn_pg_wal_rules *r, uint32_t tli,
			  uint64_t lsn)
{
	if (tli == r->tli)
		return !r->history || r->nancestors == 0 ||
		       lsn + DARN_PG_PAGE > r->ancestors[r->nancestors - 1].end;
	if (!r->history)
		return tli > 0 && tli < r->tli;
	for (unsigned i = 0; i < r->nancestors; i++) {
		uint64_t begin = i ? r->ancestors[i - 1].end : 0;

		if (tli == r->ancestors[i].tli)
			return lsn + DARN_PG_PAGE > begin &&
			       lsn < r->ancestors[i].end;
	}
	return false;
}

static const char *wrong_in_long(const struct darn_pg_wal_rules *rules,
				 struct darn_cursor *c)
{
	uint64_t sysid = darn_le64(c);
	uint32_t segsize = darn_le32(c);
	uint32_t blcksz = darn_le32(c);

	if (c->overrun)
		return "header";
	if (rules->sysid && sysid != rules->sysid)
		return "system id";
	if (segsize != rules->segsize)
		return "segment size";
	return blcksz == DARN_PG_PAGE ? NULL : "page size";
}

bool darn_pg_wal_page_check(const struct darn_pg_wal_rules *rules,
			    const uint8_t *page, size_t len, uint64_t lsn,
			    struct darn_pg_wal_page *out)
{
	bool first = lsn % rules->segsize == 0;
	struct darn_cursor c;
	uint16_t magic;
	uint32_t tli, pad;
	uint64_t addr;
	bool cont;

	darn_cursor_init(&c, page, len);
	magic = darn_le16(&c);
	out->info = darn_le16(&c);
	tli = darn_le32(&c);
	addr = darn_le64(&c);
	out->rem = darn_le32(&c);
	pad = darn_le32(&c);
	out->header = first ? DARN_PG_WAL_LONG : DARN_PG_WAL_SHORT;
	out->here = !c.overrun && magic == DARN_PG_WAL_MAGIC && addr == lsn;
	out->wrong = NULL;
	cont = out->info & DARN_PG_WAL_CONT;
	if (c.overrun)
		out->wrong = "header";
	else if (magic != DARN_PG_WAL_MAGIC)
		out->wrong = "magic";
	else if (addr != lsn)
		out->wrong = "address";
	else if (out->info & ~(uint32_t)DARN_PG_WAL_FLAGS ||
		 first != !!(out->info & DARN_PG_WAL_LONG_HEADER) ||
		 (cont && out->info & DARN_PG_WAL_OVERWRITE))
		out->wrong = "flags";
	else if (!timeline_fits(rules, tli, lsn))
		out->wrong = "timeline";
	else if (cont != (out->rem > 0) || out->rem > DARN_PG_WAL_MAX_RECORD)
		out->wrong = "remaining length";
	else if (pad)
		out->wrong = "padding";
	else if (first)
		out->wrong = wrong_in_long(rules, &c);
	return !out->wrong;
}

/* ---- records in pieces ---- */

size_t darn_pg_wal_partial_add(struct darn_pg_wal_partial *r, const uint8_t *p,
			       size_t len)
{
	size_t n = DARN_MIN(len, (size_t)(r->length - r->have));
	size_t head = 0;

	if (r->have < DARN_PG_WAL_HEAD) {
		head = DARN_MIN(n, (size_t)(DARN_PG_WAL_HEAD - r->have));
		memcpy(r->head + r->have, p, head);
	}
	r->crc = darn_crc32c(r->crc, p + head, n - head);
	r->have += (uint32_t)n;
	return n;
}

uint32_t darn_pg_wal_partial_crc(const struct darn_pg_wal_partial *r)
{
	return darn_crc32c(r->crc, r->head, DARN_PG_WAL_CRC_AT);
}
