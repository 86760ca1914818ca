/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.c - backup_manifest, JSON with an object for each file:
 *
 *	{ "Path": "base/5/2619", "Size": 8192, "Last-Modified": ... }
 *
 * (src/backend/backup/backup_manifest.c.)  The server writes each on a line of
 * its own, with just these blanks; another writer's is not understood.  Names
 * of relations need no escapes.
 */
#include "scanners/postgresql/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	MAX_MANIFEST = 64 << 20
};

/* The number behind @key in the line @p. */
static bool number(const char *p, const char *key, uint64_t *out)
{
	size_t line = strcspn(p, "\n");
	const char *at = strstr(p, key);
	char *end;

	if (!at || (size_t)(at - p) >= line)
		return false;
	at += strlen(key);
	if (*at < '0' || *at > '9')
		return false;
	*out = strtoull(at, &end, 10);
	return *end == ',';
}

bool darn_pg_manifest_size(const struct darn_pg *pg, const char *path,
			   uint64_t *size)
{
	struct darn_error why = DARN_ERROR_INIT;
	uint8_t *text = NULL;
	const char *at;
	char *key;
	size_t len;
	bool found = false;

	if (!pg->base_backup ||
	    darn_tree_slurp(pg->tree, "backup_manifest", MAX_MANIFEST, &text,
			    &len, &why))
		return false;
	key = darn_asprintf(&why, "{ \"Path\": \"%s\", ", path);
	at = key ? strstr((const char *)text, key) : NULL;
	if (at)
		found = number(at + strlen(key), "\"Size\": ", size);
	free(key);
	free(text);
	return found;
}
