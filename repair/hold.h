/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - keeping the engine out while its files are mended.
 *
 * Refuses a live store, and one of unknown liveness unless told to assume that
 * it is stopped.  Then takes the name that the engine itself takes as its
 * lock, with our process id in it.  The journal says so first, so that the
 * lock of a repair that was killed is known and taken away (lock.h has the
 * steps).
 */
#ifndef DARN_REPAIR_HOLD_H
#define DARN_REPAIR_HOLD_H

#include "lib/scan/store.h"
#include "repair/journal.h"

struct darn_held;

/*
 * @store NULL: nothing to hold, and *out is an object that does nothing.
 * @tree is rooted at the store.
 */
DARN_MUST_CHECK
enum darn_rc darn_hold_take(const struct darn_store *store, const void *ctx,
			    struct darn_tree *tree, struct darn_journal *j,
			    bool assume_stopped, struct darn_held **out,
			    struct darn_error *err);

/* Is the store still ours?  Before every write.  DARN_EREFUSED if not. */
DARN_MUST_CHECK
enum darn_rc darn_hold_check(struct darn_held *h, struct darn_error *err);

/* Puts back what was there and releases @h.  NULL is fine. */
DARN_MUST_CHECK
enum darn_rc darn_hold_release(struct darn_held *h, struct darn_error *err);

/*
 * Takes away the locks that the unfinished repair of @j left behind.
 * *intact: there was one and all were untouched, so nobody has started the
 * engine since.
 */
DARN_MUST_CHECK
enum darn_rc darn_hold_recover(struct darn_journal *j, bool *intact,
			       struct darn_error *err);

#endif
