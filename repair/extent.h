/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extent.h - the findings of one file as runs of bytes.
 *
 * Findings come sorted by offset, one per unit, and several may speak of the
 * same bytes.  Adjoining ones of the same kind are one extent; where they
 * overlap, the more severe one counts.
 */
#ifndef DARN_REPAIR_EXTENT_H
#define DARN_REPAIR_EXTENT_H

#include <stdbool.h>

#include "lib/scan/report.h"

struct darn_extent {
	uint64_t off, end;
	enum darn_severity severity;
	char id[64]; /* of the first finding */
	bool by_seal;
};

struct darn_extents {
	char *path; /* as in the report; NULL: none yet */
	char store[32], format[32];
	bool whole_file; /* a finding asks for that */
	bool missing;	 /* one of them counts missing bytes */
	struct darn_extent *items;
	size_t n, cap;
};

/* Is this something that a repair can be asked about? */
bool darn_finding_counts(const struct darn_record *r);

/* Adds a finding of the same file as those before it. */
DARN_MUST_CHECK
enum darn_rc darn_extents_add(struct darn_extents *e,
			      const struct darn_record *r,
			      struct darn_error *err);

/* Forgets all, keeps the memory. */
void darn_extents_clear(struct darn_extents *e);
void darn_extents_release(struct darn_extents *e);

#endif
