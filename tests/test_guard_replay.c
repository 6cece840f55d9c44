/* SPDX-License-Identifier: MIT */
/*
 * test_guard_replay.c - guard-replay on recordings that are made up here:
 * equal arms, one that fails more often, one whose tail grows later.
 */
#define main guard_replay_main
#include "guard_replay.c"
#undef main

#include "suite.h"
#include "traffic.h"

#define SEEDS 5

static const struct options usual = {
	.tick = 1000, .error_ratio = 1.25, .error_abs = 0.0001, .p99 = 1.10
};

/* What the optimized arm is like, from a line on. */
struct truth {
	double baseline_fails, optimized_fails;
	double body, tail, tail_share;	/* factors on its latency */
	unsigned from, lines;
};

static const struct truth equal = { 0.005, 0.005, 1, 1, 0, 0, 60000 };
static const struct truth failing = { 0.005, 0.025, 1, 1, 0, 0, 60000 };
static const struct truth tailed = {
	0.005, 0.005, 0.8, 5, 0.05, 40000, 100000
};

static void
write_call(FILE *file, const struct truth *truth, struct traffic *traffic,
	   bool changed)
{
	int arm = traffic_happens(traffic, 0.5);
	double latency = traffic_lognormal(traffic, 1e5, 0.3);
	double fails = truth->baseline_fails;

	if (arm == 1 && changed) {
		fails = truth->optimized_fails;
		latency *= traffic_happens(traffic, truth->tail_share) ?
			   truth->tail : truth->body;
	}
	fprintf(file, "%d,%" PRIu64 ",%d\n", arm, (uint64_t)latency,
		!traffic_happens(traffic, fails));
}

/* A recording, to be read from its beginning. */
static FILE *
record(const struct truth *truth, uint64_t seed)
{
	struct traffic traffic = { seed };
	FILE *file = tmpfile();
	unsigned line;

	ck_assert_ptr_nonnull(file);
	fputs("arm,latency_ns,ok\n", file);
	for (line = 0; line < truth->lines; line++)
		write_call(file, truth, &traffic, line >= truth->from);
	rewind(file);
	return file;
}

/* Plays in, closes it; what was said, and the exit status. */
static int
say(const struct options *options, FILE *in, char *said, size_t size)
{
	FILE *out = tmpfile();
	int status;

	ck_assert_ptr_nonnull(out);
	status = replay(options, in, out);
	rewind(out);
	if (fgets(said, (int)size, out) == NULL)
		said[0] = '\0';
	fclose(out);
	fclose(in);
	return status;
}

/* The line of the alarm, which must be of this test; 0: none. */
static long
alarm_line(const struct options *options, const struct truth *truth,
	   uint64_t seed, const char *test)
{
	char said[64], name[16];
	long line;

	ck_assert_int_eq(say(options, record(truth, seed), said, sizeof(said)),
			 0);
	ck_assert_int_eq(sscanf(said, "%ld %15s\n", &line, name), 2);
	ck_assert_str_eq(name, test);
	if (line == -1)
		return 0;
	ck_assert_int_eq(line % (long)options->tick, 0);
	return line;
}

START_TEST(equal_arms_say_none)
{
	uint64_t seed;

	for (seed = 1; seed <= SEEDS; seed++)
		ck_assert_int_eq(alarm_line(&usual, &equal, seed, "none"), 0);
}
END_TEST

START_TEST(failures_are_an_error)
{
	uint64_t seed;
	long line;

	for (seed = 1; seed <= SEEDS; seed++) {
		line = alarm_line(&usual, &failing, seed, "error");
		ck_assert_int_gt(line, 0);
		ck_assert_int_le(line, 20000);
	}
}
END_TEST

START_TEST(a_tail_is_a_p99_though_most_calls_are_faster)
{
	uint64_t seed;
	long line;

	for (seed = 1; seed <= SEEDS; seed++) {
		line = alarm_line(&usual, &tailed, seed, "p99");
		ck_assert_int_gt(line, 40000);
		ck_assert_int_le(line, 70000);
	}
}
END_TEST

START_TEST(a_test_that_is_not_asked_for_does_not_alarm)
{
	struct options errors = usual, latency = usual, target = usual;

	errors.p99 = -1;
	alarm_line(&errors, &tailed, 1, "none");
	latency.error_ratio = latency.error_abs = -1;
	alarm_line(&latency, &failing, 1, "none");
	/* A target without a baseline: 1 % where 2.5 % fail, and 5 %. */
	target.p99 = target.error_ratio = -1;
	target.error_abs = 0.01;
	ck_assert_int_gt(alarm_line(&target, &failing, 1, "error"), 0);
	target.error_abs = 0.05;
	alarm_line(&target, &failing, 1, "none");
	target.error_abs = -1;
	alarm_line(&target, &failing, 1, "none");
}
END_TEST

