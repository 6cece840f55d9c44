/* SPDX-License-Identifier: MIT */
/*
 * memory.c - what a flag that is not measured takes: the growth from the first
 * thousand to a hundred thousand flags that a program asks for by name, in
 * heap that is in use and in resident memory, with and without a configuration
 * that names them all.
 *
 * Each case is a process of its own: what one frees would serve the next.
 */
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bench.h"

#define FEW 1000u
#define MANY 100000u

struct memory {
	double heap, resident;
};

static struct memory
memory_now(void)
{
	struct mallinfo2 info = mallinfo2();
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages;

	if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1)
		bench_die("/proc/self/statm");
	fclose(file);
	return (struct memory){
		(double)(info.uordblks + info.hblkhd),
		(double)pages * (double)sysconf(_SC_PAGESIZE)
	};
}

static void
name_flag(char *name, size_t size, unsigned index)
{
	snprintf(name, size, "bench.memory.flag%06u", index);
}

/* The flags up to count are found and have what the files say. */
static void
find_flags(unsigned from, unsigned count)
{
	struct flag_error error;
	char name[48];
	unsigned i;

	for (i = from; i < count; i++) {
		name_flag(name, sizeof(name), i);
		(void)flag_find(name);
	}
	if (flag_reload(&error) != 0) {
		fprintf(stderr, "flag_reload: %s\n", error.text);
		exit(1);
	}
}

static void
save(const char *root, unsigned count)
{
	char path[4096], name[48];
	FILE *file;
	unsigned i;

	snprintf(path, sizeof(path), "%s/etc/bench.ini", root);
	file = fopen(path, "w");
	if (file == NULL)
		bench_die(path);
	for (i = 0; i < count; i++) {
		name_flag(name, sizeof(name), i);
		fprintf(file, "[%s]\nstate = on\n\n", name);
	}
	if (fclose(file) != 0)
		bench_die(path);
}

/* Whether the program was given what the configuration says. */
static void
check(int configured)
{
	char name[48];
	unsigned i;

	for (i = 0; i < MANY; i++) {
		name_flag(name, sizeof(name), i);
		if (flag_enabled(flag_find(name)) == configured)
			continue;
		fprintf(stderr, "memory: %s is %s\n", name,
			configured ? "off" : "on");
		exit(1);
	}
}

static void
measure(const char *root, int configured)
{
	const char *with = configured ? "with" : "without";
	struct memory few, many;
	char name[32], what[80], text[80];
	int64_t start;

	save(root, configured ? FEW : 0);
	bench_start(root);
	find_flags(0, FEW);
	few = memory_now();
	save(root, configured ? MANY : 0);
	start = bench_ns();
	find_flags(FEW, MANY);
	snprintf(text, sizeof(text), "%u flags found and loaded in %.2f s",
		 MANY - FEW, (double)(bench_ns() - start) / 1e9);
	many = memory_now();
	check(configured);
	snprintf(name, sizeof(name), "memory.heap.%s", with);
	snprintf(what, sizeof(what), "heap in use, bytes a flag, %s a "
		 "configuration of all", with);
	bench_row(name, what, "256", (many.heap - few.heap) / (MANY - FEW),
		  text);
	snprintf(name, sizeof(name), "memory.resident.%s", with);
	snprintf(what, sizeof(what), "resident, bytes a flag, the same");
	snprintf(text, sizeof(text), "%.1f MiB in all",
		 many.resident / (1 << 20));
	bench_row(name, what, "256",
		  (many.resident - few.resident) / (MANY - FEW), text);
	flag_stop();
}

static void
measure_apart(const char *root, int configured)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		bench_die("fork");
	if (pid == 0) {
		measure(root, configured);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		exit(1);
}

int
main(int argc, char **argv)
{
	char path[4096];

	if (argc != 2)
		return 2;
	snprintf(path, sizeof(path), "%s/etc", argv[1]);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		bench_die(path);
	measure_apart(argv[1], 0);
	measure_apart(argv[1], 1);
	return 0;
}
