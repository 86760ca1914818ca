/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_repair.c - from findings to a mended store and back, on a store made
 * for it.
 *
 * A "mend" store is a directory with the file MOMENT.  Its files *.pg have
 * pages of 512 bytes, the first four being a checksum of the rest.  A source
 * whose MOMENT is the same is proven; one whose MOMENT is lower is stale;
 * higher, probable.  A page that begins, after the checksum, with 'H' heals.
 * LIVE in the directory: in use; MAYBE: nobody knows.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/hash/hash.h"
#include "repair/repair.h"

enum {
	PAGE = 512,
	PAGES = 20
};

/* ---- the store ---- */

static const struct darn_code code_sum = {"mend/page-checksum", DARN_DAMAGED,
					  DARN_HINT_RESTORE, "a bad sum"};
static const struct darn_code code_zero = {"mend/page-zeroed", DARN_SUSPICIOUS,
					   DARN_HINT_RESTORE, "all zero"};
static const struct darn_code code_gone = {"mend/file-missing", DARN_DAMAGED,
					   DARN_HINT_RESTORE_FILE, "no file"};
static const struct darn_code code_cut = {"mend/file-short", DARN_DAMAGED,
					  DARN_HINT_RESTORE, "cut"};

static void seal_page(uint8_t page[PAGE])
{
	darn_put_le32(page, (uint32_t)darn_xxh3_64(page + 4, PAGE - 4));
}

static enum darn_rc page_check(const void *file_ctx, const struct darn_chunk *c,
			       struct darn_sink *sink, struct darn_error *err)
{
	(void)file_ctx;
	(void)err;
	for (size_t at = 0; at + PAGE <= c->len; at += PAGE) {
		const uint8_t *p = c->buf + at;
		struct darn_place where = {.off = c->off + at, .len = PAGE};

		if (darn_all_zero(p, PAGE))
			darn_sink_report(sink, &code_zero, where, NULL);
		else if (darn_get_le32(p) !=
			 (uint32_t)darn_xxh3_64(p + 4, PAGE - 4))
			darn_sink_report(sink, &code_sum, where, NULL);
		else
			darn_sink_verified(sink, where.off, PAGE);
	}
	return DARN_OK;
}

static const struct darn_format page_format = {
	.name = "page",
	.title = "page",
	.unit = PAGE,
	.check = page_check,
};

struct moment {
	int value;
};

static bool has(struct darn_tree *t, const char *dir, const char *name)
{
	char path[300];
	struct darn_stat st;

	snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] ? "/" : "", name);
	return darn_tree_stat(t, path, &st, NULL) == DARN_OK;
}

static unsigned recognise(struct darn_tree *t, const char *dir)
{
	return has(t, dir, "MOMENT") ? 100 : 0;
}

static enum darn_rc mend_open(struct darn_tree *t, struct darn_sink *sink,
			      void **ctx, struct darn_error *err)
{
	struct moment *m = calloc(1, sizeof(*m));
	uint8_t *text = NULL;
	size_t len;

	(void)sink;
	ck_assert_ptr_nonnull(m);
	if (darn_tree_slurp(t, "MOMENT", 64, &text, &len, err) == DARN_OK)
		m->value = atoi((char *)text);
	free(text);
	*ctx = m;
	return DARN_OK;
}

static const char *version(const void *ctx)
{
	(void)ctx;
	return "1";
}

static struct darn_class classify(const void *ctx, const char *path,
				  const struct darn_stat *st)
{
	size_t n = strlen(path);

	(void)ctx;
	(void)st;
	if (n > 3 && strcmp(path + n - 3, ".pg") == 0)
		return (struct darn_class){.format = &page_format};
	return (struct darn_class){.reason = "no checksum"};
}

