/* SPDX-License-Identifier: MIT */
/* see.c - list and get. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "flagctl/client.h"
#include "flagctl/files.h"
#include "flagctl/print.h"
#include "mechanism/bucket.h"

static void warn_of_value(const struct client *client, const char *name);
static int show_state(const struct client *client, const char *name);
static bool wanted(const struct request *request, const char *name);
static int each_is_known(const struct client *client);
static void list_names(const struct client *client);
static void list_flags(const struct client *client);
static void warn_of_differences(const struct client *client);

int
flagp_verb_list(const struct request *request)
{
	struct client client;
	int code = flagp_client_open_all(&client, request);

	if (code == CODE_DONE)
		code = each_is_known(&client);
	if (code == CODE_DONE && flagp_request_has(request, OPTION_NAMES)) {
		list_names(&client);
	} else if (code == CODE_DONE) {
		list_flags(&client);
		warn_of_differences(&client);
	}
	flagp_client_close(&client);
	return code;
}

int
flagp_verb_get(const struct request *request)
{
	struct client client;
	const char *name = request->operands[0];
	int code = flagp_client_open_all(&client, request);

	if (code == CODE_DONE && flagp_client_known(&client, name) == NULL)
		code = flagp_client_unknown(&client, name);
	if (code == CODE_DONE)
		code = show_state(&client, name);
	if (code == CODE_DONE && flagp_client_known(&client, name)->tunable)
		warn_of_value(&client, name);
	flagp_client_close(&client);
	return code;
}

/* What a tunable is, the files have to say: an empty line would be a value. */
static int
show_state(const struct client *client, const char *name)
{
	bool tunable = flagp_client_known(client, name)->tunable;
	struct client_state state;
	struct client_value value;

	if (tunable && client->conf == NULL)
		return flagp_files_refused(client);
	if (tunable) {
		flagp_client_value(client, name, &value);
	} else {
		flagp_client_state(client, name, &state);
		snprintf(value.text, sizeof(value.text), "%s", state.text);
		snprintf(value.source, sizeof(value.source), "%s",
			 state.source);
	}
	flagp_print_text(NULL, tunable ? "tunable" : "flag", "%s", name);
	flagp_print_text(NULL, tunable ? "value" : "state", "%s", value.text);
	flagp_print_text(NULL, "source", "%s", value.source);
	flagp_print_plain("%s\n", value.text);
	return CODE_DONE;
}

/* What can be said of a key without its service. */
static void
show_bucket(const char *name, const char *key)
{
	struct bucket_prefix prefix;
	uint32_t hash, below;
	char share[16];

	flagp_bucket_prefix(&prefix, name, strlen(name));
	hash = flagp_bucket_hash(&prefix, key, strlen(key));
	below = (uint32_t)((uint64_t)hash * FLAGP_SHARE_ALL >> 32);
	flagp_layers_share(below + 1, share, sizeof(share));
	flagp_print_text(NULL, "flag", "%s", name);
	flagp_print_text(NULL, "key", "%s", key);
	flagp_print_number(NULL, "hash", hash);
	flagp_print_text(NULL, "from", "%s",
			 below + 1 == FLAGP_SHARE_ALL ? "100%" : share);
	flagp_print_plain("hash %u (0x%08x): on from %s on\n", hash, hash,
			  below + 1 == FLAGP_SHARE_ALL ? "100%" : share);
}

static void
show_arm(const struct client *client, const char *name, const char *key)
{
	struct client_state state;
	bool on;

	if (flagp_client_known(client, name) == NULL) {
		flagp_print_say("%s: no flag of %s that is known", name,
				client->paths.service);
		return;
	}
	flagp_client_state(client, name, &state);
	on = flagp_layers_takes(name, state.share, key);
	flagp_print_text(NULL, "state", "%s", state.text);
	flagp_print_text(NULL, "arm", on ? "on" : "off");
	flagp_print_plain("%s is %s (%s): %s gets the %s arm\n", name,
			  state.text, state.source, key,
			  on ? "optimized" : "baseline");
}

int
flagp_verb_bucket(const struct request *request)
{
	const char *name = request->operands[0], *key = request->operands[1];
	const struct known *known;
	struct client client;
	int code;

	if (!flagp_text_is_flag(name))
		return flagp_print_fail(CODE_USAGE,
			"bucket: \"%.60s\" cannot be a flag; accepted are "
			"[A-Za-z0-9][A-Za-z0-9_.-]*, at most %d characters",
			name, FLAGP_NAME_MAX);
	code = flagp_client_open_all(&client, request);
	known = code == CODE_DONE ? flagp_client_known(&client, name) : NULL;
	if (known != NULL && known->tunable)
		code = flagp_client_tunable(&client, name);
	if (code == CODE_DONE) {
		show_bucket(name, key);
		show_arm(&client, name, key);
	}
	flagp_client_close(&client);
	return code;
}

/* Whether one of the names and patterns means this flag. */
static bool
wanted(const struct request *request, const char *name)
{
	for (int i = 0; i < request->count; i++)
		if (flagp_text_matches(request->operands[i], name))
			return true;
	return request->count == 0;
}

static int
each_is_known(const struct client *client)
{
	const struct request *request = client->request;

	for (int i = 0; i < request->count; i++) {
		const char *name = request->operands[i];

		if (strpbrk(name, "*?") == NULL &&
		    flagp_client_known(client, name) == NULL)
			return flagp_client_unknown(client, name);
	}
	return CODE_DONE;
}

