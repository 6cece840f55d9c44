/* SPDX-License-Identifier: MIT */
/* watch.c - inotify on folders. */
#include "store/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* A folder, a service's name and an ending. */
#define LONGEST (FLAGP_PATH_SIZE + FLAGP_NAME_SIZE + 8)

/* Any event in a configuration folder leads to a look at the signature. */
#define CONFIG_EVENTS (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | \
		       IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
		       IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* Layer files are only ever renamed into place: one event a change.  A file
 * that somebody touches there is found by polling. */
#define LAYER_EVENTS (IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | \
		      IN_MOVE_SELF | IN_ONLYDIR)

void
flagp_watch_open(struct watch *watch)
{
	int descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	for (int i = 0; i < WATCH_ROLES; i++)
		watch->watches[i] = -1;
	watch->descriptor = -1;
	if (descriptor < 0) {
		snprintf(watch->mode, sizeof(watch->mode), "poll(%s)",
			 strerrorname_np(errno));
		return;
	}
	watch->descriptor = flagp_io_above_2(descriptor);
	snprintf(watch->mode, sizeof(watch->mode), "inotify");
}

/*
 * Whether the descriptor still is ours: the host may have closed it and got
 * the number for something else, which we may neither read nor close.  An
 * inotify descriptor is a file without a type that knows how much it holds.
 */
static bool
is_ours(int descriptor)
{
	struct stat status;
	int held;

	return descriptor >= 0 && fstat(descriptor, &status) == 0 &&
	       (status.st_mode & S_IFMT) == 0 &&
	       ioctl(descriptor, FIONREAD, &held) == 0;
}

/* Ends a watch that no role uses any more: links come and go. */
static void
release(struct watch *watch, int number)
{
	for (int role = 0; role < WATCH_ROLES; role++)
		if (watch->watches[role] == number)
			return;
	if (number >= 0)
		inotify_rm_watch(watch->descriptor, number);
}

static void
set(struct watch *watch, int role, int number)
{
	int former = watch->watches[role];

	watch->watches[role] = number;
	if (former != number)
		release(watch, former);
}

static void
aim(struct watch *watch, int role, const char *path)
{
	uint32_t events = role == WATCH_ROLE_STATE || role == WATCH_ROLE_RUN ?
				  LAYER_EVENTS : CONFIG_EVENTS;
	int found = inotify_add_watch(watch->descriptor, path, events);

	if (found >= 0)
		set(watch, role, found);
	else if (errno == ENOENT || errno == ENOTDIR)
		set(watch, role, -1);
	else if (errno == ENOSPC)
		snprintf(watch->mode, sizeof(watch->mode), "poll(ENOSPC)");
}

/* Replaces path, a link, by where it leads; returns whether it did. */
static bool
follow(char *path, size_t size)
{
	char target[FLAGP_PATH_SIZE], *slash;
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	size_t keep = 0;

	if (length <= 0)
		return false;
	target[length] = '\0';
	slash = strrchr(path, '/');
	if (target[0] != '/' && slash != NULL)
		keep = (size_t)(slash - path) + 1;
	if (keep + (size_t)length >= size)
		return false;
	memcpy(path + keep, target, (size_t)length + 1);
	return true;
}

/* Watches the folder of each link on the way from path to its file. */
static void
aim_links(struct watch *watch, const char *start)
{
	char path[LONGEST], folder[LONGEST], *slash;
	int role = WATCH_ROLE_LINK;

	snprintf(path, sizeof(path), "%s", start);
	while (role < WATCH_ROLES && follow(path, sizeof(path))) {
		snprintf(folder, sizeof(folder), "%s", path);
		slash = strrchr(folder, '/');
		if (slash == NULL || slash == folder)
			break;
		*slash = '\0';
		aim(watch, role++, folder);
	}
	for (; role < WATCH_ROLES; role++)
		set(watch, role, -1);
}

void
flagp_watch_aim(struct watch *watch, const struct paths *paths)
{
	char path[LONGEST];

	if (watch->descriptor < 0)
		return;
	/* Until one of them is refused, perhaps again. */
	snprintf(watch->mode, sizeof(watch->mode), "inotify");
	aim(watch, WATCH_ROLE_CONFIG, paths->config);
	snprintf(path, sizeof(path), "%s/%s.d", paths->config, paths->service);
	aim(watch, WATCH_ROLE_DROPINS, path);
	snprintf(path, sizeof(path), "%s/%s.ini", paths->config,
		 paths->service);
	aim_links(watch, path);
	snprintf(path, sizeof(path), "%s/live", paths->state);
	aim(watch, WATCH_ROLE_STATE, path);
	snprintf(path, sizeof(path), "%s/live", paths->run);
	aim(watch, WATCH_ROLE_RUN, path);
}

static unsigned
meaning(const struct watch *watch, const struct inotify_event *event)
{
	unsigned what = 0;

	if (event->mask & IN_Q_OVERFLOW)
		return WATCH_CONFIG | WATCH_LAYERS;
	for (int role = 0; role < WATCH_ROLES; role++) {
		if (watch->watches[role] != event->wd)
			continue;
		what |= role == WATCH_ROLE_STATE || role == WATCH_ROLE_RUN ?
				WATCH_LAYERS : WATCH_CONFIG;
	}
	return what;
}

unsigned
flagp_watch_read(struct watch *watch)
{
	_Alignas(struct inotify_event) char buffer[4096];
	unsigned what = 0;
	ssize_t size;

	if (watch->descriptor < 0)
		return 0;
	if (!is_ours(watch->descriptor)) {
		watch->descriptor = -1;
		snprintf(watch->mode, sizeof(watch->mode), "poll(closed)");
		return WATCH_CONFIG | WATCH_LAYERS;
	}
	while ((size = read(watch->descriptor, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + size;) {
			const struct inotify_event *event = (void *)at;

			what |= meaning(watch, event);
			at += sizeof(*event) + event->len;
		}
	}
	return what;
}

void
flagp_watch_close(struct watch *watch)
{
	if (is_ours(watch->descriptor))
		close(watch->descriptor);
	watch->descriptor = -1;
}
