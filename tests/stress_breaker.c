/* SPDX-License-Identifier: MIT */
/*
 * stress_breaker.c - threads at one breaker: a dependency that comes and goes,
 * reloads, an operator, a clock that steps.
 *
 * Also in a signal handler, in the middle of another call of the same thread.
 * What must hold however they meet:
 *
 *	every generation is entered once, and said once (or was a reload's)
 *	never more probes of a generation are out than permits
 *	an expired lease and its answer never both count
 *	no result of a closed breaker is lost from the window
 *	whatever state all that leaves, it closes when calls succeed
 *	no bad call is forgotten: a rate that is reached opens at once
 *
 *	STRESS_SECONDS=N	how long the first part runs (2)
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "mechanism/breaker.h"

#define THREADS 4
#define PERMITS 3
#define GENERATIONS (1u << 15)

/*
 * said: how often each generation was entered by an event.  out: probes of a
 * generation that are out, by the threads' own count.  ms: the clock.
 * W, R: all threads, sequentially consistent.
 */
static struct {
	struct breaker *breaker;
	_Atomic uint64_t ms;
	_Atomic bool stop, failing;
	_Atomic unsigned wrong;
	_Atomic uint64_t events, reloads, probes;
	_Atomic uint32_t said[GENERATIONS], out[GENERATIONS];
} shared;

static void
complain(const char *what)
{
	if (atomic_fetch_add(&shared.wrong, 1) < 10)
		fprintf(stderr, "%s\n", what);
}

static uint32_t
draw(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

static struct breaker_moment
now(uint32_t shard, uint64_t *state)
{
	return (struct breaker_moment) {
		atomic_load(&shared.ms), draw(state, UINT32_MAX), shard
	};
}

/* Whether a reason may end a state. */
static bool
fits(enum breaker_state from, enum breaker_reason reason)
{
	switch (reason) {
	case BREAKER_CONSECUTIVE:
	case BREAKER_FAILURE_RATE:
	case BREAKER_SLOW_RATE:
		return from == BREAKER_CLOSED;
	case BREAKER_TIMEOUT:
		return from == BREAKER_OPEN;
	case BREAKER_PROBE_FAILED:
	case BREAKER_PROBE_LOST:
	case BREAKER_PROBES_OK:
		return from == BREAKER_HALF_OPEN;
	default:
		return true;
	}
}

static void
heard(const struct breaker_event *event, void *data)
{
	(void)data;
	if (!fits(event->from, event->reason))
		complain("a reason that cannot end that state");
	atomic_fetch_add(&shared.events, 1);
	atomic_fetch_add(&shared.said[event->generation], 1);
}

/* --- Everything at once ----------------------------------------------------*/

/* Counted out after it was let out, and in before it is given back: what the
 * threads count is never more than what is out. */
static void
hold_probe(uint64_t token)
{
	_Atomic uint32_t *out = &shared.out[token >> 3 & (GENERATIONS - 1)];

	atomic_fetch_add(&shared.probes, 1);
	if (atomic_fetch_add(out, 1) >= PERMITS)
		complain("more probes than permits");
	sched_yield();
	atomic_fetch_sub(out, 1);
}

static void
call(uint32_t shard, uint64_t *state)
{
	struct breaker *breaker = shared.breaker;
	struct breaker_verdict verdict = { .why = BREAKER_WHY_CLOSED };
	bool failing = atomic_load(&shared.failing);

	if (!flagp_breaker_allow_closed(breaker, &verdict.token)) {
		verdict = flagp_breaker_allow(breaker, now(shard, state));
		if (!verdict.allowed)
			return;
	}
	if (verdict.why == BREAKER_WHY_PROBE)
		hold_probe(verdict.token);
	if (draw(state, 16) == 0)
		flagp_breaker_cancel(breaker, verdict.token, 0,
				     now(shard, state));
	else if (failing && draw(state, 4) != 0)
		flagp_breaker_failure(breaker, verdict.token, 0,
				      now(shard, state));
	else
		flagp_breaker_success(breaker, verdict.token, 0,
				      now(shard, state));
}

static void *
caller(void *data)
{
	uint32_t shard = (uint32_t)(uintptr_t)data;
	uint64_t state = shard + 1;

	while (!atomic_load(&shared.stop))
		call(shard, &state);
	return NULL;
}

/* Time passes, and steps; leases never end here (30 s), so that a probe that
 * is out is out by everybody's count. */
static void
drive(uint64_t *state)
{
	struct breaker_config config = shared.breaker->config;
	struct breaker_problem problem;
	uint32_t kind = draw(state, 200);
	uint64_t ms = atomic_load(&shared.ms);

	if (draw(state, 8) == 0)
		atomic_store(&shared.failing, draw(state, 2));
	if (kind == 0)
		flagp_breaker_reset(shared.breaker, now(0, state));
	else if (kind == 1)
		flagp_breaker_trip_for(shared.breaker, 3, now(0, state));
	else if (kind < 4) {
		config.buckets = 5 + draw(state, 10);
		atomic_fetch_add(&shared.reloads, 1);
		flagp_breaker_reload(shared.breaker, &config, now(0, state),
				     &problem);
	} else if (kind < 6) {
		atomic_store(&shared.ms, ms - draw(state, 20));
	} else {
		atomic_store(&shared.ms, ms + draw(state, 3));
	}
	flagp_breaker_poll(shared.breaker, now(0, state));
}

static struct breaker *
make(void (*change)(struct breaker_config *config), unsigned shards)
{
	struct breaker_config config;
	struct breaker_problem problem = { NULL, NULL };
	struct breaker *breaker;

	flagp_breaker_defaults(&config);
	change(&config);
	breaker = flagp_breaker_new(&config, shards, 100000, &problem);
	if (breaker == NULL) {
		fprintf(stderr, "%s %s\n", problem.key, problem.rule);
		exit(99);
	}
	flagp_breaker_listen(breaker, heard, NULL);
	memset(shared.said, 0, sizeof(shared.said));
	shared.breaker = breaker;
	shared.events = shared.reloads = shared.probes = 0;
	shared.ms = 100000;
	shared.stop = shared.failing = false;
	return breaker;
}

static void
start(pthread_t *threads, void *(*body)(void *))
{
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, body, (void *)i) != 0)
			exit(99);
}

