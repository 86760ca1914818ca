/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.c - the comparer: a scan held against what was sealed.
 *
 * A block that differs although size and time stamp are as sealed was not
 * written by anybody: it rotted.  A moved time stamp means a change, which is
 * what files are for, so such a file is merely not checked.  A seal that is
 * fuzzy, or an entry that was being written when it was read, accuses nobody:
 * there a difference is only suspicious.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/seal/layout.h"
#include "lib/seal/seal.h"

enum {
	BIT_ROT,
	DIFFERS,
	CUT,
	GROWN,
	CHANGED,
	MISSING
};

const struct darn_code darn_sealed_codes[] = {
	[BIT_ROT] = {"sealed/bit-rot", DARN_DAMAGED, DARN_HINT_RESTORE,
		     "the content is not what was sealed, although size and "
		     "time stamp are"},
	[DIFFERS] = {"sealed/differs", DARN_SUSPICIOUS, DARN_HINT_RESTORE,
		     "the content is not what was sealed, but the seal was "
		     "made while the file was in use"},
	[CUT] = {"sealed/cut", DARN_DAMAGED, DARN_HINT_RESTORE_FILE,
		 "the file is shorter than it was sealed, although its time "
		 "stamp is the same"},
	[GROWN] = {"sealed/grown", DARN_SUSPICIOUS, DARN_HINT_NONE,
		   "the file is longer than it was sealed, although its time "
		   "stamp is the same"},
	[CHANGED] = {"sealed/changed", DARN_INFO, DARN_HINT_NONE,
		     "the file was written after it was sealed"},
	[MISSING] = {"sealed/missing", DARN_SUSPICIOUS, DARN_HINT_RESTORE_FILE,
		     "the file was sealed and is gone"},
};
const size_t darn_sealed_ncodes = DARN_ARRAY_SIZE(darn_sealed_codes);

struct comparer {
	struct darn_witness base;
	struct darn_comparer_options o;
	char **paths; /* o.paths, absolute */
	/* of the root being compared */
	struct darn_manifest *m; /* NULL: nothing was sealed there */
	char *root;
	char *prefix;  /* before the root's paths to get the manifest's */
	char *below;   /* before the manifest's paths to get the root's */
	uint8_t *seen; /* a bit per entry */
};

struct comparing {
	struct darn_sealed_entry e;
	struct darn_stat st;
	bool known, check; /* in the seal; blocks are to be compared */
	bool firm;	   /* a difference is damage */
};

static void leave_root(struct comparer *c)
{
	free(c->root);
	free(c->prefix);
	free(c->below);
	free(c->seen);
	c->root = c->prefix = c->below = NULL;
	c->seen = NULL;
	c->m = NULL;
}

/* Which manifest describes @root, and how their paths differ. */
static void choose(struct comparer *c, const char *root, const char **prefix,
		   const char **under)
{
	*prefix = *under = "";
	for (size_t i = 0; i < c->o.nmanifests; i++) {
		struct darn_manifest *m = c->o.manifests[i];
		const char *sealed = darn_manifest_head(m)->root;

		const char *in = darn_path_below(root, sealed);
		const char *over = darn_path_below(sealed, root);

		if (in) {
			c->m = m;
			*prefix = in;
			*under = "";
			if (*in == '\0')
				return;
		} else if (!c->m && over) {
			c->m = m;
			*prefix = "";
			*under = over;
		}
	}
	if (!c->m && c->o.nmanifests == 1)
		c->m = c->o.manifests[0];
}

static enum darn_rc cmp_root(struct darn_witness *w, const char *root,
			     const char *store, struct darn_error *err)
{
	struct comparer *c = (struct comparer *)w;
	const char *prefix, *under;

	(void)store;
	leave_root(c);
	choose(c, root, &prefix, &under);
	if (!c->m)
		return DARN_OK;
	c->root = darn_strdup(root, err);
	c->prefix = darn_strdup(prefix, err);
	c->below = darn_strdup(under, err);
	c->seen = darn_calloc((size_t)(darn_manifest_entries(c->m) / 8 + 1), 1,
			      err);
	if (!c->root || !c->prefix || !c->below || !c->seen) {
		leave_root(c);
		return DARN_ENOMEM;
	}
	return DARN_OK;
}

/* The entry for @path of the root; DARN_ENOENT where there is none. */
static enum darn_rc find(struct comparer *c, const char *path,
			 struct darn_sealed_entry *e, struct darn_error *err)
{
	enum darn_rc rc;
	char *full;

