/* SPDX-License-Identifier: Apache-2.0 */
/* report_add.h - making a report; the engine only. */
#ifndef DARN_LIB_SCAN_REPORT_ADD_H
#define DARN_LIB_SCAN_REPORT_ADD_H

#include "lib/scan/report.h"
#include "lib/scan/spool.h"

/*
 * @spill_dir as for a spool; @budget: bytes kept in memory; @max_errors:
 * findings that are kept, 0 = all.
 */
DARN_MUST_CHECK
enum darn_rc darn_report_create(const char *spill_dir, size_t budget,
				uint64_t max_errors, struct darn_report **out,
				struct darn_error *err);

/* From any thread.  NULL strings count as "". */
DARN_MUST_CHECK
enum darn_rc darn_report_add(struct darn_report *r, struct darn_record rec,
			     struct darn_error *err);

/* Counts what was added; after the last add(). */
DARN_MUST_CHECK
enum darn_rc darn_report_finish(struct darn_report *r, bool interrupted,
				double seconds, struct darn_error *err);

/* Runs on disk, for tests. */
size_t darn_report_runs(const struct darn_report *r);

/* ---- records as bytes (record.c) ---- */

/* On the heap, to be freed. */
DARN_MUST_CHECK
enum darn_rc darn_record_pack(const struct darn_record *rec, void **out,
			      size_t *len, struct darn_error *err);
/* Strings point into @buf. */
struct darn_record darn_record_unpack(const void *buf);
int darn_record_compare(const void *a, size_t alen, const void *b, size_t blen);

#endif
