/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.c - an LD_PRELOAD shim that ends or troubles a program at its n-th
 * system call that writes.
 *
 * Works where no FUSE, no loop device and no ptrace is to be had.  It sees the
 * death of a process, not the loss of a page cache.
 *
 *   DARN_CRASH_AT=N      the call to act on, counted from 1
 *   DARN_CRASH_MODE      kill:   SIGKILL before the call
 *                        after:  SIGKILL after the call
 *                        tear:   SIGKILL after the first half of a write
 *                        enospc, erofs, eio: this call and all later ones
 *                        that write fail with that error
 *   DARN_CRASH_COUNT=F   at exit, the number of calls seen is written to F
 *
 * Counted: write, pwrite, writev, pwritev, copy_file_range, ftruncate,
 * fallocate, fsync, fdatasync, rename*, link*, unlink*, mkdir*, rmdir,
 * symlink*, fchmod, fchown, futimens, utimensat, fsetxattr, and open* with
 * O_CREAT, O_TRUNC or O_TMPFILE.  Standard output and error are left out.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static atomic_long seen;
static long at;
static int fail_errno; /* for the modes that fail */
static enum {
	MODE_NONE,
	MODE_KILL,
	MODE_AFTER,
	MODE_TEAR,
	MODE_FAIL
} mode;

__attribute__((constructor)) static void setup(void)
{
	const char *m = getenv("DARN_CRASH_MODE");
	const char *n = getenv("DARN_CRASH_AT");

	at = n ? atol(n) : 0;
	if (!m || !n)
		return;
	if (strcmp(m, "kill") == 0)
		mode = MODE_KILL;
	else if (strcmp(m, "after") == 0)
		mode = MODE_AFTER;
	else if (strcmp(m, "tear") == 0)
		mode = MODE_TEAR;
	else if (strcmp(m, "none") != 0)
		mode = MODE_FAIL;
	fail_errno = strcmp(m, "enospc") == 0  ? ENOSPC
		     : strcmp(m, "erofs") == 0 ? EROFS
					       : EIO;
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("DARN_CRASH_COUNT");
	char buf[32];
	int len, fd;

	if (!path)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path,
			  O_WRONLY | O_CREAT | O_TRUNC, 0644);
	len = snprintf(buf, sizeof(buf), "%ld\n", atomic_load(&seen));
	if (fd >= 0 && syscall(SYS_write, fd, buf, (size_t)len) == len)
		(void)syscall(SYS_close, fd);
}

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* Counts a call; true if it must fail with errno set. */
static bool before(bool *is_it)
{
	long n = atomic_fetch_add(&seen, 1) + 1;

	*is_it = n == at;
	if (mode == MODE_KILL && n == at)
		die();
	if (mode == MODE_FAIL && n >= at) {
		errno = fail_errno;
		return true;
	}
	return false;
}

static void after(bool is_it)
{
	if (is_it && (mode == MODE_AFTER || mode == MODE_TEAR))
		die();
}

/* The length of a write to let through. */
static size_t part(bool is_it, size_t len)
{
	return is_it && mode == MODE_TEAR ? len / 2 : len;
}

static bool std_stream(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A call without anything to tear. */
#define WRAP(type, name, params, args)   \
	type name params                 \
	{                                \
		bool is_it;              \
		type ret;                \
                                         \
		if (before(&is_it))      \
			return (type)-1; \
		ret = REAL(name) args;   \
		after(is_it);            \
		return ret;              \
	}

WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, ftruncate, (int fd, off_t len), (fd, len))
WRAP(int, ftruncate64, (int fd, off64_t len), (fd, len))
WRAP(int, fallocate, (int fd, int m, off_t off, off_t len), (fd, m, off, len))
WRAP(int, fallocate64, (int fd, int m, off64_t off, off64_t len),
     (fd, m, off, len))
