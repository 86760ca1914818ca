/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - "darn seal": a scan that is written down.
 *
 * Where an older seal is at hand the data are held against it first, in the
 * same pass: sealing rot as if it were good would be the end of the matter.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/keep.h"
#include "cmd/sealed.h"
#include "cmd/text.h"
#include "lib/base/mem.h"
#include "lib/state/state.h"

struct seal_opts {
	const char *manifest;
	bool live, accept_damage;
};

static const struct darn_opt table[] = {
	DARN_OPT_STR(0, "manifest", "FILE", struct seal_opts, manifest,
		     "write the seal to FILE; default: a file in the state "
		     "directory, where \"darn scan PATH\" finds it"),
	DARN_OPT_FLAG(0, "live", struct seal_opts, live,
		      "seal a store that is in use; such a seal is fuzzy and "
		      "proves nothing for a repair"),
	DARN_OPT_FLAG(0, "accept-damage", struct seal_opts, accept_damage,
		      "seal what is damaged as it is"),
	DARN_OPT_END};

/* The seal of this very path goes here: there is one PATH, so one root. */
static char *place(void *arg, const char *root, size_t i,
		   struct darn_error *err)
{
	(void)root;
	(void)i;
	return darn_strdup(arg, err);
}

static char *manifest_path(const char *path, const struct seal_opts *o,
			   struct darn_error *err)
{
	char *abs, *file = NULL;

	if (o->manifest)
		return darn_strdup(o->manifest, err);
	abs = realpath(path, NULL);
	if (!abs) {
		darn_fail(err, DARN_ENOENT, 0,
			  "there is no file or directory '%s'", path);
		return NULL;
	}
	darn_ignore(darn_state_file_for(DARN_SEALS, abs, DARN_SEAL_SUFFIX,
					&file, err));
	free(abs);
	return file;
}

/* A manifest within what it describes would be part of the next one. */
static enum darn_rc check_place(const char *file, const char *path,
				struct darn_error *err)
{
	const char *slash = strrchr(file, '/');
	char *dir =
		slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	char *at = dir ? realpath(dir, NULL) : NULL;
	char *abs = realpath(path, NULL);
	enum darn_rc rc = DARN_OK;

	if (at && abs && strcmp(abs, "/") != 0 && darn_path_below(at, abs))
		rc = darn_fail(err, DARN_EINVAL, 0,
			       "the seal '%s' would lie within what it seals "
			       "(--manifest FILE puts it elsewhere)",
			       file);
	free(dir);
	free(at);
	free(abs);
	return rc;
}

static void show_json(struct darn_ctx *ctx, const char *file, const char *root,
		      const struct darn_recorded *t, bool live)
{
	struct darn_json *j = &ctx->json_out;

	darn_json_begin(j, "seal");
	darn_json_path(j, "path", root);
	darn_json_path(j, "manifest", file);
	darn_json_bool(j, "fuzzy", live);
	darn_json_u64(j, "files", t->files);
	darn_json_u64(j, "bytes", t->bytes);
	darn_json_u64(j, "unsettled", t->unsettled);
	darn_json_u64(j, "incomplete", t->incomplete);
	darn_json_end(j);
}

static void show_text(struct darn_ctx *ctx, const char *file,
		      const struct darn_recorded *t, bool live)
{
	char size[DARN_SIZE_TEXT];

	fprintf(ctx->out, "sealed: %" PRIu64 " files, %s%s\n", t->files,
		darn_text_size(size, t->bytes),
		live ? ", fuzzy: it proves nothing for a repair" : "");
	if (t->unsettled)
		fprintf(ctx->out,
			"not settled: %" PRIu64
			" files were being written; for those the seal proves "
			"nothing\n",
			t->unsettled);
	if (t->incomplete)
		fprintf(ctx->out,
			"incomplete: %" PRIu64
			" files have bytes that could not be read\n",
			t->incomplete);
	fputs("manifest: ", ctx->out);
	darn_text_path(ctx->out, file);
	fputc('\n', ctx->out);
}

