/* SPDX-License-Identifier: MIT */
/*
 * test_view_slots.c - views that end on other threads, when there are more old
 * generations than slots, and what a forked child makes of open views.
 */
#include "view.h"

#include <pthread.h>

/* --- threads -------------------------------------------------------------- */

static void *
end_it(void *view)
{
	flag_view_end(view);
	return NULL;
}

static void
end_elsewhere(struct flag_view *view)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_it, view);
	pthread_join(thread, NULL);
}

START_TEST(a_view_may_end_on_another_thread)
{
	struct flag_view view;

	start();
	/* More than there are slots: each must be free again. */
	for (unsigned i = 1; i < 20; i++) {
		flag_view_begin(&view);
		ck_assert_int_eq(apply(i), 0);
		ck_assert_uint_eq(look(&view), i - 1);
		end_elsewhere(&view);
		ck_assert_uint_eq(glance(), i);
	}
}
END_TEST

static void *
begin_it(void *view)
{
	flag_view_begin(view);
	return flag_view_thread_;
}

START_TEST(threads_that_end_give_their_books_back)
{
	void *first = NULL, *books;
	struct flag_view view;
	pthread_t thread;

	start();
	ck_assert_uint_eq(glance(), 0);		/* this thread has its own */
	for (unsigned i = 1; i < 100; i++) {
		pthread_create(&thread, NULL, begin_it, &view);
		pthread_join(thread, &books);
		ck_assert_int_eq(apply(i), 0);
		/* The thread is gone, its view is not. */
		ck_assert_uint_eq(look(&view), i - 1);
		flag_view_end(&view);
		if (books == NULL) {
			puts("without membarrier(2): books are not seen");
			continue;
		}
		if (first == NULL)
			first = books;
		ck_assert_ptr_eq(books, first);
	}
}
END_TEST

/* --- slots ---------------------------------------------------------------- */

#define SLOTS 4

/* Views of generations first .. first + 3, all open. */
static void
pin_all(struct flag_view *views, unsigned first)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		ck_assert_int_eq(apply(first + i), 0);
		flag_view_begin(&views[i]);
		ck_assert_uint_eq(look(&views[i]), first + i);
	}
}

static int
sees_error(void *wanted)
{
	struct proc_entry entry;

	NEED(service_entry(service, getppid(), &entry));
	NEED(wanted == NULL ? entry.head.error[0] == '\0' :
		 strstr(entry.head.error, wanted) != NULL);
	return 0;
}

static char older[] = "views show older files";

START_TEST(with_all_slots_in_use_flags_follow_and_status_says_so)
{
	struct flag_view views[SLOTS], view;

	start();
	pin_all(views, 1);
	ck_assert_int_eq(apply(5), -FLAG_EBUSY);
	ck_assert_ptr_nonnull(strstr(error.text, older));
	ck_assert_int_eq(folder_fork(sees_error, older), 0);
	flag_view_begin(&view);
	ck_assert_int_eq(flag_view_enabled(&view, &one), 0);
	ck_assert_int_eq(flag_view_int64(&view, &low), 4);
	flag_view_end(&view);
	ck_assert_int_eq(flag_int64(&low), 5);
	/* A kill needs no slot. */
	ck_assert_int_eq(apply(6), -FLAG_EBUSY);
	ck_assert_int_eq(enabled_now(&one), 1);
	service_override(service, LIVE_RUN, "view.one", 0, 1);
	(void)flag_reload(NULL);
	ck_assert_int_eq(enabled_now(&one), 0);
	ck_assert_int_eq(enabled_now(&two), 1);
	for (unsigned i = 0; i < SLOTS; i++)
		ck_assert_uint_eq(look(&views[i]), i + 1);
	flag_view_end(&views[1]);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_int_eq(folder_fork(sees_error, NULL), 0);
	flag_view_begin(&view);
	ck_assert_uint_ne(view.states, 0);
	ck_assert_int_eq(flag_view_int64(&view, &low), 6);
	flag_view_end(&view);
	ck_assert_uint_eq(look(&views[0]), 1);
	ck_assert_uint_eq(look(&views[3]), 4);
	for (unsigned i = 0; i < SLOTS; i++)
		if (i != 1)
			flag_view_end(&views[i]);
}
END_TEST

START_TEST(what_waits_for_a_slot_comes_also_while_a_file_is_broken)
{
	struct flag_view views[SLOTS];

	service->options.driver = FLAG_DRIVER_THREAD;
	start();
	pin_all(views, 1);
	ck_assert_int_eq(apply(5), -FLAG_EBUSY);
	service_save(service, "etc/svc.ini", "[view.one]\nstat = on\n");
	ck_assert_int_eq(flag_reload(&error), -FLAG_ECONFIG);
	for (unsigned i = 0; i < SLOTS; i++)
		flag_view_end(&views[i]);
	ck_assert(WAIT_FOR(glance() == 5));
}
END_TEST

