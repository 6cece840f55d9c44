/* SPDX-License-Identifier: MIT */
/* files.c - check, init and reload. */
#include "flagctl/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "base/value.h"
#include "flagctl/families.h"
#include "flagctl/print.h"

/* --- check ------------------------------------------------------------- */

/* Who knows what the service has. */
static const unsigned here = KNOWN_LIST | KNOWN_LEFT | KNOWN_LIVE;

/* Flags that the files name and the service does not have: no error, for an
 * older binary may run, but worth a word. */
static void
warn_of_unknown(const struct client *client)
{
	const struct conf *conf = client->conf;
	unsigned any = 0;

	for (size_t i = 0; i < client->known_count; i++)
		any |= client->known[i].by & here;
	for (size_t i = 0; any != 0 && i < conf->count; i++) {
		const struct conf_value *value = &conf->values[i];
		const struct known *known;
		const char *nearest;

		known = flagp_client_known(client, value->flag);
		if (known != NULL && (known->by & here) != 0)
			continue;
		nearest = flagp_client_nearest(client, value->flag, here);
		flagp_print_warn("%s:%u: [%s]: unknown here%s%s%s",
				 value->file, value->line, value->flag,
				 nearest != NULL ? "; did you mean " : "",
				 nearest != NULL ? nearest : "",
				 nearest != NULL ? "?" : "");
	}
}

/* Whether the service takes that text.  Its range is not known here: neither
 * the list nor a registration has it. */
static bool
is_of_type(const struct known *known, const char *text)
{
	const struct value_limits all = flagp_value_limits(known->type);
	struct value value;

	return !known->typed || flagp_value_parse(&value, &all, text,
						  strlen(text), NULL) == 0;
}

/* Lines that the service, as it was last seen, refuses: no error either, for
 * the files may be those of the next binary. */
static void
warn_of_types(const struct client *client)
{
	const struct conf *conf = client->conf;

	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_value *value = &conf->values[i];
		const struct known *known;

		known = flagp_client_known(client, value->flag);
		if (known == NULL || (known->by & here) == 0)
			continue;
		if (value->text == NULL && known->tunable)
			flagp_print_warn("%s:%u: [%s]: a tunable here; use "
					 "value, not state", value->file,
					 value->line, value->flag);
		else if (value->text != NULL && !known->tunable)
			flagp_print_warn("%s:%u: [%s]: a flag here; use "
					 "state, not value", value->file,
					 value->line, value->flag);
		else if (value->text != NULL &&
			 !is_of_type(known, value->text))
			flagp_print_warn("%s:%u: [%s] value = %s: not of its "
					 "type here; use %s", value->file,
					 value->line, value->flag, value->text,
					 flagp_value_use(known->type));
	}
}

void
flagp_files_warn_skipped(const struct conf *conf, const char *prefix)
{
	for (size_t i = 0; i < conf->skipped_count; i++)
		flagp_print_warn("%s%s:%u: [%s]: skipped, not a flag", prefix,
				 conf->skipped[i].file, conf->skipped[i].line,
				 conf->skipped[i].section);
}

static int
say_checked(const struct conf *conf, size_t files)
{
	size_t flags = 0, tunables = 0;
	char more[48] = "";

	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_value *value = &conf->values[i];

		if (i > 0 && strcmp(value->flag, value[-1].flag) == 0)
			continue;
		tunables += value->text != NULL;
		flags += value->text == NULL;
	}
	if (tunables > 0)
		snprintf(more, sizeof(more), ", %zu tunable%s", tunables,
			 tunables == 1 ? "" : "s");
	flagp_files_warn_skipped(conf, "");
	flagp_print_number(NULL, "files", (int64_t)files);
	flagp_print_number(NULL, "flags", (int64_t)flags);
	flagp_print_number(NULL, "tunables", (int64_t)tunables);
	flagp_print_say("ok: %zu file%s, %zu flag%s%s", files,
			files == 1 ? "" : "s", flags, flags == 1 ? "" : "s",
			more);
	return CODE_DONE;
}

