/* SPDX-License-Identifier: MIT */
/*
 * test_detector_traffic.c - the detector on simulated traffic: what it must
 * not take for a regression, and how soon it sees one.
 *
 * Seeds are fixed.  DETECTOR_RUNS=N plays N runs a row instead of a few, quiet
 * ones over a whole day (latencies: an hour), and prints what came out;
 * DETECTOR_SEED=N gives them other seeds.  libcheck's CK_TIMEOUT_MULTIPLIER
 * makes room for many runs.
 */
#include "mechanism/detector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "traffic.h"

#define HORIZON 8640		/* ticks */
#define HORIZON_LATENCIES 720
#define CALLS 1000		/* a tick, if a row does not say otherwise */
#define LATE 2000		/* good ticks before a late regression */
#define NEVER 1000000
#define RUNS_MOST 10000

/* What happens in a tick to the calls of both arms. */
struct scene {
	double share;		/* of the calls that are optimized */
	double rate[DETECTOR_ARMS];
	unsigned cluster[DETECTOR_ARMS];	/* calls that fail together */
};

/* One kind of traffic, tick by tick; state is the scenario's own. */
typedef void scene_fn(struct scene *scene, struct traffic *traffic,
		      unsigned tick, unsigned ticks, unsigned *state);

struct scenario {
	const char *name;
	double ratio, slack;
	double baseline, optimized;
	unsigned from;			/* tick at which optimized begins */
	double share;
	scene_fn *scene;		/* NULL: as the numbers say */
	double median;			/* ticks, known of this method */
};

static unsigned
setting(const char *name, unsigned usual)
{
	const char *wanted = getenv(name);
	unsigned long number = wanted != NULL ? strtoul(wanted, NULL, 10) : 0;

	return number > 0 && number <= RUNS_MOST ? (unsigned)number : usual;
}

static uint64_t
seed_of(unsigned run)
{
	return (uint64_t)setting("DETECTOR_SEED", 1) * 1000003 + run;
}

static void
equal_arms(struct scene *scene, struct traffic *traffic, unsigned tick,
	   unsigned ticks, unsigned *state)
{
	(void)traffic;
	(void)tick;
	(void)ticks;
	(void)state;
	scene->rate[DETECTOR_OPTIMIZED] = scene->rate[DETECTOR_BASELINE];
}

/* Both arms fail 16 times as often at the end. */
static void
drift(struct scene *scene, struct traffic *traffic, unsigned tick,
      unsigned ticks, unsigned *state)
{
	equal_arms(scene, traffic, tick, ticks, state);
	scene->rate[0] *= pow(16, (double)tick / ticks);
	scene->rate[1] = scene->rate[0];
}

/* And meanwhile the share grows from 1 to 50 %. */
static void
ramp_and_drift(struct scene *scene, struct traffic *traffic, unsigned tick,
	       unsigned ticks, unsigned *state)
{
	drift(scene, traffic, tick, ticks, state);
	scene->share = 0.01 + 0.49 * tick / ticks;
}

/* Three ticks in which both arms fail 20 times as often. */
static void
shared_incidents(struct scene *scene, struct traffic *traffic, unsigned tick,
		 unsigned ticks, unsigned *state)
{
	(void)tick;
	(void)ticks;
	if (*state > 0)
		--*state;
	else if (traffic_happens(traffic, 0.01))
		*state = 3;
	if (*state > 0) {
		scene->rate[0] *= 20;
		scene->rate[1] *= 20;
	}
}

static void
clusters_of_ten(struct scene *scene, struct traffic *traffic, unsigned tick,
		unsigned ticks, unsigned *state)
{
	equal_arms(scene, traffic, tick, ticks, state);
	scene->cluster[0] = scene->cluster[1] = 10;
}

static void
clusters_of_thirty(struct scene *scene, struct traffic *traffic, unsigned tick,
		   unsigned ticks, unsigned *state)
{
	equal_arms(scene, traffic, tick, ticks, state);
	scene->cluster[0] = scene->cluster[1] = 30;
}

/* Only the optimized arm's failures come together; as many of them. */
static void
clusters_of_one_arm(struct scene *scene, struct traffic *traffic,
		    unsigned tick, unsigned ticks, unsigned *state)
{
	equal_arms(scene, traffic, tick, ticks, state);
	scene->cluster[1] = 10;
}

