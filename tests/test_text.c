/* SPDX-License-Identifier: MIT */
/* test_text.c - growing strings, escapes, near names, checksums, patterns. */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "suite.h"

START_TEST(text_grows_and_ends_with_nul)
{
	struct text text = TEXT_INIT;
	size_t i;

	for (i = 0; i < 10000; i++) {
		flagp_text_add(&text, "%zu,", i % 10);
		ck_assert_uint_eq(text.size, 2 * (i + 1));
		ck_assert_int_eq(text.data[text.size], '\0');
	}
	flagp_text_add_bytes(&text, "a\0b", 3);
	ck_assert_uint_eq(text.size, 20003);
	ck_assert_int_eq(memcmp(text.data + 20000, "a\0b", 4), 0);
	ck_assert(!text.failed);
	flagp_text_free(&text);
	ck_assert_ptr_null(text.data);
	flagp_text_add_bytes(&text, "", 0);
	ck_assert_str_eq(text.data, "");
	flagp_text_free(&text);
}
END_TEST

START_TEST(text_remembers_that_memory_was_out)
{
	struct text text = TEXT_INIT;

	flagp_text_add(&text, "kept");
	flagp_text_add_bytes(&text, "x", SIZE_MAX / 2);
	ck_assert(text.failed);
	flagp_text_add(&text, "more");
	ck_assert_str_eq(text.data, "kept");
	ck_assert_uint_eq(text.size, 4);
	flagp_text_free(&text);
}
END_TEST

static void
check_escape(const char *value, const char *word)
{
	struct text text = TEXT_INIT;
	char back[600];

	flagp_text_add_escaped(&text, value);
	if (word != NULL)
		ck_assert_str_eq(text.data, word);
	ck_assert_ptr_null(strpbrk(text.data, " \t\n="));
	ck_assert(flagp_text_unescape(text.data, back, sizeof(back)));
	ck_assert_str_eq(back, value);
	/* Exactly enough room, and one byte less. */
	ck_assert(flagp_text_unescape(text.data, back, strlen(value) + 1));
	ck_assert(!flagp_text_unescape(text.data, back, strlen(value)));
	flagp_text_free(&text);
}

START_TEST(escape_keeps_one_word)
{
	char all[256];
	int i;

	check_escape("", "-");
	check_escape("-", "%2D");
	check_escape("--", "--");
	check_escape("disk full", "disk%20full");
	check_escape("a=b%c\n", "a%3Db%25c%0A");
	check_escape("\xc3\xa9", "%C3%A9");
	for (i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	check_escape(all, NULL);
}
END_TEST

START_TEST(unescape_refuses_what_escape_does_not_write)
{
	static const char *const words[] = {
		"", "%", "%2", "a%", "%2g", "%G0", "%00", "%2d", "a b", "a=b",
		"\x7f", "a\n", "\xc3\xa9"
	};
	char buffer[16];
	size_t i;

	for (i = 0; i < FLAGP_COUNT(words); i++)
		ck_assert_msg(!flagp_text_unescape(words[i], buffer,
						   sizeof(buffer)),
			      "accepted: %s", words[i]);
	ck_assert(!flagp_text_unescape("-", buffer, 0));
}
END_TEST

START_TEST(nearest_finds_slips_and_nothing_far)
{
	static const char *const words[] = {
		"state", "guard", "guard_action", "bucket", "ramp"
	};
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "stat", "state" }, { "sttae", "state" },
		{ "sate", "state" }, { "statee", "state" },
		{ "state", "state" }, { "gaurd", "guard" },
		{ "guard_acton", "guard_action" }, { "bukcet", "bucket" },
		{ "rmp", "ramp" }, { "", NULL }, { "x", NULL },
		{ "colour", NULL }, { "tset", NULL }, { "r", NULL }
	};
	char longer[200];
	const char *found;
	size_t i;

	for (i = 0; i < FLAGP_COUNT(cases); i++) {
		found = flagp_text_nearest(cases[i].word, words,
					   FLAGP_COUNT(words));
		if (cases[i].nearest == NULL)
			ck_assert_ptr_null(found);
		else
			ck_assert_pstr_eq(found, cases[i].nearest);
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_ptr_null(flagp_text_nearest(longer, words,
					      FLAGP_COUNT(words)));
	ck_assert_ptr_null(flagp_text_nearest("state", words, 0));
}
END_TEST

