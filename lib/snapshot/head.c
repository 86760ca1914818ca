/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.c - the numbers and the roots of a snapshot.
 *
 *      0  8  "DARNSNAP"   8 4 version   12 4 flags: 1 fuzzy
 *     16 16  id
 *     32  8  when it was made
 *     40  8  files   48 8 bytes   56 8 new bytes in packs
 *     64  4  number of roots
 *     68     per root: length (8) and check (8) of its manifest, length of
 *            the path (4), path
 *            check (8)
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/snapshot/internal.h"

#define HEAD_MAGIC "DARNSNAP"

enum {
	HEAD = 68,
	ROOT = 20,
	ROOTS_MAX = 65536
};

void darn_head_release(struct darn_snapshot_head *h)
{
	for (unsigned i = 0; h->roots && i < h->info.nroots; i++)
		free(h->roots[i].path);
	free(h->roots);
	h->roots = NULL;
}

enum darn_rc darn_head_write(const char *dir,
			     const struct darn_snapshot_head *h,
			     struct darn_error *err)
{
	char *path = darn_path_join(dir, "head", err);
	enum darn_rc rc = DARN_ENOMEM;
	size_t len = HEAD;
	uint8_t *buf, *p;

	for (unsigned i = 0; i < h->info.nroots; i++)
		len += ROOT + strlen(h->roots[i].path);
	buf = darn_calloc(1, len + 8, err);
	if (!path || !buf)
		goto out;
	memcpy(buf, HEAD_MAGIC, 8);
	darn_put_le32(buf + 8, REPO_VERSION);
	darn_put_le32(buf + 12, h->info.fuzzy);
	(void)darn_unhex_id(buf + 16, h->info.id);
	darn_put_le64(buf + 32, (uint64_t)h->info.made_ns);
	darn_put_le64(buf + 40, h->info.files);
	darn_put_le64(buf + 48, h->info.bytes);
	darn_put_le64(buf + 56, h->info.stored);
	darn_put_le32(buf + 64, h->info.nroots);
	p = buf + HEAD;
	for (unsigned i = 0; i < h->info.nroots; i++) {
		const struct darn_snapshot_root *r = &h->roots[i];
		size_t n = strlen(r->path);

		darn_put_le64(p, r->size);
		darn_put_le64(p + 8, r->check);
		darn_put_le32(p + 16, (uint32_t)n);
		memcpy(p + ROOT, r->path, n);
		p += ROOT + n;
	}
	rc = darn_small_put(path, buf, len, err);
out:
	free(buf);
	free(path);
	return rc;
}

static enum darn_rc parse_roots(struct darn_cursor *c,
				struct darn_snapshot_head *h,
				struct darn_error *err)
{
	for (unsigned i = 0; i < h->info.nroots; i++) {
		struct darn_snapshot_root *r = &h->roots[i];
		const uint8_t *p;
		uint32_t n;

		r->size = darn_le64(c);
		r->check = darn_le64(c);
		n = darn_le32(c);
		p = darn_take(c, n);
		if (!p)
			return DARN_ECORRUPT;
		r->path = strndup((const char *)p, n);
		if (!r->path)
			return darn_fail(err, DARN_ENOMEM, 0, "out of memory");
	}
	return c->left ? DARN_ECORRUPT : DARN_OK;
}

static enum darn_rc parse(const uint8_t *buf, size_t len,
			  struct darn_snapshot_head *h, struct darn_error *err)
{
	char id[33] = "";
	struct darn_cursor c;
	const uint8_t *p;

	darn_cursor_init(&c, buf, len);
	(void)darn_take(&c, 12);
	h->info.fuzzy = darn_le32(&c) & 1;
	p = darn_take(&c, REPO_ID);
	if (p)
		darn_hex_id(id, p);
	h->info.made_ns = (int64_t)darn_le64(&c);
	h->info.files = darn_le64(&c);
	h->info.bytes = darn_le64(&c);
	h->info.stored = darn_le64(&c);
	h->info.nroots = darn_le32(&c);
	if (c.overrun || strcmp(id, h->info.id) != 0 ||
	    h->info.nroots > ROOTS_MAX || h->info.nroots > c.left / ROOT) {
		h->info.nroots = 0;
		return DARN_ECORRUPT;
	}
	h->roots = darn_calloc(h->info.nroots + 1, sizeof(*h->roots), err);
	return h->roots ? parse_roots(&c, h, err) : DARN_ENOMEM;
}

enum darn_rc darn_head_read(const char *repo, const char *id,
			    struct darn_snapshot_head *out,
			    struct darn_error *err)
{
	char *path = darn_asprintf(err, "%s/snapshots/%s/head", repo, id);
	struct darn_snapshot_head h = {0};
	uint8_t *buf;
	size_t len;
	enum darn_rc rc;

	if (!path)
		return DARN_ENOMEM;
	(void)snprintf(h.info.id, sizeof(h.info.id), "%s", id);
	rc = darn_small_get(path, HEAD_MAGIC, &buf, &len, err);
	if (rc == DARN_OK) {
		rc = parse(buf, len, &h, err);
		free(buf);
	}
	if (rc == DARN_ECORRUPT)
		rc = darn_fail(err, rc, 0, "'%s' is damaged", path);
	free(path);
	if (rc)
		darn_head_release(&h);
	else
		*out = h;
	return rc;
}

/* The last eight bytes of a manifest are the check of its trailer. */
enum darn_rc darn_head_stamp(const char *path, struct darn_snapshot_root *root,
			     struct darn_error *err)
{
	struct darn_stat st;
	uint8_t last[8];
	struct darn_io *io;
	enum darn_rc rc =
		darn_io_open_posix(AT_FDCWD, path, path, false, &io, err);

	if (rc)
		return rc;
	rc = darn_io_stat(io, &st, err);
	if (rc == DARN_OK && st.size < sizeof(last))
		rc = darn_fail(err, DARN_ECORRUPT, 0,
			       "'%s' is damaged: it has %" PRIu64 " bytes",
			       path, st.size);
	if (rc == DARN_OK)
		rc = darn_io_read_full(io, last, sizeof(last),
				       st.size - sizeof(last), err);
	darn_io_close(io);
	if (rc)
		return rc;
	root->size = st.size;
	root->check = darn_get_le64(last);
	return DARN_OK;
}
