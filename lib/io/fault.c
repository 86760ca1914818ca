/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - carries out planned faults; fault_env.c reads them from the
 * environment.
 */
#include "lib/io/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/mem.h"

struct planned {
	struct darn_fault f;
	_Atomic uint64_t hits; /* reads of the byte so far */
};

struct fault_io {
	struct darn_io io;
	struct darn_io *below;
	_Atomic uint64_t reads;
	size_t n;
	struct planned planned[];
};

static struct fault_io *self(struct darn_io *io)
{
	return (struct fault_io *)io;
}

/* The size that the file has for the @nth read. */
static uint64_t size_limit(const struct fault_io *w, uint64_t nth)
{
	uint64_t limit = UINT64_MAX;
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct darn_fault *f = &w->planned[i].f;

		if (f->kind == DARN_FAULT_SHRINK && nth >= f->count)
			limit = DARN_MIN(limit, f->len);
	}
	return limit;
}

/*
 * Cuts *@len to what can be read before the first bad byte of [@off, @off +
 * *@len); true if there is one.
 */
static bool cut_at_bad(const struct fault_io *w, size_t *len, uint64_t off,
		       uint64_t grain)
{
	bool bad = false;
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct darn_fault *f = &w->planned[i].f;
		uint64_t first, end;

		if (f->kind == DARN_FAULT_SHORT && f->len < *len) {
			*len = (size_t)f->len;
			bad = true;
		}
		if (f->kind != DARN_FAULT_EIO || f->len == 0)
			continue;
		first = f->off & ~(grain - 1);
		end = (f->off + f->len - 1) | (grain - 1);
		if (off > end || (off < first && first - off >= *len))
			continue;
		*len = off < first ? (size_t)(first - off) : 0;
		bad = true;
	}
	return bad;
}

static void flip_bits(struct fault_io *w, uint8_t *buf, size_t len,
		      uint64_t off, enum darn_read_how how)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct planned *p = &w->planned[i];

		if (p->f.kind != DARN_FAULT_FLIP &&
		    (p->f.kind != DARN_FAULT_CACHE || how == DARN_READ_MEDIUM))
			continue;
		if (p->f.off < off || p->f.off - off >= len)
			continue;
		if (p->f.count == 0 ||
		    atomic_fetch_add(&p->hits, 1) < p->f.count)
			buf[p->f.off - off] ^= (uint8_t)(1u << p->f.bit);
	}
}

static enum darn_rc fault_read(struct darn_io *io, void *buf, size_t len,
			       uint64_t off, enum darn_read_how how,
			       size_t *got, struct darn_error *err)
{
	struct fault_io *w = self(io);
	uint64_t limit = size_limit(w, atomic_fetch_add(&w->reads, 1) + 1);
	bool medium = how == DARN_READ_MEDIUM, bad;
	enum darn_rc rc;

	if (off >= limit)
		return DARN_OK;
	len = (size_t)DARN_MIN(len, limit - off);
	bad = cut_at_bad(w, &len, off, medium ? 512 : 4096);
	if (bad && medium)
		len = 0;
	rc = darn_io_read(w->below, buf, len, off, how, got, err);
	flip_bits(w, buf, *got, off, how);
	if (rc || !bad || *got < len || how == DARN_READ_CACHED)
		return rc;
	return darn_fail(err, DARN_EIO, EIO, "cannot read '%s' at %" PRIu64,
			 io->name, off + *got);
}

static enum darn_rc fault_stat(struct darn_io *io, struct darn_stat *st,
			       struct darn_error *err)
{
	struct fault_io *w = self(io);
	enum darn_rc rc = darn_io_stat(w->below, st, err);

	if (rc == DARN_OK)
		st->size = DARN_MIN(st->size,
				    size_limit(w, atomic_load(&w->reads)));
	return rc;
}

static enum darn_rc fault_settle(struct darn_io *io, struct darn_error *err)
{
	return darn_io_settle(self(io)->below, err);
}

static void fault_close(struct darn_io *io)
{
	darn_io_close(self(io)->below);
	free(io);
}

static const struct darn_io_ops fault_ops = {
	.read = fault_read,
	.stat = fault_stat,
	.close = fault_close,
	.settle = fault_settle,
};

enum darn_rc darn_fault_wrap(struct darn_io **io,
			     const struct darn_fault *faults, size_t n,
			     struct darn_error *err)
{
	struct fault_io *w =
		darn_calloc(1, sizeof(*w) + n * sizeof(w->planned[0]), err);
	size_t i;

	if (!w)
		return DARN_ENOMEM;
	w->io = (struct darn_io){&fault_ops, (*io)->name};
	w->below = *io;
	w->n = n;
	for (i = 0; i < n; i++)
		w->planned[i].f = faults[i];
	*io = &w->io;
	return DARN_OK;
}

uint64_t darn_fault_reads(const struct darn_io *wrapped)
{
	const struct fault_io *w = (const struct fault_io *)wrapped;

	return atomic_load(&w->reads);
}
