/* SPDX-License-Identifier: MIT */
/*
 * stress_board.c - several processes publish to one cell; nothing that was
 * acknowledged may ever be taken back by somebody who knows less.
 *
 * A page of shared memory plays the files: one number, the truth, from which
 * everybody computes what the cell should be.  The writer changes it, waits
 * until one publisher has acknowledged it, and then watches the cell for a
 * while: it must show what the truth says, however late the others are.
 *
 * The same run is made with plain stores, which must be caught, or this test
 * sees nothing.  Then one member stops between reading and storing, step by
 * step: with the rule it stores nothing any more; without the stamp that equal
 * cells get it brings older knowledge back.
 *
 *	STRESS_CHANGES=N	how many changes (4000)
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "core/board.h"
#include "core/change.h"
#include "ripcord.h"

FLAG_DEFINE(stressed, "stress.board", "published by many");

#define PUBLISHERS 6
#define LOOKS 30		/* at the cell, after each acknowledgement */

enum rule { RULE_BOARD, RULE_PLAIN };

static const char *const rule_names[] = { "the board's rule", "plain stores" };

/*
 * What the files would say.  truth: generation << 2 | trip << 1 | on.
 * W: the writer.  R: publishers.  acked: the highest truth that a publisher
 * has finished.  W: publishers.  R: the writer.
 */
static struct shared {
	_Atomic uint64_t truth, acked;
	_Atomic bool stop;
} *shared;

static uint64_t draw_state;

/* A linear congruential generator: the same run every time, but for the
 * scheduler. */
static unsigned
draw(unsigned below)
{
	draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(draw_state >> 33) % below;
}

static void
dawdle(void)
{
	struct timespec moment = { 0, 1000 * (long)draw(200) };

	switch (draw(16)) {
	case 0:
		nanosleep(&moment, NULL);
		break;
	case 1:
	case 2:
		sched_yield();
		break;
	default:
		break;
	}
}

static void
plain_store(const struct board_wish *wish)
{
	bool on = wish->share != 0 && !wish->trip;

	__atomic_store_n(&stressed.state, on ? BOARD_ON : 0, __ATOMIC_RELEASE);
}

static void
raise_acked(uint64_t truth)
{
	uint64_t seen = atomic_load(&shared->acked);

	while (seen < truth &&
	       !atomic_compare_exchange_weak(&shared->acked, &seen, truth))
		continue;
}

/* One turn of a publisher: load the cell, then read, compute, store. */
static void
publish(enum rule rule)
{
	uint64_t seen = flagp_board_load(&stressed);
	struct board_knowledge before = flagp_board_knowledge(), now;
	uint64_t truth = atomic_load(&shared->truth);
	struct board_wish wish = {
		.share = truth & 1 ? FLAGP_SHARE_ALL : 0,
		.trip = (truth & 2) != 0,
	};
	bool restamp = truth != before.knowledge;

	dawdle();
	if (rule == RULE_PLAIN)
		plain_store(&wish);
	else if (!flagp_board_publish(&stressed, seen, &wish, restamp))
		return;
	now = before;
	now.knowledge = truth;
	if (truth != before.knowledge)
		flagp_board_set_knowledge(&before, &now);
	raise_acked(truth);
}

static _Noreturn void
publisher(enum rule rule, unsigned number)
{
	draw_state = number + 1;
	while (!atomic_load(&shared->stop))
		publish(rule);
	_exit(0);
}

static unsigned
watch_cell(uint64_t truth)
{
	bool wanted = (truth & 1) && !(truth & 2);
	unsigned wrong = 0;

	for (int i = 0; i < LOOKS; i++) {
		if (flag_enabled(&stressed) != (int)wanted)
			wrong++;
		sched_yield();
	}
	return wrong;
}

/* Somebody trips the flag: it is off at once, and stays so while nobody has
 * written the record, whatever the files still say. */
static unsigned
trip_once(uint64_t *truth)
{
	unsigned wrong = 0;

	flagp_board_trip(&stressed);
	for (int i = 0; i < LOOKS; i++) {
		wrong += flag_enabled(&stressed) != 0;
		sched_yield();
	}
	*truth |= 2;
	atomic_store(&shared->truth, *truth);
	flagp_board_trip_saved(&stressed);
	return wrong;
}

/*
 * A burst: the files may change again before anybody has acknowledged, which
 * is when a publisher can hold a middle state that nobody else ever saw.
 */
static unsigned
change_once(uint64_t *generation, bool trips)
{
	unsigned wrong = 0, burst = 1 + draw(4);
	uint64_t truth;

	do {
		truth = ++*generation << 2 | draw(2);
		atomic_store(&shared->truth, truth);
		dawdle();
	} while (--burst != 0);
	if (trips && draw(20) == 0)
		wrong += trip_once(&truth);
	while (atomic_load(&shared->acked) < truth)
		sched_yield();
	return wrong + watch_cell(truth);
}

/* Returns how often the cell showed what it must not. */
static unsigned
run(enum rule rule, unsigned changes)
{
	pid_t children[PUBLISHERS];
	uint64_t generation = 0;
	unsigned wrong = 0;

	memset(shared, 0, sizeof(*shared));
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			publisher(rule, i);
	}
	draw_state = 99;
	for (unsigned i = 1; i <= changes; i++)
		wrong += change_once(&generation, rule == RULE_BOARD);
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < PUBLISHERS; i++)
		waitpid(children[i], NULL, 0);
	printf("%s: %u changes, %u looks that showed older knowledge\n",
	       rule_names[rule], changes, wrong);
	fflush(stdout);
	return wrong;
}

/*
 * The flag is off.  One member looks at the cell, reads "on", and stops.  The
 * files say "off" again; another member finds the cell equal and acknowledges.
 * Then the first goes on.  Returns whether it stored.
 */
static bool
stopped_member_stores(bool stamp)
{
	struct board_wish off = { .share = 0 };
	struct board_wish on = { FLAGP_SHARE_ALL, false, true };
	uint64_t seen;

	flagp_board_publish(&stressed, flagp_board_load(&stressed), &off, true);
	seen = flagp_board_load(&stressed);
	flagp_board_publish(&stressed, seen, &off, stamp);
	return flagp_board_publish(&stressed, seen, &on, true);
}

int
main(void)
{
	const char *wanted = getenv("STRESS_CHANGES");
	unsigned changes = wanted != NULL ? (unsigned)atoi(wanted) : 4000;
	unsigned wrong;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	if (shared == MAP_FAILED ||
	    flagp_board_open("stress", false, NULL) != 0) {
		fprintf(stderr, "no shared board\n");
		return 99;
	}
	flagp_unlock(LOCK_CHANGE);

	wrong = run(RULE_BOARD, changes);
	if (run(RULE_PLAIN, changes) == 0) {
		fprintf(stderr, "plain stores were not caught\n");
		wrong++;
	}
	if (stopped_member_stores(true)) {
		fprintf(stderr, "a stopped member brought back older "
				"knowledge\n");
		wrong++;
	}
	if (!stopped_member_stores(false)) {
		fprintf(stderr, "without the stamp nothing was caught\n");
		wrong++;
	}
	return wrong == 0 ? 0 : 1;
}
