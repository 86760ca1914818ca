/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outfile.h - a file of our own that appears whole or not at all.
 *
 * Written under another name beside its place, synced, renamed, and then the
 * directory is synced.  Until darn_outfile_commit() succeeds, what stood at
 * the place before is untouched; darn_outfile_release() removes what was not
 * committed.  Temporary names contain DARN_OUTFILE_TMP, so that leftovers of
 * a killed run can be told.  Never used for a file of a datastore.
 */
#ifndef DARN_LIB_SEAL_OUTFILE_H
#define DARN_LIB_SEAL_OUTFILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

#define DARN_OUTFILE_TMP ".darn-tmp-"

struct darn_outfile {
	int fd; /* -1: nothing open */
	char *path, *tmp;
};

#define DARN_OUTFILE_INIT \
	{                 \
		.fd = -1  \
	}

/*
 * A rename puts the new file in the place of whatever has the name: refuses
 * what is no plain file, /dev/null for one.
 */
DARN_MUST_CHECK
enum darn_rc darn_outfile_may_replace(const char *path, struct darn_error *err);

/* Mode 0600.  Fills @f, which holds DARN_OUTFILE_INIT. */
DARN_MUST_CHECK
enum darn_rc darn_outfile_create(struct darn_outfile *f, const char *path,
				 struct darn_error *err);

/* All @len bytes or an error.  Any thread. */
DARN_MUST_CHECK
enum darn_rc darn_outfile_write(struct darn_outfile *f, const void *buf,
				size_t len, uint64_t off,
				struct darn_error *err);

/* Reads back what was written; bytes never written are zero. */
DARN_MUST_CHECK
enum darn_rc darn_outfile_read(struct darn_outfile *f, void *buf, size_t len,
			       uint64_t off, struct darn_error *err);

DARN_MUST_CHECK
enum darn_rc darn_outfile_commit(struct darn_outfile *f,
				 struct darn_error *err);

/* Removes what was not committed.  Any state is fine. */
void darn_outfile_release(struct darn_outfile *f);

/* A small file in one go. */
DARN_MUST_CHECK
enum darn_rc darn_outfile_put(const char *path, const void *buf, size_t len,
			      struct darn_error *err);

/* Bytes that nobody can guess. */
DARN_MUST_CHECK
enum darn_rc darn_random(void *buf, size_t len, struct darn_error *err);

#endif
