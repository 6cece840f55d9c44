/* SPDX-License-Identifier: MIT */
/* breaker_window.c - see breaker_window.h. */
#include "mechanism/breaker_window.h"

#define COUNT_BITS 24
#define COUNT_MASK ((uint64_t)BREAKER_COUNT_MAX)
#define GENERATION_SHIFT 56
#define KEY_GENERATION_SHIFT 3		/* above the state */
#define KEY_MASK 0x3ffffu

/* Where a moment falls. */
struct place {
	uint64_t tag;			/* generation, piece, count 0 */
	uint32_t slot;
	uint32_t buckets;
};

/*
 * value / by and the rest, by multiplication.  inverse is (2^64 - 1) / by; the
 * estimate is at most one too small while value < 2^62.
 */
static inline uint64_t
divide(uint64_t value, uint64_t by, uint64_t inverse, uint64_t *rest)
{
	uint64_t quotient;

#ifdef __SIZEOF_INT128__
	quotient = (uint64_t)(((unsigned __int128)value * inverse) >> 64);
#else
	(void)inverse;
	quotient = value / by;
#endif
	*rest = value - quotient * by;
	if (*rest >= by) {
		*rest -= by;
		quotient++;
	}
	return quotient;
}

static inline struct place
locate(const struct breaker_window *window, uint64_t key, uint64_t ms)
{
	uint32_t current = atomic_load_explicit(&window->current,
						memory_order_acquire);
	const struct breaker_geometry *in = &window->geometry[current & 1];
	uint64_t width, width_inverse, buckets, buckets_inverse;
	uint64_t piece, generation, rest;
	struct place place;

	width = atomic_load_explicit(&in->width_ms, memory_order_relaxed);
	width_inverse = atomic_load_explicit(&in->width_inverse,
					     memory_order_relaxed);
	buckets = atomic_load_explicit(&in->buckets, memory_order_relaxed);
	buckets_inverse = atomic_load_explicit(&in->buckets_inverse,
					       memory_order_relaxed);

	piece = divide(ms, width, width_inverse, &rest);
	divide(piece, buckets, buckets_inverse, &rest);
	generation = key >> KEY_GENERATION_SHIFT;
	place.tag = generation << GENERATION_SHIFT |
		    (uint64_t)(uint32_t)piece << COUNT_BITS;
	/* The mask matters only to a mixture of two geometries. */
	place.slot = (uint32_t)rest & (BREAKER_BUCKETS_MAX - 1);
	place.buckets = (uint32_t)buckets;
	return place;
}

static inline bool
same_tag(uint64_t a, uint64_t b)
{
	return ((a ^ b) & ~COUNT_MASK) == 0;
}

static inline bool
same_generation(uint64_t a, uint64_t b)
{
	return ((a ^ b) >> GENERATION_SHIFT) == 0;
}

/* How many pieces a is after b; wraps with the numbers of the pieces. */
static inline int32_t
pieces_after(uint64_t a, uint64_t b)
{
	return (int32_t)((uint32_t)(a >> COUNT_BITS) -
			 (uint32_t)(b >> COUNT_BITS));
}

static inline bool
is_current(const _Atomic uint64_t *word, uint64_t key)
{
	return ((atomic_load_explicit(word, memory_order_acquire) ^ key) &
		KEY_MASK) == 0;
}

/*
 * Adds one under tag.  False: dropped.  Another generation's count is replaced
 * only while ours is current: its load comes after that of the cell, so who
 * finds the count of a later generation also finds that ours is over.
 */
static inline bool
add(_Atomic uint64_t *cell, const struct place *place, uint64_t max,
    const _Atomic uint64_t *word, uint64_t key)
{
	uint64_t seen = atomic_load_explicit(cell, memory_order_acquire);
	uint64_t next;

	do {
		if (same_tag(seen, place->tag)) {
			if ((seen & COUNT_MASK) >= max)
				return true;
			next = seen + 1;
		} else if (same_generation(seen, place->tag)) {
			if ((seen & COUNT_MASK) != 0 &&
			    pieces_after(seen, place->tag) > 0)
				return false;
			next = place->tag | 1;
		} else {
			if (!is_current(word, key))
				return false;
			next = place->tag | 1;
		}
	} while (!atomic_compare_exchange_weak_explicit(cell, &seen, next,
							memory_order_acq_rel,
							memory_order_acquire));
	return true;
}

