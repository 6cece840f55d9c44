/* SPDX-License-Identifier: MIT */
/* known.c - the names of a service's flags, and who knows them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"
#include "flagctl/client.h"
#include "flagctl/print.h"

/* The list that a service leaves in its state directory, one flag a line:
 * NAME 0|1 SUMMARY; of a tunable NAME =TYPE:DEFAULT SUMMARY. */
#define LIST_NAME "flags"
#define LIST_LIMIT (16u << 20)

static struct known nobody;	/* what add() gives for no name */

static struct known *
add(struct client *client, const char *name, unsigned by, bool initial,
    const char *summary)
{
	struct known *grown, *known;

	if (!flagp_text_is_name(name))
		return &nobody;
	if (client->known_count == client->known_room) {
		client->known_room = client->known_room * 2 + 32;
		grown = realloc(client->known,
				client->known_room * sizeof(*grown));
		if (grown == NULL)
			exit(flagp_print_fail(CODE_FAILED, "out of memory"));
		client->known = grown;
	}
	known = &client->known[client->known_count++];
	memset(known, 0, sizeof(*known));
	snprintf(known->name, sizeof(known->name), "%s", name);
	snprintf(known->summary, sizeof(known->summary), "%s", summary);
	known->by = by;
	known->initial = initial;
	return known;
}

/* "=TYPE:DEFAULT". */
static void
set_tunable(struct known *known, const char *word)
{
	unsigned type;
	int at = 0;

	known->tunable = true;
	if (sscanf(word, "=%u:%n", &type, &at) != 1 || at == 0 ||
	    type >= VALUE_TYPES)
		return;
	known->typed = true;
	known->type = (enum value_type)type;
	/* A text that is too long is not known; its type is. */
	if (!flagp_text_unescape(word + at, known->value,
				 sizeof(known->value)))
		known->value[0] = '\0';
}

static void
add_listed_line(struct client *client, char *line)
{
	char *name = strsep(&line, " "), *initial;
	struct known *known;

	if (line == NULL)
		return;
	initial = strsep(&line, " ");
	known = add(client, name, KNOWN_LIST, strcmp(initial, "1") == 0,
		    line != NULL ? line : "");
	if (initial[0] == '=')
		set_tunable(known, initial);
}

static void
add_listed(struct client *client)
{
	struct text text = TEXT_INIT;
	char *line, *rest;

	if (client->places.state < 0)
		return;
	if (flagp_io_read(client->places.state, LIST_NAME, LIST_LIMIT, &text,
			  NULL) == 0) {
		rest = text.data;
		while ((line = strsep(&rest, "\n")) != NULL)
			add_listed_line(client, line);
	}
	flagp_text_free(&text);
}

static void
add_records(struct client *client, const struct record_file *file)
{
	for (size_t i = 0; i < file->count; i++)
		if (!file->records[i].removed)
			add(client, file->records[i].flag, KNOWN_RECORD, false,
			    "");
}

static void
add_line(struct client *client, const struct proc_flag *flag, unsigned by)
{
	struct known *known = add(client, flag->name, by, flag->initial, "");

	if (flag->tunable == 0)
		return;
	known->tunable = known->typed = true;
	known->type = PROC_TUNABLE_TYPE(flag->tunable);
}

static void
add_conf(struct client *client)
{
	for (size_t i = 0; i < client->conf->count; i++) {
		const struct conf_value *value = &client->conf->values[i];

		add(client, value->flag, KNOWN_CONF, false, "")->tunable =
			value->text != NULL;
	}
}

static void
add_processes(struct client *client)
{
	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];
		unsigned by = entry->life == PROC_DEAD ? KNOWN_LEFT
						       : KNOWN_LIVE;

		for (uint32_t k = 0; entry->flags != NULL &&
		     k < entry->head.flags; k++)
			add_line(client, &entry->flags[k], by);
	}
}

