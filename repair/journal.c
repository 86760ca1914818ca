/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.c - the file: head, appending, closing.  Reading: journal_read.c.
 *
 * Head of 64 bytes:
 *    0  "darn-journal 1\n" and a zero byte
 *   16  slot A, 24 bytes     40  slot B, the same
 * A slot:
 *    0  u64 length when the journal was closed, 0 while it is open
 *    8  u64 checksum of the last record when it was closed
 *   16  u64 XXH3-64 of bytes 0..15
 * A is written and synced, then B, after a sync of all that they speak of.
 * The first slot that is sound counts.
 */
#include "repair/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "lib/io/fd.h"
#include "lib/state/state.h"
#include "repair/journal_file.h"

void darn_journal_close(struct darn_journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		(void)close(j->fd);
	free(j->buf.data);
	free(j->rbuf.data);
	free(j->path);
	free(j->root);
	free(j);
}

const char *darn_journal_path(const struct darn_journal *j)
{
	return j->path;
}

const char *darn_journal_root(const struct darn_journal *j)
{
	return j->root;
}

bool darn_journal_closed(const struct darn_journal *j)
{
	return j->closed_len != 0;
}

uint64_t darn_journal_next_id(const struct darn_journal *j)
{
	return j->next_id;
}

static enum darn_rc write_all(struct darn_journal *j, const uint8_t *buf,
			      size_t len, uint64_t off, struct darn_error *err)
{
	int error = darn_fd_write(j->fd, buf, len, &off);

	if (error)
		return darn_fail(err, DARN_EIO, error,
				 "cannot write the journal '%s'", j->path);
	return DARN_OK;
}

enum darn_rc darn_journal_sync(struct darn_journal *j, struct darn_error *err)
{
	if (fsync(j->fd) < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot sync the journal '%s'", j->path);
	return DARN_OK;
}

static enum darn_rc write_slots(struct darn_journal *j, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	for (unsigned i = 0; !rc && i < DARN_JOURNAL_SLOTS; i++) {
		uint8_t slot[DARN_JOURNAL_SLOT];

		darn_put_le64(slot, j->closed_len);
		darn_put_le64(slot + 8, j->closed_len ? j->sum : 0);
		darn_put_le64(slot + 16, darn_xxh3_64(slot, 16));
		rc = write_all(j, slot, sizeof(slot),
			       DARN_JOURNAL_SLOT_A + i * DARN_JOURNAL_SLOT,
			       err);
		if (!rc)
			rc = darn_journal_sync(j, err);
	}
	return rc;
}

enum darn_rc darn_journal_append(struct darn_journal *j, struct darn_jrec *r,
				 struct darn_error *err)
{
	bool numbered = r->type == DARN_J_UNIT || r->type == DARN_J_CREATE;
	enum darn_rc rc;
	uint64_t sum;

	if (numbered)
		r->id = j->next_id;
	j->buf.len = 0;
	rc = darn_jrec_encode(&j->buf, r, j->last, j->sum, &sum, err);
	if (!rc)
		rc = write_all(j, j->buf.data, j->buf.len, j->end, err);
	if (rc)
		return rc;
	j->last = j->end;
	j->end += j->buf.len;
	j->sum = sum;
	j->next_id += numbered;
	return DARN_OK;
}

enum darn_rc darn_journal_end(struct darn_journal *j,
			      enum darn_journal_type last,
			      struct darn_error *err)
{
	struct darn_jrec r = {.type = last};
	enum darn_rc rc = darn_journal_append(j, &r, err);

	if (!rc)
		rc = darn_journal_sync(j, err);
	if (rc)
		return rc;
	j->closed_len = j->end;
	return write_slots(j, err);
}

enum darn_rc darn_journal_reopen(struct darn_journal *j, struct darn_error *err)
{
	struct darn_jrec r = {.type = DARN_J_UNDOING};
	enum darn_rc rc = darn_journal_append(j, &r, err);

