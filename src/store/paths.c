/* SPDX-License-Identifier: MIT */
/* paths.c - see paths.h. */
#include "store/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

#define SYSTEM_CONFIG "/etc/ripcord"
#define SYSTEM_STATE "/var/lib/ripcord"
#define SYSTEM_RUN "/run/ripcord"

/* --- where ------------------------------------------------------------- */

/* Joins the parts (NULL at the end) into one of the paths; false: too long. */
static bool
join(char path[FLAGP_PATH_SIZE], const char *first, ...)
{
	size_t used = 0, length;
	const char *part;
	va_list parts;

	va_start(parts, first);
	for (part = first; part != NULL; part = va_arg(parts, const char *)) {
		length = strlen(part);
		if (length >= FLAGP_PATH_SIZE - used)
			break;
		memcpy(path + used, part, length);
		used += length;
	}
	va_end(parts);
	path[used] = '\0';
	return part == NULL;
}

static int
too_long(struct flag_error *error, const char *path)
{
	return flagp_error_set(error, FLAG_EINVAL, NULL, 0,
			       "path \"%.100s...\": at most %d characters "
			       "with what we put behind it", path,
			       FLAGP_PATH_SIZE - 1);
}

/* The three folders under base folders; tail is "/SVC" or "". */
static int
fill(struct paths *paths, const char *config, const char *state,
     const char *run, struct flag_error *error)
{
	const char *slash = paths->service[0] != '\0' ? "/" : "";

	if (!join(paths->config, config, NULL))
		return too_long(error, config);
	if (!join(paths->state, state, slash, paths->service, NULL))
		return too_long(error, state);
	if (!join(paths->run, run, slash, paths->service, NULL))
		return too_long(error, run);
	return 0;
}

/* root made absolute: a daemon changes its working directory. */
static bool
absolute(char path[FLAGP_PATH_SIZE], const char *root)
{
	char here[FLAGP_PATH_SIZE] = "";
	size_t length;

	if (root[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return false;
	if (!join(path, here, root[0] != '/' ? "/" : "", root, NULL))
		return false;
	length = strlen(path);
	while (length > 0 && path[length - 1] == '/')
		path[--length] = '\0';
	return true;
}

static int
fill_root(struct paths *paths, const char *root, struct flag_error *error)
{
	char base[FLAGP_PATH_SIZE], config[FLAGP_PATH_SIZE];
	char state[FLAGP_PATH_SIZE], run[FLAGP_PATH_SIZE];

	paths->kind = PATHS_ROOT;
	if (!absolute(base, root) || !join(config, base, "/etc", NULL) ||
	    !join(state, base, "/state", NULL) ||
	    !join(run, base, "/run", NULL))
		return too_long(error, root);
	return fill(paths, config, state, run, error);
}

static bool
is_there(const char *path, bool directory)
{
	struct stat info;

	return stat(path, &info) == 0 &&
	       (directory ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode));
}

static int
fill_system(struct paths *paths, struct flag_error *error)
{
	paths->kind = PATHS_SYSTEM;
	return fill(paths, SYSTEM_CONFIG, SYSTEM_STATE, SYSTEM_RUN, error);
}

/* Whether the configuration folder has SVC with this ending. */
static bool
has_config(const struct paths *paths, const char *ending, bool directory)
{
	char file[FLAGP_PATH_SIZE];

	return join(file, paths->config, "/", paths->service, ending, NULL) &&
	       is_there(file, directory);
}

/*
 * A folder of the user's: the variable if it is an absolute path, as the base
 * directory specification wants it, else tail under HOME.  False: too long,
 * or neither is known.
 */
static bool
user_folder(char path[FLAGP_PATH_SIZE], const char *variable,
	    const char *tail)
{
	const char *value = secure_getenv(variable);
	const char *home = secure_getenv("HOME");

	if (value != NULL && value[0] == '/')
		return join(path, value, "/ripcord", NULL);
	if (tail != NULL && home != NULL && home[0] == '/')
		return join(path, home, tail, "/ripcord", NULL);
	return false;
}

/* Without the variable: a cron job has none, and should meet the others. */
static bool
user_run_folder(char path[FLAGP_PATH_SIZE], const char *state)
{
	char number[32], folder[FLAGP_PATH_SIZE];

	if (user_folder(path, "XDG_RUNTIME_DIR", NULL))
		return true;
	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	join(folder, "/run/user/", number, NULL);
	if (is_there(folder, true))
		return join(path, folder, "/ripcord", NULL);
	return join(path, state, "-run", NULL);
}

/* Without a home, in a set-user-ID program too, the system's. */
static int
fill_user(struct paths *paths, struct flag_error *error)
{
	char config[FLAGP_PATH_SIZE], state[FLAGP_PATH_SIZE];
	char run[FLAGP_PATH_SIZE];

	if (!user_folder(config, "XDG_CONFIG_HOME", "/.config") ||
	    !user_folder(state, "XDG_STATE_HOME", "/.local/state") ||
	    !user_run_folder(run, state))
		return fill_system(paths, error);
	paths->kind = PATHS_USER;
	return fill(paths, config, state, run, error);
}

int
flagp_paths_find(struct paths *paths, const char *service, const char *root,
		 struct flag_error *error)
{
	int code;

	memset(paths, 0, sizeof(*paths));
	if (service != NULL && !flagp_text_is_name(service))
		return flagp_error_set(error, FLAG_EINVAL, NULL, 0,
				       "service \"%.60s\": a name of letters, "
				       "digits, '_', '.' and '-', at most %d "
				       "characters", service, FLAGP_NAME_MAX);
	if (service != NULL)
		strcpy(paths->service, service);
	if (root != NULL && root[0] != '\0')
		return fill_root(paths, root, error);
	code = fill_system(paths, error);
	if (code != 0 || geteuid() == 0 || is_there(paths->run, true) ||
	    has_config(paths, ".ini", false))
		return code;
	return fill_user(paths, error);
}

/* --- which services ---------------------------------------------------- */

struct names {
	char (*names)[FLAGP_NAME_SIZE];
	size_t count, room;
};

/* Adds the first length characters of name, if they are a service's name. */
static void
add_name(struct names *list, const char *name, size_t length)
{
	char copy[FLAGP_NAME_SIZE];
	size_t room;
	void *grown;

	if (length >= sizeof(copy))
		return;
	memcpy(copy, name, length);
	copy[length] = '\0';
	if (!flagp_text_is_name(copy))
		return;
	if (list->count == list->room) {
		room = list->room != 0 ? list->room * 2 : 16;
		grown = realloc(list->names, room * sizeof(*list->names));
		if (grown == NULL)
			return;
		list->names = grown;
		list->room = room;
	}
	strcpy(list->names[list->count++], copy);
}

/* The length of name without its ending; 0 if it ends otherwise. */
static size_t
without(const char *name, const char *ending)
{
	size_t length = strlen(name), tail = strlen(ending);

	if (length <= tail || strcmp(name + length - tail, ending) != 0)
		return 0;
	return length - tail;
}

/* One entry of a folder: NAME.ini and NAME.d of a configuration folder, a
 * directory NAME of the others. */
static void
add_entry(struct names *list, int folder, const char *name, bool config)
{
	struct stat info;
	size_t length;

	if (name[0] == '.' || fstatat(folder, name, &info, 0) != 0)
		return;
	length = strlen(name);
	if (config)
		length = without(name, S_ISDIR(info.st_mode) ? ".d" : ".ini");
	else if (!S_ISDIR(info.st_mode))
		return;
	if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode))
		add_name(list, name, length);
}

