/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.c - what a pool counts, and how many processors there are for it.
 */
#include "lib/pool/internal.h"

#include <errno.h>
#include <sched.h>

#include "lib/base/mem.h"

void darn_pool_count_bytes(struct darn_pool *p, unsigned worker, uint64_t bytes)
{
	atomic_fetch_add_explicit(&p->slots[worker].bytes, bytes,
				  memory_order_relaxed);
}

struct darn_pool_stats darn_pool_stats(const struct darn_pool *p, unsigned i)
{
	const struct darn_worker *w = &p->slots[i];

	return (struct darn_pool_stats){
		.tasks = atomic_load(&w->tasks),
		.steals = atomic_load(&w->steals),
		.failed_steals = atomic_load(&w->failed_steals),
		.bytes = atomic_load(&w->bytes),
	};
}

unsigned darn_pool_cpus(void)
{
	int max;

	/* the kernel says EINVAL while the set is smaller than its own */
	for (max = 1024; max <= 1 << 20; max *= 2) {
		cpu_set_t *set = CPU_ALLOC((size_t)max);
		size_t size = CPU_ALLOC_SIZE((size_t)max);
		int n = 0, rc;

		if (!set)
			return 1;
		rc = sched_getaffinity(0, size, set);
		if (rc == 0)
			n = CPU_COUNT_S(size, set);
		CPU_FREE(set);
		if (rc == 0)
			return (unsigned)DARN_MAX(n, 1);
		if (errno != EINVAL)
			return 1;
	}
	return 1;
}
