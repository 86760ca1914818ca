/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest_write.c - see write.h; layout.h has the bytes.
 *
 * w->lock guards the counters of a file's chunks and the rewriting of groups
 * that come in pieces.  Space is handed out by one thread only.
 */
#include "lib/seal/write.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/scan/report.h"
#include "lib/seal/layout.h"
#include "lib/seal/order.h"
#include "lib/seal/outfile.h"

struct darn_manifest_writer {
	struct darn_outfile out;
	struct darn_manifest_head head;
	uint32_t frame;
	uint64_t end;	  /* first byte not handed out */
	uint64_t entries; /* so far */
	uint64_t *top;	  /* offsets of the index blocks */
	size_t ntop, captop;
	uint8_t index[SEAL_INDEX]; /* the block being filled */
	char *last;		   /* path of the newest entry */
	bool unordered;		   /* the paths did not come in path order */
	pthread_mutex_t lock;
};

struct darn_sealing {
	struct darn_manifest_writer *w;
	struct darn_stat st;
	uint32_t block;
	uint64_t record; /* where the record goes */
	uint64_t groups;
	uint64_t whole; /* chunks written in one piece */
	char *path;
};

static void read_boot_id(char *out, size_t len)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f)
		return;
	if (fgets(out, (int)len, f))
		out[strcspn(out, "\n")] = '\0';
	(void)fclose(f);
}

void darn_boot_id(char out[40])
{
	memset(out, 0, 40);
	read_boot_id(out, 40);
}

static enum darn_rc put_lead(struct darn_manifest_writer *w,
			     struct darn_error *err)
{
	uint8_t lead[SEAL_LEAD];

	memcpy(lead, SEAL_MAGIC, 8);
	darn_put_le32(lead + 8, SEAL_VERSION);
	darn_put_le32(lead + 12, w->frame);
	darn_put_le64(lead + 16, darn_seal_check(lead, 16, 0));
	w->end = SEAL_LEAD;
	return darn_outfile_write(&w->out, lead, sizeof(lead), 0, err);
}

enum darn_rc darn_manifest_create(const char *path,
				  const struct darn_manifest_head *head,
				  uint32_t frame,
				  struct darn_manifest_writer **out,
				  struct darn_error *err)
{
	struct darn_manifest_writer *w = darn_calloc(1, sizeof(*w), err);
	struct timespec now;
	enum darn_rc rc;

	if (!w)
		return DARN_ENOMEM;
	(void)pthread_mutex_init(&w->lock, NULL);
	w->out = (struct darn_outfile)DARN_OUTFILE_INIT;
	w->head = *head;
	w->frame = frame;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	w->head.sealed_ns = now.tv_sec * 1000000000 + now.tv_nsec;
	darn_boot_id(w->head.boot_id);
	rc = darn_outfile_create(&w->out, path, err);
	if (rc == DARN_OK)
		rc = put_lead(w, err);
	if (rc) {
		darn_manifest_destroy(w);
		return rc;
	}
	*out = w;
	return DARN_OK;
}

/* Writes the index block that is full, or the last one. */
static enum darn_rc flush_index(struct darn_manifest_writer *w,
				struct darn_error *err)
{
	enum darn_rc rc = darn_grow((void **)&w->top, w->ntop, &w->captop,
				    sizeof(*w->top), err);

	if (rc)
		return rc;
	darn_put_le64(w->index + SEAL_INDEX - 8,
		      darn_seal_check(w->index, SEAL_INDEX - 8, w->end));
	rc = darn_outfile_write(&w->out, w->index, SEAL_INDEX, w->end, err);
	if (rc)
		return rc;
	w->top[w->ntop++] = w->end;
	w->end += SEAL_INDEX;
	memset(w->index, 0, sizeof(w->index));
	return DARN_OK;
}

static enum darn_rc add_to_index(struct darn_manifest_writer *w, uint64_t off,
				 struct darn_error *err)
{
	size_t slot = (size_t)(w->entries % SEAL_FANOUT);

	darn_put_le64(w->index + 8 * slot, off);
	w->entries++;
	return slot == SEAL_FANOUT - 1 ? flush_index(w, err) : DARN_OK;
}

static enum darn_rc remember_order(struct darn_manifest_writer *w,
				   const char *path, struct darn_error *err)
{
	char *copy = darn_strdup(path, err);

	if (!copy)
		return DARN_ENOMEM;
	if (w->last && darn_path_cmp(w->last, path) >= 0)
		w->unordered = true;
	free(w->last);
	w->last = copy;
	return DARN_OK;
}

