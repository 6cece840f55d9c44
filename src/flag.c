/* SPDX-License-Identifier: MIT */
/*
 * flag.c - the public functions, in the order of the header.  What is more
 * than starting, stopping and passing on stands on the floors below.
 */
#define FLAG_INLINE	/* the inline functions are exported too */
#include "ripcord.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "core/board.h"
#include "core/change.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "run/driver.h"
#include "run/hangup.h"
#include "run/process.h"
#include "run/reload.h"

/*
 * W: flag_start, flag_stop, flag_child, which must not overlap; LOCK_CONTROL
 * makes an overlap harmless where it can.  R: the same and flag_tick.
 */
static unsigned starts;
static struct flag_options options;
static char service_name[FLAGP_NAME_SIZE];

void
flag_register(struct flag_object *object)
{
	/* A shorter one is of an older header. */
	if (object == NULL ||
	    object->size < offsetof(struct flag_object, first))
		return;
	flagp_registry_register(object);
	flagp_lock(LOCK_CONTROL);
	/* Loaded while running: its flags get their values at once. */
	if (starts != 0) {
		flagp_unlock(LOCK_CONTROL);
		(void)flagp_reload(0, NULL);
		return;
	}
	flagp_unlock(LOCK_CONTROL);
}

static int
check_service(const char *service, struct flag_error *error)
{
	if (service == NULL && service_name[0] != '\0')
		return 0;
	if (service == NULL || !flagp_text_is_name(service))
		return flagp_error_set(error, FLAG_EINVAL, NULL, 0,
			"service name \"%.60s\": use letters, digits, '_', '.' "
			"and '-', at most %d", service == NULL ? "" : service,
			FLAGP_NAME_MAX);
	if (service_name[0] != '\0' && strcmp(service, service_name) != 0)
		return flagp_error_set(error, FLAG_EEXIST, NULL, 0,
			"this process is service %s already; one service a "
			"process", service_name);
	return 0;
}

/* Options of an older header are shorter; their missing end is defaults. */
static void
take_options(const struct flag_options *given)
{
	static const struct flag_options defaults = FLAG_OPTIONS_INIT;
	size_t size;

	options = defaults;
	if (given == NULL)
		return;
	size = given->size < sizeof(options) ? given->size : sizeof(options);
	memcpy(&options, given, size);
	options.size = sizeof(options);
}

static void
check_registered(int result, const char *meaning, struct flag_error *error)
{
	if (result != 0)
		flagp_error_set(error, FLAG_EDIRECTORY, NULL, 0,
				"%s: not registered (%s); %s",
				flagp_process_paths()->run, strerror(-result),
				meaning);
}

/* Registered before anything is read: flagctl, which renames first and then
 * looks who is there, can miss no process that has older values. */
static void
join_board(struct flag_error *error)
{
	char name[PATHS_BOARD_NAME_SIZE];
	int result;

	flagp_paths_board_name(flagp_process_paths(), name, sizeof(name));
	flagp_lock(LOCK_CHANGE);
	flagp_change_begin();
	(void)flagp_board_open(name, options.board == FLAG_PRIVATE,
			       error);
	result = flagp_process_register();
	flagp_unlock(LOCK_CHANGE);
	check_registered(result, "flagctl does not see this process", error);
}

/* Printable, so that flagctl reads the same in the registration. */
static int
check_instance(const char *instance, struct flag_error *error)
{
	size_t length = 0;

	while (instance != NULL && (unsigned char)instance[length] > ' ' &&
	       instance[length] != 0x7f)
		length++;
	if (instance == NULL || (instance[length] == '\0' &&
				 length < FLAGP_INSTANCE_SIZE))
		return 0;
	return flagp_error_set(error, FLAG_EINVAL, NULL, 0,
		"instance \"%.60s\": use at most %d characters, no blank and "
		"no control character", instance, FLAGP_INSTANCE_SIZE - 1);
}

