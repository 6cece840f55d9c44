/* SPDX-License-Identifier: MIT */
/*
 * test_bucket.c - the sticky hash against flagd's known answers and against a
 * second implementation, its thresholds, and what shares promise.
 */
#include "mechanism/bucket.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compiler.h"
#include "suite.h"

#define TWO_32 (UINT64_C(1) << 32)

/* A sequence that a seed repeats: Weyl's, stirred. */
static uint64_t
next_random(uint64_t *seed)
{
	uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/*
 * The second implementation: byte by byte, in arithmetic modulo 2^32, as the
 * description of murmur3 reads.  It shares nothing with the first.
 */
static uint64_t
slow_rotate(uint64_t number, int by)
{
	for (; by > 0; by--)
		number = number * 2 % TWO_32 + number / (TWO_32 / 2);
	return number;
}

static uint64_t
slow_group(uint64_t group)
{
	group = group * 3432918353 % TWO_32;
	group = slow_rotate(group, 15);
	return group * 461845907 % TWO_32;
}

static uint32_t
slow_hash(const unsigned char *bytes, size_t size)
{
	uint64_t hash = 0, group = 0, unit = 1;

	for (size_t i = 0; i < size; i++) {
		group += bytes[i] * unit;
		unit *= 256;
		if (unit != TWO_32)
			continue;
		hash = slow_rotate(hash ^ slow_group(group), 13);
		hash = (hash * 5 + 3864292196) % TWO_32;
		group = 0;
		unit = 1;
	}
	if (unit != 1)
		hash ^= slow_group(group);
	hash ^= size % TWO_32;
	hash = (hash ^ hash / 65536) * 2246822507 % TWO_32;
	hash = (hash ^ hash / 8192) * 3266489909 % TWO_32;
	return (uint32_t)(hash ^ hash / 65536);
}

/* flagd's arm: the cumulative weight above (hash * sum) >> 32.  A negative
 * weight counts as 0; -1 where no arm has any. */
static int
slow_arm(uint32_t hash, const long *weights, size_t count)
{
	uint64_t sum = 0, end = 0;

	for (size_t i = 0; i < count; i++)
		sum += weights[i] > 0 ? (uint64_t)weights[i] : 0;
	for (size_t i = 0; i < count; i++) {
		end += weights[i] > 0 ? (uint64_t)weights[i] : 0;
		if (hash * sum / TWO_32 < end)
			return (int)i;
	}
	return -1;
}

static uint32_t
fast_hash(const void *name, size_t name_size, const void *key, size_t key_size)
{
	struct bucket_prefix prefix;

	flagp_bucket_prefix(&prefix, name, name_size);
	return flagp_bucket_hash(&prefix, key, key_size);
}

/* Cut anywhere into name and key, the bytes have one hash. */
static void
check_cuts(const unsigned char *bytes, size_t size, uint32_t expected,
	   const char *what)
{
	ck_assert_msg(slow_hash(bytes, size) == expected, "%s: slow", what);
	for (size_t cut = 0; cut <= size; cut++)
		ck_assert_msg(fast_hash(bytes, cut, bytes + cut, size - cut) ==
			      expected, "%s: cut at %zu", what, cut);
}

START_TEST(texts_have_their_published_hashes)
{
	static const struct {
		const char *text;
		uint32_t hash;
	} known[] = {
		{ "", 0 },
		{ "test", 0xba6bd213 },
		{ "Hello, world!", 0xc0363e43 },
		{ "The quick brown fox jumps over the lazy dog", 0x2e4ff723 },
		{ "ejOoVL", 0 },
		{ "bY9fO-", 1 },
		{ "6LvT0", 0x80000000 },
		{ "fractional-flagjack", 2682799072 },
		{ "shared-seedseven", 2854277753 },
		{ "fractional-flag-shorthandjon@company.com", 618039204 },
	};

	for (size_t i = 0; i < FLAGP_COUNT(known); i++)
		check_cuts((const unsigned char *)known[i].text,
			   strlen(known[i].text), known[i].hash,
			   known[i].text);
}
END_TEST

/* One row of the known answers: its first six fields. */
struct vector {
	char *generation, *kind, *hex, *hash, *weights, *arm;
};

static char *
cut_field(char **rest)
{
	char *field = *rest, *comma = strchr(field, ',');

	ck_assert_msg(comma != NULL, "a field is missing: %s", field);
	*comma = '\0';
	*rest = comma + 1;
	return field;
}

static size_t
read_hex(const char *hex, unsigned char *bytes, size_t room)
{
	size_t size = strlen(hex) / 2;

	ck_assert_uint_eq(strlen(hex) % 2, 0);
	ck_assert_uint_le(size, room);
	for (size_t i = 0; i < size; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		char *end;

		bytes[i] = (unsigned char)strtoul(pair, &end, 16);
		ck_assert_msg(end == pair + 2, "not hexadecimal: %s", hex);
	}
	return size;
}

static size_t
read_weights(char *text, long *weights, size_t room)
{
	size_t count = 0;

	while (*text != '\0') {
		char *end;

		ck_assert_uint_lt(count, room);
		weights[count++] = strtol(text, &end, 10);
		ck_assert_msg(end != text && (*end == ';' || *end == '\0'),
			      "weights: %s", text);
		text = *end == ';' ? end + 1 : end;
	}
	return count;
}

/* Where the end of an arm is a whole number of steps, the threshold of that
 * share must part the same hashes. */
static void
check_thresholds(uint32_t hash, const long *weights, size_t count, int arm)
{
	uint64_t sum = 0, end = 0;

	for (size_t i = 0; i < count; i++)
		sum += weights[i] > 0 ? (uint64_t)weights[i] : 0;
	for (size_t i = 0; i + 1 < count; i++) {
		uint32_t threshold;

		end += weights[i] > 0 ? (uint64_t)weights[i] : 0;
		if (sum == 0 || end == sum || end * FLAGP_SHARE_ALL % sum != 0)
			continue;
		threshold = flagp_bucket_threshold(
			(uint32_t)(end * FLAGP_SHARE_ALL / sum));
		ck_assert_int_eq(flagp_bucket_takes(threshold, hash),
				 arm <= (int)i);
	}
}

static void
check_vector(const struct vector *row)
{
	unsigned char bytes[4096];
	long weights[64];
	size_t size = read_hex(row->hex, bytes, sizeof(bytes));
	size_t count = read_weights(row->weights, weights, 64);
	uint32_t hash = (uint32_t)strtoul(row->hash, NULL, 10);
	int arm = atoi(row->arm);

	/* The generations hash alike; the third makes other bytes of a key,
	 * the first makes other arms of a hash. */
	check_cuts(bytes, size, hash, row->hex);
	if (strcmp(row->generation, "v1") == 0)
		return;
	ck_assert_msg(strcmp(row->generation, "v2") == 0 ||
		      strcmp(row->generation, "v3") == 0,
		      "generation %s is not known here", row->generation);
	ck_assert_int_eq(slow_arm(hash, weights, count), arm);
	check_thresholds(hash, weights, count, arm);
}

static FILE *
open_vectors(void)
{
	const char *source = getenv("RIPCORD_SOURCE");
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/data/flagd.csv",
		 source == NULL ? "." : source);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	return file;
}

