/* SPDX-License-Identifier: MIT */
/*
 * test_breaker.c - the circuit breaker: its traces, every transition, its
 * waits and its configuration.
 */
#include "mechanism/breaker.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "breaker_trace.h"
#include "mechanism/breaker_probe.h"
#include "suite.h"

static struct breaker_moment
at(uint64_t ms)
{
	return (struct breaker_moment) { ms, 0, 0 };
}

/* Defaults, then key=value pairs separated by blanks. */
static struct breaker_config
config_of(const char *pairs)
{
	struct breaker_config config;
	struct breaker_problem problem;
	char copy[512], *save = NULL, *word, *value;

	flagp_breaker_defaults(&config);
	ck_assert_uint_lt(strlen(pairs), sizeof(copy));
	strcpy(copy, pairs);
	for (word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		value = strchr(word, '=');
		ck_assert_ptr_nonnull(value);
		*value++ = '\0';
		ck_assert_msg(flagp_breaker_set(&config, word, value,
						&problem) == 0,
			      "%s=%s: %s", word, value, problem.rule);
	}
	return config;
}

static struct breaker *
make(const char *pairs)
{
	struct breaker_config config = config_of(pairs);
	struct breaker_problem problem = { NULL, NULL };
	struct breaker *breaker = flagp_breaker_new(&config, 4, 0,
						    &problem);

	ck_assert_msg(breaker != NULL, "%s %s", problem.key, problem.rule);
	return breaker;
}

/* --- Traces ----------------------------------------------------------------*/

