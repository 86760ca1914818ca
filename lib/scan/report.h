/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what a scan found, in order, in bounded memory.
 *
 * Workers add records in any order; darn_report_each() gives them back sorted
 * by (path, kind, offset, id), whatever the number of threads.  Records beyond
 * a few MiB spill, as sorted runs, to unlinked files in the spill directory
 * and are merged while reading.  So a million findings cost disk, not memory.
 */
#ifndef DARN_LIB_SCAN_REPORT_H
#define DARN_LIB_SCAN_REPORT_H

#include "lib/scan/store.h"

/* Exit status bits, in the manner of fsck(8); darn(1) explains them. */
enum {
	DARN_EXIT_REPAIRED = 1,
	DARN_EXIT_SUSPICIOUS = 2,
	DARN_EXIT_DAMAGED = 4,
	DARN_EXIT_INCOMPLETE = 8,
	DARN_EXIT_USAGE = 16,
	DARN_EXIT_INTERRUPTED = 32,
};

/* Bytes by bucket; total = verified + damaged + unverified + skipped. */
struct darn_coverage {
	uint64_t total, verified, damaged, unverified, skipped;
	uint64_t missing; /* should exist and do not: not part of total */
};

/* In this order within one path. */
enum darn_record_kind {
	DARN_REC_STORE,
	DARN_REC_ERROR,
	DARN_REC_FINDING,
	DARN_REC_FILE,
};

/*
 * One line of a report.  Strings live until the callback returns; what a kind
 * does not use is 0 or "".
 */
struct darn_record {
	enum darn_record_kind kind;
	const char *path; /* root as typed plus the relative path */
	const char *root; /* root as typed (for a store: its own path) */
	const char *store, *format; /* names, or "" */
	/* finding */
	const char *id;
	enum darn_severity severity;
	enum darn_hint hint;
	uint64_t off, len, missing;
	uint64_t unit;	     /* number of the unit; UINT64_MAX: none */
	const char *detail;  /* JSON object, "{}" where there is none */
	const char *message; /* finding: the code's sentence; error: the text */
	/* file */
	struct darn_coverage bytes;
	const char *reason; /* why bytes were not verified, or "" */
	/* store; evidence: one fact per line */
	const char *version, *title;
	enum darn_liveness liveness;
	enum darn_shutdown shutdown;
	const char *liveness_why, *shutdown_why;
};

struct darn_summary {
	unsigned exit; /* bits, of findings beyond max_errors too */
	uint64_t files, stores;
	uint64_t findings; /* all but info, of those that were kept */
	uint64_t info, suspicious, torn, damaged, unreadable, errors;
	struct darn_coverage bytes;
	double seconds;
	bool interrupted;
};

struct darn_report;

typedef enum darn_rc (*darn_record_fn)(const struct darn_record *r,
				       void *payload, struct darn_error *err);

/* Calls @fn for every record, in order.  May be called again. */
DARN_MUST_CHECK
enum darn_rc darn_report_each(struct darn_report *r, darn_record_fn fn,
			      void *payload, struct darn_error *err);

struct darn_summary darn_report_summary(const struct darn_report *r);

void darn_report_destroy(struct darn_report *r); /* NULL is fine */

/*
 * The order of paths in reports, notes and walks: that of a walk which takes
 * the names of a directory in byte order, so '/' comes before every other byte.
 */
int darn_path_cmp(const char *a, const char *b);

const char *darn_severity_name(enum darn_severity s);
const char *darn_liveness_name(enum darn_liveness l);
const char *darn_shutdown_name(enum darn_shutdown s);
const char *darn_verdict_name(enum darn_verdict v);

#endif
