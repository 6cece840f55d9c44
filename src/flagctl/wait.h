/* SPDX-License-Identifier: MIT */
/* wait.h - waiting with an end: for changes in a folder, or for Ctrl-C. */
#ifndef FLAGP_WAIT_H
#define FLAGP_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct wait {
	int64_t deadline_ns;		/* INT64_MAX: none */
	int64_t pause_ns, longest_ns;	/* polling, besides inotify */
	int inotify;			/* -1: polling only */
};

/* ms -1: without an end.  The first pause is short, the longest given. */
void flagp_wait_begin(struct wait *wait, int64_t ms, int64_t longest_ms);
/* Also wakes when something changes in directory (-1: no effect). */
void flagp_wait_watch(struct wait *wait, int directory);
/* Pauses.  False: the time is over or Ctrl-C was pressed. */
bool flagp_wait_next(struct wait *wait);
void flagp_wait_end(struct wait *wait);
/* CLOCK_MONOTONIC. */
int64_t flagp_wait_now_ns(void);

/*
 * From now on SIGINT, SIGTERM and SIGHUP only end waiting, so that what was
 * begun is finished; a second one ends the program.
 */
void flagp_wait_catch(void);
bool flagp_wait_interrupted(void);

#endif
