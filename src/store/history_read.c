/* SPDX-License-Identifier: MIT */
/*
 * history_read.c - reading the history: see history.h.
 *
 * A file is cut into stretches, each from a line that begins with a digit to
 * the next one.  A stretch has at most one good record, at its beginning; or
 * behind a damaged one whose newline is what is damaged.  Both directions look
 * at the same stretches, so they find the same records.
 *
 * What is read may be hostile, and may be cut while it is read.  No byte is
 * looked at more than a few times, whatever stands in it: a record ends at the
 * next digit of a line, so no two of them overlap.
 */
#include "store/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "store/history_line.h"

#define WINDOW_SIZE (64u << 10)
#define PART_NAME_SIZE 24

/* One file, as it was when it was opened. */
struct part {
	int descriptor;
	uint64_t device, inode, size;
};

/* Where a record stands: its body, without the frame and the newline. */
struct place {
	unsigned part;
	uint64_t start, end;
	uint32_t crc;
};

struct history {
	struct part parts[HISTORY_OLDER + 1];	/* newest first */
	unsigned count;
	enum history_order order;
	struct history_filter filter;
	struct history_seen seen;

	unsigned part;			/* that the next stretch is of */
	uint64_t at;			/* its start; its end, NEWEST_FIRST */

	struct place current;		/* that next() gave */
	uint64_t flag_at;		/* next line of it */

	/* Bytes of a file, from an offset on. */
	char window[WINDOW_SIZE];
	unsigned window_part;
	uint64_t window_start;
	size_t window_size;

	char text[HISTORY_LINE_LIMIT + 1];	/* one line of it */
	size_t text_size;
	struct history_line line;		/* what it says */
};

/* --- bytes ---------------------------------------------------------------- */

/* Fills the window from start on. */
static void
fill(struct history *history, unsigned part, uint64_t start)
{
	size_t size = 0;
	ssize_t got;

	do {
		got = pread(history->parts[part].descriptor,
			    history->window + size, WINDOW_SIZE - size,
			    (off_t)(start + size));
		size += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && size < WINDOW_SIZE) ||
		 (got < 0 && errno == EINTR));
	history->window_part = part;
	history->window_start = start;
	history->window_size = size;
}

static bool
is_in_window(const struct history *history, unsigned part, uint64_t at)
{
	return history->window_size != 0 && history->window_part == part &&
	       at >= history->window_start &&
	       at - history->window_start < history->window_size;
}

/* Bytes of a file from at on, up to limit: at least one, or 0 where there is
 * none, any more or at all. */
static size_t
look(struct history *history, unsigned part, uint64_t at, uint64_t limit,
     const char **bytes)
{
	size_t size;

	if (at >= limit)
		return 0;
	if (!is_in_window(history, part, at))
		fill(history, part, at);
	if (!is_in_window(history, part, at))
		return 0;
	*bytes = history->window + (at - history->window_start);
	size = history->window_size - (size_t)(at - history->window_start);
	return size < limit - at ? size : (size_t)(limit - at);
}

/* The byte at an offset, or -1. */
static int
byte_at(struct history *history, unsigned part, uint64_t at)
{
	const char *bytes;

	if (look(history, part, at, at + 1, &bytes) == 0)
		return -1;
	return (unsigned char)*bytes;
}

static bool
is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

/*
 * Reads the line that begins at *at, and ends with a newline or at end, and
 * moves *at behind it.  False: it is too long, or cannot be read.
 */
static bool
read_line(struct history *history, unsigned part, uint64_t *at, uint64_t end)
{
	const char *bytes, *newline = NULL;
	size_t size, used = 0;

	while ((size = look(history, part, *at, end, &bytes)) != 0) {
		newline = memchr(bytes, '\n', size);
		if (newline != NULL)
			size = (size_t)(newline - bytes);
		if (size > HISTORY_LINE_LIMIT - used)
			return false;
		memcpy(history->text + used, bytes, size);
		used += size;
		*at += size;
		if (newline != NULL) {
			++*at;
			break;
		}
	}
	history->text[used] = '\0';
	history->text_size = used;
	return newline != NULL || *at == end;
}

/* --- stretches ------------------------------------------------------------ */

/* Where the stretch that begins at start ends. */
static uint64_t
stretch_end(struct history *history, unsigned part, uint64_t start)
{
	uint64_t end = history->parts[part].size, at = start;
	const char *bytes, *newline;
	size_t size;

	while ((size = look(history, part, at, end, &bytes)) != 0) {
		newline = memchr(bytes, '\n', size);
		if (newline == NULL) {
			at += size;
			continue;
		}
		at += (uint64_t)(newline - bytes) + 1;
		if (at < end && is_digit(byte_at(history, part, at)))
			return at;
	}
	return end;
}

