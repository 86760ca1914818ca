/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_repo.h - a small repository, what goes into it and what comes out, for
 * the tests of snapshots.
 */
#ifndef DARN_TESTS_UNIT_FAKE_REPO_H
#define DARN_TESTS_UNIT_FAKE_REPO_H

#include <stdbool.h>
#include <string.h>

#include "lib/snapshot/snapshot.h"
#include "tests/unit/fake_data.h"

enum {
	REPO_BIG = (1 << 20) + 70000,
	REPO_HOLE = 200000
};

static char repo[96], out[96]; /* in data_dir */

/* Text: it shrinks, so a small file makes a small pack. */
static inline void repo_fill(uint8_t *buf, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i += 16)
		(void)snprintf((char *)buf + i, 17, "%08x %06x\n", seed,
			       (unsigned)i & 0xffffff);
}

static inline void repo_setup(void)
{
	uint8_t *buf = malloc(REPO_BIG + 32);

	ck_assert_ptr_nonnull(buf);
	repo_fill(buf, REPO_BIG, 1);
	/* Thousands of syncs: in memory where the system has such a place. */
	data_setup(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", "repo");
	ck_assert_int_eq(setenv("DARN_STATE_DIR", data_dir, 1), 0);
	(void)snprintf(repo, sizeof(repo), "%s/repo", data_dir);
	(void)snprintf(out, sizeof(out), "%s/out", data_dir);
	data_keep("small", buf, 1000);
	data_keep("sub/twin", buf, 1000);
	data_keep("sub/empty", buf, 0);
	free(buf);
}

static inline void repo_add_big(void)
{
	uint8_t *buf = malloc(REPO_BIG + 32);

	ck_assert_ptr_nonnull(buf);
	repo_fill(buf, REPO_BIG, 2);
	memset(buf + 100000, 0, REPO_HOLE);
	data_keep("sub/big", buf, REPO_BIG);
	free(buf);
}

/* A snapshot of the data; its totals. */
static inline enum darn_rc repo_take(struct darn_snapshot_totals *t,
				     struct darn_error *err)
{
	const char *roots[] = {data};
	struct darn_scan_options o = {
		.stores = no_stores, .jobs = 2, .spill_dir = data_dir};
	struct darn_snapshotter *s;
	struct darn_report *r = NULL;
	enum darn_rc rc = darn_snapshot_begin(repo, false, &s, err);
	char id[33];

	if (rc)
		return rc;
	o.witness = darn_snapshot_witness(s);
	rc = darn_scan(roots, 1, &o, &r, err);
	if (rc == DARN_OK)
		rc = darn_snapshot_commit(s, id, err);
	*t = darn_snapshot_totals(s);
	darn_report_destroy(r);
	darn_snapshot_end(s);
	return rc;
}

static inline struct darn_snapshot_totals repo_create(void)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_snapshot_totals t;

	ck_assert_msg(repo_take(&t, &err) == DARN_OK, "%s", err.msg);
	return t;
}

static inline enum darn_rc
repo_hear(void *arg, const struct darn_repo_finding *f, struct darn_error *err)
{
	(void)err;
	if (arg)
		(void)snprintf(arg, 64, "%s", f->code->id);
	return DARN_OK;
}

/* Damage that verifying finds; -1: the repository cannot be opened. */
static inline int repo_verify(char *last)
{
	struct darn_verify_options o = {
		.jobs = 0, .fn = repo_hear, .arg = last};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_verify_totals t;
	struct darn_repo *r;

	if (darn_repo_open(repo, &r, &err)) {
		ck_assert_ptr_nonnull(strstr(err.msg, repo));
		return -1;
	}
	ck_assert_msg(darn_repo_verify(r, &o, &t, &err) == 0, "%s", err.msg);
	darn_repo_close(r);
	return (int)t.damaged;
}

static inline struct darn_restore_totals repo_restore(enum darn_rc want)
{
	struct darn_restore_options o = {.to = out, .fn = repo_hear, .jobs = 2};
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_restore_totals t = {0};
	struct darn_repo *r;
	enum darn_rc rc;

	ck_assert_msg(darn_repo_open(repo, &r, &err) == 0, "%s", err.msg);
	rc = darn_repo_lookup(r, "latest", &o.snapshot, &err);
	if (rc == DARN_OK)
		rc = darn_repo_restore(r, &o, &t, &err);
	ck_assert_msg(rc == want, "%s", err.msg);
	darn_repo_close(r);
	return t;
}

/* Is the restored tree the data, to the byte? */
static inline bool repo_same(void)
{
	char cmd[300];

	(void)snprintf(cmd, sizeof(cmd), "diff -r '%s' '%s' >/dev/null", data,
		       out);
	return system(cmd) == 0;
}

#endif