static enum darn_rc show(struct darn_ctx *ctx, const struct seal_opts *o,
			 const struct darn_keep *k, struct darn_recorder *r,
			 struct darn_error *err)
{
	struct darn_recorded t = darn_recorder_totals(r);
	const char *file = "";
	const char *root = darn_recorder_root(r, 0, &file);
	char *next;
	FILE *f;
	size_t len;

	if (ctx->json)
		show_json(ctx, file, root ? root : "", &t, o->live);
	else
		show_text(ctx, file, &t, o->live);
	f = open_memstream(&next, &len);
	if (!f)
		return darn_fail(err, DARN_ENOMEM, 0, "out of memory");
	fputs("darn scan ", f);
	if (o->manifest) {
		fputs("--manifest ", f);
		darn_text_quoted(f, o->manifest);
		fputc(' ', f);
	}
	darn_text_quoted(f, ctx->operands[0]);
	if (fclose(f) == 0)
		darn_keep_summary(ctx, k, next);
	free(next);
	return DARN_OK;
}

/* The older seal, if there is one to compare with. */
static enum darn_rc open_older(struct darn_ctx *ctx, const struct seal_opts *o,
			       struct darn_sealed *s, struct darn_error *err)
{
	*s = (struct darn_sealed){.n = 0};
	if (o->manifest && access(o->manifest, F_OK) < 0)
		return DARN_OK;
	return darn_sealed_open(ctx, o->manifest, s, err);
}

static enum darn_rc seal_with(struct darn_ctx *ctx, const struct seal_opts *o,
			      struct darn_recorder *rec,
			      struct darn_sealed *older, struct darn_error *err)
{
	struct darn_keep k = {.accept_damage = o->accept_damage,
			      .what = "seal"};
	struct darn_comparer_options compared = {.manifests = older->manifests,
						 .nmanifests = older->n,
						 .renewed = true};
	struct darn_witness *w = darn_recorder_witness(rec);
	struct darn_witness *compare = NULL, *both = NULL;
	enum darn_rc rc = DARN_OK;

	if (older->n)
		rc = darn_comparer_create(&compared, &compare, err);
	if (rc == DARN_OK && compare)
		rc = darn_witness_pair_create(compare, w, &both, err);
	if (rc == DARN_OK)
		rc = darn_keep_scan(ctx, &k, both ? both : w, err);
	if (rc == DARN_OK && darn_recorder_totals(rec).files == 0)
		rc = darn_fail(err, DARN_ENOENT, 0, "no seal: no file in '%s'",
			       ctx->operands[0]);
	if (rc == DARN_OK)
		rc = darn_recorder_commit(rec, err);
	if (rc == DARN_OK) {
		darn_sealed_show(ctx, older);
		rc = show(ctx, o, &k, rec, err);
	}
	darn_witness_pair_destroy(both);
	darn_comparer_destroy(compare);
	return rc;
}

static enum darn_rc run(struct darn_ctx *ctx, const void *opts,
			struct darn_error *err)
{
	const struct seal_opts *o = opts;
	char *file = manifest_path(ctx->operands[0], o, err);
	struct darn_recorder_options ro = {
		.place = place, .arg = file, .live = o->live};
	struct darn_recorder *rec = NULL;
	struct darn_sealed older = {.n = 0};
	enum darn_rc rc;

	if (!file)
		return err->rc ? err->rc : DARN_ENOMEM;
	rc = check_place(file, ctx->operands[0], err);
	if (rc == DARN_OK) {
		darn_ctx_begin_report(ctx);
		rc = open_older(ctx, o, &older, err);
	}
	if (rc == DARN_OK)
		rc = darn_recorder_create(&ro, &rec, err);
	if (rc == DARN_OK)
		rc = seal_with(ctx, o, rec, &older, err);
	darn_recorder_destroy(rec);
	darn_sealed_release(&older);
	free(file);
	return rc;
}

const struct darn_command darn_command_seal = {
	.name = "seal",
	.title = "records a digest of every block, so that later damage shows "
		 "in any file",
	.operands = "PATH",
	.min_operands = 1,
	.max_operands = 1,
	.uses = DARN_USES_JSON | DARN_USES_ENGINE | DARN_USES_PROGRESS,
	.opts = table,
	.opts_size = sizeof(struct seal_opts),
	.run = run,
};
