/* SPDX-License-Identifier: MIT */
/* see.c - list and get. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "flagctl/client.h"
#include "flagctl/print.h"

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
	struct client_state state;
	const char *name = request->operands[0];
	int code = flagp_client_open_all(&client, request);

	if (code == CODE_DONE && flagp_client_known(&client, name) == NULL)
		code = flagp_client_unknown(&client, name);
	if (code == CODE_DONE) {
		flagp_client_state(&client, name, &state);
		flagp_print_text(NULL, "flag", "%s", name);
		flagp_print_text(NULL, "state", state.on ? "on" : "off");
		flagp_print_text(NULL, "source", "%s", state.source);
		flagp_print_plain("%s\n", state.on ? "on" : "off");
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
		if (wanted(client->request, client->known[i].name))
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
	flagp_print_cell(table, state.on ? MARK_GOOD : MARK_NONE, "%s",
			 state.on ? "on" : "off");
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
		if (wanted(client->request, client->known[i].name))
			list_flag(client, &client->known[i], table);
	flagp_print_table_end(table, "flags", true);
}

/* Says where a process reported another state than the files give. */
static void
warn_of_difference(const struct client *client, const char *name)
{
	struct client_state state;
	const struct proc_flag *flag;
	char call[CLIENT_CALL_SIZE];

	flagp_client_state(client, name, &state);
	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life != PROC_LIVE ||
		    entry->head.driver == PROC_DRIVER_NONE)
			continue;
		flag = flagp_client_flag(entry, name);
		if (flag == NULL || (flag->word & 1u) == state.on)
			continue;
		flagp_print_warn("%s: pid %d (%s) reports %s; %s why %s tells "
				 "more", name, entry->head.pid,
				 entry->head.program,
				 (flag->word & 1u) != 0 ? "on" : "off",
				 flagp_client_call(client, call, sizeof(call)),
				 name);
		return;
	}
}

static void
warn_of_differences(const struct client *client)
{
	flagp_client_warn(client);
	for (size_t i = 0; i < client->known_count; i++)
		if (wanted(client->request, client->known[i].name))
			warn_of_difference(client, client->known[i].name);
}
