/* SPDX-License-Identifier: MIT */
/* conf_line.c - see conf_line.h. */
#include "store/conf_line.h"

#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"
#include "base/error.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BYTE_ORDER_MARK_SIZE 3

/* What the checks of one line hand to each other: without its line end. */
struct raw {
	const char *start;
	size_t length;
	unsigned kinds;		/* of all its bytes, together */
};

/* What a byte calls for; most bytes, for nothing. */
#define KIND_CONTROL 1u		/* to be refused, but for a tab */
#define KIND_HIGH 2u		/* not ASCII */
#define KIND_COMMENT 4u		/* may begin a comment behind data */
#define KIND_LETTER 8u		/* of a name, as a digit is */
#define KIND_MARK 16u		/* of a name, but not at its beginning */

static const unsigned char kinds[256] = {
	[0x00 ... 0x08] = KIND_CONTROL,
	[0x0a ... 0x1f] = KIND_CONTROL,
	[0x7f] = KIND_CONTROL,
	[0x80 ... 0xff] = KIND_HIGH,
	[';'] = KIND_COMMENT,
	['a' ... 'z'] = KIND_LETTER,
	['A' ... 'Z'] = KIND_LETTER,
	['0' ... '9'] = KIND_LETTER,
	['_'] = KIND_MARK,
	['.'] = KIND_MARK,
	['-'] = KIND_MARK,
	[':'] = KIND_MARK,
};

static int check_bytes(const struct conf_lines *lines, struct raw raw,
		       struct flag_error *error);
static int read_data(const struct conf_lines *lines, struct conf_line *line,
		     struct raw raw, struct flag_error *error);

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int
flagp_conf_lines_start(struct conf_lines *lines, const char *file,
		       const char *text, size_t size, struct flag_error *error)
{
	if (size == 0)
		text = "";
	lines->file = file;
	lines->next = text;
	lines->end = text + size;
	lines->number = 0;
	if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
			  memcmp(text, "\xfe\xff", 2) == 0))
		return flagp_error_set(error, FLAG_ECONFIG, file, 1,
				       "UTF-16 text; save the file as UTF-8");
	if (size >= BYTE_ORDER_MARK_SIZE &&
	    memcmp(text, BYTE_ORDER_MARK, BYTE_ORDER_MARK_SIZE) == 0)
		lines->next += BYTE_ORDER_MARK_SIZE;
	return 0;
}

/* The next line, whatever is in it. */
static struct raw
next_raw(struct conf_lines *lines)
{
	struct raw raw = { lines->next, (size_t)(lines->end - lines->next), 0 };
	const char *newline = memchr(raw.start, '\n', raw.length);

	lines->number++;
	lines->next = lines->end;
	if (newline != NULL) {
		lines->next = newline + 1;
		raw.length = (size_t)(newline - raw.start);
		if (raw.length > 0 && raw.start[raw.length - 1] == '\r')
			raw.length--;
	}
	for (size_t i = 0; i < raw.length; i++)
		raw.kinds |= kinds[(unsigned char)raw.start[i]];
	return raw;
}

static bool
is_skipped(struct raw raw)
{
	size_t i = 0;

	while (i < raw.length && is_blank(raw.start[i]))
		i++;
	return i == raw.length || raw.start[i] == ';' || raw.start[i] == '#';
}

int
flagp_conf_lines_next(struct conf_lines *lines, struct conf_line *line,
		      struct flag_error *error)
{
	while (lines->next != lines->end) {
		struct raw raw = next_raw(lines);
		int result = check_bytes(lines, raw, error);

		if (result < 0)
			return result;
		if (!is_skipped(raw))
			return read_data(lines, line, raw, error);
	}
	return 0;
}

static int
refuse_byte(const struct conf_lines *lines, unsigned char byte,
	    struct flag_error *error)
{
	if (byte == '\0')
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "NUL byte; only plain text is accepted");
	if (byte == '\r')
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "carriage return inside the line; end "
				       "lines with LF or CR LF");
	return flagp_error_set(error, FLAG_ECONFIG, lines->file, lines->number,
			       "control character 0x%02x; only tab is "
			       "accepted", byte);
}

/*
 * Refuses what no line may have, comments included: an editor and a reader
 * would see different lines.  A byte order mark inside shows that files were
 * joined, perhaps with the first section behind somebody's last comment.
 */
static int
check_bytes(const struct conf_lines *lines, struct raw raw,
	    struct flag_error *error)
{
	if ((raw.kinds & (KIND_CONTROL | KIND_HIGH)) == 0)
		return 0;
	for (size_t i = 0; i < raw.length; i++) {
		unsigned char byte = (unsigned char)raw.start[i];

		if (kinds[byte] & KIND_CONTROL)
			return refuse_byte(lines, byte, error);
		if (byte == 0xef && raw.length - i >= BYTE_ORDER_MARK_SIZE &&
		    memcmp(raw.start + i, BYTE_ORDER_MARK,
			   BYTE_ORDER_MARK_SIZE) == 0)
			return flagp_error_set(error, FLAG_ECONFIG,
					       lines->file, lines->number,
					       "byte order mark inside the "
					       "file; only its very start may "
					       "have one");
	}
	return 0;
}

