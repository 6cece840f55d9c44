/* SPDX-License-Identifier: MIT */
/*
 * guard_replay.c - plays recorded calls through the detector.
 *
 *	guard-replay [--tick LINES] [--error-ratio X] [--error-abs X]
 *		     [--p99 X] [--evidence] < FILE
 *
 * FILE is CSV with the header arm,latency_ns,ok: arm 0 is the baseline, 1 the
 * optimized one; ok 1 success, 0 failure; lines in order of completion.  Every
 * LINES lines (default 1000) are a tick.  Tests: "error", where the optimized
 * arm may fail --error-ratio times as often as the baseline and --error-abs
 * (a share of all calls, default 0) more, or --error-abs alone, a target that
 * needs no baseline; "p99", with a tolerance of --p99.  alpha is 1 % over all
 * tests, the horizon 17280 ticks, there is no warm-up.
 *
 * Prints "LINE TEST" for the first alarm, LINE being the number of lines read,
 * or "-1 none".  --evidence writes a line a tick to standard error.  Exit
 * status: 0, or 2 for options or data that cannot be used.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mechanism/detector.h"
#include "mechanism/histogram.h"

#define ALPHA 0.01
#define HORIZON 17280
#define CALLS_MIN 200
#define LINE_SIZE 128
#define HEADER "arm,latency_ns,ok"

struct options {
	uint64_t tick;
	double error_ratio, error_abs, p99;	/* negative: not given */
	bool evidence;
};

/* What one thread of a service would book of an arm, never reset. */
struct arm {
	struct histogram latency;
	uint64_t calls, failures;
};

/* Each test uses up what it has not yet seen of both arms. */
struct player {
	struct options options;
	struct arm arms[DETECTOR_ARMS];
	struct detector_counts read;
	struct histogram_counts read_latency[DETECTOR_ARMS];
	struct detector error, p99;
	struct detector_history history;
	struct detector_quantile quantile;
};

static bool
start_error(struct player *player, double alpha)
{
	const struct options *options = &player->options;
	struct detector_test test = {
		.ratio = options->error_ratio > 0 ? options->error_ratio : 0,
		.slack = options->error_abs > 0 ? options->error_abs : 0,
		.alpha = alpha, .horizon = HORIZON, .calls_min = CALLS_MIN
	};

	return flagp_detector_init(&player->error, &test);
}

static bool
start_p99(struct player *player, double alpha)
{
	struct detector_test test = {
		.ratio = 1, .alpha = alpha, .horizon = HORIZON,
		.calls_min = CALLS_MIN
	};

	return flagp_detector_init(&player->p99, &test) &&
	       flagp_detector_quantile_init(&player->quantile, 0.99,
					    player->options.p99);
}

static bool
tests_error(const struct options *options)
{
	return options->error_ratio >= 0 || options->error_abs >= 0;
}

static bool
tests_p99(const struct options *options)
{
	return options->p99 >= 0;
}

/* False: a tolerance that cannot be. */
static bool
player_start(struct player *player, const struct options *options)
{
	int tests = tests_error(options) + tests_p99(options);

	memset(player, 0, sizeof(*player));
	player->options = *options;
	return (!tests_error(options) || start_error(player, ALPHA / tests)) &&
	       (!tests_p99(options) || start_p99(player, ALPHA / tests));
}

static bool
decide_error(struct player *player)
{
	struct detector_counts counts;
	struct detector_tick tick;
	int arm;

	for (arm = 0; arm < DETECTOR_ARMS; arm++) {
		counts.bad[arm] = player->arms[arm].failures -
				  player->read.bad[arm];
		counts.calls[arm] = player->arms[arm].calls -
				    player->read.calls[arm];
	}
	flagp_detector_tick(&player->error, &tick);
	if (flagp_detector_add(&tick, &player->history, &counts))
		for (arm = 0; arm < DETECTOR_ARMS; arm++) {
			player->read.bad[arm] += counts.bad[arm];
			player->read.calls[arm] += counts.calls[arm];
		}
	return flagp_detector_decide(&player->error, &tick);
}

/* Until the baseline's p99 is known, ticks only teach it. */
static bool
decide_p99(struct player *player)
{
	struct histogram_counts now[DETECTOR_ARMS], new[DETECTOR_ARMS];
	struct detector_counts counts;
	struct detector_edges edges;
	struct detector_tick tick;
	bool used = true;
	int arm;

	memset(now, 0, sizeof(now));
	for (arm = 0; arm < DETECTOR_ARMS; arm++) {
		flagp_histogram_collect(&now[arm], &player->arms[arm].latency);
		flagp_histogram_subtract(&new[arm], &now[arm],
					 &player->read_latency[arm]);
	}
	flagp_detector_tick(&player->p99, &tick);
	if (flagp_detector_edges(&player->quantile, &edges)) {
		flagp_detector_count(&counts, &edges,
				     &new[DETECTOR_BASELINE],
				     &new[DETECTOR_OPTIMIZED]);
		used = flagp_detector_add(&tick, &edges.history, &counts);
	}
	if (used) {
		flagp_detector_quantile_learn(&player->quantile,
					      &new[DETECTOR_BASELINE]);
		memcpy(player->read_latency, now, sizeof(now));
	}
	return flagp_detector_decide(&player->p99, &tick);
}

