/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_file.h - segment files: their names, and reading pages by LSN.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_WAL_FILE_H
#define DARN_SCANNERS_POSTGRESQL_WAL_FILE_H

#include "scanners/postgresql/wal_parse.h"

enum {
	DARN_PG_WAL_NAME = 24, /* hexadecimal digits */
	DARN_PG_WAL_DIR_MAX = 1024,
};

/* Takes the last component of @path apart: 8 digits each. */
bool darn_pg_wal_name_parse(const char *path, uint32_t *tli, uint32_t *high,
			    uint32_t *low);

/* A power of two within the engine's limits. */
bool darn_pg_wal_segsize_ok(uint64_t segsize);

/* Is @head the first page of some segment?  Gives the size it names. */
bool darn_pg_wal_probe(const uint8_t *head, size_t len, uint32_t *segsize);

/*
 * The timeline of minRecoveryPoint, which for the moment of a promotion is
 * ahead of the checkpoint's; else that one.
 */
uint32_t darn_pg_wal_recovery_tli(const struct darn_pg_control *c);

/* The log as files of one directory. */
struct darn_pg_wal_files {
	struct darn_tree *tree;
	char dir[DARN_PG_WAL_DIR_MAX]; /* "pg_wal" */
	struct darn_pg_wal_rules rules;
	bool tried;	    /* @io is the segment at @io_start, if any */
	struct darn_io *io; /* NULL: it cannot be opened */
	uint64_t io_start;  /* its first LSN */
};

/*
 * @dir may be of any length that fits.  Reads the history file of @tli.
 * @segsize 0: asks the files, and is DARN_ENOENT where none tells.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_files_init(struct darn_pg_wal_files *f,
				    struct darn_tree *tree, const char *dir,
				    uint32_t tli, uint32_t segsize,
				    struct darn_error *err);
void darn_pg_wal_files_release(struct darn_pg_wal_files *f);

struct darn_pg_wal_path {
	char s[DARN_PG_WAL_DIR_MAX + DARN_PG_WAL_NAME + 2];
};
struct darn_pg_wal_path
darn_pg_wal_segment_path(const struct darn_pg_wal_files *f, uint64_t lsn);

/*
 * Reads up to @len bytes at @lsn, within one segment.  *@got < @len: the
 * rest is missing or unreadable.  Fails only for want of memory.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_files_read(struct darn_pg_wal_files *f, uint64_t lsn,
				    void *buf, size_t len, size_t *got,
				    struct darn_error *err);

/* Was the page at @lsn written as this very page of the log? */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_files_here(struct darn_pg_wal_files *f, uint64_t lsn,
				    bool *here, struct darn_error *err);

/* ---- records that lie in two segments or more: wal_cross.c ---- */

enum {
	/*
	 * Beyond this many segments a record's checksum is not tested: each
	 * of the n segments would read all n.
	 */
	DARN_PG_WAL_CROSS_MAX = 16,
};

enum darn_pg_wal_rest {
	DARN_PG_REST_GOOD,     /* the CRC holds */
	DARN_PG_REST_BAD,      /* it does not */
	DARN_PG_REST_GIVEN_UP, /* a recovery wrote something else there */
	DARN_PG_REST_ABSENT,   /* the rest was never written, or is lost */
	DARN_PG_REST_TOO_LONG, /* see DARN_PG_WAL_CROSS_MAX */
};

/*
 * Reads the rest of @rec from the segment that begins at @lsn on.  Takes only
 * what is needed of the page headers on trust: address and magic.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_cross_rest(struct darn_pg_wal_files *f,
				    const struct darn_pg_wal_partial *rec,
				    uint64_t lsn, enum darn_pg_wal_rest *rest,
				    struct darn_error *err);

/*
 * The same for all of the record at @lsn, however long; GOOD, BAD or ABSENT.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_cross_whole(struct darn_pg_wal_files *f, uint64_t lsn,
				     enum darn_pg_wal_rest *rest,
				     uint32_t *computed, uint32_t *stored,
				     struct darn_error *err);

/*
 * The record that runs into the segment at @lsn, as far as it lies before it.
 * *@known = false: there is none, or its start cannot be found.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_cross_begin(struct darn_pg_wal_files *f, uint64_t lsn,
				     struct darn_pg_wal_partial *rec,
				     bool *known, struct darn_error *err);

#endif
