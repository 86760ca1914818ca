/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the contract between the engine and what it knows of formats.
 *
 * A *store* is a directory tree that one engine owns; a *format* is one kind
 * of file in it.  Both are const tables of functions; those marked "optional"
 * may be NULL.  A scanner is pure: it looks at bytes that it is given and
 * reports to a sink.  It opens nothing but through the tree handed to it,
 * prints nothing, writes nothing and has no mutable statics.
 *
 * Life: recognise -> open -> (per file: classify -> format) -> expect -> join
 * -> close.  After open() the context is immutable and shared by all workers.
 *
 * Where a format does not fit, this contract is improved for all.
 */
#ifndef DARN_LIB_SCAN_STORE_H
#define DARN_LIB_SCAN_STORE_H

#include "lib/io/tree.h"
#include "lib/scan/sink.h"

/* ---- formats ---- */

/* A file under check. */
struct darn_file {
	const char *path; /* relative to @tree's root */
	struct darn_tree *tree;
	struct darn_io *io;
	struct darn_stat st; /* at open: coverage counts against st.size */
};

/*
 * A run of bytes of a file, aligned to the format's unit at both ends or
 * ending at the end of the file.  @buf NULL: these bytes cannot be read (only
 * feed() sees that; the engine has already reported them).  @bad: the ranges
 * of the file within it that cannot be read and are zeros in @buf, in order
 * (only a witness sees them; reported already).
 */
struct darn_chunk {
	const uint8_t *buf;
	uint64_t off;
	size_t len;
	uint64_t file_size;
	const struct darn_bad_range *bad;
	size_t nbad;
};

struct darn_format {
	const char *name;   /* "page" */
	const char *title;  /* "PostgreSQL relation page" */
	const char *covers; /* for darn formats: what the check covers */
	const char *blind;  /* and what it cannot see */
	/*
	 * Bytes; with check() a divisor of 1 MiB.  0: the file is one unit;
	 * then check() gets all of it at once, empty files too, and files of
	 * more than 1 MiB are not checked.
	 */
	uint32_t unit;
	const struct darn_code *codes;
	size_t ncodes;

	/*
	 * Optional: how sure (0..100) that a stray file with these first
	 * bytes is of this format, by content alone.
	 */
	unsigned (*probe)(const uint8_t *head, size_t len, uint64_t size);

	/*
	 * Optional: reads what all chunks need (headers, neighbours) into an
	 * immutable context.  @store_ctx is NULL for a stray file.
	 */
	enum darn_rc (*open)(const struct darn_file *f, const void *store_ctx,
			     struct darn_sink *sink, void **file_ctx,
			     struct darn_error *err);
	void (*close)(void *file_ctx); /* optional; NULL is fine */

	/* Any chunk, any worker, any order, any number of times. */
	enum darn_rc (*check)(const void *file_ctx, const struct darn_chunk *c,
			      struct darn_sink *sink, struct darn_error *err);

	/*
	 * Instead of check(), for formats whose bytes only make sense in
	 * order: the chunks of one file come first to last.  end() releases
	 * the stream; it is called once for every begin(), with a NULL sink
	 * where the run was cut short.
	 */
	enum darn_rc (*begin)(const void *file_ctx, void **stream,
			      struct darn_error *err);
	enum darn_rc (*feed)(void *stream, const struct darn_chunk *c,
			     struct darn_sink *sink, struct darn_error *err);
	enum darn_rc (*end)(void *stream, struct darn_sink *sink,
			    struct darn_error *err);
};

/* ---- stores ---- */

/* A short answer with its reasons, one fact per line. */
struct darn_evidence {
	char text[1024]; /* lines separated by '\n', no final one */
};
DARN_PRINTF(2, 3)
void darn_evidence_add(struct darn_evidence *e, const char *fmt, ...);

enum darn_liveness {
	DARN_STOPPED,
	DARN_LIVE,
	DARN_LIVENESS_UNKNOWN
};
enum darn_shutdown {
	DARN_CLEAN,
	DARN_UNCLEAN,
	DARN_SHUTDOWN_UNKNOWN
};

