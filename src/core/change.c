/* SPDX-License-Identifier: MIT */
/* change.c - stage, check, commit or nothing. */
#include "core/change.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "core/board.h"
#include "core/cells.h"
#include "core/events.h"
#include "core/tunables.h"
#include "core/view.h"

#define LOCK_WAIT_MS 1000

/* All of these: W, R under LOCK_CHANGE. */
static uint64_t *seen;			/* cells, as they were at begin */
static size_t seen_count, seen_room;
static struct board_knowledge seen_knowledge;
static uint64_t seen_epoch;
static const struct places *places;
static bool trips_durable = true;
static char instance[FLAGP_INSTANCE_SIZE];
static const struct conf *environment;	/* NULL: none */
static struct flag_error bad_definition, bad_environment;

/* Of what the views' newest generation was made; the same means no new one.
 * overruled: the knowledge of which only what overrules was published. */
static struct {
	bool valid;
	uint64_t knowledge, epoch, overruled;
	uint32_t cells, tunables;
} shown;

/* W: under LOCK_CHANGE.  R: any, to decide whether to look closer. */
static atomic_bool trips_unsaved;

void
flagp_change_places(const struct places *where)
{
	places = where;
}

void
flagp_change_durable(bool durable)
{
	trips_durable = durable;
}

bool
flagp_change_trips_unsaved(void)
{
	return trips_unsaved;
}

void
flagp_change_instance(const char *name)
{
	snprintf(instance, sizeof(instance), "%s", name);
	shown.valid = false;
}

const char *
flagp_change_own_instance(void)
{
	return instance;
}

/* What is known by now must be able to be what the environment says. */
static void
check_environment(void)
{
	if (environment != NULL)
		(void)flagp_tunables_check_environment(environment,
						       &bad_environment);
}

bool
flagp_change_environment(const char *text)
{
	/* Views may still show texts of an earlier one: it stays. */
	static struct kept {
		struct conf conf;
		struct kept *before;
	} *kept;
	struct kept *next;

	environment = NULL;
	shown.valid = false;
	flagp_error_clear(&bad_environment);
	if (text == NULL)
		return false;
	next = calloc(1, sizeof(*next));
	if (next == NULL || flagp_conf_environment(&next->conf, text,
						   &bad_environment) < 0) {
		if (next != NULL)
			flagp_conf_free(&next->conf);
		free(next);
		return false;
	}
	next->before = kept;
	kept = next;
	environment = &next->conf;
	check_environment();
	return true;
}

const struct flag_error *
flagp_change_problem(void)
{
	return bad_definition.code != 0 ? &bad_definition : &bad_environment;
}

static void
adopt_objects(void)
{
	struct flag_object *object = flagp_registry_next_object();

	if (object == NULL)
		return;
	for (; object != NULL; object = flagp_registry_next_object()) {
		(void)flagp_registry_adopt(object, &bad_definition);
		flagp_board_adopt(object);
	}
	check_environment();
}

static bool
see(const struct flag *cell)
{
	uint64_t *grown;

	if (seen_count == seen_room) {
		size_t room = seen_room == 0 ? 64 : seen_room * 2;

		grown = realloc(seen, room * sizeof(*seen));
		if (grown == NULL)
			return false;
		seen = grown;
		seen_room = room;
	}
	seen[seen_count++] = flagp_board_load(cell);
	return true;
}

void
flagp_change_begin(void)
{
	adopt_objects();
	/* Before the cells: a trip stores to its cell first. */
	seen_epoch = __atomic_load_n(flagp_board_epoch(), __ATOMIC_ACQUIRE);
	seen_knowledge = flagp_board_knowledge();
	seen_count = 0;
	for (size_t i = 0; i < flagp_registry_count(); i++) {
		const struct registry_entry *entry = flagp_registry_at(i);

		for (unsigned k = 0; k <= entry->more_count; k++)
			if (!see(flagp_registry_cell(entry, k)))
				return;
	}
}

void
flagp_change_files(const struct snapshot *snapshot, struct layers_files *files)
{
	static const struct snapshot nothing;

	flagp_snapshot_files(snapshot != NULL ? snapshot : &nothing,
			     flagp_clock_wall(), files);
	files->environment = environment;
}

void
flagp_change_ask(const struct snapshot *snapshot, const char *name,
		 uint32_t initial, struct layers_answer *answer)
{
	struct layers_files files;

	flagp_change_files(snapshot, &files);
	flagp_layers_ask(answer, &files, name, initial);
}

