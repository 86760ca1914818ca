/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.c - carrying out a plan, item by item.
 *
 * Nothing of the plan is believed.  What is there must be what the plan saw,
 * the candidate is fetched, checked and judged again at the moment of use, and
 * must be the one of the plan.  An item that fails is skipped and stays counted
 * as damage; a write that fails stops the repair.
 */
#include "repair/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "repair/plan_file.h"

enum {
	MAX_ROUNDS = 3
};

static unsigned bit_of(const struct darn_plan_item *i)
{
	bool suspicious =
		strcmp(i->severity, darn_severity_name(DARN_SUSPICIOUS)) == 0;

	/* what is proven to be wrong is damage */
	return suspicious && i->verdict != DARN_EXACT ? DARN_EXIT_SUSPICIOUS
						      : DARN_EXIT_DAMAGED;
}

void darn_apply_skip(struct darn_apply *a, const struct darn_plan_item *i,
		     const char *why)
{
	a->left |= bit_of(i);
	a->out->skipped++;
	if (a->o->action)
		a->o->action(i, false, why, a->o->payload);
}

/* Adds to what stays as it is. */
static enum darn_rc know(struct darn_apply *a, const struct darn_plan_item *i,
			 struct darn_error *err)
{
	char *abs = darn_path_join(i->root, i->path, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (abs)
		rc = darn_grow((void **)&a->known, a->nknown, &a->cap_known,
			       sizeof(*a->known), err);
	if (!rc)
		a->known[a->nknown++] = (struct darn_known){
			darn_xxh3_64(abs, strlen(abs)), i->off,
			i->len > UINT64_MAX - i->off ? UINT64_MAX
						     : i->off + i->len};
	free(abs);
	return rc;
}

/* As a glob that matches just this path. */
static char *as_glob(const char *path, struct darn_error *err)
{
	char *out = darn_calloc(2 * strlen(path) + 1, 1, err), *p = out;

	for (; out && *path; path++) {
		if (strchr("*?[\\", *path))
			*p++ = '\\';
		*p++ = *path;
	}
	return out;
}

enum darn_rc darn_apply_changed(struct darn_apply *a, const char *abs,
				struct darn_error *err)
{
	const char *rel = darn_path_below(abs, a->c->target.abs);
	enum darn_rc rc;
	char *glob;

	if (!rel || !rel[0])
		rel = strrchr(abs, '/') + 1;
	rc = darn_grow((void **)&a->changed, a->nchanged, &a->cap_changed,
		       sizeof(char *), err);
	if (rc)
		return rc;
	glob = as_glob(rel, err);
	if (!glob)
		return DARN_ENOMEM;
	if (a->nchanged && strcmp(a->changed[a->nchanged - 1], glob) == 0) {
		free(glob);
		return DARN_OK;
	}
	a->changed[a->nchanged++] = glob;
	return DARN_OK;
}

enum darn_rc darn_apply_begin(struct darn_apply *a, struct darn_part *part,
			      struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (!a->w.journal) {
		rc = darn_journal_create(a->c->target.base, &a->w.journal, err);
		if (rc)
			return rc;
		(void)snprintf(a->out->journal, sizeof(a->out->journal), "%s",
			       darn_journal_path(a->w.journal));
		if (a->o->journal)
			a->o->journal(a->out->journal, a->o->payload);
	}
	a->part = part;
	return darn_part_hold(part, a->w.journal, a->c->o->assume_stopped, err);
}

enum darn_rc darn_apply_judge(struct darn_apply *a,
			      const struct darn_question *q,
			      const struct darn_plan_item *i,
			      struct darn_answer *answer, bool *same,
			      struct darn_error *err)
{
	enum darn_rc rc = darn_judge(a->c, q, answer, err);
	char why[1200];

