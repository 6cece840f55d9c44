/* SPDX-License-Identifier: MIT */
/* search.c - counting a word in two ways. */
#include "search.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BLOCK sizeof(uint64_t)
#define EVERY_BYTE 0x0101010101010101u	/* times b: b in each byte */
#define HIGH_BITS 0x8080808080808080u

FLAG_DEFINE(search_ends, "search.ends",
	    "find words by their two ends, eight bytes a step");

static size_t count_bytes(const char *text, size_t size, const char *word,
			  size_t length);
static size_t count_blocks(const char *text, size_t size, const char *word,
			   size_t length);
static uint64_t equal_bytes(const char *text, uint64_t wanted);

size_t
search_count(const char *text, size_t size, const char *word, size_t length)
{
	struct flag_span span;
	size_t count;

	if (flag_begin(&span, &search_ends))
		count = count_blocks(text, size, word, length);
	else
		count = count_bytes(text, size, word, length);
	flag_end(&span, FLAG_OK);
	return count;
}

/* The baseline: is it here?  Then on behind it, else one byte further. */
static size_t
count_bytes(const char *text, size_t size, const char *word, size_t length)
{
	size_t i = 0, count = 0;

	while (i + length <= size) {
		if (text[i] == word[0] &&
		    memcmp(text + i, word, length) == 0) {
			count++;
			i += length;
		} else {
			i++;
		}
	}
	return count;
}

/*
 * The optimized arm: looks at eight places at once.  In most blocks no place
 * has the word's first byte there and its last byte at the right distance.
 */
static size_t
count_blocks(const char *text, size_t size, const char *word, size_t length)
{
	const uint64_t first = EVERY_BYTE * (unsigned char)word[0];
	const uint64_t last = EVERY_BYTE * (unsigned char)word[length - 1];
	size_t i, next = 0, count = 0;

	for (i = 0; i + length - 1 + BLOCK <= size; i += BLOCK) {
		uint64_t places = equal_bytes(text + i, first) &
				  equal_bytes(text + i + length - 1, last);

		for (; places != 0; places &= places - 1) {
			size_t at = i + (size_t)__builtin_ctzll(places) / 8;

			if (at >= next &&
			    memcmp(text + at, word, length) == 0) {
				count++;
				next = at + length;
			}
		}
	}
	if (i < next)
		i = next;
	return count + count_bytes(text + i, size - i, word, length);
}

/*
 * The high bit of each byte of text that equals wanted's.  A byte behind such
 * a one may be marked too, where the subtraction borrows from it; none that
 * is equal is missed, so the marks are places to look at.
 */
static uint64_t
equal_bytes(const char *text, uint64_t wanted)
{
	uint64_t difference;

	memcpy(&difference, text, sizeof(difference));
	difference = le64toh(difference) ^ wanted;
	return (difference - EVERY_BYTE) & ~difference & HIGH_BITS;
}
