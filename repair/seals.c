/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/seals.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/state/state.h"

enum {
	PIECE = 1 << 20
};

static enum darn_rc add(struct darn_seals *s, const char *file,
			struct darn_error *err)
{
	struct darn_io *io;
	enum darn_rc rc = darn_grow((void **)&s->items, s->n, &s->cap,
				    sizeof(struct darn_manifest *), err);

	if (!rc)
		rc = darn_io_open_posix(AT_FDCWD, file, file, false, &io, err);
	if (rc)
		return rc;
	rc = darn_manifest_open(io, &s->items[s->n], err);
	if (rc)
		darn_io_close(io);
	else
		s->n++;
	return rc;
}

enum darn_rc darn_seals_open(struct darn_seals *s, const char *file,
			     const char *target, const char *base,
			     struct darn_error *err)
{
	char *path, *slash;

	memset(s, 0, sizeof(*s));
	s->base = base;
	s->explicit = file != NULL;
	if (file)
		return add(s, file, err);
	path = darn_strdup(target, err);
	while (path && *path) {
		char *seal = NULL;

		if (darn_state_file_for("seals", path, ".seal", &seal, NULL))
			break;
		if (access(seal, F_OK) == 0)
			darn_ignore(add(s, seal, NULL));
		free(seal);
		slash = strrchr(path, '/');
		*slash = '\0';
	}
	free(path);
	return path ? DARN_OK : DARN_ENOMEM;
}

void darn_seals_release(struct darn_seals *s)
{
	for (size_t i = 0; i < s->n; i++)
		darn_manifest_close(s->items[i]);
	free(s->items);
	s->items = NULL;
	s->n = s->cap = 0;
}

enum darn_rc darn_seals_find(const struct darn_seals *s, const char *path,
			     struct darn_manifest **m,
			     struct darn_sealed_entry *e,
			     struct darn_error *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *root = darn_manifest_head(s->items[i])->root;
		const char *rel = darn_path_below(path, root);
		enum darn_rc rc;

		if (!rel && s->explicit)
			rel = darn_path_below(path, s->base);
		if (!rel)
			continue;
		rc = darn_manifest_find(s->items[i], rel, e, NULL);
		if (rc == DARN_ENOENT)
			continue;
		if (rc)
			return darn_fail(err, rc, 0,
					 "the seal of '%s' cannot be read",
					 path);
		if (e->st.type != DARN_FT_FILE || e->block == 0) {
			darn_sealed_entry_release(e);
			continue;
		}
		*m = s->items[i];
		return DARN_OK;
	}
	return DARN_ENOENT;
}

enum darn_rc darn_seal_covers(struct darn_manifest *m,
			      const struct darn_sealed_entry *e,
			      struct darn_io *io, uint64_t off, uint64_t len,
			      bool *matches, struct darn_error *err)
{
	uint64_t from = off - off % e->block, end;
	size_t step = PIECE / e->block ? PIECE - PIECE % e->block : e->block;
	uint8_t *buf;
	enum darn_rc rc = DARN_OK;

	*matches = false;
	if (off > e->st.size || len > e->st.size - off)
		return DARN_OK;
	end = off + len + (e->block - (off + len) % e->block) % e->block;
	end = DARN_MIN(end, e->st.size);
	buf = aligned_alloc(4096, (step + 4095) / 4096 * 4096);
	if (!buf)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	for (*matches = true; !rc && *matches && from < end;) {
		size_t n = (size_t)DARN_MIN(end - from, step), got = 0;

		/* unreadable and too short are both: no match */
		if (darn_io_read(io, buf, n, from, DARN_READ_NORMAL, &got,
				 NULL) ||
		    got != n)
			*matches = false;
		else
			rc = darn_manifest_matches(m, e, from, buf, n, matches,
						   err);
		from += n;
	}
	free(buf);
	return rc;
}

bool darn_seals_whole(void *arg, const char *path, int64_t *mtime_ns)
{
	const struct darn_seals *s = arg;
	struct darn_sealed_entry e;
	struct darn_manifest *m;
	struct darn_io *io;
	struct darn_stat st;
	bool whole = false;

	if (darn_seals_find(s, path, &m, &e, NULL))
		return false;
	if (darn_io_open_posix(AT_FDCWD, path, path, false, &io, NULL) == 0) {
		if (darn_io_stat(io, &st, NULL) == 0 && st.size == e.st.size &&
		    darn_seal_covers(m, &e, io, 0, st.size, &whole, NULL))
			whole = false;
		darn_io_close(io);
	}
	if (whole)
		*mtime_ns = e.st.mtime_ns;
	darn_sealed_entry_release(&e);
	return whole;
}
