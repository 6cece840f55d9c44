/* SPDX-License-Identifier: MIT */
/* count.h - what wordd tells about a text. */
#ifndef COUNT_H
#define COUNT_H

#include <stddef.h>

struct counts {
	unsigned long lines, words, bytes;
	int in_word;		/* the last byte belonged to a word */
};

/* Adds one more piece of a text; counts starts as { 0 }. */
void count(struct counts *counts, const char *text, size_t size);

#endif
