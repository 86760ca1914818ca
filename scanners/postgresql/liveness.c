/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liveness.c - is a server using this data directory?
 *
 * The server takes no kernel lock: its lock is postmaster.pid, whose first line
 * is its process id and which stays behind after a kill or a power cut.  All
 * its processes have the data directory as their working directory, also
 * those that outlive a killed postmaster.
 *
 * A process that is not seen from here may run in another container (unless
 * this is the PID namespace of the machine itself) or, on a shared file
 * system, on another machine.  So a pid file without a process
 * proves nothing, unless the machine was started after it was written and
 * the file system is local.
 */
#include "scanners/postgresql/cluster.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/scan/proc.h"

static const char pid_file[] = "postmaster.pid";
static const char program[] = "postgres"; /* "postgres" in /proc/PID/comm */
static const char hold_file[] = "held-by-darn"; /* in a repair's pid_file */
static const char hold_mark[] = "darn repair, process ";

enum {
	MAX_PID_FILE = 1 << 16
};

/* A process that works in the directory without the pid file naming it. */
static enum darn_liveness other_processes(const struct darn_pg *pg,
					  enum darn_liveness otherwise,
					  struct darn_evidence *why)
{
	pid_t pid = 0;

	if (darn_proc_dir_in_use(program, pg->dev, pg->ino, &pid) != DARN_YES)
		return otherwise;
	darn_evidence_add(why, "process %ld of a server works in the directory",
			  (long)pid);
	return DARN_LIVE;
}

static enum darn_liveness without_process(struct darn_tree *t, long pid,
					  struct darn_evidence *why)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_stat st;
	int64_t boot;

	if (darn_tree_stat(t, pid_file, &st, &err) == DARN_OK &&
	    darn_proc_boot_time_ns(&boot) && st.mtime_ns < boot &&
	    darn_fs_is_local(t->os_path)) {
		darn_evidence_add(why,
				  "%s (process %ld) was written before this "
				  "machine was started, on a local file system",
				  pid_file, pid);
		return DARN_STOPPED;
	}
	darn_evidence_add(
		why,
		"%s names process %ld, which is not seen here; it "
		"may run %son another machine",
		pid_file, pid,
		darn_proc_sees_all() == DARN_YES ? "" : "in a container or ");
	return DARN_LIVENESS_UNKNOWN;
}

/* The pid file is a repair's own, with this text. */
static enum darn_liveness held_by_repair(const struct darn_pg *pg,
					 const char *text,
					 struct darn_evidence *why)
{
	long pid = strtol(text + strlen(hold_mark), NULL, 10);

	if (pid == (long)getpid()) {
		darn_evidence_add(why, "%s is held by this repair", pid_file);
		return other_processes(pg, DARN_STOPPED, why);
	}
	if (darn_proc_alive((pid_t)pid) != DARN_NO) {
		darn_evidence_add(why, "it is being repaired by process %ld",
				  pid);
		return DARN_LIVE;
	}
	darn_evidence_add(why,
			  "%s was left by a repair that did not end well; it "
			  "keeps the server from starting",
			  pid_file);
	return other_processes(pg, DARN_STOPPED, why);
}

static enum darn_liveness named_process(const struct darn_pg *pg,
					struct darn_tree *t, long pid,
					struct darn_evidence *why)
{
	enum darn_proc_answer here = DARN_NO;

	/* The single-user server writes its process id as a negative number. */
	pid = labs(pid);
	if (darn_proc_alive((pid_t)pid) == DARN_YES)
		here = darn_proc_works_in((pid_t)pid, program, pg->dev,
					  pg->ino);
	if (here == DARN_YES) {
		darn_evidence_add(why,
				  "%s names process %ld, which works in the "
				  "directory",
				  pid_file, pid);
		return DARN_LIVE;
	}
	if (here == DARN_CANNOT_TELL) {
		darn_evidence_add(why,
				  "%s names process %ld, which may not be "
				  "looked at",
				  pid_file, pid);
		return DARN_LIVENESS_UNKNOWN;
	}
	if (other_processes(pg, DARN_STOPPED, why) == DARN_LIVE)
		return DARN_LIVE;
	return without_process(t, pid, why);
}

/* The pid file is a directory: a repair's, or nothing that is known. */
static enum darn_liveness judge_directory(const struct darn_pg *pg,
					  struct darn_tree *t,
					  struct darn_evidence *why)
{
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_liveness answer;
	uint8_t *text = NULL;
	char path[64];
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", pid_file, hold_file);
	if (darn_tree_slurp(t, path, MAX_PID_FILE, &text, &len, &err) ==
		    DARN_OK &&
	    strncmp((const char *)text, hold_mark, strlen(hold_mark)) == 0) {
		answer = held_by_repair(pg, (const char *)text, why);
	} else {
		darn_evidence_add(why, "%s is a directory of nobody known",
				  pid_file);
		answer = other_processes(pg, DARN_LIVENESS_UNKNOWN, why);
	}
	free(text);
	return answer;
}

static enum darn_liveness judge_file(const struct darn_pg *pg,
				     struct darn_tree *t,
				     struct darn_evidence *why)
{
	struct darn_error err = DARN_ERROR_INIT;
	enum darn_liveness answer;
	uint8_t *text = NULL;
	size_t len = 0;
	long pid;

	if (darn_tree_slurp(t, pid_file, MAX_PID_FILE, &text, &len, &err)) {
		darn_evidence_add(why, "%s", err.msg);
		return DARN_LIVENESS_UNKNOWN;
	}
	pid = strtol((const char *)text, NULL, 10);
	if (pid == 0) {
		darn_evidence_add(why, "%s does not name a process", pid_file);
		answer = other_processes(pg, DARN_LIVENESS_UNKNOWN, why);
	} else {
		answer = named_process(pg, t, pid, why);
	}
	free(text);
	return answer;
}

enum darn_liveness darn_pg_liveness(const void *ctx, struct darn_tree *t,
				    struct darn_evidence *why)
{
	const struct darn_pg *pg = ctx;
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_stat st;
	enum darn_rc rc = darn_tree_stat(t, pid_file, &st, &err);

	if (rc == DARN_ENOENT) {
		darn_evidence_add(why, "no %s", pid_file);
		return other_processes(pg, DARN_STOPPED, why);
	}
	if (rc) {
		darn_evidence_add(why, "%s", err.msg);
		return DARN_LIVENESS_UNKNOWN;
	}
	if (st.type == DARN_FT_DIR)
		return judge_directory(pg, t, why);
	return judge_file(pg, t, why);
}

/*
 * Every server refuses to start where its pid file is a directory, and Debian's
 * pg_ctlcluster, which removes a file that names no server before it starts
 * one, cannot remove that.  Nor would a file with a number do: a server that
 * runs as another user than the repair takes the process for none of its own
 * (EPERM from kill) and removes it.
 */
void darn_pg_hold(const void *ctx, struct darn_tree *t, struct darn_hold *out)
{
	(void)ctx;
	(void)snprintf(out->path, sizeof(out->path), "%s", pid_file);
	(void)snprintf(out->inside, sizeof(out->inside), "%s", hold_file);
	(void)snprintf(out->content, sizeof(out->content), "%s%%d\n%s\n",
		       hold_mark, t->os_path ? t->os_path : "");
}
