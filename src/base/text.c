/* SPDX-License-Identifier: MIT */
/* text.c - see text.h. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 256
#define WORD_MAX 64		/* longer words are like no other */

void
flagp_text_free(struct text *text)
{
	free(text->data);
	*text = (struct text)TEXT_INIT;
}

/* Makes room for size more bytes and a NUL. */
static bool
reserve(struct text *text, size_t size)
{
	size_t room = text->room != 0 ? text->room : ROOM_FIRST;
	char *data;

	if (text->failed)
		return false;
	if (text->data != NULL && size < text->room - text->size)
		return true;
	if (size >= SIZE_MAX / 2 - text->size) {
		text->failed = true;
		return false;
	}
	while (room <= text->size + size)
		room *= 2;
	data = realloc(text->data, room);
	if (data == NULL) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->room = room;
	return true;
}

void
flagp_text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text->failed = true;
		return;
	}
	if (!reserve(text, (size_t)length))
		return;
	va_start(arguments, format);
	vsnprintf(text->data + text->size, (size_t)length + 1, format,
		  arguments);
	va_end(arguments);
	text->size += (size_t)length;
}

void
flagp_text_add_bytes(struct text *text, const void *bytes, size_t size)
{
	if (!reserve(text, size))
		return;
	if (size != 0)
		memcpy(text->data + text->size, bytes, size);
	text->size += size;
	text->data[text->size] = '\0';
}

static bool
is_plain(unsigned char byte)
{
	return byte >= 0x21 && byte <= 0x7e && byte != '%' && byte != '=';
}

void
flagp_text_add_escaped(struct text *text, const char *value)
{
	if (value[0] == '\0') {
		flagp_text_add_bytes(text, "-", 1);
		return;
	}
	if (strcmp(value, "-") == 0) {
		flagp_text_add_bytes(text, "%2D", 3);
		return;
	}
	for (; *value != '\0'; value++) {
		if (is_plain((unsigned char)*value))
			flagp_text_add_bytes(text, value, 1);
		else
			flagp_text_add(text, "%%%02X", (unsigned char)*value);
	}
}

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* The byte that "%XX" stands for, or -1; 0 is no part of a string. */
static int
escaped_byte(const char *word)
{
	int high = hex_digit(word[1]);
	int low = high < 0 ? -1 : hex_digit(word[2]);

	if (low < 0 || high * 16 + low == 0)
		return -1;
	return high * 16 + low;
}

bool
flagp_text_unescape(const char *word, char *buffer, size_t size)
{
	size_t used = 0;
	int byte;

	if (size == 0 || *word == '\0')
		return false;
	if (strcmp(word, "-") == 0)
		word++;
	while (*word != '\0') {
		if (*word == '%') {
			byte = escaped_byte(word);
			word += 3;
		} else {
			byte = is_plain((unsigned char)*word) ? *word : -1;
			word++;
		}
		if (byte < 0 || used + 1 >= size)
			return false;
		buffer[used++] = (char)byte;
	}
	buffer[used] = '\0';
	return true;
}

/* How many bytes follow the first one of a UTF-8 sequence. */
static unsigned
following(unsigned char byte)
{
	if (byte < 0xc2 || byte > 0xf4)
		return 0;
	return byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
}

void
flagp_text_printable(char *text)
{
	unsigned char before = 0, byte;
	unsigned left = 0;		/* bytes of a sequence to come */

	for (; *text != '\0'; text++, before = byte) {
		byte = (unsigned char)*text;
		if (byte < 0x20 || byte == 0x7f) {
			*text = '?';
			left = 0;
		} else if (byte < 0x80 || byte > 0xbf) {
			left = following(byte);
		} else if (before == 0xc2 && byte < 0xa0) {
			/* What UTF-8 makes of the controls 0x80 to 0x9f. */
			text[-1] = *text = '?';
			left = 0;
		} else if (left > 0) {
			left--;
		} else if (byte < 0xa0) {
			*text = '?';
		}
	}
}

