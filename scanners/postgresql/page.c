/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - the pages of a relation, little-endian:
 *
 *	0	u32	LSN of the last change, high half
 *	4	u32	low half
 *	8	u16	checksum
 *	10	u16	flags, three bits
 *	12	u16	lower: end of the line pointers
 *	14	u16	upper: start of the tuples; 0: never used
 *	16	u16	special: start of the access method's own space
 *	18	u16	page size | layout version 4
 *	20	u32	oldest transaction that may be pruned
 *
 * (src/include/storage/bufpage.h.)  The checksum covers every bit, and the
 * number of the block within its fork is mixed into it, so that a page that
 * was written to the wrong place shows; 1 wrong page in 65535 does not.  A
 * page of zeros has no checksum.  Whether it may be there depends on what
 * lies around it, so it is left to the join (zero.c).
 */
#include "scanners/postgresql/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "scanners/postgresql/page.h"

enum page_code {
	CHECKSUM,
	PENDING,
	HEADER,
	NEW,
	FUTURE,
	CUT,
	LONG
};
static const struct darn_code codes[] = {
	[CHECKSUM] = {"postgresql/page-checksum", DARN_DAMAGED,
		      DARN_HINT_RESTORE, "the page's checksum is wrong"},
	[PENDING] = {"postgresql/page-pending", DARN_TORN, DARN_HINT_NONE,
		     "the page is torn; crash recovery writes it anew from "
		     "the log"},
	[HEADER] = {"postgresql/page-header", DARN_DAMAGED, DARN_HINT_RESTORE,
		    "the page's header has values that the server refuses"},
	[NEW] = {"postgresql/page-new-not-empty", DARN_DAMAGED,
		 DARN_HINT_RESTORE,
		 "the page says that it was never used, but is not all zero"},
	[FUTURE] = {"postgresql/page-lsn-future", DARN_SUSPICIOUS,
		    DARN_HINT_RESTORE,
		    "the page was last changed after the end of the log: it "
		    "is from another copy of the cluster"},
	[CUT] = {"postgresql/page-cut", DARN_DAMAGED, DARN_HINT_RESTORE,
		 "the file ends within a page"},
	[LONG] = {"postgresql/segment-too-long", DARN_DAMAGED, DARN_HINT_NONE,
		  "the file is longer than a segment can be; the server never "
		  "reads the rest"},
};

enum {
	/* GistBuildLSN: a GiST build logs its pages and leaves this in them. */
	BUILD_LSN = 1
};

struct page_file {
	const struct darn_pg *pg; /* NULL: a stray file */
	struct darn_pg_rel rel;
	bool sums;
	bool logged;	      /* the log names some block of it */
	uint32_t first_block; /* of the fork */
	uint64_t end;	      /* bytes that a segment can have */
	uint64_t max_lsn;
};

/* Bytes of the same kind that lie together are told to the sink at once. */
enum page_kind {
	OTHER,
	GOOD,
	ZERO
};
struct run {
	enum page_kind kind;
	uint64_t off, len;
};

struct darn_pg_head darn_pg_head(const uint8_t *page)
{
	return (struct darn_pg_head){
		.lsn = (uint64_t)darn_get_le32(page) << 32 |
		       darn_get_le32(page + 4),
		.checksum = darn_get_le16(page + 8),
		.flags = darn_get_le16(page + 10),
		.lower = darn_get_le16(page + 12),
		.upper = darn_get_le16(page + 14),
		.special = darn_get_le16(page + 16),
		.size_version = darn_get_le16(page + 18),
	};
}

bool darn_pg_head_sane(const struct darn_pg_head *h)
{
	return (h->flags & ~DARN_PG_PAGE_FLAGS) == 0 &&
	       h->lower >= DARN_PG_HEAD_LEN && h->lower <= h->upper &&
	       h->upper <= h->special && h->special <= DARN_PG_PAGE &&
	       h->special % 8 == 0 && h->size_version == DARN_PG_SIZE_VERSION;
}