static void
add_folder(struct names *list, const char *path, bool config)
{
	int descriptor = flagp_io_open(AT_FDCWD, path,
				       O_RDONLY | O_DIRECTORY, 0);
	struct dirent *entry;
	DIR *folder;

	if (descriptor < 0)
		return;
	folder = fdopendir(descriptor);
	if (folder == NULL) {
		close(descriptor);
		return;
	}
	while ((entry = readdir(folder)) != NULL)
		add_entry(list, descriptor, entry->d_name, config);
	closedir(folder);
}

static void
add_place(struct names *list, const struct paths *paths)
{
	add_folder(list, paths->config, true);
	add_folder(list, paths->state, false);
	add_folder(list, paths->run, false);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Whether a service has anything in the place that is its own: a user does
 * not see the system's state directories as his. */
static bool
has_something(const struct paths *paths)
{
	return is_there(paths->state, true) || is_there(paths->run, true) ||
	       has_config(paths, ".ini", false) ||
	       has_config(paths, ".d", true);
}

/* The names in the places that flagp_paths_find() could answer. */
static void
collect(struct names *list, const char *root)
{
	struct paths paths = { .service = "" };

	if (root != NULL && root[0] != '\0') {
		if (fill_root(&paths, root, NULL) == 0)
			add_place(list, &paths);
		return;
	}
	if (fill_system(&paths, NULL) == 0)
		add_place(list, &paths);
	if (geteuid() != 0 && fill_user(&paths, NULL) == 0 &&
	    paths.kind == PATHS_USER)
		add_place(list, &paths);
}

int
flagp_paths_services(const char *root,
		     void (*found)(void *data, const struct paths *paths),
		     void *data)
{
	struct names list = { NULL, 0, 0 };
	struct paths paths;
	int count = 0;
	size_t i;

	collect(&list, root);
	if (list.count != 0)
		qsort(list.names, list.count, sizeof(*list.names),
		      compare_names);
	for (i = 0; i < list.count; i++) {
		if (i > 0 && strcmp(list.names[i - 1], list.names[i]) == 0)
			continue;
		if (flagp_paths_find(&paths, list.names[i], root, NULL) != 0 ||
		    !has_something(&paths))
			continue;
		found(data, &paths);
		count++;
	}
	free(list.names);
	return count;
}

void
flagp_paths_board_name(const struct paths *paths, char *name,
		       unsigned long size)
{
	uint64_t hash = flagp_text_hash(FLAGP_FNV_START, paths->run,
					strlen(paths->run));

	if (paths->kind == PATHS_SYSTEM)
		snprintf(name, size, "ripcord:%s", paths->service);
	else
		snprintf(name, size, "ripcord:%s:%08x", paths->service,
			 (unsigned)(hash ^ hash >> 32));
}

/* --- opening ----------------------------------------------------------- */

/* Notes why path is missing; *code keeps the first failure.  -1. */
static int
note_missing(const char *what, const char *path, int number,
	     struct flag_error *error, int *code)
{
	int missing = flagp_error_code(number);
	char reason[128];

	if (missing != FLAG_EACCES && missing != FLAG_ENOMEM)
		missing = FLAG_EDIRECTORY;
	if (number == -EPERM && is_there(path, true))
		flagp_error_set(error, missing, path, 0,
				"%s is writable by everybody, so it is not "
				"used; accepted is one of the service's user "
				"and group, mode 2770", what);
	else
		flagp_error_set(error, missing, path, 0, "%s: %s; accepted is "
				"a directory that the service's user may "
				"write", what,
				strerror_r(-number, reason, sizeof(reason)));
	if (*code == 0)
		*code = missing;
	return -1;
}

/* Opens one of the places. */
static int
open_place(const char *what, const char *path, const char *tail, bool create,
	   struct flag_error *error, int *code)
{
	char whole[FLAGP_PATH_SIZE];
	int descriptor = -ENAMETOOLONG;

	if (join(whole, path, tail, NULL))
		descriptor = flagp_io_open_directory(whole, create,
						     PATHS_DIRECTORY_MODE);
	if (descriptor >= 0)
		return descriptor;
	return note_missing(what, whole, descriptor, error, code);
}

/* A service without a configuration is in order; one that it may not read is
 * not. */
static void
open_config(struct places *places, const char *path)
{
	struct stat link;
	int result = flagp_io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);

	if (result >= 0)
		places->config = result;
	else if (result != -ENOENT || lstat(path, &link) == 0)
		places->config_error = -result;
}

