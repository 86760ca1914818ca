/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_stream.h - the check of one segment: what wal_format.c finds out before
 * the first byte is read, and the stream that takes the bytes.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_WAL_STREAM_H
#define DARN_SCANNERS_POSTGRESQL_WAL_STREAM_H

#include "scanners/postgresql/wal_file.h"
#include "scanners/postgresql/wal_finding.h"

/* Immutable, but for the file handle within @files, which a stream copies. */
struct darn_pg_wal_segment {
	struct darn_pg_wal_files files;
	uint64_t start; /* its first LSN */
	uint64_t size;	/* bytes of the file */
	bool in_store;	/* a join will judge the end of the log */
	/*
	 * The log went at least as far as the record that begins here; 0: not
	 * known.
	 */
	uint64_t reached;
	uint64_t shutdown; /* the last record of the log; 0: not known */
	bool next_here;	   /* the next segment's first page is of the log */
	bool no_start;	   /* a record runs into it whose start is not known */
	bool carried;	   /* @carry runs into this segment */
	struct darn_pg_wal_partial carry;
};

DARN_MUST_CHECK
enum darn_rc darn_pg_wal_stream_begin(const void *file_ctx, void **stream,
				      struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_stream_feed(void *stream, const struct darn_chunk *c,
				     struct darn_sink *sink,
				     struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_stream_end(void *stream, struct darn_sink *sink,
				    struct darn_error *err);

#endif
