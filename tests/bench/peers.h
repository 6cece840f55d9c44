/* SPDX-License-Identifier: MIT */
/*
 * peers.h - other ways to ask whether something is on, each in a file of its
 * own: libraries that want other macros, languages and headers.  NULL where one
 * is not installed.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stddef.h>

#include "loops.h"

struct peer {
	loop_fn *loop;
	void (*enter)(void), (*leave)(void);	/* a thread; or NULL */
};

#ifdef __cplusplus
extern "C" {
#endif

const struct peer *peer_absl(void);
const struct peer *peer_gflags(void);
const struct peer *peer_lttng(void);
const struct peer *peer_urcu_bp(void);
const struct peer *peer_urcu_memb(void);
const struct peer *peer_urcu_bp_call(void);
const struct peer *peer_urcu_memb_call(void);
const struct peer *peer_rwlock(void);
const struct peer *peer_mutex(void);

#ifdef __cplusplus
}
#endif

#endif
