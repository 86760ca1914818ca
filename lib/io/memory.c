/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - a piece of memory that is read like a file.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/io.h"

struct memory_io {
	struct darn_io io;
	const unsigned char *buf;
	size_t len;
	char *name;
};

static struct memory_io *self(struct darn_io *io)
{
	return (struct memory_io *)io;
}

static enum darn_rc memory_read(struct darn_io *io, void *buf, size_t len,
				uint64_t off, enum darn_read_how how,
				size_t *got, struct darn_error *err)
{
	struct memory_io *m = self(io);
	size_t n;

	(void)how;
	(void)err;
	if (off >= m->len)
		return DARN_OK;
	n = DARN_MIN(len, m->len - (size_t)off);
	if (n)
		memcpy(buf, m->buf + off, n);
	*got = n;
	return DARN_OK;
}

static enum darn_rc memory_stat(struct darn_io *io, struct darn_stat *st,
				struct darn_error *err)
{
	(void)err;
	*st = (struct darn_stat){
		.type = DARN_FT_FILE, .size = self(io)->len, .mode = 0400};
	return DARN_OK;
}

static void memory_close(struct darn_io *io)
{
	free(self(io)->name);
	free(io);
}

static const struct darn_io_ops memory_ops = {
	.read = memory_read,
	.stat = memory_stat,
	.close = memory_close,
};

enum darn_rc darn_io_open_memory(const void *buf, size_t len, const char *name,
				 struct darn_io **out, struct darn_error *err)
{
	struct memory_io *m = darn_calloc(1, sizeof(*m), err);

	if (!m)
		return DARN_ENOMEM;
	m->name = darn_strdup(name, err);
	if (!m->name) {
		free(m);
		return DARN_ENOMEM;
	}
	m->io = (struct darn_io){&memory_ops, m->name};
	m->buf = buf;
	m->len = len;
	*out = &m->io;
	return DARN_OK;
}
