/* SPDX-License-Identifier: MIT */
/*
 * breaker_verbs.c - see breaker.h: creation, configuration, an operator's
 * verbs, fork, and what can be read.
 */
#include "mechanism/breaker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mechanism/breaker_word.h"

/* --- Creation --------------------------------------------------------------*/

static void
set_rule(_Atomic uint64_t *field, uint64_t value)
{
	atomic_store_explicit(field, value, memory_order_relaxed);
}

static void
set_small_rule(_Atomic uint32_t *field, uint64_t value)
{
	atomic_store_explicit(field, (uint32_t)value, memory_order_relaxed);
}

static void
set_rules(struct breaker_rules *rules, const struct breaker_config *config)
{
	set_rule(&rules->slow_ns, config->slow_ms * 1000000);
	set_rule(&rules->rates, config->failure_rate |
		 config->slow_rate << 16 | config->min_calls << 32);
	set_rule(&rules->probing, config->half_open_permits |
		 config->half_open_successes << 8 |
		 config->half_open_failures << 16 |
		 config->probe_lost_max << 24);
	set_rule(&rules->probe_timeout_ms, config->probe_timeout_ms);
	set_rule(&rules->open_ms, config->open_ms);
	set_rule(&rules->open_mult, config->open_mult);
	set_rule(&rules->open_max_ms, config->open_max_ms);
	set_rule(&rules->open_jitter, config->open_jitter);
	set_rule(&rules->stable_ms, config->stable_ms);
	set_small_rule(&rules->consecutive, config->consecutive_failures);
	set_small_rule(&rules->latch_after, config->latch_after);
	set_small_rule(&rules->mode, config->mode);
}

/* The first word of the state that a mode stands for, after word. */
static uint64_t
word_of_mode(uint64_t word, uint64_t mode, uint64_t ms)
{
	switch (mode) {
	case BREAKER_MODE_OBSERVE:
		return flagp_breaker_word_next(word, BREAKER_OBSERVE, 0, false,
					       0);
	case BREAKER_MODE_DISABLED:
		return flagp_breaker_word_next(word, BREAKER_DISABLED, 0,
					       false, 0);
	case BREAKER_MODE_FORCE_OPEN:
		return flagp_breaker_word_next(word, BREAKER_FORCED_OPEN, 0,
					       false, 0);
	case BREAKER_MODE_AUTO:
	default:
		return flagp_breaker_word_next(word, BREAKER_CLOSED, 0, false,
					       word_clip(ms));
	}
}

static struct breaker *
allocate(uint32_t shards)
{
	struct breaker *breaker = aligned_alloc(BREAKER_LINE,
						sizeof(*breaker));
	size_t size = shards * sizeof(struct breaker_shard);

	if (breaker == NULL)
		return NULL;
	memset(breaker, 0, sizeof(*breaker));
	breaker->window.shards = aligned_alloc(BREAKER_LINE, size);
	if (breaker->window.shards == NULL) {
		free(breaker);
		return NULL;
	}
	memset(breaker->window.shards, 0, size);
	breaker->window.shard_mask = shards - 1;
	return breaker;
}

struct breaker *
flagp_breaker_new(const struct breaker_config *config, unsigned shards,
		  uint64_t ms, struct breaker_problem *problem)
{
	struct breaker *breaker;
	uint32_t power = 1;

	if (flagp_breaker_check(config, problem) != 0)
		return NULL;
	while (power < shards && power < BREAKER_SHARDS_MAX)
		power *= 2;
	breaker = allocate(power);
	if (breaker == NULL) {
		*problem = (struct breaker_problem) { NULL, "out of memory" };
		return NULL;
	}
	breaker->config = *config;
	set_rules(&breaker->rules, config);
	flagp_breaker_window_set(&breaker->window, config->window_ms,
				 config->buckets);
	flagp_breaker_window_limit(&breaker->window, config->bucket_max);
	atomic_store_explicit(&breaker->word,
			      word_of_mode(0, config->mode, ms),
			      memory_order_release);
	return breaker;
}

void
flagp_breaker_free(struct breaker *breaker)
{
	if (breaker == NULL)
		return;
	free(breaker->window.shards);
	free(breaker);
}

void
flagp_breaker_listen(struct breaker *breaker, breaker_listener *listener,
		     void *data)
{
	breaker->listener_data = data;
	breaker->listener = listener;
}

/* --- Another configuration -------------------------------------------------*/

