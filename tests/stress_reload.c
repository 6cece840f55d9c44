/* SPDX-License-Identifier: MIT */
/*
 * stress_reload.c - readers against saved files, reloads and names that appear.
 *
 * One thread saves the configuration, now good, now broken; one reloads as
 * fast as it can; two read and explain.  Every good value that was saved must
 * show, no broken one may, and nothing may be freed under a reader: run it
 * with the address and the thread sanitizer.
 *
 *	STRESS_CHANGES=N	how many saved files (400)
 */
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ripcord.h"

FLAG_DEFINE(first, "stress.first", "flips with each good file");
FLAG_DEFINE_WITH(steady, "stress.steady", "on in every good file",
		 FLAG_INITIAL_ON, NULL);

#define WATCHDOG_S 60

static char root[] = "/tmp/ripcord-stress.XXXXXX";
static atomic_bool stop;
static atomic_uint reloads, refusals, reads, wrong;

static void
save(const char *text)
{
	char temporary[128], name[128];
	FILE *file;

	snprintf(temporary, sizeof(temporary), "%s/etc/.new", root);
	snprintf(name, sizeof(name), "%s/etc/stress.ini", root);
	file = fopen(temporary, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 ||
	    rename(temporary, name) != 0) {
		perror(name);
		exit(99);
	}
}

static void
save_good(int on)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "[stress.first]\nstate = %s\n[stress.steady]\nstate = on\n",
		 on ? "on" : "off");
	save(text);
}

static void *
reload(void *unused)
{
	struct flag_error error;

	(void)unused;
	while (!atomic_load(&stop)) {
		if (flag_reload(&error) == 0)
			atomic_fetch_add(&reloads, 1);
		else if (error.line == 2)
			atomic_fetch_add(&refusals, 1);
		else
			atomic_fetch_add(&wrong, 1);
	}
	return NULL;
}

/* The steady flag is on in its default and in every good file. */
static void *
read_flags(void *unused)
{
	char text[100], name[32];
	struct flag_span span;
	unsigned turn = 0;

	(void)unused;
	while (!atomic_load(&stop)) {
		if (!flag_enabled(&steady) || !flag_begin(&span, &steady))
			atomic_fetch_add(&wrong, 1);
		flag_end(&span, FLAG_OK);
		flag_explain(&first, text, sizeof(text));
		if (strncmp(text, "on: ", 4) != 0 &&
		    strncmp(text, "off: ", 5) != 0)
			atomic_fetch_add(&wrong, 1);
		snprintf(name, sizeof(name), "stress.found%u", turn++ % 50);
		if (flag_enabled(flag_find(name)))
			atomic_fetch_add(&wrong, 1);
		atomic_fetch_add(&reads, 1);
	}
	return NULL;
}

/* Returns whether the flag became what was saved; the bound is for hangs. */
static int
shows(int on)
{
	struct timespec moment = { 0, 200000 };
	time_t end = time(NULL) + WATCHDOG_S;

	while (flag_enabled(&first) != on) {
		if (time(NULL) > end)
			return 0;
		nanosleep(&moment, NULL);
	}
	return 1;
}

static void
change(unsigned changes)
{
	for (unsigned i = 0; i < changes; i++) {
		int on = (int)(i & 1);

		save_good(on);
		if (!shows(on)) {
			fprintf(stderr, "saved state %d never showed\n", on);
			atomic_fetch_add(&wrong, 1);
			return;
		}
		if (i % 4 != 3)
			continue;
		save("[stress.first]\nstat = off\n");
		flag_request_reload();
		if (!flag_enabled(&first))
			atomic_fetch_add(&wrong, 1);
	}
}

static int
remove_one(const char *path, const struct stat *status, int kind,
	   struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

int
main(void)
{
	const char *wanted = getenv("STRESS_CHANGES");
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;
	pthread_t threads[3];
	char folder[128];

	if (mkdtemp(root) == NULL)
		return 99;
	snprintf(folder, sizeof(folder), "%s/etc", root);
	mkdir(folder, 0755);
	save_good(0);
	options.root = root;
	if (flag_start("stress", &options, &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 99;
	}
	pthread_create(&threads[0], NULL, reload, NULL);
	pthread_create(&threads[1], NULL, read_flags, NULL);
	pthread_create(&threads[2], NULL, read_flags, NULL);
	change(wanted != NULL ? (unsigned)atoi(wanted) : 400);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	flag_stop();
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	printf("%u reloads, %u refusals, %u reads, %u wrong\n", reloads,
	       refusals, reads, wrong);
	return wrong == 0 && refusals != 0 && reads != 0 ? 0 : 1;
}
