/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - a file that fails in a planned way, for tests.
 *
 * The environment variable DARN_FAULT does the same to the files that the
 * program opens in a directory: a list of faults, separated by commas, each
 * for every file whose name (PATH as typed, "/", the relative path) contains
 * SUBSTRING.  Numbers are decimal, or hexadecimal with 0x.
 *
 *   eio:SUBSTRING:OFF+LEN         these bytes cannot be read
 *   flip:SUBSTRING:OFF.BIT        bit BIT (0-7) of byte OFF reads inverted
 *   flip:SUBSTRING:OFF.BITxCOUNT  only in the first COUNT reads of the byte
 *   cache:SUBSTRING:OFF.BIT       likewise, but right on the medium; xCOUNT too
 *   short:SUBSTRING:N             a read gives at most N bytes and then EIO
 *   shrink:SUBSTRING:SIZE@NTH     from its NTH read on the file has SIZE bytes
 *
 * An unreadable range is as coarse as real ones: reads through the page cache
 * fail for whole pages of 4096 bytes, those of the medium for sectors of 512,
 * and a read of the medium that meets one delivers nothing at all.
 */
#ifndef DARN_LIB_IO_FAULT_H
#define DARN_LIB_IO_FAULT_H

#include "lib/io/io.h"

enum darn_fault_kind {
	DARN_FAULT_EIO,
	DARN_FAULT_FLIP,
	DARN_FAULT_CACHE,
	DARN_FAULT_SHORT,
	DARN_FAULT_SHRINK,
};

struct darn_fault {
	enum darn_fault_kind kind;
	uint64_t off;	/* EIO, FLIP, CACHE */
	uint64_t len;	/* EIO: bytes; SHORT: most per read; SHRINK: new size */
	unsigned bit;	/* FLIP, CACHE */
	uint64_t count; /* FLIP, CACHE: reads (0: all); SHRINK: from which */
};

/*
 * Puts @faults before *@io, which belongs to the new object from then on.  On
 * failure *@io is as it was.
 */
DARN_MUST_CHECK
enum darn_rc darn_fault_wrap(struct darn_io **io,
			     const struct darn_fault *faults, size_t n,
			     struct darn_error *err);

/*
 * Does what DARN_FAULT says for a file of this name; nothing where it is not
 * set.  A list that cannot be understood is DARN_EINVAL.
 */
DARN_MUST_CHECK
enum darn_rc darn_fault_from_env(struct darn_io **io, struct darn_error *err);

/* The reads that a wrapped file has seen. */
uint64_t darn_fault_reads(const struct darn_io *wrapped);

#endif
