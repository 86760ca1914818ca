/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_log.c - where the log ends, and whether it gets there unbroken.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/wal_walk.h"

enum {
	/* struct CheckPoint, in the control file and as a record's main data */
	CHECKPOINT_AT = 40,
	CHECKPOINT_LEN = 88,
};

DARN_PRINTF(2, 3)
static void because(struct darn_pg_log *log, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(log->why, sizeof(log->why), fmt, ap);
	va_end(ap);
}

/* What the first record of a walk is. */
struct first {
	bool seen, shutdown;
	uint64_t lsn;
	uint32_t main_len;
	uint8_t checkpoint[CHECKPOINT_LEN];
};

static enum darn_rc look_at_first(const struct darn_pg_record *r, void *payload,
				  struct darn_error *err)
{
	struct first *first = payload;

	(void)err;
	if (first->seen)
		return DARN_OK;
	first->seen = true;
	first->lsn = r->lsn;
	first->shutdown =
		r->rmid == DARN_PG_RM_XLOG &&
		(r->info & DARN_PG_INFO_RMGR) == DARN_PG_CHECKPOINT_SHUTDOWN;
	first->main_len = r->main_len;
	if (r->main_data && r->main_len == CHECKPOINT_LEN)
		memcpy(first->checkpoint, r->main_data, CHECKPOINT_LEN);
	return DARN_OK;
}

static void take_end(struct darn_pg_log *log, const struct darn_pg_wal_end *e)
{
	log->end_lsn = e->end_lsn;
	log->last_record_lsn = e->last_lsn;
}

/* After a clean stop: one record, the shutdown checkpoint, and no more. */
static enum darn_rc find_clean(struct darn_pg_wal_files *f,
			       const struct darn_pg_control *c,
			       struct darn_pg_log *log, struct darn_error *err)
{
	struct darn_pg_lsn_text at = darn_pg_lsn_text(c->checkpoint_lsn);
	struct first first = {.seen = false};
	struct darn_pg_wal_end e;
	enum darn_rc rc = darn_pg_wal_run(f, c->checkpoint_lsn, look_at_first,
					  &first, &e, err);

	if (rc)
		return rc;
	if (!first.seen || first.lsn != c->checkpoint_lsn || !first.shutdown) {
		because(log, "no shutdown checkpoint can be read at %s", at.s);
		return DARN_OK;
	}
	take_end(log, &e);
	log->known = true;
	log->intact = e.records == 1;
	if (log->intact)
		because(log, "the shutdown checkpoint at %s is the last record",
			at.s);
	else
		because(log,
			"the log goes on after the shutdown checkpoint at %s",
			at.s);
	return DARN_OK;
}

/* Otherwise: from the redo point to where the log breaks off for good. */
static enum darn_rc find_crashed(struct darn_pg_wal_files *f,
				 const struct darn_pg_control *c,
				 struct darn_pg_log *log,
				 struct darn_error *err)
{
	uint64_t from = c->redo_lsn ? c->redo_lsn : c->checkpoint_lsn;
	uint64_t least = DARN_MAX(c->checkpoint_lsn, c->min_recovery_lsn);
	struct darn_pg_lsn_text at = darn_pg_lsn_text(from);
	struct darn_pg_wal_end e;
	enum darn_rc rc = darn_pg_wal_run(f, from, NULL, NULL, &e, err);

	if (rc)
		return rc;
	if (darn_pg_wal_recovery_tli(c) != c->tli) {
		because(log, "recovery goes on on timeline %u",
			darn_pg_wal_recovery_tli(c));
		return DARN_OK;
	}
	if (e.records == 0 || e.first_lsn != from) {
		because(log, "no record can be read at the redo point %s",
			at.s);
		return DARN_OK;
	}
	take_end(log, &e);
	at = darn_pg_lsn_text(e.stop_lsn);
	if (e.end_lsn <= c->checkpoint_lsn || e.end_lsn < least || e.more) {
		because(log, "the log is broken at %s and goes on later", at.s);
		return DARN_OK;
	}
	log->known = true;
	log->intact = true;
	because(log, "nothing of the log follows %s", at.s);
	return DARN_OK;
}

/* Without a control file: the newest segment in which a record begins. */
static enum darn_rc find_newest(struct darn_pg_wal_files *f,
				const struct darn_pg_wal_list *l,
				struct darn_pg_log *log, struct darn_error *err)
{
	struct darn_pg_wal_end e = {.records = 0};
	bool here;

	for (size_t i = l->n; i-- > 0 && e.records == 0;) {
		uint64_t start = l->segments[i] * f->rules.segsize;
		enum darn_rc rc = darn_pg_wal_files_here(f, start, &here, err);

		if (rc == DARN_OK && here)
			rc = darn_pg_wal_run(f, start, NULL, NULL, &e, err);
		if (rc)
			return rc;
	}
	if (e.records == 0) {
		because(log, "no record can be read, nor the control file");
		return DARN_OK;
	}
	take_end(log, &e);
	log->known = !e.more;
	because(log, "the control file does not tell where recovery begins");
	return DARN_OK;
}

static enum darn_rc find_without_control(struct darn_pg_wal_files *f,
					 struct darn_tree *t,
					 struct darn_pg_log *log,
					 struct darn_error *err)
{
	struct darn_pg_wal_list l;
	uint32_t segsize = f->rules.segsize;
	enum darn_rc rc = darn_pg_wal_list_read(t, 0, segsize, &l, err);

