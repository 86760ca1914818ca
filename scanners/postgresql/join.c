/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - the rules across files: hands each note to those that left it. */
#include "scanners/postgresql/cluster.h"
#include "scanners/postgresql/zero.h"

static enum darn_rc hand_out(struct darn_pg_wal_join *wal,
			     struct darn_pg_zero *zero,
			     struct darn_notes *notes, struct darn_error *err)
{
	struct darn_note note;
	enum darn_rc rc;

	while ((rc = darn_notes_next(notes, &note, err)) == DARN_OK) {
		if (note.kind >= DARN_PG_NOTE_WAL_FIRST)
			rc = darn_pg_wal_join_note(wal, &note, err);
		else if (note.kind == DARN_PG_NOTE_ZERO)
			rc = darn_pg_zero_note(zero, &note, err);
		if (rc)
			return rc;
	}
	return rc == DARN_ENOENT ? DARN_OK : rc;
}

enum darn_rc darn_pg_join(const void *ctx, struct darn_tree *t,
			  struct darn_notes *notes, struct darn_sink *sink,
			  struct darn_error *err)
{
	const struct darn_pg *pg = ctx;
	struct darn_pg_wal_join *wal;
	struct darn_pg_zero *zero;
	enum darn_rc rc;

	if (!pg->checked)
		return DARN_OK;
	rc = darn_pg_zero_create(pg, t, sink, &zero, err);
	if (rc)
		return rc;
	rc = darn_pg_wal_join_create(&pg->start, pg->base_backup || pg->standby,
				     &wal, err);
	if (rc) {
		darn_pg_zero_destroy(zero);
		return rc;
	}
	rc = hand_out(wal, zero, notes, err);
	if (rc) {
		darn_pg_zero_destroy(zero);
		darn_ignore(darn_pg_wal_join_end(wal, t, NULL, err));
		return rc;
	}
	rc = darn_pg_wal_join_end(wal, t, sink, err);
	if (rc) {
		darn_pg_zero_destroy(zero);
		return rc;
	}
	return darn_pg_zero_end(zero, err);
}
