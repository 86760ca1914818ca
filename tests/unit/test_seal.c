/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_seal.c - recording and comparing, through the engine: what changed is
 * told from what rotted.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/seal/seal.h"
#include "tests/unit/fake_data.h"

enum {
	BIG = (2 << 20) + 12345
};

static char seal[96];

/* Overwrites one byte and puts the time stamp back. */
static void rot(const char *name, long off)
{
	char path[256];
	FILE *f;
	int c;

	(void)snprintf(path, sizeof(path), "%s/%s", data, name);
	f = fopen(path, "r+be");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, off, SEEK_SET), 0);
	c = fgetc(f);
	ck_assert_int_eq(fseek(f, off, SEEK_SET), 0);
	ck_assert_int_ne(fputc(c ^ 4, f), EOF);
	ck_assert_int_eq(fclose(f), 0);
	data_age(name);
}

static void setup(void)
{
	uint8_t *buf = malloc(BIG);
	uint32_t x = 7;

	ck_assert_ptr_nonnull(buf);
	for (size_t i = 0; i < BIG; i++)
		buf[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
	data_setup("/tmp", "seal");
	(void)snprintf(seal, sizeof(seal), "%s/m.seal", data_dir);
	data_keep("big", buf, BIG);
	data_keep("sub/small", buf, 100);
	data_keep("sub/empty", buf, 0);
	free(buf);
}

static char *place(void *arg, const char *root, size_t i,
		   struct darn_error *err)
{
	(void)arg;
	(void)root;
	(void)i;
	return darn_strdup(seal, err);
}

static struct darn_report *scan(struct darn_witness *w, unsigned jobs)
{
	const char *roots[] = {data};
	struct darn_scan_options o = {
		.stores = no_stores,
		.jobs = jobs,
		.spill_dir = data_dir,
		.witness = w,
	};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_report *r;

	ck_assert_msg(darn_scan(roots, 1, &o, &r, &err) == 0, "%s", err.msg);
	return r;
}

static void make_seal(unsigned jobs)
{
	struct darn_recorder_options o = {.place = place};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_recorder *rec;
	struct darn_report *r;

	ck_assert_int_eq(darn_recorder_create(&o, &rec, &err), 0);
	r = scan(darn_recorder_witness(rec), jobs);
	ck_assert_uint_eq(darn_report_summary(r).exit, 0);
	darn_report_destroy(r);
	ck_assert_uint_eq(darn_recorder_totals(rec).files, 3);
	ck_assert_uint_eq(darn_recorder_totals(rec).bytes, BIG + 100);
	ck_assert_uint_eq(darn_recorder_totals(rec).unsettled, 0);
	ck_assert_msg(darn_recorder_commit(rec, &err) == 0, "%s", err.msg);
	darn_recorder_destroy(rec);
}

/* Findings as text, one per line: "path:off+len id". */
static enum darn_rc note(const struct darn_record *r, void *payload,
			 struct darn_error *err)
{
	char *text = payload;
	size_t n = strlen(text);

	(void)err;
	if (r->kind == DARN_REC_FINDING)
		(void)snprintf(text + n, 4096 - n, "%s:%llu+%llu %s\n",
			       r->path + strlen(data) + 1,
			       (unsigned long long)r->off,
			       (unsigned long long)r->len, r->id);
	if (r->kind == DARN_REC_ERROR)
		(void)snprintf(text + n, 4096 - n, "error: %s\n", r->message);
	return DARN_OK;
}

static struct darn_summary compare(bool vouched, unsigned jobs, char *text)
{
	struct darn_comparer_options o = {.nmanifests = 1, .vouched = vouched};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_summary s;
	struct darn_manifest *m;
	struct darn_witness *w;
	struct darn_report *r;
	struct darn_io *io;

	text[0] = '\0';
	ck_assert_int_eq(
		darn_io_open_posix(AT_FDCWD, seal, seal, false, &io, &err), 0);
	ck_assert_msg(darn_manifest_open(io, &m, &err) == 0, "%s", err.msg);
	o.manifests = &m;
	ck_assert_int_eq(darn_comparer_create(&o, &w, &err), 0);
	r = scan(w, jobs);
	ck_assert_int_eq(darn_report_each(r, note, text, &err), 0);
	s = darn_report_summary(r);
	darn_report_destroy(r);
	darn_comparer_destroy(w);
	darn_manifest_close(m);
	return s;
}

START_TEST(nothing_changed)
{
	struct darn_summary s;
	char text[4096];

	make_seal((unsigned)_i);
	s = compare(false, (unsigned)_i, text);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(s.exit, 0);
	ck_assert_uint_eq(s.bytes.verified, BIG + 100);
	ck_assert_uint_eq(s.bytes.unverified, 0);
}
END_TEST

START_TEST(bit_rot)
{
	struct darn_summary s;
	char text[4096];

	make_seal(2);
	rot("big", 4096 * 300 + 5);
	rot("big", BIG - 1);
	rot("sub/small", 0);
	s = compare(false, (unsigned)_i, text);
	ck_assert_str_eq(text, "big:1228800+4096 sealed/bit-rot\n"
			       "big:2109440+57 sealed/bit-rot\n"
			       "sub/small:0+100 sealed/bit-rot\n");
	ck_assert_uint_eq(s.exit, DARN_EXIT_DAMAGED);
	ck_assert_uint_eq(s.bytes.damaged, 4096 + 57 + 100);
	ck_assert_uint_eq(s.bytes.verified, BIG - 4096 - 57);
}
END_TEST

START_TEST(changed_is_no_damage)
{
	struct darn_summary s;
	char text[4096];

	make_seal(0);
	data_put("sub/small", "new", 3);
	s = compare(false, 2, text);
	ck_assert_str_eq(text, "sub/small:0+0 sealed/changed\n");
	ck_assert_uint_eq(s.exit, 0);
	ck_assert_uint_eq(s.bytes.unverified, 3);
	s = compare(true, 2, text);
	ck_assert_str_eq(text, "sub/small:3+97 sealed/cut\n");
	ck_assert_uint_eq(s.exit, DARN_EXIT_DAMAGED);
}
END_TEST

START_TEST(sizes)
{
	struct darn_summary s;
	char text[4096], path[128];

	make_seal(2);
	(void)snprintf(path, sizeof(path), "%s/big", data);
	ck_assert_int_eq(truncate(path, BIG - 5000), 0);
	data_age("big");
	data_put("sub/empty", "x", 1);
	data_age("sub/empty");
	s = compare(false, 2, text);
	ck_assert_str_eq(text, "big:2104497+5000 sealed/cut\n"
			       "sub/empty:0+1 sealed/grown\n");
	ck_assert_uint_eq(s.exit, DARN_EXIT_DAMAGED | DARN_EXIT_SUSPICIOUS);
	ck_assert_uint_eq(s.bytes.missing, 5000);
}
END_TEST

START_TEST(missing_and_new)
{
	struct darn_summary s;
	char text[4096], path[128];

	make_seal(2);
	(void)snprintf(path, sizeof(path), "%s/sub/small", data);
	ck_assert_int_eq(unlink(path), 0);
	data_put("sub/new", "12345", 5);
	s = compare(false, 2, text);
	ck_assert_str_eq(text, "sub/small:0+100 sealed/missing\n");
	ck_assert_uint_eq(s.exit, DARN_EXIT_SUSPICIOUS);
	ck_assert_uint_eq(s.bytes.missing, 100);
	ck_assert_uint_eq(s.bytes.unverified, 5);
}
END_TEST

START_TEST(fresh_files_settle)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	struct darn_io *io;

	data_put("sub/small", "just now", 100 - 92);
	data_put("sub/empty",
		 "and now ........................................"
		 "............................................",
		 92);
	make_seal(2);
	ck_assert_int_eq(
		darn_io_open_posix(AT_FDCWD, seal, seal, false, &io, &err), 0);
	ck_assert_int_eq(darn_manifest_open(io, &m, &err), 0);
	ck_assert_int_eq(darn_manifest_find(m, "sub/empty", &e, &err), 0);
	ck_assert(e.settled);
	darn_sealed_entry_release(&e);
	darn_manifest_close(m);
}
END_TEST