/* To the state of a mode, whatever the state is. */
static void
enter_mode(struct breaker *breaker, uint64_t mode, enum breaker_reason reason,
	   uint64_t ms)
{
	uint64_t word = word_load(breaker);

	while (!flagp_breaker_word_move(breaker, &word,
					word_of_mode(word, mode, ms), reason,
					NULL, ms))
		continue;
}

/*
 * A new generation of what counts, so that nothing counted with the old
 * geometry is summed with the new one.  The swap is made in every state: who
 * closes the breaker after it also sees the new geometry.
 */
static void
count_afresh(struct breaker *breaker)
{
	uint64_t key = BREAKER_KEY_MASK, word = word_load(breaker), next;

	do {
		next = word;
		if (word_state(word) == BREAKER_CLOSED ||
		    word_state(word) == BREAKER_OBSERVE)
			next = (word & ~key) | word_key(
				flagp_breaker_word_next(word, word_state(word),
							0, false, 0));
	} while (!atomic_compare_exchange_weak_explicit(&breaker->word, &word,
							next,
							memory_order_acq_rel,
							memory_order_acquire));
}

int
flagp_breaker_reload(struct breaker *breaker,
		     const struct breaker_config *config,
		     struct breaker_moment at, struct breaker_problem *problem)
{
	struct breaker_config before = breaker->config;

	if (flagp_breaker_check(config, problem) != 0)
		return -EINVAL;
	breaker->config = *config;
	set_rules(&breaker->rules, config);
	flagp_breaker_window_limit(&breaker->window, config->bucket_max);
	flagp_breaker_window_void(&breaker->window);
	if (config->window_ms != before.window_ms ||
	    config->buckets != before.buckets) {
		flagp_breaker_window_set(&breaker->window, config->window_ms,
					 config->buckets);
		count_afresh(breaker);
	}
	if (config->mode != before.mode)
		enter_mode(breaker, config->mode, BREAKER_CONFIG,
			   word_clip(at.ms));
	return 0;
}

/* --- Verbs of an operator --------------------------------------------------*/

void
flagp_breaker_trip(struct breaker *breaker, struct breaker_moment at)
{
	uint64_t word = word_load(breaker), next;

	at.ms = word_clip(at.ms);
	do {
		if (word_state(word) == BREAKER_FORCED_OPEN &&
		    !word_flag(word))
			return;
		next = flagp_breaker_word_next(word, BREAKER_FORCED_OPEN,
					       word_attempt(word), false, 0);
	} while (!flagp_breaker_word_move(breaker, &word, next,
					  BREAKER_OPERATOR, NULL, at.ms));
}

void
flagp_breaker_trip_for(struct breaker *breaker, uint64_t ms,
		       struct breaker_moment at)
{
	uint64_t word = word_load(breaker), next;

	at.ms = word_clip(at.ms);
	do
		next = flagp_breaker_word_next(word, BREAKER_OPEN,
					       word_attempt(word), true,
					       word_after(at.ms, ms));
	while (!flagp_breaker_word_move(breaker, &word, next, BREAKER_OPERATOR,
					NULL, at.ms));
}

void
flagp_breaker_reset(struct breaker *breaker, struct breaker_moment at)
{
	enter_mode(breaker, atomic_load_explicit(&breaker->rules.mode,
						 memory_order_relaxed),
		   BREAKER_RESET, word_clip(at.ms));
}

int
flagp_breaker_probe(struct breaker *breaker, struct breaker_moment at)
{
	uint64_t word = word_load(breaker), next;

	do {
		if (word_state(word) != BREAKER_OPEN &&
		    word_state(word) != BREAKER_FORCED_OPEN)
			return -EINVAL;
		next = flagp_breaker_word_next(word, BREAKER_HALF_OPEN,
					       word_attempt(word), false, 0);
	} while (!flagp_breaker_word_move(breaker, &word, next,
					  BREAKER_OPERATOR, NULL,
					  word_clip(at.ms)));
	return 0;
}

/* --- Fork ------------------------------------------------------------------*/

void
flagp_breaker_child(struct breaker *breaker)
{
	uint64_t word = word_load(breaker), next;

	/* Whoever judged is not in this process. */
	atomic_store_explicit(&breaker->judging, 0, memory_order_relaxed);
	if (word_state(word) != BREAKER_HALF_OPEN)
		return;
	next = flagp_breaker_word_next(word, BREAKER_HALF_OPEN, 0, false, 0);
	next = (word & ~(uint64_t)BREAKER_KEY_MASK) | word_key(next);
	next &= ~((uint64_t)0xff << BREAKER_OUT_SHIFT);
	atomic_store_explicit(&breaker->word, next, memory_order_release);
}

