/* SPDX-License-Identifier: MIT */
/*
 * bucket.h - which keys a percentage takes: the sticky hash "flagd2".  Pure.
 *
 * The hash is murmur3 (x86, 32 bits, seed 0) of the flag's name with the key
 * right behind it, both as bytes, nothing between.  flagd, in its second
 * generation, puts a hash into the part (hash * weights) >> 32 of the sum of
 * all weights; a flag has two arms, the optimized one first, and weights that
 * add up to FLAGP_SHARE_ALL.  For one share that is one compare:
 *
 *	(hash * ALL) >> 32 < share
 *	    <=>  hash * ALL < share * 2^32
 *	    <=>  hash < ceil(share * 2^32 / ALL) = threshold
 *
 * Growing moves nobody out: a greater share has a greater threshold, and who
 * was below the old one is below the new one.  Flags are independent: each
 * hashes its own name, so the same key lands elsewhere in each.
 *
 * The compare is "<", not "<=", so that a threshold of 0 takes nobody: off
 * needs no second look.  All, 2^32, has no room in 32 bits and stands there as
 * all ones, which leaves out the one hash that is all ones as well.  A share
 * of 0 or ALL is therefore not to be compared at all: the on bit of the flag
 * answers alone, and no key is hashed.  A reader that compares nevertheless
 * errs towards the baseline, for one hash of 2^32.
 */
#ifndef FLAGP_BUCKET_H
#define FLAGP_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The threshold of FLAGP_SHARE_ALL; no smaller share comes near it. */
#define BUCKET_ALL UINT32_MAX

/*
 * The hash as it stands behind a flag's name, made once, so that a read costs
 * the key's bytes only.  Fixed once made.
 */
struct bucket_prefix {
	uint32_t hash;		/* of the name's whole groups of four bytes */
	uint32_t tail;		/* the bytes left over, the first one lowest */
	uint32_t size;		/* of the name; size % 4 bytes are in tail */
};

void flagp_bucket_prefix(struct bucket_prefix *prefix, const void *name,
			 size_t size);

/* The hash of the name and size bytes of key, wherever they lie; touches no
 * other byte.  key may be NULL where size is 0. */
uint32_t flagp_bucket_hash(const struct bucket_prefix *prefix,
			   const void *key, size_t size);

/* The threshold of a share; BUCKET_ALL for FLAGP_SHARE_ALL, and 0 for what is
 * no share. */
uint32_t flagp_bucket_threshold(uint32_t share);

/* The share whose threshold it is. */
uint32_t flagp_bucket_share(uint32_t threshold);

/* Whether a share between 0 and FLAGP_SHARE_ALL takes the hash. */
static inline bool
flagp_bucket_takes(uint32_t threshold, uint32_t hash)
{
	return hash < threshold;
}

#endif
