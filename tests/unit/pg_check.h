/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_check.h - runs one check of the PostgreSQL scanner over bytes in memory
 * and remembers what it said, for the tests of the scanner.
 */
#ifndef DARN_TESTS_UNIT_PG_CHECK_H
#define DARN_TESTS_UNIT_PG_CHECK_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scan/collect.h"
#include "scanners/postgresql/cluster.h"

#define PG_DATA "tests/unit/data/postgresql/"

struct pg_told {
	const struct darn_code *code; /* of the first finding, or NULL */
	struct darn_place where;
	char detail[512];
	size_t nfindings;
	bool verified; /* every byte */
	size_t nnotes;
	struct darn_note note; /* the first */
};

/* A vector: @len bytes, or fewer where the file has not as many. */
static inline size_t pg_vector(const char *name, uint8_t *buf, size_t len)
{
	char path[256];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), PG_DATA "%s", name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	n = fread(buf, 1, len, f);
	(void)fclose(f);
	return n;
}

/* Adds what @s was told to @told. */
static inline void pg_hear(const struct darn_sink *s, uint64_t off, size_t len,
			   struct pg_told *told)
{
	memset(told, 0, sizeof(*told));
	told->nfindings = s->nitems;
	if (s->nitems) {
		const char *text = darn_sink_text(s, s->items[0].text);

		told->code = s->items[0].code;
		told->where = s->items[0].where;
		(void)snprintf(told->detail, sizeof(told->detail), "%s",
			       text ? text : "");
	}
	told->nnotes = s->nnotes;
	if (s->nnotes)
		told->note = s->notes[0].note;
	for (size_t i = 0; i < s->verified.n; i++)
		if (s->verified.v[i].lo <= off &&
		    s->verified.v[i].hi >= off + len)
			told->verified = true;
}

/*
 * Checks the @len bytes @buf as the chunk at @off of the file @path, which has
 * @size bytes.  @off of a file that does not exist as such is fine.
 */
static inline struct pg_told pg_run(const struct darn_format *format,
				    const struct darn_pg *pg, const char *path,
				    uint64_t size, uint64_t off,
				    const uint8_t *buf, size_t len)
{
	struct darn_file f = {.path = path,
			      .st = {.type = DARN_FT_FILE, .size = size}};
	struct darn_error err = DARN_ERROR_INIT;
	struct pg_told told;
	struct darn_sink sink;
	void *ctx = NULL;

	darn_sink_init(&sink);
	if (format->open)
		ck_assert_int_eq(format->open(&f, pg, &sink, &ctx, &err),
				 DARN_OK);
	if (len) {
		/* A copy of just this size, so that a read past it shows. */
		uint8_t *copy = malloc(len);
		struct darn_chunk c = {
			.buf = copy, .off = off, .len = len, .file_size = size};

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, buf, len);
		ck_assert_int_eq(format->check(ctx, &c, &sink, &err), DARN_OK);
		free(copy);
	}
	pg_hear(&sink, off, len, &told);
	if (format->close)
		format->close(ctx);
	darn_sink_release(&sink);
	return told;
}

static inline bool pg_told_id(const struct pg_told *t, const char *id)
{
	return t->code && strcmp(t->code->id, id) == 0;
}

#endif
