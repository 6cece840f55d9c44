/* SPDX-License-Identifier: MIT */
/* lint.c - compares the flags and tunables of a program with a
 * configuration. */
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
#include "core/layers.h"
#include "flagctl/files.h"
#include "flagctl/print.h"

struct lint {
	const struct request *request;
	struct elf elf;			/* of all binaries */
	char where[FLAGP_PATH_SIZE];	/* the binaries, for messages */
	bool *configured;		/* beside elf.flags */
	const char **names;		/* of elf.flags */
	struct print_table *unknown, *refused;
	int wanted, compared;		/* configurations */
};

static const struct print_column unknown_columns[] = {
	{ NULL, "flag" }, { NULL, "file" }, { NULL, "line" },
	{ NULL, "nearest" },
};

static const struct print_column refused_columns[] = {
	{ NULL, "flag" }, { NULL, "file" }, { NULL, "line" },
	{ NULL, "text" }, { NULL, "problem" },
};

static const struct print_column unset_columns[] = {
	{ "FLAG", "flag" }, { "DEFAULT", "default" }, { "OWNER", "owner" },
	{ "SUMMARY", "summary" },
};

static const struct print_column unset_tunable_columns[] = {
	{ "TUNABLE", "tunable" }, { "DEFAULT", "default" },
	{ "OWNER", "owner" }, { "SUMMARY", "summary" },
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

/* A line that the program would refuse. */
static int
say_refused(struct lint *lint, const struct conf_value *value,
	    const char *prefix, const char *problem)
{
	struct print_table *table = lint->refused;
	const char *text = value->text;
	char share[16];

	if (text == NULL)
		text = flagp_layers_share(value->share, share, sizeof(share));
	flagp_print_cell(table, MARK_NONE, "%s", value->flag);
	flagp_print_cell(table, MARK_NONE, "%s%s", prefix, value->file);
	flagp_print_cell_number(table, value->line);
	flagp_print_cell(table, MARK_NONE, "%s", text);
	flagp_print_cell(table, MARK_NONE, "%s", problem);
	return flagp_print_fail(CODE_CONFIG, "%s%s:%u: [%s] %s = %s: %s",
				prefix, value->file, value->line, value->flag,
				value->text != NULL ? "value" : "state", text,
				problem);
}

/* Whether the program takes what stands behind the key. */
static int
compare_value(struct lint *lint, const struct elf_flag *flag,
	      const struct conf_value *given, const char *prefix)
{
	char range[VALUE_RANGE_SIZE], text[VALUE_RANGE_SIZE + 64];
	struct flag_error why;
	struct value value;

	if (!flag->tunable && given->text == NULL)
		return CODE_DONE;
	if (!flag->tunable)
		return say_refused(lint, given, prefix, "this is a flag; use "
				   "state = on, off or a percentage");
	if (given->text == NULL) {
		flagp_value_range(&flag->limits, range, sizeof(range));
		snprintf(text, sizeof(text), "this is a tunable; use value = "
			 "..., %s", range);
		return say_refused(lint, given, prefix, text);
	}
	flagp_error_clear(&why);
	if (flagp_value_parse(&value, &flag->limits, given->text,
			      strlen(given->text), &why) != 0)
		return say_refused(lint, given, prefix, why.text);
	return CODE_DONE;
}

/* prefix: stands before the names of the files. */
static int
compare(struct lint *lint, const struct conf *conf, const char *prefix)
{
	int result, code = CODE_DONE;

	flagp_files_warn_skipped(conf, prefix);
	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_value *value = &conf->values[i];
		const struct elf_flag *flag = flagp_elf_find(&lint->elf,
							     value->flag);

		if (flag == NULL) {
			code = say_unknown(lint, value, prefix);
			continue;
		}
		lint->configured[flag - lint->elf.flags] = true;
		result = compare_value(lint, flag, value, prefix);
		if (result != CODE_DONE)
			code = result;
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
	lint->refused = flagp_print_table(refused_columns,
					  FLAGP_COUNT(refused_columns));
	return CODE_DONE;
}

/* --- what is said ------------------------------------------------------ */

static void
say_unset_one(struct print_table *table, const struct elf_flag *flag)
{
	char initial[ELF_TEXT_SIZE];

	flagp_elf_initial(flag, initial, sizeof(initial));
	flagp_print_cell(table, MARK_STRONG, "%s", flag->name);
	flagp_print_cell(table, MARK_NONE, "%s", initial);
	if (flag->owner[0] != '\0')
		flagp_print_cell(table, MARK_NONE, "%s", flag->owner);
	else
		flagp_print_cell_none(table);
	flagp_print_cell(table, MARK_NONE, "%s", flag->summary);
}

/* Those that no file names, of one kind; before: lines of the other. */
static size_t
say_unset(const struct lint *lint, bool tunable, size_t before)
{
	struct print_table *table;
	size_t count = 0;

	table = flagp_print_table(tunable ? unset_tunable_columns :
				  unset_columns, FLAGP_COUNT(unset_columns));
	for (size_t i = 0; i < lint->elf.count; i++) {
		const struct elf_flag *flag = &lint->elf.flags[i];

		if (lint->configured[i] || flag->tunable != tunable)
			continue;
		if (count++ == 0)
			flagp_print_plain("%s", before > 0 ? "\n" :
				"Not in the configuration, so the compiled "
				"default decides:\n");
		say_unset_one(table, flag);
	}
	flagp_print_table_end(table, tunable ? "tunables_not_configured" :
			      "not_configured", count > 0);
	return count;
}

/* The end, where all binaries could be read.  What is not configured is no
 * error: its compiled default decides. */
static void
conclude(const struct lint *lint, int code)
{
	size_t tunables = flagp_elf_tunables(&lint->elf), unset;
	size_t flags = lint->elf.count - tunables;
	char more[48] = "";

	flagp_print_table_end(lint->unknown, "unknown", false);
	flagp_print_table_end(lint->refused, "refused", false);
	flagp_print_number(NULL, "flags", (int64_t)flags);
	flagp_print_number(NULL, "tunables", (int64_t)tunables);
	/* What the others configure is not known. */
	if (lint->compared < lint->wanted)
		return;
	unset = say_unset(lint, false, 0);
	unset += say_unset(lint, true, unset);
	if (tunables > 0)
		snprintf(more, sizeof(more), ", %zu tunable%s", tunables,
			 tunables == 1 ? "" : "s");
	if (code == CODE_DONE)
		flagp_print_say("ok: %zu flag%s%s, %zu in the configuration",
				flags, flags == 1 ? "" : "s", more,
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
