/* SPDX-License-Identifier: MIT */
/*
 * report.h - what this process says of its flags and tunables: their lines in
 * its registration, and the list that it leaves for when it is gone.
 */
#ifndef FLAGP_REPORT_H
#define FLAGP_REPORT_H

#include <stdint.h>

#include "core/snapshot.h"

/* Writes what changed since the last time into the entry, of which there were
 * number before it in this process: a new one has no lines yet.  LOCK_CHANGE
 * is held. */
void flagp_report_lines(int entry, uint64_t number,
			const struct snapshot *snapshot);

/* Leaves the list of flags and tunables in the state directory.  LOCK_CHANGE
 * is held. */
void flagp_report_list(int state);

#endif