	if (rc)
		return rc;
	log->tli = l.tli;
	rc = darn_pg_wal_files_init(f, t, "pg_wal", l.tli, segsize, err);
	if (rc == DARN_OK)
		rc = find_newest(f, &l, log, err);
	darn_pg_wal_list_release(&l);
	return rc;
}

/* False in *@ok: there is no WAL to speak of. */
static enum darn_rc init_files(struct darn_pg_wal_files *f, struct darn_tree *t,
			       const struct darn_pg_control *c, bool *ok,
			       struct darn_error *err)
{
	struct darn_error local = DARN_ERROR_INIT;
	enum darn_rc rc = darn_pg_wal_files_init(
		f, t, "pg_wal", c->valid ? c->tli : 1,
		c->valid ? c->wal_segment_size : 0, &local);

	*ok = rc == DARN_OK;
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", local.msg);
	if (c->valid)
		f->rules.sysid = c->sysid;
	return DARN_OK;
}

enum darn_rc darn_pg_log_find(struct darn_tree *t,
			      const struct darn_pg_control *c,
			      struct darn_pg_log *out, struct darn_error *err)
{
	struct darn_pg_wal_files *f = darn_calloc(1, sizeof(*f), err);
	bool ok;
	enum darn_rc rc;

	if (!f)
		return DARN_ENOMEM;
	*out = (struct darn_pg_log){.tli = c->valid ? c->tli : 0};
	rc = init_files(f, t, c, &ok, err);
	if (rc == DARN_OK && !ok)
		because(out, "there is no WAL");
	else if (rc == DARN_OK && !c->valid)
		rc = find_without_control(f, t, out, err);
	else if (rc == DARN_OK && c->state == DARN_PG_SHUTDOWNED)
		rc = find_clean(f, c, out, err);
	else if (rc == DARN_OK)
		rc = find_crashed(f, c, out, err);
	darn_pg_wal_files_release(f);
	free(f);
	return rc;
}

/* ---- the same moment ---- */

/* The first page of the segment names the cluster. */
static enum darn_rc same_cluster(struct darn_pg_wal_files *f, uint64_t lsn,
				 bool *same, struct darn_error *err)
{
	uint64_t start = lsn - lsn % f->rules.segsize;
	uint8_t head[DARN_PG_WAL_LONG];
	struct darn_pg_wal_page h;
	size_t got;
	enum darn_rc rc =
		darn_pg_wal_files_read(f, start, head, sizeof(head), &got, err);

	*same = rc == DARN_OK &&
		darn_pg_wal_page_check(&f->rules, head, got, start, &h);
	return rc;
}

static enum darn_rc last_is(struct darn_pg_wal_files *f,
			    const struct darn_pg_control *source, bool *yes,
			    struct darn_pg_log *log, struct darn_error *err)
{
	struct darn_pg_lsn_text at = darn_pg_lsn_text(source->checkpoint_lsn);
	struct first first = {.seen = false};
	struct darn_pg_wal_end e;
	bool same;
	enum darn_rc rc = same_cluster(f, source->checkpoint_lsn, &same, err);

	if (rc == DARN_OK)
		rc = darn_pg_wal_run(f, source->checkpoint_lsn, look_at_first,
				     &first, &e, err);
	if (rc)
		return rc;
	if (!same)
		because(log,
			"the WAL around %s is of another cluster, or "
			"damaged or gone",
			at.s);
	else if (!first.seen || first.lsn != source->checkpoint_lsn ||
		 !first.shutdown)
		because(log, "no shutdown checkpoint at %s", at.s);
	else if (first.main_len != CHECKPOINT_LEN ||
		 source->raw_len < CHECKPOINT_AT + CHECKPOINT_LEN ||
		 memcmp(first.checkpoint, source->raw + CHECKPOINT_AT,
			CHECKPOINT_LEN) != 0)
		because(log, "the shutdown checkpoint at %s is another one",
			at.s);
	else if (e.records > 1 || e.more)
		because(log, "the log goes on after %s", at.s);
	else {
		*yes = true;
		because(log,
			"the last record of the log is the shutdown "
			"checkpoint at %s of the source",
			at.s);
	}
	return DARN_OK;
}

enum darn_rc darn_pg_log_last_is(struct darn_tree *t,
				 const struct darn_pg_control *source,
				 bool *yes, char *why, size_t why_size,
				 struct darn_error *err)
{
	struct darn_pg_log log = {.tli = source->tli};
	struct darn_pg_wal_files *f;
	bool ok;
	enum darn_rc rc;

	*yes = false;
	if (!source->valid || source->state != DARN_PG_SHUTDOWNED) {
		(void)snprintf(why, why_size,
			       "the source was not stopped cleanly");
		return DARN_OK;
	}
	f = darn_calloc(1, sizeof(*f), err);
	if (!f)
		return DARN_ENOMEM;
	rc = init_files(f, t, source, &ok, err);
	if (rc == DARN_OK && !ok)
		because(&log, "there is no WAL");
	else if (rc == DARN_OK)
		rc = last_is(f, source, yes, &log, err);
	(void)snprintf(why, why_size, "%s", log.why);
	darn_pg_wal_files_release(f);
	free(f);
	return rc;
}
