/* SPDX-License-Identifier: MIT */
/*
 * test_paths.c - where a service's files are, which services a place has, and
 * opening what can be opened.
 */
#include "store/paths.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "folder.h"
#include "suite.h"

#define NOBODY 65534

START_TEST(root_holds_all_three)
{
	struct paths paths;

	ck_assert_int_eq(flagp_paths_find(&paths, "mysvc", "/r//", NULL), 0);
	ck_assert_int_eq(paths.kind, PATHS_ROOT);
	ck_assert_str_eq(paths.service, "mysvc");
	ck_assert_str_eq(paths.config, "/r/etc");
	ck_assert_str_eq(paths.state, "/r/state/mysvc");
	ck_assert_str_eq(paths.run, "/r/run/mysvc");
	ck_assert_int_eq(flagp_paths_find(&paths, NULL, "/", NULL), 0);
	ck_assert_str_eq(paths.service, "");
	ck_assert_str_eq(paths.config, "/etc");
	ck_assert_str_eq(paths.state, "/state");
	ck_assert_str_eq(paths.run, "/run");
}
END_TEST

START_TEST(relative_root_is_made_absolute)
{
	struct folder folder = folder_make();
	struct paths paths;
	char expected[128];

	ck_assert_int_eq(fchdir(folder.descriptor), 0);
	ck_assert_int_eq(flagp_paths_find(&paths, "a", "r", NULL), 0);
	snprintf(expected, sizeof(expected), "%s/r/run/a", folder.path);
	ck_assert_str_eq(paths.run, expected);
	ck_assert_int_eq(chdir("/"), 0);
	folder_remove(&folder);
}
END_TEST

START_TEST(impossible_names_and_paths_are_refused)
{
	static const char *const names[] = {
		"", ".", "../x", "a/b", "a b", "-a", "\x1b[2J"
	};
	struct flag_error error;
	struct paths paths;
	char root[2 * FLAGP_PATH_SIZE];
	size_t i;

	for (i = 0; i < FLAGP_COUNT(names); i++) {
		flagp_error_clear(&error);
		ck_assert_int_eq(flagp_paths_find(&paths, names[i], "/r",
						  &error), -FLAG_EINVAL);
		ck_assert_ptr_nonnull(strstr(error.text, "a name of"));
		ck_assert_ptr_null(strchr(error.text, '\x1b'));
	}
	memset(root, 'r', sizeof(root) - 1);
	root[0] = '/';
	/* One character of root less at a time: never cut, then whole. */
	for (i = sizeof(root) - 1; i > FLAGP_PATH_SIZE - 40; i--) {
		root[i] = '\0';
		flagp_error_clear(&error);
		if (flagp_paths_find(&paths, "mysvc", root, &error) == 0)
			break;
		ck_assert_ptr_nonnull(strstr(error.text, "at most 511"));
	}
	ck_assert_uint_eq(i, FLAGP_PATH_SIZE - 1 - strlen("/state/mysvc"));
	ck_assert_uint_eq(strlen(paths.state), FLAGP_PATH_SIZE - 1);
}
END_TEST

/* --- as whom: in children, which give up root ------------------------- */

/* The exit status of a child whose work found a difference. */
static int
differ(const char *got, const char *expected)
{
	if (strcmp(got, expected) == 0)
		return 0;
	fprintf(stderr, "got %s, expected %s\n", got, expected);
	return 1;
}

