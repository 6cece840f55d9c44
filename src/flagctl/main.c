/* SPDX-License-Identifier: MIT */
/* main.c - reads the command line and calls the verb. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "flagctl/commands.h"
#include "flagctl/print.h"

#define WAIT_MS 5000
#define REASON_LIMIT 256

/* Long options get these values, beyond every letter. */
#define LONG_VALUE 256

struct parser {
	struct option longs[OPTION_COUNT + 1];
	char letters[2 * OPTION_COUNT + 2];
};

/* The tables of getopt_long(), made of commands.def. */
static void
prepare(struct parser *parser)
{
	char *letter = parser->letters;

	memset(parser, 0, sizeof(*parser));
	*letter++ = ':';
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &flagp_options[i];

		parser->longs[i].name = row->word;
		parser->longs[i].has_arg = row->argument != NULL;
		parser->longs[i].val = LONG_VALUE + i;
		if (row->letter == 0)
			continue;
		*letter++ = row->letter;
		if (row->argument != NULL)
			*letter++ = ':';
	}
}

static int
option_of(int value)
{
	if (value >= LONG_VALUE)
		return value - LONG_VALUE;
	for (int i = 0; i < OPTION_COUNT; i++)
		if (flagp_options[i].letter == value)
			return i;
	return -1;
}

static int
set_duration(int64_t *ms, const char *option, const char *text)
{
	*ms = flagp_commands_duration(text);
	if (*ms >= 0)
		return CODE_DONE;
	return flagp_print_fail(CODE_USAGE,
		"--%s: \"%.40s\" is no duration; accepted are 500ms, 5s, 2m, "
		"1h", option, text);
}

static int
set_text(const char **field, const char *option, const char *text)
{
	if (!flagp_print_is_clean(text))
		return flagp_print_fail(CODE_USAGE,
			"--%s: control characters are not accepted", option);
	if (strlen(text) > REASON_LIMIT)
		return flagp_print_fail(CODE_USAGE,
			"--%s: at most %d bytes are accepted, not %zu", option,
			REASON_LIMIT, strlen(text));
	*field = text;
	return CODE_DONE;
}

static int
set_color(const char *text)
{
	static const char *const words[] = { "auto", "always", "never" };

	for (size_t i = 0; i < FLAGP_COUNT(words); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		flagp_print_setup(flagp_print_is_json(), (enum print_color)i);
		return CODE_DONE;
	}
	return flagp_print_fail(CODE_USAGE,
		"--color: \"%.40s\" is not accepted; auto, always or never "
		"are", text);
}

static int
take_option(struct request *request, int id, const char *argument)
{
	const char *word = flagp_options[id].word;

	request->options |= 1u << id;
	switch (id) {
	case OPTION_SERVICE:
		request->service = argument;
		return CODE_DONE;
	case OPTION_ROOT:
		request->root = argument;
		return CODE_DONE;
	case OPTION_COLOR:
		return set_color(argument);
	case OPTION_WAIT:
		return set_duration(&request->wait_ms, word, argument);
	case OPTION_FOR:
		return set_duration(&request->for_ms, word, argument);
	case OPTION_UNTIL:
		request->until = argument;
		return CODE_DONE;
	case OPTION_FROM:
		request->from = argument;
		return CODE_DONE;
	case OPTION_REASON:
		return set_text(&request->reason, word, argument);
	case OPTION_TICKET:
		return set_text(&request->ticket, word, argument);
	default:
		return CODE_DONE;
	}
}

/* Says which option it does not know, and which is near. */
static int
unknown_option(char **argv)
{
	const char *words[OPTION_COUNT], *nearest = NULL;
	const char *given = argv[optind - 1];
	char word[40];

	if (optopt != 0 && optopt < LONG_VALUE)
		return flagp_print_fail(CODE_USAGE,
			"unknown option -%c; flagctl help all lists them",
			optopt);
	for (int i = 0; i < OPTION_COUNT; i++)
		words[i] = flagp_options[i].word;
	if (strncmp(given, "--", 2) == 0) {
		snprintf(word, sizeof(word), "%.*s",
			 (int)strcspn(given + 2, "="), given + 2);
		nearest = flagp_text_nearest(word, words, OPTION_COUNT);
	}
	if (nearest != NULL)
		return flagp_print_fail(CODE_USAGE,
			"unknown option %.40s; did you mean --%s?", given,
			nearest);
	return flagp_print_fail(CODE_USAGE,
		"unknown option %.40s; flagctl help all lists them", given);
}

