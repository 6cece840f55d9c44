/* SPDX-License-Identifier: MIT */
/*
 * breaker.h - the circuit breaker: when to stop calling a dependency that
 * fails, and when to try it again.
 *
 * It has no clock, no thread, no lock and no randomness of its own: the caller
 * says what time it is, on a clock that does not follow the wall, and brings a
 * random number for the jitter.  Nothing is allocated after creation, and
 * nothing ever waits.  Any thread may call anything at any time, in signal
 * handlers too, but for three: one reload at a time, _listen() before another
 * thread knows the breaker, _free() after all have forgotten it.
 *
 * The state is one 64-bit word.  A transition is one compare-and-swap from the
 * word that was judged to a word of the next generation: whoever wins tells
 * the listener, and results of calls that an earlier generation admitted are
 * late: counted, and without any other effect.
 *
 *	closed	    every call is admitted; results are counted and judged
 *	open	    every call is refused until a deadline
 *	half_open   a bounded number of probes is admitted at a time, each with
 *		    a permit that it holds on a lease
 *	forced_open refused until a reset; by an operator, by the configuration,
 *		    or latched after too many openings
 *	disabled    every call is admitted, nothing is counted
 *	observe	    as closed, but it only says when it would have opened
 */
#ifndef FLAGP_BREAKER_H
#define FLAGP_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mechanism/breaker_window.h"

enum breaker_state {
	BREAKER_CLOSED = 1,		/* 0 is no state: a token is never 0 */
	BREAKER_OPEN,
	BREAKER_HALF_OPEN,
	BREAKER_FORCED_OPEN,
	BREAKER_DISABLED,
	BREAKER_OBSERVE
};

enum breaker_mode {
	BREAKER_MODE_AUTO,
	BREAKER_MODE_OBSERVE,
	BREAKER_MODE_DISABLED,
	BREAKER_MODE_FORCE_OPEN
};

/* Why a call was admitted or refused. */
enum breaker_why {
	BREAKER_WHY_CLOSED,
	BREAKER_WHY_PROBE,
	BREAKER_WHY_OBSERVE,
	BREAKER_WHY_DISABLED,
	BREAKER_WHY_OPEN,
	BREAKER_WHY_FORCED,
	BREAKER_WHY_LATCHED,
	BREAKER_WHY_NO_PERMIT
};

/* Why something happened.  The three rules have a twin each for observe. */
enum breaker_reason {
	BREAKER_NO_REASON,
	BREAKER_CONSECUTIVE,
	BREAKER_FAILURE_RATE,
	BREAKER_SLOW_RATE,
	BREAKER_WOULD_CONSECUTIVE,
	BREAKER_WOULD_FAILURE_RATE,
	BREAKER_WOULD_SLOW_RATE,
	BREAKER_TIMEOUT,
	BREAKER_PROBE_FAILED,
	BREAKER_PROBE_LOST,
	BREAKER_PROBES_OK,
	BREAKER_OPERATOR,
	BREAKER_RESET,
	BREAKER_CONFIG,
	BREAKER_LATCHED
};

#define BREAKER_PERMITS_MAX 8u
#define BREAKER_SHARDS_MAX 64u
#define BREAKER_NEVER UINT32_MAX	/* of retry_ms */

/*
 * What a breaker is told to do.  Every key of the configuration has a field of
 * its name; flagp_breaker_defaults() fills all of them.
 */
struct breaker_config {
	uint64_t mode;			/* enum breaker_mode */
	uint64_t consecutive_failures;	/* 0: off */
	uint64_t failure_rate;		/* 1/100 of a percent, 0: off */
	uint64_t slow_rate;		/* 1/100 of a percent, 0: off */
	uint64_t slow_ms;		/* longer is slow; 0: nothing is */
	uint64_t min_calls;		/* below, no rate is judged */
	uint64_t window_ms;
	uint64_t buckets;
	uint64_t open_ms;		/* the first wait */
	uint64_t open_mult;		/* 1/1000000; each wait to the next */
	uint64_t open_max_ms;
	uint64_t open_jitter;		/* 1/100 of a percent, only longer */
	uint64_t stable_ms;		/* closed so long: start over */
	uint64_t latch_after;		/* 0: never */
	uint64_t half_open_permits;
	uint64_t half_open_successes;
	uint64_t half_open_failures;
	uint64_t probe_timeout_ms;	/* 0: a lease never ends */
	uint64_t probe_lost_max;	/* 0: any number */
	uint64_t bucket_max;		/* of one counter; tests lower it */
};