START_TEST(every_trace_passes)
{
	const char *source = getenv("RIPCORD_SOURCE");
	struct trace_totals totals = { 0, 0, 0 };
	char pattern[1024];
	glob_t files;
	size_t i;

	snprintf(pattern, sizeof(pattern), "%s/tests/data/breaker/*.trc",
		 source != NULL ? source : ".");
	ck_assert_int_eq(glob(pattern, 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++) {
		FILE *file = fopen(files.gl_pathv[i], "r");

		ck_assert_ptr_nonnull(file);
		trace_play(file, files.gl_pathv[i], stderr, &totals);
		fclose(file);
	}
	globfree(&files);
	ck_assert_uint_eq(totals.failed, 0);
	ck_assert_uint_ge(totals.traces, 23);
	ck_assert_uint_ge(totals.passed, 265);
}
END_TEST

static struct trace_totals
play_text(const char *text)
{
	struct trace_totals totals = { 0, 0, 0 };
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	FILE *sink = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(sink);
	trace_play(file, "text", sink, &totals);
	fclose(file);
	fclose(sink);
	return totals;
}

/* A player that takes everything would prove nothing. */
START_TEST(player_sees_what_is_wrong)
{
	static const char *const wrong[] = {
		"0 allow a -> no", "0 allow a -> why=probe",
		"0 allow a -> retry=1", "0 run 2 ok -> ran=3",
		"0 stat -> state=open", "0 trip -> ev=none",
		"0 stat -> ev=closed>open:reset", "0 trip -> nev=0",
		"0 run 1 fail -> calls=0", "0 run 1 fail -> failed=0",
		"0 run 1 fail -> consec=0", "0 stat -> attempt=1",
		"0 stat -> inflight=1", "0 stat -> late=1",
		"0 stat -> lost=1", "0 stat -> would=1", "0 stat -> denied=1",
		"0 stat -> dropped=1", "0 stat -> slow=1",
		"0 probe -> err=none", "0 set buckets=0 -> err=none",
		"0 badcfg buckets=0 -> err=window_ms", "0 stat -> yes",
		/* Nor may it pass over what it cannot read. */
		"0 stat -> sate=closed", "0 stat -> maybe", "0 jump", "x stat",
		"0", "0 allow", "0 ok a -1", "0 ok a nan", "0 run x ok",
		"0 run 1 maybe", "0 set", "0 set buckets", "0 rng -1",
		"0 flag maybe", "0 trip_for", "cfg buckets=0", "cfg x=1",
		"cfg buckets", "cfg slow_rate=50\n0 stat",
		"0 stat\ncfg buckets=5", "trace",
	};
	char text[200];
	size_t i;

	for (i = 0; i < FLAGP_COUNT(wrong); i++) {
		snprintf(text, sizeof(text), "trace A a\n%s\n", wrong[i]);
		ck_assert_msg(play_text(text).failed == 1, "%s", wrong[i]);
	}
	ck_assert_uint_eq(play_text("0 stat\n").failed, 1);
	ck_assert_uint_eq(play_text("trace A a\n0 stat -> calls=0 #x\n")
			  .passed, 1);
}
END_TEST

/* --- Transitions -----------------------------------------------------------*/

static struct breaker_event last_event;
static unsigned event_count;

static void
note_event(const struct breaker_event *event, void *data)
{
	ck_assert_ptr_eq(data, &last_event);
	last_event = *event;
	event_count++;
}

/* A breaker in one of its states at 1500 ms, and a token of a call that is
 * under way there (late where no call can be). */
enum start {
	CLOSED, OPEN, OPEN_DUE, HALF, HALF_PROBE, HALF_EXPIRED, FORCED,
	LATCHED, DISABLED, OBSERVE, STARTS
};

#define TABLE_CONFIG \
	"consecutive_failures=1 failure_rate=0 open_ms=1000 open_mult=1 " \
	"open_jitter=0 half_open_successes=1 probe_lost_max=1 "

static struct breaker *
start_in(enum start start, uint64_t *token)
{
	const char *pairs = start == DISABLED ? TABLE_CONFIG "mode=disabled" :
			    start == OBSERVE ? TABLE_CONFIG "mode=observe" :
			    start == LATCHED ? TABLE_CONFIG "latch_after=1" :
			    start == HALF_EXPIRED ?
			    TABLE_CONFIG "probe_timeout_ms=100" : TABLE_CONFIG;
	struct breaker *breaker = make(pairs);

	*token = flagp_breaker_allow(breaker, at(0)).token;
	if (start == FORCED)
		flagp_breaker_trip(breaker, at(0));
	if (start == LATCHED)
		flagp_breaker_failure(breaker, *token, 0, at(0));
	if (start == OPEN)
		flagp_breaker_trip_for(breaker, 5000, at(0));
	if (start >= OPEN_DUE && start <= HALF_EXPIRED)
		flagp_breaker_trip_for(breaker, 1000, at(0));
	if (start == HALF)
		flagp_breaker_poll(breaker, at(1000));
	if (start == HALF_PROBE || start == HALF_EXPIRED)
		*token = flagp_breaker_allow(breaker, at(1000)).token;
	flagp_breaker_listen(breaker, note_event, &last_event);
	return breaker;
}

enum input {
	ALLOW, SUCCESS, FAILURE, CANCEL, POLL, TRIP, TRIP_FOR, RESET, PROBE,
	CHILD, MODE, GEOMETRY, INPUTS
};

static void
put_in(struct breaker *breaker, enum input input, uint64_t token)
{
	struct breaker_config config = breaker->config;
	struct breaker_problem problem;
	struct breaker_moment now = at(1500);

	switch (input) {
	case ALLOW:
		flagp_breaker_allow(breaker, now);
		break;
	case SUCCESS:
		flagp_breaker_success(breaker, token, 0, now);
		break;
	case FAILURE:
		flagp_breaker_failure(breaker, token, 0, now);
		break;
	case CANCEL:
		flagp_breaker_cancel(breaker, token, 0, now);
		break;
	case POLL:
		flagp_breaker_poll(breaker, now);
		break;
	case TRIP:
		flagp_breaker_trip(breaker, now);
		break;
	case TRIP_FOR:
		flagp_breaker_trip_for(breaker, 10, now);
		break;
	case RESET:
		flagp_breaker_reset(breaker, now);
		break;
	case PROBE:
		flagp_breaker_probe(breaker, now);
		break;
	case CHILD:
		flagp_breaker_child(breaker);
		break;
	case MODE:
		config.mode = config.mode == BREAKER_MODE_AUTO ?
			      BREAKER_MODE_OBSERVE : BREAKER_MODE_AUTO;
		ck_assert_int_eq(flagp_breaker_reload(breaker, &config, now,
						      &problem), 0);
		break;
	case GEOMETRY:
	default:
		config.buckets = 7;
		ck_assert_int_eq(flagp_breaker_reload(breaker, &config, now,
						      &problem), 0);
		break;
	}
}

/*
 * What each input makes of each start: "state reason" of the last event, or
 * "-" for no event; a '+' before it where a generation begins without one.
 */
static const char *const table[STARTS][INPUTS] = {
	/* ALLOW SUCCESS FAILURE CANCEL POLL TRIP
	 * TRIP_FOR RESET PROBE CHILD MODE GEOMETRY */
	[CLOSED] = {
		"-", "-", "open consecutive", "-", "-",
		"forced_open operator", "open operator", "closed reset", "-",
		"-", "observe config", "+" },
	[OPEN] = {
		"-", "-", "-", "-", "-", "forced_open operator",
		"open operator", "closed reset", "half_open operator", "-",
		"observe config", "-" },
	[OPEN_DUE] = {
		"half_open timeout", "-", "-", "-", "half_open timeout",
		"forced_open operator", "open operator", "closed reset",
		"half_open operator", "-", "observe config", "-" },
	[HALF] = {
		"-", "-", "-", "-", "-", "forced_open operator",
		"open operator", "closed reset", "-", "+", "observe config",
		"-" },
	[HALF_PROBE] = {
		"-", "closed probes_ok", "open probe_failed", "-", "-",
		"forced_open operator", "open operator", "closed reset", "-",
		"+", "observe config", "-" },
	[HALF_EXPIRED] = {
		"open probe_lost", "closed probes_ok", "open probe_failed",
		"-", "open probe_lost", "forced_open operator",
		"open operator", "closed reset", "-", "+", "observe config",
		"-" },
	[FORCED] = {
		"-", "-", "-", "-", "-", "-", "open operator", "closed reset",
		"half_open operator", "-", "observe config", "-" },
	[LATCHED] = {
		"-", "-", "-", "-", "-", "forced_open operator",
		"open operator", "closed reset", "half_open operator", "-",
		"observe config", "-" },
	[DISABLED] = {
		"-", "-", "-", "-", "-", "forced_open operator",
		"open operator", "disabled reset", "-", "-", "closed config",
		"-" },
	[OBSERVE] = {
		"-", "-", "observe would_trip_consecutive", "-", "-",
		"forced_open operator", "open operator", "observe reset", "-",
		"-", "closed config", "+" },
};

static void
check_cell(enum start start, enum input input)
{
	const char *wanted = table[start][input];
	struct breaker_stat before, after;
	uint64_t token;
	struct breaker *breaker = start_in(start, &token);
	char seen[64] = "-";
	bool begins;

	flagp_breaker_read(breaker, 1500, &before);
	event_count = 0;
	put_in(breaker, input, token);
	flagp_breaker_read(breaker, 1500, &after);
	ck_assert_uint_le(event_count, 1);
	if (event_count == 0 && after.generation != before.generation)
		strcpy(seen, "+");
	if (event_count == 1)
		snprintf(seen, sizeof(seen), "%s %s",
			 flagp_breaker_state_name(last_event.to),
			 flagp_breaker_reason_name(last_event.reason));
	ck_assert_msg(strcmp(seen, wanted) == 0,
		      "start %d, input %d: %s, it is %s", start, input,
		      wanted, seen);
	begins = wanted[0] != '-' && strncmp(wanted, "observe would", 13) != 0;
	ck_assert_uint_eq(after.generation, before.generation + begins);
	if (event_count == 1) {
		ck_assert_int_eq(last_event.from, before.state);
		ck_assert_int_eq(last_event.to, after.state);
		ck_assert_uint_eq(last_event.generation, after.generation);
	} else {
		ck_assert_int_eq(after.state, before.state);
	}
	flagp_breaker_free(breaker);
}

START_TEST(every_transition)
{
	unsigned start, input;

	for (start = 0; start < STARTS; start++)
		for (input = 0; input < INPUTS; input++)
			check_cell(start, input);
}
END_TEST

START_TEST(events_carry_what_decided)
{
	struct breaker *breaker = make("consecutive_failures=0 failure_rate=50 "
				       "min_calls=4 open_jitter=0 "
				       "half_open_successes=2 "
				       "half_open_failures=2");
	struct breaker_verdict verdict;
	int i;

	flagp_breaker_listen(breaker, note_event, &last_event);
	for (i = 0; i < 4; i++) {
		verdict = flagp_breaker_allow(breaker, at(10));
		if (i < 2)
			flagp_breaker_success(breaker, verdict.token, 0,
					      at(10));
		else
			flagp_breaker_failure(breaker, verdict.token, 0,
					      at(10));
	}
	ck_assert_uint_eq(last_event.sums.calls, 4);
	ck_assert_uint_eq(last_event.sums.failed, 2);
	ck_assert_uint_eq(last_event.wait_ms, 5000);
	ck_assert_uint_eq(last_event.attempt, 1);
	for (i = 0; i < 3; i++) {
		verdict = flagp_breaker_allow(breaker, at(6000));
		if (i == 1)
			flagp_breaker_success(breaker, verdict.token, 0,
					      at(6000));
		else
			flagp_breaker_failure(breaker, verdict.token, 0,
					      at(6000));
	}
	ck_assert_int_eq(last_event.reason, BREAKER_PROBE_FAILED);
	ck_assert_uint_eq(last_event.sums.calls, 3);
	ck_assert_uint_eq(last_event.sums.failed, 2);
	ck_assert_uint_eq(last_event.wait_ms, 10000);
	ck_assert_uint_eq(last_event.attempt, 2);
	flagp_breaker_free(breaker);
}
END_TEST

/* --- Waits and clocks ------------------------------------------------------*/

START_TEST(ladder_climbs_to_its_end_and_jitter_only_lengthens)
{
	struct breaker *breaker = make("consecutive_failures=1 failure_rate=0 "
				       "open_ms=100 open_mult=1.5 "
				       "open_max_ms=400 open_jitter=50%");
	static const struct {
		uint32_t draw;
		uint32_t wait;
	} steps[] = {
		{ 0, 100 }, { 0, 150 }, { 0, 225 }, { 0, 337 }, { 0, 400 },
		{ 1u << 31, 500 }, { UINT32_MAX, 599 }, { 0, 400 },
	};
	struct breaker_moment now = at(0);
	struct breaker_verdict verdict;
	struct breaker_stat stat;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(steps); i++) {
		now.draw = steps[i].draw;
		verdict = flagp_breaker_allow(breaker, now);
		ck_assert(verdict.allowed);
		flagp_breaker_failure(breaker, verdict.token, 0, now);
		verdict = flagp_breaker_allow(breaker, now);
		ck_assert(!verdict.allowed);
		ck_assert_uint_eq(verdict.retry_ms, steps[i].wait);
		flagp_breaker_read(breaker, now.ms, &stat);
		ck_assert_uint_eq(stat.attempt, i + 1);
		ck_assert_uint_eq(stat.retry_ms, steps[i].wait);
		now.ms += steps[i].wait;
	}
	flagp_breaker_free(breaker);
}
END_TEST

