/* SPDX-License-Identifier: Apache-2.0 */
/* cover.c - a sorted array of ranges; most sets have one element. */
#include "lib/scan/cover.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

void darn_spans_release(struct darn_spans *s)
{
	free(s->v);
	*s = (struct darn_spans){0};
}

void darn_spans_clear(struct darn_spans *s)
{
	s->n = 0;
	s->unsorted = false;
}

enum darn_rc darn_spans_add(struct darn_spans *s, uint64_t off, uint64_t len,
			    struct darn_error *err)
{
	uint64_t hi = len > UINT64_MAX - off ? UINT64_MAX : off + len;
	struct darn_span *last = s->n ? &s->v[s->n - 1] : NULL;
	bool before = last && off < last->lo;
	enum darn_rc rc;

	if (off == hi)
		return DARN_OK;
	if (last && off >= last->lo && off <= last->hi) {
		last->hi = DARN_MAX(last->hi, hi);
		return DARN_OK;
	}
	rc = darn_grow((void **)&s->v, s->n, &s->cap, sizeof(*s->v), err);
	if (rc)
		return rc;
	s->unsorted = s->unsorted || before; /* @last may have moved */
	s->v[s->n++] = (struct darn_span){off, hi};
	return DARN_OK;
}

static int compare(const void *a, const void *b)
{
	const struct darn_span *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void darn_spans_normalise(struct darn_spans *s)
{
	size_t n = 0;

	if (!s->unsorted)
		return;
	qsort(s->v, s->n, sizeof(*s->v), compare);
	for (size_t i = 1; i < s->n; i++) {
		if (s->v[i].lo <= s->v[n].hi)
			s->v[n].hi = DARN_MAX(s->v[n].hi, s->v[i].hi);
		else
			s->v[++n] = s->v[i];
	}
	s->n = n + 1;
	s->unsorted = false;
}

/* Index of the first element that ends after @off. */
static size_t find(const struct darn_spans *s, uint64_t off)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].hi <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum darn_rc darn_spans_add_within(struct darn_spans *dst,
				   const struct darn_spans *src, uint64_t lo,
				   uint64_t hi, struct darn_error *err)
{
	for (size_t i = find(src, lo); i < src->n && src->v[i].lo < hi; i++) {
		uint64_t from = DARN_MAX(src->v[i].lo, lo);
		uint64_t to = DARN_MIN(src->v[i].hi, hi);
		enum darn_rc rc = darn_spans_add(dst, from, to - from, err);

		if (rc)
			return rc;
	}
	return DARN_OK;
}

uint64_t darn_spans_len(const struct darn_spans *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += s->v[i].hi - s->v[i].lo;
	return sum;
}

uint64_t darn_spans_common(const struct darn_spans *a,
			   const struct darn_spans *b)
{
	uint64_t sum = 0;
	size_t i = 0, j = 0;

	while (i < a->n && j < b->n) {
		uint64_t lo = DARN_MAX(a->v[i].lo, b->v[j].lo);
		uint64_t hi = DARN_MIN(a->v[i].hi, b->v[j].hi);

		if (lo < hi)
			sum += hi - lo;
		if (a->v[i].hi < b->v[j].hi)
			i++;
		else
			j++;
	}
	return sum;
}

bool darn_spans_contain(const struct darn_spans *s, uint64_t lo, uint64_t hi)
{
	size_t i = find(s, lo);

	return lo >= hi || (i < s->n && s->v[i].lo <= lo && s->v[i].hi >= hi);
}

void darn_spans_truncate(struct darn_spans *s, uint64_t end)
{
	size_t i = find(s, end);

	if (i < s->n && s->v[i].lo < end)
		s->v[i++].hi = end;
	s->n = i;
}

void darn_spans_drop(struct darn_spans *s, size_t n)
{
	memmove(s->v, s->v + n, (s->n - n) * sizeof(*s->v));
	s->n -= n;
}
