/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_parse.c - records out of pages; see wal_parse.h.
 *
 * Only what the CRC does not tell is checked beside it: the length (which says
 * what the CRC covers), the link to the record before, and that the padding
 * between records is zero, which holds because the engine clears a page before
 * it writes into it.
 */
#include "scanners/postgresql/wal_parse.h"

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"

enum {
	BLANK = 32, /* zero bytes that make a range look unwritten */
	RM_XLOG = 0,
	XLOG_SWITCH = 0x40,
	XLOG_OVERWRITE_CONTRECORD = 0xd0,
	INFO_OF_RMGR = 0xf0,
	/* body of that record: u8 255, u8 length, u64 LSN, ... */
	OVERWRITTEN_AT = DARN_PG_WAL_HEAD + 2,
};

/* The record began in a part of the log that is not known. */
#define GIVEN_UP_ANY UINT64_MAX

static uint32_t record_crc(const uint8_t *rec, uint32_t length)
{
	uint32_t crc = darn_crc32c(0, rec + DARN_PG_WAL_HEAD,
				   length - DARN_PG_WAL_HEAD);

	return darn_crc32c(crc, rec, DARN_PG_WAL_CRC_AT);
}

/* ---- the parser ---- */

/* A page in hand. */
struct view {
	const uint8_t *p;
	size_t len, pos;
	uint64_t lsn;
};

static uint64_t here(const struct view *v)
{
	return v->lsn + v->pos;
}

void darn_pg_wal_parse_init(struct darn_pg_wal_parse *p,
			    const struct darn_pg_wal_ops *ops, void *payload,
			    const struct darn_pg_wal_rules *rules)
{
	*p = (struct darn_pg_wal_parse){
		.ops = ops, .payload = payload, .rules = rules};
}

static void fault(struct darn_pg_wal_parse *p, struct darn_pg_wal_trouble t)
{
	if (t.fault != DARN_PG_FAULT_PADDING) {
		p->prev_exact = false;
		p->given_up = 0;
		p->resuming = true;
	}
	p->ops->fault(p->payload, &t);
}

static void resume(struct darn_pg_wal_parse *p, const struct view *v)
{
	size_t n = DARN_MIN((size_t)BLANK, v->pos);

	p->state = DARN_PG_WAL_BETWEEN;
	if (!p->resuming)
		return;
	p->resuming = false;
	p->ops->resume(p->payload, here(v),
		       darn_all_zero(v->p + v->pos - n, n));
}

/* Could the record at @lsn, which names @prev, be the next good one? */
static bool link_fits(const struct darn_pg_wal_parse *p, uint64_t prev,
		      uint64_t lsn)
{
	if (p->prev_exact)
		return prev == p->prev;
	return prev >= p->prev && prev < lsn;
}

/* Is there a good record, all of it in this page, at @pos? */
static bool good_record_at(const struct darn_pg_wal_parse *p,
			   const struct view *v, size_t pos)
{
	const uint8_t *rec = v->p + pos;
	uint32_t length;
	uint64_t prev;

	if (v->len - pos < DARN_PG_WAL_HEAD)
		return false;
	length = darn_get_le32(rec);
	prev = darn_get_le64(rec + 8);
	if (length < DARN_PG_WAL_HEAD || length > v->len - pos)
		return false;
	/* what an earlier use of the file left points before this segment */
	if (!p->prev && prev < v->lsn - v->lsn % p->rules->segsize)
		return false;
	return link_fits(p, prev, v->lsn + pos) &&
	       record_crc(rec, length) ==
		       darn_get_le32(rec + DARN_PG_WAL_CRC_AT);
}

/*
 * Does what lies at @pos, where the bad record at @lsn claims to end, name
 * that record?  Then its length was right and the log goes on there.
 */
static bool successor_at(const struct darn_pg_wal_parse *p,
			 const struct view *v, size_t pos, uint64_t lsn)
{
	uint32_t length;

	if (pos > v->len || v->len - pos < DARN_PG_WAL_HEAD)
		return false;
	length = darn_get_le32(v->p + pos);
	if (length < DARN_PG_WAL_HEAD || length > DARN_PG_WAL_MAX_RECORD ||
	    darn_get_le64(v->p + pos + 8) != lsn)
		return false;
	return length > v->len - pos || good_record_at(p, v, pos);
}

