/* SPDX-License-Identifier: MIT */
/*
 * elf.h - the flags and tunables that a program or a shared object defines,
 * read from its file.  Nothing of it is run.
 *
 * Accepted are linked 64-bit files of our own byte order, with section headers,
 * for the machines in elf.c; stripped ones too.  Everything else is refused
 * with a text, whatever bytes it is made of.
 */
#ifndef FLAGP_ELF_H
#define FLAGP_ELF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/text.h"
#include "base/value.h"
#include "ripcord.h"

#define ELF_SUMMARY_SIZE 200		/* longer texts are cut */
/* A string that is cut here does not fit in a line of a configuration. */
#define ELF_TEXT_SIZE 200

/* A flag or a tunable. */
struct elf_flag {
	char name[FLAGP_NAME_SIZE];
	char summary[ELF_SUMMARY_SIZE];
	char owner[ELF_SUMMARY_SIZE];	/* "": not named */
	bool initial;
	bool tunable;			/* the rest: of a tunable */
	struct value_limits limits;
	union value_number number;	/* its compiled default; of a string */
	char text[ELF_TEXT_SIZE];	/* the length of this */
};

/* The flags of one file or more; sorted by name, each once. */
struct elf {
	struct elf_flag *flags;
	size_t count, room;
};

/*
 * Adds the flags of a file to elf, which starts as { 0 }; of two with one name
 * one stays.  A file that fails adds nothing.  Returns 0, or with a text
 * in error: -FLAG_ENOENT for a file that is not there or has no flags that can
 * be read, -FLAG_ECONFIG for a flag whose name cannot be, a tunable whose
 * default is not within its own range, and two definitions that contradict
 * each other, -FLAG_EACCES, -FLAG_EIO, -FLAG_EAGAIN or -FLAG_ENOMEM.
 */
int flagp_elf_read(struct elf *elf, const char *path,
		   struct flag_error *error);

/* The same of an image that is in memory already; changes its bytes. */
int flagp_elf_parse(struct elf *elf, const char *path, struct text *image,
		    struct flag_error *error);

/* The compiled default as a configuration says it: "off", "64M", a text.
 * Returns the length of the whole text, as snprintf does. */
size_t flagp_elf_initial(const struct elf_flag *flag, char *buffer,
			 size_t size);

/* How many of them are tunables. */
size_t flagp_elf_tunables(const struct elf *elf);

/* Whether a file is there and begins as an ELF file does. */
bool flagp_elf_is(const char *path);

const struct elf_flag *flagp_elf_find(const struct elf *elf,
				      const char *name);
void flagp_elf_free(struct elf *elf);

#endif
