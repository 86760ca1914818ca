/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_scan.h - files of the fake store, and a scan of them as text.
 *
 * Each test runs in a directory of its own, which fake_setup() makes the
 * current one.
 */
#ifndef DARN_TESTS_UNIT_FAKE_SCAN_H
#define DARN_TESTS_UNIT_FAKE_SCAN_H

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_store.h"

/* ---- files ---- */

static char fake_dir[64]; /* of the test that runs; the current directory */

static inline void fake_setup(void)
{
	(void)snprintf(fake_dir, sizeof(fake_dir), "/tmp/darn-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake_dir));
	ck_assert_int_eq(chdir(fake_dir), 0);
	ck_assert_int_eq(unsetenv("DARN_FAULT"), 0);
}

static inline void fake_teardown(void)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", fake_dir);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(cmd), 0);
}

static inline void fake_write(const char *path, const void *buf, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, buf, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

static inline void fake_text(const char *path, const char *text)
{
	fake_write(path, text, strlen(text));
}

/* A store "@dir" with these words. */
static inline void fake_make(const char *dir, const char *words)
{
	char path[256];

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/FAKE", dir);
	fake_text(path, words);
}

/* @n blocks, numbered, all with @letter; one at a time, to need no memory. */
static inline void fake_blocks(const char *path, size_t n, char letter)
{
	uint8_t b[FAKE_BLOCK];
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < n; i++) {
		fake_block(b, (uint32_t)i, letter);
		ck_assert_uint_eq(fwrite(b, sizeof(b), 1, f), 1);
	}
	ck_assert_int_eq(fclose(f), 0);
}

/* One bit of the byte at @off. */
static inline void fake_flip(const char *path, uint64_t off)
{
	int fd = open(path, O_RDWR);
	uint8_t b;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &b, 1, (off_t)off), 1);
	b ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &b, 1, (off_t)off), 1);
	ck_assert_int_eq(close(fd), 0);
}

/* ---- a scan as text ---- */

static inline struct darn_scan_options fake_options(void)
{
	return (struct darn_scan_options){.stores = fake_stores, .jobs = 2};
}

static inline enum darn_rc fake_print(const struct darn_record *r, void *file,
				      struct darn_error *err)
{
	static const char *const kinds[] = {"store", "error", "finding",
					    "file"};

	(void)err;
	(void)fprintf(file, "%s %s", kinds[r->kind], r->path);
	switch (r->kind) {
	case DARN_REC_STORE:
		(void)fprintf(file, " %s %s %s", r->store,
			      darn_liveness_name(r->liveness),
			      darn_shutdown_name(r->shutdown));
		break;
	case DARN_REC_ERROR:
		(void)fprintf(file, ": %s", r->message);
		break;
	case DARN_REC_FINDING:
		(void)fprintf(file, ":%" PRIu64 "+%" PRIu64 " %s %s unit %d %s",
			      r->off, r->len, darn_severity_name(r->severity),
			      r->id, r->unit == UINT64_MAX ? -1 : (int)r->unit,
			      r->detail);
		break;
	case DARN_REC_FILE:
		(void)fprintf(file,
			      " [%s] v%" PRIu64 " d%" PRIu64 " u%" PRIu64
			      " s%" PRIu64 " %s",
			      r->format, r->bytes.verified, r->bytes.damaged,
			      r->bytes.unverified, r->bytes.skipped, r->reason);
		break;
	}
	(void)fputc('\n', file);
	return DARN_OK;
}

struct fake_result {
	char *text;
	struct darn_summary sum;
};

static inline struct fake_result
fake_scan_roots(const char *const *roots, size_t n,
		const struct darn_scan_options *o)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_report *report = NULL;
	struct fake_result res = {0};
	size_t len;
	FILE *f = open_memstream(&res.text, &len);

	ck_assert_ptr_nonnull(f);
	ck_assert_msg(darn_scan(roots, n, o, &report, &err) == DARN_OK, "%s",
		      err.msg);
	ck_assert_int_eq(darn_report_each(report, fake_print, f, &err),
			 DARN_OK);
	(void)fclose(f);
	res.sum = darn_report_summary(report);
	darn_report_destroy(report);
	ck_assert_uint_eq(res.sum.bytes.total,
			  res.sum.bytes.verified + res.sum.bytes.damaged +
				  res.sum.bytes.unverified +
				  res.sum.bytes.skipped);
	return res;
}

static inline struct fake_result fake_scan(const char *root,
					   const struct darn_scan_options *o)
{
	return fake_scan_roots(&root, 1, o);
}

/* The text of a scan with the usual options; compared and released. */
static inline struct darn_summary fake_expect_text(const char *root,
						   const char *text)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r = fake_scan(root, &o);

	ck_assert_str_eq(r.text, text);
	free(r.text);
	return r.sum;
}

#endif
