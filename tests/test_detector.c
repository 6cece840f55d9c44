/* SPDX-License-Identifier: MIT */
/*
 * test_detector.c - the bets of the detector, enumerated, and its rules one by
 * one.  Latencies are in test_detector_latency.c, days of traffic in
 * test_detector_traffic.c.
 */
#include "mechanism/detector.h"

#include <math.h>
#include <string.h>

#include "suite.h"
#include "traffic.h"

#define CALLS_MOST 40
#define EPSILON 1e-9		/* of rounding, in a mean */

static const struct detector_test usual = {
	.ratio = 1.25, .slack = 0.0001, .alpha = 0.01, .horizon = 1000
};

static struct detector_counts
counts_of(uint64_t optimized, uint64_t bad, uint64_t baseline,
	  uint64_t baseline_bad)
{
	return (struct detector_counts){
		.calls = { baseline, optimized }, .bad = { baseline_bad, bad }
	};
}

static void
start(struct detector *detector, const struct detector_test *test)
{
	ck_assert(flagp_detector_init(detector, test));
}

/* One tick of one process.  Whether there is an alarm. */
static bool
play(struct detector *detector, struct detector_history *history,
     const struct detector_counts *counts)
{
	struct detector_tick tick;

	flagp_detector_tick(detector, &tick);
	ck_assert(flagp_detector_add(&tick, history, counts));
	return flagp_detector_decide(detector, &tick);
}

static double
mean_sum(const struct detector *detector)
{
	return exp(flagp_detector_evidence(detector));
}

/* --- the mean of a bet --- */

/*
 * chance[k]: that k of calls are bad, where the calls' chances differ: half of
 * them have more than rate and half as much less.
 */
static void
distribute(double *chance, unsigned calls, double rate, double spread)
{
	double part = spread * fmin(rate, 1 - rate), p;
	unsigned i, k;

	memset(chance, 0, (CALLS_MOST + 1) * sizeof(*chance));
	chance[0] = 1;
	for (i = 0; i < calls; i++) {
		p = rate;
		if (i < calls / 2 * 2)
			p += i % 2 == 0 ? part : -part;
		for (k = i + 1; k > 0; k--)
			chance[k] = chance[k] * (1 - p) + chance[k - 1] * p;
		chance[0] *= 1 - p;
	}
}

/* A tick's truth: calls and rates of both arms. */
struct truth {
	unsigned calls[DETECTOR_ARMS];
	double rate[DETECTOR_ARMS];
	double spread;
};

/* The mean of what a bet wins, over all that can come. */
static double
enumerate(const struct detector_bet *bet, const struct truth *truth)
{
	double chance[DETECTOR_ARMS][CALLS_MOST + 1], mean = 0;
	struct detector_counts counts;
	unsigned kt, kc;

	for (kt = 0; kt < DETECTOR_ARMS; kt++)
		distribute(chance[kt], truth->calls[kt], truth->rate[kt],
			   truth->spread);
	for (kt = 0; kt <= truth->calls[1]; kt++)
		for (kc = 0; kc <= truth->calls[0]; kc++) {
			counts = counts_of(truth->calls[1], kt,
					   truth->calls[0], kc);
			mean += chance[1][kt] * chance[0][kc] *
				exp(flagp_detector_win(bet, &counts));
		}
	return mean;
}

static const unsigned sizes[][DETECTOR_ARMS] = {
	{ 1, 1 }, { 3, 5 }, { 20, 20 }, { 4, 40 }, { 40, 4 }
};
static const double tolerances[][2] = {
	{ 1, 0 }, { 1.25, 0.0001 }, { 1.1, 0 }, { 2, 0.01 }, { 1, 0.3 },
	{ 8, 0 }, { 0, 0.001 }, { 0, 0.05 }, { 0, 0.5 }
};
static const double rates[] = { 0, 1e-4, 0.003, 0.02, 0.1, 0.3, 0.6, 0.9 };
static const struct detector_history histories[] = {
	{ 0, 0 }, { 1e6, 0 }, { 1e6, 3e3 }, { 1e6, 2e5 }, { 1e6, 1e6 }
};

struct means {
	unsigned cases;
	double most;
};

