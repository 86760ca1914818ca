/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links.c - the inodes that have several names, so that each counts once.
 *
 * An open-addressing table of (device, inode); 16 bytes for each inode with
 * more than one name, never more than three quarters full.
 */
#include "lib/scan/engine.h"

#include <stdlib.h>

#include "lib/base/mem.h"

struct link_id {
	uint64_t dev, ino; /* ino 0: empty */
};

struct darn_links {
	struct link_id *v;
	size_t n, cap; /* a power of two */
};

struct darn_links *darn_links_create(struct darn_error *err)
{
	struct darn_links *l = darn_calloc(1, sizeof(*l), err);

	if (!l)
		return NULL;
	l->cap = 256;
	l->v = darn_calloc(l->cap, sizeof(*l->v), err);
	if (!l->v) {
		free(l);
		return NULL;
	}
	return l;
}

void darn_links_destroy(struct darn_links *l)
{
	if (!l)
		return;
	free(l->v);
	free(l);
}

/* Where @id is, or where it would go. */
static struct link_id *find(const struct darn_links *l, struct link_id id)
{
	uint64_t h = (id.ino ^ id.dev << 32) * 0x9e3779b97f4a7c15u;

	for (size_t i = (size_t)(h >> 32);; i++) {
		struct link_id *at = &l->v[i & (l->cap - 1)];

		if (at->ino == 0 || (at->ino == id.ino && at->dev == id.dev))
			return at;
	}
}

static enum darn_rc grow(struct darn_links *l, struct darn_error *err)
{
	struct darn_links larger = {.n = l->n, .cap = l->cap * 2};

	larger.v = darn_calloc(larger.cap, sizeof(*larger.v), err);
	if (!larger.v)
		return DARN_ENOMEM;
	for (size_t i = 0; i < l->cap; i++)
		if (l->v[i].ino)
			*find(&larger, l->v[i]) = l->v[i];
	free(l->v);
	*l = larger;
	return DARN_OK;
}

enum darn_rc darn_links_seen(struct darn_links *l, uint64_t dev, uint64_t ino,
			     bool *seen, struct darn_error *err)
{
	struct link_id id = {dev, ino};
	struct link_id *at;

	*seen = false;
	if (ino == 0) /* the medium has no such thing */
		return DARN_OK;
	if (l->n >= l->cap / 4 * 3) {
		enum darn_rc rc = grow(l, err);

		if (rc)
			return rc;
	}
	at = find(l, id);
	*seen = at->ino != 0;
	if (!*seen) {
		*at = id;
		l->n++;
	}
	return DARN_OK;
}
