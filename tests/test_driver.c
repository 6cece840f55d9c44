/* SPDX-License-Identifier: MIT */
/*
 * test_driver.c - files are followed, by the thread and by the host's loop,
 * with inotify and without; what is broken, half written or gone changes
 * nothing it should not.
 *
 * Where a test is about time, time is made up: the loop's clock is ours.
 */
#include "service.h"
#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "core/board.h"
#include "core/change.h"

FLAG_DEFINE(flag, "driver.flag", "followed by most tests");
FLAG_DEFINE(two, "driver.two", "followed by some");
FLAG_DEFINE_WITH(initially_on, "driver.on", "compiled on", FLAG_INITIAL_ON,
		 NULL);

#define NAME "driver.flag"
#define ON_TEXT "[" NAME "]\nstate = on\n"
#define OFF_TEXT "[" NAME "]\nstate = off\n"

static struct service *service;
static struct flag_error error;

/* --- time and inotify of our own ------------------------------------------ */

/* W: tests, before a start or between ticks.  R: the library. */
static _Atomic int64_t made_up_ms, made_up_wall;
static bool inotify_refused;

static int64_t
tell_ms(void)
{
	return atomic_load(&made_up_ms);
}

static int64_t
tell_wall(void)
{
	return atomic_load(&made_up_wall);
}

static const struct flagp_clock made_up = { tell_wall, tell_ms };

/* Takes the place of the C library's: the kernel's limit is for all processes
 * of a user, so exhausting it would fail other people's programs too. */
int
inotify_init1(int flags)
{
	if (!inotify_refused)
		return (int)syscall(SYS_inotify_init1, flags);
	errno = EMFILE;
	return -1;
}

static void
setup(void)
{
	service = service_make();
	service_write(service, "etc/svc.ini", ON_TEXT);
	atomic_store(&made_up_ms, 1000000);
	atomic_store(&made_up_wall, 1000000000);
}

static void
teardown(void)
{
	while (flag_reload(NULL) != -FLAG_EAGAIN)
		flag_stop();
	flagp_clock_replace(NULL);
	service_free(service);
}

static int
start(void)
{
	return flag_start(SERVICE, &service->options, &error);
}

static void
start_thread(void)
{
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(flag_enabled(&flag), 1);
}

/* The loop driver, with a clock that stands still. */
static void
start_loop(void)
{
	flagp_clock_replace(&made_up);
	service->options.driver = FLAG_DRIVER_LOOP;
	ck_assert_int_eq(start(), 0);
	flag_tick();
}

/* Lets ms pass in steps, with a turn after each. */
static void
pass(int64_t ms)
{
	for (; ms > 0; ms -= 50) {
		atomic_fetch_add(&made_up_ms, 50);
		flag_tick();
	}
}

#define FOLLOWS(is) ck_assert(WAIT_FOR(flag_enabled(&flag) == (is)))

/* --- the thread ----------------------------------------------------------- */

START_TEST(the_thread_follows_every_way_of_saving)
{
	start_thread();
	service_save(service, "etc/svc.ini", OFF_TEXT);
	FOLLOWS(0);
	service_write(service, "etc/svc.ini", ON_TEXT);
	FOLLOWS(1);
	service_remove(service, "etc/svc.ini");
	FOLLOWS(0);
	service_write(service, "etc/svc.ini", ON_TEXT);
	FOLLOWS(1);
	service_mkdir(service, "etc/svc.d");
	service_write(service, "etc/svc.d/10.ini", OFF_TEXT);
	FOLLOWS(0);
	service_remove(service, "etc/svc.d/10.ini");
	FOLLOWS(1);
}
END_TEST

START_TEST(the_thread_follows_overrides_panic_and_removals)
{
	start_thread();
	service_override(service, LIVE_RUN, NAME, 0, 1);
	FOLLOWS(0);
	service_override(service, LIVE_STATE, NAME, FLAGP_SHARE_ALL, 2);
	FOLLOWS(1);
	service_write(service, LIVE_RUN "/PANIC", "");
	FOLLOWS(0);
	service_remove(service, LIVE_RUN "/PANIC");
	FOLLOWS(1);
	service_write(service, LIVE_STATE "/PANIC", "");
	FOLLOWS(0);
	service_remove(service, LIVE_STATE "/PANIC");
	FOLLOWS(1);
	service_write(service, "etc/svc.ini", OFF_TEXT);
	service_override(service, LIVE_STATE, NAME, FLAGP_SHARE_NONE, 3);
	FOLLOWS(0);
}
END_TEST

