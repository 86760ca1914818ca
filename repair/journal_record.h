/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_record.h - one record of a journal as bytes.
 *
 *   0  u32 type    4  u32 0    8  u64 length of the body
 *  16  u64 offset of the record before this one, 0 for the first
 *  24  u64 checksum of the record before this one, 0 for the first
 *  32  u64 XXH3-64 of bytes 0..31: a length is trusted only after this
 *  40  body: the fixed fields in the order of struct darn_jrec, then path,
 *      pre and new, each behind its u32 length
 *   .  u64 XXH3-64 of everything before it in this record
 */
#ifndef DARN_REPAIR_JOURNAL_RECORD_H
#define DARN_REPAIR_JOURNAL_RECORD_H

#include "repair/journal.h"

enum {
	DARN_JREC_HEAD = 40,
	DARN_JREC_SUM = 8,
	DARN_JREC_FIXED = 116,
	DARN_JREC_MAX_BODY = 2 * DARN_J_MAX_IMAGE + (64 << 10),
};

/* Bytes that grow; starts zeroed. */
struct darn_jbuf {
	uint8_t *data;
	size_t len, cap;
};

DARN_MUST_CHECK
enum darn_rc darn_jbuf_reserve(struct darn_jbuf *b, size_t len,
			       struct darn_error *err);

/* Appends the record @r to @b; *sum becomes its checksum. */
DARN_MUST_CHECK
enum darn_rc darn_jrec_encode(struct darn_jbuf *b, const struct darn_jrec *r,
			      uint64_t prev_off, uint64_t prev_sum,
			      uint64_t *sum, struct darn_error *err);

struct darn_jrec_head {
	uint32_t type;
	uint64_t body, prev_off, prev_sum;
};

/* False where the 40 bytes @raw are not the head of a record. */
bool darn_jrec_decode_head(const uint8_t raw[DARN_JREC_HEAD],
			   struct darn_jrec_head *out);

/* False where the whole record @raw of @len bytes is not sound. */
bool darn_jrec_decode(const uint8_t *raw, size_t len, struct darn_jrec *out,
		      uint64_t *sum);

#endif
