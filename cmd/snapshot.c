/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - "darn snapshot": the subcommands that only look. */
#include "cmd/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/keep.h"
#include "cmd/text.h"
#include "lib/base/mem.h"

void darn_snapshot_finding(struct darn_ctx *ctx,
			   const struct darn_repo_finding *f,
			   const char *prefix)
{
	char *path = darn_path_join(prefix, f->path, NULL);
	struct darn_json *j = &ctx->json_out;
	struct darn_record r = {
		.kind = DARN_REC_FINDING,
		.path = path ? path : f->path,
		.root = prefix,
		.store = "repo",
		.format = "",
		.id = f->code->id,
		.severity = f->code->severity,
		.off = f->off,
		.len = f->len,
		.unit = UINT64_MAX,
		.detail = "{}",
		.message = f->message[0] ? f->message : f->code->text,
	};

	if (f->code->severity == DARN_INFO && !ctx->verbose) {
		free(path);
		return;
	}
	if (ctx->json) {
		darn_json_begin(j, "finding");
		darn_json_path(j, "path", r.path);
		darn_json_u64(j, "offset", r.off);
		darn_json_u64(j, "length", r.len);
		darn_json_str(j, "severity", darn_severity_name(r.severity));
		darn_json_str(j, "id", r.id);
		darn_json_str(j, "store", r.store);
		darn_json_str(j, "format", r.format);
		darn_json_raw(j, "detail", r.detail);
		darn_json_str(j, "message", r.message);
		darn_json_end(j);
	} else {
		darn_text_finding(ctx, &r);
		if (f->message[0]) {
			fputs("    ", ctx->out);
			darn_text_path(ctx->out, f->message);
			fputc('\n', ctx->out);
		}
	}
	free(path);
}

enum darn_rc darn_snapshot_jobs(struct darn_ctx *ctx, unsigned *jobs,
				struct darn_error *err)
{
	struct darn_scan_options o;
	enum darn_rc rc = darn_ctx_engine(ctx, &o, err);

	if (rc == DARN_OK)
		*jobs = o.jobs;
	return rc;
}

void darn_snapshot_json(struct darn_ctx *ctx,
			const struct darn_snapshot_info *s)
{
	struct darn_json *j = &ctx->json_out;
	char when[32];

	darn_keep_time(when, s->made_ns);
	darn_json_begin(j, "snapshot");
	darn_json_str(j, "id", s->id);
	darn_json_str(j, "made", when);
	darn_json_bool(j, "fuzzy", s->fuzzy);
	darn_json_u64(j, "roots", s->nroots);
	darn_json_u64(j, "files", s->files);
	darn_json_u64(j, "bytes", s->bytes);
	darn_json_u64(j, "stored", s->stored);
	darn_json_end(j);
}

struct look_opts {
	const char *repo;
};

static const struct darn_opt table[] = {
	DARN_OPT_STR_REQUIRED(0, "repo", "DIR", struct look_opts, repo,
			      "the repository"),
	DARN_OPT_END};

static void show_line(struct darn_ctx *ctx, const struct darn_repo *r, size_t i)
{
	const struct darn_snapshot_info *s = darn_repo_info(r, i);
	char when[32], size[DARN_SIZE_TEXT], stored[DARN_SIZE_TEXT];

	darn_keep_time(when, s->made_ns);
	fprintf(ctx->out, "%.12s  %s  %" PRIu64 " files  %s  stored %s%s ",
		s->id, when, s->files, darn_text_size(size, s->bytes),
		darn_text_size(stored, s->stored), s->fuzzy ? "  fuzzy" : "");
	for (size_t k = 0; darn_repo_root(r, i, k); k++) {
		fputc(' ', ctx->out);
		darn_text_path(ctx->out, darn_repo_root(r, i, k));
	}
	fputc('\n', ctx->out);
}

/* A snapshot that cannot be read is part of the work not done. */
static void show_trouble(struct darn_ctx *ctx, const struct darn_repo *r)
{
	if (darn_repo_trouble(r)[0])
		darn_ctx_error(ctx, NULL, darn_repo_trouble(r));
}

static enum darn_rc list(struct darn_ctx *ctx, const void *opts,
			 struct darn_error *err)
{
	const struct look_opts *o = opts;
	struct darn_repo *r;
	enum darn_rc rc = darn_repo_open(o->repo, &r, err);

	if (rc)
		return rc;
	darn_ctx_begin_report(ctx);
	for (size_t i = 0; i < darn_repo_count(r); i++) {
		if (ctx->json)
			darn_snapshot_json(ctx, darn_repo_info(r, i));
		else
			show_line(ctx, r, i);
	}
	show_trouble(ctx, r);
	darn_repo_close(r);
	return DARN_OK;
}

