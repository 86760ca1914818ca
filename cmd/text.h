/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - the report for people, and the small parts that it is made of.
 *
 * One finding, one line: path:offset+length severity id detail.  Control
 * bytes, backslashes and bytes that are not UTF-8 are written as \xHH, so that
 * no file name can break a line or talk to the terminal.
 */
#ifndef DARN_CMD_TEXT_H
#define DARN_CMD_TEXT_H

#include "cmd/cmd.h"

enum darn_colour {
	DARN_COLOUR_NONE,
	DARN_COLOUR_GOOD,
	DARN_COLOUR_WARN,
	DARN_COLOUR_BAD,
	DARN_COLOUR_BOLD,
};
/* Writes @s to ctx->out, in @colour where ctx->colour allows it. */
void darn_text_coloured(struct darn_ctx *ctx, enum darn_colour colour,
			const char *s);

/* @s with everything unprintable escaped. */
void darn_text_path(FILE *out, const char *s);

/* @s as one word of a shell command. */
void darn_text_quoted(FILE *out, const char *s);

/* "1.5 GiB" in @buf. */
enum {
	DARN_SIZE_TEXT = 32
};
const char *darn_text_size(char buf[DARN_SIZE_TEXT], uint64_t bytes);

/* " key=value key=value" from a finding's detail, a JSON object. */
void darn_text_detail(FILE *out, const char *json);

/* One line for a finding, the format that scripts rely on. */
void darn_text_finding(struct darn_ctx *ctx, const struct darn_record *r);
/* A store with its version, liveness, shutdown and their evidence. */
void darn_text_store(struct darn_ctx *ctx, const struct darn_record *r);
/* What of a file was not checked, and why. */
void darn_text_file(struct darn_ctx *ctx, const struct darn_record *r);
/* Each id that was found, how often, and its sentence. */
void darn_text_ids(struct darn_ctx *ctx);
/* Why bytes were not verified. */
void darn_text_reasons(struct darn_ctx *ctx);
/* Coverage and counts. */
void darn_text_coverage(struct darn_ctx *ctx, const struct darn_summary *s);

#endif
