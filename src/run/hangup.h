/* SPDX-License-Identifier: MIT */
/* hangup.h - SIGHUP, only if the host asked for it, and chained. */
#ifndef FLAGP_HANGUP_H
#define FLAGP_HANGUP_H

/*
 * Installs a handler that calls request (async-signal-safe), then whatever
 * handler was there before.  An ignored SIGHUP (nohup) stays ignored.
 * Idempotent.
 */
void flagp_hangup_install(void (*request)(void));

/* Puts the former handler back, but only if ours still is in place.  If not,
 * ours stays behind whatever stands before it, also for the next install. */
void flagp_hangup_remove(void);

#endif
