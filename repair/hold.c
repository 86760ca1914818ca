/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "repair/lock.h"

struct darn_held {
	const struct darn_store *store;
	const void *ctx;
	struct darn_tree *tree;
	bool assume_stopped;
	struct darn_lock lock; /* no path: the engine has none */
	struct darn_lock_text old, ours;
};

static enum darn_rc refuse_live(const struct darn_held *h,
				struct darn_error *err)
{
	struct darn_evidence why = {.text = ""};
	enum darn_liveness l;

	if (!h->store || !h->store->liveness)
		return DARN_OK;
	l = h->store->liveness(h->ctx, h->tree, &why);
	for (char *p = why.text; *p; p++)
		if (*p == '\n')
			*p = ';';
	if (l == DARN_LIVE)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is in use: %.300s", h->tree->os_path,
				 why.text);
	if (l == DARN_LIVENESS_UNKNOWN && !h->assume_stopped)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "cannot tell whether '%s' is in use (%.250s); "
				 "--assume-stopped says that it is not",
				 h->tree->os_path, why.text);
	return DARN_OK;
}

/* Replaces every "%d" of @template by our process id. */
static char *fill_in(const char *template, struct darn_error *err)
{
	char *out = darn_calloc(strlen(template) * 6 + 32, 1, err);
	char *p = out;

	for (const char *t = template; out && *t; t++) {
		if (t[0] == '%' && t[1] == 'd') {
			p += sprintf(p, "%d", (int)getpid());
			t++;
		} else {
			*p++ = *t;
		}
	}
	return out;
}

static void destroy(struct darn_held *h)
{
	darn_lock_release(&h->lock);
	free(h->old.data);
	free(h->ours.data);
	free(h);
}

/* The journal knows of it before it is there. */
static enum darn_rc announce(const struct darn_held *h, struct darn_journal *j,
			     struct darn_error *err)
{
	const struct darn_lock *l = &h->lock;
	struct darn_jrec r = {
		.type = DARN_J_HOLD,
		.path = l->path,
		.flags = (h->old.data ? DARN_J_EXISTED : 0u) |
			 (l->inside ? DARN_J_DIRECTORY : 0u),
		.mtime_ns = h->old.mtime_ns,
		.pre = (const uint8_t *)h->old.data,
		.pre_len = h->old.len,
		.new = (const uint8_t *)h->ours.data,
		.new_len = h->ours.len,
	};
	char *path = NULL;
	enum darn_rc rc = DARN_OK;

	if (l->inside) {
		r.path = path = darn_path_join(l->path, l->inside, err);
		rc = path ? DARN_OK : DARN_ENOMEM;
	}
	if (!rc)
		rc = darn_journal_append(j, &r, err);
	free(path);
	return rc ? rc : darn_journal_sync(j, err);
}

static enum darn_rc take(struct darn_held *h, const struct darn_hold *want,
			 struct darn_journal *j, struct darn_error *err)
{
	char *path = darn_path_join(h->tree->os_path, want->path, err);
	enum darn_rc rc = DARN_ENOMEM;

	h->ours.data = fill_in(want->content, err);
	if (path && h->ours.data) {
		h->ours.len = strlen(h->ours.data);
		rc = darn_lock_init(&h->lock, path, want->inside, err);
	}
	free(path);
	if (!rc)
		rc = darn_lock_old(&h->lock, &h->old, err);
	if (!rc)
		rc = announce(h, j, err);
	return rc ? rc : darn_lock_place(&h->lock, &h->ours, &h->old, err);
}

enum darn_rc darn_hold_take(const struct darn_store *store, const void *ctx,
			    struct darn_tree *tree, struct darn_journal *j,
			    bool assume_stopped, struct darn_held **out,
			    struct darn_error *err)
{
	struct darn_held *h = darn_calloc(1, sizeof(*h), err);
	struct darn_hold *want = darn_calloc(1, sizeof(*want), err);
	enum darn_rc rc = h && want ? DARN_OK : DARN_ENOMEM;