void
flagp_change_ask_entry(struct layers_files *files,
		       struct registry_entry *entry,
		       struct layers_answer *answer)
{
	files->guess = entry->conf_at;
	flagp_layers_ask(answer, files, entry->name, entry->initial);
	entry->conf_at = (uint32_t)answer->first;
}

static struct board_wish
wish_of(struct registry_entry *entry, struct layers_files *files,
	struct layers_answer *answer)
{
	struct board_wish wish;

	flagp_change_ask_entry(files, entry, answer);
	wish.share = answer->effective;
	wish.trip = answer->trip != NULL;
	/* Objects that differ in the default: nobody may raise it. */
	if (entry->disputed && wish.share != 0)
		wish.share = 0;
	if (entry->test != FLAGP_SHARE_NONE) {
		wish.share = entry->test;
		wish.trip = false;
	}
	wish.instance = flagp_layers_takes(entry->name, wish.share, instance);
	return wish;
}

/* What views are to see of a cell. */
static void
stage_state(struct view_stage *views, const struct flag *cell,
	    const struct board_wish *wish, bool tripped)
{
	uint32_t number = flagp_cells_number(cell);

	if (number < views->table.state_count)
		views->states[number] = wish->instance && !wish->trip &&
					!tripped ? VIEW_ON : VIEW_OFF;
}

/* Returns false if one of its cells changed since it was seen.  views: NULL,
 * or the table that is made beside. */
static bool
publish_entry(struct registry_entry *entry, struct layers_files *files,
	      size_t *at, bool restamp, struct view_stage *views)
{
	struct layers_answer answer;
	struct board_wish wish = wish_of(entry, files, &answer);
	bool tripped = wish.trip;

	/* Out of memory, or loaded since: at the next turn. */
	if (*at + entry->more_count >= seen_count) {
		*at = seen_count;
		return true;
	}
	for (unsigned k = 0; k <= entry->more_count; k++) {
		struct flag *cell = flagp_registry_cell(entry, k);
		uint64_t before = seen[(*at)++];

		if (flagp_board_trip_unsaved(before) && !wish.trip)
			trips_unsaved = tripped = true;
		if (!flagp_board_publish(cell, before, &wish, restamp))
			return false;
		if (views != NULL)
			stage_state(views, cell, &wish,
				    flagp_board_trip_unsaved(before));
	}
	flagp_events_note(entry, tripped ? 0 : wish.share, tripped,
			  entry->test != FLAGP_SHARE_NONE ? NULL : &answer);
	return true;
}

/* Whether a person, a trip, a panic or the environment decides, whatever the
 * configuration says. */
static bool
is_overruled(struct registry_entry *entry, struct layers_files *files)
{
	struct layers_answer answer;

	flagp_change_ask_entry(files, entry, &answer);
	return answer.winner <= LAYER_ENVIRONMENT;
}

/*
 * For a member whose configuration is older than the family's: what people,
 * trips and panic say never waits for a configuration.  What the
 * configuration decides stays as the family has it.  unknown: something was
 * taken away that overruled it, and what is below it cannot be told here.
 */
static bool
publish_overruled(const struct snapshot *snapshot, bool *unknown)
{
	const struct snapshot *before = flagp_snapshot_current();
	struct layers_files files, files_before;
	size_t at = 0;

	flagp_change_files(snapshot, &files);
	flagp_change_files(before, &files_before);
	*unknown = false;
	for (size_t i = 0; i < flagp_registry_count(); i++) {
		struct registry_entry *entry = flagp_registry_at(i);

		if (is_overruled(entry, &files)) {
			if (!publish_entry(entry, &files, &at, true, NULL))
				return false;
			continue;
		}
		at += entry->more_count + 1;
		if (before == NULL || is_overruled(entry, &files_before))
			*unknown = true;
	}
	return true;
}

static bool
publish_all(const struct snapshot *snapshot, bool restamp,
	    struct view_stage *views)
{
	struct layers_files files;
	size_t at = 0;

	flagp_change_files(snapshot, &files);
	trips_unsaved = false;
	for (size_t i = 0; i < flagp_registry_count(); i++)
		if (!publish_entry(flagp_registry_at(i), &files, &at, restamp,
				   views))
			return false;
	return true;
}

static uint64_t
config_of(const struct snapshot *snapshot)
{
	const struct piece *piece = snapshot->pieces[PIECE_CONF];

	return piece != NULL && piece->conf != NULL ? piece->conf->digest : 0;
}

