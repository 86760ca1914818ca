/* SPDX-License-Identifier: Apache-2.0 */
/* open.h - makes and releases the context of a cluster. */
#ifndef DARN_SCANNERS_POSTGRESQL_OPEN_H
#define DARN_SCANNERS_POSTGRESQL_OPEN_H

#include "scanners/postgresql/cluster.h"

/* The callbacks open and close of struct darn_store. */
DARN_MUST_CHECK
enum darn_rc darn_pg_open(struct darn_tree *t, struct darn_sink *sink,
			  void **ctx, struct darn_error *err);
void darn_pg_close(void *ctx);

#endif
