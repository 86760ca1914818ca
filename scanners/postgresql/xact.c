/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xact.c - tuple headers and the commit log.
 *
 *	tuple	0 u32 inserting transaction, 4 u32 removing transaction,
 *		12 position of the next version, 20 u16 flags,
 *		22 u8 offset of the columns
 *	pg_xact	two bits for each transaction, 32768 of them to a page, 32
 *		pages to a file named by four hexadecimal digits:
 *		0 running or died, 1 committed, 2 aborted, 3 see its parent
 *
 * (src/include/access/htup_details.h, src/backend/access/transam/clog.c.)
 */
#include "scanners/postgresql/xact.h"

#include <string.h>

#include "lib/base/bytes.h"

enum {
	TUPLE_HEAD = 23,
	XMAX_KEYSHR = 0x0010,
	XMAX_EXCL = 0x0040,
	XMAX_LOCK_ONLY = 0x0080,
	XMIN_COMMITTED = 0x0100,
	XMIN_INVALID = 0x0200,
	XMIN_FROZEN = XMIN_COMMITTED | XMIN_INVALID,
	XMAX_COMMITTED = 0x0400,
	XMAX_INVALID = 0x0800,
	XMAX_MULTI = 0x1000,
	FIRST_NORMAL_XID = 3,
	XIDS_PER_PAGE = 4 * DARN_PG_PAGE,
	PAGES_PER_FILE = 32,
};

enum status {
	RUNNING,
	COMMITTED,
	ABORTED,
	SUBCOMMITTED,
	NOT_KNOWN
};

static bool load(struct darn_pg_xact *x, uint32_t page)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_io *io;
	char path[32];
	enum darn_rc rc;

	if (x->loaded && x->page == page)
		return true;
	x->loaded = false;
	(void)snprintf(path, sizeof(path), "pg_xact/%04X",
		       page / PAGES_PER_FILE);
	if (darn_tree_open(x->t, path, &io, &why))
		return false;
	rc = darn_io_read_full(io, x->buf, sizeof(x->buf),
			       (uint64_t)(page % PAGES_PER_FILE) * DARN_PG_PAGE,
			       &why);
	darn_io_close(io);
	x->loaded = rc == DARN_OK;
	x->page = page;
	return x->loaded;
}

static enum status status_of(struct darn_pg_xact *x, uint32_t xid)
{
	uint32_t next = (uint32_t)x->pg->control.next_xid;
	unsigned shift = xid % 4 * 2;

	if (xid < FIRST_NORMAL_XID)
		return xid == 0 ? NOT_KNOWN : COMMITTED;
	/* Numbers wrap around; those from the next one on are not used yet. */
	if (!x->pg->control.valid || next - xid - 1 > INT32_MAX)
		return NOT_KNOWN;
	if (!load(x, xid / XIDS_PER_PAGE)) {
		x->lost = true;
		return NOT_KNOWN;
	}
	return (enum status)(x->buf[xid % XIDS_PER_PAGE / 4] >> shift & 3);
}

static bool inserted(struct darn_pg_xact *x, uint16_t flags, uint32_t xmin)
{
	if ((flags & XMIN_FROZEN) == XMIN_FROZEN || (flags & XMIN_COMMITTED))
		return true;
	if (flags & XMIN_INVALID)
		return false;
	return status_of(x, xmin) == COMMITTED;
}

static bool certainly_kept(struct darn_pg_xact *x, uint16_t flags,
			   uint32_t xmax)
{
	enum status s;

	if ((flags & XMAX_INVALID) || (flags & XMAX_LOCK_ONLY) ||
	    (flags & (XMAX_MULTI | XMAX_EXCL | XMAX_KEYSHR)) == XMAX_EXCL)
		return true;
	if (flags & (XMAX_COMMITTED | XMAX_MULTI))
		return false;
	s = status_of(x, xmax);
	/* Nothing runs in a stopped server; what did not commit has died. */
	return s == ABORTED || (s == RUNNING && darn_pg_clean(&x->pg->start));
}

bool darn_pg_tuple_current(struct darn_pg_xact *x, const uint8_t *tuple,
			   size_t len, size_t *columns)
{
	uint16_t flags;

	if (len < TUPLE_HEAD || tuple[22] < TUPLE_HEAD || tuple[22] > len)
		return false;
	flags = darn_get_le16(tuple + 20);
	*columns = tuple[22];
	return inserted(x, flags, darn_get_le32(tuple)) &&
	       certainly_kept(x, flags, darn_get_le32(tuple + 4));
}
