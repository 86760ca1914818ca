/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cover.h - sets of byte ranges, from which coverage is counted.
 *
 * Marks that arrive in order join up as they come, so that the usual set has
 * one element; normalise() sorts and joins the others.  The functions below it
 * want normalised sets.  Not for several threads at once.
 */
#ifndef DARN_LIB_SCAN_COVER_H
#define DARN_LIB_SCAN_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct darn_span {
	uint64_t lo, hi; /* [lo, hi) */
};

/* All zero is the empty set. */
struct darn_spans {
	struct darn_span *v;
	size_t n, cap;
	bool unsorted;
};

void darn_spans_release(struct darn_spans *s);
void darn_spans_clear(struct darn_spans *s); /* keeps the memory */

/* Adds [off, off + len); an end that would wrap is the largest offset. */
DARN_MUST_CHECK
enum darn_rc darn_spans_add(struct darn_spans *s, uint64_t off, uint64_t len,
			    struct darn_error *err);

void darn_spans_normalise(struct darn_spans *s);

/* Adds what of the set @src lies within [lo, hi). */
DARN_MUST_CHECK
enum darn_rc darn_spans_add_within(struct darn_spans *dst,
				   const struct darn_spans *src, uint64_t lo,
				   uint64_t hi, struct darn_error *err);

uint64_t darn_spans_len(const struct darn_spans *s);

/* Bytes that are in both. */
uint64_t darn_spans_common(const struct darn_spans *a,
			   const struct darn_spans *b);

/* Is all of [lo, hi) in the set? */
bool darn_spans_contain(const struct darn_spans *s, uint64_t lo, uint64_t hi);

/* Cuts off what lies at or beyond @end. */
void darn_spans_truncate(struct darn_spans *s, uint64_t end);

/* Forgets the first @n elements. */
void darn_spans_drop(struct darn_spans *s, size_t n);

#endif
