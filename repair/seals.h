/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seals.h - the seals of the target: which digest a block had when it was
 * known to be good.
 */
#ifndef DARN_REPAIR_SEALS_H
#define DARN_REPAIR_SEALS_H

#include "lib/seal/seal.h"

struct darn_seals {
	struct darn_manifest **items;
	size_t n, cap;
	bool explicit;	  /* named by the operator: good for a moved copy too */
	const char *base; /* absolute root of the target */
};

/*
 * Opens @file, or where it is NULL the seals in the state directory of @target
 * (absolute) and of the directories above it; one of those that cannot be read
 * vouches for nothing and is passed over.
 */
DARN_MUST_CHECK
enum darn_rc darn_seals_open(struct darn_seals *s, const char *file,
			     const char *target, const char *base,
			     struct darn_error *err);
void darn_seals_release(struct darn_seals *s);

/*
 * The seal of the file @path (absolute); DARN_ENOENT where there is none.
 * *e is to be released.
 */
DARN_MUST_CHECK
enum darn_rc darn_seals_find(const struct darn_seals *s, const char *path,
			     struct darn_manifest **m,
			     struct darn_sealed_entry *e,
			     struct darn_error *err);

/*
 * Is the range [off, off + len) of @io, widened to blocks of the seal, as it
 * was sealed?  False where the seal does not reach that far or a byte cannot
 * be read.
 */
DARN_MUST_CHECK
enum darn_rc darn_seal_covers(struct darn_manifest *m,
			      const struct darn_sealed_entry *e,
			      struct darn_io *io, uint64_t off, uint64_t len,
			      bool *matches, struct darn_error *err);

/*
 * For darn_recover_options.sealed: is every block of @path as sealed?  @arg is
 * the struct darn_seals.
 */
bool darn_seals_whole(void *arg, const char *path, int64_t *mtime_ns);

#endif
