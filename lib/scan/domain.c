/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain.c - one store from open to close, or the stray files of a root.
 *
 * What a store says as a whole (completeness, rules across files) needs all of
 * it, at rest: with a part of the store, with patterns, or in a live store
 * these rules are left out, and the evidence in the report says so.
 */
#include "lib/scan/engine.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	NOTES_BUDGET = 4 << 20
};

struct flush {
	struct darn_scope scope;
	bool failed;
};

static void flush_sink(struct darn_sink *s, void *payload)
{
	const struct flush *f = payload;
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc = darn_commit(&f->scope, s, &err);

	darn_sink_drain(s);
	if (rc)
		darn_fail(&s->err, rc, 0, "%s", err.msg);
}

static bool whole(const struct darn_domain *d)
{
	return d->part[0] == '\0';
}

static bool filtered(const struct darn_domain *d)
{
	return d->e->opts->include || d->e->opts->exclude || d->e->forced;
}

/* The store's own path as the report shows it. */
static const char *store_path(const struct darn_domain *d)
{
	return whole(d) ? d->shown : d->abs;
}

static enum darn_rc store_error(struct darn_domain *d, const char *message,
				struct darn_error *err)
{
	return darn_commit_error(d->e, d->root->typed, store_path(d), message,
				 err);
}

/* After a call of the store: its failure becomes a record of the report. */
static enum darn_rc after_call(struct darn_domain *d, struct darn_sink *sink,
			       enum darn_rc rc, const struct darn_error *why,
			       struct darn_error *err)
{
	struct darn_scope scope = {.d = d};

	if (rc == DARN_ENOMEM || rc == DARN_ECANCELED)
		return darn_fail(err, rc, 0, "%s", why->msg);
	if (rc) {
		rc = store_error(d, why->msg, err);
		if (rc)
			return rc;
	}
	return darn_commit(&scope, sink, err);
}

static enum darn_rc open_store(struct darn_domain *d, struct darn_sink *sink,
			       struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	darn_sink_clear(sink);
	rc = d->store->open(d->tree, sink, &d->ctx, &why);
	d->broken = rc != DARN_OK;
	return after_call(d, sink, rc, &why, err);
}

static enum darn_rc add_record(struct darn_domain *d, struct darn_error *err)
{
	const struct darn_store *store = d->store;
	struct darn_evidence live = {{0}}, stop = {{0}};
	enum darn_shutdown shutdown = DARN_SHUTDOWN_UNKNOWN;
	const char *version = "";

	d->liveness = DARN_LIVENESS_UNKNOWN;
	if (!d->broken) {
		d->liveness = store->liveness(d->ctx, d->tree, &live);
		shutdown = store->shutdown(d->ctx, &stop);
		version = store->version(d->ctx);
	}
	if (d->liveness == DARN_LIVE)
		darn_evidence_add(&live, "rules across files and completeness "
					 "rules were left out");
	else if (!whole(d) || filtered(d))
		darn_evidence_add(&live, "only a part of it was asked for: "
					 "rules across files were left out");
	return darn_report_add(d->e->report,
			       (struct darn_record){.kind = DARN_REC_STORE,
						    .path = store_path(d),
						    .root = store_path(d),
						    .store = store->name,
						    .unit = UINT64_MAX,
						    .version = version,
						    .title = store->title,
						    .liveness = d->liveness,
						    .shutdown = shutdown,
						    .liveness_why = live.text,
						    .shutdown_why = stop.text},
			       err);
}

static bool rules_apply(const struct darn_domain *d)
{
	return d->store && !d->broken && whole(d) && !filtered(d) &&
	       d->liveness != DARN_LIVE && !darn_engine_canceled(d->e) &&
	       !darn_pool_canceled(d->e->pool);
}

static enum darn_rc expect(struct darn_domain *d, struct darn_sink *sink,
			   struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	if (!rules_apply(d) || !d->store->expect)
		return DARN_OK;
	atomic_store(&d->e->applied, true);
	darn_sink_clear(sink);
	rc = d->store->expect(d->ctx, d->tree, sink, &why);
	return after_call(d, sink, rc, &why, err);
}

static enum darn_rc join(struct darn_domain *d, struct darn_sink *sink,
			 struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_notes *notes;
	enum darn_rc rc;

	if (!rules_apply(d) || !d->store->join)
		return DARN_OK;
	rc = darn_notes_open(d->notes, &notes, err);
	if (rc)
		return rc;
	darn_sink_clear(sink);
	rc = d->store->join(d->ctx, d->tree, notes, sink, &why);
	darn_notes_destroy(notes);
	return after_call(d, sink, rc, &why, err);
}

static enum darn_rc show_store(struct darn_domain *d, struct darn_error *err)
{
	struct darn_witness *w = d->e->witness;

	if (!w || !w->ops->store)
		return DARN_OK;
	return w->ops->store(w, store_path(d), d->store, d->liveness, err);
}

static enum darn_rc before_walk(struct darn_domain *d, struct darn_sink *sink,
				struct darn_error *err)
{
	enum darn_rc rc;

	if (!d->store)
		return DARN_OK;
	rc = darn_spool_create(darn_note_compare, d->e->opts->spill_dir,
			       NOTES_BUDGET, &d->notes, err);
	if (rc == DARN_OK)
		rc = open_store(d, sink, err);
	if (rc == DARN_OK)
		rc = add_record(d, err);
	if (rc == DARN_OK)
		rc = show_store(d, err);
	if (rc == DARN_OK)
		rc = expect(d, sink, err);
	return rc;
}

enum darn_rc darn_domain_scan(struct darn_domain *d, struct darn_error *err)
{
	struct flush flush = {.scope = {.d = d}};
	struct darn_sink sink;
	enum darn_rc rc;

	darn_sink_init(&sink);
	sink.flush = flush_sink;
	sink.payload = &flush;
	rc = before_walk(d, &sink, err);
	if (rc == DARN_OK)
		rc = darn_walk_domain(d, err);
	/* Files point to this domain: none may be left when it goes. */
	if (rc)
		darn_pool_cancel(d->e->pool);
	darn_pool_throttle(d->e->pool, 1);
	if (rc == DARN_OK)
		rc = join(d, &sink, err);
	if (d->store && !d->broken)
		d->store->close(d->ctx);
	darn_spool_destroy(d->notes);
	d->notes = NULL;
	darn_sink_release(&sink);
	return rc;
}

enum darn_rc darn_domain_nested(const struct darn_domain *outer,
				const char *path,
				const struct darn_store *store,
				struct darn_error *err)
{
	struct darn_domain d = {
		.e = outer->e, .root = outer->root, .store = store, .part = ""};
	char *abs = darn_path_join(outer->abs, path, err);
	char *shown = darn_domain_shown(outer, path, err);
	char *wpath = darn_domain_wpath(outer, path, err);
	enum darn_rc rc = DARN_ENOMEM;

	d.abs = abs;
	d.shown = shown;
	d.wpath = wpath;
	if (abs && shown && wpath)
		rc = darn_tree_open_posix(abs, outer->e->opts->direct, &d.tree,
					  err);
	if (rc == DARN_OK)
		rc = darn_domain_scan(&d, err);
	darn_tree_close(d.tree);
	free(abs);
	free(shown);
	free(wpath);
	return rc;
}
