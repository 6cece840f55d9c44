/* SPDX-License-Identifier: MIT */
/* families.c - who has acknowledged, and who is not to be seen. */
#include "flagctl/families.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "flagctl/print.h"

#define STALE_MS 2000

/* What stands before a board's name. */
#define BOARD_MARK "/memfd:"

static bool
is_driver(const struct proc_entry *entry)
{
	return entry->life == PROC_LIVE && entry->problem[0] == '\0' &&
	       entry->head.driver != PROC_DRIVER_NONE;
}

bool
flagp_families_is_stale(const struct proc_entry *entry)
{
	return is_driver(entry) &&
	       flagp_clock_ms() - entry->head.tick_ms > STALE_MS;
}

static bool
reached(const struct proc_ack *ack, const struct families_goal *goal)
{
	const struct proc_ack *least = &goal->ack;

	return ack->overrides_run >= least->overrides_run &&
	       ack->overrides_state >= least->overrides_state &&
	       ack->trips_run >= least->trips_run &&
	       ack->trips_state >= least->trips_state &&
	       ack->panic >= least->panic &&
	       (!goal->no_panic || ack->panic == 0) &&
	       (!goal->config || ack->config == least->config);
}

static bool
same_family(const struct proc_entry *a, const struct proc_entry *b)
{
	return a == b ||
	       (a->head.board != 0 && a->head.board == b->head.board);
}

/* Whether this entry is the first live one of its family. */
static bool
is_first(const struct proc_list *procs, size_t index)
{
	const struct proc_entry *entry = &procs->entries[index];

	if (entry->life == PROC_DEAD)
		return false;
	for (size_t i = 0; i < index; i++)
		if (procs->entries[i].life != PROC_DEAD &&
		    same_family(&procs->entries[i], entry))
			return false;
	return true;
}

/* Whether entry has to acknowledge for itself, family or not. */
static bool
stands_alone(const struct proc_entry *entry, const struct families_goal *goal)
{
	return entry->head.own_cells || (goal->config && is_driver(entry));
}

static bool
family_acknowledged(const struct proc_list *procs,
		    const struct proc_entry *first,
		    const struct families_goal *goal)
{
	bool acknowledged = false;

	for (size_t i = 0; i < procs->count; i++) {
		const struct proc_entry *entry = &procs->entries[i];
		bool ok;

		if (entry->life == PROC_DEAD || !same_family(first, entry))
			continue;
		ok = is_driver(entry) && reached(&entry->head.ack, goal);
		if (stands_alone(entry, goal) && !ok)
			return false;
		acknowledged |= ok;
	}
	return acknowledged;
}

size_t
flagp_families_count(const struct proc_list *procs)
{
	size_t count = 0;

	for (size_t i = 0; i < procs->count; i++)
		count += is_first(procs, i);
	return count;
}

bool
flagp_families_judge(const struct proc_list *procs,
		     const struct families_goal *goal,
		     struct families_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	for (size_t i = 0; i < procs->count; i++) {
		const struct proc_entry *entry = &procs->entries[i];

		if (entry->life == PROC_DEAD)
			continue;
		verdict->processes++;
		verdict->unreadable += entry->problem[0] != '\0';
		if (!is_first(procs, i))
			continue;
		verdict->families++;
		verdict->acknowledged += family_acknowledged(procs, entry,
							     goal);
	}
	return verdict->families > 0 && verdict->unreadable == 0 &&
	       verdict->acknowledged == verdict->families;
}

/* --- naming them ------------------------------------------------------- */

/* The state letter of a process, '?' where it cannot be read. */
static char
process_state(int pid)
{
	char path[32], line[512], *end, state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return state;
	if (fgets(line, sizeof(line), file) != NULL) {
		end = strrchr(line, ')');
		if (end != NULL && end[1] == ' ')
			state = end[2];
	}
	fclose(file);
	return state;
}

static void
reason_of(const struct proc_entry *entry, char *buffer, size_t size)
{
	char state = process_state(entry->head.pid), span[32];
	int64_t age = flagp_clock_ms() - entry->head.tick_ms;

	if (state == 'T' || state == 't')
		snprintf(buffer, size, "stopped (%c)", state);
	else if (state == 'D')
		snprintf(buffer, size, "waiting for a disk (D)");
	else if (state == 'Z')
		snprintf(buffer, size, "a zombie (Z)");
	else if (entry->problem[0] != '\0')
		snprintf(buffer, size, "its registration %s", entry->problem);
	else if (entry->life == PROC_UNLOCKED)
		snprintf(buffer, size, "its registration has lost its lock");
	else if (entry->head.driver == PROC_DRIVER_NONE)
		snprintf(buffer, size, "no driver for its own flags");
	else if (age > STALE_MS)
		snprintf(buffer, size, "its driver last turned %s ago",
			 flagp_print_span(age, span, sizeof(span)));
	else
		snprintf(buffer, size, "it is at generation %llu",
			 (unsigned long long)entry->head.generation);
}

static void
name_process(const struct proc_entry *entry)
{
	char reason[160];

	reason_of(entry, reason, sizeof(reason));
	flagp_print_fail(CODE_UNACKNOWLEDGED,
			 "pid %d (%s) has not acknowledged: %s",
			 entry->head.pid, entry->head.program, reason);
}

