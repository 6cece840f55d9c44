/* SPDX-License-Identifier: MIT */
/*
 * visible.c - a configuration of 100 lines is saved by rename: how long from
 * the start of its writing until a thread that spins on another processor sees
 * the flag change.
 *
 *	visible ROOT NAME	against a bare pipeline: a thread that inotify
 *				wakes, inih's ini_parse, a store
 *	visible ROOT NAME wait	as a user waits, with the driver's thread
 *
 * The driver lets a saved file be quiet for a while before it looks at it.
 * That wait is a choice, not a cost, so the first form takes it out, but leaves
 * in all else that the driver does: the host's loop calls flag_tick() when
 * flag_fd() says so, then moves the library's clock on by the wait and calls
 * it once more.  Taken off is what the first of these calls takes, which is a
 * part of the wait in earnest.  (flag_reload() would wait for nothing either,
 * but it is not what runs when a file is saved.)  The clock can be replaced
 * only where the library's own objects are linked, so this program is.
 *
 * Both folders are on one file system, and what is saved is written beside
 * them: what stands in a folder before its rename only starts the wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <ini.h>

#include "base/clock.h"
#include "bench.h"

#define FLAGS 33		/* three lines each, and one more */
#define ROUNDS 301
#define WARM_UP 20
#define WAITS 25
#define QUIET_MS 100
#define PAUSE_NS 2000000	/* what follows a change has ended */

static const char *root;
static const char *name;	/* of the rows */

/* --- the spinning reader ------------------------------------------------- */

/* What it looks for.  W: the writer, before it posts.  R: the reader. */
static const volatile uint32_t *word;
static uint32_t wanted;
static int64_t seen_at;		/* W: the reader, before it answers */
static int posts[2], answers[2];

static void *
spin(void *unused)
{
	char byte;

	(void)unused;
	bench_pin(1);
	while (read(posts[0], &byte, 1) == 1) {
		/* from now on it spins */
		if (write(answers[1], "", 1) != 1)
			bench_die("write");
		while ((*word & 1) != wanted)
			;
		seen_at = bench_ns();
		if (write(answers[1], "", 1) != 1)
			bench_die("write");
	}
	return NULL;
}

static void
start_reader(void)
{
	pthread_t thread;

	if (pipe2(posts, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0 ||
	    pthread_create(&thread, NULL, spin, NULL) != 0)
		bench_die("reader");
}

static void
hear(void)
{
	char byte;

	if (read(answers[0], &byte, 1) != 1)
		bench_die("read");
}

/* --- files --------------------------------------------------------------- */

/* Puts the folder's path, made if it is not there, and a file's in it. */
static void
make_path(char *path, size_t size, const char *folder, const char *file)
{
	snprintf(path, size, "%s/%s", root, folder);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		bench_die(path);
	snprintf(path, size, "%s/%s/%s", root, folder, file);
}

static size_t
write_text(char *text, size_t size, unsigned on)
{
	size_t used = (size_t)snprintf(text, size, "; a hundred lines\n");
	unsigned i;

	for (i = 0; i < FLAGS; i++)
		used += (size_t)snprintf(text + used, size - used,
					 "[bench.visible%u]\nstate = %s\n\n",
					 i, on ? "on" : "off");
	return used;
}

/* Saves a file with the flags on or off. */
static void
save(const char *temporary, const char *path, const char *text, size_t size)
{
	int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	if (file < 0 || write(file, text, size) != (ssize_t)size ||
	    close(file) != 0 || rename(temporary, path) != 0)
		bench_die(path);
}

/* Nanoseconds from the start of a save until the reader has seen it. */
static double
time_save(const char *temporary, const char *path, uint32_t on)
{
	static const struct timespec pause = { 0, PAUSE_NS };
	char text[8192];
	size_t size = write_text(text, sizeof(text), on);
	int64_t start;

	wanted = on;
	if (write(posts[1], "", 1) != 1)
		bench_die("write");
	hear();
	start = bench_ns();
	save(temporary, path, text, size);
	hear();
	nanosleep(&pause, NULL);
	return (double)(seen_at - start);
}

/* --- the bare pipeline --------------------------------------------------- */

static struct {
	_Alignas(64) uint32_t value;
} bare_cells[FLAGS];

struct bare {
	char temporary[4096], path[4096];
	int inotify;
};

static int
take_pair(void *data, const char *section, const char *key, const char *value)
{
	unsigned number;

	(void)data;
	if (strcmp(key, "state") == 0 &&
	    sscanf(section, "bench.visible%u", &number) == 1 && number < FLAGS)
		__atomic_store_n(&bare_cells[number].value,
				 strcmp(value, "on") == 0, __ATOMIC_RELAXED);
	return 1;
}

static void *
follow_bare(void *argument)
{
	struct bare *bare = argument;
	_Alignas(struct inotify_event) char events[4096];

	bench_pin(0);
	while (read(bare->inotify, events, sizeof(events)) > 0)
		if (ini_parse(bare->path, take_pair, NULL) != 0)
			bench_die("ini_parse");
	return NULL;
}

static void
start_bare(struct bare *bare)
{
	pthread_t thread;
	char folder[4096];

	make_path(bare->temporary, sizeof(bare->temporary), "bare.new", "x");
	make_path(bare->path, sizeof(bare->path), "bare", "bench.ini");
	snprintf(folder, sizeof(folder), "%s/bare", root);
	bare->inotify = inotify_init1(IN_CLOEXEC);
	if (inotify_add_watch(bare->inotify, folder, IN_MOVED_TO) < 0 ||
	    pthread_create(&thread, NULL, follow_bare, bare) != 0)
		bench_die("inotify");
}

/* --- the product --------------------------------------------------------- */

/* W: the loop.  R: the library, called by it, and by the start. */
static int64_t skipped_ms;
/* What the turn took that only began the wait.  W: the loop, before its second
 * turn.  R: the writer, when the reader has seen what that one did. */
static int64_t first_turn_ns;

static int64_t
tell_ms(void)
{
	return bench_clock(CLOCK_BOOTTIME) / 1000000 + skipped_ms;
}

static int64_t
tell_wall(void)
{
	return (int64_t)time(NULL);
}

static void *
follow_product(void *unused)
{
	struct pollfd polled = { flag_fd(), POLLIN, 0 };

	(void)unused;
	bench_pin(0);
	while (poll(&polled, 1, -1) == 1) {
		int64_t start = bench_ns();

		flag_tick();
		skipped_ms += QUIET_MS;
		first_turn_ns = bench_ns() - start;
		flag_tick();
	}
	return NULL;
}

static struct flag *
start_product(enum flag_driver driver)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;
	struct flag *flag = NULL;
	char text[32];
	unsigned i;

	options.root = root;
	options.driver = driver;
	if (flag_start("bench", &options, &error) != 0) {
		fprintf(stderr, "flag_start: %s\n", error.text);
		exit(1);
	}
	for (i = 0; i < FLAGS; i++) {
		snprintf(text, sizeof(text), "bench.visible%u", i);
		flag = flag_find(text);
	}
	return flag;
}

