/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - from what a sink heard to records of the report. */
#include "lib/scan/engine.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

char *darn_domain_shown(const struct darn_domain *d, const char *path,
			struct darn_error *err)
{
	const char *rest = darn_path_below(path, d->part);

	if (rest)
		return darn_path_join(d->shown, rest, err);
	return darn_path_join(d->abs, path, err);
}

char *darn_domain_wpath(const struct darn_domain *d, const char *path,
			struct darn_error *err)
{
	const char *rest = darn_path_below(path, d->part);

	return darn_path_join(d->wpath, rest ? rest : path, err);
}

/* A path that the witness used, as shown. */
static char *from_witness(const struct darn_root *root, const char *path,
			  struct darn_error *err)
{
	if (root->base[0] == '\0')
		return darn_path_join(root->typed, path, err);
	/* The witness's root is the directory of the file that was typed. */
	if (strcmp(path, root->base) == 0)
		return darn_strdup(root->typed, err);
	return darn_asprintf(err, "%.*s/%s",
			     (int)(strrchr(root->abs, '/') - root->abs),
			     root->abs, path);
}

static char *place(const struct darn_scope *scope, const char *path,
		   struct darn_error *err)
{
	if (!path)
		return darn_strdup(scope->f ? scope->f->shown : scope->d->shown,
				   err);
	if (scope->witness)
		return from_witness(scope->d->root, path, err);
	return darn_domain_shown(scope->d, path, err);
}

static uint64_t unit_number(const struct darn_scan_file *f,
			    const struct darn_found *found)
{
	if (!f || !f->format || f->format->unit == 0 || found->path ||
	    found->off >= f->f.st.size)
		return UINT64_MAX;
	return found->off / f->format->unit;
}

static const char *store_name(const struct darn_scope *scope)
{
	const struct darn_store *store =
		scope->f ? scope->f->store : scope->d->store;

	return store ? store->name : "";
}

static enum darn_rc commit_finding(const struct darn_scope *scope,
				   const struct darn_found *found,
				   struct darn_error *err)
{
	struct darn_engine *e = scope->d->e;
	const struct darn_scan_file *f = scope->f;
	struct darn_progress *progress = e->opts->progress;
	char *shown = place(scope, found->path, err);
	enum darn_rc rc;

	if (!shown)
		return DARN_ENOMEM;
	rc = darn_report_add(
		e->report,
		(struct darn_record){
			.kind = DARN_REC_FINDING,
			.path = shown,
			.root = scope->d->root->typed,
			.store = store_name(scope),
			.format = f && f->format ? f->format->name : "",
			.id = found->code->id,
			.severity = found->code->severity,
			.hint = found->code->hint,
			.off = found->off,
			.len = found->len,
			.missing = found->missing,
			.unit = unit_number(f, found),
			.detail = found->detail,
			.message = found->code->text,
		},
		err);
	free(shown);
	if (progress && found->code->severity >= DARN_SUSPICIOUS)
		atomic_fetch_add(&progress->findings, 1);
	return rc;
}

enum darn_rc darn_commit_error(struct darn_engine *e, const char *root,
			       const char *shown, const char *message,
			       struct darn_error *err)
{
	atomic_store(&e->erred, true);
	return darn_report_add(e->report,
			       (struct darn_record){.kind = DARN_REC_ERROR,
						    .path = shown,
						    .root = root,
						    .unit = UINT64_MAX,
						    .message = message},
			       err);
}

enum darn_rc darn_file_error(struct darn_scan_file *f, const char *message,
			     struct darn_error *err)
{
	return darn_commit_error(f->d->e, f->d->root->typed, f->shown, message,
				 err);
}

enum darn_rc darn_file_excuse(struct darn_scan_file *f, enum darn_rc rc,
			      struct darn_error *why, struct darn_error *err)
{
	char msg[sizeof(why->msg)];

	if (rc == DARN_ENOMEM || rc == DARN_ECANCELED)
		return darn_fail(err, rc, 0, "%s", why->msg);
	memcpy(msg, why->msg, sizeof(msg));
	darn_error_clear(why);
	rc = darn_file_reason(f, 0, "could not be checked", err);
	if (rc)
		return rc;
	return darn_file_error(f, msg[0] ? msg : "could not be checked", err);
}

enum darn_rc darn_commit(const struct darn_scope *scope,
			 const struct darn_sink *s, struct darn_error *err)
{
	enum darn_rc rc = darn_sink_status(s, err);

	for (size_t i = 0; rc == DARN_OK && i < s->nitems; i++) {
		struct darn_found found = darn_sink_found(s, i);

		rc = commit_finding(scope, &found, err);
	}
	for (size_t i = 0; rc == DARN_OK && i < s->nerrors; i++) {
		char *shown =
			place(scope, darn_sink_text(s, s->errors[i].path), err);

		if (!shown)
			return DARN_ENOMEM;
		rc = darn_commit_error(scope->d->e, scope->d->root->typed,
				       shown, darn_sink_error_text(s, i), err);
		free(shown);
	}
	if (rc == DARN_OK && s->nnotes && scope->d->notes && !scope->witness)
		rc = darn_notes_spool(s, scope->f ? scope->f->path : "",
				      scope->d->notes, err);
	return rc;
}
