/* SPDX-License-Identifier: MIT */
/* registry.c - names to cells. */
#include "core/registry.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/text.h"

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
/* Open addressing by name and by cell; size is a power of two, at most half
 * full. */
struct table {
	struct {
		uint32_t key;
		uint32_t number;	/* of the entry, from 1; 0: free */
	} *slots;
	size_t size, used;
};
static struct table by_name, by_cell;

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
key_of(const void *bytes, size_t size)
{
	uint64_t hash = flagp_text_hash(FLAGP_FNV_START, bytes, size);

	return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t
name_key(const char *name)
{
	return key_of(name, strlen(name));
}

static uint32_t
cell_key(const struct flag *cell)
{
	uintptr_t address = (uintptr_t)cell;

	return key_of(&address, sizeof(address));
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
has_name(const struct registry_entry *entry, const void *name)
{
	return strcmp(entry->name, name) == 0;
}

static bool
has_cell(const struct registry_entry *entry, const void *cell)
{
	for (unsigned i = 0; i <= entry->more_count; i++)
		if (flagp_registry_cell(entry, i) == cell)
			return true;
	return false;
}

/* The number of the entry that has what is looked for, or 0. */
static uint32_t
look_up(const struct table *table, uint32_t key,
	bool (*has)(const struct registry_entry *entry, const void *what),
	const void *what)
{
	size_t at;

	if (table->size == 0)
		return 0;
	for (at = key & (table->size - 1); table->slots[at].number != 0;
	     at = (at + 1) & (table->size - 1))
		if (table->slots[at].key == key &&
		    has(flagp_registry_at(table->slots[at].number - 1), what))
			return table->slots[at].number;
	return 0;
}

static struct registry_entry *
numbered(uint32_t number)
{
	return number == 0 ? NULL : flagp_registry_at(number - 1);
}

struct registry_entry *
flagp_registry_find(const char *name)
{
	return numbered(look_up(&by_name, name_key(name), has_name, name));
}

struct registry_entry *
flagp_registry_of(const struct flag *cell)
{
	return numbered(look_up(&by_cell, cell_key(cell), has_cell, cell));
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
	uint32_t number;

	if (!entries_grow() || !table_grow(&by_name) || !table_grow(&by_cell))
		return NULL;
	number = (uint32_t)++entry_count;
	entry = numbered(number);
	entry->name = name;
	entry->cell = cell;
	entry->test = FLAGP_SHARE_NONE;
	place(&by_name, name_key(name), number);
	place(&by_cell, cell_key(cell), number);
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
add_cell(uint32_t number, struct flag *cell)
{
	struct registry_entry *entry = numbered(number);
	struct flag **grown;

	if (has_cell(entry, cell))
		return 0;
	if (!table_grow(&by_cell))
		return -FLAG_ENOMEM;
	grown = realloc(entry->more, (entry->more_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return -FLAG_ENOMEM;
	entry->more = grown;
	grown[entry->more_count++] = cell;
	place(&by_cell, cell_key(cell), number);
	return 0;
}

static int
adopt_definition(const struct flag_definition *definition)
{
	uint32_t initial = definition->bits & FLAG_INITIAL_ON ?
				   FLAGP_SHARE_ALL : 0;
	struct registry_entry *entry;
	uint32_t number;

	if (!flagp_text_is_name(definition->name))
		return -FLAG_EINVAL;
	number = look_up(&by_name, name_key(definition->name), has_name,
			 definition->name);
	entry = numbered(number);
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
	return add_cell(number, definition->cell);
}

int
flagp_registry_adopt(struct flag_object *object)
{
	const struct flag_definition **definition;
	int result = 0;

	object->reserved[0] = adopted;
	adopted = object;
	for (definition = object->index; definition < object->index_end;
	     definition++) {
		int one;

		/* Objects of different headers may leave holes. */
		if (*definition == NULL)
			continue;
		one = adopt_definition(*definition);
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
