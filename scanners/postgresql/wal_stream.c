/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_stream.c - checks the bytes of one segment in order.
 *
 * Pages are handed to the parser one page late, because whether a fault is
 * damage shows by the page after it: if that one belongs to the log, the log
 * went on.  So one page is held back, and another is put together where the
 * chunks are not whole pages.
 *
 * At most two findings wait: the last fault that nothing has followed yet, and
 * the first damage of the segment, which is told at the end, with the number
 * of good records that a server would never reach.
 */
#include "scanners/postgresql/wal_stream.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

#define BEYOND "WAL beyond the end of the log (recycled or preallocated)"
#define GIVEN_UP "a WAL record that was given up by a recovery"
#define NO_START "a WAL record whose start is too far back or not here"
#define NO_END "a WAL record whose end is missing in the next segment"
#define TOO_LONG "a WAL record across more than 16 segments"

struct stream {
	const struct darn_pg_wal_segment *seg;
	struct darn_pg_wal_files files;
	struct darn_pg_wal_parse parse;
	struct darn_sink *sink; /* during feed() and end() */
	struct darn_pg_wal_finding cur, first;
	struct darn_pg_wal_span span;
	uint64_t good_from, good_to; /* verified, not yet told */
	uint64_t lsn;		     /* of the next page to be read */
	uint64_t last, first_prev;   /* record LSNs, for the note */
	uint32_t flags;		     /* enum darn_pg_wal_segment_flag */
	bool next_here;		     /* of the page that is being parsed */
	bool shut_down; /* the last record was the log's last one */
	bool over;	/* the log ends here, nothing more is judged */
	size_t held_len, part_len;
	uint8_t held[DARN_PG_PAGE]; /* the last whole page */
	uint8_t part[DARN_PG_PAGE]; /* the bytes behind it */
};

/* ---- what the parser tells ---- */

static void flush_good(struct stream *s)
{
	uint64_t from = DARN_MAX(s->good_from, s->seg->start);

	if (s->good_to > from)
		darn_sink_verified(s->sink, from - s->seg->start,
				   s->good_to - from);
	s->good_from = s->good_to = 0;
}

static void on_verified(void *payload, uint64_t from, uint64_t to)
{
	struct stream *s = payload;

	if (s->over)
		return;
	if (from != s->good_to) {
		flush_good(s);
		s->good_from = from;
	}
	s->good_to = to;
}

static void emit(struct stream *s)
{
	if (!s->first.set) {
		s->first = s->cur;
		s->first.after = 0;
	} else {
		darn_pg_wal_report(s->sink, &s->span, &s->cur);
	}
	s->cur.set = false;
}

static void on_page(void *payload, uint64_t lsn)
{
	struct stream *s = payload;

	if (s->over)
		return;
	s->flags |= DARN_PG_SEGMENT_LIVE;
	if (lsn == s->seg->start)
		s->flags |= DARN_PG_SEGMENT_BEGUN;
	if (!s->cur.set)
		return;
	s->cur.strong = true;
	if (!s->cur.open)
		emit(s);
}

/* A record that should not be: the control file is older than the log. */
static void report_after(struct stream *s, const struct darn_pg_wal_seen *r)
{
	struct darn_pg_lsn_text lsn = darn_pg_lsn_text(r->lsn);
	struct darn_pg_lsn_text stop = darn_pg_lsn_text(s->seg->shutdown);

	darn_sink_report(s->sink, &darn_pg_wal_codes[DARN_PG_WAL_C_AFTER],
			 (struct darn_place){.off = r->lsn - s->seg->start,
					     .len = r->end - r->lsn},
			 DARN_DETAILS(DARN_STR("lsn", lsn.s),
				      DARN_STR("shutdown", stop.s)));
}

static void on_record(void *payload, const struct darn_pg_wal_seen *r)
{
	struct stream *s = payload;

	if (s->over)
		return;
	if (s->shut_down) {
		s->shut_down = false;
		report_after(s, r);
	}
	if (r->lsn == s->seg->shutdown)
		s->shut_down = true;
	if (s->first.set)
		s->first.after++;
	if (s->cur.set)
		s->cur.after++;
	if (r->lsn >= s->seg->start && !s->first.set && !s->cur.set &&
	    !(s->flags & DARN_PG_SEGMENT_FIRST)) {
		s->flags |= DARN_PG_SEGMENT_FIRST;
		s->first_prev = darn_get_le64(r->head + 8);
	}
	s->last = r->lsn;
	on_verified(s, r->lsn, r->end);
}

static void on_fault(void *payload, const struct darn_pg_wal_trouble *t)
{
	struct stream *s = payload;
	bool strong = s->next_here || t->lsn <= s->seg->reached ||
		      (t->fault == DARN_PG_FAULT_PAGE && t->here);

	if (s->over)
		return;
	flush_good(s);
	if (s->shut_down) {
		s->over = true;
		return;
	}
	if (t->fault == DARN_PG_FAULT_PADDING) {
		struct darn_pg_wal_finding f = {
			.set = true, .t = *t, .end = t->end};

		darn_pg_wal_report(s->sink, &s->span, &f);
		return;
	}
	if (!s->cur.set)
		s->cur = (struct darn_pg_wal_finding){.set = true, .t = *t};
	s->cur.open = true;
	s->cur.strong |= strong;
}

