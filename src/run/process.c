/* SPDX-License-Identifier: MIT */
/* process.c - this process, its registration, and fork. */
#include "run/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/lock.h"
#include "core/board.h"
#include "core/change.h"
#include "core/events.h"
#include "core/registry.h"
#include "core/tunables.h"
#include "core/view.h"
#include "run/report.h"
#include "run/rollout.h"


/*
 * W: start, stop and the driver under LOCK_CHANGE, the fork handler in a
 * child that has one thread.  R: the same.
 */
static struct paths paths;
static struct places places = PLACES_INIT;
static struct proc_head head;
static struct stat entry_status;	/* identity of entry */
static int entry = -1;			/* our registration */
static int slash_proc = -1;		/* /proc, for after a chroot */
static enum flag_fork on_fork;
static bool is_open, new_child;
static uint64_t entry_number;		/* how many entries there were */
static struct flag_error standing;	/* as long as this driver lives */

/* W: start.  R: the fork handler. */
static void (*forget_driver)(void);

const struct paths *
flagp_process_paths(void)
{
	return &paths;
}

const struct places *
flagp_process_places(void)
{
	return &places;
}

static void
fill_head(void)
{
	int descriptor;
	ssize_t size = 0;

	memset(&head, 0, sizeof(head));
	head.pid = (int)getpid();
	head.start = flagp_proc_start_time(slash_proc, "self/stat");
	head.started = flagp_clock_wall();
	snprintf(head.watch, sizeof(head.watch), "-");
	snprintf(head.service, sizeof(head.service), "%s", paths.service);
	snprintf(head.version, sizeof(head.version), "%s", FLAG_VERSION);
	descriptor = flagp_io_open(slash_proc, "self/comm", O_RDONLY, 0);
	if (descriptor >= 0) {
		size = read(descriptor, head.program, sizeof(head.program) - 1);
		close(descriptor);
	}
	head.program[size > 0 ? size - 1 : 0] = '\0';
}

int
flagp_process_open(const char *service, const char *root,
		   enum flag_fork what, struct flag_error *error)
{
	int result = flagp_paths_find(&paths, service, root, error);

	if (result != 0)
		return result;
	on_fork = what;
	flagp_error_clear(&standing);
	slash_proc = flagp_io_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY,
				   0);
	fill_head();
	result = flagp_places_open(&places, &paths, true, error);
	flagp_change_places(&places);
	is_open = true;
	new_child = false;
	return result;
}

bool
flagp_process_is_open(void)
{
	return is_open;
}

void
flagp_process_close(void)
{
	flagp_change_places(NULL);
	flagp_places_close(&places);
	if (slash_proc >= 0)
		close(slash_proc);
	slash_proc = -1;
	is_open = false;
}

/* --- the registration -------------------------------------------------- */

/* Whether the descriptor still is our entry: the host may have closed it and
 * got the number for something else. */
static bool
entry_stands(void)
{
	struct stat now;

	return entry >= 0 && fstat(entry, &now) == 0 &&
	       now.st_dev == entry_status.st_dev &&
	       now.st_ino == entry_status.st_ino;
}

/* Whether others find it where they look: it may have been removed, and its
 * folder replaced by another one. */
static bool
entry_has_name(void)
{
	return entry_stands() && flagp_proc_stands(places.run_proc, &head,
						   entry);
}

static void
forget_entry(void)
{
	if (entry_stands())
		close(entry);
	entry = -1;
}

static int
create_entry(void)
{
	head.board = flagp_board_id();
	head.own_cells = flagp_board_own_cells();
	head.tick_ms = flagp_clock_ms();
	entry_number++;
	entry = flagp_proc_create(places.run_proc, &head);
	if (entry < 0)
		return entry;
	if (fstat(entry, &entry_status) != 0)
		return -errno;
	return 0;
}

int
flagp_process_register(void)
{
	int result;

	if (entry_has_name())
		return 0;
	forget_entry();
	head.flags = 0;
	result = create_entry();
	/* Tried again and again where the run directory is missing: the list
	 * once is enough. */
	if (places.state >= 0 && (result == 0 || entry_number == 1))
		flagp_report_list(places.state);
	return result;
}

void
flagp_process_sweep(void)
{
	flagp_proc_sweep(places.run_proc, &head);
}

void
flagp_process_leave(void)
{
	if (entry_has_name())
		flagp_proc_remove(places.run_proc, &head);
	forget_entry();
}

void
flagp_process_driver(enum proc_driver driver)
{
	head.driver = driver;
}

void
flagp_process_watch(const char *watch)
{
	snprintf(head.watch, sizeof(head.watch), "%s", watch);
}

void
flagp_process_standing(const struct flag_error *error)
{
	standing = *error;
	if (head.error[0] == '\0')
		(void)flagp_process_error(NULL);
}

void
flagp_process_surroundings(const char *instance, const char *environment)
{
	snprintf(head.instance, sizeof(head.instance), "%s", instance);
	snprintf(head.environment, sizeof(head.environment), "%s",
		 environment);
}

bool
flagp_process_error(const struct flag_error *error)
{
	char line[sizeof(head.error)] = "";
	bool news;

	if (error == NULL || error->code == 0)
		error = &standing;
	if (error->code != 0)
		flagp_error_text(error, line, sizeof(line));
	news = strcmp(line, head.error) != 0;
	memcpy(head.error, line, sizeof(head.error));
	return news;
}