static unsigned probe(const uint8_t *head, size_t len, uint64_t size)
{
	struct darn_pg_head h;

	if (len < DARN_PG_PAGE || size % DARN_PG_PAGE != 0)
		return 0;
	h = darn_pg_head(head);
	return darn_pg_head_sane(&h) && darn_pg_page_sum(head, 0) == h.checksum
		       ? 60
		       : 0;
}

/* A stray file's name may still tell its segment. */
static void rel_of_stray(const char *path, struct darn_pg_rel *rel)
{
	const char *base = strrchr(path, '/');
	char name[64];

	base = base ? base + 1 : path;
	memset(rel, 0, sizeof(*rel));
	if (snprintf(name, sizeof(name), "global/%s", base) >=
		    (int)sizeof(name) ||
	    !darn_pg_rel_parse(name, rel))
		memset(rel, 0, sizeof(*rel));
}

static enum darn_rc open_page(const struct darn_file *f, const void *store_ctx,
			      struct darn_sink *sink, void **file_ctx,
			      struct darn_error *err)
{
	const struct darn_pg *pg = store_ctx;
	struct page_file *pf = darn_calloc(1, sizeof(*pf), err);
	uint32_t blocks = pg ? pg->segment_blocks : DARN_PG_SEG_BLOCKS;

	if (!pf)
		return DARN_ENOMEM;
	pf->pg = pg;
	pf->sums = !pg || pg->sums != DARN_PG_SUMS_OFF;
	pf->max_lsn = pg ? pg->max_lsn : UINT64_MAX;
	if (!pg || !darn_pg_rel_parse(f->path, &pf->rel))
		rel_of_stray(f->path, &pf->rel);
	pf->first_block = pf->rel.segment * blocks;
	pf->end = (uint64_t)blocks * DARN_PG_PAGE;
	pf->logged = pg && darn_pg_blockmap_touches(&pg->written, &pf->rel);
	if (!pf->sums)
		darn_sink_reason(sink,
				 "page checksums are off in this cluster");
	if (f->st.size > pf->end)
		darn_sink_report(
			sink, &codes[LONG],
			(struct darn_place){.off = pf->end,
					    .len = f->st.size - pf->end},
			DARN_DETAILS(DARN_DEC("blocks", blocks)));
	*file_ctx = pf;
	return DARN_OK;
}

static void report_header(struct darn_sink *sink, enum page_code code,
			  struct darn_place where, uint32_t block,
			  const struct darn_pg_head *h)
{
	darn_sink_report(sink, &codes[code], where,
			 DARN_DETAILS(DARN_DEC("block", block),
				      DARN_DEC("lower", h->lower),
				      DARN_DEC("upper", h->upper),
				      DARN_DEC("special", h->special),
				      DARN_HEX("flags", 4, h->flags),
				      DARN_HEX("version", 4, h->size_version)));
}

static void report_sum(struct darn_sink *sink, enum page_code code,
		       struct darn_place where, uint32_t block,
		       const struct darn_pg_head *h, uint16_t computed)
{
	struct darn_pg_lsn_text lsn = darn_pg_lsn_text(h->lsn);

	darn_sink_report(sink, &codes[code], where,
			 DARN_DETAILS(DARN_HEX("stored", 4, h->checksum),
				      DARN_HEX("computed", 4, computed),
				      DARN_DEC("block", block),
				      DARN_STR("lsn", lsn.s)));
}

static void report_future(const struct page_file *pf, struct darn_sink *sink,
			  struct darn_place where, uint32_t block,
			  uint64_t page_lsn)
{
	struct darn_pg_lsn_text lsn = darn_pg_lsn_text(page_lsn);
	struct darn_pg_lsn_text end = darn_pg_lsn_text(pf->max_lsn);

	darn_sink_report(sink, &codes[FUTURE], where,
			 DARN_DETAILS(DARN_DEC("block", block),
				      DARN_STR("lsn", lsn.s),
				      DARN_STR("log_end", end.s)));
}

