/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair.c - "darn repair": plan, show, confirm, apply, prove.
 *
 * Showing is repair_show.c.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/progress.h"
#include "cmd/repair_show.h"
#include "cmd/text.h"
#include "lib/base/mem.h"

enum accept {
	ACCEPT_EXACT,
	ACCEPT_PROBABLE
};

struct repair_opts {
	struct darn_strings from;
	const char *manifest, *plan, *apply, *max_repair;
	bool unchanged_since_seal, dry_run, yes, assume_stopped;
	unsigned accept;
};

static const struct darn_opt table[] = {
	DARN_OPT_LIST(0, "from", "SOURCE", struct repair_opts, from,
		      "take good bytes from SOURCE: a snapshot repository, a "
		      "directory tree, or for a single file a file"),
	DARN_OPT_FLAG('n', "dry-run", struct repair_opts, dry_run,
		      "show the plan, write nothing"),
	DARN_OPT_FLAG('y', "yes", struct repair_opts, yes,
		      "carry out the plan without asking"),
	DARN_OPT_STR(0, "manifest", "FILE", struct repair_opts, manifest,
		     "the seal of PATH; default: the one that \"darn seal "
		     "PATH\" left in the state directory"),
	DARN_OPT_FLAG(0, "unchanged-since-seal", struct repair_opts,
		      unchanged_since_seal,
		      "I vouch that nothing was written to PATH on purpose "
		      "since it was sealed"),
	DARN_OPT_STR(0, "plan", "FILE", struct repair_opts, plan,
		     "save the plan in FILE as well"),
	DARN_OPT_STR(0, "apply", "FILE", struct repair_opts, apply,
		     "carry out a saved plan; it names PATH and the sources"),
	DARN_OPT_CHOICE(0, "accept", "exact|probable", struct repair_opts,
			accept,
			"also write what is only probably the current version"),
	DARN_OPT_FLAG(0, "assume-stopped", struct repair_opts, assume_stopped,
		      "I vouch that the store is not in use, where that "
		      "cannot be seen"),
	DARN_OPT_STR(0, "max-repair", "N|P%", struct repair_opts, max_repair,
		     "write nothing if the plan has more than N units, or "
		     "more than P percent of what was scanned"),
	DARN_OPT_END};

static enum darn_rc parse_limit(const char *s, struct darn_repair_limit *l,
				struct darn_error *err)
{
	size_t len = s ? strlen(s) : 0;
	char *end;

	*l = (struct darn_repair_limit){.units = 0};
	if (!s)
		return DARN_OK;
	if (len == 0 || s[len - 1] != '%') {
		enum darn_rc rc =
			darn_opt_number(s, UINT64_MAX, &l->units, err);

		if (!rc && l->units == 0)
			rc = darn_fail(err, DARN_EINVAL, 0,
				       "--max-repair 0 is --dry-run");
		return rc;
	}
	l->percent = strtod(s, &end);
	if (end != s + len - 1 || !(l->percent > 0) || l->percent > 100)
		return darn_fail(err, DARN_EINVAL, 0,
				 "--max-repair '%s' is not a percentage", s);
	return DARN_OK;
}

static enum darn_rc check_usage(const struct darn_ctx *ctx,
				const struct repair_opts *o,
				struct darn_error *err)
{
	if (o->apply && (ctx->noperands || o->from.n || o->plan))
		return darn_fail(
			err, DARN_EINVAL, 0,
			"--apply takes PATH and sources from the plan");
	if (o->apply)
		return DARN_OK;
	if (ctx->noperands != 1)
		return darn_fail(err, DARN_EINVAL, 0,
				 "an operand is missing: PATH");
	if (o->from.n == 0)
		return darn_fail(err, DARN_EINVAL, 0,
				 "no source: --from SOURCE");
	if (o->unchanged_since_seal && ctx->noperands == 0)
		return darn_fail(err, DARN_EINVAL, 0,
				 "--unchanged-since-seal needs a PATH");
	return DARN_OK;
}

/* Everything of one run. */
struct run {
	struct darn_ctx *ctx;
	const struct repair_opts *o;
	struct darn_repair_options r;
	struct darn_repair_limit limit;
	struct darn_plan *plan;
};

