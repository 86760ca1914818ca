/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pool/deque.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/mem.h"

void darn_deque_init(struct darn_deque *d)
{
	d->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	d->ring = NULL;
	d->cap = 0;
	d->old = 0;
	atomic_init(&d->n, 0);
}

void darn_deque_release(struct darn_deque *d)
{
	assert(atomic_load(&d->n) == 0);
	free(d->ring);
	(void)pthread_mutex_destroy(&d->lock);
}

static struct darn_item *at(const struct darn_deque *d, size_t i)
{
	return &d->ring[(d->old + i) & (d->cap - 1)];
}

/* Unrolls the ring into one of twice the size. */
static enum darn_rc grow(struct darn_deque *d, size_t n, struct darn_error *err)
{
	size_t cap = d->cap ? d->cap * 2 : 64;
	struct darn_item *ring = darn_calloc(cap, sizeof(*ring), err);
	size_t i;

	if (!ring)
		return DARN_ENOMEM;
	for (i = 0; i < n; i++)
		ring[i] = *at(d, i);
	free(d->ring);
	d->ring = ring;
	d->cap = cap;
	d->old = 0;
	return DARN_OK;
}

enum darn_rc darn_deque_push(struct darn_deque *d, const struct darn_item *it,
			     struct darn_error *err)
{
	enum darn_rc rc = DARN_OK;
	size_t n;

	pthread_mutex_lock(&d->lock);
	n = atomic_load_explicit(&d->n, memory_order_relaxed);
	if (n == d->cap)
		rc = grow(d, n, err);
	if (rc == DARN_OK) {
		*at(d, n) = *it;
		atomic_store_explicit(&d->n, n + 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

static bool pop(struct darn_deque *d, struct darn_item *it, bool newest)
{
	size_t n;

	/*
	 * Whoever was promised an item got the promise through the idle lock
	 * after the push, so it sees a count that is not too small.
	 */
	if (atomic_load_explicit(&d->n, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&d->lock);
	n = atomic_load_explicit(&d->n, memory_order_relaxed);
	if (n) {
		*it = *at(d, newest ? n - 1 : 0);
		if (!newest)
			d->old = (d->old + 1) & (d->cap - 1);
		atomic_store_explicit(&d->n, n - 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&d->lock);
	return n > 0;
}

bool darn_deque_pop_new(struct darn_deque *d, struct darn_item *it)
{
	return pop(d, it, true);
}

bool darn_deque_pop_old(struct darn_deque *d, struct darn_item *it)
{
	return pop(d, it, false);
}
