/* SPDX-License-Identifier: MIT */
/*
 * test_history.c - the history: what is appended is read again from both ends,
 * and whatever happened to a file, no more is lost than what was hit.
 */
#include "store/history.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "history_folder.h"
#include "store/history_line.h"
#include "suite.h"

#define CHANGE(generation) \
	"change generation=" generation " at=2026-11-22T02:10:52Z verb=off " \
	"by=person uid=1000 pid=812 user=anna tty=pts/0 reason=p99%20%3D%202x"

/* --- form ----------------------------------------------------------------- */

static void
add_sealed(struct text *text, const char *body)
{
	flagp_text_add(text, "%zu %08x %s\n", strlen(body),
		       flagp_text_crc32(0, body, strlen(body)), body);
}

START_TEST(file_is_written_as_the_header_shows)
{
	struct text expected = TEXT_INIT, text = TEXT_INIT;

	add_sealed(&expected, "ripcord history 1");
	add_sealed(&expected, CHANGE("41") " flags=2\n"
		   "flag flag.0 was=on now=off before=on after=off\n"
		   "flag flag.1 was=on now=off before=on after=off");
	add_sealed(&expected, CHANGE("42"));
	ck_assert_int_eq(append(41, 2, &lightly), 0);
	ck_assert_int_eq(append(42, 0, &lightly), 0);
	read_file(HISTORY_NAME, &text);
	ck_assert_str_eq(text.data, expected.data);
	flagp_text_free(&text);
	flagp_text_free(&expected);
}
END_TEST

/* Every member another value. */
static struct history_change
full_change(void)
{
	struct history_change change = change_of(9007199254740992u);

	change.author.login_uid = 0;
	strcpy(change.sudo_user, "bert = %20");
	strcpy(change.ticket, "-");
	/* No control character is written. */
	strcpy(change.author.reason, "a\n9 00000000 change\x1b[2J\xc2\x9b \"%");
	change.config_was = 1;
	change.config_now = UINT64_MAX;
	change.panic_was = 3;
	change.panic_now = 4;
	memset(change.evidence, '%', sizeof(change.evidence) - 1);
	return change;
}

static struct history_flag
full_flag(void)
{
	struct history_flag flag = flag_of("a-flag_.9", 12500, 1);

	flag.was.base = 0;
	flag.was.generation = 5;
	flag.was.holds = 6;
	flag.was.over = 7;
	flag.was.until = AT_WALL + 1;
	strcpy(flag.was.boot, "e406620d-8dc4-4671-b7f3-1c0b0a2e5fd0");
	flag.now.base = 99999;
	flag.now.generation = 8;
	flag.now.holds = 9;
	flag.now.over = 10;
	flag.now.until = AT_WALL + 2;
	strcpy(flag.now.boot, "none");
	flag.before = 0;
	flag.after = FLAGP_SHARE_NONE;
	flag.trip_was = 11;
	flag.trip_now = 12;
	memset(flag.set_was.value, ' ', sizeof(flag.set_was.value) - 1);
	strcpy(flag.set_was.from, "/etc/ripcord/my svc.ini:12");
	strcpy(flag.set_now.value, "50 %");
	memset(flag.set_now.from, '\xc3', sizeof(flag.set_now.from) - 1);
	return flag;
}

static void
check_change(const struct history_change *change)
{
	struct history_change expected = full_change();

	strcpy(expected.author.reason, "a?9 00000000 change?[2J?? \"%");
	expected.flags = 1;
	ck_assert_uint_eq(change->generation, expected.generation);
	ck_assert_int_eq(change->at, expected.at);
	ck_assert_str_eq(change->verb, expected.verb);
	ck_assert_str_eq(change->by, expected.by);
	ck_assert_uint_eq(change->author.uid, 1000);
	ck_assert_uint_eq(change->author.login_uid, 0);
	ck_assert_int_eq(change->author.pid, 812);
	ck_assert_str_eq(change->author.user, "anna");
	ck_assert_str_eq(change->author.tty, "pts/0");
	ck_assert_str_eq(change->author.reason, expected.author.reason);
	ck_assert_str_eq(change->sudo_user, expected.sudo_user);
	ck_assert_str_eq(change->ticket, expected.ticket);
	ck_assert(!change->recovered);
	ck_assert_uint_eq(change->config_was, 1);
	ck_assert_uint_eq(change->config_now, UINT64_MAX);
	ck_assert_uint_eq(change->panic_was, 3);
	ck_assert_uint_eq(change->panic_now, 4);
	ck_assert_str_eq(change->evidence, expected.evidence);
	ck_assert_uint_eq(change->flags, 1);
}

