/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am.c - the marks of the access methods, in the special space at the end of
 * a page (src/include/access):
 *
 *	none		heap
 *	16 bytes	last u16 ff80: hash, ff81: GiST, below: btree, whose
 *			vacuum cycle is at most ff7f
 *	8 bytes		last u16 ff82: SP-GiST, f091 to f093: BRIN;
 *			first u32 1717: sequence; else GIN
 */
#include "scanners/postgresql/am.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "scanners/postgresql/page.h"

enum {
	HASH_MARK = 0xff80,
	GIST_MARK = 0xff81,
	SPGIST_MARK = 0xff82,
	BRIN_FIRST_MARK = 0xf091,
	BRIN_LAST_MARK = 0xf093,
	SEQUENCE_MARK = 0x1717,
	LOOK_AT = 64, /* pages of a file until one is in use */
};

static enum darn_pg_am of_short_special(const uint8_t *page, uint16_t mark)
{
	if (mark == SPGIST_MARK)
		return DARN_PG_AM_SPGIST;
	if (mark >= BRIN_FIRST_MARK && mark <= BRIN_LAST_MARK)
		return DARN_PG_AM_BRIN;
	if (darn_get_le32(page + DARN_PG_PAGE - 8) == SEQUENCE_MARK)
		return DARN_PG_AM_SEQUENCE;
	return DARN_PG_AM_GIN;
}

enum darn_pg_am darn_pg_am_of_page(const uint8_t *page)
{
	struct darn_pg_head h = darn_pg_head(page);
	uint16_t mark = darn_get_le16(page + DARN_PG_PAGE - 2);

	if (h.upper == 0 || !darn_pg_head_sane(&h))
		return DARN_PG_AM_UNKNOWN;
	switch (DARN_PG_PAGE - h.special) {
	case 0:
		return DARN_PG_AM_HEAP;
	case 8:
		return of_short_special(page, mark);
	case 16:
		if (mark == HASH_MARK)
			return DARN_PG_AM_HASH;
		if (mark == GIST_MARK)
			return DARN_PG_AM_GIST;
		return mark < HASH_MARK ? DARN_PG_AM_BTREE : DARN_PG_AM_UNKNOWN;
	default:
		return DARN_PG_AM_UNKNOWN;
	}
}

static enum darn_pg_am of_io(const struct darn_pg *pg, struct darn_io *io)
{
	struct darn_error why = DARN_ERROR_INIT;
	uint8_t page[DARN_PG_PAGE];

	for (uint32_t block = 0; block < LOOK_AT; block++) {
		enum darn_pg_am am;

		if (darn_io_read_full(io, page, sizeof(page),
				      (uint64_t)block * sizeof(page), &why))
			return DARN_PG_AM_UNKNOWN;
		am = darn_pg_am_of_page(page);
		if (am != DARN_PG_AM_UNKNOWN &&
		    (pg->sums == DARN_PG_SUMS_OFF ||
		     darn_pg_page_sum(page, block) ==
			     darn_pg_head(page).checksum))
			return am;
	}
	return DARN_PG_AM_UNKNOWN;
}

enum darn_pg_am darn_pg_am_of_file(const struct darn_pg *pg,
				   struct darn_tree *t, const char *path)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_pg_am am;
	struct darn_io *io;

	if (darn_tree_open(t, path, &io, &why))
		return DARN_PG_AM_UNKNOWN;
	am = of_io(pg, io);
	darn_io_close(io);
	return am;
}

const char *darn_pg_am_name(enum darn_pg_am am)
{
	static const char *const names[] = {
		"relation",	 "table",      "sequence",
		"btree index",	 "hash index", "GiST index",
		"SP-GiST index", "GIN index",  "BRIN index",
	};

	return (size_t)am < DARN_ARRAY_SIZE(names) ? names[am] : names[0];
}