void
flagp_breaker_window_add(struct breaker_window *window,
			 const _Atomic uint64_t *word,
			 const struct breaker_record *record,
			 struct breaker_shard *shard)
{
	struct place place = locate(window, record->key, record->ms);
	struct breaker_cell *cell = &shard->cell[place.slot];
	uint64_t max = atomic_load_explicit(&window->bucket_max,
					    memory_order_relaxed);

	if (!add(&cell->calls, &place, max, word, record->key)) {
		atomic_fetch_add_explicit(&shard->dropped, 1,
					  memory_order_relaxed);
		return;
	}
	if (record->failed)
		add(&cell->failed, &place, max, word, record->key);
	if (record->slow)
		add(&cell->slow, &place, max, word, record->key);
}

static void
sum_cell(const struct breaker_cell *cell, const struct place *now,
	 struct breaker_sums *sums)
{
	uint64_t slow = atomic_load_explicit(&cell->slow,
					     memory_order_acquire);
	uint64_t failed = atomic_load_explicit(&cell->failed,
					       memory_order_acquire);
	uint64_t calls = atomic_load_explicit(&cell->calls,
					      memory_order_acquire);

	/* A piece that is yet to come is that of a clock that stepped back. */
	if (!same_generation(calls, now->tag) ||
	    (uint32_t)pieces_after(now->tag, calls) >= now->buckets)
		return;
	sums->calls += calls & COUNT_MASK;
	if (same_tag(failed, calls))
		sums->failed += failed & COUNT_MASK;
	if (same_tag(slow, calls))
		sums->slow += slow & COUNT_MASK;
}

struct breaker_sums
flagp_breaker_window_sum(const struct breaker_window *window, uint64_t key,
			 uint64_t ms)
{
	struct place now = locate(window, key, ms);
	struct breaker_sums sums = { 0, 0, 0 };
	uint32_t shard, slot;

	for (shard = 0; shard <= window->shard_mask; shard++)
		for (slot = 0; slot < now.buckets; slot++)
			sum_cell(&window->shards[shard].cell[slot], &now,
				 &sums);
	return sums;
}

bool
flagp_breaker_window_pay(struct breaker_window *window, uint64_t key,
			 uint64_t ms)
{
	uint64_t tag = locate(window, key, ms).tag;
	uint64_t seen = flagp_breaker_window_credit(window);

	while (same_tag(seen, tag) && (seen & COUNT_MASK) != 0)
		if (atomic_compare_exchange_weak_explicit(&window->credit,
				&seen, seen - 1, memory_order_acq_rel,
				memory_order_acquire))
			return true;
	return false;
}

uint64_t
flagp_breaker_window_credit(const struct breaker_window *window)
{
	return atomic_load_explicit(&window->credit, memory_order_acquire);
}

bool
flagp_breaker_window_leave(struct breaker_window *window, uint64_t seen,
			   uint64_t key, uint64_t ms, uint64_t credit)
{
	uint64_t tag = locate(window, key, ms).tag;

	if (credit > COUNT_MASK)
		credit = COUNT_MASK;
	return atomic_compare_exchange_strong_explicit(&window->credit, &seen,
						       tag | credit,
						       memory_order_acq_rel,
						       memory_order_acquire);
}

/* Another piece, and no credit: also different from what was there, so that
 * no judgement by the old rates can leave its own. */
void
flagp_breaker_window_void(struct breaker_window *window)
{
	uint64_t seen = flagp_breaker_window_credit(window);

	while (!atomic_compare_exchange_weak_explicit(&window->credit, &seen,
			(seen & ~COUNT_MASK) + COUNT_MASK + 1,
			memory_order_acq_rel, memory_order_acquire))
		continue;
}

void
flagp_breaker_window_set(struct breaker_window *window, uint64_t window_ms,
			 uint64_t buckets)
{
	uint32_t next = atomic_load_explicit(&window->current,
					     memory_order_relaxed) + 1;
	struct breaker_geometry *in = &window->geometry[next & 1];
	uint64_t width = window_ms / buckets + (window_ms % buckets != 0);

	if (width == 0)
		width = 1;
	atomic_store_explicit(&in->width_ms, width, memory_order_relaxed);
	atomic_store_explicit(&in->width_inverse, UINT64_MAX / width,
			      memory_order_relaxed);
	atomic_store_explicit(&in->buckets, buckets, memory_order_relaxed);
	atomic_store_explicit(&in->buckets_inverse, UINT64_MAX / buckets,
			      memory_order_relaxed);
	atomic_store_explicit(&window->current, next, memory_order_release);
}

void
flagp_breaker_window_limit(struct breaker_window *window, uint64_t bucket_max)
{
	atomic_store_explicit(&window->bucket_max, bucket_max,
			      memory_order_relaxed);
}
