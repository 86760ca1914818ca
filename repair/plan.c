/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - a scan of the target, and for every damaged unit a verdict and what
 * to do about it.
 *
 * Units are judged one by one in a stream and written to the plan; in memory
 * there are the extents of one file and the bytes of one unit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "repair/extent.h"
#include "repair/look.h"
#include "repair/plan_file.h"
#include "repair/verdict.h"

struct planning {
	struct darn_case *c;
	struct darn_plan *p;
	struct darn_extents extents;
	struct darn_look look;
	uint64_t file_writes;
	unsigned left_now, left_after; /* exit bits of what is not mended */
};

/*
 * The bit that a unit leaves behind where it is not mended.  What is suspicious
 * is damage as soon as it is proven that other bytes belong there.
 */
static unsigned bit_of(enum darn_severity severity, enum darn_verdict v)
{
	if (v == DARN_HEALS || v == DARN_FREE)
		return 0;
	if (v == DARN_EXACT)
		return DARN_EXIT_DAMAGED;
	return severity == DARN_SUSPICIOUS ? DARN_EXIT_SUSPICIOUS
					   : DARN_EXIT_DAMAGED;
}

static bool accepted(const struct planning *g, const struct darn_answer *a)
{
	if (!a->origin)
		return false;
	return a->verdict == DARN_EXACT ||
	       (a->verdict == DARN_PROBABLE && g->c->o->accept_probable);
}

static enum darn_verb verb_for(const struct planning *g,
			       const struct darn_question *q,
			       const struct darn_answer *a)
{
	if (!accepted(g, a) || a->identical)
		return DARN_VERB_LEAVE;
	/* its other name is probably somebody's backup */
	if (!q->missing && q->st.nlink > 1)
		return DARN_VERB_LEAVE;
	if (a->is_dir)
		return DARN_VERB_RESTORE_DIR;
	return q->whole_file ? DARN_VERB_RESTORE_FILE
			     : DARN_VERB_RESTORE_EXTENT;
}

static void count(struct planning *g, const struct darn_plan_item *i,
		  enum darn_severity severity)
{
	struct darn_plan_totals *t = &g->p->totals;
	unsigned bit = bit_of(severity, i->verdict);

	t->items++;
	t->by_verdict[i->verdict]++;
	if (i->identical && i->verdict == DARN_EXACT &&
	    severity == DARN_SUSPICIOUS) {
		t->confirmed++;
		return;
	}
	g->left_now |= bit;
	if (i->verb == DARN_VERB_LEAVE) {
		g->left_after |= bit;
		return;
	}
	t->writes++;
	t->bytes += i->len;
	g->file_writes++;
	t->most_in_a_file = DARN_MAX(t->most_in_a_file, g->file_writes);
}

static enum darn_rc add_item(struct planning *g, const struct darn_question *q,
			     const struct darn_answer *a,
			     const struct darn_extent *x,
			     struct darn_error *err)
{
	char *shown = darn_aim_shown(&g->c->target, q->abs, err);
	char linked[1200];
	struct darn_plan_item i = {
		.verb = verb_for(g, q, a),
		.verdict = a->verdict,
		.root = q->part->root,
		.path = q->path,
		.shown = shown,
		.store = q->part->store ? q->part->store->name : "",
		.format = g->extents.format,
		.id = x->id,
		.severity = darn_severity_name(x->severity),
		.off = q->off,
		.len = a->bytes || !a->origin ? q->len : a->size,
		.source = "",
		.evidence = a->why.text,
		.pre_digest = q->pre_digest,
		.new_digest = a->digest,
		.identical = a->identical,
	};
	enum darn_rc rc;

	if (!shown)
		return DARN_ENOMEM;
	if (a->origin) {
		i.source = a->origin->name;
		i.source_index = a->origin->source;
		i.nth = a->origin->nth;
	}
	if (i.verb == DARN_VERB_LEAVE && accepted(g, a) && !a->identical) {
		(void)snprintf(linked, sizeof(linked),
			       "the file has more than one name; %s",
			       a->why.text);
		i.evidence = linked;
	}
	count(g, &i, x->severity);
	rc = darn_plan_add(g->p, &i, err);
	free(shown);
	return rc;
}

static enum darn_rc judge_and_add(struct planning *g,
				  const struct darn_question *q,
				  const struct darn_extent *x,
				  struct darn_error *err)
{
	struct darn_progress *progress = g->c->o->scan.progress;
	struct darn_answer a;
	enum darn_rc rc;

	if (progress && progress->cancel)
		return darn_fail(err, DARN_ECANCELED, 0, "interrupted");
	rc = darn_judge(g->c, q, &a, err);
	if (rc)
		return rc;
	rc = add_item(g, q, &a, x, err);
	darn_answer_release(&a);
	return rc;
}

