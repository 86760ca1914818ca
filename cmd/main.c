/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - finds the command, reads its options, runs it, and makes the exit
 * status.
 *
 * A report that was cut short must never look like a whole one: SIGPIPE is
 * ignored so that a closed pipe is a failed write like a full disk, and any
 * failed write on standard output sets bit 8.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/report.h"
#include "lib/base/mem.h"

enum {
	/* reports are long; 64 KiB keeps the number of writes small */
	OUT_BUFFER = 64 << 10
};

#define DARN_COMMAND(name_) \
	extern const struct darn_command darn_command_##name_;
#include "cmd/commands.def"
#undef DARN_COMMAND

#define DARN_COMMAND(name_) &darn_command_##name_,
const struct darn_command *const darn_commands[] = {
#include "cmd/commands.def"
	NULL};
#undef DARN_COMMAND

/*
 * A descriptor 0, 1 or 2 that the caller closed would be given to the next
 * file opened, and the report would end in somebody's data.  The stand-ins
 * refuse what the real one was for: a write to a closed output still fails.
 */
static void fill_standard_descriptors(void)
{
	static const int how[] = {O_WRONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", how[fd]) < 0)
			_exit(DARN_EXIT_INCOMPLETE);
	}
}

static bool wants_colour(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static const struct darn_command *
find_command(const struct darn_command *const *list, const char *name)
{
	for (; *list; list++) {
		if (strcmp((*list)->name, name) == 0)
			return *list;
	}
	return NULL;
}

static unsigned exit_bit(enum darn_rc rc)
{
	switch (rc) {
	case DARN_OK:
		return 0;
	case DARN_EINVAL:
		return DARN_EXIT_USAGE;
	case DARN_ECANCELED:
		return DARN_EXIT_INTERRUPTED;
	default:
		return DARN_EXIT_INCOMPLETE;
	}
}

/* One line that says what is wrong and one that says where help is. */
static unsigned usage_error(const char *name, const char *message)
{
	fprintf(stderr, "darn: %s%s%s\n", name ? name : "", name ? ": " : "",
		message);
	if (name)
		fprintf(stderr, "Try 'darn %s -h'.\n", name);
	else
		fputs("Try 'darn help'.\n", stderr);
	return DARN_EXIT_USAGE;
}

static enum darn_rc check_operands(const struct darn_ctx *ctx,
				   struct darn_error *err)
{
	const struct darn_command *c = ctx->command;

	if (ctx->noperands < c->min_operands)
		return darn_fail(err, DARN_EINVAL, 0,
				 "an operand is missing: %s", c->operands);
	if (ctx->noperands > c->max_operands)
		return darn_fail(err, DARN_EINVAL, 0, "unexpected operand '%s'",
				 ctx->operands[c->max_operands]);
	for (size_t i = 0; i < ctx->noperands; i++) {
		if (!*ctx->operands[i])
			return darn_fail(err, DARN_EINVAL, 0,
					 "an operand is the empty string");
	}
	return DARN_OK;
}

/* Runs the command and closes the report that it began. */
static void run(struct darn_ctx *ctx, const void *opts)
{
	struct darn_summary nothing = {.exit = 0};
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc = ctx->command->run(ctx, opts, &err);

	if (rc) {
		bool report = ctx->json && ctx->report_begun;

		ctx->exit |= exit_bit(rc);
		if (report && !ctx->json_out.summary) {
			darn_json_begin(&ctx->json_out, "error");
			darn_json_str(&ctx->json_out, "message", err.msg);
			darn_json_end(&ctx->json_out);
			nothing.errors = 1;
		}
		if (rc == DARN_EINVAL)
			(void)usage_error(ctx->name, err.msg);
		else
			fprintf(stderr, "darn: %s: %s\n", ctx->name, err.msg);
	}
	if (ctx->json && ctx->report_begun && !ctx->json_out.summary) {
		darn_json_begin(&ctx->json_out, "summary");
		darn_json_u64(&ctx->json_out, "exit", ctx->exit);
		darn_report_summary_json(ctx, &nothing);
		darn_json_end(&ctx->json_out);
	}
}

/* Options, then -h, -V or the command itself. */
static void parse_and_run(struct darn_ctx *ctx, int argc, char **argv,
			  void *opts)
{
	struct darn_opt_group groups[DARN_CTX_GROUPS];
	size_t n = darn_ctx_groups(ctx, ctx->command, opts, groups);
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc;

	rc = darn_opt_parse(argc, argv, groups, n, &ctx->operand_list, &err);
	ctx->operands = ctx->operand_list.items;
	ctx->noperands = ctx->operand_list.n;
	if (rc == DARN_OK && ctx->help) {
		darn_help_command(ctx->out, ctx->command, ctx->name);
	} else if (rc == DARN_OK && ctx->version) {
		darn_version(ctx->out);
	} else {
		if (rc == DARN_OK)
			rc = darn_opt_complete(groups, n, &err);
		if (rc == DARN_OK)
			rc = check_operands(ctx, &err);
		if (rc == DARN_OK)
			run(ctx, opts);
		else if (rc == DARN_EINVAL)
			ctx->exit |= usage_error(ctx->name, err.msg);
		else
			fprintf(stderr, "darn: %s\n", err.msg);
		ctx->exit |= exit_bit(rc);
	}
	darn_opt_release(groups, n);
}

static unsigned run_command(const struct darn_command *c, const char *name,
			    int argc, char **argv)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_ctx *ctx = darn_calloc(1, sizeof(*ctx), &err);
	void *opts = darn_calloc(1, c->opts_size ? c->opts_size : 1, &err);
	unsigned bits = DARN_EXIT_INCOMPLETE;

	if (!ctx || !opts) {
		fprintf(stderr, "darn: %s\n", err.msg);
		goto out;
	}
	ctx->command = c;
	ctx->name = name;
	ctx->out = stdout;
	ctx->colour = wants_colour();
	ctx->jobs = UINT_MAX;
	darn_json_init(&ctx->json_out, stdout);
	if (c->defaults)
		memcpy(opts, c->defaults, c->opts_size);
	parse_and_run(ctx, argc, argv, opts);
	bits = ctx->exit;
	darn_ctx_release(ctx);
out:
	free(opts);
	free(ctx);
	return bits;
}

