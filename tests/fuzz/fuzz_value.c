/* SPDX-License-Identifier: MIT */
/*
 * fuzz_value.c - texts to typed values: base/value.c.
 *
 * The first byte says the type, as a capital with the limits of the type, as a
 * small letter with narrow ones; the rest is the text.  What is accepted is
 * within the limits, is what another reader makes of the text, and formats to
 * a text that parses to the same.  What is refused changes nothing and says
 * why.
 */
#include "fuzz.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/value.h"

#define SIZE_MAX_ 4096u

static const struct value_limits narrow[VALUE_TYPES] = {
	[VALUE_BOOL] = { VALUE_BOOL, { .on = false }, { .on = true } },
	[VALUE_INT64] = { VALUE_INT64, { .integer = -10 },
			  { .integer = 1000 } },
	[VALUE_DOUBLE] = { VALUE_DOUBLE, { .real = 0.5 }, { .real = 1e6 } },
	[VALUE_DURATION] = { VALUE_DURATION, { .duration_ns = 1000 },
			     { .duration_ns = INT64_C(3600000000000) } },
	[VALUE_SIZE] = { VALUE_SIZE, { .size = 16 }, { .size = 1 << 20 } },
	[VALUE_SHARE] = { VALUE_SHARE, { .share = 1 }, { .share = 50000 } },
	[VALUE_STRING] = { VALUE_STRING, { .size = 2 }, { .size = 8 } },
};

static bool
is_same(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_BOOL:
		return a->number.on == b->number.on;
	case VALUE_DOUBLE:
		return memcmp(&a->number.real, &b->number.real,
			      sizeof(double)) == 0;
	case VALUE_SHARE:
		return a->number.share == b->number.share;
	case VALUE_STRING:
		return a->number.size == b->number.size &&
		       (a->number.size == 0 ||
			memcmp(a->string, b->string,
			       (size_t)a->number.size) == 0);
	default:
		return a->number.size == b->number.size;
	}
}

static bool
is_within(const struct value *value, const struct value_limits *limits)
{
	const union value_number *n = &value->number;

	switch (value->type) {
	case VALUE_INT64:
		return limits->low.integer <= n->integer &&
		       n->integer <= limits->high.integer;
	case VALUE_DOUBLE:
		return limits->low.real <= n->real &&
		       n->real <= limits->high.real && isfinite(n->real);
	case VALUE_DURATION:
		return limits->low.duration_ns <= n->duration_ns &&
		       n->duration_ns <= limits->high.duration_ns;
	case VALUE_SHARE:
		return limits->low.share <= n->share &&
		       n->share <= limits->high.share;
	case VALUE_BOOL:
		return true;
	default:
		return limits->low.size <= n->size &&
		       n->size <= limits->high.size;
	}
}

/* --- the other reader, for a text that was accepted ----------------------- */

/* How much one of the unit is; of a size, K is KiB. */
static long double
unit_of(const char *unit)
{
	static const struct {
		const char *name;
		long double factor;
	} units[] = {
		{ "", 1 }, { "B", 1 }, { "ns", 1 }, { "us", 1e3L },
		{ "ms", 1e6L }, { "s", 1e9L }, { "m", 60e9L },
		{ "h", 3600e9L }, { "d", 86400e9L }, { "K", 1024 },
		{ "M", 1048576 }, { "G", 1073741824 },
		{ "T", 1099511627776.0L },
	};
	char plain[3] = { 0 };

	if (strlen(unit) == 3 && strcmp(unit + 1, "iB") == 0)
		unit = memcpy(plain, unit, 1);
	for (size_t i = 0; i < FLAGP_COUNT(units); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].factor;
	fuzz_fail(__FILE__, __LINE__, "a unit");
}

/* A long double holds all numbers of 64 bits where it has 64 bits itself. */
static bool
is_near(long double a, long double b)
{
	return fabsl(a - b) <= fabsl(b) * 1e-15L;
}