/* All alternatives: at the tolerance, also with calls that differ among
 * themselves, and at half of it. */
static void
check_means(struct means *means, const struct detector_test *test,
	    const struct detector_history *history, struct truth *truth)
{
	double tolerated = test->ratio * truth->rate[0] + test->slack;
	double share = (double)truth->calls[1] / truth->calls[0], mean;
	struct detector_bet bet;
	unsigned i, kind;

	for (i = 0; i < DETECTOR_ALTERNATIVES; i++)
		for (kind = 0; kind < 3; kind++) {
			flagp_detector_bet(&bet, test, history,
					   test->ratio > 0 ? share : 0, i);
			truth->rate[1] = fmin(1, kind == 2 ? tolerated / 2 :
					      tolerated);
			truth->spread = kind == 1 ? 0.9 : 0;
			mean = enumerate(&bet, truth);
			ck_assert_double_le(mean, 1 + EPSILON);
			means->most = fmax(means->most, mean);
			means->cases++;
		}
}

START_TEST(no_bet_wins_on_average_while_the_tolerance_holds)
{
	struct means means = { 0, 0 };
	struct detector_test test = usual;
	struct truth truth;
	unsigned size, tolerance, rate, history;

	for (size = 0; size < FLAGP_COUNT(sizes); size++)
		for (tolerance = 0; tolerance < FLAGP_COUNT(tolerances);
		     tolerance++)
			for (rate = 0; rate < FLAGP_COUNT(rates); rate++)
				for (history = 0;
				     history < FLAGP_COUNT(histories);
				     history++) {
					test.ratio = tolerances[tolerance][0];
					test.slack = tolerances[tolerance][1];
					truth.calls[0] = sizes[size][0];
					truth.calls[1] = sizes[size][1];
					truth.rate[0] = rates[rate];
					check_means(&means, &test,
						    &histories[history],
						    &truth);
				}
	ck_assert_uint_eq(means.cases, 32400);
	/* And not because it stakes nothing. */
	ck_assert_double_gt(means.most, 0.999);
}
END_TEST

START_TEST(bets_win_where_the_tolerance_is_broken)
{
	struct detector_history history = { 1e6, 2e4 };
	struct truth truth = { { 40, 40 }, { 0.02, 0 }, 0 };
	static const double multiples[DETECTOR_ALTERNATIVES] = {
		1.2, 1.5, 2, 3.5, 8, 30
	};
	struct detector_bet bet;
	unsigned i;

	for (i = 0; i < DETECTOR_ALTERNATIVES; i++) {
		truth.rate[1] = multiples[i] * 0.0251;
		flagp_detector_bet(&bet, &usual, &history, 1, i);
		ck_assert_double_gt(enumerate(&bet, &truth), 1.01);
	}
}
END_TEST

/* A detector whose past is of some kind, with its sums. */
static void
set_past(struct detector *detector, const struct detector_test *test,
	 unsigned kind)
{
	static const double clumps[] = { 0, 12, 400 };
	unsigned i;

	start(detector, test);
	detector->variation = clumps[kind % 3];
	detector->expected = 4;
	detector->ticks = 1;
	for (i = 0; i < DETECTOR_ALTERNATIVES; i++)
		detector->sum[i] = kind < 3 ? 0 : 7.5 * i;
}

