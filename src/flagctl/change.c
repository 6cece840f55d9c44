/* SPDX-License-Identifier: MIT */
/* change.c - on, off, set and unset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "flagctl/author.h"
#include "flagctl/client.h"
#include "flagctl/print.h"
#include "flagctl/publish.h"

/* An "on" ends by itself. */
#define ON_SECONDS 3600

enum verb { VERB_ON, VERB_OFF, VERB_UNSET };

/* One flag of a change. */
struct item {
	const char *name;
	struct layers_answer before;
	uint32_t was, after;		/* effective shares; NONE: not known */
	enum layer winner;		/* after it */
	bool lowers;
	bool idle;			/* there is nothing to unset */
	bool on_run;			/* the run directory has a record */
};

struct change {
	struct client client;
	struct publish publish;
	enum verb verb;
	char **operands;
	int count;
	struct item *items;
	struct families_word *words;	/* one an item that is not idle */
	size_t item_count;
	bool pattern;			/* some came from a pattern */
	struct record_author author;
	int64_t now;
};

static const char *const verb_words[] = { "on", "off", "unset" };

static int run(const struct request *request, enum verb verb, char **operands,
	       int count);
static int choose(struct change *change);
static int allow(struct change *change);
static int perform(struct change *change);
static void preview(struct change *change);

int
flagp_verb_on(const struct request *request)
{
	return run(request, VERB_ON, request->operands, request->count);
}

int
flagp_verb_off(const struct request *request)
{
	return run(request, VERB_OFF, request->operands, request->count);
}

int
flagp_verb_unset(const struct request *request)
{
	return run(request, VERB_UNSET, request->operands, request->count);
}

int
flagp_verb_set(const struct request *request)
{
	const char *value = request->operands[1];

	if (strcmp(value, "on") == 0)
		return run(request, VERB_ON, request->operands, 1);
	if (strcmp(value, "off") == 0)
		return run(request, VERB_OFF, request->operands, 1);
	if (strchr(value, '%') != NULL)
		return flagp_print_fail(CODE_USAGE,
			"set %.48s %.20s: percentages are not in this "
			"version; accepted are on and off",
			request->operands[0], value);
	return flagp_print_fail(CODE_USAGE,
		"set %.48s %.20s: no such state; accepted are on and off",
		request->operands[0], value);
}

/* Under the lock, except for a dry run: reads, decides, writes. */
static int
prepare(struct change *change)
{
	bool dry = flagp_request_has(change->client.request, OPTION_DRY_RUN);
	int code;

	code = flagp_author_fill(&change->author, change->client.request);
	if (code == CODE_DONE && !dry)
		code = flagp_publish_lock(&change->publish, &change->client);
	if (code != CODE_DONE)
		return code;
	flagp_client_conf(&change->client);
	flagp_client_records(&change->client);
	change->now = change->client.files.wall;
	code = choose(change);
	if (code == CODE_DONE)
		code = allow(change);
	if (code != CODE_DONE)
		return code;
	if (!dry)
		return perform(change);
	preview(change);
	return CODE_DONE;
}

static int
run(const struct request *request, enum verb verb, char **operands, int count)
{
	static struct change change;	/* outlives a slow disk's thread */
	int code;

	change.verb = verb;
	change.operands = operands;
	change.count = count;
	change.publish.lock = -1;
	code = flagp_client_open(&change.client, request, CLIENT_MUST_EXIST);
	if (code == CODE_DONE)
		code = prepare(&change);
	if (!flagp_publish_end(&change.publish))
		return code;
	free(change.words);
	free(change.items);
	flagp_client_close(&change.client);
	return code;
}

/* --- which flags ------------------------------------------------------- */

static bool
is_pattern(const char *operand)
{
	return strpbrk(operand, "*?") != NULL;
}

/* The cheap places first: a scan of processes is only for what they do not
 * know. */
static void
learn_names(struct change *change)
{
	bool all = true;

	flagp_client_names(&change->client);
	for (int i = 0; i < change->count; i++)
		all = all && !is_pattern(change->operands[i]) &&
		      flagp_client_known(&change->client,
					 change->operands[i]) != NULL;
	if (all)
		return;
	flagp_client_scan(&change->client, true);
	flagp_client_names(&change->client);
}

