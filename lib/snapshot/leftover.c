/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/seal/outfile.h"
#include "lib/snapshot/internal.h"

struct look {
	const char *repo;
	darn_leftover_fn fn;
	void *arg;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/*
 * A pack whose index was never written, because the run was cut between the
 * two; or one whose index was lost, so it is never removed.
 */
static bool pack_without_index(const char *repo, const char *name)
{
	size_t n = strlen(name);
	char *index;
	bool without;

	if (n != 36 || strcmp(name + 32, ".zst") != 0)
		return false;
	index = darn_asprintf(NULL, "%s/index/%.32s", repo, name);
	without = index && access(index, F_OK) < 0 && errno == ENOENT;
	free(index);
	return without;
}

static enum darn_rc look_in(const struct look *l, const char *dir, bool packs,
			    struct darn_error *err)
{
	char *full = darn_path_join(l->repo, dir, err);
	struct dirent **list = NULL;
	enum darn_rc rc = DARN_OK;
	int n;

	if (!full)
		return DARN_ENOMEM;
	n = scandir(full, &list, NULL, by_name);
	if (n < 0 && errno != ENOENT)
		rc = darn_fail(err, DARN_EIO, errno, "cannot list '%s'", full);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		bool tmp = strstr(name, DARN_OUTFILE_TMP);
		char *rel = NULL;

		if (rc == DARN_OK &&
		    (tmp || (packs && pack_without_index(l->repo, name)))) {
			rel = darn_path_join(dir, name, err);
			rc = rel ? l->fn(l->arg, rel, tmp, err) : DARN_ENOMEM;
		}
		free(rel);
		free(list[i]);
	}
	free(list);
	free(full);
	return rc;
}

enum darn_rc darn_leftovers(const char *repo, darn_leftover_fn fn, void *arg,
			    struct darn_error *err)
{
	const struct look l = {.repo = repo, .fn = fn, .arg = arg};
	enum darn_rc rc = look_in(&l, "", false, err);

	if (rc == DARN_OK)
		rc = look_in(&l, "index", false, err);
	for (unsigned i = 0; rc == DARN_OK && i < 256; i++) {
		char dir[16];

		(void)snprintf(dir, sizeof(dir), "packs/%02x", i);
		rc = look_in(&l, dir, true, err);
	}
	return rc ? rc : look_in(&l, "snapshots", false, err);
}

enum darn_rc darn_leftover_remove(const char *path, struct darn_error *err)
{
	struct dirent *e;
	DIR *d = opendir(path);

	while (d && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		(void)closedir(d);
	if ((d ? rmdir(path) : unlink(path)) < 0 && errno != ENOENT)
		return darn_fail(err, DARN_EIO, errno, "cannot remove '%s'",
				 path);
	return DARN_OK;
}

static enum darn_rc remove_one(void *arg, const char *path, bool tmp,
			       struct darn_error *err)
{
	char *full = darn_path_join(arg, path, err);
	enum darn_rc rc = full ? DARN_OK : DARN_ENOMEM;

	if (rc == DARN_OK && tmp)
		rc = darn_leftover_remove(full, err);
	free(full);
	return rc;
}

enum darn_rc darn_leftovers_remove(const char *repo, struct darn_error *err)
{
	return darn_leftovers(repo, remove_one, (void *)(uintptr_t)repo, err);
}
