/* SPDX-License-Identifier: MIT */
/*
 * test_value.c - what a text of each type may say, what refuses it and with
 * which words, and which text stands for a value.
 */
#include "base/value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "suite.h"

#define S INT64_C(1000000000)

/* Parses a copy that ends where the text ends, for the sanitizer to see a
 * look beyond it.  A string is left pointing into text. */
static int
parse_bytes(struct value *value, const struct value_limits *limits,
	    const char *text, size_t length, struct flag_error *error)
{
	char *copy = malloc(length > 0 ? length : 1);
	int result;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, length);
	error->code = 0;
	result = flagp_value_parse(value, limits, copy, length, error);
	if (result == 0 && value->type == VALUE_STRING)
		value->string = text;
	free(copy);
	return result;
}

static struct value
parse(enum value_type type, const char *text)
{
	const struct value_limits limits = flagp_value_limits(type);
	struct flag_error error;
	struct value value;

	ck_assert_msg(parse_bytes(&value, &limits, text, strlen(text),
				  &error) == 0, "'%s': %s", text, error.text);
	ck_assert_int_eq(value.type, type);
	return value;
}

static void
check_text(const struct value *value, const char *expected)
{
	char text[VALUE_TEXT_SIZE];

	ck_assert_uint_eq(flagp_value_format(value, text, sizeof(text)),
			  strlen(expected));
	ck_assert_str_eq(text, expected);
}

/* Refused with these words, and nothing changed. */
static void
check_refused(const struct value_limits *limits, const char *text,
	      size_t length, const char *expected)
{
	struct value value, before;
	struct flag_error error;

	memset(&value, 0x5a, sizeof(value));
	before = value;
	ck_assert_msg(parse_bytes(&value, limits, text, length, &error) ==
		      -FLAG_EINVAL, "'%s' was taken", text);
	ck_assert_int_eq(error.code, FLAG_EINVAL);
	ck_assert_int_eq(memcmp(&value, &before, sizeof(value)), 0);
	ck_assert_msg(strncmp(error.text, expected, strlen(expected)) == 0,
		      "'%s': '%s' does not begin with '%s'", text, error.text,
		      expected);
}

static void
check_all_refused(enum value_type type, const char *const *texts,
		  const char *expected)
{
	const struct value_limits limits = flagp_value_limits(type);

	for (; *texts != NULL; texts++)
		check_refused(&limits, *texts, strlen(*texts), expected);
}

START_TEST(bool_is_on_or_off)
{
	static const char *const refused[] = {
		"true", "false", "1", "0", "yes", "no", "On", "OFF", "on ",
		" on", "onn", "of", "o", "off,", "\ton", NULL
	};
	const struct value_limits limits = flagp_value_limits(VALUE_BOOL);
	struct value value = parse(VALUE_BOOL, "on");

	ck_assert(value.number.on);
	check_text(&value, "on");
	value = parse(VALUE_BOOL, "off");
	ck_assert(!value.number.on);
	check_text(&value, "off");
	check_all_refused(VALUE_BOOL, refused, "not a switch; use on or off");
	check_refused(&limits, "", 0, "empty; use on or off");
	check_refused(&limits, "on\0", 3, "not a switch");
}
END_TEST

/* What every type of number refuses, with and without a unit. */
static const char *const no_numbers[] = {
	" ", "-", "+", "+1", " 1", "1 ", "\t1", "1\n", "--1", "1-", "0x10",
	"0b1", "01", "-01", "1,000", "1_000", "1.", ".5", ".", "one", "nan",
	"NaN", "inf", "-inf", "infinity", "1x", "1e", "1e+", "1e1.5", "1;",
	"\xd9\xa3", "1\xc2\xa0", "%", "ns", "K", "+1s", " 1s", "1s ", "+1K",
	" 1K", "1 K", "1 s", "+1%", " 1%", "1 %", "01%", "01s", "01K",
	"0x1%", "0x1s", "0x1K", "1%%", "1ss", "1KK", "1.%", ".5%", "1.s",
	"1.K", "-", "-%", "-s", "-K", "1e2%", "1e2s", "1e2K", "nan%", "infs",
	NULL
};

