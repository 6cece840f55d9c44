/* SPDX-License-Identifier: MIT */
/* value.c - see value.h. */
#include "base/value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/text.h"

#define DOUBLE_LENGTH_MAX 400	/* characters; no config line has as many */
#define EXPONENT_MAX 100000	/* beyond it all is 0 or infinite */
#define SHARE_DECIMALS 3
#define SHARE_PERCENT (FLAGP_SHARE_ALL / 100)

/* Why a text is refused. */
enum problem {
	NONE,
	EMPTY,
	MALFORMED,
	TOO_LOW,
	TOO_HIGH,
	TOO_FINE,
	TOO_NEAR,
	TOO_LONG,
	CONTROL,
	NOT_UTF8,
	BLANK
};

/* What is still to read. */
struct scan {
	const char *at, *end;
};

/* A whole number as it was written. */
struct whole {
	uint64_t number;
	bool negative, over;		/* over: does not fit in number */
};

/* A number with a point and an exponent: digits * 10^exponent. */
struct decimal {
	char digits[DOUBLE_LENGTH_MAX + 1];
	size_t count;
	long exponent;
	bool negative;
};

struct unit {
	const char *name;
	uint64_t factor;
};

/* Each divides the next.  Where two have one factor, the last is the one that
 * is written. */
static const struct unit duration_units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", UINT64_C(60) * 1000000000 },
	{ "h", UINT64_C(3600) * 1000000000 },
	{ "d", UINT64_C(86400) * 1000000000 },
};

static const struct unit size_units[] = {
	{ "B", 1 },
	{ "", 1 },
	{ "KiB", UINT64_C(1) << 10 },
	{ "K", UINT64_C(1) << 10 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "M", UINT64_C(1) << 20 },
	{ "GiB", UINT64_C(1) << 30 },
	{ "G", UINT64_C(1) << 30 },
	{ "TiB", UINT64_C(1) << 40 },
	{ "T", UINT64_C(1) << 40 },
};

/* One type: how it is read, judged and written. */
struct form {
	const char *what;		/* "not ..." */
	const char *use;		/* "use ..." */
	enum problem (*read)(struct value *value, struct scan scan);
	/* What is wrong with it, its range aside; NULL: nothing can be. */
	enum problem (*check)(const struct value *value);
	size_t (*write)(const struct value *value, char *buffer, size_t size);
	union value_number low, high;
};

static const struct form forms[VALUE_TYPES];

