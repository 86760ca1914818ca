/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_store.h - a store that exists in tests only.
 *
 * A directory with a file FAKE is such a store; words in it steer it:
 *   live      an engine uses it
 *   refuse    its open() fails
 *   must      the file must.blk, of 1024 bytes, has to be there
 *
 *   *.blk     blocks of 512 bytes: CRC-32C of the rest, a letter, anything
 *             letter n: leaves a note      s: looks suspicious, sum or not
 *             all zero: legal, unverified
 *   *.str     the same blocks as a stream; a number in each counts them
 *   *.one     one unit: CRC-32C of the rest first
 *
 * A store with a file TWIN as well is claimed by another store with an equal
 * bid, and stray files that begin with "2same" by two formats.
 */
#ifndef DARN_TESTS_UNIT_FAKE_STORE_H
#define DARN_TESTS_UNIT_FAKE_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "lib/scan/scan.h"

enum {
	FAKE_BLOCK = 512
};

enum fake_code {
	FAKE_SUM,
	FAKE_ODD,
	FAKE_TAIL,
	FAKE_COUNT,
	FAKE_MISSING,
	FAKE_HEADER,
	FAKE_JOIN,
};

static const struct darn_code fake_codes[] = {
	[FAKE_SUM] = {"fake/block-sum", DARN_DAMAGED, DARN_HINT_RESTORE,
		      "the sum does not match"},
	[FAKE_ODD] = {"fake/block-odd", DARN_SUSPICIOUS, DARN_HINT_NONE,
		      "the letter is odd"},
	[FAKE_TAIL] = {"fake/tail-torn", DARN_TORN, DARN_HINT_NONE,
		       "the last block is not whole"},
	[FAKE_COUNT] = {"fake/stream-count", DARN_INFO, DARN_HINT_NONE,
			"the stream was counted"},
	[FAKE_MISSING] = {"fake/file-missing", DARN_DAMAGED,
			  DARN_HINT_RESTORE_FILE, "a file is missing"},
	[FAKE_HEADER] = {"fake/header-bad", DARN_DAMAGED, DARN_HINT_NONE,
			 "the first block says that the file is bad"},
	[FAKE_JOIN] = {"fake/join-rule", DARN_DAMAGED, DARN_HINT_NONE,
		       "notes are not as they should be"},
};

/* ---- blocks ---- */

static inline void fake_block(uint8_t *b, uint32_t number, char letter)
{
	memset(b, (int)(number & 0xff), FAKE_BLOCK);
	b[4] = (uint8_t)letter;
	darn_put_le32(b + 8, number);
	darn_put_le32(b, darn_crc32c(0, b + 4, FAKE_BLOCK - 4));
}

static inline bool fake_block_good(const uint8_t *b)
{
	return darn_get_le32(b) == darn_crc32c(0, b + 4, FAKE_BLOCK - 4);
}

static inline enum darn_rc fake_blk_check(const void *ctx,
					  const struct darn_chunk *c,
					  struct darn_sink *sink,
					  struct darn_error *err)
{
	(void)ctx;
	(void)err;
	for (size_t i = 0; i < c->len; i += FAKE_BLOCK) {
		const uint8_t *b = c->buf + i;
		struct darn_place at = {.off = c->off + i, .len = FAKE_BLOCK};

		if (c->len - i < FAKE_BLOCK) {
			at.len = c->len - i;
			darn_sink_report(sink, &fake_codes[FAKE_TAIL], at,
					 NULL);
			break;
		}
		if (darn_all_zero(b, FAKE_BLOCK)) {
			darn_sink_reason(sink, "zero blocks have no sum");
			continue;
		}
		if (b[4] == 's')
			darn_sink_report(sink, &fake_codes[FAKE_ODD], at, NULL);
		if (!fake_block_good(b)) {
			darn_sink_report(
				sink, &fake_codes[FAKE_SUM], at,
				DARN_DETAILS(DARN_HEX("stored", 8,
						      darn_get_le32(b))));
			continue;
		}
		darn_sink_verified(sink, at.off, at.len);
		if (b[4] == 'n')
			darn_sink_note(sink,
				       (struct darn_note){
					       .off = at.off,
					       .value = {darn_get_le32(b + 8)},
					       .kind = 1});
	}
	return DARN_OK;
}

/* A first block with the letter h: the first 1024 bytes are damaged. */
static inline enum darn_rc fake_blk_open(const struct darn_file *f,
					 const void *store_ctx,
					 struct darn_sink *sink, void **ctx,
					 struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	uint8_t b[FAKE_BLOCK];

	(void)store_ctx;
	*ctx = NULL;
	if (f->st.size < FAKE_BLOCK)
		return DARN_OK;
	if (strstr(f->path, "strict"))
		return darn_io_read_full(f->io, b, sizeof(b), 0, err);
	if (darn_io_read_full(f->io, b, sizeof(b), 0, &why))
		return DARN_OK;
	if (b[4] == 'x')
		return darn_fail(err, DARN_EUNSUPPORTED, 0,
				 "version x of the fake format");
	if (b[4] == 'h')
		darn_sink_report(sink, &fake_codes[FAKE_HEADER],
				 (struct darn_place){.off = 0, .len = 1024},
				 NULL);
	return DARN_OK;
}

