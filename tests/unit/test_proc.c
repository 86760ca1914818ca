/* SPDX-License-Identifier: Apache-2.0 */
/* test_proc.c - what /proc says, about processes made for the purpose. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/scan/proc.h"

static char dir[] = "/tmp/darn-proc.XXXXXX";
static struct stat here;

static void setup(void)
{
	(void)strcpy(dir, "/tmp/darn-proc.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(stat(dir, &here), 0);
}

static void teardown(void)
{
	(void)rmdir(dir);
}

/* A child called @name whose working directory is @cwd. */
static pid_t start(const char *name, const char *cwd)
{
	int ready[2];
	char c = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		bool ok = prctl(PR_SET_NAME, name) == 0 &&
			  prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
			  chdir(cwd) == 0;

		(void)!write(ready[1], ok ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

START_TEST(alive)
{
	pid_t child = start("sleeper", "/");

	ck_assert_int_eq(darn_proc_alive(getpid()), DARN_YES);
	ck_assert_int_eq(darn_proc_alive(child), DARN_YES);
	end(child);
	ck_assert_int_eq(darn_proc_alive(child), DARN_NO);
	ck_assert_int_eq(darn_proc_alive(0), DARN_NO);
	ck_assert_int_eq(darn_proc_alive(-1), DARN_NO);
}
END_TEST

START_TEST(works_in)
{
	pid_t inside = start("darn-engine", dir);
	pid_t outside = start("darn-engine", "/");
	pid_t stranger = start("darn-shell", dir);
	pid_t found = 0;

	ck_assert_int_eq(darn_proc_works_in(inside, "darn-eng", here.st_dev,
					    here.st_ino),
			 DARN_YES);
	ck_assert_int_eq(darn_proc_works_in(outside, "darn-eng", here.st_dev,
					    here.st_ino),
			 DARN_NO);
	ck_assert_int_eq(darn_proc_works_in(stranger, "darn-eng", here.st_dev,
					    here.st_ino),
			 DARN_NO);
	ck_assert_int_eq(darn_proc_dir_in_use("darn-eng", here.st_dev,
					      here.st_ino, &found),
			 DARN_YES);
	ck_assert_int_eq(found, inside);
	end(inside);
	ck_assert_int_ne(darn_proc_dir_in_use("darn-eng", here.st_dev,
					      here.st_ino, &found),
			 DARN_YES);
	ck_assert_int_eq(darn_proc_works_in(inside, "darn-eng", here.st_dev,
					    here.st_ino),
			 DARN_NO);
	end(outside);
	end(stranger);
}
END_TEST

START_TEST(boot_time)
{
	int64_t boot = 0;

	ck_assert(darn_proc_boot_time_ns(&boot));
	ck_assert_int_gt(boot, INT64_C(1000000000) * 1000000000);
	ck_assert_int_lt(boot / 1000000000, (int64_t)time(NULL) + 1);
}
END_TEST

START_TEST(file_systems)
{
	ck_assert(!darn_fs_is_local("/proc"));
	ck_assert(!darn_fs_is_local("/nonexistent"));
	ck_assert(darn_fs_is_local("/dev/shm"));
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("proc");
	TCase *t = tcase_create("processes");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, alive);
	tcase_add_test(t, works_in);
	tcase_add_test(t, boot_time);
	tcase_add_test(t, file_systems);
	suite_add_tcase(s, t);
	return s;
}
