/* SPDX-License-Identifier: MIT */
/* breaker.c - see breaker.h: allow, results, and how they are judged. */
#include "mechanism/breaker.h"

#include <stddef.h>

#include "mechanism/breaker_probe.h"
#include "mechanism/breaker_word.h"

/*
 * Who judges.  A bad call that finds a judge at work leaves the time of its
 * own end and goes; the judge sums again after it.  So nobody waits, and no
 * bad call is forgotten.  Listeners are told when the seat is free again.
 */
#define JUDGE_NONE 0u
#define JUDGE_HELD 1u
#define JUDGE_ASKED 2u
#define JUDGE_TIME_SHIFT 2

static struct breaker_shard *
shard_of(const struct breaker *breaker, struct breaker_moment at)
{
	return &breaker->window.shards[at.shard & breaker->window.shard_mask];
}

static void
count(_Atomic uint64_t *total)
{
	atomic_fetch_add_explicit(total, 1, memory_order_relaxed);
}

/* --- Allow -----------------------------------------------------------------*/

/* The end of the wait; or a deadline further off than any wait can be: the
 * clock stepped back.  An operator may name any deadline. */
static bool
due(const struct breaker *breaker, uint64_t word, uint64_t ms)
{
	uint64_t deadline = word_payload(word);

	return ms >= deadline ||
	       (!word_flag(word) &&
		deadline - ms > flagp_breaker_word_longest(breaker));
}

/* Open to half-open, once it is due.  False: it is not. */
static bool
end_wait(struct breaker *breaker, uint64_t *word, uint64_t ms)
{
	uint64_t next;

	if (!due(breaker, *word, ms))
		return false;
	next = flagp_breaker_word_next(*word, BREAKER_HALF_OPEN,
				       word_attempt(*word), false, 0);
	flagp_breaker_word_move(breaker, word, next, BREAKER_TIMEOUT, NULL,
				ms);
	return true;
}

static struct breaker_verdict
admitted(uint64_t token, enum breaker_why why)
{
	return (struct breaker_verdict) {
		.token = token, .allowed = 1, .why = (uint8_t)why
	};
}

static struct breaker_verdict
refused(uint32_t retry_ms, enum breaker_why why)
{
	return (struct breaker_verdict) {
		.retry_ms = retry_ms, .why = (uint8_t)why
	};
}

/* One look at *word.  False: it changed meanwhile, and is loaded anew. */
static bool
ask(struct breaker *breaker, uint64_t *word, struct breaker_moment at,
    struct breaker_verdict *verdict)
{
	switch (word_state(*word)) {
	case BREAKER_CLOSED:
		*verdict = admitted(word_key(*word), BREAKER_WHY_CLOSED);
		return true;
	case BREAKER_OBSERVE:
		*verdict = admitted(word_key(*word), BREAKER_WHY_OBSERVE);
		return true;
	case BREAKER_OPEN:
		if (end_wait(breaker, word, at.ms))
			return false;
		*verdict = refused(word_retry(word_payload(*word), at.ms),
				   BREAKER_WHY_OPEN);
		return true;
	case BREAKER_HALF_OPEN:
		if (flagp_breaker_probe_reclaim(breaker, word, at))
			return false;
		return flagp_breaker_probe_admit(breaker, word, at, verdict);
	case BREAKER_FORCED_OPEN:
		*verdict = refused(BREAKER_NEVER, word_flag(*word) ?
				   BREAKER_WHY_LATCHED : BREAKER_WHY_FORCED);
		return true;
	case BREAKER_DISABLED:
	default:
		*verdict = admitted(0, BREAKER_WHY_DISABLED);
		return true;
	}
}

struct breaker_verdict
flagp_breaker_allow(struct breaker *breaker, struct breaker_moment at)
{
	struct breaker_verdict verdict;
	uint64_t word = word_load(breaker);

	at.ms = word_clip(at.ms);
	while (!ask(breaker, &word, at, &verdict))
		continue;
	if (!verdict.allowed)
		count(&shard_of(breaker, at)->denied);
	return verdict;
}

void
flagp_breaker_poll(struct breaker *breaker, struct breaker_moment at)
{
	uint64_t word = word_load(breaker);

	at.ms = word_clip(at.ms);
	if (word_state(word) == BREAKER_OPEN)
		end_wait(breaker, &word, at.ms);
	else if (word_state(word) == BREAKER_HALF_OPEN)
		flagp_breaker_probe_reclaim(breaker, &word, at);
}