/* --- views and tunables --------------------------------------------------- */

/* Assigns every tunable, and its row for the views.  Stores only to private
 * memory, so there is nobody to be raced. */
static void
publish_tunables(const struct snapshot *snapshot, struct view_stage *views)
{
	struct layers_files files;

	flagp_change_files(snapshot, &files);
	for (uint32_t i = 0; i < flagp_tunables_count(); i++) {
		const struct tunable *tunable = flagp_tunables_at(i);
		const struct conf_value *source;
		struct value value;

		flagp_tunables_ask(tunable, &files, &value, &source);
		flagp_tunables_assign(tunable, &value);
		if (views != NULL)
			views->values[tunable->number] =
				flagp_tunables_bits(&value);
	}
}

/* Whether views may go on with the generation that they have. */
static bool
is_shown(uint64_t knowledge)
{
	return shown.valid && shown.knowledge == knowledge &&
	       shown.epoch == seen_epoch &&
	       shown.cells == flagp_cells_count() &&
	       shown.tunables == flagp_tunables_count();
}

bool
flagp_change_is_behind(void)
{
	return shown.epoch != __atomic_load_n(flagp_board_epoch(),
					      __ATOMIC_ACQUIRE);
}

/* epoch: what the board's is going to be. */
static void
show(struct snapshot *snapshot, struct view_stage *views, uint64_t epoch)
{
	shown.valid = true;
	shown.knowledge = snapshot->knowledge;
	shown.epoch = epoch;
	shown.cells = flagp_cells_count();
	shown.tunables = flagp_tunables_count();
	views->table.made = seen_epoch;
	views->table.published = epoch;
	views->texts = flagp_piece_hold(snapshot->pieces[PIECE_CONF]);
	flagp_view_publish(views, flagp_board_epoch());
}

/* --- commit --------------------------------------------------------------- */

/* For a member whose configuration is not what the family has. */
static enum change_result
commit_overruled(struct snapshot *next)
{
	bool unknown;

	if (!publish_overruled(next, &unknown))
		return CHANGE_AGAIN;
	/* Nobody's generation knows of it: from now on views ask cells. */
	if (next->knowledge != shown.overruled)
		flagp_board_epoch_skip();
	shown.overruled = next->knowledge;
	shown.valid = false;
	shown.epoch = __atomic_load_n(flagp_board_epoch(), __ATOMIC_ACQUIRE);
	return unknown ? CHANGE_HELD : CHANGE_DONE;
}

/*
 * The epoch comes last.  Until then views of the new generation know it by the
 * old one; those of the old would have new flags beside old values.  Who lost
 * it to a trip or to a sibling looks once more.
 */
static enum change_result
commit_all(struct snapshot *next, const struct board_knowledge *now)
{
	bool news = now->knowledge != seen_knowledge.knowledge;
	uint64_t epoch = news ? flagp_board_epoch_take() : seen_epoch;
	struct view_stage stage, *views = &stage;

	/* Without memory a kill counts all the same: then views ask cells. */
	if (!flagp_view_stage(&stage, flagp_cells_count(),
			      flagp_tunables_count() + 1))
		views = NULL;
	if (!publish_all(next, news, views)) {
		flagp_view_drop(views);
		return CHANGE_AGAIN;
	}
	publish_tunables(next, views);
	if (views != NULL && (news || !is_shown(now->knowledge)))
		show(next, views, epoch);
	else
		flagp_view_drop(views);
	if (news || now->config != seen_knowledge.config)
		flagp_board_set_knowledge(&seen_knowledge, now);
	if (news && !flagp_board_epoch_move(seen_epoch, epoch))
		return CHANGE_AGAIN;
	return CHANGE_DONE;
}

enum change_result
flagp_change_commit(struct snapshot *next, bool current, struct snapshot **old)
{
	struct board_knowledge now;
	enum change_result result;

	flagp_snapshot_seal(next, flagp_clock_wall());
	now.knowledge = next->knowledge;
	now.config = config_of(next);
	*old = NULL;
	flagp_events_begin();
	if (!current && seen_knowledge.knowledge != 0 &&
	    seen_knowledge.config != now.config)
		result = commit_overruled(next);
	else
		result = commit_all(next, &now);
	if (result != CHANGE_DONE)
		return result;
	flagp_events_keep();
	if (next != flagp_snapshot_current())
		*old = flagp_snapshot_publish(next);
	return CHANGE_DONE;
}