/* Names the processes on which this family waits. */
static void
complain_of_family(const struct proc_list *procs,
		   const struct proc_entry *first,
		   const struct families_goal *goal)
{
	size_t members = 0, named = 0;

	for (size_t i = 0; i < procs->count; i++) {
		const struct proc_entry *entry = &procs->entries[i];

		if (entry->life == PROC_DEAD || !same_family(first, entry))
			continue;
		members++;
		if (is_driver(entry) && reached(&entry->head.ack, goal))
			continue;
		if (!is_driver(entry) && !stands_alone(entry, goal) &&
		    entry->problem[0] == '\0' && entry->life == PROC_LIVE)
			continue;
		name_process(entry);
		named++;
	}
	if (named == 0)
		flagp_print_fail(CODE_UNACKNOWLEDGED,
			"board %llu: no driver (%zu processes, among them pid "
			"%d (%s)); nobody keeps their flags up to date",
			(unsigned long long)first->head.board, members,
			first->head.pid, first->head.program);
}

void
flagp_families_complain(const struct proc_list *procs,
			const struct families_goal *goal)
{
	for (size_t i = 0; i < procs->count; i++) {
		const struct proc_entry *entry = &procs->entries[i];

		if (is_first(procs, i) &&
		    !family_acknowledged(procs, entry, goal))
			complain_of_family(procs, entry, goal);
	}
}

/* --- the words ---------------------------------------------------------- */

static bool
is_wrong(const struct client *client, const struct proc_entry *entry,
	 const struct proc_flag *flag, uint64_t generation)
{
	struct layers_answer answer;

	if (flag->tunable != 0 || flag->generation > generation)
		return false;
	flagp_client_ask_process(client, entry, flag->name, &answer);
	/* What refused files would say, nobody knows. */
	if (client->conf == NULL && answer.winner >= LAYER_DROPIN)
		return false;
	return !flagp_client_agrees(entry, flag, answer.effective);
}

static size_t
wrong_in(const struct client *client, const struct proc_entry *entry,
	 const char *name, uint64_t generation)
{
	char word[CLIENT_WORD_SIZE];
	size_t count = 0;

	for (uint32_t k = 0; k < entry->head.flags; k++) {
		const struct proc_flag *flag = &entry->flags[k];

		if ((name != NULL && strcmp(flag->name, name) != 0) ||
		    !is_wrong(client, entry, flag, generation))
			continue;
		count++;
		flagp_print_fail(CODE_UNACKNOWLEDGED,
			"%s: pid %d (%s) has acknowledged, but reports %s (%s)",
			flag->name, entry->head.pid, entry->head.program,
			flagp_client_word(flag, word, sizeof(word)),
			flag->source);
	}
	return count;
}

size_t
flagp_families_wrong(const struct client *client, const char *flag,
		     uint64_t generation)
{
	const struct proc_list *procs = &client->procs;
	size_t count = 0;

	for (size_t i = 0; i < procs->count; i++) {
		const struct proc_entry *entry = &procs->entries[i];

		/* Who has not applied it yet shows what was before. */
		if (is_driver(entry) && entry->flags != NULL &&
		    entry->head.generation >= generation)
			count += wrong_in(client, entry, flag, generation);
	}
	return count;
}

/* --- processes without a registration ---------------------------------- */

static bool
is_registered_board(const struct proc_list *procs, unsigned long long inode)
{
	for (size_t i = 0; i < procs->count; i++)
		if (procs->entries[i].life != PROC_DEAD &&
		    procs->entries[i].head.board == inode)
			return true;
	return false;
}

/* The inode in a line of maps that is a board of the service, or 0. */
static unsigned long long
board_in_line(const char *line, const char *board)
{
	unsigned long long inode;
	const char *name = strstr(line, BOARD_MARK);
	size_t length = strlen(board);

	if (name == NULL)
		return 0;
	name += sizeof(BOARD_MARK) - 1;
	if (strncmp(name, board, length) != 0 ||
	    (name[length] != ' ' && name[length] != '\0'))
		return 0;
	if (sscanf(line, "%*s %*s %*s %*s %llu", &inode) != 1)
		return 0;
	return inode;
}

/* The first board in these lines that nobody registered, or 0. */
static unsigned long long
unseen_in_lines(const struct client *client, char *lines)
{
	char board[PATHS_BOARD_NAME_SIZE];
	unsigned long long inode;
	char *line;

	flagp_paths_board_name(&client->paths, board, sizeof(board));
	while ((line = strsep(&lines, "\n")) != NULL) {
		inode = board_in_line(line, board);
		if (inode != 0 && !is_registered_board(&client->procs, inode))
			return inode;
	}
	return 0;
}

/*
 * The first board that pid maps and nobody registered, or 0.  The kernel
 * answers each read with whole lines.  Few processes map a board: the lines
 * of the others are only searched.
 */
static unsigned long long
unseen_board(const struct client *client, int pid)
{
	char path[32], lines[8193];
	unsigned long long inode = 0;
	int maps;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = open(path, O_RDONLY | O_CLOEXEC);
	if (maps < 0)
		return 0;
	while (inode == 0 &&
	       (size = read(maps, lines, sizeof(lines) - 1)) > 0) {
		lines[size] = '\0';
		if (memmem(lines, (size_t)size, BOARD_MARK,
			   sizeof(BOARD_MARK) - 1) != NULL)
			inode = unseen_in_lines(client, lines);
	}
	close(maps);
	return inode;
}

static void
name_unseen(int pid, unsigned long long board)
{
	char path[32], program[64] = "?";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(program, sizeof(program), file) != NULL)
			program[strcspn(program, "\n")] = '\0';
		fclose(file);
	}
	flagp_print_fail(CODE_UNACKNOWLEDGED,
			 "pid %d (%s) is unseen: it maps board %llu, which no "
			 "live process has registered", pid, program, board);
}

size_t
flagp_families_unseen(const struct client *client, bool say)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned long long board;
	size_t count = 0;

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		int pid = atoi(entry->d_name);

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		board = unseen_board(client, pid);
		if (board == 0)
			continue;
		count++;
		if (say)
			name_unseen(pid, board);
	}
	if (proc != NULL)
		closedir(proc);
	return count;
}
