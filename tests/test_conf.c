/* SPDX-License-Identifier: MIT */
/*
 * test_conf.c - what a text of the configuration may say, which text refuses
 * it, damaged texts, and that nobody in the process can change the outcome.
 */
#include "store/conf.h"

#include <ini.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "suite.h"

/* A text with its size, for those that hold a NUL. */
#define TEXT(literal) literal, sizeof(literal) - 1

#define X10 "xxxxxxxxxx"
#define X40 X10 X10 X10 X10
#define X100 X40 X40 X10 X10

/* "flag=on@3 other=25%@5 size:64M@7 (service@1)": values, then what was
 * skipped. */
static char *
describe(const struct conf *conf, struct text *text)
{
	text->size = 0;
	flagp_text_add(text, "%s", "");
	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_value *value = &conf->values[i];

		flagp_text_add(text, "%s%s", i == 0 ? "" : " ", value->flag);
		if (value->text != NULL) {
			ck_assert_uint_eq(value->share, FLAGP_SHARE_NONE);
			flagp_text_add(text, ":%s", value->text);
		} else if (value->share == 0) {
			flagp_text_add(text, "=off");
		} else if (value->share == FLAGP_SHARE_ALL) {
			flagp_text_add(text, "=on");
		} else {
			flagp_text_add(text, "=%g%%", value->share / 1000.0);
		}
		flagp_text_add(text, "@%u", value->line);
	}
	for (size_t i = 0; i < conf->skipped_count; i++)
		flagp_text_add(text, "%s(%s@%u)", text->size == 0 ? "" : " ",
			       conf->skipped[i].section,
			       conf->skipped[i].line);
	ck_assert(!text->failed);
	return text->data;
}

static const struct {
	const char *text;
	size_t size;
	const char *expected;
} accepted[] = {
	{ TEXT(""), "" },
	{ TEXT("\n"), "" },
	{ TEXT("; a comment"), "" },
	{ TEXT("# a comment\n\n   \t\n\t; another\n"), "" },
	{ TEXT("[a]\nstate = on\n"), "a=on@2" },
	{ TEXT("[a]\nstate = off\n"), "a=off@2" },
	{ TEXT("[a]\nstate=on"), "a=on@2" },
	{ TEXT("[a]\nstate\t=\t on \t\n"), "a=on@2" },
	{ TEXT("[a]\n"), "" },
	{ TEXT("[a]"), "" },
	{ TEXT("[b]\nstate = on\n[a]\n\nstate = off\n"), "a=off@5 b=on@2" },
	{ TEXT("[a]\r\nstate = on\r\n\r\n; c\r\n"), "a=on@2" },
	{ TEXT("[a]\r\nstate = on\n"), "a=on@2" },
	{ TEXT("\xef\xbb\xbf[a]\nstate = on\n"), "a=on@2" },
	{ TEXT("\xef\xbb\xbf; c\n[a]\nstate = on\n"), "a=on@3" },
	{ TEXT("\xef\xbb\xbf"), "" },
	{ TEXT("; sch\xc3\xb6n, \xe9, \xff\xfe\n[a]\nstate = on ; \xc3\xbc\n"),
	  "a=on@3" },
	{ TEXT("[a]   ; why\nstate = on ; why not\n"), "a=on@2" },
	{ TEXT("[a]\nstate = on\t;\n"), "a=on@2" },
	{ TEXT("[a]\nstate = on ;; a ; b # c\n"), "a=on@2" },
	{ TEXT("[A.b-c_D9]\nstate = on\n"), "A.b-c_D9=on@2" },
	{ TEXT("[0]\nstate = on\n"), "0=on@2" },
	{ TEXT("[" X40 "12345678]\nstate = on\n"), X40 "12345678=on@2" },
	{ TEXT(";" X100 X100 " state = off\n[a]\nstate = on\n#" X100 X100
	       X100 "\n"), "a=on@3" },
	{ TEXT("[service]\nname = x\n[a]\nstate = on\n[breaker]\n"
	       "[record]\n[ripcord]\nany = [thing] : = here\n"),
	  "a=on@4 (service@1) (breaker@5) (record@6) (ripcord@7)" },
	{ TEXT("[breaker:cache]\nstate = nonsense\nstate = twice\n[a:b:c.d]\n"
	       "[a]\nstate = on\n"), "a=on@6 (breaker:cache@1) (a:b:c.d@4)" },
	{ TEXT("[Service]\nstate = on\n"), "Service=on@2" },
	{ TEXT("[a]\nstate = 25%\n[b]\nstate = 0.001%\n[c]\nstate = 0%\n"
	       "[d]\nstate = 100%\n"),
	  "a=25%@2 b=0.001%@4 c=off@6 d=on@8" },
	{ TEXT("[a]\nbucket = flagd2\nstate = 99.999%\n"), "a=99.999%@3" },
	{ TEXT("[a]\nvalue = 64M\n[b]\nvalue = on\n"),
	  "a:64M@2 b:on@4" },
	{ TEXT("[a]\nvalue = one ; two = three\n"), "a:one@2" },
	{ TEXT("[defaults]\nbucket = flagd2\n[a]\nstate = on\n"),
	  "a=on@4" },
};

