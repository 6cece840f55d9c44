/* SPDX-License-Identifier: MIT */
/*
 * fuzz_conf.c - the configuration: store/conf_line.c and store/conf_parse.c.
 *
 * The input is a main file and up to two drop-ins, apart by a line "--- next
 * file".  Either it is refused, with file and line, and nothing was added; or
 * a second reader, which knows nothing but the rules, finds each value and
 * each section where the parser says that it stands, and no other one.  The
 * outcome is the same a second time, with other line ends, and whatever the
 * options of inih say that every library of a process may set.  Without memory
 * nothing was added either.
 */
#include "fuzz.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "store/conf.h"

#define NEXT_FILE "\n--- next file\n"
#define FILES_MAX 3
#define SIZE_MAX_ (64u << 10)

/* One text of the set.  An array ends with one whose file is NULL. */
struct source {
	const char *file;
	char *text;
	size_t size;
};

/* One line of a text, without its end. */
struct line {
	const char *start;
	size_t length;
};

static void
split(struct source *sources, const char *data, size_t size)
{
	static const char *const files[FILES_MAX] = {
		"svc.ini", "svc.d/10-a.ini", "svc.d/20-b.ini",
	};
	const char *end = data + size;

	memset(sources, 0, sizeof(*sources) * (FILES_MAX + 1));
	for (size_t i = 0; i < FILES_MAX; i++) {
		const char *next = i + 1 == FILES_MAX || data == NULL ? NULL :
			memmem(data, (size_t)(end - data), NEXT_FILE,
			       strlen(NEXT_FILE));

		sources[i].file = files[i];
		/* The line before it keeps its newline. */
		sources[i].size = (size_t)((next == NULL ? end : next + 1) -
					   data);
		sources[i].text = fuzz_copy(data, sources[i].size);
		if (next == NULL)
			break;
		data = next + strlen(NEXT_FILE);
	}
}

static void
free_sources(struct source *sources)
{
	for (; sources->file != NULL; sources++)
		free(sources->text);
}

/* A text that was refused says why, and has added nothing. */
static void
check_refusal(const struct source *source, int result,
	      const struct flag_error *error, const struct conf *before,
	      const struct conf *conf)
{
	if (result == -FLAG_ENOMEM) {
		fuzz_check_error(error, FLAG_ENOMEM, error->file, 0);
	} else {
		FUZZ_CHECK(result == -FLAG_ECONFIG);
		FUZZ_CHECK(error->line > 0);
		fuzz_check_error(error, FLAG_ECONFIG, source->file,
				 fuzz_lines(source->text, source->size));
	}
	FUZZ_CHECK(conf->count == before->count);
	FUZZ_CHECK(conf->skipped_count == before->skipped_count);
	FUZZ_CHECK(conf->files == before->files);
	FUZZ_CHECK(conf->digest == before->digest);
}

/* Adds all; a refused text ends it.  Returns the result. */
static int
parse_all(struct conf *conf, const struct source *source)
{
	*conf = (struct conf){ 0 };
	for (bool dropin = false; source->file != NULL; source++) {
		struct conf before = *conf;
		struct flag_error error = { 0 };
		int result = flagp_conf_parse(conf, source->file, dropin,
					      source->text, source->size,
					      &error);

		if (result < 0) {
			check_refusal(source, result, &error, &before, conf);
			return result;
		}
		FUZZ_CHECK(conf->files == before.files + 1);
		FUZZ_CHECK(conf->digest != 0);
		dropin = true;
	}
	return 0;
}

/* --- the second reader ---------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
next_line(struct line *line, const char **at, const char *end)
{
	const char *newline;

	if (*at == end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	line->start = *at;
	line->length = (size_t)((newline == NULL ? end : newline) - *at);
	*at = newline == NULL ? end : newline + 1;
	if (newline != NULL && line->length > 0 && newline[-1] == '\r')
		line->length--;
	return true;
}

/* Without a comment behind it, and blanks. */
static struct line
without_comment(struct line line)
{
	size_t end = 0;

	while (end < line.length &&
	       !(end > 0 && line.start[end] == ';' &&
		 is_blank(line.start[end - 1])))
		end++;
	while (end > 0 && is_blank(line.start[end - 1]))
		end--;
	line.length = end;
	return line;
}

