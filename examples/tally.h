/* SPDX-License-Identifier: MIT */
/* tally.h - what all workers together have answered. */
#ifndef TALLY_H
#define TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#define TALLY_WORKERS 64u

/*
 * One worker's counts, on a cache line of its own.  W: that worker.  R: any.
 * Relaxed: each number stands alone.
 */
struct tally {
	_Alignas(64) _Atomic uint64_t answers;	/* with status 200 */
	_Atomic uint64_t refusals;		/* with any other */
};

/* TALLY_WORKERS of them, shared with forked children; NULL on failure. */
struct tally *tally_create(void);

/* Adds one to a count that only the caller's process writes. */
static inline void
tally_add(_Atomic uint64_t *count)
{
	uint64_t value = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, value + 1, memory_order_relaxed);
}

/* The sums over all workers. */
void tally_sum(struct tally *tallies, uint64_t *answers, uint64_t *refusals);

#endif