static void
check_accepted(void)
{
	struct text text = TEXT_INIT;

	for (size_t i = 0; i < FLAGP_COUNT(accepted); i++) {
		struct conf conf = { 0 };
		struct flag_error error = { 0 };

		ck_assert_msg(flagp_conf_parse(&conf, "mysvc.ini", false,
					       accepted[i].text,
					       accepted[i].size, &error) == 0,
			      "row %zu: %s", i, error.text);
		ck_assert_str_eq(describe(&conf, &text), accepted[i].expected);
		ck_assert_int_eq(error.code, 0);
		ck_assert_uint_eq(conf.files, 1);
		flagp_conf_free(&conf);
	}
	flagp_text_free(&text);
}

START_TEST(texts_that_are_accepted)
{
	check_accepted();
}
END_TEST

#define NO_SECTION_NAME ": not a flag's name; use letters, digits, _ . and " \
	"-, and begin with a letter or digit"
#define NO_PAIR ": neither a section nor a key; write [name] or key = value"
#define INDENTED "indented line, which would continue the line before it; " \
	"begin in the first column"
#define CARRIAGE "carriage return inside the line; end lines with LF or CR LF"
#define MARK "byte order mark inside the file; only its very start may have one"
#define NUL "NUL byte; only plain text is accepted"
#define UTF16 "UTF-16 text; save the file as UTF-8"
#define ASCII(byte) "byte 0x" byte " is not ASCII; accepted in comments only"
#define CONTROL(byte) "control character 0x" byte "; only tab is accepted"
#define NO_STATE ": not a state; use on, off or 0% to 100% in steps of " \
	"0.001%"
#define NO_DEFAULT ": belongs to one flag; write it in the section of that " \
	"flag"
#define KEEP_ONE "; keep one of the two"
#define LATER(key) { TEXT("[a]\n" key " = x y\n"), 2, \
	"[a] " key " = x y: not in this version" }

