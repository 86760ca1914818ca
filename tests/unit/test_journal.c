/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_journal.c - a journal that was cut, flipped or closed, and the mixtures
 * of two images that a stopped write leaves.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repair/image.h"
#include "repair/journal.h"

static char dir[64];

static void setup(void)
{
	strcpy(dir, "/tmp/darn-journal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("DARN_STATE_DIR", dir, 1), 0);
}

static void teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

enum {
	UNITS = 3,
	UNIT = 90
};

/* Three units, two of them done; closed or not.  The path is to be freed. */
static char *make_journal(bool closed)
{
	uint8_t pre[UNIT], new[UNIT];
	struct darn_jrec done = {.type = DARN_J_DONE, .count = 2};
	struct darn_journal *j;
	char *path;

	ck_assert_int_eq(darn_journal_create("/srv/db", &j, NULL), DARN_OK);
	for (unsigned i = 0; i < UNITS; i++) {
		struct darn_jrec r = {
			.type = DARN_J_UNIT,
			.path = "/srv/db/file",
			.off = 1000 * i,
			.old_size = 9000,
			.new_size = 9000,
			.pre = pre,
			.new = new,
			.pre_len = UNIT,
			.new_len = UNIT,
		};

		memset(pre, 'a' + (int)i, UNIT);
		memset(new, 'A' + (int)i, UNIT);
		ck_assert_int_eq(darn_journal_append(j, &r, NULL), DARN_OK);
		ck_assert_uint_eq(r.id, i);
	}
	ck_assert_int_eq(darn_journal_append(j, &done, NULL), DARN_OK);
	ck_assert_int_eq(darn_journal_sync(j, NULL), DARN_OK);
	if (closed)
		ck_assert_int_eq(darn_journal_end(j, DARN_J_END, NULL),
				 DARN_OK);
	path = strdup(darn_journal_path(j));
	darn_journal_close(j);
	return path;
}

static unsigned count_units(const char *path)
{
	struct darn_journal *j;
	struct darn_jrec r;
	uint64_t pos = 0;
	unsigned n = 0;

	ck_assert_int_eq(darn_journal_open(path, false, &j, NULL), DARN_OK);
	while (darn_journal_next(j, &pos, &r, NULL) == DARN_OK)
		n += r.type == DARN_J_UNIT;
	darn_journal_close(j);
	return n;
}

static uint8_t *load(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf = malloc(1 << 20);

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(buf);
	*len = fread(buf, 1, 1 << 20, f);
	fclose(f);
	return buf;
}

static void store(const char *path, const uint8_t *buf, size_t len)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(buf, 1, len, f), len);
	fclose(f);
}

START_TEST(both_ways)
{
	char *path = make_journal(true);
	struct darn_journal *j;
	struct darn_jrec r;
	uint64_t pos = 0;
	static const enum darn_journal_type back[] = {DARN_J_END,  DARN_J_DONE,
						      DARN_J_UNIT, DARN_J_UNIT,
						      DARN_J_UNIT, DARN_J_HEAD};

	ck_assert_int_eq(darn_journal_open(path, false, &j, NULL), DARN_OK);
	ck_assert_str_eq(darn_journal_root(j), "/srv/db");
	ck_assert(darn_journal_closed(j));
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_int_eq(darn_journal_prev(j, &pos, &r, NULL), DARN_OK);
		ck_assert_int_eq(r.type, back[i]);
		if (r.type == DARN_J_UNIT) {
			ck_assert_uint_eq(r.off, 1000 * r.id);
			ck_assert_uint_eq(r.pre_len, UNIT);
			ck_assert_int_eq(r.pre[0], 'a' + (int)r.id);
			ck_assert_int_eq(r.new[UNIT - 1], 'A' + (int)r.id);
			ck_assert_str_eq(r.path, "/srv/db/file");
		}
	}
	ck_assert_int_eq(darn_journal_prev(j, &pos, &r, NULL), DARN_ENOENT);
	darn_journal_close(j);
	ck_assert_uint_eq(count_units(path), UNITS);
	free(path);
}
END_TEST

/* A closed journal is whole or refused; an open one may end anywhere. */
START_TEST(every_cut)
{
	char *path = make_journal(_i == 1);
	size_t len;
	uint8_t *buf = load(path, &len);

	for (size_t cut = 0; cut < len; cut++) {
		struct darn_journal *j = NULL;
		enum darn_rc rc;

		store(path, buf, cut);
		rc = darn_journal_open(path, false, &j, NULL);
		if (_i == 1 || cut < 64)
			ck_assert_int_eq(rc, DARN_ECORRUPT);
		else if (rc)
			ck_assert_int_eq(rc, DARN_ECORRUPT);
		else
			ck_assert(!darn_journal_closed(j));
		darn_journal_close(j);
	}
	free(buf);
	free(path);
}
END_TEST

/*
 * A flipped bit is found, or it lies in the one of the two slots that is not
 * needed, or in zeros of the magic's reserve: never does a unit change.
 */
