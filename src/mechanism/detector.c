/* SPDX-License-Identifier: MIT */
/* detector.c - see detector.h. */
#include "mechanism/detector.h"

#include <math.h>
#include <string.h>

/* What a bet may assume of the optimized arm: these multiples of what is
 * tolerated.  Between two neighbours little is lost. */
static const double alternatives[DETECTOR_ALTERNATIVES] = {
	1.2, 1.5, 2, 3.5, 8, 30
};

#define PAST_CALLS 1000.0	/* good calls that a new history pretends */
#define HISTORY_CALLS 1e5	/* both reached: the past is halved */
#define HISTORY_BAD 1e3
#define BASELINE_MAX 0.5	/* rates that a bet is made for */
#define TOLERATED_MAX 0.9
#define STAKE_MAX 0.95		/* of all one has: no factor reaches 0 */
#define CAP 1.0			/* nats a tick */
#define CLUMP_PRIOR 4.0		/* of no clumps */
#define CLUMP_MEMORY 1000.0	/* bad events before the past is halved */
#define SLACK_MAX 0.5
#define ALPHA_MAX 0.5
#define RATIO_MAX 1000.0

#define READY_EVENTS 10.0	/* beyond the quantile, before it is known */
#define FADE_EVENTS 200.0
#define NEIGHBOUR_FACTOR 2.0	/* edges that are as rare, within this */

/* Edges beside the quantile's that are tried, the nearest first. */
static const int neighbours[] = { 0, -1, 1, -2, 2 };

static bool
within(double value, double low, double high)
{
	return value >= low && value <= high;	/* false for a NaN */
}

bool
flagp_detector_init(struct detector *detector,
		    const struct detector_test *test)
{
	unsigned i;

	memset(detector, 0, sizeof(*detector));
	if (!within(test->ratio, 0, RATIO_MAX) ||
	    !within(test->slack, 0, SLACK_MAX) ||
	    test->ratio + test->slack <= 0 ||
	    !within(test->alpha, 1e-12, ALPHA_MAX) ||
	    !within(test->horizon, 1, 1e12))
		return false;
	detector->test = *test;
	detector->warming = test->warmup;
	for (i = 0; i < DETECTOR_ALTERNATIVES; i++)
		detector->sum[i] = test->horizon;
	return true;
}

/* The mean of the sums at which there is an alarm. */
static double
limit(const struct detector *detector)
{
	return 2 * detector->test.horizon / detector->test.alpha;
}

static double
mean(const struct detector *detector)
{
	double sum = 0;
	unsigned i;

	for (i = 0; i < DETECTOR_ALTERNATIVES; i++)
		sum += detector->sum[i];
	return sum / DETECTOR_ALTERNATIVES;
}

double
flagp_detector_evidence(const struct detector *detector)
{
	return log(mean(detector));
}

double
flagp_detector_threshold(const struct detector *detector)
{
	return log(limit(detector));
}

double
flagp_detector_clump(const struct detector *detector)
{
	double clump = (CLUMP_PRIOR + detector->variation) /
		       (CLUMP_PRIOR + detector->expected);

	return clump > 1 ? clump : 1;
}

void
flagp_detector_tick(const struct detector *detector,
		    struct detector_tick *tick)
{
	memset(tick, 0, sizeof(*tick));
	tick->detector = detector;
}

/* The baseline's rate as earlier ticks tell it, where a bet can be made. */
static double
expected_rate(const struct detector_test *test,
	      const struct detector_history *history)
{
	double rate = (history->bad + 0.5) / (history->calls + PAST_CALLS);

	rate = fmin(rate, BASELINE_MAX);
	if (test->ratio > 0)
		rate = fmin(rate, (TOLERATED_MAX - test->slack) / test->ratio);
	return rate;
}

