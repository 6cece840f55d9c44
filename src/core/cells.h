/* SPDX-License-Identifier: MIT */
/*
 * cells.h - from the address of a cell to what belongs to it, in private
 * memory and without a lock.
 *
 * Cells stand in few places: the flag_words of each linked object, the slots
 * of the library's page, blocks of private cells.  Each place is a range with
 * one struct cell_facts a cell.  Ranges are only ever added: a reader that
 * looks while one is added sees the table before or after.
 *
 *	O2: flagp_cells_add (store, release) pairs with flagp_cells_at (load,
 *	    acquire): a reader sees the ranges of the table that it finds.
 *	O3: flagp_cells_set (store of entry, release) pairs with the load of
 *	    entry (acquire) in flagp_cells_at: prefix is whole.
 */
#ifndef FLAGP_CELLS_H
#define FLAGP_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mechanism/bucket.h"
#include "ripcord.h"

struct registry_entry;

/* Which readers that are calls were seen: the units of a percentage. */
#define CELL_USED_FOR_KEYS 1u
#define CELL_USED_FOR_CALLS 2u

/*
 * What belongs to one cell.
 * entry: W flagp_cells_set, once; R any (O3).  prefix: fixed before entry is.
 * uses: W any reader, only ever adding bits; R the driver.  Relaxed: it is a
 * hint for people.
 */
struct cell_facts {
	struct registry_entry *entry;	/* NULL: not registered yet */
	struct bucket_prefix prefix;	/* the hash behind the flag's name */
	uint8_t uses;
};

/* Adds a range: count cells, the first at cell, each 1 << shift bytes behind
 * the one before.  LOCK_CHANGE is held.  false: out of memory. */
bool flagp_cells_add(const struct flag *cell, size_t count, unsigned shift);

/* Says to what entry a cell of a range belongs, and its flag's name.
 * LOCK_CHANGE is held.  false: in no range. */
bool flagp_cells_set(const struct flag *cell, struct registry_entry *entry,
		     const char *name);

/* The facts of a registered cell, or NULL.  Any thread, never blocks. */
struct cell_facts *flagp_cells_at(const struct flag *cell);

/*
 * Cells are numbered through all ranges, from 0.  Returns the number of a
 * cell, or UINT32_MAX: in no range.  Any thread, never blocks.
 */
uint32_t flagp_cells_number(const struct flag *cell);
/* How many numbers there are.  LOCK_CHANGE is held. */
uint32_t flagp_cells_count(void);

/* Marks the use once: the line is written by the first reader only. */
static inline void
flagp_cells_mark(struct cell_facts *facts, uint8_t use)
{
	if (!(__atomic_load_n(&facts->uses, __ATOMIC_RELAXED) & use))
		__atomic_fetch_or(&facts->uses, use, __ATOMIC_RELAXED);
}

#endif
