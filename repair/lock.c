/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.c - see lock.h.
 *
 * The directory that the lock lies in may belong to another user than ours,
 * who may put a link in our way at any moment: no link is followed, and what is
 * in a lock is reached through its descriptor.
 */
#include "repair/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/fd.h"

enum {
	MAX_LOCK = 8192,
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
};

static const int64_t ns_per_s = 1000000000;

enum darn_rc darn_lock_init(struct darn_lock *l, const char *path,
			    const char *inside, struct darn_error *err)
{
	*l = (struct darn_lock){
		.path = darn_strdup(path, err),
		.aside = darn_asprintf(err, "%s.darn", path),
		.inside = *inside ? darn_strdup(inside, err) : NULL,
	};
	if (!l->path || !l->aside || (*inside && !l->inside))
		return DARN_ENOMEM;
	return DARN_OK;
}

void darn_lock_release(struct darn_lock *l)
{
	free(l->path);
	free(l->inside);
	free(l->aside);
}

/* Opens the file @path, or the file @inside of the directory @path. */
static int open_text(const char *path, const char *inside)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int dir, fd, error;

	if (!inside)
		return open(path, flags);
	dir = open(path, DIR_FLAGS);
	if (dir < 0)
		return -1;
	fd = openat(dir, inside, flags);
	error = errno;
	(void)close(dir);
	errno = error;
	return fd;
}

static enum darn_rc read_text(int fd, const char *path,
			      struct darn_lock_text *out,
			      struct darn_error *err)
{
	struct stat st;
	int error;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return darn_fail(err, DARN_EREFUSED, 0, "'%s' is not a file",
				 path);
	out->mtime_ns = st.st_mtim.tv_sec * ns_per_s + st.st_mtim.tv_nsec;
	out->data = darn_calloc(MAX_LOCK + 1, 1, err);
	if (!out->data)
		return DARN_ENOMEM;
	error = darn_fd_read(fd, out->data, MAX_LOCK, 0, &out->len);
	if (error)
		return darn_fail(err, DARN_EIO, error, "cannot read '%s'",
				 path);
	if (out->len == MAX_LOCK)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is too long for a lock", path);
	return DARN_OK;
}

/* DARN_ENOENT where there is none. */
static enum darn_rc slurp(const char *path, const char *inside,
			  struct darn_lock_text *out, struct darn_error *err)
{
	int fd = open_text(path, inside);
	enum darn_rc rc;

	*out = (struct darn_lock_text){.data = NULL};
	if (fd < 0 && errno == ENOENT)
		return DARN_ENOENT;
	if (fd < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot open '%s'",
				 path);
	rc = read_text(fd, path, out, err);
	(void)close(fd);
	if (rc) {
		free(out->data);
		out->data = NULL;
	}
	return rc;
}

static bool is_text(const char *path, const char *inside,
		    const struct darn_lock_text *want)
{
	struct darn_lock_text now;
	bool same;

	if (slurp(path, inside, &now, NULL) || !now.data)
		return false;
	same = now.len == want->len &&
	       (now.len == 0 || memcmp(now.data, want->data, now.len) == 0);
	free(now.data);
	return same;
}

enum darn_rc darn_lock_old(const struct darn_lock *l,
			   struct darn_lock_text *out, struct darn_error *err)
{
	struct stat st;
	enum darn_rc rc;

	*out = (struct darn_lock_text){.data = NULL};
	if (lstat(l->path, &st) == 0 && S_ISDIR(st.st_mode))
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is a directory: a repair whose journal "
				 "is not here was killed; run it or its undo "
				 "again as it was run, or remove the directory",
				 l->path);
	rc = slurp(l->path, NULL, out, err);
	return rc == DARN_ENOENT ? DARN_OK : rc;
}

bool darn_lock_is(const struct darn_lock *l, const struct darn_lock_text *text)
{
	return is_text(l->path, l->inside, text);
}

