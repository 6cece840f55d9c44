/* SPDX-License-Identifier: MIT */
/*
 * test_events.c - what listeners are told, in which order, and that they may
 * call the library: no lock is held while they run.
 */
#include "service.h"
#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "core/board.h"
#include "core/change.h"

FLAG_DEFINE(one, "events.one", "most tests use it");
FLAG_DEFINE(two, "events.two", "some too");
FLAG_SIZE(room, "events.room", 1, 1, 1 << 20, "a value beside them");
FLAG_STRING(word, "events.word", "compiled", 20, "the same");

#define LISTENERS 16

static struct service *service;
static struct flag_error error;

/* What was told, copied: an event lasts as long as the call. */
struct told {
	struct flag_event event;
	char name[64], text[512];
	int enabled;		/* at that moment */
};

static struct told told[64];
static unsigned told_count;

static void
record_event(void *data, const struct flag_event *event)
{
	struct told *next = &told[told_count++];

	ck_assert_ptr_eq(data, &told);
	ck_assert_uint_le(told_count, sizeof(told) / sizeof(told[0]));
	ck_assert_uint_eq(event->size, sizeof(*event));
	next->event = *event;
	snprintf(next->name, sizeof(next->name), "%s", event->name);
	snprintf(next->text, sizeof(next->text), "%s", event->text);
	next->enabled = event->flag != NULL ? flag_enabled(event->flag) : -1;
}

static void
setup(void)
{
	service = service_make();
	service->options.driver = FLAG_DRIVER_LOOP;
	service_write(service, "etc/svc.ini", "[events.one]\nstate = on\n");
	ck_assert_int_eq(flag_listen(record_event, &told), 0);
}

static void
teardown(void)
{
	while (flag_reload(NULL) != -FLAG_EAGAIN)
		flag_stop();
	service_free(service);
}

static void
start(void)
{
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error), 0);
	ck_assert_uint_eq(told_count, 0);
}

static int
apply(const char *text)
{
	service_save(service, "etc/svc.ini", text);
	return flag_reload(&error);
}

/* The only event since the last question. */
static const struct told *
the_event(enum flag_event_kind kind, uint32_t before, uint32_t after)
{
	ck_assert_uint_eq(told_count, 1);
	told_count = 0;
	ck_assert_int_eq(told[0].event.kind, kind);
	ck_assert_uint_eq(told[0].event.before, before);
	ck_assert_uint_eq(told[0].event.after, after);
	return &told[0];
}

#define ALL FLAG_SHARE_ALL

/* --- what is told --------------------------------------------------------- */

START_TEST(what_a_flag_is_at_first_is_no_event)
{
	start();
	ck_assert_int_eq(flag_enabled(&one), 1);
	ck_assert_int_eq(flag_reload(&error), 0);
	(void)flag_find("events.late");
	ck_assert_int_eq(flag_reload(&error), 0);
	flag_stop();
	start();
	ck_assert_uint_eq(told_count, 0);
}
END_TEST

START_TEST(a_change_tells_what_it_was_and_what_decides)
{
	const struct told *event;

	start();
	ck_assert_int_eq(apply("# moved\n[events.one]\nstate = 25%\n"), 0);
	event = the_event(FLAG_CHANGED, ALL, 25000);
	ck_assert_ptr_eq(event->event.flag, &one);
	ck_assert_str_eq(event->name, "events.one");
	ck_assert_str_eq(event->text, "svc.ini:3");
	ck_assert_uint_eq(event->event.generation, 0);
	service_override(service, LIVE_RUN, "events.one", 0, 7);
	ck_assert_int_eq(flag_reload(&error), 0);
	event = the_event(FLAG_CHANGED, 25000, 0);
	ck_assert_str_eq(event->text, "off by tester");
	ck_assert_uint_eq(event->event.generation, 7);
	/* The file is below it: nothing changes. */
	ck_assert_int_eq(apply("[events.one]\nstate = 30%\n"), 0);
	ck_assert_uint_eq(told_count, 0);
	service_override(service, LIVE_RUN, "events.one", FLAGP_SHARE_NONE, 8);
	ck_assert_int_eq(flag_reload(&error), 0);
	(void)the_event(FLAG_CHANGED, 0, 30000);
}
END_TEST

