/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/extent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

bool darn_finding_counts(const struct darn_record *r)
{
	if (r->kind != DARN_REC_FINDING)
		return false;
	if (r->severity == DARN_SUSPICIOUS)
		return r->hint == DARN_HINT_RESTORE ||
		       r->hint == DARN_HINT_RESTORE_FILE;
	return r->severity == DARN_DAMAGED || r->severity == DARN_UNREADABLE ||
	       r->missing > 0;
}

void darn_extents_clear(struct darn_extents *e)
{
	free(e->path);
	e->path = NULL;
	e->whole_file = e->missing = false;
	e->n = 0;
}

void darn_extents_release(struct darn_extents *e)
{
	darn_extents_clear(e);
	free(e->items);
	e->items = NULL;
	e->cap = 0;
}

static enum darn_rc begin(struct darn_extents *e, const struct darn_record *r,
			  struct darn_error *err)
{
	if (e->path)
		return DARN_OK;
	e->path = darn_strdup(r->path, err);
	(void)snprintf(e->store, sizeof(e->store), "%s", r->store);
	(void)snprintf(e->format, sizeof(e->format), "%s", r->format);
	return e->path ? DARN_OK : DARN_ENOMEM;
}

static enum darn_rc append(struct darn_extents *e, const struct darn_extent *x,
			   struct darn_error *err)
{
	struct darn_extent *last = e->n ? &e->items[e->n - 1] : NULL;
	enum darn_rc rc;

	if (x->off >= x->end)
		return DARN_OK;
	if (last && last->end == x->off && last->severity == x->severity &&
	    last->by_seal == x->by_seal && strcmp(last->id, x->id) == 0) {
		last->end = x->end;
		return DARN_OK;
	}
	rc = darn_grow((void **)&e->items, e->n, &e->cap, sizeof(*e->items),
		       err);
	if (!rc)
		e->items[e->n++] = *x;
	return rc;
}

/* What lies in the last extent makes that one worse; the rest is new. */
enum darn_rc darn_extents_add(struct darn_extents *e,
			      const struct darn_record *r,
			      struct darn_error *err)
{
	struct darn_extent x = {.off = r->off, .severity = r->severity};
	struct darn_extent tail = {.end = 0};
	/* a finding without length still stands for its unit */
	uint64_t len = DARN_MAX(DARN_MAX(r->len, r->missing), 1);
	enum darn_rc rc = begin(e, r, err);

	if (rc)
		return rc;
	x.end = len > UINT64_MAX / 2 - r->off % (UINT64_MAX / 2)
			? UINT64_MAX / 2
			: r->off + len;
	(void)snprintf(x.id, sizeof(x.id), "%s", r->id);
	x.by_seal = strncmp(r->id, "sealed/", 7) == 0;
	/* what a seal misses it knows block by block */
	e->whole_file = e->whole_file ||
			(r->hint == DARN_HINT_RESTORE_FILE && !x.by_seal);
	e->missing = e->missing || r->missing > 0;
	if (e->n && e->items[e->n - 1].end > x.off) {
		struct darn_extent *last = &e->items[e->n - 1];

		if (x.severity > last->severity) {
			tail = *last;
			tail.off = DARN_MIN(x.end, last->end);
			last->end = x.off;
			if (last->end <= last->off)
				e->n--;
		} else {
			x.off = DARN_MIN(x.end, last->end);
		}
	}
	rc = append(e, &x, err);
	return rc ? rc : append(e, &tail, err);
}