static const struct {
	const char *text;
	size_t size;
	unsigned line;
	const char *expected;
} refused[] = {
	/* bytes */
	{ TEXT("[a]\nstate = on\0\n"), 2, NUL },
	{ TEXT("[a]\nst\0ate = on\n"), 2, NUL },
	{ TEXT("[a]\n\0state = on\n"), 2, NUL },
	{ TEXT("; c\0\n"), 1, NUL },
	{ TEXT("[\0a\0]\0\n\0"), 1, NUL },
	{ TEXT("\xff\xfe[\0a\0]\0"), 1, UTF16 },
	{ TEXT("\xfe\xff\0[\0a\0]"), 1, UTF16 },
	{ TEXT("[a]\rstate = on\r"), 1, CARRIAGE },
	{ TEXT("; c\rstate = on\r"), 1, CARRIAGE },
	{ TEXT("[a]\nstate = on\r"), 2, CARRIAGE },
	{ TEXT("[a]\nstate = on\r\r\n"), 2, CARRIAGE },
	{ TEXT("[a]\nstate = \x1b[31mon\n"), 2, CONTROL("1b") },
	{ TEXT("\n; \x1b[31mred\n"), 2, CONTROL("1b") },
	{ TEXT("[a]\n\fstate = on\n"), 2, CONTROL("0c") },
	{ TEXT("[a]\nstate\v= on\n"), 2, CONTROL("0b") },
	{ TEXT("[a\x7f]\n"), 1, CONTROL("7f") },
	{ TEXT("[a]\n\xef\xbb\xbfstate = on\n"), 2, MARK },
	{ TEXT("\xef\xbb\xbf\xef\xbb\xbf[a]\n"), 1, MARK },
	{ TEXT("; joined\xef\xbb\xbf[a]\n"), 1, MARK },
	{ TEXT("[sch\xc3\xb6n]\n"), 1, ASCII("c3") },
	{ TEXT("[a]\nstate = \xc2\xa0on\n"), 2, ASCII("c2") },
	{ TEXT("[a]\n\xd1\x81tate = on\n"), 2, ASCII("d1") },
	/* lines */
	{ TEXT("[a]\n state = on\n"), 2, INDENTED },
	{ TEXT("[a]\n\tstate = on\n"), 2, INDENTED },
	{ TEXT(" [a]\nstate = on\n"), 1, INDENTED },
	{ TEXT("[a]\nstate: on\n"), 2,
	  "state: on: colon after the key; write key = value" },
	{ TEXT("[a]\nsta:te = on\n"), 2,
	  "sta:te = on: colon after the key; write key = value" },
	{ TEXT("[a]\nstate\n"), 2, "state" NO_PAIR },
	{ TEXT("[a]\nstate on\n"), 2, "state on" NO_PAIR },
	{ TEXT("[a]\nstate ;= on\n"), 2, "state" NO_PAIR },
	{ TEXT("[a]\n= on\n"), 2, "= on: empty key; write key = value" },
	{ TEXT("[a]\n=\n"), 2, "=: empty key; write key = value" },
	{ TEXT("[a]\nstate =\n"), 2,
	  "state =: empty value; write key = value" },
	{ TEXT("[a]\nstate = ; on\n"), 2,
	  "state =: empty value; write key = value" },
	{ TEXT("[service]\nname =\n"), 2,
	  "name =: empty value; write key = value" },
	{ TEXT("[x:y]\nname: a\n"), 2,
	  "name: a: colon after the key; write key = value" },
	{ TEXT("state = on\n[a]\n"), 1,
	  "state = on: key before any section; write [name] above it" },
	{ TEXT("\n\n" X100 X40 X40 X10 "x = on\n"), 3,
	  "line of 196 characters; at most 190 are accepted outside comment "
	  "lines" },
	/* sections */
	{ TEXT("[two\nstate = on\n"), 1, "[two: ] is missing; write [name]" },
	{ TEXT("[two ; ]\n"), 1, "[two: ] is missing; write [name]" },
	{ TEXT("[a] x=1\n"), 1,
	  "[a] x=1: text after ]; only a comment, a blank and ; before it, "
	  "may follow" },
	{ TEXT("[a]]\n"), 1,
	  "[a]]: text after ]; only a comment, a blank and ; before it, "
	  "may follow" },
	{ TEXT("[a] # b\n"), 1,
	  "[a] # b: text after ]; only a comment, a blank and ; before it, "
	  "may follow" },
	{ TEXT("[a];b\n"), 1,
	  "[a];b: text after ]; only a comment, a blank and ; before it, "
	  "may follow" },
	{ TEXT("[]\nstate = on\n"), 1,
	  "[]: section without a name; use the name of a flag" },
	{ TEXT("[" X40 "123456789]\n"), 1,
	  "[" X40 "123456789]: name of 49 characters; at most 48 are "
	  "accepted" },
	{ TEXT("[" X40 X10 X10 "]\n"), 1,
	  "[" X40 X10 X10 "]: name of 60 characters; at most 48 are "
	  "accepted" },
	{ TEXT("[a b]\n"), 1, "[a b]" NO_SECTION_NAME },
	{ TEXT("[ a ]\n"), 1, "[ a ]" NO_SECTION_NAME },
	{ TEXT("[../a]\n"), 1, "[../a]" NO_SECTION_NAME },
	{ TEXT("[.a]\n"), 1, "[.a]" NO_SECTION_NAME },
	{ TEXT("[a/b]\n"), 1, "[a/b]" NO_SECTION_NAME },
	{ TEXT("[a:]\n"), 1, "[a:]" NO_SECTION_NAME },
	{ TEXT("[:a]\n"), 1, "[:a]" NO_SECTION_NAME },
	{ TEXT("[a::b]\n"), 1, "[a::b]" NO_SECTION_NAME },
	{ TEXT("[a]\n[b]\n\n[a]\nstate = on\n"), 4,
	  "[a]: section stands in line 1 already; put its keys together" },
	{ TEXT("[a]\n[a]\n"), 2,
	  "[a]: section stands in line 1 already; put its keys together" },
	{ TEXT("[x:y]\n[service]\n[x:y]\n"), 3,
	  "[x:y]: section stands in line 1 already; put its keys together" },
	/* keys */
	{ TEXT("[a]\nstate = on\n; c\nstate = off\n"), 4,
	  "[a] state = off: state stands in line 2 already" KEEP_ONE },
	{ TEXT("[a]\nstate = on\nstate = on\n"), 3,
	  "[a] state = on: state stands in line 2 already" KEEP_ONE },
	{ TEXT("[a]\nenabled = true\n"), 2,
	  "[a] enabled = true: unknown key; use state, value or "
	  "bucket" },
	{ TEXT("[a]\nstaet = on\n"), 2,
	  "[a] staet = on: unknown key; did you mean state?" },
	{ TEXT("[a]\nState = on\n"), 2,
	  "[a] State = on: unknown key; did you mean state?" },
	{ TEXT("[a]\nst ate = on\n"), 2,
	  "[a] st ate = on: unknown key; did you mean state?" },
	{ TEXT("[a]\nbucket = flagd3\n"), 2,
	  "[a] bucket = flagd3: no such way to choose keys; use flagd2" },
	{ TEXT("[a]\nbucket = flagd2\nbucket = flagd2\n"), 3,
	  "[a] bucket = flagd2: bucket stands in line 2 already" KEEP_ONE },
	{ TEXT("[a]\nvalue = 1\n\nvalue = 2\n"), 4,
	  "[a] value = 2: value stands in line 2 already" KEEP_ONE },
	{ TEXT("[a]\nvalue = 1\nstate = on\n"), 3,
	  "[a] state = on: value stands in line 2 already; a section is a "
	  "flag or a tunable: keep one of the two" },
	{ TEXT("[a]\nstate = on\nvalue = 1\n"), 3,
	  "[a] value = 1: state stands in line 2 already; a section is a "
	  "flag or a tunable: keep one of the two" },
	{ TEXT("[defaults]\nstate = on\n"), 2,
	  "[defaults] state = on" NO_DEFAULT },
	{ TEXT("[defaults]\nvalue = 1\n"), 2,
	  "[defaults] value = 1" NO_DEFAULT },
	{ TEXT("[defaults]\nbukket = flagd2\n"), 2,
	  "[defaults] bukket = flagd2: unknown key; did you mean bucket?" },
	LATER("guard"), LATER("guard_action"),
	LATER("guard_alpha"), LATER("guard_interval"), LATER("guard_warmup"),
	LATER("guard_min_calls"), LATER("guard_holdback"), LATER("ramp"),
	LATER("breaker"), LATER("quiesce"), LATER("owner"),
	/* states */
	{ TEXT("[a]\nstate = maybe\n"), 2, "[a] state = maybe" NO_STATE },
	{ TEXT("[a]\nstate = On\n"), 2, "[a] state = On" NO_STATE },
	{ TEXT("[a]\nstate = \"on\"\n"), 2, "[a] state = \"on\"" NO_STATE },
	{ TEXT("[a]\nstate = true\n"), 2, "[a] state = true" NO_STATE },
	{ TEXT("[a]\nstate = 1\n"), 2, "[a] state = 1" NO_STATE },
	{ TEXT("[a]\nstate = on # c\n"), 2, "[a] state = on # c" NO_STATE },
	{ TEXT("[a]\nstate = on;c\n"), 2, "[a] state = on;c" NO_STATE },
	{ TEXT("[a]\nstate == on\n"), 2, "[a] state = = on" NO_STATE },
	{ TEXT("[a]\nstate = on off\n"), 2, "[a] state = on off" NO_STATE },
	{ TEXT("[a]\nstate = o\n"), 2, "[a] state = o" NO_STATE },
	{ TEXT("[a]\nstate = -1\n"), 2, "[a] state = -1" NO_STATE },
	{ TEXT("[a]\nstate = -1%\n"), 2, "[a] state = -1%" NO_STATE },
	{ TEXT("[a]\nstate = nan%\n"), 2, "[a] state = nan%" NO_STATE },
	{ TEXT("[a]\nstate = %\n"), 2, "[a] state = %" NO_STATE },
	{ TEXT("[a]\nstate = 101%\n"), 2, "[a] state = 101%" NO_STATE },
	{ TEXT("[a]\nstate = 0.0001%\n"), 2, "[a] state = 0.0001%" NO_STATE },
	{ TEXT("[a]\nstate = 1e1%\n"), 2, "[a] state = 1e1%" NO_STATE },
	{ TEXT("[a]\nstate = 0x10%\n"), 2, "[a] state = 0x10%" NO_STATE },
	{ TEXT("[a]\nstate = 25 %\n"), 2, "[a] state = 25 %" NO_STATE },
	{ TEXT("[a]\nstate = 25\n"), 2, "[a] state = 25" NO_STATE },
	{ TEXT("[a]\nstate = 18446744073709551616%\n"), 2,
	  "[a] state = 18446744073709551616%" NO_STATE },
};

