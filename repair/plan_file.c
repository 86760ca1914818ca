/* SPDX-License-Identifier: Apache-2.0 */
/* plan_file.c - writing and saving a plan.  Reading: plan_read.c. */
#include "repair/plan_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/seal/outfile.h"
#include "lib/state/state.h"
#include "repair/digest.h"
#include "repair/plan_json.h"

const char *darn_verb_name(enum darn_verb v)
{
	static const char *const names[] = {
		[DARN_VERB_LEAVE] = "leave",
		[DARN_VERB_RESTORE_EXTENT] = "restore-extent",
		[DARN_VERB_RESTORE_FILE] = "restore-file",
		[DARN_VERB_RESTORE_DIR] = "restore-dir",
	};

	return (size_t)v < DARN_ARRAY_SIZE(names) ? names[v] : "unknown";
}

void darn_plan_destroy(struct darn_plan *p)
{
	if (!p)
		return;
	if (p->f)
		(void)fclose(p->f);
	for (size_t i = 0; p->sources && p->sources[i]; i++)
		free(p->sources[i]);
	free(p->sources);
	free(p->path);
	free(p->manifest);
	darn_report_destroy(p->report);
	free(p);
}

struct darn_plan_totals darn_plan_totals(const struct darn_plan *p)
{
	return p->totals;
}

const struct darn_repair_options *darn_plan_options(const struct darn_plan *p)
{
	return &p->o;
}

struct darn_report *darn_plan_report(struct darn_plan *p)
{
	return p->report;
}

enum darn_rc darn_plan_spool(FILE **out, struct darn_error *err)
{
	char *dir = NULL, *path;
	enum darn_rc rc = darn_state_dir("plans", &dir, err);
	FILE *f;
	int fd;

	if (rc)
		return rc;
	path = darn_path_join(dir, ".planXXXXXX", err);
	free(dir);
	fd = path ? mkostemp(path, O_CLOEXEC) : -1;
	if (fd >= 0)
		(void)unlink(path);
	f = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (!f) {
		rc = darn_fail(err, DARN_EIO, errno,
			       "cannot make a plan in '%s'", path ? path : "");
		if (fd >= 0)
			(void)close(fd);
	}
	free(path);
	*out = f;
	return rc;
}

/* Releases @o. */
static enum darn_rc put_line(struct darn_plan *p, json_t *o, bool ok,
			     bool count, struct darn_error *err)
{
	char *line = ok ? json_dumps(o, JSON_COMPACT) : NULL;
	enum darn_rc rc = DARN_OK;
	size_t len;

	json_decref(o);
	if (!line)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	len = strlen(line);
	line[len] = '\n'; /* in place of the final zero byte */
	if (count)
		p->digest = darn_digest_add(p->digest, line, len + 1);
	if (fwrite(line, 1, len + 1, p->f) != len + 1)
		rc = darn_fail(err, DARN_EIO, errno, "cannot write the plan");
	free(line);
	return rc;
}

static bool head_line(const struct darn_plan *p, json_t *o)
{
	json_t *list = json_array();
	bool ok = darn_plan_put(o, "type", "plan") &&
		  darn_plan_put(o, "format", "darn-plan") &&
		  darn_plan_put_num(o, "version", 1) &&
		  darn_plan_put(o, "darn", DARN_VERSION) &&
		  darn_plan_put(o, "path", p->path);

	for (size_t i = 0; ok && i < p->o.nsources; i++) {
		json_t *one = json_object();

		ok = darn_plan_put(one, "path", p->sources[i]) &&
		     json_array_append_new(list, one) == 0;
	}
	ok = ok && json_object_set_new(o, "sources", list) == 0;
	if (p->manifest)
		ok = ok && darn_plan_put(o, "manifest", p->manifest);
	return ok &&
	       darn_plan_put_num(o, "unchanged_since_seal",
				 p->o.unchanged_since_seal) &&
	       darn_plan_put_num(o, "accept_probable", p->o.accept_probable) &&
	       darn_plan_put_num(o, "assume_stopped", p->o.assume_stopped);
}

static char *absolute(const char *path, struct darn_error *err)
{
	char *abs = realpath(path, NULL);

	if (!abs)
		darn_fail(err, DARN_EINVAL, errno, "cannot use '%s'", path);
	return abs;
}

/* Paths are kept whole: a plan may be applied from another directory. */
static enum darn_rc keep_options(struct darn_plan *p,
				 const struct darn_repair_options *o,
				 struct darn_error *err)
{
	p->o = *o;
	p->path = absolute(o->path, err);
	p->sources = darn_calloc(o->nsources + 1, sizeof(char *), err);
	if (!p->path || !p->sources)
		return err ? err->rc : DARN_EINVAL;
	for (size_t i = 0; i < o->nsources; i++) {
		p->sources[i] = absolute(o->sources[i], err);
		if (!p->sources[i])
			return err ? err->rc : DARN_EINVAL;
	}
	if (o->manifest) {
		p->manifest = absolute(o->manifest, err);
		if (!p->manifest)
			return err ? err->rc : DARN_EINVAL;
	}
	p->o.path = p->path;
	p->o.sources = (const char *const *)p->sources;
	p->o.manifest = p->manifest;
	return DARN_OK;
}

