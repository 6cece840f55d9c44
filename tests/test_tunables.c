/* SPDX-License-Identifier: MIT */
/*
 * test_tunables.c - values with a type, a unit and a range: what is accepted,
 * what is refused and with which words, and that of a set with one value that
 * cannot be nothing is applied.
 */
#include "service.h"
#include "suite.h"

#include "core/change.h"

FLAG_DEFINE(flag, "tunables.flag", "in the same files");
FLAG_BOOL(on, "tunables.bool", 1, "on or off");
FLAG_INT64(number, "tunables.int64", -3, -10, 100, "a number");
FLAG_DOUBLE(real, "tunables.double", 0.5, 0, 1, "a real one");
FLAG_DURATION(wait_ns, "tunables.duration", 5000000, 1000, 3600000000000,
	      "how long");
FLAG_SIZE(bytes, "tunables.size", 64 << 20, 1 << 20, 1 << 30, "how big");
FLAG_STRING(text, "tunables.string", "compiled", 12, "what it is called");

static struct service *service;
static struct flag_error error;

static void
setup(void)
{
	service = service_make();
	service->options.driver = FLAG_DRIVER_LOOP;
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
	ck_assert_msg(flag_start(SERVICE, &service->options, &error) == 0,
		      "%s", error.text);
}

static int
apply(const char *text)
{
	service_save(service, "etc/svc.ini", text);
	return flag_reload(&error);
}

static const char *
text_now(void)
{
	static char buffer[64];

	(void)flag_string(&text, buffer, sizeof(buffer));
	return buffer;
}

static void
check_compiled(void)
{
	ck_assert_int_eq(flag_bool(&on), 1);
	ck_assert_int_eq(flag_int64(&number), -3);
	ck_assert(flag_double(&real) == 0.5);
	ck_assert_int_eq(flag_duration(&wait_ns), 5000000);
	ck_assert_uint_eq(flag_size(&bytes), 64 << 20);
	ck_assert_str_eq(text_now(), "compiled");
}

#define SET \
	"[tunables.flag]\nstate = on\n" \
	"[tunables.bool]\nvalue = off\n" \
	"[tunables.int64]\nvalue = 42\n" \
	"[tunables.double]\nvalue = 0.25\n" \
	"[tunables.duration]\nvalue = 90s\n" \
	"[tunables.size]\nvalue = 2M\n" \
	"[tunables.string]\nvalue = from a file\n"

static void
check_set(void)
{
	ck_assert_int_eq(flag_bool(&on), 0);
	ck_assert_int_eq(flag_int64(&number), 42);
	ck_assert(flag_double(&real) == 0.25);
	ck_assert_int_eq(flag_duration(&wait_ns), INT64_C(90000000000));
	ck_assert_uint_eq(flag_size(&bytes), 2 << 20);
	ck_assert_str_eq(text_now(), "from a file");
}

/* --- values --------------------------------------------------------------- */

START_TEST(values_are_compiled_then_of_the_files_and_stay_after_the_stop)
{
	check_compiled();
	service_write(service, "etc/svc.ini", SET);
	check_compiled();
	start();
	check_set();
	ck_assert_int_eq(apply("[tunables.flag]\nstate = on\n"), 0);
	check_compiled();
	ck_assert_int_eq(apply(SET), 0);
	flag_stop();
	check_set();
	start();
	check_set();
}
END_TEST

START_TEST(the_last_drop_in_wins)
{
	service_write(service, "etc/svc.ini", SET);
	service_mkdir(service, "etc/svc.d");
	service_write(service, "etc/svc.d/10.ini",
		      "[tunables.int64]\nvalue = 10\n");
	service_write(service, "etc/svc.d/20.ini",
		      "[tunables.int64]\nvalue = 20\n");
	start();
	ck_assert_int_eq(flag_int64(&number), 20);
	service_remove(service, "etc/svc.d/20.ini");
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_int_eq(flag_int64(&number), 10);
}
END_TEST

/* Both ends of each range, and what is just outside: the words of a refusal
 * say what would be accepted. */
