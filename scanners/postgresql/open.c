/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - what is known of a cluster before its files are checked.
 *
 * Any of the files asked here may be damaged or missing.  Then the fact that it
 * would give stays unknown, and the rules that need the fact are not used;
 * the file's own check reports the damage.
 */
#include "scanners/postgresql/open.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/hash/hash.h"
#include "scanners/postgresql/codes.h"
#include "scanners/postgresql/covered.h"
#include "scanners/postgresql/page.h"
#include "scanners/postgresql/stale.h"

enum {
	MAX_TEXT = 1 << 16,
	CATALOG_15 = 202209061, /* catalogue version of PostgreSQL 15 */
	ENOUGH_SAMPLES = 32,
	/* What a server may have logged without it reaching the medium. */
	UNFLUSHED = 64 << 20,
};

static bool exists(struct darn_tree *t, const char *path)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_stat st;

	return darn_tree_stat(t, path, &st, &why) == DARN_OK;
}

/* A small text file, or NULL; released with free(). */
static char *read_text(struct darn_tree *t, const char *path)
{
	struct darn_error why = DARN_ERROR_INIT;
	uint8_t *text = NULL;
	size_t len;

	if (darn_tree_slurp(t, path, MAX_TEXT, &text, &len, &why))
		return NULL;
	return (char *)text;
}

/* "15\n" or, of old versions, "9.6\n"; 0 for anything else. */
static unsigned read_major(struct darn_tree *t)
{
	char *text = read_text(t, "PG_VERSION");
	unsigned long major = 0;
	char *end;

	if (!text)
		return 0;
	if (text[0] >= '1' && text[0] <= '9') {
		major = strtoul(text, &end, 10);
		if ((*end != '\n' && *end != '.') || major > 999)
			major = 0;
	}
	free(text);
	return (unsigned)major;
}

/* Which version it is, and whether anything here knows its files. */
static void decide_version(struct darn_pg *pg, struct darn_tree *t,
			   struct darn_sink *sink)
{
	const struct darn_pg_control *c = &pg->control;
	char message[128];

	pg->major = read_major(t);
	if (!pg->major && (!c->valid || c->catalog_version == CATALOG_15))
		pg->major = DARN_PG_MAJOR; /* PG_VERSION is damaged */
	(void)snprintf(pg->version, sizeof(pg->version), "%u", pg->major);
	pg->segment_blocks = c->valid ? c->relseg_size : DARN_PG_SEG_BLOCKS;
	pg->checked = true;
	if (pg->major != DARN_PG_MAJOR) {
		pg->checked = false;
		(void)snprintf(pg->not_checked, sizeof(pg->not_checked),
			       "not checked: PostgreSQL %u", pg->major);
	} else if (c->valid && c->blcksz != DARN_PG_PAGE) {
		pg->checked = false;
		(void)snprintf(pg->not_checked, sizeof(pg->not_checked),
			       "not checked: pages of %u bytes", c->blcksz);
	}
	if (pg->checked)
		return;
	(void)snprintf(message, sizeof(message),
		       "%s; this build checks PostgreSQL %d with pages of %d "
		       "bytes",
		       pg->not_checked, DARN_PG_MAJOR, DARN_PG_PAGE);
	darn_sink_error(sink, "", message);
}

/*
 * The value behind @key in a line of the label: an LSN "A/B", or a number in
 * hexadecimal digits.
 */
static bool label_value(const char *label, const char *key, uint64_t *out)
{
	const char *p = strstr(label, key);
	uint64_t high;
	char *end;

	if (!p)
		return false;
	p += strlen(key);
	high = strtoull(p, &end, 16);
	if (end == p || high > UINT32_MAX)
		return false;
	*out = high;
	if (*end == '/')
		*out = high << 32 | (strtoull(end + 1, NULL, 16) & UINT32_MAX);
	return true;
}

/*
 * Where recovery begins.  A base backup begins at its label, whatever the
 * control file says, which was copied last.
 */
