/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - is this file good?  For repair. */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/scan/engine.h"

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
