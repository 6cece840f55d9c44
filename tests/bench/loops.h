/* SPDX-License-Identifier: MIT */
/*
 * loops.h - dense loops: sixteen reads an iteration, each with its branch, the
 * arm that is taken in line and the other one out of the way.  A tight loop
 * would measure its own jump.
 */
#ifndef LOOPS_H
#define LOOPS_H

#define LOOPS_READS 16

typedef void loop_fn(unsigned long iterations);

struct loops {
	loop_fn *relaxed_off, *relaxed_on, *flag_off, *flag_on;
	struct flag *off, *on;
};

#define LOOPS_ARM __asm__ __volatile__("nop")
#define LOOPS_ONE(read, usual) \
	do { \
		if (__builtin_expect(!!(read), usual) != (usual)) \
			LOOPS_ARM; \
	} while (0);
#define LOOPS_FOUR(read, usual) \
	LOOPS_ONE(read, usual) LOOPS_ONE(read, usual) \
	LOOPS_ONE(read, usual) LOOPS_ONE(read, usual)

/* Defines name(), a loop over a read that usually gives usual. */
#define LOOPS_DENSE(name, read, usual) \
	static __attribute__((__noinline__, __aligned__(64))) void \
	name(unsigned long iterations) \
	{ \
		for (; iterations > 0; iterations--) { \
			LOOPS_FOUR(read, usual) LOOPS_FOUR(read, usual) \
			LOOPS_FOUR(read, usual) LOOPS_FOUR(read, usual) \
		} \
	}

#ifdef __cplusplus
extern "C"
#endif
const struct loops *loops_object(void);

#endif
