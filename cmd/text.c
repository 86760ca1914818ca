/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - lines for people. */
#include "cmd/text.h"

#include <inttypes.h>
#include <string.h>

void darn_text_coloured(struct darn_ctx *ctx, enum darn_colour colour,
			const char *s)
{
	/* ECMA-48, SGR */
	static const char *const code[] = {[DARN_COLOUR_GOOD] = "32",
					   [DARN_COLOUR_WARN] = "33",
					   [DARN_COLOUR_BAD] = "31",
					   [DARN_COLOUR_BOLD] = "1"};

	if (ctx->colour && colour != DARN_COLOUR_NONE)
		fprintf(ctx->out, "\033[%sm%s\033[0m", code[colour], s);
	else
		fputs(s, ctx->out);
}

void darn_text_path(FILE *out, const char *s)
{
	size_t len = strlen(s);

	while (len) {
		size_t n = darn_utf8_sequence(s, len);
		unsigned char c = (unsigned char)*s;
		/* U+0080 to U+009F are control characters, too */
		bool control =
			n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0;

		if (n == 0 || control || c < 0x20 || c == 0x7f || c == '\\') {
			n = 1;
			fprintf(out, "\\x%02x", c);
		} else {
			fwrite(s, 1, n, out);
		}
		s += n;
		len -= n;
	}
}

void darn_text_quoted(FILE *out, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";

	if (*s && s[strspn(s, plain)] == '\0') {
		fputs(s, out);
		return;
	}
	fputc('\'', out);
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", out);
		else
			fputc(*s, out);
	}
	fputc('\'', out);
}

const char *darn_text_size(char buf[DARN_SIZE_TEXT], uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB",
					    "TiB", "PiB", "EiB"};
	double v = (double)bytes;
	unsigned i = 0;

	if (bytes < 1024) {
		snprintf(buf, DARN_SIZE_TEXT, "%" PRIu64 " B", bytes);
		return buf;
	}
	for (v /= 1024; v >= 1023.95 && i < 5; i++)
		v /= 1024;
	snprintf(buf, DARN_SIZE_TEXT, "%.1f %s", v, units[i]);
	return buf;
}

/* The length of the JSON string or number at @s; 0: it has no end. */
static size_t value_length(const char *s)
{
	size_t n = 1;

	if (*s != '"')
		return strcspn(s, ",}");
	while (s[n] && s[n] != '"')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return s[n] ? n + 1 : 0;
}

/*
 * The object is flat and was written by lib/scan/detail.c.  A string that
 * holds spaces, quotes or escapes stays quoted.
 */
void darn_text_detail(FILE *out, const char *json)
{
	const char *p = json + strspn(json, "{");

	while (*p == '"') {
		size_t n = value_length(p);

		if (!n)
			return;
		fputc(' ', out);
		fwrite(p + 1, 1, n - 2, out);
		p += n;
		if (*p++ != ':')
			return;
		fputc('=', out);
		n = value_length(p);
		if (n && *p == '"' && strcspn(p, " \\") >= n)
			fwrite(p + 1, 1, n - 2, out);
		else
			fwrite(p, 1, n, out);
		p += n;
		p += *p == ',';
	}
}

static enum darn_colour severity_colour(enum darn_severity s)
{
	switch (s) {
	case DARN_DAMAGED:
	case DARN_UNREADABLE:
		return DARN_COLOUR_BAD;
	case DARN_SUSPICIOUS:
	case DARN_TORN:
		return DARN_COLOUR_WARN;
	default:
		return DARN_COLOUR_NONE;
	}
}

void darn_text_finding(struct darn_ctx *ctx, const struct darn_record *r)
{
	darn_text_path(ctx->out, r->path);
	fprintf(ctx->out, ":%" PRIu64 "+%" PRIu64 " ", r->off, r->len);
	darn_text_coloured(ctx, severity_colour(r->severity),
			   darn_severity_name(r->severity));
	fprintf(ctx->out, " %s", r->id);
	darn_text_detail(ctx->out, r->detail);
	fputc('\n', ctx->out);
}

/* Each line of @text after "  @label: ". */
static void put_evidence(FILE *out, const char *label, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char line[1024];

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		fprintf(out, "  %s: ", label);
		darn_text_path(out, line);
		fputc('\n', out);
		text += n;
		if (*text)
			text++;
	}
}

