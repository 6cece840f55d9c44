/* SPDX-License-Identifier: MIT */
/*
 * test_signals.c - handlers that interrupt the library at any point, thousands
 * of signals, and starts and stops that meet.
 */
#include "service.h"
#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <sys/time.h>

#include "base/error.h"
#include "run/reload.h"

FLAG_DEFINE(flag, "signals.flag", "on in the file");

#define ON_TEXT "[signals.flag]\nstate = on\n"
#define OFF_TEXT "[signals.flag]\nstate = off\n"
#define HANGUPS 10000
#define INTERRUPTIONS 2000

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

/* --- SIGHUP by the thousand --- */

static int
hang_up_parent(const struct partner *parent, void *data)
{
	pid_t host = getppid();

	(void)data;
	NEED(partner_hear(parent) == 'g');
	for (int i = 0; i < HANGUPS; i++)
		NEED(kill(host, SIGHUP) == 0);
	NEED(partner_say(parent, 'd'));
	return 0;
}

/* The host's own read goes on, and its handler is called by ours. */
START_TEST(ten_thousand_hangups_fail_no_read_of_the_host)
{
	struct partner other = partner_start(hang_up_parent, NULL);
	unsigned descriptors;
	char word = 0;

	service->options.sighup = 1;
	ck_assert_int_eq(start(), 0);
	descriptors = DESCRIPTORS();
	ck_assert(partner_say(&other, 'g'));
	ck_assert_int_eq(read(other.hears, &word, 1), 1);
	ck_assert_int_eq(word, 'd');
	ck_assert_int_eq(partner_end(&other), 0);
	ck_assert_uint_eq(DESCRIPTORS(), descriptors - 1);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	raise(SIGHUP);
	ck_assert(WAIT_FOR(!flag_enabled(&flag)));
}
END_TEST

static volatile sig_atomic_t from_pid;

static void
hear_with_info(int number, siginfo_t *info, void *context)
{
	from_pid = number == SIGHUP && context != NULL ? info->si_pid : 0;
	errno = EDOM;
}

START_TEST(a_handler_that_was_there_before_gets_all_it_would_get)
{
	struct sigaction host = { .sa_flags = SA_SIGINFO }, now;

	host.sa_sigaction = hear_with_info;
	sigaction(SIGHUP, &host, NULL);
	service->options.sighup = 1;
	ck_assert_int_eq(start(), 0);
	errno = ERANGE;
	raise(SIGHUP);
	ck_assert_int_eq(errno, ERANGE);
	ck_assert_int_eq(from_pid, getpid());
	flag_stop();
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_eq(now.sa_sigaction, hear_with_info);
}
END_TEST

static volatile sig_atomic_t heard;

static void
hear(int number)
{
	(void)number;
	heard++;
}

