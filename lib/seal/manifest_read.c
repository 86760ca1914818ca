/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest_read.c - reading a manifest; layout.h has the bytes.
 *
 * Every part is checked each time it is read: what lies on the disk may rot
 * between the opening and the use.  All numbers are bounded by the size of
 * the file before they are used.  Immutable after opening, so no lock.
 */
#include "lib/seal/manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/scan/report.h"
#include "lib/seal/layout.h"

struct darn_manifest {
	struct darn_io *io;
	uint64_t size, entries;
	uint32_t frame;
	struct darn_manifest_head head;
	uint64_t *top; /* offsets of the index blocks */
	uint64_t ntop;
};

static enum darn_rc corrupt(const struct darn_manifest *m, uint64_t off,
			    const char *what, struct darn_error *err)
{
	return darn_fail(err, DARN_ECORRUPT, 0,
			 "'%s' is damaged at offset %" PRIu64
			 ": %s, so it vouches for nothing",
			 m->io->name, off, what);
}

static bool fits(const struct darn_manifest *m, uint64_t off, uint64_t len)
{
	return off <= m->size && len <= m->size - off;
}

/* Reads a part; where the file is too short the part is damaged. */
static enum darn_rc get(const struct darn_manifest *m, void *buf, size_t len,
			uint64_t off, const char *what, struct darn_error *err)
{
	size_t got = 0;
	enum darn_rc rc;

	if (!fits(m, off, len))
		return corrupt(m, off, what, err);
	rc = darn_io_read(m->io, buf, len, off, DARN_READ_NORMAL, &got, err);
	if (rc)
		return rc;
	return got == len ? DARN_OK : corrupt(m, off, what, err);
}

static enum darn_rc open_lead(struct darn_manifest *m, struct darn_error *err)
{
	uint8_t b[SEAL_LEAD];
	enum darn_rc rc = get(m, b, sizeof(b), 0, "too short", err);

	if (rc)
		return rc;
	if (memcmp(b, SEAL_MAGIC, 8) != 0)
		return corrupt(m, 0, "not a manifest of darn", err);
	if (darn_get_le64(b + 16) != darn_seal_check(b, 16, 0))
		return corrupt(m, 0, "the first bytes fail their check", err);
	if (darn_get_le32(b + 8) != SEAL_VERSION)
		return darn_fail(err, DARN_EUNSUPPORTED, 0,
				 "'%s' is a manifest of version %" PRIu32
				 ", this darn knows %d",
				 m->io->name, darn_get_le32(b + 8),
				 SEAL_VERSION);
	m->frame = darn_get_le32(b + 12);
	if (m->frame && !darn_seal_pow2(m->frame, SEAL_FRAME_MIN))
		return corrupt(m, 12, "impossible frame size", err);
	return DARN_OK;
}

static enum darn_rc open_head(struct darn_manifest *m, uint64_t off,
			      uint64_t len, uint64_t check,
			      struct darn_error *err)
{
	uint8_t b[SEAL_HEAD + sizeof(m->head.root)];
	struct darn_manifest_head *h = &m->head;
	enum darn_rc rc;

	if (len < SEAL_HEAD || len >= sizeof(b))
		return corrupt(m, off, "impossible head", err);
	rc = get(m, b, (size_t)len, off, "the head is cut", err);
	if (rc)
		return rc;
	if (darn_get_le64(b) != darn_seal_check(b + 8, (size_t)len - 8, off) ||
	    darn_get_le64(b) != check ||
	    darn_get_le32(b + 12) != len - SEAL_HEAD)
		return corrupt(m, off, "the head fails its check", err);
	h->fuzzy = darn_get_le32(b + 8) & SEAL_FUZZY;
	h->sealed_ns = (int64_t)darn_get_le64(b + 16);
	memcpy(h->boot_id, b + 24, sizeof(h->boot_id) - 1);
	memcpy(h->store, b + 64, sizeof(h->store) - 1);
	memcpy(h->secret, b + 96, sizeof(h->secret));
	memcpy(h->root, b + SEAL_HEAD, (size_t)len - SEAL_HEAD);
	return DARN_OK;
}

static enum darn_rc open_top(struct darn_manifest *m, uint64_t off,
			     struct darn_error *err)
{
	size_t len;
	uint8_t *b;
	enum darn_rc rc;