/* The worst extent stands for the file. */
static const struct darn_extent *worst(const struct darn_extents *e)
{
	const struct darn_extent *w = &e->items[0];

	for (size_t i = 1; i < e->n; i++)
		if (e->items[i].severity > w->severity)
			w = &e->items[i];
	return w;
}

static enum darn_rc plan_units(struct planning *g, struct darn_question *q,
			       uint64_t *next, const struct darn_extent *x,
			       struct darn_error *err)
{
	uint64_t off = DARN_MAX(*next, x->off - x->off % g->look.unit);
	uint64_t end = DARN_MAX(q->st.size, x->end);
	enum darn_rc rc = DARN_OK;

	for (; !rc && off < x->end; off += g->look.unit) {
		rc = darn_look_unit(&g->look, q, off,
				    DARN_MIN(g->look.unit, end - off), err);
		if (!rc)
			rc = judge_and_add(g, q, x, err);
		*next = off + g->look.unit;
	}
	return rc;
}

/* What cannot be opened cannot be mended, and that is no reason to stop. */
static enum darn_rc plan_nothing(struct planning *g,
				 const struct darn_question *q,
				 struct darn_error *why, struct darn_error *err)
{
	struct darn_answer a = {.verdict = DARN_UNKNOWN};

	if (why->rc == DARN_ENOMEM || !q->part)
		return darn_fail(err, why->rc, 0, "%s", why->msg);
	darn_evidence_add(&a.why, "%s", why->msg);
	return add_item(g, q, &a, worst(&g->extents), err);
}

static enum darn_rc plan_file(struct planning *g, struct darn_error *err)
{
	const struct darn_extents *e = &g->extents;
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_question q;
	uint64_t next = 0;
	enum darn_rc rc;

	g->file_writes = 0;
	rc = darn_look_open(&g->look, g->c, e, &q, &why);
	if (rc) {
		rc = plan_nothing(g, &q, &why, err);
	} else if (q.whole_file) {
		darn_look_whole(&g->look, &q);
		rc = judge_and_add(g, &q, worst(e), err);
	} else {
		for (size_t i = 0; !rc && i < e->n; i++)
			rc = plan_units(g, &q, &next, &e->items[i], err);
	}
	darn_look_close(&g->look);
	return rc;
}

static enum darn_rc flush(struct planning *g, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (g->extents.path && g->extents.n)
		rc = plan_file(g, err);
	darn_extents_clear(&g->extents);
	return rc;
}

static enum darn_rc on_record(const struct darn_record *r, void *payload,
			      struct darn_error *err)
{
	struct planning *g = payload;
	enum darn_rc rc;

	if (r->kind == DARN_REC_FINDING && r->severity == DARN_SUSPICIOUS &&
	    !darn_finding_counts(r))
		g->p->totals.undecided++;
	if (!darn_finding_counts(r))
		return DARN_OK;
	if (g->extents.path && strcmp(g->extents.path, r->path) != 0) {
		rc = flush(g, err);
		if (rc)
			return rc;
	}
	return darn_extents_add(&g->extents, r, err);
}

static enum darn_rc judge_all(struct planning *g, struct darn_error *err)
{
	struct darn_plan_totals *t = &g->p->totals;
	unsigned keep = DARN_EXIT_INCOMPLETE | DARN_EXIT_INTERRUPTED;
	struct darn_summary s;
	enum darn_rc rc = darn_case_scan(g->c, false, NULL, &g->p->report, err);

	if (rc)
		return rc;
	s = darn_report_summary(g->p->report);
	if (s.interrupted)
		return darn_fail(err, DARN_ECANCELED, 0, "interrupted");
	rc = darn_report_each(g->p->report, on_record, g, err);
	if (!rc)
		rc = flush(g, err);
	if (rc)
		return rc;
	t->scanned_bytes = s.bytes.total;
	t->scan_exit = s.exit;
	keep = s.exit & keep;
	if (t->undecided)
		keep |= DARN_EXIT_SUSPICIOUS;
	t->exit_left = g->left_after;
	t->exit_now = keep | g->left_now;
	t->exit_after =
		keep | g->left_after | (t->writes ? DARN_EXIT_REPAIRED : 0);
	return darn_plan_finish(g->p, err);
}

enum darn_rc darn_plan_make(const struct darn_repair_options *o,
			    struct darn_plan **out, struct darn_error *err)
{
	struct darn_case c;
	struct planning g = {.c = &c};
	enum darn_rc rc = darn_case_open(&c, o, err);

	if (!rc)
		rc = darn_plan_create(o, &g.p, err);
	if (!rc)
		rc = judge_all(&g, err);
	darn_extents_release(&g.extents);
	darn_case_release(&c);
	if (rc) {
		darn_plan_destroy(g.p);
		return rc;
	}
	*out = g.p;
	return DARN_OK;
}
