/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_mend.h - a store made to be repaired, and what a repair needs around
 * it.
 *
 * A "mend" store is a directory with the file MOMENT.  Its files *.pg have
 * pages of 512 bytes, the first four being a checksum of the rest.  A source
 * whose MOMENT is the same is proven; one whose MOMENT is lower is stale;
 * higher, probable.  A page that begins, after the checksum, with 'H' heals.
 * LIVE in the directory: in use; MAYBE: nobody knows.
 */
#ifndef DARN_TESTS_UNIT_FAKE_MEND_H
#define DARN_TESTS_UNIT_FAKE_MEND_H

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
	MEND_PAGE = 512,
	MEND_PAGES = 20
};

/* ---- the store ---- */

static const struct darn_code mend_code_sum = {
	"mend/page-checksum", DARN_DAMAGED, DARN_HINT_RESTORE, "a bad sum"};
static const struct darn_code mend_code_zero = {
	"mend/page-zeroed", DARN_SUSPICIOUS, DARN_HINT_RESTORE, "all zero"};
static const struct darn_code mend_code_gone = {
	"mend/file-missing", DARN_DAMAGED, DARN_HINT_RESTORE_FILE, "no file"};
static const struct darn_code mend_code_cut = {"mend/file-short", DARN_DAMAGED,
					       DARN_HINT_RESTORE, "cut"};

static inline void mend_seal_page(uint8_t page[MEND_PAGE])
{
	darn_put_le32(page, (uint32_t)darn_xxh3_64(page + 4, MEND_PAGE - 4));
}

static inline enum darn_rc mend_page_check(const void *file_ctx,
					   const struct darn_chunk *c,
					   struct darn_sink *sink,
					   struct darn_error *err)
{
	(void)file_ctx;
	(void)err;
	for (size_t at = 0; at + MEND_PAGE <= c->len; at += MEND_PAGE) {
		const uint8_t *p = c->buf + at;
		struct darn_place where = {.off = c->off + at,
					   .len = MEND_PAGE};

		if (darn_all_zero(p, MEND_PAGE))
			darn_sink_report(sink, &mend_code_zero, where, NULL);
		else if (darn_get_le32(p) !=
			 (uint32_t)darn_xxh3_64(p + 4, MEND_PAGE - 4))
			darn_sink_report(sink, &mend_code_sum, where, NULL);
		else
			darn_sink_verified(sink, where.off, MEND_PAGE);
	}
	return DARN_OK;
}

static const struct darn_format mend_page_format = {
	.name = "page",
	.title = "page",
	.unit = MEND_PAGE,
	.check = mend_page_check,
};

struct mend_moment {
	int value;
};

static inline bool mend_has(struct darn_tree *t, const char *dir,
			    const char *name)
{
	char path[300];
	struct darn_stat st;

	snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] ? "/" : "", name);
	return darn_tree_stat(t, path, &st, NULL) == DARN_OK;
}

static inline unsigned mend_recognise(struct darn_tree *t, const char *dir)
{
	return mend_has(t, dir, "MOMENT") ? 100 : 0;
}

static inline enum darn_rc mend_open(struct darn_tree *t,
				     struct darn_sink *sink, void **ctx,
				     struct darn_error *err)
{
	struct mend_moment *m = calloc(1, sizeof(*m));
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

static inline const char *mend_version(const void *ctx)
{
	(void)ctx;
	return "1";
}

static inline struct darn_class mend_classify(const void *ctx, const char *path,
					      const struct darn_stat *st)
{
	size_t n = strlen(path);

	(void)ctx;
	(void)st;
	if (n > 3 && strcmp(path + n - 3, ".pg") == 0)
		return (struct darn_class){.format = &mend_page_format};
	return (struct darn_class){.reason = "no checksum"};
}

static inline enum darn_liveness
mend_liveness(const void *ctx, struct darn_tree *t, struct darn_evidence *why)
{
	(void)ctx;
	darn_evidence_add(why, "looked");
	if (mend_has(t, "", "LIVE"))
		return DARN_LIVE;
	return mend_has(t, "", "MAYBE") ? DARN_LIVENESS_UNKNOWN : DARN_STOPPED;
}

static inline enum darn_shutdown mend_shutdown_state(const void *ctx,
						     struct darn_evidence *why)
{
	(void)ctx;
	darn_evidence_add(why, "always");
	return DARN_CLEAN;
}

static inline void mend_hold(const void *ctx, struct darn_tree *t,
			     struct darn_hold *out)
{
	(void)ctx;
	(void)t;
	strcpy(out->path, "lock.pid");
	strcpy(out->content, "%d\nheld\n");
}

/* data.pg must have MEND_PAGES pages, and more.pg must exist. */
static inline enum darn_rc mend_expect(const void *ctx, struct darn_tree *t,
				       struct darn_sink *sink,
				       struct darn_error *err)
{
	struct darn_stat st;
	uint64_t want = MEND_PAGE * MEND_PAGES;

