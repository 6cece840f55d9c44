/* SPDX-License-Identifier: MIT */
/*
 * layers.h - what a flag should be, and why.  Pure: the library computes with
 * it, flagctl explains with it.
 *
 * Highest first: panic, operator off, trip, operator on, environment, drop-ins
 * (the last one wins), main file, compiled default.  A trip beats every "on"
 * that was made before it; guard and breaker can always pull what a person
 * turned on.
 */
#ifndef FLAGP_LAYERS_H
#define FLAGP_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/conf.h"
#include "store/record.h"

enum layer {
	LAYER_PANIC,
	LAYER_OFF,
	LAYER_TRIP,
	LAYER_ON,
	LAYER_ENVIRONMENT,
	LAYER_DROPIN,
	LAYER_MAIN,
	LAYER_DEFAULT,
	LAYER_COUNT
};

/* All that is known of the service's files, as one reader saw them. */
struct layers_files {
	const struct conf *conf;		/* NULL: none */
	const struct conf *environment;		/* of one process; or NULL */
	const struct record_file *overrides[2];	/* state, run; may be NULL */
	const struct record_file *trips[2];
	const struct record_panic *panic[2];
	int64_t wall;				/* now */
	const char *boot;			/* this boot's id */
	size_t guess;	/* where in conf the flag may begin: any number */
};

/* What each layer says of one flag, and who wins. */
struct layers_answer {
	uint32_t share[LAYER_COUNT];		/* FLAGP_SHARE_NONE: nothing */
	enum layer winner;
	uint32_t effective;			/* share[winner] */
	uint32_t configured;			/* without panic .. on */
	const struct record_panic *panic;
	const struct record *override;		/* live one, on or off */
	const struct record *ended;		/* an "on" that has ended */
	const struct record *trip;
	const struct conf_value *environment, *main, *dropin; /* the last */
	size_t first;		/* where in conf it begins, if it is there */
	uint64_t generation;			/* of the winner; 0: files */
	int64_t until;				/* when the override ends; 0 */
};

/* initial: the compiled default, a share. */
void flagp_layers_ask(struct layers_answer *answer,
		      const struct layers_files *files, const char *flag,
		      uint32_t initial);

/* "panic", "off", "trip", "on", "environment", "drop-in", "main file",
 * "default". */
const char *flagp_layers_name(enum layer layer);

/* Whether a share takes this instance: all the same in every process of one
 * instance, so that a growing share never loses one that it had. */
bool flagp_layers_takes(const char *flag, uint32_t share,
			const char *instance);

/* The winner in a few words: "mysvc.ini:12", "off by root", "default". */
void flagp_layers_source(const struct layers_answer *answer, char *buffer,
			 size_t size);

/* The earliest wall time after files->wall at which something ends, or 0. */
int64_t flagp_layers_next_end(const struct layers_files *files);

/* "on", "off", or "12.5%". */
const char *flagp_layers_share(uint32_t share, char *buffer, size_t size);

#endif