static bool
is_meant(const struct change *change, const char *name)
{
	for (int i = 0; i < change->count; i++)
		if (flagp_text_matches(change->operands[i], name))
			return true;
	return false;
}

static int
check_operand(const struct change *change, const char *operand)
{
	const struct client *client = &change->client;

	if (!is_pattern(operand))
		return flagp_client_known(client, operand) != NULL ? CODE_DONE
		       : flagp_client_unknown(client, operand);
	for (size_t i = 0; i < client->known_count; i++)
		if (flagp_text_matches(operand, client->known[i].name))
			return CODE_DONE;
	return flagp_print_fail(CODE_UNKNOWN,
		"no flag matches %.60s; flagctl list shows the %zu flags of "
		"%s", operand, client->known_count, client->paths.service);
}

static int
choose(struct change *change)
{
	struct client *client = &change->client;
	int code;

	learn_names(change);
	for (int i = 0; i < change->count; i++) {
		code = check_operand(change, change->operands[i]);
		if (code != CODE_DONE)
			return code;
		change->pattern |= is_pattern(change->operands[i]);
	}
	change->items = calloc(client->known_count + 1, sizeof(struct item));
	change->words = calloc(client->known_count + 1, sizeof(*change->words));
	if (change->items == NULL || change->words == NULL)
		return flagp_print_fail(CODE_FAILED, "out of memory");
	for (size_t i = 0; i < client->known_count; i++)
		if (is_meant(change, client->known[i].name))
			change->items[change->item_count++].name =
				client->known[i].name;
	return CODE_DONE;
}

/* --- may it be --------------------------------------------------------- */

/* Under a refused configuration nobody knows what its part would be. */
static uint32_t
share_of(const struct client *client, const struct layers_answer *answer)
{
	if (client->conf == NULL && answer->winner >= LAYER_DROPIN)
		return FLAGP_SHARE_NONE;
	return answer->effective;
}

static void
judge_item(struct change *change, struct item *item)
{
	const struct client *client = &change->client;
	const struct record *record;

	flagp_client_ask(client, item->name, &item->before);
	item->was = share_of(client, &item->before);
	record = item->before.override != NULL ? item->before.override :
						 item->before.ended;
	item->on_run = flagp_record_get(&client->overrides[SIDE_RUN],
					item->name) != NULL;
	item->idle = change->verb == VERB_UNSET && record == NULL;
	item->lowers = change->verb == VERB_OFF ||
		       (change->verb == VERB_UNSET && record != NULL &&
			record->share != 0);
}

static int
refuse_trip(const struct item *item)
{
	const struct record *trip = item->before.trip;
	char since[24];

	flagp_clock_format(trip->at, since, sizeof(since));
	return flagp_print_fail(CODE_REFUSED,
		"%s: tripped %s, generation %llu: %s; a trip outranks on and "
		"stays: mend what caused it; nothing changed", item->name,
		since, (unsigned long long)trip->generation,
		trip->author.reason[0] != '\0' ? trip->author.reason :
		"no evidence stated");
}

static int
allow(struct change *change)
{
	int code = CODE_DONE;

	for (size_t i = 0; i < change->item_count; i++) {
		struct item *item = &change->items[i];

		judge_item(change, item);
		if (change->verb == VERB_ON && item->before.trip != NULL)
			code = refuse_trip(item);
	}
	return code;
}

/* --- making it --------------------------------------------------------- */

/* A tombstone has done its work when no folder has an older record. */
static void
drop_tombstones(struct record_file *file, const struct record_file *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->count; i++) {
		const struct record *there;

		there = flagp_record_get(other, file->records[i].flag);
		if (file->records[i].removed &&
		    (there == NULL || there->removed))
			free(file->records[i].unknown);
		else
			file->records[kept++] = file->records[i];
	}
	file->count = kept;
}

static int
put(struct change *change, const struct item *item, uint64_t generation)
{
	struct client *client = &change->client;
	struct record record = {
		.share = change->verb == VERB_ON ? FLAGP_SHARE_ALL : 0,
		.removed = change->verb == VERB_UNSET,
		.base = client->conf != NULL ? item->before.configured :
					       FLAGP_SHARE_NONE,
		.generation = generation,
		.at = change->now,
		.author = change->author,
	};
	int code;

	snprintf(record.flag, sizeof(record.flag), "%s", item->name);
	if (change->verb == VERB_ON) {
		record.until = change->now + ON_SECONDS;
		snprintf(record.boot, sizeof(record.boot), "%s", client->boot);
	}
	code = flagp_record_put(&client->overrides[SIDE_STATE], &record);
	if (code == 0 && (item->lowers || item->on_run ||
			  client->places.state_live < 0))
		code = flagp_record_put(&client->overrides[SIDE_RUN], &record);
	return code;
}