int
flagp_files_refused(const struct client *client)
{
	char text[1100];

	flagp_client_refused(client, &client->conf_error, text, sizeof(text));
	return flagp_print_fail(client->conf_error.code == FLAG_EACCES ?
				CODE_PERMISSION : CODE_CONFIG, "%s", text);
}

static int
check_service(const struct request *request)
{
	struct client client;
	int code = flagp_client_open_all(&client, request);

	if (code == CODE_DONE && client.conf == NULL) {
		code = flagp_files_refused(&client);
	} else if (code == CODE_DONE) {
		warn_of_unknown(&client);
		flagp_client_remarks(&client);
		warn_of_types(&client);
		code = say_checked(client.conf, client.conf->files);
	}
	flagp_client_close(&client);
	return code;
}

int
flagp_files_parse(struct conf *conf, const char *path, enum exit_code missing)
{
	struct flag_error error = { 0 };
	struct text text = TEXT_INIT;
	char line[1000];
	int result, code = CODE_DONE;

	result = flagp_io_read(AT_FDCWD, path, CONF_FILE_LIMIT, &text, NULL);
	if (result == -ENOENT)
		code = flagp_print_fail(missing, "%s: no such file; nothing "
					"was checked of it", path);
	else if (result == -EACCES)
		code = flagp_client_denied(path, "read");
	else if (result == -EINVAL)
		code = flagp_print_fail(CODE_FAILED, "%s: not a regular file, "
					"which alone is accepted", path);
	else if (result != 0)
		code = flagp_print_fail(CODE_FAILED, "%s: %s", path,
					strerror(-result));
	else if (flagp_conf_parse(conf, path, false, text.data, text.size,
				  &error) != 0) {
		flagp_error_text(&error, line, sizeof(line));
		code = flagp_print_fail(CODE_CONFIG, "%s", line);
	}
	flagp_text_free(&text);
	return code;
}

int
flagp_verb_check(const struct request *request)
{
	struct conf conf = { .count = 0 };
	int code = CODE_DONE, result;

	if (request->count == 0)
		return check_service(request);
	for (int i = 0; i < request->count; i++) {
		result = flagp_files_parse(&conf, request->operands[i],
					   CODE_FAILED);
		if (result != CODE_DONE)
			code = result;
	}
	if (code == CODE_DONE)
		code = say_checked(&conf, (size_t)request->count);
	flagp_conf_free(&conf);
	return code;
}

/* --- init -------------------------------------------------------------- */

#define COMMENT_WIDTH 77	/* behind "; " */

int
flagp_files_read_flags(struct elf *elf, const char *path)
{
	struct flag_error error = { 0 };
	char text[1000];

	if (flagp_elf_read(elf, path, &error) == 0)
		return CODE_DONE;
	if (error.code == FLAG_EACCES)
		return flagp_client_denied(path, "read");
	flagp_error_text(&error, text, sizeof(text));
	return flagp_print_fail(error.code == FLAG_ENOENT ? CODE_UNKNOWN :
				error.code == FLAG_ECONFIG ? CODE_CONFIG :
				CODE_FAILED, "%s", text);
}

static void
write_head(struct text *text, const char *service, bool tunables)
{
	flagp_text_add(text,
		"; Flags of %s.  A section is a flag; state is on, off or a "
		"part\n"
		"; of all, such as 25%%.\n", service);
	if (tunables)
		flagp_text_add(text, "; A section with a value is a tunable; "
			       "what it takes stands above it.\n");
	flagp_text_add(text,
		"; Later files in %s.d/ win over this one.\n"
		"; All of the files are taken, or none: flagctl check tells.\n"
		"\n", service);
}

/* One line of a comment, where there is something to say.  Words are without
 * control characters already; a byte order mark is the other thing that no
 * line may have. */
static void
write_comment(struct text *text, const char *what, const char *words)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *at;

	if (words[0] == '\0')
		return;
	flagp_text_add(text, "; %s", what);
	for (; (at = strstr(words, mark)) != NULL; words = at + strlen(mark))
		flagp_text_add(text, "%.*s?", (int)(at - words), words);
	flagp_text_add(text, "%s\n", words);
}