static int
take_options(struct request *request, int argc, char **argv)
{
	struct parser parser;
	int value, id, code = CODE_DONE;

	prepare(&parser);
	opterr = 0;
	while (code == CODE_DONE) {
		value = getopt_long(argc, argv, parser.letters, parser.longs,
				    NULL);
		if (value < 0)
			break;
		if (value == ':')
			return flagp_print_fail(CODE_USAGE,
				"%.40s needs an argument", argv[optind - 1]);
		id = option_of(value);
		code = value == '?' || id < 0 ? unknown_option(argv) :
		       take_option(request, id, optarg);
	}
	return code;
}

static int
unknown_verb(const char *verb)
{
	const char *words[64], *nearest;
	size_t count = 0;

	for (size_t i = 0; i < flagp_commands_count; i++)
		words[count++] = flagp_commands[i].verb;
	nearest = flagp_text_nearest(verb, words, count);
	if (nearest != NULL)
		return flagp_print_fail(CODE_USAGE,
			"no such verb: %.40s; did you mean %s?", verb,
			nearest);
	return flagp_print_fail(CODE_USAGE,
		"no such verb: %.40s; flagctl help all lists them", verb);
}

/* The verb, its operands, and whether it takes them and the options. */
static int
take_verb(struct request *request)
{
	const struct command *command;
	unsigned extra;

	command = flagp_commands_find(request->operands[0]);
	if (command == NULL)
		return unknown_verb(request->operands[0]);
	request->command = command;
	request->operands++;
	request->count--;
	if (flagp_request_has(request, OPTION_HELP))
		return CODE_DONE;
	extra = request->options & ~(command->options | TAKES_COMMON);
	for (int i = 0; i < OPTION_COUNT; i++)
		if ((extra >> i & 1u) != 0)
			return flagp_print_fail(CODE_USAGE,
				"%s does not take --%s; flagctl help %s shows "
				"what it takes", command->verb,
				flagp_options[i].word, command->verb);
	if (request->count < command->least ||
	    (command->most >= 0 && request->count > command->most))
		return flagp_print_fail(CODE_USAGE,
			"%s takes %s; for example: %s", command->verb,
			command->arguments[0] != '\0' ? command->arguments :
			"nothing", command->example);
	return CODE_DONE;
}

/* JSON has to be known before the first error is printed. */
static bool
wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

static int
run(struct request *request)
{
	static char *verb[] = { NULL, NULL };

	if (flagp_request_has(request, OPTION_VERSION)) {
		request->count = 0;
		return flagp_verb_version(request);
	}
	if (flagp_request_has(request, OPTION_HELP) &&
	    request->command != NULL) {
		verb[0] = (char *)request->command->verb;
		request->operands = verb;
		request->count = 1;
		return flagp_verb_help(request);
	}
	if (request->command == NULL)
		return flagp_verb_help(request);
	return request->command->run(request);
}

int
main(int argc, char **argv)
{
	struct request request = { .wait_ms = WAIT_MS };
	int code;

	flagp_print_setup(wants_json(argc, argv), COLOR_AUTO);
	request.root = secure_getenv("RIPCORD_ROOT");
	code = take_options(&request, argc, argv);
	request.operands = argv + optind;
	request.count = argc - optind;
	if (request.root != NULL && *request.root == '\0')
		request.root = NULL;
	if (code == CODE_DONE && request.count > 0)
		code = take_verb(&request);
	if (code == CODE_DONE)
		code = run(&request);
	return flagp_print_end(code);
}