static const char *
from_environment(const char *name)
{
	const char *value = options.environment ? secure_getenv(name) : NULL;

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A name that cannot be is told, and passed over: a host is not left without a
 * kill by its environment. */
static const char *
instance_of_environment(struct flag_error *error)
{
	const char *instance = from_environment("RIPCORD_INSTANCE");
	struct flag_error wrong;

	flagp_error_clear(&wrong);
	if (check_instance(instance, &wrong) == 0)
		return instance;
	flagp_process_standing(&wrong);
	if (error->code == 0)
		*error = wrong;
	return NULL;
}

/* The same for all processes of a host that serve together, and still the
 * same after a restart. */
static void
name_instance(const char *given, const char *service)
{
	char text[FLAGP_INSTANCE_SIZE], host[65] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		strcpy(host, "localhost");
	snprintf(text, sizeof(text), "%s/%s", host, service);
	flagp_change_instance(given != NULL ? given : text);
}

/* What decides beside the files.  It stands until the process ends. */
static void
take_surroundings(const char *instance, const char *service)
{
	const char *text = from_environment(CONF_ENVIRONMENT);

	flagp_lock(LOCK_CHANGE);
	name_instance(instance, service);
	if (!flagp_change_environment(text))
		text = "";
	flagp_process_surroundings(flagp_change_own_instance(), text);
	flagp_unlock(LOCK_CHANGE);
}

static int
start_driver(unsigned what, struct flag_error *error)
{
	flagp_driver_open();
	(void)flagp_reload(what, error);
	(void)flagp_driver_start(options.driver, error);
	if (options.sighup)
		flagp_hangup_install(flag_request_reload);
	return error->code;
}

static int
start(const char *service, const struct flag_options *given,
      struct flag_error *error)
{
	struct paths before = *flagp_process_paths();
	int result = check_service(service, error);
	const char *instance;

	if (result != 0)
		return result;
	take_options(given);
	instance = options.instance;
	result = check_instance(instance, error);
	if (result != 0)
		return result;
	flagp_log_set(options.log, options.log_data);
	flagp_snapshot_init();
	flagp_change_durable(options.driver != FLAG_DRIVER_LOOP);
	if (service == NULL)
		service = service_name;
	result = flagp_process_open(service, options.root, options.fork,
				    error);
	if (result < 0)
		return result;
	if (instance == NULL)
		instance = instance_of_environment(error);
	take_surroundings(instance, service);
	/* Stopped, and started with files elsewhere. */
	if (strcmp(before.run, flagp_process_paths()->run) != 0)
		flagp_reload_forget();
	if (service != service_name)
		snprintf(service_name, sizeof(service_name), "%s", service);
	flagp_process_on_child(flagp_driver_forget);
	if (flagp_process_fork_handlers() != 0)
		flagp_error_set(error, FLAG_ENOMEM, NULL, 0,
				"no fork handlers: out of memory; do not fork, "
				"or start again");
	join_board(error);
	return start_driver(RELOAD_CONFIG | RELOAD_NOW, error);
}

int
flag_start(const char *service, const struct flag_options *given,
	   struct flag_error *error)
{
	struct flag_error own;
	int result;

	if (error == NULL)
		error = &own;
	flagp_error_clear(error);
	if (starts != 0) {
		result = check_service(service, error);
		if (result == 0 && flagp_process_is_new_child())
			return flag_child(error);
		starts += result == 0;
		return result;
	}
	result = start(service, given, error);
	if (result < 0)
		return result;
	flagp_lock(LOCK_CONTROL);
	starts = 1;
	flagp_unlock(LOCK_CONTROL);
	return result;
}

void
flag_stop(void)
{
	bool last;

	/* Any thread may, two at once too: one of them is the last. */
	flagp_lock(LOCK_CONTROL);
	last = starts == 1;
	starts -= starts != 0;
	flagp_unlock(LOCK_CONTROL);
	if (!last)
		return;
	flagp_hangup_remove();
	flagp_driver_stop();
	flagp_lock(LOCK_CHANGE);
	flagp_process_leave();
	flagp_process_close();
	flagp_unlock(LOCK_CHANGE);
	flagp_reload_reset();
}

int
flag_child(struct flag_error *error)
{
	struct flag_error own;
	int result;

	if (error == NULL)
		error = &own;
	flagp_error_clear(error);
	if (starts == 0)
		return flagp_error_set(error, FLAG_EAGAIN, NULL, 0,
				       "flag_start() was not called; flags "
				       "stay as they are");
	if (!flagp_process_is_new_child())
		return 0;
	flagp_process_child_known();
	flagp_lock(LOCK_CHANGE);
	result = flagp_process_register();
	flagp_unlock(LOCK_CHANGE);
	check_registered(result, "the family's cells are followed", error);
	/* The family may be waiting for a file that is half written. */
	return start_driver(RELOAD_CONFIG, error);
}

int
flag_tick(void)
{
	if (starts == 0)
		return 1000;
	if (flagp_process_is_new_child())
		(void)flag_child(NULL);
	return flagp_driver_has_thread() ? 1000 : flagp_driver_turn();
}

int
flag_fd(void)
{
	if (starts == 0)
		return -FLAG_EAGAIN;
	if (flagp_process_is_new_child())
		(void)flag_child(NULL);
	return flagp_driver_descriptor();
}

int
flag_reload(struct flag_error *error)
{
	struct flag_error own;

	if (error == NULL)
		error = &own;
	flagp_error_clear(error);
	if (starts == 0)
		return flagp_error_set(error, FLAG_EAGAIN, NULL, 0,
				       "flag_start() was not called; flags "
				       "stay as they are");
	if (flagp_process_is_new_child())
		(void)flag_child(NULL);
	return flagp_reload(RELOAD_CONFIG | RELOAD_NOW, error);
}

void
flag_request_reload(void)
{
	flagp_driver_request();
}

struct flag *
flag_find(const char *name)
{
	static struct flag always_off;
	struct flag *flag = NULL;

	if (name != NULL && flagp_text_is_flag(name))
		flag = flagp_change_find(name, flagp_reload_is_current);
	return flag != NULL ? flag : &always_off;
}

const volatile uint32_t *
flag_word(const struct flag *flag)
{
	return &flag->state;
}

size_t
flag_explain(const struct flag *flag, char *buffer, size_t size)
{
	struct registry_entry entry;
	const struct snapshot *snapshot;
	struct layers_answer answer;
	char source[96];
	int length;

	if (!flagp_change_entry(flag, &entry)) {
		length = snprintf(buffer, size, "%s: not registered",
				  flag_enabled(flag) ? "on" : "off");
		return (size_t)length;
	}
	snapshot = flagp_snapshot_enter();
	flagp_change_ask(snapshot, entry.name, entry.initial, &answer);
	flagp_layers_source(&answer, source, sizeof(source));
	flagp_snapshot_leave();
	if (entry.test != FLAGP_SHARE_NONE)
		snprintf(source, sizeof(source), "test");
	else if (entry.disputed)
		snprintf(source, sizeof(source),
			 "objects differ in the default");
	length = snprintf(buffer, size, "%s: %s",
			  flag_enabled(flag) ? "on" : "off", source);
	return (size_t)length;
}

const char *
flag_strerror(int code)
{
	static const struct {
		int code;
		const char *text;
	} texts[] = {
		{ 0, "no error" },
		{ FLAG_ENOMEM, "out of memory" },
		{ FLAG_EINVAL, "argument that cannot be" },
		{ FLAG_EEXIST, "started under another name" },
		{ FLAG_EACCES, "not permitted" },
		{ FLAG_ENOENT, "not there" },
		{ FLAG_EBUSY, "lock not free in time" },
		{ FLAG_EIO, "reading or writing failed" },
		{ FLAG_EAGAIN, "not started" },
		{ FLAG_ECONFIG, "configuration refused" },
		{ FLAG_EDIRECTORY, "state or run directory not usable" },
	};

	for (size_t i = 0; i < FLAGP_COUNT(texts); i++)
		if (texts[i].code == code || texts[i].code == -code)
			return texts[i].text;
	return "unknown code";
}

const char *
flag_version(void)
{
	return FLAG_VERSION;
}

void
flag_test_set(struct flag *flag, int on)
{
	flagp_change_test(flag, on ? FLAGP_SHARE_ALL : 0);
}

void
flag_test_reset(struct flag *flag)
{
	flagp_change_test(flag, FLAGP_SHARE_NONE);
}

int
flag_test_next(struct flag *flag)
{
	return flagp_change_test_step(flag) != 0;
}
