/* SPDX-License-Identifier: MIT */
/* fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

char *
fuzz_copy(const void *data, size_t size)
{
	char *copy = malloc(size);

	FUZZ_CHECK(copy != NULL || size == 0);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

uint64_t
fuzz_hash(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint64_t hash = size;

	for (; size > 0; size--, byte++) {
		hash = (hash ^ *byte) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

/* --- memory --------------------------------------------------------------- */

/* The linker calls these where the parsers allocate (--wrap). */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);

static bool starving, starved;
static unsigned allocations_left;

void
fuzz_starve(unsigned number)
{
	starving = true;
	starved = false;
	allocations_left = number;
}

bool
fuzz_fed(void)
{
	starving = false;
	return starved;
}

/* Whether this allocation is the one that fails. */
static bool
fails(void)
{
	if (!starving || allocations_left-- > 0)
		return false;
	starving = false;
	starved = true;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/* --- texts ---------------------------------------------------------------- */

void
fuzz_check_text(const char *text, size_t room)
{
	FUZZ_CHECK(memchr(text, '\0', room) != NULL);
	for (; *text != '\0'; text++)
		FUZZ_CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

void
fuzz_check_error(const struct flag_error *error, int code, const char *file,
		 unsigned lines)
{
	FUZZ_CHECK(error->code == code);
	fuzz_check_text(error->file, sizeof(error->file));
	fuzz_check_text(error->text, sizeof(error->text));
	FUZZ_CHECK(error->text[0] != '\0');
	FUZZ_CHECK(strcmp(error->file, file == NULL ? "" : file) == 0);
	FUZZ_CHECK(error->line <= lines);
}

unsigned
fuzz_lines(const char *text, size_t size)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	return lines;
}

/* --- files ---------------------------------------------------------------- */

static char folder_path[64];
static int folder = -1;

static void
remove_folder(void)
{
	static const char *const names[] = {
		"PANIC", "812.4711", "elf", "flags", "history", "history.1",
		"overrides", "stat", "trips",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(folder, names[i], 0);
	rmdir(folder_path);
}

int
fuzz_folder(void)
{
	/* In memory where there is such a place: a file an input. */
	const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	if (folder >= 0)
		return folder;
	snprintf(folder_path, sizeof(folder_path), "%s/ripcord-fuzz.XXXXXX",
		 place);
	FUZZ_CHECK(mkdtemp(folder_path) != NULL);
	folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(folder >= 0);
	atexit(remove_folder);
	return folder;
}

void
fuzz_put(const char *name, const void *data, size_t size)
{
	int file = openat(fuzz_folder(), name,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(file >= 0);
	FUZZ_CHECK(write(file, data, size) == (ssize_t)size);
	FUZZ_CHECK(close(file) == 0);
}

const char *
fuzz_path(const char *name)
{
	static char path[128];

	fuzz_folder();
	snprintf(path, sizeof(path), "%s/%s", folder_path, name);
	return path;
}
