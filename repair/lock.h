/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.h - an engine's lock in the file system: taking it and giving it back.
 *
 * Both happen in one step, by rename: the name is never without a lock that was
 * there, and never half made.  What is not at the name lies beside it
 * ("aside"): our lock while it is made or taken apart, and what was there while
 * we hold it.  The steps, each of which recovery can find:
 *
 *   name: what was there   aside: nothing
 *   name: what was there   aside: ours, perhaps in part
 *   name: ours             aside: what was there
 *   name: what was there   aside: ours, perhaps in part
 *   name: what was there   aside: nothing
 */
#ifndef DARN_REPAIR_LOCK_H
#define DARN_REPAIR_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct darn_lock {
	char *path;   /* absolute */
	char *inside; /* the file in it; NULL: the lock is a file itself */
	char *aside;
};

/* @inside "": the lock is a file.  Release it after an error, too. */
DARN_MUST_CHECK
enum darn_rc darn_lock_init(struct darn_lock *l, const char *path,
			    const char *inside, struct darn_error *err);
void darn_lock_release(struct darn_lock *l);

/* A text; @data NULL: there is none. */
struct darn_lock_text {
	char *data;
	size_t len;
	int64_t mtime_ns; /* 0: not known */
};

/* What is there before ours, to be freed; no text where there is nothing. */
DARN_MUST_CHECK
enum darn_rc darn_lock_old(const struct darn_lock *l,
			   struct darn_lock_text *out, struct darn_error *err);

/* Is the lock there, with @text? */
bool darn_lock_is(const struct darn_lock *l, const struct darn_lock_text *text);

/* Takes the place of @old.  DARN_EREFUSED where that is not there. */
DARN_MUST_CHECK
enum darn_rc darn_lock_place(const struct darn_lock *l,
			     const struct darn_lock_text *ours,
			     const struct darn_lock_text *old,
			     struct darn_error *err);

/* Gives the place, which is ours, back to @old or to nobody. */
DARN_MUST_CHECK
enum darn_rc darn_lock_give_back(const struct darn_lock *l,
				 const struct darn_lock_text *old,
				 struct darn_error *err);

/* Removes what we left aside; the place is not ours. */
void darn_lock_tidy(const struct darn_lock *l,
		    const struct darn_lock_text *old);

#endif
