/* SPDX-License-Identifier: MIT */
/*
 * test_plugin.c - shared objects that define flags and are loaded while the
 * service runs.  Linked with the shared library, as a host is; PLUGIN is the
 * object's path.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "ripcord.h"
#include "suite.h"

FLAG_DEFINE(both, "plugin.both", "defined by the host and by the plugin");

#define WATCHDOG_S 20

static struct folder root;

static const char *room = "50";		/* what is saved for it */

static void
save(const char *own, const char *shared)
{
	char text[128];
	int size = snprintf(text, sizeof(text),
			    "[plugin.own]\nstate = %s\n"
			    "[plugin.room]\nvalue = %s\n"
			    "[plugin.both]\nstate = %s\n", own, room, shared);

	folder_put(&root, "etc/.new", text, (size_t)size);
	ck_assert_int_eq(renameat(root.descriptor, "etc/.new",
				  root.descriptor, "etc/svc.ini"), 0);
}

static void
start(void)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;

	root = folder_make();
	ck_assert_int_eq(mkdirat(root.descriptor, "etc", 0755), 0);
	save("on", "on");
	options.root = root.path;
	ck_assert_int_eq(flag_start("svc", &options, &error), 0);
}

struct plugin {
	void *handle;
	int (*own)(void), (*shared)(void), (*key)(const char *key);
	uint64_t (*room)(void), (*room_in_view)(void);
};

static struct plugin
load(void)
{
	struct plugin plugin;

	plugin.handle = dlopen(getenv("PLUGIN"), RTLD_NOW);
	ck_assert_msg(plugin.handle != NULL, "%s", dlerror());
	*(void **)&plugin.own = dlsym(plugin.handle, "plugin_own");
	*(void **)&plugin.shared = dlsym(plugin.handle, "plugin_shared");
	*(void **)&plugin.key = dlsym(plugin.handle, "plugin_key");
	*(void **)&plugin.room = dlsym(plugin.handle, "plugin_room");
	*(void **)&plugin.room_in_view = dlsym(plugin.handle,
					       "plugin_room_in_view");
	return plugin;
}

static void
becomes(int (*read)(void), int wanted)
{
	struct timespec moment = { 0, 1000000 };
	time_t end = time(NULL) + WATCHDOG_S;

	while (read() != wanted) {
		ck_assert_msg(time(NULL) < end, "never became %d", wanted);
		nanosleep(&moment, NULL);
	}
}

START_TEST(loaded_object_has_its_values_at_once)
{
	struct plugin plugin;

	start();
	plugin = load();
	ck_assert_int_eq(plugin.own(), 1);
	ck_assert_int_eq(plugin.shared(), 1);
	flag_stop();
	folder_remove(&root);
}
END_TEST

/* As the library reads them for whoever finds the flag by its name. */
START_TEST(loaded_object_reads_keys)
{
	struct plugin plugin;
	struct flag *found;
	char key[2] = "a";
	int on = 0;

	start();
	save("50%", "on");
	ck_assert_int_eq(flag_reload(NULL), 0);
	plugin = load();
	found = flag_find("plugin.own");
	for (; key[0] < 'q'; key[0]++) {
		ck_assert_int_eq(plugin.key(key),
				 flag_enabled_for_str(found, key));
		on += plugin.key(key);
	}
	ck_assert_int_gt(on, 0);
	ck_assert_int_lt(on, 16);
	flag_stop();
	folder_remove(&root);
}
END_TEST

START_TEST(loaded_object_has_its_tunables_at_once)
{
	struct plugin plugin;
	struct flag_view view;

	start();
	flag_view_begin(&view);
	plugin = load();
	ck_assert_uint_eq(plugin.room(), 50);
	ck_assert_uint_eq(plugin.room_in_view(), 50);
	flag_view_end(&view);
	room = "60";
	save("on", "on");
	ck_assert_int_eq(flag_reload(NULL), 0);
	ck_assert_uint_eq(plugin.room(), 60);
	ck_assert_uint_eq(plugin.room_in_view(), 60);
	flag_stop();
	folder_remove(&root);
}
END_TEST

START_TEST(a_value_that_a_loaded_object_cannot_have_is_told)
{
	struct flag_error error;
	struct plugin plugin;

	room = "101";
	start();
	plugin = load();
	ck_assert_uint_eq(plugin.room(), 7);
	ck_assert_int_eq(plugin.own(), 1);
	ck_assert_int_eq(flag_reload(&error), -FLAG_ECONFIG);
	ck_assert_str_eq(error.file, "svc.ini");
	ck_assert_uint_eq(error.line, 4);
	ck_assert_ptr_nonnull(strstr(error.text, "[plugin.room] value = 101"));
	room = "100";
	save("off", "on");
	ck_assert_int_eq(flag_reload(&error), 0);
	ck_assert_uint_eq(plugin.room(), 100);
	ck_assert_int_eq(plugin.own(), 0);
	flag_stop();
	folder_remove(&root);
}
END_TEST

START_TEST(one_name_in_two_objects_flips_in_both)
{
	struct plugin plugin;

	start();
	plugin = load();
	save("on", "off");
	becomes(plugin.shared, 0);
	ck_assert_int_eq(flag_enabled(&both), 0);
	ck_assert_int_eq(plugin.own(), 1);
	flag_stop();
	folder_remove(&root);
}
END_TEST

START_TEST(closed_object_keeps_its_cells)
{
	struct plugin plugin;

	start();
	plugin = load();
	ck_assert_int_eq(dlclose(plugin.handle), 0);
	/* The driver stores to its cells: they must still be there. */
	save("off", "off");
	becomes(plugin.own, 0);
	plugin = load();
	ck_assert_int_eq(plugin.own(), 0);
	flag_stop();
	folder_remove(&root);
}
END_TEST

START_TEST(object_loaded_before_a_fork_is_shared_with_the_child)
{
	struct plugin plugin;
	int status;
	pid_t child;

	start();
	plugin = load();
	child = fork();
	if (child == 0) {
		becomes(plugin.own, 0);
		_exit(0);
	}
	save("off", "on");
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	flag_stop();
	folder_remove(&root);
}
END_TEST

START_TEST(object_loaded_in_a_child_follows_that_childs_driver)
{
	struct plugin plugin;
	int status;
	pid_t child;

	start();
	child = fork();
	if (child == 0) {
		flag_child(NULL);
		plugin = load();
		ck_assert_int_eq(plugin.own(), 1);
		save("off", "on");
		becomes(plugin.own, 0);
		flag_stop();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	flag_stop();
	folder_remove(&root);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		loaded_object_has_its_values_at_once,
		loaded_object_reads_keys,
		loaded_object_has_its_tunables_at_once,
		a_value_that_a_loaded_object_cannot_have_is_told,
		one_name_in_two_objects_flips_in_both,
		closed_object_keeps_its_cells,
		object_loaded_before_a_fork_is_shared_with_the_child,
		object_loaded_in_a_child_follows_that_childs_driver, NULL
	};

	return suite_run("plugin", tests);
}
