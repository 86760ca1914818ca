/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_io.c - files, block devices and memory are read right, and around what
 * cannot be read.
 *
 * Every kind of object is compared with the same bytes in memory.  Faults are
 * planted by the wrapper of fault.h at places that a fixed seed decides.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/device.h"
#include "lib/io/fault.h"
#include "lib/io/io.h"

enum {
	SIZE = (1 << 20) + 3 * 4096 + 777, /* no multiple of anything */
	SECTOR = 512,
	PAGE = 4096,
};

static uint8_t truth[SIZE], got_bytes[SIZE + 2 * PAGE];
static char dir[PATH_MAX];

/* A directory on a disk, and one in memory, where there is no O_DIRECT. */
static const char *const places[] = {"/var/tmp", "/dev/shm"};

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*seed * n) >> 32);
}

static void set_up(void)
{
	uint32_t seed = 1;
	size_t i;

	for (i = 0; i < SIZE; i++)
		truth[i] = (uint8_t)random_below(&seed, 256);
}

static const char *in_dir(const char *name)
{
	static char path[PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put_truth(const char *path, size_t size)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(truth, 1, size, f), size);
	ck_assert_int_eq(fclose(f), 0);
}

static void make_dir(const char *parent)
{
	(void)snprintf(dir, sizeof(dir), "%s/darn-io-XXXXXX", parent);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	char command[PATH_MAX + 16];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static struct darn_io *open_file(const char *path, bool direct)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_io *io = NULL;

	ck_assert_msg(darn_io_open_posix(AT_FDCWD, path, path, direct, &io,
					 &err) == DARN_OK,
		      "%s", err.msg);
	return io;
}

static struct darn_io *open_truth(size_t size)
{
	struct darn_io *io = NULL;

	ck_assert_int_eq(darn_io_open_memory(truth, size, "truth", &io, NULL),
			 DARN_OK);
	return io;
}

static void plant(struct darn_io **io, const struct darn_fault *faults,
		  size_t n)
{
	ck_assert_int_eq(darn_fault_wrap(io, faults, n, NULL), DARN_OK);
}

/* Reads at [@off, @off + @len) of a file of @size true bytes. */
static void ck_assert_read(struct darn_io *io, size_t len, uint64_t off,
			   enum darn_read_how how, size_t size)
{
	struct darn_error err = DARN_ERROR_INIT;
	/* one byte off, so that most buffers are not aligned */
	uint8_t *buf = got_bytes + (off & 1);
	size_t got = 12345;
	size_t want = off < size ? DARN_MIN(len, size - (size_t)off) : 0;

	memset(got_bytes, 0xaa, sizeof(got_bytes));
	ck_assert_msg(darn_io_read(io, buf, len, off, how, &got, &err) ==
			      DARN_OK,
		      "%s", err.msg);
	if (how == DARN_READ_CACHED)
		ck_assert_uint_le(got, want);
	else
		ck_assert_uint_eq(got, want);
	if (got)
		ck_assert_mem_eq(buf, truth + off, got);
	ck_assert_uint_eq(buf[got], 0xaa); /* nothing is written behind */
}

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
	char file[PATH_MAX + 32];

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

/* Puts @path behind a loop device; its number, or -1 where that cannot be. */
static int attach_loop(const char *path, char device[64])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), number;
	int file, loop;
	struct loop_config config = {.info.lo_flags = LO_FLAGS_READ_ONLY |
						      LO_FLAGS_AUTOCLEAR};

	if (control < 0)
		return -1;
	number = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	if (number < 0)
		return -1;
	(void)snprintf(device, 64, "/dev/loop%d", number);
	loop = open(device, O_RDONLY | O_CLOEXEC);
	if (loop < 0)
		return -1;
	file = open(path, O_RDONLY | O_CLOEXEC);
	config.fd = (uint32_t)file;
	if (ioctl(loop, LOOP_CONFIGURE, &config) < 0) {
		close(loop);
		loop = -1;
	}
	close(file);
	return loop;
}

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

