/* SPDX-License-Identifier: MIT */
/*
 * test_flag.c - the public functions as a host meets them: starting and
 * stopping, asking, and what a guest must not do.  What keeps a process up to
 * date is tested in test_driver.c, forks in test_fork.c.
 */
#include "service.h"
#include "suite.h"

#include <ctype.h>

FLAG_DEFINE(flag, "flag.one", "most tests use it");
FLAG_DEFINE(two, "flag.two", "some too");
FLAG_DEFINE_WITH(initially_on, "flag.on", "compiled on", FLAG_INITIAL_ON,
		 "somebody");

#define ON_TEXT "[flag.one]\nstate = on\n"
#define OFF_TEXT "[flag.one]\nstate = off\n"

static struct service *service;
static struct flag_error error;

static void
setup(void)
{
	service = service_make();
	service_write(service, "etc/svc.ini", ON_TEXT);
}

static void
teardown(void)
{
	while (flag_reload(NULL) != -FLAG_EAGAIN)
		flag_stop();
	service_free(service);
}

static int
start(void)
{
	return flag_start(SERVICE, &service->options, &error);
}

/* --- starting and stopping ----------------------------------------------- */

START_TEST(a_start_applies_what_the_files_say)
{
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(error.code, 0);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&two), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
	flag_stop();
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

START_TEST(a_second_start_counts)
{
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(flag_start(NULL, NULL, NULL), 0);
	flag_stop();
	flag_stop();
	service_save(service, "etc/svc.ini", OFF_TEXT);
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	flag_stop();
	ck_assert_int_eq(flag_reload(NULL), -FLAG_EAGAIN);
	ck_assert_uint_eq(threads(), 0);
	flag_stop();		/* one too many is harmless */
	ck_assert_int_eq(start(), 0);
	ck_assert_uint_eq(threads(), 1);
}
END_TEST

START_TEST(another_name_is_refused)
{
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(flag_start("other", &service->options, &error),
			 -FLAG_EEXIST);
	ck_assert_int_eq(error.code, FLAG_EEXIST);
	ck_assert_ptr_nonnull(strstr(error.text, SERVICE));
	flag_stop();
	ck_assert_int_eq(flag_reload(NULL), -FLAG_EAGAIN);
}
END_TEST

START_TEST(names_that_cannot_be_are_refused)
{
	static const char *const names[] = {
		NULL, "", "-svc", "a/b", "..", "a b", "a\n",
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(flag_start(names[i], &service->options,
					    &error), -FLAG_EINVAL);
		ck_assert_int_eq(error.code, FLAG_EINVAL);
		ck_assert_str_ne(error.text, "");
		ck_assert_int_eq(flag_start(names[i], &service->options, NULL),
				 -FLAG_EINVAL);
	}
	ck_assert_uint_eq(threads(), 0);
	ck_assert_int_eq(start(), 0);
}
END_TEST

START_TEST(a_start_that_failed_binds_to_no_name)
{
	struct flag_options options = service->options;
	char *root = calloc(1, 2000);

	memset(root, '/', 1);
	memset(root + 1, 'x', 1998);
	options.root = root;
	ck_assert_int_eq(flag_start("other", &options, &error), -FLAG_EINVAL);
	ck_assert_str_ne(error.text, "");
	free(root);
	ck_assert_int_eq(start(), 0);
}
END_TEST

START_TEST(options_of_an_older_header_are_completed)
{
	struct flag_options options = service->options;

	/* A header that knew no instance and no log yet. */
	options.size = offsetof(struct flag_options, instance);
	options.log = (flag_log_fn *)(uintptr_t)1;
	options.driver = FLAG_DRIVER_LOOP;
	service_write(service, "etc/svc.ini", "broken\n");
	ck_assert_int_eq(flag_start(SERVICE, &options, &error), FLAG_ECONFIG);
	ck_assert_uint_eq(threads(), 0);
}
END_TEST

/* A root under which one thing is not usable, and what error then names. */
static void
start_degraded(const char *named)
{
	int result = start();

	ck_assert_int_gt(result, 0);
	ck_assert_int_eq(error.code, result);
	ck_assert_msg(strstr(error.file, named) != NULL ||
		      strstr(error.text, named) != NULL,
		      "\"%s: %s\" does not name %s", error.file, error.text,
		      named);
}

