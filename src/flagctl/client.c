/* SPDX-License-Identifier: MIT */
/* client.c - finds a service, opens its folders, reads its files. */
#include "flagctl/client.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "flagctl/print.h"
#include "mechanism/bucket.h"

/* A number that a damaged file may claim without being taken for damage. */
#define GENERATION_BELIEVED (1ull << 40)

static int choose_service(const struct request *request, char *name);
static int must_exist(const struct client *client);
static int may_look(const struct client *client);

int
flagp_client_open(struct client *client, const struct request *request,
		  enum client_need need)
{
	struct flag_error error = { 0 };
	char name[FLAGP_NAME_SIZE];
	int code;

	memset(client, 0, sizeof(*client));
	client->places = (struct places)PLACES_INIT;
	client->request = request;
	code = choose_service(request, name);
	if (code != CODE_DONE)
		return code;
	if (flagp_paths_find(&client->paths, name, request->root, &error) != 0)
		return flagp_print_fail(CODE_USAGE, "%s", error.text);
	if (need == CLIENT_MAY_MISS)
		return CODE_DONE;
	code = must_exist(client);
	if (code != CODE_DONE)
		return code;
	flagp_places_open(&client->places, &client->paths, false, NULL);
	return may_look(client);
}

int
flagp_client_open_all(struct client *client, const struct request *request)
{
	int code = flagp_client_open(client, request, CLIENT_MUST_EXIST);

	if (code != CODE_DONE)
		return code;
	flagp_client_conf(client);
	flagp_client_records(client);
	flagp_client_scan(client, true);
	flagp_client_names(client);
	return CODE_DONE;
}

static void
forget_records(struct client *client)
{
	for (int i = 0; i < SIDE_COUNT; i++) {
		flagp_record_free(&client->overrides[i]);
		flagp_record_free(&client->trips[i]);
		memset(&client->overrides[i], 0, sizeof(client->overrides[i]));
		memset(&client->trips[i], 0, sizeof(client->trips[i]));
		memset(&client->panic[i], 0, sizeof(client->panic[i]));
		flagp_error_clear(&client->record_error[i]);
		flagp_error_clear(&client->trip_error[i]);
	}
}

void
flagp_client_close(struct client *client)
{
	flagp_conf_free(client->conf);
	forget_records(client);
	flagp_proc_free(&client->procs);
	flagp_places_close(&client->places);
	free(client->known);
}

/* Whether a folder is there but closed to us. */
static bool
is_closed(int descriptor, const char *path)
{
	return descriptor < 0 && access(path, R_OK | X_OK) != 0 &&
	       errno == EACCES;
}

void
flagp_client_conf(struct client *client)
{
	int tries = 3;

	flagp_conf_free(client->conf);
	client->conf = NULL;
	client->files.conf = NULL;
	flagp_error_clear(&client->conf_error);
	if (flagp_places_check_config(&client->places, &client->paths,
				      &client->conf_error) != 0)
		return;
	do {
		flagp_error_clear(&client->conf_error);
		client->conf = flagp_conf_read(client->places.config,
					       client->paths.service,
					       &client->conf_error);
	} while (client->conf == NULL && client->conf_error.code == FLAG_EAGAIN
		 && --tries > 0);
	client->files.conf = client->conf;
}

/*
 * A damaged file still tells its number, and processes may hold what it said
 * before: the next generation has to be beyond both.
 */
static void
note_damaged(struct client *client, const char *name, int live)
{
	struct text text = TEXT_INIT;
	unsigned long long number;
	const char *line = NULL;

	if (flagp_io_read(live, name, RECORD_FILE_LIMIT, &text, NULL) == 0)
		line = strstr(text.data, "\ngeneration ");
	if (line != NULL && sscanf(line, " generation %19llu", &number) == 1 &&
	    number <= GENERATION_BELIEVED && number > client->damaged)
		client->damaged = number;
	flagp_text_free(&text);
	flagp_client_scan(client, false);
	if (flagp_client_applied(client) > client->damaged)
		client->damaged = flagp_client_applied(client);
}

static void
read_file(struct client *client, struct record_file *file,
	  enum record_kind kind, int live, struct flag_error *error)
{
	if (flagp_record_read(file, kind, live, NULL, error) == 0)
		return;
	flagp_record_free(file);
	memset(file, 0, sizeof(*file));
	note_damaged(client, kind == RECORD_OVERRIDES ? RECORD_OVERRIDES_NAME :
		     RECORD_TRIPS_NAME, live);
}

