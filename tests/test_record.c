/* SPDX-License-Identifier: MIT */
/*
 * test_record.c - the layer files: what is written is read again, what is
 * damaged or hostile is refused, and which of two records counts.
 */
#include "store/record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "folder.h"
#include "suite.h"

#define AT "at=2026-11-22T02:10:52Z"
#define AT_WALL 1795313452	/* date -u -d 2026-11-22T02:10:52Z +%s */

static struct record
record_of(const char *flag, uint32_t share, uint64_t generation)
{
	struct record record = {
		.share = share, .base = FLAGP_SHARE_NONE,
		.generation = generation, .at = AT_WALL,
		.author = {
			.uid = 1000, .login_uid = UINT32_MAX, .pid = 812,
			.user = "anna", .tty = "pts/0", .reason = "p99 = 2x"
		}
	};

	snprintf(record.flag, sizeof(record.flag), "%s", flag);
	return record;
}

/* Three records, a change, and all that a record may say. */
static void
make_sample(struct record_file *file)
{
	struct record record;

	*file = (struct record_file) { .kind = RECORD_OVERRIDES };
	record = record_of("checksum.crc32c", 0, 41);
	ck_assert_int_eq(flagp_record_put(file, &record), 0);
	record = record_of("zip", FLAGP_SHARE_NONE, 40);
	record.removed = true;
	ck_assert_int_eq(flagp_record_put(file, &record), 0);
	record = record_of("cache", FLAGP_SHARE_ALL, 39);
	record.base = 12500;
	record.until = AT_WALL + 3600;
	record.author.login_uid = 0;
	record.unknown = (char *)"ticket=OPS-7 over=3";
	strcpy(record.boot, "e406620d-8dc4-4671-b7f3-1c0b0a2e5fd0");
	ck_assert_int_eq(flagp_record_put(file, &record), 0);
	file->change = (struct record_change) {
		.generation = 41, .at = AT_WALL, .verb = "off",
		.flag = "checksum.crc32c", .count = 1,
		.before = FLAGP_SHARE_ALL, .after = 0,
		.author = record.author
	};
}

static const char sample[] =
	"ripcord overrides 1\n"
	"generation 41\n"
	"change 41 " AT " verb=off flag=checksum.crc32c count=1 before=on "
	"after=off uid=1000 login=0 pid=812 user=anna tty=pts/0 "
	"reason=p99%20%3D%202x\n"
	"flag cache state=on generation=39 " AT " until=2026-11-22T03:10:52Z "
	"boot=e406620d-8dc4-4671-b7f3-1c0b0a2e5fd0 base=12.5% uid=1000 "
	"login=0 pid=812 user=anna tty=pts/0 reason=p99%20%3D%202x "
	"ticket=OPS-7 over=3\n"
	"flag checksum.crc32c state=off generation=41 " AT " uid=1000 "
	"pid=812 user=anna tty=pts/0 reason=p99%20%3D%202x\n"
	"flag zip state=removed generation=40 " AT " uid=1000 pid=812 "
	"user=anna tty=pts/0 reason=p99%20%3D%202x\n";

/* body with a true last line. */
static char *
sealed(struct text *text, const char *body, unsigned count)
{
	text->size = 0;
	flagp_text_add(text, "%send %u %08x\n", body, count,
		       flagp_text_crc32(0, body, strlen(body)));
	return text->data;
}

/* Parses a copy that has no byte to spare, so that a sanitizer sees reading
 * past its end. */
static int
parse(struct record_file *file, const char *data, size_t size,
      struct flag_error *error)
{
	char *copy = malloc(size != 0 ? size : 1);
	int code;

	flagp_error_clear(error);
	memcpy(copy, data, size);
	code = flagp_record_parse(file, RECORD_OVERRIDES, "overrides", copy,
				  size, error);
	free(copy);
	return code;
}

START_TEST(file_is_written_as_the_manual_shows)
{
	struct record_file file;
	struct text text = TEXT_INIT, expected = TEXT_INIT;

	make_sample(&file);
	flagp_text_add(&text, "before");
	flagp_record_format(&file, &text);
	ck_assert_str_eq(text.data + 6, sealed(&expected, sample, 3));
	flagp_record_free(&file);
	flagp_text_free(&text);
	flagp_text_free(&expected);
}
END_TEST

