/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - one chunk: read it, check it, doubt it, count it.
 *
 * The second look.  Memory and buses flip bits too, and the page cache keeps
 * what they did.  So before a disk is accused, the chunk is read once more,
 * past the cache, and checked again; only bytes that come twice the same are
 * reported as what they are.  Where the second reading is good, the report
 * says that memory differs from the medium and accuses nobody.
 *
 * In a store that is or may be live the other explanation is a write that is
 * under way: the second look comes PAUSE_MS later, and a finding stays only if
 * the same bytes fail in the same way.  (While an engine writes, what memory
 * has is the truth; so the medium is asked only where nobody is known to.)
 */
#include "lib/scan/engine.h"

#include <string.h>
#include <time.h>

#include "lib/base/mem.h"

enum {
	PAUSE_MS = 100,
	MAX_PAUSES = 256, /* in one scan: ruined stores end in time too */
	UNREADABLE = 0,
};

const struct darn_code darn_scan_codes[] = {
	[UNREADABLE] = {"io/unreadable", DARN_UNREADABLE, DARN_HINT_RESTORE,
			"the medium does not give these bytes"},
};
const size_t darn_scan_ncodes = DARN_ARRAY_SIZE(darn_scan_codes);

void darn_check_unreadable(const struct darn_chunk_read *r,
			   struct darn_sink *sink)
{
	for (size_t i = 0; i < r->nbad; i++)
		darn_sink_report(sink, &darn_scan_codes[UNREADABLE],
				 (struct darn_place){.off = r->bad[i].off,
						     .len = r->bad[i].len},
				 NULL);
}

enum darn_rc darn_check_damage(const struct darn_sink *s,
			       struct darn_spans *bad, struct darn_error *err)
{
	for (size_t i = 0; i < s->nitems; i++) {
		const struct darn_sink_item *item = &s->items[i];
		enum darn_rc rc;

		if (item->code->severity < DARN_DAMAGED ||
		    item->path != DARN_NO_TEXT)
			continue;
		rc = darn_spans_add(
			bad, item->where.off,
			item->where.len -
				DARN_MIN(item->where.missing, item->where.len),
			err);
		if (rc)
			return rc;
	}
	darn_spans_normalise(bad);
	return DARN_OK;
}

void darn_check_drop(struct darn_sink *sink, const struct darn_spans *bad)
{
	size_t n = 0;

	for (size_t i = 0; i < sink->nitems; i++) {
		const struct darn_sink_item *item = &sink->items[i];
		uint64_t off = item->where.off, len = item->where.len;

		if (item->path == DARN_NO_TEXT && len > 0 &&
		    len <= UINT64_MAX - off &&
		    darn_spans_contain(bad, off, off + len))
			continue;
		sink->items[n++] = *item;
	}
	sink->nitems = n;
}

void darn_check_pause(struct darn_engine *e)
{
	struct timespec ts = {.tv_nsec = PAUSE_MS * 1000000L};

	if (atomic_fetch_add(&e->live_looks, 1) < MAX_PAUSES)
		(void)nanosleep(&ts, NULL);
}

enum darn_rc darn_check_differs(struct darn_scan_file *f,
				struct darn_error *err)
{
	if (atomic_exchange(&f->differs, true))
		return DARN_OK;
	return darn_file_error(f,
			       "bytes in memory differ from those on the "
			       "medium: look at the memory and the page cache",
			       err);
}

/* ---- the format's part ---- */

/* Bytes from the start of the chunk that form whole units. */
static size_t whole_units(const struct darn_scan_file *f,
			  const struct darn_chunk_read *r)
{
	uint32_t unit = f->format ? f->format->unit : 1;

	if (r->got == r->want)
		return r->got;
	return unit ? r->got - r->got % unit : 0;
}

static enum darn_rc check_run(struct darn_scan_file *f, const uint8_t *buf,
			      uint64_t off, size_t len, struct darn_sink *sink,
			      struct darn_error *err)
{
	struct darn_chunk c = {
		.buf = buf, .off = off, .len = len, .file_size = f->f.st.size};

	return f->format->check(f->ctx, &c, sink, err);
}

/* Leaves out the units that touch a bad range. */
static enum darn_rc check_around(struct darn_scan_file *f,
				 const struct darn_chunk_read *r, size_t len,
				 struct darn_sink *sink, struct darn_error *err)
{
	uint32_t unit = f->format->unit;
	size_t from = 0;

	if (unit == 0)
		return DARN_OK;
	for (size_t i = 0; i <= r->nbad; i++) {
		size_t to = len, next = len;

		if (i < r->nbad) {
			size_t lo = (size_t)(r->bad[i].off - r->off);
			size_t hi = lo + (size_t)r->bad[i].len;

			to = DARN_MIN(lo - lo % unit, len);
			next = DARN_MIN(hi + (unit - hi % unit) % unit, len);
		}
		if (to > from) {
			enum darn_rc rc =
				check_run(f, r->buf + from, r->off + from,
					  to - from, sink, err);

			if (rc)
				return rc;
		}
		from = DARN_MAX(from, next);
	}
	return DARN_OK;
}

