/* SPDX-License-Identifier: MIT */
/* driver.c - the turns that keep a process up to date. */
#include "run/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/lock.h"
#include "core/change.h"
#include "core/snapshot.h"
#include "run/process.h"
#include "run/reload.h"
#include "store/watch.h"

#define LAYERS_POLL_MS 250	/* layer files, without inotify */
#define CONFIG_POLL_MS 2000	/* configuration, without inotify */
#define REPORT_MS 500		/* the registration's tick */
#define SWEEP_MS 30000		/* registrations that the dead left */
#define QUIET_MS 100		/* a saved file must stay quiet this long */
#define QUIET_LIMIT_MS 1000	/* but no longer in all */

/* W, R: the turns, which never overlap. */
static struct watch watch = WATCH_INIT;
static int64_t config_first, config_due;	/* 0: nothing saved */
static int64_t next_poll, next_layers, next_sweep, last_report;

/* W: open and close, forget.  R: the turns; the write end also any thread and
 * signal handlers.  Order: relaxed, a descriptor is only a number; its inode
 * tells whether it still is ours. */
static atomic_int wake_read = -1, wake_write = -1;
static ino_t wake_inode;
static int epoll_descriptor = -1;

/* W: any, R: turns. */
static atomic_bool requested, stopping;

/* W, R: start and stop. */
static pthread_t thread;
static atomic_bool thread_runs;

/* Posted by the thread when it has begun. */
static sem_t begun;

static bool
is_our_pipe(int descriptor)
{
	struct stat status;

	return descriptor >= 0 && fstat(descriptor, &status) == 0 &&
	       S_ISFIFO(status.st_mode) && status.st_ino == wake_inode;
}

static void
wake(void)
{
	int descriptor = atomic_load_explicit(&wake_write,
					      memory_order_relaxed);

	if (is_our_pipe(descriptor))
		(void)!write(descriptor, "", 1);
}

void
flagp_driver_request(void)
{
	atomic_store(&requested, true);
	wake();
}

static void
open_pipe(void)
{
	struct stat status;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	ends[0] = flagp_io_above_2(ends[0]);
	ends[1] = flagp_io_above_2(ends[1]);
	if (ends[0] < 0 || ends[1] < 0 || fstat(ends[0], &status) != 0)
		return;
	wake_inode = status.st_ino;
	atomic_store(&wake_read, ends[0]);
	atomic_store(&wake_write, ends[1]);
}

static void
close_pipe(void)
{
	int reading = atomic_exchange(&wake_read, -1);
	int writing = atomic_exchange(&wake_write, -1);

	if (is_our_pipe(reading))
		close(reading);
	if (is_our_pipe(writing))
		close(writing);
}

static void
drain(void)
{
	int descriptor = atomic_load(&wake_read);
	char buffer[64];

	if (!is_our_pipe(descriptor))
		return;
	while (read(descriptor, buffer, sizeof(buffer)) > 0)
		continue;
}

void
flagp_driver_open(void)
{
	flagp_watch_open(&watch);
	flagp_watch_aim(&watch, flagp_process_paths());
	open_pipe();
	config_due = config_first = 0;
	next_poll = flagp_clock_ms() + CONFIG_POLL_MS;
	next_sweep = next_poll;
	next_layers = last_report = 0;
}

/* --- one turn ------------------------------------------------------------ */

static void
config_event(int64_t now)
{
	if (config_due == 0)
		config_first = now;
	config_due = now + QUIET_MS;
	if (config_due > config_first + QUIET_LIMIT_MS)
		config_due = config_first + QUIET_LIMIT_MS;
}

static void
slow_poll(int64_t now)
{
	bool moved;

	next_poll = now + CONFIG_POLL_MS;
	flagp_lock(LOCK_CHANGE);
	moved = flagp_process_reopen();
	(void)flagp_process_register();
	flagp_unlock(LOCK_CHANGE);
	flagp_watch_aim(&watch, flagp_process_paths());
	if (config_due == 0 && (moved || flagp_reload_config_changed()))
		config_due = config_first = now;
}

static void
report(int64_t now)
{
	last_report = now;
	flagp_lock(LOCK_CHANGE);
	flagp_process_watch(watch.mode);
	flagp_process_report(flagp_snapshot_current());
	flagp_unlock(LOCK_CHANGE);
}

/* Asked four times a second at most, however often a host's loop turns. */
static bool
layers_changed(int64_t now)
{
	if (now < next_layers)
		return false;
	next_layers = now + LAYERS_POLL_MS;
	return flagp_reload_layers_changed();
}

static int
until_next(int64_t now)
{
	int64_t next = next_layers, due = flagp_reload_due();

	if (config_due != 0 && config_due < next)
		next = config_due;
	if (due < next)
		next = due;
	return next <= now ? 0 : (int)(next - now);
}

