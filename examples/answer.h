/* SPDX-License-Identifier: MIT */
/*
 * answer.h - what the service can be asked.
 *
 *	/crc32/PATH	CRC-32 of a file, eight hexadecimal digits
 *	/count/WORD	how often WORD occurs in all files
 *	/files		the paths, one a line
 *	/stats		what has been answered, and each flag with its reason
 *	/health		ok
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "corpus.h"
#include "http.h"
#include "tally.h"

#define ANSWER_WORD_LIMIT 64u		/* characters of WORD */

/* What answers are made from. */
struct answer_source {
	const struct corpus *corpus;
	struct tally *tallies;		/* of all workers */
};

/* Adds the body for a request to body.  Returns the HTTP status. */
int answer(const struct answer_source *source,
	   const struct http_request *request, struct bytes *body);

#endif
