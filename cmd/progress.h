/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - how far a command is, and how it is stopped.
 *
 * Between darn_progress_begin() and darn_progress_end() a ticker shows
 * ctx->progress on standard error: a bar on a terminal, lines or JSON Lines
 * where asked for.  SIGUSR1 shows a line at once; SIGINT, SIGTERM
 * and SIGHUP set ctx->progress.cancel, and a second one of the same kind ends
 * the process.
 */
#ifndef DARN_CMD_PROGRESS_H
#define DARN_CMD_PROGRESS_H

#include "cmd/cmd.h"

/* @phase: "scan", "repair"; a static string. */
DARN_MUST_CHECK
enum darn_rc darn_progress_begin(struct darn_ctx *ctx, const char *phase,
				 struct darn_error *err);

/* Takes the bar away; prints the last line.  Harmless if nothing began. */
void darn_progress_end(struct darn_ctx *ctx);

/* Takes the bar off the line, so that something else can be printed. */
void darn_progress_clear(struct darn_ctx *ctx);

#endif
