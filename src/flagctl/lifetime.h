/* SPDX-License-Identifier: MIT */
/*
 * lifetime.h - how long an override that raises a share lasts: --for, --until,
 * --forever and --persist.  One that lowers it lasts until it is unset, and is
 * given no end: nobody would be there to see the optimized arm come back.
 */
#ifndef FLAGP_LIFETIME_H
#define FLAGP_LIFETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flagctl/commands.h"

struct lifetime {
	const char *option;		/* as it was given, or NULL */
	int64_t until;			/* wall seconds; 0: no end */
	bool persist;			/* over a boot, too */
};

/* Reads what the request says; without a word an hour from now.  Returns
 * CODE_DONE, or a code whose error is printed. */
int flagp_lifetime_read(struct lifetime *lifetime,
			const struct request *request, int64_t now);

/* Prints why an override of this flag has no end to be told.  Returns
 * CODE_REFUSED. */
int flagp_lifetime_refuse(const struct lifetime *lifetime, const char *flag);

/* "for an hour, or until the next boot"; ends: the override raises. */
const char *flagp_lifetime_text(const struct lifetime *lifetime, bool ends);

#endif
