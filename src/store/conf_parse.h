/* SPDX-License-Identifier: MIT */
/*
 * conf_parse.h - one text into a configuration: the part of conf.c that knows
 * sections and keys, and owns the memory of a set.
 */
#ifndef FLAGP_CONF_PARSE_H
#define FLAGP_CONF_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "ripcord.h"
#include "store/conf.h"

struct conf_block;

/* What conf.memory points to. */
struct conf_memory {
	bool owns_conf;			/* the struct conf came from malloc */
	size_t values_room, skipped_room;
	struct conf_block *blocks;	/* strings, the newest block first */
};

/* Gives conf its memory if it has none.  Returns 0 or -FLAG_ENOMEM. */
int flagp_conf_prepare(struct conf *conf, struct flag_error *error);

/*
 * Adds one text; the values stay unsorted.  Nothing is added on failure.
 * Returns 0, -FLAG_ECONFIG or -FLAG_ENOMEM.
 */
int flagp_conf_add(struct conf *conf, const char *file, bool dropin,
		   const char *text, size_t size, struct flag_error *error);

/* For other readers of states and values: what a file is called, a copy of a
 * text, and one value, of which flag and text are copies already.  NULL or
 * false: out of memory. */
const char *flagp_conf_source(struct conf *conf, const char *file);
char *flagp_conf_keep(struct conf *conf, const char *text, size_t size);
bool flagp_conf_append(struct conf *conf, const struct conf_value *value);

/* Sorts the values by flag, those of one flag as read. */
void flagp_conf_sort(struct conf *conf);

/* Frees what conf holds; it is { 0 } again. */
void flagp_conf_release(struct conf *conf);

#endif
