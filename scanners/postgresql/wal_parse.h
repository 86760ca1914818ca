/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_parse.h - the pages of the log, one after the other, as records.
 *
 * The parser is given page after page and tells what it sees through the
 * functions of struct darn_pg_wal_ops.  It holds no more than the header of
 * one record and a rolling CRC, however long the record is (up to 1 GiB).
 *
 * It never judges: a fault is a place where the log does not go on as it
 * should, which is damage or the end of the log.  After a fault it goes on:
 *
 * - within the page, even if its header is wrong, at the first record that is
 *   whole, whose CRC holds and whose link to the record before points into the
 *   part that was lost;
 * - else at the next page whose header is right, which tells how many bytes of
 *   an earlier record it begins with.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_WAL_PARSE_H
#define DARN_SCANNERS_POSTGRESQL_WAL_PARSE_H

#include "scanners/postgresql/wal.h"

enum {
	DARN_PG_WAL_MAGIC = 0xD110, /* XLOG_PAGE_MAGIC of PostgreSQL 15 */
	DARN_PG_WAL_SHORT = 24,	    /* header of a page */
	DARN_PG_WAL_LONG = 40,	    /* and of the first one of a segment */
	DARN_PG_WAL_HEAD = 24,	    /* header of a record */
	DARN_PG_WAL_CRC_AT = 20,    /* which its CRC covers up to itself */
	/* No server can allocate more for one record. */
	DARN_PG_WAL_MAX_RECORD = 1 << 30,
	DARN_PG_WAL_MIN_SEGMENT = 1 << 20,
	DARN_PG_WAL_MAX_SEGMENT = 1 << 30,
	DARN_PG_WAL_MAX_SWITCHES = 64,
};

/* xlp_info */
enum {
	DARN_PG_WAL_CONT = 1u << 0, /* begins within a record */
	DARN_PG_WAL_LONG_HEADER = 1u << 1,
	DARN_PG_WAL_REMOVABLE = 1u << 2,
	DARN_PG_WAL_OVERWRITE = 1u << 3, /* that record was given up */
	DARN_PG_WAL_FLAGS = 0xf,
};

/* What every page of a segment must say. */
struct darn_pg_wal_rules {
	uint32_t segsize;
	uint64_t sysid; /* 0: not known */
	uint32_t tli;	/* that the segment is named after */
	/*
	 * Where the ancestors of @tli ended, oldest first: pages of a segment
	 * that was copied from an ancestor keep its number.
	 */
	struct {
		uint32_t tli;
		uint64_t end;
	} ancestors[DARN_PG_WAL_MAX_SWITCHES];
	unsigned nancestors;
	bool history; /* the above is known */
};

struct darn_pg_wal_page {
	uint32_t info, rem;
	size_t header;	   /* bytes */
	const char *wrong; /* which field, where the header is wrong */
	bool here;	   /* written as this very page of the log */
};

/*
 * Looks at the header of the page at @lsn, of which @len bytes are there.
 * True: all of it is as it should be.
 */
bool darn_pg_wal_page_check(const struct darn_pg_wal_rules *rules,
			    const uint8_t *page, size_t len, uint64_t lsn,
			    struct darn_pg_wal_page *out);

/* A record that is being put together. */
struct darn_pg_wal_partial {
	uint64_t lsn;
	uint32_t length, have;
	uint32_t crc; /* of bytes [24, have) */
	uint8_t head[DARN_PG_WAL_HEAD];
};

/* Takes the next bytes of a record, at most what it lacks; returns how many. */
size_t darn_pg_wal_partial_add(struct darn_pg_wal_partial *r, const uint8_t *p,
			       size_t len);

/* The CRC of a whole record. */
uint32_t darn_pg_wal_partial_crc(const struct darn_pg_wal_partial *r);

