/* SPDX-License-Identifier: MIT */
/*
 * span.c - one call of one arm: which arm it takes, and how it ended.
 *
 * In this version a span chooses and remembers; nothing is counted yet.
 */
#include "core/board.h"
#include "ripcord.h"

int
flag_begin(struct flag_span *span, struct flag *flag)
{
	uint64_t cell = flagp_board_load(flag);

	span->flag = flag;
	span->word = BOARD_WORD(cell);
	span->on = span->word & BOARD_ON;
	return (int)span->on;
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
