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

static const char *const reserved_sections[] = {
	"service", "defaults", "breaker", "record", "ripcord",
};

static const char *const known_keys[] = { "state" };

static const char *const later_keys[] = {
	"bucket", "guard", "guard_action", "guard_alpha", "guard_interval",
	"guard_warmup", "guard_min_calls", "guard_holdback", "ramp",
	"breaker", "value", "quiesce", "owner",
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
	bool skipping;			/* the section is not ours */
	unsigned state_line;		/* of this section; 0: none yet */
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
	copy = allocate(parse->conf->memory, size);
	if (copy == NULL)
		return out_of_memory(parse);
	memcpy(copy, name, size);
	*heading = (struct heading){ copy, (uint32_t)hash,
				     parse->line.number };
	parse->seen.count++;
	parse->section = copy;
	parse->state_line = 0;
	parse->skipping = strchr(name, ':') != NULL ||
			  is_among(name, reserved_sections,
				   FLAGP_COUNT(reserved_sections));
	return parse->skipping ? add_skipped(parse) : 0;
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
	nearest = flagp_text_nearest(key, known_keys, FLAGP_COUNT(known_keys));
	if (nearest == NULL)
		return refuse(parse, "unknown key; use state", NULL);
	return refuse(parse, "unknown key; did you mean ", nearest);
}

/* Whether a value is written as a share: "25%", "0.5%". */
static bool
is_percentage(const char *value)
{
	size_t digits = strspn(value, "0123456789.");

	return digits > 0 && value[0] != '.' &&
	       strcmp(value + digits, "%") == 0;
}

static int
read_state(struct parse *parse, uint32_t *share)
{
	const char *value = parse->value;

	if (strcmp(value, "on") == 0)
		*share = FLAGP_SHARE_ALL;
	else if (strcmp(value, "off") == 0)
		*share = 0;
	else if (is_percentage(value))
		return refuse(parse, "not in this version; use on or off",
			      NULL);
	else
		return refuse(parse, "not a state; use on or off", NULL);
	return 0;
}

static int
add_value(struct parse *parse, uint32_t share)
{
	struct conf *conf = parse->conf;
	struct conf_memory *memory = conf->memory;
	struct conf_value *grown = grow(conf->values, conf->count,
					&memory->values_room,
					sizeof(*conf->values));

	if (grown == NULL)
		return out_of_memory(parse);
	conf->values = grown;
	conf->values[conf->count++] = (struct conf_value){
		parse->section, parse->file, parse->line.number, share,
		parse->dropin, false };
	parse->state_line = parse->line.number;
	return 0;
}

/* Takes the pair of the line at hand, as inih or our reader split it. */
static int
take_pair(struct parse *parse, const char *key, const char *value)
{
	uint32_t share = 0;
	int result;

	parse->pending = false;
	parse->key = key;
	parse->value = value;
	if (parse->skipping)
		return 0;
	if (strcmp(key, "state") != 0)
		return refuse_key(parse);
	if (parse->state_line != 0)
		return flagp_error_set(parse->error, FLAG_ECONFIG, parse->file,
				       parse->line.number,
				       "[%s] state = %s: state stands in line "
				       "%u already", parse->section, value,
				       parse->state_line);
	result = read_state(parse, &share);
	return result < 0 ? result : add_value(parse, share);
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

static struct source *
make_source(struct conf *conf, const char *file)
{
	size_t size = strlen(file) + 1;
	struct source *source = allocate(conf->memory,
					 sizeof(*source) + size);

	if (source == NULL)
		return NULL;
	source->order = conf->files;
	memcpy(source->name, file, size);
	return source;
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
	struct source *source;
	int result = flagp_conf_prepare(conf, error);

	if (result < 0)
		return result;
	source = make_source(conf, file);
	if (source == NULL)
		return out_of_memory(&parse);
	parse.file = source->name;
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