WRAP(int, rename, (const char *a, const char *b), (a, b))
WRAP(int, renameat, (int x, const char *a, int y, const char *b), (x, a, y, b))
WRAP(int, renameat2, (int x, const char *a, int y, const char *b, unsigned f),
     (x, a, y, b, f))
WRAP(int, link, (const char *a, const char *b), (a, b))
WRAP(int, linkat, (int x, const char *a, int y, const char *b, int f),
     (x, a, y, b, f))
WRAP(int, unlink, (const char *a), (a))
WRAP(int, unlinkat, (int x, const char *a, int f), (x, a, f))
WRAP(int, rmdir, (const char *a), (a))
WRAP(int, mkdir, (const char *a, mode_t m), (a, m))
WRAP(int, mkdirat, (int x, const char *a, mode_t m), (x, a, m))
WRAP(int, symlink, (const char *a, const char *b), (a, b))
WRAP(int, symlinkat, (const char *a, int x, const char *b), (a, x, b))
WRAP(int, fchmod, (int fd, mode_t m), (fd, m))
WRAP(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g))
WRAP(int, futimens, (int fd, const struct timespec t[2]), (fd, t))
WRAP(int, utimensat, (int x, const char *a, const struct timespec t[2], int f),
     (x, a, t, f))
WRAP(int, fsetxattr, (int fd, const char *n, const void *v, size_t l, int f),
     (fd, n, v, l, f))
WRAP(ssize_t, copy_file_range,
     (int a, off64_t *x, int b, off64_t *y, size_t l, unsigned f),
     (a, x, b, y, l, f))

ssize_t write(int fd, const void *buf, size_t len)
{
	bool is_it;
	ssize_t ret;

	if (std_stream(fd))
		return REAL(write)(fd, buf, len);
	if (before(&is_it))
		return -1;
	ret = REAL(write)(fd, buf, part(is_it, len));
	after(is_it);
	return ret;
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
	bool is_it;
	ssize_t ret;

	if (before(&is_it))
		return -1;
	ret = REAL(pwrite)(fd, buf, part(is_it, len), off);
	after(is_it);
	return ret;
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t off)
{
	bool is_it;
	ssize_t ret;

	if (before(&is_it))
		return -1;
	ret = REAL(pwrite64)(fd, buf, part(is_it, len), off);
	after(is_it);
	return ret;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	bool is_it;
	ssize_t ret;

	if (std_stream(fd))
		return REAL(writev)(fd, iov, n);
	if (before(&is_it))
		return -1;
	ret = REAL(writev)(fd, iov, is_it && mode == MODE_TEAR ? 1 : n);
	after(is_it);
	return ret;
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	bool is_it;
	ssize_t ret;

	if (before(&is_it))
		return -1;
	ret = REAL(pwritev)(fd, iov, is_it && mode == MODE_TEAR ? 1 : n, off);
	after(is_it);
	return ret;
}

static bool makes(int flags)
{
	return (flags & (O_CREAT | O_TRUNC)) != 0 ||
	       (flags & O_TMPFILE) == O_TMPFILE;
}

#define WRAP_OPEN(name, params, call)               \
	int name params                             \
	{                                           \
		bool is_it = false;                 \
		mode_t m = 0;                       \
		va_list ap;                         \
		int ret;                            \
                                                    \
		va_start(ap, flags);                \
		if (makes(flags))                   \
			m = va_arg(ap, mode_t);     \
		va_end(ap);                         \
		if (makes(flags) && before(&is_it)) \
			return -1;                  \
		ret = call;                         \
		after(is_it);                       \
		return ret;                         \
	}

WRAP_OPEN(open, (const char *path, int flags, ...), REAL(open)(path, flags, m))
WRAP_OPEN(open64, (const char *path, int flags, ...),
	  REAL(open64)(path, flags, m))
WRAP_OPEN(openat, (int dir, const char *path, int flags, ...),
	  REAL(openat)(dir, path, flags, m))
WRAP_OPEN(openat64, (int dir, const char *path, int flags, ...),
	  REAL(openat64)(dir, path, flags, m))