/* What is wrong with a configuration: static strings. */
struct breaker_problem {
	const char *key;		/* NULL: nothing, or out of memory */
	const char *rule;
};

/*
 * What the caller knows at the moment of a call.  ms: milliseconds on a clock
 * that nobody sets.  draw: 32 random bits, used only when a wait begins.
 * shard: any number that differs between threads that run side by side.
 */
struct breaker_moment {
	uint64_t ms;
	uint32_t draw;
	uint32_t shard;
};

/* The answer of allow.  retry_ms: when refused, time to the next chance. */
struct breaker_verdict {
	uint64_t token;			/* 0: its result says nothing */
	uint32_t retry_ms;
	uint8_t allowed;
	uint8_t why;			/* enum breaker_why */
};

/*
 * One transition, or in observe a transition that would have been.  The counts
 * are those that decided: of the window (closed, observe), of the round of
 * probes (half-open: calls are probes that ended).  Events of one breaker may
 * arrive out of order; the generation tells.
 */
struct breaker_event {
	enum breaker_state from, to;
	enum breaker_reason reason;
	uint32_t generation;		/* of the state that was entered */
	uint32_t attempt;		/* openings since the last calm */
	uint64_t wait_ms;		/* until probes; 0 where not open */
	struct breaker_sums sums;
	uint32_t lost;			/* probes that never answered */
};

/* Called with nothing held, by the thread that made the transition. */
typedef void breaker_listener(const struct breaker_event *event, void *data);

/* What flagp_breaker_read() tells. */
struct breaker_stat {
	enum breaker_state state;
	bool latched;			/* forced_open by itself */
	uint32_t generation;
	uint32_t attempt;
	uint32_t retry_ms;		/* rest of the wait; BREAKER_NEVER */
	uint32_t inflight;		/* permits that are out */
	uint32_t run;			/* failures in a row */
	struct breaker_sums sums;	/* of the window */
	uint64_t late, lost, would, denied, dropped;	/* since creation */
};

/*
 * A permit that is out.  holder is the token that has it, or 0.
 * end_ms: W the thread that was just given the permit, before it stores
 * holder; R whoever takes back leases, after it loaded holder.
 * holder: W that thread (release), then whoever takes it away, by
 * compare-and-swap to 0 (acq_rel): result or lease, never both.  A token of
 * another generation that is left here means nothing.
 */
struct breaker_lease {
	_Atomic uint64_t holder;
	_Atomic uint64_t end_ms;	/* BREAKER_LEASE_FOREVER: no end */
};

#define BREAKER_LEASE_FOREVER UINT64_MAX

/*
 * The configuration as the calls read it.  W: reload.  R: any.  Order:
 * relaxed; what must not be mixed from two configurations stands in one word,
 * and a mixed ladder still lies between the two.
 */
struct breaker_rules {
	_Atomic uint64_t slow_ns;	/* 0: nothing is slow */
	_Atomic uint64_t rates;		/* failure 16, slow 16, min_calls 32 */
	_Atomic uint64_t probing;	/* permits, wanted, bad, lost: 8 each */
	_Atomic uint64_t probe_timeout_ms;
	_Atomic uint64_t open_ms, open_mult, open_max_ms, open_jitter;
	_Atomic uint64_t stable_ms;
	_Atomic uint32_t consecutive, latch_after, mode;
};

struct breaker {
	/*
	 * state 3 bits, generation 15, attempt 6, flag 1, payload 39.
	 * W: any, by compare-and-swap only (acq_rel).  R: any (acquire, so
	 * that who sees a generation sees the geometry it counts with).
	 */
	_Atomic uint64_t word;
	struct breaker_window window;
	struct breaker_rules rules;
	/* W: _listen(), before another thread knows the breaker.  R: any. */
	breaker_listener *listener;
	void *listener_data;
	struct breaker_config config;	/* W, R: reload, nobody else */

	/*
	 * Failures in a row: state and generation 32 bits, count 32.
	 * W: failures, and successes that find it not 0; by compare-and-swap
	 * (acq_rel).  R: the same (acquire).
	 */
	_Alignas(BREAKER_LINE) _Atomic uint64_t run;
	/*
	 * Who sums the window: free, held, or held with the latest time at
	 * which somebody else asked meanwhile.  W, R: bad calls, by
	 * compare-and-swap (acq_rel).  Nobody waits for it.
	 */
	_Alignas(BREAKER_LINE) _Atomic uint64_t judging;

