/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.h - command-line options as a table.
 *
 * One table gives the parsing, the synopsis that -h prints and the manual
 * page repeats, the list of options under it, and the shell completion.  Each
 * line names a field of a struct by its offset; the macros refuse to compile
 * where the field's type does not fit.
 *
 *	struct opts { bool dry_run; struct darn_strings from; };
 *	static const struct darn_opt table[] = {
 *		DARN_OPT_FLAG('n', "dry-run", struct opts, dry_run,
 *			      "show the plan, write nothing"),
 *		DARN_OPT_LIST(0, "from", "SOURCE", struct opts, from,
 *			      "take good bytes from SOURCE"),
 *		DARN_OPT_END
 *	};
 *
 * Options and operands may come in any order; "--" ends the options; letters
 * may be bundled (-qv, -j4); "--name=ARG" and "--name ARG" are the same.  Of
 * several values of one option the last counts, except for lists and counts.
 */
#ifndef DARN_CMD_OPT_H
#define DARN_CMD_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/error.h"

/* A growing list; @items ends with NULL and is NULL where @n is 0. */
struct darn_strings {
	const char **items;
	size_t n, cap;
};
DARN_MUST_CHECK
enum darn_rc darn_strings_add(struct darn_strings *list, const char *s,
			      struct darn_error *err);
void darn_strings_release(struct darn_strings *list);

enum darn_opt_kind {
	DARN_KIND_FLAG,	  /* bool */
	DARN_KIND_COUNT,  /* unsigned: how often it was given */
	DARN_KIND_UINT,	  /* unsigned */
	DARN_KIND_U64,	  /* uint64_t */
	DARN_KIND_STR,	  /* const char *, points into argv */
	DARN_KIND_LIST,	  /* struct darn_strings, repeatable */
	DARN_KIND_CHOICE, /* unsigned: index into @arg, "auto|json|none" */
};

struct darn_opt {
	const char *name; /* without dashes; NULL ends the table */
	const char *arg;  /* as in the synopsis: "FILE"; NULL: takes none */
	const char *help;
	size_t offset; /* of the field in the values of the group */
	enum darn_opt_kind kind;
	char letter;   /* 0: none */
	bool required; /* STR only */
	bool unlisted; /* left out of the synopsis: -h, -V */
};

#define DARN_OPT_FIELD(type_, field_, as_) \
	_Generic(((type_ *)0)->field_, as_ : offsetof(type_, field_))
#define DARN_OPT_(kind_, as_, letter_, name_, arg_, type_, field_, help_)     \
	.kind = (kind_), .letter = (letter_), .name = (name_), .arg = (arg_), \
	.offset = DARN_OPT_FIELD(type_, field_, as_), .help = (help_)

/* letter (or 0), name, [argument,] struct, field, help */
#define DARN_OPT_FLAG(l, n, t, f, h)                                 \
	{                                                            \
		DARN_OPT_(DARN_KIND_FLAG, bool, l, n, NULL, t, f, h) \
	}
#define DARN_OPT_COUNT(l, n, t, f, h)                                     \
	{                                                                 \
		DARN_OPT_(DARN_KIND_COUNT, unsigned, l, n, NULL, t, f, h) \
	}
#define DARN_OPT_UINT(l, n, a, t, f, h)                               \
	{                                                             \
		DARN_OPT_(DARN_KIND_UINT, unsigned, l, n, a, t, f, h) \
	}
#define DARN_OPT_U64(l, n, a, t, f, h)                               \
	{                                                            \
		DARN_OPT_(DARN_KIND_U64, uint64_t, l, n, a, t, f, h) \
	}
#define DARN_OPT_STR(l, n, a, t, f, h)                                   \
	{                                                                \
		DARN_OPT_(DARN_KIND_STR, const char *, l, n, a, t, f, h) \
	}
#define DARN_OPT_LIST(l, n, a, t, f, h)                                       \
	{                                                                     \
		DARN_OPT_(DARN_KIND_LIST, struct darn_strings, l, n, a, t, f, \
			  h)                                                  \
	}
#define DARN_OPT_CHOICE(l, n, a, t, f, h)                               \
	{                                                               \
		DARN_OPT_(DARN_KIND_CHOICE, unsigned, l, n, a, t, f, h) \
	}
/* The same, but the command cannot do without: "--repo DIR". */
#define DARN_OPT_STR_REQUIRED(l, n, a, t, f, h)                           \
	{                                                                 \
		DARN_OPT_(DARN_KIND_STR, const char *, l, n, a, t, f, h), \
			.required = true                                  \
	}
#define DARN_OPT_END         \
	{                    \
		.name = NULL \
	}

/* A table and the struct that its offsets point into. */
struct darn_opt_group {
	const struct darn_opt *opts; /* NULL: an empty group */
	void *values;
};

/*
 * Reads argv[0..argc), which does not contain the program's or the command's
 * name.  DARN_EINVAL with one clear line for the user's mistakes.  Required
 * options are asked for by darn_opt_complete(), so that -h works without.
 */
DARN_MUST_CHECK
enum darn_rc darn_opt_parse(int argc, char *const *argv,
			    const struct darn_opt_group *groups, size_t ngroups,
			    struct darn_strings *operands,
			    struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_opt_complete(const struct darn_opt_group *groups,
			       size_t ngroups, struct darn_error *err);
/* Releases what parsing put into lists. */
void darn_opt_release(const struct darn_opt_group *groups, size_t ngroups);

/* The whole of @s as a decimal number of at most @max. */
DARN_MUST_CHECK
enum darn_rc darn_opt_number(const char *s, uint64_t max, uint64_t *out,
			     struct darn_error *err);
/*
 * usage.c.  The synopsis is one line "@lead [-n] [--from SOURCE]... PATH",
 * broken before column 80; options with a letter show that one.
 */
void darn_opt_synopsis(FILE *out, const char *lead,
		       const struct darn_opt_group *groups, size_t ngroups,
		       const char *operands);
/* One entry per option: "  -n, --dry-run   help". */
void darn_opt_describe(FILE *out, const struct darn_opt_group *groups,
		       size_t ngroups);
/* @lead, and @text from @column on, broken before column 80. */
void darn_opt_entry(FILE *out, const char *lead, unsigned column,
		    const char *text);
/* For completion: "-n", "--dry-run", "--from=SOURCE", one per line. */
void darn_opt_list(FILE *out, const struct darn_opt_group *groups,
		   size_t ngroups);

#endif
