/* SPDX-License-Identifier: MIT */
/* test_environment.c - the text of RIPCORD_FLAGS: what is taken, what is
 * refused and with which words. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "store/conf.h"

#define NAME_48 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define NONE FLAGP_SHARE_NONE

/* What one item became. */
struct item {
	const char *name, *text;
	uint32_t share;
	unsigned number;
};

/* Taken texts; items sorted by name, as a configuration is. */
static const struct {
	const char *text;
	struct item items[3];
} taken[] = {
	{ "", { { NULL, NULL, 0, 0 } } },
	{ "a=on", { { "a", "on", FLAG_SHARE_ALL, 1 } } },
	{ "a=off", { { "a", "off", 0, 1 } } },
	{ "a=25%", { { "a", "25%", 25000, 1 } } },
	{ "a=0.001%", { { "a", "0.001%", 1, 1 } } },
	{ "a=100%", { { "a", "100%", FLAG_SHARE_ALL, 1 } } },
	{ "a.b=on,c=25%,cache.bytes=32M",
	  { { "a.b", "on", FLAG_SHARE_ALL, 1 }, { "c", "25%", 25000, 2 },
	    { "cache.bytes", "32M", NONE, 3 } } },
	{ "z=off,a=on", { { "a", "on", FLAG_SHARE_ALL, 2 },
			  { "z", "off", 0, 1 } } },
	/* What a name stands for is not known here. */
	{ "a=offf", { { "a", "offf", NONE, 1 } } },
	{ "a=100.001%", { { "a", "100.001%", NONE, 1 } } },
	{ "a=b=c", { { "a", "b=c", NONE, 1 } } },
	{ "a= on", { { "a", " on", NONE, 1 } } },
	{ "a=\xc3\xa4", { { "a", "\xc3\xa4", NONE, 1 } } },
	{ NAME_48 "=on", { { NAME_48, "on", FLAG_SHARE_ALL, 1 } } },
	{ "A-1_b.C=on", { { "A-1_b.C", "on", FLAG_SHARE_ALL, 1 } } },
	{ "defaults.x=on", { { "defaults.x", "on", FLAG_SHARE_ALL, 1 } } },
};

static const struct {
	const char *text;
	unsigned number;	/* of the item that is wrong */
	const char *begins, *contains;
} refused[] = {
	{ "a", 1, "a: ", "name=state" },
	{ "a=", 1, "a=: ", "name=state" },
	{ "=on", 1, "=on: ", "not a flag's name" },
	{ ",", 1, ": ", "name=state" },
	{ "a=on,", 2, ": ", "comma between" },
	{ "a=on,,b=on", 2, ": ", "comma between" },
	{ " a=on", 1, " a=on: ", "not a flag's name" },
	{ "a =on", 1, "a =on: ", "not a flag's name" },
	{ "a=on, b=on", 2, " b=on: ", "not a flag's name" },
	{ "-a=on", 1, "-a=on: ", "not a flag's name" },
	{ ".a=on", 1, ".a=on: ", "not a flag's name" },
	{ "a/b=on", 1, "a/b=on: ", "at most 48" },
	{ NAME_48 "n=on", 1, NAME_48, "at most 48" },
	{ "defaults=on", 1, "defaults=on: ", "reserved" },
	{ "service=x", 1, "service=x: ", "reserved" },
	{ "a=on,b=off,a=off", 3, "a=off: ", "item 1 has this name" },
	{ "a=o\nn", 1, "a=o", "control character" },
	{ "a=\x7f", 1, "a=", "control character" },
	{ "a=\x1b[31m", 1, "a=", "control character" },
	{ "a\n=on", 1, "a", "not a flag's name" },
	{ "a\tb=on", 1, "a", "not a flag's name" },
};

static void
check_taken(const char *text, const struct item *items)
{
	struct conf conf = { 0 };
	struct flag_error error = { 0 };
	size_t count = 0;

	ck_assert_msg(flagp_conf_environment(&conf, text, &error) == 0,
		      "\"%s\": %s", text, error.text);
	while (count < 3 && items[count].name != NULL)
		count++;
	ck_assert_uint_eq(conf.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct conf_value *value =
			flagp_conf_last(&conf, items[i].name);

		ck_assert_ptr_eq(value, &conf.values[i]);
		ck_assert_ptr_eq(flagp_conf_first(&conf, items[i].name),
				 value);
		ck_assert_str_eq(value->text, items[i].text);
		ck_assert_str_eq(value->file, "RIPCORD_FLAGS");
		ck_assert_uint_eq(value->share, items[i].share);
		ck_assert_uint_eq(value->line, items[i].number);
	}
	flagp_conf_free(&conf);
}

START_TEST(what_is_taken)
{
	for (size_t i = 0; i < FLAGP_COUNT(taken); i++)
		check_taken(taken[i].text, taken[i].items);
}
END_TEST

static void
check_refused(const char *text, unsigned number, const char *begins,
	      const char *contains)
{
	struct conf conf = { 0 };
	struct flag_error error = { 0 };

	ck_assert_msg(flagp_conf_environment(&conf, text, &error) ==
		      -FLAG_ECONFIG, "\"%.60s\" is taken", text);
	ck_assert_uint_eq(conf.count, 0);
	ck_assert_ptr_null(flagp_conf_last(&conf, "a"));
	ck_assert_int_eq(error.code, FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "RIPCORD_FLAGS");
	ck_assert_uint_eq(error.line, number);
	ck_assert_msg(strncmp(error.text, begins, strlen(begins)) == 0, "%s",
		      error.text);
	ck_assert_msg(strstr(error.text, contains) != NULL, "%s", error.text);
	ck_assert_msg(strstr(error.text, "(environment not applied; the "
			     "files decide)") != NULL, "%s", error.text);
	for (const char *at = error.text; *at != '\0'; at++)
		ck_assert_msg((unsigned char)*at >= ' ' && *at != 0x7f, "%s",
			      error.text);
	flagp_conf_free(&conf);
}

START_TEST(what_is_refused)
{
	for (size_t i = 0; i < FLAGP_COUNT(refused); i++)
		check_refused(refused[i].text, refused[i].number,
			      refused[i].begins, refused[i].contains);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_refused)
{
	char text[CONF_ENVIRONMENT_LIMIT + 2];
	struct conf conf = { 0 };
	struct flag_error error = { 0 };

	memset(text, 'x', sizeof(text));
	memcpy(text, "a=", 2);
	text[CONF_ENVIRONMENT_LIMIT + 1] = '\0';
	check_refused(text, 0, "1001 characters", "at most 1000");
	text[CONF_ENVIRONMENT_LIMIT] = '\0';
	ck_assert_int_eq(flagp_conf_environment(&conf, text, &error), 0);
	ck_assert_uint_eq(conf.count, 1);
	ck_assert_uint_eq(strlen(conf.values[0].text),
			  CONF_ENVIRONMENT_LIMIT - 2);
	flagp_conf_free(&conf);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		what_is_taken,
		what_is_refused,
		a_text_that_is_too_long_is_refused,
		NULL
	};

	return suite_run("environment", tests);
}
