/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_opt.c - options by table: spelling, order, ranges, synopsis.
 *
 * Test binaries link libdarn.a only, so the files under test are included.
 */
#include "cmd/opt.c"
#include "cmd/usage.c"

#include <check.h>

struct values {
	bool dry;
	unsigned verbose, jobs, mode;
	uint64_t count;
	const char *plan;
	struct darn_strings from;
};

static const struct darn_opt table[] = {
	DARN_OPT_FLAG('n', "dry-run", struct values, dry, "show the plan"),
	DARN_OPT_COUNT('v', "verbose", struct values, verbose, "say more"),
	DARN_OPT_UINT('j', "jobs", "N", struct values, jobs, "workers"),
	DARN_OPT_U64(0, "count", "N", struct values, count, "how many"),
	DARN_OPT_STR_REQUIRED(0, "plan", "FILE", struct values, plan,
			      "the plan"),
	DARN_OPT_CHOICE(0, "mode", "auto|bar|none", struct values, mode, "how"),
	DARN_OPT_LIST(0, "from", "SOURCE", struct values, from,
		      "take good bytes from SOURCE"),
	DARN_OPT_END};

static struct values values;
static struct darn_strings operands;
static struct darn_error err;

/* Parses up to a NULL. */
static enum darn_rc parse(const char *const *args)
{
	struct darn_opt_group groups[] = {{NULL, NULL}, {table, &values}};
	int n = 0;

