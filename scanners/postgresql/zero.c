/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zero.c - which pages of zeros may be there.
 *
 * The server makes a file longer by a page of zeros and fills it later.  So
 * they are normal at the end of a relation, and in the middle of hash and
 * SP-GiST indexes and of the free-space and visibility maps; after a crash also
 * where recovery will fill them, and wherever the free-space map calls a block
 * all free: tables that several clients fill grow by many blocks at a time.
 * In a file that no relation has they are what a crash left while it was made.
 * In the middle of other relations a crash may leave one, but so does a disk
 * that forgets: suspicious.  Where the log that is still here gave the block
 * content, it is damage.
 *
 * The log is asked about many blocks in one walk: runs of zeros are gathered
 * until there are DARN_PG_MENTIONS_MAX blocks.
 */
#include "scanners/postgresql/zero.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/am.h"
#include "scanners/postgresql/codes.h"
#include "scanners/postgresql/expect.h"
#include "scanners/postgresql/fsm.h"

enum {
	TAIL_STEP = 1 << 16, /* bytes read at a time */
	/* Walks over the log; what is asked beyond them is not known. */
	MAX_WALKS = 16,
	/* Files whose row is looked for; others are taken to have one. */
	MAX_LOOKS = 16
};

/* The file that the latest runs lie in. */
struct zero_file {
	char *path, *first; /* @first: of the relation's first segment */
	struct darn_pg_rel rel;
	uint64_t tail_off;    /* zeros from here on are the relation's end */
	enum darn_pg_code in; /* what zeros before that are */
	bool looked;	      /* for its row in the catalogue */
};

struct zero_run {
	size_t file;
	uint64_t off;
	uint32_t block, nblocks;
};

struct darn_pg_zero {
	const struct darn_pg *pg;
	struct darn_tree *t;
	struct darn_sink *sink;
	struct zero_file *files;
	size_t nfiles, files_cap;
	struct zero_run *runs;
	size_t nruns, runs_cap;
	struct darn_pg_mention *asked;
	size_t nasked;
	unsigned walks;
	unsigned looks;
	bool told; /* that not all could be asked about */
	struct darn_pg_fsm map;
	uint8_t buf[TAIL_STEP];
};

enum darn_rc darn_pg_zero_create(const struct darn_pg *pg, struct darn_tree *t,
				 struct darn_sink *sink,
				 struct darn_pg_zero **out,
				 struct darn_error *err)
{
	struct darn_pg_zero *z = darn_calloc(1, sizeof(*z), err);

	if (!z)
		return DARN_ENOMEM;
	z->pg = pg;
	z->t = t;
	z->sink = sink;
	z->asked = darn_calloc(DARN_PG_MENTIONS_MAX, sizeof(*z->asked), err);
	if (!z->asked) {
		free(z);
		return DARN_ENOMEM;
	}
	*out = z;
	return DARN_OK;
}

static void forget(struct darn_pg_zero *z)
{
	for (size_t i = 0; i < z->nfiles; i++) {
		free(z->files[i].path);
		free(z->files[i].first);
	}
	z->nfiles = 0;
	z->nruns = 0;
	z->nasked = 0;
}

void darn_pg_zero_destroy(struct darn_pg_zero *z)
{
	if (!z)
		return;
	forget(z);
	free(z->files);
	free(z->runs);
	free(z->asked);
	free(z);
}

/* ---- what is normal in a file ---- */

/* The path of another segment of the same fork; NULL: no memory. */
static char *segment_path(const char *path, uint32_t segment,
			  struct darn_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(path, '.');
	size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - path)
						     : strlen(path);

	if (segment == 0)
		return darn_asprintf(err, "%.*s", (int)stem, path);
	return darn_asprintf(err, "%.*s.%u", (int)stem, path, segment);
}

/* Where the zeros at the end of a file of whole pages begin. */
static uint64_t zeros_from(struct darn_pg_zero *z, struct darn_io *io,
			   uint64_t size)
{
	struct darn_error why = DARN_ERROR_INIT;

	while (size > 0) {
		size_t step = size % TAIL_STEP ? size % TAIL_STEP : TAIL_STEP;

		if (darn_io_read_full(io, z->buf, step, size - step, &why))
			return size;
		if (darn_all_zero(z->buf, step)) {
			size -= step;
			continue;
		}
		while (darn_all_zero(z->buf + step - DARN_PG_PAGE,
				     DARN_PG_PAGE)) {
			step -= DARN_PG_PAGE;
			size -= DARN_PG_PAGE;
		}
		return size;
	}
	return 0;
}

/*
 * Zeros behind the last page in use are the relation's end; but not where
 * another segment follows.
 */
