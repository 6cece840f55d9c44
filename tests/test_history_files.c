/* SPDX-License-Identifier: MIT */
/*
 * test_history_files.c - writers of the history: the order of what they ask
 * the kernel for, full disks, files that move on, death at any moment, and
 * several at once.
 *
 * Some calls of the C library are replaced by ones that look first, fail, or
 * end the process, and then do the same.
 */
#include "store/history.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/io.h"
#include "base/lock.h"
#include "history_folder.h"
#include "suite.h"

/* --- calls that look first ------------------------------------------------ */

/* Looked at and changed by the calls below, while watching. */
static bool watching;
static char calls[64];			/* a letter a call, in order */
static int calls_left;			/* the process ends before that one */
static int failing, failing_rename;	/* errno of fsync, or 0 */

static void
note(char letter)
{
	size_t length = strlen(calls);

	if (!watching)
		return;
	if (calls_left-- == 0)
		kill(getpid(), SIGKILL);
	if (length + 1 < sizeof(calls))
		calls[length] = letter;
}

/* What a process that is to be killed has come to. */
static struct progress {
	_Atomic uint64_t done;		/* generation; W it, R we */
	/* Of its last record; the same. */
	_Atomic enum { BEFORE_WRITE, IN_WRITE, BEHIND_WRITE, PHASES } phase;
} *progress;

/* Called once, before a file of that name is opened. */
static const char *opened;
static void (*when_opened)(void);

int
openat(int directory, const char *name, int flags, ...)
{
	void (*once)(void) = when_opened;
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if (once != NULL && strcmp(name, opened) == 0) {
		when_opened = NULL;
		once();
	}
	return (int)syscall(SYS_openat, directory, name, flags, mode);
}

/* As the kernel does it: a page at a time, and a kill may come between two of
 * them; more often here. */
static ssize_t
write_pages(int descriptor, const char *data, size_t size)
{
	size_t done = 0, page;

	progress->phase = IN_WRITE;
	for (; done < size; done += page) {
		page = size - done < 4096 ? size - done : 4096;
		if (syscall(SYS_write, descriptor, data + done, page) !=
		    (ssize_t)page)
			return -1;
		sched_yield();
	}
	progress->phase = BEHIND_WRITE;
	return (ssize_t)size;
}

ssize_t
write(int descriptor, const void *data, size_t size)
{
	note('w');
	if (progress != NULL)
		return write_pages(descriptor, data, size);
	return syscall(SYS_write, descriptor, data, size);
}

static unsigned reads;

ssize_t
pread(int descriptor, void *buffer, size_t size, off_t offset)
{
	reads++;
	return syscall(SYS_pread64, descriptor, buffer, size, offset);
}

int
fsync(int descriptor)
{
	struct stat info;

	note(fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode) ? 'd' :
								     's');
	if (watching && failing != 0) {
		errno = failing;
		return -1;
	}
	return (int)syscall(SYS_fsync, descriptor);
}

int
renameat(int from, const char *name, int to, const char *new_name)
{
	note('r');
	if (watching && failing_rename != 0) {
		errno = failing_rename;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, name, to, new_name, 0);
}

int
linkat(int from, const char *name, int to, const char *new_name, int flags)
{
	note('l');
	return (int)syscall(SYS_linkat, from, name, to, new_name, flags);
}

int
unlinkat(int directory, const char *name, int flags)
{
	note('u');
	return (int)syscall(SYS_unlinkat, directory, name, flags);
}

int
ftruncate(int descriptor, off_t size)
{
	note('t');
	return (int)syscall(SYS_ftruncate, descriptor, size);
}

static void
watch_calls(void)
{
	memset(calls, 0, sizeof(calls));
	calls_left = -1;
	watching = true;
}

/* --- twice ---------------------------------------------------------------- */

START_TEST(a_record_is_not_appended_twice)
{
	struct history_change change = change_of(1);

	ck_assert_int_eq(append(1, 1, &lightly), 0);
	ck_assert_int_eq(append(2, 1, &lightly), 0);
	ck_assert_int_eq(append(1, 1, &lightly), HISTORY_THERE);
	ck_assert_int_eq(append(2, 1, &lightly), HISTORY_THERE);
	list_all(&now);
	ck_assert_uint_eq(now.count, 2);
	/* That generation with another content is another change. */
	change.at++;
	append_change(&change, NULL);
	list_all(&now);
	ck_assert_uint_eq(now.count, 3);
}
END_TEST

