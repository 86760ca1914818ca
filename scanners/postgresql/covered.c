/* SPDX-License-Identifier: Apache-2.0 */
/*
 * covered.c - one walk over the log from a source's redo point to the end.
 *
 * The source must be an ancestor of the cluster, not a copy that went its own
 * way under the same system identifier: the checkpoint that its control file
 * names has to be in this log, with the very same content.  And it must not
 * have been started since: either stopped in good order, or a base backup.
 *
 * Not covered are relations that were made or truncated on the way, unlogged
 * ones, and the two maps: the log changes the visibility map without naming
 * its blocks, and the free-space map not at all.
 */
#include "scanners/postgresql/covered.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/parting.h"

enum {
	MAX_SOURCES = 4,
	MAX_EVENTS = 1 << 16,
	CHECKPOINT_AT = 40, /* in the control file */
	CHECKPOINT_LEN = 88,
	WAL_LEVEL_REPLICA = 1,
	/* src/include/access/rmgrlist.h */
	RM_XLOG = 0,
	RM_SMGR = 2,
	RM_DATABASE = 4,
	SMGR_CREATE = 0x10,
	SMGR_TRUNCATE = 0x20,
};

struct event {
	uint32_t spc, db, node;
};

struct cover {
	const struct darn_pg *of;
	uint8_t key[DARN_PG_CONTROL_LEN]; /* the source's control file */
	uint64_t redo_lsn;
	struct darn_pg_blockmap last;
	struct event *events; /* relations made or truncated, unsorted */
	size_t nevents, events_cap;
	bool usable;
	char why[160];
	/* while walking */
	const struct darn_pg *src;
	uint64_t end_lsn;
	bool ancestor;
};

/* Where a source has parted from the cluster. */
struct road {
	const struct darn_pg *src; /* copies may have equal control files */
	uint8_t key[DARN_PG_CONTROL_LEN];
	uint64_t at;
	bool parted;
	struct darn_sink *own; /* what its own rules say; NULL: not asked */
};

struct darn_pg_covers {
	struct cover *sources[MAX_SOURCES];
	size_t n;
	struct road roads[MAX_SOURCES];
	size_t nroads, next_road;
};

enum darn_rc darn_pg_covers_create(struct darn_pg_covers **out,
				   struct darn_error *err)
{
	*out = darn_calloc(1, sizeof(**out), err);
	return *out ? DARN_OK : DARN_ENOMEM;
}

static void release(struct cover *c)
{
	if (!c)
		return;
	darn_pg_blockmap_release(&c->last);
	free(c->events);
	free(c);
}

void darn_pg_covers_destroy(struct darn_pg_covers *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		release(c->sources[i]);
	for (size_t i = 0; i < c->nroads; i++)
		darn_sink_destroy(c->roads[i].own);
	free(c);
}

/* ---- the walk ---- */

