/* SPDX-License-Identifier: MIT */
/*
 * history.h - every change of a service, in the order in which they were made.
 *
 * The file "history" of the state directory is only ever appended to; "cat" is
 * a debugger.  One record a change: a line for the change, then a line for
 * each flag that it touched.
 *
 *	17 051d48e5 ripcord history 1
 *	168 5d3f0c11 change generation=41 at=2026-11-22T02:10:52Z verb=off ...
 *	flag checksum.crc32c was=on was-until=... now=off before=on after=off
 *
 * LENGTH and CRC: bytes behind them, without the newline at the end, and their
 * CRC-32.  A record begins at the start of a line with a digit, and no other
 * line has one there; so whatever stands between two records, the second is
 * found.  What has no right length and checksum is skipped and counted.
 * Unknown words, lines and kinds of records are passed over by who reads, and
 * kept by who copies.  A file of a later version ("ripcord history 2") is read
 * as far as its records are like ours, and never written.
 *
 * A record that would make the file larger than HISTORY_LIMIT goes to a new
 * one: "history" becomes "history.1", that "history.2", up to HISTORY_OLDER.
 * More than one of them, since one change of very many flags fills a file of
 * its own, and must not push out all that was before it.  Each rename leaves
 * every record in a file that is read; a gap that a writer left who died is
 * filled by the next one, and costs no file.
 *
 * A writer holds the lock of writers and
 *  1. takes a generation above flagp_history_newest() and all layer files;
 *  2. adds what the layer files hold as their last change to the history if it
 *     is missing there: begin, add, append with how.recovered;
 *  3. writes its layer file: that rename is the commit;
 *  4. adds its own change: begin, add for each flag, append.
 * Who dies between 3 and 4 is made up for by step 2 of the next one.  A failed
 * append takes back nothing: the change stands, and step 2 tries again.
 *
 * "undo GEN" finds the change with flagp_history_find(), reads its flags with
 * flagp_history_flag() and puts back what stood before (was); with a filter of
 * the flag and generations above GEN it sees what has touched one since.
 * "undo" alone takes the newest change of the filter "persons".  "restore GEN"
 * asks flagp_history_state_after() for each flag.
 */
#ifndef FLAGP_HISTORY_H
#define FLAGP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ripcord.h"
#include "store/record.h"
#include "store/words.h"

#define HISTORY_NAME "history"
#define HISTORY_OLDER 3u		/* history.1 .. history.3 */
#define HISTORY_LIMIT (1u << 20)
/* One record, and one line of it. */
#define HISTORY_RECORD_LIMIT (64u << 20)
#define HISTORY_LINE_LIMIT (16u << 10)

/* Who made a change, in history_change.by: a person, by hand. */
#define HISTORY_PERSON "person"

/* An override as it stood; share FLAGP_SHARE_NONE: none did. */
struct history_override {
	uint32_t share, base;
	uint64_t generation;		/* of the record; 0: not said */
	uint64_t holds, over;		/* generations; 0: none */
	int64_t until;			/* wall seconds; 0: no end */
	char boot[40];			/* not "": ended with that boot */
};

/* A value of the configuration as it was written, and "FILE:LINE". */
struct history_setting {
	char value[WORDS_TEXT_SIZE], from[WORDS_TEXT_SIZE];
};

/* One flag that a change touched. */
struct history_flag {
	char name[FLAGP_NAME_SIZE];
	struct history_override was, now;
	uint32_t before, after;		/* effective shares, or NONE */
	uint64_t trip_was, trip_now;	/* generations of trips; 0: none */
	struct history_setting set_was, set_now;
};

struct history_change {
	uint64_t generation;
	int64_t at;			/* wall seconds */
	char verb[17];
	char by[17];			/* HISTORY_PERSON, or what else */
	struct record_author author;
	char sudo_user[33], ticket[65];
	bool recovered;			/* added by a later writer */
	uint64_t config_was, config_now;	/* digests; 0: none */
	uint64_t panic_was, panic_now;	/* generations; 0: no panic */
	char evidence[WORDS_TEXT_SIZE];	/* of a trip */
	unsigned flags;			/* as many lines follow */
};

/* A change and a flag that say nothing yet. */
extern const struct history_change flagp_history_no_change;
extern const struct history_flag flagp_history_no_flag;

