/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_repair.c - from findings to a mended store and back: what is written,
 * and from which source.  What is refused: test_repair_refused.c.
 */
#include "tests/unit/fake_mend.h"

START_TEST(everything_comes_back)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_repair_result res;
	struct darn_undo_result u;
	struct stat was, is;

	mend_damage();
	ck_assert_int_eq(stat(mend_at("db/data.pg"), &was), 0);
	mend_repair_ok(&o, &res);
	ck_assert_uint_eq(res.exit, DARN_EXIT_REPAIRED);
	ck_assert_uint_eq(res.done, 7);
	ck_assert(mend_same("db", "good"));
	/* times, owner and inode are what they were */
	ck_assert_int_eq(stat(mend_at("db/data.pg"), &is), 0);
	ck_assert_uint_eq(is.st_ino, was.st_ino);
	ck_assert_int_eq(is.st_mtim.tv_sec, was.st_mtim.tv_sec);
	ck_assert_int_eq(is.st_mtim.tv_nsec, was.st_mtim.tv_nsec);
	ck_assert_uint_eq(mend_totals(&o).items, 0);
	mend_undo_ok(res.journal, &u);
	ck_assert(!u.was_undone);
	ck_assert(mend_same("db", "damaged"));
	mend_undo_ok(res.journal, &u);
	ck_assert(u.was_undone);
	mend_repair_ok(&o, &res);
	ck_assert(mend_same("db", "good"));
}
END_TEST

START_TEST(stale_is_never_written)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_repair_result res;

	mend_put("good/MOMENT", 0, "6\n", 2);
	mend_damage();
	o.accept_probable = true;
	mend_repair_ok(&o, &res);
	ck_assert_uint_eq(res.done, 0);
	ck_assert_uint_eq(res.exit & DARN_EXIT_DAMAGED, DARN_EXIT_DAMAGED);
	ck_assert_uint_eq(mend_totals(&o).by_verdict[DARN_STALE], 7);
	ck_assert(mend_same("db", "damaged"));
}
END_TEST

START_TEST(probable_is_asked_for)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_repair_result res;

	mend_put("good/MOMENT", 0, "8\n", 2);
	mend_flip("db/data.pg", 700);
	mend_repair_ok(&o, &res);
	ck_assert_uint_eq(res.done, 0);
	ck_assert_uint_eq(res.exit, DARN_EXIT_DAMAGED);
	o.accept_probable = true;
	mend_repair_ok(&o, &res);
	ck_assert_uint_eq(res.exit, DARN_EXIT_REPAIRED);
}
END_TEST

/* A rotten backup is no medicine, and what heals is left alone. */
START_TEST(sources_and_stores_are_asked)
{
	struct darn_repair_options o = mend_from("good");
	struct darn_plan_totals t;
	uint8_t heals = 'H';

	mend_flip("db/data.pg", MEND_PAGE + 50);
	mend_flip("good/data.pg", MEND_PAGE + 60);
	mend_flip("db/data.pg", 2 * MEND_PAGE + 50);
	mend_put("db/data.pg", 2 * MEND_PAGE + 4, &heals, 1);
	t = mend_totals(&o);
	ck_assert_uint_eq(t.by_verdict[DARN_UNKNOWN], 1);
	ck_assert_uint_eq(t.by_verdict[DARN_HEALS], 1);
	ck_assert_uint_eq(t.writes, 0);
	ck_assert_uint_eq(t.exit_now, DARN_EXIT_DAMAGED);
}
END_TEST

