/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness.h - somebody outside the format who looks at the same bytes.
 *
 * The engine shows every byte that it reads to the format's check and to one
 * witness.  A seal that is compared (lib/seal), a seal being made, and a
 * snapshot being stored (lib/snapshot) are witnesses: data are read once,
 * by one engine, whatever the command.
 */
#ifndef DARN_LIB_SCAN_WITNESS_H
#define DARN_LIB_SCAN_WITNESS_H

#include "lib/scan/store.h"

struct darn_witness;

struct darn_witness_ops {
	/*
	 * A new root begins (@root: absolute path on this machine; @store is
	 * the store's name or "").  Calls for one root do not overlap
	 * those for the next.  Optional.
	 */
	enum darn_rc (*root)(struct darn_witness *w, const char *root,
			     const char *store, struct darn_error *err);

	/*
	 * A store was met and opened, before any of its files is shown (@path:
	 * as the report shows it).  A witness that must not see a store in
	 * use ends the scan here, before the data are read.  Optional.
	 */
	enum darn_rc (*store)(struct darn_witness *w, const char *path,
			      const struct darn_store *store,
			      enum darn_liveness liveness,
			      struct darn_error *err);

	/*
	 * A directory, link or special file, in path order; first the root
	 * itself, with the path "", where a directory was typed.  Optional.
	 */
	enum darn_rc (*entry)(struct darn_witness *w,
			      const struct darn_entry *e,
			      struct darn_error *err);

	/*
	 * A regular file, in path order, before its first chunk.  @unit is
	 * the format's unit, 0 where there is none.  Chunks are numbered by
	 * 1 MiB: each starts at a multiple of it and is 1 MiB long or ends
	 * at the end of the file (parts of it may come as unreadable).
	 */
	enum darn_rc (*begin)(struct darn_witness *w, const struct darn_file *f,
			      uint32_t unit, void **handle,
			      struct darn_error *err);

	/*
	 * A chunk, any worker, any order, once each; once more where the
	 * first call reported something suspicious and the medium has other
	 * bytes than memory (only the second call counts then).  A finding
	 * within bytes that the format's check already calls damaged is
	 * dropped by the engine.  c->bad: what of it could not be read.
	 */
	enum darn_rc (*chunk)(struct darn_witness *w, void *handle,
			      const struct darn_chunk *c, unsigned worker,
			      struct darn_sink *sink, struct darn_error *err);

	/*
	 * After the last chunk; releases @handle.  @now: the file's stat after
	 * reading, so that a change meanwhile is seen.  @complete: every chunk
	 * was shown.  Several files may be open at once; end() calls come in
	 * any order.  @sink is NULL where the run was cut short.
	 */
	enum darn_rc (*end)(struct darn_witness *w, void *handle,
			    const struct darn_stat *now, bool complete,
			    struct darn_sink *sink, struct darn_error *err);

	/* After the last file of a root: what should have been there. */
	enum darn_rc (*finish)(struct darn_witness *w, struct darn_sink *sink,
			       struct darn_error *err);
};

/* Implementations embed this as their first member. */
struct darn_witness {
	const struct darn_witness_ops *ops;
};

#endif
