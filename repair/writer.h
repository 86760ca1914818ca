/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - how a repair writes into a store, and the only way it does.
 * Putting things back is undo.h, the lock of the engine hold.h.
 *
 * There is no way to write past the journal: both images of every unit are in
 * it, synced, before the first byte changes.  Then every unit is written,
 * synced, read back from the medium, compared and checked.  What is not as
 * wanted is put back at once.  A file's times stay as they were.
 *
 * Units of one file are written in groups, so that a group costs two syncs.
 */
#ifndef DARN_REPAIR_WRITER_H
#define DARN_REPAIR_WRITER_H

#include "lib/io/tree.h"
#include "repair/journal.h"

enum {
	DARN_WRITER_GROUP = 128,	   /* units */
	DARN_WRITER_GROUP_BYTES = 1 << 20, /* of new images */
};

struct darn_writer {
	struct darn_journal *journal;
	/* May the next unit be written?  Asked before every one. */
	enum darn_rc (*guard)(void *arg, struct darn_error *err);
	/* Is what was read back from @off good?  May be NULL. */
	enum darn_rc (*check)(void *arg, uint64_t off, const uint8_t *buf,
			      size_t len, bool *good, struct darn_error *err);
	void *arg;
};

struct darn_wunit {
	uint64_t off;
	const uint8_t *pre, *new;
	size_t pre_len, new_len; /* they differ at the end of the file only */
	bool unreadable;	 /* parts of pre could not be read */
	bool done;		 /* out: it is there and good */
};

struct darn_wfile;

/*
 * Opens the existing file @path of @tree.  DARN_EREFUSED where it has more than
 * one name or changes in between.
 */
DARN_MUST_CHECK
enum darn_rc darn_wfile_open(struct darn_tree *tree, const char *path,
			     struct darn_wfile **out, struct darn_error *err);
const struct darn_stat *darn_wfile_stat(const struct darn_wfile *f);

/* For reading only: what is there now. */
struct darn_io *darn_wfile_io(struct darn_wfile *f);
void darn_wfile_close(struct darn_wfile *f); /* NULL is fine */

/*
 * Writes the @n units, sorted, within the limits above.  Units with done ==
 * false after DARN_OK were put back.  After an error what could be put back
 * was; the journal knows the rest.
 */
DARN_MUST_CHECK
enum darn_rc darn_writer_write(struct darn_writer *w, struct darn_wfile *f,
			       struct darn_wunit *units, size_t n,
			       struct darn_error *err);

/* Puts back, last first, every unit of @f from number @first on. */
DARN_MUST_CHECK
enum darn_rc darn_writer_roll_back(struct darn_writer *w, struct darn_wfile *f,
				   uint64_t first, struct darn_error *err);

/* The number that the next unit will have. */
uint64_t darn_writer_next(const struct darn_writer *w);

/* From now on this is the time to keep: that of its seal. */
DARN_MUST_CHECK
enum darn_rc darn_writer_set_mtime(struct darn_writer *w, struct darn_wfile *f,
				   int64_t mtime_ns, struct darn_error *err);

/* A file that is missing. */
struct darn_wnew {
	struct darn_tree *tree; /* of the target */
	const char *path;
	struct darn_io *from;
	uint64_t size, digest; /* darn_digest_io() of @from */
	bool sparse;	       /* leave out zeros */
	uint32_t mode, uid, gid;
	int64_t mtime_ns;
};

/* The file appears whole or not at all.  Never replaces anything. */
DARN_MUST_CHECK
enum darn_rc darn_writer_create_file(struct darn_writer *w,
				     const struct darn_wnew *n,
				     struct darn_error *err);

/* A directory that is missing; its parent exists. */
DARN_MUST_CHECK
enum darn_rc darn_writer_create_dir(struct darn_writer *w,
				    const struct darn_wnew *n,
				    struct darn_error *err);

/* ---- shared with undo ---- */

/* Sets the times of the open file @fd and syncs them. */
DARN_MUST_CHECK
enum darn_rc darn_keep_times(int fd, const char *path, int64_t atime_ns,
			     int64_t mtime_ns, struct darn_error *err);

#endif
