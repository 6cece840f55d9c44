/* SPDX-License-Identifier: MIT */
/*
 * tunables.h - values with a type, a unit and a range.
 *
 * A tunable is what its definition and the configuration say; operators change
 * it in the files.  Values are private to a process: a store to each cell, and
 * a row in the table of views.  Checked first, then assigned: a configuration
 * with one value out of its range is refused as a whole.
 */
#ifndef FLAGP_TUNABLES_H
#define FLAGP_TUNABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/value.h"
#include "core/layers.h"
#include "ripcord.h"

/* One name; W, R under LOCK_CHANGE. */
struct tunable {
	const char *name, *summary;
	struct value_limits limits;
	struct value initial;		/* its text is the definition's */
	void **cells;			/* one an object that defines it */
	unsigned cell_count;
	uint32_t number;		/* from 1, as in its cells */
	uint64_t reported;		/* hash of its line in proc/ */
};

/* Takes a definition.  LOCK_CHANGE is held.  0; -FLAG_ENOMEM; -FLAG_EINVAL
 * with a text: two objects define it differently, or a default is not within
 * the range: then it stays as compiled. */
int flagp_tunables_adopt(const struct flag_definition *definition,
			 struct flag_error *error);

/* LOCK_CHANGE is held for all that follow. */
uint32_t flagp_tunables_count(void);
struct tunable *flagp_tunables_at(uint32_t index);
const struct tunable *flagp_tunables_find(const char *name);

/*
 * Whether every value of conf for a known tunable can be assigned, none is
 * given a state, and no flag is given a value.  Returns 0, or -FLAG_ECONFIG
 * with file, line and text.
 */
int flagp_tunables_check(const struct conf *conf, struct flag_error *error);

/* The same of an environment: a value for each tunable, a state for each flag.
 * Names that nobody knows may yet be loaded. */
int flagp_tunables_check_environment(const struct conf *environment,
				     struct flag_error *error);

/* What a tunable should be, and which layer says so.  Values that cannot be
 * are passed over. */
void flagp_tunables_ask(const struct tunable *tunable,
			const struct layers_files *files, struct value *value,
			const struct conf_value **source);

/* The value as a row of a table of views: a number's bits, or the address of a
 * text. */
uint64_t flagp_tunables_bits(const struct value *value);

/* Stores to its cells; a string's text stands in the views alone. */
void flagp_tunables_assign(const struct tunable *tunable,
			   const struct value *value);

#endif
