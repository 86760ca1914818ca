/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h - the directory that a restore writes into.
 *
 * Every path is opened from the target downwards without following a link, so
 * that a link that is restored, or was there before, leads nowhere.
 */
#ifndef DARN_LIB_SNAPSHOT_TARGET_H
#define DARN_LIB_SNAPSHOT_TARGET_H

#include "lib/io/io.h"

struct darn_target;

/*
 * The directory @path, and in it the one that the snapshot calls @below ("" or
 * an absolute path, which is not believed: see above).  Made where there is
 * none, with the directories above it.  DARN_EREFUSED where something is in
 * it, unless @force.
 */
DARN_MUST_CHECK
enum darn_rc darn_target_open(const char *path, const char *below, bool force,
			      struct darn_target **out, struct darn_error *err);
void darn_target_close(struct darn_target *t); /* NULL is fine */

DARN_MUST_CHECK
enum darn_rc darn_target_dir(struct darn_target *t, const char *rel,
			     struct darn_error *err);

/* A new file, @size bytes of hole; with @force in place of another. */
DARN_MUST_CHECK
enum darn_rc darn_target_file(struct darn_target *t, const char *rel,
			      uint64_t size, bool force, int *fd,
			      struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_target_link(struct darn_target *t, const char *rel,
			      const char *link, const struct darn_stat *st,
			      bool force, struct darn_error *err);

/*
 * Owner, mode and times, and closes @fd.  False where the owner could not be
 * set, which only root may do.
 */
bool darn_target_settle(int fd, const struct darn_stat *st);
bool darn_target_settle_dir(struct darn_target *t, const char *rel,
			    const struct darn_stat *st);

/* Everything written is on the medium. */
DARN_MUST_CHECK
enum darn_rc darn_target_sync(struct darn_target *t, struct darn_error *err);

#endif
