/* SPDX-License-Identifier: MIT */
/*
 * test_order.c - what is done in which order, as the kernel is asked for it.
 *
 * A power cut, another member of the family, or a flagctl that looks at the
 * wrong moment would each show a wrong order, once in a thousand times.  Here
 * some calls of the C library are replaced by ones that look first and then do
 * the same.
 */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lock.h"
#include "core/board.h"
#include "core/change.h"
#include "core/layers.h"
#include "suite.h"

#define NAME "order.flag"
#define GENERATION 7

FLAG_DEFINE(flag, NAME, "told in order");

/* --- calls that look first ------------------------------------------------ */

static struct service *service;

/* Looked at and changed by the calls below, while watching. */
static bool watching;
static char calls[64];		/* a letter a call, in order */
static unsigned syncs_while_on;
static bool registered;
static unsigned reads_before, reads_after;	/* of its registration */
static unsigned acks, acks_before_cell, acks_before_word;
static bool word_is_on;
static void (*opened)(const char *name);	/* called once */
static const char *lock_to_remove;		/* at the next lock */

static void
note(char letter)
{
	size_t length = strlen(calls);

	if (watching && length + 1 < sizeof(calls))
		calls[length] = letter;
}

static bool
is_directory(int descriptor)
{
	struct stat status;

	return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

ssize_t
write(int descriptor, const void *data, size_t size)
{
	note('w');
	return syscall(SYS_write, descriptor, data, size);
}

int
fsync(int descriptor)
{
	note(is_directory(descriptor) ? 'd' : 's');
	if (watching)
		syncs_while_on += flag_enabled(&flag) != 0;
	return (int)syscall(SYS_fsync, descriptor);
}

int
renameat(int from, const char *name, int to, const char *new_name)
{
	note('r');
	if (watching && atoi(new_name) == (int)getpid())
		registered = true;
	return (int)syscall(SYS_renameat2, from, name, to, new_name, 0);
}

int
unlinkat(int directory, const char *name, int flags)
{
	note('u');
	return (int)syscall(SYS_unlinkat, directory, name, flags);
}

/* The configuration or a layer file. */
static bool
is_read(const char *name)
{
	return strcmp(name, SERVICE ".ini") == 0 ||
	       strcmp(name, RECORD_OVERRIDES_NAME) == 0 ||
	       strcmp(name, RECORD_TRIPS_NAME) == 0;
}

int
openat(int directory, const char *name, int flags, ...)
{
	void (*once)(const char *name) = opened;
	va_list list;
	mode_t mode;
	int result;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	result = (int)syscall(SYS_openat, directory, name, flags, mode);
	if (!watching || !is_read(name))
		return result;
	reads_before += !registered;
	reads_after += registered;
	opened = NULL;
	if (once != NULL)
		once(name);
	return result;
}

int
fcntl(int descriptor, int command, ...)
{
	va_list list;
	void *argument;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	if (watching && command == F_SETLK && lock_to_remove != NULL) {
		service_remove(service, lock_to_remove);
		lock_to_remove = NULL;
	}
	return (int)syscall(SYS_fcntl, descriptor, command, argument);
}

/* A write to a registration: its head, or the line of a flag. */
static void
look_at_report(const char *data, off_t offset)
{
	const char *number = strstr(data, "\noverrides_state ");
	char line[PROC_LINE + 1] = "";

	if (offset == 0 && number != NULL &&
	    strtoul(number + 17, NULL, 10) >= GENERATION) {
		acks++;
		acks_before_cell += flag_enabled(&flag) == 0;
		acks_before_word += !word_is_on;
	}
	if (offset < (off_t)PROC_HEAD)
		return;
	memcpy(line, data, PROC_LINE);
	if (strncmp(line, NAME " ", strlen(NAME) + 1) == 0)
		word_is_on = strtoul(line + 49, NULL, 16) & BOARD_ON;
}

ssize_t
pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
	char copy[PROC_HEAD + 1] = "";

	if (watching && size <= PROC_HEAD && size >= PROC_LINE) {
		memcpy(copy, data, size);
		look_at_report(copy, offset);
	}
	return syscall(SYS_pwrite64, descriptor, data, size, offset);
}

static void
watch_calls(void)
{
	memset(calls, 0, sizeof(calls));
	watching = true;
}

static void
setup(void)
{
	service = service_make();
	service->options.driver = FLAG_DRIVER_LOOP;
}

static void
teardown(void)
{
	watching = false;
	flag_stop();
	service_free(service);
}

/* --- files ---------------------------------------------------------------- */

START_TEST(a_durable_file_is_synced_before_it_has_its_name)
{
	watch_calls();
	ck_assert_int_eq(flagp_io_replace(service->root.descriptor, "file",
					  "text", 4, true), 0);
	ck_assert_str_eq(calls, "wsrd");
}
END_TEST