/* The end of time, and waits beyond it, neither wrap nor admit. */
START_TEST(extreme_times_and_durations)
{
	struct breaker *breaker = make("consecutive_failures=2 failure_rate=0 "
				       "slow_ms=1");
	uint64_t token = flagp_breaker_allow(breaker, at(UINT64_MAX)).token;
	struct breaker_verdict verdict;
	struct breaker_stat stat;

	flagp_breaker_success(breaker, token, UINT64_MAX, at(UINT64_MAX));
	flagp_breaker_read(breaker, UINT64_MAX, &stat);
	ck_assert_uint_eq(stat.sums.slow, 1);
	ck_assert_int_eq(stat.state, BREAKER_CLOSED);
	flagp_breaker_trip_for(breaker, UINT64_MAX, at(5));
	verdict = flagp_breaker_allow(breaker, at(6));
	ck_assert(!verdict.allowed);
	ck_assert_uint_eq(verdict.retry_ms, BREAKER_NEVER - 1);
	flagp_breaker_success(breaker, UINT64_MAX, 0, at(6));
	flagp_breaker_success(breaker, 0, 0, at(6));
	flagp_breaker_read(breaker, 6, &stat);
	ck_assert_uint_eq(stat.late, 1);
	flagp_breaker_free(breaker);
}
END_TEST