int
flagp_places_check_config(const struct places *places,
			  const struct paths *paths, struct flag_error *error)
{
	char reason[128];

	if (places->config_error != 0)
		return flagp_error_set(error,
				       places->config_error == EACCES ?
				       FLAG_EACCES : FLAG_EDIRECTORY,
				       paths->config, 0,
				       "configuration folder: %s; accepted is "
				       "a folder that the service's user may "
				       "read",
				       strerror_r(places->config_error, reason,
						  sizeof(reason)));
	if (places->config >= 0 && flagp_io_is_open_to_all(places->config))
		return flagp_error_set(error, FLAG_EDIRECTORY, paths->config,
				       0, "configuration folder: writable by "
				       "everybody; accepted after chmod o-w");
	return 0;
}

int
flagp_places_open(struct places *places, const struct paths *paths,
		  bool create, struct flag_error *error)
{
	int code = 0, result;

	*places = (struct places)PLACES_INIT;
	places->state = open_place("state directory", paths->state, "",
				   create, error, &code);
	if (places->state >= 0)
		places->state_live = open_place("state directory",
						paths->state, "/live",
						create, error, &code);
	places->run = open_place("run directory", paths->run, "", create,
				 error, &code);
	if (places->run >= 0) {
		places->run_live = open_place("run directory", paths->run,
					      "/live", create, error, &code);
		places->run_proc = open_place("run directory", paths->run,
					      "/proc", create, error, &code);
	}
	open_config(places, paths->config);
	result = flagp_places_check_config(places, paths, error);
	return code == 0 ? -result : code;
}

void
flagp_places_close(struct places *places)
{
	int *descriptors[] = {
		&places->config, &places->state, &places->state_live,
		&places->run, &places->run_live, &places->run_proc
	};
	size_t i;

	for (i = 0; i < FLAGP_COUNT(descriptors); i++) {
		if (*descriptors[i] >= 0)
			close(*descriptors[i]);
		*descriptors[i] = -1;
	}
}