/*
 * After a fault: goes on behind the bad record at @lsn, which claims to end
 * at @next (0: it does not say), or at any good record from v->pos on.
 */
static void rescan(struct darn_pg_wal_parse *p, struct view *v, uint64_t lsn,
		   size_t next)
{
	p->state = DARN_PG_WAL_LOST;
	if (next && successor_at(p, v, next, lsn)) {
		v->pos = next;
		resume(p, v);
		return;
	}
	if (v->pos >= v->len || darn_all_zero(v->p + v->pos, v->len - v->pos))
		return;
	for (size_t pos = v->pos; pos < v->len; pos += 8)
		if (good_record_at(p, v, pos)) {
			v->pos = pos;
			resume(p, v);
			return;
		}
}

/* The bytes from v->pos to @end must be zero. */
static void check_zero(struct darn_pg_wal_parse *p, struct view *v, size_t end)
{
	end = DARN_MIN(end, v->len);
	if (end <= v->pos)
		return;
	if (darn_all_zero(v->p + v->pos, end - v->pos))
		p->ops->verified(p->payload, here(v), v->lsn + end);
	else
		fault(p, (struct darn_pg_wal_trouble){
				 .fault = DARN_PG_FAULT_PADDING,
				 .lsn = here(v),
				 .end = v->lsn + end,
				 .at = v->lsn});
	v->pos = end;
}

/* The same for the few bytes that belong to the record before. */
static void check_padding(struct darn_pg_wal_parse *p, struct view *v,
			  size_t end)
{
	uint8_t any = 0;

	for (size_t i = v->pos; i < end; i++)
		any |= v->p[i];
	if (any)
		check_zero(p, v, end);
	v->pos = end;
}

/* The record that a recovery writes names the one that it gave up. */
static bool names_given_up(const struct darn_pg_wal_parse *p,
			   const struct darn_pg_wal_seen *r)
{
	return r->head[17] == RM_XLOG &&
	       (r->head[16] & INFO_OF_RMGR) == XLOG_OVERWRITE_CONTRECORD &&
	       r->body && r->length >= OVERWRITTEN_AT + 8 &&
	       (p->given_up == GIVEN_UP_ANY ||
		p->given_up == darn_get_le64(r->body + OVERWRITTEN_AT -
					     DARN_PG_WAL_HEAD));
}

/*
 * The flag in the header of the page where @r begins is wrong; @r itself may be
 * good, and is looked at again from @pos on.
 */
static void false_flag(struct darn_pg_wal_parse *p, struct view *v,
		       const struct darn_pg_wal_seen *r, size_t pos)
{
	fault(p, (struct darn_pg_wal_trouble){.fault = DARN_PG_FAULT_CONT,
					      .lsn = r->lsn -
						     r->lsn % DARN_PG_PAGE,
					      .at = v->lsn,
					      .what = "flags"});
	v->pos = pos;
	resume(p, v);
}

/*
 * A whole record lies before v->pos; @in_page: all of it in this page.
 */
static void finish_record(struct darn_pg_wal_parse *p, struct view *v,
			  struct darn_pg_wal_seen *r, uint32_t crc,
			  bool in_page)
{
	uint32_t stored = darn_get_le32(r->head + DARN_PG_WAL_CRC_AT);
	struct darn_pg_wal_trouble t = {
		.lsn = r->lsn, .at = v->lsn, .stored = stored, .computed = crc};
	size_t end = DARN_MIN((v->pos + 7) & ~(size_t)7, v->len);

	if (p->given_up && !names_given_up(p, r)) {
		false_flag(p, v, r, in_page ? (size_t)(r->lsn - v->lsn) : end);
		return;
	}
	if (crc != stored)
		t.fault = DARN_PG_FAULT_CRC;
	else if (!link_fits(p, darn_get_le64(r->head + 8), r->lsn))
		t.fault = DARN_PG_FAULT_CHAIN;
	if (t.fault) {
		fault(p, t);
		if (in_page)
			v->pos = (size_t)(r->lsn - v->lsn) + 8;
		else
			v->pos = end;
		rescan(p, v, r->lsn, end);
		return;
	}
	p->prev = r->lsn;
	p->prev_exact = true;
	p->given_up = 0;
	r->end = v->lsn + end;
	p->state = DARN_PG_WAL_BETWEEN;
	p->ops->record(p->payload, r);
	check_padding(p, v, end);
	if (r->head[17] == RM_XLOG &&
	    (r->head[16] & INFO_OF_RMGR) == XLOG_SWITCH) {
		check_zero(p, v, v->len);
		p->state = DARN_PG_WAL_SWITCHED;
	}
}