static enum darn_liveness liveness(const void *ctx, struct darn_tree *t,
				   struct darn_evidence *why)
{
	(void)ctx;
	darn_evidence_add(why, "looked");
	if (has(t, "", "LIVE"))
		return DARN_LIVE;
	return has(t, "", "MAYBE") ? DARN_LIVENESS_UNKNOWN : DARN_STOPPED;
}

static enum darn_shutdown shutdown_state(const void *ctx,
					 struct darn_evidence *why)
{
	(void)ctx;
	darn_evidence_add(why, "always");
	return DARN_CLEAN;
}

static void hold(const void *ctx, struct darn_tree *t, struct darn_hold *out)
{
	(void)ctx;
	(void)t;
	strcpy(out->path, "lock.pid");
	strcpy(out->content, "%d\nheld\n");
}

/* data.pg must have PAGES pages, and more.pg must exist. */
static enum darn_rc expect(const void *ctx, struct darn_tree *t,
			   struct darn_sink *sink, struct darn_error *err)
{
	struct darn_stat st;
	uint64_t want = PAGE * PAGES;

	(void)ctx;
	(void)err;
	if (darn_tree_stat(t, "data.pg", &st, NULL) == DARN_OK &&
	    st.size < want)
		darn_sink_report(sink, &code_cut,
				 (struct darn_place){"data.pg", st.size,
						     want - st.size,
						     want - st.size},
				 NULL);
	if (!has(t, "", "sub/more.pg"))
		darn_sink_report(
			sink, &code_gone,
			(struct darn_place){"sub/more.pg", 0, PAGE, PAGE},
			NULL);
	return DARN_OK;
}

static enum darn_verdict judge(const void *ctx, const struct darn_unit *u,
			       const struct darn_candidate *c,
			       struct darn_evidence *why)
{
	const struct moment *mine = ctx, *theirs = c ? c->source_ctx : NULL;

	if (!c && u->buf && u->buf_len > 4 && u->buf[4] == 'H') {
		darn_evidence_add(why, "the log has it");
		return DARN_HEALS;
	}
	if (!theirs)
		return DARN_UNKNOWN;
	darn_evidence_add(why, "moment %d here, %d there", mine->value,
			  theirs->value);
	if (theirs->value == mine->value)
		return DARN_EXACT;
	return theirs->value < mine->value ? DARN_STALE : DARN_PROBABLE;
}

static const struct darn_format *const formats[] = {&page_format, NULL};
static const struct darn_store mend = {
	.name = "mend",
	.title = "mend store",
	.formats = formats,
	.recognise = recognise,
	.open = mend_open,
	.close = free,
	.version = version,
	.classify = classify,
	.liveness = liveness,
	.hold = hold,
	.shutdown = shutdown_state,
	.expect = expect,
	.judge = judge,
};
static const struct darn_store *const stores[] = {&mend, NULL};

/* ---- the scene ---- */

static char dir[64];

static char *at(const char *name)
{
	static char ring[8][300];
	static unsigned next;
	char *s = ring[next++ % 8];

	snprintf(s, sizeof(ring[0]), "%s/%s", dir, name);
	return s;
}

/* COMMAND with two words behind it. */
static void sh(const char *command, const char *a, const char *b)
{
	char cmd[1000];

	snprintf(cmd, sizeof(cmd), "%s '%s' '%s'", command, a, b);
	ck_assert_int_eq(system(cmd), 0);
}

static void put(const char *name, off_t off, const void *buf, size_t len)
{
	int fd = open(at(name), O_RDWR | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, buf, len, off), (ssize_t)len);
	close(fd);
}

static void make_store(const char *name, unsigned seed)
{
	char file[100];
	uint8_t page[PAGE];

	snprintf(file, sizeof(file), "%s/sub", name);
	sh("mkdir -p", at(file), at(name));
	snprintf(file, sizeof(file), "%s/MOMENT", name);
	put(file, 0, "7\n", 2);
	for (unsigned i = 0; i < PAGES; i++) {
		memset(page, (int)(i + seed), PAGE);
		seal_page(page);
		snprintf(file, sizeof(file), "%s/data.pg", name);
		put(file, i * PAGE, page, PAGE);
	}
	snprintf(file, sizeof(file), "%s/sub/more.pg", name);
	put(file, 0, page, PAGE);
}