static void
check_override(const struct history_override *a,
	       const struct history_override *b)
{
	ck_assert_uint_eq(a->share, b->share);
	ck_assert_uint_eq(a->base, b->base);
	ck_assert_uint_eq(a->generation, b->generation);
	ck_assert_uint_eq(a->holds, b->holds);
	ck_assert_uint_eq(a->over, b->over);
	ck_assert_int_eq(a->until, b->until);
	ck_assert_str_eq(a->boot, b->boot);
}

static void
check_flag(const struct history_flag *a, const struct history_flag *b)
{
	ck_assert_str_eq(a->name, b->name);
	check_override(&a->was, &b->was);
	check_override(&a->now, &b->now);
	ck_assert_uint_eq(a->before, b->before);
	ck_assert_uint_eq(a->after, b->after);
	ck_assert_uint_eq(a->trip_was, b->trip_was);
	ck_assert_uint_eq(a->trip_now, b->trip_now);
	ck_assert_str_eq(a->set_was.value, b->set_was.value);
	ck_assert_str_eq(a->set_was.from, b->set_was.from);
	ck_assert_str_eq(a->set_now.value, b->set_now.value);
	ck_assert_str_eq(a->set_now.from, b->set_now.from);
}

START_TEST(all_that_a_record_may_say_is_read_again)
{
	struct history_change change = full_change();
	struct history_flag flag = full_flag(), read;
	struct history_draft draft;
	struct history *history;

	flagp_history_begin(&draft, &change);
	flagp_history_add(&draft, &flag);
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), 0);
	flagp_history_drop(&draft);
	history = open_all();
	ck_assert(flagp_history_next(history, &change));
	check_change(&change);
	ck_assert_int_eq(flagp_history_flag(history, &read), 1);
	check_flag(&read, &flag);
	ck_assert_int_eq(flagp_history_flag(history, &read), 0);
	ck_assert(!flagp_history_next(history, &change));
	ck_assert_int_eq(flagp_history_flag(history, &read), 0);
	ck_assert_uint_eq(flagp_history_newest(history), 9007199254740992u);
	flagp_history_close(history);
}
END_TEST

START_TEST(what_nobody_could_read_is_not_written)
{
	struct history_change change = change_of(0);
	struct history_flag flag = flag_of("a flag", 0, 0);
	struct history_draft draft;

	ck_assert_int_eq(append(0, 1, &lightly), -EINVAL);
	ck_assert_int_eq(append(9007199254740993u, 1, &lightly), -EINVAL);
	change.generation = 1;
	flagp_history_begin(&draft, &change);
	flagp_history_add(&draft, &flag);
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), -EINVAL);
	flagp_history_drop(&draft);
	ck_assert_uint_eq(folder_count(&folder), 0);
}
END_TEST

START_TEST(no_file_is_no_record)
{
	struct history *history = open_all();
	struct history_change change;
	struct history_state state;

	ck_assert(!flagp_history_next(history, &change));
	flagp_history_seek(history, HISTORY_OLDEST_FIRST, NULL);
	ck_assert(!flagp_history_next(history, &change));
	ck_assert_uint_eq(flagp_history_newest(history), 0);
	ck_assert(!flagp_history_find(history, 1, &change));
	ck_assert_int_eq(flagp_history_state_after(history, 1, "a", &state),
			 0);
	flagp_history_close(history);
	folder_put(&folder, HISTORY_NAME, "", 0);
	list_all(&now);
	ck_assert_uint_eq(now.count + now.seen.damaged + now.seen.torn, 0);
}
END_TEST

