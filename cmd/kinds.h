/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds.h - everything that can report a finding: the stores of the registry,
 * seals, repositories of snapshots, and the engine itself.
 */
#ifndef DARN_CMD_KINDS_H
#define DARN_CMD_KINDS_H

#include "lib/scan/store.h"

struct darn_kind {
	const char *name, *title;
	const struct darn_format *const *formats; /* NULL-terminated */
	const struct darn_code *codes;
	size_t ncodes;
};

/* The @i-th of them; false beyond the last. */
bool darn_kind_get(size_t i, struct darn_kind *out);

#endif