static void
check_refused(void)
{
	for (size_t i = 0; i < FLAGP_COUNT(refused); i++) {
		struct conf conf = { 0 };
		struct flag_error error = { 0 };

		ck_assert_msg(flagp_conf_parse(&conf, "mysvc.ini", false,
					       refused[i].text,
					       refused[i].size, &error) ==
			      -FLAG_ECONFIG, "row %zu", i);
		ck_assert_str_eq(error.text, refused[i].expected);
		ck_assert_uint_eq(error.line, refused[i].line);
		ck_assert_str_eq(error.file, "mysvc.ini");
		ck_assert_int_eq(error.code, FLAG_ECONFIG);
		ck_assert_int_eq(flagp_conf_parse(&conf, "mysvc.ini", false,
						  refused[i].text,
						  refused[i].size, NULL),
				 -FLAG_ECONFIG);
		ck_assert_uint_eq(conf.count + conf.skipped_count, 0);
		ck_assert_uint_eq(conf.files, 0);
		ck_assert_uint_eq(conf.digest, 0);
		flagp_conf_free(&conf);
	}
}

START_TEST(texts_that_are_refused)
{
	check_refused();
}
END_TEST

START_TEST(message_names_file_line_and_what_is_meant)
{
	static const char text[] = "\n\n\n\n\n\n\n\n\n\n"
		"[checksum.crc32c]\nstat = on\n";
	struct conf conf = { 0 };
	struct flag_error error = { 0 };

	ck_assert_int_eq(flagp_conf_parse(&conf, "mysvc.ini", false,
					  TEXT(text), &error), -FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "mysvc.ini");
	ck_assert_uint_eq(error.line, 12);
	ck_assert_str_eq(error.text, "[checksum.crc32c] stat = on: "
			 "unknown key; did you mean state?");
	flagp_conf_free(&conf);
}
END_TEST

