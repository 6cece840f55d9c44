/* SPDX-License-Identifier: MIT */
/*
 * breaker_word.h - the state word of a breaker, and its transitions.
 *
 * payload of closed: since when; open: the deadline; observe: quiet until;
 * half_open: permits that are out 8 bits (one a lease), good, bad, lost: 8
 * each.  flag of open: an operator named the deadline; of forced_open: it
 * latched.
 */
#ifndef FLAGP_BREAKER_WORD_H
#define FLAGP_BREAKER_WORD_H

#include "mechanism/breaker.h"

#define BREAKER_GENERATION_SHIFT 3
#define BREAKER_GENERATION_MASK 0x7fffu
#define BREAKER_ATTEMPT_SHIFT 18
#define BREAKER_ATTEMPT_MAX 63u
#define BREAKER_FLAG ((uint64_t)1 << 24)
#define BREAKER_PAYLOAD_SHIFT 25
#define BREAKER_PAYLOAD_MAX (((uint64_t)1 << 39) - 1)

/* Bytes of the payload of half_open. */
#define BREAKER_OUT_SHIFT 25
#define BREAKER_OK_SHIFT 33
#define BREAKER_BAD_SHIFT 41
#define BREAKER_LOST_SHIFT 49

static inline enum breaker_state
word_state(uint64_t word)
{
	return (enum breaker_state)(word & BREAKER_STATE_MASK);
}

static inline uint32_t
word_generation(uint64_t word)
{
	return (uint32_t)(word >> BREAKER_GENERATION_SHIFT) &
	       BREAKER_GENERATION_MASK;
}

static inline uint32_t
word_attempt(uint64_t word)
{
	return (uint32_t)(word >> BREAKER_ATTEMPT_SHIFT) & BREAKER_ATTEMPT_MAX;
}

static inline bool
word_flag(uint64_t word)
{
	return (word & BREAKER_FLAG) != 0;
}

static inline uint64_t
word_payload(uint64_t word)
{
	return word >> BREAKER_PAYLOAD_SHIFT;
}

/* One of the bytes of half_open. */
static inline uint32_t
word_byte(uint64_t word, unsigned shift)
{
	return (uint32_t)(word >> shift) & 0xff;
}

static inline uint64_t
word_key(uint64_t word)
{
	return word & BREAKER_KEY_MASK;
}

/* Whether a token, or another word, is of the word's state and generation. */
static inline bool
word_same(uint64_t word, uint64_t other)
{
	return ((word ^ other) & BREAKER_KEY_MASK) == 0;
}

/* A moment that fits a payload: 17 years. */
static inline uint64_t
word_clip(uint64_t ms)
{
	return ms < BREAKER_PAYLOAD_MAX ? ms : BREAKER_PAYLOAD_MAX;
}

/* a + b, where a is clipped. */
static inline uint64_t
word_after(uint64_t a, uint64_t b)
{
	return b < BREAKER_PAYLOAD_MAX - a ? a + b : BREAKER_PAYLOAD_MAX;
}

/* What is left until then, as an answer of allow. */
static inline uint32_t
word_retry(uint64_t then, uint64_t ms)
{
	uint64_t rest = then > ms ? then - ms : 0;

	return rest < BREAKER_NEVER ? (uint32_t)rest : BREAKER_NEVER - 1;
}

static inline uint64_t
word_load(const struct breaker *breaker)
{
	return atomic_load_explicit(&breaker->word, memory_order_acquire);
}

/* A word of the generation after that of word. */
uint64_t flagp_breaker_word_next(uint64_t word, enum breaker_state state,
				 uint32_t attempt, bool flag,
				 uint64_t payload);

/* The longest wait that the ladder can give. */
uint64_t flagp_breaker_word_longest(const struct breaker *breaker);

/*
 * The word that follows when the dependency failed for the attempt-th time:
 * open, or forced_open where that latches (*reason says so then).
 */
uint64_t flagp_breaker_word_opened(const struct breaker *breaker,
				   uint64_t word, uint32_t attempt,
				   struct breaker_moment at,
				   enum breaker_reason *reason);

/*
 * Tells the listener of a transition, if there is one.  sums: what decided, or
 * NULL; where probes did, from holds their counts.
 */
void flagp_breaker_word_tell(const struct breaker *breaker, uint64_t from,
			     uint64_t to, enum breaker_reason reason,
			     const struct breaker_sums *sums, uint64_t ms);

/*
 * One transition: *word to next.  The winner tells the listener.  False: the
 * word is another by now, and *word is what it is.
 */
bool flagp_breaker_word_move(struct breaker *breaker, uint64_t *word,
			     uint64_t next, enum breaker_reason reason,
			     const struct breaker_sums *sums, uint64_t ms);

#endif
