/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_manifest.c - manifests: what is written comes back; every flipped bit
 * and every cut is noticed.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/seal/layout.h"
#include "lib/seal/write.h"

static char dir[64], path[96];

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/darn-manifest-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/m.seal", dir);
}

static void teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing left behind */
}

/* Bytes that are the same in every run. */
static uint8_t *noise(size_t len, uint32_t seed)
{
	uint8_t *p = malloc(len + 1);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
	return p;
}

static struct darn_manifest_writer *writer(uint32_t frame)
{
	struct darn_manifest_head head = {
		.root = "/srv/data", .store = "postgresql", .secret = {1, 2}};
	struct darn_manifest_writer *w;
	struct darn_error err = DARN_ERROR_INIT;

	for (size_t i = 0; i < sizeof(head.secret); i++)
		head.secret[i] = (uint8_t)(i * 7 + 3);
	ck_assert_msg(darn_manifest_create(path, &head, frame, &w, &err) == 0,
		      "%s", err.msg);
	return w;
}

static void add_dir(struct darn_manifest_writer *w, const char *name)
{
	struct darn_entry e = {.path = name,
			       .st = {.type = DARN_FT_DIR, .mode = 0750}};
	struct darn_error err = DARN_ERROR_INIT;

	ck_assert_int_eq(darn_manifest_add(w, &e, &err), 0);
}

static struct darn_sealing *begin(struct darn_manifest_writer *w,
				  const char *name, uint64_t size,
				  uint32_t block)
{
	struct darn_entry e = {
		.path = name,
		.st = {.size = size, .mode = 0600, .mtime_ns = 1234567890123}};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sealing *f;

	ck_assert_msg(darn_manifest_begin(w, &e, block, &f, &err) == 0, "%s",
		      err.msg);
	return f;
}

static void add_file(struct darn_manifest_writer *w, const char *name,
		     const uint8_t *data, size_t size, uint32_t block)
{
	struct darn_sealing *f = begin(w, name, size, block);
	struct darn_error err = DARN_ERROR_INIT;
	size_t n = (size_t)darn_seal_parts(size, SEAL_CHUNK);

	/* Backwards: workers finish in any order. */
	for (size_t i = n; i-- > 0;) {
		size_t off = i * SEAL_CHUNK;

		ck_assert_int_eq(
			darn_manifest_put(f, off, data + off,
					  DARN_MIN(size - off, SEAL_CHUNK),
					  NULL, &err),
			0);
	}
	ck_assert_int_eq(darn_manifest_end(f, true, &err), 0);
}

static void commit(struct darn_manifest_writer *w)
{
	struct darn_error err = DARN_ERROR_INIT;

	ck_assert_msg(darn_manifest_commit(w, false, &err) == 0, "%s", err.msg);
	darn_manifest_destroy(w);
}

static struct darn_manifest *reopen(void)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_manifest *m;
	struct darn_io *io;

	ck_assert_msg(
		darn_io_open_posix(AT_FDCWD, path, path, false, &io, &err) == 0,
		"%s", err.msg);
	ck_assert_msg(darn_manifest_open(io, &m, &err) == 0, "%s", err.msg);
	return m;
}

START_TEST(round_trip)
{
	size_t size = 3 * SEAL_CHUNK + 5000;
	uint8_t *data = noise(size, 1);
	struct darn_manifest_writer *w = writer(0);
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	struct stat st;
	bool good = false;

	add_dir(w, "base");
	add_file(w, "base/1", data, size, 8192);
	add_file(w, "base/empty", data, 0, 4096);
	add_file(w, "base.x", data, 1, 4096);
	commit(w);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	m = reopen();
	ck_assert_str_eq(darn_manifest_head(m)->root, "/srv/data");
	ck_assert_str_eq(darn_manifest_head(m)->store, "postgresql");
	ck_assert_uint_eq(darn_manifest_entries(m), 4);
	ck_assert_int_eq(darn_manifest_verify(m, &err), 0);
	ck_assert_int_eq(darn_manifest_find(m, "base/1", &e, &err), 0);
	ck_assert_uint_eq(e.st.size, size);
	ck_assert_uint_eq(e.nblocks, 385);
	ck_assert_uint_eq(e.index, 1);
	ck_assert(e.settled);
	ck_assert_int_eq(
		darn_manifest_matches(m, &e, 0, data, size, &good, &err), 0);
	ck_assert(good);
	ck_assert_int_eq(darn_manifest_matches(m, &e, 384 * 8192,
					       data + 384 * 8192, 5000 % 8192,
					       &good, &err),
			 0);
	ck_assert(good);
	data[2 * SEAL_CHUNK + 77] ^= 1;
	ck_assert_int_eq(
		darn_manifest_matches(m, &e, 0, data, size, &good, &err), 0);
	ck_assert(!good);
	ck_assert_int_eq(
		darn_manifest_matches(m, &e, 4096, data, 8192, &good, &err),
		DARN_EINVAL);
	darn_sealed_entry_release(&e);
	darn_error_clear(&err);
	ck_assert_int_eq(darn_manifest_find(m, "base/2", &e, &err),
			 DARN_ENOENT);
	darn_manifest_close(m);
	free(data);
}
END_TEST

