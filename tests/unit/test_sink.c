/* SPDX-License-Identifier: Apache-2.0 */
/* test_sink.c - what a sink keeps, and the JSON of details. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scan/collect.h"
#include "lib/scan/detail.h"
#include "lib/scan/report.h"
#include "lib/scan/store.h"

static const struct darn_code bad = {"a/bad", DARN_DAMAGED, DARN_HINT_NONE,
				     "it is bad"};
static const struct darn_code fine = {"a/fine", DARN_INFO, DARN_HINT_NONE,
				      "it is fine"};

static struct darn_sink *make(void)
{
	struct darn_sink *s = darn_sink_create(NULL);

	ck_assert_ptr_nonnull(s);
	return s;
}

START_TEST(keeps_what_it_hears)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_sink *s = make();
	char path[] = "x/y", reason[] = "first";
	struct darn_found f;

	darn_sink_report(s, &fine, (struct darn_place){.off = 1, .len = 2},
			 NULL);
	ck_assert(!darn_sink_bad(s));
	darn_sink_report(
		s, &bad,
		(struct darn_place){
			.path = path, .off = 3, .len = 4, .missing = 5},
		DARN_DETAILS(DARN_DEC("n", 7)));
	darn_sink_reason(s, reason);
	darn_sink_reason(s, "second");
	darn_sink_error(s, path, "no way");
	memset(path, '-', 3); /* strings are copied */
	memset(reason, '-', 5);
	ck_assert(darn_sink_bad(s));
	ck_assert_uint_eq(darn_sink_nfound(s), 2);
	f = darn_sink_found(s, 0);
	ck_assert_ptr_eq(f.code, &fine);
	ck_assert_ptr_null(f.path);
	ck_assert_str_eq(f.detail, "{}");
	f = darn_sink_found(s, 1);
	ck_assert_str_eq(f.path, "x/y");
	ck_assert_uint_eq(f.off, 3);
	ck_assert_uint_eq(f.len, 4);
	ck_assert_uint_eq(f.missing, 5);
	ck_assert_str_eq(f.detail, "{\"n\":7}");
	ck_assert_uint_eq(darn_sink_nerrors(s), 1);
	ck_assert_str_eq(darn_sink_error_text(s, 0), "no way");
	ck_assert_str_eq(darn_sink_first_reason(s), "first");
	ck_assert_int_eq(darn_sink_status(s, &err), DARN_OK);

	darn_sink_drain(s);
	ck_assert_uint_eq(darn_sink_nfound(s), 0);
	ck_assert_str_eq(darn_sink_first_reason(s), "first");
	darn_sink_clear(s);
	ck_assert_ptr_null(darn_sink_first_reason(s));
	ck_assert(!darn_sink_bad(s));
	darn_sink_destroy(s);
}
END_TEST

START_TEST(verified)
{
	struct darn_sink *s = make();

	darn_sink_verified(s, 100, 100);
	darn_sink_verified(s, 0, 50);
	darn_sink_verified(s, 150, 100);
	ck_assert_uint_eq(darn_sink_verified_len(s), 200);
	ck_assert(darn_sink_covers(s, 100, 150));
	ck_assert(!darn_sink_covers(s, 49, 2));
	darn_sink_destroy(s);
}
END_TEST

START_TEST(notes_come_sorted)
{
	static const struct {
		const char *path;
		uint64_t off;
		uint32_t kind;
	} want[] = {{"a/b", 3, 1},
		    {"a.b", 1, 2},
		    {"f", 2, 1},
		    {"f", 2, 2},
		    {"f", 9, 1}};
	struct darn_sink *s = make();
	struct darn_notes *notes;
	struct darn_note n;

	darn_sink_note(s, (struct darn_note){.off = 9, .kind = 1});
	darn_sink_note(s,
		       (struct darn_note){.path = "a.b", .off = 1, .kind = 2});
	darn_sink_note(s, (struct darn_note){.off = 2, .kind = 2});
	darn_sink_note(s,
		       (struct darn_note){.path = "a/b", .off = 3, .kind = 1});
	darn_sink_note(
		s, (struct darn_note){.off = 2, .kind = 1, .value = {4, 5, 6}});
	ck_assert_int_eq(darn_sink_notes(s, "f", &notes, NULL), DARN_OK);
	darn_sink_destroy(s);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(darn_notes_next(notes, &n, NULL), DARN_OK);
		ck_assert_str_eq(n.path, want[i].path);
		ck_assert_uint_eq(n.off, want[i].off);
		ck_assert_uint_eq(n.kind, want[i].kind);
		if (i == 2)
			ck_assert_uint_eq(n.value[2], 6);
	}
	ck_assert_int_eq(darn_notes_next(notes, &n, NULL), DARN_ENOENT);
	darn_notes_destroy(notes);
}
END_TEST

