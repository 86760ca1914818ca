/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pending.c - the blocks that the log names behind the redo point, each with
 * what its first record does.
 *
 * The first record decides: a later image does not help where an earlier
 * record must be applied to a torn page.
 */
#include "scanners/postgresql/pending.h"

#include "lib/base/mem.h"

enum {
	RM_RELMAP = 7 /* src/include/access/rmgrlist.h */
};

static enum darn_rc on_record(const struct darn_pg_record *r, void *payload,
			      struct darn_error *err)
{
	struct darn_pg_pending *p = payload;
	enum darn_rc rc = DARN_OK;

	/* The catalogues themselves move: their blocks prove nothing. */
	if (r->rmid == RM_RELMAP || !r->understood)
		p->complete = false;
	for (unsigned i = 0; rc == DARN_OK && i < r->nblocks; i++) {
		const struct darn_pg_wal_block *b = &r->blocks[i];

		rc = darn_pg_blockmap_put(
			&p->blocks, b,
			(b->has_image && b->apply) || b->will_init, true, err);
	}
	return rc;
}

enum darn_rc darn_pg_pending_build(struct darn_tree *t,
				   const struct darn_pg_control *c,
				   uint32_t tli, uint64_t redo_lsn,
				   struct darn_pg_pending *out,
				   struct darn_error *err)
{
	struct darn_pg_pending p = {.complete = true};
	enum darn_rc rc = darn_pg_wal_walk(
		t, tli, redo_lsn, c->wal_segment_size, on_record, &p, err);

	if (rc) {
		darn_pg_pending_release(&p);
		return rc;
	}
	if (p.blocks.full)
		p.complete = false;
	*out = p;
	return DARN_OK;
}

bool darn_pg_pending_writes(const struct darn_pg_pending *p,
			    const struct darn_pg_rel *rel, uint32_t block)
{
	uint64_t whole = 0;

	return darn_pg_blockmap_get(&p->blocks, rel, block, &whole) && whole;
}

bool darn_pg_pending_names(const struct darn_pg_pending *p,
			   const struct darn_pg_rel *rel, uint32_t block)
{
	uint64_t whole;

	return darn_pg_blockmap_get(&p->blocks, rel, block, &whole);
}

void darn_pg_pending_release(struct darn_pg_pending *p)
{
	darn_pg_blockmap_release(&p->blocks);
	p->complete = false;
}
