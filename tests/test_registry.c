/* SPDX-License-Identifier: MIT */
/*
 * test_registry.c - names lead to cells and cells to names, whoever defined
 * them.  Linked objects are made up here.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/lock.h"
#include "core/cells.h"
#include "core/registry.h"

#define MANY 10000u

/* A made-up linked object with its definitions. */
struct object {
	struct flag_object object;
	struct flag cells[4];
	struct flag_definition definitions[4];
	const struct flag_definition *index[4];
};

static void
object_make(struct object *object)
{
	memset(object, 0, sizeof(*object));
	object->object.size = sizeof(object->object);
	object->object.version = FLAG_ABI_;
	object->object.words = object->cells;
	object->object.words_end = object->cells + 4;
	object->object.index = object->index;
	object->object.index_end = object->index;
}

static struct flag *
object_define(struct object *object, const char *name, uint32_t bits)
{
	size_t at = (size_t)(object->object.index_end - object->object.index);

	ck_assert_uint_lt(at, 4);
	object->definitions[at] = (struct flag_definition) {
		sizeof(struct flag_definition), FLAG_ABI_,
		&object->cells[at], name, "made up", NULL, bits, 0
	};
	object->index[at] = &object->definitions[at];
	object->object.index_end++;
	return &object->cells[at];
}

/* A made-up definition of a whole number, in place of the flag's. */
static void
object_define_number(struct object *object, const char *name,
		     struct flag_tunable_definition *whole,
		     struct flag_int64 *tunable)
{
	size_t at = (size_t)(object->object.index_end - object->object.index);

	whole->definition = (struct flag_definition) {
		sizeof(*whole), FLAG_ABI_, NULL, name, "made up", NULL,
		FLAG_TUNABLE_, 0
	};
	whole->tunable = tunable;
	object->index[at] = &whole->definition;
	object->object.index_end++;
}

/* Hands in and takes over, as a program does. */
static int
adopt(struct object *object)
{
	struct flag_object *next;

	flagp_registry_register(&object->object);
	next = flagp_registry_next_object();
	ck_assert_ptr_eq(next, &object->object);
	return flagp_registry_adopt(next, NULL);
}

static void
setup(void)
{
	flagp_lock(LOCK_CHANGE);
}

static void
teardown(void)
{
	flagp_unlock(LOCK_CHANGE);
}

START_TEST(nothing_is_found_in_an_empty_registry)
{
	struct flag flag = { 0, 0 };

	ck_assert_uint_eq(flagp_registry_count(), 0);
	ck_assert_ptr_null(flagp_registry_find("a"));
	ck_assert_ptr_null(flagp_registry_of(&flag));
	ck_assert_ptr_null(flagp_registry_next_object());
	ck_assert_ptr_null(flagp_registry_objects());
}
END_TEST

START_TEST(definitions_are_found_by_name_and_by_cell)
{
	static struct object object;
	const struct registry_entry *a, *b;
	struct flag *first, *second;

	object_make(&object);
	first = object_define(&object, "a", 0);
	second = object_define(&object, "b", FLAG_INITIAL_ON);
	ck_assert_int_eq(adopt(&object), 0);
	a = flagp_registry_find("a");
	b = flagp_registry_find("b");
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_eq(flagp_registry_of(first), a);
	ck_assert_ptr_eq(flagp_registry_of(second), b);
	ck_assert_ptr_eq(a->cell, first);
	ck_assert_uint_eq(a->initial, 0);
	ck_assert_uint_eq(b->initial, FLAGP_SHARE_ALL);
	ck_assert_uint_eq(b->test, FLAGP_SHARE_NONE);
	ck_assert_ptr_eq(b->definition, &object.definitions[1]);
	ck_assert_ptr_null(flagp_registry_find("c"));
	ck_assert_uint_eq(flagp_registry_count(), 2);
	ck_assert_str_eq(flagp_registry_at(1)->name, "b");
}
END_TEST

START_TEST(the_same_name_in_two_objects_is_one_entry_with_two_cells)
{
	static struct object one, two, three;
	const struct registry_entry *entry;
	struct flag *cells[3];

	object_make(&one);
	object_make(&two);
	object_make(&three);
	cells[0] = object_define(&one, "a", 0);
	cells[1] = object_define(&two, "a", 0);
	cells[2] = object_define(&three, "a", 0);
	ck_assert_int_eq(adopt(&one), 0);
	ck_assert_int_eq(adopt(&two), 0);
	ck_assert_int_eq(adopt(&three), 0);
	entry = flagp_registry_find("a");
	ck_assert_uint_eq(flagp_registry_count(), 1);
	ck_assert_uint_eq(entry->more_count, 2);
	ck_assert(!entry->disputed);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_ptr_eq(flagp_registry_cell(entry, i), cells[i]);
		ck_assert_ptr_eq(flagp_registry_of(cells[i]), entry);
	}
}
END_TEST

