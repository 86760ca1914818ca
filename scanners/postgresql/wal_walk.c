/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_walk.c - the log in order; see wal_walk.h.
 *
 * Memory: one read of READ_LEN bytes and one record, of which no more than
 * DARN_PG_WAL_BODY bytes are kept.
 */
#include "scanners/postgresql/wal_walk.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

enum {
	READ_LEN = 64 << 10,
};

struct walk {
	struct darn_pg_wal_files *f;
	struct darn_pg_wal_parse parse;
	uint64_t from;
	darn_pg_record_fn fn;
	void *payload;
	struct darn_pg_wal_end end;
	uint64_t fault_page;
	bool stopped;
	enum darn_rc rc; /* of @fn */
	struct darn_error *err;
	struct darn_pg_record rec;
	uint8_t *body; /* of a record that does not lie in one page */
	size_t body_cap;
	uint8_t *buf; /* READ_LEN bytes */
};

/* ---- what the parser tells ---- */

static void on_page(void *payload, uint64_t lsn)
{
	(void)payload;
	(void)lsn;
}

static void on_verified(void *payload, uint64_t from, uint64_t to)
{
	(void)payload;
	(void)from;
	(void)to;
}

static void on_resume(void *payload, uint64_t lsn, bool blank)
{
	(void)payload;
	(void)lsn;
	(void)blank;
}

static void on_abandoned(void *payload, uint64_t lsn, uint64_t to)
{
	(void)payload;
	(void)lsn;
	(void)to;
}

/* Room for @len bytes of a body; doubled, because most are short. */
static bool grow_body(struct walk *w, size_t len)
{
	size_t cap = DARN_MAX(w->body_cap, (size_t)DARN_PG_PAGE);
	uint8_t *p;

	while (cap < len)
		cap *= 2;
	if (cap == w->body_cap)
		return true;
	p = realloc(w->body, cap);
	if (!p) {
		w->rc = darn_fail(w->err, DARN_ENOMEM, 0,
				  "cannot allocate memory");
		return false;
	}
	w->body = p;
	w->body_cap = cap;
	return true;
}

static void on_body(void *payload, uint32_t at, const uint8_t *p, size_t len)
{
	struct walk *w = payload;
	size_t skip = 0;

	if (at < DARN_PG_WAL_HEAD) {
		skip = DARN_MIN(len, (size_t)(DARN_PG_WAL_HEAD - at));
		at += (uint32_t)skip;
		len -= skip;
	}
	at -= DARN_PG_WAL_HEAD;
	if (len == 0 || at >= DARN_PG_WAL_BODY || !w->fn || w->rc)
		return;
	len = DARN_MIN(len, (size_t)DARN_PG_WAL_BODY - at);
	if (grow_body(w, at + len))
		memcpy(w->body + at, p + skip, len);
}

static void on_record(void *payload, const struct darn_pg_wal_seen *s)
{
	struct walk *w = payload;
	struct darn_pg_record *r = &w->rec;
	size_t len = s->length - DARN_PG_WAL_HEAD;

	if (w->stopped || w->rc || s->lsn < w->from)
		return;
	r->lsn = s->lsn;
	r->end_lsn = s->end;
	r->length = s->length;
	r->xid = darn_get_le32(s->head + 4);
	r->prev = darn_get_le64(s->head + 8);
	r->info = s->head[16];
	r->rmid = s->head[17];
	r->crc = darn_get_le32(s->head + DARN_PG_WAL_CRC_AT);
	r->truncated = !s->body && len > DARN_PG_WAL_BODY;
	if (w->end.records++ == 0)
		w->end.first_lsn = s->lsn;
	w->end.last_lsn = s->lsn;
	w->end.end_lsn = s->end;
	if (!w->fn)
		return;
	darn_pg_wal_decode(r, s->body ? s->body : w->body,
			   r->truncated ? DARN_PG_WAL_BODY : len);
	w->rc = w->fn(r, w->payload, w->err);
}

static void stop(struct walk *w, uint64_t lsn, uint64_t page)
{
	if (w->stopped)
		return;
	w->stopped = true;
	w->end.stop_lsn = lsn;
	w->fault_page = page;
}

static void on_fault(void *payload, const struct darn_pg_wal_trouble *t)
{
	if (t->fault != DARN_PG_FAULT_PADDING)
		stop(payload, t->lsn, t->at);
}

static const struct darn_pg_wal_ops ops = {
	.page = on_page,
	.record = on_record,
	.body = on_body,
	.verified = on_verified,
	.fault = on_fault,
	.resume = on_resume,
	.abandoned = on_abandoned,
};