static const struct {
	const char *name, *value;
	const char *refusal;		/* a part of it; NULL: accepted */
} values[] = {
	{ "bool", "on", NULL },
	{ "bool", "off", NULL },
	{ "bool", "yes", "off" },
	{ "bool", "1", "off" },
	{ "int64", "-10", NULL },
	{ "int64", "100", NULL },
	{ "int64", "-11", "-10" },
	{ "int64", "101", "100" },
	{ "int64", "9223372036854775808", "100" },
	{ "int64", "1.5", "100" },
	{ "int64", "010", "100" },
	{ "int64", "12k", "100" },
	{ "double", "0", NULL },
	{ "double", "1", NULL },
	{ "double", "1e-6", NULL },
	{ "double", "1.001", "1" },
	{ "double", "-0.1", "1" },
	{ "double", "nan", "1" },
	{ "double", "inf", "1" },
	{ "double", "0,5", "1" },
	{ "duration", "1us", NULL },
	{ "duration", "1h", NULL },
	{ "duration", "60m", NULL },
	{ "duration", "999ns", "1us" },
	{ "duration", "61m", "1h" },
	{ "duration", "90", "one of ns us" },
	{ "duration", "1h30m", "1h" },
	{ "duration", "-1s", "1h" },
	{ "size", "1M", NULL },
	{ "size", "1G", NULL },
	{ "size", "1048576", NULL },
	{ "size", "1024KiB", NULL },
	{ "size", "1048575", "1M" },
	{ "size", "2G", "1G" },
	{ "size", "1.5M", "1G" },
	{ "size", "1MB", "1G" },
	{ "size", "18446744073709551616", "1G" },
	{ "string", "twelve bytes", NULL },
	{ "string", "thirteen byte", "12" },
};

#define CASES (sizeof(values) / sizeof(values[0]))

static void
check_value(size_t i)
{
	char set[300], named[40];
	int result;

	/* The flag before and the value after it must stay as they are. */
	snprintf(set, sizeof(set), "[tunables.flag]\nstate = off\n"
		 "[tunables.%s]\nvalue = %s\n%s", values[i].name,
		 values[i].value, strcmp(values[i].name, "size") == 0 ?
		 "" : "[tunables.size]\nvalue = 3M\n");
	result = apply(set);
	if (values[i].refusal == NULL) {
		ck_assert_msg(result == 0, "%s = %s: %s", values[i].name,
			      values[i].value, error.text);
		ck_assert_int_eq(flag_enabled(&flag), 0);
		ck_assert_int_eq(apply(SET), 0);
		check_set();
		return;
	}
	ck_assert_msg(result == -FLAG_ECONFIG, "%s = %s is accepted",
		      values[i].name, values[i].value);
	snprintf(named, sizeof(named), "[tunables.%s] value = ",
		 values[i].name);
	ck_assert_str_eq(error.file, "svc.ini");
	ck_assert_uint_eq(error.line, 4);
	ck_assert_msg(strstr(error.text, named) == error.text, "%s",
		      error.text);
	ck_assert_msg(strstr(error.text + strlen(named), values[i].refusal) !=
		      NULL, "%s", error.text);
	ck_assert_int_eq(flag_enabled(&flag), 1);
	check_set();
}

START_TEST(a_value_is_accepted_or_nothing_of_the_set)
{
	service_write(service, "etc/svc.ini", SET);
	start();
	for (size_t i = 0; i < CASES; i++)
		check_value(i);
}
END_TEST

START_TEST(what_is_refused_at_the_start_leaves_the_defaults)
{
	service_write(service, "etc/svc.ini", "[tunables.flag]\nstate = on\n"
		      "[tunables.int64]\nvalue = 42\n"
		      "[tunables.size]\nvalue = 3\n");
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error),
			 FLAG_ECONFIG);
	ck_assert_uint_eq(error.line, 6);
	check_compiled();
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_int_eq(apply(SET), 0);
	check_set();
}
END_TEST

START_TEST(flags_have_states_and_tunables_have_values)
{
	service_write(service, "etc/svc.ini", SET);
	start();
	ck_assert_int_eq(apply("[tunables.size]\nvalue = 3M\n"
			       "[tunables.flag]\nvalue = 3\n"), -FLAG_ECONFIG);
	ck_assert_uint_eq(error.line, 4);
	ck_assert_ptr_nonnull(strstr(error.text, "state = on"));
	check_set();
	ck_assert_int_eq(apply("[tunables.size]\nstate = 25%\n"),
			 -FLAG_ECONFIG);
	ck_assert_uint_eq(error.line, 2);
	ck_assert_ptr_nonnull(strstr(error.text, "state = 25%"));
	ck_assert_ptr_nonnull(strstr(error.text, "value = "));
	check_set();
	/* A text that looks like a state is a value all the same. */
	ck_assert_int_eq(apply("[tunables.string]\nvalue = 25%\n"), 0);
	ck_assert_str_eq(text_now(), "25%");
	/* Of names that nobody knows, either may be. */
	ck_assert_int_eq(apply(SET "[unknown.a]\nvalue = 7\n"
			       "[unknown.b]\nstate = on\n"), 0);
	check_set();
}
END_TEST

