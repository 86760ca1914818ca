/* SPDX-License-Identifier: Apache-2.0 */
/* sealed.c - finds and opens the seals that belong to what is scanned. */
#include "cmd/sealed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/text.h"
#include "lib/base/mem.h"
#include "lib/state/state.h"

static enum darn_rc open_seal(struct darn_sealed *s, const char *file,
			      struct darn_error *err)
{
	struct darn_manifest *m = NULL;
	struct darn_io *io = NULL;
	char *name = NULL;
	enum darn_rc rc;

	rc = darn_grow((void **)&s->manifests, s->n, &s->cap,
		       sizeof(struct darn_manifest *), err);
	if (rc == DARN_OK)
		rc = darn_grow((void **)&s->files, s->n, &s->files_cap,
			       sizeof(*s->files), err);
	if (rc)
		return rc;
	rc = darn_io_open_posix(AT_FDCWD, file, file, false, &io, err);
	if (rc)
		return rc;
	rc = darn_manifest_open(io, &m, err);
	if (rc) {
		darn_io_close(io);
		return rc;
	}
	name = darn_strdup(file, err);
	if (!name) {
		darn_manifest_close(m);
		return DARN_ENOMEM;
	}
	s->manifests[s->n] = m;
	s->files[s->n++] = name;
	return DARN_OK;
}

static bool have(const struct darn_sealed *s, const char *file)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->files[i], file) == 0)
			return true;
	}
	return false;
}

/* The seal of the directory or file @path itself, if there is one. */
static enum darn_rc try_path(struct darn_ctx *ctx, struct darn_sealed *s,
			     const char *path, struct darn_error *err)
{
	struct darn_error cause = DARN_ERROR_INIT;
	char *file = NULL;
	enum darn_rc rc;

	rc = darn_state_file_for(DARN_SEALS, path, DARN_SEAL_SUFFIX, &file,
				 err);
	if (rc)
		return rc;
	if (!have(s, file) && access(file, F_OK) == 0) {
		rc = open_seal(s, file, &cause);
		if (rc == DARN_ENOMEM)
			rc = darn_fail(err, rc, 0, "%s", cause.msg);
		else if (rc)
			darn_ctx_error(ctx, file, cause.msg);
	}
	free(file);
	return rc == DARN_ENOMEM ? rc : DARN_OK;
}

/* @operand's seal and those of the directories above it. */
static enum darn_rc find_seals(struct darn_ctx *ctx, struct darn_sealed *s,
			       const char *operand, struct darn_error *err)
{
	char *path = realpath(operand, NULL);
	enum darn_rc rc = DARN_OK;
	char *slash;

	/* the scan says what is wrong with it */
	if (!path)
		return DARN_OK;
	while (rc == DARN_OK) {
		rc = try_path(ctx, s, path, err);
		slash = strrchr(path, '/');
		if (slash == path && !path[1])
			break;
		slash[slash == path] = '\0';
	}
	free(path);
	return rc;
}

enum darn_rc darn_sealed_open(struct darn_ctx *ctx, const char *file,
			      struct darn_sealed *s, struct darn_error *err)
{
	struct darn_comparer_options o = {.paths = ctx->operands,
					  .npaths = ctx->noperands};
	struct darn_error none = DARN_ERROR_INIT;
	enum darn_rc rc = DARN_OK;
	char *dir = NULL;

	*s = (struct darn_sealed){.n = 0};
	if (file) {
		rc = open_seal(s, file, err);
	} else if (darn_state_dir(DARN_SEALS, &dir, &none) == DARN_OK) {
		for (size_t i = 0; rc == DARN_OK && i < ctx->noperands; i++)
			rc = find_seals(ctx, s, ctx->operands[i], err);
		free(dir);
	}
	if (rc || s->n == 0)
		return rc;
	o.manifests = s->manifests;
	o.nmanifests = s->n;
	return darn_comparer_create(&o, &s->witness, err);
}

static void show_json(struct darn_json *j, const struct darn_manifest_head *h,
		      const char *file, const char *when)
{
	darn_json_begin(j, "seal");
	darn_json_path(j, "path", h->root);
	darn_json_path(j, "manifest", file);
	darn_json_str(j, "sealed", when);
	darn_json_bool(j, "fuzzy", h->fuzzy);
	darn_json_end(j);
}

static void show_text(FILE *out, const struct darn_manifest_head *h,
		      const char *file, const char *when)
{
	fputs("seal of ", out);
	darn_text_path(out, h->root);
	fprintf(out, " from %s%s: ", when,
		h->fuzzy ? ", made while in use" : "");
	darn_text_path(out, file);
	fputc('\n', out);
}

void darn_sealed_show(struct darn_ctx *ctx, const struct darn_sealed *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct darn_manifest_head *h =
			darn_manifest_head(s->manifests[i]);
		time_t t = (time_t)(h->sealed_ns / 1000000000);
		char when[32] = "";
		struct tm tm;

		if (gmtime_r(&t, &tm))
			(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ",
				       &tm);
		if (ctx->json)
			show_json(&ctx->json_out, h, s->files[i], when);
		else
			show_text(ctx->out, h, s->files[i], when);
	}
}

void darn_sealed_release(struct darn_sealed *s)
{
	darn_comparer_destroy(s->witness);
	for (size_t i = 0; i < s->n; i++) {
		darn_manifest_close(s->manifests[i]);
		free(s->files[i]);
	}
	free(s->manifests);
	free(s->files);
	*s = (struct darn_sealed){.n = 0};
}
