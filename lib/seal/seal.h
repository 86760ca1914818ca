/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - making a seal and comparing one, as witnesses of a scan.
 *
 * The engine reads every byte once and shows it to the format's check and to
 * one witness (lib/scan/witness.h).  A *recorder* writes manifests of what it
 * sees; a *comparer* tells where a tree differs from its manifest; a *pair*
 * is both at once.
 */
#ifndef DARN_LIB_SEAL_SEAL_H
#define DARN_LIB_SEAL_SEAL_H

#include "lib/scan/witness.h"
#include "lib/seal/manifest.h"

/* ---- recorder ---- */

/*
 * Keeps @len bytes (at most one frame) somewhere and says under which id;
 * any worker.
 */
typedef enum darn_rc (*darn_store_frame_fn)(void *arg, const uint8_t *buf,
					    size_t len, struct darn_hash128 *id,
					    struct darn_error *err);

struct darn_recorder_options {
	/*
	 * Where the manifest of the @i-th root goes, to be freed by the
	 * recorder; NULL with @err set on failure.
	 */
	char *(*place)(void *arg, const char *root, size_t i,
		       struct darn_error *err);
	darn_store_frame_fn store; /* or NULL: a seal holds no frames */
	void *arg;		   /* of both */
	uint32_t frame;		   /* bytes per frame where there is store */
	const uint8_t *secret;	   /* DARN_XXH_SECRET_LEN; NULL: random */
	/*
	 * Stores in use are recorded too, files that change meanwhile are no
	 * error, and the manifests are fuzzy.  Otherwise such a store is
	 * DARN_EREFUSED.
	 */
	bool live;
};

/* What was recorded so far. */
struct darn_recorded {
	size_t roots;
	uint64_t files, bytes;
	uint64_t unsettled;  /* files that may have been written meanwhile */
	uint64_t incomplete; /* files with bytes that could not be read */
};

struct darn_recorder;

DARN_MUST_CHECK
enum darn_rc darn_recorder_create(const struct darn_recorder_options *o,
				  struct darn_recorder **out,
				  struct darn_error *err);
struct darn_witness *darn_recorder_witness(struct darn_recorder *r);
struct darn_recorded darn_recorder_totals(struct darn_recorder *r);

/* The @i-th root and the path of its manifest; NULL beyond the last. */
const char *darn_recorder_root(const struct darn_recorder *r, size_t i,
			       const char **manifest);

/* Makes all manifests durable; after the scan. */
DARN_MUST_CHECK
enum darn_rc darn_recorder_commit(struct darn_recorder *r,
				  struct darn_error *err);

/* Without a commit nothing is left behind.  NULL is fine. */
void darn_recorder_destroy(struct darn_recorder *r);

/* ---- comparer ---- */

struct darn_comparer_options {
	struct darn_manifest *const *manifests; /* borrowed */
	size_t nmanifests;
	bool vouched; /* nothing was written since: moved times are rot */
	bool renewed; /* a new seal is being made: what is gone, is gone */
	/*
	 * The paths that are scanned, as typed: sealed files outside them are
	 * not missed.  NULL: everything sealed is expected.
	 */
	const char *const *paths;
	size_t npaths;
};

/*
 * Findings have the codes of darn_sealed_codes.  A root is compared with the
 * manifest whose root holds it or lies in it; a single manifest is taken for
 * the root even where it was made elsewhere (a copy that was moved).
 */
DARN_MUST_CHECK
enum darn_rc darn_comparer_create(const struct darn_comparer_options *o,
				  struct darn_witness **out,
				  struct darn_error *err);
void darn_comparer_destroy(struct darn_witness *w); /* NULL is fine */

extern const struct darn_code darn_sealed_codes[];
extern const size_t darn_sealed_ncodes;

/* ---- both ---- */

/* Shows everything to @a, then to @b, which are borrowed. */
DARN_MUST_CHECK
enum darn_rc darn_witness_pair_create(struct darn_witness *a,
				      struct darn_witness *b,
				      struct darn_witness **out,
				      struct darn_error *err);
void darn_witness_pair_destroy(struct darn_witness *w); /* NULL is fine */

#endif
