/* SPDX-License-Identifier: MIT */
/* report.c - see report.h. */
#include "run/report.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"
#include "core/board.h"
#include "core/cells.h"
#include "core/change.h"
#include "core/registry.h"
#include "core/tunables.h"
#include "store/proc.h"

#define FLAGS_NAME "flags"
#define LINES_AT_ONCE 128u	/* of the registration, in one write */

/* The entry, and the how manieth of this process.  W, R under LOCK_CHANGE. */
static int entry;
static uint64_t entry_number;

/* Lines of flags that follow each other, on their way into the entry; what
 * they make of each flag's "reported".  W, R: under LOCK_CHANGE. */
static struct {
	size_t first, count;
	uint64_t keys[LINES_AT_ONCE];
	char lines[LINES_AT_ONCE][PROC_LINE];
} gathered;

/* --- the list of flags ---------------------------------------------------- */

static void
list_summary(struct text *text, const char *summary)
{
	for (; *summary != '\0'; summary++)
		flagp_text_add(text, "%c", (unsigned char)*summary < ' ' ?
			       '?' : *summary);
	flagp_text_add(text, "\n");
}

/* NAME =TYPE:DEFAULT SUMMARY, the default as one word. */
static void
list_tunable(struct text *text, const struct tunable *tunable)
{
	char number[VALUE_TEXT_SIZE];
	const char *initial = tunable->initial.string;

	if (tunable->initial.type != VALUE_STRING) {
		flagp_value_format(&tunable->initial, number, sizeof(number));
		initial = number;
	}
	flagp_text_add(text, "%s =%u:", tunable->name,
		       (unsigned)tunable->initial.type);
	flagp_text_add_escaped(text, initial);
	flagp_text_add(text, " ");
	list_summary(text, tunable->summary);
}

void
flagp_report_list(int state)
{
	struct text text = TEXT_INIT;

	for (size_t i = 0; i < flagp_registry_count(); i++) {
		const struct registry_entry *flag = flagp_registry_at(i);
		const char *summary = flag->definition != NULL ?
					      flag->definition->summary : "";

		flagp_text_add(&text, "%s %d ", flag->name,
			       flag->initial != 0);
		list_summary(&text, summary);
	}
	for (uint32_t i = 0; i < flagp_tunables_count(); i++)
		list_tunable(&text, flagp_tunables_at(i));
	if (!text.failed && text.size > 0)
		(void)flagp_io_replace(state, FLAGS_NAME, text.data,
				       text.size, false);
	flagp_text_free(&text);
}

/* --- lines ---------------------------------------------------------------- */

/* The cells of one name agree, unless somebody broke one: then say that. */
static uint64_t
cell_to_report(const struct registry_entry *flag)
{
	uint64_t first = flagp_board_load(flag->cell);

	for (unsigned k = 1; k <= flag->more_count; k++) {
		uint64_t cell = flagp_board_load(flagp_registry_cell(flag, k));

		if ((cell ^ first) & (BOARD_ON | BOARD_PERCENT))
			return cell;
	}
	return first;
}

/* Which readers were seen, in any of its objects. */
static unsigned
uses_of(const struct registry_entry *flag)
{
	unsigned uses = 0;

	for (unsigned k = 0; k <= flag->more_count; k++) {
		const struct cell_facts *facts =
			flagp_cells_at(flagp_registry_cell(flag, k));

		if (facts != NULL)
			uses |= __atomic_load_n(&facts->uses,
						__ATOMIC_RELAXED);
	}
	return uses;
}

/*
 * What stands in a flag's line, in one number: all that the files say, in
 * common, and the rest that is the flag's own.  Each step loses nothing, so
 * another cell always gives another key.
 */
static uint64_t
report_key(const struct registry_entry *flag, uint64_t cell, uint64_t common)
{
	const uint64_t prime = 0x100000001b3ull;
	uint64_t own = (uint64_t)flag->test << 32 | flag->initial << 3 |
		       uses_of(flag) << 1 | flag->disputed;

	return ((common ^ cell) * prime ^ own) * prime;
}

static void
format_line(struct registry_entry *flag, uint64_t cell,
	    struct layers_files *files, char *buffer)
{
	struct layers_answer answer;
	struct proc_flag line = { .tunable = 0 };

