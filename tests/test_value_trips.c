/* SPDX-License-Identifier: MIT */
/*
 * test_value_trips.c - every value comes back from its own text, which is the
 * shortest, whatever the locale: seeded random values of each type.
 */
#include "base/value.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "folder.h"
#include "suite.h"

#define ROUNDS 100000u

/* A sequence that a seed repeats: Weyl's, stirred. */
static uint64_t
next_random(uint64_t *seed)
{
	uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* A whole number with all magnitudes alike, often a multiple of a unit. */
static uint64_t
spread(uint64_t *seed, const uint64_t *factors, size_t count)
{
	uint64_t random = next_random(seed);
	uint64_t number = next_random(seed) >> random % 64;
	uint64_t factor = factors[(random >> 8) % count];

	return number <= UINT64_MAX / factor ? number * factor : number;
}

/* A random value of the type. */
static struct value
random_value(enum value_type type, uint64_t *seed)
{
	static const uint64_t seconds[] = {
		1, 1000, 1000000, 1000000000, UINT64_C(60000000000),
		UINT64_C(3600000000000), UINT64_C(86400000000000)
	};
	static const uint64_t bytes[] = {
		1, 1024, 1048576, 1073741824, UINT64_C(1099511627776)
	};
	struct value value = { type, { .size = 0 }, NULL };
	uint64_t bits = next_random(seed);
	int64_t thousandths = (int64_t)(bits % 2000000) - 1000000;

	if (type == VALUE_BOOL)
		value.number.on = bits % 2 == 1;
	else if (type == VALUE_INT64)
		value.number.integer = (int64_t)spread(seed, seconds, 1);
	else if (type == VALUE_DURATION)
		value.number.duration_ns = (int64_t)spread(seed, seconds, 7);
	else if (type == VALUE_SIZE)
		value.number.size = spread(seed, bytes, 5);
	else if (type == VALUE_SHARE)
		value.number.share = (uint32_t)(bits % (FLAGP_SHARE_ALL + 1));
	else if (bits >> 63 == 1)
		value.number.real = (double)thousandths / 1000;
	else
		memcpy(&value.number.real, &bits, sizeof(bits));
	return value;
}

static bool
same(const struct value *a, const struct value *b)
{
	switch (a->type) {
	case VALUE_BOOL:
		return a->number.on == b->number.on;
	case VALUE_SHARE:
		return a->number.share == b->number.share;
	default:
		return memcmp(&a->number, &b->number, 8) == 0;
	}
}

/* An assertion costs a system call: only what fails is one. */
static void
check_round_trips(enum value_type type, uint64_t seed)
{
	const struct value_limits limits = flagp_value_limits(type);

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct value value = random_value(type, &seed), back;
		char text[VALUE_TEXT_SIZE];
		size_t length;

		if (type == VALUE_DOUBLE && !isfinite(value.number.real))
			continue;
		length = flagp_value_format(&value, text, sizeof(text));
		if (length >= sizeof(text) || strlen(text) != length ||
		    flagp_value_parse(&back, &limits, text, length, NULL) != 0)
			ck_abort_msg("type %d: '%s' is refused", type, text);
		if (!same(&value, &back))
			ck_abort_msg("type %d: '%s' is another value", type,
				     text);
	}
}

START_TEST(every_value_comes_back_from_its_text)
{
	for (int type = VALUE_BOOL; type < VALUE_STRING; type++)
		check_round_trips(type, 10 + (uint64_t)type);
}
END_TEST

START_TEST(every_share_comes_back_from_its_text)
{
	const struct value_limits limits = flagp_value_limits(VALUE_SHARE);

	for (uint32_t share = 0; share <= FLAGP_SHARE_ALL; share++) {
		struct value value = { VALUE_SHARE, { .share = share }, NULL };
		char text[VALUE_TEXT_SIZE];
		size_t length = flagp_value_format(&value, text, sizeof(text));

		if (flagp_value_parse(&value, &limits, text, length, NULL) !=
		    0 || value.number.share != share)
			ck_abort_msg("share %u: '%s'", share, text);
	}
}
END_TEST

/* No unit makes a shorter text of the same duration or size. */
START_TEST(no_other_unit_is_shorter)
{
	static const struct {
		enum value_type type;
		const char *name;
	} units[] = {
		{ VALUE_DURATION, "ns" }, { VALUE_DURATION, "us" },
		{ VALUE_DURATION, "ms" }, { VALUE_DURATION, "s" },
		{ VALUE_DURATION, "m" }, { VALUE_DURATION, "h" },
		{ VALUE_DURATION, "d" }, { VALUE_SIZE, "" },
		{ VALUE_SIZE, "K" }, { VALUE_SIZE, "M" }, { VALUE_SIZE, "G" },
		{ VALUE_SIZE, "T" },
	};
	uint64_t seed = 20;

	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t pick = next_random(&seed) % FLAGP_COUNT(units);
		struct value value;
		struct value_limits limits =
			flagp_value_limits(units[pick].type);
		char text[VALUE_TEXT_SIZE], best[VALUE_TEXT_SIZE];
		int length = snprintf(text, sizeof(text), "%" PRIu64 "%s",
				      next_random(&seed) >>
				      (1 + next_random(&seed) % 63),
				      units[pick].name);

		if (flagp_value_parse(&value, &limits, text, (size_t)length,
				      NULL) != 0)
			continue;
		if (flagp_value_format(&value, best, sizeof(best)) >
		    (size_t)length)
			ck_abort_msg("'%s' is longer than '%s'", best, text);
	}
}
END_TEST