START_TEST(faults_do_as_planned)
{
	static const struct darn_fault faults[] = {
		{DARN_FAULT_EIO, .off = 10000, .len = 1},
		{DARN_FAULT_FLIP, .off = 5, .bit = 0},
		{DARN_FAULT_FLIP, .off = 6, .bit = 7, .count = 2},
		{DARN_FAULT_CACHE, .off = 7, .bit = 1},
	};
	struct darn_io *io = open_truth(SIZE);
	struct darn_error err = DARN_ERROR_INIT;
	uint8_t buf[16];
	size_t got;
	int i;

	plant(&io, faults, DARN_ARRAY_SIZE(faults));
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(darn_io_read_full(io, buf, 10, 0, NULL),
				 DARN_OK);
		ck_assert_uint_eq(buf[5] ^ truth[5], 1);
		ck_assert_uint_eq(buf[6] ^ truth[6], i < 2 ? 0x80 : 0);
		ck_assert_uint_eq(buf[7] ^ truth[7], 2);
	}
	ck_assert_int_eq(
		darn_io_read(io, buf, 10, 0, DARN_READ_MEDIUM, &got, NULL),
		DARN_OK);
	ck_assert_uint_eq(buf[7], truth[7]);
	ck_assert_int_eq(darn_io_read(io, got_bytes, 20000, 0, DARN_READ_NORMAL,
				      &got, &err),
			 DARN_EIO);
	ck_assert_uint_eq(got, 8192); /* the page */
	ck_assert_int_eq(err.sys_errno, EIO);
	ck_assert_int_eq(darn_io_read(io, got_bytes, 20000, 0, DARN_READ_MEDIUM,
				      &got, NULL),
			 DARN_EIO);
	ck_assert_uint_eq(got, 0);
	ck_assert_int_eq(darn_io_read(io, got_bytes, 9728, 0, DARN_READ_MEDIUM,
				      &got, NULL),
			 DARN_OK); /* up to the sector */
	ck_assert_int_eq(darn_io_read(io, got_bytes, 1, 10239, DARN_READ_MEDIUM,
				      &got, NULL),
			 DARN_EIO);
	ck_assert_int_eq(darn_io_read(io, got_bytes, 1, 10240, DARN_READ_MEDIUM,
				      &got, NULL),
			 DARN_OK);
	ck_assert_uint_eq(darn_fault_reads(io), 9);
	darn_io_close(io);
}
END_TEST

START_TEST(faults_shrink_and_shorten)
{
	static const struct darn_fault shrink = {DARN_FAULT_SHRINK, .len = 100,
						 .count = 2};
	static const struct darn_fault cut = {DARN_FAULT_SHORT, .len = 7};
	struct darn_io *io = open_truth(SIZE);
	struct darn_stat st;
	size_t got;

	plant(&io, &shrink, 1);
	ck_assert_int_eq(darn_io_read_full(io, got_bytes, 200, 0, NULL),
			 DARN_OK);
	ck_assert_int_eq(darn_io_stat(io, &st, NULL), DARN_OK);
	ck_assert_uint_eq(st.size, SIZE);
	ck_assert_int_eq(darn_io_read_full(io, got_bytes, 200, 0, NULL),
			 DARN_EIO);
	ck_assert_read(io, 50, 80, DARN_READ_NORMAL, 100);
	ck_assert_int_eq(darn_io_stat(io, &st, NULL), DARN_OK);
	ck_assert_uint_eq(st.size, 100);
	darn_io_close(io);
	io = open_truth(SIZE);
	plant(&io, &cut, 1);
	ck_assert_int_eq(darn_io_read(io, got_bytes, 20, 1, DARN_READ_NORMAL,
				      &got, NULL),
			 DARN_EIO);
	ck_assert_uint_eq(got, 7);
	ck_assert_read(io, 7, 1, DARN_READ_NORMAL, SIZE);
	darn_io_close(io);
}
END_TEST

/* Bad sectors of a file, one flag each. */
static bool bad_sector[SIZE / SECTOR + 1];

