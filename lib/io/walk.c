/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/io/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/posix.h"

enum darn_rc darn_walk_fail(const struct darn_walk *w, const char *path,
			    int error, struct darn_error *err)
{
	return darn_fail(err, darn_posix_rc(error), error,
			 "cannot look at '%s%s%s'", w->name, *path ? "/" : "",
			 path);
}

const struct darn_walk_link *darn_walk_find_link(const struct darn_walk *w,
						 const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < w->nlinks; i++)
		if (strlen(w->links[i].path) == len &&
		    memcmp(w->links[i].path, path, len) == 0)
			return &w->links[i];
	return NULL;
}

/* Where the walk to @path begins; *@rest is what is left of it. */
static int start_of(const struct darn_walk *w, const char *path,
		    const char **rest)
{
	size_t len = strlen(path);

	*rest = path;
	while (w->nlinks && len > 0) {
		const struct darn_walk_link *link =
			darn_walk_find_link(w, path, len);

		if (link) {
			*rest = path + len + (path[len] == '/');
			return link->fd;
		}
		do
			len--;
		while (len > 0 && path[len] != '/');
	}
	return w->root;
}

/* Copies the next component to @base; 0 or an errno. */
static int next_component(const char **rest, char base[NAME_MAX + 1])
{
	size_t len = strcspn(*rest, "/");

	if (len > NAME_MAX)
		return ENAMETOOLONG;
	memcpy(base, *rest, len);
	base[len] = '\0';
	if (len == 0 || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return EINVAL;
	*rest += len;
	return 0;
}

void darn_walk_leave(struct darn_spot *at)
{
	if (at->opened >= 0)
		(void)close(at->opened);
	at->opened = -1;
}

/* Goes down into @at->base; 0 or an errno, ELOOP for a symbolic link. */
static int enter(struct darn_spot *at)
{
	int fd = openat(at->fd, at->base,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat sb;

	if (fd < 0) {
		int error = errno;

		if (error == ENOTDIR &&
		    fstatat(at->fd, at->base, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(sb.st_mode))
			return ELOOP;
		return error;
	}
	darn_walk_leave(at);
	at->fd = at->opened = fd;
	return 0;
}

static int walk(const struct darn_walk *w, const char *path,
		struct darn_spot *at)
{
	const char *rest;
	int error = 0;

	at->opened = -1;
	at->base[0] = '\0';
	at->fd = start_of(w, path, &rest);
	while (error == 0 && *rest) {
		error = next_component(&rest, at->base);
		if (error || *rest == '\0')
			break;
		rest++; /* the slash; nothing after it is an error above */
		error = *rest ? enter(at) : EINVAL;
	}
	return error;
}

enum darn_rc darn_walk_to(const struct darn_walk *w, const char *path,
			  struct darn_spot *at, struct darn_error *err)
{
	int error = walk(w, path, at);

	if (error == 0)
		return DARN_OK;
	darn_walk_leave(at);
	if (error == ELOOP)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s/%s' leads through a symbolic link, which "
				 "is not followed",
				 w->name, path);
	if (error == EINVAL)
		return darn_fail(err, DARN_EINVAL, 0,
				 "'%s' is not a path within a tree", path);
	return darn_walk_fail(w, path, error, err);
}

int darn_walk_stat(const struct darn_spot *at, struct stat *sb)
{
	int rc = at->base[0]
			 ? fstatat(at->fd, at->base, sb, AT_SYMLINK_NOFOLLOW)
			 : fstat(at->fd, sb);

	return rc < 0 ? errno : 0;
}

enum darn_rc darn_walk_add_link(struct darn_walk *w, const char *path,
				const struct darn_spot *at,
				struct darn_error *err)
{
	void *links = w->links;
	struct darn_walk_link link;
	enum darn_rc rc =
		darn_grow(&links, w->nlinks, &w->cap, sizeof(link), err);

	if (rc)
		return rc;
	w->links = links;
	link.path = darn_strdup(path, err);
	if (!link.path)
		return DARN_ENOMEM;
	link.fd = openat(at->fd, at->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (link.fd < 0) {
		rc = darn_walk_fail(w, path, errno, err);
		free(link.path);
		return rc;
	}
	w->links[w->nlinks++] = link;
	return DARN_OK;
}

void darn_walk_release(struct darn_walk *w)
{
	while (w->nlinks > 0) {
		struct darn_walk_link *link = &w->links[--w->nlinks];

		(void)close(link->fd);
		free(link->path);
	}
	free(w->links);
	if (w->root >= 0)
		(void)close(w->root);
}
