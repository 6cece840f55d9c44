/* SPDX-License-Identifier: MIT */
/* test_detector_latency.c - a quantile of latency as a count of bad events. */
#include "mechanism/detector.h"

#include <math.h>

#include "suite.h"
#include "traffic.h"

static void
learn(struct detector_quantile *quantile, struct traffic *traffic,
      unsigned calls, double spread)
{
	struct histogram_counts counts = { { 0 } };
	unsigned i;

	for (i = 0; i < calls; i++)
		counts.cells[flagp_histogram_cell((uint64_t)
			traffic_lognormal(traffic, 1e5, spread))]++;
	flagp_detector_quantile_learn(quantile, &counts);
}

START_TEST(edges_lie_at_the_quantile_and_its_multiple)
{
	struct detector_quantile quantile;
	struct detector_edges edges;
	struct traffic traffic = { 22 };
	double low, high, tolerance;

	for (tolerance = 1; tolerance < 1.6; tolerance += 0.05) {
		flagp_detector_quantile_init(&quantile, 0.99, tolerance);
		learn(&quantile, &traffic, 999, 0.5);
		ck_assert(!flagp_detector_edges(&quantile, &edges));
		learn(&quantile, &traffic, 1, 0.5);
		ck_assert(flagp_detector_edges(&quantile, &edges));
		learn(&quantile, &traffic, 9000, 0.5);
		ck_assert(flagp_detector_edges(&quantile, &edges));
		low = (double)flagp_histogram_edge(edges.edge[0]);
		high = (double)flagp_histogram_edge(edges.edge[1]);
		/* exp(0.5 * 2.326) is 3.2. */
		ck_assert_double_gt(low, 2.85e5);
		ck_assert_double_lt(low, 3.6e5);
		ck_assert_double_ge(high, tolerance * low);
		ck_assert_double_lt(high, tolerance * low * 1.0125);
		ck_assert_double_eq(edges.history.calls, 10000);
		ck_assert_double_eq(edges.history.bad, (double)
			flagp_histogram_above(&quantile.past, edges.edge[0]));
	}
}
END_TEST

/* Every edge meets its own once and twice as high exactly. */
START_TEST(of_edges_that_meet_equally_the_quantile_s_is_taken)
{
	struct detector_quantile quantile;
	struct detector_edges edges;
	struct traffic traffic = { 25 };
	unsigned tolerance;

	for (tolerance = 1; tolerance <= 2; tolerance++) {
		flagp_detector_quantile_init(&quantile, 0.99, tolerance);
		learn(&quantile, &traffic, 10000, 0.5);
		ck_assert(flagp_detector_edges(&quantile, &edges));
		ck_assert_uint_eq(edges.edge[0],
				  flagp_histogram_edge_above(&quantile.past,
							     100));
		ck_assert_uint_eq(edges.edge[1], edges.edge[0] +
				  (tolerance - 1) * HISTOGRAM_OCTAVE);
	}
}
END_TEST

/* A step down could count nearly every call of the baseline as bad. */
START_TEST(edges_stay_above_a_narrow_body)
{
	struct detector_quantile quantile;
	struct detector_edges edges;
	struct traffic traffic = { 23 };
	double tolerance;

	for (tolerance = 1; tolerance < 1.5; tolerance += 0.01) {
		flagp_detector_quantile_init(&quantile, 0.99, tolerance);
		learn(&quantile, &traffic, 5000, 0.0001);
		ck_assert(flagp_detector_edges(&quantile, &edges));
		ck_assert_double_eq(edges.history.bad, 0);
		ck_assert_uint_eq(edges.edge[0],
				  flagp_histogram_cell(100000) + 1);
	}
}
END_TEST

START_TEST(a_quantile_forgets_the_past)
{
	struct detector_quantile quantile;
	struct detector_edges edges;
	struct histogram_counts slow = { { 0 } };
	struct traffic traffic = { 24 };
	unsigned i;

	flagp_detector_quantile_init(&quantile, 0.99, 1.1);
	for (i = 0; i < 100; i++)
		learn(&quantile, &traffic, 1000, 0.5);
	ck_assert_uint_ge(flagp_histogram_total(&quantile.past), 10000);
	ck_assert_uint_le(flagp_histogram_total(&quantile.past), 20000);
	slow.cells[flagp_histogram_cell(1000000000)] = 1000;
	for (i = 0; i < 20; i++)
		flagp_detector_quantile_learn(&quantile, &slow);
	ck_assert(flagp_detector_edges(&quantile, &edges));
	ck_assert_uint_ge(edges.edge[0], flagp_histogram_cell(1000000000));
}
END_TEST

START_TEST(a_quantile_beyond_the_histogram_has_no_edges)
{
	struct detector_quantile quantile;
	struct detector_edges edges;
	struct histogram_counts endless = { { 0 } };

	endless.cells[HISTOGRAM_CELLS - 1] = 5000;
	flagp_detector_quantile_init(&quantile, 0.99, 1.1);
	flagp_detector_quantile_learn(&quantile, &endless);
	ck_assert(!flagp_detector_edges(&quantile, &edges));
}
END_TEST

START_TEST(calls_are_counted_at_the_edges)
{
	struct histogram_counts arms[2] = { { { 0 } }, { { 0 } } };
	struct detector_edges edges = { { 700, 705 }, { 0, 0 } };
	struct detector_counts counts;

	arms[0].cells[699] = 1;
	arms[0].cells[700] = 2;
	arms[1].cells[704] = 4;
	arms[1].cells[705] = 8;
	arms[1].cells[HISTOGRAM_CELLS - 1] = 16;
	flagp_detector_count(&counts, &edges, &arms[0], &arms[1]);
	ck_assert_uint_eq(counts.calls[0], 3);
	ck_assert_uint_eq(counts.bad[0], 2);
	ck_assert_uint_eq(counts.calls[1], 28);
	ck_assert_uint_eq(counts.bad[1], 24);

	flagp_detector_edges_at(&edges, flagp_histogram_edge(705) - 1);
	flagp_detector_count(&counts, &edges, &arms[0], &arms[1]);
	ck_assert_uint_eq(counts.bad[0], 0);
	ck_assert_uint_eq(counts.bad[1], 24);
}
END_TEST

START_TEST(quantiles_that_cannot_be_are_refused)
{
	struct detector_quantile quantile;

	ck_assert(flagp_detector_quantile_init(&quantile, 0.99, 1));
	ck_assert(!flagp_detector_quantile_init(&quantile, 0.99, 0.99));
	ck_assert(!flagp_detector_quantile_init(&quantile, 0.99, NAN));
	ck_assert(!flagp_detector_quantile_init(&quantile, 1, 1.1));
	ck_assert(!flagp_detector_quantile_init(&quantile, NAN, 1.1));
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		edges_lie_at_the_quantile_and_its_multiple,
		of_edges_that_meet_equally_the_quantile_s_is_taken,
		edges_stay_above_a_narrow_body,
		a_quantile_forgets_the_past,
		a_quantile_beyond_the_histogram_has_no_edges,
		calls_are_counted_at_the_edges,
		quantiles_that_cannot_be_are_refused, NULL
	};

	return suite_run("detector_latency", tests);
}
