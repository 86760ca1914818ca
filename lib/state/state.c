/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"

static char *base_dir(struct darn_error *err)
{
	const char *set = getenv("DARN_STATE_DIR");
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (set && set[0])
		return darn_strdup(set, err);
	if (geteuid() == 0)
		return darn_strdup("/var/lib/darn", err);
	if (xdg && xdg[0] == '/')
		return darn_asprintf(err, "%s/darn", xdg);
	if (home && home[0] == '/')
		return darn_asprintf(err, "%s/.local/state/darn", home);
	darn_fail(err, DARN_EINVAL, 0,
		  "no state directory: set DARN_STATE_DIR or HOME");
	return NULL;
}

/* mkdir -p, leaving what exists as it is. */
static enum darn_rc make_dirs(char *path, struct darn_error *err)
{
	for (char *p = path + 1;; p++) {
		char keep = *p;

		if (keep != '/' && keep != '\0')
			continue;
		*p = '\0';
		if (access(path, F_OK) < 0 && mkdir(path, 0700) < 0 &&
		    errno != EEXIST)
			return darn_fail(err, DARN_EIO, errno,
					 "cannot make the state directory '%s'",
					 path);
		*p = keep;
		if (keep == '\0')
			return DARN_OK;
	}
}

enum darn_rc darn_state_dir(const char *sub, char **out, struct darn_error *err)
{
	char *base = base_dir(err);
	enum darn_rc rc;
	char *dir;

	if (!base)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	dir = darn_path_join(base, sub, err);
	free(base);
	if (!dir)
		return DARN_ENOMEM;
	rc = make_dirs(dir, err);
	if (rc) {
		free(dir);
		return rc;
	}
	*out = dir;
	return DARN_OK;
}

enum darn_rc darn_state_file_for(const char *sub, const char *path,
				 const char *suffix, char **out,
				 struct darn_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash && slash[1] ? slash + 1 : "root";
	enum darn_rc rc;
	char *dir;

	rc = darn_state_dir(sub, &dir, err);
	if (rc)
		return rc;
	*out = darn_asprintf(
		err, "%s/%.64s-%016llx%s", dir, last,
		(unsigned long long)darn_xxh3_64(path, strlen(path)), suffix);
	free(dir);
	return *out ? DARN_OK : DARN_ENOMEM;
}