static void
join(pthread_t *threads)
{
	unsigned i;

	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void
flapping(struct breaker_config *config)
{
	config->consecutive_failures = 4;
	config->min_calls = 5;
	config->window_ms = 100;
	config->open_ms = 1;
	config->open_max_ms = 2;
	config->half_open_permits = PERMITS;
	config->half_open_successes = 4;
	config->half_open_failures = 2;
}

/* The generation is the number of events, and of reloads that found it
 * counting; every one of them was said once in each turn of 2^15. */
static void
check_generations(const struct breaker *breaker)
{
	struct breaker_stat stat;
	uint64_t silent, turns;
	uint32_t i;

	flagp_breaker_read(breaker, shared.ms, &stat);
	silent = (stat.generation - 1 - shared.events) % GENERATIONS;
	if (silent > shared.reloads)
		complain("a generation without event, or two events for one");
	turns = (shared.events + silent) / GENERATIONS + 1;
	for (i = 0; i < GENERATIONS; i++)
		if (shared.said[i] > turns)
			complain("a generation that two have won");
}

/* The dependency is well again: whatever state it is in, it closes. */
static void
check_recovery(struct breaker *breaker)
{
	struct breaker_moment at = { shared.ms, 0, 0 };
	struct breaker_verdict verdict;
	struct breaker_stat stat;
	int i;

	for (i = 0; i < 20; i++) {
		at.ms += 40000;
		verdict = flagp_breaker_allow(breaker, at);
		if (verdict.allowed)
			flagp_breaker_success(breaker, verdict.token, 0, at);
	}
	flagp_breaker_read(breaker, at.ms, &stat);
	if (stat.state != BREAKER_CLOSED)
		complain("it does not close again");
}

static void
everything_at_once(double seconds)
{
	struct breaker *breaker = make(flapping, THREADS);
	struct timespec pause = { 0, 20000 };
	pthread_t threads[THREADS];
	struct timespec begun, at;
	uint64_t state = 77;

	start(threads, caller);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	do {
		drive(&state);
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_MONOTONIC, &at);
	} while ((double)(at.tv_sec - begun.tv_sec) +
		 (double)(at.tv_nsec - begun.tv_nsec) / 1e9 < seconds);
	atomic_store(&shared.stop, true);
	join(threads);
	check_generations(breaker);
	check_recovery(breaker);
	printf("%llu events, %llu probes\n", (unsigned long long)shared.events,
	       (unsigned long long)shared.probes);
	if (shared.events < 100 || shared.probes < 100)
		complain("too little happened to prove anything");
	flagp_breaker_free(breaker);
}

