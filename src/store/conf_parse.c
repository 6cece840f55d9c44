/* SPDX-License-Identifier: MIT */
/*
 * conf_parse.c - see conf_parse.h.
 *
 * Our reader checks each line, and takes a section's itself: it has to look at
 * each character of the name anyway, and inih would do so several times.  A
 * pair it hands to inih in its plainest form; inih splits it.
 *
 * Some builds of inih keep their options in variables that every library of
 * the process may write.  So inih is believed only where it gives back what
 * the reader saw, and what it leaves out is taken from the reader: the outcome
 * is the same whatever those variables say.
 */
#include "store/conf_parse.h"

#include <ini.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/text.h"
#include "base/value.h"
#include "store/conf_line.h"

/* The longest line that we hand over, with newline and NUL. */
#define HANDED_SIZE (CONF_LINE_LIMIT + 2)
/* The largest buffer that we let inih make for a line. */
#define BUFFER_LIMIT 4096
/* Half of what a short section takes in a text, its keys with it: a guess. */
#define SECTION_SIZE 16u

/* The options that can make inih crash; absent (NULL) in other builds. */
extern int ini_initial_alloc __attribute__((weak));
extern int ini_max_line __attribute__((weak));
extern char *ini_start_comment_prefixes __attribute__((weak));
extern char *ini_inline_comment_prefixes __attribute__((weak));

enum key { KEY_STATE, KEY_VALUE, KEY_BUCKET, KEY_COUNT };

static const char *const known_keys[KEY_COUNT] = {
	[KEY_STATE] = "state",
	[KEY_VALUE] = "value",
	[KEY_BUCKET] = "bucket",
};

static const char *const later_keys[] = {
	"guard", "guard_action", "guard_alpha", "guard_interval",
	"guard_warmup", "guard_min_calls", "guard_holdback", "ramp",
	"breaker", "quiesce", "owner",
};

/* The one way to choose keys; the line keeps its meaning when there are
 * others. */
#define BUCKET_ALGORITHM "flagd2"

enum section_kind {
	SECTION_FLAG,			/* a flag, or a tunable */
	SECTION_DEFAULTS,		/* for every flag that does not say */
	SECTION_OTHER			/* for other readers: skipped */
};

struct conf_block {
	struct conf_block *next;
	size_t used, room;
	alignas(unsigned) char bytes[];
};

/* The file name of a value stands in one of these: it tells when it was
 * read, which keeps the values of one flag in order. */
struct source {
	unsigned order;
	char name[];
};

/* A section of the file at hand, to find it again. */
struct heading {
	const char *name;		/* NULL: free */
	uint32_t hash;
	unsigned line;
};

struct headings {
	struct heading *slots;
	size_t count, room;		/* room: 0 or a power of two */
};

/* One text on its way into a conf. */
struct parse {
	struct conf *conf;
	const char *file;		/* a source's name */
	bool dropin;
	struct flag_error *error;
	int result;			/* 0 while all is well */
	struct conf_lines lines;
	struct conf_line line;
	bool pending;			/* line is a pair, not yet taken */
	const char *key, *value;	/* of the pair that is being taken */
	const char *section;		/* NULL before the first */
	enum section_kind kind;
	unsigned key_lines[KEY_COUNT];	/* of this section; 0: none yet */
	struct headings seen;
	size_t size;			/* of the text */
};

int
flagp_conf_prepare(struct conf *conf, struct flag_error *error)
{
	if (conf->memory == NULL)
		conf->memory = calloc(1, sizeof(struct conf_memory));
	if (conf->memory == NULL)
		return flagp_error_set(error, FLAG_ENOMEM, NULL, 0,
				       "out of memory");
	return 0;
}

void
flagp_conf_release(struct conf *conf)
{
	struct conf_memory *memory = conf->memory;

	if (memory == NULL)
		return;
	while (memory->blocks != NULL) {
		struct conf_block *next = memory->blocks->next;

		free(memory->blocks);
		memory->blocks = next;
	}
	free(conf->values);
	free(conf->skipped);
	free(memory);
	memset(conf, 0, sizeof(*conf));
}

/* Bytes that live as long as the set, aligned for struct source. */
static void *
allocate(struct conf_memory *memory, size_t size)
{
	struct conf_block *block = memory->blocks;
	size_t room = block == NULL ? 512 : block->room * 2;
	void *bytes;

	size = (size + alignof(unsigned) - 1) & ~(alignof(unsigned) - 1);
	if (block == NULL || block->room - block->used < size) {
		if (room > 65536)
			room = 65536;
		if (room < size)
			room = size;
		block = malloc(sizeof(*block) + room);
		if (block == NULL)
			return NULL;
		block->next = memory->blocks;
		block->used = 0;
		block->room = room;
		memory->blocks = block;
	}
	bytes = block->bytes + block->used;
	block->used += size;
	return bytes;
}

