/* SPDX-License-Identifier: MIT */
/*
 * record.c - see record.h.
 *
 * The words of a line are one table a line kind: key, form, where it goes.
 * Reading, writing and the text of a refusal all come from it.
 *
 * What is read may be hostile: the service may write trips, and a compromised
 * one does.  Nothing is believed before the checksum agrees, and nothing is
 * accepted that flagp_record_format() would not write.
 */
#include "store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "store/words.h"

#define VERSION 1u
#define VERSION_MAX 999999u
#define RECORDS_MAX 65536u
#define PANIC_FILE_LIMIT 4096u
#define PANIC_MAGIC "ripcord PANIC 1"

/* --- the words of each kind of line ------------------------------------ */

/* The state of a record: a share, or removed. */
static bool
read_state(const char *word, void *value, size_t size)
{
	struct record *record = value;

	record->removed = strcmp(word, "removed") == 0;
	if (!record->removed)
		return flagp_words_share.read(word, &record->share, size);
	record->share = FLAGP_SHARE_NONE;
	return true;
}

static void
add_state(struct text *text, const char *key, const void *value)
{
	const struct record *record = value;

	if (record->removed)
		flagp_text_add(text, " %s=removed", key);
	else
		flagp_words_share.add(text, key, &record->share);
}

static const struct words_form form_state = {
	read_state, add_state, "on, off, removed or a percentage like 12.5%"
};

#define FIELD(key, form, type, member, required) \
	{ key, &form, offsetof(struct type, member), \
	  sizeof(((struct type *)0)->member), required }

#define AUTHOR_FIELDS(type) \
	FIELD("uid", flagp_words_user, type, author.uid, false), \
	FIELD("login", flagp_words_user, type, author.login_uid, false), \
	FIELD("pid", flagp_words_process, type, author.pid, false), \
	FIELD("user", flagp_words_text, type, author.user, false), \
	FIELD("tty", flagp_words_text, type, author.tty, false), \
	FIELD("reason", flagp_words_text, type, author.reason, false)

static const struct words_field record_fields[] = {
	{ "state", &form_state, 0, sizeof(struct record), true },
	FIELD("generation", flagp_words_generation, record, generation, true),
	FIELD("at", flagp_words_time, record, at, true),
	FIELD("until", flagp_words_end, record, until, false),
	FIELD("boot", flagp_words_text, record, boot, false),
	FIELD("base", flagp_words_share, record, base, false),
	AUTHOR_FIELDS(record)
};

static const struct words_field change_fields[] = {
	FIELD("at", flagp_words_time, record_change, at, true),
	FIELD("verb", flagp_words_text, record_change, verb, false),
	FIELD("flag", flagp_words_subject, record_change, flag, true),
	FIELD("count", flagp_words_count, record_change, count, false),
	FIELD("before", flagp_words_share, record_change, before, false),
	FIELD("after", flagp_words_share, record_change, after, false),
	AUTHOR_FIELDS(record_change)
};

static const struct words_field panic_fields[] = {
	FIELD("generation", flagp_words_generation, record_panic, generation,
	      true),
	FIELD("at", flagp_words_time, record_panic, at, true),
	AUTHOR_FIELDS(record_panic)
};

static const struct record_author nobody = {
	.uid = UINT32_MAX, .login_uid = UINT32_MAX
};

/* --- the parser -------------------------------------------------------- */

struct parser {
	struct record_file *file;
	struct words_place place;
	char *at, *end;			/* what is left of the text */
	unsigned records;		/* as the last line says */
	uint32_t crc;			/* the same */
	struct text unknown_lines;
};

#define REFUSE(parser, ...) \
	flagp_error_set((parser)->place.error, FLAG_ECONFIG, \
			(parser)->place.file, (parser)->place.line, \
			__VA_ARGS__)

static int
no_memory(const struct words_place *place)
{
	return flagp_error_set(place->error, FLAG_ENOMEM, place->file, 0,
			       "out of memory");
}

/* Cuts the next line off the text; NULL at its end. */
static char *
next_line(struct parser *parser)
{
	char *line = parser->at, *newline;

	if (line == parser->end)
		return NULL;
	newline = memchr(line, '\n', (size_t)(parser->end - line));
	*newline = '\0';
	parser->at = newline + 1;
	parser->place.line++;
	return line;
}

static const char *
kind_name(enum record_kind kind)
{
	return kind == RECORD_TRIPS ? RECORD_TRIPS_NAME :
				      RECORD_OVERRIDES_NAME;
}

