/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - formats whose bytes only make sense from first to last.
 *
 * One worker feeds the whole file.  The second look (check.c says why) is a
 * second pass: at the first thing that is wrong the stream is thrown away and
 * begun again, with bytes from the medium.  What was reported before that
 * place stays and is not reported again, so nothing has to be kept in memory
 * until the end.
 *
 * Marks are kept as sets for the whole file, because a record may end far
 * from where it began.  A set of more than MAX_SPANS is counted and begun
 * anew; marks that overlap with it later are then counted twice, and the FILE
 * record, which never claims more than there is, comes out of that right.
 */
#include "lib/scan/engine.h"

#include "lib/base/mem.h"

enum {
	MAX_SPANS = 1 << 16
};

struct stream {
	struct darn_scan_file *f;
	struct darn_slot *slot;
	unsigned worker;
	void *state; /* the format's */
	bool second; /* pass */
	/* Chunks before it were reported by the first pass. */
	uint64_t fresh;
	bool any_bad; /* in the second pass */
	uint64_t seen;
	struct darn_spans bad, good, witnessed;
	uint64_t old_bad, old_good; /* of sets that were too large */
};

/* What a pass, or a step of it, came to. */
enum outcome {
	GO_ON,
	CUT,   /* the rest cannot be fed */
	DOUBT, /* something is wrong: look again */
};

static enum darn_rc read_chunk(struct stream *s, struct darn_chunk_read *r,
			       struct darn_error *err)
{
	struct darn_scan_file *f = s->f;
	struct darn_error why = DARN_ERROR_INIT;

	if (s->second && f->d->liveness != DARN_LIVE) {
		enum darn_rc rc = darn_io_read(f->f.io, r->buf, r->want, r->off,
					       DARN_READ_MEDIUM, &r->got, &why);

		if (rc == DARN_OK && r->got == r->want)
			return DARN_OK;
	}
	return darn_feed_read(f, r, err);
}

static enum darn_rc feed_run(struct stream *s, const uint8_t *buf, uint64_t off,
			     size_t len, struct darn_error *err)
{
	struct darn_chunk c = {.buf = buf,
			       .off = off,
			       .len = len,
			       .file_size = s->f->f.st.size};

	if (len == 0)
		return DARN_OK;
	return s->f->format->feed(s->state, &c, &s->slot->found, err);
}

/* Good bytes as they are, bad ranges as NULL. */
static enum darn_rc feed_chunk(struct stream *s,
			       const struct darn_chunk_read *r,
			       struct darn_error *err)
{
	size_t from = 0;
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0; rc == DARN_OK && i < r->nbad; i++) {
		size_t lo = (size_t)(r->bad[i].off - r->off);

		rc = feed_run(s, r->buf + from, r->off + from, lo - from, err);
		if (rc == DARN_OK)
			rc = feed_run(s, NULL, r->bad[i].off,
				      (size_t)r->bad[i].len, err);
		from = lo + (size_t)r->bad[i].len;
	}
	if (rc == DARN_OK)
		rc = feed_run(s, r->buf + from, r->off + from, r->got - from,
			      err);
	return rc;
}

/* In the second pass, before the place of doubt: only what is new. */
static void drop_reported(struct darn_sink *sink)
{
	size_t n = 0;

	for (size_t i = 0; i < sink->nitems; i++)
		if (sink->items[i].code->severity >= DARN_SUSPICIOUS)
			sink->items[n++] = sink->items[i];
	sink->nitems = n;
	sink->nerrors = 0;
	sink->nnotes = 0;
}

static enum darn_rc settle(struct stream *s)
{
	darn_spans_normalise(&s->bad);
	darn_spans_normalise(&s->good);
	if (s->bad.n + s->good.n <= MAX_SPANS)
		return DARN_OK;
	s->old_good +=
		darn_spans_len(&s->good) - darn_spans_common(&s->good, &s->bad);
	s->old_bad += darn_spans_len(&s->bad);
	darn_spans_clear(&s->bad);
	darn_spans_clear(&s->good);
	return DARN_OK;
}

