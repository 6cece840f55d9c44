/* SPDX-License-Identifier: MIT */
/*
 * why.c - why a flag is as it is: a sentence, the layers, and the word as
 * each process last reported it.  It reports and compares; it never computes
 * a word.
 */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "flagctl/client.h"
#include "flagctl/print.h"

/* A process may be about to apply the newest change: how often and how long
 * to look again before a difference is called an error. */
#define TRIES 6
#define TRY_US 100000

static void explain(const struct client *client, const char *name);
static size_t differences(const struct client *client, const char *name,
			  bool say);
static int look(struct client *client, const char *name);
static int look_at_value(struct client *client, const char *name);

int
flagp_verb_why(const struct request *request)
{
	const char *name = request->operands[0];
	struct client client;
	int code = flagp_client_open_all(&client, request);

	if (code == CODE_DONE && flagp_client_known(&client, name) == NULL)
		code = flagp_client_unknown(&client, name);
	if (code == CODE_DONE)
		code = flagp_client_known(&client, name)->tunable ?
			       look_at_value(&client, name) :
			       look(&client, name);
	flagp_client_close(&client);
	return code;
}

static void
look_again(struct client *client)
{
	usleep(TRY_US);
	flagp_client_conf(client);
	flagp_client_records(client);
	flagp_client_scan(client, true);
	flagp_client_names(client);
}

static int
look(struct client *client, const char *name)
{
	for (int i = 1; i < TRIES; i++) {
		if (differences(client, name, false) == 0)
			break;
		look_again(client);
	}
	explain(client, name);
	return differences(client, name, true) == 0 ? CODE_DONE : CODE_FAILED;
}

/* --- the sentence ------------------------------------------------------ */

static void answer_is(const char *format, ...) FLAGP_PRINTF(1, 2);

static void
answer_is(const char *format, ...)
{
	char text[1200];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	flagp_print_text(NULL, "answer", "%s", text);
	flagp_print_plain("%s\n", text);
}

/* Who and why: root (login alice), "wrong sums". */
static void
author_text(const struct record_author *author, char *buffer, size_t size)
{
	const struct passwd *login = NULL;
	bool reason = author->reason[0] != '\0';

	if (author->login_uid != UINT32_MAX && author->login_uid != author->uid)
		login = getpwuid(author->login_uid);
	snprintf(buffer, size, "%s%s%s%s%s%s%s",
		 author->user[0] != '\0' ? author->user : "somebody",
		 login != NULL ? " (login " : "",
		 login != NULL ? login->pw_name : "",
		 login != NULL ? ")" : "", reason ? ", \"" : "",
		 reason ? author->reason : "", reason ? "\"" : "");
}

/* "the configuration, mysvc.ini:12, says on" without the upper layers. */
static void
configured_text(const struct client *client,
		const struct layers_answer *answer, char *buffer, size_t size)
{
	const struct conf_value *value = answer->dropin != NULL ?
					 answer->dropin : answer->main;
	char share[16];
	const char *state = flagp_layers_share(answer->configured, share,
					       sizeof(share));

	if (client->conf == NULL)
		snprintf(buffer, size, "the configuration (refused now)");
	else if (value != NULL)
		snprintf(buffer, size, "%s:%u (%s)", value->file, value->line,
			 state);
	else
		snprintf(buffer, size, "the compiled default (%s)", state);
}

static bool
is_part(uint32_t share)
{
	return share != 0 && share < FLAGP_SHARE_ALL;
}

static void
sentence_of_operator(const struct client *client, const char *name,
		     const struct layers_answer *answer)
{
	const struct record *record = answer->override;
	char who[400], since[24], until[24], reveals[200];
	char call[CLIENT_CALL_SIZE];
	char share[16];
	const char *state = flagp_layers_share(record->share, share,
					       sizeof(share));

	author_text(&record->author, who, sizeof(who));
	flagp_clock_format(record->at, since, sizeof(since));
	flagp_clock_format(record->until, until, sizeof(until));
	configured_text(client, answer, reveals, sizeof(reveals));
	flagp_client_call(client, call, sizeof(call));
	answer_is("%s is %s since %s%s%s: %s %s by %s.", name, state, since,
		  record->until != 0 ? ", until " : "",
		  record->until != 0 ? until : "",
		  is_part(record->share) ? "set to" : "turned", state, who);
	flagp_print_say("To let %s decide: %s unset %s", reveals, call, name);
	if (record->share != 0)
		flagp_print_say("To turn it off now: %s off %s", call, name);
	else if (answer->trip != NULL)
		flagp_print_say("A trip stands below: it stays off then, "
				"too.");
}

