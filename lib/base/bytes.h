/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - reading on-disk bytes, all of which are hostile.
 *
 * struct darn_cursor takes values off the front of a buffer and never reads
 * past its end.  The overrun flag is sticky: after the first read that does
 * not fit, every further read gives 0 or NULL, zero-length ones too, so one
 * question at the end of a header is enough.  A pointer from
 * darn_take() is used only after that question.
 *
 * darn_get_*() load from a place that the caller has already bounded.
 */
#ifndef DARN_LIB_BASE_BYTES_H
#define DARN_LIB_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct darn_cursor {
	const uint8_t *next;
	size_t left;
	size_t taken; /* bytes taken so far: the offset of @next */
	bool overrun;
};

static inline void darn_cursor_init(struct darn_cursor *c, const void *buf,
				    size_t len)
{
	c->next = buf;
	c->left = len;
	c->taken = 0;
	c->overrun = false;
}

/* The next @len bytes, or NULL when fewer are left. */
static inline const uint8_t *darn_take(struct darn_cursor *c, size_t len)
{
	const uint8_t *p = c->next;

	if (c->overrun || c->left < len) {
		c->overrun = true;
		return NULL;
	}
	c->next += len;
	c->left -= len;
	c->taken += len;
	return p;
}

static inline uint16_t darn_get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t darn_get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t darn_get_le64(const uint8_t *p)
{
	return darn_get_le32(p) | (uint64_t)darn_get_le32(p + 4) << 32;
}

static inline void darn_put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void darn_put_le32(uint8_t *p, uint32_t v)
{
	darn_put_le16(p, (uint16_t)v);
	darn_put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void darn_put_le64(uint8_t *p, uint64_t v)
{
	darn_put_le32(p, (uint32_t)v);
	darn_put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline uint8_t darn_u8(struct darn_cursor *c)
{
	const uint8_t *p = darn_take(c, 1);

	return p ? *p : 0;
}

static inline uint16_t darn_le16(struct darn_cursor *c)
{
	const uint8_t *p = darn_take(c, 2);

	return p ? darn_get_le16(p) : 0;
}

static inline uint32_t darn_le32(struct darn_cursor *c)
{
	const uint8_t *p = darn_take(c, 4);

	return p ? darn_get_le32(p) : 0;
}

static inline uint64_t darn_le64(struct darn_cursor *c)
{
	const uint8_t *p = darn_take(c, 8);

	return p ? darn_get_le64(p) : 0;
}

/* True if all @len bytes are zero. */
bool darn_all_zero(const void *buf, size_t len);

#endif
