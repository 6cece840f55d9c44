/* SPDX-License-Identifier: MIT */
/*
 * detector.h - is the optimized arm worse than it may be?  Asked every tick,
 * for as long as one likes, with a known chance of a false alarm.
 *
 * A test counts bad events: failed calls, cache misses, calls slower than an
 * edge of the histogram.  Its tolerance is
 *
 *	rate of the optimized arm <= ratio * rate of the baseline + slack
 *
 * with both rates of the same tick, so whatever strikes both arms cancels.
 * The evidence of a tick is the logarithm of what a bet against the tolerance
 * would have won; where the tolerance holds, no bet wins on average.  Bets
 * with two streams and a least effect: Turner, Ly and Gruenwald (2021);
 * bets on bounded means, with which these are hedged: Waudby-Smith and Ramdas
 * (2020).
 *
 * The winnings are summed as Shiryaev (1963) and Roberts (1966) do, so that
 * a good past costs nothing, from a head start after Lucas and Crosier (1982).
 * Read as an e-detector (Shin, Ramdas and Rinaldo, 2022) the sum grows by at
 * most one a tick while the tolerance holds, and an alarm within T ticks has a
 * chance of at most alpha * (horizon + T) / (2 * horizon), whatever the
 * traffic does: alpha in the first horizon, half of it in each later one.
 *
 * That needs calls that are independent given their tick.  For those that are
 * not there are two guards: a tick wins at most e-fold, or one bad event's
 * worth, and all evidence is divided by the clump factor, how much more the
 * past ticks varied than independent calls would have.
 *
 * Pure: no thread, no file, no clock.  A caller gives ticks and counts:
 *
 *	flagp_detector_tick(&detector, &tick);
 *	for each process that has calls of both arms
 *		if (flagp_detector_add(&tick, &history[i], &counts[i]))
 *			counts[i] are used up
 *		else
 *			hand them in again with those of the next tick
 *	if (flagp_detector_decide(&detector, &tick))
 *		roll back
 *
 * Evidence is summed over processes, each compared with itself.  One sum of
 * all counts would compare mixes: a bad host that sends more of its calls to
 * the optimized arm makes that arm look bad.
 *
 * Every struct here is plain numbers.  Whoever copies it goes on exactly where
 * the other stood; a new start instead spends half of alpha again.
 */
#ifndef FLAGP_DETECTOR_H
#define FLAGP_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mechanism/histogram.h"

#define DETECTOR_ALTERNATIVES 6
/* Fewer calls in an arm, and a process's tick waits for the next. */
#define DETECTOR_CALLS_MIN 20

enum detector_arm { DETECTOR_BASELINE, DETECTOR_OPTIMIZED, DETECTOR_ARMS };

/* What is tolerated, and how sure to be. */
struct detector_test {
	double ratio;		/* 0: no baseline, an absolute target */
	double slack;		/* 0 to 0.5; not 0 where ratio is */
	double alpha;		/* false alarms a horizon, at most 0.5 */
	double horizon;		/* ticks */
	uint64_t calls_min;	/* in each arm that counts, before an alarm */
	uint32_t warmup;	/* ticks without evidence at the start */
};

/* What happened since the counts were last used up. */
struct detector_counts {
	uint64_t calls[DETECTOR_ARMS], bad[DETECTOR_ARMS];
};

/* The baseline in earlier ticks of one process; starts as { 0 }.  Only
 * sharpens the bets: any number in it leaves them fair. */
struct detector_history {
	double calls, bad;
};

/* One test of one flag.  Changed by flagp_detector_init and _decide alone. */
struct detector {
	struct detector_test test;
	double sum[DETECTOR_ALTERNATIVES];	/* of the e-detector */
	double variation, expected;	/* squares seen, and as independent */
	double excess, variance;	/* of the last tick */
	uint64_t ticks;			/* with evidence */
	uint32_t warming;		/* ticks of the warm-up left */
	bool alarmed;			/* latched */
	struct detector_counts seen;	/* since the start */
	/* Since evidence was last no higher than at the start. */
	struct detector_counts recent;
};

