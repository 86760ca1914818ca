/* SPDX-License-Identifier: Apache-2.0 */
/* apply_unit.c - units of files that exist, gathered into groups. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "repair/apply.h"
#include "repair/check.h"

/* Does what was read back from the medium pass the format's own check? */
static enum darn_rc check_unit(void *arg, uint64_t off, const uint8_t *buf,
			       size_t len, bool *good, struct darn_error *err)
{
	struct darn_apply *a = arg;
	struct darn_file f = {
		.path = darn_path_below(a->file_path, a->part->root),
		.tree = a->part->tree,
		.io = darn_wfile_io(a->file),
	};
	enum darn_severity worst;
	enum darn_rc rc;

	*good = true;
	if (!a->format || !a->format->check)
		return DARN_OK;
	rc = darn_io_stat(f.io, &f.st, err);
	if (rc)
		return rc;
	rc = darn_check_unit(a->format, a->part->ctx, &f, off, buf, len, &worst,
			     err);
	*good = worst <= DARN_SUSPICIOUS;
	return rc;
}

static enum darn_rc still_held(void *arg, struct darn_error *err)
{
	struct darn_apply *a = arg;

	return darn_hold_check(a->part->held, err);
}

static void forget_group(struct darn_apply *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free((void *)a->units[i].pre);
		free((void *)a->units[i].new);
		for (size_t k = 0; k < DARN_ARRAY_SIZE(a->waiting[i].strings);
		     k++)
			free(a->waiting[i].strings[k]);
	}
	a->n = 0;
	a->bytes = 0;
}

/* Says of every unit of the group how it went. */
static void tell(struct darn_apply *a, const char *failure)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct darn_plan_item *item = &a->waiting[i].item;
		struct darn_repair_result *out = a->out;

		if (a->units[i].done) {
			out->done++;
			out->bytes += a->units[i].new_len;
			if (a->o->action)
				a->o->action(item, true, "", a->o->payload);
		} else {
			out->failed++;
			out->skipped--; /* skip() counts it below */
			darn_apply_skip(a, item,
					failure ? failure
						: "not better afterwards: put "
						  "back");
		}
	}
}

enum darn_rc darn_apply_flush(struct darn_apply *a, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	if (!a->n)
		return DARN_OK;
	a->w.guard = still_held;
	a->w.check = check_unit;
	a->w.arg = a;
	rc = darn_writer_write(&a->w, a->file, a->units, a->n, &why);
	tell(a, rc ? why.msg : NULL);
	forget_group(a);
	if (rc)
		return darn_fail(err, rc, 0, "%s", why.msg);
	return darn_apply_changed(a, a->file_path, err);
}

/* A file that is again as it was sealed gets its sealed time. */
static enum darn_rc seal_time(struct darn_apply *a, struct darn_error *err)
{
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	int64_t mtime_ns;
	bool moved;

	if (darn_seals_find(&a->c->seals, a->file_path, &m, &e, NULL))
		return DARN_OK;
	moved = e.st.mtime_ns != darn_wfile_stat(a->file)->mtime_ns;
	darn_sealed_entry_release(&e);
	if (!moved || !darn_seals_whole(&a->c->seals, a->file_path, &mtime_ns))
		return DARN_OK;
	return darn_writer_set_mtime(&a->w, a->file, mtime_ns, err);
}

enum darn_rc darn_apply_close_file(struct darn_apply *a, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (a->file && a->out->done)
		rc = seal_time(a, err);
	forget_group(a);
	darn_wfile_close(a->file);
	free(a->file_path);
	a->file = NULL;
	a->file_path = NULL;
	return rc;
}

