/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - a directory tree to read from, whatever it lies in.
 *
 * One vtable for a directory on disk and for a snapshot (lib/snapshot), so
 * that a backup is looked at with the very code that looks at the target.
 *
 * Paths are relative to the tree's root, use '/', have no "." or ".."
 * components and no leading slash; "" is the root itself.  No symbolic link is
 * followed, ever, except those that darn_tree_follow() names.
 * Every function may be called from several threads at once.
 */
#ifndef DARN_LIB_IO_TREE_H
#define DARN_LIB_IO_TREE_H

#include "lib/io/io.h"

struct darn_tree;

struct darn_entry {
	const char *path; /* relative to the tree's root */
	const char *link; /* target of a symbolic link, else NULL */
	struct darn_stat st;
};

/* Return anything but DARN_OK to stop; that code is passed on. */
typedef enum darn_rc (*darn_entry_fn)(const struct darn_entry *e, void *payload,
				      struct darn_error *err);

struct darn_tree_ops {
	enum darn_rc (*list)(struct darn_tree *t, const char *dir,
			     darn_entry_fn fn, void *payload,
			     struct darn_error *err);
	enum darn_rc (*stat)(struct darn_tree *t, const char *path,
			     struct darn_stat *st, struct darn_error *err);
	enum darn_rc (*open)(struct darn_tree *t, const char *path,
			     struct darn_io **out, struct darn_error *err);
	enum darn_rc (*follow)(struct darn_tree *t, const char *link,
			       struct darn_error *err);
	void (*close)(struct darn_tree *t);
};

/* Implementations embed this as their first member. */
struct darn_tree {
	const struct darn_tree_ops *ops;
	const char *name;    /* for messages; owned by the implementation */
	const char *os_path; /* where it lies on this machine, or NULL */
};

/*
 * Calls @fn for each entry of the directory @dir, in byte order of the names
 * (not descending).  Entries that vanish meanwhile are left out; one that
 * cannot be looked at for another reason is listed as DARN_FT_OTHER.
 * The entry and its strings live until @fn returns.
 */
DARN_MUST_CHECK
enum darn_rc darn_tree_list(struct darn_tree *t, const char *dir,
			    darn_entry_fn fn, void *payload,
			    struct darn_error *err);

/* lstat: a link is a link, but one that is followed is what it points at. */
DARN_MUST_CHECK
enum darn_rc darn_tree_stat(struct darn_tree *t, const char *path,
			    struct darn_stat *st, struct darn_error *err);

/* Opens a regular file for reading.  Close it with darn_io_close(). */
DARN_MUST_CHECK
enum darn_rc darn_tree_open(struct darn_tree *t, const char *path,
			    struct darn_io **out, struct darn_error *err);

/*
 * From now on the symbolic link @link (PostgreSQL: "pg_tblspc/16390") is
 * treated as the directory that it points at.  Called by a store's open(),
 * before any other thread uses the tree.  A path that is a directory already
 * (in a snapshot) is fine.
 */
DARN_MUST_CHECK
enum darn_rc darn_tree_follow(struct darn_tree *t, const char *link,
			      struct darn_error *err);

void darn_tree_close(struct darn_tree *t); /* NULL is fine */

/* The directory @path of this machine.  @direct as for io.h. */
DARN_MUST_CHECK
enum darn_rc darn_tree_open_posix(const char *path, bool direct,
				  struct darn_tree **out,
				  struct darn_error *err);

/*
 * Reads the whole file @path, which may have at most @max bytes, into memory
 * to be released with free().  A NUL byte follows the data.  A larger file is
 * DARN_EINVAL.
 */
DARN_MUST_CHECK
enum darn_rc darn_tree_slurp(struct darn_tree *t, const char *path, size_t max,
			     uint8_t **out, size_t *len,
			     struct darn_error *err);

#endif
