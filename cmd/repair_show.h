/* SPDX-License-Identifier: Apache-2.0 */
/* repair_show.h - a plan, what became of it, and where its journal lies. */
#ifndef DARN_CMD_REPAIR_SHOW_H
#define DARN_CMD_REPAIR_SHOW_H

#include "cmd/cmd.h"
#include "repair/repair.h"

/* @records: with --json what the scan found comes first. */
DARN_MUST_CHECK
enum darn_rc darn_show_plan(struct darn_ctx *ctx, struct darn_plan *p,
			    bool records, struct darn_error *err);

/* At once, so that it is known whatever comes next. */
void darn_show_journal(struct darn_ctx *ctx, const char *journal);

/* An item was written, or why not. */
void darn_show_action(struct darn_ctx *ctx, const struct darn_plan_item *i,
		      bool done, const char *why);

/* The summary, with the next command to type; @max_repair as typed, or NULL. */
void darn_show_end(struct darn_ctx *ctx, struct darn_plan *p,
		   const struct darn_repair_result *res, bool applied,
		   const char *max_repair);

/* How far it came, and how to go on; nothing with --json. */
void darn_show_interrupted(struct darn_ctx *ctx, struct darn_plan *p,
			   const struct darn_repair_result *res,
			   const char *max_repair);

#endif
