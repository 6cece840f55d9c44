/* SPDX-License-Identifier: MIT */
/* view.h - the loops of view_object.c, which stand in a shared object. */
#ifndef VIEW_H
#define VIEW_H

#define VIEW_CALLS 1000000ul

typedef void view_loop(unsigned long calls);

void view_flag(unsigned long calls);
view_loop *view_urcu(void);		/* NULL: built without liburcu */

#endif