	m->ntop = darn_seal_parts(m->entries, SEAL_FANOUT);
	if (m->ntop > m->size / SEAL_INDEX)
		return corrupt(m, off, "impossible number of entries", err);
	len = 8 * ((size_t)m->ntop + 1);
	b = darn_calloc(1, len, err);
	m->top = darn_calloc((size_t)m->ntop + 1, sizeof(*m->top), err);
	rc = b && m->top ? get(m, b, len, off, "the index is cut", err)
			 : DARN_ENOMEM;
	if (rc == DARN_OK &&
	    darn_get_le64(b + len - 8) != darn_seal_check(b, len - 8, off))
		rc = corrupt(m, off, "the index fails its check", err);
	for (uint64_t i = 0; rc == DARN_OK && i < m->ntop; i++)
		m->top[i] = darn_get_le64(b + 8 * i);
	free(b);
	return rc;
}

static enum darn_rc read_index(const struct darn_manifest *m, uint64_t i,
			       uint8_t block[SEAL_INDEX],
			       struct darn_error *err)
{
	uint64_t off = m->top[i];
	enum darn_rc rc = get(m, block, SEAL_INDEX, off,
			      "a block of the index is cut", err);

	if (rc == DARN_OK &&
	    darn_get_le64(block + SEAL_INDEX - 8) !=
		    darn_seal_check(block, SEAL_INDEX - 8, off))
		rc = corrupt(m, off, "a block of the index fails its check",
			     err);
	return rc;
}

static enum darn_rc open_tail(struct darn_manifest *m, struct darn_error *err)
{
	uint8_t t[SEAL_TRAILER], block[SEAL_INDEX];
	uint64_t off;
	enum darn_rc rc;

	if (m->size < SEAL_LEAD + SEAL_TRAILER)
		return corrupt(m, m->size, "too short", err);
	off = m->size - SEAL_TRAILER;
	rc = get(m, t, sizeof(t), off, "the end is cut", err);
	if (rc)
		return rc;
	if (memcmp(t, SEAL_END_MAGIC, 8) != 0 ||
	    darn_get_le64(t + 56) != darn_seal_check(t, 56, off) ||
	    darn_get_le64(t + 40) != m->size)
		return corrupt(m, off, "the end is missing or fails its check",
			       err);
	m->entries = darn_get_le64(t + 8);
	rc = open_head(m, darn_get_le64(t + 24), darn_get_le64(t + 32),
		       darn_get_le64(t + 48), err);
	if (rc == DARN_OK)
		rc = open_top(m, darn_get_le64(t + 16), err);
	for (uint64_t i = 0; rc == DARN_OK && i < m->ntop; i++)
		rc = read_index(m, i, block, err);
	return rc;
}

enum darn_rc darn_manifest_open(struct darn_io *io, struct darn_manifest **out,
				struct darn_error *err)
{
	struct darn_manifest *m = darn_calloc(1, sizeof(*m), err);
	struct darn_stat st;
	enum darn_rc rc;

	if (!m)
		return DARN_ENOMEM;
	m->io = io;
	rc = darn_io_stat(io, &st, err);
	if (rc == DARN_OK) {
		m->size = st.size;
		rc = open_lead(m, err);
	}
	if (rc == DARN_OK)
		rc = open_tail(m, err);
	if (rc) {
		m->io = NULL; /* stays with the caller */
		darn_manifest_close(m);
		return rc;
	}
	*out = m;
	return DARN_OK;
}

void darn_manifest_close(struct darn_manifest *m)
{
	if (!m)
		return;
	darn_io_close(m->io);
	free(m->top);
	free(m);
}

const struct darn_manifest_head *
darn_manifest_head(const struct darn_manifest *m)
{
	return &m->head;
}

uint64_t darn_manifest_entries(const struct darn_manifest *m)
{
	return m->entries;
}

uint32_t darn_manifest_frame(const struct darn_manifest *m)
{
	return m->frame;
}

void darn_sealed_entry_release(struct darn_sealed_entry *e)
{
	free((char *)(uintptr_t)e->path);
	free((char *)(uintptr_t)e->link);
	e->path = e->link = NULL;
}

static void unpack_stat(const uint8_t *r, struct darn_stat *st)
{
	st->type =
		r[12] <= DARN_FT_OTHER ? (enum darn_ftype)r[12] : DARN_FT_OTHER;
	st->mode = darn_get_le32(r + 20);
	st->uid = darn_get_le32(r + 24);
	st->gid = darn_get_le32(r + 28);
	st->size = darn_get_le64(r + 32);
	st->dev = darn_get_le64(r + 40);
	st->ino = darn_get_le64(r + 48);
	st->nlink = darn_get_le64(r + 56);
	st->blocks = darn_get_le64(r + 64);
	st->mtime_ns = (int64_t)darn_get_le64(r + 72);
	st->ctime_ns = (int64_t)darn_get_le64(r + 80);
}

