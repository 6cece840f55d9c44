/* SPDX-License-Identifier: MIT */
/* files.h - files that check, lint and init look into. */
#ifndef FLAGP_FILES_H
#define FLAGP_FILES_H

#include "flagctl/client.h"
#include "flagctl/elf.h"

/*
 * Adds one file to conf, which starts as { 0 }.  Returns CODE_DONE, or a code
 * whose error is printed; missing: the one for a file that is not there.
 */
int flagp_files_parse(struct conf *conf, const char *path,
		      enum exit_code missing);

/* Prints why the configuration of a client was refused.  Returns the code. */
int flagp_files_refused(const struct client *client);

/* Adds the flags that a program defines.  Returns CODE_DONE, or a code whose
 * error is printed. */
int flagp_files_read_flags(struct elf *elf, const char *path);

/* Warns of sections that are not flags; prefix: before each file. */
void flagp_files_warn_skipped(const struct conf *conf, const char *prefix);

#endif
