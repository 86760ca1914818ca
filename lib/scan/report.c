/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - records in order, and what follows from their order.
 *
 * Two things are known only when the records of a file stand next to each
 * other: which bytes are damaged (findings of other files' rules and of
 * neighbouring chunks may overlap), and where the first --max-errors findings
 * end.  So both are settled while reading, the same way each time: findings
 * come before the FILE record of their path, sorted by offset.
 *
 * Damage that the chunks had not counted is taken from the weakest claim:
 * first from what nobody verified, then from what somebody did.
 */
#include "lib/scan/report_add.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct darn_report {
	struct darn_spool *spool;
	uint64_t max_errors;
	struct darn_summary sum;
};

/* What a pass over the records remembers. */
struct pass {
	uint64_t max_errors;
	uint64_t kept; /* findings but info */
	bool full;     /* no more are kept */
	char *path;    /* of the records now; owned */
	bool after;    /* it comes after the last finding that is kept */
	uint64_t damaged, end, missing;
	struct darn_summary *sum; /* or NULL */
};

enum darn_rc darn_report_create(const char *spill_dir, size_t budget,
				uint64_t max_errors, struct darn_report **out,
				struct darn_error *err)
{
	struct darn_report *r = darn_calloc(1, sizeof(*r), err);
	enum darn_rc rc;

	if (!r)
		return DARN_ENOMEM;
	r->max_errors = max_errors;
	rc = darn_spool_create(darn_record_compare, spill_dir, budget,
			       &r->spool, err);
	if (rc) {
		free(r);
		return rc;
	}
	*out = r;
	return DARN_OK;
}

void darn_report_destroy(struct darn_report *r)
{
	if (!r)
		return;
	darn_spool_destroy(r->spool);
	free(r);
}

size_t darn_report_runs(const struct darn_report *r)
{
	return darn_spool_runs(r->spool);
}

enum darn_rc darn_report_add(struct darn_report *r, struct darn_record rec,
			     struct darn_error *err)
{
	void *buf;
	size_t len;
	enum darn_rc rc = darn_record_pack(&rec, &buf, &len, err);

	if (rc)
		return rc;
	rc = darn_spool_add(r->spool, buf, len, err);
	free(buf);
	return rc;
}

static unsigned bits_of(enum darn_severity s)
{
	switch (s) {
	case DARN_SUSPICIOUS:
		return DARN_EXIT_SUSPICIOUS;
	case DARN_DAMAGED:
	case DARN_UNREADABLE:
		return DARN_EXIT_DAMAGED;
	case DARN_INFO:
	case DARN_TORN:
		break;
	}
	return 0;
}

static void count_finding(struct darn_summary *sum, enum darn_severity s)
{
	uint64_t *const counters[] = {
		[DARN_INFO] = &sum->info,
		[DARN_SUSPICIOUS] = &sum->suspicious,
		[DARN_TORN] = &sum->torn,
		[DARN_DAMAGED] = &sum->damaged,
		[DARN_UNREADABLE] = &sum->unreadable,
	};

	(*counters[s])++;
	if (s != DARN_INFO)
		sum->findings++;
}

/* Adds the range of a finding to the union, which grows from left to right. */
static void add_damage(struct pass *p, const struct darn_record *r)
{
	uint64_t len = r->len - DARN_MIN(r->missing, r->len);
	uint64_t end = len > UINT64_MAX - r->off ? UINT64_MAX : r->off + len;
	uint64_t from = DARN_MAX(r->off, p->end);

	if (end <= from)
		return;
	p->damaged += end - from;
	p->end = end;
}

/* False: beyond the findings that are kept. */
static bool take_finding(struct pass *p, const struct darn_record *r)
{
	/* A budget never clears a bit. */
	if (p->sum)
		p->sum->exit |= bits_of(r->severity);
	if (p->full)
		return false;
	if (r->severity != DARN_INFO && p->max_errors > 0 &&
	    ++p->kept == p->max_errors)
		p->full = true;
	p->missing += r->missing;
	if (r->severity >= DARN_DAMAGED)
		add_damage(p, r);
	if (p->sum) {
		count_finding(p->sum, r->severity);
		p->sum->bytes.missing += r->missing;
	}
	return true;
}