/* The page is as it was written; is it the latest one that was? */
static void compare_log(const struct page_file *pf, struct darn_sink *sink,
			uint64_t off, uint32_t block, uint64_t lsn)
{
	uint64_t written;

	if (pf->logged && lsn > BUILD_LSN &&
	    darn_pg_blockmap_get(&pf->pg->written, &pf->rel, block, &written) &&
	    lsn < written)
		darn_sink_note(sink,
			       (struct darn_note){.off = off,
						  .value = {lsn},
						  .kind = DARN_PG_NOTE_OLD});
}

/*
 * The first rule that a page breaks is reported, the one that says most about
 * the cause.
 */
static enum page_kind check_page(const struct page_file *pf,
				 const uint8_t *page, struct darn_place where,
				 struct darn_sink *sink)
{
	uint32_t block = pf->first_block + (uint32_t)(where.off / DARN_PG_PAGE);
	struct darn_pg_head h = darn_pg_head(page);
	uint16_t sum = pf->sums ? darn_pg_page_sum(page, block) : h.checksum;
	bool sane = darn_pg_head_sane(&h);

	if (h.upper != 0 && sum == h.checksum && sane) {
		if (h.lsn > pf->max_lsn)
			report_future(pf, sink, where, block, h.lsn);
		else
			compare_log(pf, sink, where.off, block, h.lsn);
		return pf->sums ? GOOD : OTHER;
	}
	if (h.upper == 0 && darn_all_zero(page, DARN_PG_PAGE))
		return ZERO;
	if (pf->pg && darn_pg_pending_writes(&pf->pg->pending, &pf->rel, block))
		report_sum(sink, PENDING, where, block, &h, sum);
	else if (h.upper == 0)
		report_header(sink, NEW, where, block, &h);
	else if (sum != h.checksum)
		report_sum(sink, CHECKSUM, where, block, &h, sum);
	else
		report_header(sink, HEADER, where, block, &h);
	return OTHER;
}

static void flush_run(const struct run *run, struct darn_sink *sink)
{
	if (run->kind == GOOD)
		darn_sink_verified(sink, run->off, run->len);
	if (run->kind != ZERO)
		return;
	darn_sink_reason(sink, "pages of zeros have no checksum");
	darn_sink_note(sink, (struct darn_note){.off = run->off,
						.value = {run->len},
						.kind = DARN_PG_NOTE_ZERO});
}

static enum darn_rc check(const void *file_ctx, const struct darn_chunk *c,
			  struct darn_sink *sink, struct darn_error *err)
{
	const struct page_file *pf = file_ctx;
	struct run run = {.kind = OTHER};
	size_t pos = 0;

	(void)err;
	for (; c->len - pos >= DARN_PG_PAGE && c->off + pos < pf->end;
	     pos += DARN_PG_PAGE) {
		struct darn_place where = {.off = c->off + pos,
					   .len = DARN_PG_PAGE};
		enum page_kind kind = check_page(pf, c->buf + pos, where, sink);

		if (kind != run.kind) {
			flush_run(&run, sink);
			run = (struct run){.kind = kind, .off = where.off};
		}
		run.len += DARN_PG_PAGE;
	}
	flush_run(&run, sink);
	if (pos < c->len && c->off + pos < pf->end)
		darn_sink_report(sink, &codes[CUT],
				 (struct darn_place){.off = c->off + pos,
						     .len = DARN_PG_PAGE,
						     .missing = DARN_PG_PAGE -
								(c->len - pos)},
				 DARN_DETAILS(DARN_DEC("size", c->file_size)));
	return DARN_OK;
}

const struct darn_format darn_pg_format_page = {
	.name = "page",
	.title = "PostgreSQL relation page",
	.covers = "every bit of a page and its place: a 16-bit checksum",
	.blind = "an intact older page of the same place; 1 damaged page in "
		 "65535; which rows a page should hold",
	.unit = DARN_PG_PAGE,
	.codes = codes,
	.ncodes = DARN_ARRAY_SIZE(codes),
	.probe = probe,
	.open = open_page,
	.close = free,
	.check = check,
};