struct darn_class {
	const struct darn_format *format; /* NULL: nothing checks this file */
	const char *reason; /* why not: "no checksum in ...", static */
};

/*
 * How a repair keeps the engine from starting: the name that the engine
 * itself takes as its lock, and what a holder writes there.  "%d" in
 * @content stands for the holder's process id.
 */
struct darn_hold {
	char path[256];	 /* relative to the root; "" = the engine has no lock */
	char inside[64]; /* "", or @path is a directory with this file in it */
	char content[4608];
};

enum darn_verdict {
	DARN_HEALS,	  /* the engine's own recovery will mend it */
	DARN_FREE,	  /* not in use */
	DARN_REBUILDABLE, /* derived data; the engine can make it anew */
	DARN_EXACT,	  /* proven to be the current version */
	DARN_PROBABLE,	  /* looks the same, no proof */
	DARN_STALE,	  /* provably older than what was lost */
	DARN_UNKNOWN,	  /* no evidence */
};

/* The unit that a repair asks about. */
struct darn_unit {
	const char *path;
	uint64_t off, len;
	const struct darn_format *format; /* NULL: no scanner checks the file */
	bool whole_file;    /* the file itself is missing or is one unit */
	const uint8_t *buf; /* what is there now, unreadable bytes zeroed */
	size_t buf_len;	    /* less than @len where the file ends early */
};

struct darn_candidate {
	const void *source_ctx; /* the source's store context; may be NULL */
	const char *source;	/* its name, for the evidence */
	const uint8_t *buf;	/* NULL for a whole file */
	size_t len;
};

/* Iterates over notes: DARN_OK and *note, DARN_ENOENT at the end. */
struct darn_notes;
DARN_MUST_CHECK
enum darn_rc darn_notes_next(struct darn_notes *n, struct darn_note *note,
			     struct darn_error *err);

struct darn_store {
	const char *name;			  /* "postgresql" */
	const char *title;			  /* "PostgreSQL cluster" */
	const struct darn_format *const *formats; /* NULL-terminated */
	/* codes that open, expect and join report */
	const struct darn_code *codes;
	size_t ncodes;

	/* How sure (0..100) that @dir is the root of such a store. */
	unsigned (*recognise)(struct darn_tree *t, const char *dir);

	/*
	 * @t is rooted at the store.  A damaged control file is no failure:
	 * the context says what is not known.
	 */
	enum darn_rc (*open)(struct darn_tree *t, struct darn_sink *sink,
			     void **ctx, struct darn_error *err);
	void (*close)(void *ctx); /* NULL is fine */

	/* What the report shows as the store's version, or "". */
	const char *(*version)(const void *ctx);

	/* Which format @path is; every file gets an answer. */
	struct darn_class (*classify)(const void *ctx, const char *path,
				      const struct darn_stat *st);

	/* Is an engine using it?  @t->os_path is set. */
	enum darn_liveness (*liveness)(const void *ctx, struct darn_tree *t,
				       struct darn_evidence *why);
	void (*hold)(const void *ctx, struct darn_tree *t,
		     struct darn_hold *out); /* optional */
	enum darn_shutdown (*shutdown)(const void *ctx,
				       struct darn_evidence *why);

	/* Optional: what must exist and how large; once, before the checks. */
	enum darn_rc (*expect)(const void *ctx, struct darn_tree *t,
			       struct darn_sink *sink, struct darn_error *err);

	/* Optional: rules across files; once, after all checks. */
	enum darn_rc (*join)(const void *ctx, struct darn_tree *t,
			     struct darn_notes *notes, struct darn_sink *sink,
			     struct darn_error *err);

	/*
	 * The verdict for @unit if @candidate (already verified by its own
	 * check) were put there, with one line of evidence in @why.
	 * @candidate NULL: what can be said without a source.  One thread
	 * at a time: a context may remember what it has worked out.
	 */
	enum darn_verdict (*judge)(const void *ctx,
				   const struct darn_unit *unit,
				   const struct darn_candidate *candidate,
				   struct darn_evidence *why);
};

#endif
