/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_repo.c - a snapshot gives back what was stored, or says that it
 * cannot: every flipped bit and every cut of every file of a small repository.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/scan/scan.h"
#include "lib/snapshot/snapshot.h"

enum {
	BIG = (1 << 20) + 70000,
	HOLE = 200000
};

static char dir[64], data[96], repo[96], out[96];
static const struct darn_store *const no_stores[] = {NULL};

static void put(const char *name, const void *buf, size_t len)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", data, name);
	f = fopen(path, "wbe");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(buf, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static void age(const char *name)
{
	const struct timespec ts[2] = {{.tv_sec = 1000000000},
				       {.tv_sec = 1000000000}};
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", data, name);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, ts, 0), 0);
}

/* Text: it shrinks, so a small file makes a small pack. */
static void fill(uint8_t *buf, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i += 16)
		(void)snprintf((char *)buf + i, 17, "%08x %06x\n", seed,
			       (unsigned)i & 0xffffff);
}

static void setup(void)
{
	uint8_t *buf = malloc(BIG + 32);
	char sub[128];

	ck_assert_ptr_nonnull(buf);
	fill(buf, BIG, 1);
	/* Thousands of syncs: in memory where the system has such a place. */
	(void)snprintf(dir, sizeof(dir), "%s/darn-repo-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("DARN_STATE_DIR", dir, 1), 0);
	(void)snprintf(data, sizeof(data), "%s/data", dir);
	(void)snprintf(repo, sizeof(repo), "%s/repo", dir);
	(void)snprintf(out, sizeof(out), "%s/out", dir);
	(void)snprintf(sub, sizeof(sub), "%s/sub", data);
	ck_assert_int_eq(mkdir(data, 0700), 0);
	ck_assert_int_eq(mkdir(sub, 0750), 0);
	put("small", buf, 1000);
	put("sub/twin", buf, 1000);
	put("sub/empty", buf, 0);
	age("small");
	age("sub/twin");
	age("sub/empty");
	free(buf);
}

static void add_big(void)
{
	uint8_t *buf = malloc(BIG + 32);

	ck_assert_ptr_nonnull(buf);
	fill(buf, BIG, 2);
	memset(buf + 100000, 0, HOLE);
	put("sub/big", buf, BIG);
	age("sub/big");
	free(buf);
}

static int erase(const char *path, const struct stat *st, int flag,
		 struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void wipe(const char *path)
{
	(void)nftw(path, erase, 16, FTW_DEPTH | FTW_PHYS);
}

static void teardown(void)
{
	wipe(dir);
}

/* A snapshot of the data; its totals. */
static enum darn_rc take(struct darn_snapshot_totals *t, struct darn_error *err)
{
	const char *roots[] = {data};
	struct darn_scan_options o = {
		.stores = no_stores, .jobs = 2, .spill_dir = dir};
	struct darn_snapshotter *s;
	struct darn_report *r = NULL;
	enum darn_rc rc = darn_snapshot_begin(repo, false, &s, err);
	char id[33];

	if (rc)
		return rc;
	o.witness = darn_snapshot_witness(s);
	rc = darn_scan(roots, 1, &o, &r, err);
	if (rc == DARN_OK)
		rc = darn_snapshot_commit(s, id, err);
	*t = darn_snapshot_totals(s);
	darn_report_destroy(r);
	darn_snapshot_end(s);
	return rc;
}

static struct darn_snapshot_totals create(void)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_snapshot_totals t;

	ck_assert_msg(take(&t, &err) == DARN_OK, "%s", err.msg);
	return t;
}

static enum darn_rc ignore(void *arg, const struct darn_repo_finding *f,
			   struct darn_error *err)
{
	(void)err;
	if (arg)
		(void)snprintf(arg, 64, "%s", f->code->id);
	return DARN_OK;
}

/* Damage that verifying finds; -1: the repository cannot be opened. */
static int verify(char *last)
{
	struct darn_verify_options o = {.jobs = 0, .fn = ignore, .arg = last};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_verify_totals t;
	struct darn_repo *r;

	if (darn_repo_open(repo, &r, &err)) {
		ck_assert_ptr_nonnull(strstr(err.msg, repo));
		return -1;
	}
	ck_assert_msg(darn_repo_verify(r, &o, &t, &err) == 0, "%s", err.msg);
	darn_repo_close(r);
	return (int)t.damaged;
}

static struct darn_restore_totals restore(enum darn_rc want)
{
	struct darn_restore_options o = {.to = out, .fn = ignore, .jobs = 2};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_restore_totals t = {0};
	struct darn_repo *r;
	enum darn_rc rc;

	ck_assert_msg(darn_repo_open(repo, &r, &err) == 0, "%s", err.msg);
	rc = darn_repo_lookup(r, "latest", &o.snapshot, &err);
	if (rc == DARN_OK)
		rc = darn_repo_restore(r, &o, &t, &err);
	ck_assert_msg(rc == want, "%s", err.msg);
	darn_repo_close(r);
	return t;
}

/* Is the restored tree the data, to the byte? */
static bool same(void)
{
	char cmd[300];

	(void)snprintf(cmd, sizeof(cmd), "diff -r '%s' '%s' >/dev/null", data,
		       out);
	return system(cmd) == 0;
}

START_TEST(round_trip)
{
	struct darn_snapshot_totals t;
	struct stat st;
	char path[256];

	add_big();
	t = create();
	ck_assert_uint_eq(t.seen.files, 4);
	ck_assert_uint_eq(t.seen.bytes, BIG + 2000);
	ck_assert_uint_eq(t.reused, 1000); /* the twin */
	ck_assert_uint_gt(t.zeros, 0);
	ck_assert_int_eq(verify(NULL), 0);
	ck_assert_uint_eq(restore(DARN_OK).lost, 0);
	ck_assert(same());
	(void)snprintf(path, sizeof(path), "%s/sub/twin", out);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mtime, 1000000000);
	(void)snprintf(path, sizeof(path), "%s/sub", out);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0750);
	(void)restore(DARN_EREFUSED); /* it is not empty any more */
}
END_TEST

