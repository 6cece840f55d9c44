/* SPDX-License-Identifier: MIT */
/* reload.c - files into change. */
#include "run/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "core/board.h"
#include "core/change.h"
#include "core/events.h"
#include "core/snapshot.h"
#include "core/tunables.h"
#include "core/view.h"
#include "run/process.h"

/* A configuration with fewer flags is believed when it stayed so this long:
 * an editor that truncates and writes leaves such a file for a moment. */
#define SHRUNK_QUIET_MS 1000
#define READ_TRIES 5
#define VIEW_RETRY_MS 250

/* W, R under LOCK_CHANGE; due: also read by the driver. */
static uint64_t refused_signature;	/* of a set that was refused */
static uint64_t shrunk_signature;	/* of a set that waits */
static int64_t shrunk_since;		/* 0: none waits */
static int64_t due = INT64_MAX;
static struct flag_error conf_error;	/* as long as it is not mended */

/* One turn's work. */
struct turn {
	unsigned what;
	struct snapshot *next;
	bool current;		/* the configuration is what is on disk */
	bool blind;		/* something newer is there, but not readable */
	struct flag_error error;
	bool refused;		/* what is shown is a file that was refused */
};

/* --- the configuration -------------------------------------------------- */

static const struct conf *
conf_of(const struct snapshot *snapshot)
{
	const struct piece *piece = snapshot != NULL ?
		snapshot->pieces[PIECE_CONF] : NULL;

	return piece != NULL ? piece->conf : NULL;
}

static uint64_t
signature_now(void)
{
	return flagp_conf_signature(flagp_process_places()->config,
				    flagp_process_paths()->service);
}

bool
flagp_reload_config_changed(void)
{
	const struct conf *conf;
	uint64_t now = signature_now();
	bool same;

	flagp_lock(LOCK_CHANGE);
	conf = conf_of(flagp_snapshot_current());
	same = now == refused_signature ||
	       (conf != NULL && conf->signature == now);
	flagp_unlock(LOCK_CHANGE);
	return !same;
}

/* Whether a set that lost flags must stay quiet a little longer. */
static bool
must_wait(const struct turn *turn, const struct conf *before,
	  const struct conf *now)
{
	int64_t ms = flagp_clock_ms();

	if (before == NULL || now->count >= before->count ||
	    (turn->what & RELOAD_NOW))
		return false;
	if (shrunk_since == 0 || now->signature != shrunk_signature) {
		shrunk_signature = now->signature;
		shrunk_since = ms;
	}
	if (ms - shrunk_since >= SHRUNK_QUIET_MS)
		return false;
	due = shrunk_since + SHRUNK_QUIET_MS;
	return true;
}

static void
take_conf(struct turn *turn, struct conf *conf)
{
	struct piece *piece = flagp_piece_new(PIECE_CONF);

	if (piece == NULL) {
		flagp_conf_free(conf);
		turn->blind = true;
		return;
	}
	piece->conf = conf;
	flagp_piece_drop(turn->next->pieces[PIECE_CONF]);
	turn->next->pieces[PIECE_CONF] = piece;
	refused_signature = 0;
	shrunk_since = 0;
	flagp_error_clear(&conf_error);
	turn->current = true;
}

/* Returns whether to try at once again: the file was changing. */
static bool
read_conf_once(struct turn *turn, uint64_t signature)
{
	const struct conf *before = conf_of(turn->next);
	const struct places *places = flagp_process_places();
	const struct paths *paths = flagp_process_paths();
	struct flag_error error;
	struct conf *conf = NULL;

	flagp_error_clear(&error);
	if (flagp_places_check_config(places, paths, &error) == 0)
		conf = flagp_conf_read(places->config, paths->service, &error);
	if (conf != NULL && flagp_tunables_check(conf, &error) < 0) {
		flagp_conf_free(conf);
		conf = NULL;
	}
	if (conf == NULL) {
		/* Saved again meanwhile: what was refused is not what stands
		 * there now. */
		if (error.code == FLAG_ECONFIG && signature == signature_now())
			refused_signature = signature;
		conf_error = error;
		return error.code == FLAG_EAGAIN;
	}
	if (must_wait(turn, before, conf)) {
		flagp_conf_free(conf);
		return false;
	}
	take_conf(turn, conf);
	return false;
}

static void
read_conf(struct turn *turn)
{
	const struct conf *conf = conf_of(turn->next);
	uint64_t signature = signature_now();

	turn->current = conf != NULL && conf->signature == signature &&
			flagp_process_places()->config_error == 0;
	if (turn->current) {
		/* Back to what is in force: nothing is wrong any more. */
		refused_signature = 0;
		shrunk_since = 0;
		flagp_error_clear(&conf_error);
		return;
	}
	if (signature == refused_signature && refused_signature != 0)
		return;
	for (int i = 0; i < READ_TRIES; i++)
		if (!read_conf_once(turn, signature))
			break;
}

/* --- layer files -------------------------------------------------------- */