START_TEST(a_panic_is_a_change_and_says_so)
{
	const struct told *event;

	start();
	service_write(service, LIVE_RUN "/PANIC", "");
	ck_assert_int_eq(flag_reload(&error), 0);
	event = the_event(FLAG_CHANGED, ALL, 0);
	ck_assert_str_eq(event->text, "panic");
	service_remove(service, LIVE_RUN "/PANIC");
	ck_assert_int_eq(flag_reload(&error), 0);
	(void)the_event(FLAG_CHANGED, 0, ALL);
}
END_TEST

static void
untrip(uint64_t generation)
{
	struct record record = {
		.flag = "events.one", .share = FLAGP_SHARE_NONE,
		.base = FLAGP_SHARE_NONE, .removed = true,
		.generation = generation, .at = 1,
	};

	service_record(service, RECORD_TRIPS, LIVE_RUN, &record);
	service_record(service, RECORD_TRIPS, LIVE_STATE, &record);
}

START_TEST(a_trip_and_its_end_are_told)
{
	const struct told *event;
	uint64_t generation;

	start();
	ck_assert_int_eq(flagp_change_trip(&one, "evidence"), 0);
	ck_assert_int_eq(flag_reload(&error), 0);
	event = the_event(FLAG_TRIPPED, ALL, 0);
	ck_assert_str_eq(event->text, "trip");
	ck_assert_ptr_eq(event->event.flag, &one);
	generation = event->event.generation;
	ck_assert_uint_gt(generation, 0);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_uint_eq(told_count, 0);
	untrip(generation + 1);
	ck_assert_int_eq(flag_reload(&error), 0);
	event = the_event(FLAG_UNTRIPPED, 0, ALL);
	ck_assert_str_eq(event->text, "svc.ini:2");
}
END_TEST

/* The member that tripped it is dead, or the disk refused its record. */
START_TEST(a_trip_that_is_not_on_disk_is_told_once)
{
	const struct told *event;

	start();
	ck_assert(flagp_board_trip(&one));
	ck_assert_int_eq(flag_reload(&error), 0);
	event = the_event(FLAG_TRIPPED, ALL, 0);
	ck_assert_str_eq(event->text, "trip");
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_uint_eq(told_count, 0);
}
END_TEST

START_TEST(a_refused_file_is_told_once_with_file_and_line)
{
	const struct told *event;

	start();
	ck_assert_int_eq(apply("[events.one]\nstat = off\n"), -FLAG_ECONFIG);
	event = the_event(FLAG_RELOAD_FAILED, UINT32_MAX, UINT32_MAX);
	ck_assert_ptr_null(event->event.flag);
	ck_assert_str_eq(event->name, "");
	ck_assert_ptr_eq(strstr(event->text, "svc.ini:2: "), event->text);
	ck_assert_ptr_nonnull(strstr(event->text, "stat"));
	ck_assert_int_eq(flag_reload(&error), -FLAG_ECONFIG);
	ck_assert_uint_eq(told_count, 0);
	ck_assert_int_eq(apply("[events.one]\nstate = on\n"), 0);
	ck_assert_uint_eq(told_count, 0);
	ck_assert_int_eq(apply("[events.one]\nstate = ono\n"), -FLAG_ECONFIG);
	ck_assert_uint_eq(told_count, 1);
}
END_TEST

START_TEST(a_refused_file_at_the_start_is_told)
{
	service_write(service, "etc/svc.ini", "broken\n");
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error),
			 FLAG_ECONFIG);
	(void)the_event(FLAG_RELOAD_FAILED, UINT32_MAX, UINT32_MAX);
}
END_TEST

