/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - expands registry.def twice: declarations, then the list. */
#include "scanners/registry.h"

#define DARN_STORE(name_) extern const struct darn_store darn_store_##name_;
#include "scanners/registry.def"
#undef DARN_STORE

#define DARN_STORE(name_) &darn_store_##name_,
const struct darn_store *const darn_stores[] = {
#include "scanners/registry.def"
	NULL};
#undef DARN_STORE
