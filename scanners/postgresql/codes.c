/* SPDX-License-Identifier: Apache-2.0 */
/* codes.c - see codes.h; the ids are for ever. */
#include "scanners/postgresql/codes.h"

const struct darn_code darn_pg_codes[DARN_PG_NCODES] = {
	[DARN_PG_PAGE_EMPTY] = {"postgresql/page-empty", DARN_INFO,
				DARN_HINT_NONE,
				"pages of zeros where the server leaves some"},
	[DARN_PG_PAGE_ZEROED] =
		{"postgresql/page-zeroed", DARN_SUSPICIOUS, DARN_HINT_RESTORE,
		 "pages of zeros between used ones: lost, or left by a crash "
		 "while the file grew"},
	[DARN_PG_PAGE_ZEROED_IN_USE] =
		{"postgresql/page-zeroed-in-use", DARN_DAMAGED,
		 DARN_HINT_RESTORE,
		 "the page is all zero although the log gave it content"},
	[DARN_PG_PAGE_STALE] = {"postgresql/page-stale", DARN_DAMAGED,
				DARN_HINT_RESTORE,
				"the page is older than the log says: a write "
				"was lost, or an old page was put back"},
	[DARN_PG_FILE_MISSING] = {"postgresql/file-missing", DARN_DAMAGED,
				  DARN_HINT_RESTORE_FILE,
				  "a file that the cluster needs is not there"},
	[DARN_PG_FILE_SHORT] = {"postgresql/file-short", DARN_DAMAGED,
				DARN_HINT_RESTORE,
				"the file has fewer pages than the catalogue "
				"has seen in it"},
	[DARN_PG_FORK_ALONE] = {"postgresql/fork-alone", DARN_SUSPICIOUS,
				DARN_HINT_NONE,
				"a fork of a relation whose main file is not "
				"there"},
	[DARN_PG_SEGMENT_MISSING] = {"postgresql/segment-missing", DARN_DAMAGED,
				     DARN_HINT_RESTORE_FILE,
				     "a segment is not there although a later "
				     "one is"},
	[DARN_PG_SEGMENT_SHORT] = {"postgresql/segment-short", DARN_DAMAGED,
				   DARN_HINT_RESTORE,
				   "a segment is not full although a later "
				   "one is there"},
	[DARN_PG_TABLESPACE_MISSING] = {"postgresql/tablespace-missing",
					DARN_DAMAGED, DARN_HINT_NONE,
					"a tablespace points to nothing"},
	[DARN_PG_CATALOG_UNREADABLE] =
		{"postgresql/catalog-unreadable", DARN_INFO, DARN_HINT_NONE,
		 "the catalogue of a database cannot be read; whether its "
		 "files are all there is not known"},
	[DARN_PG_WAL_MISSING] = {"postgresql/wal-missing", DARN_DAMAGED,
				 DARN_HINT_RESTORE_FILE,
				 "a segment of the log that recovery needs is "
				 "not there"},
};

void darn_pg_report(struct darn_sink *sink, enum darn_pg_code code,
		    struct darn_place where, const struct darn_detail *details)
{
	darn_sink_report(sink, &darn_pg_codes[code], where, details);
}
