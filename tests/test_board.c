/* SPDX-License-Identifier: MIT */
/*
 * test_board.c - the cells of a fork family are the same memory, and a store
 * to one keeps the rules of trips and stamps.
 */
#include "service.h"
#include "suite.h"

#include <inttypes.h>
#include <sys/mman.h>

#include "base/lock.h"
#include "base/text.h"
#include "core/board.h"
#include "core/change.h"

FLAG_DEFINE(first, "board.first", "the first cell");
FLAG_DEFINE_WITH(second, "board.second", "the second cell", FLAG_INITIAL_ON,
		 NULL);

#define NAME "ripcord:board.test"
#define TEST_SLOTS 1024u	/* of the library's page */
#define MORE 200

static void
open_board(bool private_cells)
{
	struct flag_error error = { .code = 0 };

	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	ck_assert_int_eq(flagp_board_open(NAME, private_cells, &error), 0);
	flagp_unlock(LOCK_CHANGE);
	ck_assert_str_eq(error.text, "");
}

static struct flag *
claim(const char *name)
{
	struct flag *flag;

	flagp_lock(LOCK_CHANGE);
	flag = flagp_board_claim(name);
	flagp_unlock(LOCK_CHANGE);
	return flag;
}

static void
store(struct flag *flag, uint32_t word, uint32_t threshold)
{
	__atomic_store_n(&flag->state, word, __ATOMIC_RELAXED);
	__atomic_store_n(&flag->threshold, threshold, __ATOMIC_RELAXED);
}

static uint64_t
cell_of(uint32_t word, uint32_t threshold)
{
	return (uint64_t)threshold << 32 | word;
}

/* --- one cell ------------------------------------------------------------ */

#define ON BOARD_ON
#define T BOARD_TRIPPED
#define TP (BOARD_TRIPPED | BOARD_TRIP_SAVED)
#define ALL UINT32_MAX
#define EACH FLAGP_SHARE_ALL
#define PART 25000
#define QUARTER 0x40000000u
#define PERCENT BOARD_PERCENT
#define STAMP(n) ((uint32_t)(n) << BOARD_STAMP_SHIFT)

static const struct {
	uint32_t word, threshold;	/* before */
	struct board_wish wish;
	bool restamp;
	uint32_t then, then_threshold;
} publish_rows[] = {
	/* Equal: no store, unless it shall be stamped. */
	{ 0, 0, { 0, false, false }, false, 0, 0 },
	{ ON, ALL, { EACH, false, true }, false, ON, ALL },
	{ TP, 0, { EACH, true, true }, false, TP, 0 },
	{ T, 0, { EACH, false, true }, false, T, 0 },
	{ 0, 0, { 0, false, false }, true, STAMP(1), 0 },
	{ ON, ALL, { EACH, false, true }, true, STAMP(1) | ON, ALL },
	{ T, 0, { 0, false, false }, true, STAMP(1) | T, 0 },
	/* Different: a store and a stamp. */
	{ 0, 0, { EACH, false, true }, false, STAMP(1) | ON, ALL },
	{ STAMP(7) | ON, ALL, { 0, false, false }, false, STAMP(8), 0 },
	/* The compiled default has no threshold yet. */
	{ ON, 0, { EACH, false, true }, false, STAMP(1) | ON, ALL },
	/* A trip in the files: T and P, whatever the share says. */
	{ ON, ALL, { EACH, true, true }, false, STAMP(1) | TP, 0 },
	{ T, 0, { EACH, true, true }, false, STAMP(1) | TP, 0 },
	/* No record: T stays as long as it was not on disk, then goes. */
	{ STAMP(3) | T, 0, { 0, false, false }, false, STAMP(3) | T, 0 },
	{ TP, 0, { EACH, false, true }, false, STAMP(1) | ON, ALL },
	{ TP, 0, { 0, false, false }, false, STAMP(1), 0 },
	/* The stamp turns round without touching the rest. */
	{ STAMP(0xffffff) | ON, ALL, { 0, false, false }, false, 0, 0 },
	/* A part of all: a threshold, and the instance's own answer. */
	{ 0, 0, { PART, false, true }, false,
	  STAMP(1) | ON | PERCENT, QUARTER },
	{ ON, ALL, { PART, false, false }, false, STAMP(1) | PERCENT, QUARTER },
	{ PERCENT, QUARTER, { PART, false, false }, false, PERCENT, QUARTER },
	{ PERCENT, QUARTER, { PART, false, true }, false,
	  STAMP(1) | PERCENT | ON, QUARTER },
	{ PERCENT, QUARTER - 1, { PART, false, false }, false,
	  STAMP(1) | PERCENT, QUARTER },
	{ PERCENT | ON, QUARTER, { EACH, false, true }, false,
	  STAMP(1) | ON, ALL },
	{ PERCENT | ON, QUARTER, { PART, true, true }, false,
	  STAMP(1) | TP, 0 },
	{ T, 0, { PART, false, true }, false, T, 0 },
};