static uint64_t
generation_of(const struct snapshot *snapshot, enum piece_id id)
{
	const struct piece *piece = snapshot->pieces[id];

	return piece != NULL ? piece->file.generation : 0;
}

static uint64_t
panic_of(const struct snapshot *snapshot)
{
	uint64_t highest = 0;

	for (int id = PIECE_PANIC_STATE; id <= PIECE_PANIC_RUN; id++) {
		const struct piece *piece = snapshot->pieces[id];

		if (piece != NULL && piece->panic.on &&
		    piece->panic.generation > highest)
			highest = piece->panic.generation;
	}
	return highest;
}

static void
fill_ack(const struct snapshot *snapshot)
{
	const struct piece *conf = snapshot->pieces[PIECE_CONF];
	struct proc_ack *ack = &head.ack;

	ack->overrides_run = generation_of(snapshot, PIECE_OVERRIDES_RUN);
	ack->overrides_state = generation_of(snapshot, PIECE_OVERRIDES_STATE);
	ack->trips_run = generation_of(snapshot, PIECE_TRIPS_RUN);
	ack->trips_state = generation_of(snapshot, PIECE_TRIPS_STATE);
	ack->panic = panic_of(snapshot);
	ack->config = conf != NULL && conf->conf != NULL ? conf->conf->digest :
							   0;
	head.generation = snapshot->generation;
}

void
flagp_process_report(const struct snapshot *snapshot)
{
	char buffer[PROC_HEAD];

	if (!entry_stands())
		return;
	flagp_report_lines(entry, entry_number, snapshot);
	if (snapshot != NULL)
		fill_ack(snapshot);
	head.flags = (uint32_t)flagp_registry_count() + flagp_tunables_count();
	head.own_cells = flagp_board_own_cells();
	head.board = flagp_board_id();
	head.tick_ms = flagp_clock_ms();
	flagp_proc_format_head(&head, buffer);
	(void)flagp_io_write_at(entry, buffer, sizeof(buffer), 0);
}

/* --- folders that move ------------------------------------------------- */

/* Whether path leads somewhere else than the descriptor does.  What cannot be
 * seen (chroot, rights) has not moved. */
static bool
moved(int descriptor, const char *path, const char *below)
{
	char whole[FLAGP_PATH_SIZE + 8];
	struct stat there, here;

	snprintf(whole, sizeof(whole), "%s%s", path, below);
	if (stat(whole, &there) != 0)
		return descriptor >= 0 && fstat(descriptor, &here) == 0 &&
		       here.st_nlink == 0;
	if (descriptor < 0)
		return true;
	return fstat(descriptor, &here) == 0 &&
	       (here.st_ino != there.st_ino || here.st_dev != there.st_dev);
}

bool
flagp_process_reopen(void)
{
	struct places fresh = PLACES_INIT;

	if (!moved(places.config, paths.config, "") &&
	    !moved(places.state_live, paths.state, "/live") &&
	    !moved(places.run_live, paths.run, "/live") &&
	    !moved(places.run_proc, paths.run, "/proc"))
		return false;
	(void)flagp_places_open(&fresh, &paths, true, NULL);
	flagp_places_close(&places);
	places = fresh;
	return true;
}

/* --- fork --------------------------------------------------------------- */

static void
before_fork(void)
{
	flagp_lock_all();
	flagp_snapshot_before_fork();
}

static void
after_fork_parent(void)
{
	flagp_snapshot_after_fork_parent();
	flagp_board_forked();
	flagp_unlock_all();
}

/*
 * Async-signal-safe work only: the child has one thread, and the heap may be
 * in the middle of something.  It registers, so that no member of the family
 * is invisible, and follows the family's cells until flag_child().
 */
static void
after_fork_child(void)
{
	flagp_snapshot_after_fork_child();
	flagp_board_forked();
	flagp_view_forked();
	flagp_events_forked();
	flagp_rollout_forked();
	flagp_lock_reset();
	if (!is_open)
		return;
	if (forget_driver != NULL)
		forget_driver();
	new_child = true;
	forget_entry();
	head.pid = (int)getpid();
	head.start = flagp_proc_start_time(slash_proc, "self/stat");
	head.started = flagp_clock_wall();
	head.driver = PROC_DRIVER_NONE;
	head.flags = 0;
	head.error[0] = '\0';
	standing.code = 0;
	memcpy(head.watch, "-", 2);
	memset(&head.ack, 0, sizeof(head.ack));
	if (on_fork == FLAG_FORK_REGISTER)
		(void)create_entry();
}

int
flagp_process_fork_handlers(void)
{
	static bool installed;

	if (installed)
		return 0;
	if (pthread_atfork(before_fork, after_fork_parent, after_fork_child)
	    != 0)
		return -FLAG_ENOMEM;
	installed = true;
	return 0;
}

void
flagp_process_on_child(void (*forget)(void))
{
	forget_driver = forget;
}

bool
flagp_process_is_new_child(void)
{
	return new_child;
}

void
flagp_process_child_known(void)
{
	new_child = false;
}