/* ---- reading ---- */

static uint64_t page_of(uint64_t lsn)
{
	return lsn - lsn % DARN_PG_PAGE;
}

/* Reads on from the page at @lsn to the first place that is no log. */
static enum darn_rc read_on(struct walk *w, uint64_t lsn)
{
	while (!w->stopped && !w->rc) {
		size_t got, pos = 0;
		enum darn_rc rc = darn_pg_wal_files_read(
			w->f, lsn, w->buf, READ_LEN, &got, w->err);

		if (rc)
			return rc;
		for (; got - pos >= DARN_PG_PAGE && !w->stopped && !w->rc;
		     pos += DARN_PG_PAGE, lsn += DARN_PG_PAGE)
			darn_pg_wal_parse_page(&w->parse, w->buf + pos,
					       DARN_PG_PAGE, lsn);
		if (pos == 0)
			stop(w,
			     w->parse.state == DARN_PG_WAL_WITHIN
				     ? w->parse.rec.lsn
				     : lsn,
			     lsn);
	}
	return w->rc;
}

/* Begins at the very record that @w->from names, where there is one. */
static enum darn_rc begin_exact(struct walk *w, bool *ok)
{
	uint64_t lsn = page_of(w->from);
	struct darn_pg_wal_page h;
	size_t got, at = (size_t)(w->from - lsn);
	enum darn_rc rc = darn_pg_wal_files_read(w->f, lsn, w->buf,
						 DARN_PG_PAGE, &got, w->err);

	*ok = false;
	if (rc || got < DARN_PG_PAGE ||
	    !darn_pg_wal_page_check(&w->f->rules, w->buf, got, lsn, &h) ||
	    at < h.header || at % 8)
		return rc;
	darn_pg_wal_parse_from(&w->parse, w->buf, at, lsn);
	/* a record that runs on into the next page proves itself there */
	*ok = !w->stopped || w->end.records > 0;
	return w->rc;
}

static enum darn_rc walk(struct walk *w)
{
	bool exact;
	enum darn_rc rc;

	darn_pg_wal_parse_init(&w->parse, &ops, w, &w->f->rules);
	rc = begin_exact(w, &exact);
	if (rc)
		return rc;
	if (exact) {
		rc = read_on(w, page_of(w->from) + DARN_PG_PAGE);
		if (rc || w->end.records > 0)
			return rc;
	}
	/* no record begins just there: the page tells where one does */
	w->stopped = false;
	darn_pg_wal_parse_init(&w->parse, &ops, w, &w->f->rules);
	return read_on(w, page_of(w->from));
}

/* The first page of the log behind the place where it stopped, if any. */
static enum darn_rc look_further(struct walk *w)
{
	uint32_t segsize = w->f->rules.segsize;
	struct darn_pg_wal_list l;
	uint64_t lsn = w->fault_page + DARN_PG_PAGE;
	bool more = false;
	enum darn_rc rc = DARN_OK;

	for (w->end.next_page = lsn; lsn % segsize != 0 && !more && !rc;
	     lsn += DARN_PG_PAGE) {
		w->end.next_page = lsn;
		rc = darn_pg_wal_files_here(w->f, lsn, &more, w->err);
	}
	if (rc == DARN_OK && !more)
		rc = darn_pg_wal_list_read(w->f->tree, w->f->rules.tli, segsize,
					   &l, w->err);
	if (rc || more) {
		w->end.more = more;
		return rc;
	}
	for (size_t i = 0; i < l.n && rc == DARN_OK && !more; i++) {
		if (l.segments[i] * segsize < lsn)
			continue;
		w->end.next_page = l.segments[i] * segsize;
		rc = darn_pg_wal_files_here(w->f, w->end.next_page, &more,
					    w->err);
	}
	w->end.more = more;
	darn_pg_wal_list_release(&l);
	return rc;
}

enum darn_rc darn_pg_wal_run(struct darn_pg_wal_files *f, uint64_t from,
			     darn_pg_record_fn fn, void *payload,
			     struct darn_pg_wal_end *end,
			     struct darn_error *err)
{
	struct walk *w = darn_calloc(1, sizeof(*w), err);
	enum darn_rc rc;

	if (!w)
		return DARN_ENOMEM;
	w->f = f;
	w->from = from;
	w->fn = fn;
	w->payload = payload;
	w->err = err;
	w->end.end_lsn = from;
	w->buf = malloc(READ_LEN);
	if (w->buf)
		rc = walk(w);
	else
		rc = darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	if (rc == DARN_OK && end)
		rc = look_further(w);
	if (rc == DARN_OK && end)
		*end = w->end;
	free(w->body);
	free(w->buf);
	free(w);
	return rc;
}