START_TEST(publishing_keeps_the_rules_of_bits_and_stamps)
{
	struct flag flag;

	for (size_t i = 0; i < FLAGP_COUNT(publish_rows); i++) {
		uint64_t seen = cell_of(publish_rows[i].word,
					publish_rows[i].threshold);

		store(&flag, publish_rows[i].word, publish_rows[i].threshold);
		ck_assert_uint_eq(flagp_board_load(&flag), seen);
		ck_assert(flagp_board_publish(&flag, seen,
					      &publish_rows[i].wish,
					      publish_rows[i].restamp));
		ck_assert_msg(flag.state == publish_rows[i].then &&
			      flag.threshold == publish_rows[i].then_threshold,
			      "row %zu: %08x %08x", i, flag.state,
			      flag.threshold);
	}
}
END_TEST

START_TEST(who_saw_an_older_cell_stores_nothing)
{
	struct flag flag = { ON, ALL };
	uint64_t seen = flagp_board_load(&flag);
	struct board_wish off = { 0, false, false };
	struct board_wish on = { FLAGP_SHARE_ALL, false, true };

	ck_assert(flagp_board_publish(&flag, seen, &off, false));
	ck_assert(!flagp_board_publish(&flag, seen, &on, true));
	ck_assert_uint_eq(flag.state, STAMP(1));
	/* Also where only the stamp is another one. */
	store(&flag, ON, ALL);
	ck_assert(flagp_board_publish(&flag, seen, &on, true));
	ck_assert(!flagp_board_publish(&flag, seen, &off, false));
	ck_assert_uint_eq(flag.state, STAMP(1) | ON);
}
END_TEST

START_TEST(a_trip_clears_on_and_is_news_once)
{
	struct flag flag = { STAMP(4) | ON, ALL };
	uint64_t seen = flagp_board_load(&flag);
	struct board_wish on = { FLAGP_SHARE_ALL, false, true };

	ck_assert(flagp_board_trip(&flag));
	ck_assert_uint_eq(flagp_board_load(&flag), cell_of(STAMP(5) | T, 0));
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert(!flagp_board_trip(&flag));
	ck_assert_uint_eq(flagp_board_load(&flag), cell_of(STAMP(5) | T, 0));
	/* Neither does who saw it on before bring that back. */
	ck_assert(!flagp_board_publish(&flag, seen, &on, true));
	(void)flagp_board_publish(&flag, seen, &on, false);
	ck_assert_uint_eq(flagp_board_load(&flag), cell_of(STAMP(5) | T, 0));
	ck_assert(flagp_board_trip_unsaved(flagp_board_load(&flag)));
}
END_TEST

/* The record on disk is of the last one, and may just be taken away. */
START_TEST(a_trip_over_one_that_is_on_disk_is_news)
{
	struct flag flag = { STAMP(1) | TP, 0 };

	ck_assert(flagp_board_trip(&flag));
	ck_assert_uint_eq(flagp_board_load(&flag), cell_of(STAMP(2) | T, 0));
}
END_TEST

START_TEST(saved_is_only_what_was_tripped)
{
	struct flag flag = { STAMP(1) | T, 0 };

	flagp_board_trip_saved(&flag);
	ck_assert_uint_eq(flagp_board_load(&flag), cell_of(STAMP(2) | TP, 0));
	ck_assert(!flagp_board_trip_unsaved(flagp_board_load(&flag)));
	flagp_board_trip_saved(&flag);
	ck_assert_uint_eq(flagp_board_load(&flag), cell_of(STAMP(2) | TP, 0));
	store(&flag, ON, ALL);
	flagp_board_trip_saved(&flag);
	ck_assert_uint_eq(flagp_board_load(&flag), cell_of(ON, ALL));
}
END_TEST

