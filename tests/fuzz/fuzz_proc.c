/* SPDX-License-Identifier: MIT */
/*
 * fuzz_proc.c - registrations: what flagp_proc_scan() reads of one, and
 * field 22 of a stat file.
 *
 * The input is a head and the lines of its flags, each line without the blanks
 * that fill it up; a blank line ends the head.  Behind a first line "raw"
 * stand the bytes of the file as they are; behind a first line "stat", those
 * of a stat file; behind a first line "many", what is in the files of many
 * processes.  However hostile, it gives texts that end, at most as many
 * flags as fit into the file, each with a name, or a word on what is wrong;
 * and what is written of such flags reads as the same.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/proc.h"

#define ENTRY_NAME "812.4711"
#define SIZE_MAX_ (64u << 10)
#define FLAGS_MAX 64

static void
add_blanks(struct text *text, size_t size)
{
	while (text->size < size)
		flagp_text_add_bytes(text, " ", 1);
	text->data[size - 1] = '\n';
	text->size = size;
}

/* The head up to a blank line, filled up; the rest is what follows. */
static void
add_head(struct text *text, const char **data, const char *end)
{
	const char *blank = memmem(*data, (size_t)(end - *data), "\n\n", 2);
	const char *stop = blank == NULL ? end : blank + 1;

	flagp_text_add_bytes(text, *data, (size_t)(stop - *data));
	add_blanks(text, PROC_HEAD);
	*data = blank == NULL ? end : blank + 2;
}

static void
add_flags(struct text *text, const char *data, const char *end)
{
	for (size_t i = 1; data < end && i <= FLAGS_MAX; i++) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		const char *stop = newline == NULL ? end : newline;

		flagp_text_add_bytes(text, data, (size_t)(stop - data));
		/* The last one may be cut off in the middle. */
		if (newline == NULL)
			break;
		add_blanks(text, PROC_HEAD + i * PROC_LINE);
		data = newline + 1;
	}
}

/* Whether the input begins with word; takes it off. */
static bool
take(const char **data, const char *end, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(end - *data) < size || memcmp(*data, word, size) != 0)
		return false;
	*data += size;
	return true;
}

static void
check_head(const struct proc_head *head)
{
	FUZZ_CHECK(head->driver == PROC_DRIVER_NONE ||
		   head->driver == PROC_DRIVER_THREAD ||
		   head->driver == PROC_DRIVER_LOOP);
	FUZZ_CHECK(memchr(head->watch, '\0', sizeof(head->watch)));
	FUZZ_CHECK(memchr(head->service, '\0', sizeof(head->service)));
	FUZZ_CHECK(memchr(head->version, '\0', sizeof(head->version)));
	FUZZ_CHECK(memchr(head->program, '\0', sizeof(head->program)));
	FUZZ_CHECK(memchr(head->instance, '\0', sizeof(head->instance)));
	FUZZ_CHECK(memchr(head->environment, '\0',
			  sizeof(head->environment)));
	FUZZ_CHECK(memchr(head->error, '\0', sizeof(head->error)));
}

static void
check_flag(const struct proc_flag *flag)
{
	size_t length;

	FUZZ_CHECK(memchr(flag->name, '\0', sizeof(flag->name)));
	FUZZ_CHECK(flagp_text_is_name(flag->name));
	FUZZ_CHECK(memchr(flag->source, '\0', sizeof(flag->source)));
	FUZZ_CHECK(flag->tunable == 0 ||
		   PROC_TUNABLE_TYPE(flag->tunable) < VALUE_TYPES);
	length = strlen(flag->source);
	FUZZ_CHECK(length == 0 || flag->source[length - 1] != ' ');
}

static void
check_entry(const struct proc_entry *entry, size_t size)
{
	size_t room = size < PROC_HEAD ? 0 : (size - PROC_HEAD) / PROC_LINE;

	fuzz_check_text(entry->problem, sizeof(entry->problem));
	check_head(&entry->head);
	if (entry->flags == NULL) {
		FUZZ_CHECK(entry->problem[0] != '\0');
		return;
	}
	FUZZ_CHECK(entry->head.flags <= room);
	for (uint32_t i = 0; i < entry->head.flags; i++)
		check_flag(&entry->flags[i]);
}

