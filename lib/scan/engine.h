/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - what the files of the engine share; nobody else includes it.
 *
 *   scan.c       the driver: options, roots, threads, the end
 *   recognise.c  which store a directory is, which format a stray file has
 *   domain.c     one store, or the stray files of a root: open, join, close
 *   walk.c       the files of a domain, in path order
 *   file.c       one file: open, count, finish
 *   feed.c       its bytes: the page cache, the readers, the ring of buffers
 *   check.c      one chunk: format, second look, witness, coverage
 *   stream.c     the same for formats that want their bytes in order
 *   commit.c     from a sink to the report
 *   links.c      inodes that were met before
 *   verify.c     one file for a repair, without all of the above
 *
 * Threads: the walk runs in the caller's thread and is the only one that
 * touches struct darn_engine's "walk" part.  A file belongs to whoever holds a
 * reference; its counters are atomic, everything else in it is written before
 * its first chunk is queued (or, for streams, by the one worker that has it).
 * A slot belongs to one worker.  Locks are leaves: engine.lock, feed.lock, and
 * those in the pool and the spools; none is held while another is taken.
 */
#ifndef DARN_LIB_SCAN_ENGINE_H
#define DARN_LIB_SCAN_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/scan/collect.h"
#include "lib/scan/report_add.h"
#include "lib/scan/scan.h"

enum {
	DARN_MAX_BAD = 64,    /* unreadable ranges told apart in one chunk */
	DARN_BUF_ALIGN = 4096 /* what direct reads ask for */
};

/* What one worker uses again and again. */
struct darn_slot {
	uint8_t *buf, *second;
	struct darn_sink found, again, seen; /* format, second look, witness */
	struct darn_spans bad, good;
};

/* A read of one chunk. */
struct darn_chunk_read {
	uint8_t *buf;
	uint64_t off;
	size_t want, got;
	struct darn_bad_range bad[DARN_MAX_BAD];
	size_t nbad;
	bool failed; /* nothing could be read; the report says so already */
};

struct darn_scan_file;

/* A chunk that was handed to a reader. */
struct darn_job {
	struct darn_job *next;
	struct darn_scan_file *file;
	struct darn_chunk_read read;
};

/* The fixed ring of buffers between readers and workers. */
struct darn_feed {
	pthread_mutex_t lock;
	struct darn_job *jobs;
	unsigned njobs;
	struct darn_job *idle;		     /* not in use */
	struct darn_job *ready, **ready_end; /* read, to be checked */
};

/* A root as typed. */
struct darn_root {
	const char *typed;
	char *abs;  /* for a file: the file */
	char *base; /* for a file: its name; "" for a directory */
	uint64_t dev;
	bool drop; /* not scanned: an error, or another root has it */
};

/* One store, or the files of a root that belong to none. */
struct darn_domain {
	struct darn_engine *e;
	const struct darn_root *root;
	const struct darn_store *store; /* NULL: stray files */
	void *ctx;
	struct darn_tree *tree;
	const char *abs;   /* where the tree lies */
	const char *shown; /* @part as the report shows it */
	const char *part;  /* below the tree's root: what is scanned, "": all */
	const char *wpath; /* @part as the witness knows it */
	enum darn_liveness liveness;
	bool broken; /* the store could not be opened */
	struct darn_spool *notes;
};

struct darn_engine {
	const struct darn_scan_options *opts;
	struct darn_pool *pool;
	struct darn_report *report;
	struct darn_witness *witness;
	struct darn_slot *slots;
	unsigned nslots;
	struct darn_feed feed;
	bool inorder;
	uint64_t open_files; /* bound for the pool's queue */
	const struct darn_format *forced;
	const struct darn_store *forced_store;
	atomic_bool erred;	/* the report has an error */
	atomic_bool applied;	/* something was checked */
	atomic_uint live_looks; /* pauses taken for live stores */
	/* the walk */
	bool *include_used, *exclude_used;
	uint64_t found_files;
	struct darn_links *links; /* inodes with several names */