static void
make_counts(struct detector_counts *counts, const struct scene *scene,
	    struct traffic *traffic, unsigned calls)
{
	uint64_t hits;
	int arm;

	counts->calls[1] = traffic_binomial(traffic, calls, scene->share);
	counts->calls[0] = calls - counts->calls[1];
	for (arm = 0; arm < DETECTOR_ARMS; arm++) {
		hits = traffic_binomial(traffic, counts->calls[arm],
					fmin(1, scene->rate[arm] /
					     scene->cluster[arm]));
		counts->bad[arm] = hits * scene->cluster[arm];
	}
}

static void
make_tick(struct detector_counts *counts, const struct scenario *scenario,
	  struct traffic *traffic, unsigned tick, unsigned ticks,
	  unsigned *state)
{
	struct scene scene = {
		scenario->share,
		{ scenario->baseline, tick < scenario->from ?
		  scenario->baseline : scenario->optimized }, { 1, 1 }
	};

	if (scenario->scene != NULL)
		scenario->scene(&scene, traffic, tick, ticks, state);
	make_counts(counts, &scene, traffic, CALLS);
}

static void
start(struct detector *detector, double ratio, double slack, unsigned horizon)
{
	struct detector_test test = {
		.ratio = ratio, .slack = slack, .alpha = 0.01,
		.horizon = horizon, .calls_min = 200
	};

	ck_assert(flagp_detector_init(detector, &test));
}

/* Few calls are handed in again with the next ones, as a service does. */
static bool
play(struct detector *detector, struct detector_history *history,
     struct detector_counts *carried, const struct detector_counts *counts)
{
	struct detector_tick tick;
	int arm;

	for (arm = 0; arm < DETECTOR_ARMS; arm++) {
		carried->calls[arm] += counts->calls[arm];
		carried->bad[arm] += counts->bad[arm];
	}
	flagp_detector_tick(detector, &tick);
	if (flagp_detector_add(&tick, history, carried))
		memset(carried, 0, sizeof(*carried));
	return flagp_detector_decide(detector, &tick);
}

/* How many ticks of optimized until the alarm; NEVER; negative: before. */
static int
run_counts(const struct scenario *scenario, uint64_t seed, unsigned ticks)
{
	struct detector_history history = { 0, 0 };
	struct detector_counts counts, carried;
	struct traffic traffic = { seed };
	struct detector detector;
	unsigned tick, state = 0;

	memset(&carried, 0, sizeof(carried));
	start(&detector, scenario->ratio, scenario->slack, ticks);
	for (tick = 0; tick < ticks; tick++) {
		make_tick(&counts, scenario, &traffic, tick, ticks, &state);
		if (play(&detector, &history, &carried, &counts))
			return (int)tick + 1 - (int)scenario->from;
	}
	return NEVER;
}

/* --- what is no regression --- */

/* At most alpha of the runs, of few runs at most one. */
static void
check_quiet(const struct scenario *rows, unsigned count, unsigned usual_runs,
	    unsigned usual_ticks, unsigned whole_ticks,
	    int (*run)(const struct scenario *, uint64_t, unsigned))
{
	bool whole = getenv("DETECTOR_RUNS") != NULL;
	unsigned runs = setting("DETECTOR_RUNS", usual_runs);
	unsigned row, i, alarms;

	for (row = 0; row < count; row++) {
		alarms = 0;
		for (i = 0; i < runs; i++)
			alarms += run(&rows[row], seed_of(i), whole ?
				      whole_ticks : usual_ticks) != NEVER;
		if (whole)
			printf("%-28s %u alarms in %u runs\n", rows[row].name,
			       alarms, runs);
		ck_assert_msg(alarms <= fmax(1, 0.01 * runs), "%s: %u of %u",
			      rows[row].name, alarms, runs);
	}
}

