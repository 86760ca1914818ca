/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair.c - one witness that is two.  The first error stops the run; end()
 * always reaches both, because it releases what begin() made.
 */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/seal/seal.h"

struct pair {
	struct darn_witness base;
	struct darn_witness *w[2];
};

struct handles {
	void *h[2];
};

static enum darn_rc pair_root(struct darn_witness *w, const char *root,
			      const char *store, struct darn_error *err)
{
	struct pair *p = (struct pair *)w;

	for (int i = 0; i < 2; i++) {
		enum darn_rc rc =
			p->w[i]->ops->root
				? p->w[i]->ops->root(p->w[i], root, store, err)
				: DARN_OK;

		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc pair_store(struct darn_witness *w, const char *path,
			       const struct darn_store *store,
			       enum darn_liveness liveness,
			       struct darn_error *err)
{
	struct pair *p = (struct pair *)w;

	for (int i = 0; i < 2; i++) {
		enum darn_rc rc = DARN_OK;

		if (p->w[i]->ops->store)
			rc = p->w[i]->ops->store(p->w[i], path, store, liveness,
						 err);
		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc pair_entry(struct darn_witness *w,
			       const struct darn_entry *e,
			       struct darn_error *err)
{
	struct pair *p = (struct pair *)w;

	for (int i = 0; i < 2; i++) {
		enum darn_rc rc = p->w[i]->ops->entry
					  ? p->w[i]->ops->entry(p->w[i], e, err)
					  : DARN_OK;

		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc pair_begin(struct darn_witness *w,
			       const struct darn_file *f, uint32_t unit,
			       void **handle, struct darn_error *err)
{
	struct pair *p = (struct pair *)w;
	struct handles *h = darn_calloc(1, sizeof(*h), err);
	enum darn_rc rc;

	if (!h)
		return DARN_ENOMEM;
	rc = p->w[0]->ops->begin(p->w[0], f, unit, &h->h[0], err);
	if (rc) {
		free(h);
		return rc;
	}
	rc = p->w[1]->ops->begin(p->w[1], f, unit, &h->h[1], err);
	if (rc) {
		darn_ignore(p->w[0]->ops->end(p->w[0], h->h[0], &f->st, false,
					      NULL, err));
		free(h);
		return rc;
	}
	*handle = h;
	return DARN_OK;
}

static enum darn_rc pair_chunk(struct darn_witness *w, void *handle,
			       const struct darn_chunk *c, unsigned worker,
			       struct darn_sink *sink, struct darn_error *err)
{
	struct pair *p = (struct pair *)w;
	struct handles *h = handle;

	for (int i = 0; i < 2; i++) {
		enum darn_rc rc = p->w[i]->ops->chunk(p->w[i], h->h[i], c,
						      worker, sink, err);

		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc pair_end(struct darn_witness *w, void *handle,
			     const struct darn_stat *now, bool complete,
			     struct darn_sink *sink, struct darn_error *err)
{
	struct pair *p = (struct pair *)w;
	struct handles *h = handle;
	enum darn_rc rc = DARN_OK;

	for (int i = 0; i < 2; i++) {
		enum darn_rc one = p->w[i]->ops->end(p->w[i], h->h[i], now,
						     complete, sink, err);

		if (rc == DARN_OK)
			rc = one;
	}
	free(h);
	return rc;
}

static enum darn_rc pair_finish(struct darn_witness *w, struct darn_sink *sink,
				struct darn_error *err)
{
	struct pair *p = (struct pair *)w;

	for (int i = 0; i < 2; i++) {
		enum darn_rc rc =
			p->w[i]->ops->finish
				? p->w[i]->ops->finish(p->w[i], sink, err)
				: DARN_OK;

		if (rc)
			return rc;
	}
	return DARN_OK;
}

static const struct darn_witness_ops pair_ops = {
	.root = pair_root,
	.store = pair_store,
	.entry = pair_entry,
	.begin = pair_begin,
	.chunk = pair_chunk,
	.end = pair_end,
	.finish = pair_finish,
};

enum darn_rc darn_witness_pair_create(struct darn_witness *a,
				      struct darn_witness *b,
				      struct darn_witness **out,
				      struct darn_error *err)
{
	struct pair *p = darn_calloc(1, sizeof(*p), err);

	if (!p)
		return DARN_ENOMEM;
	p->base.ops = &pair_ops;
	p->w[0] = a;
	p->w[1] = b;
	*out = &p->base;
	return DARN_OK;
}

void darn_witness_pair_destroy(struct darn_witness *w)
{
	free(w);
}
