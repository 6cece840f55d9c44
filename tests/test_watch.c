/* SPDX-License-Identifier: MIT */
/*
 * test_watch.c - every way in which people and tools save a file is seen, and
 * what cannot be watched is said.
 */
#include "service.h"
#include "suite.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#include "store/watch.h"

static struct service *service;
static struct watch watch;

static bool no_watches;

/* Takes the place of the C library's: the kernel's limit is for all processes
 * of a user. */
int
inotify_add_watch(int descriptor, const char *path, uint32_t events)
{
	if (!no_watches)
		return (int)syscall(SYS_inotify_add_watch, descriptor, path,
				    events);
	errno = ENOSPC;
	return -1;
}

static void
setup(void)
{
	service = service_make();
	service_write(service, "etc/svc.ini", "[a]\nstate = on\n");
	watch = (struct watch)WATCH_INIT;
}

static void
teardown(void)
{
	flagp_watch_close(&watch);
	service_free(service);
}

static void
aim(void)
{
	flagp_watch_aim(&watch, &service->paths);
}

static void
begin(void)
{
	flagp_watch_open(&watch);
	ck_assert_int_ge(watch.descriptor, 3);
	ck_assert_str_eq(watch.mode, "inotify");
	aim();
	ck_assert_uint_eq(flagp_watch_read(&watch), 0);
}

/* Whether the descriptor has something to say now. */
static bool
is_readable(void)
{
	struct pollfd polled = { watch.descriptor, POLLIN, 0 };

	return poll(&polled, 1, 0) == 1;
}

/* Events are queued before the call that made them returns. */
static void
expect(unsigned bits)
{
	ck_assert(is_readable());
	ck_assert_uint_eq(flagp_watch_read(&watch), bits);
	ck_assert(!is_readable());
	ck_assert_uint_eq(flagp_watch_read(&watch), 0);
}

