/* SPDX-License-Identifier: Apache-2.0 */
/* fsm.h - what the free-space map says of a block. */
#ifndef DARN_SCANNERS_POSTGRESQL_FSM_H
#define DARN_SCANNERS_POSTGRESQL_FSM_H

#include "scanners/postgresql/cluster.h"

/* The page of a map asked last.  All zero at first. */
struct darn_pg_fsm {
	char path[512]; /* of the map */
	uint32_t page;
	bool good;
	uint8_t buf[DARN_PG_PAGE];
};

/*
 * Does the map of the relation whose first segment is @path call @block all
 * free?  False also where there is no such map or its page is damaged.
 */
bool darn_pg_fsm_all_free(struct darn_pg_fsm *f, const struct darn_pg *pg,
			  struct darn_tree *t, const char *path,
			  uint32_t block);

#endif
