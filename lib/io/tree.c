/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c - what every kind of darn_tree has in common.
 */
#include "lib/io/tree.h"

#include <inttypes.h>
#include <stdlib.h>

enum darn_rc darn_tree_list(struct darn_tree *t, const char *dir,
			    darn_entry_fn fn, void *payload,
			    struct darn_error *err)
{
	return t->ops->list(t, dir, fn, payload, err);
}

enum darn_rc darn_tree_stat(struct darn_tree *t, const char *path,
			    struct darn_stat *st, struct darn_error *err)
{
	return t->ops->stat(t, path, st, err);
}

enum darn_rc darn_tree_open(struct darn_tree *t, const char *path,
			    struct darn_io **out, struct darn_error *err)
{
	return t->ops->open(t, path, out, err);
}

enum darn_rc darn_tree_follow(struct darn_tree *t, const char *link,
			      struct darn_error *err)
{
	return t->ops->follow(t, link, err);
}

void darn_tree_close(struct darn_tree *t)
{
	if (t)
		t->ops->close(t);
}

static enum darn_rc slurp(struct darn_io *io, size_t max, uint8_t **out,
			  size_t *len, struct darn_error *err)
{
	struct darn_stat st;
	enum darn_rc rc = darn_io_stat(io, &st, err);
	uint8_t *buf;
	size_t got;

	if (rc)
		return rc;
	if (st.size > max || st.size >= SIZE_MAX)
		return darn_fail(err, DARN_EINVAL, 0,
				 "'%s' has %" PRIu64
				 " bytes, more than the %zu it may have",
				 io->name, st.size, max);
	buf = malloc((size_t)st.size + 1);
	if (!buf)
		return darn_fail(err, DARN_ENOMEM, 0,
				 "cannot allocate memory for '%s'", io->name);
	rc = darn_io_read(io, buf, (size_t)st.size, 0, DARN_READ_NORMAL, &got,
			  err);
	if (rc) {
		free(buf);
		return rc;
	}
	buf[got] = '\0';
	*out = buf;
	*len = got;
	return DARN_OK;
}

enum darn_rc darn_tree_slurp(struct darn_tree *t, const char *path, size_t max,
			     uint8_t **out, size_t *len, struct darn_error *err)
{
	struct darn_io *io;
	enum darn_rc rc = darn_tree_open(t, path, &io, err);

	if (rc)
		return rc;
	rc = slurp(io, max, out, len, err);
	darn_io_close(io);
	return rc;
}
