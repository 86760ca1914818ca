/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict.c - asking the store, the seals and every source.
 *
 * Order of trust.  EXACT beats all.  A store that heals itself, and space that
 * is not in use, are left alone.  What the engine can rebuild is better rebuilt
 * than patched with a guess, unless the operator asked for guesses
 * (--accept=probable).
 */
#include "repair/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "repair/check.h"
#include "repair/digest.h"

static unsigned rank(const struct darn_case *c, enum darn_verdict v)
{
	switch (v) {
	case DARN_EXACT:
		return 7;
	case DARN_HEALS:
		return 6;
	case DARN_FREE:
		return 5;
	case DARN_REBUILDABLE:
		return 3;
	case DARN_PROBABLE:
		return c->o->accept_probable ? 4 : 2;
	case DARN_STALE:
		return 1;
	case DARN_UNKNOWN:
		break;
	}
	return 0;
}

/* Evidence is one line. */
static void say(struct darn_evidence *e, const char *who, const char *what)
{
	e->text[0] = '\0';
	if (strstr(what, who))
		who = "";
	darn_evidence_add(e, "%s%s%s", who, who[0] ? ": " : "", what);
	for (char *p = e->text; *p; p++)
		if (*p == '\n')
			*p = ';';
}

void darn_answer_release(struct darn_answer *a)
{
	free(a->bytes);
	a->bytes = NULL;
}

static struct darn_unit unit_of(const struct darn_question *q)
{
	return (struct darn_unit){
		.path = q->path,
		.off = q->off,
		.len = q->len,
		.format = q->format,
		.whole_file = q->whole_file,
		.buf = q->buf,
		.buf_len = q->buf_len,
	};
}

static void ask_store(const struct darn_question *q,
		      const struct darn_origin *o, struct darn_answer *a)
{
	const struct darn_part *part = q->part;
	struct darn_unit unit = unit_of(q);
	struct darn_candidate cand = {
		.source_ctx = o ? o->ctx : NULL,
		.source = o ? o->name : "",
		.buf = a->bytes,
		.len = a->bytes ? (size_t)a->size : 0,
	};
	struct darn_evidence why = {.text = ""};

	a->verdict = DARN_UNKNOWN;
	if (part->store && part->store->judge)
		a->verdict = part->store->judge(part->ctx, &unit,
						o ? &cand : NULL, &why);
	if (!why.text[0])
		darn_evidence_add(&why, "%s",
				  o ? "nothing proves that it is the current "
				      "version"
				    : "no evidence");
	say(&a->why, o ? o->name : "", why.text);
}

/* What a seal says of the candidate. */
enum sealed {
	NOT_SEALED, /* nothing */
	IS_SEALED,  /* it is what was sealed, and the seal is valid */
	IS_VOUCHED, /* the same, but only because the operator says so */
	MAY_BE,	    /* it is what was sealed; why says what is not proven */
	IS_OTHER,   /* the seal is valid and it is something else */
};

static enum sealed weigh(struct darn_case *c, const struct darn_question *q,
			 struct darn_manifest *m,
			 const struct darn_sealed_entry *e, bool matches,
			 char *why, size_t why_len)
{
	bool vouched = c->o->unchanged_since_seal;
	const struct darn_stat *now = q->missing ? &e->st : &q->st;
	bool valid = darn_manifest_vouches(m, e, now, false, why, why_len);

	if (q->missing && valid) {
		valid = false;
		(void)snprintf(why, why_len,
			       "a missing file may have been deleted on "
			       "purpose");
	}
	if (valid)
		return matches ? IS_SEALED : IS_OTHER;
	if (vouched && darn_manifest_vouches(m, e, now, true, why, why_len))
		return matches ? IS_VOUCHED : IS_OTHER;
	return matches ? MAY_BE : NOT_SEALED;
}

