/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal.h - the write-ahead log of PostgreSQL 15.
 *
 * The log is an endless stream of bytes, addressed by LSN, cut into segment
 * files "pg_wal/TTTTTTTTHHHHHHHHLLLLLLLL" (timeline, LSN / segment size) of
 * pages of 8 KiB.  Each page has a header; what is left of the pages, joined,
 * is the sequence of records, each at a multiple of 8:
 *
 *	page	0 u16 magic, 2 u16 flags, 4 u32 timeline, 8 u64 LSN of the page,
 *		16 u32 bytes of a record begun earlier, 20 padding; only on the
 *		first page of a segment: 24 u64 system id, 32 u32 segment size,
 *		36 u32 page size
 *	record	0 u32 length, 4 u32 transaction, 8 u64 LSN of the record before,
 *		16 u8 info, 17 u8 resource manager, 18 padding, 20 u32 CRC-32C
 *		of bytes [24, length) and then [0, 20)
 *
 * wal_page.c and wal_parse.c take pages apart, wal_format.c and wal_stream.c
 * check a segment, wal_finding.c says what is wrong with it, wal_cross.c
 * looks at the records that lie in two, wal_walk.c reads the log in order,
 * wal_block.c takes a record's body apart, wal_log.c finds the end of the
 * log, wal_mention.c asks it about blocks and wal_join.c judges what only
 * the set of all segments can tell.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_WAL_H
#define DARN_SCANNERS_POSTGRESQL_WAL_H

#include "scanners/postgresql/pg.h"

extern const struct darn_format darn_pg_format_wal;

enum {
	DARN_PG_WAL_BLOCKS = 33, /* XLR_MAX_BLOCK_ID + 1 */
	/*
	 * Records up to this length are handed over whole.  Of longer ones
	 * (large logical messages) only the first DARN_PG_WAL_BODY bytes are
	 * kept, which hold the headers of all blocks: they have no images and
	 * no main data, and @truncated is set.  Their CRC is checked all the
	 * same.
	 */
	DARN_PG_WAL_BODY = 1 << 20,
};

/* A block that a record changes. */
struct darn_pg_wal_block {
	uint32_t spc, db, node, block;
	enum darn_pg_fork fork;
	bool has_image;		     /* the record holds the whole page */
	bool apply;		     /* which replay puts in place */
	bool will_init;		     /* replay makes the page anew */
	uint16_t hole_off, hole_len; /* left out of the image; zero bytes */
	uint8_t compression;  /* 0: none; else bits 4 pglz, 8 lz4, 16 zstd */
	const uint8_t *image; /* NULL where @truncated */
	uint16_t image_len;
};

/* A valid record.  Its pointers live until the callback returns. */
struct darn_pg_record {
	uint64_t lsn, end_lsn; /* @end_lsn: rounded up to 8, as in page LSNs */
	uint64_t prev;
	uint32_t length, xid, crc;
	uint8_t rmid, info;
	bool truncated;	 /* longer than DARN_PG_WAL_BODY */
	bool understood; /* the body's headers make sense */
	unsigned nblocks;
	struct darn_pg_wal_block blocks[DARN_PG_WAL_BLOCKS];
	const uint8_t *main_data; /* NULL where there is none or @truncated */
	uint32_t main_len;
};

/* Return anything but DARN_OK to stop; that code is passed on. */
typedef enum darn_rc (*darn_pg_record_fn)(const struct darn_pg_record *r,
					  void *payload,
					  struct darn_error *err);

/*
 * Calls @fn for each valid record of timeline @tli from the first one at or
 * after @from_lsn up to the first place where there is none.  That place is
 * the end of the log or damage: darn_pg_log_find() tells which.  An unreadable
 * page is such a place too.  @segsize: of the control file, 0 = ask the files.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_walk(struct darn_tree *t, uint32_t tli,
			      uint64_t from_lsn, uint32_t segsize,
			      darn_pg_record_fn fn, void *payload,
			      struct darn_error *err);

/*
 * The start of the unbroken run of segments of @tli that ends with the newest
 * one by name; 0 where there is none.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_oldest(struct darn_tree *t, uint32_t tli,
				uint32_t segsize, uint64_t *lsn,
				struct darn_error *err);

/* ---- the end of the log ---- */

struct darn_pg_log {
	bool known;  /* @end_lsn is the end of the log */
	bool intact; /* unbroken from the redo point to there */
	uint64_t end_lsn;
	uint64_t last_record_lsn;
	uint32_t tli;
	char why[160]; /* one fact: why (not) known, why (not) intact */
};

/*
 * Finds the end of the log.  After a clean stop the shutdown checkpoint that
 * the control file names is the last record; otherwise the log is walked from
 * the redo point.  With an invalid control file: from the newest segment of
 * the newest timeline, and @intact stays false because the redo point is not
 * known.  Missing and damaged WAL is no error.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_log_find(struct darn_tree *t,
			      const struct darn_pg_control *c,
			      struct darn_pg_log *out, struct darn_error *err);

/*
 * Is the last record of the log in @t the shutdown checkpoint that the control
 * file @source of another copy names?  Same system id, timeline and position.
 * @why (of @why_size bytes) gets the reason either way.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_log_last_is(struct darn_tree *t,
				 const struct darn_pg_control *source,
				 bool *yes, char *why, size_t why_size,
				 struct darn_error *err);

/* ---- questions about blocks ---- */

struct darn_pg_mention {
	uint32_t spc, db, node, block;
	enum darn_pg_fork fork;
	/*
	 * Answer: the LSN behind the last record that gave the block content,
	 * and that no truncation or removal of the relation followed; else 0.
	 */
	uint64_t lsn;
};

enum {
	DARN_PG_MENTIONS_MAX = 65536
};

/*
 * One walk over all the log that is still here.  Sorts @set by (spc, db, node,
 * fork, block) and fills in the answers.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_mentions(struct darn_tree *t,
				  const struct darn_pg_control *c,
				  struct darn_pg_mention *set, size_t n,
				  struct darn_error *err);

/* ---- the rules across segments ---- */

/*
 * For the store's join(): create, then _note() for every note whose kind is
 * DARN_PG_NOTE_WAL_FIRST or more, in the order in which they come, then _end(),
 * which reports what is damaged or missing and releases @j.  @sink NULL: only
 * release.  @elsewhere: recovery may fetch segments from an archive or another
 * server (a standby, a base backup), so that missing ones are no damage.
 */
struct darn_pg_wal_join;
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_join_create(const struct darn_pg_control *c,
				     bool elsewhere,
				     struct darn_pg_wal_join **out,
				     struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_join_note(struct darn_pg_wal_join *j,
				   const struct darn_note *note,
				   struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_join_end(struct darn_pg_wal_join *j,
				  struct darn_tree *t, struct darn_sink *sink,
				  struct darn_error *err);

#endif
