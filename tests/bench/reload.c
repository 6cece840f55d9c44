/* SPDX-License-Identifier: MIT */
/*
 * reload.c - what a reload of many flags costs, against inih's own parse of
 * the same file in the same run, in turn; then whether a reader on another
 * processor notices reloads that follow each other without a pause.
 *
 *	reload ROOT [FLAGS]	the table's rows
 *	reload ROOT FLAGS N	N reloads and no more, for a profiler
 *
 * Half of the flags change with each reload.  A reload is flag_reload(): the
 * files are looked for, read, checked and parsed, every flag is decided, its
 * cell stored, its line in the registration written, and what was in force
 * before is freed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <ini.h>

#include "bench.h"

#define FLAGS 10000u
#define ROUNDS 61
#define WARM_UP 5
#define UNSORTED 7919u		/* how far the next flag is from this one */
#define READER_ROUNDS 21
#define READER_ITERATIONS 12000000ul
#define READER_FLAGS 16

static char path[2][4096];	/* the file in force, and the next one */
static unsigned flags = FLAGS;
static struct flag **found;

/* Every other flag changes from one turn to the next. */
static int
is_on(unsigned index, unsigned turn)
{
	return index % 2 == 0 ? index % 4 == 0 : (index / 2 + turn) % 2 == 0;
}

static void
name_flag(char *name, size_t size, unsigned index)
{
	snprintf(name, size, "bench.reload.flag%06u", index);
}

static void
write_file(const char *where, unsigned turn, unsigned stride)
{
	FILE *file = fopen(where, "w");
	char name[48];
	unsigned k;

	if (file == NULL)
		bench_die(where);
	for (k = 0; k < flags; k++) {
		unsigned i = (unsigned)((uint64_t)k * stride % flags);

		name_flag(name, sizeof(name), i);
		fprintf(file, "[%s]\nstate = %s\n\n", name,
			is_on(i, turn) ? "on" : "off");
	}
	if (fclose(file) != 0)
		bench_die(where);
}

/* stride 1: in the order of names; another prime: in none.  Each flag once. */
static void
write_files(unsigned stride)
{
	write_file(path[0], 0, stride);
	write_file(path[1], 1, stride);
}

static void
make_paths(const char *root)
{
	snprintf(path[0], sizeof(path[0]), "%s/etc", root);
	if (mkdir(path[0], 0700) != 0 && errno != EEXIST)
		bench_die(path[0]);
	snprintf(path[0], sizeof(path[0]), "%s/etc/bench.ini", root);
	snprintf(path[1], sizeof(path[1]), "%s/etc/next", root);
}

/* Puts the other file in place, and the one that stood there aside. */
static void
save(void)
{
	if (renameat2(AT_FDCWD, path[0], AT_FDCWD, path[1],
		      RENAME_EXCHANGE) != 0)
		bench_die(path[0]);
}

static void
find_flags(void)
{
	char name[48];
	unsigned i;

	found = calloc(flags, sizeof(struct flag *));
	if (found == NULL)
		bench_die("calloc");
	for (i = 0; i < flags; i++) {
		name_flag(name, sizeof(name), i);
		found[i] = flag_find(name);
	}
}

static void
reload(void)
{
	struct flag_error error;

	if (flag_reload(&error) == 0)
		return;
	fprintf(stderr, "flag_reload: %s\n", error.text);
	exit(1);
}

static void
check(unsigned turn)
{
	unsigned i;

	for (i = 0; i < flags; i++) {
		if (flag_enabled(found[i]) == is_on(i, turn))
			continue;
		fprintf(stderr, "reload: flag %u is not what the file says\n",
			i);
		exit(1);
	}
}

static int
count_pair(void *data, const char *section, const char *name,
	   const char *value)
{
	unsigned *pairs = data;

	(void)section;
	(void)name;
	(void)value;
	++*pairs;
	return 1;
}

static double
time_inih(void)
{
	unsigned pairs = 0;
	int64_t start = bench_ns();

	if (ini_parse(path[0], count_pair, &pairs) != 0 || pairs != flags)
		bench_die("ini_parse");
	return (double)(bench_ns() - start);
}

static double
time_reload(void)
{
	int64_t start = bench_ns();

	reload();
	return (double)(bench_ns() - start);
}

