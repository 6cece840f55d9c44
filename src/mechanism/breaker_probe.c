/* SPDX-License-Identifier: MIT */
/*
 * breaker_probe.c - see breaker_probe.h.
 *
 * A permit is a bit of the state word, its lease stands beside the word.  The
 * bit is set before the lease and cleared after it: as long as the bit is set
 * and no lease of this generation is there, the permit is just being given or
 * given back by somebody, and nobody else touches it.
 */
#include "mechanism/breaker_probe.h"

#include <stddef.h>

/* A token of a probe: state and generation, then slot, then a number. */
#define SLOT_SHIFT 18
#define SLOT_MASK (BREAKER_PERMITS_MAX - 1)
#define NUMBER_SHIFT 21

/*
 * A lease that ends so much later than any given now can end was given on a
 * clock that has stepped back since; it would hold its permit far too long.
 * (So does a lease after a reload that made leases so much shorter.)  Smaller
 * steps only make leases longer: threads differ a little in what time they
 * think it is, and nobody may lose a permit by that.
 */
#define STEP_MS 60000u

struct probing {
	uint32_t permits, successes, failures, lost_max;
};

static struct probing
probing(const struct breaker *breaker)
{
	uint64_t word = atomic_load_explicit(&breaker->rules.probing,
					     memory_order_relaxed);

	return (struct probing) {
		.permits = word & 0xff,
		.successes = word >> 8 & 0xff,
		.failures = word >> 16 & 0xff,
		.lost_max = word >> 24 & 0xff,
	};
}

/* The word after count probes ended so; each byte sticks at 255. */
static uint64_t
tally(uint64_t word, enum probe_end end, uint32_t count)
{
	static const unsigned shifts[] = {
		[PROBE_OK] = BREAKER_OK_SHIFT,
		[PROBE_BAD] = BREAKER_BAD_SHIFT,
		[PROBE_LOST] = BREAKER_LOST_SHIFT,
	};
	uint32_t room;

	if (end == PROBE_NEUTRAL)
		return word;
	room = 255 - word_byte(word, shifts[end]);
	return word + ((uint64_t)(count < room ? count : room) << shifts[end]);
}

/* The word that follows from the counts of word, or word itself. */
static uint64_t
decide(const struct breaker *breaker, uint64_t word, enum probe_end end,
       struct breaker_moment at, enum breaker_reason *reason)
{
	struct probing rules = probing(breaker);
	uint32_t attempt = word_attempt(word);

	*reason = BREAKER_NO_REASON;
	if (end == PROBE_OK &&
	    word_byte(word, BREAKER_OK_SHIFT) >= rules.successes) {
		*reason = BREAKER_PROBES_OK;
		return flagp_breaker_word_next(word, BREAKER_CLOSED, attempt,
					       false, at.ms);
	}
	if (end == PROBE_BAD &&
	    word_byte(word, BREAKER_BAD_SHIFT) >= rules.failures)
		*reason = BREAKER_PROBE_FAILED;
	if (end == PROBE_LOST && rules.lost_max != 0 &&
	    word_byte(word, BREAKER_LOST_SHIFT) >= rules.lost_max)
		*reason = BREAKER_PROBE_LOST;
	if (*reason == BREAKER_NO_REASON)
		return word;
	return flagp_breaker_word_opened(breaker, word, attempt + 1, at,
					 reason);
}

/*
 * Gives the permits in slots back, counts how they ended, and goes where that
 * leads.  Their leases are gone already.  False: the round of key is over.
 */
static bool
settle(struct breaker *breaker, uint64_t key, uint32_t slots,
       enum probe_end end, struct breaker_moment at)
{
	uint64_t word = word_load(breaker), counted, next;
	uint32_t count = (uint32_t)__builtin_popcount(slots);
	enum breaker_reason reason;

	do {
		if (!word_same(word, key))
			return false;
		counted = word & ~((uint64_t)slots << BREAKER_OUT_SHIFT);
		counted = tally(counted, end, count);
		next = decide(breaker, counted, end, at, &reason);
	} while (!atomic_compare_exchange_weak_explicit(&breaker->word, &word,
							next,
							memory_order_acq_rel,
							memory_order_acquire));
	if (end == PROBE_LOST)
		atomic_fetch_add_explicit(&breaker->lost, count,
					  memory_order_relaxed);
	if (reason != BREAKER_NO_REASON)
		flagp_breaker_word_tell(breaker, counted, next, reason, NULL,
					at.ms);
	return true;
}

/* The holder of the permit in a slot, and when its lease ends; 0: nobody
 * (yet, or any more) in the round of word. */
static uint64_t
holder_of(const struct breaker *breaker, uint64_t word, unsigned slot,
	  uint64_t *end_ms)
{
	const struct breaker_lease *lease = &breaker->lease[slot];
	uint64_t holder;

	if ((word_byte(word, BREAKER_OUT_SHIFT) >> slot & 1) == 0)
		return 0;
	holder = atomic_load_explicit(&lease->holder, memory_order_acquire);
	*end_ms = atomic_load_explicit(&lease->end_ms, memory_order_relaxed);
	return holder != 0 && word_same(holder, word) ? holder : 0;
}

