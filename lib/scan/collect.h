/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect.h - the inside of a sink, for the engine.
 *
 * A sink is a set of growing arrays that are cleared, not freed, between one
 * chunk and the next: a worker that has warmed up allocates nothing.  Strings
 * lie one after the other in @text and are named by offset.
 *
 * Sinks of a store or of a long stream may hear more than fits: where @flush
 * is set it is called whenever FLUSH_AT things have come together, and takes
 * findings, errors and notes away (the verified ranges stay).
 */
#ifndef DARN_LIB_SCAN_COLLECT_H
#define DARN_LIB_SCAN_COLLECT_H

#include "lib/scan/cover.h"
#include "lib/scan/sink.h"
#include "lib/scan/spool.h"

enum {
	DARN_SINK_FLUSH_AT = 4096
};

#define DARN_NO_TEXT SIZE_MAX

struct darn_sink_item {
	const struct darn_code *code; /* NULL: an error */
	struct darn_place where;      /* .path unused */
	size_t path, text;	      /* in @text, or DARN_NO_TEXT */
};

struct darn_sink_note {
	struct darn_note note; /* .path unused */
	size_t path;
};

struct darn_sink {
	struct darn_sink_item *items; /* findings, and errors apart */
	size_t nitems, cap_items;
	struct darn_sink_item *errors;
	size_t nerrors, cap_errors;
	struct darn_sink_note *notes;
	size_t nnotes, cap_notes;
	struct darn_spans verified;
	char *text;
	size_t text_len, text_cap;
	size_t reason; /* in @text, or DARN_NO_TEXT where it is not set */
	bool bad;      /* a finding of severity suspicious or worse */
	struct darn_error err;

	void (*flush)(struct darn_sink *s, void *payload);
	void *payload;
};

/* For sinks within other objects. */
void darn_sink_init(struct darn_sink *s);
void darn_sink_release(struct darn_sink *s);

/* Forgets findings, errors and notes, and keeps marks and reason. */
void darn_sink_drain(struct darn_sink *s);

/* The string at @at, NULL for DARN_NO_TEXT. */
const char *darn_sink_text(const struct darn_sink *s, size_t at);

/* ---- notes ---- */

int darn_note_compare(const void *a, size_t alen, const void *b, size_t blen);

/* Adds the notes of @s to a spool; @path for those that have none. */
DARN_MUST_CHECK
enum darn_rc darn_notes_spool(const struct darn_sink *s, const char *path,
			      struct darn_spool *to, struct darn_error *err);

/* Iterates over @spool, which lives longer. */
DARN_MUST_CHECK
enum darn_rc darn_notes_open(struct darn_spool *spool, struct darn_notes **out,
			     struct darn_error *err);

#endif
