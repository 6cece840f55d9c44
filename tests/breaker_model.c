/* SPDX-License-Identifier: MIT */
/* breaker_model.c - see breaker_model.h. */
#include "breaker_model.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A lease may end this much later than one that begins now. */
#define STEP_MS 60000

static void
enter(struct model *model, enum breaker_state state,
      enum breaker_reason reason, uint64_t ms)
{
	model->event = (struct breaker_event) {
		.from = model->state, .to = state, .reason = reason,
		.attempt = model->attempt,
	};
	model->events++;
	model->state = state;
	model->generation++;
	model->run = 0;
	memset(model->permit, 0, sizeof(model->permit));
	model->ok = model->bad = model->gone = 0;
	model->since = ms;
	model->quiet = 0;
	if (state != BREAKER_FORCED_OPEN)
		model->latched = false;
	if (state == BREAKER_OPEN)
		model->event.wait_ms = model->deadline - ms;
}

static double
longest(const struct model *model)
{
	return (double)model->config.open_max_ms *
	       (1 + (double)model->config.open_jitter / 10000);
}

static void
open_again(struct model *model, unsigned attempt, enum breaker_reason reason,
	   struct breaker_moment at)
{
	const struct breaker_config *config = &model->config;
	long double wait;

	model->attempt = attempt > 63 ? 63 : attempt;
	if (config->latch_after != 0 &&
	    model->attempt >= config->latch_after) {
		model->latched = true;
		enter(model, BREAKER_FORCED_OPEN, BREAKER_LATCHED, at.ms);
		return;
	}
	wait = (long double)config->open_ms *
	       powl((long double)config->open_mult / 1e6L,
		    (long double)model->attempt - 1);
	if (wait > (long double)config->open_max_ms)
		wait = (long double)config->open_max_ms;
	wait *= 1 + (long double)config->open_jitter / 1e4L *
		    ((long double)at.draw / 4294967296.0L);
	model->deadline = at.ms + (uint64_t)floorl(wait + 1e-9L);
	model->by_operator = false;
	enter(model, BREAKER_OPEN, reason, at.ms);
}

static void
enter_mode(struct model *model, enum breaker_reason reason, uint64_t ms)
{
	static const enum breaker_state states[] = {
		[BREAKER_MODE_AUTO] = BREAKER_CLOSED,
		[BREAKER_MODE_OBSERVE] = BREAKER_OBSERVE,
		[BREAKER_MODE_DISABLED] = BREAKER_DISABLED,
		[BREAKER_MODE_FORCE_OPEN] = BREAKER_FORCED_OPEN,
	};

	model->attempt = 0;
	model->latched = false;
	enter(model, states[model->config.mode], reason, ms);
}

void
model_init(struct model *model, const struct breaker_config *config,
	   uint64_t ms)
{
	memset(model, 0, sizeof(*model));
	model->config = *config;
	enter_mode(model, BREAKER_CONFIG, ms);
	model->events = 0;
}

/* --- The window ------------------------------------------------------------*/

static uint64_t
piece_of(const struct model *model, uint64_t ms)
{
	uint64_t width = (model->config.window_ms + model->config.buckets - 1) /
			 model->config.buckets;

	return ms / (width == 0 ? 1 : width);
}

struct breaker_sums
model_sum(const struct model *model, uint64_t ms)
{
	struct breaker_sums sums = { 0, 0, 0 };
	uint64_t now = piece_of(model, ms);
	unsigned i, j;

	for (i = 0; i < MODEL_SHARDS; i++)
		for (j = 0; j < model->config.buckets; j++) {
			const struct model_bucket *b = &model->bucket[i][j];

			if (!b->used || b->generation != model->generation ||
			    b->piece > now ||
			    now - b->piece >= model->config.buckets)
				continue;
			sums.calls += b->calls;
			sums.failed += b->failed;
			sums.slow += b->slow;
		}
	return sums;
}

static void
stick(const struct model *model, uint64_t *counter)
{
	if (*counter < model->config.bucket_max)
		++*counter;
}

static void
record(struct model *model, bool failed, bool slow, struct breaker_moment at)
{
	uint64_t piece = piece_of(model, at.ms);
	struct model_bucket *b =
		&model->bucket[at.shard][piece % model->config.buckets];
	bool same = b->used && b->generation == model->generation;

	if (same && b->piece > piece) {
		model->dropped++;
		return;
	}
	if (!same || b->piece != piece)
		*b = (struct model_bucket) {
			true, model->generation, piece, 0, 0, 0
		};
	stick(model, &b->calls);
	if (failed)
		stick(model, &b->failed);
	if (slow)
		stick(model, &b->slow);
}

/* --- Judging ---------------------------------------------------------------*/

static bool
reached(uint64_t part, uint64_t calls, uint64_t rate)
{
	return rate != 0 && part * 10000 >= rate * calls;
}

