/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pg_cluster.c - what is known of a cluster, what must be in it, and
 * whether a server uses it.
 */
#include "tests/unit/pg_cluster.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/scan/proc.h"

static struct pg_home home;

static void setup(void)
{
	pg_home_make(&home);
}

static void teardown(void)
{
	pg_home_remove(&home);
}

static const struct darn_pg *pg(void)
{
	return home.ctx;
}

static void expect(void)
{
	struct darn_error err = DARN_ERROR_INIT;

	pg_home_open(&home);
	ck_assert_msg(darn_pg_expect(home.ctx, home.tree, &home.sink, &err) ==
			      DARN_OK,
		      "%s", err.msg);
}

static unsigned recognise(void)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_tree *t;
	unsigned sure;

	ck_assert_int_eq(darn_tree_open_posix(home.dir, false, &t, &err),
			 DARN_OK);
	sure = darn_stores[0]->recognise(t, "");
	ck_assert_uint_eq(darn_stores[0]->recognise(t, "base/5"), 0);
	ck_assert_uint_eq(darn_stores[0]->recognise(t, "nowhere"), 0);
	darn_tree_close(t);
	return sure;
}

START_TEST(recognised)
{
	ck_assert_uint_eq(recognise(), 90);
	pg_remove(&home, "global/pg_control");
	ck_assert_uint_eq(recognise(), 70);
	pg_remove(&home, "PG_VERSION");
	ck_assert_uint_eq(recognise(), 0);
}
END_TEST

START_TEST(known)
{
	struct darn_evidence why = {.text = ""};

	pg_home_open(&home);
	ck_assert_uint_eq(home.sink.nitems, 0);
	ck_assert_uint_eq(home.sink.nerrors, 0);
	ck_assert(pg()->checked && pg()->control.valid);
	ck_assert_int_eq(pg()->sums, DARN_PG_SUMS_ON);
	ck_assert_str_eq(darn_stores[0]->version(home.ctx), "15");
	ck_assert_int_eq(darn_stores[0]->shutdown(home.ctx, &why), DARN_CLEAN);
	ck_assert_ptr_nonnull(strstr(why.text, "shut down"));
	pg_home_close(&home);
}
END_TEST

START_TEST(crashed)
{
	struct darn_evidence why = {.text = ""};
	uint8_t buf[DARN_PG_CONTROL_LEN];

	pg_vector("pg15_pg_control_crashed.bin", buf, sizeof(buf));
	pg_write(&home, "global/pg_control", buf, sizeof(buf));
	pg_home_open(&home);
	ck_assert_int_eq(darn_stores[0]->shutdown(home.ctx, &why),
			 DARN_UNCLEAN);
	pg_home_close(&home);
	pg_text(&home, "backup_label",
		"START WAL LOCATION: 1A/28000028 (file 000000010000001A)\n"
		"CHECKPOINT LOCATION: 1A/28000060\n"
		"BACKUP METHOD: streamed\nSTART TIMELINE: 7\n");
	pg_home_open(&home);
	ck_assert_int_eq(darn_stores[0]->shutdown(home.ctx, &why),
			 DARN_SHUTDOWN_UNKNOWN);
	ck_assert(pg()->base_backup);
	ck_assert_uint_eq(pg()->redo_lsn, 0x1a28000028);
	ck_assert_uint_eq(pg()->start.checkpoint_lsn, 0x1a28000060);
	ck_assert_uint_eq(pg()->start.tli, 7);
	ck_assert_uint_eq(pg()->max_lsn, UINT64_MAX);
	pg_home_close(&home);
}
END_TEST

START_TEST(another_version)
{
	struct darn_class c;

	pg_text(&home, "PG_VERSION", "14\n");
	pg_home_open(&home);
	ck_assert(!pg()->checked);
	ck_assert_uint_eq(home.sink.nerrors, 1);
	c = darn_pg_classify(home.ctx, "base/5/1259", NULL);
	ck_assert_str_eq(c.reason, "not checked: PostgreSQL 14");
	pg_home_close(&home);
	pg_text(&home, "PG_VERSION", "9.6\n");
	pg_home_open(&home);
	ck_assert(!pg()->checked);
	ck_assert_str_eq(darn_stores[0]->version(home.ctx), "9");
	pg_home_close(&home);
	/* A damaged one is told by the control file. */
	pg_text(&home, "PG_VERSION", "x5\n");
	pg_home_open(&home);
	ck_assert(pg()->checked);
	pg_home_close(&home);
}
END_TEST