/* Takes the permit in a slot away from its holder: at most one succeeds. */
static bool
take(struct breaker *breaker, unsigned slot, uint64_t holder)
{
	return atomic_compare_exchange_strong_explicit(
		&breaker->lease[slot].holder, &holder, 0,
		memory_order_acq_rel, memory_order_acquire);
}

static bool
over(const struct breaker *breaker, uint64_t end_ms, uint64_t ms)
{
	uint64_t timeout;

	if (end_ms == BREAKER_LEASE_FOREVER)
		return false;
	timeout = atomic_load_explicit(&breaker->rules.probe_timeout_ms,
				       memory_order_relaxed);
	return ms >= end_ms ||
	       (timeout != 0 && end_ms - ms > timeout + STEP_MS);
}

bool
flagp_breaker_probe_reclaim(struct breaker *breaker, uint64_t *word,
			    struct breaker_moment at)
{
	uint64_t holder, end_ms;
	uint32_t slots = 0;
	unsigned slot;

	for (slot = 0; slot < BREAKER_PERMITS_MAX; slot++) {
		holder = holder_of(breaker, *word, slot, &end_ms);
		if (holder != 0 && over(breaker, end_ms, at.ms) &&
		    take(breaker, slot, holder))
			slots |= 1u << slot;
	}
	if (slots == 0)
		return false;
	settle(breaker, *word, slots, PROBE_LOST, at);
	*word = word_load(breaker);
	return true;
}

/* Until the first lease ends that is out. */
static uint32_t
retry_ms(const struct breaker *breaker, uint64_t word, uint64_t ms)
{
	uint64_t first = BREAKER_LEASE_FOREVER, end_ms;
	unsigned slot;

	for (slot = 0; slot < BREAKER_PERMITS_MAX; slot++)
		if (holder_of(breaker, word, slot, &end_ms) != 0 &&
		    end_ms < first)
			first = end_ms;
	if (first == BREAKER_LEASE_FOREVER)
		return BREAKER_NEVER;
	return word_retry(first, ms);
}

/* Notes the lease of a permit that is ours by its bit; returns the token. */
static uint64_t
grant(struct breaker *breaker, uint64_t word, unsigned slot, uint64_t ms)
{
	struct breaker_lease *lease = &breaker->lease[slot];
	uint64_t number, token, timeout;

	timeout = atomic_load_explicit(&breaker->rules.probe_timeout_ms,
				       memory_order_relaxed);
	number = atomic_fetch_add_explicit(&breaker->grants, 1,
					   memory_order_relaxed);
	token = word_key(word) | (uint64_t)slot << SLOT_SHIFT |
		number << NUMBER_SHIFT;
	atomic_store_explicit(&lease->end_ms,
			      timeout != 0 ? ms + timeout :
					     BREAKER_LEASE_FOREVER,
			      memory_order_relaxed);
	atomic_store_explicit(&lease->holder, token, memory_order_release);
	return token;
}

bool
flagp_breaker_probe_admit(struct breaker *breaker, uint64_t *word,
			  struct breaker_moment at,
			  struct breaker_verdict *verdict)
{
	struct probing rules = probing(breaker);
	uint32_t out = word_byte(*word, BREAKER_OUT_SHIFT);
	uint32_t count = (uint32_t)__builtin_popcount(out);
	uint32_t ok = word_byte(*word, BREAKER_OK_SHIFT);
	uint64_t next;
	unsigned slot;

	/* Only after a reload that asks for less. */
	if (ok >= rules.successes) {
		next = flagp_breaker_word_next(*word, BREAKER_CLOSED,
					       word_attempt(*word), false,
					       at.ms);
		flagp_breaker_word_move(breaker, word, next,
					BREAKER_PROBES_OK, NULL, at.ms);
		return false;
	}
	if (count >= rules.permits || count + ok >= rules.successes) {
		*verdict = (struct breaker_verdict) {
			.retry_ms = retry_ms(breaker, *word, at.ms),
			.why = BREAKER_WHY_NO_PERMIT,
		};
		return true;
	}
	slot = (unsigned)__builtin_ctz(~out);
	next = *word | (uint64_t)1 << (BREAKER_OUT_SHIFT + slot);
	if (!atomic_compare_exchange_strong_explicit(&breaker->word, word,
						     next,
						     memory_order_acq_rel,
						     memory_order_acquire))
		return false;
	*verdict = (struct breaker_verdict) {
		.token = grant(breaker, next, slot, at.ms),
		.allowed = 1,
		.why = BREAKER_WHY_PROBE,
	};
	return true;
}

bool
flagp_breaker_probe_answer(struct breaker *breaker, uint64_t token,
			   enum probe_end end, struct breaker_moment at)
{
	unsigned slot = (unsigned)(token >> SLOT_SHIFT) & SLOT_MASK;

	return take(breaker, slot, token) &&
	       settle(breaker, token, 1u << slot, end, at);
}
