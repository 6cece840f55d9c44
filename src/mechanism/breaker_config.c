/* SPDX-License-Identifier: MIT */
/* breaker_config.c - see breaker.h: the keys of a breaker's configuration. */
#include "mechanism/breaker.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"

/* Longer than a leap year is no wait. */
#define MS_MAX ((uint64_t)366 * 24 * 3600 * 1000)
#define MS_RULE "must be 0 to 31622400000 ms"
#define COUNT_RULE "must be 0 to 16777215"
#define PERCENT_RULE "must be 0 to 100 %, with at most two decimals"

/* KIND_HIDDEN is no key that anybody may write. */
enum kind { KIND_HIDDEN, KIND_MODE, KIND_NUMBER, KIND_PERCENT, KIND_FACTOR };

struct key {
	const char *name;
	size_t offset;			/* of its field */
	enum kind kind;
	uint64_t initial, min, max;
	const char *rule;		/* what min and max mean */
};

#define FIELD(name_) #name_, offsetof(struct breaker_config, name_)

static const struct key keys[] = {
	{ FIELD(mode), KIND_MODE, BREAKER_MODE_AUTO, 0,
	  BREAKER_MODE_FORCE_OPEN,
	  "must be auto, observe, disabled or force_open" },
	{ FIELD(consecutive_failures), KIND_NUMBER, 10, 0, BREAKER_COUNT_MAX,
	  COUNT_RULE },
	{ FIELD(failure_rate), KIND_PERCENT, 5000, 0, 10000, PERCENT_RULE },
	{ FIELD(slow_rate), KIND_PERCENT, 0, 0, 10000, PERCENT_RULE },
	{ FIELD(slow_ms), KIND_NUMBER, 0, 0, MS_MAX, MS_RULE },
	{ FIELD(min_calls), KIND_NUMBER, 20, 1, BREAKER_COUNT_MAX,
	  "must be 1 to 16777215" },
	{ FIELD(window_ms), KIND_NUMBER, 10000, 0, MS_MAX, MS_RULE },
	{ FIELD(buckets), KIND_NUMBER, 10, 1, BREAKER_BUCKETS_MAX,
	  "must be 1 to 64" },
	{ FIELD(open_ms), KIND_NUMBER, 5000, 0, MS_MAX, MS_RULE },
	{ FIELD(open_mult), KIND_FACTOR, 2000000, 1000000, 1000000000,
	  "must be 1 to 1000, with at most six decimals" },
	{ FIELD(open_max_ms), KIND_NUMBER, 300000, 0, MS_MAX, MS_RULE },
	{ FIELD(open_jitter), KIND_PERCENT, 1000, 0, 10000, PERCENT_RULE },
	{ FIELD(stable_ms), KIND_NUMBER, 60000, 0, MS_MAX, MS_RULE },
	{ FIELD(latch_after), KIND_NUMBER, 0, 0, 63, "must be 0 to 63" },
	{ FIELD(half_open_permits), KIND_NUMBER, 1, 1, BREAKER_PERMITS_MAX,
	  "must be 1 to 8" },
	{ FIELD(half_open_successes), KIND_NUMBER, 3, 1, 255,
	  "must be 1 to 255" },
	{ FIELD(half_open_failures), KIND_NUMBER, 1, 1, 255,
	  "must be 1 to 255" },
	{ FIELD(probe_timeout_ms), KIND_NUMBER, 30000, 0, MS_MAX, MS_RULE },
	{ FIELD(probe_lost_max), KIND_NUMBER, 3, 0, 255, "must be 0 to 255" },
	{ FIELD(bucket_max), KIND_HIDDEN, BREAKER_COUNT_MAX, 1,
	  BREAKER_COUNT_MAX, "must be 1 to 16777215" },
};

static uint64_t *
field(struct breaker_config *config, const struct key *key)
{
	return (uint64_t *)(void *)((char *)config + key->offset);
}

static uint64_t
value_of(const struct breaker_config *config, const struct key *key)
{
	return *(const uint64_t *)(const void *)
		((const char *)config + key->offset);
}

