/* SPDX-License-Identifier: MIT */
/*
 * test_change.c - what is committed is what cells and readers get; who knows
 * less than the family changes nothing but kills; a trip is never lost.
 */
#include "service.h"
#include "suite.h"

#include "base/clock.h"
#include "base/lock.h"
#include "core/board.h"
#include "core/change.h"

FLAG_DEFINE(flag, "change.flag", "changed by most tests");
FLAG_DEFINE(other, "change.other", "changed by some");
FLAG_DEFINE_WITH(initially_on, "change.on", "compiled on", FLAG_INITIAL_ON,
		 NULL);

#define FLAG "change.flag"
#define ON_TEXT "[" FLAG "]\nstate = on\n"
#define OFF_TEXT "[" FLAG "]\nstate = off\n"

static struct service *service;
static struct places places;

static void
setup(void)
{
	service = service_make();
	ck_assert_int_eq(flagp_places_open(&places, &service->paths, false,
					   NULL), 0);
	flagp_change_places(&places);
	flagp_snapshot_init();
	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	ck_assert_int_eq(flagp_board_open("ripcord:test", false, NULL), 0);
	flagp_unlock(LOCK_CHANGE);
}

static void
teardown(void)
{
	struct snapshot *last;

	flagp_lock(LOCK_CHANGE);
	last = flagp_snapshot_publish(NULL);
	flagp_unlock(LOCK_CHANGE);
	flagp_snapshot_retire(last);
	flagp_change_places(NULL);
	flagp_places_close(&places);
	service_free(service);
}

/* --- stages --------------------------------------------------------------- */

/* What a reader of the files would stage: config (NULL: none), and all layer
 * files as they stand. */
static struct snapshot *
stage(const char *config)
{
	struct snapshot *next = calloc(1, sizeof(*next));
	struct piece *piece = flagp_piece_new(PIECE_CONF);

	ck_assert_ptr_nonnull(next);
	if (config != NULL)
		service_write(service, "etc/svc.ini", config);
	piece->conf = flagp_conf_read(places.config, SERVICE, NULL);
	ck_assert_ptr_nonnull(piece->conf);
	next->pieces[PIECE_CONF] = piece;
	for (int i = 0; i < 4; i++) {
		int id = PIECE_OVERRIDES_STATE + i;

		piece = flagp_piece_new((enum piece_id)id);
		ck_assert_int_eq(flagp_record_read(&piece->file,
			i < 2 ? RECORD_OVERRIDES : RECORD_TRIPS,
			i % 2 == 0 ? places.state_live : places.run_live, NULL,
			NULL), 0);
		next->pieces[id] = piece;
	}
	piece = flagp_piece_new(PIECE_PANIC_RUN);
	flagp_record_panic(&piece->panic, places.run_live);
	next->pieces[PIECE_PANIC_RUN] = piece;
	return next;
}

static enum change_result
commit(struct snapshot *next, bool current)
{
	struct snapshot *old = NULL;
	enum change_result result =
		flagp_change_commit(next, current, &old);

	if (result != CHANGE_DONE)
		flagp_snapshot_free(next);
	flagp_unlock(LOCK_CHANGE);
	flagp_snapshot_retire(old);
	return result;
}

/* One whole turn. */
static enum change_result
turn(const char *config, bool current)
{
	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	return commit(stage(config), current);
}

static struct layers_answer
answer_of(const char *name)
{
	struct layers_answer answer;

	flagp_change_ask(flagp_snapshot_enter(), name, 0, &answer);
	flagp_snapshot_leave();
	return answer;
}

START_TEST(a_commit_publishes_to_cells_and_readers)
{
	ck_assert_int_eq(turn(ON_TEXT, true), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&other), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 1);
	ck_assert_int_eq(answer_of(FLAG).winner, LAYER_MAIN);
	ck_assert_int_eq(turn(OFF_TEXT "[change.on]\nstate = off\n", true),
			 CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&initially_on), 0);
}
END_TEST

START_TEST(an_equal_result_is_no_store)
{
	uint64_t before;

	turn(ON_TEXT, true);
	before = flagp_board_load(&flag);
	turn(NULL, true);
	ck_assert_uint_eq(flagp_board_load(&flag), before);
}
END_TEST