START_TEST(int64_is_a_whole_decimal_number)
{
	static const struct {
		const char *text;
		int64_t number;
	} accepted[] = {
		{ "0", 0 }, { "1", 1 }, { "42", 42 }, { "-7", -7 },
		{ "10", 10 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
		{ "-9223372036854775807", -INT64_MAX },
	};
	static const char *const above[] = {
		"9223372036854775808", "18446744073709551615",
		"18446744073709551616", "18446744073709551626",
		"184467440737095516160", "184467440737095516161",
		"99999999999999999999999999999999999999", NULL
	};
	static const char *const below[] = {
		"-9223372036854775809", "-18446744073709551616",
		"-36893488147419103232", NULL
	};
	static const char *const broken[] = {
		"1.5", "1e3", "1.0", "1K", "1s", "99999999999999999999x", NULL
	};

	for (size_t i = 0; i < FLAGP_COUNT(accepted); i++) {
		struct value value = parse(VALUE_INT64, accepted[i].text);

		ck_assert_int_eq(value.number.integer, accepted[i].number);
		check_text(&value, accepted[i].text);
	}
	ck_assert_int_eq(parse(VALUE_INT64, "-0").number.integer, 0);
	check_all_refused(VALUE_INT64, no_numbers, "not a whole number; ");
	check_all_refused(VALUE_INT64, broken, "not a whole number; ");
	check_all_refused(VALUE_INT64, above,
			  "more than 9223372036854775807; ");
	check_all_refused(VALUE_INT64, below,
			  "less than -9223372036854775808; ");
}
END_TEST

static const struct {
	const char *text;
	double number;
	const char *canonical;
} doubles[] = {
	{ "0", 0, "0" }, { "-0", -0.0, "-0" }, { "0.0", 0, "0" },
	{ "0e99999999999999999999", 0, "0" }, { "1", 1, "1" },
	{ "2.5", 2.5, "2.5" }, { "-3", -3, "-3" }, { "0.1", 0.1, "0.1" },
	{ "1e3", 1000, "1000" }, { "1E3", 1000, "1000" },
	{ "1e+3", 1000, "1000" }, { "1.25e-2", 0.0125, "0.0125" },
	{ "0.0001", 0.0001, "0.0001" }, { "0.00001", 1e-5, "1e-5" },
	{ "-1.5e-5", -1.5e-5, "-1.5e-5" },
	{ "0.00012345678901234567", 0.00012345678901234567,
	  "0.00012345678901234567" },
	{ "1e15", 1e15, "1000000000000000" },
	{ "12e14", 12e14, "1200000000000000" },
	{ "1e16", 1e16, "1e16" }, { "1.5e16", 1.5e16, "1.5e16" },
	{ "9007199254740993", 9007199254740992.0, "9007199254740992" },
	{ "1234567890123456", 1234567890123456.0, "1234567890123456" },
	{ "123456.78", 123456.78, "123456.78" },
	{ "0.3", 0.3, "0.3" }, { "0.30000000000000004", 0.1 + 0.2,
				 "0.30000000000000004" },
	{ "1.7976931348623157e308", DBL_MAX, "1.7976931348623157e308" },
	{ "-1.7976931348623157e308", -DBL_MAX, "-1.7976931348623157e308" },
	{ "2.2250738585072014e-308", DBL_MIN, "2.2250738585072014e-308" },
	{ "5e-324", 4.9406564584124654e-324, "5e-324" },
	{ "3e-324", 4.9406564584124654e-324, "5e-324" },
};

static void
check_doubles(void)
{
	for (size_t i = 0; i < FLAGP_COUNT(doubles); i++) {
		struct value value = parse(VALUE_DOUBLE, doubles[i].text);

		ck_assert_msg(memcmp(&value.number.real, &doubles[i].number,
				     sizeof(double)) == 0, "%s is %a",
			      doubles[i].text, value.number.real);
		check_text(&value, doubles[i].canonical);
	}
}

START_TEST(double_is_a_finite_decimal_number)
{
	static const char *const broken[] = {
		"1.5.5", "1e5e5", "1e--5", "1e 5", "0x1p3", "1d", "1f",
		"00.5", "1.-5", "1.e5", "1K", "1s", "2,5", NULL
	};
	static const char *const above[] = {
		"1.8e308", "1e309", "1e99999999999999999999", NULL
	};
	static const char *const below[] = { "-1.8e308", "-1e400", NULL };
	static const char *const near[] = {
		"2e-324", "-1e-400", "1e-99999999999999999999", NULL
	};

	check_doubles();
	check_all_refused(VALUE_DOUBLE, no_numbers, "not a number; use a "
			  "number such as 0.5, -3, 1e-6, from ");
	check_all_refused(VALUE_DOUBLE, broken, "not a number; ");
	check_all_refused(VALUE_DOUBLE, above,
			  "more than 1.7976931348623157e308; ");
	check_all_refused(VALUE_DOUBLE, below,
			  "less than -1.7976931348623157e308; ");
	check_all_refused(VALUE_DOUBLE, near, "nearer to 0 than can be; ");
}
END_TEST

START_TEST(double_takes_400_characters_and_no_more)
{
	const struct value_limits limits = flagp_value_limits(VALUE_DOUBLE);
	struct flag_error error;
	struct value value;
	char text[402];

	memset(text, '3', sizeof(text));
	text[1] = '.';
	ck_assert_int_eq(parse_bytes(&value, &limits, text, 400, &error), 0);
	ck_assert(value.number.real == 10.0 / 3);
	check_refused(&limits, text, 401, "too many digits; ");
	memset(text, '0', sizeof(text));
	text[0] = '-';
	text[2] = '.';
	text[399] = '7';
	ck_assert_int_eq(parse_bytes(&value, &limits, text, 400, &error),
			 -FLAG_EINVAL);
	ck_assert_int_eq(strncmp(error.text, "nearer to 0", 11), 0);
}
END_TEST

START_TEST(duration_is_a_whole_number_and_a_unit)
{
	static const struct {
		const char *text;
		int64_t ns;
		const char *canonical;
	} accepted[] = {
		{ "0s", 0, "0s" }, { "0ns", 0, "0s" }, { "0d", 0, "0s" },
		{ "-0s", 0, "0s" }, { "1ns", 1, "1ns" },
		{ "999ns", 999, "999ns" }, { "1000ns", 1000, "1us" },
		{ "250ms", S / 4, "250ms" }, { "10s", 10 * S, "10s" },
		{ "60s", 60 * S, "1m" }, { "90s", 90 * S, "90s" },
		{ "90m", 5400 * S, "90m" }, { "2h", 7200 * S, "2h" },
		{ "24h", 86400 * S, "1d" }, { "36h", 129600 * S, "36h" },
		{ "7d", 604800 * S, "7d" }, { "-1500us", -1500000, "-1500us" },
		{ "106751d", INT64_C(106751) * 86400 * S, "106751d" },
		{ "9223372036854775807ns", INT64_MAX, "9223372036854775807ns" },
		{ "-9223372036854775808ns", INT64_MIN,
		  "-9223372036854775808ns" },
	};
	static const char *const broken[] = {
		"10", "0", "1.5s", "1h30m", "1S", "1M", "1H", "1MS", "1sec",
		"1min", "1w", "1y", "1msx", "1m s", "s1", "1%", "1K",
		"99999999999999999999999x", NULL
	};
	static const char *const above[] = {
		"9223372036854775808ns", "106752d", "9223372037s",
		"18446744073709551616ns", "307445734562s",
		"99999999999999999999d", "184467440737095516160ns", NULL
	};
	static const char *const below[] = {
		"-9223372036854775809ns", "-106752d", NULL
	};

	for (size_t i = 0; i < FLAGP_COUNT(accepted); i++) {
		struct value value = parse(VALUE_DURATION, accepted[i].text);

		ck_assert_int_eq(value.number.duration_ns, accepted[i].ns);
		check_text(&value, accepted[i].canonical);
	}
	check_all_refused(VALUE_DURATION, broken, "not a duration; use a "
			  "duration such as 250ms, 10s, 2h (one of ns us ms "
			  "s m h d), from ");
	check_all_refused(VALUE_DURATION, no_numbers, "not a duration; ");
	check_all_refused(VALUE_DURATION, above, "more than ");
	check_all_refused(VALUE_DURATION, below, "less than ");
}
END_TEST

START_TEST(size_is_bytes_in_powers_of_1024)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		const char *canonical;
	} accepted[] = {
		{ "0", 0, "0" }, { "0B", 0, "0" }, { "0T", 0, "0" },
		{ "1", 1, "1" }, { "512", 512, "512" }, { "512B", 512, "512" },
		{ "1000", 1000, "1000" }, { "1024", 1024, "1K" },
		{ "64K", 65536, "64K" }, { "64KiB", 65536, "64K" },
		{ "1536M", UINT64_C(1536) << 20, "1536M" },
		{ "1024M", UINT64_C(1) << 30, "1G" },
		{ "3MiB", 3 << 20, "3M" }, { "2G", UINT64_C(2) << 30, "2G" },
		{ "2GiB", UINT64_C(2) << 30, "2G" },
		{ "5T", UINT64_C(5) << 40, "5T" },
		{ "5TiB", UINT64_C(5) << 40, "5T" },
		{ "16777215T", UINT64_C(16777215) << 40, "16777215T" },
		{ "18446744073709551615", UINT64_MAX, "18446744073709551615" },
	};
	static const char *const broken[] = {
		"64k", "64KB", "64kB", "64Kb", "64Ki", "1.5G", "-1", "-1K",
		"-0", "1P", "1PiB", "1b", "1bytes", "1BB", "1K1", "1s", "1%",
		"99999999999999999999x", NULL
	};
	static const char *const above[] = {
		"18446744073709551616", "16777216T", "17179869184G",
		"18446744073709551615K", "18014398509481985K",
		"99999999999999999999999", "184467440737095516160", NULL
	};

	for (size_t i = 0; i < FLAGP_COUNT(accepted); i++) {
		struct value value = parse(VALUE_SIZE, accepted[i].text);

		ck_assert_uint_eq(value.number.size, accepted[i].bytes);
		check_text(&value, accepted[i].canonical);
	}
	check_all_refused(VALUE_SIZE, broken, "not a size; use a size such as "
			  "512, 64K, 2GiB (bytes, or one of B K M G T; K is "
			  "1024), from 0 to 18446744073709551615");
	check_all_refused(VALUE_SIZE, above,
			  "more than 18446744073709551615; ");
}
END_TEST

