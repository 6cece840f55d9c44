/* SPDX-License-Identifier: MIT */
/* histogram.c - see histogram.h. */
#include "mechanism/histogram.h"

#include <math.h>

uint64_t
flagp_histogram_edge(unsigned cell)
{
	unsigned shift;

	if (cell < 2 * HISTOGRAM_OCTAVE)
		return cell;
	if (cell >= HISTOGRAM_CELLS)
		return HISTOGRAM_VALUE_END;
	shift = cell / HISTOGRAM_OCTAVE - 1;
	return (uint64_t)(cell - shift * HISTOGRAM_OCTAVE) << shift;
}

unsigned
flagp_histogram_edge_from(uint64_t value)
{
	unsigned cell = flagp_histogram_cell(value);

	return flagp_histogram_edge(cell) < value ? cell + 1 : cell;
}

void
flagp_histogram_collect(struct histogram_counts *sum,
			const struct histogram *histogram)
{
	unsigned i;

	for (i = 0; i < HISTOGRAM_CELLS; i++)
		sum->cells[i] += __atomic_load_n(&histogram->cells[i],
						 __ATOMIC_RELAXED);
}

void
flagp_histogram_merge(struct histogram_counts *sum,
		      const struct histogram_counts *counts)
{
	unsigned i;

	for (i = 0; i < HISTOGRAM_CELLS; i++)
		sum->cells[i] += counts->cells[i];
}

void
flagp_histogram_subtract(struct histogram_counts *difference,
			 const struct histogram_counts *later,
			 const struct histogram_counts *earlier)
{
	unsigned i;

	for (i = 0; i < HISTOGRAM_CELLS; i++)
		difference->cells[i] = later->cells[i] - earlier->cells[i];
}

void
flagp_histogram_halve(struct histogram_counts *counts)
{
	uint64_t above = 0, half = 0, next;
	unsigned i = HISTOGRAM_CELLS;

	while (i-- > 0) {
		above += counts->cells[i];
		next = above / 2;
		counts->cells[i] = (uint32_t)(next - half);
		half = next;
	}
}

uint64_t
flagp_histogram_total(const struct histogram_counts *counts)
{
	return flagp_histogram_above(counts, 0);
}

uint64_t
flagp_histogram_above(const struct histogram_counts *counts, unsigned cell)
{
	uint64_t sum = 0;

	for (; cell < HISTOGRAM_CELLS; cell++)
		sum += counts->cells[cell];
	return sum;
}

unsigned
flagp_histogram_rank(const struct histogram_counts *counts, uint64_t rank)
{
	unsigned i, last = HISTOGRAM_CELLS;
	uint64_t sum = 0;

	for (i = 0; i < HISTOGRAM_CELLS; i++) {
		if (counts->cells[i] == 0)
			continue;
		last = i;
		sum += counts->cells[i];
		if (sum >= rank)
			break;
	}
	return last;
}

unsigned
flagp_histogram_edge_above(const struct histogram_counts *counts,
			   double wanted)
{
	unsigned i, best = HISTOGRAM_CELLS;
	double distance = fabs(wanted), other;
	uint64_t above = 0;

	for (i = HISTOGRAM_CELLS; i-- > 0;) {
		above += counts->cells[i];
		other = fabs((double)above - wanted);
		if (other > distance)
			break;
		distance = other;
		best = i;
	}
	return best;
}