/* --- Rounds of one step that all threads make at once ----------------------*/

#define ROUNDS 3000

static pthread_barrier_t gate;
static uint64_t round_token[THREADS];
static _Atomic unsigned round_admitted;

/* All report a failure; together that is enough. */
static void *
all_trip(void *data)
{
	uint32_t me = (uint32_t)(uintptr_t)data;
	struct breaker_moment at = { 0, 0, me };
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&gate);
		at.ms = atomic_load(&shared.ms);
		flagp_breaker_failure(shared.breaker, round_token[me], 0, at);
		pthread_barrier_wait(&gate);
	}
	return NULL;
}

/* All ask at the moment at which the wait ends. */
static void *
all_ask(void *data)
{
	uint32_t me = (uint32_t)(uintptr_t)data;
	struct breaker_moment at = { 0, 0, me };
	struct breaker_verdict verdict;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&gate);
		at.ms = atomic_load(&shared.ms);
		verdict = flagp_breaker_allow(shared.breaker, at);
		if (verdict.allowed)
			atomic_fetch_add(&round_admitted, 1);
		pthread_barrier_wait(&gate);
	}
	return NULL;
}

/* One answers while the others find its lease over: it counts once. */
static void *
answer_or_lose(void *data)
{
	uint32_t me = (uint32_t)(uintptr_t)data;
	struct breaker_moment at = { 0, 0, me };
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&gate);
		at.ms = atomic_load(&shared.ms);
		if (me == 0)
			flagp_breaker_success(shared.breaker, round_token[0],
					      0, at);
		else
			flagp_breaker_poll(shared.breaker, at);
		pthread_barrier_wait(&gate);
	}
	return NULL;
}

/* One answers while another resets: whoever is second is late or begins
 * anew, and a probe never decides what is closed already. */
static void *
answer_or_reset(void *data)
{
	uint32_t me = (uint32_t)(uintptr_t)data;
	struct breaker_moment at = { 0, 0, me };
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&gate);
		at.ms = atomic_load(&shared.ms);
		if (me == 0)
			flagp_breaker_success(shared.breaker, round_token[0],
					      0, at);
		else if (me == 1)
			flagp_breaker_reset(shared.breaker, at);
		pthread_barrier_wait(&gate);
	}
	return NULL;
}

/* One reports a failure of a generation that another ends and counts after. */
static void *
fail_or_reset(void *data)
{
	uint32_t me = (uint32_t)(uintptr_t)data;
	struct breaker_moment at = { 0, 0, 0 };
	uint64_t token;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&gate);
		at.ms = atomic_load(&shared.ms);
		token = round_token[0];
		if (me == 1) {
			flagp_breaker_reset(shared.breaker, at);
			flagp_breaker_allow_closed(shared.breaker, &token);
		}
		if (me < 2)
			flagp_breaker_failure(shared.breaker, token, 0, at);
		pthread_barrier_wait(&gate);
	}
	return NULL;
}

static void
before_trip(void)
{
	struct breaker_moment at = { shared.ms, 0, 0 };
	unsigned i;

	flagp_breaker_reset(shared.breaker, at);
	for (i = 0; i < THREADS; i++)
		round_token[i] = flagp_breaker_allow(shared.breaker, at).token;
	shared.events = 0;
}

static void
after_trip(void)
{
	struct breaker_stat stat;

	flagp_breaker_read(shared.breaker, shared.ms, &stat);
	if (stat.state != BREAKER_OPEN || shared.events != 1)
		complain("not one opening");
}

