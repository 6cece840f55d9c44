/* SPDX-License-Identifier: MIT */
/* plugin.c - a shared object with flags, which test_plugin loads later. */
#include "ripcord.h"

int plugin_own(void);
int plugin_shared(void);
int plugin_key(const char *key);
uint64_t plugin_room(void);
uint64_t plugin_room_in_view(void);

FLAG_DEFINE(own, "plugin.own", "defined by the plugin alone");
FLAG_DEFINE(both, "plugin.both", "defined by the host and by the plugin");
FLAG_SIZE(room, "plugin.room", 7, 1, 100, "defined by the plugin alone");

int
plugin_own(void)
{
	return flag_enabled(&own);
}

int
plugin_shared(void)
{
	return flag_enabled(&both);
}

int
plugin_key(const char *key)
{
	return flag_enabled_for_str(&own, key);
}

uint64_t
plugin_room(void)
{
	return flag_size(&room);
}

uint64_t
plugin_room_in_view(void)
{
	struct flag_view view;
	uint64_t size;

	flag_view_begin(&view);
	size = flag_view_size(&view, &room);
	flag_view_end(&view);
	return size;
}
