/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wal_file.c - segment files; see wal_file.h.
 */
#include "scanners/postgresql/wal_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

enum {
	HISTORY_MAX = 1 << 20,
	RECOVERY_TLI_AT = 144, /* minRecoveryPointTLI in the control file */
};

/* ---- names ---- */

static bool hex8(const char *s, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 8; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint32_t)(c - 'A' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

bool darn_pg_wal_name_parse(const char *path, uint32_t *tli, uint32_t *high,
			    uint32_t *low)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strlen(name) == DARN_PG_WAL_NAME && hex8(name, tli) &&
	       hex8(name + 8, high) && hex8(name + 16, low);
}

bool darn_pg_wal_segsize_ok(uint64_t segsize)
{
	return segsize >= DARN_PG_WAL_MIN_SEGMENT &&
	       segsize <= DARN_PG_WAL_MAX_SEGMENT &&
	       (segsize & (segsize - 1)) == 0;
}

bool darn_pg_wal_probe(const uint8_t *head, size_t len, uint32_t *segsize)
{
	struct darn_cursor c;
	uint16_t magic, info;
	uint32_t blcksz;
	uint64_t addr;

	darn_cursor_init(&c, head, len);
	magic = darn_le16(&c);
	info = darn_le16(&c);
	(void)darn_take(&c, 4);
	addr = darn_le64(&c);
	(void)darn_take(&c, 16);
	*segsize = darn_le32(&c);
	blcksz = darn_le32(&c);
	return !c.overrun && magic == DARN_PG_WAL_MAGIC &&
	       info & DARN_PG_WAL_LONG_HEADER && blcksz == DARN_PG_PAGE &&
	       darn_pg_wal_segsize_ok(*segsize) && addr % *segsize == 0;
}

uint32_t darn_pg_wal_recovery_tli(const struct darn_pg_control *c)
{
	uint32_t tli = c->raw_len >= RECOVERY_TLI_AT + 4
			       ? darn_get_le32(c->raw + RECOVERY_TLI_AT)
			       : 0;

	return tli ? tli : c->tli;
}

struct darn_pg_wal_path
darn_pg_wal_segment_path(const struct darn_pg_wal_files *f, uint64_t lsn)
{
	uint64_t per_high = (UINT64_C(1) << 32) / f->rules.segsize;
	uint64_t n = lsn / f->rules.segsize;
	struct darn_pg_wal_path path;

	(void)snprintf(path.s, sizeof(path.s), "%s%s%08" PRIX32 "%08X%08X",
		       f->dir, f->dir[0] ? "/" : "", f->rules.tli,
		       (unsigned)(n / per_high), (unsigned)(n % per_high));
	return path;
}

/* ---- the history of a timeline ---- */

/* "1\t0/14F80830\tno recovery target specified": the ancestor and its end. */
static bool history_line(const char *line, uint32_t *tli, uint64_t *end)
{
	unsigned parent, high, low;

	if (sscanf(line, "%u %X/%X", &parent, &high, &low) != 3)
		return false;
	*tli = parent;
	*end = (uint64_t)high << 32 | low;
	return true;
}

static void history_parse(struct darn_pg_wal_rules *r, char *text)
{
	char *save = NULL;

	r->history = true;
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		uint32_t tli;
		uint64_t end;

		if (!history_line(line, &tli, &end))
			continue;
		if (r->nancestors == DARN_PG_WAL_MAX_SWITCHES) {
			memmove(r->ancestors, r->ancestors + 1,
				sizeof(r->ancestors) - sizeof(*r->ancestors));
			r->nancestors--;
		}
		r->ancestors[r->nancestors].tli = tli;
		r->ancestors[r->nancestors++].end = end;
	}
}

/* Without the file the rules stay wider. */
static enum darn_rc history_read(struct darn_pg_wal_files *f,
				 struct darn_error *err)
{
	char path[DARN_PG_WAL_DIR_MAX + 32];
	struct darn_error local = DARN_ERROR_INIT;
	uint8_t *text;
	size_t len;
	enum darn_rc rc;

	if (f->rules.tli <= 1) {
		f->rules.history = true;
		return DARN_OK;
	}
	(void)snprintf(path, sizeof(path), "%s%s%08" PRIX32 ".history", f->dir,
		       f->dir[0] ? "/" : "", f->rules.tli);
	rc = darn_tree_slurp(f->tree, path, HISTORY_MAX, &text, &len, &local);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", local.msg);
	if (rc)
		return DARN_OK;
	history_parse(&f->rules, (char *)text);
	free(text);
	return DARN_OK;
}

