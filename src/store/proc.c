/* SPDX-License-Identifier: MIT */
/*
 * proc.c - the writing side of registrations.  Everything here runs in the
 * fork handler too: no allocation, no lock, no stdio.
 */
#include "store/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* A fixed buffer that is filled from the front; what does not fit is lost. */
struct filler {
	char *data;
	size_t used, room;
};

static void
put(struct filler *filler, const char *text, size_t size)
{
	if (size > filler->room - filler->used)
		size = filler->room - filler->used;
	memcpy(filler->data + filler->used, text, size);
	filler->used += size;
}

/*
 * base: 10 or 16.  Written where it belongs, from its end; lines are many, and
 * neither a division by a variable nor a copy of what was just written is
 * cheap.
 */
static void
put_number(struct filler *filler, uint64_t number, unsigned base, int width)
{
	int length = 1;
	char *start = filler->data + filler->used, *at;

	for (uint64_t left = number; base == 16 && left > 15; left /= 16)
		length++;
	for (uint64_t left = number; base == 10 && left > 9; left /= 10)
		length++;
	if (length < width)
		length = width;
	if ((size_t)length > filler->room - filler->used)
		return;
	at = start + length;
	for (; base == 16 && number > 15; number /= 16)
		*--at = "0123456789abcdef"[number % 16];
	for (; base == 10 && number > 9; number /= 10)
		*--at = (char)('0' + number % 10);
	*--at = "0123456789abcdef"[number];
	memset(start, '0', (size_t)(at - start));
	filler->used += (size_t)length;
}

/* What others wrote may hold anything; a line of ours holds no control
 * character. */
static void
put_printable(struct filler *filler, const char *text, size_t size)
{
	for (; size > 0 && *text != '\0'; text++, size--) {
		unsigned char c = (unsigned char)*text;

		if (filler->used == filler->room)
			return;
		filler->data[filler->used++] =
			c < 0x20 || c == 0x7f ? '?' : *text;
	}
}

static void
line_text(struct filler *filler, const char *key, const char *value)
{
	put(filler, key, strlen(key));
	put(filler, " ", 1);
	put_printable(filler, value, SIZE_MAX);
	put(filler, "\n", 1);
}

static void
line_number(struct filler *filler, const char *key, uint64_t number,
	    unsigned base)
{
	put(filler, key, strlen(key));
	put(filler, " ", 1);
	put_number(filler, number, base, 1);
	put(filler, "\n", 1);
}

static const char *const driver_names[] = {
	[PROC_DRIVER_NONE] = "none",
	[PROC_DRIVER_THREAD] = "thread",
	[PROC_DRIVER_LOOP] = "loop",
};

void
flagp_proc_format_head(const struct proc_head *head, char *buffer)
{
	struct filler filler = { buffer, 0, PROC_HEAD - 1 };

	line_number(&filler, "ripcord-process", 1, 10);
	line_number(&filler, "pid", (uint64_t)head->pid, 10);
	line_number(&filler, "start", head->start, 10);
	line_text(&filler, "service", head->service);
	line_text(&filler, "program", head->program);
	line_text(&filler, "version", head->version);
	line_text(&filler, "instance", head->instance);
	line_text(&filler, "environment", head->environment);
	line_number(&filler, "board", head->board, 10);
	line_number(&filler, "own_cells", head->own_cells, 10);
	line_text(&filler, "driver", driver_names[head->driver]);
	line_text(&filler, "watch", head->watch);
	line_number(&filler, "started", (uint64_t)head->started, 10);
	line_number(&filler, "tick_ms", (uint64_t)head->tick_ms, 10);
	line_number(&filler, "clean", head->clean, 10);
	line_number(&filler, "generation", head->generation, 10);
	line_number(&filler, "overrides_run", head->ack.overrides_run, 10);
	line_number(&filler, "overrides_state", head->ack.overrides_state, 10);
	line_number(&filler, "trips_run", head->ack.trips_run, 10);
	line_number(&filler, "trips_state", head->ack.trips_state, 10);
	line_number(&filler, "panic", head->ack.panic, 10);
	line_number(&filler, "config", head->ack.config, 16);
	line_number(&filler, "flags", head->flags, 10);
	line_text(&filler, "error", head->error);
	memset(buffer + filler.used, ' ', PROC_HEAD - filler.used);
	buffer[PROC_HEAD - 1] = '\n';
}