START_TEST(objects_that_differ_in_the_default_are_disputed)
{
	static struct object one, two;

	object_make(&one);
	object_make(&two);
	object_define(&one, "a", FLAG_INITIAL_ON);
	object_define(&one, "b", 0);
	object_define(&two, "a", 0);
	object_define(&two, "b", 0);
	adopt(&one);
	ck_assert(!flagp_registry_find("a")->disputed);
	adopt(&two);
	ck_assert(flagp_registry_find("a")->disputed);
	ck_assert(!flagp_registry_find("b")->disputed);
}
END_TEST

#define INT64_DEFINITION(initial, low, high) \
	{ .type = FLAG_TYPE_INT64, .integers = { initial, low, high } }
#define NAME_RULE "use letters, digits, _ . and -, begin with a letter or " \
	"digit, at most 48"
#define STAYS "; it stays as compiled"

/* What a second definition is told, after a flag "f" and a tunable "t" from 1
 * to 9. */
static const struct {
	const char *name;
	struct flag_tunable_definition whole;
	bool is_flag;
	const char *expected;
} told[] = {
	{ "t", { .type = FLAG_TYPE_BOOL }, true,
	  "flag name \"t\": a tunable has this name already; use another" },
	{ "f", INT64_DEFINITION(5, 1, 9), false,
	  "flag name \"f\": a flag has this name already; use another" },
	{ "a b", INT64_DEFINITION(5, 1, 9), false,
	  "flag name \"a b\": " NAME_RULE },
	{ "service", INT64_DEFINITION(5, 1, 9), false,
	  "flag name \"service\": a reserved word of the configuration; use "
	  "another" },
	{ "t", INT64_DEFINITION(5, 1, 8), false,
	  "tunable t: another object defines it, not with the same type, range "
	  "and default; give both the same" },
	{ "u", INT64_DEFINITION(10, 1, 9), false,
	  "tunable u: compiled default 10: more than 9; use a whole number "
	  "such as 0, 42, -7, from 1 to 9" },
	{ "u", { .type = (enum flag_type)9 }, false,
	  "tunable u: of a type that this version does not know; use the "
	  "library that it was built with" },
};

START_TEST(a_refused_definition_is_told_what_would_be_taken)
{
	static struct flag_int64 cells[FLAGP_COUNT(told) + 1];
	static struct flag_tunable_definition wholes[FLAGP_COUNT(told) + 1];
	static struct object objects[FLAGP_COUNT(told) + 1];
	struct object *object = &objects[FLAGP_COUNT(told)];
	char expected[300];

	wholes[FLAGP_COUNT(told)] =
		(struct flag_tunable_definition)INT64_DEFINITION(5, 1, 9);
	object_make(object);
	object_define(object, "f", 0);
	object_define_number(object, "t", &wholes[FLAGP_COUNT(told)],
			     &cells[FLAGP_COUNT(told)]);
	ck_assert_int_eq(adopt(object), 0);
	for (size_t i = 0; i < FLAGP_COUNT(told); i++) {
		struct flag_error error = { .code = 0 };

		object = &objects[i];
		wholes[i] = told[i].whole;
		object_make(object);
		if (told[i].is_flag)
			object_define(object, told[i].name, 0);
		else
			object_define_number(object, told[i].name, &wholes[i],
					     &cells[i]);
		flagp_registry_register(&object->object);
		ck_assert_int_eq(flagp_registry_adopt(
			flagp_registry_next_object(), &error), -FLAG_EINVAL);
		snprintf(expected, sizeof(expected), "%s" STAYS,
			 told[i].expected);
		ck_assert_str_eq(error.text, expected);
		ck_assert_uint_eq(cells[i].number, 0);
	}
}
END_TEST

START_TEST(a_bad_name_is_refused_and_the_others_are_taken)
{
	static const char *const bad[] = {
		"", "-a", ".a", "_a", "a b", "a\n", "a/b", "a=b", "\xc3\xa4",
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", NULL,
	};
	static struct object objects[FLAGP_COUNT(bad)];
	char name[16];

	for (size_t i = 0; i < FLAGP_COUNT(bad); i++) {
		struct object *object = &objects[i];

		snprintf(name, sizeof(name), "good.%zu", i);
		object_make(object);
		object_define(object, bad[i], 0);
		object_define(object, strdup(name), 0);
		ck_assert_int_eq(adopt(object), -FLAG_EINVAL);
		ck_assert_ptr_null(flagp_registry_of(&object->cells[0]));
		ck_assert_ptr_nonnull(flagp_registry_find(name));
	}
	ck_assert_uint_eq(flagp_registry_count(), FLAGP_COUNT(bad));
}
END_TEST

START_TEST(the_longest_name_is_taken)
{
	static const char name[] =
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
	static struct object object;

	ck_assert_uint_eq(strlen(name), FLAGP_NAME_MAX);
	object_make(&object);
	object_define(&object, name, 0);
	ck_assert_int_eq(adopt(&object), 0);
	ck_assert_ptr_nonnull(flagp_registry_find(name));
}
END_TEST