/* A handler installed twice would call itself. */
START_TEST(started_twice_the_handler_is_there_once)
{
	struct sigaction now;

	signal(SIGHUP, hear);
	service->options.sighup = 1;
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(start(), 0);
	raise(SIGHUP);
	ck_assert_int_eq(heard, 1);
	flag_stop();
	raise(SIGHUP);
	ck_assert_int_eq(heard, 2);
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_ne(now.sa_handler, hear);
	flag_stop();
	flag_stop();
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_eq(now.sa_handler, hear);
	raise(SIGHUP);
	ck_assert_int_eq(heard, 3);
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

/* A host that installs its handler later and does not chain takes ours away:
 * files are followed all the same, and its handler stays its own. */
START_TEST(a_handler_that_came_later_stays)
{
	struct sigaction now;

	service->options.sighup = 1;
	ck_assert_int_eq(start(), 0);
	signal(SIGHUP, hear);
	raise(SIGHUP);
	ck_assert_int_eq(heard, 1);
	service_save(service, "etc/svc.ini", OFF_TEXT);
	ck_assert(WAIT_FOR(!flag_enabled(&flag)));
	flag_stop();
	sigaction(SIGHUP, NULL, &now);
	ck_assert_ptr_eq(now.sa_handler, hear);
}
END_TEST

/* --- a handler in the midst of anything --- */

static volatile sig_atomic_t interruptions, was_off, errno_changed;

static void
interrupt(int number)
{
	int saved = errno;

	(void)number;
	errno = EDOM;
	was_off += !flag_enabled(&flag);
	was_off += (*flag_word(&flag) & 1u) == 0;
	flag_request_reload();
	errno_changed += errno != EDOM;
	errno = saved;
	interruptions++;
}

static void
interrupt_every(long microseconds)
{
	struct itimerval timer = {
		.it_interval = { 0, microseconds },
		.it_value = { 0, microseconds },
	};

	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Reads, spans, reloads, looks up, explains: all that a host calls. */
static void
call_everything(unsigned turn)
{
	struct flag_span span;
	char text[128];
	int on;

	ck_assert_int_eq(flag_enabled(&flag), 1);
	on = flag_begin(&span, &flag);
	flag_end(&span, on ? FLAG_OK : FLAG_FAILED);
	ck_assert_int_eq(on, 1);
	ck_assert_ptr_eq(flag_find("signals.flag"), &flag);
	flag_explain(&flag, text, sizeof(text));
	ck_assert_str_eq(text, "on: svc.ini:2");
	if (turn % 8 == 0)
		service_save(service, "etc/svc.ini", ON_TEXT);
	ck_assert_int_eq(flag_reload(&error), 0);
}

static void
be_interrupted(void)
{
	struct sigaction action = { .sa_handler = interrupt,
				    .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	ck_assert_int_eq(start(), 0);
	interrupt_every(300);
	for (unsigned i = 0; interruptions < INTERRUPTIONS; i++)
		call_everything(i);
	interrupt_every(0);
	ck_assert_int_eq(was_off, 0);
	ck_assert_int_eq(errno_changed, 0);
}

START_TEST(handlers_that_interrupt_readers_and_reloads)
{
	be_interrupted();
}
END_TEST

/* The host's thread does the reading: the handler meets the driver itself. */
START_TEST(handlers_that_interrupt_the_hosts_loop)
{
	service->options.driver = FLAG_DRIVER_LOOP;
	be_interrupted();
	interrupt_every(300);
	interruptions = 0;
	while (interruptions < INTERRUPTIONS)
		ck_assert_int_ge(flag_tick(), 0);
	interrupt_every(0);
	ck_assert_int_eq(was_off, 0);
}
END_TEST

/* --- stops --- */

static void *
stop(void *unused)
{
	(void)unused;
	flag_stop();
	return NULL;
}

START_TEST(another_thread_may_stop)
{
	unsigned descriptors = DESCRIPTORS(), running = threads();
	pthread_t other;

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(start(), 0);
		ck_assert_int_eq(pthread_create(&other, NULL, stop, NULL), 0);
		ck_assert_int_eq(pthread_join(other, NULL), 0);
		ck_assert_int_eq(flag_reload(NULL), -FLAG_EAGAIN);
		ck_assert_uint_eq(threads(), running);
		ck_assert_uint_eq(DESCRIPTORS(), descriptors);
		ck_assert_int_eq(flag_enabled(&flag), 1);
	}
}
END_TEST

#define STOPPERS 4
#define STOPS 2000

static pthread_barrier_t all_there;

static void *
stop_often(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&all_there);
	for (int i = 0; i < STOPS; i++)
		flag_stop();
	return NULL;
}

/* As many stops as starts, all at once: only the last one ends it. */
START_TEST(stops_that_meet_are_each_counted)
{
	unsigned descriptors = DESCRIPTORS();
	pthread_t others[STOPPERS];

	pthread_barrier_init(&all_there, NULL, STOPPERS);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < STOPPERS * STOPS + 1; i++)
			ck_assert_int_eq(start(), 0);
		for (int i = 0; i < STOPPERS; i++)
			ck_assert_int_eq(pthread_create(&others[i], NULL,
							stop_often, NULL), 0);
		for (int i = 0; i < STOPPERS; i++)
			pthread_join(others[i], NULL);
		ck_assert_int_eq(flag_reload(NULL), 0);
		flag_stop();
		ck_assert_int_eq(flag_reload(NULL), -FLAG_EAGAIN);
		ck_assert_uint_eq(DESCRIPTORS(), descriptors);
		ck_assert_int_eq(flag_enabled(&flag), 1);
	}
}
END_TEST

/* A reload that was called before a stop and gets the lock after it: folders
 * that are closed are no empty configuration. */
START_TEST(a_reload_behind_a_stop_changes_nothing)
{
	ck_assert_int_eq(start(), 0);
	flag_stop();
	flagp_error_clear(&error);
	ck_assert_int_eq(flagp_reload(RELOAD_CONFIG | RELOAD_NOW, &error),
			 -FLAG_EAGAIN);
	ck_assert_str_eq(error.text, "flag_start() was not called; "
			 "flags stay as they are");
	ck_assert_int_eq(flag_enabled(&flag), 1);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		ten_thousand_hangups_fail_no_read_of_the_host,
		a_handler_that_was_there_before_gets_all_it_would_get,
		started_twice_the_handler_is_there_once,
		a_handler_that_came_later_stays,
		handlers_that_interrupt_readers_and_reloads,
		handlers_that_interrupt_the_hosts_loop,
		another_thread_may_stop,
		stops_that_meet_are_each_counted,
		a_reload_behind_a_stop_changes_nothing,
		NULL
	};

	return suite_run_with("signals", tests, setup, teardown);
}