enum darn_rc darn_plan_create(const struct darn_repair_options *o,
			      struct darn_plan **out, struct darn_error *err)
{
	struct darn_plan *p = darn_calloc(1, sizeof(*p), err);
	struct darn_error local = DARN_ERROR_INIT;
	json_t *head;
	enum darn_rc rc;

	if (!p)
		return DARN_ENOMEM;
	rc = keep_options(p, o, err ? err : &local);
	if (!rc)
		rc = darn_plan_spool(&p->f, err);
	if (!rc) {
		head = json_object();
		rc = put_line(p, head, head_line(p, head), true, err);
	}
	if (rc) {
		darn_plan_destroy(p);
		return rc;
	}
	*out = p;
	return DARN_OK;
}

enum darn_rc darn_plan_add(struct darn_plan *p, const struct darn_plan_item *i,
			   struct darn_error *err)
{
	json_t *o = json_object();
	bool ok = darn_plan_put(o, "type", "item") &&
		  darn_plan_put(o, "verb", darn_verb_name(i->verb)) &&
		  darn_plan_put(o, "verdict", darn_verdict_name(i->verdict)) &&
		  darn_plan_put(o, "root", i->root) &&
		  darn_plan_put(o, "path", i->path) &&
		  darn_plan_put(o, "shown", i->shown) &&
		  darn_plan_put(o, "store", i->store) &&
		  darn_plan_put(o, "format", i->format) &&
		  darn_plan_put(o, "id", i->id) &&
		  darn_plan_put(o, "severity", i->severity) &&
		  darn_plan_put_num(o, "offset", i->off) &&
		  darn_plan_put_num(o, "length", i->len) &&
		  darn_plan_put(o, "source", i->source) &&
		  darn_plan_put_num(o, "source_index", i->source_index) &&
		  darn_plan_put_num(o, "nth", i->nth) &&
		  darn_plan_put(o, "evidence", i->evidence) &&
		  darn_plan_put_hex(o, "pre", i->pre_digest) &&
		  darn_plan_put_hex(o, "new", i->new_digest) &&
		  darn_plan_put_num(o, "identical", i->identical);

	return put_line(p, o, ok, true, err);
}

static bool totals_line(const struct darn_plan_totals *t, json_t *o)
{
	json_t *list = json_array();
	bool ok = darn_plan_put(o, "type", "totals") &&
		  darn_plan_put_num(o, "items", t->items) &&
		  darn_plan_put_num(o, "writes", t->writes) &&
		  darn_plan_put_num(o, "bytes", t->bytes) &&
		  darn_plan_put_num(o, "most_in_a_file", t->most_in_a_file) &&
		  darn_plan_put_num(o, "confirmed", t->confirmed) &&
		  darn_plan_put_num(o, "scanned_bytes", t->scanned_bytes) &&
		  darn_plan_put_num(o, "exit_now", t->exit_now) &&
		  darn_plan_put_num(o, "exit_after", t->exit_after) &&
		  darn_plan_put_num(o, "exit_left", t->exit_left) &&
		  darn_plan_put_num(o, "undecided", t->undecided) &&
		  darn_plan_put_num(o, "scan_exit", t->scan_exit);

	for (size_t i = 0; ok && i < DARN_ARRAY_SIZE(t->by_verdict); i++)
		ok = json_array_append_new(
			     list,
			     json_integer((json_int_t)t->by_verdict[i])) == 0;
	return ok && json_object_set_new(o, "by_verdict", list) == 0;
}

enum darn_rc darn_plan_finish(struct darn_plan *p, struct darn_error *err)
{
	json_t *o = json_object();
	enum darn_rc rc = put_line(p, o, totals_line(&p->totals, o), true, err);
	bool ok;

	if (rc)
		return rc;
	o = json_object();
	ok = darn_plan_put(o, "type", "digest") &&
	     darn_plan_put_hex(o, "xxh3", p->digest);
	rc = put_line(p, o, ok, false, err);
	if (!rc && fflush(p->f) != 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot write the plan");
	return rc;
}

enum darn_rc darn_plan_save(struct darn_plan *p, const char *file,
			    struct darn_error *err)
{
	enum darn_rc rc = darn_outfile_may_replace(file, err);
	char *tmp, *buf;
	FILE *to;
	size_t n;

	if (rc)
		return rc;
	tmp = darn_asprintf(err, "%s.new", file);
	if (!tmp)
		return DARN_ENOMEM;
	to = fopen(tmp, "we");
	buf = darn_calloc(1, 1 << 16, err);
	rewind(p->f);
	while (to && buf && (n = fread(buf, 1, 1 << 16, p->f)) > 0)
		if (fwrite(buf, 1, n, to) != n)
			break;
	free(buf);
	if (!to || ferror(p->f) || ferror(to) || fflush(to) != 0 ||
	    fsync(fileno(to)) < 0)
		rc = darn_fail(err, DARN_EIO, errno,
			       "cannot save the plan as '%s'", file);
	if (to && fclose(to) != 0 && !rc)
		rc = darn_fail(err, DARN_EIO, errno,
			       "cannot save the plan as '%s'", file);
	if (!rc && rename(tmp, file) < 0)
		rc = darn_fail(err, DARN_EIO, errno,
			       "cannot save the plan as '%s'", file);
	if (rc)
		(void)unlink(tmp);
	free(tmp);
	return rc;
}