static void setup(void)
{
	strcpy(dir, "/tmp/darn-repair-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("DARN_STATE_DIR", at("state"), 1), 0);
	make_store("db", 1);
	sh("cp -a", at("db"), at("good"));
}

static void teardown(void)
{
	sh("rm -rf", dir, dir);
}

static void flip(const char *name, off_t off)
{
	uint8_t b;
	int fd = open(at(name), O_RDWR);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &b, 1, off), 1);
	b ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &b, 1, off), 1);
	close(fd);
}

static bool same(const char *a, const char *b)
{
	char cmd[1000];

	snprintf(cmd, sizeof(cmd), "diff -r '%s' '%s' >/dev/null", at(a),
		 at(b));
	return system(cmd) == 0;
}

static struct darn_repair_options options(const char *target,
					  const char *const *sources, size_t n)
{
	return (struct darn_repair_options){
		.path = target,
		.sources = sources,
		.nsources = n,
		.scan = {.stores = stores, .spill_dir = "/tmp"},
	};
}

/* One source, by name; everything else by default. */
static const char *one_source[1];
static struct darn_repair_options from(const char *source)
{
	static char target[300], name[300];

	strcpy(target, at("db"));
	strcpy(name, at(source));
	one_source[0] = name;
	return options(target, one_source, 1);
}

static struct darn_plan_totals totals_of(const struct darn_repair_options *o)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_plan_totals t;
	struct darn_plan *p = NULL;
	enum darn_rc rc = darn_plan_make(o, &p, &err);

	if (rc)
		ck_abort_msg("%d %s", rc, err.msg);
	t = darn_plan_totals(p);
	darn_plan_destroy(p);
	return t;
}

static enum darn_rc repair(const struct darn_repair_options *o,
			   struct darn_repair_result *res,
			   struct darn_error *err)
{
	struct darn_apply_options a = {.repair = o};
	struct darn_plan *p = NULL;
	enum darn_rc rc = darn_plan_make(o, &p, err);

	memset(res, 0, sizeof(*res));
	if (!rc)
		rc = darn_repair_apply(p, &a, res, err);
	darn_report_destroy(res->report);
	res->report = NULL;
	darn_plan_destroy(p);
	return rc;
}

static void repair_ok(const struct darn_repair_options *o,
		      struct darn_repair_result *res)
{
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc = repair(o, res, &err);

	if (rc)
		ck_abort_msg("%d %s", rc, err.msg);
}

static void undo_ok(const char *journal, struct darn_undo_result *r)
{
	struct darn_undo_options u = {.stores = stores};
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc = darn_undo(journal, &u, r, &err);

	if (rc)
		ck_abort_msg("%d %s", rc, err.msg);
}

static void damage_everything(void)
{
	static const uint8_t zeros[PAGE];

	flip("db/data.pg", 3 * PAGE + 100);
	flip("db/data.pg", 4 * PAGE);
	put("db/data.pg", 8 * PAGE, zeros, PAGE);
	ck_assert_int_eq(truncate(at("db/data.pg"), 17 * PAGE + 99), 0);
	ck_assert_int_eq(unlink(at("db/sub/more.pg")), 0);
	sh("cp -a", at("db"), at("damaged"));
}

/* ---- tests ---- */