static bool
become_ordinary(void)
{
	return geteuid() != 0 || (setgroups(0, NULL) == 0 &&
				  setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static int
find_as_user(void *data)
{
	struct paths paths;

	(void)data;
	if (!become_ordinary())
		return 1;
	setenv("HOME", "/home/anna", 1);
	setenv("XDG_CONFIG_HOME", "/c", 1);
	setenv("XDG_RUNTIME_DIR", "/r", 1);
	/* Not absolute: counts for nothing. */
	setenv("XDG_STATE_HOME", "relative", 1);
	if (flagp_paths_find(&paths, "mysvc-of-nobody", NULL, NULL) != 0 ||
	    paths.kind != PATHS_USER)
		return 2;
	return differ(paths.config, "/c/ripcord") ||
	       differ(paths.state,
		      "/home/anna/.local/state/ripcord/mysvc-of-nobody") ||
	       differ(paths.run, "/r/ripcord/mysvc-of-nobody");
}

static int
find_without_home(void *data)
{
	struct paths paths;

	(void)data;
	if (!become_ordinary() || clearenv() != 0)
		return 1;
	if (flagp_paths_find(&paths, "mysvc-of-nobody", NULL, NULL) != 0 ||
	    paths.kind != PATHS_SYSTEM)
		return 2;
	return differ(paths.config, "/etc/ripcord") ||
	       differ(paths.state, "/var/lib/ripcord/mysvc-of-nobody") ||
	       differ(paths.run, "/run/ripcord/mysvc-of-nobody");
}

START_TEST(ordinary_user_has_his_own_place)
{
	ck_assert_int_eq(folder_fork(find_as_user, NULL), 0);
	ck_assert_int_eq(folder_fork(find_without_home, NULL), 0);
}
END_TEST

/* --- services ---------------------------------------------------------- */

struct seen {
	struct text names;
	const char *root;
	unsigned wrong;
};

static void
see(void *data, const struct paths *paths)
{
	struct seen *seen = data;
	char run[FLAGP_PATH_SIZE];

	snprintf(run, sizeof(run), "%s/run/%s", seen->root, paths->service);
	seen->wrong += strcmp(run, paths->run) != 0;
	flagp_text_add(&seen->names, "%s ", paths->service);
}

static void
make_directory(const struct folder *folder, const char *name)
{
	ck_assert_int_eq(mkdirat(folder->descriptor, name, 0755), 0);
}

START_TEST(services_are_sorted_and_junk_is_not_one)
{
	static const char *const directories[] = {
		"etc", "state", "run", "etc/drops.d", "etc/dir.ini",
		"state/zeta", "state/both", "run/both", "run/live only",
		"run/.hidden", "run/a:b"
	};
	static const char *const files[] = {
		"etc/mysvc.ini", "etc/both.ini", "etc/.x.ini", "etc/x.ini~",
		"etc/.ini", "etc/plain", "etc/file.d", "run/lock",
		"etc/x y.ini", "etc/README"
	};
	struct folder folder = folder_make();
	struct seen seen = { TEXT_INIT, folder.path, 0 };
	size_t i;

	ck_assert_int_eq(flagp_paths_services(folder.path, see, &seen), 0);
	for (i = 0; i < FLAGP_COUNT(directories); i++)
		make_directory(&folder, directories[i]);
	for (i = 0; i < FLAGP_COUNT(files); i++)
		folder_put(&folder, files[i], "", 0);
	ck_assert_int_eq(mkfifoat(folder.descriptor, "etc/fifo.ini", 0600),
			 0);
	ck_assert_int_eq(flagp_paths_services(folder.path, see, &seen), 4);
	ck_assert_str_eq(seen.names.data, "both drops mysvc zeta ");
	ck_assert_uint_eq(seen.wrong, 0);
	flagp_text_free(&seen.names);
	folder_remove(&folder);
}
END_TEST

START_TEST(many_services_are_each_told_once)
{
	struct folder folder = folder_make();
	struct seen seen = { TEXT_INIT, folder.path, 0 };
	char name[32];
	int i;

	make_directory(&folder, "state");
	make_directory(&folder, "run");
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "state/s%d", i);
		make_directory(&folder, name);
		snprintf(name, sizeof(name), "run/s%d", i);
		make_directory(&folder, name);
	}
	ck_assert_int_eq(flagp_paths_services(folder.path, see, &seen), 100);
	ck_assert_int_eq(strncmp(seen.names.data, "s0 s1 s10 s11 ", 14), 0);
	flagp_text_free(&seen.names);
	folder_remove(&folder);
}
END_TEST

