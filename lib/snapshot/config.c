/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - the file that makes a directory a repository.
 *
 *      0  8  "DARNREPO"   8 4 version   12 4 bytes per frame
 *     16 16  id
 *     32 192 secret
 *    224  8  check
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
#include "lib/io/fd.h"
#include "lib/seal/outfile.h"
#include "lib/snapshot/internal.h"

#define CONFIG_MAGIC "DARNREPO"

enum {
	CONFIG_LEN = 32 + DARN_XXH_SECRET_LEN
};

static const char *const names[] = {"config", "config.copy"};

bool darn_repo_is(const char *path)
{
	char *packs = darn_path_join(path, "packs", NULL);
	struct stat st;
	bool is = packs && lstat(packs, &st) == 0 && S_ISDIR(st.st_mode);

	free(packs);
	for (size_t i = 0; is && i < DARN_ARRAY_SIZE(names); i++) {
		char *config = darn_path_join(path, names[i], NULL);
		bool found = config && lstat(config, &st) == 0;

		free(config);
		if (found)
			return true;
	}
	return false;
}

static enum darn_rc read_one(struct darn_repo *r, const char *name,
			     struct darn_error *err)
{
	char *path = darn_path_join(r->path, name, err);
	uint8_t *buf;
	size_t len;
	enum darn_rc rc;

	if (!path)
		return DARN_ENOMEM;
	rc = darn_small_get(path, CONFIG_MAGIC, &buf, &len, err);
	if (rc)
		goto out;
	r->frame = darn_get_le32(buf + 12);
	if (len != CONFIG_LEN || r->frame < 4096 || r->frame > REPO_FRAME_MAX ||
	    (r->frame & (r->frame - 1))) {
		rc = darn_fail(err, DARN_ECORRUPT, 0,
			       "'%s' is damaged: impossible frame size", path);
	} else {
		memcpy(r->id, buf + 16, REPO_ID);
		memcpy(r->secret, buf + 32, sizeof(r->secret));
	}
	free(buf);
out:
	free(path);
	return rc;
}

enum darn_rc darn_config_read(struct darn_repo *r, struct darn_error *err)
{
	struct darn_error first = DARN_ERROR_INIT, second = DARN_ERROR_INIT;
	enum darn_rc rc = read_one(r, names[0], &first);

	if (rc == DARN_OK)
		return DARN_OK;
	if ((rc == DARN_ECORRUPT || rc == DARN_ENOENT || rc == DARN_EIO) &&
	    read_one(r, names[1], &second) == DARN_OK) {
		r->copy_used = true;
		return DARN_OK;
	}
	if (rc == DARN_ENOENT)
		return darn_fail(err, DARN_ENOENT, 0,
				 "'%s' is not a snapshot repository", r->path);
	return darn_fail(err, rc, first.sys_errno, "%s", first.msg);
}

static enum darn_rc make_dir(const char *repo, const char *sub,
			     struct darn_error *err)
{
	char *path = darn_path_join(repo, sub, err);
	enum darn_rc rc = DARN_OK;

	if (!path)
		return DARN_ENOMEM;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		rc = darn_fail(err, DARN_EIO, errno, "cannot create '%s'",
			       path);
	free(path);
	return rc;
}

/* Empty, or begun by a run that was killed before it wrote config. */
static enum darn_rc check_empty(const char *path, struct darn_error *err)
{
	static const char *const ours[] = {".",	    "..",	 "packs",
					   "index", "snapshots", "lock"};
	enum darn_rc rc = DARN_OK;
	struct dirent *e;
	DIR *d = opendir(path);

	if (!d)
		return darn_fail(err, DARN_EIO, errno, "cannot list '%s'",
				 path);
	while (rc == DARN_OK && (e = readdir(d)) != NULL) {
		bool known = strncmp(e->d_name, "config", 6) == 0;

		for (size_t i = 0; i < DARN_ARRAY_SIZE(ours); i++)
			known = known || strcmp(e->d_name, ours[i]) == 0;
		if (!known)
			rc = darn_fail(err, DARN_EREFUSED, 0,
				       "'%s' is neither empty nor a snapshot "
				       "repository",
				       path);
	}
	(void)closedir(d);
	return rc;
}

/* The copy goes first: config is what makes the directory a repository. */
static enum darn_rc write_config(const char *repo, struct darn_error *err)
{
	uint8_t buf[CONFIG_LEN + 8] = {0};
	enum darn_rc rc;

	memcpy(buf, CONFIG_MAGIC, 8);
	darn_put_le32(buf + 8, REPO_VERSION);
	darn_put_le32(buf + 12, REPO_FRAME);
	rc = darn_random(buf + 16, REPO_ID + DARN_XXH_SECRET_LEN, err);
	for (int i = 1; rc == DARN_OK && i >= 0; i--) {
		char *path = darn_path_join(repo, names[i], err);

		rc = path ? darn_small_put(path, buf, CONFIG_LEN, err)
			  : DARN_ENOMEM;
		free(path);
	}
	return rc;
}

static enum darn_rc fill(const char *path, struct darn_error *err)
{
	static const char *const subs[] = {"packs", "index", "snapshots"};
	enum darn_rc rc = check_empty(path, err);

	for (size_t i = 0; rc == DARN_OK && i < DARN_ARRAY_SIZE(subs); i++)
		rc = make_dir(path, subs[i], err);
	return rc ? rc : write_config(path, err);
}

static enum darn_rc sync_parent(const char *path, struct darn_error *err)
{
	char *parent = darn_path_join(path, "..", err);
	enum darn_rc rc = parent ? darn_sync_dir(parent, err) : DARN_ENOMEM;

	free(parent);
	return rc;
}

/* Two first runs at once must agree on one secret. */
static enum darn_rc fill_locked(const char *path, struct darn_error *err)
{
	char *lock = darn_path_join(path, "lock", err);
	enum darn_rc rc = DARN_OK;
	int fd;

	if (!lock)
		return DARN_ENOMEM;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot lock '%s'", lock);
	else if (!darn_repo_is(path))
		rc = fill(path, err);
	if (fd >= 0)
		(void)close(fd);
	free(lock);
	return rc;
}

enum darn_rc darn_config_make(const char *path, struct darn_error *err)
{
	enum darn_rc rc;

	if (mkdir(path, 0700) == 0)
		rc = sync_parent(path, err);
	else if (errno == EEXIST)
		rc = check_empty(path, err);
	else
		rc = darn_fail(err, DARN_EIO, errno,
			       "cannot create the repository '%s'", path);
	return rc ? rc : fill_locked(path, err);
}