START_TEST(the_first_who_knows_something_else_stamps_what_stays_equal)
{
	uint64_t before;

	turn(ON_TEXT, true);
	before = flagp_board_load(&flag);
	turn(ON_TEXT "[change.other]\nstate = on\n", true);
	ck_assert_uint_eq(flagp_board_load(&flag),
			  before + (1u << BOARD_STAMP_SHIFT));
	before = flagp_board_load(&flag);
	/* The second one knows the same and stamps nothing. */
	turn(NULL, true);
	ck_assert_uint_eq(flagp_board_load(&flag), before);
}
END_TEST

/* W: the test below.  R: the library. */
static int64_t made_up_wall;

static int64_t
tell_wall(void)
{
	return made_up_wall;
}

static int64_t
tell_ms(void)
{
	return 1;
}

START_TEST(the_end_of_an_override_stamps_what_stays_equal)
{
	static const struct flagp_clock made_up = { tell_wall, tell_ms };
	struct record record = {
		.flag = FLAG, .share = FLAGP_SHARE_ALL,
		.base = FLAGP_SHARE_NONE, .generation = 1, .at = 1,
		.until = 2000
	};
	uint64_t before;

	flagp_clock_replace(&made_up);
	made_up_wall = 1999;
	service_record(service, RECORD_OVERRIDES, LIVE_STATE, &record);
	turn(ON_TEXT, true);
	before = flagp_board_load(&flag);
	turn(NULL, true);
	ck_assert_uint_eq(flagp_board_load(&flag), before);
	made_up_wall = 2000;
	turn(NULL, true);
	ck_assert_uint_eq(flagp_board_load(&flag),
			  before + (1u << BOARD_STAMP_SHIFT));
	flagp_clock_replace(NULL);
}
END_TEST

START_TEST(a_cell_that_changed_since_it_was_seen_means_again)
{
	turn(OFF_TEXT, true);
	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	flagp_board_trip(&flag);
	ck_assert_int_eq(commit(stage(ON_TEXT), true), CHANGE_AGAIN);
	ck_assert_uint_eq(flag.state & BOARD_ON, 0);
	ck_assert_uint_eq(flag.state & BOARD_TRIPPED, BOARD_TRIPPED);
	/* Again, with the cell as it is now: the trip stays. */
	ck_assert_int_eq(turn(NULL, true), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert(flagp_change_trips_unsaved());
}
END_TEST

/* A sibling's stamp moves no epoch: the cell alone tells. */
START_TEST(a_cell_that_was_stamped_since_it_was_seen_means_again)
{
	const struct board_wish off = { 0, false, false };

	turn(OFF_TEXT, true);
	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	ck_assert(flagp_board_publish(&flag, flagp_board_load(&flag), &off,
				      true));
	ck_assert_int_eq(commit(stage(ON_TEXT), true), CHANGE_AGAIN);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(an_older_configuration_is_held_back_but_people_are_not)
{
	turn(ON_TEXT "[change.other]\nstate = off\n", true);
	/* As one whose last good configuration is an older one, while what
	 * stands on disk cannot be read. */
	ck_assert_int_eq(turn("[change.other]\nstate = on\n", false),
			 CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&other), 0);
	service_override(service, LIVE_RUN, FLAG, 0, 1);
	service_override(service, LIVE_RUN, "change.other", FLAGP_SHARE_ALL, 2);
	ck_assert_int_eq(turn(NULL, false), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&other), 1);
	ck_assert_int_eq(answer_of(FLAG).winner, LAYER_OFF);
	/* What the override hid is not known here: nobody may say it is done,
	 * and the flag stays as it was. */
	service_override(service, LIVE_RUN, FLAG, FLAGP_SHARE_NONE, 3);
	ck_assert_int_eq(turn(NULL, false), CHANGE_HELD);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(answer_of(FLAG).winner, LAYER_OFF);
	service_write(service, LIVE_RUN "/PANIC", "");
	ck_assert_int_eq(turn(NULL, false), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&initially_on), 0);
	ck_assert_int_eq(flag_enabled(&other), 0);
}
END_TEST

