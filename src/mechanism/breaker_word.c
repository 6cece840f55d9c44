/* SPDX-License-Identifier: MIT */
/* breaker_word.c - see breaker_word.h. */
#include "mechanism/breaker_word.h"

#include <stddef.h>

/* A wait is cut to whole milliseconds, but not for the rounding of a double:
 * more than 63 steps can add up to, less than one draw of 2^32 is worth. */
#define ROUNDING (1 + 1e-13)

uint64_t
flagp_breaker_word_next(uint64_t word, enum breaker_state state,
			uint32_t attempt, bool flag, uint64_t payload)
{
	uint64_t generation = (word_generation(word) + 1) &
			      BREAKER_GENERATION_MASK;

	return (uint64_t)state | generation << BREAKER_GENERATION_SHIFT |
	       (uint64_t)attempt << BREAKER_ATTEMPT_SHIFT |
	       (flag ? BREAKER_FLAG : 0) | payload << BREAKER_PAYLOAD_SHIFT;
}

static uint64_t
rule(const _Atomic uint64_t *field)
{
	return atomic_load_explicit(field, memory_order_relaxed);
}

/* The wait after opening number attempt: open_ms, times open_mult each time,
 * up to open_max_ms; then jitter, which only makes it longer. */
static uint64_t
ladder(const struct breaker *breaker, uint32_t attempt, uint32_t draw)
{
	const struct breaker_rules *rules = &breaker->rules;
	double wait = (double)rule(&rules->open_ms);
	double mult = (double)rule(&rules->open_mult) / 1e6;
	double max = (double)rule(&rules->open_max_ms);
	double jitter = (double)rule(&rules->open_jitter) / 1e4;

	while (attempt-- > 1 && wait < max)
		wait *= mult;
	if (wait > max)
		wait = max;
	wait *= 1 + jitter * ((double)draw / 4294967296.0);
	return (uint64_t)(wait * ROUNDING);
}

uint64_t
flagp_breaker_word_longest(const struct breaker *breaker)
{
	uint64_t max = rule(&breaker->rules.open_max_ms);

	return max + max * rule(&breaker->rules.open_jitter) / 10000;
}

uint64_t
flagp_breaker_word_opened(const struct breaker *breaker, uint64_t word,
			  uint32_t attempt, struct breaker_moment at,
			  enum breaker_reason *reason)
{
	uint32_t latch = atomic_load_explicit(&breaker->rules.latch_after,
					      memory_order_relaxed);
	uint64_t until;

	if (attempt > BREAKER_ATTEMPT_MAX)
		attempt = BREAKER_ATTEMPT_MAX;
	if (latch != 0 && attempt >= latch) {
		*reason = BREAKER_LATCHED;
		return flagp_breaker_word_next(word, BREAKER_FORCED_OPEN,
					       attempt, true, 0);
	}
	until = word_after(at.ms, ladder(breaker, attempt, at.draw));
	return flagp_breaker_word_next(word, BREAKER_OPEN, attempt, false,
				       until);
}

static void
describe(struct breaker_event *event, uint64_t from, uint64_t to, uint64_t ms)
{
	event->from = word_state(from);
	event->to = word_state(to);
	event->generation = word_generation(to);
	event->attempt = word_attempt(to);
	if (event->to == BREAKER_OPEN && word_payload(to) > ms)
		event->wait_ms = word_payload(to) - ms;
	if (event->from != BREAKER_HALF_OPEN)
		return;
	event->sums.failed = word_byte(from, BREAKER_BAD_SHIFT);
	event->sums.calls = word_byte(from, BREAKER_OK_SHIFT) +
			    event->sums.failed;
	event->lost = word_byte(from, BREAKER_LOST_SHIFT);
}

void
flagp_breaker_word_tell(const struct breaker *breaker, uint64_t from,
			uint64_t to, enum breaker_reason reason,
			const struct breaker_sums *sums, uint64_t ms)
{
	struct breaker_event event = { .reason = reason };

	if (breaker->listener == NULL)
		return;
	describe(&event, from, to, ms);
	if (sums != NULL)
		event.sums = *sums;
	breaker->listener(&event, breaker->listener_data);
}

bool
flagp_breaker_word_move(struct breaker *breaker, uint64_t *word, uint64_t next,
			enum breaker_reason reason,
			const struct breaker_sums *sums, uint64_t ms)
{
	uint64_t from = *word;

	if (!atomic_compare_exchange_strong_explicit(&breaker->word, word,
						     next,
						     memory_order_acq_rel,
						     memory_order_acquire))
		return false;
	*word = next;
	flagp_breaker_word_tell(breaker, from, next, reason, sums, ms);
	return true;
}