START_TEST(what_is_no_file_is_an_error)
{
	struct flag_error error = { 0 };
	struct history *history;

	ck_assert_int_eq(mkfifoat(folder.descriptor, HISTORY_NAME, 0600), 0);
	ck_assert_int_eq(flagp_history_open(&history, folder.descriptor,
					    &error), -FLAG_EINVAL);
	ck_assert_ptr_null(history);
	ck_assert_str_eq(error.file, HISTORY_NAME);
	ck_assert_int_lt(append(1, 1, &lightly), 0);
	unlinkat(folder.descriptor, HISTORY_NAME, 0);
	folder_put(&folder, "secret", "text", 4);
	ck_assert_int_eq(symlinkat("secret", folder.descriptor, HISTORY_NAME),
			 0);
	ck_assert_int_lt(append(1, 1, &lightly), 0);
	ck_assert_uint_eq(flagp_io_mark(folder.descriptor, "secret").size, 4);
}
END_TEST

/* --- a later version ------------------------------------------------------ */

START_TEST(unknown_words_lines_and_kinds_are_passed_over_and_copied)
{
	static const char body[] =
		CHANGE("41") " colour=red flags=1\nflag a was=on mood=2\n"
		"guard a p99=1.10x\n\nlater";
	struct text text = TEXT_INIT, copy = TEXT_INIT;
	struct history_change change;
	struct history_draft draft;
	struct history *history;

	add_sealed(&text, "ripcord history 1 since=later");
	add_sealed(&text, "checkpoint 7");
	add_sealed(&text, body);
	folder_put(&folder, HISTORY_NAME, text.data, text.size);
	check_all(41, 41);
	ck_assert_uint_eq(now.flags, 1);
	ck_assert_uint_eq(now.seen.damaged, 0);
	history = open_all();
	ck_assert(flagp_history_next(history, &change));
	ck_assert_int_eq(flagp_history_copy(history, &draft), 0);
	flagp_history_close(history);
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), HISTORY_THERE);
	remove_files();
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), 0);
	flagp_history_drop(&draft);
	read_file(HISTORY_NAME, &copy);
	ck_assert_ptr_nonnull(strstr(copy.data, body));
	check_all(41, 41);
	flagp_text_free(&text);
	flagp_text_free(&copy);
}
END_TEST

START_TEST(file_of_a_later_version_is_read_and_never_written)
{
	struct text text = TEXT_INIT, after = TEXT_INIT;
	const struct history_how small = { .limit = 1 };
	struct history_change change = change_of(42);
	struct flag_error error = { 0 };
	struct history_draft draft;

	add_sealed(&text, "ripcord history 2");
	add_sealed(&text, CHANGE("41"));
	folder_put(&folder, HISTORY_NAME, text.data, text.size);
	check_all(41, 41);
	ck_assert(now.seen.newer);
	flagp_history_begin(&draft, &change);
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &small, &error), -EROFS);
	flagp_history_drop(&draft);
	ck_assert_ptr_nonnull(strstr(error.text, "later version"));
	read_file(HISTORY_NAME, &after);
	ck_assert_str_eq(after.data, text.data);
	ck_assert_uint_eq(folder_count(&folder), 1);
	/* A damaged head is not one of a later version. */
	text.data[strlen("17 ")] ^= 1;
	folder_put(&folder, HISTORY_NAME, text.data, text.size);
	ck_assert_int_eq(append(42, 1, &lightly), 0);
	check_all(41, 42);
	flagp_text_free(&text);
	flagp_text_free(&after);
}
END_TEST

/* --- damage --------------------------------------------------------------- */

#define RECORDS 4

/* RECORDS changes, the third of three flags; where each ends in the file. */
static void
make_sample(struct text *text, size_t ends[RECORDS])
{
	unsigned i;

	for (i = 0; i < RECORDS; i++) {
		ck_assert_int_eq(append(i + 1, i == 2 ? 3 : 1, &lightly), 0);
		read_file(HISTORY_NAME, text);
		ends[i] = text->size;
	}
}

