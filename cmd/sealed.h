/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed.h - the seals that a command compares with.
 *
 * "darn seal PATH" without --manifest leaves its seal in the state directory,
 * in the file that darn_state_file_for(DARN_SEALS, absolute PATH,
 * DARN_SEAL_SUFFIX) names.
 */
#ifndef DARN_CMD_SEALED_H
#define DARN_CMD_SEALED_H

#include "cmd/cmd.h"
#include "lib/seal/seal.h"

#define DARN_SEALS "seals"
#define DARN_SEAL_SUFFIX ".seal"

/* Open manifests, and the witness that compares with them. */
struct darn_sealed {
	struct darn_manifest **manifests;
	char **files; /* where each of them lies */
	size_t n, cap, files_cap;
	struct darn_witness *witness; /* NULL where n is 0 */
};

/*
 * Opens @file, or, where it is NULL, the seals in the state directory that
 * belong to the operands or to directories above them.  One of the latter that
 * cannot be read is an error record, not a failure.  Zeroes *@s first;
 * release it in any case.
 */
DARN_MUST_CHECK
enum darn_rc darn_sealed_open(struct darn_ctx *ctx, const char *file,
			      struct darn_sealed *s, struct darn_error *err);

/* Says which seals are in use and from when. */
void darn_sealed_show(struct darn_ctx *ctx, const struct darn_sealed *s);

void darn_sealed_release(struct darn_sealed *s);

#endif