START_TEST(without_inotify_files_are_polled)
{
	inotify_refused = true;
	start_thread();
	service_save(service, "etc/svc.ini", OFF_TEXT);
	FOLLOWS(0);
	service_override(service, LIVE_RUN, NAME, FLAGP_SHARE_ALL, 1);
	FOLLOWS(1);
	service_write(service, LIVE_RUN "/PANIC", "");
	FOLLOWS(0);
}
END_TEST

START_TEST(ticks_beside_the_thread_do_no_harm)
{
	start_thread();
	for (int i = 0; i < 200; i++) {
		service_save(service, "etc/svc.ini",
			     i % 2 == 0 ? OFF_TEXT : ON_TEXT);
		ck_assert_int_ge(flag_tick(), 0);
	}
	FOLLOWS(1);
}
END_TEST

/* --- the loop ------------------------------------------------------------- */

START_TEST(the_loop_changes_nothing_between_ticks)
{
	start_loop();
	service_save(service, "etc/svc.ini", OFF_TEXT);
	atomic_fetch_add(&made_up_ms, 60000);
	nap_ms(300);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	flag_tick();		/* sees the event, waits for quiet */
	pass(100);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(the_loop_applies_a_saved_file_when_it_has_been_quiet)
{
	start_loop();
	service_save(service, "etc/svc.ini", OFF_TEXT);
	ck_assert_int_le(flag_tick(), 100);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	pass(50);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	pass(50);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(a_file_that_is_never_quiet_is_applied_all_the_same)
{
	start_loop();
	for (int i = 0; i < 21; i++) {
		service_save(service, "etc/svc.ini", OFF_TEXT);
		flag_tick();
		pass(50);
	}
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(an_override_waits_for_nothing)
{
	start_loop();
	service_override(service, LIVE_RUN, NAME, 0, 1);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
	service_write(service, LIVE_RUN "/PANIC", "");
	service_override(service, LIVE_RUN, NAME, FLAGP_SHARE_ALL, 2);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
	service_remove(service, LIVE_RUN "/PANIC");
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

static bool
readable(int descriptor)
{
	struct pollfd polled = { descriptor, POLLIN, 0 };

	return poll(&polled, 1, 0) == 1;
}

START_TEST(the_descriptor_is_readable_when_there_is_something_to_do)
{
	int descriptor;

	start_loop();
	descriptor = flag_fd();
	ck_assert_int_ge(descriptor, 3);
	ck_assert_int_eq(flag_fd(), descriptor);
	ck_assert(!readable(descriptor));
	service_save(service, "etc/svc.ini", OFF_TEXT);
	ck_assert(readable(descriptor));
	flag_tick();
	ck_assert(!readable(descriptor));
	service_override(service, LIVE_RUN, NAME, 0, 1);
	ck_assert(readable(descriptor));
	flag_tick();
	ck_assert(!readable(descriptor));
	flag_request_reload();
	ck_assert(readable(descriptor));
	flag_tick();
	ck_assert(!readable(descriptor));
}
END_TEST

START_TEST(the_loop_says_when_it_wants_to_be_called)
{
	struct record record = {
		.flag = NAME, .share = FLAGP_SHARE_ALL, .generation = 1,
		.base = FLAGP_SHARE_NONE, .at = 1, .until = 1000000001,
		.author.login_uid = UINT32_MAX,
	};
	int ms;

	start_loop();
	ms = flag_tick();
	ck_assert_int_gt(ms, 0);
	ck_assert_int_le(ms, 250);
	service_write(service, "etc/svc.ini", OFF_TEXT);
	pass(300);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	service_record(service, RECORD_OVERRIDES, LIVE_RUN, &record);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 1);
	/* The end of an override is one of its reasons. */
	atomic_fetch_add(&made_up_ms, 900);
	ck_assert_int_le(flag_tick(), 100);
	atomic_fetch_add(&made_up_wall, 1);
	atomic_fetch_add(&made_up_ms, 100);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

/* --- files that are wrong ------------------------------------------------- */

static char last_line[1200];
static int last_level;
static unsigned lines;

static void
note(void *data, int level, const char *text)
{
	(void)data;
	lines++;
	last_level = level;
	snprintf(last_line, sizeof(last_line), "%s", text);
}

START_TEST(a_broken_file_keeps_the_last_good_one_and_says_where)
{
	service->options.log = note;
	start_loop();
	ck_assert_uint_eq(lines, 0);
	service_save(service, "etc/svc.ini", OFF_TEXT "stat = on\n");
	pass(200);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_uint_eq(lines, 1);
	ck_assert_int_eq(last_level, 3);
	ck_assert_ptr_nonnull(strstr(last_line, "svc.ini:3: "));
	ck_assert_ptr_nonnull(strstr(last_line, "stat"));
	/* Once, not at each look. */
	pass(10000);
	ck_assert_uint_eq(lines, 1);
	/* It blocks no kill. */
	service_override(service, LIVE_RUN, NAME, 0, 1);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
	service_override(service, LIVE_RUN, NAME, FLAGP_SHARE_NONE, 2);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 1);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	pass(200);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_uint_eq(lines, 2);
	ck_assert_int_gt(last_level, 3);
	ck_assert_int_eq(flag_reload(&error), 0);
}
END_TEST

START_TEST(a_file_broken_between_stop_and_start_blocks_no_panic)
{
	char why[100];

	start_loop();
	flag_stop();
	service_save(service, "etc/svc.ini", "broken\n");
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error),
			 FLAG_ECONFIG);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	service_write(service, LIVE_RUN "/PANIC", "");
	pass(300);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	/* Not only done, but known to be done. */
	flag_explain(&flag, why, sizeof(why));
	ck_assert_str_eq(why, "off: panic");
}
END_TEST

START_TEST(a_name_found_while_the_file_is_broken_has_the_last_good_value)
{
	service_write(service, "etc/svc.ini", "[driver.late]\nstate = on\n");
	start_loop();
	service_save(service, "etc/svc.ini", "broken\n");
	pass(200);
	ck_assert_int_eq(flag_enabled(flag_find("driver.late")), 1);
}
END_TEST

START_TEST(a_set_that_lost_flags_is_applied_when_it_stayed_so_for_a_second)
{
	service_write(service, "etc/svc.ini", ON_TEXT
		      "[driver.two]\nstate = on\n");
	start_loop();
	ck_assert_int_eq(flag_enabled(&two), 1);
	service_write(service, "etc/svc.ini", ON_TEXT);
	flag_tick();
	pass(950);
	ck_assert_int_eq(flag_enabled(&two), 1);
	pass(250);
	ck_assert_int_eq(flag_enabled(&two), 0);
	/* Completed in time: nothing was ever missing. */
	service_write(service, "etc/svc.ini", "");
	flag_tick();
	pass(500);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	service_write(service, "etc/svc.ini", ON_TEXT);
	flag_tick();
	pass(5000);
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

START_TEST(a_reload_that_is_asked_for_waits_for_no_second)
{
	start_loop();
	service_write(service, "etc/svc.ini", "");
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(a_configuration_folder_that_is_replaced_is_missed_for_no_moment)
{
	start_loop();
	service_rename(service, "etc", "etc.old");
	flag_tick();
	pass(2100);		/* the poll notices that the folder is gone */
	service_mkdir(service, "etc.new");
	service_write(service, "etc.new/svc.ini", ON_TEXT
		      "[driver.two]\nstate = on\n");
	ck_assert_int_eq(flag_enabled(&flag), 1);
	service_rename(service, "etc.new", "etc");
	pass(5000);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&two), 1);
}
END_TEST

static void
remove_folder(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r %s/%s", service->root.path,
		 name);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_configuration_folder_that_is_removed_counts_after_a_second)
{
	start_loop();
	/* Just before the poll that finds the folder itself gone. */
	pass(1950);
	remove_folder("etc");
	pass(700);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	pass(1500);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(a_torn_layer_file_keeps_what_it_last_said)
{
	service->options.log = note;
	start_loop();
	service_override(service, LIVE_RUN, NAME, 0, 1);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
	service_save(service, LIVE_RUN "/overrides", "ripcord over");
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_ptr_nonnull(strstr(last_line, "overrides"));
	service_remove(service, LIVE_RUN "/overrides");
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

START_TEST(a_layer_file_that_was_never_understood_means_the_baseline)
{
	service_save(service, LIVE_RUN "/overrides", "ripcord over");
	flagp_clock_replace(&made_up);
	service->options.driver = FLAG_DRIVER_LOOP;
	ck_assert_int_gt(start(), 0);
	ck_assert_ptr_nonnull(strstr(error.file, "overrides"));
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 0);
	service_remove(service, LIVE_RUN "/overrides");
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
}
END_TEST

START_TEST(a_layer_file_that_cannot_be_read_at_start_means_the_baseline)
{
	service_mkdir(service, LIVE_STATE "/overrides");
	flagp_clock_replace(&made_up);
	service->options.driver = FLAG_DRIVER_LOOP;
	ck_assert_int_gt(start(), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 0);
	remove_folder(LIVE_STATE "/overrides");
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
}
END_TEST

START_TEST(a_layer_file_that_becomes_unreadable_changes_nothing)
{
	start_loop();
	service_mkdir(service, LIVE_STATE "/overrides");
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_lt(flag_reload(&error), 0);
	remove_folder(LIVE_STATE "/overrides");
	flag_tick();
	ck_assert_int_eq(flag_reload(&error), 0);
}
END_TEST

/* --- folders that move, trips that wait ---------------------------------- */

START_TEST(a_trip_that_could_not_be_written_is_written_by_a_later_turn)
{
	start_loop();
	service_mkdir(service, "run/svc/lock");
	ck_assert_int_lt(flagp_change_trip(&flag, "x"), 0);
	pass(5000);
	ck_assert_uint_eq(flag.state & (BOARD_TRIPPED | BOARD_TRIP_SAVED),
			  BOARD_TRIPPED);
	remove_folder("run/svc/lock");
	pass(5000);
	ck_assert_uint_eq(flag.state & (BOARD_TRIPPED | BOARD_TRIP_SAVED),
			  BOARD_TRIPPED | BOARD_TRIP_SAVED);
	ck_assert_int_eq(faccessat(service->root.descriptor,
				   LIVE_STATE "/trips", F_OK, 0), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

/* A host in another process, so that its entry can be looked at: 'r' when it
 * runs, then until it is told to end. */
static int
hosted(const struct partner *parent, void *data)
{
	(void)data;
	NEED(start() == 0);
	partner_say(parent, 'r');
	while (partner_hear(parent) == '?')
		partner_say(parent, flag_enabled(&flag) ? '1' : '0');
	flag_stop();
	return 0;
}

/* Asks the host whether the flag is on. */
static char
asked(const struct partner *host)
{
	partner_say(host, '?');
	return partner_hear(host);
}

/* Whether pid has a registration that is locked and says what it should. */
static bool
is_registered(pid_t pid, const char *watch)
{
	struct proc_entry entry;

	return service_entry(service, pid, &entry) &&
	       entry.life == PROC_LIVE && entry.problem[0] == '\0' &&
	       entry.head.driver == PROC_DRIVER_THREAD &&
	       entry.head.board != 0 && !entry.head.own_cells &&
	       strcmp(entry.head.watch, watch) == 0;
}

START_TEST(a_registration_says_how_files_are_watched)
{
	struct partner host;

	for (int i = 0; i < 2; i++) {
		inotify_refused = i == 1;
		host = partner_start(hosted, NULL);
		ck_assert_int_eq(partner_hear(&host), 'r');
		ck_assert(is_registered(host.pid, i == 0 ? "inotify" :
							   "poll(EMFILE)"));
		ck_assert_int_eq(partner_end(&host), 0);
		ck_assert(!is_registered(host.pid, "inotify"));
	}
}
END_TEST

START_TEST(acknowledgements_follow_what_was_applied)
{
	struct partner host = partner_start(hosted, NULL);
	struct proc_entry entry = { .head.pid = 0 };

	ck_assert_int_eq(partner_hear(&host), 'r');
	service_override(service, LIVE_RUN, NAME, 0, 7);
	ck_assert(WAIT_FOR(service_entry(service, host.pid, &entry) &&
			   entry.head.ack.overrides_run == 7));
	ck_assert_int_eq(asked(&host), '0');
	ck_assert_uint_eq(entry.head.ack.overrides_state, 0);
	ck_assert_uint_ne(entry.head.ack.config, 0);
	service_override(service, LIVE_STATE, NAME, 0, 9);
	ck_assert(WAIT_FOR(service_entry(service, host.pid, &entry) &&
			   entry.head.ack.overrides_state == 9));
	service_write(service, LIVE_RUN "/PANIC", "");
	ck_assert(WAIT_FOR(service_entry(service, host.pid, &entry) &&
			   entry.head.ack.panic == 1));
	service_write(service, "etc/svc.ini", "broken\n");
	ck_assert(WAIT_FOR(service_entry(service, host.pid, &entry) &&
			   strstr(entry.head.error, "svc.ini:1") != NULL));
	ck_assert_int_eq(partner_end(&host), 0);
}
END_TEST

/* A host that has the flag twice; a bug wrote to the second one. */
static int
hosted_with_a_broken_cell(const struct partner *parent, void *data)
{
	static struct flag cell = { BOARD_ON, 0 };
	static const struct flag_definition definition = {
		sizeof(definition), FLAG_ABI_, &cell, NAME, "once more", NULL,
		0, 0
	};
	static const struct flag_definition *index[] = { &definition };
	static struct flag_object object = {
		.size = sizeof(object), .version = FLAG_ABI_, .words = &cell,
		.words_end = &cell + 1, .index = index, .index_end = index + 1
	};

	flag_register(&object);
	NEED(start() == 0);
	NEED(flag_enabled(&cell) && flag_enabled(&flag));
	flag.state &= ~BOARD_ON;
	return hosted(parent, data);
}

/* Whether the registration of pid says that the flag is off. */
static bool
reports_off(pid_t pid)
{
	int folder = service_open(service, "run/" SERVICE "/proc");
	struct proc_list list;
	bool off = false;

	ck_assert_int_eq(flagp_proc_scan(&list, folder, true), 0);
	close(folder);
	for (size_t i = 0; i < list.count; i++)
		for (uint32_t k = 0; k < list.entries[i].head.flags; k++)
			off |= list.entries[i].head.pid == pid &&
			       strcmp(list.entries[i].flags[k].name, NAME) == 0
			       && !(list.entries[i].flags[k].word & BOARD_ON);
	flagp_proc_free(&list);
	return off;
}

START_TEST(a_cell_that_differs_is_the_one_that_is_reported)
{
	struct partner host = partner_start(hosted_with_a_broken_cell, NULL);

	ck_assert_int_eq(partner_hear(&host), 'r');
	ck_assert_int_eq(asked(&host), '0');
	ck_assert(WAIT_FOR(reports_off(host.pid)));
	ck_assert_int_eq(partner_end(&host), 0);
}
END_TEST

START_TEST(a_run_directory_that_is_removed_is_made_again)
{
	struct partner host = partner_start(hosted, NULL);

	ck_assert_int_eq(partner_hear(&host), 'r');
	ck_assert(is_registered(host.pid, "inotify"));
	remove_folder("run");
	ck_assert(WAIT_FOR(is_registered(host.pid, "inotify")));
	service_override(service, LIVE_RUN, NAME, 0, 1);
	ck_assert(WAIT_FOR(asked(&host) == '0'));
	ck_assert_int_eq(partner_end(&host), 0);
}
END_TEST

START_TEST(a_run_directory_that_is_replaced_is_found_again)
{
	struct partner host = partner_start(hosted, NULL);
	struct places places;

	ck_assert_int_eq(partner_hear(&host), 'r');
	service_rename(service, "run", "run.old");
	ck_assert_int_eq(flagp_places_open(&places, &service->paths, true,
					   NULL), 0);
	flagp_places_close(&places);
	ck_assert(WAIT_FOR(is_registered(host.pid, "inotify")));
	service_override(service, LIVE_RUN, NAME, 0, 1);
	ck_assert(WAIT_FOR(asked(&host) == '0'));
	ck_assert_int_eq(partner_end(&host), 0);
}
END_TEST

START_TEST(a_registration_that_is_removed_comes_back)
{
	struct partner host = partner_start(hosted, NULL);
	char command[600];

	ck_assert_int_eq(partner_hear(&host), 'r');
	snprintf(command, sizeof(command), "rm %s/proc/*", service->paths.run);
	ck_assert_int_eq(system(command), 0);
	ck_assert(WAIT_FOR(is_registered(host.pid, "inotify")));
	ck_assert_int_eq(partner_end(&host), 0);
}
END_TEST

/* --- a host that takes our descriptors ----------------------------------- */

/* The number of our inotify descriptor, or -1. */
static int
find_inotify(void)
{
	char path[64], target[64];

	for (int i = 3; i < 256; i++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		length = readlink(path, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		if (strcmp(target, "anon_inode:inotify") == 0)
			return i;
	}
	return -1;
}

START_TEST(a_number_that_the_host_took_over_is_not_read_nor_closed)
{
	int pair[2], number;
	char word = 0;

	start_loop();
	number = find_inotify();
	ck_assert_int_ge(number, 3);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    pair), 0);
	ck_assert_int_eq(dup2(pair[0], number), number);
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	pass(5000);
	ck_assert_int_eq(read(number, &word, 1), 1);
	ck_assert_int_eq(word, 'x');
	/* Files are still followed, by looking. */
	service_save(service, "etc/svc.ini", OFF_TEXT);
	pass(5000);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	flag_stop();
	ck_assert_int_ne(fcntl(number, F_GETFD), -1);
	close(number);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		the_thread_follows_every_way_of_saving,
		the_thread_follows_overrides_panic_and_removals,
		without_inotify_files_are_polled,
		ticks_beside_the_thread_do_no_harm,
		the_loop_changes_nothing_between_ticks,
		the_loop_applies_a_saved_file_when_it_has_been_quiet,
		a_file_that_is_never_quiet_is_applied_all_the_same,
		an_override_waits_for_nothing,
		the_descriptor_is_readable_when_there_is_something_to_do,
		the_loop_says_when_it_wants_to_be_called,
		a_broken_file_keeps_the_last_good_one_and_says_where,
		a_file_broken_between_stop_and_start_blocks_no_panic,
		a_name_found_while_the_file_is_broken_has_the_last_good_value,
		a_set_that_lost_flags_is_applied_when_it_stayed_so_for_a_second,
		a_reload_that_is_asked_for_waits_for_no_second,
		a_configuration_folder_that_is_replaced_is_missed_for_no_moment,
		a_configuration_folder_that_is_removed_counts_after_a_second,
		a_torn_layer_file_keeps_what_it_last_said,
		a_layer_file_that_was_never_understood_means_the_baseline,
		a_layer_file_that_cannot_be_read_at_start_means_the_baseline,
		a_layer_file_that_becomes_unreadable_changes_nothing,
		a_trip_that_could_not_be_written_is_written_by_a_later_turn,
		a_registration_says_how_files_are_watched,
		acknowledgements_follow_what_was_applied,
		a_cell_that_differs_is_the_one_that_is_reported,
		a_run_directory_that_is_removed_is_made_again,
		a_run_directory_that_is_replaced_is_found_again,
		a_registration_that_is_removed_comes_back,
		a_number_that_the_host_took_over_is_not_read_nor_closed,
		NULL
	};

	return suite_run_with("driver", tests, setup, teardown);
}