START_TEST(nothing_new)
{
	struct darn_snapshot_totals t;

	add_big();
	(void)create();
	t = create();
	ck_assert_uint_eq(t.stored, 0);
	ck_assert_uint_eq(t.fresh, 0);
	ck_assert_int_eq(verify(NULL), 0);
	t = create();
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
	uint8_t *got = malloc(BIG), *want = malloc(BIG + 32);
	size_t n;

	add_big();
	(void)create();
	(void)create();
	fill(want, BIG, 2);
	memset(want + 100000, 0, HOLE);
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
	ck_assert_int_eq(darn_io_read_full(io, got, BIG, 0, &err), 0);
	ck_assert_mem_eq(got, want, BIG);
	darn_io_close(io);
	darn_tree_close(tree);
	darn_manifest_close(m);
	darn_repo_close(r);
	free(prefix);
	free(got);
	free(want);
}
END_TEST

/* The files of the repository, relative to it. */
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

	if (verify(last) != 0)
		return;
	wipe(out);
	ck_assert_msg(restore(DARN_OK).lost == 0 && same(),
		      "%s at %zu was not noticed (%s)", what, at, last);
}

START_TEST(every_bit)
{
	(void)create();
	ck_assert_int_eq(verify(NULL), 0);
	nfiles = 0;
	ck_assert_int_eq(nftw(repo, collect, 8, FTW_PHYS), 0);
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
	ck_assert_int_eq(verify(NULL), 0);
}
END_TEST

START_TEST(every_cut)
{
	(void)create();
	ck_assert_int_eq(verify(NULL), 0);
	nfiles = 0;
	ck_assert_int_eq(nftw(repo, collect, 8, FTW_PHYS), 0);
	for (int i = 0; i < nfiles; i++) {
		size_t len, step;
		uint8_t *buf = load(files[i], &len);

		step = len > 2000 ? 7 : 1;
		for (size_t n = 0; n < len; n += step) {
			save(files[i], buf, n);
			noticed(files[i], n);
		}
		ck_assert_int_eq(unlink(files[i]), 0);
		(void)verify(NULL);
		(void)close(open(files[i], O_CREAT | O_WRONLY, 0600));
		save(files[i], buf, len);
		free(buf);
	}
}
END_TEST

static const char *pack_file(void)
{
	nfiles = 0;
	ck_assert_int_eq(nftw(repo, collect, 8, FTW_PHYS), 0);
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

	(void)create();
	pack = pack_file();
	buf = load(pack, &len);
	buf[len / 2] ^= 1;
	save(pack, buf, len);
	free(buf);
	ck_assert_int_gt(verify(last), 0);
	ck_assert_uint_eq(restore(DARN_OK).lost, 2000);
	t = create();
	ck_assert_uint_eq(t.rotten, 1);
	ck_assert_uint_eq(t.fresh, 1000);
	ck_assert_int_eq(verify(last), 0);
	wipe(out);
	ck_assert_uint_eq(restore(DARN_OK).lost, 0);
	ck_assert(same());
}
END_TEST

