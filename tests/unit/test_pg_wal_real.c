/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pg_wal_real.c - the log of a real server, killed, restarted and stopped,
 * read by us and by pg_waldump: the same records and the same images.
 *
 * Its segments are of 1 MiB, so that many records lie in two; one lies in
 * several, and one was being written when the server was killed.
 */
#include "tests/unit/pg_wal.h"

#include <inttypes.h>

#define WALDUMP "/usr/lib/postgresql/15/bin/pg_waldump"

/* Prints the directory: crashed/ and clean/ in it are data directories. */
static const char script[] =
	"set -eu\n"
	". tests/stores/pg.sh\n"
	"pg_available || exit 77\n"
	"d=$(pg_workdir)\n"
	"pg_init $d/c -k --wal-segsize=1\n"
	"echo 'wal_buffers = 64kB' >>$d/c/postgresql.conf\n"
	"echo 'max_wal_size = 1GB' >>$d/c/postgresql.conf\n"
	"echo 'wal_keep_size = 1GB' >>$d/c/postgresql.conf\n"
	"pg_start $d/c\n"
	"trap 'pg_stop $d/c immediate >/dev/null 2>&1' EXIT\n"
	"pg_query $d/c postgres >/dev/null <<'SQL'\n"
	"create table t (a int primary key, b text);\n"
	"insert into t select i, repeat(md5(i::text), i % 40)\n"
	"  from generate_series(1, 6000) i;\n"
	"select pg_switch_wal();\n"
	"create table gone as select * from t;\n"
	"drop table gone;\n"
	"checkpoint;\n"
	"update t set b = b || 'x' where a % 3 = 0;\n"
	"select pg_logical_emit_message(false, 'm', repeat(md5('a'), "
	"100000));\n"
	"vacuum t;\n"
	"SQL\n"
	"pg_query $d/c postgres -c \"select pg_logical_emit_message(false,\n"
	"  'm', repeat(md5('b'), 20000000))\" >/dev/null 2>&1 &\n"
	"n=$(ls $d/c/pg_wal | wc -l)\n"
	"while [ $(ls $d/c/pg_wal | wc -l) -lt $((n + 20)) ]; do\n"
	"  sleep 0.05; kill -0 $! || break; done\n"
	"pg_kill $d/c\n"
	"wait\n"
	"cp -a $d/c $d/crashed\n"
	"pg_start $d/c 2>/dev/null\n"
	"pg_query $d/c postgres >/dev/null <<'SQL'\n"
	"truncate t;\n"
	"insert into t select i, 'y' from generate_series(1, 3000) i;\n"
	"SQL\n"
	"pg_stop $d/c\n"
	"trap - EXIT\n"
	"mv $d/c $d/clean\n"
	"echo $d\n";

static char dir[64];
static int made; /* exit status of the script; 77: there is no server */

static void run(const char *command, char *out, size_t size, int *status)
{
	FILE *p = popen(command, "r");
	size_t n;

	ck_assert_ptr_nonnull(p);
	n = fread(out, 1, size - 1, p);
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	*status = pclose(p);
}

