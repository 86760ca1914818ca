/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_posix.c - a directory of this machine as a tree; walk.h says how paths
 * are found.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/fault.h"
#include "lib/io/posix.h"
#include "lib/io/tree.h"
#include "lib/io/walk.h"

struct posix_tree {
	struct darn_tree tree;
	struct darn_walk walk;
	bool direct;
	char *name, *os_path;
};

static struct posix_tree *self(struct darn_tree *t)
{
	return (struct posix_tree *)t;
}

static enum darn_rc tree_stat(struct darn_tree *tree, const char *path,
			      struct darn_stat *st, struct darn_error *err)
{
	struct posix_tree *t = self(tree);
	struct darn_spot at;
	struct stat sb;
	enum darn_rc rc = darn_walk_to(&t->walk, path, &at, err);
	int error;

	if (rc)
		return rc;
	error = darn_walk_stat(&at, &sb);
	darn_walk_leave(&at);
	if (error)
		return darn_walk_fail(&t->walk, path, error, err);
	*st = darn_posix_stat(&sb);
	return DARN_OK;
}

static enum darn_rc tree_open(struct darn_tree *tree, const char *path,
			      struct darn_io **out, struct darn_error *err)
{
	struct posix_tree *t = self(tree);
	struct darn_io *io = NULL;
	struct darn_spot at;
	enum darn_rc rc = darn_walk_to(&t->walk, path, &at, err);
	char *name;

	if (rc)
		return rc;
	name = darn_path_join(t->name, path, err);
	rc = DARN_ENOMEM;
	if (name)
		rc = darn_io_open_posix(at.fd, at.base[0] ? at.base : ".", name,
					t->direct, &io, err);
	free(name);
	darn_walk_leave(&at);
	if (rc == DARN_OK)
		rc = darn_fault_from_env(&io, err);
	if (rc)
		darn_io_close(io);
	else
		*out = io;
	return rc;
}

static enum darn_rc tree_follow(struct darn_tree *tree, const char *path,
				struct darn_error *err)
{
	struct posix_tree *t = self(tree);
	struct darn_spot at;
	struct stat sb;
	enum darn_rc rc = darn_walk_to(&t->walk, path, &at, err);
	int error;

	if (rc)
		return rc;
	error = darn_walk_stat(&at, &sb);
	if (error)
		rc = darn_walk_fail(&t->walk, path, error, err);
	else if (S_ISLNK(sb.st_mode))
		rc = darn_walk_add_link(&t->walk, path, &at, err);
	else if (!S_ISDIR(sb.st_mode))
		rc = darn_walk_fail(&t->walk, path, ENOTDIR, err);
	darn_walk_leave(&at);
	return rc;
}

/* The names in a directory. */
struct names {
	void *text; /* all of them, each with its NUL */
	size_t len, cap;
	void *starts; /* array of size_t: where in @text each begins */
	size_t n, capn;
};

static const char *name_at(const struct names *names, size_t i)
{
	const size_t *starts = names->starts;

	return (const char *)names->text + starts[i];
}

static enum darn_rc add_name(struct names *names, const char *name,
			     struct darn_error *err)
{
	size_t len = strlen(name) + 1;
	enum darn_rc rc = DARN_OK;

	while (rc == DARN_OK && names->cap - names->len < len)
		rc = darn_grow(&names->text, names->cap, &names->cap, 1, err);
	if (rc == DARN_OK)
		rc = darn_grow(&names->starts, names->n, &names->capn,
			       sizeof(size_t), err);
	if (rc)
		return rc;
	memcpy((char *)names->text + names->len, name, len);
	((size_t *)names->starts)[names->n++] = names->len;
	names->len += len;
	return DARN_OK;
}

static int by_bytes(const void *a, const void *b, void *text)
{
	return strcmp((const char *)text + *(const size_t *)a,
		      (const char *)text + *(const size_t *)b);
}

