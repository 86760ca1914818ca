/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - the bytes of a manifest, version 1.  For lib/seal, and for
 * lib/snapshot, which copies by its chunks.
 *
 * All numbers are little-endian.  "check" is a 64-bit XXH3 of the part's other
 * bytes, mixed with the part's offset in the file, so that a good part at
 * the wrong place fails too.  Every byte of the file belongs to exactly one
 * part.
 *
 *   lead, 24 bytes, at 0
 *      0  8  "DARNSEAL"
 *      8  4  version, 1
 *     12  4  bytes per frame, 0 where the manifest has no frames
 *     16  8  check
 *   then, in the order in which the entries were met, records, each followed
 *   by the groups of its file, and index blocks between them
 *   record
 *      0  8  check
 *      8  4  length of the record
 *     12  1  enum darn_ftype
 *     13  1  flags: 1 settled
 *     14  2  0
 *     16  4  block size, 0 for all but files
 *     20  4  mode   24 4 uid   28 4 gid
 *     32  8  size   40 8 dev   48 8 ino   56 8 nlink   64 8 blocks
 *     72  8  mtime  80 8 ctime (nanoseconds)
 *     88  8  offset of the file's first group
 *     96  4  length of the path   100 4 length of the link's target
 *    104     path, target
 *   group: what stood in one chunk (1 MiB) of the file
 *      0  8  check
 *      8  4  number of digests   12 4 number of frames
 *     16     digests, 16 bytes each; all zero: could not be read
 *            frame ids, 16 bytes each; all zero: not stored, all 0xff: zeros
 *   index block, 4096 bytes: 511 offsets of records, 0 where there is none,
 *   and a check
 *   top: the offset of every index block, in order, and a check
 *   head
 *      0  8  check
 *      8  4  flags: 1 fuzzy
 *     12  4  length of the root's path
 *     16  8  when sealing began
 *     24 40  boot id      64 32 store's name     96 192 secret
 *    288     root's path
 *   trailer, the last 64 bytes
 *      0  8  "DARNSEND"
 *      8  8  number of entries
 *     16  8  offset of the top    24 8 offset of the head
 *     32  8  length of the head   40 8 length of the file
 *     48  8  the head's check     56 8 check: as the head says when it was
 *                                 made, no two manifests end alike
 *
 * The index lists the records in path order, that of darn_path_cmp().
 */
#ifndef DARN_LIB_SEAL_LAYOUT_H
#define DARN_LIB_SEAL_LAYOUT_H

#include "lib/seal/manifest.h"

#define SEAL_MAGIC "DARNSEAL"
#define SEAL_END_MAGIC "DARNSEND"

enum {
	SEAL_VERSION = 1,
	SEAL_CHUNK = 1 << 20, /* as DARN_CHUNK */
	SEAL_LEAD = 24,
	SEAL_RECORD = 104,
	SEAL_GROUP = 16,
	SEAL_FANOUT = 511,
	SEAL_INDEX = 4096,
	SEAL_HEAD = 288,
	SEAL_TRAILER = 64,
	SEAL_BLOCK_MIN = 512,
	SEAL_FRAME_MIN = 4096,
	SEAL_PATH_MAX = 65536,
	SEAL_SETTLED = 1, /* flag of a record */
	SEAL_FUZZY = 1,	  /* flag of the head */
};

uint64_t darn_seal_check(const void *buf, size_t len, uint64_t off);

/* Bytes of a group that describes @len bytes of a file. */
size_t darn_seal_group_size(uint32_t block, uint32_t frame, uint64_t len);

/* Bytes of all groups of a file. */
uint64_t darn_seal_groups_size(uint32_t block, uint32_t frame, uint64_t size);

/* May a manifest have this block size, this frame length? */
static inline bool darn_seal_pow2(uint32_t n, uint32_t min)
{
	return n >= min && n <= SEAL_CHUNK && (n & (n - 1)) == 0;
}

static inline uint64_t darn_seal_parts(uint64_t len, uint64_t part)
{
	return len / part + (len % part != 0);
}

#endif
