/* SPDX-License-Identifier: MIT */
/* proc_scan.c - the reading side of registrations: who is alive, and what
 * each process last wrote of itself. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "store/proc.h"

#define ENTRY_LIMIT (64u << 20)

static bool
field_number(const char *line, const char *key, int base, uint64_t *value)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) != 0 || line[length] != ' ')
		return false;
	*value = strtoull(line + length + 1, NULL, base);
	return true;
}

static bool
field_text(const char *line, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) != 0 || line[length] != ' ')
		return false;
	snprintf(value, size, "%s", line + length + 1);
	return true;
}

static void
parse_texts(struct proc_head *head, const char *line)
{
	char driver[16];

	if (field_text(line, "service", head->service, sizeof(head->service)) ||
	    field_text(line, "program", head->program, sizeof(head->program)) ||
	    field_text(line, "version", head->version, sizeof(head->version)) ||
	    field_text(line, "instance", head->instance,
		       sizeof(head->instance)) ||
	    field_text(line, "environment", head->environment,
		       sizeof(head->environment)) ||
	    field_text(line, "watch", head->watch, sizeof(head->watch)) ||
	    field_text(line, "error", head->error, sizeof(head->error)))
		return;
	if (!field_text(line, "driver", driver, sizeof(driver)))
		return;
	head->driver = strcmp(driver, "thread") == 0 ? PROC_DRIVER_THREAD :
		       strcmp(driver, "loop") == 0   ? PROC_DRIVER_LOOP :
						       PROC_DRIVER_NONE;
}

static void
parse_line(struct proc_head *head, const char *line)
{
	uint64_t n;

	if (field_number(line, "pid", 10, &n))
		head->pid = (int)n;
	else if (field_number(line, "start", 10, &n))
		head->start = n;
	else if (field_number(line, "board", 10, &n))
		head->board = n;
	else if (field_number(line, "own_cells", 10, &n))
		head->own_cells = n != 0;
	else if (field_number(line, "started", 10, &n))
		head->started = (int64_t)n;
	else if (field_number(line, "tick_ms", 10, &n))
		head->tick_ms = (int64_t)n;
	else if (field_number(line, "clean", 10, &n))
		head->clean = n != 0;
	else if (field_number(line, "generation", 10, &n))
		head->generation = n;
	else if (field_number(line, "overrides_run", 10, &n))
		head->ack.overrides_run = n;
	else if (field_number(line, "overrides_state", 10, &n))
		head->ack.overrides_state = n;
	else if (field_number(line, "trips_run", 10, &n))
		head->ack.trips_run = n;
	else if (field_number(line, "trips_state", 10, &n))
		head->ack.trips_state = n;
	else if (field_number(line, "panic", 10, &n))
		head->ack.panic = n;
	else if (field_number(line, "config", 16, &n))
		head->ack.config = n;
	else if (field_number(line, "flags", 10, &n))
		head->flags = (uint32_t)n;
	else
		parse_texts(head, line);
}

/* Returns whether the head is one that this version understands. */
static bool
parse_head(struct proc_head *head, const char *data)
{
	char copy[PROC_HEAD + 1], *line, *rest = copy;
	uint64_t version;

	memcpy(copy, data, PROC_HEAD);
	copy[PROC_HEAD] = '\0';
	line = strsep(&rest, "\n");
	if (!field_number(line, "ripcord-process", 10, &version) ||
	    version != 1)
		return false;
	while ((line = strsep(&rest, "\n")) != NULL)
		parse_line(head, line);
	return true;
}

static bool
parse_flag(struct proc_flag *flag, const char *data)
{
	char line[PROC_LINE + 1];
	unsigned initial, units;
	int at = 0;
	size_t length;

	memcpy(line, data, PROC_LINE);
	line[PROC_LINE - 1] = '\0';
	if (sscanf(line, "%48s %" SCNx32 " %" SCNx32 " %u %u %" SCNu64 " %n",
		   flag->name, &flag->word, &flag->threshold, &initial,
		   &units, &flag->generation, &at) != 6 || at == 0)
		return false;
	flag->initial = initial != 0;
	flag->keys = (units & 1u) != 0;
	flag->calls = (units & 2u) != 0;
	flag->tunable = units >> 2 <= PROC_TUNABLE(VALUE_STRING) ? units >> 2 :
								    0;
	snprintf(flag->source, sizeof(flag->source), "%s", line + at);
	length = strlen(flag->source);
	while (length > 0 && flag->source[length - 1] == ' ')
		flag->source[--length] = '\0';
	return flagp_text_is_name(flag->name);
}

