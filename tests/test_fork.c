/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - real processes: prefork, children of children, children that
 * never call us, programs that are started, forks in the middle of reloads.
 *
 * Who registered must not look at registrations, so an observer is forked
 * before the library starts.
 */
#include "service.h"
#include "suite.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>

#include "core/board.h"
#include "core/change.h"

FLAG_DEFINE(flag, "fork.flag", "followed");
FLAG_DEFINE(two, "fork.two", "followed by some");

#define NAME "fork.flag"
#define ON_TEXT "[" NAME "]\nstate = on\n"
#define OFF_TEXT "[" NAME "]\nstate = off\n"
#define BOTH_TEXT ON_TEXT "[fork.two]\nstate = on\n"

static struct service *service;
static struct partner observer;

/* --- the observer --------------------------------------------------------- */

struct sight {
	bool found;
	struct proc_entry entry;
};

static int
observe(const struct partner *parent, void *data)
{
	struct sight sight;
	pid_t pid;

	(void)data;
	while (read(parent->hears, &pid, sizeof(pid)) == sizeof(pid)) {
		memset(&sight, 0, sizeof(sight));
		sight.found = service_entry(service, pid, &sight.entry);
		NEED(write(parent->says, &sight, sizeof(sight)) ==
		     sizeof(sight));
	}
	return 0;
}

/* What others see of a process. */
static struct sight
look(pid_t pid)
{
	struct sight sight;

	ck_assert_int_eq(write(observer.says, &pid, sizeof(pid)), sizeof(pid));
	ck_assert_int_eq(read(observer.hears, &sight, sizeof(sight)),
			 sizeof(sight));
	return sight;
}

static bool
is_live(pid_t pid, enum proc_driver driver)
{
	struct sight sight = look(pid);

	return sight.found && sight.entry.life == PROC_LIVE &&
	       sight.entry.head.driver == driver;
}

static void
setup(void)
{
	service = service_make();
	service_write(service, "etc/svc.ini", ON_TEXT);
	observer = partner_start(observe, NULL);
}

static void
teardown(void)
{
	while (flag_reload(NULL) != -FLAG_EAGAIN)
		flag_stop();
	ck_assert_int_eq(partner_end(&observer), 0);
	service_free(service);
}

static void
start(void)
{
	ck_assert_int_eq(flag_start(SERVICE, &service->options, NULL), 0);
	ck_assert_int_eq(flag_enabled(&flag), 1);
}

/* --- children ------------------------------------------------------------- */

#define SEES(is) NEED(WAIT_FOR(flag_enabled(&flag) == (is)))

/* Calls nothing of ours but flag_enabled(), unless told to. */
static int
quiet_child(const struct partner *parent, void *data)
{
	(void)data;
	partner_say(parent, 'b');	/* born */
	for (;;) {
		switch (partner_hear(parent)) {
		case '?':
			partner_say(parent, flag_enabled(&flag) ? '1' : '0');
			break;
		case 'c':
			NEED(flag_child(NULL) == 0);
			partner_say(parent, 'c');
			break;
		case 'r':
			NEED(flag_reload(NULL) == 0);
			partner_say(parent, 'r');
			break;
		case 'f':
			partner_say(parent, flag_enabled(
					flag_find("fork.late")) ? '1' : '0');
			break;
		case 't':
			NEED(flagp_change_trip(&flag, "by a child") == 0);
			partner_say(parent, 't');
			break;
		default:
			return 0;
		}
	}
}

/* Has it do something and hears what it says. */
static char
tell(const struct partner *child, char word)
{
	partner_say(child, word);
	return partner_hear(child);
}

static struct partner
have_child(void)
{
	struct partner child = partner_start(quiet_child, NULL);

	ck_assert_int_eq(partner_hear(&child), 'b');
	return child;
}

#define ASKED(child, is) ck_assert(WAIT_FOR(tell(child, '?') == (is)))

START_TEST(a_child_is_registered_at_once_and_follows_its_family)
{
	struct partner child;
	struct sight parent, sight;

	start();
	child = have_child();
	parent = look(getpid());
	sight = look(child.pid);
	ck_assert(sight.found);
	ck_assert_int_eq(sight.entry.life, PROC_LIVE);
	ck_assert_int_eq(sight.entry.head.driver, PROC_DRIVER_NONE);
	ck_assert_int_eq(sight.entry.head.pid, child.pid);
	ck_assert_uint_ge(sight.entry.head.start, parent.entry.head.start);
	ck_assert_uint_ne(sight.entry.head.board, 0);
	ck_assert_uint_eq(sight.entry.head.board, parent.entry.head.board);
	ck_assert_int_eq(parent.entry.life, PROC_LIVE);
	ck_assert_int_eq(tell(&child, '?'), '1');
	service_override(service, LIVE_RUN, NAME, 0, 1);
	ASKED(&child, '0');
	ck_assert_int_eq(partner_end(&child), 0);
	ck_assert_int_eq(look(child.pid).entry.life, PROC_DEAD);
	ck_assert_int_eq(look(getpid()).entry.life, PROC_LIVE);
}
END_TEST

