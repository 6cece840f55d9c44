/* SPDX-License-Identifier: MIT */
/* print.c - text for people, or one JSON object. */
#include "flagctl/print.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

struct cell {
	char *text;
	json_t *value;
	enum print_mark mark;
};

struct print_table {
	const struct print_column *columns;
	size_t width;			/* columns */
	struct cell *cells;
	size_t count, room;		/* cells */
};

/* What all of the tool prints into; it has one thread that prints. */
static struct {
	bool json, color, one_line;
	json_t *root;
} out;

static char *format_text(const char *format, va_list list);
static void make_clean(char *text, bool newlines);
static void *must(void *memory);
static json_t *string_value(const char *text);
static void append(const char *key, json_t *value);
static struct cell *new_cell(struct print_table *table);
static void print_rows(const struct print_table *table, bool titles);
static json_t *table_value(const struct print_table *table);

void
flagp_print_setup(bool json, enum print_color color)
{
	const char *no_color = getenv("NO_COLOR");

	out.json = json;
	out.color = color == COLOR_ALWAYS;
	if (color == COLOR_AUTO && (no_color == NULL || *no_color == '\0'))
		out.color = isatty(STDOUT_FILENO) != 0;
	if (json && out.root == NULL) {
		out.root = must(json_object());
		json_object_set_new(out.root, "v", json_integer(1));
	}
}

bool
flagp_print_is_json(void)
{
	return out.json;
}

