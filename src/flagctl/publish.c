/* SPDX-License-Identifier: MIT */
/* publish.c - order, durability and acknowledgement of a change. */
#include "flagctl/publish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/lock.h"
#include "flagctl/print.h"

/* How long a process that has just begun may take to register. */
#define UNSEEN_MS 100

static int
live_folder(const struct client *client, enum side side)
{
	return side == SIDE_STATE ? client->places.state_live
				  : client->places.run_live;
}

static const char *
folder_path(const struct client *client, enum side side)
{
	return side == SIDE_STATE ? client->paths.state : client->paths.run;
}

static bool
is_denied(int result)
{
	return result == -EACCES || result == -EPERM;
}

/* Makes the folders of a service that has only a configuration; not those of
 * the system: they belong to the service's user, whom we do not know. */
static void
make_folders(struct client *client)
{
	struct places *places = &client->places;

	if (client->paths.kind == PATHS_SYSTEM ||
	    (places->state >= 0 && places->run >= 0))
		return;
	flagp_places_close(places);
	flagp_places_open(places, &client->paths, true, NULL);
}

int
flagp_publish_lock(struct publish *publish, struct client *client)
{
	const struct places *places = &client->places;
	enum side side;
	int directory;

	memset(publish, 0, sizeof(*publish));
	publish->client = client;
	publish->lock = -1;
	make_folders(client);
	side = places->run >= 0 ? SIDE_RUN : SIDE_STATE;
	directory = side == SIDE_RUN ? places->run : places->state;
	if (directory < 0)
		return flagp_print_fail(CODE_FAILED,
			"%s has no state and no run directory yet (%s, %s): "
			"its first start makes them; nothing changed",
			client->paths.service, client->paths.state,
			client->paths.run);
	publish->lock = flagp_lock_file(directory, RECORD_LOCK_NAME,
					CLIENT_LOCK_MS);
	if (publish->lock >= 0)
		return CODE_DONE;
	if (is_denied(publish->lock))
		return flagp_client_denied(folder_path(client, side), "write");
	if (publish->lock == -EBUSY)
		return flagp_print_fail(CODE_FAILED,
			"%s/%s: another writer has held it for a second; "
			"nothing changed (flagctl panic does without it)",
			folder_path(client, side), RECORD_LOCK_NAME);
	return flagp_print_fail(CODE_FAILED, "%s/%s: %s; nothing changed",
				folder_path(client, side), RECORD_LOCK_NAME,
				strerror(-publish->lock));
}

void
flagp_publish_join(struct publish *publish)
{
	if (publish->threaded)
		pthread_join(publish->thread, NULL);
	publish->threaded = false;
}

static void
unlock(struct publish *publish)
{
	flagp_publish_join(publish);
	if (publish->lock >= 0)
		flagp_lock_file_release(publish->lock);
	publish->lock = -1;
}

bool
flagp_publish_end(struct publish *publish)
{
	if (publish->threaded && !atomic_load_explicit(&publish->finished,
						       memory_order_acquire))
		return false;
	unlock(publish);
	return true;
}

bool
flagp_publish_stored(const struct publish *publish, enum side side)
{
	return publish->result[side] == 0 || publish->result[side] == 1;
}

static int
store_side(struct publish *publish, enum side side)
{
	if (live_folder(publish->client, side) < 0)
		return -ENOENT;
	return publish->store(publish, side);
}

static void *
store_state(void *data)
{
	struct publish *publish = data;

	publish->result[SIDE_STATE] = store_side(publish, SIDE_STATE);
	publish->durable_ns = flagp_wait_now_ns();
	atomic_store_explicit(&publish->finished, true, memory_order_release);
	return NULL;
}

/* Why a side was not stored. */
static const char *
result_text(const struct publish *publish, enum side side, char *buffer,
	    size_t size)
{
	const struct client *client = publish->client;
	int result = publish->result[side];
	const char *folder = folder_path(client, side);
	char damage[800];

	if (result == PUBLISH_DAMAGED) {
		flagp_error_text(&client->record_error[side], damage,
				 sizeof(damage));
		snprintf(buffer, size, "%s/live/%s", folder, damage);
	} else if (result == PUBLISH_NEWER) {
		snprintf(buffer, size, "%s/live/%s: written by a newer "
			 "version, read-only for this one", folder,
			 RECORD_OVERRIDES_NAME);
	} else if (result == 1) {
		snprintf(buffer, size, "%s/live: the disk did not confirm",
			 folder);
	} else {
		snprintf(buffer, size, "%s/live: %s", folder,
			 strerror(-result));
	}
	return buffer;
}

