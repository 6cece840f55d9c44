/* SPDX-License-Identifier: MIT */
/* lock.c - see lock.h. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"

#define SECOND_NS 1000000000
#define MILLISECOND_NS 1000000
#define NAP_FIRST_NS MILLISECOND_NS
#define NAP_LONGEST_NS (20 * MILLISECOND_NS)

static pthread_mutex_t mutexes[LOCK_COUNT] = {
	[LOCK_CONTROL] = PTHREAD_MUTEX_INITIALIZER,
	[LOCK_CHANGE] = PTHREAD_MUTEX_INITIALIZER,
	[LOCK_FILE] = PTHREAD_MUTEX_INITIALIZER,
	[LOCK_REGISTRY] = PTHREAD_MUTEX_INITIALIZER,
	[LOCK_VIEWS] = PTHREAD_MUTEX_INITIALIZER,
	[LOCK_LISTENERS] = PTHREAD_MUTEX_INITIALIZER
};

#ifdef FLAGP_DEBUG
/* Bit r: this thread holds rank r. */
static _Thread_local unsigned held;

static void
check_order(enum lock_rank rank)
{
	if (held >> rank != 0)
		abort();
}

static void
note_taken(enum lock_rank rank)
{
	held |= 1u << rank;
}

static void
note_given(enum lock_rank rank)
{
	if ((held & 1u << rank) == 0)
		abort();
	held &= ~(1u << rank);
}

static void
note_none(void)
{
	held = 0;
}
#else
static void
check_order(enum lock_rank rank)
{
	(void)rank;
}

static void
note_taken(enum lock_rank rank)
{
	(void)rank;
}

static void
note_given(enum lock_rank rank)
{
	(void)rank;
}

static void
note_none(void)
{
}
#endif

void
flagp_lock(enum lock_rank rank)
{
	check_order(rank);
	pthread_mutex_lock(&mutexes[rank]);
	note_taken(rank);
}

void
flagp_unlock(enum lock_rank rank)
{
	note_given(rank);
	pthread_mutex_unlock(&mutexes[rank]);
}

void
flagp_lock_all(void)
{
	int rank;

	for (rank = 0; rank < LOCK_COUNT; rank++)
		flagp_lock((enum lock_rank)rank);
}

void
flagp_unlock_all(void)
{
	int rank;

	for (rank = LOCK_COUNT - 1; rank >= 0; rank--)
		flagp_unlock((enum lock_rank)rank);
}

void
flagp_lock_reset(void)
{
	int rank;

	/* By assignment: nothing else is safe in a fork handler's child. */
	for (rank = 0; rank < LOCK_COUNT; rank++)
		mutexes[rank] = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	note_none();
}

/* The real time, whatever clock a test has put in: we really wait. */
static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec) {
		.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS
	};
}

/* Sleeps for *nap_ns or until the deadline and makes the next nap longer.
 * False: the deadline has passed. */
static bool
nap(int64_t *nap_ns, int64_t deadline)
{
	int64_t left = deadline - now_ns();
	struct timespec pause;

	if (left <= 0)
		return false;
	pause = timespec_of(*nap_ns < left ? *nap_ns : left);
	nanosleep(&pause, NULL);
	*nap_ns = *nap_ns * 2 < NAP_LONGEST_NS ? *nap_ns * 2 : NAP_LONGEST_NS;
	return true;
}

static int
open_lock(int directory, const char *name)
{
	int descriptor, code;

	descriptor = flagp_io_open(directory, name, O_RDWR | O_NOFOLLOW, 0);
	if (descriptor != -ENOENT)
		return descriptor;
	code = flagp_io_create(directory, name);
	if (code != 0)
		return code;
	return flagp_io_open(directory, name, O_RDWR | O_NOFOLLOW, 0);
}

/* Takes the record lock if it is free.  0, -EBUSY or -errno. */
static int
try_record_lock(int descriptor)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(descriptor, F_SETLK, &all) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES || errno == EINTR)
		return -EBUSY;
	return -errno;
}

/* Whether the open file is still the one of that name: somebody may have
 * removed it, and others then lock a new one. */
static bool
is_current(int descriptor, int directory, const char *name)
{
	struct stat open_file, named;

	return fstat(descriptor, &open_file) == 0 &&
	       fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       open_file.st_dev == named.st_dev &&
	       open_file.st_ino == named.st_ino;
}

/* One try: a descriptor that holds the lock, -EBUSY or -errno. */
static int
try_file(int directory, const char *name)
{
	int descriptor = open_lock(directory, name);
	int code;

	if (descriptor < 0)
		return descriptor;
	code = try_record_lock(descriptor);
	if (code == 0 && !is_current(descriptor, directory, name))
		code = -EBUSY;
	if (code == 0)
		return descriptor;
	close(descriptor);
	return code;
}

/*
 * pthread_mutex_trylock() between naps, not pthread_mutex_clocklock(): the one
 * deadline then holds for both locks, and thread checkers know it.
 */
int
flagp_lock_file(int directory, const char *name, unsigned timeout_ms)
{
	int64_t deadline = now_ns() + (int64_t)timeout_ms * MILLISECOND_NS;
	int64_t nap_ns = NAP_FIRST_NS;
	int descriptor;

	check_order(LOCK_FILE);
	while (pthread_mutex_trylock(&mutexes[LOCK_FILE]) != 0)
		if (!nap(&nap_ns, deadline))
			return -EBUSY;
	note_taken(LOCK_FILE);
	nap_ns = NAP_FIRST_NS;
	do
		descriptor = try_file(directory, name);
	while (descriptor == -EBUSY && nap(&nap_ns, deadline));
	if (descriptor < 0)
		flagp_unlock(LOCK_FILE);
	return descriptor;
}

void
flagp_lock_file_release(int descriptor)
{
	close(descriptor);
	flagp_unlock(LOCK_FILE);
}
