/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/plan_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
			     "xyz0123456789+/";

static char *encode(const char *s)
{
	size_t len = strlen(s);
	char *out = malloc((len + 2) / 3 * 4 + 1), *p = out;

	for (size_t i = 0; out && i < len; i += 3) {
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < len ? (uint8_t)s[i + k] : 0);
		*p++ = digits[v >> 18 & 63];
		*p++ = digits[v >> 12 & 63];
		*p++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*p++ = i + 2 < len ? digits[v & 63] : '=';
	}
	if (out)
		*p = '\0';
	return out;
}

static char *decode(const char *s)
{
	char *out = malloc(strlen(s) + 1), *p = out;
	uint32_t v = 0;
	unsigned bits = 0;

	for (; out && *s && *s != '='; s++) {
		const char *d = strchr(digits, *s);

		if (!d) {
			free(out);
			return NULL;
		}
		v = v << 6 | (uint32_t)(d - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*p++ = (char)(v >> bits & 255);
		}
	}
	if (out)
		*p = '\0';
	return out;
}

static char *other_key(const char *key, const char *suffix)
{
	char *k = NULL;

	return asprintf(&k, "%s%s", key, suffix) < 0 ? NULL : k;
}

bool darn_plan_put(json_t *o, const char *key, const char *value)
{
	json_t *s = json_string(value);
	char *k, *b;
	bool ok;

	if (s)
		return json_object_set_new(o, key, s) == 0;
	k = other_key(key, "_b64");
	b = encode(value);
	ok = k && b && json_object_set_new(o, k, json_string(b)) == 0;
	free(k);
	free(b);
	return ok;
}

bool darn_plan_put_hex(json_t *o, const char *key, uint64_t value)
{
	char text[17];

	(void)snprintf(text, sizeof(text), "%016" PRIx64, value);
	return json_object_set_new(o, key, json_string(text)) == 0;
}

bool darn_plan_put_num(json_t *o, const char *key, uint64_t value)
{
	return json_object_set_new(o, key, json_integer((json_int_t)value)) ==
	       0;
}

const char *darn_plan_str(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	char *k, *raw;

	if (s)
		return s;
	k = other_key(key, "_b64");
	s = k ? json_string_value(json_object_get(o, k)) : NULL;
	raw = s ? decode(s) : NULL;
	free(k);
	s = NULL;
	k = raw ? other_key(key, "_raw") : NULL;
	/* nocheck: the bytes are no UTF-8, and are never written out */
	if (k &&
	    json_object_set_new_nocheck(o, k, json_string_nocheck(raw)) == 0)
		s = json_string_value(json_object_get(o, k));
	free(k);
	free(raw);
	return s;
}

bool darn_plan_hex(const json_t *o, const char *key, uint64_t *value)
{
	const char *s = json_string_value(json_object_get(o, key));
	char *end;

	if (!s || strlen(s) != 16)
		return false;
	errno = 0;
	*value = strtoull(s, &end, 16);
	return errno == 0 && *end == '\0';
}

bool darn_plan_num(const json_t *o, const char *key, uint64_t *value)
{
	const json_t *n = json_object_get(o, key);

	if (!json_is_integer(n) || json_integer_value(n) < 0)
		return false;
	*value = (uint64_t)json_integer_value(n);
	return true;
}
