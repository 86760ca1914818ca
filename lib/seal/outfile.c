/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/seal/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/fd.h"

enum darn_rc darn_random(void *buf, size_t len, struct darn_error *err)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return darn_fail(err, DARN_EIO, errno,
					 "cannot get random bytes");
		p += n;
		len -= (size_t)n;
	}
	return DARN_OK;
}

enum darn_rc darn_outfile_may_replace(const char *path, struct darn_error *err)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is no plain file: it is not replaced",
				 path);
	return DARN_OK;
}

enum darn_rc darn_outfile_create(struct darn_outfile *f, const char *path,
				 struct darn_error *err)
{
	uint64_t salt;
	enum darn_rc rc = darn_outfile_may_replace(path, err);

	if (!rc)
		rc = darn_random(&salt, sizeof(salt), err);
	if (rc)
		return rc;
	f->path = darn_strdup(path, err);
	f->tmp = darn_asprintf(err, "%s" DARN_OUTFILE_TMP "%016" PRIx64, path,
			       salt);
	if (f->path && f->tmp) {
		f->fd = open(f->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			     0600);
		if (f->fd >= 0)
			return DARN_OK;
		rc = darn_fail(err, DARN_EIO, errno, "cannot create '%s'",
			       path);
	} else {
		rc = DARN_ENOMEM;
	}
	free(f->tmp); /* it is not there, or not ours */
	f->tmp = NULL;
	darn_outfile_release(f);
	return rc;
}

enum darn_rc darn_outfile_write(struct darn_outfile *f, const void *buf,
				size_t len, uint64_t off,
				struct darn_error *err)
{
	int error = darn_fd_write(f->fd, buf, len, &off);

	if (error)
		return darn_fail(err, DARN_EIO, error,
				 "cannot write '%s' at %" PRIu64, f->path, off);
	return DARN_OK;
}

enum darn_rc darn_outfile_read(struct darn_outfile *f, void *buf, size_t len,
			       uint64_t off, struct darn_error *err)
{
	size_t got = 0;
	int error = darn_fd_read(f->fd, buf, len, off, &got);

	if (error)
		return darn_fail(err, DARN_EIO, error,
				 "cannot read back '%s' at %" PRIu64, f->path,
				 off + got);
	if (got < len)
		memset((uint8_t *)buf + got, 0, len - got);
	return DARN_OK;
}

enum darn_rc darn_outfile_commit(struct darn_outfile *f, struct darn_error *err)
{
	enum darn_rc rc;
	int fd = f->fd;

	if (fsync(fd) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot sync '%s'",
				 f->path);
	f->fd = -1;
	if (close(fd) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot close '%s'",
				 f->path);
	if (rename(f->tmp, f->path) < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot rename '%s'",
				 f->tmp);
	free(f->tmp);
	f->tmp = NULL;
	rc = darn_sync_parent(f->path, err);
	darn_outfile_release(f);
	return rc;
}

void darn_outfile_release(struct darn_outfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->tmp)
		(void)unlink(f->tmp);
	free(f->tmp);
	free(f->path);
	*f = (struct darn_outfile)DARN_OUTFILE_INIT;
}

enum darn_rc darn_outfile_put(const char *path, const void *buf, size_t len,
			      struct darn_error *err)
{
	struct darn_outfile f = DARN_OUTFILE_INIT;
	enum darn_rc rc = darn_outfile_create(&f, path, err);

	if (rc)
		return rc;
	rc = darn_outfile_write(&f, buf, len, 0, err);
	if (rc == DARN_OK)
		rc = darn_outfile_commit(&f, err);
	darn_outfile_release(&f);
	return rc;
}
