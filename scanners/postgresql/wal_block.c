/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_block.c - the body of a record: which blocks it changes, and how.
 *
 * First come headers, one after the other, until what they announce fills the
 * record:
 *
 *	u8 id <= 32: u8 fork and flags, u16 bytes of data; then, by the flags,
 *		the header of an image (u16 length, u16 start of its hole, u8
 *		flags; u16 length of the hole where the image is compressed),
 *		the relation (u32 space, database, file), u32 block
 *	u8 253: u16 origin		u8 252: u32 top transaction
 *	u8 254: u32 bytes of main data	u8 255: u8 bytes of main data
 *
 * then the images and data of the blocks, then the main data.
 */
#include "scanners/postgresql/wal_walk.h"

#include "lib/base/bytes.h"

enum {
	ID_SHORT = 255,
	ID_LONG = 254,
	ID_ORIGIN = 253,
	ID_TOPLEVEL = 252,
	FORK = 0x0f,
	HAS_IMAGE = 0x10,
	HAS_DATA = 0x20,
	WILL_INIT = 0x40,
	SAME_REL = 0x80,
	IMAGE_HOLE = 0x01,
	IMAGE_APPLY = 0x02,
	IMAGE_COMPRESSED = 0x1c,
};

struct body {
	struct darn_cursor c;
	uint64_t left;	  /* bytes of the record behind the cursor */
	uint64_t claimed; /* what the headers so far announce */
	uint16_t data[DARN_PG_WAL_BLOCKS];
	bool bad;
};

static uint64_t behind(const struct body *b)
{
	return b->left > b->c.taken ? b->left - b->c.taken : 0;
}

static void image_header(struct body *b, struct darn_pg_wal_block *k)
{
	uint8_t flags;

	k->has_image = true;
	k->image_len = darn_le16(&b->c);
	k->hole_off = darn_le16(&b->c);
	flags = darn_u8(&b->c);
	k->apply = flags & IMAGE_APPLY;
	k->compression = flags & IMAGE_COMPRESSED;
	if (!(flags & IMAGE_HOLE))
		k->hole_len = 0;
	else if (k->compression)
		k->hole_len = darn_le16(&b->c);
	else if (k->image_len <= DARN_PG_PAGE)
		k->hole_len = (uint16_t)(DARN_PG_PAGE - k->image_len);
	if (k->image_len > DARN_PG_PAGE ||
	    k->hole_off + k->hole_len > DARN_PG_PAGE)
		b->bad = true;
	b->claimed += k->image_len;
}

static void block_header(struct body *b, struct darn_pg_record *r)
{
	struct darn_pg_wal_block *k = &r->blocks[r->nblocks];
	uint8_t flags = darn_u8(&b->c);
	uint16_t data = darn_le16(&b->c);

	*k = (struct darn_pg_wal_block){
		.fork = (enum darn_pg_fork)(flags & FORK),
		.will_init = flags & WILL_INIT};
	b->data[r->nblocks] = data;
	b->claimed += data;
	if (flags & HAS_IMAGE)
		image_header(b, k);
	if (!(flags & SAME_REL)) {
		k->spc = darn_le32(&b->c);
		k->db = darn_le32(&b->c);
		k->node = darn_le32(&b->c);
	} else if (r->nblocks > 0) {
		k->spc = k[-1].spc;
		k->db = k[-1].db;
		k->node = k[-1].node;
	} else {
		b->bad = true;
	}
	k->block = darn_le32(&b->c);
	if (k->fork > DARN_PG_INIT || (!!data != !!(flags & HAS_DATA)))
		b->bad = true;
	r->nblocks++;
}

static void headers(struct body *b, struct darn_pg_record *r)
{
	while (!b->bad && !b->c.overrun && behind(b) > b->claimed) {
		uint8_t id = darn_u8(&b->c);

		if (id == ID_SHORT || id == ID_LONG) {
			r->main_len = id == ID_SHORT ? darn_u8(&b->c)
						     : darn_le32(&b->c);
			b->claimed += r->main_len;
			return;
		}
		if (id == ID_ORIGIN)
			(void)darn_le16(&b->c);
		else if (id == ID_TOPLEVEL)
			(void)darn_le32(&b->c);
		else if (r->nblocks < DARN_PG_WAL_BLOCKS &&
			 id < DARN_PG_WAL_BLOCKS)
			block_header(b, r);
		else
			b->bad = true;
	}
}

void darn_pg_wal_decode(struct darn_pg_record *r, const uint8_t *body,
			size_t len)
{
	struct body b = {.left = r->length - DARN_PG_WAL_HEAD};

	darn_cursor_init(&b.c, body, len);
	r->nblocks = 0;
	r->main_data = NULL;
	r->main_len = 0;
	headers(&b, r);
	r->understood = !b.bad && !b.c.overrun && behind(&b) == b.claimed;
	if (!r->understood) {
		r->nblocks = 0;
		r->main_len = 0;
		return;
	}
	if (r->truncated)
		return;
	for (unsigned i = 0; i < r->nblocks; i++) {
		if (r->blocks[i].has_image)
			r->blocks[i].image =
				darn_take(&b.c, r->blocks[i].image_len);
		(void)darn_take(&b.c, b.data[i]);
	}
	r->main_data = r->main_len ? darn_take(&b.c, r->main_len) : NULL;
}
