/* SPDX-License-Identifier: MIT */
/*
 * contest.h - two loops of loops.h in turn, in interleaved rounds, so that
 * what else happens on the machine happens to both.
 */
#ifndef CONTEST_H
#define CONTEST_H

#include "bench.h"
#include "loops.h"

#define ROUNDS 61
#define ITERATIONS 400000ul

struct contender {
	const char *name, *what, *goal;
	loop_fn *loop, *base;		/* loop NULL: absent */
	unsigned long iterations;	/* of loop */
	double ratio[ROUNDS];
	double ns[ROUNDS];
};

/* Nanoseconds of one read. */
static inline double
contest_time(loop_fn *loop, unsigned long iterations)
{
	int64_t start = bench_ns();

	loop(iterations);
	return (double)(bench_ns() - start) /
	       (double)(iterations * LOOPS_READS);
}

static inline void
contest_round(struct contender *c, int round)
{
	double base;

	if (c->loop == NULL)
		return;
	/* the order changes with the round, so that neither is always first */
	if (round % 2 == 0) {
		base = contest_time(c->base, ITERATIONS);
		c->ns[round] = contest_time(c->loop, c->iterations);
	} else {
		c->ns[round] = contest_time(c->loop, c->iterations);
		base = contest_time(c->base, ITERATIONS);
	}
	c->ratio[round] = c->ns[round] / base;
}

static inline void
contest_report(struct contender *c)
{
	char text[80];

	if (c->loop == NULL) {
		bench_no_row(c->name, c->what, c->goal, "absent", "");
		return;
	}
	snprintf(text, sizeof(text), "%.2f ns a read",
		 bench_median(c->ns, ROUNDS));
	bench_row(c->name, c->what, c->goal, bench_median(c->ratio, ROUNDS),
		  text);
}

/* The loop alone, to be taken off what is counted. */
static __attribute__((__noinline__, __unused__)) void
contest_empty(unsigned long iterations)
{
	for (; iterations > 0; iterations--)
		__asm__ __volatile__("");
}

#endif
