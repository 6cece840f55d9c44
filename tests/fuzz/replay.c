/* SPDX-License-Identifier: MIT */
/*
 * replay.c - hands the inputs that a fuzzer has found to the parsers again.
 *
 *	fuzz-replay				the corpus of every parser
 *	fuzz-replay PARSER [FILE...]		these; none: its corpus
 *	fuzz-replay --unpack FILE FOLDER	a file for each of its inputs
 *	fuzz-replay --pack FOLDER		a pack of its files, on stdout
 *
 * A FILE is a pack (see pack.h), or else one input.  The corpora stand in
 * tests/fuzz/corpus of RIPCORD_SOURCE, or of the current folder; a folder a
 * parser, and neither one without the other.  TEST_ONLY is a PARSER.
 *
 * Status 0 if every parser stood every input, of which there is at least one,
 * and made of it what the pack says; one that it does not stand ends the
 * program, and its name is printed.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "pack.h"

#define FILE_LIMIT (16u << 20)
#define PATH_ROOM 4096

static const struct parser {
	const char *name;
	fuzz_target *target;
} parsers[] = {
#define PARSER(name) { #name, fuzz_##name },
	FUZZ_TARGETS(PARSER)
};

#define PARSERS (sizeof(parsers) / sizeof(parsers[0]))

/* The bytes of a file. */
struct bytes {
	uint8_t *data;
	size_t size;
};

static void
fail(const char *what, const char *name)
{
	fprintf(stderr, "fuzz-replay: %s: %s\n", name, what);
	exit(1);
}

/* --- an input that fails is named ----------------------------------------- */

/* W: replay_input.  R: the signal handler of the same thread. */
static char current[PATH_ROOM + 128];

static void
name_input(int number)
{
	static const char before[] = "fuzz-replay: not stood: ";

	/* What cannot be said does not change the status. */
	if (write(STDERR_FILENO, before, sizeof(before) - 1) < 0 ||
	    write(STDERR_FILENO, current, strlen(current)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(1);
	(void)number;
	_exit(1);
}

/* What sanitizers find ends as all else does. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "abort_on_error=1:handle_abort=0";
}

const char *
__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

/* --- files ---------------------------------------------------------------- */

static struct bytes
read_file(const char *path)
{
	struct bytes bytes = { malloc(FILE_LIMIT), 0 };
	FILE *file = fopen(path, "rbe");

	if (file == NULL || bytes.data == NULL)
		fail("cannot be read", path);
	bytes.size = fread(bytes.data, 1, FILE_LIMIT, file);
	if (ferror(file) || bytes.size == FILE_LIMIT)
		fail("cannot be read, or is too large", path);
	fclose(file);
	return bytes;
}

/* The paths of all files of a folder in byte order; their number. */
static size_t
list_folder(const char *folder, char ***paths)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	size_t found = 0;

	if (count < 0)
		fail("cannot be read", folder);
	*paths = calloc((size_t)count + 1, sizeof(**paths));
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (name[0] != '.' &&
		    asprintf(&(*paths)[found++], "%s/%s", folder, name) < 0)
			abort();
		free(entries[i]);
	}
	free(entries);
	return found;
}

static void
free_list(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}

/* --- replaying ------------------------------------------------------------ */

struct replay {
	const struct parser *parser;
	const char *path;
	unsigned inputs;
};

static void
replay_input(void *context, const struct pack_input *input)
{
	struct replay *replay = context;
	/* Of its very size, for a sanitizer to see where it ends. */
	char *copy = fuzz_copy(input->data, input->size);
	bool accepted;

	snprintf(current, sizeof(current), "%s: %s: %s", replay->parser->name,
		 replay->path, input->name);
	accepted = replay->parser->target((const uint8_t *)copy, input->size);
	if (input->verdict == PACK_ACCEPTED)
		FUZZ_CHECK(accepted);
	if (input->verdict == PACK_REFUSED)
		FUZZ_CHECK(!accepted);
	replay->inputs++;
	free(copy);
}