/* "ripcord overrides 1" */
static int
parse_magic(struct parser *parser)
{
	const char *kind = kind_name(parser->file->kind);
	char *rest = next_line(parser), *ours, *its_kind, *version;
	uint64_t number;

	ours = flagp_words_next(&rest);
	its_kind = flagp_words_next(&rest);
	version = flagp_words_next(&rest);
	if (ours == NULL || strcmp(ours, "ripcord") != 0 || its_kind == NULL ||
	    strcmp(its_kind, kind) != 0 || version == NULL || rest != NULL ||
	    !flagp_words_number(version, VERSION_MAX, &number) || number == 0)
		return REFUSE(parser, "first line: \"ripcord %s %u\"", kind,
			      VERSION);
	parser->file->read_only = number > VERSION;
	return 0;
}

/* "generation 41" */
static int
parse_generation(struct parser *parser)
{
	char *rest = next_line(parser), *key, *value;

	key = flagp_words_next(&rest);
	value = flagp_words_next(&rest);
	if (key == NULL || strcmp(key, "generation") != 0 || value == NULL ||
	    rest != NULL ||
	    !flagp_words_generation.read(value, &parser->file->generation, 0))
		return REFUSE(parser, "second line: \"generation N\", %s",
			      flagp_words_generation.accepts);
	return 0;
}

/* "change 41 at=... verb=off ...": rest is what follows "change". */
static int
parse_change(struct parser *parser, char *rest)
{
	struct record_change *change = &parser->file->change;
	const struct words_target target = {
		change_fields, FLAGP_COUNT(change_fields), change, NULL
	};
	char *number = flagp_words_next(&rest);

	if (change->generation != 0)
		return REFUSE(parser, "change: only one such line");
	if (number == NULL ||
	    !flagp_words_generation.read(number, &change->generation, 0) ||
	    change->generation > parser->file->generation)
		return REFUSE(parser, "change %s: a generation up to %llu",
			      number != NULL ? number : "without number",
			      (unsigned long long)parser->file->generation);
	change->author = nobody;
	change->before = change->after = FLAGP_SHARE_NONE;
	return flagp_words_read(&target, rest, &parser->place);
}

/* Whether name stands where the order of flags has it. */
static bool
is_next(const struct record_file *file, const char *name)
{
	return file->count == 0 ||
	       strcmp(file->records[file->count - 1].flag, name) < 0;
}

/* "flag NAME state=off ...": rest is what follows "flag". */
static int
parse_flag(struct parser *parser, char *rest)
{
	struct record_file *file = parser->file;
	struct record *record = &file->records[file->count];
	struct text unknown = TEXT_INIT;
	const struct words_target target = {
		record_fields, FLAGP_COUNT(record_fields), record, &unknown
	};
	char *name = flagp_words_next(&rest);
	int code;

	if (file->count == parser->records)
		return REFUSE(parser, "more flags than the last line says: "
			      "%u", parser->records);
	if (!flagp_text_is_name(name))
		return REFUSE(parser, "flag \"%s\": a name",
			      name != NULL ? name : "");
	if (!is_next(file, name))
		return REFUSE(parser, "flag %s: each once, in byte order",
			      name);
	strcpy(record->flag, name);
	record->author = nobody;
	record->base = FLAGP_SHARE_NONE;
	code = flagp_words_read(&target, rest, &parser->place);
	record->unknown = unknown.data;
	file->count++;
	if (code == 0 && unknown.failed)
		return no_memory(&parser->place);
	if (code == 0 && record->generation > file->generation)
		return REFUSE(parser, "generation=%llu: at most that of the "
			      "file, %llu",
			      (unsigned long long)record->generation,
			      (unsigned long long)file->generation);
	return code;
}

static int
parse_line(struct parser *parser, char *line)
{
	char *rest = line, *word;

	if (strncmp(line, "flag ", 5) == 0)
		return parse_flag(parser, line + 5);
	if (strncmp(line, "change ", 7) == 0)
		return parse_change(parser, line + 7);
	flagp_text_add(&parser->unknown_lines, "%s\n", line);
	word = flagp_words_next(&rest);
	if (word[0] == '\0' || strcmp(word, "flag") == 0 ||
	    strcmp(word, "change") == 0 || strcmp(word, "end") == 0 ||
	    strcmp(word, "generation") == 0 || strcmp(word, "ripcord") == 0)
		return REFUSE(parser, "\"%s\": flag, change, or a word of a "
			      "later version", word);
	return 0;
}