START_TEST(every_known_answer_of_flagd_is_given)
{
	FILE *file = open_vectors();
	char *line = NULL, *rest;
	size_t room = 0;
	unsigned arms = 0;

	ck_assert(getline(&line, &room, file) > 0);
	ck_assert_str_eq(line, "gen,kind,hashed_hex,hash_u32,weights,"
			 "expected_index,expected_variant,readable,source\n");
	while (getline(&line, &room, file) > 0) {
		struct vector row;

		rest = line;
		row.generation = cut_field(&rest);
		row.kind = cut_field(&rest);
		row.hex = cut_field(&rest);
		row.hash = cut_field(&rest);
		row.weights = cut_field(&rest);
		row.arm = cut_field(&rest);
		check_vector(&row);
		arms += strcmp(row.generation, "v1") != 0;
	}
	ck_assert_uint_gt(arms, 0);
	free(line);
	fclose(file);
}
END_TEST

START_TEST(two_implementations_agree_on_a_million_inputs)
{
	unsigned char bytes[160];
	uint64_t seed = 1;

	for (unsigned i = 0; i < 1000000; i++) {
		uint64_t choice = next_random(&seed);
		size_t start = choice % 8;
		size_t name = (choice >> 8) % (FLAGP_NAME_MAX + 1);
		size_t key = (choice >> 16) % 72;
		unsigned char *at = bytes + start;

		for (size_t j = 0; j < sizeof(bytes); j += 8) {
			uint64_t random = next_random(&seed);

			memcpy(bytes + j, &random, 8);
		}
		if (fast_hash(at, name, at + name, key) !=
		    slow_hash(at, name + key))
			ck_abort_msg("input %u: name %zu, key %zu, start %zu",
				     i, name, key, start);
	}
}
END_TEST

START_TEST(long_keys_agree)
{
	enum { SIZE = 100003 };
	unsigned char *bytes = malloc(SIZE);
	uint64_t seed = 2;

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (unsigned char)next_random(&seed);
	for (size_t name = 0; name < 8; name++)
		ck_assert_uint_eq(fast_hash(bytes, name, bytes + name,
					    SIZE - name),
				  slow_hash(bytes, SIZE));
	free(bytes);
}
END_TEST

