/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_tree.h - a directory tree of a few files in memory, for fuzz targets.
 */
#ifndef DARN_TESTS_FUZZ_MEMORY_TREE_H
#define DARN_TESTS_FUZZ_MEMORY_TREE_H

#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/tree.h"

struct memory_file {
	const char *path; /* the array is sorted by it */
	const uint8_t *data;
	size_t size;
};

struct memory_tree {
	struct darn_tree tree;
	const struct memory_file *files;
	size_t n;
};

static inline const struct memory_file *memory_find(struct darn_tree *t,
						    const char *path)
{
	struct memory_tree *m = (struct memory_tree *)t;

	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->files[i].path, path) == 0)
			return &m->files[i];
	return NULL;
}

static inline enum darn_rc memory_list(struct darn_tree *t, const char *dir,
				       darn_entry_fn fn, void *payload,
				       struct darn_error *err)
{
	struct memory_tree *m = (struct memory_tree *)t;
	size_t len = strlen(dir);
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0; i < m->n && rc == DARN_OK; i++) {
		struct darn_entry e = {
			.path = m->files[i].path,
			.st = {.type = DARN_FT_FILE, .size = m->files[i].size}};

		if (strncmp(e.path, dir, len) == 0 && e.path[len] == '/')
			rc = fn(&e, payload, err);
	}
	return rc;
}

static inline enum darn_rc memory_stat(struct darn_tree *t, const char *path,
				       struct darn_stat *st,
				       struct darn_error *err)
{
	const struct memory_file *f = memory_find(t, path);

	if (!f)
		return darn_fail(err, DARN_ENOENT, 0, "no '%s'", path);
	*st = (struct darn_stat){.type = DARN_FT_FILE, .size = f->size};
	return DARN_OK;
}

static inline enum darn_rc memory_open(struct darn_tree *t, const char *path,
				       struct darn_io **out,
				       struct darn_error *err)
{
	const struct memory_file *f = memory_find(t, path);

	if (!f)
		return darn_fail(err, DARN_ENOENT, 0, "no '%s'", path);
	return darn_io_open_memory(f->data, f->size, path, out, err);
}

static inline enum darn_rc memory_follow(struct darn_tree *t, const char *link,
					 struct darn_error *err)
{
	(void)t;
	return darn_fail(err, DARN_ENOENT, 0, "no '%s'", link);
}

static const struct darn_tree_ops memory_tree_ops = {
	.list = memory_list,
	.stat = memory_stat,
	.open = memory_open,
	.follow = memory_follow,
};

#endif
