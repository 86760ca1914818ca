/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_repo.c - a snapshot gives back what was stored, and what stands in the
 * way of one leaves nothing behind.  Damage: test_repo_damage.c.
 */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_repo.h"

START_TEST(round_trip)
{
	struct darn_snapshot_totals t;
	struct stat st;
	char path[256];

	repo_add_big();
	t = repo_create();
	ck_assert_uint_eq(t.seen.files, 4);
	ck_assert_uint_eq(t.seen.bytes, REPO_BIG + 2000);
	ck_assert_uint_eq(t.reused, 1000); /* the twin */
	ck_assert_uint_gt(t.zeros, 0);
	ck_assert_int_eq(repo_verify(NULL), 0);
	ck_assert_uint_eq(repo_restore(DARN_OK).lost, 0);
	ck_assert(repo_same());
	(void)snprintf(path, sizeof(path), "%s/sub/twin", out);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mtime, DATA_TIME);
	(void)snprintf(path, sizeof(path), "%s/sub", out);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0750);
	(void)repo_restore(DARN_EREFUSED); /* it is not empty any more */
}
END_TEST

START_TEST(nothing_new)
{
	struct darn_snapshot_totals t;

	repo_add_big();
	(void)repo_create();
	t = repo_create();
	ck_assert_uint_eq(t.stored, 0);
	ck_assert_uint_eq(t.fresh, 0);
	ck_assert_int_eq(repo_verify(NULL), 0);
	t = repo_create();
	ck_assert_uint_eq(t.stored, 0);
}
END_TEST

static enum darn_rc list_names(const struct darn_entry *e, void *payload,
			       struct darn_error *err)
{
	char *text = payload;

	(void)err;
	(void)strcat(strcat(text, e->path), " ");
	return DARN_OK;
}

START_TEST(as_a_tree)
{
	const struct darn_snapshot_info *info;
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_manifest *m;
	struct darn_tree *tree;
	struct darn_stat st;
	struct darn_repo *r;
	struct darn_io *io;
	char names[256] = "", *prefix, sub[128];
	uint8_t *got = malloc(REPO_BIG), *want = malloc(REPO_BIG + 32);
	size_t n;

	repo_add_big();
	(void)repo_create();
	(void)repo_create();
	repo_fill(want, REPO_BIG, 2);
	memset(want + 100000, 0, REPO_HOLE);
	(void)snprintf(sub, sizeof(sub), "%s/sub", data);
	ck_assert_int_eq(darn_repo_open(repo, &r, &err), 0);
	ck_assert_uint_eq(darn_repo_count(r), 2);
	ck_assert_int_eq(
		darn_repo_find_root(r, sub, 2, &tree, &m, &prefix, &info, &err),
		DARN_ENOENT);
	darn_error_clear(&err);
	ck_assert_msg(darn_repo_find_root(r, sub, 0, &tree, &m, &prefix, &info,
					  &err) == 0,
		      "%s", err.msg);
	ck_assert_str_eq(prefix, "sub");
	ck_assert_str_eq(info->id, darn_repo_info(r, 1)->id);
	ck_assert_int_eq(darn_tree_list(tree, "", list_names, names, &err), 0);
	ck_assert_str_eq(names, "small sub ");
	names[0] = '\0';
	ck_assert_int_eq(darn_tree_list(tree, "sub", list_names, names, &err),
			 0);
	ck_assert_str_eq(names, "sub/big sub/empty sub/twin ");
	ck_assert_int_eq(darn_tree_stat(tree, "sub", &st, &err), 0);
	ck_assert_int_eq(st.type, DARN_FT_DIR);
	ck_assert_int_eq(darn_tree_open(tree, "sub/big", &io, &err), 0);
	ck_assert_int_eq(
		darn_io_read(io, got, 5000, 65000, DARN_READ_NORMAL, &n, &err),
		0);
	ck_assert_uint_eq(n, 5000);
	ck_assert_mem_eq(got, want + 65000, 5000);
	ck_assert_int_eq(darn_io_read_full(io, got, REPO_BIG, 0, &err), 0);
	ck_assert_mem_eq(got, want, REPO_BIG);
	darn_io_close(io);
	darn_tree_close(tree);
	darn_manifest_close(m);
	darn_repo_close(r);
	free(prefix);
	free(got);
	free(want);
}
END_TEST

static int nleft;

static int count_tmp(const char *path, const struct stat *st, int flag,
		     struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	nleft += strstr(path, ".darn-tmp-") != NULL;
	return 0;
}

/* Files that an unfinished run left in the repository. */
static int count_leftovers(void)
{
	nleft = 0;
	(void)nftw(repo, count_tmp, 8, FTW_PHYS);
	return nleft;
}

START_TEST(no_room)
{
	struct rlimit old, tight;
	bool done = false;
	unsigned tries = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)repo_create();
	repo_add_big();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (rlim_t limit = 64; !done; limit = limit * 5 / 4) {
		struct darn_error err = DARN_ERROR_INIT;
		struct darn_snapshot_totals t;
		enum darn_rc rc;

		tight = old;
		tight.rlim_cur = limit;
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
		rc = repo_take(&t, &err);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
		done = rc == DARN_OK;
		ck_assert_msg(done || rc == DARN_EIO, "%s", err.msg);
		ck_assert_int_eq(count_leftovers(), 0);
		ck_assert_int_eq(repo_verify(NULL), 0);
		tries++;
	}
	ck_assert_uint_gt(tries, 10);
	ck_assert_uint_eq(repo_restore(DARN_OK).lost, 0);
	ck_assert(repo_same());
}
END_TEST

START_TEST(leftovers)
{
	char path[256], last[64] = "";

	(void)repo_create();
	(void)snprintf(path, sizeof(path), "%s/snapshots/0123.darn-tmp-", repo);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)strcat(path, "/head");
	(void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(repo_verify(last), 0);
	ck_assert_str_eq(last, "repo/leftover");
	(void)repo_create();
	ck_assert_int_eq(count_leftovers(), 0);
}
END_TEST

START_TEST(no_repository)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_snapshot_totals t;
	struct darn_repo *r;

	ck_assert_int_eq(darn_repo_open(data, &r, &err), DARN_ENOENT);
	darn_error_clear(&err);
	(void)snprintf(repo, sizeof(repo), "%s", data);
	ck_assert_int_eq(repo_take(&t, &err), DARN_EREFUSED);
	ck_assert_ptr_nonnull(strstr(err.msg, "neither empty"));
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("repo");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, repo_setup, data_teardown);
	tcase_add_test(t, round_trip);
	tcase_add_test(t, nothing_new);
	tcase_add_test(t, as_a_tree);
	tcase_add_test(t, no_room);
	tcase_add_test(t, leftovers);
	tcase_add_test(t, no_repository);
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	return s;
}