/* Lines of printable ASCII, the last one complete. */
static int
check_bytes(struct parser *parser)
{
	const char *at;

	parser->place.line = 1;
	for (at = parser->at; at < parser->end; at++) {
		if (*at == '\n')
			parser->place.line++;
		else if (*at < 0x20 || *at > 0x7e)
			return REFUSE(parser, "byte 0x%02x: printable ASCII",
				      (unsigned char)*at);
	}
	if (parser->at == parser->end || parser->end[-1] != '\n')
		return REFUSE(parser, "cut off: a last line \"end COUNT "
			      "CRC\"");
	parser->place.line--;
	return 0;
}

/* Eight small hexadecimal digits; capitals would let a bit flip pass. */
static bool
read_crc(const char *word, uint32_t *crc)
{
	static const char digits[] = "0123456789abcdef";
	const char *at, *digit;

	*crc = 0;
	for (at = word; *at != '\0'; at++) {
		digit = strchr(digits, *at);
		if (digit == NULL || at - word == 8)
			return false;
		*crc = *crc << 4 | (uint32_t)(digit - digits);
	}
	return at - word == 8;
}

/* The last line, "end COUNT CRC": checked first, then cut off. */
static int
check_end(struct parser *parser)
{
	char *line = parser->end - 1, *rest, *key, *count, *sum;
	uint64_t number = 0;
	uint32_t crc;

	*line = '\0';
	while (line > parser->at && line[-1] != '\n')
		line--;
	parser->end = rest = line;
	key = flagp_words_next(&rest);
	count = flagp_words_next(&rest);
	sum = flagp_words_next(&rest);
	if (strcmp(key, "end") != 0 || sum == NULL || rest != NULL ||
	    !flagp_words_number(count, RECORDS_MAX, &number) ||
	    number > parser->place.line || !read_crc(sum, &parser->crc))
		return REFUSE(parser, "last line: \"end COUNT CRC\", at most "
			      "%u records", RECORDS_MAX);
	parser->records = (unsigned)number;
	crc = flagp_text_crc32(0, parser->at,
			       (size_t)(parser->end - parser->at));
	if (crc != parser->crc)
		return REFUSE(parser, "checksum %08x: %08x for what stands "
			      "above it (torn, or changed by hand; flagctl "
			      "writes this file)", parser->crc, crc);
	return 0;
}

/* Every line up to the last, which check_end() has cut off. */
static int
parse_lines(struct parser *parser)
{
	unsigned last = parser->place.line;
	char *line;
	int code;

	parser->place.line = 0;
	if (last < 3) {
		parser->place.line = last;
		return REFUSE(parser, "too short: \"ripcord %s %u\", "
			      "\"generation N\", \"end COUNT CRC\"",
			      kind_name(parser->file->kind), VERSION);
	}
	code = parse_magic(parser);
	if (code == 0)
		code = parse_generation(parser);
	while (code == 0 && (line = next_line(parser)) != NULL)
		code = parse_line(parser, line);
	if (code != 0)
		return code;
	parser->place.line = last;
	if (parser->file->count != parser->records)
		return REFUSE(parser, "end %u: %zu, as many flags as stand "
			      "above it", parser->records,
			      parser->file->count);
	return 0;
}

static int
parse_text(struct parser *parser)
{
	struct record_file *file = parser->file;
	int code;

	code = check_bytes(parser);
	if (code == 0)
		code = check_end(parser);
	if (code != 0)
		return code;
	/* One more than needed: none at all is not an error. */
	file->records = calloc(parser->records + 1, sizeof(struct record));
	if (file->records == NULL)
		return no_memory(&parser->place);
	code = parse_lines(parser);
	if (code == 0 && parser->unknown_lines.failed)
		return no_memory(&parser->place);
	return code;
}

int
flagp_record_parse(struct record_file *file, enum record_kind kind,
		   const char *name, const char *text, size_t size,
		   struct flag_error *error)
{
	struct parser parser = {
		.file = file, .place = { name, 0, error },
		.unknown_lines = TEXT_INIT
	};
	char *copy;
	int code;

	*file = (struct record_file) { .kind = kind };
	if (size > RECORD_FILE_LIMIT)
		return REFUSE(&parser, "%zu bytes: at most %u", size,
			      RECORD_FILE_LIMIT);
	copy = malloc(size + 1);
	if (copy == NULL)
		return no_memory(&parser.place);
	if (size != 0)
		memcpy(copy, text, size);
	parser.at = copy;
	parser.end = copy + size;
	code = parse_text(&parser);
	file->unknown = parser.unknown_lines.data;
	free(copy);
	if (code != 0) {
		flagp_record_free(file);
		file->kind = kind;
	}
	return code;
}

