/* SPDX-License-Identifier: MIT */
/*
 * test_layers.c - which layer wins, and what is said of it.  Every pair of
 * layers is tried with everything that each of the two can say.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "core/layers.h"

#define FLAG "a.flag"
#define NOW 1000000
#define BOOT "this-boot"

/* What the files of one case say. */
struct world {
	struct conf environment;
	struct conf conf;
	struct record_file overrides[2], trips[2];
	struct record_panic panic[2];
	uint32_t initial;
};

static void
world_free(struct world *world)
{
	flagp_conf_free(&world->environment);
	flagp_conf_free(&world->conf);
	for (int i = 0; i < 2; i++) {
		flagp_record_free(&world->overrides[i]);
		flagp_record_free(&world->trips[i]);
	}
}

static struct layers_files
files_of(const struct world *world)
{
	struct layers_files files = {
		.conf = &world->conf, .environment = &world->environment,
		.wall = NOW, .boot = BOOT,
	};

	for (int i = 0; i < 2; i++) {
		files.overrides[i] = &world->overrides[i];
		files.trips[i] = &world->trips[i];
		files.panic[i] = &world->panic[i];
	}
	return files;
}

static struct layers_answer
ask(const struct world *world)
{
	struct layers_files files = files_of(world);
	struct layers_answer answer;

	flagp_layers_ask(&answer, &files, FLAG, world->initial);
	return answer;
}

static struct record
record_of(uint32_t share, uint64_t generation)
{
	return (struct record) {
		.flag = FLAG, .share = share, .generation = generation,
		.base = FLAGP_SHARE_NONE, .at = 1,
		.author = { .user = "ann" },
	};
}

static void
put(struct record_file *file, uint32_t share, uint64_t generation)
{
	struct record record = record_of(share, generation);

	ck_assert_int_eq(flagp_record_put(file, &record), 0);
}

static void
put_removed(struct record_file *file, uint64_t generation)
{
	struct record record = record_of(FLAGP_SHARE_NONE, generation);

	record.removed = true;
	ck_assert_int_eq(flagp_record_put(file, &record), 0);
}

static void
configure(struct world *world, const char *file, bool dropin, uint32_t share)
{
	char text[64];

	snprintf(text, sizeof(text), "[" FLAG "]\nstate = %s\n",
		 share != 0 ? "on" : "off");
	ck_assert_int_eq(flagp_conf_parse(&world->conf, file, dropin, text,
					  strlen(text), NULL), 0);
}

/* Makes one layer speak; share only matters to those that can say both. */
static void
speak(struct world *world, enum layer layer, uint32_t share)
{
	switch (layer) {
	case LAYER_PANIC:
		world->panic[1] = (struct record_panic) {
			.on = true, .generation = 7,
		};
		break;
	case LAYER_OFF:
		put(&world->overrides[0], 0, 5);
		break;
	case LAYER_TRIP:
		put(&world->trips[0], 0, 6);
		break;
	case LAYER_ON:
		/* As new as the "off" of the other folder. */
		put(&world->overrides[1], FLAGP_SHARE_ALL, 5);
		break;
	case LAYER_ENVIRONMENT:
		ck_assert_int_eq(flagp_conf_environment(&world->environment,
			share != 0 ? FLAG "=on" : FLAG "=off", NULL), 0);
		break;
	case LAYER_DROPIN:
		configure(world, "svc.d/10.ini", true, share);
		break;
	case LAYER_MAIN:
		configure(world, "svc.ini", false, share);
		break;
	default:
		world->initial = share;
		break;
	}
}

/* What a layer says if it is asked to say share. */
static uint32_t
said_by(enum layer layer, uint32_t share)
{
	return layer == LAYER_PANIC || layer == LAYER_OFF ||
	       layer == LAYER_TRIP ? 0 :
	       layer == LAYER_ON ? FLAGP_SHARE_ALL : share;
}