static void
check_sample(const struct record_file *file)
{
	const struct record *record = flagp_record_get(file, "cache");

	ck_assert_uint_eq(file->generation, 41);
	ck_assert_uint_eq(file->count, 3);
	ck_assert(!file->read_only);
	ck_assert_uint_eq(file->change.generation, 41);
	ck_assert_int_eq(file->change.at, AT_WALL);
	ck_assert_str_eq(file->change.verb, "off");
	ck_assert_str_eq(file->change.flag, "checksum.crc32c");
	ck_assert_uint_eq(file->change.before, FLAGP_SHARE_ALL);
	ck_assert_uint_eq(file->change.after, 0);
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->share, FLAGP_SHARE_ALL);
	ck_assert_uint_eq(record->base, 12500);
	ck_assert_uint_eq(record->generation, 39);
	ck_assert_int_eq(record->at, AT_WALL);
	ck_assert_int_eq(record->until, AT_WALL + 3600);
	ck_assert_str_eq(record->boot, "e406620d-8dc4-4671-b7f3-1c0b0a2e5fd0");
	ck_assert_uint_eq(record->author.uid, 1000);
	ck_assert_uint_eq(record->author.login_uid, 0);
	ck_assert_int_eq(record->author.pid, 812);
	ck_assert_str_eq(record->author.user, "anna");
	ck_assert_str_eq(record->author.tty, "pts/0");
	ck_assert_str_eq(record->author.reason, "p99 = 2x");
	ck_assert_str_eq(record->unknown, "ticket=OPS-7 over=3");
	record = flagp_record_get(file, "zip");
	ck_assert_ptr_nonnull(record);
	ck_assert(record->removed);
	ck_assert_uint_eq(record->author.login_uid, UINT32_MAX);
	ck_assert_int_eq(record->until, 0);
	ck_assert_uint_eq(record->base, FLAGP_SHARE_NONE);
	ck_assert_ptr_null(flagp_record_get(file, "nobody"));
	ck_assert_ptr_null(flagp_record_get(file, ""));
}

START_TEST(written_file_is_read_again)
{
	struct folder folder = folder_make();
	struct record_file file, again;
	struct io_mark mark, now;
	struct flag_error error;

	flagp_error_clear(&error);
	make_sample(&file);
	ck_assert_int_eq(flagp_record_write(&file, folder.descriptor, true),
			 0);
	ck_assert_int_eq(flagp_record_read(&again, RECORD_OVERRIDES,
					   folder.descriptor, &mark, &error),
			 0);
	check_sample(&again);
	now = flagp_io_mark(folder.descriptor, RECORD_OVERRIDES_NAME);
	ck_assert(flagp_io_same(&mark, &now));
	ck_assert_int_eq(error.code, 0);
	flagp_record_free(&file);
	flagp_record_free(&again);
	ck_assert_ptr_null(again.records);
	folder_remove(&folder);
}
END_TEST

START_TEST(missing_file_is_empty)
{
	struct folder folder = folder_make();
	struct record_file file;
	struct io_mark mark;

	ck_assert_int_eq(flagp_record_read(&file, RECORD_TRIPS,
					   folder.descriptor, &mark, NULL),
			 0);
	ck_assert_uint_eq(file.generation, 0);
	ck_assert_uint_eq(file.count, 0);
	ck_assert_int_eq(file.kind, RECORD_TRIPS);
	ck_assert(!mark.exists);
	ck_assert_ptr_null(flagp_record_get(&file, "a"));
	flagp_record_free(&file);
	ck_assert_int_eq(flagp_record_read(&file, RECORD_TRIPS, -1, NULL,
					   NULL), 0);
	folder_remove(&folder);
}
END_TEST