	darn_opt_release(groups, 2);
	darn_strings_release(&operands);
	values = (struct values){.jobs = 7};
	err = (struct darn_error)DARN_ERROR_INIT;
	while (args[n])
		n++;
	return darn_opt_parse(n, (char *const *)args, groups, 2, &operands,
			      &err);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void release(void)
{
	struct darn_opt_group group = {table, &values};

	darn_opt_release(&group, 1);
	darn_strings_release(&operands);
}

START_TEST(any_order)
{
	ck_assert_int_eq(PARSE("a", "--from", "s1", "-nv", "b", "--from=s2",
			       "-vj4", "--plan", "p", "-"),
			 DARN_OK);
	ck_assert(values.dry);
	ck_assert_uint_eq(values.verbose, 2);
	ck_assert_uint_eq(values.jobs, 4);
	ck_assert_str_eq(values.plan, "p");
	ck_assert_uint_eq(values.from.n, 2);
	ck_assert_str_eq(values.from.items[0], "s1");
	ck_assert_str_eq(values.from.items[1], "s2");
	ck_assert_ptr_null(values.from.items[2]);
	ck_assert_uint_eq(operands.n, 3);
	ck_assert_str_eq(operands.items[0], "a");
	ck_assert_str_eq(operands.items[1], "b");
	ck_assert_str_eq(operands.items[2], "-");
	ck_assert_ptr_null(operands.items[3]);
}
END_TEST

START_TEST(double_dash_ends_options)
{
	ck_assert_int_eq(PARSE("-n", "--", "-v", "--from"), DARN_OK);
	ck_assert_uint_eq(values.verbose, 0);
	ck_assert_uint_eq(operands.n, 2);
	ck_assert_str_eq(operands.items[0], "-v");
}
END_TEST

START_TEST(many_operands)
{
	const char *args[102] = {0};

	for (int i = 0; i < 101; i++)
		args[i] = i % 2 ? "x" : "y";
	ck_assert_int_eq(parse(args), DARN_OK);
	ck_assert_uint_eq(operands.n, 101);
	ck_assert_str_eq(operands.items[100], "y");
	ck_assert_ptr_null(operands.items[101]);
}
END_TEST

START_TEST(last_one_counts)
{
	ck_assert_int_eq(PARSE("--plan=a", "--plan=", "--jobs=1", "-j", "0"),
			 DARN_OK);
	ck_assert_str_eq(values.plan, "");
	ck_assert_uint_eq(values.jobs, 0);
}
END_TEST

/* What is wrong, and a piece of the line that says so. */
static const struct {
	const char *args[3];
	const char *text;
} wrong[] = {
	{{"--bogus"}, "unknown option '--bogus'"},
	{{"--dry"}, "unknown option '--dry'"},
	{{"--dry-runs"}, "unknown option '--dry-runs'"},
	{{"-x"}, "unknown option '-x'"},
	{{"-nx"}, "unknown option '-x'"},
	{{"--dry-run=1"}, "takes no argument"},
	{{"--plan"}, "'--plan' needs an argument: FILE"},
	{{"-vj"}, "'-j' needs an argument: N"},
	{{"-j", "4x"}, "option '--jobs': '4x' is not a number"},
	{{"-j", "-1"}, "'-1' is not a number"},
	{{"-j", ""}, "'' is not a number"},
	{{"-j", " 1"}, "is not a number"},
	{{"-j", "4294967295"}, "is not a number"},
	{{"--count", "18446744073709551616"}, "is not a number"},
	{{"--mode", "ba"}, "'ba' is not one of auto|bar|none"},
	{{"--mode", ""}, "'' is not one of"},
	{{"--mode=auto|bar"}, "is not one of"},
};

START_TEST(mistakes)
{
	ck_assert_int_eq(parse(wrong[_i].args), DARN_EINVAL);
	ck_assert_msg(strstr(err.msg, wrong[_i].text) != NULL, "got: %s",
		      err.msg);
}
END_TEST

START_TEST(numbers_and_choices)
{
	ck_assert_int_eq(PARSE("--count", "18446744073709551615", "-j",
			       "4294967294", "--mode=none"),
			 DARN_OK);
	ck_assert_uint_eq(values.count, UINT64_MAX);
	ck_assert_uint_eq(values.jobs, 4294967294u);
	ck_assert_uint_eq(values.mode, 2);
}
END_TEST

START_TEST(required_is_asked_for_later)
{
	struct darn_opt_group group = {table, &values};

	ck_assert_int_eq(PARSE("-n"), DARN_OK);
	ck_assert_int_eq(darn_opt_complete(&group, 1, &err), DARN_EINVAL);
	ck_assert_str_eq(err.msg, "--plan FILE is missing");
	ck_assert_int_eq(PARSE("--plan", "p"), DARN_OK);
	ck_assert_int_eq(darn_opt_complete(&group, 1, &err), DARN_OK);
}
END_TEST

/* What @fn prints, to be freed. */
static char *printed(void (*fn)(FILE *, const struct darn_opt_group *, size_t))
{
	struct darn_opt_group group = {table, &values};
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	fn(f, &group, 1);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

static void put_synopsis(FILE *f, const struct darn_opt_group *g, size_t n)
{
	darn_opt_synopsis(f, "darn mend", g, n, "PATH");
}

START_TEST(synopsis)
{
	char *text = printed(put_synopsis);

	ck_assert_str_eq(text, "darn mend [-n] [-v] [-j N] [--count N] "
			       "--plan FILE [--mode=auto|bar|none]\n"
			       "        [--from SOURCE]... PATH\n");
	free(text);
}
END_TEST

START_TEST(descriptions_fit_the_screen)
{
	char *text = printed(darn_opt_describe);

	ck_assert_ptr_nonnull(
		strstr(text, "  -n, --dry-run               show the plan\n"));
	for (char *p = text; *p; p += strcspn(p, "\n") + 1)
		ck_assert_uint_lt(strcspn(p, "\n"), 80);
	free(text);
}
END_TEST

START_TEST(list_for_completion)
{
	char *text = printed(darn_opt_list);

	ck_assert_str_eq(text, "-n\n--dry-run\n-v\n--verbose\n-j\n--jobs=N\n"
			       "--count=N\n--plan=FILE\n"
			       "--mode=auto|bar|none\n--from=SOURCE\n");
	free(text);
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("opt");
	TCase *t = tcase_create("opt");

	tcase_add_checked_fixture(t, NULL, release);
	tcase_add_test(t, any_order);
	tcase_add_test(t, double_dash_ends_options);
	tcase_add_test(t, many_operands);
	tcase_add_test(t, last_one_counts);
	tcase_add_loop_test(t, mistakes, 0, DARN_ARRAY_SIZE(wrong));
	tcase_add_test(t, numbers_and_choices);
	tcase_add_test(t, required_is_asked_for_later);
	tcase_add_test(t, synopsis);
	tcase_add_test(t, descriptions_fit_the_screen);
	tcase_add_test(t, list_for_completion);
	suite_add_tcase(s, t);
	return s;
}