/* --- the family ---------------------------------------------------------- */

START_TEST(cells_keep_their_values_when_the_board_opens)
{
	struct flag *slot = claim("board.slot");

	ck_assert_int_eq(flag_enabled(&first), 0);
	ck_assert_int_eq(flag_enabled(&second), 1);
	store(&first, STAMP(77) | TP, 4711);
	store(slot, STAMP(3) | ON, ALL);
	open_board(false);
	ck_assert_uint_eq(flagp_board_load(&first),
			  cell_of(STAMP(77) | TP, 4711));
	ck_assert_uint_eq(flagp_board_load(slot), cell_of(STAMP(3) | ON, ALL));
	ck_assert_int_eq(flag_enabled(&second), 1);
	ck_assert(!flagp_board_own_cells());
}
END_TEST

/* Changes what it sees of the parent into an answer of its own. */
static int
answer(const struct partner *parent, void *data)
{
	struct flag *flag = data;

	NEED(partner_hear(parent) == 'p');
	NEED(flag->state == (STAMP(5) | ON));
	store(flag, STAMP(6), 0);
	partner_say(parent, 'c');
	return 0;
}

/* Whether parent and child see each other's stores to flag. */
static bool
is_shared(struct flag *flag)
{
	struct partner child;
	bool shared;
	int status;

	store(flag, 0, 0);
	child = partner_start(answer, flag);
	store(flag, STAMP(5) | ON, ALL);
	partner_say(&child, 'p');
	shared = partner_hear(&child) == 'c' && flag->state == STAMP(6);
	status = partner_end(&child);
	ck_assert_int_eq(status, shared ? 0 : 1);
	return shared;
}

START_TEST(parent_and_child_see_each_others_stores)
{
	struct flag *slot = claim("board.slot");

	open_board(false);
	ck_assert(is_shared(&first));
	ck_assert(is_shared(&second));
	ck_assert(is_shared(slot));
	ck_assert(is_shared(claim("board.later")));
}
END_TEST

/* Sees only what it inherited. */
static int
alone(const struct partner *parent, void *data)
{
	struct flag *flag = data;

	NEED(partner_hear(parent) == 'p');
	NEED(flag->state == 0);
	store(flag, STAMP(6), 0);
	return 0;
}

START_TEST(a_private_board_is_shared_with_nobody)
{
	struct flag *flags[] = { &first, claim("board.slot") };

	open_board(true);
	ck_assert_uint_eq(flagp_board_id(), 0);
	ck_assert(flagp_board_own_cells());
	for (size_t i = 0; i < FLAGP_COUNT(flags); i++) {
		struct partner child;

		store(flags[i], 0, 0);
		child = partner_start(alone, flags[i]);
		store(flags[i], STAMP(5) | ON, ALL);
		partner_say(&child, 'p');
		ck_assert_int_eq(partner_end(&child), 0);
		ck_assert_uint_eq(flags[i]->state, STAMP(5) | ON);
	}
}
END_TEST

/* Finds the mapping of an address: its inode, and whether it has our name. */
static bool
find_mapping(const void *address, uint64_t *inode, bool *named)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uintptr_t at = (uintptr_t)address, from, to;
	char line[512];
	bool found = false;

	ck_assert_ptr_nonnull(maps);
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		ck_assert_int_eq(sscanf(line, "%" SCNxPTR "-%" SCNxPTR
					" %*s %*s %*s %" SCNu64, &from, &to,
					inode), 3);
		found = from <= at && at < to;
	}
	fclose(maps);
	*named = found && strstr(line, "/memfd:" NAME) != NULL;
	return found;
}

START_TEST(maps_shows_name_and_number_of_the_board)
{
	const void *places[] = { &first, &second, claim("board.slot") };
	uint64_t inode;
	bool named;

	open_board(false);
	ck_assert_uint_ne(flagp_board_id(), 0);
	for (size_t i = 0; i < FLAGP_COUNT(places); i++) {
		ck_assert(find_mapping(places[i], &inode, &named));
		ck_assert(named);
		ck_assert_uint_eq(inode, flagp_board_id());
	}
}
END_TEST

