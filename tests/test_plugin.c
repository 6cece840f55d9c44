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

static void
save(const char *own, const char *shared)
{
	char text[128];
	int size = snprintf(text, sizeof(text),
			    "[plugin.own]\nstate = %s\n"
			    "[plugin.both]\nstate = %s\n", own, shared);

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
	int (*own)(void), (*shared)(void);
};

static struct plugin
load(void)
{
	struct plugin plugin;

	plugin.handle = dlopen(getenv("PLUGIN"), RTLD_NOW);
	ck_assert_msg(plugin.handle != NULL, "%s", dlerror());
	*(void **)&plugin.own = dlsym(plugin.handle, "plugin_own");
	*(void **)&plugin.shared = dlsym(plugin.handle, "plugin_shared");
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
		one_name_in_two_objects_flips_in_both,
		closed_object_keeps_its_cells,
		object_loaded_before_a_fork_is_shared_with_the_child,
		object_loaded_in_a_child_follows_that_childs_driver, NULL
	};

	return suite_run("plugin", tests);
}
