/* SPDX-License-Identifier: MIT */
/*
 * program.c - a host that was compiled with an old header and runs with
 * today's library.  Never changed with the library: what it does must go on
 * working.
 *
 *	program ROOT		ROOT/etc/abi.ini turns both flags on
 */
#include <stdio.h>
#include <string.h>

#include <ripcord.h>

#define CHECK(condition) check(condition, #condition, __LINE__)

FLAG_DEFINE(own, "abi.own", "defined in the program");
FLAG_DEFINE_WITH(initial, "abi.initial", "on from the start",
		 FLAG_INITIAL_ON, "abi");

/* In the shared object, compiled with the same header. */
struct flag *object_flag(void);
int object_enabled(void);

/* Bytes on both sides of what the library fills: it knows the old sizes. */
struct fenced_error {
	unsigned char before[16];
	struct flag_error error;
	unsigned char after[64];
};

struct fenced_span {
	unsigned char before[16];
	struct flag_span span;
	unsigned char after[64];
};

static int failures;

static void
check(int good, const char *text, int line)
{
	if (good)
		return;
	failures++;
	fprintf(stderr, "program.c:%d: not true: %s\n", line, text);
}

static int
all_are(const unsigned char *bytes, size_t count, unsigned char value)
{
	while (count > 0)
		if (bytes[--count] != value)
			return 0;
	return 1;
}

static void
defaults_hold_before_start(void)
{
	CHECK(!flag_enabled(&own));
	CHECK(flag_enabled(&initial));
	CHECK(!object_enabled());
	CHECK(flag_reload(NULL) == -FLAG_EAGAIN);
}

static void
files_are_read(const char *root)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct fenced_error e;

	memset(&e, 0xa5, sizeof(e));
	options.root = root;
	options.driver = FLAG_DRIVER_LOOP;
	CHECK(flag_start("abi", &options, &e.error) == 0);
	CHECK(e.error.code == 0);
	CHECK(all_are(e.before, sizeof(e.before), 0xa5));
	CHECK(all_are(e.after, sizeof(e.after), 0xa5));
	CHECK(flag_enabled(&own));
	CHECK(object_enabled());
	CHECK(flag_start("other", &options, &e.error) == -FLAG_EEXIST);
	CHECK(e.error.code == FLAG_EEXIST);
	CHECK(flag_tick() >= 0);
	CHECK(flag_fd() >= 0);
	CHECK(flag_reload(&e.error) == 0);
	CHECK(all_are(e.after, sizeof(e.after), 0xa5));
}

static void
flags_are_found(void)
{
	struct flag *unknown = flag_find("abi.nobody");
	char text[64];

	CHECK(flag_enabled(flag_find("abi.own")));
	CHECK(unknown != NULL && !flag_enabled(unknown));
	CHECK(flag_find("abi.nobody") == unknown);
	CHECK((*flag_word(&own) & 1u) == 1u);
	CHECK(flag_explain(&own, text, sizeof(text)) > 0);
	CHECK(strncmp(text, "on", 2) == 0);
}

static void
spans_keep_their_size(void)
{
	struct fenced_span s;

	memset(&s, 0xa5, sizeof(s));
	CHECK(flag_begin(&s.span, &own) == 1);
	flag_end(&s.span, FLAG_OK);
	CHECK(flag_begin(&s.span, object_flag()) == 1);
	flag_end(&s.span, FLAG_FAILED);
	CHECK(flag_begin(&s.span, &initial) == 1);
	flag_cancel(&s.span);
	CHECK(all_are(s.before, sizeof(s.before), 0xa5));
	CHECK(all_are(s.after, sizeof(s.after), 0xa5));
}

static void
tests_set_flags(void)
{
	int turns = 0;

	flag_test_set(&own, 0);
	CHECK(!flag_enabled(&own));
	flag_test_reset(&own);
	CHECK(flag_enabled(&own));
	FLAG_TEST_BOTH(object_flag())
		turns += object_enabled() ? 10 : 1;
	CHECK(turns == 11);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	defaults_hold_before_start();
	files_are_read(argv[1]);
	flags_are_found();
	spans_keep_their_size();
	tests_set_flags();
	flag_stop();
	CHECK(flag_reload(NULL) == -FLAG_EAGAIN);
	CHECK(flag_enabled(&own));
	CHECK(flag_strerror(FLAG_ECONFIG)[0] != '\0');
	CHECK(flag_version()[0] != '\0');
	return failures != 0;
}
