/* SPDX-License-Identifier: MIT */
/*
 * conf_line.h - the lines of an ini text, checked before inih sees them.
 *
 * Comment lines (first ';' or '#') may be of any length and language, blank
 * lines are fine.  All other lines are data: ASCII, at most CONF_LINE_LIMIT
 * characters with what follows them, not indented, either "[section]" or
 * "key = value".  A blank and ';' begin a comment behind data; '#' does not.
 * Lines end with LF or CR LF; the last one may end with the text.
 */
#ifndef FLAGP_CONF_LINE_H
#define FLAGP_CONF_LINE_H

#include <stddef.h>

#include "ripcord.h"
#include "store/conf.h"

enum conf_line_kind { CONF_LINE_SECTION, CONF_LINE_PAIR };

/* One line of data.  Never empty: name, and value of a pair. */
struct conf_line {
	enum conf_line_kind kind;
	unsigned number;		/* the first line is 1 */
	const char *name;		/* of the section, or the key */
	const char *value;		/* of a pair; section: NULL */
	char bytes[CONF_LINE_LIMIT + 1];	/* name and value point here */
};

/* Where the reader stands. */
struct conf_lines {
	const char *file;
	const char *next, *end;
	unsigned number;
};

/*
 * Begins with a text, which need not end with a NUL and must outlive lines.
 * Returns 0, or -FLAG_ECONFIG for what is not text as we read it.
 */
int flagp_conf_lines_start(struct conf_lines *lines, const char *file,
			   const char *text, size_t size,
			   struct flag_error *error);

/* The next line of data.  Returns 1, 0 at the end, -FLAG_ECONFIG. */
int flagp_conf_lines_next(struct conf_lines *lines, struct conf_line *line,
			  struct flag_error *error);

#endif