START_TEST(arms_within_the_tolerance_stay)
{
	static const struct scenario rows[] = {
		{ "equal", 1.25, 0.0001, 0.001, 0, 0, 0.5, equal_arms, 0 },
		{ "equal, no tolerance", 1, 0, 0.001, 0, 0, 0.5, equal_arms,
		  0 },
		{ "at the tolerance", 1.25, 0.0001, 0.001, 0.00135, 0, 0.5,
		  NULL, 0 },
		{ "at the tolerance, often", 1.1, 0, 0.2, 0.22, 0, 0.5, NULL,
		  0 },
		{ "at a target", 0, 0.001, 0, 0.001, 0, 0.5, NULL, 0 },
		{ "share of 95 %", 1.25, 0.0001, 0.001, 0.00135, 0, 0.95,
		  NULL, 0 },
		{ "share of 1 %", 1.25, 0.0001, 0.001, 0.00135, 0, 0.01,
		  NULL, 0 },
		{ "drift", 1.25, 0.0001, 0.001, 0, 0, 0.5, drift, 0 },
		{ "ramp and drift", 1.25, 0.0001, 0.001, 0, 0, 0.5,
		  ramp_and_drift, 0 },
		{ "shared incidents", 1.25, 0.0001, 0.001, 0.001, 0, 0.5,
		  shared_incidents, 0 },
		{ "clusters of 10", 1.25, 0.0001, 0.001, 0, 0, 0.5,
		  clusters_of_ten, 0 },
		{ "clusters of 30", 1.25, 0.0001, 0.001, 0, 0, 0.5,
		  clusters_of_thirty, 0 },
		{ "clusters of 10 in one arm", 1.25, 0.0001, 0.001, 0, 0, 0.5,
		  clusters_of_one_arm, 0 }
	};

	check_quiet(rows, FLAGP_COUNT(rows), 100, 720, HORIZON, run_counts);
}
END_TEST

/* Mean clump factor after some ticks of one kind of traffic. */
static double
clump_of(scene_fn *scene)
{
	struct scenario row = {
		"clump", 1, 0, 0.01, 0.01, 0, 0.5, scene, 0
	};
	struct detector_history history = { 0, 0 };
	struct detector_counts counts, carried;
	struct traffic traffic = { 31 };
	struct detector detector;
	unsigned tick, state = 0;

	memset(&carried, 0, sizeof(carried));
	start(&detector, row.ratio, row.slack, HORIZON);
	for (tick = 0; tick < 500; tick++) {
		make_tick(&counts, &row, &traffic, tick, 500, &state);
		ck_assert(!play(&detector, &history, &carried, &counts));
	}
	return flagp_detector_clump(&detector);
}

/* Mean square by mean of the clusters' sizes; what both share cancels. */
START_TEST(the_clump_factor_is_the_size_of_clusters_of_one_arm)
{
	double one = clump_of(equal_arms);
	double incidents = clump_of(shared_incidents);
	double ten = clump_of(clusters_of_ten);
	double thirty = clump_of(clusters_of_thirty);

	ck_assert_double_ge(one, 1);
	ck_assert_double_lt(one, 1.2);
	ck_assert_double_lt(incidents, 1.6);
	ck_assert_double_gt(ten, 8);
	ck_assert_double_lt(ten, 12);
	ck_assert_double_gt(thirty, 22);
	ck_assert_double_lt(thirty, 38);
}
END_TEST

/* --- how soon --- */

