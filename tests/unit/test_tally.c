/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tally.c - counting by name, also more names than fit.
 *
 * Test binaries link libdarn.a only, so the file under test is included.
 */
#include "cmd/tally.c"

#include <check.h>

static struct darn_tally t;

static void fresh(void)
{
	memset(&t, 0, sizeof(t));
}

START_TEST(counts_and_sorts)
{
	darn_tally_add(&t, "b", "B", 1);
	darn_tally_add(&t, "a", "A", 1);
	darn_tally_add(&t, "large", "", 100);
	darn_tally_add(&t, "twice", "", 0);
	darn_tally_add(&t, "twice", "", 1);
	darn_tally_sort(&t);
	ck_assert_uint_eq(t.n, 4);
	ck_assert_str_eq(t.v[0].name, "large");
	ck_assert_str_eq(t.v[1].name, "twice");
	ck_assert_uint_eq(t.v[1].count, 2);
	ck_assert_str_eq(t.v[2].name, "a");
	ck_assert_str_eq(t.v[3].name, "b");
	ck_assert_str_eq(t.v[3].text, "B");
}
END_TEST

START_TEST(more_than_fit)
{
	char name[16];
	uint64_t count = 0;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "n%d", i);
			darn_tally_add(&t, name, "", 1);
		}
	}
	ck_assert_uint_eq(t.n, DARN_TALLY_MAX + 1);
	ck_assert_str_eq(t.v[DARN_TALLY_MAX].name, "other");
	ck_assert_uint_eq(t.v[0].count, 2);
	for (size_t i = 0; i < t.n; i++)
		count += t.v[i].count;
	ck_assert_uint_eq(count, 400);
}
END_TEST

START_TEST(long_names)
{
	char name[1000];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	darn_tally_add(&t, name, name, 1);
	darn_tally_add(&t, name, name, 1);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_uint_eq(t.v[0].count, 2);
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("tally");
	TCase *c = tcase_create("tally");

	tcase_add_checked_fixture(c, fresh, NULL);
	tcase_add_test(c, counts_and_sorts);
	tcase_add_test(c, more_than_fit);
	tcase_add_test(c, long_names);
	suite_add_tcase(s, c);
	return s;
}