START_TEST(a_missing_record_is_recovered_once_and_marked)
{
	const struct history_how recovered = { .recovered = true };
	struct history_change change;
	struct history *history;

	ck_assert_int_eq(append(1, 3, &lightly), 0);
	/* What the layer file says of it is less, and not needed. */
	ck_assert_int_eq(append(1, 1, &recovered), HISTORY_THERE);
	ck_assert_int_eq(append(2, 1, &recovered), 0);
	ck_assert_int_eq(append(2, 1, &recovered), HISTORY_THERE);
	check_all(1, 2);
	history = open_all();
	ck_assert(flagp_history_find(history, 2, &change));
	ck_assert(change.recovered);
	ck_assert(flagp_history_find(history, 1, &change));
	ck_assert(!change.recovered);
	flagp_history_close(history);
}
END_TEST

/* --- order, disks --------------------------------------------------------- */

START_TEST(a_record_is_one_write_then_synced)
{
	static const struct history_how durable = { .durable = true };

	ck_assert_int_eq(append(1, 1, &lightly), 0);
	watch_calls();
	ck_assert_int_eq(append(2, 1, &lightly), 0);
	ck_assert_str_eq(calls, "w");
	watch_calls();
	ck_assert_int_eq(append(3, 500, &durable), 0);
	ck_assert_str_eq(calls, "wsd");
	watch_calls();
	ck_assert_int_eq(append(3, 500, &durable), HISTORY_THERE);
	ck_assert_str_eq(calls, "");
	failing = EIO;
	watch_calls();
	ck_assert_int_eq(append(4, 1, &durable), HISTORY_UNSYNCED);
	failing = 0;
	check_all(1, 4);
}
END_TEST

START_TEST(a_full_file_moves_on_before_the_next_record)
{
	const struct history_how small = { .durable = true, .limit = 1 };

	ck_assert_int_eq(append(1, 1, &small), 0);
	watch_calls();
	ck_assert_int_eq(append(2, 1, &small), 0);
	ck_assert_str_eq(calls, "rluwsd");
	ck_assert_int_eq(append(3, 1, &small), 0);
	ck_assert_int_eq(append(4, 1, &small), 0);
	check_all(1, 4);
	ck_assert_uint_eq(folder_count(&folder), 4);
	watch_calls();
	ck_assert_int_eq(append(5, 1, &small), 0);
	ck_assert_str_eq(calls, "rrrluwsd");
	check_all(2, 5);
	ck_assert_uint_eq(folder_count(&folder), 4);
}
END_TEST

static void
move_on(void)
{
	const struct history_how small = { .limit = 1 };

	ck_assert_int_eq(append(4, 1, &small), 0);
}

/* As a writer leaves it who dies at once. */
static void
move_only(void)
{
	ck_assert_int_eq(renameat(folder.descriptor, "history.1",
				  folder.descriptor, "history.2"), 0);
	ck_assert_int_eq(renameat(folder.descriptor, "history",
				  folder.descriptor, "history.1"), 0);
}

/* Two changes, each in a file of its own; the files move on while they are
 * opened, and each change is read once. */
static void
check_moving(const char *name, void (*move)(void))
{
	const struct history_how small = { .limit = 1 };
	struct history *history;
	size_t i;

	remove_files();
	for (i = 1; i <= 3; i++)
		ck_assert_int_eq(append(i, 1, &small), 0);
	/* The oldest would be the last of all. */
	ck_assert_int_eq(unlinkat(folder.descriptor, "history.2", 0), 0);
	opened = name;
	when_opened = move;
	history = open_all();
	list(history, HISTORY_OLDEST_FIRST, NULL, &now);
	flagp_history_close(history);
	ck_assert_uint_ge(now.count, 2);
	for (i = 0; i < now.count; i++)
		ck_assert_uint_eq(now.generations[i], i + 2);
}

START_TEST(files_that_move_on_while_they_are_opened_are_read_once)
{
	static const char *const names[] = {
		"history", "history.1", "history.2", "history.3"
	};
	size_t i;

	for (i = 0; i < FLAGP_COUNT(names); i++) {
		check_moving(names[i], move_on);
		check_moving(names[i], move_only);
	}
}
END_TEST

START_TEST(a_file_of_one_mebibyte_is_full)
{
	struct stat info;
	unsigned generation = 0;

	do
		ck_assert_int_eq(append(++generation, 500, &lightly), 0);
	while (!flagp_io_mark(folder.descriptor, "history.1").exists);
	ck_assert_int_eq(fstatat(folder.descriptor, "history.1", &info, 0), 0);
	ck_assert_int_le(info.st_size, 1 << 20);
	ck_assert_int_gt(info.st_size, (1 << 20) - 40000);
	check_all(1, generation);
}
END_TEST

