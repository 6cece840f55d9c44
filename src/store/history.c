/* SPDX-License-Identifier: MIT */
/*
 * history.c - appending to the history: see history.h.
 *
 * Nothing that stands is ever changed or cut, torn records of writers who died
 * included: what comes behind them begins a line of its own.  Only what a
 * failed write of our own has left is taken away again.
 */
#include "store/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "store/history_line.h"

#define NAME_SIZE 24

/* --- the record ----------------------------------------------------------- */

void
flagp_history_begin(struct history_draft *draft,
		    const struct history_change *change)
{
	*draft = (struct history_draft) { .change = *change };
	draft->change.flags = 0;
}

void
flagp_history_add(struct history_draft *draft, const struct history_flag *flag)
{
	if (!flagp_text_is_name(flag->name) ||
	    draft->change.flags >= WORDS_COUNT_MAX) {
		draft->refused = true;
		return;
	}
	flagp_text_add(&draft->lines, "\n");
	flagp_history_add_flag(&draft->lines, flag);
	draft->change.flags++;
}

void
flagp_history_drop(struct history_draft *draft)
{
	flagp_text_free(&draft->lines);
	flagp_text_free(&draft->copied);
}

/* Whether it would be read again. */
static int
check_draft(const struct history_draft *draft)
{
	uint64_t generation = draft->change.generation;

	if (draft->refused || generation == 0 ||
	    generation > WORDS_GENERATION_MAX)
		return -EINVAL;
	if (draft->lines.failed || draft->copied.failed)
		return -ENOMEM;
	return 0;
}

static void
add_body(struct text *body, const struct history_draft *draft)
{
	if (draft->copied.size != 0) {
		flagp_text_add_bytes(body, draft->copied.data,
				     draft->copied.size);
		return;
	}
	flagp_history_add_change(body, &draft->change);
	flagp_text_add_bytes(body, draft->lines.data, draft->lines.size);
}

/* --- what stands there ---------------------------------------------------- */

/* Whether the change that history has just given is that of the draft. */
static bool
is_same(struct history *history, const struct history_change *stands,
	const struct history_draft *draft, const struct text *body,
	bool recovered)
{
	struct history_draft copy;
	bool same;

	if (recovered)
		return stands->at == draft->change.at &&
		       strcmp(stands->verb, draft->change.verb) == 0;
	same = flagp_history_copy(history, &copy) == 0 &&
	       copy.copied.size == body->size &&
	       memcmp(copy.copied.data, body->data, body->size) == 0;
	flagp_history_drop(&copy);
	return same;
}

/*
 * Whether the record stands there.  Numbers only rise, so the search ends at
 * the first lower one; where they began anew, the old ones are not met.
 */
static bool
stands(struct history *history, const struct history_draft *draft,
       const struct text *body, bool recovered)
{
	struct history_change change;

	while (flagp_history_next(history, &change) &&
	       change.generation >= draft->change.generation)
		if (change.generation == draft->change.generation &&
		    is_same(history, &change, draft, body, recovered))
			return true;
	return false;
}

/* 0: to be appended. */
static int
look_before(const struct history_draft *draft, const struct text *body,
	    int directory, bool recovered, struct flag_error *error)
{
	struct history *history;
	/* These codes are numbers of errno too. */
	int code = flagp_history_open(&history, directory, error);

	if (code != 0)
		return code;
	if (flagp_history_seen(history).newer) {
		flagp_error_set(error, flagp_error_code(EROFS), HISTORY_NAME,
				0, "of a later version: read-only; this change "
				"is not in it");
		code = -EROFS;
	} else if (stands(history, draft, body, recovered)) {
		code = HISTORY_THERE;
	}
	flagp_history_close(history);
	return code;
}

/* --- files ---------------------------------------------------------------- */

static void
name_of(unsigned number, char name[NAME_SIZE])
{
	if (number == 0)
		strcpy(name, HISTORY_NAME);
	else
		snprintf(name, NAME_SIZE, HISTORY_NAME ".%u", number);
}

/* Moves each file up by one, the oldest first; up to a gap, where there is
 * one: then no file is lost. */
static int
rotate(int directory)
{
	char from[NAME_SIZE], to[NAME_SIZE];
	unsigned free_number = 1;

	for (; free_number < HISTORY_OLDER; free_number++) {
		name_of(free_number, to);
		if (!flagp_io_mark(directory, to).exists)
			break;
	}
	for (; free_number > 0; free_number--) {
		name_of(free_number - 1, from);
		name_of(free_number, to);
		if (renameat(directory, from, directory, to) != 0)
			return -errno;
	}
	return 0;
}

