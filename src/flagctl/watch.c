/* SPDX-License-Identifier: MIT */
/* watch.c - a line for each change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "flagctl/client.h"
#include "flagctl/print.h"
#include "flagctl/wait.h"

#define POLL_MS 250
#define HEARTBEAT_MS 10000

/* What was last said of a flag. */
struct seen_flag {
	char name[FLAGP_NAME_SIZE];
	char source[80], text[16];
};

struct seen_process {
	int pid;
	uint64_t start;
	char program[64];
};

struct seen {
	struct seen_flag *flags;	/* sorted by name */
	size_t flag_count;
	struct seen_process *processes;
	size_t process_count;
	char error[1100];		/* of the configuration */
	bool panic;
	int64_t said_ms;		/* when a line was last printed */
};

static void
now_text(char *buffer, size_t size)
{
	flagp_clock_format(flagp_clock_wall(), buffer, size);
}

static void
say_flag(const struct known *known, const char *before,
	 const struct client_state *state)
{
	char now[24], generation[24];

	now_text(now, sizeof(now));
	snprintf(generation, sizeof(generation), "%llu",
		 (unsigned long long)state->answer.generation);
	if (flagp_print_is_json())
		flagp_print_line("at", now, "event", "flag", "flag",
				 known->name, "before", before, "after",
				 state->text, "source", state->source,
				 "#generation", generation, NULL);
	else
		flagp_print_plain("%s  %s  %s -> %s  %s\n", now, known->name,
				  before, state->text, state->source);
}

static void
say_process(const struct seen_process *process, const char *what)
{
	char now[24], pid[16];

	now_text(now, sizeof(now));
	snprintf(pid, sizeof(pid), "%d", process->pid);
	if (flagp_print_is_json())
		flagp_print_line("at", now, "event", "process", "#pid", pid,
				 "program", process->program, "is", what,
				 NULL);
	else
		flagp_print_plain("%s  pid %d (%s)  %s\n", now, process->pid,
				  process->program, what);
}

static void
say_text(const char *event, const char *text)
{
	char now[24];

	now_text(now, sizeof(now));
	if (flagp_print_is_json())
		flagp_print_line("at", now, "event", event, "text", text,
				 NULL);
	else
		flagp_print_plain("%s  %s  %s\n", now, event, text);
}

static const struct seen_flag *
find_seen(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->flag_count; i++)
		if (strcmp(seen->flags[i].name, name) == 0)
			return &seen->flags[i];
	return NULL;
}

/* Says what changed since seen and replaces it.  Returns lines said. */
static size_t
compare_flags(const struct client *client, struct seen *seen, bool first)
{
	struct seen_flag *flags;
	size_t said = 0;

	flags = calloc(client->known_count + 1, sizeof(*flags));
	if (flags == NULL)
		return 0;
	for (size_t i = 0; i < client->known_count; i++) {
		const struct known *known = &client->known[i];
		const struct seen_flag *old = find_seen(seen, known->name);
		struct client_state state;

		flagp_client_state(client, known->name, &state);
		snprintf(flags[i].name, sizeof(flags[i].name), "%s",
			 known->name);
		memcpy(flags[i].source, state.source, sizeof(state.source));
		memcpy(flags[i].text, state.text, sizeof(state.text));
		if (first || (old != NULL &&
			      strcmp(old->text, state.text) == 0 &&
			      strcmp(old->source, state.source) == 0))
			continue;
		say_flag(known, old != NULL ? old->text :
			 known->initial ? "on" : "off", &state);
		said++;
	}
	free(seen->flags);
	seen->flags = flags;
	seen->flag_count = client->known_count;
	return said;
}

static bool
is_among(const struct seen_process *process, const struct seen_process *list,
	 size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].pid == process->pid &&
		    list[i].start == process->start)
			return true;
	return false;
}

