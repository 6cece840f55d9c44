/* SPDX-License-Identifier: MIT */
/* view_object.c - a view, and a read section, as a shared object has them. */
#ifdef HAVE_URCU
#define _LGPL_SOURCE
#include <urcu/urcu-bp.h>
#endif
#include <ripcord.h>

#include "view.h"

FLAG_DEFINE(viewed, "bench.viewed", "read in a view");

void
view_flag(unsigned long calls)
{
	struct flag_view view;

	for (; calls > 0; calls--) {
		flag_view_begin(&view);
		if (flag_view_enabled(&view, &viewed))
			__asm__ __volatile__("nop");
		flag_view_end(&view);
	}
}

#ifdef HAVE_URCU
static int answer;
static int *shared = &answer;

static void
loop_urcu(unsigned long calls)
{
	for (; calls > 0; calls--) {
		urcu_bp_read_lock();
		if (*(volatile int *)rcu_dereference(shared))
			__asm__ __volatile__("nop");
		urcu_bp_read_unlock();
	}
}
#endif

view_loop *
view_urcu(void)
{
#ifdef HAVE_URCU
	return loop_urcu;
#else
	return NULL;
#endif
}