/* Cuts a comment behind data, and the blanks before it. */
static struct raw
cut_comment(struct raw raw)
{
	for (size_t i = 1; (raw.kinds & KIND_COMMENT) && i < raw.length; i++) {
		if (raw.start[i] == ';' && is_blank(raw.start[i - 1])) {
			raw.length = i;
			break;
		}
	}
	while (raw.length > 0 && is_blank(raw.start[raw.length - 1]))
		raw.length--;
	return raw;
}

static int
check_ascii(const struct conf_lines *lines, struct raw data,
	    struct flag_error *error)
{
	for (size_t i = 0; (data.kinds & KIND_HIGH) && i < data.length; i++) {
		unsigned char byte = (unsigned char)data.start[i];

		if (byte >= 0x80)
			return flagp_error_set(error, FLAG_ECONFIG,
					       lines->file, lines->number,
					       "byte 0x%02x is not ASCII; "
					       "accepted in comments only",
					       byte);
	}
	return 0;
}

/*
 * The end of a section's name: letters, digits and "_.-", in parts that begin
 * with one of the former two and are joined by single colons.  NULL if there
 * is no such name.
 */
static char *
name_end(char *name)
{
	bool start = true;

	for (;; name++) {
		unsigned kind = kinds[(unsigned char)*name];

		if (!(kind & KIND_LETTER) && (start || !(kind & KIND_MARK)))
			return start ? NULL : name;
		start = *name == ':';
	}
}

/* Says what is wrong with a name between brackets. */
static int
refuse_name(const struct conf_lines *lines, const char *name,
	    struct flag_error *error)
{
	size_t length = strlen(name);

	if (length == 0)
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "[]: section without a name; use the "
				       "name of a flag");
	if (length > FLAGP_NAME_MAX)
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "[%s]: name of %zu characters; at most "
				       "%d are accepted",
				       name, length, FLAGP_NAME_MAX);
	return flagp_error_set(error, FLAG_ECONFIG, lines->file, lines->number,
			       "[%s]: not a flag's name; use letters, digits, "
			       "_ . and -, and begin with a letter or digit",
			       name);
}

/* Says what is wrong with a line that begins with '['. */
static int
refuse_section(const struct conf_lines *lines, struct conf_line *line,
	       struct flag_error *error)
{
	char *close = strchr(line->bytes, ']');

	if (close == NULL)
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "%s: ] is missing; write [name]",
				       line->bytes);
	if (close[1] != '\0')
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "%s: text after ]; only a comment, a "
				       "blank and ; before it, may follow",
				       line->bytes);
	*close = '\0';
	return refuse_name(lines, line->bytes + 1, error);
}

/* data stands in line->bytes, which begins with '['. */
static int
read_section(const struct conf_lines *lines, struct conf_line *line,
	     struct flag_error *error)
{
	char *name = line->bytes + 1, *end = name_end(name);

	if (end == NULL || end[0] != ']' || end[1] != '\0' ||
	    end - name > FLAGP_NAME_MAX)
		return refuse_section(lines, line, error);
	*end = '\0';
	line->kind = CONF_LINE_SECTION;
	line->name = name;
	line->value = NULL;
	return 0;
}

/* Says what is wrong with a line that has no good "key = value"; mark: its
 * first '=' or ':', or its end. */
static int
refuse_pair(const struct conf_lines *lines, const struct conf_line *line,
	    const char *mark, struct flag_error *error)
{
	const char *what;

	if (*mark == ':')
		what = "colon after the key; write key = value";
	else if (*mark == '\0')
		what = "neither a section nor a key; write [name] or "
		       "key = value";
	else if (mark == line->bytes)
		what = "empty key; write key = value";
	else
		what = "empty value; write key = value";
	return flagp_error_set(error, FLAG_ECONFIG, lines->file, lines->number,
			       "%s: %s", line->bytes, what);
}

static int
read_pair(const struct conf_lines *lines, struct conf_line *line,
	  struct flag_error *error)
{
	char *mark = line->bytes, *value, *end;

	while (*mark != '\0' && *mark != '=' && *mark != ':')
		mark++;
	/* Blanks at both ends are gone: these two cannot be empty otherwise. */
	if (*mark != '=' || mark == line->bytes || mark[1] == '\0')
		return refuse_pair(lines, line, mark, error);
	for (value = mark + 1; is_blank(*value); value++)
		;
	for (end = mark; is_blank(end[-1]); end--)
		;
	*end = '\0';
	line->kind = CONF_LINE_PAIR;
	line->name = line->bytes;
	line->value = value;
	return 0;
}

static int
read_data(const struct conf_lines *lines, struct conf_line *line,
	  struct raw raw, struct flag_error *error)
{
	struct raw data;
	int result;

	if (raw.length > CONF_LINE_LIMIT)
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "line of %zu characters; at most %u are "
				       "accepted outside comment lines",
				       raw.length, CONF_LINE_LIMIT);
	if (is_blank(raw.start[0]))
		return flagp_error_set(error, FLAG_ECONFIG, lines->file,
				       lines->number,
				       "indented line, which would continue "
				       "the line before it; begin in the first "
				       "column");
	data = cut_comment(raw);
	result = check_ascii(lines, data, error);
	if (result < 0)
		return result;
	memcpy(line->bytes, data.start, data.length);
	line->bytes[data.length] = '\0';
	line->number = lines->number;
	if (line->bytes[0] == '[')
		return read_section(lines, line, error) < 0 ?
			-FLAG_ECONFIG : 1;
	return read_pair(lines, line, error) < 0 ? -FLAG_ECONFIG : 1;
}
