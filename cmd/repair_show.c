/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/repair_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/progress.h"
#include "cmd/report.h"
#include "cmd/text.h"

enum {
	/* "more than a few pages: restore the file" */
	MANY_UNITS = 64
};

static void verdict_json(struct darn_json *j, const struct darn_plan_item *i)
{
	darn_json_begin(j, "verdict");
	darn_json_path(j, "path", i->shown);
	darn_json_u64(j, "offset", i->off);
	darn_json_u64(j, "length", i->len);
	darn_json_str(j, "severity", i->severity);
	darn_json_str(j, "id", i->id);
	darn_json_str(j, "store", i->store);
	darn_json_str(j, "format", i->format);
	darn_json_str(j, "verdict", darn_verdict_name(i->verdict));
	darn_json_str(j, "verb", darn_verb_name(i->verb));
	darn_json_path(j, "source", i->source);
	darn_json_str(j, "evidence", i->evidence);
	darn_json_end(j);
}

static void verdict_text(struct darn_ctx *ctx, const struct darn_plan_item *i)
{
	static const enum darn_colour colours[] = {
		[DARN_HEALS] = DARN_COLOUR_GOOD,
		[DARN_FREE] = DARN_COLOUR_GOOD,
		[DARN_REBUILDABLE] = DARN_COLOUR_WARN,
		[DARN_EXACT] = DARN_COLOUR_GOOD,
		[DARN_PROBABLE] = DARN_COLOUR_WARN,
		[DARN_STALE] = DARN_COLOUR_BAD,
		[DARN_UNKNOWN] = DARN_COLOUR_BAD,
	};

	darn_text_path(ctx->out, i->shown);
	fprintf(ctx->out, ":%" PRIu64 "+%" PRIu64 " %s %s ", i->off, i->len,
		i->severity, i->id);
	darn_text_coloured(ctx, colours[i->verdict],
			   darn_verdict_name(i->verdict));
	fprintf(ctx->out, " %s: ",
		i->identical ? "nothing to do" : darn_verb_name(i->verb));
	darn_text_path(ctx->out, i->evidence);
	fputc('\n', ctx->out);
}

static enum darn_rc show_item(const struct darn_plan_item *i, void *payload,
			      struct darn_error *err)
{
	struct darn_ctx *ctx = payload;

	(void)err;
	if (ctx->json)
		verdict_json(&ctx->json_out, i);
	else
		verdict_text(ctx, i);
	return DARN_OK;
}

static void hints(struct darn_ctx *ctx, const struct darn_plan_totals *t,
		  bool accept_probable)
{
	uint64_t open = t->by_verdict[DARN_UNKNOWN] + t->by_verdict[DARN_STALE];

	if (t->by_verdict[DARN_PROBABLE] && !accept_probable)
		fputs("probable units are written with --accept=probable "
		      "only\n",
		      ctx->out);
	if (t->by_verdict[DARN_REBUILDABLE])
		fputs("rebuildable: let the engine make them anew; until then "
		      "they count as damage\n",
		      ctx->out);
	if (open)
		fprintf(ctx->out,
			"%" PRIu64 " units have no proven replacement: a "
			"source from the same shutdown, a seal, or the whole "
			"log since the backup would settle them\n",
			open);
	if (t->most_in_a_file > MANY_UNITS)
		fprintf(ctx->out,
			"%" PRIu64 " units in one file: that is more than "
			"chance; look at the hardware, and consider restoring "
			"the whole file\n",
			t->most_in_a_file);
}

static void totals_text(struct darn_ctx *ctx, const struct darn_plan_totals *t,
			bool accept_probable)
{
	char size[DARN_SIZE_TEXT];

	if (t->items == 0)
		return;
	fprintf(ctx->out, "plan: %" PRIu64 " units:", t->items);
	for (unsigned v = 0; v <= DARN_UNKNOWN; v++)
		if (t->by_verdict[v])
			fprintf(ctx->out, " %s %" PRIu64,
				darn_verdict_name((enum darn_verdict)v),
				t->by_verdict[v]);
	if (t->confirmed)
		fprintf(ctx->out, "; %" PRIu64 " proven to be as they should",
			t->confirmed);
	fprintf(ctx->out,
		"; to write: %" PRIu64 " units, %s; exit %u now, %u "
		"afterwards\n",
		t->writes, darn_text_size(size, t->bytes), t->exit_now,
		t->exit_after);
	hints(ctx, t, accept_probable);
}

