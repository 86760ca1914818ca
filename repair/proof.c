/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof.c - the deep scan: the files that were changed, from the medium, under
 * the rules of any scan.  Its verdict is the exit status.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "repair/apply.h"
#include "repair/extent.h"

enum {
	/* Every file is matched against every glob: with more, scan all. */
	MAX_GLOBS = 256
};

static int by_place(const void *x, const void *y)
{
	const struct darn_known *a = x, *b = y;

	if (a->path != b->path)
		return a->path < b->path ? -1 : 1;
	return a->off < b->off ? -1 : a->off > b->off;
}

/* Was it found before, and left?  The places of one path are disjoint. */
static bool is_known(const struct darn_apply *a, const char *abs, uint64_t off,
		     uint64_t len)
{
	uint64_t path = darn_xxh3_64(abs, strlen(abs));
	struct darn_known key = {.path = path, .off = off + DARN_MAX(len, 1)};
	size_t lo = 0, hi = a->nknown;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_place(&a->known[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* the last one that begins before the finding ends; or a whole file */
	return lo > 0 && a->known[lo - 1].path == path &&
	       (a->known[lo - 1].end > off ||
		a->known[lo - 1].end == a->known[lo - 1].off);
}

static void sort_known(struct darn_apply *a)
{
	if (a->nknown)
		qsort(a->known, a->nknown, sizeof(*a->known), by_place);
}

static enum darn_rc ask_rules(struct darn_apply *a,
			      const struct darn_part *part, void *ctx,
			      bool *more, struct darn_error *err)
{
	struct darn_sink *sink = darn_sink_create(err);
	enum darn_rc rc;

	if (!sink)
		return DARN_ENOMEM;
	rc = part->store->expect(ctx, part->tree, sink, err);
	for (size_t i = 0; !rc && i < darn_sink_nfound(sink); i++) {
		struct darn_found f = darn_sink_found(sink, i);
		char *abs;

		if (f.code->severity < DARN_DAMAGED || !f.path)
			continue;
		abs = darn_path_join(part->root, f.path, err);
		if (!abs)
			rc = DARN_ENOMEM;
		else if (!is_known(a, abs, f.off, DARN_MAX(f.len, f.missing)))
			*more = true;
		free(abs);
	}
	darn_sink_destroy(sink);
	return rc;
}

enum darn_rc darn_apply_rules(struct darn_apply *a, bool *more,
			      struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	*more = false;
	sort_known(a);
	for (size_t i = 0; !rc && i < a->c->parts.n; i++) {
		const struct darn_part *part = a->c->parts.items[i];
		void *ctx = NULL;

		if (!part->store || !part->store->expect)
			continue;
		rc = darn_store_open_quietly(part->store, part->tree, &ctx,
					     err);
		if (!rc)
			rc = ask_rules(a, part, ctx, more, err);
		if (part->store->close)
			part->store->close(ctx);
	}
	return rc;
}

static enum darn_rc on_record(const struct darn_record *r, void *payload,
			      struct darn_error *err)
{
	struct darn_apply *a = payload;
	bool known;
	char *abs;

	if (a->undecided && r->kind == DARN_REC_FINDING &&
	    r->severity == DARN_SUSPICIOUS && !darn_finding_counts(r))
		a->out->exit |= DARN_EXIT_SUSPICIOUS;
	if (!darn_finding_counts(r))
		return DARN_OK;
	abs = darn_aim_abs(&a->c->target, r->path, err);
	if (!abs)
		return DARN_ENOMEM;
	known = is_known(a, abs, r->off, DARN_MAX(r->len, r->missing));
	free(abs);
	if (known)
		return DARN_OK;
	a->out->exit |= r->severity == DARN_SUSPICIOUS ? DARN_EXIT_SUSPICIOUS
						       : DARN_EXIT_DAMAGED;
	return DARN_OK;
}

/* The globs, NULL-terminated, or NULL for everything. */
static enum darn_rc globs(struct darn_apply *a, const char ***out,
			  struct darn_error *err)
{
	*out = NULL;
	if (a->undecided || a->nchanged > MAX_GLOBS || a->c->target.is_file)
		return DARN_OK;
	*out = darn_calloc(a->nchanged + 1, sizeof(char *), err);
	if (!*out)
		return DARN_ENOMEM;
	for (size_t i = 0; i < a->nchanged; i++)
		(*out)[i] = a->changed[i];
	return DARN_OK;
}

enum darn_rc darn_apply_prove(struct darn_apply *a, struct darn_error *err)
{
	unsigned keep = DARN_EXIT_INCOMPLETE | DARN_EXIT_INTERRUPTED;
	const char **include;
	enum darn_rc rc = globs(a, &include, err);

	if (rc)
		return rc;
	sort_known(a);
	rc = darn_case_scan(a->c, true, include, &a->out->report, err);
	free(include);
	if (rc)
		return rc;
	a->out->exit |= darn_report_summary(a->out->report).exit & keep;
	return darn_report_each(a->out->report, on_record, a, err);
}