/* What a tunable takes, in one line or, with its range below, in two. */
static void
write_range(struct text *text, const struct value_limits *limits)
{
	const size_t use = strlen(flagp_value_use(limits->type));
	char range[VALUE_RANGE_SIZE];
	size_t length = flagp_value_range(limits, range, sizeof(range));

	if (length <= COMMENT_WIDTH)
		write_comment(text, "", range);
	else
		flagp_text_add(text, "; %.*s\n;%s\n", (int)use + 1, range,
			       range + use + 1);
}

/* The type's range is not known here: neither the list nor a registration has
 * it. */
static void
write_known_tunable(struct text *text, const struct known *known)
{
	if (known->typed)
		write_comment(text, "", flagp_value_use(known->type));
	write_comment(text, "compiled default: ", known->value);
	flagp_text_add(text, "; [%s]\n", known->name);
	write_comment(text, "value = ", known->value[0] != '\0' ?
		      known->value : "...");
}

static void
write_known(struct text *text, const struct client *client)
{
	bool tunables = false;

	for (size_t i = 0; i < client->known_count; i++)
		tunables = tunables || client->known[i].tunable;
	write_head(text, client->paths.service, tunables);
	if (client->known_count == 0)
		flagp_text_add(text,
			"; No process of it has registered a flag yet.\n"
			"; [checksum.crc32c]\n"
			"; state = on\n");
	for (size_t i = 0; i < client->known_count; i++) {
		const struct known *known = &client->known[i];

		write_comment(text, "", known->summary);
		if (known->tunable)
			write_known_tunable(text, known);
		else
			flagp_text_add(text, "; [%s]\n; state = %s\n",
				       known->name,
				       known->initial ? "on" : "off");
		if (i + 1 < client->known_count)
			flagp_text_add(text, "\n");
	}
}

/* Whether a file can say it.  A compiled default may be empty, not ASCII, or
 * longer than a line. */
static bool
can_say(const char *name, const char *value)
{
	struct conf conf = { .count = 0 };
	struct text text = TEXT_INIT;
	bool can;

	flagp_text_add(&text, "[%s]\nvalue = %s\n", name, value);
	can = !text.failed &&
	      flagp_conf_parse(&conf, "", false, text.data, text.size,
			       NULL) == 0 &&
	      conf.count == 1 && strcmp(conf.values[0].text, value) == 0;
	flagp_conf_free(&conf);
	flagp_text_free(&text);
	return can;
}

static void
write_defined_tunable(struct text *text, const struct elf_flag *flag)
{
	char initial[ELF_TEXT_SIZE];
	bool can;

	flagp_elf_initial(flag, initial, sizeof(initial));
	can = can_say(flag->name, initial);
	write_range(text, &flag->limits);
	write_comment(text, "compiled default: ",
		      initial[0] != '\0' ? initial : "an empty text (0 bytes)");
	if (can)
		flagp_text_add(text, "[%s]\nvalue = %s\n", flag->name,
			       initial);
	else
		flagp_text_add(text, "; A line cannot say this text: it stays "
			       "as compiled without one.\n"
			       "; [%s]\n; value = ...\n", flag->name);
}

/* No process has run yet: every flag is off until somebody decides, and what
 * has no off is as compiled. */
static void
write_defined(struct text *text, const char *service, const struct elf *elf)
{
	write_head(text, service, flagp_elf_tunables(elf) > 0);
	for (size_t i = 0; i < elf->count; i++) {
		const struct elf_flag *flag = &elf->flags[i];

		write_comment(text, "", flag->summary);
		write_comment(text, "owner: ", flag->owner);
		if (flag->initial && !flag->tunable)
			write_comment(text, "compiled default: ", "on");
		if (flag->tunable)
			write_defined_tunable(text, flag);
		else
			flagp_text_add(text, "[%s]\nstate = off\n",
				       flag->name);
		if (i + 1 < elf->count)
			flagp_text_add(text, "\n");
	}
}