START_TEST(it_is_published_before_it_is_told)
{
	start();
	ck_assert_int_eq(apply("[events.one]\nstate = off\n"), 0);
	ck_assert_int_eq(told[0].enabled, 0);
	ck_assert_int_eq(apply("[events.one]\nstate = on\n"), 0);
	ck_assert_int_eq(told[1].enabled, 1);
	ck_assert_uint_eq(told_count, 2);
}
END_TEST

START_TEST(a_test_is_told_as_a_test)
{
	const struct told *event;

	start();
	flag_test_set(&two, 1);
	event = the_event(FLAG_CHANGED, 0, ALL);
	ck_assert_ptr_eq(event->event.flag, &two);
	ck_assert_str_eq(event->text, "test");
	flag_test_reset(&two);
	event = the_event(FLAG_CHANGED, ALL, 0);
	ck_assert_str_eq(event->text, "default");
}
END_TEST

/* --- who listens ---------------------------------------------------------- */

static unsigned calls[LISTENERS + 1];
static unsigned in_order;

static void
count_call(void *data, const struct flag_event *event)
{
	unsigned *call = data;

	(void)event;
	ck_assert_uint_eq(in_order, (unsigned)(call - calls));
	in_order++;
	++*call;
}

START_TEST(sixteen_may_listen_each_pair_once)
{
	ck_assert_int_eq(flag_listen(NULL, &told), -FLAG_EINVAL);
	ck_assert_int_eq(flag_listen(record_event, &told), 0);
	ck_assert_int_eq(flag_unlisten(record_event, &told), 0);
	ck_assert_int_eq(flag_unlisten(record_event, &told), -FLAG_ENOENT);
	for (int i = 0; i < LISTENERS; i++)
		ck_assert_int_eq(flag_listen(count_call, &calls[i]), 0);
	ck_assert_int_eq(flag_listen(count_call, &calls[LISTENERS]),
			 -FLAG_ENOMEM);
	ck_assert_int_eq(flag_listen(count_call, &calls[3]), 0);
	start();
	flag_test_set(&two, 1);
	for (int i = 0; i < LISTENERS; i++)
		ck_assert_uint_eq(calls[i], 1);
	ck_assert_int_eq(flag_unlisten(count_call, &calls[0]), 0);
	ck_assert_int_eq(flag_listen(count_call, &calls[LISTENERS]), 0);
	in_order = 1;
	flag_test_set(&two, 0);
	ck_assert_uint_eq(calls[0], 1);
	ck_assert_uint_eq(calls[15], 2);
	ck_assert_uint_eq(calls[LISTENERS], 1);
	ck_assert_uint_eq(told_count, 0);
}
END_TEST

static int *freed;

static void
use_data(void *data, const struct flag_event *event)
{
	(void)event;
	ck_assert_ptr_ne(data, NULL);
	ck_assert_msg(freed != NULL, "called after it was taken back");
	++*(int *)data;
}

static void
free_data(void *data, const struct flag_event *event)
{
	(void)data;
	(void)event;
	ck_assert_int_eq(flag_unlisten(use_data, freed), 0);
	free(freed);
	freed = NULL;
}

START_TEST(one_that_an_earlier_one_takes_back_is_not_called_any_more)
{
	freed = calloc(1, sizeof(*freed));
	ck_assert_int_eq(flag_listen(free_data, NULL), 0);
	ck_assert_int_eq(flag_listen(use_data, freed), 0);
	start();
	flag_test_set(&one, 0);
	ck_assert_ptr_null(freed);
	ck_assert_uint_eq(told_count, 1);
}
END_TEST

/* --- what a listener may do ----------------------------------------------- */

static atomic_uint ran;