/* Takes over what slot->found says.  @i: the chunk it is about. */
static enum darn_rc take(struct stream *s, uint64_t i, struct darn_error *err)
{
	struct darn_sink *found = &s->slot->found;
	struct darn_scan_file *f = s->f;
	enum darn_rc rc;

	s->any_bad = s->any_bad || found->bad;
	if (i < s->fresh)
		drop_reported(found);
	else if (darn_sink_first_reason(found)) {
		rc = darn_file_reason(f, i + 1, darn_sink_first_reason(found),
				      err);
		if (rc)
			return rc;
	}
	rc = darn_check_damage(found, &s->bad, err);
	darn_spans_normalise(&found->verified);
	if (rc == DARN_OK)
		rc = darn_spans_add_within(&s->good, &found->verified, 0,
					   f->f.st.size, err);
	if (rc == DARN_OK)
		rc = settle(s);
	if (rc == DARN_OK)
		rc = darn_commit(&(struct darn_scope){f->d, f, false}, found,
				 err);
	return rc;
}

/* The unreadable ranges, and the witness. */
static enum darn_rc look_aside(struct stream *s, struct darn_chunk_read *r,
			       uint64_t i, struct darn_error *err)
{
	struct darn_slot *slot = s->slot;
	struct darn_scan_file *f = s->f;
	bool changed = false;
	enum darn_rc rc;

	darn_sink_clear(&slot->again);
	darn_check_unreadable(r, &slot->again);
	rc = darn_check_damage(&slot->again, &s->bad, err);
	if (rc || i < s->fresh)
		return rc;
	rc = darn_commit(&(struct darn_scope){f->d, f, false}, &slot->again,
			 err);
	if (rc == DARN_OK)
		rc = darn_check_witness(f, r, s->worker, err);
	if (rc == DARN_OK && slot->seen.bad && !s->second && r->nbad == 0)
		rc = darn_check_reread(f, r, slot, &changed, err);
	if (rc == DARN_OK && changed) {
		rc = darn_check_witness(f, r, s->worker, err);
		if (rc == DARN_OK && !slot->seen.bad &&
		    f->d->liveness == DARN_STOPPED)
			rc = darn_check_differs(f, err);
	}
	if (rc)
		return rc;
	darn_check_drop(&slot->seen, &s->bad);
	rc = darn_check_damage(&slot->seen, &s->bad, err);
	darn_spans_normalise(&slot->seen.verified);
	if (rc == DARN_OK)
		rc = darn_spans_add_within(&s->witnessed, &slot->seen.verified,
					   0, f->f.st.size, err);
	if (rc == DARN_OK)
		rc = darn_commit(&(struct darn_scope){f->d, f, true},
				 &slot->seen, err);
	return rc;
}

/* Reads, feeds and takes chunk @i. */
static enum darn_rc step(struct stream *s, uint64_t i, enum outcome *outcome,
			 struct darn_error *err)
{
	struct darn_scan_file *f = s->f;
	struct darn_engine *e = f->d->e;
	struct darn_chunk_read r = {.buf = s->slot->buf, .off = i * DARN_CHUNK};
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	*outcome = CUT;
	if (darn_engine_canceled(e))
		return DARN_OK;
	r.want = (size_t)DARN_MIN((uint64_t)DARN_CHUNK, f->f.st.size - r.off);
	rc = read_chunk(s, &r, err);
	if (rc || r.failed)
		return rc;
	if (r.got < r.want)
		return darn_file_short(f, err);
	darn_sink_clear(&s->slot->found);
	rc = feed_chunk(s, &r, &why);
	if (rc)
		return darn_file_excuse(f, rc, &why, err);
	if (s->slot->found.bad && !s->second) {
		*outcome = DOUBT;
		return DARN_OK;
	}
	rc = take(s, i, err);
	if (rc == DARN_OK)
		rc = look_aside(s, &r, i, err);
	s->slot->buf = r.buf;
	s->seen = r.off + r.want;
	darn_pool_count_bytes(e->pool, s->worker, r.want);
	if (e->opts->progress && i >= s->fresh)
		atomic_fetch_add(&e->opts->progress->bytes_done, r.want);
	*outcome = GO_ON;
	return rc;
}

