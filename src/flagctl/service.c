/* SPDX-License-Identifier: MIT */
/* service.c - status, ps, paths and services. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "flagctl/client.h"
#include "flagctl/families.h"
#include "flagctl/print.h"

static void show_configuration(const struct client *client);
static void show_processes(const struct client *client);
static void show_records(const struct client *client);
static void show_errors(const struct client *client);
static void show_unknown(const struct client *client);
static void show_skipped(const struct client *client);

int
flagp_verb_status(const struct request *request)
{
	struct client client;
	int code = flagp_client_open_all(&client, request);

	if (code == CODE_DONE) {
		flagp_print_text("service", "service", "%s",
				 client.paths.service);
		show_processes(&client);
		show_configuration(&client);
		show_records(&client);
		show_errors(&client);
		show_unknown(&client);
		show_skipped(&client);
	}
	flagp_client_close(&client);
	return code;
}

static void
show_processes(const struct client *client)
{
	size_t count[3] = { 0, 0, 0 }, stale = 0;

	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life == PROC_DEAD)
			continue;
		count[entry->head.driver]++;
		stale += flagp_families_is_stale(entry);
	}
	flagp_print_number(NULL, "processes",
			   (int64_t)flagp_client_living(client));
	flagp_print_number(NULL, "drivers_thread",
			   (int64_t)count[PROC_DRIVER_THREAD]);
	flagp_print_number(NULL, "drivers_loop",
			   (int64_t)count[PROC_DRIVER_LOOP]);
	flagp_print_number(NULL, "drivers_none",
			   (int64_t)count[PROC_DRIVER_NONE]);
	flagp_print_number(NULL, "drivers_stale", (int64_t)stale);
	if (flagp_client_living(client) == 0)
		flagp_print_plain("%-11s %s\n", "processes",
				  "none, it is not running");
	else
		flagp_print_plain("%-11s %zu in %zu families; drivers: %zu "
			"thread, %zu loop, %zu following%s\n", "processes",
			flagp_client_living(client),
			flagp_families_count(&client->procs),
			count[PROC_DRIVER_THREAD], count[PROC_DRIVER_LOOP],
			count[PROC_DRIVER_NONE],
			stale > 0 ? "; some STALE, see ps" : "");
}

/* What a way of watching costs, and what would mend it. */
static const char *
watch_note(const char *watch)
{
	if (strcmp(watch, "poll(EMFILE)") == 0)
		return ": no inotify instance is left, so a saved file is "
		       "found within 2 s; raise "
		       "fs.inotify.max_user_instances, then restart it";
	if (strcmp(watch, "poll(ENOSPC)") == 0)
		return ": no inotify watches are left, so a saved file is "
		       "found within 2 s; raise fs.inotify.max_user_watches";
	if (strcmp(watch, "poll(closed)") == 0)
		return ": the process closed the descriptor, so a saved file "
		       "is found within 2 s; call flag_start() after that";
	if (strncmp(watch, "poll", 4) == 0)
		return ": no inotify to be had, so a saved file is found "
		       "within 2 s";
	return "";
}

static void
show_configuration(const struct client *client)
{
	size_t applied = 0, drivers = 0;
	const char *watch = "-";

	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life == PROC_DEAD ||
		    entry->head.driver == PROC_DRIVER_NONE)
			continue;
		drivers++;
		applied += client->conf != NULL &&
			   entry->head.ack.config == client->conf->digest;
		if (strcmp(watch, "-") == 0 ||
		    strncmp(entry->head.watch, "poll", 4) == 0)
			watch = entry->head.watch;
	}
	flagp_print_text("config", "config", "%s", client->paths.config);
	flagp_print_text("state", "state", "%s", client->paths.state);
	flagp_print_text("run", "run", "%s", client->paths.run);
	flagp_print_text(NULL, "config_digest", "%016llx", client->conf ?
			 (unsigned long long)client->conf->digest : 0);
	flagp_print_number(NULL, "config_files", client->conf != NULL ?
			   client->conf->files : 0);
	flagp_print_number(NULL, "config_applied", (int64_t)applied);
	if (client->conf != NULL)
		flagp_print_plain("%-11s %016llx, %u file%s, applied by %zu "
			"of %zu drivers\n", "digest",
			(unsigned long long)client->conf->digest,
			client->conf->files,
			client->conf->files == 1 ? "" : "s", applied, drivers);
	else
		flagp_print_plain("%-11s %s\n", "digest",
				  "refused, see below");
	flagp_print_text(NULL, "watch", "%s", watch);
	flagp_print_plain("%-11s %s%s\n", "watch", watch, watch_note(watch));
}

