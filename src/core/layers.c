/* SPDX-License-Identifier: MIT */
/* layers.c - what a flag should be, and why. */
#include "core/layers.h"

#include <stdio.h>
#include <string.h>

#include "mechanism/bucket.h"

static void
ask_panic(struct layers_answer *answer, const struct layers_files *files)
{
	for (int i = 0; i < 2; i++) {
		const struct record_panic *panic = files->panic[i];

		if (panic == NULL || !panic->on)
			continue;
		if (answer->panic == NULL ||
		    panic->generation > answer->panic->generation)
			answer->panic = panic;
	}
	if (answer->panic != NULL)
		answer->share[LAYER_PANIC] = 0;
}

static const struct record *
newest_of(const struct record_file *const pair[2], const char *flag)
{
	const struct record *found[2] = { NULL, NULL };

	for (int i = 0; i < 2; i++)
		if (pair[i] != NULL && pair[i]->count > 0)
			found[i] = flagp_record_get(pair[i], flag);
	return flagp_record_newest(found[0], found[1]);
}

static void
ask_operator(struct layers_answer *answer, const struct layers_files *files,
	     const char *flag)
{
	const struct record *record = newest_of(files->overrides, flag);

	if (record == NULL)
		return;
	if (flagp_record_ended(record, files->wall, files->boot)) {
		answer->ended = record;
		return;
	}
	answer->override = record;
	answer->share[record->share == 0 ? LAYER_OFF : LAYER_ON] =
		record->share;
}

static void
ask_conf(struct layers_answer *answer, const struct conf *conf, size_t guess,
	 const char *flag)
{
	const struct conf_value *value, *end;

	if (conf == NULL)
		return;
	value = flagp_conf_first_at(conf, guess, flag);
	if (value == NULL)
		return;
	answer->first = (size_t)(value - conf->values);
	end = conf->values + conf->count;
	do {
		if (value->dropin)
			answer->dropin = value;
		else
			answer->main = value;
		value++;
	} while (value < end && value->again);
	if (answer->dropin != NULL)
		answer->share[LAYER_DROPIN] = answer->dropin->share;
	if (answer->main != NULL)
		answer->share[LAYER_MAIN] = answer->main->share;
}

static void
ask_environment(struct layers_answer *answer, const struct conf *environment,
		const char *flag)
{
	if (environment == NULL)
		return;
	answer->environment = flagp_conf_last(environment, flag);
	if (answer->environment != NULL)
		answer->share[LAYER_ENVIRONMENT] = answer->environment->share;
}

static uint32_t
first_share(const struct layers_answer *answer, enum layer from,
	    enum layer *winner)
{
	enum layer layer = from;

	while (answer->share[layer] == FLAGP_SHARE_NONE)
		layer++;
	*winner = layer;
	return answer->share[layer];
}

/* An end may reveal an equal or a lower share, never a greater one: what is
 * below has risen above the override since, which so lowers it, and what
 * lowers lasts. */
static void
keep_lower(struct layers_answer *answer)
{
	const struct record *ended = answer->ended;
	enum layer ignored;

	if (ended == NULL || ended->share >=
			     first_share(answer, LAYER_ENVIRONMENT, &ignored))
		return;
	answer->override = ended;
	answer->ended = NULL;
	answer->share[ended->share == 0 ? LAYER_OFF : LAYER_ON] = ended->share;
}

void
flagp_layers_ask(struct layers_answer *answer,
		 const struct layers_files *files, const char *flag,
		 uint32_t initial)
{
	enum layer ignored;

	memset(answer, 0, sizeof(*answer));
	for (int i = 0; i < LAYER_COUNT; i++)
		answer->share[i] = FLAGP_SHARE_NONE;
	answer->share[LAYER_DEFAULT] = initial;

	ask_panic(answer, files);
	ask_operator(answer, files, flag);
	answer->trip = newest_of(files->trips, flag);
	if (answer->trip != NULL)
		answer->share[LAYER_TRIP] = 0;
	ask_environment(answer, files->environment, flag);
	ask_conf(answer, files->conf, files->guess, flag);

	answer->configured = first_share(answer, LAYER_DROPIN, &ignored);
	keep_lower(answer);
	answer->effective = first_share(answer, LAYER_PANIC, &answer->winner);
	switch (answer->winner) {
	case LAYER_PANIC:
		answer->generation = answer->panic->generation;
		break;
	case LAYER_TRIP:
		answer->generation = answer->trip->generation;
		break;
	case LAYER_OFF:
	case LAYER_ON:
		answer->generation = answer->override->generation;
		break;
	default:
		break;
	}
	if (answer->override != NULL &&
	    !flagp_record_ended(answer->override, files->wall, files->boot))
		answer->until = answer->override->until;
}

