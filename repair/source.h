/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - where good bytes may come from.
 *
 * A source is a directory tree, a snapshot repository, or for a single file
 * a file.  For one part of the target it gives *origins*: a tree in which the
 * part's files lie under known names, with the store's context of that tree
 * and the snapshot's own manifest where there is one.  A repository gives an
 * origin per snapshot, newest first.
 */
#ifndef DARN_REPAIR_SOURCE_H
#define DARN_REPAIR_SOURCE_H

#include "lib/snapshot/repo.h"
#include "repair/part.h"
#include "repair/aim.h"

enum {
	DARN_MAX_SNAPSHOTS = 16 /* of one repository that are asked */
};

struct darn_origin {
	char *name; /* "SOURCE" or "SOURCE (snapshot ID)" */
	struct darn_tree *tree;
	const struct darn_store *store; /* NULL: no context */
	void *ctx;
	struct darn_manifest *manifest; /* or NULL; its paths have @seal */
	char *seal;			/* in front */
	char *strip; /* the part's paths lose this prefix in @tree */
	char *only;  /* if set: the one file that there is, under this name */
	size_t source, nth;
	/* the file that was asked for last */
	char *open_path;
	struct darn_io *io; /* NULL: there is none */
	struct darn_stat st;
};

struct darn_source {
	char *typed, *abs;
	bool is_file;
	struct darn_repo *repo;
	struct darn_origin **origins; /* of all parts */
	size_t *origin_part;
	size_t n, cap, pcap;
	bool *asked; /* by part: its origins are there */
	size_t nasked;
};

struct darn_sources {
	struct darn_source *items;
	size_t n;
	const struct darn_aim *target;
	const struct darn_store *const *stores;
};

/*
 * Opens all and refuses what is no backup of the target: the target itself,
 * something in or around it, or what shares files with it.
 */
DARN_MUST_CHECK
enum darn_rc darn_sources_open(struct darn_sources *s, const char *const *typed,
			       size_t n, const struct darn_aim *target,
			       const struct darn_store *const *stores,
			       struct darn_error *err);
void darn_sources_release(struct darn_sources *s);

/* Makes sure that the origins of @part are known. */
DARN_MUST_CHECK
enum darn_rc darn_source_prepare(struct darn_sources *s, size_t source,
				 const struct darn_part *part,
				 struct darn_error *err);

/*
 * The @i-th origin of @part, NULL after the last one, newest first within a
 * source.
 */
struct darn_origin *darn_source_origin(const struct darn_source *s,
				       const struct darn_part *part, size_t i);

/*
 * Opens the part's file @path there: o->io and o->st until the next call.
 * DARN_ENOENT where it has none; DARN_EREFUSED where it is the very file
 * @target_st.  A directory has st but no io.
 */
DARN_MUST_CHECK
enum darn_rc darn_origin_open(struct darn_origin *o, const char *path,
			      const struct darn_stat *target_st,
			      struct darn_error *err);

/* The path of the part's file in o->manifest, to be freed. */
char *darn_origin_sealed_path(const struct darn_origin *o, const char *path,
			      struct darn_error *err);

#endif