int
flagp_record_read(struct record_file *file, enum record_kind kind,
		  int directory, struct io_mark *mark,
		  struct flag_error *error)
{
	const char *name = kind_name(kind);
	struct text text = TEXT_INIT;
	char reason[128];
	int code;

	*file = (struct record_file) { .kind = kind };
	if (mark != NULL)
		*mark = (struct io_mark) { 0 };
	if (directory == -1)
		return 0;
	code = flagp_io_read(directory, name, RECORD_FILE_LIMIT, &text, mark);
	if (code == 0)
		code = flagp_record_parse(file, kind, name, text.data,
					  text.size, error);
	else if (code == -ENOENT)
		code = 0;
	else
		code = flagp_error_set(error, flagp_error_code(code), name, 0,
				       "cannot be read: %s",
				       strerror_r(-code, reason,
						  sizeof(reason)));
	flagp_text_free(&text);
	return code;
}

/* --- writing ----------------------------------------------------------- */

static void
add_record(struct text *text, const struct record *record)
{
	flagp_text_add(text, "flag %s", record->flag);
	flagp_words_add(text, record_fields, FLAGP_COUNT(record_fields),
			record);
	if (record->unknown != NULL)
		flagp_text_add(text, " %s", record->unknown);
	flagp_text_add(text, "\n");
}

void
flagp_record_format(const struct record_file *file, struct text *text)
{
	size_t start = text->size, i;

	flagp_text_add(text, "ripcord %s %u\ngeneration %llu\n",
		       kind_name(file->kind), VERSION,
		       (unsigned long long)file->generation);
	if (file->change.generation != 0) {
		flagp_text_add(text, "change %llu",
			       (unsigned long long)file->change.generation);
		flagp_words_add(text, change_fields, FLAGP_COUNT(change_fields),
			   &file->change);
		flagp_text_add(text, "\n");
	}
	for (i = 0; i < file->count; i++)
		add_record(text, &file->records[i]);
	if (file->unknown != NULL)
		flagp_text_add(text, "%s", file->unknown);
	if (text->failed)
		return;
	flagp_text_add(text, "end %zu %08x\n", file->count,
		       flagp_text_crc32(0, text->data + start,
					text->size - start));
}

/* Whether its numbers would be accepted when it is read again. */
static bool
is_numbered(const struct record_file *file)
{
	return file->generation != 0 &&
	       file->generation <= WORDS_GENERATION_MAX &&
	       file->change.generation <= file->generation;
}

int
flagp_record_write(const struct record_file *file, int directory,
		   bool durable)
{
	struct text text = TEXT_INIT;
	int code;

	if (file->read_only)
		return -EROFS;
	if (!is_numbered(file))
		return -EINVAL;
	flagp_record_format(file, &text);
	if (text.failed)
		code = -ENOMEM;
	else if (text.size > RECORD_FILE_LIMIT)
		code = -EFBIG;
	else
		code = flagp_io_replace(directory, kind_name(file->kind),
					text.data, text.size, durable);
	flagp_text_free(&text);
	return code;
}

/* --- records ----------------------------------------------------------- */

