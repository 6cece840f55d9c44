/* SPDX-License-Identifier: MIT */
/*
 * publish.h - one change of the layer files, in the right order, and the wait
 * until the service has acknowledged it.
 *
 * Towards the baseline: the run directory at once, then the state directory
 * durably, while acknowledgements already come in.  Towards the optimized
 * arm: durable first, then published; if the first fails, nothing changed.
 */
#ifndef FLAGP_PUBLISH_H
#define FLAGP_PUBLISH_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flagctl/client.h"
#include "flagctl/families.h"

/* What storing a side came to, besides 0, 1 (stands, but is not synced) and
 * -errno. */
#define PUBLISH_NOTHING 2	/* there was nothing to store there */
#define PUBLISH_DAMAGED (-EBADMSG)	/* what stands there cannot be read */
#define PUBLISH_NEWER (-EPROTO)		/* what stands there is read-only */

struct publish {
	struct client *client;
	uint64_t generation;
	bool lowers;			/* towards the baseline */
	bool needs_state;		/* cannot do without that directory */
	bool again;			/* something is published already */
	/* Stores one side; called with a side whose folder is there. */
	int (*store)(struct publish *publish, enum side side);
	void *data;

	/* Flags whose words are checked when all have acknowledged; NULL is
	 * every flag. */
	const char **flags;
	size_t flag_count;

	int lock;			/* of writers, or -1 */
	int result[SIDE_COUNT];
	/* A thread makes the state side durable.  finished: W that thread,
	 * release; R the main thread, acquire: result[SIDE_STATE] and
	 * durable_ns. */
	pthread_t thread;
	bool threaded;
	atomic_bool finished;
	/* When the last acknowledgement was seen, and when the disk was done,
	 * for who measures.  0: not. */
	int64_t acknowledged_ns, durable_ns;
};

/*
 * Takes the lock of writers.  Returns CODE_DONE, or a code whose error is
 * printed.
 */
int flagp_publish_lock(struct publish *publish, struct client *client);
/*
 * Releases the lock.  False: the disk still holds up the thread; then publish
 * and its client stay in use until the program exits, which publish has to
 * outlive (static).
 */
bool flagp_publish_end(struct publish *publish);

/* Waits for a thread that still stores, before its data changes. */
void flagp_publish_join(struct publish *publish);

/* Stores both sides.  Returns CODE_DONE where the change is published, or a
 * code whose error is printed: then nothing changed. */
int flagp_publish(struct publish *publish);

/*
 * Waits for the acknowledgements of goal and for the disk, then says how it
 * went.  Returns the exit code.
 */
int flagp_publish_wait(struct publish *publish,
		       const struct families_goal *goal);

/* Whether side was really stored. */
bool flagp_publish_stored(const struct publish *publish, enum side side);

#endif
