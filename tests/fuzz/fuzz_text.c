/* SPDX-License-Identifier: MIT */
/*
 * fuzz_text.c - words and patterns: base/text.c.
 *
 * The input is two texts apart by a newline: a pattern and a name, a word and
 * one that it may be like, a word that is undone and one that is escaped.
 * Slow readers, made of nothing but what text.h says, agree on all of them.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/value.h"

#define SIZE_MAX_ 512u
#define SLOW_MAX 64		/* longer ones would take a slow reader long */

static size_t
smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* --- patterns ------------------------------------------------------------- */

/* Both have at most SLOW_MAX characters.  can[j]: the pattern so far matches
 * the first j characters of the name. */
static bool
matches(const char *pattern, const char *name)
{
	bool can[SLOW_MAX + 1] = { true };
	size_t length = strlen(name);

	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			for (size_t j = 1; j <= length; j++)
				can[j] = can[j] || can[j - 1];
			continue;
		}
		for (size_t j = length; j > 0; j--)
			can[j] = can[j - 1] &&
				 (*pattern == '?' || *pattern == name[j - 1]);
		can[0] = false;
	}
	return can[length];
}

static void
check_matches(const char *pattern, const char *name)
{
	bool answer = flagp_text_matches(pattern, name);

	FUZZ_CHECK(flagp_text_matches("*", name));
	FUZZ_CHECK(strpbrk(name, "*?") != NULL ||
		   flagp_text_matches(name, name));
	if (strlen(pattern) <= SLOW_MAX && strlen(name) <= SLOW_MAX)
		FUZZ_CHECK(answer == matches(pattern, name));
}

/* --- names ---------------------------------------------------------------- */

static void
check_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t length = strlen(name), i;
	bool reserved;

	for (i = 0; i < length; i++)
		if (strchr(first, name[i]) == NULL &&
		    (i == 0 || strchr("_.-", name[i]) == NULL))
			break;
	FUZZ_CHECK(flagp_text_is_name(name) ==
		   (length > 0 && length <= FLAGP_NAME_MAX && i == length));
	reserved = strcmp(name, "service") == 0 ||
		   strcmp(name, "defaults") == 0 ||
		   strcmp(name, "breaker") == 0 ||
		   strcmp(name, "record") == 0 || strcmp(name, "ripcord") == 0;
	FUZZ_CHECK(flagp_text_is_reserved(name) == reserved);
	FUZZ_CHECK(flagp_text_is_flag(name) ==
		   (flagp_text_is_name(name) && !reserved));
}

/* --- words that look alike ------------------------------------------------ */

