/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_finding.c - what is said about the log; see wal_finding.h.
 */
#include "scanners/postgresql/wal_finding.h"

#include "lib/base/mem.h"

const struct darn_code darn_pg_wal_codes[DARN_PG_WAL_NCODES] = {
	[DARN_PG_WAL_C_RECORD] =
		{"postgresql/wal-record", DARN_DAMAGED, DARN_HINT_RESTORE,
		 "a record of the log fails its checksum or is gone; a server "
		 "that replays the log stops here"},
	[DARN_PG_WAL_C_PAGE] =
		{"postgresql/wal-page", DARN_DAMAGED, DARN_HINT_RESTORE,
		 "the header of a page of the log is wrong; a server that "
		 "replays the log stops here"},
	[DARN_PG_WAL_C_CHAIN] =
		{"postgresql/wal-chain", DARN_DAMAGED, DARN_HINT_RESTORE,
		 "a record of the log does not follow the one before it; what "
		 "was written between them is lost"},
	[DARN_PG_WAL_C_PADDING] =
		{"postgresql/wal-padding", DARN_DAMAGED, DARN_HINT_RESTORE,
		 "bytes between records are not zero; no server reads them, "
		 "but none wrote them either"},
	[DARN_PG_WAL_C_CUT] =
		{"postgresql/wal-cut", DARN_DAMAGED, DARN_HINT_RESTORE_FILE,
		 "a segment of the log is shorter than it must be"},
	[DARN_PG_WAL_C_LONG] =
		{"postgresql/wal-long", DARN_DAMAGED, DARN_HINT_RESTORE_FILE,
		 "a segment of the log is longer than it can be"},
	[DARN_PG_WAL_C_HOLE] =
		{"postgresql/wal-hole", DARN_SUSPICIOUS, DARN_HINT_NONE,
		 "records follow a gap in the last page of the log; a killed "
		 "server may leave one, and so may damage"},
	[DARN_PG_WAL_C_TORN] =
		{"postgresql/wal-torn-tail", DARN_TORN, DARN_HINT_NONE,
		 "the last record of the log was not written to its end; "
		 "recovery ends before it"},
	[DARN_PG_WAL_C_AFTER] =
		{"postgresql/wal-after-shutdown", DARN_SUSPICIOUS,
		 DARN_HINT_NONE,
		 "the log goes on after the shutdown that the control file "
		 "tells of; the two are not of the same time"},
};

static const struct darn_code *code_of(enum darn_pg_wal_fault fault)
{
	switch (fault) {
	case DARN_PG_FAULT_PAGE:
	case DARN_PG_FAULT_CONT:
		return &darn_pg_wal_codes[DARN_PG_WAL_C_PAGE];
	case DARN_PG_FAULT_CHAIN:
		return &darn_pg_wal_codes[DARN_PG_WAL_C_CHAIN];
	case DARN_PG_FAULT_PADDING:
		return &darn_pg_wal_codes[DARN_PG_WAL_C_PADDING];
	default:
		return &darn_pg_wal_codes[DARN_PG_WAL_C_RECORD];
	}
}

static const char *problem(const struct darn_pg_wal_trouble *t)
{
	switch (t->fault) {
	case DARN_PG_FAULT_PAGE:
	case DARN_PG_FAULT_CONT:
		return t->what ? t->what : "header";
	case DARN_PG_FAULT_ZERO:
		return "zeroes";
	case DARN_PG_FAULT_LENGTH:
		return "length";
	case DARN_PG_FAULT_CRC:
		return "checksum";
	case DARN_PG_FAULT_CHAIN:
		return "link";
	case DARN_PG_FAULT_CUT:
		return "end missing";
	default:
		return "not zero";
	}
}

static void say(struct darn_sink *sink, const struct darn_code *code,
		const struct darn_pg_wal_span *s,
		const struct darn_pg_wal_finding *f)
{
	uint64_t from = f->t.lsn > s->start ? f->t.lsn - s->start : 0;
	uint64_t to = f->end > s->start ? f->end - s->start : 0;
	struct darn_pg_lsn_text lsn = darn_pg_lsn_text(f->t.lsn);
	struct darn_place where = {.path = s->path};
	bool crc = f->t.fault == DARN_PG_FAULT_CRC;

	to = DARN_MIN(to, s->size);
	where.off = DARN_MIN(from, to);
	where.len = to - where.off;
	if (crc)
		darn_sink_report(
			sink, code, where,
			DARN_DETAILS(DARN_STR("lsn", lsn.s),
				     DARN_STR("problem", "checksum"),
				     DARN_HEX("stored", 8, f->t.stored),
				     DARN_HEX("computed", 8, f->t.computed),
				     DARN_DEC("records_after", f->after)));
	else
		darn_sink_report(
			sink, code, where,
			DARN_DETAILS(DARN_STR("lsn", lsn.s),
				     DARN_STR("problem", problem(&f->t)),
				     DARN_DEC("records_after", f->after)));
}

