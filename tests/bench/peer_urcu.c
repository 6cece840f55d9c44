/* SPDX-License-Identifier: MIT */
/*
 * peer_urcu.c - a read section of liburcu around a pointer's load.  Compiled
 * once for each of its forms, with -DPEER_GET=name: flavour bp, or memb with
 * -DPEER_MEMB; inlined, as its manual allows to code under a licence that goes
 * with the LGPL, with -D_LGPL_SOURCE, or by call.
 */
#include "peers.h"

#ifdef HAVE_URCU
#ifdef PEER_MEMB
#include <urcu/urcu-memb.h>
#define PEER_LOCK urcu_memb_read_lock
#define PEER_UNLOCK urcu_memb_read_unlock
#define PEER_ENTER urcu_memb_register_thread
#define PEER_LEAVE urcu_memb_unregister_thread
#else
#include <urcu/urcu-bp.h>
#define PEER_LOCK urcu_bp_read_lock
#define PEER_UNLOCK urcu_bp_read_unlock
#define PEER_ENTER NULL
#define PEER_LEAVE NULL
#endif

static int section_value;
static int *section_pointer = &section_value;

static inline int
read_section(void)
{
	int on;

	PEER_LOCK();
	on = *(volatile int *)rcu_dereference(section_pointer);
	PEER_UNLOCK();
	return on;
}

LOOPS_DENSE(section_off, read_section(), 0)

const struct peer *
PEER_GET(void)
{
	static const struct peer self = { section_off, PEER_ENTER,
					  PEER_LEAVE };

	return &self;
}
#else
const struct peer *
PEER_GET(void)
{
	return NULL;
}
#endif