/* Writes a file that must not exist, whole or not at all. */
static int
create_file(const char *path, const struct text *text)
{
	char temporary[FLAGP_PATH_SIZE + 96];
	int descriptor, result = 0;
	ssize_t size;

	snprintf(temporary, sizeof(temporary), "%s.%d.new", path,
		 (int)getpid());
	descriptor = flagp_io_open(AT_FDCWD, temporary, O_WRONLY | O_CREAT |
				   O_EXCL | O_NOFOLLOW, 0644);
	if (descriptor < 0)
		return descriptor;
	size = write(descriptor, text->data, text->size);
	if (size < 0)
		result = -errno;
	else if ((size_t)size != text->size)
		result = -ENOSPC;
	else if (fsync(descriptor) != 0)
		result = -errno;
	close(descriptor);
	if (result == 0 && link(temporary, path) != 0)
		result = -errno;
	unlink(temporary);
	return result;
}

/* said: what stands in it. */
static int
put_skeleton(const struct client *client, const struct text *text,
	     const char *said)
{
	char path[FLAGP_PATH_SIZE + FLAGP_NAME_SIZE + 8];
	int result;

	snprintf(path, sizeof(path), "%s/%s.ini", client->paths.config,
		 client->paths.service);
	result = flagp_io_open_directory(client->paths.config, true, 0755);
	if (result >= 0) {
		close(result);
		result = create_file(path, text);
	}
	if (result == -EEXIST)
		return flagp_print_fail(CODE_REFUSED,
			"%s is there already and stays as it is; -n prints "
			"what would be written", path);
	if (result == -EACCES || result == -EPERM)
		return flagp_client_denied(client->paths.config, "write");
	if (result < 0)
		return flagp_print_fail(CODE_FAILED, "%s: %s", path,
					strerror(-result));
	flagp_print_text(NULL, "file", "%s", path);
	flagp_print_say("%s written: %s", path, said);
	return CODE_DONE;
}

/* What comes from a file must not end its comment. */
static void
keep_comments_whole(struct client *client)
{
	for (size_t i = 0; i < client->known_count; i++) {
		flagp_text_printable(client->known[i].summary);
		flagp_text_printable(client->known[i].value);
	}
}

/* Writes it, or prints it. */
static int
give_skeleton(const struct client *client, const struct text *text,
	      const char *said)
{
	if (text->failed)
		return flagp_print_fail(CODE_FAILED, "out of memory");
	if (!flagp_request_has(client->request, OPTION_DRY_RUN))
		return put_skeleton(client, text, said);
	flagp_print_plain("%s", text->data);
	flagp_print_lines("text", text->data);
	return CODE_DONE;
}

/* "3 flags, each off; 2 tunables, each as compiled". */
#define COUNTED_SIZE 128
static void
say_counted(char *buffer, size_t size, size_t flags, const char *how,
	    size_t tunables, const char *tunables_how)
{
	char more[COUNTED_SIZE / 2] = "";

	if (tunables > 0)
		snprintf(more, sizeof(more), "; %zu tunable%s, %s", tunables,
			 tunables == 1 ? "" : "s", tunables_how);
	snprintf(buffer, size, "%zu flag%s, %s%s", flags,
		 flags == 1 ? "" : "s", how, more);
}

static int
init_from_processes(struct client *client)
{
	struct text text = TEXT_INIT;
	char said[COUNTED_SIZE];
	size_t tunables = 0;
	int code;

	flagp_places_open(&client->places, &client->paths, false, NULL);
	flagp_client_conf(client);
	flagp_client_scan(client, true);
	flagp_client_names(client);
	keep_comments_whole(client);
	write_known(&text, client);
	for (size_t i = 0; i < client->known_count; i++)
		tunables += client->known[i].tunable;
	say_counted(said, sizeof(said), client->known_count - tunables,
		    "each as a comment", tunables, "each as a comment");
	code = give_skeleton(client, &text, said);
	flagp_text_free(&text);
	return code;
}

