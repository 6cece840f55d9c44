/* SPDX-License-Identifier: MIT */
/* test_histogram.c - cells, edges, and every question against a slow answer. */
#include "mechanism/histogram.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "traffic.h"

#define VALUES 4000u
#define WRITES 200000u

/* Edges are part of the format that processes and hosts share: never change
 * one. */
START_TEST(edges_are_fixed_for_ever)
{
	static const struct {
		unsigned cell;
		uint64_t edge;
	} golden[] = {
		{ 0, UINT64_C(0) },
		{ 1, UINT64_C(1) },
		{ 31, UINT64_C(31) },
		{ 32, UINT64_C(32) },
		{ 63, UINT64_C(63) },
		{ 64, UINT64_C(64) },
		{ 65, UINT64_C(66) },
		{ 66, UINT64_C(68) },
		{ 95, UINT64_C(126) },
		{ 96, UINT64_C(128) },
		{ 127, UINT64_C(252) },
		{ 128, UINT64_C(256) },
		{ 353, UINT64_C(33792) },
		{ 417, UINT64_C(135168) },
		{ 657, UINT64_C(25690112) },
		{ 769, UINT64_C(276824064) },
		{ 1023, UINT64_C(67645734912) },
		{ 1055, UINT64_C(135291469824) },
		{ 1120, UINT64_C(549755813888) },
		{ 1150, UINT64_C(1065151889408) },
		{ 1151, UINT64_C(1082331758592) },
		{ 1152, UINT64_C(1099511627776) }
	};
	uint64_t sum = 0;
	unsigned i;

	ck_assert_uint_eq(HISTOGRAM_CELLS, 1152);
	ck_assert_uint_eq(sizeof(struct histogram), 4608);
	for (i = 0; i < FLAGP_COUNT(golden); i++)
		ck_assert_uint_eq(flagp_histogram_edge(golden[i].cell),
				  golden[i].edge);
	for (i = 0; i <= HISTOGRAM_CELLS; i++)
		sum = sum * 31 + flagp_histogram_edge(i);
	ck_assert_uint_eq(sum, UINT64_C(0x3f39aa3a10840000));
	ck_assert_uint_eq(flagp_histogram_edge(HISTOGRAM_CELLS + 1),
			  HISTOGRAM_VALUE_END);
}
END_TEST

START_TEST(cells_are_no_wider_than_a_32nd_of_their_values)
{
	uint64_t edge, width;
	unsigned i;

	for (i = 0; i < HISTOGRAM_CELLS; i++) {
		edge = flagp_histogram_edge(i);
		ck_assert_uint_gt(flagp_histogram_edge(i + 1), edge);
		width = flagp_histogram_edge(i + 1) - edge;
		ck_assert(width == 1 || width * 32 <= edge);
	}
}
END_TEST

/* The definition, in floating point. */
static unsigned
slow_cell(uint64_t value)
{
	double width = 1;

	while ((double)value / width >= 64)
		width *= 2;
	return 32 * (unsigned)log2(width) +
	       (unsigned)floor((double)value / width);
}

START_TEST(cells_agree_with_floating_point_beside_every_edge)
{
	unsigned i;
	uint64_t edge;

	for (i = 0; i < HISTOGRAM_CELLS; i++) {
		edge = flagp_histogram_edge(i);
		ck_assert_uint_eq(flagp_histogram_cell(edge), i);
		ck_assert_uint_eq(flagp_histogram_cell(edge), slow_cell(edge));
		ck_assert_uint_eq(flagp_histogram_cell(edge + 1),
				  slow_cell(edge + 1));
		if (i == 0)
			continue;
		ck_assert_uint_eq(flagp_histogram_cell(edge - 1), i - 1);
		ck_assert_uint_eq(flagp_histogram_cell(edge - 1),
				  slow_cell(edge - 1));
	}
}
END_TEST

