/* SPDX-License-Identifier: MIT */
/*
 * board.h - the cells of this process and of its fork family, and the only
 * code that stores to them.
 *
 * flagp_board_open() puts one shared mapping under the pages that hold cells,
 * where they are: a store by any member of the family is seen by all of it.
 * Before, and where the layout does not allow it, cells are private.
 *
 * A cell is 64 bits.  Low half, the state word:
 *
 *	bit 0		on: the answer of flag_enabled()
 *	bit 1		percentage: readers by key or by call ask threshold
 *	bits 2, 3	more to ask: measured, breaker
 *	bit 4		tripped (T): clear on, stays until the trip is gone
 *	bit 5		the trip is on disk (P)
 *	bits 8..31	stamp: grows with each store
 *
 * High half: the rollout threshold, 0 for off and all ones for on.  With a
 * percentage, on says whether it takes this instance.
 *
 * Publishing.  Several processes may publish at once.  Whoever does loads the
 * cells, THEN reads the files, computes, and compares-and-swaps from what he
 * loaded: if that fails, somebody knew better, and he starts again.  The
 * board's header names the knowledge for which its cells were made; the first
 * one who knows something else stamps every cell, also those that stay equal,
 * so that a member that was stopped between reading and storing cannot bring
 * older knowledge back.  A trip is the same compare-and-swap.
 */
#ifndef FLAGP_BOARD_H
#define FLAGP_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/registry.h"
#include "ripcord.h"

#define BOARD_ON 0x01u
#define BOARD_PERCENT 0x02u
#define BOARD_TRIPPED 0x10u
#define BOARD_TRIP_SAVED 0x20u
#define BOARD_STAMP_SHIFT 8

/* What the family has been told.  Shared memory.
 * W: publishers, compare-and-swap.  R: publishers.  Order: acquire, release,
 * around the stores to cells. */
struct board_knowledge {
	uint64_t knowledge;		/* hash of all that was known */
	uint64_t config;		/* digest of the configuration in it */
};

/*
 * Makes the board: shared unless private_cells is set.  name: what
 * /proc/PID/maps will show, from flagp_paths_board_name().  Cells keep their
 * values.
 * LOCK_CHANGE is held; no other thread may store to cells meanwhile.  Returns
 * 0, or a positive code where cells stay private, with a text in error.
 */
int flagp_board_open(const char *name, bool private_cells,
		     struct flag_error *error);

/* Puts an object's cells on the board if there is one and it has room; marks
 * them as own cells otherwise.  LOCK_CHANGE is held. */
void flagp_board_adopt(struct flag_object *object);

/* The inode of the mapping, which /proc/PID/maps shows; 0: none. */
uint64_t flagp_board_id(void);
/* Whether this process has cells that no other member of its family can
 * update. */
bool flagp_board_own_cells(void);
/* Told by the fork handlers: what is adopted from now on is one process's
 * own.  Async-signal-safe. */
void flagp_board_forked(void);

/* A slot of the library's own page for a name without definition.  The same
 * name gets the same slot in every member.  LOCK_CHANGE is held.  NULL: out of
 * memory. */
struct flag *flagp_board_claim(const char *name);

/* What the header says now. */
struct board_knowledge flagp_board_knowledge(void);
/* Replaces it if it still is seen. */
void flagp_board_set_knowledge(const struct board_knowledge *seen,
			       const struct board_knowledge *now);

/* Forgets it: another place with other files begins. */
void flagp_board_forget_knowledge(void);

/*
 * The epoch of the board: another one after each store that a snapshot of this
 * process may not know of, a trip or newer knowledge of the family.  No number
 * is ever an epoch twice.  Shared memory; W: anybody who stores, after the
 * cells; R: any.
 */
const uint64_t *flagp_board_epoch(void);
/* A number that nobody else gets. */
uint64_t flagp_board_epoch_take(void);
/* Makes it the epoch, if that still is seen; otherwise yet another one, for
 * the stores before it are news to all.  Returns whether it was. */
bool flagp_board_epoch_move(uint64_t seen, uint64_t taken);
/* Another one.  Async-signal-safe. */
void flagp_board_epoch_skip(void);

/* The whole cell. */
uint64_t flagp_board_load(const struct flag *cell);
#define BOARD_WORD(cell) ((uint32_t)(cell))
#define BOARD_THRESHOLD(cell) ((uint32_t)((cell) >> 32))

/* What the cell should be. */
struct board_wish {
	uint32_t share;
	bool trip;		/* one stands in the files */
	bool instance;		/* a part of all takes this instance */
};

/*
 * Stores what wish says, if the cell still is seen.  restamp: also if nothing
 * else changes.  Returns false if somebody else stored meanwhile.
 */
bool flagp_board_publish(struct flag *cell, uint64_t seen,
			 const struct board_wish *wish, bool restamp);

/* Clears on, sets T, clears P.  Async-signal-safe.  Returns false if a trip
 * that is not yet on disk stood there already. */
bool flagp_board_trip(struct flag *cell);
/* Sets P: the trip is on disk. */
void flagp_board_trip_saved(struct flag *cell);
/* Whether T is set without P. */
bool flagp_board_trip_unsaved(uint64_t cell);

#endif
