/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/snapshot/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/snapshot/internal.h"

/* A repository on a read-only medium may lack the file: then none writes. */
static enum darn_rc take_lock(struct darn_repo *r, struct darn_error *err)
{
	char *path = darn_path_join(r->path, "lock", err);
	enum darn_rc rc = DARN_OK;

	if (!path)
		return DARN_ENOMEM;
	r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r->lock < 0 && (errno == EROFS || errno == EACCES))
		r->lock = open(path, O_RDONLY | O_CLOEXEC);
	else if (r->lock < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot open '%s'", path);
	while (rc == DARN_OK && r->lock >= 0 && flock(r->lock, LOCK_SH) < 0)
		if (errno != EINTR)
			rc = darn_fail(err, DARN_EIO, errno, "cannot lock '%s'",
				       path);
	free(path);
	return rc;
}

static int by_age(const void *a, const void *b)
{
	const struct darn_snapshot_head *x = a, *y = b;

	if (x->info.made_ns != y->info.made_ns)
		return x->info.made_ns < y->info.made_ns ? -1 : 1;
	return strcmp(x->info.id, y->info.id);
}

/* One snapshot that cannot be read does not hide the others. */
static enum darn_rc load_heads(struct darn_repo *r, struct darn_error *err)
{
	char **names;
	size_t n;
	enum darn_rc rc =
		darn_repo_names(r->path, "snapshots", &names, &n, err);

	if (rc)
		return rc;
	for (size_t i = 0; rc == DARN_OK && i < n; i++) {
		struct darn_error bad = DARN_ERROR_INIT;

		rc = darn_grow((void **)&r->heads, r->nheads, &r->capheads,
			       sizeof(*r->heads), err);
		if (rc)
			break;
		if (darn_head_read(r->path, names[i], &r->heads[r->nheads],
				   &bad) == DARN_OK)
			r->nheads++;
		else
			(void)snprintf(r->bad, sizeof(r->bad), "%s", bad.msg);
	}
	darn_names_release(names, n);
	if (rc == DARN_OK && r->nheads)
		qsort(r->heads, r->nheads, sizeof(*r->heads), by_age);
	return rc;
}

enum darn_rc darn_repo_open(const char *path, struct darn_repo **out,
			    struct darn_error *err)
{
	struct darn_repo *r;
	enum darn_rc rc;

	if (!darn_repo_is(path))
		return darn_fail(err, DARN_ENOENT, 0,
				 "'%s' is not a snapshot repository", path);
	r = darn_calloc(1, sizeof(*r), err);
	if (!r)
		return DARN_ENOMEM;
	r->lock = -1;
	(void)pthread_mutex_init(&r->mutex, NULL);
	r->path = darn_strdup(path, err);
	rc = r->path ? take_lock(r, err) : DARN_ENOMEM;
	if (rc == DARN_OK)
		rc = darn_config_read(r, err);
	if (rc == DARN_OK)
		rc = load_heads(r, err);
	if (rc) {
		darn_repo_close(r);
		return rc;
	}
	*out = r;
	return DARN_OK;
}

void darn_repo_close(struct darn_repo *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nheads; i++)
		darn_head_release(&r->heads[i]);
	free(r->heads);
	darn_catalog_close(r->catalog);
	if (r->lock >= 0)
		(void)close(r->lock);
	(void)pthread_mutex_destroy(&r->mutex);
	free(r->path);
	free(r);
}

size_t darn_repo_count(const struct darn_repo *r)
{
	return r->nheads;
}

const struct darn_snapshot_info *darn_repo_info(const struct darn_repo *r,
						size_t i)
{
	return &r->heads[i].info;
}

const char *darn_repo_trouble(const struct darn_repo *r)
{
	return r->bad;
}

const char *darn_repo_root(const struct darn_repo *r, size_t n, size_t i)
{
	const struct darn_snapshot_head *h = &r->heads[n];

	return i < h->info.nroots ? h->roots[i].path : NULL;
}

