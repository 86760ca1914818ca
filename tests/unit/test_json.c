/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_json.c - the JSON writer against an independent reader (jansson).
 *
 * Test binaries link libdarn.a only, so the file under test is included.
 */
#include "cmd/json.c"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

static char *text;
static size_t len;
static FILE *out;
static struct darn_json j;

static void begin(void)
{
	out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(out);
	darn_json_init(&j, out);
}

/* Ends the line and reads it back. */
static json_t *finish(void)
{
	json_error_t e;
	json_t *v;

	darn_json_end(&j);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_gt(len, 0);
	/* one line, wherever the strings came from */
	ck_assert_ptr_eq(strchr(text, '\n'), text + len - 1);
	v = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	ck_assert_msg(v != NULL, "%s: %s", e.text, text);
	free(text);
	return v;
}

START_TEST(exact_bytes)
{
	begin();
	darn_json_begin(&j, "t");
	darn_json_u64(&j, "n", UINT64_MAX);
	darn_json_i64(&j, "i", INT64_MIN);
	darn_json_bool(&j, "b", true);
	darn_json_real(&j, "r", 1.5, 3);
	darn_json_real(&j, "bad", (double)NAN, 3);
	darn_json_array(&j, "a");
	darn_json_u64(&j, NULL, 1);
	darn_json_object(&j, NULL);
	darn_json_close(&j);
	darn_json_close(&j);
	darn_json_raw(&j, "d", "{\"x\":1}");
	darn_json_end(&j);
	darn_json_begin(&j, "u");
	darn_json_end(&j);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text,
			 "{\"type\":\"t\",\"n\":18446744073709551615,"
			 "\"i\":-9223372036854775808,\"b\":true,\"r\":1.500,"
			 "\"bad\":null,\"a\":[1,{}],\"d\":{\"x\":1}}\n"
			 "{\"type\":\"u\"}\n");
	free(text);
}
END_TEST

/* Every byte but NUL, alone: the reader gets it back or U+FFFD. */
START_TEST(every_byte)
{
	char s[2] = {(char)_i, 0};
	json_t *v;

	begin();
	darn_json_begin(&j, "t");
	darn_json_str(&j, "s", s);
	v = finish();
	ck_assert_str_eq(json_string_value(json_object_get(v, "s")),
			 _i < 0x80 ? s : "\xef\xbf\xbd");
	json_decref(v);
}
END_TEST

static const struct {
	const char *bytes;
	bool valid;
} sequences[] = {
	{"", true},
	{"plain", true},
	{"\xc3\xa9", true},
	{"\xe2\x82\xac", true},
	{"\xf0\x9f\xa7\xb5", true},
	{"\xf4\x8f\xbf\xbf", true},  /* U+10FFFF */
	{"\xf4\x90\x80\x80", false}, /* beyond it */
	{"\xc0\xaf", false},	     /* overlong */
	{"\xc1\xbf", false},	     /* overlong */
	{"\xe0\x9f\xbf", false},     /* overlong */
	{"\xf0\x8f\xbf\xbf", false}, /* overlong */
	{"\xed\xa0\x80", false},     /* surrogate */
	{"\xed\x9f\xbf", true},	     /* the last before them */
	{"\xe2\x82", false},	     /* cut short */
	{"\xf0\x9f\xa7", false},     /* cut short */
	{"\xe2\x28\xa1", false},     /* no continuation */
	{"\x80", false},	     /* continuation alone */
	{"ok\xff", false},
};

START_TEST(utf8)
{
	const char *s = sequences[_i].bytes;
	json_t *v;

	ck_assert_int_eq(darn_utf8_valid(s, strlen(s)), sequences[_i].valid);
	begin();
	darn_json_begin(&j, "t");
	darn_json_path(&j, "path", s);
	v = finish();
	if (sequences[_i].valid)
		ck_assert_str_eq(json_string_value(json_object_get(v, "path")),
				 s);
	ck_assert_int_eq(json_object_get(v, "path_b64") == NULL,
			 sequences[_i].valid);
	json_decref(v);
}
END_TEST

/* RFC 4648, section 10, with the byte ff in front of each. */
static const struct {
	const char *path, *b64;
} base64[] = {
	{"\xff", "/w=="},	  {"\xff\x66", "/2Y="},
	{"\xff\x66o", "/2Zv"},	  {"\xff\x66oo", "/2Zvbw=="},
	{"\xff\xfe\xfd", "//79"}, {"a/\xe9", "YS/p"},
};

START_TEST(path_b64)
{
	json_t *v;

	begin();
	darn_json_begin(&j, "t");
	darn_json_path(&j, "path", base64[_i].path);
	v = finish();
	ck_assert_str_eq(json_string_value(json_object_get(v, "path_b64")),
			 base64[_i].b64);
	json_decref(v);
}
END_TEST

START_TEST(lines_become_an_array)
{
	json_t *v, *a;

	begin();
	darn_json_begin(&j, "t");
	darn_json_lines(&j, "none", "");
	darn_json_lines(&j, "two", "first\nsecond");
	v = finish();
	ck_assert_uint_eq(json_array_size(json_object_get(v, "none")), 0);
	a = json_object_get(v, "two");
	ck_assert_uint_eq(json_array_size(a), 2);
	ck_assert_str_eq(json_string_value(json_array_get(a, 1)), "second");
	json_decref(v);
}
END_TEST

START_TEST(remembers_the_summary)
{
	begin();
	darn_json_begin(&j, "header");
	darn_json_end(&j);
	ck_assert(!j.summary);
	darn_json_begin(&j, "summary");
	darn_json_end(&j);
	ck_assert(j.summary);
	ck_assert_int_eq(fclose(out), 0);
	free(text);
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");
	int nsequences = sizeof(sequences) / sizeof(sequences[0]);

	tcase_add_test(t, exact_bytes);
	tcase_add_loop_test(t, every_byte, 1, 256);
	tcase_add_loop_test(t, utf8, 0, nsequences);
	tcase_add_loop_test(t, path_b64, 0, sizeof(base64) / sizeof(base64[0]));
	tcase_add_test(t, lines_become_an_array);
	tcase_add_test(t, remembers_the_summary);
	suite_add_tcase(s, t);
	return s;
}