/* --- opening ----------------------------------------------------------- */

START_TEST(places_are_made_and_opened)
{
	struct folder folder = folder_make();
	struct places places;
	struct flag_error error;
	struct paths paths;
	struct stat info;
	char path[FLAGP_PATH_SIZE + 8];

	flagp_error_clear(&error);
	make_directory(&folder, "etc");
	ck_assert_int_eq(flagp_paths_find(&paths, "mysvc", folder.path, NULL),
			 0);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, &error), 0);
	ck_assert_int_eq(error.code, 0);
	ck_assert_int_ge(places.config, 3);
	ck_assert_int_ge(places.state_live, 3);
	ck_assert_int_ge(places.run_live, 3);
	ck_assert_int_eq(fstat(places.run_proc, &info), 0);
	ck_assert_uint_eq(info.st_mode & 07777, 02770);
	snprintf(path, sizeof(path), "%s/proc", paths.run);
	ck_assert_int_eq(access(path, F_OK), 0);
	flagp_places_close(&places);
	ck_assert_int_eq(places.run_proc, -1);
	flagp_places_close(&places);
	/* And again, now that all is there. */
	ck_assert_int_eq(flagp_places_open(&places, &paths, false, &error),
			 0);
	flagp_places_close(&places);
	folder_remove(&folder);
}
END_TEST

START_TEST(missing_places_are_named)
{
	struct folder folder = folder_make();
	struct places places;
	struct flag_error error;
	struct paths paths;

	ck_assert_int_eq(flagp_paths_find(&paths, "mysvc", folder.path, NULL),
			 0);
	flagp_error_clear(&error);
	ck_assert_int_eq(flagp_places_open(&places, &paths, false, &error),
			 FLAG_EDIRECTORY);
	ck_assert_int_eq(error.code, FLAG_EDIRECTORY);
	ck_assert_str_eq(error.file, paths.state);
	ck_assert_int_eq(places.state, -1);
	ck_assert_int_eq(places.run_proc, -1);
	ck_assert_int_eq(places.config, -1);
	/* The configuration folder is people's: not made, and in order. */
	flagp_error_clear(&error);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, &error), 0);
	ck_assert_int_eq(error.code, 0);
	ck_assert_int_eq(places.config, -1);
	ck_assert_int_eq(access(paths.config, F_OK), -1);
	ck_assert_int_ge(places.run_proc, 3);
	flagp_places_close(&places);
	/* A file in its place is not. */
	folder_put(&folder, "etc", "", 0);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, &error),
			 FLAG_EDIRECTORY);
	ck_assert_str_eq(error.file, paths.config);
	ck_assert_int_ge(places.run_proc, 3);
	ck_assert_int_eq(places.config_error, ENOTDIR);
	flagp_places_close(&places);
	/* Nor is a link to nothing, which is no missing folder. */
	ck_assert_int_eq(unlinkat(folder.descriptor, "etc", 0), 0);
	ck_assert_int_eq(symlinkat("nowhere", folder.descriptor, "etc"), 0);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, NULL),
			 FLAG_EDIRECTORY);
	ck_assert_int_eq(places.config_error, ENOENT);
	flagp_places_close(&places);
	folder_remove(&folder);
}
END_TEST

START_TEST(one_bad_place_does_not_take_the_others)
{
	struct folder folder = folder_make();
	struct places places;
	struct flag_error error;
	struct paths paths;

	make_directory(&folder, "etc");
	make_directory(&folder, "state");
	make_directory(&folder, "state/mysvc");
	ck_assert_int_eq(fchmodat(folder.descriptor, "state/mysvc", 0777, 0),
			 0);
	ck_assert_int_eq(flagp_paths_find(&paths, "mysvc", folder.path, NULL),
			 0);
	flagp_error_clear(&error);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, &error),
			 FLAG_EACCES);
	ck_assert_ptr_nonnull(strstr(error.text, "writable by everybody"));
	ck_assert_int_eq(places.state, -1);
	ck_assert_int_eq(places.state_live, -1);
	ck_assert_int_ge(places.run_live, 3);
	ck_assert_int_ge(places.config, 3);
	flagp_places_close(&places);
	/* A file where a directory should be. */
	folder_put(&folder, "state/other", "", 0);
	ck_assert_int_eq(flagp_paths_find(&paths, "other", folder.path, NULL),
			 0);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, &error),
			 FLAG_EDIRECTORY);
	flagp_places_close(&places);
	folder_remove(&folder);
}
END_TEST

