/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - is this unit, or this file, good?  For repair, which asks of bytes
 * that may not lie in any file yet.
 */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/scan/engine.h"

/* A finding within the bytes in question. */
static bool bad_within(const struct darn_sink *s, uint64_t off, uint64_t len)
{
	for (size_t i = 0; i < s->nitems; i++) {
		const struct darn_sink_item *item = &s->items[i];

		if (item->code->severity < DARN_SUSPICIOUS ||
		    item->path != DARN_NO_TEXT)
			continue;
		if (item->where.off < off + len &&
		    (item->where.off >= off ||
		     item->where.len > off - item->where.off))
			return true;
	}
	return false;
}

static enum darn_rc check_unit(const struct darn_format *format,
			       const void *ctx, const struct darn_chunk *c,
			       struct darn_sink *sink, bool *good,
			       bool *verified, struct darn_error *err)
{
	bool bad = bad_within(sink, c->off, c->len);
	enum darn_rc rc = format->check(ctx, c, sink, err);

	if (rc == DARN_OK)
		rc = darn_sink_status(sink, err);
	if (rc)
		return rc;
	*good = !bad && !bad_within(sink, c->off, c->len);
	*verified = *good && darn_sink_covers(sink, c->off, c->len);
	return DARN_OK;
}

enum darn_rc darn_verify_unit(const struct darn_format *format,
			      const void *store_ctx, const struct darn_file *f,
			      uint64_t off, const uint8_t *buf, size_t len,
			      bool *good, bool *verified,
			      struct darn_error *err)
{
	struct darn_chunk c = {
		.buf = buf, .off = off, .len = len, .file_size = f->st.size};
	struct darn_sink sink;
	void *ctx = NULL;
	enum darn_rc rc = DARN_OK;

	if (!format->check)
		return darn_fail(err, DARN_EUNSUPPORTED, 0,
				 "a %s cannot be checked in parts",
				 format->title);
	darn_sink_init(&sink);
	if (format->open)
		rc = format->open(f, store_ctx, &sink, &ctx, err);
	if (rc == DARN_OK) {
		rc = check_unit(format, ctx, &c, &sink, good, verified, err);
		if (format->close)
			format->close(ctx);
	}
	darn_sink_release(&sink);
	return rc;
}

/* Marks are cleared of findings in between: only their presence counts. */
struct whole {
	const struct darn_format *format;
	const struct darn_file *f;
	void *ctx, *stream;
	struct darn_sink sink;
	uint8_t *buf;
};

static enum darn_rc read_all(struct whole *w, struct darn_error *err)
{
	uint64_t size = w->f->st.size, off = 0;
	enum darn_rc rc;

	do {
		size_t len = (size_t)DARN_MIN((uint64_t)DARN_CHUNK, size - off);
		struct darn_chunk c = {.buf = w->buf,
				       .off = off,
				       .len = len,
				       .file_size = size};

		if (len == 0 && (w->format->check == NULL || w->format->unit))
			break;
		rc = darn_io_read_full(w->f->io, w->buf, len, off, err);
		if (rc)
			return rc;
		if (w->format->begin)
			rc = w->format->feed(w->stream, &c, &w->sink, err);
		else
			rc = w->format->check(w->ctx, &c, &w->sink, err);
		if (rc)
			return rc;
		darn_sink_drain(&w->sink);
		off += len;
	} while (off < size && !w->sink.bad);
	return DARN_OK;
}

static enum darn_rc run_stream(struct whole *w, struct darn_error *err)
{
	enum darn_rc rc, ended;

	rc = w->format->begin(w->ctx, &w->stream, err);
	if (rc)
		return rc;
	rc = read_all(w, err);
	ended = w->format->end(w->stream,
			       rc == DARN_OK && !w->sink.bad ? &w->sink : NULL,
			       err);
	return rc ? rc : ended;
}

static enum darn_rc open_and_run(struct whole *w, const void *store_ctx,
				 struct darn_error *err)
{
	const struct darn_format *format = w->format;
	enum darn_rc rc = darn_slot_buffer(&w->buf, err);

	if (rc == DARN_OK && format->open)
		rc = format->open(w->f, store_ctx, &w->sink, &w->ctx, err);
	if (rc)
		return rc;
	if (format->begin)
		rc = run_stream(w, err);
	else if (format->check && format->unit == 0 &&
		 w->f->st.size > DARN_CHUNK)
		rc = DARN_OK; /* as in a scan: nobody checks it */
	else if (format->check)
		rc = read_all(w, err);
	if (format->close)
		format->close(w->ctx);
	return rc ? rc : darn_sink_status(&w->sink, err);
}

enum darn_rc darn_verify_file(const struct darn_format *format,
			      const void *store_ctx, const struct darn_file *f,
			      bool *good, bool *verified,
			      struct darn_error *err)
{
	struct whole w = {.format = format, .f = f};
	enum darn_rc rc;

	darn_sink_init(&w.sink);
	rc = open_and_run(&w, store_ctx, err);
	if (rc == DARN_OK) {
		*good = !w.sink.bad;
		*verified = *good && darn_sink_covers(&w.sink, 0, f->st.size);
	}
	darn_sink_release(&w.sink);
	free(w.buf);
	return rc;
}