static void
read_side(struct client *client, enum side side, int live)
{
	client->files.overrides[side] = &client->overrides[side];
	client->files.trips[side] = &client->trips[side];
	client->files.panic[side] = &client->panic[side];
	if (live < 0)
		return;
	read_file(client, &client->overrides[side], RECORD_OVERRIDES, live,
		  &client->record_error[side]);
	read_file(client, &client->trips[side], RECORD_TRIPS, live,
		  &client->trip_error[side]);
	flagp_record_panic(&client->panic[side], live);
}

void
flagp_client_records(struct client *client)
{
	forget_records(client);
	client->damaged = 0;
	if (client->boot[0] == '\0')
		flagp_record_boot(client->boot, sizeof(client->boot));
	client->files.boot = client->boot;
	client->files.wall = flagp_clock_wall();
	read_side(client, SIDE_STATE, client->places.state_live);
	read_side(client, SIDE_RUN, client->places.run_live);
}

void
flagp_client_scan(struct client *client, bool flags)
{
	int result;

	flagp_proc_free(&client->procs);
	client->scan_error = 0;
	if (client->places.run_proc < 0)
		return;
	result = flagp_proc_scan(&client->procs, client->places.run_proc,
				 flags);
	if (result < 0)
		client->scan_error = -result;
}

void
flagp_client_ask(const struct client *client, const char *name,
		 struct layers_answer *answer)
{
	const struct known *known = flagp_client_known(client, name);
	bool initial = known != NULL && known->initial;

	flagp_layers_ask(answer, &client->files, name,
			 initial ? FLAGP_SHARE_ALL : 0);
}

const struct proc_flag *
flagp_client_flag(const struct proc_entry *entry, const char *name)
{
	for (uint32_t i = 0; entry->flags != NULL && i < entry->head.flags; i++)
		if (strcmp(entry->flags[i].name, name) == 0)
			return &entry->flags[i];
	return NULL;
}

void
flagp_client_ask_process(const struct client *client,
			 const struct proc_entry *entry, const char *name,
			 struct layers_answer *answer)
{
	const struct known *known = flagp_client_known(client, name);
	struct layers_files files = client->files;
	struct conf environment = { 0 };
	bool initial = known != NULL && known->initial;

	if (flagp_conf_environment(&environment, entry->head.environment,
				   NULL) == 0)
		files.environment = &environment;
	flagp_layers_ask(answer, &files, name, initial ? FLAGP_SHARE_ALL : 0);
	/* It points into what is freed here. */
	answer->environment = NULL;
	flagp_conf_free(&environment);
}

/* The share that a word stands for. */
static uint32_t
share_of(const struct proc_flag *flag)
{
	if (flag->word & PROC_WORD_PERCENT)
		return flagp_bucket_share(flag->threshold);
	return flag->word & PROC_WORD_ON ? FLAGP_SHARE_ALL : 0;
}

bool
flagp_client_agrees(const struct proc_entry *entry,
		    const struct proc_flag *flag, uint32_t share)
{
	bool on = (flag->word & PROC_WORD_ON) != 0;

	return share_of(flag) == share &&
	       on == flagp_layers_takes(flag->name, share,
					entry->head.instance);
}

const char *
flagp_client_word(const struct proc_flag *flag, char *buffer, size_t size)
{
	bool on = (flag->word & PROC_WORD_ON) != 0;
	char share[16];

	if (flag->word & PROC_WORD_PERCENT)
		snprintf(buffer, size, "%s, here %s",
			 flagp_layers_share(share_of(flag), share,
					    sizeof(share)),
			 on ? "on" : "off");
	else
		snprintf(buffer, size, "%s", on ? "on" : "off");
	return buffer;
}

/* The word of a live process that keeps itself up to date. */
static const struct proc_flag *
reported_word(const struct client *client, const char *name)
{
	const struct proc_flag *flag;

	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life != PROC_LIVE ||
		    entry->head.driver == PROC_DRIVER_NONE)
			continue;
		flag = flagp_client_flag(entry, name);
		if (flag != NULL)
			return flag;
	}
	return NULL;
}

/* When the file of a configured value was last saved. */
static int64_t
file_time(const struct client *client, const char *file)
{
	struct io_mark mark = flagp_io_mark(client->places.config, file);

	return mark.exists ? mark.mtime_ns / 1000000000 : 0;
}

