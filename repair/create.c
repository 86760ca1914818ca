/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create.c - files and directories that are missing.
 *
 * A file grows without a name (O_TMPFILE) and gets one when it is whole and
 * synced; where the file system has no such thing it grows under the temporary
 * name that the journal knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/io/fd.h"
#include "repair/digest.h"
#include "repair/writer.h"

enum {
	HOLE = 4096
};

struct growing {
	char *path, *dir, *tmp; /* absolute */
	int fd;
	bool named; /* lies under @tmp */
};

static void release(struct growing *g)
{
	if (g->fd >= 0)
		(void)close(g->fd);
	if (g->named)
		(void)unlink(g->tmp);
	free(g->path);
	free(g->dir);
	free(g->tmp);
}

static enum darn_rc prepare(struct growing *g, const struct darn_wnew *n,
			    struct darn_error *err)
{
	struct stat st;

	g->fd = -1;
	g->path = darn_path_join(n->tree->os_path, n->path, err);
	g->dir = g->path ? darn_strdup(g->path, err) : NULL;
	g->tmp = g->path ? darn_asprintf(err, "%s.darn", g->path) : NULL;
	if (!g->dir || !g->tmp)
		return DARN_ENOMEM;
	*strrchr(g->dir, '/') = '\0';
	if (lstat(g->path, &st) == 0)
		return darn_fail(err, DARN_EREFUSED, EEXIST,
				 "'%s' is there after all", g->path);
	return DARN_OK;
}

static enum darn_rc announce(struct darn_writer *w, const struct growing *g,
			     const struct darn_wnew *n,
			     enum darn_journal_type type, uint64_t *id,
			     struct darn_error *err)
{
	struct darn_jrec r = {
		.type = type,
		.path = g->path,
		.new_size = n->size,
		.digest = n->digest,
		.mode = n->mode,
		.uid = n->uid,
		.gid = n->gid,
		.mtime_ns = n->mtime_ns,
		.atime_ns = n->mtime_ns,
		.new = (const uint8_t *)g->tmp,
		.new_len = strlen(g->tmp) + 1,
	};
	enum darn_rc rc = w->guard ? w->guard(w->arg, err) : DARN_OK;

	if (!rc)
		rc = darn_journal_append(w->journal, &r, err);
	if (!rc)
		rc = darn_journal_sync(w->journal, err);
	*id = r.id;
	return rc;
}

