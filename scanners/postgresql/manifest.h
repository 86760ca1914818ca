/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - what the manifest of a base backup says of its files.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_MANIFEST_H
#define DARN_SCANNERS_POSTGRESQL_MANIFEST_H

#include "scanners/postgresql/cluster.h"

/*
 * The size of @path when the base backup @pg was taken.  False: not known; a
 * backup that was started since has the manifest still, but not its sizes.
 */
bool darn_pg_manifest_size(const struct darn_pg *pg, const char *path,
			   uint64_t *size);

#endif
