/* SPDX-License-Identifier: MIT */
/*
 * definition.h - what the definition of a tunable says, wherever it was read:
 * in our own memory, or in a program's file.  Pure.
 */
#ifndef FLAGP_DEFINITION_H
#define FLAGP_DEFINITION_H

#include <stdbool.h>

#include "base/value.h"
#include "ripcord.h"

/*
 * Reads type, compiled default and range.  A string's default is not copied;
 * without one it is empty.  Whether the default is within the range is for
 * flagp_value_check() to say.  Returns false, with both as they were, for a
 * type that this version does not know.
 */
bool flagp_definition_read(const struct flag_tunable_definition *definition,
			   struct value *initial, struct value_limits *limits);

/* Whether two definitions of one name say the same: type, default, range. */
bool flagp_definition_same(const struct value *initial_a,
			   const struct value_limits *a,
			   const struct value *initial_b,
			   const struct value_limits *b);

#endif
