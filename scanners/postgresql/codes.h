/* SPDX-License-Identifier: Apache-2.0 */
/* codes.h - what the store as a whole reports: open, expect and join. */
#ifndef DARN_SCANNERS_POSTGRESQL_CODES_H
#define DARN_SCANNERS_POSTGRESQL_CODES_H

#include "lib/scan/sink.h"

enum darn_pg_code {
	DARN_PG_PAGE_EMPTY,
	DARN_PG_PAGE_ZEROED,
	DARN_PG_PAGE_ZEROED_IN_USE,
	DARN_PG_PAGE_STALE,
	DARN_PG_FILE_MISSING,
	DARN_PG_FILE_SHORT,
	DARN_PG_FORK_ALONE,
	DARN_PG_SEGMENT_MISSING,
	DARN_PG_SEGMENT_SHORT,
	DARN_PG_TABLESPACE_MISSING,
	DARN_PG_CATALOG_UNREADABLE,
	DARN_PG_WAL_MISSING,
	DARN_PG_NCODES
};

extern const struct darn_code darn_pg_codes[DARN_PG_NCODES];

/* Reports about a whole file; @details may be NULL. */
void darn_pg_report(struct darn_sink *sink, enum darn_pg_code code,
		    struct darn_place where, const struct darn_detail *details);

#endif
