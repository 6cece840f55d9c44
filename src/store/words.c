/* SPDX-License-Identifier: MIT */
/* words.c - see words.h. */
#include "store/words.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define WALL_MAX INT64_C(253402300799)	/* 9999-12-31T23:59:59Z */
#define DAY_S 86400
#define TIME_SIZE 21			/* "2026-11-22T02:10:52Z" and NUL */

bool
flagp_words_number(const char *word, uint64_t limit, uint64_t *number)
{
	uint64_t sum = 0;
	const char *at;

	if (word[0] == '\0' || (word[0] == '0' && word[1] != '\0'))
		return false;
	for (at = word; *at != '\0'; at++) {
		if (*at < '0' || *at > '9' || at - word > 18)
			return false;
		sum = sum * 10 + (uint64_t)(*at - '0');
	}
	*number = sum;
	return sum <= limit;
}

static bool
read_generation(const char *word, void *value, size_t size)
{
	(void)size;
	return flagp_words_number(word, WORDS_GENERATION_MAX, value) &&
	       *(uint64_t *)value != 0;
}

static void
add_generation(struct text *text, const char *key, const void *value)
{
	flagp_text_add(text, " %s=%llu", key,
		       (unsigned long long)*(const uint64_t *)value);
}

static bool
read_user(const char *word, void *value, size_t size)
{
	uint64_t number;

	(void)size;
	if (!flagp_words_number(word, UINT32_MAX - 1, &number))
		return false;
	*(uint32_t *)value = (uint32_t)number;
	return true;
}

static void
add_user(struct text *text, const char *key, const void *value)
{
	uint32_t user = *(const uint32_t *)value;

	if (user != UINT32_MAX)
		flagp_text_add(text, " %s=%u", key, user);
}

static bool
read_count(const char *word, void *value, size_t size)
{
	uint64_t number;

	(void)size;
	if (!flagp_words_number(word, WORDS_COUNT_MAX, &number))
		return false;
	*(unsigned *)value = (unsigned)number;
	return true;
}

static void
add_count(struct text *text, const char *key, const void *value)
{
	unsigned count = *(const unsigned *)value;

	if (count != 0)
		flagp_text_add(text, " %s=%u", key, count);
}

static bool
read_process(const char *word, void *value, size_t size)
{
	uint64_t number;

	(void)size;
	if (!flagp_words_number(word, INT32_MAX, &number))
		return false;
	*(int *)value = (int)number;
	return true;
}

static void
add_process(struct text *text, const char *key, const void *value)
{
	int process = *(const int *)value;

	if (process > 0)
		flagp_text_add(text, " %s=%d", key, process);
}

/* Days from 1970 to a date; months past February count from March on, so that
 * the leap day is the last of its year. */
static int64_t
days_to(int year, int month, int day)
{
	int64_t from_march = (month + 9) % 12;
	int64_t years = year - (month <= 2);

	return years * 365 + years / 4 - years / 100 + years / 400 +
	       (from_march * 306 + 5) / 10 + day - 1 - 719468;
}

/* What flagp_clock_format() writes, and only that. */
static bool
read_time(const char *word, void *value, size_t size)
{
	int year, month, day, hour, minute, second;
	char again[TIME_SIZE];
	int64_t wall;

	(void)size;
	if (strlen(word) != TIME_SIZE - 1 ||
	    sscanf(word, "%4d-%2d-%2dT%2d:%2d:%2dZ", &year, &month, &day,
		   &hour, &minute, &second) != 6 || month < 1 || month > 12)
		return false;
	wall = days_to(year, month, day) * DAY_S + hour * 3600 + minute * 60 +
	       second;
	/* A 31st of June, a sign or a blank do not come back the same. */
	flagp_clock_format(wall, again, sizeof(again));
	if (strcmp(again, word) != 0)
		return false;
	*(int64_t *)value = wall;
	return true;
}

static void
add_time(struct text *text, const char *key, const void *value)
{
	int64_t wall = *(const int64_t *)value;
	char word[TIME_SIZE];

	if (wall < 0)
		wall = 0;
	if (wall > WALL_MAX)
		wall = WALL_MAX;
	flagp_clock_format(wall, word, sizeof(word));
	flagp_text_add(text, " %s=%s", key, word);
}

/* A time of which 0 says that there is none. */
static void
add_end(struct text *text, const char *key, const void *value)
{
	int64_t wall = *(const int64_t *)value;

	if (wall < 0)
		wall = 1;
	if (wall != 0)
		add_time(text, key, &wall);
}

/* "12.5%": at most three decimals. */
static bool
read_percentage(const char *word, uint32_t *share)
{
	uint32_t sum = 0, digits = 0;
	const char *at = word;

	for (; *at >= '0' && *at <= '9' && at - word < 3; at++)
		sum = sum * 10 + (uint32_t)(*at - '0');
	if (at == word)
		return false;
	if (*at == '.') {
		for (at++; *at >= '0' && *at <= '9' && digits < 3; at++) {
			sum = sum * 10 + (uint32_t)(*at - '0');
			digits++;
		}
		if (digits == 0)
			return false;
	}
	if (strcmp(at, "%") != 0)
		return false;
	for (; digits < 3; digits++)
		sum *= 10;
	*share = sum;
	return sum <= FLAGP_SHARE_ALL;
}

