/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - the streaming JSON writer. */
#include "cmd/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

void darn_json_init(struct darn_json *j, FILE *out)
{
	*j = (struct darn_json){.out = out};
}

size_t darn_utf8_sequence(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	/* RFC 3629, section 4: the second byte's range depends on the first */
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (len < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool darn_utf8_valid(const char *s, size_t len)
{
	while (len) {
		size_t n = darn_utf8_sequence(s, len);

		if (!n)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static void put_escaped(FILE *out, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		fputc('\\', out);
		fputc(c, out);
		break;
	case '\n':
		fputs("\\n", out);
		break;
	case '\t':
		fputs("\\t", out);
		break;
	default:
		if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
}

/* Runs of bytes that need no care are written at once. */
static void put_string(FILE *out, const char *s, size_t len)
{
	size_t begun = 0, i = 0;

	fputc('"', out);
	while (i < len) {
		unsigned char c = (unsigned char)s[i];
		size_t n = darn_utf8_sequence(s + i, len - i);

		if (n > 1 || (n == 1 && c >= 0x20 && c != '"' && c != '\\' &&
			      c != 0x7f)) {
			i += n;
			continue;
		}
		fwrite(s + begun, 1, i - begun, out);
		if (n)
			put_escaped(out, c);
		else
			fputs("\xef\xbf\xbd", out);
		begun = ++i;
	}
	fwrite(s + begun, 1, len - begun, out);
	fputc('"', out);
}

static void put_key(struct darn_json *j, const char *key)
{
	if (j->some)
		fputc(',', j->out);
	j->some = true;
	if (key) {
		put_string(j->out, key, strlen(key));
		fputc(':', j->out);
	}
}

static void open_nested(struct darn_json *j, char opening, char closing)
{
	assert(j->depth < DARN_JSON_DEPTH);
	fputc(opening, j->out);
	j->closing[j->depth++] = closing;
	j->some = false;
}

void darn_json_begin(struct darn_json *j, const char *type)
{
	assert(j->depth == 0);
	open_nested(j, '{', '}');
	darn_json_str(j, "type", type);
	if (strcmp(type, "summary") == 0)
		j->summary = true;
}

void darn_json_end(struct darn_json *j)
{
	while (j->depth)
		darn_json_close(j);
	fputc('\n', j->out);
	j->some = false;
}

void darn_json_object(struct darn_json *j, const char *key)
{
	put_key(j, key);
	open_nested(j, '{', '}');
}

void darn_json_array(struct darn_json *j, const char *key)
{
	put_key(j, key);
	open_nested(j, '[', ']');
}

void darn_json_close(struct darn_json *j)
{
	assert(j->depth > 0);
	fputc(j->closing[--j->depth], j->out);
	j->some = true;
}

static void put_value(struct darn_json *j, const char *key, const char *s,
		      size_t len)
{
	put_key(j, key);
	put_string(j->out, s, len);
}

void darn_json_str(struct darn_json *j, const char *key, const char *value)
{
	put_value(j, key, value, strlen(value));
}

void darn_json_base64(struct darn_json *j, const char *key, const void *bytes,
		      size_t len)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = bytes;

	put_key(j, key);
	fputc('"', j->out);
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned v = (unsigned)p[i] << 16;

		if (n > 1)
			v |= (unsigned)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		fputc(set[v >> 18], j->out);
		fputc(set[v >> 12 & 63], j->out);
		fputc(n > 1 ? set[v >> 6 & 63] : '=', j->out);
		fputc(n > 2 ? set[v & 63] : '=', j->out);
	}
	fputc('"', j->out);
}

void darn_json_path(struct darn_json *j, const char *key, const char *path)
{
	size_t len = strlen(path);
	char name[80];

	put_value(j, key, path, len);
	if (darn_utf8_valid(path, len))
		return;
	snprintf(name, sizeof(name), "%s_b64", key);
	darn_json_base64(j, name, path, len);
}

void darn_json_u64(struct darn_json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void darn_json_i64(struct darn_json *j, const char *key, int64_t value)
{
	put_key(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void darn_json_bool(struct darn_json *j, const char *key, bool value)
{
	darn_json_raw(j, key, value ? "true" : "false");
}

void darn_json_real(struct darn_json *j, const char *key, double value,
		    int digits)
{
	put_key(j, key);
	if (isfinite(value))
		fprintf(j->out, "%.*f", digits, value);
	else
		fputs("null", j->out);
}

void darn_json_raw(struct darn_json *j, const char *key, const char *json)
{
	put_key(j, key);
	fputs(json, j->out);
}

void darn_json_lines(struct darn_json *j, const char *key, const char *text)
{
	darn_json_array(j, key);
	while (*text) {
		size_t n = strcspn(text, "\n");

		put_value(j, NULL, text, n);
		text += n;
		if (*text)
			text++;
	}
	darn_json_close(j);
}
