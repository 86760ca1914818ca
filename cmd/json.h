/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - writes JSON Lines.
 *
 *	darn_json_begin(j, "finding");         {"type":"finding"
 *	darn_json_path(j, "path", path);       ,"path":"..."
 *	darn_json_u64(j, "offset", off);       ,"offset":65536
 *	darn_json_end(j);                      }\n
 *
 * Nothing here fails: a write error stays in the FILE and main() turns it into
 * exit bit 8.  Strings are escaped; bytes that are not UTF-8 become U+FFFD.
 * @key is NULL inside an array.  Numbers are written whole, up to 64 bits.
 */
#ifndef DARN_CMD_JSON_H
#define DARN_CMD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	DARN_JSON_DEPTH = 16
};

struct darn_json {
	FILE *out;
	unsigned depth; /* 0: between lines */
	bool some;	/* something stands before, so a comma is needed */
	bool summary;	/* a line of type "summary" has been written */
	char closing[DARN_JSON_DEPTH];
};

void darn_json_init(struct darn_json *j, FILE *out);

/* One line.  @type is its first member. */
void darn_json_begin(struct darn_json *j, const char *type);
void darn_json_end(struct darn_json *j);

/* Nested; each is closed by darn_json_close(). */
void darn_json_object(struct darn_json *j, const char *key);
void darn_json_array(struct darn_json *j, const char *key);
void darn_json_close(struct darn_json *j);

void darn_json_str(struct darn_json *j, const char *key, const char *value);
/* Adds "@key_b64" with the true bytes where @path is not UTF-8. */
void darn_json_path(struct darn_json *j, const char *key, const char *path);
/* RFC 4648, section 4. */
void darn_json_base64(struct darn_json *j, const char *key, const void *bytes,
		      size_t len);
void darn_json_u64(struct darn_json *j, const char *key, uint64_t value);
void darn_json_i64(struct darn_json *j, const char *key, int64_t value);
void darn_json_bool(struct darn_json *j, const char *key, bool value);
/* With @digits decimals; not finite: null. */
void darn_json_real(struct darn_json *j, const char *key, double value,
		    int digits);
/* @json is one complete value already. */
void darn_json_raw(struct darn_json *j, const char *key, const char *json);
/* An array of the lines of @text ('\n' between them); "" gives []. */
void darn_json_lines(struct darn_json *j, const char *key, const char *text);

/* True if the @len bytes are UTF-8 (RFC 3629: no surrogates, shortest form). */
bool darn_utf8_valid(const char *s, size_t len);
/*
 * Length of the UTF-8 sequence at @s, of which @len > 0 bytes are there; 0
 * where there is none.
 */
size_t darn_utf8_sequence(const char *s, size_t len);

#endif
