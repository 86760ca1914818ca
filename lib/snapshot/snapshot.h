/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - making, verifying and restoring snapshots; repo.h reads them.
 */
#ifndef DARN_LIB_SNAPSHOT_SNAPSHOT_H
#define DARN_LIB_SNAPSHOT_SNAPSHOT_H

#include "lib/scan/scan.h"
#include "lib/seal/seal.h"
#include "lib/snapshot/repo.h"

/* ---- create ---- */

struct darn_snapshot_totals {
	struct darn_recorded seen;
	uint64_t fresh;	 /* bytes of frames that had to be stored */
	uint64_t stored; /* what they take, compressed */
	uint64_t reused; /* bytes of frames that were there already */
	uint64_t zeros;	 /* bytes of frames that are nothing but zeros */
	uint64_t rotten; /* frames found rotten and stored again */
};

struct darn_snapshotter;

/*
 * Makes the repository where @repo does not exist or is an empty directory,
 * and takes the shared lock.  @live as for the recorder.
 */
DARN_MUST_CHECK
enum darn_rc darn_snapshot_begin(const char *repo, bool live,
				 struct darn_snapshotter **out,
				 struct darn_error *err);
/* To be shown the scan of what is to be kept. */
struct darn_witness *darn_snapshot_witness(struct darn_snapshotter *s);

/* Makes it durable.  @id gets its name. */
DARN_MUST_CHECK
enum darn_rc darn_snapshot_commit(struct darn_snapshotter *s, char id[33],
				  struct darn_error *err);
struct darn_snapshot_totals darn_snapshot_totals(struct darn_snapshotter *s);

/* Without a commit nothing but unneeded packs stays behind.  NULL is fine. */
void darn_snapshot_end(struct darn_snapshotter *s);

/* ---- look ---- */

/*
 * The number of the snapshot that @name means: an id, a prefix that only one
 * has, or "latest".  DARN_ENOENT, or DARN_EINVAL where it is ambiguous.
 */
DARN_MUST_CHECK
enum darn_rc darn_repo_lookup(const struct darn_repo *r, const char *name,
			      size_t *out, struct darn_error *err);

/* The path of root @i of snapshot @n; NULL beyond the last. */
const char *darn_repo_root(const struct darn_repo *r, size_t n, size_t i);

/* What root @i of snapshot @n holds; @tree may be NULL. */
DARN_MUST_CHECK
enum darn_rc darn_repo_open_root(struct darn_repo *r, size_t n, size_t i,
				 struct darn_tree **tree,
				 struct darn_manifest **manifest,
				 struct darn_error *err);

/* A snapshot that could not be read when the repository was opened, or "". */
const char *darn_repo_trouble(const struct darn_repo *r);

/* ---- verify ---- */

extern const struct darn_code darn_repo_codes[];
extern const size_t darn_repo_ncodes;

struct darn_repo_finding {
	const struct darn_code *code;
	const char *path; /* within the repository, or of a file in a root */
	uint64_t off, len;
	const char *message; /* more than the code's text, or "" */
};
typedef enum darn_rc (*darn_repo_finding_fn)(void *arg,
					     const struct darn_repo_finding *f,
					     struct darn_error *err);

struct darn_verify_options {
	const char *snapshot;	 /* an id, checked alone; NULL: everything */
	unsigned jobs;		 /* workers; 0 = no threads */
	darn_repo_finding_fn fn; /* called by one thread, in order */
	void *arg;
	struct darn_progress *progress; /* or NULL */
};

struct darn_verify_totals {
	uint64_t packs, frames, bytes; /* read */
	uint64_t snapshots, files;
	uint64_t damaged; /* findings of that severity */
};

/* Damage is a finding; DARN_ECANCELED where the progress says so. */
DARN_MUST_CHECK
enum darn_rc darn_repo_verify(struct darn_repo *r,
			      const struct darn_verify_options *o,
			      struct darn_verify_totals *totals,
			      struct darn_error *err);

/* ---- restore ---- */

struct darn_restore_options {
	size_t snapshot;
	const char *path; /* below a root, or absolute; NULL: all */
	const char *to;	  /* a directory; made where there is none */
	bool force;	  /* it may hold something: files are replaced */
	unsigned jobs;
	darn_repo_finding_fn fn; /* frames that cannot be restored */
	void *arg;
	struct darn_progress *progress; /* or NULL */
};

struct darn_restore_totals {
	uint64_t files, bytes;
	uint64_t lost;	 /* bytes that could not be restored */
	uint64_t links;	 /* directories that were links when they were kept */
	uint64_t owners; /* entries whose owner could not be set */
};

DARN_MUST_CHECK
enum darn_rc darn_repo_restore(struct darn_repo *r,
			       const struct darn_restore_options *o,
			       struct darn_restore_totals *totals,
			       struct darn_error *err);

#endif
