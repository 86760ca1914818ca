/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_witness.c - what a witness sees, when, and what its word counts.
 *
 * The witness here writes down the calls that come in path order, and sums up
 * every byte that it is shown: the sum of all bytes of a file, each times its
 * offset plus one, does not depend on the order of the chunks.
 */
#include "tests/unit/fake_scan.h"

#include <pthread.h>

enum wcode {
	W_DIFFERS,
	W_GONE,
	W_LATE,
};

static const struct darn_code wcodes[] = {
	[W_DIFFERS] = {"sealed/differs", DARN_DAMAGED, DARN_HINT_NONE, "other"},
	[W_GONE] = {"sealed/gone", DARN_DAMAGED, DARN_HINT_NONE, "gone"},
	[W_LATE] = {"sealed/late", DARN_SUSPICIOUS, DARN_HINT_NONE, "late"},
};

struct watched {
	char path[64];
	uint64_t size, bytes;
	atomic_uint_least64_t sum, shown, unreadable;
	atomic_int open;
};

struct watcher {
	struct darn_witness base;
	char log[4096]; /* root, entry, begin and finish */
	pthread_mutex_t lock;
	char ends[4096]; /* in any order */
	atomic_int calls;
	int fail_at; /* chunk call that fails; 0: none */
	bool judge;  /* blocks of 0xee are fine, of 0xdd differ */
};

static void say(struct watcher *w, const char *what, const char *path)
{
	size_t len = strlen(w->log);

	(void)snprintf(w->log + len, sizeof(w->log) - len, "%s %s\n", what,
		       path);
}

static enum darn_rc w_root(struct darn_witness *base, const char *root,
			   const char *store, struct darn_error *err)
{
	struct watcher *w = (struct watcher *)base;

	(void)err;
	ck_assert_int_eq(strncmp(root, fake_dir, strlen(fake_dir)), 0);
	say(w, "root", root + strlen(fake_dir));
	if (*store)
		say(w, "of", store);
	return DARN_OK;
}

static enum darn_rc w_entry(struct darn_witness *base,
			    const struct darn_entry *e, struct darn_error *err)
{
	(void)err;
	say((struct watcher *)base, e->link ? e->link : "dir", e->path);
	return DARN_OK;
}

static enum darn_rc w_begin(struct darn_witness *base,
			    const struct darn_file *f, uint32_t unit,
			    void **handle, struct darn_error *err)
{
	struct watched *h = darn_calloc(1, sizeof(*h), err);

	say((struct watcher *)base, unit ? "units" : "file", f->path);
	(void)snprintf(h->path, sizeof(h->path), "%s", f->path);
	h->size = f->st.size;
	*handle = h;
	return DARN_OK;
}

static void judge(struct watcher *w, const struct darn_chunk *c,
		  struct darn_sink *sink)
{
	for (size_t i = 0; w->judge && i + FAKE_BLOCK <= c->len;
	     i += FAKE_BLOCK) {
		if (c->buf[i + 5] == 0xee)
			darn_sink_verified(sink, c->off + i, FAKE_BLOCK);
		if (c->buf[i + 5] == 0xdd)
			darn_sink_report(sink, &wcodes[W_DIFFERS],
					 (struct darn_place){.off = c->off + i,
							     .len = FAKE_BLOCK},
					 NULL);
	}
}

static enum darn_rc w_chunk(struct darn_witness *base, void *handle,
			    const struct darn_chunk *c, unsigned worker,
			    struct darn_sink *sink, struct darn_error *err)
{
	struct watcher *w = (struct watcher *)base;
	struct watched *h = handle;
	uint64_t sum = 0;

	(void)worker;
	if (atomic_fetch_add(&w->calls, 1) + 1 == w->fail_at)
		return darn_fail(err, DARN_EIO, 0, "the witness is full");
	ck_assert_uint_eq(c->off % DARN_CHUNK, 0);
	ck_assert(c->len == DARN_CHUNK || c->off + c->len == h->size);
	atomic_fetch_add(&h->shown, c->len);
	if (c->nbad) {
		atomic_fetch_add(&h->unreadable, c->len);
		return DARN_OK;
	}
	for (size_t i = 0; i < c->len; i++)
		sum += c->buf[i] * (c->off + i + 1);
	atomic_fetch_add(&h->sum, sum);
	judge(w, c, sink);
	return DARN_OK;
}

static enum darn_rc w_end(struct darn_witness *base, void *handle,
			  const struct darn_stat *now, bool complete,
			  struct darn_sink *sink, struct darn_error *err)
{
	struct watcher *w = (struct watcher *)base;
	struct watched *h = handle;
	size_t len;

