/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "lib/io/fd.h"

enum {
	MAX_LOCK = 8192
};

struct darn_held {
	const struct darn_store *store;
	const void *ctx;
	struct darn_tree *tree;
	bool assume_stopped;
	char *path; /* of the lock, absolute; NULL: the engine has none */
	char *old;  /* what was there; NULL: nothing */
	size_t old_len;
	int64_t old_mtime_ns;
	char *ours;
};

static enum darn_rc refuse_live(const struct darn_held *h,
				struct darn_error *err)
{
	struct darn_evidence why = {.text = ""};
	enum darn_liveness l;

	if (!h->store || !h->store->liveness)
		return DARN_OK;
	l = h->store->liveness(h->ctx, h->tree, &why);
	for (char *p = why.text; *p; p++)
		if (*p == '\n')
			*p = ';';
	if (l == DARN_LIVE)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "'%s' is in use: %.300s", h->tree->os_path,
				 why.text);
	if (l == DARN_LIVENESS_UNKNOWN && !h->assume_stopped)
		return darn_fail(err, DARN_EREFUSED, 0,
				 "cannot tell whether '%s' is in use (%.250s); "
				 "--assume-stopped says that it is not",
				 h->tree->os_path, why.text);
	return DARN_OK;
}

/* The file's content, NUL-terminated; DARN_ENOENT where there is none. */
static enum darn_rc slurp(const char *path, char **out, size_t *len,
			  struct darn_error *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	enum darn_rc rc = DARN_OK;
	char *buf;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return DARN_ENOENT;
	if (fd < 0)
		return darn_fail(err, DARN_EIO, errno, "cannot open '%s'",
				 path);
	buf = darn_calloc(MAX_LOCK + 1, 1, err);
	n = buf ? pread(fd, buf, MAX_LOCK, 0) : 0;
	if (!buf)
		rc = DARN_ENOMEM;
	else if (n < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot read '%s'", path);
	else if (n == MAX_LOCK)
		rc = darn_fail(err, DARN_EREFUSED, 0,
			       "'%s' is too long for a lock", path);
	(void)close(fd);
	if (rc) {
		free(buf);
		return rc;
	}
	*out = buf;
	*len = (size_t)n;
	return DARN_OK;
}

/* Replaces every "%d" of @template by our process id. */
static char *fill_in(const char *template, struct darn_error *err)
{
	char *out = darn_calloc(strlen(template) * 6 + 32, 1, err);
	char *p = out;

	for (const char *t = template; out && *t; t++) {
		if (t[0] == '%' && t[1] == 'd') {
			p += sprintf(p, "%d", (int)getpid());
			t++;
		} else {
			*p++ = *t;
		}
	}
	return out;
}

/* Makes the new file @path, owned as its directory is. */
static enum darn_rc make_file(const char *path, const char *text, size_t len,
			      struct darn_error *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = strndup(path, (size_t)(slash - path));
	enum darn_rc rc = DARN_OK;
	struct stat st;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0) {
		free(dir);
		return darn_fail(err, DARN_EIO, errno, "cannot make '%s'",
				 path);
	}
	if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
		rc = darn_fail(err, DARN_EIO, errno, "cannot write '%s'", path);
	if (dir && stat(dir, &st) == 0 && st.st_uid != geteuid() &&
	    fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		rc = darn_fail(err, DARN_EIO, errno, "cannot chown '%s'", path);
	(void)close(fd);
	free(dir);
	return rc;
}

/* Gives @tmp the name @path, which must not exist unless @replace. */
static int give_name(const char *tmp, const char *path, bool replace)
{
	if (replace)
		return rename(tmp, path);
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return link(tmp, path) < 0 ? -1 : unlink(tmp);
}

static char *temporary(const char *path, struct darn_error *err)
{
	return darn_asprintf(err, "%s.darn", path);
}

/* The lock appears whole or not at all. */
static enum darn_rc place_file(const char *path, const char *text, size_t len,
			       bool replace, struct darn_error *err)
{
	char *tmp = temporary(path, err);
	enum darn_rc rc;

	if (!tmp)
		return DARN_ENOMEM;
	(void)unlink(tmp);
	rc = make_file(tmp, text, len, err);
	if (!rc && give_name(tmp, path, replace) < 0)
		rc = darn_fail(err, DARN_EREFUSED, errno,
			       "cannot take the lock '%s'", path);
	if (rc)
		(void)unlink(tmp);
	free(tmp);
	return rc ? rc : darn_sync_parent(path, err);
}

/*
 * Gives the lock back: to what was there, or to nobody.  Its time comes back
 * too, where that is known (not 0): a lock older than the machine's start
 * proves that nobody holds it.
 */
static enum darn_rc put_back(const char *path, const char *old, size_t old_len,
			     int64_t mtime_ns, struct darn_error *err)
{
	struct timespec t[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = mtime_ns / 1000000000,
		 .tv_nsec = mtime_ns % 1000000000},
	};
	enum darn_rc rc = DARN_OK;

	if (old) {
		rc = place_file(path, old, old_len, true, err);
		if (!rc && mtime_ns > 0)
			(void)utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW);
		return rc;
	}
	if (unlink(path) < 0 && errno != ENOENT)
		rc = darn_fail(err, DARN_EIO, errno, "cannot remove '%s'",
			       path);
	return rc ? rc : darn_sync_parent(path, err);
}

