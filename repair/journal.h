/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - what a repair is about to overwrite, and with what.
 *
 * Append-only records behind a small head, each under a checksum that also
 * covers the checksum of the record before it: nothing can be altered, dropped
 * or put in another order unseen.  Who writes into a store first appends both
 * images and calls darn_journal_sync(); darn-journal(5) documents the layout.
 *
 * Open and closed.  While a repair runs, its journal is open, and an incomplete
 * last record means that the write it announces never began.  A closed journal
 * knows its own length: one that is shorter, or fails anywhere, is
 * DARN_ECORRUPT and undoes nothing.
 *
 * A journal is in use as long as somebody holds a kernel lock (flock) on it.
 */
#ifndef DARN_REPAIR_JOURNAL_H
#define DARN_REPAIR_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

enum darn_journal_type {
	DARN_J_HEAD = 1, /* path: root of the target; always the first */
	DARN_J_HOLD,	 /* path: the engine's lock, or with DARN_J_DIRECTORY
			  * the file in the directory that is the lock; new:
			  * what we put there; pre: what was there, if
			  * DARN_J_EXISTED */
	DARN_J_UNIT,	 /* bytes of a file: both images */
	DARN_J_DONE,	 /* units id .. id + count - 1 are as wanted */
	DARN_J_ROLLED,	 /* those units were put back at once */
	DARN_J_CREATE,	 /* a file that was absent; new: name while it grew */
	DARN_J_MKDIR,	 /* a directory that was absent */
	DARN_J_TIMES,	 /* path: got its sealed mtime_ns */
	DARN_J_END,	 /* nothing is being written any more */
	DARN_J_UNDOING,	 /* from here on images are being put back */
	DARN_J_UNDONE,	 /* everything was put back */
};

enum {
	DARN_J_EXISTED = 1u << 0,
	DARN_J_UNREADABLE = 1u << 1, /* parts of pre could not be read */
	DARN_J_DIRECTORY = 1u << 2,  /* HOLD: see there */
};

enum {
	DARN_J_MAX_IMAGE = 1 << 20
}; /* bytes of one image */

/* Fields that a type does not use are 0 and empty. */
struct darn_jrec {
	enum darn_journal_type type;
	uint64_t id, count; /* UNIT and CREATE are numbered from 0 */
	const char *path;   /* absolute */
	uint32_t flags;
	uint64_t dev, ino; /* of the file (HEAD: of the root) */
	uint64_t off;
	uint64_t old_size, new_size; /* of the file before and after */
	int64_t mtime_ns, atime_ns;  /* before (CREATE: wanted) */
	uint32_t mode, uid, gid;
	uint64_t digest; /* CREATE: of the file, as digest.h has it */
	const uint8_t *pre, *new;
	size_t pre_len, new_len;
};

struct darn_journal;

/* Makes, locks and syncs a new journal for the target @root (absolute). */
DARN_MUST_CHECK
enum darn_rc darn_journal_create(const char *root, struct darn_journal **out,
				 struct darn_error *err);

/* Numbers a UNIT or CREATE in r->id.  Not durable before the next sync. */
DARN_MUST_CHECK
enum darn_rc darn_journal_append(struct darn_journal *j, struct darn_jrec *r,
				 struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_journal_sync(struct darn_journal *j, struct darn_error *err);

/* Appends @last (END or UNDONE), syncs, and marks the journal as closed. */
DARN_MUST_CHECK
enum darn_rc darn_journal_end(struct darn_journal *j,
			      enum darn_journal_type last,
			      struct darn_error *err);

/* Appends UNDOING to a closed journal and opens it again. */
DARN_MUST_CHECK
enum darn_rc darn_journal_reopen(struct darn_journal *j,
				 struct darn_error *err);

/*
 * Opens and verifies every record.  With @write it can be appended to
 * afterwards, and a torn last record is cut off; it is locked, and
 * DARN_EREFUSED where another process uses it.
 */
DARN_MUST_CHECK
enum darn_rc darn_journal_open(const char *path, bool write,
			       struct darn_journal **out,
			       struct darn_error *err);

/* Releases the lock; NULL is fine.  The file stays as it is. */
void darn_journal_close(struct darn_journal *j);

const char *darn_journal_path(const struct darn_journal *j);
const char *darn_journal_root(const struct darn_journal *j);
bool darn_journal_closed(const struct darn_journal *j);
/* The number of the next UNIT or CREATE. */
uint64_t darn_journal_next_id(const struct darn_journal *j);

/*
 * Walks the records: *pos is 0 for the first (next) or last (prev) one.
 * DARN_ENOENT after the end.  *out lives until the next call on @j.
 */
DARN_MUST_CHECK
enum darn_rc darn_journal_next(struct darn_journal *j, uint64_t *pos,
			       struct darn_jrec *out, struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_journal_prev(struct darn_journal *j, uint64_t *pos,
			       struct darn_jrec *out, struct darn_error *err);

/*
 * The path of an open journal whose target overlaps with @root and that nobody
 * uses, to be freed; DARN_ENOENT where there is none.
 */
DARN_MUST_CHECK
enum darn_rc darn_journal_unfinished(const char *root, char **out,
				     struct darn_error *err);

#endif
