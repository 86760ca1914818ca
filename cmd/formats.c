/* SPDX-License-Identifier: Apache-2.0 */
/* formats.c - "darn formats": what is recognised, covered, and not seen. */
#include <limits.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/kinds.h"
#include "cmd/text.h"

static const char *hint_name(enum darn_hint h)
{
	static const char *const names[] = {
		[DARN_HINT_NONE] = "none",
		[DARN_HINT_RESTORE] = "restore",
		[DARN_HINT_RESTORE_FILE] = "restore-file",
		[DARN_HINT_REBUILD] = "rebuild",
	};

	return names[h];
}

static void codes_json(struct darn_json *j, const struct darn_code *codes,
		       size_t n)
{
	darn_json_array(j, "findings");
	for (size_t i = 0; i < n; i++) {
		darn_json_object(j, NULL);
		darn_json_str(j, "id", codes[i].id);
		darn_json_str(j, "severity",
			      darn_severity_name(codes[i].severity));
		darn_json_str(j, "hint", hint_name(codes[i].hint));
		darn_json_str(j, "message", codes[i].text);
		darn_json_close(j);
	}
	darn_json_close(j);
}

static void format_json(struct darn_json *j, const struct darn_kind *k,
			const struct darn_format *f)
{
	darn_json_begin(j, "format");
	darn_json_str(j, "store", k->name);
	darn_json_str(j, "format", f->name);
	darn_json_str(j, "title", f->title);
	darn_json_u64(j, "unit", f->unit);
	darn_json_str(j, "covers", f->covers ? f->covers : "");
	darn_json_str(j, "blind", f->blind ? f->blind : "");
	codes_json(j, f->codes, f->ncodes);
	darn_json_end(j);
}

static void kind_json(struct darn_json *j, const struct darn_kind *k)
{
	darn_json_begin(j, "kind");
	darn_json_str(j, "store", k->name);
	darn_json_str(j, "title", k->title);
	codes_json(j, k->codes, k->ncodes);
	darn_json_end(j);
	for (size_t i = 0; k->formats[i]; i++)
		format_json(j, k, k->formats[i]);
}

static void codes_text(FILE *out, const struct darn_code *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "    %s (%s): %s\n", codes[i].id,
			darn_severity_name(codes[i].severity), codes[i].text);
}

static void format_text(struct darn_ctx *ctx, const struct darn_kind *k,
			const struct darn_format *f)
{
	char size[DARN_SIZE_TEXT];

	fprintf(ctx->out, "  %s/%s: %s, unit %s\n", k->name, f->name, f->title,
		f->unit ? darn_text_size(size, f->unit) : "the whole file");
	if (f->covers)
		fprintf(ctx->out, "    covers: %s\n", f->covers);
	if (f->blind)
		fprintf(ctx->out, "    cannot see: %s\n", f->blind);
	codes_text(ctx->out, f->codes, f->ncodes);
}

static void kind_text(struct darn_ctx *ctx, const struct darn_kind *k)
{
	darn_text_coloured(ctx, DARN_COLOUR_BOLD, k->name);
	fprintf(ctx->out, ": %s\n", k->title);
	codes_text(ctx->out, k->codes, k->ncodes);
	for (size_t i = 0; k->formats[i]; i++)
		format_text(ctx, k, k->formats[i]);
}

static bool named(const struct darn_ctx *ctx, const char *store)
{
	for (size_t i = 0; i < ctx->noperands; i++) {
		if (strcmp(ctx->operands[i], store) == 0)
			return true;
	}
	return ctx->noperands == 0;
}

static bool known(const char *name)
{
	struct darn_kind k;

	for (size_t i = 0; darn_kind_get(i, &k); i++) {
		if (strcmp(k.name, name) == 0)
			return true;
	}
	return false;
}

static enum darn_rc run(struct darn_ctx *ctx, const void *opts,
			struct darn_error *err)
{
	struct darn_kind k;

	(void)opts;
	for (size_t i = 0; i < ctx->noperands; i++) {
		if (!known(ctx->operands[i]))
			return darn_fail(err, DARN_EINVAL, 0,
					 "unknown store '%s'",
					 ctx->operands[i]);
	}
	darn_ctx_begin_report(ctx);
	for (size_t i = 0; darn_kind_get(i, &k); i++) {
		if (!named(ctx, k.name))
			continue;
		if (ctx->json)
			kind_json(&ctx->json_out, &k);
		else
			kind_text(ctx, &k);
	}
	return DARN_OK;
}

const struct darn_command darn_command_formats = {
	.name = "formats",
	.title = "tells what is recognised, what checks cover, and what they "
		 "cannot see",
	.operands = "[STORE...]",
	.max_operands = UINT_MAX,
	.uses = DARN_USES_JSON,
	.run = run,
};