	*same = false;
	if (rc)
		return rc;
	if (!answer->origin ||
	    (answer->verdict != DARN_EXACT &&
	     (answer->verdict != DARN_PROBABLE || !a->c->o->accept_probable))) {
		(void)snprintf(why, sizeof(why), "no longer proven: %s",
			       answer->why.text);
		darn_apply_skip(a, i, why);
	} else if (answer->digest != i->new_digest && !answer->is_dir) {
		darn_apply_skip(a, i,
				"the source changed since the plan was made");
	} else {
		*same = true;
	}
	return DARN_OK;
}

static bool canceled(const struct darn_apply *a)
{
	struct darn_progress *p = a->c->o->scan.progress;

	return p && p->cancel;
}

static enum darn_rc apply_item(struct darn_apply *a,
			       const struct darn_plan_item *i,
			       struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_question q;
	struct darn_look l;
	enum darn_rc rc = darn_look_open_item(&l, a->c, i, &q, &why);

	if (rc == DARN_ENOMEM)
		rc = darn_fail(err, rc, 0, "%s", why.msg);
	else if (rc)
		darn_apply_skip(a, i, why.msg);
	else if (i->verb == DARN_VERB_RESTORE_EXTENT)
		rc = darn_apply_unit(a, &l, &q, i, err);
	else
		rc = darn_apply_file(a, &l, &q, i, err);
	darn_look_close(&l);
	return rc == DARN_ENOMEM || why.rc == DARN_OK ? rc : DARN_OK;
}

static enum darn_rc on_item(const struct darn_plan_item *i, void *payload,
			    struct darn_error *err)
{
	struct darn_apply *a = payload;
	enum darn_rc rc;

	if (i->verb == DARN_VERB_LEAVE)
		return know(a, i, err);
	if (canceled(a))
		return darn_fail(err, DARN_ECANCELED, 0, "interrupted");
	if (i->verdict != DARN_EXACT && !a->c->o->accept_probable) {
		darn_apply_skip(a, i, "only probable");
		return know(a, i, err);
	}
	rc = apply_item(a, i, err);
	if (!rc && a->c->o->scan.progress)
		a->c->o->scan.progress->files_done++;
	return rc;
}

static bool over_limit(const struct darn_plan_totals *t,
		       const struct darn_repair_limit *l)
{
	if (l->units && t->writes > l->units)
		return true;
	return l->percent > 0 &&
	       (double)t->bytes * 100 > l->percent * (double)t->scanned_bytes;
}

static void release(struct darn_apply *a)
{
	for (size_t i = 0; i < a->nchanged; i++)
		free(a->changed[i]);
	free(a->changed);
	free(a->known);
	darn_journal_close(a->w.journal);
}

/* Writes; what was written is in the journal, whatever happens. */
static enum darn_rc carry_out(struct darn_apply *a, struct darn_plan *p,
			      struct darn_error *err)
{
	enum darn_rc rc = darn_plan_each(p, on_item, a, err), done;

	if (!rc || rc == DARN_ECANCELED) {
		done = darn_apply_flush(a, err);
		rc = rc ? rc : done;
	}
	done = darn_apply_close_file(a, err);
	rc = rc ? rc : done;
	done = darn_parts_unhold(&a->c->parts, err);
	return rc ? rc : done;
}

static enum darn_rc only_know(const struct darn_plan_item *i, void *payload,
			      struct darn_error *err)
{
	return know(payload, i, err);
}

/*
 * The bits to begin with, of a plan that is carried out or not.  What is
 * suspicious and no item (a fork without its relation) may be explained by
 * what was mended: the deep scan decides, and looks at everything.
 */
static unsigned base_of(struct darn_apply *a, const struct darn_plan_totals *t,
			unsigned exit)
{
	a->undecided = t->undecided > 0;
	if (a->undecided && !(t->exit_left & DARN_EXIT_SUSPICIOUS))
		exit &= ~(unsigned)DARN_EXIT_SUSPICIOUS;
	return exit;
}

/* Everything is looked at anew: what was mended may say more than before. */
static enum darn_rc second_round(struct darn_apply *a, unsigned *base,
				 struct darn_error *err)
{
	const struct darn_repair_options *o = a->c->o;
	struct darn_plan_totals t;
	struct darn_plan *p = NULL;
	enum darn_rc rc = darn_plan_make(o, &p, err);