static void
note_change(struct change *change, bool lowers, uint64_t generation)
{
	struct record_change note = {
		.generation = generation,
		.at = change->now,
		.author = change->author,
	};

	snprintf(note.verb, sizeof(note.verb), "%s", verb_words[change->verb]);
	for (size_t i = 0; i < change->item_count; i++) {
		const struct item *item = &change->items[i];

		if (item->idle || item->lowers != lowers)
			continue;
		note.count++;
		snprintf(note.flag, sizeof(note.flag), "%s",
			 note.count == 1 ? item->name : "*");
		note.before = item->was;
		note.after = item->after;
	}
	for (int i = 0; i < SIDE_COUNT; i++) {
		change->client.overrides[i].kind = RECORD_OVERRIDES;
		change->client.overrides[i].generation = generation;
		change->client.overrides[i].change = note;
	}
}

/* The items of one direction, in memory. */
static int
stage(struct change *change, bool lowers, uint64_t generation)
{
	struct client *client = &change->client;
	struct layers_answer after;

	for (size_t i = 0; i < change->item_count; i++) {
		struct item *item = &change->items[i];

		if (item->idle || item->lowers != lowers)
			continue;
		if (put(change, item, generation) != 0)
			return flagp_print_fail(CODE_FAILED, "out of memory; "
						"nothing changed");
		flagp_client_ask(client, item->name, &after);
		item->after = share_of(client, &after);
		item->winner = after.winner;
	}
	note_change(change, lowers, generation);
	return CODE_DONE;
}

static int
store(struct publish *publish, enum side side)
{
	struct change *change = publish->data;
	const struct client *client = &change->client;
	const struct record_file *file = &client->overrides[side];
	bool needed = publish->lowers || side == SIDE_STATE ||
		      client->places.state_live < 0;

	if (client->record_error[side].code != 0)
		return PUBLISH_DAMAGED;
	if (file->read_only)
		return PUBLISH_NEWER;
	for (size_t i = 0; i < change->item_count; i++)
		needed |= change->items[i].on_run;
	if (!needed)
		return PUBLISH_NOTHING;
	return flagp_record_write(file, side == SIDE_STATE ?
				  client->places.state_live :
				  client->places.run_live, side == SIDE_STATE);
}

/* --- saying it --------------------------------------------------------- */

static void
say_item(const struct change *change, const struct item *item,
	 struct print_table *table)
{
	const char *winner = flagp_layers_name(item->winner);
	uint32_t wanted = change->verb == VERB_ON ? FLAGP_SHARE_ALL : 0;
	char before[16], after[16];

	flagp_print_cell(table, MARK_STRONG, "%s", item->name);
	flagp_print_cell(table, MARK_NONE, "%s",
			 flagp_layers_share(item->was, before, sizeof(before)));
	flagp_print_cell(table, MARK_NONE, "->");
	flagp_print_cell(table, MARK_NONE, "%s",
			 flagp_layers_share(item->after, after,
					    sizeof(after)));
	flagp_print_cell_time(table, change->verb == VERB_ON ?
			      change->now + ON_SECONDS : 0);
	if (item->after == FLAGP_SHARE_NONE)
		flagp_print_cell(table, MARK_NONE, "decided by the files, "
				 "which are refused now");
	else if (change->verb != VERB_UNSET && item->after != wanted)
		flagp_print_cell(table, MARK_BAD, "%s outranks it", winner);
	else if (change->verb == VERB_ON)
		flagp_print_cell(table, MARK_NONE, "for an hour, or until the "
				 "next boot");
	else if (change->verb == VERB_OFF)
		flagp_print_cell(table, MARK_NONE, "until unset");
	else
		flagp_print_cell(table, MARK_NONE, "decided by %s", winner);
}