	(void)ctx;
	(void)err;
	if (darn_tree_stat(t, "data.pg", &st, NULL) == DARN_OK &&
	    st.size < want)
		darn_sink_report(sink, &mend_code_cut,
				 (struct darn_place){"data.pg", st.size,
						     want - st.size,
						     want - st.size},
				 NULL);
	if (!mend_has(t, "", "sub/more.pg"))
		darn_sink_report(sink, &mend_code_gone,
				 (struct darn_place){"sub/more.pg", 0,
						     MEND_PAGE, MEND_PAGE},
				 NULL);
	return DARN_OK;
}

static inline enum darn_verdict mend_judge(const void *ctx,
					   const struct darn_unit *u,
					   const struct darn_candidate *c,
					   struct darn_evidence *why)
{
	const struct mend_moment *mine = ctx,
				 *theirs = c ? c->source_ctx : NULL;

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

static const struct darn_format *const mend_formats[] = {&mend_page_format,
							 NULL};
static const struct darn_store mend_store = {
	.name = "mend",
	.title = "mend store",
	.formats = mend_formats,
	.recognise = mend_recognise,
	.open = mend_open,
	.close = free,
	.version = mend_version,
	.classify = mend_classify,
	.liveness = mend_liveness,
	.hold = mend_hold,
	.shutdown = mend_shutdown_state,
	.expect = mend_expect,
	.judge = mend_judge,
};
static const struct darn_store *const mend_stores[] = {&mend_store, NULL};

/* ---- the scene ---- */

static char mend_dir[64]; /* of the test that runs */

static inline char *mend_at(const char *name)
{
	static char ring[8][300];
	static unsigned next;
	char *s = ring[next++ % 8];

	snprintf(s, sizeof(ring[0]), "%s/%s", mend_dir, name);
	return s;
}

/* COMMAND with two words behind it. */
static inline void mend_sh(const char *command, const char *a, const char *b)
{
	char cmd[1000];

	snprintf(cmd, sizeof(cmd), "%s '%s' '%s'", command, a, b);
	ck_assert_int_eq(system(cmd), 0);
}

static inline void mend_put(const char *name, off_t off, const void *buf,
			    size_t len)
{
	int fd = open(mend_at(name), O_RDWR | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, buf, len, off), (ssize_t)len);
	close(fd);
}

static inline void mend_make(const char *name, unsigned seed)
{
	char file[100];
	uint8_t page[MEND_PAGE];

	snprintf(file, sizeof(file), "%s/sub", name);
	mend_sh("mkdir -p", mend_at(file), mend_at(name));
	snprintf(file, sizeof(file), "%s/MOMENT", name);
	mend_put(file, 0, "7\n", 2);
	for (unsigned i = 0; i < MEND_PAGES; i++) {
		memset(page, (int)(i + seed), MEND_PAGE);
		mend_seal_page(page);
		snprintf(file, sizeof(file), "%s/data.pg", name);
		mend_put(file, i * MEND_PAGE, page, MEND_PAGE);
	}
	snprintf(file, sizeof(file), "%s/sub/more.pg", name);
	mend_put(file, 0, page, MEND_PAGE);
}

static inline void mend_setup(void)
{
	strcpy(mend_dir, "/tmp/darn-repair-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(mend_dir));
	ck_assert_int_eq(setenv("DARN_STATE_DIR", mend_at("state"), 1), 0);
	mend_make("db", 1);
	mend_sh("cp -a", mend_at("db"), mend_at("good"));
}

static inline void mend_teardown(void)
{
	mend_sh("rm -rf", mend_dir, mend_dir);
}

static inline void mend_flip(const char *name, off_t off)
{
	uint8_t b;
	int fd = open(mend_at(name), O_RDWR);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &b, 1, off), 1);
	b ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &b, 1, off), 1);
	close(fd);
}

static inline bool mend_same(const char *a, const char *b)
{
	char cmd[1000];

	snprintf(cmd, sizeof(cmd), "diff -r '%s' '%s' >/dev/null", mend_at(a),
		 mend_at(b));
	return system(cmd) == 0;
}

static inline struct darn_repair_options
mend_options(const char *target, const char *const *sources, size_t n)
{
	return (struct darn_repair_options){
		.path = target,
		.sources = sources,
		.nsources = n,
		.scan = {.stores = mend_stores, .spill_dir = "/tmp"},
	};
}

/* One source, by name; everything else by default. */
static const char *mend_source[1];
static inline struct darn_repair_options mend_from(const char *source)
{
	static char target[300], name[300];

	strcpy(target, mend_at("db"));
	strcpy(name, mend_at(source));
	mend_source[0] = name;
	return mend_options(target, mend_source, 1);
}

static inline struct darn_plan_totals
mend_totals(const struct darn_repair_options *o)
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

static inline enum darn_rc mend_repair(const struct darn_repair_options *o,
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

static inline void mend_repair_ok(const struct darn_repair_options *o,
				  struct darn_repair_result *res)
{
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc = mend_repair(o, res, &err);

	if (rc)
		ck_abort_msg("%d %s", rc, err.msg);
}

static inline void mend_undo_ok(const char *journal, struct darn_undo_result *r)
{
	struct darn_undo_options u = {.stores = mend_stores};
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc = darn_undo(journal, &u, r, &err);

	if (rc)
		ck_abort_msg("%d %s", rc, err.msg);
}

static inline void mend_damage(void)
{
	static const uint8_t zeros[MEND_PAGE];

	mend_flip("db/data.pg", 3 * MEND_PAGE + 100);
	mend_flip("db/data.pg", 4 * MEND_PAGE);
	mend_put("db/data.pg", 8 * MEND_PAGE, zeros, MEND_PAGE);
	ck_assert_int_eq(truncate(mend_at("db/data.pg"), 17 * MEND_PAGE + 99),
			 0);
	ck_assert_int_eq(unlink(mend_at("db/sub/more.pg")), 0);
	mend_sh("cp -a", mend_at("db"), mend_at("damaged"));
}

#endif