START_TEST(a_file_that_need_not_last_is_not_synced)
{
	watch_calls();
	ck_assert_int_eq(flagp_io_replace(service->root.descriptor, "file",
					  "text", 4, false), 0);
	ck_assert_str_eq(calls, "wr");
}
END_TEST

START_TEST(a_durable_removal_is_synced)
{
	service_write(service, "file", "text");
	service_write(service, "other", "text");
	watch_calls();
	ck_assert_int_eq(flagp_io_remove(service->root.descriptor, "file",
					 true), 0);
	ck_assert_str_eq(calls, "ud");
	ck_assert_int_eq(flagp_io_remove(service->root.descriptor, "other",
					 false), 0);
	ck_assert_str_eq(calls, "udu");
}
END_TEST

/* Whoever holds a file that has no name keeps nobody else out. */
START_TEST(a_lock_of_a_file_that_was_removed_is_none)
{
	struct stat held, named;
	int lock;

	watch_calls();
	lock_to_remove = "lock";
	lock = flagp_lock_file(service->root.descriptor, "lock", 1000);
	ck_assert_int_ge(lock, 0);
	ck_assert_ptr_null(lock_to_remove);
	ck_assert_int_eq(fstat(lock, &held), 0);
	ck_assert_int_eq(fstatat(service->root.descriptor, "lock", &named, 0),
			 0);
	ck_assert_uint_eq(held.st_ino, named.st_ino);
	flagp_lock_file_release(lock);
}
END_TEST

/* --- a process ------------------------------------------------------------ */

static void
start(void)
{
	ck_assert_int_eq(flag_start(SERVICE, &service->options, NULL), 0);
}

static void
tell(uint64_t generation, uint32_t share)
{
	struct record record = {
		.flag = NAME, .share = share, .base = FLAGP_SHARE_NONE,
		.generation = generation, .at = 1
	};
	bool before = watching;

	watching = false;
	service_record(service, RECORD_OVERRIDES, LIVE_STATE, &record);
	watching = before;
}

START_TEST(a_process_registers_before_it_reads)
{
	service_write(service, "etc/" SERVICE ".ini", "");
	tell(GENERATION, FLAGP_SHARE_ALL);
	watch_calls();
	start();
	watching = false;
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert(registered);
	ck_assert_uint_eq(reads_before, 0);
	ck_assert_uint_ge(reads_after, 2);
}
END_TEST

START_TEST(cells_come_before_the_acknowledgement)
{
	start();
	tell(GENERATION, FLAGP_SHARE_ALL);
	watch_calls();
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_uint_ge(acks, 1);
	ck_assert_uint_eq(acks_before_cell, 0);
}
END_TEST

START_TEST(words_come_before_the_acknowledgement)
{
	start();
	tell(GENERATION, FLAGP_SHARE_ALL);
	watch_calls();
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_uint_ge(acks, 1);
	ck_assert_uint_eq(acks_before_word, 0);
}
END_TEST

/* While a turn holds the old file open: it is replaced, and another member of
 * the family is faster. */
static void
be_faster(const char *name)
{
	const struct board_wish off = { 0, false, false };

	(void)name;
	tell(GENERATION + 1, 0);
	ck_assert(flagp_board_publish(&flag, flagp_board_load(&flag), &off,
				      true));
}

START_TEST(cells_are_looked_at_before_the_files)
{
	start();
	tell(GENERATION, FLAGP_SHARE_ALL);
	opened = be_faster;
	watch_calls();
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_ptr_null(opened);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

static void
trip(void)
{
	tell(GENERATION, FLAGP_SHARE_ALL);
	start();
	ck_assert_int_eq(flag_enabled(&flag), 1);
	watch_calls();
	ck_assert_int_eq(flagp_change_trip(&flag, "evidence"), 0);
	watching = false;
}

/* The run directory, which waits for nothing, then the state directory. */
START_TEST(a_trip_is_off_then_known_then_durable)
{
	service->options.driver = FLAG_DRIVER_THREAD;
	trip();
	ck_assert_uint_eq(syncs_while_on, 0);
	ck_assert_msg(strstr(calls, "wrwsrd") != NULL, "%s", calls);
}
END_TEST

START_TEST(a_trip_in_a_hosts_loop_waits_for_no_disk)
{
	trip();
	ck_assert_msg(strstr(calls, "wrwr") != NULL, "%s", calls);
	ck_assert_msg(strpbrk(calls, "sd") == NULL, "%s", calls);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_durable_file_is_synced_before_it_has_its_name,
		a_file_that_need_not_last_is_not_synced,
		a_durable_removal_is_synced,
		a_lock_of_a_file_that_was_removed_is_none,
		a_process_registers_before_it_reads,
		cells_come_before_the_acknowledgement,
		words_come_before_the_acknowledgement,
		cells_are_looked_at_before_the_files,
		a_trip_is_off_then_known_then_durable,
		a_trip_in_a_hosts_loop_waits_for_no_disk,
		NULL
	};

	return suite_run_with("order", tests, setup, teardown);
}
