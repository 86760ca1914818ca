/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - one file, from the walk to its line in the report.
 *
 * Whoever works on a file holds a reference: the task that opens it, its range
 * of chunks, each chunk at a reader.  The last one to let go finishes it.
 *
 * With a witness the walk itself opens files, because begin() is called in
 * path order; without one the workers do, so that a thousand small files are
 * opened by all of them.
 */
#include "lib/scan/engine.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/mem.h"

void darn_file_ref(struct darn_scan_file *f)
{
	atomic_fetch_add(&f->refs, 1);
}

enum darn_rc darn_file_reason(struct darn_scan_file *f, uint64_t rank,
			      const char *reason, struct darn_error *err)
{
	char *copy = darn_strdup(reason, err), *old = copy;

	if (!copy)
		return DARN_ENOMEM;
	pthread_mutex_lock(&f->d->e->lock);
	if (!f->reason || rank < f->reason_rank) {
		old = f->reason;
		f->reason = copy;
		f->reason_rank = rank;
	}
	pthread_mutex_unlock(&f->d->e->lock);
	free(old);
	return DARN_OK;
}

enum darn_rc darn_file_short(struct darn_scan_file *f, struct darn_error *err)
{
	struct darn_stat now;
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	atomic_store(&f->incomplete, true);
	if (atomic_exchange(&f->shrunk, true))
		return DARN_OK;
	rc = darn_file_reason(f, 0, "shrank while it was read", err);
	if (rc)
		return rc;
	rc = darn_io_stat(f->f.io, &now, &why);
	if (rc == DARN_OK && now.size >= f->f.st.size)
		return darn_file_error(f, "ended early while it was read", err);
	/* A live store may cut its files as it likes. */
	if (f->d->liveness == DARN_LIVE)
		return DARN_OK;
	return darn_file_error(f, "shrank while it was read", err);
}

static void file_free(struct darn_scan_file *f)
{
	darn_io_close(f->f.io);
	darn_spans_release(&f->open_bad);
	darn_spans_release(&f->open_good);
	free(f->reason);
	free(f->path);
	free(f->shown);
	free(f->wpath);
	free(f);
}

/* The witness's last word. */
static enum darn_rc end_witness(struct darn_scan_file *f,
				struct darn_error *err)
{
	struct darn_engine *e = f->d->e;
	const struct darn_witness_ops *ops = e->witness->ops;
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_stat now;
	struct darn_sink sink;
	bool complete = !atomic_load(&f->incomplete) &&
			atomic_load(&f->seen) == f->f.st.size;
	bool cut = darn_engine_canceled(e) || darn_pool_canceled(e->pool);
	enum darn_rc rc;

	f->witnessed = false;
	if (darn_io_stat(f->f.io, &now, &why)) {
		now = f->f.st;
		complete = false;
	}
	darn_sink_init(&sink);
	rc = ops->end(e->witness, f->handle, &now, complete, cut ? NULL : &sink,
		      err);
	if (rc == DARN_OK)
		rc = darn_commit(&(struct darn_scope){f->d, f, true}, &sink,
				 err);
	if (rc == DARN_OK && darn_sink_first_reason(&sink))
		rc = darn_file_reason(f, UINT64_MAX - 1,
				      darn_sink_first_reason(&sink), err);
	darn_sink_release(&sink);
	return rc;
}

static enum darn_rc add_record(struct darn_scan_file *f, struct darn_error *err)
{
	struct darn_progress *progress = f->d->e->opts->progress;
	uint64_t total = f->f.st.size;
	uint64_t seen = DARN_MIN(atomic_load(&f->seen), total);
	uint64_t damaged = DARN_MIN(atomic_load(&f->damaged), seen);
	uint64_t verified = DARN_MIN(atomic_load(&f->verified), seen - damaged);

	if (progress) {
		atomic_fetch_add(&progress->files_done, 1);
		if (!f->read)
			atomic_fetch_add(&progress->bytes_done, total);
	}
	if (f->again)
		return DARN_OK;
	return darn_report_add(
		f->d->e->report,
		(struct darn_record){
			.kind = DARN_REC_FILE,
			.path = f->shown,
			.root = f->d->root->typed,
			.store = f->store ? f->store->name : "",
			.format = f->format ? f->format->name : "",
			.unit = UINT64_MAX,
			.reason = verified + damaged < total ? f->reason : "",
			.bytes = {.total = total,
				  .verified = verified,
				  .damaged = damaged,
				  .skipped = total - seen,
				  .unverified = seen - damaged - verified},
		},
		err);
}