START_TEST(values_beyond_the_end_count_as_the_last)
{
	static const uint64_t values[] = {
		HISTOGRAM_VALUE_END - 1, HISTOGRAM_VALUE_END,
		HISTOGRAM_VALUE_END + 1, UINT64_MAX / 2, UINT64_MAX
	};
	unsigned i;

	for (i = 0; i < FLAGP_COUNT(values); i++)
		ck_assert_uint_eq(flagp_histogram_cell(values[i]),
				  HISTOGRAM_CELLS - 1);
}
END_TEST

START_TEST(edge_from_is_the_first_that_is_not_below)
{
	struct traffic traffic = { 11 };
	uint64_t value;
	unsigned i, edge;

	for (i = 0; i < 20000; i++) {
		value = traffic_bits(&traffic) >> (24 + i % 40);
		if (i % 3 == 0)
			value = flagp_histogram_edge(i % HISTOGRAM_CELLS);
		edge = flagp_histogram_edge_from(value);
		ck_assert_uint_ge(flagp_histogram_edge(edge), value);
		ck_assert(edge == 0 || flagp_histogram_edge(edge - 1) < value);
	}
	ck_assert_uint_eq(flagp_histogram_edge_from(HISTOGRAM_VALUE_END),
			  HISTOGRAM_CELLS);
	ck_assert_uint_eq(flagp_histogram_edge_from(UINT64_MAX),
			  HISTOGRAM_CELLS);
}
END_TEST

static int
compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Values of every size, some of them often; sorted. */
static void
make_values(uint64_t *values, struct histogram_counts *counts, uint64_t seed)
{
	struct histogram histogram = { { 0 } };
	struct traffic traffic = { seed };
	unsigned i;

	for (i = 0; i < VALUES; i++) {
		values[i] = (uint64_t)traffic_lognormal(&traffic, 1e6, 3);
		if (i % 5 == 0)
			values[i] = 1000;
		flagp_histogram_record(&histogram, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), compare);
	memset(counts, 0, sizeof(*counts));
	flagp_histogram_collect(counts, &histogram);
}

static uint64_t
slow_above(const uint64_t *values, uint64_t edge)
{
	uint64_t above = 0;
	unsigned i;

	for (i = 0; i < VALUES; i++)
		above += values[i] >= edge;
	return above;
}

START_TEST(exceedances_are_exact)
{
	struct histogram_counts counts;
	uint64_t values[VALUES];
	unsigned i;

	make_values(values, &counts, 12);
	for (i = 0; i <= HISTOGRAM_CELLS; i++)
		ck_assert_uint_eq(flagp_histogram_above(&counts, i),
				  slow_above(values, flagp_histogram_edge(i)));
	ck_assert_uint_eq(flagp_histogram_total(&counts), VALUES);
	ck_assert_uint_eq(flagp_histogram_above(&counts, HISTOGRAM_CELLS), 0);
}
END_TEST

START_TEST(ranks_are_those_of_the_sorted_values)
{
	struct histogram_counts counts, none = { { 0 } };
	uint64_t values[VALUES], rank;

	make_values(values, &counts, 13);
	for (rank = 1; rank <= VALUES; rank++)
		ck_assert_uint_eq(flagp_histogram_rank(&counts, rank),
				  slow_cell(values[rank - 1]));
	ck_assert_uint_eq(flagp_histogram_rank(&counts, 0),
			  slow_cell(values[0]));
	ck_assert_uint_eq(flagp_histogram_rank(&counts, VALUES + 1),
			  slow_cell(values[VALUES - 1]));
	ck_assert_uint_eq(flagp_histogram_rank(&none, 1), HISTOGRAM_CELLS);
}
END_TEST

START_TEST(edge_above_is_the_nearest)
{
	struct histogram_counts counts;
	uint64_t values[VALUES];
	double wanted, found, other;
	unsigned i, edge;

	make_values(values, &counts, 14);
	for (wanted = -1; wanted < VALUES + 2; wanted += 12.7) {
		edge = flagp_histogram_edge_above(&counts, wanted);
		found = (double)flagp_histogram_above(&counts, edge);
		for (i = 0; i <= HISTOGRAM_CELLS; i++) {
			other = (double)flagp_histogram_above(&counts, i);
			if (i < edge)
				ck_assert(fabs(other - wanted) >
					  fabs(found - wanted));
			else
				ck_assert(fabs(other - wanted) >=
					  fabs(found - wanted));
		}
	}
}
END_TEST

