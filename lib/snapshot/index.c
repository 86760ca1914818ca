/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.c - which frames a pack holds.
 *
 *      0  8  "DARNINDX"   8 4 version   12 4 number of frames
 *     16 16  id of the pack
 *     32  8  when it was made   40 8 its length
 *     48     per frame: id (16), offset (8), stored bytes (4), bytes (4)
 *            check (8)
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/snapshot/internal.h"

#define INDEX_MAGIC "DARNINDX"

enum {
	HEAD = 48,
	ENTRY = 32
};

static char *index_path(const char *repo, const char *pack,
			struct darn_error *err)
{
	return darn_asprintf(err, "%s/index/%s", repo, pack);
}

char *darn_pack_path(const char *repo, const char *pack, struct darn_error *err)
{
	return darn_asprintf(err, "%s/packs/%.2s/%s.zst", repo, pack, pack);
}

enum darn_rc darn_index_write(const char *repo, const struct darn_index *x,
			      struct darn_error *err)
{
	char *path = index_path(repo, x->pack, err);
	uint8_t *buf = darn_calloc(1, HEAD + x->n * ENTRY + 8, err);
	enum darn_rc rc = DARN_ENOMEM;
	uint8_t *p;

	if (!path || !buf)
		goto out;
	memcpy(buf, INDEX_MAGIC, 8);
	darn_put_le32(buf + 8, REPO_VERSION);
	darn_put_le32(buf + 12, (uint32_t)x->n);
	(void)darn_unhex_id(buf + 16, x->pack);
	darn_put_le64(buf + 32, (uint64_t)x->made_ns);
	darn_put_le64(buf + 40, x->size);
	p = buf + HEAD;
	for (size_t i = 0; i < x->n; i++, p += ENTRY) {
		memcpy(p, &x->entries[i].id, 16);
		darn_put_le64(p + 16, x->entries[i].off);
		darn_put_le32(p + 24, x->entries[i].stored);
		darn_put_le32(p + 28, x->entries[i].len);
	}
	rc = darn_small_put(path, buf, HEAD + x->n * ENTRY, err);
out:
	free(buf);
	free(path);
	return rc;
}

static enum darn_rc parse(const uint8_t *buf, size_t len, const char *path,
			  struct darn_index *x, struct darn_error *err)
{
	char pack[33];
	size_t n = len >= HEAD ? darn_get_le32(buf + 12) : 0;

	if (len < HEAD || (len - HEAD) / ENTRY != n || (len - HEAD) % ENTRY)
		return darn_fail(err, DARN_ECORRUPT, 0,
				 "'%s' is damaged: wrong number of entries",
				 path);
	darn_hex_id(pack, buf + 16);
	if (strcmp(pack, x->pack) != 0)
		return darn_fail(err, DARN_ECORRUPT, 0,
				 "'%s' is the index of another pack", path);
	x->made_ns = (int64_t)darn_get_le64(buf + 32);
	x->size = darn_get_le64(buf + 40);
	x->n = n;
	x->entries = darn_calloc(n + 1, sizeof(*x->entries), err);
	if (!x->entries)
		return DARN_ENOMEM;
	buf += HEAD;
	for (size_t i = 0; i < n; i++, buf += ENTRY) {
		struct darn_index_entry *e = &x->entries[i];

		memcpy(&e->id, buf, 16);
		e->off = darn_get_le64(buf + 16);
		e->stored = darn_get_le32(buf + 24);
		e->len = darn_get_le32(buf + 28);
	}
	return DARN_OK;
}

enum darn_rc darn_index_read(const char *repo, const char *pack,
			     struct darn_index *out, struct darn_error *err)
{
	char *path = index_path(repo, pack, err);
	struct darn_index x = {0};
	uint8_t *buf;
	enum darn_rc rc;
	size_t len;

	if (!path)
		return DARN_ENOMEM;
	memcpy(x.pack, pack, sizeof(x.pack));
	rc = darn_small_get(path, INDEX_MAGIC, &buf, &len, err);
	if (rc == DARN_OK) {
		rc = parse(buf, len, path, &x, err);
		free(buf);
	}
	free(path);
	if (rc)
		darn_index_release(&x);
	else
		*out = x;
	return rc;
}

void darn_index_release(struct darn_index *x)
{
	free(x->entries);
	x->entries = NULL;
	x->n = 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

enum darn_rc darn_repo_names(const char *repo, const char *sub, char ***out,
			     size_t *n, struct darn_error *err)
{
	char *path = darn_path_join(repo, sub, err);
	DIR *d = path ? opendir(path) : NULL;
	enum darn_rc rc = DARN_OK;
	char **names = NULL;
	size_t count = 0, cap = 0;
	struct dirent *e;

	if (!d) {
		if (path)
			rc = darn_fail(err, DARN_EIO, errno, "cannot list '%s'",
				       path);
		free(path);
		return rc ? rc : DARN_ENOMEM;
	}
	while (rc == DARN_OK && (e = readdir(d)) != NULL) {
		uint8_t id[REPO_ID];
		char name[33];

		if (strnlen(e->d_name, 33) != 32)
			continue;
		memcpy(name, e->d_name, 33);
		if (!darn_unhex_id(id, name))
			continue;
		rc = darn_grow((void **)&names, count, &cap, sizeof(*names),
			       err);
		if (rc == DARN_OK && !(names[count++] = darn_strdup(name, err)))
			rc = DARN_ENOMEM;
	}
	(void)closedir(d);
	free(path);
	if (rc) {
		darn_names_release(names, count);
		return rc;
	}
	if (count)
		qsort(names, count, sizeof(*names), by_name);
	*out = names;
	*n = count;
	return DARN_OK;
}

void darn_names_release(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