static enum darn_rc open_growing(struct growing *g, struct darn_error *err)
{
	g->fd = open(g->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (g->fd >= 0)
		return DARN_OK;
	g->fd = open(g->tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	if (g->fd < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot make '%s'",
				 g->tmp);
	g->named = true;
	return DARN_OK;
}

static enum darn_rc put(const struct growing *g, const uint8_t *buf, size_t len,
			uint64_t off, bool sparse, struct darn_error *err)
{
	while (len) {
		size_t n = sparse ? DARN_MIN(len, HOLE) : len;
		uint64_t at = off;
		int error = 0;

		if (!sparse || !darn_all_zero(buf, n))
			error = darn_fd_write(g->fd, buf, n, &at);
		if (error)
			return darn_fail(err, DARN_EIO, error,
					 "cannot write '%s'", g->path);
		buf += n;
		len -= n;
		off += n;
	}
	return DARN_OK;
}

/* Copies, and digests what it copies: the source is verified as it is used. */
static enum darn_rc copy(const struct growing *g, const struct darn_wnew *n,
			 uint8_t *buf, struct darn_error *err)
{
	uint64_t off = 0, h = 0;
	enum darn_rc rc;
	size_t got;

	do {
		rc = darn_io_read(n->from, buf, DARN_DIGEST_CHUNK, off,
				  DARN_READ_NORMAL, &got, err);
		if (rc || got == 0)
			break;
		h = darn_digest_add(h, buf, got);
		rc = put(g, buf, got, off, n->sparse, err);
		off += got;
	} while (!rc && got == DARN_DIGEST_CHUNK);
	if (rc)
		return rc;
	if (off != n->size || h != n->digest)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' changed while it was copied",
				 n->from->name);
	if (ftruncate(g->fd, (off_t)off) < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot set the size of '%s'", g->path);
	return DARN_OK;
}

static enum darn_rc dress(const struct growing *g, const struct darn_wnew *n,
			  struct darn_error *err)
{
	if (fchown(g->fd, n->uid, n->gid) < 0 && errno != EPERM)
		return darn_fail(err, DARN_EIO, errno, "cannot chown '%s'",
				 g->path);
	if (fchmod(g->fd, (mode_t)n->mode) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot chmod '%s'",
				 g->path);
	return darn_keep_times(g->fd, g->path, n->mtime_ns, n->mtime_ns, err);
}

static enum darn_rc give_name(struct growing *g, struct darn_error *err)
{
	char proc[64];
	int failed;

	if (g->named) {
		failed = renameat2(AT_FDCWD, g->tmp, AT_FDCWD, g->path,
				   RENAME_NOREPLACE);
		if (failed && (errno == EINVAL || errno == ENOSYS))
			failed = link(g->tmp, g->path);
		else
			g->named = failed != 0;
	} else {
		(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", g->fd);
		failed = linkat(AT_FDCWD, proc, AT_FDCWD, g->path,
				AT_SYMLINK_FOLLOW);
	}
	if (failed)
		return darn_fail(err, DARN_EIO, errno, "cannot name '%s'",
				 g->path);
	return darn_sync_parent(g->path, err);
}

static enum darn_rc read_back(const struct darn_wnew *n, struct darn_error *err)
{
	struct darn_io *io;
	uint64_t digest, size;
	enum darn_rc rc = darn_tree_open(n->tree, n->path, &io, err);

	if (rc)
		return rc;
	rc = darn_digest_io(io, DARN_READ_MEDIUM, &digest, &size, err);
	darn_io_close(io);
	if (!rc && (size != n->size || digest != n->digest))
		rc = darn_fail(err, DARN_EIO, 0,
			       "'%s' is not read back as it was written",
			       n->path);
	return rc;
}

static enum darn_rc grow(struct growing *g, const struct darn_wnew *n,
			 struct darn_error *err)
{
	uint8_t *buf = aligned_alloc(4096, DARN_DIGEST_CHUNK);
	enum darn_rc rc;

	if (!buf)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	rc = open_growing(g, err);
	if (!rc)
		rc = copy(g, n, buf, err);
	if (!rc)
		rc = dress(g, n, err);
	if (!rc)
		rc = give_name(g, err);
	free(buf);
	return rc;
}

enum darn_rc darn_writer_create_file(struct darn_writer *w,
				     const struct darn_wnew *n,
				     struct darn_error *err)
{
	struct darn_jrec done = {.type = DARN_J_DONE, .count = 1};
	struct growing g = {.fd = -1};
	enum darn_rc rc = prepare(&g, n, err);

	if (!rc)
		rc = announce(w, &g, n, DARN_J_CREATE, &done.id, err);
	if (!rc)
		rc = grow(&g, n, err);
	if (!rc) {
		rc = read_back(n, err);
		if (rc && unlink(g.path) == 0)
			done.type = DARN_J_ROLLED;
		if (!rc)
			rc = darn_journal_append(w->journal, &done, err);
		else if (done.type == DARN_J_ROLLED)
			darn_ignore(
				darn_journal_append(w->journal, &done, err));
	}
	release(&g);
	return rc;
}

enum darn_rc darn_writer_create_dir(struct darn_writer *w,
				    const struct darn_wnew *n,
				    struct darn_error *err)
{
	struct growing g = {.fd = -1};
	uint64_t id;
	enum darn_rc rc = prepare(&g, n, err);

	if (!rc)
		rc = announce(w, &g, n, DARN_J_MKDIR, &id, err);
	if (!rc && mkdir(g.path, 0700) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot make '%s'",
			       g.path);
	if (!rc && chown(g.path, n->uid, n->gid) < 0 && errno != EPERM)
		rc = darn_fail(err, DARN_EIO, errno, "cannot chown '%s'",
			       g.path);
	if (!rc && chmod(g.path, (mode_t)n->mode) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot chmod '%s'",
			       g.path);
	if (!rc)
		rc = darn_sync_parent(g.path, err);
	release(&g);
	return rc;
}