/* Compares the candidate with one seal of the file. */
static enum darn_rc ask_seal(struct darn_case *c, const struct darn_question *q,
			     struct darn_origin *o, struct darn_manifest *m,
			     const struct darn_sealed_entry *e,
			     enum sealed *out, char *why, size_t why_len,
			     struct darn_error *err)
{
	uint64_t len = q->whole_file ? o->st.size : q->len;
	bool matches = false;
	enum darn_rc rc = DARN_OK;

	if (!q->whole_file || o->st.size == e->st.size)
		rc = darn_seal_covers(m, e, o->io, q->off, len, &matches, err);
	if (!rc)
		*out = weigh(c, q, m, e, matches, why, why_len);
	return rc;
}

/* The target's own seal and the one that the snapshot carries. */
static enum darn_rc ask_seals(struct darn_case *c,
			      const struct darn_question *q,
			      struct darn_origin *o, enum sealed *out,
			      char *why, size_t why_len, struct darn_error *err)
{
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	enum sealed other = NOT_SEALED;
	char other_why[256] = "";
	char *path;
	enum darn_rc rc = darn_seals_find(&c->seals, q->abs, &m, &e, err);

	*out = NOT_SEALED;
	if (rc && rc != DARN_ENOENT)
		return rc;
	if (!rc) {
		rc = ask_seal(c, q, o, m, &e, out, why, why_len, err);
		darn_sealed_entry_release(&e);
		if (rc)
			return rc;
	}
	if (!o->manifest || *out == IS_SEALED || *out == IS_VOUCHED ||
	    *out == IS_OTHER)
		return DARN_OK;
	path = darn_origin_sealed_path(o, q->path, err);
	if (!path)
		return DARN_ENOMEM;
	rc = darn_manifest_find(o->manifest, path, &e, NULL);
	free(path);
	if (rc)
		return DARN_OK;
	if (e.block)
		rc = ask_seal(c, q, o, o->manifest, &e, &other, other_why,
			      sizeof(other_why), err);
	darn_sealed_entry_release(&e);
	/* a snapshot's manifest matches the snapshot: only its being valid says
	 * anything */
	if (!rc &&
	    (other == IS_SEALED || other == IS_VOUCHED || *out == NOT_SEALED)) {
		*out = other;
		(void)snprintf(why, why_len, "%s", other_why);
	}
	return rc;
}

/* Reads the candidate and runs the format's own check over it. */
static enum darn_rc fetch_unit(const struct darn_question *q,
			       struct darn_origin *o, struct darn_answer *a,
			       bool *good, struct darn_error *err)
{
	const struct darn_part *part = q->part;
	struct darn_file f = {
		.path = q->path, .tree = o->tree, .io = o->io, .st = o->st};
	const void *ctx = o->store ? o->ctx : part->ctx;
	struct darn_error unread = DARN_ERROR_INIT;
	enum darn_severity worst = DARN_INFO;
	size_t got = 0;
	enum darn_rc rc;

	*good = false;
	a->bytes = darn_calloc((size_t)q->len, 1, err);
	if (!a->bytes)
		return DARN_ENOMEM;
	if (darn_io_read(o->io, a->bytes, (size_t)q->len, q->off,
			 DARN_READ_NORMAL, &got, &unread)) {
		say(&a->why, o->name, unread.msg);
		return DARN_OK;
	}
	if (got < q->len) {
		say(&a->why, o->name, "the file is shorter there");
		return DARN_OK;
	}
	a->size = q->len;
	a->digest = darn_xxh3_64(a->bytes, got);
	a->identical = q->buf && !q->unreadable && q->buf_len == got &&
		       memcmp(q->buf, a->bytes, got) == 0;
	/* streams make sense as a whole only: that is checked afterwards */
	if (!q->format || !q->format->check) {
		*good = true;
		return DARN_OK;
	}
	rc = darn_check_unit(q->format, ctx, &f, q->off, a->bytes, got, &worst,
			     err);
	*good = worst <= DARN_SUSPICIOUS;
	a->doubtful = worst == DARN_SUSPICIOUS;
	return rc;
}