START_TEST(crc_is_that_of_zlib)
{
	uint32_t crc;

	ck_assert_uint_eq(flagp_text_crc32(0, "", 0), 0);
	/* The check value of CRC-32/ISO-HDLC, and cksum -a crc32b's. */
	ck_assert_uint_eq(flagp_text_crc32(0, "123456789", 9), 0xcbf43926);
	crc = flagp_text_crc32(0, "1234", 4);
	ck_assert_uint_eq(flagp_text_crc32(crc, "56789", 5), 0xcbf43926);
	ck_assert_uint_eq(flagp_text_crc32(0, "\xff\xff\xff\xff", 4),
			  0xffffffff);
}
END_TEST

START_TEST(hash_is_fnv_1a)
{
	ck_assert_uint_eq(flagp_text_hash(FLAGP_FNV_START, "", 0),
			  0xcbf29ce484222325ull);
	ck_assert_uint_eq(flagp_text_hash(FLAGP_FNV_START, "a", 1),
			  0xaf63dc4c8601ec8cull);
	ck_assert_uint_eq(flagp_text_hash(FLAGP_FNV_START, "foobar", 6),
			  0x85944171f73967e8ull);
}
END_TEST

/* Every byte counts, wherever it stands, and so do the length and the start;
 * nothing is read behind the end. */
START_TEST(digest_depends_on_every_byte)
{
	char text[24] = "0123456789abcdefghijklm";

	for (size_t size = 0; size < sizeof(text); size++) {
		char *copy = malloc(size + 1);
		uint64_t whole;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text, size);
		copy[size] = 'x';
		whole = flagp_text_digest(1, copy, size);
		ck_assert_uint_eq(whole, flagp_text_digest(1, text, size));
		ck_assert_uint_ne(whole, flagp_text_digest(2, text, size));
		ck_assert_uint_ne(whole, flagp_text_digest(1, text, size + 1));
		for (size_t i = 0; i < size; i++) {
			copy[i] ^= (char)0x80;
			ck_assert_uint_ne(whole, flagp_text_digest(1, copy,
								   size));
			copy[i] ^= (char)0x80;
		}
		free(copy);
	}
	ck_assert_uint_ne(flagp_text_digest(1, "\0", 1),
			  flagp_text_digest(1, "\0\0", 2));
}
END_TEST

#define TEN "aaaaaaaaaa"

START_TEST(names_are_what_the_manual_says)
{
	static const char *const good[] = {
		"a", "Z", "0", "checksum.crc32c", "a-b_c.d", "a.",
		TEN TEN TEN TEN "12345678"
	};
	static const char *const bad[] = {
		"", ".", "..", ".a", "-a", "_a", "a b", "a/b", "a\n", "\xc3"
		"\xa9", "a*", "a:b", "a=b", "a%", TEN TEN TEN TEN "123456789"
	};
	size_t i;

	for (i = 0; i < FLAGP_COUNT(good); i++)
		ck_assert_msg(flagp_text_is_name(good[i]), "%s", good[i]);
	for (i = 0; i < FLAGP_COUNT(bad); i++)
		ck_assert_msg(!flagp_text_is_name(bad[i]), "%s", bad[i]);
	ck_assert(!flagp_text_is_name(NULL));
}
END_TEST

START_TEST(patterns_match_runs_and_single_characters)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true },
		{ "*", "abc", true }, { "**", "a", true },
		{ "checksum.*", "checksum.crc32c", true },
		{ "checksum.*", "checksum", false },
		{ "*.fast", "a.fast.fast", true },
		{ "*.fast", "a.fast.slow", false },
		{ "a*b*c", "axxbxbxc", true }, { "a*b*c", "axxcb", false },
		{ "a?c", "abc", true }, { "a?c", "ac", false },
		{ "?", "", false }, { "a", "A", false },
		{ "[a]", "a", false }, { "*a", "aaaaab", false }
	};
	size_t i;

	for (i = 0; i < FLAGP_COUNT(cases); i++)
		ck_assert_msg(flagp_text_matches(cases[i].pattern,
						 cases[i].name) ==
			      cases[i].matches, "%s %s", cases[i].pattern,
			      cases[i].name);
}
END_TEST

START_TEST(printable_masks_controls_and_keeps_letters)
{
	char text[] = "a\t\x1b\x7f\xc2\x85\xe2\x82\xac\x9b\xc3\xa4\x80";

	flagp_text_printable(text);
	ck_assert_str_eq(text, "a?????\xe2\x82\xac?\xc3\xa4?");
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		text_grows_and_ends_with_nul,
		text_remembers_that_memory_was_out, escape_keeps_one_word,
		unescape_refuses_what_escape_does_not_write,
		nearest_finds_slips_and_nothing_far, crc_is_that_of_zlib,
		hash_is_fnv_1a,
		digest_depends_on_every_byte, names_are_what_the_manual_says,
		patterns_match_runs_and_single_characters,
		printable_masks_controls_and_keeps_letters, NULL
	};

	return suite_run("text", tests);
}
