/* SPDX-License-Identifier: MIT */
/*
 * fuzz_list.c - the list of flags that a service leaves in its state
 * directory, as flagctl reads it: flagp_client_names().
 *
 * The input is the file.  Each name that comes out is one, stands in the file
 * at a line's begin, and comes once, in order; each line that begins with a
 * name and a word is among them, and a tunable where that word says so.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flagctl/client.h"
#include "flagctl/print.h"

/* Only for what flagctl prints where memory is out, or a name unknown. */
int
flagp_print_fail(enum exit_code code, const char *format, ...)
{
	(void)code;
	fuzz_fail(__FILE__, __LINE__, format);
}

/* The name that a line of the list begins with, if it counts. */
static bool
read_name(const char *line, size_t length, char name[FLAGP_NAME_SIZE])
{
	const char *blank = memchr(line, ' ', length);

	if (blank == NULL || blank - line > FLAGP_NAME_MAX)
		return false;
	memcpy(name, line, (size_t)(blank - line));
	name[blank - line] = '\0';
	return flagp_text_is_name(name);
}

/* Each line is known; a NUL ends the file.  Returns how many there are. */
static size_t
check_lines(const struct client *client, const char *data, size_t size)
{
	const char *nul = size == 0 ? NULL : memchr(data, '\0', size);
	const char *end = nul == NULL ? data + size : nul;
	char name[FLAGP_NAME_SIZE];
	size_t count = 0;

	while (data < end) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		const char *stop = newline == NULL ? end : newline;

		if (read_name(data, (size_t)(stop - data), name)) {
			const struct known *known =
				flagp_client_known(client, name);

			FUZZ_CHECK(known != NULL);
			FUZZ_CHECK(data + strlen(name) + 1 == stop ||
				   data[strlen(name) + 1] != '=' ||
				   known->tunable);
			count++;
		}
		data = newline == NULL ? end : newline + 1;
	}
	return count;
}

static void
check_known(const struct client *client, const struct known *known)
{
	FUZZ_CHECK(memchr(known->name, '\0', sizeof(known->name)) != NULL);
	FUZZ_CHECK(flagp_text_is_name(known->name));
	FUZZ_CHECK(memchr(known->summary, '\0', sizeof(known->summary)));
	FUZZ_CHECK(strchr(known->summary, '\n') == NULL);
	FUZZ_CHECK(known->by == KNOWN_LIST);
	FUZZ_CHECK(memchr(known->value, '\0', sizeof(known->value)) != NULL);
	FUZZ_CHECK(!known->typed ||
		   (known->tunable && known->type < VALUE_TYPES));
	FUZZ_CHECK(known->typed || known->value[0] == '\0');
	FUZZ_CHECK(known == client->known ||
		   strcmp(known[-1].name, known->name) < 0);
	FUZZ_CHECK(flagp_client_known(client, known->name) == known);
}

bool
fuzz_list(const uint8_t *data, size_t size)
{
	struct client client = { .places = PLACES_INIT };
	const char *nearest;
	bool accepted;

	fuzz_put("flags", data, size);
	client.places.state = fuzz_folder();
	flagp_client_names(&client);
	for (size_t i = 0; i < client.known_count; i++)
		check_known(&client, &client.known[i]);
	FUZZ_CHECK(check_lines(&client, (const char *)data, size) >=
		   client.known_count);
	FUZZ_CHECK(flagp_client_known(&client, "no.such.flag/") == NULL);
	FUZZ_CHECK(client.known_count > 0 ||
		   flagp_client_known(&client, "a") == NULL);
	nearest = flagp_client_nearest(&client, "fast_crc", KNOWN_LIST);
	FUZZ_CHECK(nearest == NULL ||
		   flagp_client_known(&client, nearest) != NULL);
	accepted = client.known_count > 0;
	/* Without a state directory nobody left a list. */
	client.places.state = -1;
	flagp_client_names(&client);
	FUZZ_CHECK(client.known_count == 0);
	free(client.known);
	return accepted;
}

FUZZ_TARGET(fuzz_list)