	if (!rc) {
		h->store = store;
		h->ctx = ctx;
		h->tree = tree;
		h->assume_stopped = assume_stopped;
		rc = refuse_live(h, err);
	}
	if (!rc && store && store->hold)
		store->hold(ctx, tree, want);
	if (!rc && want->path[0])
		rc = take(h, want, j, err);
	free(want);
	if (rc && h)
		destroy(h);
	if (!rc)
		*out = h;
	return rc;
}

enum darn_rc darn_hold_check(struct darn_held *h, struct darn_error *err)
{
	if (!h->lock.path)
		return refuse_live(h, err);
	if (!darn_lock_is(&h->lock, &h->ours))
		return darn_fail(err, DARN_EREFUSED, 0,
				 "somebody else has taken the lock '%s'",
				 h->lock.path);
	return DARN_OK;
}

enum darn_rc darn_hold_release(struct darn_held *h, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (!h)
		return DARN_OK;
	if (h->lock.path && darn_lock_is(&h->lock, &h->ours))
		rc = darn_lock_give_back(&h->lock, &h->old, err);
	destroy(h);
	return rc;
}

/* The lock that @r speaks of. */
static enum darn_rc recorded(const struct darn_jrec *r, struct darn_lock *l,
			     struct darn_error *err)
{
	char *path = darn_strdup(r->path, err);
	char *slash = path ? strrchr(path, '/') : NULL;
	const char *inside = "";
	enum darn_rc rc = DARN_ENOMEM;

	*l = (struct darn_lock){.path = NULL};
	if (slash && (r->flags & DARN_J_DIRECTORY)) {
		*slash = '\0';
		inside = slash + 1;
	}
	if (path)
		rc = darn_lock_init(l, path, inside, err);
	free(path);
	return rc;
}

static struct darn_lock_text text_of(const uint8_t *data, size_t len)
{
	return (struct darn_lock_text){.data = (char *)data, .len = len};
}

static enum darn_rc recover_one(const struct darn_jrec *r, bool *ours,
				struct darn_error *err)
{
	struct darn_lock_text mine = text_of(r->new, r->new_len),
			      old = text_of(NULL, 0);
	struct darn_lock l;
	enum darn_rc rc = recorded(r, &l, err);

	if (r->flags & DARN_J_EXISTED)
		old = text_of(r->pre ? r->pre : (const uint8_t *)"",
			      r->pre_len);
	old.mtime_ns = r->mtime_ns;
	*ours = !rc && darn_lock_is(&l, &mine);
	if (*ours)
		rc = darn_lock_give_back(&l, &old, err);
	else if (!rc)
		darn_lock_tidy(&l, &old);
	darn_lock_release(&l);
	return rc;
}

/* Has a later record spoken of this lock?  A repair takes few. */
struct seen {
	uint64_t *paths;
	size_t n, cap;
};

static enum darn_rc first_time(struct seen *s, const char *path, bool *first,
			       struct darn_error *err)
{
	uint64_t hash = darn_xxh3_64(path, strlen(path));
	enum darn_rc rc;

	*first = false;
	for (size_t i = 0; i < s->n; i++)
		if (s->paths[i] == hash)
			return DARN_OK;
	rc = darn_grow((void **)&s->paths, s->n, &s->cap, sizeof(*s->paths),
		       err);
	if (rc)
		return rc;
	s->paths[s->n++] = hash;
	*first = true;
	return DARN_OK;
}

enum darn_rc darn_hold_recover(struct darn_journal *j, bool *intact,
			       struct darn_error *err)
{
	struct seen seen = {.n = 0};
	struct darn_jrec r;
	uint64_t pos = 0;
	bool all = true, ours = false, first = false;
	enum darn_rc rc;

	while ((rc = darn_journal_prev(j, &pos, &r, err)) == DARN_OK) {
		if (r.type == DARN_J_END)
			break; /* the locks before it were given back */
		if (r.type != DARN_J_HOLD)
			continue;
		rc = first_time(&seen, r.path, &first, err);
		if (!rc && first) {
			rc = recover_one(&r, &ours, err);
			all = all && ours;
		}
		if (rc)
			break;
	}
	*intact = seen.n > 0 && all;
	free(seen.paths);
	return rc == DARN_ENOENT ? DARN_OK : rc;
}
