/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - shows what a scan found, as text or as JSON Lines.
 *
 * Used by "scan", and by whatever ends with a scan (the proof of a repair).
 */
#ifndef DARN_CMD_REPORT_H
#define DARN_CMD_REPORT_H

#include "cmd/cmd.h"

/*
 * All records: stores, errors, findings, files.  Without -v findings of
 * severity info are left out, and files all of whose bytes were verified or
 * damaged.  Stops early where ctx->out cannot be written.
 */
DARN_MUST_CHECK
enum darn_rc darn_report_records(struct darn_ctx *ctx, struct darn_report *r,
				 struct darn_error *err);

/* The fields of a summary line, between darn_json_begin() and _end(). */
void darn_report_summary_json(struct darn_ctx *ctx,
			      const struct darn_summary *s);

/* Coverage and one honest verdict line. */
void darn_report_summary_text(struct darn_ctx *ctx,
			      const struct darn_summary *s);

#endif
