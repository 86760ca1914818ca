/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_create.c - "darn snapshot create": a scan that is stored. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/keep.h"
#include "cmd/snapshot.h"
#include "cmd/text.h"
#include "lib/base/mem.h"

struct create_opts {
	const char *repo;
	bool live, accept_damage;
};

static const struct darn_opt table[] = {
	DARN_OPT_STR_REQUIRED(0, "repo", "DIR", struct create_opts, repo,
			      "the repository; made where there is none"),
	DARN_OPT_FLAG(0, "live", struct create_opts, live,
		      "take a store that is in use; such a snapshot is fuzzy, "
		      "good for single units and for no proof"),
	DARN_OPT_FLAG(0, "accept-damage", struct create_opts, accept_damage,
		      "keep what is damaged as it is"),
	DARN_OPT_END};

/* Absolute, also for a directory that is to be made.  To be freed. */
static char *absolute(const char *path)
{
	char *abs = realpath(path, NULL);
	char *copy, *last, *dir, *parent;
	size_t n;

	if (abs)
		return abs;
	copy = strdup(path);
	if (!copy)
		return NULL;
	n = strlen(copy);
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	last = strrchr(copy, '/');
	dir = last ? strndup(copy, (size_t)(last - copy) + 1) : strdup(".");
	parent = dir ? realpath(dir, NULL) : NULL;
	if (parent)
		abs = darn_path_join(strcmp(parent, "/") == 0 ? "" : parent,
				     last ? last + 1 : copy, NULL);
	free(parent);
	free(dir);
	free(copy);
	return abs;
}

/* Neither may hold the other: each run would grow the next one. */
static enum darn_rc check_apart(const struct darn_ctx *ctx, const char *repo,
				struct darn_error *err)
{
	char *at = absolute(repo);
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0; rc == DARN_OK && at && i < ctx->noperands; i++) {
		char *path = realpath(ctx->operands[i], NULL);

		if (path && darn_path_below(at, path))
			rc = darn_fail(err, DARN_EINVAL, 0,
				       "the repository '%s' lies within '%s'",
				       repo, ctx->operands[i]);
		else if (path && darn_path_below(path, at))
			rc = darn_fail(err, DARN_EINVAL, 0,
				       "'%s' lies within the repository '%s'",
				       ctx->operands[i], repo);
		free(path);
	}
	free(at);
	return rc;
}

static void show_json(struct darn_ctx *ctx, const char *id, bool fuzzy,
		      const struct darn_snapshot_totals *t)
{
	struct darn_json *j = &ctx->json_out;

	darn_json_begin(j, "snapshot");
	darn_json_str(j, "id", id);
	darn_json_bool(j, "fuzzy", fuzzy);
	darn_json_u64(j, "roots", t->seen.roots);
	darn_json_u64(j, "files", t->seen.files);
	darn_json_u64(j, "bytes", t->seen.bytes);
	darn_json_u64(j, "new", t->fresh);
	darn_json_u64(j, "stored", t->stored);
	darn_json_u64(j, "reused", t->reused);
	darn_json_u64(j, "zeros", t->zeros);
	darn_json_u64(j, "rotten", t->rotten);
	darn_json_u64(j, "unsettled", t->seen.unsettled);
	darn_json_u64(j, "incomplete", t->seen.incomplete);
	darn_json_end(j);
}

static void show_text(struct darn_ctx *ctx, const char *id, bool fuzzy,
		      const struct darn_snapshot_totals *t)
{
	char a[DARN_SIZE_TEXT], b[DARN_SIZE_TEXT], c[DARN_SIZE_TEXT];
	char d[DARN_SIZE_TEXT], e[DARN_SIZE_TEXT];

	fprintf(ctx->out, "snapshot: %.12s, %" PRIu64 " files, %s%s\n", id,
		t->seen.files, darn_text_size(a, t->seen.bytes),
		fuzzy ? ", fuzzy" : "");
	fprintf(ctx->out, "stored: %s for %s of new data",
		darn_text_size(b, t->stored), darn_text_size(c, t->fresh));
	if (t->stored)
		fprintf(ctx->out, " (%.1f : 1)",
			(double)t->fresh / (double)t->stored);
	fprintf(ctx->out, ", %s was there already, %s is zeros\n",
		darn_text_size(d, t->reused), darn_text_size(e, t->zeros));
	if (t->rotten)
		fprintf(ctx->out,
			"mended: %" PRIu64
			" frames of the repository were rotten and have been "
			"stored again\n",
			t->rotten);
	if (t->seen.unsettled)
		fprintf(ctx->out,
			"not settled: %" PRIu64 " files were being written\n",
			t->seen.unsettled);
	if (t->seen.incomplete)
		fprintf(ctx->out,
			"incomplete: %" PRIu64
			" files have bytes that could not be read\n",
			t->seen.incomplete);
}

static enum darn_rc show(struct darn_ctx *ctx, const struct create_opts *o,
			 const struct darn_keep *k, const char *id,
			 const struct darn_snapshot_totals *t,
			 struct darn_error *err)
{
	char *next;
	size_t len;
	FILE *f = open_memstream(&next, &len);

	if (!f)
		return darn_fail(err, DARN_ENOMEM, 0, "out of memory");
	fputs("darn snapshot verify --repo ", f);
	darn_text_quoted(f, o->repo);
	if (ctx->json)
		show_json(ctx, id, o->live, t);
	else
		show_text(ctx, id, o->live, t);
	if (fclose(f) == 0)
		darn_keep_summary(ctx, k, next);
	free(next);
	return DARN_OK;
}

static enum darn_rc create(struct darn_ctx *ctx, const void *opts,
			   struct darn_error *err)
{
	const struct create_opts *o = opts;
	struct darn_keep k = {.accept_damage = o->accept_damage,
			      .what = "snapshot"};
	struct darn_snapshot_totals t;
	struct darn_snapshotter *s = NULL;
	enum darn_rc rc = check_apart(ctx, o->repo, err);
	char id[33];

	if (rc)
		return rc;
	darn_ctx_begin_report(ctx);
	rc = darn_snapshot_begin(o->repo, o->live, &s, err);
	if (rc)
		return rc;
	rc = darn_keep_scan(ctx, &k, darn_snapshot_witness(s), err);
	t = darn_snapshot_totals(s);
	if (rc == DARN_OK && t.seen.files == 0)
		rc = darn_fail(err, DARN_ENOENT, 0, "no snapshot: no file");
	if (rc == DARN_OK)
		rc = darn_snapshot_commit(s, id, err);
	t = darn_snapshot_totals(s);
	darn_snapshot_end(s);
	return rc ? rc : show(ctx, o, &k, id, &t, err);
}

const struct darn_command darn_snapshot_create_command = {
	.name = "create",
	.title = "stores every PATH as a new snapshot",
	.operands = "PATH...",
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.uses = DARN_USES_JSON | DARN_USES_ENGINE | DARN_USES_GLOBS |
		DARN_USES_PROGRESS,
	.opts = table,
	.opts_size = sizeof(struct create_opts),
	.run = create,
};