/* Is what a checked record says possible?  (Its check is no signature.) */
static bool sound(const struct darn_manifest *m,
		  const struct darn_sealed_entry *e)
{
	uint64_t size;

	if (e->st.type != DARN_FT_FILE)
		return true;
	if (!darn_seal_pow2(e->block, SEAL_BLOCK_MIN))
		return false;
	size = darn_seal_groups_size(e->block, m->frame, e->st.size);
	return fits(m, e->groups, size);
}

/* Only paths that stay below the root: restoring follows them. */
static bool clean_path(const char *p, size_t len)
{
	if (strlen(p) != len || p[0] == '/')
		return false;
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
		if (*p == '/' && p[1] == '\0')
			return false;
		p += *p == '/';
	}
	return true;
}

static enum darn_rc parse_record(const struct darn_manifest *m,
				 const uint8_t *r, size_t len, uint64_t off,
				 struct darn_sealed_entry *e,
				 struct darn_error *err)
{
	size_t plen = darn_get_le32(r + 96), llen = darn_get_le32(r + 100);
	struct darn_sealed_entry n = {0};

	if (darn_get_le64(r) != darn_seal_check(r + 8, len - 8, off) ||
	    plen >= SEAL_PATH_MAX || llen >= SEAL_PATH_MAX ||
	    len != SEAL_RECORD + plen + llen)
		return corrupt(m, off, "an entry fails its check", err);
	unpack_stat(r, &n.st);
	n.settled = r[13] & SEAL_SETTLED;
	n.block = darn_get_le32(r + 16);
	n.groups = darn_get_le64(r + 88);
	if (!sound(m, &n))
		return corrupt(m, off, "an entry is impossible", err);
	if (n.st.type == DARN_FT_FILE)
		n.nblocks = darn_seal_parts(n.st.size, n.block);
	n.path = strndup((const char *)r + SEAL_RECORD, plen);
	if (llen)
		n.link = strndup((const char *)r + SEAL_RECORD + plen, llen);
	if (!n.path || (llen && !n.link)) {
		darn_sealed_entry_release(&n);
		return darn_fail(err, DARN_ENOMEM, 0, "out of memory");
	}
	if (!clean_path(n.path, plen)) {
		darn_sealed_entry_release(&n);
		return corrupt(m, off, "an entry has an impossible path", err);
	}
	n.index = e->index;
	*e = n;
	return DARN_OK;
}

/* The record at @off; e->index is the caller's. */
static enum darn_rc read_record(const struct darn_manifest *m, uint64_t off,
				struct darn_sealed_entry *e,
				struct darn_error *err)
{
	uint8_t head[SEAL_RECORD];
	const char *cut = "an entry is cut";
	enum darn_rc rc = get(m, head, sizeof(head), off, cut, err);
	uint8_t *r;
	size_t len;

	if (rc)
		return rc;
	len = darn_get_le32(head + 8);
	if (len < SEAL_RECORD || len > SEAL_RECORD + 2 * SEAL_PATH_MAX)
		return corrupt(m, off, "an entry fails its check", err);
	r = darn_calloc(1, len, err);
	if (!r)
		return DARN_ENOMEM;
	rc = get(m, r, len, off, cut, err);
	if (rc == DARN_OK)
		rc = parse_record(m, r, len, off, e, err);
	free(r);
	return rc;
}

enum darn_rc darn_manifest_get(struct darn_manifest *m, uint64_t index,
			       struct darn_sealed_entry *out,
			       struct darn_error *err)
{
	struct darn_sealed_entry e = {.index = index};
	uint8_t block[SEAL_INDEX];
	enum darn_rc rc;

	if (index >= m->entries)
		return darn_fail(err, DARN_ENOENT, 0, "no such entry");
	rc = read_index(m, index / SEAL_FANOUT, block, err);
	if (rc == DARN_OK)
		rc = read_record(
			m, darn_get_le64(block + 8 * (index % SEAL_FANOUT)), &e,
			err);
	if (rc == DARN_OK)
		*out = e;
	return rc;
}

enum darn_rc darn_manifest_lower(struct darn_manifest *m, const char *path,
				 bool beyond, uint64_t *index,
				 struct darn_error *err)
{
	uint64_t lo = 0, hi = m->entries;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		struct darn_sealed_entry e;
		enum darn_rc rc = darn_manifest_get(m, mid, &e, err);
		bool before;

		if (rc)
			return rc;
		before = darn_path_cmp(e.path, path) < 0 ||
			 (beyond && darn_path_below(e.path, path));
		darn_sealed_entry_release(&e);
		if (before)
			lo = mid + 1;
		else
			hi = mid;
	}
	*index = lo;
	return DARN_OK;
}

enum darn_rc darn_manifest_find(struct darn_manifest *m, const char *path,
				struct darn_sealed_entry *out,
				struct darn_error *err)
{
	struct darn_sealed_entry e;
	uint64_t i = 0;
	enum darn_rc rc = darn_manifest_lower(m, path, false, &i, err);