static void
try_pair(enum layer high, enum layer low, uint32_t high_share,
	 uint32_t low_share, uint32_t initial)
{
	struct world world = { .initial = initial };
	struct layers_answer answer;

	speak(&world, low, low_share);
	speak(&world, high, high_share);
	answer = ask(&world);
	ck_assert_msg(answer.winner == high,
		      "%s over %s: the winner is %s", flagp_layers_name(high),
		      flagp_layers_name(low),
		      flagp_layers_name(answer.winner));
	ck_assert_uint_eq(answer.effective, said_by(high, high_share));
	ck_assert_uint_eq(answer.share[high], said_by(high, high_share));
	/* Off and on are one record: the lower one of the pair is not said. */
	if (high != LAYER_OFF || low != LAYER_ON)
		ck_assert_uint_eq(answer.share[low], said_by(low, low_share));
	for (int i = 0; i < LAYER_DEFAULT; i++)
		if (i != (int)high && i != (int)low)
			ck_assert_uint_eq(answer.share[i], FLAGP_SHARE_NONE);
	world_free(&world);
}

/* Written out: the numbers of the enumeration are what is tested. */
static const enum layer highest_first[] = {
	LAYER_PANIC, LAYER_OFF, LAYER_TRIP, LAYER_ON, LAYER_ENVIRONMENT,
	LAYER_DROPIN, LAYER_MAIN, LAYER_DEFAULT,
};

START_TEST(the_higher_layer_of_each_pair_wins)
{
	static const uint32_t shares[] = { 0, FLAGP_SHARE_ALL };
	unsigned pairs = 0;

	for (int high = 0; high < LAYER_COUNT; high++) {
		for (int low = high + 1; low < LAYER_COUNT; low++, pairs++)
			for (int i = 0; i < 8; i++)
				try_pair(highest_first[high],
					 highest_first[low], shares[i & 1],
					 shares[i >> 1 & 1], shares[i >> 2]);
	}
	ck_assert_uint_eq(pairs, 28);
}
END_TEST

START_TEST(nothing_said_is_the_compiled_default)
{
	struct world world = { .initial = FLAGP_SHARE_ALL };
	struct layers_files nothing = { .boot = BOOT };
	struct layers_answer answer = ask(&world);

	ck_assert_uint_eq(answer.effective, FLAGP_SHARE_ALL);
	ck_assert_int_eq(answer.winner, LAYER_DEFAULT);
	flagp_layers_ask(&answer, &nothing, FLAG, 0);
	ck_assert_uint_eq(answer.effective, 0);
	ck_assert_int_eq(answer.winner, LAYER_DEFAULT);
}
END_TEST

START_TEST(other_flags_say_nothing_of_this_one)
{
	struct world world = { .initial = 0 };
	struct layers_files files;
	struct layers_answer answer;

	speak(&world, LAYER_ON, 0);
	speak(&world, LAYER_TRIP, 0);
	speak(&world, LAYER_MAIN, FLAGP_SHARE_ALL);
	files = files_of(&world);
	flagp_layers_ask(&answer, &files, "another.flag", 0);
	ck_assert_int_eq(answer.winner, LAYER_DEFAULT);
	world_free(&world);
}
END_TEST

/* Fills in an "on" that ends and asks. */
static struct layers_answer
ask_with_end(struct world *world, int64_t until, const char *boot)
{
	struct record record = record_of(FLAGP_SHARE_ALL, 5);

	record.until = until;
	snprintf(record.boot, sizeof(record.boot), "%s", boot);
	ck_assert_int_eq(flagp_record_put(&world->overrides[0], &record), 0);
	return ask(world);
}

