/* SPDX-License-Identifier: MIT */
/*
 * registry.h - names to cells.
 *
 * Linked objects hand in their definitions from constructors, before main()
 * or when they are loaded later.  Handing in only links the object into a
 * list; flagp_registry_adopt() makes entries of it, under LOCK_CHANGE.
 *
 * One entry a name.  The same name in several objects has several cells,
 * published together.  Entries and cells stay for ever: an object is pinned
 * when it registers, so that dlclose() cannot take its cells away.
 */
#ifndef FLAGP_REGISTRY_H
#define FLAGP_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "ripcord.h"

/* W, R: under LOCK_CHANGE, but for name, cell and definition, which are fixed
 * when the entry appears. */
struct registry_entry {
	const char *name;
	const struct flag_definition *definition;	/* NULL: by name only */
	struct flag *cell;		/* the first one */
	struct flag **more;		/* the same name in other objects */
	unsigned more_count;
	uint32_t initial;		/* compiled default, a share */
	uint32_t test;			/* set by a test, or NONE */
	unsigned step;			/* of flag_test_next(): 0 not begun */
	bool disputed;			/* objects differ in the default */
	bool told_trip;			/* what listeners know: a trip, */
	uint32_t told;			/* and the share; NONE: nothing yet */
	uint32_t conf_at;		/* where in the conf it was last */
	uint64_t reported;		/* key of its line in proc/ */
};

/* Hands in an object; called by flag_register().  Any thread. */
void flagp_registry_register(struct flag_object *object);

/*
 * Takes the next object that was handed in and not yet adopted, or NULL.
 * LOCK_CHANGE is held.
 */
struct flag_object *flagp_registry_next_object(void);

/* Makes entries of an object's definitions, and tunables of the others.
 * LOCK_CHANGE is held.  0, or the first failure with a text; those that are in
 * order are made all the same. */
int flagp_registry_adopt(struct flag_object *object, struct flag_error *error);

/* Every object that was adopted.  LOCK_CHANGE is held. */
struct flag_object *flagp_registry_objects(void);
struct flag_object *flagp_registry_object_after(struct flag_object *object);

/* An entry for a name without definition, with this cell; off.  LOCK_CHANGE
 * is held.  NULL: out of memory. */
struct registry_entry *flagp_registry_make(const char *name,
					   struct flag *cell);

/* By name, or NULL.  LOCK_CHANGE is held. */
struct registry_entry *flagp_registry_find(const char *name);
/* By the address of one of its cells, or NULL.  LOCK_CHANGE is held. */
struct registry_entry *flagp_registry_of(const struct flag *cell);

/* All entries, in the order in which they appeared.  LOCK_CHANGE is held. */
size_t flagp_registry_count(void);
struct registry_entry *flagp_registry_at(size_t index);

/* The cells of one entry: 0 <= index <= more_count. */
struct flag *flagp_registry_cell(const struct registry_entry *entry,
				 unsigned index);

#endif