/* Some of no_numbers are sizes or percentages where they have no unit. */
START_TEST(size_and_share_refuse_what_is_no_number)
{
	for (size_t i = 0; no_numbers[i] != NULL; i++) {
		const char *const one[] = { no_numbers[i], NULL };

		check_all_refused(VALUE_SIZE, one, "not a size; ");
		check_all_refused(VALUE_SHARE, one, "not a percentage; ");
	}
}
END_TEST

START_TEST(share_is_a_percentage_in_steps)
{
	static const struct {
		const char *text;
		uint32_t share;
		const char *canonical;
	} accepted[] = {
		{ "0%", 0, "0%" }, { "100%", 100000, "100%" },
		{ "25%", 25000, "25%" }, { "0.125%", 125, "0.125%" },
		{ "0.001%", 1, "0.001%" }, { "99.999%", 99999, "99.999%" },
		{ "12.5%", 12500, "12.5%" }, { "12.50%", 12500, "12.5%" },
		{ "12.500%", 12500, "12.5%" }, { "1.05%", 1050, "1.05%" },
		{ "1.005%", 1005, "1.005%" }, { "100.000%", 100000, "100%" },
		{ "0.0%", 0, "0%" }, { "33.333%", 33333, "33.333%" },
	};
	static const char *const broken[] = {
		"-1", "101", "1e9", "nan", "0x10", "18446744073709551616",
		"18446744073709551615", "25 %", "%", "25", "0", "100", "-1%",
		"-0%", "1e9%", "0x10%", "25%%", "25%x", "25.5.5%", "on",
		"off", "25,5%", "0.25", "25.x%", NULL
	};
	static const char *const above[] = {
		"101%", "100.001%", "1000%", "4294967296%", "4295%",
		"18446744073709551615%", "18446744073709551616%",
		"18446744073709551617%", "184467440737095516160%", NULL
	};
	static const char *const fine[] = {
		"25.0005%", "0.0001%", "25.0000%", "101.0000%",
		"0.33333333333333333333333333333333%", NULL
	};

	for (size_t i = 0; i < FLAGP_COUNT(accepted); i++) {
		struct value value = parse(VALUE_SHARE, accepted[i].text);

		ck_assert_uint_eq(value.number.share, accepted[i].share);
		check_text(&value, accepted[i].canonical);
	}
	check_all_refused(VALUE_SHARE, broken, "not a percentage; use a "
			  "percentage such as 25% or 0.125%, in steps of "
			  "0.001%, from 0% to 100%");
	check_all_refused(VALUE_SHARE, above, "more than 100%; ");
	check_all_refused(VALUE_SHARE, fine, "finer than 0.001%; ");
}
END_TEST

