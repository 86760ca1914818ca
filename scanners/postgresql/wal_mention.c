/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_mention.c - which of some blocks the log gave content to.
 *
 * A record that names a block leaves it with content, whatever it does; what
 * takes the content away again is a truncation, the removal of the relation
 * or of its database, or a relation that is made anew under the same number.
 * Such records name no blocks, so that their main data are looked at:
 *
 *	smgr create	u32 space, database, file, fork
 *	smgr truncate	u32 first block gone; u32 space, database, file; flags
 *	commit, abort	i64 time; then by flags: u32 flags; 2 u32; u32 n and
 *			n u32; u32 n and n relations, which are gone
 *	database	u32 database, space, ...
 *
 * Where the log is broken, such a record may have been lost: all answers so
 * far are forgotten and the walk goes on behind the break.
 */
#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "scanners/postgresql/wal_walk.h"

enum {
	SMGR_CREATE = 0x10,
	SMGR_TRUNCATE = 0x20,
	TRUNCATE_MAIN = 1u << 0,
	TRUNCATE_VM = 1u << 1,
	TRUNCATE_FSM = 1u << 2,
	/* heap pages per page of the visibility map: 2 bits each */
	VM_HEAP_PAGES = (DARN_PG_PAGE - 24) * 4,
	XACT_OP = 0x70,
	XACT_COMMIT = 0x00,
	XACT_ABORT = 0x20,
	XACT_COMMIT_PREPARED = 0x30,
	XACT_ABORT_PREPARED = 0x40,
	XACT_HAS_INFO = 0x80,
	XACT_DBINFO = 1u << 0,
	XACT_SUBXACTS = 1u << 1,
	XACT_RELATIONS = 1u << 2,
	ANY_FORK = -1,
	FILTER_BITS = 1 << 16,
};

struct mentions {
	struct darn_pg_mention *set;
	size_t n;
	/* A bit per hash of (file, block): most blocks are not asked about. */
	uint8_t filter[FILTER_BITS / 8];
};

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_file(const struct darn_pg_mention *a,
			const struct darn_pg_mention *b)
{
	int c = compare_u32(a->spc, b->spc);

	if (!c)
		c = compare_u32(a->db, b->db);
	return c ? c : compare_u32(a->node, b->node);
}

static int compare(const void *va, const void *vb)
{
	const struct darn_pg_mention *a = va;
	const struct darn_pg_mention *b = vb;
	int c = compare_file(a, b);

	if (!c)
		c = compare_u32(a->fork, b->fork);
	return c ? c : compare_u32(a->block, b->block);
}

static size_t slot(uint32_t node, uint32_t block)
{
	uint32_t h = (node * 0x9e3779b1u) ^ (block * 0x85ebca6bu);

	return (h ^ h >> 15) % FILTER_BITS;
}