START_TEST(unreadable_file_is_an_error)
{
	struct folder folder = folder_make();
	struct record_file file;
	struct flag_error error;

	flagp_error_clear(&error);
	ck_assert_int_eq(mkdirat(folder.descriptor, RECORD_TRIPS_NAME, 0700),
			 0);
	ck_assert_int_eq(flagp_record_read(&file, RECORD_TRIPS,
					   folder.descriptor, NULL, &error),
			 -FLAG_EIO);
	ck_assert_str_eq(error.file, RECORD_TRIPS_NAME);
	ck_assert_uint_eq(file.generation, 0);
	ck_assert_ptr_null(file.records);
	folder_remove(&folder);
}
END_TEST

static void
check_refused(const char *data, size_t size, const char *what, size_t where)
{
	struct record_file file;
	struct flag_error error;
	int code = parse(&file, data, size, &error);

	ck_assert_msg(code == -FLAG_ECONFIG, "%s %zu: code %d", what, where,
		      code);
	ck_assert_int_eq(error.code, FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "overrides");
	ck_assert_ptr_nonnull(strstr(error.text, ": "));
	ck_assert_uint_eq(file.count, 0);
	ck_assert_uint_eq(file.generation, 0);
	ck_assert_ptr_null(file.records);
	ck_assert_ptr_null(file.unknown);
}

START_TEST(torn_at_any_byte_is_refused)
{
	struct text text = TEXT_INIT;
	struct record_file file;
	struct flag_error error;
	size_t size;

	sealed(&text, sample, 3);
	for (size = 0; size < text.size; size++)
		check_refused(text.data, size, "torn at", size);
	ck_assert_int_eq(parse(&file, text.data, text.size, &error), 0);
	check_sample(&file);
	flagp_record_free(&file);
	/* Something behind the end, or before the beginning. */
	flagp_text_add(&text, "\n");
	check_refused(text.data, text.size, "one more", text.size);
	check_refused(text.data + 1, text.size - 2, "one less", 1);
	flagp_text_free(&text);
}
END_TEST

