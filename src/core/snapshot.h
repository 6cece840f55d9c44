/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - everything that the files say, as one immutable object.
 *
 * Readers look at it inside a short read section of liburcu's bp flavour,
 * which needs no registration of threads; what they want they copy out, and no
 * code of the host runs inside.  A writer builds the next one from the pieces
 * of the last, publishes it whole, and frees the old one after a grace period
 * with no lock held.
 *
 *	O1: flagp_snapshot_publish (exchange, release) pairs with
 *	    flagp_snapshot_enter (load, acquire): a reader sees what the
 *	    pointer points to.
 */
#ifndef FLAGP_SNAPSHOT_H
#define FLAGP_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/io.h"
#include "core/layers.h"
#include "store/conf.h"
#include "store/record.h"

enum piece_id {
	PIECE_CONF,
	PIECE_OVERRIDES_STATE,
	PIECE_OVERRIDES_RUN,
	PIECE_TRIPS_STATE,
	PIECE_TRIPS_RUN,
	PIECE_PANIC_STATE,
	PIECE_PANIC_RUN,
	PIECE_COUNT
};

/*
 * What one file (or the set of configuration files) said.  Shared by the
 * snapshots that were made while it did not change.
 * refs: W, R under LOCK_CHANGE.  The rest: fixed once in a snapshot.
 */
struct piece {
	unsigned refs;
	enum piece_id id;
	struct io_mark mark;		/* not for the configuration */
	struct conf *conf;
	struct record_file file;
	struct record_panic panic;
};

struct snapshot {
	struct piece *pieces[PIECE_COUNT];	/* NULL: nothing known */
	bool baseline;		/* a layer file could never be understood */
	uint64_t knowledge;	/* hash of all of it and of what has ended */
	uint64_t generation;	/* the highest in the layer files */
};

/* A new piece with one reference, or NULL. */
struct piece *flagp_piece_new(enum piece_id id);
/* LOCK_CHANGE is held for these two; NULL is accepted. */
struct piece *flagp_piece_hold(struct piece *piece);
void flagp_piece_drop(struct piece *piece);

/* Views the pieces as the layers want them. */
void flagp_snapshot_files(const struct snapshot *snapshot, int64_t wall,
			  struct layers_files *files);

/* Computes knowledge and generation. */
void flagp_snapshot_seal(struct snapshot *snapshot, int64_t wall);

/* The one in force, for the writer; NULL before the first.  LOCK_CHANGE. */
struct snapshot *flagp_snapshot_current(void);

/* Makes next the one in force; returns the one before.  LOCK_CHANGE. */
struct snapshot *flagp_snapshot_publish(struct snapshot *next);

/* Frees one that was never published.  LOCK_CHANGE is held. */
void flagp_snapshot_free(struct snapshot *snapshot);

/* Waits for readers, then frees.  No lock is held; takes LOCK_CHANGE. */
void flagp_snapshot_retire(struct snapshot *old);

/* A read section: bounded, no host code, no lock inside.  NULL: none yet. */
const struct snapshot *flagp_snapshot_enter(void);
void flagp_snapshot_leave(void);

/* Reads the boot id, and whether grace periods may use membarrier; once, at
 * start. */
void flagp_snapshot_init(void);

/* Around fork(), unless the host does it itself. */
void flagp_snapshot_before_fork(void);
void flagp_snapshot_after_fork_parent(void);
void flagp_snapshot_after_fork_child(void);

#endif
