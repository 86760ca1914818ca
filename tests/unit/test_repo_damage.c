/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_repo_damage.c - a damaged repository gives back what was stored, or
 * says that it cannot: every flipped bit and every cut of every file of a
 * small one.
 */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_repo.h"

/* The files of the repository, but for its lock. */
static char files[32][160];
static int nfiles;

static int collect(const char *path, const struct stat *st, int flag,
		   struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (flag == FTW_F && strcmp(path + strlen(path) - 4, "lock") != 0 &&
	    nfiles < 32)
		(void)snprintf(files[nfiles++], sizeof(files[0]), "%s", path);
	return 0;
}

static void list_files(void)
{
	nfiles = 0;
	ck_assert_int_eq(nftw(repo, collect, 8, FTW_PHYS), 0);
}

static uint8_t *load(const char *path, size_t *len)
{
	uint8_t *buf = malloc(1 << 16);
	FILE *f = fopen(path, "rbe");

	ck_assert_ptr_nonnull(f);
	*len = fread(buf, 1, 1 << 16, f);
	(void)fclose(f);
	return buf;
}

static void save(const char *path, const uint8_t *buf, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, buf, len), (ssize_t)len);
	(void)close(fd);
}

/* Noticed, or of no consequence: then everything comes back as it was. */
static void noticed(const char *what, size_t at)
{
	char last[64] = "nothing";

	if (repo_verify(last) != 0)
		return;
	data_wipe(out);
	ck_assert_msg(repo_restore(DARN_OK).lost == 0 && repo_same(),
		      "%s at %zu was not noticed (%s)", what, at, last);
}

START_TEST(every_bit)
{
	(void)repo_create();
	ck_assert_int_eq(repo_verify(NULL), 0);
	list_files();
	/* config and copy, pack, index, verified, head, manifest */
	ck_assert_int_eq(nfiles, 7);
	for (int i = 0; i < nfiles; i++) {
		size_t len;
		uint8_t *buf = load(files[i], &len);

		/* One bit of each byte: all positions, every bit in turn. */
		for (size_t at = 0; at < len; at++) {
			buf[at] ^= (uint8_t)(1u << at % 8);
			save(files[i], buf, len);
			noticed(files[i], at);
			buf[at] ^= (uint8_t)(1u << at % 8);
		}
		save(files[i], buf, len);
		free(buf);
	}
	ck_assert_int_eq(repo_verify(NULL), 0);
}
END_TEST

START_TEST(every_cut)
{
	(void)repo_create();
	ck_assert_int_eq(repo_verify(NULL), 0);
	list_files();
	for (int i = 0; i < nfiles; i++) {
		size_t len, step;
		uint8_t *buf = load(files[i], &len);

		step = len > 2000 ? 7 : 1;
		for (size_t n = 0; n < len; n += step) {
			save(files[i], buf, n);
			noticed(files[i], n);
		}
		ck_assert_int_eq(unlink(files[i]), 0);
		(void)repo_verify(NULL);
		(void)close(open(files[i], O_CREAT | O_WRONLY, 0600));
		save(files[i], buf, len);
		free(buf);
	}
}
END_TEST

static const char *pack_file(void)
{
	list_files();
	for (int i = 0; i < nfiles; i++)
		if (strstr(files[i], ".zst"))
			return files[i];
	ck_abort_msg("no pack");
	return NULL;
}

START_TEST(rot_is_stored_again)
{
	struct darn_snapshot_totals t;
	char last[64] = "";
	const char *pack;
	uint8_t *buf;
	size_t len;

	(void)repo_create();
	pack = pack_file();
	buf = load(pack, &len);
	buf[len / 2] ^= 1;
	save(pack, buf, len);
	free(buf);
	ck_assert_int_gt(repo_verify(last), 0);
	ck_assert_uint_eq(repo_restore(DARN_OK).lost, 2000);
	t = repo_create();
	ck_assert_uint_eq(t.rotten, 1);
	ck_assert_uint_eq(t.fresh, 1000);
	ck_assert_int_eq(repo_verify(last), 0);
	data_wipe(out);
	ck_assert_uint_eq(repo_restore(DARN_OK).lost, 0);
	ck_assert(repo_same());
}
END_TEST

static void swap(const char *a, const char *b)
{
	char aside[200];

	(void)snprintf(aside, sizeof(aside), "%s/aside", data_dir);
	ck_assert_int_eq(rename(a, aside), 0);
	ck_assert_int_eq(rename(b, a), 0);
	ck_assert_int_eq(rename(aside, b), 0);
}

/*
 * Parts that are whole, but not the ones that belong there: bytes that do not
 * shrink make two packs and two manifests of the same shape.
 */
START_TEST(whole_but_wrong)
{
	const char *name = _i ? "/0" : ".zst", *hit[2] = {NULL, NULL};
	uint8_t buf[1000];
	char last[64] = "";
	uint32_t x = 9;
	int n = 0;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >>
					   24);
		data_keep("small", buf, sizeof(buf));
		data_keep("sub/twin", buf, sizeof(buf));
		(void)repo_create();
	}
	ck_assert_int_eq(repo_verify(NULL), 0);
	list_files();
	for (int i = 0; i < nfiles; i++)
		if (strcmp(files[i] + strlen(files[i]) - strlen(name), name) ==
		    0)
			hit[n++] = files[i];
	ck_assert_int_eq(n, 2);
	swap(hit[0], hit[1]);
	ck_assert_int_gt(repo_verify(last), 0);
	swap(hit[0], hit[1]);
	ck_assert_int_eq(repo_verify(last), 0);
}
END_TEST

/* An index that is damaged or gone costs no data, and comes back. */
START_TEST(lost_index)
{
	char last[64] = "", index[160] = "";
	uint8_t *buf;
	size_t len;

	repo_add_big();
	(void)repo_create();
	list_files();
	for (int i = 0; i < nfiles; i++)
		if (strstr(files[i], "/index/"))
			memcpy(index, files[i], sizeof(index));
	buf = load(index, &len);
	buf[len / 2] ^= 1;
	save(index, buf, _i ? len : 0);
	if (_i == 2)
		ck_assert_int_eq(unlink(index), 0);
	free(buf);
	ck_assert_int_eq(repo_verify(last), _i == 2 ? 0 : 1);
	ck_assert_str_eq(last, _i == 2 ? "repo/pack-unindexed"
				       : "repo/index-damaged");
	ck_assert_uint_eq(repo_restore(DARN_OK).lost, 0);
	ck_assert(repo_same());
	ck_assert_uint_eq(repo_create().fresh, 0);
	last[0] = '\0';
	ck_assert_int_eq(repo_verify(last), 0);
	ck_assert_str_eq(last, "");
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("repo damage");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, repo_setup, data_teardown);
	tcase_add_test(t, every_bit);
	tcase_add_test(t, every_cut);
	tcase_add_test(t, rot_is_stored_again);
	tcase_add_loop_test(t, whole_but_wrong, 0, 2);
	tcase_add_loop_test(t, lost_index, 0, 3);
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	return s;
}
