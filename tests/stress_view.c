/* SPDX-License-Identifier: MIT */
/*
 * stress_view.c - views against reloads, trips, threads that come and go, and
 * forks.
 *
 * One thread saves files in which two flags and two values belong together,
 * and reloads; readers look, pass open views on to others, end, and come
 * again; meanwhile a child is forked, which looks and reloads too.  No view
 * may show parts of two generations, no text may be freed under a view: run it
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
#include <sys/wait.h>
#include <unistd.h>

#include "ripcord.h"

FLAG_DEFINE(one, "stress.one", "on with even numbers");
FLAG_DEFINE(two, "stress.two", "the same");
FLAG_INT64(low, "stress.low", 0, 0, INT64_MAX, "the number");
FLAG_STRING(text, "stress.text", "number-0", 40, "the same as text");

#define READERS 3
#define VIEWS_A_LIFE 50u	/* of a thread */
#define FORK_EVERY 25u
#define CHILD_CHANGES 6u

static char root[] = "/tmp/ripcord-stress.XXXXXX";
static atomic_bool stop;
static atomic_uint looks, mixed, loose, lives, waited;

/* An open view that one thread leaves and another ends. */
static _Atomic(struct flag_view *) passed;

static void
save(unsigned number)
{
	const char *state = number % 2 == 0 ? "on" : "off";
	char temporary[128], name[128];
	FILE *file;

	snprintf(temporary, sizeof(temporary), "%s/etc/.new%d", root,
		 (int)getpid());
	snprintf(name, sizeof(name), "%s/etc/stress.ini", root);
	file = fopen(temporary, "w");
	if (file == NULL ||
	    fprintf(file, "[stress.one]\nstate = %s\n[stress.low]\nvalue = %u\n"
		    "[stress.text]\nvalue = number-%u\n"
		    "[stress.two]\nstate = %s\n", state, number, number,
		    state) < 0 ||
	    fclose(file) != 0 || rename(temporary, name) != 0) {
		perror(name);
		_exit(99);
	}
}

/* Where views are loose, no slot was free: flags are newer than values, and
 * only the values belong together. */
static bool
is_whole(const struct flag_view *view)
{
	int on = flag_view_enabled(view, &one);
	int64_t number = flag_view_int64(view, &low);
	char wanted[40];

	snprintf(wanted, sizeof(wanted), "number-%lld", (long long)number);
	if (strcmp(flag_view_string(view, &text), wanted) != 0)
		return false;
	return view->states == 0 || (flag_view_enabled(view, &two) == on &&
			       on == (number % 2 == 0));
}

static void
end_it(struct flag_view *view)
{
	if (view == NULL)
		return;
	if (!is_whole(view))
		atomic_fetch_add(&mixed, 1);
	flag_view_end(view);
	free(view);
}

/* Begins one, ends the one that somebody has left. */
static void
look(void)
{
	struct flag_view *view = malloc(sizeof(*view));
	char buffer[40];

	if (view == NULL)
		_exit(99);
	flag_view_begin(view);
	if (!is_whole(view))
		atomic_fetch_add(&mixed, 1);
	atomic_fetch_add(&loose, view->states == 0);
	(void)flag_string(&text, buffer, sizeof(buffer));
	end_it(atomic_exchange(&passed, view));
	atomic_fetch_add(&looks, 1);
}

static void *
live(void *unused)
{
	for (unsigned i = 0; i < VIEWS_A_LIFE; i++)
		look();
	atomic_fetch_add(&lives, 1);
	return unused;
}

/* One thread after the other. */
static void *
read_views(void *unused)
{
	pthread_t thread;

	while (!atomic_load(&stop)) {
		if (pthread_create(&thread, NULL, live, NULL) != 0)
			_exit(99);
		pthread_join(thread, NULL);
	}
	return unused;
}

static int
reload(void)
{
	struct flag_error error;
	int result = flag_reload(&error);

	if (result == -FLAG_EBUSY)
		atomic_fetch_add(&waited, 1);
	else if (result != 0)
		fprintf(stderr, "%s:%u: %s\n", error.file, error.line,
			error.text);
	return result == -FLAG_EBUSY ? 0 : result;
}

/*
 * The number of a child of which all views must be of the family's last file:
 * it has a driver of its own.  Views that other threads had open are gone.
 */
static int
child(unsigned number)
{
	struct flag_view view;

	for (unsigned i = 0; i < CHILD_CHANGES; i++) {
		if (reload() != 0)
			return 1;
		flag_view_begin(&view);
		if (view.states != 0 && (!is_whole(&view) ||
				    flag_view_int64(&view, &low) < number))
			return 2;
		flag_view_end(&view);
	}
	flag_stop();
	return 0;
}

/*
 * The allocators of the sanitizers (gcc 12, clang 14) cannot be forked while
 * other threads are inside: the child would wait for their locks.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FORKS 0
#else
#define FORKS 1
#endif

static unsigned
have_child(unsigned number)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child(number));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		fprintf(stderr, "child: status %x\n", (unsigned)status);
	return status != 0;
}

/* Returns how many were wrong. */
static unsigned
change(unsigned changes)
{
	unsigned wrong = 0;

	for (unsigned i = 1; i <= changes; i++) {
		save(i);
		wrong += reload() != 0;
		if (flag_enabled(&one) != (i % 2 == 0) ||
		    flag_int64(&low) != (int64_t)i)
			wrong++;
		if (FORKS && i % FORK_EVERY == 0)
			wrong += have_child(i);
	}
	return wrong;
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

static void
start(void)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;
	char folder[128];

	if (mkdtemp(root) == NULL)
		exit(99);
	snprintf(folder, sizeof(folder), "%s/etc", root);
	mkdir(folder, 0755);
	save(0);
	options.root = root;
	if (flag_start("stress", &options, &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		exit(99);
	}
}

int
main(void)
{
	const char *wanted = getenv("STRESS_CHANGES");
	pthread_t threads[READERS];
	unsigned wrong;

	if (!FORKS)
		puts("no forks: the sanitizer's allocator survives none");
	start();
	for (int i = 0; i < READERS; i++)
		pthread_create(&threads[i], NULL, read_views, NULL);
	wrong = change(wanted != NULL ? (unsigned)atoi(wanted) : 400);
	atomic_store(&stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	end_it(atomic_exchange(&passed, NULL));
	if (reload() != 0)
		wrong++;
	flag_stop();
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	printf("%u looks in %u threads, %u loose, %u waited, %u mixed, "
	       "%u wrong\n", looks, lives, loose, waited, mixed, wrong);
	return wrong == 0 && mixed == 0 && lives > READERS ? 0 : 1;
}