static void
replay_file(struct replay *replay, const char *path)
{
	struct bytes bytes = read_file(path);
	const struct pack_input whole = { "all of it", PACK_UNSAID, bytes.data,
					  bytes.size };
	const char *problem = NULL;

	replay->path = path;
	if (pack_is((const char *)bytes.data, bytes.size))
		problem = pack_read((const char *)bytes.data, bytes.size,
				    replay_input, replay);
	else
		replay_input(replay, &whole);
	if (problem != NULL)
		fail(problem, path);
	free(bytes.data);
}

static void
replay(const struct parser *parser, char **paths, size_t count)
{
	struct replay replay = { .parser = parser };

	for (size_t i = 0; i < count; i++)
		replay_file(&replay, paths[i]);
	if (replay.inputs == 0)
		fail("no input", parser->name);
	printf("%s: %u inputs\n", parser->name, replay.inputs);
}

/* --- corpora -------------------------------------------------------------- */

static const char *
corpora(void)
{
	static char path[PATH_ROOM];
	const char *source = getenv("RIPCORD_SOURCE");

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus",
		 source == NULL ? "." : source);
	return path;
}

static void
replay_corpus(const struct parser *parser)
{
	char folder[PATH_ROOM + 64], **paths;
	size_t count;

	snprintf(folder, sizeof(folder), "%s/%s", corpora(), parser->name);
	count = list_folder(folder, &paths);
	replay(parser, paths, count);
	free_list(paths, count);
}

static const struct parser *
find_parser(const char *name)
{
	for (size_t i = 0; i < PARSERS; i++)
		if (strcmp(parsers[i].name, name) == 0)
			return &parsers[i];
	fail("no such parser", name);
	return NULL;
}

static void
replay_all(void)
{
	char **paths;
	size_t count = list_folder(corpora(), &paths);

	for (size_t i = 0; i < count; i++)
		find_parser(strrchr(paths[i], '/') + 1);
	free_list(paths, count);
	for (size_t i = 0; i < PARSERS; i++)
		replay_corpus(&parsers[i]);
}

/* --- packs ---------------------------------------------------------------- */

static void
write_input(void *context, const struct pack_input *input)
{
	const char *folder = context;
	char path[PATH_ROOM];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, input->name);
	file = fopen(path, "wbe");
	if (file == NULL ||
	    fwrite(input->data, 1, input->size, file) != input->size ||
	    fclose(file) != 0)
		fail("cannot be written", path);
}

static void
unpack(const char *path, char *folder)
{
	struct bytes bytes = read_file(path);
	const char *problem = pack_read((const char *)bytes.data, bytes.size,
					write_input, folder);

	if (problem != NULL)
		fail(problem, path);
	free(bytes.data);
}

/* Small ones first: they say what is tried, the large ones build on it. */
static int
by_size(const void *left, const void *right)
{
	const struct bytes *a = left, *b = right;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->size == 0 ? 0 : memcmp(a->data, b->data, a->size);
}

static void
pack(const char *folder)
{
	char name[24], **paths;
	size_t count = list_folder(folder, &paths);
	struct bytes *inputs = calloc(count + 1, sizeof(*inputs));

	for (size_t i = 0; i < count; i++)
		inputs[i] = read_file(paths[i]);
	qsort(inputs, count, sizeof(*inputs), by_size);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%016llx", (unsigned long long)
			 fuzz_hash(inputs[i].data, inputs[i].size));
		pack_write(stdout, name, inputs[i].data, inputs[i].size);
		free(inputs[i].data);
	}
	free(inputs);
	free_list(paths, count);
}

int
main(int count, char **words)
{
	const char *only = getenv("TEST_ONLY");

	signal(SIGABRT, name_input);
	signal(SIGSEGV, name_input);
	signal(SIGBUS, name_input);
	signal(SIGFPE, name_input);
	if (count == 4 && strcmp(words[1], "--unpack") == 0)
		unpack(words[2], words[3]);
	else if (count == 3 && strcmp(words[1], "--pack") == 0)
		pack(words[2]);
	else if (count > 2)
		replay(find_parser(words[1]), words + 2, (size_t)count - 2);
	else if (count == 2)
		replay_corpus(find_parser(words[1]));
	else if (only != NULL && only[0] != '\0')
		replay_corpus(find_parser(only));
	else
		replay_all();
	return 0;
}
