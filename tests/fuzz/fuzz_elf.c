/* SPDX-License-Identifier: MIT */
/*
 * fuzz_elf.c - the flags of a program's file: flagctl/elf.c.
 *
 * The input is the file.  Either it is refused, with a text, and nothing was
 * added to what an earlier file gave; or the flags are in order, each once,
 * each name a name whose bytes stand in the file, every text fit to print.
 * Read from a file, from memory, or twice, it says the same.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flagctl/elf.h"

#define PATH "program"
#define EARLIER "m.of.another.file"
#define SIZE_MAX_ (16u << 20)

/* A set that an earlier file has left. */
static struct elf
earlier(void)
{
	struct elf elf = { calloc(1, sizeof(*elf.flags)), 1, 1 };

	FUZZ_CHECK(elf.flags != NULL);
	memcpy(elf.flags[0].name, EARLIER, sizeof(EARLIER));
	return elf;
}

/* Parses a copy, which stays in image: relocated. */
static int
parse(struct elf *elf, struct text *image, const void *data, size_t size,
      struct flag_error *error)
{
	*image = (struct text){ .data = fuzz_copy(data, size), .size = size };
	*error = (struct flag_error){ 0 };
	return flagp_elf_parse(elf, PATH, image, error);
}

static void
check_refusal(const struct elf *elf, size_t before, int result,
	      const struct flag_error *error, const char *path)
{
	FUZZ_CHECK(result == -FLAG_ENOENT || result == -FLAG_ECONFIG ||
		   result == -FLAG_ENOMEM);
	fuzz_check_error(error, -result,
			 result == -FLAG_ENOMEM ? NULL : path, 0);
	FUZZ_CHECK(elf->count == before);
}

/* Its default is within its range, and can be written into a file. */
static void
check_tunable(const struct elf_flag *flag)
{
	char text[ELF_TEXT_SIZE + VALUE_TEXT_SIZE];
	size_t length = flagp_elf_initial(flag, text, sizeof(text));
	struct value value;

	FUZZ_CHECK(flag->limits.type < VALUE_TYPES);
	FUZZ_CHECK(length == strlen(text));
	fuzz_check_text(flag->text, sizeof(flag->text));
	if (flag->limits.type == VALUE_STRING)
		FUZZ_CHECK(strcmp(text, flag->text) == 0);
	else
		FUZZ_CHECK(flagp_value_parse(&value, &flag->limits, text,
					     length, NULL) == 0);
}

static void
check_flag(const struct elf_flag *flag, const struct text *image)
{
	FUZZ_CHECK(memchr(flag->name, '\0', sizeof(flag->name)) != NULL);
	FUZZ_CHECK(flagp_text_is_flag(flag->name));
	FUZZ_CHECK(strcmp(flag->name, EARLIER) == 0 ||
		   memmem(image->data, image->size, flag->name,
			  strlen(flag->name) + 1) != NULL);
	fuzz_check_text(flag->summary, sizeof(flag->summary));
	fuzz_check_text(flag->owner, sizeof(flag->owner));
	if (flag->tunable)
		check_tunable(flag);
	else
		FUZZ_CHECK(flag->text[0] == '\0');
}

static void
check_flags(const struct elf *elf, const struct text *image)
{
	size_t tunables = 0;

	for (size_t i = 0; i < elf->count; i++) {
		tunables += elf->flags[i].tunable;
		check_flag(&elf->flags[i], image);
		FUZZ_CHECK(i == 0 || strcmp(elf->flags[i - 1].name,
					    elf->flags[i].name) < 0);
		FUZZ_CHECK(flagp_elf_find(elf, elf->flags[i].name) ==
			   &elf->flags[i]);
	}
	FUZZ_CHECK(flagp_elf_tunables(elf) == tunables);
	FUZZ_CHECK(flagp_elf_find(elf, "no.such.flag/") == NULL);
	FUZZ_CHECK(flagp_elf_find(elf, "a.name.that.is.longer.than.any.flag."
				  "may.have.one") == NULL);
}

static void
check_same(const struct elf *a, const struct elf *b)
{
	FUZZ_CHECK(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		FUZZ_CHECK(strcmp(a->flags[i].name, b->flags[i].name) == 0);
}

/* The same from a file; ELF or not is what its first four bytes say. */
static void
check_file(const struct elf *want, int wanted, const uint8_t *data,
	   size_t size)
{
	struct flag_error error = { 0 }, second = { 0 };
	struct elf elf = earlier();
	const char *path;
	int result;

	fuzz_put("elf", data, size);
	path = fuzz_path("elf");
	FUZZ_CHECK(flagp_elf_is(path) ==
		   (size >= 4 && memcmp(data, "\177ELF", 4) == 0));
	result = flagp_elf_read(&elf, path, &error);
	FUZZ_CHECK(result == wanted);
	if (result < 0)
		check_refusal(&elf, 1, result, &error, path);
	else
		check_same(&elf, want);
	flagp_elf_free(&elf);
	fuzz_starve(0);
	result = flagp_elf_read(&elf, path, &second);
	FUZZ_CHECK(fuzz_fed() && result == -FLAG_ENOMEM);
	fuzz_check_error(&second, FLAG_ENOMEM, path, 0);
	FUZZ_CHECK(flagp_elf_find(&elf, EARLIER) == NULL);
}

/* What is no file is told from one. */
static void
check_no_file(const char *path)
{
	struct flag_error error = { 0 };
	struct elf elf = { 0 };

	FUZZ_CHECK(!flagp_elf_is(path));
	FUZZ_CHECK(flagp_elf_read(&elf, path, &error) == -FLAG_ENOENT);
	fuzz_check_error(&error, FLAG_ENOENT, path, 0);
	FUZZ_CHECK(elf.count == 0 && elf.flags == NULL);
}

static void
check_starved(const struct elf *want, int wanted, const uint8_t *data,
	      size_t size)
{
	struct text image = { .data = fuzz_copy(data, size), .size = size };
	struct flag_error error = { 0 };
	struct elf elf = earlier();
	int result;

	fuzz_starve((unsigned)(fuzz_hash(data, size) % 2));
	result = flagp_elf_parse(&elf, PATH, &image, &error);
	if (fuzz_fed())
		check_refusal(&elf, 1, result, &error, PATH);
	else if (result == 0)
		check_same(&elf, want);
	else
		FUZZ_CHECK(result == wanted);
	flagp_elf_free(&elf);
	free(image.data);
}

bool
fuzz_elf(const uint8_t *data, size_t size)
{
	struct flag_error error, second;
	struct text image, again;
	struct elf elf;
	size_t count;
	int result;

	if (size > SIZE_MAX_)
		return false;
	elf = earlier();
	result = parse(&elf, &image, data, size, &error);
	count = elf.count;
	if (result == 0)
		check_flags(&elf, &image);
	else
		check_refusal(&elf, 1, result, &error, PATH);
	check_file(&elf, result, data, size);
	check_no_file(fuzz_path(""));
	check_no_file(fuzz_path("no-such-file"));
	check_no_file(fuzz_path("elf/below"));
	check_starved(&elf, result, data, size);
	/* What is known already adds nothing. */
	FUZZ_CHECK(parse(&elf, &again, data, size, &second) == result);
	FUZZ_CHECK(elf.count == count);
	FUZZ_CHECK(memcmp(&error, &second, sizeof(error)) == 0);
	flagp_elf_free(&elf);
	FUZZ_CHECK(elf.flags == NULL && elf.count == 0);
	free(image.data);
	free(again.data);
	return result == 0;
}

FUZZ_TARGET(fuzz_elf)