static const struct {
	enum record_kind kind;
	const char *name;
	bool panic, run;
} layer_files[PIECE_COUNT] = {
	[PIECE_OVERRIDES_STATE] = { RECORD_OVERRIDES, RECORD_OVERRIDES_NAME,
				    false, false },
	[PIECE_OVERRIDES_RUN] = { RECORD_OVERRIDES, RECORD_OVERRIDES_NAME,
				  false, true },
	[PIECE_TRIPS_STATE] = { RECORD_TRIPS, RECORD_TRIPS_NAME, false, false },
	[PIECE_TRIPS_RUN] = { RECORD_TRIPS, RECORD_TRIPS_NAME, false, true },
	[PIECE_PANIC_STATE] = { RECORD_OVERRIDES, RECORD_PANIC_NAME, true,
				false },
	[PIECE_PANIC_RUN] = { RECORD_OVERRIDES, RECORD_PANIC_NAME, true, true },
};

static int
folder_of(int id)
{
	const struct places *places = flagp_process_places();

	return layer_files[id].run ? places->run_live : places->state_live;
}

static struct io_mark
mark_of(int id)
{
	static const struct io_mark absent;
	int folder = folder_of(id);

	return folder < 0 ? absent :
			    flagp_io_mark(folder, layer_files[id].name);
}

static bool
layer_changed(const struct snapshot *snapshot, int id)
{
	const struct piece *piece = snapshot->pieces[id];
	struct io_mark mark = mark_of(id);

	if (piece == NULL)
		return mark.exists;
	return !flagp_io_same(&piece->mark, &mark);
}

bool
flagp_reload_layers_changed(void)
{
	const struct snapshot *snapshot;
	bool changed;

	flagp_lock(LOCK_CHANGE);
	snapshot = flagp_snapshot_current();
	changed = flagp_change_is_behind();
	for (int id = PIECE_OVERRIDES_STATE; id < PIECE_COUNT && !changed; id++)
		changed = snapshot == NULL || layer_changed(snapshot, id);
	flagp_unlock(LOCK_CHANGE);
	return changed;
}

static int
read_layer_file(struct piece *piece, int id, struct flag_error *error)
{
	int folder = folder_of(id);

	if (folder < 0)
		return 0;
	if (layer_files[id].panic) {
		piece->mark = flagp_io_mark(folder, layer_files[id].name);
		flagp_record_panic(&piece->panic, folder);
		return 0;
	}
	return flagp_record_read(&piece->file, layer_files[id].kind, folder,
				 &piece->mark, error);
}

static void
read_layer(struct turn *turn, int id)
{
	struct piece *piece;
	int result = -FLAG_ENOMEM;

	if (turn->next->pieces[id] != NULL &&
	    !layer_changed(turn->next, id))
		return;
	piece = flagp_piece_new(id);
	if (piece != NULL)
		result = read_layer_file(piece, id, &turn->error);
	if (result == 0) {
		flagp_piece_drop(turn->next->pieces[id]);
		turn->next->pieces[id] = piece;
		return;
	}
	flagp_piece_drop(piece);
	/* What it last said stays in force.  Where nothing is known of it, it
	 * may have said "off": the baseline, until it is mended. */
	if (turn->next->pieces[id] == NULL &&
	    (result == -FLAG_ECONFIG || flagp_snapshot_current() == NULL))
		turn->next->baseline = true;
	else if (result != -FLAG_ECONFIG)
		turn->blind = true;
}

/* --- a turn -------------------------------------------------------------- */

static struct snapshot *
next_snapshot(void)
{
	const struct snapshot *before = flagp_snapshot_current();
	struct snapshot *next = calloc(1, sizeof(*next));

	for (int id = 0; next != NULL && before != NULL && id < PIECE_COUNT;
	     id++)
		next->pieces[id] = flagp_piece_hold(before->pieces[id]);
	return next;
}

/* The family may know a configuration that this process has not read yet. */
static bool
family_has_other_conf(const struct snapshot *next)
{
	const struct conf *conf = conf_of(next);
	struct board_knowledge family = flagp_board_knowledge();

	return family.knowledge != 0 &&
	       family.config != (conf != NULL ? conf->digest : 0);
}

bool
flagp_reload_is_current(void)
{
	const struct snapshot *snapshot = flagp_snapshot_current();
	const struct conf *conf = conf_of(snapshot);
	uint64_t now;

	if (snapshot == NULL || family_has_other_conf(snapshot))
		return false;
	for (int id = PIECE_OVERRIDES_STATE; id < PIECE_COUNT; id++)
		if (layer_changed(snapshot, id))
			return false;
	now = signature_now();
	return now == refused_signature ||
	       (conf != NULL && now == conf->signature);
}