static void swap(const char *a, const char *b)
{
	char aside[200];

	(void)snprintf(aside, sizeof(aside), "%s/aside", dir);
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
		put("small", buf, sizeof(buf));
		age("small");
		put("sub/twin", buf, sizeof(buf));
		age("sub/twin");
		(void)create();
	}
	ck_assert_int_eq(verify(NULL), 0);
	nfiles = 0;
	ck_assert_int_eq(nftw(repo, collect, 8, FTW_PHYS), 0);
	for (int i = 0; i < nfiles; i++)
		if (strcmp(files[i] + strlen(files[i]) - strlen(name), name) ==
		    0)
			hit[n++] = files[i];
	ck_assert_int_eq(n, 2);
	swap(hit[0], hit[1]);
	ck_assert_int_gt(verify(last), 0);
	swap(hit[0], hit[1]);
	ck_assert_int_eq(verify(last), 0);
}
END_TEST

/* An index that is damaged or gone costs no data, and comes back. */
START_TEST(lost_index)
{
	char last[64] = "", index[160] = "";
	uint8_t *buf;
	size_t len;

	add_big();
	(void)create();
	nfiles = 0;
	ck_assert_int_eq(nftw(repo, collect, 8, FTW_PHYS), 0);
	for (int i = 0; i < nfiles; i++)
		if (strstr(files[i], "/index/"))
			memcpy(index, files[i], sizeof(index));
	buf = load(index, &len);
	buf[len / 2] ^= 1;
	save(index, buf, _i ? len : 0);
	if (_i == 2)
		ck_assert_int_eq(unlink(index), 0);
	free(buf);
	ck_assert_int_eq(verify(last), _i == 2 ? 0 : 1);
	ck_assert_str_eq(last, _i == 2 ? "repo/pack-unindexed"
				       : "repo/index-damaged");
	ck_assert_uint_eq(restore(DARN_OK).lost, 0);
	ck_assert(same());
	ck_assert_uint_eq(create().fresh, 0);
	last[0] = '\0';
	ck_assert_int_eq(verify(last), 0);
	ck_assert_str_eq(last, "");
}
END_TEST

static int count_tmp(const char *path, const struct stat *st, int flag,
		     struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	nfiles += strstr(path, ".darn-tmp-") != NULL;
	return 0;
}

START_TEST(no_room)
{
	struct rlimit old, tight;
	bool done = false;
	unsigned tries = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)create();
	add_big();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (rlim_t limit = 64; !done; limit = limit * 5 / 4) {
		struct darn_error err = DARN_ERROR_INIT;
		struct darn_snapshot_totals t;
		enum darn_rc rc;

		tight = old;
		tight.rlim_cur = limit;
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
		rc = take(&t, &err);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
		done = rc == DARN_OK;
		ck_assert_msg(done || rc == DARN_EIO, "%s", err.msg);
		nfiles = 0;
		(void)nftw(repo, count_tmp, 8, FTW_PHYS);
		ck_assert_int_eq(nfiles, 0);
		ck_assert_int_eq(verify(NULL), 0);
		tries++;
	}
	ck_assert_uint_gt(tries, 10);
	ck_assert_uint_eq(restore(DARN_OK).lost, 0);
	ck_assert(same());
}
END_TEST

START_TEST(leftovers)
{
	char path[256], last[64] = "";

	(void)create();
	(void)snprintf(path, sizeof(path), "%s/snapshots/0123.darn-tmp-", repo);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)strcat(path, "/head");
	(void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(verify(last), 0);
	ck_assert_str_eq(last, "repo/leftover");
	(void)create();
	nfiles = 0;
	(void)nftw(repo, count_tmp, 8, FTW_PHYS);
	ck_assert_int_eq(nfiles, 0);
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
	ck_assert_int_eq(take(&t, &err), DARN_EREFUSED);
	ck_assert_ptr_nonnull(strstr(err.msg, "neither empty"));
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("repo");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, round_trip);
	tcase_add_test(t, nothing_new);
	tcase_add_test(t, as_a_tree);
	tcase_add_test(t, every_bit);
	tcase_add_test(t, every_cut);
	tcase_add_test(t, rot_is_stored_again);
	tcase_add_loop_test(t, whole_but_wrong, 0, 2);
	tcase_add_loop_test(t, lost_index, 0, 3);
	tcase_add_test(t, no_room);
	tcase_add_test(t, leftovers);
	tcase_add_test(t, no_repository);
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	return s;
}