static void add_piece(struct darn_pg_wal_parse *p, struct view *v)
{
	struct darn_pg_wal_partial *rec = &p->rec;
	uint32_t at = rec->have;
	size_t n = darn_pg_wal_partial_add(rec, v->p + v->pos, v->len - v->pos);
	struct darn_pg_wal_seen r = {
		.lsn = rec->lsn, .length = rec->length, .head = rec->head};

	if (p->ops->body)
		p->ops->body(p->payload, at, v->p + v->pos, n);
	v->pos += n;
	if (rec->have == rec->length)
		finish_record(p, v, &r, darn_pg_wal_partial_crc(rec), false);
}

static void begin_record(struct darn_pg_wal_parse *p, struct view *v)
{
	const uint8_t *rec = v->p + v->pos;
	size_t left = v->len - v->pos;
	struct darn_pg_wal_trouble t = {.lsn = here(v), .at = v->lsn};
	struct darn_pg_wal_seen r = {.lsn = here(v), .head = rec};

	if (left < 8) { /* only where the file was cut */
		v->pos = v->len;
		return;
	}
	r.length = darn_get_le32(rec);
	if (r.length < DARN_PG_WAL_HEAD || r.length > DARN_PG_WAL_MAX_RECORD) {
		t.fault = r.length ? DARN_PG_FAULT_LENGTH : DARN_PG_FAULT_ZERO;
		fault(p, t);
		v->pos += 8;
		rescan(p, v, t.lsn, 0);
	} else if (r.length <= left) {
		r.body = rec + DARN_PG_WAL_HEAD;
		v->pos += r.length;
		finish_record(p, v, &r, record_crc(rec, r.length), true);
	} else {
		p->rec = (struct darn_pg_wal_partial){.lsn = r.lsn,
						      .length = r.length};
		p->state = DARN_PG_WAL_WITHIN;
		add_piece(p, v);
	}
}

/* Zeroes, as at the end of the log, or what may be a record. */
static bool plausible_at(const struct darn_pg_wal_parse *p,
			 const struct view *v)
{
	size_t left = v->len - v->pos;
	uint32_t length;

	if (left < DARN_PG_WAL_HEAD)
		return true;
	length = darn_get_le32(v->p + v->pos);
	if (length > left)
		return length <= DARN_PG_WAL_MAX_RECORD &&
		       link_fits(p, darn_get_le64(v->p + v->pos + 8), here(v));
	return length == 0 || good_record_at(p, v, v->pos);
}

static void skip_bytes(struct darn_pg_wal_parse *p, struct view *v)
{
	size_t n = DARN_MIN((size_t)p->skip, v->len - v->pos);

	p->skip -= (uint32_t)n;
	v->pos += n;
	if (p->skip)
		return;
	v->pos = DARN_MIN((v->pos + 7) & ~(size_t)7, v->len);
	if (!p->resuming || plausible_at(p, v))
		resume(p, v);
	else
		rescan(p, v, 0, 0);
}

static void read_page(struct darn_pg_wal_parse *p, struct view *v)
{
	while (v->pos < v->len) {
		switch (p->state) {
		case DARN_PG_WAL_BETWEEN:
			begin_record(p, v);
			break;
		case DARN_PG_WAL_WITHIN:
			add_piece(p, v);
			break;
		case DARN_PG_WAL_SKIPPING:
			skip_bytes(p, v);
			break;
		case DARN_PG_WAL_LOST:
		case DARN_PG_WAL_SWITCHED:
			return;
		}
	}
}