static void
replace_by_file(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r %s/%s && : >%s/%s",
		 service->root.path, name, service->root.path, name);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(without_a_run_directory_the_host_lives_degraded)
{
	replace_by_file("run");
	start_degraded("run");
	ck_assert_int_eq(flag_enabled(&flag), 1);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	ck_assert(WAIT_FOR(!flag_enabled(&flag)));
}
END_TEST

START_TEST(without_a_state_directory_the_host_lives_degraded)
{
	replace_by_file("state");
	start_degraded("state");
	ck_assert_int_eq(flag_enabled(&flag), 1);
	service_override(service, LIVE_RUN, "flag.one", 0, 1);
	ck_assert(WAIT_FOR(!flag_enabled(&flag)));
}
END_TEST

START_TEST(without_any_directory_the_host_lives_degraded)
{
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
	replace_by_file("state");
	replace_by_file("run");
	replace_by_file("etc");
	start_degraded("state");
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
	ck_assert_int_eq(flag_tick() > 0, 1);
}
END_TEST

START_TEST(a_directory_that_everybody_may_write_is_not_used)
{
	ck_assert_int_eq(fchmodat(service->root.descriptor, LIVE_RUN, 0777,
				  0), 0);
	start_degraded("writable");
	service_override(service, LIVE_RUN, "flag.one", 0, 1);
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

START_TEST(a_service_without_configuration_is_in_order)
{
	service_remove(service, "etc/svc.ini");
	ck_assert_int_eq(unlinkat(service->root.descriptor, "etc",
				  AT_REMOVEDIR), 0);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(a_broken_configuration_starts_degraded_with_file_and_line)
{
	service_write(service, "etc/svc.ini", ON_TEXT "what = ever\n");
	ck_assert_int_eq(start(), FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "svc.ini");
	ck_assert_uint_eq(error.line, 3);
	ck_assert_ptr_nonnull(strstr(error.text, "what"));
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
}
END_TEST

/* --- a good guest -------------------------------------------------------- */

START_TEST(two_hundred_starts_and_stops_leave_nothing_behind)
{
	unsigned descriptors;
	char proc[600];

	snprintf(proc, sizeof(proc), "%s/proc", service->paths.run);
	/* Once before counting: what stays by design stays once. */
	ck_assert_int_eq(start(), 0);
	flag_stop();
	descriptors = DESCRIPTORS();
	for (int i = 0; i < 200; i++) {
		service->options.driver = i % 3 == 0 ? FLAG_DRIVER_LOOP :
						       FLAG_DRIVER_THREAD;
		ck_assert_int_eq(start(), 0);
		if (i % 2)
			ck_assert_int_ge(flag_fd(), 3);
		ck_assert_uint_eq(count_in(proc), 1);
		flag_stop();
		ck_assert_uint_eq(count_in(proc), 0);
	}
	ck_assert_uint_eq(DESCRIPTORS(), descriptors);
	ck_assert_uint_eq(threads(), 0);
}
END_TEST

START_TEST(nothing_happens_before_a_start)
{
	unsigned descriptors = DESCRIPTORS();

	ck_assert_int_eq(flag_reload(&error), -FLAG_EAGAIN);
	ck_assert_int_eq(error.code, FLAG_EAGAIN);
	ck_assert_int_eq(flag_child(&error), -FLAG_EAGAIN);
	ck_assert_int_eq(flag_fd(), -FLAG_EAGAIN);
	ck_assert_int_gt(flag_tick(), 0);
	flag_request_reload();
	flag_stop();
	ck_assert_uint_eq(DESCRIPTORS(), descriptors);
	ck_assert_uint_eq(threads(), 0);
}
END_TEST

/* The line "key: value" of a status file. */
static bool
status_of(const char *task, const char *key, char *value, size_t size)
{
	char path[300], line[256];
	FILE *file;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	file = fopen(path, "r");
	while (!found && file != NULL &&
	       fgets(line, sizeof(line), file) != NULL) {
		size_t length = strlen(key);

		if (strncmp(line, key, length) != 0 || line[length] != ':')
			continue;
		for (length++; isspace((unsigned char)line[length]); length++)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, size, "%s", line + length);
		found = true;
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/* The id of the library's thread. */
static bool
find_thread(char *task, size_t size)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	char name[64];
	bool found = false;

	while (!found && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    !status_of(entry->d_name, "Name", name, sizeof(name)) ||
		    strcmp(name, "ripcord") != 0)
			continue;
		snprintf(task, size, "%d", atoi(entry->d_name));
		found = true;
	}
	closedir(directory);
	return found;
}

START_TEST(the_thread_takes_no_signal_of_the_host)
{
	char task[32], blocked[64];
	unsigned long long mask;
	/* SIGKILL and SIGSTOP cannot be blocked; two are the C library's. */
	unsigned long long never = 1ull << (SIGKILL - 1) |
				   1ull << (SIGSTOP - 1) | 3ull << 31;

	ck_assert_int_eq(start(), 0);
	/* A thread that has just begun blocks everything: let it do a turn. */
	service_save(service, "etc/svc.ini", OFF_TEXT);
	ck_assert(WAIT_FOR(!flag_enabled(&flag)));
	ck_assert(find_thread(task, sizeof(task)));
	ck_assert(status_of(task, "SigBlk", blocked, sizeof(blocked)));
	mask = strtoull(blocked, NULL, 16);
	ck_assert_msg((mask | never) == ~0ull, "blocked: %s", blocked);
	/* And the host's own mask is as it was. */
	ck_assert(status_of("..", "SigBlk", blocked, sizeof(blocked)));
	ck_assert_uint_eq(strtoull(blocked, NULL, 16), 0);
}
END_TEST

/* Starts with standard descriptors closed; none of ours may be one. */
static int
start_with_closed_descriptors(const struct partner *parent, void *data)
{
	(void)data;
	dup2(2, 200);
	for (int i = 0; i < 3; i++)
		close(i);
	for (int driver = 0; driver < 2; driver++) {
		service->options.driver = (enum flag_driver)driver;
		if (start() != 0 || flag_fd() < 3)
			return 2;
		for (int i = 0; i < 3; i++)
			if (fcntl(i, F_GETFD) != -1)
				return 3 + i;
		flag_stop();
	}
	partner_say(parent, 'd');
	return 0;
}

START_TEST(closed_standard_descriptors_stay_closed)
{
	struct partner host = partner_start(start_with_closed_descriptors,
					    NULL);

	ck_assert_int_eq(partner_hear(&host), 'd');
	ck_assert_int_eq(partner_end(&host), 0);
}
END_TEST

START_TEST(descriptors_are_closed_on_exec)
{
	DIR *directory;
	struct dirent *entry;

	for (int i = 3; i < 256; i++)
		close(i);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_ge(flag_fd(), 3);
	directory = opendir("/proc/self/fd");
	while ((entry = readdir(directory)) != NULL) {
		int number = atoi(entry->d_name);

		if (number >= 3)
			ck_assert_msg(fcntl(number, F_GETFD) == FD_CLOEXEC,
				      "descriptor %d is inherited", number);
	}
	closedir(directory);
}
END_TEST

/* A small file size limit must not end the host by a signal. */
static int
start_with_small_files(const struct partner *parent, void *data)
{
	struct rlimit limit = { 1024, 1024 };

	(void)data;
	service->options.driver = FLAG_DRIVER_LOOP;
	NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	NEED(start() > 0);
	NEED(flag_enabled(&flag) == 1);
	NEED(flag_tick() >= 0);
	NEED(signal(SIGXFSZ, SIG_DFL) == SIG_DFL);
	partner_say(parent, 'd');
	return 0;
}

START_TEST(a_limit_on_files_does_not_end_the_host)
{
	struct partner host = partner_start(start_with_small_files, NULL);

	ck_assert_int_eq(partner_hear(&host), 'd');
	ck_assert_int_eq(partner_end(&host), 0);
}
END_TEST

/* --- SIGHUP -------------------------------------------------------------- */

static volatile sig_atomic_t heard, heard_chained;

static void
hear(int number)
{
	heard += number == SIGHUP;
}

static void
hear_and_ask(int number)
{
	(void)number;
	flag_request_reload();
}

/* The host's handler, installed after ours: calls the one before it. */
static struct sigaction before_host;

static void
chain(int number, siginfo_t *info, void *context)
{
	heard_chained++;
	if (before_host.sa_flags & SA_SIGINFO)
		before_host.sa_sigaction(number, info, context);
}

START_TEST(sighup_is_left_alone_unless_asked_for)
{
	struct sigaction now, before;

	/* Ignored, where the tests run under nohup. */
	ck_assert_int_eq(sigaction(SIGHUP, NULL, &before), 0);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(sigaction(SIGHUP, NULL, &now), 0);
	ck_assert_ptr_eq(now.sa_handler, before.sa_handler);
}
END_TEST

START_TEST(sighup_reloads_and_calls_who_was_there_before)
{
	struct sigaction now;

	signal(SIGHUP, hear);
	service->options.sighup = 1;
	service->options.driver = FLAG_DRIVER_LOOP;
	ck_assert_int_eq(start(), 0);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	raise(SIGHUP);
	ck_assert_int_eq(heard, 1);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
	flag_stop();
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_eq(now.sa_handler, hear);
	raise(SIGHUP);
	ck_assert_int_eq(heard, 2);
}
END_TEST

START_TEST(an_ignored_sighup_stays_ignored)
{
	struct sigaction now;

	signal(SIGHUP, SIG_IGN);
	service->options.sighup = 1;
	ck_assert_int_eq(start(), 0);
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_eq(now.sa_handler, SIG_IGN);
	flag_stop();
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_eq(now.sa_handler, SIG_IGN);
}
END_TEST

START_TEST(a_handler_of_the_host_in_front_of_ours_survives_a_restart)
{
	struct sigaction host = { .sa_flags = SA_SIGINFO }, now;

	service->options.sighup = 1;
	ck_assert_int_eq(start(), 0);
	host.sa_sigaction = chain;
	sigaction(SIGHUP, &host, &before_host);
	raise(SIGHUP);
	ck_assert_int_eq(heard_chained, 1);
	flag_stop();
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_eq(now.sa_sigaction, chain);
	/* Ours is still called by the host's: that must not become a circle. */
	ck_assert_int_eq(start(), 0);
	raise(SIGHUP);
	ck_assert_int_eq(heard_chained, 2);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	raise(SIGHUP);
	ck_assert(WAIT_FOR(!flag_enabled(&flag)));
}
END_TEST

START_TEST(a_reload_may_be_asked_for_in_a_signal_handler)
{
	signal(SIGHUP, hear_and_ask);
	service->options.driver = FLAG_DRIVER_LOOP;
	ck_assert_int_eq(start(), 0);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	raise(SIGHUP);
	flag_tick();
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

/* --- asking -------------------------------------------------------------- */

START_TEST(a_reload_takes_all_or_nothing)
{
	ck_assert_int_eq(start(), 0);
	service_save(service, "etc/svc.ini", OFF_TEXT "[flag.two]\nstate = on\n"
		     "[flag.on]\nstate = maybe\n");
	ck_assert_int_eq(flag_reload(&error), -FLAG_ECONFIG);
	ck_assert_int_eq(error.code, FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "svc.ini");
	ck_assert_uint_eq(error.line, 6);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&two), 0);
	/* Still wrong when asked again, although nothing has changed. */
	ck_assert_int_eq(flag_reload(&error), -FLAG_ECONFIG);
	ck_assert_uint_eq(error.line, 6);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_int_eq(error.code, 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

/* The driver, which would open it again within two seconds, is not asked. */
START_TEST(a_reload_looks_into_the_folder_that_is_there_now)
{
	service->options.driver = FLAG_DRIVER_LOOP;
	ck_assert_int_eq(start(), 0);
	service_rename(service, "etc", "old");
	service_mkdir(service, "etc");
	service_write(service, "etc/svc.ini", OFF_TEXT);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(find_gives_the_same_flag_for_the_same_name_for_ever)
{
	struct flag *late = flag_find("flag.late");

	ck_assert_ptr_eq(flag_find("flag.one"), &flag);
	ck_assert_int_eq(flag_enabled(late), 0);
	service_write(service, "etc/svc.ini", "[flag.late]\nstate = on\n"
		      "[flag.later]\nstate = on\n");
	ck_assert_int_eq(start(), 0);
	ck_assert_ptr_eq(flag_find("flag.late"), late);
	ck_assert_int_eq(flag_enabled(late), 1);
	ck_assert_int_eq(flag_enabled(flag_find("flag.later")), 1);
	ck_assert_ptr_ne(flag_find("flag.later"), late);
	flag_stop();
	ck_assert_ptr_eq(flag_find("flag.late"), late);
	ck_assert_int_eq(flag_enabled(late), 1);
	ck_assert_int_eq(start(), 0);
	ck_assert_ptr_eq(flag_find("flag.late"), late);
}
END_TEST

START_TEST(a_name_that_cannot_be_is_always_off)
{
	struct flag *bad = flag_find("not a name");

	ck_assert_ptr_nonnull(bad);
	ck_assert_ptr_eq(flag_find(NULL), bad);
	ck_assert_ptr_eq(flag_find(""), bad);
	ck_assert_int_eq(start(), 0);
	flag_test_set(bad, 1);
	flag_test_set(NULL, 1);
	ck_assert_int_eq(flag_enabled(bad), 0);
	flag_test_reset(NULL);
}
END_TEST

START_TEST(the_word_is_what_readers_read)
{
	ck_assert_int_eq(start(), 0);
	ck_assert(flag_word(&flag) == &flag.state);
	ck_assert_uint_eq(*flag_word(&flag) & 1, 1);
	ck_assert_uint_eq(*flag_word(&two) & 1, 0);
}
END_TEST

/* What explain says of a flag, looked at again in every buffer size. */
static const char *
explain(const struct flag *asked)
{
	static char whole[512];
	size_t length = flag_explain(asked, whole, sizeof(whole));
	char cut[64];

	ck_assert_uint_eq(length, strlen(whole));
	for (size_t size = 1; size < sizeof(cut) && size <= length; size++) {
		memset(cut, '#', sizeof(cut));
		ck_assert_uint_eq(flag_explain(asked, cut, size), length);
		ck_assert_uint_eq(strlen(cut), size - 1);
		ck_assert_int_eq(strncmp(cut, whole, size - 1), 0);
	}
	ck_assert_uint_eq(flag_explain(asked, NULL, 0), length);
	return whole;
}

/* Whether explain begins with text. */
#define EXPLAINED(flag, text) \
	ck_assert_msg(strncmp(explain(flag), text, strlen(text)) == 0, \
		      "\"%s\" does not begin with \"%s\"", explain(flag), text)

START_TEST(explain_says_what_and_why)
{
	static const struct flag stray = { 1, 0 };

	EXPLAINED(&flag, "off: default");
	EXPLAINED(&initially_on, "on: default");
	EXPLAINED(&stray, "on: not registered");
	ck_assert_int_eq(start(), 0);
	EXPLAINED(&flag, "on: svc.ini:2");
	service_override(service, LIVE_RUN, "flag.one", 0, 1);
	flag_reload(NULL);
	EXPLAINED(&flag, "off: off by tester");
	service_override(service, LIVE_RUN, "flag.two", FLAGP_SHARE_ALL, 2);
	flag_reload(NULL);
	EXPLAINED(&two, "on: on by tester");
	flag_test_set(&two, 0);
	EXPLAINED(&two, "off: test");
	flag_test_reset(&two);
	service_write(service, LIVE_STATE "/PANIC", "");
	flag_reload(NULL);
	EXPLAINED(&two, "off: panic");
}
END_TEST

/* --- for tests ----------------------------------------------------------- */

START_TEST(test_both_runs_both_arms_and_resets)
{
	unsigned runs = 0, on = 0;

	ck_assert_int_eq(start(), 0);
	FLAG_TEST_BOTH(&flag) {
		ck_assert_int_eq(flag_enabled(&flag), (int)runs);
		runs++;
		on += (unsigned)flag_enabled(&flag);
	}
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(on, 1);
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

START_TEST(test_both_runs_twice_whatever_was_set_before_or_inside)
{
	unsigned runs = 0;

	flag_test_set(&flag, 1);
	FLAG_TEST_BOTH(&flag)
		runs++;
	ck_assert_uint_eq(runs, 2);
	flag_test_set(&flag, 0);
	FLAG_TEST_BOTH(&flag)
		runs++;
	ck_assert_uint_eq(runs, 4);
	FLAG_TEST_BOTH(&flag) {
		flag_test_reset(NULL);
		ck_assert_uint_lt(runs++, 7);
	}
	ck_assert_uint_eq(runs, 6);
}
END_TEST

START_TEST(test_both_of_a_flag_that_nobody_knows_ends)
{
	struct flag stray = { 0, 0 };
	unsigned runs = 0;

	FLAG_TEST_BOTH(&stray)
		ck_assert_uint_lt(runs++, 3);
	FLAG_TEST_BOTH(flag_find("not a name"))
		ck_assert_uint_lt(runs++, 3);
	ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(what_a_test_sets_survives_a_reload)
{
	ck_assert_int_eq(start(), 0);
	flag_test_set(&flag, 0);
	service_save(service, "etc/svc.ini", ON_TEXT "[flag.two]\n"
		     "state = on\n");
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_int_eq(flag_enabled(&two), 1);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	flag_test_reset(&flag);
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

START_TEST(codes_and_version_have_texts)
{
	static const int codes[] = {
		FLAG_ENOMEM, FLAG_EINVAL, FLAG_EEXIST, FLAG_EACCES,
		FLAG_ENOENT, FLAG_EBUSY, FLAG_EIO, FLAG_EAGAIN, FLAG_ECONFIG,
		FLAG_EDIRECTORY,
	};
	const char *unknown = flag_strerror(99999);

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		ck_assert_str_ne(flag_strerror(codes[i]), unknown);
		ck_assert_str_eq(flag_strerror(codes[i]),
				 flag_strerror(-codes[i]));
	}
	ck_assert_str_eq(flag_strerror(0), "no error");
	ck_assert_str_eq(flag_version(), FLAG_VERSION);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_start_applies_what_the_files_say,
		a_second_start_counts,
		another_name_is_refused,
		names_that_cannot_be_are_refused,
		a_start_that_failed_binds_to_no_name,
		options_of_an_older_header_are_completed,
		without_a_run_directory_the_host_lives_degraded,
		without_a_state_directory_the_host_lives_degraded,
		without_any_directory_the_host_lives_degraded,
		a_directory_that_everybody_may_write_is_not_used,
		a_service_without_configuration_is_in_order,
		a_broken_configuration_starts_degraded_with_file_and_line,
		two_hundred_starts_and_stops_leave_nothing_behind,
		nothing_happens_before_a_start,
		the_thread_takes_no_signal_of_the_host,
		closed_standard_descriptors_stay_closed,
		descriptors_are_closed_on_exec,
		a_limit_on_files_does_not_end_the_host,
		sighup_is_left_alone_unless_asked_for,
		sighup_reloads_and_calls_who_was_there_before,
		an_ignored_sighup_stays_ignored,
		a_handler_of_the_host_in_front_of_ours_survives_a_restart,
		a_reload_may_be_asked_for_in_a_signal_handler,
		a_reload_takes_all_or_nothing,
		a_reload_looks_into_the_folder_that_is_there_now,
		find_gives_the_same_flag_for_the_same_name_for_ever,
		a_name_that_cannot_be_is_always_off,
		the_word_is_what_readers_read,
		explain_says_what_and_why,
		test_both_runs_both_arms_and_resets,
		test_both_runs_twice_whatever_was_set_before_or_inside,
		test_both_of_a_flag_that_nobody_knows_ends,
		what_a_test_sets_survives_a_reload,
		codes_and_version_have_texts,
		NULL
	};

	return suite_run_with("flag", tests, setup, teardown);
}