static bool
is_data(struct line line)
{
	size_t i = 0;

	while (i < line.length && is_blank(line.start[i]))
		i++;
	return i < line.length && line.start[i] != ';' && line.start[i] != '#';
}

/* Takes word off the front of a line, and the blanks behind it. */
static bool
take(struct line *line, const char *word)
{
	size_t size = strlen(word);

	if (line->length < size || memcmp(line->start, word, size) != 0)
		return false;
	while (size < line->length && is_blank(line->start[size]))
		size++;
	line->start += size;
	line->length -= size;
	return true;
}

static bool
is_foreign(const char *name)
{
	static const char *const names[] = {
		"service", "breaker", "record", "ripcord",
	};

	for (size_t i = 0; i < FLAGP_COUNT(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strchr(name, ':') != NULL;
}

/* What the second reader has found in all files. */
struct tally {
	const struct conf *conf;
	size_t values, skipped;
	char section[FLAGP_NAME_SIZE];
	const char *file;
	unsigned line;
	bool dropin;
};

static void
check_section(struct tally *tally, struct line line)
{
	const struct conf *conf = tally->conf;
	bool listed = false;

	FUZZ_CHECK(line.length >= 3 && line.start[line.length - 1] == ']');
	FUZZ_CHECK(line.length - 2 <= FLAGP_NAME_MAX);
	memcpy(tally->section, line.start + 1, line.length - 2);
	tally->section[line.length - 2] = '\0';
	for (size_t i = 0; i < conf->skipped_count; i++)
		listed = listed ||
			 (conf->skipped[i].line == tally->line &&
			  strcmp(conf->skipped[i].file, tally->file) == 0 &&
			  strcmp(conf->skipped[i].section,
				 tally->section) == 0);
	FUZZ_CHECK(listed == is_foreign(tally->section));
	FUZZ_CHECK(listed || flagp_text_is_name(tally->section));
	tally->skipped += listed;
}

/* The value that stands in this very line, once. */
static const struct conf_value *
value_of(const struct tally *tally)
{
	const struct conf_value *found = NULL;

	for (size_t i = 0; i < tally->conf->count; i++) {
		const struct conf_value *value = &tally->conf->values[i];

		if (value->line != tally->line ||
		    strcmp(value->file, tally->file) != 0)
			continue;
		FUZZ_CHECK(found == NULL);
		found = value;
	}
	return found;
}

static bool
is_word(struct line line, const char *word)
{
	return line.length == strlen(word) &&
	       memcmp(line.start, word, line.length) == 0;
}

/* line: what stands behind "state =". */
static void
check_state(const struct conf_value *value, struct line line)
{
	char text[CONF_LINE_LIMIT + 1], *end;
	long double share;

	FUZZ_CHECK(value->text == NULL);
	if (is_word(line, "on") || is_word(line, "off")) {
		FUZZ_CHECK(value->share == (is_word(line, "on") ?
					    FLAGP_SHARE_ALL : 0));
		return;
	}
	memcpy(text, line.start, line.length);
	text[line.length] = '\0';
	FUZZ_CHECK(text[strspn(text, "0123456789.%")] == '\0');
	share = strtold(text, &end) * 1000;
	FUZZ_CHECK(strcmp(end, "%") == 0);
	FUZZ_CHECK(share >= 0 && share <= FLAGP_SHARE_ALL);
	FUZZ_CHECK((uint32_t)lroundl(share) == value->share);
	FUZZ_CHECK(fabsl(share - lroundl(share)) < 1e-6L);
}

/* line: what stands behind "value =". */
static void
check_value(const struct conf_value *value, struct line line)
{
	FUZZ_CHECK(value->text != NULL && value->share == FLAGP_SHARE_NONE);
	FUZZ_CHECK(is_word(line, value->text));
}

static void
check_pair(struct tally *tally, struct line line)
{
	const struct conf_value *value = value_of(tally);

	FUZZ_CHECK(tally->section[0] != '\0');
	if (is_foreign(tally->section)) {
		FUZZ_CHECK(value == NULL);
		return;
	}
	if (take(&line, "bucket")) {
		FUZZ_CHECK(value == NULL);
		FUZZ_CHECK(take(&line, "=") && is_word(line, "flagd2"));
		return;
	}
	FUZZ_CHECK(value != NULL);
	FUZZ_CHECK(strcmp(tally->section, "defaults") != 0);
	FUZZ_CHECK(strcmp(value->flag, tally->section) == 0);
	FUZZ_CHECK(value->dropin == tally->dropin);
	if (take(&line, "state")) {
		FUZZ_CHECK(take(&line, "="));
		check_state(value, line);
	} else {
		FUZZ_CHECK(take(&line, "value") && take(&line, "="));
		check_value(value, line);
	}
	tally->values++;
}

static void
check_line(struct tally *tally, struct line line)
{
	for (size_t i = 0; i < line.length; i++)
		FUZZ_CHECK(((unsigned char)line.start[i] >= 0x20 &&
			    line.start[i] != 0x7f) || line.start[i] == '\t');
	FUZZ_CHECK(memmem(line.start, line.length, "\xef\xbb\xbf", 3) == NULL);
	if (!is_data(line))
		return;
	FUZZ_CHECK(line.length <= CONF_LINE_LIMIT);
	FUZZ_CHECK(!is_blank(line.start[0]));
	line = without_comment(line);
	for (size_t i = 0; i < line.length; i++)
		FUZZ_CHECK((unsigned char)line.start[i] < 0x80);
	if (line.start[0] == '[')
		check_section(tally, line);
	else
		check_pair(tally, line);
}

static void
check_against_texts(const struct conf *conf, const struct source *source)
{
	struct tally tally = { .conf = conf };

	for (; source->file != NULL; source++) {
		const char *at = source->text, *end = at + source->size;
		struct line line;

		tally.section[0] = '\0';
		tally.file = source->file;
		tally.line = 0;
		if (source->size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
			at += 3;
		while (next_line(&line, &at, end)) {
			tally.line++;
			check_line(&tally, line);
		}
		tally.dropin = true;
	}
	FUZZ_CHECK(tally.values == conf->count);
	FUZZ_CHECK(tally.skipped == conf->skipped_count);
}

/* By flag, then as read; the first and the last one of a flag are found. */
static void
check_order(const struct conf *conf)
{
	size_t first = 0;

	for (size_t i = 0; i < conf->count; i++) {
		const char *flag = conf->values[i].flag;
		int order = i == 0 ? 1 : strcmp(flag, conf->values[i - 1].flag);

		FUZZ_CHECK(order >= 0);
		if (order > 0)
			first = i;
		else
			FUZZ_CHECK(strcmp(conf->values[i - 1].file,
					  conf->values[i].file) != 0 &&
				   conf->values[i].dropin);
		FUZZ_CHECK(flagp_conf_first(conf, flag) ==
			   &conf->values[first]);
		FUZZ_CHECK(conf->values[i].again == (order == 0));
		for (size_t guess = 0; guess <= i + 1; guess += i + 1)
			FUZZ_CHECK(flagp_conf_first_at(conf, guess, flag) ==
				   &conf->values[first]);
		FUZZ_CHECK(flagp_conf_last(conf, flag) >= &conf->values[i]);
	}
	FUZZ_CHECK(flagp_conf_first(conf, "no.such.flag/") == NULL);
	FUZZ_CHECK(flagp_conf_last(conf, "") == NULL);
}

static void
check_same(const struct conf *a, const struct conf *b)
{
	FUZZ_CHECK(a->files == b->files);
	FUZZ_CHECK(a->count == b->count);
	FUZZ_CHECK(a->skipped_count == b->skipped_count);
	for (size_t i = 0; i < a->count; i++) {
		const struct conf_value *x = &a->values[i];
		const struct conf_value *y = &b->values[i];

		FUZZ_CHECK(strcmp(x->flag, y->flag) == 0);
		FUZZ_CHECK(strcmp(x->file, y->file) == 0);
		FUZZ_CHECK(x->line == y->line);
		FUZZ_CHECK(x->share == y->share);
		FUZZ_CHECK(x->dropin == y->dropin);
		FUZZ_CHECK((x->text == NULL) == (y->text == NULL));
		FUZZ_CHECK(x->text == NULL || strcmp(x->text, y->text) == 0);
	}
}

/* --- the same in other circumstances -------------------------------------- */

extern bool ini_allow_bom __attribute__((weak));
extern bool ini_allow_inline_comments __attribute__((weak));
extern bool ini_allow_multiline __attribute__((weak));
extern bool ini_allow_no_value __attribute__((weak));
extern bool ini_allow_realloc __attribute__((weak));
extern bool ini_stop_on_first_error __attribute__((weak));
extern bool ini_use_stack __attribute__((weak));
extern int ini_initial_alloc __attribute__((weak));
extern int ini_max_line __attribute__((weak));
extern char *ini_inline_comment_prefixes __attribute__((weak));
extern char *ini_start_comment_prefixes __attribute__((weak));

/* Some builds of inih have no such options: nothing to turn. */
#define TURN(option, value) \
	do { \
		if (&(option) != NULL) \
			(option) = (value); \
	} while (0)

static void
set_inih(unsigned bits, int room, char *prefixes)
{
	TURN(ini_allow_bom, bits & 1);
	TURN(ini_allow_inline_comments, bits >> 1 & 1);
	TURN(ini_allow_multiline, bits >> 2 & 1);
	TURN(ini_allow_no_value, bits >> 3 & 1);
	TURN(ini_allow_realloc, bits >> 4 & 1);
	TURN(ini_stop_on_first_error, bits >> 5 & 1);
	TURN(ini_use_stack, bits >> 6 & 1);
	TURN(ini_initial_alloc, room);
	TURN(ini_max_line, room);
	TURN(ini_inline_comment_prefixes, prefixes);
	TURN(ini_start_comment_prefixes, prefixes);
}

/* inih as Debian builds it, but for what bits and the others say. */
static void
parse_with(struct conf *conf, const struct source *sources, uint64_t hash)
{
	static const int rooms[] = { 0, 1, 191, 192, 193, 200, 4096, 1 << 30 };
	static char *const prefixes[] = { ";", ";#", "", "s", "=", NULL };

	set_inih((unsigned)(hash >> 8) & 127,
		 rooms[(hash >> 16) % FLAGP_COUNT(rooms)],
		 prefixes[(hash >> 24) % FLAGP_COUNT(prefixes)]);
	parse_all(conf, sources);
	set_inih(1 | 2 | 4 | 64, 200, ";");
}

/* With CR LF for each LF; the same lines.  False: a CR is there already. */
static bool
with_returns(struct source *copy, const struct source *source)
{
	memset(copy, 0, sizeof(*copy) * (FILES_MAX + 1));
	for (; source->file != NULL; source++, copy++) {
		size_t size = source->size;

		if (size > 0 && memchr(source->text, '\r', size) != NULL)
			return false;
		copy->file = source->file;
		copy->text = malloc(size * 2 + 1);
		FUZZ_CHECK(copy->text != NULL);
		for (size_t i = 0; i < size; i++) {
			if (source->text[i] == '\n')
				copy->text[copy->size++] = '\r';
			copy->text[copy->size++] = source->text[i];
		}
	}
	return true;
}

static void
check_starved(const struct conf *conf, const struct source *sources,
	      uint64_t hash)
{
	struct conf again;
	int result;

	fuzz_starve((unsigned)(hash % 12));
	result = parse_all(&again, sources);
	if (fuzz_fed())
		FUZZ_CHECK(result == -FLAG_ENOMEM);
	else
		check_same(conf, &again);
	flagp_conf_free(&again);
}

bool
fuzz_conf(const uint8_t *data, size_t size)
{
	struct source sources[FILES_MAX + 1], returns[FILES_MAX + 1];
	struct conf conf, again;
	uint64_t hash = fuzz_hash(data, size);
	bool accepted;

	if (size > SIZE_MAX_)
		return false;
	split(sources, (const char *)data, size);
	accepted = parse_all(&conf, sources) == 0;
	if (accepted) {
		check_against_texts(&conf, sources);
		check_order(&conf);
	}
	parse_with(&again, sources, hash);
	check_same(&conf, &again);
	FUZZ_CHECK(conf.digest == again.digest);
	flagp_conf_free(&again);
	check_starved(&conf, sources, hash);
	if (with_returns(returns, sources)) {
		parse_all(&again, returns);
		check_same(&conf, &again);
		flagp_conf_free(&again);
	}
	free_sources(returns);
	flagp_conf_free(&conf);
	FUZZ_CHECK(conf.memory == NULL && conf.count == 0);
	free_sources(sources);
	return accepted;
}

FUZZ_TARGET(fuzz_conf)