START_TEST(torn_at_any_byte_loses_no_good_record)
{
	struct text text = TEXT_INIT;
	size_t ends[RECORDS], size, whole;

	make_sample(&text, ends);
	for (size = 0; size < text.size; size++) {
		/* A record that lacks but its newline is whole. */
		for (whole = 0; whole < RECORDS && ends[whole] <= size + 1;)
			whole++;
		folder_put(&folder, HISTORY_NAME, text.data, size);
		check_all(1, whole);
		ck_assert_uint_eq(now.seen.damaged, 0);
		/* The next one follows on a line of its own. */
		ck_assert_int_eq(append(whole + 1, 1, &lightly), 0);
		check_all(1, whole + 1);
		ck_assert(!now.seen.torn);
		ck_assert_uint_le(now.seen.damaged, 1);
		ck_assert_int_eq(append(whole + 1, 1, &lightly),
				 HISTORY_THERE);
	}
	flagp_text_free(&text);
}
END_TEST

/* Of which record a byte is; RECORDS: of the head, none. */
static size_t
record_at(const struct text *text, const size_t ends[RECORDS], size_t at)
{
	size_t i;

	if (at <= strcspn(text->data, "\n"))
		return RECORDS;
	for (i = 0; at >= ends[i]; i++)
		;
	return i;
}

/* Whether all others stand there, and one damage shows. */
static bool
has_all_but(size_t hit)
{
	size_t i, next;

	if (now.count != RECORDS - (hit < RECORDS) ||
	    now.seen.damaged + now.seen.torn != 1)
		return false;
	for (i = next = 0; i < now.count; i++, next++) {
		next += next == hit;
		if (now.generations[i] != next + 1)
			return false;
	}
	return true;
}

static void
put_byte(int file, size_t at, int byte)
{
	const char value = (char)byte;

	if (pwrite(file, &value, 1, (off_t)at) != 1)
		ck_abort_msg("pwrite");
}

START_TEST(any_flipped_bit_loses_its_record_only)
{
	struct text text = TEXT_INIT;
	size_t ends[RECORDS], bit, hit;
	int file;

	make_sample(&text, ends);
	file = openat(folder.descriptor, HISTORY_NAME, O_WRONLY | O_CLOEXEC);
	for (bit = 0; bit < text.size * 8; bit++) {
		hit = record_at(&text, ends, bit / 8);
		put_byte(file, bit / 8, text.data[bit / 8] ^ 1 << bit % 8);
		list_all(&now);
		put_byte(file, bit / 8, text.data[bit / 8]);
		ck_assert_msg(has_all_but(hit), "bit %zu: %zu records", bit,
			      now.count);
	}
	close(file);
	flagp_text_free(&text);
}
END_TEST

START_TEST(nuls_hide_what_they_cover_and_no_more)
{
	struct text text = TEXT_INIT;
	size_t ends[RECORDS];

	make_sample(&text, ends);
	/* What a power cut leaves of a file that had grown. */
	memset(text.data + ends[2], 0, ends[3] - ends[2]);
	folder_put(&folder, HISTORY_NAME, text.data, text.size);
	check_all(1, 3);
	ck_assert_int_eq(append(4, 1, &lightly), 0);
	check_all(1, 4);
	ck_assert_uint_eq(now.seen.damaged, 1);
	/* A whole block of them. */
	memset(text.data + ends[0], 0, ends[1] - ends[0] - 1);
	folder_put(&folder, HISTORY_NAME, text.data, text.size);
	list_all(&now);
	ck_assert_uint_eq(now.count, 2);
	ck_assert_uint_eq(now.generations[1], 3);
	flagp_text_free(&text);
}
END_TEST

/* Bodies with a right checksum that are no records; each between two that
 * are. */
static const char *const hostile[] = {
	"", "\n", "change", "change generation=2",
	"change at=2026-11-22T02:10:52Z",
	CHANGE("0"), CHANGE("9007199254740993"), CHANGE("2") " uid=1",
	CHANGE("2") " flags=1", CHANGE("2") "\nflag a",
	CHANGE("2") " flags=1\nflag", CHANGE("2") " flags=1\nflag ../x",
	CHANGE("2") " flags=1\nflag a was=maybe",
	CHANGE("2") " flags=1000001", CHANGE("2") "\n" CHANGE("3"),
	CHANGE("2") "\nripcord history 2", CHANGE("2") "  ticket=1",
	CHANGE("2") " recovered=no", CHANGE("2") " config-was=1",
	CHANGE("2") " config-was=0000000000000000",
	CHANGE("2") " config-was=000000000000000G",
	CHANGE("2") " ticket=%0A", CHANGE("2") " panic-was=0",
	CHANGE("2") "\n9 records", "flag a was=on", "ripcord",
	"ripcord history",
	"ripcord history 0", "ripcord history x"
};

