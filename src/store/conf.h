/* SPDX-License-Identifier: MIT */
/*
 * conf.h - the configuration of a service: SVC.ini, then SVC.d/NAME.ini in
 * byte order.  All of it is taken or nothing.
 *
 *	[checksum.crc32c]
 *	state = 25%			; on | off | 0% to 100%
 *	bucket = flagd2			; how a percentage chooses keys
 *
 *	[cache.bytes]
 *	value = 64M			; of a tunable
 *
 *	[defaults]
 *	bucket = flagd2			; for every flag that does not say
 *
 * A section is a flag or a tunable.  Sections with a colon ("breaker:cache")
 * and reserved words are for other readers: they are skipped, and listed in
 * skipped.  Keys that a later version knows refuse the set as "not in this
 * version"; other keys as "unknown key", with the nearest.
 *
 * Lines are read by our own reader; pairs are handed one by one to inih, which
 * alone would take a directory for an empty file, move keys into the wrong
 * section and make a key of a long comment's tail.
 */
#ifndef FLAGP_CONF_H
#define FLAGP_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "ripcord.h"

#define CONF_FILE_LIMIT (16u << 20)	/* bytes of one file */
#define CONF_LINE_LIMIT 190u		/* characters of one line of data */
#define CONF_FILES_LIMIT 256u		/* the main file is one of them */

/* One "state = ..." or "value = ..." of one file. */
struct conf_value {
	const char *flag;
	const char *file;		/* "mysvc.ini" or "mysvc.d/10-x.ini" */
	const char *text;		/* of a value; NULL: a state */
	unsigned line;
	uint32_t share;			/* of a state; a value: NONE */
	bool dropin;
	bool again;			/* the value before is of this flag */
};

/* A section that is not ours. */
struct conf_skipped {
	const char *section, *file;
	unsigned line;
};

struct conf {
	uint64_t digest;		/* of names and bytes; 0: no file */
	uint64_t signature;		/* flagp_conf_signature() of the same */
	unsigned files;
	size_t count, skipped_count;
	struct conf_value *values;	/* sorted by flag, then as read */
	struct conf_skipped *skipped;
	void *memory;			/* belongs to conf.c */
};

/*
 * Reads the files under directory (-1: as if there were none).  Returns a set
 * to free with flagp_conf_free(), or NULL with file, line and text in error:
 * code FLAG_ECONFIG for content, another for what could not be read,
 * FLAG_EAGAIN for a file that was changing.
 */
struct conf *flagp_conf_read(int directory, const char *service,
			     struct flag_error *error);

/* Frees what flagp_conf_read() returned, or what flagp_conf_parse() added:
 * then conf itself stays the caller's, and is { 0 } again. */
void flagp_conf_free(struct conf *conf);

/* A number that changes when a file of the set does; cheap: opens no file, but
 * lists the drop-ins. */
uint64_t flagp_conf_signature(int directory, const char *service);

/* What is worth saying of a file that is in force all the same. */
enum conf_remark {
	CONF_OPEN_TO_ALL,		/* whoever may write it flips flags */
	CONF_DETACHED			/* mounted alone, and replaced since */
};

/* Calls found for the folder of drop-ins and each file of a service of which
 * there is something to say. */
void flagp_conf_remarks(int directory, const char *service,
			void (*found)(void *data, const char *path,
				      enum conf_remark remark),
			void *data);

/*
 * Parses one text, for check, tests and fuzzing; adds to conf, which starts
 * as { 0 }.  Returns 0, -FLAG_ECONFIG or -FLAG_ENOMEM; a text that fails adds
 * nothing.
 */
int flagp_conf_parse(struct conf *conf, const char *file, bool dropin,
		     const char *text, size_t size, struct flag_error *error);

/*
 * Parses what a host's environment says: "a.b=on,c=25%,cache.bytes=32M".  Each
 * item stands as a state, if it is one, and as a text.  file is
 * CONF_ENVIRONMENT and line the number of the item.  conf starts as { 0 }.
 * Returns 0, -FLAG_ECONFIG with nothing added, or -FLAG_ENOMEM.
 */
int flagp_conf_environment(struct conf *conf, const char *text,
			   struct flag_error *error);
#define CONF_ENVIRONMENT "RIPCORD_FLAGS"
#define CONF_ENVIRONMENT_LIMIT 1000u	/* characters */

/* The first value of flag, or NULL; those that follow it are of the same flag
 * as long as their name is equal.  The last one wins. */
const struct conf_value *flagp_conf_first(const struct conf *conf,
					  const char *flag);
/* The same as first, found at once if it stands at guess, which may be any
 * number. */
const struct conf_value *flagp_conf_first_at(const struct conf *conf,
					     size_t guess, const char *flag);
const struct conf_value *flagp_conf_last(const struct conf *conf,
					 const char *flag);

#endif
