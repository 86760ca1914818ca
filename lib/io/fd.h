/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd.h - what every user of a plain descriptor needs: all bytes or an error.
 *
 * An interrupted or short call is carried on with.  The functions return 0 or
 * the errno, and leave the words to the caller, who knows what the file is.
 */
#ifndef DARN_LIB_IO_FD_H
#define DARN_LIB_IO_FD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

/*
 * Reads until @len bytes are in @buf, of which *@got are there already, or the
 * file ends.  *@got is right after an error, too.
 */
DARN_MUST_CHECK
int darn_fd_read(int fd, void *buf, size_t len, uint64_t off, size_t *got);

/* Writes at *@off, which moves on: after an error it is the place of that. */
DARN_MUST_CHECK
int darn_fd_write(int fd, const void *buf, size_t len, uint64_t *off);

/* What was made, named or removed in the directory @path is so for good. */
DARN_MUST_CHECK
enum darn_rc darn_sync_dir(const char *path, struct darn_error *err);

/* The same for the directory that holds @path. */
DARN_MUST_CHECK
enum darn_rc darn_sync_parent(const char *path, struct darn_error *err);

#endif
