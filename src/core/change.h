/* SPDX-License-Identifier: MIT */
/*
 * change.h - the only way anything changes in this process: look at the cells,
 * stage what the files say, commit it or nothing.
 *
 *	flagp_lock(LOCK_CHANGE);
 *	do {
 *		flagp_change_begin();		cells are loaded first
 *		next = ... read the files ...	then the files
 *		result = flagp_change_commit(next, current, &old);
 *	} while (result == CHANGE_AGAIN);	somebody knew better
 *	flagp_unlock(LOCK_CHANGE);
 *	flagp_snapshot_retire(old);
 */
#ifndef FLAGP_CHANGE_H
#define FLAGP_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/registry.h"
#include "core/snapshot.h"
#include "store/paths.h"

enum change_result {
	CHANGE_DONE,
	CHANGE_AGAIN,		/* a cell changed meanwhile: begin again */
	CHANGE_HELD		/* the family knows more: not all done */
};

/* Adopts objects that were loaded meanwhile, then looks at every cell.
 * LOCK_CHANGE is held. */
void flagp_change_begin(void);

/*
 * Publishes what next says, cells first, then the snapshot.  next becomes
 * shared; with CHANGE_AGAIN or CHANGE_HELD it still belongs to the caller.
 * current: the configuration in next is what stands on disk; if not, the
 * family's newer one is never overwritten.  Where old is set, retire it.
 * LOCK_CHANGE is held.
 */
enum change_result flagp_change_commit(struct snapshot *next, bool current,
				       struct snapshot **old);

/* All that decides, as this process sees it.  snapshot may be NULL.  As for
 * flagp_change_ask(). */
void flagp_change_files(const struct snapshot *snapshot,
			struct layers_files *files);

/* What a flag should be now, and why.  LOCK_CHANGE is held, or one is inside a
 * read section; snapshot may be NULL. */
void flagp_change_ask(const struct snapshot *snapshot, const char *name,
		      uint32_t initial, struct layers_answer *answer);

/* The same answer for an entry, found faster where it stood at the last time.
 * files: from the above.  LOCK_CHANGE is held. */
void flagp_change_ask_entry(struct layers_files *files,
			    struct registry_entry *entry,
			    struct layers_answer *answer);

/* For flag_test_set and its kin: share, or FLAGP_SHARE_NONE to reset.  NULL:
 * every flag.  Takes LOCK_CHANGE. */
void flagp_change_test(struct flag *flag, uint32_t share);
/* One step of flag_test_next(): off, then on, then reset.  Returns 1, 2, 0; 0
 * also for a flag that nobody registered.  Takes LOCK_CHANGE. */
unsigned flagp_change_test_step(struct flag *flag);

/* Copies a flag's entry as it is now.  Returns false if nobody registered it.
 * Takes LOCK_CHANGE. */
bool flagp_change_entry(const struct flag *flag, struct registry_entry *entry);

/*
 * Trips a flag: clears its cells at once, then writes the record, then marks
 * the cells as saved.  evidence: one line.  The store to the cells never
 * waits; what the disk refuses is written at a later turn.  Takes LOCK_CHANGE
 * and LOCK_FILE.  Returns 0, or -code if the record could not be written.
 */
int flagp_change_trip(struct flag *flag, const char *evidence);

/* Writes records for tripped cells that have none: the process that tripped
 * them may be dead.  Takes LOCK_CHANGE and LOCK_FILE.  Returns how many were
 * left unwritten. */
unsigned flagp_change_save_trips(void);

/* Whether the last commit saw a tripped cell without a record. */
bool flagp_change_trips_unsaved(void);

/* Where trips are written.  W: start and stop, under LOCK_CHANGE. */
void flagp_change_places(const struct places *places);
/* Whether a trip's record is synced; not in a host's loop, which must not wait
 * for a disk.  W: start, before there is a driver. */
void flagp_change_durable(bool durable);

/* What the host's environment says: text as flagp_conf_environment() takes it,
 * or NULL.  What is wrong with it is in flagp_change_problem().  Returns
 * whether it is in force.  W: start, under LOCK_CHANGE. */
bool flagp_change_environment(const char *text);

/*
 * What no file can mend: the first definition that cannot be, or what is wrong
 * with the environment of the last start.  LOCK_CHANGE is held.
 */
const struct flag_error *flagp_change_problem(void);

/* Whether the board's epoch is none that the views' newest generation knows:
 * the next turn makes another one.  LOCK_CHANGE is held. */
bool flagp_change_is_behind(void);

/* What a percentage chooses among for flag_enabled(): the same in all members
 * of a family.  W: start, under LOCK_CHANGE. */
void flagp_change_instance(const char *name);
const char *flagp_change_own_instance(void);

/*
 * Finds or makes the entry of a run-time name.  A new one is published if
 * current, called under LOCK_CHANGE, says that the snapshot in force is what
 * the files say; the next turn does it otherwise.  Takes LOCK_CHANGE.  NULL:
 * out of memory.
 */
struct flag *flagp_change_find(const char *name, bool (*current)(void));

#endif
