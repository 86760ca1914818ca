/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.c - the driver of a scan.
 *
 * A scan goes through six stations:
 *
 *   roots     What was typed is resolved once: links followed, each place
 *             scanned once although it was named twice or lies within another.
 *             What is not there, or is no file and no directory, is an error
 *             in the report and not the end of the scan.
 *   domains   A root is a store, or lies in one, or is a directory of stray
 *             files in which stores may turn up (recognise.c).  Each store
 *             is a domain of its own: opened, walked, waited for, joined,
 *             closed (domain.c).
 *   walk      One thread lists the tree in path order and queues its files
 *             (walk.c, file.c).  The queue is bounded, so memory and open files
 *             are, whatever the tree.
 *   feed      Each file is a range of chunks of 1 MiB that workers share by
 *             stealing halves of it; chunks that must wait for a medium take
 *             the way through the readers and the ring (feed.c).  Formats that
 *             want their bytes in order have one worker (stream.c).
 *   check     Each chunk is checked, doubted if it is bad, shown to the
 *             witness and counted (check.c).
 *   report    Findings go to a spool that sorts them; order, error budget and
 *             damage that overlaps are settled when they are read (report.c).
 *
 * So nothing that ends in a report depends on which thread did what when: with
 * any number of workers, with none, and with any --io-depth it is the same.
 */
#include "lib/scan/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/mem.h"
#include "lib/io/device.h"

enum {
	REPORT_BUDGET = 4 << 20,
	SPARE_BUFFERS =
		4, /* read and not yet checked, beyond those in flight */
	QUEUED_FILES = 128,
};

bool darn_engine_canceled(const struct darn_engine *e)
{
	return e->opts->progress && atomic_load(&e->opts->progress->cancel);
}

void darn_engine_fail(struct darn_engine *e, enum darn_rc rc,
		      const struct darn_error *err)
{
	pthread_mutex_lock(&e->lock);
	darn_fail(&e->err, rc, 0, "%s", err->msg);
	pthread_mutex_unlock(&e->lock);
	darn_pool_cancel(e->pool);
}

/* ---- roots ---- */

static enum darn_rc root_error(struct darn_engine *e, struct darn_root *root,
			       const char *message, struct darn_error *err)
{
	root->drop = true;
	return darn_commit_error(e, root->typed, root->typed, message, err);
}

static const char *why_not(int sys_errno)
{
	switch (sys_errno) {
	case ENOENT:
		return "there is no such file or directory";
	case ENOTDIR:
		return "a part of the path is no directory";
	case EACCES:
		return "permission denied";
	case ELOOP:
		return "symbolic links lead in a circle";
	case ENAMETOOLONG:
		return "the path is too long";
	}
	return "it cannot be looked at";
}

static enum darn_rc resolve(struct darn_engine *e, struct darn_root *root,
			    struct darn_error *err)
{
	struct stat sb;

	root->abs = realpath(root->typed, NULL);
	if (!root->abs || stat(root->abs, &sb) < 0)
		return root_error(e, root, why_not(errno), err);
	if (S_ISDIR(sb.st_mode)) {
		root->base = darn_strdup("", err);
	} else if (S_ISREG(sb.st_mode) || S_ISBLK(sb.st_mode)) {
		root->base = darn_strdup(strrchr(root->abs, '/') + 1, err);
	} else {
		return root_error(e, root, "neither a file nor a directory",
				  err);
	}
	root->dev = sb.st_dev;
	return root->base ? DARN_OK : DARN_ENOMEM;
}

/* What lies in another root is scanned with that one, and a twin once. */
static void drop_inner(struct darn_root *roots, size_t n)
{
	for (size_t i = n; i-- > 0;)
		for (size_t j = 0; !roots[i].drop && j < n; j++)
			if (i != j && !roots[j].drop &&
			    darn_path_below(roots[i].abs, roots[j].abs))
				roots[i].drop = true;
}

/* ---- one root ---- */

/* What a root's domain is made of. */
struct place {
	const struct darn_store *store;
	char *abs, *part;
};

