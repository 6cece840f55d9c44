/* SPDX-License-Identifier: MIT */
/*
 * history_folder.h - a folder with a history for one test: changes to append,
 * and what reading from both ends gives.
 */
#ifndef HISTORY_FOLDER_H
#define HISTORY_FOLDER_H

#include <stdint.h>
#include <stdio.h>

#include "base/io.h"
#include "folder.h"
#include "store/history.h"
#include "suite.h"

#define AT_WALL 1795313452	/* 2026-11-22T02:10:52Z */

static struct folder folder;
static const struct history_how lightly = { 0 };

static inline struct history_change
change_of(uint64_t generation)
{
	struct history_change change = flagp_history_no_change;

	change.generation = generation;
	change.at = AT_WALL;
	strcpy(change.verb, "off");
	strcpy(change.by, HISTORY_PERSON);
	change.author.uid = 1000;
	change.author.pid = 812;
	strcpy(change.author.user, "anna");
	strcpy(change.author.tty, "pts/0");
	strcpy(change.author.reason, "p99 = 2x");
	return change;
}

static inline struct history_flag
flag_of(const char *name, uint32_t was, uint32_t now)
{
	struct history_flag flag = flagp_history_no_flag;

	snprintf(flag.name, sizeof(flag.name), "%s", name);
	flag.was.share = flag.before = was;
	flag.now.share = flag.after = now;
	return flag;
}

/* Appends a change of count flags: flag.0, flag.1, ... */
static inline int
append(uint64_t generation, unsigned count, const struct history_how *how)
{
	struct history_change change = change_of(generation);
	struct history_draft draft;
	struct history_flag flag;
	char name[32];
	unsigned i;
	int code;

	flagp_history_begin(&draft, &change);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "flag.%u", i);
		flag = flag_of(name, FLAGP_SHARE_ALL, 0);
		flagp_history_add(&draft, &flag);
	}
	code = flagp_history_append(&draft, folder.descriptor, how, NULL);
	flagp_history_drop(&draft);
	return code;
}

/* Appends a change of one flag, or of none. */
static inline void
append_change(const struct history_change *change,
	      const struct history_flag *flag)
{
	struct history_draft draft;

	flagp_history_begin(&draft, change);
	if (flag != NULL)
		flagp_history_add(&draft, flag);
	ck_assert_int_eq(flagp_history_append(&draft, folder.descriptor,
					      &lightly, NULL), 0);
	flagp_history_drop(&draft);
}

static inline struct history *
open_all(void)
{
	struct history *history;

	ck_assert_int_eq(flagp_history_open(&history, folder.descriptor,
					    NULL), 0);
	return history;
}

/* The generation of the last record; without ck_assert(), for children. */
static inline uint64_t
newest(void)
{
	struct history *history;
	uint64_t generation;

	if (flagp_history_open(&history, folder.descriptor, NULL) != 0)
		return 0;
	generation = flagp_history_newest(history);
	flagp_history_close(history);
	return generation;
}

/* What one direction gave.  Looked at without ck_assert(), which writes to a
 * file each time. */
struct listing {
	size_t count;
	uint64_t generations[8192];
	unsigned flags;
	bool wrong;			/* another number of flags than said */
	struct history_seen seen;
};

static inline void
list(struct history *history, enum history_order order,
     const struct history_filter *filter, struct listing *listing)
{
	struct history_change change;
	struct history_flag flag;
	unsigned flags;

	listing->count = listing->flags = 0;
	listing->wrong = false;
	flagp_history_seek(history, order, filter);
	while (listing->count < FLAGP_COUNT(listing->generations) &&
	       flagp_history_next(history, &change)) {
		listing->generations[listing->count++] = change.generation;
		for (flags = 0; flagp_history_flag(history, &flag) == 1;
		     flags++)
			;
		listing->wrong |= flags != change.flags;
		listing->flags += flags;
	}
	listing->seen = flagp_history_seen(history);
}

/* Whether the other one is the same, from its end. */
static inline bool
mirrors(const struct listing *a, const struct listing *b)
{
	size_t i;

	if (a->count != b->count || a->flags != b->flags || a->wrong ||
	    b->wrong || a->seen.damaged != b->seen.damaged ||
	    a->seen.torn != b->seen.torn)
		return false;
	for (i = 0; i < a->count; i++)
		if (a->generations[i] != b->generations[a->count - 1 - i])
			return false;
	return true;
}

/* Lists what stands there now, oldest first; both directions must agree. */
static inline void
list_all(struct listing *forward)
{
	static struct listing back;
	struct history *history = open_all();

	list(history, HISTORY_OLDEST_FIRST, NULL, forward);
	list(history, HISTORY_NEWEST_FIRST, NULL, &back);
	ck_assert(mirrors(forward, &back));
	flagp_history_close(history);
}

static struct listing now;	/* what the last list_all() of a test gave */

/* Whether all from first to last stand there, each once and in order. */
static inline void
check_all(uint64_t first, uint64_t last)
{
	size_t i;

	list_all(&now);
	ck_assert_uint_eq(now.count, last - first + 1);
	for (i = 0; i < now.count && now.generations[i] == first + i; i++)
		;
	ck_assert_uint_eq(i, now.count);
}

static inline void
read_file(const char *name, struct text *text)
{
	text->size = 0;
	ck_assert_int_eq(flagp_io_read(folder.descriptor, name, 64u << 20,
				       text, NULL), 0);
}

static inline void
remove_files(void)
{
	static const char *const names[] = {
		"history", "history.1", "history.2", "history.3"
	};
	size_t i;

	for (i = 0; i < FLAGP_COUNT(names); i++)
		unlinkat(folder.descriptor, names[i], 0);
}

static inline void
setup(void)
{
	folder = folder_make();
}

static inline void
teardown(void)
{
	folder_remove(&folder);
}

#endif