static void
read_all_ways(struct flag *flag)
{
	struct flag_span span;
	struct flag_view view;
	char buffer[64];

	(void)flag_enabled_for(flag, "k", 1);
	(void)flag_enabled_for_str(flag, "k");
	(void)flag_enabled_for_id(flag, 7);
	(void)flag_begin(&span, flag);
	flag_end(&span, FLAG_OK);
	(void)flag_begin_keyed(&span, flag, "k", 1);
	flag_cancel(&span);
	flag_view_begin(&view);
	(void)flag_view_enabled(&view, flag);
	(void)flag_view_size(&view, &room);
	(void)flag_view_string(&view, &word);
	flag_view_end(&view);
	(void)flag_string(&word, buffer, sizeof(buffer));
	(void)flag_word(flag);
	ck_assert_uint_gt(flag_explain(flag, buffer, sizeof(buffer)), 0);
}

/* Every public function but flag_stop(), of which start takes one. */
static void
call_everything(void *data, const struct flag_event *event)
{
	struct flag_object none = { .size = 0 };

	if (event->kind != FLAG_CHANGED || event->flag != &one)
		return;
	read_all_ways(&one);
	read_all_ways(flag_find("events.found"));
	flag_register(&none);
	flag_register(NULL);
	flag_request_reload();
	ck_assert_int_ge(flag_tick(), 0);
	ck_assert_int_ge(flag_fd(), 0);
	(void)flag_reload(NULL);
	ck_assert_int_eq(flag_child(NULL), 0);
	ck_assert_int_eq(flag_start(SERVICE, &service->options, NULL), 0);
	ck_assert_int_eq(flag_start("other", NULL, NULL), -FLAG_EEXIST);
	ck_assert_int_eq(flag_listen(count_call, &calls[0]), 0);
	ck_assert_int_eq(flag_unlisten(count_call, &calls[0]), 0);
	flag_test_set(&two, 1);
	flag_test_reset(&two);
	while (flag_test_next(&two))
		(void)flag_enabled(&two);
	ck_assert_str_ne(flag_version(), flag_strerror(0));
	ck_assert_int_eq(flag_unlisten(call_everything, data), 0);
	ck_assert_int_eq(flag_listen(call_everything, data), 0);
	atomic_fetch_add(&ran, 1);
}

START_TEST(a_listener_may_call_everything)
{
	ck_assert_int_eq(flag_listen(call_everything, NULL), 0);
	start();
	ck_assert_int_eq(apply("[events.one]\nstate = off\n"), 0);
	ck_assert_uint_eq(ran, 1);
	flag_test_set(&one, 1);
	ck_assert_uint_eq(ran, 2);
	flag_test_reset(NULL);
	ck_assert_uint_eq(ran, 3);
}
END_TEST

START_TEST(a_listener_may_call_everything_on_the_drivers_thread)
{
	ck_assert_int_eq(flag_unlisten(record_event, &told), 0);
	ck_assert_int_eq(flag_listen(call_everything, NULL), 0);
	service->options.driver = FLAG_DRIVER_THREAD;
	start();
	service_override(service, LIVE_RUN, "events.one", 0, 1);
	ck_assert(WAIT_FOR(atomic_load(&ran) == 1));
	ck_assert_int_eq(flag_enabled(&one), 0);
}
END_TEST

/* What a listener changes is told when it has returned, in order. */
static void
change_another(void *data, const struct flag_event *event)
{
	(void)data;
	if (event->flag == &one)
		flag_test_set(&two, event->after != 0);
}

START_TEST(what_a_listener_changes_is_told_after_it)
{
	ck_assert_int_eq(flag_unlisten(record_event, &told), 0);
	ck_assert_int_eq(flag_listen(change_another, NULL), 0);
	ck_assert_int_eq(flag_listen(record_event, &told), 0);
	service_write(service, "etc/svc.ini", "");
	start();
	flag_test_set(&one, 1);
	ck_assert_uint_eq(told_count, 2);
	ck_assert_ptr_eq(told[0].event.flag, &one);
	ck_assert_ptr_eq(told[1].event.flag, &two);
	ck_assert_uint_eq(told[1].event.after, ALL);
}
END_TEST

