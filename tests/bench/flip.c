/* SPDX-License-Identifier: MIT */
/*
 * flip.c - how long a flip takes until a thread on another processor has seen
 * it, against the store of a bare word.
 *
 * One clock: the writer flips and waits for the answer, a bare store by the
 * reader.  One way is the round trip less half of a bare one.
 */
#include "bench.h"

#define TRIPS 2001
#define ROUNDS 31

FLAG_DEFINE(flipped, "bench.flip", "is flipped");

struct word {
	_Alignas(128) uint32_t value;
};

enum way {
	WAY_BARE,		/* a store to a bare word */
	WAY_BARE_SWAP,		/* a compare-and-swap of it */
	WAY_STORE,		/* a store to the cell */
	WAY_SWAP,		/* what publishes: a compare-and-swap of it */
	WAY_CALL,		/* flag_test_set() */
	WAY_COUNT
};

/* W: the writer.  R: the reader. */
static struct word bare, stop;
static struct word way_now = { WAY_COUNT };
/* W: the reader.  R: the writer. */
static struct word answer, ready = { WAY_COUNT };

static inline uint32_t
load(const struct word *word)
{
	return __atomic_load_n(&word->value, __ATOMIC_RELAXED);
}

static inline void
store(struct word *word, uint32_t value)
{
	__atomic_store_n(&word->value, value, __ATOMIC_RELAXED);
}

/* Answers every change of what it reads, until told to stop. */
static void
follow_bare(uint32_t way)
{
	uint32_t seen = load(&bare);

	store(&ready, way);
	while (load(&way_now) == way) {
		while (load(&bare) == seen)
			if (load(&way_now) != way)
				return;
		seen = !seen;
		store(&answer, seen);
	}
}

static void
follow_flag(uint32_t way)
{
	int seen = flag_enabled(&flipped);

	store(&ready, way);
	while (load(&way_now) == way) {
		while (flag_enabled(&flipped) == seen)
			if (load(&way_now) != way)
				return;
		seen = !seen;
		store(&answer, (uint32_t)seen);
	}
}

static void *
reader(void *unused)
{
	bench_pin(1);
	while (load(&stop) == 0) {
		uint32_t way = load(&way_now);

		if (way <= WAY_BARE_SWAP)
			follow_bare(way);
		else if (way < WAY_COUNT)
			follow_flag(way);
	}
	return unused;
}

static void
swap(uint32_t *word, uint32_t on)
{
	uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(word, &old, on, 0,
					    __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

static void
flip(enum way way, uint32_t on)
{
	switch (way) {
	case WAY_BARE:
		store(&bare, on);
		break;
	case WAY_BARE_SWAP:
		swap(&bare.value, on);
		break;
	case WAY_STORE:
		__atomic_store_n(&flipped.state, on, __ATOMIC_RELAXED);
		break;
	case WAY_SWAP:
		swap(&flipped.state, on);
		break;
	default:
		flag_test_set(&flipped, (int)on);
	}
}

/* The median round trip in ns. */
static double
round_trip(enum way way)
{
	static double ns[TRIPS];
	uint32_t on = 0;
	int64_t start;
	int i;

	flip(way, 0);
	store(&answer, 2);
	store(&way_now, way);
	while (load(&ready) != (uint32_t)way)
		;
	for (i = 0; i < TRIPS; i++) {
		on = !on;
		start = bench_ns();
		flip(way, on);
		while (load(&answer) != on)
			;
		ns[i] = (double)(bench_ns() - start);
	}
	flip(way, 0);
	return bench_median(ns, TRIPS);
}

static void
report(const char *name, const char *what, const char *goal,
       double trips[WAY_COUNT][ROUNDS], enum way way)
{
	double ratio[ROUNDS], ns[ROUNDS], half;
	char text[80];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		half = trips[WAY_BARE][i] / 2;
		ns[i] = trips[way][i] - half;
		ratio[i] = ns[i] / half;
	}
	snprintf(text, sizeof(text), "%.0f ns one way",
		 bench_median(ns, ROUNDS));
	bench_row(name, what, goal, bench_median(ratio, ROUNDS), text);
}

int
main(int argc, char **argv)
{
	static const char cell[] = "compare-and-swap of the cell until seen / "
		"bare store";
	static const char call[] = "flag_test_set() until seen / bare store";
	double trips[WAY_COUNT][ROUNDS];
	pthread_t thread;
	int round, way;

	if (bench_processors() < 2) {
		bench_no_row("flip.swap", cell, "1.2", "n/a", "one processor");
		bench_no_row("flip.call", call, "1.2", "n/a", "one processor");
		return 0;
	}
	if (argc != 2)
		return 2;
	bench_start(argv[1]);
	bench_pin(0);
	if (pthread_create(&thread, NULL, reader, NULL) != 0)
		bench_die("pthread_create");
	for (round = 0; round < ROUNDS; round++)
		for (way = 0; way < WAY_COUNT; way++)
			trips[way][round] = round_trip((enum way)way);
	store(&stop, 1);
	store(&way_now, WAY_COUNT);
	pthread_join(thread, NULL);
	report("flip.bare", "compare-and-swap of a bare word / bare store",
	       "-", trips, WAY_BARE_SWAP);
	report("flip.store", "store of the cell until seen / bare store", "-",
	       trips, WAY_STORE);
	report("flip.swap", cell, "1.2", trips, WAY_SWAP);
	report("flip.call", call, "1.2", trips, WAY_CALL);
	return 0;
}