static void
before_ask(void)
{
	struct breaker_moment at = { shared.ms, 0, 0 };

	flagp_breaker_trip_for(shared.breaker, 0, at);
	round_admitted = 0;
	shared.events = 0;
}

static void
after_ask(void)
{
	if (round_admitted != PERMITS || shared.events != 1)
		complain("not as many probes as permits, or not one event");
}

static struct breaker_stat round_stat;

static void
before_reset(void)
{
	struct breaker_moment at = { shared.ms, 0, 0 };

	flagp_breaker_trip_for(shared.breaker, 0, at);
	round_token[0] = flagp_breaker_allow(shared.breaker, at).token;
	shared.events = 0;
}

static void
before_lease(void)
{
	struct breaker_moment at = { shared.ms, 0, 0 };

	flagp_breaker_trip_for(shared.breaker, 0, at);
	round_token[0] = flagp_breaker_allow(shared.breaker, at).token;
	flagp_breaker_read(shared.breaker, at.ms, &round_stat);
	atomic_fetch_add(&shared.ms, 50);
	shared.events = 0;
}

static void
after_lease(void)
{
	struct breaker_stat stat;
	uint64_t lost, late;

	flagp_breaker_read(shared.breaker, shared.ms, &stat);
	lost = stat.lost - round_stat.lost;
	late = stat.late - round_stat.late;
	if (stat.inflight != 0 || lost != late || lost > 1 ||
	    shared.events != 1 ||
	    stat.state != (lost ? BREAKER_OPEN : BREAKER_CLOSED))
		complain("a permit was taken back and answered");
}

static void
after_reset(void)
{
	struct breaker_stat stat;

	flagp_breaker_read(shared.breaker, shared.ms, &stat);
	if (stat.state != BREAKER_CLOSED || shared.events < 1 ||
	    shared.events > 2 || stat.attempt != 0)
		complain("a reset and an answer made something else");
}

static void
after_overtaking(void)
{
	struct breaker_stat stat;

	flagp_breaker_read(shared.breaker, shared.ms, &stat);
	if (stat.run != 1 || stat.sums.calls != 1 || stat.sums.failed != 1)
		complain("an overtaken failure took another's place");
}

/* 16 good and 12 bad: four more bad ones are half, the last of them opens. */
static void
before_rate(void)
{
	struct breaker_moment at = { shared.ms, 0, 0 };
	unsigned i;

	flagp_breaker_reset(shared.breaker, at);
	for (i = 0; i < THREADS; i++)
		round_token[i] = flagp_breaker_allow(shared.breaker, at).token;
	for (i = 0; i < 16; i++)
		flagp_breaker_success(shared.breaker, round_token[0], 0, at);
	for (i = 0; i < 12; i++)
		flagp_breaker_failure(shared.breaker, round_token[0], 0, at);
	shared.events = 0;
}

static void
after_rate(void)
{
	struct breaker_stat stat;

	flagp_breaker_read(shared.breaker, shared.ms, &stat);
	if (stat.state != BREAKER_OPEN || shared.events != 1)
		complain("a bad call was forgotten");
}

static void
one_failure(struct breaker_config *config)
{
	config->consecutive_failures = 1;
}

static void
permits(struct breaker_config *config)
{
	config->half_open_permits = PERMITS;
	config->half_open_successes = 8;
	/* The leases of the last round are over, and still there. */
	config->probe_timeout_ms = 50;
	config->probe_lost_max = 0;
}

static void
short_lease(struct breaker_config *config)
{
	config->probe_timeout_ms = 50;
	config->probe_lost_max = 1;
	config->half_open_successes = 1;
}

static void
half_rate(struct breaker_config *config)
{
	config->consecutive_failures = 0;
	config->failure_rate = 5000;
	config->buckets = BREAKER_BUCKETS_MAX;	/* long to sum */
}

static void
rounds(void (*change)(struct breaker_config *), void *(*body)(void *),
       void (*before)(void), void (*after)(void))
{
	struct breaker *breaker = make(change, BREAKER_SHARDS_MAX);
	pthread_t threads[THREADS];
	int i;

	start(threads, body);
	for (i = 0; i < ROUNDS; i++) {
		before();
		pthread_barrier_wait(&gate);
		pthread_barrier_wait(&gate);
		after();
		atomic_fetch_add(&shared.ms, 100);
	}
	join(threads);
	flagp_breaker_free(breaker);
}