static void
problem(struct proc_entry *entry, const char *text, int error)
{
	if (error != 0)
		snprintf(entry->problem, sizeof(entry->problem), "%s: %s", text,
			 strerror(error));
	else
		snprintf(entry->problem, sizeof(entry->problem), "%s", text);
}

static void
parse_flags(struct proc_entry *entry, const struct text *text)
{
	size_t room = (text->size - PROC_HEAD) / PROC_LINE;

	if (entry->head.flags > room)
		entry->head.flags = (uint32_t)room;
	entry->flags = calloc(entry->head.flags + 1, sizeof(*entry->flags));
	if (entry->flags == NULL)
		problem(entry, "cannot be read", ENOMEM);
	for (uint32_t i = 0; entry->flags != NULL && i < entry->head.flags;
	     i++) {
		const char *line = text->data + PROC_HEAD + i * PROC_LINE;

		if (parse_flag(&entry->flags[i], line))
			continue;
		snprintf(entry->problem, sizeof(entry->problem),
			 "line of flag %u is not readable", i + 1);
		entry->head.flags = i;
	}
}

/* Reads with pread: the file is written in place while we look. */
static int
read_entry(int descriptor, bool flags, struct text *text)
{
	char buffer[PROC_HEAD];
	off_t at = 0;
	ssize_t size;

	while ((size = pread(descriptor, buffer, sizeof(buffer), at)) > 0) {
		flagp_text_add_bytes(text, buffer, (size_t)size);
		at += size;
		if (!flags || at > (off_t)ENTRY_LIMIT)
			break;
	}
	if (size < 0)
		return -errno;
	return text->failed ? -ENOMEM : 0;
}

/* Whether the process of an open /proc/PID has ended and only its parent has
 * not asked yet: it holds no lock and reads no flag any more. */
static bool
is_zombie(int directory)
{
	char buffer[256], *end;
	ssize_t size;
	int descriptor = flagp_io_open(directory, "stat", O_RDONLY, 0);

	if (descriptor < 0)
		return false;
	size = read(descriptor, buffer, sizeof(buffer) - 1);
	close(descriptor);
	buffer[size > 0 ? size : 0] = '\0';
	/* The state follows the program's name, which may hold anything. */
	end = strrchr(buffer, ')');
	return end != NULL && end[1] == ' ' && (end[2] == 'Z' || end[2] == 'X');
}

/* Whether /proc/PID still is the process that registered.  Trusts the lock
 * where the process cannot be seen (another pid namespace). */
static bool
same_process(const struct proc_head *head)
{
	char path[64];
	struct stat status;
	int directory;
	uint64_t start;
	bool zombie;

	snprintf(path, sizeof(path), "/proc/%d", head->pid);
	if (stat(path, &status) != 0)
		return false;
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return errno == EACCES || errno == EPERM;
	start = flagp_proc_start_time(directory, "stat");
	zombie = is_zombie(directory);
	close(directory);
	if (zombie)
		return false;
	return start == 0 || head->start == 0 || start == head->start;
}

/*
 * A process that registered in the fork handler and then called exec lost its
 * lock with its cells: it runs another program and maps no board any more.
 */
static bool
ran_another_program(const struct proc_head *head)
{
	char path[64], line[512], inode[32];
	FILE *maps;
	bool mapped = false;

	if (head->board == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/maps", head->pid);
	snprintf(inode, sizeof(inode), " %" PRIu64 " ", head->board);
	maps = fopen(path, "re");
	if (maps == NULL)
		return false;
	while (!mapped && fgets(line, sizeof(line), maps) != NULL)
		mapped = strstr(line, "ripcord:") != NULL &&
			 strstr(line, inode) != NULL;
	mapped = mapped || ferror(maps);
	fclose(maps);
	return !mapped;
}

static enum proc_life
life_of(int descriptor, const struct proc_head *head)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		return PROC_LIVE;
	if (!same_process(head) || ran_another_program(head))
		return PROC_DEAD;
	return PROC_UNLOCKED;
}

