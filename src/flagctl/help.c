/* SPDX-License-Identifier: MIT */
/* help.c - help and version, made of commands.def. */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "flagctl/commands.h"
#include "flagctl/print.h"

static const char *const group_titles[GROUP_COUNT] = {
	"See", "Change", "Undo", "Files", "Other",
};

static void list_options(unsigned bits);
static void show_everyday(void);
static void show_all(void);
static int show_verb(const char *verb);
static void show_mdoc(void);

int
flagp_verb_help(const struct request *request)
{
	if (flagp_request_has(request, OPTION_VERBS)) {
		for (size_t i = 0; i < flagp_commands_count; i++)
			flagp_print_say("%s", flagp_commands[i].verb);
	} else if (flagp_request_has(request, OPTION_OPTIONS)) {
		for (int i = 0; i < OPTION_COUNT; i++)
			flagp_print_say("--%s", flagp_options[i].word);
	} else if (flagp_request_has(request, OPTION_MDOC_LIST)) {
		show_mdoc();
	} else if (request->count == 0) {
		show_everyday();
	} else if (strcmp(request->operands[0], "all") == 0) {
		show_all();
	} else {
		return show_verb(request->operands[0]);
	}
	return CODE_DONE;
}

int
flagp_verb_version(const struct request *request)
{
	(void)request;
	flagp_print_text(NULL, "version", "%s", FLAG_VERSION);
	flagp_print_plain("flagctl (ripcord) %s\n", FLAG_VERSION);
	return CODE_DONE;
}

/* In JSON: the verbs as a table. */
static void
verbs_as_table(bool everyday)
{
	static const struct print_column columns[] = {
		{ "VERB", "verb" }, { "", "other_name" }, { "", "group" },
		{ "", "arguments" }, { "", "sentence" }, { "", "example" },
	};
	struct print_table *table;

	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	for (size_t i = 0; i < flagp_commands_count; i++) {
		const struct command *row = &flagp_commands[i];

		if (everyday && !row->everyday)
			continue;
		flagp_print_cell(table, MARK_STRONG, "%s", row->verb);
		flagp_print_cell(table, MARK_NONE, "%s", row->other);
		flagp_print_cell(table, MARK_NONE, "%s",
				 group_titles[row->group]);
		flagp_print_cell(table, MARK_NONE, "%s", row->arguments);
		flagp_print_cell(table, MARK_NONE, "%s", row->sentence);
		flagp_print_cell(table, MARK_NONE, "%s", row->example);
	}
	flagp_print_table_end(table, "verbs", false);
}

static void
show_everyday(void)
{
	enum command_group group = GROUP_COUNT;

	if (flagp_print_is_json()) {
		verbs_as_table(true);
		return;
	}
	flagp_print_plain("flagctl [-s SVC] VERB [ARGUMENTS] [OPTIONS]\n");
	for (size_t i = 0; i < flagp_commands_count; i++) {
		const struct command *row = &flagp_commands[i];

		if (!row->everyday)
			continue;
		if (row->group != group)
			flagp_print_plain("\n%s\n", group_titles[row->group]);
		group = row->group;
		flagp_print_plain("  %-8s %s\n", row->verb, row->sentence);
		flagp_print_plain("           $ %s\n", row->example);
	}
	flagp_print_plain("\nMore: flagctl help all, flagctl help VERB\n");
}

