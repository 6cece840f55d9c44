/* SPDX-License-Identifier: MIT */
/*
 * loops.c - the reads to compare.  Compiled twice: with -DLOOPS_GET=name into
 * the measuring program and, with -fPIC, into a shared object.
 */
#include <stdint.h>

#include <ripcord.h>

#include "loops.h"

FLAG_DEFINE(bench_off, "bench.off", "stays off");
FLAG_DEFINE_WITH(bench_on, "bench.on", "stays on", FLAG_INITIAL_ON, NULL);

/* The bare words: written by nobody, but no compiler knows. */
struct word {
	_Alignas(64) uint32_t value;
};
__attribute__((visibility("hidden"))) struct word loops_bare[2] = {
	{ 0 }, { 1 }
};

#define RELAXED(i) \
	(__atomic_load_n(&loops_bare[i].value, __ATOMIC_RELAXED) & 1u)

LOOPS_DENSE(relaxed_off, RELAXED(0), 0)
LOOPS_DENSE(relaxed_on, RELAXED(1), 1)
LOOPS_DENSE(flag_off, flag_enabled(&bench_off), 0)
LOOPS_DENSE(flag_on, flag_enabled(&bench_on), 1)

const struct loops *LOOPS_GET(void);

const struct loops *
LOOPS_GET(void)
{
	static const struct loops all = {
		relaxed_off, relaxed_on, flag_off, flag_on, &bench_off,
		&bench_on
	};

	return &all;
}

/* For counting instructions: one read and its branch, no more. */
void loops_probe_flag(void);
void loops_probe_relaxed(void);

void
loops_probe_flag(void)
{
	if (flag_enabled(&bench_off))
		LOOPS_ARM;
}

void
loops_probe_relaxed(void)
{
	if (RELAXED(0))
		LOOPS_ARM;
}