START_TEST(shards_add_up_and_differences_are_what_came_between)
{
	static struct histogram shards[3];
	struct histogram_counts before = { { 0 } }, after = { { 0 } }, sum;
	struct traffic traffic = { 15 };
	uint64_t wanted[HISTOGRAM_CELLS] = { 0 };
	unsigned i, cell;

	/* Cells that have counted for long, one just before it turns over. */
	for (i = 0; i < HISTOGRAM_CELLS; i++)
		shards[i % 3].cells[i] = UINT32_MAX - i % 4;
	for (i = 0; i < 3; i++)
		flagp_histogram_collect(&before, &shards[i]);
	for (i = 0; i < 30000; i++) {
		cell = (unsigned)(traffic_bits(&traffic) % HISTOGRAM_CELLS);
		flagp_histogram_record(&shards[i % 3],
				       flagp_histogram_edge(cell));
		wanted[cell]++;
	}
	for (i = 0; i < 3; i++)
		flagp_histogram_collect(&after, &shards[i]);
	flagp_histogram_subtract(&after, &after, &before);
	for (i = 0; i < HISTOGRAM_CELLS; i++)
		ck_assert_uint_eq(after.cells[i], wanted[i]);
	sum = after;
	flagp_histogram_merge(&sum, &after);
	for (i = 0; i < HISTOGRAM_CELLS; i++)
		ck_assert_uint_eq(sum.cells[i], 2 * wanted[i]);
}
END_TEST

START_TEST(halving_keeps_half_of_every_exceedance)
{
	struct histogram_counts counts, half;
	uint64_t values[VALUES];
	unsigned i;

	make_values(values, &counts, 16);
	half = counts;
	flagp_histogram_halve(&half);
	for (i = 0; i <= HISTOGRAM_CELLS; i++)
		ck_assert_uint_eq(flagp_histogram_above(&half, i),
				  flagp_histogram_above(&counts, i) / 2);
	for (i = 0; i < 12; i++)
		flagp_histogram_halve(&half);
	ck_assert_uint_eq(flagp_histogram_total(&half), 0);
}
END_TEST

static void *
write_values(void *shared)
{
	unsigned i;

	for (i = 0; i < WRITES; i++)
		flagp_histogram_record(shared, i);
	return NULL;
}

/* Under a thread sanitizer this also shows that there is no race. */
START_TEST(readers_beside_the_writer_see_it_grow)
{
	static struct histogram shared;
	struct histogram_counts now, last = { { 0 } };
	uint64_t total = 0;
	pthread_t writer;
	unsigned i;

	ck_assert_int_eq(pthread_create(&writer, NULL, write_values, &shared),
			 0);
	while (total < WRITES) {
		memset(&now, 0, sizeof(now));
		flagp_histogram_collect(&now, &shared);
		total = flagp_histogram_total(&now);
		for (i = 0; i < HISTOGRAM_CELLS; i++)
			ck_assert_uint_ge(now.cells[i], last.cells[i]);
		last = now;
	}
	pthread_join(writer, NULL);
	ck_assert_uint_eq(total, WRITES);
	ck_assert_uint_eq(now.cells[63], 1);
	ck_assert_uint_eq(now.cells[slow_cell(1000)], 16);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		edges_are_fixed_for_ever,
		cells_are_no_wider_than_a_32nd_of_their_values,
		cells_agree_with_floating_point_beside_every_edge,
		values_beyond_the_end_count_as_the_last,
		edge_from_is_the_first_that_is_not_below,
		exceedances_are_exact, ranks_are_those_of_the_sorted_values,
		edge_above_is_the_nearest,
		shards_add_up_and_differences_are_what_came_between,
		halving_keeps_half_of_every_exceedance,
		readers_beside_the_writer_see_it_grow, NULL
	};

	return suite_run("histogram", tests);
}
