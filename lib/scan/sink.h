/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h - what a scanner says about bytes.
 *
 * A scanner never prints and never keeps a list: it tells a sink what it
 * found, what it verified and what it wants to remember.  A sink is made by
 * the engine for one chunk (or one store) and used by one thread at a time;
 * strings are copied.  Running out of memory or of spill space is remembered
 * inside and becomes an error of the run, so that none of these can fail.
 *
 * Every byte of a file ends in one bucket, in this order of precedence:
 * damaged (a finding of severity damaged or unreadable covers it), skipped,
 * verified (somebody called darn_sink_verified()), unverified (nobody did).
 */
#ifndef DARN_LIB_SCAN_SINK_H
#define DARN_LIB_SCAN_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

enum darn_severity {
	DARN_INFO,	 /* normal; listed only with -v; sets no bit */
	DARN_SUSPICIOUS, /* no check can decide: exit bit 2 */
	DARN_TORN,	 /* an unfinished write that recovery handles: no bit */
	DARN_DAMAGED,	 /* exit bit 4 */
	DARN_UNREADABLE, /* the medium would not give it: exit bit 4 */
};

/* What usually helps; repair decides by evidence, not by this. */
enum darn_hint {
	DARN_HINT_NONE,
	DARN_HINT_RESTORE,	/* put the bytes back from a backup */
	DARN_HINT_RESTORE_FILE, /* the whole file or nothing */
	DARN_HINT_REBUILD,	/* the engine can make it anew */
};

/* A kind of finding.  Static; the id is for ever: "store/format-problem". */
struct darn_code {
	const char *id;
	enum darn_severity severity;
	enum darn_hint hint;
	const char *text; /* one sentence, lower case, no full stop */
};

/* One named fact of a finding.  Never user data. */
enum darn_detail_kind {
	DARN_DETAIL_END,
	DARN_DETAIL_DEC,
	DARN_DETAIL_HEX,
	DARN_DETAIL_STR
};
struct darn_detail {
	const char *key;
	enum darn_detail_kind kind;
	unsigned width; /* hexadecimal digits for DARN_DETAIL_HEX */
	uint64_t num;
	const char *str;
};
#define DARN_DEC(key_, num_)                                          \
	{                                                             \
		.key = (key_), .kind = DARN_DETAIL_DEC, .num = (num_) \
	}
#define DARN_HEX(key_, width_, num_)                                       \
	{                                                                  \
		.key = (key_), .kind = DARN_DETAIL_HEX, .width = (width_), \
		.num = (num_)                                              \
	}
#define DARN_STR(key_, str_)                                          \
	{                                                             \
		.key = (key_), .kind = DARN_DETAIL_STR, .str = (str_) \
	}
#define DARN_DETAILS(...) \
	((const struct darn_detail[]){__VA_ARGS__, {.kind = DARN_DETAIL_END}})

/* Where, in bytes of one file.  @path NULL: the file that the sink is for. */
struct darn_place {
	const char *path; /* relative to the tree's root */
	uint64_t off, len;
	uint64_t missing; /* of @len, bytes that should exist and do not */
};

struct darn_sink;

/* Reports a finding.  @details may be NULL. */
void darn_sink_report(struct darn_sink *s, const struct darn_code *code,
		      struct darn_place where,
		      const struct darn_detail *details);

/* A checksum or an exact rule covers [off, off + len) and holds. */
void darn_sink_verified(struct darn_sink *s, uint64_t off, uint64_t len);

/* Why bytes of this file stay unverified; the first reason given is kept. */
void darn_sink_reason(struct darn_sink *s, const char *reason);

/*
 * Part of the work could not be done (exit bit 8): "X at Y: why".  Not for
 * damage.
 */
void darn_sink_error(struct darn_sink *s, const char *path,
		     const char *message);

/*
 * Remembers a fact for the store's join(), which gets all notes back sorted by
 * (path, off, kind), paths in the order of darn_path_cmp() (report.h).  Spilled
 * to disk where there are many.
 */
struct darn_note {
	const char *path; /* NULL: the file that the sink is for */
	uint64_t off;
	uint64_t value[3]; /* what they mean is up to @kind */
	uint32_t kind;
};
void darn_sink_note(struct darn_sink *s, struct darn_note note);

/*
 * ---- for the engine, and for tests that call a format by hand ----
 *
 * A sink collects until it is asked.  Pointers that the functions below give
 * live until the next report to the sink, its clearing or its end.
 */
struct darn_found {
	const struct darn_code *code;
	const char *path; /* NULL: the file that the sink is for */
	uint64_t off, len, missing;
	const char *detail; /* JSON object, "{}" where there is none */
};

/* NULL with @err set on failure. */
struct darn_sink *darn_sink_create(struct darn_error *err);
void darn_sink_destroy(struct darn_sink *s); /* NULL is fine */
void darn_sink_clear(struct darn_sink *s);   /* forgets everything */

/* The first failure inside (out of memory), if any. */
DARN_MUST_CHECK
enum darn_rc darn_sink_status(const struct darn_sink *s,
			      struct darn_error *err);

size_t darn_sink_nfound(const struct darn_sink *s);
struct darn_found darn_sink_found(const struct darn_sink *s, size_t i);
bool darn_sink_bad(const struct darn_sink *s); /* any suspicious or worse */

size_t darn_sink_nerrors(const struct darn_sink *s);
const char *darn_sink_error_text(const struct darn_sink *s, size_t i);
const char *darn_sink_first_reason(const struct darn_sink *s); /* or NULL */

/* Bytes marked as verified, each counted once; and whether all of a range. */
uint64_t darn_sink_verified_len(struct darn_sink *s);
bool darn_sink_covers(struct darn_sink *s, uint64_t off, uint64_t len);

/*
 * The notes of @s as join() gets them: sorted.  Their path is @path (copied)
 * where the scanner set none.  Release with darn_notes_destroy().
 */
struct darn_notes;
DARN_MUST_CHECK
enum darn_rc darn_sink_notes(const struct darn_sink *s, const char *path,
			     struct darn_notes **out, struct darn_error *err);
void darn_notes_destroy(struct darn_notes *n); /* NULL is fine */

#endif