/* Without a control file a few pages tell whether there are checksums. */
START_TEST(sums_without_control)
{
	uint8_t page[DARN_PG_PAGE];

	pg_remove(&home, "global/pg_control");
	pg_empty_page(page, 0, 1000, 0);
	for (unsigned i = 1; i < 9; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "global/%u", 1000 + i);
		pg_write(&home, path, page, sizeof(page));
	}
	pg_home_open(&home);
	ck_assert_int_eq(pg()->sums, DARN_PG_SUMS_ON);
	pg_home_close(&home);
	darn_put_le16(page + 8, 0);
	for (unsigned i = 1; i < 9; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "global/%u", 1000 + i);
		pg_write(&home, path, page, sizeof(page));
	}
	pg_home_open(&home);
	ck_assert_int_eq(pg()->sums, DARN_PG_SUMS_OFF);
	pg_home_close(&home);
}
END_TEST

START_TEST(tablespace_to_nowhere)
{
	ck_assert_int_eq(
		symlink("/nonexistent/there", pg_at(&home, "pg_tblspc/16400")),
		0);
	pg_home_open(&home);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/tablespace-missing",
				   "pg_tblspc/16400"),
			  1);
	ck_assert_uint_eq(pg()->ndead, 1);
	ck_assert_uint_eq(pg()->dead[0], 16400);
	pg_home_close(&home);
}
END_TEST

/* ---- what must be there ---- */

START_TEST(needed_files)
{
	static const char *const files[] = {
		"PG_VERSION",	"global/pg_filenode.map",
		"pg_xact/0000", "pg_multixact/offsets",
		"pg_tblspc",
	};

	expect();
	ck_assert_uint_eq(pg_heard(&home, "postgresql/file-missing", NULL), 0);
	pg_home_close(&home);
	pg_remove(&home, files[_i]);
	expect();
	ck_assert_uint_eq(pg_heard(&home, "postgresql/file-missing", NULL), 1);
	ck_assert_uint_eq(pg_heard(&home, "postgresql/file-missing", files[_i]),
			  1);
	pg_home_close(&home);
}
END_TEST

START_TEST(segments)
{
	uint64_t full = (uint64_t)DARN_PG_SEG_BLOCKS * DARN_PG_PAGE;
	const char *missing = "postgresql/segment-missing";
	const char *cut = "postgresql/segment-short";

	/* Full ones before the last, and what a shortened table leaves. */
	pg_resize(&home, "base/5/20000", full);
	pg_resize(&home, "base/5/20000.1", full);
	pg_resize(&home, "base/5/20000.2", 3 * DARN_PG_PAGE);
	pg_resize(&home, "base/5/20001", 5 * DARN_PG_PAGE);
	pg_resize(&home, "base/5/20001.1", 0);
	expect();
	ck_assert_uint_eq(pg_heard(&home, missing, NULL), 0);
	ck_assert_uint_eq(pg_heard(&home, cut, NULL), 0);
	pg_home_close(&home);

	pg_remove(&home, "base/5/20000.1");
	pg_resize(&home, "base/5/20001.1", DARN_PG_PAGE);
	expect();
	ck_assert_uint_eq(pg_heard(&home, missing, NULL), 1);
	ck_assert_uint_eq(pg_heard(&home, missing, "base/5/20000.1"), 1);
	ck_assert_uint_eq(pg_heard(&home, cut, NULL), 1);
	ck_assert_uint_eq(pg_heard(&home, cut, "base/5/20001"), 1);
	for (size_t i = 0; i < home.sink.nitems; i++) {
		const struct darn_sink_item *it = &home.sink.items[i];

		if (strcmp(it->code->id, cut) == 0) {
			ck_assert_uint_eq(it->where.off, 5 * DARN_PG_PAGE);
			ck_assert_uint_eq(it->where.missing,
					  full - 5 * DARN_PG_PAGE);
		}
	}
	pg_home_close(&home);
}
END_TEST

