/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/scan/detail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *buf;
	size_t size, n;
};

static void put(struct out *o, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (o->n + i + 1 < o->size)
			o->buf[o->n + i] = s[i];
	}
	o->n += len;
}

/* Bytes of the UTF-8 character at @s (NUL-terminated), 0 where it is none. */
static size_t utf8(const unsigned char *s)
{
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;

	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void put_string(struct out *o, const char *s)
{
	char esc[8];

	put(o, "\"", 1);
	while (*s) {
		size_t len = utf8((const unsigned char *)s);

		if (len == 0) {
			put(o, "\\ufffd", 6);
			len = 1;
		} else if (*s == '"' || *s == '\\') {
			esc[0] = '\\';
			esc[1] = *s;
			put(o, esc, 2);
		} else if ((unsigned char)*s < 0x20) {
			(void)snprintf(esc, sizeof(esc), "\\u%04x",
				       (unsigned)*s);
			put(o, esc, 6);
		} else {
			put(o, s, len);
		}
		s += len;
	}
	put(o, "\"", 1);
}

static void put_value(struct out *o, const struct darn_detail *d)
{
	char num[32];
	int len;

	switch (d->kind) {
	case DARN_DETAIL_DEC:
		len = snprintf(num, sizeof(num), "%" PRIu64, d->num);
		put(o, num, (size_t)len);
		break;
	case DARN_DETAIL_HEX:
		len = snprintf(num, sizeof(num), "\"0x%0*" PRIx64 "\"",
			       (int)(d->width < 16 ? d->width : 16), d->num);
		put(o, num, (size_t)len);
		break;
	case DARN_DETAIL_STR:
	case DARN_DETAIL_END:
		put_string(o, d->str ? d->str : "");
		break;
	}
}

size_t darn_detail_json(const struct darn_detail *d, char *buf, size_t size)
{
	struct out o = {.buf = buf, .size = size};

	put(&o, "{", 1);
	for (size_t i = 0; d[i].kind != DARN_DETAIL_END; i++) {
		if (i > 0)
			put(&o, ",", 1);
		put_string(&o, d[i].key);
		put(&o, ":", 1);
		put_value(&o, &d[i]);
	}
	put(&o, "}", 1);
	if (size > 0)
		buf[o.n < size ? o.n : size - 1] = '\0';
	return o.n;
}