/* The mean growth of every sum over what two processes may see in a tick. */
static void
check_growth(const struct detector *past, const struct truth *truths,
	     const struct detector_history *histories_now)
{
	double chance[2][DETECTOR_ARMS][CALLS_MOST + 1], sum[6] = { 0 }, p;
	struct detector_history history;
	struct detector_counts counts[2];
	struct detector_tick tick, first;
	struct detector detector;
	unsigned i, k[4];

	for (i = 0; i < 4; i++)
		distribute(chance[i / 2][i % 2], truths[i / 2].calls[i % 2],
			   truths[i / 2].rate[i % 2], truths[i / 2].spread);
	for (k[0] = 0; k[0] <= truths[0].calls[0]; k[0]++)
	for (k[1] = 0; k[1] <= truths[0].calls[1]; k[1]++) {
		counts[0] = counts_of(truths[0].calls[1], k[1],
				      truths[0].calls[0], k[0]);
		history = histories_now[0];
		flagp_detector_tick(past, &first);
		ck_assert(flagp_detector_add(&first, &history, &counts[0]));
		for (k[2] = 0; k[2] <= truths[1].calls[0]; k[2]++)
		for (k[3] = 0; k[3] <= truths[1].calls[1]; k[3]++) {
			counts[1] = counts_of(truths[1].calls[1], k[3],
					      truths[1].calls[0], k[2]);
			p = chance[0][0][k[0]] * chance[0][1][k[1]] *
			    chance[1][0][k[2]] * chance[1][1][k[3]];
			detector = *past;
			tick = first;
			history = histories_now[1];
			if (truths[1].calls[0] > 0)
				flagp_detector_add(&tick, &history, &counts[1]);
			flagp_detector_decide(&detector, &tick);
			for (i = 0; i < DETECTOR_ALTERNATIVES; i++)
				sum[i] += p * detector.sum[i];
		}
	}
	for (i = 0; i < DETECTOR_ALTERNATIVES; i++)
		ck_assert_double_le(sum[i], past->sum[i] + 1 + EPSILON);
}

START_TEST(no_tick_grows_a_sum_by_more_than_one)
{
	static const struct detector_history past[2] = {
		{ 1e4, 300 }, { 1e4, 2000 }
	};
	struct truth truths[2] = { { { 20, 31 }, { 0, 0 }, 0 } };
	struct detector_test test = usual;
	struct detector detector;
	unsigned tolerance, rate, kind;

	for (tolerance = 0; tolerance < FLAGP_COUNT(tolerances); tolerance++)
		for (rate = 0; rate < FLAGP_COUNT(rates); rate++)
			for (kind = 0; kind < 6; kind++) {
				test.ratio = tolerances[tolerance][0];
				test.slack = tolerances[tolerance][1];
				set_past(&detector, &test, kind);
				truths[0].rate[0] = rates[rate];
				truths[0].rate[1] = fmin(1, test.ratio *
					rates[rate] + test.slack);
				truths[0].spread = rate % 2;
				check_growth(&detector, truths, past);
			}
}
END_TEST

/* Rates and shares are as different as can be; each holds the tolerance. */
START_TEST(no_tick_of_two_processes_grows_a_sum_by_more_than_one)
{
	static const struct detector_history past[2] = {
		{ 1e4, 300 }, { 0, 0 }
	};
	static const struct truth truths[2] = {
		{ { 20, 22 }, { 0.02, 0.0251 }, 0.5 },
		{ { 22, 20 }, { 0.4, 0.5001 }, 0 }
	};
	struct detector detector;

	set_past(&detector, &usual, 3);
	check_growth(&detector, truths, past);
}
END_TEST

/* --- the rules, one by one --- */

/* Computed by an independent program from the formulas. */
struct golden {
	double ratio, slack, sum[DETECTOR_ALTERNATIVES], clump;
};

static void
check_golden(const struct golden *golden, const struct detector_counts *counts,
	     unsigned ticks)
{
	struct detector_test test = usual;
	struct detector_history history = { 0, 0 };
	struct detector detector;
	unsigned i;

	test.ratio = golden->ratio;
	test.slack = golden->slack;
	start(&detector, &test);
	for (i = 0; i < ticks; i++)
		ck_assert(!play(&detector, &history, &counts[i]));
	for (i = 0; i < DETECTOR_ALTERNATIVES; i++)
		ck_assert_double_eq_tol(detector.sum[i] / golden->sum[i], 1,
					1e-9);
	ck_assert_double_eq_tol(flagp_detector_clump(&detector),
				golden->clump, 1e-9);
}