/* The first of the set that is not before @key. */
static size_t lower_bound(const struct mentions *m,
			  const struct darn_pg_mention *key)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(&m->set[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void mention(struct mentions *m, const struct darn_pg_wal_block *b,
		    uint64_t lsn)
{
	struct darn_pg_mention key = {.spc = b->spc,
				      .db = b->db,
				      .node = b->node,
				      .block = b->block,
				      .fork = b->fork};
	size_t bit = slot(b->node, b->block);

	if (!(m->filter[bit / 8] >> (bit % 8) & 1))
		return;
	for (size_t i = lower_bound(m, &key);
	     i < m->n && compare(&m->set[i], &key) == 0; i++)
		m->set[i].lsn = lsn;
}

/* Blocks of @fork (or any) from @block on are gone. */
static void forget(struct mentions *m, const uint32_t rel[3], int fork,
		   uint32_t block)
{
	struct darn_pg_mention key = {
		.spc = rel[0], .db = rel[1], .node = rel[2]};

	for (size_t i = lower_bound(m, &key);
	     i < m->n && compare_file(&m->set[i], &key) == 0; i++)
		if ((fork == ANY_FORK || (int)m->set[i].fork == fork) &&
		    m->set[i].block >= block)
			m->set[i].lsn = 0;
}

static void take_rel(struct darn_cursor *c, uint32_t rel[3])
{
	for (int i = 0; i < 3; i++)
		rel[i] = darn_le32(c);
}

static void on_smgr(struct mentions *m, const struct darn_pg_record *r)
{
	struct darn_cursor c;
	uint32_t rel[3], block, flags;

	darn_cursor_init(&c, r->main_data, r->main_len);
	if ((r->info & DARN_PG_INFO_RMGR) == SMGR_CREATE) {
		take_rel(&c, rel);
		flags = darn_le32(&c);
		if (!c.overrun && flags <= DARN_PG_INIT)
			forget(m, rel, (int)flags, 0);
		return;
	}
	if ((r->info & DARN_PG_INFO_RMGR) != SMGR_TRUNCATE)
		return;
	block = darn_le32(&c);
	take_rel(&c, rel);
	flags = darn_le32(&c);
	if (c.overrun)
		return;
	if (flags & TRUNCATE_MAIN)
		forget(m, rel, DARN_PG_MAIN, block);
	if (flags & TRUNCATE_VM)
		forget(m, rel, DARN_PG_VM, block / VM_HEAP_PAGES);
	if (flags & TRUNCATE_FSM)
		forget(m, rel, DARN_PG_FSM, 0);
}

static void on_xact(struct mentions *m, const struct darn_pg_record *r)
{
	unsigned op = r->info & XACT_OP;
	struct darn_cursor c;
	uint32_t rel[3], info, n;

	if ((op != XACT_COMMIT && op != XACT_ABORT &&
	     op != XACT_COMMIT_PREPARED && op != XACT_ABORT_PREPARED) ||
	    !(r->info & XACT_HAS_INFO))
		return;
	darn_cursor_init(&c, r->main_data, r->main_len);
	(void)darn_le64(&c);
	info = darn_le32(&c);
	if (info & XACT_DBINFO)
		(void)darn_le64(&c);
	if (info & XACT_SUBXACTS) {
		n = darn_le32(&c);
		(void)darn_take(&c, (size_t)n * 4);
	}
	if (!(info & XACT_RELATIONS))
		return;
	for (n = darn_le32(&c); n > 0 && !c.overrun; n--) {
		take_rel(&c, rel);
		if (!c.overrun)
			forget(m, rel, ANY_FORK, 0);
	}
}

/* A database was copied, made or dropped. */
static void on_database(struct mentions *m, const struct darn_pg_record *r)
{
	struct darn_cursor c;
	uint32_t db;

	darn_cursor_init(&c, r->main_data, r->main_len);
	db = darn_le32(&c);
	for (size_t i = 0; i < m->n && !c.overrun; i++)
		if (m->set[i].db == db)
			m->set[i].lsn = 0;
}

static enum darn_rc on_record(const struct darn_pg_record *r, void *payload,
			      struct darn_error *err)
{
	struct mentions *m = payload;

	(void)err;
	for (unsigned i = 0; i < r->nblocks; i++)
		mention(m, &r->blocks[i], r->end_lsn);
	if (!r->main_data)
		return DARN_OK;
	if (r->rmid == DARN_PG_RM_SMGR)
		on_smgr(m, r);
	else if (r->rmid == DARN_PG_RM_XACT)
		on_xact(m, r);
	else if (r->rmid == DARN_PG_RM_DBASE)
		on_database(m, r);
	return DARN_OK;
}

static void prepare(struct mentions *m, struct darn_pg_mention *set, size_t n)
{
	m->set = set;
	m->n = n;
	for (size_t i = 0; i < n; i++) {
		size_t bit = slot(set[i].node, set[i].block);

		m->filter[bit / 8] |= (uint8_t)(1u << (bit % 8));
		set[i].lsn = 0;
	}
	qsort(set, n, sizeof(*set), compare);
}

static enum darn_rc walk_all(struct darn_pg_wal_files *f, uint64_t from,
			     struct mentions *m, struct darn_error *err)
{
	struct darn_pg_wal_end e = {.more = true};

	while (e.more) {
		enum darn_rc rc =
			darn_pg_wal_run(f, from, on_record, m, &e, err);

		if (rc)
			return rc;
		for (size_t i = 0; e.more && i < m->n; i++)
			m->set[i].lsn = 0;
		from = e.next_page;
	}
	return DARN_OK;
}

enum darn_rc darn_pg_wal_mentions(struct darn_tree *t,
				  const struct darn_pg_control *c,
				  struct darn_pg_mention *set, size_t n,
				  struct darn_error *err)
{
	struct mentions *m;
	struct darn_pg_wal_files *f;
	struct darn_error local = DARN_ERROR_INIT;
	uint64_t from;
	enum darn_rc rc;

	if (n > DARN_PG_MENTIONS_MAX)
		return darn_fail(err, DARN_EINVAL, 0, "too many blocks");
	m = darn_calloc(1, sizeof(*m), err);
	if (!m)
		return DARN_ENOMEM;
	prepare(m, set, n);
	f = darn_calloc(1, sizeof(*f), err);
	rc = f ? darn_pg_wal_oldest(t, c->tli, c->wal_segment_size, &from, err)
	       : DARN_ENOMEM;
	if (rc == DARN_OK && c->valid && from) {
		rc = darn_pg_wal_files_init(f, t, "pg_wal", c->tli,
					    c->wal_segment_size, &local);
		rc = rc ? darn_fail(err, rc, 0, "%s", local.msg)
			: walk_all(f, from, m, err);
		darn_pg_wal_files_release(f);
	}
	free(f);
	free(m);
	return rc;
}
