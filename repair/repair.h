/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair.h - findings to extents to candidates to verdicts to plan to journal
 * to proof.  The only header of this folder that cmd/ may include.
 *
 * Nothing is written but by darn_repair_apply(), darn_repair_finish() and
 * darn_undo(), and all of that goes through a journal.
 *
 * A plan is a file of JSON Lines (darn-plan(5)) from the moment it is made,
 * however many items it has; the last line is a digest of all before it.
 */
#ifndef DARN_REPAIR_REPAIR_H
#define DARN_REPAIR_REPAIR_H

#include "lib/scan/scan.h"

struct darn_repair_options {
	const char *path; /* the target, as typed */
	const char *const *sources;
	size_t nsources;
	const char *manifest; /* of the target; NULL: those in the state */
	bool unchanged_since_seal;
	bool accept_probable;
	bool assume_stopped;
	struct darn_scan_options scan; /* stores, jobs, progress, ... */
};

enum darn_verb {
	DARN_VERB_LEAVE,
	DARN_VERB_RESTORE_EXTENT,
	DARN_VERB_RESTORE_FILE,
	DARN_VERB_RESTORE_DIR,
};
const char *darn_verb_name(enum darn_verb v);

/* One unit.  Strings live until the next item. */
struct darn_plan_item {
	enum darn_verb verb;
	enum darn_verdict verdict;
	const char *root;  /* of the part, absolute */
	const char *path;  /* relative to it */
	const char *shown; /* PATH as typed plus the rest */
	const char *store, *format;
	const char *id; /* of the finding */
	const char *severity;
	uint64_t off, len;		 /* len: of the new image */
	const char *source;		 /* as typed, or "" */
	uint64_t source_index, nth;	 /* which one; which snapshot in it */
	const char *evidence;		 /* one line */
	uint64_t pre_digest, new_digest; /* XXH3-64; files: digest.h */
	bool identical; /* the proven candidate is what is there */
};

struct darn_plan_totals {
	uint64_t items;
	uint64_t by_verdict[DARN_UNKNOWN + 1];
	uint64_t writes, bytes;	 /* units to write, and their bytes */
	uint64_t most_in_a_file; /* units to write in one file */
	uint64_t confirmed; /* suspicious, and proven to be as they should */
	uint64_t scanned_bytes;
	uint64_t undecided;  /* suspicious findings that no item stands for */
	unsigned exit_left;  /* bits of the items that are left alone */
	unsigned exit_now;   /* status if nothing is written */
	unsigned exit_after; /* expected after applying the plan */
	unsigned scan_exit;  /* status of the scan that it rests on */
};

struct darn_plan;

/* Scans the target and judges.  Writes nothing into it. */
DARN_MUST_CHECK
enum darn_rc darn_plan_make(const struct darn_repair_options *o,
			    struct darn_plan **out, struct darn_error *err);

/* Reads a saved plan; DARN_ECORRUPT where it is not whole. */
DARN_MUST_CHECK
enum darn_rc darn_plan_load(const char *file, struct darn_plan **out,
			    struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_plan_save(struct darn_plan *p, const char *file,
			    struct darn_error *err);
void darn_plan_destroy(struct darn_plan *p); /* NULL is fine */

typedef enum darn_rc (*darn_plan_fn)(const struct darn_plan_item *item,
				     void *payload, struct darn_error *err);
/* Every item, in the order of path and offset. */
DARN_MUST_CHECK
enum darn_rc darn_plan_each(struct darn_plan *p, darn_plan_fn fn, void *payload,
			    struct darn_error *err);
struct darn_plan_totals darn_plan_totals(const struct darn_plan *p);

/* What @p was made with; its strings live as long as the plan. */
const struct darn_repair_options *darn_plan_options(const struct darn_plan *p);

/* What the scan of the target said, or NULL for a plan from a file. */
struct darn_report *darn_plan_report(struct darn_plan *p);

/*
 * The most that the operator allows: units, and per cent of the bytes that were
 * scanned.  0: no limit.
 */
struct darn_repair_limit {
	uint64_t units;
	double percent;
};

struct darn_repair_result {
	unsigned exit;
	uint64_t done, skipped, failed; /* units */
	uint64_t bytes;			/* written */
	char journal[4096];		/* "" where nothing was written */
	struct darn_report *report;	/* of the deep scan, or NULL */
	bool stopped; /* by the limit, a signal, a live store */
};

/* An item that was to be written: @done, or why not. */
typedef void (*darn_action_fn)(const struct darn_plan_item *item, bool done,
			       const char *why, void *payload);

struct darn_apply_options {
	const struct darn_repair_options *repair; /* stores, jobs, ... */
	struct darn_repair_limit limit;
	/* The path of the journal, before the first write; may be NULL. */
	void (*journal)(const char *path, void *payload);
	darn_action_fn action; /* may be NULL */
	/*
	 * Damage that could only be seen after the first repair (a catalogue
	 * that was damaged itself): may this further plan be carried out too?
	 * NULL: no.
	 */
	bool (*more)(struct darn_plan *p, void *payload);
	void *payload;
};

/*
 * Writes what the plan says, unit by unit, each verified again at the moment
 * of use.  out->report is to be destroyed by the caller, after errors too.
 */
DARN_MUST_CHECK
enum darn_rc darn_repair_apply(struct darn_plan *p,
			       const struct darn_apply_options *o,
			       struct darn_repair_result *out,
			       struct darn_error *err);

/*
 * A repair of this target that was killed: the path of its journal, to be
 * freed, or DARN_ENOENT.  Finish it before making a plan: *strange counts what
 * is neither as it was nor as it was to be, and is left alone.
 */
DARN_MUST_CHECK
enum darn_rc darn_repair_pending(const struct darn_repair_options *o,
				 char **journal, struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_repair_finish(const struct darn_repair_options *o,
				const char *journal, uint64_t *strange,
				struct darn_error *err);

struct darn_undo_options {
	const struct darn_store *const *stores;
	bool assume_stopped;
	bool dry_run; /* verify only */
};

struct darn_undo_result {
	char root[4096];	     /* of the target */
	uint64_t units, files, dirs; /* in the journal */
	uint64_t put_back, removed;
	bool was_undone; /* already, by an earlier run */
};

/*
 * Puts back what the repair of @journal overwrote.  Nothing is touched where
 * anything is neither as it was before nor as the repair left it.
 */
DARN_MUST_CHECK
enum darn_rc darn_undo(const char *journal, const struct darn_undo_options *o,
		       struct darn_undo_result *out, struct darn_error *err);

/*
 * Lines of the kernel's log that tell of I/O errors, at most @max bytes of
 * them, newest last; "" where there are none or nobody may look.
 */
void darn_kernel_io_errors(char *buf, size_t max);

#endif
