/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.c - units of files that exist.  Missing files: create.c.
 *
 * Every system call that changes something is a point where the machine may
 * stop; the order that makes each of them harmless is
 *
 *	append both images to the journal; fsync it
 *	for each unit: ask the guard; pwrite; ftruncate if the size changes
 *	fdatasync the file; read back past the page cache; compare; check
 *	put back what is not good; fdatasync
 *	give the file its times back; append "done"
 */
#include "repair/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "repair/image.h"

enum {
	NS = 1000000000
};

struct darn_wfile {
	char *path; /* absolute */
	int fd;
	struct darn_io *io;
	struct darn_stat st;
	int64_t atime_ns;
};

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / NS, .tv_nsec = ns % NS};

	if (t.tv_nsec < 0) {
		t.tv_nsec += NS;
		t.tv_sec--;
	}
	return t;
}

enum darn_rc darn_keep_times(int fd, const char *path, int64_t atime_ns,
			     int64_t mtime_ns, struct darn_error *err)
{
	struct timespec t[2] = {timespec_of(atime_ns), timespec_of(mtime_ns)};

	if (futimens(fd, t) < 0 || fsync(fd) < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot set the times of '%s'", path);
	return DARN_OK;
}

void darn_wfile_close(struct darn_wfile *f)
{
	if (!f)
		return;
	darn_io_close(f->io);
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f->path);
	free(f);
}

const struct darn_stat *darn_wfile_stat(const struct darn_wfile *f)
{
	return &f->st;
}

struct darn_io *darn_wfile_io(struct darn_wfile *f)
{
	return f->io;
}

/* The tree vouches for the path; the descriptor must be the same file. */
static enum darn_rc open_same(struct darn_wfile *f, struct darn_error *err)
{
	struct stat st;

	f->fd = open(f->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f->fd < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot open '%s' for writing", f->path);
	if (fstat(f->fd, &st) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot stat '%s'",
				 f->path);
	if (!S_ISREG(st.st_mode) || st.st_dev != f->st.dev ||
	    st.st_ino != f->st.ino)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' changed while it was being opened",
				 f->path);
	f->atime_ns = ns_of(st.st_atim);
	return DARN_OK;
}

enum darn_rc darn_wfile_open(struct darn_tree *tree, const char *path,
			     struct darn_wfile **out, struct darn_error *err)
{
	struct darn_wfile *f = darn_calloc(1, sizeof(*f), err);
	enum darn_rc rc = DARN_ENOMEM;

	if (!f)
		return DARN_ENOMEM;
	f->fd = -1;
	f->path = darn_path_join(tree->os_path, path, err);
	if (f->path)
		rc = darn_tree_open(tree, path, &f->io, err);
	if (!rc)
		rc = darn_io_stat(f->io, &f->st, err);
	if (!rc && f->st.nlink > 1)
		rc = darn_fail(err, DARN_EREFUSED, 0,
			       "'%s' has %llu names: another one is probably "
			       "somebody's backup",
			       f->path, (unsigned long long)f->st.nlink);
	if (!rc)
		rc = open_same(f, err);
	if (rc) {
		darn_wfile_close(f);
		return rc;
	}
	*out = f;
	return DARN_OK;
}

/* Has anybody but us written to the file?  Then its times are not ours. */
static enum darn_rc still_ours(const struct darn_wfile *f,
			       struct darn_error *err)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot stat '%s'",
				 f->path);
	if (ns_of(st.st_mtim) != f->st.mtime_ns ||
	    (uint64_t)st.st_size != f->st.size)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' changes while it is being repaired",
				 f->path);
	return DARN_OK;
}

