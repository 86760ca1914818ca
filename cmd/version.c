/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - what -V says: this program, its libraries, its fast code. */
#include <isa-l.h>
#include <jansson.h>
#include <sqlite3.h>
#include <xxhash.h>
#include <zstd.h>

#include "cmd/cmd.h"
#include "lib/hash/hash.h"
#include "scanners/registry.h"

void darn_version(FILE *out)
{
	unsigned xxh = XXH_versionNumber();

	fprintf(out, "darn %s\n", DARN_VERSION);
	fprintf(out,
		"libraries: xxhash %u.%u.%u, zstd %s, isa-l %d.%d.%d, "
		"jansson %s, sqlite %s\n",
		xxh / 10000, xxh / 100 % 100, xxh % 100, ZSTD_versionString(),
		ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION,
		jansson_version_str(), sqlite3_libversion());
	fprintf(out, "hash code: crc isa-l, xxh3 %s, postgresql page %s\n",
		darn_hash_impl_xxh3(), darn_hash_impl_pg_page());
	fputs("stores:", out);
	for (size_t i = 0; darn_stores[i]; i++)
		fprintf(out, " %s", darn_stores[i]->name);
	fputc('\n', out);
}