/*
 * A call of the optimized arm wins or loses by how far it lies from what is
 * tolerated; one of the baseline hedges the tick's common part of it.  With
 * 1 + x <= e^x the mean of the product is at most
 * exp(stake * calls * (rate - ratio * baseline - slack)).
 */
void
flagp_detector_bet(struct detector_bet *bet, const struct detector_test *test,
		   const struct detector_history *history, double share,
		   unsigned alternative)
{
	double rate = expected_rate(test, history);
	double tolerated = test->ratio * rate + test->slack;
	double weight = test->ratio * rate / tolerated;
	double scale = test->ratio * share;
	double multiple = alternatives[alternative];
	double gain = (multiple - 1) / (1 + multiple * scale * weight);
	double stake = fmin(gain / (1 - tolerated), STAKE_MAX / tolerated);
	double hedge;

	if (scale > 0)
		stake = fmin(stake, STAKE_MAX / (scale * (1 - rate)));
	hedge = stake * scale;
	bet->bad[DETECTOR_OPTIMIZED] = log1p(stake * (1 - tolerated));
	bet->good[DETECTOR_OPTIMIZED] = log1p(-stake * tolerated);
	bet->bad[DETECTOR_BASELINE] = log1p(-hedge * (1 - rate));
	bet->good[DETECTOR_BASELINE] = log1p(hedge * rate);
}

double
flagp_detector_win(const struct detector_bet *bet,
		   const struct detector_counts *counts)
{
	double win = 0;
	int arm;

	for (arm = 0; arm < DETECTOR_ARMS; arm++)
		win += (double)counts->bad[arm] * bet->bad[arm] +
		       (double)(counts->calls[arm] - counts->bad[arm]) *
		       bet->good[arm];
	return win;
}

/* Counts that are read while calls go on: bad <= calls. */
static void
clamp(struct detector_counts *clean, const struct detector_counts *counts)
{
	int arm;

	*clean = *counts;
	for (arm = 0; arm < DETECTOR_ARMS; arm++)
		if (clean->bad[arm] > clean->calls[arm])
			clean->bad[arm] = clean->calls[arm];
}

static void
accumulate(struct detector_counts *sum, const struct detector_counts *counts)
{
	int arm;

	for (arm = 0; arm < DETECTOR_ARMS; arm++) {
		sum->calls[arm] += counts->calls[arm];
		sum->bad[arm] += counts->bad[arm];
	}
}

static bool
enough(const struct detector_test *test, const struct detector_counts *counts,
       uint64_t calls_min)
{
	return counts->calls[DETECTOR_OPTIMIZED] >= calls_min &&
	       (test->ratio == 0 ||
		counts->calls[DETECTOR_BASELINE] >= calls_min);
}

/* Calls of the optimized arm for each of the baseline, where that matters. */
static double
share_of(const struct detector_test *test,
	 const struct detector_counts *counts)
{
	if (test->ratio == 0 || counts->calls[DETECTOR_BASELINE] == 0)
		return 0;
	return (double)counts->calls[DETECTOR_OPTIMIZED] /
	       (double)counts->calls[DETECTOR_BASELINE];
}

/* The baseline's rate moves over days; its history follows, but never falls
 * back to where the pretended calls weigh. */
static void
learn_history(struct detector_history *history,
	      const struct detector_counts *counts)
{
	history->calls += (double)counts->calls[DETECTOR_BASELINE];
	history->bad += (double)counts->bad[DETECTOR_BASELINE];
	if (history->calls > HISTORY_CALLS && history->bad > HISTORY_BAD) {
		history->calls /= 2;
		history->bad /= 2;
	}
}

