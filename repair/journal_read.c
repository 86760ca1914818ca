/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_read.c - verifying a journal and walking through it.
 *
 * What may be wrong with an open journal is its end, and only as a write that
 * was cut: a record that stops at the end of the file, or one whose last bytes
 * never left the zeros that a file system puts there after a power cut.
 * Anything else is rot.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "lib/io/fd.h"
#include "lib/state/state.h"
#include "repair/journal_file.h"

static enum darn_rc rotten(const struct darn_journal *j, uint64_t off,
			   struct darn_error *err)
{
	return darn_fail(err, DARN_ECORRUPT, 0,
			 "the journal '%s' is damaged at byte %llu", j->path,
			 (unsigned long long)off);
}

static enum darn_rc read_at(struct darn_journal *j, uint8_t *buf, size_t len,
			    uint64_t off, size_t *got, struct darn_error *err)
{
	int error;

	*got = 0;
	error = darn_fd_read(j->fd, buf, len, off, got);
	if (error)
		return darn_fail(err, DARN_EIO, error,
				 "cannot read the journal '%s'", j->path);
	return DARN_OK;
}

enum shape {
	WHOLE,
	CUT,
	NOTHING, /* the file ends here */
	ROTTEN,
};

/* Reads the record at @off into j->rbuf. */
static enum darn_rc read_record(struct darn_journal *j, uint64_t off,
				struct darn_jrec_head *head, enum shape *shape,
				struct darn_error *err)
{
	size_t got, whole;
	enum darn_rc rc = darn_jbuf_reserve(&j->rbuf, DARN_JREC_HEAD, err);

	if (!rc)
		rc = read_at(j, j->rbuf.data, DARN_JREC_HEAD, off, &got, err);
	if (rc)
		return rc;
	*shape = got ? CUT : NOTHING;
	if (got < DARN_JREC_HEAD)
		return DARN_OK;
	*shape = darn_all_zero(j->rbuf.data, got) ? CUT : ROTTEN;
	if (!darn_jrec_decode_head(j->rbuf.data, head))
		return DARN_OK;
	whole = DARN_JREC_HEAD + (size_t)head->body + DARN_JREC_SUM;
	rc = darn_jbuf_reserve(&j->rbuf, whole, err);
	if (!rc)
		rc = read_at(j, j->rbuf.data, whole, off, &got, err);
	if (rc)
		return rc;
	j->rbuf.len = whole;
	*shape = got < whole ? CUT : WHOLE;
	return DARN_OK;
}

static bool ends_in_zeros(const struct darn_journal *j)
{
	return darn_all_zero(j->rbuf.data + j->rbuf.len - DARN_JREC_SUM,
			     DARN_JREC_SUM);
}

/* Checks one record against the chain so far and takes it into account. */
static enum shape accept(struct darn_journal *j, uint64_t off,
			 const struct darn_jrec_head *head,
			 struct darn_error *err)
{
	struct darn_jrec r;
	uint64_t sum;

	if (!darn_jrec_decode(j->rbuf.data, j->rbuf.len, &r, &sum))
		return ends_in_zeros(j) ? CUT : ROTTEN;
	if (head->prev_off != j->last || head->prev_sum != j->sum)
		return ROTTEN;
	if ((off == DARN_JOURNAL_HEAD) != (r.type == DARN_J_HEAD))
		return ROTTEN;
	if (r.type == DARN_J_HEAD) {
		j->root = darn_strdup(r.path, err);
		if (!j->root || r.path[0] != '/')
			return ROTTEN;
	}
	if (r.type == DARN_J_UNIT || r.type == DARN_J_CREATE)
		j->next_id = r.id + 1;
	j->last = off;
	j->end = off + j->rbuf.len;
	j->sum = sum;
	return WHOLE;
}

/* Follows the chain to its end; closed journals must reach theirs. */
static enum darn_rc verify(struct darn_journal *j, uint64_t closed_sum,
			   struct darn_error *err)
{
	bool reached = j->closed_len == 0;

	j->end = DARN_JOURNAL_HEAD;
	for (;;) {
		struct darn_jrec_head head;
		enum shape shape;
		enum darn_rc rc = read_record(j, j->end, &head, &shape, err);

		if (rc)
			return rc;
		if (shape == WHOLE)
			shape = accept(j, j->end, &head, err);
		if (shape == ROTTEN || (shape != WHOLE && !reached))
			return rotten(j, j->end, err);
		if (shape != WHOLE)
			break;
		if (j->end == j->closed_len) {
			if (j->sum != closed_sum)
				return rotten(j, j->last, err);
			reached = true;
		}
	}
	if (!j->root)
		return darn_fail(err, DARN_ECORRUPT, 0,
				 "the journal '%s' has no first record",
				 j->path);
	return DARN_OK;
}

static enum darn_rc read_head(struct darn_journal *j, uint64_t *closed_sum,
			      struct darn_error *err)
{
	uint8_t head[DARN_JOURNAL_HEAD];
	size_t got;
	enum darn_rc rc = read_at(j, head, sizeof(head), 0, &got, err);

