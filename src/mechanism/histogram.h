/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - durations in log-linear cells, and questions to them.
 *
 * Every power of two is cut into HISTOGRAM_OCTAVE cells of one width, so a
 * cell is at most 1/32 as wide as its values are large; below 64 ns each
 * nanosecond has its own.  The idea is Gil Tene's HdrHistogram (2012), here
 * with fixed edges and one compile-time size: the same value falls into the
 * same cell in every arm, thread, process and host, for ever, so counts add.
 *
 * Cell i holds the values from its edge, flagp_histogram_edge(i), up to below
 * the edge of i + 1.  How many values reach an edge (the exceedance) is exact;
 * no question here is answered by interpolation.
 */
#ifndef FLAGP_HISTOGRAM_H
#define FLAGP_HISTOGRAM_H

#include <stdint.h>

#include "base/compiler.h"

#define HISTOGRAM_OCTAVE_BITS 5
#define HISTOGRAM_OCTAVE (1u << HISTOGRAM_OCTAVE_BITS)
/* Values are below 2 to the 40th, 18 minutes; longer ones count as that. */
#define HISTOGRAM_VALUE_BITS 40
#define HISTOGRAM_VALUE_END (UINT64_C(1) << HISTOGRAM_VALUE_BITS)
#define HISTOGRAM_CELLS \
	((HISTOGRAM_VALUE_BITS - HISTOGRAM_OCTAVE_BITS + 1) * HISTOGRAM_OCTAVE)

/*
 * One thread's durations of one arm.  Never reset: what happened between two
 * moments is the difference of two copies, modulo 2 to the 32nd, so a cell may
 * pass its largest number.
 * cells: W its thread, load and store, no read-modify-write.  R any.  Order:
 * relaxed; a cell orders nothing, a reader may see one call in the histogram
 * and not yet in a counter beside it.
 */
struct histogram {
	uint32_t cells[HISTOGRAM_CELLS];
};

/* A copy, a sum or a difference.  One owner. */
struct histogram_counts {
	uint32_t cells[HISTOGRAM_CELLS];
};

/* The cell of a value.  Values of less than six bits have a shift of 0. */
static inline unsigned
flagp_histogram_cell(uint64_t value)
{
	unsigned shift;

	if (value >= HISTOGRAM_VALUE_END)
		value = HISTOGRAM_VALUE_END - 1;
	shift = 63u - HISTOGRAM_OCTAVE_BITS -
		(unsigned)__builtin_clzll(value | HISTOGRAM_OCTAVE);
	return shift * HISTOGRAM_OCTAVE + (unsigned)(value >> shift);
}

/* Books one duration.  Only the histogram's own thread calls it. */
static inline void
flagp_histogram_record(struct histogram *histogram, uint64_t value)
{
	uint32_t *cell = &histogram->cells[flagp_histogram_cell(value)];

	__atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + 1,
			 __ATOMIC_RELAXED);
}

/* The smallest value of a cell; of HISTOGRAM_CELLS: HISTOGRAM_VALUE_END. */
uint64_t flagp_histogram_edge(unsigned cell);

/* The first cell whose edge is value or more; HISTOGRAM_CELLS: none. */
unsigned flagp_histogram_edge_from(uint64_t value);

/* Adds what a thread has booked so far to sum, which starts as { 0 }. */
void flagp_histogram_collect(struct histogram_counts *sum,
			     const struct histogram *histogram);

/* Adds counts to sum. */
void flagp_histogram_merge(struct histogram_counts *sum,
			   const struct histogram_counts *counts);

/* What was booked between two copies of the same histograms, earlier first.
 * Right as long as no cell got 2 to the 32nd of them.  difference may be
 * either of the two. */
void flagp_histogram_subtract(struct histogram_counts *difference,
			      const struct histogram_counts *later,
			      const struct histogram_counts *earlier);

/*
 * Halves the weight of all that was booked.  The exceedances are halved, each
 * rounded down by itself, not the cells: a thin tail of ones keeps its half.
 */
void flagp_histogram_halve(struct histogram_counts *counts);

/* How many values there are. */
uint64_t flagp_histogram_total(const struct histogram_counts *counts);

/* How many are at or above the edge of cell; HISTOGRAM_CELLS: 0. */
uint64_t flagp_histogram_above(const struct histogram_counts *counts,
			       unsigned cell);

/*
 * The cell that holds the value of this rank, the smallest being 1.  For the
 * quantile q of n values ask for rank ceil(q * n).  Rank 0 is taken as 1, a
 * rank beyond the last as the last.  HISTOGRAM_CELLS: there are no values.
 */
unsigned flagp_histogram_rank(const struct histogram_counts *counts,
			      uint64_t rank);

/* The cell whose edge is reached by a number of values that is nearest to
 * wanted; of equally near ones the lowest, which for a gap is its foot. */
unsigned flagp_histogram_edge_above(const struct histogram_counts *counts,
				    double wanted);

#endif
