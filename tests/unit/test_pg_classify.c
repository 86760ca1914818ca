/* SPDX-License-Identifier: Apache-2.0 */
/* test_pg_classify.c - every file of a cluster has a format or a reason. */
#include "tests/unit/pg_check.h"

#include "lib/base/mem.h"

static const struct darn_pg cluster = {.checked = true};

static struct darn_class classify(const char *path)
{
	struct darn_stat st = {.type = DARN_FT_FILE};

	return darn_pg_classify(&cluster, path, &st);
}

START_TEST(formats)
{
	static const struct {
		const char *path;
		const struct darn_format *format;
	} files[] = {
		{"PG_VERSION", &darn_pg_format_version},
		{"base/5/PG_VERSION", &darn_pg_format_version},
		{"global/pg_control", &darn_pg_format_control},
		{"global/pg_filenode.map", &darn_pg_format_relmap},
		{"base/1/pg_filenode.map", &darn_pg_format_relmap},
		{"global/1262", &darn_pg_format_page},
		{"base/5/16384", &darn_pg_format_page},
		{"base/5/16384.17", &darn_pg_format_page},
		{"base/5/16384_fsm", &darn_pg_format_page},
		{"base/5/16384_vm.1", &darn_pg_format_page},
		{"base/4294967295/4294967295_init", &darn_pg_format_page},
		{"pg_tblspc/16390/PG_15_202209061/5/2619",
		 &darn_pg_format_page},
		{"pg_wal/00000001000000000000002B", &darn_pg_format_wal},
		{"pg_wal/0000000A00000FFF000000FF", &darn_pg_format_wal},
		{"pg_twophase/000002F1", &darn_pg_format_state},
		{"pg_replslot/s1/state", &darn_pg_format_state},
		{"pg_logical/replorigin_checkpoint", &darn_pg_format_state},
	};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(files); i++)
		ck_assert_msg(classify(files[i].path).format == files[i].format,
			      "%s", files[i].path);
}
END_TEST

/* Known files without a check, by a word of the reason. */
START_TEST(reasons)
{
	static const char *const files[][2] = {
		{"pg_xact/0000", "SLRU"},
		{"pg_multixact/members/0000", "SLRU"},
		{"pg_multixact/offsets/0000", "SLRU"},
		{"pg_subtrans/0000", "SLRU"},
		{"pg_commit_ts/0000", "SLRU"},
		{"pg_notify/0000", "SLRU"},
		{"pg_serial/0000", "SLRU"},
		{"pg_replslot/s1/xid-700-lsn-0-1.spill", "replication"},
		{"pg_stat/pgstat.stat", "statistics"},
		{"pg_stat_tmp/db_0.stat", "statistics"},
		{"pg_logical/snapshots/0-1A.snap", "logical"},
		{"pg_snapshots/0000-1", "snapshot"},
		{"pg_dynshmem/mmap.1", "temporary"},
		{"base/pgsql_tmp/pgsql_tmp123.0", "temporary"},
		{"pg_tblspc/1/PG_15_202209061/pgsql_tmp/x", "temporary"},
		{"base/5/t3_16384", "temporary"},
		{"base/5/t12_16384_fsm", "temporary"},
		{"base/5/pg_internal.init", "cache"},
		{"global/pg_internal.init.4711", "cache"},
		{"pg_tblspc/1/PG_14_202107181/5/16384", "another version"},
		{"pg_wal/00000002.history", "history"},
		{"pg_wal/archive_status/00000002.history.done", "archiver"},
		{"pg_wal/000000010000000000000024.00000028.backup", "label"},
		{"pg_wal/000000010000000000000024.partial", "unfinished"},
		{"pg_wal/xlogtemp.4711", "temporary"},
		{"postmaster.pid", "lock"},
		{"postmaster.pid/held-by-darn", "lock of a repair"},
		{"postmaster.pid.darn/held-by-darn", "lock of a repair"},
		{"postmaster.pid.darn", "set aside"},
		{"postmaster.opts", "configuration"},
		{"postgresql.conf", "configuration"},
		{"pg_hba.conf", "configuration"},
		{"backup_label", "backup"},
		{"backup_manifest", "manifest"},
		{"log/postgresql-Mon.log", "log"},
	};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(files); i++) {
		struct darn_class c = classify(files[i][0]);

		ck_assert_msg(!c.format && c.reason &&
				      strstr(c.reason, files[i][1]),
			      "%s: %s", files[i][0],
			      c.reason ? c.reason : "no reason");
	}
}
END_TEST

/* What looks nearly like one of ours is named as such. */
START_TEST(strangers)
{
	static const char *const files[] = {
		"base/5/16384.0",
		"base/5/16384.01",
		"base/5/16384.",
		"base/5/016384",
		"base/5/0",
		"base/5/-1",
		"base/5/16384_fsm_vm",
		"base/5/16384_foo",
		"base/5/16384.1.1",
		"base/5/4294967296",
		"base/5/99999999999999999999999",
		"base/5/16384.bak",
		"base/5/t_1",
		"base/5/tx3_1",
		"base/05/16384",
		"base/x/16384",
		"base/16384",
		"base/5/sub/16384",
		"global/x",
		"pg_wal/00000001000000000000002b",
		"pg_wal/00000001000000000000002",
		"pg_wal/00000001000000000000002B0",
		"pg_tblspc/x/16384",
		"pg_twophase/000002f1",
		"pg_twophase/000002F10",
		"core",
		"",
		"lost+found/x",
	};

	for (size_t i = 0; i < DARN_ARRAY_SIZE(files); i++) {
		struct darn_class c = classify(files[i]);

		ck_assert_msg(!c.format && c.reason &&
				      strstr(c.reason, "not a file of"),
			      "%s: %s", files[i], c.reason ? c.reason : "-");
	}
}
END_TEST

START_TEST(relations)
{
	struct darn_pg_rel r;

	ck_assert(darn_pg_rel_parse("base/5/16384.3", &r));
	ck_assert(r.spc == DARN_PG_SPC_DEFAULT && r.db == 5 &&
		  r.node == 16384 && r.fork == DARN_PG_MAIN && r.segment == 3);
	ck_assert(darn_pg_rel_parse("global/1262_vm", &r));
	ck_assert(r.spc == DARN_PG_SPC_GLOBAL && r.db == 0 && r.node == 1262 &&
		  r.fork == DARN_PG_VM && r.segment == 0);
	ck_assert(darn_pg_rel_parse("pg_tblspc/7/PG_15_1/8/9_init", &r));
	ck_assert(r.spc == 7 && r.db == 8 && r.node == 9 &&
		  r.fork == DARN_PG_INIT);
	ck_assert(!darn_pg_rel_parse("base/5/pg_filenode.map", &r));
	ck_assert(!darn_pg_rel_parse("pg_tblspc/7/PG_14_1/8/9", &r));
}
END_TEST

START_TEST(another_version)
{
	struct darn_pg other = {.not_checked = "not checked: PostgreSQL 14"};
	struct darn_class c = darn_pg_classify(&other, "base/5/16384", NULL);

	ck_assert_ptr_null(c.format);
	ck_assert_str_eq(c.reason, "not checked: PostgreSQL 14");
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("pg_classify");
	TCase *t = tcase_create("names");

	tcase_add_test(t, formats);
	tcase_add_test(t, reasons);
	tcase_add_test(t, strangers);
	tcase_add_test(t, relations);
	tcase_add_test(t, another_version);
	suite_add_tcase(s, t);
	return s;
}