/* "darn snapshot create ...": the second word chooses. */
static unsigned dispatch_sub(const struct darn_command *c, int argc,
			     char **argv)
{
	const struct darn_command *sub;
	char text[200];

	if (argc > 0 &&
	    (strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "--help") == 0)) {
		darn_help_command(stdout, c, c->name);
		return 0;
	}
	if (argc == 0)
		return usage_error(c->name, "a subcommand is missing");
	sub = find_command(c->subs, argv[0]);
	if (!sub) {
		snprintf(text, sizeof(text), "unknown subcommand '%s'",
			 argv[0]);
		return usage_error(c->name, text);
	}
	snprintf(text, sizeof(text), "%s %s", c->name, sub->name);
	return run_command(sub, text, argc - 1, argv + 1);
}

static unsigned dispatch(int argc, char **argv)
{
	const struct darn_command *c;
	char text[200];

	if (argc == 0)
		return usage_error(NULL, "a command is missing");
	if (strcmp(argv[0], "-V") == 0 || strcmp(argv[0], "--version") == 0) {
		darn_version(stdout);
		return 0;
	}
	if (strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "--help") == 0) {
		darn_help_overview(stdout);
		return 0;
	}
	c = find_command(darn_commands, argv[0]);
	if (!c) {
		snprintf(text, sizeof(text), "unknown %s '%s'",
			 argv[0][0] == '-' ? "option" : "command", argv[0]);
		return usage_error(NULL, text);
	}
	if (c->subs)
		return dispatch_sub(c, argc - 1, argv + 1);
	return run_command(c, c->name, argc - 1, argv + 1);
}

/* True if everything that was printed has arrived. */
static bool close_output(void)
{
	bool failed = ferror(stdout);
	int cause = 0;

	if (fflush(stdout) != 0 || fclose(stdout) != 0) {
		failed = true;
		cause = errno;
	}
	if (failed)
		fprintf(stderr, "darn: cannot write to standard output%s%s\n",
			cause ? ": " : "", cause ? strerror(cause) : "");
	return !failed;
}

int main(int argc, char **argv)
{
	static char buffer[OUT_BUFFER];
	unsigned bits;

	fill_standard_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	/* a status that is asked for too early or too late must not kill */
	(void)signal(SIGUSR1, SIG_IGN);
	if (!isatty(STDOUT_FILENO))
		(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	bits = dispatch(argc > 0 ? argc - 1 : 0, argv + 1);
	if (!close_output())
		bits |= DARN_EXIT_INCOMPLETE;
	return (int)bits;
}