static void
start_loop(void)
{
	pthread_t thread;

	flag_tick();
	if (pthread_create(&thread, NULL, follow_product, NULL) != 0)
		bench_die("pthread_create");
}

/* --- rows ---------------------------------------------------------------- */

/* What the folder lies on. */
static const char *
file_system(void)
{
	static char number[32];
	struct statfs info;

	if (statfs(root, &info) != 0)
		bench_die(root);
	if (info.f_type == 0x01021994)
		return "tmpfs";
	if (info.f_type == 0xef53)
		return "ext4";
	snprintf(number, sizeof(number), "type %#lx", (long)info.f_type);
	return number;
}

static void
row(const char *part, const char *what, const char *goal, double value,
    const char *text)
{
	char whole[64], words[96];

	snprintf(whole, sizeof(whole), "visible.%s.%s", name, part);
	snprintf(words, sizeof(words), "%s, %s", what, file_system());
	bench_row(whole, words, goal, value, text);
}

static void
against_bare(const char *temporary, const char *path)
{
	static const struct flagp_clock clock = { tell_wall, tell_ms };
	static struct bare bare;
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];
	const volatile uint32_t *cell;
	char text[80];
	int i;

	flagp_clock_replace(&clock);
	cell = flag_word(start_product(FLAG_DRIVER_LOOP));
	start_loop();
	start_bare(&bare);
	for (i = -WARM_UP; i < ROUNDS; i++) {
		int round = i < 0 ? 0 : i;

		word = &bare_cells[FLAGS - 1].value;
		theirs[round] = time_save(bare.temporary, bare.path,
					  (uint32_t)i & 1);
		word = cell;
		ours[round] = time_save(temporary, path, (uint32_t)i & 1) -
			      (double)first_turn_ns;
		ratio[round] = ours[round] / theirs[round];
	}
	snprintf(text, sizeof(text), "%.0f us, bare %.0f us",
		 bench_median(ours, ROUNDS) / 1e3,
		 bench_median(theirs, ROUNDS) / 1e3);
	row("bare", "saved until seen / bare pipeline", "1.5",
	    bench_median(ratio, ROUNDS), text);
}

static void
as_a_user_waits(const char *temporary, const char *path)
{
	double waits[WAITS];
	char text[80];
	int i;

	word = flag_word(start_product(FLAG_DRIVER_THREAD));
	for (i = -1; i < WAITS; i++)
		waits[i < 0 ? 0 : i] = time_save(temporary, path,
						 (uint32_t)i & 1) / 1e6;
	snprintf(text, sizeof(text), "of these %d ms are the driver's wait",
		 QUIET_MS);
	row("wait", "saved until seen, ms", "-", bench_median(waits, WAITS),
	    text);
	flag_stop();
}

int
main(int argc, char **argv)
{
	char temporary[4096], path[4096], text[8192];
	size_t size = write_text(text, sizeof(text), 0);

	if (argc != 3 && (argc != 4 || strcmp(argv[3], "wait") != 0))
		return 2;
	root = argv[1];
	name = argv[2];
	bench_set();
	if (bench_processors() < 2) {
		bench_no_row("visible", "saved until seen", "-", "n/a",
			     "one processor");
		return 0;
	}
	make_path(temporary, sizeof(temporary), "etc.new", "bench.ini");
	make_path(path, sizeof(path), "etc", "bench.ini");
	save(temporary, path, text, size);
	bench_pin(0);
	start_reader();
	if (argc == 4)
		as_a_user_waits(temporary, path);
	else
		against_bare(temporary, path);
	return 0;
}