static enum darn_rc fetch_file(const struct darn_question *q,
			       struct darn_origin *o, struct darn_answer *a,
			       bool *good, struct darn_error *err)
{
	struct darn_file f = {
		.path = q->path, .tree = o->tree, .io = o->io, .st = o->st};
	const struct darn_part *part = q->part;
	const struct darn_format *format = q->format;
	const void *ctx = o->store ? o->ctx : part->ctx;
	struct darn_error unread = DARN_ERROR_INIT;
	enum darn_severity worst = DARN_INFO;
	enum darn_rc rc;

	*good = true;
	if (o->st.type == DARN_FT_DIR) {
		a->is_dir = true;
		return DARN_OK;
	}
	if (darn_digest_io(o->io, DARN_READ_NORMAL, &a->digest, &a->size,
			   &unread)) {
		*good = false;
		say(&a->why, o->name, unread.msg);
		return DARN_OK;
	}
	a->identical = !q->missing && !q->unreadable && a->size == q->st.size &&
		       a->digest == q->pre_digest;
	if (!format && part->store)
		format = part->store->classify(part->ctx, q->path, &o->st)
				 .format;
	if (!format)
		return DARN_OK;
	rc = darn_check_file(format, ctx, &f, &worst, err);
	*good = worst <= DARN_SUSPICIOUS;
	a->doubtful = worst == DARN_SUSPICIOUS;
	return rc;
}

/* The verdict on a good candidate. */
static enum darn_rc weigh_candidate(struct darn_case *c,
				    const struct darn_question *q,
				    struct darn_origin *o,
				    struct darn_answer *a,
				    struct darn_error *err)
{
	enum sealed sealed = NOT_SEALED;
	char why[256] = "";
	enum darn_rc rc = DARN_OK;

	ask_store(q, o, a);
	if (!a->is_dir)
		rc = ask_seals(c, q, o, &sealed, why, sizeof(why), err);
	if (rc)
		return rc;
	if (sealed == IS_OTHER) {
		a->verdict = DARN_STALE;
		say(&a->why, o->name,
		    "differs from the digest in the valid seal");
	} else if (a->verdict == DARN_EXACT ||
		   (sealed == IS_VOUCHED && a->verdict == DARN_STALE)) {
		/* what the store can prove outweighs anybody's word */
		return DARN_OK;
	} else if (sealed == IS_SEALED || sealed == IS_VOUCHED) {
		a->verdict = DARN_EXACT;
		say(&a->why, o->name, "matches the digest in the valid seal");
	} else if (sealed == MAY_BE && a->verdict != DARN_STALE) {
		char text[320];

		(void)snprintf(text, sizeof(text),
			       "matches the digest in the seal, but %s", why);
		a->verdict = DARN_PROBABLE;
		say(&a->why, o->name, text);
	}
	return DARN_OK;
}

static enum darn_rc ask_origin(struct darn_case *c,
			       const struct darn_question *q,
			       struct darn_origin *o, struct darn_answer *a,
			       struct darn_error *err)
{
	struct darn_error miss = DARN_ERROR_INIT;
	bool good = false;
	enum darn_rc rc;

	memset(a, 0, sizeof(*a));
	a->verdict = DARN_UNKNOWN;
	a->origin = o;
	rc = darn_origin_open(o, q->path, q->missing ? NULL : &q->st, &miss);
	if (rc == DARN_EREFUSED)
		return darn_fail(err, DARN_EINVAL, 0, "%s", miss.msg);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", miss.msg);
	if (rc || (!o->io && !q->missing)) {
		a->origin = NULL;
		say(&a->why, o->name,
		    rc == DARN_ENOENT || !rc ? "has no such file" : miss.msg);
		return DARN_OK;
	}
	a->st = o->st;
	rc = q->whole_file ? fetch_file(q, o, a, &good, err)
			   : fetch_unit(q, o, a, &good, err);
	if (rc)
		return rc;
	if (good) {
		rc = weigh_candidate(c, q, o, a, err);
		if (rc || !a->doubtful || a->verdict == DARN_EXACT)
			return rc;
		if (a->verdict == DARN_PROBABLE)
			a->verdict = DARN_UNKNOWN;
		say(&a->why, o->name, "its version is suspicious itself");
		return DARN_OK;
	}
	a->origin = NULL;
	if (!a->why.text[0])
		say(&a->why, o->name, "its version fails the same check");
	return DARN_OK;
}

