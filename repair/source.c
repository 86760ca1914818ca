/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - opening and refusing sources.  Origins: origin.c. */
#include "repair/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "repair/origin.h"

static enum darn_rc open_one(struct darn_source *s, const char *typed,
			     const struct darn_aim *t, struct darn_error *err)
{
	struct stat st;

	s->typed = darn_strdup(typed, err);
	if (!s->typed)
		return DARN_ENOMEM;
	s->abs = realpath(typed, NULL);
	if (!s->abs || stat(s->abs, &st) < 0)
		return darn_fail(err, DARN_EINVAL, errno,
				 "cannot use the source '%s'", typed);
	s->is_file = S_ISREG(st.st_mode);
	if (!s->is_file && !S_ISDIR(st.st_mode))
		return darn_fail(err, DARN_EINVAL, 0,
				 "the source '%s' is neither a directory nor a "
				 "file",
				 typed);
	if (s->is_file && !t->is_file)
		return darn_fail(err, DARN_EINVAL, 0,
				 "the source '%s' is a file, and '%s' is a "
				 "directory; archives have to be unpacked",
				 typed, t->typed);
	return DARN_OK;
}

/* A backup is somewhere else. */
static enum darn_rc refuse_overlap(const struct darn_source *s,
				   const struct darn_aim *t,
				   struct darn_error *err)
{
	struct stat a, b;
	const char *how = NULL;

	if (stat(s->abs, &a) == 0 && stat(t->abs, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		how = "is the target itself";
	else if (darn_path_below(s->abs, t->is_file ? t->abs : t->base))
		how = "lies in the target";
	else if (darn_path_below(t->abs, s->abs))
		how = "holds the target";
	if (!how)
		return DARN_OK;
	return darn_fail(err, DARN_EINVAL, 0, "the source '%s' %s", s->typed,
			 how);
}

struct sharing {
	struct darn_tree *source, *target;
	const char *dir; /* for the next level */
	char *shared;
	unsigned depth;
};

enum {
	MAX_DEPTH = 64
};

static enum darn_rc look_for_shared(const struct darn_entry *e, void *payload,
				    struct darn_error *err)
{
	struct sharing *s = payload;
	struct darn_stat other;
	enum darn_rc rc = DARN_OK;

	if (e->st.type == DARN_FT_DIR && s->depth < MAX_DEPTH) {
		s->depth++;
		rc = darn_tree_list(s->target, e->path, look_for_shared, s,
				    err);
		s->depth--;
		return rc == DARN_ENOENT ? DARN_OK : rc;
	}
	if (e->st.type != DARN_FT_FILE ||
	    darn_tree_stat(s->source, e->path, &other, NULL) ||
	    other.dev != e->st.dev || other.ino != e->st.ino)
		return DARN_OK;
	s->shared = darn_strdup(e->path, err);
	return DARN_ECANCELED;
}

/* Hard links and links to the target's own files are no backup either. */
static enum darn_rc refuse_shared(const struct darn_source *s,
				  const struct darn_aim *t,
				  struct darn_error *err)
{
	struct sharing w = {.dir = ""};
	enum darn_rc rc;

	if (s->is_file || t->is_file || s->repo)
		return DARN_OK;
	rc = darn_tree_open_posix(s->abs, false, &w.source, err);
	if (!rc)
		rc = darn_tree_open_posix(t->abs, false, &w.target, err);
	if (!rc) {
		/* what cannot be listed is found out when it is needed */
		darn_ignore(darn_tree_list(w.target, "", look_for_shared, &w,
					   NULL));
		if (w.shared)
			rc = darn_fail(err, DARN_EINVAL, 0,
				       "the source '%s' shares '%s' with the "
				       "target",
				       s->typed, w.shared);
	}
	free(w.shared);
	darn_tree_close(w.source);
	darn_tree_close(w.target);
	return rc;
}

enum darn_rc darn_sources_open(struct darn_sources *s, const char *const *typed,
			       size_t n, const struct darn_aim *target,
			       const struct darn_store *const *stores,
			       struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	memset(s, 0, sizeof(*s));
	s->target = target;
	s->stores = stores;
	s->items = darn_calloc(n, sizeof(*s->items), err);
	if (!s->items)
		return DARN_ENOMEM;
	for (size_t i = 0; !rc && i < n; i++) {
		struct darn_source *one = &s->items[s->n++];

		rc = open_one(one, typed[i], target, err);
		if (!rc)
			rc = refuse_overlap(one, target, err);
		if (!rc && !one->is_file && darn_repo_is(one->abs))
			rc = darn_repo_open(one->abs, &one->repo, err);
		if (!rc)
			rc = refuse_shared(one, target, err);
	}
	return rc;
}

void darn_sources_release(struct darn_sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct darn_source *one = &s->items[i];

		for (size_t k = 0; k < one->n; k++)
			darn_origin_destroy(one->origins[k]);
		free(one->origins);
		free(one->origin_part);
		free(one->asked);
		darn_repo_close(one->repo);
		free(one->typed);
		free(one->abs);
	}
	free(s->items);
	s->items = NULL;
	s->n = 0;
}

static enum darn_rc add(struct darn_source *s, const struct darn_part *part,
			struct darn_origin *o, struct darn_error *err)
{
	enum darn_rc rc = darn_grow((void **)&s->origins, s->n, &s->cap,
				    sizeof(struct darn_origin *), err);

	if (!rc)
		rc = darn_grow((void **)&s->origin_part, s->n, &s->pcap,
			       sizeof(size_t), err);
	if (rc)
		return rc;
	s->origin_part[s->n] = part->number;
	s->origins[s->n++] = o;
	return DARN_OK;
}

static enum darn_rc ask(struct darn_sources *s, size_t source,
			const struct darn_part *part, struct darn_error *err)
{
	struct darn_source *src = &s->items[source];

	for (size_t nth = 0; nth < (src->repo ? DARN_MAX_SNAPSHOTS : 1);
	     nth++) {
		struct darn_origin *o = NULL;
		enum darn_rc rc =
			darn_origin_find(s, source, nth, part, &o, err);

		if (rc == DARN_ENOENT) {
			darn_error_clear(err);
			return DARN_OK;
		}
		if (!rc)
			rc = add(src, part, o, err);
		if (rc) {
			darn_origin_destroy(o);
			return rc;
		}
	}
	return DARN_OK;
}

enum darn_rc darn_source_prepare(struct darn_sources *s, size_t source,
				 const struct darn_part *part,
				 struct darn_error *err)
{
	struct darn_source *src = &s->items[source];

	if (part->number >= src->nasked) {
		size_t want = part->number + 16;
		bool *more = reallocarray(src->asked, want, sizeof(bool));

		if (!more)
			return darn_fail(err, DARN_ENOMEM, errno,
					 "cannot allocate memory");
		memset(more + src->nasked, 0, want - src->nasked);
		src->asked = more;
		src->nasked = want;
	}
	if (src->asked[part->number])
		return DARN_OK;
	src->asked[part->number] = true;
	return ask(s, source, part, err);
}

struct darn_origin *darn_source_origin(const struct darn_source *s,
				       const struct darn_part *part, size_t i)
{
	for (size_t k = 0; k < s->n; k++)
		if (s->origin_part[k] == part->number && i-- == 0)
			return s->origins[k];
	return NULL;
}