/* Looks at the cells of one entry; false: out of memory. */
static bool
see_one(const struct registry_entry *entry)
{
	seen_count = 0;
	for (unsigned k = 0; k <= entry->more_count; k++)
		if (!see(flagp_registry_cell(entry, k)))
			return false;
	return true;
}

/* Publishes one entry from the snapshot in force, for tests. */
static void
publish_one(struct registry_entry *entry)
{
	struct layers_files files;
	size_t at;

	do {
		at = 0;
		flagp_events_begin();
		if (!see_one(entry))
			return;
		flagp_change_files(flagp_snapshot_current(), &files);
	} while (!publish_entry(entry, &files, &at, false, NULL));
	flagp_events_keep();
	/* No generation of the views has it. */
	flagp_board_epoch_skip();
}

/*
 * The same for a slot that may be the family's: here too the cell is loaded
 * first, then the files are looked at.  Where the snapshot is not what they
 * say, the cell keeps what the family made of it, or off, until a turn.
 */
static void
publish_found(struct registry_entry *entry, bool (*current)(void))
{
	struct layers_files files;
	size_t at;

	do {
		at = 0;
		flagp_events_begin();
		if (!see_one(entry) || !current())
			return;
		flagp_change_files(flagp_snapshot_current(), &files);
	} while (!publish_entry(entry, &files, &at, false, NULL));
	flagp_events_keep();
}

void
flagp_change_test(struct flag *flag, uint32_t share)
{
	struct registry_entry *entry;

	flagp_lock(LOCK_CHANGE);
	adopt_objects();
	entry = flag != NULL ? flagp_registry_of(flag) : NULL;
	if (entry != NULL) {
		entry->test = share;
		publish_one(entry);
	}
	for (size_t i = 0; flag == NULL && i < flagp_registry_count(); i++) {
		entry = flagp_registry_at(i);
		entry->test = share;
		publish_one(entry);
	}
	flagp_unlock(LOCK_CHANGE);
	flagp_events_deliver();
}

unsigned
flagp_change_test_step(struct flag *flag)
{
	static const uint32_t shares[] = { FLAGP_SHARE_NONE, 0,
					   FLAGP_SHARE_ALL };
	struct registry_entry *entry;
	unsigned step = 0;

	flagp_lock(LOCK_CHANGE);
	adopt_objects();
	entry = flagp_registry_of(flag);
	if (entry != NULL) {
		step = entry->step = (entry->step + 1) % 3;
		entry->test = shares[step];
		publish_one(entry);
	}
	flagp_unlock(LOCK_CHANGE);
	flagp_events_deliver();
	return step;
}

bool
flagp_change_entry(const struct flag *flag, struct registry_entry *entry)
{
	const struct registry_entry *found;

	flagp_lock(LOCK_CHANGE);
	adopt_objects();
	found = flagp_registry_of(flag);
	if (found != NULL)
		*entry = *found;
	flagp_unlock(LOCK_CHANGE);
	return found != NULL;
}

struct flag *
flagp_change_find(const char *name, bool (*current)(void))
{
	struct registry_entry *entry;
	struct flag *cell;

	flagp_lock(LOCK_CHANGE);
	adopt_objects();
	entry = flagp_registry_find(name);
	if (entry == NULL && flagp_tunables_find(name) == NULL) {
		cell = flagp_board_claim(name);
		entry = cell != NULL ? flagp_registry_make(name, cell) : NULL;
		if (entry != NULL)
			publish_found(entry, current);
	}
	flagp_unlock(LOCK_CHANGE);
	return entry != NULL ? entry->cell : NULL;
}

/* --- trips ------------------------------------------------------------ */

static uint64_t
highest_generation(int state, int run)
{
	static const enum record_kind kinds[2] = { RECORD_OVERRIDES,
						   RECORD_TRIPS };
	int directories[2] = { state, run };
	uint64_t highest = 0;

	for (int i = 0; i < 4; i++) {
		struct record_file file = { 0 };

		if (directories[i / 2] < 0)
			continue;
		if (flagp_record_read(&file, kinds[i % 2], directories[i / 2],
				      NULL, NULL) == 0 &&
		    file.generation > highest)
			highest = file.generation;
		flagp_record_free(&file);
	}
	for (int i = 0; i < 2; i++) {
		struct record_panic panic;

		flagp_record_panic(&panic, directories[i]);
		if (panic.on && panic.generation > highest)
			highest = panic.generation;
	}
	return highest;
}