/* --- A signal handler in the middle of it ----------------------------------*/

static volatile sig_atomic_t interrupted;

/* The last bad call comes while the one before it may be under judgement. */
static void
interrupt(int number)
{
	struct breaker_moment at = { shared.ms, 0, 1 };

	(void)number;
	flagp_breaker_failure(shared.breaker, round_token[0], 0, at);
	interrupted = 1;
}

static void
one_interrupt(uint64_t *state)
{
	struct itimerval timer = { .it_value.tv_usec = 1 + draw(state, 40) };
	struct breaker_moment at = { shared.ms, 0, 0 };
	int i;

	before_rate();
	for (i = 0; i < 2; i++)
		flagp_breaker_failure(shared.breaker, round_token[0], 0, at);
	interrupted = 0;
	setitimer(ITIMER_REAL, &timer, NULL);
	flagp_breaker_failure(shared.breaker, round_token[0], 0, at);
	while (!interrupted)
		continue;
	after_rate();
	atomic_fetch_add(&shared.ms, 100);
}

static void
interrupts(void)
{
	struct breaker *breaker = make(half_rate, BREAKER_SHARDS_MAX);
	struct sigaction action = { .sa_handler = interrupt };
	uint64_t state = 5;
	int i;

	sigaction(SIGALRM, &action, NULL);
	for (i = 0; i < ROUNDS; i++)
		one_interrupt(&state);
	flagp_breaker_free(breaker);
}

/* --- Counts ----------------------------------------------------------------*/

#define COUNTED 100000

/* Each counts into its own shard, then all into one: nothing gets lost. */
static void *
count_calls(void *data)
{
	uint32_t me = (uint32_t)(uintptr_t)data;
	struct breaker_moment at = { 100000, 0, me };
	uint64_t token;
	int i;

	for (i = 0; i < COUNTED; i++) {
		flagp_breaker_allow_closed(shared.breaker, &token);
		at.shard = i < COUNTED / 2 ? me : 0;
		if (i % 4 == 0)
			flagp_breaker_failure(shared.breaker, token, 0, at);
		else
			flagp_breaker_success(shared.breaker, token, 0, at);
	}
	return NULL;
}

static void
never_opens(struct breaker_config *config)
{
	config->consecutive_failures = 0;
	config->failure_rate = 10000;
}

static void
counts_add_up(void)
{
	struct breaker *breaker = make(never_opens, THREADS);
	pthread_t threads[THREADS];
	struct breaker_moment at = { 100000, 0, 0 };
	struct breaker_stat stat;
	uint64_t token;

	/* One good call keeps the rate below all. */
	flagp_breaker_allow_closed(breaker, &token);
	flagp_breaker_success(breaker, token, 0, at);
	start(threads, count_calls);
	join(threads);
	flagp_breaker_read(breaker, 100000, &stat);
	if (stat.sums.calls != THREADS * COUNTED + 1 ||
	    stat.sums.failed != THREADS * COUNTED / 4 || stat.late != 0 ||
	    stat.dropped != 0)
		complain("counts do not add up");
	flagp_breaker_free(breaker);
}

int
main(void)
{
	const char *wanted = getenv("STRESS_SECONDS");

	pthread_barrier_init(&gate, NULL, THREADS + 1);
	counts_add_up();
	rounds(one_failure, all_trip, before_trip, after_trip);
	rounds(permits, all_ask, before_ask, after_ask);
	rounds(short_lease, answer_or_lose, before_lease, after_lease);
	rounds(short_lease, answer_or_reset, before_reset, after_reset);
	rounds(half_rate, fail_or_reset, before_trip, after_overtaking);
	rounds(half_rate, all_trip, before_rate, after_rate);
	interrupts();
	everything_at_once(wanted != NULL ? atof(wanted) : 2);
	printf("%u wrong\n", shared.wrong);
	return shared.wrong == 0 ? 0 : 1;
}