static void
against_inih(const char *name, const char *order)
{
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];
	char what[80], text[80];
	unsigned i;

	for (i = 0; i < WARM_UP + ROUNDS; i++) {
		unsigned round = i < WARM_UP ? 0 : i - WARM_UP;

		save();
		/* the order changes, so that neither finds the file warm */
		if (i % 2 == 0)
			theirs[round] = time_inih();
		ours[round] = time_reload();
		if (i % 2 != 0)
			theirs[round] = time_inih();
		ratio[round] = ours[round] / theirs[round];
		check(i + 1);
	}
	snprintf(what, sizeof(what), "reload of %u flags%s / inih's ini_parse",
		 flags, order);
	snprintf(text, sizeof(text), "%.2f ms, inih %.2f ms",
		 bench_median(ours, ROUNDS) / 1e6,
		 bench_median(theirs, ROUNDS) / 1e6);
	bench_row(name, what, "1.5", bench_median(ratio, ROUNDS),
		  text);
}

/* --- a reader on another processor ---------------------------------------- */

/* W: the reader.  R: the thread that reloads. */
static int reader_done;

/* Sixteen flags an iteration; volatile, so that each is really read. */
static unsigned long
read_flags(unsigned long iterations)
{
	unsigned long on = 0;
	int i;

	for (; iterations > 0; iterations--)
		for (i = 0; i < READER_FLAGS; i++)
			on += (unsigned long)flag_enabled(found[i]);
	return on;
}

/* Reads in a millisecond of the thread's own time. */
static void *
run_reader(void *argument)
{
	double *rate = argument;
	int64_t start;
	unsigned long on;

	bench_pin(1);
	start = bench_thread_ns();
	on = read_flags(READER_ITERATIONS);
	*rate = 1e6 * (double)READER_ITERATIONS * READER_FLAGS /
		(double)(bench_thread_ns() - start);
	__asm__ __volatile__("" : : "r"(on));
	__atomic_store_n(&reader_done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* The reader's rate while this thread reloads, or sleeps. */
static double
rate_beside(int reloading, unsigned *reloads)
{
	pthread_t reader;
	double rate;

	__atomic_store_n(&reader_done, 0, __ATOMIC_RELAXED);
	if (pthread_create(&reader, NULL, run_reader, &rate) != 0)
		bench_die("pthread_create");
	while (reloading && !__atomic_load_n(&reader_done, __ATOMIC_ACQUIRE)) {
		save();
		reload();
		++*reloads;
	}
	pthread_join(reader, NULL);
	return rate;
}

static void
beside_reader(void)
{
	static const char what[] =
		"one reader, reloads on the other processor / without";
	double ratio[READER_ROUNDS], alone[READER_ROUNDS];
	unsigned reloads = 0;
	char text[80];
	int i;

	if (bench_processors() < 2) {
		bench_no_row("reload.reader", what, ">= 0.98", "n/a",
			     "one processor");
		return;
	}
	for (i = 0; i < READER_ROUNDS; i++) {
		double beside = 0;

		if (i % 2 == 0)
			beside = rate_beside(1, &reloads);
		alone[i] = rate_beside(0, &reloads);
		if (i % 2 != 0)
			beside = rate_beside(1, &reloads);
		ratio[i] = beside / alone[i];
	}
	snprintf(text, sizeof(text), "%u reloads, %.0f reads a us", reloads,
		 bench_median(alone, READER_ROUNDS) / 1e3);
	bench_row("reload.reader", what, ">= 0.98",
		  bench_median(ratio, READER_ROUNDS), text);
}

int
main(int argc, char **argv)
{
	unsigned long i, only = 0;

	if (argc < 2 || argc > 4)
		return 2;
	if (argc > 2)
		flags = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		only = strtoul(argv[3], NULL, 10);
	if (flags < READER_FLAGS)
		return 2;
	make_paths(argv[1]);
	write_files(1);
	bench_start(argv[1]);
	bench_pin(0);
	find_flags();
	if (only != 0) {
		for (i = 0; i < only; i++) {
			save();
			reload();
		}
		check((unsigned)only);
		return 0;
	}
	against_inih("reload.inih", "");
	beside_reader();
	write_files(UNSORTED);
	against_inih("reload.unsorted", " in no order");
	flag_stop();
	return 0;
}