/* --- order ---------------------------------------------------------------- */

#define TURNS 3000

static _Atomic uint32_t last_after;
static atomic_uint heard, broken;
static atomic_int inside;

static void
check_chain(void *data, const struct flag_event *event)
{
	(void)data;
	if (atomic_fetch_add(&inside, 1) != 0)
		atomic_fetch_add(&broken, 1);
	if (event->before != atomic_load(&last_after))
		atomic_fetch_add(&broken, 1);
	atomic_store(&last_after, event->after);
	atomic_fetch_add(&heard, 1);
	sched_yield();		/* time for another one to come in between */
	atomic_fetch_sub(&inside, 1);
}

static void *
turn(void *unused)
{
	for (int i = 0; i < TURNS; i++)
		flag_test_set(&two, i % 2);
	return unused;
}

START_TEST(changes_of_several_threads_are_told_in_their_order)
{
	pthread_t threads[3];

	ck_assert_int_eq(flag_unlisten(record_event, &told), 0);
	ck_assert_int_eq(flag_listen(check_chain, NULL), 0);
	start();
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, turn, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_gt(heard, TURNS / 2);
	ck_assert_uint_eq(broken, 0);
	ck_assert_uint_eq(last_after != 0, flag_enabled(&two));
}
END_TEST

/* --- fork ----------------------------------------------------------------- */

static pthread_barrier_t is_inside, may_leave;

static void
wait_inside(void *data, const struct flag_event *event)
{
	pid_t *waits = data;

	(void)event;
	if (getpid() != *waits)
		return;
	pthread_barrier_wait(&is_inside);
	pthread_barrier_wait(&may_leave);
}

static void *
change_two(void *unused)
{
	flag_test_set(&two, 1);
	return unused;
}

static int
changed_child(void *unused)
{
	(void)unused;
	NEED(flag_child(NULL) == 0);
	told_count = 0;
	NEED(apply("[events.one]\nstate = 40%\n") == 0);
	NEED(told_count == 1 && told[0].event.after == 40000);
	flag_stop();
	return 0;
}

/* Forked while another thread is inside a listener, which the child has
 * not. */
START_TEST(a_listener_hears_of_changes_in_a_forked_child)
{
	pid_t self = getpid();
	pthread_t thread;

	pthread_barrier_init(&is_inside, NULL, 2);
	pthread_barrier_init(&may_leave, NULL, 2);
	start();
	ck_assert_int_eq(flag_listen(wait_inside, &self), 0);
	pthread_create(&thread, NULL, change_two, NULL);
	pthread_barrier_wait(&is_inside);
	ck_assert_int_eq(folder_fork(changed_child, NULL), 0);
	pthread_barrier_wait(&may_leave);
	pthread_join(thread, NULL);
	ck_assert_int_eq(flag_unlisten(wait_inside, &self), 0);
	told_count = 0;
	ck_assert_int_eq(flag_reload(&error), 0);
	(void)the_event(FLAG_CHANGED, ALL, 40000);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		what_a_flag_is_at_first_is_no_event,
		a_change_tells_what_it_was_and_what_decides,
		a_panic_is_a_change_and_says_so,
		a_trip_and_its_end_are_told,
		a_trip_that_is_not_on_disk_is_told_once,
		a_refused_file_is_told_once_with_file_and_line,
		a_refused_file_at_the_start_is_told,
		it_is_published_before_it_is_told,
		a_test_is_told_as_a_test,
		sixteen_may_listen_each_pair_once,
		one_that_an_earlier_one_takes_back_is_not_called_any_more,
		a_listener_may_call_everything,
		a_listener_may_call_everything_on_the_drivers_thread,
		what_a_listener_changes_is_told_after_it,
		changes_of_several_threads_are_told_in_their_order,
		a_listener_hears_of_changes_in_a_forked_child,
		NULL
	};

	return suite_run_with("events", tests, setup, teardown);
}
