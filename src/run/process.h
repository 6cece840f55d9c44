/* SPDX-License-Identifier: MIT */
/*
 * process.h - this process: its files, its registration, and what a fork makes
 * of them.
 */
#ifndef FLAGP_PROCESS_H
#define FLAGP_PROCESS_H

#include <stdbool.h>

#include "core/snapshot.h"
#include "store/paths.h"
#include "store/proc.h"

/*
 * Finds the service's places and opens them.  Returns 0; a positive code where
 * something does not work, with a text; -FLAG_EINVAL.  LOCK_CONTROL is held.
 */
int flagp_process_open(const char *service, const char *root,
		       enum flag_fork on_fork, struct flag_error *error);
void flagp_process_close(void);

const struct paths *flagp_process_paths(void);
const struct places *flagp_process_places(void);

/*
 * Opens again what was renamed, removed or remade under its path since.
 * Returns whether anything was.  LOCK_CHANGE is held.
 */
bool flagp_process_reopen(void);

/* Registers, or registers anew where the entry is gone.  Leaves the list of
 * flags in the state directory.  LOCK_CHANGE is held.  0 or -errno. */
int flagp_process_register(void);

/* Removes registrations that dead processes left.  No lock is needed. */
void flagp_process_sweep(void);

/* Removes the registration. */
void flagp_process_leave(void);

/* What the head of the registration says beside the snapshot.  LOCK_CHANGE. */
void flagp_process_driver(enum proc_driver driver);
void flagp_process_watch(const char *watch);
/* Whether the files may be asked: between open and close.  LOCK_CHANGE. */
bool flagp_process_is_open(void);

/* What does not work and will not until the next start or child; told where
 * there is nothing newer to tell. */
void flagp_process_standing(const struct flag_error *error);

/* What decides beside the files.  W: start, under LOCK_CHANGE. */
void flagp_process_surroundings(const char *instance, const char *environment);
/* The error in force, or NULL.  Returns whether that is news. */
bool flagp_process_error(const struct flag_error *error);

/*
 * Writes what changed: lines of flags first, then the head with the
 * acknowledgement, so that who sees the second finds the first.  LOCK_CHANGE
 * is held.
 */
void flagp_process_report(const struct snapshot *snapshot);

/* Installs the fork handlers; once, whatever is started later. */
int flagp_process_fork_handlers(void);

/* Called in the child, by the fork handler: what the driver must forget.
 * Async-signal-safe.  W: start. */
void flagp_process_on_child(void (*forget)(void));

/* Whether this is a child that has not yet called flag_child(). */
bool flagp_process_is_new_child(void);
void flagp_process_child_known(void);

#endif
