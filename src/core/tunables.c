/* SPDX-License-Identifier: MIT */
/* tunables.c - see tunables.h. */
#include "core/tunables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/definition.h"
#include "base/error.h"
#include "base/text.h"
#include "core/registry.h"

/* W, R under LOCK_CHANGE.  A handful in most programs: searched one by one. */
static struct tunable *tunables;
static uint32_t count, room;

uint32_t
flagp_tunables_count(void)
{
	return count;
}

struct tunable *
flagp_tunables_at(uint32_t index)
{
	return &tunables[index];
}

static struct tunable *
find(const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(tunables[i].name, name) == 0)
			return &tunables[i];
	return NULL;
}

const struct tunable *
flagp_tunables_find(const char *name)
{
	return find(name);
}

/* --- definitions ---------------------------------------------------------- */

static bool
add_cell(struct tunable *tunable, void *cell)
{
	void **grown = realloc(tunable->cells, (tunable->cell_count + 1) *
						       sizeof(*grown));
	/* The number stands behind the value: 64 bits, or a pointer. */
	uint32_t *number = tunable->limits.type == VALUE_STRING ?
		&((struct flag_string *)cell)->number :
		&((struct flag_int64 *)cell)->number;

	if (grown == NULL)
		return false;
	tunable->cells = grown;
	grown[tunable->cell_count++] = cell;
	__atomic_store_n(number, tunable->number, __ATOMIC_RELAXED);
	return true;
}

/* Room for one more; its number is count + 1 afterwards. */
static bool
make_room(void)
{
	uint32_t wanted = room == 0 ? 16 : room * 2;
	struct tunable *grown;

	if (count < room)
		return true;
	grown = realloc(tunables, wanted * sizeof(*grown));
	if (grown == NULL)
		return false;
	tunables = grown;
	room = wanted;
	return true;
}

static int
refuse(const char *name, const char *text, struct flag_error *error)
{
	return flagp_error_set(error, FLAG_EINVAL, NULL, 0,
			       "tunable %.48s: %s; it stays as compiled",
			       name, text);
}

static int
check_initial(const struct tunable *tunable, struct flag_error *error)
{
	struct flag_error why;
	char initial[64], text[sizeof(initial) + sizeof(why.text) + 32];

	flagp_error_clear(&why);
	if (flagp_value_check(&tunable->initial, &tunable->limits, &why) == 0)
		return 0;
	flagp_value_format(&tunable->initial, initial, sizeof(initial));
	snprintf(text, sizeof(text), "compiled default %s: %s", initial,
		 why.text);
	return refuse(tunable->name, text, error);
}

int
flagp_tunables_adopt(const struct flag_definition *definition,
		     struct flag_error *error)
{
	const void *whole = definition;
	const struct flag_tunable_definition *given = whole;
	struct tunable fresh = { .name = definition->name,
				 .summary = definition->summary }, *known;

	if (definition->size < sizeof(*given) ||
	    !flagp_definition_read(given, &fresh.initial, &fresh.limits))
		return refuse(fresh.name, "of a type that this version does "
			      "not know; use the library that it was built "
			      "with", error);
	if (check_initial(&fresh, error) < 0)
		return -FLAG_EINVAL;
	known = find(fresh.name);
	if (known != NULL &&
	    !flagp_definition_same(&known->initial, &known->limits,
				   &fresh.initial, &fresh.limits))
		return refuse(fresh.name, "another object defines it, not "
			      "with the same type, range and default; give "
			      "both the same", error);
	if (known == NULL) {
		if (!make_room())
			return -FLAG_ENOMEM;
		known = &tunables[count];
		*known = fresh;
		known->number = ++count;
	}
	return add_cell(known, given->tunable) ? 0 : -FLAG_ENOMEM;
}

/* --- values --------------------------------------------------------------- */

static bool
read_value(const struct tunable *tunable, const struct conf_value *given,
	   struct value *value, struct flag_error *error)
{
	return flagp_value_parse(value, &tunable->limits, given->text,
				 strlen(given->text), error) == 0;
}

static int
refuse_value(const struct conf_value *given, const char *text,
	     struct flag_error *error)
{
	char share[16];

