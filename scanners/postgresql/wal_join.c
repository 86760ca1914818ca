/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_join.c - what only the set of all segments can tell: which faults are
 * the end of the log, which segments are missing, whether the records of one
 * segment follow those of the one before, and whether very long records hold.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "scanners/postgresql/codes.h"
#include "scanners/postgresql/wal_file.h"
#include "scanners/postgresql/wal_finding.h"

enum {
	MAX_RANGE = 1 << 16, /* segments that are asked for: 1 TiB of log */
};

/* A segment that was checked. */
struct seen {
	char *path;
	uint32_t tli;
	uint64_t number; /* LSN / segment size */
	uint32_t flags;
	uint64_t first_prev, last;
	uint64_t long_record; /* distance from the start, plus 1 */
	bool has_tail;
	struct darn_note tail;
};

struct darn_pg_wal_join {
	struct darn_pg_control control;
	bool elsewhere;
	uint32_t segsize;
	struct seen *seen;
	size_t n, cap;
};

enum darn_rc darn_pg_wal_join_create(const struct darn_pg_control *c,
				     bool elsewhere,
				     struct darn_pg_wal_join **out,
				     struct darn_error *err)
{
	struct darn_pg_wal_join *j = darn_calloc(1, sizeof(*j), err);

	if (!j)
		return DARN_ENOMEM;
	j->control = *c;
	j->elsewhere = elsewhere;
	*out = j;
	return DARN_OK;
}

static enum darn_rc entry_of(struct darn_pg_wal_join *j, const char *path,
			     struct seen **out, struct darn_error *err)
{
	uint32_t tli, high, low;
	enum darn_rc rc;

	*out = j->n ? &j->seen[j->n - 1] : NULL;
	if (*out && strcmp((*out)->path, path) == 0)
		return DARN_OK;
	*out = NULL;
	if (!darn_pg_wal_name_parse(path, &tli, &high, &low) ||
	    (j->control.valid && tli != j->control.tli))
		return DARN_OK;
	rc = darn_grow((void **)&j->seen, j->n, &j->cap, sizeof(*j->seen), err);
	if (rc)
		return rc;
	j->seen[j->n] = (struct seen){
		.path = darn_strdup(path, err),
		.tli = tli,
		/* both halves until the segment size is known */
		.number = (uint64_t)high << 32 | low,
	};
	if (!j->seen[j->n].path)
		return DARN_ENOMEM;
	*out = &j->seen[j->n++];
	return DARN_OK;
}

enum darn_rc darn_pg_wal_join_note(struct darn_pg_wal_join *j,
				   const struct darn_note *note,
				   struct darn_error *err)
{
	struct seen *s;
	enum darn_rc rc = entry_of(j, note->path, &s, err);

	if (rc || !s)
		return rc;
	switch (note->kind) {
	case DARN_PG_NOTE_WAL_SEGMENT:
		s->flags = (uint32_t)note->value[0];
		s->first_prev = note->value[1];
		s->last = note->value[2];
		break;
	case DARN_PG_NOTE_WAL_END:
		s->has_tail = true;
		s->tail = *note;
		s->tail.path = NULL;
		break;
	case DARN_PG_NOTE_WAL_LONG:
		s->long_record = note->off + 1;
		break;
	default:
		break;
	}
	return DARN_OK;
}

/* ---- after the last note ---- */

struct work {
	struct darn_pg_wal_join *j;
	struct darn_pg_wal_files files;
	struct darn_sink *sink;
};

static uint64_t start_of(const struct work *w, const struct seen *s)
{
	return s->number * w->j->segsize;
}

/* Behind the last record that a cleanly stopped server wrote. */
static bool beyond(const struct work *w, const struct seen *s)
{
	const struct darn_pg_control *c = &w->j->control;

	return c->valid && c->state == DARN_PG_SHUTDOWNED &&
	       start_of(w, s) > c->checkpoint_lsn;
}

/* Faults with a later segment of the log are damage. */
static void judge_tails(struct work *w)
{
	struct darn_pg_wal_join *j = w->j;
	bool later = false;

	for (size_t i = j->n; i-- > 0;) {
		struct seen *s = &j->seen[i];
		struct darn_pg_wal_span span = {.path = s->path,
						.start = start_of(w, s),
						.size = j->segsize};
		struct darn_pg_wal_finding f;

		if (beyond(w, s))
			continue;
		if (i + 1 < j->n && s->tli != j->seen[i + 1].tli)
			later = false;
		if (s->has_tail) {
			f = darn_pg_wal_note_unpack(&s->tail, span.start);
			/* what was cut off is told of where it is missing */
			if (later && f.t.fault != DARN_PG_FAULT_CUT)
				darn_pg_wal_report(w->sink, &span, &f);
			else if (!later)
				darn_pg_wal_report_tail(w->sink, &span, &f);
		}
		if (s->flags & DARN_PG_SEGMENT_LIVE)
			later = true;
	}
}

/* The first record of a segment names the last one of the segment before. */
static void check_links(struct work *w)
{
	for (size_t i = 1; i < w->j->n; i++) {
		const struct seen *a = &w->j->seen[i - 1];
		const struct seen *b = &w->j->seen[i];
		struct darn_pg_wal_span span = {.path = b->path,
						.start = start_of(w, b),
						.size = w->j->segsize};
		struct darn_pg_wal_finding f = {
			.set = true,
			.t = {.fault = DARN_PG_FAULT_CHAIN, .lsn = span.start},
			.end = span.start + DARN_PG_PAGE};

		if (a->tli != b->tli || a->number + 1 != b->number ||
		    !(a->flags & DARN_PG_SEGMENT_FULL) || !a->last ||
		    !(b->flags & DARN_PG_SEGMENT_BEGUN) ||
		    !(b->flags & DARN_PG_SEGMENT_FIRST))
			continue;
		if (b->first_prev != a->last)
			darn_pg_wal_report(w->sink, &span, &f);
	}
}

