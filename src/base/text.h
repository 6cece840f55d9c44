/* SPDX-License-Identifier: MIT */
/*
 * text.h - a growing string, the escapes of our own files, words that look
 * alike.  A failed allocation is remembered, so callers check once at the end.
 */
#ifndef FLAGP_TEXT_H
#define FLAGP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct text {
	char *data;			/* NUL at data[size] if not NULL */
	size_t size, room;
	bool failed;			/* out of memory at some point */
};

#define TEXT_INIT { NULL, 0, 0, false }

void flagp_text_free(struct text *text);
void flagp_text_add(struct text *text, const char *format, ...)
	FLAGP_PRINTF(2, 3);
void flagp_text_add_bytes(struct text *text, const void *bytes, size_t size);

/*
 * Adds value so that it stays one word in one line: bytes outside 0x21..0x7e,
 * '%' and '=' become %XX; an empty value becomes "-" and a lone "-" "%2D".
 */
void flagp_text_add_escaped(struct text *text, const char *value);

/*
 * Undoes flagp_text_add_escaped().  size bytes of buffer; false if the word
 * is too long or not well formed.
 */
bool flagp_text_unescape(const char *word, char *buffer, size_t size);

/*
 * Makes control characters '?' in place (also the C1 ones of UTF-8), so that
 * no text of ours moves a terminal.
 */
void flagp_text_printable(char *text);

/*
 * The word among count words that is nearest to word (edit distance, at most
 * a third of its length, at least 1), or NULL.
 */
const char *flagp_text_nearest(const char *word, const char *const *words,
			       size_t count);

/* CRC-32 (IEEE 802.3, reflected, as in zlib) of size bytes, from crc 0. */
uint32_t flagp_text_crc32(uint32_t crc, const void *bytes, size_t size);

/* 64-bit FNV-1a; start with FLAGP_FNV_START. */
#define FLAGP_FNV_START 0xcbf29ce484222325ull
uint64_t flagp_text_hash(uint64_t hash, const void *bytes, size_t size);

/* The same for long texts, eight bytes a step; other numbers, and not the same
 * ones on machines of another byte order. */
uint64_t flagp_text_digest(uint64_t digest, const void *bytes, size_t size);

/* [A-Za-z0-9][A-Za-z0-9_.-]*, at most FLAGP_NAME_MAX characters. */
bool flagp_text_is_name(const char *name);

/* A section of the configuration that is not a flag: "service", "defaults",
 * "breaker", "record", "ripcord". */
bool flagp_text_is_reserved(const char *name);

/* What a flag or a tunable may be called: a name that is not reserved. */
bool flagp_text_is_flag(const char *name);

/* Matches '*' (any run) and '?' (one character); everything else itself. */
bool flagp_text_matches(const char *pattern, const char *name);

#endif