/* How many bytes the page must begin with; false: there is no telling. */
static bool expected_rem(const struct darn_pg_wal_parse *p, uint32_t *rem)
{
	switch (p->state) {
	case DARN_PG_WAL_BETWEEN:
		*rem = 0;
		return true;
	case DARN_PG_WAL_WITHIN:
		*rem = p->rec.length - p->rec.have;
		return true;
	case DARN_PG_WAL_SKIPPING:
		*rem = p->skip;
		return true;
	default:
		return false;
	}
}

/* Finds the start of the next record by the page's own word. */
static void sync_to_page(struct darn_pg_wal_parse *p, struct view *v,
			 const struct darn_pg_wal_page *h)
{
	p->skip = h->rem;
	if (p->skip)
		p->state = DARN_PG_WAL_SKIPPING;
	else
		resume(p, v);
}

/* Where a fault in the header of the page at @lsn begins. */
static uint64_t fault_start(const struct darn_pg_wal_parse *p, uint64_t lsn)
{
	return p->state == DARN_PG_WAL_WITHIN ? p->rec.lsn : lsn;
}

/* The record across the page's start was given up by a recovery. */
static void give_up(struct darn_pg_wal_parse *p, struct view *v)
{
	if (p->state == DARN_PG_WAL_WITHIN) {
		p->ops->abandoned(p->payload, p->rec.lsn, v->lsn);
		p->given_up = p->rec.lsn;
	} else {
		p->given_up = GIVEN_UP_ANY;
	}
	p->ops->verified(p->payload, v->lsn, here(v));
	resume(p, v);
}

/* The page's header is right; does it go on where the last one ended? */
static void enter_page(struct darn_pg_wal_parse *p, struct view *v,
		       const struct darn_pg_wal_page *h)
{
	bool over = h->info & DARN_PG_WAL_OVERWRITE;
	uint32_t rem;
	bool known = expected_rem(p, &rem);

	if (over && p->state != DARN_PG_WAL_BETWEEN) {
		give_up(p, v);
		return;
	}
	if (known && h->rem == rem && !over) {
		/* that of a page within a record stands or falls with it */
		if (p->state != DARN_PG_WAL_WITHIN)
			p->ops->verified(p->payload, v->lsn, here(v));
		return;
	}
	if (known)
		fault(p, (struct darn_pg_wal_trouble){
				 .fault = DARN_PG_FAULT_CONT,
				 .lsn = fault_start(p, v->lsn),
				 .at = v->lsn,
				 .what = over ? "flags" : "remaining length"});
	else
		p->ops->verified(p->payload, v->lsn, here(v));
	sync_to_page(p, v, h);
}

void darn_pg_wal_parse_page(struct darn_pg_wal_parse *p, const uint8_t *page,
			    size_t len, uint64_t lsn)
{
	struct view v = {.p = page, .len = len, .lsn = lsn};
	struct darn_pg_wal_page h;

	if (p->state == DARN_PG_WAL_SWITCHED && lsn % p->rules->segsize) {
		check_zero(p, &v, len);
		return;
	}
	if (p->state == DARN_PG_WAL_SWITCHED)
		p->state = DARN_PG_WAL_BETWEEN;
	v.pos = DARN_MIN(len, lsn % p->rules->segsize
				      ? (size_t)DARN_PG_WAL_SHORT
				      : (size_t)DARN_PG_WAL_LONG);
	if (!darn_pg_wal_page_check(p->rules, page, len, lsn, &h)) {
		fault(p,
		      (struct darn_pg_wal_trouble){.fault = DARN_PG_FAULT_PAGE,
						   .lsn = fault_start(p, lsn),
						   .at = lsn,
						   .here = h.here,
						   .what = h.wrong});
		rescan(p, &v, lsn, 0);
		read_page(p, &v);
		return;
	}
	p->ops->page(p->payload, lsn);
	enter_page(p, &v, &h);
	read_page(p, &v);
}

void darn_pg_wal_parse_from(struct darn_pg_wal_parse *p, const uint8_t *page,
			    size_t at, uint64_t lsn)
{
	struct view v = {.p = page, .len = DARN_PG_PAGE, .pos = at, .lsn = lsn};

	p->state = DARN_PG_WAL_BETWEEN;
	read_page(p, &v);
}