/* A repair that was killed is finished first; only who may write does that. */
static enum darn_rc finish_pending(struct run *r, struct darn_error *err)
{
	struct darn_ctx *ctx = r->ctx;
	uint64_t strange = 0;
	char *journal = NULL;
	enum darn_reply a = DARN_REPLY_YES;
	enum darn_rc rc = darn_repair_pending(&r->r, &journal, err);

	if (rc == DARN_ENOENT) {
		darn_error_clear(err);
		return DARN_OK;
	}
	if (rc)
		return rc;
	darn_ctx_warn(ctx, "an earlier repair was not finished: '%s'", journal);
	if (r->o->dry_run)
		a = DARN_REPLY_NO;
	else if (!r->o->yes)
		a = darn_ctx_ask(ctx, "Finish it first?");
	if (a == DARN_REPLY_YES) {
		rc = darn_repair_finish(&r->r, journal, &strange, err);
		if (!rc)
			darn_show_journal(ctx, journal);
	} else {
		darn_ctx_warn(ctx, "this plan does not count on it");
	}
	if (strange) {
		darn_ctx_warn(ctx,
			      "%" PRIu64 " units were changed by somebody else "
			      "meanwhile and were left alone",
			      strange);
		ctx->exit |= DARN_EXIT_INCOMPLETE;
	}
	free(journal);
	return rc;
}

static void warn_of_hardware(struct darn_ctx *ctx)
{
	char text[160], *last;

	darn_kernel_io_errors(text, sizeof(text));
	last = strrchr(text, '\n');
	if (text[0])
		darn_ctx_warn(ctx,
			      "the kernel has reported errors, the last one: "
			      "%s; if that device holds any of this, replace "
			      "it first: on failing hardware a repair makes "
			      "things worse",
			      last ? last + 1 : text);
}

static enum darn_rc look_for_use(const struct darn_record *rec, void *payload,
				 struct darn_error *err)
{
	struct run *r = payload;

	(void)err;
	if (rec->kind != DARN_REC_STORE)
		return DARN_OK;
	if (rec->liveness == DARN_LIVE)
		darn_ctx_warn(r->ctx,
			      "'%s' is in use: stop it, nothing is written "
			      "before",
			      rec->path);
	else if (rec->liveness == DARN_LIVENESS_UNKNOWN && !r->r.assume_stopped)
		darn_ctx_warn(
			r->ctx,
			"cannot tell whether '%s' is in use (%s): nothing "
			"is written without --assume-stopped",
			rec->path, rec->liveness_why);
	return DARN_OK;
}

/* Whoever carries out the plan is refused; a look at it should say so. */
static enum darn_rc warn_of_use(struct run *r, struct darn_error *err)
{
	struct darn_report *report = darn_plan_report(r->plan);

	if (r->o->yes || !report)
		return DARN_OK;
	return darn_report_each(report, look_for_use, r, err);
}

/* May the plan be carried out? */
static bool confirmed(struct run *r, const struct darn_plan_totals *t)
{
	char size[DARN_SIZE_TEXT];
	char *question;
	enum darn_reply a;

	if (r->o->dry_run)
		return false;
	if (r->o->yes)
		return true;
	question = darn_asprintf(NULL, "Write %" PRIu64 " units, %s?",
				 t->writes, darn_text_size(size, t->bytes));
	fflush(r->ctx->out);
	a = question ? darn_ctx_ask(r->ctx, question) : DARN_REPLY_NO;
	free(question);
	if (a == DARN_REPLY_NO_TERMINAL)
		darn_ctx_note(r->ctx, "nothing is written without --yes");
	return a == DARN_REPLY_YES;
}

/* What could only be seen after the first round. */
static bool more(struct darn_plan *p, void *payload)
{
	struct run *r = payload;
	struct darn_plan_totals t = darn_plan_totals(p);

	darn_progress_clear(r->ctx);
	if (!r->ctx->json)
		fputs("now that this is mended, more can be seen:\n",
		      r->ctx->out);
	if (darn_show_plan(r->ctx, p, false, NULL))
		return false;
	return confirmed(r, &t);
}

static void on_journal(const char *journal, void *payload)
{
	struct run *r = payload;

	darn_show_journal(r->ctx, journal);
}

static void on_action(const struct darn_plan_item *i, bool done,
		      const char *why, void *payload)
{
	struct run *r = payload;

	darn_show_action(r->ctx, i, done, why);
}