START_TEST(a_child_that_shall_only_follow_registers_when_it_says_so)
{
	struct partner child;

	service->options.fork = FLAG_FORK_FOLLOW;
	start();
	child = have_child();
	ck_assert(!look(child.pid).found);
	service_override(service, LIVE_RUN, NAME, 0, 1);
	ASKED(&child, '0');
	ck_assert_int_eq(tell(&child, 'c'), 'c');
	ck_assert(is_live(child.pid, PROC_DRIVER_THREAD));
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

START_TEST(workers_that_called_child_have_drivers_of_their_own)
{
	struct partner workers[4];

	start();
	for (int i = 0; i < 4; i++) {
		workers[i] = have_child();
		ck_assert_int_eq(tell(&workers[i], 'c'), 'c');
		ck_assert(is_live(workers[i].pid, PROC_DRIVER_THREAD));
	}
	/* The family lives on when its first member does nothing any more. */
	flag_stop();
	service_override(service, LIVE_RUN, NAME, 0, 1);
	for (int i = 0; i < 4; i++)
		ASKED(&workers[i], '0');
	ck_assert_int_eq(flag_enabled(&flag), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(partner_end(&workers[i]), 0);
	service_override(service, LIVE_RUN, NAME, FLAGP_SHARE_ALL, 2);
	ASKED(&workers[3], '1');
	ck_assert_int_eq(partner_end(&workers[3]), 0);
}
END_TEST

START_TEST(a_slow_call_makes_a_child_a_driver)
{
	struct partner child;

	start();
	child = have_child();
	ck_assert_int_eq(tell(&child, 'r'), 'r');
	ck_assert(is_live(child.pid, PROC_DRIVER_THREAD));
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

/* A child's child; its parent ends at once. */
static int
orphaning_child(const struct partner *parent, void *data)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(quiet_child(parent, data));
	NEED(pid > 0);
	return 0;
}

START_TEST(a_childs_child_is_of_the_family_too)
{
	struct partner child;

	start();
	child = partner_start(orphaning_child, NULL);
	ck_assert_int_eq(partner_hear(&child), 'b');
	service_override(service, LIVE_RUN, NAME, 0, 1);
	ASKED(&child, '0');
	ck_assert_int_eq(tell(&child, 'c'), 'c');
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

static int
starting_child(const struct partner *parent, void *data)
{
	struct flag_error error;

	(void)data;
	NEED(partner_hear(parent) == 'g');
	NEED(flag_start("other", &service->options, &error) == -FLAG_EEXIST);
	NEED(flag_start(SERVICE, &service->options, &error) == 0);
	NEED(threads() == 1);
	NEED(flag_child(&error) == 0);
	NEED(threads() == 1);
	partner_say(parent, 's');
	NEED(partner_hear(parent) == 'q');
	return 0;
}

START_TEST(a_start_in_a_child_joins_the_family)
{
	struct partner child;

	start();
	child = partner_start(starting_child, NULL);
	ck_assert_int_eq(tell(&child, 'g'), 's');
	ck_assert(is_live(child.pid, PROC_DRIVER_THREAD));
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

static int
restarting_child(const struct partner *parent, void *data)
{
	unsigned descriptors;

	(void)parent;
	(void)data;
	flag_stop();
	NEED(threads() == 0);
	descriptors = DESCRIPTORS();
	NEED(flag_start(SERVICE, &service->options, NULL) == 0);
	NEED(threads() == 1);
	NEED(flag_reload(NULL) == 0);
	NEED(flag_child(NULL) == 0);
	NEED(threads() == 1);
	SEES(1);
	flag_stop();
	NEED(threads() == 0);
	NEED(DESCRIPTORS() == descriptors);
	return 0;
}

START_TEST(a_child_may_stop_and_start_anew)
{
	struct partner child;

	start();
	child = partner_start(restarting_child, NULL);
	ck_assert_int_eq(partner_end(&child), 0);
	ck_assert(is_live(getpid(), PROC_DRIVER_THREAD));
}
END_TEST

/* How many descriptors lead to target. */
static unsigned
descriptors_of(const char *target)
{
	char path[64], found[64];
	unsigned count = 0;

	for (int i = 0; i < 256; i++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		length = readlink(path, found, sizeof(found) - 1);
		found[length > 0 ? length : 0] = '\0';
		count += strcmp(found, target) == 0;
	}
	return count;
}

static int
asking_child(const struct partner *parent, void *data)
{
	int *descriptor = data;

	NEED(descriptors_of("anon_inode:inotify") == 0);
	NEED(descriptors_of("anon_inode:[eventpoll]") == 0);
	NEED(fcntl(*descriptor, F_GETFD) == -1);
	flag_request_reload();
	partner_say(parent, 'a');
	NEED(partner_hear(parent) == 'g');
	NEED(flag_fd() >= 3);
	NEED(descriptors_of("anon_inode:inotify") == 1);
	/* What it asked for before it had a driver is done now. */
	flag_tick();
	partner_say(parent, 't');
	return 0;
}

START_TEST(a_child_takes_no_event_of_its_parents)
{
	struct pollfd polled = { -1, POLLIN, 0 };
	struct partner child;

	service->options.driver = FLAG_DRIVER_LOOP;
	start();
	flag_tick();
	polled.fd = flag_fd();
	ck_assert_int_eq(poll(&polled, 1, 0), 0);
	child = partner_start(asking_child, &polled.fd);
	ck_assert_int_eq(partner_hear(&child), 'a');
	ck_assert_int_eq(poll(&polled, 1, 0), 0);
	service_override(service, LIVE_RUN, "fork.two", FLAGP_SHARE_ALL, 1);
	ck_assert_int_eq(tell(&child, 'g'), 't');
	ck_assert_int_eq(poll(&polled, 1, 0), 1);
	ck_assert_int_eq(flag_enabled(&two), 1);
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

START_TEST(a_trip_in_a_child_reaches_the_whole_family)
{
	struct partner child, sibling;

	start();
	child = have_child();
	sibling = have_child();
	ck_assert_int_eq(tell(&child, 't'), 't');
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(tell(&sibling, '?'), '0');
	ck_assert_int_eq(partner_end(&child), 0);
	ck_assert_int_eq(partner_end(&sibling), 0);
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

/* --- what a child may not undo -------------------------------------------- */

START_TEST(a_child_that_knows_less_turns_nothing_on_by_finding_it)
{
	struct partner child;
	struct flag *late;

	service_write(service, "etc/svc.ini", ON_TEXT
		      "[fork.late]\nstate = on\n");
	start();
	child = have_child();
	/* Off, and the child has not heard why. */
	service_override(service, LIVE_RUN, "fork.late", 0, 1);
	ck_assert_int_eq(flag_reload(NULL), 0);
	late = flag_find("fork.late");
	ck_assert_int_eq(flag_enabled(late), 0);
	ck_assert_int_eq(tell(&child, 'f'), '0');
	ck_assert_int_eq(flag_enabled(late), 0);
	/* With what the files say it finds it on. */
	service_override(service, LIVE_RUN, "fork.late", FLAGP_SHARE_ALL, 2);
	ck_assert_int_eq(tell(&child, 'r'), 'r');
	ck_assert_int_eq(tell(&child, 'f'), '1');
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

START_TEST(a_worker_born_while_a_file_is_half_written_removes_nothing)
{
	struct partner child;

	service->options.driver = FLAG_DRIVER_LOOP;
	service_write(service, "etc/svc.ini", BOTH_TEXT);
	start();
	ck_assert_int_eq(flag_enabled(&two), 1);
	child = have_child();
	service_write(service, "etc/svc.ini", ON_TEXT);
	ck_assert_int_eq(tell(&child, 'c'), 'c');
	ck_assert_int_eq(flag_enabled(&two), 1);
	service_write(service, "etc/svc.ini", BOTH_TEXT);
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

static int
private_child(const struct partner *parent, void *data)
{
	(void)data;
	NEED(partner_hear(parent) == 'g');
	NEED(flag_enabled(&flag) == 1);
	NEED(flag_child(NULL) == 0);
	SEES(0);
	partner_say(parent, 'd');
	NEED(partner_hear(parent) == 'q');
	return 0;
}

START_TEST(with_private_cells_a_child_follows_only_by_itself)
{
	struct partner child;
	struct sight sight;

	service->options.board = FLAG_PRIVATE;
	start();
	child = partner_start(private_child, NULL);
	service_override(service, LIVE_RUN, NAME, 0, 1);
	ck_assert(WAIT_FOR(!flag_enabled(&flag)));
	ck_assert_int_eq(tell(&child, 'g'), 'd');
	sight = look(child.pid);
	ck_assert(sight.entry.head.own_cells);
	ck_assert_uint_eq(sight.entry.head.board, 0);
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

/* --- other programs ------------------------------------------------------- */

static int
exec_child(const struct partner *parent, void *data)
{
	(void)data;
	dup2(parent->hears, 0);
	dup2(parent->says, 1);
	execlp("sh", "sh", "-c", "printf e; exec cat >/dev/null",
	       (char *)NULL);
	return 1;
}

START_TEST(a_program_that_a_child_became_is_nobody_to_wait_for)
{
	struct partner child;
	struct sight sight;

	start();
	child = partner_start(exec_child, NULL);
	ck_assert_int_eq(partner_hear(&child), 'e');
	sight = look(child.pid);
	ck_assert(!sight.found || sight.entry.life == PROC_DEAD);
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

START_TEST(a_spawned_program_is_nobody_to_wait_for)
{
	char *const arguments[] = { "sh", "-c", "exec cat", NULL };
	posix_spawn_file_actions_t actions;
	struct sight sight;
	int ends[2], status;
	pid_t pid;

	start();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
	ck_assert_int_eq(posix_spawnp(&pid, "sh", &actions, NULL, arguments,
				      environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	sight = look(pid);
	ck_assert(!sight.found || sight.entry.life == PROC_DEAD);
	close(ends[1]);
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(look(getpid()).entry.life, PROC_LIVE);
}
END_TEST

/* --- forks in the middle of everything ------------------------------------ */

#define FORKS 200

static atomic_bool enough;
static atomic_int at_work;

static void *
reload_all_the_time(void *unused)
{
	atomic_fetch_add(&at_work, 1);
	for (unsigned i = 0; !atomic_load(&enough); i++) {
		service_save(service, "etc/svc.ini",
			     i % 2 == 0 ? BOTH_TEXT : ON_TEXT
			     "[fork.two]\nstate = off\n");
		(void)flag_reload(NULL);
	}
	return unused;
}

static void *
read_all_the_time(void *unused)
{
	char text[128];

	atomic_fetch_add(&at_work, 1);
	while (!atomic_load(&enough)) {
		struct flag_span span;

		flag_begin(&span, &two);
		flag_explain(&two, text, sizeof(text));
		(void)flag_enabled(flag_find("fork.found"));
		flag_end(&span, FLAG_OK);
	}
	return unused;
}

/* Reads, asks, reloads. */
static int
hurried_child(void)
{
	char text[128];

	NEED(flag_enabled(&flag) == 1);
	NEED(flag_explain(&two, text, sizeof(text)) > 0);
	NEED(flag_find("fork.found") != NULL);
	NEED(flag_reload(NULL) <= 0);
	NEED(flag_enabled(&flag) == 1);
	return 0;
}

/* Waits with a watchdog, so that a hang is a failure and no hang. */
static int
end_of(pid_t pid)
{
	int status = 0;

	if (!WAIT_FOR(waitpid(pid, &status, WNOHANG) == pid)) {
		kill(pid, SIGABRT);
		waitpid(pid, &status, 0);
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

/*
 * AddressSanitizer's allocator (gcc 12, clang 14) cannot be forked while
 * another thread is inside: the child waits for ever for a lock of it.  Built
 * with it, this test has the driver's thread alone, and says so.
 */
#ifdef __SANITIZE_ADDRESS__
#define BUSY 0
#else
#define BUSY 3
#endif

START_TEST(forks_while_others_read_and_reload_hang_nobody)
{
	void *(*const work[])(void *) = { reload_all_the_time,
					  read_all_the_time,
					  read_all_the_time };
	pthread_t threads[3];

	start();
	if (BUSY == 0)
		puts("forks_while_others_read_and_reload: without the others, "
		     "whom AddressSanitizer's allocator does not survive");
	for (int i = 0; i < BUSY; i++)
		pthread_create(&threads[i], NULL, work[i], NULL);
	while (atomic_load(&at_work) < BUSY)
		nap_ms(1);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(hurried_child());
		ck_assert_int_gt(pid, 0);
		ck_assert_int_eq(end_of(pid), 0);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < BUSY; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(look(getpid()).entry.life, PROC_LIVE);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_child_is_registered_at_once_and_follows_its_family,
		a_child_that_shall_only_follow_registers_when_it_says_so,
		workers_that_called_child_have_drivers_of_their_own,
		a_slow_call_makes_a_child_a_driver,
		a_childs_child_is_of_the_family_too,
		a_start_in_a_child_joins_the_family,
		a_child_may_stop_and_start_anew,
		a_child_takes_no_event_of_its_parents,
		a_trip_in_a_child_reaches_the_whole_family,
		a_child_that_knows_less_turns_nothing_on_by_finding_it,
		a_worker_born_while_a_file_is_half_written_removes_nothing,
		with_private_cells_a_child_follows_only_by_itself,
		a_program_that_a_child_became_is_nobody_to_wait_for,
		a_spawned_program_is_nobody_to_wait_for,
		forks_while_others_read_and_reload_hang_nobody,
		NULL
	};

	return suite_run_with("fork", tests, setup, teardown);
}
