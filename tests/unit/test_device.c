/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_device.c - disks, partitions, virtual ones and volumes upon them get
 * the reading policy that is good for them, in a made-up sysfs.
 */
#include <check.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/io/device.h"
#include "tests/unit/truth.h"

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
	Suite *s = suite_create("device");
	TCase *t = tcase_create("device");

	tcase_add_test(t, devices_have_policies);
	suite_add_tcase(s, t);
	return s;
}