/* The end of a stream that was fed to its end. */
static enum darn_rc finish(struct stream *s, enum outcome *outcome,
			   struct darn_error *err)
{
	struct darn_scan_file *f = s->f;
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	darn_sink_clear(&s->slot->found);
	rc = f->format->end(s->state, &s->slot->found, &why);
	if (rc)
		return darn_file_excuse(f, rc, &why, err);
	if (s->slot->found.bad && !s->second) {
		*outcome = DOUBT;
		return DARN_OK;
	}
	return take(s, f->chunks, err);
}

/* One pass; *at is the chunk where it ended. */
static enum darn_rc pass(struct stream *s, enum outcome *outcome, uint64_t *at,
			 struct darn_error *err)
{
	struct darn_scan_file *f = s->f;
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = f->format->begin(f->ctx, &s->state, &why);

	*outcome = CUT;
	if (rc)
		return darn_file_excuse(f, rc, &why, err);
	*outcome = GO_ON;
	s->seen = 0;
	for (*at = 0; *at < f->chunks; (*at)++) {
		rc = step(s, *at, outcome, err);
		if (rc || *outcome != GO_ON)
			break;
	}
	if (rc == DARN_OK && *outcome == GO_ON)
		return finish(s, outcome, err);
	darn_ignore(f->format->end(s->state, NULL, &why));
	return rc;
}

static enum darn_rc count(struct stream *s, struct darn_error *err)
{
	struct darn_scan_file *f = s->f;
	enum darn_rc rc;

	rc = darn_spans_add_within(&s->good, &f->open_good, 0, s->seen, err);
	if (rc == DARN_OK) {
		darn_spans_normalise(&s->witnessed);
		rc = darn_spans_add_within(&s->good, &s->witnessed, 0, s->seen,
					   err);
	}
	if (rc == DARN_OK)
		rc = darn_spans_add_within(&s->bad, &f->open_bad, 0, s->seen,
					   err);
	if (rc)
		return rc;
	darn_spans_normalise(&s->good);
	darn_spans_normalise(&s->bad);
	darn_spans_truncate(&s->good, s->seen);
	darn_spans_truncate(&s->bad, s->seen);
	atomic_store(&f->seen, s->seen);
	atomic_store(&f->damaged, s->old_bad + darn_spans_len(&s->bad));
	atomic_store(&f->verified,
		     s->old_good + darn_spans_len(&s->good) -
			     darn_spans_common(&s->good, &s->bad));
	return DARN_OK;
}

/* The second look; @at: where the first one saw something. */
static enum darn_rc again(struct stream *s, uint64_t at, struct darn_error *err)
{
	enum outcome outcome;
	enum darn_rc rc;

	if (s->f->d->liveness != DARN_STOPPED)
		darn_check_pause(s->f->d->e);
	darn_spans_clear(&s->bad);
	darn_spans_clear(&s->good);
	s->old_bad = 0;
	s->old_good = 0;
	s->second = true;
	s->fresh = at;
	rc = pass(s, &outcome, &at, err);
	if (rc == DARN_OK && outcome == GO_ON && !s->any_bad &&
	    s->f->d->liveness == DARN_STOPPED)
		rc = darn_check_differs(s->f, err);
	return rc;
}

enum darn_rc darn_stream_run(struct darn_scan_file *f, unsigned worker,
			     struct darn_error *err)
{
	struct stream s = {
		.f = f, .slot = &f->d->e->slots[worker], .worker = worker};
	enum outcome outcome;
	uint64_t at;
	enum darn_rc rc = darn_slot_buffer(&s.slot->buf, err);

	if (rc == DARN_OK)
		rc = pass(&s, &outcome, &at, err);
	if (rc == DARN_OK && outcome == DOUBT)
		rc = again(&s, at, err);
	if (rc == DARN_OK)
		rc = count(&s, err);
	darn_spans_release(&s.bad);
	darn_spans_release(&s.good);
	darn_spans_release(&s.witnessed);
	return rc;
}
