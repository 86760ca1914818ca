/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_salvage.c - planned faults come as planned, and what can be read around
 * them is read.
 *
 * Faults are planted by the wrapper of fault.h at places that a fixed seed
 * decides; a loop device whose file is cut has true ones.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/fault.h"
#include "lib/io/io.h"
#include "tests/unit/truth.h"

static void plant(struct darn_io **io, const struct darn_fault *faults,
		  size_t n)
{
	ck_assert_int_eq(darn_fault_wrap(io, faults, n, NULL), DARN_OK);
}

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

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("salvage");
	TCase *t = tcase_create("salvage");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, fill_truth, NULL);
	tcase_add_test(t, faults_do_as_planned);
	tcase_add_test(t, faults_shrink_and_shorten);
	tcase_add_loop_test(t, salvage_finds_the_sectors, 0, 4);
	tcase_add_test(t, salvage_is_bounded);
	tcase_add_test(t, salvage_on_a_block_device);
	tcase_add_test(t, salvage_runs_out_of_room);
	tcase_add_test(t, salvage_meets_the_end);
	tcase_add_test(t, salvage_goes_past_the_cache);
	suite_add_tcase(s, t);
	return s;
}
