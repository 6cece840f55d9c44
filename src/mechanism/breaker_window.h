/* SPDX-License-Identifier: MIT */
/*
 * breaker_window.h - the breaker's sliding window of counts.
 *
 * Time is cut into pieces of one width, numbered from clock zero.  A cell is
 * one word, tag and count; the tag names generation and piece.  Who finds an
 * older tag puts his own with a count of one, so a window needs no reset and
 * no rotation, and a new generation empties it by existing.
 *
 * A result whose cell already holds a newer piece is a whole window late; it
 * is dropped.
 */
#ifndef FLAGP_BREAKER_WINDOW_H
#define FLAGP_BREAKER_WINDOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BREAKER_BUCKETS_MAX 64u
#define BREAKER_COUNT_MAX 0xffffffu	/* 24 bits: a counter sticks there */
#define BREAKER_LINE 128u		/* what two cores must not share */

struct breaker_sums {
	uint64_t calls, failed, slow;
};

/*
 * Counts of one piece of time in one shard: generation 8 bits, piece 32,
 * count 24 each.  W: threads of the shard, calls before its parts, by
 * compare-and-swap (acq_rel).  R: who sums, the parts before calls (acquire):
 * so a part is never seen without the call that it belongs to.
 */
struct breaker_cell {
	_Atomic uint64_t calls, failed, slow;
};

/* Totals: W threads of the shard, relaxed adds; R read, relaxed. */
struct breaker_shard {
	_Alignas(BREAKER_LINE) _Atomic uint64_t denied;
	_Atomic uint64_t late, dropped;
	struct breaker_cell cell[BREAKER_BUCKETS_MAX];
};

/* How time is cut.  The inverses save two divisions a result. */
struct breaker_geometry {
	_Atomic uint64_t width_ms, width_inverse;
	_Atomic uint64_t buckets, buckets_inverse;
};

struct breaker_window {
	/*
	 * geometry[current & 1] is in force.  W: reload fills the other one
	 * (relaxed), stores current (release), then starts a generation.
	 * R: any, current first (acquire).  Who is overtaken by two reloads
	 * may read a mixture; his generation is over then, and his count is
	 * of no generation that anybody will sum.
	 */
	_Atomic uint32_t current;
	uint32_t shard_mask;		/* W: creation.  R: any. */
	_Atomic uint64_t bucket_max;	/* W: reload.  R: any, relaxed. */
	struct breaker_shard *shards;	/* W: creation.  R: any. */
	struct breaker_geometry geometry[2];
	/*
	 * How many more bad calls of this piece cannot reach a rate: the tag
	 * of a cell, count 24 bits.  W: who judges sets it, bad calls pay
	 * one each, reload makes it void; by compare-and-swap (acq_rel).
	 * R: the same (acquire).
	 */
	_Alignas(BREAKER_LINE) _Atomic uint64_t credit;
};

/* One result to count: key is state and generation of the call's token. */
struct breaker_record {
	uint64_t key;
	uint64_t ms;
	bool failed, slow;
};

/* All of these: any thread, never wait. */

/* How time is cut from now on; only reload, which then starts a generation. */
void flagp_breaker_window_set(struct breaker_window *window,
			      uint64_t window_ms, uint64_t buckets);

/* Where a counter sticks. */
void flagp_breaker_window_limit(struct breaker_window *window,
				uint64_t bucket_max);

/* Counts a result, as long as *word is of the record's generation. */
void flagp_breaker_window_add(struct breaker_window *window,
			      const _Atomic uint64_t *word,
			      const struct breaker_record *record,
			      struct breaker_shard *shard);

/* The counts of the generation of key in the window that ends at ms. */
struct breaker_sums
flagp_breaker_window_sum(const struct breaker_window *window, uint64_t key,
			 uint64_t ms);

/* A bad call pays.  True: no rate can have been reached. */
bool flagp_breaker_window_pay(struct breaker_window *window, uint64_t key,
			      uint64_t ms);

/*
 * A judgement at ms leaves credit, if *seen, loaded before it summed, still
 * stands: else somebody paid or the rules changed, and it must sum again.
 */
uint64_t flagp_breaker_window_credit(const struct breaker_window *window);
bool flagp_breaker_window_leave(struct breaker_window *window, uint64_t seen,
				uint64_t key, uint64_t ms, uint64_t credit);

/* After a change of the rates: no credit is good any more. */
void flagp_breaker_window_void(struct breaker_window *window);

#endif