static void read_label(struct darn_pg *pg, struct darn_tree *t)
{
	char *label = read_text(t, "backup_label");
	uint64_t redo, checkpoint, tli;

	pg->redo_lsn = pg->control.redo_lsn;
	pg->base_backup = exists(t, "backup_label");
	pg->standby = exists(t, "standby.signal") ||
		      exists(t, "recovery.signal") ||
		      pg->control.state == DARN_PG_SHUTDOWNED_IN_RECOVERY ||
		      pg->control.state == DARN_PG_IN_ARCHIVE_RECOVERY;
	pg->start = pg->control;
	if (label && label_value(label, "START WAL LOCATION: ", &redo) &&
	    label_value(label, "CHECKPOINT LOCATION: ", &checkpoint) &&
	    label_value(label, "START TIMELINE: ", &tli)) {
		pg->redo_lsn = redo;
		pg->start.redo_lsn = redo;
		pg->start.checkpoint_lsn = checkpoint;
		pg->start.tli = (uint32_t)tli;
		pg->start.state = DARN_PG_IN_PRODUCTION;
	}
	free(label);
}

/* ---- do pages have checksums? ---- */

struct sample {
	struct darn_tree *t;
	unsigned good, bad;
};

static enum darn_rc sample_file(const struct darn_entry *e, void *payload,
				struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct sample *s = payload;
	uint8_t page[DARN_PG_PAGE];
	struct darn_pg_rel rel;
	struct darn_pg_head h;
	struct darn_io *io;

	(void)err;
	if (e->st.type != DARN_FT_FILE || !darn_pg_rel_parse(e->path, &rel) ||
	    rel.segment != 0 || e->st.size < sizeof(page))
		return DARN_OK;
	if (darn_tree_open(s->t, e->path, &io, &why))
		return DARN_OK;
	if (darn_io_read_full(io, page, sizeof(page), 0, &why) == DARN_OK) {
		h = darn_pg_head(page);
		if (h.upper != 0 && h.checksum == darn_pg_page_sum(page, 0))
			s->good++;
		else if (h.upper != 0)
			s->bad++;
	}
	darn_io_close(io);
	return s->good + s->bad < ENOUGH_SAMPLES ? DARN_OK : DARN_ECANCELED;
}

/*
 * The control file tells.  Without it a few pages do: by chance a checksum is
 * right once in 65535 times.
 */
static void decide_sums(struct darn_pg *pg, struct darn_tree *t)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct sample s = {.t = t};

	pg->sums = DARN_PG_SUMS_ON;
	if (pg->control.valid) {
		if (pg->control.data_checksum_version == 0)
			pg->sums = DARN_PG_SUMS_OFF;
		return;
	}
	darn_ignore(darn_tree_list(t, "global", sample_file, &s, &why));
	if (s.bad > 0 && s.good <= s.bad / 4)
		pg->sums = DARN_PG_SUMS_OFF;
}

/* ---- links ---- */

struct follow {
	struct darn_pg *pg;
	struct darn_tree *t;
	struct darn_sink *sink;
};

static void lost_tablespace(const struct follow *f, const char *path)
{
	struct darn_pg *pg = f->pg;

	darn_pg_report(f->sink, DARN_PG_TABLESPACE_MISSING,
		       (struct darn_place){.path = path}, NULL);
	if (pg->ndead < DARN_PG_MAX_DEAD)
		pg->dead[pg->ndead++] = (uint32_t)strtoul(
			path + strlen("pg_tblspc/"), NULL, 10);
}

static enum darn_rc follow_link(const struct darn_entry *e, void *payload,
				struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct follow *f = payload;
	enum darn_rc rc;

	if (e->st.type != DARN_FT_LINK && e->st.type != DARN_FT_DIR)
		return DARN_OK;
	rc = darn_tree_follow(f->t, e->path, &why);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	if (rc == DARN_ENOENT)
		lost_tablespace(f, e->path);
	else if (rc)
		darn_sink_error(f->sink, e->path, why.msg);
	return DARN_OK;
}