	_Alignas(BREAKER_LINE) struct breaker_lease lease[BREAKER_PERMITS_MAX];
	/* Totals.  W: any, relaxed adds.  R: read, relaxed. */
	_Atomic uint64_t grants, lost, would;
};

/* --- Configuration (breaker_config.c) --------------------------------------*/

void flagp_breaker_defaults(struct breaker_config *config);

/*
 * Sets the field of a key from its text: whole numbers, percentages with up to
 * two decimals (a '%' may follow), factors with up to six, words for mode.
 * Returns 0, or -EINVAL with problem saying why; config is unchanged then.
 */
int flagp_breaker_set(struct breaker_config *config, const char *key,
		      const char *value, struct breaker_problem *problem);

/* Returns 0, or -EINVAL with the offending key and the rule that it breaks. */
int flagp_breaker_check(const struct breaker_config *config,
			struct breaker_problem *problem);

/* --- Creation and configuration of one breaker (breaker_verbs.c) -----------*/

/*
 * Makes a breaker in the state of its mode.  shards: how many threads count
 * side by side, rounded up to a power of two, at most BREAKER_SHARDS_MAX.
 * Returns NULL with problem saying why.
 */
struct breaker *flagp_breaker_new(const struct breaker_config *config,
				  unsigned shards, uint64_t ms,
				  struct breaker_problem *problem);
void flagp_breaker_free(struct breaker *breaker);

/* Before another thread knows the breaker.  NULL: nobody is told. */
void flagp_breaker_listen(struct breaker *breaker, breaker_listener *listener,
			  void *data);

/*
 * Goes over to another configuration: another mode enters its state, another
 * geometry of the window counts afresh, all else keeps its state.  A refused
 * one changes nothing.  Returns 0 or -EINVAL.
 */
int flagp_breaker_reload(struct breaker *breaker,
			 const struct breaker_config *config,
			 struct breaker_moment at,
			 struct breaker_problem *problem);

/* --- Verbs of an operator (breaker_verbs.c) --------------------------------*/

void flagp_breaker_trip(struct breaker *breaker, struct breaker_moment at);
void flagp_breaker_trip_for(struct breaker *breaker, uint64_t ms,
			    struct breaker_moment at);
void flagp_breaker_reset(struct breaker *breaker, struct breaker_moment at);
/* Half-open at once.  Returns 0, or -EINVAL if it is not open. */
int flagp_breaker_probe(struct breaker *breaker, struct breaker_moment at);

/* In a forked child, before other threads exist: the parent's probes are not
 * ours.  Async-signal-safe. */
void flagp_breaker_child(struct breaker *breaker);

void flagp_breaker_read(const struct breaker *breaker, uint64_t ms,
			struct breaker_stat *stat);

const char *flagp_breaker_state_name(enum breaker_state state);
const char *flagp_breaker_why_name(enum breaker_why why);
const char *flagp_breaker_reason_name(enum breaker_reason reason);

/* --- Calls (breaker.c) -----------------------------------------------------*/

#define BREAKER_STATE_MASK 7u
#define BREAKER_KEY_MASK 0x3ffffu	/* state and generation */

/*
 * The common case, for callers who have no time yet: one load.  True: the call
 * is admitted under *token.  False: ask flagp_breaker_allow().
 */
static inline bool
flagp_breaker_allow_closed(const struct breaker *breaker, uint64_t *token)
{
	uint64_t word = atomic_load_explicit(&breaker->word,
					     memory_order_acquire);

	*token = word & BREAKER_KEY_MASK;
	return (word & BREAKER_STATE_MASK) == BREAKER_CLOSED;
}

struct breaker_verdict flagp_breaker_allow(struct breaker *breaker,
					   struct breaker_moment at);

/*
 * How the call of a token ended; on any thread.  at: when it ended.  cancel:
 * it says nothing, the caller went away; but a call that was slow until then
 * was slow.
 */
void flagp_breaker_success(struct breaker *breaker, uint64_t token,
			   uint64_t duration_ns, struct breaker_moment at);
void flagp_breaker_failure(struct breaker *breaker, uint64_t token,
			   uint64_t duration_ns, struct breaker_moment at);
void flagp_breaker_cancel(struct breaker *breaker, uint64_t token,
			  uint64_t duration_ns, struct breaker_moment at);

/* Does what is due by time alone: ends a wait, takes back leases. */
void flagp_breaker_poll(struct breaker *breaker, struct breaker_moment at);

#endif
