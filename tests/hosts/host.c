/* SPDX-License-Identifier: MIT */
/*
 * host.c - the smallest service that there is.  tests/installcheck builds it
 * in every way that a service may, from what was installed, and compares what
 * it prints.
 */
#include <ripcord.h>
#include <stdio.h>

FLAG_DEFINE(configured, "host.configured", "turned on by the file");
FLAG_DEFINE_WITH(compiled, "host.compiled", "on unless something says off",
		 FLAG_INITIAL_ON, "nobody");

static void
show(const char *name, const struct flag *flag)
{
	printf("%s %s\n", name, flag_enabled(flag) ? "on" : "off");
}

int main(int argc, char **argv)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;
	int started;

	if (argc != 2)
		return 2;
	options.root = argv[1];
	show("before host.configured", &configured);
	started = flag_start("host", &options, &error);
	printf("flag_start %d %s\n", started, started ? error.text : "fine");
	show("host.configured", &configured);
	show("host.compiled", &compiled);
	show("host.nowhere", flag_find("host.nowhere"));
	printf("version %s\n", flag_version());
	flag_stop();
	return 0;
}
