/* SPDX-License-Identifier: Apache-2.0 */
/* ctx.c - what all commands share: options, messages, the engine's options. */
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/progress.h"
#include "cmd/text.h"
#include "lib/base/mem.h"
#include "lib/state/state.h"
#include "scanners/registry.h"

static const struct darn_opt json_opts[] = {
	DARN_OPT_FLAG(0, "json", struct darn_ctx, json,
		      "report as JSON Lines, darn-report(5)"),
	DARN_OPT_FLAG(0, "reproducible", struct darn_ctx, reproducible,
		      "leave out times and rates"),
	DARN_OPT_END};

static const struct darn_opt engine_opts[] = {
	DARN_OPT_UINT('j', "jobs", "N", struct darn_ctx, jobs,
		      "checking workers; default: twice the processors; 0: no "
		      "threads"),
	DARN_OPT_UINT(0, "io-depth", "N", struct darn_ctx, io_depth,
		      "reads in flight per device; default: by the device"),
	DARN_OPT_FLAG(0, "direct", struct darn_ctx, direct,
		      "read past the page cache"),
	DARN_OPT_END};

static const struct darn_opt glob_opts[] = {
	DARN_OPT_LIST(0, "include", "GLOB", struct darn_ctx, include,
		      "only files whose name or relative path matches"),
	DARN_OPT_LIST(0, "exclude", "GLOB", struct darn_ctx, exclude,
		      "not these files"),
	DARN_OPT_END};

static const struct darn_opt progress_opts[] = {
	DARN_OPT_CHOICE(0, "progress", "auto|bar|line|json|none",
			struct darn_ctx, progress_mode,
			"how progress is shown on standard error"),
	DARN_OPT_END};

static const struct darn_opt base_opts[] = {
	DARN_OPT_COUNT('q', "quiet", struct darn_ctx, quiet, "say less"),
	DARN_OPT_COUNT('v', "verbose", struct darn_ctx, verbose, "say more"),
	{DARN_OPT_(DARN_KIND_FLAG, bool, 'h', "help", NULL, struct darn_ctx,
		   help, "print this help"),
	 .unlisted = true},
	{DARN_OPT_(DARN_KIND_FLAG, bool, 'V', "version", NULL, struct darn_ctx,
		   version, "print the version"),
	 .unlisted = true},
	DARN_OPT_END};

size_t darn_ctx_groups(struct darn_ctx *ctx, const struct darn_command *c,
		       void *opts, struct darn_opt_group *out)
{
	size_t n = 0;

	out[n++] = (struct darn_opt_group){c->opts, opts};
	if (c->uses & DARN_USES_JSON)
		out[n++] = (struct darn_opt_group){json_opts, ctx};
	if (c->uses & DARN_USES_ENGINE)
		out[n++] = (struct darn_opt_group){engine_opts, ctx};
	if (c->uses & DARN_USES_GLOBS)
		out[n++] = (struct darn_opt_group){glob_opts, ctx};
	if (c->uses & DARN_USES_PROGRESS)
		out[n++] = (struct darn_opt_group){progress_opts, ctx};
	out[n++] = (struct darn_opt_group){base_opts, ctx};
	return n;
}

void darn_ctx_release(struct darn_ctx *ctx)
{
	darn_strings_release(&ctx->operand_list);
	free(ctx->spill_dir);
}

static void roots_json(struct darn_ctx *ctx)
{
	struct darn_json *j = &ctx->json_out;
	bool utf8 = true;

	darn_json_array(j, "roots");
	for (size_t i = 0; i < ctx->noperands; i++) {
		const char *root = ctx->operands[i];

		darn_json_str(j, NULL, root);
		utf8 = utf8 && darn_utf8_valid(root, strlen(root));
	}
	darn_json_close(j);
	if (utf8)
		return;
	darn_json_array(j, "roots_b64");
	for (size_t i = 0; i < ctx->noperands; i++)
		darn_json_base64(j, NULL, ctx->operands[i],
				 strlen(ctx->operands[i]));
	darn_json_close(j);
}

