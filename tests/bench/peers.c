/* SPDX-License-Identifier: MIT */
/*
 * peers.c - flag_enabled() beside other ways to ask whether something is on, in
 * one run: against a bare relaxed load in a dense loop, by one thread and by
 * two at once.
 *
 *	peers ROOT		the table's rows
 *	peers list		name and description of each, between a tab
 *	peers count NAME N	runs one loop, for a program that counts
 */
#include <string.h>

#include "contest.h"
#include "peers.h"

#define PAIR_ROUNDS 31

const struct loops *loops_program(void);

/* Who takes part.  slower: than the relaxed load, roughly, so that none takes
 * much longer than the others. */
struct entrant {
	const char *name, *what;
	const struct peer *(*get)(void);
	unsigned slower;
};

static const struct peer *
get_flag(void)
{
	static struct peer self;

	self.loop = loops_program()->flag_off;
	return &self;
}

static const struct peer *
get_relaxed(void)
{
	static struct peer self;

	self.loop = loops_program()->relaxed_off;
	return &self;
}

static const struct entrant entrants[] = {
	{ "flag", "flag_enabled()", get_flag, 1 },
	{ "relaxed", "bare relaxed load", get_relaxed, 1 },
	{ "lttng", "LTTng-UST tracepoint, disabled", peer_lttng, 1 },
	{ "gflags", "gflags FLAGS_x, racy", peer_gflags, 1 },
	{ "absl", "absl::GetFlag<bool>", peer_absl, 2 },
	{ "memb", "liburcu-memb section, inlined", peer_urcu_memb, 8 },
	{ "bp", "liburcu-bp section, inlined", peer_urcu_bp, 8 },
	{ "memb_call", "liburcu-memb section, by call", peer_urcu_memb_call,
	  64 },
	{ "bp_call", "liburcu-bp section, by call", peer_urcu_bp_call, 64 },
	{ "mutex", "pthread_mutex_lock", peer_mutex, 64 },
	{ "rwlock", "pthread_rwlock_rdlock", peer_rwlock, 64 },
};

#define ENTRANTS (sizeof(entrants) / sizeof(entrants[0]))

static void
enter(const struct peer *peer)
{
	if (peer->enter != NULL)
		peer->enter();
}

static void
leave(const struct peer *peer)
{
	if (peer->leave != NULL)
		peer->leave();
}

static void
one_thread(const struct entrant *entrant)
{
	const struct peer *peer = entrant->get();
	char name[32], what[80];
	struct contender c = {
		.name = name, .what = what,
		.goal = strcmp(entrant->name, "flag") == 0 ? "1.15" : "-",
		.base = loops_program()->relaxed_off,
		.iterations = ITERATIONS / entrant->slower,
	};
	int round;

	snprintf(name, sizeof(name), "peer.%s", entrant->name);
	snprintf(what, sizeof(what), "%s / relaxed load", entrant->what);
	if (peer != NULL) {
		c.loop = peer->loop;
		enter(peer);
		for (round = 0; round < ROUNDS; round++)
			contest_round(&c, round);
		leave(peer);
	}
	contest_report(&c);
}

/* --- two threads --------------------------------------------------------- */

struct runner {
	const struct peer *peer;
	unsigned long iterations;
	int processor;
	pthread_barrier_t *start;
	double ns;
};

/* By the wall's clock: to wait for the other thread is a part of a lock. */
static void *
run_loop(void *argument)
{
	struct runner *r = argument;

	bench_pin(r->processor);
	enter(r->peer);
	pthread_barrier_wait(r->start);
	r->ns = contest_time(r->peer->loop, r->iterations);
	leave(r->peer);
	return NULL;
}

/* Nanoseconds of one read in each of two threads at the same time. */
static double
time_pair(const struct peer *peer, unsigned long iterations)
{
	struct runner runners[2];
	pthread_t threads[2];
	pthread_barrier_t start;
	int i;

	pthread_barrier_init(&start, NULL, 2);
	for (i = 0; i < 2; i++) {
		runners[i] = (struct runner){ peer, iterations, i, &start, 0 };
		if (pthread_create(&threads[i], NULL, run_loop,
				   &runners[i]) != 0)
			bench_die("pthread_create");
	}
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	return (runners[0].ns + runners[1].ns) / 2;
}

static void
two_threads(const struct entrant *entrant)
{
	const struct peer *peer = entrant->get(), *relaxed = get_relaxed();
	unsigned long iterations = 4 * ITERATIONS / entrant->slower;
	double ns[PAIR_ROUNDS], ratio[PAIR_ROUNDS];
	char name[32], what[80], text[80];
	int round;

	snprintf(name, sizeof(name), "pair.%s", entrant->name);
	snprintf(what, sizeof(what), "two threads: %s / relaxed load",
		 entrant->what);
	if (peer == NULL || bench_processors() < 2) {
		bench_no_row(name, what, "-", peer == NULL ? "absent" : "n/a",
			     peer == NULL ? "" : "one processor");
		return;
	}
	for (round = 0; round < PAIR_ROUNDS; round++) {
		double base = time_pair(relaxed, 4 * ITERATIONS);

		ns[round] = time_pair(peer, iterations);
		ratio[round] = ns[round] / base;
	}
	snprintf(text, sizeof(text), "%.2f ns a read",
		 bench_median(ns, PAIR_ROUNDS));
	bench_row(name, what, "-", bench_median(ratio, PAIR_ROUNDS), text);
}

/* --- counting ------------------------------------------------------------ */

static int
count(const char *name, unsigned long iterations)
{
	const struct peer *peer;
	size_t i;

	if (strcmp(name, "empty") == 0) {
		contest_empty(iterations);
		return 0;
	}
	for (i = 0; i < ENTRANTS; i++) {
		if (strcmp(name, entrants[i].name) != 0)
			continue;
		peer = entrants[i].get();
		if (peer == NULL)
			return 1;
		enter(peer);
		peer->loop(iterations);
		leave(peer);
		return 0;
	}
	return 1;
}

int
main(int argc, char **argv)
{
	size_t i;

	if (argc == 4 && strcmp(argv[1], "count") == 0)
		return count(argv[2], strtoul(argv[3], NULL, 10));
	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "list") == 0) {
		for (i = 0; i < ENTRANTS; i++)
			printf("%s\t%s\n", entrants[i].name, entrants[i].what);
		return 0;
	}
	bench_start(argv[1]);
	bench_pin(0);
	for (i = 0; i < ENTRANTS; i++)
		one_thread(&entrants[i]);
	for (i = 0; i < ENTRANTS; i++)
		two_threads(&entrants[i]);
	return 0;
}
