/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_target.c - a restore writes below its target and nowhere else, whatever
 * the snapshot calls its files and its roots.
 */
#include "lib/snapshot/target.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], to[96];

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/darn-target-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(to, sizeof(to), "%s/to", dir);
}

static void teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static bool is_there(const char *name)
{
	char path[160];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return lstat(path, &st) == 0;
}

/* Opens @below in the target and makes a file there; how that went. */
static enum darn_rc restore(const char *below, const char *name)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_target *t;
	int fd;
	enum darn_rc rc = darn_target_open(to, below, true, &t, &err);

	if (rc)
		return rc;
	rc = darn_target_file(t, name, 1, true, &fd, &err);
	if (rc == DARN_OK)
		(void)close(fd);
	darn_target_close(t);
	return rc;
}

START_TEST(below_the_target)
{
	ck_assert_int_eq(restore("", "a"), DARN_OK);
	ck_assert_int_eq(restore("/", "b"), DARN_OK);
	ck_assert_int_eq(restore("/srv/data", "c/d"), DARN_OK);
	ck_assert(is_there("to/a") && is_there("to/b"));
	ck_assert(is_there("to/srv/data/c/d"));
}
END_TEST

START_TEST(nothing_leads_up)
{
	ck_assert_int_ne(restore("/../out", "a"), DARN_OK);
	ck_assert_int_ne(restore("/srv/../../out", "a"), DARN_OK);
	ck_assert_int_ne(restore("", "../out/a"), DARN_OK);
	ck_assert(!is_there("out"));
}
END_TEST

START_TEST(no_link_is_followed)
{
	char link[128];

	ck_assert_int_eq(restore("/srv", "a"), DARN_OK);
	(void)snprintf(link, sizeof(link), "%s/srv/link", to);
	ck_assert_int_eq(symlink("../..", link), 0);
	ck_assert_int_ne(restore("/srv/link", "b"), DARN_OK);
	ck_assert_int_ne(restore("/srv/link/out", "b"), DARN_OK);
	ck_assert_int_ne(restore("/srv", "link/b"), DARN_OK);
	ck_assert(!is_there("b") && !is_there("out"));
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("target");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, below_the_target);
	tcase_add_test(t, nothing_leads_up);
	tcase_add_test(t, no_link_is_followed);
	suite_add_tcase(s, t);
	return s;
}
