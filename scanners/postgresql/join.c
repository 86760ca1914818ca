/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - the rules across files: hands each note to those that left it. */
#include "scanners/postgresql/cluster.h"
#include "scanners/postgresql/stale.h"
#include "scanners/postgresql/zero.h"

struct rules {
	struct darn_pg_wal_join *wal;
	struct darn_pg_zero *zero;
	struct darn_pg_stale *stale;
};

static enum darn_rc create(struct rules *r, const struct darn_pg *pg,
			   struct darn_tree *t, struct darn_sink *sink,
			   struct darn_error *err)
{
	enum darn_rc rc = darn_pg_zero_create(pg, t, sink, &r->zero, err);

	if (rc == DARN_OK)
		rc = darn_pg_stale_create(pg, t, sink, &r->stale, err);
	if (rc == DARN_OK)
		rc = darn_pg_wal_join_create(&pg->start,
					     pg->base_backup || pg->standby,
					     &r->wal, err);
	return rc;
}

static enum darn_rc hand_out(struct rules *r, const struct darn_note *note,
			     struct darn_error *err)
{
	if (note->kind >= DARN_PG_NOTE_WAL_FIRST)
		return darn_pg_wal_join_note(r->wal, note, err);
	if (note->kind == DARN_PG_NOTE_ZERO)
		return darn_pg_zero_note(r->zero, note, err);
	if (note->kind == DARN_PG_NOTE_OLD)
		return darn_pg_stale_note(r->stale, note, err);
	return DARN_OK;
}

static enum darn_rc apply(struct rules *r, struct darn_tree *t,
			  struct darn_notes *notes, struct darn_sink *sink,
			  struct darn_error *err)
{
	struct darn_pg_wal_join *wal;
	struct darn_note note;
	enum darn_rc rc;

	while ((rc = darn_notes_next(notes, &note, err)) == DARN_OK) {
		rc = hand_out(r, &note, err);
		if (rc)
			return rc;
	}
	if (rc != DARN_ENOENT)
		return rc;
	wal = r->wal;
	r->wal = NULL;
	rc = darn_pg_wal_join_end(wal, t, sink, err);
	if (rc == DARN_OK)
		rc = darn_pg_zero_end(r->zero, err);
	if (rc == DARN_OK)
		rc = darn_pg_stale_end(r->stale, err);
	return rc;
}

enum darn_rc darn_pg_join(const void *ctx, struct darn_tree *t,
			  struct darn_notes *notes, struct darn_sink *sink,
			  struct darn_error *err)
{
	const struct darn_pg *pg = ctx;
	struct rules r = {0};
	enum darn_rc rc;

	if (!pg->checked)
		return DARN_OK;
	rc = create(&r, pg, t, sink, err);
	if (rc == DARN_OK)
		rc = apply(&r, t, notes, sink, err);
	if (r.wal)
		darn_ignore(darn_pg_wal_join_end(r.wal, t, NULL, err));
	darn_pg_zero_destroy(r.zero);
	darn_pg_stale_destroy(r.stale);
	return rc;
}
