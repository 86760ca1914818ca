/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix.c - a file or block device of this machine.
 *
 * Ordinary reads are preads through the page cache.  Reads of the medium use a
 * second descriptor with O_DIRECT, opened when first asked for, since a bad
 * page in the cache makes its good neighbours fail and hides what the disk
 * says now.  O_DIRECT wants offset, length and memory aligned; what is not
 * goes through a bounce buffer.  Where a file system has no O_DIRECT, the pages
 * are dropped from the cache before an ordinary read.
 */
#include "lib/io/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/fd.h"

enum {
	NOT_OPENED = -1,
	NOT_SUPPORTED = -2,
	/* No device in use wants more than 4096; many are content with 512. */
	COARSE = 4096,
	FINE = 512,
	BOUNCE = 1 << 20,
};

struct posix_io {
	struct darn_io io;
	int fd;
	_Atomic int direct_fd; /* or NOT_OPENED, NOT_SUPPORTED */
	_Atomic bool no_fine;  /* the device refuses alignment to FINE */
	bool direct;	       /* every read goes to the medium */
	bool device;
	uint64_t device_size;
	char *name;
};

static struct posix_io *self(struct darn_io *io)
{
	return (struct posix_io *)io;
}

enum darn_rc darn_posix_rc(int sys_errno)
{
	switch (sys_errno) {
	case ENOENT:
	case ENOTDIR:
		return DARN_ENOENT;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return DARN_ENOMEM;
	default:
		return DARN_EIO;
	}
}

static int64_t to_ns(struct timespec ts)
{
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct darn_stat darn_posix_stat(const struct stat *sb)
{
	return (struct darn_stat){
		.type = S_ISREG(sb->st_mode)   ? DARN_FT_FILE
			: S_ISDIR(sb->st_mode) ? DARN_FT_DIR
			: S_ISLNK(sb->st_mode) ? DARN_FT_LINK
					       : DARN_FT_OTHER,
		.size = (uint64_t)sb->st_size,
		.dev = sb->st_dev,
		.ino = sb->st_ino,
		.nlink = sb->st_nlink,
		.blocks = (uint64_t)sb->st_blocks,
		.mode = sb->st_mode & 07777,
		.uid = sb->st_uid,
		.gid = sb->st_gid,
		.mtime_ns = to_ns(sb->st_mtim),
		.ctime_ns = to_ns(sb->st_ctim),
	};
}

static int read_cached(struct posix_io *f, void *buf, size_t len, uint64_t off,
		       size_t *got)
{
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	ssize_t n;

	do
		n = preadv2(f->fd, &iov, 1, (off_t)off, RWF_NOWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		*got = (size_t)n;
	else if (errno != EAGAIN && errno != EOPNOTSUPP && errno != ENOSYS &&
		 errno != EINVAL)
		return errno;
	return 0;
}

static bool is_aligned(uint64_t value, size_t align)
{
	return (value & (align - 1)) == 0;
}

/*
 * One aligned read that covers the beginning of [@off, @off + @len), copied to
 * @buf as far as it goes.  *@got = 0 at the end of the file.
 */
static int bounce(int fd, uint8_t *buf, size_t len, uint64_t off, size_t align,
		  size_t *got)
{
	size_t skip = (size_t)(off & (align - 1)), have = 0;
	size_t span =
		(DARN_MIN(len, (size_t)BOUNCE - align) + skip + align - 1) &
		~(align - 1);
	void *mem = NULL;
	int rc;

	if (posix_memalign(&mem, COARSE, span))
		return ENOMEM;
	rc = darn_fd_read(fd, mem, span, off - skip, &have);
	if (have > skip) {
		*got = DARN_MIN(have - skip, len);
		memcpy(buf, (uint8_t *)mem + skip, *got);
	}
	free(mem);
	return rc;
}

static int read_direct(int fd, uint8_t *buf, size_t len, uint64_t off,
		       size_t align, size_t *got)
{
	while (*got < len) {
		uint8_t *to = buf + *got;
		uint64_t pos = off + *got;
		size_t left = len - *got, n = 0;
		int rc;

		if (left >= align && is_aligned(pos, align) &&
		    is_aligned((uintptr_t)to, align))
			rc = darn_fd_read(fd, to, left & ~(align - 1), pos, &n);
		else
			rc = bounce(fd, to, left, pos, align, &n);
		*got += n;
		if (rc || n == 0)
			return rc;
	}
	return 0;
}

/* The descriptor for O_DIRECT, or NOT_SUPPORTED. */
static int direct_fd(struct posix_io *f)
{
	int fd = atomic_load(&f->direct_fd), expected = NOT_OPENED;
	char path[64];

	if (fd != NOT_OPENED)
		return fd;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	fd = open(path, O_RDONLY | O_DIRECT | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return NOT_SUPPORTED; /* this time */
	if (fd < 0)
		fd = NOT_SUPPORTED;
	if (atomic_compare_exchange_strong(&f->direct_fd, &expected, fd))
		return fd;
	if (fd >= 0) /* another thread was faster */
		(void)close(fd);
	return expected;
}

static int read_medium(struct posix_io *f, void *buf, size_t len, uint64_t off,
		       size_t *got)
{
	int fd = direct_fd(f), rc;

	if (fd >= 0 && len < COARSE && !atomic_load(&f->no_fine)) {
		rc = read_direct(fd, buf, len, off, FINE, got);
		if (rc != EINVAL)
			return rc;
		atomic_store(&f->no_fine, true);
		*got = 0;
	}
	if (fd >= 0) {
		rc = read_direct(fd, buf, len, off, COARSE, got);
		if (rc != EINVAL)
			return rc;
		*got = 0;
	}
	(void)posix_fadvise(f->fd, (off_t)off, (off_t)len, POSIX_FADV_DONTNEED);
	return darn_fd_read(f->fd, buf, len, off, got);
}

static enum darn_rc posix_read(struct darn_io *io, void *buf, size_t len,
			       uint64_t off, enum darn_read_how how,
			       size_t *got, struct darn_error *err)
{
	struct posix_io *f = self(io);
	int rc;

	/* an offset out of a hostile file: nothing ends beyond INT64_MAX */
	if (off > INT64_MAX - COARSE)
		return DARN_OK;
	len = (size_t)DARN_MIN(len, INT64_MAX - COARSE - off);
	if (how == DARN_READ_CACHED)
		rc = read_cached(f, buf, len, off, got);
	else if (how == DARN_READ_MEDIUM || f->direct)
		rc = read_medium(f, buf, len, off, got);
	else
		rc = darn_fd_read(f->fd, buf, len, off, got);
	if (rc)
		return darn_fail(err, rc == ENOMEM ? DARN_ENOMEM : DARN_EIO, rc,
				 "cannot read '%s' at %" PRIu64, io->name,
				 off + *got);
	return DARN_OK;
}

/* A device is known by its number, whichever node it was opened through. */
static enum darn_rc posix_fstat(struct darn_io *io, struct darn_stat *st,
				struct darn_error *err)
{
	struct posix_io *f = self(io);
	struct stat sb;

	if (fstat(f->fd, &sb) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot look at '%s'",
				 io->name);
	*st = darn_posix_stat(&sb);
	if (f->device) {
		st->type = DARN_FT_FILE;
		st->size = f->device_size;
		st->dev = sb.st_rdev;
		st->ino = 0;
	}
	return DARN_OK;
}

/* Nothing is asked of the disk's own cache: that would cost every file a wait.
 */
static enum darn_rc posix_settle(struct darn_io *io, struct darn_error *err)
{
	struct posix_io *f = self(io);

	if (sync_file_range(f->fd, 0, 0,
			    SYNC_FILE_RANGE_WAIT_BEFORE |
				    SYNC_FILE_RANGE_WRITE |
				    SYNC_FILE_RANGE_WAIT_AFTER) == 0)
		return DARN_OK;
	if (errno == EIO || errno == ENOSPC)
		return darn_fail(err, DARN_EIO, errno, "cannot write out '%s'",
				 io->name);
	return DARN_OK; /* a file system that keeps nothing back */
}

static void posix_close(struct darn_io *io)
{
	struct posix_io *f = self(io);
	int fd = atomic_load(&f->direct_fd);

	if (fd >= 0)
		(void)close(fd);
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f->name);
	free(f);
}

static const struct darn_io_ops posix_ops = {
	.read = posix_read,
	.stat = posix_fstat,
	.close = posix_close,
	.settle = posix_settle,
};

static enum darn_rc check_type(struct posix_io *f, const struct stat *sb,
			       struct darn_error *err)
{
	if (S_ISLNK(sb->st_mode))
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is a symbolic link, which is not "
				 "followed",
				 f->name);
	if (S_ISDIR(sb->st_mode))
		return darn_fail(err, DARN_EREFUSED, 0, "'%s' is a directory",
				 f->name);
	if (!S_ISREG(sb->st_mode) && !S_ISBLK(sb->st_mode))
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is neither a file nor a block device",
				 f->name);
	return DARN_OK;
}

