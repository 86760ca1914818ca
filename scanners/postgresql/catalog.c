/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - the rows of pg_class and pg_database.
 *
 * After a clean stop the pages on disk are the catalogue.  Otherwise a page
 * counts only if the log names it nowhere behind the redo point: then neither
 * recovery nor the copying of a backup can have changed it.
 */
#include "scanners/postgresql/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "scanners/postgresql/page.h"
#include "scanners/postgresql/xact.h"

enum {
	LINE_POINTER = 4,
	LP_NORMAL = 1
};

struct reader {
	const struct darn_pg *pg;
	struct darn_pg_rel rel;
	darn_pg_row_fn fn;
	void *payload;
	enum darn_pg_seen seen;
	struct darn_pg_xact xact;
	uint8_t page[DARN_PG_PAGE];
};

bool darn_pg_relmap_read(struct darn_tree *t, const char *dir,
			 struct darn_pg_relmap *out)
{
	struct darn_error why = DARN_ERROR_INIT;
	char *path = darn_path_join(dir, "pg_filenode.map", &why);
	uint8_t *buf = NULL;
	size_t len = 0;
	bool good;

	good = path &&
	       darn_tree_slurp(t, path, 1 << 16, &buf, &len, &why) == DARN_OK &&
	       darn_pg_relmap_parse(buf, len, out);
	free(buf);
	free(path);
	return good;
}

static enum darn_rc each_row(struct reader *r, struct darn_error *err)
{
	struct darn_pg_head h = darn_pg_head(r->page);

	for (size_t at = DARN_PG_HEAD_LEN; at + LINE_POINTER <= h.lower;
	     at += LINE_POINTER) {
		uint32_t lp = darn_get_le32(r->page + at);
		size_t off = lp & 0x7fff, len = lp >> 17, columns;
		enum darn_rc rc;

		if ((lp >> 15 & 3) != LP_NORMAL || off < h.upper ||
		    off > h.special || len > (size_t)h.special - off)
			continue;
		if (!darn_pg_tuple_current(&r->xact, r->page + off, len,
					   &columns))
			continue;
		rc = r->fn(r->page + off + columns, len - columns, r->payload,
			   err);
		if (rc)
			return rc;
	}
	return DARN_OK;
}

static void worse(struct reader *r, enum darn_pg_seen seen)
{
	r->seen = DARN_MAX(r->seen, seen);
}

/* Does the page on disk hold what the server would see? */
static enum darn_pg_seen trust(const struct reader *r, uint32_t block)
{
	const struct darn_pg *pg = r->pg;
	struct darn_pg_head h = darn_pg_head(r->page);

	if (!darn_pg_clean(&pg->start) &&
	    darn_pg_pending_names(&pg->pending, &r->rel, block))
		return DARN_PG_SEEN_PART;
	if (!darn_pg_head_sane(&h) ||
	    (pg->sums == DARN_PG_SUMS_ON &&
	     darn_pg_page_sum(r->page, block) != h.checksum))
		return DARN_PG_SEEN_DAMAGED;
	return DARN_PG_SEEN_ALL;
}

static enum darn_rc each_page(struct reader *r, struct darn_io *io,
			      struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;

	for (uint32_t i = 0; i < r->pg->segment_blocks; i++) {
		uint32_t block = r->rel.segment * r->pg->segment_blocks + i;
		enum darn_pg_seen seen;
		enum darn_rc rc = DARN_OK;
		size_t got = 0;

		if (darn_io_read(io, r->page, sizeof(r->page),
				 (uint64_t)i * DARN_PG_PAGE, DARN_READ_NORMAL,
				 &got, &why)) {
			worse(r, DARN_PG_SEEN_DAMAGED);
			darn_error_clear(&why);
			continue;
		}
		if (got < sizeof(r->page))
			return DARN_OK;
		seen = trust(r, block);
		if (seen == DARN_PG_SEEN_ALL)
			rc = each_row(r, err);
		else if (!darn_all_zero(r->page, sizeof(r->page)))
			worse(r, seen);
		else /* not used yet, or lost */
			worse(r, DARN_PG_SEEN_PART);
		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc each_segment(struct reader *r, struct darn_tree *t,
				 const char *dir, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = DARN_OK;

	for (; rc == DARN_OK; r->rel.segment++) {
		char *path = darn_asprintf(
			err, r->rel.segment ? "%s/%u.%u" : "%s/%u", dir,
			r->rel.node, r->rel.segment);
		struct darn_io *io;

		if (!path)
			return DARN_ENOMEM;
		rc = darn_tree_open(t, path, &io, &why);
		free(path);
		if (rc)
			break;
		rc = each_page(r, io, err);
		darn_io_close(io);
		if (rc)
			return rc;
	}
	/* A backup may have been taken while the catalogue got a new file. */
	if (r->rel.segment == 0)
		worse(r, darn_pg_clean(&r->pg->start) ? DARN_PG_SEEN_DAMAGED
						      : DARN_PG_SEEN_PART);
	return DARN_OK;
}

/*
 * The file of the catalogue @oid; 0: not known.  Where the map is damaged it
 * is the one that initdb made, if that is still there: a catalogue that was
 * rewritten leaves no file under its first number.
 */
static uint32_t file_of(const struct darn_pg *pg, struct darn_tree *t,
			const char *dir, uint32_t oid, bool *guessed)
{
	struct darn_pg_relmap map;

	*guessed = !darn_pg_relmap_read(t, dir, &map);
	if (!*guessed)
		return darn_pg_relmap_find(&map, oid);
	return darn_pg_clean(&pg->start) ? oid : 0;
}

enum darn_rc darn_pg_catalog_each(const struct darn_pg *pg, struct darn_tree *t,
				  const char *dir, struct darn_pg_rel where,
				  uint32_t oid, darn_pg_row_fn fn,
				  void *payload, enum darn_pg_seen *seen,
				  struct darn_error *err)
{
	struct reader *r;
	uint32_t node;
	bool guessed;
	enum darn_rc rc;

	*seen = pg->control.valid || pg->live ? DARN_PG_SEEN_PART
					      : DARN_PG_SEEN_DAMAGED;
	if (!darn_pg_clean(&pg->start) && !pg->pending.complete)
		return DARN_OK;
	*seen = DARN_PG_SEEN_DAMAGED;
	node = file_of(pg, t, dir, oid, &guessed);
	if (node == 0)
		return DARN_OK;
	r = darn_calloc(1, sizeof(*r), err);
	if (!r)
		return DARN_ENOMEM;
	r->pg = pg;
	r->rel = where;
	r->rel.node = node;
	r->fn = fn;
	r->payload = payload;
	r->xact.pg = pg;
	r->xact.t = t;
	rc = each_segment(r, t, dir, err);
	if (guessed || (r->xact.lost && darn_pg_clean(&pg->start)))
		worse(r, DARN_PG_SEEN_DAMAGED);
	*seen = r->seen;
	free(r);
	return rc;
}