/* --- definitions ---------------------------------------------------------- */

/* A made-up linked object. */
struct object {
	struct flag_object object;
	struct flag cells[2];
	struct flag_int64 numbers[2];
	struct flag_string texts[2];
	struct flag_definition flags[2];
	struct flag_tunable_definition tunables[4];
	const struct flag_definition *index[6];
};

static struct object objects[2];

static void
make(struct object *object)
{
	object->object = (struct flag_object){
		.size = sizeof(object->object), .version = FLAG_ABI_,
		.words = object->cells, .words_end = object->cells + 2,
		.index = object->index, .index_end = object->index,
	};
}

static void
add(struct object *object, const struct flag_definition *definition)
{
	*object->object.index_end++ = definition;
}

static void
add_flag(struct object *object, int at, const char *name)
{
	object->flags[at] = (struct flag_definition){
		sizeof(struct flag_definition), FLAG_ABI_, &object->cells[at],
		name, "made up", NULL, 0, 0
	};
	add(object, &object->flags[at]);
}

static void
add_number(struct object *object, int at, const char *name, int64_t initial,
	   int64_t low, int64_t high)
{
	object->numbers[at].value = initial;
	object->tunables[at] = (struct flag_tunable_definition){
		{ sizeof(struct flag_tunable_definition), FLAG_ABI_, NULL,
		  name, "made up", NULL, FLAG_TUNABLE_, 0 },
		FLAG_TYPE_INT64, 0, &object->numbers[at],
		{ initial, low, high }, { 0, 0, 0 }, NULL
	};
	add(object, &object->tunables[at].definition);
}

static void
add_text(struct object *object, int at, const char *name, const char *initial)
{
	object->texts[at].initial = initial;
	object->tunables[2 + at] = (struct flag_tunable_definition){
		{ sizeof(struct flag_tunable_definition), FLAG_ABI_, NULL,
		  name, "made up", NULL, FLAG_TUNABLE_, 0 },
		FLAG_TYPE_STRING, 0, &object->texts[at],
		{ 0, 0, 20 }, { 0, 0, 0 }, initial
	};
	add(object, &object->tunables[2 + at].definition);
}

/* A definition that cannot be: the service runs, and says so as long as it
 * does. */
static void
start_refused(const char *first, const char *second)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(flag_start(SERVICE, &service->options,
					    &error), FLAG_EINVAL);
		ck_assert_msg(strstr(error.text, first) != NULL, "%s",
			      error.text);
		ck_assert_msg(strstr(error.text, second) != NULL, "%s",
			      error.text);
		ck_assert_int_eq(flag_reload(&error), -FLAG_EINVAL);
		if (i == 0)
			flag_stop();
	}
}

START_TEST(equal_definitions_of_two_objects_are_one_tunable)
{
	for (int i = 0; i < 2; i++) {
		make(&objects[i]);
		add_number(&objects[i], 0, "made.number", 1, 0, 9);
		add_text(&objects[i], 0, "made.text", "same");
		flag_register(&objects[i].object);
	}
	service_write(service, "etc/svc.ini", "[made.number]\nvalue = 7\n"
		      "[made.text]\nvalue = other\n");
	start();
	for (int i = 0; i < 2; i++) {
		char buffer[20];

		ck_assert_int_eq(flag_int64(&objects[i].numbers[0]), 7);
		(void)flag_string(&objects[i].texts[0], buffer,
				  sizeof(buffer));
		ck_assert_str_eq(buffer, "other");
	}
}
END_TEST

START_TEST(a_definition_that_differs_stays_as_compiled)
{
	make(&objects[0]);
	add_number(&objects[0], 0, "made.number", 1, 0, 9);
	flag_register(&objects[0].object);
	flag_find("adopts.the.first");
	make(&objects[1]);
	add_number(&objects[1], 0, "made.number", 1, 0, 99);
	flag_register(&objects[1].object);
	service_write(service, "etc/svc.ini", "[made.number]\nvalue = 7\n");
	start_refused("made.number", "another object defines it");
	ck_assert_int_eq(flag_int64(&objects[0].numbers[0]), 7);
	ck_assert_int_eq(flag_int64(&objects[1].numbers[0]), 1);
}
END_TEST

START_TEST(texts_that_differ_are_different_definitions)
{
	make(&objects[0]);
	add_text(&objects[0], 0, "made.text", "one");
	add_text(&objects[0], 1, "made.text", "two");
	flag_register(&objects[0].object);
	start_refused("made.text", "another object defines it");
}
END_TEST