/* Salvages [@off, @off + @len) and compares with bad_sector[]. */
static void ck_assert_salvage(struct darn_io *io, size_t len, uint64_t off,
			      size_t size)
{
	static struct darn_bad_range bad[SIZE / SECTOR + 1];
	struct darn_bad_list list = {bad, DARN_ARRAY_SIZE(bad), 99};
	struct darn_error err = DARN_ERROR_INIT;
	size_t got = 99, wrong = 0, i, k = 0;
	uint64_t end = 0;

	memset(got_bytes, 0xaa, sizeof(got_bytes));
	ck_assert_msg(darn_io_read_salvage(io, got_bytes, len, off, &list, &got,
					   &err) == DARN_OK,
		      "%s", err.msg);
	ck_assert_uint_eq(got, DARN_MIN(len, size - (size_t)off));
	for (i = 0; i < list.n; i++) {
		ck_assert(bad[i].len > 0);
		ck_assert(i == 0 || bad[i].off > end); /* sorted and joined */
		end = bad[i].off + bad[i].len;
	}
	for (i = 0; i < got; i++) { /* an assertion each would take minutes */
		uint64_t at = off + i;
		bool is_bad = bad_sector[at / SECTOR];

		if (k < list.n && at >= bad[k].off + bad[k].len)
			k++;
		wrong += (k < list.n && at >= bad[k].off) != is_bad ||
			 got_bytes[i] != (is_bad ? 0 : truth[at]);
	}
	ck_assert_uint_eq(wrong, 0);
}

/* A file of @size true bytes, unreadable where bad_sector[] says so. */
static struct darn_io *open_bad(size_t size)
{
	struct darn_fault *faults = calloc(SIZE / SECTOR + 1, sizeof(*faults));
	struct darn_io *io = open_truth(size);
	size_t i, n = 0;

	for (i = 0; i < SIZE / SECTOR + 1; i++)
		if (bad_sector[i])
			faults[n++] = (struct darn_fault){
				DARN_FAULT_EIO, .off = i * SECTOR, .len = 1};
	plant(&io, faults, n);
	free(faults);
	return io;
}

START_TEST(salvage_finds_the_sectors)
{
	uint32_t seed = (uint32_t)_i;
	struct darn_io *io;
	int round, i, n;

	for (round = 0; round < 20; round++) {
		memset(bad_sector, 0, sizeof(bad_sector));
		n = (int)random_below(&seed, 12);
		for (i = 0; i < n; i++) {
			size_t at = random_below(&seed, SIZE / SECTOR + 1);
			size_t run = random_below(&seed, 20);

			while (run-- && at < DARN_ARRAY_SIZE(bad_sector))
				bad_sector[at++] = true;
		}
		io = open_bad(SIZE);
		ck_assert_salvage(io, SIZE, 0, SIZE);
		ck_assert_salvage(io, 1 << 20, 0, SIZE);
		ck_assert_salvage(io, 8192, random_below(&seed, SIZE), SIZE);
		ck_assert_salvage(io, 100000, random_below(&seed, SIZE), SIZE);
		darn_io_close(io);
	}
}
END_TEST

START_TEST(salvage_is_bounded)
{
	struct darn_io *io;

	bad_sector[700] = true;
	io = open_bad(1 << 20);
	ck_assert_salvage(io, 1 << 20, 0, 1 << 20);
	ck_assert_uint_le(darn_fault_reads(io), 42);
	darn_io_close(io);
	memset(bad_sector, true, sizeof(bad_sector));
	io = open_bad(1 << 20);
	ck_assert_salvage(io, 1 << 20, 0, 1 << 20);
	ck_assert_uint_le(darn_fault_reads(io), 2322);
	darn_io_close(io);
	memset(bad_sector, 0, sizeof(bad_sector));
	io = open_bad(1 << 20);
	ck_assert_salvage(io, 1 << 20, 0, 1 << 20);
	ck_assert_uint_eq(darn_fault_reads(io), 1);
	darn_io_close(io);
}
END_TEST

/*
 * A loop device whose file was cut fails for good behind the cut: true errors
 * of the block layer, in sectors past the cache and in pages through it.
 */
