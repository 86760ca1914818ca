/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_file.c - files that are one unit, and files and directories that are
 * missing.
 *
 * A file that exists is overwritten where it lies, in pieces that go through
 * the journal like any unit; then it is checked as a whole, and put back as a
 * whole if it is no better.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "repair/apply.h"
#include "repair/check.h"
#include "repair/digest.h"

enum {
	PIECE = DARN_WRITER_GROUP_BYTES / 2
};

static void told_done(struct darn_apply *a, const struct darn_plan_item *i,
		      uint64_t bytes)
{
	a->out->done++;
	a->out->bytes += bytes;
	if (a->o->action)
		a->o->action(i, true, "", a->o->payload);
}

static enum darn_rc still_held(void *arg, struct darn_error *err)
{
	struct darn_apply *a = arg;

	return darn_hold_check(a->part->held, err);
}

/* Owner and mode: as sealed, else as the source's file in the owner's hands. */
static enum darn_rc dress(struct darn_apply *a, const struct darn_question *q,
			  const struct darn_answer *answer, struct darn_wnew *n,
			  struct darn_error *err)
{
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	struct stat st;

	n->mode = answer->st.mode;
	n->mtime_ns = answer->st.mtime_ns;
	if (darn_seals_find(&a->c->seals, q->abs, &m, &e, NULL) == DARN_OK) {
		n->mode = e.st.mode;
		n->uid = e.st.uid;
		n->gid = e.st.gid;
		n->mtime_ns = e.st.mtime_ns;
		darn_sealed_entry_release(&e);
		return DARN_OK;
	}
	/* an engine owns its root: a backup may belong to somebody else */
	if (stat(q->part->root, &st) < 0)
		return darn_fail(err, DARN_EIO, 0, "cannot stat '%s'",
				 q->part->root);
	n->uid = st.st_uid;
	n->gid = st.st_gid;
	return DARN_OK;
}

static enum darn_rc create(struct darn_apply *a, const struct darn_question *q,
			   const struct darn_answer *answer,
			   const struct darn_plan_item *i,
			   struct darn_error *err)
{
	struct darn_wnew n = {
		.tree = q->part->tree,
		.path = q->path,
		.from = answer->origin->io,
		.size = answer->size,
		.digest = answer->digest,
		.sparse = answer->st.blocks &&
			  answer->st.blocks * 512 < answer->st.size,
	};
	enum darn_rc rc = darn_apply_begin(a, q->part, err);

	a->w.guard = still_held;
	a->w.check = NULL;
	a->w.arg = a;
	if (!rc)
		rc = dress(a, q, answer, &n, err);
	if (!rc)
		rc = answer->is_dir ? darn_writer_create_dir(&a->w, &n, err)
				    : darn_writer_create_file(&a->w, &n, err);
	if (rc)
		return rc;
	told_done(a, i, n.size);
	return darn_apply_changed(a, q->abs, err);
}

/* One piece: reads both images, writes the new one. */
static enum darn_rc write_piece(struct darn_apply *a, struct darn_wfile *f,
				struct darn_io *from, uint64_t off,
				uint64_t new_size, uint8_t *pre, uint8_t *new,
				struct darn_error *err)
{
	struct darn_bad_range ranges[8];
	struct darn_bad_list bad = {.at = ranges,
				    .max = DARN_ARRAY_SIZE(ranges)};
	struct darn_wunit u = {.off = off, .pre = pre, .new = new};
	uint64_t old_size = darn_wfile_stat(f)->size;
	enum darn_rc rc = DARN_OK;

	if (off < old_size)
		rc = darn_io_read_salvage(darn_wfile_io(f), pre, PIECE, off,
					  &bad, &u.pre_len, err);
	u.new_len = off < new_size
			    ? (size_t)DARN_MIN(new_size - off, (uint64_t)PIECE)
			    : 0;
	u.unreadable = bad.n > 0;
	if (!rc && u.new_len)
		rc = darn_io_read_full(from, new, u.new_len, off, err);
	if (!rc)
		rc = darn_writer_write(&a->w, f, &u, 1, err);
	if (!rc && !u.done)
		rc = darn_fail(err, DARN_EIO, 0,
			       "'%s' is not read back as written",
			       darn_wfile_io(f)->name);
	return rc;
}