	if (rc)
		return rc;
	if (got < sizeof(head) ||
	    memcmp(head, DARN_JOURNAL_MAGIC, sizeof(DARN_JOURNAL_MAGIC)) != 0)
		return darn_fail(err, DARN_ECORRUPT, 0,
				 "'%s' is not a journal of a repair", j->path);
	for (unsigned i = 0; i < DARN_JOURNAL_SLOTS; i++) {
		const uint8_t *slot = head + DARN_JOURNAL_SLOT_A +
				      (size_t)i * DARN_JOURNAL_SLOT;

		if (darn_get_le64(slot + 16) != darn_xxh3_64(slot, 16))
			continue;
		j->closed_len = darn_get_le64(slot);
		*closed_sum = darn_get_le64(slot + 8);
		return DARN_OK;
	}
	return rotten(j, 0, err);
}

static enum darn_rc open_file(struct darn_journal *j, bool write,
			      struct darn_error *err)
{
	struct stat st;

	j->fd = open(j->path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (j->fd < 0)
		return darn_fail(err, errno == ENOENT ? DARN_ENOENT : DARN_EIO,
				 errno, "cannot open the journal '%s'",
				 j->path);
	if (fstat(j->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return darn_fail(err, DARN_EINVAL, 0,
				 "'%s' is not a journal of a repair", j->path);
	if (write && flock(j->fd, LOCK_EX | LOCK_NB) < 0)
		return darn_fail(err, DARN_EREFUSED, errno,
				 "the journal '%s' is in use", j->path);
	return DARN_OK;
}

enum darn_rc darn_journal_open(const char *path, bool write,
			       struct darn_journal **out,
			       struct darn_error *err)
{
	struct darn_journal *j = darn_calloc(1, sizeof(*j), err);
	uint64_t closed_sum = 0;
	enum darn_rc rc = DARN_ENOMEM;

	if (!j)
		return DARN_ENOMEM;
	j->fd = -1;
	j->path = darn_strdup(path, err);
	if (j->path)
		rc = open_file(j, write, err);
	if (!rc)
		rc = read_head(j, &closed_sum, err);
	if (!rc)
		rc = verify(j, closed_sum, err);
	if (!rc && write && ftruncate(j->fd, (off_t)j->end) < 0)
		rc = darn_fail(err, DARN_EIO, errno,
			       "cannot write the journal '%s'", j->path);
	if (rc) {
		darn_journal_close(j);
		return rc;
	}
	*out = j;
	return DARN_OK;
}

/* Reads again what verify() has accepted. */
static enum darn_rc record_at(struct darn_journal *j, uint64_t off,
			      uint64_t *prev, struct darn_jrec *out,
			      struct darn_error *err)
{
	struct darn_jrec_head head;
	enum shape shape;
	uint64_t sum;
	enum darn_rc rc = read_record(j, off, &head, &shape, err);

	if (rc)
		return rc;
	if (shape != WHOLE ||
	    !darn_jrec_decode(j->rbuf.data, j->rbuf.len, out, &sum))
		return rotten(j, off, err);
	*prev = head.prev_off;
	return DARN_OK;
}

/* The position stands for the record after which to go on: its offset. */
enum darn_rc darn_journal_next(struct darn_journal *j, uint64_t *pos,
			       struct darn_jrec *out, struct darn_error *err)
{
	uint64_t off = *pos ? *pos : DARN_JOURNAL_HEAD, prev;
	enum darn_rc rc;

	if (off >= j->end)
		return DARN_ENOENT;
	rc = record_at(j, off, &prev, out, err);
	if (!rc)
		*pos = off + j->rbuf.len;
	return rc;
}

enum darn_rc darn_journal_prev(struct darn_journal *j, uint64_t *pos,
			       struct darn_jrec *out, struct darn_error *err)
{
	uint64_t off = *pos ? *pos : j->last, prev;
	enum darn_rc rc;

	if (off == 1 || off == 0)
		return DARN_ENOENT;
	rc = record_at(j, off, &prev, out, err);
	if (!rc)
		*pos = prev ? prev : 1;
	return rc;
}

static bool unfinished(const char *path, const char *root)
{
	struct darn_journal *j = NULL;
	struct darn_jrec last;
	uint64_t pos = 0;
	bool yes;

	if (darn_journal_open(path, true, &j, NULL))
		return false;
	yes = !darn_journal_closed(j) &&
	      (darn_path_below(darn_journal_root(j), root) ||
	       darn_path_below(root, darn_journal_root(j))) &&
	      darn_journal_prev(j, &pos, &last, NULL) == DARN_OK;
	darn_journal_close(j);
	return yes;
}

enum darn_rc darn_journal_unfinished(const char *root, char **out,
				     struct darn_error *err)
{
	struct dirent *e;
	char *dir, *found = NULL;
	enum darn_rc rc = darn_state_dir("journals", &dir, err);
	DIR *d;

	if (rc)
		return rc;
	d = opendir(dir);
	while (d && !found && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len < 8 || strcmp(e->d_name + len - 8, ".journal") != 0)
			continue;
		found = darn_path_join(dir, e->d_name, err);
		if (found && !unfinished(found, root)) {
			free(found);
			found = NULL;
		}
	}
	if (d)
		(void)closedir(d);
	free(dir);
	if (!found)
		return DARN_ENOENT;
	*out = found;
	return DARN_OK;
}
