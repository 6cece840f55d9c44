/* SPDX-License-Identifier: MIT */
/* clock.c - see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define DAY_S 86400
#define WALL_MAX 253402300799		/* 9999-12-31T23:59:59Z */

static int64_t
system_wall_s(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	return now.tv_sec;
}

static int64_t
system_boot_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct flagp_clock system_clock = {
	system_wall_s, system_boot_ms
};

/* W: tests.  R: any.  Order: acquire and release, for what it points to. */
static const struct flagp_clock *current = &system_clock;

int64_t
flagp_clock_wall(void)
{
	return __atomic_load_n(&current, __ATOMIC_ACQUIRE)->wall_s();
}

int64_t
flagp_clock_ms(void)
{
	return __atomic_load_n(&current, __ATOMIC_ACQUIRE)->boot_ms();
}

void
flagp_clock_replace(const struct flagp_clock *clock)
{
	__atomic_store_n(&current, clock != NULL ? clock : &system_clock,
			 __ATOMIC_RELEASE);
}

static int
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Not gmtime_r(): that reads the time zone's file and the environment. */
void
flagp_clock_format(int64_t wall, char *buffer, unsigned long size)
{
	static const int lengths[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	int year = 1970, month = 0, day, second, length;

	if (wall < 0 || wall > WALL_MAX) {
		snprintf(buffer, size, "-");
		return;
	}
	day = (int)(wall / DAY_S);
	second = (int)(wall % DAY_S);
	for (; day >= 365 + is_leap(year); year++)
		day -= 365 + is_leap(year);
	for (; month < 12; month++) {
		length = lengths[month] + (month == 1 && is_leap(year));
		if (day < length)
			break;
		day -= length;
	}
	snprintf(buffer, size, "%04d-%02d-%02dT%02d:%02d:%02dZ", year,
		 month + 1, day + 1, second / 3600, second / 60 % 60,
		 second % 60);
}
