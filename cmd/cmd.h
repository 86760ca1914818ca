/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd.h - what a command of the program is made of.
 *
 * To add a command:
 *
 *   1. cmd/NAME.c defines  const struct darn_command darn_command_NAME  with a
 *	struct of its options, a table for it (cmd/opt.h) and run().
 *	cmd/formats.c is the shortest example, cmd/scan.c the usual one.
 *   2. cmd/commands.def gets the line  DARN_COMMAND(NAME).
 *   3. man/darn-NAME.1 repeats the synopsis that "darn NAME -h" prints.
 *
 * Makefile, dispatch, help and completion need no edit.  A command with
 * subcommands (snapshot create) has .subs in place of .run.
 *
 * run() prints results to ctx->out (text) or through &ctx->json_out (--json),
 * ORs DARN_EXIT_* bits (lib/scan/report.h) into ctx->exit and returns DARN_OK;
 * or it returns an error, which main() prints as "darn: ..." and turns into a
 * bit: DARN_EINVAL is usage (16), DARN_ECANCELED interrupted (32), all others
 * incomplete (8).  Damage is never an error.  With --json main() also adds the
 * error record and the closing summary where run() has begun a report and not
 * finished it.
 *
 * Only cmd/ prints.  Results go to ctx->out; all else to standard error,
 * through darn_ctx_warn() and darn_ctx_note().
 */
#ifndef DARN_CMD_CMD_H
#define DARN_CMD_CMD_H

#include "cmd/json.h"
#include "cmd/opt.h"
#include "cmd/tally.h"
#include "lib/scan/scan.h"

/* Which shared options a command takes; they end up in struct darn_ctx. */
enum {
	DARN_USES_JSON = 1u << 0,     /* --json --reproducible */
	DARN_USES_ENGINE = 1u << 1,   /* -j --io-depth --direct */
	DARN_USES_GLOBS = 1u << 2,    /* --include --exclude */
	DARN_USES_PROGRESS = 1u << 3, /* --progress */
};

/* Values of --progress, in the order of its choices. */
enum darn_progress_mode {
	DARN_PROGRESS_AUTO, /* bar on a terminal; lines elsewhere with -v */
	DARN_PROGRESS_BAR,
	DARN_PROGRESS_LINE,
	DARN_PROGRESS_JSON,
	DARN_PROGRESS_NONE,
};

struct darn_command;
struct darn_meter; /* cmd/progress.h */

/* One run of one command. */
struct darn_ctx {
	const struct darn_command *command;
	const char *name; /* "scan", "snapshot create" */
	unsigned exit;	  /* DARN_EXIT_* bits so far */

	FILE *out; /* results */
	struct darn_json json_out;
	bool colour; /* ctx->out is a terminal that wants colours */

	const char *const *operands; /* NULL-terminated */
	size_t noperands;

	/* shared options */
	bool help, version;
	unsigned quiet, verbose;
	bool json, reproducible;
	unsigned jobs; /* UINT_MAX: not given; see darn_ctx_engine() */
	unsigned io_depth;
	bool direct;
	struct darn_strings include, exclude;
	unsigned progress_mode; /* enum darn_progress_mode */

	/* counters and the cancel flag; always there, see cmd/progress.h */
	struct darn_progress progress;
	struct darn_meter *meter; /* NULL while no progress is shown */

	/* internal */
	bool report_begun;
	struct darn_tally ids, reasons; /* for the end of a text report */
	bool unstopped, unclean;	/* some store is, or may be */
	char *spill_dir;
	struct darn_strings operand_list;
};

struct darn_command {
	const char *name;     /* "scan" */
	const char *title;    /* one line for "darn help" */
	const char *operands; /* in the synopsis: "PATH..." or "" */
	unsigned min_operands, max_operands; /* UINT_MAX: no limit */
	unsigned uses;			     /* DARN_USES_* */
	const struct darn_opt *opts;	     /* own options, or NULL */
	size_t opts_size;		     /* of the struct that they fill */
	const void *defaults; /* its initial value; NULL: all zero */
	const char *notes;    /* a further paragraph for -h, or NULL */
	enum darn_rc (*run)(struct darn_ctx *ctx, const void *opts,
			    struct darn_error *err);
	const struct darn_command *const *subs; /* NULL-terminated, or NULL */
};

/* Every command, NULL-terminated, in the order of commands.def. */
extern const struct darn_command *const darn_commands[];

/* ---- report ---- */

/*
 * With --json: the header line, with the operands as roots.  Call it once,
 * before the first record.
 */
void darn_ctx_begin_report(struct darn_ctx *ctx);

/*
 * Part of the work could not be done: an error record (or a line on standard
 * error) and exit bit 8.  @path may be NULL.
 */
void darn_ctx_error(struct darn_ctx *ctx, const char *path,
		    const char *message);

/* ---- for people ---- */

/* "darn: warning: ..." on standard error. */
DARN_PRINTF(2, 3)
void darn_ctx_warn(struct darn_ctx *ctx, const char *fmt, ...);
/* "darn: ..." on standard error, not with -q. */
DARN_PRINTF(2, 3)
void darn_ctx_note(struct darn_ctx *ctx, const char *fmt, ...);

enum darn_reply {
	DARN_REPLY_NO,
	DARN_REPLY_YES,
	DARN_REPLY_NO_TERMINAL, /* nobody to ask */
};
/* "@question [y/N]" on a terminal; anything but y or yes is no. */
enum darn_reply darn_ctx_ask(struct darn_ctx *ctx, const char *question);

/* ---- the engine ---- */

/*
 * The engine's options from the shared ones: stores, jobs (default: twice the
 * processors), io_depth, direct, globs, spill_dir and progress.  The rest is
 * zero.  What it points at lives as long as @ctx.
 */
DARN_MUST_CHECK
enum darn_rc darn_ctx_engine(struct darn_ctx *ctx,
			     struct darn_scan_options *out,
			     struct darn_error *err);

/* ---- internal: main.c, help.c ---- */

enum {
	DARN_CTX_GROUPS = 6,
	DARN_MAX_JOBS = 4096 /* -j and --io-depth: beyond is a typing error */
};
/* The tables that @c parses, own first.  @opts: the command's own struct. */
size_t darn_ctx_groups(struct darn_ctx *ctx, const struct darn_command *c,
		       void *opts, struct darn_opt_group *out);
void darn_ctx_release(struct darn_ctx *ctx);

/* What -h prints.  @name: "snapshot create". */
void darn_help_command(FILE *out, const struct darn_command *c,
		       const char *name);
/* What "darn help" prints. */
void darn_help_overview(FILE *out);
/* What -V prints. */
void darn_version(FILE *out);

#endif