	if (!rc)
		rc = darn_journal_sync(j, err);
	if (rc)
		return rc;
	j->closed_len = 0;
	return write_slots(j, err);
}

/* A name that sorts by time and that no other process makes. */
static enum darn_rc pick_name(const char *root, char **out,
			      struct darn_error *err)
{
	char stamp[64], when[32];
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return darn_fail(err, DARN_EINVAL, errno, "no usable clock");
	(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 0; i < 1000; i++) {
		enum darn_rc rc;

		(void)snprintf(stamp, sizeof(stamp), "-%s-%u.journal", when, i);
		rc = darn_state_file_for("journals", root, stamp, out, err);
		if (rc)
			return rc;
		if (access(*out, F_OK) < 0)
			return DARN_OK;
		free(*out);
	}
	return darn_fail(err, DARN_EIO, EEXIST,
			 "cannot find a name for the journal");
}

static char *dir_of(const char *path, struct darn_error *err)
{
	char *dir = darn_strdup(path, err);

	if (dir)
		*strrchr(dir, '/') = '\0';
	return dir;
}

/* What is mended may take every file in it for its own. */
static enum darn_rc refuse_inside(const char *root, const char *path,
				  struct darn_error *err)
{
	char *dir = dir_of(path, err);
	char *real = dir ? realpath(dir, NULL) : NULL;
	enum darn_rc rc = DARN_OK;

	if (!dir)
		rc = DARN_ENOMEM;
	else if (real && darn_path_below(real, root))
		rc = darn_fail(err, DARN_EREFUSED, 0,
			       "the state directory '%s' lies inside '%s', "
			       "which is to be repaired: set DARN_STATE_DIR",
			       real, root);
	free(real);
	free(dir);
	return rc;
}

/* The name while it has no beginning yet; *named: it lies under that. */
static char *first_name(const char *path, struct darn_error *err)
{
	const char *slash = strrchr(path, '/');

	return darn_asprintf(err, "%.*s/.%s", (int)(slash - path), path,
			     slash + 1);
}

static enum darn_rc make_file(struct darn_journal *j, bool *named,
			      struct darn_error *err)
{
	char *dir = dir_of(j->path, err), *first = first_name(j->path, err);

	enum darn_rc rc;

	*named = false;
	if (dir)
		j->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (j->fd < 0 && first) {
		(void)unlink(first);
		j->fd = open(first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			     0600);
		*named = j->fd >= 0;
	}
	free(dir);
	free(first);
	if (j->fd < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot make the journal '%s'", j->path);
	if (flock(j->fd, LOCK_EX | LOCK_NB) < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot lock the journal '%s'", j->path);
	rc = write_all(j, (const uint8_t *)DARN_JOURNAL_MAGIC,
		       sizeof(DARN_JOURNAL_MAGIC), 0, err);
	return rc ? rc : write_slots(j, err);
}

/* A journal appears with its beginning or not at all. */
static enum darn_rc give_name(struct darn_journal *j, bool named,
			      struct darn_error *err)
{
	char *first = first_name(j->path, err), proc[64];
	int failed = -1;

	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", j->fd);
	if (first && named)
		failed = rename(first, j->path);
	else if (first)
		failed = linkat(AT_FDCWD, proc, AT_FDCWD, j->path,
				AT_SYMLINK_FOLLOW);
	free(first);
	if (failed)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot make the journal '%s'", j->path);
	return darn_sync_parent(j->path, err);
}

enum darn_rc darn_journal_create(const char *root, struct darn_journal **out,
				 struct darn_error *err)
{
	struct darn_journal *j = darn_calloc(1, sizeof(*j), err);
	struct darn_jrec head = {.type = DARN_J_HEAD, .path = root};
	enum darn_rc rc = DARN_ENOMEM;
	bool named = false;
	struct stat st;

	if (!j)
		return DARN_ENOMEM;
	j->fd = -1;
	j->end = DARN_JOURNAL_HEAD;
	j->root = darn_strdup(root, err);
	if (!j->root)
		goto out;
	rc = pick_name(root, &j->path, err);
	if (!rc)
		rc = refuse_inside(root, j->path, err);
	if (!rc)
		rc = make_file(j, &named, err);
	if (rc)
		goto out;
	if (stat(root, &st) == 0) {
		head.dev = st.st_dev;
		head.ino = st.st_ino;
	}
	rc = darn_journal_append(j, &head, err);
	if (!rc)
		rc = darn_journal_sync(j, err);
	if (!rc)
		rc = give_name(j, named, err);
out:
	if (rc) {
		darn_journal_close(j);
		return rc;
	}
	*out = j;
	return DARN_OK;
}
