/* SPDX-License-Identifier: MIT */
/* peers.h - the loops of other libraries; NULL where one is not installed. */
#ifndef PEERS_H
#define PEERS_H

#include <stddef.h>

#include "loops.h"

#ifdef __cplusplus
extern "C" {
#endif

loop_fn *peers_urcu(void);
loop_fn *peers_rwlock(void);
loop_fn *peers_absl(void);

#ifdef __cplusplus
}
#endif

#endif
