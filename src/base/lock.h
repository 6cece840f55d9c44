/* SPDX-License-Identifier: MIT */
/*
 * lock.h - every mutex of the library, in the order in which they nest, and
 * the lock file that orders writers of different processes.
 *
 * POSIX record locks: flock(2) does not keep fork siblings apart.  Their price
 * is that any close of the file in a process drops the lock, so only
 * flagp_lock_file() opens it, and LOCK_FILE keeps threads apart.
 */
#ifndef FLAGP_LOCK_H
#define FLAGP_LOCK_H

/* A thread that holds one may only take those below it in this list. */
enum lock_rank {
	LOCK_CONTROL,		/* start, stop, driver state (run/driver.c) */
	LOCK_CHANGE,		/* one change at a time (core/change.c) */
	LOCK_FILE,		/* the writer lock file is ours */
	LOCK_REGISTRY,		/* objects, names (core/registry.c) */
	LOCK_VIEWS,		/* threads that have views (core/view.c) */
	LOCK_LISTENERS,		/* who is told (core/events.c) */
	LOCK_COUNT
};

/* Never fail; a debug build aborts on a wrong order. */
void flagp_lock(enum lock_rank rank);
void flagp_unlock(enum lock_rank rank);

/* All of them, around fork(): the parent locks, both sides unlock. */
void flagp_lock_all(void);
void flagp_unlock_all(void);
/* The child: all are free again, whoever held them. */
void flagp_lock_reset(void);

/*
 * Takes LOCK_FILE and the record lock on name in directory (created 0660),
 * waiting at most timeout_ms.  Returns a descriptor for
 * flagp_lock_file_release(), -EBUSY, or -errno; nothing is held then.
 */
int flagp_lock_file(int directory, const char *name, unsigned timeout_ms);
void flagp_lock_file_release(int descriptor);

#endif
