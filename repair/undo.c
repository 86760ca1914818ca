/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undo.c - the records of a journal, last to first, each image put back.
 *
 * First the journal is opened again ("undoing"), so that a hold that outlives
 * us belongs to an unfinished journal; the store is held, everything is looked
 * at and nothing written: one unit that is neither image nor a mixture of the
 * two, and the whole is refused and the journal closed again.  Then every unit
 * is looked at once more at the moment it is put back.  A unit that is old
 * already is passed over, so that an undo that was killed is simply run again.
 */
#include "repair/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/fd.h"
#include "repair/digest.h"
#include "repair/image.h"
#include "repair/writer.h"

enum {
	NS = 1000000000
};

struct undo {
	const struct darn_undo_options *o;
	struct darn_undo_result *out;
	struct darn_journal *j;
	struct darn_parts parts;
	bool intact; /* our lock outlived us: nobody used the store since */
	/* the file that is open now */
	char *path;
	int fd;
	int64_t mtime_ns, atime_ns; /* to give back */
	int64_t left_ns;	    /* what the repair left, if has_left */
	bool has_left, dirty, keep_times;
	bool putting; /* the second pass */
};

static enum darn_rc strange(const char *path, uint64_t off,
			    struct darn_error *err)
{
	return darn_fail(err, DARN_EREFUSED, 0,
			 "'%s' at %llu is neither what the repair wrote nor "
			 "what was there before: nothing is put back",
			 path, (unsigned long long)off);
}

/* Closes the open file, synced and with its times. */
static enum darn_rc leave_file(struct undo *u, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (u->fd < 0)
		return DARN_OK;
	if (u->dirty && fsync(u->fd) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot sync '%s'",
			       u->path);
	if (!rc && u->keep_times && u->putting)
		rc = darn_keep_times(u->fd, u->path, u->atime_ns, u->mtime_ns,
				     err);
	(void)close(u->fd);
	free(u->path);
	u->fd = -1;
	u->path = NULL;
	u->dirty = u->has_left = false;
	return rc;
}

static int64_t mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * NS + st->st_mtim.tv_nsec;
}