static int
init_from_binary(const struct client *client)
{
	struct text text = TEXT_INIT;
	struct elf elf = { 0 };
	char said[COUNTED_SIZE];
	int code = flagp_files_read_flags(&elf, client->request->from);

	if (code == CODE_DONE) {
		size_t tunables = flagp_elf_tunables(&elf);

		write_defined(&text, client->paths.service, &elf);
		say_counted(said, sizeof(said), elf.count - tunables,
			    "each off", tunables, "each as compiled");
		code = give_skeleton(client, &text, said);
	}
	flagp_text_free(&text);
	flagp_elf_free(&elf);
	return code;
}

int
flagp_verb_init(const struct request *request)
{
	struct request named = *request;
	struct client client;
	int code;

	if (request->count > 0 && request->service != NULL &&
	    strcmp(request->operands[0], request->service) != 0)
		return flagp_print_fail(CODE_USAGE,
			"which service, %s or %s? name one",
			request->service, request->operands[0]);
	if (request->count > 0)
		named.service = request->operands[0];
	code = flagp_client_open(&client, &named, CLIENT_MAY_MISS);
	if (code == CODE_DONE && request->from != NULL)
		code = init_from_binary(&client);
	else if (code == CODE_DONE)
		code = init_from_processes(&client);
	flagp_client_close(&client);
	return code;
}

/* --- reload ------------------------------------------------------------ */

/* Shows what the processes say against the files. */
static bool
say_refusals(const struct proc_list *procs, const struct families_goal *goal)
{
	bool refused = false;

	for (size_t i = 0; i < procs->count; i++) {
		const struct proc_entry *entry = &procs->entries[i];

		if (entry->life != PROC_LIVE || entry->head.error[0] == '\0' ||
		    entry->head.ack.config == goal->ack.config)
			continue;
		refused = true;
		flagp_print_fail(CODE_CONFIG, "pid %d (%s): %s (not taken; "
				 "what it has stays in force)",
				 entry->head.pid, entry->head.program,
				 entry->head.error);
	}
	return refused;
}

/* Waits until each driver has these files. */
static int
wait_for_files(struct client *client)
{
	struct families_goal goal = {
		.config = true, .ack = { .config = client->conf->digest },
	};
	struct families_verdict verdict;
	struct wait wait;
	bool reached;

	flagp_wait_begin(&wait, client->request->wait_ms, 10);
	flagp_wait_catch();
	do {
		flagp_client_scan(client, false);
		reached = flagp_families_judge(&client->procs, &goal,
					       &verdict);
	} while (!reached && verdict.processes > 0 && flagp_wait_next(&wait));
	flagp_wait_end(&wait);
	flagp_print_number(NULL, "families", (int64_t)verdict.families);
	flagp_print_number(NULL, "families_acknowledged",
			   (int64_t)verdict.acknowledged);
	if (verdict.processes == 0) {
		flagp_print_say("the files are in order; %s is not running; "
				"applies at its start", client->paths.service);
		return CODE_UNACKNOWLEDGED;
	}
	if (reached) {
		flagp_print_say("ok %zu/%zu families (%zu process%s), %u "
				"file%s", verdict.acknowledged,
				verdict.families, verdict.processes,
				verdict.processes == 1 ? "" : "es",
				client->conf->files,
				client->conf->files == 1 ? "" : "s");
		return CODE_DONE;
	}
	if (say_refusals(&client->procs, &goal))
		return CODE_CONFIG;
	flagp_families_complain(&client->procs, &goal);
	return CODE_UNACKNOWLEDGED;
}

int
flagp_verb_reload(const struct request *request)
{
	struct client client;
	char text[1100];
	int code = flagp_client_open(&client, request, CLIENT_MUST_EXIST);

	if (code == CODE_DONE) {
		flagp_client_conf(&client);
		flagp_client_scan(&client, true);
		if (client.conf == NULL) {
			flagp_client_refused(&client, &client.conf_error, text,
					     sizeof(text));
			code = flagp_print_fail(CODE_CONFIG, "%s", text);
		} else {
			flagp_client_names(&client);
			warn_of_unknown(&client);
			flagp_client_remarks(&client);
			code = wait_for_files(&client);
		}
	}
	flagp_client_close(&client);
	return code;
}