START_TEST(a_default_out_of_its_own_range_is_refused)
{
	make(&objects[0]);
	add_number(&objects[0], 0, "made.low", -1, 0, 9);
	add_number(&objects[0], 1, "made.good", 1, 0, 9);
	flag_register(&objects[0].object);
	service_write(service, "etc/svc.ini", "[made.good]\nvalue = 8\n");
	start_refused("made.low", "compiled default -1: less than 0");
	ck_assert_int_eq(flag_int64(&objects[0].numbers[0]), -1);
	ck_assert_int_eq(flag_int64(&objects[0].numbers[1]), 8);
}
END_TEST

START_TEST(a_text_without_a_default_is_empty)
{
	struct flag_string *made = &objects[0].texts[0];
	struct flag_view view;
	char buffer[10] = "x";

	make(&objects[0]);
	add_text(&objects[0], 0, "made.text", NULL);
	add_text(&objects[0], 1, "made.text", NULL);
	flag_register(&objects[0].object);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(flag_string(made, buffer, sizeof(buffer)),
				  0);
		ck_assert_str_eq(buffer, "");
		flag_view_begin(&view);
		ck_assert_str_eq(flag_view_string(&view, made), "");
		flag_view_end(&view);
		if (i == 0)
			start();
	}
	ck_assert_int_eq(apply("[made.text]\nvalue = text\n"), 0);
	ck_assert_uint_eq(flag_string(made, buffer, sizeof(buffer)), 4);
	ck_assert_str_eq(buffer, "text");
}
END_TEST

START_TEST(a_type_of_a_later_version_is_refused)
{
	make(&objects[0]);
	add_number(&objects[0], 0, "made.later", 1, 0, 9);
	objects[0].tunables[0].type = (enum flag_type)17;
	flag_register(&objects[0].object);
	start_refused("made.later", "type");
	ck_assert_int_eq(flag_int64(&objects[0].numbers[0]), 1);
}
END_TEST

START_TEST(a_flag_and_a_tunable_of_one_name_are_refused)
{
	make(&objects[0]);
	add_flag(&objects[0], 0, "made.flag");
	add_number(&objects[0], 0, "made.flag", 1, 0, 9);
	add_number(&objects[0], 1, "made.number", 1, 0, 9);
	add_flag(&objects[0], 1, "made.number");
	flag_register(&objects[0].object);
	service_write(service, "etc/svc.ini", "[made.flag]\nstate = on\n"
		      "[made.number]\nvalue = 8\n");
	start_refused("made.flag", "has this name already; use another");
	ck_assert_int_eq(flag_enabled(&objects[0].cells[0]), 1);
	ck_assert_int_eq(flag_int64(&objects[0].numbers[0]), 1);
	ck_assert_int_eq(flag_int64(&objects[0].numbers[1]), 8);
	ck_assert_int_eq(flag_enabled(&objects[0].cells[1]), 0);
}
END_TEST

START_TEST(the_name_of_a_tunable_finds_no_flag)
{
	struct flag *found;

	start();
	found = flag_find("tunables.size");
	ck_assert_ptr_eq(found, flag_find("not a name"));
	ck_assert_int_eq(flag_enabled(found), 0);
	ck_assert_int_eq(apply("[tunables.size]\nvalue = 3M\n"), 0);
	ck_assert_uint_eq(flag_size(&bytes), 3 << 20);
}
END_TEST

START_TEST(reserved_words_are_no_names)
{
	static const char *const words[] = {
		"service", "defaults", "breaker", "record", "ripcord"
	};
	struct flag *off = flag_find("not a name");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		ck_assert_ptr_eq(flag_find(words[i]), off);
		ck_assert_ptr_ne(flag_find("defaults.more"), off);
	}
	make(&objects[0]);
	add_flag(&objects[0], 0, "defaults");
	add_number(&objects[0], 0, "service", 1, 0, 9);
	flag_register(&objects[0].object);
	service_write(service, "etc/svc.ini", "[defaults]\nbucket = flagd2\n");
	start_refused("defaults", "reserved");
	ck_assert_int_eq(flag_enabled(&objects[0].cells[0]), 0);
}
END_TEST

/* Adopted before the start, because somebody asked for a flag. */
START_TEST(what_was_wrong_before_the_start_is_said_at_the_start)
{
	make(&objects[0]);
	add_number(&objects[0], 0, "made.low", -1, 0, 9);
	flag_register(&objects[0].object);
	(void)flag_find("made.up");
	start_refused("made.low", "compiled default ");
}
END_TEST

