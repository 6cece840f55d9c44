/* SPDX-License-Identifier: MIT */
/*
 * kill.c - "flagctl off" against sixteen unrelated processes of one service:
 * from before its exec until all of them have acknowledged, until the change
 * is durable, and until it has ended, by the times that --json names.
 *
 *	kill FLAGCTL HOST ROOT KIND
 *
 * KIND applied: everything under ROOT is in memory, so nothing waits for a
 * disk.  KIND durable: the state folder is on a disk; the same writes without
 * flagctl are measured beside it, in turn.
 */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bench.h"

#define HOSTS 16
#define FLIPS 300
#define SERVICE "benchsvc"
#define WARM_UP 10
#define ACKNOWLEDGED "\"acknowledged_monotonic_ns\":"
#define DURABLE "\"durable_monotonic_ns\":"

extern char **environ;

static const char *flagctl, *root;

/* Starts a program with its standard input and output on these. */
static pid_t
spawn(char *const *arguments, int input, int output)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	if (input >= 0)
		posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	if (posix_spawn(&pid, arguments[0], &actions, NULL, arguments,
			environ) != 0)
		bench_die(arguments[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void
open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		bench_die("pipe");
}

/* They end when the returned descriptor is closed, whoever closes it. */
static int
start_hosts(const char *host)
{
	char *arguments[] = { (char *)host, SERVICE, (char *)root, NULL };
	int life[2], ready[2], i;
	char byte;

	open_pipe(life);
	open_pipe(ready);
	for (i = 0; i < HOSTS; i++)
		spawn(arguments, life[0], ready[1]);
	close(life[0]);
	close(ready[1]);
	for (i = 0; i < HOSTS; i++)
		if (read(ready[0], &byte, 1) != 1)
			bench_die("a host did not start");
	close(ready[0]);
	return life[1];
}

/* One flip, in ms from before the exec of flagctl. */
struct flip {
	double acknowledged, durable, ended;
};

static double
since(int64_t start, const char *text, const char *key)
{
	const char *found = strstr(text, key);

	if (found == NULL)
		bench_die(key);
	return (double)(strtoll(found + strlen(key), NULL, 10) - start) / 1e6;
}

static struct flip
run_flagctl(const char *verb)
{
	char *arguments[] = { (char *)flagctl, "--json", "--root",
			      (char *)root, "-s", SERVICE, (char *)verb,
			      "bench.kill", NULL };
	char text[4096];
	int output[2], status;
	size_t length = 0;
	struct flip flip;
	int64_t start;
	ssize_t got;
	pid_t pid;

	open_pipe(output);
	start = bench_ns();
	pid = spawn(arguments, -1, output[1]);
	if (waitpid(pid, &status, 0) != pid)
		bench_die("waitpid");
	flip.ended = (double)(bench_ns() - start) / 1e6;
	close(output[1]);
	while ((got = read(output[0], text + length,
			   sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(output[0]);
	text[length] = '\0';
	if (status != 0 || strstr(text, "16/16") == NULL) {
		fprintf(stderr, "kill: status %#x: %s", (unsigned)status, text);
		exit(1);
	}
	flip.acknowledged = since(start, text, ACKNOWLEDGED);
	flip.durable = since(start, text, DURABLE);
	return flip;
}

static void
write_durable(int directory, const char *name, const char *bytes, size_t size)
{
	int file = openat(directory, "temporary", O_CREAT | O_WRONLY | O_EXCL |
			  O_CLOEXEC, 0660);

	if (file < 0 || write(file, bytes, size) != (ssize_t)size ||
	    fsync(file) != 0 || close(file) != 0 ||
	    renameat(directory, "temporary", directory, name) != 0 ||
	    fsync(directory) != 0)
		bench_die("bare write");
}

/* What must reach the disk for one flip, and nothing else: the layer file
 * replaced and its folder synced. */
static double
bare_writes(int directory)
{
	static const char bytes[600] = "as long as a layer file";
	int64_t start = bench_ns();

	write_durable(directory, "bare", bytes, sizeof(bytes));
	return (double)(bench_ns() - start);
}

static void
report(const char *name, const char *what, const char *goal, double value,
       const char *form, double detail)
{
	char text[80];

	snprintf(text, sizeof(text), form, detail);
	bench_row(name, what, goal, value, text);
}

/* What the system takes to run a program that does nothing. */
static double
run_nothing(void)
{
	char *arguments[] = { (char *)"/bin/true", NULL };
	int64_t start = bench_ns();
	pid_t pid = spawn(arguments, -1, STDERR_FILENO);
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die(arguments[0]);
	return (double)(bench_ns() - start);
}

static void
applied(void)
{
	double off[FLIPS], ended[FLIPS], nothing[FLIPS], middle;
	int i;

	for (i = 0; i < FLIPS; i++) {
		struct flip flip;

		nothing[i] = run_nothing() / 1e6;
		flip = run_flagctl("off");
		off[i] = flip.acknowledged;
		ended[i] = flip.ended;
		run_flagctl("on");
	}
	report("kill.exec", "exec of a program that does nothing, p50 ms", "-",
	       bench_quantile(nothing, FLIPS, 0.5), "p99 %.3f ms",
	       bench_quantile(nothing, FLIPS, 0.99));
	middle = bench_median(off, FLIPS);	/* sorts them */
	report("kill.p50", "flagctl off, exec to 16/16 acknowledged, p50 ms",
	       "1", middle, "least %.3f ms", off[0]);
	report("kill.p99", "the same, p99 ms", "20",
	       bench_quantile(off, FLIPS, 0.99), "most %.3f ms",
	       off[FLIPS - 1]);
	report("kill.end", "exec to its end, p50 ms", "-",
	       bench_median(ended, FLIPS), "p99 %.3f ms",
	       bench_quantile(ended, FLIPS, 0.99));
}

static void
durable(void)
{
	double off[FLIPS], bare[FLIPS], ratio[FLIPS], middle;
	char path[4096];
	int directory, i;

	snprintf(path, sizeof(path), "%s/state/bare", root);
	if (mkdir(path, 0700) != 0)
		bench_die(path);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		bench_die(path);
	for (i = 0; i < FLIPS; i++) {
		bare[i] = bare_writes(directory) / 1e6;
		off[i] = run_flagctl("off").durable;
		ratio[i] = off[i] / bare[i];
		run_flagctl("on");
	}
	middle = bench_median(off, FLIPS);
	report("kill.durable", "exec to durable / the bare writes", "1.5",
	       bench_median(ratio, FLIPS), "%.3f ms", middle);
	report("kill.bare", "write, fsync, rename, fsync of the folder, ms",
	       "-", bench_median(bare, FLIPS), "p99 %.3f ms",
	       bench_quantile(bare, FLIPS, 0.99));
}

int
main(int argc, char **argv)
{
	int life, i;

	if (argc != 5)
		return 2;
	flagctl = argv[1];
	root = argv[3];
	life = start_hosts(argv[2]);
	for (i = 0; i < WARM_UP; i++) {
		run_flagctl("on");
		run_flagctl("off");
	}
	if (strcmp(argv[4], "applied") == 0)
		applied();
	else
		durable();
	close(life);
	while (wait(NULL) > 0)
		;
	return 0;
}
