/* SPDX-License-Identifier: MIT */
/*
 * test_breaker_model.c - random runs of the circuit breaker, step by step
 * beside a slow and obvious model of it.
 *
 *	BREAKER_SEED=N	another run (0)
 */
#include "breaker_model.h"

#include <string.h>

#include "suite.h"

#define TRIALS 800
#define STEPS 150
#define TOKENS 12

static struct breaker_event last_event;
static unsigned event_count;
static uint64_t draw_state;

static void
note_event(const struct breaker_event *event, void *data)
{
	(void)data;
	last_event = *event;
	event_count++;
}

static uint32_t
draw(uint32_t below)
{
	draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(draw_state >> 33) % below;
}

static bool
chance(uint32_t percent)
{
	return draw(100) < percent;
}

/* Small numbers: every rule is met within a few steps. */
static struct breaker_config
draw_config(void)
{
	static const uint64_t mults[] = { 1000000, 1500000, 2000000, 3000000 };
	struct breaker_config config;
	struct breaker_problem problem;

	do {
		flagp_breaker_defaults(&config);
		config.mode = chance(70) ? BREAKER_MODE_AUTO : draw(4);
		config.consecutive_failures = chance(50) ? 0 : 1 + draw(6);
		config.failure_rate = chance(40) ? 0 : draw(10001);
		config.slow_rate = chance(60) ? 0 : draw(10001);
		config.slow_ms = chance(40) ? 0 : 1 + draw(5);
		config.min_calls = 1 + draw(12);
		config.buckets = 1 + draw(chance(50) ? 4 : 64);
		config.window_ms = draw(chance(50) ? 100 : 2000);
		config.open_ms = draw(200);
		config.open_mult = mults[draw(4)];
		config.open_max_ms = config.open_ms + draw(1000);
		config.open_jitter = chance(50) ? 0 : draw(10001);
		config.stable_ms = chance(30) ? 0 : draw(500);
		config.latch_after = chance(70) ? 0 : 1 + draw(4);
		config.half_open_permits = 1 + draw(8);
		config.half_open_successes = 1 + draw(10);
		config.half_open_failures = 1 + draw(3);
		config.probe_timeout_ms = chance(20) ? 0 : draw(100);
		config.probe_lost_max = draw(4);
		if (chance(20))
			config.bucket_max = 1 + draw(20);
	} while (flagp_breaker_check(&config, &problem) != 0);
	return config;
}

/* Both breakers, the clock they share, and the calls under way. */
struct pair {
	struct breaker *breaker;
	struct model model;
	struct breaker_moment now;
	struct {
		uint64_t token;
		struct model_token expected;
	} call[TOKENS];
	unsigned step;
};

static void
pass_time(struct pair *pair)
{
	uint64_t back = chance(90) ? draw(50) : draw(3000);

	pair->now.shard = draw(MODEL_SHARDS);
	pair->now.draw = chance(20) ? UINT32_MAX : draw_state >> 32;
	if (chance(30))
		return;
	if (chance(85))
		pair->now.ms += chance(80) ? draw(20) : draw(800);
	else if (chance(5))
		pair->now.ms = draw(200000);
	else
		pair->now.ms -= pair->now.ms < back ? pair->now.ms : back;
}

static void
step_allow(struct pair *pair, unsigned i)
{
	struct breaker_verdict verdict = flagp_breaker_allow(pair->breaker,
							     pair->now);
	struct model_answer answer = model_allow(&pair->model, pair->now);

	ck_assert_int_eq(verdict.allowed, answer.allowed);
	ck_assert_int_eq(verdict.why, answer.why);
	ck_assert_uint_eq(verdict.retry_ms, answer.retry_ms);
	pair->call[i].token = verdict.token;
	pair->call[i].expected = answer.token;
}

static void
step_result(struct pair *pair, unsigned i)
{
	uint64_t token = pair->call[i].token;
	uint64_t ns = (uint64_t)draw(8) * 1000000 + draw(2);
	uint32_t kind = draw(5);

	if (kind < 2)
		flagp_breaker_success(pair->breaker, token, ns, pair->now);
	else if (kind < 4)
		flagp_breaker_failure(pair->breaker, token, ns, pair->now);
	else
		flagp_breaker_cancel(pair->breaker, token, ns, pair->now);
	model_result(&pair->model, pair->call[i].expected,
		     kind < 2 ? MODEL_OK : kind < 4 ? MODEL_FAIL :
		     MODEL_CANCEL, ns, pair->now);
}

