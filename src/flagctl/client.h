/* SPDX-License-Identifier: MIT */
/*
 * client.h - one service as flagctl sees it: its folders, its files, its
 * processes and the names of its flags.
 */
#ifndef FLAGP_CLIENT_H
#define FLAGP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/layers.h"
#include "flagctl/commands.h"
#include "store/conf.h"
#include "store/paths.h"
#include "store/proc.h"
#include "store/record.h"

/* The order of struct layers_files. */
enum side { SIDE_STATE, SIDE_RUN, SIDE_COUNT };

/* Who knows a flag. */
#define KNOWN_LIST 1u		/* the list that the service left */
#define KNOWN_CONF 2u
#define KNOWN_RECORD 4u		/* an override or a trip */
#define KNOWN_LEFT 8u		/* the registration of a dead process */
#define KNOWN_LIVE 16u		/* that of a live one */

struct known {
	char name[FLAGP_NAME_SIZE];
	char summary[200];
	bool initial;
	unsigned by;
	bool tunable;			/* the rest: of a tunable */
	bool typed;			/* type is known */
	enum value_type type;
	char value[200];		/* its compiled default, "" not known */
};

struct client {
	const struct request *request;
	struct paths paths;
	struct places places;
	struct conf *conf;		/* NULL: refused, see conf_error */
	struct flag_error conf_error;
	struct record_file overrides[SIDE_COUNT], trips[SIDE_COUNT];
	struct record_panic panic[SIDE_COUNT];
	struct flag_error record_error[SIDE_COUNT];	/* of overrides */
	struct flag_error trip_error[SIDE_COUNT];
	uint64_t damaged;		/* highest number in damaged files */
	char boot[40];
	struct layers_files files;
	struct proc_list procs;
	int scan_error;			/* errno, 0 */
	struct known *known;		/* sorted by name */
	size_t known_count, known_room;
};

/* The longest wait for the lock of writers. */
#define CLIENT_LOCK_MS 1000

/* Whether a service that does not exist is accepted. */
enum client_need { CLIENT_MUST_EXIST, CLIENT_MAY_MISS };

/*
 * Finds the service that the request means and opens its folders.  Returns
 * CODE_DONE, or a code whose error is printed.  Close it in either case.
 */
int flagp_client_open(struct client *client, const struct request *request,
		      enum client_need need);
void flagp_client_close(struct client *client);

/* Reads (again) the configuration, the layer files, the registrations. */
void flagp_client_conf(struct client *client);
void flagp_client_records(struct client *client);
void flagp_client_scan(struct client *client, bool flags);
/* Gathers the names of what was read so far, and of the service's list. */
void flagp_client_names(struct client *client);
/* All of these. */
int flagp_client_open_all(struct client *client,
			  const struct request *request);

const struct known *flagp_client_known(const struct client *client,
				       const char *name);
/* The known name that is nearest to name, or NULL; by: only those. */
const char *flagp_client_nearest(const struct client *client,
				 const char *name, unsigned by);
/* Prints that nobody knows the flag.  Returns CODE_UNKNOWN. */
int flagp_client_unknown(const struct client *client, const char *name);

/* What the layers say of a flag. */
void flagp_client_ask(const struct client *client, const char *name,
		      struct layers_answer *answer);

/*
 * The state that is in force, as far as one can tell: the layers' answer, or
 * where the configuration on disk is refused, the word that live processes
 * reported.
 */
struct client_state {
	struct layers_answer answer;
	uint32_t share;
	char text[16];			/* "on", "off", "25%" */
	bool reported;			/* from a process, not the files */
	char source[80];
	int64_t since;			/* wall seconds; 0: not known */
};

void flagp_client_state(const struct client *client, const char *name,
			struct client_state *state);

/* The same for one process, whose environment has a word in it. */
void flagp_client_ask_process(const struct client *client,
			      const struct proc_entry *entry, const char *name,
			      struct layers_answer *answer);

/* Whether the word that a process reported is what share makes of it. */
bool flagp_client_agrees(const struct proc_entry *entry,
			 const struct proc_flag *flag, uint32_t share);

/* What a word says: "on", "off", "25%, here on". */
const char *flagp_client_word(const struct proc_flag *flag, char *buffer,
			      size_t size);
#define CLIENT_WORD_SIZE 32

/* What the files make of a tunable, and where; text is "" where that is not
 * known. */
struct client_value {
	char text[200], source[80];
};
void flagp_client_value(const struct client *client, const char *name,
			struct client_value *value);

/* Whether a process reported that value; text: where it did not, what it has
 * instead. */
bool flagp_client_has_value(const struct proc_flag *flag, const char *value,
			    char *text, size_t size);

/* Prints that a tunable is no flag.  Returns CODE_USAGE. */
int flagp_client_tunable(const struct client *client, const char *name);

/* The line of a flag in a registration, or NULL. */
const struct proc_flag *flagp_client_flag(const struct proc_entry *entry,
					  const char *name);

/* The highest generation of all layer files. */
uint64_t flagp_client_generation(const struct client *client);
/* The highest generation that a live process has applied, or 0. */
uint64_t flagp_client_applied(const struct client *client);
/* Processes that are there, registered. */
size_t flagp_client_living(const struct client *client);

/* How to call flagctl again for this service: "flagctl -s mysvc". */
const char *flagp_client_call(const struct client *client, char *buffer,
			      size_t size);
#define CLIENT_CALL_SIZE 640

/* Prints what a missing permission on path means.  Returns CODE_PERMISSION. */
int flagp_client_denied(const char *path, const char *what);

/* The file and the error in it, as one line, with what is in force. */
void flagp_client_refused(const struct client *client,
			  const struct flag_error *error, char *buffer,
			  size_t size);

/* Warns of files of the configuration that are in force, but not as one would
 * wish. */
void flagp_client_remarks(const struct client *client);

/* Warns of what could not be read: configuration, layer files, processes; and
 * of the former. */
void flagp_client_warn(const struct client *client);

#endif