START_TEST(no_configuration_at_all_is_newer_than_an_older_one)
{
	turn(ON_TEXT, true);
	service_remove(service, "etc/svc.ini");
	ck_assert_int_eq(turn(NULL, true), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(turn(ON_TEXT, false), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

START_TEST(the_configuration_that_the_family_has_is_not_held)
{
	turn(ON_TEXT, true);
	service_override(service, LIVE_RUN, "change.other", FLAGP_SHARE_ALL, 1);
	ck_assert_int_eq(turn(NULL, false), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(&other), 1);
}
END_TEST

/* --- names ---------------------------------------------------------------- */

static bool
yes(void)
{
	return true;
}

static bool
no(void)
{
	return false;
}

START_TEST(a_name_found_later_has_what_the_files_say)
{
	struct flag *found;

	turn("[change.late]\nstate = on\n", true);
	found = flagp_change_find("change.late", yes);
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(flag_enabled(found), 1);
	ck_assert_ptr_eq(flagp_change_find("change.late", yes), found);
	ck_assert_ptr_eq(flagp_change_find(FLAG, yes), &flag);
	ck_assert_int_eq(flag_enabled(flagp_change_find("change.no", yes)), 0);
}
END_TEST

START_TEST(a_name_found_with_old_knowledge_waits_for_the_next_turn)
{
	struct flag *found;

	turn("[change.late]\nstate = on\n", true);
	found = flagp_change_find("change.late", no);
	ck_assert_int_eq(flag_enabled(found), 0);
	ck_assert_int_eq(turn(NULL, true), CHANGE_DONE);
	ck_assert_int_eq(flag_enabled(found), 1);
}
END_TEST

START_TEST(objects_that_differ_in_the_default_keep_a_flag_off)
{
	static struct flag cell = { BOARD_ON, 0 };
	static const struct flag_definition definition = {
		sizeof(definition), FLAG_ABI_, &cell, FLAG, "", NULL,
		FLAG_INITIAL_ON, 0
	};
	static const struct flag_definition *index[] = { &definition };
	static struct flag_object object = {
		sizeof(object), FLAG_ABI_, &cell, &cell + 1, NULL, index,
		index + 1, { NULL, NULL }, NULL
	};

	flag_register(&object);
	turn(NULL, true);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&cell), 0);
	turn(ON_TEXT, true);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&cell), 0);
}
END_TEST

START_TEST(both_cells_of_a_name_are_published_and_tripped_together)
{
	static struct flag cell;
	static const struct flag_definition definition = {
		sizeof(definition), FLAG_ABI_, &cell, FLAG, "", NULL, 0, 0
	};
	static const struct flag_definition *index[] = { &definition };
	static struct flag_object object = {
		sizeof(object), FLAG_ABI_, &cell, &cell + 1, NULL, index,
		index + 1, { NULL, NULL }, NULL
	};

	flag_register(&object);
	turn(ON_TEXT, true);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&cell), 1);
	ck_assert_int_eq(flagp_change_trip(&cell, "too slow"), 0);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&cell), 0);
}
END_TEST

START_TEST(what_a_test_sets_stays_until_it_is_reset)
{
	turn(OFF_TEXT, true);
	flag_test_set(&flag, 1);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	turn(OFF_TEXT "[change.on]\nstate = off\n", true);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	flag_test_set(&other, 1);
	flag_test_reset(NULL);
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(flag_enabled(&other), 0);
	flag_test_set(NULL, 1);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_enabled(&other), 1);
	flag_test_reset(&flag);
	ck_assert_int_eq(flag_enabled(&flag), 0);
}
END_TEST

/* --- trips ---------------------------------------------------------------- */

#define TP (BOARD_TRIPPED | BOARD_TRIP_SAVED)

static uint32_t
trip_bits(void)
{
	return flag.state & (TP | BOARD_ON);
}

/* The record of the flag's trip in a folder; generation 0: none. */
static struct record
trip_in(int folder)
{
	struct record_file file = { 0 };
	struct record record = { .generation = 0 };
	const struct record *found;

	ck_assert_int_eq(flagp_record_read(&file, RECORD_TRIPS, folder, NULL,
					   NULL), 0);
	found = flagp_record_get(&file, FLAG);
	if (found != NULL)
		record = *found;
	record.unknown = NULL;
	flagp_record_free(&file);
	return record;
}

