/* SPDX-License-Identifier: MIT */
/*
 * test_rollout.c - the three readers of a percentage and their units:
 * instances, keys, calls; what each promises, and what each leaves behind.
 */
#include "service.h"
#include "suite.h"

#include <pthread.h>

#include "core/change.h"
#include "core/layers.h"
#include "mechanism/bucket.h"

FLAG_DEFINE(flag, "rollout.flag", "most tests use it");
FLAG_DEFINE(plain, "rollout.plain", "read by flag_enabled() only");

#define NAME "rollout.flag"
#define KEYS 2000

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
write_state(const char *state)
{
	char text[100];

	snprintf(text, sizeof(text), "[" NAME "]\nstate = %s\n", state);
	service_save(service, "etc/svc.ini", text);
}

static void
start(const char *state)
{
	write_state(state);
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error), 0);
}

static void
apply(const char *state)
{
	write_state(state);
	ck_assert_msg(flag_reload(&error) == 0, "%s", error.text);
}

static bool
takes(const char *name, uint32_t share, const void *key, size_t size)
{
	struct bucket_prefix prefix;

	flagp_bucket_prefix(&prefix, name, strlen(name));
	return flagp_bucket_takes(flagp_bucket_threshold(share),
				  flagp_bucket_hash(&prefix, key, size));
}

static int
by_call(void)
{
	struct flag_span span;
	int on = flag_begin(&span, &flag);

	ck_assert_uint_eq(span.on, (unsigned)on);
	flag_end(&span, FLAG_OK);
	return on;
}

/* How many of so many readings are on: keys 0 .. count - 1, or calls. */
static unsigned
count_keys(unsigned count)
{
	unsigned on = 0;

	for (unsigned i = 0; i < count; i++)
		on += (unsigned)flag_enabled_for_id(&flag, i);
	return on;
}

static unsigned
count_calls(unsigned count)
{
	unsigned on = 0;

	for (unsigned i = 0; i < count; i++)
		on += (unsigned)by_call();
	return on;
}

/* --- the three readers ---------------------------------------------------- */

/* All or nothing, for whatever unit. */
static void
check_all(int on)
{
	ck_assert_int_eq(flag_enabled(&flag), on);
	ck_assert_uint_eq(count_keys(KEYS), on ? KEYS : 0);
	ck_assert_uint_eq(count_calls(KEYS), on ? KEYS : 0);
	ck_assert_int_eq(flag_enabled_for(&flag, NULL, 0), on);
	ck_assert_int_eq(flag_enabled_for_str(&flag, NULL), on);
}

/* A part: its keys, some calls, and its instance. */
static void
check_part(uint32_t share)
{
	unsigned calls = count_calls(KEYS);
	char key[16];

	ck_assert_int_eq(flag_enabled(&flag), flagp_layers_takes(
				NAME, share, flagp_change_own_instance()));
	for (unsigned i = 0; i < KEYS; i++) {
		int size = snprintf(key, sizeof(key), "%u", i);

		ck_assert_int_eq(flag_enabled_for(&flag, key, (size_t)size),
				 takes(NAME, share, key, (size_t)size));
	}
	ck_assert_uint_gt(calls, 0);
	ck_assert_uint_lt(calls, KEYS);
}

START_TEST(readers_before_the_start_have_the_default)
{
	check_all(0);
}
END_TEST

START_TEST(readers_follow_the_state)
{
	start("off");
	check_all(0);
	apply("on");
	check_all(1);
	apply("25%");
	check_part(25000);
	apply("0%");
	check_all(0);
	apply("100%");
	check_all(1);
	apply("99.999%");
	ck_assert_uint_ge(count_keys(KEYS), KEYS - 5);
}
END_TEST

START_TEST(readers_go_on_after_the_stop)
{
	start("25%");
	flag_stop();
	check_part(25000);
}
END_TEST

START_TEST(a_trip_turns_all_three_off)
{
	start("25%");
	ck_assert_int_eq(flagp_change_trip(&flag, "evidence"), 0);
	check_all(0);
	ck_assert_int_eq(flag_reload(&error), 0);
	check_all(0);
	apply("on");
	check_all(0);
}
END_TEST

START_TEST(a_panic_turns_all_three_off)
{
	start("on");
	service_write(service, LIVE_RUN "/PANIC", "");
	ck_assert_int_eq(flag_reload(&error), 0);
	check_all(0);
	apply("25%");
	check_all(0);
	service_remove(service, LIVE_RUN "/PANIC");
	ck_assert_int_eq(flag_reload(&error), 0);
	check_part(25000);
}
END_TEST