START_TEST(any_flipped_bit_is_refused)
{
	struct text text = TEXT_INIT;
	size_t bit;

	sealed(&text, sample, 3);
	for (bit = 0; bit < text.size * 8; bit++) {
		text.data[bit / 8] ^= (char)(1 << bit % 8);
		check_refused(text.data, text.size, "bit", bit);
		text.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	flagp_text_free(&text);
}
END_TEST

#define HEAD "ripcord overrides 1\ngeneration 41\n"
#define A "flag a state=on generation=1 " AT
#define LONG_NAME "n234567890123456789012345678901234567890123456789"
#define LONG_USER "u23456789012345678901234567890123"

/* Bodies with a true checksum: what a hostile writer can do. */
static const struct {
	const char *body;
	unsigned count, line;
	const char *said;
} hostile[] = {
	{ "", 0, 1, "too short" },
	{ "ripcord overrides 1\n", 0, 2, "too short" },
	{ "ripcord trips 1\ngeneration 1\n", 0, 1, "first line" },
	{ "ripcord overrides 0\ngeneration 1\n", 0, 1, "first line" },
	{ "ripcord overrides 1x\ngeneration 1\n", 0, 1, "first line" },
	{ "ripcord overrides 1 \ngeneration 1\n", 0, 1, "first line" },
	{ "ripcord overrides 1000000\ngeneration 1\n", 0, 1, "first line" },
	{ "\n\n", 0, 1, "first line" },
	{ "ripcord overrides 1\ngeneration 0\n", 0, 2, "second line" },
	{ "ripcord overrides 1\ngeneration -1\n", 0, 2, "second line" },
	{ "ripcord overrides 1\ngeneration 041\n", 0, 2, "second line" },
	{ "ripcord overrides 1\ngeneration 9007199254740993\n", 0, 2,
	  "second line" },
	{ "ripcord overrides 1\ngeneration 18446744073709551617\n", 0, 2,
	  "second line" },
	{ "ripcord overrides 1\nflag a\n", 0, 2, "second line" },
	{ HEAD A "\n", 0, 3, "more flags" },
	{ HEAD A "\n", 2, 4, "end 2: 1" },
	{ HEAD "\n", 4000000000u, 4, "last line" },
	{ HEAD "\n", 65536, 4, "last line" },
	{ HEAD "\n", 0, 3, "\"\"" },
	{ HEAD "end 0 00000000\n", 0, 3, "\"end\"" },
	{ HEAD "generation 42\n", 0, 3, "\"generation\"" },
	{ HEAD "ripcord overrides 1\n", 0, 3, "\"ripcord\"" },
	{ HEAD "flag\n", 1, 3, "\"flag\"" },
	{ HEAD "flag \n", 1, 3, "flag \"\"" },
	{ HEAD "flag ../../x state=on generation=1 " AT "\n", 1, 3,
	  "flag \"../../x\"" },
	{ HEAD "flag " LONG_NAME " state=on generation=1 " AT "\n", 1, 3,
	  "a name" },
	{ HEAD A "\n" A "\n", 2, 4, "flag a: each once" },
	{ HEAD "flag b state=on generation=1 " AT "\n" A "\n", 2, 4,
	  "byte order" },
	{ HEAD A " state=off\n", 1, 3, "state: only once" },
	{ HEAD A "  uid=0\n", 1, 3, "key=value" },
	{ HEAD A " \n", 1, 3, "key=value" },
	{ HEAD A " uid\n", 1, 3, "key=value" },
	{ HEAD A " =0\n", 1, 3, "key=value" },
	{ HEAD A " uid=\n", 1, 3, "uid=: a user's number" },
	{ HEAD A " uid=4294967295\n", 1, 3, "uid=4294967295" },
	{ HEAD A " pid=2147483648\n", 1, 3, "pid=2147483648" },
	{ HEAD A " base=101%\n", 1, 3, "base=101%" },
	{ HEAD A " base=0.0001%\n", 1, 3, "base=0.0001%" },
	{ HEAD A " base=.5%\n", 1, 3, "base=.5%" },
	{ HEAD A " base=5.%\n", 1, 3, "base=5.%" },
	{ HEAD A " base=%\n", 1, 3, "base=%" },
	{ HEAD A " base=5\n", 1, 3, "base=5" },
	{ HEAD A " base=removed\n", 1, 3, "base=removed" },
	{ HEAD A " user=" LONG_USER "\n", 1, 3, "escaped text" },
	{ HEAD A " reason=a%1b[2J\n", 1, 3, "reason=" },
	{ HEAD A " reason=a%0Ab\n", 1, 3, "reason=" },
	{ HEAD A " reason=a%C2%9Bb\n", 1, 3, "reason=" },
	{ HEAD A " reason=%00\n", 1, 3, "reason=" },
	{ HEAD A " until=never\n", 1, 3, "until=never: a time like" },
	{ HEAD A " until=2026-02-30T00:00:00Z\n", 1, 3, "until=" },
	{ HEAD A " until=2026-13-01T00:00:00Z\n", 1, 3, "until=" },
	{ HEAD A " until=2026-01-01T24:00:00Z\n", 1, 3, "until=" },
	{ HEAD A " until=2026-01-01T00:00:60Z\n", 1, 3, "until=" },
	{ HEAD A " until=+026-01-01T00:00:00Z\n", 1, 3, "until=" },
	{ HEAD A " until=1969-12-31T23:59:59Z\n", 1, 3, "until=" },
	{ HEAD "flag a generation=1 " AT "\n", 1, 3, "state missing" },
	{ HEAD "flag a state=on " AT "\n", 1, 3, "generation missing" },
	{ HEAD "flag a state=on generation=1\n", 1, 3, "at missing" },
	{ HEAD "flag a state=On generation=1 " AT "\n", 1, 3, "state=On" },
	{ HEAD "flag a state=on generation=42 " AT "\n", 1, 3,
	  "at most that of the file, 41" },
	{ HEAD "flag a state=on generation=0 " AT "\n", 1, 3,
	  "generation=0" },
	{ HEAD "change 42 " AT "\n", 0, 3, "up to 41" },
	{ HEAD "change " AT "\n", 0, 3, "change at=" },
	{ HEAD "change 1 " AT " flag=../x\n", 0, 3, "flag=../x" },
	{ HEAD "change 1 " AT " count=1000001\n", 0, 3, "count=1000001" },
	{ HEAD "change 1 " AT " verb=off\n", 0, 3, "flag missing" },
	{ HEAD "change 1 " AT " flag=*\nchange 1 " AT " flag=*\n", 0, 4,
	  "only one" },
	{ HEAD "x\x7f\n", 0, 3, "byte 0x7f" },
	{ HEAD "x\r\n", 0, 3, "byte 0x0d" },
	{ HEAD "\xc3\xa9\n", 0, 3, "byte 0xc3" }
};

START_TEST(hostile_text_is_refused_and_named)
{
	struct text text = TEXT_INIT;
	struct record_file file;
	struct flag_error error;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(hostile); i++) {
		sealed(&text, hostile[i].body, hostile[i].count);
		check_refused(text.data, text.size, hostile[i].body, i);
		parse(&file, text.data, text.size, &error);
		ck_assert_msg(strstr(error.text, hostile[i].said) != NULL,
			      "%s: %s", hostile[i].body, error.text);
		ck_assert_msg(error.line == hostile[i].line, "%s: line %u",
			      hostile[i].body, error.line);
	}
	flagp_text_free(&text);
}
END_TEST