/* What stands behind the length is not looked at. */
START_TEST(a_text_ends_where_its_length_says)
{
	static const struct {
		enum value_type type;
		const char *text;
		size_t length;
		const char *expected;	/* NULL: refused */
	} cuts[] = {
		{ VALUE_BOOL, "onx", 2, "on" },
		{ VALUE_INT64, "123", 2, "12" },
		{ VALUE_INT64, "-1", 1, NULL },
		{ VALUE_DOUBLE, "1.55", 3, "1.5" },
		{ VALUE_DOUBLE, "1e55", 3, "100000" },
		{ VALUE_DOUBLE, "1.5", 2, NULL },
		{ VALUE_DOUBLE, "1e5", 2, NULL },
		{ VALUE_DURATION, "5ms", 2, "5m" },
		{ VALUE_DURATION, "5ms", 1, NULL },
		{ VALUE_SIZE, "5KiB", 2, "5K" },
		{ VALUE_SIZE, "5KiB", 3, NULL },
		{ VALUE_SHARE, "5%%", 2, "5%" },
		{ VALUE_SHARE, "5%", 1, NULL },
		{ VALUE_STRING, "abc", 2, "ab" },
		{ VALUE_STRING, "\xc3\xa9", 1, NULL },
		{ VALUE_STRING, "\xe2\x82\xac", 2, NULL },
	};

	for (size_t i = 0; i < FLAGP_COUNT(cuts); i++) {
		const struct value_limits limits =
			flagp_value_limits(cuts[i].type);
		struct value value;
		int result = flagp_value_parse(&value, &limits, cuts[i].text,
					       cuts[i].length, NULL);

		if (cuts[i].expected == NULL) {
			ck_assert_int_eq(result, -FLAG_EINVAL);
			continue;
		}
		ck_assert_int_eq(result, 0);
		check_text(&value, cuts[i].expected);
	}
}
END_TEST