static void on_resume(void *payload, uint64_t lsn, bool blank)
{
	struct stream *s = payload;

	if (s->over || !s->cur.set)
		return;
	s->cur.open = false;
	s->cur.end = lsn;
	s->cur.blank = blank;
	if (s->cur.strong)
		emit(s);
}

static void on_abandoned(void *payload, uint64_t lsn, uint64_t to)
{
	struct stream *s = payload;

	(void)lsn;
	(void)to;
	darn_sink_reason(s->sink, GIVEN_UP);
}

static const struct darn_pg_wal_ops ops = {
	.page = on_page,
	.record = on_record,
	.verified = on_verified,
	.fault = on_fault,
	.resume = on_resume,
	.abandoned = on_abandoned,
};

/* ---- bytes into pages ---- */

enum darn_rc darn_pg_wal_stream_begin(const void *file_ctx, void **stream,
				      struct darn_error *err)
{
	const struct darn_pg_wal_segment *seg = file_ctx;
	struct stream *s = darn_calloc(1, sizeof(*s), err);

	if (!s)
		return DARN_ENOMEM;
	s->seg = seg;
	s->files = seg->files;
	s->files.io = NULL;
	s->files.tried = false;
	s->lsn = seg->start;
	s->span = (struct darn_pg_wal_span){.start = seg->start,
					    .size = seg->size};
	darn_pg_wal_parse_init(&s->parse, &ops, s, &s->files.rules);
	if (seg->carried) {
		s->parse.state = DARN_PG_WAL_WITHIN;
		s->parse.rec = seg->carry;
	}
	*stream = s;
	return DARN_OK;
}

static bool is_here(const struct stream *s, const uint8_t *page, uint64_t lsn)
{
	struct darn_pg_wal_page h;

	(void)darn_pg_wal_page_check(&s->files.rules, page, DARN_PG_PAGE, lsn,
				     &h);
	return h.here;
}

/* @page is the next one; @after the one behind it, NULL if not known. */
static void parse(struct stream *s, const uint8_t *page, const uint8_t *after)
{
	uint64_t lsn = s->lsn;

	s->lsn += DARN_PG_PAGE;
	if (s->over || lsn - s->seg->start >= s->files.rules.segsize)
		return;
	if (s->lsn - s->seg->start == s->files.rules.segsize)
		s->next_here = s->seg->next_here;
	else
		s->next_here = after && is_here(s, after, s->lsn);
	darn_pg_wal_parse_page(&s->parse, page, DARN_PG_PAGE, lsn);
}

/* Whole pages: all but the last are parsed, the last one is held back. */
static void add_pages(struct stream *s, const uint8_t *buf, size_t len)
{
	if (s->held_len)
		parse(s, s->held, buf);
	for (; len > DARN_PG_PAGE; buf += DARN_PG_PAGE, len -= DARN_PG_PAGE)
		parse(s, buf, buf + DARN_PG_PAGE);
	memcpy(s->held, buf, DARN_PG_PAGE);
	s->held_len = DARN_PG_PAGE;
}

/* Bytes that begin or end within a page; unreadable ones count as zero. */
static size_t add_part(struct stream *s, const uint8_t *buf, size_t len)
{
	size_t n = DARN_MIN(len, DARN_PG_PAGE - s->part_len);

	if (buf)
		memcpy(s->part + s->part_len, buf, n);
	else
		memset(s->part + s->part_len, 0, n);
	s->part_len += n;
	if (s->part_len == DARN_PG_PAGE) {
		s->part_len = 0;
		add_pages(s, s->part, DARN_PG_PAGE);
	}
	return n;
}

enum darn_rc darn_pg_wal_stream_feed(void *stream, const struct darn_chunk *c,
				     struct darn_sink *sink,
				     struct darn_error *err)
{
	struct stream *s = stream;
	const uint8_t *buf = c->buf;
	size_t len = c->len;

	(void)err;
	s->sink = sink;
	while (len > 0) {
		size_t n = len - len % DARN_PG_PAGE;

		if (buf && s->part_len == 0 && n > 0)
			add_pages(s, buf, n);
		else
			n = add_part(s, buf, len);
		buf = buf ? buf + n : NULL;
		len -= n;
	}
	flush_good(s);
	s->sink = NULL;
	return DARN_OK;
}

/* ---- the end of the file ---- */

