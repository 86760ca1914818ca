/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - records of a report as bytes for a spool.
 *
 * A record is struct packed and its strings, each with its NUL, in the order
 * of text_of().  It never leaves this process.
 */
#include "lib/scan/report_add.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	NTEXTS = 12,
	PATH = 0, /* the two that the order looks at */
	ID = 1,
};

struct packed {
	uint64_t off, len, missing, unit;
	struct darn_coverage bytes;
	uint32_t at[NTEXTS]; /* of each string, from the first one on */
	uint8_t kind, severity, hint, liveness, shutdown, zero[3];
};

static const char **text_of(struct darn_record *r, size_t i)
{
	const char **const all[NTEXTS] = {
		&r->path,    &r->id,	 &r->root,	   &r->store,
		&r->format,  &r->detail, &r->message,	   &r->reason,
		&r->version, &r->title,	 &r->liveness_why, &r->shutdown_why,
	};

	return all[i];
}

enum darn_rc darn_record_pack(const struct darn_record *rec, void **out,
			      size_t *len, struct darn_error *err)
{
	struct darn_record r = *rec;
	struct packed *p;
	size_t lens[NTEXTS], sum = 0;

	for (size_t i = 0; i < NTEXTS; i++) {
		if (!*text_of(&r, i))
			*text_of(&r, i) = "";
		lens[i] = strlen(*text_of(&r, i)) + 1;
		sum += lens[i];
	}
	p = darn_calloc(1, sizeof(*p) + sum, err);
	if (!p)
		return DARN_ENOMEM;
	p->off = r.off;
	p->len = r.len;
	p->missing = r.missing;
	p->unit = r.unit;
	p->bytes = r.bytes;
	p->kind = (uint8_t)r.kind;
	p->severity = (uint8_t)r.severity;
	p->hint = (uint8_t)r.hint;
	p->liveness = (uint8_t)r.liveness;
	p->shutdown = (uint8_t)r.shutdown;
	sum = 0;
	for (size_t i = 0; i < NTEXTS; i++) {
		p->at[i] = (uint32_t)sum;
		memcpy((char *)(p + 1) + sum, *text_of(&r, i), lens[i]);
		sum += lens[i];
	}
	*out = p;
	*len = sizeof(*p) + sum;
	return DARN_OK;
}

struct darn_record darn_record_unpack(const void *buf)
{
	const struct packed *p = buf;
	struct darn_record r = {
		.kind = p->kind,
		.severity = p->severity,
		.hint = p->hint,
		.off = p->off,
		.len = p->len,
		.missing = p->missing,
		.unit = p->unit,
		.bytes = p->bytes,
		.liveness = p->liveness,
		.shutdown = p->shutdown,
	};

	for (size_t i = 0; i < NTEXTS; i++)
		*text_of(&r, i) = (const char *)(p + 1) + p->at[i];
	return r;
}

static const char *text_at(const struct packed *p, size_t i)
{
	return (const char *)(p + 1) + p->at[i];
}

int darn_record_compare(const void *a, size_t alen, const void *b, size_t blen)
{
	const struct packed *x = a, *y = b;
	int diff = darn_path_cmp(text_at(x, PATH), text_at(y, PATH));

	if (diff == 0)
		diff = (x->kind > y->kind) - (x->kind < y->kind);
	if (diff == 0)
		diff = (x->off > y->off) - (x->off < y->off);
	if (diff == 0)
		diff = strcmp(text_at(x, ID), text_at(y, ID));
	if (diff == 0)
		diff = (alen > blen) - (alen < blen);
	if (diff == 0)
		diff = memcmp(a, b, alen);
	return diff;
}

int darn_path_cmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (*a == '\0' || *b == '\0')
		return *a == '\0' ? -1 : 1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}
