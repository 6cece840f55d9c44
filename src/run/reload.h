/* SPDX-License-Identifier: MIT */
/* reload.h - files into change: one turn reads what is new and commits it. */
#ifndef FLAGP_RELOAD_H
#define FLAGP_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "ripcord.h"

/* What a turn looks at beside the layer files. */
#define RELOAD_CONFIG 1u	/* the configuration, if it changed */
#define RELOAD_NOW 2u		/* a set that shrank too, at once */

/*
 * Reads, publishes, reports.  Returns 0, or -code where something on disk is
 * refused or cannot be read, with file, line and text in error; what was good
 * stays in force.  Takes LOCK_CHANGE; no lock may be held.
 */
int flagp_reload(unsigned what, struct flag_error *error);

/* Whether a layer file is not what the last turn read, or the family's cells
 * are newer than what views see.  Cheap. */
bool flagp_reload_layers_changed(void);
/* Whether the configuration is not what the last turn saw.  Cheap. */
bool flagp_reload_config_changed(void);

/* Whether the snapshot in force is what the files say, as far as they can be
 * understood.  LOCK_CHANGE is held. */
bool flagp_reload_is_current(void);

/* When flagp_reload() wants to be called again by itself: flagp_clock_ms(),
 * or INT64_MAX.  For overrides that end and files that must stay quiet. */
int64_t flagp_reload_due(void);

/* Forgets what was seen of files; what was good stays in force.  At stop. */
void flagp_reload_reset(void);

/* Forgets what was good, too: a start with files elsewhere. */
void flagp_reload_forget(void);

#endif
