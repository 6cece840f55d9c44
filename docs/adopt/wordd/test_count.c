/* SPDX-License-Identifier: MIT */
/* test_count.c - what count() must answer. */
#include "count.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void
expect(const char *text, unsigned long lines, unsigned long words)
{
	struct counts c = { 0, 0, 0, 0 };
	size_t half = strlen(text) / 2;

	count(&c, text, half);
	count(&c, text + half, strlen(text) - half);
	if (c.lines == lines && c.words == words && c.bytes == strlen(text))
		return;
	printf("\"%s\": %lu lines, %lu words\n", text, c.lines, c.words);
	failures++;
}

static void
all(void)
{
	expect("", 0, 0);
	expect("word", 0, 1);
	expect("two words", 0, 2);
	expect("  one\tother\n\n third  ", 2, 3);
	expect("\v\f\r \n", 1, 0);
}

int
main(void)
{
	all();
	printf("test_count: %d failures\n", failures);
	return failures != 0;
}
