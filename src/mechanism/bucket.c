/* SPDX-License-Identifier: MIT */
/* bucket.c - see bucket.h. */
#include "mechanism/bucket.h"

#include <string.h>

#include "base/compiler.h"

/* Four bytes as a number, the first one lowest. */
static inline uint32_t
load(const unsigned char *bytes)
{
	uint32_t group;

	memcpy(&group, bytes, sizeof(group));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	group = __builtin_bswap32(group);
#endif
	return group;
}

/* 0 to 3 bytes in the same way; with fewer than 3, some are read twice. */
static inline uint32_t
load_few(const unsigned char *bytes, size_t size)
{
	size_t middle = size / 2;

	if (size == 0)
		return 0;
	return (uint32_t)bytes[0] | (uint32_t)bytes[middle] << 8 * middle |
	       (uint32_t)bytes[size - 1] << 8 * (size - 1);
}

static inline uint32_t
rotate(uint32_t bits, unsigned by)
{
	return bits << by | bits >> (32 - by);
}

/* What a group adds to the hash; nothing if it is 0. */
static inline uint32_t
scramble(uint32_t group)
{
	return rotate(group * 0xcc9e2d51u, 15) * 0x1b873593u;
}

static inline uint32_t
mix(uint32_t hash, uint32_t group)
{
	return rotate(hash ^ scramble(group), 13) * 5 + 0xe6546b64u;
}

/* rest: the last 0 to 3 bytes, the first one lowest. */
static inline uint32_t
finish(uint32_t hash, uint32_t rest, uint32_t size)
{
	hash ^= scramble(rest) ^ size;
	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return hash ^ hash >> 16;
}

void
flagp_bucket_prefix(struct bucket_prefix *prefix, const void *name,
		    size_t size)
{
	const unsigned char *at = name;
	size_t left = size;

	prefix->hash = 0;
	for (; left >= 4; left -= 4, at += 4)
		prefix->hash = mix(prefix->hash, load(at));
	prefix->tail = load_few(at, left);
	prefix->size = (uint32_t)size;
}

/* Name and key may make one group more, and leave up to three bytes. */
static uint32_t
hash_few(const struct bucket_prefix *prefix, const unsigned char *key,
	 size_t size)
{
	size_t held = prefix->size % 4;
	uint64_t rest = (uint64_t)load_few(key, size) << 8 * held |
			prefix->tail;
	uint32_t hash = prefix->hash;

	if (held + size >= 4) {
		hash = mix(hash, (uint32_t)rest);
		rest >>= 32;
	}
	return finish(hash, (uint32_t)rest, prefix->size + (uint32_t)size);
}

/*
 * The name's tail is filled up from the key, then groups are taken from where
 * they lie.  A key of four bytes or more lets both ends be read as a whole
 * group, of which what does not belong is shifted out.
 */
uint32_t
flagp_bucket_hash(const struct bucket_prefix *prefix, const void *key,
		  size_t size)
{
	const unsigned char *at = key, *end;
	unsigned held = prefix->size % 4, left;
	uint32_t hash;
	uint64_t rest;

	if (size < 4)
		return hash_few(prefix, at, size);
	end = at + size;
	hash = mix(prefix->hash, prefix->tail | load(at) << 8 * held);
	for (at += 4 - held; end - at >= 4; at += 4)
		hash = mix(hash, load(at));
	left = (unsigned)(end - at);
	rest = (uint64_t)load(end - 4) >> (32 - 8 * left);
	return finish(hash, (uint32_t)rest, prefix->size + (uint32_t)size);
}

uint32_t
flagp_bucket_threshold(uint32_t share)
{
	if (share == FLAGP_SHARE_ALL)
		return BUCKET_ALL;
	if (share > FLAGP_SHARE_ALL)
		return 0;
	return (uint32_t)((((uint64_t)share << 32) + FLAGP_SHARE_ALL - 1) /
			  FLAGP_SHARE_ALL);
}

uint32_t
flagp_bucket_share(uint32_t threshold)
{
	if (threshold == BUCKET_ALL)
		return FLAGP_SHARE_ALL;
	return (uint32_t)((uint64_t)threshold * FLAGP_SHARE_ALL >> 32);
}