static enum darn_rc check_long(struct work *w, struct darn_error *err)
{
	for (size_t i = 0; i < w->j->n; i++) {
		const struct seen *s = &w->j->seen[i];
		struct darn_pg_wal_span span = {.path = s->path,
						.start = start_of(w, s),
						.size = w->j->segsize};
		struct darn_pg_wal_finding f = {.set = true,
						.t.fault = DARN_PG_FAULT_CRC,
						.t.lsn = span.start +
							 s->long_record - 1,
						.end = span.start + span.size};
		enum darn_pg_wal_rest rest;
		enum darn_rc rc;

		if (!s->long_record)
			continue;
		rc = darn_pg_wal_cross_whole(&w->files, f.t.lsn, &rest,
					     &f.t.computed, &f.t.stored, err);
		if (rc)
			return rc;
		if (rest == DARN_PG_REST_BAD)
			darn_pg_wal_report(w->sink, &span, &f);
	}
	return DARN_OK;
}

static bool was_seen(const struct work *w, uint64_t number)
{
	for (size_t i = 0; i < w->j->n; i++)
		if (w->j->seen[i].number == number &&
		    w->j->seen[i].tli == w->j->control.tli)
			return true;
	return false;
}

static void report_missing(struct work *w, uint64_t lsn)
{
	struct darn_pg_wal_path path = darn_pg_wal_segment_path(&w->files, lsn);
	struct darn_pg_lsn_text text = darn_pg_lsn_text(lsn);

	darn_pg_report(w->sink, DARN_PG_WAL_MISSING,
		       (struct darn_place){.path = path.s,
					   .len = w->j->segsize,
					   .missing = w->j->segsize},
		       DARN_DETAILS(DARN_STR("lsn", text.s)));
}

/* Every segment from the redo point to the newest part of the log. */
static enum darn_rc check_missing(struct work *w, struct darn_tree *t,
				  struct darn_error *err)
{
	const struct darn_pg_control *c = &w->j->control;
	uint64_t first = c->redo_lsn / w->j->segsize;
	uint64_t last = c->checkpoint_lsn / w->j->segsize;

	if (!c->valid || !c->redo_lsn || w->j->elsewhere)
		return DARN_OK;
	for (size_t i = 0; i < w->j->n; i++)
		if (w->j->seen[i].flags & DARN_PG_SEGMENT_LIVE &&
		    !beyond(w, &w->j->seen[i]))
			last = DARN_MAX(last, w->j->seen[i].number);
	for (uint64_t n = first; n <= last && n - first < MAX_RANGE; n++) {
		struct darn_error local = DARN_ERROR_INIT;
		struct darn_stat st;
		enum darn_rc rc;

		if (was_seen(w, n))
			continue;
		rc = darn_tree_stat(
			t,
			darn_pg_wal_segment_path(&w->files, n * w->j->segsize)
				.s,
			&st, &local);
		if (rc == DARN_ENOENT)
			report_missing(w, n * w->j->segsize);
		else if (rc == DARN_ENOMEM)
			return darn_fail(err, rc, 0, "%s", local.msg);
	}
	return DARN_OK;
}

static enum darn_rc judge(struct work *w, struct darn_tree *t,
			  struct darn_error *err)
{
	struct darn_pg_wal_join *j = w->j;
	uint32_t per_high;
	enum darn_rc rc;

	j->segsize = w->files.rules.segsize;
	per_high = (uint32_t)((UINT64_C(1) << 32) / j->segsize);
	for (size_t i = 0; i < j->n; i++)
		j->seen[i].number = (j->seen[i].number >> 32) * per_high +
				    (j->seen[i].number & UINT32_MAX);
	judge_tails(w);
	check_links(w);
	rc = check_long(w, err);
	return rc ? rc : check_missing(w, t, err);
}

static void release(struct darn_pg_wal_join *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->seen[i].path);
	free(j->seen);
	free(j);
}

enum darn_rc darn_pg_wal_join_end(struct darn_pg_wal_join *j,
				  struct darn_tree *t, struct darn_sink *sink,
				  struct darn_error *err)
{
	struct darn_error local = DARN_ERROR_INIT;
	const struct darn_pg_control *c = &j->control;
	struct work *w = sink ? darn_calloc(1, sizeof(*w), err) : NULL;
	uint32_t tli = j->n ? j->seen[j->n - 1].tli : 1;
	enum darn_rc rc = DARN_OK;

	if (sink && !w)
		rc = DARN_ENOMEM;
	if (w) {
		w->j = j;
		w->sink = sink;
		rc = darn_pg_wal_files_init(
			&w->files, t, "pg_wal", c->valid ? c->tli : tli,
			c->valid ? c->wal_segment_size : 0, &local);
		if (rc == DARN_OK)
			rc = judge(w, t, &local);
		/* no segment that tells the size: nothing to judge */
		rc = rc == DARN_OK || rc == DARN_ENOENT
			     ? DARN_OK
			     : darn_fail(err, rc, local.sys_errno, "%s",
					 local.msg);
		darn_pg_wal_files_release(&w->files);
	}
	free(w);
	release(j);
	return rc;
}