int
flagp_print_end(int code)
{
	if (out.json && out.root != NULL) {
		json_object_set_new(out.root, "exit", json_integer(code));
		json_dumpf(out.root, stdout, out.one_line ? JSON_COMPACT
			   : JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(out.root);
	out.root = NULL;
	if (fflush(stdout) != 0 || ferror(stdout))
		return code == CODE_DONE ? CODE_FAILED : code;
	return code;
}

void
flagp_print_say(const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = format_text(format, list);
	va_end(list);
	if (out.json)
		append("messages", string_value(text));
	else
		printf("%s\n", text);
	free(text);
}

void
flagp_print_plain(const char *format, ...)
{
	va_list list;

	char *text = NULL;

	if (out.json)
		return;
	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	make_clean(must(text), true);
	fputs(text, stdout);
	free(text);
}

int
flagp_print_fail(enum exit_code code, const char *format, ...)
{
	va_list list;
	char *text;
	json_t *error;

	va_start(list, format);
	text = format_text(format, list);
	va_end(list);
	if (out.json) {
		error = must(json_object());
		json_object_set_new(error, "code",
				    json_integer(flagp_codes[code].number));
		json_object_set_new(error, "name",
				    string_value(flagp_codes[code].word));
		json_object_set_new(error, "text", string_value(text));
		append("errors", error);
	} else {
		fflush(stdout);
		fprintf(stderr, "flagctl: %s\n", text);
	}
	free(text);
	return flagp_codes[code].number;
}

void
flagp_print_warn(const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = format_text(format, list);
	va_end(list);
	if (out.json) {
		append("warnings", string_value(text));
	} else {
		fflush(stdout);
		fprintf(stderr, "flagctl: %s\n", text);
	}
	free(text);
}

void
flagp_print_text(const char *label, const char *key, const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = format_text(format, list);
	va_end(list);
	if (out.json && key != NULL)
		json_object_set_new(out.root, key, string_value(text));
	if (!out.json && label != NULL)
		printf("%-11s %s\n", label, *text == '\0' ? "-" : text);
	free(text);
}

static json_t *
line_value(const char *text, size_t length)
{
	char *line = must(strndup(text, length));
	json_t *value;

	make_clean(line, false);
	value = string_value(line);
	free(line);
	return value;
}

void
flagp_print_lines(const char *key, const char *text)
{
	size_t length;

	for (; out.json && *text != '\0'; text += length) {
		length = strcspn(text, "\n");
		append(key, line_value(text, length));
		length += text[length] == '\n';
	}
}

void
flagp_print_number(const char *label, const char *key, int64_t value)
{
	if (out.json && key != NULL)
		json_object_set_new(out.root, key, json_integer(value));
	if (!out.json && label != NULL)
		printf("%-11s %lld\n", label, (long long)value);
}

void
flagp_print_bool(const char *label, const char *key, bool value)
{
	if (out.json && key != NULL)
		json_object_set_new(out.root, key, json_boolean(value));
	if (!out.json && label != NULL)
		printf("%-11s %s\n", label, value ? "yes" : "no");
}

struct print_table *
flagp_print_table(const struct print_column *columns, size_t count)
{
	struct print_table *table = must(calloc(1, sizeof(*table)));

	table->columns = columns;
	table->width = count;
	return table;
}

void
flagp_print_cell(struct print_table *table, enum print_mark mark,
		 const char *format, ...)
{
	struct cell *cell = new_cell(table);
	va_list list;

	va_start(list, format);
	cell->text = format_text(format, list);
	va_end(list);
	cell->mark = mark;
	if (out.json)
		cell->value = string_value(cell->text);
}

void
flagp_print_cell_number(struct print_table *table, int64_t value)
{
	struct cell *cell;

	flagp_print_cell(table, MARK_NONE, "%lld", (long long)value);
	if (!out.json)
		return;
	cell = &table->cells[table->count - 1];
	json_decref(cell->value);
	cell->value = json_integer(value);
}

void
flagp_print_cell_bool(struct print_table *table, bool value)
{
	struct cell *cell;

	flagp_print_cell(table, MARK_NONE, "%s", value ? "yes" : "no");
	if (!out.json)
		return;
	cell = &table->cells[table->count - 1];
	json_decref(cell->value);
	cell->value = json_boolean(value);
}

void
flagp_print_cell_none(struct print_table *table)
{
	struct cell *cell = new_cell(table);

	cell->text = must(strdup("-"));
	if (out.json)
		cell->value = json_null();
}

void
flagp_print_cell_time(struct print_table *table, int64_t wall)
{
	char time[24];

	if (wall == 0) {
		flagp_print_cell_none(table);
		return;
	}
	flagp_clock_format(wall, time, sizeof(time));
	flagp_print_cell(table, MARK_NONE, "%s", time);
}

void
flagp_print_cell_span(struct print_table *table, int64_t ms)
{
	char span[32];
	struct cell *cell;

	flagp_print_cell(table, MARK_NONE, "%s",
			 flagp_print_span(ms, span, sizeof(span)));
	if (!out.json)
		return;
	cell = &table->cells[table->count - 1];
	json_decref(cell->value);
	cell->value = json_integer(ms);
}

void
flagp_print_table_end(struct print_table *table, const char *key, bool titles)
{
	size_t i;

	if (out.json)
		json_object_set_new(out.root, key, table_value(table));
	else
		print_rows(table, titles);
	for (i = 0; i < table->count; i++) {
		free(table->cells[i].text);
		json_decref(table->cells[i].value);
	}
	free(table->cells);
	free(table);
}

const char *
flagp_print_span(int64_t ms, char *buffer, size_t size)
{
	if (ms < 1000)
		snprintf(buffer, size, "%lld ms", (long long)ms);
	else if (ms < 60000)
		snprintf(buffer, size, "%.1f s", (double)ms / 1000);
	else if (ms < 2 * 3600000)
		snprintf(buffer, size, "%lld min", (long long)(ms / 60000));
	else if (ms < 2 * 86400000LL)
		snprintf(buffer, size, "%lld h", (long long)(ms / 3600000));
	else
		snprintf(buffer, size, "%lld d", (long long)(ms / 86400000));
	return buffer;
}

void
flagp_print_one_line(void)
{
	out.one_line = true;
}

void
flagp_print_line(const char *first, ...)
{
	json_t *line = must(json_object());
	const char *key, *value;
	va_list list;

	json_object_set_new(line, "v", json_integer(1));
	va_start(list, first);
	for (key = first; key != NULL; key = va_arg(list, const char *)) {
		value = va_arg(list, const char *);
		if (key[0] == '#')
			json_object_set_new(line, key + 1,
					    json_integer(atoll(value)));
		else
			json_object_set_new(line, key,
					    line_value(value, strlen(value)));
	}
	va_end(list);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(line);
}

/* The length of the well-formed UTF-8 character at text, or 0. */
static size_t
character_length(const unsigned char *text)
{
	size_t length, i;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] < 0xe0)
		length = 2;
	else if (text[0] >= 0xe0 && text[0] < 0xf0)
		length = 3;
	else if (text[0] >= 0xf0 && text[0] < 0xf5)
		length = 4;
	else
		return 0;
	for (i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) ||
	    (text[0] == 0xed && text[1] >= 0xa0) ||
	    (text[0] == 0xf0 && text[1] < 0x90) ||
	    (text[0] == 0xf4 && text[1] >= 0x90))
		return 0;
	return length;
}