START_TEST(empty_is_no_number)
{
	for (int type = VALUE_BOOL; type < VALUE_STRING; type++) {
		const struct value_limits limits = flagp_value_limits(type);

		check_refused(&limits, "", 0, "empty; use ");
	}
}
END_TEST

static struct value_limits
string_limits(uint64_t low, uint64_t high)
{
	struct value_limits limits = flagp_value_limits(VALUE_STRING);

	limits.low.size = low;
	limits.high.size = high;
	return limits;
}

START_TEST(string_is_printable_utf8_within_its_length)
{
	static const char *const accepted[] = {
		"a", "/var/cache/x y", "\xc3\xa9t\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xc2\xa0",
		"\xed\x9f\xbf", "\xee\x80\x80", "~", "\xef\xbf\xbd",
		"1234567890"
	};
	const struct value_limits limits = string_limits(1, 10);
	const struct value_limits wide = string_limits(0, 20);
	const struct value_limits three = string_limits(3, 10);
	char buffer[32];

	for (size_t i = 0; i < FLAGP_COUNT(accepted); i++) {
		const char *text = accepted[i];
		struct flag_error error;
		struct value value;

		ck_assert_msg(parse_bytes(&value, &wide, text, strlen(text),
					  &error) == 0, "%s: %s", text,
			      error.text);
		ck_assert_uint_eq(value.number.size, strlen(text));
		ck_assert_uint_eq(flagp_value_format(&value, buffer,
						     sizeof(buffer)),
				  strlen(text));
		ck_assert_str_eq(buffer, text);
	}
	ck_assert_uint_eq(parse(VALUE_STRING, "").number.size, 0);
	check_refused(&limits, "", 0, "empty; use UTF-8 text without control "
		      "characters, 1 to 10 bytes");
	check_refused(&limits, "12345678901", 11, "longer than 10 bytes; ");
	check_refused(&three, "ab", 2, "shorter than 3 bytes; ");
}
END_TEST

