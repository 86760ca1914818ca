/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_read.c - "darn snapshot verify" and "restore". */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/progress.h"
#include "cmd/snapshot.h"
#include "cmd/text.h"

/* What the findings of a run have come to. */
struct seen {
	struct darn_ctx *ctx;
	const char *prefix; /* before the paths of findings */
	uint64_t damaged, suspicious, info;
};

static enum darn_rc found(void *arg, const struct darn_repo_finding *f,
			  struct darn_error *err)
{
	struct seen *s = arg;

	(void)err;
	if (f->code->severity >= DARN_DAMAGED) {
		s->damaged++;
		s->ctx->exit |= DARN_EXIT_DAMAGED;
	} else if (f->code->severity == DARN_SUSPICIOUS) {
		s->suspicious++;
		s->ctx->exit |= DARN_EXIT_SUSPICIOUS;
	} else {
		s->info++;
	}
	darn_progress_clear(s->ctx);
	darn_snapshot_finding(s->ctx, f, f->path[0] == '/' ? "" : s->prefix);
	return DARN_OK;
}

/* "next: @command @path", as every summary of ours ends. */
static void show_next(struct darn_ctx *ctx, const char *command,
		      const char *path)
{
	fprintf(ctx->out, "next: %s ", command);
	darn_text_quoted(ctx->out, path);
	fputc('\n', ctx->out);
}

static void begin_summary(struct darn_ctx *ctx, const struct seen *s)
{
	darn_json_begin(&ctx->json_out, "summary");
	darn_json_u64(&ctx->json_out, "exit", ctx->exit);
	darn_json_u64(&ctx->json_out, "findings", s->damaged + s->suspicious);
	darn_json_u64(&ctx->json_out, "info", s->info);
	darn_json_u64(&ctx->json_out, "suspicious", s->suspicious);
	darn_json_u64(&ctx->json_out, "damaged", s->damaged);
}

/* ---- verify ---- */

struct verify_opts {
	const char *repo;
};

static const struct darn_opt verify_table[] = {
	DARN_OPT_STR_REQUIRED(0, "repo", "DIR", struct verify_opts, repo,
			      "the repository"),
	DARN_OPT_END};

static void show_verified(struct darn_ctx *ctx, const struct seen *s,
			  const struct darn_verify_totals *t)
{
	char size[DARN_SIZE_TEXT];

	if (ctx->json) {
		begin_summary(ctx, s);
		darn_json_u64(&ctx->json_out, "packs", t->packs);
		darn_json_u64(&ctx->json_out, "frames", t->frames);
		darn_json_u64(&ctx->json_out, "read", t->bytes);
		darn_json_u64(&ctx->json_out, "snapshots", t->snapshots);
		darn_json_u64(&ctx->json_out, "files", t->files);
		darn_json_end(&ctx->json_out);
		return;
	}
	fprintf(ctx->out,
		"verified: %" PRIu64 " frames, %s; %" PRIu64
		" snapshots, %" PRIu64 " files\n",
		t->frames, darn_text_size(size, t->bytes), t->snapshots,
		t->files);
	if (s->damaged)
		fprintf(ctx->out,
			"damaged: %" PRIu64 " findings; \"darn snapshot "
			"create\" stores again what the data still have\n",
			s->damaged);
	else
		fputs("everything that the snapshots need is there and matches "
		      "its digest\n",
		      ctx->out);
	show_next(ctx,
		  s->damaged ? "darn snapshot create PATH... --repo"
			     : "darn snapshot list --repo",
		  s->prefix);
}

static enum darn_rc verify(struct darn_ctx *ctx, const void *opts,
			   struct darn_error *err)
{
	const struct verify_opts *o = opts;
	struct seen s = {.ctx = ctx, .prefix = o->repo};
	struct darn_verify_options v = {
		.fn = found, .arg = &s, .progress = &ctx->progress};
	struct darn_verify_totals t;
	struct darn_repo *r;
	size_t n = 0;
	enum darn_rc rc = darn_snapshot_jobs(ctx, &v.jobs, err);

	if (rc == DARN_OK)
		rc = darn_repo_open(o->repo, &r, err);
	if (rc)
		return rc;
	darn_ctx_begin_report(ctx);
	if (ctx->noperands)
		rc = darn_repo_lookup(r, ctx->operands[0], &n, err);
	if (rc == DARN_OK && ctx->noperands)
		v.snapshot = darn_repo_info(r, n)->id;
	if (rc == DARN_OK)
		rc = darn_progress_begin(ctx, "verify", err);
	if (rc == DARN_OK)
		rc = darn_repo_verify(r, &v, &t, err);
	darn_progress_end(ctx);
	if (rc == DARN_OK)
		show_verified(ctx, &s, &t);
	darn_repo_close(r);
	return rc;
}

