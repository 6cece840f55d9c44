/* SPDX-License-Identifier: MIT */
/* test_error.c - the error object, and its neighbours clock and log. */
#include "base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "suite.h"

START_TEST(first_failure_wins)
{
	struct flag_error error;

	memset(&error, 0xff, sizeof(error));
	flagp_error_clear(&error);
	ck_assert_int_eq(error.code, 0);
	ck_assert_int_eq(flagp_error_set(&error, FLAG_ECONFIG, "a.ini", 7,
					 "state = %s", "x"), -FLAG_ECONFIG);
	ck_assert_int_eq(flagp_error_set(&error, FLAG_EIO, "b.ini", 8,
					 "later"), -FLAG_EIO);
	ck_assert_int_eq(error.code, FLAG_ECONFIG);
	ck_assert_uint_eq(error.line, 7);
	ck_assert_str_eq(error.file, "a.ini");
	ck_assert_str_eq(error.text, "state = x");
}
END_TEST

START_TEST(no_object_is_accepted)
{
	char buffer[8] = "x";

	flagp_error_clear(NULL);
	ck_assert_int_eq(flagp_error_set(NULL, FLAG_EBUSY, NULL, 0, "x"),
			 -FLAG_EBUSY);
	ck_assert_uint_eq(flagp_error_text(NULL, buffer, sizeof(buffer)), 0);
	ck_assert_str_eq(buffer, "");
}
END_TEST

START_TEST(control_characters_are_masked)
{
	struct flag_error error;

	flagp_error_clear(&error);
	flagp_error_set(&error, FLAG_ECONFIG, "a\x1b[2Jb", 1,
			"one\ntwo\x7f \xc3\xa9 \xc2\x9b" "3m \x9b" "4m");
	ck_assert_str_eq(error.file, "a?[2Jb");
	ck_assert_str_eq(error.text, "one?two? \xc3\xa9 ??3m ?4m");
}
END_TEST

START_TEST(long_text_is_cut_not_overrun)
{
	struct flag_error error;
	char name[2000];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	flagp_error_clear(&error);
	flagp_error_set(&error, FLAG_EIO, name, 0, "%s", name);
	ck_assert_uint_eq(strlen(error.file), sizeof(error.file) - 1);
	ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
}
END_TEST

START_TEST(text_leaves_out_what_is_not_known)
{
	struct flag_error error;
	char buffer[64], small[5];

	flagp_error_clear(&error);
	flagp_error_set(&error, FLAG_EIO, "a.ini", 3, "torn");
	ck_assert_uint_eq(flagp_error_text(&error, buffer, sizeof(buffer)),
			  13);
	ck_assert_str_eq(buffer, "a.ini:3: torn");
	ck_assert_uint_eq(flagp_error_text(&error, small, sizeof(small)), 13);
	ck_assert_str_eq(small, "a.in");
	error.line = 0;
	flagp_error_text(&error, buffer, sizeof(buffer));
	ck_assert_str_eq(buffer, "a.ini: torn");
	error.file[0] = '\0';
	flagp_error_text(&error, buffer, sizeof(buffer));
	ck_assert_str_eq(buffer, "torn");
}
END_TEST

START_TEST(errno_values_have_codes)
{
	static const struct {
		int number, code;
	} cases[] = {
		{ 0, 0 }, { ENOMEM, FLAG_ENOMEM }, { -ENOMEM, FLAG_ENOMEM },
		{ EPERM, FLAG_EACCES }, { EROFS, FLAG_EACCES },
		{ ENOTDIR, FLAG_ENOENT }, { EAGAIN, FLAG_EAGAIN },
		{ EBUSY, FLAG_EBUSY }, { EMFILE, FLAG_EIO },
		{ FLAG_ECONFIG, FLAG_ECONFIG },
		{ FLAG_EDIRECTORY, FLAG_EDIRECTORY }, { 99999, FLAG_EIO }
	};
	size_t i;

	for (i = 0; i < FLAGP_COUNT(cases); i++)
		ck_assert_int_eq(flagp_error_code(cases[i].number),
				 cases[i].code);
}
END_TEST

static int64_t
seven(void)
{
	return 7;
}

static int64_t
eight(void)
{
	return 8;
}

START_TEST(clock_is_replaced_and_restored)
{
	static const struct flagp_clock clock = { seven, eight };

	flagp_clock_replace(&clock);
	ck_assert_int_eq(flagp_clock_wall(), 7);
	ck_assert_int_eq(flagp_clock_ms(), 8);
	flagp_clock_replace(NULL);
	ck_assert_int_gt(flagp_clock_wall(), 1500000000);
	ck_assert_int_ne(flagp_clock_ms(), 8);
}
END_TEST

START_TEST(clock_formats_what_date_formats)
{
	/* From date -u -d @N +%FT%TZ. */
	static const struct {
		int64_t wall;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 951868799, "2000-02-29T23:59:59Z" },
		{ 951868800, "2000-03-01T00:00:00Z" },
		{ 1735689599, "2024-12-31T23:59:59Z" },
		{ 4107542399, "2100-02-28T23:59:59Z" },
		{ 4107542400, "2100-03-01T00:00:00Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ 253402300800, "-" }, { -1, "-" }, { INT64_MIN, "-" },
		{ INT64_MAX, "-" }
	};
	char buffer[21];
	size_t i;

	for (i = 0; i < FLAGP_COUNT(cases); i++) {
		flagp_clock_format(cases[i].wall, buffer, sizeof(buffer));
		ck_assert_str_eq(buffer, cases[i].text);
	}
}
END_TEST

struct heard {
	int level;
	char text[2000];
};

static void
hear(void *data, int level, const char *text)
{
	struct heard *heard = data;

	heard->level = level;
	snprintf(heard->text, sizeof(heard->text), "%s", text);
	errno = EPIPE;
}

START_TEST(log_reaches_the_sink_as_one_line)
{
	struct heard heard = { 0, "" };
	char name[3000];

	flagp_log(3, "nobody listens");
	flagp_log_set(hear, &heard);
	errno = EDOM;
	flagp_log(4, "flag %s\nnext", "a");
	ck_assert_int_eq(errno, EDOM);
	ck_assert_int_eq(heard.level, 4);
	ck_assert_str_eq(heard.text, "flag a?next");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	flagp_log(4, "%s", name);
	ck_assert_uint_eq(strlen(heard.text), 1000);
	flagp_log_set(NULL, NULL);
	flagp_log(5, "silent again");
	ck_assert_int_eq(heard.level, 4);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		first_failure_wins, no_object_is_accepted,
		control_characters_are_masked, long_text_is_cut_not_overrun,
		text_leaves_out_what_is_not_known, errno_values_have_codes,
		clock_is_replaced_and_restored,
		clock_formats_what_date_formats,
		log_reaches_the_sink_as_one_line, NULL
	};

	return suite_run("error", tests);
}