static void pack_stat(uint8_t *r, const struct darn_stat *st)
{
	r[12] = (uint8_t)st->type;
	darn_put_le32(r + 20, st->mode);
	darn_put_le32(r + 24, st->uid);
	darn_put_le32(r + 28, st->gid);
	darn_put_le64(r + 32, st->size);
	darn_put_le64(r + 40, st->dev);
	darn_put_le64(r + 48, st->ino);
	darn_put_le64(r + 56, st->nlink);
	darn_put_le64(r + 64, st->blocks);
	darn_put_le64(r + 72, (uint64_t)st->mtime_ns);
	darn_put_le64(r + 80, (uint64_t)st->ctime_ns);
}

/* What a record says besides its stat. */
struct record {
	const char *path, *link;
	uint32_t block;
	uint64_t off, groups;
	bool settled;
};

static enum darn_rc put_record(struct darn_manifest_writer *w,
			       const struct record *what,
			       const struct darn_stat *st,
			       struct darn_error *err)
{
	size_t plen = strlen(what->path);
	size_t llen = what->link ? strlen(what->link) : 0;
	size_t len = SEAL_RECORD + plen + llen;
	uint8_t *r = darn_calloc(1, len, err);
	enum darn_rc rc;

	if (!r)
		return DARN_ENOMEM;
	pack_stat(r, st);
	darn_put_le32(r + 8, (uint32_t)len);
	r[13] = what->settled ? SEAL_SETTLED : 0;
	darn_put_le32(r + 16, what->block);
	darn_put_le64(r + 88, what->groups);
	darn_put_le32(r + 96, (uint32_t)plen);
	darn_put_le32(r + 100, (uint32_t)llen);
	memcpy(r + SEAL_RECORD, what->path, plen);
	if (llen)
		memcpy(r + SEAL_RECORD + plen, what->link, llen);
	darn_put_le64(r, darn_seal_check(r + 8, len - 8, what->off));
	rc = darn_outfile_write(&w->out, r, len, what->off, err);
	free(r);
	return rc;
}

/* Hands out @room bytes for an entry and puts it into the index. */
static enum darn_rc reserve(struct darn_manifest_writer *w, const char *path,
			    uint64_t room, uint64_t *off,
			    struct darn_error *err)
{
	enum darn_rc rc = remember_order(w, path, err);

	if (rc)
		return rc;
	if (strlen(path) >= SEAL_PATH_MAX)
		return darn_fail(err, DARN_EUNSUPPORTED, ENAMETOOLONG,
				 "cannot record '%.64s...'", path);
	*off = w->end;
	w->end += room;
	return add_to_index(w, *off, err);
}

enum darn_rc darn_manifest_add(struct darn_manifest_writer *w,
			       const struct darn_entry *e,
			       struct darn_error *err)
{
	struct record what = {.path = e->path, .link = e->link};
	size_t llen = e->link ? strlen(e->link) : 0;
	enum darn_rc rc;

	if (llen >= SEAL_PATH_MAX)
		return darn_fail(err, DARN_EUNSUPPORTED, ENAMETOOLONG,
				 "cannot record the link '%s'", e->path);
	rc = reserve(w, e->path, SEAL_RECORD + strlen(e->path) + llen,
		     &what.off, err);
	return rc ? rc : put_record(w, &what, &e->st, err);
}

enum darn_rc darn_manifest_begin(struct darn_manifest_writer *w,
				 const struct darn_entry *e, uint32_t block,
				 struct darn_sealing **out,
				 struct darn_error *err)
{
	uint64_t rec = SEAL_RECORD + strlen(e->path);
	struct darn_sealing *f;
	enum darn_rc rc;

	if (!darn_seal_pow2(block, SEAL_BLOCK_MIN))
		return darn_fail(err, DARN_EINVAL, 0,
				 "cannot seal by blocks of %u bytes", block);
	f = darn_calloc(1, sizeof(*f), err);
	if (!f)
		return DARN_ENOMEM;
	f->w = w;
	f->st = e->st;
	f->block = block;
	f->path = darn_strdup(e->path, err);
	rc = f->path ? reserve(w, e->path,
			       rec + darn_seal_groups_size(block, w->frame,
							   e->st.size),
			       &f->record, err)
		     : DARN_ENOMEM;
	if (rc) {
		darn_manifest_drop(f);
		return rc;
	}
	f->groups = f->record + rec;
	*out = f;
	return DARN_OK;
}