/* Sealing again shows the rot before it would be sealed as good. */
START_TEST(sealing_again)
{
	struct darn_comparer_options o = {.nmanifests = 1};
	struct darn_recorder_options ro = {.place = place};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_witness *w, *both;
	struct darn_recorder *rec;
	struct darn_manifest *m;
	struct darn_report *r;
	struct darn_io *io;

	make_seal(2);
	rot("big", 5000);
	ck_assert_int_eq(
		darn_io_open_posix(AT_FDCWD, seal, seal, false, &io, &err), 0);
	ck_assert_int_eq(darn_manifest_open(io, &m, &err), 0);
	o.manifests = &m;
	ck_assert_int_eq(darn_comparer_create(&o, &w, &err), 0);
	ck_assert_int_eq(darn_recorder_create(&ro, &rec, &err), 0);
	ck_assert_int_eq(darn_witness_pair_create(w, darn_recorder_witness(rec),
						  &both, &err),
			 0);
	r = scan(both, 2);
	ck_assert_uint_eq(darn_report_summary(r).exit, DARN_EXIT_DAMAGED);
	darn_report_destroy(r);
	darn_witness_pair_destroy(both);
	darn_comparer_destroy(w);
	darn_recorder_destroy(rec);
	darn_manifest_close(m);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("seal");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, data_teardown);
	tcase_add_loop_test(t, nothing_changed, 0, 4);
	tcase_add_loop_test(t, bit_rot, 0, 4);
	tcase_add_test(t, changed_is_no_damage);
	tcase_add_test(t, sizes);
	tcase_add_test(t, missing_and_new);
	tcase_add_test(t, fresh_files_settle);
	tcase_add_test(t, sealing_again);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
