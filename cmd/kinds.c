/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c - the registry, and after it what is no store. */
#include "cmd/kinds.h"

#include "lib/seal/seal.h"
#include "scanners/registry.h"

bool darn_kind_get(size_t i, struct darn_kind *out)
{
	static const struct darn_format *const no_formats[] = {NULL};
	size_t n = 0;

	while (n < i && darn_stores[n])
		n++;
	if (darn_stores[n]) {
		const struct darn_store *s = darn_stores[n];

		*out = (struct darn_kind){s->name, s->title, s->formats,
					  s->codes, s->ncodes};
		return true;
	}
	if (i > n)
		return false;
	*out = (struct darn_kind){
		"sealed", "any file that was sealed, darn-seal(5)", no_formats,
		darn_sealed_codes, darn_sealed_ncodes};
	return true;
}
