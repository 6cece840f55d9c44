/* SPDX-License-Identifier: MIT */
/* commands.c - the tables that commands.def makes. */
#include "flagctl/commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

const struct command flagp_commands[] = {
#define COMMAND(verb, other, group, everyday, arguments, least, most, kind, \
		options, sentence, example, lesson) \
	{ #verb, other, GROUP_##group, everyday, arguments, least, most, \
	  KIND_##kind, options, sentence, example, lesson, \
	  flagp_verb_##verb },
#include "flagctl/commands.def"
};

const size_t flagp_commands_count = FLAGP_COUNT(flagp_commands);

const struct option_row flagp_options[OPTION_COUNT] = {
#define OPTION(name, word, letter, argument, sentence) \
	{ word, argument, sentence, letter },
#include "flagctl/commands.def"
};

const struct code_row flagp_codes[CODE_COUNT] = {
#define CODE(name, number, word, sentence) { word, sentence, number },
#include "flagctl/commands.def"
};

const struct command *
flagp_commands_find(const char *verb)
{
	size_t i;

	for (i = 0; i < flagp_commands_count; i++) {
		if (strcmp(flagp_commands[i].verb, verb) == 0)
			return &flagp_commands[i];
		if (flagp_commands[i].other[0] != '\0' &&
		    strcmp(flagp_commands[i].other, verb) == 0)
			return &flagp_commands[i];
	}
	return NULL;
}

int64_t
flagp_commands_duration(const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 },
	};
	int64_t value = 0;
	size_t i;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++) {
		value = value * 10 + (*text - '0');
		if (value > 1000000000)
			return -1;
	}
	for (i = 0; i < FLAGP_COUNT(units); i++)
		if (strcmp(units[i].unit, text) == 0)
			return value * units[i].ms;
	return -1;
}
