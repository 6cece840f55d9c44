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
 * NAME 0|1 SUMMARY. */
#define LIST_NAME "flags"
#define LIST_LIMIT (16u << 20)

static void
add(struct client *client, const char *name, unsigned by, bool initial,
    const char *summary)
{
	struct known *grown, *known;

	if (!flagp_text_is_name(name))
		return;
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
}

static void
add_listed_line(struct client *client, char *line)
{
	char *name = strsep(&line, " "), *initial;

	if (line == NULL)
		return;
	initial = strsep(&line, " ");
	add(client, name, KNOWN_LIST, strcmp(initial, "1") == 0,
	    line != NULL ? line : "");
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
add_processes(struct client *client)
{
	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];
		unsigned by = entry->life == PROC_DEAD ? KNOWN_LEFT
						       : KNOWN_LIVE;

		for (uint32_t k = 0; entry->flags != NULL &&
		     k < entry->head.flags; k++)
			add(client, entry->flags[k].name, by,
			    entry->flags[k].initial, "");
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
	if (into->summary[0] == '\0')
		memcpy(into->summary, from->summary, sizeof(into->summary));
	into->by |= from->by;
}

void
flagp_client_names(struct client *client)
{
	size_t kept = 0;

	client->known_count = 0;
	add_listed(client);
	for (size_t i = 0; client->conf != NULL && i < client->conf->count; i++)
		add(client, client->conf->values[i].flag, KNOWN_CONF, false,
		    "");
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
