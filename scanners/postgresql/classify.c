/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify.c - what a file of a cluster is, by its path.
 *
 * Relations lie in base/DB, global and pg_tblspc/SPC/PG_15_*\/DB and are named
 * NUMBER[_FORK][.SEGMENT].  Whatever has no checksum gets the reason here, so
 * that nothing is passed over in silence.
 */
#include "scanners/postgresql/cluster.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	/* More segments than 2^32 blocks need in the smallest build. */
	MAX_SEGMENT = 32767
};

struct known {
	const char *name;
	const char *reason;
};

static const char slru[] = "SLRU: no checksum";
static const char config[] = "configuration: no checksum";
static const char scratch[] = "temporary file of the server";
static const char log_file[] = "log of the server, in text";
static const char hold[] = "lock of a repair: no checksum";

/* By the directory that the file lies in, at any depth. */
static const struct known directories[] = {
	{"pg_xact/", slru},
	{"pg_multixact/", slru},
	{"pg_subtrans/", slru},
	{"pg_commit_ts/", slru},
	{"pg_notify/", slru},
	{"pg_serial/", slru},
	{"pg_replslot/", "replication slot: no checksum"},
	{"pg_stat/", "statistics: no checksum"},
	{"pg_stat_tmp/", "statistics: no checksum"},
	{"pg_logical/", "state of logical replication: no checksum"},
	{"pg_snapshots/", "exported snapshot: no checksum"},
	{"pg_dynshmem/", scratch},
	{"log/", log_file},
	{"pg_log/", log_file},
	{"conf.d/", config},
	{"postmaster.pid/", hold},
	{"postmaster.pid.darn/", hold},
};

/* By the whole path. */
static const struct known files[] = {
	{"postmaster.pid", "lock file of the server: no checksum"},
	{"postmaster.pid.darn", "set aside by a repair: no checksum"},
	{"postmaster.opts", config},
	{"postgresql.conf", config},
	{"postgresql.auto.conf", config},
	{"pg_hba.conf", config},
	{"pg_ident.conf", config},
	{"backup_label", "label of a base backup: no checksum"},
	{"backup_label.old", "label of a base backup: no checksum"},
	{"tablespace_map", "label of a base backup: no checksum"},
	{"tablespace_map.old", "label of a base backup: no checksum"},
	{"backup_manifest", "manifest of a base backup; see "
			    "pg_verifybackup(1)"},
	{"standby.signal", config},
	{"recovery.signal", config},
	{"recovery.done", config},
	{"current_logfiles", log_file},
	{"logfile", log_file},
};

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* A decimal u32 without sign or leading zero; *s moves behind it. */
static bool take_number(const char **s, uint32_t *out)
{
	uint64_t v = 0;
	const char *p = *s;

	if (!isdigit((unsigned char)*p) || (p[0] == '0' && isdigit(p[1])))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)v;
	*s = p;
	return true;
}

/* NUMBER[_FORK][.SEGMENT] to the end of the string. */
static bool parse_name(const char *s, struct darn_pg_rel *rel)
{
	static const struct {
		const char *suffix;
		enum darn_pg_fork fork;
	} forks[] = {
		{"_fsm", DARN_PG_FSM},
		{"_vm", DARN_PG_VM},
		{"_init", DARN_PG_INIT},
	};

	rel->fork = DARN_PG_MAIN;
	rel->segment = 0;
	if (!take_number(&s, &rel->node) || rel->node == 0)
		return false;
	for (size_t i = 0; i < DARN_ARRAY_SIZE(forks); i++) {
		if (has_prefix(s, forks[i].suffix)) {
			rel->fork = forks[i].fork;
			s += strlen(forks[i].suffix);
			break;
		}
	}
	if (*s == '.') {
		s++;
		if (!take_number(&s, &rel->segment) || rel->segment == 0 ||
		    rel->segment > MAX_SEGMENT)
			return false;
	}
	return *s == '\0';
}

/* "pg_tblspc/SPC/PG_15_CATALOG/" ; *s moves behind it. */
static bool take_tablespace(const char **s, uint32_t *spc)
{
	char dir[16];
	int n = snprintf(dir, sizeof(dir), "/PG_%d_", DARN_PG_MAJOR);
	const char *p = *s;
	uint32_t catalog;

	if (!has_prefix(p, "pg_tblspc/"))
		return false;
	p += strlen("pg_tblspc/");
	if (!take_number(&p, spc) || !has_prefix(p, dir))
		return false;
	p += n;
	if (!take_number(&p, &catalog) || *p != '/')
		return false;
	*s = p + 1;
	return true;
}

/*
 * The database directory that @s begins with, if it is one.  *s moves to the
 * name of the file in it.
 */
