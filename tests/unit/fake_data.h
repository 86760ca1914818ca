/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_data.h - files to be sealed or kept in a snapshot, for the tests of
 * both.
 */
#ifndef DARN_TESTS_UNIT_FAKE_DATA_H
#define DARN_TESTS_UNIT_FAKE_DATA_H

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scan/scan.h"

enum {
	DATA_TIME = 1000000000 /* long past, so that a file is settled */
};

static char data_dir[64]; /* of the test that runs */
static char data[96];	  /* the files, in it; "sub" is a directory */
static const struct darn_store *const no_stores[] = {NULL};

static inline void data_setup(const char *parent, const char *what)
{
	char sub[128];

	(void)snprintf(data_dir, sizeof(data_dir), "%s/darn-%s-XXXXXX", parent,
		       what);
	ck_assert_ptr_nonnull(mkdtemp(data_dir));
	(void)snprintf(data, sizeof(data), "%s/data", data_dir);
	(void)snprintf(sub, sizeof(sub), "%s/sub", data);
	ck_assert_int_eq(mkdir(data, 0700), 0);
	ck_assert_int_eq(mkdir(sub, 0750), 0);
}

static inline int data_erase(const char *path, const struct stat *st, int flag,
			     struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Removes @path and all below it, if it is there. */
static inline void data_wipe(const char *path)
{
	(void)nftw(path, data_erase, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void data_teardown(void)
{
	data_wipe(data_dir);
	ck_assert_int_ne(access(data_dir, F_OK), 0);
}

static inline void data_put(const char *name, const void *buf, size_t len)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", data, name);
	f = fopen(path, "wbe");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(buf, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void data_age(const char *name)
{
	const struct timespec ts[2] = {{.tv_sec = DATA_TIME},
				       {.tv_sec = DATA_TIME}};
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", data, name);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, ts, 0), 0);
}

/* An aged file. */
static inline void data_keep(const char *name, const void *buf, size_t len)
{
	data_put(name, buf, len);
	data_age(name);
}

#endif
