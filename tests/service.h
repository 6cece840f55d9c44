/* SPDX-License-Identifier: MIT */
/*
 * service.h - a service in a temporary root for tests: its files, its records,
 * and other processes to talk to.
 *
 * Nothing here asserts a time: WAIT_FOR looks again until something is so, and
 * gives up after WATCHDOG_S, when a test would otherwise hang.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "folder.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "ripcord.h"
#include "store/paths.h"
#include "store/proc.h"
#include "store/record.h"

#define SERVICE "svc"
#define WATCHDOG_S 20
#define WATCHDOG_MS (WATCHDOG_S * 1000)

static inline double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void
nap_ms(long ms)
{
	struct timespec nap = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&nap, NULL);
}

/* Whether expression becomes true before the watchdog. */
#define WAIT_FOR(expression) \
	__extension__({ \
		double end_ = seconds() + WATCHDOG_S; \
		bool is_; \
		while (!(is_ = (expression)) && seconds() < end_) \
			nap_ms(2); \
		is_; \
	})

/* --- files ---------------------------------------------------------------- */

struct service {
	struct folder root;
	struct paths paths;
	struct flag_options options;
};

/* A root with all its folders, and options that lead to it. */
static inline struct service *
service_make(void)
{
	struct service *service = calloc(1, sizeof(*service));
	struct places places;

	ck_assert_ptr_nonnull(service);
	service->root = folder_make();
	service->options = (struct flag_options)FLAG_OPTIONS_INIT;
	service->options.root = service->root.path;
	ck_assert_int_eq(mkdirat(service->root.descriptor, "etc", 0755), 0);
	ck_assert_int_eq(flagp_paths_find(&service->paths, SERVICE,
					  service->root.path, NULL), 0);
	ck_assert_int_eq(flagp_places_open(&places, &service->paths, true,
					   NULL), 0);
	flagp_places_close(&places);
	return service;
}

static inline void
service_free(struct service *service)
{
	folder_remove(&service->root);
	free(service);
}

/* Writes a file in place. */
static inline void
service_write(const struct service *service, const char *name,
	      const char *text)
{
	folder_put(&service->root, name, text, strlen(text));
}

/* Saves a file as most editors do: a new one, renamed over the old. */
static inline void
service_save(const struct service *service, const char *name, const char *text)
{
	char temporary[256];

	snprintf(temporary, sizeof(temporary), "%s~", name);
	service_write(service, temporary, text);
	ck_assert_int_eq(renameat(service->root.descriptor, temporary,
				  service->root.descriptor, name), 0);
}

static inline void
service_mkdir(const struct service *service, const char *name)
{
	ck_assert_int_eq(mkdirat(service->root.descriptor, name, 0755), 0);
}

static inline void
service_remove(const struct service *service, const char *name)
{
	ck_assert_int_eq(unlinkat(service->root.descriptor, name, 0), 0);
}

static inline void
service_rename(const struct service *service, const char *from,
	       const char *to)
{
	ck_assert_int_eq(renameat(service->root.descriptor, from,
				  service->root.descriptor, to), 0);
}