/*
 * Has bytes that end at end in the window, two at least unless end is less;
 * those that are there already, if they will do.  Returns where they begin.
 */
static uint64_t
fill_before(struct history *history, unsigned part, uint64_t end)
{
	uint64_t start = end > WINDOW_SIZE ? end - WINDOW_SIZE : 0;

	if (end >= 2 && is_in_window(history, part, end - 2) &&
	    is_in_window(history, part, end - 1))
		return history->window_start;
	fill(history, part, start);
	return start;
}

/* Where the stretch that ends at end begins. */
static uint64_t
stretch_start(struct history *history, unsigned part, uint64_t end)
{
	uint64_t high = end, low;
	const char *bytes, *newline;
	size_t size;

	do {
		low = fill_before(history, part, high);
		size = look(history, part, low, high, &bytes);
		/* The last byte has none behind it that is known. */
		while (size > 1 &&
		       (newline = memrchr(bytes, '\n', size - 1)) != NULL) {
			if (is_digit(newline[1]))
				return low + (uint64_t)(newline - bytes) + 1;
			size = (size_t)(newline - bytes) + 1;
		}
		/* Its first byte again, behind the one before it. */
		high = low + 1;
	} while (low > 0);
	return 0;
}

/* --- records -------------------------------------------------------------- */

/* Reads the lines of a record.  Whether they are right, and make a record. */
static bool
check_lines(struct history *history, const struct place *place,
	    struct history_line *first, bool *has_flag)
{
	struct history_line *line = &history->line;
	uint64_t at = place->start, before;
	unsigned flags = 0;
	uint32_t crc = 0;

	while (at < place->end) {
		before = at;
		if (!read_line(history, place->part, &at, place->end))
			return false;
		crc = flagp_text_crc32(crc, history->text, history->text_size);
		if (at - before > history->text_size)
			crc = flagp_text_crc32(crc, "\n", 1);
		if (strlen(history->text) != history->text_size)
			return false;
		flagp_history_read_line(line, history->text);
		if (line->kind == HISTORY_LINE_BAD)
			return false;
		if (before == place->start)
			*first = *line;
		else if (line->kind == HISTORY_LINE_FLAG)
			flags++;
		else if (line->kind != HISTORY_LINE_UNKNOWN)
			return false;
		if (line->kind == HISTORY_LINE_FLAG &&
		    history->filter.flag != NULL &&
		    strcmp(history->filter.flag, line->flag.name) == 0)
			*has_flag = true;
	}
	return crc == place->crc && (first->kind != HISTORY_LINE_CHANGE ||
				     first->change.flags == flags);
}

/* What a stretch came to. */
struct found {
	bool good, damaged;
	bool has_flag;			/* that of the filter */
	struct place place;
	struct history_line first;
};

/*
 * The place of a record whose frame stands at start, in a stretch that ends at
 * end; false: there is none.  Nothing behind end is looked at: the window of
 * who reads backwards stays where it is.
 */
static bool
read_frame(struct history *history, unsigned part, uint64_t start,
	   uint64_t end, struct place *place)
{
	char bytes[HISTORY_FRAME_MAX];
	struct history_frame frame;
	size_t size = 0;
	int byte;

	while (size < sizeof(bytes) && start + size < end &&
	       (byte = byte_at(history, part, start + size)) >= 0)
		bytes[size++] = (char)byte;
	if (!flagp_history_frame(bytes, size, &frame))
		return false;
	*place = (struct place) {
		part, start + frame.prefix, start + frame.prefix + frame.length,
		frame.crc
	};
	return true;
}

/* Whether a record is good; its stretch ends at end. */
static bool
is_good(struct history *history, struct found *found, uint64_t end)
{
	const struct place *place = &found->place;

	found->has_flag = false;
	found->first.kind = HISTORY_LINE_UNKNOWN;
	/* A newline follows, or nothing does. */
	if (place->end < end ?
	    byte_at(history, place->part, place->end) != '\n' :
	    place->end > end || end != history->parts[place->part].size)
		return false;
	return check_lines(history, place, &found->first, &found->has_flag) &&
	       found->first.kind != HISTORY_LINE_FLAG;
}

static void
look_at_stretch(struct history *history, unsigned part, uint64_t start,
		uint64_t end, struct found *found)
{
	found->good = false;
	if (read_frame(history, part, start, end, &found->place)) {
		found->good = is_good(history, found, end);
		if (!found->good && found->place.end + 1 < end &&
		    read_frame(history, part, found->place.end + 1, end,
			       &found->place))
			found->good = is_good(history, found, end);
	}
	found->damaged = !found->good || found->place.end + 1 < end ||
			 found->place.start - start > HISTORY_FRAME_MAX;
}

