/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep.h - what "seal" and "snapshot create" have in common: a scan whose
 * witness writes down what it sees, and the question whether that is worth
 * keeping.
 */
#ifndef DARN_CMD_KEEP_H
#define DARN_CMD_KEEP_H

#include "cmd/cmd.h"

struct darn_keep {
	bool accept_damage;	     /* keep what is damaged as it is */
	const char *what;	     /* "seal", "snapshot" */
	struct darn_summary summary; /* of the scan, filled in */
};

/*
 * Scans the operands with @w as the witness, shows what was found and the
 * coverage of the checks.  DARN_OK: it may be kept.  DARN_EREFUSED: something
 * is damaged, and the exit bits say so; DARN_ECANCELED: stopped.
 */
DARN_MUST_CHECK
enum darn_rc darn_keep_scan(struct darn_ctx *ctx, struct darn_keep *k,
			    struct darn_witness *w, struct darn_error *err);

/* The summary line of a report, or the text of it, with the command after. */
void darn_keep_summary(struct darn_ctx *ctx, const struct darn_keep *k,
		       const char *next);

/* "2026-11-22T16:56:00Z" of nanoseconds since 1970. */
void darn_keep_time(char out[32], int64_t ns);

#endif
