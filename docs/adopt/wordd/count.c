/* SPDX-License-Identifier: MIT */
/* count.c - lines, words and bytes, as wc(1) counts them. */
#include "count.h"

#include <ctype.h>

void
count(struct counts *counts, const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (text[i] == '\n')
			counts->lines++;
		if (isspace((unsigned char)text[i])) {
			counts->in_word = 0;
		} else if (!counts->in_word) {
			counts->in_word = 1;
			counts->words++;
		}
	}
	counts->bytes += size;
}