/* A lease that a far step of the clock has put years ahead pins nothing. */
START_TEST(far_step_back_does_not_pin_a_probe)
{
	struct breaker *breaker = make("consecutive_failures=1 failure_rate=0 "
				       "probe_timeout_ms=50 probe_lost_max=0");
	struct breaker_verdict verdict;

	flagp_breaker_trip_for(breaker, 0, at(1000000));
	ck_assert(flagp_breaker_allow(breaker, at(1000000)).allowed);
	verdict = flagp_breaker_allow(breaker, at(999999));
	ck_assert(!verdict.allowed);
	ck_assert_uint_eq(verdict.retry_ms, 51);
	ck_assert(flagp_breaker_allow(breaker, at(5)).allowed);
	flagp_breaker_free(breaker);
}
END_TEST

/* Generations are 15 bits, those of the cells 8: both come round. */
START_TEST(generations_come_round)
{
	struct breaker *breaker = make("consecutive_failures=0 "
				       "failure_rate=100 min_calls=2");
	struct breaker_stat stat;
	uint64_t token, first = flagp_breaker_allow(breaker, at(0)).token;
	unsigned i;

	for (i = 1; i < 1u << 15; i++) {
		flagp_breaker_reset(breaker, at(i * 10000));
		flagp_breaker_success(breaker, first, 0, at(i * 10000));
		token = flagp_breaker_allow(breaker, at(i * 10000)).token;
		flagp_breaker_failure(breaker, token, 0, at(i * 10000));
		flagp_breaker_read(breaker, i * 10000, &stat);
		ck_assert_uint_eq(stat.sums.calls, 1);
		ck_assert_uint_eq(stat.run, 1);
		ck_assert_uint_eq(stat.late, i);
		ck_assert_int_eq(stat.state, BREAKER_CLOSED);
	}
	flagp_breaker_free(breaker);
}
END_TEST