START_TEST(a_test_may_set_it_for_all_three)
{
	start("25%");
	flag_test_set(&flag, 1);
	check_all(1);
	flag_test_set(&flag, 0);
	check_all(0);
	flag_test_reset(&flag);
	check_part(25000);
}
END_TEST

/* --- keys ----------------------------------------------------------------- */

/* One line of the known answers: the bytes of name and key together. */
struct answer {
	unsigned char bytes[128];
	size_t size, arms;
	unsigned long ends[8];		/* sums of weights, arm by arm */
	int index;			/* of the arm */
};

static bool
read_answer(char *line, struct answer *answer)
{
	char *field[6], *weight;

	for (int i = 0; i < 6; i++) {
		field[i] = strsep(&line, ",");
		ck_assert_ptr_nonnull(field[i]);
	}
	if (strcmp(field[0], "v2") != 0)
		return false;
	answer->size = strlen(field[2]) / 2;
	ck_assert_uint_le(answer->size, sizeof(answer->bytes));
	for (size_t i = 0; i < answer->size; i++)
		ck_assert_int_eq(sscanf(field[2] + 2 * i, "%2hhx",
					&answer->bytes[i]), 1);
	answer->arms = 0;
	while ((weight = strsep(&field[4], ";")) != NULL) {
		unsigned long end = strtoul(weight, NULL, 10);

		ck_assert_uint_lt(answer->arms, 8);
		if (answer->arms > 0)
			end += answer->ends[answer->arms - 1];
		answer->ends[answer->arms++] = end;
	}
	answer->index = atoi(field[5]);
	return true;
}

/* Cut at cut into a name and a key, read by the public functions.  The arms up
 * to last are one share, and this key is in it or not. */
static void
check_answer(const struct answer *answer, size_t cut, size_t last)
{
	uint32_t share = (uint32_t)(FLAG_SHARE_ALL * answer->ends[last] /
				    answer->ends[answer->arms - 1]);
	int on = answer->index <= (int)last;
	char name[50], text[100];
	struct flag_span span;
	struct flag *found;

	snprintf(name, sizeof(name), "%.*s", (int)cut, answer->bytes);
	snprintf(text, sizeof(text), "[%s]\nstate = %u.%03u%%\n", name,
		 share / 1000, share % 1000);
	service_save(service, "etc/svc.ini", text);
	ck_assert_msg(flag_reload(&error) == 0, "%s", error.text);
	found = flag_find(name);
	ck_assert_msg(flag_enabled_for(found, answer->bytes + cut,
				       answer->size - cut) == on,
		      "%s at %u", name, share);
	ck_assert_int_eq(flag_begin_keyed(&span, found, answer->bytes + cut,
					  answer->size - cut), on);
}

START_TEST(keys_have_flagds_known_answers)
{
	const char *source = getenv("RIPCORD_SOURCE");
	char path[500], line[500];
	unsigned checked = 0;
	struct answer answer;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/data/flagd.csv",
		 source != NULL ? source : ".");
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s", path);
	start("off");
	while (fgets(line, sizeof(line), file) != NULL) {
		if (!read_answer(line, &answer))
			continue;
		for (size_t cut = 1; cut < 6; cut++)
			for (size_t last = 0; last + 1 < answer.arms; last++)
				check_answer(&answer, cut, last);
		checked++;
	}
	fclose(file);
	ck_assert_uint_ge(checked, 9);
}
END_TEST

START_TEST(no_key_is_the_baseline_of_a_percentage)
{
	struct flag_span span;

	start("99.999%");
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(flag_enabled_for(&flag, NULL, 0), 0);
		ck_assert_int_eq(flag_enabled_for(&flag, NULL, 9), 0);
		ck_assert_int_eq(flag_enabled_for_str(&flag, NULL), 0);
		ck_assert_int_eq(flag_begin_keyed(&span, &flag, NULL, 0), 0);
	}
	/* An empty key is a key. */
	ck_assert_int_eq(flag_enabled_for(&flag, "", 0),
			 takes(NAME, 99999, "", 0));
	ck_assert_int_eq(flag_enabled_for_str(&flag, ""), 1);
}
END_TEST

