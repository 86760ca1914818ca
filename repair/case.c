/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "repair/verdict.h"

enum darn_rc darn_case_open(struct darn_case *c,
			    const struct darn_repair_options *o,
			    struct darn_error *err)
{
	enum darn_rc rc;

	memset(c, 0, sizeof(*c));
	c->o = o;
	c->target.lock_fd = -1;
	rc = darn_aim_open(o->path, o->scan.stores, &c->target, err);
	if (!rc)
		rc = darn_sources_open(&c->sources, o->sources, o->nsources,
				       &c->target, o->scan.stores, err);
	if (rc)
		return rc;
	c->parts.stores = o->scan.stores;
	c->parts.base = c->target.base;
	return darn_seals_open(&c->seals, o->manifest, c->target.abs,
			       c->target.base, err);
}

void darn_case_release(struct darn_case *c)
{
	darn_sources_release(&c->sources);
	darn_parts_release(&c->parts);
	darn_seals_release(&c->seals);
	darn_aim_release(&c->target);
}

enum darn_rc darn_case_scan(struct darn_case *c, bool direct,
			    const char *const *include,
			    struct darn_report **out, struct darn_error *err)
{
	struct darn_scan_options o = c->o->scan;
	const char *root = c->target.typed;
	struct darn_comparer_options co = {
		.manifests = c->seals.items,
		.nmanifests = c->seals.n,
		.vouched = c->o->unchanged_since_seal,
		.paths = &root,
		.npaths = 1,
	};
	struct darn_witness *w = NULL;
	enum darn_rc rc = DARN_OK;

	if (c->seals.n)
		rc = darn_comparer_create(&co, &w, err);
	if (rc)
		return rc;
	o.witness = w;
	o.direct = direct;
	o.include = include;
	o.exclude = NULL;
	rc = darn_scan(&root, 1, &o, out, err);
	darn_comparer_destroy(w);
	return rc;
}
