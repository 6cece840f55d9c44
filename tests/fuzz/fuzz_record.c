/* SPDX-License-Identifier: MIT */
/*
 * fuzz_record.c - the layer files: flagp_record_parse() and store/words.c.
 *
 * The input is a file of overrides, or of trips if its first line says so.  A
 * last line "end COUNT", without a checksum, gets the right one: no fuzzer
 * would find it.  What is accepted keeps every promise of record.h, and is
 * written so that it reads as the same.  What is refused, or read without
 * memory, leaves nothing.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/text.h"
#include "store/record.h"
#include "store/words.h"

#define SIZE_MAX_ (64u << 10)

/* The line behind the last newline but the one at the end. */
static size_t
last_line(const char *data, size_t size)
{
	size_t at = size;

	if (at > 0 && data[at - 1] == '\n')
		at--;
	while (at > 0 && data[at - 1] != '\n')
		at--;
	return at;
}

/* Adds the checksum that a last line "end COUNT" lacks. */
static void
complete(struct text *text, const char *data, size_t size)
{
	size_t last = last_line(data, size), end = size;
	uint32_t crc;

	while (end > last && data[end - 1] == '\n')
		end--;
	flagp_text_add_bytes(text, data, end);
	if (end - last < 5 || memcmp(data + last, "end ", 4) != 0 ||
	    memchr(data + last + 4, ' ', end - last - 4) != NULL) {
		flagp_text_add_bytes(text, data + end, size - end);
	} else {
		crc = flagp_text_crc32(0, data, last);
		flagp_text_add(text, " %08x\n", crc);
	}
	FUZZ_CHECK(!text->failed);
}

/* By its first line. */
static enum record_kind
kind_of(const char *data, size_t size)
{
	static const char trips[] = "ripcord trips";
	size_t length = sizeof(trips) - 1;

	return size >= length && memcmp(data, trips, length) == 0 ?
		RECORD_TRIPS : RECORD_OVERRIDES;
}

static void
check_author(const struct record_author *author)
{
	fuzz_check_text(author->user, sizeof(author->user));
	fuzz_check_text(author->tty, sizeof(author->tty));
	fuzz_check_text(author->reason, sizeof(author->reason));
	FUZZ_CHECK(author->pid >= 0);
}

static bool
is_share(uint32_t share)
{
	return share <= FLAGP_SHARE_ALL || share == FLAGP_SHARE_NONE;
}

static void
check_record(const struct record *record, uint64_t most)
{
	FUZZ_CHECK(memchr(record->flag, '\0', sizeof(record->flag)) != NULL);
	FUZZ_CHECK(flagp_text_is_name(record->flag));
	FUZZ_CHECK(record->removed == (record->share == FLAGP_SHARE_NONE));
	FUZZ_CHECK(is_share(record->share) && is_share(record->base));
	FUZZ_CHECK(record->generation > 0 && record->generation <= most);
	FUZZ_CHECK(record->at >= 0 && record->until >= 0);
	fuzz_check_text(record->boot, sizeof(record->boot));
	check_author(&record->author);
	if (record->unknown != NULL)
		fuzz_check_text(record->unknown, SIZE_MAX_);
}

static void
check_change(const struct record_change *change, uint64_t most)
{
	FUZZ_CHECK(change->generation <= most);
	if (change->generation == 0)
		return;
	fuzz_check_text(change->verb, sizeof(change->verb));
	fuzz_check_text(change->flag, sizeof(change->flag));
	FUZZ_CHECK(change->flag[0] == '\0' || strcmp(change->flag, "*") == 0 ||
		   flagp_text_is_name(change->flag));
	FUZZ_CHECK(change->count <= WORDS_COUNT_MAX);
	FUZZ_CHECK(is_share(change->before) && is_share(change->after));
	check_author(&change->author);
}

