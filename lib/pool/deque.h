/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deque.h - a growing ring of work items under a mutex of its own.
 *
 * Items are pushed at the new end.  A worker takes its own back from the new
 * end (its data are still in the processor's cache); thieves and queues take
 * from the old end.  A deque lock is never held while another lock is taken.
 */
#ifndef DARN_LIB_POOL_DEQUE_H
#define DARN_LIB_POOL_DEQUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/pool/pool.h"

struct darn_range_run;

/* One thing to do: @task where @range is NULL, else chunks [lo, hi) of it. */
struct darn_item {
	struct darn_task task;
	struct darn_range_run *range; /* holds one reference */
	uint64_t lo, hi;
};

struct darn_deque {
	pthread_mutex_t lock;
	struct darn_item *ring;
	size_t cap;	  /* a power of two, or 0 */
	size_t old;	  /* index of the oldest item */
	_Atomic size_t n; /* changed under @lock, looked at without */
};

void darn_deque_init(struct darn_deque *d);

/* The deque must be empty. */
void darn_deque_release(struct darn_deque *d);

DARN_MUST_CHECK
enum darn_rc darn_deque_push(struct darn_deque *d, const struct darn_item *it,
			     struct darn_error *err);

/* Take the newest or the oldest item; false if there is none. */
bool darn_deque_pop_new(struct darn_deque *d, struct darn_item *it);
bool darn_deque_pop_old(struct darn_deque *d, struct darn_item *it);

#endif