START_TEST(sums_are_those_of_the_formulas)
{
	static const struct golden few[] = {
		{ 1.25, 0.0001, {
			1051.19577484012, 856.237590834719,
			266.023805167057, 8.32940340390111,
			2.10449016166388, 2.10956997303531
		}, 32.7858874282753 }, {
			1, 0, {
			1458.77199034415, 1813.23701371863,
			769.586228121099, 58.9290683166351,
			2.78579340759981, 2.13578292696352
		}, 32.1025507497042 }, {
			0, 0.004, {
			3502.54253650698, 3737.48721648903,
			1302.65821806416, 46.6389519569754,
			34.6753497305896, 1.60895358603386
		}, 17.1304347826087 }, {
			1.1, 0.3, {
			0.706661380318693, 0.545910690751172,
			0.509470168897294, 0.509470168897294,
			0.509470168897294, 0.509470168897294
		}, 32.4588803169514 }
	}, many = {
		1.1, 0, {
			2.42580368242073, 0.442092037421942,
			0.0455733277330132, 0.000381962979995002,
			2.18780532646371e-07, 8.17732292426775e-12
		}, 50.4374314763701
	};
	struct detector_counts ticks[] = {
		counts_of(500, 3, 500, 1), counts_of(480, 0, 520, 2),
		counts_of(60, 4, 900, 3), counts_of(700, 30, 300, 2),
		counts_of(500, 1, 500, 40), counts_of(250, 2, 250, 0),
		counts_of(400, 7, 100, 0)
	};
	struct detector_counts busy[12];
	unsigned i;

	for (i = 0; i < FLAGP_COUNT(few); i++)
		check_golden(&few[i], ticks, FLAGP_COUNT(ticks));
	for (i = 0; i < FLAGP_COUNT(busy); i += 3) {
		busy[i] = counts_of(900, 400, 900, 300);
		busy[i + 1] = counts_of(800, 350, 1000, 340);
		busy[i + 2] = counts_of(900, 100, 900, 300);
	}
	check_golden(&many, busy, FLAGP_COUNT(busy));
}
END_TEST

START_TEST(evidence_starts_at_the_head_start)
{
	struct detector detector;

	start(&detector, &usual);
	ck_assert_double_eq_tol(flagp_detector_evidence(&detector),
				log(1000), 1e-9);
	ck_assert_double_eq_tol(flagp_detector_threshold(&detector),
				log(2 * 1000 / 0.01), 1e-9);
	ck_assert_double_eq(flagp_detector_clump(&detector), 1);
}
END_TEST

START_TEST(a_tick_wins_at_most_e_fold_but_may_lose_all)
{
	struct detector_counts awful = counts_of(500, 400, 500, 0);
	struct detector_counts good = counts_of(500, 0, 500, 400);
	struct detector_history history = { 0, 0 };
	struct detector detector;

	start(&detector, &usual);
	play(&detector, &history, &awful);
	ck_assert_double_eq_tol(mean_sum(&detector), 1001 * exp(1), 1e-6);
	start(&detector, &usual);
	play(&detector, &history, &good);
	ck_assert_double_lt(mean_sum(&detector), 1);
}
END_TEST

/* With few calls of the optimized arm one bad event alone is worth more. */
START_TEST(one_bad_event_keeps_its_worth)
{
	struct detector_counts one = counts_of(20, 1, 20000, 0);
	struct detector_history history = { 1e6, 1e3 }, same = history;
	struct detector_bet bet;
	struct detector detector;

	flagp_detector_bet(&bet, &usual, &history, 0.001, 5);
	ck_assert_double_gt(bet.bad[DETECTOR_OPTIMIZED], log(20));
	start(&detector, &usual);
	play(&detector, &same, &one);
	ck_assert_double_eq_tol(log(detector.sum[5] / 1001),
				flagp_detector_win(&bet, &one), 1e-9);
	ck_assert_double_gt(detector.sum[5], 20 * 1000);
}
END_TEST

START_TEST(a_bad_event_of_a_rare_kind_adds_the_logarithm_of_its_multiple)
{
	struct detector_history history = { 1e9, 1e2 };
	struct detector_test test = usual;
	struct detector_counts one = counts_of(500, 1, 1000, 0);
	struct detector_counts other = counts_of(500, 0, 1000, 1);
	struct detector_bet bet;

	test.slack = 0;
	flagp_detector_bet(&bet, &test, &history, 0.5, 3);
	ck_assert_double_eq_tol(flagp_detector_win(&bet, &one), log(3.5) -
				log((1 + 0.5 * 3.5 * 1.25) /
				    (1 + 0.5 * 1.25)), 1e-3);
	ck_assert_double_eq_tol(flagp_detector_win(&bet, &other), -
				log((1 + 0.5 * 3.5 * 1.25) /
				    (1 + 0.5 * 1.25)), 1e-3);
}
END_TEST

