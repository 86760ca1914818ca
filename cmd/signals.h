/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.h - the only mutable globals of the program: what a signal handler
 * has to reach.
 */
#ifndef DARN_CMD_SIGNALS_H
#define DARN_CMD_SIGNALS_H

#include "lib/pool/ticker.h"
#include "lib/scan/scan.h"

/*
 * From now on SIGINT, SIGTERM and SIGHUP set progress->cancel (the second of a
 * kind ends the process, in case the first cannot get through) and SIGUSR1
 * pokes @ticker, which may be NULL.
 */
void darn_signals_install(struct darn_progress *progress,
			  struct darn_ticker *ticker);

/* Puts back what was there before. */
void darn_signals_remove(void);

#endif