/* An open file to append to. */
struct target {
	int descriptor;
	uint64_t size;
};

static int
open_history(struct target *target, int directory)
{
	struct stat info;
	int code;

	target->descriptor = flagp_io_open(directory, HISTORY_NAME,
					   O_RDWR | O_APPEND | O_NONBLOCK |
					   O_NOFOLLOW | O_NOCTTY, 0);
	if (target->descriptor < 0)
		return target->descriptor;
	if (fstat(target->descriptor, &info) != 0)
		code = -errno;
	else
		code = S_ISREG(info.st_mode) ? 0 : -EINVAL;
	if (code != 0)
		close(target->descriptor);
	else
		target->size = (uint64_t)info.st_size;
	return code;
}

/* The same; makes it if there is none. */
static int
make_history(struct target *target, int directory)
{
	int code = open_history(target, directory);

	if (code != -ENOENT)
		return code;
	code = flagp_io_create(directory, HISTORY_NAME);
	return code != 0 ? code : open_history(target, directory);
}

/* The file that a record of that size goes to. */
static int
open_target(struct target *target, int directory, uint64_t size,
	    uint64_t limit)
{
	int code = make_history(target, directory);

	if (code != 0 || target->size == 0 || target->size + size <= limit)
		return code;
	/* A file that cannot be moved on grows: better than no record. */
	if (rotate(directory) != 0)
		return 0;
	close(target->descriptor);
	return make_history(target, directory);
}

/* Whether the last byte of a file ends a line. */
static bool
ends_line(const struct target *target)
{
	char byte;

	return target->size == 0 ||
	       (pread(target->descriptor, &byte, 1,
		      (off_t)target->size - 1) == 1 && byte == '\n');
}

/* What is written: the head of a new file, an end for a torn line, the record,
 * all in one call. */
static void
add_all(struct text *text, const struct target *target,
	const struct text *body)
{
	struct text head = TEXT_INIT;

	if (target->size == 0) {
		flagp_text_add(&head, "ripcord history %u", HISTORY_VERSION);
		flagp_history_add_record(text, &head);
		flagp_text_free(&head);
	} else if (!ends_line(target)) {
		flagp_text_add(text, "\n");
	}
	flagp_history_add_record(text, body);
}

static int
write_record(const struct target *target, const struct text *body)
{
	struct text text = TEXT_INIT;
	int code = -ENOMEM;

	add_all(&text, target, body);
	if (!text.failed)
		code = flagp_io_write(target->descriptor, text.data,
				      text.size);
	/* What cannot be taken away is torn: the next one passes over it. */
	if (code != 0)
		flagp_io_set_size(target->descriptor, target->size);
	flagp_text_free(&text);
	return code;
}

static int
append(const struct text *body, int directory, const struct history_how *how)
{
	uint64_t limit = how->limit != 0 ? how->limit : HISTORY_LIMIT;
	struct target target;
	int code;

	code = open_target(&target, directory, body->size + HISTORY_FRAME_MAX,
			   limit);
	if (code != 0)
		return code;
	code = write_record(&target, body);
	/* The directory too: who made or moved the file may not have waited. */
	if (code == 0 && how->durable &&
	    (flagp_io_sync(target.descriptor) != 0 ||
	     flagp_io_sync(directory) != 0))
		code = HISTORY_UNSYNCED;
	close(target.descriptor);
	return code;
}

/* Whether every line of it will be read again. */
static bool
is_readable(const struct text *body)
{
	const char *at = body->data, *end = at + body->size, *newline;

	if (body->size > HISTORY_RECORD_LIMIT)
		return false;
	for (; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (newline == NULL)
			newline = end;
		if (newline - at > (ptrdiff_t)HISTORY_LINE_LIMIT)
			return false;
	}
	return true;
}

int
flagp_history_append(struct history_draft *draft, int directory,
		     const struct history_how *how, struct flag_error *error)
{
	struct text body = TEXT_INIT;
	char reason[128];
	int code;

	if (how->recovered)
		draft->change.recovered = true;
	code = check_draft(draft);
	if (code == 0) {
		add_body(&body, draft);
		code = body.failed ? -ENOMEM : 0;
	}
	if (code == 0 && !is_readable(&body))
		code = -EFBIG;
	if (code == 0)
		code = look_before(draft, &body, directory, how->recovered,
				   error);
	if (code == 0)
		code = append(&body, directory, how);
	flagp_text_free(&body);
	if (code < 0)
		flagp_error_set(error, flagp_error_code(code), HISTORY_NAME, 0,
				"the change is not in it: %s",
				strerror_r(-code, reason, sizeof(reason)));
	return code;
}
