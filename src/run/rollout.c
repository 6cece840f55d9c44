/* SPDX-License-Identifier: MIT */
/* rollout.c - see rollout.h; and the public readers by key. */
#include "run/rollout.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/board.h"
#include "core/cells.h"
#include "mechanism/bucket.h"

/* W: the fork handler.  R: any; another number means that this thread's draws
 * are those of the parent. */
static atomic_uint forks = 1;

/* How many threads have begun to draw.  W, R: any. */
static atomic_uint beginners;

/* One thread's draws. */
static __thread struct {
	uint64_t state;
	unsigned fork;			/* 0: not begun */
} draws __attribute__((__tls_model__("initial-exec")));

void
flagp_rollout_forked(void)
{
	atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static uint64_t
scatter(uint64_t bits)
{
	bits = (bits ^ bits >> 33) * 0xff51afd7ed558ccdull;
	bits = (bits ^ bits >> 33) * 0xc4ceb9fe1a85ec53ull;
	return bits ^ bits >> 33;
}

/* Threads differ in number and in where their draws stand, processes in number
 * and time. */
static void
begin_draws(unsigned fork)
{
	uint64_t place = (uint64_t)(uintptr_t)&draws;
	uint64_t number = atomic_fetch_add_explicit(&beginners, 1,
						    memory_order_relaxed);

	draws.state = scatter((uint64_t)flagp_clock_ms() << 32 ^
			      (uint64_t)getpid() << 8 ^ fork);
	draws.state = scatter(draws.state ^ place);
	draws.state = scatter(draws.state ^ number);
	draws.state |= draws.state == 0;
	draws.fork = fork;
}

/* 32 bits of Marsaglia's xorshift with 64 bits of state (shifts 13, 7, 17):
 * the high ones, which are the better half.  Chance, not secrecy. */
static uint32_t
draw(void)
{
	unsigned fork = atomic_load_explicit(&forks, memory_order_relaxed);

	if (draws.fork != fork)
		begin_draws(fork);
	draws.state ^= draws.state << 13;
	draws.state ^= draws.state >> 7;
	draws.state ^= draws.state << 17;
	return (uint32_t)(draws.state >> 32);
}

bool
flagp_rollout_key(const struct flag *flag, uint64_t cell, const void *key,
		  size_t size)
{
	struct cell_facts *facts = flagp_cells_at(flag);

	if (facts != NULL)
		flagp_cells_mark(facts, CELL_USED_FOR_KEYS);
	if (!(BOARD_WORD(cell) & BOARD_PERCENT))
		return BOARD_WORD(cell) & BOARD_ON;
	/* A percentage of nobody: the baseline. */
	if (facts == NULL || key == NULL)
		return false;
	return flagp_bucket_takes(BOARD_THRESHOLD(cell),
				  flagp_bucket_hash(&facts->prefix, key, size));
}

bool
flagp_rollout_call(const struct flag *flag, uint64_t cell)
{
	struct cell_facts *facts = flagp_cells_at(flag);

	if (facts != NULL)
		flagp_cells_mark(facts, CELL_USED_FOR_CALLS);
	if (!(BOARD_WORD(cell) & BOARD_PERCENT))
		return BOARD_WORD(cell) & BOARD_ON;
	return flagp_bucket_takes(BOARD_THRESHOLD(cell), draw());
}

int
flag_enabled_for(const struct flag *flag, const void *key, size_t size)
{
	return flagp_rollout_key(flag, flagp_board_load(flag), key, size);
}

int
flag_enabled_for_str(const struct flag *flag, const char *key)
{
	return flag_enabled_for(flag, key, key != NULL ? strlen(key) : 0);
}

int
flag_enabled_for_id(const struct flag *flag, uint64_t id)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + id % 10);
		id /= 10;
	} while (id != 0);
	return flag_enabled_for(flag, digits + at, sizeof(digits) - at);
}
