/* SPDX-License-Identifier: MIT */
/*
 * host.c - one process of the service that kill.c flips: starts, says so by
 * closing its standard output, and waits until its standard input ends.
 */
#include <stdio.h>
#include <unistd.h>

#include <ripcord.h>

FLAG_DEFINE(killed, "bench.kill", "is flipped by flagctl");

int
main(int argc, char **argv)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error = { 0, 0, "", "" };
	char byte;

	if (argc != 3)
		return 2;
	options.root = argv[2];
	if (flag_start(argv[1], &options, &error) != 0) {
		fprintf(stderr, "host: %s\n", error.text);
		return 1;
	}
	if (write(STDOUT_FILENO, "r", 1) != 1)
		return 1;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	flag_stop();
	return 0;
}