char *
flagp_conf_keep(struct conf *conf, const char *text, size_t size)
{
	char *copy = allocate(conf->memory, size + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

/* Makes room for one more of count items; room is kept beside the array. */
static void *
grow(void *array, size_t count, size_t *room, size_t item)
{
	size_t wanted = *room == 0 ? 16 : *room * 2;
	void *grown;

	if (count < *room)
		return array;
	grown = realloc(array, wanted * item);
	if (grown != NULL)
		*room = wanted;
	return grown;
}

static int
out_of_memory(struct parse *parse)
{
	return flagp_error_set(parse->error, FLAG_ENOMEM, parse->file, 0,
			       "out of memory");
}

/* The slot of name, or the free one where it belongs. */
static struct heading *
seen_slot(const struct headings *seen, const char *name, uint32_t hash)
{
	size_t i = hash & (seen->room - 1);

	while (seen->slots[i].name != NULL &&
	       (seen->slots[i].hash != hash ||
		strcmp(seen->slots[i].name, name) != 0))
		i = (i + 1) & (seen->room - 1);
	return &seen->slots[i];
}

/* Keeps at least half of the slots free.  size: of the text, for the first
 * guess.  false: out of memory. */
static bool
seen_grow(struct headings *seen, size_t size)
{
	struct headings grown = { NULL, seen->count, seen->room * 2 };

	if (seen->count < seen->room / 2)
		return true;
	if (grown.room == 0)
		for (grown.room = 64; grown.room < size / SECTION_SIZE;)
			grown.room *= 2;
	grown.slots = calloc(grown.room, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return false;
	for (size_t i = 0; i < seen->room; i++) {
		const struct heading *old = &seen->slots[i];

		if (old->name != NULL)
			*seen_slot(&grown, old->name, old->hash) = *old;
	}
	free(seen->slots);
	*seen = grown;
	return true;
}

static bool
is_among(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (word[0] == words[i][0] && strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static int
add_skipped(struct parse *parse)
{
	struct conf *conf = parse->conf;
	struct conf_memory *memory = conf->memory;
	struct conf_skipped *grown = grow(conf->skipped, conf->skipped_count,
					  &memory->skipped_room,
					  sizeof(*conf->skipped));

	if (grown == NULL)
		return out_of_memory(parse);
	conf->skipped = grown;
	conf->skipped[conf->skipped_count++] = (struct conf_skipped){
		parse->section, parse->file, parse->line.number };
	return 0;
}

static int
enter_section(struct parse *parse)
{
	const char *name = parse->line.name;
	size_t size = strlen(name) + 1;
	uint64_t hash = flagp_text_digest(FLAGP_FNV_START, name, size);
	struct heading *heading;
	char *copy;

	if (!seen_grow(&parse->seen, parse->size))
		return out_of_memory(parse);
	heading = seen_slot(&parse->seen, name, (uint32_t)hash);
	if (heading->name != NULL)
		return flagp_error_set(parse->error, FLAG_ECONFIG, parse->file,
				       parse->line.number,
				       "[%s]: section stands in line %u "
				       "already; put its keys together",
				       name, heading->line);
	copy = flagp_conf_keep(parse->conf, name, size - 1);
	if (copy == NULL)
		return out_of_memory(parse);
	*heading = (struct heading){ copy, (uint32_t)hash,
				     parse->line.number };
	parse->seen.count++;
	parse->section = copy;
	memset(parse->key_lines, 0, sizeof(parse->key_lines));
	parse->kind = SECTION_FLAG;
	if (flagp_text_is_reserved(name))
		parse->kind = strcmp(name, "defaults") == 0 ?
				      SECTION_DEFAULTS : SECTION_OTHER;
	else if (strchr(name, ':') != NULL)
		parse->kind = SECTION_OTHER;
	return parse->kind == SECTION_OTHER ? add_skipped(parse) : 0;
}

/* "[section] key = value: " and the text. */
static int
refuse(struct parse *parse, const char *text, const char *word)
{
	return flagp_error_set(parse->error, FLAG_ECONFIG, parse->file,
			       parse->line.number, "[%s] %s = %s: %s%s%s",
			       parse->section, parse->key, parse->value, text,
			       word == NULL ? "" : word,
			       word == NULL ? "" : "?");
}

static int
refuse_key(struct parse *parse)
{
	const char *key = parse->key, *nearest;

	if (is_among(key, later_keys, FLAGP_COUNT(later_keys)))
		return refuse(parse, "not in this version", NULL);
	nearest = flagp_text_nearest(key, known_keys, KEY_COUNT);
	if (nearest == NULL)
		return refuse(parse, "unknown key; use state, value or bucket",
			      NULL);
	return refuse(parse, "unknown key; did you mean ", nearest);
}

bool
flagp_conf_append(struct conf *conf, const struct conf_value *value)
{
	struct conf_memory *memory = conf->memory;
	struct conf_value *grown = grow(conf->values, conf->count,
					&memory->values_room,
					sizeof(*conf->values));

	if (grown == NULL)
		return false;
	conf->values = grown;
	conf->values[conf->count++] = *value;
	return true;
}

static int
add_value(struct parse *parse, uint32_t share, const char *text)
{
	struct conf_value value = {
		.flag = parse->section, .file = parse->file, .text = text,
		.line = parse->line.number, .share = share,
		.dropin = parse->dropin,
	};

	return flagp_conf_append(parse->conf, &value) ? 0 :
							out_of_memory(parse);
}

static int
take_state(struct parse *parse)
{
	uint32_t share;

	if (!flagp_value_state(parse->value, &share))
		return refuse(parse, "not a state; use on, off or 0% to 100% "
			      "in steps of 0.001%", NULL);
	return add_value(parse, share, NULL);
}

/* What type it has is known where the flags are: checked there. */
static int
take_value(struct parse *parse)
{
	const char *copy = flagp_conf_keep(parse->conf, parse->value,
					   strlen(parse->value));

	if (copy == NULL)
		return out_of_memory(parse);
	return add_value(parse, FLAGP_SHARE_NONE, copy);
}

static int
take_bucket(struct parse *parse)
{
	if (strcmp(parse->value, BUCKET_ALGORITHM) != 0)
		return refuse(parse, "no such way to choose keys; use "
			      BUCKET_ALGORITHM, NULL);
	return 0;
}

/* The number of a key, or KEY_COUNT. */
static enum key
key_of(const char *word)
{
	int key = 0;

	while (key < KEY_COUNT && strcmp(word, known_keys[key]) != 0)
		key++;
	return (enum key)key;
}

static int
refuse_again(struct parse *parse, enum key there)
{
	const char *what = strcmp(parse->key, known_keys[there]) == 0 ?
		"already; keep one of the two" :
		"already; a section is a flag or a tunable: keep one of the "
		"two";

	return flagp_error_set(parse->error, FLAG_ECONFIG, parse->file,
			       parse->line.number,
			       "[%s] %s = %s: %s stands in line %u %s",
			       parse->section, parse->key, parse->value,
			       known_keys[there], parse->key_lines[there],
			       what);
}

/* A key of a flag's section, or of [defaults]. */
static int
take_key(struct parse *parse, enum key key)
{
	unsigned *lines = parse->key_lines;

	if (parse->kind == SECTION_DEFAULTS && key != KEY_BUCKET)
		return refuse(parse, "belongs to one flag; write it in the "
			      "section of that flag", NULL);
	if (lines[key] != 0)
		return refuse_again(parse, key);
	if (key == KEY_STATE && lines[KEY_VALUE] != 0)
		return refuse_again(parse, KEY_VALUE);
	if (key == KEY_VALUE && lines[KEY_STATE] != 0)
		return refuse_again(parse, KEY_STATE);
	lines[key] = parse->line.number;
	switch (key) {
	case KEY_STATE:
		return take_state(parse);
	case KEY_VALUE:
		return take_value(parse);
	default:
		return take_bucket(parse);
	}
}

/* Takes the pair of the line at hand, as inih or our reader split it. */
static int
take_pair(struct parse *parse, const char *key, const char *value)
{
	enum key number;

	parse->pending = false;
	parse->key = key;
	parse->value = value;
	if (parse->kind == SECTION_OTHER)
		return 0;
	number = key_of(key);
	return number == KEY_COUNT ? refuse_key(parse) :
				     take_key(parse, number);
}

static int
accept_line(struct parse *parse)
{
	if (parse->line.kind == CONF_LINE_SECTION)
		return enter_section(parse);
	if (parse->section == NULL)
		return flagp_error_set(parse->error, FLAG_ECONFIG, parse->file,
				       parse->line.number,
				       "%s = %s: key before any section; write "
				       "[name] above it", parse->line.name,
				       parse->line.value);
	parse->pending = true;
	return 0;
}

/* Takes the last line, if inih did not, and reads the next one. */
static bool
advance(struct parse *parse)
{
	int more;

	if (parse->result == 0 && parse->pending)
		parse->result = take_pair(parse, parse->line.name,
					  parse->line.value);
	if (parse->result < 0)
		return false;
	more = flagp_conf_lines_next(&parse->lines, &parse->line,
				     parse->error);
	if (more <= 0) {
		parse->result = more;
		return false;
	}
	parse->result = accept_line(parse);
	return parse->result == 0;
}

/* inih asks for a line: our next pair, without any blank that we can spare. */
static char *
hand_line(char *buffer, int room, void *data)
{
	struct parse *parse = data;
	char *end;

	if (room < (int)HANDED_SIZE)
		return NULL;
	do
		if (!advance(parse))
			return NULL;
	while (parse->line.kind == CONF_LINE_SECTION);
	end = stpcpy(buffer, parse->line.name);
	*end++ = '=';
	end = stpcpy(end, parse->line.value);
	strcpy(end, "\n");
	return buffer;
}

/* inih has split a line. */
static int
receive_pair(void *data, const char *section, const char *name,
	     const char *value)
{
	struct parse *parse = data;

	(void)section;
	if (parse->result == 0 && value != NULL && parse->pending &&
	    strcmp(name, parse->line.name) == 0 &&
	    strcmp(value, parse->line.value) == 0)
		parse->result = take_pair(parse, name, value);
	return 1;
}

static bool
is_buffer_size(const int *size)
{
	return size == NULL ||
	       (*size >= (int)HANDED_SIZE && *size <= BUFFER_LIMIT);
}

/* Whether inih, as somebody in this process may have set it, can be called:
 * it follows the pointers, and takes the sizes for a buffer, unchecked. */
static bool
can_call_inih(void)
{
	char **start = &ini_start_comment_prefixes;
	char **behind = &ini_inline_comment_prefixes;

	return (start == NULL || *start != NULL) &&
	       (behind == NULL || *behind != NULL) &&
	       is_buffer_size(&ini_max_line) &&
	       is_buffer_size(&ini_initial_alloc);
}

static uint64_t
add_digest(const struct conf *conf, const char *file, const char *text,
	   size_t size)
{
	uint64_t digest = conf->files == 0 ? FLAGP_FNV_START : conf->digest;
	uint64_t length = size;

	digest = flagp_text_hash(digest, file, strlen(file) + 1);
	digest = flagp_text_hash(digest, &length, sizeof(length));
	if (size > 0)
		digest = flagp_text_digest(digest, text, size);
	return digest == 0 ? 1 : digest;	/* 0 means: no file */
}

const char *
flagp_conf_source(struct conf *conf, const char *file)
{
	size_t size = strlen(file) + 1;
	struct source *source = allocate(conf->memory,
					 sizeof(*source) + size);

	if (source == NULL)
		return NULL;
	source->order = conf->files;
	memcpy(source->name, file, size);
	return source->name;
}

/* Reads all lines, with inih or, where that stops early, without. */
static int
read_lines(struct parse *parse)
{
	if (can_call_inih())
		ini_parse_stream(hand_line, parse, receive_pair, parse);
	while (advance(parse))
		;
	free(parse->seen.slots);
	return parse->result;
}

int
flagp_conf_add(struct conf *conf, const char *file, bool dropin,
	       const char *text, size_t size, struct flag_error *error)
{
	struct parse parse = { .conf = conf, .dropin = dropin,
			       .error = error, .size = size };
	size_t count = conf->count, skipped_count = conf->skipped_count;
	int result = flagp_conf_prepare(conf, error);

	if (result < 0)
		return result;
	parse.file = flagp_conf_source(conf, file);
	if (parse.file == NULL)
		return out_of_memory(&parse);
	result = flagp_conf_lines_start(&parse.lines, parse.file, text, size,
					error);
	if (result == 0)
		result = read_lines(&parse);
	if (result < 0) {
		conf->count = count;
		conf->skipped_count = skipped_count;
		return result;
	}
	conf->digest = add_digest(conf, file, text, size);
	conf->files++;
	return 0;
}

static unsigned
source_order(const struct conf_value *value)
{
	const void *source = value->file - offsetof(struct source, name);

	return ((const struct source *)source)->order;
}

static int
compare_values(const void *left, const void *right)
{
	const struct conf_value *a = left, *b = right;
	int order = strcmp(a->flag, b->flag);
	unsigned first, second;

	if (order != 0)
		return order;
	first = source_order(a);	/* one file has a flag once only */
	second = source_order(b);
	return (first > second) - (first < second);
}

static bool
is_sorted(const struct conf *conf)
{
	for (size_t i = 1; i < conf->count; i++)
		if (compare_values(&conf->values[i - 1], &conf->values[i]) > 0)
			return false;
	return true;
}

/* Many are sorted: what a program writes, one file that people keep so. */
void
flagp_conf_sort(struct conf *conf)
{
	if (!is_sorted(conf))
		qsort(conf->values, conf->count, sizeof(*conf->values),
		      compare_values);
	for (size_t i = 1; conf->files > 1 && i < conf->count; i++)
		conf->values[i].again = strcmp(conf->values[i].flag,
					       conf->values[i - 1].flag) == 0;
}
