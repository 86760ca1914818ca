/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover.c - finishing a repair that was killed.
 *
 * Only the last group of units can be between old and new: the journal marks
 * every group that was finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "repair/image.h"
#include "repair/undo.h"
#include "repair/writer.h"

struct open_unit {
	uint64_t id, at; /* @at: position before its record */
};

struct recovery {
	const struct darn_recover_options *o;
	struct darn_journal *j;
	struct darn_parts parts;
	struct open_unit *units; /* neither done nor rolled back */
	size_t n, cap;
	bool held;   /* the repair had a lock */
	bool intact; /* and nobody has touched it since */
	bool undoing;
	uint64_t strange;
};

static void drop_units(struct recovery *v, uint64_t id, uint64_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++)
		if (v->units[i].id < id || v->units[i].id - id >= count)
			v->units[kept++] = v->units[i];
	v->n = kept;
}

/* Which units are open?  A group is small, so the list is. */
static enum darn_rc collect(struct recovery *v, struct darn_error *err)
{
	uint64_t pos = 0, before = 0;
	struct darn_jrec r;
	enum darn_rc rc;

	while ((rc = darn_journal_next(v->j, &pos, &r, err)) == DARN_OK) {
		if (r.type == DARN_J_DONE || r.type == DARN_J_ROLLED)
			drop_units(v, r.id, r.count);
		v->held = v->held || r.type == DARN_J_HOLD;
		v->undoing = v->undoing || r.type == DARN_J_UNDOING;
		if (r.type == DARN_J_UNIT || r.type == DARN_J_CREATE) {
			rc = darn_grow((void **)&v->units, v->n, &v->cap,
				       sizeof(*v->units), err);
			if (rc)
				return rc;
			v->units[v->n++] = (struct open_unit){r.id, before};
		}
		before = pos;
	}
	return rc == DARN_ENOENT ? DARN_OK : rc;
}

static enum darn_rc hold_for(struct recovery *v, const char *path,
			     struct darn_error *err)
{
	struct darn_part *part;
	const char *rel;
	enum darn_rc rc = darn_parts_find(&v->parts, path, &part, &rel, err);

	if (!rc)
		rc = darn_part_hold(part, v->j, v->o->assume_stopped, err);
	return rc ? rc : darn_hold_check(part->held, err);
}

static enum darn_rc write_image(const struct darn_jrec *r, int fd, bool pre,
				struct darn_error *err)
{
	enum darn_rc rc = darn_image_put(r, fd, pre, err);
	enum darn_image now;

	if (!rc && fsync(fd) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot sync '%s'",
			       r->path);
	if (!rc)
		rc = darn_image_look(r, fd, &now, err);
	if (!rc && now != (pre ? DARN_IMAGE_PRE : DARN_IMAGE_NEW))
		rc = darn_fail(err, DARN_EIO, 0,
			       "'%s' at %llu is not read back as written",
			       r->path, (unsigned long long)r->off);
	return rc;
}

/*
 * Forward where the store cannot have been used since: the bytes were proven
 * then and are still the right ones.  Otherwise back, and the next plan
 * judges again.
 */
static bool forward(const struct recovery *v)
{
	return v->intact || !v->held;
}

/* *type: the mark to make. */
static enum darn_rc settle(struct recovery *v, const struct darn_jrec *r,
			   int fd, enum darn_journal_type *type,
			   struct darn_error *err)
{
	enum darn_image now;
	enum darn_rc rc = darn_image_look(r, fd, &now, err);

	if (rc)
		return rc;
	*type = now == DARN_IMAGE_NEW ? DARN_J_DONE : DARN_J_ROLLED;
	if (now == DARN_IMAGE_OTHER) {
		v->strange++;
		return DARN_OK;
	}
	if (now == DARN_IMAGE_NEW || (now == DARN_IMAGE_PRE && !forward(v)))
		return DARN_OK;
	if (forward(v))
		*type = DARN_J_DONE;
	return write_image(r, fd, !forward(v), err);
}

/* Its bytes say whether it is the one, wherever it was copied to since. */
static bool only_name(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static enum darn_rc finish_unit(struct recovery *v, const struct darn_jrec *r,
				enum darn_journal_type *type,
				struct darn_error *err)
{
	int64_t mtime_ns = r->mtime_ns;
	enum darn_rc rc;
	bool keep = v->intact;
	int fd = open(r->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	*type = DARN_J_ROLLED;
	if (fd < 0 || !only_name(fd)) {
		v->strange++;
		if (fd >= 0)
			(void)close(fd);
		return DARN_OK;
	}
	rc = settle(v, r, fd, type, err);
	if (!rc && !keep && v->o->sealed)
		keep = v->o->sealed(v->o->arg, r->path, &mtime_ns);
	if (!rc && keep)
		rc = darn_keep_times(fd, r->path, r->atime_ns, mtime_ns, err);
	(void)close(fd);
	return rc;
}

/* It has its name, whole, or it has not begun to exist. */
static void finish_create(const struct darn_jrec *r,
			  enum darn_journal_type *type)
{
	if (r->new_len && r->new[r->new_len - 1] == '\0')
		(void)unlink((const char *)r->new);
	*type = access(r->path, F_OK) == 0 ? DARN_J_DONE : DARN_J_ROLLED;
}

static enum darn_rc finish_one(struct recovery *v, struct open_unit u,
			       struct darn_error *err)
{
	struct darn_jrec mark = {.id = u.id, .count = 1};
	struct darn_jrec r;
	enum darn_rc rc = darn_journal_next(v->j, &u.at, &r, err);

	if (!rc)
		rc = hold_for(v, r.path, err);
	if (rc)
		return rc;
	if (r.type == DARN_J_UNIT)
		rc = finish_unit(v, &r, &mark.type, err);
	else
		finish_create(&r, &mark.type);
	return rc ? rc : darn_journal_append(v->j, &mark, err);
}

static enum darn_rc finish_all(struct recovery *v, struct darn_error *err)
{
	enum darn_rc rc = darn_hold_recover(v->j, &v->intact, err);

	/* sizes grow from unit to unit, so the way back is the other way round
	 */
	for (size_t i = 0; !rc && i < v->n; i++) {
		size_t at = forward(v) ? i : v->n - 1 - i;

		rc = finish_one(v, v->units[at], err);
	}
	if (!rc)
		rc = darn_parts_unhold(&v->parts, err);
	return rc ? rc : darn_journal_end(v->j, DARN_J_END, err);
}

enum darn_rc darn_recover_journal(const char *path,
				  const struct darn_recover_options *o,
				  uint64_t *strange, struct darn_error *err)
{
	struct recovery v = {.o = o};
	enum darn_rc rc = darn_journal_open(path, true, &v.j, err);

	if (rc)
		return rc;
	v.parts.stores = o->stores;
	v.parts.base = darn_journal_root(v.j);
	if (!darn_journal_closed(v.j))
		rc = collect(&v, err);
	if (!rc && v.undoing)
		rc = darn_fail(err, DARN_EREFUSED, 0,
			       "an undo was not finished; first type: darn "
			       "undo '%s'",
			       path);
	if (!rc && !darn_journal_closed(v.j))
		rc = finish_all(&v, err);
	*strange = v.strange;
	darn_parts_release(&v.parts);
	free(v.units);
	darn_journal_close(v.j);
	return rc;
}