static int
by_name(const void *left, const void *right)
{
	const struct known *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* Makes one of two with the same name.  A live process knows the compiled
 * default best, then one that left, then the list. */
static void
merge(struct known *into, const struct known *from)
{
	const unsigned telling = KNOWN_LIST | KNOWN_LEFT | KNOWN_LIVE;

	if ((from->by & telling) > (into->by & telling))
		into->initial = from->initial;
	/* What a file takes it for counts where no process said. */
	if (((from->by & telling) == 0) == ((into->by & telling) == 0))
		into->tunable = into->tunable || from->tunable;
	else if ((from->by & telling) != 0)
		into->tunable = from->tunable;
	if (into->summary[0] == '\0')
		memcpy(into->summary, from->summary, sizeof(into->summary));
	into->by |= from->by;
	if (from->typed && !into->typed) {
		into->typed = true;
		into->type = from->type;
	}
	if (into->value[0] == '\0')
		memcpy(into->value, from->value, sizeof(into->value));
}

void
flagp_client_names(struct client *client)
{
	size_t kept = 0;

	client->known_count = 0;
	add_listed(client);
	if (client->conf != NULL)
		add_conf(client);
	for (int i = 0; i < SIDE_COUNT; i++) {
		add_records(client, &client->overrides[i]);
		add_records(client, &client->trips[i]);
	}
	add_processes(client);
	if (client->known_count == 0)
		return;
	qsort(client->known, client->known_count, sizeof(*client->known),
	      by_name);
	for (size_t i = 1; i < client->known_count; i++) {
		if (by_name(&client->known[kept], &client->known[i]) == 0)
			merge(&client->known[kept], &client->known[i]);
		else
			client->known[++kept] = client->known[i];
	}
	client->known_count = kept + 1;
}

const struct known *
flagp_client_known(const struct client *client, const char *name)
{
	struct known key;

	if (client->known_count == 0 || strlen(name) > FLAGP_NAME_MAX)
		return NULL;
	snprintf(key.name, sizeof(key.name), "%s", name);
	return bsearch(&key, client->known, client->known_count,
		       sizeof(*client->known), by_name);
}

const char *
flagp_client_nearest(const struct client *client, const char *name,
		     unsigned by)
{
	const char **names = calloc(client->known_count + 1, sizeof(*names));
	const char *nearest;
	size_t count = 0;

	if (names == NULL)
		return NULL;
	for (size_t i = 0; i < client->known_count; i++)
		if ((client->known[i].by & by) != 0 &&
		    strcmp(client->known[i].name, name) != 0)
			names[count++] = client->known[i].name;
	nearest = flagp_text_nearest(name, names, count);
	free(names);
	return nearest;
}

int
flagp_client_unknown(const struct client *client, const char *name)
{
	const char *nearest = flagp_client_nearest(client, name, ~0u);

	if (nearest != NULL)
		return flagp_print_fail(CODE_UNKNOWN,
			"no such flag: %.60s; did you mean %s? (of %s; "
			"flagctl list shows all)", name, nearest,
			client->paths.service);
	return flagp_print_fail(CODE_UNKNOWN,
		"no such flag: %.60s; %s has %zu flags, flagctl list shows "
		"them", name, client->paths.service, client->known_count);
}

int
flagp_client_tunable(const struct client *client, const char *name)
{
	return flagp_print_fail(CODE_USAGE,
		"%s is a tunable, not a flag; change it in %s/%s.ini: section "
		"[%s], value = ...", name, client->paths.config,
		client->paths.service, name);
}

void
flagp_client_value(const struct client *client, const char *name,
		   struct client_value *value)
{
	const struct known *known = flagp_client_known(client, name);
	const struct conf_value *given = client->conf == NULL ? NULL :
		flagp_conf_last(client->conf, name);

	if (given != NULL && given->text != NULL) {
		snprintf(value->text, sizeof(value->text), "%s", given->text);
		snprintf(value->source, sizeof(value->source), "%s:%u",
			 given->file, given->line);
		return;
	}
	snprintf(value->text, sizeof(value->text), "%s", known != NULL &&
		 client->conf != NULL ? known->value : "");
	snprintf(value->source, sizeof(value->source), "%s",
		 client->conf != NULL ? "default" : "files refused");
}

bool
flagp_client_has_value(const struct proc_flag *flag, const char *value,
		       char *text, size_t size)
{
	struct value_limits limits =
		flagp_value_limits(PROC_TUNABLE_TYPE(flag->tunable));
	uint64_t mark = (uint64_t)flag->threshold << 32 | flag->word;
	struct value has = { limits.type, { .size = mark }, NULL }, wanted;

	if (flagp_value_parse(&wanted, &limits, value, strlen(value), NULL) ==
	    0 && flagp_value_mark(&wanted) == mark) {
		snprintf(text, size, "%s", value);
		return true;
	}
	if (limits.type == VALUE_STRING) {
		snprintf(text, size, "another text (only its hash is known)");
		return false;
	}
	if (limits.type == VALUE_BOOL)
		has.number.on = mark != 0;
	flagp_value_format(&has, text, size);
	return false;
}