START_TEST(a_trip_is_in_the_cell_and_on_disk)
{
	struct record record;

	turn(ON_TEXT, true);
	service_override(service, LIVE_STATE, "change.other", 0, 41);
	ck_assert_int_eq(flagp_change_trip(&flag, "p99 3.1x"), 0);
	ck_assert_uint_eq(trip_bits(), TP);
	record = trip_in(places.state_live);
	ck_assert_uint_eq(record.generation, 42);
	ck_assert_uint_eq(record.share, 0);
	ck_assert_uint_eq(record.base, FLAGP_SHARE_ALL);
	ck_assert_str_eq(record.author.reason, "p99 3.1x");
	ck_assert_int_eq(record.author.pid, getpid());
	/* Known to other families at once, without the disk. */
	ck_assert_uint_eq(trip_in(places.run_live).generation, 42);
	ck_assert(!flagp_change_trips_unsaved());
	/* And stays when the files are read. */
	ck_assert_int_eq(turn(NULL, true), CHANGE_DONE);
	ck_assert_uint_eq(trip_bits(), TP);
	ck_assert_int_eq(answer_of(FLAG).winner, LAYER_TRIP);
}
END_TEST

START_TEST(a_trip_counts_on_from_a_panics_generation)
{
	struct record_panic panic = { .on = true, .generation = 50, .at = 1,
				      .author.login_uid = UINT32_MAX };

	ck_assert_int_eq(flagp_record_panic_write(&panic, places.run_live,
						  false), 0);
	ck_assert_int_eq(flagp_change_trip(&flag, "x"), 0);
	ck_assert_uint_eq(trip_in(places.state_live).generation, 51);
}
END_TEST

START_TEST(a_removed_trip_record_gives_the_flag_back)
{
	struct record record = { .flag = FLAG, .generation = 2, .at = 1,
				 .share = FLAGP_SHARE_NONE, .removed = true,
				 .base = FLAGP_SHARE_NONE,
				 .author.login_uid = UINT32_MAX };

	turn(ON_TEXT, true);
	ck_assert_int_eq(flagp_change_trip(&flag, "x"), 0);
	turn(NULL, true);
	ck_assert_uint_eq(trip_bits(), TP);
	service_record(service, RECORD_TRIPS, LIVE_STATE, &record);
	turn(NULL, true);
	ck_assert_uint_eq(trip_bits(), BOARD_ON);
}
END_TEST

/* Makes a folder that cannot be written: opened, but gone. */
static void
make_useless(int *folder)
{
	close(*folder);
	service_mkdir(service, "gone");
	*folder = service_open(service, "gone");
	ck_assert_int_eq(unlinkat(service->root.descriptor, "gone",
				  AT_REMOVEDIR), 0);
}

START_TEST(a_trip_that_no_folder_takes_is_kept_and_written_later)
{
	int state = dup(places.state_live);

	turn(ON_TEXT, true);
	make_useless(&places.state_live);
	make_useless(&places.run_live);
	ck_assert_int_lt(flagp_change_trip(&flag, "x"), 0);
	ck_assert_uint_eq(trip_bits(), BOARD_TRIPPED);
	ck_assert(flagp_change_trips_unsaved());
	ck_assert_uint_eq(flagp_change_save_trips(), 1);
	/* No reader of the files takes it back, however often. */
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(turn(i == 1 ? OFF_TEXT : ON_TEXT, true),
				 CHANGE_DONE);
		ck_assert_uint_eq(trip_bits(), BOARD_TRIPPED);
		ck_assert(flagp_change_trips_unsaved());
	}
	close(places.state_live);
	places.state_live = state;
	ck_assert_uint_eq(flagp_change_save_trips(), 0);
	ck_assert(!flagp_change_trips_unsaved());
	ck_assert_uint_eq(trip_bits(), TP);
	ck_assert_uint_ne(trip_in(places.state_live).generation, 0);
}
END_TEST

START_TEST(without_places_a_trip_is_kept_in_memory)
{
	turn(ON_TEXT, true);
	flagp_change_places(NULL);
	ck_assert_int_eq(flagp_change_trip(&flag, "x"), -FLAG_EDIRECTORY);
	ck_assert_uint_eq(trip_bits(), BOARD_TRIPPED);
	ck_assert_uint_eq(flagp_change_save_trips(), 1);
	flagp_change_places(&places);
	ck_assert_uint_eq(flagp_change_save_trips(), 0);
	ck_assert_uint_eq(trip_bits(), TP);
}
END_TEST