static void place_release(struct place *p)
{
	free(p->abs);
	free(p->part);
}

/* Stray: the directory itself, or the one that the file is in. */
static enum darn_rc stray_place(const struct darn_root *root, struct place *p,
				struct darn_error *err)
{
	char *slash = strrchr(root->abs, '/');
	size_t len = slash == root->abs ? 1 : (size_t)(slash - root->abs);

	p->store = NULL;
	if (root->base[0] == '\0')
		p->abs = darn_strdup(root->abs, err);
	else
		p->abs = darn_asprintf(err, "%.*s", (int)len, root->abs);
	p->part = darn_strdup(root->base, err);
	return p->abs && p->part ? DARN_OK : DARN_ENOMEM;
}

static enum darn_rc find_place(struct darn_engine *e, struct darn_root *root,
			       struct place *p, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc = DARN_ENOENT;

	/* A forced format needs no store, but may know more with one. */
	rc = darn_find_store(root->abs, e->opts->stores, &p->store, &p->abs,
			     &p->part, &why);
	if (rc == DARN_OK)
		return DARN_OK;
	if (rc == DARN_ENOENT)
		return stray_place(root, p, err);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	return root_error(e, root, why.msg, err);
}

/* The directory that was typed is an entry as well. */
static enum darn_rc show_top(struct darn_domain *d, struct darn_error *err)
{
	struct darn_witness *w = d->e->witness;
	struct darn_entry top = {.path = ""};
	struct darn_error why = DARN_ERROR_INIT;

	if (d->root->base[0] || !w->ops->entry ||
	    darn_tree_stat(d->tree, d->part, &top.st, &why) ||
	    top.st.type != DARN_FT_DIR)
		return DARN_OK;
	return w->ops->entry(w, &top, err);
}

static enum darn_rc begin_root(struct darn_domain *d, struct darn_error *err)
{
	struct darn_witness *w = d->e->witness;
	const struct darn_root *root = d->root;
	bool is_store = d->store && d->part[0] == '\0';
	char *dir;
	enum darn_rc rc;

	if (!w || !w->ops->root)
		return DARN_OK;
	dir = root->base[0] ? darn_asprintf(err, "%.*s",
					    (int)(strrchr(root->abs, '/') -
						  root->abs),
					    root->abs)
			    : darn_strdup(root->abs, err);
	if (!dir)
		return DARN_ENOMEM;
	rc = w->ops->root(w, dir[0] ? dir : "/", is_store ? d->store->name : "",
			  err);
	free(dir);
	return rc ? rc : show_top(d, err);
}

static enum darn_rc end_root(struct darn_domain *d, struct darn_error *err)
{
	struct darn_witness *w = d->e->witness;
	struct darn_sink sink;
	enum darn_rc rc;

	if (!w || !w->ops->finish || darn_engine_canceled(d->e) ||
	    darn_pool_canceled(d->e->pool))
		return DARN_OK;
	darn_sink_init(&sink);
	rc = w->ops->finish(w, &sink, err);
	if (rc == DARN_OK)
		rc = darn_commit(&(struct darn_scope){d, NULL, true}, &sink,
				 err);
	darn_sink_release(&sink);
	return rc;
}

static enum darn_rc scan_place(struct darn_engine *e, struct darn_root *root,
			       const struct place *p, struct darn_error *err)
{
	struct darn_domain d = {.e = e,
				.root = root,
				.store = p->store,
				.abs = p->abs,
				.part = p->part,
				.shown = root->typed,
				.wpath = root->base};
	struct darn_error why = DARN_ERROR_INIT;
	uint64_t before = e->found_files;
	enum darn_rc rc =
		darn_tree_open_posix(p->abs, e->opts->direct, &d.tree, &why);

	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	if (rc)
		return root_error(e, root, why.msg, err);
	rc = begin_root(&d, err);
	if (rc == DARN_OK)
		rc = darn_domain_scan(&d, err);
	if (rc == DARN_OK)
		rc = end_root(&d, err);
	darn_tree_close(d.tree);
	if (rc == DARN_OK && e->found_files == before &&
	    !darn_engine_canceled(e))
		rc = root_error(e, root, "nothing was checked: no file here",
				err);
	return rc;
}

