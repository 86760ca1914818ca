/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c - the files of a domain, in path order.
 *
 * Directories are entered where they are met, so that everything comes in the
 * order of darn_path_cmp() and only the listings from the root down to the
 * current directory are in memory.  The depth has a limit, and a directory
 * that is its own ancestor (through a link that the store follows) is not
 * entered again.
 */
#include "lib/scan/engine.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_DEPTH = 128
};

/* A directory that the walk is in. */
struct level {
	struct darn_domain *d;
	const struct level *up;
	uint64_t dev, ino;
	unsigned depth;
	bool failed; /* by us, not by the directory */
};

static bool matches(const char *const *patterns, bool *used, const char *path)
{
	const char *slash = strrchr(path, '/');
	bool any = false;

	for (size_t i = 0; patterns && patterns[i]; i++) {
		if (fnmatch(patterns[i], path, 0) != 0 &&
		    fnmatch(patterns[i], slash ? slash + 1 : path, 0) != 0)
			continue;
		used[i] = true;
		any = true;
	}
	return any;
}

static enum darn_rc walk_list(struct level *l, const char *dir,
			      struct darn_error *err);

static enum darn_rc wanted_file(struct level *l, const struct darn_entry *e,
				const char *wpath, struct darn_error *err)
{
	struct darn_engine *eng = l->d->e;
	const struct darn_scan_options *o = eng->opts;

	if (matches(o->exclude, eng->exclude_used, wpath))
		return DARN_OK;
	if (o->include && !matches(o->include, eng->include_used, wpath))
		return DARN_OK;
	eng->found_files++;
	return darn_file_start(l->d, e->path, &e->st, err);
}

static enum darn_rc walk_error(struct darn_domain *d, const char *path,
			       const char *message, struct darn_error *err)
{
	char *shown = darn_domain_shown(d, path, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (shown)
		rc = darn_commit_error(d->e, d->root->typed, shown, message,
				       err);
	free(shown);
	return rc;
}

static bool is_ancestor(const struct level *l, const struct darn_stat *st)
{
	for (; l; l = l->up)
		if (st->ino && l->ino == st->ino && l->dev == st->dev)
			return true;
	return false;
}

static enum darn_rc show_entry(struct level *l, const struct darn_entry *e,
			       const char *wpath, struct darn_error *err)
{
	struct darn_witness *w = l->d->e->witness;
	struct darn_entry as_known = *e;

	if (!w || !w->ops->entry)
		return DARN_OK;
	as_known.path = wpath;
	return w->ops->entry(w, &as_known, err);
}

/* A store of its own within the stray files of a root? */
static enum darn_rc nested(struct level *l, const char *dir, bool *is_store,
			   struct darn_error *err)
{
	const struct darn_store *store;
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	*is_store = false;
	if (l->d->store || l->d->e->forced)
		return DARN_OK;
	rc = darn_recognise(l->d->tree, dir, l->d->e->opts->stores, &store,
			    &why);
	if (rc == DARN_ENOENT)
		return DARN_OK;
	if (rc == DARN_EINVAL)
		return walk_error(l->d, dir, why.msg, err);
	if (rc)
		return darn_fail(err, rc, 0, "%s", why.msg);
	*is_store = true;
	return darn_domain_nested(l->d, dir, store, err);
}

static enum darn_rc enter(struct level *l, const struct darn_entry *e,
			  const char *wpath, struct darn_error *err)
{
	struct level down = {.d = l->d,
			     .up = l,
			     .dev = e->st.dev,
			     .ino = e->st.ino,
			     .depth = l->depth + 1};
	struct darn_engine *eng = l->d->e;
	bool is_store;
	enum darn_rc rc;

	if (matches(eng->opts->exclude, eng->exclude_used, wpath))
		return DARN_OK;
	rc = show_entry(l, e, wpath, err);
	if (rc)
		return rc;
	if (down.depth > MAX_DEPTH)
		return walk_error(l->d, e->path,
				  "too many directories within each other",
				  err);
	if (is_ancestor(l, &e->st))
		return walk_error(l->d, e->path,
				  "a directory that contains itself", err);
	rc = nested(l, e->path, &is_store, err);
	return rc || is_store ? rc : walk_list(&down, e->path, err);
}

/* Neither file nor directory: or could it only not be looked at? */
static enum darn_rc other(struct level *l, const struct darn_entry *e,
			  const char *wpath, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_stat st;
	enum darn_rc rc = darn_tree_stat(l->d->tree, e->path, &st, &why);

	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	if (rc && rc != DARN_ENOENT)
		return walk_error(l->d, e->path, why.msg, err);
	return rc ? DARN_OK : show_entry(l, e, wpath, err);
}

static enum darn_rc dispatch(struct level *l, const struct darn_entry *e,
			     const char *wpath, struct darn_error *err)
{
	switch (e->st.type) {
	case DARN_FT_FILE:
		return wanted_file(l, e, wpath, err);
	case DARN_FT_DIR:
		return enter(l, e, wpath, err);
	case DARN_FT_LINK:
		return show_entry(l, e, wpath, err);
	case DARN_FT_OTHER:
		break;
	}
	return other(l, e, wpath, err);
}

static enum darn_rc visit(const struct darn_entry *e, void *payload,
			  struct darn_error *err)
{
	struct level *l = payload;
	struct darn_engine *eng = l->d->e;
	char *wpath;
	enum darn_rc rc;

	l->failed = true;
	if (darn_engine_canceled(eng) || darn_pool_canceled(eng->pool))
		return DARN_ECANCELED;
	wpath = darn_domain_wpath(l->d, e->path, err);
	if (!wpath)
		return DARN_ENOMEM;
	rc = dispatch(l, e, wpath, err);
	free(wpath);
	l->failed = rc != DARN_OK;
	return rc;
}

static enum darn_rc walk_list(struct level *l, const char *dir,
			      struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = darn_tree_list(l->d->tree, dir, visit, l, &why);

	if (rc == DARN_OK)
		return DARN_OK;
	if (l->failed && rc == DARN_ECANCELED && !why.rc)
		return rc; /* stopped on request: no error to tell */
	if (l->failed || rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	if (rc == DARN_ENOENT && l->d->liveness == DARN_LIVE)
		return DARN_OK;
	return walk_error(l->d, dir, why.msg, err);
}

enum darn_rc darn_walk_domain(struct darn_domain *d, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_entry e = {.path = d->part};
	struct level l = {.d = d};
	enum darn_rc rc = darn_tree_stat(d->tree, d->part, &e.st, &why);

	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	if (rc)
		return walk_error(d, d->part, why.msg, err);
	l.dev = e.st.dev;
	l.ino = e.st.ino;
	if (e.st.type == DARN_FT_DIR)
		rc = walk_list(&l, d->part, err);
	else
		rc = visit(&e, &l, err);
	return rc == DARN_ECANCELED && !err->rc ? DARN_OK : rc;
}
