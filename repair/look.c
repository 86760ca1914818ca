/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/look.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "repair/digest.h"
#include "repair/journal.h"

enum {
	MAX_BAD = 64
};

/* A format by the names that the report gives. */
static const struct darn_format *by_name(const struct darn_case *c,
					 const char *store, const char *format)
{
	const struct darn_store *const *s = c->o->scan.stores;

	for (; s && *s; s++) {
		const struct darn_format *const *f = (*s)->formats;

		for (; strcmp((*s)->name, store) == 0 && f && *f; f++)
			if (strcmp((*f)->name, format) == 0)
				return *f;
	}
	return NULL;
}

static const struct darn_format *format_of(const struct darn_case *c,
					   const struct darn_question *q,
					   const char *store,
					   const char *format)
{
	const struct darn_part *part = q->part;

	if (part->store && !q->missing)
		return part->store->classify(part->ctx, q->path, &q->st).format;
	return part->store ? NULL : by_name(c, store, format);
}

/*
 * The unit of the format.  A file that is one unit, or that nothing but a seal
 * checks, is mended in the seal's blocks where all its damage was found by
 * that.
 */
static enum darn_rc unit_of(struct darn_look *l, const struct darn_case *c,
			    const struct darn_question *q, bool by_seal,
			    struct darn_error *err)
{
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	enum darn_rc rc;

	l->unit = q->format ? q->format->unit : 0;
	if (l->unit || (q->format && !by_seal))
		return DARN_OK;
	rc = darn_seals_find(&c->seals, q->abs, &m, &e, err);
	if (rc == DARN_ENOENT)
		return DARN_OK;
	if (rc)
		return rc;
	l->unit = e.block;
	darn_sealed_entry_release(&e);
	return DARN_OK;
}

static enum darn_rc open_file(struct darn_look *l, struct darn_case *c,
			      struct darn_question *q, struct darn_error *err)
{
	enum darn_rc rc =
		darn_parts_find(&c->parts, l->abs, &q->part, &q->path, err);

	if (rc)
		return rc;
	q->abs = l->abs;
	rc = darn_tree_open(q->part->tree, q->path, &l->io, NULL);
	if (rc == DARN_ENOENT) {
		q->missing = true;
		return DARN_OK;
	}
	if (rc)
		return darn_fail(err, rc, 0, "cannot open '%s'", l->abs);
	return darn_io_stat(l->io, &q->st, err);
}

enum darn_rc darn_look_open(struct darn_look *l, struct darn_case *c,
			    const struct darn_extents *e,
			    struct darn_question *q, struct darn_error *err)
{
	bool by_seal = true;
	enum darn_rc rc = DARN_ENOMEM;

	memset(q, 0, sizeof(*q));
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < e->n; i++)
		by_seal = by_seal && e->items[i].by_seal;
	l->abs = darn_aim_abs(&c->target, e->path, err);
	if (l->abs)
		rc = open_file(l, c, q, err);
	if (rc)
		return rc;
	q->format = format_of(c, q, e->store, e->format);
	rc = unit_of(l, c, q, by_seal, err);
	if (l->unit > DARN_J_MAX_IMAGE)
		l->unit = 0;
	q->whole_file = q->missing || l->unit == 0 || e->whole_file;
	if (!q->whole_file && q->format && q->format->unit == 0)
		q->format = NULL; /* its blocks mean nothing to it */
	return rc;
}

enum darn_rc darn_look_open_item(struct darn_look *l, struct darn_case *c,
				 const struct darn_plan_item *i,
				 struct darn_question *q,
				 struct darn_error *err)
{
	enum darn_rc rc = DARN_ENOMEM;

	memset(q, 0, sizeof(*q));
	memset(l, 0, sizeof(*l));
	l->abs = darn_path_join(i->root, i->path, err);
	if (l->abs)
		rc = open_file(l, c, q, err);
	if (rc)
		return rc;
	if (strcmp(q->part->root, i->root) != 0)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is not the store that it was when the "
				 "plan was made",
				 i->root);
	q->format = format_of(c, q, i->store, i->format);
	q->whole_file = i->verb != DARN_VERB_RESTORE_EXTENT;
	if (!q->whole_file && q->format && q->format->unit == 0)
		q->format = NULL;
	q->only = true;
	q->source = i->source_index;
	q->nth = i->nth;
	return DARN_OK;
}

void darn_look_close(struct darn_look *l)
{
	darn_io_close(l->io);
	free(l->buf);
	free(l->abs);
	memset(l, 0, sizeof(*l));
}

enum darn_rc darn_look_unit(struct darn_look *l, struct darn_question *q,
			    uint64_t off, uint64_t len, struct darn_error *err)
{
	struct darn_bad_range ranges[MAX_BAD];
	struct darn_bad_list bad = {.at = ranges, .max = MAX_BAD};
	size_t got = 0;
	enum darn_rc rc = DARN_OK;

	if (len > DARN_J_MAX_IMAGE)
		return darn_fail(err, DARN_EINVAL, 0,
				 "a unit of '%s' is too large", l->abs);
	if (l->cap < len) {
		uint8_t *buf = aligned_alloc(4096, (len + 4095) / 4096 * 4096);

		if (!buf)
			return darn_fail(err, DARN_ENOMEM, 0,
					 "cannot allocate memory");
		free(l->buf);
		l->buf = buf;
		l->cap = len;
	}
	if (off < q->st.size)
		rc = darn_io_read_salvage(l->io, l->buf, (size_t)len, off, &bad,
					  &got, err);
	if (rc)
		return rc;
	q->off = off;
	q->len = len;
	q->buf = l->buf;
	q->buf_len = got;
	q->unreadable = bad.n > 0;
	q->pre_digest = darn_xxh3_64(l->buf, got);
	return DARN_OK;
}

void darn_look_whole(struct darn_look *l, struct darn_question *q)
{
	uint64_t size = 0;

	if (q->missing || !l->io)
		return;
	q->len = q->st.size;
	/* what cannot be read has no digest, and is not identical to anything
	 */
	if (darn_digest_io(l->io, DARN_READ_NORMAL, &q->pre_digest, &size,
			   NULL)) {
		q->unreadable = true;
		q->pre_digest = 0;
	}
}