static inline unsigned fake_probe(const uint8_t *head, size_t len,
				  uint64_t size)
{
	(void)size;
	if (len >= 5 && memcmp(head, "2same", 5) == 0)
		return 70;
	return len >= FAKE_BLOCK && fake_block_good(head) ? 80 : 0;
}

static inline enum darn_rc fake_one_check(const void *ctx,
					  const struct darn_chunk *c,
					  struct darn_sink *sink,
					  struct darn_error *err)
{
	(void)ctx;
	(void)err;
	if (c->len < 4 ||
	    darn_get_le32(c->buf) != darn_crc32c(0, c->buf + 4, c->len - 4))
		darn_sink_report(sink, &fake_codes[FAKE_SUM],
				 (struct darn_place){.len = c->len}, NULL);
	else
		darn_sink_verified(sink, 0, c->len);
	return DARN_OK;
}

/* ---- the stream ---- */

struct fake_stream {
	uint32_t next;
	uint32_t holes;
};

static inline enum darn_rc fake_begin(const void *ctx, void **stream,
				      struct darn_error *err)
{
	(void)ctx;
	*stream = darn_calloc(1, sizeof(struct fake_stream), err);
	return *stream ? DARN_OK : DARN_ENOMEM;
}

static inline enum darn_rc fake_feed(void *stream, const struct darn_chunk *c,
				     struct darn_sink *sink,
				     struct darn_error *err)
{
	struct fake_stream *s = stream;

	(void)err;
	if (!c->buf) {
		s->holes++;
		s->next = (uint32_t)((c->off + c->len + FAKE_BLOCK - 1) /
				     FAKE_BLOCK);
		return DARN_OK;
	}
	for (size_t i = 0; i + FAKE_BLOCK <= c->len; i += FAKE_BLOCK) {
		struct darn_place at = {.off = c->off + i, .len = FAKE_BLOCK};

		if (!fake_block_good(c->buf + i) ||
		    darn_get_le32(c->buf + i + 8) != s->next)
			darn_sink_report(sink, &fake_codes[FAKE_SUM], at, NULL);
		else
			darn_sink_verified(sink, at.off, at.len);
		if (c->buf[i + 4] == 'n')
			darn_sink_note(sink, (struct darn_note){.off = at.off,
								.kind = 1});
		s->next++;
	}
	return DARN_OK;
}

static inline enum darn_rc fake_end(void *stream, struct darn_sink *sink,
				    struct darn_error *err)
{
	struct fake_stream *s = stream;

	(void)err;
	if (sink)
		darn_sink_report(sink, &fake_codes[FAKE_COUNT],
				 (struct darn_place){0},
				 DARN_DETAILS(DARN_DEC("blocks", s->next),
					      DARN_DEC("holes", s->holes)));
	free(s);
	return DARN_OK;
}

#define FAKE_CODES .codes = fake_codes, .ncodes = DARN_ARRAY_SIZE(fake_codes)

static const struct darn_format fake_blk = {.name = "blk",
					    .title = "fake block file",
					    .unit = FAKE_BLOCK,
					    FAKE_CODES,
					    .probe = fake_probe,
					    .open = fake_blk_open,
					    .check = fake_blk_check};
static const struct darn_format fake_str = {.name = "str",
					    .title = "fake stream",
					    .unit = FAKE_BLOCK,
					    FAKE_CODES,
					    .begin = fake_begin,
					    .feed = fake_feed,
					    .end = fake_end};
static const struct darn_format fake_one = {.name = "one",
					    .title = "fake control file",
					    FAKE_CODES,
					    .check = fake_one_check};
static const struct darn_format *const fake_formats[] = {&fake_blk, &fake_str,
							 &fake_one, NULL};

static inline unsigned twin_probe(const uint8_t *head, size_t len,
				  uint64_t size)
{
	(void)size;
	return len >= 5 && memcmp(head, "2same", 5) == 0 ? 70 : 0;
}

static const struct darn_format twin_blk = {.name = "twin",
					    .title = "twin block file",
					    .unit = FAKE_BLOCK,
					    FAKE_CODES,
					    .probe = twin_probe,
					    .check = fake_blk_check};
static const struct darn_format *const twin_formats[] = {&twin_blk, NULL};

/* ---- the store ---- */

struct fake_ctx {
	char words[256];
};

static inline bool fake_has(struct darn_tree *t, const char *dir,
			    const char *name)
{
	char path[4096];
	struct darn_stat st;
	struct darn_error err = DARN_ERROR_INIT;

	(void)snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "",
		       name);
	return darn_tree_stat(t, path, &st, &err) == DARN_OK;
}

static inline unsigned fake_recognise(struct darn_tree *t, const char *dir)
{
	return fake_has(t, dir, "FAKE") ? 90 : 0;
}

static inline unsigned twin_recognise(struct darn_tree *t, const char *dir)
{
	return fake_has(t, dir, "TWIN") ? 88 : 0;
}

