/* SPDX-License-Identifier: MIT */
/*
 * watch.h - inotify on folders, never on files: a file watch dies with the
 * first save that renames.  Polling goes on beside it, so a watch that cannot
 * be had only costs time.
 */
#ifndef FLAGP_WATCH_H
#define FLAGP_WATCH_H

#include "store/paths.h"

/* What something happened to; or-ed together. */
#define WATCH_CONFIG 1u
#define WATCH_LAYERS 2u

#define WATCH_LINKS 8

/* Folders by role.  W, R: the driver. */
enum watch_role {
	WATCH_ROLE_CONFIG,		/* the folder of SVC.ini */
	WATCH_ROLE_DROPINS,		/* SVC.d */
	WATCH_ROLE_STATE,
	WATCH_ROLE_RUN,
	WATCH_ROLE_LINK,		/* folders that links lead through */
	WATCH_ROLES = WATCH_ROLE_LINK + WATCH_LINKS
};

struct watch {
	int descriptor;			/* -1: none, polling alone */
	int watches[WATCH_ROLES];	/* -1: none */
	char mode[24];			/* "inotify", "poll(EMFILE)",
					 * "poll(closed)": by the host */
};

#define WATCH_INIT { -1, { 0 }, "-" }

/* Opens the inotify descriptor; failure only shows in mode. */
void flagp_watch_open(struct watch *watch);

/* Watches every folder that matters now; again after each reload, since links
 * and folders come and go.  What is not there is tried again next time; what
 * may not be opened any more (chroot) keeps its old watch. */
void flagp_watch_aim(struct watch *watch, const struct paths *paths);

/* Takes all events; returns WATCH_* bits, all of them after an overflow. */
unsigned flagp_watch_read(struct watch *watch);

void flagp_watch_close(struct watch *watch);

#endif