/* The file ends before the segment does, or after it. */
static void check_size(struct stream *s)
{
	uint64_t want = s->files.rules.segsize;
	uint64_t size = s->seg->size;

	if (size < want)
		darn_sink_report(s->sink, &darn_pg_wal_codes[DARN_PG_WAL_C_CUT],
				 (struct darn_place){.off = size,
						     .len = want - size,
						     .missing = want - size},
				 DARN_DETAILS(DARN_DEC("size", size),
					      DARN_DEC("segment_size", want)));
	else if (size > want)
		darn_sink_report(
			s->sink, &darn_pg_wal_codes[DARN_PG_WAL_C_LONG],
			(struct darn_place){.off = want, .len = size - want},
			DARN_DETAILS(DARN_DEC("size", size),
				     DARN_DEC("segment_size", want)));
}

/* The last record goes on in the next segment. */
static enum darn_rc check_last(struct stream *s, struct darn_error *err)
{
	uint64_t end = s->seg->start + s->files.rules.segsize;
	const struct darn_pg_wal_partial *rec = &s->parse.rec;
	struct darn_pg_wal_trouble t = {.lsn = rec->lsn, .at = s->lsn};
	enum darn_pg_wal_rest rest;
	enum darn_rc rc;

	rc = darn_pg_wal_cross_rest(&s->files, rec, end, &rest, err);
	if (rc)
		return rc;
	switch (rest) {
	case DARN_PG_REST_GOOD:
		s->last = rec->lsn;
		on_verified(s, rec->lsn, end);
		break;
	case DARN_PG_REST_BAD:
		t.fault = DARN_PG_FAULT_CRC;
		break;
	case DARN_PG_REST_ABSENT:
		t.fault = DARN_PG_FAULT_CUT;
		break;
	case DARN_PG_REST_GIVEN_UP:
		darn_sink_reason(s->sink, GIVEN_UP);
		break;
	case DARN_PG_REST_TOO_LONG:
		s->last = rec->lsn;
		darn_sink_reason(s->sink, TOO_LONG);
		if (rec->lsn >= s->seg->start && s->seg->in_store)
			darn_sink_note(
				s->sink,
				(struct darn_note){
					.kind = DARN_PG_NOTE_WAL_LONG,
					.off = rec->lsn - s->seg->start});
		break;
	}
	if (t.fault) {
		s->next_here = s->seg->next_here;
		t.at = end - DARN_PG_PAGE;
		on_fault(s, &t);
	}
	return DARN_OK;
}

/* The fault that nothing has followed, and the first damage. */
static void settle(struct stream *s)
{
	struct darn_pg_wal_finding *f = &s->cur;

	if (f->set) {
		if (f->open)
			f->end = s->seg->start +
				 DARN_MIN(s->seg->size, s->files.rules.segsize);
		if (f->t.fault == DARN_PG_FAULT_CUT &&
		    (f->strong || !s->seg->in_store)) {
			/*
			 * the next segment is told of, not this one; and in an
			 * archive nobody knows which one is the last
			 */
			darn_sink_reason(s->sink, NO_END);
			f->set = false;
		} else if (f->strong) {
			emit(s);
		} else {
			darn_sink_reason(s->sink, BEYOND);
			if (s->seg->in_store)
				darn_sink_note(s->sink, darn_pg_wal_note_pack(
								&s->span, f));
			else
				darn_pg_wal_report_tail(s->sink, &s->span, f);
		}
	}
	if (s->first.set)
		darn_pg_wal_report(s->sink, &s->span, &s->first);
}

static void note_segment(struct stream *s)
{
	bool damaged = s->first.set || s->cur.set;

	if (!s->seg->in_store)
		return;
	if (!damaged && s->seg->size >= s->files.rules.segsize && !s->over)
		s->flags |= DARN_PG_SEGMENT_FULL;
	else
		s->flags &= ~(uint32_t)DARN_PG_SEGMENT_FULL;
	darn_sink_note(s->sink,
		       (struct darn_note){
			       .kind = DARN_PG_NOTE_WAL_SEGMENT,
			       .value = {s->flags, s->first_prev, s->last}});
}

static enum darn_rc finish(struct stream *s, struct darn_error *err)
{
	bool whole;
	enum darn_rc rc = DARN_OK;

	if (s->held_len)
		parse(s, s->held, NULL);
	whole = s->lsn - s->seg->start >= s->files.rules.segsize;
	if (s->part_len && !whole && !s->over)
		darn_pg_wal_parse_page(&s->parse, s->part, s->part_len, s->lsn);
	if (whole && !s->over && s->parse.state == DARN_PG_WAL_WITHIN)
		rc = check_last(s, err);
	if (rc)
		return rc;
	if (s->over || s->shut_down)
		darn_sink_reason(s->sink, BEYOND);
	settle(s);
	if (s->seg->no_start)
		darn_sink_reason(s->sink, NO_START);
	check_size(s);
	note_segment(s);
	flush_good(s);
	return DARN_OK;
}

enum darn_rc darn_pg_wal_stream_end(void *stream, struct darn_sink *sink,
				    struct darn_error *err)
{
	struct stream *s = stream;
	enum darn_rc rc = DARN_OK;

	s->sink = sink;
	if (sink)
		rc = finish(s, err);
	darn_pg_wal_files_release(&s->files);
	free(s);
	return rc;
}
