/* SPDX-License-Identifier: MIT */
/* history_line.c - see history_line.h. */
#include "store/history_line.h"

#include <stdio.h>
#include <string.h>

#define VERSION_MAX 999999u
#define MAGIC "ripcord history"

const struct history_change flagp_history_no_change = {
	.author = { .uid = UINT32_MAX, .login_uid = UINT32_MAX }
};

#define NO_OVERRIDE { .share = FLAGP_SHARE_NONE, .base = FLAGP_SHARE_NONE }

const struct history_flag flagp_history_no_flag = {
	.was = NO_OVERRIDE, .now = NO_OVERRIDE,
	.before = FLAGP_SHARE_NONE, .after = FLAGP_SHARE_NONE
};

/* --- forms of words ------------------------------------------------------- */

/* A generation of which 0 says that there is none. */
static bool
read_other(const char *word, void *value, size_t size)
{
	return flagp_words_generation.read(word, value, size);
}

static void
add_other(struct text *text, const char *key, const void *value)
{
	if (*(const uint64_t *)value != 0)
		flagp_words_generation.add(text, key, value);
}

/* That many small hexadecimal digits; capitals would let a bit flip pass. */
static bool
read_hex(const char *word, size_t digits, uint64_t *number)
{
	static const char all[] = "0123456789abcdef";
	const char *digit;
	size_t i;

	*number = 0;
	for (i = 0; i < digits; i++) {
		if (word[i] == '\0')
			return false;
		digit = strchr(all, word[i]);
		if (digit == NULL)
			return false;
		*number = *number << 4 | (uint64_t)(digit - all);
	}
	return true;
}

static bool
read_digest(const char *word, void *value, size_t size)
{
	(void)size;
	return strlen(word) == 16 && read_hex(word, 16, value) &&
	       *(uint64_t *)value != 0;
}

static void
add_digest(struct text *text, const char *key, const void *value)
{
	uint64_t digest = *(const uint64_t *)value;

	if (digest != 0)
		flagp_text_add(text, " %s=%016llx", key,
			       (unsigned long long)digest);
}

static bool
read_mark(const char *word, void *value, size_t size)
{
	(void)size;
	*(bool *)value = true;
	return strcmp(word, "yes") == 0;
}

static void
add_mark(struct text *text, const char *key, const void *value)
{
	if (*(const bool *)value)
		flagp_text_add(text, " %s=yes", key);
}

static const struct words_form form_other = {
	read_other, add_other, "a number from 1 to 2^53"
};
static const struct words_form form_digest = {
	read_digest, add_digest, "sixteen digits of 0-9a-f"
};
static const struct words_form form_mark = {
	read_mark, add_mark, "yes"
};

/* --- words ---------------------------------------------------------------- */

#define FIELD(key, form, type, member, required) \
	{ key, &form, offsetof(struct type, member), \
	  sizeof(((struct type *)0)->member), required }

#define CHANGE(key, form, member) \
	FIELD(key, form, history_change, member, false)

static const struct words_field change_fields[] = {
	FIELD("generation", flagp_words_generation, history_change, generation,
	      true),
	FIELD("at", flagp_words_time, history_change, at, true),
	CHANGE("verb", flagp_words_text, verb),
	CHANGE("by", flagp_words_text, by),
	CHANGE("recovered", form_mark, recovered),
	CHANGE("uid", flagp_words_user, author.uid),
	CHANGE("login", flagp_words_user, author.login_uid),
	CHANGE("sudo", flagp_words_text, sudo_user),
	CHANGE("pid", flagp_words_process, author.pid),
	CHANGE("user", flagp_words_text, author.user),
	CHANGE("tty", flagp_words_text, author.tty),
	CHANGE("reason", flagp_words_text, author.reason),
	CHANGE("ticket", flagp_words_text, ticket),
	CHANGE("config-was", form_digest, config_was),
	CHANGE("config-now", form_digest, config_now),
	CHANGE("panic-was", form_other, panic_was),
	CHANGE("panic-now", form_other, panic_now),
	CHANGE("evidence", flagp_words_text, evidence),
	CHANGE("flags", flagp_words_count, flags)
};

#define FLAG(key, form, member) FIELD(key, form, history_flag, member, false)

#define OVERRIDE(key, member) \
	FLAG(key, flagp_words_share, member.share), \
	FLAG(key "-generation", form_other, member.generation), \
	FLAG(key "-until", flagp_words_end, member.until), \
	FLAG(key "-boot", flagp_words_text, member.boot), \
	FLAG(key "-base", flagp_words_share, member.base), \
	FLAG(key "-holds", form_other, member.holds), \
	FLAG(key "-over", form_other, member.over)