START_TEST(paths_out_of_order)
{
	struct darn_manifest_writer *w = writer(0);
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_manifest *m;
	uint64_t i = 0;

	for (int n = 1300; n-- > 0;) {
		char name[32];

		(void)snprintf(name, sizeof(name), "d%d/%d", n % 7, n);
		add_file(w, name, NULL, 0, 4096);
	}
	add_dir(w, "d3");
	commit(w);
	m = reopen();
	for (int n = 0; n < 1300; n++) {
		struct darn_sealed_entry e;
		char name[32];

		(void)snprintf(name, sizeof(name), "d%d/%d", n % 7, n);
		ck_assert_msg(darn_manifest_find(m, name, &e, &err) == 0, "%s",
			      err.msg);
		ck_assert_str_eq(e.path, name);
		darn_sealed_entry_release(&e);
	}
	ck_assert_int_eq(darn_manifest_lower(m, "d3", false, &i, &err), 0);
	ck_assert_uint_eq(i, 186 + 186 + 186); /* below d0, d1 and d2 */
	ck_assert_int_eq(darn_manifest_lower(m, "d3", true, &i, &err), 0);
	ck_assert_uint_eq(i, 186 * 4 + 1);
	darn_manifest_close(m);
}
END_TEST

START_TEST(unreadable_pieces)
{
	size_t size = 2 * SEAL_CHUNK;
	uint8_t *data = noise(size, 2);
	struct darn_manifest_writer *w = writer(65536);
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_hash128 ids[16], got[32];
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	struct darn_sealing *f = begin(w, "f", size, 4096);
	bool good = true;

	memset(ids, 0x55, sizeof(ids));
	/* 512 bytes at 40960 are missing; the second chunk is, whole. */
	ck_assert_int_eq(darn_manifest_put(f, 0, data, 40960, NULL, &err), 0);
	memset(&ids[0], 0, sizeof(ids[0]));
	ck_assert_int_eq(darn_manifest_put(f, 41472, data + 41472,
					   SEAL_CHUNK - 41472, ids, &err),
			 0);
	ck_assert_int_eq(darn_manifest_end(f, false, &err), 0);
	commit(w);
	m = reopen();
	ck_assert_int_eq(darn_manifest_verify(m, &err), 0);
	ck_assert_int_eq(darn_manifest_find(m, "f", &e, &err), 0);
	ck_assert(!e.settled);
	ck_assert_int_eq(darn_manifest_frames(m, &e, 0, 32, got, &err), 0);
	ck_assert(darn_digest_is_none(&got[0]));
	ck_assert_int_eq(got[1].bytes[0], 0x55);
	ck_assert_int_eq(got[15].bytes[0], 0x55);
	ck_assert(darn_digest_is_none(&got[16]));
	ck_assert_int_eq(
		darn_manifest_matches(m, &e, 0, data, 40960, &good, &err), 0);
	ck_assert(good);
	ck_assert_int_eq(darn_manifest_matches(m, &e, 40960, data + 40960, 4096,
					       &good, &err),
			 0);
	ck_assert(!good);
	ck_assert_int_eq(darn_manifest_matches(m, &e, 45056, data + 45056,
					       SEAL_CHUNK - 45056, &good, &err),
			 0);
	ck_assert(good);
	darn_sealed_entry_release(&e);
	darn_manifest_close(m);
	free(data);
}
END_TEST

/* DARN_OK only if the manifest opens and everything in it verifies. */
static enum darn_rc judge(const uint8_t *buf, size_t len, char *msg)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_manifest *m = NULL;
	struct darn_io *io;
	enum darn_rc rc;

	ck_assert_int_eq(darn_io_open_memory(buf, len, "m.seal", &io, &err), 0);
	rc = darn_manifest_open(io, &m, &err);
	if (rc)
		darn_io_close(io);
	else
		rc = darn_manifest_verify(m, &err);
	darn_manifest_close(m);
	(void)snprintf(msg, 512, "%s", err.msg);
	return rc;
}