static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	setrlimit(RLIMIT_FSIZE, &limit);
}

START_TEST(a_full_disk_leaves_the_file_as_it_was)
{
	struct text before = TEXT_INIT, after = TEXT_INIT;
	size_t more, record;
	int code;

	ck_assert_int_eq(append(1, 1, &lightly), 0);
	read_file(HISTORY_NAME, &before);
	/* The next record is as long as that one. */
	record = before.size - strcspn(before.data, "\n") - 1;
	for (more = 0; more < record; more++) {
		/* Nobody else may write now: the suite has files too. */
		limit_files(before.size + more);
		code = append(2, 1, &lightly);
		limit_files(RLIM_INFINITY);
		ck_assert_int_eq(code, -EFBIG);
		read_file(HISTORY_NAME, &after);
		ck_assert_str_eq(after.data, before.data);
	}
	ck_assert_int_eq(append(2, 1, &lightly), 0);
	check_all(1, 2);
	ck_assert_uint_eq(now.seen.damaged + now.seen.torn, 0);
	flagp_text_free(&before);
	flagp_text_free(&after);
}
END_TEST

START_TEST(a_file_that_cannot_move_on_grows)
{
	const struct history_how small = { .limit = 1 };

	ck_assert_int_eq(append(1, 1, &small), 0);
	folder_put(&folder, "history.1", "", 0);
	folder_put(&folder, "history.2", "", 0);
	watch_calls();
	failing_rename = EACCES;
	ck_assert_int_eq(append(2, 1, &small), 0);
	failing_rename = 0;
	ck_assert_str_eq(calls, "rw");
	check_all(1, 2);
}
END_TEST

/* The file is at most read a few times, whatever a service has written to it:
 * as many reads for each 64 KiB. */
START_TEST(a_hostile_file_is_read_in_bounded_time)
{
	static const char *const lines[] = {
		"1\n", "1 00000000 \n", "500 00000000 change\nflag a\n",
		"9 00000000 change123 00000000 x\n", "\n", "x"
	};
	struct text text = TEXT_INIT;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(lines); i++) {
		text.size = 0;
		while (text.size < 1u << 20)
			flagp_text_add(&text, "%s", lines[i]);
		folder_put(&folder, HISTORY_NAME, text.data, text.size);
		reads = 0;
		list_all(&now);
		ck_assert_uint_eq(now.count, 0);
		ck_assert_uint_gt(now.seen.damaged + now.seen.torn, 0);
		ck_assert_uint_le(reads, 8 * 16);
	}
	flagp_text_free(&text);
}
END_TEST

/* --- death ---------------------------------------------------------------- */

/* As many calls as this may be done before the process ends. */
static int
append_and_die(void *data)
{
	const struct history_how small = { .durable = true, .limit = 1 };

	watch_calls();
	calls_left = *(int *)data;
	return append(5, 1, &small) == 0 ? 0 : 1;
}

START_TEST(death_between_any_two_calls_loses_no_record)
{
	const struct history_how small = { .limit = 1 };
	int left, status = 0, kept = 0;

	for (left = 0; left < 20; left++) {
		remove_files();
		/* The first one may go: four are kept. */
		ck_assert_int_eq(append(1, 1, &small), 0);
		ck_assert_int_eq(append(2, 1, &small), 0);
		ck_assert_int_eq(append(3, 1, &small), 0);
		ck_assert_int_eq(append(4, 1, &small), 0);
		status = folder_fork(append_and_die, &left);
		list_all(&now);
		kept += now.generations[now.count - 1] == 4;
		check_all(left == 0 ? 1 : 2, kept > left ? 4 : 5);
		if (WIFEXITED(status))
			break;
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		/* The next writer goes on, and nothing more is lost. */
		ck_assert_int_eq(append(5, 1, &small),
				 kept > left ? 0 : HISTORY_THERE);
		check_all(2, 5);
		ck_assert_int_eq(append(6, 1, &small), 0);
		list_all(&now);
		ck_assert_uint_ge(now.count, 4);
		ck_assert_uint_eq(now.generations[now.count - 1], 6);
		ck_assert_uint_eq(now.seen.damaged, 0);
	}
	/* rrrluwsd, and then it was not killed any more. */
	ck_assert_int_eq(left, 8);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_int_eq(kept, 6);
}
END_TEST

/* Whether what stands in the file ends with what its writer has written. */
static bool
is_all_good(void)
{
	struct history *history;

	if (flagp_history_open(&history, folder.descriptor, NULL) != 0)
		return false;
	list(history, HISTORY_OLDEST_FIRST, NULL, &now);
	flagp_history_close(history);
	return !now.wrong && !now.seen.torn;
}

