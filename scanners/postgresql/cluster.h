/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster.h - what is known of a whole cluster: the store's context.
 *
 * Made by darn_pg_open(), immutable afterwards (but for what judging
 * remembers), shared by all workers.
 * Anything may be unknown, because the files that tell may be damaged.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_CLUSTER_H
#define DARN_SCANNERS_POSTGRESQL_CLUSTER_H

#include "scanners/postgresql/control.h"
#include "scanners/postgresql/pending.h"
#include "scanners/postgresql/wal.h"

enum darn_pg_sums {
	DARN_PG_SUMS_UNKNOWN,
	DARN_PG_SUMS_OFF,
	DARN_PG_SUMS_ON
};

enum {
	DARN_PG_MAX_DEAD = 64
};

struct darn_pg {
	struct darn_tree *tree; /* outlives the context */
	struct darn_pg_control control;
	/* @control, with the start of the backup's label where there is one */
	struct darn_pg_control start;
	struct darn_pg_log log;
	struct darn_pg_pending pending; /* what recovery writes anew */
	/* The LSN that each block must have at least; see stale.h. */
	struct darn_pg_blockmap written;
	struct darn_pg_covers
		*covers; /* what judging remembers; see covered.h */
	enum darn_pg_sums sums;
	bool checked;	  /* a version that this scanner knows */
	bool live;	  /* a server used it when it was opened */
	bool base_backup; /* backup_label is there */
	bool standby;	  /* it replays the log of another server */
	unsigned major;	  /* of PG_VERSION; 0: unknown */
	uint32_t segment_blocks;
	uint64_t redo_lsn; /* where recovery begins; 0: unknown */
	/* A page with a later LSN is from elsewhere.  UINT64_MAX: unknown. */
	uint64_t max_lsn;
	uint64_t dev, ino; /* of the data directory */
	/* Tablespaces that point to nothing. */
	uint32_t dead[DARN_PG_MAX_DEAD];
	unsigned ndead;
	char version[32];
	char not_checked[64]; /* the reason where @checked is false */
};

/* True if the relation writes no log: its init fork stands beside it. */
bool darn_pg_is_unlogged(struct darn_tree *t, const struct darn_pg_rel *rel);

/* What kind of file @path is; false: no relation. */
bool darn_pg_rel_parse(const char *path, struct darn_pg_rel *out);

/* The callbacks of struct darn_store, each in the file of its name. */
struct darn_class darn_pg_classify(const void *ctx, const char *path,
				   const struct darn_stat *st);
enum darn_liveness darn_pg_liveness(const void *ctx, struct darn_tree *t,
				    struct darn_evidence *why);
void darn_pg_hold(const void *ctx, struct darn_tree *t, struct darn_hold *out);
enum darn_rc darn_pg_expect(const void *ctx, struct darn_tree *t,
			    struct darn_sink *sink, struct darn_error *err);
enum darn_rc darn_pg_join(const void *ctx, struct darn_tree *t,
			  struct darn_notes *notes, struct darn_sink *sink,
			  struct darn_error *err);
enum darn_verdict darn_pg_judge(const void *ctx, const struct darn_unit *unit,
				const struct darn_candidate *candidate,
				struct darn_evidence *why);

extern const struct darn_format darn_pg_format_page;
extern const struct darn_format darn_pg_format_state;

#endif
