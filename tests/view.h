/* SPDX-License-Identifier: MIT */
/*
 * view.h - what the tests of views have in common: generations with a number,
 * in which flags and values belong together.  Included by one C file a
 * program.
 */
#ifndef VIEW_H
#define VIEW_H

#include "service.h"
#include "suite.h"

FLAG_DEFINE(one, "view.one", "saved together with the others");
FLAG_DEFINE(two, "view.two", "the same");
FLAG_INT64(low, "view.low", 0, 0, 1000000, "the same");
FLAG_INT64(high, "view.high", 0, 0, 1000000, "the same");
FLAG_STRING(text, "view.text", "compiled", 40, "the same");

static struct service *service;
static struct flag_error error;

/* Generation number: flags are on where it is even, values are it. */
static inline void
save(unsigned number)
{
	const char *state = number % 2 == 0 ? "on" : "off";
	char buffer[300];

	snprintf(buffer, sizeof(buffer),
		 "[view.one]\nstate = %s\n[view.low]\nvalue = %u\n"
		 "[view.text]\nvalue = generation-%u\n"
		 "[view.high]\nvalue = %u\n[view.two]\nstate = %s\n",
		 state, number, number, number, state);
	service_save(service, "etc/svc.ini", buffer);
}

static inline int
apply(unsigned number)
{
	save(number);
	return flag_reload(&error);
}

static inline void
teardown(void)
{
	while (flag_reload(NULL) != -FLAG_EAGAIN)
		flag_stop();
	service_free(service);
}

static inline void
start(void)
{
	ck_assert_int_eq(flag_start(SERVICE, &service->options, &error), 0);
}

/* What a new view has, in one number: of no generation if they differ. */
#define MIXED UINT32_MAX

static inline unsigned
look(const struct flag_view *view)
{
	int on = flag_view_enabled(view, &one);
	int64_t number = flag_view_int64(view, &low);

	if (flag_view_enabled(view, &two) != on ||
	    flag_view_int64(view, &high) != number || on != (number % 2 == 0))
		return MIXED;
	return (unsigned)number;
}

static inline unsigned
glance(void)
{
	struct flag_view view;
	unsigned number;

	flag_view_begin(&view);
	number = look(&view);
	flag_view_end(&view);
	return number;
}

static inline void
setup(void)
{
	service = service_make();
	service->options.driver = FLAG_DRIVER_LOOP;
	save(0);
	/* The first one of a thread goes another way. */
	(void)glance();
}

static inline int
enabled_now(const struct flag *flag)
{
	struct flag_view view;
	int on;

	flag_view_begin(&view);
	on = flag_view_enabled(&view, flag);
	flag_view_end(&view);
	return on;
}

#endif
