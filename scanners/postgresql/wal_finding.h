/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_finding.h - what is said about the log, and when.
 *
 * A place where the log does not go on is judged by what follows it:
 *
 * - a later page or segment of the log, or the control file, shows that the
 *   log went further: damage;
 * - good records follow in the same page, the last one of the log: a server
 *   that was killed may leave such a hole, but only one that ends in zeroes;
 * - nothing follows: the end of the log.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_WAL_FINDING_H
#define DARN_SCANNERS_POSTGRESQL_WAL_FINDING_H

#include "scanners/postgresql/wal_parse.h"

enum darn_pg_wal_code {
	DARN_PG_WAL_C_RECORD,
	DARN_PG_WAL_C_PAGE,
	DARN_PG_WAL_C_CHAIN,
	DARN_PG_WAL_C_PADDING,
	DARN_PG_WAL_C_CUT,
	DARN_PG_WAL_C_LONG,
	DARN_PG_WAL_C_HOLE,
	DARN_PG_WAL_C_TORN,
	DARN_PG_WAL_C_AFTER,
	DARN_PG_WAL_NCODES
};
extern const struct darn_code darn_pg_wal_codes[DARN_PG_WAL_NCODES];

/* A place where the log does not go on. */
struct darn_pg_wal_finding {
	bool set;
	bool open;   /* no good place after it is known yet */
	bool strong; /* the log went further */
	bool blank;  /* zero bytes before @end */
	struct darn_pg_wal_trouble t;
	uint64_t end;	/* LSN where the log goes on */
	uint64_t after; /* good records of this segment that follow */
};

/* Where a segment lies; @path NULL: the sink's own file. */
struct darn_pg_wal_span {
	const char *path;
	uint64_t start, size; /* first LSN, bytes of the file */
};

/* Reports damage. */
void darn_pg_wal_report(struct darn_sink *sink,
			const struct darn_pg_wal_span *s,
			const struct darn_pg_wal_finding *f);

/* Reports what the last fault of the log calls for, which may be nothing. */
void darn_pg_wal_report_tail(struct darn_sink *sink,
			     const struct darn_pg_wal_span *s,
			     const struct darn_pg_wal_finding *f);

/*
 * The notes of a segment.
 * _SEGMENT, at 0: value[0] enum darn_pg_wal_segment_flag; value[1] what its
 * first record names as the one before; value[2] its last record.
 * _END, at the first fault that nothing in the segment followed:
 * see darn_pg_wal_note_pack().
 * _LONG, at the start of a record that is too long for the segments it lies in
 * to be checked with it.
 */
enum {
	DARN_PG_NOTE_WAL_SEGMENT = DARN_PG_NOTE_WAL_FIRST,
	DARN_PG_NOTE_WAL_END,
	DARN_PG_NOTE_WAL_LONG,
};
enum darn_pg_wal_segment_flag {
	DARN_PG_SEGMENT_LIVE = 1u << 0,	 /* holds a page of the log */
	DARN_PG_SEGMENT_BEGUN = 1u << 1, /* its first page is one */
	DARN_PG_SEGMENT_FULL = 1u << 2,	 /* good up to its last byte */
	DARN_PG_SEGMENT_FIRST = 1u << 3, /* value[1] is known */
};
struct darn_note darn_pg_wal_note_pack(const struct darn_pg_wal_span *s,
				       const struct darn_pg_wal_finding *f);
struct darn_pg_wal_finding darn_pg_wal_note_unpack(const struct darn_note *note,
						   uint64_t start);

#endif