static int64_t
since_when(const struct client *client, const struct layers_answer *answer)
{
	switch (answer->winner) {
	case LAYER_PANIC:
		return answer->panic->at;
	case LAYER_OFF:
	case LAYER_ON:
		return answer->override->at;
	case LAYER_TRIP:
		return answer->trip->at;
	case LAYER_ENVIRONMENT:
		return 0;
	case LAYER_DROPIN:
		return file_time(client, answer->dropin->file);
	case LAYER_MAIN:
		return file_time(client, answer->main->file);
	default:
		return 0;
	}
}

void
flagp_client_state(const struct client *client, const char *name,
		   struct client_state *state)
{
	const struct proc_flag *word;
	char share[16];

	memset(state, 0, sizeof(*state));
	flagp_client_ask(client, name, &state->answer);
	state->share = state->answer.effective;
	state->since = since_when(client, &state->answer);
	flagp_layers_source(&state->answer, state->source,
			    sizeof(state->source));
	word = client->conf == NULL && state->answer.winner == LAYER_DEFAULT ?
		       reported_word(client, name) : NULL;
	if (word != NULL) {
		state->reported = true;
		state->share = share_of(word);
		snprintf(state->source, sizeof(state->source), "%s",
			 word->source);
	}
	snprintf(state->text, sizeof(state->text), "%s",
		 flagp_layers_share(state->share, share, sizeof(share)));
}

uint64_t
flagp_client_generation(const struct client *client)
{
	uint64_t highest = client->damaged;

	for (int i = 0; i < SIDE_COUNT; i++) {
		const uint64_t found[] = {
			client->overrides[i].generation,
			client->trips[i].generation,
			client->panic[i].on ? client->panic[i].generation : 0,
		};

		for (size_t k = 0; k < FLAGP_COUNT(found); k++)
			if (found[k] > highest)
				highest = found[k];
	}
	return highest;
}

uint64_t
flagp_client_applied(const struct client *client)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < client->procs.count; i++) {
		const struct proc_entry *entry = &client->procs.entries[i];

		if (entry->life != PROC_DEAD &&
		    entry->head.generation > highest)
			highest = entry->head.generation;
	}
	return highest;
}

size_t
flagp_client_living(const struct client *client)
{
	size_t count = 0;

	for (size_t i = 0; i < client->procs.count; i++)
		count += client->procs.entries[i].life != PROC_DEAD;
	return count;
}

const char *
flagp_client_call(const struct client *client, char *buffer, size_t size)
{
	const struct request *request = client->request;
	bool root = flagp_request_has(request, OPTION_ROOT);

	snprintf(buffer, size, "flagctl%s%s%s%s",
		 root ? " --root " : "", root ? request->root : "",
		 request->service != NULL ? " -s " : "",
		 request->service != NULL ? request->service : "");
	return buffer;
}

void
flagp_client_refused(const struct client *client,
		     const struct flag_error *error, char *buffer, size_t size)
{
	uint64_t generation = flagp_client_applied(client);
	char text[900], stays[64] = "";

	flagp_error_text(error, text, sizeof(text));
	if (flagp_client_living(client) > 0)
		snprintf(stays, sizeof(stays), "; generation %llu stays",
			 (unsigned long long)generation);
	snprintf(buffer, size, "%s (file not applied%s)", text, stays);
}

static void
warn_of_layer_file(const struct client *client, enum side side,
		   const struct flag_error *error)
{
	char text[900];

	if (error->code == 0)
		return;
	flagp_error_text(error, text, sizeof(text));
	flagp_print_warn("%s/live/%s (not applied; what was read of it before "
			 "stays in force)", side == SIDE_STATE ?
			 client->paths.state : client->paths.run, text);
}

static void
warn_of_file(void *data, const char *path, enum conf_remark remark)
{
	const struct client *client = data;

	if (remark == CONF_DETACHED)
		flagp_print_warn("%s/%s: another file has taken its name where "
				 "it was mounted from; the one that was "
				 "mounted stays in force; mount its folder "
				 "instead", client->paths.config, path);
	else
		flagp_print_warn("%s/%s: writable by everybody, who may so "
				 "flip flags; it is in force all the same; "
				 "chmod o-w it", client->paths.config, path);
}

void
flagp_client_remarks(const struct client *client)
{
	flagp_conf_remarks(client->places.config, client->paths.service,
			   warn_of_file, (void *)client);
}