static void
check_file(const struct record_file *file, enum record_kind kind)
{
	FUZZ_CHECK(file->kind == kind);
	FUZZ_CHECK(file->generation > 0);
	FUZZ_CHECK(file->generation <= WORDS_GENERATION_MAX);
	check_change(&file->change, file->generation);
	for (size_t i = 0; i < file->count; i++) {
		const struct record *record = &file->records[i];

		check_record(record, file->generation);
		FUZZ_CHECK(i == 0 || strcmp(record[-1].flag, record->flag) < 0);
		FUZZ_CHECK(flagp_record_get(file, record->flag) == record);
	}
	FUZZ_CHECK(flagp_record_get(file, "no.such.flag/") == NULL);
}

static void
check_same_text(const char *a, const char *b)
{
	FUZZ_CHECK((a == NULL) == (b == NULL));
	FUZZ_CHECK(a == NULL || strcmp(a, b) == 0);
}

static void
check_same_author(const struct record_author *a, const struct record_author *b)
{
	FUZZ_CHECK(a->uid == b->uid && a->login_uid == b->login_uid);
	FUZZ_CHECK(a->pid == b->pid);
	check_same_text(a->user, b->user);
	check_same_text(a->tty, b->tty);
	check_same_text(a->reason, b->reason);
}

static void
check_same_record(const struct record *a, const struct record *b)
{
	check_same_text(a->flag, b->flag);
	FUZZ_CHECK(a->share == b->share && a->base == b->base);
	FUZZ_CHECK(a->removed == b->removed);
	FUZZ_CHECK(a->generation == b->generation);
	FUZZ_CHECK(a->at == b->at && a->until == b->until);
	check_same_text(a->boot, b->boot);
	check_same_author(&a->author, &b->author);
	check_same_text(a->unknown, b->unknown);
}

static void
check_same_change(const struct record_change *a, const struct record_change *b)
{
	FUZZ_CHECK(a->generation == b->generation);
	if (a->generation == 0)
		return;
	FUZZ_CHECK(a->at == b->at && a->count == b->count);
	FUZZ_CHECK(a->before == b->before && a->after == b->after);
	check_same_text(a->verb, b->verb);
	check_same_text(a->flag, b->flag);
	check_same_author(&a->author, &b->author);
}

