/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_repair_refused.c - what a repair leaves alone: wrong sources, stores in
 * use, plans that changed, more than was allowed, and what is not its own.
 */
#include "tests/unit/fake_mend.h"

static void refused(const char *target, const char *source)
{
	const char *sources[] = {source};
	struct darn_repair_options o = mend_options(target, sources, 1);
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_plan *p = NULL;

	ck_assert_int_eq(darn_plan_make(&o, &p, &err), DARN_EINVAL);
	ck_assert_ptr_null(p);
}

START_TEST(what_is_no_backup)
{
	mend_flip("db/data.pg", 100);
	refused(mend_at("db"), mend_at("db"));
	refused(mend_at("db"), mend_at("db/sub"));
	refused(mend_at("db/sub"), mend_at("db"));
	refused(mend_at("db"), mend_dir);
	refused(mend_at("db"), mend_at("nowhere"));
	refused(mend_at("db"), mend_at("good/data.pg"));
	mend_sh("ln -s", mend_at("db"), mend_at("alias"));
	refused(mend_at("db"), mend_at("alias"));
	mend_sh("cp -al", mend_at("db"), mend_at("linked"));
	refused(mend_at("db"), mend_at("linked"));
}
END_TEST

START_TEST(other_names_are_spared)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_repair_result res;

	mend_flip("db/data.pg", 100);
	mend_sh("ln", mend_at("db/data.pg"), mend_at("kept"));
	mend_repair_ok(&o, &res);
	ck_assert_uint_eq(res.done, 0);
	ck_assert_uint_eq(res.exit, DARN_EXIT_DAMAGED);
	ck_assert(!mend_same("db/data.pg", "good/data.pg"));
}
END_TEST

START_TEST(live_and_unknown_stores)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_repair_result res;
	char *journal = NULL;

	mend_flip("db/data.pg", 100);
	mend_put("db/LIVE", 0, "x", 1);
	o.assume_stopped = true;
	ck_assert_int_eq(mend_repair(&o, &res, &err), DARN_EREFUSED);
	/* nothing was begun that the next run would have to finish */
	ck_assert_int_eq(darn_repair_pending(&o, &journal, NULL), DARN_ENOENT);
	ck_assert_int_eq(unlink(mend_at("db/LIVE")), 0);
	mend_put("db/MAYBE", 0, "x", 1);
	o.assume_stopped = false;
	darn_error_clear(&err);
	ck_assert_int_eq(mend_repair(&o, &res, &err), DARN_EREFUSED);
	ck_assert(!mend_same("db/data.pg", "good/data.pg"));
	o.assume_stopped = true;
	mend_repair_ok(&o, &res);
	ck_assert(mend_same("db/data.pg", "good/data.pg"));
}
END_TEST

struct taken {
	unsigned done, left;
};
static void on_action(const struct darn_plan_item *i, bool done,
		      const char *why, void *payload)
{
	struct taken *t = payload;

	(void)i;
	(void)why;
	t->done += done;
	t->left += !done;
}

/* Whatever changed since the plan was made is left alone. */
START_TEST(a_saved_plan_is_not_believed)
{
	struct darn_repair_options o = mend_from("good"), again;
	struct darn_plan *p = NULL;
	struct darn_repair_result res;
	struct taken taken = {0, 0};
	struct darn_apply_options a = {
		.repair = &again, .action = on_action, .payload = &taken};

	mend_flip("db/data.pg", 100);
	mend_flip("db/data.pg", MEND_PAGE + 100);
	mend_flip("db/data.pg", 2 * MEND_PAGE + 100);
	ck_assert_int_eq(darn_plan_make(&o, &p, NULL), DARN_OK);
	ck_assert_int_eq(darn_plan_save(p, mend_at("plan"), NULL), DARN_OK);
	darn_plan_destroy(p);
	mend_flip("db/data.pg", 101);
	mend_flip("good/data.pg", MEND_PAGE + 7);
	ck_assert_int_eq(darn_plan_load(mend_at("plan"), &p, NULL), DARN_OK);
	again = *darn_plan_options(p);
	again.scan = o.scan;
	ck_assert_int_eq(darn_repair_apply(p, &a, &res, NULL), DARN_OK);
	darn_report_destroy(res.report);
	darn_plan_destroy(p);
	ck_assert_uint_eq(taken.done, 1);
	ck_assert_uint_eq(taken.left, 2);
	ck_assert_uint_eq(res.exit, DARN_EXIT_REPAIRED | DARN_EXIT_DAMAGED);
}
END_TEST