static void
sentence_of_trip(const char *name, const struct layers_answer *answer)
{
	const struct record *trip = answer->trip;
	const char *evidence = trip->author.reason;
	char since[24];

	flagp_clock_format(trip->at, since, sizeof(since));
	answer_is("%s is off since %s: tripped, %s.", name, since,
		  evidence[0] != '\0' ? evidence : "without stated evidence");
	flagp_print_say("The trip (generation %llu, by pid %d) stays, also "
			"over restarts; on does not outrank it.",
			(unsigned long long)trip->generation,
			trip->author.pid);
}

static void
sentence_of_panic(const struct client *client, const char *name,
		  const struct layers_answer *answer)
{
	char who[400], since[24], call[CLIENT_CALL_SIZE];

	author_text(&answer->panic->author, who, sizeof(who));
	flagp_clock_format(answer->panic->at, since, sizeof(since));
	answer_is("%s is off since %s: panic by %s; every flag is off.", name,
		  since, who);
	flagp_print_say("To end the panic: %s unpanic",
			flagp_client_call(client, call, sizeof(call)));
}

static void
sentence_of_files(const struct client *client, const char *name,
		  const struct client_state *state)
{
	char call[CLIENT_CALL_SIZE], since[40] = "";
	const char *word = state->text;
	bool on = state->share != 0;

	if (state->since != 0) {
		strcpy(since, ", saved ");
		flagp_clock_format(state->since, since + 8, 24);
	}
	if (state->reported)
		answer_is("%s is %s, as its processes report: %s (the files "
			  "on disk are refused).", name, word, state->source);
	else if (state->answer.winner == LAYER_DEFAULT)
		answer_is("%s is %s: its compiled default, nothing says "
			  "otherwise.", name, word);
	else
		answer_is("%s is %s: %s says so%s.", name, word,
			  state->source, since);
	flagp_client_call(client, call, sizeof(call));
	flagp_print_say("To turn it %s: %s %s %s%s",
			on ? "off now" : "on for an hour", call,
			on ? "off" : "on", name,
			state->answer.winner == LAYER_DEFAULT ?
			"; to keep it, a section in the configuration" :
			"; to keep it, an edit of that line");
}

static void
sentence(const struct client *client, const char *name,
	 const struct client_state *state)
{
	switch (state->answer.winner) {
	case LAYER_PANIC:
		sentence_of_panic(client, name, &state->answer);
		break;
	case LAYER_OFF:
	case LAYER_ON:
		sentence_of_operator(client, name, &state->answer);
		break;
	case LAYER_TRIP:
		sentence_of_trip(name, &state->answer);
		break;
	default:
		sentence_of_files(client, name, state);
		break;
	}
}

/* --- the layers -------------------------------------------------------- */

static void
layer_where(const struct layers_answer *answer, enum layer layer,
	    char *buffer, size_t size)
{
	const struct record *record = layer == LAYER_TRIP ? answer->trip :
							    answer->override;
	const struct conf_value *value = layer == LAYER_MAIN ? answer->main :
							       answer->dropin;

	switch (layer) {
	case LAYER_PANIC:
		snprintf(buffer, size, "generation %llu",
			 (unsigned long long)answer->panic->generation);
		break;
	case LAYER_OFF:
	case LAYER_ON:
	case LAYER_TRIP:
		snprintf(buffer, size, "generation %llu, by %s",
			 (unsigned long long)record->generation,
			 record->author.user);
		break;
	case LAYER_ENVIRONMENT:
		snprintf(buffer, size, "of each process");
		break;
	case LAYER_DROPIN:
	case LAYER_MAIN:
		snprintf(buffer, size, "%s:%u", value->file, value->line);
		break;
	default:
		snprintf(buffer, size, "compiled");
		break;
	}
}