/* Gives @fd to whom the directory of @l belongs. */
static int own(int fd, const struct darn_lock *l)
{
	const char *slash = strrchr(l->path, '/');
	char *dir = strndup(l->path, (size_t)(slash - l->path));
	struct stat st;
	int ret = 0;

	if (dir && stat(dir, &st) == 0 && st.st_uid != geteuid() &&
	    fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		ret = -1;
	free(dir);
	return ret;
}

/* Makes the new file @name in @dir, with the time of @text where it has one. */
static int make_file(const struct darn_lock *l, int dir, const char *name,
		     const struct darn_lock_text *text)
{
	struct timespec t[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = text->mtime_ns / ns_per_s,
		 .tv_nsec = text->mtime_ns % ns_per_s},
	};
	int fd = openat(dir, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	uint64_t off = 0;
	int error;

	if (fd < 0)
		return -1;
	error = darn_fd_write(fd, text->data, text->len, &off);
	if (!error &&
	    (own(fd, l) < 0 || (text->mtime_ns && futimens(fd, t) < 0) ||
	     fsync(fd) < 0))
		error = errno;
	(void)close(fd);
	errno = error;
	return error ? -1 : 0;
}

/* Makes ours, aside. */
static int make_ours(const struct darn_lock *l,
		     const struct darn_lock_text *ours)
{
	int dir, error;

	if (!l->inside)
		return make_file(l, AT_FDCWD, l->aside, ours);
	if (mkdir(l->aside, 0700) < 0)
		return -1;
	dir = open(l->aside, DIR_FLAGS);
	if (dir < 0)
		return -1;
	error = make_file(l, dir, l->inside, ours) < 0 || own(dir, l) < 0 ||
				fsync(dir) < 0
			? errno
			: 0;
	(void)close(dir);
	errno = error;
	return error ? -1 : 0;
}

/* Removes ours, aside, as far as it is there. */
static int discard_ours(const struct darn_lock *l)
{
	int dir, ret;

	if (!l->inside)
		return unlink(l->aside) < 0 && errno != ENOENT ? -1 : 0;
	dir = open(l->aside, DIR_FLAGS);
	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	ret = unlinkat(dir, l->inside, 0);
	(void)close(dir);
	if (ret < 0 && errno != ENOENT)
		return -1;
	return rmdir(l->aside);
}

/* A directory never takes the place of a file, whatever is supported. */
static int take_free_name(const struct darn_lock *l)
{
	if (renameat2(AT_FDCWD, l->aside, AT_FDCWD, l->path,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (l->inside)
		return rename(l->aside, l->path);
	return link(l->aside, l->path) < 0 ? -1 : unlink(l->aside);
}

static int exchange(const struct darn_lock *l)
{
	return renameat2(AT_FDCWD, l->aside, AT_FDCWD, l->path,
			 RENAME_EXCHANGE);
}

static enum darn_rc take_over(const struct darn_lock *l,
			      const struct darn_lock_text *old,
			      struct darn_error *err)
{
	if (exchange(l) < 0)
		return darn_fail(err, DARN_EREFUSED, errno,
				 "cannot set aside '%s', which nobody uses: "
				 "remove it first",
				 l->path);
	if (is_text(l->aside, NULL, old))
		return DARN_OK;
	if (exchange(l) < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot give back the lock '%s'", l->path);
	return darn_fail(err, DARN_EREFUSED, 0,
			 "somebody else has taken the lock '%s'", l->path);
}

enum darn_rc darn_lock_place(const struct darn_lock *l,
			     const struct darn_lock_text *ours,
			     const struct darn_lock_text *old,
			     struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (discard_ours(l) < 0)
		return darn_fail(err, DARN_EREFUSED, errno,
				 "'%s' is in the way", l->aside);
	if (make_ours(l, ours) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot make '%s'",
			       l->aside);
	else if (old->data)
		rc = take_over(l, old, err);
	else if (take_free_name(l) < 0)
		rc = darn_fail(err, DARN_EREFUSED, errno,
			       "cannot take the lock '%s'", l->path);
	if (rc)
		(void)discard_ours(l);
	return rc ? rc : darn_sync_parent(l->path, err);
}

/* Should it be gone, which is nobody's right, it is made anew. */
static int find_old(const struct darn_lock *l, const struct darn_lock_text *old)
{
	if (is_text(l->aside, NULL, old))
		return 0;
	if (discard_ours(l) < 0)
		return -1;
	return make_file(l, AT_FDCWD, l->aside, old);
}

enum darn_rc darn_lock_give_back(const struct darn_lock *l,
				 const struct darn_lock_text *old,
				 struct darn_error *err)
{
	enum darn_rc rc;
	int ret;

	ret = old->data ? find_old(l, old) : discard_ours(l);
	if (!ret)
		ret = old->data ? exchange(l) : rename(l->path, l->aside);
	if (ret < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot give back the lock '%s'", l->path);
	rc = darn_sync_parent(l->path, err);
	if (!rc && discard_ours(l) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot remove '%s'",
			       l->aside);
	return rc ? rc : darn_sync_parent(l->path, err);
}

void darn_lock_tidy(const struct darn_lock *l, const struct darn_lock_text *old)
{
	if (discard_ours(l) < 0 && old->data && is_text(l->aside, NULL, old))
		(void)unlink(l->aside);
}