START_TEST(an_alarm_stands)
{
	struct detector_counts awful = counts_of(500, 200, 500, 1);
	struct detector_counts good = counts_of(500, 0, 500, 200);
	struct detector_history history = { 0, 0 };
	struct detector detector, then;
	unsigned ticks;

	start(&detector, &usual);
	for (ticks = 1; !play(&detector, &history, &awful); ticks++)
		ck_assert_uint_lt(ticks, 10);
	ck_assert_uint_ge(ticks, 6);
	ck_assert(detector.alarmed);
	ck_assert_double_ge(flagp_detector_evidence(&detector),
			    flagp_detector_threshold(&detector));
	then = detector;
	ck_assert(play(&detector, &history, &good));
	ck_assert_mem_eq(&detector, &then, sizeof(then));
	ck_assert_uint_eq(detector.recent.calls[1], 500 * ticks);
	ck_assert_uint_eq(detector.recent.bad[0], ticks);
}
END_TEST

/* What the message of an alarm tells is not thinned by a good past. */
START_TEST(recent_counts_begin_where_evidence_did)
{
	struct detector_counts good = counts_of(500, 1, 500, 1);
	struct detector_counts bad = counts_of(500, 10, 500, 1);
	struct detector_history history = { 0, 0 };
	struct detector detector;
	unsigned ticks;

	start(&detector, &usual);
	for (ticks = 0; ticks < 1000; ticks++)
		ck_assert(!play(&detector, &history, &good));
	for (ticks = 1; !play(&detector, &history, &bad); ticks++)
		ck_assert_uint_lt(ticks, 40);
	ck_assert_uint_eq(detector.seen.calls[1], 500 * (1000 + ticks));
	ck_assert_uint_gt(detector.recent.calls[1], 500 * 4);
	ck_assert_uint_lt(detector.recent.calls[1], 500 * ticks);
	ck_assert_uint_eq(detector.recent.bad[1] * 50,
			  detector.recent.calls[1]);
}
END_TEST

START_TEST(the_warmup_counts_nothing_but_teaches)
{
	struct detector_counts awful = counts_of(500, 200, 500, 5);
	struct detector_history history = { 0, 0 };
	struct detector_test test = usual;
	struct detector_tick tick;
	struct detector detector;
	unsigned i;

	test.warmup = 6;
	start(&detector, &test);
	for (i = 0; i < 5; i++)
		ck_assert(!play(&detector, &history, &awful));
	/* Time passes also without calls. */
	flagp_detector_tick(&detector, &tick);
	ck_assert(!flagp_detector_decide(&detector, &tick));
	ck_assert_double_eq_tol(mean_sum(&detector), 1000, 1e-6);
	ck_assert_double_eq(history.calls, 2500);
	ck_assert_double_eq(history.bad, 25);
	ck_assert_uint_eq(detector.seen.calls[1], 0);
	play(&detector, &history, &awful);
	ck_assert_double_gt(mean_sum(&detector), 2700);
}
END_TEST

START_TEST(an_alarm_waits_for_enough_calls_of_both_arms)
{
	struct detector_counts awful = counts_of(100, 60, 20, 0);
	struct detector_history history = { 0, 0 };
	struct detector_test test = usual;
	struct detector detector;
	unsigned i;

	test.calls_min = 2000;
	start(&detector, &test);
	for (i = 1; i < 100; i++)
		ck_assert(!play(&detector, &history, &awful));
	ck_assert(isfinite(flagp_detector_evidence(&detector)));
	ck_assert_double_gt(flagp_detector_evidence(&detector),
			    flagp_detector_threshold(&detector));
	ck_assert(play(&detector, &history, &awful));

	/* A target without a baseline waits for the optimized arm alone. */
	test.ratio = 0;
	start(&detector, &test);
	awful.calls[DETECTOR_BASELINE] = 0;
	for (i = 1; i < 20; i++)
		ck_assert(!play(&detector, &history, &awful));
	ck_assert(play(&detector, &history, &awful));
}
END_TEST