START_TEST(salvage_on_a_block_device)
{
	enum {
		DEVICE_SIZE = SIZE / PAGE * PAGE,
		FIRST_BAD = (1 << 20) / SECTOR - 5,
	};
	size_t from = (size_t)(FIRST_BAD - 20) * SECTOR, i;
	char device[64];
	struct darn_io *io;
	int loop;

	make_dir(places[0]);
	put_truth(in_dir("disk"), DEVICE_SIZE);
	loop = attach_loop(in_dir("disk"), device);
	ck_assert_int_eq(truncate(in_dir("disk"), FIRST_BAD * SECTOR), 0);
	remove_dir();
	if (loop < 0)
		return; /* only root has loop devices */
	for (i = FIRST_BAD; i < DARN_ARRAY_SIZE(bad_sector); i++)
		bad_sector[i] = true;
	io = open_file(device, false);
	ck_assert_salvage(io, 65536, from, DEVICE_SIZE);
	ck_assert_salvage(io, 3000, from + 100, DEVICE_SIZE);
	darn_io_close(io);
	close(loop);
}
END_TEST

/* More bad ranges than there is room for: the last one covers the rest. */
START_TEST(salvage_runs_out_of_room)
{
	struct darn_bad_range ranges[3];
	struct darn_bad_list bad = {ranges, 3, 99};
	struct darn_io *io;
	size_t got, i;

	for (i = 10; i <= 30; i += 5)
		bad_sector[i] = true;
	io = open_bad(SIZE);
	ck_assert_int_eq(
		darn_io_read_salvage(io, got_bytes, SIZE, 0, &bad, &got, NULL),
		DARN_OK);
	ck_assert_uint_eq(bad.n, 3);
	ck_assert_uint_eq(got, SIZE);
	ck_assert_uint_eq(ranges[1].off, 15 * SECTOR);
	ck_assert_uint_eq(ranges[1].len, SECTOR);
	ck_assert_uint_eq(ranges[2].off, 20 * SECTOR);
	ck_assert_uint_eq(ranges[2].off + ranges[2].len, 31 * SECTOR);
	bad.max = 0;
	ck_assert_int_eq(
		darn_io_read_salvage(io, got_bytes, SIZE, 0, &bad, &got, NULL),
		DARN_OK);
	ck_assert_uint_eq(bad.n, 0);
	darn_io_close(io);
}
END_TEST

/* The end of the file is no bad place, wherever it comes to lie. */
START_TEST(salvage_meets_the_end)
{
	struct darn_fault faults[] = {
		{DARN_FAULT_EIO, .off = 1000, .len = 1},
		{DARN_FAULT_SHRINK, .len = 2000, .count = 3},
	};
	struct darn_bad_range ranges[4];
	struct darn_bad_list bad = {ranges, 4, 99};
	struct darn_io *io = open_truth(5000);
	size_t got;

	plant(&io, faults, 1);
	bad_sector[1] = true;
	ck_assert_salvage(io, 1 << 20, 0, 5000);
	ck_assert_salvage(io, 1 << 20, 700, 5000);
	ck_assert_int_eq(
		darn_io_read_salvage(io, got_bytes, 10, 6000, &bad, &got, NULL),
		DARN_OK);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(bad.n, 0);
	darn_io_close(io);
	io = open_truth(5000); /* shrinks in the middle of the salvage */
	plant(&io, faults, 2);
	ck_assert_salvage(io, 5000, 0, 2000);
	darn_io_close(io);
}
END_TEST

/* A bad page in the cache only: everything is there, nothing is bad. */
START_TEST(salvage_goes_past_the_cache)
{
	struct darn_fault fault = {DARN_FAULT_EIO, .off = 4096, .len = 1};
	struct darn_bad_range ranges[4];
	struct darn_bad_list bad = {ranges, 4, 99};
	struct darn_io *io = open_truth(SIZE);
	size_t got;

	plant(&io, &fault, 1);
	/* the page fails, these sectors of it are good */
	ck_assert_int_eq(darn_io_read_salvage(io, got_bytes, 3000, 4608, &bad,
					      &got, NULL),
			 DARN_OK);
	ck_assert_uint_eq(got, 3000);
	ck_assert_uint_eq(bad.n, 0);
	ck_assert_mem_eq(got_bytes, truth + 4608, 3000);
	darn_io_close(io);
}
END_TEST