	(void)err;
	ck_assert_uint_eq(now->size, h->size);
	pthread_mutex_lock(&w->lock);
	len = strlen(w->ends);
	(void)snprintf(w->ends + len, sizeof(w->ends) - len,
		       "%s %" PRIu64 "/%" PRIu64 "%s%s sum %" PRIu64 "\n",
		       h->path, (uint64_t)atomic_load(&h->shown), h->size,
		       complete ? "" : " incomplete", sink ? "" : " cut",
		       (uint64_t)atomic_load(&h->sum));
	pthread_mutex_unlock(&w->lock);
	if (sink && strstr(h->path, "late"))
		darn_sink_report(sink, &wcodes[W_LATE], (struct darn_place){0},
				 NULL);
	if (sink)
		darn_sink_reason(sink, "the witness has no word on it");
	free(h);
	return DARN_OK;
}

static enum darn_rc w_finish(struct darn_witness *base, struct darn_sink *sink,
			     struct darn_error *err)
{
	(void)err;
	say((struct watcher *)base, "finish", "");
	darn_sink_report(
		sink, &wcodes[W_GONE],
		(struct darn_place){.path = "gone", .len = 10, .missing = 10},
		NULL);
	return DARN_OK;
}

static const struct darn_witness_ops w_ops = {.root = w_root,
					      .entry = w_entry,
					      .begin = w_begin,
					      .chunk = w_chunk,
					      .end = w_end,
					      .finish = w_finish};

static void watcher_init(struct watcher *w)
{
	memset(w, 0, sizeof(*w));
	w->base.ops = &w_ops;
	pthread_mutex_init(&w->lock, NULL);
}

static uint64_t sum_of(const char *path)
{
	uint64_t sum = 0, off = 0;
	FILE *f = fopen(path, "r");
	int c;

	ck_assert_ptr_nonnull(f);
	while ((c = fgetc(f)) != EOF)
		sum += (uint64_t)c * ++off;
	(void)fclose(f);
	return sum;
}

static void make_tree(void)
{
	ck_assert_int_eq(mkdir("x", 0755), 0);
	ck_assert_int_eq(mkdir("x/a", 0755), 0);
	fake_text("x/a/t", "hello");
	fake_text("x/a.txt", "");
	ck_assert_int_eq(symlink("a/t", "x/l"), 0);
	fake_make("x/m", "");
	fake_blocks("x/m/large.blk", 5000, '.');
	fake_blocks("x/m/stream.str", 5000, '.');
	fake_blocks("x/m/z.other", 3000, '.');
	ck_assert_int_eq(link("x/a/t", "x/z"), 0);
}

/*
 * Order of calls, every byte once, every name although an inode has two.  The
 * format of a stray file is not known when it begins.
 */
static void check_calls(const struct watcher *w)
{
	static const char *const files[] = {"a/t", "m/large.blk",
					    "m/stream.str", "m/z.other", "z"};

	ck_assert_str_eq(w->log, "root /x\n"
				 "dir \n"
				 "dir a\n"
				 "file a/t\n"
				 "file a.txt\n"
				 "a/t l\n"
				 "dir m\n"
				 "file m/FAKE\n"
				 "units m/large.blk\n"
				 "units m/stream.str\n"
				 "file m/z.other\n"
				 "file z\n"
				 "finish \n");
	for (size_t i = 0; i < DARN_ARRAY_SIZE(files); i++) {
		char line[256], path[64];
		struct stat sb;

		(void)snprintf(path, sizeof(path), "x/%s", files[i]);
		ck_assert_int_eq(stat(path, &sb), 0);
		(void)snprintf(line, sizeof(line),
			       "%s %ld/%ld sum %" PRIu64 "\n", files[i],
			       (long)sb.st_size, (long)sb.st_size,
			       sum_of(path));
		ck_assert_msg(strstr(w->ends, line) != NULL, "%sin\n%s", line,
			      w->ends);
	}
}

START_TEST(calls)
{
	static const unsigned jobs[] = {0, 1, 2, 16};

	make_tree();
	for (size_t i = 0; i < DARN_ARRAY_SIZE(jobs); i++) {
		struct darn_scan_options o = fake_options();
		struct watcher w;
		struct fake_result r;

		watcher_init(&w);
		o.jobs = jobs[i];
		o.direct = i == 3;
		o.witness = &w.base;
		r = fake_scan("x", &o);
		check_calls(&w);
		ck_assert_ptr_nonnull(strstr(r.text,
					     "finding x/gone:0+10 damaged "
					     "sealed/gone unit -1 {}\n"));
		ck_assert_ptr_null(strstr(r.text, "file x/z "));
		ck_assert_uint_eq(r.sum.bytes.missing, 10);
		free(r.text);
	}
}
END_TEST