START_TEST(string_refuses_what_a_terminal_obeys)
{
	static const char *const control[] = {
		"a\tb", "\x1b[2J", "a\nb", "a\x7f", "\x01", "\xc2\x80",
		"a\xc2\x9b", "\xc2\x9f", "\r", NULL
	};
	static const char *const not_utf8[] = {
		"\x80", "a\xbf", "\xc3", "\xc3(", "\xe2\x82", "\xe2(\xac",
		"\xf0\x9f\x98", "\xff", "\xfe", "\xf8\x88\x80\x80\x80",
		"\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf7\xbf\xbf\xbf", "\xe9t\xe9", NULL
	};
	static const char *const blanks[] = { " ", " a", "a ", "  ", NULL };
	const struct value_limits limits = flagp_value_limits(VALUE_STRING);

	check_all_refused(VALUE_STRING, control, "a control character; ");
	check_all_refused(VALUE_STRING, not_utf8, "not UTF-8; ");
	check_all_refused(VALUE_STRING, blanks, "a blank at an end; ");
	check_refused(&limits, "a\0b", 3, "a control character; ");
}
END_TEST

/* Low, high: as texts.  inside is taken, the others refused with all words. */
static void
check_range(enum value_type type, const char *low, const char *high,
	    const char *const inside[], const char *below, const char *above,
	    const char *words)
{
	struct value_limits limits = { type, parse(type, low).number,
				       parse(type, high).number };
	char expected[512];
	struct flag_error error;
	struct value value;

	for (; *inside != NULL; inside++) {
		ck_assert_int_eq(parse_bytes(&value, &limits, *inside,
					     strlen(*inside), &error), 0);
		ck_assert_int_eq(flagp_value_check(&value, &limits, NULL), 0);
	}
	snprintf(expected, sizeof(expected), "less than %s; %s, from %s to %s",
		 low, words, low, high);
	check_refused(&limits, below, strlen(below), expected);
	snprintf(expected, sizeof(expected), "more than %s; %s, from %s to %s",
		 high, words, low, high);
	check_refused(&limits, above, strlen(above), expected);
	value = parse(type, below);
	error.code = 0;
	ck_assert_int_eq(flagp_value_check(&value, &limits, &error),
			 -FLAG_EINVAL);
	ck_assert_int_eq(strncmp(error.text, "less than ", 10), 0);
	value = parse(type, above);
	ck_assert_int_eq(flagp_value_check(&value, &limits, NULL),
			 -FLAG_EINVAL);
}

START_TEST(limits_are_inside_and_named_with_units)
{
	check_range(VALUE_INT64, "-1", "64",
		    (const char *const[]){ "-1", "0", "64", NULL }, "-2", "65",
		    "use a whole number such as 0, 42, -7");
	check_range(VALUE_DOUBLE, "0.1", "0.5",
		    (const char *const[]){ "0.1", "0.3", "5e-1", NULL },
		    "0.09999999999999999", "0.5000000000000001",
		    "use a number such as 0.5, -3, 1e-6");
	check_range(VALUE_DURATION, "1ms", "1h",
		    (const char *const[]){ "1000us", "60m", "5s", NULL },
		    "999999ns", "3600001ms",
		    "use a duration such as 250ms, 10s, 2h "
		    "(one of ns us ms s m h d)");
	check_range(VALUE_SIZE, "4K", "1G",
		    (const char *const[]){ "4096B", "1024M", "1M", NULL },
		    "4095", "1048577K",
		    "use a size such as 512, 64K, 2GiB "
		    "(bytes, or one of B K M G T; K is 1024)");
	check_range(VALUE_SHARE, "1%", "50%",
		    (const char *const[]){ "1.000%", "50%", "2.5%", NULL },
		    "0.999%", "50.001%",
		    "use a percentage such as 25% or 0.125%, in steps of "
		    "0.001%");
}
END_TEST