START_TEST(an_on_whose_time_is_over_reveals_what_is_below)
{
	struct world world = { .initial = 0 };
	struct layers_answer answer;

	configure(&world, "svc.ini", false, 0);
	answer = ask_with_end(&world, NOW + 1, "");
	ck_assert_int_eq(answer.winner, LAYER_ON);
	ck_assert_int_eq(answer.until, NOW + 1);
	ck_assert_ptr_null(answer.ended);
	answer = ask_with_end(&world, NOW, "");
	ck_assert_int_eq(answer.winner, LAYER_MAIN);
	ck_assert_uint_eq(answer.effective, 0);
	ck_assert_ptr_nonnull(answer.ended);
	ck_assert_ptr_null(answer.override);
	ck_assert_int_eq(answer.until, 0);
	world_free(&world);
}
END_TEST

START_TEST(an_on_of_another_boot_reveals_what_is_below)
{
	struct world world = { .initial = 0 };
	struct layers_answer answer;

	answer = ask_with_end(&world, NOW + 1, BOOT);
	ck_assert_int_eq(answer.winner, LAYER_ON);
	answer = ask_with_end(&world, NOW + 1, "another-boot");
	ck_assert_int_eq(answer.winner, LAYER_DEFAULT);
	ck_assert_ptr_nonnull(answer.ended);
	world_free(&world);
}
END_TEST

/* An end reveals an equal or a lower share, never a greater one: what an
 * override of half leaves behind, over a file and an environment. */
