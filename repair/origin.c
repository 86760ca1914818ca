/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.c - which place in a source stands for which part of the target.
 *
 * A directory may be a copy of PATH or of the store that PATH is in (or that
 * is in PATH).  Where both readings are possible and differ, it is ambiguous
 * and refused.
 */
#include "repair/origin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/scan/scan.h"
#include "repair/subtree.h"

enum {
	SURE = 50 /* of 100: a directory is the root of such a store */
};

void darn_origin_destroy(struct darn_origin *o)
{
	if (!o)
		return;
	darn_io_close(o->io);
	if (o->store && o->store->close)
		o->store->close(o->ctx);
	darn_manifest_close(o->manifest);
	darn_tree_close(o->tree);
	free(o->open_path);
	free(o->name);
	free(o->seal);
	free(o->strip);
	free(o->only);
	free(o);
}

/* Where the part's root lies in a directory, and what the paths lose. */
struct place {
	char *dir;
	const char *strip;
	bool is_store;
};

static bool is_dir(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_root_of(const struct darn_store *store, const char *dir)
{
	struct darn_tree *t;
	bool sure;

	if (!store || !is_dir(dir) ||
	    darn_tree_open_posix(dir, false, &t, NULL))
		return false;
	sure = store->recognise(t, "") >= SURE;
	darn_tree_close(t);
	return sure;
}

/* PATH is above the part, or is the part: the source mirrors PATH or it. */
static enum darn_rc place_below(const struct darn_source *src,
				const struct darn_part *part, const char *rel,
				struct place *out, struct darn_error *err)
{
	char *mirror = darn_path_join(src->abs, rel, err);
	bool itself = is_root_of(part->store, src->abs);
	bool there = rel[0] == '\0' || is_dir(mirror);

	if (!mirror)
		return DARN_ENOMEM;
	if (rel[0] && itself && there && is_root_of(part->store, mirror)) {
		free(mirror);
		return darn_fail(err, DARN_EINVAL, 0,
				 "the source '%s' is a copy of '%s' and has "
				 "another one inside: name one of them",
				 src->typed, part->root);
	}
	out->is_store = part->store != NULL;
	out->strip = "";
	if (there) {
		out->dir = mirror;
		return DARN_OK;
	}
	free(mirror);
	if (!itself)
		return DARN_ENOENT;
	out->dir = darn_strdup(src->abs, err);
	return out->dir ? DARN_OK : DARN_ENOMEM;
}

/* PATH lies within the part: the source mirrors the part or PATH only. */
static enum darn_rc place_above(const struct darn_source *src,
				const struct darn_part *part, const char *rel,
				struct place *out, struct darn_error *err)
{
	const struct darn_store *store = NULL;
	char *root = NULL, *below = NULL;
	enum darn_rc rc;

	out->is_store = is_root_of(part->store, src->abs);
	out->strip = out->is_store ? "" : rel;
	out->dir = darn_strdup(src->abs, err);
	if (!out->dir)
		return DARN_ENOMEM;
	if (out->is_store || !part->store)
		return DARN_OK;
	/* a piece of a copy of the store knows more with the rest around it */
	const struct darn_store *const one[] = {part->store, NULL};

	rc = darn_find_store(src->abs, one, &store, &root, &below, NULL);
	if (rc == DARN_OK && strcmp(below, rel) == 0) {
		free(out->dir);
		out->dir = root;
		out->strip = "";
		out->is_store = true;
		root = NULL;
	}
	free(root);
	free(below);
	return DARN_OK;
}

static enum darn_rc set_name(struct darn_origin *o, char *name,
			     const char *strip, struct darn_error *err)
{
	o->name = name;
	o->strip = darn_strdup(strip, err);
	return o->name && o->strip ? DARN_OK : DARN_ENOMEM;
}

static enum darn_rc open_ctx(struct darn_origin *o,
			     const struct darn_part *part,
			     struct darn_error *err)
{
	enum darn_rc rc =
		darn_store_open_quietly(part->store, o->tree, &o->ctx, err);

	if (!rc)
		o->store = part->store;
	return rc;
}

static enum darn_rc from_dir(struct darn_origin *o,
			     const struct darn_source *src,
			     const struct darn_aim *t,
			     const struct darn_part *part,
			     struct darn_error *err)
{
	const char *below = darn_path_below(part->root, t->abs);
	const char *above = darn_path_below(t->abs, part->root);
	struct place at = {.dir = NULL};
	enum darn_rc rc = DARN_ENOENT;

	if (below)
		rc = place_below(src, part, below, &at, err);
	else if (above)
		rc = place_above(src, part, above, &at, err);
	if (!rc)
		rc = set_name(o, darn_strdup(src->typed, err), at.strip, err);
	if (!rc)
		rc = darn_tree_open_posix(at.dir, false, &o->tree, err);
	if (!rc && at.is_store)
		rc = open_ctx(o, part, err);
	free(at.dir);
	return rc;
}

/* A single file is mended from a directory or from a file. */
static enum darn_rc for_file(struct darn_origin *o,
			     const struct darn_source *src,
			     const struct darn_aim *t,
			     const struct darn_part *part,
			     struct darn_error *err)
{
	const char *rel = darn_path_below(t->abs, part->root);
	const struct darn_store *const one[] = {part->store, NULL};
	const struct darn_store *store = NULL;
	char *dir = NULL, *root = NULL, *below = NULL, *whole = NULL;
	const char *last;
	enum darn_rc rc = set_name(o, darn_strdup(src->typed, err), "", err);

	if (rc)
		return rc;
	if (!src->is_file && is_root_of(part->store, src->abs)) {
		rc = darn_tree_open_posix(src->abs, false, &o->tree, err);
		return rc ? rc : open_ctx(o, part, err);
	}
	dir = darn_strdup(src->abs, err);
	if (!dir)
		return DARN_ENOMEM;
	last = strrchr(src->is_file ? src->abs : t->abs, '/') + 1;
	if (src->is_file)
		dir[strrchr(dir, '/') == dir ? 1 : strrchr(dir, '/') - dir] =
			'\0';
	if (part->store &&
	    darn_find_store(dir, one, &store, &root, &below, NULL) == DARN_OK)
		whole = darn_path_join(below, last, err);
	if (whole && rel && strcmp(whole, rel) == 0) {
		rc = darn_tree_open_posix(root, false, &o->tree, err);
		if (!rc)
			rc = open_ctx(o, part, err);
	} else {
		o->only = darn_strdup(last, err);
		rc = darn_tree_open_posix(dir, false, &o->tree, err);
	}
	free(dir);
	free(root);
	free(below);
	free(whole);
	return rc;
}

/* The snapshot may hold the part, or only the piece of it that PATH is. */
static enum darn_rc from_repo(struct darn_origin *o,
			      const struct darn_source *src,
			      const struct darn_aim *t,
			      const struct darn_part *part,
			      struct darn_error *err)
{
	const struct darn_snapshot_info *info = NULL;
	const char *strip = "", *rel = darn_path_below(t->abs, part->root);
	struct darn_tree *whole = NULL;
	enum darn_rc rc =
		darn_repo_find_root(src->repo, part->root, o->nth, &whole,
				    &o->manifest, &o->seal, &info, err);

	if (rc == DARN_ENOENT && rel && rel[0] && !t->is_file) {
		darn_error_clear(err);
		strip = rel;
		rc = darn_repo_find_root(src->repo, t->abs, o->nth, &whole,
					 &o->manifest, &o->seal, &info, err);
	}
	if (rc)
		return rc;
	rc = darn_subtree_open(whole, o->seal, &o->tree, err);
	if (rc) {
		darn_tree_close(whole);
		return rc;
	}
	rc = set_name(
		o,
		darn_asprintf(err, "%s (snapshot %.8s)", src->typed, info->id),
		strip, err);
	if (!rc && part->store && !strip[0])
		rc = open_ctx(o, part, err);
	return rc;
}

enum darn_rc darn_origin_find(const struct darn_sources *s, size_t source,
			      size_t nth, const struct darn_part *part,
			      struct darn_origin **out, struct darn_error *err)
{
	const struct darn_source *src = &s->items[source];
	struct darn_origin *o = darn_calloc(1, sizeof(*o), err);
	enum darn_rc rc;

	if (!o)
		return DARN_ENOMEM;
	o->source = source;
	o->nth = nth;
	if (src->repo)
		rc = from_repo(o, src, s->target, part, err);
	else if (s->target->is_file)
		rc = for_file(o, src, s->target, part, err);
	else
		rc = from_dir(o, src, s->target, part, err);
	if (rc) {
		darn_origin_destroy(o);
		return rc;
	}
	*out = o;
	return DARN_OK;
}

/* The part's @path in the origin's tree, or NULL where it is outside. */
static const char *mapped(const struct darn_origin *o, const char *path)
{
	if (o->only)
		return o->only;
	return o->strip[0] ? darn_path_below(path, o->strip) : path;
}

static void forget_file(struct darn_origin *o)
{
	darn_io_close(o->io);
	free(o->open_path);
	o->io = NULL;
	o->open_path = NULL;
}

enum darn_rc darn_origin_open(struct darn_origin *o, const char *path,
			      const struct darn_stat *target_st,
			      struct darn_error *err)
{
	const char *there = mapped(o, path);
	enum darn_rc rc = DARN_OK;

	if (!there)
		return DARN_ENOENT;
	if (!o->open_path || strcmp(o->open_path, path) != 0) {
		forget_file(o);
		rc = darn_tree_stat(o->tree, there, &o->st, err);
		if (!rc && o->st.type == DARN_FT_FILE)
			rc = darn_tree_open(o->tree, there, &o->io, err);
		else if (!rc && o->st.type != DARN_FT_DIR)
			rc = DARN_ENOENT;
		if (rc)
			return rc;
		o->open_path = darn_strdup(path, err);
		if (!o->open_path)
			return DARN_ENOMEM;
	}
	/* a snapshot remembers the numbers of the files it was made of */
	if (target_st && o->tree->os_path && o->st.ino == target_st->ino &&
	    o->st.dev == target_st->dev)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' in '%s' is the damaged file itself",
				 path, o->name);
	return DARN_OK;
}

char *darn_origin_sealed_path(const struct darn_origin *o, const char *path,
			      struct darn_error *err)
{
	return darn_path_join(o->seal ? o->seal : "", mapped(o, path), err);
}