const struct darn_command darn_snapshot_verify_command = {
	.name = "verify",
	.title = "reads all stored data and checks every digest",
	.operands = "[ID]",
	.max_operands = 1,
	.uses = DARN_USES_JSON | DARN_USES_ENGINE | DARN_USES_PROGRESS,
	.opts = verify_table,
	.opts_size = sizeof(struct verify_opts),
	.run = verify,
};

/* ---- restore ---- */

struct restore_opts {
	const char *repo, *path, *to;
	bool force;
};

static const struct darn_opt restore_table[] = {
	DARN_OPT_STR_REQUIRED(0, "repo", "DIR", struct restore_opts, repo,
			      "the repository"),
	DARN_OPT_STR(0, "path", "PATH", struct restore_opts, path,
		     "only this file or directory of the snapshot"),
	DARN_OPT_STR_REQUIRED(0, "to", "TARGET", struct restore_opts, to,
			      "the directory to write to; made where there is "
			      "none"),
	DARN_OPT_FLAG(0, "force", struct restore_opts, force,
		      "TARGET may hold something; files are replaced"),
	DARN_OPT_END};

static void restored_json(struct darn_ctx *ctx, const struct seen *s,
			  const struct darn_restore_totals *t)
{
	struct darn_json *j = &ctx->json_out;

	begin_summary(ctx, s);
	darn_json_u64(j, "files", t->files);
	darn_json_u64(j, "restored", t->bytes - t->lost);
	darn_json_u64(j, "lost", t->lost);
	darn_json_u64(j, "links", t->links);
	darn_json_end(j);
}

static void restored_text(struct darn_ctx *ctx, const char *to,
			  const struct darn_restore_totals *t)
{
	char size[DARN_SIZE_TEXT];

	fprintf(ctx->out, "restored: %" PRIu64 " files, %s, to ", t->files,
		darn_text_size(size, t->bytes - t->lost));
	darn_text_path(ctx->out, to);
	fputc('\n', ctx->out);
	if (t->lost)
		fprintf(ctx->out, "lost: %s, zeros in their place\n",
			darn_text_size(size, t->lost));
	if (t->links)
		fprintf(ctx->out,
			"links: %" PRIu64
			" directories were links to places elsewhere; what "
			"they led to stands in their place\n",
			t->links);
	if (t->owners)
		fprintf(ctx->out,
			"owners: %" PRIu64
			" could not be given back; only root may\n",
			t->owners);
	show_next(ctx, "darn scan", to);
}

static enum darn_rc restore(struct darn_ctx *ctx, const void *opts,
			    struct darn_error *err)
{
	const struct restore_opts *o = opts;
	struct seen s = {.ctx = ctx, .prefix = o->to};
	struct darn_restore_options x = {
		.path = o->path,
		.to = o->to,
		.force = o->force,
		.fn = found,
		.arg = &s,
		.progress = &ctx->progress,
	};
	struct darn_restore_totals t;
	struct darn_repo *r;
	enum darn_rc rc = darn_snapshot_jobs(ctx, &x.jobs, err);

	if (rc == DARN_OK)
		rc = darn_repo_open(o->repo, &r, err);
	if (rc)
		return rc;
	darn_ctx_begin_report(ctx);
	rc = darn_repo_lookup(r, ctx->operands[0], &x.snapshot, err);
	if (rc == DARN_OK)
		rc = darn_progress_begin(ctx, "restore", err);
	if (rc == DARN_OK)
		rc = darn_repo_restore(r, &x, &t, err);
	darn_progress_end(ctx);
	if (rc == DARN_OK && ctx->json)
		restored_json(ctx, &s, &t);
	else if (rc == DARN_OK)
		restored_text(ctx, o->to, &t);
	darn_repo_close(r);
	return rc;
}

const struct darn_command darn_snapshot_restore_command = {
	.name = "restore",
	.title = "writes a snapshot, or a part of it, to another place",
	.operands = "ID",
	.min_operands = 1,
	.max_operands = 1,
	.uses = DARN_USES_JSON | DARN_USES_ENGINE | DARN_USES_PROGRESS,
	.opts = restore_table,
	.opts_size = sizeof(struct restore_opts),
	.notes = "ID is an id, the beginning of one, or \"latest\".",
	.run = restore,
};