/* A name from a hostile tree must not make millions of findings. */
START_TEST(segment_far_away)
{
	pg_resize(&home, "base/5/20000.32767", DARN_PG_PAGE);
	expect();
	ck_assert_uint_eq(pg_heard(&home, "postgresql/segment-missing", NULL),
			  64);
	pg_home_close(&home);
}
END_TEST

START_TEST(fork_alone)
{
	pg_resize(&home, "base/5/20000_fsm", DARN_PG_PAGE);
	pg_resize(&home, "base/5/20001_vm", DARN_PG_PAGE);
	pg_resize(&home, "base/5/20001", DARN_PG_PAGE);
	pg_resize(&home, "base/5/20002_init", DARN_PG_PAGE);
	/* what a crash of CREATE DATABASE leaves */
	pg_mkdir(&home, "base/6");
	pg_resize(&home, "base/6/20000_fsm", DARN_PG_PAGE);
	pg_one_database(&home, 5);
	expect();
	ck_assert_uint_eq(pg_heard(&home, "postgresql/fork-alone", NULL), 1);
	ck_assert_uint_eq(
		pg_heard(&home, "postgresql/fork-alone", "base/5/20000_fsm"),
		1);
	pg_home_close(&home);
}
END_TEST

/*
 * That the catalogue cannot be read is an error, once, where damage is why; a
 * crash or a backup may leave it for recovery to write.
 */
START_TEST(nobody_knows)
{
	uint8_t buf[DARN_PG_CONTROL_LEN];

	expect();
	ck_assert_uint_eq(darn_sink_nerrors(&home.sink), 1);
	ck_assert_uint_eq(
		pg_heard(&home, "postgresql/catalog-unreadable", "global"), 1);
	pg_home_close(&home);
	pg_text(&home, "global/pg_control", "rubbish");
	expect();
	ck_assert_uint_eq(darn_sink_nerrors(&home.sink), 1);
	ck_assert_ptr_nonnull(strstr(darn_sink_error_text(&home.sink, 0),
				     "pg_control is damaged"));
	pg_home_close(&home);
	pg_vector("pg15_pg_control_crashed.bin", buf, sizeof(buf));
	pg_write(&home, "global/pg_control", buf, sizeof(buf));
	expect();
	ck_assert_uint_eq(darn_sink_nerrors(&home.sink), 0);
	ck_assert_uint_eq(
		pg_heard(&home, "postgresql/catalog-unreadable", "global"), 1);
	pg_home_close(&home);
}
END_TEST

/* ---- is a server using it? ---- */

static enum darn_liveness ask(struct darn_evidence *why)
{
	enum darn_liveness answer;

	memset(why, 0, sizeof(*why));
	pg_home_open(&home);
	answer = darn_pg_liveness(home.ctx, home.tree, why);
	pg_home_close(&home);
	return answer;
}

