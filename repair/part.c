/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/part.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/scan/scan.h"

enum darn_rc darn_store_open_quietly(const struct darn_store *store,
				     struct darn_tree *tree, void **ctx,
				     struct darn_error *err)
{
	struct darn_sink *sink = darn_sink_create(err);
	enum darn_rc rc;

	*ctx = NULL;
	if (!sink)
		return DARN_ENOMEM;
	rc = store->open ? store->open(tree, sink, ctx, err) : DARN_OK;
	darn_sink_destroy(sink);
	return rc;
}

static void part_destroy(struct darn_part *part)
{
	if (!part)
		return;
	darn_ignore(darn_hold_release(part->held, NULL));
	if (part->store && part->store->close)
		part->store->close(part->ctx);
	darn_tree_close(part->tree);
	free(part->root);
	free(part);
}

static enum darn_rc part_open(const char *root, const struct darn_store *store,
			      struct darn_part **out, struct darn_error *err)
{
	struct darn_part *part = darn_calloc(1, sizeof(*part), err);
	enum darn_rc rc = DARN_ENOMEM;

	if (!part)
		return DARN_ENOMEM;
	part->root = darn_strdup(root, err);
	if (part->root)
		rc = darn_tree_open_posix(root, false, &part->tree, err);
	if (!rc && store)
		rc = darn_store_open_quietly(store, part->tree, &part->ctx,
					     err);
	if (rc) {
		part_destroy(part);
		return rc;
	}
	part->store = store;
	*out = part;
	return DARN_OK;
}

/* The nearest directory above @path that exists, to be freed. */
static char *existing_dir(const char *path, struct darn_error *err)
{
	char *dir = darn_strdup(path, err), *slash;
	struct stat st;

	while (dir && (slash = strrchr(dir, '/')) != NULL) {
		if (slash == dir)
			slash++;
		*slash = '\0';
		if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
			break;
		if (slash == dir + 1)
			break;
	}
	return dir;
}

/*
 * Looks for the store at @dir and, since a link of the store's own may lead to
 * a place outside it, at every directory above it as @path has them.
 */
static enum darn_rc find_above(const struct darn_parts *p, const char *path,
			       char *dir, const struct darn_store **store,
			       char **root)
{
	char *rel = NULL, *slash;
	enum darn_rc rc;

	for (;;) {
		rc = darn_find_store(dir, p->stores, store, root, &rel, NULL);
		free(rel);
		rel = NULL;
		if (rc == DARN_OK && darn_path_below(path, *root))
			return rc;
		if (rc == DARN_OK) {
			free(*root);
			*root = NULL;
		} else if (rc != DARN_ENOENT) {
			return rc;
		}
		slash = strrchr(dir, '/');
		if (!slash || slash == dir || !darn_path_below(dir, p->base))
			return DARN_ENOENT;
		*slash = '\0';
	}
}

/* Which store owns @path?  *root to be freed; the base where there is none. */
static enum darn_rc owner(const struct darn_parts *p, const char *path,
			  const struct darn_store **store, char **root,
			  struct darn_error *err)
{
	char *dir = existing_dir(path, err);
	enum darn_rc rc = DARN_ENOENT;

	if (!dir)
		return DARN_ENOMEM;
	if (p->stores)
		rc = find_above(p, path, dir, store, root);
	free(dir);
	if (rc && rc != DARN_ENOENT)
		return darn_fail(err, rc, 0, "cannot look for a store at '%s'",
				 path);
	if (rc) {
		*store = NULL;
		*root = darn_strdup(p->base, err);
	}
	return *root ? DARN_OK : DARN_ENOMEM;
}

static struct darn_part *known(const struct darn_parts *p, const char *root)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->items[i]->root, root) == 0)
			return p->items[i];
	return NULL;
}

static enum darn_rc add(struct darn_parts *p, const char *root,
			const struct darn_store *store, struct darn_part **out,
			struct darn_error *err)
{
	enum darn_rc rc = darn_grow((void **)&p->items, p->n, &p->cap,
				    sizeof(struct darn_part *), err);

	if (!rc)
		rc = part_open(root, store, out, err);
	if (rc)
		return rc;
	(*out)->number = p->n;
	p->items[p->n++] = *out;
	return DARN_OK;
}

enum darn_rc darn_parts_find(struct darn_parts *p, const char *path,
			     struct darn_part **part, const char **rel,
			     struct darn_error *err)
{
	const struct darn_store *store = NULL;
	char *root = NULL;
	enum darn_rc rc;

	/* a store that is known already owns all below it */
	for (size_t i = 0; i < p->n; i++) {
		*part = p->items[i];
		*rel = darn_path_below(path, (*part)->root);
		if ((*part)->store && *rel)
			return DARN_OK;
	}
	rc = owner(p, path, &store, &root, err);
	if (rc)
		return rc;
	*part = known(p, root);
	if (!*part)
		rc = add(p, root, store, part, err);
	free(root);
	if (rc)
		return rc;
	*rel = darn_path_below(path, (*part)->root);
	if (!*rel)
		return darn_fail(err, DARN_EINVAL, 0, "'%s' is not below '%s'",
				 path, (*part)->root);
	return DARN_OK;
}

enum darn_rc darn_part_hold(struct darn_part *part, struct darn_journal *j,
			    bool assume_stopped, struct darn_error *err)
{
	if (part->held)
		return DARN_OK;
	return darn_hold_take(part->store, part->ctx, part->tree, j,
			      assume_stopped, &part->held, err);
}

enum darn_rc darn_parts_unhold(struct darn_parts *p, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0; i < p->n; i++) {
		enum darn_rc one = darn_hold_release(p->items[i]->held, err);

		p->items[i]->held = NULL;
		rc = rc ? rc : one;
	}
	return rc;
}

void darn_parts_release(struct darn_parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		part_destroy(p->items[i]);
	free(p->items);
	p->items = NULL;
	p->n = p->cap = 0;
}
