/* SPDX-License-Identifier: Apache-2.0 */
/* test_ticker.c - it ticks, it can be poked, and it stops. */
#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "lib/pool/ticker.h"

static atomic_uint ticks, pokes;
static struct darn_ticker *ticker;

static void tick(void *arg, bool poked)
{
	atomic_fetch_add(poked ? &pokes : &ticks, 1);
	ck_assert_ptr_eq(arg, &ticks);
}

static void start(int interval_ms)
{
	struct darn_error err = DARN_ERROR_INIT;

	atomic_store(&ticks, 0);
	atomic_store(&pokes, 0);
	ck_assert_int_eq(
		darn_ticker_create(interval_ms, tick, &ticks, &ticker, &err),
		DARN_OK);
}

/* Waits until *@n is at least @want; Check ends a test that hangs. */
static void wait_for(atomic_uint *n, unsigned want)
{
	while (atomic_load(n) < want)
		usleep(1000);
}

START_TEST(ticks_until_destroyed)
{
	unsigned after;

	start(1);
	wait_for(&ticks, 3);
	darn_ticker_destroy(ticker);
	after = atomic_load(&ticks);
	usleep(20000);
	ck_assert_uint_eq(atomic_load(&ticks), after);
	ck_assert_uint_eq(atomic_load(&pokes), 0);
}
END_TEST

START_TEST(poked_at_once)
{
	start(3600000);
	darn_ticker_poke(ticker);
	wait_for(&pokes, 1);
	darn_ticker_poke(ticker);
	wait_for(&pokes, 2);
	darn_ticker_destroy(ticker);
	ck_assert_uint_eq(atomic_load(&ticks), 0);
}
END_TEST

static void poke_handler(int sig)
{
	(void)sig;
	darn_ticker_poke(ticker);
}

START_TEST(poked_by_a_signal)
{
	start(3600000);
	ck_assert(signal(SIGUSR1, poke_handler) != SIG_ERR);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	wait_for(&pokes, 1);
	darn_ticker_destroy(ticker);
}
END_TEST

START_TEST(destroyed_at_once)
{
	for (int i = 0; i < 100; i++) {
		start(3600000);
		darn_ticker_destroy(ticker);
	}
	darn_ticker_destroy(NULL);
	ck_assert_uint_eq(atomic_load(&ticks) + atomic_load(&pokes), 0);
}
END_TEST

Suite *darn_suite(void);
Suite *darn_suite(void)
{
	Suite *s = suite_create("ticker");
	TCase *t = tcase_create("ticker");

	tcase_add_test(t, ticks_until_destroyed);
	tcase_add_test(t, poked_at_once);
	tcase_add_test(t, poked_by_a_signal);
	tcase_add_test(t, destroyed_at_once);
	suite_add_tcase(s, t);
	return s;
}