START_TEST(every_bit)
{
	char *path = make_journal(_i == 1);
	int fd = open(path, O_RDWR);
	size_t len;
	uint8_t *buf = load(path, &len);

	ck_assert_int_ge(fd, 0);
	for (size_t bit = 0; bit < len * 8; bit++) {
		struct darn_journal *j = NULL;
		uint8_t flipped = buf[bit / 8] ^ (uint8_t)(1u << bit % 8);
		bool slot = bit / 8 >= 16 && bit / 8 < 64;
		off_t at = (off_t)(bit / 8);
		enum darn_rc rc;

		ck_assert_int_eq(pwrite(fd, &flipped, 1, at), 1);
		rc = darn_journal_open(path, false, &j, NULL);
		if (rc != (slot ? DARN_OK : DARN_ECORRUPT))
			ck_abort_msg("bit %zu: %d", bit, rc);
		if (!rc && darn_journal_closed(j) != (_i == 1))
			ck_abort_msg("bit %zu: closed", bit);
		darn_journal_close(j);
		ck_assert_int_eq(pwrite(fd, &buf[bit / 8], 1, at), 1);
	}
	close(fd);
	free(buf);
	free(path);
}
END_TEST

/* What a file system leaves of an append that a power cut stopped. */
START_TEST(zeros_at_the_end)
{
	char *path = make_journal(false);
	size_t len;
	uint8_t *buf = load(path, &len);
	struct darn_journal *j;

	memset(buf + len, 0, 5000);
	store(path, buf, len + 5000);
	ck_assert_uint_eq(count_units(path), UNITS);
	ck_assert_int_eq(darn_journal_open(path, true, &j, NULL), DARN_OK);
	ck_assert_int_eq(darn_journal_end(j, DARN_J_END, NULL), DARN_OK);
	darn_journal_close(j);
	ck_assert_uint_eq(count_units(path), UNITS);
	free(buf);
	free(path);
}
END_TEST

START_TEST(records_in_another_order)
{
	char *path = make_journal(false);
	size_t len, unit;
	uint8_t *buf = load(path, &len), *swapped = malloc(len);
	struct darn_journal *j;
	struct darn_jrec r;
	uint64_t head = 0, one;

	ck_assert_int_eq(darn_journal_open(path, false, &j, NULL), DARN_OK);
	ck_assert_int_eq(darn_journal_next(j, &head, &r, NULL), DARN_OK);
	one = head;
	ck_assert_int_eq(darn_journal_next(j, &one, &r, NULL), DARN_OK);
	darn_journal_close(j);
	unit = one - head;
	memcpy(swapped, buf, len);
	memcpy(swapped + head, buf + head + unit, unit);
	memcpy(swapped + head + unit, buf + head, unit);
	store(path, swapped, len);
	ck_assert_int_eq(darn_journal_open(path, false, &j, NULL),
			 DARN_ECORRUPT);
	free(swapped);
	free(buf);
	free(path);
}
END_TEST

START_TEST(one_user_at_a_time)
{
	char *path = make_journal(false), *found = NULL;
	struct darn_journal *j, *other;

	ck_assert_int_eq(darn_journal_open(path, true, &j, NULL), DARN_OK);
	ck_assert_int_eq(darn_journal_open(path, true, &other, NULL),
			 DARN_EREFUSED);
	darn_journal_close(j);
	ck_assert_int_eq(darn_journal_unfinished("/srv", &found, NULL),
			 DARN_OK);
	ck_assert_str_eq(found, path);
	free(found);
	ck_assert_int_eq(darn_journal_unfinished("/srv/db/x", &found, NULL),
			 DARN_OK);
	free(found);
	ck_assert_int_eq(darn_journal_unfinished("/srv/dbx", &found, NULL),
			 DARN_ENOENT);
	ck_assert_int_eq(darn_journal_open(path, true, &j, NULL), DARN_OK);
	ck_assert_int_eq(darn_journal_end(j, DARN_J_END, NULL), DARN_OK);
	darn_journal_close(j);
	ck_assert_int_eq(darn_journal_unfinished("/srv", &found, NULL),
			 DARN_ENOENT);
	free(path);
}
END_TEST

START_TEST(closed_is_opened_again)
{
	char *path = make_journal(true);
	struct darn_journal *j;

	ck_assert_int_eq(darn_journal_open(path, true, &j, NULL), DARN_OK);
	ck_assert_int_eq(darn_journal_reopen(j, NULL), DARN_OK);
	darn_journal_close(j);
	ck_assert_int_eq(darn_journal_open(path, true, &j, NULL), DARN_OK);
	ck_assert(!darn_journal_closed(j));
	ck_assert_int_eq(darn_journal_end(j, DARN_J_UNDONE, NULL), DARN_OK);
	darn_journal_close(j);
	ck_assert_int_eq(darn_journal_open(path, false, &j, NULL), DARN_OK);
	ck_assert(darn_journal_closed(j));
	darn_journal_close(j);
	free(path);
}
END_TEST

