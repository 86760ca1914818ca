/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - what the subcommands of "darn snapshot" share. */
#ifndef DARN_CMD_SNAPSHOT_H
#define DARN_CMD_SNAPSHOT_H

#include "cmd/cmd.h"
#include "lib/snapshot/snapshot.h"

extern const struct darn_command darn_snapshot_create_command;
extern const struct darn_command darn_snapshot_list_command;
extern const struct darn_command darn_snapshot_show_command;
extern const struct darn_command darn_snapshot_verify_command;
extern const struct darn_command darn_snapshot_restore_command;

/* A finding about a repository, as text or JSON. */
void darn_snapshot_finding(struct darn_ctx *ctx,
			   const struct darn_repo_finding *f,
			   const char *prefix);

/* The "snapshot" line of a JSON report. */
void darn_snapshot_json(struct darn_ctx *ctx,
			const struct darn_snapshot_info *s);

/* Workers: as -j says, else twice the processors. */
DARN_MUST_CHECK
enum darn_rc darn_snapshot_jobs(struct darn_ctx *ctx, unsigned *jobs,
				struct darn_error *err);

#endif