START_TEST(name_and_key_need_not_lie_together)
{
	static const char name[] = "checksum.crc32c";
	static const char key[] = "user-42";
	struct bucket_prefix prefix;
	char both[64];

	for (size_t size = 0; size < sizeof(name); size++) {
		snprintf(both, sizeof(both), "%.*s%s", (int)size, name, key);
		flagp_bucket_prefix(&prefix, name, size);
		ck_assert_uint_eq(flagp_bucket_hash(&prefix, key, 7),
				  slow_hash((unsigned char *)both, size + 7));
		ck_assert_uint_eq(flagp_bucket_hash(&prefix, NULL, 0),
				  slow_hash((unsigned char *)both, size));
	}
}
END_TEST

/* Keys that begin at the first byte of a page and keys that end at its last,
 * with no page before and behind: any other byte ends the test. */
START_TEST(no_byte_beside_the_key_is_read)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *map = mmap(NULL, 3 * page, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *first = map + page, *end = first + page, both[80];

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(first, page, PROT_READ | PROT_WRITE), 0);
	memset(first, 'k', page);
	memset(both, 'k', sizeof(both));
	for (size_t size = 0; size <= 72; size++) {
		for (size_t name = 0; name < 8; name++) {
			uint32_t hash = slow_hash(both, name + size);

			ck_assert_uint_eq(fast_hash(both, name, end - size,
						    size), hash);
			ck_assert_uint_eq(fast_hash(both, name, first, size),
					  hash);
			ck_assert_uint_eq(fast_hash(end - size, size, both,
						    name), hash);
			ck_assert_uint_eq(fast_hash(first, size, both, name),
					  hash);
		}
	}
	ck_assert_int_eq(munmap(map, 3 * page), 0);
}
END_TEST

/* The same for the sanitizer, at every size of an allocation. */
START_TEST(no_byte_beside_an_allocation_is_read)
{
	unsigned char both[80];

	memset(both, 'k', sizeof(both));
	for (size_t size = 1; size <= 40; size++) {
		unsigned char *key = malloc(size);

		ck_assert_ptr_nonnull(key);
		memset(key, 'k', size);
		for (size_t name = 0; name < 4; name++)
			ck_assert_uint_eq(fast_hash(both, name, key, size),
					  slow_hash(both, name + size));
		free(key);
	}
}
END_TEST

/*
 * (hash * ALL) >> 32 never falls when hash grows, so if the last hash below a
 * threshold is taken and the one at it is not, all 2^32 are judged alike.
 * Returns whether that is so for one share.
 */
static bool
parts_alike(uint32_t share)
{
	uint32_t at = flagp_bucket_threshold(share);
	uint64_t below = ((uint64_t)at - 1) * FLAGP_SHARE_ALL >> 32;
	uint64_t above = (uint64_t)at * FLAGP_SHARE_ALL >> 32;

	return at > 0 && below < share && above >= share &&
	       flagp_bucket_takes(at, at - 1) && !flagp_bucket_takes(at, at);
}

/* An assertion costs a system call: loops over all shares ask one for many. */
START_TEST(threshold_parts_all_hashes_as_the_multiplication_does)
{
	for (uint32_t share = 1; share < FLAGP_SHARE_ALL; share++)
		if (!parts_alike(share))
			ck_abort_msg("share %u", share);
}
END_TEST

/* Thresholds grow at each step, and who is below one is below every greater
 * one: then a hash that is in once is in from there on. */
START_TEST(growing_moves_nobody_out)
{
	static uint32_t thresholds[FLAGP_SHARE_ALL];
	uint64_t seed = 3;

	for (uint32_t share = 0; share < FLAGP_SHARE_ALL; share++) {
		thresholds[share] = flagp_bucket_threshold(share);
		if (thresholds[share] >= flagp_bucket_threshold(share + 1))
			ck_abort_msg("share %u", share);
	}
	for (unsigned i = 0; i < 100; i++) {
		uint32_t hash = (uint32_t)next_random(&seed);
		bool was_in = false;

		for (uint32_t share = 0; share < FLAGP_SHARE_ALL; share++) {
			bool is_in = flagp_bucket_takes(thresholds[share],
							hash);

			if (was_in && !is_in)
				ck_abort_msg("hash %u: out at share %u", hash,
					     share);
			was_in = is_in;
		}
	}
}
END_TEST

START_TEST(nothing_takes_nobody_and_all_is_a_mark)
{
	uint32_t last = flagp_bucket_threshold(FLAGP_SHARE_ALL - 1);

	ck_assert_uint_eq(flagp_bucket_threshold(0), 0);
	ck_assert(!flagp_bucket_takes(0, 0));
	ck_assert(!flagp_bucket_takes(0, UINT32_MAX));
	ck_assert_uint_eq(flagp_bucket_threshold(FLAGP_SHARE_ALL),
			  UINT32_MAX);
	/* No share that is compared looks like the mark. */
	ck_assert_uint_lt(last, UINT32_MAX - 40000);
	/* Compared nevertheless, it errs towards the baseline, by one. */
	ck_assert(flagp_bucket_takes(BUCKET_ALL, UINT32_MAX - 1));
	ck_assert(!flagp_bucket_takes(BUCKET_ALL, UINT32_MAX));
}
END_TEST