static const struct words_field flag_fields[] = {
	OVERRIDE("was", was),
	OVERRIDE("now", now),
	FLAG("before", flagp_words_share, before),
	FLAG("after", flagp_words_share, after),
	FLAG("trip-was", form_other, trip_was),
	FLAG("trip-now", form_other, trip_now),
	FLAG("set-was", flagp_words_text, set_was.value),
	FLAG("set-was-from", flagp_words_text, set_was.from),
	FLAG("set-now", flagp_words_text, set_now.value),
	FLAG("set-now-from", flagp_words_text, set_now.from)
};

void
flagp_history_add_change(struct text *text,
			 const struct history_change *change)
{
	flagp_text_add(text, "change");
	flagp_words_add(text, change_fields, FLAGP_COUNT(change_fields),
			change);
}

void
flagp_history_add_flag(struct text *text, const struct history_flag *flag)
{
	flagp_text_add(text, "flag %s", flag->name);
	flagp_words_add(text, flag_fields, FLAGP_COUNT(flag_fields), flag);
}

/* --- reading -------------------------------------------------------------- */

/* All words of a line.  Unknown ones are passed over. */
static bool
read_words(const struct words_field *fields, size_t count, void *object,
	   char *rest)
{
	const struct words_target target = { fields, count, object, NULL };
	const struct words_place place = { HISTORY_NAME, 0, NULL };

	return flagp_words_read(&target, rest, &place) == 0;
}

static bool
read_flag(struct history_flag *flag, char *rest)
{
	const char *name = flagp_words_next(&rest);

	*flag = flagp_history_no_flag;
	if (name == NULL || !flagp_text_is_name(name))
		return false;
	strcpy(flag->name, name);
	return read_words(flag_fields, FLAGP_COUNT(flag_fields), flag, rest);
}

static bool
read_head(unsigned *version, char *rest)
{
	const char *history = flagp_words_next(&rest);
	const char *number = flagp_words_next(&rest);
	uint64_t value;

	/* A later version may say more behind it. */
	if (history == NULL || strcmp(history, "history") != 0 ||
	    number == NULL || !flagp_words_number(number, VERSION_MAX, &value))
		return false;
	*version = (unsigned)value;
	return value != 0;
}

void
flagp_history_read_line(struct history_line *line, char *text)
{
	char *rest = text;
	const char *word = flagp_words_next(&rest);
	bool good = true;

	if (strcmp(word, "change") == 0) {
		line->kind = HISTORY_LINE_CHANGE;
		line->change = flagp_history_no_change;
		good = read_words(change_fields, FLAGP_COUNT(change_fields),
				  &line->change, rest);
	} else if (strcmp(word, "flag") == 0) {
		line->kind = HISTORY_LINE_FLAG;
		good = read_flag(&line->flag, rest);
	} else if (strcmp(word, "ripcord") == 0) {
		line->kind = HISTORY_LINE_HEAD;
		good = read_head(&line->version, rest);
	} else {
		line->kind = HISTORY_LINE_UNKNOWN;
	}
	if (!good)
		line->kind = HISTORY_LINE_BAD;
}

/* --- frames --------------------------------------------------------------- */

bool
flagp_history_frame(const char *bytes, size_t size,
		    struct history_frame *frame)
{
	char copy[HISTORY_FRAME_MAX + 1] = "";
	uint64_t length, crc;
	char *blank;

	memcpy(copy, bytes, size < HISTORY_FRAME_MAX ? size :
						       HISTORY_FRAME_MAX);
	blank = strchr(copy, ' ');
	if (blank == NULL)
		return false;
	*blank++ = '\0';
	if (!flagp_words_number(copy, HISTORY_RECORD_LIMIT, &length) ||
	    !read_hex(blank, 8, &crc) || blank[8] != ' ')
		return false;
	frame->length = (uint32_t)length;
	frame->crc = (uint32_t)crc;
	frame->prefix = (unsigned)(blank + 9 - copy);
	return true;
}

void
flagp_history_add_record(struct text *text, const struct text *body)
{
	if (body->failed) {
		text->failed = true;
		return;
	}
	flagp_text_add(text, "%zu %08x ", body->size,
		       flagp_text_crc32(0, body->data, body->size));
	flagp_text_add_bytes(text, body->data, body->size);
	flagp_text_add_bytes(text, "\n", 1);
}