static bool
at_digit(const struct scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Takes one character if it comes next. */
static bool
take(struct scan *scan, char character)
{
	if (scan->at == scan->end || *scan->at != character)
		return false;
	scan->at++;
	return true;
}

/* Takes the digits that come next; one at least, and no zero before others. */
static bool
take_whole(struct scan *scan, struct whole *whole)
{
	const char *first = scan->at;

	whole->number = 0;
	whole->over = false;
	for (; at_digit(scan); scan->at++) {
		uint64_t digit = (uint64_t)(*scan->at - '0');

		whole->over = whole->over ||
			      __builtin_mul_overflow(whole->number, 10,
						     &whole->number) ||
			      __builtin_add_overflow(whole->number, digit,
						     &whole->number);
	}
	return scan->at == first + 1 || (scan->at > first && *first != '0');
}

static bool
take_signed(struct scan *scan, struct whole *whole)
{
	whole->negative = take(scan, '-');
	return take_whole(scan, whole);
}

/* Takes all that is left as a unit; NULL if it is none. */
static const struct unit *
take_unit(const struct scan *scan, const struct unit *units, size_t count)
{
	size_t length = (size_t)(scan->end - scan->at);

	for (size_t i = 0; i < count; i++)
		if (strlen(units[i].name) == length &&
		    memcmp(units[i].name, scan->at, length) == 0)
			return &units[i];
	return NULL;
}

static enum problem
to_signed(const struct whole *whole, uint64_t factor, int64_t *number)
{
	uint64_t most = (uint64_t)INT64_MAX + whole->negative, product;

	if (__builtin_mul_overflow(whole->number, factor, &product) ||
	    whole->over || product > most)
		return whole->negative ? TOO_LOW : TOO_HIGH;
	/* Negated as unsigned: the least number has no positive. */
	*number = (int64_t)(whole->negative ? 0 - product : product);
	return NONE;
}

static enum problem
read_bool(struct value *value, struct scan scan)
{
	static const struct unit words[] = { { "off", 0 }, { "on", 1 } };
	const struct unit *word = take_unit(&scan, words, 2);

	if (word == NULL)
		return MALFORMED;
	value->number.on = word->factor == 1;
	return NONE;
}

static enum problem
read_int64(struct value *value, struct scan scan)
{
	struct whole whole;

	if (!take_signed(&scan, &whole) || scan.at != scan.end)
		return MALFORMED;
	return to_signed(&whole, 1, &value->number.integer);
}

static enum problem
read_duration(struct value *value, struct scan scan)
{
	const struct unit *unit;
	struct whole whole;

	if (!take_signed(&scan, &whole))
		return MALFORMED;
	unit = take_unit(&scan, duration_units, FLAGP_COUNT(duration_units));
	if (unit == NULL)
		return MALFORMED;
	return to_signed(&whole, unit->factor, &value->number.duration_ns);
}

static enum problem
read_size(struct value *value, struct scan scan)
{
	const struct unit *unit;
	struct whole whole;

	if (!take_whole(&scan, &whole))
		return MALFORMED;
	unit = take_unit(&scan, size_units, FLAGP_COUNT(size_units));
	if (unit == NULL)
		return MALFORMED;
	if (whole.over || __builtin_mul_overflow(whole.number, unit->factor,
						 &value->number.size))
		return TOO_HIGH;
	return NONE;
}

/* Percent with up to three decimals.  100.999% still passes here: the limits
 * refuse it. */
static enum problem
read_share(struct value *value, struct scan scan)
{
	uint64_t decimals = 0;
	struct whole whole;
	int count = 0;

	if (!take_whole(&scan, &whole))
		return MALFORMED;
	if (take(&scan, '.')) {
		for (; at_digit(&scan); scan.at++, count++)
			if (count < SHARE_DECIMALS)
				decimals = decimals * 10 +
					   (uint64_t)(*scan.at - '0');
		if (count == 0)
			return MALFORMED;
	}
	if (!take(&scan, '%') || scan.at != scan.end)
		return MALFORMED;
	if (count > SHARE_DECIMALS)
		return TOO_FINE;
	for (; count < SHARE_DECIMALS; count++)
		decimals *= 10;
	if (whole.over || whole.number > 100)
		return TOO_HIGH;
	value->number.share = (uint32_t)(whole.number * SHARE_PERCENT +
					 decimals);
	return NONE;
}

/*
 * The nearest double.  strtod(3) gets the digits without a point and an
 * exponent that makes up for it: it has then nothing to ask a locale.
 */
static double
nearest(const struct decimal *decimal)
{
	char text[DOUBLE_LENGTH_MAX + 32];

	snprintf(text, sizeof(text), "%s%.*se%ld",
		 decimal->negative ? "-" : "", (int)decimal->count,
		 decimal->digits, decimal->exponent);
	return strtod(text, NULL);
}

static bool
take_digits(struct scan *scan, struct decimal *decimal)
{
	const char *first = scan->at;

	while (at_digit(scan))
		decimal->digits[decimal->count++] = *scan->at++;
	return scan->at > first;
}

/* Takes what follows the e, and adds it. */
static bool
take_exponent(struct scan *scan, struct decimal *decimal)
{
	bool negative = take(scan, '-');
	long exponent = 0;

	if (!negative)
		take(scan, '+');
	if (!at_digit(scan))
		return false;
	for (; at_digit(scan); scan->at++)
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*scan->at - '0');
	decimal->exponent += negative ? -exponent : exponent;
	return true;
}