/* The only entry of the folder. */
static struct proc_list
scan(bool flags)
{
	struct proc_list list;

	FUZZ_CHECK(flagp_proc_scan(&list, fuzz_folder(), flags) == 0);
	FUZZ_CHECK(list.count == 1);
	FUZZ_CHECK(list.entries[0].life == PROC_LIVE ||
		   list.entries[0].life == PROC_UNLOCKED ||
		   list.entries[0].life == PROC_DEAD);
	return list;
}

static void
check_same_flag(const struct proc_flag *a, const struct proc_flag *b)
{
	FUZZ_CHECK(strcmp(a->name, b->name) == 0);
	FUZZ_CHECK(a->word == b->word && a->threshold == b->threshold);
	FUZZ_CHECK(a->initial == b->initial);
	FUZZ_CHECK(a->keys == b->keys && a->calls == b->calls);
	FUZZ_CHECK(a->tunable == b->tunable);
	FUZZ_CHECK(a->generation == b->generation);
}

/* A control character is not written. */
static void
check_same_text(const char *a, const char *b)
{
	const char *at = a;

	while ((unsigned char)*at >= 0x20 && *at != 0x7f)
		at++;
	FUZZ_CHECK(*at != '\0' || strcmp(a, b) == 0);
}

static void
check_same_head(const struct proc_head *a, const struct proc_head *b)
{
	FUZZ_CHECK(a->pid == b->pid && a->start == b->start);
	FUZZ_CHECK(a->board == b->board && a->own_cells == b->own_cells);
	FUZZ_CHECK(a->driver == b->driver && a->clean == b->clean);
	FUZZ_CHECK(a->tick_ms == b->tick_ms && a->started == b->started);
	FUZZ_CHECK(a->generation == b->generation && a->flags == b->flags);
	FUZZ_CHECK(memcmp(&a->ack, &b->ack, sizeof(a->ack)) == 0);
	check_same_text(a->watch, b->watch);
	check_same_text(a->service, b->service);
	check_same_text(a->version, b->version);
	check_same_text(a->program, b->program);
	check_same_text(a->instance, b->instance);
	check_same_text(a->environment, b->environment);
	check_same_text(a->error, b->error);
}

/* Writes what was read, as its process would, and reads that. */
static void
check_format(const struct proc_entry *entry)
{
	size_t size = PROC_HEAD + (size_t)entry->head.flags * PROC_LINE;
	char *file = malloc(size);
	struct proc_head head = entry->head;
	struct proc_list list;

	FUZZ_CHECK(file != NULL);
	/* They come last, and room for all of them is not promised. */
	head.error[0] = '\0';
	flagp_proc_format_head(&head, file);
	for (uint32_t i = 0; i < entry->head.flags; i++)
		flagp_proc_format_flag(&entry->flags[i],
				       file + PROC_HEAD + i * PROC_LINE);
	fuzz_put(ENTRY_NAME, file, size);
	list = scan(true);
	FUZZ_CHECK(list.entries[0].problem[0] == '\0');
	check_same_head(&head, &list.entries[0].head);
	for (uint32_t i = 0; i < head.flags; i++)
		check_same_flag(&list.entries[0].flags[i], &entry->flags[i]);
	flagp_proc_free(&list);
	free(file);
}

/* Without memory it says so: nothing is missing silently. */
static void
check_starved(const struct proc_entry *whole, uint64_t hash)
{
	struct proc_list list;
	int result;

	fuzz_starve((unsigned)(hash % 4));
	result = flagp_proc_scan(&list, fuzz_folder(), true);
	if (!fuzz_fed()) {
		FUZZ_CHECK(result == 0 && list.count == 1);
		FUZZ_CHECK(list.entries[0].head.flags == whole->head.flags);
	} else if (result == 0) {
		FUZZ_CHECK(list.entries[0].problem[0] != '\0');
	} else {
		FUZZ_CHECK(result == -ENOMEM && list.count == 0);
	}
	flagp_proc_free(&list);
}

