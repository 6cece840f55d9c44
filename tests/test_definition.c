/* SPDX-License-Identifier: MIT */
/*
 * test_definition.c - what a definition of each type says, and when two of
 * them say the same.
 */
#include "base/definition.h"

#include <stdint.h>
#include <string.h>

#include "suite.h"

static struct value initial;
static struct value_limits limits;

/* A definition with other numbers in the places of the other types. */
static struct flag_tunable_definition
define(enum flag_type type)
{
	const struct flag_tunable_definition definition = {
		.type = type, .integers = { 5, -1, 7 },
		.reals = { 0.5, -0.25, 2 }, .text = "lru",
	};

	return definition;
}

static void
reads(enum flag_type type, enum value_type expected)
{
	struct flag_tunable_definition definition = define(type);

	ck_assert(flagp_definition_read(&definition, &initial, &limits));
	ck_assert_int_eq(initial.type, expected);
	ck_assert_int_eq(limits.type, expected);
}

START_TEST(each_type_takes_its_own_numbers)
{
	reads(FLAG_TYPE_BOOL, VALUE_BOOL);
	ck_assert(initial.number.on);
	reads(FLAG_TYPE_INT64, VALUE_INT64);
	ck_assert_int_eq(initial.number.integer, 5);
	ck_assert_int_eq(limits.low.integer, -1);
	ck_assert_int_eq(limits.high.integer, 7);
	reads(FLAG_TYPE_DOUBLE, VALUE_DOUBLE);
	ck_assert(initial.number.real == 0.5);
	ck_assert(limits.low.real == -0.25);
	ck_assert(limits.high.real == 2);
	reads(FLAG_TYPE_DURATION, VALUE_DURATION);
	ck_assert_int_eq(initial.number.duration_ns, 5);
	ck_assert_int_eq(limits.low.duration_ns, -1);
	ck_assert_int_eq(limits.high.duration_ns, 7);
	reads(FLAG_TYPE_SIZE, VALUE_SIZE);
	ck_assert_uint_eq(initial.number.size, 5);
	ck_assert_uint_eq(limits.low.size, UINT64_MAX);
	ck_assert_uint_eq(limits.high.size, 7);
	ck_assert_ptr_null(initial.string);
	reads(FLAG_TYPE_STRING, VALUE_STRING);
	ck_assert_str_eq(initial.string, "lru");
	ck_assert_uint_eq(initial.number.size, 3);
	ck_assert_uint_eq(limits.high.size, 7);
}
END_TEST

START_TEST(a_string_without_a_default_is_empty)
{
	struct flag_tunable_definition definition = define(FLAG_TYPE_STRING);

	definition.text = NULL;
	ck_assert(flagp_definition_read(&definition, &initial, &limits));
	ck_assert_str_eq(initial.string, "");
	ck_assert_uint_eq(initial.number.size, 0);
}
END_TEST

START_TEST(an_unknown_type_changes_nothing)
{
	struct flag_tunable_definition definition = define(FLAG_TYPE_STRING);

	reads(FLAG_TYPE_INT64, VALUE_INT64);
	definition.type = (enum flag_type)(FLAG_TYPE_STRING + 1);
	ck_assert(!flagp_definition_read(&definition, &initial, &limits));
	definition.type = (enum flag_type)UINT32_MAX;
	ck_assert(!flagp_definition_read(&definition, &initial, &limits));
	ck_assert_int_eq(initial.type, VALUE_INT64);
	ck_assert_int_eq(limits.type, VALUE_INT64);
}
END_TEST

static bool
same(const struct flag_tunable_definition *a,
     const struct flag_tunable_definition *b)
{
	struct value_limits limits_b;
	struct value initial_b;

	ck_assert(flagp_definition_read(a, &initial, &limits));
	ck_assert(flagp_definition_read(b, &initial_b, &limits_b));
	return flagp_definition_same(&initial, &limits, &initial_b, &limits_b);
}

START_TEST(what_differs_is_not_the_same)
{
	for (int type = 0; type <= FLAG_TYPE_STRING; type++) {
		struct flag_tunable_definition a, b;
		bool real = type == FLAG_TYPE_DOUBLE;

		a = b = define((enum flag_type)type);
		ck_assert(same(&a, &b));
		for (int i = 0; i < 3 && type != FLAG_TYPE_BOOL; i++) {
			b = a;
			b.integers[i]++;
			b.reals[i]++;
			/* A string's default is its text alone. */
			ck_assert_int_eq(same(&a, &b), i == 0 &&
					 type == FLAG_TYPE_STRING);
		}
		b = a;
		b.integers[0] = real ? 9 : b.integers[0];
		b.reals[0] = real ? b.reals[0] : 9;
		ck_assert(same(&a, &b));
		b.text = "arc";
		ck_assert_int_eq(same(&a, &b), type != FLAG_TYPE_STRING);
		b.text = "lr";
		ck_assert_int_eq(same(&a, &b), type != FLAG_TYPE_STRING);
		b = a;
		b.type = (enum flag_type)((type + 1) % (FLAG_TYPE_STRING + 1));
		ck_assert(!same(&a, &b));
	}
}
END_TEST

START_TEST(switches_compare_as_on_or_off)
{
	struct flag_tunable_definition a = define(FLAG_TYPE_BOOL), b = a;

	b.integers[0] = 1;
	ck_assert(same(&a, &b));
	b.integers[0] = 0;
	ck_assert(!same(&a, &b));
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		each_type_takes_its_own_numbers,
		a_string_without_a_default_is_empty,
		an_unknown_type_changes_nothing, what_differs_is_not_the_same,
		switches_compare_as_on_or_off, NULL
	};

	return suite_run("definition", tests);
}