enum darn_rc darn_repo_lookup(const struct darn_repo *r, const char *name,
			      size_t *out, struct darn_error *err)
{
	size_t hits = 0, hit = 0, len = strlen(name);

	if (strcmp(name, "latest") == 0 && r->nheads > 0) {
		*out = r->nheads - 1;
		return DARN_OK;
	}
	for (size_t i = 0; len > 0 && i < r->nheads; i++) {
		if (strncmp(r->heads[i].info.id, name, len) == 0) {
			hit = i;
			hits++;
		}
	}
	if (hits == 0)
		return darn_fail(err, DARN_ENOENT, 0,
				 "'%s' has no snapshot '%s'%s%s", r->path, name,
				 r->bad[0] ? "; " : "", r->bad);
	if (hits > 1)
		return darn_fail(err, DARN_EINVAL, 0,
				 "'%s' is the beginning of %zu snapshots", name,
				 hits);
	*out = hit;
	return DARN_OK;
}

/*
 * Each manifest checks itself; that it is the one which the snapshot was made
 * with, and not an older or another one, the head knows.
 */
enum darn_rc darn_repo_manifest(struct darn_repo *r,
				const struct darn_snapshot_head *h, unsigned i,
				struct darn_manifest **out,
				struct darn_error *err)
{
	char *path = darn_asprintf(err, "%s/snapshots/%s/%u", r->path,
				   h->info.id, i);
	struct darn_snapshot_root stamp;
	struct darn_manifest *m = NULL;
	struct darn_io *io = NULL;
	enum darn_rc rc;

	if (!path)
		return DARN_ENOMEM;
	rc = darn_head_stamp(path, &stamp, err);
	if (rc == DARN_OK)
		rc = darn_io_open_posix(AT_FDCWD, path, path, false, &io, err);
	if (rc == DARN_OK) {
		rc = darn_manifest_open(io, &m, err);
		if (rc)
			darn_io_close(io);
	}
	if (rc == DARN_OK && (stamp.size != h->roots[i].size ||
			      stamp.check != h->roots[i].check ||
			      darn_manifest_frame(m) != r->frame))
		rc = darn_fail(err, DARN_ECORRUPT, 0,
			       "'%s' is not the manifest that the snapshot was "
			       "made with",
			       path);
	free(path);
	if (rc) {
		darn_manifest_close(m);
		return rc;
	}
	*out = m;
	return DARN_OK;
}

enum darn_rc darn_repo_open_root(struct darn_repo *r, size_t n, size_t i,
				 struct darn_tree **tree,
				 struct darn_manifest **manifest,
				 struct darn_error *err)
{
	const struct darn_snapshot_head *h = &r->heads[n];
	struct darn_manifest *m, *own;
	struct darn_tree *t = NULL;
	enum darn_rc rc = darn_repo_manifest(r, h, (unsigned)i, &m, err);

	if (rc)
		return rc;
	if (tree) {
		rc = darn_repo_manifest(r, h, (unsigned)i, &own, err);
		if (rc == DARN_OK)
			rc = darn_tree_open_snapshot(r, own, h->info.id, &t,
						     err);
	}
	if (rc) {
		darn_manifest_close(m);
		return rc;
	}
	if (tree)
		*tree = t;
	*manifest = m;
	return DARN_OK;
}

/* The root of @h that holds @path most closely; NULL where none does. */
static const char *match(const struct darn_snapshot_head *h, const char *path,
			 unsigned *root)
{
	const char *best = NULL;

	for (unsigned i = 0; i < h->info.nroots; i++) {
		const char *rest = darn_path_below(path, h->roots[i].path);

		if (rest && (!best || strlen(rest) < strlen(best))) {
			best = rest;
			*root = i;
		}
	}
	return best;
}

enum darn_rc darn_repo_find_root(struct darn_repo *r, const char *root,
				 size_t nth, struct darn_tree **tree,
				 struct darn_manifest **manifest, char **prefix,
				 const struct darn_snapshot_info **info,
				 struct darn_error *err)
{
	for (size_t i = r->nheads; i-- > 0;) {
		unsigned which = 0;
		const char *rest = match(&r->heads[i], root, &which);
		enum darn_rc rc;
		char *copy;

		if (!rest || nth-- > 0)
			continue;
		copy = darn_strdup(rest, err);
		if (!copy)
			return DARN_ENOMEM;
		rc = darn_repo_open_root(r, i, which, tree, manifest, err);
		if (rc) {
			free(copy);
			return rc;
		}
		*prefix = copy;
		*info = &r->heads[i].info;
		return DARN_OK;
	}
	return darn_fail(err, DARN_ENOENT, 0,
			 "'%s' holds no %ssnapshot of '%s'", r->path,
			 nth ? "further " : "", root);
}