START_TEST(a_number_stands_for_its_digits)
{
	static const uint64_t ids[] = {
		0, 1, 9, 10, 99, 100, 4294967295u, 4294967296u,
		UINT64_C(10000000000000000000), UINT64_MAX
	};
	static const char *const shares[] = { "20%", "50%", "80%" };

	start("off");
	for (size_t s = 0; s < 3; s++) {
		apply(shares[s]);
		for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
			char digits[24];

			snprintf(digits, sizeof(digits), "%llu",
				 (unsigned long long)ids[i]);
			ck_assert_int_eq(flag_enabled_for_id(&flag, ids[i]),
					 flag_enabled_for_str(&flag, digits));
			ck_assert_int_eq(flag_enabled_for_id(&flag, ids[i]),
					 takes(NAME, atoi(shares[s]) * 1000u,
					       digits, strlen(digits)));
		}
	}
}
END_TEST

START_TEST(a_share_that_grows_moves_nobody_out)
{
	static const char *const shares[] = {
		"0.001%", "0.5%", "1%", "5%", "25%", "50%", "75%", "99%",
		"99.999%", "on"
	};
	static bool was_on[KEYS];
	unsigned moved_in = 0;

	start("off");
	for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
		apply(shares[s]);
		for (unsigned i = 0; i < KEYS; i++) {
			bool on = flag_enabled_for_id(&flag, i);

			ck_assert(on || !was_on[i]);
			moved_in += on && !was_on[i];
			was_on[i] = on;
		}
	}
	ck_assert_uint_eq(moved_in, KEYS);
}
END_TEST

/* More names than the family's page has slots for: the last ones stand
 * elsewhere. */
#define MANY 1500

START_TEST(run_time_flags_beyond_the_shared_ones_keep_their_keys)
{
	static struct flag *found[MANY];
	struct text text = TEXT_INIT;
	char name[20], key[20];

	for (unsigned i = 0; i < MANY; i++)
		flagp_text_add(&text, "[many.%u]\nstate = 50%%\n", i);
	ck_assert(!text.failed);
	folder_put(&service->root, "etc/svc.ini", text.data, text.size);
	flagp_text_free(&text);
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error), 0);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many.%u", i);
		found[i] = flag_find(name);
		ck_assert_ptr_eq(flag_find(name), found[i]);
	}
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many.%u", i);
		for (unsigned k = 0; k < 8; k++) {
			int size = snprintf(key, sizeof(key), "key-%u", k);

			ck_assert_msg(flag_enabled_for_str(found[i], key) ==
				      takes(name, 50000, key, (size_t)size),
				      "%s %s", name, key);
		}
	}
}
END_TEST

/* --- calls ---------------------------------------------------------------- */

#define DRAWS 1000000
#define SIX_SIGMA 2600		/* 6 * sqrt(DRAWS * 0.25 * 0.75) = 2598 */

START_TEST(calls_are_drawn_near_the_share)
{
	unsigned on;

	start("25%");
	on = count_calls(DRAWS);
	ck_assert_uint_gt(on, DRAWS / 4 - SIX_SIGMA);
	ck_assert_uint_lt(on, DRAWS / 4 + SIX_SIGMA);
}
END_TEST

/* 64 calls, a bit each. */
static uint64_t
draw_word(void)
{
	uint64_t word = 0;

	for (int i = 0; i < 64; i++)
		word = word << 1 | (unsigned)by_call();
	return word;
}

static void *
draw_in_thread(void *word)
{
	*(uint64_t *)word = draw_word();
	return NULL;
}

#define WORDS 64

static void
check_different(const uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(words[i] != words[k],
				      "%zu and %zu draw the same", k, i);
}

/* One after the other, so that each stands where the last one stood. */
START_TEST(threads_draw_differently)
{
	uint64_t words[WORDS];
	pthread_t thread;

	start("50%");
	for (int i = 0; i < WORDS - 1; i++) {
		pthread_create(&thread, NULL, draw_in_thread, &words[i]);
		pthread_join(thread, NULL);
	}
	words[WORDS - 1] = draw_word();
	check_different(words, WORDS);
}
END_TEST

static int
drawing_child(const struct partner *parent, void *unused)
{
	uint64_t word = draw_word();

	(void)unused;
	NEED(write(parent->says, &word, sizeof(word)) == sizeof(word));
	NEED(partner_hear(parent) == 'q');
	return 0;
}

START_TEST(fork_siblings_draw_differently)
{
	uint64_t words[WORDS];
	struct partner child;

	start("50%");
	(void)draw_word();
	for (int i = 0; i < WORDS - 1; i++) {
		child = partner_start(drawing_child, NULL);
		ck_assert_int_eq(recv(child.hears, &words[i], sizeof(words[i]),
				      MSG_WAITALL), sizeof(words[i]));
		ck_assert_int_eq(partner_end(&child), 0);
	}
	words[WORDS - 1] = draw_word();
	check_different(words, WORDS);
}
END_TEST

