/* SPDX-License-Identifier: MIT */
/*
 * driver.h - what keeps a process up to date: a thread of ours with all
 * signals blocked, or the host's loop.  Both do the same turns.
 */
#ifndef FLAGP_DRIVER_H
#define FLAGP_DRIVER_H

#include <stdbool.h>

#include "ripcord.h"

/* Opens the watch and the wake-up pipe.  After it nothing is missed.  What
 * cannot be had is replaced by polling.  Not while the driver runs. */
void flagp_driver_open(void);

/* Starts the turns.  0, or a positive code with a text: the host must then
 * call flag_tick(). */
int flagp_driver_start(enum flag_driver kind, struct flag_error *error);

/* Ends them and closes what open opened. */
void flagp_driver_stop(void);

/* Whether a thread of ours makes the turns. */
bool flagp_driver_has_thread(void);

/* One turn, without waiting, where no thread does.  Returns milliseconds to
 * the next. */
int flagp_driver_turn(void);

/* Readable when a turn has something to do, or -errno. */
int flagp_driver_descriptor(void);

/* Asks for the configuration soon.  Async-signal-safe. */
void flagp_driver_request(void);

/* In a child: the thread is gone, the descriptors are the parent's.
 * Async-signal-safe. */
void flagp_driver_forget(void);

#endif
