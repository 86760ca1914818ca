/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - puts the index of a manifest into path order.
 *
 * Entries nearly always come in that order already, because the walk sorts
 * names; only a walk of several parts (links that are followed) may not.
 */
#ifndef DARN_LIB_SEAL_ORDER_H
#define DARN_LIB_SEAL_ORDER_H

#include "lib/seal/outfile.h"

/*
 * Rewrites the @ntop index blocks at @top, which list @entries records.  The
 * paths are in memory meanwhile.
 */
DARN_MUST_CHECK
enum darn_rc darn_seal_sort_index(struct darn_outfile *f, const uint64_t *top,
				  size_t ntop, uint64_t entries,
				  struct darn_error *err);

#endif