enum darn_rc darn_pg_wal_walk(struct darn_tree *t, uint32_t tli,
			      uint64_t from_lsn, uint32_t segsize,
			      darn_pg_record_fn fn, void *payload,
			      struct darn_error *err)
{
	struct darn_pg_wal_files *f = darn_calloc(1, sizeof(*f), err);
	struct darn_error local = DARN_ERROR_INIT;
	enum darn_rc rc;

	if (!f)
		return DARN_ENOMEM;
	rc = darn_pg_wal_files_init(f, t, "pg_wal", tli, segsize, &local);
	if (rc == DARN_ENOENT)
		rc = DARN_OK;
	else if (rc)
		rc = darn_fail(err, rc, local.sys_errno, "%s", local.msg);
	else
		rc = darn_pg_wal_run(f, from_lsn, fn, payload, NULL, err);
	darn_pg_wal_files_release(f);
	free(f);
	return rc;
}

/* ---- the segments that are there ---- */

static enum darn_rc list_entry(const struct darn_entry *e, void *payload,
			       struct darn_error *err)
{
	struct darn_pg_wal_list *l = payload;
	uint32_t tli, high, low;
	enum darn_rc rc;

	if (e->st.type != DARN_FT_FILE ||
	    !darn_pg_wal_name_parse(e->path, &tli, &high, &low) || tli == 0 ||
	    low >= l->per_high)
		return DARN_OK;
	if (l->tli && tli < l->tli)
		return DARN_OK;
	if (l->tli != tli) {
		/* names come in order: a later timeline replaces the list */
		l->tli = tli;
		l->n = 0;
	}
	rc = darn_grow((void **)&l->segments, l->n, &l->cap,
		       sizeof(*l->segments), err);
	if (rc == DARN_OK)
		l->segments[l->n++] = high * l->per_high + low;
	return rc;
}

static enum darn_rc list_one(const struct darn_entry *e, void *payload,
			     struct darn_error *err)
{
	struct darn_pg_wal_list *l = payload;
	uint32_t tli, high, low;

	if (!darn_pg_wal_name_parse(e->path, &tli, &high, &low) ||
	    tli != l->tli)
		return DARN_OK;
	return list_entry(e, payload, err);
}

enum darn_rc darn_pg_wal_list_read(struct darn_tree *t, uint32_t tli,
				   uint32_t segsize,
				   struct darn_pg_wal_list *out,
				   struct darn_error *err)
{
	struct darn_error local = DARN_ERROR_INIT;
	enum darn_rc rc;

	*out = (struct darn_pg_wal_list){
		.tli = tli, .per_high = (UINT64_C(1) << 32) / segsize};
	rc = darn_tree_list(t, "pg_wal", tli ? list_one : list_entry, out,
			    &local);
	if (rc == DARN_ENOMEM) {
		darn_pg_wal_list_release(out);
		return darn_fail(err, rc, 0, "%s", local.msg);
	}
	return DARN_OK;
}

void darn_pg_wal_list_release(struct darn_pg_wal_list *l)
{
	free(l->segments);
	l->segments = NULL;
	l->n = l->cap = 0;
}

enum darn_rc darn_pg_wal_oldest(struct darn_tree *t, uint32_t tli,
				uint32_t segsize, uint64_t *lsn,
				struct darn_error *err)
{
	struct darn_pg_wal_files *f = darn_calloc(1, sizeof(*f), err);
	struct darn_error local = DARN_ERROR_INIT;
	struct darn_pg_wal_list l = {.tli = 0};
	bool here = true;
	enum darn_rc rc;

	*lsn = 0;
	if (!f)
		return DARN_ENOMEM;
	rc = darn_pg_wal_files_init(f, t, "pg_wal", tli, segsize, &local);
	if (rc == DARN_OK)
		rc = darn_pg_wal_list_read(t, tli, f->rules.segsize, &l,
					   &local);
	for (size_t i = 0; i < l.n && rc == DARN_OK; i++) {
		uint64_t start = l.segments[i] * f->rules.segsize;

		if (i > 0 && l.segments[i] == l.segments[i - 1] + 1)
			continue;
		/* behind a gap: log, or a file kept for later use? */
		if (i > 0)
			rc = darn_pg_wal_files_here(f, start, &here, &local);
		if (here)
			*lsn = start;
	}
	darn_pg_wal_list_release(&l);
	darn_pg_wal_files_release(f);
	free(f);
	return rc == DARN_ENOMEM ? darn_fail(err, rc, 0, "%s", local.msg)
				 : DARN_OK;
}