static enum breaker_reason
verdict(const struct model *model, uint64_t ms)
{
	const struct breaker_config *config = &model->config;
	struct breaker_sums sums = model_sum(model, ms);

	if (config->consecutive_failures != 0 &&
	    model->run >= config->consecutive_failures)
		return BREAKER_CONSECUTIVE;
	if (sums.calls < config->min_calls)
		return BREAKER_NO_REASON;
	if (reached(sums.failed, sums.calls, config->failure_rate))
		return BREAKER_FAILURE_RATE;
	if (reached(sums.slow, sums.calls, config->slow_rate))
		return BREAKER_SLOW_RATE;
	return BREAKER_NO_REASON;
}

static void
would_open(struct model *model, enum breaker_reason reason, uint64_t ms)
{
	model->would++;
	model->run = 0;
	model->quiet = ms + model->config.open_ms;
	model->events++;
	model->event = (struct breaker_event) {
		.from = BREAKER_OBSERVE, .to = BREAKER_OBSERVE,
		.reason = reason == BREAKER_CONSECUTIVE ?
			  BREAKER_WOULD_CONSECUTIVE :
			  reason == BREAKER_FAILURE_RATE ?
			  BREAKER_WOULD_FAILURE_RATE : BREAKER_WOULD_SLOW_RATE,
		.attempt = model->attempt,
	};
}

static void
judge(struct model *model, struct breaker_moment at)
{
	enum breaker_reason reason = verdict(model, at.ms);
	bool calm;

	if (reason == BREAKER_NO_REASON)
		return;
	if (model->state == BREAKER_OBSERVE) {
		if (at.ms >= model->quiet ||
		    (double)(model->quiet - at.ms) > longest(model))
			would_open(model, reason, at.ms);
		return;
	}
	calm = model->config.stable_ms == 0 ||
	       (int64_t)(at.ms - model->since) >=
	       (int64_t)model->config.stable_ms;
	open_again(model, calm ? 1 : model->attempt + 1, reason, at);
}

/* --- Half-open -------------------------------------------------------------*/

unsigned
model_inflight(const struct model *model)
{
	unsigned i, count = 0;

	for (i = 0; i < BREAKER_PERMITS_MAX; i++)
		count += model->permit[i].probe != 0;
	return count;
}

static void
reclaim(struct model *model, struct breaker_moment at)
{
	unsigned i, before = model->gone;

	for (i = 0; i < BREAKER_PERMITS_MAX; i++) {
		struct model_permit *permit = &model->permit[i];
		uint64_t end = permit->end_ms;
		bool far = model->config.probe_timeout_ms != 0 &&
			   end > at.ms + model->config.probe_timeout_ms +
				 STEP_MS;

		if (permit->probe == 0 || end == 0 || (at.ms < end && !far))
			continue;
		permit->probe = 0;
		model->gone++;
		model->lost++;
	}
	if (model->gone > before && model->config.probe_lost_max != 0 &&
	    model->gone >= model->config.probe_lost_max)
		open_again(model, model->attempt + 1, BREAKER_PROBE_LOST, at);
}

static uint32_t
until_free(const struct model *model, uint64_t ms)
{
	uint64_t first = UINT64_MAX;
	unsigned i;

	for (i = 0; i < BREAKER_PERMITS_MAX; i++)
		if (model->permit[i].probe != 0 &&
		    model->permit[i].end_ms != 0 &&
		    model->permit[i].end_ms < first)
			first = model->permit[i].end_ms;
	return first == UINT64_MAX ? BREAKER_NEVER : (uint32_t)(first - ms);
}

static struct model_answer
allow_probe(struct model *model, struct breaker_moment at)
{
	const struct breaker_config *config = &model->config;
	struct model_answer answer = { .why = BREAKER_WHY_NO_PERMIT };
	unsigned out = model_inflight(model), i = 0;

	if (out >= config->half_open_permits ||
	    out + model->ok >= config->half_open_successes) {
		answer.retry_ms = until_free(model, at.ms);
		return answer;
	}
	while (model->permit[i].probe != 0)
		i++;
	model->permit[i].probe = ++model->probes;
	model->permit[i].end_ms = config->probe_timeout_ms == 0 ? 0 :
				  at.ms + config->probe_timeout_ms;
	answer.allowed = true;
	answer.why = BREAKER_WHY_PROBE;
	answer.token = (struct model_token) {
		true, model->generation, model->probes
	};
	return answer;
}

static void
probe_result(struct model *model, uint64_t probe, bool failed, bool neutral,
	     struct breaker_moment at)
{
	unsigned i;

	for (i = 0; i < BREAKER_PERMITS_MAX; i++)
		if (model->permit[i].probe == probe)
			break;
	if (i == BREAKER_PERMITS_MAX) {
		model->late++;
		return;
	}
	model->permit[i].probe = 0;
	if (failed) {
		if (++model->bad >= model->config.half_open_failures)
			open_again(model, model->attempt + 1,
				   BREAKER_PROBE_FAILED, at);
	} else if (!neutral) {
		if (++model->ok >= model->config.half_open_successes)
			enter(model, BREAKER_CLOSED, BREAKER_PROBES_OK, at.ms);
	}
}

