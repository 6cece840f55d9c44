/* SPDX-License-Identifier: MIT */
/*
 * view.h - generations that requests look at for as long as they like.
 *
 * There are four slots.  One is current; the others hold what views still
 * have, or wait for reuse.  A view counts itself in on its thread's books of
 * the current slot, and out when it ends, on the books of whatever thread ends
 * it.  A slot is reused when all outs are as many as all ins.  Nobody waits: if
 * three old generations are still looked at, views stay with the fourth until
 * one is free; cells, and so kills, are published all the same, and such a
 * view asks them.
 *
 *	O4: begin: in of the slot, then current once more; driver: current of
 *	    another slot, membarrier, then the sums (where there is no
 *	    membarrier, all four are sequentially consistent).  Either the view
 *	    sees that its slot is no longer current and takes another, or the
 *	    driver sees its in.
 *	O5: end: out (store, release) pairs with the driver's sum (load,
 *	    acquire): what the view has read, it has read before reuse.
 *	O6: current (store, release) pairs with both loads of begin (acquire): a
 *	    view sees the table of its slot, also of one that was reused and is
 *	    current again since the first load.
 *	O7: driver: current, then the board's epoch; begin: epoch, current,
 *	    epoch.  The epoch stood still while the slot was current: its table
 *	    is of that epoch, or the board has moved on without this process.
 */
#ifndef FLAGP_VIEW_H
#define FLAGP_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/snapshot.h"
#include "ripcord.h"

#define VIEW_SLOTS 4

/* States of a cell in a table. */
#define VIEW_ASK 0
#define VIEW_OFF 1
#define VIEW_ON 2

/* A generation on its way.  Who made it fills states and values. */
struct view_stage {
	struct flag_view_table_ table;
	unsigned char *states;		/* table.states, to be written */
	uint64_t *values;		/* table.values, to be written */
	struct piece *texts;		/* where values of strings point to */
};

/* Memory for that many cells and tunables, all VIEW_ASK and 0.  false: out of
 * memory. */
bool flagp_view_stage(struct view_stage *stage, uint32_t states,
		      uint32_t values);
/* Frees one that is not to be published; NULL is accepted.  LOCK_CHANGE is
 * held. */
void flagp_view_drop(struct view_stage *stage);

/*
 * Makes stage what views begin with, or as soon as a slot is free.  Takes its
 * memory, and holds texts.  epoch: where the board's stands; with another than
 * the two of the table, views of it are loose: they ask cells.  LOCK_CHANGE is
 * held.
 */
void flagp_view_publish(struct view_stage *stage, const uint64_t *epoch);

/* Tries again to publish what found no free slot.  Returns whether it still
 * waits.  LOCK_CHANGE is held. */
bool flagp_view_retry(void);

/*
 * In a forked child: no other thread is there to end a view.  What is open is
 * what the thread that forked has begun and not ended.  Where its books cannot
 * tell, for it ended views that others had begun or others ended its own, all
 * that is open stays open: a slot is lost rather than taken from a view.
 * Async-signal-safe.
 */
void flagp_view_forked(void);

#endif