static const struct record *
newest(const struct client *client, const char *name)
{
	struct layers_answer answer;

	flagp_client_ask(client, name, &answer);
	return answer.override;
}

static void
show_records(const struct client *client)
{
	bool panic = client->panic[SIDE_STATE].on || client->panic[SIDE_RUN].on;
	size_t on = 0, off = 0, trips = 0;
	struct layers_answer answer;

	for (size_t i = 0; i < client->known_count; i++) {
		const char *name = client->known[i].name;
		const struct record *record = newest(client, name);

		on += record != NULL && record->share != 0;
		off += record != NULL && record->share == 0;
		flagp_client_ask(client, name, &answer);
		trips += answer.trip != NULL;
	}
	flagp_print_number("generation", "generation",
			   (int64_t)flagp_client_generation(client));
	flagp_print_number(NULL, "overrides_on", (int64_t)on);
	flagp_print_number(NULL, "overrides_off", (int64_t)off);
	flagp_print_number(NULL, "trips", (int64_t)trips);
	flagp_print_plain("%-11s %zu on, %zu off\n", "overrides", on, off);
	flagp_print_plain("%-11s %zu\n", "trips", trips);
	flagp_print_bool("panic", "panic", panic);
}

/* Each text that a process reports, once, with the first pid. */
static void
show_process_errors(const struct client *client)
{
	static const struct print_column columns[] = {
		{ "PID", "pid" }, { "REPORTS", "error" },
	};
	struct print_table *table = flagp_print_table(columns, 2);
	const struct proc_entry *entries = client->procs.entries;

	for (size_t i = 0; i < client->procs.count; i++) {
		bool again = false;

		if (entries[i].life == PROC_DEAD ||
		    entries[i].head.error[0] == '\0')
			continue;
		for (size_t k = 0; k < i; k++)
			again |= strcmp(entries[k].head.error,
					entries[i].head.error) == 0;
		if (again && !flagp_print_is_json())
			continue;
		flagp_print_cell_number(table, entries[i].head.pid);
		flagp_print_cell(table, MARK_BAD, "%s", entries[i].head.error);
	}
	flagp_print_table_end(table, "process_errors", false);
}

static void
show_errors(const struct client *client)
{
	char text[1100];

	if (client->conf == NULL) {
		flagp_client_refused(client, &client->conf_error, text,
				     sizeof(text));
		flagp_print_text(NULL, "config_error", "%s", text);
	}
	show_process_errors(client);
	flagp_client_warn(client);
}

/* Flags that files or operators name, and no process has. */
static void
show_unknown(const struct client *client)
{
	static const struct print_column columns[] = {
		{ "FLAG", "flag" }, { "NOTE", "note" },
		{ "NEAREST", "nearest" },
	};
	struct print_table *table = flagp_print_table(columns, 3);
	unsigned here = KNOWN_LIVE, any = 0;

	for (size_t i = 0; i < client->known_count; i++)
		any |= client->known[i].by;
	if ((any & KNOWN_LIVE) == 0)
		here = any & (KNOWN_LIST | KNOWN_LEFT);
	for (size_t i = 0; here != 0 && i < client->known_count; i++) {
		const struct known *known = &client->known[i];
		const char *nearest;

		if ((known->by & here) != 0 ||
		    (known->by & (KNOWN_CONF | KNOWN_RECORD)) == 0)
			continue;
		nearest = flagp_client_nearest(client, known->name, here);
		flagp_print_cell(table, MARK_BAD, "%s", known->name);
		flagp_print_cell(table, MARK_NONE, "unknown here");
		if (nearest != NULL)
			flagp_print_cell(table, MARK_NONE,
					 flagp_print_is_json() ? "%s" :
					 "did you mean %s?", nearest);
		else
			flagp_print_cell_none(table);
	}
	flagp_print_table_end(table, "unknown_here", false);
}

