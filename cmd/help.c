/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.c - "darn help", and the lists that shell completion asks for, so that
 * no script repeats what the tables say.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/kinds.h"
#include "lib/base/mem.h"

enum {
	TITLE_COLUMN = 12
};

struct help_opts {
	bool commands, options, ids, stores, formats;
};

static const struct darn_opt table[] = {
	DARN_OPT_FLAG(0, "list-commands", struct help_opts, commands,
		      "list the commands, or the subcommands of COMMAND"),
	DARN_OPT_FLAG(0, "list-options", struct help_opts, options,
		      "list the options of COMMAND"),
	DARN_OPT_FLAG(0, "list-ids", struct help_opts, ids,
		      "list the ids of all findings"),
	DARN_OPT_FLAG(0, "list-stores", struct help_opts, stores,
		      "list the kinds of store"),
	DARN_OPT_FLAG(0, "list-formats", struct help_opts, formats,
		      "list the formats as STORE/FORMAT"),
	DARN_OPT_END};

/*
 * The tables of a command without running it: the fields that they point at
 * belong to a scratch context and are never read.
 */
struct scratch {
	struct darn_ctx ctx;
	struct darn_opt_group groups[DARN_CTX_GROUPS];
	size_t n;
};

static struct scratch *open_scratch(const struct darn_command *c)
{
	struct scratch *s = darn_calloc(1, sizeof(*s), NULL);

	if (s)
		s->n = darn_ctx_groups(&s->ctx, c, NULL, s->groups);
	return s;
}

static void synopsis(FILE *out, const struct darn_command *c, const char *name)
{
	struct scratch *s = open_scratch(c);
	char lead[200];

	if (!s)
		return;
	snprintf(lead, sizeof(lead), "darn %s", name);
	darn_opt_synopsis(out, lead, s->groups, s->n, c->operands);
	free(s);
}

static void describe(FILE *out, const struct darn_command *c)
{
	struct scratch *s = open_scratch(c);

	if (!s)
		return;
	darn_opt_describe(out, s->groups, s->n);
	free(s);
}

/* A line for each of @list. */
static void put_titles(FILE *out, const struct darn_command *const *list)
{
	char lead[80];

	for (; *list; list++) {
		snprintf(lead, sizeof(lead), "  %s", (*list)->name);
		darn_opt_entry(out, lead, TITLE_COLUMN, (*list)->title);
	}
}

void darn_help_command(FILE *out, const struct darn_command *c,
		       const char *name)
{
	char full[200];

	for (size_t i = 0; c->subs && c->subs[i]; i++) {
		snprintf(full, sizeof(full), "%s %s", name, c->subs[i]->name);
		synopsis(out, c->subs[i], full);
	}
	if (!c->subs)
		synopsis(out, c, name);
	fputc('\n', out);
	darn_opt_entry(out, "", 0, c->title);
	fputc('\n', out);
	if (c->subs)
		put_titles(out, c->subs);
	else
		describe(out, c);
	if (c->notes) {
		fputc('\n', out);
		darn_opt_entry(out, "", 0, c->notes);
	}
}

void darn_help_overview(FILE *out)
{
	fputs("darn COMMAND [OPTION]... [OPERAND]...\n\n"
	      "finds the damaged parts of datastores and mends them from "
	      "backups\n\n",
	      out);
	put_titles(out, darn_commands);
	fputs("\n\"darn COMMAND -h\" and darn-COMMAND(1) tell more; "
	      "\"darn -V\" prints the version.\n"
	      "Exit status, added up: 1 repaired, 2 suspicious, 4 damage is "
	      "left, 8 not all\n"
	      "could be done, 16 usage, 32 interrupted.\n",
	      out);
}

/* "snapshot create" from the operands; NULL: no such command. */
static const struct darn_command *look_up(const struct darn_ctx *ctx)
{
	const struct darn_command *const *list = darn_commands;
	const struct darn_command *found = NULL;

	for (size_t i = 0; i < ctx->noperands; i++) {
		found = NULL;
		for (; list && *list; list++) {
			if (strcmp((*list)->name, ctx->operands[i]) == 0) {
				found = *list;
				break;
			}
		}
		if (!found)
			return NULL;
		list = found->subs;
	}
	return found;
}

static void list_commands(FILE *out, const struct darn_command *const *list)
{
	for (; list && *list; list++)
		fprintf(out, "%s\n", (*list)->name);
}

static void list_options(FILE *out, const struct darn_command *c)
{
	struct scratch *s = open_scratch(c);

	if (s && !c->subs)
		darn_opt_list(out, s->groups, s->n);
	free(s);
}

static void list_codes(FILE *out, const struct darn_code *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s\n", codes[i].id);
}

static void list_kind(FILE *out, const struct help_opts *o,
		      const struct darn_kind *k)
{
	if (o->stores)
		fprintf(out, "%s\n", k->name);
	if (o->ids)
		list_codes(out, k->codes, k->ncodes);
	for (size_t i = 0; k->formats[i]; i++) {
		const struct darn_format *f = k->formats[i];

		if (o->formats)
			fprintf(out, "%s/%s\n", k->name, f->name);
		if (o->ids)
			list_codes(out, f->codes, f->ncodes);
	}
}

static void show_command(struct darn_ctx *ctx, const struct darn_command *c)
{
	char name[200] = "";

	for (size_t i = 0; i < ctx->noperands; i++) {
		size_t n = strlen(name);

		snprintf(name + n, sizeof(name) - n, "%s%s", i ? " " : "",
			 ctx->operands[i]);
	}
	darn_help_command(ctx->out, c, name);
}

static enum darn_rc run(struct darn_ctx *ctx, const void *opts,
			struct darn_error *err)
{
	const struct help_opts *o = opts;
	const struct darn_command *c = look_up(ctx);
	struct darn_kind k;

	if (ctx->noperands && !c)
		return darn_fail(err, DARN_EINVAL, 0, "unknown command '%s'",
				 ctx->operands[ctx->noperands - 1]);
	if (o->options && !c)
		return darn_fail(err, DARN_EINVAL, 0,
				 "--list-options needs a COMMAND");
	if (o->commands)
		list_commands(ctx->out, c ? c->subs : darn_commands);
	if (o->options)
		list_options(ctx->out, c);
	for (size_t i = 0; darn_kind_get(i, &k); i++)
		list_kind(ctx->out, o, &k);
	if (o->commands || o->options || o->ids || o->stores || o->formats)
		return DARN_OK;
	if (c)
		show_command(ctx, c);
	else
		darn_help_overview(ctx->out);
	return DARN_OK;
}

const struct darn_command darn_command_help = {
	.name = "help",
	.title = "tells what there is, also to shells that complete commands",
	.operands = "[COMMAND [SUBCOMMAND]]",
	.max_operands = 2,
	.opts = table,
	.opts_size = sizeof(struct help_opts),
	.run = run,
};
