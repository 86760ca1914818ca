/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/subtree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct subtree {
	struct darn_tree tree;
	struct darn_tree *inner;
	char *prefix;
};

static char *inside(struct darn_tree *t, const char *path,
		    struct darn_error *err)
{
	return darn_path_join(((struct subtree *)t)->prefix, path, err);
}

struct listing {
	size_t skip; /* bytes of prefix and slash */
	darn_entry_fn fn;
	void *payload;
};

static enum darn_rc pass_on(const struct darn_entry *e, void *payload,
			    struct darn_error *err)
{
	const struct listing *l = payload;
	struct darn_entry mine = *e;

	mine.path += l->skip;
	return l->fn(&mine, l->payload, err);
}

static enum darn_rc sub_list(struct darn_tree *t, const char *dir,
			     darn_entry_fn fn, void *payload,
			     struct darn_error *err)
{
	struct subtree *s = (struct subtree *)t;
	struct listing l = {strlen(s->prefix) + 1, fn, payload};
	char *path = inside(t, dir, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (path)
		rc = darn_tree_list(s->inner, path, pass_on, &l, err);
	free(path);
	return rc;
}

static enum darn_rc sub_stat(struct darn_tree *t, const char *path,
			     struct darn_stat *st, struct darn_error *err)
{
	char *full = inside(t, path, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (full)
		rc = darn_tree_stat(((struct subtree *)t)->inner, full, st,
				    err);
	free(full);
	return rc;
}

static enum darn_rc sub_open(struct darn_tree *t, const char *path,
			     struct darn_io **out, struct darn_error *err)
{
	char *full = inside(t, path, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (full)
		rc = darn_tree_open(((struct subtree *)t)->inner, full, out,
				    err);
	free(full);
	return rc;
}

static enum darn_rc sub_follow(struct darn_tree *t, const char *link,
			       struct darn_error *err)
{
	char *full = inside(t, link, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (full)
		rc = darn_tree_follow(((struct subtree *)t)->inner, full, err);
	free(full);
	return rc;
}

static void sub_close(struct darn_tree *t)
{
	struct subtree *s = (struct subtree *)t;

	darn_tree_close(s->inner);
	free(s->prefix);
	free(s);
}

static const struct darn_tree_ops ops = {
	.list = sub_list,
	.stat = sub_stat,
	.open = sub_open,
	.follow = sub_follow,
	.close = sub_close,
};

enum darn_rc darn_subtree_open(struct darn_tree *inner, const char *prefix,
			       struct darn_tree **out, struct darn_error *err)
{
	struct subtree *s;

	if (!prefix[0]) {
		*out = inner;
		return DARN_OK;
	}
	s = darn_calloc(1, sizeof(*s), err);
	if (!s)
		return DARN_ENOMEM;
	s->prefix = darn_strdup(prefix, err);
	if (!s->prefix) {
		free(s);
		return DARN_ENOMEM;
	}
	s->inner = inner;
	s->tree = (struct darn_tree){.ops = &ops, .name = inner->name};
	*out = &s->tree;
	return DARN_OK;
}
