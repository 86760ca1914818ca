/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pg_wal.c - hostile bytes as a segment of the log and its neighbours.
 *
 *	0 u8 flags; 1 u8 how much of the rest is the segment itself, in 1/256;
 *	2 u16 the checkpoint, in units of 8 from the segment's start;
 *	4 the segment, then what its neighbours hold
 *
 * With the flags below, headers and checksums are put right first: no fuzzer
 * guesses a CRC, and what lies behind one is to be reached.
 */
#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/hash/hash.h"
#include "scanners/postgresql/cluster.h"
#include "tests/fuzz/memory_tree.h"

enum {
	CONTROL = 1 << 0,   /* there is a valid control file */
	SHUT_DOWN = 1 << 1, /* of a clean stop */
	HEADERS = 1 << 2,   /* put the page headers right */
	SUMS = 1 << 3,	    /* put records right, as far as they frame */
	BEFORE = 1 << 4,    /* the neighbour is the segment before */
	AFTER = 1 << 5,	    /* and the one after */
	PIECES = 1 << 6,    /* odd chunks, with an unreadable one */
	FULL_SIZE = 1 << 7, /* the segment is filled up with zeroes */
	SEG = 1 << 20,
	PAGE = DARN_PG_PAGE,
	START = 9 * SEG,
};

#define NAME(n) "pg_wal/00000001000000000000000" #n

static uint8_t *before, *here, *after; /* SEG bytes each */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fix_headers(uint8_t *p, size_t len, uint64_t lsn)
{
	for (; len >= 40; p += PAGE, lsn += PAGE) {
		uint16_t info = (uint16_t)(darn_get_le16(p + 2) & 9);

		darn_put_le16(p, 0xD110);
		darn_put_le16(p + 2, (uint16_t)(info | (lsn % SEG ? 0 : 2)));
		darn_put_le32(p + 4, 1);
		darn_put_le64(p + 8, lsn);
		darn_put_le32(p + 16, info & 1 ? darn_get_le16(p + 16) : 0);
		darn_put_le32(p + 20, 0);
		if (lsn % SEG == 0) {
			darn_put_le64(p + 24, 77);
			darn_put_le32(p + 32, SEG);
			darn_put_le32(p + 36, PAGE);
		}
		if (len <= PAGE)
			return;
		len -= PAGE;
	}
}

static void fix_page(uint8_t *p, size_t len, uint64_t lsn, uint64_t *prev)
{
	size_t pos = (lsn % SEG ? 24 : 40) + (size_t)darn_get_le16(p + 16);

	for (pos = (pos + 7) & ~(size_t)7; pos < len && len - pos >= 24;) {
		uint8_t *rec = p + pos;
		uint32_t n = darn_get_le32(rec);

		if (n < 24 || n > len - pos)
			return;
		darn_put_le64(rec + 8, *prev);
		darn_put_le32(
			rec + 20,
			darn_crc32c(darn_crc32c(0, rec + 24, n - 24), rec, 20));
		*prev = lsn + pos;
		pos = (pos + n + 7) & ~(size_t)7;
	}
}

static void fix(uint8_t *p, size_t len, uint64_t lsn, unsigned flags)
{
	uint64_t prev = lsn - 64;

	if (flags & HEADERS)
		fix_headers(p, len, lsn);
	for (size_t off = 0; flags & SUMS && len - off >= 40; off += PAGE) {
		fix_page(p + off, DARN_MIN(len - off, (size_t)PAGE), lsn + off,
			 &prev);
		if (len - off <= PAGE)
			return;
	}
}

static void feed(const struct darn_format *f, void *stream, const uint8_t *p,
		 size_t len, unsigned flags, struct darn_sink *sink)
{
	size_t step = flags & PIECES ? 5120 : 1 << 20;
	struct darn_error err = DARN_ERROR_INIT;

	for (size_t off = 0; off < len; off += step) {
		struct darn_chunk c = {
			.buf = flags & PIECES && off == step ? NULL : p + off,
			.off = off,
			.len = DARN_MIN(step, len - off),
			.file_size = len};

		if (f->feed(stream, &c, sink, &err))
			abort();
	}
}

static void check(const struct darn_pg *pg, struct darn_tree *t,
		  const uint8_t *p, size_t len, unsigned flags,
		  struct darn_sink *sink)
{
	const struct darn_format *f = &darn_pg_format_wal;
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_file file = {.path = NAME(9),
				 .tree = t,
				 .st = {.type = DARN_FT_FILE, .size = len}};
	void *ctx, *stream;

	(void)f->probe(p, len, len);
	if (darn_io_open_memory(p, len, file.path, &file.io, &err) ||
	    f->open(&file, flags & CONTROL ? pg : NULL, sink, &ctx, &err) ||
	    f->begin(ctx, &stream, &err))
		abort();
	feed(f, stream, p, len, flags, sink);
	if (f->end(stream, sink, &err) || darn_sink_status(sink, &err) ||
	    darn_sink_verified_len(sink) > len)
		abort();
	f->close(ctx);
	darn_io_close(file.io);
}

