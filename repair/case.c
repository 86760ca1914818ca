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
	rc = darn_target_open(o->path, o->scan.stores, &c->target, err);
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
	darn_target_release(&c->target);
}