static void
say_items(const struct change *change)
{
	static const struct print_column columns[] = {
		{ "FLAG", "flag" }, { "BEFORE", "before" }, { "", NULL },
		{ "AFTER", "after" }, { NULL, "until" }, { "NOTE", "note" },
	};
	struct print_table *table;

	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	for (size_t i = 0; i < change->item_count; i++)
		if (!change->items[i].idle)
			say_item(change, &change->items[i], table);
	flagp_print_table_end(table, "changes", false);
}

static void
say_idle(const struct change *change)
{
	char source[80], share[16];

	for (size_t i = 0; i < change->item_count; i++) {
		const struct item *item = &change->items[i];

		if (!item->idle || change->pattern)
			continue;
		flagp_layers_source(&item->before, source, sizeof(source));
		flagp_print_say("%s has no override; it is %s (%s)",
				item->name,
				flagp_layers_share(item->was, share,
						   sizeof(share)),
				source);
	}
}

static size_t
count_of(const struct change *change, bool lowers)
{
	size_t count = 0;

	for (size_t i = 0; i < change->item_count; i++)
		count += !change->items[i].idle &&
			 change->items[i].lowers == lowers;
	return count;
}

/* A pattern's flags are shown before anything is written. */
static void
list_pattern(const struct change *change)
{
	if (!change->pattern || flagp_print_is_json())
		return;
	flagp_print_plain("%s:", verb_words[change->verb]);
	for (size_t i = 0; i < change->item_count; i++)
		if (!change->items[i].idle)
			flagp_print_plain(" %s", change->items[i].name);
	flagp_print_plain("\n");
	fflush(stdout);
}

static void
preview(struct change *change)
{
	uint64_t next = flagp_client_generation(&change->client) + 1;

	list_pattern(change);
	say_idle(change);
	stage(change, true, next);
	stage(change, false, next);
	say_items(change);
	flagp_print_bool(NULL, "dry_run", true);
	flagp_print_say("dry run: nothing was written");
}

/* Publishes the items of one direction.  The second one gets a generation of
 * its own. */
static int
perform_direction(struct change *change, bool lowers)
{
	struct publish *publish = &change->publish;
	int code;

	if (count_of(change, lowers) == 0)
		return CODE_DONE;
	flagp_publish_join(publish);
	publish->generation = flagp_client_generation(&change->client) + 1;
	publish->lowers = lowers;
	publish->needs_state = change->verb == VERB_ON;
	publish->store = store;
	publish->data = change;
	code = stage(change, lowers, publish->generation);
	if (code != CODE_DONE)
		return code;
	return flagp_publish(publish);
}

/* What the processes have to acknowledge: the last of what was stored. */
static void
set_goal(const struct change *change, struct families_goal *goal)
{
	const struct publish *publish = &change->publish;
	bool run = flagp_publish_stored(publish, SIDE_RUN);

	memset(goal, 0, sizeof(*goal));
	if (run)
		goal->ack.overrides_run = publish->generation;
	if (!publish->lowers || !run)
		if (flagp_publish_stored(publish, SIDE_STATE))
			goal->ack.overrides_state = publish->generation;
}

static void
set_words(struct change *change)
{
	struct publish *publish = &change->publish;

	publish->words = change->words;
	publish->word_count = 0;
	for (size_t i = 0; i < change->item_count; i++) {
		const struct item *item = &change->items[i];
		struct families_word *word;

		if (item->idle || item->after == FLAGP_SHARE_NONE)
			continue;
		word = &change->words[publish->word_count++];
		word->flag = item->name;
		word->on = item->after != 0;
	}
}

static int
perform(struct change *change)
{
	struct client *client = &change->client;
	struct families_goal goal;
	int code;

	list_pattern(change);
	drop_tombstones(&client->overrides[SIDE_STATE],
			&client->overrides[SIDE_RUN]);
	drop_tombstones(&client->overrides[SIDE_RUN],
			&client->overrides[SIDE_STATE]);
	if (count_of(change, true) + count_of(change, false) == 0) {
		say_idle(change);
		return CODE_DONE;
	}
	code = perform_direction(change, true);
	change->publish.again = count_of(change, true) > 0;
	if (code == CODE_DONE)
		code = perform_direction(change, false);
	if (code != CODE_DONE)
		return code;
	set_goal(change, &goal);
	set_words(change);
	say_idle(change);
	say_items(change);
	return flagp_publish_wait(&change->publish, &goal);
}
