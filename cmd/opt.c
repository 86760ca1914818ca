/* SPDX-License-Identifier: Apache-2.0 */
/* opt.c - parses a command line by its table. */
#include "cmd/opt.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* What is left to read. */
struct args {
	int argc, next;
	char *const *argv;
};

/* An option that was found and the struct that it writes to. */
struct match {
	const struct darn_opt *opt;
	void *values;
};

enum darn_rc darn_strings_add(struct darn_strings *list, const char *s,
			      struct darn_error *err)
{
	/* one more than needed, for the NULL at the end */
	enum darn_rc rc = darn_grow((void **)&list->items, list->n + 1,
				    &list->cap, sizeof(*list->items), err);

	if (rc)
		return rc;
	list->items[list->n++] = s;
	list->items[list->n] = NULL;
	return DARN_OK;
}

void darn_strings_release(struct darn_strings *list)
{
	free(list->items);
	*list = (struct darn_strings){.n = 0};
}

enum darn_rc darn_opt_number(const char *s, uint64_t max, uint64_t *out,
			     struct darn_error *err)
{
	uint64_t v = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			break; /* *p is the digit too many */
	}
	if (p == s || *p || v > max)
		return darn_fail(err, DARN_EINVAL, 0,
				 "'%s' is not a number from 0 to %llu", s,
				 (unsigned long long)max);
	*out = v;
	return DARN_OK;
}

static enum darn_rc set_choice(const struct darn_opt *o, const char *arg,
			       unsigned *out, struct darn_error *err)
{
	const char *p = o->arg;
	size_t len;

	assert(p && arg);
	len = strlen(arg);
	for (unsigned i = 0;; i++) {
		size_t n = strcspn(p, "|");

		if (n == len && memcmp(p, arg, n) == 0) {
			*out = i;
			return DARN_OK;
		}
		if (!p[n])
			break;
		p += n + 1;
	}
	return darn_fail(err, DARN_EINVAL, 0,
			 "option '--%s': '%s' is not one of %s", o->name, arg,
			 o->arg);
}

/* Says which option an error in its argument belongs to. */
static enum darn_rc name_option(const struct darn_opt *o, enum darn_rc rc,
				const struct darn_error *cause,
				struct darn_error *err)
{
	if (rc)
		return darn_fail(err, rc, 0, "option '--%s': %s", o->name,
				 cause->msg);
	return DARN_OK;
}

static enum darn_rc set_number(const struct darn_opt *o, const char *arg,
			       void *field, struct darn_error *err)
{
	struct darn_error cause = DARN_ERROR_INIT;
	uint64_t v = 0;
	enum darn_rc rc;

	assert(arg); /* tables give every number one */
	if (o->kind == DARN_KIND_U64) {
		rc = darn_opt_number(arg, UINT64_MAX, field, &cause);
	} else {
		/* the largest is left for "not given" */
		rc = darn_opt_number(arg, UINT_MAX - 1, &v, &cause);
		if (rc == DARN_OK)
			*(unsigned *)field = (unsigned)v;
	}
	return name_option(o, rc, &cause, err);
}

static enum darn_rc set(struct match m, const char *arg, struct darn_error *err)
{
	void *field = (char *)m.values + m.opt->offset;

	switch (m.opt->kind) {
	case DARN_KIND_FLAG:
		*(bool *)field = true;
		return DARN_OK;
	case DARN_KIND_COUNT:
		(*(unsigned *)field)++;
		return DARN_OK;
	case DARN_KIND_STR:
		*(const char **)field = arg;
		return DARN_OK;
	case DARN_KIND_LIST:
		return darn_strings_add(field, arg, err);
	case DARN_KIND_CHOICE:
		return set_choice(m.opt, arg, field, err);
	default:
		return set_number(m.opt, arg, field, err);
	}
}