static inline enum darn_rc fake_store_open(struct darn_tree *t,
					   struct darn_sink *sink, void **out,
					   struct darn_error *err)
{
	struct fake_ctx *ctx = darn_calloc(1, sizeof(*ctx), err);
	uint8_t *text;
	size_t len;
	enum darn_rc rc;

	(void)sink;
	if (!ctx)
		return DARN_ENOMEM;
	rc = darn_tree_slurp(t, "FAKE", sizeof(ctx->words) - 1, &text, &len,
			     err);
	if (rc == DARN_OK) {
		memcpy(ctx->words, text, len);
		free(text);
		if (strstr(ctx->words, "refuse"))
			rc = darn_fail(err, DARN_EUNSUPPORTED, 0,
				       "version 99 of the fake store");
	}
	if (rc)
		free(ctx);
	else
		*out = ctx;
	return rc;
}

static inline const char *fake_version(const void *ctx)
{
	(void)ctx;
	return "1";
}

static inline bool fake_ends(const char *path, const char *end)
{
	size_t a = strlen(path), b = strlen(end);

	return a >= b && strcmp(path + a - b, end) == 0;
}

static inline struct darn_class fake_classify(const void *ctx, const char *path,
					      const struct darn_stat *st)
{
	(void)ctx;
	(void)st;
	if (fake_ends(path, ".blk"))
		return (struct darn_class){.format = &fake_blk};
	if (fake_ends(path, ".str"))
		return (struct darn_class){.format = &fake_str};
	if (fake_ends(path, ".one"))
		return (struct darn_class){.format = &fake_one};
	return (struct darn_class){.reason = "no sum in such files"};
}

static inline enum darn_liveness
fake_liveness(const void *ctx, struct darn_tree *t, struct darn_evidence *why)
{
	const struct fake_ctx *c = ctx;

	(void)t;
	darn_evidence_add(why, "the file says so");
	return strstr(c->words, "live") ? DARN_LIVE : DARN_STOPPED;
}

static inline enum darn_shutdown fake_shutdown(const void *ctx,
					       struct darn_evidence *why)
{
	(void)ctx;
	darn_evidence_add(why, "always");
	return DARN_CLEAN;
}

static inline enum darn_rc fake_expect(const void *ctx, struct darn_tree *t,
				       struct darn_sink *sink,
				       struct darn_error *err)
{
	const struct fake_ctx *c = ctx;

	(void)err;
	if (strstr(c->words, "must") && !fake_has(t, "", "must.blk"))
		darn_sink_report(sink, &fake_codes[FAKE_MISSING],
				 (struct darn_place){.path = "must.blk",
						     .len = 1024,
						     .missing = 1024},
				 NULL);
	return DARN_OK;
}

/*
 * Says how many notes came and that they came in order.  A note of the number
 * 7 means that its block is damaged after all.
 */
static inline enum darn_rc fake_join(const void *ctx, struct darn_tree *t,
				     struct darn_notes *notes,
				     struct darn_sink *sink,
				     struct darn_error *err)
{
	struct darn_note note;
	char last[4096] = "";
	uint64_t n = 0, last_off = 0;
	enum darn_rc rc;

	(void)ctx;
	(void)t;
	while ((rc = darn_notes_next(notes, &note, err)) == DARN_OK) {
		int diff = darn_path_cmp(last, note.path);

		if (diff > 0 || (diff == 0 && n && last_off >= note.off))
			return darn_fail(err, DARN_EINVAL, 0, "out of order");
		(void)snprintf(last, sizeof(last), "%s", note.path);
		last_off = note.off;
		n++;
		if (note.value[0] == 7)
			darn_sink_report(sink, &fake_codes[FAKE_JOIN],
					 (struct darn_place){.path = note.path,
							     .off = note.off,
							     .len = FAKE_BLOCK},
					 NULL);
	}
	if (rc == DARN_ENOENT && n)
		darn_sink_report(sink, &fake_codes[FAKE_COUNT],
				 (struct darn_place){.path = "FAKE"},
				 DARN_DETAILS(DARN_DEC("notes", n)));
	return rc == DARN_ENOENT ? DARN_OK : rc;
}

static const struct darn_store fake_store = {.name = "fake",
					     .title = "fake store",
					     .formats = fake_formats,
					     FAKE_CODES,
					     .recognise = fake_recognise,
					     .open = fake_store_open,
					     .close = free,
					     .version = fake_version,
					     .classify = fake_classify,
					     .liveness = fake_liveness,
					     .shutdown = fake_shutdown,
					     .expect = fake_expect,
					     .join = fake_join};
static const struct darn_store twin_store = {.name = "twin",
					     .title = "twin store",
					     .formats = twin_formats,
					     FAKE_CODES,
					     .recognise = twin_recognise,
					     .open = fake_store_open,
					     .close = free,
					     .version = fake_version,
					     .classify = fake_classify,
					     .liveness = fake_liveness,
					     .shutdown = fake_shutdown};
static const struct darn_store *const fake_stores[] = {&fake_store, &twin_store,
						       NULL};

#endif