	pthread_mutex_t lock;  /* covers the rest, and reasons of files */
	struct darn_error err; /* first failure that no task could return */
};

struct darn_scan_file {
	struct darn_domain *d;
	struct darn_file f;
	char *path, *shown, *wpath;
	const struct darn_format *format;
	const struct darn_store *store; /* of the format; NULL: none */
	const void *store_ctx;
	void *ctx;
	bool ctx_open;
	bool refused; /* the format's open() could not do its work */
	bool salvage; /* read it all the same, for what is unreadable */
	bool stray;   /* the format is to be found by content */
	bool again;   /* another name of a file that is counted already */
	bool read;    /* its bytes are, or were, shown to somebody */
	bool witnessed;
	void *handle;			       /* the witness's */
	struct darn_spans open_bad, open_good; /* said by the format's open() */
	uint64_t chunks;

	atomic_uint refs;
	atomic_uint_least64_t seen, verified, damaged;
	atomic_bool incomplete, shrunk, differs;
	char *reason; /* covered by engine.lock, with its rank */
	uint64_t reason_rank;
};

/* ---- scan.c ---- */

bool darn_engine_canceled(const struct darn_engine *e);
/* For callbacks that cannot fail: keeps the error and stops the pool. */
void darn_engine_fail(struct darn_engine *e, enum darn_rc rc,
		      const struct darn_error *err);

/* ---- commit.c ---- */

/* Whom a sink is about. */
struct darn_scope {
	const struct darn_domain *d;
	const struct darn_scan_file *f; /* or NULL */
	bool witness; /* paths in the sink are the witness's */
};

/* Findings, errors and notes of @s to the report. */
DARN_MUST_CHECK
enum darn_rc darn_commit(const struct darn_scope *scope,
			 const struct darn_sink *s, struct darn_error *err);

/* An ERROR record for a path as shown. */
DARN_MUST_CHECK
enum darn_rc darn_commit_error(struct darn_engine *e, const char *root,
			       const char *shown, const char *message,
			       struct darn_error *err);

/* The same for a file, with a reason for its bytes. */
DARN_MUST_CHECK
enum darn_rc darn_file_error(struct darn_scan_file *f, const char *message,
			     struct darn_error *err);

/*
 * A call of somebody else's failed with @rc and @why: no memory, stopping and
 * the like fail the run; everything else is an ERROR record of the file, which
 * @why is cleared for.
 */
DARN_MUST_CHECK
enum darn_rc darn_file_excuse(struct darn_scan_file *f, enum darn_rc rc,
			      struct darn_error *why, struct darn_error *err);

/* @path of the domain's tree as the report, or the witness, knows it. */
char *darn_domain_shown(const struct darn_domain *d, const char *path,
			struct darn_error *err);
char *darn_domain_wpath(const struct darn_domain *d, const char *path,
			struct darn_error *err);

/* ---- recognise.c ---- */

/*
 * The best bid for the directory @dir of @t.  DARN_ENOENT (@err untouched):
 * nobody's.  DARN_EINVAL: two are equally sure.
 */
DARN_MUST_CHECK
enum darn_rc darn_recognise(struct darn_tree *t, const char *dir,
			    const struct darn_store *const *stores,
			    const struct darn_store **out,
			    struct darn_error *err);

/* Gives a stray file its format, or a reason. */
DARN_MUST_CHECK
enum darn_rc darn_file_probe(struct darn_scan_file *f, struct darn_error *err);

/* "format" or "store/format". */
DARN_MUST_CHECK
enum darn_rc darn_find_format(const struct darn_store *const *stores,
			      const char *name, const struct darn_store **store,
			      const struct darn_format **format,
			      struct darn_error *err);

/* ---- domain.c ---- */

/* Scans the store @store, or stray files where it is NULL, and waits. */
DARN_MUST_CHECK
enum darn_rc darn_domain_scan(struct darn_domain *d, struct darn_error *err);

/* A store found on the way: @path in the tree of @outer. */
DARN_MUST_CHECK
enum darn_rc darn_domain_nested(const struct darn_domain *outer,
				const char *path,
				const struct darn_store *store,
				struct darn_error *err);

