/* SPDX-License-Identifier: MIT */
/*
 * cold.c - a read whose line is in no cache, against one bare miss; both less
 * the same read warm.
 */
#include "bench.h"

#define SAMPLES 4001
#define WHAT "cold read / one bare miss"

FLAG_DEFINE(cold, "bench.cold", "read after its line was flushed");

#ifdef __x86_64__
#include <x86intrin.h>

static _Alignas(4096) uint32_t bare[1024];

/* The body of a function that returns the ticks of one read and branch. */
#define TIMED(read) \
	do { \
		unsigned unused; \
		uint64_t start; \
		_mm_mfence(); \
		_mm_lfence(); \
		start = __rdtsc(); \
		_mm_lfence(); \
		if (read) \
			__asm__ __volatile__("nop"); \
		_mm_lfence(); \
		return (double)(__rdtscp(&unused) - start); \
	} while (0)

static __attribute__((noinline)) double
time_flag(void)
{
	TIMED(flag_enabled(&cold));
}

static __attribute__((noinline)) double
time_bare(void)
{
	TIMED(__atomic_load_n(&bare[0], __ATOMIC_RELAXED) & 1u);
}

static double
cold_flag(void)
{
	_mm_clflush(&cold);
	return time_flag();
}

static double
cold_bare(void)
{
	_mm_clflush(&bare[0]);
	return time_bare();
}

int
main(int argc, char **argv)
{
	static double warm[2][SAMPLES], missed[2][SAMPLES];
	double flag, miss;
	char text[80];
	int i;

	if (argc != 2)
		return 2;
	bench_start(argv[1]);
	bench_pin(0);
	for (i = 0; i < SAMPLES; i++) {
		missed[0][i] = cold_flag();
		warm[0][i] = time_flag();
		missed[1][i] = cold_bare();
		warm[1][i] = time_bare();
	}
	flag = bench_median(missed[0], SAMPLES) -
	       bench_median(warm[0], SAMPLES);
	miss = bench_median(missed[1], SAMPLES) -
	       bench_median(warm[1], SAMPLES);
	snprintf(text, sizeof(text), "%.0f and %.0f ticks above warm", flag,
		 miss);
	bench_row("cold", WHAT, "1.1", flag / miss, text);
	return 0;
}
#else
int
main(void)
{
	bench_no_row("cold", WHAT, "1.1", "n/a", "x86-64 only");
	return flag_enabled(&cold);
}
#endif
