/* SPDX-License-Identifier: MIT */
/*
 * host.c - a small service for scenarios: it obeys commands from standard
 * input, one a line, and answers each with one line.
 *
 *	host SERVICE [--root DIR] [--loop | --hand] [--follow] [--private]
 *	     [--fork N] [--sighup] [--log FILE] [--environment]
 *	     [--instance NAME]
 *
 * --loop: the driver is this program's loop; --hand: only "tick" turns it.
 * --follow: children do not register.  --fork N: N children at the start.
 * --sighup: SIGHUP reloads.  --log: what the library tells, a line each.
 * The first line is "ready RESULT PID [CHILD...] [: ERROR]".
 *
 *	read FLAG		on | off
 *	key FLAG KEY		on | off, by key
 *	calls FLAG N		in how many of N calls it is on
 *	value TUNABLE		what it is now, and in a view
 *	explain FLAG		what flag_explain() says
 *	tick			turns the driver of --loop and --hand
 *	trip FLAG EVIDENCE	trips it as a guard would
 *	poke FLAG WORD		writes a word into the cell, as a bug would
 *	until FLAG SECONDS	makes the flag's "on" end so far from now
 *	boot FLAG ID		makes the flag's "on" one of another boot
 *	hold | release		the lock of writers
 *	sample FLAG		reads it from now on, some thousand times a
 *				second, in a thread
 *	sampled			ends that: how often it was on, and off
 *	fork			child PID: it runs on and follows its family
 *	child			child PID: the same, with a driver of its own
 *	start | stop | reload	their result
 *	close			closes every descriptor, as daemons do
 *	exit			ends in order
 *	crash			ends without a word
 *
 * SIGUSR1 makes any of them write the states of its flags.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "core/change.h"
#include "ripcord.h"
#include "store/paths.h"
#include "store/record.h"

#define CHILDREN_MAX 64

FLAG_DEFINE(crc, "checksum.crc32c", "hardware CRC32C");
FLAG_DEFINE(fast_search, "search.fast", "search by words");
FLAG_DEFINE_WITH(simd, "parse.simd", "parser with vectors", FLAG_INITIAL_ON,
		 "parser team");

FLAG_SIZE(cache_bytes, "cache.bytes", 64 << 20, 1 << 20, 1 << 30,
	  "bytes of the result cache");
FLAG_STRING(cache_mode, "cache.mode", "lru", 16, "how the cache forgets");

static struct {
	const char *service;
	struct flag_options options;
	bool by_hand;
	int children;
} host = { NULL, FLAG_OPTIONS_INIT, false, 0 };

static void
write_states(int signal_number)
{
	char text[] = "states 000\n";

	(void)signal_number;
	text[7] = (char)('0' + flag_enabled(&crc));
	text[8] = (char)('0' + flag_enabled(&fast_search));
	text[9] = (char)('0' + flag_enabled(&simd));
	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
}

static struct flag *
find(const char *name)
{
	return flag_find(name != NULL ? name : "");
}

static void
answer_result(int result, const struct flag_error *error)
{
	printf("%d%s%s\n", result, error->code != 0 ? " : " : "", error->text);
}

static void
do_fork(bool child)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (child)
			flag_child(NULL);
		for (;;)
			pause();
	}
	printf("child %d\n", (int)pid);
}

static void
do_read(char *rest)
{
	printf("%s\n", flag_enabled(find(rest)) ? "on" : "off");
}

static void
do_explain(char *rest)
{
	char text[256];

	flag_explain(find(rest), text, sizeof(text));
	printf("%s\n", text);
}

static void
do_tick(char *rest)
{
	(void)rest;
	printf("%d\n", flag_tick() >= 0);
}

static void
do_key(char *rest)
{
	struct flag *flag = find(strsep(&rest, " "));

	puts(flag_enabled_for_str(flag, rest != NULL ? rest : "") ? "on" :
								      "off");
}

static void
do_calls(char *rest)
{
	struct flag *flag = find(strsep(&rest, " "));
	int calls = rest != NULL ? atoi(rest) : 0, on = 0;
	struct flag_span span;

	for (int i = 0; i < calls; i++) {
		on += flag_begin(&span, flag);
		flag_end(&span, FLAG_OK);
	}
	printf("%d\n", on);
}

static void
do_value(char *rest)
{
	struct flag_view view;
	char text[32];

	flag_view_begin(&view);
	if (strcmp(rest, "cache.mode") == 0) {
		flag_string(&cache_mode, text, sizeof(text));
		printf("%s %s\n", text, flag_view_string(&view, &cache_mode));
	} else {
		printf("%llu %llu\n",
		       (unsigned long long)flag_size(&cache_bytes),
		       (unsigned long long)flag_view_size(&view,
							  &cache_bytes));
	}
	flag_view_end(&view);
}

static void
do_trip(char *rest)
{
	char *name = strsep(&rest, " ");

	printf("%d\n", flagp_change_trip(find(name), rest != NULL ? rest :
					 ""));
}

static void
do_poke(char *rest)
{
	char *name = strsep(&rest, " ");
	struct flag *flag = find(name);

	__atomic_store_n(&flag->state, (uint32_t)strtoul(rest != NULL ? rest :
			 "0", NULL, 0), __ATOMIC_RELAXED);
	printf("0\n");
}

/* Rewrites how the "on" in the state directory ends.  Its generation grows, so
 * that every driver reads it. */