static void setup(void)
{
	int status;

	run(script, dir, sizeof(dir), &status);
	made = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void teardown(void)
{
	char command[128];

	if (!strstr(dir, "/darn-pg."))
		return;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static uint64_t dumped(const char *cluster, uint64_t lsn, const char *count)
{
	char command[512], out[64];
	int status;

	(void)snprintf(command, sizeof(command),
		       WALDUMP " -p '%s/%s/pg_wal' -s %s 2>/dev/null | %s", dir,
		       cluster, darn_pg_lsn_text(lsn).s, count);
	run(command, out, sizeof(out), &status);
	ck_assert_int_eq(status, 0);
	return strtoull(out, NULL, 10);
}

struct counts {
	uint64_t records, images, first;
};

static enum darn_rc count(const struct darn_pg_record *r, void *payload,
			  struct darn_error *err)
{
	struct counts *c = payload;

	(void)err;
	ck_assert(r->understood);
	if (c->records++ == 0)
		c->first = r->lsn;
	for (unsigned i = 0; i < r->nblocks; i++)
		c->images += r->blocks[i].has_image;
	return DARN_OK;
}

/* Every segment, in the order of their names. */
struct scan {
	struct darn_pg pg;
	struct darn_pg_wal_join *join;
	uint64_t size, verified, found;
};

static enum darn_rc check_one(const struct darn_entry *e, void *payload,
			      struct darn_error *err)
{
	struct scan *s = payload;
	struct darn_sink *sink;
	uint8_t *buf;
	size_t len;

	/* a killed server also leaves the file that it was about to add */
	if (strlen(e->path) != strlen("pg_wal/") + 24)
		return DARN_OK;
	sink = darn_sink_create(err);
	ck_assert_ptr_nonnull(sink);
	ck_assert_int_eq(
		darn_tree_slurp(wal_tree, e->path, SEG, &buf, &len, err),
		DARN_OK);
	wal_check_as(&s->pg, e->path, buf, len, SEG, sink);
	wal_join_notes(s->join, sink, e->path);
	s->size += len;
	s->verified += darn_sink_verified_len(sink);
	s->found += darn_sink_nfound(sink);
	for (size_t i = 0; i < darn_sink_nfound(sink); i++) {
		struct darn_found f = darn_sink_found(sink, i);

		fprintf(stderr, "%s:%" PRIu64 "+%" PRIu64 " %s %s\n", e->path,
			f.off, f.len, f.code->id, f.detail);
	}
	free(buf);
	darn_sink_destroy(sink);
	return DARN_OK;
}

static void check_cluster(const char *name, struct darn_pg_control *c)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sink *joined = darn_sink_create(&err);
	struct scan s = {.pg.checked = true};
	struct counts n = {.records = 0};
	struct darn_pg_log log;
	char path[128];
	uint64_t oldest;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(darn_tree_open_posix(path, false, &wal_tree, &err),
			 DARN_OK);
	ck_assert_int_eq(darn_pg_control_read(wal_tree, c, &err), DARN_OK);
	ck_assert(c->valid);
	s.pg.control = *c;
	ck_assert_int_eq(darn_pg_wal_oldest(wal_tree, c->tli, 0, &oldest, &err),
			 DARN_OK);
	ck_assert_int_eq(
		darn_pg_wal_walk(wal_tree, c->tli, oldest, 0, count, &n, &err),
		DARN_OK);
	ck_assert_uint_gt(n.records, 10000);
	ck_assert_uint_eq(n.records, dumped(name, n.first, "wc -l"));
	ck_assert_uint_eq(n.images,
			  dumped(name, n.first, "grep -o FPW | wc -l"));

	ck_assert_int_eq(darn_pg_log_find(wal_tree, c, &log, &err), DARN_OK);
	ck_assert_msg(log.known && log.intact, "%s", log.why);
	ck_assert_int_eq(darn_pg_wal_join_create(c, false, &s.join, &err),
			 DARN_OK);
	ck_assert_int_eq(
		darn_tree_list(wal_tree, "pg_wal", check_one, &s, &err),
		DARN_OK);
	ck_assert_int_eq(darn_pg_wal_join_end(s.join, wal_tree, joined, &err),
			 DARN_OK);
	for (size_t i = 0; i < darn_sink_nfound(joined); i++)
		ck_assert_int_eq(darn_sink_found(joined, i).code->severity,
				 DARN_TORN);
	ck_assert_uint_eq(s.found, 0);
	ck_assert_uint_gt(s.verified, (uint64_t)5 * SEG);
	darn_sink_destroy(joined);
}

START_TEST(same_as_waldump)
{
	struct darn_pg_control crashed, clean;
	struct darn_error err = DARN_ERROR_INIT;
	char why[160];
	bool yes;

	if (made == 77)
		return;
	ck_assert_int_eq(made, 0);
	check_cluster("crashed", &crashed);
	darn_tree_close(wal_tree);
	check_cluster("clean", &clean);
	/* the same moment as itself, and as nothing else */
	ck_assert_int_eq(darn_pg_log_last_is(wal_tree, &clean, &yes, why,
					     sizeof(why), &err),
			 DARN_OK);
	ck_assert_msg(yes, "%s", why);
	clean.raw[100] ^= 1;
	ck_assert_int_eq(darn_pg_log_last_is(wal_tree, &clean, &yes, why,
					     sizeof(why), &err),
			 DARN_OK);
	ck_assert(!yes);
	darn_tree_close(wal_tree);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_wal_real");
	TCase *t = tcase_create("real");

	tcase_set_timeout(t, 300);
	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, same_as_waldump);
	suite_add_tcase(s, t);
	return s;
}
