/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.h - writing a manifest, in bounded memory and from many threads.
 *
 * The size of a file says how much room its digests need, so the room is
 * reserved when the file begins and workers fill it in any order, one chunk
 * (1 MiB of the file) at a time.  What stays in memory is eight bytes per 511
 * entries and one small object per open file.
 *
 * Calls for different chunks and files may run at once; adding entries and
 * beginning files is one thread's job.
 */
#ifndef DARN_LIB_SEAL_WRITE_H
#define DARN_LIB_SEAL_WRITE_H

#include "lib/seal/manifest.h"

struct darn_manifest_writer;
struct darn_sealing; /* a file whose digests are being written */

/*
 * The file appears at @path when it is committed.  @head is copied; its
 * boot_id and sealed_ns are filled in here.  @frame: bytes of a file per frame
 * id, or 0 where the manifest has none.
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_create(const char *path,
				  const struct darn_manifest_head *head,
				  uint32_t frame,
				  struct darn_manifest_writer **out,
				  struct darn_error *err);

/* Anything but a regular file. */
DARN_MUST_CHECK
enum darn_rc darn_manifest_add(struct darn_manifest_writer *w,
			       const struct darn_entry *e,
			       struct darn_error *err);

/*
 * A file of e->st.size bytes.  @block: bytes per digest, a power of two from
 * 512 to 1 MiB.
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_begin(struct darn_manifest_writer *w,
				 const struct darn_entry *e, uint32_t block,
				 struct darn_sealing **out,
				 struct darn_error *err);

/*
 * The bytes [off, off + len) of the file, all within one chunk; blocks that
 * they do not cover whole get no digest.  @frames: the ids of the frames
 * touched, zero for those that are not covered whole, or NULL.
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_put(struct darn_sealing *f, uint64_t off,
			       const void *buf, size_t len,
			       const struct darn_hash128 *frames,
			       struct darn_error *err);

/*
 * Ends the file and releases @f, also on failure.  Chunks that never came are
 * written as unreadable.
 */
DARN_MUST_CHECK
enum darn_rc darn_manifest_end(struct darn_sealing *f, bool settled,
			       struct darn_error *err);

/* Releases @f of a run that is given up. */
void darn_manifest_drop(struct darn_sealing *f);

/* Makes the manifest durable; @w may only be destroyed afterwards. */
DARN_MUST_CHECK
enum darn_rc darn_manifest_commit(struct darn_manifest_writer *w, bool fuzzy,
				  struct darn_error *err);

/* Removes what was not committed.  NULL is fine. */
void darn_manifest_destroy(struct darn_manifest_writer *w);

#endif
