/* SPDX-License-Identifier: MIT */
/*
 * pack.h - many inputs in one file that people can read and compare.
 *
 *	# SPDX-License-Identifier: MIT
 *	# fuzz inputs
 *	input two-flags accepted
 *	|[a]
 *	|state = on\
 *
 * Lines behind "input NAME" are the lines of that input; a word behind the name
 * says what a parser should make of it, accepted or refused.  Where a line ends
 * with a backslash, no newline follows: it goes on in the next, or ends.  \xNN
 * is a byte that cannot be seen, \12xNN twelve of them, and \\ a backslash.  A
 * line that begins with '#' is a comment.
 */
#ifndef PACK_H
#define PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PACK_HEAD "# SPDX-License-Identifier: MIT\n# fuzz inputs"

enum pack_verdict { PACK_UNSAID, PACK_ACCEPTED, PACK_REFUSED };

/* One input; name and data end when the function returns that got it. */
struct pack_input {
	const char *name;
	enum pack_verdict verdict;
	const uint8_t *data;
	size_t size;
};

typedef void pack_found(void *context, const struct pack_input *input);

/* Whether the bytes of a file are those of a pack. */
bool pack_is(const char *bytes, size_t size);

/* Finds the inputs of a pack.  Returns NULL, or what is wrong with it. */
const char *pack_read(const char *bytes, size_t size, pack_found *found,
		      void *context);

/* Writes one input; the head comes before the first. */
void pack_write(FILE *to, const char *name, const uint8_t *data, size_t size);

#endif