static bool
check_file(const char *data, size_t size)
{
	struct proc_list list, brief;
	bool accepted;

	fuzz_put(ENTRY_NAME, data, size);
	list = scan(true);
	brief = scan(false);
	check_entry(&list.entries[0], size);
	check_head(&brief.entries[0].head);
	FUZZ_CHECK(brief.entries[0].flags == NULL);
	FUZZ_CHECK(brief.entries[0].head.pid == list.entries[0].head.pid);
	check_starved(&list.entries[0], fuzz_hash(data, size));
	accepted = list.entries[0].problem[0] == '\0';
	if (accepted)
		check_format(&list.entries[0]);
	flagp_proc_free(&brief);
	flagp_proc_free(&list);
	return accepted;
}

#define MANY 20

/* One file a process, the last one first; they come by their number. */
static bool
check_many(const char *data, size_t size)
{
	struct proc_list list;
	bool accepted;
	char name[16];

	for (int i = MANY; i > 0; i--) {
		snprintf(name, sizeof(name), "%d.1", i);
		fuzz_put(name, data, size);
	}
	FUZZ_CHECK(unlinkat(fuzz_folder(), ENTRY_NAME, 0) == 0 ||
		   errno == ENOENT);
	FUZZ_CHECK(flagp_proc_scan(&list, fuzz_folder(), true) == 0);
	FUZZ_CHECK(list.count == MANY);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%zu.1", i + 1);
		FUZZ_CHECK(unlinkat(fuzz_folder(), name, 0) == 0);
		check_entry(&list.entries[i], size);
		FUZZ_CHECK(i == 0 || list.entries[i].head.pid >=
				     list.entries[i - 1].head.pid);
	}
	accepted = list.entries[0].problem[0] == '\0';
	flagp_proc_free(&list);
	return accepted;
}

/* Digits behind the 20th blank that follows the last parenthesis; 0: none. */
static uint64_t
read_start(const char *data, size_t size)
{
	const char *end = data + size, *at;

	at = size == 0 ? NULL : memrchr(data, ')', size);
	for (int blanks = 0; at != NULL && blanks < 20; blanks++) {
		at = memchr(at, ' ', (size_t)(end - at));
		at = at == NULL ? NULL : at + 1;
	}
	if (at == NULL || at == end || *at < '0' || *at > '9')
		return 0;
	return strtoull(at, NULL, 10);
}

static bool
check_stat(const char *data, size_t size)
{
	/* None is longer, or has a NUL byte, or a number above 2^64. */
	bool plain = size < 1000 && memchr(data, '\0', size) == NULL;
	uint64_t start, wanted;
	char *text = malloc(size + 1);

	FUZZ_CHECK(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	wanted = read_start(text, size);
	fuzz_put("stat", data, size);
	start = flagp_proc_start_time(fuzz_folder(), "stat");
	FUZZ_CHECK(!plain || wanted == UINT64_MAX || start == wanted);
	FUZZ_CHECK(flagp_proc_start_time(fuzz_folder(), "no-stat") == 0);
	FUZZ_CHECK(flagp_proc_start_time(-1, "stat") == 0);
	free(text);
	return start != 0;
}

bool
fuzz_proc(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct text text = TEXT_INIT;
	bool accepted;

	if (size > SIZE_MAX_)
		return false;
	if (take(&at, end, "stat\n"))
		return check_stat(at, (size_t)(end - at));
	if (take(&at, end, "many\n"))
		return check_many(at, (size_t)(end - at));
	if (take(&at, end, "raw\n"))
		return check_file(at, (size_t)(end - at));
	add_head(&text, &at, end);
	add_flags(&text, at, end);
	FUZZ_CHECK(!text.failed);
	accepted = check_file(text.data, text.size);
	flagp_text_free(&text);
	return accepted;
}

FUZZ_TARGET(fuzz_proc)