static void destroy(struct darn_held *h)
{
	free(h->path);
	free(h->old);
	free(h->ours);
	free(h);
}

static enum darn_rc lock(struct darn_held *h, struct darn_journal *j,
			 struct darn_error *err)
{
	struct darn_jrec r = {.type = DARN_J_HOLD, .path = h->path};
	enum darn_rc rc = slurp(h->path, &h->old, &h->old_len, err);
	struct stat st;

	if (rc && rc != DARN_ENOENT)
		return rc;
	if (h->old && lstat(h->path, &st) == 0)
		h->old_mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) +
				  st.st_mtim.tv_nsec;
	r.flags = h->old ? DARN_J_EXISTED : 0;
	r.mtime_ns = h->old_mtime_ns;
	r.pre = (const uint8_t *)h->old;
	r.pre_len = h->old_len;
	r.new = (const uint8_t *)h->ours;
	r.new_len = strlen(h->ours);
	rc = darn_journal_append(j, &r, err);
	if (!rc)
		rc = darn_journal_sync(j, err);
	if (rc)
		return rc;
	return place_file(h->path, h->ours, r.new_len, h->old != NULL, err);
}

enum darn_rc darn_hold_take(const struct darn_store *store, const void *ctx,
			    struct darn_tree *tree, struct darn_journal *j,
			    bool assume_stopped, struct darn_held **out,
			    struct darn_error *err)
{
	struct darn_held *h = darn_calloc(1, sizeof(*h), err);
	struct darn_hold *want = darn_calloc(1, sizeof(*want), err);
	enum darn_rc rc = h && want ? DARN_OK : DARN_ENOMEM;

	if (!rc) {
		h->store = store;
		h->ctx = ctx;
		h->tree = tree;
		h->assume_stopped = assume_stopped;
		rc = refuse_live(h, err);
	}
	if (!rc && store && store->hold)
		store->hold(ctx, tree, want);
	if (!rc && want->path[0]) {
		h->ours = fill_in(want->content, err);
		h->path = darn_path_join(tree->os_path, want->path, err);
		rc = h->ours && h->path ? lock(h, j, err) : DARN_ENOMEM;
	}
	free(want);
	if (rc && h)
		destroy(h);
	if (!rc)
		*out = h;
	return rc;
}

static bool holds(const char *path, const char *ours, size_t len)
{
	char *now = NULL;
	size_t n = 0;
	bool same;

	if (slurp(path, &now, &n, NULL))
		return false;
	same = n == len && memcmp(now, ours, len) == 0;
	free(now);
	return same;
}

enum darn_rc darn_hold_check(struct darn_held *h, struct darn_error *err)
{
	if (!h->path)
		return refuse_live(h, err);
	if (!holds(h->path, h->ours, strlen(h->ours)))
		return darn_fail(err, DARN_EREFUSED, 0,
				 "somebody else has taken the lock '%s'",
				 h->path);
	return DARN_OK;
}

enum darn_rc darn_hold_release(struct darn_held *h, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (!h)
		return DARN_OK;
	if (h->path && holds(h->path, h->ours, strlen(h->ours)))
		rc = put_back(h->path, h->old, h->old_len, h->old_mtime_ns,
			      err);
	destroy(h);
	return rc;
}

static enum darn_rc recover_one(const struct darn_jrec *r, bool *ours,
				struct darn_error *err)
{
	const char *old = NULL;
	char *tmp = temporary(r->path, err);

	if (!tmp)
		return DARN_ENOMEM;
	(void)unlink(tmp);
	free(tmp);
	*ours = holds(r->path, (const char *)r->new, r->new_len);
	if (!*ours)
		return DARN_OK;
	if (r->flags & DARN_J_EXISTED)
		old = (const char *)r->pre;
	return put_back(r->path, old, r->pre_len, r->mtime_ns, err);
}

/* Has a later record spoken of this lock?  A repair takes few. */
struct seen {
	uint64_t *paths;
	size_t n, cap;
};

static enum darn_rc first_time(struct seen *s, const char *path, bool *first,
			       struct darn_error *err)
{
	uint64_t hash = darn_xxh3_64(path, strlen(path));
	enum darn_rc rc;

	*first = false;
	for (size_t i = 0; i < s->n; i++)
		if (s->paths[i] == hash)
			return DARN_OK;
	rc = darn_grow((void **)&s->paths, s->n, &s->cap, sizeof(*s->paths),
		       err);
	if (rc)
		return rc;
	s->paths[s->n++] = hash;
	*first = true;
	return DARN_OK;
}

enum darn_rc darn_hold_recover(struct darn_journal *j, bool *intact,
			       struct darn_error *err)
{
	struct seen seen = {.n = 0};
	struct darn_jrec r;
	uint64_t pos = 0;
	bool all = true, ours = false, first = false;
	enum darn_rc rc;

	while ((rc = darn_journal_prev(j, &pos, &r, err)) == DARN_OK) {
		if (r.type == DARN_J_END)
			break; /* the locks before it were given back */
		if (r.type != DARN_J_HOLD)
			continue;
		rc = first_time(&seen, r.path, &first, err);
		if (!rc && first) {
			rc = recover_one(&r, &ours, err);
			all = all && ours;
		}
		if (rc)
			break;
	}
	*intact = seen.n > 0 && all;
	free(seen.paths);
	return rc == DARN_ENOENT ? DARN_OK : rc;
}