bool
flagp_detector_add(struct detector_tick *tick,
		   struct detector_history *history,
		   const struct detector_counts *counts)
{
	const struct detector_test *test = &tick->detector->test;
	struct detector_counts clean;
	struct detector_bet bet;
	double share, scale;
	unsigned i;

	clamp(&clean, counts);
	if (!enough(test, &clean, DETECTOR_CALLS_MIN))
		return false;
	share = share_of(test, &clean);
	scale = test->ratio * share;
	for (i = 0; i < DETECTOR_ALTERNATIVES; i++) {
		flagp_detector_bet(&bet, test, history, share, i);
		tick->evidence[i] += flagp_detector_win(&bet, &clean);
		tick->cap[i] = fmax(tick->cap[i], bet.bad[DETECTOR_OPTIMIZED]);
	}
	tick->excess += (double)clean.bad[DETECTOR_OPTIMIZED] -
			scale * (double)clean.bad[DETECTOR_BASELINE];
	tick->variance += (double)clean.bad[DETECTOR_OPTIMIZED] +
			  scale * scale * (double)clean.bad[DETECTOR_BASELINE];
	accumulate(&tick->counts, &clean);
	learn_history(history, &clean);
	return true;
}

/*
 * Sums the tick's winnings.  Evidence that is too large is cut, never one that
 * is too small.  The one that enters at each tick is a bet that begins there;
 * where the optimized arm has nothing bad none can win, and none begins.  A
 * sum far beyond the alarm, which only few calls hold back, stays a number.
 */
static void
sum_up(struct detector *detector, const struct detector_tick *tick)
{
	double clump = flagp_detector_clump(detector);
	double most = 2 * limit(detector) * DETECTOR_ALTERNATIVES;
	double begun = tick->counts.bad[DETECTOR_OPTIMIZED] > 0 ? 1 : 0;
	double evidence;
	unsigned i;

	for (i = 0; i < DETECTOR_ALTERNATIVES; i++) {
		evidence = fmin(tick->evidence[i] / clump,
				fmax(CAP, tick->cap[i]));
		detector->sum[i] = fmin((detector->sum[i] + begun) *
					exp(evidence), most);
	}
}

/*
 * The clump factor compares two variances of the arms' difference: as it
 * changed from one tick to the next (von Neumann, 1941), so that a lasting
 * difference does not count, and as independent events would make it.
 */
static void
learn_clump(struct detector *detector, const struct detector_tick *tick)
{
	double change = tick->excess - detector->excess;
	double scale = detector->test.ratio *
		       share_of(&detector->test, &tick->counts);

	if (detector->ticks > 0) {
		detector->variation += change * change / 2;
		detector->expected += (tick->variance +
				       detector->variance) / 2;
	}
	if (detector->expected > CLUMP_MEMORY * (1 + scale)) {
		detector->variation /= 2;
		detector->expected /= 2;
	}
	detector->excess = tick->excess;
	detector->variance = tick->variance;
}

bool
flagp_detector_decide(struct detector *detector,
		      const struct detector_tick *tick)
{
	if (detector->alarmed)
		return true;
	if (detector->warming > 0) {
		detector->warming--;
		return false;
	}
	if (tick->counts.calls[DETECTOR_OPTIMIZED] == 0)
		return false;
	sum_up(detector, tick);
	learn_clump(detector, tick);
	detector->ticks++;
	accumulate(&detector->seen, &tick->counts);
	accumulate(&detector->recent, &tick->counts);
	if (mean(detector) <= detector->test.horizon)
		memset(&detector->recent, 0, sizeof(detector->recent));
	detector->alarmed = mean(detector) >= limit(detector) &&
			    enough(&detector->test, &detector->seen,
				   detector->test.calls_min);
	return detector->alarmed;
}

/* How far a rate is from what was seen, in nats a call (Kullback, Leibler). */
static double
divergence(double seen, double rate)
{
	double nats = 0;

	if (seen > 0)
		nats += seen * log(seen / rate);
	if (seen < 1)
		nats += (1 - seen) * log((1 - seen) / (1 - rate));
	return nats;
}

