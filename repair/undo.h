/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undo.h - after a repair: putting everything back, and finishing what was
 * begun when the repair was killed.
 */
#ifndef DARN_REPAIR_UNDO_H
#define DARN_REPAIR_UNDO_H

#include "repair/part.h"
#include "repair/repair.h"

/*
 * Finishes the unfinished repair in the journal @path.  A unit that was being
 * written becomes new, as the journal has it, where nobody can have used the
 * store since; else it becomes old.  Whatever is neither is left alone and
 * counted in *strange.
 *
 * @sealed: tells whether the file's every block is as sealed, and then the
 * sealed time; may be NULL.
 */
struct darn_recover_options {
	const struct darn_store *const *stores;
	bool assume_stopped;
	bool (*sealed)(void *arg, const char *path, int64_t *mtime_ns);
	void *arg;
};
DARN_MUST_CHECK
enum darn_rc darn_recover_journal(const char *path,
				  const struct darn_recover_options *o,
				  uint64_t *strange, struct darn_error *err);

#endif