/* A line of data may have 190 characters, what stands behind it included. */
START_TEST(data_lines_end_at_their_limit)
{
	struct text text = TEXT_INIT;

	for (unsigned length = CONF_LINE_LIMIT - 1;
	     length <= CONF_LINE_LIMIT + 1; length++) {
		struct conf conf = { 0 };
		int result;

		text.size = 0;
		flagp_text_add(&text, "[a]\nstate = on ;%*s\n",
			       (int)length - 12, "x");
		ck_assert_uint_eq(text.size, length + 5);
		result = flagp_conf_parse(&conf, "f", false, text.data,
					  text.size, NULL);
		ck_assert_int_eq(result, length <= CONF_LINE_LIMIT ?
				 0 : -FLAG_ECONFIG);
		flagp_conf_free(&conf);
	}
	flagp_text_free(&text);
}
END_TEST

START_TEST(one_line_of_a_mebibyte)
{
	struct conf conf = { 0 };
	struct flag_error error = { 0 };
	size_t size = 1 << 20;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', size);
	ck_assert_int_eq(flagp_conf_parse(&conf, "f", false, text, size,
					  &error), -FLAG_ECONFIG);
	ck_assert_str_eq(error.text, "line of 1048576 characters; at most 190 "
			 "are accepted outside comment lines");
	text[0] = ';';
	ck_assert_int_eq(flagp_conf_parse(&conf, "f", false, text, size,
					  NULL), 0);
	free(text);
	flagp_conf_free(&conf);
}
END_TEST

