/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recognise.c - whose directory, whose file?
 *
 * Everybody bids; the highest bid wins if it is high enough and nobody comes
 * close.  A store may also lie above the path that was typed.
 */
#include "lib/scan/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	LEAST_BID = 25,
	CLOSE = 5, /* bids no further apart are the same */
	LEVELS = 16,
	HEAD_LEN = 65536, /* what probe() sees of a stray file */
};

struct bids {
	unsigned best, second;
	const struct darn_store *store, *rival;
	const struct darn_format *format, *rival_format;
};

static void bid(struct bids *b, unsigned n, const struct darn_store *store,
		const struct darn_format *format)
{
	if (n > b->best) {
		b->second = b->best;
		b->rival = b->store;
		b->rival_format = b->format;
		b->best = n;
		b->store = store;
		b->format = format;
	} else if (n > b->second) {
		b->second = n;
		b->rival = store;
		b->rival_format = format;
	}
}

static bool ambiguous(const struct bids *b)
{
	return b->second >= LEAST_BID && b->best - b->second <= CLOSE;
}

enum darn_rc darn_recognise(struct darn_tree *t, const char *dir,
			    const struct darn_store *const *stores,
			    const struct darn_store **out,
			    struct darn_error *err)
{
	struct bids b = {0};

	for (size_t i = 0; stores[i]; i++)
		bid(&b, stores[i]->recognise(t, dir), stores[i], NULL);
	if (b.best < LEAST_BID)
		return DARN_ENOENT;
	if (ambiguous(&b))
		return darn_fail(err, DARN_EINVAL, 0,
				 "ambiguous: it looks like a %s and like a %s",
				 b.store->title, b.rival->title);
	*out = b.store;
	return DARN_OK;
}

/* One step up; false at the top. */
static bool parent(char *dir)
{
	char *slash = strrchr(dir, '/');

	if (!slash || strcmp(dir, "/") == 0)
		return false;
	slash[slash == dir ? 1 : 0] = '\0';
	return true;
}

static enum darn_rc owner_of(const char *dir,
			     const struct darn_store *const *stores,
			     const struct darn_store **out,
			     struct darn_error *err)
{
	struct darn_error ignored = DARN_ERROR_INIT;
	struct darn_tree *t;
	enum darn_rc rc = darn_tree_open_posix(dir, false, &t, &ignored);

	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", ignored.msg);
	if (rc) /* a directory that may not be read is nobody's */
		return DARN_ENOENT;
	rc = darn_recognise(t, "", stores, out, err);
	darn_tree_close(t);
	return rc;
}

enum darn_rc darn_find_store(const char *path,
			     const struct darn_store *const *stores,
			     const struct darn_store **out_store,
			     char **out_root, char **out_rel,
			     struct darn_error *err)
{
	char *full = realpath(path, NULL), *dir;
	enum darn_rc rc = DARN_ENOENT;

	if (!full)
		return darn_fail(err, errno == ENOENT ? DARN_ENOENT : DARN_EIO,
				 errno, "cannot look at '%s'", path);
	dir = darn_strdup(full, err);
	if (!dir) {
		free(full);
		return DARN_ENOMEM;
	}
	for (unsigned i = 0; i <= LEVELS; i++) {
		rc = owner_of(dir, stores, out_store, err);
		if (rc != DARN_ENOENT || !parent(dir))
			break;
	}
	if (rc == DARN_OK) {
		const char *rel = full + strlen(dir);

		*out_rel = darn_strdup(*rel == '/' ? rel + 1 : rel, err);
		if (*out_rel)
			*out_root = dir;
		else
			rc = DARN_ENOMEM;
	}
	if (rc)
		free(dir);
	free(full);
	return rc;
}

enum darn_rc darn_find_format(const struct darn_store *const *stores,
			      const char *name, const struct darn_store **store,
			      const struct darn_format **format,
			      struct darn_error *err)
{
	const char *slash = strchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	size_t len = slash ? (size_t)(slash - name) : 0, n = 0;

	for (size_t i = 0; stores[i]; i++) {
		if (slash && (strlen(stores[i]->name) != len ||
			      memcmp(stores[i]->name, name, len) != 0))
			continue;
		for (size_t j = 0; stores[i]->formats[j]; j++) {
			if (strcmp(stores[i]->formats[j]->name, base) != 0)
				continue;
			*store = stores[i];
			*format = stores[i]->formats[j];
			n++;
		}
	}
	if (n == 1)
		return DARN_OK;
	return darn_fail(err, DARN_EINVAL, 0,
			 n ? "several stores have a format '%s': say "
			     "STORE/FORMAT"
			   : "there is no format '%s'",
			 name);
}

static void ask_formats(struct bids *b, const struct darn_store *store,
			const uint8_t *head, size_t len, uint64_t size)
{
	for (size_t i = 0; store->formats[i]; i++) {
		const struct darn_format *format = store->formats[i];

		if (format->probe)
			bid(b, format->probe(head, len, size), store, format);
	}
}

enum darn_rc darn_file_probe(struct darn_scan_file *f, struct darn_error *err)
{
	const struct darn_store *const *stores = f->d->e->opts->stores;
	struct darn_error why = DARN_ERROR_INIT;
	struct bids b = {0};
	uint8_t *head = malloc(HEAD_LEN);
	size_t got = 0;
	enum darn_rc rc;

	if (!head)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	/* What comes before a bad place may do; the scan reports the place. */
	rc = darn_io_read(f->f.io, head, HEAD_LEN, 0, DARN_READ_NORMAL, &got,
			  &why);
	if (rc == DARN_ENOMEM) {
		free(head);
		return darn_fail(err, rc, 0, "%s", why.msg);
	}
	for (size_t i = 0; stores[i]; i++)
		ask_formats(&b, stores[i], head, got, f->f.st.size);
	free(head);
	if (b.best < LEAST_BID)
		return darn_file_reason(f, UINT64_MAX,
					"no scanner knows this file", err);
	if (ambiguous(&b))
		return darn_file_reason(f, 0,
					"two scanners claim this file: say "
					"which with --format",
					err);
	f->store = b.store;
	f->format = b.format;
	return DARN_OK;
}