static void
show_skipped(const struct client *client)
{
	static const struct print_column columns[] = {
		{ "SKIPPED", NULL }, { "SECTION", "section" },
		{ "WHERE", "where" },
	};
	struct print_table *table = flagp_print_table(columns, 3);
	const struct conf *conf = client->conf;

	for (size_t i = 0; conf != NULL && i < conf->skipped_count; i++) {
		flagp_print_cell(table, MARK_NONE, "skipped");
		flagp_print_cell(table, MARK_NONE, "[%s]",
				 conf->skipped[i].section);
		flagp_print_cell(table, MARK_NONE, "%s:%u",
				 conf->skipped[i].file, conf->skipped[i].line);
	}
	flagp_print_table_end(table, "skipped", false);
}

/* --- ps ---------------------------------------------------------------- */

static void
ps_note(struct print_table *table, const struct proc_entry *entry)
{
	if (entry->problem[0] != '\0')
		flagp_print_cell(table, MARK_BAD, "%s", entry->problem);
	else if (entry->life == PROC_DEAD)
		flagp_print_cell(table, MARK_NONE, entry->head.clean ?
				 "ended" : "ended without flag_stop");
	else if (entry->life == PROC_UNLOCKED)
		flagp_print_cell(table, MARK_BAD, "lock lost");
	else if (flagp_families_is_stale(entry))
		flagp_print_cell(table, MARK_BAD, "STALE");
	else if (entry->head.error[0] != '\0')
		flagp_print_cell(table, MARK_BAD, "%s", entry->head.error);
	else
		flagp_print_cell_none(table);
}

static void
ps_acks(struct print_table *table, const struct proc_ack *ack)
{
	flagp_print_cell_number(table, (int64_t)ack->overrides_run);
	flagp_print_cell_number(table, (int64_t)ack->overrides_state);
	flagp_print_cell_number(table, (int64_t)ack->trips_run);
	flagp_print_cell_number(table, (int64_t)ack->trips_state);
	flagp_print_cell_number(table, (int64_t)ack->panic);
	flagp_print_cell(table, MARK_NONE, "%016llx",
			 (unsigned long long)ack->config);
}

static void
ps_row(struct print_table *table, const struct proc_entry *entry)
{
	static const char *const drivers[] = { "family", "thread", "loop" };
	static const char *const lives[] = { "live", "unlocked", "dead" };
	const struct proc_head *head = &entry->head;
	int64_t age = flagp_clock_ms() - head->tick_ms;

	flagp_print_cell_number(table, head->pid);
	flagp_print_cell(table, MARK_NONE, "%s", head->program);
	if (head->board == 0)
		flagp_print_cell(table, MARK_NONE, "own");
	else
		flagp_print_cell(table, MARK_NONE, "%llu",
				 (unsigned long long)head->board);
	flagp_print_cell(table, MARK_NONE, "%s", drivers[head->driver]);
	if (head->driver == PROC_DRIVER_NONE)
		flagp_print_cell_none(table);
	else
		flagp_print_cell_span(table, age < 0 ? 0 : age);
	flagp_print_cell_number(table, (int64_t)head->generation);
	ps_acks(table, &head->ack);
	flagp_print_cell(table, MARK_NONE, "%.8s",
			 head->watch[0] != '\0' ? head->watch : "-");
	flagp_print_cell(table, MARK_NONE, "%s", head->version);
	flagp_print_cell_bool(table, head->own_cells);
	flagp_print_cell_time(table, head->started);
	flagp_print_cell(table, MARK_NONE, "%s", lives[entry->life]);
	ps_note(table, entry);
}