/* --- What a thread finds that was overtaken --------------------------------*/

/* A probe whose lease was still its own when the round ended beneath it. */
START_TEST(answer_after_its_round_changes_nothing)
{
	struct breaker *breaker = make("");
	struct breaker_stat stat;
	uint64_t token, word;

	flagp_breaker_trip_for(breaker, 0, at(0));
	token = flagp_breaker_allow(breaker, at(0)).token;
	flagp_breaker_reset(breaker, at(7));
	word = breaker->word;
	ck_assert(!flagp_breaker_probe_answer(breaker, token, PROBE_BAD,
					      at(8)));
	ck_assert_uint_eq(breaker->word, word);
	flagp_breaker_read(breaker, 8, &stat);
	ck_assert_int_eq(stat.state, BREAKER_CLOSED);
	flagp_breaker_free(breaker);
}
END_TEST

/* A permit between its bit and its lease, over the lease of an older round. */
START_TEST(permit_that_is_just_given_is_not_taken_back)
{
	struct breaker *breaker = make("probe_timeout_ms=50");
	struct breaker_stat stat;

	flagp_breaker_trip_for(breaker, 0, at(0));
	ck_assert(flagp_breaker_allow(breaker, at(0)).allowed);
	flagp_breaker_trip_for(breaker, 0, at(100));
	flagp_breaker_poll(breaker, at(100));
	breaker->word |= (uint64_t)1 << BREAKER_OUT_SHIFT;
	flagp_breaker_poll(breaker, at(100));
	flagp_breaker_read(breaker, 100, &stat);
	ck_assert_uint_eq(stat.inflight, 1);
	ck_assert_uint_eq(stat.lost, 0);
	flagp_breaker_free(breaker);
}
END_TEST

/* A result that was found to be of the current generation, and then was
 * overtaken, must not take the place of what was counted since. */
START_TEST(overtaken_result_replaces_nothing)
{
	struct breaker *breaker = make("consecutive_failures=0 "
				       "failure_rate=50");
	struct breaker_record record = { .ms = 5, .failed = true };
	struct breaker_stat stat;

	record.key = flagp_breaker_allow(breaker, at(5)).token;
	flagp_breaker_reset(breaker, at(5));
	flagp_breaker_success(breaker, flagp_breaker_allow(breaker, at(5))
			      .token, 0, at(5));
	flagp_breaker_window_add(&breaker->window, &breaker->word, &record,
				 breaker->window.shards);
	flagp_breaker_read(breaker, 5, &stat);
	ck_assert_uint_eq(stat.sums.calls, 1);
	ck_assert_uint_eq(stat.sums.failed, 0);
	ck_assert_uint_eq(stat.dropped, 1);
	flagp_breaker_free(breaker);
}
END_TEST

