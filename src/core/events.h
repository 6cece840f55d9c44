/* SPDX-License-Identifier: MIT */
/*
 * events.h - who is told of what has changed.
 *
 * A change notes under LOCK_CHANGE what differs, keeps it once it was
 * published, and delivers it with no lock held: a listener is code of the
 * host.
 */
#ifndef FLAGP_EVENTS_H
#define FLAGP_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/layers.h"
#include "core/registry.h"
#include "ripcord.h"

/* LOCK_CHANGE is held for these three. */

/* Begins a list; what was noted and not kept is dropped. */
void flagp_events_begin(void);
/* Notes what an entry is to be, if that is another than listeners know.
 * answer: what decides; NULL: a test. */
void flagp_events_note(struct registry_entry *entry, uint32_t share,
		       bool trip, const struct layers_answer *answer);
/* It was published. */
void flagp_events_keep(void);

/* Tells what was kept, in order.  Where a thread is at it already, that one
 * goes on with it.  No lock is held. */
void flagp_events_deliver(void);
/* In a forked child: no other thread is at it.  Async-signal-safe. */
void flagp_events_forked(void);
/* Tells that files were refused.  No lock is held. */
void flagp_events_refused(const char *text);

#endif
