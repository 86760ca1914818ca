/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - "darn scan": one run of the engine, shown. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "cmd/progress.h"
#include "cmd/report.h"
#include "cmd/sealed.h"
#include "cmd/text.h"
#include "lib/base/mem.h"

struct scan_opts {
	const char *manifest, *format;
	uint64_t max_errors;
};

static const struct darn_opt table[] = {
	DARN_OPT_STR(0, "manifest", "FILE", struct scan_opts, manifest,
		     "compare with this seal; default: the one that \"darn "
		     "seal PATH\" left in the state directory"),
	DARN_OPT_STR(0, "format", "NAME", struct scan_opts, format,
		     "take every file for this format, as \"darn formats\" "
		     "names them"),
	DARN_OPT_U64(0, "max-errors", "N", struct scan_opts, max_errors,
		     "keep the first N findings and count the rest as "
		     "skipped"),
	DARN_OPT_END};

/* What the next command needs to be. */
enum next {
	NEXT_RESCAN,
	NEXT_REPAIR,
	NEXT_DETAIL,
	NEXT_SEAL,
	NEXT_SNAPSHOT,
	NEXT_LIVE_SNAPSHOT
};

static enum next choose_next(const struct darn_ctx *ctx,
			     const struct darn_summary *s)
{
	const struct darn_coverage *c = &s->bytes;

	if (s->damaged || s->unreadable || c->missing)
		return NEXT_REPAIR;
	if (s->interrupted)
		return NEXT_RESCAN;
	/* no check knows these files, and that is all that is wrong */
	if (c->total && c->unverified == c->total && !ctx->unstopped &&
	    !ctx->unclean)
		return NEXT_SEAL;
	if (s->errors || c->verified == 0)
		return NEXT_RESCAN;
	if (s->suspicious)
		return NEXT_DETAIL;
	/* what is written to, or will be by recovery, is not to be sealed */
	if (ctx->unstopped)
		return NEXT_LIVE_SNAPSHOT;
	if ((c->unverified || c->skipped) && !ctx->unclean)
		return NEXT_SEAL;
	return NEXT_SNAPSHOT;
}

/* The next command to type, to be freed; NULL without memory. */
static char *next_command(const struct darn_ctx *ctx, enum next next)
{
	static const char *const before[] = {
		[NEXT_RESCAN] = "darn scan -v",
		[NEXT_REPAIR] = "darn repair --dry-run",
		[NEXT_DETAIL] = "darn scan -v",
		[NEXT_SEAL] = "darn seal",
		[NEXT_SNAPSHOT] = "darn snapshot create --repo DIR",
		[NEXT_LIVE_SNAPSHOT] = "darn snapshot create --live --repo DIR",
	};
	/* these take one PATH; the others are to be repeated for the rest */
	bool one = next == NEXT_REPAIR || next == NEXT_SEAL;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs(before[next], f);
	for (size_t i = 0; i < (one ? 1 : ctx->noperands); i++) {
		/* a PATH that begins with a dash is not an option */
		fputs(ctx->operands[i][0] == '-' ? " ./" : " ", f);
		darn_text_quoted(f, ctx->operands[i]);
	}
	if (next == NEXT_REPAIR)
		fputs(" --from SOURCE", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Rates and counters change from run to run: standard error. */
static void show_speed(struct darn_ctx *ctx, const struct darn_summary *s,
		       const struct darn_scan_options *o)
{
	char size[DARN_SIZE_TEXT], rate[DARN_SIZE_TEXT];
	double bytes = (double)(s->bytes.total - s->bytes.skipped);

	if (ctx->reproducible || ctx->quiet)
		return;
	if (!ctx->json)
		darn_ctx_note(
			ctx, "%s in %.2f s, %s/s",
			darn_text_size(size, (uint64_t)bytes), s->seconds,
			darn_text_size(rate,
				       s->seconds > 0
					       ? (uint64_t)(bytes / s->seconds)
					       : 0));
	for (unsigned i = 0; ctx->verbose && i < o->nstats; i++) {
		const struct darn_pool_stats *w = &o->stats[i];

		darn_ctx_note(ctx,
			      "worker %u: tasks %" PRIu64 " steals %" PRIu64
			      " failed %" PRIu64 " bytes %" PRIu64,
			      i, w->tasks, w->steals, w->failed_steals,
			      w->bytes);
	}
}

static void show_summary(struct darn_ctx *ctx, const struct darn_summary *s)
{
	char *next = next_command(ctx, choose_next(ctx, s));

	if (ctx->json) {
		darn_json_begin(&ctx->json_out, "summary");
		darn_json_u64(&ctx->json_out, "exit", ctx->exit);
		darn_report_summary_json(ctx, s);
		darn_json_str(&ctx->json_out, "next", next ? next : "");
		darn_json_end(&ctx->json_out);
	} else {
		darn_report_summary_text(ctx, s);
		fprintf(ctx->out, "next: %s\n", next ? next : "");
	}
	free(next);
}

static enum darn_rc show(struct darn_ctx *ctx, struct darn_report *report,
			 const struct darn_scan_options *engine,
			 struct darn_error *err)
{
	struct darn_summary s = darn_report_summary(report);
	enum darn_rc rc = darn_report_records(ctx, report, err);

	if (rc)
		return rc;
	ctx->exit |= s.exit;
	show_summary(ctx, &s);
	show_speed(ctx, &s, engine);
	return DARN_OK;
}

static enum darn_rc scan(struct darn_ctx *ctx, const struct scan_opts *o,
			 struct darn_scan_options *engine,
			 struct darn_error *err)
{
	struct darn_report *report = NULL;
	struct darn_sealed seals;
	enum darn_rc rc;

	darn_ctx_begin_report(ctx);
	rc = darn_sealed_open(ctx, o->manifest, &seals, err);
	if (rc == DARN_OK)
		rc = darn_progress_begin(ctx, "scan", err);
	if (rc == DARN_OK) {
		engine->witness = seals.witness;
		rc = darn_scan(ctx->operands, ctx->noperands, engine, &report,
			       err);
	}
	darn_progress_end(ctx);
	if (rc == DARN_OK) {
		darn_sealed_show(ctx, &seals);
		rc = show(ctx, report, engine, err);
	}
	darn_report_destroy(report);
	darn_sealed_release(&seals);
	return rc;
}

static enum darn_rc run(struct darn_ctx *ctx, const void *opts,
			struct darn_error *err)
{
	const struct scan_opts *o = opts;
	struct darn_scan_options engine;
	enum darn_rc rc = darn_ctx_engine(ctx, &engine, err);

	if (rc)
		return rc;
	engine.format = o->format;
	engine.max_errors = o->max_errors;
	if (ctx->verbose) {
		engine.nstats = DARN_MAX(engine.jobs, 1u);
		engine.stats =
			darn_calloc(engine.nstats, sizeof(*engine.stats), err);
		if (!engine.stats)
			return DARN_ENOMEM;
	}
	rc = scan(ctx, o, &engine, err);
	free(engine.stats);
	return rc;
}

const struct darn_command darn_command_scan = {
	.name = "scan",
	.title = "finds damage: verifies all that a checksum or a rule covers; "
		 "never writes",
	.operands = "PATH...",
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.uses = DARN_USES_JSON | DARN_USES_ENGINE | DARN_USES_GLOBS |
		DARN_USES_PROGRESS,
	.opts = table,
	.opts_size = sizeof(struct scan_opts),
	.run = run,
};