/* --- marks ---------------------------------------------------------------- */

/* As another process sees it: 1 keys, 2 calls; 4 where it cannot be read. */
static int
marks_of(const char *name)
{
	int run = open(service->paths.run, O_RDONLY | O_DIRECTORY);
	int folder = openat(run, "proc", O_RDONLY | O_DIRECTORY);
	struct proc_list list = { NULL, 0 };
	int marks = 4;

	NEED(flagp_proc_scan(&list, folder, true) == 0 && list.count == 1);
	for (uint32_t i = 0; i < list.entries[0].head.flags; i++) {
		const struct proc_flag *line = &list.entries[0].flags[i];

		if (strcmp(line->name, name) == 0)
			marks = line->keys + 2 * line->calls;
	}
	flagp_proc_free(&list);
	close(folder);
	close(run);
	return marks;
}

static int
marks_seen_by_child(void *name)
{
	return marks_of(name);
}

static int
marks(char *name)
{
	int status;

	ck_assert_int_eq(flag_reload(&error), 0);
	status = folder_fork(marks_seen_by_child, name);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(readers_by_key_and_by_call_leave_a_mark)
{
	static char of_flag[] = NAME, of_plain[] = "rollout.plain";
	struct flag_span span;

	service->options.fork = FLAG_FORK_FOLLOW;
	start("25%");
	(void)flag_enabled(&flag);
	(void)flag_enabled(&plain);
	ck_assert_int_eq(marks(of_flag), 0);
	(void)flag_enabled_for_id(&flag, 1);
	ck_assert_int_eq(marks(of_flag), 1);
	(void)flag_begin(&span, &flag);
	ck_assert_int_eq(marks(of_flag), 3);
	ck_assert_int_eq(marks(of_plain), 0);
	(void)flag_begin(&span, &plain);
	ck_assert_int_eq(marks(of_plain), 2);
	(void)flag_begin_keyed(&span, &plain, "k", 1);
	ck_assert_int_eq(marks(of_plain), 3);
}
END_TEST

/* Without a percentage, too: it may get one. */
START_TEST(a_reader_of_a_flag_that_is_off_leaves_a_mark)
{
	static char of_flag[] = NAME;

	service->options.fork = FLAG_FORK_FOLLOW;
	start("off");
	(void)flag_enabled_for_str(&flag, "k");
	ck_assert_int_eq(marks(of_flag), 1);
}
END_TEST

/* --- families ------------------------------------------------------------- */

static int
following_child(const struct partner *parent, void *unused)
{
	char word;

	(void)unused;
	while ((word = partner_hear(parent)) != 'q') {
		unsigned on = count_keys(KEYS);

		NEED(on == 0 || on == KEYS ||
		     flag_enabled_for_id(&flag, 1) ==
		     takes(NAME, word == '1' ? 10000 : 60000, "1", 1));
		NEED(count_calls(KEYS) > 0 || on == 0);
		partner_say(parent, on == 0 ? '0' : on == KEYS ? 'a' :
			    on < KEYS / 4 ? '1' : '6');
	}
	return 0;
}

static char
ask(const struct partner *child, char word)
{
	partner_say(child, word);
	return partner_hear(child);
}

START_TEST(a_child_without_a_driver_follows_the_share)
{
	struct partner child;

	start("10%");
	child = partner_start(following_child, NULL);
	ck_assert_int_eq(ask(&child, '1'), '1');
	apply("60%");
	ck_assert_int_eq(ask(&child, '6'), '6');
	apply("on");
	ck_assert_int_eq(ask(&child, '6'), 'a');
	apply("off");
	ck_assert_int_eq(ask(&child, '6'), '0');
	apply("10%");
	ck_assert_int_eq(ask(&child, '1'), '1');
	ck_assert_int_eq(partner_end(&child), 0);
}
END_TEST

/* --- instances ------------------------------------------------------------ */

#define FLAGS 40

static void
write_many(void)
{
	struct text text = TEXT_INIT;

	for (unsigned i = 0; i < FLAGS; i++)
		flagp_text_add(&text, "[instance.%u]\nstate = 50%%\n", i);
	ck_assert(!text.failed);
	folder_put(&service->root, "etc/svc.ini", text.data, text.size);
	flagp_text_free(&text);
}

/* What this instance takes of many flags at 50 %, a bit each. */
static uint64_t
verdict(void)
{
	uint64_t bits = 0;
	char name[20];

	for (unsigned i = 0; i < FLAGS; i++) {
		snprintf(name, sizeof(name), "instance.%u", i);
		bits = bits << 1 | (unsigned)flag_enabled(flag_find(name));
	}
	return bits;
}

static uint64_t
verdict_of(const char *instance)
{
	uint64_t bits = 0;
	char name[20];

	for (unsigned i = 0; i < FLAGS; i++) {
		snprintf(name, sizeof(name), "instance.%u", i);
		bits = bits << 1 | flagp_layers_takes(name, 50000, instance);
	}
	return bits;
}

static void
start_as(const char *instance)
{
	service->options.instance = instance;
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error), 0);
}

