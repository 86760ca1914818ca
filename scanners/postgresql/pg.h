/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg.h - what the files of the PostgreSQL scanner share: the control file,
 * the sizes that version 15 fixes, the kinds of notes and small helpers.
 *
 * Everything on disk is little-endian here: the engine writes its own byte
 * order, and a cluster of another one shows by its pg_control_version.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_PG_H
#define DARN_SCANNERS_POSTGRESQL_PG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/scan/store.h"

enum {
	DARN_PG_PAGE = 8192,
	DARN_PG_SEG_BLOCKS = 131072, /* RELSEG_SIZE of the usual build */
	DARN_PG_CONTROL_LEN = 8192,
	DARN_PG_CONTROL_VERSION = 1300, /* PG 13 to 16 */
	DARN_PG_MAJOR = 15, /* the version whose files are checked */
};

/* enum DBState of the engine: the states of a cluster. */
enum darn_pg_state {
	DARN_PG_STARTUP,
	DARN_PG_SHUTDOWNED,
	DARN_PG_SHUTDOWNED_IN_RECOVERY,
	DARN_PG_SHUTDOWNING,
	DARN_PG_IN_CRASH_RECOVERY,
	DARN_PG_IN_ARCHIVE_RECOVERY,
	DARN_PG_IN_PRODUCTION,
	DARN_PG_NSTATES
};

/* global/pg_control; fields are 0 where @valid is false. */
struct darn_pg_control {
	bool valid;   /* its CRC holds and its values make sense */
	bool present; /* @raw holds what the file holds */
	uint64_t sysid;
	uint32_t control_version;
	uint32_t catalog_version;
	uint32_t state; /* enum darn_pg_state */
	uint64_t checkpoint_lsn;
	uint64_t redo_lsn;
	uint32_t tli;
	uint64_t next_xid; /* with its epoch */
	uint64_t min_recovery_lsn;
	uint32_t wal_level;
	uint32_t blcksz;
	uint32_t relseg_size; /* blocks */
	uint32_t wal_segment_size;
	uint32_t data_checksum_version; /* 0: pages have no checksum */
	uint8_t raw[DARN_PG_CONTROL_LEN];
	size_t raw_len;
};

/* What notes mean.  0x100 and up belong to the WAL (wal.h). */
enum darn_pg_note {
	DARN_PG_NOTE_ZERO = 1, /* value[0]: bytes of all-zero pages */
	DARN_PG_NOTE_OLD,      /* value[0]: LSN of a page behind the log */
	DARN_PG_NOTE_WAL_FIRST = 0x100,
};

/* The forks of a relation, numbered as in the WAL. */
enum darn_pg_fork {
	DARN_PG_MAIN,
	DARN_PG_FSM,
	DARN_PG_VM,
	DARN_PG_INIT
};

/* Which relation a file is, in the engine's own numbers. */
struct darn_pg_rel {
	uint32_t spc, db, node;
	enum darn_pg_fork fork;
	uint32_t segment;
};

enum {
	DARN_PG_SPC_DEFAULT = 1663, /* pg_default: base/ */
	DARN_PG_SPC_GLOBAL = 1664,  /* pg_global: global/ */
};

/* "A/BCDEF012", as the engine's own tools print it. */
struct darn_pg_lsn_text {
	char s[24];
};
static inline struct darn_pg_lsn_text darn_pg_lsn_text(uint64_t lsn)
{
	struct darn_pg_lsn_text t;

	(void)snprintf(t.s, sizeof(t.s), "%X/%X", (unsigned)(lsn >> 32),
		       (unsigned)(lsn & UINT32_MAX));
	return t;
}

#endif