static enum darn_rc check_format(struct darn_scan_file *f,
				 const struct darn_chunk_read *r, size_t len,
				 struct darn_sink *sink, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = DARN_OK;

	darn_sink_clear(sink);
	if (f->format && r->nbad > 0)
		rc = check_around(f, r, len, sink, &why);
	else if (f->format && (len > 0 || f->format->unit == 0))
		rc = check_run(f, r->buf, r->off, len, sink, &why);
	if (rc) {
		darn_sink_clear(sink);
		rc = darn_file_excuse(f, rc, &why, err);
	}
	if (r->nbad > 0)
		darn_sink_reason(sink, "in a unit with unreadable bytes");
	darn_check_unreadable(r, sink);
	return rc;
}

/* ---- the second look ---- */

enum darn_rc darn_check_reread(struct darn_scan_file *f,
			       struct darn_chunk_read *r,
			       struct darn_slot *slot, bool *changed,
			       struct darn_error *err)
{
	enum darn_liveness liveness = f->d->liveness;
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = darn_slot_buffer(&slot->second, err);
	uint8_t *old = r->buf;
	size_t got = 0;

	*changed = false;
	if (rc)
		return rc;
	if (liveness != DARN_STOPPED)
		darn_check_pause(f->d->e);
	rc = darn_io_read(f->f.io, slot->second, r->got, r->off,
			  liveness == DARN_LIVE ? DARN_READ_NORMAL
						: DARN_READ_MEDIUM,
			  &got, &why);
	/* No second opinion to be had: the first one stands. */
	if (rc || got < r->got || memcmp(r->buf, slot->second, r->got) == 0)
		return DARN_OK;
	r->buf = slot->second;
	slot->second = old;
	*changed = true;
	return DARN_OK;
}

static bool same_item(const struct darn_sink_item *a,
		      const struct darn_sink_item *b)
{
	return a->code == b->code && a->where.off == b->where.off &&
	       a->where.len == b->where.len;
}

/* Did the bytes of a finding stay as they were? */
static bool same_bytes(const struct darn_chunk_read *r, const uint8_t *old,
		       const struct darn_place *where)
{
	uint64_t end = r->off + r->got;

	if (where->off < r->off || where->off > end ||
	    where->len > end - where->off)
		return false;
	return memcmp(r->buf + (where->off - r->off),
		      old + (where->off - r->off), (size_t)where->len) == 0;
}

/* Keeps in @now only what @before said of the same bytes. */
static void keep_repeated(const struct darn_chunk_read *r, const uint8_t *old,
			  const struct darn_sink *before, struct darn_sink *now)
{
	size_t n = 0;

	now->bad = false;
	for (size_t i = 0; i < now->nitems; i++) {
		const struct darn_sink_item *item = &now->items[i];
		bool bad = item->code->severity >= DARN_SUSPICIOUS, keep = !bad;

		for (size_t j = 0; !keep && j < before->nitems; j++)
			keep = same_item(&before->items[j], item) &&
			       same_bytes(r, old, &item->where);
		if (!keep) {
			darn_sink_reason(now, "changed while it was checked");
			continue;
		}
		now->bad = now->bad || bad;
		now->items[n++] = *item;
	}
	now->nitems = n;
}

/* Afterwards slot->found is what holds. */
static enum darn_rc second_look(struct darn_scan_file *f,
				struct darn_chunk_read *r, size_t len,
				struct darn_slot *slot, struct darn_error *err)
{
	struct darn_sink tmp;
	bool changed;
	enum darn_rc rc = darn_check_reread(f, r, slot, &changed, err);

	if (rc || !changed)
		return rc;
	rc = check_format(f, r, len, &slot->again, err);
	if (rc)
		return rc;
	if (f->d->liveness != DARN_STOPPED)
		keep_repeated(r, slot->second, &slot->found, &slot->again);
	else if (!slot->again.bad)
		rc = darn_check_differs(f, err);
	tmp = slot->found;
	slot->found = slot->again;
	slot->again = tmp;
	return rc;
}

/* ---- the witness's part ---- */

enum darn_rc darn_check_witness(struct darn_scan_file *f,
				struct darn_chunk_read *r, unsigned worker,
				struct darn_error *err)
{
	struct darn_witness *w = f->d->e->witness;
	struct darn_slot *slot = &f->d->e->slots[worker];
	struct darn_chunk c = {.buf = r->buf,
			       .off = r->off,
			       .len = r->want,
			       .file_size = f->f.st.size,
			       .bad = r->bad,
			       .nbad = r->nbad};

