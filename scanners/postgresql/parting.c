/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parting.c - the checksums of the records of one log, compared with those of
 * the other.
 */
#include "scanners/postgresql/parting.h"

#include <stdlib.h>

#include "lib/base/mem.h"

enum {
	MAX_RECORDS = 1 << 20, /* 16 MiB of memory */
	SEGMENTS_BACK = 4,
};

struct seen {
	uint64_t lsn;
	uint32_t crc;
};

struct trace {
	struct seen *at; /* in the order of their LSNs */
	size_t n, cap;
	size_t next; /* while comparing */
	uint64_t parted;
};

static enum darn_rc keep(const struct darn_pg_record *r, void *payload,
			 struct darn_error *err)
{
	struct trace *t = payload;
	enum darn_rc rc;

	if (t->n == MAX_RECORDS)
		return DARN_ECANCELED;
	rc = darn_grow((void **)&t->at, t->n, &t->cap, sizeof(*t->at), err);
	if (rc == DARN_OK)
		t->at[t->n++] = (struct seen){.lsn = r->lsn, .crc = r->crc};
	return rc;
}

static enum darn_rc compare(const struct darn_pg_record *r, void *payload,
			    struct darn_error *err)
{
	struct trace *t = payload;

	(void)err;
	while (t->next < t->n && t->at[t->next].lsn < r->lsn)
		t->next++;
	if (t->next == t->n)
		return DARN_ECANCELED;
	if (t->at[t->next].lsn != r->lsn || t->at[t->next].crc == r->crc)
		return DARN_OK;
	t->parted = r->lsn;
	return DARN_ECANCELED;
}

/* How far back do both logs reach? */
static enum darn_rc common_start(const struct darn_pg *pg,
				 const struct darn_pg *src, uint64_t *from,
				 struct darn_error *err)
{
	uint32_t segsize = src->control.wal_segment_size;
	uint64_t back = (uint64_t)SEGMENTS_BACK * segsize;
	uint64_t end = src->control.checkpoint_lsn, here = 0, there = 0;
	enum darn_rc rc = darn_pg_wal_oldest(pg->tree, src->start.tli, segsize,
					     &here, err);

	if (rc == DARN_OK)
		rc = darn_pg_wal_oldest(src->tree, src->start.tli, segsize,
					&there, err);
	*from = DARN_MAX(here, there);
	if (end > back)
		*from = DARN_MAX(*from, end - back - end % segsize);
	return rc;
}

bool darn_pg_parted(const struct darn_pg *pg, const struct darn_pg *src,
		    uint64_t *at)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct trace t = {.n = 0};
	uint32_t segsize = src->control.wal_segment_size;
	uint64_t from;
	enum darn_rc rc = common_start(pg, src, &from, &err);

	if (rc == DARN_OK)
		rc = darn_pg_wal_walk(src->tree, src->start.tli, from, segsize,
				      keep, &t, &err);
	if (rc == DARN_OK || rc == DARN_ECANCELED) {
		darn_error_clear(&err);
		darn_ignore(darn_pg_wal_walk(pg->tree, src->start.tli, from,
					     segsize, compare, &t, &err));
	}
	free(t.at);
	*at = t.parted;
	return t.parted != 0;
}