DARN_PRINTF(2, 3)
static void refuse(struct cover *c, const char *fmt, ...)
{
	va_list ap;

	if (!c->usable)
		return;
	c->usable = false;
	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

static enum darn_rc add_event(struct cover *c, const struct darn_pg_record *r,
			      struct darn_error *err)
{
	size_t at = (r->info & 0xf0) == SMGR_TRUNCATE ? 4 : 0;
	enum darn_rc rc;

	if (!r->main_data || r->main_len < at + 12 ||
	    c->nevents >= MAX_EVENTS) {
		refuse(c, "the log makes or truncates too many relations");
		return DARN_OK;
	}
	rc = darn_grow((void **)&c->events, c->nevents, &c->events_cap,
		       sizeof(*c->events), err);
	if (rc)
		return rc;
	c->events[c->nevents++] = (struct event){
		.spc = darn_get_le32(r->main_data + at),
		.db = darn_get_le32(r->main_data + at + 4),
		.node = darn_get_le32(r->main_data + at + 8),
	};
	return DARN_OK;
}

static enum darn_rc on_record(const struct darn_pg_record *r, void *payload,
			      struct darn_error *err)
{
	const uint8_t *checkpoint;
	struct cover *c = payload;
	enum darn_rc rc = DARN_OK;

	c->end_lsn = r->end_lsn;
	checkpoint = c->src->control.raw + CHECKPOINT_AT;
	if (r->lsn == c->src->control.checkpoint_lsn && r->rmid == RM_XLOG &&
	    r->main_data && r->main_len == CHECKPOINT_LEN &&
	    memcmp(r->main_data, checkpoint, CHECKPOINT_LEN) == 0)
		c->ancestor = true;
	if (!r->understood)
		refuse(c, "the log has a record that is not understood");
	if (r->rmid == RM_DATABASE)
		refuse(c, "a database was made, moved or dropped since");
	if (r->rmid == RM_SMGR && ((r->info & 0xf0) == SMGR_CREATE ||
				   (r->info & 0xf0) == SMGR_TRUNCATE))
		rc = add_event(c, r, err);
	for (unsigned i = 0; rc == DARN_OK && i < r->nblocks; i++)
		rc = darn_pg_blockmap_put(&c->last, &r->blocks[i], r->end_lsn,
					  false, err);
	return rc;
}

/* May the log be asked about this source at all? */
static bool comparable(struct cover *c, const struct darn_pg *pg)
{
	const struct darn_pg *src = c->src;

	if (!pg->control.valid || !src->control.valid ||
	    pg->control.sysid != src->control.sysid)
		refuse(c, "it is not known to be the same cluster");
	else if (!pg->log.known || src->start.tli != pg->log.tli)
		refuse(c, "its timeline is not that of the log here");
	else if (!src->base_backup && !darn_pg_clean(&src->control))
		refuse(c, "it was neither stopped in good order nor is it a "
			  "base backup");
	else if (pg->control.wal_level < WAL_LEVEL_REPLICA)
		refuse(c, "wal_level is minimal");
	return c->usable;
}

static struct cover *walk(const struct darn_pg *pg, const struct darn_pg *src)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct cover *c = darn_calloc(1, sizeof(*c), &err);
	enum darn_rc rc;

	if (!c)
		return NULL;
	memcpy(c->key, src->control.raw, sizeof(c->key));
	c->of = src;
	c->redo_lsn = src->redo_lsn;
	c->src = src;
	c->usable = true;
	if (!comparable(c, pg))
		return c;
	rc = darn_pg_wal_walk(pg->tree, pg->log.tli, src->redo_lsn,
			      pg->control.wal_segment_size, on_record, c, &err);
	if (rc)
		refuse(c, "%s", err.msg);
	else if (!c->ancestor || c->end_lsn != pg->log.end_lsn)
		refuse(c,
		       "the log here does not reach from %s, where it was "
		       "taken, to its end",
		       darn_pg_lsn_text(src->redo_lsn).s);
	else if (src->log.known && src->log.end_lsn > pg->log.end_lsn)
		refuse(c, "its own log goes on to %s, the one here ends at %s",
		       darn_pg_lsn_text(src->log.end_lsn).s,
		       darn_pg_lsn_text(pg->log.end_lsn).s);
	c->src = NULL;
	return c;
}

/* ---- the question ---- */

static struct cover *find(struct darn_pg_covers *covers,
			  const struct darn_pg *pg, const struct darn_pg *src)
{
	struct cover *c;

	for (size_t i = 0; i < covers->n; i++) {
		c = covers->sources[i];
		if (c->of == src && c->redo_lsn == src->redo_lsn &&
		    memcmp(c->key, src->control.raw, sizeof(c->key)) == 0)
			return c;
	}
	if (covers->n == MAX_SOURCES) {
		release(covers->sources[0]);
		covers->n--;
		memmove(covers->sources, covers->sources + 1,
			covers->n * sizeof(covers->sources[0]));
	}
	c = walk(pg, src);
	if (c)
		covers->sources[covers->n++] = c;
	return c;
}