/* The index of the first record whose flag is not before name. */
static size_t
lower_bound(const struct record_file *file, const char *name)
{
	size_t low = 0, high = file->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(file->records[middle].flag, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct record_file *file, size_t index, const char *name)
{
	return index < file->count &&
	       strcmp(file->records[index].flag, name) == 0;
}

/* Makes room for one record at index. */
static int
insert(struct record_file *file, size_t index)
{
	struct record *records;

	if (file->count >= RECORDS_MAX)
		return -FLAG_ENOMEM;
	records = realloc(file->records, (file->count + 1) *
					 sizeof(struct record));
	if (records == NULL)
		return -FLAG_ENOMEM;
	memmove(records + index + 1, records + index,
		(file->count - index) * sizeof(struct record));
	memset(records + index, 0, sizeof(struct record));
	file->records = records;
	file->count++;
	return 0;
}

/* Whether a written record would be accepted again. */
static bool
is_writable(const struct record *record)
{
	return flagp_text_is_name(record->flag) &&
	       (record->removed || record->share <= FLAGP_SHARE_ALL) &&
	       record->generation != 0 &&
	       record->generation <= WORDS_GENERATION_MAX;
}

int
flagp_record_put(struct record_file *file, const struct record *record)
{
	size_t index = lower_bound(file, record->flag);
	struct record copy = *record;
	int code;

	if (!is_writable(record))
		return -FLAG_EINVAL;
	/* record may be one of file's own, or share its words. */
	if (copy.unknown != NULL) {
		copy.unknown = strdup(copy.unknown);
		if (copy.unknown == NULL)
			return -FLAG_ENOMEM;
	}
	if (!is_at(file, index, copy.flag)) {
		code = insert(file, index);
		if (code != 0) {
			free(copy.unknown);
			return code;
		}
	}
	free(file->records[index].unknown);
	file->records[index] = copy;
	if (file->generation < copy.generation)
		file->generation = copy.generation;
	return 0;
}

const struct record *
flagp_record_get(const struct record_file *file, const char *flag)
{
	size_t index;

	if (file == NULL)
		return NULL;
	index = lower_bound(file, flag);
	return is_at(file, index, flag) ? &file->records[index] : NULL;
}

/* Whether a says less than b; where both are as new, the lower one counts. */
static bool
is_lower(const struct record *a, const struct record *b)
{
	return !a->removed && (b->removed || a->share < b->share);
}

const struct record *
flagp_record_newest(const struct record *a, const struct record *b)
{
	if (a == NULL || (b != NULL && (b->generation > a->generation ||
					(b->generation == a->generation &&
					 is_lower(b, a)))))
		a = b;
	return a != NULL && a->removed ? NULL : a;
}

bool
flagp_record_ended(const struct record *record, int64_t wall,
		   const char *boot)
{
	if (record->until != 0 && wall >= record->until)
		return true;
	/* An unknown boot is not this one: only raises are bound to a boot, and
	 * ending one is the safe side. */
	return record->boot[0] != '\0' &&
	       (boot == NULL || strcmp(record->boot, boot) != 0);
}

void
flagp_record_free(struct record_file *file)
{
	size_t i;

	for (i = 0; i < file->count; i++)
		free(file->records[i].unknown);
	free(file->records);
	free(file->unknown);
	*file = (struct record_file) { .kind = file->kind };
}

/* --- panic ------------------------------------------------------------- */

/* "ripcord PANIC 1", and the words of the line below it. */
static bool
parse_panic(struct record_panic *panic, struct text *text)
{
	const struct words_target target = {
		panic_fields, FLAGP_COUNT(panic_fields), panic, NULL
	};
	const struct words_place nowhere = { NULL, 0, NULL };
	char *words, *end;

	if (text->data == NULL || strlen(text->data) != text->size)
		return false;
	words = strchr(text->data, '\n');
	if (words == NULL)
		return false;
	*words++ = '\0';
	if (strcmp(text->data, PANIC_MAGIC) != 0)
		return false;
	end = strchr(words, '\n');
	if (end == NULL)
		return false;
	*end = '\0';
	return flagp_words_read(&target, words, &nowhere) == 0;
}

void
flagp_record_panic(struct record_panic *panic, int directory)
{
	struct text text = TEXT_INIT;
	struct record_panic said = { .on = true, .author = nobody };
	struct stat info;

	*panic = (struct record_panic) { .on = false };
	/* Presence first: a process that is out of descriptors or memory must
	 * not take that for a panic. */
	if (directory == -1 || fstatat(directory, RECORD_PANIC_NAME, &info,
				       AT_SYMLINK_NOFOLLOW) != 0)
		return;
	/* By hand, as by touch: its owner, its time. */
	panic->on = true;
	panic->generation = 1;
	panic->at = info.st_mtim.tv_sec;
	panic->author = nobody;
	panic->author.uid = info.st_uid;
	if (flagp_io_read(directory, RECORD_PANIC_NAME, PANIC_FILE_LIMIT,
			  &text, NULL) == 0 && parse_panic(&said, &text))
		*panic = said;
	flagp_text_free(&text);
}

int
flagp_record_panic_write(const struct record_panic *panic, int directory,
			 bool durable)
{
	struct record_panic copy = *panic;
	struct text text = TEXT_INIT, words = TEXT_INIT;
	int code = -ENOMEM;

	if (copy.generation == 0 || copy.generation > WORDS_GENERATION_MAX)
		copy.generation = 1;
	flagp_words_add(&words, panic_fields, FLAGP_COUNT(panic_fields),
			&copy);
	/* Without the blank before the first word. */
	if (!words.failed)
		flagp_text_add(&text, PANIC_MAGIC "\n%s\n", words.data + 1);
	if (!words.failed && !text.failed)
		code = flagp_io_replace(directory, RECORD_PANIC_NAME,
					text.data, text.size, durable);
	flagp_text_free(&words);
	flagp_text_free(&text);
	return code;
}