/* Two proofs for different bytes prove nothing. */
static void contradict(struct darn_answer *best, const struct darn_answer *a)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "%.100s and %.100s are both proven "
		       "and differ",
		       best->origin->name, a->origin->name);
	best->verdict = DARN_UNKNOWN;
	best->origin = NULL;
	say(&best->why, "", text);
}

/* Takes @a if it is better than @best; releases the other one. */
static void choose(const struct darn_case *c, struct darn_answer *best,
		   struct darn_answer *a, bool *contradicted)
{
	if (best->verdict == DARN_EXACT && a->verdict == DARN_EXACT &&
	    (best->digest != a->digest || best->size != a->size)) {
		contradict(best, a);
		*contradicted = true;
		darn_answer_release(a);
		return;
	}
	if (rank(c, a->verdict) > rank(c, best->verdict) ||
	    (a->verdict == best->verdict && !best->origin && a->origin)) {
		struct darn_answer was = *best;

		*best = *a;
		*a = was;
	} else if (a->verdict == DARN_UNKNOWN && a->why.text[0] &&
		   best->verdict == DARN_UNKNOWN && !best->origin) {
		best->why = a->why;
	}
	darn_answer_release(a);
}

/* Snapshots are found by the path that they were made of. */
static void has_no_snapshot(const struct darn_case *c,
			    const struct darn_source *s,
			    struct darn_answer *best)
{
	char text[512];

	if (!s->repo || best->origin || best->verdict != DARN_UNKNOWN)
		return;
	(void)snprintf(
		text, sizeof(text),
		"has no snapshot of '%.300s'; restore the one of another "
		"path and use that directory as the source",
		c->target.abs);
	say(&best->why, s->typed, text);
}

static enum darn_rc ask_source(struct darn_case *c,
			       const struct darn_question *q, size_t source,
			       struct darn_answer *best, bool *contradicted,
			       struct darn_error *err)
{
	struct darn_source *s = &c->sources.items[source];
	struct darn_origin *o;
	enum darn_rc rc =
		darn_source_prepare(&c->sources, source, q->part, err);

	for (size_t i = 0; !rc && !*contradicted; i++) {
		struct darn_answer a;

		o = darn_source_origin(s, q->part, i);
		if (!o && i == 0)
			has_no_snapshot(c, s, best);
		if (!o)
			break;
		if (q->only && o->nth != q->nth)
			continue;
		/* older snapshots are asked while nothing is proven */
		if (i > 0 && best->verdict == DARN_EXACT)
			break;
		rc = ask_origin(c, q, o, &a, err);
		if (!rc)
			choose(c, best, &a, contradicted);
		else
			darn_answer_release(&a);
	}
	return rc;
}

enum darn_rc darn_judge(struct darn_case *c, const struct darn_question *q,
			struct darn_answer *out, struct darn_error *err)
{
	bool contradicted = false;
	enum darn_rc rc = DARN_OK;

	memset(out, 0, sizeof(*out));
	ask_store(q, NULL, out);
	if (out->verdict == DARN_EXACT || out->verdict == DARN_PROBABLE) {
		/* exact and probable are said of a candidate */
		out->verdict = DARN_UNKNOWN;
	}
	if (out->verdict == DARN_HEALS || out->verdict == DARN_FREE)
		return DARN_OK;
	for (size_t i = 0; !rc && i < c->sources.n && !contradicted; i++) {
		if (q->only && i != q->source)
			continue;
		rc = ask_source(c, q, i, out, &contradicted, err);
	}
	if (rc)
		darn_answer_release(out);
	return rc;
}
