/* SPDX-License-Identifier: Apache-2.0 */
/* blockmap.c - linear probing in a table that is at most half full. */
#include "scanners/postgresql/blockmap.h"

#include <stdlib.h>

#include "lib/base/mem.h"

enum {
	FIRST_SLOTS = 1 << 12,
	MAX_BLOCKS = 1 << 18, /* 2 GiB of blocks in 16 MiB of memory */
	FILE_BITS = 1 << 16,
};

struct darn_pg_block_slot {
	uint64_t value;
	uint32_t spc, db, node, block;
	uint8_t fork;
	uint8_t used;
};

static uint64_t mix(uint64_t h)
{
	/* the finaliser of MurmurHash3 */
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

static uint64_t hash_file(uint32_t spc, uint32_t db, uint32_t node,
			  unsigned fork)
{
	return mix(((uint64_t)db << 32 | node) ^
		   mix((uint64_t)spc << 2 | fork));
}

static bool same(const struct darn_pg_block_slot *a,
		 const struct darn_pg_block_slot *b)
{
	return a->block == b->block && a->node == b->node && a->db == b->db &&
	       a->spc == b->spc && a->fork == b->fork;
}

/* The slot of @key, or the free one where it belongs. */
static struct darn_pg_block_slot *find(const struct darn_pg_blockmap *m,
				       const struct darn_pg_block_slot *key)
{
	uint64_t file = hash_file(key->spc, key->db, key->node, key->fork);
	size_t i = (size_t)mix(file + key->block) & (m->nslots - 1);

	while (m->slots[i].used && !same(&m->slots[i], key))
		i = (i + 1) & (m->nslots - 1);
	return &m->slots[i];
}

static enum darn_rc grow(struct darn_pg_blockmap *m, struct darn_error *err)
{
	struct darn_pg_blockmap old = *m;

	if (!m->files)
		m->files = darn_calloc(FILE_BITS / 8, 1, err);
	if (!m->files)
		return DARN_ENOMEM;
	m->nslots = old.nslots ? 2 * old.nslots : FIRST_SLOTS;
	m->slots = darn_calloc(m->nslots, sizeof(*m->slots), err);
	if (!m->slots) {
		m->slots = old.slots;
		m->nslots = old.nslots;
		return DARN_ENOMEM;
	}
	for (size_t i = 0; i < old.nslots; i++)
		if (old.slots[i].used)
			*find(m, &old.slots[i]) = old.slots[i];
	free(old.slots);
	return DARN_OK;
}

enum darn_rc darn_pg_blockmap_put(struct darn_pg_blockmap *m,
				  const struct darn_pg_wal_block *b,
				  uint64_t value, bool keep,
				  struct darn_error *err)
{
	struct darn_pg_block_slot key = {.value = value,
					 .spc = b->spc,
					 .db = b->db,
					 .node = b->node,
					 .block = b->block,
					 .fork = (uint8_t)b->fork,
					 .used = 1};
	struct darn_pg_block_slot *slot;
	uint64_t file;

	if (2 * m->n >= m->nslots && m->n < MAX_BLOCKS && grow(m, err))
		return DARN_ENOMEM;
	slot = find(m, &key);
	if (slot->used) {
		if (!keep)
			slot->value = value;
		return DARN_OK;
	}
	if (m->n >= MAX_BLOCKS) {
		m->full = true;
		return DARN_OK;
	}
	*slot = key;
	m->n++;
	file = hash_file(key.spc, key.db, key.node, key.fork) % FILE_BITS;
	m->files[file / 8] |= (uint8_t)(1u << file % 8);
	return DARN_OK;
}

bool darn_pg_blockmap_get(const struct darn_pg_blockmap *m,
			  const struct darn_pg_rel *rel, uint32_t block,
			  uint64_t *value)
{
	struct darn_pg_block_slot key = {.spc = rel->spc,
					 .db = rel->db,
					 .node = rel->node,
					 .block = block,
					 .fork = (uint8_t)rel->fork};
	const struct darn_pg_block_slot *slot;

	if (m->n == 0)
		return false;
	slot = find(m, &key);
	if (slot->used)
		*value = slot->value;
	return slot->used;
}

bool darn_pg_blockmap_touches(const struct darn_pg_blockmap *m,
			      const struct darn_pg_rel *rel)
{
	uint64_t file =
		hash_file(rel->spc, rel->db, rel->node, rel->fork) % FILE_BITS;

	return m->n > 0 && (m->files[file / 8] >> file % 8 & 1);
}

void darn_pg_blockmap_release(struct darn_pg_blockmap *m)
{
	free(m->slots);
	free(m->files);
	*m = (struct darn_pg_blockmap){0};
}
