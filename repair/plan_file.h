/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_file.h - a plan as JSON Lines in an unlinked file.
 *
 * First line: what it was made with.  Then one line per item.  Then the totals.
 * The last line holds the digest of all lines before it (digest.h's rule with a
 * line, its newline included, in the place of a MiB).  A plan that was cut,
 * edited or has rotted is refused.
 */
#ifndef DARN_REPAIR_PLAN_FILE_H
#define DARN_REPAIR_PLAN_FILE_H

#include <stdio.h>

#include "repair/repair.h"

struct darn_plan {
	FILE *f;
	uint64_t digest; /* of the lines so far */
	struct darn_plan_totals totals;
	struct darn_repair_options o;
	char *path, **sources, *manifest; /* what o points at */
	struct darn_report *report;
};

DARN_MUST_CHECK
enum darn_rc darn_plan_create(const struct darn_repair_options *o,
			      struct darn_plan **out, struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_plan_add(struct darn_plan *p, const struct darn_plan_item *i,
			   struct darn_error *err);
/* An unlinked file in the state directory. */
DARN_MUST_CHECK
enum darn_rc darn_plan_spool(FILE **out, struct darn_error *err);

/* After the last item. */
DARN_MUST_CHECK
enum darn_rc darn_plan_finish(struct darn_plan *p, struct darn_error *err);

#endif