/* Where the group of a chunk is, and what it holds. */
struct group {
	uint64_t off;	/* in the manifest */
	uint64_t start; /* of the chunk, in the file */
	size_t len;	/* of the chunk */
	size_t size, ndigests, nframes;
};

static struct group group_of(const struct darn_sealing *f, uint64_t chunk)
{
	uint32_t frame = f->w->frame;
	struct group g;

	g.start = chunk * SEAL_CHUNK;
	g.len = (size_t)DARN_MIN(f->st.size - g.start, SEAL_CHUNK);
	g.off = f->groups +
		chunk * darn_seal_group_size(f->block, frame, SEAL_CHUNK);
	g.size = darn_seal_group_size(f->block, frame, g.len);
	g.ndigests = (size_t)darn_seal_parts(g.len, f->block);
	g.nframes = frame ? (size_t)darn_seal_parts(g.len, frame) : 0;
	return g;
}

/*
 * Enters what the bytes [off, off + len) of the chunk say; @off counts from
 * the chunk's start.
 */
static void fill_group(const struct darn_sealing *f, const struct group *g,
		       uint8_t *buf, size_t off, const uint8_t *bytes,
		       size_t len, const struct darn_hash128 *frames)
{
	size_t first = (off + f->block - 1) / f->block;
	uint8_t *at = buf + SEAL_GROUP;

	for (size_t i = first; i < g->ndigests; i++) {
		size_t from = i * f->block;
		size_t n = DARN_MIN(g->len - from, f->block);
		struct darn_hash128 h;

		if (from + n > off + len)
			break;
		h = darn_xxh3_128(bytes + (from - off), n, f->w->head.secret);
		memcpy(at + i * sizeof(h), &h, sizeof(h));
	}
	if (frames && g->nframes) {
		size_t at_frame = off / f->w->frame;
		size_t last = (off + len - 1) / f->w->frame;

		memcpy(at + (g->ndigests + at_frame) * sizeof(*frames), frames,
		       (last - at_frame + 1) * sizeof(*frames));
	}
}

static enum darn_rc put_group(const struct darn_sealing *f,
			      const struct group *g, uint8_t *buf,
			      struct darn_error *err)
{
	darn_put_le32(buf + 8, (uint32_t)g->ndigests);
	darn_put_le32(buf + 12, (uint32_t)g->nframes);
	darn_put_le64(buf, darn_seal_check(buf + 8, g->size - 8, g->off));
	return darn_outfile_write(&f->w->out, buf, g->size, g->off, err);
}

enum darn_rc darn_manifest_put(struct darn_sealing *f, uint64_t off,
			       const void *bytes, size_t len,
			       const struct darn_hash128 *frames,
			       struct darn_error *err)
{
	struct group g;
	enum darn_rc rc = DARN_OK;
	uint8_t *buf;
	bool whole;

	if (off >= f->st.size || len == 0)
		return DARN_OK; /* it grew: what is new is not sealed */
	g = group_of(f, off / SEAL_CHUNK);
	off -= g.start;
	len = DARN_MIN(len, g.len - (size_t)off);
	whole = off == 0 && len == g.len;
	buf = darn_calloc(1, g.size, err);
	if (!buf)
		return DARN_ENOMEM;
	(void)pthread_mutex_lock(&f->w->lock);
	f->whole += whole;
	if (whole)
		(void)pthread_mutex_unlock(&f->w->lock);
	else
		rc = darn_outfile_read(&f->w->out, buf, g.size, g.off, err);
	if (rc == DARN_OK) {
		fill_group(f, &g, buf, (size_t)off, bytes, len, frames);
		rc = put_group(f, &g, buf, err);
	}
	if (!whole)
		(void)pthread_mutex_unlock(&f->w->lock);
	free(buf);
	return rc;
}

/* Groups that were never written get a valid frame with no digest in it. */
static enum darn_rc fill_absent(struct darn_sealing *f, struct darn_error *err)
{
	uint64_t n = darn_seal_parts(f->st.size, SEAL_CHUNK);
	enum darn_rc rc = DARN_OK;

