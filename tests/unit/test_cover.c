/* SPDX-License-Identifier: Apache-2.0 */
/* test_cover.c - sets of ranges against a plain array of bits. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scan/cover.h"

enum {
	SPACE = 200
};

static void add(struct darn_spans *s, uint64_t off, uint64_t len)
{
	ck_assert_int_eq(darn_spans_add(s, off, len, NULL), DARN_OK);
}

START_TEST(in_order_is_one)
{
	struct darn_spans s = {0};

	for (uint64_t i = 0; i < 1000; i++)
		add(&s, i * 8192, 8192);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_eq(darn_spans_len(&s), 1000 * 8192);
	darn_spans_release(&s);
}
END_TEST

START_TEST(no_wrap)
{
	struct darn_spans s = {0};

	add(&s, UINT64_MAX - 5, 100);
	ck_assert_uint_eq(darn_spans_len(&s), 5);
	add(&s, 7, 0);
	ck_assert_uint_eq(s.n, 1);
	darn_spans_release(&s);
}
END_TEST

static void fill(struct darn_spans *s, bool *bits, unsigned *seed)
{
	memset(bits, 0, SPACE);
	darn_spans_clear(s);
	for (int n = rand_r(seed) % 12; n > 0; n--) {
		unsigned lo = (unsigned)rand_r(seed) % SPACE;
		unsigned len = (unsigned)rand_r(seed) % 30;

		len = lo + len > SPACE ? SPACE - lo : len;
		add(s, lo, len);
		memset(bits + lo, 1, len);
	}
	darn_spans_normalise(s);
}

static uint64_t count(const bool *a, const bool *b, unsigned lo, unsigned hi)
{
	uint64_t n = 0;

	for (unsigned i = lo; i < hi; i++)
		n += a[i] && b[i];
	return n;
}

/* Every question, on many sets, asked of both. */
START_TEST(against_bits)
{
	struct darn_spans a = {0}, b = {0}, cut = {0};
	bool x[SPACE], y[SPACE];
	unsigned seed = 1;

	for (int round = 0; round < 3000; round++) {
		unsigned lo = (unsigned)rand_r(&seed) % SPACE;
		unsigned hi = lo + (unsigned)rand_r(&seed) % (SPACE - lo + 1);

		fill(&a, x, &seed);
		fill(&b, y, &seed);
		ck_assert_uint_eq(darn_spans_len(&a), count(x, x, 0, SPACE));
		ck_assert_uint_eq(darn_spans_common(&a, &b),
				  count(x, y, 0, SPACE));
		ck_assert_int_eq(darn_spans_contain(&a, lo, hi),
				 count(x, x, lo, hi) == hi - lo);
		darn_spans_clear(&cut);
		ck_assert_int_eq(darn_spans_add_within(&cut, &a, lo, hi, NULL),
				 DARN_OK);
		ck_assert_uint_eq(darn_spans_len(&cut), count(x, x, lo, hi));
		darn_spans_truncate(&a, lo);
		ck_assert_uint_eq(darn_spans_len(&a), count(x, x, 0, lo));
		if (b.n) {
			uint64_t gone = b.v[0].hi - b.v[0].lo;

			darn_spans_drop(&b, 1);
			ck_assert_uint_eq(darn_spans_len(&b),
					  count(y, y, 0, SPACE) - gone);
		}
	}
	darn_spans_release(&a);
	darn_spans_release(&b);
	darn_spans_release(&cut);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("cover");
	TCase *t = tcase_create("cover");

	tcase_add_test(t, in_order_is_one);
	tcase_add_test(t, no_wrap);
	tcase_add_test(t, against_bits);
	suite_add_tcase(s, t);
	return s;
}