static void
show_evidence(const char *name, const struct detector *detector)
{
	fprintf(stderr, "  %s %.2f of %.2f, clump %.2f", name,
		flagp_detector_evidence(detector),
		flagp_detector_threshold(detector),
		flagp_detector_clump(detector));
}

/* The name of the test that alarms, or NULL. */
static const char *
player_tick(struct player *player, uint64_t line)
{
	const struct options *options = &player->options;
	const char *alarm = NULL;

	if (tests_p99(options) && decide_p99(player))
		alarm = "p99";
	if (tests_error(options) && decide_error(player))
		alarm = "error";
	if (options->evidence) {
		fprintf(stderr, "%" PRIu64, line);
		if (tests_error(options))
			show_evidence("error", &player->error);
		if (tests_p99(options))
			show_evidence("p99", &player->p99);
		fputc('\n', stderr);
	}
	return alarm;
}

/* "1,69528,1" and a newline.  False: anything else. */
static bool
read_call(const char *line, unsigned *arm, uint64_t *latency, unsigned *ok)
{
	char *end;

	if ((line[0] != '0' && line[0] != '1') || line[1] != ',' ||
	    line[2] < '0' || line[2] > '9')
		return false;
	errno = 0;
	*arm = line[0] == '1';
	*latency = strtoull(line + 2, &end, 10);
	if (errno != 0 || end[0] != ',' || (end[1] != '0' && end[1] != '1'))
		return false;
	*ok = end[1] == '1';
	end += 2 + (end[2] == '\r');
	return strcmp(end, "\n") == 0 || end[0] == '\0';
}

static void
book(struct arm *arm, uint64_t latency, unsigned ok)
{
	flagp_histogram_record(&arm->latency, latency);
	arm->failures += ok == 0;
	arm->calls++;
}

/* Plays in; what is to print goes to out.  The program's exit status. */
static int
replay(const struct options *options, FILE *in, FILE *out)
{
	static struct player player;
	char line[LINE_SIZE];
	const char *alarm = NULL;
	unsigned arm, ok;
	uint64_t latency, lines = 0;

	if (!player_start(&player, options)) {
		fputs("guard-replay: a tolerance that cannot be\n", stderr);
		return 2;
	}
	if (fgets(line, sizeof(line), in) == NULL ||
	    strcspn(line, "\r\n") != strlen(HEADER) ||
	    strncmp(line, HEADER, strlen(HEADER)) != 0) {
		fputs("guard-replay: 1: no header " HEADER "\n", stderr);
		return 2;
	}
	while (alarm == NULL && fgets(line, sizeof(line), in) != NULL) {
		if (!read_call(line, &arm, &latency, &ok)) {
			fprintf(stderr, "guard-replay: %" PRIu64 ": expected "
				"ARM,NANOSECONDS,OK\n", lines + 2);
			return 2;
		}
		book(&player.arms[arm], latency, ok);
		lines++;
		if (lines % options->tick == 0)
			alarm = player_tick(&player, lines);
	}
	if (ferror(in)) {
		fputs("guard-replay: cannot read\n", stderr);
		return 2;
	}
	if (alarm != NULL)
		fprintf(out, "%" PRIu64 " %s\n", lines, alarm);
	else
		fputs("-1 none\n", out);
	return 0;
}

static bool
read_number(const char *text, double *number)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && *end == '\0' && *number >= 0;
}

static bool
read_options(struct options *options, int count, char **arguments)
{
	static const struct option known[] = {
		{ "tick", required_argument, NULL, 't' },
		{ "error-ratio", required_argument, NULL, 'r' },
		{ "error-abs", required_argument, NULL, 'a' },
		{ "p99", required_argument, NULL, 'p' },
		{ "evidence", no_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 }
	};
	double tick = 1000;
	bool good = true;
	int option;

	*options = (struct options){
		.error_ratio = -1, .error_abs = -1, .p99 = -1
	};
	optind = 0;	/* begin anew, however often this is called */
	while ((option = getopt_long(count, arguments, "", known, NULL)) != -1)
		switch (option) {
		case 't':
			good &= read_number(optarg, &tick);
			break;
		case 'r':
			good &= read_number(optarg, &options->error_ratio);
			break;
		case 'a':
			good &= read_number(optarg, &options->error_abs);
			break;
		case 'p':
			good &= read_number(optarg, &options->p99);
			break;
		case 'e':
			options->evidence = true;
			break;
		default:
			good = false;
		}
	options->tick = good && tick >= 1 && tick <= 1e9 ? (uint64_t)tick : 0;
	return good && options->tick != 0 && optind == count;
}

int
main(int count, char **arguments)
{
	struct options options;

	if (!read_options(&options, count, arguments)) {
		fputs("usage: guard-replay [--tick LINES] [--error-ratio X] "
		      "[--error-abs X]\n\t[--p99 X] [--evidence] < FILE\n",
		      stderr);
		return 2;
	}
	return replay(&options, stdin, stdout);
}
