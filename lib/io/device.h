/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - how a device wants to be read.
 */
#ifndef DARN_LIB_IO_DEVICE_H
#define DARN_LIB_IO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct darn_device_policy {
	unsigned io_depth; /* reads to keep in flight */
	bool inorder;	   /* one stream, in the order of the offsets */
	const char *kind;  /* rotational, solid state, virtual or unknown */
};

/*
 * The policy for the device @dev, as in struct darn_stat.  What cannot be found
 * out (network, overlay, btrfs) counts as fast.
 */
struct darn_device_policy darn_device_policy(uint64_t dev);

/* The same with another directory in place of /sys/dev/block. */
struct darn_device_policy darn_device_policy_at(const char *sysfs,
						uint64_t dev);

#endif
