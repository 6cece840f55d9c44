/* SPDX-License-Identifier: MIT */
/*
 * words.h - the "key=value" words of a line of our own files, read and written
 * by one table a kind of line.
 */
#ifndef FLAGP_WORDS_H
#define FLAGP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ripcord.h"

/* Exact in every JSON reader, and far from where adding one turns round. */
#define WORDS_GENERATION_MAX (UINT64_C(1) << 53)
#define WORDS_COUNT_MAX 1000000u
/* Bytes of the longest text value, NUL included. */
#define WORDS_TEXT_SIZE 257

/* How the value of a word looks in the file, and what it is in memory. */
struct words_form {
	/* False: word is not of this form.  size: bytes at value. */
	bool (*read)(const char *word, void *value, size_t size);
	/* Adds " key=word", or nothing where the value is "none". */
	void (*add)(struct text *text, const char *key, const void *value);
	const char *accepts;
};

extern const struct words_form
	flagp_words_generation,		/* uint64_t */
	flagp_words_user,		/* uint32_t; UINT32_MAX: none */
	flagp_words_count,		/* unsigned; 0: none */
	flagp_words_process,		/* int; 0: none */
	flagp_words_time,		/* int64_t, wall seconds */
	flagp_words_end,		/* the same; 0: none */
	flagp_words_share,		/* uint32_t, a share */
	flagp_words_text,		/* char[], escaped; "": none */
	flagp_words_subject;		/* char[], a flag's name or "*" */

/* One word that a kind of line may have, and where it goes in an object. */
struct words_field {
	const char *key;
	const struct words_form *form;
	size_t offset, size;
	bool required;
};

/* A table, the object that it fills, and where unknown words go (NULL: they
 * are dropped). */
struct words_target {
	const struct words_field *fields;
	size_t count;			/* at most 32 */
	void *object;
	struct text *unknown;
};

/* Where a refusal points to. */
struct words_place {
	const char *file;
	unsigned line;
	struct flag_error *error;
};

/*
 * Cuts the next word off *rest; words stand apart by one blank.  NULL where
 * there is none; "" where two blanks meet.
 */
char *flagp_words_next(char **rest);

/* Reads all words of rest (NULL: none), which is cut up.  Returns 0, or
 * -FLAG_ECONFIG with a text in error. */
int flagp_words_read(const struct words_target *target, char *rest,
		     const struct words_place *place);

/* Adds " key=word" for each field of object that is not none. */
void flagp_words_add(struct text *text, const struct words_field *fields,
		     size_t count, const void *object);

/* Decimal without sign, blank or leading zero, at most limit. */
bool flagp_words_number(const char *word, uint64_t limit, uint64_t *number);

#endif