	if (c->below[0]) {
		const char *rest = darn_path_below(path, c->below);

		if (!rest)
			return darn_fail(err, DARN_ENOENT, 0, "not sealed");
		return darn_manifest_find(c->m, rest, e, err);
	}
	full = darn_path_join(c->prefix, path, err);
	if (!full)
		return DARN_ENOMEM;
	rc = darn_manifest_find(c->m, full, e, err);
	free(full);
	return rc;
}

static void decide(const struct comparer *c, struct comparing *h)
{
	bool same = h->st.mtime_ns == h->e.st.mtime_ns;

	h->known = h->e.st.type == DARN_FT_FILE;
	h->check = h->known && (same || c->o.vouched);
	h->firm = h->e.settled && !darn_manifest_head(c->m)->fuzzy;
}

static enum darn_rc cmp_begin(struct darn_witness *w, const struct darn_file *f,
			      uint32_t unit, void **handle,
			      struct darn_error *err)
{
	struct comparer *c = (struct comparer *)w;
	struct darn_error miss = DARN_ERROR_INIT;
	struct comparing *h = darn_calloc(1, sizeof(*h), err);
	enum darn_rc rc = DARN_ENOENT;

	(void)unit;
	if (!h)
		return DARN_ENOMEM;
	h->st = f->st;
	if (c->m)
		rc = find(c, f->path, &h->e, &miss);
	if (rc == DARN_OK) {
		c->seen[h->e.index / 8] |= (uint8_t)(1u << (h->e.index % 8));
		decide(c, h);
	} else if (rc != DARN_ENOENT) {
		free(h);
		return darn_fail(err, rc, miss.sys_errno, "%s", miss.msg);
	}
	*handle = h;
	return DARN_OK;
}

/* Compares one block; @p holds it. */
static void compare_block(const struct comparer *c, const struct comparing *h,
			  uint64_t block, const uint8_t *p, size_t len,
			  const struct darn_hash128 *want,
			  struct darn_sink *sink)
{
	struct darn_hash128 is = darn_manifest_hash(c->m, p, len);
	struct darn_place at = {.off = block * h->e.block, .len = len};

	if (darn_digest_is_none(want))
		darn_sink_reason(sink, "could not be read when it was sealed");
	else if (memcmp(&is, want, sizeof(is)) == 0)
		darn_sink_verified(sink, at.off, len);
	else
		darn_sink_report(
			sink, &darn_sealed_codes[h->firm ? BIT_ROT : DIFFERS],
			at, DARN_DETAILS(DARN_DEC("block", block)));
}

/* Nothing is said of a block that could not be read whole. */
static bool readable(const struct darn_chunk *c, uint64_t off, uint64_t len)
{
	for (size_t i = 0; i < c->nbad; i++)
		if (c->bad[i].off < off + len &&
		    off < c->bad[i].off + c->bad[i].len)
			return false;
	return true;
}

static enum darn_rc cmp_chunk(struct darn_witness *w, void *handle,
			      const struct darn_chunk *c, unsigned worker,
			      struct darn_sink *sink, struct darn_error *err)
{
	struct comparer *cmp = (struct comparer *)w;
	struct comparing *h = handle;
	uint64_t end = DARN_MIN(c->off + c->len, h->e.st.size);
	struct darn_hash128 *want;
	uint64_t first, last;
	enum darn_rc rc;

	(void)worker;
	if (!h->check || c->off >= end)
		return DARN_OK;
	/* Blocks that lie whole within the chunk. */
	first = darn_seal_parts(c->off, h->e.block);
	last = end == h->e.st.size ? h->e.nblocks : end / h->e.block;
	if (first >= last)
		return DARN_OK;
	want = darn_calloc((size_t)(last - first), sizeof(*want), err);
	if (!want)
		return DARN_ENOMEM;
	rc = darn_manifest_digests(cmp->m, &h->e, first, (size_t)(last - first),
				   want, err);
	for (uint64_t b = first; rc == DARN_OK && b < last; b++) {
		uint64_t off = b * h->e.block;
		size_t len = (size_t)DARN_MIN(h->e.block, end - off);

		if (readable(c, off, len))
			compare_block(cmp, h, b, c->buf + (off - c->off), len,
				      &want[b - first], sink);
	}
	free(want);
	return rc;
}

