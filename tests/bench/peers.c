/* SPDX-License-Identifier: MIT */
/*
 * peers.c - other ways to ask whether something is on: a read section of
 * liburcu-bp around a pointer's load, inlined as its manual allows to code
 * under a licence that goes with the LGPL, and a read lock of pthreads.
 */
#define _LGPL_SOURCE
#include <pthread.h>

#include "loops.h"
#include "peers.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static volatile int locked_word;

static inline int
read_rwlock(void)
{
	int on;

	pthread_rwlock_rdlock(&lock);
	on = locked_word;
	pthread_rwlock_unlock(&lock);
	return on;
}

LOOPS_DENSE(rwlock_off, read_rwlock(), 0)

loop_fn *
peers_rwlock(void)
{
	return rwlock_off;
}

#ifdef HAVE_URCU
#include <urcu-bp.h>

static int section_value;
static int *section_pointer = &section_value;

static inline int
read_section(void)
{
	int on;

	urcu_bp_read_lock();
	on = *(volatile int *)rcu_dereference(section_pointer);
	urcu_bp_read_unlock();
	return on;
}

LOOPS_DENSE(section_off, read_section(), 0)

loop_fn *
peers_urcu(void)
{
	return section_off;
}
#else
loop_fn *
peers_urcu(void)
{
	return NULL;
}
#endif