enum darn_pg_wal_fault {
	DARN_PG_FAULT_NONE,
	DARN_PG_FAULT_PAGE,    /* a page's header is wrong */
	DARN_PG_FAULT_CONT,    /* it disagrees with the record across it */
	DARN_PG_FAULT_ZERO,    /* zeroes where a record should begin */
	DARN_PG_FAULT_LENGTH,  /* an impossible length */
	DARN_PG_FAULT_CRC,     /* a record's CRC does not hold */
	DARN_PG_FAULT_CHAIN,   /* a good record that belongs elsewhere */
	DARN_PG_FAULT_PADDING, /* bytes that are always zero are not */
	DARN_PG_FAULT_CUT,     /* the rest of a record is not there */
};

struct darn_pg_wal_trouble {
	enum darn_pg_wal_fault fault;
	uint64_t lsn;	  /* of the record, or of the page between records */
	uint64_t end;	  /* for _PADDING: the range ends here */
	uint64_t at;	  /* the page where it showed */
	const char *what; /* the field, or NULL */
	bool here;	  /* for _PAGE: no recycled one, only damaged */
	uint32_t stored, computed; /* for _CRC */
};

/* A record whose CRC and link hold. */
struct darn_pg_wal_seen {
	uint64_t lsn, end; /* @end: rounded up to 8 */
	uint32_t length;
	const uint8_t *head; /* its header */
	const uint8_t *body; /* NULL where body() got it piece by piece */
};

struct darn_pg_wal_ops {
	/* The page at @lsn has a right header. */
	void (*page)(void *payload, uint64_t lsn);
	void (*record)(void *payload, const struct darn_pg_wal_seen *r);
	/* Optional: the next bytes of a record that does not lie in one page */
	void (*body)(void *payload, uint32_t at, const uint8_t *p, size_t len);
	/* Besides records: headers between them and zeroes that must be. */
	void (*verified)(void *payload, uint64_t from, uint64_t to);
	void (*fault)(void *payload, const struct darn_pg_wal_trouble *t);
	/*
	 * After a fault: at @lsn the log goes on.  @blank: what comes before
	 * it are zero bytes.
	 */
	void (*resume)(void *payload, uint64_t lsn, bool blank);
	/* The record at @lsn was given up by a recovery; good since @to. */
	void (*abandoned)(void *payload, uint64_t lsn, uint64_t to);
};

enum darn_pg_wal_state {
	DARN_PG_WAL_LOST,     /* waits for a page that is right */
	DARN_PG_WAL_BETWEEN,  /* a record begins here */
	DARN_PG_WAL_WITHIN,   /* in the record @rec */
	DARN_PG_WAL_SKIPPING, /* in a record whose start is not known */
	DARN_PG_WAL_SWITCHED, /* the rest of the segment is zero */
};

struct darn_pg_wal_parse {
	const struct darn_pg_wal_ops *ops;
	void *payload;
	const struct darn_pg_wal_rules *rules;
	enum darn_pg_wal_state state;
	struct darn_pg_wal_partial rec;
	uint32_t skip;	   /* bytes left to pass over */
	uint64_t prev;	   /* the last good record; 0: none yet */
	bool prev_exact;   /* and the next one must name it */
	bool resuming;	   /* a resume() is due at the next record */
	uint64_t given_up; /* the next record must name this one; or 0 */
};

/* Starts at the first page that is right. */
void darn_pg_wal_parse_init(struct darn_pg_wal_parse *p,
			    const struct darn_pg_wal_ops *ops, void *payload,
			    const struct darn_pg_wal_rules *rules);

/* The page at @lsn, of which the first @len bytes are there. */
void darn_pg_wal_parse_page(struct darn_pg_wal_parse *p, const uint8_t *page,
			    size_t len, uint64_t lsn);

/*
 * The same, but a record begins @at bytes into the page; what comes before is
 * not looked at.
 */
void darn_pg_wal_parse_from(struct darn_pg_wal_parse *p, const uint8_t *page,
			    size_t at, uint64_t lsn);

static inline uint64_t darn_pg_wal_align(uint64_t lsn)
{
	return (lsn + 7) & ~UINT64_C(7);
}

#endif
