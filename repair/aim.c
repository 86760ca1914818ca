/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/aim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/scan/scan.h"
#include "lib/state/state.h"

static char *trimmed(const char *path, struct darn_error *err)
{
	char *s = darn_strdup(path, err);

	for (size_t n = s ? strlen(s) : 0; n > 1 && s[n - 1] == '/'; n--)
		s[n - 1] = '\0';
	return s;
}

static enum darn_rc find_base(struct darn_aim *t,
			      const struct darn_store *const *stores,
			      struct darn_error *err)
{
	const struct darn_store *store;
	char *dir = darn_strdup(t->abs, err), *rel = NULL;
	enum darn_rc rc = DARN_ENOENT;

	if (!dir)
		return DARN_ENOMEM;
	if (t->is_file) {
		char *slash = strrchr(dir, '/');

		slash[slash == dir] = '\0';
	}
	if (stores)
		rc = darn_find_store(dir, stores, &store, &t->base, &rel, NULL);
	free(rel);
	if (rc == DARN_OK) {
		free(dir);
		return DARN_OK;
	}
	t->base = dir;
	if (rc == DARN_ENOENT)
		return DARN_OK;
	return darn_fail(err, rc, 0, "cannot look for a store at '%s'",
			 t->typed);
}

enum darn_rc darn_aim_open(const char *path,
			   const struct darn_store *const *stores,
			   struct darn_aim *t, struct darn_error *err)
{
	struct stat st;

	memset(t, 0, sizeof(*t));
	t->lock_fd = -1;
	t->typed = trimmed(path, err);
	if (!t->typed)
		return DARN_ENOMEM;
	t->abs = realpath(path, NULL);
	if (!t->abs || stat(t->abs, &st) < 0)
		return darn_fail(err, DARN_EINVAL, errno, "cannot repair '%s'",
				 path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return darn_fail(err, DARN_EINVAL, 0,
				 "'%s' is neither a directory nor a regular "
				 "file",
				 path);
	t->is_file = S_ISREG(st.st_mode);
	return find_base(t, stores, err);
}

void darn_aim_release(struct darn_aim *t)
{
	if (t->lock_fd >= 0)
		(void)close(t->lock_fd);
	free(t->typed);
	free(t->abs);
	free(t->base);
	memset(t, 0, sizeof(*t));
	t->lock_fd = -1;
}

/* Where the directory itself cannot be locked: a file in the state. */
static int stand_in(const char *base)
{
	char *path = NULL;
	int fd;

	if (darn_state_file_for("locks", base, ".lock", &path, NULL))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	return fd;
}

enum darn_rc darn_aim_lock(struct darn_aim *t, struct darn_error *err)
{
	int fd = open(t->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 &&
	    errno != EWOULDBLOCK) {
		/* some network file systems lock files only */
		(void)close(fd);
		fd = stand_in(t->base);
	}
	if (fd < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot lock '%s'",
				 t->base);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		enum darn_rc rc =
			darn_fail(err, DARN_EREFUSED, errno,
				  "another repair of '%s' is running", t->base);

		(void)close(fd);
		return rc;
	}
	t->lock_fd = fd;
	return DARN_OK;
}

char *darn_aim_shown(const struct darn_aim *t, const char *abs,
		     struct darn_error *err)
{
	const char *rel = darn_path_below(abs, t->abs);

	if (!rel)
		return darn_strdup(abs, err);
	if (strcmp(t->typed, "/") == 0)
		return darn_strdup(abs, err);
	return darn_path_join(t->typed, rel, err);
}

char *darn_aim_abs(const struct darn_aim *t, const char *shown,
		   struct darn_error *err)
{
	const char *rel = darn_path_below(shown, t->typed);

	if (!rel) {
		darn_fail(err, DARN_EINVAL, 0, "'%s' is not below '%s'", shown,
			  t->typed);
		return NULL;
	}
	return darn_asprintf(err, "%s%s%s", strcmp(t->abs, "/") ? t->abs : "",
			     rel[0] ? "/" : "", rel);
}