/* ---- reading ---- */

struct guess {
	struct darn_pg_wal_files *f;
	uint32_t segsize;
};

static enum darn_rc guess_segsize(const struct darn_entry *e, void *payload,
				  struct darn_error *err)
{
	struct guess *g = payload;
	struct darn_error local = DARN_ERROR_INIT;
	uint8_t head[DARN_PG_WAL_LONG];
	uint32_t tli, high, low, size;
	struct darn_io *io;
	size_t got = 0;
	enum darn_rc rc;

	if (g->segsize || e->st.type != DARN_FT_FILE ||
	    !darn_pg_wal_name_parse(e->path, &tli, &high, &low))
		return DARN_OK;
	rc = darn_tree_open(g->f->tree, e->path, &io, &local);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", local.msg);
	if (rc)
		return DARN_OK;
	if (!darn_io_read(io, head, sizeof(head), 0, DARN_READ_NORMAL, &got,
			  &local) &&
	    darn_pg_wal_probe(head, got, &size))
		g->segsize = size;
	darn_io_close(io);
	return DARN_OK;
}

enum darn_rc darn_pg_wal_files_init(struct darn_pg_wal_files *f,
				    struct darn_tree *tree, const char *dir,
				    uint32_t tli, uint32_t segsize,
				    struct darn_error *err)
{
	struct guess g = {.f = f, .segsize = segsize};
	enum darn_rc rc = DARN_OK;

	*f = (struct darn_pg_wal_files){.tree = tree};
	if (strlen(dir) >= sizeof(f->dir))
		return darn_fail(err, DARN_EINVAL, 0, "'%s' is too long", dir);
	(void)snprintf(f->dir, sizeof(f->dir), "%s", dir);
	if (!darn_pg_wal_segsize_ok(segsize)) {
		g.segsize = 0;
		rc = darn_tree_list(tree, dir, guess_segsize, &g, err);
	}
	if (rc)
		return rc;
	if (!g.segsize)
		return darn_fail(err, DARN_ENOENT, 0, "no WAL in '%s'", dir);
	f->rules.segsize = g.segsize;
	f->rules.tli = tli;
	return history_read(f, err);
}

void darn_pg_wal_files_release(struct darn_pg_wal_files *f)
{
	darn_io_close(f->io);
	f->io = NULL;
	f->tried = false;
}

static enum darn_rc open_segment(struct darn_pg_wal_files *f, uint64_t lsn,
				 struct darn_error *err)
{
	uint64_t start = lsn - lsn % f->rules.segsize;
	struct darn_error local = DARN_ERROR_INIT;
	enum darn_rc rc;

	if (f->tried && f->io_start == start)
		return DARN_OK;
	darn_pg_wal_files_release(f);
	f->tried = true;
	f->io_start = start;
	rc = darn_tree_open(f->tree, darn_pg_wal_segment_path(f, start).s,
			    &f->io, &local);
	if (rc)
		f->io = NULL;
	return rc == DARN_ENOMEM ? darn_fail(err, rc, 0, "%s", local.msg)
				 : DARN_OK;
}

enum darn_rc darn_pg_wal_files_read(struct darn_pg_wal_files *f, uint64_t lsn,
				    void *buf, size_t len, size_t *got,
				    struct darn_error *err)
{
	struct darn_error local = DARN_ERROR_INIT;
	enum darn_rc rc;

	*got = 0;
	rc = open_segment(f, lsn, err);
	if (rc || !f->io)
		return rc;
	/* a segment that is too long ends where it should */
	len = (size_t)DARN_MIN(len, f->rules.segsize - lsn % f->rules.segsize);
	rc = darn_io_read(f->io, buf, len, lsn % f->rules.segsize,
			  DARN_READ_NORMAL, got, &local);
	return rc == DARN_ENOMEM ? darn_fail(err, rc, 0, "%s", local.msg)
				 : DARN_OK;
}

enum darn_rc darn_pg_wal_files_here(struct darn_pg_wal_files *f, uint64_t lsn,
				    bool *here, struct darn_error *err)
{
	uint8_t head[DARN_PG_WAL_SHORT];
	struct darn_pg_wal_page h;
	size_t got;
	enum darn_rc rc =
		darn_pg_wal_files_read(f, lsn, head, sizeof(head), &got, err);

	if (rc)
		return rc;
	(void)darn_pg_wal_page_check(&f->rules, head, got, lsn, &h);
	*here = h.here;
	return DARN_OK;
}