static void
step_reload(struct pair *pair)
{
	struct breaker_config config = pair->model.config, drawn;
	struct breaker_problem problem;

	drawn = draw_config();
	if (chance(50))
		config = drawn;
	else
		config.half_open_successes = drawn.half_open_successes;
	ck_assert_int_eq(flagp_breaker_reload(pair->breaker, &config,
					      pair->now, &problem), 0);
	model_reload(&pair->model, &config, pair->now);
}

static void
step_verb(struct pair *pair)
{
	uint64_t ms = draw(300);

	switch (draw(6)) {
	case 0:
		flagp_breaker_trip(pair->breaker, pair->now);
		model_trip(&pair->model, pair->now);
		break;
	case 1:
		flagp_breaker_trip_for(pair->breaker, ms, pair->now);
		model_trip_for(&pair->model, ms, pair->now);
		break;
	case 2:
		flagp_breaker_reset(pair->breaker, pair->now);
		model_reset(&pair->model, pair->now);
		break;
	case 3:
		ck_assert_int_eq(flagp_breaker_probe(pair->breaker, pair->now),
				 model_probe(&pair->model, pair->now));
		break;
	case 4:
		flagp_breaker_child(pair->breaker);
		model_child(&pair->model);
		break;
	default:
		step_reload(pair);
		break;
	}
}

static void
compare_events(const struct pair *pair)
{
	ck_assert_uint_eq(event_count, pair->model.events);
	if (event_count == 0)
		return;
	ck_assert_int_eq(last_event.from, pair->model.event.from);
	ck_assert_int_eq(last_event.to, pair->model.event.to);
	ck_assert_int_eq(last_event.reason, pair->model.event.reason);
	ck_assert_uint_eq(last_event.attempt, pair->model.event.attempt);
	ck_assert_uint_eq(last_event.wait_ms, pair->model.event.wait_ms);
}

static void
compare(const struct pair *pair)
{
	const struct model *model = &pair->model;
	struct breaker_sums sums = model_sum(model, pair->now.ms);
	struct breaker_stat stat;

	flagp_breaker_read(pair->breaker, pair->now.ms, &stat);
	ck_assert_int_eq(stat.state, model->state);
	ck_assert_int_eq(stat.latched, model->latched);
	ck_assert_uint_eq(stat.attempt, model->attempt);
	ck_assert_uint_eq(stat.run, model->run);
	ck_assert_uint_eq(stat.inflight, model_inflight(model));
	ck_assert_uint_eq(stat.sums.calls, sums.calls);
	ck_assert_uint_eq(stat.sums.failed, sums.failed);
	ck_assert_uint_eq(stat.sums.slow, sums.slow);
	ck_assert_uint_eq(stat.late, model->late);
	ck_assert_uint_eq(stat.lost, model->lost);
	ck_assert_uint_eq(stat.would, model->would);
	ck_assert_uint_eq(stat.denied, model->denied);
	ck_assert_uint_eq(stat.dropped, model->dropped);
	compare_events(pair);
}

static void
one_step(struct pair *pair)
{
	uint32_t kind = draw(100);

	pass_time(pair);
	event_count = pair->model.events = 0;
	if (kind < 45)
		step_allow(pair, draw(TOKENS));
	else if (kind < 92)
		step_result(pair, draw(TOKENS));
	else if (kind < 96)
		step_verb(pair);
	else {
		flagp_breaker_poll(pair->breaker, pair->now);
		model_poll(&pair->model, pair->now);
	}
	compare(pair);
}

START_TEST(random_runs_agree_with_the_model)
{
	const char *seed = getenv("BREAKER_SEED");
	struct breaker_config config;
	struct breaker_problem problem;
	struct pair pair;
	unsigned trial;

	for (trial = 0; trial < TRIALS; trial++) {
		draw_state = trial + (seed != NULL ? 1000003 * strtoull(
						seed, NULL, 10) : 0);
		memset(&pair, 0, sizeof(pair));
		pair.now.ms = draw(100000);
		config = draw_config();
		pair.breaker = flagp_breaker_new(&config, MODEL_SHARDS,
						 pair.now.ms, &problem);
		ck_assert_ptr_nonnull(pair.breaker);
		flagp_breaker_listen(pair.breaker, note_event, NULL);
		model_init(&pair.model, &config, pair.now.ms);
		for (pair.step = 0; pair.step < STEPS; pair.step++)
			one_step(&pair);
		flagp_breaker_free(pair.breaker);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		random_runs_agree_with_the_model, NULL
	};

	return suite_run("breaker_model", tests);
}