static void
check_number(const struct value *value, const char *text)
{
	const union value_number *n = &value->number;
	char *unit;
	long double number = strtold(text, &unit);

	if (value->type == VALUE_INT64) {
		FUZZ_CHECK(*unit == '\0');
		FUZZ_CHECK(n->integer == strtoll(text, NULL, 10));
	} else if (value->type == VALUE_DOUBLE) {
		FUZZ_CHECK(*unit == '\0');
		FUZZ_CHECK(n->real == strtod(text, NULL));
	} else if (value->type == VALUE_SHARE) {
		FUZZ_CHECK(strcmp(unit, "%") == 0);
		FUZZ_CHECK(n->share == (uint32_t)lroundl(number * 1000));
	} else if (value->type == VALUE_DURATION) {
		FUZZ_CHECK(is_near((long double)n->duration_ns,
				   number * unit_of(unit)));
	} else {
		FUZZ_CHECK(is_near((long double)n->size,
				   number * unit_of(unit)));
	}
}

static void
check_meaning(const struct value *value, const char *text, size_t size)
{
	char copy[SIZE_MAX_ + 1];

	if (value->type == VALUE_STRING) {
		FUZZ_CHECK(value->string == text && value->number.size == size);
		return;
	}
	if (size > 0)
		memcpy(copy, text, size);
	copy[size] = '\0';
	if (value->type == VALUE_BOOL)
		FUZZ_CHECK(strcmp(copy, value->number.on ? "on" : "off") == 0);
	else
		check_number(value, copy);
}

/* --- the checks ----------------------------------------------------------- */

/* Below 0.0001 and from 1e16 on a number is written with an exponent. */
static void
check_exponent(const struct value *value, const char *text)
{
	double size = fabs(value->number.real);

	if (value->type == VALUE_DOUBLE)
		FUZZ_CHECK((strchr(text, 'e') != NULL) ==
			   (size >= 1e16 || (size > 0 && size < 1e-4)));
}

static void
check_format(const struct value *value, const struct value_limits *limits)
{
	bool is_text = value->type == VALUE_STRING;
	char first[SIZE_MAX_ + 1], second[SIZE_MAX_ + 1], cut[4];
	size_t length = flagp_value_format(value, first, sizeof(first));
	struct value again;

	FUZZ_CHECK(is_text || length < VALUE_TEXT_SIZE);
	FUZZ_CHECK(strlen(first) == length);
	check_exponent(value, first);
	FUZZ_CHECK(flagp_value_parse(&again, limits, first, length, NULL) == 0);
	FUZZ_CHECK(is_same(value, &again));
	FUZZ_CHECK(flagp_value_mark(value) == flagp_value_mark(&again));
	FUZZ_CHECK(flagp_value_format(&again, second, sizeof(second)) ==
		   length);
	FUZZ_CHECK(strcmp(first, second) == 0);
	FUZZ_CHECK(flagp_value_format(value, cut, sizeof(cut)) == length);
	FUZZ_CHECK(strncmp(cut, first, sizeof(cut) - 1) == 0);
	FUZZ_CHECK(flagp_value_format(value, NULL, 0) == length);
}

/* What no text can say is refused where it comes another way. */
static void
check_other(struct value value, const struct value_limits *limits)
{
	struct value_limits widest = flagp_value_limits(VALUE_DOUBLE);
	struct flag_error error = { 0 };
	char text[VALUE_TEXT_SIZE];

	value.type = (enum value_type)((value.type + 1) % VALUE_TYPES);
	FUZZ_CHECK(flagp_value_check(&value, limits, &error) == -FLAG_EINVAL);
	fuzz_check_error(&error, FLAG_EINVAL, NULL, 0);
	value.type = VALUE_DOUBLE;
	value.number.real = NAN;
	FUZZ_CHECK(flagp_value_check(&value, &widest, NULL) == -FLAG_EINVAL);
	FUZZ_CHECK(flagp_value_format(&value, text, sizeof(text)) < 5);
	value.number.real = HUGE_VAL;
	FUZZ_CHECK(flagp_value_check(&value, &widest, NULL) == -FLAG_EINVAL);
}

static void
check_refused(const struct value *value, const struct flag_error *error)
{
	struct value before;

	memset(&before, 0x5a, sizeof(before));
	FUZZ_CHECK(memcmp(value, &before, sizeof(before)) == 0);
	fuzz_check_error(error, FLAG_EINVAL, NULL, 0);
	FUZZ_CHECK(strstr(error->text, "; use ") != NULL);
}

