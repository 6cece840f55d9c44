/* SPDX-License-Identifier: MIT */
/* wait.c - see wait.h. */
#include "flagctl/wait.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define MS_NS 1000000
#define FIRST_PAUSE_NS 200000

#define EVENTS (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | \
		IN_DELETE | IN_CLOSE_WRITE)

static volatile sig_atomic_t interrupted;

int64_t
flagp_wait_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void
flagp_wait_begin(struct wait *wait, int64_t ms, int64_t longest_ms)
{
	wait->deadline_ns = INT64_MAX;
	if (ms >= 0)
		wait->deadline_ns = flagp_wait_now_ns() + ms * MS_NS;
	wait->pause_ns = FIRST_PAUSE_NS;
	wait->longest_ns = longest_ms * MS_NS;
	wait->inotify = -1;
}

void
flagp_wait_watch(struct wait *wait, int directory)
{
	char path[32];

	if (directory < 0)
		return;
	if (wait->inotify < 0)
		wait->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (wait->inotify < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", directory);
	(void)inotify_add_watch(wait->inotify, path, EVENTS);
}

static void
drain(int inotify)
{
	char events[4096];
	ssize_t size;

	do
		size = read(inotify, events, sizeof(events));
	while (size > 0);
}

bool
flagp_wait_next(struct wait *wait)
{
	struct pollfd watched = { .fd = wait->inotify, .events = POLLIN };
	int64_t left = wait->deadline_ns - flagp_wait_now_ns();
	int64_t pause = wait->pause_ns < left ? wait->pause_ns : left;
	struct timespec time;

	if (left <= 0 || interrupted)
		return false;
	time.tv_sec = pause / 1000000000;
	time.tv_nsec = pause % 1000000000;
	if (ppoll(&watched, 1, &time, NULL) > 0)
		drain(wait->inotify);
	wait->pause_ns += wait->pause_ns / 2;
	if (wait->pause_ns > wait->longest_ns)
		wait->pause_ns = wait->longest_ns;
	return !interrupted;
}

void
flagp_wait_end(struct wait *wait)
{
	if (wait->inotify >= 0)
		close(wait->inotify);
	wait->inotify = -1;
}

static void
note_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

void
flagp_wait_catch(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = note_interrupt;
	action.sa_flags = (int)SA_RESETHAND;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool
flagp_wait_interrupted(void)
{
	return interrupted != 0;
}
