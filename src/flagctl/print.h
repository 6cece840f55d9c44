/* SPDX-License-Identifier: MIT */
/*
 * print.h - what flagctl says: aligned text for people, or one JSON object.
 *
 * In JSON everything is gathered and printed by flagp_print_end(); as text it
 * is printed at once.  Whatever comes from a file or another process passes
 * through here, where control characters become '?'.
 */
#ifndef FLAGP_PRINT_H
#define FLAGP_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flagctl/commands.h"
#include "ripcord.h"

enum print_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum print_mark { MARK_NONE, MARK_GOOD, MARK_BAD, MARK_STRONG };

void flagp_print_setup(bool json, enum print_color color);
bool flagp_print_is_json(void);

/* Prints what was gathered.  Returns code, or CODE_FAILED if standard output
 * cannot be written. */
int flagp_print_end(int code);

/* A sentence on standard output; in JSON an item of "messages". */
void flagp_print_say(const char *format, ...) FLAGP_PRINTF(1, 2);
/* Text for people only. */
void flagp_print_plain(const char *format, ...) FLAGP_PRINTF(1, 2);
/* "flagctl: ..." on standard error; in JSON an item of "errors".  Returns
 * code. */
int flagp_print_fail(enum exit_code code, const char *format, ...)
	FLAGP_PRINTF(2, 3);
/* The same on standard error, where it is worth saying but no failure; in
 * JSON an item of "warnings". */
void flagp_print_warn(const char *format, ...) FLAGP_PRINTF(1, 2);

/* One fact: "label  text" for people (label NULL: not shown), key in JSON. */
void flagp_print_text(const char *label, const char *key, const char *format,
		      ...) FLAGP_PRINTF(3, 4);
/* JSON only: a list of the lines of text. */
void flagp_print_lines(const char *key, const char *text);
void flagp_print_number(const char *label, const char *key, int64_t value);
void flagp_print_bool(const char *label, const char *key, bool value);

/* A table: rows of cells, filled from left to right. */
struct print_table;
struct print_column {
	const char *title;		/* NULL: in JSON only */
	const char *key;		/* NULL: for people only */
};

struct print_table *flagp_print_table(const struct print_column *columns,
				      size_t count);
void flagp_print_cell(struct print_table *table, enum print_mark mark,
		      const char *format, ...) FLAGP_PRINTF(3, 4);
void flagp_print_cell_number(struct print_table *table, int64_t value);
void flagp_print_cell_bool(struct print_table *table, bool value);
void flagp_print_cell_none(struct print_table *table);
/* Wall seconds as text; 0: none. */
void flagp_print_cell_time(struct print_table *table, int64_t wall);
/* A span of time: "12 ms", "3.4 s" or "2 h"; in JSON milliseconds. */
void flagp_print_cell_span(struct print_table *table, int64_t ms);
/* Prints it, under key in JSON, and frees it.  titles: with a first line. */
void flagp_print_table_end(struct print_table *table, const char *key,
			   bool titles);

/* "12 ms", "3.4 s", "5 min", "2 h", "3 d" into buffer. */
const char *flagp_print_span(int64_t ms, char *buffer, size_t size);

/* From now on each JSON object is one line.  For watch. */
void flagp_print_one_line(void);
/* One JSON object at once, from pairs of key and value that end with NULL.
 * The value of a key that begins with '#' is a number's text. */
void flagp_print_line(const char *first, ...);

/* Whether text is valid UTF-8 without control characters. */
bool flagp_print_is_clean(const char *text);

#endif
