/* SPDX-License-Identifier: MIT */
/*
 * paths.h - where a service's files are.
 *
 *			system			user		--root DIR
 * configuration	/etc/ripcord		$XDG_CONFIG_HOME/ripcord
 *							DIR/etc
 * state		/var/lib/ripcord/SVC	$XDG_STATE_HOME/ripcord/SVC
 *							DIR/state/SVC
 * run			/run/ripcord/SVC	$XDG_RUNTIME_DIR/ripcord/SVC
 *							DIR/run/SVC
 *
 * In the configuration folder: SVC.ini, then SVC.d/NAME.ini in byte order.
 * In state and run: live/ (watched), proc/ (run only), lock (run only).
 */
#ifndef FLAGP_PATHS_H
#define FLAGP_PATHS_H

#include <stdbool.h>

#include "base/compiler.h"
#include "ripcord.h"

enum paths_kind { PATHS_SYSTEM, PATHS_USER, PATHS_ROOT };

struct paths {
	enum paths_kind kind;
	char service[FLAGP_NAME_SIZE];	/* "" in an answer for no service */
	char config[FLAGP_PATH_SIZE];	/* the folder that holds SVC.ini */
	char state[FLAGP_PATH_SIZE];
	char run[FLAGP_PATH_SIZE];
};

#define PATHS_DIRECTORY_MODE 02770

/*
 * Fills paths for service.  With root (not NULL, not empty) that folder;
 * else the system's if the caller is root or /run/ripcord/SVC or
 * /etc/ripcord/SVC.ini exists; else the user's (secure_getenv).  Looks, but
 * creates nothing.  Returns 0, or -FLAG_EINVAL with a text in error.
 */
int flagp_paths_find(struct paths *paths, const char *service,
		     const char *root, struct flag_error *error);

/*
 * The name of the shared mapping of a process that uses these paths, as
 * /proc/PID/maps shows it behind "/memfd:": "ripcord:SVC", and for a place
 * that is not the system's a colon and a number made of its run directory, so
 * that two services of one name under two roots are told apart.
 */
#define PATHS_BOARD_NAME_SIZE (FLAGP_NAME_SIZE + 24)
void flagp_paths_board_name(const struct paths *paths, char *name,
			    unsigned long size);

/*
 * The names of all services of a place (root as above): those that have a
 * configuration file, a state directory or a run directory; sorted, each once.
 * Calls found for each.  Returns their number.
 */
int flagp_paths_services(const char *root,
			 void (*found)(void *data, const struct paths *paths),
			 void *data);

/* The descriptors that a process keeps; -1 where not to be had. */
struct places {
	int config;		/* the configuration folder */
	int config_error;	/* errno: it is there, but cannot be opened */
	int state, state_live;
	int run, run_live, run_proc;
};

#define PLACES_INIT { -1, 0, -1, -1, -1, -1, -1 }

/*
 * Opens them all; with create, makes state, run and what is in them (mode
 * 2770).  What cannot be opened stays -1 and is noted in error (first one),
 * except a configuration folder that is not there, which is in order.
 * Returns 0, or the positive code of the first that is missing.
 */
int flagp_places_open(struct places *places, const struct paths *paths,
		      bool create, struct flag_error *error);
void flagp_places_close(struct places *places);

/*
 * Whether the configuration folder may be read as it is: 0, or -code with a
 * text in error where it is there, but cannot be opened, or is open to all.
 */
int flagp_places_check_config(const struct places *places,
			      const struct paths *paths,
			      struct flag_error *error);

#endif
