/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - any number of records, given back sorted, in bounded memory.
 *
 * Records are bytes that a comparison understands.  Up to a budget they stay
 * in memory; each time it is full they are sorted and written, as one run, to
 * an unlinked file.  FAN runs of one level are merged to a run of the next, so
 * that their number grows with the logarithm of the data and reading needs one
 * descriptor and a small buffer per run.
 *
 * add() may be called from several threads.  Reading begins when adding is
 * over; several readers, one after the other or at once, are fine.
 */
#ifndef DARN_LIB_SCAN_SPOOL_H
#define DARN_LIB_SCAN_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct darn_spool;
struct darn_spool_reader;

/* A total order, so that equal records are equal bytes. */
typedef int (*darn_spool_cmp)(const void *a, size_t alen, const void *b,
			      size_t blen);

/*
 * @dir: where to spill, NULL for /var/tmp; no file is made before it is needed.
 */
DARN_MUST_CHECK
enum darn_rc darn_spool_create(darn_spool_cmp cmp, const char *dir,
			       size_t budget, struct darn_spool **out,
			       struct darn_error *err);
void darn_spool_destroy(struct darn_spool *s); /* NULL is fine */

/* Copies the record; it is aligned to 8 bytes when it is given back. */
DARN_MUST_CHECK
enum darn_rc darn_spool_add(struct darn_spool *s, const void *rec, size_t len,
			    struct darn_error *err);

/* Runs on disk now; for tests. */
size_t darn_spool_runs(const struct darn_spool *s);

DARN_MUST_CHECK
enum darn_rc darn_spool_read(struct darn_spool *s,
			     struct darn_spool_reader **out,
			     struct darn_error *err);

/* DARN_ENOENT, with @err untouched, after the last record. */
DARN_MUST_CHECK
enum darn_rc darn_spool_next(struct darn_spool_reader *r, const void **rec,
			     size_t *len, struct darn_error *err);
void darn_spool_reader_close(struct darn_spool_reader *r); /* NULL is fine */

#endif