static bool take_database(const char **s, struct darn_pg_rel *rel)
{
	const char *p = *s;

	if (has_prefix(p, "global/")) {
		rel->spc = DARN_PG_SPC_GLOBAL;
		rel->db = 0;
		*s = p + strlen("global/");
		return true;
	}
	if (has_prefix(p, "base/")) {
		rel->spc = DARN_PG_SPC_DEFAULT;
		p += strlen("base/");
	} else if (!take_tablespace(&p, &rel->spc)) {
		return false;
	}
	if (!take_number(&p, &rel->db) || *p != '/')
		return false;
	*s = p + 1;
	return true;
}

bool darn_pg_rel_parse(const char *path, struct darn_pg_rel *out)
{
	struct darn_pg_rel rel;

	if (!take_database(&path, &rel) || !parse_name(path, &rel))
		return false;
	*out = rel;
	return true;
}

static struct darn_class unchecked(const char *reason)
{
	return (struct darn_class){.reason = reason};
}

static struct darn_class checked(const struct darn_format *format)
{
	return (struct darn_class){.format = format};
}

/* t<backend>_NUMBER..., the temporary tables of a session */
static bool is_temp_relation(const char *name)
{
	uint32_t backend;

	if (*name++ != 't' || !take_number(&name, &backend))
		return false;
	return *name == '_' && isdigit((unsigned char)name[1]);
}

static struct darn_class classify_in_database(const char *name)
{
	struct darn_pg_rel rel;

	if (parse_name(name, &rel))
		return checked(&darn_pg_format_page);
	if (strcmp(name, "pg_filenode.map") == 0)
		return checked(&darn_pg_format_relmap);
	if (strcmp(name, "pg_control") == 0)
		return checked(&darn_pg_format_control);
	if (strcmp(name, "PG_VERSION") == 0)
		return checked(&darn_pg_format_version);
	if (has_prefix(name, "pg_internal.init"))
		return unchecked("cache of the server: no checksum");
	if (has_prefix(name, "pg_filenode.map."))
		return unchecked(scratch);
	if (is_temp_relation(name))
		return unchecked("temporary table: not kept over a restart");
	return unchecked("not a file of PostgreSQL");
}

static bool is_hex24(const char *s)
{
	for (int i = 0; i < 24; i++)
		if (!isdigit((unsigned char)s[i]) &&
		    !(s[i] >= 'A' && s[i] <= 'F'))
			return false;
	return true;
}

static struct darn_class classify_in_log(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (has_prefix(name, "archive_status/"))
		return unchecked("marker of the archiver: empty");
	if (is_hex24(name) && name[24] == '\0')
		return checked(&darn_pg_format_wal);
	if (is_hex24(name) && strcmp(name + 24, ".partial") == 0)
		return unchecked("last segment of an earlier timeline, "
				 "unfinished");
	if (dot && strcmp(dot, ".history") == 0)
		return unchecked("timeline history: no checksum");
	if (dot && strcmp(dot, ".backup") == 0)
		return unchecked("label of a base backup: no checksum");
	if (has_prefix(name, "xlogtemp.") || has_prefix(name, "RECOVERY"))
		return unchecked(scratch);
	return unchecked("not a file of PostgreSQL");
}

/* pg_twophase/HHHHHHHH, pg_replslot/NAME/state, and the one of the origins */
static bool is_state(const char *path)
{
	const char *name = strrchr(path, '/');

	if (!name)
		return false;
	name++;
	if (has_prefix(path, "pg_replslot/"))
		return strcmp(name, "state") == 0;
	if (has_prefix(path, "pg_twophase/"))
		return strspn(name, "0123456789ABCDEF") == 8 &&
		       strlen(name) == 8;
	return strcmp(path, "pg_logical/replorigin_checkpoint") == 0;
}

struct darn_class darn_pg_classify(const void *ctx, const char *path,
				   const struct darn_stat *st)
{
	const struct darn_pg *pg = ctx;
	struct darn_pg_rel rel;
	const char *rest = path;

	(void)st;
	if (!pg->checked)
		return unchecked(pg->not_checked);
	if (has_prefix(path, "pg_wal/"))
		return classify_in_log(path + strlen("pg_wal/"));
	if (strcmp(path, "PG_VERSION") == 0)
		return checked(&darn_pg_format_version);
	if (strstr(path, "/pgsql_tmp"))
		return unchecked(scratch);
	if (is_state(path))
		return checked(&darn_pg_format_state);
	if (take_database(&rest, &rel) && !strchr(rest, '/'))
		return classify_in_database(rest);
	if (has_prefix(path, "pg_tblspc/") && strstr(path, "/PG_"))
		return unchecked("of another version of PostgreSQL");
	for (size_t i = 0; i < DARN_ARRAY_SIZE(directories); i++)
		if (has_prefix(path, directories[i].name))
			return unchecked(directories[i].reason);
	for (size_t i = 0; i < DARN_ARRAY_SIZE(files); i++)
		if (strcmp(path, files[i].name) == 0)
			return unchecked(files[i].reason);
	return unchecked("not a file of PostgreSQL");
}