START_TEST(a_configuration_folder_open_to_all_is_opened_and_refused)
{
	struct folder folder = folder_make();
	struct flag_error error = { 0 };
	struct places places;
	struct paths paths;

	make_directory(&folder, "etc");
	ck_assert_int_eq(fchmodat(folder.descriptor, "etc", 0777, 0), 0);
	ck_assert_int_eq(flagp_paths_find(&paths, "mysvc", folder.path, NULL),
			 0);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, &error),
			 FLAG_EDIRECTORY);
	ck_assert_str_eq(error.file, paths.config);
	ck_assert_str_eq(error.text, "configuration folder: writable by "
			 "everybody; accepted after chmod o-w");
	/* It is held, so that it is noticed when it is mended. */
	ck_assert_int_ge(places.config, 3);
	ck_assert_int_eq(fchmod(places.config, 01777), 0);
	ck_assert_int_eq(flagp_places_check_config(&places, &paths, NULL), 0);
	flagp_places_close(&places);
	folder_remove(&folder);
}
END_TEST

/* In a child without root: 0 if it learned that it may not. */
static int
open_forbidden(void *data)
{
	const struct paths *paths = data;
	struct places places;
	struct flag_error error;

	if (!become_ordinary())
		return 1;
	flagp_error_clear(&error);
	if (flagp_places_open(&places, paths, true, &error) != FLAG_EACCES)
		return 2;
	return differ(error.file, paths->state);
}

START_TEST(forbidden_places_say_so)
{
	struct folder folder = folder_make();
	struct paths paths;

	ck_assert_int_eq(fchmod(folder.descriptor, 0555), 0);
	ck_assert_int_eq(flagp_paths_find(&paths, "mysvc", folder.path, NULL),
			 0);
	ck_assert_int_eq(folder_fork(open_forbidden, &paths), 0);
	ck_assert_int_eq(fchmod(folder.descriptor, 0755), 0);
	folder_remove(&folder);
}
END_TEST

START_TEST(root_makes_places_for_their_owner)
{
	struct folder folder = folder_make();
	struct places places;
	struct paths paths;
	struct stat place, info;

	make_directory(&folder, "etc");
	if (geteuid() == 0)
		ck_assert_int_eq(fchown(folder.descriptor, NOBODY, NOBODY),
				 0);
	ck_assert_int_eq(flagp_paths_find(&paths, "mysvc", folder.path, NULL),
			 0);
	ck_assert_int_eq(flagp_places_open(&places, &paths, true, NULL), 0);
	ck_assert_int_eq(fstat(folder.descriptor, &place), 0);
	ck_assert_int_eq(fstat(places.run_live, &info), 0);
	ck_assert_uint_eq(info.st_uid, place.st_uid);
	ck_assert_uint_eq(info.st_gid, place.st_gid);
	flagp_places_close(&places);
	folder_remove(&folder);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		root_holds_all_three, relative_root_is_made_absolute,
		impossible_names_and_paths_are_refused,
		ordinary_user_has_his_own_place,
		services_are_sorted_and_junk_is_not_one,
		many_services_are_each_told_once, places_are_made_and_opened,
		missing_places_are_named,
		one_bad_place_does_not_take_the_others,
		a_configuration_folder_open_to_all_is_opened_and_refused,
		forbidden_places_say_so, root_makes_places_for_their_owner,
		NULL
	};

	return suite_run("paths", tests);
}
