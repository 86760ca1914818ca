/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repo.h - the snapshot repository, for those who read from it.
 *
 * darn-repo(5) documents the layout.  A snapshot holds one manifest
 * (lib/seal/manifest.h) per PATH given to "snapshot create".
 */
#ifndef DARN_LIB_SNAPSHOT_REPO_H
#define DARN_LIB_SNAPSHOT_REPO_H

#include "lib/seal/manifest.h"

struct darn_repo;

/* True if the directory @path looks like a repository of ours. */
bool darn_repo_is(const char *path);

/* Opens for reading, under a shared kernel lock. */
DARN_MUST_CHECK
enum darn_rc darn_repo_open(const char *path, struct darn_repo **out,
			    struct darn_error *err);
void darn_repo_close(struct darn_repo *r);

struct darn_snapshot_info {
	char id[33];	 /* hex; any unambiguous prefix names it */
	int64_t made_ns; /* realtime */
	bool fuzzy;
	unsigned nroots;
	uint64_t files, bytes, stored; /* stored: new bytes in packs */
};

/* Number of snapshots, oldest first. */
size_t darn_repo_count(const struct darn_repo *r);
const struct darn_snapshot_info *darn_repo_info(const struct darn_repo *r,
						size_t i);

/*
 * The snapshots that hold @root (an absolute path; equal to a sealed root, or
 * below one), newest first: call with nth = 0, 1, ... until DARN_ENOENT.
 * *tree is rooted at what was sealed for @root, *manifest describes it, and
 * *prefix (freed by the caller) is what stands before the paths of @root in
 * both ("" where the roots are equal).  Reading through the tree verifies the
 * digest of every frame; a rotten one is DARN_EIO with a clear message.
 */
DARN_MUST_CHECK
enum darn_rc darn_repo_find_root(struct darn_repo *r, const char *root,
				 size_t nth, struct darn_tree **tree,
				 struct darn_manifest **manifest, char **prefix,
				 const struct darn_snapshot_info **info,
				 struct darn_error *err);

#endif