static void put_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void ck_assert_policy(unsigned minor_number, const char *kind,
			     unsigned depth)
{
	struct darn_device_policy p =
		darn_device_policy_at(dir, makedev(8, minor_number));

	ck_assert_str_eq(p.kind, kind);
	ck_assert_uint_eq(p.io_depth, depth);
	ck_assert_int_eq(p.inorder, depth == 1);
}

/* Makes a disk with one partition in the made-up sysfs. */
static void put_disk(const char *name, const char *rotational)
{
	char path[64];

	ck_assert_int_eq(mkdir(in_dir(name), 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/queue", name);
	ck_assert_int_eq(mkdir(in_dir(path), 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/queue/rotational", name);
	put_text(in_dir(path), rotational);
	(void)snprintf(path, sizeof(path), "%s/part", name);
	ck_assert_int_eq(mkdir(in_dir(path), 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/slaves", name);
	ck_assert_int_eq(mkdir(in_dir(path), 0755), 0);
}

static void put_link(const char *target, const char *name)
{
	ck_assert_int_eq(symlink(target, in_dir(name)), 0);
}

/* Disks, partitions, virtual ones, and volumes upon them. */
START_TEST(devices_have_policies)
{
	make_dir(places[0]);
	ck_assert_int_eq(mkdir(in_dir("virtio1"), 0755), 0);
	put_disk("sda", "1\n");
	put_disk("sdb", "0\n");
	put_disk("virtio1/vda", "1\n");
	put_disk("dm-0", "1\n"); /* upon the virtual one */
	put_disk("dm-1", "1\n"); /* upon both kinds, and upon dm-0 */
	put_disk("dm-2", "1\n"); /* upon itself: must end */
	put_link("../../virtio1/vda/part", "dm-0/slaves/vda1");
	put_link("../../dm-0", "dm-1/slaves/dm-0");
	put_link("../../sda/part", "dm-1/slaves/sda1");
	put_link("../../sdb", "dm-1/slaves/sdb");
	put_link("../../dm-2", "dm-2/slaves/dm-2");
	put_link("sda", "8:0");
	put_link("sda/part", "8:1");
	put_link("sdb", "8:16");
	put_link("sdb/part", "8:17");
	put_link("virtio1/vda", "8:32");
	put_link("virtio1/vda/part", "8:33");
	put_link("dm-0", "8:40");
	put_link("dm-1", "8:41");
	put_link("dm-2", "8:42");
	ck_assert_policy(0, "rotational", 1);
	ck_assert_policy(1, "rotational", 1);
	ck_assert_policy(16, "solid state", 16);
	ck_assert_policy(17, "solid state", 16);
	ck_assert_policy(32, "virtual", 16);
	ck_assert_policy(33, "virtual", 16);
	ck_assert_policy(40, "virtual", 16);
	ck_assert_policy(41, "rotational", 1);
	ck_assert_policy(42, "rotational", 1);
	ck_assert_policy(99, "unknown", 16);
	ck_assert_uint_ge(darn_device_policy(0).io_depth, 1);
	remove_dir();
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("io");
	TCase *t = tcase_create("io");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_loop_test(t, memory_reads_right, 0, DARN_ARRAY_SIZE(sizes));
	tcase_add_loop_test(t, files_read_right, 0, 4 * DARN_ARRAY_SIZE(sizes));
	tcase_add_test(t, cached_reads_hit);
	tcase_add_test(t, read_full_knows_the_end);
	tcase_add_test(t, only_files_are_opened);
	tcase_add_test(t, no_permission_is_an_error);
	tcase_add_loop_test(t, block_devices_read_right, 0, 2);
	tcase_add_loop_test(t, threads_share_a_file, 0, 2);
	tcase_add_test(t, faults_do_as_planned);
	tcase_add_test(t, faults_shrink_and_shorten);
	tcase_add_loop_test(t, salvage_finds_the_sectors, 0, 4);
	tcase_add_test(t, salvage_is_bounded);
	tcase_add_test(t, salvage_on_a_block_device);
	tcase_add_test(t, salvage_runs_out_of_room);
	tcase_add_test(t, salvage_meets_the_end);
	tcase_add_test(t, salvage_goes_past_the_cache);
	tcase_add_test(t, devices_have_policies);
	suite_add_tcase(s, t);
	return s;
}