void darn_text_store(struct darn_ctx *ctx, const struct darn_record *r)
{
	darn_text_path(ctx->out, r->path);
	fprintf(ctx->out, ": %s%s%s, %s, shutdown %s\n", r->title,
		*r->version ? " " : "", r->version,
		r->liveness == DARN_LIVENESS_UNKNOWN
			? "liveness unknown"
			: darn_liveness_name(r->liveness),
		darn_shutdown_name(r->shutdown));
	put_evidence(ctx->out, "liveness", r->liveness_why);
	put_evidence(ctx->out, "shutdown", r->shutdown_why);
}

void darn_text_file(struct darn_ctx *ctx, const struct darn_record *r)
{
	const struct darn_coverage *c = &r->bytes;

	fputs("file ", ctx->out);
	darn_text_path(ctx->out, r->path);
	fprintf(ctx->out, " %s", *r->format ? r->format : "-");
	fprintf(ctx->out,
		" total=%" PRIu64 " verified=%" PRIu64 " damaged=%" PRIu64
		" unverified=%" PRIu64 " skipped=%" PRIu64,
		c->total, c->verified, c->damaged, c->unverified, c->skipped);
	if (*r->reason) {
		fputs(" (", ctx->out);
		darn_text_path(ctx->out, r->reason);
		fputc(')', ctx->out);
	}
	fputc('\n', ctx->out);
}

/* Never rounded up: 100.00% is all of it. */
static void put_share(FILE *out, uint64_t bytes, uint64_t total)
{
	double share = 100.0 * (double)bytes / (double)total;

	if (bytes && share < 0.01)
		fputs("   <0.01%", out);
	else if (bytes < total && share >= 99.99)
		fputs("   99.99%", out);
	else
		fprintf(out, "  %6.2f%%", share);
}

static void put_bucket(FILE *out, const char *name, uint64_t bytes,
		       uint64_t total)
{
	char size[DARN_SIZE_TEXT];

	fprintf(out, "  %-11s %20" PRIu64 "  %10s", name, bytes,
		darn_text_size(size, bytes));
	if (total)
		put_share(out, bytes, total);
	fputc('\n', out);
}

void darn_text_ids(struct darn_ctx *ctx)
{
	darn_tally_sort(&ctx->ids);
	if (ctx->ids.n)
		fputs("what was found:\n", ctx->out);
	for (size_t i = 0; i < ctx->ids.n; i++) {
		const struct darn_tally_line *line = &ctx->ids.v[i];

		fprintf(ctx->out, "  %" PRIu64 " %s: ", line->count,
			line->name);
		darn_text_path(ctx->out, line->text);
		fputc('\n', ctx->out);
	}
}

void darn_text_reasons(struct darn_ctx *ctx)
{
	char size[DARN_SIZE_TEXT];

	darn_tally_sort(&ctx->reasons);
	if (ctx->reasons.n)
		fputs("not verified, because\n", ctx->out);
	for (size_t i = 0; i < ctx->reasons.n; i++) {
		const struct darn_tally_line *line = &ctx->reasons.v[i];

		fprintf(ctx->out, "  %10s  files %" PRIu64 ": ",
			darn_text_size(size, line->bytes), line->count);
		darn_text_path(ctx->out, line->name);
		fputc('\n', ctx->out);
	}
}

void darn_text_coverage(struct darn_ctx *ctx, const struct darn_summary *s)
{
	const struct darn_coverage *c = &s->bytes;

	fprintf(ctx->out,
		"stores %" PRIu64 ", files %" PRIu64 ", findings %" PRIu64
		": damaged %" PRIu64 ", unreadable %" PRIu64
		", suspicious %" PRIu64 ", torn %" PRIu64 "; info %" PRIu64
		", errors %" PRIu64 "\n",
		s->stores, s->files, s->findings, s->damaged, s->unreadable,
		s->suspicious, s->torn, s->info, s->errors);
	fputs("bytes:\n", ctx->out);
	put_bucket(ctx->out, "total", c->total, 0);
	put_bucket(ctx->out, "verified", c->verified, c->total);
	put_bucket(ctx->out, "damaged", c->damaged, c->total);
	put_bucket(ctx->out, "unverified", c->unverified, c->total);
	put_bucket(ctx->out, "skipped", c->skipped, c->total);
	if (c->missing)
		put_bucket(ctx->out, "missing", c->missing, 0);
}