/* The journal's record of a unit; *size becomes the file's size after it. */
static struct darn_jrec record_of(const struct darn_wfile *f,
				  const struct darn_wunit *u, uint64_t *size)
{
	struct darn_jrec r = {
		.type = DARN_J_UNIT,
		.path = f->path,
		.flags = u->unreadable ? DARN_J_UNREADABLE : 0,
		.dev = f->st.dev,
		.ino = f->st.ino,
		.off = u->off,
		.old_size = *size,
		.mtime_ns = f->st.mtime_ns,
		.atime_ns = f->atime_ns,
		.mode = f->st.mode,
		.uid = f->st.uid,
		.gid = f->st.gid,
		.pre = u->pre,
		.new = u->new,
		.pre_len = u->pre_len,
		.new_len = u->new_len,
	};

	if (u->pre_len > u->new_len)
		*size = DARN_MIN(*size, u->off + u->new_len);
	else
		*size = DARN_MAX(*size, u->off + u->new_len);
	r.new_size = *size;
	return r;
}

static enum darn_rc journal_units(struct darn_writer *w,
				  const struct darn_wfile *f,
				  const struct darn_wunit *units, size_t n,
				  uint64_t *first, struct darn_error *err)
{
	uint64_t size = f->st.size;

	for (size_t i = 0; i < n; i++) {
		struct darn_jrec r = record_of(f, &units[i], &size);
		enum darn_rc rc = darn_journal_append(w->journal, &r, err);

		if (rc)
			return rc;
		if (i == 0)
			*first = r.id;
	}
	return darn_journal_sync(w->journal, err);
}

static enum darn_rc mark(struct darn_writer *w, enum darn_journal_type type,
			 uint64_t first, uint64_t n, struct darn_error *err)
{
	struct darn_jrec r = {.type = type, .id = first, .count = n};

	return darn_journal_append(w->journal, &r, err);
}

static enum darn_rc sync_data(const struct darn_wfile *f,
			      struct darn_error *err)
{
	if (fdatasync(f->fd) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot sync '%s'",
				 f->path);
	return DARN_OK;
}

static enum darn_rc put_units(struct darn_writer *w, struct darn_wfile *f,
			      struct darn_wunit *units, size_t n,
			      size_t *written, struct darn_error *err)
{
	uint64_t size = f->st.size;

	for (*written = 0; *written < n; (*written)++) {
		struct darn_jrec r = record_of(f, &units[*written], &size);
		enum darn_rc rc = w->guard ? w->guard(w->arg, err) : DARN_OK;

		if (rc)
			return rc;
		rc = darn_image_put(&r, f->fd, false, err);
		if (rc) {
			(*written)++; /* some of it may be there */
			return rc;
		}
	}
	return sync_data(f, err);
}

/* What the medium gives back must be the new image, and good. */
static enum darn_rc look_again(struct darn_writer *w, struct darn_wfile *f,
			       struct darn_wunit *u, struct darn_error *err)
{
	uint8_t *buf = aligned_alloc(4096, DARN_J_MAX_IMAGE);
	struct darn_error ignored = DARN_ERROR_INIT;
	bool good = true;
	enum darn_rc rc;
	size_t got;

	if (!buf)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	rc = darn_io_read(f->io, buf, u->new_len, u->off, DARN_READ_MEDIUM,
			  &got, &ignored);
	if (rc || got != u->new_len || memcmp(buf, u->new, got) != 0)
		good = false;
	rc = DARN_OK;
	if (good && w->check)
		rc = w->check(w->arg, u->off, buf, got, &good, err);
	free(buf);
	u->done = !rc && good;
	return rc;
}

/* Puts back the units [0, n) that are not done, last first. */
static enum darn_rc roll_back(struct darn_writer *w, struct darn_wfile *f,
			      struct darn_wunit *units, size_t n,
			      uint64_t first, struct darn_error *err)
{
	uint64_t *sizes = darn_calloc(n + 1, sizeof(*sizes), err);
	enum darn_rc rc = sizes ? DARN_OK : DARN_ENOMEM;
	uint64_t size = f->st.size;
	bool any = false;

	for (size_t i = 0; sizes && i < n; i++) {
		sizes[i] = size;
		(void)record_of(f, &units[i], &size);
	}
	for (size_t i = n; !rc && i-- > 0;) {
		struct darn_jrec r;

		if (units[i].done)
			continue;
		r = record_of(f, &units[i], &sizes[i]);
		rc = darn_image_put(&r, f->fd, true, err);
		if (!rc)
			rc = mark(w, DARN_J_ROLLED, first + i, 1, err);
		any = true;
	}
	free(sizes);
	return rc || !any ? rc : sync_data(f, err);
}