START_TEST(opening_again_changes_nothing)
{
	uint64_t id;

	open_board(false);
	id = flagp_board_id();
	store(&first, STAMP(5) | ON, ALL);
	open_board(false);
	ck_assert_uint_eq(flagp_board_id(), id);
	ck_assert_uint_eq(first.state, STAMP(5) | ON);
}
END_TEST

START_TEST(knowledge_is_replaced_by_who_saw_the_last)
{
	struct board_knowledge before = flagp_board_knowledge();
	struct board_knowledge one = { 11, 12 }, two = { 21, 22 };

	open_board(false);
	ck_assert_uint_eq(before.knowledge, 0);
	ck_assert_uint_eq(before.config, 0);
	flagp_board_set_knowledge(&before, &one);
	ck_assert_uint_eq(flagp_board_knowledge().knowledge, 11);
	ck_assert_uint_eq(flagp_board_knowledge().config, 12);
	flagp_board_set_knowledge(&before, &two);
	ck_assert_uint_eq(flagp_board_knowledge().knowledge, 11);
	flagp_board_set_knowledge(&one, &two);
	ck_assert_uint_eq(flagp_board_knowledge().knowledge, 21);
	ck_assert_uint_eq(flagp_board_knowledge().config, 22);
}
END_TEST

/* --- slots --------------------------------------------------------------- */

/* Claims what it is told, stores to the one and says where they are. */
static int
claimer(const struct partner *parent, void *data)
{
	const char *const *names = data;
	struct flag *one, *other;
	uintptr_t where[2];

	NEED(partner_hear(parent) == 'p');
	one = claim(names[0]);
	other = claim(names[1]);
	store(one, STAMP(9) | ON, ALL);
	where[0] = (uintptr_t)one;
	where[1] = (uintptr_t)other;
	NEED(write(parent->says, where, sizeof(where)) == sizeof(where));
	NEED(!flagp_board_own_cells());
	return 0;
}

START_TEST(siblings_share_a_slot_by_name_and_by_name_only)
{
	static const char *const names[2][2] = {
		{ "same", "left" }, { "same", "right" },
	};
	struct partner children[2];
	uintptr_t where[2][2];

	open_board(false);
	for (int i = 0; i < 2; i++)
		children[i] = partner_start(claimer, (void *)names[i]);
	for (int i = 0; i < 2; i++) {
		partner_say(&children[i], 'p');
		ck_assert_int_eq(read(children[i].hears, where[i],
				      sizeof(where[i])), sizeof(where[i]));
	}
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(partner_end(&children[i]), 0);
	ck_assert_uint_eq(where[0][0], where[1][0]);
	ck_assert_uint_ne(where[0][1], where[1][1]);
	ck_assert_uint_ne(where[0][0], where[0][1]);
	/* The parent, which comes last, gets the same slot and its value. */
	ck_assert_uint_eq((uintptr_t)claim("same"), where[0][0]);
	ck_assert_int_eq(flag_enabled(claim("same")), 1);
	ck_assert_int_eq(flag_enabled(claim("left")), 0);
}
END_TEST

static uint64_t
hash_of(const char *name)
{
	return flagp_text_hash(FLAGP_FNV_START, name, strlen(name));
}

/* A name whose slot is looked for where that of another one is. */
static void
find_neighbour(const char *of, char *name, size_t size)
{
	unsigned i = 0;

	do
		snprintf(name, size, "%s.%u", of, i++);
	while (hash_of(name) % TEST_SLOTS != hash_of(of) % TEST_SLOTS);
}

/* The first one as a sibling has claimed it: not in the registry. */
START_TEST(two_names_that_lie_together_get_two_slots)
{
	struct flag *first, *second;
	char name[32];

	open_board(false);
	find_neighbour("board.first", name, sizeof(name));
	first = claim("board.first");
	second = claim(name);
	ck_assert_ptr_ne(first, second);
	ck_assert_ptr_eq(claim(name), second);
	ck_assert(!flagp_board_own_cells());
}
END_TEST

