/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c - may this page, or this file, of a source be put into the cluster?
 *
 * A good checksum proves that the server once wrote the page, not that it is
 * the latest one: an old page put back gives wrong answers that nothing
 * detects.  So "exact" needs a proof: the source and the cluster were stopped
 * at the same moment, or the log from the one to the other does not change the
 * page.  An equal LSN is no proof: a torn page can have the old header before
 * a newer rest.  The log heals what it holds whole.
 */
#include "scanners/postgresql/cluster.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/am.h"
#include "scanners/postgresql/covered.h"
#include "scanners/postgresql/expect.h"
#include "scanners/postgresql/manifest.h"
#include "scanners/postgresql/page.h"

enum {
	FIRST_NORMAL_OID = 16384, /* those before it are initdb's */
};

struct asked {
	const struct darn_pg *pg;
	const struct darn_pg *src; /* NULL: not known */
	const struct darn_unit *unit;
	const struct darn_candidate *candidate;
	struct darn_evidence *why;
	struct darn_pg_rel rel; /* of a page */
	uint32_t block;
	enum darn_pg_am am;
};

/* ---- the same moment ---- */

/* Another cluster altogether: nothing of it belongs here. */
static bool foreign(const struct asked *a)
{
	const struct darn_pg_control *c = &a->pg->control;
	const struct darn_pg_control *s = &a->src->control;

	if (!c->valid || !s->valid || c->sysid == s->sysid)
		return false;
	darn_evidence_add(a->why,
			  "%s is another cluster: system identifier %" PRIu64
			  ", not %" PRIu64,
			  a->candidate->source, s->sysid, c->sysid);
	return true;
}

/*
 * A clone that has gone its own way: it may have stopped at an equal checkpoint
 * where it did the same amount of work.
 */
static bool parted(const struct asked *a)
{
	uint64_t at;

	if (!a->src->control.valid || !darn_pg_has_parted(a->pg, a->src, &at))
		return false;
	darn_evidence_add(a->why,
			  "%s has gone its own way: its log is another one "
			  "from %s on",
			  a->candidate->source, darn_pg_lsn_text(at).s);
	return true;
}

/* One line of evidence, in place of what was said so far. */
static void say_instead(const struct asked *a, const char *text)
{
	a->why->text[0] = '\0';
	darn_evidence_add(a->why, "the file in %s %s", a->candidate->source,
			  text);
}

static bool same_moment(const struct asked *a)
{
	const struct darn_pg_control *c = &a->pg->control;
	const struct darn_pg_control *s = &a->src->control;
	struct darn_error err = DARN_ERROR_INIT;
	char reason[160] = "";
	bool yes = false;

	if (!darn_pg_clean(s) || a->src->base_backup || a->pg->base_backup)
		return false;
	if (c->valid) {
		if (!darn_pg_clean(c) ||
		    memcmp(c->raw, s->raw, sizeof(c->raw)) != 0)
			return false;
		darn_evidence_add(a->why,
				  "same moment: %s was stopped at the same "
				  "checkpoint %s, its control file is equal",
				  a->candidate->source,
				  darn_pg_lsn_text(s->checkpoint_lsn).s);
		return true;
	}
	if (darn_pg_log_last_is(a->pg->tree, s, &yes, reason, sizeof(reason),
				&err) ||
	    !yes)
		return false;
	darn_evidence_add(a->why,
			  "same moment: the log here ends with the shutdown "
			  "checkpoint %s of %s",
			  darn_pg_lsn_text(s->checkpoint_lsn).s,
			  a->candidate->source);
	return true;
}

/* The moments of both, for a refusal: is the source provably older? */
static enum darn_verdict other_moment(const struct asked *a, const char *what)
{
	const struct darn_pg *pg = a->pg, *src = a->src;
	uint64_t here = pg->log.known	    ? pg->log.end_lsn
			: pg->control.valid ? pg->control.checkpoint_lsn
					    : 0;

	if (!src || !src->control.valid) {
		darn_evidence_add(a->why, "%s: when %s was taken is not known",
				  what, a->candidate->source);
		return DARN_UNKNOWN;
	}
	if (here > src->control.checkpoint_lsn) {
		darn_evidence_add(
			a->why,
			"%s: %s is of checkpoint %s, the log here "
			"goes on to %s; a rewind of the whole "
			"cluster, or the server's own recovery from "
			"the backup, is safe",
			what, a->candidate->source,
			darn_pg_lsn_text(src->control.checkpoint_lsn).s,
			darn_pg_lsn_text(here).s);
		return DARN_STALE;
	}
	darn_evidence_add(a->why,
			  "%s: %s and this cluster were not stopped at the "
			  "same moment",
			  what, a->candidate->source);
	return DARN_UNKNOWN;
}