/* Digits of the text before an exponent, without zeros at either end. */
static int
count_digits(const char *text)
{
	int count = 0, last = 0;

	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text < '0' || *text > '9' || (*text == '0' && count == 0))
			continue;
		count++;
		if (*text != '0')
			last = count;
	}
	return last;
}

/* strtod() in the C locale is the judge of the double and of its digits. */
START_TEST(doubles_are_the_nearest_and_have_the_fewest_digits)
{
	const struct value_limits limits = flagp_value_limits(VALUE_DOUBLE);
	uint64_t seed = 21;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t bits = next_random(&seed);
		char text[80], fewer[80];
		struct value value;
		int length = snprintf(text, sizeof(text),
				      "%" PRIu64 ".%" PRIu64 "e%d",
				      bits >> bits % 64,
				      next_random(&seed) >> (bits >> 6) % 64,
				      (int)((bits >> 12) % 600) - 320);

		if (flagp_value_parse(&value, &limits, text, (size_t)length,
				      NULL) != 0)
			ck_abort_msg("'%s' is refused", text);
		if (value.number.real != strtod(text, NULL))
			ck_abort_msg("'%s' is another number", text);
		flagp_value_format(&value, text, sizeof(text));
		length = count_digits(text);
		if (length < 2)
			continue;
		snprintf(fewer, sizeof(fewer), "%.*e", length - 2,
			 value.number.real);
		if (strtod(fewer, NULL) == value.number.real)
			ck_abort_msg("'%s' could be '%s'", text, fewer);
	}
}
END_TEST

/*
 * Makes a locale with a decimal comma in the folder, with what every glibc
 * brings, and puts it in force.  localedef(1) complains of all that the locale
 * does not define; the number's part is all that is used.
 */
static void
speak_comma(const struct folder *folder)
{
	static const char source[] =
		"comment_char %\nescape_char /\nLC_NUMERIC\n"
		"decimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\n"
		"END LC_NUMERIC\n";
	static const char characters[] =
		"<code_set_name> ANSI_X3.4-1968\n<escape_char> /\nCHARMAP\n"
		"<U002c> /x2c comma\n<U002e> /x2e period\nEND CHARMAP\n";
	char command[400];

	folder_put(folder, "source", source, sizeof(source) - 1);
	folder_put(folder, "characters", characters, sizeof(characters) - 1);
	snprintf(command, sizeof(command), "cd %s && localedef --no-archive "
		 "-c -i ./source -f ./characters ./comma >said 2>&1; "
		 "test -f comma/LC_NUMERIC || cat said", folder->path);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(setenv("LOCPATH", folder->path, 1), 0);
	ck_assert_ptr_nonnull(setlocale(LC_NUMERIC, "comma"));
}

START_TEST(a_decimal_comma_changes_nothing)
{
	struct folder folder = folder_make();
	static const char *const texts[] = {
		"2.5", "-0.001", "1.5e300", "123456.789", "7"
	};
	static const double numbers[] = {
		2.5, -0.001, 1.5e300, 123456.789, 7
	};
	const struct value_limits limits = flagp_value_limits(VALUE_DOUBLE);
	struct value value;
	char text[VALUE_TEXT_SIZE];

	speak_comma(&folder);
	/* The trap is set: libc reads and writes a comma. */
	ck_assert(strtod("2.5", NULL) == 2);
	snprintf(text, sizeof(text), "%.1f", 2.5);
	ck_assert_str_eq(text, "2,5");
	for (size_t i = 0; i < FLAGP_COUNT(texts); i++) {
		ck_assert_int_eq(flagp_value_parse(&value, &limits, texts[i],
						   strlen(texts[i]), NULL), 0);
		ck_assert(value.number.real == numbers[i]);
		flagp_value_format(&value, text, sizeof(text));
		ck_assert_str_eq(text, texts[i]);
	}
	check_round_trips(VALUE_DOUBLE, 30);
	check_round_trips(VALUE_SHARE, 31);
	check_round_trips(VALUE_INT64, 32);
	ck_assert_int_eq(flagp_value_parse(&value, &limits, "2,5", 3, NULL),
			 -FLAG_EINVAL);
	folder_remove(&folder);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_value_comes_back_from_its_text,
		every_share_comes_back_from_its_text,
		no_other_unit_is_shorter,
		doubles_are_the_nearest_and_have_the_fewest_digits,
		a_decimal_comma_changes_nothing,
		NULL,
	};

	return suite_run("value trips", tests);
}