/* --- Judging in closed and observe -----------------------------------------*/

static bool
is_judged(uint64_t word)
{
	return word_state(word) == BREAKER_CLOSED ||
	       word_state(word) == BREAKER_OBSERVE;
}

/* In observe, for a while after an event; not for longer than the longest
 * wait, or a clock that stepped back would silence it. */
static bool
is_quiet(const struct breaker *breaker, uint64_t word, uint64_t ms)
{
	uint64_t until = word_payload(word);

	return word_state(word) == BREAKER_OBSERVE && ms < until &&
	       until - ms <= flagp_breaker_word_longest(breaker);
}

/* Sets the run of a generation to 0. */
static void
end_run(struct breaker *breaker, uint64_t key)
{
	uint64_t seen = atomic_load_explicit(&breaker->run,
					     memory_order_acquire);

	while (seen >> 32 == key && (uint32_t)seen != 0)
		if (atomic_compare_exchange_weak_explicit(&breaker->run, &seen,
				key << 32, memory_order_acq_rel,
				memory_order_acquire))
			return;
}

/*
 * The length of the run with one more failure.  Another generation's run is
 * replaced only while ours is current; see add() of the window.
 */
static uint32_t
lengthen_run(struct breaker *breaker, uint64_t key)
{
	uint64_t seen = atomic_load_explicit(&breaker->run,
					     memory_order_acquire);
	uint64_t next;

	do {
		if (seen >> 32 != key && !word_same(word_load(breaker), key))
			return 0;
		next = seen >> 32 == key ? seen : key << 32;
		if ((uint32_t)next != UINT32_MAX)
			next++;
	} while (!atomic_compare_exchange_weak_explicit(&breaker->run, &seen,
							next,
							memory_order_acq_rel,
							memory_order_acquire));
	return (uint32_t)next;
}

static uint32_t
run_of(const struct breaker *breaker, uint64_t key)
{
	uint64_t seen = atomic_load_explicit(&breaker->run,
					     memory_order_acquire);

	return seen >> 32 == key ? (uint32_t)seen : 0;
}

/* What a judgement changed, for the listener; reason 0: nothing. */
struct sentence {
	uint64_t from, to, ms;
	enum breaker_reason reason;
	struct breaker_sums sums;
};

/* Observe: quiet for open_ms, in the same generation. */
static uint64_t
word_quiet(const struct breaker *breaker, uint64_t word, uint64_t ms)
{
	uint64_t open_ms = atomic_load_explicit(&breaker->rules.open_ms,
						memory_order_relaxed);
	uint64_t low = ((uint64_t)1 << BREAKER_PAYLOAD_SHIFT) - 1;

	return (word & low) | word_after(ms, open_ms) << BREAKER_PAYLOAD_SHIFT;
}

/* Closed: open or forced_open, from the first rung after a stable time. */
static uint64_t
word_open(const struct breaker *breaker, uint64_t word,
	  struct breaker_moment at, enum breaker_reason *reason)
{
	uint64_t stable = atomic_load_explicit(&breaker->rules.stable_ms,
					       memory_order_relaxed);
	uint64_t since = word_payload(word);
	uint32_t attempt = word_attempt(word) + 1;

	if (stable == 0 || (at.ms >= since && at.ms - since >= stable))
		attempt = 1;
	return flagp_breaker_word_opened(breaker, word, attempt, at, reason);
}

/* A rule says that word must end.  Whoever finds another word is too late:
 * the losers do nothing. */
static void
convict(struct breaker *breaker, uint64_t word, enum breaker_reason reason,
	struct breaker_moment at, struct sentence *sentence)
{
	bool observe = word_state(word) == BREAKER_OBSERVE;
	uint64_t next = observe ? word_quiet(breaker, word, at.ms) :
				  word_open(breaker, word, at, &reason);

	if (!atomic_compare_exchange_strong_explicit(&breaker->word, &word,
						     next,
						     memory_order_acq_rel,
						     memory_order_acquire))
		return;
	if (observe) {
		count(&breaker->would);
		end_run(breaker, word_key(next));
		reason += BREAKER_WOULD_CONSECUTIVE - BREAKER_CONSECUTIVE;
	}
	sentence->from = word;
	sentence->to = next;
	sentence->ms = at.ms;
	sentence->reason = reason;
}

