/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_io.c - files, block devices and memory are read right.
 *
 * Every kind of object is compared with the same bytes in memory, at every
 * border of sectors and pages.
 */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/io.h"
#include "tests/unit/truth.h"

static void check_all_reads(struct darn_io *io, size_t size)
{
	static const size_t borders[] = {0, 1, 511, 512, 513, 4095, 4096, 8192};
	enum darn_read_how how;
	uint32_t seed = 7;
	size_t i, k;

	for (how = DARN_READ_NORMAL; how <= DARN_READ_MEDIUM; how++) {
		for (i = 0; i < DARN_ARRAY_SIZE(borders); i++)
			for (k = 0; k < DARN_ARRAY_SIZE(borders); k++) {
				ck_assert_read(io, borders[k], borders[i], how,
					       size);
				if (size >= borders[i])
					ck_assert_read(io, borders[k],
						       size - borders[i], how,
						       size);
			}
		for (i = 0; i < 100; i++)
			ck_assert_read(io, random_below(&seed, 20000),
				       random_below(&seed, SIZE + PAGE), how,
				       size);
		ck_assert_read(io, SIZE + PAGE, 0, how, size);
		ck_assert_read(io, SIZE, 3, how, size);
		ck_assert_read(io, 10, UINT64_MAX, how, size);
		ck_assert_read(io, 10, (uint64_t)INT64_MAX - 5, how, size);
	}
}

static const size_t sizes[] = {0, 1, 512, 4096, 5000, 12288, SIZE};

START_TEST(memory_reads_right)
{
	struct darn_io *io = open_truth(sizes[_i]);
	struct darn_stat st;

	check_all_reads(io, sizes[_i]);
	ck_assert_int_eq(darn_io_stat(io, &st, NULL), DARN_OK);
	ck_assert_uint_eq(st.size, sizes[_i]);
	ck_assert_int_eq(st.type, DARN_FT_FILE);
	ck_assert_str_eq(io->name, "truth");
	darn_io_close(io);
	darn_io_close(NULL);
}
END_TEST

/* Index: place, direct or not, size. */
START_TEST(files_read_right)
{
	size_t size = sizes[(unsigned)_i % DARN_ARRAY_SIZE(sizes)];
	unsigned rest = (unsigned)_i / DARN_ARRAY_SIZE(sizes);
	const char *path;
	struct darn_io *io;
	struct darn_stat st;
	struct stat sb;

	make_dir(places[rest / 2]);
	path = in_dir("file");
	put_truth(path, size);
	io = open_file(path, rest % 2);
	check_all_reads(io, size);
	ck_assert_int_eq(darn_io_stat(io, &st, NULL), DARN_OK);
	ck_assert_int_eq(stat(path, &sb), 0);
	ck_assert_uint_eq(st.size, size);
	ck_assert_uint_eq(st.ino, sb.st_ino);
	ck_assert_uint_eq(st.dev, sb.st_dev);
	darn_io_close(io);
	remove_dir();
}
END_TEST

/* What was read a moment ago can be had without waiting. */
START_TEST(cached_reads_hit)
{
	struct darn_io *io;
	size_t got = 0;

	make_dir(places[0]);
	put_truth(in_dir("file"), SIZE);
	io = open_file(in_dir("file"), false);
	ck_assert_read(io, SIZE, 0, DARN_READ_NORMAL, SIZE);
	memset(got_bytes, 0, SIZE);
	ck_assert_int_eq(darn_io_read(io, got_bytes, PAGE, PAGE,
				      DARN_READ_CACHED, &got, NULL),
			 DARN_OK);
	/* a file system without RWF_NOWAIT gives nothing, always */
	ck_assert(got == PAGE || got == 0);
	ck_assert_mem_eq(got_bytes, truth + PAGE, got);
	darn_io_close(io);
	remove_dir();
}
END_TEST

START_TEST(read_full_knows_the_end)
{
	struct darn_io *io = open_truth(100);
	struct darn_error err = DARN_ERROR_INIT;

	ck_assert_int_eq(darn_io_read_full(io, got_bytes, 60, 40, &err),
			 DARN_OK);
	ck_assert_mem_eq(got_bytes, truth + 40, 60);
	ck_assert_int_eq(darn_io_read_full(io, got_bytes, 61, 40, &err),
			 DARN_EIO);
	ck_assert_str_eq(err.msg, "'truth' ends at 100, before 101");
	darn_io_close(io);
}
END_TEST