/* A process that calls itself postgres, in the data directory or not. */
static pid_t pretend_server(bool there)
{
	int ready[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		bool ok = prctl(PR_SET_NAME, "postgres") == 0 &&
			  prctl(PR_SET_PDEATHSIG, 9) == 0 &&
			  chdir(there ? home.dir : "/") == 0;

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

static void write_pid(long pid)
{
	char text[192];

	(void)snprintf(text, sizeof(text), "%ld\n%s\n", pid, home.dir);
	pg_text(&home, "postmaster.pid", text);
}

START_TEST(no_pid_file)
{
	struct darn_evidence why;
	pid_t server;

	ck_assert_int_eq(ask(&why), DARN_STOPPED);
	/* A backend that outlived its postmaster. */
	server = pretend_server(true);
	ck_assert_int_eq(ask(&why), DARN_LIVE);
	end(server);
	ck_assert_int_eq(ask(&why), DARN_STOPPED);
}
END_TEST

START_TEST(pid_of_a_server)
{
	struct darn_evidence why;
	pid_t here = pretend_server(true), elsewhere = pretend_server(false);

	write_pid(here);
	ck_assert_int_eq(ask(&why), DARN_LIVE);
	write_pid(-(long)here); /* the single-user server */
	ck_assert_int_eq(ask(&why), DARN_LIVE);
	end(here);
	/* Another cluster's server got the number. */
	write_pid(elsewhere);
	ck_assert_int_eq(ask(&why), DARN_LIVENESS_UNKNOWN);
	end(elsewhere);
	/* The number is gone; a container may have it. */
	ck_assert_int_eq(ask(&why), DARN_LIVENESS_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(why.text, "another machine"));
}
END_TEST

START_TEST(pid_before_the_boot)
{
	struct timespec old[2] = {{.tv_sec = 1000000000},
				  {.tv_sec = 1000000000}};
	struct darn_evidence why;

	write_pid(1);
	ck_assert_int_eq(
		utimensat(AT_FDCWD, pg_at(&home, "postmaster.pid"), old, 0), 0);
	ck_assert_int_eq(ask(&why), darn_fs_is_local(home.dir)
					    ? DARN_STOPPED
					    : DARN_LIVENESS_UNKNOWN);
}
END_TEST

START_TEST(pid_file_of_rubbish)
{
	static const char *const texts[] = {"", "\n", "x\n", "0\n", "- 5\n"};
	struct darn_evidence why;

	for (size_t i = 0; i < DARN_ARRAY_SIZE(texts); i++) {
		pg_text(&home, "postmaster.pid", texts[i]);
		ck_assert_int_eq(ask(&why), DARN_LIVENESS_UNKNOWN);
	}
	pg_remove(&home, "postmaster.pid");
	pg_mkdir(&home, "postmaster.pid");
	ck_assert_int_eq(ask(&why), DARN_LIVENESS_UNKNOWN);
}
END_TEST

/* What repair @pid writes into its directory. */
static void write_hold(const struct darn_hold *hold, pid_t pid)
{
	const char *percent = strstr(hold->content, "%d");
	char text[sizeof(hold->content) + 32];
	char name[128];

	ck_assert_ptr_nonnull(percent);
	(void)snprintf(text, sizeof(text), "%.*s%ld%s",
		       (int)(percent - hold->content), hold->content, (long)pid,
		       percent + 2);
	(void)snprintf(name, sizeof(name), "%s/%.63s", "postmaster.pid",
		       hold->inside);
	pg_text(&home, name, text);
}

/* A directory with one file in it, so that nobody takes it for stale. */
START_TEST(held)
{
	struct darn_evidence why;
	struct darn_hold hold;
	pid_t gone;

	pg_home_open(&home);
	darn_pg_hold(home.ctx, home.tree, &hold);
	pg_home_close(&home);
	ck_assert_str_eq(hold.path, "postmaster.pid");
	ck_assert_str_eq(hold.inside, "held-by-darn");
	pg_mkdir(&home, "postmaster.pid");
	write_hold(&hold, getpid());
	ck_assert_int_eq(ask(&why), DARN_STOPPED);
	write_hold(&hold, getppid());
	ck_assert_int_eq(ask(&why), DARN_LIVE);
	gone = pretend_server(false);
	end(gone);
	write_hold(&hold, gone);
	ck_assert_int_eq(ask(&why), DARN_STOPPED);
	pg_text(&home, "postmaster.pid/held-by-darn", "1\n");
	ck_assert_int_eq(ask(&why), DARN_LIVENESS_UNKNOWN);
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_cluster");
	TCase *t = tcase_create("cluster");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, recognised);
	tcase_add_test(t, known);
	tcase_add_test(t, crashed);
	tcase_add_test(t, another_version);
	tcase_add_test(t, sums_without_control);
	tcase_add_test(t, tablespace_to_nowhere);
	tcase_add_loop_test(t, needed_files, 0, 5);
	tcase_add_test(t, segments);
	tcase_add_test(t, segment_far_away);
	tcase_add_test(t, fork_alone);
	tcase_add_test(t, nobody_knows);
	tcase_add_test(t, no_pid_file);
	tcase_add_test(t, pid_of_a_server);
	tcase_add_test(t, pid_before_the_boot);
	tcase_add_test(t, pid_file_of_rubbish);
	tcase_add_test(t, held);
	suite_add_tcase(s, t);
	return s;
}
