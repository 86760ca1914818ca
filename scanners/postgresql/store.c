/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - a PostgreSQL cluster: a data directory with its tablespaces.
 *
 * Version 15 is checked; other ones are recognised and named.
 */
#include "scanners/postgresql/cluster.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "scanners/postgresql/codes.h"
#include "scanners/postgresql/open.h"

static bool has(struct darn_tree *t, const char *dir, const char *name,
		enum darn_ftype type)
{
	struct darn_error err = DARN_ERROR_INIT;
	char *path = darn_path_join(dir, name, &err);
	struct darn_stat st;
	bool yes;

	if (!path)
		return false;
	yes = darn_tree_stat(t, path, &st, &err) == DARN_OK && st.type == type;
	free(path);
	return yes;
}

/* A directory of one database has PG_VERSION as well, but no base. */
static unsigned recognise(struct darn_tree *t, const char *dir)
{
	bool base = has(t, dir, "base", DARN_FT_DIR);
	bool version = has(t, dir, "PG_VERSION", DARN_FT_FILE);
	bool control = has(t, dir, "global/pg_control", DARN_FT_FILE);

	if (!has(t, dir, "global", DARN_FT_DIR))
		return 0;
	if (version && control)
		return base ? 90 : 70;
	if (base && (version || control))
		return 70;
	return 0;
}

static const char *version(const void *ctx)
{
	const struct darn_pg *pg = ctx;

	return pg->version;
}

static enum darn_shutdown shutdown(const void *ctx, struct darn_evidence *why)
{
	const struct darn_pg *pg = ctx;
	const struct darn_pg_control *c = &pg->control;

	if (!c->present) {
		darn_evidence_add(why, "global/pg_control is not there or "
				       "cannot be read");
		return DARN_SHUTDOWN_UNKNOWN;
	}
	if (!c->valid) {
		darn_evidence_add(why, "global/pg_control is damaged or of "
				       "another version");
		return DARN_SHUTDOWN_UNKNOWN;
	}
	darn_evidence_add(why, "pg_control state: %s",
			  darn_pg_state_name(c->state));
	if (pg->base_backup) {
		darn_evidence_add(why, "backup_label: a base backup, which "
				       "starts with recovery");
		return DARN_SHUTDOWN_UNKNOWN;
	}
	if (pg->live) {
		darn_evidence_add(why, "a server is using it");
		return DARN_SHUTDOWN_UNKNOWN;
	}
	if (darn_pg_clean(c))
		return DARN_CLEAN;
	if (pg->log.why[0])
		darn_evidence_add(why, "%s", pg->log.why);
	if (pg->pending.blocks.n)
		darn_evidence_add(why,
				  "recovery will write %zu blocks from the log",
				  pg->pending.blocks.n);
	return DARN_UNCLEAN;
}

static const struct darn_format *const formats[] = {
	&darn_pg_format_page,
	&darn_pg_format_wal,
	&darn_pg_format_control,
	&darn_pg_format_relmap,
	&darn_pg_format_version,
	&darn_pg_format_state,
	NULL,
};

const struct darn_store darn_store_postgresql = {
	.name = "postgresql",
	.title = "PostgreSQL cluster",
	.formats = formats,
	.codes = darn_pg_codes,
	.ncodes = DARN_PG_NCODES,
	.recognise = recognise,
	.open = darn_pg_open,
	.close = darn_pg_close,
	.version = version,
	.classify = darn_pg_classify,
	.liveness = darn_pg_liveness,
	.hold = darn_pg_hold,
	.shutdown = shutdown,
	.expect = darn_pg_expect,
	.join = darn_pg_join,
	.judge = darn_pg_judge,
};