void darn_file_unref(struct darn_scan_file *f)
{
	struct darn_engine *e = f->d->e;
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_rc rc = DARN_OK;

	if (atomic_fetch_sub(&f->refs, 1) > 1)
		return;
	if (f->ctx_open && f->format->close)
		f->format->close(f->ctx);
	if (f->witnessed)
		rc = end_witness(f, &err);
	if (rc == DARN_OK)
		rc = add_record(f, &err);
	if (rc)
		darn_engine_fail(e, rc, &err);
	file_free(f);
}

/* Its bytes are not read; they count as skipped where @skip says so. */
static enum darn_rc leave_unread(struct darn_scan_file *f, bool skip,
				 const char *reason, struct darn_error *err)
{
	if (!skip)
		atomic_store(&f->seen, f->f.st.size);
	return reason ? darn_file_reason(f, 0, reason, err) : DARN_OK;
}

static enum darn_rc open_io(struct darn_scan_file *f, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = darn_tree_open(f->d->tree, f->path, &f->f.io, &why);

	if (rc == DARN_OK)
		rc = darn_io_stat(f->f.io, &f->f.st, &why);
	if (rc == DARN_OK)
		return DARN_OK;
	/* A live store deletes files; the walk saw one that is gone. */
	if (rc == DARN_ENOENT && f->d->liveness == DARN_LIVE) {
		f->again = true;
		return DARN_ENOENT;
	}
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	rc = darn_file_error(f,
			     rc == DARN_ENOENT
				     ? "vanished before it could be read"
				     : why.msg,
			     err);
	if (rc == DARN_OK)
		rc = leave_unread(f, true, "could not be opened", err);
	return rc ? rc : DARN_ENOENT;
}

static enum darn_rc begin_witness(struct darn_scan_file *f,
				  struct darn_error *err)
{
	struct darn_witness *w = f->d->e->witness;
	struct darn_file as_known = f->f;
	enum darn_rc rc;

	as_known.path = f->wpath;
	rc = w->ops->begin(w, &as_known, f->format ? f->format->unit : 0,
			   &f->handle, err);
	if (rc)
		return rc;
	f->witnessed = true;
	atomic_store(&f->d->e->applied, true);
	return DARN_OK;
}

/* What open() said about bytes holds for every chunk. */
static enum darn_rc keep_marks(struct darn_scan_file *f, struct darn_sink *s,
			       struct darn_error *err)
{
	enum darn_rc rc = darn_check_damage(s, &f->open_bad, err);

	darn_spans_normalise(&s->verified);
	if (rc == DARN_OK)
		rc = darn_spans_add_within(&f->open_good, &s->verified, 0,
					   f->f.st.size, err);
	darn_spans_truncate(&f->open_bad, f->f.st.size);
	return rc;
}

static enum darn_rc open_format(struct darn_scan_file *f,
				struct darn_sink *sink, struct darn_error *err)
{
	const struct darn_format *format = f->format;
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = DARN_OK;

	atomic_store(&f->d->e->applied, true);
	darn_sink_clear(sink);
	if (format->open)
		rc = format->open(&f->f, f->store_ctx, sink, &f->ctx, &why);
	if (rc) {
		f->format = NULL;
		f->refused = true;
		/* Where it is the medium's fault the bad places are damage. */
		f->salvage = rc == DARN_EIO;
		return darn_file_excuse(f, rc, &why, err);
	}
	f->ctx_open = true;
	rc = darn_commit(&(struct darn_scope){f->d, f, false}, sink, err);
	if (rc == DARN_OK)
		rc = keep_marks(f, sink, err);
	if (rc == DARN_OK && darn_sink_first_reason(sink))
		rc = darn_file_reason(f, 0, darn_sink_first_reason(sink), err);
	return rc;
}

/* Is there a way to check it?  Formats without one are for a name only. */
static enum darn_rc fit_format(struct darn_scan_file *f, struct darn_error *err)
{
	const struct darn_format *format = f->format;

	assert(!format->check || format->unit == 0 ||
	       DARN_CHUNK % format->unit == 0);
	if (!format->check && !format->begin)
		f->format = NULL;
	else if (format->check && format->unit == 0 &&
		 f->f.st.size > DARN_CHUNK) {
		f->format = NULL;
		return darn_file_reason(
			f, 0, "far larger than files of this kind", err);
	}
	return DARN_OK;
}

static void range_done(void *file)
{
	darn_file_unref(file);
}

static enum darn_rc queue_chunks(struct darn_scan_file *f,
				 struct darn_error *err)
{
	struct darn_range range = {.run = darn_feed_chunk,
				   .done = range_done,
				   .arg = f,
				   .n = f->chunks,
				   .inorder = f->d->e->inorder};
	enum darn_rc rc;

	darn_file_ref(f);
	rc = darn_pool_submit_range(f->d->e->pool, range, err);
	if (rc)
		darn_file_unref(f);
	return rc;
}