static void
layer_cells(struct print_table *table, const struct layers_answer *answer,
	    enum layer layer, bool refused)
{
	bool says = answer->share[layer] != FLAGP_SHARE_NONE;
	bool wins = layer == answer->winner && !refused;
	char share[16], where[120];

	flagp_print_cell(table, wins ? MARK_STRONG : MARK_NONE, "%s%s",
			 wins && !flagp_print_is_json() ? "* " :
			 flagp_print_is_json() ? "" : "  ",
			 flagp_layers_name(layer));
	if (!says) {
		flagp_print_cell_none(table);
		flagp_print_cell_none(table);
	} else {
		flagp_print_cell(table, MARK_NONE, "%s",
				 flagp_layers_share(answer->share[layer],
						    share, sizeof(share)));
		layer_where(answer, layer, where, sizeof(where));
		flagp_print_cell(table, MARK_NONE, "%s", where);
	}
	flagp_print_cell_bool(table, wins);
}

/* Live processes in which the environment decides. */
static size_t
environments(const struct client *client, const char *name)
{
	struct layers_answer answer;
	size_t count = 0;

	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life == PROC_DEAD ||
		    entry->head.environment[0] == '\0')
			continue;
		flagp_client_ask_process(client, entry, name, &answer);
		count += answer.winner == LAYER_ENVIRONMENT;
	}
	return count;
}

static void
layer_note(struct print_table *table, const struct client *client,
	   const char *name, const struct layers_answer *answer,
	   enum layer layer)
{
	bool files = layer == LAYER_MAIN || layer == LAYER_DROPIN;
	char ended[24];

	if (files && client->conf == NULL) {
		flagp_print_cell(table, MARK_BAD, "not known: files refused; "
				 "flagctl check says why");
	} else if (layer == LAYER_ENVIRONMENT &&
		   environments(client, name) > 0) {
		flagp_print_cell(table, MARK_NONE, "decides in %zu of %zu "
				 "processes", environments(client, name),
				 flagp_client_living(client));
	} else if (layer == LAYER_ON && answer->ended != NULL) {
		flagp_clock_format(answer->ended->until, ended, sizeof(ended));
		flagp_print_cell(table, MARK_NONE, "generation %llu by %s "
				 "has ended (%s)",
				 (unsigned long long)answer->ended->generation,
				 answer->ended->author.user,
				 answer->ended->until > client->files.wall ?
				 "boot" : ended);
	} else if (answer->share[layer] != FLAGP_SHARE_NONE &&
		   layer > answer->winner) {
		flagp_print_cell(table, MARK_NONE, "shadowed");
	} else {
		flagp_print_cell_none(table);
	}
}

static void
show_layers(const struct client *client, const char *name,
	    const struct client_state *state)
{
	static const struct print_column columns[] = {
		{ "  LAYER", "layer" }, { "SAYS", "says" },
		{ "WHERE", "where" }, { NULL, "wins" }, { "NOTE", "note" },
	};
	bool refused = state->answer.winner == LAYER_DEFAULT &&
		       client->conf == NULL;
	struct print_table *table;

	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	for (int i = 0; i < LAYER_COUNT; i++) {
		enum layer layer = (enum layer)i;

		/* Few processes have one. */
		if (layer == LAYER_ENVIRONMENT && !flagp_print_is_json() &&
		    environments(client, name) == 0)
			continue;
		layer_cells(table, &state->answer, layer, refused);
		layer_note(table, client, name, &state->answer, layer);
	}
	flagp_print_table_end(table, "layers", true);
}

/* --- the words --------------------------------------------------------- */

/* Whether the process itself keeps its word up to date. */
static bool
has_own_word(const struct proc_entry *entry)
{
	return entry->head.driver != PROC_DRIVER_NONE;
}