static bool
is_wanted(const struct history *history, const struct found *found)
{
	const struct history_filter *filter = &history->filter;
	const struct history_change *change = &found->first.change;

	return found->first.kind == HISTORY_LINE_CHANGE &&
	       (filter->flag == NULL || found->has_flag) &&
	       change->at >= filter->since &&
	       change->generation >= filter->from &&
	       (filter->to == 0 || change->generation <= filter->to) &&
	       (!filter->persons || strcmp(change->by, HISTORY_PERSON) == 0);
}

/* --- order ---------------------------------------------------------------- */

/* The next stretch, or false at the end of all files. */
static bool
next_stretch(struct history *history, uint64_t *start, uint64_t *end)
{
	bool back = history->order == HISTORY_NEWEST_FIRST;

	if (history->count == 0)
		return false;
	while (history->at == (back ? 0 :
			       history->parts[history->part].size)) {
		if (history->part == (back ? history->count - 1 : 0))
			return false;
		history->part += back ? 1 : -1u;
		history->at = back ? history->parts[history->part].size : 0;
	}
	*start = *end = history->at;
	if (back)
		*start = stretch_start(history, history->part, *end);
	else
		*end = stretch_end(history, history->part, *start);
	return true;
}

/* A part of a record at the very end, which may be in the making, is not
 * damage. */
static void
note_damage(struct history *history, const struct found *found, uint64_t end)
{
	if (!found->damaged)
		return;
	if (!found->good && history->part == 0 &&
	    end == history->parts[0].size)
		history->seen.torn = true;
	else
		history->seen.damaged++;
}

bool
flagp_history_next(struct history *history, struct history_change *change)
{
	struct found found;
	uint64_t start, end;

	history->current = (struct place) { 0 };
	history->flag_at = 0;
	while (next_stretch(history, &start, &end)) {
		look_at_stretch(history, history->part, start, end, &found);
		note_damage(history, &found, end);
		history->at = history->order == HISTORY_NEWEST_FIRST ? start :
								       end;
		if (!found.good || !is_wanted(history, &found))
			continue;
		history->current = found.place;
		history->flag_at = found.place.start;
		*change = found.first.change;
		return true;
	}
	return false;
}

int
flagp_history_flag(struct history *history, struct history_flag *flag)
{
	const struct place *place = &history->current;

	while (history->flag_at < place->end) {
		if (!read_line(history, place->part, &history->flag_at,
			       place->end))
			return -FLAG_EIO;
		flagp_history_read_line(&history->line, history->text);
		if (history->line.kind == HISTORY_LINE_BAD)
			return -FLAG_EIO;
		if (history->line.kind == HISTORY_LINE_FLAG) {
			*flag = history->line.flag;
			return 1;
		}
	}
	return 0;
}

int
flagp_history_copy(struct history *history, struct history_draft *draft)
{
	const struct place *place = &history->current;
	uint64_t at = place->start;
	const char *bytes;
	size_t size;

	flagp_history_begin(draft, &flagp_history_no_change);
	while ((size = look(history, place->part, at, place->end,
			    &bytes)) != 0) {
		flagp_text_add_bytes(&draft->copied, bytes, size);
		at += size;
	}
	if (draft->copied.failed)
		return -FLAG_ENOMEM;
	at = place->start;
	if (flagp_text_crc32(0, draft->copied.data, draft->copied.size) !=
	    place->crc ||
	    !read_line(history, place->part, &at, place->end))
		return -FLAG_EIO;
	flagp_history_read_line(&history->line, history->text);
	if (history->line.kind != HISTORY_LINE_CHANGE)
		return -FLAG_EIO;
	draft->change = history->line.change;
	return 0;
}

void
flagp_history_seek(struct history *history, enum history_order order,
		   const struct history_filter *filter)
{
	static const struct history_filter all;

	history->order = order;
	history->filter = filter != NULL ? *filter : all;
	history->seen.damaged = 0;
	history->seen.torn = false;
	history->current = (struct place) { 0 };
	history->flag_at = 0;
	history->part = history->at = 0;
	if (history->count == 0)
		return;
	if (order == HISTORY_NEWEST_FIRST)
		history->at = history->parts[0].size;
	else
		history->part = history->count - 1;
}

struct history_seen
flagp_history_seen(const struct history *history)
{
	return history->seen;
}

/* --- questions ------------------------------------------------------------ */

bool
flagp_history_find(struct history *history, uint64_t generation,
		   struct history_change *change)
{
	const struct history_filter filter = {
		.from = generation, .to = generation
	};

	flagp_history_seek(history, HISTORY_NEWEST_FIRST, &filter);
	return generation != 0 && flagp_history_next(history, change);
}

