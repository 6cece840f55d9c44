/* SPDX-License-Identifier: MIT */
/*
 * test_filed.c - the pure parts of the example service: what it takes for a
 * request, and that both arms give the answer that is known otherwise.
 */
#include "suite.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../examples/checksum.h"
#include "../examples/http.h"
#include "../examples/search.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST "Host: a\r\n"

/* What http_parse() returns for a text; -1 stands for all of it. */
struct sample {
	const char *text;
	long result;
};

static const struct sample samples[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", -1 },
	{ "HEAD / HTTP/1.1\r\n" HOST "\r\n", -1 },
	{ "GET / HTTP/1.0\r\n\r\n", -1 },
	{ "GET / HTTP/1.1\r\nhOST:\ta \t\r\n\r\n", -1 },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", -1 },
	{ "GET / HTTP/1.1\r\n" HOST "X-Request-Id: a-1_b\r\n\r\n", -1 },
	/* Not all there yet. */
	{ "", 0 },
	{ "GET / HT", 0 },
	{ "GET / HTTP/1.1\r\n" HOST "\r", 0 },
	{ "GET / HTTP/1.1\n" "Host: a\n\n", 0 },
	/* No such grammar. */
	{ "\r\n\r\n", -400 },
	{ "GET\r\n\r\n", -400 },
	{ "GET /\r\n\r\n", -400 },
	{ "GET  / HTTP/1.1\r\n" HOST "\r\n", -400 },
	{ "GET / HTTP/1.1 \r\n" HOST "\r\n", -400 },
	{ "GET / HTTP/1.10\r\n" HOST "\r\n", -400 },
	{ "GET / http/1.1\r\n" HOST "\r\n", -400 },
	{ " GET / HTTP/1.1\r\n" HOST "\r\n", -400 },
	{ "G(T / HTTP/1.1\r\n" HOST "\r\n", -400 },
	{ "GET /\x7f HTTP/1.1\r\n" HOST "\r\n", -400 },
	{ "GET /\xe4 HTTP/1.1\r\n" HOST "\r\n", -400 },
	{ "GET http://a/ HTTP/1.1\r\n" HOST "\r\n", -400 },
	{ "GET * HTTP/1.1\r\n" HOST "\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "Name : a\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "Name\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "Name: a\nb\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "Name: a\rb\r\n\r\n", -400 },
	/* Not one host. */
	{ "GET / HTTP/1.1\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", -400 },
	/* A body. */
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: -0\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
	  -400 },
	/* What would be sent back must be one word. */
	{ "GET / HTTP/1.1\r\n" HOST "X-Request-Id:\r\n\r\n", -400 },
	{ "GET / HTTP/1.1\r\n" HOST "X-Request-Id: a b\r\n\r\n", -400 },
	/* Well formed, but not to be had. */
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", -405 },
	{ "get / HTTP/1.1\r\n" HOST "\r\n", -405 },
	{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", -405 },
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", -505 },
};

START_TEST(requests_are_taken_or_refused)
{
	struct http_request request;
	size_t i;

	for (i = 0; i < COUNT(samples); i++) {
		const char *text = samples[i].text;
		long wanted = samples[i].result;
		long result = http_parse(&request, text, strlen(text));

		if (wanted == -1)
			wanted = (long)strlen(text);
		ck_assert_msg(result == wanted, "%s: %ld, not %ld", text,
			      result, wanted);
		ck_assert(result > 0 || !request.keep);
	}
}
END_TEST

START_TEST(a_request_is_taken_once_it_is_whole)
{
	const char text[] = "GET /a HTTP/1.1\r\n" HOST "\r\nGET /b";
	const size_t whole = strlen(text) - strlen("GET /b");
	struct http_request request;
	size_t size;

	for (size = 0; size < strlen(text); size++)
		ck_assert_int_eq(http_parse(&request, text, size),
				 size < whole ? 0 : (long)whole);
	ck_assert_uint_eq(request.target_length, 2);
	ck_assert(memcmp(request.target, "/a", 2) == 0);
}
END_TEST