static int
rewrite_end(int live, const char *name, int64_t until, const char *boot)
{
	struct record_file file = { .generation = 0 };
	const struct record *found;
	struct record record;
	int result;

	result = flagp_record_read(&file, RECORD_OVERRIDES, live, NULL, NULL);
	found = flagp_record_get(&file, name);
	if (result == 0 && found != NULL) {
		record = *found;
		record.until = until != 0 ? until : record.until;
		if (boot != NULL)
			snprintf(record.boot, sizeof(record.boot), "%s", boot);
		record.generation = file.generation + 1;
		file.change.generation = record.generation;
		result = flagp_record_put(&file, &record);
	}
	if (result == 0 && found != NULL)
		result = flagp_record_write(&file, live, false);
	flagp_record_free(&file);
	return found != NULL ? result : -ENOENT;
}

static void
open_places(struct places *places)
{
	struct paths paths;

	flagp_paths_find(&paths, host.service, host.options.root, NULL);
	flagp_places_open(places, &paths, false, NULL);
}

static void
rewrite(const char *name, int64_t until, const char *boot)
{
	struct places places;
	int result, lock;

	open_places(&places);
	lock = flagp_lock_file(places.run, RECORD_LOCK_NAME, 1000);
	result = lock;
	if (lock >= 0) {
		result = rewrite_end(places.state_live, name, until, boot);
		flagp_lock_file_release(lock);
	}
	flagp_places_close(&places);
	printf("%d\n", result);
}

static void
do_until(char *rest)
{
	char *name = strsep(&rest, " ");

	rewrite(name, time(NULL) + (rest != NULL ? atoi(rest) : 0), NULL);
}

static void
do_boot(char *rest)
{
	char *name = strsep(&rest, " ");

	rewrite(name, 0, rest);
}

static int held = -1;

static void
do_hold(char *rest)
{
	struct places places;

	(void)rest;
	open_places(&places);
	held = flagp_lock_file(places.run, RECORD_LOCK_NAME, 1000);
	flagp_places_close(&places);
	printf("%d\n", held >= 0 ? 0 : held);
}

static void
do_release(char *rest)
{
	(void)rest;
	flagp_lock_file_release(held);
	printf("0\n");
}

/* W: the command.  R: the sampler. */
static struct flag *sampled_flag;
static atomic_bool sampling;
/* W: the sampler.  R: the command, when it has ended. */
static unsigned long samples[2];
static pthread_t sampler;

