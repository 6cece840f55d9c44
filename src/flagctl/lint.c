/* SPDX-License-Identifier: MIT */
/* lint.c - compares the flags of a program with a configuration. */
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
#include "flagctl/files.h"
#include "flagctl/print.h"

struct lint {
	const struct request *request;
	struct elf elf;			/* of all binaries */
	char where[FLAGP_PATH_SIZE];	/* the binaries, for messages */
	bool *configured;		/* beside elf.flags */
	const char **names;		/* of elf.flags */
	struct print_table *unknown;
	int wanted, compared;		/* configurations */
};

static const struct print_column unknown_columns[] = {
	{ NULL, "flag" }, { NULL, "file" }, { NULL, "line" },
	{ NULL, "nearest" },
};

static const struct print_column unset_columns[] = {
	{ "FLAG", "flag" }, { "DEFAULT", "default" }, { "OWNER", "owner" },
	{ "SUMMARY", "summary" },
};

/* --- what is compared -------------------------------------------------- */

/* A name that no binary has. */
static int
say_unknown(struct lint *lint, const struct conf_value *value,
	    const char *prefix)
{
	struct print_table *table = lint->unknown;
	const char *nearest = flagp_text_nearest(value->flag, lint->names,
						 lint->elf.count);

	flagp_print_cell(table, MARK_NONE, "%s", value->flag);
	flagp_print_cell(table, MARK_NONE, "%s%s", prefix, value->file);
	flagp_print_cell_number(table, value->line);
	if (nearest == NULL) {
		flagp_print_cell_none(table);
		return flagp_print_fail(CODE_CONFIG,
			"%s%s:%u: [%s]: not in %s; if a library of it has "
			"this flag, name the library too", prefix, value->file,
			value->line, value->flag, lint->where);
	}
	flagp_print_cell(table, MARK_NONE, "%s", nearest);
	return flagp_print_fail(CODE_CONFIG,
		"%s%s:%u: [%s]: not in %s; did you mean %s?", prefix,
		value->file, value->line, value->flag, lint->where, nearest);
}

/* prefix: stands before the names of the files. */
static int
compare(struct lint *lint, const struct conf *conf, const char *prefix)
{
	const struct elf_flag *flag;
	int code = CODE_DONE;

	flagp_files_warn_skipped(conf, prefix);
	for (size_t i = 0; i < conf->count; i++) {
		flag = flagp_elf_find(&lint->elf, conf->values[i].flag);
		if (flag != NULL)
			lint->configured[flag - lint->elf.flags] = true;
		else
			code = say_unknown(lint, &conf->values[i], prefix);
	}
	lint->compared++;
	return code;
}

/* --- configurations ---------------------------------------------------- */

static int
lint_service(struct lint *lint)
{
	struct client client;
	int code = flagp_client_open(&client, lint->request,
				     CLIENT_MUST_EXIST);

	if (code == CODE_DONE) {
		flagp_client_conf(&client);
		flagp_client_scan(&client, false);
		if (client.conf != NULL)
			code = compare(lint, client.conf, "");
		else
			code = flagp_files_refused(&client);
	}
	flagp_client_close(&client);
	return code;
}

static int
lint_file(struct lint *lint, const char *path)
{
	struct conf conf = { .count = 0 };
	int code = flagp_files_parse(&conf, path, CODE_UNKNOWN);

	if (code == CODE_DONE)
		code = compare(lint, &conf, "");
	flagp_conf_free(&conf);
	return code;
}

/* The service whose files in a folder are meant. */
static int
name_service(const struct lint *lint, const char *folder, const char **name)
{
	*name = lint->request->service;
	if (*name == NULL)
		*name = secure_getenv("RIPCORD_SERVICE");
	if (*name == NULL)
		return flagp_print_fail(CODE_USAGE,
			"%s is a folder: name the service whose files there "
			"are meant with -s SVC, or name the files", folder);
	if (!flagp_text_is_name(*name))
		return flagp_print_fail(CODE_USAGE,
			"\"%.60s\" cannot be a service; accepted are "
			"[A-Za-z0-9][A-Za-z0-9_.-]*, at most %d characters",
			*name, FLAGP_NAME_MAX);
	return CODE_DONE;
}

static int
compare_folder(struct lint *lint, int folder, const char *path,
	       const char *service)
{
	struct flag_error error = { 0 };
	struct conf *conf = flagp_conf_read(folder, service, &error);
	char prefix[FLAGP_PATH_SIZE], text[1000];
	int code;

	snprintf(prefix, sizeof(prefix), "%s/", path);
	if (conf == NULL) {
		flagp_error_text(&error, text, sizeof(text));
		code = flagp_print_fail(error.code == FLAG_EACCES ?
					CODE_PERMISSION : CODE_CONFIG, "%s%s",
					prefix, text);
	} else if (conf->files == 0) {
		code = flagp_print_fail(CODE_UNKNOWN,
			"%s: neither %s.ini nor a file in %s.d is there", path,
			service, service);
	} else {
		code = compare(lint, conf, prefix);
	}
	flagp_conf_free(conf);
	return code;
}