void darn_pg_wal_report(struct darn_sink *sink,
			const struct darn_pg_wal_span *s,
			const struct darn_pg_wal_finding *f)
{
	say(sink, code_of(f->t.fault), s, f);
}

void darn_pg_wal_report_tail(struct darn_sink *sink,
			     const struct darn_pg_wal_span *s,
			     const struct darn_pg_wal_finding *f)
{
	struct darn_pg_wal_finding tail = *f;

	if (f->after) {
		if (f->blank)
			say(sink, &darn_pg_wal_codes[DARN_PG_WAL_C_HOLE], s, f);
		else
			darn_pg_wal_report(sink, s, f);
		return;
	}
	switch (f->t.fault) {
	case DARN_PG_FAULT_LENGTH:
	case DARN_PG_FAULT_CRC:
	case DARN_PG_FAULT_CONT:
	case DARN_PG_FAULT_CUT:
		break;
	case DARN_PG_FAULT_PAGE:
		/* only where a record should go on there */
		if (f->t.lsn >= f->t.at)
			return;
		tail.end = f->t.at;
		tail.open = false;
		break;
	default:
		/* zeroes and pages of an earlier use: how every log ends */
		return;
	}
	if (tail.open)
		tail.end = f->t.at + DARN_PG_PAGE;
	say(sink, &darn_pg_wal_codes[DARN_PG_WAL_C_TORN], s, &tail);
}

/* ---- notes ---- */

enum {
	NOTE_FAULT = 0xff,
	NOTE_OPEN = 1u << 8,
	NOTE_BLANK = 1u << 9,
	NOTE_AFTER_SHIFT = 16,
	NOTE_AFTER_MAX = 0xffffff,
};

/*
 * value[0]: fault, flags, records after, the page's distance from the start in
 * pages; value[1]: start and end, as distances; value[2]: stored, computed.
 * Segments have at most 1 GiB, so that distances fit in 32 bits; a record
 * that began in an earlier segment is cut at the start of this one.
 */
struct darn_note darn_pg_wal_note_pack(const struct darn_pg_wal_span *s,
				       const struct darn_pg_wal_finding *f)
{
	uint64_t from = f->t.lsn > s->start ? f->t.lsn - s->start : 0;
	uint64_t to = f->end > s->start ? f->end - s->start : 0;
	uint64_t at = f->t.at > s->start ? f->t.at - s->start : 0;
	struct darn_note n = {.kind = DARN_PG_NOTE_WAL_END, .off = from};

	n.value[0] = (uint64_t)f->t.fault | (f->open ? NOTE_OPEN : 0) |
		     (f->blank ? NOTE_BLANK : 0) |
		     DARN_MIN(f->after, (uint64_t)NOTE_AFTER_MAX)
			     << NOTE_AFTER_SHIFT |
		     at / DARN_PG_PAGE << 40;
	n.value[1] = from << 32 | to;
	n.value[2] = (uint64_t)f->t.stored << 32 | f->t.computed;
	return n;
}

struct darn_pg_wal_finding darn_pg_wal_note_unpack(const struct darn_note *note,
						   uint64_t start)
{
	struct darn_pg_wal_finding f = {.set = true};

	f.t.fault = (enum darn_pg_wal_fault)(note->value[0] & NOTE_FAULT);
	f.open = note->value[0] & NOTE_OPEN;
	f.blank = note->value[0] & NOTE_BLANK;
	f.after = note->value[0] >> NOTE_AFTER_SHIFT & NOTE_AFTER_MAX;
	f.t.at = start + (note->value[0] >> 40) * DARN_PG_PAGE;
	f.t.lsn = start + (note->value[1] >> 32);
	f.end = start + (note->value[1] & UINT32_MAX);
	f.t.stored = (uint32_t)(note->value[2] >> 32);
	f.t.computed = (uint32_t)note->value[2];
	return f;
}