static void *
sample(void *unused)
{
	static const struct timespec nap = { 0, 100000 };

	(void)unused;
	while (atomic_load(&sampling)) {
		samples[flag_enabled(sampled_flag)]++;
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static void
do_sample(char *rest)
{
	int result;

	sampled_flag = find(rest);
	samples[0] = samples[1] = 0;
	atomic_store(&sampling, true);
	result = pthread_create(&sampler, NULL, sample, NULL);
	printf("%d\n", -result);
}

static void
do_sampled(char *rest)
{
	(void)rest;
	atomic_store(&sampling, false);
	pthread_join(sampler, NULL);
	printf("%lu %lu\n", samples[1], samples[0]);
}

static void
do_fork_only(char *rest)
{
	(void)rest;
	do_fork(false);
}

static void
do_child(char *rest)
{
	(void)rest;
	do_fork(true);
}

static void
do_start(char *rest)
{
	struct flag_error error = { 0 };

	(void)rest;
	answer_result(flag_start(host.service, &host.options, &error), &error);
}

static void
do_stop(char *rest)
{
	(void)rest;
	flag_stop();
	printf("0\n");
}

static void
do_reload(char *rest)
{
	struct flag_error error = { 0 };

	(void)rest;
	answer_result(flag_reload(&error), &error);
}

static void
do_close(char *rest)
{
	(void)rest;
	for (int i = 3; i < 256; i++)
		close(i);
	printf("0\n");
}

static void
do_exit(char *rest)
{
	(void)rest;
	flag_stop();
	printf("bye\n");
	exit(0);
}

static void
do_crash(char *rest)
{
	(void)rest;
	kill(getpid(), SIGKILL);
}

static const struct {
	const char *word;
	void (*run)(char *rest);
} commands[] = {
	{ "read", do_read }, { "explain", do_explain }, { "tick", do_tick },
	{ "key", do_key }, { "calls", do_calls }, { "value", do_value },
	{ "trip", do_trip }, { "poke", do_poke }, { "until", do_until },
	{ "boot", do_boot }, { "hold", do_hold }, { "release", do_release },
	{ "sample", do_sample }, { "sampled", do_sampled },
	{ "fork", do_fork_only }, { "child", do_child },
	{ "start", do_start }, { "stop", do_stop }, { "reload", do_reload },
	{ "close", do_close }, { "exit", do_exit }, { "crash", do_crash },
};

static void
obey(char *line)
{
	char *word = strsep(&line, " ");
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].word, word) != 0)
			continue;
		commands[i].run(line);
		fflush(stdout);
		return;
	}
	printf("no such command\n");
	fflush(stdout);
}

/* Until a line can be read; turns the driver meanwhile if that is ours. */
static void
wait_for_line(void)
{
	struct pollfd polled[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
				    { .fd = -1, .events = POLLIN } };
	int wait = -1;

	if (host.options.driver != FLAG_DRIVER_LOOP || host.by_hand)
		return;
	do {
		wait = flag_tick();
		polled[1].fd = flag_fd();
		poll(polled, 2, wait);
	} while (polled[0].revents == 0);
}

/* One write a line: it is read while we run. */
static void
log_to_file(void *data, int level, const char *text)
{
	(void)level;
	fprintf(data, "%s\n", text);
	fflush(data);
}

static void
open_log(const char *path)
{
	host.options.log_data = fopen(path, "ae");
	if (host.options.log_data != NULL)
		host.options.log = log_to_file;
}

static int
parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--root") == 0 && i + 1 < argc)
			host.options.root = argv[++i];
		else if (strcmp(argv[i], "--fork") == 0 && i + 1 < argc)
			host.children = atoi(argv[++i]);
		else if (strcmp(argv[i], "--follow") == 0)
			host.options.fork = FLAG_FORK_FOLLOW;
		else if (strcmp(argv[i], "--environment") == 0)
			host.options.environment = 1;
		else if (strcmp(argv[i], "--instance") == 0 && i + 1 < argc)
			host.options.instance = argv[++i];
		else if (strcmp(argv[i], "--private") == 0)
			host.options.board = FLAG_PRIVATE;
		else if (strcmp(argv[i], "--sighup") == 0)
			host.options.sighup = 1;
		else if (strcmp(argv[i], "--log") == 0 && i + 1 < argc)
			open_log(argv[++i]);
		else if (strcmp(argv[i], "--loop") == 0)
			host.options.driver = FLAG_DRIVER_LOOP;
		else if (strcmp(argv[i], "--hand") == 0)
			host.options.driver = FLAG_DRIVER_LOOP,
			host.by_hand = true;
		else if (argv[i][0] != '-' && host.service == NULL)
			host.service = argv[i];
		else
			return -1;
	}
	return host.service != NULL && host.children <= CHILDREN_MAX ? 0 : -1;
}

static void
say_ready(int result, const struct flag_error *error)
{
	pid_t children[CHILDREN_MAX];

	for (int i = 0; i < host.children; i++) {
		children[i] = fork();
		if (children[i] == 0)
			for (;;)
				pause();
	}
	printf("ready %d %d", result, (int)getpid());
	for (int i = 0; i < host.children; i++)
		printf(" %d", (int)children[i]);
	printf("%s%s\n", error->code != 0 ? " : " : "", error->text);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct flag_error error = { 0 };
	char line[512];
	int result;

	if (parse(argc, argv) != 0) {
		fprintf(stderr, "host: see the head of host.c\n");
		return 2;
	}
	signal(SIGUSR1, write_states);
	setvbuf(stdin, NULL, _IONBF, 0);
	result = flag_start(host.service, &host.options, &error);
	say_ready(result, &error);
	for (;;) {
		wait_for_line();
		if (fgets(line, sizeof(line), stdin) == NULL)
			break;
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	flag_stop();
	return 0;
}