/* @name: long name of @len bytes, or NULL to look for @letter. */
static struct match find(const struct darn_opt_group *groups, size_t ngroups,
			 const char *name, size_t len, char letter)
{
	for (size_t g = 0; g < ngroups; g++) {
		const struct darn_opt *o = groups[g].opts;

		for (; o && o->name; o++) {
			if (name ? strlen(o->name) == len &&
					    memcmp(o->name, name, len) == 0
				 : o->letter == letter)
				return (struct match){o, groups[g].values};
		}
	}
	return (struct match){NULL, NULL};
}

static enum darn_rc parse_long(struct args *a, const char *name,
			       const struct darn_opt_group *groups,
			       size_t ngroups, struct darn_error *err)
{
	size_t len = strcspn(name, "=");
	const char *arg = name[len] ? name + len + 1 : NULL;
	struct match m = find(groups, ngroups, name, len, 0);

	if (!m.opt)
		return darn_fail(err, DARN_EINVAL, 0, "unknown option '--%.*s'",
				 (int)DARN_MIN(len, 200), name);
	if (!m.opt->arg && arg)
		return darn_fail(err, DARN_EINVAL, 0,
				 "option '--%s' takes no argument",
				 m.opt->name);
	if (m.opt->arg && !arg) {
		if (a->next == a->argc)
			return darn_fail(err, DARN_EINVAL, 0,
					 "option '--%s' needs an argument: %s",
					 m.opt->name, m.opt->arg);
		arg = a->argv[a->next++];
	}
	return set(m, arg, err);
}

static enum darn_rc parse_letters(struct args *a, const char *letters,
				  const struct darn_opt_group *groups,
				  size_t ngroups, struct darn_error *err)
{
	for (const char *p = letters; *p; p++) {
		struct match m = find(groups, ngroups, NULL, 0, *p);
		enum darn_rc rc;

		if (!m.opt)
			return darn_fail(err, DARN_EINVAL, 0,
					 "unknown option '-%c'", *p);
		if (!m.opt->arg) {
			rc = set(m, NULL, err);
			if (rc)
				return rc;
			continue;
		}
		if (p[1])
			return set(m, p + 1, err);
		if (a->next == a->argc)
			return darn_fail(err, DARN_EINVAL, 0,
					 "option '-%c' needs an argument: %s",
					 *p, m.opt->arg);
		return set(m, a->argv[a->next++], err);
	}
	return DARN_OK;
}

enum darn_rc darn_opt_parse(int argc, char *const *argv,
			    const struct darn_opt_group *groups, size_t ngroups,
			    struct darn_strings *operands,
			    struct darn_error *err)
{
	struct args a = {.argc = argc, .argv = argv};
	bool ended = false;
	enum darn_rc rc = DARN_OK;

	while (rc == DARN_OK && a.next < a.argc) {
		const char *s = a.argv[a.next++];

		if (ended || s[0] != '-' || !s[1])
			rc = darn_strings_add(operands, s, err);
		else if (strcmp(s, "--") == 0)
			ended = true;
		else if (s[1] == '-')
			rc = parse_long(&a, s + 2, groups, ngroups, err);
		else
			rc = parse_letters(&a, s + 1, groups, ngroups, err);
	}
	return rc;
}

static bool given(const struct darn_opt *o, const void *values)
{
	const void *field = (const char *)values + o->offset;

	return *(const char *const *)field != NULL;
}

enum darn_rc darn_opt_complete(const struct darn_opt_group *groups,
			       size_t ngroups, struct darn_error *err)
{
	for (size_t g = 0; g < ngroups; g++) {
		const struct darn_opt *o = groups[g].opts;

		for (; o && o->name; o++) {
			if (o->required && !given(o, groups[g].values))
				return darn_fail(err, DARN_EINVAL, 0,
						 "--%s %s is missing", o->name,
						 o->arg);
		}
	}
	return DARN_OK;
}

void darn_opt_release(const struct darn_opt_group *groups, size_t ngroups)
{
	for (size_t g = 0; g < ngroups; g++) {
		const struct darn_opt *o = groups[g].opts;

		for (; o && o->name; o++) {
			void *field = (char *)groups[g].values + o->offset;

			if (o->kind == DARN_KIND_LIST)
				darn_strings_release(field);
		}
	}
}
