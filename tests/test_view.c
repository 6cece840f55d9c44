/* SPDX-License-Identifier: MIT */
/*
 * test_view.c - what one request reads comes from one generation, and a kill
 * counts from the next view on: with several threads, in forked families, and
 * when there are more old generations than slots.
 */
#include "service.h"
#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "core/board.h"
#include "core/change.h"

FLAG_DEFINE(one, "view.one", "saved together with the others");
FLAG_DEFINE(two, "view.two", "the same");
FLAG_INT64(low, "view.low", 0, 0, 1000000, "the same");
FLAG_INT64(high, "view.high", 0, 0, 1000000, "the same");
FLAG_STRING(text, "view.text", "compiled", 40, "the same");
FLAG_BOOL(truth, "view.truth", 1, "a value of each type");
FLAG_DOUBLE(ratio, "view.ratio", 0.5, 0, 1, "a value of each type");
FLAG_DURATION(pause_ns, "view.pause", 5, 0, 1000000, "a value of each type");
FLAG_SIZE(room, "view.room", 7, 0, 1 << 20, "a value of each type");

static struct service *service;
static struct flag_error error;

/* Generation number: flags are on where it is even, values are it. */
static void
save(unsigned number)
{
	const char *state = number % 2 == 0 ? "on" : "off";
	char buffer[300];

	snprintf(buffer, sizeof(buffer),
		 "[view.one]\nstate = %s\n[view.low]\nvalue = %u\n"
		 "[view.text]\nvalue = generation-%u\n"
		 "[view.high]\nvalue = %u\n[view.two]\nstate = %s\n",
		 state, number, number, number, state);
	service_save(service, "etc/svc.ini", buffer);
}

static int
apply(unsigned number)
{
	save(number);
	return flag_reload(&error);
}

/* --- a call that something else happens in ------------------------------- */

static void (*while_read)(void);	/* called once, by a turn that reads */

int
openat(int directory, const char *name, int flags, ...)
{
	void (*once)(void) = while_read;
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if (once != NULL && strcmp(name, "svc.ini") == 0) {
		while_read = NULL;
		once();
	}
	return (int)syscall(SYS_openat, directory, name, flags, mode);
}

static void
setup(void)
{
	service = service_make();
	service->options.driver = FLAG_DRIVER_LOOP;
	save(0);
}

static void
teardown(void)
{
	while_read = NULL;
	while (flag_reload(NULL) != -FLAG_EAGAIN)
		flag_stop();
	service_free(service);
}

static void
start(void)
{
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error), 0);
}

/* What a new view has, in one number: of no generation if they differ. */
#define MIXED UINT32_MAX

static unsigned
look(const struct flag_view *view)
{
	int on = flag_view_enabled(view, &one);
	int64_t number = flag_view_int64(view, &low);

	if (flag_view_enabled(view, &two) != on ||
	    flag_view_int64(view, &high) != number || on != (number % 2 == 0))
		return MIXED;
	return (unsigned)number;
}

static unsigned
glance(void)
{
	struct flag_view view;
	unsigned number;

	flag_view_begin(&view);
	number = look(&view);
	flag_view_end(&view);
	return number;
}

static int
enabled_now(const struct flag *flag)
{
	struct flag_view view;
	int on;

	flag_view_begin(&view);
	on = flag_view_enabled(&view, flag);
	flag_view_end(&view);
	return on;
}

/* Whether a new view asks the cells. */
static bool
is_loose(void)
{
	struct flag_view view;

	flag_view_begin(&view);
	flag_view_end(&view);
	return view.states == 0;
}

/* --- one generation ------------------------------------------------------ */

START_TEST(a_view_before_the_start_has_what_was_compiled)
{
	struct flag_view view;
	char buffer[20];

	flag_view_begin(&view);
	ck_assert_int_eq(flag_view_enabled(&view, &one), 0);
	ck_assert_int_eq(flag_view_int64(&view, &low), 0);
	ck_assert_int_eq(flag_view_bool(&view, &truth), 1);
	ck_assert(flag_view_double(&view, &ratio) == 0.5);
	ck_assert_int_eq(flag_view_duration(&view, &pause_ns), 5);
	ck_assert_uint_eq(flag_view_size(&view, &room), 7);
	ck_assert_str_eq(flag_view_string(&view, &text), "compiled");
	flag_view_end(&view);
	ck_assert_uint_eq(flag_string(&text, buffer, sizeof(buffer)), 8);
	ck_assert_str_eq(buffer, "compiled");
}
END_TEST

