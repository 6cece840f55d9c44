/* SPDX-License-Identifier: MIT */
/* author.c - who makes a change, and why. */
#include "flagctl/author.h"

#include <pwd.h>
#include <stdio.h>

#include "flagctl/print.h"

/* The user's name; the digits stay where there is none. */
static void
fill_name(struct record_author *author)
{
	const struct passwd *entry = getpwuid(author->uid);

	if (entry != NULL)
		snprintf(author->user, sizeof(author->user), "%s",
			 entry->pw_name);
}

int
flagp_author_fill(struct record_author *author, const struct request *request)
{
	const char *ticket = request->ticket, *reason = request->reason;
	int length;

	flagp_record_author(author);
	fill_name(author);
	length = snprintf(author->reason, sizeof(author->reason), "%s%s%s",
			  ticket != NULL ? ticket : "",
			  ticket != NULL && reason != NULL ? ": " : "",
			  reason != NULL ? reason : "");
	if (length < (int)sizeof(author->reason))
		return CODE_DONE;
	return flagp_print_fail(CODE_USAGE,
		"--ticket and --reason: at most %zu bytes together are "
		"accepted, not %d", sizeof(author->reason) - 3, length - 2);
}
