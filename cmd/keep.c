/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/keep.h"

#include <inttypes.h>
#include <time.h>

#include "cmd/progress.h"
#include "cmd/report.h"
#include "cmd/text.h"

void darn_keep_time(char out[32], int64_t ns)
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&t, &tm))
		(void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Damage that is kept would be put back some day as if it were good. */
static enum darn_rc judge(const struct darn_keep *k, struct darn_error *err)
{
	const struct darn_summary *s = &k->summary;

	if (s->interrupted)
		return darn_fail(err, DARN_ECANCELED, 0, "interrupted: no %s",
				 k->what);
	if (!k->accept_damage && (s->damaged || s->unreadable))
		return darn_fail(err, DARN_EREFUSED, 0,
				 "no %s: %" PRIu64
				 " findings of damage (--accept-damage keeps "
				 "what is damaged as it is)",
				 k->what, s->damaged + s->unreadable);
	return DARN_OK;
}

enum darn_rc darn_keep_scan(struct darn_ctx *ctx, struct darn_keep *k,
			    struct darn_witness *w, struct darn_error *err)
{
	struct darn_scan_options engine;
	struct darn_report *report = NULL;
	enum darn_rc rc = darn_ctx_engine(ctx, &engine, err);

	if (rc == DARN_OK)
		rc = darn_progress_begin(ctx, k->what, err);
	if (rc)
		return rc;
	engine.witness = w;
	rc = darn_scan(ctx->operands, ctx->noperands, &engine, &report, err);
	darn_progress_end(ctx);
	if (rc)
		return rc;
	rc = darn_report_records(ctx, report, err);
	k->summary = darn_report_summary(report);
	ctx->exit |= k->summary.exit;
	darn_report_destroy(report);
	return rc ? rc : judge(k, err);
}

void darn_keep_summary(struct darn_ctx *ctx, const struct darn_keep *k,
		       const char *next)
{
	if (ctx->json) {
		darn_json_begin(&ctx->json_out, "summary");
		darn_json_u64(&ctx->json_out, "exit", ctx->exit);
		darn_report_summary_json(ctx, &k->summary);
		darn_json_str(&ctx->json_out, "next", next);
		darn_json_end(&ctx->json_out);
	} else {
		darn_text_coverage(ctx, &k->summary);
		fprintf(ctx->out, "next: %s\n", next);
	}
}