/* ---- walk.c ---- */

DARN_MUST_CHECK
enum darn_rc darn_walk_domain(struct darn_domain *d, struct darn_error *err);

/* True where (dev, ino) was there before. */
struct darn_links;
struct darn_links *darn_links_create(struct darn_error *err);
void darn_links_destroy(struct darn_links *l);
DARN_MUST_CHECK
enum darn_rc darn_links_seen(struct darn_links *l, uint64_t dev, uint64_t ino,
			     bool *seen, struct darn_error *err);

/* ---- file.c ---- */

/* Queues the file @path, as the walk found it; takes over the strings. */
DARN_MUST_CHECK
enum darn_rc darn_file_start(struct darn_domain *d, const char *path,
			     const struct darn_stat *st,
			     struct darn_error *err);

void darn_file_ref(struct darn_scan_file *f);
void darn_file_unref(struct darn_scan_file *f); /* the last one finishes it */

/* Keeps the reason with the lowest rank. */
DARN_MUST_CHECK
enum darn_rc darn_file_reason(struct darn_scan_file *f, uint64_t rank,
			      const char *reason, struct darn_error *err);

/* The file ends before @want: says so, once. */
DARN_MUST_CHECK
enum darn_rc darn_file_short(struct darn_scan_file *f, struct darn_error *err);

/* ---- feed.c ---- */

DARN_MUST_CHECK
enum darn_rc darn_feed_init(struct darn_feed *feed, unsigned njobs,
			    struct darn_error *err);
void darn_feed_release(struct darn_feed *feed);

/* Buffers of a slot, made at their first use. */
DARN_MUST_CHECK
enum darn_rc darn_slot_buffer(uint8_t **buf, struct darn_error *err);

/* Runs chunk @i of a file: the run() of a range. */
enum darn_rc darn_feed_chunk(void *file, uint64_t i, unsigned worker,
			     struct darn_error *err);

/* Reads, around bad places; what cannot be read at all is in the report. */
DARN_MUST_CHECK
enum darn_rc darn_feed_read(struct darn_scan_file *f, struct darn_chunk_read *r,
			    struct darn_error *err);

/* ---- check.c ---- */

DARN_MUST_CHECK
enum darn_rc darn_check_chunk(struct darn_scan_file *f,
			      struct darn_chunk_read *r, unsigned worker,
			      struct darn_error *err);

/* Reports the unreadable ranges of @r. */
void darn_check_unreadable(const struct darn_chunk_read *r,
			   struct darn_sink *sink);

/*
 * Reads again, from the medium (live stores: later).  *changed: the bytes are
 * others; r->buf has the new ones and slot->second the old.
 */
DARN_MUST_CHECK
enum darn_rc darn_check_reread(struct darn_scan_file *f,
			       struct darn_chunk_read *r,
			       struct darn_slot *slot, bool *changed,
			       struct darn_error *err);

/* Shows a chunk to the witness; what it says is in slot->seen. */
DARN_MUST_CHECK
enum darn_rc darn_check_witness(struct darn_scan_file *f,
				struct darn_chunk_read *r, unsigned worker,
				struct darn_error *err);

/* Drops from @sink what lies in @bad already. */
void darn_check_drop(struct darn_sink *sink, const struct darn_spans *bad);

/* Adds the ranges of findings that mean damage. */
DARN_MUST_CHECK
enum darn_rc darn_check_damage(const struct darn_sink *s,
			       struct darn_spans *bad, struct darn_error *err);

/* "bytes in memory differ from those on the medium", once per file. */
DARN_MUST_CHECK
enum darn_rc darn_check_differs(struct darn_scan_file *f,
				struct darn_error *err);

/* A pause before a live store is looked at again, if not too many were. */
void darn_check_pause(struct darn_engine *e);

/* ---- stream.c ---- */

/* Checks a whole file from first to last byte: the run() of a task. */
enum darn_rc darn_stream_run(struct darn_scan_file *f, unsigned worker,
			     struct darn_error *err);

#endif