/* The least and the greatest value can be written and read. */
static void
check_limits(const struct value_limits *limits)
{
	char text[VALUE_TEXT_SIZE];
	struct value ends[2], again;
	size_t length;

	if (limits->type == VALUE_STRING)
		return;
	ends[0] = (struct value){ limits->type, limits->low, NULL };
	ends[1] = (struct value){ limits->type, limits->high, NULL };
	for (int i = 0; i < 2; i++) {
		length = flagp_value_format(&ends[i], text, sizeof(text));
		FUZZ_CHECK(length < sizeof(text));
		FUZZ_CHECK(flagp_value_parse(&again, limits, text, length,
					     NULL) == 0);
		FUZZ_CHECK(is_same(&again, &ends[i]));
	}
}

/* A state is on, off or a share; equal values have one mark. */
static void
check_state(const char *text, size_t size)
{
	const struct value_limits limits = flagp_value_limits(VALUE_SHARE);
	struct value value = { VALUE_SHARE, { .size = 0 }, NULL };
	char copy[SIZE_MAX_ + 1];
	uint32_t share = 7;

	if (size > 0)
		memcpy(copy, text, size);
	copy[size] = '\0';
	if (strcmp(copy, "on") == 0 || strcmp(copy, "off") == 0)
		value.number.share = copy[1] == 'n' ? FLAGP_SHARE_ALL : 0;
	else if (flagp_value_parse(&value, &limits, copy, strlen(copy),
				   NULL) != 0)
		value.number.share = 7;
	(void)flagp_value_state(copy, &share);
	FUZZ_CHECK(share == value.number.share);
	FUZZ_CHECK(flagp_value_mark(&value) == share);
}

static void
check_range(const struct value_limits *limits)
{
	char text[VALUE_RANGE_SIZE];
	size_t length = flagp_value_range(limits, text, sizeof(text));

	FUZZ_CHECK(length < sizeof(text) && strlen(text) == length);
	FUZZ_CHECK(strncmp(text, flagp_value_use(limits->type),
			   strlen(flagp_value_use(limits->type))) == 0);
}

static bool
check_text(const struct value_limits *limits, const char *text, size_t size)
{
	struct flag_error error = { 0 };
	struct value value, wide;
	struct value_limits widest = flagp_value_limits(limits->type);
	int result;

	memset(&value, 0x5a, sizeof(value));
	result = flagp_value_parse(&value, limits, text, size, &error);
	if (result != 0) {
		FUZZ_CHECK(result == -FLAG_EINVAL);
		check_refused(&value, &error);
		return false;
	}
	FUZZ_CHECK(error.code == 0);
	FUZZ_CHECK(value.type == limits->type);
	FUZZ_CHECK(is_within(&value, limits));
	FUZZ_CHECK(flagp_value_check(&value, limits, NULL) == 0);
	FUZZ_CHECK(flagp_value_parse(&wide, &widest, text, size, NULL) == 0);
	FUZZ_CHECK(is_same(&value, &wide));
	check_meaning(&value, text, size);
	check_format(&value, limits);
	check_other(value, limits);
	return true;
}

bool
fuzz_value(const uint8_t *data, size_t size)
{
	struct value_limits limits;
	bool accepted;
	char *text;

	if (size == 0 || size > SIZE_MAX_)
		return false;
	switch (data[0] & ~0x20) {
	case 'B': limits.type = VALUE_BOOL; break;
	case 'I': limits.type = VALUE_INT64; break;
	case 'D': limits.type = VALUE_DOUBLE; break;
	case 'T': limits.type = VALUE_DURATION; break;
	case 'S': limits.type = VALUE_SIZE; break;
	case 'P': limits.type = VALUE_SHARE; break;
	default: limits.type = VALUE_STRING; break;
	}
	if (data[0] & 0x20)
		limits = narrow[limits.type];
	else
		limits = flagp_value_limits(limits.type);
	text = fuzz_copy(data + 1, size - 1);
	check_limits(&limits);
	check_range(&limits);
	check_state(text, size - 1);
	accepted = check_text(&limits, text, size - 1);
	free(text);
	return accepted;
}

FUZZ_TARGET(fuzz_value)