	return flagp_error_set(error, FLAG_ECONFIG, given->file, given->line,
			       "[%s] %s = %s: %s", given->flag,
			       given->text != NULL ? "value" : "state",
			       given->text != NULL ? given->text :
			       flagp_layers_share(given->share, share,
						  sizeof(share)), text);
}

static int
refuse_state(const struct tunable *tunable, const struct conf_value *given,
	     struct flag_error *error)
{
	char range[VALUE_RANGE_SIZE], text[VALUE_RANGE_SIZE + 64];

	flagp_value_range(&tunable->limits, range, sizeof(range));
	snprintf(text, sizeof(text), "this is a tunable; use value = ..., %s",
		 range);
	return refuse_value(given, text, error);
}

/* One value = ... that may be of a tunable, of a flag, or of neither. */
static int
check_text(const struct conf_value *given, struct flag_error *error)
{
	const struct tunable *tunable = find(given->flag);
	struct flag_error why;
	struct value value;

	flagp_error_clear(&why);
	if (tunable != NULL && !read_value(tunable, given, &value, &why))
		return refuse_value(given, why.text, error);
	if (tunable == NULL && flagp_registry_find(given->flag) != NULL)
		return refuse_value(given, "this is a flag; use state = on, "
				    "off or a percentage", error);
	return 0;
}

int
flagp_tunables_check(const struct conf *conf, struct flag_error *error)
{
	const struct conf_value *given, *end = conf->values + conf->count;
	int result = 0;

	for (given = conf->values; given < end && result == 0; given++)
		if (given->text != NULL)
			result = check_text(given, error);
	for (uint32_t i = 0; i < count && result == 0; i++) {
		given = flagp_conf_first(conf, tunables[i].name);
		for (; given != NULL && given < end && result == 0 &&
		       strcmp(given->flag, tunables[i].name) == 0; given++)
			if (given->text == NULL)
				result = refuse_state(&tunables[i], given,
						      error);
	}
	return result;
}

static int
check_item(const struct conf_value *given, struct flag_error *error)
{
	const struct tunable *tunable = find(given->flag);
	struct flag_error why;
	struct value value;

	flagp_error_clear(&why);
	if (tunable != NULL ? read_value(tunable, given, &value, &why) :
	    given->share != FLAGP_SHARE_NONE ||
	    flagp_registry_find(given->flag) == NULL)
		return 0;
	return flagp_error_set(error, FLAG_ECONFIG, given->file, given->line,
			       "%s=%s: %s (passed over; the files decide)",
			       given->flag, given->text,
			       tunable != NULL ? why.text :
			       "this is a flag; use on, off or a percentage");
}

int
flagp_tunables_check_environment(const struct conf *environment,
				 struct flag_error *error)
{
	int result = 0;

	for (size_t i = 0; i < environment->count && result == 0; i++)
		result = check_item(&environment->values[i], error);
	return result;
}

void
flagp_tunables_ask(const struct tunable *tunable,
		   const struct layers_files *files, struct value *value,
		   const struct conf_value **source)
{
	const struct conf *layers[] = { files->environment, files->conf };

	for (size_t i = 0; i < FLAGP_COUNT(layers); i++) {
		const struct conf_value *given = layers[i] == NULL ? NULL :
			flagp_conf_last(layers[i], tunable->name);

		if (given == NULL || given->text == NULL ||
		    !read_value(tunable, given, value, NULL))
			continue;
		*source = given;
		return;
	}
	*value = tunable->initial;
	*source = NULL;
}

uint64_t
flagp_tunables_bits(const struct value *value)
{
	if (value->type == VALUE_STRING)
		return (uint64_t)(uintptr_t)value->string;
	return flagp_value_mark(value);
}

void
flagp_tunables_assign(const struct tunable *tunable, const struct value *value)
{
	typedef uint64_t __attribute__((may_alias)) cell_bits;

	if (value->type == VALUE_STRING)
		return;
	for (unsigned i = 0; i < tunable->cell_count; i++)
		__atomic_store_n((cell_bits *)tunable->cells[i],
				 flagp_tunables_bits(value), __ATOMIC_RELAXED);
}