/* Whether the answer tells what a word has to be. */
static bool
is_decided(const struct client *client, const struct layers_answer *answer)
{
	return client->conf != NULL || answer->winner < LAYER_DROPIN;
}

static void
word_cells(struct print_table *table, const struct proc_entry *entry,
	   const struct proc_flag *flag)
{
	int64_t age = flagp_clock_ms() - entry->head.tick_ms;
	char word[CLIENT_WORD_SIZE];

	flagp_print_cell_number(table, entry->head.pid);
	flagp_print_cell(table, MARK_NONE, "%s", entry->head.program);
	if (flag == NULL || !has_own_word(entry)) {
		for (int i = 0; i < 5; i++)
			flagp_print_cell_none(table);
	} else {
		flagp_print_cell(table, MARK_NONE, "%08x", flag->word);
		flagp_print_cell(table, MARK_NONE, "%s",
				 flagp_client_word(flag, word, sizeof(word)));
		flagp_print_cell_span(table, age < 0 ? 0 : age);
		flagp_print_cell(table, MARK_NONE, "%s", flag->source);
		flagp_print_cell_number(table, (int64_t)flag->generation);
	}
	if (entry->problem[0] != '\0')
		flagp_print_cell(table, MARK_BAD, "%s", entry->problem);
	else if (!has_own_word(entry) && entry->head.board != 0)
		flagp_print_cell(table, MARK_NONE, "follows board %llu",
				 (unsigned long long)entry->head.board);
	else if (flag == NULL)
		flagp_print_cell(table, MARK_NONE, "does not have this flag");
	else if (entry->life == PROC_UNLOCKED)
		flagp_print_cell(table, MARK_BAD, "its lock is lost");
	else
		flagp_print_cell_none(table);
}

static void
show_words(const struct client *client, const char *name)
{
	static const struct print_column columns[] = {
		{ "PID", "pid" }, { "PROGRAM", "program" },
		{ "WORD", "word" }, { "MEANS", "state" },
		{ "AGE", "age_ms" }, { "SOURCE", "source" },
		{ NULL, "generation" }, { "NOTE", "note" },
	};
	struct print_table *table;

	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life != PROC_DEAD)
			word_cells(table, entry,
				   flagp_client_flag(entry, name));
	}
	flagp_print_table_end(table, "processes", true);
}

/* Which units the live processes choose among, as far as was seen. */
static void
say_units(const struct client *client, const char *name, const char *share)
{
	size_t instances = 0, on = 0, keys = 0, calls = 0;

	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];
		const struct proc_flag *flag = flagp_client_flag(entry, name);

		if (entry->life == PROC_DEAD || flag == NULL ||
		    !has_own_word(entry))
			continue;
		instances++;
		on += (flag->word & PROC_WORD_ON) != 0;
		keys += flag->keys;
		calls += flag->calls;
	}
	flagp_print_say("%s of instances for flag_enabled: on in %zu of %zu "
			"process%s.", share, on, instances,
			instances == 1 ? "" : "es");
	flagp_print_say("%s of keys (%zu process%s read%s it by key), %s of "
			"calls (%zu by call).", share, keys,
			keys == 1 ? "" : "es", keys == 1 ? "s" : "", share,
			calls);
}

static void
explain(const struct client *client, const char *name)
{
	struct client_state state;

	flagp_client_state(client, name, &state);
	flagp_print_text(NULL, "flag", "%s", name);
	flagp_print_text(NULL, "state", "%s", state.text);
	flagp_print_text(NULL, "winner", "%s",
			 flagp_layers_name(state.answer.winner));
	sentence(client, name, &state);
	if (is_part(state.share))
		say_units(client, name, state.text);
	flagp_print_plain("\n");
	show_layers(client, name, &state);
	if (flagp_client_living(client) > 0) {
		flagp_print_plain("\n");
		show_words(client, name);
	} else {
		flagp_print_say("%s is not running: no process has a word.",
				client->paths.service);
	}
	flagp_client_warn(client);
}

