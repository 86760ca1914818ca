/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pending.c - a hash set of the blocks that the log names after the redo
 * point, each with what its first record does.
 *
 * The first record decides: a later image does not help where an earlier
 * record must be applied to a torn page.
 */
#include "scanners/postgresql/pending.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "scanners/postgresql/wal.h"

enum {
	FIRST_SLOTS = 1 << 12,
	/* 4 GiB of changed blocks in 20 MiB of memory; the rest is not kept. */
	MAX_BLOCKS = 1 << 19,
	RM_RELMAP = 7, /* src/include/access/rmgrlist.h */
};

struct darn_pg_pending_slot {
	uint32_t spc, db, node, block;
	uint8_t fork;
	uint8_t used;
	uint8_t whole; /* the first record gives the whole page */
};

static size_t hash(const struct darn_pg_pending_slot *s)
{
	uint64_t h = s->node * 0x9e3779b97f4a7c15u;

	h ^= ((uint64_t)s->db << 32 | s->block) + s->fork;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 32;
	h = (h + s->spc) * 0xc4ceb9fe1a85ec53u;
	return (size_t)(h >> 20);
}

static bool same(const struct darn_pg_pending_slot *a,
		 const struct darn_pg_pending_slot *b)
{
	return a->block == b->block && a->node == b->node && a->db == b->db &&
	       a->spc == b->spc && a->fork == b->fork;
}

/* The slot of @key, or the free one where it belongs. */
static struct darn_pg_pending_slot *find(const struct darn_pg_pending *p,
					 const struct darn_pg_pending_slot *key)
{
	size_t i = hash(key) & (p->nslots - 1);

	while (p->slots[i].used && !same(&p->slots[i], key))
		i = (i + 1) & (p->nslots - 1);
	return &p->slots[i];
}

static enum darn_rc grow(struct darn_pg_pending *p, struct darn_error *err)
{
	struct darn_pg_pending old = *p;

	p->nslots = old.nslots ? 2 * old.nslots : FIRST_SLOTS;
	p->slots = darn_calloc(p->nslots, sizeof(*p->slots), err);
	if (!p->slots) {
		*p = old;
		return DARN_ENOMEM;
	}
	for (size_t i = 0; i < old.nslots; i++)
		if (old.slots[i].used)
			*find(p, &old.slots[i]) = old.slots[i];
	free(old.slots);
	return DARN_OK;
}

static enum darn_rc add(struct darn_pg_pending *p,
			const struct darn_pg_wal_block *b,
			struct darn_error *err)
{
	struct darn_pg_pending_slot key = {
		.spc = b->spc,
		.db = b->db,
		.node = b->node,
		.block = b->block,
		.fork = (uint8_t)b->fork,
		.used = 1,
		.whole = (b->has_image && b->apply) || b->will_init,
	};
	struct darn_pg_pending_slot *slot;

	if (2 * p->n >= p->nslots && grow(p, err))
		return DARN_ENOMEM;
	slot = find(p, &key);
	if (slot->used)
		return DARN_OK;
	if (p->n >= MAX_BLOCKS) {
		p->complete = false;
		return DARN_OK;
	}
	*slot = key;
	p->n++;
	return DARN_OK;
}

static enum darn_rc on_record(const struct darn_pg_record *r, void *payload,
			      struct darn_error *err)
{
	struct darn_pg_pending *p = payload;

	/* The catalogues themselves move: their blocks prove nothing. */
	if (r->rmid == RM_RELMAP || !r->understood)
		p->complete = false;
	for (unsigned i = 0; i < r->nblocks; i++) {
		enum darn_rc rc = add(p, &r->blocks[i], err);

		if (rc)
			return rc;
	}
	return DARN_OK;
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
	*out = p;
	return DARN_OK;
}

/* The slot of the block, or NULL where the log does not name it. */
static const struct darn_pg_pending_slot *
look_up(const struct darn_pg_pending *p, const struct darn_pg_rel *rel,
	uint32_t block)
{
	struct darn_pg_pending_slot key = {.spc = rel->spc,
					   .db = rel->db,
					   .node = rel->node,
					   .block = block,
					   .fork = (uint8_t)rel->fork};
	const struct darn_pg_pending_slot *slot;

	if (p->n == 0)
		return NULL;
	slot = find(p, &key);
	return slot->used ? slot : NULL;
}

bool darn_pg_pending_writes(const struct darn_pg_pending *p,
			    const struct darn_pg_rel *rel, uint32_t block)
{
	const struct darn_pg_pending_slot *slot = look_up(p, rel, block);

	return slot && slot->whole;
}

bool darn_pg_pending_names(const struct darn_pg_pending *p,
			   const struct darn_pg_rel *rel, uint32_t block)
{
	return look_up(p, rel, block) != NULL;
}

bool darn_pg_pending_touches(const struct darn_pg_pending *p,
			     const struct darn_pg_rel *rel)
{
	for (size_t i = 0; i < p->nslots; i++) {
		const struct darn_pg_pending_slot *s = &p->slots[i];

		if (s->used && s->node == rel->node && s->db == rel->db &&
		    s->spc == rel->spc && s->fork == (uint8_t)rel->fork)
			return true;
	}
	return false;
}

void darn_pg_pending_release(struct darn_pg_pending *p)
{
	free(p->slots);
	*p = (struct darn_pg_pending){0};
}