static void compare_size(const struct comparing *h, struct darn_sink *sink)
{
	uint64_t is = h->st.size, was = h->e.st.size;
	const struct darn_detail *d =
		DARN_DETAILS(DARN_DEC("sealed", was), DARN_DEC("now", is));

	if (is < was) {
		struct darn_place at = {
			.off = is, .len = was - is, .missing = was - is};

		darn_sink_report(sink, &darn_sealed_codes[CUT], at, d);
		darn_sink_reason(sink, "the sealed block is cut");
	} else if (is > was) {
		struct darn_place at = {.off = was, .len = is - was};

		darn_sink_report(sink, &darn_sealed_codes[GROWN], at, d);
		darn_sink_reason(sink, "beyond what was sealed");
	}
}

static enum darn_rc cmp_end(struct darn_witness *w, void *handle,
			    const struct darn_stat *now, bool complete,
			    struct darn_sink *sink, struct darn_error *err)
{
	struct comparing *h = handle;

	(void)w;
	(void)now;
	(void)complete;
	(void)err;
	if (sink && !h->known) {
		darn_sink_reason(sink, "not in the seal");
	} else if (sink && !h->check) {
		darn_sink_report(sink, &darn_sealed_codes[CHANGED],
				 (struct darn_place){.len = 0}, NULL);
		darn_sink_reason(sink, "changed since it was sealed");
	} else if (sink) {
		compare_size(h, sink);
	}
	if (h->e.path)
		darn_sealed_entry_release(&h->e);
	free(h);
	return DARN_OK;
}

static bool wanted(const struct comparer *c, const char *full)
{
	for (size_t i = 0; i < c->o.npaths; i++)
		if (darn_path_below(full, c->paths[i]))
			return true;
	return c->o.npaths == 0;
}

/*
 * Reports a sealed file that was not shown, if it does not exist: one that
 * the scan left out on purpose is still there.
 */
static enum darn_rc miss(const struct comparer *c,
			 const struct darn_sealed_entry *e,
			 struct darn_sink *sink, struct darn_error *err)
{
	const char *rest = darn_path_below(e->path, c->prefix);
	struct stat st;
	char *rel, *full;

	if (!rest)
		return DARN_OK;
	rel = darn_path_join(c->below, rest, err);
	full = rel ? darn_path_join(c->root, rel, err) : NULL;
	if (full && wanted(c, full) && lstat(full, &st) < 0)
		darn_sink_report(sink, &darn_sealed_codes[MISSING],
				 (struct darn_place){.path = rel,
						     .len = e->st.size,
						     .missing = e->st.size},
				 NULL);
	free(rel);
	if (!full)
		return DARN_ENOMEM;
	free(full);
	return DARN_OK;
}

static enum darn_rc cmp_finish(struct darn_witness *w, struct darn_sink *sink,
			       struct darn_error *err)
{
	struct comparer *c = (struct comparer *)w;
	uint64_t n = c->m && !c->o.renewed ? darn_manifest_entries(c->m) : 0;
	enum darn_rc rc = DARN_OK;

	for (uint64_t i = 0; rc == DARN_OK && i < n; i++) {
		struct darn_sealed_entry e;

		if (c->seen[i / 8] & 1u << i % 8)
			continue;
		rc = darn_manifest_get(c->m, i, &e, err);
		if (rc)
			break;
		if (e.st.type == DARN_FT_FILE)
			rc = miss(c, &e, sink, err);
		darn_sealed_entry_release(&e);
	}
	leave_root(c);
	return rc;
}

static const struct darn_witness_ops comparer_ops = {
	.root = cmp_root,
	.begin = cmp_begin,
	.chunk = cmp_chunk,
	.end = cmp_end,
	.finish = cmp_finish,
};

enum darn_rc darn_comparer_create(const struct darn_comparer_options *o,
				  struct darn_witness **out,
				  struct darn_error *err)
{
	struct comparer *c = darn_calloc(1, sizeof(*c), err);

	if (!c)
		return DARN_ENOMEM;
	c->base.ops = &comparer_ops;
	c->o = *o;
	c->paths = darn_calloc(o->npaths + 1, sizeof(*c->paths), err);
	for (size_t i = 0; c->paths && i < o->npaths; i++) {
		c->paths[i] = realpath(o->paths[i], NULL);
		if (!c->paths[i])
			c->paths[i] = darn_strdup(o->paths[i], err);
		if (!c->paths[i])
			goto nomem;
	}
	if (!c->paths)
		goto nomem;
	*out = &c->base;
	return DARN_OK;
nomem:
	darn_comparer_destroy(&c->base);
	return DARN_ENOMEM;
}

void darn_comparer_destroy(struct darn_witness *w)
{
	struct comparer *c = (struct comparer *)w;

	if (!c)
		return;
	leave_root(c);
	for (size_t i = 0; c->paths && i < c->o.npaths; i++)
		free(c->paths[i]);
	free(c->paths);
	free(c);
}
