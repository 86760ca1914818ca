/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - counts by name: findings by id, unverified bytes by reason.
 *
 * There are few different names; what comes after the first DARN_TALLY_MAX is
 * counted together, so that no data can make this grow.
 */
#ifndef DARN_CMD_TALLY_H
#define DARN_CMD_TALLY_H

#include <stddef.h>
#include <stdint.h>

enum {
	DARN_TALLY_MAX = 64
};

struct darn_tally_line {
	char name[128], text[256];
	uint64_t count, bytes;
};

struct darn_tally {
	struct darn_tally_line v[DARN_TALLY_MAX + 1];
	size_t n;
};

void darn_tally_add(struct darn_tally *t, const char *name, const char *text,
		    uint64_t bytes);

/* Most bytes first, then most counts, then by name. */
void darn_tally_sort(struct darn_tally *t);

#endif
