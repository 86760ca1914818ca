/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - how bad are these bytes, by the format's own check?
 *
 * darn_verify_file() (lib/scan/scan.h) knows good and bad.  A repair needs what
 * lies between: a page of zeros is suspicious in a scan, and yet the right
 * content where a source of the same moment has it.
 */
#ifndef DARN_REPAIR_CHECK_H
#define DARN_REPAIR_CHECK_H

#include "lib/scan/scan.h"

/*
 * *worst: the most severe finding within [off, off + len), DARN_INFO if there
 * is none.  Formats that only make sense in order are not asked about units.
 */
DARN_MUST_CHECK
enum darn_rc darn_check_unit(const struct darn_format *format,
			     const void *store_ctx, const struct darn_file *f,
			     uint64_t off, const uint8_t *buf, size_t len,
			     enum darn_severity *worst, struct darn_error *err);

/* The same for the whole of @f. */
DARN_MUST_CHECK
enum darn_rc darn_check_file(const struct darn_format *format,
			     const void *store_ctx, const struct darn_file *f,
			     enum darn_severity *worst, struct darn_error *err);

#endif
