/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - what source.c and origin.c share. */
#ifndef DARN_REPAIR_ORIGIN_H
#define DARN_REPAIR_ORIGIN_H

#include "repair/source.h"

/* DARN_ENOENT where the source holds nothing of @part. */
DARN_MUST_CHECK
enum darn_rc darn_origin_find(const struct darn_sources *s, size_t source,
			      size_t nth, const struct darn_part *part,
			      struct darn_origin **out, struct darn_error *err);
void darn_origin_destroy(struct darn_origin *o);

#endif
