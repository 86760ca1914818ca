/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - the repository from inside.  For lib/snapshot only.
 *
 *   config, config.copy   id, secret, frame size; twice, because nothing can
 *                         be named without them
 *   lock                  flock: shared by all, exclusive for clearing up
 *   packs/ab/ab...zst     zstd frames, one after the other; "zstd -d" reads it
 *   index/ab...           which frames a pack holds and where
 *   verified              when each pack was last read and found good
 *   snapshots/ID/head     a snapshot: its numbers and its roots
 *   snapshots/ID/0, 1...  a manifest per root, with frame ids
 *
 * A frame is named by the XXH3-128 of its bytes under the repository's secret.
 * The order of writing: pack, index, snapshot; each whole under its name or
 * not there.  So a cut at any moment leaves older snapshots as they were, and
 * perhaps packs that nobody needs.
 */
#ifndef DARN_LIB_SNAPSHOT_INTERNAL_H
#define DARN_LIB_SNAPSHOT_INTERNAL_H

#include <pthread.h>

#include "lib/snapshot/repo.h"
#include "lib/snapshot/snapshot.h"

enum {
	REPO_VERSION = 1,
	REPO_ID = 16,
	/*
	 * Bytes of a file per frame.  Measured on a PostgreSQL cluster: see
	 * the table in darn-repo(5).
	 */
	REPO_FRAME = 65536,
	REPO_FRAME_MAX = 1 << 20,
	REPO_PACK = 256 << 20,	     /* a pack is closed beyond this */
	REPO_PACK_FRAMES = 64 << 10, /* or beyond this many frames */
	REPO_LEVEL = 3
};

/* ---- small self-checked files (small.c) ---- */

/* Appends the check to @buf, which has room for it, and writes it. */
DARN_MUST_CHECK
enum darn_rc darn_small_put(const char *path, uint8_t *buf, size_t len,
			    struct darn_error *err);

/*
 * Reads a file that begins with @magic (8 bytes) and a version and ends with
 * its check, which is left out of *len.  DARN_ENOENT, DARN_ECORRUPT.
 */
DARN_MUST_CHECK
enum darn_rc darn_small_get(const char *path, const char *magic, uint8_t **out,
			    size_t *len, struct darn_error *err);

void darn_hex_id(char out[33], const uint8_t id[REPO_ID]);
bool darn_unhex_id(uint8_t id[REPO_ID], const char *hex);

/* ---- index files (index.c) ---- */

struct darn_index_entry {
	struct darn_hash128 id;
	uint64_t off;
	uint32_t stored, len; /* compressed, raw */
};

struct darn_index {
	char pack[33];
	int64_t made_ns;
	uint64_t size; /* of the pack */
	struct darn_index_entry *entries;
	size_t n;
};