	flagp_change_ask_entry(files, flag, &answer);
	/* what is registered was checked to be a name */
	memcpy(line.name, flag->name, strlen(flag->name) + 1);
	line.word = BOARD_WORD(cell);
	line.threshold = BOARD_THRESHOLD(cell);
	line.initial = flag->initial != 0;
	line.keys = (uses_of(flag) & CELL_USED_FOR_KEYS) != 0;
	line.calls = (uses_of(flag) & CELL_USED_FOR_CALLS) != 0;
	line.generation = answer.generation;
	if (flag->test != FLAGP_SHARE_NONE)
		snprintf(line.source, sizeof(line.source), "test");
	else if (flag->disputed)
		snprintf(line.source, sizeof(line.source),
			 "objects differ in the default");
	else
		flagp_layers_source(&answer, line.source, sizeof(line.source));
	flagp_proc_format_flag(&line, buffer);
}

/* Writes the lines that are gathered, as one piece. */
static void
write_gathered(void)
{
	size_t size = gathered.count * PROC_LINE;
	off_t offset = (off_t)(PROC_HEAD + gathered.first * PROC_LINE);

	if (size > 0 && flagp_io_write_at(entry, gathered.lines, size,
					  offset) == 0)
		for (size_t i = 0; i < gathered.count; i++)
			flagp_registry_at(gathered.first + i)->reported =
				gathered.keys[i];
	gathered.count = 0;
}

/* Gathers a flag's line, if it is not what was last written. */
static void
report_flag(size_t index, struct layers_files *files, uint64_t common)
{
	struct registry_entry *flag = flagp_registry_at(index);
	uint64_t cell = cell_to_report(flag);
	uint64_t key = report_key(flag, cell, common);

	if (key == flag->reported)
		return;
	if (gathered.count == LINES_AT_ONCE ||
	    index != gathered.first + gathered.count)
		write_gathered();
	if (gathered.count == 0)
		gathered.first = index;
	gathered.keys[gathered.count] = key;
	format_line(flag, cell, files, gathered.lines[gathered.count]);
	gathered.count++;
}

static void
report_flags(const struct snapshot *snapshot)
{
	uint64_t knowledge = snapshot != NULL ? snapshot->knowledge : 0;
	/* A new entry has no lines yet: what the last one had is no matter. */
	uint64_t common = flagp_text_hash(FLAGP_FNV_START ^ entry_number,
					  &knowledge, sizeof(knowledge));
	struct layers_files files;

	flagp_change_files(snapshot, &files);
	for (size_t i = 0; i < flagp_registry_count(); i++)
		report_flag(i, &files, common);
	write_gathered();
}

/* Writes a tunable's line, if it is not what was last written there. */
static void
write_line(const struct proc_flag *line, size_t index, uint64_t *reported)
{
	char buffer[PROC_LINE];
	uint64_t hash;

	flagp_proc_format_flag(line, buffer);
	hash = flagp_text_hash(FLAGP_FNV_START ^ entry_number ^ index << 32,
			       buffer, sizeof(buffer));
	if (hash == *reported)
		return;
	if (flagp_io_write_at(entry, buffer, sizeof(buffer),
			      (off_t)(PROC_HEAD + index * PROC_LINE)) == 0)
		*reported = hash;
}

static void
format_tunable(const struct tunable *tunable,
	       const struct layers_files *files, struct proc_flag *line)
{
	const struct conf_value *source;
	struct value value;
	uint64_t mark;

	flagp_tunables_ask(tunable, files, &value, &source);
	mark = flagp_value_mark(&value);
	snprintf(line->name, sizeof(line->name), "%s", tunable->name);
	line->word = (uint32_t)mark;
	line->threshold = (uint32_t)(mark >> 32);
	line->tunable = PROC_TUNABLE(value.type);
	if (source == NULL)
		strcpy(line->source, "default");
	else if (strcmp(source->file, CONF_ENVIRONMENT) == 0)
		strcpy(line->source, CONF_ENVIRONMENT);
	else
		snprintf(line->source, sizeof(line->source), "%s:%u",
			 source->file, source->line);
}

/* Behind the flags. */
static void
report_tunables(const struct snapshot *snapshot)
{
	struct layers_files files;

	flagp_change_files(snapshot, &files);
	for (uint32_t i = 0; i < flagp_tunables_count(); i++) {
		struct proc_flag line = { .generation = 0 };

		format_tunable(flagp_tunables_at(i), &files, &line);
		write_line(&line, flagp_registry_count() + i,
			   &flagp_tunables_at(i)->reported);
	}
}

void
flagp_report_lines(int descriptor, uint64_t number,
		   const struct snapshot *snapshot)
{
	entry = descriptor;
	entry_number = number;
	report_flags(snapshot);
	report_tunables(snapshot);
}
