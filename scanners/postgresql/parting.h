/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parting.h - have two copies of a cluster gone their own ways?
 *
 * Clones keep the system identifier and the timeline, and what they do at the
 * same pace may even end with equal checkpoints.  Where both logs have a record
 * at the same place, it is the same one or they have parted.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_PARTING_H
#define DARN_SCANNERS_POSTGRESQL_PARTING_H

#include "scanners/postgresql/cluster.h"

/*
 * Does the log of @src hold another record than that of @pg somewhere, within
 * a few segments before the last checkpoint of @src and after it?  What is not
 * in both, or damaged, says nothing.  *@at: where they part.
 */
bool darn_pg_parted(const struct darn_pg *pg, const struct darn_pg *src,
		    uint64_t *at);

#endif