static enum darn_rc write_pieces(struct darn_apply *a, struct darn_wfile *f,
				 const struct darn_answer *answer,
				 struct darn_error *err)
{
	uint8_t *pre = aligned_alloc(4096, PIECE);
	uint8_t *new = aligned_alloc(4096, PIECE);
	uint64_t end = DARN_MAX(darn_wfile_stat(f)->size, answer->size);
	enum darn_rc rc = DARN_OK;

	if (!pre || !new)
		rc = darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	for (uint64_t off = 0; !rc && off < end; off += PIECE)
		rc = write_piece(a, f, answer->origin->io, off, answer->size,
				 pre, new, err);
	free(pre);
	free(new);
	return rc;
}

/* Is the file now what the source has, and good? */
static enum darn_rc check_whole(struct darn_wfile *file,
				const struct darn_question *q,
				const struct darn_answer *answer, bool *good,
				struct darn_error *err)
{
	struct darn_file f = {
		.path = q->path,
		.tree = q->part->tree,
		.io = darn_wfile_io(file),
	};
	enum darn_severity worst;
	uint64_t digest, size;
	enum darn_rc rc = darn_io_stat(f.io, &f.st, err);

	if (!rc)
		rc = darn_digest_io(f.io, DARN_READ_MEDIUM, &digest, &size,
				    err);
	if (rc)
		return rc;
	*good = digest == answer->digest && size == answer->size;
	if (!*good || !q->format)
		return DARN_OK;
	rc = darn_check_file(q->format, q->part->ctx, &f, &worst, err);
	*good = worst <= DARN_SUSPICIOUS;
	return rc;
}

static enum darn_rc overwrite(struct darn_apply *a,
			      const struct darn_question *q,
			      const struct darn_answer *answer,
			      const struct darn_plan_item *i,
			      struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_wfile *f = NULL;
	bool good = false;
	uint64_t first;
	enum darn_rc rc = darn_apply_begin(a, q->part, err), back;

	if (rc)
		return rc;
	rc = darn_wfile_open(q->part->tree, q->path, &f, &why);
	if (rc) {
		darn_apply_skip(a, i, why.msg);
		return DARN_OK;
	}
	a->w.guard = still_held;
	a->w.check = NULL;
	a->w.arg = a;
	first = darn_writer_next(&a->w);
	rc = write_pieces(a, f, answer, err);
	if (!rc)
		rc = check_whole(f, q, answer, &good, err);
	if (rc || !good) {
		back = darn_writer_roll_back(&a->w, f, first, err);
		darn_apply_skip(a, i, "not better afterwards: put back");
		rc = rc ? rc : back;
	} else {
		told_done(a, i, answer->size);
		rc = darn_apply_changed(a, q->abs, err);
	}
	darn_wfile_close(f);
	return rc;
}

enum darn_rc darn_apply_file(struct darn_apply *a, struct darn_look *l,
			     struct darn_question *q,
			     const struct darn_plan_item *i,
			     struct darn_error *err)
{
	struct darn_answer answer;
	bool go = false;
	enum darn_rc rc = darn_apply_flush(a, err);

	if (!rc)
		rc = darn_apply_close_file(a, err);
	if (rc)
		return rc;
	darn_look_whole(l, q);
	if (q->pre_digest != i->pre_digest) {
		darn_apply_skip(a, i, "changed since the plan was made");
		return DARN_OK;
	}
	rc = darn_apply_judge(a, q, i, &answer, &go, err);
	if (!rc && go)
		rc = q->missing ? create(a, q, &answer, i, err)
				: overwrite(a, q, &answer, i, err);
	darn_answer_release(&answer);
	return rc;
}
