/* SPDX-License-Identifier: Apache-2.0 */
/*
 * truth.h - the same bytes in memory, in files and behind a loop device, for
 * the tests of lib/io.
 */
#ifndef DARN_TESTS_UNIT_TRUTH_H
#define DARN_TESTS_UNIT_TRUTH_H

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/io.h"

enum {
	SIZE = (1 << 20) + 3 * 4096 + 777, /* no multiple of anything */
	SECTOR = 512,
	PAGE = 4096,
};

static uint8_t truth[SIZE], got_bytes[SIZE + 2 * PAGE];
static char dir[256];

/* A directory on a disk, and one in memory, where there is no O_DIRECT. */
static const char *const places[] = {"/var/tmp", "/dev/shm"};

static inline uint32_t random_below(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*seed * n) >> 32);
}

static inline void fill_truth(void)
{
	uint32_t seed = 1;
	size_t i;

	for (i = 0; i < SIZE; i++)
		truth[i] = (uint8_t)random_below(&seed, 256);
}

static inline const char *in_dir(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline void put_truth(const char *path, size_t size)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(truth, 1, size, f), size);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void make_dir(const char *parent)
{
	(void)snprintf(dir, sizeof(dir), "%s/darn-io-XXXXXX", parent);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static inline void remove_dir(void)
{
	char command[512];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static inline struct darn_io *open_file(const char *path, bool direct)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_io *io = NULL;

	ck_assert_msg(darn_io_open_posix(AT_FDCWD, path, path, direct, &io,
					 &err) == DARN_OK,
		      "%s", err.msg);
	return io;
}

static inline struct darn_io *open_truth(size_t size)
{
	struct darn_io *io = NULL;

	ck_assert_int_eq(darn_io_open_memory(truth, size, "truth", &io, NULL),
			 DARN_OK);
	return io;
}

/* Reads at [@off, @off + @len) of a file of @size true bytes. */
static inline void ck_assert_read(struct darn_io *io, size_t len, uint64_t off,
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
	/* a direct read may fill up what was asked for beyond the end */
	ck_assert_uint_eq(buf[how == DARN_READ_CACHED ? got : len], 0xaa);
}

/* Puts @path behind a loop device; its number, or -1 where that cannot be. */
static inline int attach_loop(const char *path, char device[64])
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

#endif