/* Times go back where nobody but the repair can have moved them. */
static enum darn_rc enter_file(struct undo *u, const struct darn_jrec *r,
			       bool write, struct darn_error *err)
{
	bool has_left = u->has_left;
	int64_t left = u->left_ns;
	enum darn_rc rc = DARN_OK;
	struct stat st;

	if (u->fd >= 0 && strcmp(u->path, r->path) == 0) {
		u->mtime_ns = r->mtime_ns;
		return DARN_OK;
	}
	if (u->fd >= 0)
		rc = leave_file(u, err);
	if (rc)
		return rc;
	u->path = darn_strdup(r->path, err);
	if (!u->path)
		return DARN_ENOMEM;
	u->fd = open(r->path, (write ? O_RDWR : O_RDONLY) | O_NOFOLLOW |
				      O_NONBLOCK | O_CLOEXEC);
	if (u->fd < 0 || fstat(u->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return darn_fail(err, DARN_EREFUSED, errno,
				 "cannot open '%s', which was repaired",
				 r->path);
	u->mtime_ns = r->mtime_ns;
	u->atime_ns = r->atime_ns;
	u->keep_times = u->intact || mtime_of(&st) == r->mtime_ns ||
			(has_left && mtime_of(&st) == left);
	return DARN_OK;
}

static enum darn_rc look_unit(struct undo *u, const struct darn_jrec *r,
			      struct darn_error *err)
{
	enum darn_image image;
	enum darn_rc rc = enter_file(u, r, false, err);

	if (!rc)
		rc = darn_image_look(r, u->fd, &image, err);
	if (!rc && image == DARN_IMAGE_OTHER)
		rc = strange(r->path, r->off, err);
	u->out->units++;
	return rc;
}

/* *there: the file exists; it must be the one that was created. */
static enum darn_rc look_created(const struct darn_jrec *r, bool *there,
				 struct darn_error *err)
{
	uint64_t digest, size;
	struct darn_io *io;
	enum darn_rc rc = darn_io_open_posix(AT_FDCWD, r->path, r->path, false,
					     &io, NULL);

	*there = rc == DARN_OK;
	if (rc == DARN_ENOENT)
		return DARN_OK;
	if (rc)
		return darn_fail(err, rc, 0, "cannot open '%s'", r->path);
	rc = darn_digest_io(io, DARN_READ_NORMAL, &digest, &size, err);
	darn_io_close(io);
	if (!rc && (size != r->new_size || digest != r->digest))
		rc = strange(r->path, 0, err);
	return rc;
}

static enum darn_rc hold_for(struct undo *u, const struct darn_jrec *r,
			     struct darn_error *err)
{
	bool writes = r->type == DARN_J_UNIT || r->type == DARN_J_CREATE ||
		      r->type == DARN_J_MKDIR;
	struct darn_part *part;
	const char *rel;
	enum darn_rc rc;

	if (!writes || u->o->dry_run)
		return DARN_OK;
	rc = darn_parts_find(&u->parts, r->path, &part, &rel, err);
	if (!rc && !part->held)
		rc = darn_part_hold(part, u->j, u->o->assume_stopped, err);
	return rc ? rc : darn_hold_check(part->held, err);
}

/* The first pass: is everything as it may be? */
static enum darn_rc look(struct undo *u, const struct darn_jrec *r,
			 struct darn_error *err)
{
	enum darn_rc rc = hold_for(u, r, err);
	bool there;

	if (rc)
		return rc;
	switch (r->type) {
	case DARN_J_UNIT:
		return look_unit(u, r, err);
	case DARN_J_CREATE:
		u->out->files++;
		return look_created(r, &there, err);
	case DARN_J_MKDIR:
		u->out->dirs++;
		return DARN_OK;
	default:
		return DARN_OK;
	}
}

static enum darn_rc put_unit(struct undo *u, const struct darn_jrec *r,
			     struct darn_error *err)
{
	enum darn_image image;
	enum darn_rc rc = enter_file(u, r, true, err);

	if (!rc)
		rc = darn_image_look(r, u->fd, &image, err);
	if (rc || image == DARN_IMAGE_PRE)
		return rc;
	if (image == DARN_IMAGE_OTHER)
		return strange(r->path, r->off, err);
	rc = darn_image_put(r, u->fd, true, err);
	if (!rc && fdatasync(u->fd) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot sync '%s'",
			       r->path);
	u->dirty = true;
	/* from the medium, not from the cache */
	(void)posix_fadvise(u->fd, (off_t)r->off, (off_t)r->pre_len,
			    POSIX_FADV_DONTNEED);
	if (!rc)
		rc = darn_image_look(r, u->fd, &image, err);
	if (!rc && image != DARN_IMAGE_PRE)
		rc = darn_fail(err, DARN_EIO, 0,
			       "'%s' at %llu is not read back as written",
			       r->path, (unsigned long long)r->off);
	u->out->put_back += !rc;
	return rc;
}

static enum darn_rc remove_created(struct undo *u, const struct darn_jrec *r,
				   struct darn_error *err)
{
	bool there;
	enum darn_rc rc = look_created(r, &there, err);

	if (!rc && r->new_len && r->new[r->new_len - 1] == '\0')
		(void)unlink((const char *)r->new);
	if (rc || !there)
		return rc;
	if (unlink(r->path) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot remove '%s'",
				 r->path);
	u->out->removed++;
	return darn_sync_parent(r->path, err);
}

static enum darn_rc remove_dir(struct undo *u, const struct darn_jrec *r,
			       struct darn_error *err)
{
	if (rmdir(r->path) < 0 && errno != ENOENT)
		return darn_fail(err, DARN_EREFUSED, errno,
				 "cannot remove the directory '%s'", r->path);
	u->out->removed++;
	return darn_sync_parent(r->path, err);
}

/* The second pass. */
static enum darn_rc put_back(struct undo *u, const struct darn_jrec *r,
			     struct darn_error *err)
{
	enum darn_rc rc = hold_for(u, r, err);

	if (rc)
		return rc;
	switch (r->type) {
	case DARN_J_UNIT:
		return put_unit(u, r, err);
	case DARN_J_CREATE:
		return remove_created(u, r, err);
	case DARN_J_MKDIR:
		return remove_dir(u, r, err);
	default:
		return DARN_OK;
	}
}

typedef enum darn_rc (*step_fn)(struct undo *u, const struct darn_jrec *r,
				struct darn_error *err);

/* All records of the repair, last to first. */
static enum darn_rc walk(struct undo *u, step_fn step, struct darn_error *err)
{
	struct darn_jrec r;
	uint64_t pos = 0;
	enum darn_rc rc, left;

	while ((rc = darn_journal_prev(u->j, &pos, &r, err)) == DARN_OK) {
		if (r.type == DARN_J_TIMES) {
			rc = leave_file(u, err);
			u->left_ns = r.mtime_ns;
			u->has_left = true;
		}
		if (!rc)
			rc = step(u, &r, err);
		if (rc)
			break;
	}
	left = leave_file(u, err);
	return rc && rc != DARN_ENOENT ? rc : left;
}

static bool undone(struct darn_journal *j)
{
	struct darn_jrec last;
	uint64_t pos = 0;

	return darn_journal_closed(j) &&
	       darn_journal_prev(j, &pos, &last, NULL) == DARN_OK &&
	       last.type == DARN_J_UNDONE;
}

static enum darn_rc put_all_back(struct undo *u, struct darn_error *err)
{
	enum darn_rc rc;

	u->putting = true;
	rc = walk(u, put_back, err);
	if (!rc)
		rc = darn_parts_unhold(&u->parts, err);
	return rc ? rc : darn_journal_end(u->j, DARN_J_UNDONE, err);
}

/* Nothing was put back, and the repair is as it was. */
static void leave_as_it_was(struct undo *u)
{
	if (darn_parts_unhold(&u->parts, NULL) == DARN_OK)
		darn_ignore(darn_journal_end(u->j, DARN_J_END, NULL));
}

static enum darn_rc undo_held(struct undo *u, struct darn_error *err)
{
	enum darn_rc rc = darn_hold_recover(u->j, &u->intact, err);
	bool closed = darn_journal_closed(u->j);

	if (!rc && closed)
		rc = darn_journal_reopen(u->j, err);
	if (rc)
		return rc;
	rc = walk(u, look, err);
	if (!rc)
		return put_all_back(u, err);
	if (closed)
		leave_as_it_was(u);
	return rc;
}

static void copy_root(struct undo *u)
{
	size_t n = DARN_MIN(strlen(u->parts.base), sizeof(u->out->root) - 1);

	memcpy(u->out->root, u->parts.base, n);
	u->out->root[n] = '\0';
}

enum darn_rc darn_undo(const char *journal, const struct darn_undo_options *o,
		       struct darn_undo_result *out, struct darn_error *err)
{
	struct undo u = {.o = o, .out = out, .fd = -1};
	enum darn_rc rc;

	memset(out, 0, sizeof(*out));
	rc = darn_journal_open(journal, true, &u.j, err);
	if (rc)
		return rc;
	u.parts.stores = o->stores;
	u.parts.base = darn_journal_root(u.j);
	copy_root(&u);
	out->was_undone = undone(u.j);
	if (!out->was_undone)
		rc = o->dry_run ? walk(&u, look, err) : undo_held(&u, err);
	darn_parts_release(&u.parts);
	darn_journal_close(u.j);
	return rc;
}
