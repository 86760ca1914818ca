/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - what this machine says about its processes.
 *
 * For the liveness of stores.  No format and no engine is named here; what
 * cannot be seen is "unknown" and never "no".
 */
#ifndef DARN_LIB_SCAN_PROC_H
#define DARN_LIB_SCAN_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum darn_proc_answer {
	DARN_NO,
	DARN_YES,
	DARN_CANNOT_TELL
};

/* Is there a process @pid in this process's PID namespace? */
enum darn_proc_answer darn_proc_alive(pid_t pid);

/*
 * Does @pid run the program @name (as in /proc/PID/comm, or the start of it)
 * in the directory (@dev, @ino)?
 */
enum darn_proc_answer darn_proc_works_in(pid_t pid, const char *name,
					 uint64_t dev, uint64_t ino);

/*
 * The same for any process of the PID namespace; *pid gets the first one.
 * DARN_CANNOT_TELL: none of those that may be looked at.
 */
enum darn_proc_answer darn_proc_dir_in_use(const char *name, uint64_t dev,
					   uint64_t ino, pid_t *pid);

/*
 * Is this the first PID namespace of the machine, from which processes in
 * containers are seen as well?
 */
enum darn_proc_answer darn_proc_sees_all(void);

/* When the machine was started, in nanoseconds since 1970; false: unknown. */
bool darn_proc_boot_time_ns(int64_t *ns);

/*
 * Is @path on a file system that only this machine can write?  Known local
 * types are; network, FUSE and unknown ones are not.
 */
bool darn_fs_is_local(const char *path);

#endif