/* ---- pages ---- */

static bool heals(const struct asked *a)
{
	if (a->unit->whole_file ||
	    !darn_pg_pending_writes(&a->pg->pending, &a->rel, a->block))
		return false;
	darn_evidence_add(a->why,
			  "recovery writes block %u anew: the log holds it "
			  "whole behind the redo point %s",
			  a->block, darn_pg_lsn_text(a->pg->redo_lsn).s);
	return true;
}

/*
 * Derived data: what makes it anew.  An index is made of its table: of a
 * damaged one it would lack rows for good.
 */
static bool rebuildable(const struct asked *a)
{
	bool system = a->rel.node < FIRST_NORMAL_OID;

	if (a->rel.fork == DARN_PG_FSM)
		darn_evidence_add(a->why,
				  "free-space map: with the server stopped "
				  "remove %s, then VACUUM the table",
				  a->unit->path);
	else if (a->rel.fork == DARN_PG_VM)
		darn_evidence_add(a->why,
				  "visibility map: with the server stopped "
				  "remove %s, then VACUUM the table",
				  a->unit->path);
	else if (a->rel.fork == DARN_PG_MAIN && darn_pg_am_is_index(a->am))
		darn_evidence_add(
			a->why,
			"%s%s: REINDEX INDEX after the table is good%s; "
			"its name is in pg_class where "
			"pg_relation_filenode(oid) = %u",
			darn_pg_am_name(a->am),
			system ? " of a system catalogue" : "",
			system ? ", with a server that does not use it "
				 "(postgres -P, ignore_system_indexes)"
			       : "",
			a->rel.node);
	else
		return false;
	return true;
}

/* Do the two differ in the stored checksum at most, as a page's header? */
static bool only_checksum_differs(const struct asked *a)
{
	const uint8_t *now = a->unit->buf, *then = a->candidate->buf;

	return memcmp(now, then, 8) == 0 &&
	       memcmp(now + 10, then + 10, DARN_PG_PAGE - 10) == 0;
}

/* What the headers of the damaged page and of the candidate say. */
static enum darn_verdict by_header(const struct asked *a, const char *why_not)
{
	const struct darn_unit *u = a->unit;
	struct darn_pg_head now, then;
	struct darn_pg_lsn_text now_lsn, then_lsn;

	if (u->buf_len < DARN_PG_PAGE || !u->buf ||
	    a->candidate->len < DARN_PG_PAGE || !a->candidate->buf)
		return other_moment(a, "the page is gone");
	if (memcmp(u->buf, a->candidate->buf, DARN_PG_PAGE) == 0)
		return other_moment(a, "the source has the very same page");
	now = darn_pg_head(u->buf);
	then = darn_pg_head(a->candidate->buf);
	now_lsn = darn_pg_lsn_text(now.lsn);
	then_lsn = darn_pg_lsn_text(then.lsn);
	if (now.lsn == 0 || then.lsn == 0)
		return other_moment(a, "the page has no LSN to compare");
	if (now.lsn == then.lsn &&
	    (now.checksum == then.checksum || only_checksum_differs(a))) {
		darn_evidence_add(a->why,
				  "equal LSN %s in %s, but the damage may hide "
				  "a newer rest%s%s",
				  now_lsn.s, a->candidate->source,
				  why_not[0] ? "; no help from the log: " : "",
				  why_not);
		return DARN_PROBABLE;
	}
	if (now.lsn > then.lsn && a->pg->log.known &&
	    now.lsn <= a->pg->log.end_lsn) {
		darn_evidence_add(a->why,
				  "the page was last changed at %s, the one in "
				  "%s at %s",
				  now_lsn.s, a->candidate->source, then_lsn.s);
		return DARN_STALE;
	}
	return other_moment(a, "the damaged header proves nothing");
}

/*
 * The log changes the page last at @last.  False: that the source has that very
 * change is no proof, and @why_not says why.
 */