static void join(const struct darn_pg *pg, struct darn_tree *t,
		 struct darn_sink *sink)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_pg_wal_join *j;
	struct darn_notes *notes;
	struct darn_note note;

	if (darn_pg_wal_join_create(&pg->control, false, &j, &err) ||
	    darn_sink_notes(sink, NAME(9), &notes, &err))
		abort();
	while (darn_notes_next(notes, &note, &err) == DARN_OK)
		if (darn_pg_wal_join_note(j, &note, &err))
			abort();
	darn_notes_destroy(notes);
	if (darn_pg_wal_join_end(j, t, sink, &err))
		abort();
}

static enum darn_rc on_record(const struct darn_pg_record *r, void *payload,
			      struct darn_error *err)
{
	uint8_t *sum = payload;

	(void)err;
	for (unsigned i = 0; i < r->nblocks; i++)
		for (size_t k = 0;
		     r->blocks[i].image && k < r->blocks[i].image_len; k++)
			*sum ^= r->blocks[i].image[k];
	for (size_t k = 0; r->main_data && k < r->main_len; k++)
		*sum ^= r->main_data[k];
	return DARN_OK;
}

static void ask(const struct darn_pg *pg, struct darn_tree *t)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_pg_mention m[2] = {{.spc = 1, .node = 2}, {.spc = 1663}};
	struct darn_pg_log log;
	uint64_t lsn;
	uint8_t sum = 0;
	char why[160];
	bool yes;

	if (darn_pg_log_find(t, &pg->control, &log, &err) ||
	    darn_pg_log_last_is(t, &pg->control, &yes, why, sizeof(why),
				&err) ||
	    darn_pg_wal_oldest(t, 1, 0, &lsn, &err) ||
	    darn_pg_wal_mentions(t, &pg->control, m, 2, &err) ||
	    darn_pg_wal_walk(t, 1, pg->control.checkpoint_lsn, SEG, on_record,
			     &sum, &err) ||
	    darn_pg_wal_walk(t, 1, START, 0, on_record, &sum, &err))
		abort();
}

static struct darn_pg cluster(unsigned flags, uint64_t checkpoint)
{
	struct darn_pg pg = {.checked = true};

	if (!(flags & CONTROL))
		return pg;
	pg.control.valid = true;
	pg.control.state =
		flags & SHUT_DOWN ? DARN_PG_SHUTDOWNED : DARN_PG_IN_PRODUCTION;
	pg.control.sysid = 77;
	pg.control.tli = 1;
	pg.control.redo_lsn = checkpoint;
	pg.control.checkpoint_lsn = checkpoint;
	pg.control.wal_segment_size = SEG;
	pg.control.raw_len = DARN_PG_CONTROL_LEN;
	return pg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_file files[3];
	struct memory_tree m = {
		.tree = {.ops = &memory_tree_ops, .name = "memory"},
		.files = files};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sink *sink;
	struct darn_pg pg;
	size_t own, rest;
	unsigned flags;
	uint8_t *p;

	if (size < 4 || size > SEG / 2)
		return 0;
	if (!before) {
		before = calloc(1, SEG);
		here = calloc(1, SEG);
		after = calloc(1, SEG);
	}
	sink = darn_sink_create(&err);
	if (!before || !here || !after || !sink)
		abort();
	flags = data[0];
	pg = cluster(flags, START + 8 * (uint64_t)darn_get_le16(data + 2));
	own = (size - 4) * (data[1] + 1u) / 256;
	rest = size - 4 - own;
	/* of exactly its size, unless the segment is to be a full one */
	p = flags & FULL_SIZE ? here : malloc(own ? own : 1);
	if (!p)
		abort();
	memcpy(p, data + 4, own);
	fix(p, own, START, flags);
	memcpy(after, data + 4 + own, rest);
	fix(after, rest, START + SEG, flags);
	if (rest) {
		size_t at = (SEG - rest) / PAGE * PAGE;
		size_t n = DARN_MIN(rest, SEG - at);

		memcpy(before + at, data + 4 + own, n);
		fix(before + at, n, START - SEG + at, flags);
	}
	if (flags & BEFORE)
		files[m.n++] = (struct memory_file){NAME(8), before, SEG};
	files[m.n++] =
		(struct memory_file){NAME(9), p, flags & FULL_SIZE ? SEG : own};
	if (flags & AFTER)
		files[m.n++] = (struct memory_file){NAME(A), after, SEG};
	check(&pg, &m.tree, p, flags & FULL_SIZE ? SEG : own, flags, sink);
	join(&pg, &m.tree, sink);
	ask(&pg, &m.tree);
	darn_sink_destroy(sink);
	if (p != here)
		free(p);
	memset(here, 0, own);
	memset(after, 0, rest);
	memset(before + (SEG - rest) / PAGE * PAGE, 0,
	       SEG - (SEG - rest) / PAGE * PAGE);
	return 0;
}
