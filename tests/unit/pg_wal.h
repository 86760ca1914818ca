/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_wal.h - a write-ahead log of PostgreSQL 15 made by hand, in a directory
 * of its own, and the check of its segments, for the tests of the log.
 */
#ifndef DARN_TESTS_UNIT_PG_WAL_H
#define DARN_TESTS_UNIT_PG_WAL_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "scanners/postgresql/cluster.h"

enum {
	SEG = 1 << 20, /* the smallest segment size */
	PAGE = DARN_PG_PAGE,
	SYSID = 0x1234567,
	MAX_SEGMENTS = 24,
};

/* A log from LSN @start on, in memory; zero where nothing was written. */
struct wal {
	uint8_t *buf;
	size_t size;
	uint64_t start, lsn, prev;
	uint32_t tli;
};

static char wal_dir[64];
static struct darn_tree *wal_tree;

static inline struct wal wal_new(unsigned segments)
{
	struct wal w = {.size = (size_t)segments * SEG,
			.start = (uint64_t)8 * SEG,
			.tli = 1};

	ck_assert_uint_le(segments, MAX_SEGMENTS);
	w.buf = calloc(1, w.size);
	ck_assert_ptr_nonnull(w.buf);
	w.lsn = w.start;
	return w;
}

static inline uint8_t *wal_at(struct wal *w, uint64_t lsn)
{
	return w->buf + (lsn - w->start);
}

static inline void wal_page_header(struct wal *w, uint32_t flags, uint32_t rem)
{
	uint8_t *p = wal_at(w, w->lsn);
	bool first = w->lsn % SEG == 0;

	darn_put_le16(p, 0xD110);
	darn_put_le16(p + 2,
		      (uint16_t)(flags | (rem ? 1 : 0) | (first ? 2 : 0)));
	darn_put_le32(p + 4, w->tli);
	darn_put_le64(p + 8, w->lsn);
	darn_put_le32(p + 16, rem);
	if (first) {
		darn_put_le64(p + 24, SYSID);
		darn_put_le32(p + 32, SEG);
		darn_put_le32(p + 36, PAGE);
	}
	w->lsn += first ? 40 : 24;
}

/* Writes @len bytes of a record, with the page headers between them. */
static inline void wal_bytes(struct wal *w, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t n = PAGE - (size_t)(w->lsn % PAGE);

		if (n == PAGE) {
			wal_page_header(w, 0, (uint32_t)len);
			continue;
		}
		n = n < len ? n : len;
		memcpy(wal_at(w, w->lsn), p, n);
		w->lsn += n;
		p += n;
		len -= n;
	}
}

/* A record; returns its LSN. */
static inline uint64_t wal_record(struct wal *w, uint8_t rmid, uint8_t info,
				  const void *body, size_t len)
{
	uint8_t *rec = calloc(1, 24 + len);
	uint64_t lsn;

	ck_assert_ptr_nonnull(rec);
	if (w->lsn % PAGE == 0)
		wal_page_header(w, 0, 0);
	lsn = w->lsn;
	darn_put_le32(rec, (uint32_t)(24 + len));
	darn_put_le32(rec + 4, 700);
	darn_put_le64(rec + 8, w->prev);
	rec[16] = info;
	rec[17] = rmid;
	memcpy(rec + 24, body, len);
	darn_put_le32(rec + 20,
		      darn_crc32c(darn_crc32c(0, rec + 24, len), rec, 20));
	wal_bytes(w, rec, 24 + len);
	w->lsn = (w->lsn + 7) & ~UINT64_C(7);
	w->prev = lsn;
	free(rec);
	return lsn;
}

/* A record of @len bytes in all whose body is main data of no meaning. */
static inline uint64_t wal_filler(struct wal *w, size_t len)
{
	uint8_t *body = malloc(len);
	uint64_t lsn;

	ck_assert_uint_ge(len, 24 + 5);
	ck_assert_ptr_nonnull(body);
	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t)(i * 7 + 1);
	body[0] = 254;
	darn_put_le32(body + 1, (uint32_t)(len - 24 - 5));
	lsn = wal_record(w, 21, 0, body, len - 24);
	free(body);
	return lsn;
}

/* Records of many lengths up to @end. */
static inline void wal_fill(struct wal *w, uint64_t end)
{
	for (unsigned i = 0; w->lsn < end; i++)
		wal_filler(w, 29 + (i * 37) % 700);
}

/* A checkpoint whose main data is @c as far as it is known. */
static inline uint64_t wal_checkpoint(struct wal *w, uint8_t info)
{
	uint8_t body[2 + 88] = {255, 88};

	darn_put_le64(body + 2, w->lsn);
	darn_put_le32(body + 10, w->tli);
	return wal_record(w, 0, info, body, sizeof(body));
}

/* ---- files ---- */

