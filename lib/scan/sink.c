/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - collecting what scanners say; see collect.h. */
#include "lib/scan/collect.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/scan/detail.h"

void darn_sink_init(struct darn_sink *s)
{
	*s = (struct darn_sink){.reason = DARN_NO_TEXT};
}

void darn_sink_release(struct darn_sink *s)
{
	free(s->items);
	free(s->errors);
	free(s->notes);
	free(s->text);
	darn_spans_release(&s->verified);
	darn_sink_init(s);
}

struct darn_sink *darn_sink_create(struct darn_error *err)
{
	struct darn_sink *s = darn_calloc(1, sizeof(*s), err);

	if (s)
		darn_sink_init(s);
	return s;
}

void darn_sink_destroy(struct darn_sink *s)
{
	if (!s)
		return;
	darn_sink_release(s);
	free(s);
}

void darn_sink_clear(struct darn_sink *s)
{
	s->nitems = 0;
	s->nerrors = 0;
	s->nnotes = 0;
	s->text_len = 0;
	s->reason = DARN_NO_TEXT;
	s->bad = false;
	darn_spans_clear(&s->verified);
	darn_error_clear(&s->err);
}

const char *darn_sink_text(const struct darn_sink *s, size_t at)
{
	return at == DARN_NO_TEXT ? NULL : s->text + at;
}

/* Room for @len more bytes of text, or NULL. */
static char *room(struct darn_sink *s, size_t len)
{
	size_t want = DARN_MAX(s->text_cap, (size_t)256);
	char *p;

	while (want - s->text_len < len)
		want *= 2;
	if (want == s->text_cap)
		return s->text + s->text_len;
	p = realloc(s->text, want);
	if (!p) {
		darn_fail(&s->err, DARN_ENOMEM, 0, "cannot allocate memory");
		return NULL;
	}
	s->text = p;
	s->text_cap = want;
	return s->text + s->text_len;
}

static size_t keep(struct darn_sink *s, const char *text)
{
	size_t at = s->text_len, len;
	char *p;

	if (!text)
		return DARN_NO_TEXT;
	len = strlen(text) + 1;
	p = room(s, len);
	if (!p)
		return DARN_NO_TEXT;
	memcpy(p, text, len);
	s->text_len += len;
	return at;
}

void darn_sink_drain(struct darn_sink *s)
{
	/* The reason is the only text that stays; it moves to the front. */
	size_t len = 0;

	if (s->reason != DARN_NO_TEXT) {
		len = strlen(s->text + s->reason) + 1;
		memmove(s->text, s->text + s->reason, len);
		s->reason = 0;
	}
	s->text_len = len;
	s->nitems = 0;
	s->nerrors = 0;
	s->nnotes = 0;
}

static void flush_if_full(struct darn_sink *s)
{
	if (s->flush &&
	    s->nitems + s->nerrors + s->nnotes >= DARN_SINK_FLUSH_AT)
		s->flush(s, s->payload);
}

/* Appends to one of the two arrays of items. */
static void append(struct darn_sink *s, struct darn_sink_item **items,
		   size_t *n, size_t *cap, struct darn_sink_item item)
{
	if (s->err.rc ||
	    darn_grow((void **)items, *n, cap, sizeof(**items), &s->err))
		return;
	(*items)[(*n)++] = item;
	flush_if_full(s);
}

static size_t keep_details(struct darn_sink *s, const struct darn_detail *d)
{
	size_t at = s->text_len, need;
	char *p;

	if (!d || d->kind == DARN_DETAIL_END)
		return DARN_NO_TEXT;
	need = darn_detail_json(d, NULL, 0) + 1;
	p = room(s, need);
	if (!p)
		return DARN_NO_TEXT;
	(void)darn_detail_json(d, p, need);
	s->text_len += need;
	return at;
}

void darn_sink_report(struct darn_sink *s, const struct darn_code *code,
		      struct darn_place where,
		      const struct darn_detail *details)
{
	struct darn_sink_item item = {
		.code = code,
		.where = where,
		.path = keep(s, where.path),
		.text = keep_details(s, details),
	};

	item.where.path = NULL;
	if (code->severity >= DARN_SUSPICIOUS)
		s->bad = true;
	append(s, &s->items, &s->nitems, &s->cap_items, item);
}

void darn_sink_error(struct darn_sink *s, const char *path, const char *message)
{
	struct darn_sink_item item = {.path = keep(s, path),
				      .text = keep(s, message)};

	append(s, &s->errors, &s->nerrors, &s->cap_errors, item);
}

void darn_sink_verified(struct darn_sink *s, uint64_t off, uint64_t len)
{
	darn_ignore(darn_spans_add(&s->verified, off, len, &s->err));
}

void darn_sink_reason(struct darn_sink *s, const char *reason)
{
	if (s->reason == DARN_NO_TEXT)
		s->reason = keep(s, reason);
}

void darn_sink_note(struct darn_sink *s, struct darn_note note)
{
	size_t path = keep(s, note.path);

	if (s->err.rc || darn_grow((void **)&s->notes, s->nnotes, &s->cap_notes,
				   sizeof(*s->notes), &s->err))
		return;
	note.path = NULL;
	s->notes[s->nnotes++] = (struct darn_sink_note){note, path};
	flush_if_full(s);
}

enum darn_rc darn_sink_status(const struct darn_sink *s, struct darn_error *err)
{
	if (s->err.rc)
		return darn_fail(err, s->err.rc, 0, "%s", s->err.msg);
	return DARN_OK;
}

size_t darn_sink_nfound(const struct darn_sink *s)
{
	return s->nitems;
}

struct darn_found darn_sink_found(const struct darn_sink *s, size_t i)
{
	const struct darn_sink_item *item = &s->items[i];
	const char *detail = darn_sink_text(s, item->text);

	return (struct darn_found){
		.code = item->code,
		.path = darn_sink_text(s, item->path),
		.off = item->where.off,
		.len = item->where.len,
		.missing = item->where.missing,
		.detail = detail ? detail : "{}",
	};
}

bool darn_sink_bad(const struct darn_sink *s)
{
	return s->bad;
}

size_t darn_sink_nerrors(const struct darn_sink *s)
{
	return s->nerrors;
}

const char *darn_sink_error_text(const struct darn_sink *s, size_t i)
{
	const char *text = darn_sink_text(s, s->errors[i].text);

	return text ? text : "";
}

const char *darn_sink_first_reason(const struct darn_sink *s)
{
	return darn_sink_text(s, s->reason);
}

uint64_t darn_sink_verified_len(struct darn_sink *s)
{
	darn_spans_normalise(&s->verified);
	return darn_spans_len(&s->verified);
}

bool darn_sink_covers(struct darn_sink *s, uint64_t off, uint64_t len)
{
	darn_spans_normalise(&s->verified);
	return darn_spans_contain(&s->verified, off, off + len);
}
