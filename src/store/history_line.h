/* SPDX-License-Identifier: MIT */
/*
 * history_line.h - one line of the history: its frame, and its words.  Pure.
 */
#ifndef FLAGP_HISTORY_LINE_H
#define FLAGP_HISTORY_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/history.h"

#define HISTORY_VERSION 1u
/* "67108864 5d3f0c11 " */
#define HISTORY_FRAME_MAX 18u

/* "LENGTH CRC ": what stands before a record. */
struct history_frame {
	uint32_t length, crc;
	unsigned prefix;		/* its own bytes */
};

/* Reads a frame at the beginning of bytes. */
bool flagp_history_frame(const char *bytes, size_t size,
			 struct history_frame *frame);

/* Adds a record: frame, body and newline. */
void flagp_history_add_record(struct text *text, const struct text *body);

/* Adds "change ..." or "flag ...", without a newline. */
void flagp_history_add_change(struct text *text,
			      const struct history_change *change);
void flagp_history_add_flag(struct text *text,
			    const struct history_flag *flag);

enum history_kind {
	HISTORY_LINE_BAD,
	HISTORY_LINE_HEAD,		/* "ripcord history 1" */
	HISTORY_LINE_CHANGE,
	HISTORY_LINE_FLAG,
	HISTORY_LINE_UNKNOWN		/* of a later version */
};

/* What one line came to. */
struct history_line {
	enum history_kind kind;
	unsigned version;		/* of a head */
	struct history_change change;
	struct history_flag flag;
};

/* Reads a line, which is cut up; nothing but what its kind says is filled. */
void flagp_history_read_line(struct history_line *line, char *text);

#endif