static uint8_t *small(size_t *len)
{
	uint8_t *data = noise(9000, 3), *buf;
	struct darn_manifest_writer *w = writer(4096);
	struct darn_entry link = {
		.path = "d/l", .link = "elsewhere", .st.type = DARN_FT_LINK};
	struct darn_error err = DARN_ERROR_INIT;
	FILE *f;

	add_dir(w, "d");
	add_file(w, "d/f", data, 9000, 4096);
	ck_assert_int_eq(darn_manifest_add(w, &link, &err), 0);
	commit(w);
	free(data);
	f = fopen(path, "rbe");
	ck_assert_ptr_nonnull(f);
	buf = malloc(65536);
	*len = fread(buf, 1, 65536, f);
	(void)fclose(f);
	return buf;
}

START_TEST(every_bit)
{
	size_t len;
	uint8_t *buf = small(&len);
	char msg[512];

	ck_assert_int_eq(judge(buf, len, msg), DARN_OK);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		enum darn_rc rc;

		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = judge(buf, len, msg);
		ck_assert_msg(rc == DARN_ECORRUPT, "bit %zu of byte %zu: %d %s",
			      bit % 8, bit / 8, rc, msg);
		ck_assert_ptr_nonnull(strstr(msg, "'m.seal'"));
		ck_assert_ptr_nonnull(strstr(msg, "offset"));
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(buf);
}
END_TEST

START_TEST(every_cut)
{
	size_t len;
	uint8_t *buf = small(&len);
	char msg[512];

	for (size_t n = 0; n < len; n++)
		ck_assert_msg(judge(buf, n, msg) == DARN_ECORRUPT,
			      "cut at %zu: %s", n, msg);
	buf = realloc(buf, len + 1);
	buf[len] = 0;
	ck_assert_int_eq(judge(buf, len + 1, msg), DARN_ECORRUPT);
	free(buf);
}
END_TEST

START_TEST(no_room)
{
	struct rlimit old, tight;
	uint8_t *data = noise(SEAL_CHUNK, 4);
	uint64_t limit = 1000;
	bool done = false;

	/* The file may grow to @limit only: writes fail there. */
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (; !done; limit += 1000) {
		struct darn_error err = DARN_ERROR_INIT;
		struct darn_manifest_writer *w;
		struct darn_sealing *f;
		enum darn_rc rc;

		tight = old;
		tight.rlim_cur = limit;
		w = writer(0);
		f = begin(w, "f", SEAL_CHUNK, 4096);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
		rc = darn_manifest_put(f, 0, data, SEAL_CHUNK, NULL, &err);
		if (rc)
			darn_manifest_drop(f);
		else
			rc = darn_manifest_end(f, true, &err);
		if (rc == DARN_OK)
			rc = darn_manifest_commit(w, false, &err);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
		if (rc) {
			ck_assert_int_eq(rc, DARN_EIO);
			ck_assert_ptr_nonnull(strstr(err.msg, path));
		}
		darn_manifest_destroy(w);
		done = rc == DARN_OK;
		ck_assert_int_eq(access(path, F_OK), done ? 0 : -1);
	}
	ck_assert_uint_gt(limit, 8000);
	free(data);
}
END_TEST

START_TEST(vouching)
{
	struct darn_manifest_writer *w = writer(0);
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	struct darn_stat now;
	char why[200];

	add_file(w, "f", (const uint8_t *)"x", 1, 4096);
	commit(w);
	m = reopen();
	ck_assert_int_eq(darn_manifest_find(m, "f", &e, &err), 0);
	now = e.st;
	now.ctime_ns++;
	ck_assert_msg(
		darn_manifest_vouches(m, &e, &now, false, why, sizeof(why)),
		"%s", why);
	now.mtime_ns++;
	ck_assert(!darn_manifest_vouches(m, &e, &now, false, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "written after"));
	ck_assert(darn_manifest_vouches(m, &e, &now, true, why, sizeof(why)));
	now = e.st;
	now.size++;
	ck_assert(!darn_manifest_vouches(m, &e, &now, false, why, sizeof(why)));
	e.settled = false;
	ck_assert(!darn_manifest_vouches(m, &e, &e.st, true, why, sizeof(why)));
	darn_sealed_entry_release(&e);
	darn_manifest_close(m);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("manifest");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, round_trip);
	tcase_add_test(t, paths_out_of_order);
	tcase_add_test(t, unreadable_pieces);
	tcase_add_test(t, every_bit);
	tcase_add_test(t, every_cut);
	tcase_add_test(t, no_room);
	tcase_add_test(t, vouching);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
