/* SPDX-License-Identifier: MIT */
/*
 * test_view.c - what one request reads comes from one generation, and a kill
 * counts from the next view on: before and after a start, with threads that
 * save, and in forked families.
 */
#include "view.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "base/lock.h"
#include "core/board.h"
#include "core/change.h"

FLAG_DEFINE_WITH(risky, "view.risky", "trips", FLAG_INITIAL_ON, NULL);
FLAG_BOOL(truth, "view.truth", 1, "a value of each type");
FLAG_DOUBLE(ratio, "view.ratio", 0.5, 0, 1, "a value of each type");
FLAG_DURATION(pause_ns, "view.pause", 5, 0, 1000000, "a value of each type");
FLAG_SIZE(room, "view.room", 7, 0, 1 << 20, "a value of each type");

/* --- calls that something else happens in --------------------------------- */

static void (*while_read)(void);	/* called once, by a turn that reads */
static void (*while_ordered)(void);	/* called by each membarrier(2) */

long
syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long word[6];
	va_list list;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		word[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_membarrier && while_ordered != NULL &&
	    (int)word[0] == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		while_ordered();
	return next(number, word[0], word[1], word[2], word[3], word[4],
		    word[5]);
}

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

static uint64_t epoch_before;
static unsigned orders, mixed_in_between;

/* Cells are new already; the epoch tells who is inside: a driver that looks
 * for a free slot, or one that frees what was in force before. */
static void
look_in_between(void)
{
	if (*flagp_board_epoch() == epoch_before)
		orders++;
	mixed_in_between += glance() == MIXED;
}

/* Without membarrier(2) there is a fence in each begin instead. */
START_TEST(slots_are_summed_after_the_threads_were_ordered)
{
	start();
	ck_assert_uint_eq(glance(), 0);
	if (flag_view_thread_ == NULL) {
		puts("without membarrier(2): threads order themselves");
		return;
	}
	for (unsigned i = 1; i < 10; i++) {
		epoch_before = *flagp_board_epoch();
		orders = 0;
		while_ordered = look_in_between;
		ck_assert_int_eq(apply(i), 0);
		while_ordered = NULL;
		ck_assert_uint_ge(orders, 1);
		ck_assert_uint_eq(mixed_in_between, 0);
	}
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
		ck_assert_uint_eq(look(&view), 0);
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

START_TEST(a_trip_without_a_record_is_off_in_the_next_generation)
{
	start();
	ck_assert(flagp_board_trip(&one));
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_int_eq(enabled_now(&one), 0);
	ck_assert_int_eq(enabled_now(&two), 1);
}
END_TEST

#define FLAGS 500		/* a turn looks at the cells for longer */
#define PUBLICATIONS 20000

/* A turn without files. */
static void
publish_nothing(void)
{
	struct snapshot *next = calloc(1, sizeof(*next)), *old;

	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	if (flagp_change_commit(next, true, &old) != CHANGE_DONE)
		flagp_snapshot_free(next);
	flagp_unlock(LOCK_CHANGE);
	flagp_snapshot_retire(old);
}

static atomic_uint publications;

static void *
publish_all_the_time(void *unused)
{
	for (int i = 0; i < PUBLICATIONS; i++) {
		publish_nothing();
		atomic_fetch_add(&publications, 1);
	}
	atomic_store(&enough, true);
	return unused;
}

/* Trips, and looks until two turns have ended: one that had begun before. */
static void
trip_and_look(void)
{
	unsigned last = atomic_load(&publications) + 2;

	ck_assert(flagp_board_trip(&risky));
	do {
		ck_assert_int_eq(enabled_now(&risky), 0);
		sched_yield();
	} while (!atomic_load(&enough) && atomic_load(&publications) < last);
}

/* At any moment of a turn; in between, as if it had been taken back. */
START_TEST(no_generation_hides_a_trip)
{
	typedef uint64_t __attribute__((may_alias)) cell_bits;
	unsigned trips = 0;
	uint64_t on;
	pthread_t thread;
	char name[32];

	for (int i = 0; i < FLAGS; i++) {
		snprintf(name, sizeof(name), "view.many%d", i);
		(void)flag_find(name);
	}
	publish_nothing();
	on = flagp_board_load(&risky);
	ck_assert_int_eq(enabled_now(&risky), 1);
	pthread_create(&thread, NULL, publish_all_the_time, NULL);
	for (; !atomic_load(&enough); trips++) {
		trip_and_look();
		__atomic_store_n((cell_bits *)&risky, on, __ATOMIC_RELEASE);
		flagp_board_epoch_skip();
		/* Up to a turn or two. */
		for (unsigned i = trips * 7919 % 300000; i > 0; i--)
			__asm__ __volatile__("");
	}
	pthread_join(thread, NULL);
	ck_assert_uint_gt(trips, 20);
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

int
main(void)
{
	const TTest *const tests[] = {
		a_view_before_the_start_has_what_was_compiled,
		a_view_has_values_of_each_type,
		an_open_view_stays_in_its_generation,
		what_was_saved_together_is_seen_together,
		slots_are_summed_after_the_threads_were_ordered,
		texts_stay_until_the_view_ends,
		what_was_loaded_since_has_its_present_value,
		a_test_counts_from_the_next_view_on,
		a_new_start_with_another_environment_is_seen,
		an_acknowledged_kill_is_seen_by_the_next_view,
		a_trip_by_a_sibling_is_seen_by_the_next_view_of_all,
		a_trip_without_a_record_is_off_in_the_next_generation,
		no_generation_hides_a_trip,
		a_kill_by_a_member_with_an_older_configuration_is_seen,
		who_loses_the_epoch_makes_another_one,
		a_driver_catches_up_with_its_family,
		a_child_without_a_driver_has_the_familys_flags_and_its_values,
		NULL
	};

	return suite_run_with("view", tests, setup, teardown);
}
