/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict.h - is there a replacement that is proven to be the current version?
 *
 * For one damaged unit: first what the store says without any source; then
 * every source's version of it, verified by the format's own check at the
 * moment of use, judged by the seal and by the store.  The best verdict wins;
 * two proven candidates that differ are no proof at all.
 */
#ifndef DARN_REPAIR_VERDICT_H
#define DARN_REPAIR_VERDICT_H

#include "repair/repair.h"
#include "repair/seals.h"
#include "repair/source.h"

/* Everything that a verdict rests on. */
struct darn_case {
	const struct darn_repair_options *o;
	struct darn_aim target;
	struct darn_parts parts;
	struct darn_sources sources;
	struct darn_seals seals;
};

DARN_MUST_CHECK
enum darn_rc darn_case_open(struct darn_case *c,
			    const struct darn_repair_options *o,
			    struct darn_error *err);
void darn_case_release(struct darn_case *c);

/*
 * Scans the target, compared with its seals; with @direct past the page cache.
 * @include: NULL-terminated globs, or NULL for everything.
 */
DARN_MUST_CHECK
enum darn_rc darn_case_scan(struct darn_case *c, bool direct,
			    const char *const *include,
			    struct darn_report **out, struct darn_error *err);

/* What is asked about. */
struct darn_question {
	struct darn_part *part;
	const char *path; /* relative to the part */
	const char *abs;
	const struct darn_format *format; /* or NULL */
	uint64_t off, len;		  /* bytes that should be there */
	bool whole_file;
	bool missing;	     /* the file does not exist */
	struct darn_stat st; /* of the damaged file */
	const uint8_t *buf;  /* what is there; NULL for a whole file */
	size_t buf_len;
	bool unreadable;     /* parts of @buf could not be read */
	uint64_t pre_digest; /* of what is there */
	bool only;	     /* ask this origin only: */
	size_t source, nth;
};

struct darn_answer {
	enum darn_verdict verdict;
	struct darn_origin *origin; /* of the candidate, or NULL */
	struct darn_evidence why;   /* one line */
	uint8_t *bytes;		    /* the candidate; NULL for a whole file */
	uint64_t digest, size;	    /* of it */
	struct darn_stat st;	    /* of the source's file */
	bool identical;		    /* it is what is there already */
	bool is_dir;
	bool doubtful; /* its own check finds it suspicious: needs a proof */
};

DARN_MUST_CHECK
enum darn_rc darn_judge(struct darn_case *c, const struct darn_question *q,
			struct darn_answer *out, struct darn_error *err);
void darn_answer_release(struct darn_answer *a);

#endif