START_TEST(everything_comes_back)
{
	struct darn_repair_options o = from("good");
	struct darn_repair_result res;
	struct darn_undo_result u;
	struct stat was, is;

	damage_everything();
	ck_assert_int_eq(stat(at("db/data.pg"), &was), 0);
	repair_ok(&o, &res);
	ck_assert_uint_eq(res.exit, DARN_EXIT_REPAIRED);
	ck_assert_uint_eq(res.done, 7);
	ck_assert(same("db", "good"));
	/* times, owner and inode are what they were */
	ck_assert_int_eq(stat(at("db/data.pg"), &is), 0);
	ck_assert_uint_eq(is.st_ino, was.st_ino);
	ck_assert_int_eq(is.st_mtim.tv_sec, was.st_mtim.tv_sec);
	ck_assert_int_eq(is.st_mtim.tv_nsec, was.st_mtim.tv_nsec);
	ck_assert_uint_eq(totals_of(&o).items, 0);
	undo_ok(res.journal, &u);
	ck_assert(!u.was_undone);
	ck_assert(same("db", "damaged"));
	undo_ok(res.journal, &u);
	ck_assert(u.was_undone);
	repair_ok(&o, &res);
	ck_assert(same("db", "good"));
}
END_TEST

START_TEST(stale_is_never_written)
{
	struct darn_repair_options o = from("good");
	struct darn_repair_result res;

	put("good/MOMENT", 0, "6\n", 2);
	damage_everything();
	o.accept_probable = true;
	repair_ok(&o, &res);
	ck_assert_uint_eq(res.done, 0);
	ck_assert_uint_eq(res.exit & DARN_EXIT_DAMAGED, DARN_EXIT_DAMAGED);
	ck_assert_uint_eq(totals_of(&o).by_verdict[DARN_STALE], 7);
	ck_assert(same("db", "damaged"));
}
END_TEST

START_TEST(probable_is_asked_for)
{
	struct darn_repair_options o = from("good");
	struct darn_repair_result res;

	put("good/MOMENT", 0, "8\n", 2);
	flip("db/data.pg", 700);
	repair_ok(&o, &res);
	ck_assert_uint_eq(res.done, 0);
	ck_assert_uint_eq(res.exit, DARN_EXIT_DAMAGED);
	o.accept_probable = true;
	repair_ok(&o, &res);
	ck_assert_uint_eq(res.exit, DARN_EXIT_REPAIRED);
}
END_TEST

/* A rotten backup is no medicine, and what heals is left alone. */
START_TEST(sources_and_stores_are_asked)
{
	struct darn_repair_options o = from("good");
	struct darn_plan_totals t;
	uint8_t heals = 'H';

	flip("db/data.pg", PAGE + 50);
	flip("good/data.pg", PAGE + 60);
	flip("db/data.pg", 2 * PAGE + 50);
	put("db/data.pg", 2 * PAGE + 4, &heals, 1);
	t = totals_of(&o);
	ck_assert_uint_eq(t.by_verdict[DARN_UNKNOWN], 1);
	ck_assert_uint_eq(t.by_verdict[DARN_HEALS], 1);
	ck_assert_uint_eq(t.writes, 0);
	ck_assert_uint_eq(t.exit_now, DARN_EXIT_DAMAGED);
}
END_TEST

START_TEST(the_best_source_wins_and_two_truths_are_none)
{
	const char *sources[2];
	struct darn_repair_options o;
	uint8_t page[PAGE];

	sh("cp -a", at("good"), at("old"));
	put("old/MOMENT", 0, "6\n", 2);
	flip("db/data.pg", 100);
	sources[0] = strdup(at("old"));
	sources[1] = strdup(at("good"));
	o = options(at("db"), sources, 2);
	ck_assert_uint_eq(totals_of(&o).by_verdict[DARN_EXACT], 1);
	/* both claim the same moment, and their pages differ */
	put("old/MOMENT", 0, "7\n", 2);
	memset(page, 99, PAGE);
	seal_page(page);
	put("old/data.pg", 0, page, PAGE);
	ck_assert_uint_eq(totals_of(&o).by_verdict[DARN_UNKNOWN], 1);
	free((char *)sources[0]);
	free((char *)sources[1]);
}
END_TEST

