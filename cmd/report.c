/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - records and summaries, as text or as JSON Lines. */
#include "cmd/report.h"

#include <inttypes.h>

#include "cmd/text.h"

/* "verified", "damaged", ... of a line, as members of the open object. */
static void coverage_json(struct darn_json *j, const struct darn_coverage *c)
{
	darn_json_u64(j, "verified", c->verified);
	darn_json_u64(j, "damaged", c->damaged);
	darn_json_u64(j, "unverified", c->unverified);
	darn_json_u64(j, "skipped", c->skipped);
}

static void store_json(struct darn_json *j, const struct darn_record *r)
{
	char evidence[2100];

	snprintf(evidence, sizeof(evidence), "%s%s%s", r->liveness_why,
		 *r->liveness_why && *r->shutdown_why ? "\n" : "",
		 r->shutdown_why);
	darn_json_begin(j, "store");
	darn_json_path(j, "path", r->path);
	darn_json_str(j, "store", r->store);
	darn_json_str(j, "title", r->title);
	darn_json_object(j, "detail");
	darn_json_str(j, "version", r->version);
	darn_json_close(j);
	darn_json_str(j, "liveness", darn_liveness_name(r->liveness));
	darn_json_str(j, "shutdown", darn_shutdown_name(r->shutdown));
	darn_json_lines(j, "evidence", evidence);
	darn_json_end(j);
}

static void finding_json(struct darn_json *j, const struct darn_record *r)
{
	darn_json_begin(j, "finding");
	darn_json_path(j, "path", r->path);
	darn_json_u64(j, "offset", r->off);
	darn_json_u64(j, "length", r->len);
	darn_json_str(j, "severity", darn_severity_name(r->severity));
	darn_json_str(j, "id", r->id);
	darn_json_str(j, "store", r->store);
	darn_json_str(j, "format", r->format);
	if (r->unit != UINT64_MAX)
		darn_json_u64(j, "unit", r->unit);
	if (r->missing)
		darn_json_u64(j, "missing", r->missing);
	darn_json_raw(j, "detail", r->detail);
	darn_json_str(j, "message", r->message);
	darn_json_end(j);
}

static void file_json(struct darn_json *j, const struct darn_record *r)
{
	darn_json_begin(j, "file");
	darn_json_path(j, "path", r->path);
	darn_json_str(j, "store", r->store);
	darn_json_str(j, "format", r->format);
	darn_json_u64(j, "bytes", r->bytes.total);
	coverage_json(j, &r->bytes);
	darn_json_str(j, "reason", r->reason);
	darn_json_end(j);
}

static void record_json(struct darn_ctx *ctx, const struct darn_record *r)
{
	struct darn_json *j = &ctx->json_out;

	switch (r->kind) {
	case DARN_REC_STORE:
		store_json(j, r);
		break;
	case DARN_REC_FINDING:
		finding_json(j, r);
		break;
	case DARN_REC_FILE:
		file_json(j, r);
		break;
	case DARN_REC_ERROR:
		darn_ctx_error(ctx, r->path, r->message);
	}
}

static void record_text(struct darn_ctx *ctx, const struct darn_record *r)
{
	switch (r->kind) {
	case DARN_REC_STORE:
		darn_text_store(ctx, r);
		break;
	case DARN_REC_FINDING:
		darn_text_finding(ctx, r);
		break;
	case DARN_REC_FILE:
		darn_text_file(ctx, r);
		break;
	case DARN_REC_ERROR:
		darn_ctx_error(ctx, r->path, r->message);
	}
}

/*
 * Text names each file only with -v: a database has thousands that carry no
 * checksum, and the coverage says how much they are.
 */
static bool wanted(const struct darn_ctx *ctx, const struct darn_record *r)
{
	if (ctx->verbose)
		return true;
	if (r->kind == DARN_REC_FINDING)
		return r->severity != DARN_INFO;
	if (r->kind == DARN_REC_FILE)
		return ctx->json && (r->bytes.unverified || r->bytes.skipped);
	return true;
}

/* What the end of a text report sums up. */
static void count(struct darn_ctx *ctx, const struct darn_record *r)
{
	uint64_t bytes = r->bytes.unverified + r->bytes.skipped;

	if (r->kind == DARN_REC_STORE) {
		ctx->unstopped |= r->liveness != DARN_STOPPED;
		ctx->unclean |= r->shutdown == DARN_UNCLEAN;
	}
	if (r->kind == DARN_REC_FINDING && r->severity != DARN_INFO)
		darn_tally_add(&ctx->ids, r->id, r->message, r->len);
	if (r->kind == DARN_REC_FILE && bytes)
		darn_tally_add(&ctx->reasons,
			       *r->reason ? r->reason : "no check covers them",
			       "", bytes);
}

