/* SPDX-License-Identifier: MIT */
/* registry.c - names to cells. */
#include "core/registry.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/text.h"
#include "core/cells.h"
#include "core/tunables.h"

/*
 * Objects form two lists over reserved[0]: handed in, and adopted.
 * reserved[1] is set as soon as an object is in one of them; W, R: under
 * LOCK_REGISTRY.
 * pending: W constructors and adopters, under LOCK_REGISTRY.
 * adopted: W, R under LOCK_CHANGE.
 */
static struct flag_object *pending, *adopted;

#define BLOCK_ENTRIES 64u

/* Entries stay where they are, so there are blocks of them.  W, R under
 * LOCK_CHANGE. */
static struct registry_entry **blocks;
static size_t entry_count, block_count, block_room;
/* Open addressing by name; size is a power of two, at most half full. */
struct table {
	struct {
		uint32_t key;
		uint32_t number;	/* of the entry, from 1; 0: free */
	} *slots;
	size_t size, used;
};
static struct table by_name;

#define CELL_SHIFT 3		/* cells of an object stand side by side */
_Static_assert(sizeof(struct flag) == 1 << CELL_SHIFT, "64 bits");

/* Weak: a program linked with -static has neither, and closes no object. */
#pragma weak dlopen
#pragma weak dladdr1

/* Keeps the object in memory for ever: drivers store to its cells. */
static void
pin(const struct flag_object *object)
{
	struct link_map *map = NULL;
	Dl_info info;

	if (dlopen == NULL || dladdr1 == NULL)
		return;
	if (dladdr1(object, &info, (void **)&map, RTLD_DL_LINKMAP) == 0)
		return;
	if (map == NULL || map->l_name == NULL || map->l_name[0] == '\0')
		return;		/* the program itself */
	(void)dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

void
flagp_registry_register(struct flag_object *object)
{
	pin(object);
	flagp_lock(LOCK_REGISTRY);
	if (object->reserved[1] == NULL) {
		object->reserved[0] = pending;
		object->reserved[1] = object;
		pending = object;
	}
	flagp_unlock(LOCK_REGISTRY);
}

struct flag_object *
flagp_registry_next_object(void)
{
	struct flag_object *object;

	flagp_lock(LOCK_REGISTRY);
	object = pending;
	if (object != NULL)
		pending = object->reserved[0];
	flagp_unlock(LOCK_REGISTRY);
	return object;
}

struct flag_object *
flagp_registry_objects(void)
{
	return adopted;
}

struct flag_object *
flagp_registry_object_after(struct flag_object *object)
{
	return object->reserved[0];
}

static uint32_t
name_key(const char *name)
{
	uint64_t hash = flagp_text_hash(FLAGP_FNV_START, name, strlen(name));

	return (uint32_t)(hash ^ hash >> 32);
}

static void
place(struct table *table, uint32_t key, uint32_t number)
{
	size_t at = key & (table->size - 1);

	while (table->slots[at].number != 0)
		at = (at + 1) & (table->size - 1);
	table->slots[at].key = key;
	table->slots[at].number = number;
	table->used++;
}

/* Makes room for one more.  Returns whether there is. */
static bool
table_grow(struct table *table)
{
	struct table old = *table;

	if ((table->used + 1) * 2 <= table->size)
		return true;
	table->size = old.size == 0 ? 64 : old.size * 2;
	table->slots = calloc(table->size, sizeof(*table->slots));
	if (table->slots == NULL) {
		*table = old;
		return false;
	}
	table->used = 0;
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].number != 0)
			place(table, old.slots[i].key, old.slots[i].number);
	free(old.slots);
	return true;
}

static bool
has_cell(const struct registry_entry *entry, const struct flag *cell)
{
	for (unsigned i = 0; i <= entry->more_count; i++)
		if (flagp_registry_cell(entry, i) == cell)
			return true;
	return false;
}