START_TEST(not_a_journal)
{
	struct darn_journal *j;
	char path[128];

	snprintf(path, sizeof(path), "%s/nothing", dir);
	ck_assert_int_eq(darn_journal_open(path, false, &j, NULL), DARN_ENOENT);
	store(path, (const uint8_t *)"hello", 5);
	ck_assert_int_eq(darn_journal_open(path, false, &j, NULL),
			 DARN_ECORRUPT);
	ck_assert_int_eq(darn_journal_open(dir, false, &j, NULL), DARN_EINVAL);
}
END_TEST

/* ---- images ---- */

enum {
	LEN = 4096
};

static uint8_t pre[LEN], new[LEN], now[LEN];

static struct darn_jrec images(uint64_t off)
{
	for (unsigned i = 0; i < LEN; i++) {
		pre[i] = (uint8_t)(i * 7 + 1);
		new[i] = (uint8_t)(i * 13 + 5);
	}
	memcpy(now, pre, LEN);
	return (struct darn_jrec){
		.off = off,
		.pre = pre,
		.new = new,
		.pre_len = LEN,
		.new_len = LEN,
	};
}

START_TEST(every_mix_of_sectors)
{
	struct darn_jrec r = images(8192);

	ck_assert_int_eq(darn_image_judge(&r, pre, LEN), DARN_IMAGE_PRE);
	ck_assert_int_eq(darn_image_judge(&r, new, LEN), DARN_IMAGE_NEW);
	for (unsigned mask = 1; mask < 255; mask++) {
		for (unsigned s = 0; s < 8; s++)
			memcpy(now + s * 512,
			       (mask >> s & 1 ? new : pre) + s * 512, 512);
		ck_assert_int_eq(darn_image_judge(&r, now, LEN),
				 DARN_IMAGE_MIX);
		/* one foreign byte, and it is nobody's */
		now[mask * 16] = (uint8_t)~now[mask * 16];
		if (now[mask * 16] != pre[mask * 16] &&
		    now[mask * 16] != new[mask * 16])
			ck_assert_int_eq(darn_image_judge(&r, now, LEN),
					 DARN_IMAGE_OTHER);
	}
}
END_TEST

/* A write that stopped at any byte. */
START_TEST(every_prefix)
{
	struct darn_jrec r = images(100);

	for (size_t n = 1; n < LEN; n++) {
		memcpy(now, pre, LEN);
		memcpy(now, new, n);
		ck_assert_int_ne(darn_image_judge(&r, now, LEN),
				 DARN_IMAGE_OTHER);
		memcpy(now, new, LEN);
		memcpy(now, pre, n);
		ck_assert_int_ne(darn_image_judge(&r, now, LEN),
				 DARN_IMAGE_OTHER);
	}
}
END_TEST

/* The file was shorter: it may end anywhere in between, or in zeros. */
START_TEST(growing_tail)
{
	struct darn_jrec r = images(0);

	r.pre_len = 1000;
	ck_assert_int_eq(darn_image_judge(&r, pre, 1000), DARN_IMAGE_PRE);
	for (size_t n = 1001; n < LEN; n++) {
		memcpy(now, new, n);
		ck_assert_int_eq(darn_image_judge(&r, now, n), DARN_IMAGE_MIX);
		memcpy(now, pre, 1000);
		memset(now + 1000, 0, n - 1000);
		ck_assert_int_eq(darn_image_judge(&r, now, n), DARN_IMAGE_MIX);
	}
	ck_assert_int_eq(darn_image_judge(&r, new, LEN), DARN_IMAGE_NEW);
	ck_assert_int_eq(darn_image_judge(&r, new, 999), DARN_IMAGE_OTHER);
}
END_TEST

START_TEST(puts_images_and_sizes)
{
	struct darn_jrec r = images(512);
	enum darn_image image;
	char path[128];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	r.path = path;
	r.pre_len = 100;
	r.old_size = 612;
	r.new_size = 512 + LEN;
	ck_assert_int_eq(darn_image_put(&r, fd, true, NULL), DARN_OK);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 612);
	ck_assert_int_eq(darn_image_look(&r, fd, &image, NULL), DARN_OK);
	ck_assert_int_eq(image, DARN_IMAGE_PRE);
	ck_assert_int_eq(darn_image_put(&r, fd, false, NULL), DARN_OK);
	ck_assert_int_eq(darn_image_look(&r, fd, &image, NULL), DARN_OK);
	ck_assert_int_eq(image, DARN_IMAGE_NEW);
	ck_assert_int_eq(darn_image_put(&r, fd, true, NULL), DARN_OK);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 612);
	close(fd);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("journal");
	TCase *t = tcase_create("journal");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, both_ways);
	tcase_add_loop_test(t, every_cut, 0, 2);
	tcase_add_loop_test(t, every_bit, 0, 2);
	tcase_add_test(t, zeros_at_the_end);
	tcase_add_test(t, records_in_another_order);
	tcase_add_test(t, one_user_at_a_time);
	tcase_add_test(t, closed_is_opened_again);
	tcase_add_test(t, not_a_journal);
	tcase_add_test(t, every_mix_of_sectors);
	tcase_add_test(t, every_prefix);
	tcase_add_test(t, growing_tail);
	tcase_add_test(t, puts_images_and_sizes);
	suite_add_tcase(s, t);
	return s;
}