/* 15 calls an arm are too few for a tick: every second one counts. */
START_TEST(small_ticks_are_carried_over)
{
	struct options small = usual;

	small.tick = 30;
	ck_assert_int_gt(alarm_line(&small, &failing, 1, "error"), 0);
	ck_assert_int_gt(alarm_line(&small, &tailed, 1, "p99"), 40000);
	alarm_line(&small, &equal, 1, "none");
}
END_TEST

START_TEST(only_whole_ticks_are_judged)
{
	struct options long_tick = usual;

	long_tick.tick = failing.lines + 1;
	alarm_line(&long_tick, &failing, 1, "none");
}
END_TEST

static FILE *
text_file(const char *text)
{
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	rewind(file);
	return file;
}

START_TEST(alpha_is_shared_by_the_tests)
{
	static struct player player;
	struct options errors = usual;

	ck_assert(player_start(&player, &usual));
	ck_assert_double_eq(player.error.test.alpha, 0.005);
	ck_assert_double_eq(player.p99.test.alpha, 0.005);
	ck_assert_double_eq(player.error.test.horizon, 17280);
	ck_assert_uint_eq(player.error.warming + player.p99.warming, 0);
	errors.p99 = -1;
	ck_assert(player_start(&player, &errors));
	ck_assert_double_eq(player.error.test.alpha, 0.01);
}
END_TEST

START_TEST(what_is_no_recording_is_refused)
{
	static const char *const wrong[] = {
		"", "1,2,1\n", "arm,latency_ns,okay\n",
		"arm,latency_ns,ok\n2,100,1\n", "arm,latency_ns,ok\n1,,1\n",
		"arm,latency_ns,ok\n1,-5,1\n", "arm,latency_ns,ok\n1,5,2\n",
		"arm,latency_ns,ok\n1,5,1,7\n", "arm,latency_ns,ok\n\n",
		"arm,latency_ns,ok\n1,99999999999999999999,1\n",
		"arm,latency_ns,ok\n1,1.5,1\n", "arm,latency_ns,ok\n11,5,1\n"
	};
	static const char *const right[] = {
		"arm,latency_ns,ok\n", "arm,latency_ns,ok\r\n1,5,1\r\n",
		"arm,latency_ns,ok\n0,0,0\n1,18446744073709551615,1"
	};
	char said[64];
	size_t i;

	for (i = 0; i < FLAGP_COUNT(wrong); i++) {
		ck_assert_int_eq(say(&usual, text_file(wrong[i]), said,
				     sizeof(said)), 2);
		ck_assert_str_eq(said, "");
	}
	for (i = 0; i < FLAGP_COUNT(right); i++) {
		ck_assert_int_eq(say(&usual, text_file(right[i]), said,
				     sizeof(said)), 0);
		ck_assert_str_eq(said, "-1 none\n");
	}
}
END_TEST

static bool
read_words(struct options *options, const char *words)
{
	char copy[128], *arguments[16], *next = copy;
	int count = 0;

	snprintf(copy, sizeof(copy), "guard-replay %s", words);
	while ((arguments[count] = strsep(&next, " ")) != NULL)
		if (arguments[count][0] != '\0')
			count++;
	return read_options(options, count, arguments);
}

START_TEST(options_are_those_of_the_comment)
{
	static const char *const wrong[] = {
		"--tick 0", "--tick x", "--tick 1e10", "--p99", "--p99 1.1x",
		"--error-ratio -1", "--error-abs nan", "--unknown", "file"
	};
	struct options options;
	size_t i;

	ck_assert(read_words(&options, "--tick 500 --error-ratio 1.25 "
			     "--error-abs 0.0001 --p99 1.10"));
	ck_assert_uint_eq(options.tick, 500);
	ck_assert_double_eq(options.error_ratio, 1.25);
	ck_assert_double_eq(options.error_abs, 0.0001);
	ck_assert_double_eq(options.p99, 1.10);
	ck_assert(!options.evidence);
	ck_assert(read_words(&options, "--evidence"));
	ck_assert(options.evidence);
	ck_assert_uint_eq(options.tick, 1000);
	ck_assert(!tests_error(&options) && !tests_p99(&options));
	for (i = 0; i < FLAGP_COUNT(wrong); i++)
		ck_assert_msg(!read_words(&options, wrong[i]), "%s", wrong[i]);
	options = usual;
	options.p99 = 0.5;
	ck_assert_int_eq(replay(&options, stdin, stdout), 2);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		equal_arms_say_none, failures_are_an_error,
		a_tail_is_a_p99_though_most_calls_are_faster,
		a_test_that_is_not_asked_for_does_not_alarm,
		small_ticks_are_carried_over, only_whole_ticks_are_judged,
		alpha_is_shared_by_the_tests, what_is_no_recording_is_refused,
		options_are_those_of_the_comment, NULL
	};

	return suite_run("guard_replay", tests);
}