START_TEST(the_best_source_wins_and_two_truths_are_none)
{
	const char *sources[2];
	struct darn_repair_options o;
	uint8_t page[MEND_PAGE];

	mend_sh("cp -a", mend_at("good"), mend_at("old"));
	mend_put("old/MOMENT", 0, "6\n", 2);
	mend_flip("db/data.pg", 100);
	sources[0] = strdup(mend_at("old"));
	sources[1] = strdup(mend_at("good"));
	o = mend_options(mend_at("db"), sources, 2);
	ck_assert_uint_eq(mend_totals(&o).by_verdict[DARN_EXACT], 1);
	/* both claim the same moment, and their pages differ */
	mend_put("old/MOMENT", 0, "7\n", 2);
	memset(page, 99, MEND_PAGE);
	mend_seal_page(page);
	mend_put("old/data.pg", 0, page, MEND_PAGE);
	ck_assert_uint_eq(mend_totals(&o).by_verdict[DARN_UNKNOWN], 1);
	free((char *)sources[0]);
	free((char *)sources[1]);
}
END_TEST

START_TEST(confirmed_by_the_source)
{
	static const uint8_t zeros[MEND_PAGE];
	struct darn_repair_options o = mend_from("good");
	struct darn_plan_totals t;

	mend_put("db/data.pg", 5 * MEND_PAGE, zeros, MEND_PAGE);
	mend_put("good/data.pg", 5 * MEND_PAGE, zeros, MEND_PAGE);
	t = mend_totals(&o);
	ck_assert_uint_eq(t.confirmed, 1);
	ck_assert_uint_eq(t.exit_now, 0);
	ck_assert_uint_eq(t.writes, 0);
}
END_TEST

/* PATH may be above or within the store, or one of its files. */
START_TEST(a_piece_of_a_store)
{
	static const struct {
		const char *target, *source;
	} views[] = {
		{"db", "good"},
		{"db/sub", "good/sub"},
		{"db/sub", "good"},
		{"db/sub/more.pg", "good/sub/more.pg"},
		{"db/sub/more.pg", "good"},
		{"srv", "copy"},
		{"srv", "good"},
	};
	const char *sources[1];
	char target[300], source[300];
	struct darn_repair_options o;
	struct darn_plan_totals t;

	mend_sh("mkdir", mend_at("srv"), mend_at("copy"));
	mend_sh("cp -a", mend_at("db"), mend_at("srv/db"));
	mend_sh("cp -a", mend_at("db"), mend_at("copy/db"));
	mend_flip("db/sub/more.pg", 100);
	mend_flip("srv/db/sub/more.pg", 100);
	strcpy(target, mend_at(views[_i].target));
	strcpy(source, mend_at(views[_i].source));
	sources[0] = source;
	o = mend_options(target, sources, 1);
	t = mend_totals(&o);
	ck_assert_uint_eq(t.items, 1);
	ck_assert_uint_eq(t.by_verdict[DARN_EXACT], 1);
}
END_TEST

/* What a dead engine left behind is there again afterwards, as old as it was.
 */
START_TEST(the_lock_is_given_back)
{
	const struct timespec old[2] = {{.tv_sec = 7}, {.tv_sec = 7}};
	struct darn_repair_options o = mend_from("good");
	struct darn_repair_result res;
	struct stat st;

	mend_put("db/lock.pid", 0, "stale\n", 6);
	mend_put("good/lock.pid", 0, "stale\n", 6);
	ck_assert_int_eq(utimensat(AT_FDCWD, mend_at("db/lock.pid"), old, 0),
			 0);
	mend_flip("db/data.pg", 100);
	mend_repair_ok(&o, &res);
	ck_assert(mend_same("db", "good"));
	ck_assert_int_eq(stat(mend_at("db/lock.pid"), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 7);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("repair");
	TCase *t = tcase_create("repair");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, mend_setup, mend_teardown);
	tcase_add_test(t, everything_comes_back);
	tcase_add_test(t, stale_is_never_written);
	tcase_add_test(t, probable_is_asked_for);
	tcase_add_test(t, sources_and_stores_are_asked);
	tcase_add_test(t, the_best_source_wins_and_two_truths_are_none);
	tcase_add_test(t, confirmed_by_the_source);
	tcase_add_loop_test(t, a_piece_of_a_store, 0, 7);
	tcase_add_test(t, the_lock_is_given_back);
	suite_add_tcase(s, t);
	return s;
}