/* Whether it is a control character: C0, DEL or C1. */
static bool
is_control(const unsigned char *text)
{
	return text[0] < 0x20 || text[0] == 0x7f ||
	       (text[0] == 0xc2 && text[1] < 0xa0);
}

bool
flagp_print_is_clean(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t length;

	for (; *p != '\0'; p += length) {
		length = character_length(p);
		if (length == 0 || is_control(p))
			return false;
	}
	return true;
}

/* Replaces in place what must not reach a terminal. */
static void
make_clean(char *text, bool newlines)
{
	unsigned char *p = (unsigned char *)text;
	size_t length;

	while (*p != '\0') {
		length = character_length(p);
		if (newlines && *p == '\n') {
			p++;
		} else if (length == 0 || is_control(p)) {
			memset(p, '?', length == 0 ? 1 : length);
			p++;
		} else {
			p += length;
		}
	}
}

static char *
format_text(const char *format, va_list list)
{
	char *text = NULL;

	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	make_clean(must(text), false);
	return text;
}

static void *
must(void *memory)
{
	if (memory == NULL) {
		fputs("flagctl: out of memory\n", stderr);
		exit(CODE_FAILED);
	}
	return memory;
}

static json_t *
string_value(const char *text)
{
	return must(json_string(text));
}

/* Adds an item to a list of the root. */
static void
append(const char *key, json_t *value)
{
	json_t *list = json_object_get(out.root, key);

	if (list == NULL) {
		list = must(json_array());
		json_object_set_new(out.root, key, list);
	}
	json_array_append_new(list, value);
}

static struct cell *
new_cell(struct print_table *table)
{
	struct cell *cell;

	if (table->count == table->room) {
		table->room = table->room * 2 + 64;
		table->cells = must(realloc(table->cells,
					    table->room * sizeof(*cell)));
	}
	cell = &table->cells[table->count++];
	memset(cell, 0, sizeof(*cell));
	return cell;
}

/* Columns on a screen: bytes that do not go on with a character. */
static size_t
text_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t
column_width(const struct print_table *table, size_t column, bool titles)
{
	size_t width = 0, i, w;

	if (titles)
		width = text_width(table->columns[column].title);
	for (i = column; i < table->count; i += table->width) {
		w = text_width(table->cells[i].text);
		if (w > width)
			width = w;
	}
	return width;
}

static void
print_one(const char *text, enum print_mark mark, size_t width, bool last)
{
	static const char *const codes[] = { "", "\033[32m", "\033[31m",
					     "\033[1m" };
	bool color = out.color && mark != MARK_NONE;
	size_t pad = width - text_width(text);

	printf("%s%s%s", color ? codes[mark] : "", text,
	       color ? "\033[0m" : "");
	if (last)
		putchar('\n');
	else
		printf("%*s", (int)pad + 2, "");
}

static void
print_rows(const struct print_table *table, bool titles)
{
	size_t widths[32], shown = 0, row, i;

	for (i = 0; i < table->width; i++) {
		if (table->columns[i].title == NULL)
			continue;
		widths[i] = column_width(table, i, titles);
		shown = i;
	}
	for (i = 0; titles && i <= shown; i++)
		if (table->columns[i].title != NULL)
			print_one(table->columns[i].title, MARK_STRONG,
				  widths[i], i == shown);
	for (row = 0; row + table->width <= table->count; row += table->width)
		for (i = 0; i <= shown; i++)
			if (table->columns[i].title != NULL)
				print_one(table->cells[row + i].text,
					  table->cells[row + i].mark,
					  widths[i], i == shown);
}

static json_t *
table_value(const struct print_table *table)
{
	json_t *rows = must(json_array()), *object;
	size_t row, i;

	for (row = 0; row + table->width <= table->count;
	     row += table->width) {
		object = must(json_object());
		for (i = 0; i < table->width; i++)
			if (table->columns[i].key != NULL)
				json_object_set(object, table->columns[i].key,
						table->cells[row + i].value);
		json_array_append_new(rows, object);
	}
	return rows;
}