static void count_and_drain(struct darn_sink *s, void *n)
{
	*(size_t *)n += darn_sink_nfound(s);
	darn_sink_drain(s);
}

START_TEST(flushes_when_full)
{
	struct darn_sink s;
	size_t n = 0;

	darn_sink_init(&s);
	s.flush = count_and_drain;
	s.payload = &n;
	darn_sink_reason(&s, "kept");
	for (size_t i = 0; i < 10000; i++)
		darn_sink_report(&s, &bad,
				 (struct darn_place){.path = "p", .off = i},
				 DARN_DETAILS(DARN_DEC("i", i)));
	ck_assert_uint_eq(n, 8192);
	ck_assert_uint_eq(darn_sink_nfound(&s), 10000 - 8192);
	ck_assert_str_eq(darn_sink_found(&s, 0).detail, "{\"i\":8192}");
	ck_assert_str_eq(darn_sink_first_reason(&s), "kept");
	darn_sink_release(&s);
}
END_TEST

static void check_json(const struct darn_detail *d, const char *want)
{
	char buf[256], cut[8];

	ck_assert_uint_eq(darn_detail_json(d, buf, sizeof(buf)), strlen(want));
	ck_assert_str_eq(buf, want);
	ck_assert_uint_eq(darn_detail_json(d, cut, sizeof(cut)), strlen(want));
	ck_assert_int_eq(strncmp(cut, want, sizeof(cut) - 1), 0);
	ck_assert_uint_lt(strlen(cut), sizeof(cut));
}

START_TEST(json)
{
	check_json(DARN_DETAILS(DARN_DEC("a", UINT64_MAX),
				DARN_HEX("b", 4, 0x1a), DARN_HEX("c", 2, 0x123),
				DARN_STR("d", "x/y")),
		   "{\"a\":18446744073709551615,\"b\":\"0x001a\",\"c\":"
		   "\"0x123\",\"d\":\"x/y\"}");
	check_json(DARN_DETAILS(DARN_STR("s", "q\"b\\n\n\x01\x7f")),
		   "{\"s\":\"q\\\"b\\\\n\\u000a\\u0001\x7f\"}");
	/* UTF-8 stays; stray bytes, surrogates and overlong forms do not. */
	check_json(DARN_DETAILS(DARN_STR("s", "\xc3\xa9\xe2\x82\xac\xff\xc3")),
		   "{\"s\":\"\xc3\xa9\xe2\x82\xac\\ufffd\\ufffd\"}");
	check_json(DARN_DETAILS(DARN_STR("s", "\xed\xa0\x80\xc0\xaf")),
		   "{\"s\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"}");
	check_json(DARN_DETAILS(DARN_STR("s", NULL)), "{\"s\":\"\"}");
}
END_TEST

START_TEST(evidence)
{
	struct darn_evidence e = {{0}};

	darn_evidence_add(&e, "one %d", 1);
	darn_evidence_add(&e, "two");
	ck_assert_str_eq(e.text, "one 1\ntwo");
	for (int i = 0; i < 1000; i++)
		darn_evidence_add(&e, "more and more");
	ck_assert_uint_lt(strlen(e.text), sizeof(e.text));
	ck_assert_str_eq(darn_severity_name(DARN_TORN), "torn");
	ck_assert_str_eq(darn_liveness_name(DARN_LIVENESS_UNKNOWN), "unknown");
	ck_assert_str_eq(darn_shutdown_name(DARN_UNCLEAN), "unclean");
	ck_assert_str_eq(darn_verdict_name(DARN_PROBABLE), "probable");
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("sink");
	TCase *t = tcase_create("sink");

	tcase_add_test(t, keeps_what_it_hears);
	tcase_add_test(t, verified);
	tcase_add_test(t, notes_come_sorted);
	tcase_add_test(t, flushes_when_full);
	tcase_add_test(t, json);
	tcase_add_test(t, evidence);
	suite_add_tcase(s, t);
	return s;
}