	for (uint64_t i = 0; rc == DARN_OK && i < n; i++) {
		struct group g = group_of(f, i);
		uint8_t *buf = darn_calloc(1, g.size, err);

		if (!buf)
			return DARN_ENOMEM;
		rc = darn_outfile_read(&f->w->out, buf, SEAL_GROUP, g.off, err);
		if (rc == DARN_OK && darn_all_zero(buf, SEAL_GROUP))
			rc = put_group(f, &g, buf, err);
		free(buf);
	}
	return rc;
}

enum darn_rc darn_manifest_end(struct darn_sealing *f, bool settled,
			       struct darn_error *err)
{
	struct record what = {
		.path = f->path,
		.block = f->block,
		.off = f->record,
		.groups = f->groups,
		.settled = settled,
	};
	enum darn_rc rc = DARN_OK;

	if (f->whole != darn_seal_parts(f->st.size, SEAL_CHUNK))
		rc = fill_absent(f, err);
	if (rc == DARN_OK)
		rc = put_record(f->w, &what, &f->st, err);
	darn_manifest_drop(f);
	return rc;
}

void darn_manifest_drop(struct darn_sealing *f)
{
	if (f)
		free(f->path);
	free(f);
}

static enum darn_rc put_top(struct darn_manifest_writer *w,
			    struct darn_error *err)
{
	size_t len = 8 * (w->ntop + 1);
	uint8_t *buf = darn_calloc(1, len, err);
	enum darn_rc rc;

	if (!buf)
		return DARN_ENOMEM;
	for (size_t i = 0; i < w->ntop; i++)
		darn_put_le64(buf + 8 * i, w->top[i]);
	darn_put_le64(buf + len - 8, darn_seal_check(buf, len - 8, w->end));
	rc = darn_outfile_write(&w->out, buf, len, w->end, err);
	w->end += len;
	free(buf);
	return rc;
}

static enum darn_rc put_head(struct darn_manifest_writer *w, size_t *len,
			     uint64_t *check, struct darn_error *err)
{
	const struct darn_manifest_head *h = &w->head;
	uint8_t buf[SEAL_HEAD + sizeof(h->root)] = {0};
	size_t rlen = strnlen(h->root, sizeof(h->root));

	*len = SEAL_HEAD + rlen;
	darn_put_le32(buf + 8, h->fuzzy ? SEAL_FUZZY : 0);
	darn_put_le32(buf + 12, (uint32_t)rlen);
	darn_put_le64(buf + 16, (uint64_t)h->sealed_ns);
	memcpy(buf + 24, h->boot_id, 40);
	memcpy(buf + 64, h->store, 32);
	memcpy(buf + 96, h->secret, sizeof(h->secret));
	memcpy(buf + SEAL_HEAD, h->root, rlen);
	*check = darn_seal_check(buf + 8, *len - 8, w->end);
	darn_put_le64(buf, *check);
	return darn_outfile_write(&w->out, buf, *len, w->end, err);
}

static enum darn_rc put_tail(struct darn_manifest_writer *w,
			     struct darn_error *err)
{
	uint8_t t[SEAL_TRAILER] = {0};
	uint64_t top = w->end, check = 0;
	enum darn_rc rc = put_top(w, err);
	size_t len = 0;

	if (rc == DARN_OK)
		rc = put_head(w, &len, &check, err);
	if (rc)
		return rc;
	memcpy(t, SEAL_END_MAGIC, 8);
	darn_put_le64(t + 8, w->entries);
	darn_put_le64(t + 16, top);
	darn_put_le64(t + 24, w->end);
	darn_put_le64(t + 32, len);
	w->end += len;
	darn_put_le64(t + 40, w->end + SEAL_TRAILER);
	darn_put_le64(t + 48, check);
	darn_put_le64(t + 56, darn_seal_check(t, 56, w->end));
	return darn_outfile_write(&w->out, t, sizeof(t), w->end, err);
}

enum darn_rc darn_manifest_commit(struct darn_manifest_writer *w, bool fuzzy,
				  struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	w->head.fuzzy = fuzzy;
	if (w->entries % SEAL_FANOUT)
		rc = flush_index(w, err);
	if (rc == DARN_OK && w->unordered)
		rc = darn_seal_sort_index(&w->out, w->top, w->ntop, w->entries,
					  err);
	if (rc == DARN_OK)
		rc = put_tail(w, err);
	return rc ? rc : darn_outfile_commit(&w->out, err);
}

void darn_manifest_destroy(struct darn_manifest_writer *w)
{
	if (!w)
		return;
	darn_outfile_release(&w->out);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->top);
	free(w->last);
	free(w);
}