/* Who forked while another thread judged would never be judged again. */
START_TEST(child_takes_the_seat_of_a_judge_that_is_gone)
{
	struct breaker *breaker = make("consecutive_failures=0 min_calls=1 "
				       "failure_rate=50");
	uint64_t token = flagp_breaker_allow(breaker, at(0)).token;

	breaker->judging = 1;
	flagp_breaker_failure(breaker, token, 0, at(0));
	ck_assert_int_eq(breaker->word & BREAKER_STATE_MASK, BREAKER_CLOSED);
	flagp_breaker_child(breaker);
	flagp_breaker_failure(breaker, token, 0, at(0));
	ck_assert_int_eq(breaker->word & BREAKER_STATE_MASK, BREAKER_OPEN);
	flagp_breaker_free(breaker);
}
END_TEST

/* --- Configuration ---------------------------------------------------------*/

START_TEST(defaults_are_those_of_the_manual)
{
	struct breaker_config made = config_of(""), written = config_of(
		"mode=auto consecutive_failures=10 failure_rate=50% "
		"slow_rate=0 slow_ms=0 min_calls=20 window_ms=10000 "
		"buckets=10 open_ms=5000 open_mult=2 open_max_ms=300000 "
		"open_jitter=10% stable_ms=60000 latch_after=0 "
		"half_open_permits=1 half_open_successes=3 "
		"half_open_failures=1 probe_timeout_ms=30000 "
		"probe_lost_max=3");
	struct breaker_problem problem;

	ck_assert_int_eq(memcmp(&made, &written, sizeof(made)), 0);
	ck_assert_int_eq(flagp_breaker_check(&made, &problem), 0);
}
END_TEST

/* key, the least and the greatest that is taken, what is refused. */
START_TEST(every_key_has_its_range)
{
	static const struct {
		const char *key, *least, *most, *refused[6];
	} cases[] = {
		{ "mode", "auto", "force_open", { "", "AUTO", "0", "closed" } },
		{ "consecutive_failures", "0", "16777215",
		  { "16777216", "-1", "1.0", "nan" } },
		{ "failure_rate", "0", "100.00",
		  { "100.01", "-0", "inf", "0.001", "50%%", "5." } },
		{ "slow_rate", "0 %", "100%", { "101", "%", ".5", "1e1" } },
		{ "slow_ms", "0", "31622400000", { "31622400001", " 1" } },
		{ "min_calls", "1", "16777215", { "0", "16777216" } },
		{ "window_ms", "0", "31622400000",
		  { "31622400001", "99999999999999999999999", "10s" } },
		{ "buckets", "1", "64", { "0", "65" } },
		{ "open_ms", "0", "31622400000", { "31622400001" } },
		{ "open_mult", "1", "1000.000000",
		  { "0.999999", "0", "1000.000001", "1.0000001", "2x" } },
		{ "open_max_ms", "0", "31622400000", { "31622400001" } },
		{ "open_jitter", "0", "100", { "100.01" } },
		{ "stable_ms", "0", "31622400000", { "31622400001" } },
		{ "latch_after", "0", "63", { "64" } },
		{ "half_open_permits", "1", "8", { "0", "9" } },
		{ "half_open_successes", "1", "255", { "0", "256" } },
		{ "half_open_failures", "1", "255", { "0", "256" } },
		{ "probe_timeout_ms", "0", "31622400000", { "31622400001" } },
		{ "probe_lost_max", "0", "255", { "256" } },
		{ "bucket_max", NULL, NULL, { "1" } },
		{ "cooldown", NULL, NULL, { "1" } },
	};
	struct breaker_problem problem;
	struct breaker_config config, before;
	size_t i, j;

	for (i = 0; i < FLAGP_COUNT(cases); i++) {
		config = before = config_of("");
		for (j = 0; j < 6 && cases[i].refused[j] != NULL; j++) {
			ck_assert_msg(flagp_breaker_set(&config, cases[i].key,
				cases[i].refused[j], &problem) == -EINVAL,
				"%s=%s", cases[i].key, cases[i].refused[j]);
			ck_assert_str_eq(problem.key, cases[i].key);
			ck_assert_ptr_nonnull(problem.rule);
			ck_assert_int_eq(memcmp(&config, &before,
						sizeof(config)), 0);
		}
		if (cases[i].least == NULL)
			continue;
		ck_assert_int_eq(flagp_breaker_set(&config, cases[i].key,
						   cases[i].most, &problem),
				 0);
		ck_assert_int_eq(flagp_breaker_set(&config, cases[i].key,
						   cases[i].least, &problem),
				 0);
	}
}
END_TEST

