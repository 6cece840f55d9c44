/* SPDX-License-Identifier: MIT */
/*
 * test_report.c - the lines that a process writes of its flags: each flag has
 * its own, all of them say what is in force, and none is written twice.
 *
 * What is written is seen by taking the place of pwrite(): a process that
 * opened its own registration would lose the lock on it.
 */
#include "service.h"
#include "suite.h"

#include <sys/syscall.h>

#include "core/board.h"

#define COUNT 300		/* more than one write takes */

static struct service *service;
static struct flag_error error;
static struct flag *flags[COUNT];

/* What was written so far, and how much since it was last asked. */
static char written[PROC_HEAD + COUNT * PROC_LINE];
static size_t line_writes, line_bytes;

ssize_t
pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
	if (offset >= 0 && (size_t)offset + size <= sizeof(written))
		memcpy(written + offset, data, size);
	if (offset >= (off_t)PROC_HEAD) {
		line_writes++;
		line_bytes += size;
	}
	return syscall(SYS_pwrite64, descriptor, data, size, offset);
}

/* on: which flags; the line of flag i is 2 * i + 2. */
static void
save(unsigned every)
{
	char text[COUNT * 40] = "", *end = text;

	for (unsigned i = 0; i < COUNT; i++)
		end += sprintf(end, "[report.f%u]\nstate = %s\n", i,
			       i % every == 0 ? "on" : "off");
	service_save(service, "etc/svc.ini", text);
}

static void
setup(void)
{
	char name[32];

	service = service_make();
	service->options.driver = FLAG_DRIVER_LOOP;
	save(2);
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "report.f%u", i);
		flags[i] = flag_find(name);
	}
	ck_assert_int_eq(flag_reload(&error), 0);
	line_writes = line_bytes = 0;
}

static void
teardown(void)
{
	flag_stop();
	service_free(service);
}

/* Whether the line of flag i says on, and whence. */
static void
check_line(unsigned i, bool on, const char *source)
{
	char line[PROC_LINE + 1] = "", wanted[64];
	size_t length;

	memcpy(line, written + PROC_HEAD + i * PROC_LINE, PROC_LINE);
	ck_assert_int_eq(line[PROC_LINE - 1], '\n');
	length = (size_t)snprintf(wanted, sizeof(wanted), "report.f%u ", i);
	ck_assert_int_eq(strncmp(line, wanted, length), 0);
	ck_assert_int_eq(strtoul(line + 49, NULL, 16) & BOARD_ON, on);
	length = (size_t)snprintf(wanted, sizeof(wanted), "%s ", source);
	ck_assert_msg(strncmp(line + 93, wanted, length) == 0, "%s", line);
}

static void
check_lines(unsigned every)
{
	char source[32];

	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(source, sizeof(source), "svc.ini:%u", 2 * i + 2);
		ck_assert_int_eq(flag_enabled(flags[i]), i % every == 0);
		check_line(i, i % every == 0, source);
	}
}

START_TEST(each_of_many_flags_has_its_own_line)
{
	check_lines(2);
	save(3);
	ck_assert_int_eq(flag_reload(&error), 0);
	check_lines(3);
	ck_assert_uint_eq(line_bytes, COUNT * PROC_LINE);
	ck_assert_uint_lt(line_writes, COUNT / 10);
}
END_TEST

START_TEST(only_what_changed_is_written)
{
	flag_test_set(flags[5], 1);
	flag_test_set(flags[COUNT - 1], 1);
	ck_assert_int_eq(flag_reload(&error), 0);
	check_line(5, true, "test");
	check_line(COUNT - 1, true, "test");
	ck_assert_uint_eq(line_writes, 2);
	ck_assert_uint_eq(line_bytes, 2 * PROC_LINE);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_uint_eq(line_writes, 2);
	flag_test_reset(NULL);
	ck_assert_int_eq(flag_reload(&error), 0);
	check_lines(2);
}
END_TEST

/* The words are equal, and so are the cells: it is still not the same. */
START_TEST(a_line_follows_its_reason)
{
	flag_test_set(flags[4], 1);
	ck_assert_int_eq(flag_enabled(flags[4]), 1);
	ck_assert_int_eq(flag_reload(&error), 0);
	check_line(4, true, "test");
	flag_test_reset(NULL);
	ck_assert_int_eq(flag_reload(&error), 0);
	check_line(4, true, "svc.ini:10");
	service_override(service, LIVE_STATE, "report.f4", FLAGP_SHARE_ALL, 7);
	ck_assert_int_eq(flag_reload(&error), 0);
	check_line(4, true, "on by tester");
}
END_TEST

/* A disk that was full, for one. */
START_TEST(what_could_not_be_written_is_written_later)
{
	struct rlimit before, small = { PROC_HEAD, RLIM_INFINITY };

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	save(3);
	flag_test_set(flags[7], 1);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	(void)flag_reload(&error);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	line_bytes = 0;
	flag_test_reset(NULL);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_uint_eq(line_bytes, COUNT * PROC_LINE);
	check_lines(3);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		each_of_many_flags_has_its_own_line,
		only_what_changed_is_written,
		a_line_follows_its_reason,
		what_could_not_be_written_is_written_later,
		NULL
	};

	return suite_run_with("report", tests, setup, teardown);
}