static const char *type_name(const struct darn_sealed_entry *e)
{
	static const char *const names[] = {[DARN_FT_FILE] = "file",
					    [DARN_FT_DIR] = "directory",
					    [DARN_FT_LINK] = "link",
					    [DARN_FT_OTHER] = "other"};

	return names[e->st.type];
}

static void entry_json(struct darn_ctx *ctx, const char *path,
		       const struct darn_sealed_entry *e)
{
	struct darn_json *j = &ctx->json_out;
	char when[32], mode[16];

	darn_keep_time(when, e->st.mtime_ns);
	(void)snprintf(mode, sizeof(mode), "%04o", e->st.mode);
	darn_json_begin(j, "entry");
	darn_json_path(j, "path", path);
	darn_json_str(j, "kind", type_name(e));
	darn_json_u64(j, "bytes", e->st.type == DARN_FT_FILE ? e->st.size : 0);
	darn_json_str(j, "mode", mode);
	darn_json_u64(j, "uid", e->st.uid);
	darn_json_u64(j, "gid", e->st.gid);
	darn_json_str(j, "modified", when);
	if (e->link)
		darn_json_path(j, "link", e->link);
	darn_json_end(j);
}

static void entry_text(struct darn_ctx *ctx, const char *path,
		       const struct darn_sealed_entry *e)
{
	char when[32];

	darn_keep_time(when, e->st.mtime_ns);
	fprintf(ctx->out,
		"%-9s %04o %5" PRIu32 ":%-5" PRIu32 " %12" PRIu64 " %s ",
		type_name(e), e->st.mode, e->st.uid, e->st.gid,
		e->st.type == DARN_FT_FILE ? e->st.size : 0, when);
	darn_text_path(ctx->out, path);
	if (e->link) {
		fputs(" -> ", ctx->out);
		darn_text_path(ctx->out, e->link);
	}
	fputc('\n', ctx->out);
}

static enum darn_rc show_root(struct darn_ctx *ctx, struct darn_repo *r,
			      size_t n, size_t i, struct darn_error *err)
{
	const char *root = darn_repo_root(r, n, i);
	struct darn_manifest *m;
	enum darn_rc rc = darn_repo_open_root(r, n, i, NULL, &m, err);

	if (rc)
		return rc;
	for (uint64_t k = 0; rc == DARN_OK && k < darn_manifest_entries(m);
	     k++) {
		struct darn_sealed_entry e;
		char *path = NULL;

		rc = darn_manifest_get(m, k, &e, err);
		if (rc)
			break;
		path = e.path[0] ? darn_path_join(root, e.path, err)
				 : darn_strdup(root, err);
		if (!path)
			rc = DARN_ENOMEM;
		else if (ctx->json)
			entry_json(ctx, path, &e);
		else
			entry_text(ctx, path, &e);
		free(path);
		darn_sealed_entry_release(&e);
	}
	darn_manifest_close(m);
	return rc;
}

static enum darn_rc show(struct darn_ctx *ctx, const void *opts,
			 struct darn_error *err)
{
	const struct look_opts *o = opts;
	struct darn_repo *r;
	size_t n = 0;
	enum darn_rc rc = darn_repo_open(o->repo, &r, err);

	if (rc)
		return rc;
	darn_ctx_begin_report(ctx);
	rc = darn_repo_lookup(r, ctx->operands[0], &n, err);
	if (rc == DARN_OK && ctx->json)
		darn_snapshot_json(ctx, darn_repo_info(r, n));
	else if (rc == DARN_OK)
		show_line(ctx, r, n);
	for (size_t i = 0; rc == DARN_OK && darn_repo_root(r, n, i); i++)
		rc = show_root(ctx, r, n, i, err);
	darn_repo_close(r);
	return rc;
}

const struct darn_command darn_snapshot_list_command = {
	.name = "list",
	.title = "lists the snapshots of a repository, oldest first",
	.operands = "",
	.uses = DARN_USES_JSON,
	.opts = table,
	.opts_size = sizeof(struct look_opts),
	.run = list,
};

const struct darn_command darn_snapshot_show_command = {
	.name = "show",
	.title = "lists what is in a snapshot",
	.operands = "ID",
	.min_operands = 1,
	.max_operands = 1,
	.uses = DARN_USES_JSON,
	.opts = table,
	.opts_size = sizeof(struct look_opts),
	.run = show,
};

static const struct darn_command *const subs[] = {
	&darn_snapshot_create_command,	&darn_snapshot_list_command,
	&darn_snapshot_show_command,	&darn_snapshot_verify_command,
	&darn_snapshot_restore_command, NULL};

const struct darn_command darn_command_snapshot = {
	.name = "snapshot",
	.title = "keeps deduplicated, compressed copies to repair from",
	.subs = subs,
};