static int
append_for_ever(void *data)
{
	const struct history_how large = { .limit = 1u << 30 };
	uint64_t generation = progress->done;

	(void)data;
	for (;;) {
		progress->phase = BEFORE_WRITE;
		if (append(++generation, 500, &large) < 0 || !is_all_good())
			return 1;
		progress->done = generation;
	}
}

/* Kills an appender; in which phase it was. */
static int
kill_one(unsigned spins)
{
	uint64_t start = progress->done;
	volatile unsigned spin;
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(append_for_ever(NULL));
	while (progress->done == start)
		sched_yield();
	for (spin = 0; spin < spins; spin++)
		;
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	return (int)progress->phase;
}

/* What stands there after a kill; whether the end is torn. */
static bool
check_kill(int phase, uint64_t first)
{
	uint64_t last = newest();

	ck_assert_uint_ge(last, progress->done);
	ck_assert_uint_le(last, progress->done + (phase != BEFORE_WRITE));
	check_all(first, last);
	ck_assert(phase == IN_WRITE || !now.seen.torn);
	progress->done = last;
	return now.seen.torn;
}

#define KILLS 300

START_TEST(killed_writers_lose_nothing_that_they_had_written)
{
	unsigned kills[PHASES] = { 0 }, torn = 0, i, seed = 1;
	uint64_t first = 1;
	int phase;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(progress, MAP_FAILED);
	for (i = 0; i < KILLS; i++) {
		if (i % 5 == 0) {
			remove_files();
			first = progress->done + 1;
		}
		seed = seed * 1103515245 + 12345;
		phase = kill_one(seed >> 8 & 0x3fffff);
		kills[phase]++;
		torn += check_kill(phase, first);
	}
	printf("history: killed before the write %u, in it %u (torn %u), "
	       "behind it %u\n", kills[BEFORE_WRITE], kills[IN_WRITE], torn,
	       kills[BEHIND_WRITE]);
	for (i = 0; i < PHASES; i++)
		ck_assert_uint_gt(kills[i], 0);
	munmap(progress, sizeof(*progress));
	progress = NULL;
}
END_TEST

/* --- several -------------------------------------------------------------- */

#define WRITES 500

/* Appends WRITES records, each with the next free number. */
static int
append_in_turn(void *data)
{
	const struct history_how small = { .limit = 400000 };
	int i, lock;

	(void)data;
	for (i = 0; i < WRITES; i++) {
		lock = flagp_lock_file(folder.descriptor, "lock", 100000);
		if (lock < 0 || append(newest() + 1, 10, &small) != 0)
			return 1;
		flagp_lock_file_release(lock);
	}
	return 0;
}

START_TEST(two_writers_and_a_reader_miss_nothing)
{
	pid_t writers[2];
	int i, status, living = 2;
	size_t last = 0;

	for (i = 0; i < 2; i++) {
		writers[i] = fork();
		ck_assert_int_ge(writers[i], 0);
		if (writers[i] == 0)
			_exit(append_in_turn(NULL));
	}
	while (living > 0) {
		struct history *history = open_all();

		/* While they write and files move on: no gap, no step back. */
		list(history, HISTORY_OLDEST_FIRST, NULL, &now);
		flagp_history_close(history);
		ck_assert_uint_ge(now.count, last);
		for (last = 0; last < now.count &&
			       now.generations[last] == last + 1; last++)
			;
		ck_assert_uint_eq(last, now.count);
		ck_assert_uint_eq(now.seen.damaged, 0);
		if (waitpid(writers[living - 1], &status, WNOHANG) > 0) {
			ck_assert_int_eq(status, 0);
			living--;
		}
	}
	check_all(1, 2 * WRITES);
	ck_assert(!now.seen.torn);
	ck_assert(flagp_io_mark(folder.descriptor, "history.1").exists);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_record_is_not_appended_twice,
		a_missing_record_is_recovered_once_and_marked,
		a_record_is_one_write_then_synced,
		a_full_file_moves_on_before_the_next_record,
		files_that_move_on_while_they_are_opened_are_read_once,
		a_file_of_one_mebibyte_is_full,
		a_full_disk_leaves_the_file_as_it_was,
		a_file_that_cannot_move_on_grows,
		a_hostile_file_is_read_in_bounded_time,
		death_between_any_two_calls_loses_no_record,
		killed_writers_lose_nothing_that_they_had_written,
		two_writers_and_a_reader_miss_nothing,
		NULL
	};

	return suite_run_with("history_files", tests, setup, teardown);
}
