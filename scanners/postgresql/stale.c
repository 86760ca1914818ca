/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stale.c - lost writes, and old pages that somebody put back.
 *
 * Every change that is logged stamps the page with the LSN behind its record,
 * and a checkpoint writes all pages that were changed before its redo point.
 * So in the files no page is older than the last record before that point
 * that names it; after a clean stop, than the last one at all.  With
 * checksums that holds for hint bits as well.  An old page is otherwise
 * perfect: its checksum is right, its rows are of another day.
 *
 * Left out: the free-space map, which is written without the log, and hash
 * indexes, where some records name a page that they leave as it is.
 */
#include "scanners/postgresql/stale.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "scanners/postgresql/am.h"
#include "scanners/postgresql/codes.h"

struct old_page {
	char *path;
	uint64_t off, lsn;
	struct darn_pg_mention asked;
};

struct darn_pg_stale {
	const struct darn_pg *pg;
	struct darn_tree *t;
	struct darn_sink *sink;
	struct old_page *pages;
	size_t n, cap;
};

/* ---- what the log wrote ---- */

struct written {
	struct darn_pg_blockmap *map;
	uint64_t limit;
	bool enough;
};

static enum darn_rc on_record(const struct darn_pg_record *r, void *payload,
			      struct darn_error *err)
{
	struct written *w = payload;
	enum darn_rc rc = DARN_OK;

	if (r->end_lsn > w->limit) {
		w->enough = true;
		return DARN_ECANCELED;
	}
	for (unsigned i = 0; rc == DARN_OK && i < r->nblocks; i++)
		if (r->blocks[i].fork != DARN_PG_FSM)
			rc = darn_pg_blockmap_put(w->map, &r->blocks[i],
						  r->end_lsn, false, err);
	return rc;
}

enum darn_rc darn_pg_written_build(struct darn_pg *pg, struct darn_tree *t,
				   struct darn_error *err)
{
	struct written w = {.map = &pg->written, .limit = pg->redo_lsn};
	uint32_t segsize = pg->start.wal_segment_size;
	uint64_t from = 0;
	enum darn_rc rc;

	if (darn_pg_clean(&pg->start))
		w.limit = pg->log.end_lsn;
	rc = darn_pg_wal_oldest(t, pg->log.tli, segsize, &from, err);
	if (rc == DARN_OK && from != 0 && from < w.limit)
		rc = darn_pg_wal_walk(t, pg->log.tli, from, segsize, on_record,
				      &w, err);
	return w.enough ? DARN_OK : rc;
}

/* ---- the verdict ---- */

enum darn_rc darn_pg_stale_create(const struct darn_pg *pg, struct darn_tree *t,
				  struct darn_sink *sink,
				  struct darn_pg_stale **out,
				  struct darn_error *err)
{
	struct darn_pg_stale *s = darn_calloc(1, sizeof(*s), err);

	if (!s)
		return DARN_ENOMEM;
	s->pg = pg;
	s->t = t;
	s->sink = sink;
	*out = s;
	return DARN_OK;
}

static void forget(struct darn_pg_stale *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->pages[i].path);
	s->n = 0;
}

void darn_pg_stale_destroy(struct darn_pg_stale *s)
{
	if (!s)
		return;
	forget(s);
	free(s->pages);
	free(s);
}

static int compare(const void *a, const void *b)
{
	const struct darn_pg_mention *x = a, *y = b;
	uint64_t left[5] = {x->spc, x->db, x->node, x->fork, x->block};
	uint64_t right[5] = {y->spc, y->db, y->node, y->fork, y->block};

	for (int i = 0; i < 5; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

/* A hash index, told by the relation's first segment. */
static bool is_hash(const struct darn_pg_stale *s, const struct old_page *p)
{
	const char *dot = strrchr(p->path, '.');
	char first[512];
	int n = dot && p->asked.block >= s->pg->segment_blocks
			? (int)(dot - p->path)
			: (int)strlen(p->path);

	if (p->asked.fork != DARN_PG_MAIN)
		return false;
	(void)snprintf(first, sizeof(first), "%.*s", n, p->path);
	return darn_pg_am_of_file(s->pg, s->t, first) == DARN_PG_AM_HASH;
}

static void report(const struct darn_pg_stale *s, const struct old_page *p,
		   uint64_t expected)
{
	struct darn_pg_lsn_text lsn = darn_pg_lsn_text(p->lsn);
	struct darn_pg_lsn_text log = darn_pg_lsn_text(expected);

	darn_pg_report(s->sink, DARN_PG_PAGE_STALE,
		       (struct darn_place){.path = p->path,
					   .off = p->off,
					   .len = DARN_PG_PAGE},
		       DARN_DETAILS(DARN_DEC("block", p->asked.block),
				    DARN_STR("lsn", lsn.s),
				    DARN_STR("log_lsn", log.s)));
}

/* Asks the log about all pages gathered, and reports. */
static enum darn_rc flush(struct darn_pg_stale *s, struct darn_error *err)
{
	struct darn_pg_mention *set;
	uint64_t limit = darn_pg_clean(&s->pg->start) ? s->pg->log.end_lsn
						      : s->pg->redo_lsn;
	enum darn_rc rc;

	if (s->n == 0)
		return DARN_OK;
	set = darn_calloc(s->n, sizeof(*set), err);
	if (!set)
		return DARN_ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		set[i] = s->pages[i].asked;
	rc = darn_pg_wal_mentions(s->t, &s->pg->start, set, s->n, err);
	for (size_t i = 0; rc == DARN_OK && i < s->n; i++) {
		const struct old_page *p = &s->pages[i];
		const struct darn_pg_mention *m =
			bsearch(&p->asked, set, s->n, sizeof(*set), compare);

		/* A later change is for recovery to make. */
		if (m && m->lsn > p->lsn && m->lsn <= limit && !is_hash(s, p))
			report(s, p, m->lsn);
	}
	free(set);
	forget(s);
	return rc;
}

enum darn_rc darn_pg_stale_note(struct darn_pg_stale *s,
				const struct darn_note *note,
				struct darn_error *err)
{
	struct old_page p = {.off = note->off, .lsn = note->value[0]};
	struct darn_pg_rel rel;
	enum darn_rc rc = DARN_OK;

	if (!darn_pg_rel_parse(note->path, &rel))
		return DARN_OK;
	if (s->n >= DARN_PG_MENTIONS_MAX)
		rc = flush(s, err);
	if (rc == DARN_OK)
		rc = darn_grow((void **)&s->pages, s->n, &s->cap,
			       sizeof(*s->pages), err);
	if (rc)
		return rc;
	p.path = darn_strdup(note->path, err);
	if (!p.path)
		return DARN_ENOMEM;
	p.asked.spc = rel.spc;
	p.asked.db = rel.db;
	p.asked.node = rel.node;
	p.asked.fork = rel.fork;
	p.asked.block = rel.segment * s->pg->segment_blocks +
			(uint32_t)(note->off / DARN_PG_PAGE);
	s->pages[s->n++] = p;
	return DARN_OK;
}

enum darn_rc darn_pg_stale_end(struct darn_pg_stale *s, struct darn_error *err)
{
	return flush(s, err);
}
