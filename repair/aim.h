/* SPDX-License-Identifier: Apache-2.0 */
/* aim.h - PATH: what is to be repaired. */
#ifndef DARN_REPAIR_AIM_H
#define DARN_REPAIR_AIM_H

#include "repair/part.h"

struct darn_aim {
	char *typed; /* as typed, without slashes at the end */
	char *abs;   /* the same, resolved */
	char *base;  /* root of its store if it lies in one, else itself, or
		      * for a file its directory */
	bool is_file;
	int lock_fd; /* kernel lock: one repair at a time */
};

DARN_MUST_CHECK
enum darn_rc darn_aim_open(const char *path,
			   const struct darn_store *const *stores,
			   struct darn_aim *t, struct darn_error *err);
void darn_aim_release(struct darn_aim *t);

/* Keeps a second repair of the same target out; DARN_EREFUSED. */
DARN_MUST_CHECK
enum darn_rc darn_aim_lock(struct darn_aim *t, struct darn_error *err);

/* How @abs, which lies in the target, is shown; to be freed. */
char *darn_aim_shown(const struct darn_aim *t, const char *abs,
		     struct darn_error *err);

/* The other way round: the absolute path of what a report calls @shown. */
char *darn_aim_abs(const struct darn_aim *t, const char *shown,
		   struct darn_error *err);

#endif