START_TEST(hostile_records_are_skipped)
{
	struct text text = TEXT_INIT;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(hostile); i++) {
		text.size = 0;
		add_sealed(&text, CHANGE("1"));
		add_sealed(&text, hostile[i]);
		add_sealed(&text, CHANGE("5"));
		folder_put(&folder, HISTORY_NAME, text.data, text.size);
		list_all(&now);
		ck_assert_msg(now.count == 2, "\"%s\": %zu", hostile[i],
			      now.count);
		ck_assert_uint_eq(now.generations[1], 5);
		/* Empty ones may be those of a later version. */
		ck_assert_msg(now.seen.damaged >= (i > 1), "\"%s\"",
			      hostile[i]);
	}
	flagp_text_free(&text);
}
END_TEST

START_TEST(wrong_frames_are_skipped)
{
	static const char *const frames[] = {
		"0", "00", "1 ", "1 2", "12 3456789 ", "1 0000000",
		"1 00000000",
		"01 5d3f0c11 x", "99999999999999999999 5d3f0c11 x",
		"67108865 5d3f0c11 x", "1 5D3F0C11 x", "1\t5d3f0c11 x",
		"1 e8b7be43 b", "4294967295 00000000 x", "1  e8b7be43 a",
		"-1 00000000 x", "x", "\xff\xff"
	};
	struct text text = TEXT_INIT;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(frames); i++) {
		text.size = 0;
		add_sealed(&text, CHANGE("1"));
		flagp_text_add(&text, "%s\n", frames[i]);
		add_sealed(&text, CHANGE("2"));
		folder_put(&folder, HISTORY_NAME, text.data, text.size);
		check_all(1, 2);
		ck_assert_uint_eq(now.seen.damaged, 1);
	}
	flagp_text_free(&text);
}
END_TEST

static int
cut_file(off_t size)
{
	int file = openat(folder.descriptor, HISTORY_NAME, O_WRONLY |
							  O_CLOEXEC);
	int result = ftruncate(file, size);

	close(file);
	return result;
}

START_TEST(file_that_is_cut_while_read_ends)
{
	const enum history_order orders[] = {
		HISTORY_NEWEST_FIRST, HISTORY_OLDEST_FIRST
	};
	struct history_change change;
	struct history_flag flag;
	struct history *history;
	unsigned i, count;

	for (i = 0; i < 2; i++) {
		remove_files();
		/* Longer than what is read at once. */
		for (count = 1; count <= 20; count++)
			ck_assert_int_eq(append(count, 200, &lightly), 0);
		history = open_all();
		flagp_history_seek(history, orders[i], NULL);
		ck_assert(flagp_history_next(history, &change));
		ck_assert_int_eq(cut_file(100000), 0);
		for (count = 1; flagp_history_next(history, &change); count++)
			while (flagp_history_flag(history, &flag) == 1)
				;
		ck_assert_uint_ge(count, 5);
		ck_assert_uint_lt(count, 20);
		flagp_history_close(history);
	}
}
END_TEST

/* --- many ----------------------------------------------------------------- */

#define MANY 100000

START_TEST(change_of_very_many_flags_fits)
{
	struct history *history;
	struct history_change change;
	struct history_flag flag;
	struct history_filter filter = { .flag = "flag.99999" };
	unsigned count = 0;

	ck_assert_int_eq(append(1, 1, &lightly), 0);
	ck_assert_int_eq(append(2, MANY, &lightly), 0);
	ck_assert_int_eq(append(3, 1, &lightly), 0);
	history = open_all();
	ck_assert(flagp_history_find(history, 2, &change));
	ck_assert_uint_eq(change.flags, MANY);
	while (flagp_history_flag(history, &flag) == 1)
		count++;
	ck_assert_uint_eq(count, MANY);
	ck_assert_str_eq(flag.name, filter.flag);
	flagp_history_seek(history, HISTORY_OLDEST_FIRST, &filter);
	ck_assert(flagp_history_next(history, &change));
	ck_assert_uint_eq(change.generation, 2);
	ck_assert(!flagp_history_next(history, &change));
	flagp_history_close(history);
	check_all(1, 3);
}
END_TEST