/* --- the environment ------------------------------------------------------ */

static void
surround(const char *environment)
{
	service->options.environment = 1;
	ck_assert_int_eq(setenv("RIPCORD_FLAGS", environment, 1), 0);
}

START_TEST(the_environment_beats_the_files)
{
	service_write(service, "etc/svc.ini", SET);
	surround("tunables.int64=-7,tunables.string=short,tunables.flag=off");
	start();
	ck_assert_int_eq(flag_int64(&number), -7);
	ck_assert_str_eq(text_now(), "short");
	ck_assert_int_eq(flag_enabled(&flag), 0);
	ck_assert_uint_eq(flag_size(&bytes), 2 << 20);
	ck_assert_int_eq(apply("[tunables.int64]\nvalue = 9\n"), 0);
	ck_assert_int_eq(flag_int64(&number), -7);
	ck_assert_uint_eq(flag_size(&bytes), 64 << 20);
}
END_TEST

START_TEST(the_environment_counts_only_where_it_is_allowed)
{
	service_write(service, "etc/svc.ini", SET);
	surround("tunables.int64=-7");
	service->options.environment = 0;
	start();
	check_set();
}
END_TEST

/* Passed over, and said: for a value, and for a state. */
static void
check_passed_over(const char *environment, const char *named,
		  const char *accepted, unsigned item)
{
	surround(environment);
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error),
			 FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "RIPCORD_FLAGS");
	ck_assert_uint_eq(error.line, item);
	ck_assert_msg(strstr(error.text, named) == error.text, "%s",
		      error.text);
	ck_assert_msg(strstr(error.text, accepted) != NULL, "%s", error.text);
	check_set();
	ck_assert_int_eq(flag_enabled(&flag), 1);
	ck_assert_int_eq(flag_reload(&error), -FLAG_ECONFIG);
	flag_stop();
}

START_TEST(what_the_environment_cannot_say_is_passed_over_and_told)
{
	service_write(service, "etc/svc.ini", SET);
	check_passed_over("unknown=7,tunables.int64=101",
			  "tunables.int64=101: ", "100", 2);
	check_passed_over("tunables.flag=offf", "tunables.flag=offf: ",
			  "on, off", 1);
	check_passed_over("tunables.size=on", "tunables.size=on: ", "1G", 1);
	surround("unknown=7");
	start();
	check_set();
}
END_TEST

/* --- memory --------------------------------------------------------------- */

START_TEST(a_hundred_starts_leave_nothing_behind)
{
	unsigned descriptors = 0;
	char set[200];

	service->options.driver = FLAG_DRIVER_THREAD;
	for (int i = 0; i < 100; i++) {
		snprintf(set, sizeof(set), "[tunables.int64]\nvalue = %d\n"
			 "[tunables.string]\nvalue = text %d\n", i, i);
		service_write(service, "etc/svc.ini", set);
		surround(i % 2 ? "tunables.size=5M" : "tunables.size=6M");
		start();
		ck_assert_int_eq(flag_int64(&number), i);
		ck_assert_uint_eq(flag_size(&bytes), (i % 2 ? 5 : 6) << 20);
		flag_stop();
		if (i == 0)
			descriptors = DESCRIPTORS();
		ck_assert_uint_eq(DESCRIPTORS(), descriptors);
	}
	ck_assert_str_eq(text_now(), "text 99");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		values_are_compiled_then_of_the_files_and_stay_after_the_stop,
		the_last_drop_in_wins,
		a_value_is_accepted_or_nothing_of_the_set,
		what_is_refused_at_the_start_leaves_the_defaults,
		flags_have_states_and_tunables_have_values,
		equal_definitions_of_two_objects_are_one_tunable,
		a_definition_that_differs_stays_as_compiled,
		texts_that_differ_are_different_definitions,
		a_default_out_of_its_own_range_is_refused,
		a_text_without_a_default_is_empty,
		a_type_of_a_later_version_is_refused,
		a_flag_and_a_tunable_of_one_name_are_refused,
		the_name_of_a_tunable_finds_no_flag,
		reserved_words_are_no_names,
		what_was_wrong_before_the_start_is_said_at_the_start,
		the_environment_beats_the_files,
		the_environment_counts_only_where_it_is_allowed,
		what_the_environment_cannot_say_is_passed_over_and_told,
		a_hundred_starts_leave_nothing_behind,
		NULL
	};

	return suite_run_with("tunables", tests, setup, teardown);
}