static void
pad_to(struct filler *filler, size_t column)
{
	if (column > filler->room)
		column = filler->room;
	if (filler->used < column) {
		memset(filler->data + filler->used, ' ',
		       column - filler->used);
		filler->used = column;
	}
}

/*
 * Columns: name 0, word 49, threshold 58, initial 67, units 69 (1 keys,
 * 2 calls, and 4 times what a tunable is), generation 72, source 93.
 */
void
flagp_proc_format_flag(const struct proc_flag *flag, char *buffer)
{
	struct filler filler = { buffer, 0, PROC_LINE - 1 };

	put(&filler, flag->name, strlen(flag->name));
	pad_to(&filler, 49);
	put_number(&filler, flag->word, 16, 8);
	put(&filler, " ", 1);
	put_number(&filler, flag->threshold, 16, 8);
	put(&filler, flag->initial ? " 1 " : " 0 ", 3);
	put_number(&filler, flag->keys | (unsigned)flag->calls << 1 |
		   flag->tunable << 2, 10, 2);
	put(&filler, " ", 1);
	put_number(&filler, flag->generation, 10, 20);
	put(&filler, " ", 1);
	put_printable(&filler, flag->source, sizeof(flag->source));
	pad_to(&filler, PROC_LINE - 1);
	buffer[PROC_LINE - 1] = '\n';
}

/* "PID.START", or with before "." and after ".tmp" a name that is no entry. */
static void
entry_name(const struct proc_head *head, const char *before,
	   const char *after, char *name, size_t size)
{
	struct filler filler = { name, 0, size - 1 };

	put(&filler, before, strlen(before));
	put_number(&filler, (uint64_t)head->pid, 10, 1);
	put(&filler, ".", 1);
	put_number(&filler, head->start, 10, 1);
	put(&filler, after, strlen(after));
	name[filler.used] = '\0';
}

static int
write_and_lock(int descriptor, const struct proc_head *head)
{
	char buffer[PROC_HEAD];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int result;

	flagp_proc_format_head(head, buffer);
	result = flagp_io_write_at(descriptor, buffer, sizeof(buffer), 0);
	if (result != 0)
		return result;
	if (fcntl(descriptor, F_SETLK, &lock) != 0)
		return -errno;
	return 0;
}

int
flagp_proc_create(int proc, const struct proc_head *head)
{
	char temporary[64], name[64];
	int descriptor, result;

	if (proc < 0)
		return -ENOENT;
	entry_name(head, ".", ".tmp", temporary, sizeof(temporary));
	entry_name(head, "", "", name, sizeof(name));
	unlinkat(proc, temporary, 0);
	descriptor = flagp_io_open(proc, temporary,
				   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
				   0660);
	if (descriptor < 0)
		return descriptor;
	fchmod(descriptor, 0660);
	result = write_and_lock(descriptor, head);
	if (result == 0 && renameat(proc, temporary, proc, name) != 0)
		result = -errno;
	if (result == 0)
		return descriptor;
	close(descriptor);
	unlinkat(proc, temporary, 0);
	return result;
}

uint64_t
flagp_proc_start_time(int directory, const char *stat_name)
{
	char buffer[1024], *at;
	ssize_t size;
	int descriptor;
	uint64_t start = 0;

	if (directory < 0)
		return 0;
	descriptor = openat(directory, stat_name, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return 0;
	size = read(descriptor, buffer, sizeof(buffer) - 1);
	close(descriptor);
	if (size <= 0)
		return 0;
	buffer[size] = '\0';

	/* The program name, field 2, may hold blanks and parentheses. */
	at = strrchr(buffer, ')');
	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at, ' ');
		if (at != NULL)
			at++;
	}
	for (; at != NULL && *at >= '0' && *at <= '9'; at++)
		start = start * 10 + (uint64_t)(*at - '0');
	return start;
}

bool
flagp_proc_stands(int proc, const struct proc_head *head, int descriptor)
{
	struct stat named, ours;
	char name[64];

	entry_name(head, "", "", name, sizeof(name));
	return fstatat(proc, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(descriptor, &ours) == 0 &&
	       named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

void
flagp_proc_remove(int proc, const struct proc_head *head)
{
	char name[64];

	if (proc < 0)
		return;
	entry_name(head, "", "", name, sizeof(name));
	unlinkat(proc, name, 0);
}