START_TEST(too_long_a_record_or_line_is_refused)
{
	struct history_change change = change_of(1);
	struct history_draft draft;
	struct text line = TEXT_INIT;

	flagp_history_begin(&draft, &change);
	flagp_text_add(&line, "%s later=", CHANGE("1"));
	while (line.size < HISTORY_LINE_LIMIT)
		flagp_text_add(&line, "x");
	draft.copied = line;
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), 0);
	check_all(1, 1);
	flagp_text_add(&draft.copied, "x");
	draft.change.generation = 2;
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), -EFBIG);
	draft.copied.data[HISTORY_LINE_LIMIT / 2] = '\n';
	while (draft.copied.size <= HISTORY_RECORD_LIMIT)
		flagp_text_add(&draft.copied, "\n%01000d", 0);
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), -EFBIG);
	flagp_history_drop(&draft);
	check_all(1, 1);
}
END_TEST

/* More than what is read at once, in steps that end anywhere in it. */
START_TEST(the_newest_is_found_wherever_the_file_ends)
{
	uint64_t generation;

	for (generation = 1; generation <= 400; generation++) {
		ck_assert_int_eq(append(generation, generation % 13, &lightly),
				 0);
		ck_assert_uint_eq(newest(), generation);
	}
	check_all(1, 400);
	ck_assert_uint_gt(flagp_io_mark(folder.descriptor, HISTORY_NAME).size,
			  128 << 10);
}
END_TEST

/* --- which of them -------------------------------------------------------- */

/* a off (1), b on (2, by the service), a none (4), a 10 % (5), panic (6). */
static void
make_story(void)
{
	struct history_change change = change_of(1);
	struct history_flag flag = flag_of("a", FLAGP_SHARE_ALL, 0);

	append_change(&change, &flag);
	change.generation = 2;
	change.at++;
	strcpy(change.by, "service");
	flag = flag_of("b", 0, FLAGP_SHARE_ALL);
	append_change(&change, &flag);
	change.generation = 4;
	change.at++;
	strcpy(change.by, HISTORY_PERSON);
	flag = flag_of("a", 0, FLAGP_SHARE_NONE);
	append_change(&change, &flag);
	change.generation = 5;
	flag = flag_of("a", FLAGP_SHARE_NONE, 10000);
	flag.now.until = AT_WALL + 3600;
	append_change(&change, &flag);
	change.generation = 6;
	strcpy(change.verb, "panic");
	change.panic_now = 6;
	append_change(&change, NULL);
}

static void
check_filter(struct history *history, struct history_filter filter,
	     const char *expected)
{
	char found[16] = "";
	size_t i;

	list(history, HISTORY_OLDEST_FIRST, &filter, &now);
	for (i = 0; i < now.count; i++)
		found[i] = (char)('0' + now.generations[i]);
	ck_assert_str_eq(found, expected);
	list(history, HISTORY_NEWEST_FIRST, &filter, &now);
	ck_assert_uint_eq(now.count, strlen(expected));
}

START_TEST(filters_pass_over_all_else)
{
	struct history *history;

	make_story();
	history = open_all();
	check_filter(history, (struct history_filter){ 0 }, "12456");
	check_filter(history, (struct history_filter){ .flag = "a" }, "145");
	check_filter(history, (struct history_filter){ .flag = "ab" }, "");
	check_filter(history, (struct history_filter){ .since = AT_WALL + 1 },
		     "2456");
	check_filter(history, (struct history_filter){ .from = 2, .to = 4 },
		     "24");
	check_filter(history, (struct history_filter){ .from = 5 }, "56");
	check_filter(history, (struct history_filter){ .persons = true },
		     "1456");
	check_filter(history, (struct history_filter){
		     .flag = "b", .persons = true }, "");
	flagp_history_close(history);
}
END_TEST

