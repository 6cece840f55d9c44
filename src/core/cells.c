/* SPDX-License-Identifier: MIT */
/* cells.c - see cells.h. */
#include "core/cells.h"

#include <stdlib.h>
#include <string.h>

struct range {
	uintptr_t first, end;
	unsigned shift;
	uint32_t number;		/* of its first cell */
	struct cell_facts *facts;
};

/* Replaced whole when a range is added.  Readers take no lock, so the old ones
 * stay: there are as many as linked objects and blocks of private cells. */
struct table {
	struct table *before;
	size_t count;
	struct range ranges[];
};

/* W: flagp_cells_add under LOCK_CHANGE.  R: any (O2). */
static struct table *table;

bool
flagp_cells_add(const struct flag *cell, size_t count, unsigned shift)
{
	size_t known = table != NULL ? table->count : 0;
	struct table *next = malloc(sizeof(*next) +
				    (known + 1) * sizeof(struct range));
	struct range *range;

	if (next == NULL)
		return false;
	if (known > 0)
		memcpy(next->ranges, table->ranges,
		       known * sizeof(struct range));
	range = &next->ranges[known];
	range->first = (uintptr_t)cell;
	range->end = range->first + (count << shift);
	range->shift = shift;
	range->number = flagp_cells_count();
	range->facts = calloc(count, sizeof(*range->facts));
	if (range->facts == NULL) {
		free(next);
		return false;
	}
	next->before = table;
	next->count = known + 1;
	__atomic_store_n(&table, next, __ATOMIC_RELEASE);	/* O2 */
	return true;
}

/* The range of a cell and its place there, or NULL. */
static inline const struct range *
find(const struct flag *cell, size_t *index)
{
	const struct table *now = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
	uintptr_t address = (uintptr_t)cell;			/* O2 */

	for (size_t i = 0; now != NULL && i < now->count; i++) {
		const struct range *range = &now->ranges[i];

		if (address < range->first || address >= range->end)
			continue;
		*index = (address - range->first) >> range->shift;
		return range;
	}
	return NULL;
}

uint32_t
flagp_cells_number(const struct flag *cell)
{
	size_t index;
	const struct range *range = find(cell, &index);

	return range != NULL ? range->number + (uint32_t)index : UINT32_MAX;
}

uint32_t
flagp_cells_count(void)
{
	const struct range *last;

	if (table == NULL)
		return 0;
	last = &table->ranges[table->count - 1];
	return last->number +
	       (uint32_t)((last->end - last->first) >> last->shift);
}

bool
flagp_cells_set(const struct flag *cell, struct registry_entry *entry,
		const char *name)
{
	size_t index;
	const struct range *range = find(cell, &index);

	if (range == NULL)
		return false;
	flagp_bucket_prefix(&range->facts[index].prefix, name, strlen(name));
	__atomic_store_n(&range->facts[index].entry, entry,
			 __ATOMIC_RELEASE);			/* O3 */
	return true;
}

struct cell_facts *
flagp_cells_at(const struct flag *cell)
{
	size_t index;
	const struct range *range = find(cell, &index);

	if (range == NULL || __atomic_load_n(&range->facts[index].entry,
					     __ATOMIC_ACQUIRE) == NULL)	/* O3 */
		return NULL;
	return &range->facts[index];
}