static bool by_last_change(const struct asked *a, uint64_t last, uint64_t lsn,
			   enum darn_verdict *verdict, char *why_not,
			   size_t why_size)
{
	const char *source = a->candidate->source;

	if (!a->candidate->buf || a->candidate->len < DARN_PG_PAGE)
		return false;
	/* Hash indexes and GiST builds do not stamp every page they log. */
	if (lsn != last && (lsn <= 1 || a->am == DARN_PG_AM_HASH)) {
		(void)snprintf(why_not, why_size, "it does not stamp the page");
		return false;
	}
	if (lsn == last && a->src->base_backup &&
	    a->pg->sums != DARN_PG_SUMS_ON) {
		(void)snprintf(why_not, why_size,
			       "the backup may have read it half written, and "
			       "no checksum would tell");
		return false;
	}
	if (lsn == last &&
	    darn_pg_am_of_page(a->candidate->buf) == DARN_PG_AM_SEQUENCE) {
		(void)snprintf(why_not, why_size,
			       "a sequence counts on without a record for each "
			       "value, and would go back");
		return false;
	}
	*verdict = lsn == last ? DARN_EXACT : DARN_STALE;
	if (lsn == last)
		darn_evidence_add(a->why,
				  "the page in %s has the last change of this "
				  "block in the log, %s",
				  source, darn_pg_lsn_text(last).s);
	else
		darn_evidence_add(a->why,
				  "the log changes this block last at %s, the "
				  "page in %s is of %s",
				  darn_pg_lsn_text(last).s, source,
				  darn_pg_lsn_text(lsn).s);
	return true;
}

/* Nothing that happens to an unlogged relation is in the log. */
static bool is_unlogged(const struct asked *a)
{
	/* the init fork may be lost here too */
	return a->rel.fork != DARN_PG_INIT &&
	       (darn_pg_is_unlogged(a->pg->tree, &a->rel) ||
		darn_pg_is_unlogged(a->src->tree, &a->rel));
}

/*
 * The log changes nothing in a whole file of the source; but is the file all
 * there, and is it from before the log's end?  A catalogue knows only how long
 * it is at least, so that the manifest of a base backup alone can tell.
 */
static enum darn_verdict by_manifest(const struct asked *a)
{
	uint64_t is = darn_pg_file_size(a->src->tree, a->unit->path), was;
	bool known;

	if (!darn_pg_source_holds(a->pg, a->src, a->unit->path, &known)) {
		say_instead(a, "is itself too short, or lacks a part");
		return DARN_UNKNOWN;
	}
	if (!darn_pg_manifest_size(a->src, a->unit->path, &was)) {
		say_instead(a, "is not changed by the log since, but no "
			       "manifest says how long it was");
		return DARN_PROBABLE;
	}
	if (was != is) {
		say_instead(a, "does not have the length that the backup's "
			       "manifest says");
		return DARN_UNKNOWN;
	}
	if (a->src->log.known)
		return DARN_EXACT;
	say_instead(a, "is not changed by the log here, but the backup has no "
		       "log of its own that says when it ended");
	return DARN_PROBABLE;
}

/*
 * What the log says of the page since the source was taken.  False: it cannot
 * tell, and @why_not says so.
 */
static bool by_log(const struct asked *a, enum darn_verdict *verdict,
		   char *why_not, size_t why_size)
{
	bool whole = a->unit->whole_file;
	uint64_t last = 0, lsn = 0;

	if (a->candidate->buf && a->candidate->len >= DARN_PG_PAGE)
		lsn = darn_pg_head(a->candidate->buf).lsn;
	if (is_unlogged(a)) {
		(void)snprintf(why_not, why_size, "it is unlogged");
		return false;
	}
	switch (darn_pg_since(a->pg, a->src, &a->rel, a->block, whole, &last,
			      why_not, why_size)) {
	case DARN_PG_SINCE_CHANGED:
		return by_last_change(a, last, lsn, verdict, why_not, why_size);
	case DARN_PG_SINCE_UNTOUCHED:
		break;
	default:
		return false;
	}
	if (lsn > a->src->redo_lsn) {
		(void)snprintf(why_not, why_size,
			       "it has a change of %s that is not in the log "
			       "here",
			       darn_pg_lsn_text(lsn).s);
		return false;
	}
	darn_evidence_add(a->why,
			  "the log from %s, where %s was taken, to its end %s "
			  "changes %s nowhere",
			  darn_pg_lsn_text(a->src->redo_lsn).s,
			  a->candidate->source,
			  darn_pg_lsn_text(a->pg->log.end_lsn).s,
			  whole ? "this relation" : "this block");
	*verdict = whole ? by_manifest(a) : DARN_EXACT;
	return true;
}

/*
 * Zeros pass every check, and are what a lost write or a hole of a bad copy
 * leaves.  The maps are none the worse for them.
 */
static bool is_blank(const struct asked *a)
{
	if (a->unit->whole_file || !a->candidate->buf ||
	    a->rel.fork == DARN_PG_FSM || a->rel.fork == DARN_PG_VM ||
	    !darn_all_zero(a->candidate->buf, a->candidate->len))
		return false;
	darn_evidence_add(a->why,
			  "%s has a page of zeros there, which may be damage "
			  "of its own",
			  a->candidate->source);
	return true;
}