START_TEST(a_file_written_in_place_is_seen)
{
	begin();
	service_write(service, "etc/svc.ini", "[a]\nstate = off\n");
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(a_file_renamed_over_the_old_one_is_seen_every_time)
{
	begin();
	for (int i = 0; i < 3; i++) {
		service_save(service, "etc/svc.ini", "[a]\nstate = off\n");
		expect(WATCH_CONFIG);
	}
}
END_TEST

START_TEST(a_file_removed_and_made_again_is_seen)
{
	begin();
	service_remove(service, "etc/svc.ini");
	expect(WATCH_CONFIG);
	aim();
	service_write(service, "etc/svc.ini", "");
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(changed_rights_are_seen)
{
	begin();
	ck_assert_int_eq(fchmodat(service->root.descriptor, "etc/svc.ini",
				  0600, 0), 0);
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(the_target_of_a_link_is_followed)
{
	service_mkdir(service, "real");
	service_mkdir(service, "between");
	service_write(service, "real/svc.ini", "");
	service_remove(service, "etc/svc.ini");
	ck_assert_int_eq(symlinkat("../between/link",
				   service->root.descriptor, "etc/svc.ini"), 0);
	ck_assert_int_eq(symlinkat("../real/svc.ini",
				   service->root.descriptor, "between/link"),
			 0);
	begin();
	service_write(service, "real/svc.ini", "[a]\nstate = on\n");
	expect(WATCH_CONFIG);
	service_save(service, "real/svc.ini", "[a]\nstate = off\n");
	expect(WATCH_CONFIG);
	/* The link in the middle leads elsewhere. */
	service_write(service, "real/other.ini", "");
	(void)flagp_watch_read(&watch);
	service_remove(service, "between/link");
	expect(WATCH_CONFIG);
	ck_assert_int_eq(symlinkat("../real/other.ini",
				   service->root.descriptor, "between/link"),
			 0);
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(an_absolute_link_is_followed)
{
	char target[128];

	service_mkdir(service, "real");
	service_write(service, "real/svc.ini", "");
	service_remove(service, "etc/svc.ini");
	snprintf(target, sizeof(target), "%s/real/svc.ini",
		 service->root.path);
	ck_assert_int_eq(symlinkat(target, service->root.descriptor,
				   "etc/svc.ini"), 0);
	begin();
	service_write(service, "real/svc.ini", "[a]\nstate = on\n");
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(links_in_a_circle_end)
{
	service_remove(service, "etc/svc.ini");
	ck_assert_int_eq(symlinkat("svc.ini", service->root.descriptor,
				   "etc/svc.ini"), 0);
	begin();
	service_remove(service, "etc/svc.ini");
	expect(WATCH_CONFIG);
}
END_TEST

/* As container platforms mount configuration: svc.ini leads to ..data/svc.ini,
 * ..data leads to a dated folder, and is renamed over. */
START_TEST(a_swapped_data_folder_is_seen_every_time)
{
	char folder[32], link[32], file[64];

	service_remove(service, "etc/svc.ini");
	service_mkdir(service, "etc/..0");
	service_write(service, "etc/..0/svc.ini", "");
	symlinkat("..0", service->root.descriptor, "etc/..data");
	symlinkat("..data/svc.ini", service->root.descriptor, "etc/svc.ini");
	begin();
	for (int i = 1; i < 4; i++) {
		snprintf(folder, sizeof(folder), "etc/..%d", i);
		snprintf(file, sizeof(file), "%s/svc.ini", folder);
		snprintf(link, sizeof(link), "etc/..tmp%d", i);
		service_mkdir(service, folder);
		service_write(service, file, "[a]\nstate = on\n");
		ck_assert_int_eq(symlinkat(folder + 4,
					   service->root.descriptor, link), 0);
		(void)flagp_watch_read(&watch);
		service_rename(service, link, "etc/..data");
		expect(WATCH_CONFIG);
		aim();
		/* Also inside the folder that is new. */
		service_write(service, file, "[a]\nstate = off\n");
		expect(WATCH_CONFIG);
	}
}
END_TEST

START_TEST(a_dropin_folder_that_comes_later_is_watched_when_aimed_again)
{
	begin();
	service_mkdir(service, "etc/svc.d");
	expect(WATCH_CONFIG);
	aim();
	service_write(service, "etc/svc.d/10.ini", "[a]\nstate = on\n");
	expect(WATCH_CONFIG);
	service_remove(service, "etc/svc.d/10.ini");
	expect(WATCH_CONFIG);
	ck_assert_int_eq(unlinkat(service->root.descriptor, "etc/svc.d",
				  AT_REMOVEDIR), 0);
	expect(WATCH_CONFIG);
	aim();
	service_mkdir(service, "etc/svc.d");
	expect(WATCH_CONFIG);
	aim();
	service_write(service, "etc/svc.d/10.ini", "[a]\nstate = on\n");
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(layer_files_have_a_bit_of_their_own)
{
	begin();
	service_override(service, LIVE_STATE, "a", 0, 1);
	expect(WATCH_LAYERS);
	service_override(service, LIVE_RUN, "a", 0, 2);
	expect(WATCH_LAYERS);
	service_save(service, LIVE_RUN "/PANIC", "");
	expect(WATCH_LAYERS);
	service_remove(service, LIVE_RUN "/PANIC");
	expect(WATCH_LAYERS);
	service_override(service, LIVE_RUN, "a", 0, 3);
	service_write(service, "etc/svc.ini", "");
	expect(WATCH_LAYERS | WATCH_CONFIG);
}
END_TEST

START_TEST(acknowledgements_and_locks_wake_nobody)
{
	begin();
	service_write(service, "run/svc/proc/1.1", "x");
	service_write(service, "run/svc/lock", "");
	service_write(service, "state/svc/history", "x");
	ck_assert(!is_readable());
}
END_TEST

static long
queue_limit(void)
{
	char text[32] = "";
	int file = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY);

	ck_assert_int_ge(file, 0);
	ck_assert_int_gt(read(file, text, sizeof(text) - 1), 0);
	close(file);
	return atol(text);
}

START_TEST(an_overflow_means_that_anything_may_have_changed)
{
	char name[32];

	begin();
	/* Each file is two events, and none is like the one before it. */
	for (long i = 0; i < queue_limit() / 2 + 10; i++) {
		snprintf(name, sizeof(name), "etc/%ld", i % 100);
		service_write(service, name, "");
		if (i % 100 == 99)
			for (int k = 0; k < 100; k++) {
				snprintf(name, sizeof(name), "etc/%d", k);
				service_remove(service, name);
			}
	}
	ck_assert_uint_eq(flagp_watch_read(&watch),
			  WATCH_CONFIG | WATCH_LAYERS);
	service_write(service, "etc/svc.ini", "");
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(a_refused_watch_says_so_and_stays_harmless)
{
	struct rlimit before, none;
	int lowest = dup(0);

	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	flagp_watch_open(&watch);
	setrlimit(RLIMIT_NOFILE, &before);
	ck_assert_str_eq(watch.mode, "poll(EMFILE)");
	ck_assert_int_lt(watch.descriptor, 0);
	aim();
	service_write(service, "etc/svc.ini", "");
	ck_assert_uint_eq(flagp_watch_read(&watch), 0);
	flagp_watch_close(&watch);
}
END_TEST

START_TEST(a_folder_without_a_watch_says_so_until_it_has_one)
{
	flagp_watch_open(&watch);
	no_watches = true;
	aim();
	ck_assert_str_eq(watch.mode, "poll(ENOSPC)");
	service_write(service, "etc/svc.ini", "");
	ck_assert_uint_eq(flagp_watch_read(&watch), 0);
	no_watches = false;
	aim();
	ck_assert_str_eq(watch.mode, "inotify");
	service_write(service, "etc/svc.ini", "");
	expect(WATCH_CONFIG);
}
END_TEST

START_TEST(folders_that_are_missing_are_found_when_they_come)
{
	int root = service->root.descriptor;

	service_remove(service, "etc/svc.ini");
	ck_assert_int_eq(unlinkat(root, "etc", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(root, LIVE_RUN, AT_REMOVEDIR), 0);
	begin();
	service_mkdir(service, "etc");
	service_mkdir(service, LIVE_RUN);
	aim();
	service_write(service, "etc/svc.ini", "");
	expect(WATCH_CONFIG);
	service_override(service, LIVE_RUN, "a", 0, 1);
	expect(WATCH_LAYERS);
}
END_TEST

START_TEST(the_descriptor_is_never_one_of_the_standard_three)
{
	close(0);
	begin();
	ck_assert_int_eq(fcntl(watch.descriptor, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(0, F_GETFD), -1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_file_written_in_place_is_seen,
		a_file_renamed_over_the_old_one_is_seen_every_time,
		a_file_removed_and_made_again_is_seen,
		changed_rights_are_seen,
		the_target_of_a_link_is_followed,
		an_absolute_link_is_followed,
		links_in_a_circle_end,
		a_swapped_data_folder_is_seen_every_time,
		a_dropin_folder_that_comes_later_is_watched_when_aimed_again,
		layer_files_have_a_bit_of_their_own,
		acknowledgements_and_locks_wake_nobody,
		an_overflow_means_that_anything_may_have_changed,
		a_refused_watch_says_so_and_stays_harmless,
		a_folder_without_a_watch_says_so_until_it_has_one,
		folders_that_are_missing_are_found_when_they_come,
		the_descriptor_is_never_one_of_the_standard_three,
		NULL
	};

	return suite_run_with("watch", tests, setup, teardown);
}
