/* SPDX-License-Identifier: Apache-2.0 */
/* apply.h - what the files that carry out a plan share. */
#ifndef DARN_REPAIR_APPLY_H
#define DARN_REPAIR_APPLY_H

#include "repair/look.h"
#include "repair/verdict.h"
#include "repair/writer.h"

/* A place that is known to stay as it is: no news in the deep scan. */
struct darn_known {
	uint64_t path; /* hash of the absolute path */
	uint64_t off, end;
};

/* An item whose unit is in the group. */
struct darn_waiting {
	struct darn_plan_item item;
	char *strings[4]; /* what item points at */
};

struct darn_apply {
	struct darn_case *c;
	const struct darn_apply_options *o;
	struct darn_repair_result *out;
	struct darn_writer w;
	unsigned left; /* exit bits of items that were not written */

	/* the file that is open, and the group that is being filled */
	struct darn_part *part;
	struct darn_wfile *file;
	char *file_path; /* absolute */
	const struct darn_format *format;
	struct darn_wunit units[DARN_WRITER_GROUP];
	struct darn_waiting waiting[DARN_WRITER_GROUP];
	size_t n;
	uint64_t bytes;

	bool undecided; /* something suspicious is no item: scan all again */
	struct darn_known *known;
	size_t nknown, cap_known;
	char **changed; /* relative to the target, as globs */
	size_t nchanged, cap_changed;
};

/* An item is not written after all. */
void darn_apply_skip(struct darn_apply *a, const struct darn_plan_item *i,
		     const char *why);

/* Before the first write to @part: journal, lock. */
DARN_MUST_CHECK
enum darn_rc darn_apply_begin(struct darn_apply *a, struct darn_part *part,
			      struct darn_error *err);

/* Adds to what the deep scan looks at. */
DARN_MUST_CHECK
enum darn_rc darn_apply_changed(struct darn_apply *a, const char *abs,
				struct darn_error *err);

/* Writes the group; apply_unit.c. */
DARN_MUST_CHECK
enum darn_rc darn_apply_flush(struct darn_apply *a, struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_apply_close_file(struct darn_apply *a,
				   struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_apply_unit(struct darn_apply *a, struct darn_look *l,
			     struct darn_question *q,
			     const struct darn_plan_item *i,
			     struct darn_error *err);

/* A file or directory as a whole; apply_file.c. */
DARN_MUST_CHECK
enum darn_rc darn_apply_file(struct darn_apply *a, struct darn_look *l,
			     struct darn_question *q,
			     const struct darn_plan_item *i,
			     struct darn_error *err);

/*
 * Judges again, the source of the plan only.  *same: the verdict still allows
 * to write and the bytes are those of the plan; else the item was skipped.
 */
DARN_MUST_CHECK
enum darn_rc darn_apply_judge(struct darn_apply *a,
			      const struct darn_question *q,
			      const struct darn_plan_item *i,
			      struct darn_answer *answer, bool *same,
			      struct darn_error *err);

/*
 * Asks the stores' completeness rules again, now that what they rest on is
 * mended.  *more: something is missing that was not known before.
 */
DARN_MUST_CHECK
enum darn_rc darn_apply_rules(struct darn_apply *a, bool *more,
			      struct darn_error *err);

/* The deep scan; proof.c. */
DARN_MUST_CHECK
enum darn_rc darn_apply_prove(struct darn_apply *a, struct darn_error *err);

#endif