/* Opens the file of @q unless it is open.  *ok: it may be written. */
static enum darn_rc enter_file(struct darn_apply *a,
			       const struct darn_question *q,
			       const struct darn_plan_item *i, bool *ok,
			       struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	enum darn_rc rc;

	*ok = true;
	if (a->file && strcmp(a->file_path, q->abs) == 0)
		return DARN_OK;
	rc = darn_apply_flush(a, err);
	if (!rc)
		rc = darn_apply_close_file(a, err);
	if (!rc)
		rc = darn_apply_begin(a, q->part, err);
	if (rc)
		return rc;
	rc = darn_wfile_open(q->part->tree, q->path, &a->file, &why);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	if (rc) {
		darn_apply_skip(a, i, why.msg);
		*ok = false;
		return DARN_OK;
	}
	a->format = q->format;
	a->file_path = darn_strdup(q->abs, err);
	return a->file_path ? DARN_OK : DARN_ENOMEM;
}

/* A copy that outlives the plan's line. */
static enum darn_rc remember(struct darn_waiting *w,
			     const struct darn_plan_item *i,
			     struct darn_error *err)
{
	const char *from[] = {i->shown, i->source, i->evidence, i->id};

	w->item = *i;
	memset(w->strings, 0, sizeof(w->strings));
	for (size_t k = 0; k < DARN_ARRAY_SIZE(from); k++) {
		w->strings[k] = darn_strdup(from[k], err);
		if (!w->strings[k])
			return DARN_ENOMEM;
	}
	w->item.shown = w->strings[0];
	w->item.source = w->strings[1];
	w->item.evidence = w->strings[2];
	w->item.id = w->strings[3];
	w->item.severity = darn_severity_name(DARN_DAMAGED);
	if (strcmp(i->severity, darn_severity_name(DARN_SUSPICIOUS)) == 0)
		w->item.severity = darn_severity_name(DARN_SUSPICIOUS);
	w->item.root = w->item.path = w->item.store = w->item.format = "";
	return DARN_OK;
}

/* Takes over answer->bytes. */
static enum darn_rc enqueue(struct darn_apply *a, const struct darn_question *q,
			    struct darn_answer *answer,
			    const struct darn_plan_item *i,
			    struct darn_error *err)
{
	struct darn_wunit *u = &a->units[a->n];
	uint8_t *pre = darn_calloc(q->buf_len, 1, err);
	enum darn_rc rc = DARN_ENOMEM;

	if (pre)
		rc = remember(&a->waiting[a->n], i, err);
	if (rc) {
		free(pre);
		return rc;
	}
	memcpy(pre, q->buf, q->buf_len);
	*u = (struct darn_wunit){
		.off = q->off,
		.pre = pre,
		.pre_len = q->buf_len,
		.new = answer->bytes,
		.new_len = (size_t)answer->size,
		.unreadable = q->unreadable,
	};
	answer->bytes = NULL;
	a->bytes += answer->size;
	a->n++;
	return DARN_OK;
}

enum darn_rc darn_apply_unit(struct darn_apply *a, struct darn_look *l,
			     struct darn_question *q,
			     const struct darn_plan_item *i,
			     struct darn_error *err)
{
	struct darn_answer answer;
	bool go = false;
	enum darn_rc rc;

	if (q->missing) {
		darn_apply_skip(a, i, "the file is gone");
		return DARN_OK;
	}
	rc = enter_file(a, q, i, &go, err);
	if (rc || !go)
		return rc;
	if (a->n == DARN_WRITER_GROUP ||
	    a->bytes + i->len > DARN_WRITER_GROUP_BYTES)
		rc = darn_apply_flush(a, err);
	if (!rc)
		rc = darn_look_unit(l, q, i->off, i->len, err);
	if (rc)
		return rc;
	if (q->pre_digest != i->pre_digest) {
		darn_apply_skip(a, i, "changed since the plan was made");
		return DARN_OK;
	}
	rc = darn_apply_judge(a, q, i, &answer, &go, err);
	if (!rc && go)
		rc = enqueue(a, q, &answer, i, err);
	darn_answer_release(&answer);
	return rc;
}
