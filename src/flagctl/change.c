/* SPDX-License-Identifier: MIT */
/* change.c - on, off, set and unset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/value.h"
#include "flagctl/author.h"
#include "flagctl/client.h"
#include "flagctl/lifetime.h"
#include "flagctl/print.h"
#include "flagctl/publish.h"

enum verb { VERB_ON, VERB_OFF, VERB_SET, VERB_UNSET };

/* One flag of a change. */
struct item {
	const char *name;
	struct layers_answer before;
	uint32_t was, after;		/* effective shares; NONE: not known */
	enum layer winner;		/* after it */
	bool lowers;			/* published first, durable then */
	bool ends;			/* it raises: it has a lifetime */
	bool idle;			/* there is nothing to unset */
	bool on_run;			/* the run directory has a record */
};

struct change {
	struct client client;
	struct publish publish;
	enum verb verb;
	uint32_t share;			/* wanted; unset: NONE */
	struct lifetime lifetime;
	char **operands;
	int count;
	struct item *items;
	const char **flags;		/* items that are not idle */
	size_t item_count;
	bool pattern;			/* some came from a pattern */
	struct record_author author;
	int64_t now;
};

static const char *const verb_words[] = { "on", "off", "set", "unset" };

static int run(const struct request *request, enum verb verb, uint32_t share,
	       int count);
static int choose(struct change *change);
static int allow(struct change *change);
static int perform(struct change *change);
static void preview(struct change *change);

int
flagp_verb_on(const struct request *request)
{
	return run(request, VERB_ON, FLAGP_SHARE_ALL, request->count);
}

int
flagp_verb_off(const struct request *request)
{
	return run(request, VERB_OFF, 0, request->count);
}

int
flagp_verb_unset(const struct request *request)
{
	return run(request, VERB_UNSET, FLAGP_SHARE_NONE, request->count);
}

int
flagp_verb_set(const struct request *request)
{
	const char *value = request->operands[1];
	uint32_t share;

	if (!flagp_value_state(value, &share))
		return flagp_print_fail(CODE_USAGE,
			"set %.48s %.20s: no such state; accepted are on, off "
			"and 0%% to 100%% in steps of 0.001%%",
			request->operands[0], value);
	return run(request, share == 0 ? VERB_OFF : share == FLAGP_SHARE_ALL ?
		   VERB_ON : VERB_SET, share, 1);
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
	code = flagp_lifetime_read(&change->lifetime, change->client.request,
				   change->now);
	if (code == CODE_DONE)
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
run(const struct request *request, enum verb verb, uint32_t share, int count)
{
	static struct change change;	/* outlives a slow disk's thread */
	int code;

	change.verb = verb;
	change.share = share;
	change.operands = request->operands;
	change.count = count;
	change.publish.lock = -1;
	code = flagp_client_open(&change.client, request, CLIENT_MUST_EXIST);
	if (code == CODE_DONE)
		code = prepare(&change);
	if (!flagp_publish_end(&change.publish))
		return code;
	free(change.flags);
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

	const struct known *known = flagp_client_known(client, operand);

	if (!is_pattern(operand))
		return known == NULL ? flagp_client_unknown(client, operand) :
		       known->tunable ? flagp_client_tunable(client, operand) :
		       CODE_DONE;
	for (size_t i = 0; i < client->known_count; i++)
		if (!client->known[i].tunable &&
		    flagp_text_matches(operand, client->known[i].name))
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
	change->flags = calloc(client->known_count + 1, sizeof(*change->flags));
	if (change->items == NULL || change->flags == NULL)
		return flagp_print_fail(CODE_FAILED, "out of memory");
	for (size_t i = 0; i < client->known_count; i++)
		if (!client->known[i].tunable &&
		    is_meant(change, client->known[i].name))
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
	if (change->verb == VERB_UNSET)
		item->lowers = record != NULL && record->share != 0;
	else
		item->lowers = change->share == 0 ||
			       (item->was != FLAGP_SHARE_NONE &&
				change->share < item->was);
	/* Under refused files nobody knows: as if it raised. */
	item->ends = change->verb != VERB_UNSET && change->share != 0 &&
		     (client->conf == NULL ||
		      change->share >= item->before.configured);
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
		if (change->verb != VERB_UNSET && change->share != 0 &&
		    item->before.trip != NULL)
			code = refuse_trip(item);
		else if (change->lifetime.option != NULL && !item->ends)
			code = flagp_lifetime_refuse(&change->lifetime,
						     item->name);
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
		.share = change->verb == VERB_UNSET ? 0 : change->share,
		.removed = change->verb == VERB_UNSET,
		.base = client->conf != NULL ? item->before.configured :
					       FLAGP_SHARE_NONE,
		.generation = generation,
		.at = change->now,
		.author = change->author,
	};
	int code;

	snprintf(record.flag, sizeof(record.flag), "%s", item->name);
	if (item->ends) {
		record.until = change->lifetime.until;
		if (!change->lifetime.persist)
			snprintf(record.boot, sizeof(record.boot), "%s",
				 client->boot);
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
	char before[16], after[16];

	flagp_print_cell(table, MARK_STRONG, "%s", item->name);
	flagp_print_cell(table, MARK_NONE, "%s",
			 flagp_layers_share(item->was, before, sizeof(before)));
	flagp_print_cell(table, MARK_NONE, "->");
	flagp_print_cell(table, MARK_NONE, "%s",
			 flagp_layers_share(item->after, after,
					    sizeof(after)));
	flagp_print_cell_time(table, item->ends ? change->lifetime.until : 0);
	if (item->after == FLAGP_SHARE_NONE)
		flagp_print_cell(table, MARK_NONE, "decided by the files, "
				 "which are refused now");
	else if (change->verb == VERB_UNSET)
		flagp_print_cell(table, MARK_NONE, "decided by %s", winner);
	else if (item->after != change->share)
		flagp_print_cell(table, MARK_BAD, "%s outranks it", winner);
	else
		flagp_print_cell(table, MARK_NONE, "%s",
				 flagp_lifetime_text(&change->lifetime,
						     item->ends));
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
	publish->needs_state = !lowers && change->verb != VERB_UNSET;
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

/* Whose words are checked in the end. */
static void
set_flags(struct change *change)
{
	struct publish *publish = &change->publish;

	publish->flags = change->flags;
	publish->flag_count = 0;
	for (size_t i = 0; i < change->item_count; i++) {
		const struct item *item = &change->items[i];

		if (!item->idle && item->after != FLAGP_SHARE_NONE)
			change->flags[publish->flag_count++] = item->name;
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
	set_flags(change);
	say_idle(change);
	say_items(change);
	return flagp_publish_wait(&change->publish, &goal);
}