/* Nothing was stored: says why. */
static int
fail_to_store(const struct publish *publish, enum side side)
{
	const struct client *client = publish->client;
	char why[1400];

	if (is_denied(publish->result[side]))
		return flagp_client_denied(folder_path(client, side), "write");
	return flagp_print_fail(CODE_FAILED, "%s; %s%s",
		result_text(publish, side, why, sizeof(why)),
		publish->again ? "only what lowers was done" :
				 "nothing changed",
		publish->lowers ? " (flagctl panic, or touch live/PANIC in a "
		"folder of flagctl paths, needs no more than that folder)" :
		"");
}

static int
publish_lowering(struct publish *publish)
{
	struct client *client = publish->client;
	bool has_run = live_folder(client, SIDE_RUN) >= 0;
	char why[1400];

	publish->result[SIDE_RUN] = store_side(publish, SIDE_RUN);
	if (flagp_publish_stored(publish, SIDE_RUN) &&
	    pthread_create(&publish->thread, NULL, store_state, publish) == 0) {
		publish->threaded = true;
		return CODE_DONE;
	}
	store_state(publish);
	if (flagp_publish_stored(publish, SIDE_RUN))
		return CODE_DONE;
	if (!flagp_publish_stored(publish, SIDE_STATE))
		return fail_to_store(publish, has_run ? SIDE_RUN : SIDE_STATE);
	if (has_run)
		flagp_print_warn("%s; published by the state directory",
				 result_text(publish, SIDE_RUN, why,
					     sizeof(why)));
	return CODE_DONE;
}

static int
publish_raising(struct publish *publish)
{
	bool alone = live_folder(publish->client, SIDE_STATE) < 0 &&
		     !publish->needs_state;

	publish->result[SIDE_STATE] = PUBLISH_NOTHING;
	if (!alone)
		store_state(publish);
	atomic_store(&publish->finished, true);
	if (publish->result[SIDE_STATE] < 0)
		return fail_to_store(publish, SIDE_STATE);
	publish->result[SIDE_RUN] = store_side(publish, SIDE_RUN);
	if (alone && publish->result[SIDE_RUN] < 0)
		return fail_to_store(publish, SIDE_RUN);
	return CODE_DONE;
}

int
flagp_publish(struct publish *publish)
{
	flagp_publish_join(publish);
	atomic_store(&publish->finished, false);
	flagp_wait_catch();
	return publish->lowers ? publish_lowering(publish)
			       : publish_raising(publish);
}

/* Lets other writers go on as soon as the disk has what it needs. */
static bool
is_finished(struct publish *publish)
{
	if (!atomic_load_explicit(&publish->finished, memory_order_acquire))
		return false;
	unlock(publish);
	return true;
}

/* "yes", or "no (why)". */
static bool
durability(const struct publish *publish, bool finished, char *buffer,
	   size_t size)
{
	int result = publish->result[SIDE_STATE];
	char why[1400];

	if (!finished) {
		snprintf(buffer, size, "no (%s/live: still being written)",
			 publish->client->paths.state);
		return false;
	}
	if (result == 0 || result == PUBLISH_NOTHING) {
		snprintf(buffer, size, "yes");
		return true;
	}
	snprintf(buffer, size, "no (%s)",
		 result_text(publish, SIDE_STATE, why, sizeof(why)));
	return false;
}

/*
 * Looks until the goal is reached and the disk is done, or time is over.  It
 * polls: closing an inotify descriptor takes the kernel some 10 ms, which is
 * longer than most answers.
 */
static bool
wait_for_all(struct publish *publish, const struct families_goal *goal,
	     struct families_verdict *verdict, bool *finished)
{
	struct client *client = publish->client;
	const struct request *request = client->request;
	bool no_wait = flagp_request_has(request, OPTION_NO_WAIT);
	struct wait wait;
	bool reached;

	flagp_wait_begin(&wait, request->wait_ms, 10);
	do {
		flagp_client_scan(client, false);
		reached = flagp_families_judge(&client->procs, goal, verdict);
		if (reached && publish->acknowledged_ns == 0)
			publish->acknowledged_ns = flagp_wait_now_ns();
		*finished = is_finished(publish);
	} while ((!(reached || no_wait || verdict->processes == 0) ||
		  !*finished) && flagp_wait_next(&wait));
	flagp_wait_end(&wait);
	/* Whoever pressed Ctrl-C still gets a change that is whole. */
	if (flagp_wait_interrupted() && !*finished) {
		unlock(publish);
		*finished = true;
	}
	return reached;
}

