/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h - every datastore that this build knows.
 *
 * The list is registry.def; a new store is one line there.
 */
#ifndef DARN_SCANNERS_REGISTRY_H
#define DARN_SCANNERS_REGISTRY_H

#include "lib/scan/store.h"

/* NULL-terminated, in the order of registry.def. */
extern const struct darn_store *const darn_stores[];

#endif