/*
 * A file that was cut at a page passes every check.  The source is of the same
 * moment: what its own catalogue says of the file is what it was here.
 */
static enum darn_verdict by_moment(const struct asked *a)
{
	bool known;

	if (!a->unit->whole_file)
		return DARN_EXACT;
	if (!darn_pg_source_holds(a->pg, a->src, a->unit->path, &known)) {
		say_instead(a, "is itself too short, or lacks a part");
		return DARN_UNKNOWN;
	}
	if (known)
		return DARN_EXACT;
	say_instead(a, "is of the same moment, but whether it is whole cannot "
		       "be checked there");
	return DARN_PROBABLE;
}

static enum darn_verdict judge_page(struct asked *a)
{
	enum darn_verdict verdict;
	char why_not[160] = "";
	char first[512];
	const char *dot = strrchr(a->unit->path, '.');
	int n = dot && a->rel.segment ? (int)(dot - a->unit->path)
				      : (int)strlen(a->unit->path);

	(void)snprintf(first, sizeof(first), "%.*s", n, a->unit->path);
	if (a->rel.fork == DARN_PG_MAIN && !a->unit->whole_file)
		a->am = darn_pg_am_of_file(a->pg, a->pg->tree, first);
	if (heals(a))
		return DARN_HEALS;
	if (!a->candidate) {
		if (rebuildable(a))
			return DARN_REBUILDABLE;
		darn_evidence_add(a->why, "no source has this page");
		return DARN_UNKNOWN;
	}
	if (is_blank(a))
		return DARN_UNKNOWN;
	if (a->src && same_moment(a))
		return by_moment(a);
	if (a->src && by_log(a, &verdict, why_not, sizeof(why_not)))
		return verdict;
	/* Maps and hash indexes change without a new LSN. */
	if (a->rel.fork == DARN_PG_FSM || a->rel.fork == DARN_PG_VM ||
	    a->am == DARN_PG_AM_HASH)
		return rebuildable(a) ? DARN_REBUILDABLE : DARN_UNKNOWN;
	if (a->unit->whole_file)
		return other_moment(a, "a whole relation");
	return by_header(a, why_not);
}

/* ---- other files ---- */

/*
 * What the log holds at one place of one timeline is written once.  A clone
 * that was started on the same timeline may hold something else there, and
 * what the two have in common is not looked at here.
 */
static enum darn_verdict judge_log(const struct asked *a)
{
	if (!a->src || !a->src->control.valid || !a->pg->control.valid ||
	    a->src->log.tli != a->pg->log.tli)
		return other_moment(a, "the log");
	darn_evidence_add(a->why,
			  "the same place of the log on the same timeline, in "
			  "%s; a clone may differ there",
			  a->candidate->source);
	return DARN_PROBABLE;
}

static enum darn_verdict judge_other(const struct asked *a)
{
	const struct darn_format *f = a->unit->format;

	if (!a->candidate) {
		darn_evidence_add(a->why, "no source has this file");
		return DARN_UNKNOWN;
	}
	if (f == &darn_pg_format_version) {
		darn_evidence_add(a->why,
				  "PG_VERSION is the same in every cluster of "
				  "version %d",
				  DARN_PG_MAJOR);
		return DARN_EXACT;
	}
	if (a->src && same_moment(a))
		return DARN_EXACT;
	if (f == &darn_pg_format_wal)
		return judge_log(a);
	if (f == &darn_pg_format_control)
		return other_moment(a, "the control file of another moment "
				       "makes the server start from there");
	if (f == &darn_pg_format_relmap)
		return other_moment(a, "the relation map of another moment may "
				       "name other files");
	return other_moment(a, "a file that the log does not cover");
}

enum darn_verdict darn_pg_judge(const void *ctx, const struct darn_unit *unit,
				const struct darn_candidate *candidate,
				struct darn_evidence *why)
{
	struct asked a = {
		.pg = ctx, .unit = unit, .candidate = candidate, .why = why};

	a.src = candidate ? candidate->source_ctx : NULL;
	if (a.src && (foreign(&a) || parted(&a)))
		return DARN_UNKNOWN;
	if (!darn_pg_rel_parse(unit->path, &a.rel))
		return judge_other(&a);
	a.block = a.rel.segment * a.pg->segment_blocks +
		  (uint32_t)(unit->off / DARN_PG_PAGE);
	return judge_page(&a);
}