struct registry_entry *
flagp_registry_find(const char *name)
{
	uint32_t key = name_key(name);
	size_t at;

	if (by_name.size == 0)
		return NULL;
	for (at = key & (by_name.size - 1); by_name.slots[at].number != 0;
	     at = (at + 1) & (by_name.size - 1)) {
		struct registry_entry *entry =
			flagp_registry_at(by_name.slots[at].number - 1);

		if (by_name.slots[at].key == key &&
		    strcmp(entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

struct registry_entry *
flagp_registry_of(const struct flag *cell)
{
	const struct cell_facts *facts = flagp_cells_at(cell);

	return facts != NULL ? facts->entry : NULL;
}

/* Makes room for one more, all zero. */
static bool
entries_grow(void)
{
	struct registry_entry **grown;
	size_t room = block_room == 0 ? 16 : block_room * 2;

	if (entry_count < block_count * BLOCK_ENTRIES)
		return true;
	if (block_count == block_room) {
		grown = realloc(blocks, room * sizeof(*blocks));
		if (grown == NULL)
			return false;
		blocks = grown;
		block_room = room;
	}
	blocks[block_count] = calloc(BLOCK_ENTRIES, sizeof(**blocks));
	if (blocks[block_count] == NULL)
		return false;
	block_count++;
	return true;
}

static struct registry_entry *
make_entry(const char *name, struct flag *cell)
{
	struct registry_entry *entry;

	if (!entries_grow() || !table_grow(&by_name))
		return NULL;
	entry = flagp_registry_at(entry_count);
	entry->name = name;
	entry->cell = cell;
	entry->test = entry->told = FLAGP_SHARE_NONE;
	if (!flagp_cells_set(cell, entry, name)) {
		memset(entry, 0, sizeof(*entry));
		return NULL;
	}
	place(&by_name, name_key(name), (uint32_t)++entry_count);
	return entry;
}

struct registry_entry *
flagp_registry_make(const char *name, struct flag *cell)
{
	struct registry_entry *entry;
	char *copy = strdup(name);

	if (copy == NULL)
		return NULL;
	entry = make_entry(copy, cell);
	if (entry == NULL)
		free(copy);
	return entry;
}

static int
add_cell(struct registry_entry *entry, struct flag *cell)
{
	struct flag **grown;

	if (has_cell(entry, cell))
		return 0;
	grown = realloc(entry->more, (entry->more_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return -FLAG_ENOMEM;
	entry->more = grown;
	if (!flagp_cells_set(cell, entry, entry->name))
		return -FLAG_ENOMEM;
	grown[entry->more_count++] = cell;
	return 0;
}

static int
refuse(const struct flag_definition *definition, const char *text,
       struct flag_error *error)
{
	return flagp_error_set(error, FLAG_EINVAL, NULL, 0,
			       "flag name \"%.60s\": %s; it stays as compiled",
			       definition->name != NULL ? definition->name : "",
			       text);
}

/* Whether a definition may have its name. */
static int
check_name(const struct flag_definition *definition, struct flag_error *error)
{
	const char *name = definition->name;
	bool tunable = (definition->bits & FLAG_TUNABLE_) != 0;

	if (!flagp_text_is_name(name))
		return refuse(definition, "use letters, digits, _ . and -, "
			      "begin with a letter or digit, at most 48",
			      error);
	if (flagp_text_is_reserved(name))
		return refuse(definition, "a reserved word of the "
			      "configuration; use another", error);
	if (tunable && flagp_registry_find(name) != NULL)
		return refuse(definition, "a flag has this name already; use "
			      "another", error);
	if (!tunable && flagp_tunables_find(name) != NULL)
		return refuse(definition, "a tunable has this name already; "
			      "use another", error);
	return 0;
}

static int
adopt_flag(const struct flag_definition *definition)
{
	uint32_t initial = definition->bits & FLAG_INITIAL_ON ?
				   FLAGP_SHARE_ALL : 0;
	struct registry_entry *entry = flagp_registry_find(definition->name);

	if (entry == NULL) {
		entry = make_entry(definition->name, definition->cell);
		if (entry == NULL)
			return -FLAG_ENOMEM;
		entry->initial = initial;
		entry->definition = definition;
		return 0;
	}
	/* A name that was only asked for so far takes the definition's word. */
	if (entry->definition == NULL) {
		entry->definition = definition;
		entry->initial = initial;
	}
	if (entry->initial != initial)
		entry->disputed = true;
	return add_cell(entry, definition->cell);
}

static int
adopt_definition(const struct flag_definition *definition,
		 struct flag_error *error)
{
	int result = check_name(definition, error);

	if (result != 0)
		return result;
	return definition->bits & FLAG_TUNABLE_ ?
		       flagp_tunables_adopt(definition, error) :
		       adopt_flag(definition);
}

/* So that views find its cells without a search. */
static void
tell_first(const struct flag_object *object)
{
	if (object->size >= sizeof(*object) && object->first != NULL)
		__atomic_store_n(object->first,
				 flagp_cells_number(object->words),
				 __ATOMIC_RELAXED);
}

int
flagp_registry_adopt(struct flag_object *object, struct flag_error *error)
{
	const struct flag_definition **definition;
	size_t words = (size_t)(object->words_end - object->words);
	int result = 0;

	object->reserved[0] = adopted;
	adopted = object;
	if (words > 0 && !flagp_cells_add(object->words, words, CELL_SHIFT))
		return -FLAG_ENOMEM;
	tell_first(object);
	for (definition = object->index; definition < object->index_end;
	     definition++) {
		int one;

		/* Objects of different headers may leave holes. */
		if (*definition == NULL)
			continue;
		one = adopt_definition(*definition, error);
		if (result == 0)
			result = one;
	}
	return result;
}

size_t
flagp_registry_count(void)
{
	return entry_count;
}

struct registry_entry *
flagp_registry_at(size_t index)
{
	return &blocks[index / BLOCK_ENTRIES][index % BLOCK_ENTRIES];
}

struct flag *
flagp_registry_cell(const struct registry_entry *entry, unsigned index)
{
	return index == 0 ? entry->cell : entry->more[index - 1];
}
