/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c - the registry, and after it what is no store. */
#include "cmd/kinds.h"

#include "lib/scan/scan.h"
#include "lib/seal/seal.h"
#include "lib/snapshot/snapshot.h"
#include "scanners/registry.h"

static const struct darn_format *const no_formats[] = {NULL};

/* Sizes of other rooms' tables are no constants, hence no table here. */
static bool other_kind(size_t i, struct darn_kind *out)
{
	switch (i) {
	case 0:
		*out = (struct darn_kind){
			"sealed", "any file that was sealed, darn-seal(5)",
			no_formats, darn_sealed_codes, darn_sealed_ncodes};
		return true;
	case 1:
		*out = (struct darn_kind){
			"repo", "repository of snapshots, darn-repo(5)",
			no_formats, darn_repo_codes, darn_repo_ncodes};
		return true;
	case 2:
		*out = (struct darn_kind){"io", "any file, whatever it is",
					  no_formats, darn_scan_codes,
					  darn_scan_ncodes};
		return true;
	default:
		return false;
	}
}

bool darn_kind_get(size_t i, struct darn_kind *out)
{
	size_t n = 0;

	while (n < i && darn_stores[n])
		n++;
	if (darn_stores[n]) {
		const struct darn_store *s = darn_stores[n];

		*out = (struct darn_kind){s->name, s->title, s->formats,
					  s->codes, s->ncodes};
		return true;
	}
	return other_kind(i - n, out);
}
