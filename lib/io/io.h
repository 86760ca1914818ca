/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - a file to read from, whatever it lies in.
 *
 * One vtable for a file on disk, a member of a snapshot, a piece of memory or
 * a wrapper that injects faults.  Reading only: what writes into a store is
 * in repair/, behind a journal, and cannot be reached from here.
 *
 * Every function may be called from several threads at once on one object.
 * pread and never mmap: a bad sector must be an error code, not a SIGBUS.
 */
#ifndef DARN_LIB_IO_IO_H
#define DARN_LIB_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

enum darn_ftype {
	DARN_FT_FILE,
	DARN_FT_DIR,
	DARN_FT_LINK,
	DARN_FT_OTHER, /* FIFO, socket, device */
};

/* What stat says, in units of bytes and nanoseconds since 1970. */
struct darn_stat {
	enum darn_ftype type;
	uint64_t size;
	uint64_t dev, ino, nlink; /* 0 where the medium has no such thing */
	uint64_t blocks;	  /* allocated, of 512 bytes */
	uint32_t mode, uid, gid;  /* mode: permission bits only (07777) */
	int64_t mtime_ns, ctime_ns;
};

enum darn_read_how {
	DARN_READ_NORMAL, /* through the page cache */
	DARN_READ_CACHED, /* only what is in memory now; never waits */
	DARN_READ_MEDIUM, /* past the page cache where the medium allows it */
};

struct darn_io;

struct darn_io_ops {
	enum darn_rc (*read)(struct darn_io *io, void *buf, size_t len,
			     uint64_t off, enum darn_read_how how, size_t *got,
			     struct darn_error *err);
	enum darn_rc (*stat)(struct darn_io *io, struct darn_stat *st,
			     struct darn_error *err);
	void (*close)(struct darn_io *io); /* releases @io itself */
	enum darn_rc (*settle)(struct darn_io *io,
			       struct darn_error *err); /* optional */
};

/* Implementations embed this as their first member. */
struct darn_io {
	const struct darn_io_ops *ops;
	const char *name; /* for messages; owned by the implementation */
};

/*
 * Reads up to @len bytes at @off.  *@got < @len with DARN_OK means that the
 * file ends there (or, for DARN_READ_CACHED, that no more of it is in memory).
 * DARN_EIO: the medium failed; *@got bytes before the bad place are valid all
 * the same.  *@got is written in both cases; what @buf holds behind it is
 * undefined.  A read of the medium spares a copy where @buf, @len and @off are
 * multiples of 4096.
 */
DARN_MUST_CHECK
enum darn_rc darn_io_read(struct darn_io *io, void *buf, size_t len,
			  uint64_t off, enum darn_read_how how, size_t *got,
			  struct darn_error *err);

/* Reads exactly @len bytes; an early end of file is DARN_EIO and says so. */
DARN_MUST_CHECK
enum darn_rc darn_io_read_full(struct darn_io *io, void *buf, size_t len,
			       uint64_t off, struct darn_error *err);

DARN_MUST_CHECK
enum darn_rc darn_io_stat(struct darn_io *io, struct darn_stat *st,
			  struct darn_error *err);

/*
 * Has what others wrote into memory reach the medium.  A program that writes
 * through a mapping moves the file's time stamp with the first store into a
 * page only, until that page has been written out; from here on the next store
 * moves it again.
 */
DARN_MUST_CHECK
enum darn_rc darn_io_settle(struct darn_io *io, struct darn_error *err);

void darn_io_close(struct darn_io *io); /* NULL is fine */

/*
 * A file on disk.  @dirfd/@path as for openat(2); a symbolic link in the last
 * component is refused, and so is anything but a regular file or a block
 * device (opened without waiting, so that a FIFO cannot hang the scan).
 * @name is copied.  With @direct every DARN_READ_NORMAL goes past the page
 * cache too.  DARN_ENOENT where there is no such file.
 */
DARN_MUST_CHECK
enum darn_rc darn_io_open_posix(int dirfd, const char *path, const char *name,
				bool direct, struct darn_io **out,
				struct darn_error *err);

/* @len bytes of memory that outlive the object; nothing is copied. */
DARN_MUST_CHECK
enum darn_rc darn_io_open_memory(const void *buf, size_t len, const char *name,
				 struct darn_io **out, struct darn_error *err);

/* Unreadable bytes of a file. */
struct darn_bad_range {
	uint64_t off, len;
};

/* Those that darn_io_read_salvage() found: sorted, adjoining ones joined. */
struct darn_bad_list {
	struct darn_bad_range *at; /* room for @max, given by the caller */
	size_t max, n;
};

/*
 * Reads @len bytes at @off although some of them may be unreadable: on EIO it
 * goes past the page cache (large folios make good neighbours fail too) and
 * bisects to the 512-byte sector or whatever the device delivers.  Unreadable
 * bytes are zeroed in @buf and named in @bad, from its beginning; where there
 * are more than it has room for, the last one covers the rest.  *@got as for
 * darn_io_read().  Fails only where nothing can be said at all.
 */
DARN_MUST_CHECK
enum darn_rc darn_io_read_salvage(struct darn_io *io, void *buf, size_t len,
				  uint64_t off, struct darn_bad_list *bad,
				  size_t *got, struct darn_error *err);

#endif