/* --- fork ----------------------------------------------------------------- */

static pthread_barrier_t begun, over;

/* Each of another generation, so that together they have all old slots. */
static void *
hold_a_view(void *unused)
{
	struct flag_view view;

	flag_view_begin(&view);
	pthread_barrier_wait(&begun);
	pthread_barrier_wait(&over);
	flag_view_end(&view);
	return unused;
}

/* As many generations as show that every slot is free again. */
static int
reload_often(void *unused)
{
	(void)unused;
	NEED(flag_child(NULL) == 0);
	for (unsigned i = 1; i < 20; i++) {
		NEED(apply(i) == 0);
		NEED(glance() == i);
	}
	flag_stop();
	return 0;
}

START_TEST(a_child_loses_no_slot_to_threads_that_it_has_not)
{
	pthread_t threads[3];

	start();
	pthread_barrier_init(&begun, NULL, 2);
	pthread_barrier_init(&over, NULL, 4);
	for (unsigned i = 0; i < 3; i++) {
		pthread_create(&threads[i], NULL, hold_a_view, NULL);
		pthread_barrier_wait(&begun);
		ck_assert_int_eq(apply(i + 1), 0);
	}
	ck_assert_uint_eq(glance(), 3);
	ck_assert_int_eq(folder_fork(reload_often, NULL), 0);
	pthread_barrier_wait(&over);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

/* Generations until all four slots were needed. */
static int
reload_with_all_slots(void *data)
{
	struct flag_view views[SLOTS];

	NEED(flag_child(NULL) == 0);
	for (unsigned i = 0; i < SLOTS; i++) {
		NEED(apply(i + 11) == 0);
		flag_view_begin(&views[i]);
		NEED(look(&views[i]) == i + 11);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		flag_view_end(&views[i]);
	return reload_often(data);
}

START_TEST(a_child_loses_no_slot_to_views_that_others_have_ended)
{
	struct flag_view view;

	start();
	for (unsigned i = 1; i < SLOTS; i++) {
		flag_view_begin(&view);
		end_elsewhere(&view);
		ck_assert_int_eq(apply(i), 0);
	}
	flag_view_begin(&view);
	end_elsewhere(&view);
	ck_assert_int_eq(folder_fork(reload_with_all_slots, NULL), 0);
}
END_TEST

/* The view at data was open at the fork. */
static int
keep_a_view(void *data)
{
	struct flag_view *view = data;
	const char *shown = flag_view_string(view, &text);

	NEED(flag_child(NULL) == 0);
	for (unsigned i = 1; i < 20; i++) {
		NEED(apply(i) == 0);
		NEED(glance() == i);
		NEED(look(view) == 0);
		NEED(strcmp(shown, "generation-0") == 0);
	}
	flag_view_end(view);
	flag_stop();
	return 0;
}

START_TEST(a_view_goes_on_in_the_child)
{
	struct flag_view view;

	start();
	flag_view_begin(&view);
	ck_assert_int_eq(folder_fork(keep_a_view, &view), 0);
	ck_assert_uint_eq(look(&view), 0);
	flag_view_end(&view);
}
END_TEST

/* This thread has ended more views than it began, and one of its own is
 * open. */
START_TEST(a_view_goes_on_in_the_child_of_a_thread_that_ends_others)
{
	struct flag_view others[3], view;
	pthread_t thread;

	start();
	for (int i = 0; i < 3; i++) {
		pthread_create(&thread, NULL, begin_it, &others[i]);
		pthread_join(thread, NULL);
		flag_view_end(&others[i]);
	}
	flag_view_begin(&view);
	ck_assert_int_eq(folder_fork(keep_a_view, &view), 0);
	flag_view_end(&view);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_view_may_end_on_another_thread,
		threads_that_end_give_their_books_back,
		with_all_slots_in_use_flags_follow_and_status_says_so,
		what_waits_for_a_slot_comes_also_while_a_file_is_broken,
		a_child_loses_no_slot_to_threads_that_it_has_not,
		a_child_loses_no_slot_to_views_that_others_have_ended,
		a_view_goes_on_in_the_child,
		a_view_goes_on_in_the_child_of_a_thread_that_ends_others,
		NULL
	};

	return suite_run_with("view_slots", tests, setup, teardown);
}
