/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_format.c - the format "wal": a segment of the log of PostgreSQL 15.
 *
 * The layout is told in wal.h.  What a segment must be is taken from the
 * control file and its own name; of a stray file, from its first page.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/cluster.h"
#include "scanners/postgresql/wal_stream.h"

enum {
	DEFAULT_SEGMENT = 16 << 20,
};

static unsigned probe(const uint8_t *head, size_t len, uint64_t size)
{
	uint32_t segsize;

	(void)size;
	return darn_pg_wal_probe(head, len, &segsize) ? 90 : 0;
}

/* What the first page says, where it is one. */
struct head {
	bool ok;
	uint32_t segsize, tli;
	uint64_t addr, sysid;
};

static enum darn_rc read_head(const struct darn_file *f, struct head *h,
			      struct darn_error *err)
{
	struct darn_error local = DARN_ERROR_INIT;
	uint8_t buf[DARN_PG_WAL_LONG];
	size_t got = 0;
	enum darn_rc rc = darn_io_read(f->io, buf, sizeof(buf), 0,
				       DARN_READ_NORMAL, &got, &local);

	*h = (struct head){.ok = false};
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", local.msg);
	if (!darn_pg_wal_probe(buf, got, &h->segsize))
		return DARN_OK;
	h->ok = true;
	h->tli = darn_get_le32(buf + 4);
	h->addr = darn_get_le64(buf + 8);
	h->sysid = darn_get_le64(buf + 24);
	return DARN_OK;
}

static uint32_t choose_segsize(const struct darn_pg_control *c,
			       const struct head *h, uint64_t size)
{
	if (c && darn_pg_wal_segsize_ok(c->wal_segment_size))
		return c->wal_segment_size;
	if (h->ok)
		return h->segsize;
	if (darn_pg_wal_segsize_ok(size))
		return (uint32_t)size;
	return DEFAULT_SEGMENT;
}

/* The timeline and first LSN that the name tells; else the first page. */
static void choose_place(const char *path, uint32_t segsize,
			 const struct head *h, uint32_t *tli, uint64_t *start)
{
	uint32_t high, low;

	if (darn_pg_wal_name_parse(path, tli, &high, &low) && *tli > 0 &&
	    low < (UINT64_C(1) << 32) / segsize && high < UINT32_MAX) {
		*start = (uint64_t)high << 32 | (uint64_t)low * segsize;
		return;
	}
	*tli = h->ok && h->tli ? h->tli : 1;
	*start = h->ok && h->addr < UINT64_MAX / 2 ? h->addr - h->addr % segsize
						   : segsize;
}

/*
 * How far the log went, for all that the control file knows.  A record begins
 * at the checkpoint; minRecoveryPoint is where one ends.
 */
static void set_limits(struct darn_pg_wal_segment *seg,
		       const struct darn_pg_control *c)
{
	seg->reached = DARN_MAX(c->checkpoint_lsn, c->redo_lsn);
	if (c->min_recovery_lsn > seg->reached &&
	    darn_pg_wal_recovery_tli(c) == c->tli)
		seg->reached = c->min_recovery_lsn - 1;
	if (c->state == DARN_PG_SHUTDOWNED)
		seg->shutdown = c->checkpoint_lsn;
}

/* The record that runs into the segment, where its start is to be had. */
static enum darn_rc look_back(struct darn_pg_wal_segment *seg,
			      struct darn_error *err)
{
	struct darn_pg_wal_files *f = &seg->files;
	struct darn_pg_wal_page h = {.rem = 0};
	uint8_t head[DARN_PG_WAL_LONG];
	enum darn_pg_wal_rest rest;
	size_t got;
	enum darn_rc rc = darn_pg_wal_files_read(f, seg->start, head,
						 sizeof(head), &got, err);

	if (rc == DARN_OK)
		rc = darn_pg_wal_cross_begin(f, seg->start, &seg->carry,
					     &seg->carried, err);
	if (rc)
		return rc;
	(void)darn_pg_wal_page_check(&f->rules, head, got, seg->start, &h);
	seg->no_start = h.here && h.rem && !seg->carried;
	if (!seg->carried || !h.here || h.info & DARN_PG_WAL_OVERWRITE ||
	    h.rem == seg->carry.length - seg->carry.have)
		return DARN_OK;
	/* Which of the two is wrong?  The CRC knows. */
	rc = darn_pg_wal_cross_rest(f, &seg->carry, seg->start, &rest, err);
	seg->carried = rc == DARN_OK && rest == DARN_PG_REST_GOOD;
	return rc;
}

static enum darn_rc look_around(const struct darn_file *f,
				struct darn_pg_wal_segment *seg,
				const struct darn_pg_control *c,
				struct darn_error *err)
{
	const char *slash = strrchr(f->path, '/');
	char dir[DARN_PG_WAL_DIR_MAX] = "";
	struct head h;
	uint32_t tli, segsize;
	enum darn_rc rc = read_head(f, &h, err);

	if (rc)
		return rc;
	if (slash && (size_t)(slash - f->path) < sizeof(dir))
		memcpy(dir, f->path, (size_t)(slash - f->path));
	segsize = choose_segsize(c, &h, f->st.size);
	choose_place(f->path, segsize, &h, &tli, &seg->start);
	rc = darn_pg_wal_files_init(&seg->files, f->tree, dir, tli, segsize,
				    err);
	if (rc)
		return rc;
	seg->files.rules.sysid = c ? c->sysid : h.sysid;
	seg->size = f->st.size;
	rc = darn_pg_wal_files_here(&seg->files, seg->start + segsize,
				    &seg->next_here, err);
	if (rc == DARN_OK)
		rc = look_back(seg, err);
	return rc;
}

static void close_segment(void *file_ctx)
{
	struct darn_pg_wal_segment *seg = file_ctx;

	if (!seg)
		return;
	darn_pg_wal_files_release(&seg->files);
	free(seg);
}

static enum darn_rc open_segment(const struct darn_file *f,
				 const void *store_ctx, struct darn_sink *sink,
				 void **file_ctx, struct darn_error *err)
{
	const struct darn_pg *pg = store_ctx;
	const struct darn_pg_control *c =
		pg && pg->control.valid ? &pg->control : NULL;
	struct darn_pg_wal_segment *seg = darn_calloc(1, sizeof(*seg), err);
	enum darn_rc rc;

	(void)sink;
	if (!seg)
		return DARN_ENOMEM;
	seg->in_store = pg;
	rc = look_around(f, seg, c, err);
	if (rc == DARN_OK && c && c->tli == seg->files.rules.tli)
		set_limits(seg, c);
	if (rc) {
		close_segment(seg);
		return rc;
	}
	*file_ctx = seg;
	return DARN_OK;
}

const struct darn_format darn_pg_format_wal = {
	.name = "wal",
	.title = "PostgreSQL write-ahead log",
	.covers = "the CRC-32C of every record, the links between records, "
		  "every field of every page header, and that padding is zero",
	.blind = "the flag that marks a page as removable; the system id of a "
		 "stray file; what lies beyond the end of the log; the start "
		 "of a record whose first segment is not here; records across "
		 "more than 16 segments; a last record that was cut off where "
		 "the log of a crashed server ends",
	.unit = 0,
	.codes = darn_pg_wal_codes,
	.ncodes = DARN_PG_WAL_NCODES,
	.probe = probe,
	.open = open_segment,
	.close = close_segment,
	.begin = darn_pg_wal_stream_begin,
	.feed = darn_pg_wal_stream_feed,
	.end = darn_pg_wal_stream_end,
};
