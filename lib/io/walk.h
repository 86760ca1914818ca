/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h - from a path in a tree of this machine to a place in a directory.
 * Only tree_posix.c and walk.c include it.
 *
 * Every path is walked component by component from the root's descriptor with
 * O_NOFOLLOW, so that neither ".." nor a symbolic link put there meanwhile
 * leads out of the tree.  A link named by follow() is opened once, with its
 * target; whatever lies below its path is walked from that descriptor.
 */
#ifndef DARN_LIB_IO_WALK_H
#define DARN_LIB_IO_WALK_H

#include <limits.h>
#include <sys/stat.h>

#include "lib/io/tree.h"

/* A symbolic link that is followed, and where it led. */
struct darn_walk_link {
	char *path;
	int fd;
};

struct darn_walk {
	const char *name; /* of the tree, for messages */
	int root;
	struct darn_walk_link *links;
	size_t nlinks, cap;
};

/*
 * Where the last component of a path lies: @base in the directory @fd.  An
 * empty @base is that directory itself.
 */
struct darn_spot {
	int fd;
	int opened; /* to be closed, or -1 */
	char base[NAME_MAX + 1];
};

/* Finds @path.  On success @at is to be released with darn_walk_leave(). */
DARN_MUST_CHECK
enum darn_rc darn_walk_to(const struct darn_walk *w, const char *path,
			  struct darn_spot *at, struct darn_error *err);

void darn_walk_leave(struct darn_spot *at);

/* lstat; 0 or an errno. */
int darn_walk_stat(const struct darn_spot *at, struct stat *sb);

/* The followed link whose path is exactly @path, or NULL. */
const struct darn_walk_link *darn_walk_find_link(const struct darn_walk *w,
						 const char *path, size_t len);

/* Follows the symbolic link at @path, which is at @at, from now on. */
DARN_MUST_CHECK
enum darn_rc darn_walk_add_link(struct darn_walk *w, const char *path,
				const struct darn_spot *at,
				struct darn_error *err);

/* "cannot look at" @path in the tree, because of @sys_errno. */
enum darn_rc darn_walk_fail(const struct darn_walk *w, const char *path,
			    int sys_errno, struct darn_error *err);

/* Closes the root and the links. */
void darn_walk_release(struct darn_walk *w);

#endif