START_TEST(refused_text_leaves_the_set_as_it_was)
{
	struct conf conf = { 0 };
	struct text text = TEXT_INIT;
	uint64_t digest;

	ck_assert_int_eq(flagp_conf_parse(&conf, "f", false,
					  TEXT("[x:y]\n[b]\nstate = on\n"),
					  NULL), 0);
	digest = conf.digest;
	ck_assert_int_eq(flagp_conf_parse(&conf, "g", true,
					  TEXT("[x:y]\n[a]\nstate = on\n[b"),
					  NULL), -FLAG_ECONFIG);
	ck_assert_str_eq(describe(&conf, &text), "b=on@3 (x:y@1)");
	ck_assert_uint_eq(conf.digest, digest);
	ck_assert_uint_eq(conf.files, 1);
	flagp_text_free(&text);
	flagp_conf_free(&conf);
	ck_assert_ptr_null(conf.memory);
	flagp_conf_free(NULL);
}
END_TEST

/* The file names are out of their order on purpose: reading order counts. */
START_TEST(same_flag_in_several_files_keeps_the_order_of_reading)
{
	static const struct {
		const char *file, *text;
	} files[] = {
		{ "m.ini", "[b]\nstate = on\n[c]\nstate = on\n" },
		{ "z.ini", "\n[b]\nstate = off\n" },
		{ "a.ini", "\n\n[a]\nstate = on\n[b]\nstate = on\n" },
		{ "k.ini", "\n\n\n[b]\nstate = off\n[bb]\nstate = on\n" },
	};
	struct conf conf = { 0 };
	struct text text = TEXT_INIT;

	for (size_t i = 0; i < FLAGP_COUNT(files); i++)
		ck_assert_int_eq(flagp_conf_parse(&conf, files[i].file, i > 0,
						  files[i].text,
						  strlen(files[i].text),
						  NULL), 0);
	ck_assert_str_eq(describe(&conf, &text), "a=on@4 b=on@2 b=off@3 "
			 "b=on@6 b=off@5 bb=on@7 c=on@4");
	ck_assert_uint_eq(flagp_conf_first(&conf, "b")->line, 2);
	ck_assert_str_eq(flagp_conf_first(&conf, "b")->file, "m.ini");
	ck_assert(!flagp_conf_first(&conf, "b")->dropin);
	ck_assert_str_eq(flagp_conf_last(&conf, "b")->file, "k.ini");
	ck_assert(flagp_conf_last(&conf, "b")->dropin);
	ck_assert_ptr_eq(flagp_conf_first(&conf, "a"),
			 flagp_conf_last(&conf, "a"));
	for (size_t guess = 0; guess <= conf.count + 1; guess++) {
		const char *const names[] = { "a", "b", "bb", "c", "ab", "d" };

		for (size_t i = 0; i < FLAGP_COUNT(names); i++)
			ck_assert_ptr_eq(flagp_conf_first_at(&conf, guess,
							     names[i]),
					 flagp_conf_first(&conf, names[i]));
	}
	ck_assert_ptr_null(flagp_conf_first(&conf, "ab"));
	ck_assert_ptr_null(flagp_conf_last(&conf, "ab"));
	ck_assert_ptr_null(flagp_conf_last(&conf, "A"));
	ck_assert_ptr_null(flagp_conf_first(&conf, "d"));
	flagp_text_free(&text);
	flagp_conf_free(&conf);
}
END_TEST

START_TEST(fifty_thousand_flags_in_two_files)
{
	struct text text = TEXT_INIT;
	struct conf conf = { 0 };
	const unsigned count = 50000;
	char name[32];

	for (unsigned i = 0; i < count; i++)
		flagp_text_add(&text, "[flag.%u]\nstate = %s\n",
			       i * 7919 % count, i % 2 == 0 ? "on" : "off");
	ck_assert_int_eq(flagp_conf_parse(&conf, "a.ini", false, text.data,
					  text.size, NULL), 0);
	ck_assert_int_eq(flagp_conf_parse(&conf, "b.ini", true, text.data,
					  text.size, NULL), 0);
	ck_assert_uint_eq(conf.count, 2 * count);
	for (unsigned i = 0; i < count; i++) {
		const struct conf_value *value;

		snprintf(name, sizeof(name), "flag.%u", i * 7919 % count);
		value = flagp_conf_first(&conf, name);
		ck_assert_ptr_nonnull(value);
		ck_assert_uint_eq(value->line, 2 * i + 2);
		ck_assert_uint_eq(value->share,
				  i % 2 == 0 ? FLAGP_SHARE_ALL : 0);
		ck_assert_ptr_eq(flagp_conf_last(&conf, name), value + 1);
		ck_assert(!value[0].dropin && value[1].dropin);
	}
	flagp_text_add(&text, "[flag.0]\n");
	ck_assert_int_eq(flagp_conf_parse(&conf, "c.ini", true, text.data,
					  text.size, NULL), -FLAG_ECONFIG);
	flagp_text_free(&text);
	flagp_conf_free(&conf);
}
END_TEST

