/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_path.c - paths put together and taken apart again.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/base/mem.h"

static const struct {
	const char *path, *dir, *rest; /* rest NULL: elsewhere */
} below[] = {
	{"/a/b/c", "/a/b", "c"}, {"/a/b/c", "/a", "b/c"},
	{"/a/b", "/a/b", ""},	 {"/a/bc", "/a/b", NULL},
	{"/a", "/a/b", NULL},	 {"/b", "/a", NULL},
	{"/a/b", "/", "a/b"},	 {"/", "/", ""},
	{"a", "/", NULL},	 {"a/b", "a", "b"},
	{"ab", "a", NULL},	 {"a", "", "a"},
	{"/a", "", "/a"},	 {"", "", ""},
	{"", "a", NULL},
};

START_TEST(below_a_directory)
{
	const char *rest = darn_path_below(below[_i].path, below[_i].dir);

	if (below[_i].rest)
		ck_assert_str_eq(rest, below[_i].rest);
	else
		ck_assert_ptr_null(rest);
}
END_TEST

static const struct {
	const char *dir, *name, *path;
} joined[] = {
	{"/a", "b", "/a/b"}, {"/", "b", "/b"}, {"a/", "b/c", "a/b/c"},
	{"", "b", "b"},	     {"a", "", "a"},   {"", "", ""},
};

START_TEST(joins)
{
	char *path = darn_path_join(joined[_i].dir, joined[_i].name, NULL);

	ck_assert_str_eq(path, joined[_i].path);
	free(path);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("path");
	TCase *t = tcase_create("path");

	tcase_add_loop_test(t, below_a_directory, 0, DARN_ARRAY_SIZE(below));
	tcase_add_loop_test(t, joins, 0, DARN_ARRAY_SIZE(joined));
	suite_add_tcase(s, t);
	return s;
}