START_TEST(a_nul_or_too_much_is_refused)
{
	struct record_file file;
	char *large;

	check_refused("ripcord overrides 1\ngeneration 1\n\0\n", 35, "nul", 0);
	large = malloc(RECORD_FILE_LIMIT + 1);
	ck_assert_ptr_nonnull(large);
	memset(large, '\n', RECORD_FILE_LIMIT + 1);
	ck_assert_int_eq(flagp_record_parse(&file, RECORD_TRIPS, "t", large,
					    RECORD_FILE_LIMIT + 1, NULL),
			 -FLAG_ECONFIG);
	free(large);
}
END_TEST

START_TEST(percentages_round_trip)
{
	static const uint32_t shares[] = {
		0, 1, 10, 100, 1000, 12500, 99999, 100000, 50010
	};
	struct record_file file = { .kind = RECORD_TRIPS }, again;
	struct text text = TEXT_INIT;
	struct record record;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(shares); i++) {
		record = record_of("a", shares[i], 1);
		record.base = shares[FLAGP_COUNT(shares) - 1 - i];
		text.size = 0;
		ck_assert_int_eq(flagp_record_put(&file, &record), 0);
		flagp_record_format(&file, &text);
		ck_assert_int_eq(flagp_record_parse(&again, RECORD_TRIPS, "t",
						    text.data, text.size,
						    NULL), 0);
		ck_assert_uint_eq(again.records[0].share, record.share);
		ck_assert_uint_eq(again.records[0].base, record.base);
		flagp_record_free(&again);
	}
	flagp_record_free(&file);
	flagp_text_free(&text);
}
END_TEST

START_TEST(what_a_later_version_says_survives)
{
	static const char body[] =
		"ripcord overrides 1\ngeneration 41\n"
		"flag a state=on generation=1 " AT " ticket=OPS-7 over=3\n"
		"guard a p99=1.10x\nhistory none\n";
	struct record_file file;
	struct text text = TEXT_INIT, again = TEXT_INIT;
	struct flag_error error;
	struct record record;

	sealed(&text, body, 1);
	ck_assert_int_eq(parse(&file, text.data, text.size, &error), 0);
	flagp_record_format(&file, &again);
	ck_assert_str_eq(again.data, text.data);
	/* Also when other flags change, and the same one keeps its words. */
	record = *flagp_record_get(&file, "a");
	record.share = 0;
	record.generation = 42;
	ck_assert_int_eq(flagp_record_put(&file, &record), 0);
	record = record_of("b", 0, 43);
	ck_assert_int_eq(flagp_record_put(&file, &record), 0);
	again.size = 0;
	flagp_record_format(&file, &again);
	ck_assert_ptr_nonnull(strstr(again.data, "flag a state=off "
				     "generation=42 " AT " ticket=OPS-7 "
				     "over=3\n"));
	ck_assert_ptr_nonnull(strstr(again.data, "guard a p99=1.10x\n"
				     "history none\nend 2 "));
	flagp_record_free(&file);
	flagp_text_free(&text);
	flagp_text_free(&again);
}
END_TEST