static enum darn_rc scan_root(struct darn_engine *e, struct darn_root *root,
			      struct darn_error *err)
{
	struct place p = {0};
	enum darn_rc rc = find_place(e, root, &p, err);

	if (rc == DARN_OK && !root->drop)
		rc = scan_place(e, root, &p, err);
	place_release(&p);
	return rc;
}

static enum darn_rc scan_roots(struct darn_engine *e, struct darn_root *roots,
			       size_t n, struct darn_error *err)
{
	for (size_t i = 0; i < n && !darn_engine_canceled(e); i++) {
		enum darn_rc rc;

		if (roots[i].drop)
			continue;
		rc = scan_root(e, &roots[i], err);
		if (rc)
			return rc;
	}
	return DARN_OK;
}

/* ---- what the whole run says ---- */

static enum darn_rc unused_patterns(struct darn_engine *e, const char *root,
				    const char *const *patterns,
				    const bool *used, struct darn_error *err)
{
	for (size_t i = 0; patterns && patterns[i]; i++) {
		char *msg;
		enum darn_rc rc;

		if (used[i])
			continue;
		msg = darn_asprintf(err, "the pattern '%s' matches nothing",
				    patterns[i]);
		if (!msg)
			return DARN_ENOMEM;
		rc = darn_commit_error(e, root, root, msg, err);
		free(msg);
		if (rc)
			return rc;
	}
	return DARN_OK;
}

static enum darn_rc last_words(struct darn_engine *e, const char *root,
			       struct darn_error *err)
{
	enum darn_rc rc;

	if (darn_engine_canceled(e))
		return DARN_OK;
	rc = unused_patterns(e, root, e->opts->include, e->include_used, err);
	if (rc == DARN_OK)
		rc = unused_patterns(e, root, e->opts->exclude, e->exclude_used,
				     err);
	if (rc == DARN_OK && !atomic_load(&e->applied) &&
	    !atomic_load(&e->erred))
		rc = darn_commit_error(e, root, root,
				       "nothing was checked: no scanner knows "
				       "any of these files",
				       err);
	return rc;
}

/* ---- the engine ---- */

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static enum darn_rc make_threads(struct darn_engine *e,
				 const struct darn_root *roots, size_t n,
				 struct darn_error *err)
{
	const struct darn_scan_options *o = e->opts;
	struct darn_device_policy policy = {.io_depth = 1};
	unsigned readers = 0, njobs;
	enum darn_rc rc;

	for (size_t i = n; i-- > 0;)
		if (!roots[i].drop)
			policy = darn_device_policy(roots[i].dev);
	e->inorder = policy.inorder;
	if (o->jobs > 0)
		readers = o->io_depth ? o->io_depth : policy.io_depth;
	njobs = readers ? readers + SPARE_BUFFERS : 0;
	e->open_files = QUEUED_FILES + 2 * (uint64_t)njobs;
	rc = darn_pool_create(o->jobs, readers, &e->pool, err);
	if (rc == DARN_OK)
		rc = darn_feed_init(&e->feed, njobs, err);
	if (rc)
		return rc;
	e->nslots = darn_pool_slots(e->pool);
	e->slots = darn_calloc(e->nslots, sizeof(*e->slots), err);
	if (!e->slots)
		return DARN_ENOMEM;
	for (unsigned i = 0; i < e->nslots; i++) {
		darn_sink_init(&e->slots[i].found);
		darn_sink_init(&e->slots[i].again);
		darn_sink_init(&e->slots[i].seen);
	}
	return DARN_OK;
}

static enum darn_rc engine_init(struct darn_engine *e, struct darn_error *err)
{
	const struct darn_scan_options *o = e->opts;
	enum darn_rc rc = DARN_OK;

