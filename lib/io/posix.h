/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix.h - what the two views of the operating system's files share.
 */
#ifndef DARN_LIB_IO_POSIX_H
#define DARN_LIB_IO_POSIX_H

#include <sys/stat.h>

#include "lib/io/io.h"

struct darn_stat darn_posix_stat(const struct stat *sb);

/*
 * The code for a system call on a path that failed with @sys_errno: ENOENT for
 * "no such thing", ENOMEM for a limit of the process, else EIO.
 */
enum darn_rc darn_posix_rc(int sys_errno);

#endif
