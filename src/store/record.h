/* SPDX-License-Identifier: MIT */
/*
 * record.h - the layer files: what operators and trips say of flags.
 *
 * live/overrides and live/trips, in the state directory (lasting) and in the
 * run directory (gone at reboot); live/PANIC in either.  Text, one record a
 * line, "cat" is a debugger:
 *
 *	ripcord overrides 1
 *	generation 41
 *	change 41 at=... verb=off flag=checksum.crc32c before=on after=off ...
 *	flag checksum.crc32c state=off generation=41 at=... uid=0 user=root ...
 *	end 1 5d3f0c11
 *
 * "end COUNT CRC": records, and the CRC-32 of all bytes before that line.  The
 * "change" line is the last change in full: the next writer appends it to
 * history if it is missing there.  Unknown lines and unknown key=value words
 * are kept as they are; an unknown version is read-only.
 *
 * Generations are numbered over all layer files of a service: a writer takes
 * one more than the highest it finds under the lock.
 */
#ifndef FLAGP_RECORD_H
#define FLAGP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "ripcord.h"

#define RECORD_FILE_LIMIT (16u << 20)

enum record_kind { RECORD_OVERRIDES, RECORD_TRIPS };

/* The file names inside live/, and the lock beside it. */
#define RECORD_OVERRIDES_NAME "overrides"
#define RECORD_TRIPS_NAME "trips"
#define RECORD_PANIC_NAME "PANIC"
#define RECORD_LOCK_NAME "lock"

/* Who and why. */
struct record_author {
	uint32_t uid, login_uid;	/* login_uid UINT32_MAX: none */
	int pid;
	char user[33], tty[33];
	char reason[257];
};

/* What one flag is told. */
struct record {
	char flag[FLAGP_NAME_SIZE];
	uint32_t share;			/* 0 or FLAGP_SHARE_ALL */
	uint32_t base;			/* configured share then, or NONE */
	bool removed;			/* stands for "no record any more" */
	uint64_t generation;
	int64_t at;			/* wall seconds */
	int64_t until;			/* wall seconds; 0: no end */
	char boot[40];			/* not "": ends with that boot */
	struct record_author author;
	char *unknown;			/* words we do not know, or NULL */
};

/* The last change of a file, in full. */
struct record_change {
	uint64_t generation;
	int64_t at;
	char verb[17];			/* on, off, unset, panic, trip ... */
	char flag[FLAGP_NAME_SIZE];	/* "*" for several: then count */
	unsigned count;
	uint32_t before, after;		/* effective shares of that flag */
	struct record_author author;
};

/* One layer file in memory. */
struct record_file {
	enum record_kind kind;
	bool read_only;			/* written by a newer version */
	uint64_t generation;		/* 0: no such file */
	struct record_change change;
	size_t count;
	struct record *records;		/* sorted by flag */
	char *unknown;			/* whole lines, or NULL */
};

/*
 * Parses a whole file.  Returns 0; -FLAG_ECONFIG with file, line and text
 * where it is torn or changed by hand; -FLAG_ENOMEM.  file starts as { 0 }.
 */
int flagp_record_parse(struct record_file *file, enum record_kind kind,
		       const char *name, const char *text, size_t size,
		       struct flag_error *error);

/* Reads name in directory.  No such file: 0, generation 0, no record. */
int flagp_record_read(struct record_file *file, enum record_kind kind,
		      int directory, struct io_mark *mark,
		      struct flag_error *error);

/* The text of a file, to append to text. */
void flagp_record_format(const struct record_file *file, struct text *text);

/* Formats and replaces.  Like flagp_io_replace(). */
int flagp_record_write(const struct record_file *file, int directory,
		       bool durable);

/* Adds a record, or replaces the one of the same flag.  0, -FLAG_ENOMEM. */
int flagp_record_put(struct record_file *file, const struct record *record);

/* The record of a flag, or NULL. */
const struct record *flagp_record_get(const struct record_file *file,
				      const char *flag);

/*
 * The newer of two records of one flag; each may be NULL.  Returns NULL if
 * there is none or the newest says "removed".
 */
const struct record *flagp_record_newest(const struct record *a,
					 const struct record *b);

/*
 * Whether a record has ended: its time is over, or it was bound to a boot that
 * is not this one.
 */
bool flagp_record_ended(const struct record *record, int64_t wall,
			const char *boot);

void flagp_record_free(struct record_file *file);

/* PANIC: presence is what counts, an empty file is enough. */
struct record_panic {
	bool on;
	uint64_t generation;		/* 1 where the file names none */
	int64_t at;
	struct record_author author;
};

/* Reads live/PANIC; an unreadable one counts as on. */
void flagp_record_panic(struct record_panic *panic, int directory);
/* Writes it.  Like flagp_io_replace(). */
int flagp_record_panic_write(const struct record_panic *panic, int directory,
			     bool durable);

/* Fills uid, login uid, tty and pid of the caller, and user with the uid's
 * digits; no reason. */
void flagp_record_author(struct record_author *author);

/* This boot's id, or "" where it cannot be read; size >= 40. */
void flagp_record_boot(char *buffer, size_t size);

#endif