enum darn_rc darn_show_plan(struct darn_ctx *ctx, struct darn_plan *p,
			    bool records, struct darn_error *err)
{
	struct darn_plan_totals t = darn_plan_totals(p);
	enum darn_rc rc = DARN_OK;

	if (ctx->json && records && darn_plan_report(p))
		rc = darn_report_records(ctx, darn_plan_report(p), err);
	if (!rc)
		rc = darn_plan_each(p, show_item, ctx, err);
	if (!rc && !ctx->json)
		totals_text(ctx, &t, darn_plan_options(p)->accept_probable);
	return rc;
}

void darn_show_journal(struct darn_ctx *ctx, const char *journal)
{
	darn_progress_clear(ctx);
	if (ctx->json) {
		darn_json_begin(&ctx->json_out, "journal");
		darn_json_path(&ctx->json_out, "journal", journal);
		darn_json_end(&ctx->json_out);
	} else {
		fputs("journal: ", ctx->out);
		darn_text_path(ctx->out, journal);
		fputc('\n', ctx->out);
	}
	fflush(ctx->out);
}

void darn_show_action(struct darn_ctx *ctx, const struct darn_plan_item *i,
		      bool done, const char *why)
{
	struct darn_json *j = &ctx->json_out;

	darn_progress_clear(ctx);
	if (!ctx->json) {
		fputs(done ? "repaired " : "not repaired ", ctx->out);
		darn_text_path(ctx->out, i->shown);
		fprintf(ctx->out, ":%" PRIu64 "+%" PRIu64 "%s", i->off, i->len,
			done ? "" : ": ");
		darn_text_path(ctx->out, why);
		fputc('\n', ctx->out);
		return;
	}
	darn_json_begin(j, "action");
	darn_json_str(j, "verb", darn_verb_name(i->verb));
	darn_json_path(j, "path", i->shown);
	darn_json_u64(j, "offset", i->off);
	darn_json_u64(j, "length", i->len);
	darn_json_bool(j, "done", done);
	if (!done)
		darn_json_str(j, "reason", why);
	darn_json_end(j);
}

/* The command that carries out this very plan. */
static void put_command(FILE *f, const struct darn_ctx *ctx,
			const struct darn_repair_options *o,
			const char *max_repair)
{
	fputs("darn repair --yes ", f);
	darn_text_quoted(f, o->path);
	for (size_t i = 0; i < o->nsources; i++) {
		fputs(" --from ", f);
		darn_text_quoted(f, o->sources[i]);
	}
	if (o->manifest) {
		fputs(" --manifest ", f);
		darn_text_quoted(f, o->manifest);
	}
	if (max_repair) {
		fputs(" --max-repair ", f);
		darn_text_quoted(f, max_repair);
	}
	if (o->unchanged_since_seal)
		fputs(" --unchanged-since-seal", f);
	if (o->accept_probable)
		fputs(" --accept=probable", f);
	if (o->assume_stopped)
		fputs(" --assume-stopped", f);
	if (ctx->direct)
		fputs(" --direct", f);
}

/* Another source may have what these have not. */
static bool unproven(const struct darn_plan_totals *t)
{
	return t->by_verdict[DARN_UNKNOWN] || t->by_verdict[DARN_STALE] ||
	       t->by_verdict[DARN_PROBABLE];
}

