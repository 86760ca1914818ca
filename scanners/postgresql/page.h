/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - the header that every page of a relation begins with. */
#ifndef DARN_SCANNERS_POSTGRESQL_PAGE_H
#define DARN_SCANNERS_POSTGRESQL_PAGE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	DARN_PG_HEAD_LEN = 24,
	DARN_PG_PAGE_FLAGS = 7,
	DARN_PG_SIZE_VERSION = 0x2004, /* 8192 bytes, layout 4 */
};

struct darn_pg_head {
	uint64_t lsn;
	uint16_t checksum, flags, lower, upper, special, size_version;
};

/* @page has 8192 bytes, here and below. */
struct darn_pg_head darn_pg_head(const uint8_t *page);
bool darn_pg_head_sane(const struct darn_pg_head *h);

#endif