START_TEST(what_is_no_share_takes_nobody)
{
	ck_assert_uint_eq(flagp_bucket_threshold(FLAGP_SHARE_ALL + 1), 0);
	ck_assert_uint_eq(flagp_bucket_threshold(FLAGP_SHARE_NONE), 0);
}
END_TEST

#define KEYS 200000u
#define FLAGS 8u

/* hashes[flag][key] of keys such as services have them. */
static uint32_t (*hash_keys(void))[KEYS]
{
	uint32_t (*hashes)[KEYS] = malloc(FLAGS * sizeof(*hashes));

	ck_assert_ptr_nonnull(hashes);
	for (unsigned flag = 0; flag < FLAGS; flag++) {
		char name[24], key[24];
		int size = snprintf(name, sizeof(name), "cache.arm-%u", flag);
		struct bucket_prefix prefix;

		flagp_bucket_prefix(&prefix, name, (size_t)size);
		for (unsigned i = 0; i < KEYS; i++) {
			size = snprintf(key, sizeof(key), "user-%u", i);
			hashes[flag][i] = flagp_bucket_hash(&prefix, key,
							    (size_t)size);
		}
	}
	return hashes;
}

/* Five standard deviations of a binomial count, squared: the bound of one
 * comparison, chosen before the numbers were seen. */
#define CHI_MAX 25.0

START_TEST(shares_are_met)
{
	static const uint32_t shares[] = { 100, 1000, 10000, 50000, 99000 };
	uint32_t (*hashes)[KEYS] = hash_keys();

	for (unsigned flag = 0; flag < FLAGS; flag++) {
		for (unsigned i = 0; i < FLAGP_COUNT(shares); i++) {
			uint32_t at = flagp_bucket_threshold(shares[i]);
			double p = (double)shares[i] / FLAGP_SHARE_ALL;
			double off = -p * KEYS;

			for (unsigned key = 0; key < KEYS; key++)
				off += flagp_bucket_takes(at,
							  hashes[flag][key]);
			ck_assert_double_lt(off * off / (KEYS * p * (1 - p)),
					    CHI_MAX);
		}
	}
	free(hashes);
}
END_TEST

/* Chi-square of the fourfold table of two flags, at 1 degree of freedom. */
static double
dependence(const uint32_t *a, uint32_t at_a, const uint32_t *b, uint32_t at_b)
{
	double in_a = 0, in_b = 0, both = 0, product;

	for (unsigned key = 0; key < KEYS; key++) {
		bool takes_a = flagp_bucket_takes(at_a, a[key]);
		bool takes_b = flagp_bucket_takes(at_b, b[key]);

		in_a += takes_a;
		in_b += takes_b;
		both += takes_a && takes_b;
	}
	product = both * KEYS - in_a * in_b;
	return product * product * KEYS /
	       (in_a * (KEYS - in_a) * in_b * (KEYS - in_b));
}

START_TEST(flags_are_independent)
{
	uint32_t (*hashes)[KEYS] = hash_keys();
	uint32_t tenth = flagp_bucket_threshold(10000);
	uint32_t half = flagp_bucket_threshold(50000);

	for (unsigned a = 0; a < FLAGS; a++) {
		for (unsigned b = 0; b < a; b++) {
			ck_assert_double_lt(dependence(hashes[a], tenth,
						       hashes[b], tenth),
					    CHI_MAX);
			ck_assert_double_lt(dependence(hashes[a], half,
						       hashes[b], half),
					    CHI_MAX);
			ck_assert_double_lt(dependence(hashes[a], tenth,
						       hashes[b], half),
					    CHI_MAX);
		}
	}
	/* The measure sees a dependence where there is one. */
	ck_assert_double_gt(dependence(hashes[0], tenth, hashes[0], half),
			    CHI_MAX);
	free(hashes);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		texts_have_their_published_hashes,
		every_known_answer_of_flagd_is_given,
		two_implementations_agree_on_a_million_inputs,
		long_keys_agree,
		name_and_key_need_not_lie_together,
		no_byte_beside_the_key_is_read,
		no_byte_beside_an_allocation_is_read,
		threshold_parts_all_hashes_as_the_multiplication_does,
		growing_moves_nobody_out,
		nothing_takes_nobody_and_all_is_a_mark,
		what_is_no_share_takes_nobody,
		shares_are_met,
		flags_are_independent,
		NULL,
	};

	return suite_run("bucket", tests);
}