/* --- writing ---------------------------------------------------------- */

/* A record in the making; memory grows with its flags. */
struct history_draft {
	struct history_change change;
	struct text lines;		/* of its flags */
	bool refused;			/* a flag has no name */
	struct text copied;		/* or all of it, word by word */
};

struct history_how {
	bool durable;			/* synced before it returns */
	bool recovered;			/* only if it is missing; marked so */
	uint64_t limit;			/* of the file; 0: HISTORY_LIMIT */
};

#define HISTORY_UNSYNCED 1		/* stands, but is not synced */
#define HISTORY_THERE 2			/* stood there already */

/* change->flags is not looked at. */
void flagp_history_begin(struct history_draft *draft,
			 const struct history_change *change);
void flagp_history_add(struct history_draft *draft,
		       const struct history_flag *flag);
void flagp_history_drop(struct history_draft *draft);

/*
 * Appends a record; the caller holds the lock of writers.  A record that is
 * there already, of that generation and with that content, is not appended
 * again; with how->recovered one of that generation, time and verb is enough.
 * A copy is appended as it is, without a mark.
 * Returns 0, HISTORY_UNSYNCED, HISTORY_THERE, or -errno with a text in error:
 * then the file is as it was (or ends with a torn record, where not even that
 * could be had).  -EROFS: a later version's file.  -EFBIG: too large a record,
 * or a limit on files.
 */
int flagp_history_append(struct history_draft *draft, int directory,
			 const struct history_how *how,
			 struct flag_error *error);

/* --- reading ---------------------------------------------------------- */

enum history_order { HISTORY_NEWEST_FIRST, HISTORY_OLDEST_FIRST };

/* What is passed over; { 0 } is nothing. */
struct history_filter {
	const char *flag;		/* NULL: any; outlives the reading */
	int64_t since;			/* wall seconds */
	uint64_t from, to;		/* generations; to 0: no end */
	bool persons;			/* only what persons did */
};

/* What was seen besides records: the first two since the last seek. */
struct history_seen {
	unsigned damaged;		/* places without a right record */
	bool torn;			/* the newest file ends in a part */
	bool newer;			/* there is a file of a later version */
};

struct history;

/*
 * Opens all files as they are now: what is appended later is not seen, and a
 * rotation meanwhile hides and doubles nothing.  Memory does not depend on
 * them.  No file: no record.  Returns 0, -FLAG_ENOMEM, or the code of what
 * keeps a file from being opened, with a text in error.
 */
int flagp_history_open(struct history **history, int directory,
		       struct flag_error *error);
void flagp_history_close(struct history *history);

/* Begins anew.  NEWEST_FIRST and no filter after open.  filter may be NULL. */
void flagp_history_seek(struct history *history, enum history_order order,
			const struct history_filter *filter);

/* The next change: true, and false at the end. */
bool flagp_history_next(struct history *history,
			struct history_change *change);

/*
 * The next flag of the change that flagp_history_next() or flagp_history_find()
 * gave.  Returns 1, 0 at the end, -FLAG_EIO where the file is cut meanwhile.
 */
int flagp_history_flag(struct history *history, struct history_flag *flag);

/* The change that flagp_history_next() gave, word by word, as a draft; what
 * this version does not know is in it.  0, -FLAG_ENOMEM, -FLAG_EIO. */
int flagp_history_copy(struct history *history, struct history_draft *draft);

struct history_seen flagp_history_seen(const struct history *history);

/* The newest change of that generation; as flagp_history_next(). */
bool flagp_history_find(struct history *history, uint64_t generation,
			struct history_change *change);

/* The generation of the last record; 0: none. */
uint64_t flagp_history_newest(struct history *history);

struct history_state {
	struct history_override override;
	uint64_t generation;		/* of the change that says so */
	/* False: the next change of the flag found another one; a record
	 * between them is lost, or the override has ended. */
	bool agrees;
};

/*
 * The override of a flag as it stood after a generation: what the last change
 * up to it left, or else what the first one after it found.  Returns 1; 0
 * where no record speaks of the flag; -FLAG_EIO.
 */
int flagp_history_state_after(struct history *history, uint64_t generation,
			      const char *flag, struct history_state *state);

#endif
