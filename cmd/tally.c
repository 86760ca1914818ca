/* SPDX-License-Identifier: Apache-2.0 */
/* tally.c - a short table, searched from the front. */
#include "cmd/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct darn_tally_line *find(struct darn_tally *t, const char *name,
				    const char *text)
{
	struct darn_tally_line *line;

	for (size_t i = 0; i < t->n; i++) {
		/* as much of the name as is kept */
		if (strncmp(t->v[i].name, name, sizeof(t->v[i].name) - 1) == 0)
			return &t->v[i];
	}
	if (t->n > DARN_TALLY_MAX)
		return &t->v[DARN_TALLY_MAX];
	line = &t->v[t->n++];
	if (t->n > DARN_TALLY_MAX) {
		name = "other";
		text = "more kinds than are told apart";
	}
	snprintf(line->name, sizeof(line->name), "%s", name);
	snprintf(line->text, sizeof(line->text), "%s", text);
	return line;
}

void darn_tally_add(struct darn_tally *t, const char *name, const char *text,
		    uint64_t bytes)
{
	struct darn_tally_line *line = find(t, name, text);

	line->count++;
	line->bytes += bytes;
}

static int compare(const void *a, const void *b)
{
	const struct darn_tally_line *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

void darn_tally_sort(struct darn_tally *t)
{
	qsort(t->v, t->n, sizeof(t->v[0]), compare);
}
