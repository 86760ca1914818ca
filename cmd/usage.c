/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - what a table of options looks like to people and to shells. */
#include <string.h>

#include "cmd/opt.h"

enum {
	COLUMNS = 79,
	INDENT = 8,	 /* continuation lines of a synopsis */
	HELP_COLUMN = 30 /* where the explanations begin */
};

/* Writes words, breaking lines before COLUMNS. */
struct wrap {
	FILE *out;
	size_t column, indent;
};

static void put_word(struct wrap *w, const char *word)
{
	size_t len = strlen(word);

	if (w->column > w->indent && w->column + 1 + len > COLUMNS) {
		fprintf(w->out, "\n%*s", (int)w->indent, "");
		w->column = w->indent;
	} else if (w->column > w->indent) {
		fputc(' ', w->out);
		w->column++;
	}
	fputs(word, w->out);
	w->column += len;
}

/* "-n", "--from SOURCE": an option without its brackets. */
static void short_form(const struct darn_opt *o, char *buf, size_t size)
{
	const char *arg = o->arg ? o->arg : "";
	const char *gap = o->arg ? " " : "";

	if (o->letter)
		snprintf(buf, size, "-%c%s%s", o->letter, gap, arg);
	else
		snprintf(buf, size, "--%s%s%s", o->name,
			 o->kind == DARN_KIND_CHOICE ? "=" : gap, arg);
}

static void put_synopsis_option(struct wrap *w, const struct darn_opt *o)
{
	char form[160], word[400];
	bool list = o->kind == DARN_KIND_LIST;

	short_form(o, form, sizeof(form));
	if (o->required)
		snprintf(word, sizeof(word), "%s", form);
	else
		snprintf(word, sizeof(word), "[%s]%s", form, list ? "..." : "");
	put_word(w, word);
}

void darn_opt_synopsis(FILE *out, const char *lead,
		       const struct darn_opt_group *groups, size_t ngroups,
		       const char *operands)
{
	struct wrap w = {.out = out, .indent = INDENT};

	fputs(lead, out);
	w.column = strlen(lead);
	for (size_t g = 0; g < ngroups; g++) {
		const struct darn_opt *o = groups[g].opts;

		for (; o && o->name; o++) {
			if (!o->unlisted)
				put_synopsis_option(&w, o);
		}
	}
	if (operands && *operands)
		put_word(&w, operands);
	fputc('\n', out);
}

/* Writes @text word by word. */
static void put_text(struct wrap *w, const char *text)
{
	char word[128];

	while (*text) {
		size_t n = strcspn(text, " ");

		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		put_word(w, word);
		text += n;
		text += strspn(text, " ");
	}
}

void darn_opt_entry(FILE *out, const char *lead, unsigned column,
		    const char *text)
{
	struct wrap w = {.out = out, .indent = column, .column = column};

	if (strlen(lead) + 2 > column && column > 0)
		fprintf(out, "%s\n%*s", lead, (int)column, "");
	else
		fprintf(out, "%-*s", (int)column, lead);
	put_text(&w, text);
	fputc('\n', out);
}

static void describe(FILE *out, const struct darn_opt *o)
{
	char form[200];

	snprintf(form, sizeof(form), "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
		 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
		 o->arg ? "=" : "", o->arg ? o->arg : "");
	darn_opt_entry(out, form, HELP_COLUMN, o->help);
}

void darn_opt_describe(FILE *out, const struct darn_opt_group *groups,
		       size_t ngroups)
{
	for (size_t g = 0; g < ngroups; g++) {
		const struct darn_opt *o = groups[g].opts;

		for (; o && o->name; o++)
			describe(out, o);
	}
}

void darn_opt_list(FILE *out, const struct darn_opt_group *groups,
		   size_t ngroups)
{
	for (size_t g = 0; g < ngroups; g++) {
		const struct darn_opt *o = groups[g].opts;

		for (; o && o->name; o++) {
			if (o->letter)
				fprintf(out, "-%c\n", o->letter);
			fprintf(out, "--%s%s%s\n", o->name, o->arg ? "=" : "",
				o->arg ? o->arg : "");
		}
	}
}
