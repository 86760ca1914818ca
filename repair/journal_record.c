/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/journal_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/hash/hash.h"

enum {
	MAX_PATH_LEN = 32 << 10
};

enum darn_rc darn_jbuf_reserve(struct darn_jbuf *b, size_t len,
			       struct darn_error *err)
{
	uint8_t *p;

	if (len <= b->cap)
		return DARN_OK;
	p = realloc(b->data, len);
	if (!p)
		return darn_fail(err, DARN_ENOMEM, errno,
				 "cannot allocate memory");
	b->data = p;
	b->cap = len;
	return DARN_OK;
}

static void put32(struct darn_jbuf *b, uint32_t v)
{
	darn_put_le32(b->data + b->len, v);
	b->len += 4;
}

static void put64(struct darn_jbuf *b, uint64_t v)
{
	darn_put_le64(b->data + b->len, v);
	b->len += 8;
}

static void put_bytes(struct darn_jbuf *b, const void *p, size_t len)
{
	put32(b, (uint32_t)len);
	if (len)
		memcpy(b->data + b->len, p, len);
	b->len += len;
}

static void put_fixed(struct darn_jbuf *b, const struct darn_jrec *r)
{
	put64(b, r->id);
	put64(b, r->count);
	put32(b, r->flags);
	put64(b, r->dev);
	put64(b, r->ino);
	put64(b, r->off);
	put64(b, r->old_size);
	put64(b, r->new_size);
	put64(b, (uint64_t)r->mtime_ns);
	put64(b, (uint64_t)r->atime_ns);
	put32(b, r->mode);
	put32(b, r->uid);
	put32(b, r->gid);
	put64(b, r->digest);
	/* room for what a later version adds */
	put64(b, 0);
	put64(b, 0);
	put32(b, 0);
}

enum darn_rc darn_jrec_encode(struct darn_jbuf *b, const struct darn_jrec *r,
			      uint64_t prev_off, uint64_t prev_sum,
			      uint64_t *sum, struct darn_error *err)
{
	size_t path_len = r->path ? strlen(r->path) + 1 : 0;
	size_t body = DARN_JREC_FIXED + 3 * sizeof(uint32_t) + path_len +
		      r->pre_len + r->new_len;
	size_t start = b->len;
	enum darn_rc rc;

	if (path_len > MAX_PATH_LEN || r->pre_len > DARN_J_MAX_IMAGE ||
	    r->new_len > DARN_J_MAX_IMAGE)
		return darn_fail(err, DARN_EINVAL, 0,
				 "too much for one journal record");
	rc = darn_jbuf_reserve(b, start + DARN_JREC_HEAD + body + DARN_JREC_SUM,
			       err);
	if (rc)
		return rc;
	put32(b, (uint32_t)r->type);
	put32(b, 0);
	put64(b, body);
	put64(b, prev_off);
	put64(b, prev_sum);
	put64(b, darn_xxh3_64(b->data + start, DARN_JREC_HEAD - 8));
	put_fixed(b, r);
	put_bytes(b, r->path, path_len);
	put_bytes(b, r->pre, r->pre_len);
	put_bytes(b, r->new, r->new_len);
	*sum = darn_xxh3_64(b->data + start, b->len - start);
	put64(b, *sum);
	return DARN_OK;
}

bool darn_jrec_decode_head(const uint8_t raw[DARN_JREC_HEAD],
			   struct darn_jrec_head *out)
{
	out->type = darn_get_le32(raw);
	out->body = darn_get_le64(raw + 8);
	out->prev_off = darn_get_le64(raw + 16);
	out->prev_sum = darn_get_le64(raw + 24);
	return darn_get_le64(raw + 32) ==
		       darn_xxh3_64(raw, DARN_JREC_HEAD - 8) &&
	       out->body <= DARN_JREC_MAX_BODY;
}

static bool take_bytes(struct darn_cursor *c, const uint8_t **p, size_t *len)
{
	*len = darn_le32(c);
	*p = darn_take(c, *len);
	return !c->overrun;
}

bool darn_jrec_decode(const uint8_t *raw, size_t len, struct darn_jrec *r,
		      uint64_t *sum)
{
	struct darn_cursor c;
	const uint8_t *path;
	size_t path_len;

	if (len < DARN_JREC_HEAD + DARN_JREC_SUM)
		return false;
	*sum = darn_get_le64(raw + len - DARN_JREC_SUM);
	if (*sum != darn_xxh3_64(raw, len - DARN_JREC_SUM))
		return false;
	memset(r, 0, sizeof(*r));
	r->type = (enum darn_journal_type)darn_get_le32(raw);
	darn_cursor_init(&c, raw + DARN_JREC_HEAD,
			 len - DARN_JREC_HEAD - DARN_JREC_SUM);
	r->id = darn_le64(&c);
	r->count = darn_le64(&c);
	r->flags = darn_le32(&c);
	r->dev = darn_le64(&c);
	r->ino = darn_le64(&c);
	r->off = darn_le64(&c);
	r->old_size = darn_le64(&c);
	r->new_size = darn_le64(&c);
	r->mtime_ns = (int64_t)darn_le64(&c);
	r->atime_ns = (int64_t)darn_le64(&c);
	r->mode = darn_le32(&c);
	r->uid = darn_le32(&c);
	r->gid = darn_le32(&c);
	r->digest = darn_le64(&c);
	(void)darn_take(&c, 20);
	if (!take_bytes(&c, &path, &path_len) ||
	    !take_bytes(&c, &r->pre, &r->pre_len) ||
	    !take_bytes(&c, &r->new, &r->new_len))
		return false;
	r->path = path_len ? (const char *)path : "";
	return path_len == 0 || path[path_len - 1] == '\0';
}
