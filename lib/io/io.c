/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.c - what every kind of darn_io has in common.
 */
#include "lib/io/io.h"

#include <inttypes.h>

enum darn_rc darn_io_read(struct darn_io *io, void *buf, size_t len,
			  uint64_t off, enum darn_read_how how, size_t *got,
			  struct darn_error *err)
{
	*got = 0;
	return io->ops->read(io, buf, len, off, how, got, err);
}

enum darn_rc darn_io_read_full(struct darn_io *io, void *buf, size_t len,
			       uint64_t off, struct darn_error *err)
{
	size_t got;
	enum darn_rc rc =
		darn_io_read(io, buf, len, off, DARN_READ_NORMAL, &got, err);

	if (rc)
		return rc;
	if (got < len)
		return darn_fail(err, DARN_EIO, 0,
				 "'%s' ends at %" PRIu64 ", before %" PRIu64,
				 io->name, off + got, off + len);
	return DARN_OK;
}

enum darn_rc darn_io_stat(struct darn_io *io, struct darn_stat *st,
			  struct darn_error *err)
{
	return io->ops->stat(io, st, err);
}

enum darn_rc darn_io_settle(struct darn_io *io, struct darn_error *err)
{
	return io->ops->settle ? io->ops->settle(io, err) : DARN_OK;
}

void darn_io_close(struct darn_io *io)
{
	if (io)
		io->ops->close(io);
}