START_TEST(too_few_calls_wait_for_the_next_tick)
{
	struct detector_counts few = counts_of(19, 3, 500, 1);
	struct detector_history history = { 7, 1 };
	struct detector_test test = usual;
	struct detector_tick tick, empty;
	struct detector detector, before;

	start(&detector, &test);
	before = detector;
	flagp_detector_tick(&detector, &empty);
	tick = empty;
	ck_assert(!flagp_detector_add(&tick, &history, &few));
	few = counts_of(500, 3, 19, 1);
	ck_assert(!flagp_detector_add(&tick, &history, &few));
	ck_assert_mem_eq(&tick, &empty, sizeof(tick));
	ck_assert_double_eq(history.calls, 7);
	ck_assert(!flagp_detector_decide(&detector, &tick));
	ck_assert_mem_eq(&detector, &before, sizeof(detector));
	few = counts_of(20, 3, 20, 1);
	ck_assert(flagp_detector_add(&tick, &history, &few));

	test.ratio = 0;
	start(&detector, &test);
	flagp_detector_tick(&detector, &tick);
	few = counts_of(20, 3, 0, 0);
	ck_assert(flagp_detector_add(&tick, &history, &few));
	few = counts_of(19, 3, 500, 0);
	ck_assert(!flagp_detector_add(&tick, &history, &few));
}
END_TEST

/* Each process with its own share and history; then one sum. */
START_TEST(a_tick_adds_up_its_processes)
{
	struct detector_counts counts[2] = {
		counts_of(500, 3, 400, 1), counts_of(30, 2, 900, 5)
	};
	struct detector_history past[2] = { { 1e4, 20 }, { 0, 0 } }, history;
	struct detector_tick tick, alone[2];
	struct detector detector;
	unsigned i;

	start(&detector, &usual);
	flagp_detector_tick(&detector, &tick);
	for (i = 0; i < 2; i++) {
		history = past[i];
		flagp_detector_tick(&detector, &alone[i]);
		ck_assert(flagp_detector_add(&alone[i], &history, &counts[i]));
		ck_assert(flagp_detector_add(&tick, &past[i], &counts[i]));
		ck_assert_mem_eq(&past[i], &history, sizeof(history));
	}
	for (i = 0; i < DETECTOR_ALTERNATIVES; i++) {
		ck_assert_double_eq(tick.evidence[i], alone[0].evidence[i] +
				    alone[1].evidence[i]);
		ck_assert_double_eq(tick.cap[i], fmax(alone[0].cap[i],
						      alone[1].cap[i]));
	}
	ck_assert_double_eq(tick.excess, alone[0].excess + alone[1].excess);
	ck_assert_double_eq(tick.variance, alone[0].variance +
			    alone[1].variance);
	ck_assert_uint_eq(tick.counts.calls[0], 1300);
	ck_assert_uint_eq(tick.counts.calls[1], 530);
	ck_assert_uint_eq(tick.counts.bad[0], 6);
	ck_assert_uint_eq(tick.counts.bad[1], 5);
}
END_TEST

START_TEST(more_bad_than_calls_is_all_bad)
{
	struct detector_counts wrong = counts_of(50, 51, 60, UINT64_MAX);
	struct detector_counts right = counts_of(50, 50, 60, 60);
	struct detector_history one = { 0, 0 }, two = { 0, 0 };
	struct detector first, second;

	start(&first, &usual);
	start(&second, &usual);
	play(&first, &one, &wrong);
	play(&second, &two, &right);
	ck_assert_mem_eq(&first, &second, sizeof(first));
	ck_assert_mem_eq(&one, &two, sizeof(one));
}
END_TEST

START_TEST(history_follows_a_rate_that_moves)
{
	struct detector_counts low = counts_of(500, 5, 500, 5);
	struct detector_counts high = counts_of(500, 150, 500, 150);
	struct detector_history history = { 0, 0 };
	struct detector detector;
	unsigned i;

	start(&detector, &usual);
	for (i = 0; i < 10000; i++)
		play(&detector, &history, &low);
	ck_assert_double_eq_tol(history.bad / history.calls, 0.01, 1e-9);
	ck_assert_double_gt(history.calls, 4e4);
	for (i = 0; i < 1000; i++)
		play(&detector, &history, &high);
	ck_assert_double_eq_tol(history.bad / history.calls, 0.3, 0.01);
}
END_TEST