/* A tick while it is added up over processes. */
struct detector_tick {
	const struct detector *detector;
	double evidence[DETECTOR_ALTERNATIVES];
	double cap[DETECTOR_ALTERNATIVES];
	double excess, variance;
	struct detector_counts counts;
};

/* Factors of a bet, as logarithms, for each call of one kind. */
struct detector_bet {
	double good[DETECTOR_ARMS], bad[DETECTOR_ARMS];
};

/* Starts a test: warm-up, head start, no past.  False: a number that cannot
 * be; detector is then not to be used. */
bool flagp_detector_init(struct detector *detector,
			 const struct detector_test *test);

/* Begins a tick.  detector must not change until it is decided. */
void flagp_detector_tick(const struct detector *detector,
			 struct detector_tick *tick);

/*
 * Adds what one process has seen and teaches its history.  A bad count above
 * its calls is taken as all of them.
 * Returns false if there are too few calls: nothing was used.
 */
bool flagp_detector_add(struct detector_tick *tick,
			struct detector_history *history,
			const struct detector_counts *counts);

/* Ends the tick, also one to which nothing was added.  Returns whether there
 * is an alarm, now or since an earlier tick. */
bool flagp_detector_decide(struct detector *detector,
			   const struct detector_tick *tick);

/* What people are shown: an alarm is evidence that reaches the threshold.
 * In nats; evidence may be -INFINITY. */
double flagp_detector_evidence(const struct detector *detector);
double flagp_detector_threshold(const struct detector *detector);

/* How much more ticks vary than independent calls would; at least 1. */
double flagp_detector_clump(const struct detector *detector);

/*
 * The bet of one tick on one alternative, whose rate is a fixed multiple of
 * what is tolerated.  share: calls of the optimized arm for each of the
 * baseline; 0 where ratio is.
 */
void flagp_detector_bet(struct detector_bet *bet,
			const struct detector_test *test,
			const struct detector_history *history,
			double share, unsigned alternative);

/* The logarithm of what a bet wins on counts. */
double flagp_detector_win(const struct detector_bet *bet,
			  const struct detector_counts *counts);

/*
 * A baseline that no longer runs: the highest rate that bad of calls leaves
 * plausible at alpha / 4 (Chernoff, 1952).  Test against it with ratio 0,
 * slack ratio * rate + slack, and three quarters of alpha.
 */
double flagp_detector_frozen(uint64_t bad, uint64_t calls, double alpha);

/* --- latency: a quantile as a count of bad events --- */

/*
 * The baseline's quantile within a tolerance: bad is a call from edge[0] up in
 * the baseline, and from edge[1] up, tolerance times as high, in the optimized
 * arm; both are to be equally rare.  The edges come from a fading histogram
 * of the baseline in earlier ticks, of all processes, and stand for a tick.
 */
struct detector_quantile {
	double quantile;		/* 0.99 */
	double tolerance;		/* 1.10 */
	struct histogram_counts past;	/* starts as { 0 } */
};

/* Where a tick counts.  history is what the past tells of edge[0]; each process
 * gets a copy of its own, for flagp_detector_add to spoil. */
struct detector_edges {
	unsigned edge[DETECTOR_ARMS];
	struct detector_history history;
};

/* The tolerance that goes with it is in the edges: ratio 1, slack 0.  False:
 * a number that cannot be. */
bool flagp_detector_quantile_init(struct detector_quantile *quantile,
				  double rank, double tolerance);

/* Where to count in this tick.  False: too little of the baseline was seen, or
 * its quantile is beyond what the histogram can tell apart. */
bool flagp_detector_edges(const struct detector_quantile *quantile,
			  struct detector_edges *edges);

/* Learns from the baseline's calls of a tick, after they were counted. */
void flagp_detector_quantile_learn(struct detector_quantile *quantile,
				   const struct histogram_counts *baseline);

/* An absolute target: the first edge at or above limit, for the optimized arm
 * alone; ratio 0, slack 1 - quantile. */
void flagp_detector_edges_at(struct detector_edges *edges, uint64_t limit);

/* Counts both arms' calls of a tick at the edges. */
void flagp_detector_count(struct detector_counts *counts,
			  const struct detector_edges *edges,
			  const struct histogram_counts *baseline,
			  const struct histogram_counts *optimized);

#endif