START_TEST(confirmed_by_the_source)
{
	static const uint8_t zeros[PAGE];
	struct darn_repair_options o = from("good");
	struct darn_plan_totals t;

	put("db/data.pg", 5 * PAGE, zeros, PAGE);
	put("good/data.pg", 5 * PAGE, zeros, PAGE);
	t = totals_of(&o);
	ck_assert_uint_eq(t.confirmed, 1);
	ck_assert_uint_eq(t.exit_now, 0);
	ck_assert_uint_eq(t.writes, 0);
}
END_TEST

static void refused(const char *target, const char *source)
{
	const char *sources[] = {source};
	struct darn_repair_options o = options(target, sources, 1);
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_plan *p = NULL;

	ck_assert_int_eq(darn_plan_make(&o, &p, &err), DARN_EINVAL);
	ck_assert_ptr_null(p);
}

START_TEST(what_is_no_backup)
{
	flip("db/data.pg", 100);
	refused(at("db"), at("db"));
	refused(at("db"), at("db/sub"));
	refused(at("db/sub"), at("db"));
	refused(at("db"), dir);
	refused(at("db"), at("nowhere"));
	refused(at("db"), at("good/data.pg"));
	sh("ln -s", at("db"), at("alias"));
	refused(at("db"), at("alias"));
	sh("cp -al", at("db"), at("linked"));
	refused(at("db"), at("linked"));
}
END_TEST

START_TEST(other_names_are_spared)
{
	struct darn_repair_options o = from("good");
	struct darn_repair_result res;

	flip("db/data.pg", 100);
	sh("ln", at("db/data.pg"), at("kept"));
	repair_ok(&o, &res);
	ck_assert_uint_eq(res.done, 0);
	ck_assert_uint_eq(res.exit, DARN_EXIT_DAMAGED);
	ck_assert(!same("db/data.pg", "good/data.pg"));
}
END_TEST

START_TEST(live_and_unknown_stores)
{
	struct darn_repair_options o = from("good");
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_repair_result res;
	char *journal = NULL;

	flip("db/data.pg", 100);
	put("db/LIVE", 0, "x", 1);
	o.assume_stopped = true;
	ck_assert_int_eq(repair(&o, &res, &err), DARN_EREFUSED);
	/* nothing was begun that the next run would have to finish */
	ck_assert_int_eq(darn_repair_pending(&o, &journal, NULL), DARN_ENOENT);
	ck_assert_int_eq(unlink(at("db/LIVE")), 0);
	put("db/MAYBE", 0, "x", 1);
	o.assume_stopped = false;
	darn_error_clear(&err);
	ck_assert_int_eq(repair(&o, &res, &err), DARN_EREFUSED);
	ck_assert(!same("db/data.pg", "good/data.pg"));
	o.assume_stopped = true;
	repair_ok(&o, &res);
	ck_assert(same("db/data.pg", "good/data.pg"));
}
END_TEST

/* What a dead engine left behind is there again afterwards, as old as it was.
 */