START_TEST(later_version_is_read_and_never_written)
{
	struct folder folder = folder_make();
	struct record_file file;
	struct text text = TEXT_INIT;
	struct flag_error error;

	sealed(&text, "ripcord overrides 2\ngeneration 41\n" A "\n", 1);
	ck_assert_int_eq(parse(&file, text.data, text.size, &error), 0);
	ck_assert(file.read_only);
	ck_assert_ptr_nonnull(flagp_record_get(&file, "a"));
	ck_assert_int_eq(flagp_record_write(&file, folder.descriptor, false),
			 -EROFS);
	ck_assert_uint_eq(folder_count(&folder), 0);
	flagp_record_free(&file);
	flagp_text_free(&text);
	folder_remove(&folder);
}
END_TEST

START_TEST(what_could_not_be_read_is_not_written)
{
	struct folder folder = folder_make();
	struct record_file file = { .kind = RECORD_OVERRIDES };
	struct record record;

	ck_assert_int_eq(flagp_record_write(&file, folder.descriptor, false),
			 -EINVAL);
	record = record_of("a b", 0, 1);
	ck_assert_int_eq(flagp_record_put(&file, &record), -FLAG_EINVAL);
	record = record_of("a", FLAGP_SHARE_ALL + 1, 1);
	ck_assert_int_eq(flagp_record_put(&file, &record), -FLAG_EINVAL);
	record = record_of("a", 0, 0);
	ck_assert_int_eq(flagp_record_put(&file, &record), -FLAG_EINVAL);
	ck_assert_uint_eq(file.count, 0);
	ck_assert_uint_eq(folder_count(&folder), 0);
	folder_remove(&folder);
}
END_TEST

START_TEST(awkward_values_are_written_so_that_they_are_read)
{
	struct record_file file = { .kind = RECORD_OVERRIDES }, again;
	struct text text = TEXT_INIT;
	struct flag_error error;
	struct record record = record_of("a", 0, 7);

	record.at = -5;
	record.until = INT64_MIN;
	strcpy(record.author.user, "-");
	strcpy(record.author.tty, "\x1b[2J\n");
	memset(record.author.reason, '\xff', sizeof(record.author.reason) - 1);
	ck_assert_int_eq(flagp_record_put(&file, &record), 0);
	file.change.generation = 7;
	file.change.at = INT64_MAX;
	strcpy(file.change.flag, "checksum.*");
	flagp_record_format(&file, &text);
	ck_assert_int_eq(parse(&again, text.data, text.size, &error), 0);
	ck_assert_int_eq(again.records[0].at, 0);
	ck_assert(flagp_record_ended(&again.records[0], AT_WALL, ""));
	ck_assert_str_eq(again.records[0].author.user, "-");
	ck_assert_str_eq(again.records[0].author.tty, "?[2J?");
	ck_assert_uint_eq(strlen(again.records[0].author.reason), 256);
	ck_assert_str_eq(again.change.flag, "*");
	flagp_record_free(&file);
	flagp_record_free(&again);
	flagp_text_free(&text);
}
END_TEST

START_TEST(many_records_are_sorted_and_found)
{
	struct record_file file = { .kind = RECORD_OVERRIDES }, again;
	struct text text = TEXT_INIT;
	struct flag_error error;
	struct record record;
	char name[32];
	unsigned i;

	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "flag-%u", i * 7919 % 1000);
		record = record_of(name, 0, i + 1);
		ck_assert_int_eq(flagp_record_put(&file, &record), 0);
	}
	ck_assert_uint_eq(file.count, 1000);
	ck_assert_uint_eq(file.generation, 1000);
	flagp_record_format(&file, &text);
	ck_assert_int_eq(parse(&again, text.data, text.size, &error), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "flag-%u", i * 7919 % 1000);
		ck_assert_ptr_nonnull(flagp_record_get(&again, name));
		ck_assert_uint_eq(flagp_record_get(&again, name)->generation,
				  i + 1);
	}
	/* One's own record put again: nothing is lost. */
	ck_assert_int_eq(flagp_record_put(&again, &again.records[5]), 0);
	ck_assert_uint_eq(again.count, 1000);
	flagp_record_free(&file);
	flagp_record_free(&again);
	flagp_text_free(&text);
}
END_TEST

