/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/io/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"

int darn_fd_read(int fd, void *buf, size_t len, uint64_t off, size_t *got)
{
	uint8_t *p = buf;

	while (*got < len) {
		ssize_t n =
			pread(fd, p + *got, len - *got, (off_t)(off + *got));

		if (n == 0)
			break;
		if (n > 0)
			*got += (size_t)n;
		else if (errno != EINTR)
			return errno;
	}
	return 0;
}

int darn_fd_write(int fd, const void *buf, size_t len, uint64_t *off)
{
	const uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)*off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		p += n;
		*off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

enum darn_rc darn_sync_dir(const char *path, struct darn_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum darn_rc rc = DARN_OK;

	if (fd < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot open the directory '%s'", path);
	if (fsync(fd) < 0)
		rc = darn_fail(err, DARN_EIO, errno,
			       "cannot sync the directory '%s'", path);
	(void)close(fd);
	return rc;
}

enum darn_rc darn_sync_parent(const char *path, struct darn_error *err)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	enum darn_rc rc;

	if (!slash)
		return darn_sync_dir(".", err);
	if (slash == path)
		return darn_sync_dir("/", err);
	dir = darn_asprintf(err, "%.*s", (int)(slash - path), path);
	if (!dir)
		return DARN_ENOMEM;
	rc = darn_sync_dir(dir, err);
	free(dir);
	return rc;
}