/* Any unit that changes the size stands or falls with those after it. */
static void fail_together(struct darn_wunit *units, size_t n)
{
	bool bad = false;

	for (size_t i = 0; i < n; i++)
		bad = bad || !units[i].done;
	for (size_t i = 0; bad && i < n; i++)
		if (units[i].pre_len != units[i].new_len)
			units[i].done = false;
}

static enum darn_rc restore_times(struct darn_wfile *f, struct darn_error *err)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot stat '%s'",
				 f->path);
	f->st.size = (uint64_t)st.st_size;
	return darn_keep_times(f->fd, f->path, f->atime_ns, f->st.mtime_ns,
			       err);
}

static enum darn_rc mark_done(struct darn_writer *w,
			      const struct darn_wunit *units, size_t n,
			      uint64_t first, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	for (size_t i = 0, run; !rc && i < n; i += run) {
		for (run = 1;
		     i + run < n && units[i + run].done == units[i].done; run++)
			;
		if (units[i].done)
			rc = mark(w, DARN_J_DONE, first + i, run, err);
	}
	return rc;
}

enum darn_rc darn_writer_write(struct darn_writer *w, struct darn_wfile *f,
			       struct darn_wunit *units, size_t n,
			       struct darn_error *err)
{
	uint64_t first = 0;
	size_t written = 0;
	enum darn_rc rc = still_ours(f, err), back;

	for (size_t i = 0; i < n; i++)
		units[i].done = false;
	if (!rc && w->guard)
		rc = w->guard(w->arg, err);
	if (!rc)
		rc = journal_units(w, f, units, n, &first, err);
	if (rc)
		return rc;
	rc = put_units(w, f, units, n, &written, err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = look_again(w, f, &units[i], err);
	if (rc) {
		for (size_t i = 0; i < n; i++)
			units[i].done = false;
	}
	fail_together(units, n);
	back = roll_back(w, f, units, written, first, err);
	if (!back)
		back = restore_times(f, err);
	if (!back)
		back = mark_done(w, units, n, first, err);
	if (!back && rc)
		back = mark(w, DARN_J_ROLLED, first + written, n - written,
			    err);
	return rc ? rc : back;
}

uint64_t darn_writer_next(const struct darn_writer *w)
{
	return darn_journal_next_id(w->journal);
}

enum darn_rc darn_writer_roll_back(struct darn_writer *w, struct darn_wfile *f,
				   uint64_t first, struct darn_error *err)
{
	uint64_t pos = 0, last = darn_writer_next(w);
	struct darn_jrec r;
	enum darn_rc rc;

	while ((rc = darn_journal_prev(w->journal, &pos, &r, err)) == DARN_OK) {
		if (r.type != DARN_J_UNIT)
			continue;
		if (r.id < first)
			break;
		rc = darn_image_put(&r, f->fd, true, err);
		if (rc)
			return rc;
	}
	if (rc && rc != DARN_ENOENT)
		return rc;
	rc = sync_data(f, err);
	if (!rc)
		rc = restore_times(f, err);
	return rc ? rc : mark(w, DARN_J_ROLLED, first, last - first, err);
}

enum darn_rc darn_writer_set_mtime(struct darn_writer *w, struct darn_wfile *f,
				   int64_t mtime_ns, struct darn_error *err)
{
	struct darn_jrec r = {
		.type = DARN_J_TIMES,
		.path = f->path,
		.mtime_ns = mtime_ns,
	};
	enum darn_rc rc;

	if (f->st.mtime_ns == mtime_ns)
		return DARN_OK;
	rc = darn_journal_append(w->journal, &r, err);
	if (!rc)
		rc = darn_journal_sync(w->journal, err);
	if (rc)
		return rc;
	f->st.mtime_ns = mtime_ns;
	return darn_keep_times(f->fd, f->path, f->atime_ns, mtime_ns, err);
}
