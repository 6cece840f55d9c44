/* SPDX-License-Identifier: MIT */
/* plugin.c - a shared object with flags, which test_plugin loads later. */
#include "ripcord.h"

int plugin_own(void);
int plugin_shared(void);

FLAG_DEFINE(own, "plugin.own", "defined by the plugin alone");
FLAG_DEFINE(both, "plugin.both", "defined by the host and by the plugin");

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