START_TEST(the_lock_is_given_back)
{
	const struct timespec old[2] = {{.tv_sec = 7}, {.tv_sec = 7}};
	struct darn_repair_options o = from("good");
	struct darn_repair_result res;
	struct stat st;

	put("db/lock.pid", 0, "stale\n", 6);
	put("good/lock.pid", 0, "stale\n", 6);
	ck_assert_int_eq(utimensat(AT_FDCWD, at("db/lock.pid"), old, 0), 0);
	flip("db/data.pg", 100);
	repair_ok(&o, &res);
	ck_assert(same("db", "good"));
	ck_assert_int_eq(stat(at("db/lock.pid"), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 7);
}
END_TEST

struct taken {
	unsigned done, left;
};
static void on_action(const struct darn_plan_item *i, bool done,
		      const char *why, void *payload)
{
	struct taken *t = payload;

	(void)i;
	(void)why;
	t->done += done;
	t->left += !done;
}

/* Whatever changed since the plan was made is left alone. */
START_TEST(a_saved_plan_is_not_believed)
{
	struct darn_repair_options o = from("good"), again;
	struct darn_plan *p = NULL;
	struct darn_repair_result res;
	struct taken taken = {0, 0};
	struct darn_apply_options a = {
		.repair = &again, .action = on_action, .payload = &taken};

	flip("db/data.pg", 100);
	flip("db/data.pg", PAGE + 100);
	flip("db/data.pg", 2 * PAGE + 100);
	ck_assert_int_eq(darn_plan_make(&o, &p, NULL), DARN_OK);
	ck_assert_int_eq(darn_plan_save(p, at("plan"), NULL), DARN_OK);
	darn_plan_destroy(p);
	flip("db/data.pg", 101);
	flip("good/data.pg", PAGE + 7);
	ck_assert_int_eq(darn_plan_load(at("plan"), &p, NULL), DARN_OK);
	again = *darn_plan_options(p);
	again.scan = o.scan;
	ck_assert_int_eq(darn_repair_apply(p, &a, &res, NULL), DARN_OK);
	darn_report_destroy(res.report);
	darn_plan_destroy(p);
	ck_assert_uint_eq(taken.done, 1);
	ck_assert_uint_eq(taken.left, 2);
	ck_assert_uint_eq(res.exit, DARN_EXIT_REPAIRED | DARN_EXIT_DAMAGED);
}
END_TEST

START_TEST(a_plan_that_was_touched)
{
	struct darn_repair_options o = from("good");
	struct darn_plan *p = NULL;
	char buf[20000];
	size_t len;
	FILE *f;

	flip("db/data.pg", 100);
	ck_assert_int_eq(darn_plan_make(&o, &p, NULL), DARN_OK);
	ck_assert_int_eq(darn_plan_save(p, at("plan"), NULL), DARN_OK);
	darn_plan_destroy(p);
	f = fopen(at("plan"), "rb");
	ck_assert_ptr_nonnull(f);
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	for (size_t i = 0; i < len; i++) {
		char keep = buf[i];

		buf[i] = (char)(buf[i] ^ 1);
		f = fopen(at("touched"), "wb");
		ck_assert_uint_eq(fwrite(buf, 1, len, f), len);
		fclose(f);
		p = NULL;
		if (darn_plan_load(at("touched"), &p, NULL) == DARN_OK)
			ck_abort_msg("byte %zu", i);
		buf[i] = keep;
		ck_assert_int_eq(truncate(at("touched"), (off_t)i), 0);
		ck_assert_int_ne(darn_plan_load(at("touched"), &p, NULL),
				 DARN_OK);
	}
}
END_TEST

START_TEST(more_than_is_allowed)
{
	struct darn_repair_options o = from("good");
	struct darn_apply_options a = {.repair = &o, .limit = {.units = 1}};
	struct darn_repair_result res;
	struct darn_plan *p = NULL;

	flip("db/data.pg", 100);
	flip("db/data.pg", PAGE + 100);
	ck_assert_int_eq(darn_plan_make(&o, &p, NULL), DARN_OK);
	ck_assert_int_eq(darn_repair_apply(p, &a, &res, NULL), DARN_OK);
	ck_assert(res.stopped);
	ck_assert_uint_eq(res.exit, DARN_EXIT_DAMAGED | DARN_EXIT_INCOMPLETE);
	ck_assert_str_eq(res.journal, "");
	a.limit = (struct darn_repair_limit){.percent = 1};
	ck_assert_int_eq(darn_repair_apply(p, &a, &res, NULL), DARN_OK);
	ck_assert(res.stopped);
	darn_plan_destroy(p);
}
END_TEST

START_TEST(undo_refuses_what_is_not_ours)
{
	struct darn_undo_options u = {.stores = stores};
	struct darn_repair_options o = from("good");
	struct darn_repair_result res;
	struct darn_undo_result r;

	damage_everything();
	repair_ok(&o, &res);
	flip("db/data.pg", 3 * PAGE + 200);
	ck_assert_int_eq(darn_undo(res.journal, &u, &r, NULL), DARN_EREFUSED);
	flip("db/data.pg", 3 * PAGE + 200);
	ck_assert(same("db", "good"));
	flip("db/sub/more.pg", 20);
	ck_assert_int_eq(darn_undo(res.journal, &u, &r, NULL), DARN_EREFUSED);
	flip("db/sub/more.pg", 20);
	put("db/LIVE", 0, "x", 1);
	ck_assert_int_eq(darn_undo(res.journal, &u, &r, NULL), DARN_EREFUSED);
	ck_assert_int_eq(unlink(at("db/LIVE")), 0);
	ck_assert(same("db", "good"));
	undo_ok(res.journal, &r);
	ck_assert(same("db", "damaged"));
}
END_TEST

/* PATH may be above or within the store, or one of its files. */
START_TEST(a_piece_of_a_store)
{
	static const struct {
		const char *target, *source;
	} views[] = {
		{"db", "good"},
		{"db/sub", "good/sub"},
		{"db/sub", "good"},
		{"db/sub/more.pg", "good/sub/more.pg"},
		{"db/sub/more.pg", "good"},
		{"srv", "copy"},
		{"srv", "good"},
	};
	const char *sources[1];
	char target[300], source[300];
	struct darn_repair_options o;
	struct darn_plan_totals t;

	sh("mkdir", at("srv"), at("copy"));
	sh("cp -a", at("db"), at("srv/db"));
	sh("cp -a", at("db"), at("copy/db"));
	flip("db/sub/more.pg", 100);
	flip("srv/db/sub/more.pg", 100);
	strcpy(target, at(views[_i].target));
	strcpy(source, at(views[_i].source));
	sources[0] = source;
	o = options(target, sources, 1);
	t = totals_of(&o);
	ck_assert_uint_eq(t.items, 1);
	ck_assert_uint_eq(t.by_verdict[DARN_EXACT], 1);
}
END_TEST

START_TEST(one_repair_at_a_time)
{
	struct darn_repair_options o = from("good");
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_repair_result res;
	char cmd[400];
	FILE *other;
	int c;

	flip("db/data.pg", 100);
	snprintf(cmd, sizeof(cmd), "flock '%s' sh -c 'echo; sleep 1'",
		 at("db"));
	other = popen(cmd, "r");
	ck_assert_ptr_nonnull(other);
	c = fgetc(other);
	ck_assert_int_eq(c, '\n');
	ck_assert_int_eq(repair(&o, &res, &err), DARN_EREFUSED);
	pclose(other);
	repair_ok(&o, &res);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("repair");
	TCase *t = tcase_create("repair");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, everything_comes_back);
	tcase_add_test(t, stale_is_never_written);
	tcase_add_test(t, probable_is_asked_for);
	tcase_add_test(t, sources_and_stores_are_asked);
	tcase_add_test(t, the_best_source_wins_and_two_truths_are_none);
	tcase_add_test(t, confirmed_by_the_source);
	tcase_add_test(t, what_is_no_backup);
	tcase_add_test(t, other_names_are_spared);
	tcase_add_test(t, live_and_unknown_stores);
	tcase_add_test(t, the_lock_is_given_back);
	tcase_add_test(t, a_saved_plan_is_not_believed);
	tcase_add_test(t, a_plan_that_was_touched);
	tcase_add_test(t, more_than_is_allowed);
	tcase_add_test(t, undo_refuses_what_is_not_ours);
	tcase_add_loop_test(t, a_piece_of_a_store, 0, 7);
	tcase_add_test(t, one_repair_at_a_time);
	suite_add_tcase(s, t);
	return s;
}
