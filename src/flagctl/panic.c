/* SPDX-License-Identifier: MIT */
/* panic.c - panic and unpanic. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flagctl/author.h"
#include "flagctl/client.h"
#include "flagctl/print.h"
#include "flagctl/publish.h"

struct alarm {
	struct client client;
	struct publish publish;
	struct record_panic panic;
	const char *every;		/* NULL: every flag is checked */
};

static int
live_of(const struct client *client, enum side side)
{
	return side == SIDE_STATE ? client->places.state_live
				  : client->places.run_live;
}

/* Reads what the next generation and the report need. */
static int
open_alarm(struct alarm *alarm, const struct request *request)
{
	int code;

	alarm->publish.lock = -1;
	code = flagp_client_open(&alarm->client, request, CLIENT_MUST_EXIST);
	if (code == CODE_DONE)
		code = flagp_author_fill(&alarm->panic.author, request);
	return code;
}

static void
read_alarm(struct alarm *alarm)
{
	flagp_client_records(&alarm->client);
	alarm->panic.on = true;
	alarm->panic.at = alarm->client.files.wall;
	alarm->panic.generation = flagp_client_generation(&alarm->client) + 1;
	alarm->publish.generation = alarm->panic.generation;
	alarm->publish.data = alarm;
}

/* How many flags are on, by the files as they were read; -1 where they are
 * refused: the last good ones are known to the processes alone. */
static int
count_on(struct client *client)
{
	struct layers_answer answer;
	int on = 0;

	flagp_client_conf(client);
	if (client->conf == NULL)
		return -1;
	flagp_client_scan(client, true);
	flagp_client_names(client);
	for (size_t i = 0; i < client->known_count; i++) {
		if (client->known[i].tunable)
			continue;
		flagp_client_ask(client, client->known[i].name, &answer);
		on += answer.effective != 0;
	}
	flagp_print_number(NULL, "flags", (int64_t)client->known_count);
	flagp_print_number(NULL, "flags_on", on);
	return on;
}

static void
say_panic(const struct alarm *alarm, int on)
{
	unsigned long long generation = alarm->panic.generation;

	if (on < 0)
		flagp_print_say("panic, generation %llu: every flag is off "
				"until unpanic (the files are refused: how "
				"many were on is not known here)", generation);
	else
		flagp_print_say("panic, generation %llu: %d flag%s on, every "
				"flag is off until unpanic", generation, on,
				on == 1 ? " was" : "s were");
}

static void
say_end(const struct alarm *alarm, int on)
{
	unsigned long long generation = alarm->panic.generation;

	if (on < 0)
		flagp_print_say("panic ended, generation %llu: the last good "
				"files decide, the present ones are refused",
				generation);
	else
		flagp_print_say("panic ended, generation %llu: %d flag%s on",
				generation, on, on == 1 ? " is" : "s are");
}

/* What a dry run would do: "turn off", "leave on". */
static void
say_preview(const char *verb, int on, const char *what)
{
	if (on < 0)
		flagp_print_say("%s would %s (the files are refused: how many "
				"is not known here); dry run: nothing was "
				"written", verb, what);
	else
		flagp_print_say("%s would %s: %d; dry run: nothing was "
				"written", verb, what, on);
}

/* --- panic ------------------------------------------------------------- */

static int
store_panic(struct publish *publish, enum side side)
{
	struct alarm *alarm = publish->data;

	return flagp_record_panic_write(&alarm->panic,
					live_of(publish->client, side),
					side == SIDE_STATE);
}

/* A writer that hangs with the lock must not keep anybody from a panic, which
 * replaces nothing that somebody else writes. */
static int
lock_for_panic(struct alarm *alarm)
{
	struct client *client = &alarm->client;
	bool has_folder = client->places.state >= 0 || client->places.run >= 0;
	int code = flagp_publish_lock(&alarm->publish, client);

	if (code == CODE_DONE || code == CODE_PERMISSION || !has_folder)
		return code;
	flagp_print_warn("going on without the lock");
	return CODE_DONE;
}

static int
begin_panic(struct alarm *alarm)
{
	struct families_goal goal = { .ack = { 0 } };
	struct client *client = &alarm->client;
	int code;

	if (flagp_request_has(client->request, OPTION_DRY_RUN)) {
		read_alarm(alarm);
		flagp_print_bool(NULL, "dry_run", true);
		say_preview("panic", count_on(client),
			    "turn off the flags that are on");
		return CODE_DONE;
	}
	code = lock_for_panic(alarm);
	if (code != CODE_DONE)
		return code;
	read_alarm(alarm);
	alarm->publish.lowers = true;
	alarm->publish.store = store_panic;
	code = flagp_publish(&alarm->publish);
	if (code != CODE_DONE)
		return code;
	say_panic(alarm, count_on(client));
	goal.ack.panic = alarm->panic.generation;
	client->panic[SIDE_RUN] = alarm->panic;
	alarm->publish.flags = &alarm->every;
	alarm->publish.flag_count = 1;
	return flagp_publish_wait(&alarm->publish, &goal);
}