double
flagp_detector_frozen(uint64_t bad, uint64_t calls, double alpha)
{
	double low, high = 1, rate, seen;
	int i;

	if (calls == 0 || bad >= calls)
		return 1;
	low = seen = (double)bad / (double)calls;
	for (i = 0; i < 100; i++) {
		rate = (low + high) / 2;
		if (rate < 1 && (double)calls * divergence(seen, rate) <
		    log(4 / alpha))
			low = rate;
		else
			high = rate;
	}
	return high;
}

bool
flagp_detector_quantile_init(struct detector_quantile *quantile,
			     double rank, double tolerance)
{
	memset(quantile, 0, sizeof(*quantile));
	quantile->quantile = rank;
	quantile->tolerance = tolerance;
	return within(rank, 0.5, 0.9999) && within(tolerance, 1, 1000);
}

/* The edge that is tolerance times as high as that of cell, or the next; and
 * by how much it is too high. */
static unsigned
tolerated_edge(unsigned cell, double tolerance, double *excess)
{
	double wanted = tolerance * (double)flagp_histogram_edge(cell);
	unsigned edge = flagp_histogram_edge_from((uint64_t)ceil(wanted));

	*excess = (double)flagp_histogram_edge(edge) / wanted;
	return edge;
}

/*
 * Edges are up to 3 % apart, and so is the tolerance from what was asked for.
 * Among the edges beside the quantile's, where those are about as rare, is
 * mostly one whose multiple meets an edge closely.
 */
bool
flagp_detector_edges(const struct detector_quantile *quantile,
		     struct detector_edges *edges)
{
	const struct histogram_counts *past = &quantile->past;
	double calls = (double)flagp_histogram_total(past);
	double rare = (1 - quantile->quantile) * calls;
	unsigned middle = flagp_histogram_edge_above(past, rare);
	double above, excess, least = INFINITY;
	unsigned n, cell, edge;

	if (rare < READY_EVENTS)
		return false;
	for (n = 0; n < FLAGP_COUNT(neighbours); n++) {
		cell = middle + (unsigned)neighbours[n];
		if (cell == 0 || cell >= HISTOGRAM_CELLS)
			continue;
		above = (double)flagp_histogram_above(past, cell);
		if (n > 0 && !within(above, rare / NEIGHBOUR_FACTOR,
				     rare * NEIGHBOUR_FACTOR))
			continue;
		edge = tolerated_edge(cell, quantile->tolerance, &excess);
		if (edge >= HISTOGRAM_CELLS || excess >= least)
			continue;
		least = excess;
		edges->edge[DETECTOR_BASELINE] = cell;
		edges->edge[DETECTOR_OPTIMIZED] = edge;
		edges->history.calls = calls;
		edges->history.bad = above;
	}
	return isfinite(least);
}

void
flagp_detector_quantile_learn(struct detector_quantile *quantile,
			      const struct histogram_counts *baseline)
{
	struct histogram_counts *past = &quantile->past;

	flagp_histogram_merge(past, baseline);
	if ((double)flagp_histogram_total(past) * (1 - quantile->quantile) >
	    FADE_EVENTS)
		flagp_histogram_halve(past);
}

void
flagp_detector_edges_at(struct detector_edges *edges, uint64_t limit_value)
{
	memset(edges, 0, sizeof(*edges));
	edges->edge[DETECTOR_BASELINE] = HISTOGRAM_CELLS;
	edges->edge[DETECTOR_OPTIMIZED] =
		flagp_histogram_edge_from(limit_value);
}

void
flagp_detector_count(struct detector_counts *counts,
		     const struct detector_edges *edges,
		     const struct histogram_counts *baseline,
		     const struct histogram_counts *optimized)
{
	const struct histogram_counts *arms[DETECTOR_ARMS] = {
		baseline, optimized
	};
	int arm;

	for (arm = 0; arm < DETECTOR_ARMS; arm++) {
		counts->calls[arm] = flagp_histogram_total(arms[arm]);
		counts->bad[arm] = flagp_histogram_above(arms[arm],
							 edges->edge[arm]);
	}
}