static enum darn_rc show_record(const struct darn_record *r, void *payload,
				struct darn_error *err)
{
	struct darn_ctx *ctx = payload;

	/* main() reports this one; there is no use in writing on */
	if (ferror(ctx->out))
		return darn_fail(err, DARN_ECANCELED, 0,
				 "standard output is gone");
	count(ctx, r);
	if (!wanted(ctx, r))
		return DARN_OK;
	if (ctx->json)
		record_json(ctx, r);
	else
		record_text(ctx, r);
	return DARN_OK;
}

enum darn_rc darn_report_records(struct darn_ctx *ctx, struct darn_report *r,
				 struct darn_error *err)
{
	enum darn_rc rc = darn_report_each(r, show_record, ctx, err);

	if (rc && ferror(ctx->out)) {
		darn_error_clear(err);
		return DARN_OK;
	}
	return rc;
}

void darn_report_summary_json(struct darn_ctx *ctx,
			      const struct darn_summary *s)
{
	struct darn_json *j = &ctx->json_out;

	darn_json_u64(j, "files", s->files);
	darn_json_u64(j, "findings", s->findings);
	darn_json_object(j, "bytes");
	darn_json_u64(j, "total", s->bytes.total);
	coverage_json(j, &s->bytes);
	darn_json_u64(j, "missing", s->bytes.missing);
	darn_json_close(j);
	darn_json_u64(j, "stores", s->stores);
	darn_json_u64(j, "info", s->info);
	darn_json_u64(j, "suspicious", s->suspicious);
	darn_json_u64(j, "torn", s->torn);
	darn_json_u64(j, "damaged", s->damaged);
	darn_json_u64(j, "unreadable", s->unreadable);
	darn_json_u64(j, "errors", s->errors);
	if (!ctx->reproducible)
		darn_json_real(j, "seconds", s->seconds, 3);
}

/* What may be said, at most, and its colour. */
static const char *verdict(const struct darn_summary *s,
			   enum darn_colour *colour)
{
	const struct darn_coverage *c = &s->bytes;

	*colour = DARN_COLOUR_BAD;
	if (s->damaged || s->unreadable)
		return "DAMAGED: a repair, a restore or a rebuild is needed";
	*colour = DARN_COLOUR_WARN;
	if (s->suspicious)
		return "SUSPICIOUS: something is wrong that no check can "
		       "decide";
	if (s->interrupted)
		return "INTERRUPTED: no damage in what was verified so far";
	if (c->total == 0)
		return "NOT CHECKED: there was nothing to look at";
	if (c->verified == 0)
		return "NOT CHECKED: no check covers any of these bytes";
	if (s->errors || c->skipped)
		return "INCOMPLETE: no damage in what could be verified";
	if (c->unverified)
		return "NO DAMAGE FOUND in what a check covers; the rest is "
		       "unverified";
	*colour = DARN_COLOUR_GOOD;
	return "CLEAN: every byte was verified";
}

/* Bad news may be only a part of it. */
static const char *remainder_of(const struct darn_summary *s)
{
	bool bad = s->damaged || s->unreadable || s->suspicious;

	if (bad && s->interrupted)
		return "; it was interrupted before everything was looked at";
	if (bad && (s->errors || s->bytes.skipped))
		return "; not everything could be looked at";
	return "";
}

void darn_report_summary_text(struct darn_ctx *ctx,
			      const struct darn_summary *s)
{
	enum darn_colour colour;
	const char *line = verdict(s, &colour);
	char size[DARN_SIZE_TEXT];

	darn_text_ids(ctx);
	darn_text_coverage(ctx, s);
	darn_text_reasons(ctx);
	if (s->bytes.unverified)
		fprintf(ctx->out,
			"%s were not verified; \"darn seal\" would cover "
			"them from %s on\n",
			darn_text_size(size, s->bytes.unverified),
			ctx->unstopped || ctx->unclean ? "a clean stop"
						       : "now");
	if (s->torn)
		fprintf(ctx->out,
			"pending: %" PRIu64 " unfinished writes, which the "
			"store's own recovery handles\n",
			s->torn);
	darn_text_coloured(ctx, colour, line);
	fprintf(ctx->out, "%s\n", remainder_of(s));
}