int
flagp_verb_panic(const struct request *request)
{
	static struct alarm alarm;	/* outlives a slow disk's thread */
	int code = open_alarm(&alarm, request);

	if (code == CODE_DONE)
		code = begin_panic(&alarm);
	if (flagp_publish_end(&alarm.publish))
		flagp_client_close(&alarm.client);
	return code;
}

/* --- unpanic ----------------------------------------------------------- */

/* The end of a panic is a change of its own: it has a generation, by which a
 * process can acknowledge it. */
static int
store_end_note(struct alarm *alarm, enum side side)
{
	struct client *client = &alarm->client;
	struct record_file *file = &client->overrides[side];

	if (client->record_error[side].code != 0)
		return PUBLISH_DAMAGED;
	if (file->read_only)
		return PUBLISH_NEWER;
	memset(&file->change, 0, sizeof(file->change));
	file->kind = RECORD_OVERRIDES;
	file->generation = file->change.generation = alarm->panic.generation;
	file->change.at = alarm->panic.at;
	file->change.author = alarm->panic.author;
	file->change.before = file->change.after = FLAGP_SHARE_NONE;
	snprintf(file->change.verb, sizeof(file->change.verb), "unpanic");
	snprintf(file->change.flag, sizeof(file->change.flag), "*");
	return flagp_record_write(file, live_of(client, side),
				  side == SIDE_STATE);
}

static int
store_unpanic(struct publish *publish, enum side side)
{
	struct alarm *alarm = publish->data;
	const struct client *client = &alarm->client;
	bool notes = side == SIDE_STATE || client->places.state_live < 0;
	int result = PUBLISH_NOTHING;

	if (notes)
		result = store_end_note(alarm, side);
	if (result < 0 || !client->panic[side].on)
		return result;
	result = flagp_io_remove(live_of(client, side), RECORD_PANIC_NAME,
				 side == SIDE_STATE);
	return result == -ENOENT ? 0 : result;
}

static void
set_end_goal(const struct alarm *alarm, struct families_goal *goal)
{
	memset(goal, 0, sizeof(*goal));
	goal->no_panic = true;
	if (alarm->client.places.state_live >= 0)
		goal->ack.overrides_state = alarm->panic.generation;
	else
		goal->ack.overrides_run = alarm->panic.generation;
}

static bool
is_panic(const struct client *client)
{
	return client->panic[SIDE_STATE].on || client->panic[SIDE_RUN].on;
}

/* What the flags will be without the panic, from what was read. */
static int
count_on_after(struct client *client)
{
	client->panic[SIDE_STATE].on = client->panic[SIDE_RUN].on = false;
	return count_on(client);
}

static int
end_panic(struct alarm *alarm)
{
	struct client *client = &alarm->client;
	struct families_goal goal;
	int code;

	code = flagp_publish_lock(&alarm->publish, client);
	if (code != CODE_DONE)
		return code;
	read_alarm(alarm);
	if (!is_panic(client)) {
		flagp_print_say("there is no panic; nothing changed");
		return CODE_DONE;
	}
	alarm->publish.store = store_unpanic;
	code = flagp_publish(&alarm->publish);
	if (code == CODE_DONE && alarm->publish.result[SIDE_RUN] < 0 &&
	    client->panic[SIDE_RUN].on)
		code = flagp_print_fail(CODE_FAILED,
			"%s/live/%s: %s; the panic goes on",
			client->paths.run, RECORD_PANIC_NAME,
			strerror(-alarm->publish.result[SIDE_RUN]));
	if (code != CODE_DONE)
		return code;
	set_end_goal(alarm, &goal);
	say_end(alarm, count_on_after(client));
	return flagp_publish_wait(&alarm->publish, &goal);
}

static int
preview_end(struct alarm *alarm)
{
	struct client *client = &alarm->client;

	read_alarm(alarm);
	flagp_print_bool(NULL, "dry_run", true);
	if (!is_panic(client))
		flagp_print_say("there is no panic");
	else
		say_preview("unpanic", count_on_after(client),
			    "leave flags on");
	return CODE_DONE;
}

int
flagp_verb_unpanic(const struct request *request)
{
	static struct alarm alarm;	/* outlives a slow disk's thread */
	int code = open_alarm(&alarm, request);

	if (code == CODE_DONE)
		code = flagp_request_has(request, OPTION_DRY_RUN) ?
		       preview_end(&alarm) : end_panic(&alarm);
	if (flagp_publish_end(&alarm.publish))
		flagp_client_close(&alarm.client);
	return code;
}