/* One that has just begun registers in a moment: looks twice. */
static size_t
unseen(struct client *client)
{
	const struct timespec moment = { .tv_nsec = UNSEEN_MS * 1000000 };

	if (flagp_families_unseen(client, false) == 0)
		return 0;
	nanosleep(&moment, NULL);
	flagp_client_scan(client, false);
	return flagp_families_unseen(client, true);
}

/* An acknowledgement says that files were applied; this, that they had the
 * effect which was meant. */
static size_t
wrong_words(const struct publish *publish)
{
	struct client *client = publish->client;
	size_t count = 0;

	if (publish->flag_count > 0)
		flagp_client_scan(client, true);
	for (size_t i = 0; i < publish->flag_count; i++)
		count += flagp_families_wrong(client, publish->flags[i],
					      publish->generation);
	return count;
}

static void
say_numbers(const struct publish *publish,
	    const struct families_verdict *verdict, bool durable)
{
	flagp_print_number(NULL, "generation", (int64_t)publish->generation);
	flagp_print_number(NULL, "families", (int64_t)verdict->families);
	flagp_print_number(NULL, "families_acknowledged",
			   (int64_t)verdict->acknowledged);
	flagp_print_number(NULL, "processes", (int64_t)verdict->processes);
	flagp_print_bool(NULL, "durable", durable);
	flagp_print_number(NULL, "acknowledged_monotonic_ns",
			   publish->acknowledged_ns);
	flagp_print_number(NULL, "durable_monotonic_ns",
			   durable ? publish->durable_ns : 0);
}

/* Nobody to acknowledge. */
static int
say_not_running(const struct publish *publish, bool durable, const char *how)
{
	const char *service = publish->client->paths.service;
	bool no_wait = flagp_request_has(publish->client->request,
					 OPTION_NO_WAIT);

	if (durable)
		flagp_print_say("saved; %s is not running; applies at its "
				"start", service);
	else
		flagp_print_fail(CODE_UNACKNOWLEDGED, "%s is not running; "
				 "durable %s", service, how);
	return durable && no_wait ? CODE_DONE : CODE_UNACKNOWLEDGED;
}

/* " within 5.0 s", or why it ended before. */
static const char *
when_it_ended(const struct client *client, bool reached, char *buffer,
	      size_t size)
{
	char span[32];

	if (reached)
		return "";
	if (flagp_wait_interrupted())
		return " before the interrupt";
	snprintf(buffer, size, " within %s",
		 flagp_print_span(client->request->wait_ms, span,
				  sizeof(span)));
	return buffer;
}

static int
say_outcome(const struct publish *publish, const struct families_goal *goal,
	    const struct families_verdict *verdict, bool reached, bool ok,
	    const char *how)
{
	const char *plural = verdict->processes == 1 ? "" : "es";
	char when[64];

	if (reached && ok) {
		flagp_print_say("ok %zu/%zu families (%zu process%s), durable "
				"%s", verdict->acknowledged, verdict->families,
				verdict->processes, plural, how);
		return CODE_DONE;
	}
	flagp_print_fail(CODE_UNACKNOWLEDGED,
		"%zu/%zu families (%zu process%s) acknowledged%s, durable %s",
		verdict->acknowledged, verdict->families, verdict->processes,
		plural, when_it_ended(publish->client, reached, when,
				      sizeof(when)), how);
	if (!reached)
		flagp_families_complain(&publish->client->procs, goal);
	return CODE_UNACKNOWLEDGED;
}

int
flagp_publish_wait(struct publish *publish, const struct families_goal *goal)
{
	struct client *client = publish->client;
	bool no_wait = flagp_request_has(client->request, OPTION_NO_WAIT);
	struct families_verdict verdict;
	bool reached, finished, durable;
	size_t wrong = 0, hidden = 0;
	char how[1400];

	fflush(stdout);
	reached = wait_for_all(publish, goal, &verdict, &finished);
	durable = durability(publish, finished, how, sizeof(how));
	if (!no_wait)
		hidden = unseen(client);
	if (!no_wait && reached)
		wrong = wrong_words(publish);
	say_numbers(publish, &verdict, durable);
	if (verdict.processes == 0 && hidden == 0)
		return say_not_running(publish, durable, how);
	if (no_wait) {
		flagp_print_say("written, not confirmed; durable %s", how);
		return durable ? CODE_DONE : CODE_UNACKNOWLEDGED;
	}
	return say_outcome(publish, goal, &verdict, reached || verdict.families
			   == 0, durable && hidden + wrong == 0, how);
}