static void
scan_entry(struct proc_entry *entry, int proc, const char *name, bool flags)
{
	struct text text = TEXT_INIT;
	int descriptor, result;

	memset(entry, 0, sizeof(*entry));
	sscanf(name, "%d.%" SCNu64, &entry->head.pid, &entry->head.start);
	/* O_NONBLOCK: opening a FIFO does not wait for its writer. */
	descriptor = flagp_io_open(proc, name, O_RDONLY | O_NOFOLLOW |
				   O_NONBLOCK | O_NOCTTY, 0);
	if (descriptor < 0) {
		problem(entry, "cannot be read", -descriptor);
		entry->life = same_process(&entry->head) ? PROC_UNLOCKED :
							   PROC_DEAD;
		return;
	}
	result = read_entry(descriptor, flags, &text);
	if (result < 0)
		problem(entry, "cannot be read", -result);
	else if (text.size < PROC_HEAD || !parse_head(&entry->head, text.data))
		problem(entry, "is not a registration of this version", 0);
	else if (flags)
		parse_flags(entry, &text);
	entry->life = life_of(descriptor, &entry->head);
	close(descriptor);
	flagp_text_free(&text);
}

static int
by_pid(const void *left, const void *right)
{
	const struct proc_entry *a = left, *b = right;

	return (a->head.pid > b->head.pid) - (a->head.pid < b->head.pid);
}

static struct proc_entry *
append(struct proc_list *list)
{
	struct proc_entry *grown;

	/* Grows at 0, 16, 32, 64 ...: powers of two from 16 on. */
	if (list->count == 0 ||
	    (list->count >= 16 && (list->count & (list->count - 1)) == 0)) {
		size_t room = list->count == 0 ? 16 : list->count * 2;

		grown = realloc(list->entries, room * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		list->entries = grown;
	}
	return &list->entries[list->count++];
}

static DIR *
open_folder(int proc)
{
	int copy = flagp_io_open(proc, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);

	if (directory == NULL && copy >= 0)
		close(copy);
	return directory;
}

static bool
is_entry(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

static void
sweep_entry(int proc, const char *name)
{
	struct proc_entry entry;
	struct stat status;

	scan_entry(&entry, proc, name, false);
	if (entry.life != PROC_DEAD || fstatat(proc, name, &status, 0) != 0)
		return;
	if (entry.head.driver == PROC_DRIVER_NONE ||
	    flagp_clock_wall() - status.st_mtime > PROC_KEEP_S)
		unlinkat(proc, name, 0);
}

void
flagp_proc_sweep(int proc, const struct proc_head *own)
{
	DIR *directory = proc < 0 ? NULL : open_folder(proc);
	struct dirent *found;

	while (directory != NULL && (found = readdir(directory)) != NULL) {
		if (is_entry(found->d_name) &&
		    atoi(found->d_name) != own->pid)
			sweep_entry(proc, found->d_name);
	}
	if (directory != NULL)
		closedir(directory);
}

int
flagp_proc_scan(struct proc_list *list, int proc, bool flags)
{
	struct proc_entry *entry;
	struct dirent *found;
	DIR *directory;
	int result = 0;

	memset(list, 0, sizeof(*list));
	errno = ENOMEM;
	directory = open_folder(proc);
	if (directory == NULL)
		return -errno;
	while (result == 0 && (found = readdir(directory)) != NULL) {
		if (!is_entry(found->d_name))
			continue;
		entry = append(list);
		if (entry == NULL)
			result = -ENOMEM;
		else
			scan_entry(entry, proc, found->d_name, flags);
	}
	closedir(directory);
	if (list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries),
		      by_pid);
	return result;
}

void
flagp_proc_free(struct proc_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i].flags);
	free(list->entries);
	memset(list, 0, sizeof(*list));
}