void darn_ctx_begin_report(struct darn_ctx *ctx)
{
	struct darn_json *j = &ctx->json_out;
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	ctx->report_begun = true;
	if (!ctx->json)
		return;
	darn_json_begin(j, "header");
	darn_json_str(j, "format", "darn-report");
	darn_json_u64(j, "version", 1);
	darn_json_str(j, "darn", DARN_VERSION);
	darn_json_str(j, "command", ctx->name);
	roots_json(ctx);
	if (!ctx->reproducible && gmtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		darn_json_str(j, "started", text);
	darn_json_end(j);
}

void darn_ctx_error(struct darn_ctx *ctx, const char *path, const char *message)
{
	ctx->exit |= DARN_EXIT_INCOMPLETE;
	if (ctx->json && ctx->report_begun) {
		darn_json_begin(&ctx->json_out, "error");
		if (path)
			darn_json_path(&ctx->json_out, "path", path);
		darn_json_str(&ctx->json_out, "message", message);
		darn_json_end(&ctx->json_out);
		return;
	}
	darn_progress_clear(ctx);
	fputs("darn: ", stderr);
	if (path && *path) {
		darn_text_path(stderr, path);
		fputs(": ", stderr);
	}
	darn_text_path(stderr, message);
	fputc('\n', stderr);
}

static void say(struct darn_ctx *ctx, const char *lead, const char *fmt,
		va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	darn_progress_clear(ctx);
	fputs(lead, stderr);
	darn_text_path(stderr, text);
	fputc('\n', stderr);
}

void darn_ctx_warn(struct darn_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ctx, "darn: warning: ", fmt, ap);
	va_end(ap);
}

void darn_ctx_note(struct darn_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (ctx->quiet)
		return;
	va_start(ap, fmt);
	say(ctx, "darn: ", fmt, ap);
	va_end(ap);
}

enum darn_reply darn_ctx_ask(struct darn_ctx *ctx, const char *question)
{
	char line[32];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return DARN_REPLY_NO_TERMINAL;
	/* what the question is about must be on the screen first */
	(void)fflush(ctx->out);
	darn_progress_clear(ctx);
	fprintf(stderr, "%s [y/N] ", question);
	if (!fgets(line, sizeof(line), stdin))
		return DARN_REPLY_NO;
	line[strcspn(line, "\n")] = '\0';
	if (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0)
		return DARN_REPLY_YES;
	return DARN_REPLY_NO;
}

enum darn_rc darn_ctx_engine(struct darn_ctx *ctx,
			     struct darn_scan_options *out,
			     struct darn_error *err)
{
	struct darn_error ignored = DARN_ERROR_INIT;

	if (ctx->jobs != UINT_MAX && ctx->jobs > DARN_MAX_JOBS)
		return darn_fail(err, DARN_EINVAL, 0, "--jobs: at most %d",
				 DARN_MAX_JOBS);
	if (ctx->io_depth > DARN_MAX_JOBS)
		return darn_fail(err, DARN_EINVAL, 0, "--io-depth: at most %d",
				 DARN_MAX_JOBS);
	/* without such a place large reports fail, small ones do not */
	if (!ctx->spill_dir &&
	    darn_state_dir("spill", &ctx->spill_dir, &ignored) != DARN_OK)
		ctx->spill_dir = NULL;
	*out = (struct darn_scan_options){
		.stores = darn_stores,
		.jobs = ctx->jobs == UINT_MAX ? 2 * darn_pool_cpus()
					      : ctx->jobs,
		.io_depth = ctx->io_depth,
		.direct = ctx->direct,
		.include = ctx->include.items,
		.exclude = ctx->exclude.items,
		.spill_dir = ctx->spill_dir,
		.progress = &ctx->progress,
	};
	return DARN_OK;
}