static bool
take_decimal(struct scan *scan, struct decimal *decimal)
{
	size_t whole;

	decimal->count = 0;
	decimal->exponent = 0;
	decimal->negative = take(scan, '-');
	if (!take_digits(scan, decimal))
		return false;
	whole = decimal->count;
	if (whole > 1 && decimal->digits[0] == '0')
		return false;
	if (take(scan, '.') && !take_digits(scan, decimal))
		return false;
	decimal->exponent = -(long)(decimal->count - whole);
	if (take(scan, 'e') || take(scan, 'E'))
		return take_exponent(scan, decimal);
	return true;
}

/* What is too great is infinite, and beyond every limit. */
static enum problem
read_double(struct value *value, struct scan scan)
{
	struct decimal decimal;
	double real;

	if (scan.end - scan.at > DOUBLE_LENGTH_MAX)
		return TOO_LONG;
	if (!take_decimal(&scan, &decimal) || scan.at != scan.end)
		return MALFORMED;
	real = nearest(&decimal);
	decimal.digits[decimal.count] = '\0';
	if (real == 0 && strspn(decimal.digits, "0") != decimal.count)
		return TOO_NEAR;
	value->number.real = real;
	return NONE;
}

/* The bytes that follow the first of a character, or -1; sets the bits that
 * it holds and the least character that needs so many. */
static int
following(unsigned char first, uint32_t *bits, uint32_t *least)
{
	if (first < 0x80) {
		*bits = first;
		*least = 0;
		return 0;
	}
	if (first >= 0xc0 && first < 0xe0) {
		*bits = first & 0x1fu;
		*least = 0x80;
		return 1;
	}
	if (first >= 0xe0 && first < 0xf0) {
		*bits = first & 0x0fu;
		*least = 0x800;
		return 2;
	}
	*bits = first & 0x07u;
	*least = 0x10000;
	return first >= 0xf0 && first < 0xf8 ? 3 : -1;
}

/* Takes one character of UTF-8: the shortest form, no surrogate. */
static bool
take_character(struct scan *scan, uint32_t *character)
{
	uint32_t least;
	int left = following((unsigned char)*scan->at++, character, &least);

	if (left < 0)
		return false;
	for (; left > 0; left--, scan->at++) {
		if (scan->at == scan->end || (*scan->at & 0xc0) != 0x80)
			return false;
		*character = *character << 6 |
			     ((unsigned char)*scan->at & 0x3fu);
	}
	return *character >= least && *character <= 0x10ffff &&
	       (*character < 0xd800 || *character > 0xdfff);
}

static enum problem
check_string(const struct value *value)
{
	uint64_t size = value->number.size;
	struct scan scan;

	if (size == 0)
		return NONE;
	scan.at = value->string;
	scan.end = scan.at + size;
	if (scan.at[0] == ' ' || scan.end[-1] == ' ')
		return BLANK;
	while (scan.at < scan.end) {
		uint32_t character;

		if (!take_character(&scan, &character))
			return NOT_UTF8;
		if (character < 0x20 ||
		    (character >= 0x7f && character < 0xa0))
			return CONTROL;
	}
	return NONE;
}

static enum problem
read_string(struct value *value, struct scan scan)
{
	value->string = scan.at;
	value->number.size = (uint64_t)(scan.end - scan.at);
	return NONE;
}

static enum problem
check_double(const struct value *value)
{
	return isfinite(value->number.real) ? NONE : MALFORMED;
}

static bool
less(enum value_type type, const union value_number *a,
     const union value_number *b)
{
	switch (type) {
	case VALUE_INT64:
		return a->integer < b->integer;
	case VALUE_DOUBLE:
		return a->real < b->real;
	case VALUE_DURATION:
		return a->duration_ns < b->duration_ns;
	case VALUE_SIZE:
	case VALUE_STRING:
		return a->size < b->size;
	case VALUE_SHARE:
		return a->share < b->share;
	default:
		return false;
	}
}

