/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_env.c - reads DARN_FAULT; fault.h says what may stand in it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/fault.h"

/* How each kind writes its numbers: a letter stands for one of them. */
static const struct {
	const char *name, *layout;
	enum darn_fault_kind kind;
} kinds[] = {
	{"eio", "o+l", DARN_FAULT_EIO},
	{"flip", "o.b", DARN_FAULT_FLIP},
	{"flip", "o.bxc", DARN_FAULT_FLIP},
	{"cache", "o.b", DARN_FAULT_CACHE},
	{"cache", "o.bxc", DARN_FAULT_CACHE},
	{"short", "l", DARN_FAULT_SHORT},
	{"shrink", "l@c", DARN_FAULT_SHRINK},
};

/* Takes a number off the front of *@s. */
static bool take_number(const char **s, uint64_t *value)
{
	int base =
		(*s)[0] == '0' && (*s)[1] == 'x' && isxdigit((*s)[2]) ? 16 : 10;
	char *end;

	if (!isdigit((unsigned char)**s))
		return false;
	*value = strtoull(*s, &end, base);
	*s = end;
	return true;
}

static bool parse_numbers(const char *s, const char *layout,
			  struct darn_fault *f)
{
	uint64_t bit = 0;
	bool ok = true;

	for (; ok && *layout; layout++) {
		if (*layout == 'o')
			ok = take_number(&s, &f->off);
		else if (*layout == 'l')
			ok = take_number(&s, &f->len);
		else if (*layout == 'b')
			ok = take_number(&s, &bit) && bit < 8;
		else if (*layout == 'c')
			ok = take_number(&s, &f->count);
		else
			ok = *s++ == *layout;
	}
	f->bit = (unsigned)bit;
	return ok && *s == '\0';
}

static bool parse_kind(const char *name, const char *numbers,
		       struct darn_fault *f)
{
	size_t i;

	for (i = 0; i < DARN_ARRAY_SIZE(kinds); i++) {
		*f = (struct darn_fault){.kind = kinds[i].kind};
		if (strcmp(name, kinds[i].name) == 0 &&
		    parse_numbers(numbers, kinds[i].layout, f))
			return true;
	}
	return false;
}

/* Cuts "kind:substring:numbers" up. */
static bool parse_fault(char *text, const char **substring,
			struct darn_fault *f)
{
	char *middle = strchr(text, ':');
	char *numbers = middle ? strchr(middle + 1, ':') : NULL;

	if (!numbers)
		return false;
	*middle = *numbers = '\0';
	*substring = middle + 1;
	return parse_kind(text, numbers + 1, f);
}

/* The faults of @list that are for the file @name, in a growing array. */
static enum darn_rc select_faults(char *list, const char *name,
				  struct darn_fault **faults, size_t *n,
				  struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;
	char *text, *rest = list;
	size_t cap = 0;

	while (rc == DARN_OK && (text = strsep(&rest, ","))) {
		const char *substring;
		struct darn_fault f;
		void *array = *faults;

		if (!parse_fault(text, &substring, &f))
			return darn_fail(err, DARN_EINVAL, 0,
					 "cannot understand '%s' in DARN_FAULT",
					 text);
		if (!strstr(name, substring))
			continue;
		rc = darn_grow(&array, *n, &cap, sizeof(f), err);
		*faults = array;
		if (rc == DARN_OK)
			(*faults)[(*n)++] = f;
	}
	return rc;
}

enum darn_rc darn_fault_from_env(struct darn_io **io, struct darn_error *err)
{
	const char *env = getenv("DARN_FAULT");
	struct darn_fault *faults = NULL;
	enum darn_rc rc;
	size_t n = 0;
	char *list;

	if (!env || !*env)
		return DARN_OK;
	list = darn_strdup(env, err);
	if (!list)
		return DARN_ENOMEM;
	rc = select_faults(list, (*io)->name, &faults, &n, err);
	if (rc == DARN_OK && n)
		rc = darn_fault_wrap(io, faults, n, err);
	free(faults);
	free(list);
	return rc;
}