DARN_MUST_CHECK
enum darn_rc darn_index_write(const char *repo, const struct darn_index *x,
			      struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_index_read(const char *repo, const char *pack,
			     struct darn_index *out, struct darn_error *err);
void darn_index_release(struct darn_index *x);

/* Names in @repo/@sub that are ids, sorted; free each and the array. */
DARN_MUST_CHECK
enum darn_rc darn_repo_names(const char *repo, const char *sub, char ***out,
			     size_t *n, struct darn_error *err);
void darn_names_release(char **names, size_t n);

struct darn_names {
	char **v;
	size_t n, cap;
};
/* Every pack: those with an index, then those without. */
DARN_MUST_CHECK
enum darn_rc darn_pack_names(const char *repo, struct darn_names *out,
			     struct darn_error *err);

struct darn_repo;
/*
 * The index of a pack; made anew from the pack where it is damaged or lost,
 * and then @why says what was wrong, otherwise it is "".
 */
DARN_MUST_CHECK
enum darn_rc darn_index_load(const struct darn_repo *r, const char *pack,
			     struct darn_index *out, char why[512],
			     struct darn_error *err);

/* Writes anew what is damaged or lost.  Under the exclusive lock only. */
DARN_MUST_CHECK
enum darn_rc darn_indexes_mend(const struct darn_repo *r,
			       struct darn_error *err);

char *darn_pack_path(const char *repo, const char *pack,
		     struct darn_error *err);

/* ---- catalog: every frame of the repository (catalog.c) ---- */

enum darn_frame_state {
	DARN_FRAME_KNOWN,   /* an index says that it is there */
	DARN_FRAME_TRUSTED, /* written or read and found good in this run */
	DARN_FRAME_ROTTEN
};

struct darn_frame_place {
	uint32_t pack; /* number within the catalog */
	uint64_t off;
	uint32_t stored, len;
	enum darn_frame_state state;
};

struct darn_pack_info {
	char id[33];
	int64_t made_ns, verified_ns; /* 0: never */
	bool used;		      /* for verify */
};

struct darn_catalog;

/*
 * Reads every index.  Lives in a temporary SQLite file, so that memory does
 * not grow with the repository.  A pack that cannot be read is left out and
 * remembered.
 */
DARN_MUST_CHECK
enum darn_rc darn_catalog_open(const struct darn_repo *r,
			       struct darn_catalog **out,
			       struct darn_error *err);
void darn_catalog_close(struct darn_catalog *c); /* NULL is fine */

/* DARN_ENOENT where no pack has it.  Any thread. */
DARN_MUST_CHECK
enum darn_rc darn_catalog_find(struct darn_catalog *c,
			       const struct darn_hash128 *id,
			       struct darn_frame_place *out,
			       struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_catalog_put(struct darn_catalog *c,
			      const struct darn_hash128 *id,
			      const struct darn_frame_place *at,
			      struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_catalog_add_pack(struct darn_catalog *c,
				   const struct darn_pack_info *p,
				   uint32_t *number, struct darn_error *err);
size_t darn_catalog_packs(struct darn_catalog *c);
struct darn_pack_info darn_catalog_pack(struct darn_catalog *c, uint32_t i);
void darn_catalog_use_pack(struct darn_catalog *c, uint32_t i);
/* What is wrong with a pack that was left out, or "". */
const char *darn_catalog_trouble(const struct darn_catalog *c);

/* ---- when packs were verified (verified.c) ---- */

struct darn_verified {
	uint8_t pack[REPO_ID];
	int64_t when_ns;
};
/* An absent or damaged file is an empty list. */
DARN_MUST_CHECK
enum darn_rc darn_verified_read(const char *repo, struct darn_verified **out,
				size_t *n, struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_verified_write(const char *repo,
				 const struct darn_verified *v, size_t n,
				 struct darn_error *err);

/* ---- what a killed run left behind (leftover.c) ---- */

typedef enum darn_rc (*darn_leftover_fn)(void *arg, const char *path, bool tmp,
					 struct darn_error *err);
/*
 * Calls @fn with the path, within the repository, of each temporary file or
 * directory (@tmp) and of each pack without an index, in order.
 */
DARN_MUST_CHECK
enum darn_rc darn_leftovers(const char *repo, darn_leftover_fn fn, void *arg,
			    struct darn_error *err);

/* A file, or a directory of files as snapshots/ has. */
DARN_MUST_CHECK
enum darn_rc darn_leftover_remove(const char *path, struct darn_error *err);

/* Removes what is temporary.  Under the exclusive lock only. */
DARN_MUST_CHECK
enum darn_rc darn_leftovers_remove(const char *repo, struct darn_error *err);

/* ---- writing packs (pack.c) ---- */

struct darn_pack_writer;

DARN_MUST_CHECK
enum darn_rc darn_pack_writer_create(const char *repo, struct darn_catalog *c,
				     struct darn_pack_writer **out,
				     struct darn_error *err);
/* Appends a compressed frame.  One thread at a time. */
DARN_MUST_CHECK
enum darn_rc darn_pack_append(struct darn_pack_writer *w,
			      const struct darn_hash128 *id,
			      const uint8_t *stored, size_t n, size_t len,
			      struct darn_error *err);
/* Makes the last pack durable. */
DARN_MUST_CHECK
enum darn_rc darn_pack_finish(struct darn_pack_writer *w,
			      struct darn_error *err);
void darn_pack_writer_destroy(struct darn_pack_writer *w);

/* ---- the repository ---- */

int64_t darn_now_ns(void);

struct darn_snapshot_root {
	char *path;	      /* absolute, as sealed */
	uint64_t size, check; /* of its manifest */
};

struct darn_snapshot_head {
	struct darn_snapshot_info info;
	struct darn_snapshot_root *roots;
};

struct darn_repo {
	char *path;
	int lock;
	uint8_t id[REPO_ID], secret[DARN_XXH_SECRET_LEN];
	uint32_t frame;
	bool copy_used; /* config itself is damaged */
	struct darn_snapshot_head *heads;
	size_t nheads, capheads;
	struct darn_catalog *catalog; /* opened by the first read */
	char bad[512];	       /* a snapshot that cannot be read, or "" */
	pthread_mutex_t mutex; /* guards the opening */
};

DARN_MUST_CHECK
enum darn_rc darn_config_read(struct darn_repo *r, struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_config_make(const char *path, struct darn_error *err);

DARN_MUST_CHECK
enum darn_rc darn_head_write(const char *dir,
			     const struct darn_snapshot_head *h,
			     struct darn_error *err);
DARN_MUST_CHECK
enum darn_rc darn_head_read(const char *repo, const char *id,
			    struct darn_snapshot_head *out,
			    struct darn_error *err);
void darn_head_release(struct darn_snapshot_head *h);

/* Length and check of a manifest: which one belongs to a snapshot. */
DARN_MUST_CHECK
enum darn_rc darn_head_stamp(const char *path, struct darn_snapshot_root *root,
			     struct darn_error *err);

DARN_MUST_CHECK
enum darn_rc darn_repo_catalog(struct darn_repo *r, struct darn_error *err);

/*
 * Reads a frame and verifies it.  @buf has room for @len bytes, the length
 * that the frame must have.  DARN_EIO names frame, pack and offset.
 */
DARN_MUST_CHECK
enum darn_rc darn_frame_read(struct darn_repo *r, const struct darn_hash128 *id,
			     uint8_t *buf, size_t len, struct darn_error *err);

/* The same at a known place. */
DARN_MUST_CHECK
enum darn_rc darn_frame_read_at(struct darn_repo *r, const char *pack,
				const struct darn_index_entry *x, uint8_t *buf,
				struct darn_error *err);

/* The tree of a manifest of @r; takes @m over. */
DARN_MUST_CHECK
enum darn_rc darn_tree_open_snapshot(struct darn_repo *r,
				     struct darn_manifest *m, const char *id,
				     struct darn_tree **out,
				     struct darn_error *err);

/* The manifest of root @i of a snapshot. */
DARN_MUST_CHECK
enum darn_rc darn_repo_manifest(struct darn_repo *r,
				const struct darn_snapshot_head *h, unsigned i,
				struct darn_manifest **out,
				struct darn_error *err);

bool darn_frame_is_zeros(const struct darn_hash128 *id);

#endif
