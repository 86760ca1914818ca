/* SPDX-License-Identifier: Apache-2.0 */
/* undo.c - "darn undo": puts back what a repair overwrote. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report.h"
#include "cmd/text.h"
#include "repair/repair.h"
#include "scanners/registry.h"

struct undo_opts {
	bool dry_run, yes, assume_stopped;
};

static const struct darn_opt table[] = {
	DARN_OPT_FLAG('n', "dry-run", struct undo_opts, dry_run,
		      "verify the journal and what it speaks of, write "
		      "nothing"),
	DARN_OPT_FLAG('y', "yes", struct undo_opts, yes, "do not ask"),
	DARN_OPT_FLAG(0, "assume-stopped", struct undo_opts, assume_stopped,
		      "I vouch that the store is not in use, where that "
		      "cannot be seen"),
	DARN_OPT_END};

/* The next command to type, to be freed; NULL without memory. */
static char *next_command(const struct darn_ctx *ctx,
			  const struct darn_undo_result *r, bool written)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (written || r->was_undone) {
		fputs("darn scan ", f);
		darn_text_quoted(f, r->root);
	} else {
		fputs("darn undo --yes ", f);
		darn_text_quoted(f, ctx->operands[0]);
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void show(struct darn_ctx *ctx, const struct darn_undo_result *r,
		 bool written)
{
	const struct darn_summary nothing = {.exit = 0};
	struct darn_json *j = &ctx->json_out;
	char *next = next_command(ctx, r, written);

	if (ctx->json) {
		darn_json_begin(j, "undo");
		darn_json_path(j, "path", r->root);
		darn_json_u64(j, "units", r->units);
		darn_json_u64(j, "files", r->files);
		darn_json_u64(j, "directories", r->dirs);
		darn_json_u64(j, "put_back", r->put_back);
		darn_json_u64(j, "removed", r->removed);
		darn_json_bool(j, "done", written || r->was_undone);
		darn_json_end(j);
		darn_json_begin(j, "summary");
		darn_json_u64(j, "exit", ctx->exit);
		darn_report_summary_json(ctx, &nothing);
		darn_json_str(j, "next", next ? next : "");
		darn_json_end(j);
		free(next);
		return;
	}
	if (r->was_undone)
		fputs("this repair was undone before: nothing to do\n",
		      ctx->out);
	else if (written)
		fprintf(ctx->out,
			"put back: %" PRIu64 " units; removed: %" PRIu64
			" files and directories\n",
			r->put_back, r->removed);
	else
		fprintf(ctx->out,
			"to put back: %" PRIu64 " units; to remove: %" PRIu64
			" files and directories; all are as the repair left "
			"them or as they were before\n",
			r->units, r->files + r->dirs);
	fprintf(ctx->out, "next: %s\n", next ? next : "");
	free(next);
}

static enum darn_rc run(struct darn_ctx *ctx, const void *opts,
			struct darn_error *err)
{
	const struct undo_opts *o = opts;
	struct darn_undo_options u = {
		.stores = darn_stores,
		.assume_stopped = o->assume_stopped,
		.dry_run = true,
	};
	struct darn_undo_result r;
	enum darn_reply a = DARN_REPLY_YES;
	enum darn_rc rc;

	darn_ctx_begin_report(ctx);
	/* everything is looked at before anybody is asked */
	rc = darn_undo(ctx->operands[0], &u, &r, err);
	if (rc)
		return rc;
	if (o->dry_run || r.was_undone) {
		show(ctx, &r, false);
		return DARN_OK;
	}
	if (!o->yes)
		a = darn_ctx_ask(ctx, "Put back what the repair overwrote?");
	if (a == DARN_REPLY_NO_TERMINAL)
		darn_ctx_note(ctx, "nothing is written without --yes");
	u.dry_run = a != DARN_REPLY_YES;
	if (u.dry_run)
		ctx->exit |= DARN_EXIT_DAMAGED;
	else
		rc = darn_undo(ctx->operands[0], &u, &r, err);
	if (!rc)
		show(ctx, &r, !u.dry_run);
	return rc;
}

const struct darn_command darn_command_undo = {
	.name = "undo",
	.title = "puts back what a repair overwrote",
	.operands = "JOURNAL",
	.min_operands = 1,
	.max_operands = 1,
	.uses = DARN_USES_JSON,
	.opts = table,
	.opts_size = sizeof(struct undo_opts),
	.run = run,
};