static enum darn_rc cannot_open(struct posix_io *f, struct darn_error *err)
{
	return darn_fail(err, darn_posix_rc(errno), errno, "cannot open '%s'",
			 f->name);
}

/*
 * Opens @f->fd.  The type is looked at before, because opening some devices
 * does something to them, and again after, because the name may have changed
 * hands.
 */
static enum darn_rc open_fd(struct posix_io *f, int dirfd, const char *path,
			    struct darn_error *err)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	struct stat sb;
	enum darn_rc rc;

	if (fstatat(dirfd, path, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot_open(f, err);
	rc = check_type(f, &sb, err);
	if (rc)
		return rc;
	f->fd = openat(dirfd, path, flags | O_NOATIME);
	if (f->fd < 0 && errno == EPERM) /* not the owner */
		f->fd = openat(dirfd, path, flags);
	if (f->fd < 0 || fstat(f->fd, &sb) < 0)
		return cannot_open(f, err);
	f->device = S_ISBLK(sb.st_mode);
	if (f->device && ioctl(f->fd, BLKGETSIZE64, &f->device_size) < 0)
		return cannot_open(f, err);
	return check_type(f, &sb, err);
}

enum darn_rc darn_io_open_posix(int dirfd, const char *path, const char *name,
				bool direct, struct darn_io **out,
				struct darn_error *err)
{
	struct posix_io *f = darn_calloc(1, sizeof(*f), err);
	enum darn_rc rc = DARN_ENOMEM;

	if (!f)
		return DARN_ENOMEM;
	f->fd = -1;
	atomic_init(&f->direct_fd, NOT_OPENED);
	f->direct = direct;
	f->name = darn_strdup(name, err);
	if (f->name)
		rc = open_fd(f, dirfd, path, err);
	if (rc) {
		posix_close(&f->io);
		return rc;
	}
	f->io = (struct darn_io){&posix_ops, f->name};
	*out = &f->io;
	return DARN_OK;
}
