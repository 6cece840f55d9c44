/* SPDX-License-Identifier: MIT */
/*
 * rollout.h - which arm a percentage gives to a key or to a call.
 *
 * The cell says whether there is a percentage, and its threshold, in one load;
 * what a key is hashed with stands in private memory, found without a lock.
 */
#ifndef FLAGP_ROLLOUT_H
#define FLAGP_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ripcord.h"

/* The arm of a key under what the cell said; marks that keys are used. */
bool flagp_rollout_key(const struct flag *flag, uint64_t cell,
		       const void *key, size_t size);

/* The same of a call: drawn anew. */
bool flagp_rollout_call(const struct flag *flag, uint64_t cell);

/* In a forked child: its draws are not those of its parent.
 * Async-signal-safe. */
void flagp_rollout_forked(void);

#endif
