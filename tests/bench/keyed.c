/* SPDX-License-Identifier: MIT */
/*
 * keyed.c - what a read by key costs, against the same hash of the same bytes:
 * murmur3 over name and key in one piece, and the compare.
 *
 *	keyed ROOT
 *
 * Each key depends on the last answer, so that nothing is done in advance.
 */
#include <string.h>

#include "bench.h"

#define ROUNDS 61
#define CALLS 100000u
#define NAME "checksum.crc32c.sw"	/* 18 characters */

struct key {
	char name_and_key[sizeof(NAME) + 64];
	char *key;
	size_t size;
};

static struct flag *flag;
static uint32_t threshold = UINT32_C(1) << 31;

static inline uint32_t
rotate(uint32_t bits, int by)
{
	return bits << by | bits >> (32 - by);
}

/* The plain form of the published description, in one piece. */
static inline __attribute__((__always_inline__)) uint32_t
murmur3(const unsigned char *bytes, size_t size)
{
	uint32_t hash = 0, group;
	size_t i;

	for (i = 0; i + 4 <= size; i += 4) {
		memcpy(&group, bytes + i, 4);
		hash ^= rotate(group * 0xcc9e2d51u, 15) * 0x1b873593u;
		hash = rotate(hash, 13) * 5 + 0xe6546b64u;
	}
	group = 0;
	switch (size & 3) {
	case 3:
		group = (uint32_t)bytes[i + 2] << 16;
		/* fallthrough */
	case 2:
		group |= (uint32_t)bytes[i + 1] << 8;
		/* fallthrough */
	case 1:
		group |= bytes[i];
		hash ^= rotate(group * 0xcc9e2d51u, 15) * 0x1b873593u;
	}
	hash ^= (uint32_t)size;
	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return hash ^ hash >> 16;
}

static __attribute__((__noinline__)) double
time_hash(struct key *key)
{
	size_t size = strlen(NAME) + key->size;
	int64_t start = bench_ns();
	unsigned on = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		on += murmur3((unsigned char *)key->name_and_key, size) <
		      threshold;
		key->key[3] = (char)('a' + (on & 15));
	}
	return (double)(bench_ns() - start) / CALLS;
}

static __attribute__((__noinline__)) double
time_flag(struct key *key)
{
	int64_t start = bench_ns();
	unsigned on = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		on += (unsigned)flag_enabled_for(flag, key->key, key->size);
		key->key[3] = (char)('a' + (on & 15));
	}
	return (double)(bench_ns() - start) / CALLS;
}

static void
compare(size_t size)
{
	double ratio[ROUNDS], ns[ROUNDS], bare;
	char name[24], what[80], text[80];
	struct key key = { .size = size };

	strcpy(key.name_and_key, NAME);
	key.key = key.name_and_key + strlen(NAME);
	memset(key.key, 'k', size);
	for (int i = 0; i < ROUNDS; i++) {
		bare = i % 2 == 0 ? time_hash(&key) : 0;
		ns[i] = time_flag(&key);
		if (i % 2 != 0)
			bare = time_hash(&key);
		ratio[i] = ns[i] / bare;
	}
	snprintf(name, sizeof(name), "keyed.%zu", size);
	snprintf(what, sizeof(what), "flag_enabled_for, key of %zu bytes / the "
		 "same hash", size);
	snprintf(text, sizeof(text), "%.2f ns a read",
		 bench_median(ns, ROUNDS));
	bench_row(name, what, "1.3", bench_median(ratio, ROUNDS), text);
}

int
main(int argc, char **argv)
{
	char path[512];
	FILE *file;

	if (argc != 2)
		return 2;
	snprintf(path, sizeof(path), "%s/etc/bench.ini", argv[1]);
	file = fopen(path, "w");
	if (file == NULL)
		bench_die(path);
	fprintf(file, "[" NAME "]\nstate = 50%%\n");
	fclose(file);
	bench_start(argv[1]);
	flag = flag_find(NAME);
	bench_pin(0);
	compare(16);
	compare(36);
	return 0;
}