static const char good[] =
	"; what a person writes, sch\xc3\xb6n\r\n"
	"[service]\nname = x\n\n"
	"[checksum.crc32c]   ; why\nstate = on ; until then\n"
	"[breaker:cache]\nwindow = 10s\n"
	"[compress]\n# [none]\nstate = off\n"
	"[search]\n\n[parse.fast]\nstate=on\r\n[last]\nstate = off";

/* Whether the whole text has this very value. */
static bool
is_in(const struct conf *whole, const struct conf_value *value)
{
	const struct conf_value *same = flagp_conf_first(whole, value->flag);

	return same != NULL && same->line == value->line &&
	       same->share == value->share;
}

/* A last line without its newline is read as it stands, so a file cut inside
 * a word is refused, one cut between lines is a shorter set. */
START_TEST(text_cut_at_every_byte)
{
	struct conf whole = { 0 };
	unsigned taken = 0;

	ck_assert_int_eq(flagp_conf_parse(&whole, "f", false, TEXT(good),
					  NULL), 0);
	ck_assert_uint_eq(whole.count, 4);
	for (size_t size = 0; size < sizeof(good) - 1; size++) {
		struct conf conf = { 0 };
		struct flag_error error = { 0 };
		char *copy = malloc(size + 1);
		int result;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, good, size);
		copy = realloc(copy, size == 0 ? 1 : size);
		result = flagp_conf_parse(&conf, "f", false, copy, size,
					  &error);
		ck_assert(result == 0 || result == -FLAG_ECONFIG);
		ck_assert((result == 0) == (error.text[0] == '\0'));
		for (size_t i = 0; i < conf.count; i++)
			ck_assert(is_in(&whole, &conf.values[i]));
		taken += result == 0;
		free(copy);
		flagp_conf_free(&conf);
	}
	ck_assert_uint_gt(taken, 20);
	ck_assert_uint_lt(taken, sizeof(good) / 2 + 30);
	flagp_conf_free(&whole);
}
END_TEST

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

/* Changes, removes, doubles or inserts a few bytes.  Returns the new size. */
static size_t
mutate(char *text, size_t size, size_t room, uint64_t *seed)
{
	static const char bytes[] = "[]=:;#\n\r\t \"%onf.-_\xef\xbb\xbf\xff\0";
	unsigned edits = 1 + (unsigned)next_random(seed) % 6;

	while (edits-- > 0 && size > 0) {
		size_t at = next_random(seed) % size;
		size_t run = 1 + next_random(seed) % 40;
		char byte = bytes[next_random(seed) % sizeof(bytes)];

		if (run > size - at)
			run = size - at;
		switch (next_random(seed) % 4) {
		case 0:
			text[at] = byte;
			break;
		case 1:
			text[at] ^= (char)(1 << next_random(seed) % 8);
			break;
		case 2:
			memmove(text + at, text + at + run, size - at - run);
			size -= run;
			break;
		default:
			if (size + run > room)
				break;
			memmove(text + at + run, text + at, size - at);
			size += run;
		}
	}
	return size;
}

START_TEST(damaged_texts_give_a_set_or_a_line)
{
	uint64_t seed = 20261122;
	unsigned taken = 0, failed = 0;

	for (unsigned round = 0; round < 40000; round++) {
		char *text = malloc(2 * sizeof(good));
		struct conf conf = { 0 };
		struct flag_error error = { 0 };
		size_t size;
		int result;

		ck_assert_ptr_nonnull(text);
		memcpy(text, good, sizeof(good) - 1);
		size = mutate(text, sizeof(good) - 1, 2 * sizeof(good), &seed);
		text = realloc(text, size == 0 ? 1 : size);
		result = flagp_conf_parse(&conf, "f", false, text, size,
					  &error);
		if (result == 0) {
			ck_assert_int_eq(error.code, 0);
			taken++;
		} else {
			ck_assert_int_eq(result, -FLAG_ECONFIG);
			ck_assert_uint_ge(error.line, 1);
			ck_assert_uint_ne(strlen(error.text), 0);
			failed++;
		}
		for (size_t i = 0; i < conf.count; i++)
			ck_assert(flagp_text_is_name(conf.values[i].flag));
		free(text);
		flagp_conf_free(&conf);
	}
	ck_assert_uint_gt(taken, 1000);
	ck_assert_uint_gt(failed, 1000);
}
END_TEST

