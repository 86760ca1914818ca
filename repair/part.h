/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part.h - the pieces that a target is made of.
 *
 * PATH may be a directory with several stores in it.  A *part* is one of them,
 * or what lies outside of all of them.  Parts are opened when the first file
 * of theirs is met and live as long as the repair.
 */
#ifndef DARN_REPAIR_PART_H
#define DARN_REPAIR_PART_H

#include "lib/scan/store.h"
#include "repair/hold.h"

struct darn_part {
	char *root; /* absolute */
	struct darn_tree *tree;
	const struct darn_store *store; /* or NULL */
	void *ctx;			/* the store's */
	struct darn_held *held;		/* or NULL */
	size_t number;
};

struct darn_parts {
	const struct darn_store *const *stores;
	const char *base; /* absolute; where no store is, the part is this */
	struct darn_part **items;
	size_t n, cap;
};

/*
 * The part of the file or directory @path (absolute), and the rest of the
 * path, which lies within @path.
 */
DARN_MUST_CHECK
enum darn_rc darn_parts_find(struct darn_parts *p, const char *path,
			     struct darn_part **part, const char **rel,
			     struct darn_error *err);

/* Takes the lock of one part unless it is held already. */
DARN_MUST_CHECK
enum darn_rc darn_part_hold(struct darn_part *part, struct darn_journal *j,
			    bool assume_stopped, struct darn_error *err);

/* Gives all locks back. */
DARN_MUST_CHECK
enum darn_rc darn_parts_unhold(struct darn_parts *p, struct darn_error *err);

void darn_parts_release(struct darn_parts *p);

/* Opens the store's context of @tree, what it has to say being dropped. */
DARN_MUST_CHECK
enum darn_rc darn_store_open_quietly(const struct darn_store *store,
				     struct darn_tree *tree, void **ctx,
				     struct darn_error *err);

#endif