START_TEST(a_trip_that_the_state_folder_refuses_goes_to_the_run_folder)
{
	turn(ON_TEXT, true);
	make_useless(&places.state_live);
	ck_assert_int_eq(flagp_change_trip(&flag, "x"), 0);
	ck_assert_uint_eq(trip_bits(), TP);
	ck_assert_uint_ne(trip_in(places.run_live).generation, 0);
}
END_TEST

/* A trips file with this first line and a right checksum. */
static void
put_trips(const char *magic)
{
	char text[256];
	int length = snprintf(text, sizeof(text), "%s\ngeneration 7\n", magic);

	snprintf(text + length, sizeof(text) - (size_t)length, "end 0 %08x\n",
		 flagp_text_crc32(0, text, (size_t)length));
	service_save(service, LIVE_STATE "/trips", text);
	service_save(service, LIVE_RUN "/trips", text);
}

START_TEST(a_trips_file_of_a_newer_version_loses_no_trip)
{
	turn(ON_TEXT, true);
	put_trips("ripcord trips 2");
	ck_assert_int_lt(flagp_change_trip(&flag, "x"), 0);
	ck_assert_uint_eq(trip_bits(), BOARD_TRIPPED);
	ck_assert_int_eq(turn(NULL, true), CHANGE_DONE);
	ck_assert_uint_eq(trip_bits(), BOARD_TRIPPED);
	ck_assert(flagp_change_trips_unsaved());
	/* The same file in a version that is known takes it. */
	put_trips("ripcord trips 1");
	ck_assert_uint_eq(flagp_change_save_trips(), 0);
	ck_assert_uint_eq(trip_bits(), TP);
	ck_assert_uint_eq(trip_in(places.state_live).generation, 8);
}
END_TEST

START_TEST(a_torn_trips_file_loses_no_trip)
{
	turn(ON_TEXT, true);
	service_write(service, LIVE_STATE "/trips", "ripcord tr");
	service_write(service, LIVE_RUN "/trips", "ripcord tr");
	ck_assert_int_lt(flagp_change_trip(&flag, "x"), 0);
	ck_assert_uint_eq(trip_bits(), BOARD_TRIPPED);
	service_remove(service, LIVE_STATE "/trips");
	ck_assert_uint_eq(flagp_change_save_trips(), 0);
	ck_assert_uint_eq(trip_bits(), TP);
}
END_TEST

START_TEST(a_flag_that_nobody_registered_is_tripped_and_said_to_be_unknown)
{
	static struct flag stray = { BOARD_ON, UINT32_MAX };

	ck_assert_int_eq(flagp_change_trip(&stray, "x"), -FLAG_ENOENT);
	ck_assert_int_eq(flag_enabled(&stray), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_commit_publishes_to_cells_and_readers,
		an_equal_result_is_no_store,
		the_first_who_knows_something_else_stamps_what_stays_equal,
		the_end_of_an_override_stamps_what_stays_equal,
		a_cell_that_changed_since_it_was_seen_means_again,
		a_cell_that_was_stamped_since_it_was_seen_means_again,
		an_older_configuration_is_held_back_but_people_are_not,
		no_configuration_at_all_is_newer_than_an_older_one,
		the_configuration_that_the_family_has_is_not_held,
		a_name_found_later_has_what_the_files_say,
		a_name_found_with_old_knowledge_waits_for_the_next_turn,
		objects_that_differ_in_the_default_keep_a_flag_off,
		both_cells_of_a_name_are_published_and_tripped_together,
		what_a_test_sets_stays_until_it_is_reset,
		a_trip_is_in_the_cell_and_on_disk,
		a_trip_counts_on_from_a_panics_generation,
		a_removed_trip_record_gives_the_flag_back,
		a_trip_that_no_folder_takes_is_kept_and_written_later,
		without_places_a_trip_is_kept_in_memory,
		a_trip_that_the_state_folder_refuses_goes_to_the_run_folder,
		a_trips_file_of_a_newer_version_loses_no_trip,
		a_torn_trips_file_loses_no_trip,
		a_flag_that_nobody_registered_is_tripped_and_said_to_be_unknown,
		NULL
	};

	return suite_run_with("change", tests, setup, teardown);
}
