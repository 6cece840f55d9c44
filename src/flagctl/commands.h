/* SPDX-License-Identifier: MIT */
/* commands.h - the table of commands.def in C, and one call of flagctl. */
#ifndef FLAGP_COMMANDS_H
#define FLAGP_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exit_code {
#define CODE(name, number, word, sentence) CODE_##name = number,
#include "flagctl/commands.def"
	CODE_COUNT
};

enum option_id {
#define OPTION(name, word, letter, argument, sentence) OPTION_##name,
#include "flagctl/commands.def"
	OPTION_COUNT
};

#define TAKES(name) (1u << OPTION_##name)
#define TAKES_COMMON (TAKES(SERVICE) | TAKES(ROOT) | TAKES(JSON) | \
		      TAKES(COLOR) | TAKES(HELP) | TAKES(VERSION))
#define TAKES_DRY_RUN TAKES(DRY_RUN)
#define TAKES_WAIT TAKES(WAIT)
#define TAKES_WRITE (TAKES(DRY_RUN) | TAKES(WAIT) | TAKES(NO_WAIT) | \
		     TAKES(REASON) | TAKES(TICKET))
#define TAKES_FOR TAKES(FOR)
#define TAKES_END (TAKES_WRITE | TAKES_FOR | TAKES(UNTIL) | TAKES(FOREVER) | \
		   TAKES(PERSIST))
#define TAKES_FROM TAKES(FROM)
#define TAKES_NAMES TAKES(NAMES)
#define TAKES_LISTS (TAKES(VERBS) | TAKES(OPTIONS) | TAKES(MDOC_LIST))

enum command_group {
	GROUP_SEE, GROUP_CHANGE, GROUP_UNDO, GROUP_FILES, GROUP_OTHER,
	GROUP_COUNT
};

enum command_kind { KIND_READ, KIND_WRITE, KIND_FILE };

struct request;

struct command {
	const char *verb, *other;
	enum command_group group;
	bool everyday;
	const char *arguments;
	int least, most;
	enum command_kind kind;
	unsigned options;		/* bits by option_id */
	const char *sentence, *example, *lesson;
	int (*run)(const struct request *request);
};

struct option_row {
	const char *word, *argument, *sentence;
	char letter;
};

struct code_row {
	const char *word, *sentence;
	int number;
};

/* The tables, in the order of commands.def. */
extern const struct command flagp_commands[];
extern const size_t flagp_commands_count;
extern const struct option_row flagp_options[OPTION_COUNT];
extern const struct code_row flagp_codes[CODE_COUNT];

/* One call of flagctl, parsed. */
struct request {
	const struct command *command;
	char **operands;
	int count;
	unsigned options;		/* bits by option_id: given */
	const char *service, *root;	/* root: also from the environment */
	int64_t wait_ms, for_ms;	/* for_ms 0: no end */
	const char *reason, *ticket;
	const char *until;		/* a time's text, or NULL */
	const char *from;		/* a binary, or NULL */
};

static inline bool
flagp_request_has(const struct request *request, enum option_id id)
{
	return (request->options >> id & 1u) != 0;
}

/* The verb's row, also by its other name, or NULL. */
const struct command *flagp_commands_find(const char *verb);

/* "500ms", "5s", "2m", "1h", "1d" to milliseconds; -1 if it is none. */
int64_t flagp_commands_duration(const char *text);

/* Every verb: flagp_verb_NAME(). */
#define COMMAND(verb, ...) \
	int flagp_verb_##verb(const struct request *request);
#include "flagctl/commands.def"

#endif