int
flagp_driver_turn(void)
{
	int64_t now = flagp_clock_ms();
	unsigned events = flagp_watch_read(&watch), what = 0;
	bool due;

	drain();
	if (events & WATCH_CONFIG)
		config_event(now);
	if (now >= next_poll)
		slow_poll(now);
	if (atomic_exchange(&requested, false))
		what = RELOAD_CONFIG;
	if (config_due != 0 && now >= config_due) {
		what = RELOAD_CONFIG;
		config_due = 0;
	}
	due = now >= flagp_reload_due();
	if (due)
		what = RELOAD_CONFIG;
	if (what != 0 || (events & WATCH_LAYERS) || layers_changed(now))
		(void)flagp_reload(what, NULL);
	else if (now - last_report >= REPORT_MS)
		report(now);
	/* What the disk refused is tried again until it is written. */
	if (last_report == now && flagp_change_trips_unsaved())
		(void)flagp_change_save_trips();
	if (what != 0)
		flagp_watch_aim(&watch, flagp_process_paths());
	/* Reads other processes' maps: not in a host's loop. */
	if (now >= next_sweep && atomic_load(&thread_runs)) {
		next_sweep = now + SWEEP_MS;
		/* It allocates: no fork in between, and no kill waits. */
		flagp_lock(LOCK_CONTROL);
		flagp_process_sweep();
		flagp_unlock(LOCK_CONTROL);
	}
	return until_next(flagp_clock_ms());
}

/* --- the thread ----------------------------------------------------------- */

static void *
run(void *unused)
{
	struct pollfd polled[2];
	int wait;

	(void)unused;
	sem_post(&begun);
	while (!atomic_load(&stopping)) {
		wait = flagp_driver_turn();
		polled[0].fd = watch.descriptor;
		polled[1].fd = atomic_load(&wake_read);
		polled[0].events = polled[1].events = POLLIN;
		/* A descriptor that the host closed only costs time. */
		if (poll(polled, 2, wait) > 0 &&
		    ((polled[0].revents | polled[1].revents) & POLLNVAL))
			(void)poll(NULL, 0, wait);
	}
	return NULL;
}

/*
 * Waits until the thread has begun: a host forks right after flag_start(), and
 * a thread in its first moments may hold locks of the allocator that are not
 * the child's to open (those of the address sanitizer's, for one).
 */
static int
start_thread(void)
{
	sigset_t all, before;
	int result;

	atomic_store(&stopping, false);
	sem_init(&begun, 0, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result == 0) {
		while (sem_wait(&begun) != 0)
			continue;
		pthread_setname_np(thread, "ripcord");
		atomic_store(&thread_runs, true);
	}
	sem_destroy(&begun);
	return result;
}

int
flagp_driver_start(enum flag_driver kind, struct flag_error *error)
{
	struct flag_error failure = { 0 };
	int result = 0;

	flagp_lock(LOCK_CHANGE);
	flagp_process_driver(kind == FLAG_DRIVER_LOOP ? PROC_DRIVER_LOOP :
							PROC_DRIVER_THREAD);
	flagp_process_watch(watch.mode);
	flagp_process_report(flagp_snapshot_current());
	flagp_unlock(LOCK_CHANGE);
	if (kind == FLAG_DRIVER_THREAD)
		result = start_thread();
	if (result == 0)
		return 0;
	flagp_error_set(&failure, flagp_error_code(result), NULL, 0,
			"no driver thread: %s; flags follow only when "
			"flag_tick() is called", strerror(result));
	flagp_lock(LOCK_CHANGE);
	flagp_process_driver(PROC_DRIVER_NONE);
	flagp_process_standing(&failure);
	flagp_process_report(flagp_snapshot_current());
	flagp_unlock(LOCK_CHANGE);
	return -flagp_error_set(error, failure.code, NULL, 0, "%s",
				failure.text);
}

bool
flagp_driver_has_thread(void)
{
	return atomic_load(&thread_runs);
}

void
flagp_driver_stop(void)
{
	if (atomic_exchange(&thread_runs, false)) {
		atomic_store(&stopping, true);
		wake();
		pthread_join(thread, NULL);
	}
	flagp_watch_close(&watch);
	close_pipe();
	if (epoll_descriptor >= 0)
		close(epoll_descriptor);
	epoll_descriptor = -1;
}

static void
follow(int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (descriptor >= 0)
		epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, descriptor, &event);
}

int
flagp_driver_descriptor(void)
{
	int descriptor;

	if (epoll_descriptor >= 0)
		return epoll_descriptor;
	descriptor = epoll_create1(EPOLL_CLOEXEC);
	if (descriptor < 0)
		return -flagp_error_code(errno);
	epoll_descriptor = flagp_io_above_2(descriptor);
	follow(watch.descriptor);
	follow(atomic_load(&wake_read));
	return epoll_descriptor;
}

/*
 * The parent still uses the files behind these descriptors, so closing the
 * child's copies is safe; reading them would take the parent's events.
 */
void
flagp_driver_forget(void)
{
	atomic_store(&thread_runs, false);
	flagp_watch_close(&watch);
	close_pipe();
	if (epoll_descriptor >= 0)
		close(epoll_descriptor);
	epoll_descriptor = -1;
}