static int
compare(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

/* The median over the runs must be within a quarter of what is known; and no
 * alarm may come before there is something to see. */
static void
check_soon(const struct scenario *rows, unsigned count, unsigned usual_runs,
	   int (*run)(const struct scenario *, uint64_t, unsigned))
{
	unsigned runs = setting("DETECTOR_RUNS", usual_runs);
	static int ticks[RUNS_MOST];
	unsigned row, i;

	for (row = 0; row < count; row++) {
		for (i = 0; i < runs; i++) {
			ticks[i] = run(&rows[row], seed_of(i), HORIZON);
			ck_assert_msg(ticks[i] > 0, "%s: run %u alarms before",
				      rows[row].name, i);
		}
		qsort(ticks, runs, sizeof(ticks[0]), compare);
		if (getenv("DETECTOR_RUNS") != NULL)
			printf("%-28s median %d, 95 %% %d, known %g\n",
			       rows[row].name, ticks[runs / 2],
			       ticks[runs * 95 / 100], rows[row].median);
		ck_assert_msg(ticks[runs / 2] <= 1.25 * rows[row].median,
			      "%s: %d ticks, known %g", rows[row].name,
			      ticks[runs / 2], rows[row].median);
	}
}

START_TEST(regressions_at_switch_on_are_seen_as_soon_as_is_known)
{
	static const struct scenario rows[] = {
		{ "0.1 -> 0.2 % at once", 1.25, 0.0001, 0.001, 0.002, 0, 0.5,
		  NULL, 226 },
		{ "0.1 -> 0.5 % at once", 1.25, 0.0001, 0.001, 0.005, 0, 0.5,
		  NULL, 18 },
		{ "0.1 -> 1 % at once", 1.25, 0.0001, 0.001, 0.01, 0, 0.5,
		  NULL, 9 },
		{ "0 -> 0.1 % at once", 1.25, 0.0001, 0, 0.001, 0, 0.5,
		  NULL, 28 },
		{ "0.1 -> 0.5 %, share of 5 %", 1.25, 0.0001, 0.001, 0.005, 0,
		  0.05, NULL, 62 },
		{ "0.1 -> 0.5 %, share of 95 %", 1.25, 0.0001, 0.001, 0.005, 0,
		  0.95, NULL, 83 },
		{ "misses 20 -> 25 %", 1.1, 0, 0.2, 0.25, 0, 0.5, NULL, 32 },
		{ "target 0.1 %, 0.2 %", 0, 0.001, 0, 0.002, 0, 1, NULL, 27 },
		{ "target 0.1 %, 0.5 %", 0, 0.001, 0, 0.005, 0, 1, NULL, 6 }
	};

	check_soon(rows, FLAGP_COUNT(rows), 600, run_counts);
}
END_TEST

START_TEST(late_regressions_are_seen_as_soon_as_is_known)
{
	static const struct scenario rows[] = {
		{ "0.1 -> 0.2 % late", 1.25, 0.0001, 0.001, 0.002, LATE, 0.5,
		  NULL, 388 },
		{ "0.1 -> 0.5 % late", 1.25, 0.0001, 0.001, 0.005, LATE, 0.5,
		  NULL, 36 },
		{ "0.1 -> 1 % late", 1.25, 0.0001, 0.001, 0.01, LATE, 0.5,
		  NULL, 18 },
		{ "late, shared incidents", 1.25, 0.0001, 0.001, 0.005, LATE,
		  0.5, shared_incidents, 35 },
		{ "misses 20 -> 30 % late", 1.1, 0, 0.2, 0.3, LATE, 0.5,
		  NULL, 17 },
		{ "outage late", 1.25, 0.0001, 0.001, 1, LATE, 0.5, NULL, 13 }
	};

	check_soon(rows, FLAGP_COUNT(rows), 60, run_counts);
}
END_TEST

/* --- latency --- */

/* optimized: the factor on the latency of its calls; baseline: how widely
 * latencies spread; slack: what part of the calls has that factor. */
static void
make_latencies(struct histogram *arms, const struct scenario *scenario,
	       struct traffic *traffic, unsigned tick, unsigned ticks)
{
	struct scene scene = { scenario->share, { 1, 1 }, { 0, 0 } };
	unsigned i, arm, stall[DETECTOR_ARMS] = { 0, 0 };
	double latency;

	if (scenario->scene != NULL)
		scenario->scene(&scene, traffic, tick, ticks, stall);
	for (i = 0; i < CALLS; i++) {
		arm = traffic_happens(traffic, scene.share);
		latency = scene.rate[arm] *
			  traffic_lognormal(traffic, 1e5, scenario->baseline);
		if (arm == DETECTOR_OPTIMIZED && tick >= scenario->from &&
		    traffic_happens(traffic, scenario->slack))
			latency *= scenario->optimized;
		if (stall[arm] > 0)
			stall[arm]--;
		else if (scene.cluster[arm] > 0 &&
			 traffic_happens(traffic, 0.0005))
			stall[arm] = scene.cluster[arm];
		if (stall[arm] > 0)
			latency *= 10;
		flagp_histogram_record(&arms[arm], (uint64_t)latency);
	}
}

/* Now and then 20 calls of an arm in a row wait for something. */
static void
stalls(struct scene *scene, struct traffic *traffic, unsigned tick,
       unsigned ticks, unsigned *state)
{
	equal_arms(scene, traffic, tick, ticks, state);
	scene->cluster[0] = scene->cluster[1] = 20;
}

/* The calls of a tick, and of those before it that were too few. */
struct latencies {
	struct histogram arms[DETECTOR_ARMS];
	struct histogram_counts now[DETECTOR_ARMS], used[DETECTOR_ARMS];
	struct detector_quantile quantile;
};

static bool
play_latencies(struct latencies *latencies, struct detector *detector)
{
	struct histogram_counts fresh[DETECTOR_ARMS];
	struct detector_counts counts;
	struct detector_edges edges;
	struct detector_tick tick;
	bool used = true;
	int arm;

	memset(latencies->now, 0, sizeof(latencies->now));
	for (arm = 0; arm < DETECTOR_ARMS; arm++) {
		flagp_histogram_collect(&latencies->now[arm],
					&latencies->arms[arm]);
		flagp_histogram_subtract(&fresh[arm], &latencies->now[arm],
					 &latencies->used[arm]);
	}
	flagp_detector_tick(detector, &tick);
	if (flagp_detector_edges(&latencies->quantile, &edges)) {
		flagp_detector_count(&counts, &edges, &fresh[0], &fresh[1]);
		used = flagp_detector_add(&tick, &edges.history, &counts);
	}
	if (used) {
		flagp_detector_quantile_learn(&latencies->quantile, &fresh[0]);
		memcpy(latencies->used, latencies->now,
		       sizeof(latencies->used));
	}
	return flagp_detector_decide(detector, &tick);
}

static int
run_latencies(const struct scenario *scenario, uint64_t seed, unsigned ticks)
{
	static struct latencies latencies;
	struct traffic traffic = { seed };
	struct detector detector;
	unsigned tick;

	start(&detector, 1, 0, ticks);
	memset(&latencies, 0, sizeof(latencies));
	ck_assert(flagp_detector_quantile_init(&latencies.quantile, 0.99,
					       scenario->ratio));
	for (tick = 0; tick < ticks; tick++) {
		make_latencies(latencies.arms, scenario, &traffic, tick,
			       ticks);
		if (play_latencies(&latencies, &detector))
			return (int)tick + 1 - (int)scenario->from;
	}
	return NEVER;
}

START_TEST(latencies_within_the_tolerance_stay)
{
	static const struct scenario rows[] = {
		{ "equal", 1.1, 0, 0.5, 1, 0, 0.5, NULL, 0 },
		{ "equal, heavy tail", 1.1, 0, 1, 1, 0, 0.5, NULL, 0 },
		{ "equal, narrow", 1.1, 0, 0.005, 1, 0, 0.5, NULL, 0 },
		{ "all at the tolerance", 1.1, 1, 0.5, 1.1, 0, 0.5, NULL, 0 },
		{ "drift", 1.1, 0, 0.5, 1, 0, 0.5, drift, 0 },
		{ "ramp and drift", 1.1, 0, 0.5, 1, 0, 0.5, ramp_and_drift,
		  0 },
		{ "shared incidents", 1.1, 0, 0.5, 1, 0, 0.5,
		  shared_incidents, 0 },
		{ "stalls of 20 calls", 1.1, 0, 0.5, 1, 0, 0.5, stalls, 0 }
	};

	check_quiet(rows, FLAGP_COUNT(rows), 10, 250, HORIZON_LATENCIES,
		    run_latencies);
}
END_TEST

START_TEST(slow_tails_are_seen_as_soon_as_is_known)
{
	static const struct scenario rows[] = {
		{ "x1.10, no tolerance", 1, 1, 0.5, 1.1, 0, 0.5, NULL, 25 },
		{ "x1.25", 1.1, 1, 0.5, 1.25, 0, 0.5, NULL, 16 },
		{ "x1.25, heavy tail", 1.1, 1, 1, 1.25, 0, 0.5, NULL, 54 },
		{ "x1.5", 1.1, 1, 0.5, 1.5, 0, 0.5, NULL, 8 },
		{ "x2", 1.1, 1, 0.5, 2, 0, 0.5, NULL, 8 },
		{ "2 % of calls x4", 1.1, 0.02, 0.5, 4, 0, 0.5, NULL, 22 },
		{ "x1.25 late", 1.1, 1, 0.5, 1.25, 360, 0.5, NULL, 30 },
		{ "x1.5 late", 1.1, 1, 0.5, 1.5, 360, 0.5, NULL, 14 }
	};

	check_soon(rows, FLAGP_COUNT(rows), 25, run_latencies);
}
END_TEST

/* --- many processes --- */

#define PROCESSES 16

/* Each process compares itself; or one that is not told apart. */
static int
run_processes(const struct scene *scenes, unsigned processes, bool pooled,
	      uint64_t seed, unsigned ticks)
{
	struct detector_history histories[PROCESSES] = { { 0, 0 } };
	struct detector_counts counts[PROCESSES], sum;
	struct detector_counts carried[PROCESSES];
	struct traffic traffic = { seed };
	struct detector_tick total;
	struct detector detector;
	unsigned tick, i;
	int arm;

	memset(carried, 0, sizeof(carried));
	start(&detector, 1.25, 0.0001, HORIZON);
	for (tick = 0; tick < ticks; tick++) {
		flagp_detector_tick(&detector, &total);
		memset(&sum, 0, sizeof(sum));
		for (i = 0; i < processes; i++) {
			make_counts(&counts[i], &scenes[i], &traffic,
				    CALLS / processes);
			for (arm = 0; arm < DETECTOR_ARMS; arm++) {
				carried[i].calls[arm] += counts[i].calls[arm];
				carried[i].bad[arm] += counts[i].bad[arm];
				sum.calls[arm] += counts[i].calls[arm];
				sum.bad[arm] += counts[i].bad[arm];
			}
			if (!pooled && flagp_detector_add(&total, &histories[i],
							  &carried[i]))
				memset(&carried[i], 0, sizeof(carried[i]));
		}
		if (pooled)
			ck_assert(flagp_detector_add(&total, histories, &sum));
		if (flagp_detector_decide(&detector, &total))
			return (int)tick + 1;
	}
	return NEVER;
}

/* The arms are equal in each of two processes, but the one with more failures
 * also sends more of its calls to the optimized arm. */
START_TEST(mixes_of_processes_are_not_compared)
{
	static const struct scene scenes[] = {
		{ 0.8, { 0.01, 0.01 }, { 1, 1 } },
		{ 0.2, { 0.001, 0.001 }, { 1, 1 } }
	};
	unsigned runs = setting("DETECTOR_RUNS", 20), i;

	for (i = 0; i < runs; i++) {
		ck_assert_int_eq(run_processes(scenes, 2, false, seed_of(i),
					       1000), NEVER);
		/* Added up they look like a regression. */
		ck_assert_int_lt(run_processes(scenes, 2, true, seed_of(i),
					       1000), NEVER);
	}
}
END_TEST

START_TEST(sixteen_processes_see_as_soon_as_one)
{
	struct scene scenes[PROCESSES];
	static int alone[RUNS_MOST], together[RUNS_MOST];
	unsigned runs = setting("DETECTOR_RUNS", 100), i;

	for (i = 0; i < PROCESSES; i++)
		scenes[i] = (struct scene){
			0.5, { 0.001, 0.005 }, { 1, 1 }
		};
	for (i = 0; i < runs; i++) {
		alone[i] = run_processes(scenes, 1, false, seed_of(i), 500);
		together[i] = run_processes(scenes, PROCESSES, false,
					    seed_of(i), 500);
	}
	qsort(alone, runs, sizeof(alone[0]), compare);
	qsort(together, runs, sizeof(together[0]), compare);
	ck_assert_int_le(alone[runs / 2], 1.25 * 18);
	ck_assert_int_le(together[runs / 2], 1.25 * 18);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		arms_within_the_tolerance_stay,
		the_clump_factor_is_the_size_of_clusters_of_one_arm,
		regressions_at_switch_on_are_seen_as_soon_as_is_known,
		late_regressions_are_seen_as_soon_as_is_known,
		latencies_within_the_tolerance_stay,
		slow_tails_are_seen_as_soon_as_is_known,
		mixes_of_processes_are_not_compared,
		sixteen_processes_see_as_soon_as_one, NULL
	};

	return suite_run("detector_traffic", tests);
}