static void
check_same(const struct record_file *a, const struct record_file *b)
{
	FUZZ_CHECK(a->generation == b->generation);
	check_same_change(&a->change, &b->change);
	FUZZ_CHECK(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		check_same_record(&a->records[i], &b->records[i]);
	check_same_text(a->unknown, b->unknown);
}

/* --- spelling ------------------------------------------------------------- */

/* A part of a line. */
struct part {
	const char *start;
	size_t length;
};

/* The line of a text that begins with head, up to its newline. */
static struct part
find_line(struct part head, const char *text, size_t size)
{
	const char *at = text, *end = text + size, *newline;

	for (; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		FUZZ_CHECK(newline != NULL);
		if ((size_t)(newline - at) >= head.length &&
		    memcmp(at, head.start, head.length) == 0 &&
		    (at[head.length] == ' ' || at[head.length] == '\n'))
			return (struct part){ at, (size_t)(newline - at) };
	}
	fuzz_fail(__FILE__, __LINE__, "the line stands in the text");
}

/* The word of a line, blank and key included; length 0: it has none. */
static struct part
find_word(struct part line, const char *key)
{
	const char *start = memmem(line.start, line.length, key, strlen(key));
	const char *end = line.start + line.length, *blank;

	if (start == NULL)
		return (struct part){ line.start, 0 };
	blank = memchr(start + 1, ' ', (size_t)(end - start - 1));
	return (struct part){ start, (size_t)((blank == NULL ? end : blank) -
					      start) };
}

static void
check_line_spelling(struct part line, const char *text, size_t size)
{
	static const char *const keys[] = {
		" generation=", " at=", " until=", " uid=", " login=", " pid=",
		" count=",
	};
	const char *blank = memchr(line.start, ' ', line.length);
	size_t first = (size_t)(blank + 1 - line.start);
	struct part name = find_word((struct part){ blank, line.length - first
						    + 1 }, " ");
	struct part head = { line.start, first + name.length - 1 };
	struct part other = find_line(head, text, size);

	for (size_t i = 0; i < FLAGP_COUNT(keys); i++) {
		struct part word = find_word(line, keys[i]);
		struct part twin = find_word(other, keys[i]);

		FUZZ_CHECK(word.length == 0 || word.length == twin.length);
		FUZZ_CHECK(memcmp(word.start, twin.start, word.length) == 0 ||
			   word.length == 0);
	}
}

/* Numbers and times have one spelling each: what is written of them is what
 * stands in the text that was read. */
static void
check_spelling(const struct text *written, const char *text, size_t size)
{
	const char *at = written->data, *end = at + written->size, *newline;

	for (; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (strncmp(at, "flag ", 5) == 0 ||
		    strncmp(at, "change ", 7) == 0 ||
		    strncmp(at, "generation ", 11) == 0)
			check_line_spelling((struct part){ at, (size_t)
					    (newline - at) }, text, size);
	}
}

/* --- what is accepted ----------------------------------------------------- */

/* What was written of a file is accepted. */
static void
check_readable(const struct record_file *file)
{
	struct text text = TEXT_INIT;
	struct record_file again;

	flagp_record_format(file, &text);
	FUZZ_CHECK(!text.failed);
	FUZZ_CHECK(flagp_record_parse(&again, file->kind, "again", text.data,
				      text.size, NULL) == 0);
	check_file(&again, file->kind);
	FUZZ_CHECK(again.count == file->count);
	flagp_record_free(&again);
	flagp_text_free(&text);
}

/* What was written of a file is that file, and is written the same again. */
static void
check_format(const struct record_file *file, const char *text, size_t size)
{
	struct text first = TEXT_INIT, second = TEXT_INIT;
	struct flag_error error = { 0 };
	struct record_file again;
	char *copy;

	flagp_record_format(file, &first);
	FUZZ_CHECK(!first.failed);
	check_spelling(&first, text, size);
	copy = fuzz_copy(first.data, first.size);
	FUZZ_CHECK(flagp_record_parse(&again, file->kind, "again", copy,
				      first.size, &error) == 0);
	FUZZ_CHECK(!again.read_only);
	check_file(&again, file->kind);
	check_same(file, &again);
	flagp_record_format(&again, &second);
	FUZZ_CHECK(first.size == second.size);
	FUZZ_CHECK(memcmp(first.data, second.data, first.size) == 0);
	flagp_record_free(&again);
	flagp_text_free(&first);
	flagp_text_free(&second);
	free(copy);
}

/* A refusal leaves an empty file. */
static void
check_empty(const struct record_file *file, enum record_kind kind)
{
	FUZZ_CHECK(file->kind == kind && file->generation == 0);
	FUZZ_CHECK(file->count == 0 && file->records == NULL);
	FUZZ_CHECK(file->unknown == NULL);
}

/* No file, no folder: no record. */
static void
check_no_file(enum record_kind kind)
{
	const char *name = kind == RECORD_TRIPS ? RECORD_TRIPS_NAME :
						  RECORD_OVERRIDES_NAME;
	struct record_file file;
	struct io_mark mark;

	FUZZ_CHECK(unlinkat(fuzz_folder(), name, 0) == 0);
	FUZZ_CHECK(flagp_record_read(&file, kind, fuzz_folder(), NULL,
				     NULL) == 0);
	check_empty(&file, kind);
	FUZZ_CHECK(flagp_record_read(&file, kind, -1, &mark, NULL) == 0);
	check_empty(&file, kind);
	FUZZ_CHECK(!mark.exists);
	FUZZ_CHECK(flagp_record_get(NULL, "a") == NULL);
}

/* Written to a folder and read from there it is the same. */
static void
check_written(const struct record_file *file, uint64_t hash)
{
	int folder = fuzz_folder(), result;
	struct flag_error error = { 0 };
	struct record_file again;
	struct io_mark mark;

	result = flagp_record_write(file, folder, false);
	FUZZ_CHECK(result == (file->read_only ? -EROFS : 0));
	if (result != 0)
		return;
	FUZZ_CHECK(flagp_record_read(&again, file->kind, folder, &mark,
				     &error) == 0);
	FUZZ_CHECK(mark.exists);
	check_same(file, &again);
	flagp_record_free(&again);
	fuzz_starve((unsigned)(hash % 8));
	result = flagp_record_read(&again, file->kind, folder, NULL, &error);
	if (fuzz_fed()) {
		FUZZ_CHECK(result == -FLAG_ENOMEM);
		check_empty(&again, file->kind);
	}
	flagp_record_free(&again);
	check_no_file(file->kind);
}

static void
check_not_written(const struct record_file *file, uint64_t hash)
{
	struct record_file wrong = *file;
	struct text text = TEXT_INIT;
	int folder = fuzz_folder(), result;

	wrong.read_only = false;
	wrong.generation = 0;
	FUZZ_CHECK(flagp_record_write(&wrong, folder, false) == -EINVAL);
	wrong.generation = WORDS_GENERATION_MAX + 1;
	FUZZ_CHECK(flagp_record_write(&wrong, folder, false) == -EINVAL);
	wrong.generation = file->generation;
	fuzz_starve((unsigned)(hash % 3));
	result = flagp_record_write(&wrong, folder, false);
	FUZZ_CHECK(result == (fuzz_fed() ? -ENOMEM : 0));
	fuzz_starve((unsigned)(hash % 3));
	flagp_record_format(&wrong, &text);
	FUZZ_CHECK(text.failed == fuzz_fed());
	flagp_text_free(&text);
}

/* A record that no file may hold is not put into one. */
static void
check_put_refused(struct record_file *built, const struct record *record)
{
	struct record wrong = *record;
	size_t count = built->count;

	wrong.generation = 0;
	FUZZ_CHECK(flagp_record_put(built, &wrong) == -FLAG_EINVAL);
	wrong.generation = WORDS_GENERATION_MAX + 1;
	FUZZ_CHECK(flagp_record_put(built, &wrong) == -FLAG_EINVAL);
	wrong = *record;
	wrong.flag[0] = '-';
	FUZZ_CHECK(flagp_record_put(built, &wrong) == -FLAG_EINVAL);
	FUZZ_CHECK(built->count == count);
}

/* Whatever the clock of a host says, its record can be read again. */
static void
check_clocks(const struct record_file *file)
{
	static const int64_t clocks[] = { INT64_MIN, -1, INT64_MAX };
	struct record_file built = { .kind = file->kind };
	struct record record;

	for (size_t i = 0; i < FLAGP_COUNT(clocks) && file->count > 0; i++) {
		record = file->records[0];
		record.at = clocks[i];
		record.until = clocks[FLAGP_COUNT(clocks) - 1 - i];
		FUZZ_CHECK(flagp_record_put(&built, &record) == 0);
		check_readable(&built);
	}
	flagp_record_free(&built);
}

/* The records of a file one by one, the last one first, make the same; what
 * there was no memory for is put once more. */
static void
check_put(const struct record_file *file, uint64_t hash)
{
	struct record_file built = { .kind = file->kind };

	for (size_t i = file->count; i > 0; i--) {
		const struct record *record = &file->records[i - 1];
		size_t count = built.count;
		int result;

		fuzz_starve((unsigned)(hash % 4));
		result = flagp_record_put(&built, record);
		if (fuzz_fed()) {
			FUZZ_CHECK(result == -FLAG_ENOMEM);
			FUZZ_CHECK(built.count == count);
			result = flagp_record_put(&built, record);
		}
		FUZZ_CHECK(result == 0);
		check_put_refused(&built, record);
		/* Over itself. */
		FUZZ_CHECK(flagp_record_put(&built, &built.records[0]) == 0);
	}
	FUZZ_CHECK(built.count == file->count);
	for (size_t i = 0; i < file->count; i++)
		check_same_record(&built.records[i], &file->records[i]);
	flagp_record_free(&built);
}

/* Of two records it is not chance which one counts, nor when it ends. */
static void
check_newest(const struct record *a, const struct record *b)
{
	const struct record *one = flagp_record_newest(a, b);
	const struct record *other = flagp_record_newest(b, a);

	FUZZ_CHECK((one == NULL) == (other == NULL));
	if (one == NULL)
		FUZZ_CHECK(a->removed || b->removed);
	else
		FUZZ_CHECK(!one->removed && one->share == other->share &&
			   one->generation == other->generation &&
			   one->generation >= a->generation &&
			   one->generation >= b->generation);
	FUZZ_CHECK(flagp_record_newest(a, NULL) == (a->removed ? NULL : a));
	FUZZ_CHECK(flagp_record_newest(NULL, a) == (a->removed ? NULL : a));
}

static void
check_ended(const struct record *record)
{
	if (record->until != 0) {
		FUZZ_CHECK(flagp_record_ended(record, record->until,
					      record->boot));
		FUZZ_CHECK(!flagp_record_ended(record, record->until - 1,
					       record->boot));
	} else {
		FUZZ_CHECK(!flagp_record_ended(record, INT64_MAX,
					       record->boot));
	}
	FUZZ_CHECK(flagp_record_ended(record, 0, NULL) ==
		   (record->boot[0] != '\0'));
}

static void
check_accepted(const struct record_file *file, enum record_kind kind,
	       uint64_t hash)
{
	check_file(file, kind);
	check_not_written(file, hash);
	check_written(file, hash);
	check_clocks(file);
	check_put(file, hash);
	for (size_t i = 0; i < file->count; i++) {
		check_ended(&file->records[i]);
		check_newest(&file->records[i], &file->records[0]);
	}
}

static void
check_starved(const char *text, size_t size, enum record_kind kind, int wanted,
	      uint64_t hash)
{
	struct flag_error error = { 0 };
	struct record_file file;
	int result;

	fuzz_starve((unsigned)(hash % 8));
	result = flagp_record_parse(&file, kind, "file", text, size, &error);
	if (!fuzz_fed()) {
		FUZZ_CHECK(result == wanted);
	} else {
		/* What is wrong in a later line may have been said instead. */
		FUZZ_CHECK(result == -FLAG_ENOMEM ||
			   (result == -FLAG_ECONFIG && wanted == result));
		fuzz_check_error(&error, -result, "file",
				 fuzz_lines(text, size));
		check_empty(&file, kind);
	}
	flagp_record_free(&file);
}

static bool
check_text(const char *text, size_t size, enum record_kind kind, uint64_t hash)
{
	struct flag_error error = { 0 }, second = { 0 };
	struct record_file file, again;
	char *copy = fuzz_copy(text, size);
	int result = flagp_record_parse(&file, kind, "file", copy, size,
					&error);

	FUZZ_CHECK(flagp_record_parse(&again, kind, "file", copy, size,
				      &second) == result);
	FUZZ_CHECK(memcmp(&error, &second, sizeof(error)) == 0);
	if (result == 0) {
		FUZZ_CHECK(file.read_only == again.read_only);
		check_same(&file, &again);
		check_format(&file, copy, size);
		check_accepted(&file, kind, hash);
	} else {
		FUZZ_CHECK(result == -FLAG_ECONFIG);
		fuzz_check_error(&error, FLAG_ECONFIG, "file",
				 fuzz_lines(text, size));
		check_empty(&file, kind);
	}
	check_starved(copy, size, kind, result, hash);
	flagp_record_free(&file);
	flagp_record_free(&again);
	free(copy);
	return result == 0;
}

bool
fuzz_record(const uint8_t *data, size_t size)
{
	struct text text = TEXT_INIT;
	bool accepted;

	if (size > SIZE_MAX_)
		return false;
	complete(&text, (const char *)data, size);
	accepted = check_text(text.data, text.size,
			      kind_of((const char *)data, size),
			      fuzz_hash(data, size));
	flagp_text_free(&text);
	return accepted;
}

FUZZ_TARGET(fuzz_record)