bool
flagp_layers_takes(const char *flag, uint32_t share, const char *instance)
{
	struct bucket_prefix prefix;

	if (share == 0 || share >= FLAGP_SHARE_ALL)
		return share != 0;
	flagp_bucket_prefix(&prefix, flag, strlen(flag));
	return flagp_bucket_takes(flagp_bucket_threshold(share),
				  flagp_bucket_hash(&prefix, instance,
						    strlen(instance)));
}

const char *
flagp_layers_name(enum layer layer)
{
	static const char *const names[LAYER_COUNT] = {
		[LAYER_PANIC] = "panic",
		[LAYER_OFF] = "off",
		[LAYER_TRIP] = "trip",
		[LAYER_ON] = "on",
		[LAYER_ENVIRONMENT] = "environment",
		[LAYER_DROPIN] = "drop-in",
		[LAYER_MAIN] = "main file",
		[LAYER_DEFAULT] = "default",
	};

	return names[layer];
}

/* "file:line", cut where it does not fit.  A process writes one for each of
 * its flags at every reload: printf would be a good part of that. */
static void
write_place(const struct conf_value *value, char *buffer, size_t size)
{
	char digits[16], *at = digits + sizeof(digits), *end;
	unsigned number = value->line;

	*--at = '\0';
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	*--at = ':';
	end = memccpy(buffer, value->file, '\0', size);
	if (end != NULL) {
		end--;
		end = memccpy(end, at, '\0', size - (size_t)(end - buffer));
	}
	if (end == NULL && size > 0)
		buffer[size - 1] = '\0';
}

void
flagp_layers_source(const struct layers_answer *answer, char *buffer,
		    size_t size)
{
	const struct conf_value *value;

	switch (answer->winner) {
	case LAYER_PANIC:
	case LAYER_TRIP:
		snprintf(buffer, size, "%s", flagp_layers_name(answer->winner));
		break;
	case LAYER_OFF:
	case LAYER_ON:
		snprintf(buffer, size, "%s by %s",
			 flagp_layers_name(answer->winner),
			 answer->override->author.user);
		break;
	case LAYER_ENVIRONMENT:
		snprintf(buffer, size, "%s", answer->environment->file);
		break;
	case LAYER_DROPIN:
	case LAYER_MAIN:
		value = answer->winner == LAYER_MAIN ? answer->main :
						       answer->dropin;
		write_place(value, buffer, size);
		break;
	default:
		snprintf(buffer, size, "default");
		break;
	}
}

int64_t
flagp_layers_next_end(const struct layers_files *files)
{
	int64_t next = 0;

	for (int i = 0; i < 2; i++) {
		const struct record_file *file = files->overrides[i];

		for (size_t k = 0; file != NULL && k < file->count; k++) {
			const struct record *record = &file->records[k];

			if (record->removed || record->until <= files->wall)
				continue;
			if (next == 0 || record->until < next)
				next = record->until;
		}
	}
	return next;
}

const char *
flagp_layers_share(uint32_t share, char *buffer, size_t size)
{
	unsigned whole = share / 1000, part = share % 1000;
	int length;

	if (share == 0)
		return "off";
	if (share == FLAGP_SHARE_ALL)
		return "on";
	if (share == FLAGP_SHARE_NONE)
		return "-";
	length = snprintf(buffer, size, "%u.%03u", whole, part);
	while (length > 0 && buffer[length - 1] == '0')
		length--;
	if (length > 0 && buffer[length - 1] == '.')
		length--;
	snprintf(buffer + length, size - (size_t)length, "%%");
	return buffer;
}
