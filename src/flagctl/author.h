/* SPDX-License-Identifier: MIT */
/* author.h - who makes a change, and why. */
#ifndef FLAGP_AUTHOR_H
#define FLAGP_AUTHOR_H

#include "flagctl/commands.h"
#include "store/record.h"

/* The caller, with --ticket and --reason.  CODE_DONE, or a code whose error
 * is printed. */
int flagp_author_fill(struct record_author *author,
		      const struct request *request);

#endif