void
flagp_client_warn(const struct client *client)
{
	char text[1100];

	if (client->conf == NULL) {
		flagp_client_refused(client, &client->conf_error, text,
				     sizeof(text));
		flagp_print_warn("%s", text);
	}
	flagp_client_remarks(client);
	for (int i = 0; i < SIDE_COUNT; i++) {
		warn_of_layer_file(client, (enum side)i,
				   &client->record_error[i]);
		warn_of_layer_file(client, (enum side)i,
				   &client->trip_error[i]);
	}
	if (client->scan_error != 0)
		flagp_print_warn("%s/proc: %s; which processes run is not "
				 "known", client->paths.run,
				 strerror(client->scan_error));
}

int
flagp_client_denied(const char *path, const char *what)
{
	const struct group *group = NULL;
	struct stat status;

	if (stat(path, &status) == 0)
		group = getgrgid(status.st_gid);
	if (group != NULL)
		return flagp_print_fail(CODE_PERMISSION,
			"%s: not permitted to %s; join group %s, or run as "
			"root", path, what, group->gr_name);
	return flagp_print_fail(CODE_PERMISSION,
		"%s: not permitted to %s; run as its owner or root", path,
		what);
}

/* --- which service ---------------------------------------------------- */

struct names {
	struct text text;		/* separated by blanks */
	char only[FLAGP_NAME_SIZE];
	size_t count;
};

static void
add_name(void *data, const struct paths *paths)
{
	struct names *names = data;

	flagp_text_add(&names->text, "%s%s", names->count > 0 ? " " : "",
		       paths->service);
	snprintf(names->only, sizeof(names->only), "%s", paths->service);
	names->count++;
}

static int
only_service(const struct request *request, char *name)
{
	struct names names = { .text = TEXT_INIT };
	int code = CODE_DONE;

	flagp_paths_services(request->root, add_name, &names);
	if (names.count == 0)
		code = flagp_print_fail(CODE_UNKNOWN,
			"no service has files here%s%s; name one with "
			"-s SVC, or other folders with --root DIR",
			request->root != NULL ? " under " : "",
			request->root != NULL ? request->root : "");
	else if (names.count > 1)
		code = flagp_print_fail(CODE_USAGE,
			"which service? name one with -s SVC or "
			"RIPCORD_SERVICE: %s", names.text.data);
	else
		snprintf(name, FLAGP_NAME_SIZE, "%s", names.only);
	flagp_text_free(&names.text);
	return code;
}

static int
choose_service(const struct request *request, char *name)
{
	const char *given = request->service;
	const char *where = "-s";

	if (given == NULL) {
		given = secure_getenv("RIPCORD_SERVICE");
		where = "RIPCORD_SERVICE";
	}
	if (given == NULL || *given == '\0')
		return only_service(request, name);
	if (!flagp_text_is_name(given))
		return flagp_print_fail(CODE_USAGE,
			"%s: \"%.60s\" cannot be a service; accepted are "
			"[A-Za-z0-9][A-Za-z0-9_.-]*, at most %d characters",
			where, given, FLAGP_NAME_MAX);
	snprintf(name, FLAGP_NAME_SIZE, "%s", given);
	return CODE_DONE;
}

static bool
is_there(const char *format, const char *folder, const char *name)
{
	char path[FLAGP_PATH_SIZE + FLAGP_NAME_SIZE + 8];
	struct stat status;

	if (snprintf(path, sizeof(path), format, folder, name) >=
	    (int)sizeof(path))
		return false;
	return stat(path, &status) == 0 || errno == EACCES;
}

static int
must_exist(const struct client *client)
{
	const struct paths *paths = &client->paths;
	struct names names = { .text = TEXT_INIT };

	if (is_there("%s/%s.ini", paths->config, paths->service) ||
	    is_there("%s/%s.d", paths->config, paths->service) ||
	    is_there("%s%.0s", paths->state, "") ||
	    is_there("%s%.0s", paths->run, ""))
		return CODE_DONE;
	flagp_paths_services(client->request->root, add_name, &names);
	flagp_print_fail(CODE_UNKNOWN,
		"no such service: %s has no files in %s, %s or %s; "
		"services here: %s", paths->service, paths->config,
		paths->state, paths->run,
		names.count > 0 ? names.text.data : "none");
	flagp_text_free(&names.text);
	return CODE_UNKNOWN;
}

static int
may_look(const struct client *client)
{
	const struct places *places = &client->places;

	if (is_closed(places->state, client->paths.state))
		return flagp_client_denied(client->paths.state, "look");
	if (is_closed(places->run, client->paths.run))
		return flagp_client_denied(client->paths.run, "look");
	return CODE_DONE;
}