static void
fill_trip(struct record *record, struct record_change *change,
	  const struct registry_entry *entry,
	  const struct record_author *author, uint64_t generation)
{
	struct layers_answer answer;

	flagp_change_ask(flagp_snapshot_current(), entry->name,
			 entry->initial, &answer);
	memset(record, 0, sizeof(*record));
	snprintf(record->flag, sizeof(record->flag), "%s", entry->name);
	record->base = answer.configured;
	record->generation = generation;
	record->at = flagp_clock_wall();
	record->author = *author;

	memset(change, 0, sizeof(*change));
	snprintf(change->flag, sizeof(change->flag), "%s", entry->name);
	snprintf(change->verb, sizeof(change->verb), "trip");
	change->generation = generation;
	change->at = record->at;
	change->count = 1;
	change->before = answer.effective;
	change->author = *author;
}

static int
write_trip(const struct registry_entry *entry,
	   const struct record_author *author, uint64_t generation,
	   int directory, bool durable)
{
	struct record_file file = { 0 };
	struct record record;
	int result;

	if (directory < 0)
		return -FLAG_EDIRECTORY;
	result = flagp_record_read(&file, RECORD_TRIPS, directory, NULL, NULL);
	if (result != 0) {
		flagp_record_free(&file);
		return result;
	}
	file.kind = RECORD_TRIPS;
	file.generation = generation;
	fill_trip(&record, &file.change, entry, author, generation);
	result = flagp_record_put(&file, &record);
	if (result == 0)
		result = flagp_record_write(&file, directory, durable);
	flagp_record_free(&file);
	return result < 0 ? result : 0;
}

static void
mark_saved(const struct registry_entry *entry)
{
	for (unsigned k = 0; k <= entry->more_count; k++)
		flagp_board_trip_saved(flagp_registry_cell(entry, k));
}

/*
 * Towards the baseline: known to all first, lasting then.  Better known until
 * the next boot than to this family alone.  LOCK_CHANGE is held.
 */
static int
save_trip(const struct registry_entry *entry,
	  const struct record_author *author)
{
	int descriptor, known, result;
	uint64_t generation;

	if (places == NULL || (places->run < 0 && places->state < 0))
		return -FLAG_EDIRECTORY;
	descriptor = flagp_lock_file(places->run >= 0 ? places->run :
							places->state,
				     RECORD_LOCK_NAME, LOCK_WAIT_MS);
	if (descriptor < 0)
		return descriptor;
	generation = highest_generation(places->state_live,
					places->run_live) + 1;
	known = write_trip(entry, author, generation, places->run_live, false);
	result = write_trip(entry, author, generation, places->state_live,
			    trips_durable);
	if (known == 0)
		result = 0;
	/* P is set before the lock is left: who reads the files after it finds
	 * the record. */
	if (result == 0)
		mark_saved(entry);
	flagp_lock_file_release(descriptor);
	return result;
}

static struct record_author
author_with(const char *reason)
{
	struct record_author author;

	flagp_record_author(&author);
	snprintf(author.reason, sizeof(author.reason), "%s", reason);
	return author;
}

int
flagp_change_trip(struct flag *flag, const char *evidence)
{
	struct record_author author = author_with(evidence);
	struct registry_entry *entry;
	int result = -FLAG_ENOENT;

	flagp_board_trip(flag);
	flagp_lock(LOCK_CHANGE);
	entry = flagp_registry_of(flag);
	if (entry != NULL) {
		for (unsigned k = 0; k <= entry->more_count; k++)
			flagp_board_trip(flagp_registry_cell(entry, k));
		result = save_trip(entry, &author);
		if (result != 0)
			trips_unsaved = true;
	}
	flagp_unlock(LOCK_CHANGE);
	return result;
}

static bool
entry_unsaved(const struct registry_entry *entry)
{
	for (unsigned k = 0; k <= entry->more_count; k++) {
		const struct flag *cell = flagp_registry_cell(entry, k);

		if (flagp_board_trip_unsaved(flagp_board_load(cell)))
			return true;
	}
	return false;
}

unsigned
flagp_change_save_trips(void)
{
	struct record_author author =
		author_with("tripped; its record was not written at the time");
	unsigned left = 0;

	flagp_lock(LOCK_CHANGE);
	for (size_t i = 0; i < flagp_registry_count(); i++) {
		const struct registry_entry *entry = flagp_registry_at(i);

		if (entry_unsaved(entry) && save_trip(entry, &author) != 0)
			left++;
	}
	trips_unsaved = left != 0;
	flagp_unlock(LOCK_CHANGE);
	return left;
}