START_TEST(a_copy_goes_on_where_the_other_stood)
{
	struct traffic traffic = { 21 };
	struct detector_history history = { 0, 0 }, copied_history;
	struct detector detector, copy;
	struct detector_counts counts;
	unsigned i;

	start(&detector, &usual);
	for (i = 0; i < 200; i++) {
		if (i == 100) {
			copy = detector;
			copied_history = history;
		}
		counts = counts_of(500, traffic_binomial(&traffic, 500, 0.002),
				   500, traffic_binomial(&traffic, 500, 0.002));
		play(&detector, &history, &counts);
		if (i >= 100)
			play(&copy, &copied_history, &counts);
	}
	ck_assert_mem_eq(&detector, &copy, sizeof(copy));
	ck_assert_mem_eq(&history, &copied_history, sizeof(history));
}
END_TEST

START_TEST(tests_that_cannot_be_are_refused)
{
	static const struct detector_test wrong[] = {
		{ 0, 0, 0.01, 1000, 0, 0 }, { -1, 0.1, 0.01, 1000, 0, 0 },
		{ NAN, 0, 0.01, 1000, 0, 0 }, { 1, NAN, 0.01, 1000, 0, 0 },
		{ INFINITY, 0, 0.01, 1000, 0, 0 }, { 1, 0, 0, 1000, 0, 0 },
		{ 1, 0.51, 0.01, 1000, 0, 0 }, { 1, -0.1, 0.01, 1000, 0, 0 },
		{ 1, 0, 0.51, 1000, 0, 0 }, { 1, 0, NAN, 1000, 0, 0 },
		{ 1, 0, 0.01, 0, 0, 0 }, { 1, 0, 0.01, NAN, 0, 0 }
	};
	struct detector detector;
	unsigned i;

	for (i = 0; i < FLAGP_COUNT(wrong); i++)
		ck_assert_msg(!flagp_detector_init(&detector, &wrong[i]),
			      "test %u", i);
}
END_TEST

START_TEST(a_frozen_baseline_gives_its_upper_bound)
{
	ck_assert_double_eq_tol(flagp_detector_frozen(0, 1000, 0.01),
				0.00597355151635, 1e-12);
	ck_assert_double_eq_tol(flagp_detector_frozen(10, 10000, 0.01),
				0.0025237154599, 1e-12);
	ck_assert_double_eq_tol(flagp_detector_frozen(400, 1000, 0.05),
				0.446346825424, 1e-12);
	ck_assert_double_eq_tol(flagp_detector_frozen(999, 1000, 0.01),
				0.999999078994, 1e-11);
	ck_assert_double_eq(flagp_detector_frozen(5, 5, 0.01), 1);
	ck_assert_double_eq(flagp_detector_frozen(0, 0, 0.01), 1);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		no_bet_wins_on_average_while_the_tolerance_holds,
		bets_win_where_the_tolerance_is_broken,
		no_tick_grows_a_sum_by_more_than_one,
		no_tick_of_two_processes_grows_a_sum_by_more_than_one,
		sums_are_those_of_the_formulas,
		evidence_starts_at_the_head_start,
		a_tick_wins_at_most_e_fold_but_may_lose_all,
		one_bad_event_keeps_its_worth,
		a_bad_event_of_a_rare_kind_adds_the_logarithm_of_its_multiple,
		an_alarm_stands, recent_counts_begin_where_evidence_did,
		the_warmup_counts_nothing_but_teaches,
		an_alarm_waits_for_enough_calls_of_both_arms,
		too_few_calls_wait_for_the_next_tick,
		a_tick_adds_up_its_processes,
		more_bad_than_calls_is_all_bad,
		history_follows_a_rate_that_moves,
		a_copy_goes_on_where_the_other_stood,
		tests_that_cannot_be_are_refused,
		a_frozen_baseline_gives_its_upper_bound, NULL
	};

	return suite_run("detector", tests);
}