static enum darn_rc find_tail(struct darn_pg_zero *z, struct zero_file *f,
			      struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	char *next = segment_path(f->path, f->rel.segment + 1, err);
	struct darn_stat st;
	struct darn_io *io;
	bool last;

	if (!next)
		return DARN_ENOMEM;
	last = darn_tree_stat(z->t, next, &st, &why) || st.size == 0;
	free(next);
	f->tail_off = UINT64_MAX;
	darn_error_clear(&why);
	if (!last || darn_tree_open(z->t, f->path, &io, &why))
		return DARN_OK;
	if (darn_io_stat(io, &st, &why) == DARN_OK)
		f->tail_off =
			zeros_from(z, io, st.size - st.size % DARN_PG_PAGE);
	darn_io_close(io);
	return DARN_OK;
}

static void find_normal(struct darn_pg_zero *z, struct zero_file *f)
{
	enum darn_pg_am am;

	f->in = DARN_PG_PAGE_EMPTY;
	if (f->rel.fork != DARN_PG_MAIN)
		return;
	am = darn_pg_am_of_file(z->pg, z->t, f->first);
	/* SP-GiST sets pages aside without writing them. */
	if (am != DARN_PG_AM_UNKNOWN && am != DARN_PG_AM_HASH &&
	    am != DARN_PG_AM_SPGIST)
		f->in = DARN_PG_PAGE_ZEROED;
}

static enum darn_rc add_file(struct darn_pg_zero *z, const char *path,
			     const struct darn_pg_rel *rel,
			     struct darn_error *err)
{
	struct zero_file f = {.rel = *rel};
	enum darn_rc rc;

	rc = darn_grow((void **)&z->files, z->nfiles, &z->files_cap, sizeof(f),
		       err);
	if (rc)
		return rc;
	f.path = darn_strdup(path, err);
	f.first = segment_path(path, 0, err);
	rc = f.path && f.first ? find_tail(z, &f, err) : DARN_ENOMEM;
	if (rc) {
		free(f.path);
		free(f.first);
		return rc;
	}
	find_normal(z, &f);
	z->files[z->nfiles++] = f;
	return DARN_OK;
}

/* ---- the verdict ---- */