static size_t
write_bool(const struct value *value, char *buffer, size_t size)
{
	return (size_t)snprintf(buffer, size, "%s",
				value->number.on ? "on" : "off");
}

static size_t
write_int64(const struct value *value, char *buffer, size_t size)
{
	return (size_t)snprintf(buffer, size, "%lld",
				(long long)value->number.integer);
}

/* The greatest unit that divides number makes the shortest text. */
static const struct unit *
best_unit(uint64_t number, const struct unit *units, size_t count)
{
	size_t i = count - 1;

	while (number % units[i].factor != 0)
		i--;
	return &units[i];
}

static size_t
write_duration(const struct value *value, char *buffer, size_t size)
{
	int64_t ns = value->number.duration_ns;
	uint64_t number = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	const struct unit *unit = best_unit(number, duration_units,
					    FLAGP_COUNT(duration_units));

	if (ns == 0)
		return (size_t)snprintf(buffer, size, "0s");
	return (size_t)snprintf(buffer, size, "%s%llu%s", ns < 0 ? "-" : "",
				(unsigned long long)(number / unit->factor),
				unit->name);
}

static size_t
write_size(const struct value *value, char *buffer, size_t size)
{
	uint64_t number = value->number.size;
	const struct unit *unit = best_unit(number, size_units,
					    FLAGP_COUNT(size_units));

	if (number == 0)
		return (size_t)snprintf(buffer, size, "0");
	return (size_t)snprintf(buffer, size, "%llu%s",
				(unsigned long long)(number / unit->factor),
				unit->name);
}

static size_t
write_share(const struct value *value, char *buffer, size_t size)
{
	unsigned percent = value->number.share / SHARE_PERCENT;
	unsigned decimals = value->number.share % SHARE_PERCENT;
	int width = SHARE_DECIMALS;

	if (decimals == 0)
		return (size_t)snprintf(buffer, size, "%u%%", percent);
	for (; decimals % 10 == 0; decimals /= 10)
		width--;
	return (size_t)snprintf(buffer, size, "%u.%0*u%%", percent, width,
				decimals);
}

/* Sets the given number of digits of real.  Whatever stands between them for
 * a point is passed over. */
static void
to_digits(double real, int count, struct decimal *decimal)
{
	char text[64];
	const char *at = text;

	snprintf(text, sizeof(text), "%.*e", count - 1, real);
	decimal->negative = *at == '-';
	decimal->count = 0;
	for (; *at != 'e'; at++)
		if (*at >= '0' && *at <= '9')
			decimal->digits[decimal->count++] = *at;
	decimal->exponent = strtol(at + 1, NULL, 10) - (count - 1);
}

/* point: how many digits stand before the point. */
static size_t
write_plain(const struct decimal *decimal, long point, char *buffer,
	    size_t size)
{
	const char *sign = decimal->negative ? "-" : "";
	int count = (int)decimal->count;

	if (point <= 0)
		return (size_t)snprintf(buffer, size, "%s0.%.*s%.*s", sign,
					(int)-point, "000", count,
					decimal->digits);
	if (point >= count)
		return (size_t)snprintf(buffer, size, "%s%.*s%.*s", sign,
					count, decimal->digits,
					(int)point - count,
					"000000000000000");
	return (size_t)snprintf(buffer, size, "%s%.*s.%.*s", sign, (int)point,
				decimal->digits, count - (int)point,
				decimal->digits + point);
}