static void
list_names(const struct client *client)
{
	static const struct print_column columns[] = { { "FLAG", "flag" } };
	struct print_table *table = flagp_print_table(columns, 1);

	for (size_t i = 0; i < client->known_count; i++)
		if (!client->known[i].tunable &&
		    wanted(client->request, client->known[i].name))
			flagp_print_cell(table, MARK_NONE, "%s",
					 client->known[i].name);
	flagp_print_table_end(table, "flags", false);
}

static void
list_flag(const struct client *client, const struct known *known,
	  struct print_table *table)
{
	struct client_state state;

	flagp_client_state(client, known->name, &state);
	flagp_print_cell(table, MARK_STRONG, "%s", known->name);
	flagp_print_cell(table, state.share != 0 ? MARK_GOOD : MARK_NONE, "%s",
			 state.text);
	flagp_print_cell(table, state.answer.winner == LAYER_TRIP ? MARK_BAD :
			 MARK_NONE, "%s", state.source);
	flagp_print_cell_time(table, state.since);
	flagp_print_cell_time(table, state.answer.until);
	flagp_print_cell(table, MARK_NONE, "%s", known->initial ? "on" :
			 "off");
	if (known->summary[0] == '\0')
		flagp_print_cell_none(table);
	else
		flagp_print_cell(table, MARK_NONE, "%s", known->summary);
}

static void
list_tunable(const struct client *client, const struct known *known,
	     struct print_table *table)
{
	struct client_value value;

	flagp_client_value(client, known->name, &value);
	flagp_print_cell(table, MARK_STRONG, "%s", known->name);
	if (client->conf == NULL)
		flagp_print_cell_none(table);
	else
		flagp_print_cell(table, MARK_NONE, "%s", value.text);
	flagp_print_cell(table, MARK_NONE, "%s", value.source);
	flagp_print_cell(table, MARK_NONE, "%s", known->value);
	if (known->summary[0] == '\0')
		flagp_print_cell_none(table);
	else
		flagp_print_cell(table, MARK_NONE, "%s", known->summary);
}

static void
list_tunables(const struct client *client)
{
	static const struct print_column columns[] = {
		{ "TUNABLE", "tunable" }, { "VALUE", "value" },
		{ "SOURCE", "source" }, { "DEFAULT", "default" },
		{ "SUMMARY", "summary" },
	};
	struct print_table *table;
	size_t count = 0;

	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	for (size_t i = 0; i < client->known_count; i++) {
		const struct known *known = &client->known[i];

		if (!known->tunable || !wanted(client->request, known->name))
			continue;
		if (count++ == 0)
			flagp_print_plain("\n");
		list_tunable(client, known, table);
	}
	flagp_print_table_end(table, "tunables", count > 0);
}

static void
list_flags(const struct client *client)
{
	static const struct print_column columns[] = {
		{ "FLAG", "flag" }, { "STATE", "state" },
		{ "SOURCE", "source" }, { "SINCE", "since" },
		{ "ENDS", "until" }, { NULL, "default" },
		{ "SUMMARY", "summary" },
	};
	struct print_table *table;

	flagp_print_text(NULL, "service", "%s", client->paths.service);
	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	for (size_t i = 0; i < client->known_count; i++)
		if (!client->known[i].tunable &&
		    wanted(client->request, client->known[i].name))
			list_flag(client, &client->known[i], table);
	flagp_print_table_end(table, "flags", true);
	list_tunables(client);
}

/* Says where a process reported another state than the files give. */
static void
warn_of_difference(const struct client *client, const char *name)
{
	const struct proc_flag *flag;
	char call[CLIENT_CALL_SIZE], word[CLIENT_WORD_SIZE];
	struct layers_answer answer;
	struct client_state state;

	flagp_client_state(client, name, &state);
	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life != PROC_LIVE ||
		    entry->head.driver == PROC_DRIVER_NONE)
			continue;
		flag = flagp_client_flag(entry, name);
		flagp_client_ask_process(client, entry, name, &answer);
		if (flag == NULL || flagp_client_agrees(entry, flag,
				state.reported ? state.share :
						 answer.effective))
			continue;
		flagp_print_warn("%s: pid %d (%s) reports %s; %s why %s tells "
				 "more", name, entry->head.pid,
				 entry->head.program,
				 flagp_client_word(flag, word, sizeof(word)),
				 flagp_client_call(client, call, sizeof(call)),
				 name);
		return;
	}
}

/* The same of a tunable: its files may say what no process takes. */
static void
warn_of_value(const struct client *client, const char *name)
{
	char call[CLIENT_CALL_SIZE], has[200];
	struct client_value value;

	flagp_client_value(client, name, &value);
	for (size_t i = 0; i < client->procs.count && value.text[0]; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];
		const struct proc_flag *flag = flagp_client_flag(entry, name);

		if (entry->life != PROC_LIVE || flag == NULL ||
		    flag->tunable == 0 ||
		    strcmp(flag->source, CONF_ENVIRONMENT) == 0 ||
		    flagp_client_has_value(flag, value.text, has, sizeof(has)))
			continue;
		flagp_print_warn("%s: pid %d (%s) reports %s; %s why %s tells "
				 "more", name, entry->head.pid,
				 entry->head.program, has,
				 flagp_client_call(client, call, sizeof(call)),
				 name);
		return;
	}
}

static void
warn_of_differences(const struct client *client)
{
	flagp_client_warn(client);
	for (size_t i = 0; i < client->known_count; i++) {
		const struct known *known = &client->known[i];

		if (!wanted(client->request, known->name))
			continue;
		if (known->tunable)
			warn_of_value(client, known->name);
		else
			warn_of_difference(client, known->name);
	}
}