START_TEST(keys_are_checked_together)
{
	static const struct {
		const char *pairs, *key;
	} cases[] = {
		{ "", NULL },
		{ "window_ms=9", "window_ms" },
		{ "window_ms=0", "window_ms" },
		{ "window_ms=10", NULL },
		{ "window_ms=0 failure_rate=0", NULL },
		{ "window_ms=63 buckets=64 failure_rate=0 slow_rate=1 "
		  "slow_ms=1", "window_ms" },
		{ "consecutive_failures=0 failure_rate=0",
		  "consecutive_failures" },
		{ "consecutive_failures=0 failure_rate=0 mode=observe", NULL },
		{ "consecutive_failures=0 failure_rate=0 slow_rate=1 "
		  "slow_ms=1", NULL },
		{ "slow_rate=1", "slow_rate" },
		{ "slow_ms=1", NULL },
		{ "open_ms=300001", "open_max_ms" },
		{ "open_ms=300000", NULL },
	};
	struct breaker_problem problem;
	struct breaker_config config;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(cases); i++) {
		config = config_of(cases[i].pairs);
		problem.key = NULL;
		ck_assert_int_eq(flagp_breaker_check(&config, &problem),
				 cases[i].key == NULL ? 0 : -EINVAL);
		if (cases[i].key != NULL)
			ck_assert_str_eq(problem.key, cases[i].key);
	}
}
END_TEST

START_TEST(refused_reload_changes_nothing)
{
	struct breaker *breaker = make("consecutive_failures=2 failure_rate=0");
	struct breaker_config config = breaker->config, before = config;
	struct breaker_problem problem;
	struct breaker_rules rules;
	uint64_t token;

	memcpy(&rules, &breaker->rules, sizeof(rules));
	token = flagp_breaker_allow(breaker, at(0)).token;
	flagp_breaker_failure(breaker, token, 0, at(0));
	config.mode = BREAKER_MODE_FORCE_OPEN;
	config.consecutive_failures = 1;
	config.buckets = 5;
	config.half_open_permits = 9;
	ck_assert_int_eq(flagp_breaker_reload(breaker, &config, at(0),
					      &problem), -EINVAL);
	ck_assert_str_eq(problem.key, "half_open_permits");
	ck_assert_int_eq(memcmp(&breaker->config, &before, sizeof(before)), 0);
	ck_assert_int_eq(memcmp(&breaker->rules, &rules, sizeof(rules)), 0);
	flagp_breaker_failure(breaker, token, 0, at(0));
	ck_assert_int_eq(breaker->word & BREAKER_STATE_MASK, BREAKER_OPEN);

	ck_assert_ptr_null(flagp_breaker_new(&config, 1, 0, &problem));
	ck_assert_str_eq(problem.key, "half_open_permits");
	flagp_breaker_free(breaker);
	flagp_breaker_free(NULL);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_trace_passes, player_sees_what_is_wrong,
		every_transition, events_carry_what_decided,
		ladder_climbs_to_its_end_and_jitter_only_lengthens,
		extreme_times_and_durations,
		far_step_back_does_not_pin_a_probe, generations_come_round,
		answer_after_its_round_changes_nothing,
		permit_that_is_just_given_is_not_taken_back,
		overtaken_result_replaces_nothing,
		child_takes_the_seat_of_a_judge_that_is_gone,
		defaults_are_those_of_the_manual, every_key_has_its_range,
		keys_are_checked_together, refused_reload_changes_nothing,
		NULL
	};

	return suite_run("breaker", tests);
}