static void
pronounce(const struct breaker *breaker, const struct sentence *sentence)
{
	if (sentence->reason != BREAKER_NO_REASON)
		flagp_breaker_word_tell(breaker, sentence->from, sentence->to,
					sentence->reason, &sentence->sums,
					sentence->ms);
}

/*
 * Whether part of calls reaches rate; if not, *credit is lowered to how many
 * further bad calls cannot reach it either, even where calls is a counter that
 * sticks.
 */
static bool
reaches(uint64_t part, uint64_t calls, uint64_t rate, uint64_t *credit)
{
	uint64_t missing, spare;

	if (rate == 0)
		return false;
	if (part * 10000 >= rate * calls) {
		*credit = 0;
		return true;
	}
	missing = rate * calls - part * 10000;
	spare = (missing - 1) / 10000;
	if (spare < *credit)
		*credit = spare;
	return false;
}

/* The first rate that the sums reach; else the credit they leave. */
static enum breaker_reason
judge_rates(const struct breaker_sums *sums, uint64_t rates, uint64_t *credit)
{
	bool failed, slow;

	*credit = BREAKER_COUNT_MAX;
	failed = reaches(sums->failed, sums->calls, rates & 0xffff, credit);
	slow = reaches(sums->slow, sums->calls, rates >> 16 & 0xffff, credit);
	if (sums->calls < rates >> 32)
		return BREAKER_NO_REASON;
	if (failed)
		return BREAKER_FAILURE_RATE;
	return slow ? BREAKER_SLOW_RATE : BREAKER_NO_REASON;
}

/* Sums until nobody paid and no rule changed in between. */
static void
judge_once(struct breaker *breaker, struct breaker_moment at,
	   struct sentence *sentence)
{
	struct breaker_window *window = &breaker->window;
	struct breaker_sums *sums = &sentence->sums;
	enum breaker_reason reason;
	uint64_t word, seen, rates, credit;

	sentence->reason = BREAKER_NO_REASON;
	do {
		word = word_load(breaker);
		if (!is_judged(word) || is_quiet(breaker, word, at.ms))
			return;
		seen = flagp_breaker_window_credit(window);
		rates = atomic_load_explicit(&breaker->rules.rates,
					     memory_order_relaxed);
		*sums = flagp_breaker_window_sum(window, word, at.ms);
		reason = judge_rates(sums, rates, &credit);
		if (reason != BREAKER_NO_REASON) {
			convict(breaker, word, reason, at, sentence);
			return;
		}
	} while (!flagp_breaker_window_leave(window, seen, word, at.ms,
					     credit));
}

/* True: we judge.  False: somebody does, and knows that we asked. */
static bool
take_seat(struct breaker *breaker, uint64_t ms)
{
	uint64_t seen = JUDGE_NONE, next, asked;

	do {
		asked = seen >> JUDGE_TIME_SHIFT;
		next = JUDGE_HELD;
		if (seen != JUDGE_NONE)
			next |= JUDGE_ASKED | (asked > ms ? asked : ms) <<
					      JUDGE_TIME_SHIFT;
	} while (!atomic_compare_exchange_weak_explicit(&breaker->judging,
							&seen, next,
							memory_order_acq_rel,
							memory_order_acquire));
	return seen == JUDGE_NONE;
}

/* True: somebody asked meanwhile, and *ms is the latest time we know. */
static bool
leave_seat(struct breaker *breaker, uint64_t *ms)
{
	uint64_t seen = atomic_exchange_explicit(&breaker->judging, JUDGE_NONE,
						 memory_order_acq_rel);
	uint64_t asked = seen >> JUDGE_TIME_SHIFT;

	if (asked > *ms)
		*ms = asked;
	return (seen & JUDGE_ASKED) != 0;
}

/* The rules on rates. */
static void
judge(struct breaker *breaker, struct breaker_moment at)
{
	struct sentence sentence;
	bool again = true;

	while (again && take_seat(breaker, at.ms)) {
		judge_once(breaker, at, &sentence);
		again = leave_seat(breaker, &at.ms);
		pronounce(breaker, &sentence);
	}
}