/* Blocks that only the witness can judge, with and without a format. */
START_TEST(word_counts)
{
	struct darn_scan_options o = fake_options();
	uint8_t b[4 * FAKE_BLOCK];
	struct fake_result r;
	struct watcher w;

	memset(b, 0xee, sizeof(b));
	memset(b + FAKE_BLOCK, 0xdd, FAKE_BLOCK);
	memset(b + 3 * FAKE_BLOCK, 0x11, FAKE_BLOCK);
	fake_make("db", "");
	fake_write("db/text", b, sizeof(b));
	/* The format calls blocks 1 and 3 damaged: the witness adds nothing. */
	fake_block(b, 0, '.');
	fake_block(b + 2 * FAKE_BLOCK, 2, '.');
	fake_write("db/late.blk", b, sizeof(b));
	watcher_init(&w);
	w.judge = true;
	o.witness = &w.base;
	r = fake_scan("db", &o);
	ck_assert_str_eq(
		r.text,
		"store db fake stopped clean\n"
		"file db/FAKE [] v0 d0 u0 s0 \n"
		"finding db/gone:0+10 damaged sealed/gone unit -1 {}\n"
		"finding db/late.blk:0+0 suspicious sealed/late unit 0 {}\n"
		"finding db/late.blk:512+512 damaged fake/block-sum unit 1 "
		"{\"stored\":\"0xdddddddd\"}\n"
		"finding db/late.blk:1536+512 damaged fake/block-sum unit 3 "
		"{\"stored\":\"0x11111111\"}\n"
		"file db/late.blk [blk] v1024 d1024 u0 s0 \n"
		"finding db/text:512+512 damaged sealed/differs unit -1 {}\n"
		"file db/text [] v1024 d512 u512 s0 no sum in such files\n");
	free(r.text);
}
END_TEST

/* Only memory differs from the seal: the witness is asked again. */
START_TEST(second_look)
{
	struct darn_scan_options o = fake_options();
	uint8_t b[2 * FAKE_BLOCK];
	struct fake_result r;
	struct watcher w;

	memset(b, 0xee, sizeof(b));
	b[5] = 0xdd ^ 0x10;
	fake_make("db", "");
	fake_write("db/text", b, sizeof(b));
	ck_assert_int_eq(setenv("DARN_FAULT", "cache:text:5.4", 1), 0);
	watcher_init(&w);
	w.judge = true;
	o.witness = &w.base;
	r = fake_scan("db", &o);
	ck_assert_ptr_null(strstr(r.text, "sealed/differs"));
	ck_assert_ptr_nonnull(strstr(r.text, "error db/text: bytes in memory "
					     "differ"));
	ck_assert_ptr_nonnull(strstr(r.text, "file db/text [] v512 d0 u512"));
	free(r.text);
}
END_TEST

START_TEST(unreadable)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;
	struct watcher w;

	fake_make("db", "");
	fake_blocks("db/text", 8, '.');
	fake_blocks("db/s.str", 8, '.');
	ck_assert_int_eq(
		setenv("DARN_FAULT", "eio:text:512+512,eio:s.str:0+512", 1), 0);
	watcher_init(&w);
	o.witness = &w.base;
	r = fake_scan("db", &o);
	ck_assert_ptr_nonnull(strstr(r.text, "finding db/text:512+512 "
					     "unreadable"));
	ck_assert_ptr_nonnull(strstr(r.text, "file db/text [] v0 d512 u3584"));
	ck_assert_ptr_nonnull(strstr(w.ends, "text 4096/4096 sum 0\n"));
	ck_assert_ptr_nonnull(strstr(w.ends, "s.str 4096/4096 sum 0\n"));
	free(r.text);
}
END_TEST

START_TEST(single_file)
{
	struct darn_scan_options o = fake_options();
	struct fake_result r;
	struct watcher w;

	ck_assert_int_eq(mkdir("x", 0755), 0);
	fake_text("x/f", "some text");
	watcher_init(&w);
	o.witness = &w.base;
	r = fake_scan("x/f", &o);
	ck_assert_str_eq(w.log, "root /x\nfile f\nfinish \n");
	ck_assert_uint_eq(r.sum.exit, DARN_EXIT_DAMAGED); /* x/gone */
	free(r.text);
}
END_TEST

/* A witness that fails, fails the run; at any call, with any threads. */
START_TEST(failing)
{
	static const unsigned jobs[] = {0, 2, 16};

	make_tree();
	for (int at = 1; at < 10; at++) {
		for (size_t i = 0; i < DARN_ARRAY_SIZE(jobs); i++) {
			struct darn_scan_options o = fake_options();
			struct darn_error err = DARN_ERROR_INIT;
			struct darn_report *rep;
			const char *root = "x";
			struct watcher w;

			watcher_init(&w);
			w.fail_at = at;
			o.jobs = jobs[i];
			o.direct = at % 2;
			o.witness = &w.base;
			ck_assert_int_eq(darn_scan(&root, 1, &o, &rep, &err),
					 DARN_EIO);
			ck_assert_str_eq(err.msg, "the witness is full");
		}
	}
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("scan_witness");
	TCase *t = tcase_create("scan_witness");

	tcase_add_checked_fixture(t, fake_setup, fake_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, calls);
	tcase_add_test(t, word_counts);
	tcase_add_test(t, second_look);
	tcase_add_test(t, unreadable);
	tcase_add_test(t, single_file);
	tcase_add_test(t, failing);
	suite_add_tcase(s, t);
	return s;
}