static enum darn_rc open_and_read(struct darn_scan_file *f, unsigned worker,
				  struct darn_error *err)
{
	struct darn_engine *e = f->d->e;
	enum darn_rc rc = f->f.io ? DARN_OK : open_io(f, err);

	if (rc)
		return rc == DARN_ENOENT ? DARN_OK : rc;
	if (f->stray)
		rc = darn_file_probe(f, err);
	if (rc == DARN_OK && f->format)
		rc = fit_format(f, err);
	if (rc == DARN_OK && f->format)
		rc = open_format(f, &e->slots[worker].found, err);
	if (rc)
		return rc;
	if (!f->format && !f->witnessed && !f->salvage)
		return leave_unread(f, f->refused, NULL, err);
	f->read = true;
	f->chunks =
		f->f.st.size / DARN_CHUNK + (f->f.st.size % DARN_CHUNK ? 1 : 0);
	if (f->format && f->format->begin)
		return darn_stream_run(f, worker, err);
	/* A format whose files are one unit has an opinion on empty ones. */
	if (f->chunks == 0 && f->format && f->format->unit == 0)
		f->chunks = 1;
	return queue_chunks(f, err);
}

static enum darn_rc task_run(void *file, unsigned worker,
			     struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (!darn_engine_canceled(((struct darn_scan_file *)file)->d->e))
		rc = open_and_read(file, worker, err);
	darn_file_unref(file);
	return rc;
}

static void task_drop(void *file)
{
	darn_file_unref(file);
}

/* Is the inode counted under another name already? */
static enum darn_rc look_for_links(struct darn_scan_file *f,
				   struct darn_error *err)
{
	if (f->f.st.nlink < 2)
		return DARN_OK;
	return darn_links_seen(f->d->e->links, f->f.st.dev, f->f.st.ino,
			       &f->again, err);
}

/* Which format the file gets by its name and the store's knowledge. */
static enum darn_rc classify(struct darn_scan_file *f, struct darn_error *err)
{
	struct darn_domain *d = f->d;
	struct darn_class class = {0};

	if (d->e->forced) {
		f->format = d->e->forced;
		f->store = d->e->forced_store;
		if (f->store == d->store)
			f->store_ctx = d->ctx;
		return DARN_OK;
	}
	if (!d->store) {
		f->stray = true;
		return DARN_OK;
	}
	f->store = d->store;
	f->store_ctx = d->ctx;
	if (d->broken)
		return darn_file_reason(f, 0, "its store could not be opened",
					err);
	class = d->store->classify(d->ctx, f->path, &f->f.st);
	f->format = class.format;
	if (class.reason)
		return darn_file_reason(f, 0, class.reason, err);
	return DARN_OK;
}

static enum darn_rc file_create(struct darn_domain *d, const char *path,
				const struct darn_stat *st,
				struct darn_scan_file **out,
				struct darn_error *err)
{
	struct darn_scan_file *f = darn_calloc(1, sizeof(*f), err);
	enum darn_rc rc = DARN_ENOMEM;

	if (!f)
		return DARN_ENOMEM;
	f->d = d;
	f->path = darn_strdup(path, err);
	f->shown = darn_domain_shown(d, path, err);
	f->wpath = darn_domain_wpath(d, path, err);
	f->f = (struct darn_file){.path = f->path, .tree = d->tree, .st = *st};
	atomic_store(&f->refs, 1);
	if (f->path && f->shown && f->wpath)
		rc = look_for_links(f, err);
	if (rc == DARN_OK && !f->again)
		rc = classify(f, err);
	if (rc) {
		file_free(f);
		return rc;
	}
	*out = f;
	return DARN_OK;
}

enum darn_rc darn_file_start(struct darn_domain *d, const char *path,
			     const struct darn_stat *st, struct darn_error *err)
{
	struct darn_engine *e = d->e;
	struct darn_scan_file *f;
	enum darn_rc rc = file_create(d, path, st, &f, err);

	if (rc)
		return rc;
	if (e->opts->progress) {
		atomic_fetch_add(&e->opts->progress->files_seen, 1);
		atomic_fetch_add(&e->opts->progress->bytes_seen, st->size);
	}
	if (!f->format && !f->stray && !e->witness) {
		rc = leave_unread(f, d->broken, NULL, err);
		darn_file_unref(f);
		return rc;
	}
	if (e->witness) {
		rc = open_io(f, err);
		if (rc == DARN_OK)
			rc = begin_witness(f, err);
		if (rc) {
			darn_file_unref(f);
			return rc == DARN_ENOENT ? DARN_OK : rc;
		}
	}
	darn_pool_throttle(e->pool, e->open_files);
	rc = darn_pool_submit(e->pool,
			      (struct darn_task){task_run, task_drop, f}, err);
	if (rc)
		darn_file_unref(f);
	return rc;
}