/* The rule on failures in a row.  True: it was reached. */
static bool
judge_run(struct breaker *breaker, uint64_t key, uint32_t run,
	  struct breaker_moment at)
{
	uint32_t most = atomic_load_explicit(&breaker->rules.consecutive,
					     memory_order_relaxed);
	struct sentence sentence = { .reason = BREAKER_NO_REASON };
	uint64_t word;

	if (most == 0 || run < most)
		return false;
	word = word_load(breaker);
	if (!word_same(word, key) || is_quiet(breaker, word, at.ms))
		return true;
	sentence.sums = flagp_breaker_window_sum(&breaker->window, key, at.ms);
	convict(breaker, word, BREAKER_CONSECUTIVE, at, &sentence);
	pronounce(breaker, &sentence);
	return true;
}

/* --- Results ---------------------------------------------------------------*/

static void
late(struct breaker *breaker, struct breaker_moment at)
{
	count(&shard_of(breaker, at)->late);
}

/* A failure, or a slow call of any kind, in closed or observe.  It pays, then
 * it is judged, whichever rule is. */
static void
bad(struct breaker *breaker, const struct breaker_record *record,
    struct breaker_moment at)
{
	bool paid = flagp_breaker_window_pay(&breaker->window, record->key,
					     record->ms);
	uint64_t rates = atomic_load_explicit(&breaker->rules.rates,
					      memory_order_relaxed);
	uint32_t run = record->failed ? lengthen_run(breaker, record->key) :
					run_of(breaker, record->key);

	if (!judge_run(breaker, record->key, run, at) && !paid &&
	    (uint32_t)rates != 0)
		judge(breaker, at);
}

/* What each kind of result does in each state, but for late ones. */
enum kind { KIND_SUCCESS, KIND_FAILURE, KIND_CANCEL };

static void
probe_ended(struct breaker *breaker, uint64_t token, enum kind kind, bool slow,
	    struct breaker_moment at)
{
	enum probe_end end = PROBE_BAD;

	if (!slow && kind != KIND_FAILURE)
		end = kind == KIND_SUCCESS ? PROBE_OK : PROBE_NEUTRAL;
	if (!flagp_breaker_probe_answer(breaker, token, end, at))
		late(breaker, at);
}

static inline void
call_ended(struct breaker *breaker, uint64_t token, enum kind kind, bool slow,
	   struct breaker_moment at)
{
	struct breaker_record record = {
		.key = word_key(token),
		.ms = at.ms,
		.failed = kind == KIND_FAILURE,
		.slow = slow,
	};

	if (kind == KIND_CANCEL && !slow)
		return;
	flagp_breaker_window_add(&breaker->window, &breaker->word, &record,
				 shard_of(breaker, at));
	if (kind == KIND_SUCCESS)
		end_run(breaker, record.key);
	if (record.failed || slow)
		bad(breaker, &record, at);
}

static inline void
ended(struct breaker *breaker, uint64_t token, enum kind kind,
      uint64_t duration_ns, struct breaker_moment at)
{
	uint64_t limit = atomic_load_explicit(&breaker->rules.slow_ns,
					      memory_order_relaxed);
	bool slow = limit != 0 && duration_ns > limit;

	if (token == 0)
		return;
	at.ms = word_clip(at.ms);
	if (!word_same(word_load(breaker), token))
		late(breaker, at);
	else if (word_state(token) == BREAKER_HALF_OPEN)
		probe_ended(breaker, token, kind, slow, at);
	else
		call_ended(breaker, token, kind, slow, at);
}

void
flagp_breaker_success(struct breaker *breaker, uint64_t token,
		      uint64_t duration_ns, struct breaker_moment at)
{
	ended(breaker, token, KIND_SUCCESS, duration_ns, at);
}

void
flagp_breaker_failure(struct breaker *breaker, uint64_t token,
		      uint64_t duration_ns, struct breaker_moment at)
{
	ended(breaker, token, KIND_FAILURE, duration_ns, at);
}

void
flagp_breaker_cancel(struct breaker *breaker, uint64_t token,
		     uint64_t duration_ns, struct breaker_moment at)
{
	ended(breaker, token, KIND_CANCEL, duration_ns, at);
}
