/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/snapshot/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"

struct darn_target {
	char *path;
	int fd;
};

static enum darn_rc make_path(char *path, struct darn_error *err)
{
	for (char *p = path + 1;; p++) {
		char keep = *p;

		if (keep != '/' && keep != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return darn_fail(err, DARN_EIO, errno,
					 "cannot create '%s'", path);
		*p = keep;
		if (keep == '\0')
			return DARN_OK;
	}
}

static enum darn_rc check_empty(const struct darn_target *t,
				struct darn_error *err)
{
	DIR *d = opendir(t->path);
	struct dirent *e;
	bool empty = true;

	if (!d)
		return darn_fail(err, DARN_EIO, errno, "cannot list '%s'",
				 t->path);
	while ((e = readdir(d)) != NULL)
		empty = empty && (strcmp(e->d_name, ".") == 0 ||
				  strcmp(e->d_name, "..") == 0);
	(void)closedir(d);
	if (empty)
		return DARN_OK;
	return darn_fail(err, DARN_EREFUSED, 0,
			 "'%s' is not empty (--force writes into it)", t->path);
}

void darn_target_close(struct darn_target *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		(void)close(t->fd);
	free(t->path);
	free(t);
}

/*
 * The directory @len bytes of @rel long, made where it is missing.  No link is
 * followed, and nothing leads up.
 */
static int walk_to(const struct darn_target *t, const char *rel, size_t len)
{
	const int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int at = openat(t->fd, ".", how);
	size_t off = 0;

	while (at >= 0 && off < len) {
		char name[256];
		size_t n = strcspn(rel + off, "/");
		int next;

		if (n >= sizeof(name)) {
			(void)close(at);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, rel + off, n);
		name[n] = '\0';
		if (n == 0 || strcmp(name, ".") == 0 ||
		    strcmp(name, "..") == 0) {
			(void)close(at);
			errno = EINVAL;
			return -1;
		}
		(void)mkdirat(at, name, 0700);
		next = openat(at, name, how);
		(void)close(at);
		at = next;
		off += n + (rel[off + n] == '/');
	}
	return at;
}

/* @below: absolute in the snapshot, relative to @path here. */
static enum darn_rc enter(struct darn_target *t, const char *path,
			  const char *below, struct darn_error *err)
{
	int base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (base < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot open '%s'",
				 path);
	t->fd = base;
	below += *below == '/';
	if (*below) {
		t->fd = walk_to(t, below, strlen(below));
		(void)close(base);
	}
	if (t->fd < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot create '%s'",
				 t->path);
	return DARN_OK;
}

enum darn_rc darn_target_open(const char *path, const char *below, bool force,
			      struct darn_target **out, struct darn_error *err)
{
	struct darn_target *t = darn_calloc(1, sizeof(*t), err);
	char *top = darn_strdup(path, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (t) {
		t->fd = -1;
		t->path = darn_asprintf(err, "%s%s", path, below);
	}
	if (t && t->path && top)
		rc = make_path(top, err);
	free(top);
	if (rc == DARN_OK)
		rc = enter(t, path, below, err);
	if (rc == DARN_OK && !force)
		rc = check_empty(t, err);
	if (rc) {
		darn_target_close(t);
		return rc;
	}
	*out = t;
	return DARN_OK;
}

static enum darn_rc cannot(const struct darn_target *t, const char *rel,
			   struct darn_error *err)
{
	return darn_fail(err, DARN_EIO, errno, "cannot create '%s/%s'", t->path,
			 rel);
}

enum darn_rc darn_target_dir(struct darn_target *t, const char *rel,
			     struct darn_error *err)
{
	int fd = walk_to(t, rel, strlen(rel));

	if (fd < 0)
		return cannot(t, rel, err);
	(void)close(fd);
	return DARN_OK;
}

/* The directory of @rel, and its last component. */
static int parent_of(const struct darn_target *t, const char *rel,
		     const char **name)
{
	const char *slash = strrchr(rel, '/');

	*name = slash ? slash + 1 : rel;
	return walk_to(t, rel, slash ? (size_t)(slash - rel) : 0);
}

enum darn_rc darn_target_file(struct darn_target *t, const char *rel,
			      uint64_t size, bool force, int *fd,
			      struct darn_error *err)
{
	const char *name;
	int dir = parent_of(t, rel, &name);
	enum darn_rc rc = DARN_OK;
	int f;

	if (dir < 0)
		return cannot(t, rel, err);
	if (force)
		(void)unlinkat(dir, name, 0);
	f = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f < 0 || ftruncate(f, (off_t)size) < 0) {
		rc = cannot(t, rel, err);
		if (f >= 0)
			(void)close(f);
	} else {
		*fd = f;
	}
	(void)close(dir);
	return rc;
}

static void set_times(struct timespec ts[2], const struct darn_stat *st)
{
	ts[0].tv_sec = 0;
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = st->mtime_ns / 1000000000;
	ts[1].tv_nsec = st->mtime_ns % 1000000000;
	if (ts[1].tv_nsec < 0) {
		ts[1].tv_sec--;
		ts[1].tv_nsec += 1000000000;
	}
}

enum darn_rc darn_target_link(struct darn_target *t, const char *rel,
			      const char *link, const struct darn_stat *st,
			      bool force, struct darn_error *err)
{
	const char *name;
	int dir = parent_of(t, rel, &name);
	enum darn_rc rc = DARN_OK;
	struct timespec ts[2];

	if (dir < 0)
		return cannot(t, rel, err);
	if (force)
		(void)unlinkat(dir, name, 0);
	if (symlinkat(link, dir, name) < 0) {
		rc = cannot(t, rel, err);
	} else {
		set_times(ts, st);
		(void)fchownat(dir, name, st->uid, st->gid,
			       AT_SYMLINK_NOFOLLOW);
		(void)utimensat(dir, name, ts, AT_SYMLINK_NOFOLLOW);
	}
	(void)close(dir);
	return rc;
}

/* The owner before the mode: changing it clears set-user-id bits. */
bool darn_target_settle(int fd, const struct darn_stat *st)
{
	bool owner = fchown(fd, st->uid, st->gid) == 0;
	struct timespec ts[2];

	set_times(ts, st);
	(void)fchmod(fd, (mode_t)(owner ? st->mode : st->mode & 0777));
	(void)futimens(fd, ts);
	(void)close(fd);
	return owner;
}

bool darn_target_settle_dir(struct darn_target *t, const char *rel,
			    const struct darn_stat *st)
{
	int fd = walk_to(t, rel, strlen(rel));

	return fd >= 0 && darn_target_settle(fd, st);
}

enum darn_rc darn_target_sync(struct darn_target *t, struct darn_error *err)
{
	if (syncfs(t->fd) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot sync '%s'",
				 t->path);
	return DARN_OK;
}
