/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - the few memory and string helpers that every room needs.
 *
 * Nothing here ends the process: allocation failure is an error like any
 * other.  Sizes are checked for overflow.
 */
#ifndef DARN_LIB_BASE_MEM_H
#define DARN_LIB_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

#define DARN_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define DARN_MIN(a, b) ((a) < (b) ? (a) : (b))
#define DARN_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Zeroed memory for @n objects of @size bytes, or NULL with @err set. */
void *darn_calloc(size_t n, size_t size, struct darn_error *err);

/* A copy of @s, or NULL with @err set. */
char *darn_strdup(const char *s, struct darn_error *err);

/* A formatted string on the heap, or NULL with @err set. */
DARN_PRINTF(2, 3)
char *darn_asprintf(struct darn_error *err, const char *fmt, ...);

/*
 * Makes room for one more element in the growing array *@items, which holds
 * @n elements of @size bytes with room for *@cap.  The array stays as it was
 * on failure.  Free with free().
 */
DARN_MUST_CHECK
enum darn_rc darn_grow(void **items, size_t n, size_t *cap, size_t size,
		       struct darn_error *err);

/*
 * "@dir/@name" on the heap, or @name alone where @dir is empty, or @dir
 * alone where @name is empty.  NULL with @err set on failure.
 */
char *darn_path_join(const char *dir, const char *name, struct darn_error *err);

/*
 * What of @path lies below the directory @dir, without the slash: "" where they
 * are equal, NULL where @path is elsewhere.  An empty @dir holds every path,
 * "/" every absolute one.  Only the names are looked at.
 */
const char *darn_path_below(const char *path, const char *dir);

#endif