int
flagp_verb_ps(const struct request *request)
{
	static const struct print_column columns[] = {
		{ "PID", "pid" }, { "PROGRAM", "program" },
		{ "BOARD", "board" }, { "DRIVER", "driver" },
		{ "TURN", "turn_age_ms" }, { "APPLIED", "generation" },
		{ NULL, "ack_overrides_run" }, { NULL, "ack_overrides_state" },
		{ NULL, "ack_trips_run" }, { NULL, "ack_trips_state" },
		{ NULL, "ack_panic" }, { "CONFIG", "ack_config" },
		{ "WATCH", "watch" }, { NULL, "version" },
		{ NULL, "own_cells" }, { NULL, "started" },
		{ "LIFE", "life" }, { "NOTE", "note" },
	};
	struct print_table *table;
	struct client client;
	int code = flagp_client_open_all(&client, request);

	if (code == CODE_DONE) {
		table = flagp_print_table(columns, FLAGP_COUNT(columns));
		for (size_t i = 0; i < client.procs.count; i++)
			ps_row(table, &client.procs.entries[i]);
		flagp_print_table_end(table, "processes", true);
		flagp_client_warn(&client);
	}
	flagp_client_close(&client);
	return code;
}

/* --- paths and services ------------------------------------------------ */

static const char *
folder_state(const char *path)
{
	if (access(path, R_OK | X_OK) == 0)
		return "there";
	return errno == EACCES ? "closed to you" : "missing";
}

static void
path_row(struct print_table *table, const char *what, const char *path)
{
	flagp_print_cell(table, MARK_NONE, "%s", what);
	flagp_print_cell(table, MARK_NONE, "%s", path);
	flagp_print_cell(table, MARK_NONE, "%s", folder_state(path));
}

int
flagp_verb_paths(const struct request *request)
{
	static const struct print_column columns[] = {
		{ "WHAT", "what" }, { "PATH", "path" }, { "IS", "is" },
	};
	static const char *const kinds[] = { "system", "user", "root" };
	struct print_table *table;
	struct client client;
	int code = flagp_client_open(&client, request, CLIENT_MAY_MISS);

	if (code == CODE_DONE) {
		flagp_print_text(NULL, "service", "%s", client.paths.service);
		flagp_print_text(NULL, "kind", "%s", kinds[client.paths.kind]);
		table = flagp_print_table(columns, FLAGP_COUNT(columns));
		path_row(table, "config", client.paths.config);
		path_row(table, "state", client.paths.state);
		path_row(table, "run", client.paths.run);
		flagp_print_table_end(table, "paths", true);
	}
	flagp_client_close(&client);
	return code;
}

static bool
folder_is_there(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0;
}

static void
service_row(void *data, const struct paths *paths)
{
	struct client client = { .paths = *paths, .places = PLACES_INIT };
	struct print_table *table = data;
	char file[FLAGP_PATH_SIZE + FLAGP_NAME_SIZE + 8];

	flagp_places_open(&client.places, paths, false, NULL);
	flagp_client_scan(&client, false);
	snprintf(file, sizeof(file), "%s/%s.ini", paths->config,
		 paths->service);
	flagp_print_cell(table, MARK_STRONG, "%s", paths->service);
	flagp_print_cell_bool(table, folder_is_there(file));
	flagp_print_cell_bool(table, folder_is_there(paths->state));
	flagp_print_cell_bool(table, folder_is_there(paths->run));
	flagp_print_cell_number(table, (int64_t)flagp_client_living(&client));
	flagp_client_close(&client);
}

int
flagp_verb_services(const struct request *request)
{
	static const struct print_column columns[] = {
		{ "SERVICE", "service" }, { "CONFIG", "config" },
		{ "STATE", "state" }, { "RUN", "run" },
		{ "PROCESSES", "processes" },
	};
	struct print_table *table;

	table = flagp_print_table(columns, FLAGP_COUNT(columns));
	flagp_paths_services(request->root, service_row, table);
	flagp_print_table_end(table, "services", true);
	return CODE_DONE;
}