static enum darn_rc follow_links(struct darn_pg *pg, struct darn_tree *t,
				 struct darn_sink *sink, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct follow f = {.pg = pg, .t = t, .sink = sink};
	struct darn_stat st;
	enum darn_rc rc;

	/* initdb -X puts the log elsewhere and leaves a link. */
	if (darn_tree_stat(t, "pg_wal", &st, &why) == DARN_OK &&
	    st.type == DARN_FT_LINK && darn_tree_follow(t, "pg_wal", &why))
		darn_sink_error(sink, "pg_wal", why.msg);
	darn_error_clear(&why);
	rc = darn_tree_list(t, "pg_tblspc", follow_link, &f, &why);
	if (rc == DARN_ENOMEM)
		return darn_fail(err, rc, 0, "%s", why.msg);
	return DARN_OK;
}

/* ---- the log ---- */

/*
 * No page is newer than the end of the log; but CREATE INDEX, CLUSTER and their
 * like write their new files without waiting for the log, so that a crash
 * leaves pages whose records are lost.
 */
static uint64_t last_possible(const struct darn_pg *pg)
{
	uint64_t end = pg->log.end_lsn;

	if (darn_pg_clean(&pg->start))
		return end;
	return end > UINT64_MAX - UNFLUSHED ? UINT64_MAX : end + UNFLUSHED;
}

/*
 * The end of the log, and what recovery will write anew.  A live server writes
 * on, so nothing is said about it; a backup's pages may be newer than the
 * part of the log that came with it.
 */
static enum darn_rc look_at_log(struct darn_pg *pg, struct darn_tree *t,
				struct darn_error *err)
{
	struct darn_evidence why = {.text = ""};
	enum darn_liveness live = DARN_STOPPED;
	enum darn_rc rc = darn_pg_log_find(t, &pg->start, &pg->log, err);

	if (rc)
		return rc;
	if (t->os_path)
		live = darn_pg_liveness(pg, t, &why);
	pg->live = live == DARN_LIVE;
	if (live == DARN_STOPPED && pg->log.known && !pg->base_backup &&
	    !pg->standby)
		pg->max_lsn = last_possible(pg);
	if (live == DARN_STOPPED && pg->log.intact && pg->start.valid &&
	    !pg->standby && pg->sums == DARN_PG_SUMS_ON)
		rc = darn_pg_written_build(pg, t, err);
	if (rc)
		return rc;
	if (live == DARN_LIVE || !pg->start.valid ||
	    darn_pg_clean(&pg->start) || !pg->log.intact)
		return DARN_OK;
	return darn_pg_pending_build(t, &pg->start, pg->log.tli, pg->redo_lsn,
				     &pg->pending, err);
}

enum darn_rc darn_pg_open(struct darn_tree *t, struct darn_sink *sink,
			  void **ctx, struct darn_error *err)
{
	struct darn_error why = DARN_ERROR_INIT;
	struct darn_pg *pg = darn_calloc(1, sizeof(*pg), err);
	struct darn_stat st;
	enum darn_rc rc;

	if (!pg)
		return DARN_ENOMEM;
	pg->tree = t;
	rc = darn_pg_covers_create(&pg->covers, err);
	if (rc) {
		free(pg);
		return rc;
	}
	pg->max_lsn = UINT64_MAX;
	if (darn_tree_stat(t, "", &st, &why) == DARN_OK) {
		pg->dev = st.dev;
		pg->ino = st.ino;
	}
	rc = darn_pg_control_read(t, &pg->control, err);
	if (rc == DARN_OK)
		rc = follow_links(pg, t, sink, err);
	if (rc == DARN_OK)
		decide_version(pg, t, sink);
	if (rc == DARN_OK && pg->checked) {
		decide_sums(pg, t);
		read_label(pg, t);
		rc = look_at_log(pg, t, err);
	}
	if (rc) {
		darn_pg_close(pg);
		return rc;
	}
	*ctx = pg;
	return DARN_OK;
}

void darn_pg_close(void *ctx)
{
	struct darn_pg *pg = ctx;

	if (!pg)
		return;
	darn_pg_pending_release(&pg->pending);
	darn_pg_blockmap_release(&pg->written);
	darn_pg_covers_destroy(pg->covers);
	free(pg);
}