/* --- Calls -----------------------------------------------------------------*/

static void
wait_over(struct model *model, struct breaker_moment at)
{
	if (model->state == BREAKER_OPEN &&
	    (at.ms >= model->deadline ||
	     (!model->by_operator &&
	      (double)(model->deadline - at.ms) > longest(model))))
		enter(model, BREAKER_HALF_OPEN, BREAKER_TIMEOUT, at.ms);
}

static struct model_answer
refuse(enum breaker_why why, uint32_t retry_ms)
{
	return (struct model_answer) { .why = why, .retry_ms = retry_ms };
}

static struct model_answer
admit(struct model *model, enum breaker_why why, bool counts)
{
	return (struct model_answer) {
		.allowed = true, .why = why,
		.token = { counts, model->generation, 0 },
	};
}

static struct model_answer
answer(struct model *model, struct breaker_moment at)
{
	if (model->state == BREAKER_HALF_OPEN)
		reclaim(model, at);
	wait_over(model, at);
	if (model->state == BREAKER_HALF_OPEN &&
	    model->ok >= model->config.half_open_successes)
		enter(model, BREAKER_CLOSED, BREAKER_PROBES_OK, at.ms);
	switch (model->state) {
	case BREAKER_OPEN:
		return refuse(BREAKER_WHY_OPEN,
			      (uint32_t)(model->deadline - at.ms));
	case BREAKER_FORCED_OPEN:
		return refuse(model->latched ? BREAKER_WHY_LATCHED :
			      BREAKER_WHY_FORCED, BREAKER_NEVER);
	case BREAKER_HALF_OPEN:
		return allow_probe(model, at);
	case BREAKER_OBSERVE:
		return admit(model, BREAKER_WHY_OBSERVE, true);
	case BREAKER_DISABLED:
		return admit(model, BREAKER_WHY_DISABLED, false);
	case BREAKER_CLOSED:
	default:
		return admit(model, BREAKER_WHY_CLOSED, true);
	}
}

struct model_answer
model_allow(struct model *model, struct breaker_moment at)
{
	struct model_answer given = answer(model, at);

	model->denied += !given.allowed;
	return given;
}

void
model_result(struct model *model, struct model_token token,
	     enum model_result result, uint64_t duration_ns,
	     struct breaker_moment at)
{
	bool slow = model->config.slow_ms != 0 &&
		    duration_ns > model->config.slow_ms * 1000000;
	bool failed = result == MODEL_FAIL;

	if (!token.counts)
		return;
	if (token.generation != model->generation) {
		model->late++;
		return;
	}
	if (token.probe != 0) {
		probe_result(model, token.probe, failed || slow,
			     result == MODEL_CANCEL, at);
		return;
	}
	if (result == MODEL_CANCEL && !slow)
		return;
	record(model, failed, slow, at);
	if (failed)
		model->run++;
	else if (result == MODEL_OK)
		model->run = 0;
	if (failed || slow)
		judge(model, at);
}

void
model_poll(struct model *model, struct breaker_moment at)
{
	if (model->state == BREAKER_HALF_OPEN)
		reclaim(model, at);
	else
		wait_over(model, at);
}

/* --- Verbs -----------------------------------------------------------------*/

void
model_trip(struct model *model, struct breaker_moment at)
{
	if (model->state == BREAKER_FORCED_OPEN && !model->latched)
		return;
	model->latched = false;
	enter(model, BREAKER_FORCED_OPEN, BREAKER_OPERATOR, at.ms);
}

void
model_trip_for(struct model *model, uint64_t ms, struct breaker_moment at)
{
	model->deadline = at.ms + ms;
	model->by_operator = true;
	enter(model, BREAKER_OPEN, BREAKER_OPERATOR, at.ms);
}

void
model_reset(struct model *model, struct breaker_moment at)
{
	enter_mode(model, BREAKER_RESET, at.ms);
}

int
model_probe(struct model *model, struct breaker_moment at)
{
	if (model->state != BREAKER_OPEN &&
	    model->state != BREAKER_FORCED_OPEN)
		return -EINVAL;
	enter(model, BREAKER_HALF_OPEN, BREAKER_OPERATOR, at.ms);
	return 0;
}

void
model_reload(struct model *model, const struct breaker_config *config,
	     struct breaker_moment at)
{
	struct breaker_config before = model->config;

	model->config = *config;
	if ((before.window_ms != config->window_ms ||
	     before.buckets != config->buckets) &&
	    (model->state == BREAKER_CLOSED ||
	     model->state == BREAKER_OBSERVE)) {
		model->generation++;
		model->run = 0;
	}
	if (before.mode != config->mode)
		enter_mode(model, BREAKER_CONFIG, at.ms);
}

void
model_child(struct model *model)
{
	if (model->state != BREAKER_HALF_OPEN)
		return;
	model->generation++;
	memset(model->permit, 0, sizeof(model->permit));
}
