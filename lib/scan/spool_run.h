/* SPDX-License-Identifier: Apache-2.0 */
/* spool_run.h - what spool.c and spool_read.c share; nobody else. */
#ifndef DARN_LIB_SCAN_SPOOL_RUN_H
#define DARN_LIB_SCAN_SPOOL_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/scan/spool.h"

enum {
	DARN_SPOOL_HEAD = 8, /* the length before each record */
};

struct darn_spool_run {
	uint64_t off, len;
	unsigned level;
};

struct darn_spool {
	pthread_mutex_t lock;
	darn_spool_cmp cmp;
	char *dir;
	int fd;
	uint64_t end; /* of the file */
	struct darn_spool_run *runs;
	size_t nruns, cap_runs;
	/* in memory: records one after the other, and where each begins */
	uint8_t *data;
	size_t used, size, budget;
	size_t *index;
	size_t n, cap_index;
	bool sorted;
};

static inline size_t darn_spool_len(const uint8_t *rec)
{
	uint64_t len;

	memcpy(&len, rec, sizeof(len));
	return (size_t)len;
}

/* What a record of @len bytes takes. */
static inline size_t darn_spool_room(size_t len)
{
	return DARN_SPOOL_HEAD + (len + 7) / 8 * 8;
}

void darn_spool_sort(struct darn_spool *s);

/* Reads the runs from @first on and, if asked, the memory. */
DARN_MUST_CHECK
enum darn_rc darn_spool_read_runs(struct darn_spool *s, size_t first,
				  bool memory, struct darn_spool_reader **out,
				  struct darn_error *err);

#endif