static int
lint_folder(struct lint *lint, const char *path)
{
	const char *service;
	int folder, code = name_service(lint, path, &service);

	if (code != CODE_DONE)
		return code;
	folder = flagp_io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (folder == -EACCES)
		return flagp_client_denied(path, "look");
	if (folder < 0)
		return flagp_print_fail(CODE_FAILED, "%s: %s", path,
					strerror(-folder));
	code = compare_folder(lint, folder, path, service);
	close(folder);
	return code;
}

static int
lint_configuration(struct lint *lint, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return lint_folder(lint, path);
	return lint_file(lint, path);
}

/* --- binaries ---------------------------------------------------------- */

/* Reads the first operand and those behind it that are ELF files.  Returns
 * their number, or with none the code in *code. */
static int
read_binaries(struct lint *lint, int *code)
{
	const struct request *request = lint->request;
	int count = 0;

	do {
		*code = flagp_files_read_flags(&lint->elf,
					       request->operands[count]);
		count++;
	} while (*code == CODE_DONE && count < request->count &&
		 flagp_elf_is(request->operands[count]));
	if (count == 1)
		snprintf(lint->where, sizeof(lint->where), "%s",
			 request->operands[0]);
	else
		snprintf(lint->where, sizeof(lint->where), "any of %d files",
			 count);
	return count;
}

static int
prepare(struct lint *lint)
{
	size_t count = lint->elf.count;

	lint->configured = calloc(count, sizeof(*lint->configured));
	lint->names = calloc(count, sizeof(*lint->names));
	if (lint->configured == NULL || lint->names == NULL)
		return flagp_print_fail(CODE_FAILED, "out of memory");
	for (size_t i = 0; i < count; i++)
		lint->names[i] = lint->elf.flags[i].name;
	lint->unknown = flagp_print_table(unknown_columns,
					  FLAGP_COUNT(unknown_columns));
	return CODE_DONE;
}

/* --- what is said ------------------------------------------------------ */

/* Flags that no file names: no error, their compiled default decides. */
static size_t
say_unset(const struct lint *lint)
{
	struct print_table *table;
	size_t count = 0;

	table = flagp_print_table(unset_columns, FLAGP_COUNT(unset_columns));
	for (size_t i = 0; i < lint->elf.count; i++) {
		const struct elf_flag *flag = &lint->elf.flags[i];

		if (lint->configured[i])
			continue;
		if (count++ == 0)
			flagp_print_plain("Not in the configuration, so the "
					  "compiled default decides:\n");
		flagp_print_cell(table, MARK_STRONG, "%s", flag->name);
		flagp_print_cell(table, MARK_NONE, "%s",
				 flag->initial ? "on" : "off");
		if (flag->owner[0] != '\0')
			flagp_print_cell(table, MARK_NONE, "%s", flag->owner);
		else
			flagp_print_cell_none(table);
		flagp_print_cell(table, MARK_NONE, "%s", flag->summary);
	}
	flagp_print_table_end(table, "not_configured", count > 0);
	return count;
}

/* The end, where all binaries could be read. */
static void
conclude(const struct lint *lint, int code)
{
	size_t unset;

	flagp_print_table_end(lint->unknown, "unknown", false);
	flagp_print_number(NULL, "flags", (int64_t)lint->elf.count);
	/* What the others configure is not known. */
	if (lint->compared < lint->wanted)
		return;
	unset = say_unset(lint);
	if (code == CODE_DONE)
		flagp_print_say("ok: %zu flag%s, %zu in the configuration",
				lint->elf.count,
				lint->elf.count == 1 ? "" : "s",
				lint->elf.count - unset);
}

static int
run(struct lint *lint)
{
	const struct request *request = lint->request;
	int result, code, i = read_binaries(lint, &code);

	if (code == CODE_DONE)
		code = prepare(lint);
	if (code != CODE_DONE)
		return code;
	lint->wanted = i < request->count ? request->count - i : 1;
	if (i == request->count)
		code = lint_service(lint);
	for (; i < request->count; i++) {
		result = lint_configuration(lint, request->operands[i]);
		if (code == CODE_DONE)
			code = result;
	}
	conclude(lint, code);
	return code;
}

int
flagp_verb_lint(const struct request *request)
{
	struct lint lint = { .request = request };
	int code = run(&lint);

	flagp_elf_free(&lint.elf);
	free(lint.configured);
	free(lint.names);
	return code;
}