/* The next command to type, to be freed; NULL without memory. */
static char *next_command(const struct darn_ctx *ctx, struct darn_plan *p,
			  const struct darn_repair_result *res, bool applied,
			  const char *max_repair)
{
	struct darn_plan_totals t = darn_plan_totals(p);
	const struct darn_repair_options *o = darn_plan_options(p);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (!applied && t.writes) {
		put_command(f, ctx, o, max_repair);
	} else if (!applied && unproven(&t)) {
		fputs("darn repair --dry-run ", f);
		darn_text_quoted(f, o->path);
		fputs(" --from ANOTHER-SOURCE", f);
	} else if (res->done && res->exit & DARN_EXIT_DAMAGED) {
		fputs("darn undo ", f);
		darn_text_quoted(f, res->journal);
		fputs(" (puts back what was there)", f);
	} else {
		fputs("darn scan ", f);
		darn_text_quoted(f, o->path);
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void result_text(struct darn_ctx *ctx,
			const struct darn_repair_result *res)
{
	char size[DARN_SIZE_TEXT];

	if (res->stopped) {
		fputs("the plan is larger than --max-repair allows: nothing "
		      "was written\n",
		      ctx->out);
		return;
	}
	fprintf(ctx->out,
		"repaired: %" PRIu64 " units, %s; not repaired: %" PRIu64
		", put back: %" PRIu64 "\n",
		res->done, darn_text_size(size, res->bytes), res->skipped,
		res->failed);
	if (res->report) {
		struct darn_summary s = darn_report_summary(res->report);

		fprintf(ctx->out,
			"deep scan of what changed: %" PRIu64
			" files, %s, %s\n",
			s.files, darn_text_size(size, s.bytes.total),
			res->exit & DARN_EXIT_DAMAGED ? "damage is left"
						      : "no damage left");
	}
}

static void proof_json(struct darn_json *j, const struct darn_repair_result *r)
{
	struct darn_summary s;

	if (!r->report)
		return;
	s = darn_report_summary(r->report);
	darn_json_begin(j, "proof");
	darn_json_u64(j, "files", s.files);
	darn_json_u64(j, "findings", s.findings);
	darn_json_u64(j, "bytes", s.bytes.total);
	darn_json_u64(j, "verified", s.bytes.verified);
	darn_json_end(j);
}

static void summary_json(struct darn_ctx *ctx, struct darn_plan *p,
			 const struct darn_repair_result *res, const char *next)
{
	struct darn_plan_totals t = darn_plan_totals(p);
	struct darn_summary s = {.exit = 0};
	struct darn_json *j = &ctx->json_out;

	if (darn_plan_report(p))
		s = darn_report_summary(darn_plan_report(p));
	proof_json(j, res);
	darn_json_begin(j, "summary");
	darn_json_u64(j, "exit", ctx->exit);
	darn_report_summary_json(ctx, &s);
	darn_json_object(j, "verdicts");
	for (unsigned v = 0; v <= DARN_UNKNOWN; v++)
		darn_json_u64(j, darn_verdict_name((enum darn_verdict)v),
			      t.by_verdict[v]);
	darn_json_close(j);
	darn_json_u64(j, "planned", t.writes);
	darn_json_u64(j, "planned_bytes", t.bytes);
	darn_json_u64(j, "repaired", res->done);
	darn_json_u64(j, "not_repaired", res->skipped);
	darn_json_str(j, "next", next);
	darn_json_end(j);
}

/* PATH and SOURCE are easily confused, and "no damage" with "not looked at". */
static void nothing_text(struct darn_ctx *ctx, struct darn_plan *p)
{
	fputs("nothing to repair in ", ctx->out);
	darn_text_quoted(ctx->out, darn_plan_options(p)->path);
	if (ctx->exit & DARN_EXIT_INCOMPLETE)
		fputs(", as far as it could be checked", ctx->out);
	fputc('\n', ctx->out);
}

void darn_show_end(struct darn_ctx *ctx, struct darn_plan *p,
		   const struct darn_repair_result *res, bool applied,
		   const char *max_repair)
{
	struct darn_plan_totals t = darn_plan_totals(p);
	char *next = next_command(ctx, p, res, applied, max_repair);

	if (ctx->json) {
		summary_json(ctx, p, res, next ? next : "");
	} else {
		if (applied)
			result_text(ctx, res);
		else if (t.items == 0)
			nothing_text(ctx, p);
		else
			fputs("nothing was written\n", ctx->out);
		fprintf(ctx->out, "next: %s\n", next ? next : "");
	}
	free(next);
}

void darn_show_interrupted(struct darn_ctx *ctx, struct darn_plan *p,
			   const struct darn_repair_result *res,
			   const char *max_repair)
{
	char size[DARN_SIZE_TEXT];

	if (ctx->json)
		return;
	fprintf(ctx->out,
		"repaired: %" PRIu64 " units, %s, so far; the rest is as it "
		"was\nnext: ",
		res->done, darn_text_size(size, res->bytes));
	put_command(ctx->out, ctx, darn_plan_options(p), max_repair);
	fputc('\n', ctx->out);
}