static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Edits that make b of a: insert, delete, replace, swap two neighbours.  Both
 * have at most WORD_MAX characters.
 */
static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *older = rows[0], *old = rows[1], *row = rows[2], *swap;
	size_t i, j, width = strlen(b);

	for (j = 0; j <= width; j++)
		old[j] = (unsigned)j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		row[0] = (unsigned)i;
		for (j = 1; j <= width; j++) {
			row[j] = old[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = smaller(row[j], smaller(old[j],
							 row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], older[j - 2] + 1);
		}
		swap = older;
		older = old;
		old = row;
		row = swap;
	}
	return old[width];
}

const char *
flagp_text_nearest(const char *word, const char *const *words, size_t count)
{
	size_t length = strlen(word);
	unsigned limit = length < 6 ? 1 : (unsigned)(length / 3);
	unsigned edits;
	const char *nearest = NULL;
	size_t i;

	if (length > WORD_MAX)
		return NULL;
	for (i = 0; i < count; i++) {
		if (strlen(words[i]) > WORD_MAX)
			continue;
		edits = distance(word, words[i]);
		if (edits > limit || (nearest != NULL && edits == limit))
			continue;
		nearest = words[i];
		limit = edits;
	}
	return nearest;
}

uint32_t
flagp_text_crc32(uint32_t crc, const void *bytes, size_t size)
{
	/* The remainders of the sixteen values of half a byte. */
	static const uint32_t halves[] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
	};
	const unsigned char *byte = bytes;

	crc = ~crc;
	for (; size > 0; size--, byte++) {
		crc ^= *byte;
		crc = crc >> 4 ^ halves[crc & 15];
		crc = crc >> 4 ^ halves[crc & 15];
	}
	return ~crc;
}

uint64_t
flagp_text_hash(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (; size > 0; size--, byte++) {
		hash ^= *byte;
		hash *= 0x100000001b3ull;
	}
	return hash;
}

/* Loses nothing: texts of one size that differ in one word only, or in the
 * number that they began with, have different digests. */
static uint64_t
digest_word(uint64_t digest, uint64_t word)
{
	digest = (digest ^ word) * 0x9e3779b97f4a7c15ull;
	return digest ^ digest >> 32;
}

uint64_t
flagp_text_digest(uint64_t digest, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;
	uint64_t word;

	for (; size >= sizeof(word); byte += sizeof(word)) {
		memcpy(&word, byte, sizeof(word));
		digest = digest_word(digest, word);
		size -= sizeof(word);
	}
	/* The rest, and how long it is. */
	for (word = size; size > 0; size--, byte++)
		word = word << 8 | *byte;
	return digest_word(digest, word);
}

static bool
is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool
flagp_text_is_name(const char *name)
{
	size_t length;

	if (name == NULL || !is_alphanumeric(name[0]))
		return false;
	for (length = 1; name[length] != '\0'; length++) {
		if (length == FLAGP_NAME_MAX)
			return false;
		if (!is_alphanumeric(name[length]) && name[length] != '_' &&
		    name[length] != '.' && name[length] != '-')
			return false;
	}
	return true;
}

bool
flagp_text_is_reserved(const char *name)
{
	static const char *const words[] = {
		"service", "defaults", "breaker", "record", "ripcord",
	};

	/* The first letter alone tells it of most names. */
	for (size_t i = 0; i < FLAGP_COUNT(words); i++)
		if (name[0] == words[i][0] && strcmp(name, words[i]) == 0)
			return true;
	return false;
}

bool
flagp_text_is_flag(const char *name)
{
	return flagp_text_is_name(name) && !flagp_text_is_reserved(name);
}

bool
flagp_text_matches(const char *pattern, const char *name)
{
	/* Behind the last '*', and where its run ends for the moment. */
	const char *star = NULL, *run = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			run = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++run;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
