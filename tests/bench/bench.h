/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the measuring programs share: clocks, pinning, medians and
 * the one form in which they print.
 *
 * A row is one line of words between tabs: name, what was measured, its goal
 * or "-", the value or "absent" or "n/a", and a text.
 */
#ifndef BENCH_H
#define BENCH_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <ripcord.h>

static inline int64_t
bench_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t
bench_ns(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

/* The time that the calling thread had a processor. */
static inline int64_t
bench_thread_ns(void)
{
	return bench_clock(CLOCK_THREAD_CPUTIME_ID);
}

static inline void
bench_die(const char *what)
{
	perror(what);
	exit(1);
}

/* The processors that this program may use, as they were at first. */
static inline const cpu_set_t *
bench_set(void)
{
	static cpu_set_t set;

	if (CPU_COUNT(&set) == 0 &&
	    sched_getaffinity(0, sizeof(set), &set) != 0)
		bench_die("sched_getaffinity");
	return &set;
}

static inline int
bench_processors(void)
{
	return CPU_COUNT(bench_set());
}

/* Keeps the calling thread on the nth of them. */
static inline void
bench_pin(int nth)
{
	cpu_set_t one;
	int i;

	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, bench_set()) && nth-- == 0)
			break;
	if (i == CPU_SETSIZE)
		return;
	CPU_ZERO(&one);
	CPU_SET(i, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

/* Starts the library, so that the cells stand on the board's pages. */
static inline void
bench_start(const char *root)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;

	bench_set();
	options.root = root;
	options.driver = FLAG_DRIVER_LOOP;
	if (flag_start("bench", &options, &error) == 0)
		return;
	fprintf(stderr, "flag_start: %s\n", error.text);
	exit(1);
}

static inline int
bench_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value below which a share of the values lies; sorts them. */
static inline double
bench_quantile(double *values, size_t count, double share)
{
	size_t at = (size_t)(share * (double)count);

	qsort(values, count, sizeof(*values), bench_order);
	return values[at < count ? at : count - 1];
}

static inline double
bench_median(double *values, size_t count)
{
	return bench_quantile(values, count, 0.5);
}

static inline void
bench_row(const char *name, const char *what, const char *goal, double value,
	  const char *text)
{
	printf("%s\t%s\t%s\t%.3f\t%s\n", name, what, goal, value, text);
	fflush(stdout);
}

static inline void
bench_no_row(const char *name, const char *what, const char *goal,
	     const char *instead, const char *text)
{
	printf("%s\t%s\t%s\t%s\t%s\n", name, what, goal, instead, text);
	fflush(stdout);
}

#endif
