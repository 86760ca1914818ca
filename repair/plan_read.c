/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_read.c - going through a plan, and loading one that was saved.
 *
 * A saved plan is read twice: the first time its digest is checked and the
 * lines are copied into an unlinked file, so that nobody can exchange it
 * between the check and the use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "repair/digest.h"
#include "repair/plan_file.h"
#include "repair/plan_json.h"

enum {
	MAX_LINE = 1 << 20
};

static enum darn_rc bad(struct darn_error *err)
{
	return darn_fail(err, DARN_ECORRUPT, 0,
			 "the plan is damaged or was edited");
}

static const char *text(json_t *o, const char *key)
{
	const char *s = darn_plan_str(o, key);

	return s ? s : "";
}

static bool number_of(const char *name, const char *(*name_of)(unsigned),
		      unsigned n, unsigned *out)
{
	for (*out = 0; *out < n; (*out)++)
		if (strcmp(name, name_of(*out)) == 0)
			return true;
	return false;
}

static const char *verb_name(unsigned v)
{
	return darn_verb_name((enum darn_verb)v);
}

static const char *verdict_name(unsigned v)
{
	return darn_verdict_name((enum darn_verdict)v);
}

/* Is this a path below a root, as the tree functions take it? */
static bool is_relative(const char *path)
{
	if (path[0] == '/' || strstr(path, "/../") ||
	    strncmp(path, "../", 3) == 0 || strcmp(path, "..") == 0)
		return false;
	return strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0;
}

static bool parse_item(json_t *o, struct darn_plan_item *i)
{
	unsigned verb, verdict;
	uint64_t identical;

	memset(i, 0, sizeof(*i));
	if (!number_of(text(o, "verb"), verb_name, DARN_VERB_RESTORE_DIR + 1,
		       &verb) ||
	    !number_of(text(o, "verdict"), verdict_name, DARN_UNKNOWN + 1,
		       &verdict))
		return false;
	i->verb = (enum darn_verb)verb;
	i->verdict = (enum darn_verdict)verdict;
	i->root = text(o, "root");
	i->path = text(o, "path");
	i->shown = text(o, "shown");
	i->store = text(o, "store");
	i->format = text(o, "format");
	i->id = text(o, "id");
	i->severity = text(o, "severity");
	i->source = text(o, "source");
	i->evidence = text(o, "evidence");
	if (!darn_plan_num(o, "identical", &identical))
		return false;
	i->identical = identical != 0;
	return i->root[0] == '/' && is_relative(i->path) &&
	       darn_plan_num(o, "offset", &i->off) &&
	       darn_plan_num(o, "length", &i->len) &&
	       darn_plan_num(o, "source_index", &i->source_index) &&
	       darn_plan_num(o, "nth", &i->nth) &&
	       darn_plan_hex(o, "pre", &i->pre_digest) &&
	       darn_plan_hex(o, "new", &i->new_digest);
}

/* Calls @fn with every line as JSON. */
static enum darn_rc each_line(FILE *f,
			      enum darn_rc (*fn)(json_t *o, void *payload,
						 struct darn_error *err),
			      void *payload, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	rewind(f);
	while (!rc && (len = getline(&line, &cap, f)) > 0) {
		json_t *o = len <= MAX_LINE
				    ? json_loadb(line, (size_t)len, 0, NULL)
				    : NULL;

		rc = o ? fn(o, payload, err) : bad(err);
		json_decref(o);
	}
	if (!rc && ferror(f))
		rc = darn_fail(err, DARN_EIO, errno, "cannot read the plan");
	free(line);
	return rc;
}

struct each {
	darn_plan_fn fn;
	void *payload;
};

static enum darn_rc on_line(json_t *o, void *payload, struct darn_error *err)
{
	const struct each *e = payload;
	struct darn_plan_item item;

	if (strcmp(text(o, "type"), "item") != 0)
		return DARN_OK;
	return parse_item(o, &item) ? e->fn(&item, e->payload, err) : bad(err);
}

enum darn_rc darn_plan_each(struct darn_plan *p, darn_plan_fn fn, void *payload,
			    struct darn_error *err)
{
	struct each e = {fn, payload};

	return each_line(p->f, on_line, &e, err);
}

/* ---- loading ---- */

