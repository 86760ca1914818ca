/* SPDX-License-Identifier: Apache-2.0 */
/* subtree.h - a directory of a tree, seen as a tree of its own. */
#ifndef DARN_REPAIR_SUBTREE_H
#define DARN_REPAIR_SUBTREE_H

#include "lib/io/tree.h"

/* Owns @inner if it succeeds. */
DARN_MUST_CHECK
enum darn_rc darn_subtree_open(struct darn_tree *inner, const char *prefix,
			       struct darn_tree **out, struct darn_error *err);

#endif
