/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_cluster.h - a directory that looks like a PostgreSQL cluster, made of the
 * vectors, for the tests of the scanner that need one.
 */
#ifndef DARN_TESTS_UNIT_PG_CLUSTER_H
#define DARN_TESTS_UNIT_PG_CLUSTER_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "lib/io/tree.h"
#include "scanners/postgresql/open.h"
#include "scanners/registry.h"
#include "tests/unit/pg_check.h"

struct pg_home {
	char dir[128];
	struct darn_tree *tree;
	void *ctx;
	struct darn_sink sink; /* what open and the rules say */
};

static inline const char *pg_at(const struct pg_home *h, const char *path)
{
	static char full[512];

	(void)snprintf(full, sizeof(full), "%s/%s", h->dir, path);
	return full;
}

static inline void pg_write(const struct pg_home *h, const char *path,
			    const void *buf, size_t len)
{
	FILE *f = fopen(pg_at(h, path), "wb");

	ck_assert_msg(f != NULL, "cannot make %s", path);
	ck_assert_uint_eq(fwrite(buf, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void pg_text(const struct pg_home *h, const char *path,
			   const char *text)
{
	pg_write(h, path, text, strlen(text));
}

static inline void pg_mkdir(const struct pg_home *h, const char *path)
{
	ck_assert_int_eq(mkdir(pg_at(h, path), 0700), 0);
}

/* Makes the file @size bytes long; new bytes are a hole. */
static inline void pg_resize(const struct pg_home *h, const char *path,
			     uint64_t size)
{
	int fd = open(pg_at(h, path), O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	(void)close(fd);
}

static inline void pg_remove(const struct pg_home *h, const char *path)
{
	ck_assert_int_eq(remove(pg_at(h, path)), 0);
}

/* A small intact cluster with one database. */
static inline void pg_home_make(struct pg_home *h)
{
	static const char *const dirs[] = {
		"base",		"base/5",  "global",
		"pg_multixact", "pg_wal",  "pg_multixact/members",
		"pg_tblspc",	"pg_xact", "pg_multixact/offsets",
	};
	uint8_t buf[DARN_PG_CONTROL_LEN];

	memset(h, 0, sizeof(*h));
	(void)strcpy(h->dir, "/tmp/darn-pg-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(h->dir));
	for (size_t i = 0; i < DARN_ARRAY_SIZE(dirs); i++)
		pg_mkdir(h, dirs[i]);
	pg_text(h, "PG_VERSION", "15\n");
	pg_text(h, "base/5/PG_VERSION", "15\n");
	pg_vector("pg15_pg_control.bin", buf, sizeof(buf));
	pg_write(h, "global/pg_control", buf, sizeof(buf));
	pg_vector("pg15_pg_filenode.map", buf, DARN_PG_RELMAP_LEN);
	pg_write(h, "global/pg_filenode.map", buf, DARN_PG_RELMAP_LEN);
	pg_write(h, "base/5/pg_filenode.map", buf, DARN_PG_RELMAP_LEN);
	pg_resize(h, "pg_xact/0000", DARN_PG_PAGE);
}

static inline void pg_home_open(struct pg_home *h)
{
	struct darn_error err = DARN_ERROR_INIT;

	ck_assert_int_eq(darn_tree_open_posix(h->dir, false, &h->tree, &err),
			 DARN_OK);
	darn_sink_init(&h->sink);
	ck_assert_msg(darn_pg_open(h->tree, &h->sink, &h->ctx, &err) == DARN_OK,
		      "%s", err.msg);
}

static inline void pg_home_close(struct pg_home *h)
{
	darn_pg_close(h->ctx);
	darn_tree_close(h->tree);
	darn_sink_release(&h->sink);
	h->ctx = NULL;
}

static inline void pg_home_remove(struct pg_home *h)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", h->dir);
	ck_assert_int_eq(system(command), 0);
}

/* How often the rules reported @id at @path. */
static inline unsigned pg_heard(const struct pg_home *h, const char *id,
				const char *path)
{
	unsigned n = 0;

	for (size_t i = 0; i < h->sink.nitems; i++) {
		const struct darn_sink_item *it = &h->sink.items[i];
		const char *p = darn_sink_text(&h->sink, it->path);

		if (strcmp(it->code->id, id) == 0 &&
		    (!path || (p && strcmp(p, path) == 0)))
			n++;
	}
	return n;
}

/* A heap page with no rows, as block @block, last changed at @lsn. */
static inline void pg_empty_page(uint8_t *page, uint32_t block, uint64_t lsn,
				 unsigned special)
{
	uint16_t end = (uint16_t)(DARN_PG_PAGE - special);

	memset(page, 0, DARN_PG_PAGE);
	darn_put_le32(page, (uint32_t)(lsn >> 32));
	darn_put_le32(page + 4, (uint32_t)lsn);
	darn_put_le16(page + 12, 24);
	darn_put_le16(page + 14, end);
	darn_put_le16(page + 16, end);
	darn_put_le16(page + 18, 0x2004);
	darn_put_le16(page + 8, darn_pg_page_sum(page, block));
}

/* Adds a row with these columns, frozen long ago, to the page of block 0. */
static inline void pg_add_row(uint8_t *page, const uint8_t *columns, size_t len)
{
	uint16_t lower = darn_get_le16(page + 12);
	size_t size = 24 + len;
	uint16_t at = (uint16_t)(darn_get_le16(page + 14) - ((size + 7) & ~7U));
	uint8_t *tuple = page + at;

	ck_assert_uint_gt(at, lower + 4);
	darn_put_le32(page + lower, (uint32_t)(at | 1U << 15 | size << 17));
	darn_put_le32(tuple, 2);
	darn_put_le16(tuple + 20, 0x0b00);
	tuple[22] = 24;
	memcpy(tuple + 24, columns, len);
	darn_put_le16(page + 12, (uint16_t)(lower + 4));
	darn_put_le16(page + 14, at);
	darn_put_le16(page + 8, darn_pg_page_sum(page, 0));
}

/* A pg_database that knows the database @oid only. */
static inline void pg_one_database(const struct pg_home *h, uint32_t oid)
{
	uint8_t page[DARN_PG_PAGE], row[96] = {0};

	darn_put_le32(row, oid);
	darn_put_le32(row + 80, UINT32_MAX);
	darn_put_le32(row + 92, DARN_PG_SPC_DEFAULT);
	pg_empty_page(page, 0, 1000, 0);
	pg_add_row(page, row, sizeof(row));
	pg_write(h, "global/1262", page, sizeof(page));
}

/* A pg_class of the database 5 that knows one table, of @pages pages, only. */
static inline void pg_one_table(const struct pg_home *h, uint32_t node,
				uint32_t pages)
{
	uint8_t page[DARN_PG_PAGE], row[120] = {0}, map[DARN_PG_RELMAP_LEN];

	memset(map, 0, sizeof(map));
	darn_put_le32(map, 0x592717);
	darn_put_le32(map + 4, 1);
	darn_put_le32(map + 8, 1259);
	darn_put_le32(map + 12, 1259);
	darn_put_le32(map + 504, darn_crc32c(0, map, 504));
	pg_write(h, "base/5/pg_filenode.map", map, sizeof(map));
	darn_put_le32(row, node);
	darn_put_le32(row + 88, node);
	darn_put_le32(row + 96, pages);
	row[114] = 'p';
	row[115] = 'r';
	pg_empty_page(page, 0, 1000, 0);
	pg_add_row(page, row, sizeof(row));
	pg_write(h, "base/5/1259", page, sizeof(page));
}

#endif