START_TEST(an_end_reveals_no_greater_share)
{
	static const struct {
		const char *file, *environment;
		uint32_t effective;
		enum layer winner;
	} rows[] = {
		{ "off", "", 0, LAYER_MAIN },
		{ "50%", "", 50000, LAYER_MAIN },
		{ "50.001%", "", 50000, LAYER_ON },
		{ "on", "", 50000, LAYER_ON },
		{ "off", FLAG "=50%", 50000, LAYER_ENVIRONMENT },
		{ "off", FLAG "=on", 50000, LAYER_ON },
		{ "on", FLAG "=off", 0, LAYER_ENVIRONMENT },
		{ "on", FLAG "=20%", 20000, LAYER_ENVIRONMENT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world world = { .initial = 0 };
		struct record record = record_of(50000, 5);
		struct layers_answer answer;
		char text[64];

		record.until = NOW;
		snprintf(text, sizeof(text), "[" FLAG "]\nstate = %s\n",
			 rows[i].file);
		ck_assert_int_eq(flagp_conf_parse(&world.conf, "svc.ini",
				false, text, strlen(text), NULL), 0);
		ck_assert_int_eq(flagp_conf_environment(&world.environment,
				rows[i].environment, NULL), 0);
		ck_assert_int_eq(flagp_record_put(&world.overrides[0],
						  &record), 0);
		answer = ask(&world);
		ck_assert_msg(answer.effective == rows[i].effective,
			      "row %zu: %u", i, answer.effective);
		ck_assert_int_eq(answer.winner, rows[i].winner);
		ck_assert_int_eq(answer.ended == NULL,
				 rows[i].winner == LAYER_ON);
		ck_assert_int_eq(answer.until, 0);
		world_free(&world);
	}
}
END_TEST

START_TEST(an_ended_on_does_not_hide_a_trip)
{
	struct world world = { .initial = FLAGP_SHARE_ALL };
	struct layers_answer answer;

	speak(&world, LAYER_TRIP, 0);
	answer = ask_with_end(&world, NOW, "");
	ck_assert_int_eq(answer.winner, LAYER_TRIP);
	world_free(&world);
}
END_TEST

START_TEST(the_newest_record_of_state_and_run_wins)
{
	for (int newer = 0; newer < 2; newer++) {
		struct world world = { .initial = 0 };
		struct layers_answer answer;

		put(&world.overrides[newer], FLAGP_SHARE_ALL, 6);
		put(&world.overrides[!newer], 0, 5);
		answer = ask(&world);
		ck_assert_int_eq(answer.winner, LAYER_ON);
		ck_assert_uint_eq(answer.generation, 6);
		put(&world.overrides[!newer], 0, 7);
		answer = ask(&world);
		ck_assert_int_eq(answer.winner, LAYER_OFF);
		ck_assert_uint_eq(answer.generation, 7);
		world_free(&world);
	}
}
END_TEST

START_TEST(a_tombstone_reveals_what_is_below)
{
	for (int newer = 0; newer < 2; newer++) {
		struct world world = { .initial = FLAGP_SHARE_ALL };

		put(&world.overrides[!newer], 0, 5);
		put(&world.trips[!newer], 0, 5);
		ck_assert_int_eq(ask(&world).winner, LAYER_OFF);
		put_removed(&world.overrides[newer], 6);
		ck_assert_int_eq(ask(&world).winner, LAYER_TRIP);
		put_removed(&world.trips[newer], 6);
		ck_assert_int_eq(ask(&world).winner, LAYER_DEFAULT);
		/* An older tombstone hides nothing. */
		put(&world.trips[!newer], 0, 7);
		ck_assert_int_eq(ask(&world).winner, LAYER_TRIP);
		world_free(&world);
	}
}
END_TEST

START_TEST(the_last_dropin_and_the_last_section_win)
{
	struct world world = { .initial = 0 };
	struct layers_answer answer;

	configure(&world, "svc.ini", false, FLAGP_SHARE_ALL);
	configure(&world, "svc.d/10.ini", true, FLAGP_SHARE_ALL);
	configure(&world, "svc.d/20.ini", true, 0);
	answer = ask(&world);
	ck_assert_int_eq(answer.winner, LAYER_DROPIN);
	ck_assert_uint_eq(answer.effective, 0);
	ck_assert_str_eq(answer.dropin->file, "svc.d/20.ini");
	ck_assert_str_eq(answer.main->file, "svc.ini");
	world_free(&world);
}
END_TEST

START_TEST(configured_is_what_stands_without_any_operator)
{
	struct world world = { .initial = 0 };

	ck_assert_uint_eq(ask(&world).configured, 0);
	configure(&world, "svc.ini", false, FLAGP_SHARE_ALL);
	for (int layer = LAYER_PANIC; layer < LAYER_ON; layer++)
		speak(&world, (enum layer)layer, 0);
	ck_assert_uint_eq(ask(&world).effective, 0);
	ck_assert_uint_eq(ask(&world).configured, FLAGP_SHARE_ALL);
	world_free(&world);

	world = (struct world) { .initial = 0 };
	speak(&world, LAYER_ON, FLAGP_SHARE_ALL);
	ck_assert_uint_eq(ask(&world).effective, FLAGP_SHARE_ALL);
	ck_assert_uint_eq(ask(&world).configured, 0);
	world_free(&world);
}
END_TEST

START_TEST(the_newer_panic_is_the_one_that_is_told)
{
	struct world world = { .initial = FLAGP_SHARE_ALL };

	world.panic[0] = (struct record_panic) { .on = true, .generation = 9 };
	world.panic[1] = (struct record_panic) { .on = true, .generation = 4 };
	ck_assert_uint_eq(ask(&world).generation, 9);
	world.panic[0].on = false;
	ck_assert_uint_eq(ask(&world).generation, 4);
	world.panic[1].on = false;
	ck_assert_int_eq(ask(&world).winner, LAYER_DEFAULT);
}
END_TEST

START_TEST(the_source_names_file_and_line_or_who)
{
	static const char *const texts[LAYER_COUNT] = {
		"panic", "off by ann", "trip", "on by ann", "RIPCORD_FLAGS",
		"svc.d/10.ini:2", "svc.ini:2", "default",
	};
	char text[64];

	for (int layer = 0; layer < LAYER_COUNT; layer++) {
		struct world world = { .initial = 0 };
		struct layers_answer answer;

		speak(&world, (enum layer)layer, FLAGP_SHARE_ALL);
		answer = ask(&world);
		flagp_layers_source(&answer, text, sizeof(text));
		ck_assert_str_eq(text, texts[layer]);
		world_free(&world);
	}
}
END_TEST

START_TEST(the_source_is_cut_not_overrun)
{
	struct world world = { .initial = 0 };
	struct layers_answer answer;
	char text[8] = "------";

	speak(&world, LAYER_OFF, 0);
	answer = ask(&world);
	flagp_layers_source(&answer, text, 5);
	ck_assert_str_eq(text, "off ");
	ck_assert_int_eq(text[5], '-');
	world_free(&world);
}
END_TEST

START_TEST(a_place_is_cut_at_every_length)
{
	static const char whole[] = "svc.ini:2";
	struct world world = { .initial = 0 };
	struct layers_answer answer;

	speak(&world, LAYER_MAIN, FLAGP_SHARE_ALL);
	answer = ask(&world);
	for (size_t size = 0; size < sizeof(whole) + 2; size++) {
		char text[16], wanted[16];

		memset(text, '-', sizeof(text));
		memset(wanted, '-', sizeof(wanted));
		if (size > 0)
			snprintf(wanted, size, "%s", whole);
		flagp_layers_source(&answer, text, size);
		ck_assert_mem_eq(text, wanted, sizeof(text));
	}
	world_free(&world);
}
END_TEST

START_TEST(next_end_is_the_earliest_that_is_still_to_come)
{
	struct world world = { .initial = 0 };
	struct layers_files files = files_of(&world);
	static const struct { const char *flag; int64_t until; bool gone; }
	rows[] = {
		{ "a", 0, false },		/* never ends */
		{ "b", NOW, false },		/* has ended */
		{ "c", NOW + 50, false },
		{ "d", NOW + 20, true },	/* a tombstone */
		{ "e", NOW + 70, false },
	};

	ck_assert_int_eq(flagp_layers_next_end(&files), 0);
	for (size_t i = 0; i < FLAGP_COUNT(rows); i++) {
		struct record record = record_of(FLAGP_SHARE_ALL, i + 1);

		snprintf(record.flag, sizeof(record.flag), "%s", rows[i].flag);
		record.until = rows[i].until;
		record.removed = rows[i].gone;
		flagp_record_put(&world.overrides[i % 2], &record);
	}
	ck_assert_int_eq(flagp_layers_next_end(&files), NOW + 50);
	files.wall = NOW + 50;
	ck_assert_int_eq(flagp_layers_next_end(&files), NOW + 70);
	files.wall = NOW + 70;
	ck_assert_int_eq(flagp_layers_next_end(&files), 0);
	world_free(&world);
}
END_TEST

START_TEST(shares_are_written_without_useless_digits)
{
	static const struct { uint32_t share; const char *text; } rows[] = {
		{ 0, "off" }, { FLAGP_SHARE_ALL, "on" },
		{ FLAGP_SHARE_NONE, "-" }, { 1, "0.001%" }, { 1000, "1%" },
		{ 12500, "12.5%" }, { 10000, "10%" }, { 99999, "99.999%" },
		{ 100, "0.1%" },
	};
	char buffer[16];

	for (size_t i = 0; i < FLAGP_COUNT(rows); i++)
		ck_assert_str_eq(flagp_layers_share(rows[i].share, buffer,
						    sizeof(buffer)),
				 rows[i].text);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		the_higher_layer_of_each_pair_wins,
		nothing_said_is_the_compiled_default,
		other_flags_say_nothing_of_this_one,
		an_on_whose_time_is_over_reveals_what_is_below,
		an_on_of_another_boot_reveals_what_is_below,
		an_end_reveals_no_greater_share,
		an_ended_on_does_not_hide_a_trip,
		the_newest_record_of_state_and_run_wins,
		a_tombstone_reveals_what_is_below,
		the_last_dropin_and_the_last_section_win,
		configured_is_what_stands_without_any_operator,
		the_newer_panic_is_the_one_that_is_told,
		the_source_names_file_and_line_or_who,
		the_source_is_cut_not_overrun,
		a_place_is_cut_at_every_length,
		next_end_is_the_earliest_that_is_still_to_come,
		shares_are_written_without_useless_digits,
		NULL
	};

	return suite_run("layers", tests);
}