START_TEST(a_plan_that_was_touched)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_plan *p = NULL;
	char buf[20000];
	size_t len;
	FILE *f;

	mend_flip("db/data.pg", 100);
	ck_assert_int_eq(darn_plan_make(&o, &p, NULL), DARN_OK);
	ck_assert_int_eq(darn_plan_save(p, mend_at("plan"), NULL), DARN_OK);
	darn_plan_destroy(p);
	f = fopen(mend_at("plan"), "rb");
	ck_assert_ptr_nonnull(f);
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	for (size_t i = 0; i < len; i++) {
		char keep = buf[i];

		buf[i] = (char)(buf[i] ^ 1);
		f = fopen(mend_at("touched"), "wb");
		ck_assert_uint_eq(fwrite(buf, 1, len, f), len);
		fclose(f);
		p = NULL;
		if (darn_plan_load(mend_at("touched"), &p, NULL) == DARN_OK)
			ck_abort_msg("byte %zu", i);
		buf[i] = keep;
		ck_assert_int_eq(truncate(mend_at("touched"), (off_t)i), 0);
		ck_assert_int_ne(darn_plan_load(mend_at("touched"), &p, NULL),
				 DARN_OK);
	}
}
END_TEST

START_TEST(more_than_is_allowed)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_apply_options a = {.repair = &o, .limit = {.units = 1}};
	struct darn_repair_result res;
	struct darn_plan *p = NULL;

	mend_flip("db/data.pg", 100);
	mend_flip("db/data.pg", MEND_PAGE + 100);
	ck_assert_int_eq(darn_plan_make(&o, &p, NULL), DARN_OK);
	ck_assert_int_eq(darn_repair_apply(p, &a, &res, NULL), DARN_OK);
	ck_assert(res.stopped);
	ck_assert_uint_eq(res.exit, DARN_EXIT_DAMAGED | DARN_EXIT_INCOMPLETE);
	ck_assert_str_eq(res.journal, "");
	a.limit = (struct darn_repair_limit){.percent = 1};
	ck_assert_int_eq(darn_repair_apply(p, &a, &res, NULL), DARN_OK);
	ck_assert(res.stopped);
	darn_plan_destroy(p);
}
END_TEST

START_TEST(undo_refuses_what_is_not_ours)
{
	struct darn_undo_options u = {.stores = mend_stores};
	struct darn_repair_options o = mend_from("good");
	struct darn_repair_result res;
	struct darn_undo_result r;

	mend_damage();
	mend_repair_ok(&o, &res);
	mend_flip("db/data.pg", 3 * MEND_PAGE + 200);
	ck_assert_int_eq(darn_undo(res.journal, &u, &r, NULL), DARN_EREFUSED);
	mend_flip("db/data.pg", 3 * MEND_PAGE + 200);
	ck_assert(mend_same("db", "good"));
	mend_flip("db/sub/more.pg", 20);
	ck_assert_int_eq(darn_undo(res.journal, &u, &r, NULL), DARN_EREFUSED);
	mend_flip("db/sub/more.pg", 20);
	mend_put("db/LIVE", 0, "x", 1);
	ck_assert_int_eq(darn_undo(res.journal, &u, &r, NULL), DARN_EREFUSED);
	ck_assert_int_eq(unlink(mend_at("db/LIVE")), 0);
	ck_assert(mend_same("db", "good"));
	mend_undo_ok(res.journal, &r);
	ck_assert(mend_same("db", "damaged"));
}
END_TEST

START_TEST(one_repair_at_a_time)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_repair_result res;
	char cmd[400];
	FILE *other;
	int c;

	mend_flip("db/data.pg", 100);
	snprintf(cmd, sizeof(cmd), "flock '%s' sh -c 'echo; sleep 1'",
		 mend_at("db"));
	other = popen(cmd, "r");
	ck_assert_ptr_nonnull(other);
	c = fgetc(other);
	ck_assert_int_eq(c, '\n');
	ck_assert_int_eq(mend_repair(&o, &res, &err), DARN_EREFUSED);
	pclose(other);
	mend_repair_ok(&o, &res);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("repair refused");
	TCase *t = tcase_create("repair refused");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, mend_setup, mend_teardown);
	tcase_add_test(t, what_is_no_backup);
	tcase_add_test(t, other_names_are_spared);
	tcase_add_test(t, live_and_unknown_stores);
	tcase_add_test(t, a_saved_plan_is_not_believed);
	tcase_add_test(t, a_plan_that_was_touched);
	tcase_add_test(t, more_than_is_allowed);
	tcase_add_test(t, undo_refuses_what_is_not_ours);
	tcase_add_test(t, one_repair_at_a_time);
	suite_add_tcase(s, t);
	return s;
}
