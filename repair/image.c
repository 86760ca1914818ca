/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/io/fd.h"

enum {
	SECTOR = 512
};

/* Bytes [from, to) of the unit: are they those of the image? */
static bool same(const uint8_t *now, const uint8_t *image, size_t image_len,
		 size_t from, size_t to)
{
	size_t end = DARN_MIN(to, image_len);

	if (from < end && memcmp(now + from, image + from, end - from) != 0)
		return false;
	from = DARN_MAX(from, end);
	return from >= to || darn_all_zero(now + from, to - from);
}

/* Does [from, to) begin as image @a and end as image @b? */
static bool splits(const uint8_t *now, const uint8_t *a, size_t a_len,
		   const uint8_t *b, size_t b_len, size_t from, size_t to)
{
	size_t cut = from;

	while (cut < to && same(now, a, a_len, cut, cut + 1))
		cut++;
	return same(now, b, b_len, cut, to);
}

enum darn_image darn_image_judge(const struct darn_jrec *r, const uint8_t *now,
				 size_t len)
{
	size_t most = DARN_MAX(r->pre_len, r->new_len);
	size_t least = DARN_MIN(r->pre_len, r->new_len);
	unsigned split = 0;

	if (len == r->pre_len && same(now, r->pre, r->pre_len, 0, len))
		return DARN_IMAGE_PRE;
	if (len == r->new_len && same(now, r->new, r->new_len, 0, len))
		return DARN_IMAGE_NEW;
	if (len < least || len > most)
		return DARN_IMAGE_OTHER;
	for (size_t at = 0, to; at < len; at = to) {
		to = at + SECTOR - (size_t)((r->off + at) % SECTOR);
		to = DARN_MIN(to, len);
		if (same(now, r->pre, r->pre_len, at, to) ||
		    same(now, r->new, r->new_len, at, to))
			continue;
		if (!splits(now, r->new, r->new_len, r->pre, r->pre_len, at,
			    to) &&
		    !splits(now, r->pre, r->pre_len, r->new, r->new_len, at,
			    to))
			return DARN_IMAGE_OTHER;
		if (++split > 1)
			return DARN_IMAGE_OTHER;
	}
	return DARN_IMAGE_MIX;
}

enum darn_rc darn_image_look(const struct darn_jrec *r, int fd,
			     enum darn_image *out, struct darn_error *err)
{
	size_t most = DARN_MAX(r->pre_len, r->new_len), got = 0;
	uint8_t *buf = darn_calloc(most, 1, err);
	int error;

	if (!buf)
		return DARN_ENOMEM;
	error = darn_fd_read(fd, buf, most, r->off, &got);
	if (error && r->flags & DARN_J_UNREADABLE)
		*out = DARN_IMAGE_PRE;
	else if (error)
		*out = DARN_IMAGE_OTHER;
	else
		*out = darn_image_judge(r, buf, got);
	free(buf);
	return DARN_OK;
}

enum darn_rc darn_image_put(const struct darn_jrec *r, int fd, bool pre,
			    struct darn_error *err)
{
	const uint8_t *p = pre ? r->pre : r->new;
	size_t len = pre ? r->pre_len : r->new_len;
	uint64_t size = pre ? r->old_size : r->new_size, off = r->off;
	int error = darn_fd_write(fd, p, len, &off);

	if (error)
		return darn_fail(err, DARN_EIO, error,
				 "cannot write '%s' at %llu", r->path,
				 (unsigned long long)off);
	if (r->old_size != r->new_size && ftruncate(fd, (off_t)size) < 0)
		return darn_fail(err, DARN_EIO, errno,
				 "cannot set the size of '%s'", r->path);
	return DARN_OK;
}
