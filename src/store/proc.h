/* SPDX-License-Identifier: MIT */
/*
 * proc.h - registrations: one file a process in proc/ of the run directory,
 * named PID.STARTTIME.
 *
 * The first PROC_HEAD bytes are "key value" lines padded with spaces; behind
 * them stands one line of fixed length a flag, so that one changed word is one
 * small pwrite(2) in place:
 *
 *	pid 812
 *	...
 *	checksum.crc32c<spaces to 48> 00000a01 0001869f 0 00 <source>
 *
 * Alive: the owner holds a POSIX record lock on its file.  Any other open and
 * close of that file in the owner would drop the lock: nobody opens his own.
 */
#ifndef FLAGP_PROC_H
#define FLAGP_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/text.h"
#include "base/value.h"
#include "ripcord.h"
#include "store/conf.h"

#define PROC_HEAD 4096u		/* bytes before the first flag */
#define PROC_LINE 160u		/* bytes of one flag, newline included */

enum proc_driver {
	PROC_DRIVER_NONE,	/* registered only; follows its family */
	PROC_DRIVER_THREAD,
	PROC_DRIVER_LOOP
};

/* What a process has applied: one number a layer file, and the digest of the
 * configuration.  Compare for >= where generations, == where a digest. */
struct proc_ack {
	uint64_t overrides_run, overrides_state;
	uint64_t trips_run, trips_state;
	uint64_t panic;			/* 0 none; else the highest seen */
	uint64_t config;		/* digest in force */
};

/* The head of a registration. */
struct proc_head {
	int pid;
	uint64_t start;			/* field 22 of /proc/PID/stat, or 0 */
	uint64_t board;			/* inode of memfd:ripcord:SVC; 0: own */
	bool own_cells;			/* has cells outside the family's */
	enum proc_driver driver;
	int64_t tick_ms;		/* flagp_clock_ms() of its last turn */
	int64_t started;		/* wall seconds */
	uint64_t generation;		/* highest generation applied */
	struct proc_ack ack;
	bool clean;			/* flag_stop() was called */
	char watch[24];			/* "inotify", "poll(EMFILE)", "-" */
	char service[FLAGP_NAME_SIZE];
	char version[24];		/* of the library */
	char program[64];		/* from /proc/self/comm */
	char instance[FLAGP_INSTANCE_SIZE];
	char environment[CONF_ENVIRONMENT_LIMIT + 1];	/* in force, or "" */
	uint32_t flags;			/* lines that follow */
	char error[700];		/* file:line: text, or "" */
};

/* Bits of a word, as core/board.h publishes them. */
#define PROC_WORD_ON 0x01u
#define PROC_WORD_PERCENT 0x02u

/* A line may be of a tunable: its type, and in word and threshold the low and
 * the high half of its value's bits, or of the hash of a string's text. */
#define PROC_TUNABLE(type) ((unsigned)(type) + 1)
#define PROC_TUNABLE_TYPE(tunable) ((enum value_type)((tunable) - 1))

/* One flag as a process last wrote it. */
struct proc_flag {
	char name[FLAGP_NAME_SIZE];
	uint32_t word, threshold;
	bool initial;			/* its compiled default */
	bool keys, calls;		/* read by key, by call: seen so far */
	unsigned tunable;		/* 0: a flag; else PROC_TUNABLE(type) */
	uint64_t generation;		/* of the change that made the word */
	char source[48];		/* "default", "mysvc.ini:12", "off" */
};

/* --- the writing side: its own process ------------------------------- */

/*
 * Formats the head into PROC_HEAD bytes: lines, then spaces, a newline last.
 * Async-signal-safe: the fork handler uses it too.
 */
void flagp_proc_format_head(const struct proc_head *head, char *buffer);
/* Formats one flag into PROC_LINE bytes.  Async-signal-safe. */
void flagp_proc_format_flag(const struct proc_flag *flag, char *buffer);

/*
 * Creates the registration under a temporary name, locks it and renames it to
 * PID.START.  proc is the directory.  Async-signal-safe.  Returns a
 * descriptor (>= 3), or -errno.
 */
int flagp_proc_create(int proc, const struct proc_head *head);

/*
 * A process's start time: field 22 of the file stat_name in directory, which
 * is "self/stat" of an open /proc, or "stat" of an open /proc/PID.  0 where it
 * cannot be read.  Async-signal-safe.
 */
uint64_t flagp_proc_start_time(int directory, const char *stat_name);

/* Whether the open descriptor is what stands under its name in proc. */
bool flagp_proc_stands(int proc, const struct proc_head *head,
		       int descriptor);

/* Removes it; call it where it stands. */
void flagp_proc_remove(int proc, const struct proc_head *head);

/*
 * Removes the entries of dead processes: at once those that only registered
 * in a fork handler (a child that went on to exec another program), the others
 * after PROC_KEEP_S, since how they ended is of interest.  own is passed over,
 * unopened.
 */
#define PROC_KEEP_S 600
void flagp_proc_sweep(int proc, const struct proc_head *own);

/* --- the reading side: flagctl ---------------------------------------- */

enum proc_life {
	PROC_LIVE,		/* the lock is held */
	PROC_UNLOCKED,		/* lock free, but that process is there */
	PROC_DEAD
};

struct proc_entry {
	struct proc_head head;
	enum proc_life life;
	struct proc_flag *flags;	/* head.flags of them, or NULL */
	char problem[96];		/* "" or why it cannot be read */
};

struct proc_list {
	struct proc_entry *entries;	/* sorted by pid */
	size_t count;
};

/*
 * Reads every registration in the directory proc (not one's own).  With
 * flags, their lines too.  One that cannot be read is listed with problem
 * set.  Returns 0 or -errno.
 */
int flagp_proc_scan(struct proc_list *list, int proc, bool flags);
void flagp_proc_free(struct proc_list *list);

#endif
