/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsm.c - the free-space map: a tree of pages three levels high, of which only
 * the lowest ones are looked at.  Behind the header and a u32 a page has 8164
 * bytes, a binary tree: 4095 inner nodes, then 4069 leaves, one for each block
 * of the relation, in steps of 32 free bytes; 255 for 8160 and more.
 * (src/backend/storage/freespace.)
 *
 * The map is a hint and may be wrong; it decides only whether a page of zeros
 * is worth a word.
 */
#include "scanners/postgresql/fsm.h"

#include <string.h>

#include "lib/hash/hash.h"
#include "scanners/postgresql/page.h"

enum {
	LEAVES_AT = DARN_PG_HEAD_LEN + 4 + 4095,
	LEAVES = 4069,
	ALL_FREE = 254,
	LEVELS = 3,
};

/* Where the map's page for the blocks from @leaf * LEAVES on lies. */
static uint32_t page_of(uint32_t leaf)
{
	uint32_t pages = 0;

	for (int level = 0; level < LEVELS; level++) {
		pages += leaf + 1;
		leaf /= LEAVES;
	}
	return pages - 1;
}

static bool load(const struct darn_pg *pg, struct darn_tree *t,
		 struct darn_pg_fsm *f)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_pg_head h;
	struct darn_io *io;
	enum darn_rc rc;

	if (darn_tree_open(t, f->path, &io, &why))
		return false;
	rc = darn_io_read_full(io, f->buf, sizeof(f->buf),
			       (uint64_t)f->page * DARN_PG_PAGE, &why);
	darn_io_close(io);
	if (rc)
		return false;
	h = darn_pg_head(f->buf);
	return darn_pg_head_sane(&h) &&
	       (pg->sums == DARN_PG_SUMS_OFF ||
		darn_pg_page_sum(f->buf, f->page) == h.checksum);
}

bool darn_pg_fsm_all_free(struct darn_pg_fsm *f, const struct darn_pg *pg,
			  struct darn_tree *t, const char *path, uint32_t block)
{
	uint32_t page = page_of(block / LEAVES);
	char map[sizeof(f->path)];

	(void)snprintf(map, sizeof(map), "%s_fsm", path);
	if (f->page != page || strcmp(f->path, map) != 0) {
		memcpy(f->path, map, sizeof(map));
		f->page = page;
		f->good = page < pg->segment_blocks && load(pg, t, f);
	}
	return f->good && f->buf[LEAVES_AT + block % LEAVES] >= ALL_FREE;
}