	if (rc)
		return rc;
	if (i < m->entries) {
		rc = darn_manifest_get(m, i, &e, err);
		if (rc)
			return rc;
		if (strcmp(e.path, path) == 0) {
			*out = e;
			return DARN_OK;
		}
		darn_sealed_entry_release(&e);
	}
	return darn_fail(err, DARN_ENOENT, 0, "'%s' is not in '%s'", path,
			 m->io->name);
}

/* A group, checked; to be freed. */
static enum darn_rc read_group(const struct darn_manifest *m,
			       const struct darn_sealed_entry *e,
			       uint64_t chunk, uint8_t **out,
			       struct darn_error *err)
{
	uint64_t len = DARN_MIN(e->st.size - chunk * SEAL_CHUNK, SEAL_CHUNK);
	size_t size = darn_seal_group_size(e->block, m->frame, len);
	uint64_t off =
		e->groups +
		chunk * darn_seal_group_size(e->block, m->frame, SEAL_CHUNK);
	uint8_t *b = darn_calloc(1, size, err);
	enum darn_rc rc;

	if (!b)
		return DARN_ENOMEM;
	rc = get(m, b, size, off, "digests are cut", err);
	if (rc == DARN_OK &&
	    (darn_get_le64(b) != darn_seal_check(b + 8, size - 8, off) ||
	     darn_get_le32(b + 8) != darn_seal_parts(len, e->block)))
		rc = corrupt(m, off, "digests fail their check", err);
	if (rc) {
		free(b);
		return rc;
	}
	*out = b;
	return DARN_OK;
}

/*
 * Copies values [first, first + n) of entry @e, which stand per @part bytes of
 * the file; frames stand behind the digests of their group.
 */
static enum darn_rc values(struct darn_manifest *m,
			   const struct darn_sealed_entry *e, uint32_t part,
			   bool frames, uint64_t first, size_t n,
			   struct darn_hash128 *out, struct darn_error *err)
{
	uint64_t per = SEAL_CHUNK / part;
	uint64_t total = darn_seal_parts(e->st.size, part);

	if (first > total || n > total - first)
		return darn_fail(err, DARN_EINVAL, 0,
				 "block %" PRIu64 " is beyond the end of '%s'",
				 first, e->path);
	while (n > 0) {
		uint64_t chunk = first / per;
		size_t skip = (size_t)(first % per);
		size_t take = (size_t)DARN_MIN(n, per - skip);
		uint8_t *b, *at;
		enum darn_rc rc = read_group(m, e, chunk, &b, err);

		if (rc)
			return rc;
		at = b + SEAL_GROUP;
		if (frames)
			at += darn_get_le32(b + 8) * sizeof(*out);
		memcpy(out, at + skip * sizeof(*out), take * sizeof(*out));
		free(b);
		out += take;
		first += take;
		n -= take;
	}
	return DARN_OK;
}

enum darn_rc darn_manifest_digests(struct darn_manifest *m,
				   const struct darn_sealed_entry *e,
				   uint64_t first, size_t n,
				   struct darn_hash128 *out,
				   struct darn_error *err)
{
	if (n == 0)
		return DARN_OK;
	return values(m, e, e->block, false, first, n, out, err);
}

enum darn_rc darn_manifest_frames(struct darn_manifest *m,
				  const struct darn_sealed_entry *e,
				  uint64_t first, size_t n,
				  struct darn_hash128 *out,
				  struct darn_error *err)
{
	if (n == 0)
		return DARN_OK;
	if (m->frame == 0)
		return darn_fail(err, DARN_EINVAL, 0, "'%s' holds no frames",
				 m->io->name);
	return values(m, e, m->frame, true, first, n, out, err);
}

static enum darn_rc verify_entry(struct darn_manifest *m, uint64_t i,
				 struct darn_error *err)
{
	struct darn_sealed_entry e;
	enum darn_rc rc = darn_manifest_get(m, i, &e, err);
	uint64_t chunks;

	if (rc)
		return rc;
	chunks = e.nblocks ? darn_seal_parts(e.st.size, SEAL_CHUNK) : 0;
	for (uint64_t c = 0; rc == DARN_OK && c < chunks; c++) {
		uint8_t *b;

		rc = read_group(m, &e, c, &b, err);
		if (rc == DARN_OK)
			free(b);
	}
	darn_sealed_entry_release(&e);
	return rc;
}

enum darn_rc darn_manifest_verify(struct darn_manifest *m,
				  struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	for (uint64_t i = 0; rc == DARN_OK && i < m->entries; i++)
		rc = verify_entry(m, i, err);
	return rc;
}