static int
refuse(struct breaker_problem *problem, const char *key, const char *rule)
{
	*problem = (struct breaker_problem) { key, rule };
	return -EINVAL;
}

void
flagp_breaker_defaults(struct breaker_config *config)
{
	size_t i;

	for (i = 0; i < FLAGP_COUNT(keys); i++)
		*field(config, &keys[i]) = keys[i].initial;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * A number that starts at *text, times ten for each of decimals, without sign,
 * blank or exponent.  Moves *text behind it.  False: none, or too long.
 */
static bool
read_decimal(const char **text, unsigned decimals, uint64_t *number)
{
	const char *at = *text;
	bool any = false;

	for (*number = 0; is_digit(*at); at++, any = true) {
		if (*number > UINT64_MAX / 100)
			return false;
		*number = *number * 10 + (uint64_t)(*at - '0');
	}
	if (!any || (*at == '.' && (decimals == 0 || !is_digit(at[1]))))
		return false;
	if (*at == '.')
		at++;
	for (; decimals > 0; decimals--) {
		if (*number > UINT64_MAX / 100)
			return false;
		*number *= 10;
		if (is_digit(*at))
			*number += (uint64_t)(*at++ - '0');
	}
	*text = at;
	return true;
}

static bool
read_mode(const char *text, uint64_t *mode)
{
	static const char *const names[] = {
		[BREAKER_MODE_AUTO] = "auto",
		[BREAKER_MODE_OBSERVE] = "observe",
		[BREAKER_MODE_DISABLED] = "disabled",
		[BREAKER_MODE_FORCE_OPEN] = "force_open",
	};

	for (*mode = 0; *mode < FLAGP_COUNT(names); ++*mode)
		if (strcmp(text, names[*mode]) == 0)
			return true;
	return false;
}

static bool
read_value(const struct key *key, const char *text, uint64_t *value)
{
	static const unsigned decimals[] = {
		[KIND_NUMBER] = 0, [KIND_PERCENT] = 2, [KIND_FACTOR] = 6
	};

	if (key->kind == KIND_MODE)
		return read_mode(text, value);
	if (!read_decimal(&text, decimals[key->kind], value))
		return false;
	if (key->kind == KIND_PERCENT) {
		while (*text == ' ')
			text++;
		if (*text == '%')
			text++;
	}
	return *text == '\0' && *value >= key->min && *value <= key->max;
}

int
flagp_breaker_set(struct breaker_config *config, const char *key,
		  const char *value, struct breaker_problem *problem)
{
	uint64_t number;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(keys); i++) {
		if (keys[i].kind == KIND_HIDDEN ||
		    strcmp(keys[i].name, key) != 0)
			continue;
		if (!read_value(&keys[i], value, &number))
			return refuse(problem, keys[i].name, keys[i].rule);
		*field(config, &keys[i]) = number;
		return 0;
	}
	return refuse(problem, key, "unknown key");
}

/* Rules that take more than one key; the one that must change is named. */
static int
check_together(const struct breaker_config *config,
	       struct breaker_problem *problem)
{
	bool rates = config->failure_rate != 0 || config->slow_rate != 0;

	if (rates && config->window_ms < config->buckets)
		return refuse(problem, "window_ms",
			      "must be at least buckets while failure_rate or "
			      "slow_rate is on");
	if (config->mode == BREAKER_MODE_AUTO && !rates &&
	    config->consecutive_failures == 0)
		return refuse(problem, "consecutive_failures",
			      "mode auto needs a rule: this, failure_rate or "
			      "slow_rate must not be 0");
	if (config->slow_rate != 0 && config->slow_ms == 0)
		return refuse(problem, "slow_rate",
			      "needs slow_ms greater than 0");
	if (config->open_max_ms < config->open_ms)
		return refuse(problem, "open_max_ms",
			      "must be at least open_ms");
	return 0;
}

int
flagp_breaker_check(const struct breaker_config *config,
		    struct breaker_problem *problem)
{
	uint64_t value;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(keys); i++) {
		value = value_of(config, &keys[i]);
		if (value < keys[i].min || value > keys[i].max)
			return refuse(problem, keys[i].name, keys[i].rule);
	}
	return check_together(config, problem);
}
