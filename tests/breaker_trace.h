/* SPDX-License-Identifier: MIT */
/*
 * breaker_trace.h - plays traces: text that says what is done to a breaker,
 * when, and what must be seen then.
 *
 *	trace ID title		a new breaker at time 0, default configuration
 *	src, note text		for people
 *	cfg key=value ...	before the first step
 *	T op args -> expectations
 *				one step at T milliseconds; T may step back
 *
 * Operations: allow ID, enter ID (the same, behind a flag), ok|fail|cancel ID
 * [ms], run N ok|fail|cancel [ms], trip, trip_for MS, reset, probe, set
 * key=value ..., badcfg key=value ..., poll, fork, flag on|off, rng U32, stat.
 *
 * Expectations: yes, no, why= retry= ran= state= ev= nev= calls= failed= slow=
 * consec= attempt= inflight= late= lost= would= denied= dropped= err=.
 *
 * What cannot be read is a failure.
 */
#ifndef BREAKER_TRACE_H
#define BREAKER_TRACE_H

#include <stdio.h>

struct trace_totals {
	unsigned traces, passed, failed;
};

/* Plays a file, adding to totals; one line to complain for each failure. */
void trace_play(FILE *file, const char *name, FILE *complain,
		struct trace_totals *totals);

#endif