static inline int
service_open(const struct service *service, const char *name)
{
	int descriptor = openat(service->root.descriptor, name,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(descriptor, 0);
	return descriptor;
}

/* Puts one record into the layer file of kind under live ("state/svc/live"),
 * as a writer does: the whole file, renamed into place. */
static inline void
service_record(const struct service *service, enum record_kind kind,
	       const char *live, const struct record *record)
{
	int folder = service_open(service, live);
	struct record_file file = { 0 };

	ck_assert_int_eq(flagp_record_read(&file, kind, folder, NULL, NULL), 0);
	ck_assert_int_eq(flagp_record_put(&file, record), 0);
	ck_assert_int_eq(flagp_record_write(&file, folder, false), 0);
	flagp_record_free(&file);
	close(folder);
}

#define LIVE_STATE "state/" SERVICE "/live"
#define LIVE_RUN "run/" SERVICE "/live"

/* An operator's word: share 0 or FLAGP_SHARE_ALL, or NONE to take it back. */
static inline void
service_override(const struct service *service, const char *live,
		 const char *flag, uint32_t share, uint64_t generation)
{
	struct record record = {
		.share = share, .base = FLAGP_SHARE_NONE,
		.removed = share == FLAGP_SHARE_NONE,
		.generation = generation, .at = 1,
		.author = { .login_uid = UINT32_MAX, .user = "tester" },
	};

	snprintf(record.flag, sizeof(record.flag), "%s", flag);
	service_record(service, RECORD_OVERRIDES, live, &record);
}

/* --- what the kernel knows of this process ------------------------------- */

static inline unsigned
count_in(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

#define DESCRIPTORS() count_in("/proc/self/fd")

/* The library's threads: sanitizers have some of their own. */
static inline unsigned
threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;
	char path[64], name[32];

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory)) != NULL) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%d/comm",
			 atoi(entry->d_name));
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fgets(name, sizeof(name), file) != NULL)
			count += strcmp(name, "ripcord\n") == 0;
		fclose(file);
	}
	closedir(directory);
	return count;
}

/* --- registrations -------------------------------------------------------- */

/* Copies the entry of pid into entry, without its flags; false: none.  Not for
 * one's own process: reading it would drop its lock. */
static inline bool
service_entry(const struct service *service, pid_t pid,
	      struct proc_entry *entry)
{
	int proc = open(service->paths.run, O_RDONLY | O_DIRECTORY);
	int folder = openat(proc, "proc", O_RDONLY | O_DIRECTORY);
	struct proc_list list = { NULL, 0 };
	bool found = false;

	close(proc);
	if (folder < 0)
		return false;
	if (flagp_proc_scan(&list, folder, false) != 0)
		list.count = 0;
	for (size_t i = 0; i < list.count; i++) {
		if (list.entries[i].head.pid != pid)
			continue;
		*entry = list.entries[i];
		found = true;
	}
	flagp_proc_free(&list);
	close(folder);
	return found;
}

/* --- another process ------------------------------------------------------ */

/* One end of a conversation of single characters. */
struct partner {
	pid_t pid;		/* 0: this is the forked side */
	int hears, says;
};

static inline bool
partner_say(const struct partner *partner, char word)
{
	return send(partner->says, &word, 1, MSG_NOSIGNAL) == 1;
}

/* The next character, 0 when the other side is gone or says nothing. */
static inline char
partner_hear(const struct partner *partner)
{
	struct pollfd polled = { partner->hears, POLLIN, 0 };
	char word = 0;

	if (poll(&polled, 1, 3 * WATCHDOG_MS) <= 0 ||
	    read(partner->hears, &word, 1) != 1)
		return 0;
	return word;
}

/* Forks; the child's exit status is what work returns. */
static inline struct partner
partner_start(int (*work)(const struct partner *parent, void *data),
	      void *data)
{
	struct partner here, there;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    ends), 0);
	here.hears = here.says = ends[0];
	there.hears = there.says = ends[1];
	there.pid = 0;
	here.pid = fork();
	ck_assert_int_ge(here.pid, 0);
	if (here.pid == 0) {
		close(ends[0]);
		_exit(work(&there, data));
	}
	close(ends[1]);
	return here;
}

/* Says 'q' and waits for its end: the exit status, or 1000 and the signal. */
static inline int
partner_end(const struct partner *partner)
{
	int status = 0;

	partner_say(partner, 'q');
	shutdown(partner->says, SHUT_WR);
	ck_assert_int_eq(waitpid(partner->pid, &status, 0), partner->pid);
	close(partner->says);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   1000 + WTERMSIG(status);
}

/* In a forked process, where libcheck cannot report: says where, ends. */
#define NEED(condition) \
	do { \
		if (condition) \
			break; \
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
			#condition); \
		return 1; \
	} while (0)

#endif