START_TEST(holes_in_an_index_are_skipped)
{
	static struct object object;

	object_make(&object);
	object_define(&object, "a", 0);
	object_define(&object, "b", 0);
	object.index[0] = NULL;
	ck_assert_int_eq(adopt(&object), 0);
	ck_assert_ptr_null(flagp_registry_find("a"));
	ck_assert_ptr_nonnull(flagp_registry_find("b"));
}
END_TEST

/* Ends for sure, also where a list has become a ring. */
static unsigned
count_objects(void)
{
	struct flag_object *object = flagp_registry_objects();
	unsigned count = 0;

	for (; object != NULL && count < 10; count++)
		object = flagp_registry_object_after(object);
	return count;
}

START_TEST(an_object_registered_again_is_ignored)
{
	static struct object one, two;

	object_make(&one);
	object_make(&two);
	object_define(&one, "a", 0);
	/* Before it is adopted, twice in a row and with another between. */
	flagp_registry_register(&one.object);
	flagp_registry_register(&one.object);
	flagp_registry_register(&two.object);
	flagp_registry_register(&one.object);
	for (int i = 0; i < 2; i++) {
		struct flag_object *next = flagp_registry_next_object();

		ck_assert_ptr_nonnull(next);
		ck_assert_int_eq(flagp_registry_adopt(next, NULL), 0);
	}
	ck_assert_ptr_null(flagp_registry_next_object());
	/* And after. */
	flagp_registry_register(&one.object);
	ck_assert_ptr_null(flagp_registry_next_object());
	ck_assert_uint_eq(count_objects(), 2);
	ck_assert_uint_eq(flagp_registry_find("a")->more_count, 0);
}
END_TEST

START_TEST(a_name_asked_for_first_takes_the_definitions_word_later)
{
	static struct object object;
	static struct flag slot;
	struct registry_entry *entry;
	struct flag *cell;

	/* A cell in no range belongs to nobody. */
	ck_assert_ptr_null(flagp_registry_make("a", &slot));
	ck_assert(flagp_cells_add(&slot, 1, 3));
	entry = flagp_registry_make("a", &slot);

	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->initial, 0);
	ck_assert_ptr_null(entry->definition);
	object_make(&object);
	cell = object_define(&object, "a", FLAG_INITIAL_ON);
	ck_assert_int_eq(adopt(&object), 0);
	ck_assert_ptr_eq(flagp_registry_find("a"), entry);
	ck_assert_ptr_eq(entry->cell, &slot);
	ck_assert_ptr_eq(flagp_registry_cell(entry, 1), cell);
	ck_assert_ptr_eq(flagp_registry_of(cell), entry);
	ck_assert_uint_eq(entry->initial, FLAGP_SHARE_ALL);
	ck_assert(!entry->disputed);
}
END_TEST

START_TEST(a_made_entry_keeps_its_own_copy_of_the_name)
{
	static struct flag slot;
	char name[] = "a.name";

	ck_assert(flagp_cells_add(&slot, 1, 3));
	ck_assert_ptr_nonnull(flagp_registry_make(name, &slot));
	name[0] = 'b';
	ck_assert_ptr_nonnull(flagp_registry_find("a.name"));
	ck_assert_ptr_null(flagp_registry_find("b.name"));
}
END_TEST

static struct flag many[MANY];
static struct flag_definition many_definitions[MANY];
static const struct flag_definition *many_index[MANY];
static char many_names[MANY][16];

START_TEST(ten_thousand_definitions_are_found)
{
	static struct flag_object object = {
		sizeof(struct flag_object), FLAG_ABI_, many, many + MANY, NULL,
		many_index, many_index + MANY, { NULL, NULL }, NULL
	};

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(many_names[i], sizeof(many_names[i]), "flag.%u", i);
		many_definitions[i] = (struct flag_definition) {
			sizeof(struct flag_definition), FLAG_ABI_, &many[i],
			many_names[i], "", NULL, 0, 0
		};
		many_index[i] = &many_definitions[i];
	}
	flagp_registry_register(&object);
	ck_assert_int_eq(flagp_registry_adopt(flagp_registry_next_object(),
					      NULL), 0);
	ck_assert_uint_eq(flagp_registry_count(), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		const struct registry_entry *entry =
			flagp_registry_find(many_names[i]);

		ck_assert_ptr_nonnull(entry);
		ck_assert_ptr_eq(entry->cell, &many[i]);
		ck_assert_ptr_eq(flagp_registry_of(&many[i]), entry);
		ck_assert_ptr_eq(flagp_registry_at(i), entry);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		nothing_is_found_in_an_empty_registry,
		definitions_are_found_by_name_and_by_cell,
		the_same_name_in_two_objects_is_one_entry_with_two_cells,
		objects_that_differ_in_the_default_are_disputed,
		a_refused_definition_is_told_what_would_be_taken,
		a_bad_name_is_refused_and_the_others_are_taken,
		the_longest_name_is_taken,
		holes_in_an_index_are_skipped,
		an_object_registered_again_is_ignored,
		a_name_asked_for_first_takes_the_definitions_word_later,
		a_made_entry_keeps_its_own_copy_of_the_name,
		ten_thousand_definitions_are_found,
		NULL
	};

	return suite_run_with("registry", tests, setup, teardown);
}