/* --- What can be read ------------------------------------------------------*/

static uint64_t
total(const _Atomic uint64_t *field)
{
	return atomic_load_explicit(field, memory_order_relaxed);
}

static void
read_totals(const struct breaker *breaker, struct breaker_stat *stat)
{
	const struct breaker_shard *shard = breaker->window.shards;
	uint32_t i;

	for (i = 0; i <= breaker->window.shard_mask; i++, shard++) {
		stat->late += total(&shard->late);
		stat->denied += total(&shard->denied);
		stat->dropped += total(&shard->dropped);
	}
	stat->lost = total(&breaker->lost);
	stat->would = total(&breaker->would);
}

static uint32_t
rest_of(uint64_t word, uint64_t ms)
{
	if (word_state(word) == BREAKER_OPEN)
		return word_retry(word_payload(word), ms);
	return word_state(word) == BREAKER_FORCED_OPEN ? BREAKER_NEVER : 0;
}

void
flagp_breaker_read(const struct breaker *breaker, uint64_t ms,
		   struct breaker_stat *stat)
{
	uint64_t word = word_load(breaker);
	uint64_t run = atomic_load_explicit(&breaker->run,
					    memory_order_acquire);

	ms = word_clip(ms);
	*stat = (struct breaker_stat) {
		.state = word_state(word),
		.latched = word_state(word) == BREAKER_FORCED_OPEN &&
			   word_flag(word),
		.generation = word_generation(word),
		.attempt = word_attempt(word),
		.retry_ms = rest_of(word, ms),
		.run = run >> 32 == word_key(word) ? (uint32_t)run : 0,
		.sums = flagp_breaker_window_sum(&breaker->window, word, ms),
	};
	if (stat->state == BREAKER_HALF_OPEN)
		stat->inflight = (uint32_t)__builtin_popcount(
			word_byte(word, BREAKER_OUT_SHIFT));
	read_totals(breaker, stat);
}

const char *
flagp_breaker_state_name(enum breaker_state state)
{
	static const char *const names[] = {
		[BREAKER_CLOSED] = "closed",
		[BREAKER_OPEN] = "open",
		[BREAKER_HALF_OPEN] = "half_open",
		[BREAKER_FORCED_OPEN] = "forced_open",
		[BREAKER_DISABLED] = "disabled",
		[BREAKER_OBSERVE] = "observe",
	};

	return state >= BREAKER_CLOSED && state < FLAGP_COUNT(names) ?
	       names[state] : "unknown";
}

const char *
flagp_breaker_why_name(enum breaker_why why)
{
	static const char *const names[] = {
		[BREAKER_WHY_CLOSED] = "closed",
		[BREAKER_WHY_PROBE] = "probe",
		[BREAKER_WHY_OBSERVE] = "observe",
		[BREAKER_WHY_DISABLED] = "disabled",
		[BREAKER_WHY_OPEN] = "open",
		[BREAKER_WHY_FORCED] = "forced",
		[BREAKER_WHY_LATCHED] = "latched",
		[BREAKER_WHY_NO_PERMIT] = "no_permit",
	};

	return why < FLAGP_COUNT(names) ? names[why] : "unknown";
}

const char *
flagp_breaker_reason_name(enum breaker_reason reason)
{
	static const char *const names[] = {
		[BREAKER_NO_REASON] = "none",
		[BREAKER_CONSECUTIVE] = "consecutive",
		[BREAKER_FAILURE_RATE] = "failure_rate",
		[BREAKER_SLOW_RATE] = "slow_rate",
		[BREAKER_WOULD_CONSECUTIVE] = "would_trip_consecutive",
		[BREAKER_WOULD_FAILURE_RATE] = "would_trip_failure_rate",
		[BREAKER_WOULD_SLOW_RATE] = "would_trip_slow_rate",
		[BREAKER_TIMEOUT] = "timeout",
		[BREAKER_PROBE_FAILED] = "probe_failed",
		[BREAKER_PROBE_LOST] = "probe_lost",
		[BREAKER_PROBES_OK] = "probes_ok",
		[BREAKER_OPERATOR] = "operator",
		[BREAKER_RESET] = "reset",
		[BREAKER_CONFIG] = "config",
		[BREAKER_LATCHED] = "latched",
	};

	return reason < FLAGP_COUNT(names) ? names[reason] : "unknown";
}