uint64_t
flagp_history_newest(struct history *history)
{
	struct history_change change;

	flagp_history_seek(history, HISTORY_NEWEST_FIRST, NULL);
	return flagp_history_next(history, &change) ? change.generation : 0;
}

static bool
same_override(const struct history_override *a,
	      const struct history_override *b)
{
	if (a->share == FLAGP_SHARE_NONE || b->share == FLAGP_SHARE_NONE)
		return a->share == b->share;
	return a->share == b->share && a->until == b->until &&
	       strcmp(a->boot, b->boot) == 0;
}

/* The flag of that name of the current change: 1, or -FLAG_EIO. */
static int
find_flag(struct history *history, const char *name,
	  struct history_flag *flag)
{
	int code;

	do
		code = flagp_history_flag(history, flag);
	while (code == 1 && strcmp(flag->name, name) != 0);
	return code == 1 ? 1 : -FLAG_EIO;
}

int
flagp_history_state_after(struct history *history, uint64_t generation,
			  const char *name, struct history_state *state)
{
	const struct history_filter filter = { .flag = name };
	struct history_change change;
	struct history_flag flag;
	int known = 0, code;

	state->agrees = true;
	flagp_history_seek(history, HISTORY_NEWEST_FIRST, &filter);
	while (flagp_history_next(history, &change)) {
		code = find_flag(history, name, &flag);
		if (code < 0)
			return code;
		if (change.generation <= generation) {
			state->agrees = known == 0 ||
					same_override(&state->override,
						      &flag.now);
			state->override = flag.now;
			state->generation = change.generation;
			return 1;
		}
		state->override = flag.was;
		state->generation = change.generation;
		known = 1;
	}
	return known;
}

/* --- files ---------------------------------------------------------------- */

/* Whether a file moved on while the ones before it were opened. */
static bool
is_open(const struct history *history, const struct stat *info)
{
	unsigned i;

	for (i = 0; i < history->count; i++)
		if (history->parts[i].device == info->st_dev &&
		    history->parts[i].inode == info->st_ino)
			return true;
	return false;
}

/* Takes an open file, which must be a regular one. */
static int
take_part(struct history *history, int descriptor)
{
	struct part *part = &history->parts[history->count];
	struct stat info;

	if (fstat(descriptor, &info) != 0)
		return -errno;
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	if (is_open(history, &info))
		return 0;
	*part = (struct part) {
		descriptor, info.st_dev, info.st_ino, (uint64_t)info.st_size
	};
	history->count++;
	return 1;
}

static void
note_version(struct history *history, unsigned part)
{
	struct found found;

	look_at_stretch(history, part, 0, stretch_end(history, part, 0),
			&found);
	if (found.good && found.first.kind == HISTORY_LINE_HEAD &&
	    found.first.version > HISTORY_VERSION)
		history->seen.newer = true;
}

static int
open_part(struct history *history, int directory, const char *name)
{
	/* O_NONBLOCK: opening a FIFO does not wait for its writer. */
	int descriptor = flagp_io_open(directory, name, O_RDONLY | O_NONBLOCK |
				       O_NOFOLLOW | O_NOCTTY, 0);
	int code;

	if (descriptor < 0)
		return descriptor == -ENOENT ? 0 : descriptor;
	code = take_part(history, descriptor);
	if (code != 1) {
		close(descriptor);
		return code;
	}
	note_version(history, history->count - 1);
	return 0;
}

int
flagp_history_open(struct history **opened, int directory,
		   struct flag_error *error)
{
	struct history *history = calloc(1, sizeof(*history));
	char name[PART_NAME_SIZE] = HISTORY_NAME, reason[128];
	unsigned i;
	int code;

	*opened = NULL;
	if (history == NULL)
		return flagp_error_set(error, FLAG_ENOMEM, HISTORY_NAME, 0,
				       "out of memory");
	/* Newest first: a file that moves on meanwhile is met again, and none
	 * is missed. */
	code = open_part(history, directory, name);
	for (i = 1; code == 0 && i <= HISTORY_OLDER; i++) {
		snprintf(name, sizeof(name), HISTORY_NAME ".%u", i);
		code = open_part(history, directory, name);
	}
	if (code != 0) {
		flagp_history_close(history);
		return flagp_error_set(error, flagp_error_code(code), name, 0,
				       "cannot be read: %s",
				       strerror_r(-code, reason,
						  sizeof(reason)));
	}
	flagp_history_seek(history, HISTORY_NEWEST_FIRST, NULL);
	*opened = history;
	return 0;
}

void
flagp_history_close(struct history *history)
{
	unsigned i;

	if (history == NULL)
		return;
	for (i = 0; i < history->count; i++)
		close(history->parts[i].descriptor);
	free(history);
}