static int
same_verdict(void *before)
{
	NEED(verdict() == *(uint64_t *)before);
	NEED(flag_child(NULL) == 0);
	NEED(verdict() == *(uint64_t *)before);
	NEED(flag_reload(NULL) == 0);
	NEED(verdict() == *(uint64_t *)before);
	return 0;
}

START_TEST(an_instances_verdict_stays_and_is_its_familys)
{
	uint64_t before;

	write_many();
	start_as("host-17/a");
	before = verdict();
	ck_assert_uint_eq(before, verdict_of("host-17/a"));
	ck_assert_int_eq(folder_fork(same_verdict, &before), 0);
	ck_assert_uint_eq(verdict(), before);
	flag_stop();
	start_as("host-17/a");
	ck_assert_uint_eq(verdict(), before);
	flag_stop();
	start_as("host-17/b");
	ck_assert_uint_eq(verdict(), verdict_of("host-17/b"));
	ck_assert_uint_ne(verdict(), before);
	/* Once more, where a file was read already. */
	flag_stop();
	start_as("host-17/a");
	ck_assert_uint_eq(verdict(), before);
}
END_TEST

START_TEST(an_instance_is_host_and_service_unless_it_is_given)
{
	char host[100] = "", instance[200];

	setenv("RIPCORD_INSTANCE", "from-the-environment", 1);
	ck_assert_int_eq(gethostname(host, sizeof(host) - 1), 0);
	snprintf(instance, sizeof(instance), "%s/" SERVICE, host);
	write_many();
	start_as(NULL);
	ck_assert_uint_eq(verdict(), verdict_of(instance));
	flag_stop();
	service->options.environment = 1;
	start_as(NULL);
	ck_assert_uint_eq(verdict(), verdict_of("from-the-environment"));
	flag_stop();
	start_as("given");
	ck_assert_uint_eq(verdict(), verdict_of("given"));
	unsetenv("RIPCORD_INSTANCE");
}
END_TEST

START_TEST(an_instance_that_cannot_be_is_refused)
{
	char longest[128], longer[129];
	const char *const names[] = { " ", "a b", "a\tb", "a\nb", "a\x7f",
				      longer };

	memset(longest, 'x', sizeof(longest));
	longest[127] = '\0';
	memset(longer, 'x', sizeof(longer));
	longer[128] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		service->options.instance = names[i];
		ck_assert_int_eq(flag_start(SERVICE, &service->options,
					    &error), -FLAG_EINVAL);
		ck_assert_int_eq(error.code, FLAG_EINVAL);
		ck_assert_ptr_nonnull(strstr(error.text, "at most 127"));
		ck_assert_ptr_null(strpbrk(error.text, "\n\t\x7f"));
	}
	ck_assert_uint_eq(threads(), 0);
	write_many();
	start_as(longest);
	ck_assert_uint_eq(verdict(), verdict_of(longest));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		readers_before_the_start_have_the_default,
		readers_follow_the_state,
		readers_go_on_after_the_stop,
		a_trip_turns_all_three_off,
		a_panic_turns_all_three_off,
		a_test_may_set_it_for_all_three,
		keys_have_flagds_known_answers,
		no_key_is_the_baseline_of_a_percentage,
		a_number_stands_for_its_digits,
		a_share_that_grows_moves_nobody_out,
		run_time_flags_beyond_the_shared_ones_keep_their_keys,
		calls_are_drawn_near_the_share,
		threads_draw_differently,
		fork_siblings_draw_differently,
		readers_by_key_and_by_call_leave_a_mark,
		a_reader_of_a_flag_that_is_off_leaves_a_mark,
		a_child_without_a_driver_follows_the_share,
		an_instances_verdict_stays_and_is_its_familys,
		an_instance_is_host_and_service_unless_it_is_given,
		an_instance_that_cannot_be_is_refused,
		NULL
	};

	return suite_run_with("rollout", tests, setup, teardown);
}
