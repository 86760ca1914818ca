/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_cross.c - records that lie in two segments or more.
 *
 * A segment is checked on its own, by any worker, so what it shares with its
 * neighbours is read twice: the start of a record in the check of the segment
 * where it goes on, and the rest in that of the segment where it began.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/wal_file.h"

/* Reads the page at @lsn; false in *@ok where it is not a page of the log. */
static enum darn_rc read_page(struct darn_pg_wal_files *f, uint64_t lsn,
			      uint8_t page[DARN_PG_PAGE],
			      struct darn_pg_wal_page *h, bool *ok,
			      struct darn_error *err)
{
	size_t got;
	enum darn_rc rc =
		darn_pg_wal_files_read(f, lsn, page, DARN_PG_PAGE, &got, err);

	if (rc)
		return rc;
	(void)darn_pg_wal_page_check(&f->rules, page, got, lsn, h);
	*ok = h->here && got == DARN_PG_PAGE;
	return DARN_OK;
}

enum darn_rc darn_pg_wal_cross_rest(struct darn_pg_wal_files *f,
				    const struct darn_pg_wal_partial *rec,
				    uint64_t lsn, enum darn_pg_wal_rest *rest,
				    struct darn_error *err)
{
	struct darn_pg_wal_partial r = *rec;
	uint64_t max = (uint64_t)DARN_PG_WAL_CROSS_MAX * f->rules.segsize;
	uint8_t page[DARN_PG_PAGE];

	*rest = DARN_PG_REST_TOO_LONG;
	if (r.length > max)
		return DARN_OK;
	for (; r.have < r.length; lsn += DARN_PG_PAGE) {
		struct darn_pg_wal_page h;
		bool ok;
		enum darn_rc rc = read_page(f, lsn, page, &h, &ok, err);

		if (rc)
			return rc;
		if (!ok || h.info & DARN_PG_WAL_OVERWRITE) {
			*rest = ok ? DARN_PG_REST_GIVEN_UP
				   : DARN_PG_REST_ABSENT;
			return DARN_OK;
		}
		(void)darn_pg_wal_partial_add(&r, page + h.header,
					      DARN_PG_PAGE - h.header);
	}
	*rest = darn_pg_wal_partial_crc(&r) ==
				darn_get_le32(r.head + DARN_PG_WAL_CRC_AT)
			? DARN_PG_REST_GOOD
			: DARN_PG_REST_BAD;
	return DARN_OK;
}

/*
 * From the first record that begins in the page on, by their lengths alone:
 * where does the one begin that does not end here?
 */
static bool last_start(const uint8_t page[DARN_PG_PAGE],
		       const struct darn_pg_wal_page *h, size_t *at)
{
	size_t pos = h->header;

	if (h->rem > DARN_PG_PAGE - pos)
		return false;
	for (pos = (pos + h->rem + 7) & ~(size_t)7; pos < DARN_PG_PAGE;) {
		uint32_t length = darn_get_le32(page + pos);

		if (length < DARN_PG_WAL_HEAD ||
		    length > DARN_PG_WAL_MAX_RECORD)
			return false;
		if (length > DARN_PG_PAGE - pos) {
			*at = pos;
			return true;
		}
		pos = (pos + length + 7) & ~(size_t)7;
	}
	return false;
}

/* Takes up @rec, which begins @at bytes into the page at @lsn, up to @end. */
static enum darn_rc collect(struct darn_pg_wal_files *f, uint64_t lsn,
			    size_t at, uint64_t end,
			    struct darn_pg_wal_partial *rec, bool *known,
			    struct darn_error *err)
{
	uint8_t page[DARN_PG_PAGE];

	*rec = (struct darn_pg_wal_partial){.lsn = lsn + at,
					    .length = DARN_PG_WAL_HEAD};
	*known = false;
	for (; lsn < end && rec->have < rec->length; lsn += DARN_PG_PAGE) {
		struct darn_pg_wal_page h;
		bool ok;
		enum darn_rc rc = read_page(f, lsn, page, &h, &ok, err);

		if (rc || !ok)
			return rc;
		if (at)
			rec->length = darn_get_le32(page + at);
		else if (h.info & DARN_PG_WAL_OVERWRITE)
			return DARN_OK;
		else
			at = h.header;
		(void)darn_pg_wal_partial_add(rec, page + at,
					      DARN_PG_PAGE - at);
		at = 0;
	}
	*known = rec->have < rec->length;
	return DARN_OK;
}

/* Does one record run through all of the segment that ends at @lsn? */
static enum darn_rc runs_through(struct darn_pg_wal_files *f, uint64_t lsn,
				 bool *through, struct darn_error *err)
{
	uint32_t pages = f->rules.segsize / DARN_PG_PAGE;
	uint64_t room = (uint64_t)pages * (DARN_PG_PAGE - DARN_PG_WAL_SHORT) -
			(DARN_PG_WAL_LONG - DARN_PG_WAL_SHORT);
	uint8_t page[DARN_PG_WAL_LONG];
	struct darn_pg_wal_page h;
	size_t got;
	enum darn_rc rc = darn_pg_wal_files_read(f, lsn - f->rules.segsize,
						 page, sizeof(page), &got, err);

	*through = rc == DARN_OK &&
		   darn_pg_wal_page_check(&f->rules, page, got,
					  lsn - f->rules.segsize, &h) &&
		   h.rem >= room;
	return rc;
}

enum darn_rc darn_pg_wal_cross_begin(struct darn_pg_wal_files *f, uint64_t lsn,
				     struct darn_pg_wal_partial *rec,
				     bool *known, struct darn_error *err)
{
	uint64_t max = (uint64_t)DARN_PG_WAL_CROSS_MAX * f->rules.segsize;
	uint64_t low = lsn > max ? lsn - max : 0;
	uint8_t page[DARN_PG_PAGE];

	*known = false;
	for (uint64_t at = lsn; at > low;) {
		struct darn_pg_wal_page h;
		size_t pos;
		bool ok, through = false;
		enum darn_rc rc = DARN_OK;

		if (at % f->rules.segsize == 0 && at >= f->rules.segsize)
			rc = runs_through(f, at, &through, err);
		if (rc)
			return rc;
		if (through) {
			at -= f->rules.segsize;
			continue;
		}
		at -= DARN_PG_PAGE;
		rc = read_page(f, at, page, &h, &ok, err);
		if (rc || !ok)
			return rc;
		if (last_start(page, &h, &pos))
			return collect(f, at, pos, lsn, rec, known, err);
		if (h.rem < DARN_PG_PAGE - h.header)
			return DARN_OK;
	}
	return DARN_OK;
}

enum darn_rc darn_pg_wal_cross_whole(struct darn_pg_wal_files *f, uint64_t lsn,
				     enum darn_pg_wal_rest *rest,
				     uint32_t *computed, uint32_t *stored,
				     struct darn_error *err)
{
	size_t at = (size_t)(lsn % DARN_PG_PAGE);
	struct darn_pg_wal_partial rec;
	bool running;
	enum darn_rc rc =
		collect(f, lsn - at, at, UINT64_MAX, &rec, &running, err);

	*rest = DARN_PG_REST_ABSENT;
	if (rc || rec.have < rec.length)
		return rc;
	*computed = darn_pg_wal_partial_crc(&rec);
	*stored = darn_get_le32(rec.head + DARN_PG_WAL_CRC_AT);
	*rest = *computed == *stored ? DARN_PG_REST_GOOD : DARN_PG_REST_BAD;
	return DARN_OK;
}