static bool
read_share(const char *word, void *value, size_t size)
{
	uint32_t *share = value;

	(void)size;
	if (strcmp(word, "on") == 0)
		*share = FLAGP_SHARE_ALL;
	else if (strcmp(word, "off") == 0)
		*share = 0;
	else
		return read_percentage(word, share);
	return true;
}

static void
add_share(struct text *text, const char *key, const void *value)
{
	uint32_t share = *(const uint32_t *)value;
	char digits[16];
	size_t length;

	if (share == 0 || share == FLAGP_SHARE_ALL) {
		flagp_text_add(text, " %s=%s", key, share == 0 ? "off" : "on");
	} else if (share < FLAGP_SHARE_ALL) {
		length = (size_t)snprintf(digits, sizeof(digits), "%u.%03u",
					  share / 1000, share % 1000);
		while (digits[length - 1] == '0')
			length--;
		if (digits[length - 1] == '.')
			length--;
		flagp_text_add(text, " %s=%.*s%%", key, (int)length, digits);
	}
}

/* Text without control characters: people print it. */
static bool
read_text(const char *word, void *value, size_t size)
{
	char copy[WORDS_TEXT_SIZE];

	if (!flagp_text_unescape(word, value, size))
		return false;
	strcpy(copy, value);
	flagp_text_printable(copy);
	return strcmp(copy, value) == 0;
}

static void
add_text(struct text *text, const char *key, const void *value)
{
	char copy[WORDS_TEXT_SIZE];

	if (*(const char *)value == '\0')
		return;
	snprintf(copy, sizeof(copy), "%s", (const char *)value);
	flagp_text_printable(copy);
	flagp_text_add(text, " %s=", key);
	flagp_text_add_escaped(text, copy);
}

/* The flag of a change; "*" for several. */
static bool
read_subject(const char *word, void *value, size_t size)
{
	if (strcmp(word, "*") != 0 && !flagp_text_is_name(word))
		return false;
	snprintf(value, size, "%s", word);
	return true;
}

static void
add_subject(struct text *text, const char *key, const void *value)
{
	const char *name = value;

	flagp_text_add(text, " %s=%s", key,
		       flagp_text_is_name(name) ? name : "*");
}

const struct words_form flagp_words_generation = {
	read_generation, add_generation, "a number from 1 to 2^53"
};
const struct words_form flagp_words_user = {
	read_user, add_user, "a user's number"
};
const struct words_form flagp_words_count = {
	read_count, add_count, "a number up to 1000000"
};
const struct words_form flagp_words_process = {
	read_process, add_process, "a process's number"
};
const struct words_form flagp_words_time = {
	read_time, add_time, "a time like 2026-11-22T02:10:52Z"
};
const struct words_form flagp_words_end = {
	read_time, add_end, "a time like 2026-11-22T02:10:52Z"
};
const struct words_form flagp_words_share = {
	read_share, add_share, "on, off or a percentage like 12.5%"
};
const struct words_form flagp_words_text = {
	read_text, add_text, "escaped text of that length at most"
};
const struct words_form flagp_words_subject = {
	read_subject, add_subject, "a flag's name or *"
};

char *
flagp_words_next(char **rest)
{
	char *word = *rest;

	if (word == NULL)
		return NULL;
	*rest = strchr(word, ' ');
	if (*rest != NULL)
		*(*rest)++ = '\0';
	return word;
}

#define REFUSE(place, ...) \
	flagp_error_set((place)->error, FLAG_ECONFIG, (place)->file, \
			(place)->line, __VA_ARGS__)

static const struct words_field *
find_field(const struct words_field *fields, size_t count, const char *key)
{
	const struct words_field *field;

	for (field = fields; field < fields + count; field++)
		if (strcmp(field->key, key) == 0)
			return field;
	return NULL;
}

/* One "key=value".  *seen has a bit for each field that was there. */
static int
read_word(const struct words_target *target, char *word, unsigned *seen,
	  const struct words_place *place)
{
	char *value = strchr(word, '=');
	const struct words_field *field;
	unsigned bit;

	if (value == NULL || value == word)
		return REFUSE(place, "\"%s\": key=value after one blank",
			      word);
	*value++ = '\0';
	field = find_field(target->fields, target->count, word);
	if (field == NULL) {
		if (target->unknown != NULL)
			flagp_text_add(target->unknown, "%s%s=%s",
				       target->unknown->size ? " " : "", word,
				       value);
		return 0;
	}
	bit = 1u << (field - target->fields);
	if (*seen & bit)
		return REFUSE(place, "%s: only once in a line", word);
	*seen |= bit;
	if (!field->form->read(value, (char *)target->object + field->offset,
			       field->size))
		return REFUSE(place, "%s=%s: %s", word, value,
			      field->form->accepts);
	return 0;
}

int
flagp_words_read(const struct words_target *target, char *rest,
		 const struct words_place *place)
{
	unsigned seen = 0;
	char *word;
	size_t i;
	int code;

	while ((word = flagp_words_next(&rest)) != NULL) {
		code = read_word(target, word, &seen, place);
		if (code != 0)
			return code;
	}
	for (i = 0; i < target->count; i++)
		if (target->fields[i].required && !(seen & 1u << i))
			return REFUSE(place, "%s missing: %s",
				      target->fields[i].key,
				      target->fields[i].form->accepts);
	return 0;
}

void
flagp_words_add(struct text *text, const struct words_field *fields,
		size_t count, const void *object)
{
	const struct words_field *field;

	for (field = fields; field < fields + count; field++)
		field->form->add(text, field->key,
				 (const char *)object + field->offset);
}
