/* SPDX-License-Identifier: MIT */
/*
 * fuzz_breaker.c - the keys of a breaker: mechanism/breaker_config.c.
 *
 * The input is lines of "key=value", taken one after the other.  What is
 * accepted sets that key alone, to what another reader makes of the value,
 * and is in range; what is refused changes nothing and names the key and the
 * rule.
 */
#include "fuzz.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mechanism/breaker.h"

#define LINES_MAX 64

/* What the other reader knows of a key: one unit of its value is that many of
 * its field. */
static const struct key {
	const char *name;
	size_t offset;
	unsigned factor;
} keys[] = {
#define KEY(name, factor) \
	{ #name, offsetof(struct breaker_config, name), factor }
	KEY(mode, 0), KEY(consecutive_failures, 1), KEY(failure_rate, 100),
	KEY(slow_rate, 100), KEY(slow_ms, 1), KEY(min_calls, 1),
	KEY(window_ms, 1), KEY(buckets, 1), KEY(open_ms, 1),
	KEY(open_mult, 1000000), KEY(open_max_ms, 1), KEY(open_jitter, 100),
	KEY(stable_ms, 1), KEY(latch_after, 1), KEY(half_open_permits, 1),
	KEY(half_open_successes, 1), KEY(half_open_failures, 1),
	KEY(probe_timeout_ms, 1), KEY(probe_lost_max, 1),
};

static const char *const modes[] = {
	[BREAKER_MODE_AUTO] = "auto",
	[BREAKER_MODE_OBSERVE] = "observe",
	[BREAKER_MODE_DISABLED] = "disabled",
	[BREAKER_MODE_FORCE_OPEN] = "force_open",
};

static const struct key *
find_key(const char *name)
{
	for (size_t i = 0; i < FLAGP_COUNT(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static uint64_t
field_of(const struct breaker_config *config, const struct key *key)
{
	uint64_t value;

	memcpy(&value, (const char *)config + key->offset, sizeof(value));
	return value;
}

/* --- the other reader ----------------------------------------------------- */

static void
check_meaning(const struct key *key, const char *text, uint64_t value)
{
	char *end;
	double number;

	if (key->factor == 0) {
		FUZZ_CHECK(value < FLAGP_COUNT(modes));
		FUZZ_CHECK(strcmp(text, modes[value]) == 0);
		return;
	}
	/* Exact: what a key accepts has less than 53 bits. */
	number = strtod(text, &end);
	FUZZ_CHECK(end != text && text[strspn(text, "0123456789. %")] == '\0');
	FUZZ_CHECK((uint64_t)llround(number * key->factor) == value);
	FUZZ_CHECK(*end == '\0' || key->factor == 100);
}

/* Nothing but that key differs. */
static void
check_others(const struct breaker_config *a, const struct breaker_config *b,
	     const struct key *key)
{
	struct breaker_config copy = *a;

	memcpy((char *)&copy + key->offset, (const char *)b + key->offset,
	       sizeof(uint64_t));
	FUZZ_CHECK(memcmp(&copy, b, sizeof(copy)) == 0);
}

static void
check_problem(const struct breaker_problem *problem)
{
	FUZZ_CHECK(problem->key != NULL);
	FUZZ_CHECK(problem->rule != NULL && problem->rule[0] != '\0');
}

/* A rule that says "must be LOW to HIGH" is not kept by a value that it
 * refuses, if that is a number at all, with the decimals that a key has. */
static void
check_rule(const struct key *key, const char *text, const char *rule)
{
	size_t whole = strspn(text, "0123456789"), decimals = 0, length;
	double low, high, number;

	if (whole == 0 || whole > 12 ||
	    sscanf(rule, "must be %lf to %lf", &low, &high) != 2)
		return;
	length = whole;
	if (text[whole] == '.') {
		decimals = strspn(text + whole + 1, "0123456789");
		length += 1 + decimals;
	}
	if (strcmp(text + length, key->factor == 100 ? "%" : "") != 0 ||
	    (length > whole && decimals == 0) ||
	    decimals > (key->factor == 100 ? 2 : key->factor > 100 ? 6 : 0))
		return;
	number = strtod(text, NULL);
	FUZZ_CHECK(number < low || number > high);
}

/* Whether a single key is out of its range is known as soon as it is set. */
static bool
check_whole(const struct breaker_config *config)
{
	struct breaker_problem problem = { NULL, NULL };
	int result = flagp_breaker_check(config, &problem);

	FUZZ_CHECK(result == 0 || result == -EINVAL);
	if (result == 0)
		return true;
	check_problem(&problem);
	FUZZ_CHECK(find_key(problem.key) != NULL);
	FUZZ_CHECK(strcmp(problem.key, "window_ms") != 0 ||
		   config->window_ms < config->buckets);
	FUZZ_CHECK(strcmp(problem.key, "open_max_ms") != 0 ||
		   config->open_max_ms < config->open_ms);
	FUZZ_CHECK(strncmp(problem.rule, "must be 0", 9) != 0 &&
		   strncmp(problem.rule, "must be 1", 9) != 0);
	return false;
}

static bool
set(struct breaker_config *config, const char *name, const char *value)
{
	struct breaker_problem problem = { NULL, NULL };
	const struct breaker_config before = *config;
	const struct key *key = find_key(name);
	int result = flagp_breaker_set(config, name, value, &problem);

	if (result == 0) {
		FUZZ_CHECK(key != NULL && problem.key == NULL);
		check_meaning(key, value, field_of(config, key));
		check_others(&before, config, key);
		return true;
	}
	FUZZ_CHECK(result == -EINVAL);
	check_problem(&problem);
	FUZZ_CHECK(strcmp(problem.key, name) == 0);
	FUZZ_CHECK((key == NULL) == (strcmp(problem.rule, "unknown key") == 0));
	FUZZ_CHECK(memcmp(&before, config, sizeof(before)) == 0);
	if (key != NULL)
		check_rule(key, value, problem.rule);
	return false;
}

/* A field that cannot come from a text is found, too. */
static void
check_field(struct breaker_config config, uint64_t hash)
{
	const struct key *key = &keys[hash % FLAGP_COUNT(keys)];
	struct breaker_problem problem = { NULL, NULL };
	uint64_t huge = UINT64_MAX - hash % 1000;

	memcpy((char *)&config + key->offset, &huge, sizeof(huge));
	FUZZ_CHECK(flagp_breaker_check(&config, &problem) == -EINVAL);
	FUZZ_CHECK(strcmp(problem.key, key->name) == 0);
	FUZZ_CHECK(strncmp(problem.rule, "must be ", 8) == 0);
}

bool
fuzz_breaker(const uint8_t *data, size_t size)
{
	struct breaker_config config;
	char *line, *value, *text = malloc(size + 1), *rest = text;
	bool accepted = true;

	FUZZ_CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	flagp_breaker_defaults(&config);
	check_whole(&config);
	for (int i = 0; i < LINES_MAX && (line = strsep(&rest, "\n")) != NULL;
	     i++) {
		/* Each alone, for a sanitizer to see its end. */
		line = fuzz_copy(line, strlen(line) + 1);
		value = strchr(line, '=');
		if (value != NULL) {
			*value++ = '\0';
			accepted = set(&config, line, value) && accepted;
		}
		free(line);
	}
	accepted = check_whole(&config) && accepted;
	check_field(config, fuzz_hash(data, size));
	free(text);
	return accepted;
}

FUZZ_TARGET(fuzz_breaker)