static size_t
compare_processes(const struct client *client, struct seen *seen, bool first)
{
	struct seen_process *now;
	size_t count = 0, said = 0;

	now = calloc(client->procs.count + 1, sizeof(*now));
	if (now == NULL)
		return 0;
	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life == PROC_DEAD)
			continue;
		now[count].pid = entry->head.pid;
		now[count].start = entry->head.start;
		memcpy(now[count++].program, entry->head.program,
		       sizeof(now->program));
	}
	for (size_t i = 0; i < count && !first; i++)
		if (!is_among(&now[i], seen->processes, seen->process_count)) {
			say_process(&now[i], "began");
			said++;
		}
	for (size_t i = 0; i < seen->process_count; i++)
		if (!is_among(&seen->processes[i], now, count)) {
			say_process(&seen->processes[i], "ended");
			said++;
		}
	free(seen->processes);
	seen->processes = now;
	seen->process_count = count;
	return said;
}

static size_t
compare_rest(const struct client *client, struct seen *seen)
{
	bool panic = client->panic[SIDE_STATE].on || client->panic[SIDE_RUN].on;
	char error[1100] = "";
	size_t said = 0;

	if (client->conf == NULL)
		flagp_client_refused(client, &client->conf_error, error,
				     sizeof(error));
	if (strcmp(error, seen->error) != 0) {
		say_text("config", error[0] != '\0' ? error : "in order");
		memcpy(seen->error, error, sizeof(error));
		said++;
	}
	if (panic != seen->panic) {
		say_text("panic", panic ? "every flag is off" : "ended");
		seen->panic = panic;
		said++;
	}
	return said;
}

static void
refresh(struct client *client)
{
	uint64_t signature;

	signature = flagp_conf_signature(client->places.config,
					 client->paths.service);
	if (client->conf == NULL || client->conf->signature != signature)
		flagp_client_conf(client);
	flagp_client_records(client);
	flagp_client_scan(client, true);
	flagp_client_names(client);
}

static void
turn(struct client *client, struct seen *seen, bool first)
{
	int64_t now = flagp_clock_ms();
	size_t said;
	char text[64];

	said = compare_rest(client, seen);
	said += compare_flags(client, seen, first);
	said += compare_processes(client, seen, first);
	if (first || now - seen->said_ms >= HEARTBEAT_MS) {
		snprintf(text, sizeof(text), "%zu processes, %zu flags",
			 seen->process_count, seen->flag_count);
		say_text(first ? "begin" : "heartbeat", text);
		said++;
	}
	if (said == 0)
		return;
	seen->said_ms = now;
	fflush(stdout);
}

static void
watch(struct client *client)
{
	int64_t ms = client->request->for_ms;
	struct seen seen = { .flags = NULL };
	struct wait wait;
	bool first = true;

	flagp_wait_begin(&wait, ms > 0 ? ms : -1, POLL_MS);
	flagp_wait_watch(&wait, client->places.config);
	flagp_wait_watch(&wait, client->places.state_live);
	flagp_wait_watch(&wait, client->places.run_live);
	flagp_wait_catch();
	do {
		refresh(client);
		turn(client, &seen, first);
		first = false;
	} while (seen.process_count > 0 && flagp_wait_next(&wait));
	say_text("end", seen.process_count == 0 ? "the last process ended" :
		 flagp_wait_interrupted() ? "interrupted" : "time is over");
	flagp_wait_end(&wait);
	free(seen.flags);
	free(seen.processes);
}

int
flagp_verb_watch(const struct request *request)
{
	struct client client;
	int code;

	flagp_print_one_line();
	code = flagp_client_open_all(&client, request);
	if (code == CODE_DONE && flagp_client_living(&client) == 0)
		code = flagp_print_fail(CODE_UNKNOWN, "%s is not running: no "
					"process is registered in %s/proc",
					client.paths.service,
					client.paths.run);
	else if (code == CODE_DONE)
		watch(&client);
	flagp_client_close(&client);
	return code;
}
