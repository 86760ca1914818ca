/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticker.h - a thread that does one small thing every now and then.
 *
 * It lives in this folder because only lib/pool creates threads.
 */
#ifndef DARN_LIB_POOL_TICKER_H
#define DARN_LIB_POOL_TICKER_H

#include <stdbool.h>

#include "lib/base/error.h"

struct darn_ticker;

/* @poked: called because of darn_ticker_poke(), not because time passed. */
typedef void (*darn_tick_fn)(void *arg, bool poked);

/* Calls @fn every @interval_ms from a thread of its own. */
DARN_MUST_CHECK
enum darn_rc darn_ticker_create(int interval_ms, darn_tick_fn fn, void *arg,
				struct darn_ticker **out,
				struct darn_error *err);

/* Calls @fn soon.  May be called from a signal handler. */
void darn_ticker_poke(struct darn_ticker *t);

/* Returns when @fn is not running and will not run again.  NULL is fine. */
void darn_ticker_destroy(struct darn_ticker *t);

#endif