static inline void wal_setup(void)
{
	char path[96];
	struct darn_error err = DARN_ERROR_INIT;

	(void)snprintf(wal_dir, sizeof(wal_dir), "/tmp/darn-wal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(wal_dir));
	(void)snprintf(path, sizeof(path), "%s/pg_wal", wal_dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(darn_tree_open_posix(wal_dir, false, &wal_tree, &err),
			 DARN_OK);
}

static inline const char *wal_name(uint64_t lsn, uint32_t tli)
{
	static char name[2][64];
	static unsigned turn;
	char *s = name[turn++ % 2];

	(void)snprintf(s, sizeof(name[0]), "pg_wal/%08X%08X%08X", tli,
		       (unsigned)(lsn >> 32),
		       (unsigned)((lsn & UINT32_MAX) / SEG));
	return s;
}

static inline void wal_file_path(char path[128], const char *name)
{
	(void)snprintf(path, 128, "%s/%s", wal_dir, name);
}

static inline void wal_put_file(const char *name, const void *p, size_t len)
{
	char path[128];
	FILE *f;

	wal_file_path(path, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void wal_remove(const char *name)
{
	char path[128];

	wal_file_path(path, name);
	ck_assert_int_eq(unlink(path), 0);
}

/* Writes all segments. */
static inline void wal_save(const struct wal *w)
{
	for (size_t off = 0; off < w->size; off += SEG)
		wal_put_file(wal_name(w->start + off, w->tli), w->buf + off,
			     SEG);
}

static inline enum darn_rc wal_unlink(const struct darn_entry *e, void *payload,
				      struct darn_error *err)
{
	(void)payload;
	(void)err;
	wal_remove(e->path);
	return DARN_OK;
}

static inline void wal_teardown(void)
{
	struct darn_error err = DARN_ERROR_INIT;
	char path[96];

	ck_assert_int_eq(
		darn_tree_list(wal_tree, "pg_wal", wal_unlink, NULL, &err),
		DARN_OK);
	darn_tree_close(wal_tree);
	(void)snprintf(path, sizeof(path), "%s/pg_wal", wal_dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(wal_dir), 0);
}

/* ---- the check ---- */

/* A cluster that crashed, with its redo point at @redo. */
static inline struct darn_pg wal_cluster(uint64_t redo, uint64_t checkpoint)
{
	struct darn_pg pg = {.checked = true};

	pg.control.valid = true;
	pg.control.state = DARN_PG_IN_PRODUCTION;
	pg.control.sysid = SYSID;
	pg.control.tli = 1;
	pg.control.redo_lsn = redo;
	pg.control.checkpoint_lsn = checkpoint;
	pg.control.wal_segment_size = SEG;
	return pg;
}

/* Checks @size bytes as the file @name, in chunks of @step bytes. */
static inline void wal_check_as(const struct darn_pg *pg, const char *name,
				const uint8_t *buf, size_t size, size_t step,
				struct darn_sink *sink)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_file f = {.path = name,
			      .tree = wal_tree,
			      .st = {.type = DARN_FT_FILE, .size = size}};
	void *ctx, *stream;

	ck_assert_int_eq(darn_io_open_memory(buf, size, name, &f.io, &err),
			 DARN_OK);
	ck_assert_int_eq(darn_pg_format_wal.open(&f, pg, sink, &ctx, &err),
			 DARN_OK);
	ck_assert_int_eq(darn_pg_format_wal.begin(ctx, &stream, &err), DARN_OK);
	for (size_t off = 0; off < size; off += step) {
		struct darn_chunk c = {.buf = buf + off,
				       .off = off,
				       .len = DARN_MIN(step, size - off),
				       .file_size = size};

		ck_assert_int_eq(
			darn_pg_format_wal.feed(stream, &c, sink, &err),
			DARN_OK);
	}
	ck_assert_int_eq(darn_pg_format_wal.end(stream, sink, &err), DARN_OK);
	darn_pg_format_wal.close(ctx);
	darn_io_close(f.io);
	ck_assert_int_eq(darn_sink_status(sink, &err), DARN_OK);
}

/* Hands the notes in @sink about @name to @join. */
static inline void wal_join_notes(struct darn_pg_wal_join *join,
				  struct darn_sink *sink, const char *name)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_notes *notes;
	struct darn_note note;

	ck_assert_int_eq(darn_sink_notes(sink, name, &notes, &err), DARN_OK);
	while (darn_notes_next(notes, &note, &err) == DARN_OK)
		ck_assert_int_eq(darn_pg_wal_join_note(join, &note, &err),
				 DARN_OK);
	darn_notes_destroy(notes);
}

/*
 * Saves @w, checks every segment that is there after @spoil(), joins; all
 * findings end in @sink, those of a segment with its index * SEG added to no
 * offset: ask by id.
 */
static inline void wal_check_all(struct wal *w, const struct darn_pg *pg,
				 struct darn_sink **per_segment,
				 struct darn_sink *joined)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_pg_wal_join *join;

	ck_assert_int_eq(
		darn_pg_wal_join_create(&pg->control, false, &join, &err),
		DARN_OK);
	for (size_t i = 0; i < w->size / SEG; i++) {
		const char *name = wal_name(w->start + i * SEG, w->tli);
		struct darn_stat st;

		per_segment[i] = darn_sink_create(&err);
		ck_assert_ptr_nonnull(per_segment[i]);
		if (darn_tree_stat(wal_tree, name, &st, &err)) {
			darn_error_clear(&err);
			continue;
		}
		wal_check_as(pg, name, w->buf + i * SEG, SEG, SEG,
			     per_segment[i]);
		wal_join_notes(join, per_segment[i], name);
	}
	ck_assert_int_eq(darn_pg_wal_join_end(join, wal_tree, joined, &err),
			 DARN_OK);
}

/* How many findings have the id "postgresql/@id". */
static inline unsigned wal_count(const struct darn_sink *s, const char *id)
{
	unsigned n = 0;

	for (size_t i = 0; i < darn_sink_nfound(s); i++)
		if (strcmp(darn_sink_found(s, i).code->id +
				   strlen("postgresql/"),
			   id) == 0)
			n++;
	return n;
}

/* Is the byte at @off in a finding that means damage? */
static inline bool wal_damaged(const struct darn_sink *s, uint64_t off)
{
	for (size_t i = 0; i < darn_sink_nfound(s); i++) {
		struct darn_found f = darn_sink_found(s, i);

		if (f.code->severity >= DARN_DAMAGED && off >= f.off &&
		    off - f.off < f.len)
			return true;
	}
	return false;
}

#endif
