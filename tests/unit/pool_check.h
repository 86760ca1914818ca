/* SPDX-License-Identifier: Apache-2.0 */
/* pool_check.h - calls of the pool that must succeed, for its tests. */
#ifndef DARN_TESTS_UNIT_POOL_CHECK_H
#define DARN_TESTS_UNIT_POOL_CHECK_H

#include <check.h>

#include "lib/pool/pool.h"

static inline struct darn_pool *pool_make(unsigned workers, unsigned readers)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_pool *p = NULL;

	ck_assert_msg(darn_pool_create(workers, readers, &p, &err) == DARN_OK,
		      "%s", err.msg);
	return p;
}

static inline void pool_submit(struct darn_pool *p, struct darn_task t)
{
	ck_assert_int_eq(darn_pool_submit(p, t, NULL), DARN_OK);
}

static inline void pool_wait_ok(struct darn_pool *p)
{
	struct darn_error err = DARN_ERROR_INIT;

	ck_assert_msg(darn_pool_wait(p, &err) == DARN_OK, "%s", err.msg);
}

#endif