START_TEST(a_view_has_values_of_each_type)
{
	struct flag_view view;

	service_write(service, "etc/svc.ini",
		      "[view.truth]\nvalue = off\n[view.ratio]\nvalue = 0.25\n"
		      "[view.pause]\nvalue = 2us\n[view.room]\nvalue = 4K\n"
		      "[view.low]\nvalue = 12\n[view.text]\nvalue = some\n");
	start();
	flag_view_begin(&view);
	ck_assert_uint_ne(view.states, 0);
	ck_assert_int_eq(flag_view_bool(&view, &truth), 0);
	ck_assert(flag_view_double(&view, &ratio) == 0.25);
	ck_assert_int_eq(flag_view_duration(&view, &pause_ns), 2000);
	ck_assert_uint_eq(flag_view_size(&view, &room), 4096);
	ck_assert_int_eq(flag_view_int64(&view, &low), 12);
	ck_assert_str_eq(flag_view_string(&view, &text), "some");
	flag_view_end(&view);
}
END_TEST

START_TEST(an_open_view_stays_in_its_generation)
{
	struct flag_view old;

	start();
	flag_view_begin(&old);
	ck_assert_uint_eq(look(&old), 0);
	ck_assert_int_eq(apply(1), 0);
	ck_assert_uint_eq(look(&old), 0);
	ck_assert_uint_eq(glance(), 1);
	ck_assert_int_eq(flag_enabled(&one), 0);
	flag_view_end(&old);
	ck_assert_uint_eq(glance(), 1);
}
END_TEST

#define CHANGES 300
#define READERS 4

static atomic_bool enough;
static atomic_uint looks[READERS], mixed_views, mixed_reads;

/* The same reads without a view: it must be possible that they differ. */
static bool
reads_differ(void)
{
	int on = flag_enabled(&one);
	int64_t number = flag_int64(&low);

	sched_yield();
	return flag_int64(&high) != number || flag_enabled(&two) != on ||
	       on != (number % 2 == 0);
}

static void *
look_all_the_time(void *mine)
{
	atomic_uint *count = mine;

	while (!atomic_load(&enough)) {
		struct flag_view view;
		unsigned first;

		flag_view_begin(&view);
		first = look(&view);
		sched_yield();
		if (first == MIXED || look(&view) != first)
			atomic_fetch_add(&mixed_views, 1);
		flag_view_end(&view);
		atomic_fetch_add(count, 1);
		if (reads_differ())
			atomic_fetch_add(&mixed_reads, 1);
	}
	return NULL;
}

static void
note_looks(unsigned *noted)
{
	for (int i = 0; i < READERS; i++)
		noted[i] = atomic_load(&looks[i]);
}

/* Whether each has begun another view since.  A reader that does not get to
 * run would hold one generation after the other until all slots are in use. */
static bool
all_looked(const unsigned *noted)
{
	for (int i = 0; i < READERS; i++)
		if (atomic_load(&looks[i]) == noted[i])
			return false;
	return true;
}

START_TEST(what_was_saved_together_is_seen_together)
{
	unsigned noted[2][READERS], count = 0;
	pthread_t readers[READERS];

	start();
	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, look_all_the_time,
			       &looks[i]);
	for (unsigned i = 1; i <= CHANGES; i++) {
		ck_assert(i < 3 || WAIT_FOR(all_looked(noted[i % 2])));
		note_looks(noted[i % 2]);
		ck_assert_msg(apply(i) == 0, "%s", error.text);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	for (int i = 0; i < READERS; i++)
		count += looks[i];
	printf("%u views: %u differed; %u reads without a view did\n", count,
	       mixed_views, mixed_reads);
	ck_assert_uint_eq(mixed_views, 0);
	ck_assert_uint_gt(mixed_reads, 0);
	ck_assert_uint_eq(glance(), CHANGES);
}
END_TEST

START_TEST(texts_stay_until_the_view_ends)
{
	struct flag_view view;
	const char *shown;
	char buffer[6];

	start();
	flag_view_begin(&view);
	shown = flag_view_string(&view, &text);
	for (unsigned i = 1; i < 20; i++) {
		ck_assert_int_eq(apply(i), 0);
		ck_assert_str_eq(shown, "generation-0");
	}
	flag_view_end(&view);
	ck_assert_uint_eq(flag_string(&text, buffer, sizeof(buffer)), 13);
	ck_assert_str_eq(buffer, "gener");
	ck_assert_uint_eq(flag_string(&text, NULL, 0), 13);
}
END_TEST

