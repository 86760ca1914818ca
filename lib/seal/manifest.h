/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - the file that a seal writes: what every block of a tree was.
 *
 * darn-seal(5) documents the format.  One manifest describes one root: a
 * directory, or a single file (then the root is its directory and the file the
 * only entry).  A snapshot's table of contents is the same file with one more
 * section per file, the ids of the frames that hold its bytes.
 *
 * Digests are XXH3-128 under a random secret that lies in the manifest, so
 * that nobody can choose rows that collide; the manifest is readable by its
 * owner only.  Every part of the manifest carries a checksum of its own; a part
 * that fails is DARN_ECORRUPT naming file and offset, and vouches for nothing.
 */
#ifndef DARN_LIB_SEAL_MANIFEST_H
#define DARN_LIB_SEAL_MANIFEST_H

#include "lib/hash/hash.h"
#include "lib/io/tree.h"

struct darn_manifest_head {
	char root[4096];   /* absolute path that was sealed */
	char store[32];	   /* store's name, or "" */
	char boot_id[40];  /* /proc/sys/kernel/random/boot_id */
	int64_t sealed_ns; /* when sealing began, realtime clock */
	bool fuzzy;	   /* sealed while live: good for single units only */
	uint8_t secret[DARN_XXH_SECRET_LEN];
};

struct darn_sealed_entry {
	const char *path; /* relative to the root */
	const char *link; /* for DARN_FT_LINK */
	struct darn_stat st;
	uint32_t block;	  /* bytes per digest; files only */
	uint64_t nblocks; /* the last one may be shorter */
	bool settled;	  /* not modified in the 2 s before it was read, nor
			   * while it was read */
	uint64_t index;	  /* of the entry, in path order */
	uint64_t groups;  /* where its digests lie; for lib/seal alone */
};

struct darn_manifest;

/* Opens, checks head and index.  Thread-safe afterwards. */
DARN_MUST_CHECK
enum darn_rc darn_manifest_open(struct darn_io *io, struct darn_manifest **out,
				struct darn_error *err); /* owns @io if OK */
void darn_manifest_close(struct darn_manifest *m);

const struct darn_manifest_head *
darn_manifest_head(const struct darn_manifest *m);
uint64_t darn_manifest_entries(const struct darn_manifest *m);

/*
 * Entry by path, DARN_ENOENT where it was not sealed; or by number.  Strings
 * in *out are released with darn_sealed_entry_release().
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_find(struct darn_manifest *m, const char *path,
				struct darn_sealed_entry *out,
				struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_manifest_get(struct darn_manifest *m, uint64_t index,
			       struct darn_sealed_entry *out,
			       struct darn_error *err);
void darn_sealed_entry_release(struct darn_sealed_entry *e);

/* @n digests of entry @e from block @first on. */
DARN_MUST_CHECK
enum darn_rc darn_manifest_digests(struct darn_manifest *m,
				   const struct darn_sealed_entry *e,
				   uint64_t first, size_t n,
				   struct darn_hash128 *out,
				   struct darn_error *err);

/*
 * A block that could not be read when it was sealed has the digest zero, which
 * matches nothing.
 */
bool darn_digest_is_none(const struct darn_hash128 *h);

/* Bytes per frame id; 0: this manifest has none (it is a seal). */
uint32_t darn_manifest_frame(const struct darn_manifest *m);

/*
 * @n frame ids of entry @e from frame @first on: all zero = not stored, all
 * 0xff = nothing but zeros.
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_frames(struct darn_manifest *m,
				  const struct darn_sealed_entry *e,
				  uint64_t first, size_t n,
				  struct darn_hash128 *out,
				  struct darn_error *err);

/*
 * *@index: the first entry, in path order, that is not before @path; with
 * @beyond the first that is neither before, at nor below @path.
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_lower(struct darn_manifest *m, const char *path,
				 bool beyond, uint64_t *index,
				 struct darn_error *err);

/* Reads everything: DARN_ECORRUPT where any byte is not as it was written. */
DARN_MUST_CHECK
enum darn_rc darn_manifest_verify(struct darn_manifest *m,
				  struct darn_error *err);

/* This boot of this machine, or "" where the kernel does not say. */
void darn_boot_id(char out[40]);

/* The digest of @len bytes under this manifest's secret. */
struct darn_hash128 darn_manifest_hash(const struct darn_manifest *m,
				       const void *buf, size_t len);

/*
 * Does the whole of [off, off + len) of the file @e match its seal?  @buf
 * holds those bytes; off is a multiple of e->block and the end is one too or
 * the sealed end of the file (otherwise DARN_EINVAL).
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_matches(struct darn_manifest *m,
				   const struct darn_sealed_entry *e,
				   uint64_t off, const void *buf, size_t len,
				   bool *matches, struct darn_error *err);

/*
 * May this seal prove anything about the file as it is now (darn-seal(5))?
 * True if size and mtime are as sealed, the file was settled, the seal is not
 * fuzzy and the machine has not been restarted since (same boot id).
 * @vouched: the operator said that nothing was written since; then only the
 * seal's own quality counts.  @why gets one line.
 */
bool darn_manifest_vouches(const struct darn_manifest *m,
			   const struct darn_sealed_entry *e,
			   const struct darn_stat *now, bool vouched, char *why,
			   size_t why_len);

#endif
