/* SPDX-License-Identifier: Apache-2.0 */
/* ticker.c - waits on an eventfd, because a signal handler may write to it. */
#include "lib/pool/ticker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/mem.h"

struct darn_ticker {
	pthread_t thread;
	int fd, interval_ms;
	atomic_bool stop;
	darn_tick_fn fn;
	void *arg;
};

static void *tick(void *arg)
{
	struct darn_ticker *t = arg;

	for (;;) {
		struct pollfd p = {.fd = t->fd, .events = POLLIN};
		int n = poll(&p, 1, t->interval_ms);
		uint64_t count;
		bool poked = n > 0 && read(t->fd, &count, sizeof(count)) ==
					      (ssize_t)sizeof(count);

		if (atomic_load(&t->stop))
			return NULL;
		/* interrupted: neither time nor a poke */
		if (poked || n == 0)
			t->fn(t->arg, poked);
	}
}

enum darn_rc darn_ticker_create(int interval_ms, darn_tick_fn fn, void *arg,
				struct darn_ticker **out,
				struct darn_error *err)
{
	struct darn_ticker *t = darn_calloc(1, sizeof(*t), err);
	int cause;

	if (!t)
		return DARN_ENOMEM;
	t->interval_ms = interval_ms;
	t->fn = fn;
	t->arg = arg;
	t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->fd < 0) {
		cause = errno;
		free(t);
		return darn_fail(err, DARN_ENOMEM, cause,
				 "cannot make an eventfd");
	}
	cause = pthread_create(&t->thread, NULL, tick, t);
	if (cause) {
		(void)close(t->fd);
		free(t);
		return darn_fail(err, DARN_ENOMEM, cause,
				 "cannot create a thread");
	}
	*out = t;
	return DARN_OK;
}

void darn_ticker_poke(struct darn_ticker *t)
{
	uint64_t one = 1;
	int saved = errno;
	/* fails only where 2^64 - 2 pokes are waiting already */
	ssize_t n = write(t->fd, &one, sizeof(one));

	(void)n;
	errno = saved;
}

void darn_ticker_destroy(struct darn_ticker *t)
{
	if (!t)
		return;
	atomic_store(&t->stop, true);
	darn_ticker_poke(t);
	(void)pthread_join(t->thread, NULL);
	(void)close(t->fd);
	free(t);
}
