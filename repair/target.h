/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - PATH: what is to be repaired. */
#ifndef DARN_REPAIR_TARGET_H
#define DARN_REPAIR_TARGET_H

#include "repair/part.h"

struct darn_target {
	char *typed; /* as typed, without slashes at the end */
	char *abs;   /* the same, resolved */
	char *base;  /* root of its store if it lies in one, else itself, or
		      * for a file its directory */
	bool is_file;
	int lock_fd; /* kernel lock: one repair at a time */
};

DARN_MUST_CHECK
enum darn_rc darn_target_open(const char *path,
			      const struct darn_store *const *stores,
			      struct darn_target *t, struct darn_error *err);
void darn_target_release(struct darn_target *t);

/* Keeps a second repair of the same target out; DARN_EREFUSED. */
DARN_MUST_CHECK
enum darn_rc darn_target_lock(struct darn_target *t, struct darn_error *err);

/* How @abs, which lies in the target, is shown; to be freed. */
char *darn_target_shown(const struct darn_target *t, const char *abs,
			struct darn_error *err);

#endif