static struct road *road_to(const struct darn_pg *pg, const struct darn_pg *src)
{
	struct darn_pg_covers *covers = pg->covers;
	struct road *r;

	for (size_t i = 0; i < covers->nroads; i++) {
		r = &covers->roads[i];
		if (r->src == src &&
		    memcmp(r->key, src->control.raw, sizeof(r->key)) == 0)
			return r;
	}
	r = &covers->roads[covers->next_road];
	covers->next_road = (covers->next_road + 1) % MAX_SOURCES;
	covers->nroads = DARN_MIN(covers->nroads + 1, (size_t)MAX_SOURCES);
	r->src = src;
	memcpy(r->key, src->control.raw, sizeof(r->key));
	r->parted = darn_pg_parted(pg, src, &r->at);
	darn_sink_destroy(r->own);
	r->own = NULL;
	return r;
}

bool darn_pg_has_parted(const struct darn_pg *pg, const struct darn_pg *src,
			uint64_t *at)
{
	const struct road *r = road_to(pg, src);

	*at = r->at;
	return r->parted;
}

bool darn_pg_source_holds(const struct darn_pg *pg, const struct darn_pg *src,
			  const char *path, bool *known)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct road *r = road_to(pg, src);
	bool holds = true;

	*known = false;
	if (!r->own) {
		r->own = darn_sink_create(&err);
		if (!r->own)
			return false;
		if (darn_pg_expect(src, src->tree, r->own, &err))
			darn_sink_error(r->own, "", err.msg);
	}
	*known = darn_sink_status(r->own, &err) == DARN_OK &&
		 darn_sink_nerrors(r->own) == 0;
	for (size_t i = 0; holds && i < darn_sink_nfound(r->own); i++) {
		struct darn_found f = darn_sink_found(r->own, i);

		holds = !f.path || strcmp(f.path, path) != 0;
	}
	return holds;
}

static bool has_event(const struct cover *c, const struct darn_pg_rel *rel)
{
	for (size_t i = 0; i < c->nevents; i++)
		if (c->events[i].node == rel->node &&
		    c->events[i].db == rel->db && c->events[i].spc == rel->spc)
			return true;
	return false;
}

static enum darn_pg_since ask(const struct cover *c,
			      const struct darn_pg_rel *rel, uint32_t block,
			      bool whole, uint64_t *lsn)
{
	if (whole)
		return darn_pg_blockmap_touches(&c->last, rel) || c->last.full
			       ? DARN_PG_SINCE_UNKNOWN
			       : DARN_PG_SINCE_UNTOUCHED;
	if (darn_pg_blockmap_get(&c->last, rel, block, lsn))
		return DARN_PG_SINCE_CHANGED;
	return c->last.full ? DARN_PG_SINCE_UNKNOWN : DARN_PG_SINCE_UNTOUCHED;
}

enum darn_pg_since darn_pg_since(const struct darn_pg *pg,
				 const struct darn_pg *src,
				 const struct darn_pg_rel *rel, uint32_t block,
				 bool whole, uint64_t *lsn, char *why,
				 size_t why_size)
{
	enum darn_pg_since answer = DARN_PG_SINCE_UNKNOWN;
	const struct cover *c;

	if (rel->fork == DARN_PG_FSM || rel->fork == DARN_PG_VM) {
		(void)snprintf(why, why_size,
			       "the log does not name its "
			       "changes");
		return answer;
	}
	c = find(pg->covers, pg, src);
	if (!c) {
		(void)snprintf(why, why_size, "there is no memory to ask");
	} else if (!c->usable) {
		(void)snprintf(why, why_size, "%s", c->why);
	} else if (has_event(c, rel)) {
		(void)snprintf(why, why_size,
			       "the relation was made or truncated since");
	} else {
		answer = ask(c, rel, block, whole, lsn);
		if (answer == DARN_PG_SINCE_UNKNOWN)
			(void)snprintf(why, why_size,
				       "the log changed the relation since");
	}
	return answer;
}