START_TEST(what_was_loaded_since_has_its_present_value)
{
	struct flag_view view;
	struct flag *late;

	start();
	flag_view_begin(&view);
	late = flag_find("view.late");
	ck_assert_int_eq(flag_view_enabled(&view, late), 0);
	service_override(service, LIVE_RUN, "view.late", FLAGP_SHARE_ALL, 1);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_int_eq(flag_view_enabled(&view, late), 1);
	ck_assert_uint_eq(look(&view), 0);
	flag_view_end(&view);
}
END_TEST

START_TEST(a_test_counts_from_the_next_view_on)
{
	struct flag_view view;

	start();
	flag_view_begin(&view);
	flag_test_set(&one, 0);
	ck_assert_int_eq(flag_view_enabled(&view, &one), 1);
	ck_assert_int_eq(enabled_now(&one), 0);
	flag_view_end(&view);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert(!is_loose());
	ck_assert_int_eq(enabled_now(&one), 0);
	flag_test_reset(NULL);
	ck_assert_int_eq(enabled_now(&one), 1);
}
END_TEST

START_TEST(a_new_start_with_another_environment_is_seen)
{
	service->options.environment = 1;
	setenv("RIPCORD_FLAGS", "view.one=off,view.low=7", 1);
	start();
	ck_assert_int_eq(enabled_now(&one), 0);
	flag_stop();
	setenv("RIPCORD_FLAGS", "view.text=other", 1);
	start();
	ck_assert(!is_loose());
	ck_assert_uint_eq(glance(), 0);
	flag_stop();
	unsetenv("RIPCORD_FLAGS");
	start();
	ck_assert_uint_eq(glance(), 0);
}
END_TEST

/* --- kills --------------------------------------------------------------- */

START_TEST(an_acknowledged_kill_is_seen_by_the_next_view)
{
	struct flag_view before;

	start();
	flag_view_begin(&before);
	service_override(service, LIVE_RUN, "view.one", 0, 1);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_int_eq(enabled_now(&one), 0);
	ck_assert(!is_loose());
	ck_assert_int_eq(flag_view_enabled(&before, &one), 1);
	flag_view_end(&before);
}
END_TEST

static int
tripping_child(const struct partner *parent, void *data)
{
	(void)data;
	NEED(partner_hear(parent) == 'g');
	NEED(flagp_change_trip(&one, "by a sibling") == 0);
	NEED(enabled_now(&one) == 0);
	partner_say(parent, 't');
	NEED(partner_hear(parent) == 'q');
	return 0;
}

static int
looking_child(const struct partner *parent, void *data)
{
	(void)data;
	NEED(!is_loose());
	for (;;) {
		if (partner_hear(parent) != '?')
			return 0;
		partner_say(parent, enabled_now(&one) ? '1' : '0');
	}
}

static char
ask(const struct partner *child, char word)
{
	partner_say(child, word);
	return partner_hear(child);
}

/* Nobody has a driver that turns. */
START_TEST(a_trip_by_a_sibling_is_seen_by_the_next_view_of_all)
{
	struct partner sibling, witness;
	struct flag_view before;

	start();
	sibling = partner_start(tripping_child, NULL);
	witness = partner_start(looking_child, NULL);
	flag_view_begin(&before);
	ck_assert_int_eq(ask(&witness, '?'), '1');
	ck_assert_int_eq(ask(&sibling, 'g'), 't');
	ck_assert_int_eq(enabled_now(&one), 0);
	ck_assert_int_eq(ask(&witness, '?'), '0');
	ck_assert_int_eq(flag_view_enabled(&before, &one), 1);
	ck_assert_int_eq(enabled_now(&two), 1);
	flag_view_end(&before);
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert(!is_loose());
	ck_assert_int_eq(enabled_now(&one), 0);
	ck_assert_int_eq(partner_end(&sibling), 0);
	ck_assert_int_eq(partner_end(&witness), 0);
}
END_TEST

/* Its own configuration is older than the family's, and what is on disk is
 * refused: it publishes what people say alone. */
static int
overruling_child(const struct partner *parent, void *data)
{
	(void)data;
	NEED(partner_hear(parent) == 'g');
	NEED(flag_child(NULL) == FLAG_ECONFIG);
	NEED(flag_enabled(&one) == 0);
	NEED(enabled_now(&one) == 0);
	partner_say(parent, 'k');
	NEED(partner_hear(parent) == 'q');
	return 0;
}

