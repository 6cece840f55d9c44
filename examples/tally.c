/* SPDX-License-Identifier: MIT */
/* tally.c - what all workers together have answered. */
#include "tally.h"

#include <stddef.h>
#include <sys/mman.h>

struct tally *
tally_create(void)
{
	void *memory = mmap(NULL, TALLY_WORKERS * sizeof(struct tally),
			    PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

void
tally_sum(struct tally *tallies, uint64_t *answers, uint64_t *refusals)
{
	unsigned i;

	*answers = *refusals = 0;
	for (i = 0; i < TALLY_WORKERS; i++) {
		*answers += atomic_load_explicit(&tallies[i].answers,
						 memory_order_relaxed);
		*refusals += atomic_load_explicit(&tallies[i].refusals,
						  memory_order_relaxed);
	}
}
