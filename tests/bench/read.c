/* SPDX-License-Identifier: MIT */
/*
 * read.c - what a read costs, against a bare relaxed load and its branch, in
 * interleaved rounds; then two threads against one.
 *
 *	read ROOT		the table's rows
 *	read count LOOP N	runs one loop, for a program that counts
 */
#include <string.h>

#include "contest.h"

const struct loops *loops_program(void);

static void
one_thread(const struct loops *p, const struct loops *o)
{
	struct contender all[] = {
		{ .name = "dense.executable.off", .goal = "1.15",
		  .what = "flag off, in the executable / relaxed load",
		  .loop = p->flag_off, .base = p->relaxed_off },
		{ .name = "dense.executable.on", .goal = "1.15",
		  .what = "flag on, in the executable / relaxed load",
		  .loop = p->flag_on, .base = p->relaxed_on },
		{ .name = "dense.object.off", .goal = "1.15",
		  .what = "flag off, in a shared object / relaxed load",
		  .loop = o->flag_off, .base = o->relaxed_off },
		{ .name = "dense.object.on", .goal = "1.15",
		  .what = "flag on, in a shared object / relaxed load",
		  .loop = o->flag_on, .base = o->relaxed_on },
	};
	size_t i, count = sizeof(all) / sizeof(all[0]);
	int round;

	bench_pin(0);
	for (i = 0; i < count; i++)
		all[i].iterations = ITERATIONS;
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < count; i++)
			contest_round(&all[i], round);
	for (i = 0; i < count; i++)
		contest_report(&all[i]);
}

struct runner {
	loop_fn *loop;
	int processor;
	pthread_barrier_t *start;
	double ns;
};

/* By the thread's own clock, which stands while others have the processor. */
static void *
run_loop(void *argument)
{
	struct runner *r = argument;
	int64_t start;

	bench_pin(r->processor);
	pthread_barrier_wait(r->start);
	start = bench_thread_ns();
	r->loop(4 * ITERATIONS);
	r->ns = (double)(bench_thread_ns() - start) /
		(4.0 * ITERATIONS * LOOPS_READS);
	return NULL;
}

/* Nanoseconds of one read in each of count threads at the same time. */
static double
time_threads(loop_fn *loop, unsigned count)
{
	struct runner runners[2];
	pthread_t threads[2];
	pthread_barrier_t start;
	double sum = 0;
	unsigned i;

	pthread_barrier_init(&start, NULL, count);
	for (i = 0; i < count; i++) {
		runners[i] = (struct runner){ loop, (int)i, &start, 0 };
		if (pthread_create(&threads[i], NULL, run_loop,
				   &runners[i]) != 0)
			bench_die("pthread_create");
	}
	for (i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		sum += runners[i].ns;
	}
	pthread_barrier_destroy(&start);
	return sum / count;
}

static double
two_to_one(loop_fn *loop)
{
	double one = time_threads(loop, 1);

	return time_threads(loop, 2) / one;
}

static void
two_threads(const struct loops *p)
{
	static const char what[] = "two threads / one, each its own reads";
	double flag[ROUNDS], bare[ROUNDS];
	char text[80];
	int round;

	if (bench_processors() < 2) {
		bench_no_row("threads", what, "1.05", "n/a", "one processor");
		return;
	}
	for (round = 0; round < ROUNDS; round++) {
		flag[round] = two_to_one(p->flag_off);
		bare[round] = two_to_one(p->relaxed_off);
	}
	snprintf(text, sizeof(text), "bare load: %.3f",
		 bench_median(bare, ROUNDS));
	bench_row("threads", what, "1.05", bench_median(flag, ROUNDS), text);
}

static loop_fn *
loop_named(const char *name)
{
	const struct loops *p = loops_program(), *o = loops_object();

	if (strcmp(name, "executable") == 0)
		return p->flag_off;
	if (strcmp(name, "object") == 0)
		return o->flag_off;
	if (strcmp(name, "relaxed") == 0)
		return p->relaxed_off;
	return strcmp(name, "empty") == 0 ? contest_empty : NULL;
}

int
main(int argc, char **argv)
{
	loop_fn *loop;

	if (argc == 4 && strcmp(argv[1], "count") == 0) {
		loop = loop_named(argv[2]);
		if (loop == NULL)
			return 1;
		loop(strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (argc != 2)
		return 2;
	bench_start(argv[1]);
	one_thread(loops_program(), loops_object());
	two_threads(loops_program());
	return 0;
}