START_TEST(a_name_that_hashes_like_another_gets_a_private_cell)
{
	struct flag *slot = claim("clash"), *other;
	_Atomic uint64_t *hash = (void *)((char *)slot - sizeof(uint64_t));
	char name[32];

	open_board(false);
	ck_assert_uint_eq(*hash, hash_of("clash"));
	flagp_lock(LOCK_CHANGE);
	ck_assert_ptr_nonnull(flagp_registry_make("clash", slot));
	flagp_unlock(LOCK_CHANGE);
	/* Nobody has 64 equal bits at hand: the slot is told that it has this
	 * name's. */
	find_neighbour("clash", name, sizeof(name));
	*hash = hash_of(name);
	other = claim(name);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_ne(other, slot);
	ck_assert(flagp_board_own_cells());
}
END_TEST

START_TEST(when_all_slots_are_taken_cells_are_private)
{
	static struct flag *flags[TEST_SLOTS];
	static struct flag *more[MORE];
	char name[32];

	open_board(false);
	for (unsigned i = 0; i < TEST_SLOTS; i++) {
		snprintf(name, sizeof(name), "slot.%u", i);
		flags[i] = claim(name);
		ck_assert_ptr_nonnull(flags[i]);
		for (unsigned k = 0; k < i; k++)
			ck_assert_ptr_ne(flags[i], flags[k]);
	}
	ck_assert(!flagp_board_own_cells());
	/* More than one allocation has. */
	for (unsigned i = 0; i < MORE; i++) {
		snprintf(name, sizeof(name), "more.%u", i);
		more[i] = claim(name);
		ck_assert_ptr_nonnull(more[i]);
		ck_assert_uint_eq(flagp_board_load(more[i]), 0);
		ck_assert(flagp_board_own_cells());
		for (unsigned k = 0; k < i; k++)
			ck_assert_ptr_ne(more[i], more[k]);
		more[i]->state = 1;
	}
	for (unsigned i = 0; i < TEST_SLOTS; i++) {
		snprintf(name, sizeof(name), "slot.%u", i);
		ck_assert_ptr_eq(claim(name), flags[i]);
	}
}
END_TEST

/* Its pages can be shared, but the others of the family do not map them. */
START_TEST(an_object_that_comes_after_a_fork_is_ones_own)
{
	static struct {
		struct flag cells[FLAG_PAGE_ / sizeof(struct flag)];
		unsigned char tail[FLAG_PAGE_];
	} pages __attribute__((__aligned__(FLAG_PAGE_)));
	static struct flag_object object = {
		sizeof(struct flag_object), FLAG_ABI_, pages.cells,
		pages.cells + 1, pages.tail, NULL, NULL, { NULL, NULL }, NULL
	};

	open_board(false);
	flagp_lock(LOCK_CHANGE);
	flagp_board_forked();
	flagp_board_adopt(&object);
	flagp_unlock(LOCK_CHANGE);
	ck_assert(flagp_board_own_cells());
}
END_TEST

START_TEST(an_object_of_another_layout_stays_private)
{
	static struct flag cells[2] = { { ON, ALL }, { 0, 0 } };
	static struct flag_object object = {
		sizeof(struct flag_object), FLAG_ABI_, cells, cells + 2, NULL,
		NULL, NULL, { NULL, NULL }, NULL
	};

	open_board(false);
	flagp_lock(LOCK_CHANGE);
	flagp_board_adopt(&object);
	flagp_unlock(LOCK_CHANGE);
	ck_assert(flagp_board_own_cells());
	ck_assert_uint_eq(flagp_board_load(&cells[0]), cell_of(ON, ALL));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		publishing_keeps_the_rules_of_bits_and_stamps,
		who_saw_an_older_cell_stores_nothing,
		a_trip_clears_on_and_is_news_once,
		a_trip_over_one_that_is_on_disk_is_news,
		saved_is_only_what_was_tripped,
		cells_keep_their_values_when_the_board_opens,
		parent_and_child_see_each_others_stores,
		a_private_board_is_shared_with_nobody,
		maps_shows_name_and_number_of_the_board,
		opening_again_changes_nothing,
		knowledge_is_replaced_by_who_saw_the_last,
		siblings_share_a_slot_by_name_and_by_name_only,
		two_names_that_lie_together_get_two_slots,
		a_name_that_hashes_like_another_gets_a_private_cell,
		when_all_slots_are_taken_cells_are_private,
		an_object_of_another_layout_stays_private,
		an_object_that_comes_after_a_fork_is_ones_own,
		NULL
	};

	return suite_run("board", tests);
}