static enum darn_rc read_names(struct posix_tree *t, const char *path, DIR *dir,
			       struct names *names, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;
	struct dirent *e;

	for (errno = 0; rc == DARN_OK && (e = readdir(dir)); errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = add_name(names, e->d_name, err);
	if (rc == DARN_OK && errno)
		rc = darn_walk_fail(&t->walk, path, errno, err);
	if (rc == DARN_OK && names->n)
		qsort_r(names->starts, names->n, sizeof(size_t), by_bytes,
			names->text);
	return rc;
}

/* Fills in what is known of @name; 0, or ENOENT if it is gone. */
static int look_at(struct posix_tree *t, int dirfd, const char *name,
		   struct darn_entry *e, char target[PATH_MAX])
{
	const struct darn_walk_link *link =
		darn_walk_find_link(&t->walk, e->path, strlen(e->path));
	struct stat sb;
	ssize_t len;
	int rc = link ? fstat(link->fd, &sb)
		      : fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW);

	if (rc < 0) {
		e->st = (struct darn_stat){.type = DARN_FT_OTHER};
		return errno == ENOENT ? ENOENT : 0;
	}
	e->st = darn_posix_stat(&sb);
	if (e->st.type != DARN_FT_LINK)
		return 0;
	len = readlinkat(dirfd, name, target, PATH_MAX - 1);
	if (len < 0)
		return errno == ENOENT ? ENOENT : 0;
	target[len] = '\0';
	e->link = target;
	return 0;
}

struct listing {
	struct posix_tree *t;
	const char *dir;
	int dirfd;
	darn_entry_fn fn;
	void *payload;
};

static enum darn_rc list_one(const struct listing *l, const char *name,
			     struct darn_error *err)
{
	char *path = darn_path_join(l->dir, name, err);
	struct darn_entry e = {.path = path};
	char target[PATH_MAX];
	enum darn_rc rc = DARN_OK;

	if (!path)
		return DARN_ENOMEM;
	if (look_at(l->t, l->dirfd, name, &e, target) == 0)
		rc = l->fn(&e, l->payload, err);
	free(path);
	return rc;
}

/* Opens the directory @path for reading its names. */
static enum darn_rc open_dir(struct posix_tree *t, const char *path, DIR **out,
			     struct darn_error *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct darn_spot at;
	enum darn_rc rc = darn_walk_to(&t->walk, path, &at, err);
	const char *base;
	DIR *dir;
	int fd;

	if (rc)
		return rc;
	base = at.base[0] ? at.base : ".";
	fd = openat(at.fd, base, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM) /* not the owner */
		fd = openat(at.fd, base, flags);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir) {
		*out = dir;
	} else {
		rc = darn_walk_fail(&t->walk, path, errno, err);
		if (fd >= 0)
			(void)close(fd);
	}
	darn_walk_leave(&at);
	return rc;
}

static enum darn_rc tree_list(struct darn_tree *tree, const char *path,
			      darn_entry_fn fn, void *payload,
			      struct darn_error *err)
{
	struct posix_tree *t = self(tree);
	struct listing l = {t, path, -1, fn, payload};
	struct names names = {0};
	DIR *dir = NULL;
	enum darn_rc rc = open_dir(t, path, &dir, err);
	size_t i;

	if (!dir)
		return rc;
	l.dirfd = dirfd(dir);
	rc = read_names(t, path, dir, &names, err);
	for (i = 0; rc == DARN_OK && i < names.n; i++)
		rc = list_one(&l, name_at(&names, i), err);
	(void)closedir(dir);
	free(names.text);
	free(names.starts);
	return rc;
}

static void tree_close(struct darn_tree *tree)
{
	struct posix_tree *t = self(tree);

	darn_walk_release(&t->walk);
	free(t->name);
	free(t->os_path);
	free(t);
}

static const struct darn_tree_ops posix_ops = {
	.list = tree_list,
	.stat = tree_stat,
	.open = tree_open,
	.follow = tree_follow,
	.close = tree_close,
};

static enum darn_rc open_root(struct posix_tree *t, const char *path,
			      struct darn_error *err)
{
	t->walk.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->walk.root < 0 && errno == ENOTDIR)
		return darn_fail(err, DARN_EINVAL, errno, "cannot open '%s'",
				 path);
	if (t->walk.root >= 0)
		t->os_path = realpath(path, NULL);
	if (!t->os_path)
		return darn_fail(err, darn_posix_rc(errno), errno,
				 "cannot open '%s'", path);
	return DARN_OK;
}

enum darn_rc darn_tree_open_posix(const char *path, bool direct,
				  struct darn_tree **out,
				  struct darn_error *err)
{
	struct posix_tree *t = darn_calloc(1, sizeof(*t), err);
	enum darn_rc rc = DARN_ENOMEM;

	if (!t)
		return DARN_ENOMEM;
	t->walk.root = -1;
	t->direct = direct;
	t->name = darn_strdup(path, err);
	t->walk.name = t->name;
	if (t->name)
		rc = open_root(t, path, err);
	if (rc) {
		tree_close(&t->tree);
		return rc;
	}
	t->tree = (struct darn_tree){&posix_ops, t->name, t->os_path};
	*out = &t->tree;
	return DARN_OK;
}