static void
show_all(void)
{
	enum command_group group = GROUP_COUNT;
	char call[64];

	if (flagp_print_is_json()) {
		verbs_as_table(false);
		return;
	}
	flagp_print_plain("flagctl [-s SVC] VERB [ARGUMENTS] [OPTIONS]\n");
	for (size_t i = 0; i < flagp_commands_count; i++) {
		const struct command *row = &flagp_commands[i];

		if (row->group != group)
			flagp_print_plain("\n%s\n", group_titles[row->group]);
		group = row->group;
		snprintf(call, sizeof(call), "%s%s%s %s", row->verb,
			 row->other[0] != '\0' ? ", " : "", row->other,
			 row->arguments);
		flagp_print_plain("  %-24s %s\n", call, row->sentence);
	}
	flagp_print_plain("\nOptions\n");
	list_options(~0u);
	flagp_print_plain("\nExit status\n");
	for (int i = 0; i < CODE_COUNT; i++)
		flagp_print_plain("  %d  %s\n", flagp_codes[i].number,
				  flagp_codes[i].sentence);
	flagp_print_plain("\nWords\n"
		"  family      a process and all that it forked: they share "
		"their flags\n"
		"  ok 2/2      families that have said that they follow, of "
		"all\n"
		"  durable     on disk: it survives a restart and a reboot\n"
		"  generation  the number of a change\n"
		"  trip        the service itself turned a flag off, on "
		"evidence\n"
		"  driver      what keeps a process up to date: a thread, or "
		"its own loop\n");
	flagp_print_plain("\nWithout this tool: touch PANIC in live/ of the "
			  "state or run directory\n"
			  "(flagctl paths) turns every flag off.\n");
}

static void
list_options(unsigned bits)
{
	char call[64];

	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &flagp_options[i];

		if ((bits >> i & 1u) == 0)
			continue;
		snprintf(call, sizeof(call), "%c%c%s--%s%s%s",
			 row->letter != 0 ? '-' : ' ',
			 row->letter != 0 ? row->letter : ' ',
			 row->letter != 0 ? ", " : "  ", row->word,
			 row->argument != NULL ? " " : "",
			 row->argument != NULL ? row->argument : "");
		flagp_print_plain("  %-22s %s\n", call, row->sentence);
	}
}

static int
show_verb(const char *verb)
{
	const struct command *row = flagp_commands_find(verb);

	if (row == NULL)
		return flagp_print_fail(CODE_USAGE,
			"no such verb: %.40s; flagctl help all lists them",
			verb);
	flagp_print_text(NULL, "verb", "%s", row->verb);
	flagp_print_text(NULL, "arguments", "%s", row->arguments);
	flagp_print_text(NULL, "sentence", "%s", row->sentence);
	flagp_print_text(NULL, "example", "%s", row->example);
	flagp_print_plain("flagctl %s%s%s%s\n", row->verb,
			  row->arguments[0] != '\0' ? " " : "",
			  row->arguments,
			  row->options != 0 ? " [OPTIONS]" : "");
	flagp_print_plain("%s\n", row->sentence);
	if (row->other[0] != '\0')
		flagp_print_plain("Also: flagctl %s\n", row->other);
	if (row->lesson[0] != '\0')
		flagp_print_plain("\n%s\n", row->lesson);
	flagp_print_plain("\nExample\n  $ %s\n\nOptions\n", row->example);
	list_options(row->options | TAKES_COMMON);
	return CODE_DONE;
}

/* The verbs for the manual page. */
static void
show_mdoc(void)
{
	enum command_group group = GROUP_COUNT;

	for (size_t i = 0; i < flagp_commands_count; i++) {
		const struct command *row = &flagp_commands[i];

		if (row->group != group) {
			if (group != GROUP_COUNT)
				flagp_print_plain(".El\n");
			flagp_print_plain(".Ss %s\n.Bl -tag -width Ds\n",
					  group_titles[row->group]);
		}
		group = row->group;
		flagp_print_plain(".It Cm %s", row->verb);
		if (row->other[0] != '\0')
			flagp_print_plain(" | %s", row->other);
		if (row->arguments[0] != '\0')
			flagp_print_plain(" Ar %s", row->arguments);
		flagp_print_plain("\n%s\n", row->sentence);
		if (row->lesson[0] != '\0')
			flagp_print_plain("%s\n", row->lesson);
	}
	flagp_print_plain(".El\n");
}