START_TEST(newest_record_counts_and_a_tombstone_hides)
{
	struct record old = record_of("a", FLAGP_SHARE_ALL, 1);
	struct record new = record_of("a", 0, 2);
	struct record gone = record_of("a", FLAGP_SHARE_NONE, 3);
	struct record same = record_of("a", FLAGP_SHARE_ALL, 2);

	gone.removed = true;
	ck_assert_ptr_null(flagp_record_newest(NULL, NULL));
	ck_assert_ptr_eq(flagp_record_newest(&old, NULL), &old);
	ck_assert_ptr_eq(flagp_record_newest(NULL, &old), &old);
	ck_assert_ptr_eq(flagp_record_newest(&old, &new), &new);
	ck_assert_ptr_eq(flagp_record_newest(&new, &old), &new);
	ck_assert_ptr_null(flagp_record_newest(&new, &gone));
	ck_assert_ptr_null(flagp_record_newest(&gone, &new));
	ck_assert_ptr_null(flagp_record_newest(&gone, NULL));
	/* A newer statement after a removal. */
	gone.generation = 1;
	ck_assert_ptr_eq(flagp_record_newest(&gone, &new), &new);
	/* As new as each other: towards the baseline. */
	ck_assert_ptr_eq(flagp_record_newest(&same, &new), &new);
	ck_assert_ptr_eq(flagp_record_newest(&new, &same), &new);
	gone.generation = 2;
	ck_assert_ptr_eq(flagp_record_newest(&new, &gone), &new);
	ck_assert_ptr_eq(flagp_record_newest(&gone, &new), &new);
}
END_TEST

START_TEST(record_ends_with_its_time_or_its_boot)
{
	struct record record = record_of("a", FLAGP_SHARE_ALL, 1);

	ck_assert(!flagp_record_ended(&record, INT64_MAX, "b1"));
	record.until = 100;
	ck_assert(!flagp_record_ended(&record, 99, "b1"));
	ck_assert(flagp_record_ended(&record, 100, "b1"));
	/* The clock went back: it is in force again until then. */
	ck_assert(!flagp_record_ended(&record, -86400, "b1"));
	strcpy(record.boot, "b1");
	ck_assert(!flagp_record_ended(&record, 99, "b1"));
	ck_assert(flagp_record_ended(&record, 99, "b2"));
	ck_assert(flagp_record_ended(&record, 99, ""));
	ck_assert(flagp_record_ended(&record, 99, NULL));
}
END_TEST

START_TEST(panic_is_written_and_read)
{
	struct folder folder = folder_make();
	struct record_panic panic, said = { .on = true, .generation = 44 };

	flagp_record_panic(&panic, folder.descriptor);
	ck_assert(!panic.on);
	ck_assert_uint_eq(panic.generation, 0);
	flagp_record_panic(&panic, -1);
	ck_assert(!panic.on);
	said.at = AT_WALL;
	said.author = record_of("a", 0, 1).author;
	ck_assert_int_eq(flagp_record_panic_write(&said, folder.descriptor,
						  true), 0);
	flagp_record_panic(&panic, folder.descriptor);
	ck_assert(panic.on);
	ck_assert_uint_eq(panic.generation, 44);
	ck_assert_int_eq(panic.at, AT_WALL);
	ck_assert_str_eq(panic.author.reason, "p99 = 2x");
	ck_assert_uint_eq(panic.author.uid, 1000);
	ck_assert_int_eq(flagp_io_remove(folder.descriptor, RECORD_PANIC_NAME,
					 false), 0);
	flagp_record_panic(&panic, folder.descriptor);
	ck_assert(!panic.on);
	folder_remove(&folder);
}
END_TEST

#define PANIC "ripcord PANIC 1\n"