/* Edits from a to b; of two words of at most SLOW_MAX characters. */
static size_t
edits(const char *a, const char *b)
{
	size_t rows[SLOW_MAX + 1][SLOW_MAX + 1];
	size_t height = strlen(a), width = strlen(b);

	for (size_t i = 0; i <= height; i++) {
		for (size_t j = 0; j <= width; j++) {
			if (i == 0 || j == 0) {
				rows[i][j] = i + j;
				continue;
			}
			rows[i][j] = smallest(rows[i - 1][j] + 1,
					      rows[i][j - 1] + 1,
					      rows[i - 1][j - 1] +
					      (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    rows[i - 2][j - 2] + 1 < rows[i][j])
				rows[i][j] = rows[i - 2][j - 2] + 1;
		}
	}
	return rows[height][width];
}

static void
check_nearest(const char *word, const char *other)
{
	const char *const words[] = { "state", other, "a.much.longer.word" };
	const char *nearest = flagp_text_nearest(word, words, 3);
	size_t length = strlen(word), limit = length < 6 ? 1 : length / 3;
	size_t least = SIZE_MAX;

	FUZZ_CHECK(flagp_text_nearest(word, words, 0) == NULL);
	if (length > SLOW_MAX || strlen(other) > SLOW_MAX)
		return;
	for (size_t i = 0; i < 3; i++)
		if (edits(word, words[i]) < least)
			least = edits(word, words[i]);
	FUZZ_CHECK((nearest != NULL) == (least <= limit));
	FUZZ_CHECK(nearest == NULL || edits(word, nearest) == least);
}

/* --- escapes -------------------------------------------------------------- */

static void
check_escaped(const char *value)
{
	struct text text = TEXT_INIT;
	char back[SIZE_MAX_ + 1], exact[SIZE_MAX_ + 1];
	size_t length = strlen(value), size = 0;

	for (const char *at = value; *at != '\0'; at++)
		size += *at > ' ' && *at <= '~' && *at != '%' && *at != '=' ?
			1 : 3;
	flagp_text_add_escaped(&text, value);
	FUZZ_CHECK(!text.failed);
	FUZZ_CHECK(text.size == (length == 0 ? 1 : strcmp(value, "-") == 0 ?
				 3 : size));
	for (size_t i = 0; i < text.size; i++)
		FUZZ_CHECK(text.data[i] > ' ' && text.data[i] <= '~' &&
			   text.data[i] != '=');
	FUZZ_CHECK(flagp_text_unescape(text.data, back, sizeof(back)));
	FUZZ_CHECK(strcmp(back, value) == 0);
	/* Just enough room, and a byte too little. */
	FUZZ_CHECK(flagp_text_unescape(text.data, exact, length + 1));
	FUZZ_CHECK(!flagp_text_unescape(text.data, exact, length));
	flagp_text_free(&text);
}

static void
check_unescape(const char *word)
{
	char value[SIZE_MAX_ + 1];

	if (!flagp_text_unescape(word, value, sizeof(value)))
		return;
	FUZZ_CHECK(memchr(value, '\0', sizeof(value)) != NULL);
	FUZZ_CHECK(strlen(value) <= strlen(word));
	check_escaped(value);
}

/* --- what is printed ------------------------------------------------------ */

/* Whether a text is UTF-8 without control characters, as value.h has it. */
static bool
is_clean(const char *text)
{
	const struct value_limits limits = flagp_value_limits(VALUE_STRING);
	const struct value value = {
		VALUE_STRING, { .size = strlen(text) }, text
	};

	return flagp_value_check(&value, &limits, NULL) == 0;
}

static void
check_printable(const char *text)
{
	size_t size = strlen(text) + 1;
	char *once = fuzz_copy(text, size), *twice;

	flagp_text_printable(once);
	FUZZ_CHECK(strlen(once) + 1 == size);
	for (size_t i = 0; once[i] != '\0'; i++) {
		unsigned char byte = (unsigned char)once[i];

		FUZZ_CHECK(byte >= 0x20 && byte != 0x7f);
		/* A control character of 8 bits, alone. */
		FUZZ_CHECK(byte < 0x80 || byte > 0x9f ||
			   (i > 0 && (unsigned char)once[i - 1] >= 0x80));
		FUZZ_CHECK(once[i] == '?' || once[i] == text[i]);
		/* The first byte that UTF-8 gives to a control character. */
		FUZZ_CHECK(byte != 0xc2 || (unsigned char)once[i + 1] < 0x80 ||
			   (unsigned char)once[i + 1] > 0x9f);
	}
	FUZZ_CHECK(!is_clean(text) || strcmp(once, text) == 0);
	twice = fuzz_copy(once, size);
	flagp_text_printable(twice);
	FUZZ_CHECK(strcmp(once, twice) == 0);
	free(twice);
	free(once);
}

/* --- a growing text ------------------------------------------------------- */

/* Piece by piece or at once is the same; without memory it says so. */
static void
check_text(const char *first, const char *second, uint64_t hash)
{
	struct text pieces = TEXT_INIT, whole = TEXT_INIT;
	size_t size;

	flagp_text_add(&whole, "%s%s", first, second);
	fuzz_starve((unsigned)(hash % 3));
	flagp_text_add_bytes(&pieces, first, strlen(first));
	size = pieces.size;
	flagp_text_add(&pieces, "%s", second);
	if (fuzz_fed()) {
		FUZZ_CHECK(pieces.failed);
		FUZZ_CHECK(pieces.size == size);
		flagp_text_add(&pieces, "more");
		FUZZ_CHECK(pieces.size == size);
	} else {
		FUZZ_CHECK(!pieces.failed && pieces.size == whole.size);
		FUZZ_CHECK(memcmp(pieces.data, whole.data,
				  whole.size + 1) == 0);
	}
	flagp_text_free(&pieces);
	/* More than there can be is not even tried. */
	flagp_text_add_bytes(&whole, first, SIZE_MAX - hash % 1024);
	FUZZ_CHECK(whole.failed);
	flagp_text_free(&whole);
	FUZZ_CHECK(whole.data == NULL && whole.size == 0);
}

/* In two parts is as in one; one bit less or more is another sum. */
static void
check_sums(const uint8_t *data, size_t size, size_t cut)
{
	uint32_t crc = flagp_text_crc32(0, data, size);
	uint64_t sum = flagp_text_hash(FLAGP_FNV_START, data, size);
	uint64_t digest = flagp_text_digest(FLAGP_FNV_START, data, size);
	uint8_t *copy;

	FUZZ_CHECK(flagp_text_crc32(flagp_text_crc32(0, data, cut),
				    data + cut, size - cut) == crc);
	FUZZ_CHECK(flagp_text_hash(flagp_text_hash(FLAGP_FNV_START, data, cut),
				   data + cut, size - cut) == sum);
	if (size == 0)
		return;
	copy = (uint8_t *)fuzz_copy(data, size);
	copy[cut % size] ^= 1u << cut % 8;
	FUZZ_CHECK(flagp_text_crc32(0, copy, size) != crc);
	FUZZ_CHECK(flagp_text_hash(FLAGP_FNV_START, copy, size) != sum);
	FUZZ_CHECK(flagp_text_digest(FLAGP_FNV_START, copy, size) != digest);
	FUZZ_CHECK(flagp_text_digest(digest, copy, size) !=
		   flagp_text_digest(digest, data, size));
	free(copy);
}

bool
fuzz_text(const uint8_t *data, size_t size)
{
	char text[SIZE_MAX_ + 1], *first, *second, *newline;
	bool accepted;

	if (size > SIZE_MAX_)
		return false;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	newline = strchrnul(text, '\n');
	second = fuzz_copy(*newline == '\0' ? newline : newline + 1,
			   strlen(newline) + (*newline == '\0'));
	*newline = '\0';
	first = fuzz_copy(text, strlen(text) + 1);
	check_matches(first, second);
	check_name(first);
	check_nearest(first, second);
	check_unescape(first);
	check_escaped(second);
	check_printable(first);
	check_text(first, second, fuzz_hash(data, size));
	check_sums(data, size, strlen(first));
	accepted = flagp_text_matches(first, second);
	free(first);
	free(second);
	return accepted;
}

FUZZ_TARGET(fuzz_text)