static int compare_mentions(const void *a, const void *b)
{
	const struct darn_pg_mention *x = a, *y = b;
	uint64_t left[5] = {x->spc, x->db, x->node, x->fork, x->block};
	uint64_t right[5] = {y->spc, y->db, y->node, y->fork, y->block};

	for (int i = 0; i < 5; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

/* The LSN of the change that the page has lost, or 0. */
static uint64_t lost_change(const struct darn_pg_zero *z,
			    const struct darn_pg_rel *rel, uint32_t block)
{
	const struct darn_pg *pg = z->pg;
	struct darn_pg_mention key = {.spc = rel->spc,
				      .db = rel->db,
				      .node = rel->node,
				      .fork = rel->fork,
				      .block = block};
	const struct darn_pg_mention *m = bsearch(
		&key, z->asked, z->nasked, sizeof(key), compare_mentions);

	if (!m || m->lsn == 0)
		return 0;
	if (darn_pg_clean(&pg->start) || m->lsn <= pg->redo_lsn)
		return m->lsn;
	/* The change lies in what recovery replays, which needs the page. */
	if (pg->pending.complete &&
	    !darn_pg_pending_writes(&pg->pending, rel, block))
		return m->lsn;
	return 0;
}

static void report_block(const struct darn_pg_zero *z,
			 const struct zero_file *f, uint64_t off,
			 uint32_t block, uint64_t lost)
{
	struct darn_place where = {
		.path = f->path, .off = off, .len = DARN_PG_PAGE};
	struct darn_pg_lsn_text lsn = darn_pg_lsn_text(lost);

	if (lost)
		darn_pg_report(z->sink, DARN_PG_PAGE_ZEROED_IN_USE, where,
			       DARN_DETAILS(DARN_DEC("block", block),
					    DARN_STR("log_lsn", lsn.s)));
	else
		darn_pg_report(z->sink, DARN_PG_PAGE_ZEROED, where,
			       DARN_DETAILS(DARN_DEC("block", block)));
}

static void report_empty(const struct darn_pg_zero *z,
			 const struct zero_file *f, uint64_t off, uint64_t len)
{
	if (len)
		darn_pg_report(
			z->sink, DARN_PG_PAGE_EMPTY,
			(struct darn_place){
				.path = f->path, .off = off, .len = len},
			DARN_DETAILS(DARN_DEC("pages", len / DARN_PG_PAGE)));
}

/* A crash while an index or a table is made leaves its file as it was then. */
static bool is_orphan(struct darn_pg_zero *z, struct zero_file *f)
{
	if (f->looked || f->rel.fork != DARN_PG_MAIN || z->looks >= MAX_LOOKS)
		return false;
	f->looked = true;
	z->looks++;
	if (darn_pg_is_orphan(z->pg, z->t, &f->rel))
		f->in = DARN_PG_PAGE_EMPTY;
	return f->in == DARN_PG_PAGE_EMPTY;
}

/* Is it normal that @block of @f, at @off, is all zero? */
static bool is_normal(struct darn_pg_zero *z, struct zero_file *f, uint64_t off,
		      uint32_t block)
{
	return off >= f->tail_off || f->in == DARN_PG_PAGE_EMPTY ||
	       darn_pg_pending_writes(&z->pg->pending, &f->rel, block) ||
	       darn_pg_fsm_all_free(&z->map, z->pg, z->t, f->first, block) ||
	       is_orphan(z, f);
}

/* Normal pages are told by the run, all others one by one. */
static void report_run(struct darn_pg_zero *z, const struct zero_run *r)
{
	struct zero_file *f = &z->files[r->file];
	uint64_t end = r->off + (uint64_t)r->nblocks * DARN_PG_PAGE;
	uint64_t empty_off = r->off;

	for (uint32_t i = 0; i < r->nblocks; i++) {
		uint64_t off = r->off + (uint64_t)i * DARN_PG_PAGE;
		uint64_t lost = lost_change(z, &f->rel, r->block + i);

		if (!lost && is_normal(z, f, off, r->block + i))
			continue;
		report_empty(z, f, empty_off, off - empty_off);
		report_block(z, f, off, r->block + i, lost);
		empty_off = off + DARN_PG_PAGE;
	}
	report_empty(z, f, empty_off, end - empty_off);
}

/* Zeros that only the log could tell from lost pages were not asked about. */
static void tell_unasked(struct darn_pg_zero *z)
{
	bool matters = false;

	for (size_t i = 0; i < z->nruns && !matters; i++) {
		const struct zero_file *f = &z->files[z->runs[i].file];

		matters = f->in == DARN_PG_PAGE_ZEROED &&
			  z->runs[i].off < f->tail_off;
	}
	if (!matters || z->told)
		return;
	z->told = true;
	darn_sink_error(z->sink, "",
			"too many pages of zeros to ask the log about each");
}

/* Asks the log, reports all runs gathered and forgets them. */
static enum darn_rc flush(struct darn_pg_zero *z, struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;

	if (z->nasked && z->walks < MAX_WALKS) {
		z->walks++;
		rc = darn_pg_wal_mentions(z->t, &z->pg->start, z->asked,
					  z->nasked, err);
	} else if (z->nasked) {
		tell_unasked(z);
		z->nasked = 0;
	}
	for (size_t i = 0; rc == DARN_OK && i < z->nruns; i++)
		report_run(z, &z->runs[i]);
	forget(z);
	return rc;
}

/* ---- gathering ---- */

static bool ask_log(const struct darn_pg_zero *z, const struct darn_pg_rel *rel)
{
	return z->pg->log.known && z->pg->start.valid &&
	       (rel->fork == DARN_PG_MAIN || rel->fork == DARN_PG_INIT);
}

/* The run of @n blocks fits. */
static enum darn_rc add_run(struct darn_pg_zero *z, uint64_t off, uint32_t n,
			    struct darn_error *err)
{
	size_t file = z->nfiles - 1;
	const struct darn_pg_rel *rel = &z->files[file].rel;
	uint32_t block = rel->segment * z->pg->segment_blocks +
			 (uint32_t)(off / DARN_PG_PAGE);
	enum darn_rc rc = darn_grow((void **)&z->runs, z->nruns, &z->runs_cap,
				    sizeof(*z->runs), err);

	if (rc)
		return rc;
	z->runs[z->nruns++] = (struct zero_run){
		.file = file, .off = off, .block = block, .nblocks = n};
	if (!ask_log(z, rel))
		return DARN_OK;
	for (uint32_t i = 0; i < n; i++)
		z->asked[z->nasked++] =
			(struct darn_pg_mention){.spc = rel->spc,
						 .db = rel->db,
						 .node = rel->node,
						 .fork = rel->fork,
						 .block = block + i};
	return DARN_OK;
}

enum darn_rc darn_pg_zero_note(struct darn_pg_zero *z,
			       const struct darn_note *note,
			       struct darn_error *err)
{
	uint64_t off = note->off, left = note->value[0] / DARN_PG_PAGE;
	struct darn_pg_rel rel;
	enum darn_rc rc = DARN_OK;

	if (!darn_pg_rel_parse(note->path, &rel))
		return DARN_OK;
	while (rc == DARN_OK && left > 0) {
		uint64_t room = DARN_PG_MENTIONS_MAX - z->nasked;
		uint64_t n = DARN_MIN(left, room);

		if (z->nruns >= DARN_PG_MENTIONS_MAX || n == 0) {
			rc = flush(z, err);
			continue;
		}
		if (z->nfiles == 0 ||
		    strcmp(z->files[z->nfiles - 1].path, note->path) != 0)
			rc = add_file(z, note->path, &rel, err);
		if (rc == DARN_OK)
			rc = add_run(z, off, (uint32_t)n, err);
		off += n * DARN_PG_PAGE;
		left -= n;
	}
	return rc;
}

enum darn_rc darn_pg_zero_end(struct darn_pg_zero *z, struct darn_error *err)
{
	return flush(z, err);
}