static enum change_result
try_once(struct turn *turn, struct snapshot **old)
{
	enum change_result result;

	flagp_change_begin();
	turn->next = next_snapshot();
	if (turn->next == NULL)
		return CHANGE_HELD;
	turn->blind = false;
	turn->current = true;
	flagp_error_clear(&turn->error);
	if ((turn->what & RELOAD_CONFIG) || conf_of(turn->next) == NULL ||
	    family_has_other_conf(turn->next))
		read_conf(turn);
	for (int id = PIECE_OVERRIDES_STATE; id < PIECE_COUNT; id++)
		read_layer(turn, id);
	result = turn->blind && flagp_snapshot_current() != NULL ?
			 CHANGE_HELD :
			 flagp_change_commit(turn->next, turn->current, old);
	if (result != CHANGE_DONE)
		flagp_snapshot_free(turn->next);
	return result;
}

static void
note_next_end(void)
{
	struct layers_files files;
	int64_t end, wall = flagp_clock_wall();

	flagp_snapshot_files(flagp_snapshot_current(), wall, &files);
	end = flagp_layers_next_end(&files);
	if (end == 0)
		return;
	/* Wall clocks step: look again at least once a minute. */
	end = end - wall > 60 ? 60 : end - wall;
	if (flagp_clock_ms() + end * 1000 < due)
		due = flagp_clock_ms() + end * 1000;
}

/* What was loaded after the configuration was read may not be able to be what
 * it says. */
static void
check_loaded(struct turn *turn)
{
	const struct conf *conf = conf_of(flagp_snapshot_current());

	if (conf != NULL)
		(void)flagp_tunables_check(conf, &turn->error);
}

static void
finish(struct turn *turn, struct flag_error *error, bool *news)
{
	const struct flag_error *shown = conf_error.code != 0 ? &conf_error :
								&turn->error;

	check_loaded(turn);
	turn->refused = shown->code != 0;
	if (!turn->refused)
		shown = flagp_change_problem();
	if (flagp_view_retry()) {
		if (flagp_clock_ms() + VIEW_RETRY_MS < due)
			due = flagp_clock_ms() + VIEW_RETRY_MS;
		if (shown->code == 0) {
			flagp_error_set(&turn->error, FLAG_EBUSY, NULL, 0,
				"new views show older files: requests hold "
				"views of four generations; flag_view_end() "
				"frees them, flags follow at once");
			shown = &turn->error;
		}
	}
	if (flagp_snapshot_current() != NULL)
		note_next_end();
	*news = flagp_process_error(shown);
	flagp_process_report(flagp_snapshot_current());
	if (error != NULL)
		*error = *shown;
}

/* refused: a file, which does not say what is in force instead. */
static void
tell(const struct flag_error *error, bool refused)
{
	char line[900];

	if (error->code == 0) {
		flagp_log(5, "ripcord: configuration and layer files are "
			  "in order again");
		return;
	}
	flagp_error_text(error, line, sizeof(line));
	flagp_log(3, "ripcord: %s%s", line, refused ?
		  " (not applied; what was good stays in force)" : "");
	flagp_events_refused(line);
}

int
flagp_reload(unsigned what, struct flag_error *error)
{
	struct turn turn = { .what = what };
	struct snapshot *old = NULL;
	struct flag_error shown;
	enum change_result result;
	bool news, first;

	flagp_lock(LOCK_CHANGE);
	/* Stopped by another thread: closed folders are no empty ones. */
	if (!flagp_process_is_open()) {
		flagp_unlock(LOCK_CHANGE);
		return flagp_error_set(error, FLAG_EAGAIN, NULL, 0,
				       "flag_start() was not called; flags "
				       "stay as they are");
	}
	/* Who asks means the folders that are there now. */
	if (what & RELOAD_NOW)
		(void)flagp_process_reopen();
	first = flagp_snapshot_current() == NULL;
	due = INT64_MAX;
	do
		result = try_once(&turn, &old);
	while (result == CHANGE_AGAIN);
	finish(&turn, &shown, &news);
	flagp_unlock(LOCK_CHANGE);

	flagp_snapshot_retire(old);
	if (flagp_change_trips_unsaved())
		(void)flagp_change_save_trips();
	flagp_events_deliver();
	if (news && (shown.code != 0 || !first))
		tell(&shown, turn.refused);
	if (error != NULL && error->code == 0)
		*error = shown;
	return -shown.code;
}

int64_t
flagp_reload_due(void)
{
	int64_t answer;

	flagp_lock(LOCK_CHANGE);
	answer = due;
	flagp_unlock(LOCK_CHANGE);
	return answer;
}

void
flagp_reload_reset(void)
{
	flagp_lock(LOCK_CHANGE);
	refused_signature = shrunk_signature = 0;
	shrunk_since = 0;
	due = INT64_MAX;
	flagp_error_clear(&conf_error);
	flagp_unlock(LOCK_CHANGE);
}

void
flagp_reload_forget(void)
{
	struct snapshot *old;

	flagp_lock(LOCK_CHANGE);
	old = flagp_snapshot_publish(NULL);
	flagp_board_forget_knowledge();
	flagp_unlock(LOCK_CHANGE);
	flagp_snapshot_retire(old);
}
