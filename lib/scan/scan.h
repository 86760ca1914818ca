/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.h - the engine: walk, recognise, read, check, collect.
 *
 * ARCHITECTURE.md, "Life of a scan", is the essay.
 */
#ifndef DARN_LIB_SCAN_SCAN_H
#define DARN_LIB_SCAN_SCAN_H

#include <stdatomic.h>

#include "lib/pool/pool.h"
#include "lib/scan/report.h"
#include "lib/scan/witness.h"

enum {
	DARN_CHUNK = 1 << 20
}; /* bytes read and checked at a time */

/* What the engine itself reports: "io/..." */
extern const struct darn_code darn_scan_codes[];
extern const size_t darn_scan_ncodes;

/*
 * Counters that another thread may read while a command runs, and the flag
 * with which it (or a signal handler) stops it.
 */
struct darn_progress {
	atomic_uint_least64_t files_seen, bytes_seen; /* found by the walk */
	atomic_uint_least64_t files_done, bytes_done;
	atomic_uint_least64_t findings; /* suspicious or worse */
	_Atomic(const char *) phase;	/* "scan", "restore": static strings */
	atomic_bool cancel;
};

struct darn_scan_options {
	const struct darn_store *const *stores; /* NULL-terminated */
	unsigned jobs;				/* workers; 0 = no threads */
	unsigned io_depth;  /* reads in flight; 0 = by the device.  Without
			     * workers there is one at a time. */
	bool direct;	    /* read past the page cache */
	const char *format; /* force "format" or "store/format", or NULL */
	const char *const *include, *const *exclude; /* NULL-terminated globs
						      * (fnmatch) against the
						      * relative path and its
						      * base name; or NULL */
	uint64_t max_errors;   /* findings kept; 0 = all */
	const char *spill_dir; /* for reports and notes that outgrow their
				* room in memory; NULL: /var/tmp */
	struct darn_witness *witness;	/* or NULL */
	struct darn_progress *progress; /* or NULL */
	/*
	 * Filled in at the end where not NULL: pool counters by worker; what
	 * there is no worker for is 0.
	 */
	struct darn_pool_stats *stats;
	unsigned nstats;
};

/*
 * Scans @roots (as typed).  A root is a store, a directory with stores in it,
 * a directory within a store or a single file of one (the store is then found
 * above it and only that part is checked), or any other file.  Never
 * writes.  DARN_OK whatever the data look like, with a report that the caller
 * destroys; interruption is DARN_OK with summary.interrupted.
 */
DARN_MUST_CHECK
enum darn_rc darn_scan(const char *const *roots, size_t nroots,
		       const struct darn_scan_options *opts,
		       struct darn_report **out, struct darn_error *err);

/*
 * Finds the store that owns @path: the directory itself or one above it.
 * *out_root gets the store's root, absolute, and *out_rel the rest of @path
 * ("" or relative); both are to be freed.  DARN_ENOENT where none is.
 */
DARN_MUST_CHECK
enum darn_rc darn_find_store(const char *path,
			     const struct darn_store *const *stores,
			     const struct darn_store **out_store,
			     char **out_root, char **out_rel,
			     struct darn_error *err);

/*
 * Is the file good?  Runs the format's own check over all of it, read through
 * @f->io (streams included).  *good: no finding of severity suspicious or
 * worse, and *verified says whether a check covered every byte.
 */
DARN_MUST_CHECK
enum darn_rc darn_verify_file(const struct darn_format *format,
			      const void *store_ctx, const struct darn_file *f,
			      bool *good, bool *verified,
			      struct darn_error *err);

#endif
