/* SPDX-License-Identifier: MIT */
/* definition.c - see definition.h. */
#include "base/definition.h"

#include <stddef.h>
#include <string.h>

#include "base/compiler.h"

/* What stands where in integers and reals. */
enum { INITIAL, LOW, HIGH };

static const enum value_type value_types[] = {
	[FLAG_TYPE_BOOL] = VALUE_BOOL,
	[FLAG_TYPE_INT64] = VALUE_INT64,
	[FLAG_TYPE_DOUBLE] = VALUE_DOUBLE,
	[FLAG_TYPE_DURATION] = VALUE_DURATION,
	[FLAG_TYPE_SIZE] = VALUE_SIZE,
	[FLAG_TYPE_STRING] = VALUE_STRING,
};

static union value_number
number_of(const struct flag_tunable_definition *definition, int which)
{
	int64_t integer = definition->integers[which];
	union value_number number = { .size = 0 };

	switch (definition->type) {
	case FLAG_TYPE_BOOL:
		number.on = integer != 0;
		break;
	case FLAG_TYPE_DOUBLE:
		number.real = definition->reals[which];
		break;
	case FLAG_TYPE_DURATION:
		number.duration_ns = integer;
		break;
	case FLAG_TYPE_SIZE:
	case FLAG_TYPE_STRING:
		number.size = (uint64_t)integer;
		break;
	default:
		number.integer = integer;
		break;
	}
	return number;
}

bool
flagp_definition_read(const struct flag_tunable_definition *definition,
		      struct value *initial, struct value_limits *limits)
{
	const char *text = definition->text != NULL ? definition->text : "";
	enum value_type type;

	if ((size_t)definition->type >= FLAGP_COUNT(value_types))
		return false;
	type = value_types[definition->type];
	*limits = (struct value_limits){ type, number_of(definition, LOW),
					 number_of(definition, HIGH) };
	*initial = (struct value){ type, number_of(definition, INITIAL), NULL };
	if (type == VALUE_STRING) {
		initial->string = text;
		initial->number.size = strlen(text);
	}
	return true;
}

/* A double by its bits: a range may begin at -0 as well as at 0. */
static bool
same_number(enum value_type type, const union value_number *a,
	    const union value_number *b)
{
	if (type == VALUE_DOUBLE)
		return memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
	if (type == VALUE_BOOL)
		return a->on == b->on;
	return a->size == b->size;
}

bool
flagp_definition_same(const struct value *initial_a,
		      const struct value_limits *a,
		      const struct value *initial_b,
		      const struct value_limits *b)
{
	enum value_type type = a->type;

	if (type != b->type || !same_number(type, &a->low, &b->low) ||
	    !same_number(type, &a->high, &b->high) ||
	    !same_number(type, &initial_a->number, &initial_b->number))
		return false;
	return type != VALUE_STRING ||
	       memcmp(initial_a->string, initial_b->string,
		      initial_a->number.size) == 0;
}