static size_t
write_double(const struct value *value, char *buffer, size_t size)
{
	struct decimal decimal;
	int count = 1;
	long point;

	if (!isfinite(value->number.real))
		return (size_t)snprintf(buffer, size, "%g",
					value->number.real);
	to_digits(value->number.real, count, &decimal);
	while (count < DBL_DECIMAL_DIG &&
	       nearest(&decimal) != value->number.real)
		to_digits(value->number.real, ++count, &decimal);
	point = (long)decimal.count + decimal.exponent;
	if (point > -4 && point <= 16)
		return write_plain(&decimal, point, buffer, size);
	return (size_t)snprintf(buffer, size, "%s%c%s%.*se%ld",
				decimal.negative ? "-" : "", decimal.digits[0],
				count > 1 ? "." : "", count - 1,
				decimal.digits + 1, point - 1);
}

static size_t
write_string(const struct value *value, char *buffer, size_t size)
{
	size_t length = (size_t)value->number.size;
	size_t fits = length < size ? length : size - 1;

	if (size == 0)
		return length;
	if (fits > 0)
		memcpy(buffer, value->string, fits);
	buffer[fits] = '\0';
	return length;
}

static const struct form forms[VALUE_TYPES] = {
	[VALUE_BOOL] = {
		"a switch", "on or off", read_bool, NULL, write_bool,
		{ .on = false }, { .on = true },
	},
	[VALUE_INT64] = {
		"a whole number", "a whole number such as 0, 42, -7",
		read_int64, NULL, write_int64,
		{ .integer = INT64_MIN }, { .integer = INT64_MAX },
	},
	[VALUE_DOUBLE] = {
		"a number", "a number such as 0.5, -3, 1e-6",
		read_double, check_double, write_double,
		{ .real = -DBL_MAX }, { .real = DBL_MAX },
	},
	[VALUE_DURATION] = {
		"a duration",
		"a duration such as 250ms, 10s, 2h "
		"(one of ns us ms s m h d)",
		read_duration, NULL, write_duration,
		{ .duration_ns = INT64_MIN }, { .duration_ns = INT64_MAX },
	},
	[VALUE_SIZE] = {
		"a size",
		"a size such as 512, 64K, 2GiB "
		"(bytes, or one of B K M G T; K is 1024)",
		read_size, NULL, write_size,
		{ .size = 0 }, { .size = UINT64_MAX },
	},
	[VALUE_SHARE] = {
		"a percentage",
		"a percentage such as 25% or 0.125%, in steps of 0.001%",
		read_share, NULL, write_share,
		{ .share = 0 }, { .share = FLAGP_SHARE_ALL },
	},
	[VALUE_STRING] = {
		"a text", "UTF-8 text without control characters",
		read_string, check_string, write_string,
		{ .size = 0 }, { .size = SIZE_MAX },
	},
};

static const char *const problem_texts[] = {
	[EMPTY] = "empty",
	[TOO_FINE] = "finer than 0.001%",
	[TOO_NEAR] = "nearer to 0 than can be",
	[TOO_LONG] = "too many digits",
	[CONTROL] = "a control character",
	[NOT_UTF8] = "not UTF-8",
	[BLANK] = "a blank at an end",
};

/* A limit as a text; of a string, its length as a whole number. */
static void
say_limit(enum value_type type, const union value_number *limit, char *buffer,
	  size_t size)
{
	const struct value value = { type, *limit, NULL };

	if (type == VALUE_STRING)
		snprintf(buffer, size, "%llu",
			 (unsigned long long)limit->size);
	else
		flagp_value_format(&value, buffer, size);
}

static void
say_problem(enum problem problem, const struct value_limits *limits,
	    char *buffer, size_t size)
{
	static const char *const words[][2] = { { "more", "less" },
						{ "longer", "shorter" } };
	bool is_text = limits->type == VALUE_STRING, low = problem == TOO_LOW;
	char limit[VALUE_TEXT_SIZE];

	say_limit(limits->type, low ? &limits->low : &limits->high, limit,
		  sizeof(limit));
	if (low || problem == TOO_HIGH)
		snprintf(buffer, size, "%s than %s%s", words[is_text][low],
			 limit, is_text ? " bytes" : "");
	else if (problem == MALFORMED)
		snprintf(buffer, size, "not %s", forms[limits->type].what);
	else
		snprintf(buffer, size, "%s", problem_texts[problem]);
}