START_TEST(a_change_is_found_by_its_generation)
{
	struct history_change change;
	struct history_flag flag;
	struct history *history;

	make_story();
	history = open_all();
	ck_assert(flagp_history_find(history, 4, &change));
	ck_assert_uint_eq(change.generation, 4);
	ck_assert_int_eq(flagp_history_flag(history, &flag), 1);
	ck_assert_str_eq(flag.name, "a");
	ck_assert(!flagp_history_find(history, 3, &change));
	ck_assert_int_eq(flagp_history_flag(history, &flag), 0);
	ck_assert(!flagp_history_find(history, 0, &change));
	ck_assert(!flagp_history_find(history, 7, &change));
	ck_assert_uint_eq(flagp_history_newest(history), 6);
	flagp_history_close(history);
	/* Numbers that began anew: the newest counts. */
	change = change_of(2);
	strcpy(change.verb, "on");
	append_change(&change, NULL);
	history = open_all();
	ck_assert(flagp_history_find(history, 2, &change));
	ck_assert_str_eq(change.verb, "on");
	ck_assert_uint_eq(flagp_history_newest(history), 2);
	flagp_history_close(history);
}
END_TEST

static void
check_state(struct history *history, uint64_t generation, const char *name,
	    uint32_t share, uint64_t says)
{
	struct history_state state;

	ck_assert_int_eq(flagp_history_state_after(history, generation, name,
						   &state), 1);
	ck_assert_uint_eq(state.override.share, share);
	ck_assert_uint_eq(state.generation, says);
	ck_assert(state.agrees);
}

START_TEST(what_stood_after_a_generation_is_known)
{
	struct history_state state;
	struct history *history;

	make_story();
	history = open_all();
	check_state(history, 0, "a", FLAGP_SHARE_ALL, 1);
	check_state(history, 1, "a", 0, 1);
	check_state(history, 3, "a", 0, 1);
	check_state(history, 4, "a", FLAGP_SHARE_NONE, 4);
	check_state(history, 5, "a", 10000, 5);
	check_state(history, 99, "a", 10000, 5);
	check_state(history, 1, "b", 0, 2);
	check_state(history, 2, "b", FLAGP_SHARE_ALL, 2);
	ck_assert_int_eq(flagp_history_state_after(history, 5, "c", &state),
			 0);
	flagp_history_close(history);
}
END_TEST

START_TEST(a_lost_record_between_two_shows)
{
	struct text text = TEXT_INIT;
	struct history_state state;
	struct history *history;
	char *lost;

	make_story();
	read_file(HISTORY_NAME, &text);
	lost = strstr(text.data, "generation=4");
	ck_assert_ptr_nonnull(lost);
	*lost = 'G';
	folder_put(&folder, HISTORY_NAME, text.data, text.size);
	history = open_all();
	ck_assert_int_eq(flagp_history_state_after(history, 4, "a", &state),
			 1);
	ck_assert_uint_eq(state.override.share, 0);
	ck_assert(!state.agrees);
	ck_assert_uint_eq(flagp_history_seen(history).damaged, 1);
	flagp_history_close(history);
	flagp_text_free(&text);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		file_is_written_as_the_header_shows,
		all_that_a_record_may_say_is_read_again,
		what_nobody_could_read_is_not_written,
		no_file_is_no_record,
		what_is_no_file_is_an_error,
		unknown_words_lines_and_kinds_are_passed_over_and_copied,
		file_of_a_later_version_is_read_and_never_written,
		torn_at_any_byte_loses_no_good_record,
		any_flipped_bit_loses_its_record_only,
		nuls_hide_what_they_cover_and_no_more,
		hostile_records_are_skipped,
		wrong_frames_are_skipped,
		file_that_is_cut_while_read_ends,
		change_of_very_many_flags_fits,
		too_long_a_record_or_line_is_refused,
		the_newest_is_found_wherever_the_file_ends,
		filters_pass_over_all_else,
		a_change_is_found_by_its_generation,
		what_stood_after_a_generation_is_known,
		a_lost_record_between_two_shows,
		NULL
	};

	return suite_run_with("history", tests, setup, teardown);
}
