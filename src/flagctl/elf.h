/* SPDX-License-Identifier: MIT */
/*
 * elf.h - the flags that a program or a shared object defines, read from its
 * file.  Nothing of it is run.
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
#include "ripcord.h"

#define ELF_SUMMARY_SIZE 200		/* longer texts are cut */

struct elf_flag {
	char name[FLAGP_NAME_SIZE];
	char summary[ELF_SUMMARY_SIZE];
	char owner[ELF_SUMMARY_SIZE];	/* "": not named */
	bool initial;
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
 * be read, -FLAG_ECONFIG for a flag whose name cannot be, -FLAG_EACCES,
 * -FLAG_EIO, -FLAG_EAGAIN or -FLAG_ENOMEM.
 */
int flagp_elf_read(struct elf *elf, const char *path,
		   struct flag_error *error);

/* The same of an image that is in memory already; changes its bytes. */
int flagp_elf_parse(struct elf *elf, const char *path, struct text *image,
		    struct flag_error *error);

/* Whether a file is there and begins as an ELF file does. */
bool flagp_elf_is(const char *path);

const struct elf_flag *flagp_elf_find(const struct elf *elf,
				      const char *name);
void flagp_elf_free(struct elf *elf);

#endif
