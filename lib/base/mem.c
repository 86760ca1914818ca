/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *darn_calloc(size_t n, size_t size, struct darn_error *err)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		darn_fail(err, DARN_ENOMEM, errno, "cannot allocate memory");
	return p;
}

char *darn_strdup(const char *s, struct darn_error *err)
{
	char *copy = strdup(s);

	if (!copy)
		darn_fail(err, DARN_ENOMEM, errno, "cannot allocate memory");
	return copy;
}

char *darn_asprintf(struct darn_error *err, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (len >= 0)
		return s;
	darn_fail(err, DARN_ENOMEM, ENOMEM, "cannot allocate memory");
	return NULL;
}

enum darn_rc darn_grow(void **items, size_t n, size_t *cap, size_t size,
		       struct darn_error *err)
{
	size_t want;
	void *p;

	if (n < *cap)
		return DARN_OK;
	want = *cap ? *cap * 2 : 16;
	p = reallocarray(*items, want, size);
	if (!p)
		return darn_fail(err, DARN_ENOMEM, errno,
				 "cannot allocate memory");
	*items = p;
	*cap = want;
	return DARN_OK;
}

char *darn_path_join(const char *dir, const char *name, struct darn_error *err)
{
	size_t len = strlen(dir);

	if (len == 0)
		return darn_strdup(name, err);
	if (name[0] == '\0')
		return darn_strdup(dir, err);
	return darn_asprintf(err, "%s%s%s", dir, dir[len - 1] == '/' ? "" : "/",
			     name);
}

const char *darn_path_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 0)
		return path;
	if (len == 1 && dir[0] == '/')
		len = 0;
	if (strncmp(path, dir, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return path + len;
	return path[len] == '/' ? path + len + 1 : NULL;
}