/* Counts the processes whose word is not what the layers say. */
static size_t
differences(const struct client *client, const char *name, bool say)
{
	struct layers_answer answer;
	const struct proc_flag *flag;
	char word[CLIENT_WORD_SIZE], share[16];
	size_t count = 0;

	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		flag = flagp_client_flag(entry, name);
		if (entry->life == PROC_DEAD || flag == NULL ||
		    !has_own_word(entry))
			continue;
		flagp_client_ask_process(client, entry, name, &answer);
		if (!is_decided(client, &answer) ||
		    flagp_client_agrees(entry, flag, answer.effective))
			continue;
		count++;
		if (say)
			flagp_print_fail(CODE_FAILED, "%s: pid %d (%s): word "
				"says %s, layers say %s", name, entry->head.pid,
				entry->head.program,
				flagp_client_word(flag, word, sizeof(word)),
				flagp_layers_share(answer.effective, share,
						   sizeof(share)));
	}
	return count;
}

/* --- tunables ---------------------------------------------------------- */

/* Counts the processes that have another value than the files give. */
static size_t
value_differences(const struct client *client, const char *name, bool say)
{
	struct client_value value;
	char has[200];
	size_t count = 0;

	flagp_client_value(client, name, &value);
	for (size_t i = 0; i < client->procs.count && value.text[0]; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];
		const struct proc_flag *flag = flagp_client_flag(entry, name);

		if (entry->life == PROC_DEAD || flag == NULL ||
		    flag->tunable == 0 || !has_own_word(entry) ||
		    strcmp(flag->source, CONF_ENVIRONMENT) == 0 ||
		    flagp_client_has_value(flag, value.text, has, sizeof(has)))
			continue;
		count++;
		if (say)
			flagp_print_fail(CODE_FAILED, "%s: pid %d (%s): has %s "
				"(%s), the files say %s (%s)", name,
				entry->head.pid, entry->head.program, has,
				flag->source, value.text, value.source);
	}
	return count;
}

static void
show_values(const struct client *client, const char *name, const char *value)
{
	static const struct print_column columns[] = {
		{ "PID", "pid" }, { "PROGRAM", "program" },
		{ "VALUE", "value" }, { "SOURCE", "source" },
	};
	struct print_table *table;
	char has[200];

	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];
		const struct proc_flag *flag = flagp_client_flag(entry, name);

		if (entry->life == PROC_DEAD || flag == NULL ||
		    flag->tunable == 0)
			continue;
		(void)flagp_client_has_value(flag, value, has, sizeof(has));
		flagp_print_cell_number(table, entry->head.pid);
		flagp_print_cell(table, MARK_NONE, "%s", entry->head.program);
		flagp_print_cell(table, MARK_NONE, "%s", has);
		flagp_print_cell(table, MARK_NONE, "%s", flag->source);
	}
	flagp_print_table_end(table, "processes", true);
}

static int
look_at_value(struct client *client, const char *name)
{
	struct client_value value;

	for (int i = 1; i < TRIES; i++) {
		if (value_differences(client, name, false) == 0)
			break;
		look_again(client);
	}
	flagp_client_value(client, name, &value);
	flagp_print_text(NULL, "tunable", "%s", name);
	flagp_print_text(NULL, "value", "%s", value.text);
	flagp_print_text(NULL, "source", "%s", value.source);
	if (client->conf == NULL)
		answer_is("%s: its files are refused; each process keeps what "
			  "it has.", name);
	else if (strcmp(value.source, "default") == 0)
		answer_is("%s is %s: its compiled default, no file says "
			  "otherwise.", name, value.text[0] != '\0' ?
			  value.text : "not known here");
	else
		answer_is("%s is %s: %s says so.", name, value.text,
			  value.source);
	flagp_print_say("To change it: section [%s], value = ..., in %s/%s.ini",
			name, client->paths.config, client->paths.service);
	flagp_print_plain("\n");
	show_values(client, name, value.text);
	flagp_client_warn(client);
	return value_differences(client, name, true) == 0 ? CODE_DONE :
							    CODE_FAILED;
}
