/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pg_page.c - hostile bytes as the files of a PostgreSQL cluster that are
 * checked chunk by chunk: the first byte chooses the format, the rest is the
 * file.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "scanners/postgresql/cluster.h"
#include "scanners/postgresql/control.h"
#include "tests/fuzz/memory_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const struct darn_format *format;
	const char *path;
} kinds[] = {
	{&darn_pg_format_page, "base/5/16384"},
	{&darn_pg_format_page, "base/5/16384_fsm.1"},
	{&darn_pg_format_control, "global/pg_control"},
	{&darn_pg_format_relmap, "base/5/pg_filenode.map"},
	{&darn_pg_format_version, "PG_VERSION"},
};

static void check_as(const struct darn_format *f, const char *path,
		     const struct darn_pg *pg, const uint8_t *p, size_t len)
{
	struct memory_file only = {path, p, len};
	struct memory_tree m = {
		.tree = {.ops = &memory_tree_ops, .name = "memory"},
		.files = &only,
		.n = 1};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_file file = {.path = path,
				 .tree = &m.tree,
				 .st = {.type = DARN_FT_FILE, .size = len}};
	struct darn_chunk c = {.buf = p, .len = len, .file_size = len};
	struct darn_sink *sink = darn_sink_create(&err);
	void *ctx = NULL;

	if (!sink || darn_io_open_memory(p, len, path, &file.io, &err))
		abort();
	if (f->probe)
		(void)f->probe(p, len, len);
	if (f->open && f->open(&file, pg, sink, &ctx, &err))
		abort();
	if (len > 0 && f->check(ctx, &c, sink, &err))
		abort();
	if (darn_sink_status(sink, &err) || darn_sink_verified_len(sink) > len)
		abort();
	if (f->close)
		f->close(ctx);
	darn_io_close(file.io);
	darn_sink_destroy(sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct darn_pg pg = {.checked = true,
			     .sums = DARN_PG_SUMS_ON,
			     .segment_blocks = DARN_PG_SEG_BLOCKS,
			     .max_lsn = UINT64_MAX};
	uint8_t *p;
	size_t kind;

	if (size < 1)
		return 0;
	kind = data[0] % (2 * DARN_ARRAY_SIZE(kinds));
	p = malloc(size > 1 ? size - 1 : 1);
	if (!p)
		abort();
	memcpy(p, data + 1, size - 1);
	check_as(kinds[kind / 2].format, kinds[kind / 2].path,
		 kind % 2 ? &pg : NULL, p, size - 1);
	free(p);
	return 0;
}
