/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage.c - reading what can be read around bad sectors.
 *
 * The first read goes through the page cache.  Where it fails, the rest is
 * read past the cache: at once, and if that fails in pieces of 64 KiB, the bad
 * ones in pieces of 4 KiB, the bad ones of those in sectors of 512 bytes.  One
 * bad sector in 1 MiB costs 42 reads at most, a hopeless 1 MiB costs 2322, a
 * tenth more than it has sectors.
 */
#include "lib/io/io.h"

#include <string.h>

#include "lib/base/mem.h"

static const size_t piece_sizes[] = {65536, 4096, 512};

struct salvage {
	struct darn_io *io;
	uint8_t *buf;
	uint64_t off; /* of @buf in the file */
	uint64_t end; /* of what is wanted, or of the file if it ends before */
	struct darn_bad_list *bad;
	struct darn_error *err;
};

static void add_bad(struct salvage *s, uint64_t off, uint64_t len)
{
	struct darn_bad_list *bad = s->bad;

	memset(s->buf + (off - s->off), 0, (size_t)len);
	if (bad->max == 0)
		return;
	if (bad->n > 0) {
		struct darn_bad_range *last = &bad->at[bad->n - 1];

		if (last->off + last->len == off || bad->n == bad->max) {
			last->len = off + len - last->off;
			return;
		}
	}
	bad->at[bad->n++] = (struct darn_bad_range){off, len};
}

/*
 * Reads [@off, @off + @len) past the cache; *@bad if that fails.  An error
 * other than of the medium ends the whole.
 */
static enum darn_rc read_piece(struct salvage *s, uint64_t off, size_t len,
			       bool *bad)
{
	struct darn_error err = DARN_ERROR_INIT;
	size_t got;
	enum darn_rc rc = darn_io_read(s->io, s->buf + (off - s->off), len, off,
				       DARN_READ_MEDIUM, &got, &err);

	*bad = rc == DARN_EIO;
	if (*bad)
		return DARN_OK;
	if (rc)
		return darn_fail(s->err, rc, 0, "%s", err.msg);
	if (got < len) /* the file became shorter */
		s->end = off + got;
	return DARN_OK;
}

/* Narrows [@off, @end) down, which fails as a whole; one turn per size. */
static enum darn_rc narrow(struct salvage *s, uint64_t off, uint64_t end,
			   size_t level)
{
	size_t size = piece_sizes[level];
	enum darn_rc rc = DARN_OK;

	while (rc == DARN_OK && off < DARN_MIN(end, s->end)) {
		uint64_t border = (off | (size - 1)) + 1;
		size_t len =
			(size_t)(DARN_MIN(border, DARN_MIN(end, s->end)) - off);
		bool bad;

		rc = read_piece(s, off, len, &bad);
		if (rc == DARN_OK && bad) {
			if (level + 1 < DARN_ARRAY_SIZE(piece_sizes))
				rc = narrow(s, off, off + len, level + 1);
			else
				add_bad(s, off, len);
		}
		off += len;
	}
	return rc;
}

static enum darn_rc salvage_from(struct salvage *s, uint64_t off)
{
	struct darn_stat st;
	enum darn_rc rc = darn_io_stat(s->io, &st, s->err);
	bool bad;

	if (rc)
		return rc;
	s->end = DARN_MIN(s->end, DARN_MAX(st.size, off));
	if (off >= s->end)
		return DARN_OK;
	rc = read_piece(s, off, (size_t)(s->end - off), &bad);
	if (rc == DARN_OK && bad)
		rc = narrow(s, off, s->end, 0);
	return rc;
}

enum darn_rc darn_io_read_salvage(struct darn_io *io, void *buf, size_t len,
				  uint64_t off, struct darn_bad_list *bad,
				  size_t *got, struct darn_error *err)
{
	struct salvage s = {io, buf, off, off + len, bad, err};
	struct darn_error first = DARN_ERROR_INIT;
	enum darn_rc rc =
		darn_io_read(io, buf, len, off, DARN_READ_NORMAL, got, &first);

	bad->n = 0;
	if (rc == DARN_OK)
		return DARN_OK;
	if (rc != DARN_EIO)
		return darn_fail(err, rc, 0, "%s", first.msg);
	rc = salvage_from(&s, off + *got);
	*got = (size_t)(s.end - off);
	return rc;
}