static enum darn_rc apply(struct run *r, struct darn_repair_result *res,
			  struct darn_error *err)
{
	struct darn_apply_options o = {
		.repair = &r->r,
		.limit = r->limit,
		.journal = on_journal,
		.action = on_action,
		.more = more,
		.payload = r,
	};
	enum darn_rc rc = darn_progress_begin(r->ctx, "repair", err);

	if (!rc)
		rc = darn_repair_apply(r->plan, &o, res, err);
	darn_progress_end(r->ctx);
	return rc;
}

static enum darn_rc show_and_apply(struct run *r, struct darn_error *err)
{
	struct darn_plan_totals t = darn_plan_totals(r->plan);
	struct darn_repair_result res = {.exit = t.exit_now};
	struct darn_ctx *ctx = r->ctx;
	unsigned before = ctx->exit;
	enum darn_rc rc = darn_show_plan(ctx, r->plan, true, err);
	bool applied = false;

	/* errors of the scan are in the plan's bits, which a repair may clear
	 */
	ctx->exit = before;
	if (!rc && r->o->plan)
		rc = darn_plan_save(r->plan, r->o->plan, err);
	if (rc)
		return rc;
	if (t.items)
		warn_of_hardware(ctx);
	if (t.writes)
		rc = warn_of_use(r, err);
	if (!rc && t.writes && confirmed(r, &t)) {
		rc = apply(r, &res, err);
		applied = true;
		if (rc)
			res.exit |= t.exit_now;
	}
	ctx->exit |= res.exit;
	if (!rc)
		darn_show_end(ctx, r->plan, &res, applied, r->o->max_repair);
	else if (rc == DARN_ECANCELED && applied)
		darn_show_interrupted(ctx, r->plan, &res, r->o->max_repair);
	darn_report_destroy(res.report);
	return rc;
}

static enum darn_rc make_plan(struct run *r, struct darn_error *err)
{
	enum darn_rc rc = finish_pending(r, err);

	if (!rc)
		rc = darn_progress_begin(r->ctx, "scan", err);
	if (!rc)
		rc = darn_plan_make(&r->r, &r->plan, err);
	darn_progress_end(r->ctx);
	return rc;
}

/* PATH, sources and what was vouched for come from the plan. */
static enum darn_rc load_plan(struct run *r, struct darn_error *err)
{
	struct darn_scan_options engine = r->r.scan;
	bool stopped = r->o->assume_stopped;
	enum darn_rc rc = darn_plan_load(r->o->apply, &r->plan, err);

	if (rc)
		return rc;
	r->r = *darn_plan_options(r->plan);
	r->r.scan = engine;
	r->r.assume_stopped = r->r.assume_stopped || stopped;
	return finish_pending(r, err);
}

static enum darn_rc run(struct darn_ctx *ctx, const void *opts,
			struct darn_error *err)
{
	const struct repair_opts *o = opts;
	struct run r = {.ctx = ctx, .o = o};
	enum darn_rc rc = check_usage(ctx, o, err);

	if (!rc)
		rc = parse_limit(o->max_repair, &r.limit, err);
	if (!rc)
		rc = darn_ctx_engine(ctx, &r.r.scan, err);
	if (rc)
		return rc;
	r.r.path = ctx->noperands ? ctx->operands[0] : NULL;
	r.r.sources = o->from.items;
	r.r.nsources = o->from.n;
	r.r.manifest = o->manifest;
	r.r.unchanged_since_seal = o->unchanged_since_seal;
	r.r.accept_probable = o->accept == ACCEPT_PROBABLE;
	r.r.assume_stopped = o->assume_stopped;
	darn_ctx_begin_report(ctx);
	rc = o->apply ? load_plan(&r, err) : make_plan(&r, err);
	if (!rc)
		rc = show_and_apply(&r, err);
	darn_plan_destroy(r.plan);
	return rc;
}

const struct darn_command darn_command_repair = {
	.name = "repair",
	.title = "mends what is damaged with what is proven to be right",
	.operands = "[PATH]",
	.min_operands = 0,
	.max_operands = 1,
	.uses = DARN_USES_JSON | DARN_USES_ENGINE | DARN_USES_PROGRESS,
	.opts = table,
	.opts_size = sizeof(struct repair_opts),
	.run = run,
};