START_TEST(a_head_without_end_is_refused)
{
	static char text[HTTP_HEAD_LIMIT + 100];
	struct http_request request;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET / HTTP/1.1\r\nHost: ", 22);
	ck_assert_int_eq(http_parse(&request, text, HTTP_HEAD_LIMIT - 1), 0);
	ck_assert_int_eq(http_parse(&request, text, HTTP_HEAD_LIMIT), -431);
	/* An end behind the limit comes too late. */
	memcpy(text + HTTP_HEAD_LIMIT - 3, "\r\n\r\n", 4);
	ck_assert_int_eq(http_parse(&request, text, sizeof(text)), -431);
	memcpy(text + HTTP_HEAD_LIMIT - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(http_parse(&request, text, sizeof(text)),
			 HTTP_HEAD_LIMIT);
}
END_TEST

/* The version, fields, and whether the connection is kept. */
static const struct {
	const char *version, *fields;
	bool keep;
} kept[] = {
	{ "1.1", "", true },
	{ "1.0", "", false },
	{ "1.0", "Connection: keep-alive\r\n", true },
	{ "1.1", "Connection: close\r\n", false },
	{ "1.1", "Connection: foo, CLOSE\r\n", false },
	{ "1.1", "Connection: closed\r\n", true },
	{ "1.1", "Connection: close\r\nConnection: keep-alive\r\n", false },
};

START_TEST(connections_are_kept_as_asked)
{
	struct http_request request;
	char text[256];
	size_t i;

	for (i = 0; i < COUNT(kept); i++) {
		int length = snprintf(text, sizeof(text),
				      "GET / HTTP/%s\r\n" HOST "%s\r\n",
				      kept[i].version, kept[i].fields);

		ck_assert_int_eq(http_parse(&request, text, (size_t)length),
				 length);
		ck_assert_msg(request.keep == kept[i].keep, "%s", text);
	}
}
END_TEST

START_TEST(a_head_request_gets_no_body)
{
	const char text[] = "HEAD / HTTP/1.1\r\n" HOST
			    "X-Request-Id: 7\r\n\r\n";
	struct http_request request;
	struct bytes out = { 0 };

	ck_assert_int_gt(http_parse(&request, text, strlen(text)), 0);
	http_answer(&out, &request, 200, "ok\n", 3);
	bytes_add(&out, "", 1);
	ck_assert_str_eq(out.data,
			 "HTTP/1.1 200 OK\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Length: 3\r\n"
			 "Connection: keep-alive\r\n"
			 "X-Request-Id: 7\r\n\r\n");
	bytes_free(&out);
}
END_TEST

/* "123456789" is the text whose checksum catalogues of CRCs give. */
START_TEST(both_arms_know_the_checksum)
{
	checksum_prepare();
	FLAG_TEST_BOTH(&checksum_slice8) {
		ck_assert_uint_eq(checksum("123456789", 9), 0xcbf43926u);
		ck_assert_uint_eq(checksum("", 0), 0);
	}
}
END_TEST

/* Bit by bit, as the definition says. */
static uint32_t
checksum_by_bits(const unsigned char *p, size_t size)
{
	uint32_t crc = 0xffffffffu;
	size_t i;

	for (i = 0; i < size * 8; i++) {
		uint32_t bit = (crc ^ (uint32_t)(p[i / 8] >> i % 8)) & 1;

		crc = crc >> 1 ^ (bit != 0 ? 0xedb88320u : 0);
	}
	return ~crc;
}

START_TEST(both_arms_divide_any_length_from_any_place)
{
	unsigned char data[64];
	size_t start, size;

	for (start = 0; start < sizeof(data); start++)
		data[start] = (unsigned char)(start * 167 + 13);
	checksum_prepare();
	FLAG_TEST_BOTH(&checksum_slice8)
		for (start = 0; start < 9; start++)
			for (size = 0; size < 50; size++)
				ck_assert_uint_eq(
					checksum(data + start, size),
					checksum_by_bits(data + start, size));
}
END_TEST

/* As the definition says: the leftmost, then on behind it. */
static size_t
count_by_strstr(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		count++;
	return count;
}

/* All texts of a and b of one length, so every overlap and border occurs. */
START_TEST(both_arms_count_what_does_not_overlap)
{
	static const char *const words[] = {
		"a", "aa", "ab", "aba", "abba", "aabaab", "abababab"
	};
	char text[20] = "";
	unsigned bits, i, w;

	FLAG_TEST_BOTH(&search_ends) {
		for (bits = 0; bits < 1u << 18; bits += 3) {
			for (i = 0; i < 18; i++)
				text[i] = bits >> i & 1 ? 'a' : 'b';
			w = bits % COUNT(words);
			ck_assert_uint_eq(search_count(text, 18, words[w],
						       strlen(words[w])),
					  count_by_strstr(text, words[w]));
		}
	}
}
END_TEST

START_TEST(both_arms_find_a_word_at_every_place)
{
	char text[100];
	size_t at, length;

	FLAG_TEST_BOTH(&search_ends)
		for (length = 1; length <= 30; length++)
			for (at = 0; at + length <= sizeof(text); at++) {
				memset(text, '.', sizeof(text));
				memset(text + at, 'x', length);
				ck_assert_uint_eq(search_count(
					text, sizeof(text), text + at,
					length), 1);
			}
}
END_TEST

/* Bytes that differ by one bit are where the eight-byte trick could err. */
START_TEST(both_arms_take_no_neighbour_for_the_word)
{
	static const char text[] =
		"\x01\x00\x01\x00\x80\x81\xff\x00\x01\x01\x00\x00\x01\x02"
		"\x00\x01\x00\x80\x7f\x00\x01\x00\x00\x00\x01\x00\x81\x80";

	FLAG_TEST_BOTH(&search_ends) {
		ck_assert_uint_eq(search_count(text, 28, "\x00\x01", 2), 6);
		ck_assert_uint_eq(search_count(text, 28, "\x01\x01", 2), 1);
		ck_assert_uint_eq(search_count(text, 28, "\x80", 1), 3);
		ck_assert_uint_eq(search_count(text, 28, "\x03", 1), 0);
		ck_assert_uint_eq(search_count(text, 1, "\x01\x00", 2), 0);
		ck_assert_uint_eq(search_count(text, 0, "\x01", 1), 0);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		requests_are_taken_or_refused,
		a_request_is_taken_once_it_is_whole,
		a_head_without_end_is_refused,
		connections_are_kept_as_asked,
		a_head_request_gets_no_body,
		both_arms_know_the_checksum,
		both_arms_divide_any_length_from_any_place,
		both_arms_count_what_does_not_overlap,
		both_arms_find_a_word_at_every_place,
		both_arms_take_no_neighbour_for_the_word,
		NULL
	};

	return suite_run("filed", tests);
}