START_TEST(panic_by_hand_counts_whatever_it_holds)
{
	static const char *const texts[] = {
		"", "\n", "fire!", PANIC, PANIC "\n",
		PANIC "generation=0 " AT "\n", PANIC "generation=9\n",
		PANIC "generation=9 " AT, PANIC "generation=x " AT "\n",
		"ripcord PANIC 2\ngeneration=9 " AT "\n",
		PANIC "generation=9 " AT " reason=%1B\n"
	};
	const struct timespec times[2] = { { 7, 0 }, { 7, 0 } };
	struct folder folder = folder_make();
	struct record_panic panic;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(texts); i++) {
		folder_put(&folder, RECORD_PANIC_NAME, texts[i],
			   strlen(texts[i]));
		ck_assert_int_eq(utimensat(folder.descriptor,
					   RECORD_PANIC_NAME, times, 0), 0);
		flagp_record_panic(&panic, folder.descriptor);
		ck_assert_msg(panic.on && panic.generation == 1, "%s",
			      texts[i]);
		/* Who touched it, and when. */
		ck_assert_int_eq(panic.at, 7);
		ck_assert_uint_eq(panic.author.uid, geteuid());
		ck_assert_str_eq(panic.author.reason, "");
	}
	folder_remove(&folder);
}
END_TEST

START_TEST(panic_that_cannot_be_read_counts)
{
	struct folder folder = folder_make();
	struct record_panic panic;

	ck_assert_int_eq(mkdirat(folder.descriptor, RECORD_PANIC_NAME, 0700),
			 0);
	flagp_record_panic(&panic, folder.descriptor);
	ck_assert(panic.on);
	ck_assert_int_eq(unlinkat(folder.descriptor, RECORD_PANIC_NAME,
				  AT_REMOVEDIR), 0);
	ck_assert_int_eq(symlinkat("nowhere", folder.descriptor,
				   RECORD_PANIC_NAME), 0);
	flagp_record_panic(&panic, folder.descriptor);
	ck_assert(panic.on);
	ck_assert_int_eq(unlinkat(folder.descriptor, RECORD_PANIC_NAME, 0),
			 0);
	ck_assert_int_eq(mkfifoat(folder.descriptor, RECORD_PANIC_NAME, 0600),
			 0);
	flagp_record_panic(&panic, folder.descriptor);
	ck_assert(panic.on);
	ck_assert_uint_eq(panic.generation, 1);
	folder_remove(&folder);
}
END_TEST

START_TEST(author_is_the_caller)
{
	struct record_author author;
	char number[16], boot[40];

	memset(&author, 0xff, sizeof(author));
	flagp_record_author(&author);
	ck_assert_uint_eq(author.uid, getuid());
	ck_assert_int_eq(author.pid, (int)getpid());
	ck_assert_str_eq(author.reason, "");
	ck_assert_ptr_null(strstr(author.tty, "/dev/"));
	snprintf(number, sizeof(number), "%u", (unsigned)getuid());
	ck_assert_str_eq(author.user, number);
	flagp_record_boot(boot, sizeof(boot));
	ck_assert_uint_eq(strlen(boot), 36);
	ck_assert_int_eq(boot[8], '-');
	flagp_record_boot(boot, 36);
	ck_assert_str_eq(boot, "");
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		file_is_written_as_the_manual_shows,
		written_file_is_read_again, missing_file_is_empty,
		unreadable_file_is_an_error, torn_at_any_byte_is_refused,
		any_flipped_bit_is_refused,
		hostile_text_is_refused_and_named,
		a_nul_or_too_much_is_refused, percentages_round_trip,
		what_a_later_version_says_survives,
		later_version_is_read_and_never_written,
		what_could_not_be_read_is_not_written,
		awkward_values_are_written_so_that_they_are_read,
		many_records_are_sorted_and_found,
		newest_record_counts_and_a_tombstone_hides,
		record_ends_with_its_time_or_its_boot,
		panic_is_written_and_read,
		panic_by_hand_counts_whatever_it_holds,
		panic_that_cannot_be_read_counts, author_is_the_caller, NULL
	};

	return suite_run("record", tests);
}