static uint64_t take(uint64_t *from, uint64_t n)
{
	n = DARN_MIN(n, *from);
	*from -= n;
	return n;
}

static void settle_file(const struct pass *p, struct darn_coverage *c)
{
	uint64_t want = DARN_MIN(p->damaged, c->total);

	c->missing = p->missing;
	if (p->after) {
		*c = (struct darn_coverage){.total = c->total,
					    .skipped = c->total,
					    .missing = c->missing};
		return;
	}
	if (want < c->damaged) /* the rest of it was not kept */
		c->skipped += take(&c->damaged, c->damaged - want);
	while (c->damaged < want) {
		uint64_t more = want - c->damaged;
		uint64_t got = take(&c->unverified, more);

		if (got == 0)
			got = take(&c->verified, more);
		if (got == 0)
			got = take(&c->skipped, more);
		if (got == 0)
			break;
		c->damaged += got;
	}
}

static void count_file(struct darn_summary *sum, const struct darn_coverage *c)
{
	sum->files++;
	sum->bytes.total += c->total;
	sum->bytes.verified += c->verified;
	sum->bytes.damaged += c->damaged;
	sum->bytes.unverified += c->unverified;
	sum->bytes.skipped += c->skipped;
}

/* False: the record is not shown. */
static bool take_record(struct pass *p, struct darn_record *r)
{
	switch (r->kind) {
	case DARN_REC_STORE:
		if (p->sum)
			p->sum->stores++;
		return true;
	case DARN_REC_ERROR:
		if (p->sum) {
			p->sum->errors++;
			p->sum->exit |= DARN_EXIT_INCOMPLETE;
		}
		return true;
	case DARN_REC_FINDING:
		return take_finding(p, r);
	case DARN_REC_FILE:
		settle_file(p, &r->bytes);
		if (p->sum)
			count_file(p->sum, &r->bytes);
		return true;
	}
	return true;
}

static enum darn_rc enter_path(struct pass *p, const char *path,
			       struct darn_error *err)
{
	if (p->path && strcmp(p->path, path) == 0)
		return DARN_OK;
	free(p->path);
	p->path = darn_strdup(path, err);
	if (!p->path)
		return DARN_ENOMEM;
	p->after = p->full;
	p->damaged = 0;
	p->end = 0;
	p->missing = 0;
	return DARN_OK;
}

static enum darn_rc run_pass(struct darn_report *rep, struct darn_summary *sum,
			     darn_record_fn fn, void *payload,
			     struct darn_error *err)
{
	struct pass p = {.max_errors = rep->max_errors, .sum = sum};
	struct darn_spool_reader *reader = NULL;
	enum darn_rc rc = darn_spool_read(rep->spool, &reader, err);

	while (rc == DARN_OK) {
		struct darn_record r;
		const void *buf;
		size_t len;

		rc = darn_spool_next(reader, &buf, &len, err);
		if (rc)
			break;
		r = darn_record_unpack(buf);
		rc = enter_path(&p, r.path, err);
		if (rc == DARN_OK && take_record(&p, &r) && fn)
			rc = fn(&r, payload, err);
	}
	free(p.path);
	darn_spool_reader_close(reader);
	return rc == DARN_ENOENT ? DARN_OK : rc;
}

enum darn_rc darn_report_finish(struct darn_report *r, bool interrupted,
				double seconds, struct darn_error *err)
{
	struct darn_summary sum = {.seconds = seconds,
				   .interrupted = interrupted};
	enum darn_rc rc = run_pass(r, &sum, NULL, NULL, err);

	if (interrupted)
		sum.exit |= DARN_EXIT_INTERRUPTED;
	if (rc == DARN_OK)
		r->sum = sum;
	return rc;
}

enum darn_rc darn_report_each(struct darn_report *r, darn_record_fn fn,
			      void *payload, struct darn_error *err)
{
	return run_pass(r, NULL, fn, payload, err);
}

struct darn_summary darn_report_summary(const struct darn_report *r)
{
	return r->sum;
}
