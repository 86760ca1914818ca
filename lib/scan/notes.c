/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes.c - what scanners remember for join(), through a spool.
 *
 * A record is struct head and the path with its NUL.
 */
#include "lib/scan/collect.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/scan/report.h"

struct head {
	uint64_t off;
	uint64_t value[3];
	uint64_t kind;
};

struct darn_notes {
	struct darn_spool *own; /* or NULL */
	struct darn_spool_reader *reader;
};

#define CMP(a, b) (((a) > (b)) - ((a) < (b)))

int darn_note_compare(const void *a, size_t alen, const void *b, size_t blen)
{
	const struct head *x = a, *y = b;
	int diff = darn_path_cmp((const char *)(x + 1), (const char *)(y + 1));

	if (diff == 0)
		diff = CMP(x->off, y->off);
	if (diff == 0)
		diff = CMP(x->kind, y->kind);
	if (diff == 0)
		diff = memcmp(a, b, DARN_MIN(alen, blen));
	return diff;
}

static enum darn_rc add(struct darn_spool *to, const struct darn_note *note,
			const char *path, struct darn_error *err)
{
	size_t len = strlen(path) + 1;
	struct head *h = malloc(sizeof(*h) + len);
	enum darn_rc rc;

	if (!h)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	*h = (struct head){
		.off = note->off,
		.value = {note->value[0], note->value[1], note->value[2]},
		.kind = note->kind};
	memcpy(h + 1, path, len);
	rc = darn_spool_add(to, h, sizeof(*h) + len, err);
	free(h);
	return rc;
}

enum darn_rc darn_notes_spool(const struct darn_sink *s, const char *path,
			      struct darn_spool *to, struct darn_error *err)
{
	for (size_t i = 0; i < s->nnotes; i++) {
		const char *own = darn_sink_text(s, s->notes[i].path);
		enum darn_rc rc =
			add(to, &s->notes[i].note, own ? own : path, err);

		if (rc)
			return rc;
	}
	return DARN_OK;
}

enum darn_rc darn_notes_open(struct darn_spool *spool, struct darn_notes **out,
			     struct darn_error *err)
{
	struct darn_notes *n = darn_calloc(1, sizeof(*n), err);
	enum darn_rc rc;

	if (!n)
		return DARN_ENOMEM;
	rc = darn_spool_read(spool, &n->reader, err);
	if (rc) {
		free(n);
		return rc;
	}
	*out = n;
	return DARN_OK;
}

enum darn_rc darn_notes_next(struct darn_notes *n, struct darn_note *note,
			     struct darn_error *err)
{
	const struct head *h;
	const void *rec;
	size_t len;
	enum darn_rc rc = darn_spool_next(n->reader, &rec, &len, err);

	if (rc)
		return rc;
	h = rec;
	*note = (struct darn_note){
		.path = (const char *)(h + 1),
		.off = h->off,
		.value = {h->value[0], h->value[1], h->value[2]},
		.kind = (uint32_t)h->kind,
	};
	return DARN_OK;
}

void darn_notes_destroy(struct darn_notes *n)
{
	if (!n)
		return;
	darn_spool_reader_close(n->reader);
	darn_spool_destroy(n->own);
	free(n);
}

enum darn_rc darn_sink_notes(const struct darn_sink *s, const char *path,
			     struct darn_notes **out, struct darn_error *err)
{
	struct darn_spool *spool = NULL;
	enum darn_rc rc = darn_spool_create(darn_note_compare, NULL,
					    (size_t)1 << 24, &spool, err);

	if (rc == DARN_OK)
		rc = darn_notes_spool(s, path, spool, err);
	if (rc == DARN_OK)
		rc = darn_notes_open(spool, out, err);
	if (rc) {
		darn_spool_destroy(spool);
		return rc;
	}
	(*out)->own = spool;
	return DARN_OK;
}