/* Debian's inih keeps its options in variables; other builds have none. */
extern bool ini_allow_bom __attribute__((weak));
extern bool ini_allow_inline_comments __attribute__((weak));
extern bool ini_allow_multiline __attribute__((weak));
extern bool ini_allow_no_value __attribute__((weak));
extern bool ini_allow_realloc __attribute__((weak));
extern bool ini_stop_on_first_error __attribute__((weak));
extern bool ini_use_stack __attribute__((weak));
extern int ini_initial_alloc __attribute__((weak));
extern int ini_max_line __attribute__((weak));
extern char *ini_inline_comment_prefixes __attribute__((weak));
extern char *ini_start_comment_prefixes __attribute__((weak));

static void
check_with_bool(bool *option)
{
	bool before;

	if (option == NULL)	/* this inih has no such variable to set */
		return;
	before = *option;
	*option = !before;
	check_accepted();
	check_refused();
	*option = before;
}

static void
check_with_int(int *option)
{
	static const int values[] = { INT_MIN, -1, 0, 1, 2, 3, 10, 100, 191,
				      192, 193, 200, 4096, 4097, 1 << 20,
				      INT_MAX };
	int before;

	if (option == NULL)
		return;
	before = *option;
	for (size_t i = 0; i < FLAGP_COUNT(values); i++) {
		*option = values[i];
		check_accepted();
		check_refused();
	}
	*option = before;
}

static void
check_with_prefixes(char **option)
{
	static char values[][8] = { "", "[", "s", "o", "=", "x;#\n", "]n",
				    " " };
	char *before;

	if (option == NULL)
		return;
	before = *option;
	for (size_t i = 0; i <= FLAGP_COUNT(values); i++) {
		*option = i < FLAGP_COUNT(values) ? values[i] : NULL;
		check_accepted();
		check_refused();
	}
	*option = before;
}

START_TEST(options_that_others_set_in_inih_change_nothing)
{
	check_with_bool(&ini_allow_bom);
	check_with_bool(&ini_allow_inline_comments);
	check_with_bool(&ini_allow_multiline);
	check_with_bool(&ini_allow_no_value);
	check_with_bool(&ini_allow_realloc);
	check_with_bool(&ini_stop_on_first_error);
	check_with_bool(&ini_use_stack);
	check_with_int(&ini_max_line);
	check_with_int(&ini_initial_alloc);
	check_with_prefixes(&ini_inline_comment_prefixes);
	check_with_prefixes(&ini_start_comment_prefixes);
}
END_TEST

START_TEST(options_of_inihs_buffer_change_nothing)
{
	if (&ini_use_stack != NULL)
		ini_use_stack = false;
	check_with_int(&ini_initial_alloc);
	check_with_int(&ini_max_line);
	if (&ini_allow_realloc != NULL)
		ini_allow_realloc = true;
	check_with_int(&ini_initial_alloc);
	check_with_int(&ini_max_line);
	check_accepted();
	if (&ini_use_stack != NULL)
		ini_use_stack = true;
	if (&ini_allow_realloc != NULL)
		ini_allow_realloc = false;
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		texts_that_are_accepted,
		texts_that_are_refused,
		message_names_file_line_and_what_is_meant,
		data_lines_end_at_their_limit,
		one_line_of_a_mebibyte,
		refused_text_leaves_the_set_as_it_was,
		same_flag_in_several_files_keeps_the_order_of_reading,
		fifty_thousand_flags_in_two_files,
		text_cut_at_every_byte,
		damaged_texts_give_a_set_or_a_line,
		options_that_others_set_in_inih_change_nothing,
		options_of_inihs_buffer_change_nothing,
		NULL
	};

	return suite_run("conf", tests);
}