static bool load_head(struct darn_plan *p, json_t *o)
{
	json_t *list = json_object_get(o, "sources"), *one;
	uint64_t version, unchanged, accept, stopped;
	const char *manifest = darn_plan_str(o, "manifest");
	size_t i, n = json_array_size(list);

	if (!darn_plan_num(o, "version", &version) || version != 1 ||
	    !darn_plan_num(o, "unchanged_since_seal", &unchanged) ||
	    !darn_plan_num(o, "accept_probable", &accept) ||
	    !darn_plan_num(o, "assume_stopped", &stopped))
		return false;
	p->path = strdup(text(o, "path"));
	p->manifest = manifest ? strdup(manifest) : NULL;
	p->sources = calloc(n + 1, sizeof(char *));
	if (!p->path || !p->sources || (manifest && !p->manifest))
		return false;
	json_array_foreach(list, i, one)
	{
		p->sources[i] = strdup(text(one, "path"));
		if (!p->sources[i])
			return false;
	}
	p->o = (struct darn_repair_options){
		.path = p->path,
		.sources = (const char *const *)p->sources,
		.nsources = n,
		.manifest = p->manifest,
		.unchanged_since_seal = unchanged != 0,
		.accept_probable = accept != 0,
		.assume_stopped = stopped != 0,
	};
	return true;
}

static bool load_totals(struct darn_plan_totals *t, const json_t *o)
{
	const json_t *list = json_object_get(o, "by_verdict");
	uint64_t now, after, left, scan;

	if (!darn_plan_num(o, "items", &t->items) ||
	    !darn_plan_num(o, "writes", &t->writes) ||
	    !darn_plan_num(o, "bytes", &t->bytes) ||
	    !darn_plan_num(o, "most_in_a_file", &t->most_in_a_file) ||
	    !darn_plan_num(o, "confirmed", &t->confirmed) ||
	    !darn_plan_num(o, "scanned_bytes", &t->scanned_bytes) ||
	    !darn_plan_num(o, "exit_now", &now) ||
	    !darn_plan_num(o, "exit_after", &after) ||
	    !darn_plan_num(o, "exit_left", &left) ||
	    !darn_plan_num(o, "undecided", &t->undecided) ||
	    !darn_plan_num(o, "scan_exit", &scan))
		return false;
	t->exit_now = (unsigned)now;
	t->exit_after = (unsigned)after;
	t->exit_left = (unsigned)left;
	t->scan_exit = (unsigned)scan;
	for (size_t i = 0; i < DARN_ARRAY_SIZE(t->by_verdict); i++)
		t->by_verdict[i] =
			(uint64_t)json_integer_value(json_array_get(list, i));
	return true;
}

struct loading {
	struct darn_plan *p;
	bool head, totals;
};

static enum darn_rc load_line(json_t *o, void *payload, struct darn_error *err)
{
	struct loading *l = payload;
	const char *type = text(o, "type");

	if (strcmp(type, "plan") == 0)
		l->head = load_head(l->p, o);
	else if (strcmp(type, "totals") == 0)
		l->totals = load_totals(&l->p->totals, o);
	return !l->head ? bad(err) : DARN_OK;
}

/* Copies the lines and compares the digest; the last line carries it. */
static enum darn_rc copy_checked(FILE *from, FILE *to, struct darn_error *err)
{
	uint64_t digest = 0, want = 0;
	bool closed = false, rotten = false;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while (!rotten && (len = getline(&line, &cap, from)) > 0) {
		json_t *o;

		if (closed || len > MAX_LINE || line[len - 1] != '\n')
			rotten = true;
		o = rotten ? NULL : json_loadb(line, (size_t)len, 0, NULL);
		rotten = rotten || !o;
		if (!rotten && strcmp(text(o, "type"), "digest") == 0)
			closed = darn_plan_hex(o, "xxh3", &want);
		else if (!rotten)
			digest = darn_digest_add(digest, line, (size_t)len);
		json_decref(o);
		if (!rotten && fwrite(line, 1, (size_t)len, to) != (size_t)len)
			break;
	}
	free(line);
	if (ferror(from) || ferror(to) || fflush(to) != 0)
		return darn_fail(err, DARN_EIO, errno, "cannot copy the plan");
	return rotten || !closed || digest != want ? bad(err) : DARN_OK;
}

enum darn_rc darn_plan_load(const char *file, struct darn_plan **out,
			    struct darn_error *err)
{
	struct darn_plan *p = darn_calloc(1, sizeof(*p), err);
	struct loading l = {.p = p};
	FILE *from;
	enum darn_rc rc;

	if (!p)
		return DARN_ENOMEM;
	from = fopen(file, "re");
	if (!from) {
		darn_plan_destroy(p);
		return darn_fail(err, DARN_EINVAL, errno,
				 "cannot open the plan '%s'", file);
	}
	rc = darn_plan_spool(&p->f, err);
	if (!rc)
		rc = copy_checked(from, p->f, err);
	(void)fclose(from);
	if (!rc)
		rc = each_line(p->f, load_line, &l, err);
	if (!rc && (!l.head || !l.totals))
		rc = bad(err);
	if (rc) {
		darn_plan_destroy(p);
		return rc;
	}
	*out = p;
	return DARN_OK;
}
