/* SPDX-License-Identifier: Apache-2.0 */
#include "repair/check.h"

#include <stdlib.h>

#include "lib/base/mem.h"

static bool touches(const struct darn_found *f, uint64_t off, uint64_t len)
{
	if (f->off >= off)
		return f->off - off < len || f->off == off;
	return f->len > off - f->off;
}

static void weigh(const struct darn_sink *sink, uint64_t off, uint64_t len,
		  enum darn_severity *worst)
{
	for (size_t i = 0; i < darn_sink_nfound(sink); i++) {
		struct darn_found f = darn_sink_found(sink, i);

		if (!f.path && touches(&f, off, len) &&
		    f.code->severity > *worst)
			*worst = f.code->severity;
	}
}

struct checking {
	const struct darn_format *format;
	struct darn_sink *sink;
	void *ctx;
};

static enum darn_rc begin(struct checking *c, const struct darn_format *format,
			  const void *store_ctx, const struct darn_file *f,
			  struct darn_error *err)
{
	c->format = format;
	c->ctx = NULL;
	c->sink = darn_sink_create(err);
	if (!c->sink)
		return DARN_ENOMEM;
	if (!format->open)
		return DARN_OK;
	return format->open(f, store_ctx, c->sink, &c->ctx, err);
}

static void end(struct checking *c)
{
	if (c->format->close && c->ctx)
		c->format->close(c->ctx);
	darn_sink_destroy(c->sink);
}

static enum darn_rc check_chunk(struct checking *c, const struct darn_chunk *k,
				enum darn_severity *worst,
				struct darn_error *err)
{
	enum darn_rc rc = c->format->check(c->ctx, k, c->sink, err);

	if (!rc)
		rc = darn_sink_status(c->sink, err);
	if (!rc)
		weigh(c->sink, k->off, k->len, worst);
	darn_sink_clear(c->sink);
	return rc;
}

enum darn_rc darn_check_unit(const struct darn_format *format,
			     const void *store_ctx, const struct darn_file *f,
			     uint64_t off, const uint8_t *buf, size_t len,
			     enum darn_severity *worst, struct darn_error *err)
{
	struct darn_chunk k = {
		.buf = buf, .off = off, .len = len, .file_size = f->st.size};
	struct checking c;
	enum darn_rc rc;

	*worst = DARN_INFO;
	if (!format->check)
		return DARN_OK;
	rc = begin(&c, format, store_ctx, f, err);
	if (!rc) {
		/* what open() says of the file as a whole counts here */
		weigh(c.sink, off, len, worst);
		rc = check_chunk(&c, &k, worst, err);
	}
	end(&c);
	return rc;
}

static enum darn_rc check_chunks(struct checking *c, const struct darn_file *f,
				 uint8_t *buf, enum darn_severity *worst,
				 struct darn_error *err)
{
	uint64_t off = 0, size = f->st.size;
	enum darn_rc rc = DARN_OK;

	weigh(c->sink, 0, UINT64_MAX, worst);
	do {
		struct darn_chunk k = {
			.buf = buf,
			.off = off,
			.len = (size_t)DARN_MIN(size - off,
						(uint64_t)DARN_CHUNK),
			.file_size = size,
		};

		rc = darn_io_read_full(f->io, buf, k.len, off, err);
		if (!rc)
			rc = check_chunk(c, &k, worst, err);
		off += k.len;
	} while (!rc && off < size);
	return rc;
}

static enum darn_rc check_stream(const struct darn_format *format,
				 const void *store_ctx,
				 const struct darn_file *f,
				 enum darn_severity *worst,
				 struct darn_error *err)
{
	bool good = false, verified;
	enum darn_rc rc =
		darn_verify_file(format, store_ctx, f, &good, &verified, err);

	*worst = good ? DARN_INFO : DARN_DAMAGED;
	return rc;
}

enum darn_rc darn_check_file(const struct darn_format *format,
			     const void *store_ctx, const struct darn_file *f,
			     enum darn_severity *worst, struct darn_error *err)
{
	struct checking c;
	uint8_t *buf;
	enum darn_rc rc;

	*worst = DARN_INFO;
	if (!format->check || f->st.size == 0)
		return check_stream(format, store_ctx, f, worst, err);
	buf = aligned_alloc(4096, DARN_CHUNK);
	if (!buf)
		return darn_fail(err, DARN_ENOMEM, 0, "cannot allocate memory");
	rc = begin(&c, format, store_ctx, f, err);
	if (!rc)
		rc = check_chunks(&c, f, buf, worst, err);
	end(&c);
	free(buf);
	return rc;
}