START_TEST(a_kill_by_a_member_with_an_older_configuration_is_seen)
{
	struct partner child;

	start();
	child = partner_start(overruling_child, NULL);
	ck_assert_int_eq(apply(2), 0);
	service_save(service, "etc/svc.ini", "[view.one]\nstat = on\n");
	service_override(service, LIVE_RUN, "view.one", 0, 1);
	ck_assert_uint_eq(glance(), 2);
	ck_assert_int_eq(ask(&child, 'g'), 'k');
	ck_assert_int_eq(flag_enabled(&one), 0);
	ck_assert_int_eq(enabled_now(&one), 0);
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

static uint64_t epoch_of_other;

/* What a sibling's trip of some other flag does to the board. */
static void
move_epoch(void)
{
	flagp_board_epoch_skip();
	epoch_of_other = *flagp_board_epoch();
}

/* A sibling that began to look after that other change believes the cells as
 * they were then, as long as the epoch is that change's. */
START_TEST(who_loses_the_epoch_makes_another_one)
{
	start();
	while_read = move_epoch;
	ck_assert_int_eq(apply(1), 0);
	ck_assert_ptr_null(while_read);
	ck_assert_uint_ne(*flagp_board_epoch(), epoch_of_other);
	ck_assert(!is_loose());
	ck_assert_uint_eq(glance(), 1);
}
END_TEST

START_TEST(a_driver_catches_up_with_its_family)
{
	service->options.driver = FLAG_DRIVER_THREAD;
	start();
	ck_assert(WAIT_FOR(!is_loose()));
	flagp_board_epoch_skip();
	ck_assert(WAIT_FOR(!is_loose()));
	ck_assert_uint_eq(glance(), 0);
}
END_TEST

/* --- families ------------------------------------------------------------- */

static int
child_without_driver(const struct partner *parent, void *data)
{
	struct flag_view view;

	(void)data;
	NEED(glance() == 0);
	partner_say(parent, 'b');
	NEED(partner_hear(parent) == 'g');
	flag_view_begin(&view);
	NEED(flag_view_enabled(&view, &one) == 0);
	NEED(flag_view_enabled(&view, &two) == 0);
	NEED(flag_view_int64(&view, &low) == 0);
	NEED(strcmp(flag_view_string(&view, &text), "generation-0") == 0);
	flag_view_end(&view);
	NEED(flag_child(NULL) == 0);
	NEED(glance() == 1);
	flag_stop();
	return 0;
}

START_TEST(a_child_without_a_driver_has_the_familys_flags_and_its_values)
{
	struct partner child;

	start();
	child = partner_start(child_without_driver, NULL);
	ck_assert_int_eq(partner_hear(&child), 'b');
	ck_assert_int_eq(apply(1), 0);
	partner_say(&child, 'g');
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

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
	pthread_barrier_init(&begun, NULL, 4);
	pthread_barrier_init(&over, NULL, 4);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, hold_a_view, NULL);
	pthread_barrier_wait(&begun);
	ck_assert_int_eq(glance(), 0);
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
START_TEST(a_view_goes_on_in_the_child_of_a_thread_that_ends_those_of_others)
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
		a_view_before_the_start_has_what_was_compiled,
		a_view_has_values_of_each_type,
		an_open_view_stays_in_its_generation,
		what_was_saved_together_is_seen_together,
		texts_stay_until_the_view_ends,
		what_was_loaded_since_has_its_present_value,
		a_test_counts_from_the_next_view_on,
		a_new_start_with_another_environment_is_seen,
		an_acknowledged_kill_is_seen_by_the_next_view,
		a_trip_by_a_sibling_is_seen_by_the_next_view_of_all,
		a_kill_by_a_member_with_an_older_configuration_is_seen,
		who_loses_the_epoch_makes_another_one,
		a_driver_catches_up_with_its_family,
		a_child_without_a_driver_has_the_familys_flags_and_its_values,
		a_view_may_end_on_another_thread,
		threads_that_end_give_their_books_back,
		with_all_slots_in_use_flags_follow_and_status_says_so,
		what_waits_for_a_slot_comes_also_while_a_file_is_broken,
		a_child_loses_no_slot_to_threads_that_it_has_not,
		a_child_loses_no_slot_to_views_that_others_have_ended,
		a_view_goes_on_in_the_child,
		a_view_goes_on_in_the_child_of_a_thread_that_ends_those_of_others,
		NULL
	};

	return suite_run_with("view", tests, setup, teardown);
}