const char *
flagp_value_use(enum value_type type)
{
	return forms[type].use;
}

size_t
flagp_value_range(const struct value_limits *limits, char *buffer, size_t size)
{
	bool is_text = limits->type == VALUE_STRING;
	char low[VALUE_TEXT_SIZE], high[VALUE_TEXT_SIZE];

	if (limits->type == VALUE_BOOL)
		return (size_t)snprintf(buffer, size, "%s",
					forms[VALUE_BOOL].use);
	say_limit(limits->type, &limits->low, low, sizeof(low));
	say_limit(limits->type, &limits->high, high, sizeof(high));
	return (size_t)snprintf(buffer, size, "%s, %s%s to %s%s",
				forms[limits->type].use,
				is_text ? "" : "from ", low, high,
				is_text ? " bytes" : "");
}

static int
refuse(enum problem problem, const struct value_limits *limits,
       struct flag_error *error)
{
	char what[96], range[VALUE_RANGE_SIZE];

	say_problem(problem, limits, what, sizeof(what));
	flagp_value_range(limits, range, sizeof(range));
	return flagp_error_set(error, FLAG_EINVAL, NULL, 0, "%s; use %s", what,
			       range);
}

struct value_limits
flagp_value_limits(enum value_type type)
{
	const struct value_limits limits = {
		type, forms[type].low, forms[type].high
	};

	return limits;
}

/* Size first: a string is not looked at beyond its limit. */
static enum problem
judge(const struct value *value, const struct value_limits *limits)
{
	const struct form *form = &forms[limits->type];

	if (value->type != limits->type)
		return MALFORMED;
	if (less(limits->type, &value->number, &limits->low))
		return TOO_LOW;
	if (less(limits->type, &limits->high, &value->number))
		return TOO_HIGH;
	return form->check == NULL ? NONE : form->check(value);
}

int
flagp_value_parse(struct value *value, const struct value_limits *limits,
		  const char *text, size_t length, struct flag_error *error)
{
	struct value read = { limits->type, { .size = 0 }, NULL };
	struct scan scan = { text, text + length };
	enum problem problem;

	if (length == 0 && limits->type != VALUE_STRING)
		problem = EMPTY;
	else
		problem = forms[limits->type].read(&read, scan);
	if (problem == NONE)
		problem = judge(&read, limits);
	if (problem == TOO_LOW && length == 0)
		problem = EMPTY;
	if (problem != NONE)
		return refuse(problem, limits, error);
	*value = read;
	return 0;
}

int
flagp_value_check(const struct value *value,
		  const struct value_limits *limits, struct flag_error *error)
{
	enum problem problem = judge(value, limits);

	return problem == NONE ? 0 : refuse(problem, limits, error);
}

size_t
flagp_value_format(const struct value *value, char *buffer, size_t size)
{
	return forms[value->type].write(value, buffer, size);
}

bool
flagp_value_state(const char *text, uint32_t *share)
{
	const struct value_limits all = flagp_value_limits(VALUE_SHARE);
	struct value value;

	if (strcmp(text, "on") == 0)
		*share = FLAGP_SHARE_ALL;
	else if (strcmp(text, "off") == 0)
		*share = 0;
	else if (flagp_value_parse(&value, &all, text, strlen(text), NULL) == 0)
		*share = value.number.share;
	else
		return false;
	return true;
}

uint64_t
flagp_value_mark(const struct value *value)
{
	uint64_t bits;

	switch (value->type) {
	case VALUE_BOOL:
		return value->number.on;
	case VALUE_SHARE:
		return value->number.share;
	case VALUE_STRING:
		return flagp_text_hash(FLAGP_FNV_START, value->string,
				       value->number.size);
	default:
		memcpy(&bits, &value->number, sizeof(bits));
		return bits;
	}
}