	if (rc)
		return rc;
	t = darn_plan_totals(p);
	a->left = 0;
	a->nknown = 0;
	darn_case_release(a->c);
	rc = darn_case_open(a->c, o, err);
	if (!rc)
		rc = darn_aim_lock(&a->c->target, err);
	if (rc) {
		*base = base_of(a, &t, t.exit_now);
	} else if (t.writes && !over_limit(&t, &a->o->limit) && a->o->more &&
		   a->o->more(p, a->o->payload)) {
		*base = base_of(a, &t, t.exit_after);
		rc = carry_out(a, p, err);
	} else {
		*base = base_of(a, &t, t.exit_now);
		rc = darn_plan_each(p, only_know, a, err);
	}
	darn_plan_destroy(p);
	return rc;
}

/* Rounds: until the rules find nothing new, or nothing more can be written. */
static enum darn_rc apply_all(struct darn_apply *a, struct darn_plan *p,
			      unsigned *base, struct darn_error *err)
{
	enum darn_rc rc = carry_out(a, p, err);

	for (unsigned round = 1; !rc && round < MAX_ROUNDS; round++) {
		uint64_t before = a->out->done;
		bool more = false;

		if (!before)
			break;
		rc = darn_apply_rules(a, &more, err);
		if (!rc && !more)
			break;
		if (!rc)
			rc = second_round(a, base, err);
		if (a->out->done == before)
			break;
	}
	return rc;
}

static enum darn_rc apply(struct darn_apply *a, struct darn_plan *p,
			  struct darn_error *err)
{
	struct darn_plan_totals t = darn_plan_totals(p);
	unsigned base = base_of(a, &t, t.exit_after);
	enum darn_rc rc = darn_aim_lock(&a->c->target, err), ended;

	if (rc)
		return rc;
	rc = apply_all(a, p, &base, err);
	/*
	 * After a failure the journal stays open, and the next run looks at
	 * it; a store that was refused before the first write needs no look.
	 */
	if (a->w.journal && (!rc || rc == DARN_ECANCELED ||
			     (rc == DARN_EREFUSED &&
			      darn_journal_next_id(a->w.journal) == 0))) {
		ended = darn_journal_end(a->w.journal, DARN_J_END,
					 rc ? NULL : err);
		rc = rc ? rc : ended;
	}
	a->out->exit = (base & ~(unsigned)DARN_EXIT_REPAIRED) | a->left;
	if (a->out->done)
		a->out->exit |= DARN_EXIT_REPAIRED;
	else if (a->undecided)
		a->out->exit |= DARN_EXIT_SUSPICIOUS;
	if (!rc && a->out->done)
		rc = darn_apply_prove(a, err);
	return rc;
}

enum darn_rc darn_repair_apply(struct darn_plan *p,
			       const struct darn_apply_options *o,
			       struct darn_repair_result *out,
			       struct darn_error *err)
{
	struct darn_plan_totals t = darn_plan_totals(p);
	struct darn_case c;
	struct darn_apply *a;
	enum darn_rc rc;

	memset(out, 0, sizeof(*out));
	if (over_limit(&t, &o->limit)) {
		out->exit = t.exit_now | DARN_EXIT_INCOMPLETE;
		out->stopped = true;
		return DARN_OK;
	}
	a = darn_calloc(1, sizeof(*a), err);
	if (!a)
		return DARN_ENOMEM;
	a->c = &c;
	a->o = o;
	a->out = out;
	rc = darn_case_open(&c, o->repair, err);
	if (!rc)
		rc = apply(a, p, err);
	release(a);
	darn_case_release(&c);
	free(a);
	return rc;
}