static enum darn_rc try_open(const char *path)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_io *io = NULL;
	enum darn_rc rc =
		darn_io_open_posix(AT_FDCWD, path, path, false, &io, &err);

	ck_assert_int_eq(rc, err.rc);
	ck_assert(rc == DARN_OK || strstr(err.msg, path));
	darn_io_close(io);
	return rc;
}

START_TEST(only_files_are_opened)
{
	char file[512];

	make_dir(places[0]);
	(void)snprintf(file, sizeof(file), "%s", in_dir("file"));
	put_truth(file, 10);
	ck_assert_int_eq(try_open(file), DARN_OK);
	ck_assert_int_eq(symlink(file, in_dir("link")), 0);
	ck_assert_int_eq(try_open(in_dir("link")), DARN_EREFUSED);
	ck_assert_int_eq(mkfifo(in_dir("pipe"), 0600), 0);
	ck_assert_int_eq(try_open(in_dir("pipe")), DARN_EREFUSED);
	ck_assert_int_eq(try_open(dir), DARN_EREFUSED);
	ck_assert_int_eq(try_open("/dev/null"), DARN_EREFUSED);
	ck_assert_int_eq(try_open(in_dir("absent")), DARN_ENOENT);
	remove_dir();
}
END_TEST

START_TEST(no_permission_is_an_error)
{
	make_dir(places[0]);
	put_truth(in_dir("file"), 10);
	ck_assert_int_eq(chmod(in_dir("file"), 0), 0);
	ck_assert_int_eq(chmod(dir, 0711), 0);
	if (geteuid() == 0) /* the test's own process gives root up */
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(try_open(in_dir("file")), DARN_EIO);
	ck_assert_int_eq(seteuid(getuid()), 0);
	ck_assert_int_eq(chmod(in_dir("file"), 0644), 0);
	if (getuid() == 0) /* not the owner: O_NOATIME is refused */
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(try_open(in_dir("file")), DARN_OK);
	ck_assert_int_eq(seteuid(getuid()), 0);
	remove_dir();
}
END_TEST

/* A block device is as long as it says, not as stat says. */
START_TEST(block_devices_read_right)
{
	enum {
		DEVICE_SIZE = SIZE / SECTOR * SECTOR
	};
	char device[64];
	struct darn_stat st;
	struct darn_io *io;
	int loop;

	make_dir(places[0]);
	put_truth(in_dir("disk"), DEVICE_SIZE);
	loop = attach_loop(in_dir("disk"), device);
	remove_dir();
	if (loop < 0)
		return; /* only root has loop devices */
	io = open_file(device, _i);
	ck_assert_int_eq(darn_io_stat(io, &st, NULL), DARN_OK);
	ck_assert_uint_eq(st.size, DEVICE_SIZE);
	ck_assert_int_eq(st.type, DARN_FT_FILE);
	check_all_reads(io, DEVICE_SIZE);
	darn_io_close(io);
	close(loop);
}
END_TEST

static void *read_medium_often(void *arg)
{
	struct darn_io *io = arg;
	uint8_t buf[3000];
	uintptr_t wrong = 0;
	size_t got, i;

	for (i = 0; i < 50; i++)
		wrong += darn_io_read(io, buf, sizeof(buf), i * 1000,
				      DARN_READ_MEDIUM, &got, NULL) ||
			 got != sizeof(buf) ||
			 memcmp(buf, truth + i * 1000, got) != 0;
	return (void *)wrong; /* NULL: none */
}

/* Several threads make the first read of the medium at once. */
START_TEST(threads_share_a_file)
{
	pthread_t threads[8];
	struct darn_io *io;
	void *wrong;
	int i;

	make_dir(places[_i]);
	put_truth(in_dir("file"), SIZE);
	io = open_file(in_dir("file"), false);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						read_medium_often, io),
				 0);
	for (i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	darn_io_close(io);
	remove_dir();
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("io");
	TCase *t = tcase_create("io");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, fill_truth, NULL);
	tcase_add_loop_test(t, memory_reads_right, 0, DARN_ARRAY_SIZE(sizes));
	tcase_add_loop_test(t, files_read_right, 0, 4 * DARN_ARRAY_SIZE(sizes));
	tcase_add_test(t, cached_reads_hit);
	tcase_add_test(t, read_full_knows_the_end);
	tcase_add_test(t, only_files_are_opened);
	tcase_add_test(t, no_permission_is_an_error);
	tcase_add_loop_test(t, block_devices_read_right, 0, 2);
	tcase_add_loop_test(t, threads_share_a_file, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