	darn_sink_clear(&slot->seen);
	if (!f->witnessed || r->got < r->want || r->want == 0)
		return DARN_OK;
	return w->ops->chunk(w, f->handle, &c, worker, &slot->seen, err);
}

/* The witness, and its own second look where the format had none. */
static enum darn_rc ask_witness(struct darn_scan_file *f,
				struct darn_chunk_read *r, size_t len,
				unsigned worker, bool looked,
				struct darn_error *err)
{
	struct darn_slot *slot = &f->d->e->slots[worker];
	bool changed;
	enum darn_rc rc = darn_check_witness(f, r, worker, err);

	if (rc || !slot->seen.bad || looked || r->nbad)
		return rc;
	rc = darn_check_reread(f, r, slot, &changed, err);
	if (rc || !changed)
		return rc;
	rc = check_format(f, r, len, &slot->found, err);
	if (rc == DARN_OK)
		rc = darn_check_witness(f, r, worker, err);
	if (rc == DARN_OK && !slot->seen.bad && f->d->liveness == DARN_STOPPED)
		rc = darn_check_differs(f, err);
	return rc;
}

/* ---- counting ---- */

static enum darn_rc count(struct darn_scan_file *f,
			  const struct darn_chunk_read *r, size_t len,
			  struct darn_slot *slot, struct darn_error *err)
{
	uint64_t lo = r->off, hi = r->off + len;
	struct darn_spans *bad = &slot->bad, *good = &slot->good;
	enum darn_rc rc;

	darn_spans_normalise(&slot->found.verified);
	darn_spans_normalise(&slot->seen.verified);
	darn_spans_clear(good);
	rc = darn_spans_add_within(good, &slot->found.verified, lo, hi, err);
	if (rc == DARN_OK)
		rc = darn_spans_add_within(good, &slot->seen.verified, lo, hi,
					   err);
	if (rc == DARN_OK)
		rc = darn_spans_add_within(good, &f->open_good, lo, hi, err);
	if (rc == DARN_OK)
		rc = darn_check_damage(&slot->seen, bad, err);
	if (rc == DARN_OK)
		rc = darn_spans_add_within(bad, &f->open_bad, lo, hi, err);
	if (rc)
		return rc;
	darn_spans_normalise(good);
	darn_spans_normalise(bad);
	/* Marks beyond the chunk are counted by the report, from findings. */
	darn_spans_truncate(bad, hi);
	while (bad->n && bad->v[0].lo < lo) {
		if (bad->v[0].hi > lo)
			bad->v[0].lo = lo;
		else
			darn_spans_drop(bad, 1);
	}
	atomic_fetch_add(&f->damaged, darn_spans_len(bad));
	atomic_fetch_add(&f->verified,
			 darn_spans_len(good) - darn_spans_common(good, bad));
	atomic_fetch_add(&f->seen, len);
	return DARN_OK;
}

static enum darn_rc commit(struct darn_scan_file *f,
			   const struct darn_chunk_read *r,
			   struct darn_slot *slot, struct darn_error *err)
{
	const char *reason = darn_sink_first_reason(&slot->found);
	enum darn_rc rc = DARN_OK;

	if (!reason)
		reason = darn_sink_first_reason(&slot->seen);
	if (reason)
		rc = darn_file_reason(f, r->off + 1, reason, err);
	if (rc == DARN_OK)
		rc = darn_commit(&(struct darn_scope){f->d, f, false},
				 &slot->found, err);
	if (rc == DARN_OK)
		rc = darn_commit(&(struct darn_scope){f->d, f, true},
				 &slot->seen, err);
	return rc;
}

enum darn_rc darn_check_chunk(struct darn_scan_file *f,
			      struct darn_chunk_read *r, unsigned worker,
			      struct darn_error *err)
{
	struct darn_engine *e = f->d->e;
	struct darn_slot *slot = &e->slots[worker];
	size_t len = whole_units(f, r);
	bool looked = false;
	enum darn_rc rc = DARN_OK;

	if (e->opts->progress)
		atomic_fetch_add(&e->opts->progress->bytes_done, r->want);
	darn_pool_count_bytes(e->pool, worker, r->got);
	if (r->failed)
		return DARN_OK;
	if (r->got < r->want)
		rc = darn_file_short(f, err);
	if (rc == DARN_OK)
		rc = check_format(f, r, len, &slot->found, err);
	if (rc == DARN_OK && slot->found.bad && r->nbad == 0) {
		looked = true;
		rc = second_look(f, r, len, slot, err);
	}
	if (rc == DARN_OK)
		rc = ask_witness(f, r, len, worker, looked, err);
	darn_spans_clear(&slot->bad);
	if (rc == DARN_OK)
		rc = darn_check_damage(&slot->found, &slot->bad, err);
	if (rc)
		return rc;
	darn_check_drop(&slot->seen, &slot->bad);
	rc = count(f, r, len, slot, err);
	return rc ? rc : commit(f, r, slot, err);
}
