/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.c - minimal handlers: they set a flag or write to an eventfd.
 *
 * A handler may run in any thread.  darn_signals_remove() is called when the
 * workers are gone, and the ticker is joined after it: no handler can still
 * be on its way to what it points at.
 */
#include "cmd/signals.h"

#include <signal.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
enum {
	NCAUGHT = sizeof(caught) / sizeof(caught[0])
};

static _Atomic(struct darn_progress *) target;
static _Atomic(struct darn_ticker *) shower;
static struct sigaction previous[NCAUGHT];

static void stop(int sig)
{
	struct darn_progress *p = atomic_load(&target);

	(void)sig;
	if (p)
		atomic_store(&p->cancel, true);
}

static void show(int sig)
{
	struct darn_ticker *t = atomic_load(&shower);

	(void)sig;
	if (t)
		darn_ticker_poke(t);
}

void darn_signals_install(struct darn_progress *progress,
			  struct darn_ticker *ticker)
{
	atomic_store(&target, progress);
	atomic_store(&shower, ticker);
	for (int i = 0; i < NCAUGHT; i++) {
		bool status = caught[i] == SIGUSR1;
		struct sigaction sa = {
			.sa_handler = status ? show : stop,
			.sa_flags =
				SA_RESTART | (status ? 0 : (int)SA_RESETHAND)};

		(void)sigemptyset(&sa.sa_mask);
		(void)sigaction(caught[i], NULL, &previous[i]);
		/* nohup(1) stays in force */
		if (caught[i] != SIGHUP || previous[i].sa_handler != SIG_IGN)
			(void)sigaction(caught[i], &sa, NULL);
	}
}

void darn_signals_remove(void)
{
	for (int i = 0; i < NCAUGHT; i++)
		(void)sigaction(caught[i], &previous[i], NULL);
	atomic_store(&target, NULL);
	atomic_store(&shower, NULL);
}
