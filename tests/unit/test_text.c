/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_text.c - names, sizes and findings as people see them.
 *
 * Test binaries link libdarn.a only, so the files under test are included.
 */
#include "cmd/json.c"
#include "cmd/tally.c"
#include "cmd/text.c"

#include <check.h>
#include <stdlib.h>

#include "lib/base/mem.h"

static char *text;
static size_t len;

static FILE *begin(void)
{
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	return f;
}

static void finish(FILE *f, const char *want)
{
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_str_eq(text, want);
	free(text);
}

static const struct {
	const char *in, *want;
} paths[] = {
	{"", ""},
	{"/srv/db/base/5", "/srv/db/base/5"},
	{"with space", "with space"},
	{"caf\xc3\xa9", "caf\xc3\xa9"},
	{"a\nb\tc", "a\\x0ab\\x09c"},
	{"\033[31m", "\\x1b[31m"},
	{"back\\slash", "back\\x5cslash"},
	{"\x7f", "\\x7f"},
	{"caf\xe9", "caf\\xe9"},
	{"\xc2\x9b"
	 "31m",
	 "\\xc2\\x9b31m"}, /* U+009B, CSI in eight bits */
	{"\xc2\xa0", "\xc2\xa0"},
};

START_TEST(path)
{
	FILE *f = begin();

	darn_text_path(f, paths[_i].in);
	finish(f, paths[_i].want);
}
END_TEST

static const struct {
	const char *in, *want;
} words[] = {
	{"", "''"},
	{"/srv/db-1", "/srv/db-1"},
	{"my db", "'my db'"},
	{"it's", "'it'\\''s'"},
	{"$(reboot)", "'$(reboot)'"},
	{"~root", "'~root'"},
	{"a;b", "'a;b'"},
};

START_TEST(quoted)
{
	FILE *f = begin();

	darn_text_quoted(f, words[_i].in);
	finish(f, words[_i].want);
}
END_TEST

static const struct {
	uint64_t bytes;
	const char *want;
} sizes[] = {
	{0, "0 B"},
	{1023, "1023 B"},
	{1024, "1.0 KiB"},
	{1536, "1.5 KiB"},
	{(1u << 20) - 1, "1.0 MiB"},
	{1u << 20, "1.0 MiB"},
	{5ull << 40, "5.0 TiB"},
	{UINT64_MAX, "16.0 EiB"},
};

START_TEST(size)
{
	char buf[DARN_SIZE_TEXT];

	ck_assert_str_eq(darn_text_size(buf, sizes[_i].bytes), sizes[_i].want);
}
END_TEST

static const struct {
	const char *json, *want;
} details[] = {
	{"{}", ""},
	{"", ""},
	{"{\"n\":5}", " n=5"},
	{"{\"stored\":\"0x1a2b\",\"n\":18446744073709551615}",
	 " stored=0x1a2b n=18446744073709551615"},
	{"{\"why\":\"two words\"}", " why=\"two words\""},
	{"{\"why\":\"a\\\"b\",\"n\":1}", " why=\"a\\\"b\" n=1"},
	{"{\"why\":\"\\u000a\"}", " why=\"\\u000a\""},
	/* cut short */
	{"{\"why", ""},
	{"{\"why\"", " why"},
	{"{\"why\":\"tw", " why="},
	{"{\"", ""},
};

START_TEST(detail)
{
	FILE *f = begin();

	darn_text_detail(f, details[_i].json);
	finish(f, details[_i].want);
}
END_TEST

START_TEST(finding)
{
	struct darn_ctx ctx = {.out = begin()};
	struct darn_record r = {.path = "/srv/a b",
				.off = 8192,
				.len = 512,
				.severity = DARN_DAMAGED,
				.id = "x/y-z",
				.detail = "{\"stored\":\"0x1a\"}"};

	darn_text_finding(&ctx, &r);
	ctx.colour = true;
	r.severity = DARN_TORN;
	darn_text_finding(&ctx, &r);
	finish(ctx.out, "/srv/a b:8192+512 damaged x/y-z stored=0x1a\n"
			"/srv/a b:8192+512 \033[33mtorn\033[0m x/y-z "
			"stored=0x1a\n");
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_loop_test(t, path, 0, DARN_ARRAY_SIZE(paths));
	tcase_add_loop_test(t, quoted, 0, DARN_ARRAY_SIZE(words));
	tcase_add_loop_test(t, size, 0, DARN_ARRAY_SIZE(sizes));
	tcase_add_loop_test(t, detail, 0, DARN_ARRAY_SIZE(details));
	tcase_add_test(t, finding);
	suite_add_tcase(s, t);
	return s;
}
