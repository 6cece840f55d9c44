/* SPDX-License-Identifier: MIT */
/* search.h - how often a word occurs in a text. */
#ifndef SEARCH_H
#define SEARCH_H

#include <ripcord.h>
#include <stddef.h>

/* Off: a byte a step.  On: its two ends, eight bytes a step. */
FLAG_DECLARE(search_ends);

/*
 * Counts the occurrences of word that do not overlap, from the left, as
 * "grep -o -F" lists them.  length > 0.
 */
size_t search_count(const char *text, size_t size, const char *word,
		    size_t length);

#endif
