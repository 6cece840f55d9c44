/* SPDX-License-Identifier: MIT */
/* events.c - see events.h. */
#include "core/events.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

#define LISTENERS 16

struct listener {
	flag_listen_fn *function;
	void *data;
};

struct note {
	struct note *next;
	struct registry_entry *entry;
	enum flag_event_kind kind;
	uint32_t before, after;
	bool trip;
	uint64_t generation;
	char source[96];
};

/* In order: last points to the last next. */
struct notes {
	struct note *first, **last;
};

/* W, R under LOCK_LISTENERS. */
static struct listener listeners[LISTENERS];
static size_t listener_count;
static struct notes kept = { NULL, &kept.first };
static bool delivering;

/* W, R under LOCK_CHANGE.  anybody: there were listeners at the begin. */
static struct notes noted = { NULL, &noted.first };
static bool anybody;

static void
free_notes(struct note *note)
{
	while (note != NULL) {
		struct note *next = note->next;

		free(note);
		note = next;
	}
}

void
flagp_events_begin(void)
{
	free_notes(noted.first);
	noted.first = NULL;
	noted.last = &noted.first;
	flagp_lock(LOCK_LISTENERS);
	anybody = listener_count != 0;
	flagp_unlock(LOCK_LISTENERS);
}

void
flagp_events_note(struct registry_entry *entry, uint32_t share, bool trip,
		  const struct layers_answer *answer)
{
	struct note *note;

	if (entry->told == share && entry->told_trip == trip)
		return;
	/* What a flag was at first is no news; and where nobody listens, a
	 * reload of many flags makes no notes. */
	if (entry->told == FLAGP_SHARE_NONE || !anybody) {
		entry->told = share;
		entry->told_trip = trip;
		return;
	}
	note = calloc(1, sizeof(*note));
	if (note == NULL)
		return;		/* noted again by the next change */
	note->entry = entry;
	note->before = entry->told;
	note->after = share;
	note->trip = trip;
	note->kind = trip == entry->told_trip ? FLAG_CHANGED :
		     trip ? FLAG_TRIPPED : FLAG_UNTRIPPED;
	if (answer == NULL) {
		strcpy(note->source, "test");
	} else if (trip && answer->trip == NULL) {
		strcpy(note->source, "trip");	/* not yet on disk */
	} else {
		note->generation = answer->generation;
		flagp_layers_source(answer, note->source,
				    sizeof(note->source));
	}
	*noted.last = note;
	noted.last = &note->next;
}

void
flagp_events_keep(void)
{
	for (struct note *note = noted.first; note != NULL; note = note->next) {
		note->entry->told = note->after;
		note->entry->told_trip = note->trip;
	}
	if (noted.first == NULL)
		return;
	flagp_lock(LOCK_LISTENERS);
	*kept.last = noted.first;
	kept.last = noted.last;
	flagp_unlock(LOCK_LISTENERS);
	noted.first = NULL;
	noted.last = &noted.first;
}

/* The index of a pair, or listener_count.  LOCK_LISTENERS is held. */
static size_t
find(flag_listen_fn *function, const void *data)
{
	size_t i = 0;

	while (i < listener_count && (listeners[i].function != function ||
				      listeners[i].data != data))
		i++;
	return i;
}

/* Whether it was not taken back since, by one that was told before it. */
static bool
still_listens(const struct listener *listener)
{
	bool listens;

	flagp_lock(LOCK_LISTENERS);
	listens = find(listener->function, listener->data) < listener_count;
	flagp_unlock(LOCK_LISTENERS);
	return listens;
}

/* Calls each listener; the list is copied, for one may change it. */
static void
tell(const struct flag_event *event)
{
	struct listener copy[LISTENERS];
	size_t count;

	flagp_lock(LOCK_LISTENERS);
	count = listener_count;
	memcpy(copy, listeners, count * sizeof(*copy));
	flagp_unlock(LOCK_LISTENERS);
	for (size_t i = 0; i < count; i++)
		if (still_listens(&copy[i]))
			copy[i].function(copy[i].data, event);
}

static void
tell_note(const struct note *note)
{
	struct flag_event event = {
		.size = sizeof(event),
		.kind = note->kind,
		.flag = note->entry->cell,
		.name = note->entry->name,
		.text = note->source,
		.before = note->before,
		.after = note->after,
		.generation = note->generation,
	};

	tell(&event);
}

/* The next one, or NULL: then this thread no longer delivers.  begin: it does
 * not yet, and shall not if another one does. */
static struct note *
take_note(bool begin)
{
	struct note *note;

	flagp_lock(LOCK_LISTENERS);
	note = begin && delivering ? NULL : kept.first;
	if (!begin || !delivering)
		delivering = note != NULL;
	if (note != NULL) {
		kept.first = note->next;
		if (kept.first == NULL)
			kept.last = &kept.first;
	}
	flagp_unlock(LOCK_LISTENERS);
	return note;
}

void
flagp_events_deliver(void)
{
	struct note *note = take_note(true);

	for (; note != NULL; note = take_note(false)) {
		tell_note(note);
		free(note);
	}
}

void
flagp_events_forked(void)
{
	delivering = false;
}

void
flagp_events_refused(const char *text)
{
	struct flag_event event = {
		.size = sizeof(event),
		.kind = FLAG_RELOAD_FAILED,
		.name = "",
		.text = text,
		.before = FLAGP_SHARE_NONE,
		.after = FLAGP_SHARE_NONE,
	};

	tell(&event);
}

int
flag_listen(flag_listen_fn *function, void *data)
{
	int result = 0;
	size_t at;

	if (function == NULL)
		return -FLAG_EINVAL;
	flagp_lock(LOCK_LISTENERS);
	at = find(function, data);
	if (at == LISTENERS)
		result = -FLAG_ENOMEM;
	else if (at == listener_count)
		listeners[listener_count++] = (struct listener){ function,
								 data };
	flagp_unlock(LOCK_LISTENERS);
	return result;
}

int
flag_unlisten(flag_listen_fn *function, void *data)
{
	int result = -FLAG_ENOENT;
	size_t at;

	flagp_lock(LOCK_LISTENERS);
	at = find(function, data);
	if (at < listener_count) {
		listener_count--;
		memmove(&listeners[at], &listeners[at + 1],
			(listener_count - at) * sizeof(*listeners));
		result = 0;
	}
	flagp_unlock(LOCK_LISTENERS);
	return result;
}
