/* SPDX-License-Identifier: MIT */
/*
 * span.c - one call of one arm: which arm it takes, and how it ended.
 *
 * In this version a span chooses and remembers; nothing is counted yet.
 */
#include "core/board.h"
#include "ripcord.h"
#include "run/rollout.h"

static int
open_span(struct flag_span *span, struct flag *flag, uint64_t cell, bool on)
{
	span->flag = flag;
	span->word = BOARD_WORD(cell);
	span->on = on;
	return on;
}

int
flag_begin(struct flag_span *span, struct flag *flag)
{
	uint64_t cell = flagp_board_load(flag);

	return open_span(span, flag, cell, flagp_rollout_call(flag, cell));
}

int
flag_begin_keyed(struct flag_span *span, struct flag *flag, const void *key,
		 size_t size)
{
	uint64_t cell = flagp_board_load(flag);

	return open_span(span, flag, cell,
			 flagp_rollout_key(flag, cell, key, size));
}

void
flag_end(struct flag_span *span, enum flag_outcome outcome)
{
	(void)outcome;
	span->flag = NULL;
}

void
flag_cancel(struct flag_span *span)
{
	span->flag = NULL;
}
