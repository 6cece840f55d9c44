/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the one place that asks for the time.  Tests replace it.
 */
#ifndef FLAGP_CLOCK_H
#define FLAGP_CLOCK_H

#include <stdint.h>

struct flagp_clock {
	int64_t (*wall_s)(void);	/* seconds since 1970, may step */
	int64_t (*boot_ms)(void);	/* since boot, suspend included */
};

int64_t flagp_clock_wall(void);		/* seconds since 1970 */
int64_t flagp_clock_ms(void);		/* milliseconds since boot */

/* NULL restores the system's clocks.  Only tests call this. */
void flagp_clock_replace(const struct flagp_clock *clock);

/* Writes a wall time as "2026-11-22T02:10:52Z"; size >= 21. */
void flagp_clock_format(int64_t wall, char *buffer, unsigned long size);

#endif