START_TEST(check_refuses_what_no_text_says)
{
	const struct value_limits limits = flagp_value_limits(VALUE_DOUBLE);
	const struct value_limits text = string_limits(0, 10);
	struct value value = { VALUE_DOUBLE, { .real = NAN }, NULL };

	ck_assert_int_eq(flagp_value_check(&value, &limits, NULL),
			 -FLAG_EINVAL);
	value.number.real = INFINITY;
	ck_assert_int_eq(flagp_value_check(&value, &limits, NULL),
			 -FLAG_EINVAL);
	value.number.real = 1;
	ck_assert_int_eq(flagp_value_check(&value, &limits, NULL), 0);
	value.type = VALUE_INT64;
	ck_assert_int_eq(flagp_value_check(&value, &limits, NULL),
			 -FLAG_EINVAL);
	value = (struct value){ VALUE_STRING, { .size = 2 }, "a\n" };
	ck_assert_int_eq(flagp_value_check(&value, &text, NULL),
			 -FLAG_EINVAL);
	value = (struct value){ VALUE_STRING, { .size = 0 }, NULL };
	ck_assert_int_eq(flagp_value_check(&value, &text, NULL), 0);
	value = (struct value){ VALUE_SHARE, { .share = FLAGP_SHARE_NONE },
				NULL };
	ck_assert_int_eq(flagp_value_check(&value, &(struct value_limits){
		VALUE_SHARE, { .share = 0 }, { .share = FLAGP_SHARE_ALL } },
		NULL), -FLAG_EINVAL);
}
END_TEST

/* What is said before a text is tried is what is said of one that is refused,
 * also of the widest range. */
START_TEST(a_range_is_said_as_refusals_say_it)
{
	for (int type = 0; type < VALUE_TYPES; type++) {
		struct value_limits limits =
			flagp_value_limits((enum value_type)type);
		const char *use = flagp_value_use(limits.type);
		char range[VALUE_RANGE_SIZE];
		struct flag_error error;
		struct value value;
		size_t length = flagp_value_range(&limits, range,
						  sizeof(range));

		ck_assert_uint_lt(length, sizeof(range));
		ck_assert_int_eq(strncmp(range, use, strlen(use)), 0);
		ck_assert_int_eq(strlen(use) == length, type == VALUE_BOOL);
		ck_assert_int_eq(parse_bytes(&value, &limits, "\n", 1,
					     &error), -FLAG_EINVAL);
		ck_assert_ptr_nonnull(strstr(error.text, "; use "));
		ck_assert_str_eq(strstr(error.text, "; use ") + 6, range);
	}
}
END_TEST

START_TEST(small_buffers_get_what_fits)
{
	char buffer[16];
	static const struct {
		enum value_type type;
		const char *text;
	} values[] = {
		{ VALUE_BOOL, "off" }, { VALUE_INT64, "-12345678" },
		{ VALUE_DOUBLE, "1.2345678" }, { VALUE_DOUBLE, "-1.5e300" },
		{ VALUE_DOUBLE, "0.0001" }, { VALUE_DURATION, "1234567us" },
		{ VALUE_SIZE, "123456789" }, { VALUE_SHARE, "12.345%" },
		{ VALUE_STRING, "some text" },
	};

	for (size_t i = 0; i < FLAGP_COUNT(values); i++) {
		struct value value = parse(values[i].type, values[i].text);

		for (size_t size = 0; size < sizeof(buffer); size++) {
			memset(buffer, '#', sizeof(buffer));
			ck_assert_uint_eq(flagp_value_format(&value, buffer,
							     size),
					  strlen(values[i].text));
			ck_assert_int_eq(buffer[size], '#');
			if (size == 0)
				continue;
			ck_assert_int_eq(strncmp(buffer, values[i].text,
						 size - 1), 0);
			ck_assert_uint_eq(strlen(buffer),
					  strlen(values[i].text) < size ?
					  strlen(values[i].text) : size - 1);
		}
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		bool_is_on_or_off,
		int64_is_a_whole_decimal_number,
		double_is_a_finite_decimal_number,
		double_takes_400_characters_and_no_more,
		duration_is_a_whole_number_and_a_unit,
		size_is_bytes_in_powers_of_1024,
		size_and_share_refuse_what_is_no_number,
		share_is_a_percentage_in_steps,
		a_text_ends_where_its_length_says,
		empty_is_no_number,
		string_is_printable_utf8_within_its_length,
		string_refuses_what_a_terminal_obeys,
		limits_are_inside_and_named_with_units,
		check_refuses_what_no_text_says,
		a_range_is_said_as_refusals_say_it,
		small_buffers_get_what_fits,
		NULL,
	};

	return suite_run("value", tests);
}