	pthread_mutex_init(&e->lock, NULL);
	e->witness = o->witness;
	if (o->format)
		rc = darn_find_format(o->stores, o->format, &e->forced_store,
				      &e->forced, err);
	if (rc == DARN_OK)
		rc = darn_report_create(o->spill_dir, REPORT_BUDGET,
					o->max_errors, &e->report, err);
	if (rc)
		return rc;
	e->links = darn_links_create(err);
	e->include_used = darn_calloc(count(o->include), sizeof(bool), err);
	e->exclude_used = darn_calloc(count(o->exclude), sizeof(bool), err);
	if (!e->links || !e->include_used || !e->exclude_used)
		return DARN_ENOMEM;
	return DARN_OK;
}

static void slot_release(struct darn_slot *slot)
{
	free(slot->buf);
	free(slot->second);
	darn_sink_release(&slot->found);
	darn_sink_release(&slot->again);
	darn_sink_release(&slot->seen);
	darn_spans_release(&slot->bad);
	darn_spans_release(&slot->good);
}

/* Everything but the report; the threads first. */
static void engine_release(struct darn_engine *e)
{
	darn_pool_destroy(e->pool);
	darn_feed_release(&e->feed);
	if (e->slots)
		for (unsigned i = 0; i < e->nslots; i++)
			slot_release(&e->slots[i]);
	free(e->slots);
	darn_links_destroy(e->links);
	free(e->include_used);
	free(e->exclude_used);
	pthread_mutex_destroy(&e->lock);
}

static enum darn_rc run(struct darn_engine *e, struct darn_root *roots,
			size_t n, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK, waited;

	for (size_t i = 0; rc == DARN_OK && i < n; i++)
		rc = resolve(e, &roots[i], err);
	if (rc)
		return rc;
	drop_inner(roots, n);
	rc = make_threads(e, roots, n, err);
	if (rc)
		return rc;
	rc = scan_roots(e, roots, n, err);
	waited = darn_pool_wait(e->pool, rc ? NULL : err);
	if (e->err.rc) {
		/* What a callback met comes before "canceled". */
		darn_error_clear(err);
		return darn_fail(err, e->err.rc, 0, "%s", e->err.msg);
	}
	if (rc == DARN_OK)
		rc = waited;
	if (rc == DARN_OK)
		rc = last_words(e, roots[0].typed, err);
	return rc;
}

static double seconds_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void copy_stats(const struct darn_engine *e)
{
	for (unsigned i = 0; e->opts->stats && i < e->opts->nstats; i++)
		e->opts->stats[i] = i < e->nslots ? darn_pool_stats(e->pool, i)
						  : (struct darn_pool_stats){0};
}

static enum darn_rc scan(struct darn_engine *e, struct darn_root *roots,
			 size_t n, struct darn_error *err)
{
	double start = seconds_now();
	enum darn_rc rc;

	if (n == 0)
		return darn_fail(err, DARN_EINVAL, 0,
				 "there is nothing to scan");
	rc = engine_init(e, err);
	if (rc == DARN_OK)
		rc = run(e, roots, n, err);
	if (rc == DARN_OK)
		copy_stats(e);
	if (rc == DARN_OK)
		rc = darn_report_finish(e->report, darn_engine_canceled(e),
					seconds_now() - start, err);
	return rc;
}

enum darn_rc darn_scan(const char *const *roots, size_t nroots,
		       const struct darn_scan_options *opts,
		       struct darn_report **out, struct darn_error *err)
{
	struct darn_error own = DARN_ERROR_INIT;
	struct darn_engine e = {.opts = opts};
	struct darn_root *r = darn_calloc(nroots, sizeof(*r), err);
	enum darn_rc rc;

	if (!r)
		return DARN_ENOMEM;
	for (size_t i = 0; i < nroots; i++)
		r[i].typed = roots[i];
	rc = scan(&e, r, nroots, &own);
	engine_release(&e);
	for (size_t i = 0; i < nroots; i++) {
		free(r[i].abs);
		free(r[i].base);
	}
	free(r);
	if (rc) {
		darn_report_destroy(e.report);
		return darn_fail(err, rc, 0, "%s", own.msg);
	}
	*out = e.report;
	return DARN_OK;
}
