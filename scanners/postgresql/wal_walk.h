/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_walk.h - reading the log in order, for the rest of the wal_*.c files.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_WAL_WALK_H
#define DARN_SCANNERS_POSTGRESQL_WAL_WALK_H

#include "scanners/postgresql/wal_file.h"

/* How a walk went. */
struct darn_pg_wal_end {
	uint64_t records;
	uint64_t first_lsn, last_lsn; /* of records that were handed over */
	uint64_t end_lsn;	      /* behind the last one */
	uint64_t stop_lsn;	      /* where it did not go on */
	bool more; /* later pages or segments show that the log went on */
	uint64_t next_page; /* and the first of them is this one */
};

/*
 * As darn_pg_wal_walk(); @end may be NULL.  Afterwards @f can be used again.
 */
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_run(struct darn_pg_wal_files *f, uint64_t from,
			     darn_pg_record_fn fn, void *payload,
			     struct darn_pg_wal_end *end,
			     struct darn_error *err);

/* The segments of a directory, of one timeline each, in LSN order. */
struct darn_pg_wal_list {
	uint32_t tli;	    /* 0: the newest timeline that is there */
	uint64_t *segments; /* numbers: LSN / segment size */
	size_t n, cap;
	uint64_t per_high; /* segments per 4 GiB */
};
DARN_MUST_CHECK
enum darn_rc darn_pg_wal_list_read(struct darn_tree *t, uint32_t tli,
				   uint32_t segsize,
				   struct darn_pg_wal_list *out,
				   struct darn_error *err);
void darn_pg_wal_list_release(struct darn_pg_wal_list *l);

/* Takes @r's @body (@len bytes that are there) apart: wal_block.c. */
void darn_pg_wal_decode(struct darn_pg_record *r, const uint8_t *body,
			size_t len);

/* Records that are looked at; see the engine's rmgrlist.h and xlog.h. */
enum {
	DARN_PG_RM_XLOG = 0,
	DARN_PG_RM_XACT = 1,
	DARN_PG_RM_SMGR = 2,
	DARN_PG_RM_DBASE = 4,
	DARN_PG_INFO_RMGR = 0xf0,
	DARN_PG_CHECKPOINT_SHUTDOWN = 0x00,
};

#endif
