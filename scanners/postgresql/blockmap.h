/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blockmap.h - a number for each of many blocks: what the log says of them.
 *
 * A hash table of bounded size.  When it is full, further blocks are not kept
 * and @full is set; what is in it stays right.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_BLOCKMAP_H
#define DARN_SCANNERS_POSTGRESQL_BLOCKMAP_H

#include "scanners/postgresql/wal.h"

struct darn_pg_block_slot;

/* All zero is the empty map. */
struct darn_pg_blockmap {
	struct darn_pg_block_slot *slots; /* open addressing */
	uint8_t *files;			  /* a bit per hash of a fork */
	size_t nslots, n;
	bool full;
};

/*
 * Sets the value of @b to @value: always, or only where it has none yet
 * (@keep).
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_blockmap_put(struct darn_pg_blockmap *m,
				  const struct darn_pg_wal_block *b,
				  uint64_t value, bool keep,
				  struct darn_error *err);

/* False where the block is not in the map.  @rel->segment is not asked. */
bool darn_pg_blockmap_get(const struct darn_pg_blockmap *m,
			  const struct darn_pg_rel *rel, uint32_t block,
			  uint64_t *value);

/*
 * False: no block of the relation's fork is in the map.  True may be wrong
 * once in some thousand times.
 */
bool darn_pg_blockmap_touches(const struct darn_pg_blockmap *m,
			      const struct darn_pg_rel *rel);

void darn_pg_blockmap_release(struct darn_pg_blockmap *m);

#endif
